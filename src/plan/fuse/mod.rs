//! From nodes to steps: elementwise work and reductions over one iteration space become tile programs; everything else is
//! a call.
//!
//! Every node has a depth: an edge that must go through memory adds to it. Nodes of one space and one depth cannot depend
//! on each other through memory, so those of them that are connected share a program. A node whose result is first used
//! later is moved to its first user's depth, so that it is computed beside it and not stored. A row's reduction may be read
//! back by its own rows inside the program, which then runs in stages.
//!
//! What a step that may fail needs is kept apart from the rest if variables are written: it runs early, and the writes run
//! when nothing can fail any more.

mod connect;
mod depth;
mod unite;

use rustc_hash::FxHashMap;

use self::connect::Nodes;
use self::depth::depths;
use self::unite::unite;
use crate::graph::op::Kernel;
use crate::kernels::fold::BLOCK;
use crate::plan::access::{Accesses, is_value};
use crate::plan::ir::{Ir, IrOp, Ref};
use crate::plan::simplify::fold_axes;
use crate::plan::{Pass, size, verify};
use crate::shape::{Dims, Strides, c_strides, count};

/// Nodes that one tile program holds at most; a longer one is cut where it is thinnest.
const PROGRAM: usize = 192;
/// Bytes of a value from which on it matters whether it waits in memory.
const LARGE: usize = 64 << 10;
/// Columns whose sums over the rows are kept while a program goes over rows of any length: they stay in the second cache.
const COLUMNS: usize = 32 << 10;

/// Why a step does not go on with what another has begun.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cut {
    /// It reads nothing that a program computes.
    Nothing,
    /// It is a call of a kernel.
    Call,
    /// It reads values in another order than they are computed in, or of another shape.
    Space,
    /// It reads a value that is complete only when all of another program has run.
    Whole,
    /// Its reduction's tree does not fit the program.
    Tree,
    /// The program would be too long.
    Long,
    /// What the program reads would wait in memory for the last of it.
    Waiting,
    /// A step that may fail needs one of the two.
    Urgent,
    /// The two belong to different segments.
    Segment,
}

impl Cut {
    /// For `explain`.
    pub fn text(self) -> &'static str {
        match self {
            Cut::Nothing => "reads no program",
            Cut::Call => "a call",
            Cut::Space => "reads in another order or shape",
            Cut::Whole => "reads what is complete only at the end of a program",
            Cut::Tree => "its tree does not fit the program",
            Cut::Long => "the program would be too long",
            Cut::Waiting => "what the program reads would wait in memory",
            Cut::Urgent => "a step that may fail needs one of them",
            Cut::Segment => "belongs to another segment",
        }
    }
}

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
    /// Why it is a step of its own.
    pub cut: Cut,
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

/// Groups nodes into steps.
pub static PASS: Pass = Pass {
    name: "fuse",
    run: |state| {
        let ir = &state.plan.ir;
        state.groups = fuse(ir, &state.accesses);
        size::ask_steps(state.groups.len())?;
        state.owners = owners(ir, &state.groups);
        Ok(())
    },
    verify: |state| verify::groups(&state.plan.ir, &state.accesses, &state.groups),
    explain: |plan, text| text.counts(plan),
};

/// Groups the nodes into steps, in the order of their first nodes.
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
    let urgent = if ir.writes.is_empty() { vec![false; ir.nodes.len()] } else { urgent(ir) };
    let nodes = Nodes { ir, accesses, parts: &parts, depths: &depths, urgent: &urgent, lengths: &lengths };
    let mut groups = unite(ir, accesses, &urgent, nodes.groups(), &depths.depth);
    let owners = owners(ir, &groups);
    for d in 0..groups.len() {
        if groups[d].cut == Cut::Nothing {
            groups[d].cut = cut(ir, accesses, (&groups, &owners), &urgent, d);
        }
    }
    groups
}

