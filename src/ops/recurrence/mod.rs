//! Recurrent networks: cells, sequences of them, and the primitives from which their gradients of every order are made.
//!
//! The states of a sequence are one primitive. What a small change does to them is a linear recurrence, whose factors are known for all
//! steps at once; its adjoint is a recurrence that goes back in time. The derivatives of each of these two are made of both and of
//! products over all steps.

pub mod cells;
pub mod linear;
pub mod sequences;
pub mod states;

use crate::error::{Error, ErrorKind, Result};
use crate::graph::Tensor;
use crate::graph::op::Infer;
use crate::ops::movement::{expand_dims, same_shape};
use crate::ops::reduce::reduce_sum;
use crate::ops::slice::{concat, slice_along};
use crate::ops::splitting::part;
use crate::shape::{Aval, Dim, Tuple};

/// The states before those of a sequence: the first one, then all but the last.
fn before<'g>(first: Tensor<'g>, states: Tensor<'g>) -> Tensor<'g> {
    let all = concat(&[expand_dims(first, 0), states], 0);
    same_shape(slice_along(all, 0, None, Some(-1)), states)
}

/// The rows of a sequence at its first step; zeros if it has no steps.
fn at_start(x: Tensor<'_>) -> Tensor<'_> {
    reduce_sum(slice_along(x, 0, None, Some(1)), 0i64, false)
}

/// Gate `k` of the last axis, which holds gates of `n` numbers each.
fn gate(x: Tensor<'_>, k: usize, n: usize) -> Tensor<'_> {
    part(x, x.ndim().saturating_sub(1), Some((k * n) as i64), Some(((k + 1) * n) as i64))
}

/// The number of a state, from the matrix by which it is multiplied: `(gates * state, state)`.
fn state_size(op: &str, w: &[Dim], gates: usize) -> Result<usize> {
    let fail = |what: &str| {
        let rule = format_args!("shape ({gates} * state, state)");
        Error::new(ErrorKind::Shape, op, what, format_args!("shape {}", Tuple(w)), rule)
    };
    match *w {
        [Dim::Known(all), Dim::Known(n)] if n.checked_mul(gates) == Some(all) => Ok(n),
        [Dim::Known(_), Dim::Known(_)] => Err(fail("the matrix of the state does not fit")),
        [_, _] => Err(fail("the size of the state is known only at run time")),
        _ => Err(fail("the matrix of the state has the wrong number of axes")),
    }
}

/// An error unless the axes of an operand may have these lengths; `None` for any.
fn fits(c: &Infer<'_>, name: &str, x: &Aval, lengths: &[Option<Dim>]) -> Result<()> {
    let same = x.shape.len() == lengths.len() && x.shape.iter().zip(lengths).all(|(d, l)| l.is_none_or(|l| d.unify(l).is_some()));
    if same {
        return Ok(());
    }
    let rule: Vec<String> = lengths.iter().map(|l| l.and_then(|l| l.known()).map_or("any".into(), |n| n.to_string())).collect();
    c.shape_error(&format!("{name} does not fit"), format_args!("shape {}", Tuple(&x.shape)), format_args!("lengths ({})", rule.join(", ")))
}
