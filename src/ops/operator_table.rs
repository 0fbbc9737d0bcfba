//! The rows behind the operators of another language.

use crate::graph::op::OpDef;
use crate::ops::arithmetic::{ABS, ADD, DIV, MUL, NEG, SQUARE, SUB};
use crate::ops::compare::{BITWISE_AND, BITWISE_NOT, BITWISE_OR, BITWISE_XOR, EQUAL, GREATER, GREATER_EQUAL, LESS, LESS_EQUAL, NOT_EQUAL};
use crate::ops::composite::power::POW;
use crate::ops::contract::MATMUL;
use crate::ops::division::{DIVMOD, FLOOR_DIVIDE, REMAINDER};
use crate::ops::movement::TRANSPOSE;
use crate::ops::rearranging::MATRIX_TRANSPOSE;
use crate::ops::rounding::{CEIL, FLOOR, ROUND, TRUNC};

/// The rows behind the operators, for faces in other languages.
pub struct Operators {
    /// `a + b`
    pub add: &'static OpDef,
    /// `a - b`
    pub sub: &'static OpDef,
    /// `a * b`
    pub mul: &'static OpDef,
    /// `a / b`
    pub div: &'static OpDef,
    /// `a // b`
    pub floor_divide: &'static OpDef,
    /// `a % b`
    pub remainder: &'static OpDef,
    /// `divmod(a, b)`
    pub divmod: &'static OpDef,
    /// `a ** b`
    pub pow: &'static OpDef,
    /// `a ** 2`
    pub square: &'static OpDef,
    /// `a @ b`
    pub matmul: &'static OpDef,
    /// `-a`
    pub neg: &'static OpDef,
    /// `abs(a)`
    pub abs: &'static OpDef,
    /// `round(a, decimals)`
    pub round: &'static OpDef,
    /// `math.floor(a)`
    pub floor: &'static OpDef,
    /// `math.ceil(a)`
    pub ceil: &'static OpDef,
    /// `math.trunc(a)`
    pub trunc: &'static OpDef,
    /// `a == b`
    pub equal: &'static OpDef,
    /// `a != b`
    pub not_equal: &'static OpDef,
    /// `a < b`
    pub less: &'static OpDef,
    /// `a <= b`
    pub less_equal: &'static OpDef,
    /// `a > b`
    pub greater: &'static OpDef,
    /// `a >= b`
    pub greater_equal: &'static OpDef,
    /// `a & b`
    pub and: &'static OpDef,
    /// `a | b`
    pub or: &'static OpDef,
    /// `a ^ b`
    pub xor: &'static OpDef,
    /// `~a`
    pub not: &'static OpDef,
    /// `a.T`
    pub transpose: &'static OpDef,
    /// `a.mT`
    pub matrix_transpose: &'static OpDef,
}

/// The rows behind the operators.
pub static OPERATORS: Operators = Operators {
    add: &ADD,
    sub: &SUB,
    mul: &MUL,
    div: &DIV,
    floor_divide: &FLOOR_DIVIDE,
    remainder: &REMAINDER,
    divmod: &DIVMOD,
    pow: &POW,
    square: &SQUARE,
    matmul: &MATMUL,
    neg: &NEG,
    abs: &ABS,
    round: &ROUND,
    floor: &FLOOR,
    ceil: &CEIL,
    trunc: &TRUNC,
    equal: &EQUAL,
    not_equal: &NOT_EQUAL,
    less: &LESS,
    less_equal: &LESS_EQUAL,
    greater: &GREATER,
    greater_equal: &GREATER_EQUAL,
    and: &BITWISE_AND,
    or: &BITWISE_OR,
    xor: &BITWISE_XOR,
    not: &BITWISE_NOT,
    transpose: &TRANSPOSE,
    matrix_transpose: &MATRIX_TRANSPOSE,
};
