//! From depths to steps: of the nodes of one space and depth, those that are connected share a program.
//!
//! Connected are nodes of which one reads the other inside the program. Components that read one large operand join, if
//! that holds back no memory; small ones join to save steps. All others stay apart, so that memory does not follow the
//! number of branches: each runs when it is due. What rows need never joins what follows from rows: the rows could not go on
//! with what needs both.

use rustc_hash::{FxHashMap, FxHashSet};

use super::depth::Depths;
use super::{Cut, Group, Inside, LARGE, PROGRAM, Part, Reduction, in_stages, inside_of, is_per_row, together};
use crate::plan::access::Accesses;
use crate::plan::ir::Ir;
use crate::shape::{Dims, count};

/// Bytes that a component may keep for others without a look at what it joins.
const SMALL: usize = 8 << 10;
/// Elements of a space up to which components join to save steps.
const FEW: usize = 2048;
/// Values that wait in memory for a program at most, where it can be cut.
const WAITING: usize = 4;
/// Bytes of an operand from which on it is worth reading once for two components.
const WIDE: usize = 32 << 10;

/// What programs are made of.
pub(super) struct Nodes<'a> {
    pub ir: &'a Ir,
    pub accesses: &'a Accesses,
    pub parts: &'a [Part],
    pub depths: &'a Depths,
    pub urgent: &'a [bool],
    pub lengths: &'a [Dims],
}

/// Sets of nodes, as trees.
struct Sets(Vec<u32>);

impl Sets {
    fn of(&mut self, i: u32) -> u32 {
        let mut i = i;
        while self.0[i as usize] != i {
            let up = self.0[self.0[i as usize] as usize];
            self.0[i as usize] = up;
            i = up;
        }
        i
    }
    /// Makes one of two; the earlier node stands for it.
    fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.of(a), self.of(b));
        self.0[a.max(b) as usize] = a.min(b);
    }
}

/// What may share a program at all.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Bucket {
    space: u32,
    depth: u32,
    urgent: bool,
    segment: u32,
}

/// A component, while others join it.
#[derive(Default)]
struct Component {
    nodes: Vec<u32>,
    reductions: Vec<Reduction>,
    /// True if rows read back what was computed of them.
    staged: bool,
    /// Bytes of its values that stay in memory for others.
    stored: usize,
    side: Side,
}

/// Where a node lies beside the programs that run row by row.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Side {
    /// It follows from one.
    behind: bool,
    /// One follows from it.
    before: bool,
}

