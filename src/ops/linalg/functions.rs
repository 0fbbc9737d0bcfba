//! Functions of square matrices: what the rows of [`exponentials`](super::exponentials) and [`powers`](super::powers) are made of.

use smallvec::smallvec;

use crate::array::{View, ViewMut, with_lead};
use crate::error::Result;
use crate::graph::Tensor;
use crate::graph::attr::choices;
use crate::graph::op::{CallKernel, Cotangent, Infer, Kernel, OpDef, Vjp};
use crate::kernels::linalg::functions as kernels;
use crate::kernels::linalg::spectral as symmetric;
use crate::ops::contract::swapped;
use crate::ops::unpack::{arity, attr};
use crate::shape::{Aval, Shape, Tuple, broadcast};

use super::eigh::eigh_symmetric;
use super::{aligned, extents, plus_transpose, square};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&MATRIX_FUNCTION, &SPECTRAL_FUNCTION];

choices! {
    /// A function of numbers, of which one of matrices is made.
    pub enum Function {
        /// The exponential function.
        Exp = "exp",
        /// The principal logarithm.
        Log = "log",
        /// The principal square root.
        Sqrt = "sqrt",
        /// The sine.
        Sin = "sin",
        /// The cosine.
        Cos = "cos",
        /// The hyperbolic sine.
        Sinh = "sinh",
        /// The hyperbolic cosine.
        Cosh = "cosh",
        /// The hyperbolic tangent.
        Tanh = "tanh",
        /// The sign.
        Sign = "sign",
    }
}

impl Function {
    /// As kernels have it.
    fn kernel(self) -> kernels::Function {
        match self {
            Function::Exp => kernels::Function::Exp,
            Function::Log => kernels::Function::Log,
            Function::Sqrt => kernels::Function::Sqrt,
            Function::Sin => kernels::Function::Sin,
            Function::Cos => kernels::Function::Cos,
            Function::Sinh => kernels::Function::Sinh,
            Function::Cosh => kernels::Function::Cosh,
            Function::Tanh => kernels::Function::Tanh,
            Function::Sign => kernels::Function::Sign,
        }
    }
}

/// The shape of matrices and directions together: the last two axes are one matrix, those in front broadcast.
fn together(c: &mut Infer<'_>, a: &Aval, hs: &[&Aval]) -> Result<Aval> {
    let n = square(c, a)?;
    let mut lead: Shape = a.shape[..a.ndim().saturating_sub(2)].into();
    for h in hs {
        let m = square(c, h)?;
        if n.unify(m).is_none() {
            return c.shape_error(
                "the lengths differ",
                format_args!("{} and {}", Tuple(&a.shape), Tuple(&h.shape)),
                "matrices of one length",
            );
        }
        lead = broadcast(c.op, &lead, &h.shape[..h.ndim().saturating_sub(2)], c.fresh)?;
    }
    lead.extend([n, n]);
    Ok(Aval { dtype: a.dtype, shape: lead })
}

