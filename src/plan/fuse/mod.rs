//! From nodes to steps: elementwise work and reductions over one iteration space become one tile program; everything else
//! is a call.
//!
//! Every node has a depth: an edge that must go through memory adds one. Elementwise nodes of one space and one depth
//! cannot depend on each other through memory, so they may share a program. A node whose result is first used later is
//! moved to its first user's depth, so that it is computed beside it and not stored. A row's reduction may be read back by
//! its own rows inside the program, which then runs in stages.
//!
//! What a step that may fail needs is kept apart from the rest: it runs early, and the rest, writes to variables among it,
//! runs when nothing can fail any more.

mod depth;

use rustc_hash::FxHashMap;

use self::depth::{Depths, depths};
use crate::graph::op::Kernel;
use crate::kernels::fold::BLOCK;
use crate::plan::access::{Accesses, is_value};
use crate::plan::ir::{Ir, IrOp, Ref};
use crate::plan::simplify::fold_axes;
use crate::shape::{Dims, Strides, c_strides, count};

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
pub struct Group {
    /// Its nodes, in order. More than one only in a tile program.
    pub nodes: Vec<u32>,
    /// True for a tile program.
    pub tile: bool,
    /// The iteration space of a tile program, without axes of length 1.
    pub space: Dims,
    /// How many of its leading axes count the rows, in a program that may run in stages.
    pub rows: Option<usize>,
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
fn classify(dims: &[usize], axes: &[usize]) -> Option<Reduction> {
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
pub fn fuse(ir: &Ir, accesses: &Accesses) -> Vec<Group> {
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
                Some(Kernel::Fold(_)) => match reduction(ir, i as u32) {
                    Some(reduction) => Part::Fold(space(&ir.ty(node.inputs[0]).dims), reduction),
                    None => Part::Call,
                },
                _ => Part::Call,
            }
        })
        .collect();
    let depths = depths(ir, accesses, &parts, &lengths);
    group(ir, &parts, &depths, &urgent(ir), &lengths)
}

/// Which nodes may fail, or are needed by one that may.
fn urgent(ir: &Ir) -> Vec<bool> {
    let mut urgent = vec![false; ir.nodes.len()];
    for i in (0..ir.nodes.len()).rev() {
        if urgent[i] || ir.may_fail(i as u32) {
            urgent[i] = true;
            ir.nodes[i].inputs.iter().for_each(|r| urgent[r.node as usize] = true);
        }
    }
    urgent
}

fn group(ir: &Ir, parts: &[Part], depths: &Depths, urgent: &[bool], lengths: &[Dims]) -> Vec<Group> {
    let mut open: FxHashMap<(u32, u32, bool), usize> = FxHashMap::default();
    let mut groups: Vec<Group> = vec![];
    let mut classes: Vec<Vec<Reduction>> = vec![];
    let mut solo: Vec<Group> = vec![];
    for i in 0..ir.nodes.len() {
        let nodes = vec![i as u32];
        let reduction = match parts[i] {
            Part::None => continue,
            Part::Call => {
                solo.push(Group { nodes, tile: false, space: Dims::new(), rows: None });
                continue;
            }
            Part::Tile(_) => None,
            Part::Fold(_, r) => Some(r),
        };
        let (space, depth) = (depths.host[i], depths.depth[i]);
        let dims = &lengths[space as usize];
        let rows = depths.stages.get(&(space, depth)).copied();
        let key = (space, depth, urgent[i]);
        let staged = reduction.is_none_or(|r| rows.is_none_or(|at| in_stages(dims, at, r)));
        let fits = |g: usize| groups[g].nodes.len() < PROGRAM && reduction.is_none_or(|r| classes[g].iter().all(|c| together(dims, *c, r)));
        match open.get(&key).copied() {
            Some(g) if staged && fits(g) => {
                groups[g].nodes.push(i as u32);
                classes[g].extend(reduction);
            }
            // A reduction that does not fit reads what the program stored; elementwise nodes, and rows' reductions that are
            // read back, go on in a new program.
            Some(_) if reduction.is_some_and(|r| rows.is_none_or(|at| r != Reduction::Trailing(at))) => {
                solo.push(Group { nodes, tile: true, space: dims.clone(), rows: None });
            }
            None if !staged => solo.push(Group { nodes, tile: true, space: dims.clone(), rows: None }),
            _ => {
                open.insert(key, groups.len());
                groups.push(Group { nodes, tile: true, space: dims.clone(), rows });
                classes.push(reduction.into_iter().collect());
            }
        }
    }
    groups.extend(solo);
    groups
}

