//! What plans with clones depend on, and what they leave alone.

use std::sync::{Mutex, PoisonError};

use ndarray::Array1;
use scirs2_autograd::checkpoint::Policy;
use scirs2_autograd::internals::{compilations, same_bits};
use scirs2_autograd::{Context, Result, Tensor, TracedPlan, run, tensor_ops as T};

const N: usize = 4096;

/// Plans that are made are counted for the whole process.
static ALONE: Mutex<()> = Mutex::new(());

fn data() -> Array1<f64> {
    Array1::from_iter((0..N).map(|k| k as f64 * 1e-3 - 2.0))
}

/// Layers that are read by their own gradients.
fn deep(x: Tensor<'_>, mark: bool) -> Tensor<'_> {
    let layer = |h| {
        let h = T::tanh(h);
        T::sin(T::cumsum(if mark { T::checkpoint(h) } else { h }, 0) * 1e-3)
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

/// What is not reached through a mark is not marked, and one graph has both.
#[test]
fn consumers_follow_the_mark_that_they_came_through() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    run(|ctx| {
        let x = ctx.placeholder("x", &[N as isize]);
        let [plain, marked] = [false, true].map(|mark| T::grad(&[deep(x, mark)], &[x])[0]);
        assert_eq!(plan(ctx, plain, None).unwrap().recomputation.why, "");
        let made = plan(ctx, marked, None).unwrap();
        assert!(made.recomputation.values > 0, "{:?}", made.recomputation);
        assert_eq!(made.recomputation.peak_without, plan(ctx, plain, None).unwrap().peak_bytes());
    });
}

/// A mark leaves the order in which cotangents are added up, and what cancels by structure.
#[test]
fn gradients_through_marks_are_those_without() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let made = |mark: fn(Tensor<'_>) -> Tensor<'_>| {
        run(|ctx| {
            let x = ctx.placeholder("x", &[N as isize]);
            let a = T::sin(x);
            let m = mark(a);
            let y = T::exp(m * 0.7) + T::cos(mark(m) * 1.1) + T::tanh(a * 0.3);
            let norm = mark(T::norm(x, (), (), false));
            let zeros = mark(T::norm(x * 0.0, (), (), false));
            let g = T::grad(&[y + norm * norm + zeros * zeros], &[x])[0];
            let by_mark = T::grad(&[y], &[m])[0];
            let out = ctx.evaluator().push(g).push(T::grad(&[g * g], &[x])[0]).push(by_mark).feed("x", data()).run();
            out.into_iter().map(Result::unwrap).collect::<Vec<_>>()
        })
    };
    let [plain, marked] = [made(|t| t), made(|t| T::checkpoint(t))];
    for (k, (a, b)) in plain.iter().zip(&marked).take(2).enumerate() {
        same_bits(&format!("order {}", k + 1), b, a).unwrap();
    }
    // A mark as what is differentiated by: of what was read through it alone.
    assert!(same_bits("by the mark", &marked[2], &plain[2]).is_err());
}

/// The numbers of gradients and calls in a graph are not part of a plan's structure; which nodes are of one of them is.
#[test]
fn graphs_of_one_structure_share_a_plan() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
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
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
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
