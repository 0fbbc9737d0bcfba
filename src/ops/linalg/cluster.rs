//! Derivatives at repeated and zero singular values and eigenvalues.
//!
//! The cotangent of a factorisation has quotients `N / d` of what the vectors' cotangents leave, `N`, by differences and sums of values,
//! `d`. Where values meet, both vanish. Fix the vectors and move the values along a line, `s + e t`: the matrix `u diag(s + e t) v^T` has
//! the same vectors, so along the whole line `N(e) = d(s + e t) Q(e)` with a smooth `Q`, the entry of the gradient there. By Taylor's
//! theorem, with `a = d(s) / d(t)`,
//!
//! ```text
//! Q = (N' - a N'' / 2 + ...) / d(t)
//! ```
//!
//! and `N^(m)` is `N` with the cotangents of the vectors replaced by derivatives of `psi_m = <d psi_(m-1) / ds, t>`, `psi_1 = <gs, t>`, with
//! respect to the vectors: mixed partial derivatives commute. So one more reverse sweep over the cotangent of the values gives every
//! quotient of all clusters at once; a second one keeps it exact beside them, and makes it right to first order in the values, which the
//! second derivative needs. Between this and the plain quotient the residual `N - d T` decides: if rounding explains it, the plain
//! quotient has lost more than the series.

use smallvec::smallvec;

use crate::error::{Error, ErrorKind, Result};
use crate::graph::Tensor;
use crate::graph::attr::{Text, choices};
use crate::graph::op::{Cotangent, OpDef, Vjp};
use crate::kernels::linalg::cluster;
use crate::ops::arithmetic::abs;
use crate::ops::compare::{equal, less_equal, logical_and, logical_or, not_equal};
use crate::ops::composite::logical::any;
use crate::ops::contract::{batch_matmul, swapped};
use crate::ops::control::cond_list;
use crate::ops::movement::stop_gradient;
use crate::ops::reduce::{peak, reduce_sum};
use crate::ops::root::sqrt;
use crate::ops::select::select;
use crate::ops::slice::{concat, slice_along};
use crate::ops::unpack::attr;
use crate::shape::Tuple;

use super::{column, row};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&CLUSTER_STEPS, &TURNED, &EQUALISED, &BEYOND_ORDER, &BASIS_FREE];

/// Values nearer than this, in units of the largest, are candidates: beyond it the plain quotient is good to this fraction.
fn near(single: bool) -> f64 {
    if single { cluster::NEAR32 } else { cluster::NEAR64 }
}

/// Rounding of a numerator, in units of the last place of the vectors' cotangents.
const ROUNDING: f64 = 16.0;

row! {
    /// For each of the values `s`, in rows that ascend or descend, a step: 0 for a value by itself, a centred progression for those of a
    /// cluster; with `zeros`, 1, 2, 3, ... for those near zero. They say how clusters are taken apart.
    ///
    /// Gradient: none.
    pub(crate) CLUSTER_STEPS = fn cluster_steps(s: float; zeros: bool = false) -> t
    shape(c) {
        if s.ndim() == 0 {
            return c.shape_error("there is no row", "shape ()", "one axis or more");
        }
        Ok(smallvec![s.clone()])
    };
    kernel call!(false, |[s] -> [t], c| cluster::steps(c.ranges, *s, attr(c.attrs.first())?, t));
    support Unknown;
    vjp(g) { s: Cotangent::Zero }
    batch Leading(1);
    numpy "ref.cluster_steps(s, zeros)";
    case ascending[5];
    case ascending[2, 3] with zeros = true;
    refuses f64[] => "cluster_steps: there is no row. Got shape (); expected one axis or more.";
}

