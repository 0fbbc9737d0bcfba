//! The order of the steps: inputs first, and of all steps that are ready the one that leaves the least in memory. So a value
//! is consumed soon after it is made, and independent branches run one after the other. Some orders are made by different
//! tastes, and the one that needs the least memory is taken.
//!
//! If variables are written, whatever may fail, and what it needs, comes before the rest; and a step that writes over a
//! variable comes after those that read its old value, where that can be.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::error::{Error, Result};
use crate::plan::access::Accesses;
use crate::plan::fuse::{Group, NO_GROUP, describe};
use crate::plan::ir::Ir;
use crate::plan::{Pass, verify};

/// What the order rests on.
#[derive(Default)]
pub struct Schedule {
    /// Indices of groups, in the order in which they run.
    pub steps: Vec<usize>,
    /// How many of the first steps must have run before a write may begin.
    pub fallible: usize,
}

/// What groups read and leave in memory, by node.
struct Flow {
    /// The nodes of other groups whose values a group reads, each once.
    needs: Vec<Vec<u32>>,
    /// The groups that read the values of a node, its own left out.
    users: Vec<Vec<u32>>,
    /// The nodes of a group that others read.
    makes: Vec<Vec<u32>>,
    /// Bytes of a node's values that others read, until the last of these has run; none if they leave the plan, for then
    /// they have memory of their own.
    bytes: Vec<usize>,
    /// Groups that read the old value of a variable that a group writes.
    readers: Vec<Vec<u32>>,
    /// The last node of each group: the order in which the graph was built.
    last: Vec<u32>,
    /// The segment of each group: those of a later one can wait, above all what is computed again.
    segment: Vec<u32>,
}

impl Flow {
    fn new(ir: &Ir, accesses: &Accesses, groups: &[Group], owners: &[u32]) -> Flow {
        let (n, nodes) = (groups.len(), ir.nodes.len());
        // The last group that was noted as a user of a node.
        let mut noted = vec![NO_GROUP; nodes];
        let lists = |n: usize| vec![vec![]; n];
        let last = groups.iter().map(|g| g.nodes.last().copied().unwrap_or(0)).collect();
        let segment = groups.iter().map(|g| g.nodes.first().map_or(0, |&i| ir.nodes[i as usize].segment)).collect();
        let mut flow =
            Flow { segment, needs: lists(n), users: lists(nodes), makes: lists(n), bytes: vec![0; nodes], readers: lists(n), last };
        let mut own_memory = vec![false; nodes];
        accesses.leaving(ir).for_each(|r| own_memory[r.node as usize] = true);
        let mut written = vec![false; if ir.writes.is_empty() { 0 } else { nodes }];
        ir.writes.iter().for_each(|(v, _)| written[*v as usize] = true);
        for (d, group) in groups.iter().enumerate() {
            for &i in &group.nodes {
                for &r in &ir.nodes[i as usize].inputs {
                    let root = accesses.of(r).root.node as usize;
                    let o = owners[root];
                    let variable = o == NO_GROUP && written.get(root) == Some(&true);
                    if o as usize == d || noted[root] == d as u32 || (o == NO_GROUP && !variable) {
                        continue;
                    }
                    noted[root] = d as u32;
                    if o != NO_GROUP {
                        if flow.users[root].is_empty() {
                            flow.makes[o as usize].push(root as u32);
                            let all = ir.nodes[root].tys.iter().map(crate::shape::Ty::bytes).sum();
                            flow.bytes[root] = if own_memory[root] { 0 } else { all };
                        }
                        flow.needs[d].push(root as u32);
                    }
                    flow.users[root].push(d as u32);
                }
            }
        }
        for &(variable, value) in &ir.writes {
            let writer = owners[accesses.of(value).root.node as usize];
            if writer != NO_GROUP {
                let others = flow.users[variable as usize].iter().copied().filter(|&d| d != writer);
                flow.readers[writer as usize].extend(others);
            }
        }
        flow
    }

