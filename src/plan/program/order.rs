//! The order of a program's instructions: the fewer registers are alive at once, the more of them stay in the first cache.
//!
//! Any order in which operands come first gives the same values. Three are tried, and the one that needs the fewest
//! registers is taken; as the graph was built, if none needs fewer.

use rustc_hash::FxHashMap;

use super::build::{Emitted, Read};

/// With so few registers nothing is gained.
const FEW: usize = 4;

/// Puts the instructions in order.
pub fn order(nodes: &mut Vec<Emitted>, stored: &dyn Fn(u32) -> bool) {
    let flow = Flow::new(nodes, stored);
    let n = nodes.len();
    let built: Vec<usize> = (0..n).collect();
    let mut best = (flow.cost(&built), None);
    if best.0.0 <= FEW {
        return;
    }
    for other in [flow.backward(), flow.forward()] {
        let cost = flow.cost(&other);
        // An order that leaves an instruction out is none.
        if other.len() == n && cost < best.0 {
            best = (cost, Some(other));
        }
    }
    if let Some(order) = best.1 {
        let mut slots: Vec<Option<Emitted>> = nodes.drain(..).map(Some).collect();
        nodes.extend(order.into_iter().filter_map(|i| slots[i].take()));
    }
}

/// Who reads what, by place in the list.
struct Flow {
    operands: Vec<Vec<usize>>,
    users: Vec<Vec<usize>>,
    /// True for a value that is written to memory, and takes no register.
    stored: Vec<bool>,
}

impl Flow {
    fn new(nodes: &[Emitted], stored: &dyn Fn(u32) -> bool) -> Flow {
        let place: FxHashMap<u32, usize> = nodes.iter().enumerate().map(|(i, e)| (e.node, i)).collect();
        let mut flow = Flow { operands: vec![], users: vec![vec![]; nodes.len()], stored: nodes.iter().map(|e| stored(e.node)).collect() };
        for (i, e) in nodes.iter().enumerate() {
            let mut list: Vec<usize> = vec![];
            for o in &e.operands {
                // Values of earlier stages are there.
                if let Read::Value(v) = o
                    && let Some(&p) = place.get(v)
                    && !list.contains(&p)
                {
                    list.push(p);
                    flow.users[p].push(i);
                }
            }
            flow.operands.push(list);
        }
        flow
    }

    /// The most registers that are alive at once, and the sum over all instructions.
    fn cost(&self, order: &[usize]) -> (usize, usize) {
        let mut left: Vec<usize> = self.users.iter().map(Vec::len).collect();
        let (mut alive, mut most, mut sum) = (0, 0, 0);
        for &i in order {
            alive += usize::from(!self.stored[i]);
            most = most.max(alive);
            sum += alive;
            for &o in &self.operands[i] {
                left[o] -= 1;
                alive -= usize::from(left[o] == 0 && !self.stored[o]);
            }
            alive -= usize::from(left[i] == 0 && !self.stored[i]);
        }
        (most, sum)
    }

    /// From the first instruction on: next is what ends the most operands.
    fn forward(&self) -> Vec<usize> {
        let n = self.users.len();
        let mut left: Vec<usize> = self.users.iter().map(Vec::len).collect();
        let mut waiting: Vec<usize> = self.operands.iter().map(Vec::len).collect();
        let mut ready: Vec<usize> = (0..n).filter(|&i| waiting[i] == 0).collect();
        let mut order = Vec::with_capacity(n);
        while !ready.is_empty() {
            let score = |i: usize| {
                let ends = self.operands[i].iter().filter(|&&o| left[o] == 1 && !self.stored[o]).count() as isize;
                // Of equals, the one that goes on with the newest value.
                let newest = self.operands[i].iter().map(|o| order.iter().rposition(|p| p == o)).max().flatten();
                (ends - isize::from(!self.stored[i]), newest, std::cmp::Reverse(i))
            };
            let Some(k) = (0..ready.len()).max_by_key(|&k| score(ready[k])) else { break };
            let i = ready.swap_remove(k);
            order.push(i);
            self.operands[i].iter().for_each(|&o| left[o] -= 1);
            for &u in &self.users[i] {
                waiting[u] -= 1;
                if waiting[u] == 0 {
                    ready.push(u);
                }
            }
        }
        order
    }

    /// From the last instruction back: before it comes what brings the fewest new operands to life.
    fn backward(&self) -> Vec<usize> {
        let n = self.users.len();
        let mut waiting: Vec<usize> = self.users.iter().map(Vec::len).collect();
        let mut ready: Vec<usize> = (0..n).filter(|&i| waiting[i] == 0).collect();
        let mut alive = vec![false; n];
        let mut since = vec![0usize; n];
        let mut order = Vec::with_capacity(n);
        while !ready.is_empty() {
            let score = |i: usize| {
                let fresh = self.operands[i].iter().filter(|&&o| !alive[o] && !self.stored[o]).count() as isize;
                (isize::from(alive[i] && !self.stored[i]) - fresh, since[i], i)
            };
            let Some(k) = (0..ready.len()).max_by_key(|&k| score(ready[k])) else { break };
            let i = ready.swap_remove(k);
            order.push(i);
            for &o in &self.operands[i] {
                alive[o] = true;
                since[o] = order.len();
                waiting[o] -= 1;
                if waiting[o] == 0 {
                    ready.push(o);
                }
            }
        }
        order.reverse();
        order
    }
}
