//! From nodes to steps: elementwise work and reductions over one iteration space become one tile program; everything else
//! is a call.
//!
//! Every node has a depth: an edge that must go through memory adds one. Elementwise nodes of one space and one depth
//! cannot depend on each other through memory, so they may share a program. A node whose result is first used later is
//! moved to its first user's depth, so that it is computed beside it and not stored.
//!
//! What a step that may fail needs is kept apart from the rest: it runs early, and the rest, writes to variables among it,
//! runs when nothing can fail any more.

use rustc_hash::FxHashMap;

use crate::graph::op::Kernel;
use crate::plan::access::{Accesses, is_value};
use crate::plan::ir::{Ir, IrOp, Ref};
use crate::plan::schedule::may_fail;
use crate::plan::simplify::fold_axes;
use crate::shape::{Dims, count};

/// Nodes that one tile program holds at most.
const PROGRAM: usize = 192;

/// A reduction as a tile program does it: the axes before `boundary` (of the lengths without ones) are kept or reduced.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Reduction {
    /// To one value.
    All,
    /// Over the axes from the boundary on.
    Trailing(usize),
    /// Over the axes before the boundary.
    Leading(usize),
}

/// What a step is made of.
#[derive(Debug)]
pub struct Draft {
    /// Its nodes, in order. More than one only in a tile program.
    pub nodes: Vec<u32>,
    /// True for a tile program.
    pub tile: bool,
    /// The iteration space of a tile program, without axes of length 1.
    pub space: Dims,
}

/// How nodes take part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Part {
    /// A source, scalar or view: no step.
    None,
    /// Elementwise over a space.
    Tile(u32),
    /// A reduction of a space, inside a tile program.
    Fold(u32, Reduction),
    /// A call.
    Call,
}

/// The lengths without ones.
pub fn squeeze(dims: &[usize]) -> Dims {
    dims.iter().copied().filter(|&n| n != 1).collect()
}

/// How a reduction over `axes` of `dims` runs in a tile program; `None` if it cannot.
pub fn classify(dims: &[usize], axes: &[usize]) -> Option<Reduction> {
    let flags: Vec<bool> = dims.iter().enumerate().filter(|(_, n)| **n != 1).map(|(i, _)| axes.contains(&i)).collect();
    let reduced = flags.iter().filter(|f| **f).count();
    if reduced == 0 || dims.contains(&0) {
        return None;
    }
    if reduced == flags.len() {
        return Some(Reduction::All);
    }
    if flags.iter().rev().take(reduced).all(|f| *f) {
        return Some(Reduction::Trailing(flags.len() - reduced));
    }
    flags.iter().take(reduced).all(|f| *f).then_some(Reduction::Leading(reduced))
}

/// Groups the nodes into steps, in an order in which inputs come first.
pub fn fuse(ir: &Ir, accesses: &Accesses) -> Vec<Draft> {
    let mut spaces: FxHashMap<Dims, u32> = FxHashMap::default();
    let mut lengths: Vec<Dims> = vec![];
    let mut newest: u32 = 0;
    let mut space = |dims: &[usize]| {
        let key = squeeze(dims);
        // Neighbours often have one space.
        if lengths.get(newest as usize) != Some(&key) {
            newest = *spaces.entry(key).or_insert_with_key(|key| {
                lengths.push(key.clone());
                lengths.len() as u32 - 1
            });
        }
        newest
    };
    let parts: Vec<Part> = (0..ir.nodes.len())
        .map(|i| {
            let node = &ir.nodes[i];
            let r = Ref { node: i as u32, out: 0 };
            match node.kernel() {
                _ if !is_value(ir, r) => Part::None,
                Some(Kernel::Tile(_) | Kernel::Select | Kernel::Cast) if node.tys[0].count() > 0 => Part::Tile(space(&node.tys[0].dims)),
                Some(Kernel::Fold(_)) => {
                    let dims = &ir.ty(node.inputs[0]).dims;
                    match classify(dims, &fold_axes(node, dims.len())) {
                        Some(reduction) => Part::Fold(space(dims), reduction),
                        None => Part::Call,
                    }
                }
                _ => Part::Call,
            }
        })
        .collect();
    let depths = depths(ir, accesses, &parts);
    group(ir, &parts, &depths, &urgent(ir), &lengths)
}

/// True if operand `r` of a node over `space` can stay in a register: it is the whole of an elementwise value of that space.
fn in_register(accesses: &Accesses, parts: &[Part], r: Ref, space: u32) -> bool {
    let a = accesses.of(r);
    a.whole && matches!(parts[a.root.node as usize], Part::Tile(s) if s == space)
}

fn depths(ir: &Ir, accesses: &Accesses, parts: &[Part]) -> Vec<u32> {
    let n = ir.nodes.len();
    let step = |r: Ref, part: Part| match part {
        Part::Tile(s) | Part::Fold(s, _) => u32::from(!in_register(accesses, parts, r, s)),
        _ => 1,
    };
    let mut depth = vec![0u32; n];
    for i in 0..n {
        if parts[i] == Part::None {
            continue;
        }
        for &r in &ir.nodes[i].inputs {
            let root = accesses.of(r).root.node as usize;
            if parts[root] != Part::None {
                depth[i] = depth[i].max(depth[root] + step(r, parts[i]));
            }
        }
    }
    // Sink elementwise nodes to their first users.
    let mut fixed = vec![false; n];
    for r in ir.outputs.iter().chain(ir.writes.iter().map(|(_, r)| r)) {
        fixed[accesses.of(*r).root.node as usize] = true;
    }
    let mut latest = vec![u32::MAX; n];
    for i in (0..n).rev() {
        if parts[i] == Part::None {
            continue;
        }
        if let (Part::Tile(_), false, true) = (parts[i], fixed[i], latest[i] != u32::MAX) {
            depth[i] = depth[i].max(latest[i]);
        }
        for &r in &ir.nodes[i].inputs {
            let root = accesses.of(r).root.node as usize;
            latest[root] = latest[root].min(depth[i] - step(r, parts[i]).min(depth[i]));
        }
    }
    depth
}

