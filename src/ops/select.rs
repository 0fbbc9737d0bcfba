//! `where`: a choice between two values, elementwise.

use smallvec::smallvec;

use crate::graph::op::{Cotangent, Kernel, OpDef};
use crate::ops::compare::logical_not;
use crate::ops::rules::masked;
use crate::ops::shapes;
use crate::shape::Aval;

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&SELECT];

row! {
    /// `a` where the condition is true, else `b`, with broadcasting. Both are computed; neither's infinities or NaN reach
    /// the gradient of the other.
    ///
    /// Gradient: `g` to the value that was taken, exactly 0 to the other.
    pub SELECT = fn r#where(condition: mask, a: value, b: value) -> y
    shape(c) Ok(smallvec![Aval { dtype: a.dtype, shape: shapes::broadcast_all(c)? }]);
    kernel Kernel::Select;
    support Elementwise(constant);
    vjp(g) { condition: Cotangent::Zero, a: masked(g, condition), b: masked(g, logical_not(condition)) }
    batch Elementwise;
    numpy "np.where(condition, a, b)";
    example "x = T.constant([0.0, 4.0])"; "T.grad([T.where(x > 0.0, T.sqrt(x), 0.0)], [x])[0]" => "[0.   0.25]";
    case bool[2, 3], real[2, 3], real[3];
    case bool[2, 1], real[], real[1, 3];
    case bool[], real[3], real[];
    refuses f64[2], f64[3], f64[] => "where: shapes do not broadcast. Got (2,) and (3,); expected equal lengths, or 1, on each axis counted from the last.";
}

// `where` is a word of Rust's own.
pub use self::r#where as select;