/// True if two reductions can share a program over `dims`.
fn together(dims: &[usize], a: Reduction, b: Reduction) -> bool {
    use Reduction::{All, Leading, Trailing};
    match (a, b) {
        (All, All) => true,
        (All, Trailing(at) | Leading(at)) | (Trailing(at) | Leading(at), All) => aligned(dims, at),
        (Trailing(x) | Leading(x), Trailing(y) | Leading(y)) => x == y,
    }
}

/// True if a reduction can share a program that runs row by row, or several rows at once, over `dims` cut at `rows`.
fn in_stages(dims: &[usize], rows: usize, r: Reduction) -> bool {
    match r {
        Reduction::All => aligned(dims, rows),
        Reduction::Trailing(at) => at == rows,
        // Rows that are longer than a tile are added up tile by tile, many rows at once.
        Reduction::Leading(at) => at == rows && count(&dims[at..]) < BLOCK,
    }
}

/// True if rows consist of whole blocks.
fn aligned(dims: &[usize], rows: usize) -> bool {
    count(&dims[rows..]).is_multiple_of(BLOCK)
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

/// No group.
pub const NO_GROUP: u32 = u32::MAX;

/// The group of each node.
pub fn owners(ir: &Ir, groups: &[Group]) -> Vec<u32> {
    let mut owners = vec![NO_GROUP; ir.nodes.len()];
    for (d, group) in groups.iter().enumerate() {
        group.nodes.iter().for_each(|&n| owners[n as usize] = d as u32);
    }
    owners
}

/// How an operand reaches an instruction without going through memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Inside {
    /// The value of this node, element by element.
    Value(u32),
    /// The value of this node, which is one for each row, repeated over the row.
    Row(u32),
}

/// The reduction that a node of a tile program does, if it does one.
pub fn reduction(ir: &Ir, i: u32) -> Option<Reduction> {
    let node = &ir.nodes[i as usize];
    let Some(Kernel::Fold(_)) = node.kernel() else { return None };
    let dims = &ir.ty(node.inputs[0]).dims;
    classify(dims, &fold_axes(node.name(), &node.attrs, dims.len()).ok()?)
}

/// True for an elementwise node of a group that has one value a row.
pub fn per_row(ir: &Ir, group: &Group, i: u32) -> bool {
    let node = &ir.nodes[i as usize];
    group.rows.is_some() && !matches!(node.kernel(), Some(Kernel::Fold(_))) && squeeze(&node.tys[0].dims) != group.space
}

/// How operand `r` of node `i`, of group `d`, is found inside the program; `None` if it comes from memory.
pub fn inside(ir: &Ir, accesses: &Accesses, owners: &[u32], (group, d): (&Group, u32), i: u32, r: Ref) -> Option<Inside> {
    let access = accesses.of(r);
    let root = access.root.node;
    if owners[root as usize] != d {
        return None;
    }
    let fold = |n: u32| matches!(ir.nodes[n as usize].kernel(), Some(Kernel::Fold(_)));
    if !fold(root) && !per_row(ir, group, root) {
        return access.whole.then_some(Inside::Value(root));
    }
    let rows = group.rows.filter(|&at| !fold(i) && (!fold(root) || reduction(ir, root) == Some(Reduction::Trailing(at))))?;
    match per_row(ir, group, i) {
        true => access.whole.then_some(Inside::Value(root)),
        false => row_of(ir, accesses, i, r, rows).then_some(Inside::Row(root)),
    }
}

/// True if operand `r` of the elementwise node `i` is one value for each row, in order, where the first `rows` axes of the
/// node's space (without ones) count the rows.
fn row_of(ir: &Ir, accesses: &Accesses, i: u32, r: Ref, rows: usize) -> bool {
    let access = accesses.of(r);
    let dims = &ir.nodes[i as usize].tys[0].dims;
    let strides = crate::ops::broadcast::broadcast_strides(&ir.ty(r).dims, &access.strides, dims);
    let pattern: Strides = strides.iter().zip(dims).filter(|(_, n)| **n != 1).map(|(&s, _)| s).collect();
    let space = squeeze(dims);
    let whole = access.offset == 0 && ir.ty(access.root).count() == count(&space[..rows]);
    whole && pattern[rows..].iter().all(|&s| s == 0) && pattern[..rows] == c_strides(&space[..rows])[..]
}
