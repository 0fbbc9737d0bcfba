//! What several elements at one place give: values that theory fixes, and their derivatives.

use ndarray::arr1;
use scirs2_autograd::{Context, Tensor, run, tensor_ops as T};

#[path = "common/values.rs"]
#[allow(dead_code, reason = "each file of tests takes some of them")]
mod values;
use values::same;

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

/// `t` times `from`, `from + 1` and so on.
fn weighted<'g>(ctx: &'g Context, t: Tensor<'g>, from: usize) -> Tensor<'g> {
    let n = t.known_shape().unwrap()[0];
    t * ctx.constant((0..n).map(|i| (from + i) as f64).collect::<ndarray::Array1<f64>>())
}

/// What several elements at one place give, their gradients for the cotangents `g`, and those of the gradient's sum with weights.
fn meeting(reduce: T::Meeting, x: &[f64], index: &[i64], src: &[f64], g: &[f64]) -> [Vec<f64>; 5] {
    run(|ctx| {
        let (x, s) = (ctx.constant(arr1(x)), ctx.constant(arr1(src)));
        let y = T::scatter_reduce(x, ctx.constant(arr1(index)), s, 0, reduce, true);
        let gs = T::grad_with_default(&[y], &[x, s], &[ctx.constant(arr1(g))]);
        let total = T::reduce_sum(weighted(ctx, gs[0], 1), (), false) + T::reduce_sum(weighted(ctx, gs[1], 10), (), false);
        let ggs = T::grad(&[total], &[x, s]);
        let out = ctx.evaluator().push(y).extend(&gs).extend(&ggs).run();
        [0, 1, 2, 3, 4].map(|i| out[i].clone().unwrap().as_slice::<f64>().unwrap().to_vec())
    })
}

#[test]
fn products_at_places_are_exact_with_any_number_of_zeros() {
    // y0 = x0 s0 s2 = 2 * 0 * 3, y1 = x1 s1 s3 = 5 * 0 * 0: the derivative by a factor is the product of the others.
    let [y, gx, gs, ggx, ggs] = meeting(T::Meeting::Prod, &[2.0, 5.0], &[0, 1, 0, 1], &[0.0, 0.0, 3.0, 0.0], &[1.0, 1.0]);
    same(&y, &[0.0, 0.0]);
    same(&gx, &[0.0, 0.0]);
    same(&gs, &[6.0, 0.0, 0.0, 0.0]);
    // The sum is 1 s0 s2 + 2 s1 s3 + 10 x0 s2 + 11 x1 s3 + 12 x0 s0 + 13 x1 s1.
    same(&ggx, &[30.0, 0.0]);
    same(&ggs, &[1.0 * 3.0 + 12.0 * 2.0, 13.0 * 5.0, 10.0 * 2.0, 11.0 * 5.0]);
    let [y, ..] = meeting(T::Meeting::Prod, &[-0.0, INF], &[0], &[1.0], &[1.0, 1.0]);
    same(&y, &[-0.0, INF]);
}

#[test]
fn extremes_at_places_share_and_the_last_written_stays() {
    let [y, gx, gs, ggx, ggs] =
        meeting(T::Meeting::Amax, &[3.0, 1.0, NAN, 7.0], &[0, 0, 1, 1], &[3.0, 2.0, 4.0, 4.0], &[1.0, 1.0, 5.0, 1.0]);
    same(&y, &[3.0, 4.0, NAN, 7.0]);
    // What is not named is itself, NaN too.
    same(&gx, &[0.5, 0.0, 5.0, 1.0]);
    same(&gs, &[0.5, 0.0, 0.5, 0.5]);
    assert!(ggx.iter().chain(&ggs).all(|&g| g == 0.0));
    run(|ctx| {
        let (x, s) = (ctx.constant(arr1(&[0.0, 4.0, 9.0])), ctx.constant(arr1(&[0.0, 16.0, 25.0])));
        let index = ctx.constant(arr1(&[0i64, 2, 0]));
        let y = T::scatter(T::sqrt(x), index, T::sqrt(s), 0);
        let gs = T::grad(&[y], &[x, s]);
        let out = ctx.evaluator().push(y).extend(&gs).run();
        let list = |i: usize| out[i].clone().unwrap().as_slice::<f64>().unwrap().to_vec();
        same(&list(0), &[5.0, 2.0, 4.0]);
        // What was written over leaves nothing, though the square root has an infinite derivative at 0.
        same(&list(1), &[0.0, 0.25, 0.0]);
        same(&list(2), &[0.0, 0.125, 0.1]);
    });
}
