//! Random draws. Each call is a draw of its own: its value is a function of the environment's seed, the run, the draw's
//! number in its context and the element's index, so it is one value within a run and another in the next run.

use smallvec::smallvec;

use crate::dtype::DType;
use crate::graph::attr::{Attr, AttrType, IntoAttr, Ints};
use crate::graph::op::{Body, CallKernel, Cotangent, Kernel, Lowered, OpDef, Operands, Param, ParamKind, Primitive, Support};
use crate::graph::{AsTensor, Graph, Tensor};
use crate::kernels;
use crate::ops::apply::{Operand, apply, apply_in};
use crate::ops::composite::chance;
use crate::ops::families::{self, attr};
use crate::shape::{Aval, Dim, Tuple};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&STANDARD_UNIFORM, &STANDARD_UNIFORM_LIKE, &STANDARD_NORMAL, &STANDARD_NORMAL_LIKE];

macro_rules! draw {
    ($(#[doc = $doc:literal])+ $NAME:ident = $name:literal, $LIKE:ident = $like:literal, $kernel:path) => {
        $(#[doc = $doc])+
        pub static $NAME: OpDef = OpDef {
            name: $name,
            doc: concat!($($doc, "\n"),+),
            params: &[
                Param { name: "shape", kind: ParamKind::Attr(<Ints as AttrType>::KIND), default: Some(|| Ints([].into()).pack()) },
                Param { name: "dtype", kind: ParamKind::Attr(<DType as AttrType>::KIND), default: Some(|| Attr::DType(DType::F64)) },
            ],
            outputs: &["y"],
            body: Body::Primitive(Primitive {
                operands: Operands::Any,
                infer: |c| {
                    let (shape, dtype): (Ints, DType) = (attr(c.attrs.first())?, attr(c.attrs.get(1))?);
                    if shape.0.iter().any(|&n| n < 0) {
                        return c.shape_error("a length is negative", Tuple(&shape.0), "lengths >= 0");
                    }
                    if !dtype.is_float() {
                        return c.dtype_error("draws are floating numbers", dtype, "float32 or float64");
                    }
                    Ok(smallvec![Aval::new(dtype, shape.0.iter().map(|&n| Dim::Known(n as usize)))])
                },
                kernel: Kernel::Call(CallKernel {
                    run: |c| match &mut *c.outputs {
                        [y] => $kernel(c.ranges, c.key, y),
                        _ => Err(families::arity(c.op)),
                    },
                    scratch: |_, _| 0,
                    fallible: false,
                }),
                vjp: |_| vec![],
                support: Support::Unknown,
                own: true,
                draw: true,
            }),
            numpy: "ref.drawn(shape, dtype)",
            example: None,
            cases: Vec::new,
            bad: Vec::new,
        };
        /// The same draw in the shape of a tensor, of which only shape and dtype are used.
        pub static $LIKE: OpDef = OpDef {
            name: $like,
            doc: concat!("As `", $name, "`, in the shape and dtype of `x`, of which nothing else is used.\n"),
            params: &[Param { name: "x", kind: ParamKind::Tensor, default: None }],
            outputs: &["y"],
            body: Body::Primitive(Primitive {
                operands: Operands::FloatFirst,
                infer: |c| Ok(c.inputs.iter().map(|&a| a.clone()).collect()),
                kernel: Kernel::Lower(|c| {
                    let dims = c.output.shape.iter().map(|d| d.known().unwrap_or(0) as i64).collect();
                    Lowered::Chain(vec![(&$NAME, vec![Ints(dims).pack(), Attr::DType(c.output.dtype)])])
                }),
                vjp: |_| vec![Cotangent::Zero],
                support: Support::Unknown,
                own: true,
                draw: true,
            }),
            numpy: "ref.drawn(x.shape, x.dtype)",
            example: None,
            cases: Vec::new,
            bad: Vec::new,
        };
    };
}

draw! {
    /// Uniform numbers in `0 <= y < 1`.
    STANDARD_UNIFORM = "standard_uniform", STANDARD_UNIFORM_LIKE = "standard_uniform_like", kernels::random::uniform
}
draw! {
    /// Normal numbers of mean 0 and standard deviation 1.
    STANDARD_NORMAL = "standard_normal", STANDARD_NORMAL_LIKE = "standard_normal_like", kernels::random::normal
}

#[track_caller]
fn draw<'g>(def: &'static OpDef, shape: impl IntoAttr<Ints>, dtype: DType, ctx: &'g Graph) -> Tensor<'g> {
    match apply_in(ctx, def, &[], &[shape.into_attr().pack(), Attr::DType(dtype)]) {
        Ok(out) => out.first().copied().unwrap_or_else(|| ctx.poison(families::arity(def.name))),
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
    let u = standard_uniform(shape, ctx);
    let low = u * 0.0 + low;
    let high = u * 0.0 + high;
    low + (high - low) * u
}

/// Normal numbers of a mean and a standard deviation, in `f64`; differentiable in both.
#[track_caller]
pub fn random_normal<'g>(shape: impl IntoAttr<Ints>, mean: impl Operand<'g>, stddev: impl Operand<'g>, ctx: &'g Graph) -> Tensor<'g> {
    standard_normal(shape, ctx) * stddev + mean
}

/// 1 with probability `p`, else 0, in `f64`. A `p` that is NaN, negative or above 1 is an error, of the run if it is a tensor.
#[track_caller]
pub fn bernoulli<'g>(shape: impl IntoAttr<Ints>, p: impl Operand<'g>, ctx: &'g Graph) -> Tensor<'g> {
    chance::bernoulli(standard_uniform(shape, ctx), p)
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
