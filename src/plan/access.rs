//! Views resolved: every value as strides into a value that has memory of its own.

use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

use crate::error::{Error, Result};
use crate::graph::checkpoint::Part;
use crate::graph::op::{Kernel, ViewRule};
use crate::plan::ir::{Ir, IrNode, IrOp, Ref, Walked};
use crate::plan::{Pass, verify};
use crate::shape::Ty;
use crate::shape::{Strides, c_strides, is_contiguous};

/// A value as a view of a root, which owns memory and is in C order.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Access {
    /// The value that owns the memory.
    pub root: Ref,
    /// Offset of the first element, in elements.
    pub offset: isize,
    /// Strides in elements, one for each axis of the value.
    pub strides: Strides,
    /// True if it is all of the root, in the root's order.
    pub whole: bool,
}

/// The accesses of all values.
#[derive(Default)]
pub struct Accesses {
    /// Of the first outputs, by node.
    first: Vec<Access>,
    /// Of further outputs.
    further: FxHashMap<Ref, Access>,
}

impl Accesses {
    /// The access of a value.
    pub fn of(&self, r: Ref) -> &Access {
        match r.out {
            0 => &self.first[r.node as usize],
            _ => &self.further[&r],
        }
    }

    /// The values whose memory is that of an output or of a written variable.
    pub fn leaving<'a>(&'a self, ir: &'a Ir) -> impl Iterator<Item = Ref> + 'a {
        ir.outputs.iter().chain(ir.writes.iter().map(|(_, r)| r)).map(|&r| self.of(r).root)
    }

    /// Adds a node that owns the memory of its outputs.
    fn push_own(&mut self, node: &IrNode) {
        let id = self.first.len() as u32;
        let own = |out: usize, ty: &Ty| {
            let root = Ref { node: id, out: out as u32 };
            Access { root, offset: 0, strides: c_strides(&ty.dims), whole: true }
        };
        self.first.push(own(0, &node.tys[0]));
        for (out, ty) in node.tys.iter().enumerate().skip(1) {
            self.further.insert(Ref { node: id, out: out as u32 }, own(out, ty));
        }
    }
}

/// Resolves views.
pub static PASS: Pass = Pass {
    name: "resolve",
    run: |state| {
        let ir = std::mem::take(&mut state.plan.ir);
        (state.plan.ir, state.accesses) = resolve(ir)?;
        Ok(())
    },
    verify: |state| {
        verify::ir(&state.plan.ir, "resolve");
        verify::bodies(&state.plan.ir);
        verify::accesses(&state.plan.ir, &state.accesses);
    },
    explain: |plan, text| text.copies(plan),
};

/// Resolves views. A view that strides cannot express gets a copy of its input in C order; an output or a write that does not
/// show all of a computed value in its order gets a copy too, so that what a run returns shares memory with nothing.
pub fn resolve(ir: Ir) -> Result<(Ir, Accesses)> {
    // Most plans need no copy, and their nodes can stay where they are.
    let (mut out, mut accesses) = match as_they_are(&ir) {
        Some(accesses) => (ir, accesses),
        None => with_copies(ir)?,
    };
    let mut taken: FxHashSet<Ref> = FxHashSet::default();
    for i in 0..out.outputs.len() {
        let r = out.outputs[i];
        if !owns(&out, &accesses, r) || !taken.insert(accesses.of(r).root) {
            let place = Place::of(out.node(r));
            out.outputs[i] = push_copy(&mut out, &mut accesses, r, place);
        }
    }
    for i in 0..out.writes.len() {
        let r = out.writes[i].1;
        if !owns(&out, &accesses, r) {
            let place = Place::of(out.node(r));
            out.writes[i].1 = push_copy(&mut out, &mut accesses, r, place);
        }
    }
    Ok((out, accesses))
}

/// True for a node that reads its inputs in C order, and nothing else.
fn needs_order(node: &IrNode) -> bool {
    matches!(node.op, IrOp::User(_) | IrOp::Region(..)) || node.passes()
}

/// True if a step computes this value into memory of its own, under this shape or another one.
fn owns(ir: &Ir, accesses: &Accesses, r: Ref) -> bool {
    let access = accesses.of(r);
    access.whole && is_value(ir, access.root)
}

/// The access of a view of `x`; `None` if strides cannot express it.
fn view(ir: &Ir, accesses: &Accesses, node: &IrNode, rule: ViewRule, x: Ref) -> Option<Access> {
    let (base, ty) = (accesses.of(x), &node.tys[0]);
    let (offset, strides) = rule(&ir.ty(x).dims, &base.strides, &node.attrs, &ty.dims)?;
    let offset = base.offset + offset;
    let whole = offset == 0 && ty.count() == ir.ty(base.root).count() && is_contiguous(&ty.dims, &strides);
    Some(Access { root: base.root, offset, strides, whole })
}

