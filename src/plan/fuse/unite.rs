//! Programs that depths keep apart although nothing lies between them.
//!
//! A depth is the longest way to a node, so a program that reads a slow operand is deeper than the one it goes on with. Two
//! programs of one space become one if the second finds all that it reads of the first inside, and no third step lies on a
//! way from the first to the second. It costs what the first must keep for the second; it saves what goes through memory.

use rustc_hash::FxHashSet;

use super::{Cut, Group, LARGE, NO_GROUP, PROGRAM, Reduction, in_stages, inside_of, owners, reduction, together};
use crate::plan::access::Accesses;
use crate::plan::ir::Ir;
use crate::shape::Ty;

/// Steps that are looked at, at most, to see that no way leads around.
const LOOK: usize = 256;
/// Steps between the two, at most, in the order in which the ways are looked for.
const WINDOW: usize = 1 << 14;

struct Uniting<'a> {
    ir: &'a Ir,
    accesses: &'a Accesses,
    urgent: &'a [bool],
    groups: Vec<Group>,
    owners: Vec<u32>,
    /// The step that each has become part of, or itself.
    into: Vec<u32>,
    /// The steps that read a step's values.
    users: Vec<Vec<u32>>,
    /// The steps in an order in which operands come first, and the place of each.
    order: Vec<u32>,
    place: Vec<u32>,
    /// The last step that reads each node, if it is not an output, and how many do.
    readers: Vec<(u32, u32)>,
}

/// Makes one of programs that belong together. `depth` is the depth of each node.
pub(super) fn unite(ir: &Ir, accesses: &Accesses, urgent: &[bool], groups: Vec<Group>, depth: &[u32]) -> Vec<Group> {
    let owners = owners(ir, &groups);
    let n = groups.len();
    // Candidates: the second program of an edge, and the first.
    let mut pairs: Vec<(u32, u32)> = vec![];
    let mut users: Vec<Vec<u32>> = vec![vec![]; n];
    let mut readers = vec![(NO_GROUP, 0u32); ir.nodes.len()];
    for (d, group) in groups.iter().enumerate() {
        let d = d as u32;
        for &i in &group.nodes {
            for &r in &ir.nodes[i as usize].inputs {
                let root = accesses.of(r).root.node;
                let o = owners[root as usize];
                if o == NO_GROUP || o == d {
                    continue;
                }
                if readers[root as usize].0 != d {
                    readers[root as usize] = (d, readers[root as usize].1 + 1);
                }
                if users[o as usize].last() != Some(&d) {
                    users[o as usize].push(d);
                }
                let from = &groups[o as usize];
                let alike = group.tile && from.tile && from.space == group.space && pairs.last() != Some(&(d, o));
                if alike && inside_of(ir, accesses, (&group.space, rows(ir, from, group)), i, r).is_some() {
                    pairs.push((d, o));
                }
            }
        }
    }
    if pairs.is_empty() {
        return groups;
    }
    for r in accesses.leaving(ir) {
        readers[r.node as usize].1 += 1;
    }
    let mut order: Vec<u32> = (0..n as u32).collect();
    let last = |d: &u32| groups[*d as usize].nodes.iter().map(|&i| depth[i as usize]).max();
    // Of one depth are the parts of a program that was cut, in order, and reductions that did not fit into it.
    order.sort_by_key(|d| (last(d), groups[*d as usize].cut == Cut::Tree, groups[*d as usize].nodes[0]));
    let mut place = vec![0; n];
    order.iter().enumerate().for_each(|(k, &d)| place[d as usize] = k as u32);
    let into = (0..n as u32).collect();
    let mut u = Uniting { ir, accesses, urgent, groups, owners, into, users, order, place, readers };
    pairs.sort_unstable();
    pairs.dedup();
    for (to, from) in pairs {
        let (from, to) = (u.now(from), u.now(to));
        if from != to && u.fit(from, to) && u.worth(from, to) && u.apart(from, to) {
            u.join(from, to);
        }
    }
    let mut groups = u.groups;
    groups.retain(|g| !g.nodes.is_empty());
    groups.sort_unstable_by_key(|g| g.nodes[0]);
    groups
}

/// How many axes count the rows if two programs become one.
fn rows(ir: &Ir, from: &Group, to: &Group) -> Option<usize> {
    let trailing = || from.nodes.iter().find_map(|&i| if let Some(Reduction::Trailing(at)) = reduction(ir, i) { Some(at) } else { None });
    from.rows.or(to.rows).or_else(trailing)
}

