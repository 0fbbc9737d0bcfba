//! Determinants, their logarithms, and cofactors.

use smallvec::smallvec;

use crate::graph::Tensor;
use crate::graph::op::{CallKernel, Cotangent, Kernel, OpDef, Vjp};
use crate::kernels::linalg::{determinant, lu};
use crate::ops::contract::{batch_matmul, swapped};
use crate::ops::movement::{identity, stop_gradient};
use crate::ops::scan::reduce_prod;
use crate::ops::unpack;
use crate::shape::Aval;

use super::lu::{lu_factor, lu_inverse};
use super::solve::{few, small_square};
use super::svd::svd;
use super::{aligned, each, extents, row, square, total, widely};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&SMALL_DET, &DET_FROM, &COFACTORS, &COFACTORS_ALONG, &LOG_DET_FROM, &DET, &SLOGDET, &LOGDET];

row! {
    /// The determinant of `a`, from its factors, by whatever way they were computed: no gradient passes through them.
    ///
    /// Gradient: `g` times the cofactors of `a`.
    pub(crate) DET_FROM = fn det_from(lu: float, pivots: any, a: float) -> y
    shape(c) {
        square(c, a)?;
        Ok(smallvec![Aval { dtype: a.dtype, shape: a.shape[..a.ndim().saturating_sub(2)].into() }])
    };
    kernel call!(false, |[lu, pivots, _a] -> [y], c| lu::determinant(c.ranges, c.op, &lu::Factors { factors: *lu, pivots: *pivots }, y));
    support Unknown;
    vjp(g) { lu: Cotangent::Zero, pivots: Cotangent::Zero, a: each(g) * cofactors(lu, pivots, a) }
    batch Rule(|b| aligned(b, &[2, 1, 2]));
    numpy "np.linalg.det(a)";
    rounds by_layout;
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "its gradient holds if lu and pivots are the factors of a: det tests it";
    exempt Messages: "it takes what det gives it";
}

row! {
    /// The matrix of cofactors of `a` with the factors `lu` and `pivots`: `det(a) a^-T`, at every rank. If the pivots are far apart, by
    /// singular values and their products without one of them.
    ///
    /// Gradient: along `g`, of the cofactors.
    pub(crate) COFACTORS = fn cofactors(lu: float, pivots: any, a: float) -> y
    shape(c) {
        square(c, a)?;
        Ok(smallvec![a.clone()])
    };
    kernel Kernel::Call(CallKernel {
        run: |c| match (c.inputs, &mut *c.outputs) {
            ([lu, pivots, a], [y]) => {
                determinant::cofactors(c.ranges, c.op, &lu::Factors { factors: *lu, pivots: *pivots }, *a, c.scratch, y)
            }
            _ => Err(unpack::arity(c.op)),
        },
        scratch: |avals, _| {
            let (count, n, _) = extents(avals.first());
            avals.first().map_or(0, |a| determinant::cofactors_bytes(count, n, a.dtype))
        },
        fallible: true,
        spares: &[],
    });
    support Unknown;
    vjp(g) { lu: Cotangent::Zero, pivots: Cotangent::Zero, a: cofactors_along(lu, pivots, a, g) }
    batch Rule(|b| aligned(b, &[2, 1, 2]));
    cost |c| 4.0 * c.size() * c.lengths(0).last().map_or(0.0, |&n| n as f64);
    numpy "np.linalg.det(a) * np.linalg.inv(a).T";
    rounds by_layout;
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "its gradient holds if lu and pivots are the factors of a: det tests it";
    exempt Messages: "it takes what det gives it";
}

