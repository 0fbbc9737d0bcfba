//! Random draws. Each call is a draw of its own: its value is a function of the environment's seed, the run, the draw's
//! number in its context and the element's index, so it is one value within a run and another in the next run.

use smallvec::smallvec;

use crate::dtype::DType;
use crate::error::Result;
use crate::graph::attr::{Attr, AttrType, IntoAttr, Ints};
use crate::graph::op::{Avals, Cotangent, Infer, Kernel, Lowered, Lowering, OpDef};
use crate::graph::{AsTensor, Graph, Tensor};
use crate::kernels;
use crate::ops::apply::{Operand, apply, apply_in};
use crate::ops::composite::chance;
use crate::ops::unpack;
use crate::shape::{Aval, Dim, Tuple};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&STANDARD_UNIFORM, &STANDARD_UNIFORM_LIKE, &STANDARD_NORMAL, &STANDARD_NORMAL_LIKE];

row! {
    /// Uniform numbers in `0 <= y < 1`. A draw of its own: one value within a run, another in the next run.
    pub STANDARD_UNIFORM = fn standard_uniform(; shape: Ints, dtype: DType = DType::F64) -> y
    shape(c) drawn(c, &shape, dtype);
    kernel call!(false, |[] -> [y], c| kernels::random::uniform(c.ranges, c.key, y));
    each draw;
    support Unknown;
    vjp(v) { ..vec![] }
    numpy "ref.drawn(shape, dtype)";
    by hand;
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "a draw has no fixed value: whole programs test it";
    exempt Messages: "whole programs test what it refuses";
}
row! {
    /// Uniform numbers in `0 <= y < 1`, in the shape and dtype of `x`, of which nothing else is used.
    pub(crate) STANDARD_UNIFORM_LIKE = fn standard_uniform_like(x: float) -> y
    shape(c) Ok(smallvec![x.clone()]);
    kernel Kernel::Lower(|c| like(c, &STANDARD_UNIFORM));
    each draw;
    support Unknown;
    vjp(g) { x: Cotangent::Zero }
    batch Same;
    numpy "ref.drawn(x.shape, x.dtype)";
    by hand;
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "a draw has no fixed value: whole programs test it";
    exempt Messages: "it has no cases, and every shape and dtype is accepted";
}
row! {
    /// Normal numbers of mean 0 and standard deviation 1. A draw of its own: one value within a run, another in the next run.
    pub STANDARD_NORMAL = fn standard_normal(; shape: Ints, dtype: DType = DType::F64) -> y
    shape(c) drawn(c, &shape, dtype);
    kernel call!(false, |[] -> [y], c| kernels::random::normal(c.ranges, c.key, y));
    each draw;
    support Unknown;
    vjp(v) { ..vec![] }
    numpy "ref.drawn(shape, dtype)";
    by hand;
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "a draw has no fixed value: whole programs test it";
    exempt Messages: "whole programs test what it refuses";
}
row! {
    /// Normal numbers of mean 0 and standard deviation 1, in the shape and dtype of `x`, of which nothing else is used.
    pub(crate) STANDARD_NORMAL_LIKE = fn standard_normal_like(x: float) -> y
    shape(c) Ok(smallvec![x.clone()]);
    kernel Kernel::Lower(|c| like(c, &STANDARD_NORMAL));
    each draw;
    support Unknown;
    vjp(g) { x: Cotangent::Zero }
    batch Same;
    numpy "ref.drawn(x.shape, x.dtype)";
    by hand;
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "a draw has no fixed value: whole programs test it";
    exempt Messages: "it has no cases, and every shape and dtype is accepted";
}

/// A draw in the shape of the output.
fn like(c: &Lowering<'_>, def: &'static OpDef) -> Lowered {
    let dims = c.output.shape.iter().map(|d| d.known().unwrap_or(0) as i64).collect();
    Lowered::Chain(vec![(def, vec![Ints(dims).pack(), Attr::DType(c.output.dtype)])])
}

/// The shape of a draw.
fn drawn(c: &mut Infer<'_>, shape: &Ints, dtype: DType) -> Result<Avals> {
    if shape.0.iter().any(|&n| n < 0) {
        return c.shape_error("a length is negative", Tuple(&shape.0), "lengths >= 0");
    }
    if !dtype.is_float() {
        return c.dtype_error("draws are floating numbers", dtype, "float32 or float64");
    }
    Ok(smallvec![Aval::new(dtype, shape.0.iter().map(|&n| Dim::Known(n as usize)))])
}

#[track_caller]
fn draw<'g>(def: &'static OpDef, shape: impl IntoAttr<Ints>, dtype: DType, ctx: &'g Graph) -> Tensor<'g> {
    match apply_in(ctx, def, &[], &[shape.into_attr().pack(), Attr::DType(dtype)]) {
        Ok(out) => out.first().copied().unwrap_or_else(|| ctx.poison(unpack::arity(def.name))),
        Err(e) => ctx.poison(e),
    }
}

/// Uniform numbers in `0 <= y < 1`, in `f64`.
#[track_caller]
pub fn standard_uniform<'g>(shape: impl IntoAttr<Ints>, ctx: &'g Graph) -> Tensor<'g> {
    draw(&STANDARD_UNIFORM, shape, DType::F64, ctx)
}

/// Normal numbers of mean 0 and standard deviation 1, in `f64`.
#[track_caller]
pub fn standard_normal<'g>(shape: impl IntoAttr<Ints>, ctx: &'g Graph) -> Tensor<'g> {
    draw(&STANDARD_NORMAL, shape, DType::F64, ctx)
}

/// Uniform numbers in `low <= y < high`, in `f64`; differentiable in both bounds.
#[track_caller]
pub fn random_uniform<'g>(shape: impl IntoAttr<Ints>, low: impl Operand<'g>, high: impl Operand<'g>, ctx: &'g Graph) -> Tensor<'g> {
    apply(&chance::BETWEEN, &[standard_uniform(shape, ctx).into(), low.arg(), high.arg()], &[])
}

/// Normal numbers of a mean and a standard deviation, in `f64`; differentiable in both.
#[track_caller]
pub fn random_normal<'g>(shape: impl IntoAttr<Ints>, mean: impl Operand<'g>, stddev: impl Operand<'g>, ctx: &'g Graph) -> Tensor<'g> {
    apply(&chance::SPREAD, &[standard_normal(shape, ctx).into(), mean.arg(), stddev.arg()], &[])
}

/// 1 with probability `p`, else 0, in `f64`. A `p` that is NaN, negative or above 1 is an error, of the run if it is a tensor.
#[track_caller]
pub fn bernoulli<'g>(shape: impl IntoAttr<Ints>, p: impl Operand<'g>, ctx: &'g Graph) -> Tensor<'g> {
    apply(&chance::BERNOULLI, &[standard_uniform(shape, ctx).into(), p.arg()], &[])
}

/// Uniform numbers in `0 <= y < 1` in the shape and dtype of `x`.
#[track_caller]
pub fn uniform_like<'g>(x: impl AsTensor<'g>) -> Tensor<'g> {
    apply(&STANDARD_UNIFORM_LIKE, &[x.tensor().into()], &[])
}

/// Normal numbers of mean 0 and standard deviation 1 in the shape and dtype of `x`.
#[track_caller]
pub fn normal_like<'g>(x: impl AsTensor<'g>) -> Tensor<'g> {
    apply(&STANDARD_NORMAL_LIKE, &[x.tensor().into()], &[])
}
