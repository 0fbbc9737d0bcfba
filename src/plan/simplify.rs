//! Rewrites that keep every bit: named rules, applied in one pass from inputs to users. What has become the same as an
//! earlier node is that node.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use crate::dtype::{DType, Scalar};
use crate::error::{Error, Result};
use crate::graph::attr::{Attr, AttrType, Ints};
use crate::graph::op::{Body, Kernel, OpDef};
use crate::ops::arithmetic::{ADD, DIV, MUL, NEG, SUB};
use crate::ops::broadcast::BROADCAST_TO;
use crate::ops::compare::{LOGICAL_AND, LOGICAL_OR, NOT_EQUAL};
use crate::ops::contract::BATCH_MATMUL;
use crate::ops::movement::{CAST, EXPAND_DIMS, RESHAPE, SQUEEZE};
use crate::ops::reduce::REDUCE_SUM;
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
    of: Of,
    apply: fn(&Ir, &IrNode) -> Option<To>,
}

/// The rows that a rule is for.
#[derive(Clone, Copy)]
enum Of {
    Rows(&'static [&'static OpDef]),
    /// All reductions.
    Folds,
}

impl Of {
    fn has(self, def: &'static OpDef) -> bool {
        match self {
            Of::Rows(rows) => rows.iter().any(|row| std::ptr::eq(*row, def)),
            Of::Folds => is_fold(def),
        }
    }
}

const fn rule(name: &'static str, of: Of, apply: fn(&Ir, &IrNode) -> Option<To>) -> Rule {
    Rule { name, of, apply }
}

/// The rules, in the order in which they are tried.
static RULES: &[Rule] = &[
    rule("mul-one", Of::Rows(&[&MUL]), mul_one),
    rule("mul-minus-one", Of::Rows(&[&MUL]), mul_minus_one),
    rule("sub-zero", Of::Rows(&[&SUB, &ADD]), sub_zero),
    rule("div-one", Of::Rows(&[&DIV]), div_one),
    rule("neg-neg", Of::Rows(&[&NEG]), neg_neg),
    rule("add-neg", Of::Rows(&[&ADD]), add_neg),
    rule("sub-neg", Of::Rows(&[&SUB]), sub_neg),
    rule("fold-scalars", Of::Rows(&[&MUL, &ADD, &SUB, &DIV]), fold_scalars),
    rule("cast-scalar", Of::Rows(&[&CAST]), cast_scalar),
    rule("ones-reshaped", Of::Rows(&[&EXPAND_DIMS, &SQUEEZE]), ones_reshaped),
    rule("same-type", Of::Rows(&[&CAST, &RESHAPE, &BROADCAST_TO]), same_type),
    rule("select-same", Of::Rows(&[&SELECT]), select_same),
    rule("or-absorbs", Of::Rows(&[&LOGICAL_OR]), or_absorbs),
    rule("any-repeated", Of::Rows(&[&NOT_EQUAL]), any_repeated),
    rule("reduce-one", Of::Folds, reduce_one),
    rule("outer", Of::Rows(&[&BATCH_MATMUL]), outer),
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

/// Rules as places among [`RULES`], in their order.
struct ByRow {
    /// Of the rows that are named, by their addresses.
    rows: FxHashMap<usize, Vec<usize>>,
    /// Of other reductions.
    folds: Vec<usize>,
}

static BY_ROW: LazyLock<ByRow> = LazyLock::new(|| {
    let places = |fits: &dyn Fn(&Rule) -> bool| (0..RULES.len()).filter(|&k| fits(&RULES[k])).collect::<Vec<_>>();
    let named = RULES.iter().flat_map(|rule| if let Of::Rows(rows) = rule.of { rows } else { &[] });
    ByRow {
        rows: named.map(|&row| (address(row), places(&|rule| rule.of.has(row)))).collect(),
        folds: places(&|rule| matches!(rule.of, Of::Folds)),
    }
});

fn address(def: &'static OpDef) -> usize {
    std::ptr::from_ref(def).addr()
}

fn is_fold(def: &OpDef) -> bool {
    matches!(&def.body, Body::Primitive(p) if matches!(p.kernel, Kernel::Fold(_)))
}

/// The rules for a node, in their order.
fn rules(node: &IrNode) -> &'static [usize] {
    match node.op {
        IrOp::Row(def, _) => rules_of(def),
        _ => &[],
    }
}

