//! The order of the steps: inputs first, and of all steps that are ready the one that leaves the least in memory. So a value
//! is consumed soon after it is made, and independent branches run one after the other. Some orders are made by different
//! tastes, and the one that needs the least memory is taken.
//!
//! If variables are written, whatever may fail, and what it needs, comes before the rest; and a step that writes over a
//! variable comes after those that read its old value, where that can be.

use std::cell::OnceCell;
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
}

impl Flow {
    fn new(ir: &Ir, accesses: &Accesses, groups: &[Group], owners: &[u32]) -> Flow {
        let (n, nodes) = (groups.len(), ir.nodes.len());
        // The last group that was noted as a user of a node.
        let mut noted = vec![NO_GROUP; nodes];
        let lists = |n: usize| vec![vec![]; n];
        let last = groups.iter().map(|g| g.nodes.last().copied().unwrap_or(0)).collect();
        let mut flow = Flow { needs: lists(n), users: lists(nodes), makes: lists(n), bytes: vec![0; nodes], readers: lists(n), last };
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

    /// Bytes of what the largest of some steps reads and makes for others.
    fn least(&self, groups: &[usize]) -> usize {
        let bytes = |nodes: &[u32]| nodes.iter().map(|&node| self.bytes[node as usize]).sum::<usize>();
        groups.iter().map(|&d| bytes(&self.needs[d]) + bytes(&self.makes[d])).max().unwrap_or(0)
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
type Rank = (bool, isize, u32, u32);

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
    /// Groups that have not run and read a node's values.
    left: Vec<u32>,
    /// Old values of variables that must still be read before a group writes over them.
    unread: Vec<u32>,
    /// The writers that wait for a group to read old values.
    writers: Vec<Vec<u32>>,
    /// Nodes that a group still waits for.
    waiting: Vec<u32>,
    done: Vec<bool>,
    /// How many steps had run when a step became ready.
    since: Vec<u32>,
    /// Bytes in memory.
    live: usize,
    taste: Taste<'a>,
    heap: BinaryHeap<Reverse<(Rank, usize)>>,
}

impl<'a> Ready<'a> {
    fn new(flow: &'a Flow, taste: Taste<'a>) -> Ready<'a> {
        let n = flow.needs.len();
        let unread: Vec<u32> = flow.readers.iter().map(|r| r.len() as u32).collect();
        let mut writers: Vec<Vec<u32>> = vec![vec![]; if unread.iter().any(|&u| u > 0) { n } else { 0 }];
        for (w, readers) in flow.readers.iter().enumerate() {
            readers.iter().for_each(|&r| writers[r as usize].push(w as u32));
        }
        let left = flow.users.iter().map(|u| u.len() as u32).collect();
        let waiting = flow.needs.iter().map(|l| l.len() as u32).collect();
        let (done, since, heap) = (vec![false; n], vec![0; n], BinaryHeap::new());
        Ready { flow, left, unread, writers, waiting, done, since, live: 0, taste, heap }
    }

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
        (self.unread[d] > 0, change, then, flow.last[d])
    }

    fn push(&mut self, d: usize) {
        let rank = self.rank(d);
        self.heap.push(Reverse((rank, d)));
    }

    /// Runs the groups of a phase by rank, all of which `of` accepts; returns their order and the most bytes in memory at once.
    fn run(&mut self, phase: &[usize], taste: Taste<'a>, of: impl Fn(usize) -> bool) -> (Vec<usize>, usize) {
        self.taste = taste;
        self.heap.clear();
        for &d in phase {
            if self.waiting[d] == 0 {
                self.since[d] = 0;
                self.push(d);
            }
        }
        let mut steps = Vec::with_capacity(phase.len());
        let mut peak = self.live;
        while let Some(Reverse((rank, d))) = self.heap.pop() {
            // One that has become better since stands in the heap again.
            if self.done[d] || rank != self.rank(d) {
                continue;
            }
            peak = peak.max(self.take(d));
            steps.push(d);
            let flow = self.flow;
            // Its last user frees a value now.
            for &node in if taste.bytes { &flow.needs[d][..] } else { &[] } {
                if self.left[node as usize] == 1
                    && let Some(&u) = flow.users[node as usize].iter().find(|&&u| !self.done[u as usize])
                    && self.waiting[u as usize] == 0
                    && of(u as usize)
                {
                    self.push(u as usize);
                }
            }
            for k in 0..self.writers.get(d).map_or(0, Vec::len) {
                let w = self.writers[d][k] as usize;
                if self.waiting[w] == 0 && !self.done[w] && of(w) {
                    self.push(w);
                }
            }
            for &u in flow.makes[d].iter().flat_map(|&node| &flow.users[node as usize]) {
                let u = u as usize;
                if self.waiting[u] == 0 && of(u) {
                    self.since[u] = steps.len() as u32;
                    self.push(u);
                }
            }
        }
        (steps, peak)
    }

