//! Gradients as users ask for them.

use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::{AsTensor, Tensor};
use crate::ops::broadcast::broadcast_like;
use crate::ops::rules::typed_like;

use super::sweep::sweep;

/// A number repeated to the shape of `t`, in its dtype.
pub(super) fn full_like<'g>(t: Tensor<'g>, x: f64) -> Tensor<'g> {
    let dtype = if t.dtype() == DType::Bool { DType::F64 } else { t.dtype() };
    let x = if dtype.is_float() { x.into() } else { (x as i64).into() };
    broadcast_like(t.graph().literal(x, dtype), t)
}

/// Gradients of the sum of `ys` with respect to each of `xs`, as graph: `d (sum of all elements of all ys) / d x`.
///
/// An `x` that no `y` depends on has a gradient of zeros. Where a branch was not taken (`select`, `clip`, `relu`, extrema) or
/// a part was not used (slices, gathers), nothing reaches the gradient, whatever infinities or NaN stand there: through
/// elementwise functions, movement, sums, broadcasts and products of matrices. One case is left: an operand of a product of
/// matrices that is itself infinite or NaN in a branch that was not taken reaches the gradient of the product's other operand.
///
/// What the program makes a tensor (a constant, zeros, a placeholder) is a tensor of its own, with its own gradient, whatever
/// other tensor has the same numbers. Equal expressions are one tensor: `x * x` written twice is one `x * x`, and its
/// gradient counts both uses. `identity(x * x)` is another tensor at each call.
///
/// Errors (an op on the way that has no gradient, an `x` that is not
/// floating) make the results error tensors, which evaluation returns.
///
/// ```
/// use scirs2_autograd::{run, tensor_ops as T};
/// let g = run(|ctx| {
///     let x = ctx.placeholder("x", &[]);
///     let y = x * x * x;
///     let g = T::grad(&[y], &[x]);
///     ctx.evaluator().push(g[0]).feed(x, 2.0).run()[0].clone()
/// });
/// assert_eq!(g.unwrap().item().unwrap(), 12.0);
/// ```
#[track_caller]
pub fn grad<'g, A: AsTensor<'g>, B: AsTensor<'g>>(ys: &[A], xs: &[B]) -> Vec<Tensor<'g>> {
    graded(ys, xs, None)
}

/// As [`grad`], with given cotangents of `ys` in place of ones: one for each, of its shape or repeated to it.
#[track_caller]
pub fn grad_with_default<'g, A: AsTensor<'g>, B: AsTensor<'g>, C: AsTensor<'g>>(ys: &[A], xs: &[B], ys_grads: &[C]) -> Vec<Tensor<'g>> {
    let gs: Vec<Tensor<'g>> = ys_grads.iter().map(|t| t.tensor()).collect();
    graded(ys, xs, Some(&gs))
}

#[track_caller]
fn graded<'g, A: AsTensor<'g>, B: AsTensor<'g>>(ys: &[A], xs: &[B], seeds: Option<&[Tensor<'g>]>) -> Vec<Tensor<'g>> {
    let ys: Vec<Tensor<'g>> = ys.iter().map(|t| t.tensor()).collect();
    let xs: Vec<Tensor<'g>> = xs.iter().map(|t| t.tensor()).collect();
    let site = crate::error::Site::here();
    match site.during(|| try_grad(&ys, &xs, seeds)) {
        Ok(grads) => grads,
        Err(e) => site.during(|| xs.iter().map(|x| x.graph().poison(e.clone())).collect()),
    }
}

/// As [`grad`], with the cotangents of `ys` if they are given, and with errors as results.
pub fn try_grad<'g>(ys: &[Tensor<'g>], xs: &[Tensor<'g>], seeds: Option<&[Tensor<'g>]>) -> Result<Vec<Tensor<'g>>> {
    let given = seeds.is_some();
    let seeds = seeds.unwrap_or(&[]);
    if given && seeds.len() != ys.len() {
        return Err(Error::new(
            ErrorKind::Shape,
            "grad",
            "cotangents and outputs do not pair",
            format_args!("{} and {}", seeds.len(), ys.len()),
            "one cotangent an output",
        ));
    }
    for t in ys.iter().chain(xs).chain(seeds) {
        if let Some(e) = t.error() {
            return Err(e);
        }
        if xs.first().is_some_and(|x| x.graph().id() != t.graph().id()) {
            return Err(Error::new(
                ErrorKind::Graph,
                "grad",
                "tensors of two graphs are mixed",
                "tensors of two contexts",
                "all tensors from one context",
            ));
        }
    }
    for t in ys.iter().chain(xs) {
        if !t.dtype().is_float() {
            let e = Error::new(ErrorKind::NotDifferentiable, "grad", "not a floating tensor", format_args!("{t:?}"), "float32 or float64");
            return Err(e.help("cast it to a floating dtype before it is used"));
        }
    }
    let mut pairs = Vec::with_capacity(ys.len());
    for (i, &y) in ys.iter().enumerate() {
        let seed = match seeds.get(i) {
            Some(&s) => broadcast_like(typed_like(s, y), y),
            None => full_like(y, 1.0),
        };
        if let Some(e) = seed.error() {
            return Err(e);
        }
        pairs.push((y, seed));
    }
    let grads = sweep(&pairs, xs, false)?;
    let grads: Vec<_> = grads.into_iter().zip(xs).map(|(g, &x)| g.unwrap_or_else(|| full_like(x, 0.0))).collect();
    match grads.iter().find_map(|t| t.error()) {
        Some(e) => Err(e),
        None => Ok(grads),
    }
}
