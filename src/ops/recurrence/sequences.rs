//! Sequences through recurrent networks, by PyTorch's conventions of weights and gates.

use crate::error::{Error, ErrorKind, Result};
use crate::graph::Tensor;
use crate::graph::op::OpDef;
use crate::ops::broadcast::{broadcast_like, broadcast_to};
use crate::ops::composite::affine::linear;
use crate::ops::movement::{squeeze, transpose};
use crate::ops::rearranging::flip;
use crate::ops::slice::slice_along;
use crate::shape::{Dim, Tuple};

use super::cells::{Nonlinearity, Weights, state_fits};
use super::states::{gru_states, lstm_states, rnn_states};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&RNN, &LSTM, &GRU];

/// How a sequence lies in its array, and which way it is read.
#[derive(Clone, Copy)]
struct Order {
    batch_first: bool,
    reverse: bool,
}

impl Order {
    /// As steps in the order in which they come, or back.
    fn turned<'g>(self, x: Tensor<'g>) -> Tensor<'g> {
        let x = if self.batch_first { transpose(x, [1, 0, 2]) } else { x };
        if self.reverse { flip(x, 0) } else { x }
    }

    fn back<'g>(self, x: Tensor<'g>) -> Tensor<'g> {
        let x = if self.reverse { flip(x, 0) } else { x };
        if self.batch_first { transpose(x, [1, 0, 2]) } else { x }
    }
}

/// The rows of a sequence at its last step.
fn last(x: Tensor<'_>) -> Tensor<'_> {
    squeeze(slice_along(x, 0, Some(-1), None), 0)
}

/// A sequence that is ready for its steps.
struct Ready<'g> {
    /// What the input adds to the gates, all steps by one product.
    x: Tensor<'g>,
    /// What is added to the product of the state.
    bias: Tensor<'g>,
    /// The first states.
    first: Vec<Tensor<'g>>,
}

/// The input's product, and first states: zeros where none are given.
fn ready<'g>(
    op: &str,
    gates: usize,
    x: Tensor<'g>,
    weights: &Weights<'g>,
    states: &[(&str, Option<Tensor<'g>>)],
    order: Order,
) -> Result<Ready<'g>> {
    let &[a, b, _] = x.dims() else {
        let rule = if order.batch_first { "shape (samples, steps, input)" } else { "shape (steps, samples, input)" };
        return Err(Error::new(ErrorKind::Shape, op, "the input is no sequence", Tuple(x.dims()), rule));
    };
    let (steps, samples) = if order.batch_first { (b, a) } else { (a, b) };
    if steps == Dim::Known(0) {
        return Err(Error::new(ErrorKind::Shape, op, "the sequence has no steps", Tuple(x.dims()), "one step at least"));
    }
    let n = weights.check(op, gates, x)?;
    let lengths = [samples, Dim::Known(n)];
    let given = states.iter().filter_map(|(name, s)| s.map(|s| (name, s)));
    given.into_iter().try_for_each(|(name, s)| state_fits(op, name, s, &lengths))?;
    // The reset of a gated unit comes between the two biases.
    let (of_input, of_state) = if gates == 3 { (weights.b_ih, weights.b_hh) } else { (None, weights.bias()) };
    let x = order.turned(linear(x, weights.w_ih, of_input));
    let zero = x.graph().literal(0.0.into(), x.dtype());
    let like = slice_along(squeeze(slice_along(x, 0, None, Some(1)), 0), 1, None, Some(n as i64));
    let first = states.iter().map(|(_, s)| s.unwrap_or_else(|| broadcast_like(zero, like))).collect();
    let bias = of_state.unwrap_or_else(|| broadcast_to(zero, [(n * gates) as i64]));
    Ok(Ready { x, bias, first })
}

/// The first states are there.
fn given<'g>(op: &str, first: &[Tensor<'g>], k: usize) -> Result<Tensor<'g>> {
    first.get(k).copied().ok_or_else(|| Error::engine(op, "a first state is missing", k, "one a state"))
}