impl Uniting<'_> {
    /// The step that a step is part of by now.
    fn now(&self, mut d: u32) -> u32 {
        while d != NO_GROUP && self.into[d as usize] != d {
            d = self.into[d as usize];
        }
        d
    }

    /// The step that computes a node.
    fn owner(&self, node: u32) -> u32 {
        self.now(self.owners[node as usize])
    }

    /// What a step reads: reader, operand, and the node that owns its memory.
    fn roots(&self, d: u32) -> impl Iterator<Item = (u32, crate::plan::ir::Ref, u32)> + '_ {
        let nodes = self.groups[d as usize].nodes.iter();
        nodes.flat_map(move |&i| self.ir.nodes[i as usize].inputs.iter().map(move |&r| (i, r, self.accesses.of(r).root.node)))
    }

    /// True if one program can compute both.
    fn fit(&self, from: u32, to: u32) -> bool {
        let (a, b) = (&self.groups[from as usize], &self.groups[to as usize]);
        let kind = |g: &Group| (self.urgent[g.nodes[0] as usize], self.ir.nodes[g.nodes[0] as usize].segment);
        if a.nodes.len() + b.nodes.len() > PROGRAM || kind(a) != kind(b) || a.space != b.space {
            return false;
        }
        let rows = rows(self.ir, a, b);
        let all: Vec<Reduction> = a.nodes.iter().chain(&b.nodes).filter_map(|&i| reduction(self.ir, i)).collect();
        let whole = |g: &Group| g.rows.is_none() || g.rows == rows;
        let inside = |i, r| inside_of(self.ir, self.accesses, (&a.space, rows), i, r).is_some();
        whole(a)
            && whole(b)
            && rows.is_none_or(|at| all.iter().all(|r| in_stages(&a.space, at, *r)))
            && all.iter().enumerate().all(|(k, p)| all[..k].iter().all(|q| together(&a.space, *p, *q)))
            && self.roots(to).all(|(i, r, root)| self.owner(root) != from || inside(i, r))
    }

    /// True if what the first would have to keep for the second is no more than what need not be stored.
    fn worth(&self, from: u32, to: u32) -> bool {
        let bytes = |node: u32| self.ir.nodes[node as usize].tys.iter().map(Ty::bytes).sum::<usize>();
        let alone = |node: u32, d: u32| (self.now(self.readers[node as usize].0), self.readers[node as usize].1) == (d, 1);
        let distinct = |d: u32, of: &dyn Fn(u32) -> bool| {
            let nodes: FxHashSet<u32> = self.roots(d).map(|(_, _, root)| root).filter(|&n| of(n)).collect();
            nodes.into_iter().map(bytes).sum::<usize>()
        };
        let kept = distinct(from, &|n| self.owner(n) != NO_GROUP && self.owner(n) != from && alone(n, from));
        let saved = distinct(to, &|n| self.owner(n) == from && alone(n, to));
        kept <= saved.max(LARGE)
    }

    /// True if no way leads from the first to the second but the direct one. Then what follows from the first is put behind
    /// the second in the order.
    fn apart(&mut self, from: u32, to: u32) -> bool {
        let (start, end) = (self.place[from as usize], self.place[to as usize]);
        if start >= end || (end - start) as usize > WINDOW {
            return false;
        }
        let mut seen: FxHashSet<u32> = FxHashSet::default();
        let mut stack: Vec<u32> = self.users[from as usize].iter().map(|&d| self.now(d)).filter(|&d| d != to && d != from).collect();
        while let Some(d) = stack.pop() {
            let d = self.now(d);
            if self.place[d as usize] > end || !seen.insert(d) {
                continue;
            }
            if d == to || seen.len() > LOOK {
                return false;
            }
            stack.extend(&self.users[d as usize]);
        }
        let window = &self.order[start as usize..=end as usize];
        let before = window.iter().filter(|d| **d != from && **d != to && !seen.contains(d));
        let behind = window.iter().filter(|d| seen.contains(d));
        let order: Vec<u32> = before.chain([&from, &to]).chain(behind).copied().collect();
        for (k, &d) in order.iter().enumerate() {
            self.order[start as usize + k] = d;
            self.place[d as usize] = start + k as u32;
        }
        true
    }

    /// Puts the first into the second.
    fn join(&mut self, from: u32, to: u32) {
        let rows = rows(self.ir, &self.groups[from as usize], &self.groups[to as usize]);
        let staged = {
            let (a, b) = (&self.groups[from as usize], &self.groups[to as usize]);
            let reads = |(i, r, root): (u32, _, u32)| {
                self.owner(root) == from && matches!(inside_of(self.ir, self.accesses, (&a.space, rows), i, r), Some(super::Inside::Row(_)))
            };
            a.rows.is_some() || b.rows.is_some() || self.roots(to).any(reads)
        };
        let moved = std::mem::take(&mut self.groups[from as usize].nodes);
        let cut = self.groups[from as usize].cut;
        let group = &mut self.groups[to as usize];
        group.nodes.extend(moved);
        group.nodes.sort_unstable();
        (group.rows, group.cut) = (rows.filter(|_| staged), cut);
        self.into[from as usize] = to;
        let users = std::mem::take(&mut self.users[from as usize]);
        self.users[to as usize].extend(users);
    }
}
