//! The states of recurrent networks, from what the input adds to their gates.

use smallvec::smallvec;

use crate::error::Result;
use crate::graph::Tensor;
use crate::graph::attr::{Attr, Axes};
use crate::graph::op::{Avals, Call, CallKernel, Cotangent, Infer, Kernel, OpDef, Vjp};
use crate::kernels::recurrence::states::{Cell, States, states};
use crate::kernels::recurrence::{Extent, Product};
use crate::ops::activation::{decay, decay_twice, sigmoid, sigmoid_slope, tanh, tanh_slope};
use crate::ops::apply::cast;
use crate::ops::broadcast::broadcast_like;
use crate::ops::compare::greater;
use crate::ops::contract::batch_matmul;
use crate::ops::reduce::reduce_sum;
use crate::ops::slice::{concat, zeros_of};
use crate::ops::unpack::{arity, attr};
use crate::shape::{Aval, Dim};

use super::linear::{Factors, Triple, of_matrix};
use super::{at_start, before, fits, gate, state_size};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&RNN_STATES, &LSTM_STATES, &GRU_STATES];

/// What gates see, and the states: of memories too, if the cell has them.
fn shapes(c: &Infer<'_>, gates: usize) -> Result<Avals> {
    let [x, w, b, firsts @ ..] = c.inputs else { return c.shape_error("there are too few operands", c.inputs.len(), 3) };
    let &[steps, samples, _] = &x.shape[..] else {
        return c.shape_error("the input is no sequence", crate::shape::Tuple(&x.shape), "shape (steps, samples, gates * state)");
    };
    let n = state_size(c.op, &w.shape, gates)?;
    let width = Dim::Known(n * gates);
    fits(c, "the input", x, &[None, None, Some(width)])?;
    fits(c, "`b`", b, &[Some(width)])?;
    firsts.iter().try_for_each(|s| fits(c, "the first state", s, &[Some(samples), Some(Dim::Known(n))]))?;
    let of = |n: usize| Aval { dtype: x.dtype, shape: [steps, samples, Dim::Known(n)].into_iter().collect() };
    let mut all: Avals = smallvec![of(n * gates)];
    all.extend(firsts.iter().map(|_| of(n)));
    Ok(all)
}

fn computed(c: &mut Call<'_>, cell: Cell) -> Result<()> {
    match (c.inputs, &mut *c.outputs) {
        (&[x, w, b, first], [gates, h]) => {
            states(c.ranges, cell, States { x, w, b, first, memory: None, gates, memories: None, states: h }, c.scratch)
        }
        (&[x, w, b, first, memory], [gates, m, h]) => {
            let all = States { x, w, b, first, memory: Some(memory), gates, memories: Some(m), states: h };
            states(c.ranges, cell, all, c.scratch)
        }
        _ => Err(arity(c.op)),
    }
}

fn scratch(avals: &[&Aval], cell: Cell) -> usize {
    let of = || {
        let (x, first) = (avals.first()?, avals.get(3)?.dims()?);
        let (&[steps, samples, _], &[_, n]) = (&x.dims()?[..], &first[..]) else { return None };
        Some(Extent::of(&[steps, samples, n], cell.gates()).scratch(x.dtype, Product::Gates))
    };
    of().unwrap_or(0)
}

macro_rules! kernel {
    ($cell:expr) => {
        Kernel::Call(CallKernel {
            run: |c: &mut Call<'_>| {
                let cell: fn(&[Attr]) -> Result<Cell> = $cell;
                computed(c, cell(c.attrs)?)
            },
            scratch: |avals: &[&Aval], attrs: &[Attr]| {
                let cell: fn(&[Attr]) -> Result<Cell> = $cell;
                cell(attrs).map_or(0, |cell| scratch(avals, cell))
            },
            fallible: false,
            spares: &[],
        })
    };
}

/// What is the same for all cells: from the recurrence of small changes, and the states before each step.
struct Rule<'a, 'v, 'g> {
    v: &'a Vjp<'v, 'g>,
    factors: Factors<'g>,
    /// Cotangents of gates, memories and states, with those of later steps.
    back: Triple<'g>,
    states_before: Tensor<'g>,
}

