//! Times of the engine on one thread: processor time, the least of many runs.
//!
//! `cargo run --release --example engine_bench [name ...]` runs the programs whose names contain one of the words.

#[path = "../tests/common/mod.rs"]
mod common;

use common::{Network, network};
use scirs2_autograd::DType;
use scirs2_autograd::{Feeder, Tensor, VariableEnvironment, run, tensor_ops as T};

/// Processor time of this thread, in seconds.
fn clock() -> f64 {
    let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `t` is a timespec.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut t) };
    t.tv_sec as f64 + t.tv_nsec as f64 * 1e-9
}

/// The least time of `f` over about `seconds`, each time for `batch` calls in a row, or more: the clock is coarse.
fn least(seconds: f64, batch: usize, mut f: impl FnMut()) -> f64 {
    let t = std::time::Instant::now();
    f();
    let batch = batch.max((0.01 / t.elapsed().as_secs_f64()) as usize).max(1);
    let start = clock();
    let mut best = f64::INFINITY;
    let mut runs = 0;
    while runs < 3 || (clock() - start < seconds && runs < 100_000) {
        let t = clock();
        for _ in 0..batch {
            f();
        }
        best = best.min((clock() - t) / batch as f64);
        runs += 1;
    }
    best
}

fn show(name: &str, seconds: f64) {
    let (value, unit) = match seconds {
        s if s < 1e-6 => (s * 1e9, "ns"),
        s if s < 1e-3 => (s * 1e6, "us"),
        s => (s * 1e3, "ms"),
    };
    println!("{name:44} {value:9.3} {unit}");
}

fn data(n: usize) -> ndarray::Array1<f32> {
    ndarray::Array1::from_shape_fn(n, |i| ((i * 7919) % 4001) as f32 / 1000.0 - 2.0)
}

/// `sum(sin(x) exp(-x x) + log(1 + x x) tanh(x) / (2 + cos(x)))`
fn chain<'g>(x: Tensor<'g>) -> Tensor<'g> {
    let y = T::sin(x) * T::exp(-(x * x)) + T::log(1.0 + x * x) * T::tanh(x) / (2.0 + T::cos(x));
    T::reduce_sum(y, (), false)
}

fn explain(wanted: bool, e: &scirs2_autograd::Evaluator<'_, '_>) {
    if wanted {
        print!("{}", e.plan().map_or_else(|e| e.to_string(), |p| p.explain()));
    }
}

fn elementwise(n: usize, verbose: bool) {
    let env = VariableEnvironment::new();
    env.name("w").set(ndarray::arr0(0.0f32));
    env.run(|ctx| {
        let x = ctx.placeholder("x", &[-1]);
        let y = chain(x);
        let g = T::grad(&[y], &[x])[0];
        let a = data(n);
        explain(verbose, &ctx.evaluator().push(y).push(g).feed(x, a.view()));
        let t = least(1.0, 1, || {
            let out = ctx.evaluator().push(y).push(g).feed(x, a.view()).run();
            assert!(out.iter().all(|r| r.is_ok()));
        });
        show(&format!("chain of 10, value and gradient, {n}"), t);
    });
}

fn broadcast(verbose: bool) {
    let env = VariableEnvironment::new();
    env.name("w").set(ndarray::arr0(0.0f32));
    env.run(|ctx| {
        let x = ctx.placeholder("x", &[4096, 1]);
        let y = ctx.placeholder("y", &[1, 4096]);
        let z = x + y;
        let s = T::reduce_sum(z * z, (), false);
        let g = T::grad(&[s], &[x, y]);
        let a = data(4096).into_shape_with_order((4096, 1)).unwrap_or_default();
        let b = data(4096).into_shape_with_order((1, 4096)).unwrap_or_default();
        let ask = || ctx.evaluator().push(s).extend(&g).feed(x, a.view()).feed(y, b.view());
        explain(verbose, &ask());
        let t = least(1.0, 1, || assert!(ask().run().iter().all(|r| r.is_ok())));
        show("broadcast 4096 x 4096, value and gradients", t);
    });
}

