//! Comparisons, logic and bits: no gradient.

use crate::error::Result;
use crate::graph::Tensor;
use crate::graph::op::{Cotangent, Domain, OpDef};
use crate::ops::samples;
use crate::shape::{self, Dim};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[
    &EQUAL,
    &NOT_EQUAL,
    &LESS,
    &LESS_EQUAL,
    &GREATER,
    &GREATER_EQUAL,
    &LOGICAL_AND,
    &LOGICAL_OR,
    &LOGICAL_XOR,
    &LOGICAL_NOT,
    &BITWISE_AND,
    &BITWISE_OR,
    &BITWISE_XOR,
    &BITWISE_NOT,
];

row! {
    /// `a == b`, elementwise. NaN equals nothing.
    pub EQUAL = fn equal(a: compare, b: compare) -> y
    formula { eq(a, b) }
    vjp(g) { a: Cotangent::Zero, b: Cotangent::Zero }
    numpy "a == b";
    example "T.equal([1.0, 2.0, np.nan], [1.0, 3.0, np.nan])" => "[ True False False]";
    method equal;
    exempt First, Second: "it has no floating input, or no floating result";
    samples distinct, real;
}
row! {
    /// `a != b`, elementwise.
    pub NOT_EQUAL = fn not_equal(a: compare, b: compare) -> y
    formula { ne(a, b) }
    vjp(g) { a: Cotangent::Zero, b: Cotangent::Zero }
    numpy "a != b";
    example "T.not_equal([1.0, 2.0, np.nan], [1.0, 3.0, np.nan])" => "[False  True  True]";
    method not_equal;
    exempt First, Second: "it has no floating input, or no floating result";
    samples distinct, real;
}
row! {
    /// `a < b`, elementwise.
    pub LESS = fn less(a: compare, b: compare) -> y
    formula { lt(a, b) }
    vjp(g) { a: Cotangent::Zero, b: Cotangent::Zero }
    numpy "a < b";
    example "T.less([1, 2, 3], 2)" => "[ True False False]";
    alias lesser;
    method less;
    exempt First, Second: "it has no floating input, or no floating result";
    samples distinct, real;
}
row! {
    /// `a <= b`, elementwise.
    pub LESS_EQUAL = fn less_equal(a: compare, b: compare) -> y
    formula { le(a, b) }
    vjp(g) { a: Cotangent::Zero, b: Cotangent::Zero }
    numpy "a <= b";
    example "T.less_equal([1, 2, 3], 2)" => "[ True  True False]";
    alias lesser_equal;
    method less_equal;
    exempt First, Second: "it has no floating input, or no floating result";
    samples distinct, real;
}
/// What is refused of operands that are exchanged, in the order of the call.
fn in_order(op: &str, a: Tensor<'_>, b: Tensor<'_>) -> Result<()> {
    shape::broadcast(op, a.dims(), b.dims(), &mut || Dim::Known(1)).map(|_| ())
}

