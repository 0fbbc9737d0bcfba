//! Comparisons and logic: bool results, no gradient.

use crate::graph::op::{Body, Cotangent, Domain, Family, Kernel, OpDef, Operands, Param, ParamKind, Primitive};
use crate::graph::{AsTensor, Tensor};
use crate::ops::apply::{Arg, Operand, apply};
use crate::ops::families;

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] =
    &[&EQUAL, &NOT_EQUAL, &LESS, &LESS_EQUAL, &GREATER, &GREATER_EQUAL, &LOGICAL_AND, &LOGICAL_OR, &LOGICAL_XOR, &LOGICAL_NOT];

macro_rules! comparison {
    ($($(#[doc = $doc:literal])+ $NAME:ident = $name:ident { $f:ident } $numpy:literal;)+) => {$(
        binary! {
            $(#[doc = $doc])+
            $NAME = fn $name(a, b) -> y { $f(a, b) }
            kind compare;
            vjp(g) { a: Cotangent::Zero, b: Cotangent::Zero }
            numpy $numpy;
            samples Distinct, Real;
        }
    )+};
}
comparison! {
    /// `a == b`, elementwise. NaN equals nothing.
    EQUAL = equal { eq } "a == b";
    /// `a != b`, elementwise.
    NOT_EQUAL = not_equal { ne } "a != b";
    /// `a < b`, elementwise.
    LESS = less { lt } "a < b";
    /// `a <= b`, elementwise.
    LESS_EQUAL = less_equal { le } "a <= b";
    /// `a > b`, elementwise.
    GREATER = greater { gt } "a > b";
    /// `a >= b`, elementwise.
    GREATER_EQUAL = greater_equal { ge } "a >= b";
}
binary! {
    /// Logical and of two arrays; numbers count as true where they are not 0.
    LOGICAL_AND = fn logical_and(a, b) -> y { a & b }
    kind logic;
    vjp(g) { a: Cotangent::Zero, b: Cotangent::Zero }
    numpy "np.logical_and(a, b)";
    samples Bool, Bool;
}
binary! {
    /// Logical or of two arrays; numbers count as true where they are not 0.
    LOGICAL_OR = fn logical_or(a, b) -> y { a | b }
    kind logic;
    vjp(g) { a: Cotangent::Zero, b: Cotangent::Zero }
    numpy "np.logical_or(a, b)";
    samples Bool, Bool;
}
binary! {
    /// Exclusive or of two arrays; numbers count as true where they are not 0.
    LOGICAL_XOR = fn logical_xor(a, b) -> y { a ^ b }
    kind logic;
    vjp(g) { a: Cotangent::Zero, b: Cotangent::Zero }
    numpy "np.logical_xor(a, b)";
    samples Bool, Bool;
}
unary! {
    /// Logical not; numbers count as true where they are not 0.
    LOGICAL_NOT = fn logical_not(x) -> y { !x }
    kind logic;
    vjp(g) Cotangent::Zero;
    numpy "np.logical_not(x)";
    samples Bool;
}
