//! The real Schur form.

use smallvec::smallvec;

use crate::array::with_lead;
use crate::graph::op::{CallKernel, Kernel, OpDef};
use crate::kernels::linalg::schur;
use crate::kernels::linalg::sylvester as systems;
use crate::ops::contract::{batch_matmul, swapped};
use crate::ops::diagonals::{tril, triu};
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
    /// Gradient: `z (triu(gt) - y) z^T`, where `y` is the strictly lower triangle for which `t^T y - y t^T` has that of `s - s^T`, with
    /// `s = z^T gz + t^T triu(gt) - triu(gt) t^T`: for the variation of `z` is `z w` with a skew `w`, and `z^T da z + t w - w t` is an
    /// upper triangle. The eigenvalues must be real and distinct, else it is an error of the run.
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
        spares: false,
    });
    support Unknown;
    vjp(gt, gz) { a: {
        let gt = triu(gt, 0);
        let s = batch_matmul(swapped(z), gz) + batch_matmul(swapped(t), gt) - batch_matmul(gt, swapped(t));
        let y = commuted(t, tril(minus_transpose(s), -1), true);
        batch_matmul(batch_matmul(z, gt - y), swapped(z))
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

row! {
    /// The strictly lower triangle `x` for which `t x - x t` has the strictly lower triangle of `r`, for upper triangles `t` with distinct
    /// elements on the diagonal; or with `transpose` that for which `t^T x - x t^T` has it.
    ///
    /// Gradient: with the solution `y` of the other one for `tril(g, -1)`, `y` for `r`, and the upper triangle of `x^T y - y x^T` for `t`,
    /// or with `transpose` of `y^T x - x y^T`.
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
            with_lead(*t, &lead, 2, |t| with_lead(*r, &lead, 2, |r| systems::commuted(c.ranges, "schur", [t, r], transpose, c.scratch, x)))
        },
        scratch: |avals, _| {
            let count = avals.iter().map(|a| extents(Some(a)).0.max(1)).fold(1, usize::saturating_mul);
            systems::commuted_bytes(count, extents(avals.first()).1)
        },
        fallible: true,
        spares: false,
    });
    support Unknown;
    vjp(g) {
        t: {
            let y = commuted(t, tril(g, -1), !transpose);
            let (x, y) = if transpose { (y, x) } else { (x, y) };
            triu(batch_matmul(swapped(x), y) - batch_matmul(y, swapped(x)), 0)
        },
        r: commuted(t, tril(g, -1), !transpose),
    }
    batch Rule(|b| aligned(b, &[2, 2]));
    cost |c| c.size() * c.lengths(0).last().map_or(0.0, |&n| n as f64);
    numpy "ref.commuted(t, r, transpose)";
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "it takes a triangle: schur tests it";
    refuses f64[2, 2], f64[3, 3] => "commuted: the lengths differ. Got (2, 2) and (3, 3); expected matrices of one length.";
}
