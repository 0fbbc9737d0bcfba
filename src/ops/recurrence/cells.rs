//! One step of a recurrent network, by PyTorch's conventions of weights and gates.

use crate::error::{Error, ErrorKind, Result};
use crate::graph::Tensor;
use crate::graph::attr::choices;
use crate::graph::op::OpDef;
use crate::ops::activation::{relu, sigmoid, tanh};
use crate::ops::composite::affine::linear;
use crate::shape::{Dim, Tuple};

use super::{gate, state_size};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&RNN_CELL, &LSTM_CELL, &GRU_CELL];

choices! {
    /// What a plain recurrent network does with the sum of its products.
    pub enum Nonlinearity {
        /// The hyperbolic tangent.
        Tanh = "tanh",
        /// The rectifier.
        Relu = "relu",
    }
}

/// The weights of a network whose cells have so many gates.
pub(super) struct Weights<'g> {
    pub w_ih: Tensor<'g>,
    pub w_hh: Tensor<'g>,
    pub b_ih: Option<Tensor<'g>>,
    pub b_hh: Option<Tensor<'g>>,
}

impl<'g> Weights<'g> {
    /// The number of a state; an error unless all weights fit it and the last axis of the input.
    pub fn check(&self, op: &str, gates: usize, x: Tensor<'g>) -> Result<usize> {
        let n = state_size(op, self.w_hh.dims(), gates)?;
        let width = n * gates;
        let fail = |name: &str, t: Tensor<'g>, rule: String| {
            Err(Error::new(ErrorKind::Shape, op, format!("`{name}` does not fit"), format_args!("shape {}", Tuple(t.dims())), rule))
        };
        let input = x.dims().last().copied().unwrap_or(Dim::Known(0));
        match *self.w_ih.dims() {
            [all, own] if all.unify(Dim::Known(width)).is_some() && own.unify(input).is_some() => {}
            _ => return fail("w_ih", self.w_ih, format!("shape ({width}, {}): {gates} * state, and the numbers of the input", one(input))),
        }
        for (name, b) in [("b_ih", self.b_ih), ("b_hh", self.b_hh)] {
            if let Some(b) = b
                && !matches!(*b.dims(), [d] if d.unify(Dim::Known(width)).is_some())
            {
                return fail(name, b, format!("shape ({width},): {gates} * state"));
            }
        }
        Ok(n)
    }

    /// Both biases, if there are any.
    pub fn bias(&self) -> Option<Tensor<'g>> {
        match (self.b_ih, self.b_hh) {
            (Some(a), Some(b)) => Some(a + b),
            (a, b) => a.or(b),
        }
    }

    /// What the gates see of the input, and of the state.
    fn products(&self, op: &str, gates: usize, x: Tensor<'g>, states: &[(&str, Tensor<'g>)]) -> Result<(Tensor<'g>, Tensor<'g>, usize)> {
        let n = self.check(op, gates, x)?;
        if x.ndim() == 0 || x.ndim() > 2 {
            let rule = "shape (samples, input) or (input,)";
            return Err(Error::new(ErrorKind::Shape, op, "the input has the wrong number of axes", Tuple(x.dims()), rule));
        }
        let samples = x.dims().get(..x.ndim() - 1).unwrap_or_default();
        let lengths: Vec<Dim> = samples.iter().copied().chain([Dim::Known(n)]).collect();
        states.iter().try_for_each(|(name, s)| state_fits(op, name, *s, &lengths))?;
        let h = states.first().map_or(x, |s| s.1);
        Ok((linear(x, self.w_ih, self.b_ih), linear(h, self.w_hh, self.b_hh), n))
    }
}

/// A length in a message.
fn one(d: Dim) -> String {
    d.known().map_or("any".into(), |n| n.to_string())
}

/// An error unless a state has these lengths.
pub(super) fn state_fits(op: &str, name: &str, s: Tensor<'_>, lengths: &[Dim]) -> Result<()> {
    if s.ndim() == lengths.len() && s.dims().iter().zip(lengths).all(|(a, b)| a.unify(*b).is_some()) {
        return Ok(());
    }
    let rule: Vec<String> = lengths.iter().map(|&d| one(d)).collect();
    let what = format!("the state `{name}` does not fit");
    Err(Error::new(ErrorKind::Shape, op, what, format_args!("shape {}", Tuple(s.dims())), format_args!("lengths ({})", rule.join(", "))))
}

