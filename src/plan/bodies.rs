//! Bodies: sub-graphs that a node owns, each compiled to a plan of its own, of what the plan around it uses.

use std::cell::RefCell;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::error::{Error, Result};
use crate::plan::fuse::describe;
use crate::plan::ir::{Ir, IrOp, Ref};
use crate::plan::{Pass, Plan, SourceKind, State, compile, simplify, verify};

/// A body before it is compiled. Its sources are operands of the node.
pub struct Lowered {
    /// Its nodes.
    pub ir: Ir,
    /// For each of its outputs, the output of the node that it is.
    pub outputs: Box<[u32]>,
}

/// A body that is compiled.
pub struct Body {
    /// Its plan; its sources are operands of the node.
    pub plan: Plan,
    /// For each of its outputs, the output of the node that it is.
    pub outputs: Box<[u32]>,
}

/// The bodies of a node.
#[derive(Clone)]
pub enum Bodies {
    /// Before this pass.
    Lowered(Arc<[Lowered]>),
    /// After it.
    Compiled(Arc<[Body]>),
}

impl Bodies {
    /// The bodies once they are compiled.
    pub fn compiled(&self) -> &[Body] {
        match self {
            Bodies::Compiled(bodies) => bodies,
            Bodies::Lowered(_) => &[],
        }
    }

    /// True if not every body gives this output of the node.
    pub fn leaves_out(&self, out: u32) -> bool {
        match self {
            Bodies::Lowered(bodies) => bodies.iter().any(|b| !b.outputs.contains(&out)),
            Bodies::Compiled(bodies) => bodies.iter().any(|b| !b.outputs.contains(&out)),
        }
    }
}

/// Bodies of which some outputs are used.
#[derive(Clone)]
struct Made {
    /// The operands that they read.
    operands: Box<[u32]>,
    bodies: Arc<[Body]>,
    /// Keeps the key its own.
    _from: Arc<[Lowered]>,
}

/// Where lowered bodies are, and which of the node's outputs are used.
type Key = (*const Lowered, Box<[u32]>);

/// What was compiled, by where the lowered bodies are and which outputs are used: bodies that others compute again are compiled
/// once.
#[derive(Default)]
pub struct Memo(RefCell<FxHashMap<Key, Made>>);

/// Compiles bodies. Outputs and operands that nothing uses are dropped, from the last node to the first, so that no body hands on
/// what no gradient reads.
pub static PASS: Pass = Pass {
    name: "bodies",
    run: |state| {
        bodies(state)?;
        let ir = &state.plan.ir;
        state.plan.fallible = (0..ir.nodes.len() as u32).any(|i| ir.may_fail(i));
        Ok(())
    },
    verify: |state| {
        verify::ir(&state.plan.ir, "bodies");
        verify::bodies(&state.plan.ir);
    },
    explain: |plan, text| text.regions(plan),
};

fn bodies(state: &mut State<'_>) -> Result<()> {
    let ir = &mut state.plan.ir;
    if !ir.nodes.iter().any(|n| matches!(n.op, IrOp::Region(..))) {
        return Ok(());
    }
    let mut live = vec![false; ir.nodes.len()];
    // By node with bodies: for each of its outputs, whether it is used; later, its new place.
    let mut used: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
    let mark = |live: &mut [bool], used: &mut FxHashMap<u32, Vec<u32>>, ir: &Ir, r: Ref| {
        live[r.node as usize] = true;
        if matches!(ir.node(r).op, IrOp::Region(..)) {
            used.entry(r.node).or_insert_with(|| vec![UNUSED; ir.node(r).tys.len()])[r.out as usize] = 0;
        }
    };
    for &r in ir.outputs.iter().chain(ir.writes.iter().map(|(_, r)| r)) {
        mark(&mut live, &mut used, ir, r);
    }
    for i in (0..ir.nodes.len()).rev() {
        if !live[i] {
            continue;
        }
        if let Some(places) = used.get_mut(&(i as u32)) {
            shrink(ir, i, places, state.memo)?;
        }
        for &r in &ir.nodes[i].inputs {
            mark(&mut live, &mut used, ir, r);
        }
    }
    let mend = |r: &mut Ref| {
        if let Some(&place) = used.get(&r.node).and_then(|places| places.get(r.out as usize)) {
            r.out = place;
        }
    };
    ir.nodes.iter_mut().flat_map(|n| &mut n.inputs).chain(&mut ir.outputs).for_each(mend);
    ir.writes.iter_mut().for_each(|(_, r)| mend(r));
    ir.marks.iter_mut().for_each(|(r, _)| mend(r));
    simplify::drop_unused(ir);
    Ok(())
}

/// An output that nothing uses.
const UNUSED: u32 = u32::MAX;

/// Leaves of a node's outputs those that are used, and notes their places; of its operands those that its bodies read.
fn shrink(ir: &mut Ir, i: usize, places: &mut [u32], memo: &Memo) -> Result<()> {
    let mut kept: Vec<u32> = vec![];
    for (out, place) in (0..).zip(places.iter_mut()).filter(|(_, p)| **p != UNUSED) {
        *place = kept.len() as u32;
        kept.push(out);
    }
    let IrOp::Region(control, Bodies::Lowered(lowered)) = &ir.nodes[i].op else {
        return Err(Error::engine("bodies", "a node has none that are not compiled", describe(ir, i as u32), "bodies of nodes"));
    };
    let (own, made) = (control.own(), made(lowered, &kept, places, memo)?);
    let op = IrOp::Region(*control, Bodies::Compiled(made.bodies));
    let node = &mut ir.nodes[i];
    node.op = op;
    node.tys = kept.iter().map(|&k| node.tys[k as usize].clone()).collect();
    let operands = made.operands.iter().map(|&k| node.inputs[own + k as usize]);
    node.inputs = node.inputs[..own].iter().copied().chain(operands).collect();
    Ok(())
}

/// The bodies with these outputs.
fn made(lowered: &Arc<[Lowered]>, kept: &[u32], places: &[u32], memo: &Memo) -> Result<Made> {
    let key = (lowered.as_ptr(), kept.into());
    if let Some(made) = memo.0.borrow().get(&key) {
        return Ok(made.clone());
    }
    let body = |b: &Lowered| {
        let mut ir = b.ir.clone();
        let left: Vec<(Ref, u32)> =
            ir.outputs.iter().zip(&b.outputs).map(|(&r, &out)| (r, places[out as usize])).filter(|(_, p)| *p != UNUSED).collect();
        ir.outputs = left.iter().map(|(r, _)| *r).collect();
        let plan = compile(ir, &|_| Ok(SourceKind::Capture), memo)?;
        Ok(Body { plan, outputs: left.iter().map(|(_, place)| *place).collect() })
    };
    let mut bodies: Vec<Body> = lowered.iter().map(body).collect::<Result<_>>()?;
    let mut operands: Vec<u32> = bodies.iter().flat_map(|b| &b.plan.sources).map(|s| s.index).collect();
    operands.sort_unstable();
    operands.dedup();
    let place = |k: &mut u32| *k = operands.partition_point(|o| *o < *k) as u32;
    for plan in bodies.iter_mut().map(|b| &mut b.plan) {
        plan.sources.iter_mut().for_each(|s| place(&mut s.index));
        plan.ir.nodes.iter_mut().for_each(|n| {
            if let IrOp::Source(k) = &mut n.op {
                place(k);
            }
        });
    }
    let made = Made { operands: operands.into(), bodies: bodies.into(), _from: lowered.clone() };
    memo.0.borrow_mut().insert(key, made.clone());
    Ok(made)
}
