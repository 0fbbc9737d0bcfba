//! Attention: means of values, weighted by how well keys fit queries.

use smallvec::smallvec;

use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::attr::{Attr, Axes};
use crate::graph::op::{CallKernel, Cotangent, Infer, Kernel, Lowering, OpDef, Vjp};
use crate::graph::{AsTensor, Tensor};
use crate::kernels::attention::{self, Extents};
use crate::ops::apply::{Arg, MaybeOperand, apply, cast};
use crate::ops::broadcast::{broadcast_like, broadcast_to};
use crate::ops::compare::greater_equal;
use crate::ops::contract::{batch_matmul, swapped};
use crate::ops::exponent::exp;
use crate::ops::movement::{expand_dims, merge_axes, split_axis};
use crate::ops::positions::{known_length, positions};
use crate::ops::reduce::{count, number, reduce_sum};
use crate::ops::root::sqrt;
use crate::ops::select::select;
use crate::ops::unpack::{arity, attr};
use crate::shape::{Aval, Dim, Dims, Shape, Tuple, broadcast};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&ATTEND, &ATTEND_ADJOINT, &SCALED_DOT_PRODUCT_ATTENTION];

/// The axes of an operand in front of its matrices, and these.
fn matrices<'a>(op: &str, name: &str, shape: &'a [Dim]) -> Result<(&'a [Dim], Dim, Dim)> {
    match shape {
        [lead @ .., m, n] => Ok((lead, *m, *n)),
        _ => {
            let what = format!("`{name}` has too few axes");
            Err(Error::new(ErrorKind::Shape, op, what, Tuple(shape), "shape (..., length, width)"))
        }
    }
}

/// An error unless two lengths may be equal.
fn equal(op: &str, what: &str, [a, b]: [&[Dim]; 2], [m, n]: [Dim; 2], rule: &str) -> Result<Dim> {
    m.unify(n).ok_or_else(|| Error::new(ErrorKind::Shape, op, what, format_args!("{} and {}", Tuple(a), Tuple(b)), rule))
}

/// The lengths of what is computed.
struct Fit {
    lead: Shape,
    queries: Dim,
    keys: Dim,
    values: Dim,
}

/// An error unless queries, keys, values and mask fit each other.
fn fit(op: &str, [q, k, v, mask]: [&[Dim]; 4], fresh: &mut dyn FnMut() -> Dim) -> Result<Fit> {
    let ((lead, queries, depth), (of_keys, keys, width)) = (matrices(op, "q", q)?, matrices(op, "k", k)?);
    let (of_values, rows, values) = matrices(op, "v", v)?;
    let (of_mask, m, n) = matrices(op, "attn_mask", mask)?;
    equal(op, "queries and keys differ in width", [q, k], [depth, width], "q.shape[-1] == k.shape[-1]")?;
    let keys = equal(op, "there are not as many values as keys", [k, v], [keys, rows], "k.shape[-2] == v.shape[-2]")?;
    let mut lead = Shape::from_slice(lead);
    for (own, whole) in [(of_keys, k), (of_values, v)] {
        lead = broadcast(op, &lead, own, fresh).map_err(|_| {
            let got = format!("{} and {}", Tuple(q), Tuple(whole));
            Error::new(ErrorKind::Shape, op, "the axes in front of the matrices do not broadcast", got, "equal lengths, or 1")
        })?;
    }
    let repeats = |a: Dim, b: Dim| a == Dim::Known(1) || a.unify(b).is_some();
    let (true, true, Ok(all)) = (repeats(m, queries), repeats(n, keys), broadcast(op, &lead, of_mask, fresh)) else {
        let scores: Shape = lead.iter().copied().chain([queries, keys]).collect();
        let rule = format!("a shape that broadcasts to {}", Tuple(&scores));
        return Err(Error::new(ErrorKind::Shape, op, "`attn_mask` does not fit the scores", Tuple(mask), rule));
    };
    Ok(Fit { lead: all, queries, keys, values })
}

/// As [`fit`], of the first operands of a node.
fn fitted(c: &mut Infer<'_>, q: &Aval, k: &Aval, v: &Aval, mask: &Aval) -> Result<Fit> {
    if mask.dtype != DType::Bool && mask.dtype != q.dtype {
        return c.dtype_error("the mask has another dtype", mask.dtype, format_args!("bool or {}", q.dtype));
    }
    fit(c.op, [&q.shape, &k.shape, &v.shape, &mask.shape], c.fresh)
}