    /// Marks groups and all that they need.
    fn with_needs(&self, mut marked: Vec<bool>, owners: &[u32]) -> Vec<bool> {
        let mut stack: Vec<usize> = (0..marked.len()).filter(|&d| marked[d]).collect();
        while let Some(d) = stack.pop() {
            for &node in &self.needs[d] {
                let o = owners[node as usize] as usize;
                if !std::mem::replace(&mut marked[o], true) {
                    stack.push(o);
                }
            }
        }
        marked
    }

    /// Bytes of what the largest step reads and makes for others.
    fn least(&self) -> usize {
        let bytes = |nodes: &[u32]| nodes.iter().map(|&node| self.bytes[node as usize]).sum::<usize>();
        self.needs.iter().zip(&self.makes).map(|(needs, makes)| bytes(needs) + bytes(makes)).max().unwrap_or(0)
    }

    /// How many groups come one after the other before the first one that reads a group's values. `order` has operands first.
    fn soon(&self, order: &[usize], owners: &[u32]) -> Vec<u32> {
        let mut level = vec![0; self.needs.len()];
        for &d in order {
            level[d] = self.needs[d].iter().map(|&node| level[owners[node as usize] as usize] + 1).max().unwrap_or(0);
        }
        let first = |nodes: &Vec<u32>| nodes.iter().flat_map(|&node| &self.users[node as usize]).map(|&u| level[u as usize]).min();
        self.makes.iter().map(|nodes| first(nodes).unwrap_or(0)).collect()
    }
}

/// How good it is to run a step next: the smaller, the better.
type Rank = (bool, u32, bool, isize, u32, u32);

/// What an order looks at, besides what comes first in any. Then steps come as the graph was built.
#[derive(Clone, Copy)]
struct Taste<'a> {
    /// The change of the bytes in memory.
    bytes: bool,
    then: Then<'a>,
}

/// Which of the steps that change memory alike runs first.
#[derive(Clone, Copy)]
enum Then<'a> {
    /// The first that was built.
    Built,
    /// The one that has become ready last: it goes on with what has just been computed.
    Newest,
    /// The one whose values are read first, by the order that is given: what a later step of a loop reads can wait.
    Soonest(&'a [u32]),
}

/// Steps that are ready. Ranks only become better as others run; then a step is entered again.
struct Ready<'a> {
    flow: &'a Flow,
    urgent: &'a [bool],
    /// Groups that have not run and read a node's values.
    left: Vec<u32>,
    /// Old values of variables that must still be read before a group writes over them.
    unread: Vec<u32>,
    /// How many steps had run when a step became ready.
    since: Vec<u32>,
    taste: Taste<'a>,
    heap: BinaryHeap<Reverse<(Rank, usize)>>,
}

impl Ready<'_> {
    fn rank(&self, d: usize) -> Rank {
        let flow = self.flow;
        let sum = |nodes: &mut dyn Iterator<Item = &u32>| nodes.map(|&node| flow.bytes[node as usize]).sum::<usize>();
        let change = match self.taste.bytes {
            true => {
                let freed = sum(&mut flow.needs[d].iter().filter(|&&node| self.left[node as usize] == 1));
                sum(&mut flow.makes[d].iter()) as isize - freed as isize
            }
            false => 0,
        };
        let then = match self.taste.then {
            Then::Built => 0,
            Then::Newest => u32::MAX - self.since[d],
            Then::Soonest(read) => read[d],
        };
        (!self.urgent[d], flow.segment[d], self.unread[d] > 0, change, then, flow.last[d])
    }

    fn push(&mut self, d: usize) {
        let rank = self.rank(d);
        self.heap.push(Reverse((rank, d)));
    }
}

