//! Sylvester's and Lyapunov's equations.

use smallvec::smallvec;

use crate::array::with_lead;
use crate::error::Result;
use crate::graph::op::{CallKernel, Infer, Kernel, OpDef};
use crate::kernels::linalg::sylvester;
use crate::ops::compare::equal;
use crate::ops::contract::{batch_matmul, swapped};
use crate::ops::diagonals::rows_and_columns;
use crate::ops::select::select;
use crate::ops::unpack::arity;
use crate::shape::{Aval, Dims, Tuple, broadcast};

use super::solve::inv;
use super::{aligned, extents, matrices, square};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&SOLVE_SYLVESTER, &SOLVE_CONTINUOUS_LYAPUNOV, &SOLVE_DISCRETE_LYAPUNOV];

/// The aval of `x` with `a x + x b = q`.
fn unknowns(c: &mut Infer<'_>, a: &Aval, b: &Aval, q: &Aval) -> Result<Aval> {
    let (m, n) = (square(c, a)?, square(c, b)?);
    let (lead, rows, columns) = matrices(c, q)?;
    if m.unify(rows).is_none() || n.unify(columns).is_none() {
        let got = format!("{}, {} and {}", Tuple(&a.shape), Tuple(&b.shape), Tuple(&q.shape));
        return c.shape_error("the sides do not fit", got, "q.shape[-2:] == (a.shape[-1], b.shape[-1])");
    }
    let front = |x: &Aval| -> crate::shape::Shape { x.shape[..x.ndim().saturating_sub(2)].into() };
    let both = broadcast(c.op, &front(a), &front(b), c.fresh)?;
    let mut shape = broadcast(c.op, &both, lead, c.fresh)?;
    shape.extend([rows, columns]);
    Ok(Aval { dtype: a.dtype, shape })
}

row! {
    /// The solution `x` of Sylvester's equation `a x + x b = q` for square `a` and `b` in the last two axes; the axes in front broadcast.
    /// It is computed from the Schur forms (R. H. Bartels, G. W. Stewart 1972). An eigenvalue of `a` that is one of `-b` is an error of the
    /// run.
    ///
    /// Gradient: `y` with `a^T y + y b^T = g` for `q`, `-y x^T` for `a` and `-x^T y` for `b`.
    pub SOLVE_SYLVESTER = fn solve_sylvester(a: float, b: float, q: float) -> x
    shape(c) Ok(smallvec![unknowns(c, a, b, q)?]);
    kernel Kernel::Call(CallKernel {
        run: |c| {
            let ([a, b, q], [x]) = (c.inputs, &mut *c.outputs) else { return Err(arity(c.op)) };
            let lead: Dims = x.dims()[..x.dims().len().saturating_sub(2)].into();
            with_lead(*a, &lead, 2, |a| with_lead(*b, &lead, 2, |b| with_lead(*q, &lead, 2, |q| {
                sylvester::sylvester(c.ranges, c.op, [a, b, q], c.scratch, x)
            })))
        },
        scratch: |avals, _| {
            let count = avals.iter().map(|a| extents(Some(a)).0.max(1)).fold(1, usize::saturating_mul);
            sylvester::sylvester_bytes(count, extents(avals.first()).1, extents(avals.get(1)).1)
        },
        fallible: true,
        spares: &[],
    });
    support Unknown;
    vjp(g) {
        a: -batch_matmul(solve_sylvester(swapped(a), swapped(b), g), swapped(x)),
        b: -batch_matmul(swapped(x), solve_sylvester(swapped(a), swapped(b), g)),
        q: solve_sylvester(swapped(a), swapped(b), g),
    }
    batch Rule(|b| aligned(b, &[2, 2, 2]));
    cost |c| 50.0 * super::cubes(c);
    numpy "ref.each(scipy.linalg.solve_sylvester, a, b, q)";
    example "T.solve_sylvester([[1.0, 0.0], [0.0, 2.0]], [[3.0]], [[4.0], [10.0]])" => "[[1.]\n [2.]]";
    linalg solve_sylvester;
    rounds by_layout;
    case spd[3, 3], spd[2, 2], real[3, 2];
    case spd[2, 2, 2], spd[2, 2, 2], real[2, 2, 2];
    case spd[2, 2], spd[2, 3, 3], real[2, 3];
    refuses f64[2, 2], f64[3, 3], f64[3, 2] => "solve_sylvester: the sides do not fit. Got (2, 2), (3, 3) and (3, 2); expected q.shape[-2:] == (a.shape[-1], b.shape[-1]).";
    refuses f64[2, 3], f64[3, 3], f64[3, 2] => "solve_sylvester: not a square matrix. Got shape (2, 3); expected shape (..., n, n).";
}

row! {
    /// The solution `x` of Lyapunov's equation `a x + x a^T = q`. A pair of eigenvalues of `a` whose sum is 0 is an error of the run.
    ///
    /// Gradient: as of `solve_sylvester`.
    pub SOLVE_CONTINUOUS_LYAPUNOV = fn solve_continuous_lyapunov(a: float, q: float) -> x
    body { solve_sylvester(a, swapped(a), q) }
    numpy "ref.each(scipy.linalg.solve_continuous_lyapunov, a, q)";
    example "T.solve_continuous_lyapunov([[1.0, 0.0], [0.0, 2.0]], [[2.0, 3.0], [3.0, 8.0]])" => "[[1. 1.]\n [1. 2.]]";
    alias solve_lyapunov;
    linalg solve_continuous_lyapunov, solve_lyapunov;
    rounds by_layout;
    case spd[3, 3], real[3, 3];
    case spd[2, 2, 2], real[2, 2, 2];
    refuses f64[2, 2], f64[3, 3] => "solve_continuous_lyapunov: the sides do not fit. Got (2, 2), (2, 2) and (3, 3); expected q.shape[-2:] == (a.shape[-1], b.shape[-1]).";
}

row! {
    /// The solution `x` of the discrete equation `a x a^T - x + q = 0`, through `b x + x b^T = c` with `b = (a + 1)^-1 (a - 1)` and
    /// `c = -2 (a + 1)^-1 q (a + 1)^-T`. A pair of eigenvalues of `a` whose product is 1 is an error of the run.
    ///
    /// Gradient: as of `solve_sylvester`.
    pub SOLVE_DISCRETE_LYAPUNOV = fn solve_discrete_lyapunov(a: float, q: float) -> x
    body {
        let (rows, columns) = rows_and_columns("solve_discrete_lyapunov", a, 0)?;
        let diagonal = equal(columns, rows);
        let plus = inv(select(diagonal, a + 1.0, a));
        let b = batch_matmul(plus, select(diagonal, a - 1.0, a));
        let c = batch_matmul(batch_matmul(plus, q), swapped(plus)) * -2.0;
        solve_sylvester(b, swapped(b), c)
    }
    numpy "ref.each(scipy.linalg.solve_discrete_lyapunov, a, q)";
    example "T.solve_discrete_lyapunov([[0.5, 0.0], [0.0, 0.0]], [[3.0, 1.0], [1.0, 2.0]])" => "[[4. 1.]\n [1. 2.]]";
    linalg solve_discrete_lyapunov;
    rounds by_layout;
    case unit[2, 2], real[2, 2];
    case unit[2, 2, 2], real[2, 2, 2];
    refuses f64[2, 3], f64[2, 2] => "solve_discrete_lyapunov: not a square matrix. Got shape (2, 3); expected shape (..., n, n).";
}
