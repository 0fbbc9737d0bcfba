//! What is derived from the sweep.

use crate::error::{Error, ErrorKind, Site};
use crate::graph::{AsTensor, Tensor};
use crate::ops::apply::cast;
use crate::ops::elementwise::mul;
use crate::ops::movement::{expand_dims, reshape, same_shape, stop_gradient};
use crate::ops::reduce::reduce_sum;
use crate::ops::slice::{concat, slice};
use crate::shape::count;

use super::grad::grad;

/// For each `x` the Jacobian `d y[i] / d x` of the first `y_len` elements of a 1-d `y`: shape `(y_len, *x.shape)`.
#[track_caller]
pub fn jacobians<'g, A: AsTensor<'g>>(y: impl AsTensor<'g>, xs: &[A], y_len: usize) -> Vec<Tensor<'g>> {
    Site::here().during(|| rows(y.tensor(), xs, y_len))
}

fn rows<'g, A: AsTensor<'g>>(y: Tensor<'g>, xs: &[A], y_len: usize) -> Vec<Tensor<'g>> {
    if let Some(n) = y.known_shape().map(|dims| count(&dims)).filter(|&n| y_len > n) {
        let e = Error::new(
            ErrorKind::Shape,
            "jacobians",
            "there are not so many elements",
            format_args!("y_len={y_len}"),
            format_args!("y_len <= {n}"),
        );
        return xs.iter().map(|_| y.graph().poison(e.clone())).collect();
    }
    let flat = reshape(y, -1i64);
    let rows: Vec<Vec<Tensor<'g>>> = (0..y_len as i64).map(|i| grad(&[slice(flat, [i], [i + 1])], xs)).collect();
    (0..xs.len())
        .map(|k| {
            let parts: Vec<Tensor<'g>> = rows.iter().filter_map(|r| r.get(k)).map(|&g| expand_dims(g, 0i64)).collect();
            if parts.is_empty() {
                let e = Error::new(ErrorKind::Shape, "jacobians", "there is no row", format_args!("y_len={y_len}"), "y_len >= 1");
                return y.graph().poison(e);
            }
            concat(&parts, 0i64)
        })
        .collect()
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