/// The lengths of a node whose shapes are known, from its inputs.
fn extents<'a>(inputs: impl Iterator<Item = &'a [usize]> + Clone, causal: bool) -> Option<Extents> {
    let mut all = inputs.clone();
    let ([.., queries, depth], [.., keys, _], [.., values]) = (all.next()?, all.next()?, all.next()?) else { return None };
    let mut lead = Dims::new();
    for dims in inputs {
        let own = dims.get(..dims.len().checked_sub(2)?)?;
        let missing = own.len().saturating_sub(lead.len());
        (0..missing).for_each(|_| lead.insert(0, 1));
        let from = lead.len() - own.len();
        lead.iter_mut().skip(from).zip(own).filter(|(n, _)| **n == 1).for_each(|(n, &m)| *n = m);
    }
    Some(Extents { lead, queries: *queries, keys: *keys, depth: *depth, values: *values, causal })
}

fn causal(attrs: &[Attr]) -> bool {
    attr(attrs.first()).unwrap_or(false)
}

/// Bytes of scratch, from the inputs of a node.
fn scratch(inputs: &[&Aval], attrs: &[Attr], of: fn(DType, &Extents) -> usize) -> usize {
    let dims: Option<Vec<Vec<usize>>> = inputs.iter().map(|a| Some(a.dims()?.to_vec())).collect();
    let (Some(first), Some(dims)) = (inputs.first(), dims) else { return 0 };
    extents(dims.iter().map(|d| &d[..]), causal(attrs)).map_or(0, |e| of(first.dtype, &e))
}

row! {
    /// `softmax(q k^T, masked) v` for matrices in the last two axes, and the logarithm of the sum of the exponentials of each query's scores.
    /// A score counts where the mask is true, or has the mask added, and with `causal` where the key does not stand behind the query. A query
    /// of which none counts has the result 0 and the logarithm inf. No matrix of scores is made.
    ///
    /// Gradient: with weights `p` and `c = p (g v^T - sum(g y) + g')`, where `g'` is the cotangent of the logarithms, `c k`, `c^T q`, `p^T g`, and
    /// `c` to a mask of numbers (Dao, Fu, Ermon, Rudra, Re 2022, arXiv:2205.14135).
    pub(crate) ATTEND = fn attend(q: float, k: float, v: float, mask: any; causal: bool = false) -> y, logarithm
    shape(c) {
        let Fit { lead, queries, values, .. } = fitted(c, q, k, v, mask)?;
        let of = |n| Aval { dtype: q.dtype, shape: lead.iter().copied().chain([queries, n]).collect() };
        Ok(smallvec![of(values), of(Dim::Known(1))])
    };
    kernel Kernel::Call(CallKernel {
        run: |c| match (c.inputs, &mut *c.outputs) {
            (&[q, k, v, mask], [y, logarithm]) => {
                let e = extents([q, k, v, mask].iter().map(|x| x.dims()), causal(c.attrs)).ok_or_else(|| arity(c.op))?;
                attention::forward(c.ranges, &e, [q, k, v, mask], c.scratch, y, logarithm)
            }
            _ => Err(arity(c.op)),
        },
        scratch: |inputs, attrs| scratch(inputs, attrs, attention::forward_scratch),
        fallible: false,
        spares: &[1],
    });
    support Unknown;
    vjp(c) { ..attend_vjp(c, causal) }
    batch Leading(2);
    cost |c| 2.0 * scores(c) * (width(c, 0) + width(c, 2));
    numpy "ref.attend(q, k, v, mask, causal)";
    rounds by_layout;
    case real[3, 2], real[4, 2], real[4, 3], bool[3, 4];
    case real[2, 1, 5, 3], real[3, 4, 3], real[2, 3, 4, 2], real[5, 4] with causal = true;
    case real[4, 2], real[2, 3, 2], real[3, 3], real[2, 1, 3];
    refuses f64[3], f64[4, 2], f64[4, 3], bool[1, 1] => "attend: `q` has too few axes. Got (3,); expected shape (..., length, width).";
    refuses f64[3, 2], f64[4, 2], f64[4, 3], i64[1, 1] => "attend: the mask has another dtype. Got int64; expected bool or float64.";
}