/// Runs all groups by rank; returns their order and the most bytes in memory at once.
fn run(flow: &Flow, urgent: &[bool], taste: Taste<'_>) -> (Vec<usize>, usize) {
    let n = flow.needs.len();
    let unread: Vec<u32> = flow.readers.iter().map(|r| r.len() as u32).collect();
    let mut writers: Vec<Vec<u32>> = vec![vec![]; if unread.iter().any(|&u| u > 0) { n } else { 0 }];
    for (w, readers) in flow.readers.iter().enumerate() {
        readers.iter().for_each(|&r| writers[r as usize].push(w as u32));
    }
    let left = flow.users.iter().map(|u| u.len() as u32).collect();
    let mut ready = Ready { flow, urgent, left, unread, since: vec![0; n], taste, heap: BinaryHeap::new() };
    let mut waiting: Vec<u32> = flow.needs.iter().map(|l| l.len() as u32).collect();
    let mut done = vec![false; n];
    (0..n).filter(|&d| waiting[d] == 0).for_each(|d| ready.push(d));
    let mut steps = Vec::with_capacity(n);
    let (mut live, mut peak) = (0usize, 0usize);
    while let Some(Reverse((rank, d))) = ready.heap.pop() {
        // One that has become better since stands in the heap again.
        if done[d] || rank != ready.rank(d) {
            continue;
        }
        done[d] = true;
        steps.push(d);
        live += flow.makes[d].iter().map(|&node| flow.bytes[node as usize]).sum::<usize>();
        peak = peak.max(live);
        for &node in &flow.needs[d] {
            let node = node as usize;
            ready.left[node] -= 1;
            match ready.left[node] {
                0 => live -= flow.bytes[node],
                // Its last user frees it now.
                1 if taste.bytes => {
                    if let Some(&u) = flow.users[node].iter().find(|&&u| !done[u as usize])
                        && waiting[u as usize] == 0
                    {
                        ready.push(u as usize);
                    }
                }
                _ => {}
            }
        }
        for &w in writers.get(d).map_or(&[][..], |w| w) {
            ready.unread[w as usize] -= 1;
            if waiting[w as usize] == 0 && !done[w as usize] {
                ready.push(w as usize);
            }
        }
        for &node in &flow.makes[d] {
            for &u in &flow.users[node as usize] {
                waiting[u as usize] -= 1;
                if waiting[u as usize] == 0 {
                    ready.since[u as usize] = steps.len() as u32;
                    ready.push(u as usize);
                }
            }
        }
    }
    (steps, peak)
}

/// Orders the steps.
pub static PASS: Pass = Pass {
    name: "schedule",
    run: |state| {
        state.order = schedule(&state.plan.ir, &state.accesses, &state.groups, &state.owners)?;
        Ok(())
    },
    verify: |state| verify::order(&state.plan.ir, &state.accesses, &state.groups, &state.order),
    explain: |plan, text| text.steps(plan),
};

/// Orders the groups.
pub fn schedule(ir: &Ir, accesses: &Accesses, groups: &[Group], owners: &[u32]) -> Result<Schedule> {
    let flow = Flow::new(ir, accesses, groups, owners);
    let fails: Vec<bool> = groups.iter().map(|d| d.nodes.iter().any(|&n| ir.may_fail(n))).collect();
    let urgent = if ir.writes.is_empty() { vec![false; groups.len()] } else { flow.with_needs(fails.clone(), owners) };
    // None is the best for all programs: of equals the first is taken, in which the program was written.
    let (mut steps, mut peak) = run(&flow, &urgent, Taste { bytes: false, then: Then::Built });
    let soon = flow.soon(&steps, owners);
    let least = flow.least();
    for (bytes, then) in [(true, Then::Soonest(&soon)), (true, Then::Newest), (true, Then::Built), (false, Then::Newest)] {
        // No order needs less than its largest step.
        if peak <= least {
            break;
        }
        let other = run(&flow, &urgent, Taste { bytes, then });
        if other.1 < peak {
            (steps, peak) = other;
        }
    }
    if steps.len() < groups.len() {
        let missing = (0..groups.len()).find(|d| !steps.contains(d)).unwrap_or(0);
        let nodes: Vec<String> = groups[missing].nodes.iter().map(|&n| describe(ir, n)).collect();
        return Err(Error::engine("plan", "a step waits for itself", nodes.join("; "), "inputs before their users"));
    }
    let fallible = steps.iter().rposition(|&d| fails[d]).map_or(0, |i| i + 1);
    Ok(Schedule { steps, fallible })
}
