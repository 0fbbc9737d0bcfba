//! The order of the steps: inputs first; whatever may fail, and what it needs, before the rest; else in the order
//! of the walk.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::error::{Error, Result};
use crate::plan::access::Accesses;
use crate::plan::fuse::{Group, NO_GROUP, describe};
use crate::plan::ir::Ir;

/// What the order rests on.
pub struct Schedule {
    /// Indices of groups, in the order in which they run.
    pub steps: Vec<usize>,
    /// How many of the first steps must have run before a write may begin.
    pub fallible: usize,
}

/// Orders the groups.
pub fn schedule(ir: &Ir, accesses: &Accesses, groups: &[Group], owners: &[u32]) -> Result<Schedule> {
    // The last group that was noted as a user of a group.
    let mut noted = vec![usize::MAX; groups.len()];
    let mut needs: Vec<Vec<usize>> = vec![vec![]; groups.len()];
    let mut users: Vec<Vec<usize>> = vec![vec![]; groups.len()];
    for (d, group) in groups.iter().enumerate() {
        for &n in &group.nodes {
            for &r in &ir.nodes[n as usize].inputs {
                let o = owners[accesses.of(r).root.node as usize];
                if o != NO_GROUP && o as usize != d && noted[o as usize] != d {
                    noted[o as usize] = d;
                    needs[d].push(o as usize);
                    users[o as usize].push(d);
                }
            }
        }
    }
    let fails: Vec<bool> = groups.iter().map(|d| d.nodes.iter().any(|&n| ir.may_fail(n))).collect();
    let mut urgent = fails.clone();
    let mut stack: Vec<usize> = (0..groups.len()).filter(|&d| urgent[d]).collect();
    while let Some(d) = stack.pop() {
        for &o in &needs[d] {
            if !std::mem::replace(&mut urgent[o], true) {
                stack.push(o);
            }
        }
    }
    let rank = |d: usize| (!urgent[d], groups[d].nodes.last().copied().unwrap_or(0), d);
    let mut waiting: Vec<usize> = needs.iter().map(Vec::len).collect();
    let mut ready: BinaryHeap<_> = (0..groups.len()).filter(|&d| waiting[d] == 0).map(|d| Reverse(rank(d))).collect();
    let mut steps = Vec::with_capacity(groups.len());
    while let Some(Reverse((_, _, d))) = ready.pop() {
        steps.push(d);
        for &u in &users[d] {
            waiting[u] -= 1;
            if waiting[u] == 0 {
                ready.push(Reverse(rank(u)));
            }
        }
    }
    if let Some(left) = waiting.iter().position(|&w| w > 0) {
        let nodes: Vec<String> = groups[left].nodes.iter().map(|&n| describe(ir, n)).collect();
        return Err(Error::engine("plan", "a step waits for itself", nodes.join("; "), "inputs before their users"));
    }
    let fallible = steps.iter().rposition(|&d| fails[d]).map_or(0, |i| i + 1);
    Ok(Schedule { steps, fallible })
}
