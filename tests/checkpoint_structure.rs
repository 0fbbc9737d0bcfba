//! What plans with clones depend on, and what they leave alone.

use ndarray::Array1;
use scirs2_autograd::checkpoint::Policy;
use scirs2_autograd::internals::{compilations, same_bits};
use scirs2_autograd::{Context, Result, Tensor, TracedPlan, run, tensor_ops as T};

const N: usize = 4096;

fn data() -> Array1<f64> {
    Array1::from_iter((0..N).map(|k| k as f64 * 1e-3 - 2.0))
}

/// Layers that are read by their own gradients.
fn deep(x: Tensor<'_>, mark: bool) -> Tensor<'_> {
    let layer = |h| {
        let h = T::sin(T::cumsum(T::tanh(h), 0) * 1e-3);
        if mark { T::checkpoint(h) } else { h }
    };
    T::reduce_sum((0..6).fold(x, |h, _| layer(h)), (), false)
}

fn plan(ctx: &Context, y: Tensor<'_>, policy: Option<Policy>) -> Result<TracedPlan> {
    let ask = ctx.evaluator().push(ctx.tensor(y.value())).feed("x", data());
    match policy {
        Some(p) => ask.checkpoint(p),
        None => ask,
    }
    .plan()
}

#[test]
fn a_mark_that_is_made_later_makes_a_new_plan() {
    run(|ctx| {
        let x = ctx.placeholder("x", &[N as isize]);
        let h = T::sin(T::cumsum(x, 0));
        let g = T::grad(&[T::cumsum(T::tanh(h) * h, 0)], &[x])[0];
        assert_eq!(plan(ctx, g, None).unwrap().recomputation.why, "");
        assert_eq!(T::checkpoint(h).value(), h.value());
        assert!(plan(ctx, g, None).unwrap().recomputation.why.starts_with("as marked"));
    });
}

/// The numbers of gradients and calls in a graph are not part of a plan's structure; which nodes are of one of them is.
#[test]
fn graphs_of_one_structure_share_a_plan() {
    let once = |others: usize| {
        run(|ctx| {
            let x = ctx.placeholder("x", &[N as isize]);
            for k in 0..others {
                let group = T::CheckpointGroup::new(ctx);
                T::grad(&[group.checkpoint_fn(&[x], |xs| T::exp(xs[0] * (k as f64 + 3.0)))], &[x]);
            }
            let y = T::CheckpointGroup::new(ctx).checkpoint_fn(&[x], |xs| deep(xs[0], true));
            let g = T::grad(&[y], &[x])[0];
            plan(ctx, g, None).unwrap().recomputation.values
        })
    };
    let values = once(0);
    let count = compilations();
    assert_eq!((once(3), compilations()), (values, count));
    assert!(values > 0);
}

/// A Jacobian by rows that are computed together is part of the gradient whose rows they are.
#[test]
fn jacobians_compute_again_too() {
    run(|ctx| {
        let x = ctx.placeholder("x", &[N as isize]);
        let y = T::reshape(deep(x, false), [1]);
        let j = T::jacobians(y, &[x], 1)[0];
        let (all, few) = (plan(ctx, j, None).unwrap(), plan(ctx, j, Some(Policy::segments(None))).unwrap());
        assert!(few.recomputation.values > 0 && few.peak_bytes() < all.peak_bytes(), "{:?}", few.recomputation);
        let ask = || ctx.evaluator().push(j).feed("x", data());
        let [a, b] = [ask().run(), ask().checkpoint(Policy::segments(None)).run()].map(|mut r| r.remove(0).unwrap());
        same_bits("jacobian", &b, &a).unwrap();
    });
}
