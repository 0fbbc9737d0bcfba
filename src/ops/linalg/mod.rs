//! Linear algebra: factorisations, systems, and what is computed from them, over the last two axes of arrays.

pub mod banded;
pub mod cholesky;
pub mod cluster;
pub mod determinant;
pub mod eig;
pub mod eigh;
pub mod exponentials;
pub mod functions;
pub mod lu;
pub mod norms;
pub mod pinv;
pub mod powers;
pub mod qr;
pub mod schur;
pub mod solve;
pub mod structure;
pub mod svd;
pub mod sylvester;
pub mod systems;
pub mod triangular;

use crate::dtype::DType;
use crate::error::Result;
use crate::graph::Tensor;
use crate::graph::op::{Batched, Infer, Lowering};
use crate::ops::apply::cast;
use crate::ops::batch;
use crate::ops::contract::swapped;
use crate::ops::movement::{expand_dims, same_shape};
use crate::ops::reduce::reduce_sum;
use crate::shape::{Aval, Dim, Tuple};

/// The length of the square matrices in the last two axes.
fn square(c: &Infer<'_>, a: &Aval) -> Result<Dim> {
    let side = match &a.shape[..] {
        [.., m, n] => m.unify(*n),
        _ => None,
    };
    match side {
        Some(n) => Ok(n),
        None => c.shape_error("not a square matrix", format_args!("shape {}", Tuple(&a.shape)), "shape (..., n, n)"),
    }
}

/// The lengths of the matrices in the last two axes, and the axes in front.
fn matrices<'a>(c: &Infer<'_>, a: &'a Aval) -> Result<(&'a [Dim], Dim, Dim)> {
    match &a.shape[..] {
        [lead @ .., m, n] => Ok((lead, *m, *n)),
        _ => c.shape_error("there is no matrix", format_args!("shape {}", Tuple(&a.shape)), "shape (..., m, n)"),
    }
}

/// The number of matrices and their two lengths, once they are known.
fn extents(a: Option<&&Aval>) -> (usize, usize, usize) {
    match a.and_then(|a| a.dims()).as_deref() {
        Some([lead @ .., m, n]) => (crate::shape::count(lead), *m, *n),
        _ => (0, 0, 0),
    }
}

/// `m n min(m, n)` for each matrix of the first operand, all together: what factorisations cost.
fn cubes(c: &Lowering<'_>) -> f64 {
    let (count, m, n) = extents(c.inputs.first());
    count as f64 * m as f64 * n as f64 * m.min(n) as f64
}

/// With one more axis, of operands of which the last `own[i]` axes are the op's, and those in front broadcast.
fn aligned<'g>(b: &Batched<'_, 'g>, own: &[usize]) -> Result<Vec<Tensor<'g>>> {
    let lead = |i: usize| b.single(i).ndim().saturating_sub(own.get(i).copied().unwrap_or(0));
    let most = (0..b.inputs.len()).map(lead).max().unwrap_or(0);
    let place = |(i, (&x, &has)): (usize, (&Tensor<'g>, &bool))| {
        if has { batch::behind_first(x, (most - lead(i)) as i64) } else { x }
    };
    batch::applied(b, &b.inputs.iter().zip(b.has).enumerate().map(place).collect::<Vec<_>>(), &b.node.attrs)
}

/// `f` of floating operands, computed in `float64` and rounded once: in `float32` each step, and each step of the gradient, would lose some of
/// the few digits that the condition of a matrix leaves.
fn widely<'g, const N: usize, const M: usize>(
    xs: [Tensor<'g>; N],
    f: impl FnOnce([Tensor<'g>; N]) -> Result<[Tensor<'g>; M]>,
) -> Result<[Tensor<'g>; M]> {
    if xs.iter().any(|x| x.dtype() != DType::F32) {
        return f(xs);
    }
    Ok(f(xs.map(|x| cast(x, DType::F64)))?.map(|y| if y.dtype() == DType::F64 { cast(y, DType::F32) } else { y }))
}

/// A number for each matrix, with the axes of the matrices.
fn each<'g>(x: Tensor<'g>) -> Tensor<'g> {
    expand_dims(x, [-2, -1])
}

/// A number for each row or value, as a row of the matrices.
fn row<'g>(x: Tensor<'g>) -> Tensor<'g> {
    expand_dims(x, -2)
}

/// A number for each row or value, as a column of the matrices.
fn column<'g>(x: Tensor<'g>) -> Tensor<'g> {
    expand_dims(x, -1)
}

/// The sum over each matrix.
fn total<'g>(x: Tensor<'g>) -> Tensor<'g> {
    reduce_sum(x, [-2, -1], false)
}

/// `(x + x^T) / 2`; what is no square matrix stays as it is, and is refused by what takes it.
fn symmetric_part(x: Tensor<'_>) -> Tensor<'_> {
    match x.dims() {
        [.., m, n] if m.unify(*n).is_some() => plus_transpose(x) * 0.5,
        _ => x,
    }
}

/// The transpose of a square matrix: an error of the run if it is none, where lengths are known then alone.
fn mirrored(x: Tensor<'_>) -> Tensor<'_> {
    same_shape(swapped(x), x)
}

/// `x + x^T`.
fn plus_transpose(x: Tensor<'_>) -> Tensor<'_> {
    x + mirrored(x)
}

/// `x - x^T`.
fn minus_transpose(x: Tensor<'_>) -> Tensor<'_> {
    x - swapped(x)
}