row! {
    /// The next state of a plain recurrent network: `tanh(w_ih x + b_ih + w_hh h + b_hh)`, or the rectifier of the same. `x` is
    /// `(samples, input)` or `(input,)`, `h` as many states, `w_ih` `(state, input)` and `w_hh` `(state, state)`.
    ///
    /// Gradient: in all tensors.
    pub RNN_CELL = fn rnn_cell(
        x: float, h: float, w_ih: float, w_hh: float, b_ih: float = None, b_hh: float = None; nonlinearity: Nonlinearity = Nonlinearity::Tanh
    ) -> y
    body {
        let weights = Weights { w_ih, w_hh, b_ih, b_hh };
        let (a, b, _) = weights.products("rnn_cell", 1, x, &[("h", h)])?;
        match nonlinearity {
            Nonlinearity::Tanh => tanh(a + b),
            Nonlinearity::Relu => relu(a + b),
        }
    }
    numpy "ref.rnn_cell(x, h, w_ih, w_hh, b_ih, b_hh, nonlinearity)";
    example "T.rnn_cell([1.0, 2.0], [0.5], [[1.0, -1.0]], [[2.0]])" => "[0.]";
    rounds by_layout;
    exempt Unknown: "it needs the size of a state, and says so";
    case real[3, 2], real[3, 4], real[4, 2], real[4, 4];
    case real[3, 2], real[3, 4], real[4, 2], real[4, 4], real[4], real[4] with nonlinearity = Nonlinearity::Relu;
    case real[2], real[3], real[3, 2], real[3, 3], none, real[3];
    refuses f64[3, 2], f64[3, 4], f64[4, 3], f64[4, 4] => "rnn_cell: `w_ih` does not fit. Got shape (4, 3); expected shape (4, 2): 1 * state, and the numbers of the input.";
    refuses f64[3, 2], f64[2, 4], f64[4, 2], f64[4, 4] => "rnn_cell: the state `h` does not fit. Got shape (2, 4); expected lengths (3, 4).";
    refuses f64[3, 2], f64[3, 4], f64[4, 2], f64[5, 4] => "rnn_cell: the matrix of the state does not fit. Got shape (5, 4); expected shape (1 * state, state).";
    refuses f64[3, 2], f64[3, 4], f64[4, 2], f64[4, 4], f64[3] => "rnn_cell: `b_ih` does not fit. Got shape (3,); expected shape (4,): 1 * state.";
    refuses f64[2, 3, 2], f64[3, 4], f64[4, 2], f64[4, 4] => "rnn_cell: the input has the wrong number of axes. Got (2, 3, 2); expected shape (samples, input) or (input,).";
}
row! {
    /// The next state and the next memory of a cell of long short-term memory: `c' = i * g + f * c`, `h' = o * tanh(c')`, where the logistic
    /// functions `i`, `f`, `o` and the hyperbolic tangent `g` are of the parts of `w_ih x + b_ih + w_hh h + b_hh`, in the order `i f g o`.
    /// `x` is `(samples, input)` or `(input,)`, `h` and `c` as many states, `w_ih` `(4 * state, input)` and `w_hh` `(4 * state, state)`.
    ///
    /// Gradient: in all tensors.
    pub LSTM_CELL = fn lstm_cell(
        x: float, h: float, c: float, w_ih: float, w_hh: float, b_ih: float = None, b_hh: float = None
    ) -> state, memory
    body {
        let weights = Weights { w_ih, w_hh, b_ih, b_hh };
        let (a, b, n) = weights.products("lstm_cell", 4, x, &[("h", h), ("c", c)])?;
        let all = a + b;
        let [i, f, g, o] = std::array::from_fn(|k| gate(all, k, n));
        let memory = sigmoid(i) * tanh(g) + sigmoid(f) * c;
        (sigmoid(o) * tanh(memory), memory)
    }
    numpy "ref.lstm_cell(x, h, c, w_ih, w_hh, b_ih, b_hh)";
    example "T.lstm_cell([0.0], [1.0], [2.0], np.zeros([4, 1]), np.zeros([4, 1]))" => "[0.38079708] [1.]";
    rounds by_layout;
    exempt Unknown: "it needs the size of a state, and says so";
    case real[3, 2], real[3, 2], real[3, 2], real[8, 2], real[8, 2];
    case real[3, 2], real[3, 1], real[3, 1], real[4, 2], real[4, 1], real[4], real[4];
    case real[2], real[3], real[3], real[12, 2], real[12, 3], real[12];
    refuses f64[3, 2], f64[3, 2], f64[3, 2], f64[8, 2], f64[6, 2] => "lstm_cell: the matrix of the state does not fit. Got shape (6, 2); expected shape (4 * state, state).";
    refuses f64[3, 2], f64[3, 2], f64[2], f64[8, 2], f64[8, 2] => "lstm_cell: the state `c` does not fit. Got shape (2,); expected lengths (3, 2).";
}
row! {
    /// The next state of a gated recurrent unit: `h' = (1 - z) * n + z * h`. With the parts of `a = w_ih x + b_ih` and `b = w_hh h + b_hh` in the
    /// order `r z n` the gates are the logistic functions `r` and `z` of `a + b`, and `n = tanh(a + r * b)`: the reset comes after the
    /// product. `x` is `(samples, input)` or `(input,)`, `h` as many states, `w_ih` `(3 * state, input)` and `w_hh` `(3 * state, state)`.
    ///
    /// Gradient: in all tensors.
    pub GRU_CELL = fn gru_cell(x: float, h: float, w_ih: float, w_hh: float, b_ih: float = None, b_hh: float = None) -> y
    body {
        let weights = Weights { w_ih, w_hh, b_ih, b_hh };
        let (a, b, n) = weights.products("gru_cell", 3, x, &[("h", h)])?;
        let (r, z) = (sigmoid(gate(a, 0, n) + gate(b, 0, n)), sigmoid(gate(a, 1, n) + gate(b, 1, n)));
        (1.0 - z) * tanh(gate(a, 2, n) + r * gate(b, 2, n)) + z * h
    }
    numpy "ref.gru_cell(x, h, w_ih, w_hh, b_ih, b_hh)";
    example "T.gru_cell([0.0], [1.0], np.zeros([3, 1]), np.zeros([3, 1]))" => "[0.5]";
    rounds by_layout;
    exempt Unknown: "it needs the size of a state, and says so";
    case real[3, 2], real[3, 2], real[6, 2], real[6, 2];
    case real[3, 2], real[3, 1], real[3, 2], real[3, 1], real[3], real[3];
    case real[2], real[3], real[9, 2], real[9, 3], none, real[9];
    refuses f64[3, 2], f64[3, 2], f64[6, 2], f64[8, 2] => "gru_cell: the matrix of the state does not fit. Got shape (8, 2); expected shape (3 * state, state).";
}
