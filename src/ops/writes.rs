//! Writes to variables: at the end of a run, once.

use smallvec::smallvec;

use crate::error::{Error, ErrorKind};
use crate::graph::checkpoint::Mark;
use crate::graph::op::{Cotangent, Domain, Kernel, Lowered, OpDef};
use crate::graph::{AsTensor, NodeOp, Tensor};
use crate::ops::apply::{Arg, Operand, apply};
use crate::ops::{batch, samples, shapes};
use crate::shape::Tuple;

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&ASSIGN, &RUNNING_UPDATE, &RUNNING, &AFTER];

/// True for a row that writes to a variable.
pub(crate) fn is_write(def: &OpDef) -> bool {
    std::ptr::eq(def, &ASSIGN) || std::ptr::eq(def, &RUNNING_UPDATE)
}

row! {
    /// Writes `x` into a variable at the end of the run, and is `x`. All reads of the run see the old value.
    ///
    /// Gradient: that of `x`.
    pub ASSIGN = fn assign(variable: any, x: any) -> y
    shape(c) {
        let fits = variable.ndim() == x.ndim() && variable.shape.iter().zip(&x.shape).all(|(a, b)| a.unify(*b).is_some());
        if !fits {
            return c.shape_error("the value does not fit the variable", format_args!("{} for {}", Tuple(&x.shape), Tuple(&variable.shape)), "equal shapes");
        }
        if variable.dtype != x.dtype {
            return c.dtype_error("the value has another dtype than the variable", format_args!("{} for {}", x.dtype, variable.dtype), "equal dtypes");
        }
        Ok(smallvec![variable.clone()])
    };
    kernel Kernel::Assign;
    support Elementwise(constant);
    vjp(g) { variable: Cotangent::Zero, x: g }
    numpy "x";
    by hand;
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "its target is a variable: whole programs test it";
    exempt Messages: "whole programs test what it refuses";
}

/// Writes `x` into a variable at the end of the run, and is `x`.
#[track_caller]
pub fn assign<'g>(variable: impl AsTensor<'g>, x: impl Operand<'g>) -> Tensor<'g> {
    let variable = variable.tensor();
    if variable.error().is_none() && !matches!(variable.node().op, NodeOp::Variable(..)) {
        let got = variable.node().name().to_owned();
        return variable.graph().poison(Error::new(
            ErrorKind::Variable,
            "assign",
            "the target is not a variable",
            got,
            "a tensor from `ctx.variable`",
        ));
    }
    let x = match x.arg() {
        Arg::Weak(s) => Arg::Tensor(variable.graph().literal(s, variable.dtype())),
        arg => arg,
    };
    apply(&ASSIGN, &[Arg::from(variable), x], &[])
}

row! {
    /// Moves a variable at the end of the run: to `(1 - rate) * variable + rate * amount`, which it is. All reads of the run see the old
    /// value; a further update of the variable in the same run goes on from what the one before it gives.
    ///
    /// Gradient: none.
    pub(crate) RUNNING_UPDATE = fn running_update(variable: float, amount: float, rate: float) -> y
    shape(_c) Ok(smallvec![variable.clone()]);
    kernel Kernel::Lower(|_| Lowered::Write(&RUNNING));
    support Unknown;
    vjp(g) { variable: Cotangent::Zero, amount: Cotangent::Zero, rate: Cotangent::Zero }
    numpy "(1 - rate) * variable + rate * amount";
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "its target is a variable: whole programs test it";
    exempt Messages: "it has no cases, and takes what other rows give it";
}
row! {
    /// `(1 - rate) * x + rate * amount`, and `x` where `rate` is 0, whatever `amount` is.
    ///
    /// Gradient: that of the formula.
    pub(crate) RUNNING = fn running(x: float, amount: float, rate: float) -> y
    shape(c) shapes::elementwise(c);
    kernel Kernel::Tile(crate::formula!(float full |x, amount, rate| select(eq(rate, 0.0), x, (1.0 - rate) * x + rate * amount)));
    support Elementwise(finite);
    vjp(g) { x: g * (1.0 - rate), amount: g * rate, rate: g * (amount - x) }
    batch Elementwise;
    numpy "np.where(rate == 0, x, (1 - rate) * x + rate * amount)";
    by hand;
    cases samples::elementwise(&[Domain::Real, Domain::Real, Domain::Unit]);
    bad samples::ternary_bad("running");
}
row! {
    /// `x` itself; a run that needs it computes the others too.
    ///
    /// Gradient: `g`.
    pub(crate) AFTER = fn after(x: any, first: any, second: any) -> y
    shape(_c) Ok(smallvec![x.clone()]);
    kernel Kernel::Mark(|_| Mark::After);
    support Moved;
    vjp(g) { x: g, first: Cotangent::Zero, second: Cotangent::Zero }
    batch Rule(|b| batch::applied(b, &batch::with_axis(b), &[]));
    numpy "x";
    case real[2, 3], real[2], real[];
}