row! {
    /// The derivative of the cofactors of `a` along `h`: `det(a) (tr(a^-1 h) a^-T - (a^-1 h a^-1)^T)`, at every rank. With `a = u diag(s) v^T`,
    /// `w = u^T h v`, and `p_ij` the product of all singular values but two, it is `det(u) det(v) u (diag(sum_j p_ij w_jj) - p * w^T) v^T`.
    ///
    /// Gradient: with respect to `h`, the same along `g`; with respect to `a`, by the singular vectors' own rule.
    pub(crate) COFACTORS_ALONG = fn cofactors_along(lu: float, pivots: any, a: float, h: float) -> y
    shape(c) {
        square(c, a)?;
        Ok(smallvec![Aval { dtype: a.dtype, shape: crate::shape::broadcast(c.op, &a.shape, &h.shape, c.fresh)? }])
    };
    kernel Kernel::Call(CallKernel {
        run: |c| match (c.inputs, &mut *c.outputs) {
            ([lu, pivots, a, h], [y]) => {
                let lead = &y.dims()[..y.dims().len().saturating_sub(2)];
                let (scratch, ranges, op) = (&mut *c.scratch, c.ranges, c.op);
                crate::array::with_lead(*lu, lead, 2, |f| crate::array::with_lead(*pivots, lead, 1, |p| {
                    crate::array::with_lead(*a, lead, 2, |a| crate::array::with_lead(*h, lead, 2, |h| {
                        determinant::cofactors_along(ranges, op, &lu::Factors { factors: f, pivots: p }, [a, h], scratch, y)
                    }))
                }))
            }
            _ => Err(unpack::arity(c.op)),
        },
        scratch: |avals, _| {
            let (one, n, _) = extents(avals.first());
            let (other, ..) = extents(avals.get(3));
            avals.first().map_or(0, |a| determinant::cofactors_bytes(one.max(other).max(one * other), n, a.dtype))
        },
        fallible: true,
        spares: &[],
    });
    support Unknown;
    vjp(v) { ..along_vjp(v) }
    batch Rule(|b| aligned(b, &[2, 1, 2, 2]));
    cost |c| 8.0 * c.size() * c.lengths(0).last().map_or(0.0, |&n| n as f64);
    numpy "ref.cofactors_along(a, h)";
    rounds by_layout;
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "its gradient holds if lu and pivots are the factors of a: det tests it";
    exempt Messages: "it takes what det gives it";
}

/// The cotangents of [`cofactors_along`]: that of `a` is a third derivative, which comes from the singular vectors.
fn along_vjp<'g>(v: &Vjp<'_, 'g>) -> Vec<Cotangent<'g>> {
    let [lu, pivots, a, h] = [v.x(0), v.x(1), v.x(2), v.x(3)];
    let g = v.g(0);
    let along = |ys: Tensor<'g>, x: Tensor<'g>| {
        let seed = v.differentiate.zeros_like(ys) + 1.0;
        v.differentiate.grad(&[ys], &[Some(seed)], &[x]).into_iter().next().flatten()
    };
    let third = || {
        let x = identity(a);
        let (left, s, right) = svd(x, false, 3);
        let sign = stop_gradient(det(left) * det(right));
        let others = along(reduce_prod(s, [-1], false), s)?;
        let cofactors = batch_matmul(left * row(others) * each(sign), right);
        let first = along(total(cofactors * h), x)?;
        along(total(first * g), x)
    };
    let of_a = if v.wanted.get(2) == Some(&true) { third().map_or(Cotangent::Zero, Cotangent::Value) } else { Cotangent::Zero };
    vec![Cotangent::Zero, Cotangent::Zero, of_a, cofactors_along(lu, pivots, a, g).into()]
}

row! {
    /// The sign of the determinant of `a` and the logarithm of its magnitude, from its factors, by whatever way they were computed: no
    /// gradient passes through them.
    ///
    /// Gradient: `g a^-T` of the logarithm, from the same factors; none of the sign.
    pub(crate) LOG_DET_FROM = fn log_det_from(lu: float, pivots: any, a: float) -> sign, log
    shape(c) {
        square(c, a)?;
        let y = Aval { dtype: a.dtype, shape: a.shape[..a.ndim().saturating_sub(2)].into() };
        Ok(smallvec![y.clone(), y])
    };
    kernel call!(false, |[lu, pivots, _a] -> [sign, log], c| lu::sign_and_log(c.ranges, c.op, &lu::Factors { factors: *lu, pivots: *pivots }, sign, log));
    support Unknown;
    vjp(none, g) { lu: Cotangent::Zero, pivots: Cotangent::Zero, a: each(g) * swapped(lu_inverse(lu, pivots, a)) }
    batch Rule(|b| aligned(b, &[2, 1, 2]));
    numpy "np.linalg.slogdet(a)";
    rounds by_layout;
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "its gradient holds if lu and pivots are the factors of a: slogdet tests it";
    exempt Messages: "it takes what slogdet gives it";
}