row! {
    /// `a > b`, elementwise.
    pub GREATER = fn greater(a: compare, b: compare) -> y
    body {
        in_order("greater", a, b)?;
        less(b, a)
    }
    numpy "a > b";
    example "T.greater([1, 2, 3], 2)" => "[False False  True]";
    method greater;
    exempt First, Second: "it has no floating input, or no floating result";
    cases samples::binary_cases(Domain::Distinct, Domain::Real);
    bad samples::binary_bad("greater");
}
row! {
    /// `a >= b`, elementwise.
    pub GREATER_EQUAL = fn greater_equal(a: compare, b: compare) -> y
    body {
        in_order("greater_equal", a, b)?;
        less_equal(b, a)
    }
    numpy "a >= b";
    example "T.greater_equal([1, 2, 3], 2)" => "[False  True  True]";
    method greater_equal;
    exempt First, Second: "it has no floating input, or no floating result";
    cases samples::binary_cases(Domain::Distinct, Domain::Real);
    bad samples::binary_bad("greater_equal");
}
row! {
    /// Logical and of two arrays; numbers count as true where they are not 0.
    pub LOGICAL_AND = fn logical_and(a: mask, b: mask) -> y
    formula { a & b }
    vjp(g) { a: Cotangent::Zero, b: Cotangent::Zero }
    numpy "np.logical_and(a, b)";
    example "T.logical_and([0.0, 0.0, 2.0], [0, 1, 1])" => "[False False  True]";
    exempt First, Second, Narrow: "its samples are bools";
    samples bool, bool;
}
row! {
    /// Logical or of two arrays; numbers count as true where they are not 0.
    pub LOGICAL_OR = fn logical_or(a: mask, b: mask) -> y
    formula { a | b }
    vjp(g) { a: Cotangent::Zero, b: Cotangent::Zero }
    numpy "np.logical_or(a, b)";
    example "T.logical_or([0.0, 0.0, 2.0], [0, 1, 1])" => "[False  True  True]";
    exempt First, Second, Narrow: "its samples are bools";
    samples bool, bool;
}
row! {
    /// Exclusive or of two arrays; numbers count as true where they are not 0.
    pub LOGICAL_XOR = fn logical_xor(a: mask, b: mask) -> y
    formula { a ^ b }
    vjp(g) { a: Cotangent::Zero, b: Cotangent::Zero }
    numpy "np.logical_xor(a, b)";
    example "T.logical_xor([0.0, 0.0, 2.0], [0, 1, 1])" => "[False  True False]";
    exempt First, Second, Narrow: "its samples are bools";
    samples bool, bool;
}
row! {
    /// Logical not; numbers count as true where they are not 0.
    pub LOGICAL_NOT = fn logical_not(x: mask) -> y
    formula { !x }
    vjp(g) { x: Cotangent::Zero }
    numpy "np.logical_not(x)";
    example "T.logical_not([0.0, 2.0, np.nan])" => "[ True False False]";
    exempt First, Second, Narrow: "its samples are bools";
    samples bool;
}
row! {
    /// And of the bits of integers, and of bools.
    pub BITWISE_AND = fn bitwise_and(a: bits, b: bits) -> y
    formula { a & b }
    vjp(g) { a: Cotangent::Zero, b: Cotangent::Zero }
    numpy "np.bitwise_and(a, b)";
    example "T.bitwise_and([12, 10], 6)" => "[4 2]";
    exempt First, Second, Narrow: "its samples are integers";
    samples index(8), index(8);
}
row! {
    /// Or of the bits of integers, and of bools.
    pub BITWISE_OR = fn bitwise_or(a: bits, b: bits) -> y
    formula { a | b }
    vjp(g) { a: Cotangent::Zero, b: Cotangent::Zero }
    numpy "np.bitwise_or(a, b)";
    example "T.bitwise_or([12, 10], 6)" => "[14 14]";
    exempt First, Second, Narrow: "its samples are integers";
    samples index(8), index(8);
}
row! {
    /// Exclusive or of the bits of integers, and of bools.
    pub BITWISE_XOR = fn bitwise_xor(a: bits, b: bits) -> y
    formula { a ^ b }
    vjp(g) { a: Cotangent::Zero, b: Cotangent::Zero }
    numpy "np.bitwise_xor(a, b)";
    example "T.bitwise_xor([True, False], True)" => "[False  True]";
    exempt First, Second, Narrow: "its samples are integers";
    samples index(8), bool;
}
row! {
    /// All bits of integers turned over, and bools negated.
    pub BITWISE_NOT = fn bitwise_not(x: bits) -> y
    formula { complement(x) }
    vjp(g) { x: Cotangent::Zero }
    numpy "np.bitwise_not(x)";
    example "T.bitwise_not([0, 1, -1])" => "[-1 -2  0]";
    alias bitwise_invert, invert;
    exempt First, Second, Narrow: "its samples are integers";
    samples index(8);
}
