//! `+ - * / %` and unary `-` on tensors, with tensors and numbers on the right, and `f64` and `i32` on the left. `%` is what it is
//! in Rust: the remainder with the sign of the dividend, [`fmod`](crate::tensor_ops::fmod).
//!
//! More number types on the left would leave the type of `2.0` in `2.0 * x` open.

use std::ops::{Add, Div, Mul, Neg, Rem, Sub};

use crate::array::Filled;
use crate::graph::Tensor;
use crate::ops::apply::{Arg, Operand, apply};
use crate::ops::arithmetic::{ADD, DIV, MUL, SUB, neg};
use crate::ops::division::FMOD;

macro_rules! operator {
    ($($Op:ident $op:ident $ROW:ident;)+) => {$(
        impl<'g, R: Operand<'g>> $Op<R> for Tensor<'g> {
            type Output = Tensor<'g>;
            #[track_caller]
            fn $op(self, right: R) -> Tensor<'g> {
                apply(&$ROW, &[Arg::from(self), right.arg()], &[])
            }
        }
        impl<'g, R: Operand<'g>> $Op<R> for &Tensor<'g> {
            type Output = Tensor<'g>;
            #[track_caller]
            fn $op(self, right: R) -> Tensor<'g> {
                apply(&$ROW, &[Arg::from(*self), right.arg()], &[])
            }
        }
        operator! { @left $Op $op $ROW f64 }
        operator! { @left $Op $op $ROW i32 }
        operator! { @left $Op $op $ROW Filled }
    )+};
    (@left $Op:ident $op:ident $ROW:ident $n:ty) => {
        impl<'g> $Op<Tensor<'g>> for $n {
            type Output = Tensor<'g>;
            #[track_caller]
            fn $op(self, right: Tensor<'g>) -> Tensor<'g> {
                apply(&$ROW, &[left(self), Arg::from(right)], &[])
            }
        }
        impl<'g> $Op<&Tensor<'g>> for $n {
            type Output = Tensor<'g>;
            #[track_caller]
            fn $op(self, right: &Tensor<'g>) -> Tensor<'g> {
                apply(&$ROW, &[left(self), Arg::from(*right)], &[])
            }
        }
    };
}

fn left<'g>(n: impl Operand<'g>) -> Arg<'g> {
    n.arg()
}

operator! {
    Add add ADD;
    Sub sub SUB;
    Mul mul MUL;
    Div div DIV;
    Rem rem FMOD;
}

impl<'g> Neg for Tensor<'g> {
    type Output = Tensor<'g>;
    #[track_caller]
    fn neg(self) -> Tensor<'g> {
        neg(self)
    }
}
impl<'g> Neg for &Tensor<'g> {
    type Output = Tensor<'g>;
    #[track_caller]
    fn neg(self) -> Tensor<'g> {
        neg(*self)
    }
}
