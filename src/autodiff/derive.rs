//! What is derived from the sweep.

use std::ops::Range;

use crate::error::{Error, ErrorKind, Result, Site};
use crate::graph::attr::{Slice, Slices};
use crate::graph::{AsTensor, Tensor, Value};
use crate::ops::apply::cast;
use crate::ops::broadcast::broadcast_to;
use crate::ops::movement::{at_least, expand_dims, identity, repeated, reshape, same_shape};
use crate::ops::slice::{concat, slice, unslice_like, unslice_to};
use crate::shape::{Tuple, count};

use super::batch::over;
use super::grad::{full_like, grad, grad_with_default, try_grad};

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

/// Elements of seeds that one batch holds at most: a Jacobian of many rows is made of several.
const SEEDS: usize = 1 << 22;

fn rows<'g, A: AsTensor<'g>>(y: Tensor<'g>, xs: &[A], y_len: Option<usize>) -> Vec<Tensor<'g>> {
    let xs: Vec<Tensor<'g>> = xs.iter().map(|x| x.tensor()).collect();
    let known = y.known_shape().map(|dims| count(&dims));
    let made = y.error().map_or_else(|| length(y, known, y_len), Err).and_then(|n| Ok((n, stacked(y, &xs, known, n)?)));
    match made {
        Ok((n, parts)) => parts.into_iter().map(|t| long_enough(t, y, known, n)).collect(),
        Err(e) => xs.iter().map(|_| y.graph().poison(e.clone())).collect(),
    }
}

/// The first `n` rows for each `x`: one sweep, whose seed then becomes the rows of the identity matrix.
fn stacked<'g>(y: Tensor<'g>, xs: &[Tensor<'g>], known: Option<usize>, n: usize) -> Result<Vec<Tensor<'g>>> {
    if n == 0 {
        let none = |g: Tensor<'g>| slice(expand_dims(g, 0i64), [0], [0]);
        return Ok(try_grad(&[y], xs, None)?.into_iter().map(none).collect());
    }
    let flat = reshape(y, -1i64);
    // A value of its own, so that nothing else is replaced.
    let seed = identity(full_like(flat, 0.0));
    let grads: Vec<Value> = try_grad(&[flat], xs, Some(&[seed]))?.iter().map(|t| t.value()).collect();
    let most = (SEEDS / known.unwrap_or(n).max(1)).max(1);
    let mut parts: Vec<Vec<Tensor<'g>>> = vec![vec![]; xs.len()];
    for start in (0..n).step_by(most) {
        let m = most.min(n - start);
        let seeds = unit_rows(flat, known, n, start..start + m);
        for (list, t) in parts.iter_mut().zip(over(y.graph(), &grads, &[(seed.value(), seeds)], m)?) {
            list.push(t);
        }
    }
    Ok(parts.iter().map(|list| concat(list, 0i64)).collect())
}

/// Some rows of the identity matrix, each as long as `flat`, of which at least `n` elements must be.
fn unit_rows<'g>(flat: Tensor<'g>, known: Option<usize>, n: usize, rows: Range<usize>) -> Tensor<'g> {
    let (m, columns) = (rows.len() as i64, known.unwrap_or(n) as i64);
    let ones = broadcast_to(flat.graph().literal(1.0.into(), flat.dtype()), [m]);
    let stop = rows.start as i64 + (m - 1) * (columns + 1) + 1;
    let diagonal = Slice { start: Some(rows.start as i64), stop: Some(stop), step: columns + 1 };
    let unit = reshape(unslice_to(ones, Slices([diagonal].into()), [m * columns]), [m, columns]);
    if known.is_some() {
        return unit;
    }
    let first = Slice { start: Some(0), stop: Some(columns), step: 1 };
    unslice_like(at_least(unit, flat, n as i64), repeated(flat, m, 0), Slices([Slice::ALL, first].into()))
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
    // As cotangents the vectors are constants of the second sweep, whatever they were computed from; what the product depends on.
    let vectors: Vec<_> = gs.iter().zip(vectors).map(|(&g, v)| same_shape(cast(v.tensor(), g.dtype()), g)).collect();
    grad_with_default(&gs, xs, &vectors)
}