row! {
    /// The vectors `u` (..., m, k), as columns, turned among those of equal values `s`: another basis of each cluster. With `zeros`, those of
    /// a value of zero are turned by another angle if `left`, and with a vector of the complement if there is one.
    ///
    /// Gradient: none: it tells whether a loss depends on the basis.
    pub(crate) TURNED = fn turned(u: float, s: float; length: i64, zeros: bool = false, left: bool = false) -> y
    shape(c) {
        let fits = matches!((&u.shape[..], &s.shape[..]), ([.., _, k], [.., n]) if k.unify(*n).is_some());
        if !fits {
            return c.shape_error("values and vectors do not fit", format_args!("{} and {}", Tuple(&u.shape), Tuple(&s.shape)), "u.shape[-1] == s.shape[-1]");
        }
        Ok(smallvec![u.clone()])
    };
    kernel call!(false, |[u, s] -> [y], c| {
        let [length, zeros, left] = c.attrs else { return Err(crate::ops::unpack::arity(c.op)) };
        let length: i64 = attr(Some(length))?;
        cluster::turn(c.ranges, *u, *s, length.max(1) as usize, attr(Some(zeros))?, attr(Some(left))?, y)
    });
    support Unknown;
    vjp(g) { u: Cotangent::Zero, s: Cotangent::Zero }
    batch Rule(|b| super::aligned(b, &[2, 1]));
    numpy "ref.turned(u, s)";
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "it is one of many bases: what is computed with it is tested";
    refuses f64[2, 3], f64[2] with length = 3 => "turned: values and vectors do not fit. Got (2, 3) and (2,); expected u.shape[-1] == s.shape[-1].";
}

row! {
    /// The values `s`, in rows that ascend or descend, with those that are equal up to rounding made equal: each the mean of its cluster,
    /// and with `zeros` 0 for those near zero.
    ///
    /// Gradient: none.
    pub(crate) EQUALISED = fn equalised(s: float; length: i64, zeros: bool = false) -> y
    shape(c) {
        if s.ndim() == 0 {
            return c.shape_error("there is no row", "shape ()", "one axis or more");
        }
        Ok(smallvec![s.clone()])
    };
    kernel call!(false, |[s] -> [y], c| {
        let [length, zeros] = c.attrs else { return Err(crate::ops::unpack::arity(c.op)) };
        let length: i64 = attr(Some(length))?;
        cluster::equalise(c.ranges, *s, length.max(1) as usize, attr(Some(zeros))?, y)
    });
    support Unknown;
    vjp(g) { s: Cotangent::Zero }
    batch Leading(1);
    numpy "s";
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "its gradient is none, so that a loss is tried at other values: it is tested there";
    refuses f64[] with length = 1 => "equalised: there is no row. Got shape (); expected one axis or more.";
}

row! {
    /// Zeros of the shape of the values `s`. Where they stand, `left` more derivatives of the factorisation `op` are exact; the one after that
    /// is an error of the run.
    ///
    /// Gradient: the same with one derivative less.
    pub(crate) BEYOND_ORDER = fn beyond_order(s: float; op: Text, left: i64) -> y
    shape(c) Ok(smallvec![s.clone()]);
    kernel call!(true, |[s] -> [y], c| {
        let [op, left] = c.attrs else { return Err(crate::ops::unpack::arity(c.op)) };
        let (op, left): (Text, i64) = (attr(Some(op))?, attr(Some(left))?);
        if left < 0 && s.count() > 0 {
            let what = "a derivative of this order is not exact where values meet";
            let e = Error::new(ErrorKind::LinAlg, &op.0, what, "one more than `order`", "`order` as high as the order of the derivative");
            return Err(e.help(format!("pass `order=3`, or more, to `{}`", op.0)));
        }
        crate::kernels::movement::zero(c.ranges, y)
    });
    support Unknown;
    vjp(g) { s: if left < 0 { Cotangent::Zero } else { beyond_order(s, op, left - 1).into() } }
    batch Leading(1);
    numpy "np.zeros_like(s)";
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "it is zero until it is an error: whole programs test it";
    exempt Messages: "whole programs test what it refuses";
}

choices! {
    /// What a quotient of a factorisation's gradient stands between.
    pub enum Between {
        /// Two values.
        Values = "values",
        /// Two values, and their vectors on the other side with the opposite sign.
        Opposites = "opposites",
        /// A value and the complement of the left vectors.
        Left = "left",
        /// A value and the complement of the right vectors.
        Right = "right",
    }
}

row! {
    /// `q`, and an error of the run where `excess` says that a loss depends on the basis of vectors that belong to equal values `s` of the
    /// factorisation `op`: such a loss has no derivative. `excess` is what the loss depends on it, in units of its dependence on the vectors.
    ///
    /// Gradient: `g`.
    pub(crate) BASIS_FREE = fn basis_free(q: float, excess: float, s: float; op: Text, between: Between = Between::Values) -> y
    shape(c) Ok(smallvec![q.clone()]);
    kernel call!(true, |[q, excess, s] -> [y], c| {
        let [op, between] = c.attrs else { return Err(crate::ops::unpack::arity(c.op)) };
        let (op, between): (Text, Between) = (attr(Some(op))?, attr(Some(between))?);
        cluster::basis_free(c.ranges, &op.0, *excess, *s, between as usize)?;
        crate::kernels::movement::copy(c.ranges, *q, y)
    });
    support Elementwise(constant);
    vjp(g) { q: g, excess: Cotangent::Zero, s: Cotangent::Zero }
    batch Rule(|b| crate::ops::batch::applied(b, &crate::ops::batch::with_axis(b), &b.node.attrs));
    numpy "q";
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "it passes on what svd and eigh give it: they test it";
    exempt Messages: "whole programs test what it refuses";
}

