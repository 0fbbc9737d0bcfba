//! `where`: a choice between two values, elementwise.

use smallvec::smallvec;

use crate::graph::op::{Body, Cotangent, Domain, Kernel, OpDef, Operands, Param, ParamKind, Primitive, Support};
use crate::graph::{AsTensor, Tensor};
use crate::ops::apply::{Arg, Operand, apply};
use crate::ops::compare::logical_not;
use crate::ops::families;
use crate::ops::rules::masked;
use crate::shape::Aval;

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&SELECT];

op! {
    /// `a` where the condition is true, else `b`, with broadcasting. Both are computed; neither's infinities or NaN reach
    /// the gradient of the other.
    ///
    /// Gradient: `g` to the value that was taken, exactly 0 to the other.
    SELECT = fn r#where(condition, a, b) -> (y);
    operands Select;
    infer(c) Ok(smallvec![Aval { dtype: a.dtype, shape: families::broadcast_all(c)? }]);
    kernel Kernel::Select;
    support Elementwise(constant);
    vjp(g) { condition: Cotangent::Zero, a: masked(g, condition), b: masked(g, logical_not(condition)) }
    numpy "np.where(condition, a, b)";
    example "x = T.constant([0.0, 4.0])"; "T.grad([T.where(x > 0.0, T.sqrt(x), 0.0)], [x])[0]" => "[0.   0.25]";
    cases vec![
        families::mixed(&[(Domain::Bool, &[2, 3]), (Domain::Real, &[2, 3]), (Domain::Real, &[3])], vec![]),
        families::mixed(&[(Domain::Bool, &[2, 1]), (Domain::Real, &[]), (Domain::Real, &[1, 3])], vec![]),
        families::mixed(&[(Domain::Bool, &[]), (Domain::Real, &[3]), (Domain::Real, &[])], vec![]),
    ];
    bad vec![families::bad(
        &[&[2], &[3], &[]], vec![],
        "where: shapes do not broadcast. Got (2,) and (3,); expected equal lengths, or 1, on each axis counted from the last.",
    )];
}

/// `a` where the condition is true, else `b`. `where` is a word of Rust's own, so the function is `select`.
#[track_caller]
pub fn select<'g>(condition: impl AsTensor<'g>, a: impl Operand<'g>, b: impl Operand<'g>) -> Tensor<'g> {
    apply(&SELECT, &[Arg::from(condition.tensor()), a.arg(), b.arg()], &[])
}