impl Nodes<'_> {
    fn bucket(&self, i: usize) -> Bucket {
        let node = &self.ir.nodes[i];
        Bucket { space: self.depths.host[i], depth: self.depths.depth[i], urgent: self.urgent[i], segment: node.segment }
    }

    fn tile(&self, i: usize) -> bool {
        matches!(self.parts[i], Part::Tile(_) | Part::Fold(..))
    }

    fn reduction(&self, i: u32) -> Option<Reduction> {
        if let Part::Fold(_, r) = self.parts[i as usize] { Some(r) } else { None }
    }

    fn rows(&self, b: Bucket) -> Option<usize> {
        self.depths.stages.get(&(b.space, b.depth)).copied()
    }

    /// The steps, in the order of their first nodes.
    pub(super) fn groups(&self) -> Vec<Group> {
        let n = self.ir.nodes.len();
        let mut sets = Sets((0..n as u32).collect());
        let mut staged = vec![false; n];
        for i in (0..n).filter(|&i| self.tile(i)) {
            let b = self.bucket(i);
            let over = (self.space(i), self.rows(b));
            staged[i] = is_per_row(self.ir, over, i as u32);
            for &r in &self.ir.nodes[i].inputs {
                let root = self.accesses.of(r).root.node;
                let near = self.tile(root as usize) && self.bucket(root as usize) == b;
                if let Some(found) = near.then(|| inside_of(self.ir, self.accesses, over, i as u32, r)).flatten() {
                    staged[i] |= matches!(found, Inside::Row(_));
                    sets.join(root, i as u32);
                }
            }
        }
        let sides = self.sides();
        // By the first node of each.
        let mut components: Vec<Component> = vec![];
        let mut number = vec![u32::MAX; n];
        let mut groups: Vec<Group> = vec![];
        for i in 0..n {
            match self.parts[i] {
                Part::None => {}
                Part::Call => groups.push(Group { nodes: vec![i as u32], tile: false, space: Dims::new(), rows: None, cut: Cut::Call }),
                Part::Tile(_) | Part::Fold(..) => {
                    let first = sets.of(i as u32) as usize;
                    if first == i {
                        number[i] = components.len() as u32;
                        components.push(Component::default());
                    }
                    number[i] = number[first];
                    let c = &mut components[number[first] as usize];
                    c.nodes.push(i as u32);
                    c.staged |= staged[i];
                    c.side.behind |= sides[i].behind;
                    c.side.before |= sides[i].before;
                    c.reductions.extend(self.reduction(i as u32));
                }
            }
        }
        for c in self.joined(components, &number) {
            self.programs(c, &mut groups);
        }
        groups.sort_unstable_by_key(|g| g.nodes[0]);
        groups
    }

    /// Where each node lies that is not in a space of rows: there all may go on.
    fn sides(&self) -> Vec<Side> {
        let n = self.ir.nodes.len();
        let mut sides = vec![Side::default(); n];
        if self.depths.stages.is_empty() {
            return sides;
        }
        let in_rows: Vec<bool> = (0..n).map(|i| self.tile(i) && self.rows(self.bucket(i)).is_some()).collect();
        for i in 0..n {
            sides[i].behind = self.ir.nodes[i].inputs.iter().any(|r| sides[r.node as usize].behind || in_rows[r.node as usize]);
        }
        for i in (0..n).rev() {
            let before = sides[i].before || in_rows[i];
            self.ir.nodes[i].inputs.iter().for_each(|r| sides[r.node as usize].before |= before);
        }
        let spaces: FxHashSet<u32> = self.depths.stages.keys().map(|(space, _)| *space).collect();
        sides.iter_mut().zip(&self.depths.host).filter(|(_, space)| spaces.contains(space)).for_each(|(side, _)| *side = Side::default());
        sides
    }

    /// The iteration space of the program that computes a node.
    fn space(&self, i: usize) -> &Dims {
        &self.lengths[self.depths.host[i] as usize]
    }

    /// Joins components of one bucket where that saves something.
    fn joined(&self, mut components: Vec<Component>, number: &[u32]) -> Vec<Component> {
        let ir = self.ir;
        let mut leaves = vec![false; ir.nodes.len()];
        // The components that read a root, by root: only roots of some size count.
        let mut readers: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
        for (i, node) in ir.nodes.iter().enumerate() {
            for &r in &node.inputs {
                let root = self.accesses.of(r).root;
                if number[root.node as usize] == u32::MAX || number[root.node as usize] != number[i] {
                    leaves[root.node as usize] = true;
                    if number[i] != u32::MAX && ir.ty(root).bytes() >= WIDE && ir.ty(root).count() > 1 {
                        let list = readers.entry(root.node).or_default();
                        if list.last() != Some(&number[i]) {
                            list.push(number[i]);
                        }
                    }
                }
            }
        }
        for r in self.accesses.leaving(ir) {
            // Their memory is there anyway.
            leaves[r.node as usize] = false;
        }
        for c in &mut components {
            c.stored = c.nodes.iter().filter(|&&i| leaves[i as usize]).map(|&i| ir.nodes[i as usize].tys[0].bytes()).sum();
        }
        let mut sets = Sets((0..components.len() as u32).collect());
        let mut wide: Vec<Vec<u32>> = readers.into_values().filter(|list| list.len() > 1).collect();
        wide.sort_unstable();
        for list in wide {
            let mut first: FxHashMap<Bucket, u32> = FxHashMap::default();
            for c in list {
                let c = sets.of(c);
                let b = self.bucket(components[c as usize].nodes[0] as usize);
                match first.get(&b).copied() {
                    None => _ = first.insert(b, c),
                    Some(other) => _ = self.try_join(&mut components, &mut sets, other, c, false),
                }
            }
        }
        let mut open: FxHashMap<Bucket, u32> = FxHashMap::default();
        for c in 0..components.len() as u32 {
            let Some(&i) = components[c as usize].nodes.first() else { continue };
            let b = self.bucket(i as usize);
            if count(self.space(i as usize)) > FEW {
                continue;
            }
            let fits = open.get(&b).copied().is_some_and(|other| self.try_join(&mut components, &mut sets, other, c, true));
            if !fits {
                open.insert(b, c);
            }
        }
        components.retain(|c| !c.nodes.is_empty());
        components
    }

    /// Puts component `b` into `a` if they can share a program and it costs nothing; true if they are one now.
    fn try_join(&self, components: &mut [Component], sets: &mut Sets, a: u32, b: u32, small: bool) -> bool {
        let (a, b) = (sets.of(a) as usize, sets.of(b) as usize);
        if a == b {
            return true;
        }
        let (x, y) = (&components[a], &components[b]);
        let few = x.nodes.len() + y.nodes.len() <= PROGRAM;
        let held = small || x.stored.min(y.stored) <= SMALL;
        let dims = self.space(x.nodes[0] as usize);
        let rows = self.rows(self.bucket(x.nodes[0] as usize)).filter(|_| x.staged || y.staged);
        let stages = |c: &Component| rows.is_none_or(|at| c.reductions.iter().all(|r| in_stages(dims, at, *r)));
        let fit = stages(x) && stages(y) && x.reductions.iter().all(|p| y.reductions.iter().all(|q| together(dims, *p, *q)));
        if !(few && held && fit && x.side == y.side) {
            return false;
        }
        let (keep, gone) = (a.min(b), a.max(b));
        sets.join(a as u32, b as u32);
        let moved = std::mem::take(&mut components[gone]);
        let c = &mut components[keep];
        c.nodes.extend(moved.nodes);
        c.reductions.extend(moved.reductions);
        c.staged |= moved.staged;
        c.stored += moved.stored;
        true
    }

    /// The programs of a component: one, unless its reductions do not fit together, or it is too long.
    fn programs(&self, mut c: Component, groups: &mut Vec<Group>) {
        c.nodes.sort_unstable();
        let b = self.bucket(c.nodes[0] as usize);
        let (dims, rows) = (self.space(c.nodes[0] as usize), self.rows(b).filter(|_| c.staged));
        let group = |nodes: Vec<u32>, rows, cut| Group { nodes, tile: true, space: dims.clone(), rows, cut };
        let mut taken: Vec<Reduction> = vec![];
        let mut main: Vec<u32> = vec![];
        for &i in &c.nodes {
            let Some(r) = self.reduction(i) else {
                main.push(i);
                continue;
            };
            // What rows read back stays with them.
            let staged = rows.is_none_or(|at| in_stages(dims, at, r));
            if staged && taken.iter().all(|t| together(dims, *t, r)) {
                taken.push(r);
                main.push(i);
            } else {
                groups.push(group(vec![i], None, Cut::Tree));
            }
        }
        let (mut rest, mut cut) = (&main[..], Cut::Nothing);
        while !rest.is_empty() {
            let (at, why) = match if c.staged { None } else { self.waiting(rest) } {
                Some(at) => (at, Cut::Waiting),
                None if rest.len() > PROGRAM => (self.thinnest(rest), Cut::Long),
                None => (rest.len(), Cut::Nothing),
            };
            let (part, behind) = rest.split_at(at);
            groups.push(group(part.to_vec(), rows, cut));
            (rest, cut) = (behind, why);
        }
    }

    /// Where to cut a list of nodes that reads many large values that others compute, each for it alone: they would all wait
    /// in memory for the last of them, as in a sum of many. There one value goes from a part to the next.
    fn waiting(&self, nodes: &[u32]) -> Option<usize> {
        let bytes = |i: u32| self.ir.nodes[i as usize].tys[0].bytes();
        if nodes.len() <= WAITING || bytes(nodes[0]) < LARGE {
            return None;
        }
        let window = &nodes[..PROGRAM.min(nodes.len())];
        let mut until: FxHashMap<u32, usize> = FxHashMap::default();
        let mut held: FxHashSet<u32> = FxHashSet::default();
        for (k, &i) in window.iter().enumerate() {
            for &r in &self.ir.nodes[i as usize].inputs {
                let root = self.accesses.of(r).root.node;
                until.insert(root, k);
                if self.parts[root as usize] != Part::None && nodes.binary_search(&root).is_err() {
                    held.insert(root);
                }
            }
        }
        if held.len() <= WAITING {
            return None;
        }
        let (mut crossing, mut waiting) = (0usize, 0usize);
        let mut ends: FxHashMap<usize, usize> = FxHashMap::default();
        for (k, &i) in window.iter().enumerate() {
            for &r in &self.ir.nodes[i as usize].inputs {
                let root = self.accesses.of(r).root.node;
                // Each once.
                waiting += if held.remove(&root) { bytes(root) } else { 0 };
            }
            if let Some(&end) = until.get(&i).filter(|&&end| end > k) {
                crossing += bytes(i);
                *ends.entry(end).or_default() += bytes(i);
            }
            crossing -= ends.remove(&k).unwrap_or(0);
            if k + 1 < nodes.len() && waiting >= WAITING * bytes(i) && crossing <= bytes(i) && !held.is_empty() {
                return Some(k + 1);
            }
        }
        None
    }

    /// Where to cut a list of nodes that is too long for a program: where the fewest bytes go through memory.
    fn thinnest(&self, nodes: &[u32]) -> usize {
        // Bytes that a cut before each place would store, as differences.
        let window = &nodes[..(2 * PROGRAM).min(nodes.len())];
        let mut change = vec![0isize; window.len() + 1];
        let mut until: FxHashMap<u32, usize> = FxHashMap::default();
        for (k, &i) in window.iter().enumerate() {
            self.ir.nodes[i as usize].inputs.iter().for_each(|&r| _ = until.insert(self.accesses.of(r).root.node, k));
        }
        for (k, &i) in window.iter().enumerate() {
            if let Some(&end) = until.get(&i) {
                let bytes = self.ir.nodes[i as usize].tys[0].bytes() as isize;
                change[k + 1] += bytes;
                change[end + 1] -= bytes;
            }
        }
        let mut bytes = 0;
        let mut best = (isize::MAX, PROGRAM);
        for (k, c) in change.iter().enumerate().take(PROGRAM + 1) {
            bytes += c;
            // Of equals the last.
            if k >= PROGRAM / 2 && bytes <= best.0 {
                best = (bytes, k);
            }
        }
        best.1
    }
}
