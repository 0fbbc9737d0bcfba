//! Rewrites that keep every bit: named rules, applied in one pass from inputs to users. What has become the same as an
//! earlier node is that node.

use crate::dtype::{DType, Scalar};
use crate::error::{Error, Result};
use crate::graph::attr::{Attr, AttrType, Ints};
use crate::graph::op::{Kernel, OpDef};
use crate::ops::arithmetic::{ADD, DIV, MUL, NEG, SUB};
use crate::ops::broadcast::BROADCAST_TO;
use crate::ops::contract::BATCH_MATMUL;
use crate::ops::movement::{CAST, RESHAPE};
use crate::ops::select::SELECT;
use crate::plan::ir::{Ir, IrNode, IrOp, Ref};
use crate::plan::merge::Merge;
use crate::plan::{Pass, verify};
use crate::shape::{axes, c_strides, is_contiguous};

/// What a rule makes of a node.
enum To {
    /// The node is this earlier value.
    Same(Ref),
    /// The node computes something else.
    Op(IrOp, Box<[Attr]>, Vec<Ref>),
}

/// A rewrite.
struct Rule {
    name: &'static str,
    apply: fn(&Ir, &IrNode) -> Option<To>,
}

/// The rules, in the order in which they are tried.
static RULES: &[Rule] = &[
    Rule { name: "mul-one", apply: mul_one },
    Rule { name: "mul-minus-one", apply: mul_minus_one },
    Rule { name: "sub-zero", apply: sub_zero },
    Rule { name: "div-one", apply: div_one },
    Rule { name: "neg-neg", apply: neg_neg },
    Rule { name: "add-neg", apply: add_neg },
    Rule { name: "sub-neg", apply: sub_neg },
    Rule { name: "fold-scalars", apply: fold_scalars },
    Rule { name: "cast-scalar", apply: cast_scalar },
    Rule { name: "same-type", apply: same_type },
    Rule { name: "select-same", apply: select_same },
    Rule { name: "reduce-one", apply: reduce_one },
    Rule { name: "outer", apply: outer },
];

/// Rewrites the nodes.
pub static PASS: Pass = Pass {
    name: "simplify",
    run: |state| {
        state.plan.rewrites = simplify(&mut state.plan.ir);
        Ok(())
    },
    verify: |state| verify::ir(&state.plan.ir, "simplify"),
    explain: |plan, text| text.nodes(plan),
};