/// Scores, and the width of an operand, for counting.
fn scores(c: &Lowering<'_>) -> f64 {
    let [q, k] = [0, 1].map(|i| c.lengths(i));
    let rows = |d: &[usize]| d.iter().rev().nth(1).map_or(0.0, |&n| n as f64);
    let units: f64 = c.output.dims().map_or(0.0, |d| d.iter().rev().skip(2).map(|&n| n as f64).product());
    units * rows(&q) * rows(&k)
}
fn width(c: &Lowering<'_>, i: usize) -> f64 {
    c.lengths(i).last().map_or(0.0, |&n| n as f64)
}

fn attend_vjp<'g>(v: &Vjp<'_, 'g>, causal: bool) -> Vec<Cotangent<'g>> {
    let [q, k, values, mask] = [0, 1, 2, 3].map(|i| v.x(i));
    let g = v.g(0);
    let mut less = reduce_sum(g * v.y(0), -1, true);
    if let Some(Some(of_logarithm)) = v.cotangents.get(1) {
        less = less - *of_logarithm;
    }
    let (gq, gk, gv, scores) = attend_adjoint(q, k, values, mask, v.y(1), less, g, causal);
    let mask = if mask.dtype() == DType::Bool { Cotangent::Zero } else { scores.into() };
    vec![gq.into(), gk.into(), gv.into(), mask]
}

row! {
    /// What the gradient of `attend` is made of: with `p = exp(q k^T - logarithm)`, masked, and `c = p (g v^T - less)`, the products `c k`, `c^T q`
    /// and `p^T g`, and `c`. The last is the only matrix of scores, and is made where it is read.
    ///
    /// Gradient: that of these formulas, with matrices of scores.
    pub(crate) ATTEND_ADJOINT = fn attend_adjoint(q: float, k: float, v: float, mask: any, logarithm: float, less: float, g: float; causal: bool = false) -> gq, gk, gv, scores
    shape(c) {
        let Fit { mut lead, queries, keys, values } = fitted(c, q, k, v, mask)?;
        for (x, n) in [(logarithm, Dim::Known(1)), (less, Dim::Known(1)), (g, values)] {
            let (own, rows, columns) = matrices(c.op, "g", &x.shape)?;
            let rule = "a number, or a cotangent, for each query";
            equal(c.op, "the cotangents do not fit", [&x.shape, &q.shape], [rows, queries], rule)?;
            equal(c.op, "the cotangents do not fit", [&x.shape, &v.shape], [columns, n], rule)?;
            lead = broadcast(c.op, &lead, own, c.fresh)?;
        }
        let of = |m, n| Aval { dtype: q.dtype, shape: lead.iter().copied().chain([m, n]).collect() };
        let depth = q.shape.last().copied().unwrap_or(Dim::Known(0));
        Ok(smallvec![of(queries, depth), of(keys, depth), of(keys, values), of(queries, keys)])
    };
    kernel Kernel::Call(CallKernel {
        run: |c| match (c.inputs, &mut *c.outputs) {
            (&[q, k, v, mask, logarithm, less, g], [gq, gk, gv, scores]) => {
                let inputs = [q, k, v, mask, logarithm, less, g];
                let e = extents(inputs.iter().map(|x| x.dims()), causal(c.attrs)).ok_or_else(|| arity(c.op))?;
                attention::backward(c.ranges, &e, inputs, c.scratch, [gq, gk, gv, scores])
            }
            _ => Err(arity(c.op)),
        },
        scratch: |inputs, attrs| scratch(inputs, attrs, attention::backward_scratch),
        fallible: false,
        spares: &[3],
    });
    support Unknown;
    vjp(c) { ..adjoint_vjp(c, causal) }
    batch Leading(2);
    cost |c| 2.0 * scores(c) * (3.0 * width(c, 0) + 2.0 * width(c, 2));
    numpy "ref.attend_adjoint(q, k, v, mask, logarithm, less, g, causal)";
    rounds by_layout;
    case real[3, 2], real[4, 2], real[4, 3], bool[3, 4], real[3, 1], real[3, 1], real[3, 3];
    case real[2, 1, 5, 3], real[3, 4, 3], real[2, 3, 4, 2], real[5, 4], real[3, 5, 1], real[2, 3, 5, 1], real[5, 2] with causal = true;
    refuses f64[3, 2], f64[4, 2], f64[4, 3], bool[1, 1], f64[3, 1], f64[2, 1], f64[3, 3] => "attend_adjoint: the cotangents do not fit. Got (2, 1) and (3, 2); expected a number, or a cotangent, for each query.";
    refuses f64[3, 2], f64[4, 3], f64[4, 3], bool[1, 1], f64[3, 1], f64[3, 1], f64[3, 3] => "attend_adjoint: queries and keys differ in width. Got (3, 2) and (4, 3); expected q.shape[-1] == k.shape[-1].";
}

