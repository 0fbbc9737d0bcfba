//! The real Schur form.

use smallvec::smallvec;

use crate::array::with_lead;
use crate::graph::Tensor;
use crate::graph::op::{CallKernel, Kernel, OpDef};
use crate::kernels::linalg::{commuted, schur};
use crate::ops::compare::not_equal;
use crate::ops::contract::{batch_matmul, swapped};
use crate::ops::diagonals::{diag_embed, tril, triu};
use crate::ops::reduce::reduce_sum;
use crate::ops::select::select;
use crate::ops::unpack::{arity, attr};
use crate::shape::{Aval, Shape, Tuple, broadcast};

use super::{aligned, extents, minus_transpose, square};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&SCHUR, &COMMUTED];

row! {
    /// The real Schur form `a = z t z^T` of the square matrices in the last two axes: `z` is orthogonal, and `t` an upper triangle, with a
    /// block of two rows on the diagonal for each pair of complex eigenvalues: of equal diagonal elements, and of opposite signs off the
    /// diagonal. NaN and infinities are an error of the run.
    ///
    /// Gradient: `z (gt - d(y)) z^T`. For the variation of `z` is `z w` with a skew `w`, and `z^T da z + t w - w t` has zeros below the blocks
    /// and equal diagonal elements in each block of two rows: that is a linear system for the strictly lower triangle of `w`. `y` solves
    /// the adjoint one for that of `s - s^T` with `s = z^T gz + t^T gt - gt t^T`, and `d` puts the elements of `y` inside of blocks on the
    /// diagonal, as differences; of `gt` what is below the blocks does not count. Repeated eigenvalues are an error of the run, and so is a
    /// block `[a, b; -b, a]`, which any rotation leaves as it is.
    pub SCHUR = fn schur(a: float) -> t, z
    shape(c) {
        square(c, a)?;
        Ok(smallvec![a.clone(), a.clone()])
    };
    kernel Kernel::Call(CallKernel {
        run: |c| match (c.inputs, &mut *c.outputs) {
            ([a], [t, z]) => schur::schur(c.ranges, c.op, *a, c.scratch, t, z),
            _ => Err(arity(c.op)),
        },
        scratch: |avals, _| {
            let (count, n, _) = extents(avals.first());
            schur::schur_bytes(count, n)
        },
        fallible: true,
        spares: &[],
    });
    support Unknown;
    vjp(gt, gz) { a: {
        let gt = within(t, gt);
        let s = batch_matmul(swapped(z), gz) + batch_matmul(swapped(t), gt) - batch_matmul(gt, swapped(t));
        let y = commuted(t, tril(minus_transpose(s), -1), true);
        batch_matmul(batch_matmul(z, gt - on_diagonal(t, y)), swapped(z))
    } }
    batch Leading(2);
    cost |c| 25.0 * super::cubes(c);
    numpy "ref.each(scipy.linalg.schur, a)";
    example "T.schur([[1.0, 2.0], [0.0, 3.0]])" => "[[1. 2.]\n [0. 3.]] [[1. 0.]\n [0. 1.]]";
    linalg schur;
    rounds by_layout;
    case spd[3, 3];
    case spd[2, 2, 2];
    refuses f64[2, 3] => "schur: not a square matrix. Got shape (2, 3); expected shape (..., n, n).";
}

/// `x` without what is below the blocks of the Schur form `t`.
fn within<'g>(t: Tensor<'g>, x: Tensor<'g>) -> Tensor<'g> {
    select(not_equal(t, 0.0), x, triu(x, 0))
}

/// The strictly lower triangle `y` with its elements inside of the blocks of `t` on the diagonal, with opposite signs in the two rows.
fn on_diagonal<'g>(t: Tensor<'g>, y: Tensor<'g>) -> Tensor<'g> {
    let inside = select(not_equal(t, 0.0), y, 0.0);
    let (first, second) = (reduce_sum(inside, [-2], false), reduce_sum(inside, [-1], false));
    y - inside + diag_embed(first - second, 0, -2, -1)
}

row! {
    /// The strictly lower triangle `x` for which, with `w = x - x^T` and the Schur form `t`, `t w - w t` is as the strictly lower triangle of `r`
    /// says: the element itself below the blocks, and inside of a block the difference of the diagonal elements. With `transpose` the
    /// adjoint system is solved.
    ///
    /// Gradient: the solution `y` of the other system for `tril(g, -1)`, for `r`; with `d` and `w` as of `schur`, `d(y) w - w d(y)` for `t`, with the
    /// parts of `x` and `y` exchanged if `transpose`.
    pub(crate) COMMUTED = fn commuted(t: float, r: float; transpose: bool = false) -> x
    shape(c) {
        let (n, m) = (square(c, t)?, square(c, r)?);
        if n.unify(m).is_none() {
            return c.shape_error("the lengths differ", format_args!("{} and {}", Tuple(&t.shape), Tuple(&r.shape)), "matrices of one length");
        }
        let lead = |a: &Aval| -> Shape { a.shape[..a.ndim().saturating_sub(2)].into() };
        let mut shape = broadcast(c.op, &lead(t), &lead(r), c.fresh)?;
        shape.extend([n, m]);
        Ok(smallvec![Aval { dtype: t.dtype, shape }])
    };
    kernel Kernel::Call(CallKernel {
        run: |c| {
            let transpose: bool = attr(c.attrs.first())?;
            let ([t, r], [x]) = (c.inputs, &mut *c.outputs) else { return Err(arity(c.op)) };
            let lead: crate::shape::Dims = x.dims()[..x.dims().len().saturating_sub(2)].into();
            with_lead(*t, &lead, 2, |t| with_lead(*r, &lead, 2, |r| commuted::commuted(c.ranges, "schur", [t, r], transpose, c.scratch, x)))
        },
        scratch: |avals, _| {
            let count = avals.iter().map(|a| extents(Some(a)).0.max(1)).fold(1, usize::saturating_mul);
            commuted::commuted_bytes(count, extents(avals.first()).1)
        },
        fallible: true,
        spares: &[],
    });
    support Unknown;
    vjp(g) {
        t: {
            let y = commuted(t, tril(g, -1), !transpose);
            let (x, y) = if transpose { (y, x) } else { (x, y) };
            let (w, d) = (minus_transpose(x), on_diagonal(t, y));
            within(t, batch_matmul(d, w) - batch_matmul(w, d))
        },
        r: commuted(t, tril(g, -1), !transpose),
    }
    batch Rule(|b| aligned(b, &[2, 2]));
    cost |c| c.size() * c.lengths(0).last().map_or(0.0, |&n| n as f64);
    numpy "ref.commuted(t, r, transpose)";
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "it takes a Schur form: schur tests it";
    refuses f64[2, 2], f64[3, 3] => "commuted: the lengths differ. Got (2, 2) and (3, 3); expected matrices of one length.";
}