/// Why a program does not go on with one that it reads.
fn cut(ir: &Ir, accesses: &Accesses, (groups, owners): (&[Group], &[u32]), urgent: &[bool], d: usize) -> Cut {
    for &i in &groups[d].nodes {
        for &r in &ir.nodes[i as usize].inputs {
            let root = accesses.of(r).root.node;
            let Some(from) = groups.get(owners[root as usize] as usize).filter(|g| g.tile) else { continue };
            if owners[root as usize] as usize == d {
                continue;
            }
            return match () {
                () if urgent[root as usize] != urgent[i as usize] => Cut::Urgent,
                () if ir.nodes[root as usize].segment != ir.nodes[i as usize].segment => Cut::Segment,
                () if matches!(ir.nodes[root as usize].kernel(), Some(Kernel::Fold(_))) => Cut::Whole,
                () if from.space != groups[d].space || !accesses.of(r).whole => Cut::Space,
                () => Cut::Whole,
            };
        }
    }
    Cut::Nothing
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

/// True if two reductions can share a program over `dims`.
fn together(dims: &[usize], a: Reduction, b: Reduction) -> bool {
    use Reduction::{All, Leading, Trailing};
    match (a, b) {
        (All, All | Trailing(_)) | (Trailing(_), All) => true,
        // Columns are added up by themselves only where the blocks of the other stand in rows.
        (All, Leading(at)) | (Leading(at), All) => narrow(dims, at) || count(&dims[at..]).is_multiple_of(BLOCK),
        (Trailing(x) | Leading(x), Trailing(y) | Leading(y)) => x == y,
    }
}

/// True if a reduction can share a program that runs row by row, or several rows at once, over `dims` cut at `rows`.
fn in_stages(dims: &[usize], rows: usize, r: Reduction) -> bool {
    match r {
        Reduction::All => true,
        Reduction::Trailing(at) => at == rows,
        Reduction::Leading(at) => at == rows && narrow(dims, at),
    }
}

/// True if the sums of all columns can be kept while a program goes over the rows.
fn narrow(dims: &[usize], rows: usize) -> bool {
    count(&dims[rows..]) <= COLUMNS
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

/// True for an elementwise node of a program that has one value a row.
fn is_per_row(ir: &Ir, (space, rows): (&Dims, Option<usize>), i: u32) -> bool {
    let node = &ir.nodes[i as usize];
    rows.is_some() && !matches!(node.kernel(), Some(Kernel::Fold(_))) && squeeze(&node.tys[0].dims) != *space
}

/// True for an elementwise node of a group that has one value a row.
pub fn per_row(ir: &Ir, group: &Group, i: u32) -> bool {
    is_per_row(ir, (&group.space, group.rows), i)
}

/// How operand `r` of node `i`, of group `d`, is found inside the program; `None` if it comes from memory.
pub fn inside(ir: &Ir, accesses: &Accesses, owners: &[u32], (group, d): (&Group, u32), i: u32, r: Ref) -> Option<Inside> {
    if owners[accesses.of(r).root.node as usize] != d {
        return None;
    }
    inside_of(ir, accesses, (&group.space, group.rows), i, r)
}

/// The same, if both are of one program over a space, of whose axes `rows` count the rows.
fn inside_of(ir: &Ir, accesses: &Accesses, over: (&Dims, Option<usize>), i: u32, r: Ref) -> Option<Inside> {
    let access = accesses.of(r);
    let root = access.root.node;
    let fold = |n: u32| matches!(ir.nodes[n as usize].kernel(), Some(Kernel::Fold(_)));
    if !fold(root) && !is_per_row(ir, over, root) {
        return access.whole.then_some(Inside::Value(root));
    }
    let rows = over.1.filter(|&at| !fold(i) && (!fold(root) || reduction(ir, root) == Some(Reduction::Trailing(at))))?;
    match is_per_row(ir, over, i) {
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
