//! Views resolved: every value as strides into a value that has memory of its own.

use smallvec::SmallVec;

use crate::graph::op::Kernel;
use crate::plan::ir::{Ir, IrNode, IrOp, Ref, Ty};
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
}

/// The accesses of all nodes' first outputs, by node.
pub struct Accesses(Vec<Access>);

impl Accesses {
    /// The access of a value.
    pub fn of(&self, ir: &Ir, r: Ref) -> Access {
        if r.out == 0 { self.0[r.node as usize].clone() } else { Access { root: r, offset: 0, strides: c_strides(&ir.ty(r).dims) } }
    }
}

fn own(ty: Option<&Ty>, node: u32) -> Access {
    Access { root: Ref { node, out: 0 }, offset: 0, strides: ty.map(|t| c_strides(&t.dims)).unwrap_or_default() }
}

/// Resolves views. A view that strides cannot express gets a copy of its input in C order; an output or a write that is not
/// a value of its own gets a copy too, so that what a run returns shares memory with nothing.
pub fn resolve(ir: Ir) -> (Ir, Accesses) {
    let Ir { nodes, outputs, writes } = ir;
    let mut out = Ir { nodes: Vec::with_capacity(nodes.len() + outputs.len()), outputs, writes };
    let mut accesses: Vec<Access> = Vec::with_capacity(nodes.len());
    let mut map: Vec<u32> = Vec::with_capacity(nodes.len());
    for mut node in nodes {
        for r in &mut node.inputs {
            r.node = map[r.node as usize];
        }
        if let (Some(Kernel::View(rule)), Some(&x)) = (node.kernel(), node.inputs.first()) {
            let rule = *rule;
            let target = node.tys.first().map(|t| t.dims.clone()).unwrap_or_default();
            let known = Accesses(accesses);
            let base = known.of(&out, x);
            accesses = known.0;
            let mut access = compose(&base, rule(&out.ty(x).dims, &base.strides, &node.attrs, &target));
            if access.is_none() {
                let ty = out.ty(x).clone();
                let copy = push_copy(&mut out, &mut accesses, x, ty, node.site);
                let base = own(Some(out.ty(copy)), copy.node);
                access = compose(&base, rule(&out.ty(copy).dims, &base.strides, &node.attrs, &target));
                node.inputs[0] = copy;
            }
            let id = out.nodes.len() as u32;
            accesses.push(access.unwrap_or_else(|| own(node.tys.first(), id)));
            map.push(id);
            out.nodes.push(node);
            continue;
        }
        // Users' code and bodies get their inputs in C order.
        if matches!(node.op, IrOp::User(_) | IrOp::Branch(_)) {
            for r in &mut node.inputs {
                let known = Accesses(accesses);
                let dense = is_contiguous(&out.ty(*r).dims, &known.of(&out, *r).strides);
                accesses = known.0;
                if !dense {
                    let ty = out.ty(*r).clone();
                    *r = push_copy(&mut out, &mut accesses, *r, ty, node.site);
                }
            }
        }
        let id = out.nodes.len() as u32;
        accesses.push(own(node.tys.first(), id));
        map.push(id);
        out.nodes.push(node);
    }
    for r in out.outputs.iter_mut().chain(out.writes.iter_mut().map(|(_, r)| r)) {
        r.node = map[r.node as usize];
    }
    for (v, _) in &mut out.writes {
        *v = map[*v as usize];
    }
    let mut taken: Vec<Ref> = vec![];
    for i in 0..out.outputs.len() {
        let r = out.outputs[i];
        if !is_value(&out, r) || taken.contains(&r) {
            let (ty, site) = (out.ty(r).clone(), out.node(r).site);
            out.outputs[i] = push_copy(&mut out, &mut accesses, r, ty, site);
        } else {
            taken.push(r);
        }
    }
    for i in 0..out.writes.len() {
        let r = out.writes[i].1;
        if !is_value(&out, r) {
            let (ty, site) = (out.ty(r).clone(), out.node(r).site);
            out.writes[i].1 = push_copy(&mut out, &mut accesses, r, ty, site);
        }
    }
    (out, Accesses(accesses))
}

fn compose(base: &Access, view: Option<(isize, Strides)>) -> Option<Access> {
    let (offset, strides) = view?;
    Some(Access { root: base.root, offset: base.offset + offset, strides })
}

fn push_copy(ir: &mut Ir, accesses: &mut Vec<Access>, r: Ref, ty: Ty, site: crate::error::Site) -> Ref {
    let node = ir.nodes.len() as u32;
    accesses.push(own(Some(&ty), node));
    let inputs = SmallVec::from_slice(&[r]);
    ir.nodes.push(IrNode { op: IrOp::Copy, attrs: [].into(), inputs, tys: SmallVec::from_iter([ty]), site });
    Ref { node, out: 0 }
}

/// True if a step computes this value into memory of its own.
pub fn is_value(ir: &Ir, r: Ref) -> bool {
    let node = ir.node(r);
    !matches!(node.op, IrOp::Source(_) | IrOp::Scalar(_)) && !matches!(node.kernel(), Some(Kernel::View(_)))
}