fn adam(batch: usize, verbose: bool) {
    let (env, adam) = common::environment();
    let (images, labels) = common::data::<i64>(batch);
    env.run(|ctx| {
        let Network { x, y, vars, loss, grads } = network(ctx, DType::I64);
        let feeder = || Feeder::new().push(x, images.view()).push(y, labels.view());
        if verbose {
            print!("{}", adam.plan(&[loss], &vars, &grads, ctx, feeder()).map_or_else(|e| e.to_string(), |p| p.explain()));
        }
        let t = least(1.5, 1, || assert!(adam.update_and_eval(&[loss], &vars, &grads, ctx, feeder()).is_ok()));
        show(&format!("784-128-10, Adam step, batch {batch}, same graph"), t);
    });
    let t = least(1.5, 1, || {
        env.run(|ctx| {
            let Network { x, y, vars, loss, grads } = network(ctx, DType::I64);
            let feeder = Feeder::new().push(x, images.view()).push(y, labels.view());
            assert!(adam.update_and_eval(&[loss], &vars, &grads, ctx, feeder).is_ok());
        });
    });
    show(&format!("784-128-10, Adam step, batch {batch}, new graph"), t);
}

fn scalar_chain(nodes: usize) {
    run(|ctx| {
        let x = ctx.placeholder("x", &[]);
        let t = clock();
        let mut y = x;
        for k in 0..nodes / 2 {
            y = T::sin(y) * (1.0 + k as f64 * 1e-9);
        }
        let g = T::grad(&[y], &[x])[0];
        show(&format!("scalar chain of {nodes}: build, differentiate"), clock() - t);
        println!("{:44} {:9}", "    nodes", ctx.len());
        let t = clock();
        assert!(ctx.evaluator().push(y).push(g).feed(x, 0.5).run()[0].is_ok());
        show("    first run", clock() - t);
        let t = least(0.3, 1, || assert!(ctx.evaluator().push(y).push(g).feed(x, 0.5).run()[0].is_ok()));
        show("    further runs", t);
    });
}

fn scalar_program() {
    run(|ctx| {
        let x = ctx.placeholder("x", &[]);
        let y = ctx.placeholder("y", &[]);
        let z = 2.0 * x * x + 3.0 * y + 1.0;
        let gy = T::grad(&[z], &[y])[0];
        let gx = T::grad(&[z], &[x])[0];
        let ggx = T::grad(&[gx], &[x])[0];
        let t = least(0.3, 1000, || {
            assert!(ctx.evaluator().push(gy).push(gx).push(ggx).feed(x, 2.0).feed(y, 1.0).run()[0].is_ok());
        });
        show("scalar program, three gradients", t);
        let t = least(0.3, 1000, || assert!(ctx.evaluator().push(gx).feed(x, 2.0).run()[0].is_ok()));
        show("scalar program, dz/dx", t);
    });
}

fn first_result() {
    let once = || {
        run(|ctx| {
            let x = ctx.placeholder("x", &[16]);
            let mut y = x;
            for k in 0..100 {
                y = T::tanh(y * (1.0 + f64::from(k) * 1e-3) + x) - T::sin(y);
            }
            let g = T::grad(&[y], &[x])[0];
            let a = ndarray::Array1::from_elem(16, 0.5);
            assert!(ctx.evaluator().push(g).feed(x, a.view()).run()[0].is_ok());
            ctx.len()
        })
    };
    let nodes = once();
    show(&format!("new graph of {nodes} nodes, plan kept"), least(0.5, 1, || assert!(once() == nodes)));
    let t = least(0.5, 1, || {
        scirs2_autograd::internals::clear();
        once();
    });
    show(&format!("new graph of {nodes} nodes, plan compiled"), t);
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|a| a != "--explain").collect();
    let verbose = std::env::args().any(|a| a == "--explain");
    let on = |name: &str| words.is_empty() || words.iter().any(|w| name.contains(w.as_str()));
    if on("elementwise") {
        elementwise(65_536, false);
        elementwise(1_000_000, verbose);
        elementwise(10_000_000, false);
    }
    if on("broadcast") {
        broadcast(verbose);
    }
    for batch in [32, 128, 1024] {
        if on(&format!("adam{batch}")) {
            adam(batch, verbose);
        }
    }
    if on("chain") {
        scalar_chain(100_000);
    }
    if on("scalar") {
        scalar_program();
    }
    if on("first") {
        first_result();
    }
}
