//! Which nodes a sweep visits: those that the outputs depend on, and that depend on an input in turn.

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::array::room::room;
use crate::dtype::DType;
use crate::error::Result;
use crate::graph::{Graph, Value};

/// The nodes of a sweep, in the order of their numbers. Its cost follows from what the outputs reach, never from how much
/// else the graph holds.
pub struct Reach {
    ids: Vec<u32>,
    depends: Vec<bool>,
    places: Places,
}

/// From a node's number to its place among the nodes.
enum Places {
    /// By the number less the lowest one, counted from 1: for most of a graph.
    Dense(u32, Vec<u32>),
    /// For a small part of a large graph.
    Sparse(FxHashMap<u32, u32>),
}

/// A table over a span of numbers is worth its memory when it has at most so many entries for each node.
const SPREAD: usize = 32;
/// A span that is given a table at once.
const SMALL: usize = 512;
/// Bytes that a node takes in the lists of a sweep, its cotangents included, about and at most.
const NODE: usize = 512;
/// Nodes from which a sweep asks for memory before it takes it.
const ASKED: usize = 4096;

impl Reach {
    /// What `ys` reach down to `xs`, along floating values; with `stop`, not beyond an `x`.
    pub fn new(graph: &Graph, ys: &[Value], xs: &[Value], stop: bool) -> Result<Reach> {
        Reach::along(graph, ys, xs, stop, DType::is_float)
    }

    /// As [`Reach::new`], along values of these dtypes.
    pub fn along(graph: &Graph, ys: &[Value], xs: &[Value], stop: bool, through: fn(DType) -> bool) -> Result<Reach> {
        let mut targets: SmallVec<[u32; 8]> = xs.iter().map(|v| v.node).collect();
        targets.sort_unstable();
        let is_target = |id: u32| targets.binary_search(&id).is_ok();
        // Inputs have smaller numbers than their users: what is below every x depends on none.
        let low = targets.first().copied().unwrap_or(0);
        let (ids, places) = walk(graph, ys, low, |id| stop && is_target(id))?;
        let mut reach = Reach { depends: vec![false; ids.len()], ids, places };
        for i in 0..reach.ids.len() {
            let id = reach.ids[i];
            let via = |v: &Value| through(graph.aval(*v).dtype) && reach.depends(v.node);
            reach.depends[i] = is_target(id) || graph.node(id).inputs.iter().any(via);
        }
        Ok(reach)
    }

    /// The nodes, inputs before their users.
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// The place of a node that is among them.
    pub fn place(&self, id: u32) -> Option<usize> {
        match &self.places {
            Places::Dense(low, table) => (*table.get(id.checked_sub(*low)? as usize)?).checked_sub(1).map(|p| p as usize),
            Places::Sparse(map) => map.get(&id).map(|&p| p as usize),
        }
    }

    /// True if a node depends on an x.
    pub fn depends(&self, id: u32) -> bool {
        self.place(id).and_then(|p| self.depends.get(p)).copied().unwrap_or(false)
    }
}

/// The nodes from `low` on that `ys` reach, without what is behind nodes that `ends` names, in ascending order.
fn walk(graph: &Graph, ys: &[Value], low: u32, ends: impl Fn(u32) -> bool) -> Result<(Vec<u32>, Places)> {
    let mut stack: Vec<u32> = ys.iter().map(|v| v.node).filter(|&n| n >= low).collect();
    let Some(high) = stack.iter().copied().max() else { return Ok((vec![], Places::Sparse(FxHashMap::default()))) };
    let span = (high - low) as usize + 1;
    let mut ids = vec![];
    // A set at first, of a large span; a table from when it is small beside what was found.
    let mut seen = FxHashMap::default();
    let mut table: Vec<u32> = if span <= SMALL { vec![0; span] } else { vec![] };
    let mut found = 0usize;
    while let Some(id) = stack.pop() {
        let new = match table.get_mut((id - low) as usize) {
            Some(slot) => std::mem::replace(slot, 1) == 0,
            None => seen.insert(id, 0u32).is_none(),
        };
        if !new {
            continue;
        }
        found += 1;
        if found >= ASKED && found.is_power_of_two() {
            // As many again, in lists that double.
            room("grad", format_args!("a sweep over {found} nodes, and more"), found * NODE)?;
        }
        if table.is_empty() {
            ids.push(id);
            if found * SPREAD >= span {
                table = vec![0; span];
                ids.drain(..).for_each(|i| table[(i - low) as usize] = 1);
            }
        }
        if !ends(id) {
            stack.extend(graph.node(id).inputs.iter().map(|v| v.node).filter(|&n| n >= low));
        }
    }
    let places = if table.is_empty() {
        ids.sort_unstable();
        ids.iter().zip(0..).for_each(|(&id, p)| _ = seen.insert(id, p));
        Places::Sparse(seen)
    } else {
        ids.reserve(found);
        for (slot, id) in table.iter_mut().zip(low..).filter(|(slot, _)| **slot == 1) {
            ids.push(id);
            *slot = ids.len() as u32;
        }
        Places::Dense(low, table)
    };
    Ok((ids, places))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtype::DType;
    use crate::ops::arithmetic::mul;
    use crate::ops::trigonometric::sin;

    #[test]
    fn a_sweep_visits_what_it_reaches_and_no_more() {
        let graph = Graph::new();
        let x = graph.placeholder_of("x", &[], DType::F64);
        let mut other = x;
        for _ in 0..10_000 {
            other = sin(other);
        }
        // Built late: three nodes, far from x by number.
        let y = mul(sin(mul(x, x)), graph.literal(0.25.into(), DType::F64));
        let reach = Reach::new(&graph, &[y.value()], &[x.value()], false).unwrap();
        assert_eq!(reach.ids().len(), 5);
        assert!(matches!(&reach.places, Places::Sparse(map) if map.len() == 5));
        assert!(reach.depends(y.value().node) && !reach.depends(other.value().node));
        // Most of the graph: a table, and every node in it.
        let reach = Reach::new(&graph, &[other.value()], &[x.value()], false).unwrap();
        assert_eq!(reach.ids().len(), 10_001);
        assert!(matches!(&reach.places, Places::Dense(0, table) if table.len() == 10_001));
        assert!(reach.ids().iter().enumerate().all(|(p, &id)| reach.place(id) == Some(p) && reach.depends(id)));
    }
}