fn adjoint_vjp<'g>(v: &Vjp<'_, 'g>, causal: bool) -> Vec<Cotangent<'g>> {
    let xs = [0, 1, 2, 3, 4, 5, 6].map(|i| v.x(i));
    let [q, k, values, mask, logarithm, less, g] = xs;
    let numbers = mask.dtype() != DType::Bool;
    let scores = batch_matmul(q, swapped(k)) - logarithm;
    let weights = exp(if numbers { scores + mask } else { scores });
    let weights = if numbers { weights } else { select(mask, weights, 0.0) };
    let weights = if causal {
        let [rows, columns] = [(q, 2), (k, 2)].map(|(x, back)| positions(x, x.ndim() - back));
        select(greater_equal(expand_dims(rows, 1), columns), weights, 0.0)
    } else {
        weights
    };
    let c = weights * (batch_matmul(g, swapped(values)) - less);
    let made = [batch_matmul(c, k), batch_matmul(swapped(c), q), batch_matmul(swapped(weights), g), c];
    let mut ys = vec![];
    let mut seeds = vec![];
    for (i, y) in made.into_iter().enumerate() {
        if let Some(Some(seed)) = v.cotangents.get(i) {
            // The axes in front of the matrices are those of all operands.
            ys.push(broadcast_like(y, v.y(i)));
            seeds.push(Some(*seed));
        }
    }
    let grads = v.differentiate.grad(&ys, &seeds, &xs);
    grads
        .into_iter()
        .zip(xs)
        .map(|(g, x)| if x.dtype() == DType::Bool { Cotangent::Zero } else { g.map_or(Cotangent::Zero, Cotangent::Value) })
        .collect()
}

/// A mask for each score, of two axes at least; without one, true.
fn mask_of<'g>(op: &str, like: Tensor<'g>, mask: Option<Tensor<'g>>) -> Result<Tensor<'g>> {
    let Some(mask) = mask else { return Ok(broadcast_to(like.graph().literal(true.into(), DType::Bool), [1, 1])) };
    if mask.dtype() != DType::Bool && !mask.dtype().is_float() {
        return Err(Error::new(ErrorKind::DType, op, "`attn_mask` is no mask", mask.dtype(), "bool, or floating numbers to add"));
    }
    let missing = 2usize.saturating_sub(mask.ndim()) as i64;
    Ok(if missing > 0 { expand_dims(mask, (0..missing).collect::<Vec<_>>()) } else { mask })
}

/// `x` with its heads, which stand in front of the matrices, taken apart into so many groups of `n`.
fn grouped<'g>(x: Tensor<'g>, groups: usize, n: usize) -> Tensor<'g> {
    let like = broadcast_to(x.graph().literal(false.into(), DType::Bool), [groups as i64, n as i64]);
    split_axis(x, x.ndim() - 3, like, 0, 2)
}

/// Queries, keys, values and mask with the heads of queries in groups, each of which shares a head of keys and values.
fn in_groups<'g>(op: &str, [q, k, v, mask]: [Tensor<'g>; 4]) -> Result<[Tensor<'g>; 4]> {
    let heads = |name: &str, x: Tensor<'g>| match x.ndim().checked_sub(3) {
        Some(axis) => known_length(op, x, axis),
        None => {
            let what = format!("`{name}` has no axis of heads");
            Err(Error::new(ErrorKind::Shape, op, what, Tuple(x.dims()), "shape (..., heads, length, width)"))
        }
    };
    let [all, of_keys, of_values] = [heads("q", q)?, heads("k", k)?, heads("v", v)?];
    if of_keys == 0 || of_keys != of_values || all % of_keys != 0 {
        let got = format!("{all} heads of queries, {of_keys} of keys and {of_values} of values");
        let rule = "as many heads of keys as of values, which divide those of queries";
        return Err(Error::new(ErrorKind::Shape, op, "the heads do not make groups", got, rule));
    }
    let n = all / of_keys;
    let between = |x: Tensor<'g>| expand_dims(x, -3);
    let mask = match mask.ndim().checked_sub(3).and_then(|axis| mask.dims().get(axis)) {
        None => mask,
        Some(Dim::Known(1)) => between(mask),
        Some(Dim::Known(m)) if *m == all => grouped(mask, of_keys, n),
        Some(_) => {
            let rule = format!("1 or {all} heads");
            return Err(Error::new(ErrorKind::Shape, op, "`attn_mask` does not fit the heads", Tuple(mask.dims()), rule));
        }
    };
    Ok([grouped(q, of_keys, n), between(k), between(v), mask])
}