    /// Runs a group; returns the bytes in memory while it runs.
    fn take(&mut self, d: usize) -> usize {
        let flow = self.flow;
        self.done[d] = true;
        self.live += flow.makes[d].iter().map(|&node| flow.bytes[node as usize]).sum::<usize>();
        let most = self.live;
        for &node in &flow.needs[d] {
            self.left[node as usize] -= 1;
            self.live -= if self.left[node as usize] == 0 { flow.bytes[node as usize] } else { 0 };
        }
        for k in 0..self.writers.get(d).map_or(0, Vec::len) {
            self.unread[self.writers[d][k] as usize] -= 1;
        }
        let users = flow.makes[d].iter().flat_map(|&node| &flow.users[node as usize]);
        users.for_each(|&u| self.waiting[u as usize] -= 1);
        most
    }

    /// Undoes steps that have run last.
    fn back(&mut self, steps: &[usize], live: usize) {
        for &d in steps {
            self.done[d] = false;
            self.flow.needs[d].iter().for_each(|&node| self.left[node as usize] += 1);
            for k in 0..self.writers.get(d).map_or(0, Vec::len) {
                self.unread[self.writers[d][k] as usize] += 1;
            }
            let users = self.flow.makes[d].iter().flat_map(|&node| &self.flow.users[node as usize]);
            users.for_each(|&u| self.waiting[u as usize] += 1);
        }
        self.live = live;
    }
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
    // What is urgent comes before the rest, and of each the segments one after the other: whatever the order within such a
    // phase, the next one begins with the same values in memory.
    let key = |d: usize| (!urgent[d], ir.nodes[groups[d].nodes[0] as usize].segment);
    let mut all: Vec<usize> = (0..groups.len()).collect();
    all.sort_by_key(|&d| key(d));
    let built = Taste { bytes: false, then: Then::Built };
    let soon = OnceCell::new();
    let read = || flow.soon(&Ready::new(&flow, built).run(&all, built, |_| true).0, owners);
    let mut ready = Ready::new(&flow, built);
    let mut steps: Vec<usize> = Vec::with_capacity(groups.len());
    for phase in all.chunk_by(|&a, &b| key(a) == key(b)) {
        let here = |d: usize| key(d) == key(phase[0]);
        let live = ready.live;
        let least = flow.least(phase).max(live);
        // None is the best for all programs: of equals the first is taken, in which the program was written.
        let mut best = ready.run(phase, built, here);
        // No order needs less than its largest step.
        let soonest = (best.1 > least).then(|| (true, Then::Soonest(soon.get_or_init(read))));
        for (bytes, then) in soonest.into_iter().chain([(true, Then::Newest), (true, Then::Built), (false, Then::Newest)]) {
            if best.1 <= least {
                break;
            }
            ready.back(&best.0, live);
            let other = ready.run(phase, Taste { bytes, then }, here);
            if other.1 < best.1 {
                best = other;
                continue;
            }
            ready.back(&other.0, live);
            best.0.iter().for_each(|&d| _ = ready.take(d));
        }
        steps.extend(best.0);
    }
    if steps.len() < groups.len() {
        let missing = (0..groups.len()).find(|d| !steps.contains(d)).unwrap_or(0);
        let nodes: Vec<String> = groups[missing].nodes.iter().map(|&n| describe(ir, n)).collect();
        return Err(Error::engine("plan", "a step waits for itself", nodes.join("; "), "inputs before their users"));
    }
    let fallible = steps.iter().rposition(|&d| fails[d]).map_or(0, |i| i + 1);
    Ok(Schedule { steps, fallible })
}
