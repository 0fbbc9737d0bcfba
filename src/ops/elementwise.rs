//! Elementwise primitives: arithmetic and functions of one real number.

use crate::graph::op::{Body, Cotangent, Domain, Kernel, OpDef, Operands, Param, ParamKind, Primitive, Support};
use crate::graph::{AsTensor, Tensor};
use crate::ops::apply::{Arg, Operand, apply};
use crate::ops::compare::{equal, greater, greater_equal, less, less_equal, logical_and, logical_not};
use crate::ops::families;
use crate::ops::rules::{masked, quotient};
use crate::ops::select::select;
use crate::shape::Aval;

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[
    &ADD, &SUB, &MUL, &DIV, &MAXIMUM, &MINIMUM, &NEG, &SQUARE, &SQRT, &ABS, &SIGN, &EXP, &LOG, &LOG_SUM, &SIN, &COS, &RELU, &CLIP,
    &WEIGHTED,
];

binary! {
    /// Sum with broadcasting: `y = a + b`. Integers wrap around.
    ///
    /// Gradient: `g` and `g`.
    ADD = fn add(a, b) -> y { a + b }
    kind numeric;
    vjp(g) { a: g, b: g }
    derivative constant;
    numpy "a + b";
    example "T.add([[1.0], [2.0]], [10.0, 20.0])" => "[[11. 21.]\n [12. 22.]]";
    samples Real, Real;
}
binary! {
    /// Difference with broadcasting: `y = a - b`. Integers wrap around.
    ///
    /// Gradient: `g` and `-g`.
    SUB = fn sub(a, b) -> y { a - b }
    kind numeric;
    vjp(g) { a: g, b: -g }
    derivative constant;
    numpy "a - b";
    example "T.sub([5.0, 7.0], 2.0)" => "[3. 5.]";
    samples Real, Real;
}
binary! {
    /// Product with broadcasting: `y = a * b`. Integers wrap around.
    ///
    /// Gradient: `g * b` and `g * a`.
    MUL = fn mul(a, b) -> y { a * b }
    kind numeric;
    vjp(g) { a: g * b, b: g * a }
    derivative by_factor;
    numpy "a * b";
    example "T.mul([1, 2, 3], 0.5)" => "[0.5 1.  1.5]";
    samples Real, Real;
}
binary! {
    /// `weight * x`, and 0 where the weight is 0 although `x` is infinite: a term that does not count.
    ///
    /// Gradient: `g * x` and `g * weight`.
    WEIGHTED = fn weighted(weight, x) -> y { select(eq(weight, 0.0) & eq(x, x), 0.0, weight * x) }
    kind float;
    vjp(g) { weight: g * x, x: g * weight }
    numpy "np.where((weight == 0) & (x == x), 0, weight * x)";
    samples Real, Real;
}
binary! {
    /// Quotient with broadcasting: `y = a / b`, in floating numbers; division by zero gives infinity or NaN.
    ///
    /// Gradient: `g / b` and `-g * y / b`.
    DIV = fn div(a, b) -> y { a / b }
    kind float;
    vjp(g) { a: quotient(g, b), b: quotient(-(g * y), b) }
    derivative by_divisor;
    numpy "a / b";
    example "T.div([3, 1, 0], [2, 0, 0])" => "[1.5 inf nan]";
    samples Real, Real;
}
binary! {
    /// The larger of two, with broadcasting; NaN if one of them is NaN.
    ///
    /// Gradient: to the larger; ties share it equally.
    MAXIMUM = fn maximum(a, b) -> y { max(a, b) }
    kind numeric;
    vjp(g) {
        a: masked(select(equal(a, b), g * 0.5, g), greater_equal(a, b)),
        b: masked(select(equal(a, b), g * 0.5, g), greater_equal(b, a))
    }
    derivative constant;
    numpy "np.maximum(a, b)";
    example "T.maximum([1.0, 5.0, np.nan], 3.0)" => "[ 3.  5. nan]";
    samples Real, Positive;
}
binary! {
    /// The smaller of two, with broadcasting; NaN if one of them is NaN.
    ///
    /// Gradient: to the smaller; ties share it equally.
    MINIMUM = fn minimum(a, b) -> y { min(a, b) }
    kind numeric;
    vjp(g) {
        a: masked(select(equal(a, b), g * 0.5, g), less_equal(a, b)),
        b: masked(select(equal(a, b), g * 0.5, g), less_equal(b, a))
    }
    derivative constant;
    numpy "np.minimum(a, b)";
    example "T.minimum([1.0, 5.0, np.nan], 3.0)" => "[ 1.  3. nan]";
    samples Real, Positive;
}
unary! {
    /// Negative: `y = -x`.
    ///
    /// Gradient: `-g`.
    NEG = fn neg(x) -> y { -x }
    kind numeric;
    vjp(g) -g;
    derivative constant;
    numpy "-x";
    example "T.neg([1.0, -2.0])" => "[-1.  2.]";
    samples Real;
}
unary! {
    /// Square: `y = x * x`.
    ///
    /// Gradient: `2 * g * x`.
    SQUARE = fn square(x) -> y { x * x }
    kind numeric;
    vjp(g) g * (x * 2.0);
    derivative singular;
    numpy "np.square(x)";
    example "T.square([-3, 0, 4])" => "[ 9  0 16]";
    samples Real;
}
unary! {
    /// Square root; NaN below 0.
    ///
    /// Gradient: `g / (2 * y)`, infinite at 0; where the factor `y` stands in `g` it cancels, so `sqrt(x) ** 2` has
    /// the derivative 1 everywhere.
    SQRT = fn sqrt(x) -> y { sqrt(x) }
    kind float;
    vjp(g) quotient(g * 0.5, y);
    derivative singular;
    numpy "np.sqrt(x)";
    example "T.sqrt([4.0, 0.0, -1.0])" => "[ 2.  0. nan]";
    samples Positive;
}
unary! {
    /// Absolute value. The smallest integer of a dtype stays as it is.
    ///
    /// Gradient: `g * sign(x)`; 0 at 0.
    ABS = fn abs(x) -> y { abs(x) }
    kind numeric;
    vjp(g) g * sign(x);
    numpy "np.abs(x)";
    example "T.abs([-1.5, 0.0, 2.0])" => "[1.5 0.  2. ]";
    samples Real;
}
unary! {
    /// Sign: -1, 0 or 1; NaN of NaN.
    ///
    /// Gradient: 0.
    SIGN = fn sign(x) -> y { sign(x) }
    kind numeric;
    vjp(g) Cotangent::Zero;
    numpy "np.sign(x)";
    example "T.sign([-3.0, 0.0, 2.0, np.nan])" => "[-1.  0.  1. nan]";
    samples Real;
}
unary! {
    /// Exponential function, within 2 ulp.
    ///
    /// Gradient: `g * y`.
    EXP = fn exp(x) -> y { exp(x) }
    kind float;
    vjp(g) g * y;
    derivative singular;
    numpy "np.exp(x)";
    example "T.exp([0.0, 1.0])" => "[1.         2.71828183]";
    samples Real;
}
unary! {
    /// Natural logarithm, within 2 ulp; -inf at 0, NaN below.
    ///
    /// Gradient: `g / x`.
    LOG = fn log(x) -> y { log(x) }
    kind float;
    vjp(g) quotient(g, x);
    derivative singular;
    numpy "np.log(x)";
    example "T.log([np.e, 1.0, 0.0, -1.0])" => "[  1.   0. -inf  nan]";
    samples Positive;
}
unary! {
    /// Natural logarithm of a sum of exponentials, which is 0 only where nothing can change it: all exponents are -inf.
    ///
    /// Gradient: `g / x`, and 0 at 0.
    LOG_SUM = fn log_sum(x) -> y { log(x) }
    kind float;
    vjp(g) select(equal(x, 0.0), 0.0, quotient(g, x));
    numpy "np.log(x)";
    samples Positive;
}
unary! {
    /// Sine, within 3 ulp.
    ///
    /// Gradient: `g * cos(x)`.
    SIN = fn sin(x) -> y { sin(x) }
    kind float;
    vjp(g) g * cos(x);
    numpy "np.sin(x)";
    example "T.sin([0.0, np.pi / 2])" => "[0. 1.]";
    samples Real;
}
unary! {
    /// Cosine, within 3 ulp.
    ///
    /// Gradient: `-g * sin(x)`.
    COS = fn cos(x) -> y { cos(x) }
    kind float;
    vjp(g) -(g * sin(x));
    numpy "np.cos(x)";
    example "T.cos([0.0, np.pi])" => "[ 1. -1.]";
    samples Real;
}
unary! {
    /// Rectifier: `max(x, 0)`; NaN of NaN. Integers stay integers.
    ///
    /// Gradient: `g` where `x > 0`, exactly 0 elsewhere, at 0 too.
    RELU = fn relu(x) -> y { max(x, 0.0) }
    kind numeric;
    vjp(g) masked(g, greater(y, 0.0));
    derivative constant;
    numpy "np.maximum(x, 0)";
    example "T.relu([-1.0, 0.0, 2.0])" => "[0. 0. 2.]";
    samples Real;
}
op! {
    /// `x` limited to `low .. high`: `minimum(maximum(x, low), high)`.
    ///
    /// Gradient: to `x` where `low < x < high` and exactly 0 elsewhere, at the bounds too; else to the bound that holds.
    CLIP = fn clip(x, low, high) -> (y);
    operands Promote;
    infer(c) families::numeric(c);
    kernel Kernel::Tile(crate::formula!(numeric |x, low, high| min(max(x, low), high)));
    support Elementwise(constant);
    vjp(g) {
        x: masked(g, logical_and(greater(x, low), less(x, high))),
        low: masked(g, logical_and(less_equal(x, low), less(low, high))),
        high: masked(g, logical_not(logical_and(less(x, high), less(low, high)))),
    }
    numpy "np.clip(x, low, high)";
    example "T.clip([-1.0, 0.5, 3.0], 0.0, 1.0)" => "[0.  0.5 1. ]";
    cases vec![
        families::mixed(&[(Domain::Real, &[2, 3]), (Domain::Unit, &[]), (Domain::Positive, &[3])], vec![]),
        families::mixed(&[(Domain::Real, &[6]), (Domain::Unit, &[]), (Domain::Positive, &[])], vec![]),
    ];
    bad vec![families::bad(
        &[&[2], &[3], &[]], vec![],
        "clip: shapes do not broadcast. Got (2,) and (3,); expected equal lengths, or 1, on each axis counted from the last.",
    )];
}
function! {
    /// `x` limited to `low .. high`.
    CLIP = fn clip(x, low, high)
}