row! {
    /// Attention (Vaswani et al. 2017, equation 1): `softmax(scale * q k^T, masked) v` for queries (..., s, d), keys (..., t, d) and values (..., t, e);
    /// the axes in front broadcast, and the result is (..., s, e).
    ///
    /// `attn_mask` broadcasts to (..., s, t): bools say which keys a query sees, numbers are added to the scores. With `is_causal` the query in place `i`
    /// sees the keys in the places up to `i`; beside a mask both hold. A query that sees no key gives 0, and its gradients are 0. Keys and values
    /// that are not seen must be finite all the same. `scale` is `1 / sqrt(d)` if it is not given. With `enable_gqa` axis -3 counts heads, and as
    /// many heads of queries as stand behind each other share a head of keys and values.
    ///
    /// The matrix of scores is not kept: memory is that of the operands, in gradients of the first order too, but for a mask of numbers whose gradient
    /// is asked for. Higher orders do make it.
    ///
    /// Gradient: to all tensors, with weights `p` and `c = p * (g v^T - sum(g * y))`: `scale * c k`, `scale * c^T q`, `p^T g`, and `c` to a mask of numbers.
    pub SCALED_DOT_PRODUCT_ATTENTION = fn scaled_dot_product_attention(q: float, k: float, v: float, attn_mask: any = None, scale: any = None; is_causal: bool = false, enable_gqa: bool = false) -> y
    body {
        const OP: &str = "scaled_dot_product_attention";
        let mask = mask_of(OP, q, attn_mask)?;
        let dtype = if mask.dtype() == DType::Bool { q.dtype() } else { q.dtype().promote(mask.dtype()) };
        let [q, k, v] = [q, k, v].map(|x| cast(x, dtype));
        let mask = if mask.dtype() == DType::Bool { mask } else { cast(mask, dtype) };
        for (name, x) in [("q", q), ("k", k), ("v", v)] {
            matrices(OP, name, x.dims())?;
        }
        let [q, k, v, mask] = if enable_gqa { in_groups(OP, [q, k, v, mask])? } else { [q, k, v, mask] };
        fit(OP, [q.dims(), k.dims(), v.dims(), mask.dims()], &mut || Dim::Sym(u32::MAX))?;
        let scaled = match (scale, q.dims().last()) {
            (Some(scale), _) => q * number(OP, "scale", scale, dtype)?,
            (None, Some(Dim::Known(d))) => q * q.graph().literal((1.0 / (*d as f64).sqrt()).into(), dtype),
            (None, _) => q / sqrt(cast(count(q, None, &Axes(Some([-1].into())), false), dtype)),
        };
        let (y, _) = attend(scaled, k, v, mask, is_causal);
        if enable_gqa { merge_axes(y, y.ndim() - 4, 2) } else { y }
    }
    numpy "ref.attention(q, k, v, attn_mask, scale, is_causal, enable_gqa)";
    example "T.scaled_dot_product_attention([[1.0], [2.0]], [[0.0], [0.0]], [[1.0], [3.0]], is_causal=True)" => "[[1.]\n [2.]]";
    signature "q, k, v, attn_mask, is_causal, scale, enable_gqa";
    by hand;
    rounds by_layout;
    exempt Unknown: "with `enable_gqa` it needs the number of heads, and says so";
    case real[3, 4], real[5, 4], real[5, 2];
    case real[2, 3, 4], real[2, 3, 4], real[2, 3, 4], none, none with is_causal = true;
    case real[2, 4, 3, 2], real[2, 2, 5, 2], real[2, 2, 5, 3], real[4, 3, 5], unit[] with enable_gqa = true;
    case real[2, 1, 3, 2], real[3, 4, 2], real[4, 2], bool[4], unit[] with is_causal = true;
    refuses f64[3, 4], f64[5, 3], f64[5, 2] => "scaled_dot_product_attention: queries and keys differ in width. Got (3, 4) and (5, 3); expected q.shape[-1] == k.shape[-1].";
    refuses f64[3, 4], f64[5, 4], f64[4, 2] => "scaled_dot_product_attention: there are not as many values as keys. Got (5, 4) and (4, 2); expected k.shape[-2] == v.shape[-2].";
    refuses f64[3, 4], f64[5, 4], f64[5] => "scaled_dot_product_attention: `v` has too few axes. Got (5,); expected shape (..., length, width).";
    refuses f64[2, 3, 4], f64[3, 5, 4], f64[5, 2] => "scaled_dot_product_attention: the axes in front of the matrices do not broadcast. Got (2, 3, 4) and (3, 5, 4); expected equal lengths, or 1.";
    refuses f64[3, 4], f64[5, 4], f64[5, 2], bool[5, 3] => "scaled_dot_product_attention: `attn_mask` does not fit the scores. Got (5, 3); expected a shape that broadcasts to (3, 5).";
    refuses f64[3, 4], f64[5, 4], f64[5, 2], i64[3, 5] => "scaled_dot_product_attention: `attn_mask` is no mask. Got int64; expected bool, or floating numbers to add.";
    refuses f64[3, 4], f64[5, 4], f64[5, 2], bool[3, 5], f64[2] => "scaled_dot_product_attention: `scale` is not a single number. Got shape (2,); expected a number or a 0-d tensor.";
    refuses f64[3, 3, 4], f64[2, 5, 4], f64[2, 5, 2], bool[3, 5], f64[] with enable_gqa = true => "scaled_dot_product_attention: the heads do not make groups. Got 3 heads of queries, 2 of keys and 2 of values; expected as many heads of keys as of values, which divide those of queries.";
    refuses f64[3, 4], f64[5, 4], f64[5, 2], bool[3, 5], f64[] with enable_gqa = true => "scaled_dot_product_attention: `q` has no axis of heads. Got (3, 4); expected shape (..., heads, length, width).";
    refuses f64[4, 3, 4], f64[2, 5, 4], f64[2, 5, 2], bool[2, 3, 5], f64[] with enable_gqa = true => "scaled_dot_product_attention: `attn_mask` does not fit the heads. Got (2, 3, 5); expected 1 or 4 heads.";
}