/// Calls `f` with all views, repeated to the axes in front that the result has; `keep` says how many axes of a view are its own.
fn repeated(
    views: &[View<'_>],
    lead: &[usize],
    keep: &dyn Fn(usize) -> usize,
    done: &[View<'_>],
    f: &mut dyn FnMut(&[View<'_>]) -> Result<()>,
) -> Result<()> {
    let [first, rest @ ..] = views else { return f(done) };
    with_lead(*first, lead, keep(done.len()), |x| {
        let mut more: Vec<View<'_>> = done.to_vec();
        more.push(x);
        repeated(rest, lead, keep, &more, f)
    })
}

/// The axes in front of the last two.
fn lead(y: &ViewMut<'_>) -> crate::shape::Dims {
    y.dims()[..y.dims().len().saturating_sub(2)].into()
}

/// No more than so many matrices are in a batch of operands that broadcast.
fn most(avals: &[&Aval]) -> usize {
    avals.iter().map(|a| extents(Some(a)).0.max(1)).fold(1, usize::saturating_mul)
}

/// Cotangents of `a` and of directions: those of derivatives of one function, in which the sum over all orders makes all places alike. `at`
/// builds one from directions.
fn gradients<'g>(v: &Vjp<'_, 'g>, first: usize, at: impl Fn(&[Tensor<'g>]) -> Tensor<'g>) -> Vec<Cotangent<'g>> {
    let hs: Vec<Tensor<'g>> = (first + 1..v.node.inputs.len()).map(|i| swapped(v.x(i))).collect();
    let g = v.g(0);
    let of = |i: usize| {
        if !v.wanted.get(i).copied().unwrap_or(true) || i < first {
            return Cotangent::Zero;
        }
        let mut directions = hs.clone();
        match i - first {
            0 => directions.push(g),
            h => directions[h - 1] = g,
        }
        at(&directions).into()
    };
    (0..v.node.inputs.len()).map(of).collect()
}

row! {
    /// The derivative of the function `f` of matrices at `a`, in as many directions as `hs` has: the function itself, if there are none.
    /// The last two axes are a matrix, and those in front broadcast.
    ///
    /// Gradient: with `D[..]` for this derivative at `a^T`, `D[h_1^T, .., h_k^T, g]` and, for `h_i`, `D[..]` with `g` in the place of
    /// `h_i^T`. For a derivative is the upper right block of `f([[a, h], [0, a]])` (R. Mathias 1996, theorem 2.1), and the adjoint of a
    /// derivative at `a` is that at `a^T`.
    pub(crate) MATRIX_FUNCTION = fn matrix_function(a: float, hs: [float]; f: Function) -> y
    shape(c) Ok(smallvec![together(c, a, hs)?]);
    kernel Kernel::Call(CallKernel {
        run: |c| {
            let f: Function = attr(c.attrs.first())?;
            let (op, ranges, scratch) = (c.op, c.ranges, &mut *c.scratch);
            let [y] = &mut *c.outputs else { return Err(arity(op)) };
            repeated(c.inputs, &lead(y), &|_| 2, &[], &mut |all| match all {
                [a, hs @ ..] => kernels::function(ranges, f.kernel(), *a, hs, scratch, y),
                [] => Err(arity(op)),
            })
        },
        scratch: |avals, attrs| {
            let Ok(f) = attr::<Function>(attrs.first()) else { return 0 };
            let (_, n, _) = extents(avals.first());
            kernels::function_bytes(f.kernel(), most(avals), n, avals.len().saturating_sub(1))
        },
        fallible: true,
        spares: &[],
    });
    support Unknown;
    vjp(v) { ..gradients(v, 0, |hs| matrix_function(swapped(a), hs, f)) }
    batch Rule(|b| aligned(b, &vec![2; b.inputs.len()]));
    cost |c| 30.0 * 3f64.powi(c.inputs.len() as i32 - 1) * super::cubes(c);
    numpy "ref.matrix_function(a, hs, f)";
    rounds by_layout;
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "it is what expm and the like are made of: they test it";
    refuses f64[2, 3] with f = Function::Exp => "matrix_function: not a square matrix. Got shape (2, 3); expected shape (..., n, n).";
    refuses f64[2, 2], f64[3, 3] with f = Function::Exp => "matrix_function: the lengths differ. Got (2, 2) and (3, 3); expected matrices of one length.";
}

row! {
    /// The same of a symmetric matrix `a` from its eigenvalues `w` and its eigenvectors, the columns of `v`, by whatever way they were
    /// computed: no gradient passes through them. Derivatives are sums of divided differences of `f`, at repeated eigenvalues too.
    ///
    /// Gradient: as of `matrix_function`.
    pub(crate) SPECTRAL_FUNCTION = fn spectral_function(w: float, v: float, a: float, hs: [float]; f: Function) -> y
    shape(c) {
        let whole = together(c, a, hs)?;
        let n = square(c, v)?;
        let fits = matches!((&w.shape[..], &whole.shape[..]), ([.., k], [.., m]) if k.unify(*m).and_then(|k| k.unify(n)).is_some());
        if !fits {
            return c.shape_error("values and vectors do not fit", format_args!("{} and {}", Tuple(&w.shape), Tuple(&v.shape)), "w.shape[-1] == v.shape[-1]");
        }
        Ok(smallvec![whole])
    };
    kernel Kernel::Call(CallKernel {
        run: |c| {
            let f: Function = attr(c.attrs.first())?;
            let (op, ranges, scratch) = (c.op, c.ranges, &mut *c.scratch);
            let [y] = &mut *c.outputs else { return Err(arity(op)) };
            repeated(c.inputs, &lead(y), &|i| if i == 0 { 1 } else { 2 }, &[], &mut |all| match all {
                [w, v, _, hs @ ..] => symmetric::spectral(ranges, f.kernel(), [*w, *v], hs, scratch, y),
                _ => Err(arity(op)),
            })
        },
        scratch: |avals, _| {
            let (_, n, _) = extents(avals.get(1));
            symmetric::spectral_bytes(most(&avals[1.min(avals.len())..]), n, avals.len().saturating_sub(3))
        },
        fallible: true,
        spares: &[],
    });
    support Unknown;
    vjp(own) { ..gradients(own, 2, |hs| spectral_function(w, v, a, hs, f)) }
    batch Rule(|b| aligned(b, &std::iter::once(1).chain(std::iter::repeat_n(2, b.inputs.len().saturating_sub(1))).collect::<Vec<_>>()));
    cost |c| 4.0 * super::cubes(c);
    numpy "ref.matrix_function(a, hs, f)";
    rounds by_layout;
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "it takes the eigenvalues of a: expm and the like test it";
    exempt Messages: "it takes what they give it";
}

/// `f(a)`; of the symmetric part, if `hermitian`.
pub(super) fn function(a: Tensor<'_>, f: Function, hermitian: bool) -> Tensor<'_> {
    // What is no square matrix is refused there.
    let square = matches!(a.dims(), [.., m, n] if m.unify(*n).is_some());
    if !hermitian || !square {
        return matrix_function(a, &[] as &[Tensor<'_>], f);
    }
    let a = plus_transpose(a) * 0.5;
    let (w, v) = eigh_symmetric(a, 2);
    spectral_function(w, v, a, &[] as &[Tensor<'_>], f)
}