/// The highest order of derivatives that can be asked for: each takes one more sweep over the last.
const ORDERS: i64 = 8;

/// An error unless derivatives of this order can be exact.
pub(super) fn check_order(op: &str, order: i64) -> Result<()> {
    if (1..=ORDERS).contains(&order) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Value, op, "no such order", format_args!("order={order}"), format_args!("1 to {ORDERS}")))
}

/// One of the vectors' bases, and its cotangent.
#[derive(Clone, Copy)]
pub(super) struct Basis<'g> {
    /// The output that holds it.
    pub output: Tensor<'g>,
    /// True if that has the vectors as rows.
    pub rows: bool,
    /// How many vectors belong to values, if there are more.
    pub own: Option<usize>,
    /// The cotangent of the output.
    pub g: Option<Tensor<'g>>,
    /// True if the vectors that belong to values may leave a complement.
    pub complement: bool,
}

impl<'g> Basis<'g> {
    /// `t`, of the layout of the output, as columns, or the other way round.
    fn laid(&self, t: Tensor<'g>) -> Tensor<'g> {
        if self.rows { swapped(t) } else { t }
    }

    /// The columns that belong to values, and the others, of what has the layout of the output.
    fn parts(&self, t: Tensor<'g>) -> (Tensor<'g>, Option<Tensor<'g>>) {
        let (t, axis) = (self.laid(t), t.ndim() - 1);
        match self.own.map(|k| k as i64) {
            None => (t, None),
            Some(k) => (slice_along(t, axis, None, Some(k)), Some(slice_along(t, axis, Some(k), None))),
        }
    }

    /// The columns that belong to values.
    pub fn columns(&self) -> Tensor<'g> {
        self.parts(self.output).0
    }

    /// What has the layout of the output, from columns that belong to values.
    fn whole(&self, columns: Tensor<'g>) -> Tensor<'g> {
        match self.parts(self.output).1 {
            None => self.laid(columns),
            Some(more) => self.laid(concat(&[columns, more], -1)),
        }
    }

    /// The cotangent of the columns that belong to values. Others are free to turn: they enter by the space that they span, which follows
    /// from the first; if a loss depends on more of them, it has no derivative, which is looked at if `op` is said.
    fn effective(&self, g: Tensor<'g>, op: Option<&'static str>) -> Tensor<'g> {
        let ((own, more), (g, gmore)) = (self.parts(self.output), self.parts(g));
        let (Some(more), Some(gmore)) = (more, gmore) else { return g };
        let inner = batch_matmul(swapped(more), gmore);
        let more = op.map_or(more, |op| check_gauge(more, super::minus_transpose(inner), inner, op));
        g - batch_matmul(more, batch_matmul(swapped(gmore), own))
    }
}

/// What a gradient rule knows of a factorisation: its values, their cotangent, and one basis or two.
pub(super) struct Spectrum<'a, 'g> {
    pub v: &'a Vjp<'a, 'g>,
    pub op: &'static str,
    pub s: Tensor<'g>,
    pub gs: Option<Tensor<'g>>,
    /// The left basis, and the right one; of symmetric matrices both are one.
    pub bases: [Option<Basis<'g>>; 2],
    /// The longer side of the matrix, if it is known.
    pub length: Option<usize>,
    /// The highest derivative that is exact where values meet.
    pub order: i64,
}

/// The columns of a matrix, and how they are to change.
struct Side<'g> {
    columns: Tensor<'g>,
    g: Option<Tensor<'g>>,
}