/// Applies the rules, then drops what is no longer needed. Returns how often each rule was applied.
pub fn simplify(ir: &mut Ir) -> Vec<(&'static str, usize)> {
    let mut counts: Vec<(&'static str, usize)> = RULES.iter().map(|r| (r.name, 0)).collect();
    let mut alias: Vec<Option<Ref>> = vec![None; ir.nodes.len()];
    let resolve = |alias: &[Option<Ref>], r: Ref| match alias[r.node as usize] {
        Some(to) if r.out == 0 => to,
        _ => r,
    };
    let mut merge = Merge::new(ir.nodes.len());
    let mut merged = 0;
    for i in 0..ir.nodes.len() {
        for r in &mut ir.nodes[i].inputs {
            *r = resolve(&alias, *r);
        }
        // A rewritten node may match again: at most once a rule.
        for _ in 0..RULES.len() {
            let hit = RULES.iter().enumerate().find_map(|(k, rule)| (rule.apply)(ir, &ir.nodes[i]).map(|to| (k, to)));
            let Some((k, to)) = hit else { break };
            counts[k].1 += 1;
            match to {
                To::Same(r) => {
                    alias[i] = Some(r);
                    break;
                }
                To::Op(op, attrs, inputs) => {
                    let node = &mut ir.nodes[i];
                    node.op = op;
                    node.attrs = attrs;
                    node.inputs = inputs.into_iter().collect();
                }
            }
        }
        if alias[i].is_none()
            && let Some(first) = merge.first(ir, i)
        {
            alias[i] = Some(Ref { node: first, out: 0 });
            merged += 1;
        }
    }
    for r in &mut ir.outputs {
        *r = resolve(&alias, *r);
    }
    for (_, r) in &mut ir.writes {
        *r = resolve(&alias, *r);
    }
    drop_unused(ir);
    counts.push(("merge", merged));
    counts.retain(|(_, n)| *n > 0);
    counts
}

/// Drops nodes that nothing needs; sources of a body keep their places.
fn drop_unused(ir: &mut Ir) {
    let mut live = vec![false; ir.nodes.len()];
    for r in ir.outputs.iter().chain(ir.writes.iter().map(|(_, r)| r)) {
        live[r.node as usize] = true;
    }
    for (v, _) in &ir.writes {
        live[*v as usize] = true;
    }
    for i in (0..ir.nodes.len()).rev() {
        if live[i] {
            for r in &ir.nodes[i].inputs {
                live[r.node as usize] = true;
            }
        }
    }
    let mut next = 0u32;
    let map: Vec<u32> = live
        .iter()
        .map(|&l| {
            let at = next;
            next += u32::from(l);
            at
        })
        .collect();
    let mut keep = live.iter();
    ir.nodes.retain(|_| *keep.next().unwrap_or(&false));
    let mend = |r: &mut Ref| r.node = map[r.node as usize];
    ir.nodes.iter_mut().flat_map(|n| n.inputs.iter_mut()).for_each(mend);
    ir.outputs.iter_mut().for_each(mend);
    for (v, r) in &mut ir.writes {
        *v = map[*v as usize];
        mend(r);
    }
}

fn is(node: &IrNode, def: &'static OpDef) -> bool {
    matches!(node.op, IrOp::Row(d, _) if std::ptr::eq(d, def))
}

/// The number that all elements of a value are, if that is known: a scalar, seen through views.
pub fn scalar_of(ir: &Ir, mut r: Ref) -> Option<Scalar> {
    loop {
        let node = ir.node(r);
        match (&node.op, node.kernel(), node.inputs.first()) {
            (IrOp::Scalar(s), ..) => return Some(*s),
            (_, Some(Kernel::View(_)), Some(&x)) => r = x,
            _ => return None,
        }
    }
}

fn is_number(ir: &Ir, r: Ref, x: f64) -> bool {
    // Signed zeros differ.
    scalar_of(ir, r).is_some_and(|s| s.as_f64() == x && s.as_f64().is_sign_negative() == x.is_sign_negative())
}

/// True if a value is in C order: it has memory of its own, or is a view that shows all of it in order.
///
/// Whether a value is such must follow from the graph alone, for the rounding of a product may follow from the strides of
/// its operands: a rewrite may put only these in the place of a value that is computed.
fn in_order(ir: &Ir, value: Ref) -> bool {
    let (mut r, mut views) = (value, vec![]);
    while let Some(&x) = ir.node(r).inputs.first() {
        match ir.node(r).kernel() {
            Some(Kernel::View(rule)) => views.push((rule, r, x)),
            _ if ir.node(r).passes() => {}
            _ => break,
        }
        r = x;
    }
    let mut strides = c_strides(&ir.ty(r).dims);
    for (rule, r, x) in views.into_iter().rev() {
        let dims = &ir.ty(r).dims;
        // What strides cannot express is copied, and starts anew.
        strides = rule(&ir.ty(x).dims, &strides, &ir.node(r).attrs, dims).map_or_else(|| c_strides(dims), |(_, s)| s);
    }
    is_contiguous(&ir.ty(value).dims, &strides)
}

/// `x` in place of a computed value of its type.
fn stand_for(ir: &Ir, node: &IrNode, x: Ref) -> Option<To> {
    (ir.ty(x) == node.tys.first()? && in_order(ir, x)).then_some(To::Same(x))
}

/// `x * 1` is `x`.
fn mul_one(ir: &Ir, node: &IrNode) -> Option<To> {
    let [a, b] = node.inputs[..] else { return None };
    match is(node, &MUL) {
        true if is_number(ir, b, 1.0) => stand_for(ir, node, a),
        true if is_number(ir, a, 1.0) => stand_for(ir, node, b),
        _ => None,
    }
}

/// `x * -1` is `-x`.
fn mul_minus_one(ir: &Ir, node: &IrNode) -> Option<To> {
    let [a, b] = node.inputs[..] else { return None };
    let x = match is(node, &MUL) {
        true if is_number(ir, b, -1.0) => a,
        true if is_number(ir, a, -1.0) => b,
        _ => return None,
    };
    (ir.ty(x) == node.tys.first()?).then(|| To::Op(IrOp::Row(&NEG, None), [].into(), vec![x]))
}

/// `x - 0` is `x`, also for `x = -0`; `x + 0` is not, so only integers have it.
fn sub_zero(ir: &Ir, node: &IrNode) -> Option<To> {
    let [a, b] = node.inputs[..] else { return None };
    let exact = is(node, &SUB) || (is(node, &ADD) && !ir.ty(a).dtype.is_float());
    if exact && is_number(ir, b, 0.0) { stand_for(ir, node, a) } else { None }
}

/// `x / 1` is `x`.
fn div_one(ir: &Ir, node: &IrNode) -> Option<To> {
    let [a, b] = node.inputs[..] else { return None };
    if !is(node, &DIV) {
        return None;
    }
    if is_number(ir, b, 1.0) { stand_for(ir, node, a) } else { None }
}

/// `--x` is `x`.
fn neg_neg(ir: &Ir, node: &IrNode) -> Option<To> {
    let x = *node.inputs.first()?;
    if is(node, &NEG) && is(ir.node(x), &NEG) { stand_for(ir, node, *ir.node(x).inputs.first()?) } else { None }
}

/// The operand of a negative that has the dtype and shape of `r`.
fn negated(ir: &Ir, r: Ref) -> Option<Ref> {
    let node = ir.node(r);
    node.inputs.first().copied().filter(|_| is(node, &NEG))
}

/// `a + (-b)` is `a - b`, and `(-a) + b` is `b - a`.
fn add_neg(ir: &Ir, node: &IrNode) -> Option<To> {
    let [a, b] = node.inputs[..] else { return None };
    if !is(node, &ADD) {
        return None;
    }
    let inputs = match (negated(ir, a), negated(ir, b)) {
        (_, Some(b)) => vec![a, b],
        (Some(a), None) => vec![b, a],
        (None, None) => return None,
    };
    Some(To::Op(IrOp::Row(&SUB, None), [].into(), inputs))
}

/// `a - (-b)` is `a + b`.
fn sub_neg(ir: &Ir, node: &IrNode) -> Option<To> {
    let [a, b] = node.inputs[..] else { return None };
    let b = negated(ir, b).filter(|_| is(node, &SUB))?;
    Some(To::Op(IrOp::Row(&ADD, None), [].into(), vec![a, b]))
}

/// Arithmetic of two known floating scalars, in their own precision.
fn fold_scalars(ir: &Ir, node: &IrNode) -> Option<To> {
    let [a, b] = node.inputs[..] else { return None };
    let ty = node.tys.first()?;
    let (IrOp::Scalar(x), IrOp::Scalar(y)) = (&ir.node(a).op, &ir.node(b).op) else { return None };
    if !ty.dims.is_empty() || !ty.dtype.is_float() || ir.ty(a).dtype != ty.dtype || ir.ty(b).dtype != ty.dtype {
        return None;
    }
    let (x, y) = (x.as_f64(), y.as_f64());
    let narrow =
        |f: fn(f32, f32) -> f32, g: fn(f64, f64) -> f64| if ty.dtype == DType::F32 { f64::from(f(x as f32, y as f32)) } else { g(x, y) };
    let value = if is(node, &MUL) {
        narrow(|x, y| x * y, |x, y| x * y)
    } else if is(node, &ADD) {
        narrow(|x, y| x + y, |x, y| x + y)
    } else if is(node, &SUB) {
        narrow(|x, y| x - y, |x, y| x - y)
    } else if is(node, &DIV) {
        narrow(|x, y| x / y, |x, y| x / y)
    } else {
        return None;
    };
    Some(To::Op(IrOp::Scalar(Scalar::Float(value)), [].into(), vec![]))
}

/// A known scalar as another dtype, where the conversion is exact.
fn cast_scalar(ir: &Ir, node: &IrNode) -> Option<To> {
    let x = *node.inputs.first()?;
    let ty = node.tys.first()?;
    let IrOp::Scalar(s) = ir.node(x).op else { return None };
    if !is(node, &CAST) || !ty.dtype.is_float() {
        return None;
    }
    let value = if ty.dtype == DType::F32 { f64::from(s.as_f64() as f32) } else { s.as_f64() };
    Some(To::Op(IrOp::Scalar(Scalar::Float(value)), [].into(), vec![]))
}

/// A cast, reshape or repeat to the type that the input has is the input.
fn same_type(ir: &Ir, node: &IrNode) -> Option<To> {
    let x = *node.inputs.first()?;
    let view = is(node, &RESHAPE) || is(node, &BROADCAST_TO);
    match view && ir.ty(x) == node.tys.first()? {
        true => Some(To::Same(x)),
        false if is(node, &CAST) => stand_for(ir, node, x),
        false => None,
    }
}

/// A choice between one value and itself.
fn select_same(ir: &Ir, node: &IrNode) -> Option<To> {
    let [_, a, b] = node.inputs[..] else { return None };
    if is(node, &SELECT) && a == b { stand_for(ir, node, a) } else { None }
}

/// A reduction over axes of length 1 is a reshape.
fn reduce_one(ir: &Ir, node: &IrNode) -> Option<To> {
    let Some(Kernel::Fold(_)) = node.kernel() else { return None };
    let x = *node.inputs.first()?;
    let (from, to) = (ir.ty(x), node.tys.first()?);
    let list = fold_axes(node.name(), &node.attrs, from.dims.len()).ok()?;
    if from.count() == 0 || list.iter().any(|&i| from.dims[i] != 1) || !in_order(ir, x) {
        return None;
    }
    let dims = to.dims.iter().map(|&n| n as i64).collect();
    Some(To::Op(IrOp::Row(&RESHAPE, None), [Ints(dims).pack()].into(), vec![x]))
}

/// A column by a row is an elementwise product, of which nothing need be stored.
fn outer(ir: &Ir, node: &IrNode) -> Option<To> {
    let [a, b] = node.inputs[..] else { return None };
    let outer = is(node, &BATCH_MATMUL) && ir.ty(a).dims.last() == Some(&1) && ir.ty(a).dtype != DType::Bool;
    outer.then(|| To::Op(IrOp::Row(&MUL, None), [].into(), vec![a, b]))
}

/// The axes of a reduction, sorted: its first attribute.
pub fn fold_axes(op: &str, attrs: &[Attr], ndim: usize) -> Result<smallvec::SmallVec<[usize; 4]>> {
    match attrs.first() {
        Some(Attr::Axes(list)) => axes(op, list.as_deref(), ndim),
        other => Err(Error::engine(op, "a reduction has no axes", format_args!("{other:?}"), "its axes as its first attribute")),
    }
}
