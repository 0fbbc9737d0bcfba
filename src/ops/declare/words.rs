//! The words of a row: classes, domains, dtypes, and what stands after `derivative`, `batch`, `cost` and `each`.

/// A class by its name in a row.
macro_rules! class {
    (float) => {
        $crate::graph::op::Class::Float
    };
    (number) => {
        $crate::graph::op::Class::Number
    };
    (value) => {
        $crate::graph::op::Class::Value
    };
    (compare) => {
        $crate::graph::op::Class::Compare
    };
    (integer) => {
        $crate::graph::op::Class::Integer
    };
    (bits) => {
        $crate::graph::op::Class::Bits
    };
    (mask) => {
        $crate::graph::op::Class::Mask
    };
    (count) => {
        $crate::graph::op::Class::Count
    };
    (any) => {
        $crate::graph::op::Class::Any
    };
}

/// Numbers to test with, by their name in a row.
macro_rules! domain {
    (real) => {
        $crate::graph::op::Domain::Real
    };
    (positive) => {
        $crate::graph::op::Domain::Positive
    };
    (unit) => {
        $crate::graph::op::Domain::Unit
    };
    (inner) => {
        $crate::graph::op::Domain::Inner
    };
    (beyond) => {
        $crate::graph::op::Domain::Beyond
    };
    (distinct) => {
        $crate::graph::op::Domain::Distinct
    };
    (ascending) => {
        $crate::graph::op::Domain::Ascending
    };
    (spd) => {
        $crate::graph::op::Domain::Spd
    };
    (regular) => {
        $crate::graph::op::Domain::Regular
    };
    (bool) => {
        $crate::graph::op::Domain::Bool
    };
    (none) => {
        $crate::graph::op::Domain::Absent
    };
    (index($n:literal)) => {
        $crate::graph::op::Domain::Index($n)
    };
    (label($n:literal)) => {
        $crate::graph::op::Domain::Label($n)
    };
}

/// A dtype by its name in a row.
macro_rules! dtype_of {
    (f64) => {
        $crate::dtype::DType::F64
    };
    (f32) => {
        $crate::dtype::DType::F32
    };
    (i64) => {
        $crate::dtype::DType::I64
    };
    (i32) => {
        $crate::dtype::DType::I32
    };
    (bool) => {
        $crate::dtype::DType::Bool
    };
}

/// A text, if there is one.
macro_rules! text {
    () => {
        None
    };
    ($text:literal) => {
        Some($text)
    };
}

/// True if there is a word.
macro_rules! said {
    () => {
        false
    };
    ($word:ident) => {
        true
    };
}

/// True for a row whose calls are draws; these too are nodes of their own.
macro_rules! is_draw {
    () => {
        false
    };
    (own) => {
        false
    };
    (draw) => {
        true
    };
}

/// What the local derivative of an elementwise row can be: finite at finite operands, if the row says nothing else.
macro_rules! derivative {
    () => {
        $crate::ops::support::finite
    };
    ($which:ident) => {
        $crate::ops::support::$which
    };
}

/// How a row is computed with one more axis: in a loop, if it says nothing else.
macro_rules! batch {
    () => {
        $crate::graph::op::Batch::Loop
    };
    ($how:ident) => {
        $crate::graph::op::Batch::$how
    };
    ($how:ident($rule:expr)) => {
        $crate::graph::op::Batch::$how($rule)
    };
}

/// The arithmetic of a row, if it says it.
macro_rules! cost {
    () => {
        None
    };
    ($cost:expr) => {
        Some($cost)
    };
}

/// The shape rule of an elementwise row, by the class of its operands.
macro_rules! elementwise_shape {
    (float) => {
        $crate::ops::shapes::elementwise
    };
    (number) => {
        $crate::ops::shapes::numeric
    };
    (compare) => {
        $crate::ops::shapes::boolean
    };
    (mask) => {
        $crate::ops::shapes::boolean
    };
    (integer) => {
        $crate::ops::shapes::integers
    };
    (bits) => {
        $crate::ops::shapes::bits
    };
}