/// What attention can be told besides its operands.
///
/// ```
/// use scirs2_autograd::ndarray::Array4;
/// use scirs2_autograd::{run, tensor_ops as T};
/// run(|ctx| {
///     let q = ctx.constant(Array4::<f64>::ones((1, 4, 5, 8)));
///     let k = ctx.constant(Array4::<f64>::ones((1, 2, 5, 8)));
///     let y = T::scaled_dot_product_attention_with(q, k, k, T::Attention { is_causal: true, enable_gqa: true, ..Default::default() });
///     assert_eq!(y.known_shape().as_deref(), Some(&[1, 4, 5, 8][..]));
/// });
/// ```
#[derive(Clone, Debug, Default)]
pub struct Attention<'g> {
    /// Bools for the keys that a query sees, or numbers that are added to the scores.
    pub attn_mask: Option<Tensor<'g>>,
    /// What scores are multiplied with; `1 / sqrt(d)` if there is none.
    pub scale: Option<Tensor<'g>>,
    /// Queries see no keys behind their own place.
    pub is_causal: bool,
    /// Heads of queries share heads of keys and values in groups.
    pub enable_gqa: bool,
}

/// Attention with every argument; see [`Attention`], and [`scaled_dot_product_attention`] for what it computes.
#[track_caller]
pub fn scaled_dot_product_attention_with<'g>(
    q: impl AsTensor<'g>,
    k: impl AsTensor<'g>,
    v: impl AsTensor<'g>,
    a: Attention<'g>,
) -> Tensor<'g> {
    let args: [Arg<'g>; 5] = [q.tensor().into(), k.tensor().into(), v.tensor().into(), a.attn_mask.maybe(), a.scale.maybe()];
    apply(&SCALED_DOT_PRODUCT_ATTENTION, &args, &[Attr::Bool(a.is_causal), Attr::Bool(a.enable_gqa)])
}

/// `softmax(q k^T / sqrt(d)) v` for queries (..., s, d), keys (..., t, d) and values (..., t, e), without a matrix of scores in memory.
#[track_caller]
pub fn scaled_dot_product_attention<'g>(q: impl AsTensor<'g>, k: impl AsTensor<'g>, v: impl AsTensor<'g>) -> Tensor<'g> {
    scaled_dot_product_attention_with(q, k, v, Attention::default())
}
