//! Linear recurrences forwards and backwards in time, each of which is the adjoint of the other.

use smallvec::smallvec;

use crate::error::Result;
use crate::graph::Tensor;
use crate::graph::attr::Attr;
use crate::graph::op::{Avals, Call, CallKernel, Cotangent, Infer, Kernel, OpDef, Vjp};
use crate::kernels::recurrence::Extent;
use crate::kernels::recurrence::linear::{Linear, Way, linear};
use crate::ops::contract::{batch_matmul, swapped};
use crate::ops::movement::merge_axes;
use crate::ops::slice::zeros_of;
use crate::ops::unpack::{arity, attr};
use crate::shape::{Aval, Dim};

use super::{at_start, before, fits, gate};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&CELL_TANGENTS, &CELL_COTANGENTS];

/// Operands in front of the factors of the gates.
const OWN: usize = 6;

/// The shapes of what the gates, the memories and the states are: those of the operands of the same names.
fn shapes(c: &Infer<'_>, direct: i64) -> Result<Avals> {
    let [a, m, h, w, e, f, factors @ ..] = c.inputs else { return c.shape_error("there are too few operands", c.inputs.len(), OWN) };
    let &[steps, samples, state] = &h.shape[..] else { return c.shape_error("the states are no sequence", h, "three axes") };
    let all = [Some(steps), Some(samples), Some(state)];
    let width = state.known().map(|n| Dim::Known(n * factors.len()));
    fits(c, "`a`", a, &[Some(steps), Some(samples), width])?;
    fits(c, "`c`", m, &all)?;
    fits(c, "`w`", w, &[width, Some(state)])?;
    fits(c, "`e`", e, &all)?;
    fits(c, "`f`", f, &all)?;
    factors.iter().try_for_each(|k| fits(c, "`k`", k, &all))?;
    if direct < 0 || direct as usize > factors.len() {
        return c.shape_error("there are fewer gates", format_args!("direct={direct} of {} gates", factors.len()), "as many at most");
    }
    Ok(smallvec![(*a).clone(), (*h).clone(), (*h).clone()])
}

fn computed(c: &mut Call<'_>, way: Way) -> Result<()> {
    let (&[a, m, h, w, kept, shown, ref factors @ ..], [x, y, z]) = (c.inputs, &mut *c.outputs) else { return Err(arity(c.op)) };
    let direct = attr::<i64>(c.attrs.first())?.max(0) as usize;
    linear(c.ranges, way, Linear { added: [a, m, h], w, kept, shown, factors, direct, results: [x, y, z] }, c.scratch)
}

fn scratch(avals: &[&Aval], way: Way) -> usize {
    let states = avals.get(2).and_then(|h| h.dims()).unwrap_or_default();
    let gates = avals.len().saturating_sub(OWN);
    avals.first().map_or(0, |a| Extent::of(&states, gates).scratch(a.dtype, way.product()))
}

macro_rules! kernel {
    ($way:expr) => {
        Kernel::Call(CallKernel {
            run: |c: &mut Call<'_>| computed(c, $way),
            scratch: |avals: &[&Aval], _: &[Attr]| scratch(avals, $way),
            fallible: false,
            spares: &[],
        })
    };
}

/// What small changes of gates, memories and states become, and cotangents of these: in this order.
pub(super) type Triple<'g> = [Tensor<'g>; 3];

/// A linear recurrence with other things added.
pub(super) struct Factors<'g> {
    pub w: Tensor<'g>,
    pub kept: Tensor<'g>,
    pub shown: Tensor<'g>,
    pub gates: Vec<Tensor<'g>>,
    pub direct: i64,
}

impl<'g> Factors<'g> {
    fn of(v: &Vjp<'_, 'g>, direct: i64) -> Factors<'g> {
        let gates = (OWN..v.node.inputs.len()).map(|i| v.x(i)).collect();
        Factors { w: v.x(3), kept: v.x(4), shown: v.x(5), gates, direct }
    }

    /// Cotangents, from those that come from outside.
    pub fn cotangents(&self, [a, c, h]: Triple<'g>) -> Triple<'g> {
        let (x, y, z) = cell_cotangents(a, c, h, self.w, self.kept, self.shown, &self.gates, self.direct);
        [x, y, z]
    }

    fn tangents(&self, [a, c, h]: Triple<'g>) -> Triple<'g> {
        let (x, y, z) = cell_tangents(a, c, h, self.w, self.kept, self.shown, &self.gates, self.direct);
        [x, y, z]
    }
}

/// The cotangent of the matrix: one product over all steps and samples.
pub(super) fn of_matrix<'g>(gates: Tensor<'g>, states_before: Tensor<'g>) -> Tensor<'g> {
    batch_matmul(swapped(merge_axes(gates, 0, 2)), merge_axes(states_before, 0, 2))
}

/// The cotangents of a linear recurrence, whose derivative is the same form of tangents and cotangents both ways: `added` of what is added.
fn rule<'g>(v: &Vjp<'_, 'g>, added: Triple<'g>, [a, c, h]: Triple<'g>, [la, lc, lh]: Triple<'g>, direct: i64) -> Vec<Cotangent<'g>> {
    let wanted = |i: usize| v.wanted.get(i) == Some(&true);
    let n = h.dims().last().and_then(|d| d.known()).unwrap_or(0);
    let gates = v.node.inputs.len().saturating_sub(OWN);
    let shifted = |x: Tensor<'g>| before(at_start(zeros_of(x, x.dtype())), x);
    let one = |i: usize| match i {
        0..=2 => added[i],
        3 => of_matrix(la, shifted(h)),
        4 => lc * shifted(c),
        5 => lh * c,
        _ if i - OWN + direct.max(0) as usize >= gates => lh * gate(a, i - OWN, n),
        _ => lc * gate(a, i - OWN, n),
    };
    (0..v.node.inputs.len()).map(|i| if wanted(i) { Cotangent::from(one(i)) } else { Cotangent::Zero }).collect()
}

