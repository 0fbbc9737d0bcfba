//! Comparisons, logic and bits: no gradient.

use crate::graph::op::{Body, Cotangent, Domain, Kernel, OpDef, Operands, Param, ParamKind, Primitive, Support};
use crate::graph::{AsTensor, Tensor};
use crate::ops::apply::{Arg, Operand, apply};
use crate::ops::families;

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

macro_rules! comparison {
    ($($(#[doc = $doc:literal])+ $NAME:ident = $name:ident { $f:ident } $numpy:literal example $code:literal => $prints:literal;)+) => {$(
        binary! {
            $(#[doc = $doc])+
            $NAME = fn $name(a, b) -> y { $f(a, b) }
            kind compare;
            vjp(g) { a: Cotangent::Zero, b: Cotangent::Zero }
            numpy $numpy;
            example $code => $prints;
            samples Distinct, Real;
        }
    )+};
}
comparison! {
    /// `a == b`, elementwise. NaN equals nothing.
    EQUAL = equal { eq } "a == b"
        example "T.equal([1.0, 2.0, np.nan], [1.0, 3.0, np.nan])" => "[ True False False]";
    /// `a != b`, elementwise.
    NOT_EQUAL = not_equal { ne } "a != b"
        example "T.not_equal([1.0, 2.0, np.nan], [1.0, 3.0, np.nan])" => "[False  True  True]";
    /// `a < b`, elementwise.
    LESS = less { lt } "a < b"
        example "T.less([1, 2, 3], 2)" => "[ True False False]";
    /// `a <= b`, elementwise.
    LESS_EQUAL = less_equal { le } "a <= b"
        example "T.less_equal([1, 2, 3], 2)" => "[ True  True False]";
    /// `a > b`, elementwise.
    GREATER = greater { gt } "a > b"
        example "T.greater([1, 2, 3], 2)" => "[False False  True]";
    /// `a >= b`, elementwise.
    GREATER_EQUAL = greater_equal { ge } "a >= b"
        example "T.greater_equal([1, 2, 3], 2)" => "[False  True  True]";
}
binary! {
    /// Logical and of two arrays; numbers count as true where they are not 0.
    LOGICAL_AND = fn logical_and(a, b) -> y { a & b }
    kind logic;
    vjp(g) { a: Cotangent::Zero, b: Cotangent::Zero }
    numpy "np.logical_and(a, b)";
    example "T.logical_and([0.0, 0.0, 2.0], [0, 1, 1])" => "[False False  True]";
    samples Bool, Bool;
}
binary! {
    /// Logical or of two arrays; numbers count as true where they are not 0.
    LOGICAL_OR = fn logical_or(a, b) -> y { a | b }
    kind logic;
    vjp(g) { a: Cotangent::Zero, b: Cotangent::Zero }
    numpy "np.logical_or(a, b)";
    example "T.logical_or([0.0, 0.0, 2.0], [0, 1, 1])" => "[False  True  True]";
    samples Bool, Bool;
}
binary! {
    /// Exclusive or of two arrays; numbers count as true where they are not 0.
    LOGICAL_XOR = fn logical_xor(a, b) -> y { a ^ b }
    kind logic;
    vjp(g) { a: Cotangent::Zero, b: Cotangent::Zero }
    numpy "np.logical_xor(a, b)";
    example "T.logical_xor([0.0, 0.0, 2.0], [0, 1, 1])" => "[False  True False]";
    samples Bool, Bool;
}
unary! {
    /// Logical not; numbers count as true where they are not 0.
    LOGICAL_NOT = fn logical_not(x) -> y { !x }
    kind logic;
    vjp(g) Cotangent::Zero;
    numpy "np.logical_not(x)";
    example "T.logical_not([0.0, 2.0, np.nan])" => "[ True False False]";
    samples Bool;
}
binary! {
    /// And of the bits of integers, and of bools.
    BITWISE_AND = fn bitwise_and(a, b) -> y { a & b }
    kind bits;
    vjp(g) { a: Cotangent::Zero, b: Cotangent::Zero }
    numpy "np.bitwise_and(a, b)";
    example "T.bitwise_and([12, 10], 6)" => "[4 2]";
    samples Index(8), Index(8);
}
binary! {
    /// Or of the bits of integers, and of bools.
    BITWISE_OR = fn bitwise_or(a, b) -> y { a | b }
    kind bits;
    vjp(g) { a: Cotangent::Zero, b: Cotangent::Zero }
    numpy "np.bitwise_or(a, b)";
    example "T.bitwise_or([12, 10], 6)" => "[14 14]";
    samples Index(8), Index(8);
}
binary! {
    /// Exclusive or of the bits of integers, and of bools.
    BITWISE_XOR = fn bitwise_xor(a, b) -> y { a ^ b }
    kind bits;
    vjp(g) { a: Cotangent::Zero, b: Cotangent::Zero }
    numpy "np.bitwise_xor(a, b)";
    example "T.bitwise_xor([True, False], True)" => "[False  True]";
    samples Index(8), Bool;
}
unary! {
    /// All bits of integers turned over, and bools negated.
    BITWISE_NOT = fn bitwise_not(x) -> y { complement(x) }
    kind bits;
    vjp(g) Cotangent::Zero;
    numpy "np.bitwise_not(x)";
    example "T.bitwise_not([0, 1, -1])" => "[-1 -2  0]";
    samples Index(8);
}
