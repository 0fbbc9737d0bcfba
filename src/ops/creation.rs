//! Arrays in the shape of others, and numbers at equal distances.

use crate::dtype::{DType, Scalar};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::attr::{Attr, MaybeDType};
use crate::graph::op::OpDef;
use crate::graph::{AsTensor, Graph, NodeOp, Tensor};
use crate::ops::apply::{Operand, apply, cast};
use crate::ops::broadcast::broadcast_like;
use crate::ops::compare::equal;
use crate::ops::movement::{expand_dims, reshape};
use crate::ops::positions::iota;
use crate::ops::select::select;
use crate::shape;

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&ZEROS_LIKE, &ONES_LIKE, &FULL_LIKE, &PROGRESSION, &LINSPACE];

row! {
    /// Zeros in the shape of `x`, of which nothing else is used, and in its dtype, if no other is given. A tensor of its own.
    ///
    /// Gradient: none to `x`.
    pub ZEROS_LIKE = fn zeros_like(x: any; dtype: MaybeDType = None) -> y
    body { broadcast_like(x.graph().scalar(false.into(), dtype.unwrap_or(x.dtype())), x) }
    numpy "np.zeros_like(x, dtype)";
    example "T.zeros_like([[1.5, 2.5]])" => "[[0. 0.]]";
    case real[2, 3];
    case real[] with dtype = DType::I32;
}
row! {
    /// Ones in the shape of `x`, of which nothing else is used, and in its dtype, if no other is given. A tensor of its own.
    ///
    /// Gradient: none to `x`.
    pub ONES_LIKE = fn ones_like(x: any; dtype: MaybeDType = None) -> y
    body { broadcast_like(x.graph().scalar(true.into(), dtype.unwrap_or(x.dtype())), x) }
    numpy "np.ones_like(x, dtype)";
    example "T.ones_like([[1.5, 2.5]], dtype=\"int64\")" => "[[1 1]]";
    case real[2, 3];
    case real[] with dtype = DType::Bool;
}
row! {
    /// `fill_value` repeated to the shape of `x`, of which nothing else is used, and in its dtype, if no other is given. Of a number
    /// it is a tensor of its own; one that the dtype does not have is an error.
    ///
    /// Gradient: none to `x`; to `fill_value` the sum of `g` over the repeats.
    pub FULL_LIKE = fn full_like(x: any, fill_value: any; dtype: MaybeDType = None) -> y
    body {
        let dtype = dtype.unwrap_or(x.dtype());
        let value = match fill_value.node().op {
            NodeOp::Scalar(s) => x.graph().scalar(exactly("full_like", s, dtype)?, dtype),
            _ => cast(fill_value, dtype),
        };
        broadcast_like(value, x)
    }
    numpy "np.full_like(x, fill_value, dtype)";
    example "T.full_like([[1.0, 2.0]], 0.5)" => "[[0.5 0.5]]";
    case real[2, 3], real[];
    case real[2, 3], real[3];
    refuses f64[2, 3], f64[2] => "full_like: the array does not fit the shape. Got (2,) for (2, 3); expected lengths equal to the shape's, or 1.";
}

/// A number in the kind of `dtype`; an error of `op` if it has another value there.
fn exactly(op: &str, value: Scalar, dtype: DType) -> Result<Scalar> {
    value.exactly(dtype).ok_or_else(|| value.misfit(op, dtype))
}

/// `value` in a dtype; an error of `op` for a literal that the dtype does not have.
pub(crate) fn fitting<'g>(op: &str, value: Tensor<'g>, dtype: DType) -> Result<Tensor<'g>> {
    match value.node().op {
        NodeOp::Scalar(s) => Ok(value.graph().literal(exactly(op, s, dtype)?, dtype)),
        _ => Ok(cast(value, dtype)),
    }
}

row! {
    /// The `n` numbers `start, start + step, start + 2 * step` and so on.
    ///
    /// Gradient: the sum of `g`; for `step` of `g * i`.
    pub(crate) PROGRESSION = fn progression(start: number, step: number; n: i64) -> y
    body { start + cast(iota(start.graph(), n), start.dtype()) * step }
    numpy "start + step * np.arange(n)";
    case real[], real[] with n = 5;
    case real[], real[] with n = 0;
    refuses bool[], bool[] with n = 2 => "progression: bools are not numbers. Got bool; expected an integer or floating dtype.\nhelp: use `logical_and`, `logical_or`, `logical_xor` or `logical_not`, or cast to a number";
    refuses f64[], f64[] with n = -1 => "progression: a length is negative. Got -1; expected a length >= 0.";
}