/// The accesses of all nodes, if no view and no operand needs a copy.
fn as_they_are(ir: &Ir) -> Option<Accesses> {
    let mut accesses = Accesses { first: Vec::with_capacity(ir.nodes.len() + ir.outputs.len()), ..Accesses::default() };
    for node in &ir.nodes {
        match (node.kernel(), node.inputs.first()) {
            (Some(Kernel::View(rule)), Some(&x)) => {
                let access = view(ir, &accesses, node, *rule, x)?;
                accesses.first.push(access);
                continue;
            }
            _ if needs_order(node) => {
                let dense = |r: &Ref| is_contiguous(&ir.ty(*r).dims, &accesses.of(*r).strides);
                if !node.inputs.iter().all(dense) {
                    return None;
                }
            }
            _ => {}
        }
        accesses.push_own(node);
    }
    Some(accesses)
}

fn with_copies(ir: Ir) -> Result<(Ir, Accesses)> {
    let Ir { nodes, outputs, writes, marks } = ir;
    let mut out = Ir { nodes: Vec::with_capacity(nodes.len() + outputs.len()), outputs, writes, marks };
    let mut accesses = Accesses { first: Vec::with_capacity(nodes.len() + out.outputs.len()), ..Accesses::default() };
    let mut map: Vec<u32> = Vec::with_capacity(nodes.len());
    for mut node in nodes {
        for r in &mut node.inputs {
            r.node = map[r.node as usize];
        }
        if let (Some(Kernel::View(rule)), Some(&x)) = (node.kernel(), node.inputs.first()) {
            let mut access = view(&out, &accesses, &node, *rule, x);
            let mut from = x;
            if access.is_none() {
                from = push_copy(&mut out, &mut accesses, x, Place::of(&node));
                access = view(&out, &accesses, &node, *rule, from);
            }
            let unreachable =
                || Error::engine(node.name(), "a view cannot show its input", out.ty(x), format_args!("strides that show {}", node.tys[0]));
            accesses.first.push(access.ok_or_else(unreachable)?);
            node.inputs[0] = from;
            map.push(out.nodes.len() as u32);
            out.nodes.push(node);
            continue;
        }
        // Users' code and bodies get their inputs in C order.
        let (mut seen, passes, place) = (None, node.passes(), Place::of(&node));
        if needs_order(&node) {
            for r in &mut node.inputs {
                let access = accesses.of(*r);
                if !is_contiguous(&out.ty(*r).dims, &access.strides) {
                    seen = passes.then(|| access.clone());
                    *r = push_copy(&mut out, &mut accesses, *r, place);
                }
            }
        }
        map.push(out.nodes.len() as u32);
        match seen {
            // The strides of what was looked at stay what they were, and with them the rounding of products.
            Some(access) => accesses.first.push(access),
            None => accesses.push_own(&node),
        }
        out.nodes.push(node);
    }
    for r in out.outputs.iter_mut().chain(out.writes.iter_mut().map(|(_, r)| r)) {
        r.node = map[r.node as usize];
    }
    for (v, _) in &mut out.writes {
        *v = map[*v as usize];
    }
    Ok((out, accesses))
}

/// What a copy has of the node that it is made for.
#[derive(Clone, Copy)]
struct Place {
    walked: Walked,
    segment: u32,
    part: Part,
    again: bool,
}

impl Place {
    fn of(node: &IrNode) -> Place {
        Place { walked: node.walked, segment: node.segment, part: node.part, again: node.again }
    }
}

fn push_copy(ir: &mut Ir, accesses: &mut Accesses, r: Ref, place: Place) -> Ref {
    let tys = SmallVec::from_iter([ir.ty(r).clone()]);
    let Place { walked, segment, part, again } = place;
    let node = IrNode { op: IrOp::Copy, attrs: [].into(), inputs: SmallVec::from_slice(&[r]), tys, walked, segment, part, again };
    accesses.push_own(&node);
    ir.nodes.push(node);
    Ref { node: ir.nodes.len() as u32 - 1, out: 0 }
}

/// True if a step computes this value into memory of its own.
pub fn is_value(ir: &Ir, r: Ref) -> bool {
    let node = ir.node(r);
    !matches!(node.op, IrOp::Source(_) | IrOp::Scalar(_)) && !matches!(node.kernel(), Some(Kernel::View(_)))
}