row! {
    /// The determinants of small matrices; and their matrices of cofactors, if a gradient reads them.
    ///
    /// Gradient: `g` times the cofactors, and along the other cotangent their derivative.
    pub(crate) SMALL_DET = fn small_det(a: float) -> y, cofactors
    shape(c) {
        small_square(c, a)?;
        Ok(smallvec![Aval { dtype: a.dtype, shape: a.shape[..a.ndim().saturating_sub(2)].into() }, a.clone()])
    };
    kernel Kernel::Call(CallKernel {
        run: |c| match (c.inputs, &mut *c.outputs) {
            ([a], [y, cofactors]) => determinant::determinants(c.ranges, c.op, *a, c.scratch, [y, cofactors]),
            _ => Err(unpack::arity(c.op)),
        },
        scratch: |avals, _| {
            let (count, n, _) = extents(avals.first());
            avals.first().map_or(0, |a| determinant::cofactors_bytes(count, n, a.dtype))
        },
        fallible: true,
        spares: &[1],
    });
    support Unknown;
    vjp(v) { ..vec![small_vjp(v).map_or(Cotangent::Zero, Cotangent::Value)] }
    batch Leading(2);
    cost |c| 3.0 * c.size() * c.lengths(0).last().map_or(0.0, |&n| n as f64);
    numpy "(np.linalg.det(a), ref.cofactors(a))";
    rounds by_layout;
    exempt Unknown: "det takes another way where lengths are not known";
    case regular[3, 3];
    case spd[2, 2, 2];
    case regular[2, 8, 8];
    refuses f64[2, 3] => "small_det: not a square matrix. Got shape (2, 3); expected shape (..., n, n).";
    refuses f64[17, 17] => "small_det: the matrices are not small. Got shape (17, 17); expected sides of at most 16.";
}

fn small_vjp<'g>(v: &Vjp<'_, 'g>) -> Option<Tensor<'g>> {
    let (a, given) = (v.x(0), |k: usize| v.cotangents.get(k).copied().flatten());
    let along = |h: Tensor<'g>| {
        let (factors, pivots) = lu_factor(a);
        cofactors_along(factors, pivots, a, h)
    };
    match (given(0).map(|g| each(g) * v.y(1)), given(1).map(along)) {
        (Some(x), Some(y)) => Some(x + y),
        (x, y) => x.or(y),
    }
}

row! {
    /// The determinants of the square matrices in the last two axes.
    ///
    /// Gradient: `g` times the matrix of cofactors, at every rank, and so on to the second order.
    pub DET = fn det(a: float) -> y
    body {
        let [y] = widely([a], |[a]| {
            if few(a) {
                return Ok([small_det(a).0]);
            }
            let (factors, pivots) = lu_factor(a);
            Ok([det_from(factors, pivots, a)])
        })?;
        y
    }
    numpy "np.linalg.det(a)";
    example "T.det([[2.0, 1.0], [0.0, 3.0]])" => "6.0";
    alias determinant;
    linalg det, determinant;
    rounds by_layout;
    case regular[3, 3];
    case spd[2, 2, 2];
    case regular[1, 1];
    refuses f64[2, 3] => "det: not a square matrix. Got shape (2, 3); expected shape (..., n, n).";
}

row! {
    /// The sign of the determinants of the square matrices in the last two axes, and the natural logarithms of their magnitudes: 0 and
    /// minus infinity of a singular matrix.
    ///
    /// Gradient: `g a^-T` of the logarithm; at a singular matrix an error of the run. None of the sign.
    pub SLOGDET = fn slogdet(a: float) -> sign, logabsdet
    body {
        let [sign, log] = widely([a], |[a]| {
            let (factors, pivots) = lu_factor(a);
            Ok(log_det_from(factors, pivots, a).into())
        })?;
        (sign, log)
    }
    numpy "np.linalg.slogdet(a)";
    example "T.slogdet([[0.0, 2.0], [0.5, 0.0]])" => "-1.0 0.0";
    linalg slogdet;
    rounds by_layout;
    case regular[3, 3];
    case spd[2, 2, 2];
    refuses f64[2, 3] => "slogdet: not a square matrix. Got shape (2, 3); expected shape (..., n, n).";
}

row! {
    /// The natural logarithm of the determinants of the square matrices in the last two axes; NaN of a negative determinant.
    ///
    /// Gradient: `g a^-T`.
    pub LOGDET = fn logdet(a: float) -> y
    body {
        let (sign, log) = slogdet(a);
        crate::ops::select::select(crate::ops::compare::less(sign, 0.0), f64::NAN, log)
    }
    numpy "np.log(np.linalg.det(a))";
    example "T.logdet([[2.0, 0.0], [3.0, 0.5]])" => "0.0";
    linalg logdet;
    rounds by_layout;
    case spd[3, 3];
    case spd[2, 2, 2];
    refuses f64[2, 3] => "logdet: not a square matrix. Got shape (2, 3); expected shape (..., n, n).";
}