row! {
    /// What small changes become that are added to the gates `a`, the memories `c` and the states `h` of a recurrent network at each step:
    /// `a[t] += w h[t - 1]`, `c[t] += sum of k a[t] + e[t] c[t - 1]`, `h[t] += sum of k a[t] + f[t] c[t]`. The last `direct` gates lead to
    /// the states, the others to the memories.
    ///
    /// Gradient: the cotangents of `cell_cotangents`, and products of both with each other.
    pub(crate) CELL_TANGENTS = fn cell_tangents(a: float, c: float, h: float, w: float, e: float, f: float, k: [float]; direct: i64) -> da, dc, dh
    shape(s) shapes(s, direct);
    kernel kernel!(Way::Forwards);
    support Unknown;
    vjp(v) { ..{
        let back = Factors::of(v, direct).cotangents([v.g(0), v.g(1), v.g(2)]);
        rule(v, back, [v.y(0), v.y(1), v.y(2)], back, direct)
    } }
    numpy "ref.cell_tangents(a, c, h, w, e, f, k, direct)";
    exempt Unknown: "it needs the size of a state, and says so";
    case real[3, 2, 4], real[3, 2, 2], real[3, 2, 2], inner[4, 2], real[3, 2, 2], real[3, 2, 2], real[3, 2, 2], real[3, 2, 2] with direct = 1;
    case real[2, 3, 2], real[2, 3, 2], real[2, 3, 2], real[2, 2], real[2, 3, 2], real[2, 3, 2], real[2, 3, 2] with direct = 0;
    refuses f64[3, 2, 4], f64[3, 2, 2], f64[3, 2, 2], f64[4, 2], f64[3, 2, 2], f64[3, 2, 2], f64[3, 2, 2], f64[3, 1, 2] with direct = 1 => "cell_tangents: `k` does not fit. Got shape (3, 1, 2); expected lengths (3, 2, 2).";
    refuses f64[3, 2, 4], f64[3, 2, 2], f64[3, 2, 2], f64[4, 2], f64[3, 2, 2], f64[3, 2, 2], f64[3, 2, 2], f64[3, 2, 2] with direct = 3 => "cell_tangents: there are fewer gates. Got direct=3 of 2 gates; expected as many at most.";
}
row! {
    /// The adjoint of `cell_tangents`: cotangents that come to the gates `a`, the memories `c` and the states `h` from outside, with those from
    /// later steps, `h[t] += w^T a[t + 1]`, `c[t] += f[t] h[t] + e[t + 1] c[t + 1]`, `a[t] += k h[t]` or `k c[t]`.
    ///
    /// Gradient: the tangents of `cell_tangents`, and products of both with each other.
    pub(crate) CELL_COTANGENTS = fn cell_cotangents(a: float, c: float, h: float, w: float, e: float, f: float, k: [float]; direct: i64) -> ga, gc, gh
    shape(s) shapes(s, direct);
    kernel kernel!(Way::Backwards);
    support Unknown;
    vjp(v) { ..{
        let on = Factors::of(v, direct).tangents([v.g(0), v.g(1), v.g(2)]);
        rule(v, on, on, [v.y(0), v.y(1), v.y(2)], direct)
    } }
    numpy "ref.cell_cotangents(a, c, h, w, e, f, k, direct)";
    exempt Unknown: "it needs the size of a state, and says so";
    case real[3, 2, 4], real[3, 2, 2], real[3, 2, 2], inner[4, 2], real[3, 2, 2], real[3, 2, 2], real[3, 2, 2], real[3, 2, 2] with direct = 1;
    case real[2, 3, 2], real[2, 3, 2], real[2, 3, 2], real[2, 2], real[2, 3, 2], real[2, 3, 2], real[2, 3, 2] with direct = 0;
    refuses f64[3, 2, 4], f64[3, 2, 2], f64[3, 2, 2], f64[4, 3], f64[3, 2, 2], f64[3, 2, 2], f64[3, 2, 2], f64[3, 2, 2] with direct = 1 => "cell_cotangents: `w` does not fit. Got shape (4, 3); expected lengths (4, 2).";
}