impl<'g> Rule<'_, '_, 'g> {
    /// The cotangents of the operands, the first of which a function gives.
    fn cotangents(&self, of_input: impl Fn() -> Tensor<'g>) -> Vec<Cotangent<'g>> {
        let [gates, memories, _] = self.back;
        let kept = || at_start(self.factors.kept) * at_start(memories);
        let shared = self.v.node.inputs.len() == 4;
        let one = |i: usize| match i {
            0 => of_input(),
            1 => of_matrix(gates, self.states_before),
            2 => reduce_sum(gates, Axes(Some([0, 1].into())), false),
            // The memory of a cell without one of its own is its state.
            3 if shared => batch_matmul(at_start(gates), self.factors.w) + kept(),
            3 => batch_matmul(at_start(gates), self.factors.w),
            _ => kept(),
        };
        let wanted = |i: usize| self.v.wanted.get(i) == Some(&true);
        (0..self.v.node.inputs.len()).map(|i| if wanted(i) { Cotangent::from(one(i)) } else { Cotangent::Zero }).collect()
    }
}

/// A number in the shape of `x`.
fn all_of(x: Tensor<'_>, value: f64) -> Tensor<'_> {
    broadcast_like(x.graph().literal(value.into(), x.dtype()), x)
}

fn slope_of_sigmoid(x: Tensor<'_>) -> Tensor<'_> {
    sigmoid_slope(sigmoid(x), decay(x))
}

fn slope_of_tanh(x: Tensor<'_>) -> Tensor<'_> {
    tanh_slope(tanh(x), decay_twice(x))
}

fn state_numbers(h: Tensor<'_>) -> usize {
    h.dims().last().and_then(|d| d.known()).unwrap_or(0)
}

row! {
    /// The states `h[t] = tanh(a[t])` of a plain recurrent network, or the rectifier of `a`, with what the gates see
    /// `a[t] = x[t] + w h[t - 1] + b`.
    ///
    /// Gradient: by `cell_cotangents`, with the slope of the function at `a` as its factor.
    pub(crate) RNN_STATES = fn rnn_states(x: float, w: float, b: float, h: float; rectified: bool = false) -> a, hs
    shape(c) shapes(c, 1);
    kernel kernel!(|attrs| Ok(Cell::Plain { rectified: attr(attrs.first())? }));
    support Unknown;
    vjp(v) { ..{
        let (a, hs) = (v.y(0), v.y(1));
        let slope = if rectified { cast(greater(a, 0.0), a.dtype()) } else { slope_of_tanh(a) };
        let factors = Factors { w, kept: zeros_of(hs, hs.dtype()), shown: all_of(hs, 1.0), gates: vec![slope], direct: 0 };
        let back = factors.cotangents([v.g(0), zeros_of(hs, hs.dtype()), v.g(1)]);
        Rule { v, factors, back, states_before: before(h, hs) }.cotangents(|| back[0])
    } }
    numpy "ref.rnn_states(x, w, b, h, rectified)";
    rounds by_layout;
    exempt Unknown: "it needs the size of a state, and says so";
    case real[3, 2, 2], real[2, 2], real[2], real[2, 2];
    case real[4, 1, 3], real[3, 3], real[3], real[1, 3] with rectified = true;
    refuses f64[3, 2], f64[2, 2], f64[2], f64[2, 2] => "rnn_states: the input is no sequence. Got (3, 2); expected shape (steps, samples, gates * state).";
    refuses f64[3, 2, 2], f64[3, 2], f64[2], f64[2, 2] => "rnn_states: the matrix of the state does not fit. Got shape (3, 2); expected shape (1 * state, state).";
    refuses f64[3, 2, 2], f64[2], f64[2], f64[2, 2] => "rnn_states: the matrix of the state has the wrong number of axes. Got shape (2,); expected shape (1 * state, state).";
    refuses f64[3, 2, 4], f64[2, 2], f64[2], f64[2, 2] => "rnn_states: the input does not fit. Got shape (3, 2, 4); expected lengths (any, any, 2).";
    refuses f64[3, 2, 2], f64[2, 2], f64[1], f64[2, 2] => "rnn_states: `b` does not fit. Got shape (1,); expected lengths (2).";
    refuses f64[3, 2, 2], f64[2, 2], f64[2], f64[1, 2] => "rnn_states: the first state does not fit. Got shape (1, 2); expected lengths (2, 2).";
}
row! {
    /// The memories `c[t] = i * g + f * c[t - 1]` and the states `h[t] = o * tanh(c[t])` of a network of long short-term memory (Hochreiter
    /// and Schmidhuber 1997, with the gate `f` of Gers and others 2000). The gates are the logistic functions `i`, `f`, `o` and the
    /// hyperbolic tangent `g` of the parts of `a[t] = x[t] + w h[t - 1] + b`, in the order `i f g o`.
    ///
    /// Gradient: by `cell_cotangents`; its factors are the derivatives of the memory by the first three gates and by the memory before,
    /// and of the state by the last gate and by the memory, at all steps at once.
    pub(crate) LSTM_STATES = fn lstm_states(x: float, w: float, b: float, h: float, c: float) -> a, cs, hs
    shape(s) shapes(s, 4);
    kernel kernel!(|_| Ok(Cell::LongShort));
    support Unknown;
    vjp(v) { ..{
        let (a, cs, hs) = (v.y(0), v.y(1), v.y(2));
        let n = state_numbers(hs);
        let [i, f, g, o] = std::array::from_fn(|k| gate(a, k, n));
        let (input, forget, new, output) = (sigmoid(i), sigmoid(f), tanh(g), sigmoid(o));
        let gates = vec![
            slope_of_sigmoid(i) * new,
            slope_of_sigmoid(f) * before(c, cs),
            slope_of_tanh(g) * input,
            slope_of_sigmoid(o) * tanh(cs),
        ];
        let factors = Factors { w, kept: forget, shown: output * slope_of_tanh(cs), gates, direct: 1 };
        let back = factors.cotangents([v.g(0), v.g(1), v.g(2)]);
        Rule { v, factors, back, states_before: before(h, hs) }.cotangents(|| back[0])
    } }
    numpy "ref.lstm_states(x, w, b, h, c)";
    rounds by_layout;
    exempt Unknown: "it needs the size of a state, and says so";
    case real[3, 2, 8], real[8, 2], real[8], real[2, 2], real[2, 2];
    case real[4, 1, 4], real[4, 1], real[4], real[1, 1], real[1, 1];
    refuses f64[3, 2, 8], f64[6, 2], f64[8], f64[2, 2], f64[2, 2] => "lstm_states: the matrix of the state does not fit. Got shape (6, 2); expected shape (4 * state, state).";
    refuses f64[3, 2, 8], f64[8, 2], f64[8], f64[2, 2], f64[3, 2] => "lstm_states: the first state does not fit. Got shape (3, 2); expected lengths (2, 2).";
}
row! {
    /// The states `h[t] = (1 - z) * n + z * h[t - 1]` of a network of gated recurrent units (Cho and others 2014) with the product
    /// `a[t] = w h[t - 1] + b`: of the parts `r z n` of `a` and `x` the gates are the logistic functions `r` and `z` of `x + a`, and
    /// `n = tanh(x + r * a)`.
    ///
    /// Gradient: by `cell_cotangents`, with the derivatives of the state by `a` and by the state before as its factors, at all steps at once.
    pub(crate) GRU_STATES = fn gru_states(x: float, w: float, b: float, h: float) -> a, hs
    shape(s) shapes(s, 3);
    kernel kernel!(|_| Ok(Cell::Gated));
    support Unknown;
    vjp(v) { ..{
        let (a, hs) = (v.y(0), v.y(1));
        let size = state_numbers(hs);
        let [ar, az, an] = std::array::from_fn(|k| gate(a, k, size));
        let [xr, xz, xn] = std::array::from_fn(|k| gate(x, k, size));
        let (r, z) = (sigmoid(xr + ar), sigmoid(xz + az));
        let inner = xn + r * an;
        let states_before = before(h, hs);
        // By the three parts of the input; those of the product differ in the last one.
        let by_new = (1.0 - z) * slope_of_tanh(inner);
        let by_reset = by_new * an * slope_of_sigmoid(xr + ar);
        let by_keep = slope_of_sigmoid(xz + az) * (states_before - tanh(inner));
        let factors = Factors { w, kept: z, shown: all_of(hs, 1.0), gates: vec![by_reset, by_keep, by_new * r], direct: 0 };
        let back = factors.cotangents([v.g(0), zeros_of(hs, hs.dtype()), v.g(1)]);
        let of_input = || concat(&[by_reset * back[1], by_keep * back[1], by_new * back[1]], -1);
        Rule { v, factors, back, states_before }.cotangents(of_input)
    } }
    numpy "ref.gru_states(x, w, b, h)";
    rounds by_layout;
    exempt Unknown: "it needs the size of a state, and says so";
    case real[3, 2, 6], real[6, 2], real[6], real[2, 2];
    case real[4, 1, 3], real[3, 1], real[3], real[1, 1];
    refuses f64[3, 2, 6], f64[6, 3], f64[6], f64[2, 2] => "gru_states: the matrix of the state does not fit. Got shape (6, 3); expected shape (3 * state, state).";
}
