//! What several tests and the benchmark of the engine start from: a network of two layers, trained by Adam.

use scirs2_autograd::DType;
use scirs2_autograd::optimizers::adam::Adam;
use scirs2_autograd::{Context, Tensor, VariableEnvironment, tensor_ops as T};

/// Weights of 784-128-10 in `f32`, and their optimizer.
pub fn environment() -> (VariableEnvironment, Adam) {
    let env = VariableEnvironment::new();
    let rng = scirs2_autograd::ndarray_ext::ArrayRng::<f32>::from_seed(1);
    env.name("w1").set(rng.glorot_uniform(&[784, 128]));
    env.name("b1").set(T::zeros([1, 128]));
    env.name("w2").set(rng.glorot_uniform(&[128, 10]));
    env.name("b2").set(T::zeros([1, 10]));
    let adam = Adam::default("adam", env.default_namespace().current_var_ids(), &env);
    (env, adam)
}

/// The loss of the network, and what a step takes.
pub struct Network<'g> {
    pub x: Tensor<'g>,
    pub y: Tensor<'g>,
    pub vars: [Tensor<'g>; 4],
    pub loss: Tensor<'g>,
    pub grads: Vec<Tensor<'g>>,
}

/// The network for labels of a dtype, with a function of the hidden layer between its two products.
pub fn network_with<'g>(ctx: &'g Context, labels: DType, between: impl FnOnce(Tensor<'g>) -> Tensor<'g>) -> Network<'g> {
    let x = ctx.placeholder("x", &[-1, 784]);
    let y = ctx.placeholder_of("y", &[-1], labels);
    let vars = ["w1", "b1", "w2", "b2"].map(|n| ctx.variable(n));
    let [w1, b1, w2, b2] = vars;
    let h = between(T::relu(T::matmul(x, w1) + b1));
    let logits = T::matmul(h, w2) + b2;
    let loss = T::reduce_mean(T::sparse_softmax_cross_entropy(logits, y), [0], false);
    let grads = T::grad(&[loss], &vars);
    Network { x, y, vars, loss, grads }
}

/// The network for labels of a dtype.
pub fn network(ctx: &Context, labels: DType) -> Network<'_> {
    network_with(ctx, labels, |h| h)
}

/// Images of a batch, and labels as `L`.
pub fn data<L: From<u8>>(batch: usize) -> (ndarray::Array2<f32>, ndarray::Array1<L>) {
    let images = ndarray::Array2::from_shape_fn((batch, 784), |(i, j)| ((i * 31 + j * 17) % 256) as f32 / 255.0);
    (images, ndarray::Array1::from_shape_fn(batch, |i| L::from((i % 10) as u8)))
}
