//! Depth: a chain of a million nodes is built, differentiated, run, printed and dropped in loops, on small stacks.

use scirs2_autograd::internals::NESTED;
use scirs2_autograd::{Tensor, run, tensor_ops as T};

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

/// `depth` branches, each inside the one before.
fn nested<'g>(x: Tensor<'g>, depth: usize) -> Tensor<'g> {
    match depth {
        0 => x,
        _ => T::cond(T::greater(x, 0.0), || T::sin(nested(x, depth - 1)), || x),
    }
}

#[test]
fn a_deep_nest_of_branches_on_a_stack_of_2_mib() {
    on_a_stack_of(2, || {
        run(|ctx| {
            let x = ctx.placeholder("x", &[]);
            let y = nested(x, NESTED);
            let g = T::grad(&[y], &[x])[0];
            let out = ctx.evaluator().push(y).push(g).feed(x, 0.5).run();
            let (value, slope) = (0..NESTED).fold((0.5f64, 1.0), |(v, s), _| (v.sin(), s * v.cos()));
            for (got, wanted) in out.into_iter().zip([value, slope]) {
                let got = got.unwrap().item().unwrap();
                assert!((got - wanted).abs() <= 1e-12 * wanted.abs(), "{got} for {wanted}");
            }
            // Of a deep nest some bodies are computed again, which are shown once.
            let text = ctx.evaluator().push(y).push(g).feed(x, 0.5).plan().unwrap().explain();
            assert!(text.contains("then: as above") && text.lines().count() < 150 * NESTED, "{} lines", text.lines().count());
            let e = nested(x, NESTED + 1).error().unwrap();
            assert_eq!(e.to_string(), "cond: bodies are nested too deep. Got 401 levels; expected at most 400.");
        });
    });
}

#[test]
fn nested_branches_have_derivatives_of_higher_order() {
    run(|ctx| {
        let x = ctx.placeholder("x", &[]);
        let depth = 12;
        let y = nested(x, depth);
        let g = T::grad(&[y], &[x])[0];
        let gg = T::grad(&[g], &[x])[0];
        let out = ctx.evaluator().push(y).push(g).push(gg).feed(x, 0.5).run();
        let outer = |(v, s, c): (f64, f64, f64), _| (v.sin(), s * v.cos(), c * v.cos() - s * s * v.sin());
        let (value, slope, curve) = (0..depth).fold((0.5, 1.0, 0.0), outer);
        for (got, wanted) in out.into_iter().zip([value, slope, curve]) {
            let got = got.unwrap().item().unwrap();
            assert!((got - wanted).abs() <= 1e-12 * wanted.abs(), "{got} for {wanted}");
        }
    });
}
