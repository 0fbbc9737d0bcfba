//! Programs that depths keep apart although nothing lies between them.
//!
//! A depth is the longest way to a node, so a program that reads a slow operand is deeper than the one it goes on with. Two
//! programs of one space become one if the second finds all that it reads of the first inside, and no third step lies on a
//! way from the first to the second, but guests: programs of rows' values, which become part of it too. It costs what the
//! first must keep for the second; it saves what goes through memory.

use rustc_hash::FxHashSet;
use smallvec::SmallVec;

use super::{Cut, Group, LARGE, NO_GROUP, PROGRAM, Reduction, in_stages, inside_of, owners, reduction, together};
use crate::plan::access::Accesses;
use crate::plan::ir::Ir;
use crate::shape::Ty;

/// Steps that are looked at, at most, to see that no way leads around.
const LOOK: usize = 256;
/// Guests that become part of a program at once, at most.
const GUESTS: usize = 8;
/// Steps between the two, at most, in the order in which the ways are looked for.
const WINDOW: usize = 1 << 14;

/// What lies between two programs.
struct Ways {
    /// The steps on ways from the first to the second, in order.
    between: SmallVec<[u32; 4]>,
    /// The other steps that follow from the first, in front of the second.
    behind: FxHashSet<u32>,
}

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
        // What lies between is looked for last: it takes longest.
        if from == to || !u.alike(from, to) || !u.fit(&[from], to) {
            continue;
        }
        let Some(ways) = u.ways(from, to) else { continue };
        let firsts: SmallVec<[u32; 4]> = [from].into_iter().chain(ways.between.iter().copied()).collect();
        if (ways.between.is_empty() || u.fit(&firsts, to)) && u.worth(&firsts, to) {
            u.reorder(from, to, &ways);
            u.join(&firsts, to);
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

    /// True if what is said of two programs of one space does not keep them apart.
    fn alike(&self, from: u32, to: u32) -> bool {
        let (a, b) = (&self.groups[from as usize], &self.groups[to as usize]);
        let rows = rows(self.ir, a, b);
        self.kind(from) == self.kind(to) && a.space == b.space && [a, b].iter().all(|g| g.rows.is_none() || g.rows == rows)
    }

    fn kind(&self, d: u32) -> (bool, u32) {
        let first = self.groups[d as usize].nodes[0] as usize;
        (self.urgent[first], self.ir.nodes[first].segment)
    }

    /// True if a program has the rows' values of another one: elementwise, one for each row.
    fn is_guest(&self, d: u32, host: u32, rows: Option<usize>) -> bool {
        let (guest, host) = (&self.groups[d as usize], &self.groups[host as usize]);
        let own = guest.tile && guest.rows.is_none() && rows.is_some_and(|at| guest.space[..] == host.space[..at]);
        own && guest.nodes.iter().all(|&i| reduction(self.ir, i).is_none())
    }

    /// True if one program can compute all: the second of a pair, and the first with the guests between them.
    fn fit(&self, firsts: &[u32], to: u32) -> bool {
        let (a, b) = (&self.groups[firsts[0] as usize], &self.groups[to as usize]);
        let rows = rows(self.ir, a, b);
        let guests = &firsts[1..];
        if guests.iter().any(|&d| !self.is_guest(d, firsts[0], rows) || self.kind(d) != self.kind(to)) {
            return false;
        }
        let nodes = || firsts.iter().chain([&to]).flat_map(|&d| &self.groups[d as usize].nodes);
        let all: Vec<Reduction> = nodes().filter_map(|&i| reduction(self.ir, i)).collect();
        let inside =
            |(i, r, root)| !firsts.contains(&self.owner(root)) || inside_of(self.ir, self.accesses, (&a.space, rows), i, r).is_some();
        nodes().count() <= PROGRAM
            && rows.is_none_or(|at| all.iter().all(|r| in_stages(&a.space, at, *r)))
            && all.iter().enumerate().all(|(k, p)| all[..k].iter().all(|q| together(&a.space, *p, *q)))
            && guests.iter().chain([&to]).all(|&d| self.roots(d).all(inside))
    }

    /// True if what the first would have to keep for the second is no more than what need not be stored.
    fn worth(&self, firsts: &[u32], to: u32) -> bool {
        let bytes = |node: u32| self.ir.nodes[node as usize].tys.iter().map(Ty::bytes).sum::<usize>();
        let alone = |node: u32, d: u32| (self.now(self.readers[node as usize].0), self.readers[node as usize].1) == (d, 1);
        let distinct = |d: u32, of: &dyn Fn(u32) -> bool| {
            let nodes: FxHashSet<u32> = self.roots(d).map(|(_, _, root)| root).filter(|&n| of(n)).collect();
            nodes.into_iter().map(bytes).sum::<usize>()
        };
        let from = firsts[0];
        let kept = distinct(from, &|n| self.owner(n) != NO_GROUP && self.owner(n) != from && alone(n, from));
        let saved = distinct(to, &|n| firsts.contains(&self.owner(n)) && alone(n, to));
        kept <= saved.max(LARGE)
    }

    /// What lies between two programs; `None` if it is too much to look at.
    fn ways(&self, from: u32, to: u32) -> Option<Ways> {
        let (start, end) = (self.place[from as usize], self.place[to as usize]);
        if start >= end || (end - start) as usize > WINDOW {
            return None;
        }
        let mut behind: FxHashSet<u32> = FxHashSet::default();
        let mut stack: Vec<u32> = self.users[from as usize].iter().map(|&d| self.now(d)).filter(|&d| d != to && d != from).collect();
        while let Some(d) = stack.pop() {
            let d = self.now(d);
            if d == to || self.place[d as usize] > end || !behind.insert(d) {
                continue;
            }
            if behind.len() > LOOK {
                return None;
            }
            stack.extend(&self.users[d as usize]);
        }
        let mut between: SmallVec<[u32; 4]> = SmallVec::new();
        for &d in self.order[start as usize..end as usize].iter().rev().filter(|d| behind.contains(d)) {
            if self.users[d as usize].iter().any(|&u| self.now(u) == to || between.contains(&self.now(u))) {
                if between.len() == GUESTS {
                    return None;
                }
                between.push(d);
            }
        }
        between.reverse();
        behind.retain(|d| !between.contains(d));
        Some(Ways { between, behind })
    }

    /// Puts the first and what lies between in front of the second in the order, and what else follows from the first behind it.
    fn reorder(&mut self, from: u32, to: u32, ways: &Ways) {
        let (start, end) = (self.place[from as usize], self.place[to as usize]);
        let window = &self.order[start as usize..=end as usize];
        let joined = |d: &u32| *d == from || *d == to || ways.between.contains(d);
        let before = window.iter().filter(|d| !joined(d) && !ways.behind.contains(d));
        let behind = window.iter().filter(|d| ways.behind.contains(d));
        let order: Vec<u32> = before.chain([&from]).chain(&ways.between).chain([&to]).chain(behind).copied().collect();
        for (k, &d) in order.iter().enumerate() {
            self.order[start as usize + k] = d;
            self.place[d as usize] = start + k as u32;
        }
    }

    /// Puts the first of a pair, and the guests between them, into the second.
    fn join(&mut self, firsts: &[u32], to: u32) {
        let from = firsts[0];
        let (a, b) = (&self.groups[from as usize], &self.groups[to as usize]);
        let rows = rows(self.ir, a, b);
        let reads = |(i, r, root): (u32, _, u32)| {
            self.owner(root) == from && matches!(inside_of(self.ir, self.accesses, (&a.space, rows), i, r), Some(super::Inside::Row(_)))
        };
        let staged = firsts.len() > 1 || a.rows.is_some() || b.rows.is_some() || self.roots(to).any(reads);
        let cut = a.cut;
        for &d in firsts {
            let moved = std::mem::take(&mut self.groups[d as usize].nodes);
            self.groups[to as usize].nodes.extend(moved);
            self.into[d as usize] = to;
            let users = std::mem::take(&mut self.users[d as usize]);
            self.users[to as usize].extend(users);
        }
        let group = &mut self.groups[to as usize];
        group.nodes.sort_unstable();
        (group.rows, group.cut) = (rows.filter(|_| staged), cut);
    }
}
