//! Depths: how many edges that go through memory lie before a node, and in which program's space it runs.
//!
//! An edge that stays inside a program costs nothing: an elementwise value read whole, and, in a program that runs in
//! stages, a row's reduction read back by the rows that it came from. What is computed on such reductions, one value a row,
//! runs in the same program: it is a guest of the rows' space.
//!
//! Depths of single numbers are odd, all others even: a number that follows from sources alone, such as the seed of a mean,
//! comes before everything, and what reads it is no deeper for it.

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::{LARGE, Part, Reduction, row_of};
use crate::plan::access::Accesses;
use crate::plan::ir::{Ir, Ref};
use crate::shape::Dims;

/// Where each node runs.
pub struct Depths {
    /// Edges through memory before a node, twice, by node.
    pub depth: Vec<u32>,
    /// The space of the program, by node: its own, or that of the rows whose reductions it reads.
    pub host: Vec<u32>,
    /// How many leading axes count the rows, for each space and depth at which a program runs in stages.
    pub stages: FxHashMap<(u32, u32), usize>,
}

/// An edge that stays inside a program over `host`.
struct Join {
    host: u32,
    /// Set if it reads a row's reduction.
    rows: Option<usize>,
}

struct Deepening<'a> {
    ir: &'a Ir,
    accesses: &'a Accesses,
    parts: &'a [Part],
    lengths: &'a [Dims],
    out: Depths,
}

/// The depths of all nodes.
pub fn depths(ir: &Ir, accesses: &Accesses, parts: &[Part], lengths: &[Dims]) -> Depths {
    let n = ir.nodes.len();
    let host = parts.iter().map(|p| if let Part::Tile(s) | Part::Fold(s, _) = p { *s } else { 0 }).collect();
    let out = Depths { depth: vec![0; n], host, stages: FxHashMap::default() };
    let mut b = Deepening { ir, accesses, parts, lengths, out };
    (0..n).for_each(|i| b.raise(i));
    b.sink();
    b.out
}