fn rules_of(def: &'static OpDef) -> &'static [usize] {
    match BY_ROW.rows.get(&address(def)) {
        Some(places) => places,
        None if is_fold(def) => &BY_ROW.folds,
        None => &[],
    }
}

/// Applies the rules, then drops what is no longer needed. Returns how often each rule was applied.
pub fn simplify(ir: &mut Ir) -> Vec<(&'static str, usize)> {
    let mut counts = [0; RULES.len()];
    let mut alias: Vec<Option<Ref>> = vec![None; ir.nodes.len()];
    let resolve = |alias: &[Option<Ref>], r: Ref| match alias[r.node as usize] {
        Some(to) if r.out == 0 => to,
        _ => r,
    };
    let mut merge = Merge::new(ir.nodes.len());
    let mut merged = 0;
    let mut used = vec![false; ir.nodes.len()];
    for i in 0..ir.nodes.len() {
        for r in &mut ir.nodes[i].inputs {
            *r = resolve(&alias, *r);
        }
        // A rewritten node may match again: at most once a rule.
        for _ in 0..RULES.len() {
            let node = &ir.nodes[i];
            let hit = rules(node).iter().find_map(|&k| (RULES[k].apply)(ir, node).map(|to| (k, to)));
            let Some((k, to)) = hit else { break };
            counts[k] += 1;
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
        if alias[i].is_none() {
            ir.nodes[i].inputs.iter().for_each(|r| used[r.node as usize] = true);
        }
    }
    for r in &mut ir.outputs {
        *r = resolve(&alias, *r);
    }
    for r in ir.writes.iter_mut().map(|(_, r)| r).chain(ir.marks.iter_mut().map(|(r, _)| r)) {
        *r = resolve(&alias, *r);
    }
    ir.outputs.iter().for_each(|r| used[r.node as usize] = true);
    ir.writes.iter().for_each(|(v, r)| [*v, r.node].iter().for_each(|&n| used[n as usize] = true));
    // Of what nothing needs, the last has no user.
    if used.contains(&false) {
        drop_unused(ir);
    }
    // As many as there are: plans of bodies within bodies are kept together.
    let named = RULES.iter().zip(counts).map(|(rule, n)| (rule.name, n));
    let mut applied = Vec::with_capacity(counts.iter().filter(|n| **n > 0).count() + usize::from(merged > 0));
    applied.extend(named.chain([("merge", merged)]).filter(|(_, n)| *n > 0));
    applied
}

/// Drops nodes that nothing needs; sources of a body keep their places.
pub fn drop_unused(ir: &mut Ir) {
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
    ir.marks.retain(|(r, _)| live[r.node as usize]);
    ir.marks.iter_mut().for_each(|(r, _)| mend(r));
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
    if is_number(ir, b, 1.0) {
        stand_for(ir, node, a)
    } else if is_number(ir, a, 1.0) {
        stand_for(ir, node, b)
    } else {
        None
    }
}

/// `x * -1` is `-x`.
fn mul_minus_one(ir: &Ir, node: &IrNode) -> Option<To> {
    let [a, b] = node.inputs[..] else { return None };
    let x = if is_number(ir, b, -1.0) {
        a
    } else if is_number(ir, a, -1.0) {
        b
    } else {
        return None;
    };
    (ir.ty(x) == node.tys.first()?).then(|| To::Op(IrOp::Row(&NEG, None), [].into(), vec![x]))
}

/// `x - 0` is `x`, also for `x = -0`; `x + 0` is not, so only integers have it.
fn sub_zero(ir: &Ir, node: &IrNode) -> Option<To> {
    let [a, b] = node.inputs[..] else { return None };
    let exact = is(node, &SUB) || !ir.ty(a).dtype.is_float();
    if exact && is_number(ir, b, 0.0) { stand_for(ir, node, a) } else { None }
}

/// `x / 1` is `x`.
fn div_one(ir: &Ir, node: &IrNode) -> Option<To> {
    let [a, b] = node.inputs[..] else { return None };
    if is_number(ir, b, 1.0) { stand_for(ir, node, a) } else { None }
}

/// `--x` is `x`.
fn neg_neg(ir: &Ir, node: &IrNode) -> Option<To> {
    let x = *node.inputs.first()?;
    if is(ir.node(x), &NEG) { stand_for(ir, node, *ir.node(x).inputs.first()?) } else { None }
}

/// The operand of a negative that has the dtype and shape of `r`.
fn negated(ir: &Ir, r: Ref) -> Option<Ref> {
    let node = ir.node(r);
    node.inputs.first().copied().filter(|_| is(node, &NEG))
}

/// `a + (-b)` is `a - b`, and `(-a) + b` is `b - a`.
fn add_neg(ir: &Ir, node: &IrNode) -> Option<To> {
    let [a, b] = node.inputs[..] else { return None };
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
    let b = negated(ir, b)?;
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
    } else {
        narrow(|x, y| x / y, |x, y| x / y)
    };
    Some(To::Op(IrOp::Scalar(Scalar::Float(value)), [].into(), vec![]))
}

/// A known scalar as another dtype, where the conversion is exact.
fn cast_scalar(ir: &Ir, node: &IrNode) -> Option<To> {
    let x = *node.inputs.first()?;
    let ty = node.tys.first()?;
    let IrOp::Scalar(s) = ir.node(x).op else { return None };
    if !ty.dtype.is_float() {
        return None;
    }
    let value = if ty.dtype == DType::F32 { f64::from(s.as_f64() as f32) } else { s.as_f64() };
    Some(To::Op(IrOp::Scalar(Scalar::Float(value)), [].into(), vec![]))
}

/// A cast, reshape or repeat to the type that the input has is the input.
fn same_type(ir: &Ir, node: &IrNode) -> Option<To> {
    let x = *node.inputs.first()?;
    match is(node, &CAST) {
        true => stand_for(ir, node, x),
        false => (ir.ty(x) == node.tys.first()?).then_some(To::Same(x)),
    }
}

/// A choice between one value and itself.
fn select_same(ir: &Ir, node: &IrNode) -> Option<To> {
    let [_, a, b] = node.inputs[..] else { return None };
    if a == b { stand_for(ir, node, a) } else { None }
}

/// Axes of length 1 that come or go are a reshape, so that both spellings are one value.
fn ones_reshaped(_: &Ir, node: &IrNode) -> Option<To> {
    Some(reshaped(node, *node.inputs.first()?))
}

/// `x` under the shape of a node.
fn reshaped(node: &IrNode, x: Ref) -> To {
    let dims = node.tys[0].dims.iter().map(|&n| n as i64).collect();
    To::Op(IrOp::Row(&RESHAPE, None), [Ints(dims).pack()].into(), vec![x])
}

/// `(a and b) or a` is `a`. Of masks the order in memory moves no rounding.
fn or_absorbs(ir: &Ir, node: &IrNode) -> Option<To> {
    let [a, b] = node.inputs[..] else { return None };
    let part = |x: Ref, of: Ref| x == of || is(ir.node(x), &LOGICAL_AND) && ir.node(x).inputs.contains(&of);
    let whole = if part(a, b) {
        b
    } else if part(b, a) {
        a
    } else {
        return None;
    };
    (ir.ty(whole) == node.tys.first()?).then_some(To::Same(whole))
}

/// Whether one of the repetitions of a bool is true, counted, is that bool.
fn any_repeated(ir: &Ir, node: &IrNode) -> Option<To> {
    let [counted, zero] = node.inputs[..] else { return None };
    let sum = ir.node(counted);
    let number = ir.node(*sum.inputs.first()?);
    let mask = ir.node(*number.inputs.first()?);
    let counts = is(sum, &REDUCE_SUM) && is(number, &CAST) && is(mask, &BROADCAST_TO) && mask.tys[0].dtype == DType::Bool;
    if !counts || ir.ty(counted).dims != node.tys[0].dims || !is_number(ir, zero, 0.0) {
        return None;
    }
    let x = *mask.inputs.first()?;
    let (own, whole) = (&ir.ty(x).dims, &mask.tys[0].dims);
    let reduced = fold_axes(sum.name(), &sum.attrs, whole.len()).ok()?;
    let front = whole.len() - own.len();
    let length = |i: usize| i.checked_sub(front).map_or(1, |k| own[k]);
    let once = (0..whole.len()).all(|i| length(i) == if reduced.contains(&i) { 1 } else { whole[i] });
    (once && mask.tys[0].count() > 0).then(|| reshaped(node, x))
}

/// A reduction over axes of length 1 is a reshape.
fn reduce_one(ir: &Ir, node: &IrNode) -> Option<To> {
    let x = *node.inputs.first()?;
    let from = ir.ty(x);
    let list = fold_axes(node.name(), &node.attrs, from.dims.len()).ok()?;
    if from.count() == 0 || list.iter().any(|&i| from.dims[i] != 1) || !in_order(ir, x) {
        return None;
    }
    Some(reshaped(node, x))
}

/// A column by a row is an elementwise product, of which nothing need be stored.
fn outer(ir: &Ir, node: &IrNode) -> Option<To> {
    let [a, b] = node.inputs[..] else { return None };
    let outer = ir.ty(a).dims.last() == Some(&1) && ir.ty(a).dtype != DType::Bool;
    outer.then(|| To::Op(IrOp::Row(&MUL, None), [].into(), vec![a, b]))
}

/// The axes of a reduction, sorted: its first attribute.
pub fn fold_axes(op: &str, attrs: &[Attr], ndim: usize) -> Result<smallvec::SmallVec<[usize; 4]>> {
    match attrs.first() {
        Some(Attr::Axes(list)) => axes(op, list.as_deref(), ndim),
        other => Err(Error::engine(op, "a reduction has no axes", format_args!("{other:?}"), "its axes as its first attribute")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::trigonometric::SIN;

    #[test]
    fn rules_are_found_by_row_in_their_order() {
        let names = |def| rules_of(def).iter().map(|&k| RULES[k].name).collect::<Vec<_>>();
        assert_eq!(names(&MUL), ["mul-one", "mul-minus-one", "fold-scalars"]);
        assert_eq!(names(&ADD), ["sub-zero", "add-neg", "fold-scalars"]);
        assert_eq!(names(&SUB), ["sub-zero", "sub-neg", "fold-scalars"]);
        assert_eq!(names(&CAST), ["cast-scalar", "same-type"]);
        assert_eq!(names(&RESHAPE), ["same-type"]);
        assert_eq!(names(&REDUCE_SUM), ["reduce-one"]);
        assert!(names(&SIN).is_empty());
    }
}
