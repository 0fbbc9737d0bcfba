//! Arithmetic of elements.

use crate::graph::op::{Cotangent, OpDef};
use crate::ops::compare::{equal, greater, greater_equal, less, less_equal, logical_and, logical_not};
use crate::ops::rules::{masked, quotient};
use crate::ops::select::select;

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] =
    &[&ADD, &SUB, &MUL, &DIV, &MAXIMUM, &MINIMUM, &NEG, &SQUARE, &ABS, &SIGN, &CLIP, &CLIP_BETWEEN, &CLIP_BELOW, &CLIP_ABOVE, &WEIGHTED];

row! {
    /// Sum with broadcasting: `y = a + b`. Integers wrap around.
    ///
    /// Gradient: `g` and `g`.
    pub ADD = fn add(a: number, b: number) -> y
    formula { a + b }
    vjp(g) { a: g, b: g }
    derivative constant;
    numpy "a + b";
    example "T.add([[1.0], [2.0]], [10.0, 20.0])" => "[[11. 21.]\n [12. 22.]]";
    samples real, real;
}
row! {
    /// Difference with broadcasting: `y = a - b`. Integers wrap around.
    ///
    /// Gradient: `g` and `-g`.
    pub SUB = fn sub(a: number, b: number) -> y
    formula { a - b }
    vjp(g) { a: g, b: -g }
    derivative constant;
    numpy "a - b";
    example "T.sub([5.0, 7.0], 2.0)" => "[3. 5.]";
    alias subtract;
    samples real, real;
}
row! {
    /// Product with broadcasting: `y = a * b`. Integers wrap around.
    ///
    /// Gradient: `g * b` and `g * a`.
    pub MUL = fn mul(a: number, b: number) -> y
    formula { a * b }
    vjp(g) { a: g * b, b: g * a }
    derivative by_factor;
    numpy "a * b";
    example "T.mul([1, 2, 3], 0.5)" => "[0.5 1.  1.5]";
    alias multiply;
    samples real, real;
}
row! {
    /// `weight * x`, and 0 where the weight is 0 although `x` is infinite: a term that does not count.
    ///
    /// Gradient: `g * x` and `g * weight`.
    pub(crate) WEIGHTED = fn weighted(weight: float, x: float) -> y
    formula full { select(eq(weight, 0.0) & eq(x, x), 0.0, weight * x) }
    vjp(g) { weight: g * x, x: g * weight }
    numpy "np.where((weight == 0) & (x == x), 0, weight * x)";
    samples real, real;
}
row! {
    /// Quotient with broadcasting: `y = a / b`, in floating numbers; division by zero gives infinity or NaN.
    ///
    /// Gradient: `g / b` and `-g * y / b`.
    pub DIV = fn div(a: float, b: float) -> y
    formula { a / b }
    vjp(g) { a: quotient(g, b), b: quotient(-(g * y), b) }
    derivative by_divisor;
    numpy "a / b";
    example "T.div([3, 1, 0], [2, 0, 0])" => "[1.5 inf nan]";
    alias divide, true_divide;
    samples real, real;
}
row! {
    /// The larger of two, with broadcasting; NaN if one of them is NaN.
    ///
    /// Gradient: to the larger; ties share it equally.
    pub MAXIMUM = fn maximum(a: number, b: number) -> y
    formula { max(a, b) }
    vjp(g) {
        a: masked(select(equal(a, b), g * 0.5, g), greater_equal(a, b)),
        b: masked(select(equal(a, b), g * 0.5, g), greater_equal(b, a))
    }
    derivative constant;
    numpy "np.maximum(a, b)";
    example "T.maximum([1.0, 5.0, np.nan], 3.0)" => "[ 3.  5. nan]";
    samples real, positive;
}
row! {
    /// The smaller of two, with broadcasting; NaN if one of them is NaN.
    ///
    /// Gradient: to the smaller; ties share it equally.
    pub MINIMUM = fn minimum(a: number, b: number) -> y
    formula { min(a, b) }
    vjp(g) {
        a: masked(select(equal(a, b), g * 0.5, g), less_equal(a, b)),
        b: masked(select(equal(a, b), g * 0.5, g), less_equal(b, a))
    }
    derivative constant;
    numpy "np.minimum(a, b)";
    example "T.minimum([1.0, 5.0, np.nan], 3.0)" => "[ 1.  3. nan]";
    samples real, positive;
}
row! {
    /// Negative: `y = -x`.
    ///
    /// Gradient: `-g`.
    pub NEG = fn neg(x: number) -> y
    formula { -x }
    vjp(g) { x: -g }
    derivative constant;
    numpy "-x";
    example "T.neg([1.0, -2.0])" => "[-1.  2.]";
    alias negative;
    samples real;
}
row! {
    /// Square: `y = x * x`.
    ///
    /// Gradient: `2 * g * x`.
    pub SQUARE = fn square(x: number) -> y
    formula { x * x }
    vjp(g) { x: g * (x * 2.0) }
    derivative singular;
    numpy "np.square(x)";
    example "T.square([-3, 0, 4])" => "[ 9  0 16]";
    method square;
    samples real;
}
row! {
    /// Absolute value. The smallest integer of a dtype stays as it is.
    ///
    /// Gradient: `g * sign(x)`; 0 at 0.
    pub ABS = fn abs(x: number) -> y
    formula { abs(x) }
    vjp(g) { x: g * sign(x) }
    numpy "np.abs(x)";
    example "T.abs([-1.5, 0.0, 2.0])" => "[1.5 0.  2. ]";
    method abs;
    samples real;
}
row! {
    /// Sign: -1, 0 or 1; NaN of NaN.
    ///
    /// Gradient: 0.
    pub SIGN = fn sign(x: number) -> y
    formula { sign(x) }
    vjp(g) { x: Cotangent::Zero }
    numpy "np.sign(x)";
    example "T.sign([-3.0, 0.0, 2.0, np.nan])" => "[-1.  0.  1. nan]";
    samples real;
}
row! {
    /// `x` limited to `low .. high`: `minimum(maximum(x, low), high)`. A bound may be missing.
    ///
    /// Gradient: to `x` where `low < x < high` and exactly 0 elsewhere, at the bounds too; else to the bound that holds.
    pub CLIP = fn clip(x: value, low: value = None, high: value = None) -> y
    body {
        match (low, high) {
            (Some(low), Some(high)) => clip_between(x, low, high),
            (Some(low), None) => clip_below(x, low),
            (None, Some(high)) => clip_above(x, high),
            (None, None) => x,
        }
    }
    numpy "np.clip(x, low, high)";
    example "T.clip([-1.0, 0.5, 3.0], 0.0, 1.0)" => "[0.  0.5 1. ]";
    method clip;
    case real[2, 3], unit[], positive[3];
    case real[6], unit[], positive[];
    case real[2, 3], unit[3], none;
    case real[2, 3], none, unit[3];
    case real[4], none, none;
    refuses f64[2], f64[3], f64[] => "clip: shapes do not broadcast. Got (2,) and (3,); expected equal lengths, or 1, on each axis counted from the last.";
}
row! {
    /// `minimum(maximum(x, low), high)`.
    ///
    /// Gradient: to `x` where `low < x < high`, else to the bound that holds.
    pub(crate) CLIP_BETWEEN = fn clip_between(x: number, low: number, high: number) -> y
    formula { min(max(x, low), high) }
    vjp(g) {
        x: masked(g, logical_and(greater(x, low), less(x, high))),
        low: masked(g, logical_and(less_equal(x, low), less(low, high))),
        high: masked(g, logical_not(logical_and(less(x, high), less(low, high)))),
    }
    derivative constant;
    numpy "np.clip(x, low, high)";
    samples real, unit, positive;
}
row! {
    /// The larger of `x` and a bound.
    ///
    /// Gradient: to `x` where it is larger, else to the bound, at a tie too.
    pub(crate) CLIP_BELOW = fn clip_below(x: number, low: number) -> y
    formula { max(x, low) }
    vjp(g) { x: masked(g, greater(x, low)), low: masked(g, logical_not(greater(x, low))) }
    derivative constant;
    numpy "np.maximum(x, low)";
    samples real, unit;
}
row! {
    /// The smaller of `x` and a bound.
    ///
    /// Gradient: to `x` where it is smaller, else to the bound, at a tie too.
    pub(crate) CLIP_ABOVE = fn clip_above(x: number, high: number) -> y
    formula { min(x, high) }
    vjp(g) { x: masked(g, less(x, high)), high: masked(g, logical_not(less(x, high))) }
    derivative constant;
    numpy "np.minimum(x, high)";
    samples real, unit;
}