impl Deepening<'_> {
    fn root(&self, r: Ref) -> usize {
        self.accesses.of(r).root.node as usize
    }

    /// The edge from operand `r` to node `i`, if it can stay inside a program.
    fn join(&self, i: usize, r: Ref) -> Option<Join> {
        let root = self.root(r);
        let whole = self.accesses.of(r).whole;
        let plain = |host| Some(Join { host, rows: None });
        let own = self.out.host[root];
        match (self.parts[i], self.parts[root]) {
            // A value of the same space: both are elements of it, or both are rows' values of one host.
            (Part::Tile(s), Part::Tile(q)) if s == q && whole => plain(own),
            (Part::Fold(s, _), Part::Tile(q)) if s == q && own == s && whole => plain(s),
            // A row's value, read by the row.
            (Part::Tile(s), Part::Tile(q)) if s != q && own == s => {
                let rows = *self.out.stages.get(&(s, self.out.depth[root]))?;
                row_of(self.ir, self.accesses, i as u32, r, rows).then_some(Join { host: s, rows: Some(rows) })
            }
            (Part::Tile(s), Part::Fold(q, Reduction::Trailing(rows))) => {
                let fits = self.out.stages.get(&(q, self.out.depth[root])).is_none_or(|b| *b == rows);
                let local = match s == q {
                    true => row_of(self.ir, self.accesses, i as u32, r, rows),
                    false => whole && self.lengths[s as usize][..] == self.lengths[q as usize][..rows],
                };
                (fits && local).then_some(Join { host: q, rows: Some(rows) })
            }
            _ => None,
        }
    }

    /// True for a step that computes a single number.
    fn single(&self, i: usize) -> bool {
        matches!(self.parts[i], Part::Tile(s) if self.lengths[s as usize].is_empty())
    }

    /// The least depth of node `i` that is larger than `depth`.
    fn above(&self, i: usize, depth: u32) -> u32 {
        if self.single(i) { (depth + 1) | 1 } else { (depth + 2) & !1 }
    }

    /// The largest depth of node `i` that is less than `depth`.
    fn below(&self, i: usize, depth: u32) -> u32 {
        match depth.checked_sub(1) {
            None => 0,
            Some(d) if self.single(i) => {
                if d % 2 == 1 {
                    d
                } else {
                    d.saturating_sub(1)
                }
            }
            Some(d) => d & !1,
        }
    }

    /// The depth of a node whose operands have theirs.
    fn raise(&mut self, i: usize) {
        if self.parts[i] == Part::None {
            return;
        }
        let ir = self.ir;
        let mut depth = self.above(i, 0);
        let mut joins: SmallVec<[(u32, Join); 4]> = SmallVec::new();
        for &r in &ir.nodes[i].inputs {
            let root = self.root(r);
            if self.parts[root] == Part::None {
                continue;
            }
            match self.join(i, r) {
                Some(join) => {
                    depth = depth.max(self.out.depth[root]);
                    joins.push((self.out.depth[root], join));
                }
                None => depth = depth.max(self.above(i, self.out.depth[root])),
            }
        }
        // What is computed at the same depth is computed beside it.
        joins.retain(|(d, _)| *d == depth);
        let mut host = self.out.host[i];
        match joins.split_first() {
            // Operands of two programs: both go through memory.
            Some(((_, first), rest)) if rest.iter().any(|(_, join)| join.host != first.host) => depth = self.above(i, depth),
            Some(((_, first), _)) => {
                host = first.host;
                if let Some(rows) = joins.iter().find_map(|(_, join)| join.rows) {
                    self.out.stages.insert((host, depth), rows);
                }
            }
            None => {}
        }
        self.out.depth[i] = depth;
        self.out.host[i] = host;
    }

    fn at_home(&self, i: usize) -> bool {
        matches!(self.parts[i], Part::Tile(s) | Part::Fold(s, _) if self.out.host[i] == s)
    }

    /// For each elementwise node, the bytes that would stay in memory, for it alone, if it were computed later.
    fn kept_for(&self) -> Vec<usize> {
        let ir = self.ir;
        // The depth of the last user of each node.
        let mut last = vec![0; ir.nodes.len()];
        for (i, node) in ir.nodes.iter().enumerate() {
            node.inputs.iter().for_each(|&r| {
                let root = self.root(r);
                last[root] = self.out.depth[i].max(last[root]);
            });
        }
        let mut kept = vec![0; ir.nodes.len()];
        for (i, node) in ir.nodes.iter().enumerate().filter(|(i, _)| matches!(self.parts[*i], Part::Tile(_)) && self.at_home(*i)) {
            let mut seen: SmallVec<[usize; 3]> = SmallVec::new();
            for &r in &node.inputs {
                let root = self.root(r);
                if self.parts[root] == Part::None || seen.contains(&root) {
                    continue;
                }
                seen.push(root);
                let bytes = ir.nodes[root].tys[0].bytes();
                let beside = self.at_home(root) && matches!(self.parts[root], Part::Tile(_)) && self.join(i, r).is_some();
                kept[i] += match () {
                    () if beside => kept[root].min(bytes),
                    () if last[root] > self.out.depth[i] => 0,
                    () => bytes,
                };
            }
        }
        kept
    }

    /// Moves elementwise nodes to their first users, so that they are computed beside them and not stored. Guests and single
    /// numbers stay, and so do large values of which more would have to be kept than they hold.
    fn sink(&mut self) {
        let n = self.ir.nodes.len();
        let mut fixed = vec![false; n];
        self.accesses.leaving(self.ir).for_each(|r| fixed[r.node as usize] = true);
        let kept = self.kept_for();
        let mut latest = vec![u32::MAX; n];
        for i in (0..n).rev() {
            let bytes = self.ir.nodes[i].tys.first().map_or(0, crate::shape::Ty::bytes);
            match self.parts[i] {
                Part::None => continue,
                Part::Tile(_)
                    if self.at_home(i) && !self.single(i) && !fixed[i] && latest[i] != u32::MAX && kept[i] <= bytes.max(LARGE) =>
                {
                    self.out.depth[i] = self.out.depth[i].max(latest[i]);
                }
                _ => {}
            }
            for &r in &self.ir.nodes[i].inputs {
                let root = self.root(r);
                let beside = self.at_home(i) && self.at_home(root) && self.join(i, r).is_some();
                let most = if beside { self.out.depth[i] } else { self.below(root, self.out.depth[i]) };
                latest[root] = latest[root].min(most);
            }
        }
    }
}