row! {
    /// A sequence through a plain recurrent network: all states `h[t] = tanh(w_ih x[t] + b_ih + w_hh h[t - 1] + b_hh)`, or the rectifier of the
    /// same, and the last of them. `x` is `(steps, samples, input)`, `w_ih` `(state, input)`, `w_hh` `(state, state)`, and the state before the
    /// first one, `h`, `(samples, state)`: zeros, if it is not given. With `batch_first` samples come before steps in `x` and in the result.
    /// With `reverse` the sequence is read from its end, and the last state is that of the first step.
    ///
    /// Gradient: in all tensors. Of steps one after the other there is one pass, and one back; weights get theirs by one product over all steps.
    pub RNN = fn rnn(
        x: float, w_ih: float, w_hh: float, b_ih: float = None, b_hh: float = None, h: float = None;
        nonlinearity: Nonlinearity = Nonlinearity::Tanh, batch_first: bool = false, reverse: bool = false
    ) -> states, state
    body {
        let (weights, order) = (Weights { w_ih, w_hh, b_ih, b_hh }, Order { batch_first, reverse });
        let r = ready("rnn", 1, x, &weights, &[("h", h)], order)?;
        let (_, states) = rnn_states(r.x, w_hh, r.bias, given("rnn", &r.first, 0)?, nonlinearity == Nonlinearity::Relu);
        (order.back(states), last(states))
    }
    numpy "ref.rnn(x, w_ih, w_hh, b_ih, b_hh, h, nonlinearity, batch_first, reverse)";
    example "T.rnn([[[1.0], [1.0]]], [[2.0]], [[-1.0]], nonlinearity=\"relu\", batch_first=True)" => "[[[2.]\n  [0.]]] [[0.]]";
    rounds by_layout;
    exempt Unknown: "it needs the size of a state, and says so";
    case real[3, 2, 4], real[3, 4], real[3, 3];
    case real[3, 2, 2], real[3, 2], real[3, 3], real[3], real[3], real[2, 3] with reverse = true;
    case real[2, 4, 2], real[3, 2], real[3, 3], none, real[3], real[2, 3] with nonlinearity = Nonlinearity::Relu, batch_first = true;
    refuses f64[3, 2], f64[3, 2], f64[3, 3] => "rnn: the input is no sequence. Got (3, 2); expected shape (steps, samples, input).";
    refuses f64[3, 2, 4], f64[3, 2], f64[3, 3] => "rnn: `w_ih` does not fit. Got shape (3, 2); expected shape (3, 4): 1 * state, and the numbers of the input.";
    refuses f64[3, 2, 4], f64[3, 4], f64[3, 2] => "rnn: the matrix of the state does not fit. Got shape (3, 2); expected shape (1 * state, state).";
    refuses f64[0, 2, 4], f64[3, 4], f64[3, 3] => "rnn: the sequence has no steps. Got (0, 2, 4); expected one step at least.";
}
row! {
    /// A sequence through a network of long short-term memory: all states, the last of them, and the last memory, by `lstm_cell` at each step.
    /// `x` is `(steps, samples, input)`, `w_ih` `(4 * state, input)`, `w_hh` `(4 * state, state)`, and `h` and `c`, the state and the memory
    /// before the first step, are `(samples, state)`: zeros, if they are not given. With `batch_first` samples come before steps in `x` and in
    /// the result. With `reverse` the sequence is read from its end, and the last state is that of the first step.
    ///
    /// Gradient: in all tensors. Of steps one after the other there is one pass, and one back; weights get theirs by one product over all steps.
    pub LSTM = fn lstm(
        x: float, w_ih: float, w_hh: float, b_ih: float = None, b_hh: float = None, h: float = None, c: float = None;
        batch_first: bool = false, reverse: bool = false
    ) -> states, state, memory
    body {
        let (weights, order) = (Weights { w_ih, w_hh, b_ih, b_hh }, Order { batch_first, reverse });
        let r = ready("lstm", 4, x, &weights, &[("h", h), ("c", c)], order)?;
        let (_, memories, states) = lstm_states(r.x, w_hh, r.bias, given("lstm", &r.first, 0)?, given("lstm", &r.first, 1)?);
        (order.back(states), last(states), last(memories))
    }
    numpy "ref.lstm(x, w_ih, w_hh, b_ih, b_hh, h, c, batch_first, reverse)";
    example "T.lstm(np.zeros([1, 2, 1]), np.zeros([4, 1]), np.zeros([4, 1]), c=[[4.0]], batch_first=True)" => "[[[0.48201379]\n  [0.38079708]]] [[0.38079708]] [[1.]]";
    rounds by_layout;
    exempt Unknown: "it needs the size of a state, and says so";
    case real[3, 2, 3], real[8, 3], real[8, 2];
    case real[3, 2, 2], real[12, 2], real[12, 3], real[12], real[12], real[2, 3], real[2, 3];
    case real[2, 3, 2], real[4, 2], real[4, 1], none, real[4], none, real[2, 1] with batch_first = true, reverse = true;
    refuses f64[3, 2, 3], f64[8, 3], f64[6, 2] => "lstm: the matrix of the state does not fit. Got shape (6, 2); expected shape (4 * state, state).";
    refuses f64[3, 2, 3], f64[6, 3], f64[8, 2] => "lstm: `w_ih` does not fit. Got shape (6, 3); expected shape (8, 3): 4 * state, and the numbers of the input.";
    refuses f64[3, 2, 3], f64[8, 3], f64[8, 2], f64[2] => "lstm: `b_ih` does not fit. Got shape (2,); expected shape (8,): 4 * state.";
    refuses f64[3, 2, 3], f64[8, 3], f64[8, 2], f64[8], f64[8], f64[3, 2] => "lstm: the state `h` does not fit. Got shape (3, 2); expected lengths (2, 2).";
    refuses f64[3, 2, 3], f64[8, 3], f64[8, 2], f64[8], f64[8], f64[2, 2], f64[2, 1] => "lstm: the state `c` does not fit. Got shape (2, 1); expected lengths (2, 2).";
    refuses f64[3, 2], f64[8, 2], f64[8, 2] with batch_first = true => "lstm: the input is no sequence. Got (3, 2); expected shape (samples, steps, input).";
}
row! {
    /// A sequence through a network of gated recurrent units: all states, and the last of them, by `gru_cell` at each step. `x` is `(steps,
    /// samples, input)`, `w_ih` `(3 * state, input)`, `w_hh` `(3 * state, state)`, and the state before the first one, `h`, `(samples, state)`:
    /// zeros, if it is not given. With `batch_first` samples come before steps in `x` and in the result. With `reverse` the sequence is read
    /// from its end, and the last state is that of the first step.
    ///
    /// Gradient: in all tensors. Of steps one after the other there is one pass, and one back; weights get theirs by one product over all steps.
    pub GRU = fn gru(
        x: float, w_ih: float, w_hh: float, b_ih: float = None, b_hh: float = None, h: float = None;
        batch_first: bool = false, reverse: bool = false
    ) -> states, state
    body {
        let (weights, order) = (Weights { w_ih, w_hh, b_ih, b_hh }, Order { batch_first, reverse });
        let r = ready("gru", 3, x, &weights, &[("h", h)], order)?;
        let (_, states) = gru_states(r.x, w_hh, r.bias, given("gru", &r.first, 0)?);
        (order.back(states), last(states))
    }
    numpy "ref.gru(x, w_ih, w_hh, b_ih, b_hh, h, batch_first, reverse)";
    example "T.gru(np.zeros([1, 2, 1]), np.zeros([3, 1]), np.zeros([3, 1]), h=[[8.0]], batch_first=True)" => "[[[4.]\n  [2.]]] [[2.]]";
    rounds by_layout;
    exempt Unknown: "it needs the size of a state, and says so";
    case real[3, 2, 3], real[6, 3], real[6, 2];
    case real[3, 2, 2], real[9, 2], real[9, 3], real[9], real[9], real[2, 3] with reverse = true;
    case real[2, 3, 2], real[3, 2], real[3, 1], none, real[3], real[2, 1] with batch_first = true;
    refuses f64[3, 2, 3], f64[6, 3], f64[8, 2] => "gru: the matrix of the state does not fit. Got shape (8, 2); expected shape (3 * state, state).";
    refuses f64[3, 2, 3], f64[6, 3], f64[6, 2], f64[6], f64[6], f64[3, 2] => "gru: the state `h` does not fit. Got shape (3, 2); expected lengths (2, 2).";
}
