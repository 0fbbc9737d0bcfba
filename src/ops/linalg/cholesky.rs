//! The Cholesky factorisation, and what its gradient needs.

use smallvec::smallvec;

use crate::array::with_lead;
use crate::graph::attr::AttrType;
use crate::graph::op::{CallKernel, Cotangent, Kernel, OpDef, Vjp};
use crate::graph::{AsTensor, Tensor};
use crate::kernels::linalg::cholesky;
use crate::ops::apply::{apply, cast};
use crate::ops::compare::equal;
use crate::ops::contract::{batch_matmul, swapped};
use crate::ops::diagonals::{rows_and_columns, tril};
use crate::ops::movement::identity;
use crate::ops::select::select;
use crate::ops::unpack;

use super::lu::system;
use super::triangular::solve_lower;
use super::{aligned, extents, square, symmetric_part, widely};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&CHOLESKY_LOWER, &CHOLESKY_COTANGENT, &CHOLESKY];

/// The lower triangle of square matrices with the diagonal halved, zeros above.
fn halved_triangle(x: Tensor<'_>) -> Tensor<'_> {
    let (rows, columns) = match rows_and_columns("cholesky", x, 0) {
        Ok(places) => places,
        Err(e) => return x.graph().poison(e),
    };
    select(equal(columns, rows), x * 0.5, tril(x, 0))
}

row! {
    /// The lower factor `l` of the symmetric part `(a + a^T) / 2 = l l^T`. A matrix that is not positive definite is an error of the run.
    ///
    /// Gradient: the symmetric part of `l^-T phi(l^T g) l^-1`, where `phi` is the lower triangle with its diagonal halved (Murray 2016,
    /// arXiv:1602.07527, equation 10).
    pub(crate) CHOLESKY_LOWER = fn cholesky_lower(a: float) -> l
    shape(c) {
        square(c, a)?;
        Ok(smallvec![a.clone()])
    };
    kernel Kernel::Call(CallKernel {
        run: |c| match (c.inputs, &mut *c.outputs) {
            ([a], [l]) => cholesky::cholesky(c.ranges, c.op, *a, c.scratch, l),
            _ => Err(unpack::arity(c.op)),
        },
        scratch: |avals, _| {
            let (count, n, _) = extents(avals.first());
            avals.first().map_or(0, |a| cholesky::scratch_bytes(count, n, a.dtype))
        },
        fallible: true,
        spares: &[],
    });
    support Unknown;
    vjp(g) { a: cholesky_cotangent(l, g) }
    batch Leading(2);
    cost |c| c.size() * c.lengths(0).last().map_or(0.0, |&n| n as f64) / 3.0;
    numpy "np.linalg.cholesky((a + np.swapaxes(a, -1, -2)) / 2)";
    rounds by_layout;
    case spd[3, 3];
    case spd[2, 2, 2];
    refuses f64[2, 3] => "cholesky_lower: not a square matrix. Got shape (2, 3); expected shape (..., n, n).";
}

row! {
    /// The symmetric part of `l^-T phi(l^T g) l^-1`, the cotangent of a matrix from that of its factor; of `l` the lower triangle is read.
    ///
    /// Gradient: that of the formula, written with products and triangular systems.
    pub(crate) CHOLESKY_COTANGENT = fn cholesky_cotangent(l: float, g: float) -> y
    shape(c) {
        square(c, g)?;
        Ok(smallvec![system(c, l, g)?])
    };
    kernel Kernel::Call(CallKernel {
        run: |c| match (c.inputs, &mut *c.outputs) {
            ([l, g], [y]) => {
                let lead = &y.dims()[..y.dims().len().saturating_sub(2)];
                let (scratch, ranges, op) = (&mut *c.scratch, c.ranges, c.op);
                with_lead(*l, lead, 2, |l| with_lead(*g, lead, 2, |g| cholesky::cotangent(ranges, op, [l, g], scratch, y)))
            }
            _ => Err(unpack::arity(c.op)),
        },
        scratch: |avals, _| {
            let (one, n, _) = extents(avals.first());
            let (other, ..) = extents(avals.get(1));
            avals.first().map_or(0, |a| cholesky::cotangent_bytes(one.max(other).max(one * other), n, a.dtype))
        },
        fallible: false,
        spares: &[],
    });
    support Unknown;
    vjp(v) { ..cotangent_vjp(v) }
    batch Rule(|b| aligned(b, &[2, 2]));
    cost |c| 4.0 * c.size() * c.lengths(0).last().map_or(0.0, |&n| n as f64);
    numpy "ref.cholesky_cotangent(l, g)";
    rounds by_layout;
    case spd[3, 3], real[3, 3];
    case spd[2, 2, 2], real[2, 2, 2];
    case spd[3, 3], real[2, 3, 3];
    refuses f64[2, 3], f64[2, 2] => "cholesky_cotangent: not a square matrix. Got shape (2, 3); expected shape (..., n, n).";
    refuses f64[2, 2], f64[3, 3] => "cholesky_cotangent: the sides differ in length. Got (2, 2) and (3, 3); expected a.shape[-1] == b.shape[-2].";
}

/// The cotangents of [`cholesky_cotangent`]: its formula once more, as graph.
fn cotangent_vjp<'g>(v: &Vjp<'_, 'g>) -> Vec<Cotangent<'g>> {
    let (l, g) = (identity(tril(v.x(0), 0)), identity(v.x(1)));
    let left = solve_lower(l, halved_triangle(batch_matmul(swapped(l), g)), true);
    let y = symmetric_part(solve_lower(l, swapped(left), true));
    let grads = v.differentiate.grad(&[y], &[Some(v.g(0))], &[l, g]);
    let lower = |x: Tensor<'g>, i: usize| if i == 0 { tril(x, 0) } else { x };
    grads.into_iter().enumerate().map(|(i, x)| x.map_or(Cotangent::Zero, |x| lower(x, i).into())).collect()
}

row! {
    /// The lower factor `l` of the symmetric positive definite matrices `a = l l^T` in the last two axes, zeros above the
    /// diagonal; with `upper` its transpose, `a = u^T u`. The symmetric part `(a + a^T) / 2` is factored, so the gradient is symmetric. A
    /// matrix that is not positive definite is an error of the run.
    pub CHOLESKY = fn cholesky(a: any; upper: bool = false) -> l
    body {
        let a = cast(a, a.dtype().to_float());
        let [l] = widely([a], |[a]| Ok([cholesky_lower(a)]))?;
        if upper && l.ndim() >= 2 { swapped(l) } else { l }
    }
    numpy "np.linalg.cholesky((a + np.swapaxes(a, -1, -2)) / 2, upper=upper)";
    example "T.cholesky([[4.0, 2.0], [2.0, 5.0]])" => "[[2. 0.]\n [1. 2.]]";
    linalg cholesky;
    by hand;
    rounds by_layout;
    case spd[3, 3];
    case spd[2, 2, 2];
    case spd[3, 3] with upper = true;
    refuses f64[3] => "cholesky: not a square matrix. Got shape (3,); expected shape (..., n, n).";
}

/// The lower factor `l` of the symmetric positive definite matrices `a = l l^T` in the last two axes, of their symmetric part; its transpose is
/// the upper one.
#[track_caller]
pub fn cholesky<'g>(a: impl AsTensor<'g>) -> Tensor<'g> {
    apply(&CHOLESKY, &[a.tensor().into()], &[false.pack()])
}