/// Which nodes may fail, or are needed by one that may.
fn urgent(ir: &Ir) -> Vec<bool> {
    let mut urgent = vec![false; ir.nodes.len()];
    for i in (0..ir.nodes.len()).rev() {
        if urgent[i] || may_fail(ir, i as u32) {
            urgent[i] = true;
            ir.nodes[i].inputs.iter().for_each(|r| urgent[r.node as usize] = true);
        }
    }
    urgent
}

fn group(ir: &Ir, parts: &[Part], depths: &[u32], urgent: &[bool], lengths: &[Dims]) -> Vec<Draft> {
    let mut groups: FxHashMap<(u32, u32, bool), usize> = FxHashMap::default();
    let mut drafts: Vec<Draft> = vec![];
    let mut classes: Vec<Vec<Reduction>> = vec![];
    let mut solo: Vec<Draft> = vec![];
    for i in 0..ir.nodes.len() {
        let (space, reduction) = match parts[i] {
            Part::None => continue,
            Part::Call => {
                solo.push(Draft { nodes: vec![i as u32], tile: false, space: Dims::new() });
                continue;
            }
            Part::Tile(s) => (s, None),
            Part::Fold(s, r) => (s, Some(r)),
        };
        let dims = &lengths[space as usize];
        let key = (space, depths[i], urgent[i]);
        let fits = |g: usize| drafts[g].nodes.len() < PROGRAM && reduction.is_none_or(|r| classes[g].iter().all(|c| together(dims, *c, r)));
        match groups.get(&key).copied() {
            Some(g) if fits(g) => {
                drafts[g].nodes.push(i as u32);
                classes[g].extend(reduction);
            }
            // A reduction that does not fit reads what the program stored; elementwise nodes go on in a new program.
            Some(_) if reduction.is_some() => solo.push(Draft { nodes: vec![i as u32], tile: true, space: dims.clone() }),
            _ => {
                groups.insert(key, drafts.len());
                drafts.push(Draft { nodes: vec![i as u32], tile: true, space: dims.clone() });
                classes.push(reduction.into_iter().collect());
            }
        }
    }
    drafts.extend(solo);
    drafts
}

/// True if two reductions can share a program over `dims`.
fn together(dims: &[usize], a: Reduction, b: Reduction) -> bool {
    use Reduction::{All, Leading, Trailing};
    let aligned = |at: usize| count(&dims[at..]).is_multiple_of(crate::kernels::fold::BLOCK);
    match (a, b) {
        (All, All) => true,
        (All, Trailing(at) | Leading(at)) | (Trailing(at) | Leading(at), All) => aligned(at),
        (Trailing(x) | Leading(x), Trailing(y) | Leading(y)) => x == y,
    }
}

/// For messages and `explain`: the op of a node with its type.
pub fn describe(ir: &Ir, i: u32) -> String {
    let node = &ir.nodes[i as usize];
    let tys: Vec<String> = node.tys.iter().map(|t| t.to_string()).collect();
    let args: Vec<String> =
        node.inputs.iter().map(|r| if r.out == 0 { format!("%{}", r.node) } else { format!("%{}.{}", r.node, r.out) }).collect();
    let attrs: Vec<String> = node.attrs.iter().map(|a| a.to_string()).collect();
    let name = match &node.op {
        IrOp::Scalar(s) => format!("constant {}", s.as_f64()),
        IrOp::Source(k) => format!("source {k}"),
        _ => node.name().to_owned(),
    };
    [format!("%{i}: {} = {name}", tys.join(", ")), args.join(" "), attrs.join(" ")]
        .iter()
        .filter(|s| !s.is_empty())
        .cloned()
        .collect::<Vec<_>>()
        .join(" ")
}

/// No draft.
pub const NO_DRAFT: u32 = u32::MAX;

/// The draft of each node.
pub fn owners(ir: &Ir, drafts: &[Draft]) -> Vec<u32> {
    let mut owners = vec![NO_DRAFT; ir.nodes.len()];
    for (d, draft) in drafts.iter().enumerate() {
        draft.nodes.iter().for_each(|&n| owners[n as usize] = d as u32);
    }
    owners
}

/// The node of draft `d`, a tile program, whose value operand `r` is, whole and in its own order; `None` if the operand comes
/// from memory.
pub fn in_program(ir: &Ir, accesses: &Accesses, owners: &[u32], d: u32, r: Ref) -> Option<u32> {
    let a = accesses.of(r);
    let root = a.root.node;
    let inside = a.whole && owners[root as usize] == d && !matches!(ir.nodes[root as usize].kernel(), Some(Kernel::Fold(_)));
    inside.then_some(root)
}