impl<'g> Spectrum<'_, 'g> {
    /// True for singular values, which are never negative, and between whose vectors on the two sides zero makes a difference.
    fn singular(&self) -> bool {
        self.bases[1].is_some()
    }

    fn single(&self) -> bool {
        self.s.dtype() == crate::dtype::DType::F32
    }

    /// Equal up to the rounding of a factorisation, in units of the largest value.
    fn equal(&self) -> f64 {
        let eps = if self.single() { f64::from(f32::EPSILON) } else { f64::EPSILON };
        cluster::ROUNDING * self.length.unwrap_or(0).max(cluster::SHORT) as f64 * eps
    }

    /// The quotients between values (with those of opposites added, which have the same place), and of the two complements.
    pub fn quotients(&self) -> Result<[Option<Tensor<'g>>; 3]> {
        let sides = self.bases.map(|b| b.map(|b| Side { columns: b.columns(), g: b.g.map(|g| b.effective(g, Some(self.op))) }));
        let gs = [0, 1].map(|k: usize| sides[k].as_ref().and_then(|s| s.g));
        let numerators = self.numerators(&sides);
        let kinds: Vec<Between> = numerators.iter().map(|(kind, _)| *kind).collect();
        if kinds.is_empty() {
            return Ok([None; 3]);
        }
        let t = cluster_steps(self.s, self.singular());
        let clustered = any(not_equal(t, 0.0), (), false);
        let made = cond_list(
            clustered,
            || Ok(joined(&self.by_series(t, &numerators, &gs)?)),
            || Ok(joined(&numerators.iter().map(|&(kind, n)| (kind, self.plain(kind, n))).collect::<Vec<_>>())),
        )?;
        let mut list = made.into_iter();
        let mut of = |kind: Between| if kinds.contains(&kind) { list.next() } else { None };
        Ok([of(Between::Values), of(Between::Left), of(Between::Right)])
    }

    /// What divides a numerator, of the values or of steps: linear in them.
    fn divisor(kind: Between, s: Tensor<'g>) -> Tensor<'g> {
        match kind {
            Between::Values => row(s) - column(s),
            Between::Opposites => row(s) + column(s),
            Between::Left | Between::Right => row(s),
        }
    }

    /// The numerators, from bases and their cotangents.
    fn numerators(&self, sides: &[Option<Side<'g>>; 2]) -> Vec<(Between, Tensor<'g>)> {
        let skew = |side: &Option<Side<'g>>| {
            let side = side.as_ref()?;
            Some(super::minus_transpose(batch_matmul(swapped(side.columns), side.g?)))
        };
        let outside = |side: &Option<Side<'g>>, basis: Option<Basis<'g>>| {
            let (side, basis) = (side.as_ref()?, basis?);
            // Twice, as small values divide what rounding leaves.
            let once = |x: Tensor<'g>| x - batch_matmul(side.columns, batch_matmul(swapped(side.columns), x));
            basis.complement.then(|| side.g.map(|g| once(once(g)))).flatten()
        };
        let (left, right) = (skew(&sides[0]), skew(&sides[1]));
        let mut all = vec![];
        let sum = match (left, right) {
            (Some(a), Some(b)) => Some(a + b),
            (a, b) => a.or(b),
        };
        all.extend(sum.map(|n| (Between::Values, n * 0.5)));
        if self.singular() {
            let difference = match (left, right) {
                (Some(a), Some(b)) => Some(a - b),
                (a, b) => a.or(b.map(|b| -b)),
            };
            all.extend(difference.map(|n| (Between::Opposites, n * 0.5)));
            all.extend(outside(&sides[0], self.bases[0]).map(|n| (Between::Left, n)));
            all.extend(outside(&sides[1], self.bases[1]).map(|n| (Between::Right, n)));
        }
        all
    }

    /// `n / d`, and 0 / 1 on the diagonal of differences.
    fn plain(&self, kind: Between, n: Tensor<'g>) -> Tensor<'g> {
        let d = Self::divisor(kind, self.s);
        n / select(equal(d, 0.0), 1.0, d)
    }

    /// Numerators with the vectors' cotangents replaced: of the kind, if there is any.
    fn replaced(&self, gs: [Option<Tensor<'g>>; 2]) -> impl Fn(Between) -> Option<Tensor<'g>> {
        let [left, right] = self.bases;
        let side = |basis: Option<Basis<'g>>, g: Option<Tensor<'g>>| {
            basis.map(|b| Side { columns: b.columns(), g: g.map(|g| b.effective(g, None)) })
        };
        let all = self.numerators(&[side(left, gs[0]), side(right, gs[1])]);
        move |kind| all.iter().find(|(k, _)| *k == kind).map(|(_, n)| *n)
    }

    /// Derivatives of `<y, t>` with respect to the bases and the values.
    fn along(&self, y: Tensor<'g>, t: Tensor<'g>) -> Result<([Option<Tensor<'g>>; 2], Option<Tensor<'g>>)> {
        let mut xs = vec![self.s];
        xs.extend(self.bases.iter().flatten().map(|b| b.output));
        let mut grads = self.v.differentiate.grad(&[y], &[Some(t)], &xs).into_iter();
        let of_s = grads.next().flatten();
        let bases = [grads.next().flatten(), grads.next().flatten()];
        match bases.iter().chain([&of_s]).flatten().find_map(|t| t.error()) {
            Some(e) => Err(e),
            None => Ok((bases, of_s)),
        }
    }

    /// The quotients where there are clusters.
    fn by_series(
        &self,
        t: Tensor<'g>,
        numerators: &[(Between, Tensor<'g>)],
        gs: &[Option<Tensor<'g>>; 2],
    ) -> Result<Vec<(Between, Tensor<'g>)>> {
        let mut terms = vec![];
        let mut y = self.gs;
        for _ in 0..self.order {
            let Some(of) = y else { break };
            let (bases, of_s) = self.along(of, t)?;
            terms.push(self.replaced(bases));
            y = of_s;
        }
        // One derivative more is right where the values are apart alone.
        let guard = y.map(|_| reduce_sum(beyond_order(self.s, self.op, self.order - 1), [-1], true));
        let measure = Measure::new(self, gs);
        let turned = self.turned()?;
        let eps = if self.single() { f64::from(f32::EPSILON) } else { f64::EPSILON };
        let all = numerators.iter().map(|&(kind, n)| {
            let (d, dt) = (Self::divisor(kind, self.s), Self::divisor(kind, t));
            let wide = near(self.single()) * if kind == Between::Opposites { 2.0 } else { 1.0 };
            let close = logical_and(less_equal(abs(d), measure.most * wide), not_equal(dt, 0.0));
            let a = select(close, d / select(close, dt, 1.0), 0.0);
            // N' - a (N'' / 2 - a (N''' / 6 - ...)).
            let factor = |m: usize| 1.0 / (1..=m).map(|k| k as f64).product::<f64>();
            let inner = terms.iter().enumerate().rev().fold(None, |rest: Option<Tensor<'g>>, (m, term)| {
                let own = term(kind).map(|n| if m == 0 { n } else { n * factor(m + 1) });
                match (own, rest.map(|r| a * r)) {
                    (Some(n), Some(r)) => Some(n - r),
                    (Some(n), None) => Some(n),
                    (None, r) => r.map(|r| -r),
                }
            });
            let series = match (inner, guard) {
                (Some(x), Some(zero)) => Some(x + column(zero)),
                (x, _) => x,
            };
            let q = series.map(|x| x / select(close, dt, 1.0));
            let left = q.map_or(n, |q| n - d * q);
            let same = logical_and(close, less_equal(abs(d), measure.most * self.equal()));
            let scale = measure.scale(kind);
            let lost = logical_or(less_equal(abs(left), scale * (ROUNDING * eps)), same);
            let taken = logical_and(close, lost);
            let limit = q.unwrap_or_else(|| self.v.differentiate.zeros_like(n));
            let q = select(taken, limit, n / select(equal(d, 0.0), 1.0, d));
            let excess = |n: Tensor<'g>, measure: &Measure<'g>| {
                let part = abs(stop_gradient(n)) / select(equal(measure.all, 0.0), 1.0, measure.all);
                select(same, part, 0.0)
            };
            let q = basis_free(q, excess(left, &measure), self.s, self.op, kind);
            let q = match turned.as_ref().and_then(|(sides, measure)| Some((sides(kind)?, measure))) {
                Some((n, measure)) => basis_free(q, excess(n, measure), self.s, self.op, kind),
                None => q,
            };
            (kind, q)
        });
        Ok(all.collect())
    }

    /// Numerators of the same loss at another basis of each cluster. A loss that does not depend on the basis leaves none between equal
    /// values there either; one that is stationary by chance at the basis that was found does.
    #[allow(clippy::type_complexity, reason = "a function and what its values are measured by")]
    fn turned(&self) -> Result<Option<(impl Fn(Between) -> Option<Tensor<'g>>, Measure<'g>)>> {
        let length = self.length.unwrap_or(0).max(cluster::SHORT) as i64;
        let mut bases = [None; 2];
        for ((new, basis), left) in bases.iter_mut().zip(&self.bases).zip([true, false]) {
            *new = basis.map(|b| turned(b.columns(), self.s, length, self.singular(), left));
        }
        let given: Vec<Tensor<'g>> = self.bases.iter().flatten().filter_map(|b| b.g).collect();
        let pairs = self.bases.iter().zip(bases).filter_map(|(b, new)| Some((*b, new?)));
        let mut pairs: Vec<(Tensor<'g>, Tensor<'g>)> = pairs.filter_map(|(b, new)| b.map(|b| (b.output, b.whole(new)))).collect();
        // Between values that differ, be it by rounding, the loss may change.
        pairs.push((self.s, equalised(self.s, length, self.singular())));
        let mut gs = self.v.differentiate.replaced(&given, &pairs)?.into_iter();
        let mut sides = [None, None];
        for ((side, basis), new) in sides.iter_mut().zip(&self.bases).zip(bases) {
            let (Some(b), Some(columns)) = (basis, new) else { continue };
            let g = if b.g.is_some() { gs.next() } else { None };
            *side = Some(Side { columns, g: g.map(|g| b.effective(g, None)) });
        }
        let measure = Measure::new(self, &[0, 1].map(|k: usize| sides[k].as_ref().and_then(|s| s.g)));
        let all = self.numerators(&sides);
        Ok(Some((move |kind| all.iter().find(|(k, _)| *k == kind).map(|(_, n)| *n), measure)))
    }
}

/// The quotients that stand in one place added up, in the order of the kinds.
fn joined<'g>(all: &[(Between, Tensor<'g>)]) -> Vec<Tensor<'g>> {
    let of = |kind: Between| all.iter().find(|(k, _)| *k == kind).map(|(_, q)| *q);
    let inner = match (of(Between::Values), of(Between::Opposites)) {
        (Some(a), Some(b)) => Some(a + b),
        (a, b) => a.or(b),
    };
    [inner, of(Between::Left), of(Between::Right)].into_iter().flatten().collect()
}

/// Sizes by which values and numerators are judged; no gradient passes through them.
struct Measure<'g> {
    /// The largest magnitude of the values of each matrix, 1 if that is 0.
    most: Tensor<'g>,
    /// Lengths of the columns of each side's cotangent, as a row of the matrices.
    sides: [Option<Tensor<'g>>; 2],
    /// The largest of them.
    all: Tensor<'g>,
}

impl<'g> Measure<'g> {
    fn new(spectrum: &Spectrum<'_, 'g>, gs: &[Option<Tensor<'g>>; 2]) -> Measure<'g> {
        let most = super::each(peak(abs(stop_gradient(spectrum.s)), [-1], false));
        let length = |g: Tensor<'g>| {
            let g = stop_gradient(g);
            row(sqrt(reduce_sum(g * g, [-2], false)))
        };
        let sides = gs.map(|g| g.map(length));
        let zero = || spectrum.v.differentiate.zeros_like(most);
        let all = sides.iter().flatten().map(|s| peak(*s, [-1], true)).reduce(|a, b| crate::ops::arithmetic::maximum(a, b));
        Measure { most: select(equal(most, 0.0), 1.0, most), sides, all: all.unwrap_or_else(zero) }
    }

    /// What a numerator is measured by, at each place.
    fn scale(&self, kind: Between) -> Tensor<'g> {
        let both = || match self.sides {
            [Some(a), Some(b)] => a + b,
            [a, b] => a.or(b).unwrap_or(self.all),
        };
        match kind {
            Between::Values | Between::Opposites => {
                let c = both();
                c + swapped(c)
            }
            Between::Left => self.sides[0].unwrap_or(self.all),
            Between::Right => self.sides[1].unwrap_or(self.all),
        }
    }
}

/// `q`, if a part that should vanish is none: for vectors that complete a basis.
pub(super) fn check_gauge<'g>(q: Tensor<'g>, part: Tensor<'g>, of: Tensor<'g>, op: &'static str) -> Tensor<'g> {
    let most = peak(abs(stop_gradient(of)), [-2, -1], true);
    let excess = abs(stop_gradient(part)) / select(equal(most, 0.0), 1.0, most);
    let none = reduce_sum(excess, [-1], false) * 0.0;
    basis_free(q, excess, none, op, Between::Values)
}
