//! Depth: a chain of a million nodes is built, differentiated, run, printed and dropped in loops, on small stacks.

use scirs2_autograd::{run, tensor_ops as T};

const NODES: usize = 1_000_000;

fn chain(nodes: usize) {
    run(|ctx| {
        let x = ctx.placeholder("x", &[]);
        let mut y = x;
        for _ in 0..nodes / 2 {
            y = -T::sin(y);
        }
        assert!(ctx.len() > nodes);
        let g = T::grad(&[y], &[x])[0];
        let out = ctx.evaluator().push(y).push(g).feed(x, 0.5).run();
        let (mut value, mut slope) = (0.5f64, 1.0);
        for _ in 0..nodes / 2 {
            slope *= -value.cos();
            value = -value.sin();
        }
        let near = |i: usize, wanted: f64| {
            let got = out[i].as_ref().unwrap().item().unwrap();
            assert!((got - wanted).abs() <= 1e-9 * wanted.abs(), "{got} for {wanted}");
        };
        near(0, value);
        near(1, slope);
        let text = ctx.to_text(&[g.value()]);
        assert!(text.lines().count() > nodes);
    });
}

fn on_a_stack_of(megabytes: usize, f: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(megabytes << 20).spawn(f).unwrap();
    thread.join().unwrap();
}

#[test]
fn a_million_nodes_on_a_stack_of_8_mib() {
    on_a_stack_of(8, || chain(NODES));
}

#[test]
fn a_million_nodes_on_a_stack_of_2_mib() {
    on_a_stack_of(2, || chain(NODES));
}

#[test]
fn a_wide_sum_and_its_gradient() {
    on_a_stack_of(2, || {
        run(|ctx| {
            let x = ctx.placeholder("x", &[]);
            let mut y = x;
            for k in 0..100_000 {
                y = y + x * f64::from(k);
            }
            let g = T::grad(&[y], &[x])[0];
            let out = ctx.evaluator().push(g).feed(x, 2.0).run();
            assert_eq!(out[0].as_ref().unwrap().item().unwrap(), 4_999_950_001.0);
        });
    });
}
