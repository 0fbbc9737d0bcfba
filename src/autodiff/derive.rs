//! What is derived from the sweep.

use crate::error::{Error, ErrorKind, Result, Site};
use crate::graph::attr::{Slice, Slices};
use crate::graph::{AsTensor, Tensor};
use crate::ops::apply::cast;
use crate::ops::elementwise::mul;
use crate::ops::movement::{at_least, expand_dims, reshape, same_shape, stop_gradient};
use crate::ops::reduce::reduce_sum;
use crate::ops::slice::{concat, slice, unslice_like, unslice_to};
use crate::shape::{Tuple, count};

use super::grad::{grad, grad_with_default};

/// For each `x` the Jacobian `d y[i] / d x` of the first `y_len` elements of `y`, in C order: shape `(y_len, *x.shape)`.
///
/// `None` is all elements of a `y` whose shape is known when the graph is built. Where it is known only when the graph runs, a
/// length is needed, and a run in which `y` has fewer elements is a `Shape` error.
///
/// ```
/// use scirs2_autograd::{run, tensor_ops as T};
/// run(|ctx| {
///     let x = ctx.constant(ndarray::arr1(&[1.0, 2.0]));
///     let all = T::jacobians(x * x, &[x], None)[0].eval(ctx).unwrap();
///     assert_eq!(all, ndarray::arr2(&[[2.0, 0.0], [0.0, 4.0]]));
///     let first = T::jacobians(x * x, &[x], 1)[0].eval(ctx).unwrap();
///     assert_eq!(first, ndarray::arr2(&[[2.0, 0.0]]));
/// });
/// ```
#[track_caller]
pub fn jacobians<'g, A: AsTensor<'g>>(y: impl AsTensor<'g>, xs: &[A], y_len: impl Into<Option<usize>>) -> Vec<Tensor<'g>> {
    let (y, y_len) = (y.tensor(), y_len.into());
    Site::here().during(|| y.graph().inside("jacobians", || rows(y, xs, y_len)))
}

fn rows<'g, A: AsTensor<'g>>(y: Tensor<'g>, xs: &[A], y_len: Option<usize>) -> Vec<Tensor<'g>> {
    let known = y.known_shape().map(|dims| count(&dims));
    let n = match y.error().map_or_else(|| length(y, known, y_len), Err) {
        Ok(n) => n,
        Err(e) => return xs.iter().map(|_| y.graph().poison(e.clone())).collect(),
    };
    if n == 0 {
        let none = |g: Tensor<'g>| slice(expand_dims(g, 0i64), [0], [0]);
        return grad(&[y], xs).into_iter().map(|g| long_enough(none(g), y, known, n)).collect();
    }
    let flat = reshape(y, -1i64);
    let rows: Vec<Vec<Tensor<'g>>> = (0..n as i64).map(|i| row(flat, xs, known, n as i64, i)).collect();
    (0..xs.len())
        .map(|k| {
            let parts: Vec<Tensor<'g>> = rows.iter().filter_map(|r| r.get(k)).map(|&g| expand_dims(g, 0i64)).collect();
            long_enough(concat(&parts, 0i64), y, known, n)
        })
        .collect()
}

/// How many rows there are.
fn length(y: Tensor<'_>, known: Option<usize>, y_len: Option<usize>) -> Result<usize> {
    let fault = |what: &str, got: String, rule: String| Err(Error::new(ErrorKind::Shape, "jacobians", what, got, rule));
    match (y_len, known) {
        (None, Some(len)) => Ok(len),
        (None, None) => {
            let got = format!("shape {} and no y_len", Tuple(y.dims()));
            fault("the length of y is not known before the run", got, "y_len".to_owned())
        }
        (Some(n), Some(len)) if n > len => fault("there are not so many elements", format!("y_len={n}"), format!("y_len <= {len}")),
        // Each row is built, so more than a graph holds can never be.
        (Some(n), None) if n >= u32::MAX as usize => {
            fault("there are too many rows", format!("y_len={n}"), format!("y_len < {}", u32::MAX))
        }
        (Some(n), _) => Ok(n),
    }
}

/// The gradients of element `i` of `flat`.
fn row<'g, A: AsTensor<'g>>(flat: Tensor<'g>, xs: &[A], known: Option<usize>, n: i64, i: i64) -> Vec<Tensor<'g>> {
    if known.is_some() {
        return grad(&[slice(flat, [i], [i + 1])], xs);
    }
    // A slice of an unknown length may be empty; a seed that was made for `n` elements must find them.
    let one = flat.graph().scalar(1.0.into(), flat.dtype());
    let seed = unslice_to(expand_dims(one, 0i64), part(i, i + 1), [n]);
    let seed = at_least(seed, flat, n);
    grad_with_default(&[flat], xs, &[unslice_like(seed, flat, part(0, n))])
}

fn part(start: i64, stop: i64) -> Slices {
    Slices([Slice { start: Some(start), stop: Some(stop), step: 1 }].into())
}

/// `t`, an error of the run if `y` has not `n` elements: an `x` that `y` does not depend on has rows too.
fn long_enough<'g>(t: Tensor<'g>, y: Tensor<'g>, known: Option<usize>, n: usize) -> Tensor<'g> {
    if known.is_some() { t } else { at_least(t, y, n as i64) }
}

/// For each `x` the product `H v` of the Hessian of the sum of `ys` with the vectors `vectors`, one of the shape of each
/// `x`: the gradient of `sum(grad(ys, xs) * vectors)`.
#[track_caller]
pub fn hessian_vector_product<'g, A: AsTensor<'g>, B: AsTensor<'g>, C: AsTensor<'g>>(ys: &[A], xs: &[B], vectors: &[C]) -> Vec<Tensor<'g>> {
    Site::here().during(|| products(ys, xs, vectors))
}

fn products<'g, A: AsTensor<'g>, B: AsTensor<'g>, C: AsTensor<'g>>(ys: &[A], xs: &[B], vectors: &[C]) -> Vec<Tensor<'g>> {
    let gs = grad(ys, xs);
    if vectors.len() != xs.len() {
        let e = Error::new(
            ErrorKind::Shape,
            "_hessian_vector_product",
            "vectors and xs do not pair",
            format_args!("{} and {}", vectors.len(), xs.len()),
            "one vector an x",
        );
        return xs.iter().map(|x| x.tensor().graph().poison(e.clone())).collect();
    }
    // A vector is a constant of the second sweep, whatever it was computed from.
    let dots = gs.iter().zip(vectors).map(|(&g, v)| {
        let v = stop_gradient(same_shape(cast(v.tensor(), g.dtype()), g));
        reduce_sum(mul(g, v), (), false)
    });
    match dots.reduce(|a, b| a + b) {
        Some(total) => grad(&[total], xs),
        None => vec![],
    }
}