/// How many numbers there are from `start` on, `step` apart, before `stop`.
fn count(start: Scalar, stop: Scalar, step: Scalar) -> Result<i64> {
    let fail = |what, got, rule| Error::new(ErrorKind::Value, "arange", what, got, rule);
    let n = match (start, stop, step) {
        (_, _, step) if step.as_f64() == 0.0 => return Err(fail("the step is 0", step.to_string(), "a step other than 0")),
        (Scalar::Int(a), Scalar::Int(b), Scalar::Int(s)) => {
            let (length, step) = (i128::from(b) - i128::from(a), i128::from(s));
            // Rounded up: the division of whole numbers rounds towards 0.
            let n = length / step + i128::from(length % step != 0 && (length < 0) == (step < 0));
            i64::try_from(n.max(0)).ok()
        }
        _ => {
            let n = ((stop.as_f64() - start.as_f64()) / step.as_f64()).ceil();
            if n <= 0.0 { Some(0) } else { (n < i64::MAX as f64).then_some(n as i64) }
        }
    };
    n.ok_or_else(|| {
        fail("the numbers have no end", format!("{start} to {stop} by {step}"), "finite numbers, and a step that leads to the end")
    })
}

/// The numbers `start, start + step, ..` before `stop`: a tensor of its own.
#[track_caller]
pub(crate) fn arange(graph: &Graph, start: Scalar, stop: Scalar, step: Scalar, dtype: DType) -> Tensor<'_> {
    let made = || {
        let n = count(start, stop, step)?;
        let first = exactly("arange", start, dtype)?;
        // As NumPy has it, the first two numbers are rounded, and their distance is that of all.
        let step = match (dtype, step) {
            (DType::F32, s) => f64::from((start.as_f64() + s.as_f64()) as f32 - start.as_f64() as f32).into(),
            (DType::F64, s) => (start.as_f64() + s.as_f64() - start.as_f64()).into(),
            (_, s) => exactly("arange", s, dtype)?,
        };
        Ok(progression(graph.scalar(first, dtype), graph.literal(step, dtype), n))
    };
    let t = graph.inside("arange", made).unwrap_or_else(|e| graph.poison(e));
    t.error().map_or(t, |e| graph.poison(e.named("arange")))
}

/// An end in the shape that both have, with a new axis at `place`.
fn spread<'g>(end: Tensor<'g>, length: Tensor<'g>, place: usize) -> Tensor<'g> {
    expand_dims(broadcast_like(end, length), place as i64)
}

row! {
    /// `num` numbers at equal distances from `start` to `stop`, along a new axis of the result; `stop` is the last of them, or without
    /// `endpoint` the one behind the last. The ends may be arrays.
    ///
    /// Gradient: of the number at `i` of `d` distances, `g * (1 - i / d)` and `g * i / d`.
    pub LINSPACE = fn linspace(start: float, stop: float; num: i64 = 50, endpoint: bool = true, axis: i64 = 0) -> y
    body {
        let length = stop - start;
        if let Some(e) = length.error() {
            return Err(e.named("linspace"));
        }
        let ndim = length.ndim();
        let place = shape::axis("linspace", axis, ndim + 1)?;
        if num < 0 {
            return Err(Error::new(ErrorKind::Shape, "linspace", "a length is negative", num, "a length >= 0"));
        }
        let distances = if endpoint { num - 1 } else { num };
        // Along the new axis, beside those behind it.
        let i = reshape(iota(length.graph(), num), [num].into_iter().chain(std::iter::repeat_n(1, ndim - place)).collect::<Vec<i64>>());
        let i = cast(i, length.dtype());
        let step = if distances > 0 { length / distances } else { length };
        let y = spread(start, length, place) + i * expand_dims(step, place as i64);
        // The last one is the end itself, whatever the others were rounded to.
        if endpoint && distances > 0 { select(equal(i, distances), spread(stop, length, place), y) } else { y }
    }
    numpy "np.linspace(start, stop, num, endpoint, axis=axis)";
    by hand;
    case real[], real[] with num = 5;
    case real[3], real[] with num = 4, endpoint = false, axis = -1;
    case real[2, 1], real[3] with num = 4, axis = 1;
    case real[2], real[2] with num = 1;
    case real[], real[] with num = 0;
    refuses f64[], f64[] with num = -1 => "linspace: a length is negative. Got -1; expected a length >= 0.";
    refuses f64[2], f64[] with axis = 2 => "linspace: axis is out of range. Got axis=2 for 2 dimensions; expected -2 <= axis < 2.";
    refuses f64[2], f64[3] => "linspace: shapes do not broadcast. Got (3,) and (2,); expected equal lengths, or 1, on each axis counted from the last.";
}

/// `num` numbers at equal distances from `start` to `stop`, along a new axis of the result; `stop` is the last of them, or without
/// `endpoint` the one behind the last.
#[track_caller]
pub fn linspace<'g>(start: impl AsTensor<'g>, stop: impl Operand<'g>, num: i64, endpoint: bool, axis: i64) -> Tensor<'g> {
    apply(&LINSPACE, &[start.tensor().into(), stop.arg()], &[Attr::Int(num), Attr::Bool(endpoint), Attr::Int(axis)])
}
