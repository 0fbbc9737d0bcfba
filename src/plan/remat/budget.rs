//! Which values to keep within a number of bytes.
//!
//! The choices that are looked at do not depend on the number: each is laid out in memory, and of those that fit the one with
//! the least to compute again is taken. So less memory never takes less work, and what is promised are placed bytes. Of a few
//! values all choices are looked at; of more, cuts into segments, what is cheap for its bytes, both together, and single
//! changes of the best of these.

use std::sync::Arc;

use rustc_hash::FxHashSet;

use crate::error::Result;
use crate::graph::policy::Candidate;
use crate::plan::ir::Ir;
use crate::plan::remat::cuts::Cuts;
use crate::plan::remat::needs::{Needs, stays};
use crate::process::Shared;

/// Values of which all choices are looked at.
const FEW: usize = 10;
/// Nodes of a plan that is small enough for that.
const SMALL: usize = 1000;
/// Nodes of plans that are laid out for a request, about, and choices at least and at most.
const NODES: usize = 400_000;
const LEAST: usize = 24;
const MOST: usize = 1024;
/// Values up to which single changes are looked at.
const SINGLE: usize = 400;
/// Requests whose choices are remembered, and the bytes that these may take.
const REMEMBERED: usize = 16;
const BYTES: usize = 32 << 20;

/// A choice that was laid out.
#[derive(Clone)]
pub struct Point {
    /// Bytes of the peak.
    pub peak: usize,
    /// What is computed again.
    pub flops: f64,
    /// By node, whether gradients read its first copy.
    pub keep: Arc<[bool]>,
}

/// Choices of which none is better than another: of falling peak and growing work.
pub type Frontier = Arc<[Point]>;

/// The choices of requests, the last used last.
static FRONTIERS: Shared<Vec<(Box<[u64]>, Frontier)>> = Shared::new(Vec::new());

/// The choices of a request, looked for once.
pub fn remembered(key: &[u64], make: impl FnOnce() -> Result<Frontier>) -> Result<Frontier> {
    let known = FRONTIERS.with(|all| {
        let k = all.iter().position(|(own, _)| **own == *key)?;
        let found = all.remove(k);
        let frontier = found.1.clone();
        all.push(found);
        Some(frontier)
    });
    if let Some(frontier) = known {
        return Ok(frontier);
    }
    let frontier = make()?;
    let bytes =
        |(key, frontier): &(Box<[u64]>, Frontier)| size_of_val(&key[..]) + frontier.iter().map(|p| p.keep.len() + 64).sum::<usize>();
    let made = (key.into(), frontier.clone());
    FRONTIERS.with(|all| {
        while !all.is_empty() && (all.len() >= REMEMBERED || all.iter().map(bytes).sum::<usize>() + bytes(&made) > BYTES) {
            all.remove(0);
        }
        if bytes(&made) <= BYTES {
            all.push(made);
        }
    });
    Ok(frontier)
}

/// The peak of a choice, by node, and its arithmetic.
type Measure<'a> = dyn Fn(&[bool]) -> Result<(usize, f64)> + 'a;

/// Looks at choices.
struct Search<'a> {
    needs: &'a Needs,
    /// What is kept at most, by node.
    most: &'a [bool],
    measure: &'a Measure<'a>,
    left: usize,
    seen: FxHashSet<Box<[bool]>>,
    points: Vec<Point>,
}

/// The choices of a request. `most` is what may be kept, by node; `measure` gives the peak of a choice, and its work.
pub fn frontier(ir: &Ir, needs: &Needs, values: &[Candidate], most: &[bool], measure: &Measure<'_>) -> Result<Frontier> {
    let left = (NODES / ir.nodes.len().max(1)).clamp(LEAST, MOST);
    let mut s = Search { needs, most, measure, left, seen: FxHashSet::default(), points: vec![] };
    let free: Vec<usize> = (0..values.len()).filter(|&k| most[needs.candidates[k] as usize]).collect();
    let all: Vec<bool> = (0..values.len()).map(|k| values[k].read).collect();
    let read: Vec<usize> = free.iter().copied().filter(|&k| values[k].read).collect();
    s.look(ir, &all)?;
    let each = if free.len() <= FEW { &free } else { &read };
    if each.len() <= FEW && ir.nodes.len() <= SMALL {
        s.left = s.left.max(1 << each.len());
        for bits in 0..1usize << each.len() {
            let mut keep = vec![false; values.len()];
            each.iter().enumerate().for_each(|(j, &k)| keep[k] = bits >> j & 1 == 1);
            s.look(ir, &keep)?;
        }
        return Ok(s.best().into());
    }
    let order = by_price(needs, ir, values, &read);
    let total: usize = read.iter().map(|&k| values[k].bytes).sum();
    let cuts = Cuts::new(values).choices((s.left / 3).clamp(6, 40));
    let shares = (s.left / 4).clamp(3, 16);
    let cheap = (1..=shares).map(|share| without(&all, values, &order, total / shares * share));
    // Behind the last cut too what is cheapest for its bytes need not be kept.
    let both = cuts.iter().map(|keep| without(keep, values, &order, total / 4));
    for keep in cheap.chain(cuts.iter().cloned()).chain(both).chain([vec![false; values.len()]]) {
        s.look(ir, &keep)?;
    }
    if free.len() <= SINGLE {
        s.change(ir, &free)?;
    }
    Ok(s.best().into())
}

/// The read values, those first whose computation costs the least for the bytes that it saves.
fn by_price(needs: &Needs, ir: &Ir, values: &[Candidate], read: &[usize]) -> Vec<usize> {
    // Work to compute a value from read ones.
    let mut work = vec![0.0f64; values.len()];
    for k in 0..values.len() {
        let node = &ir.nodes[needs.candidates[k] as usize];
        let from = node.inputs.iter().filter_map(|r| {
            let place = needs.place[needs.root[r.node as usize] as usize] as usize;
            values.get(place).filter(|v| !v.read).map(|_| work[place])
        });
        work[k] = values[k].flops + from.sum::<f64>();
    }
    let mut order = read.to_vec();
    let price = |k: usize| work[k] / values[k].bytes.max(1) as f64;
    order.sort_by(|&a, &b| price(a).total_cmp(&price(b)).then(values[b].bytes.cmp(&values[a].bytes)));
    order
}

/// A choice without the first of an order, up to so many bytes.
fn without(keep: &[bool], values: &[Candidate], order: &[usize], bytes: usize) -> Vec<bool> {
    let mut keep = keep.to_vec();
    let mut sum = 0;
    for &k in order {
        if sum >= bytes {
            break;
        }
        sum += values[k].bytes;
        keep[k] = false;
    }
    keep
}

impl Search<'_> {
    /// Lays a choice out, by candidate.
    fn look(&mut self, ir: &Ir, keep: &[bool]) -> Result<()> {
        let mut nodes: Vec<bool> = ir.nodes.iter().map(stays).collect();
        for (&i, k) in self.needs.candidates.iter().zip(keep) {
            nodes[i as usize] |= *k && self.most[i as usize];
        }
        if self.left == 0 || !self.seen.insert(nodes.clone().into()) {
            return Ok(());
        }
        self.left -= 1;
        let (peak, flops) = (self.measure)(&nodes)?;
        self.points.push(Point { peak, flops, keep: nodes.into() });
        Ok(())
    }

    /// The points of which none is better than another, of falling peak.
    fn best(&self) -> Vec<Point> {
        let mut all = self.points.clone();
        all.sort_by(|a, b| a.flops.total_cmp(&b.flops).then(a.peak.cmp(&b.peak)));
        let mut least = usize::MAX;
        all.retain(|p| {
            let better = p.peak < least;
            least = least.min(p.peak);
            better
        });
        all
    }

    /// Changes of the best choices, as long as they make new ones: of single values, then of two, one kept for the other.
    fn change(&mut self, ir: &Ir, free: &[usize]) -> Result<()> {
        let mut done: FxHashSet<(bool, Arc<[bool]>)> = FxHashSet::default();
        while self.left > 0 {
            let mut best = self.best();
            // From both ends in turn.
            if done.len() % 2 == 1 {
                best.reverse();
            }
            let next = |two: bool| best.iter().find(|p| !done.contains(&(two, p.keep.clone()))).map(|p| (two, p.keep.clone()));
            let Some((two, from)) = next(false).or_else(|| next(true)) else { break };
            let keep: Vec<bool> = self.needs.candidates.iter().map(|&i| from[i as usize]).collect();
            done.insert((two, from));
            let turned = |which: &[usize]| {
                let mut other = keep.clone();
                which.iter().for_each(|&k| other[k] = !other[k]);
                other
            };
            let (on, off): (Vec<usize>, Vec<usize>) = free.iter().partition(|&&k| keep[k]);
            let others: Vec<Vec<bool>> = match two {
                false => free.iter().map(|&k| turned(&[k])).collect(),
                true => on.iter().flat_map(|&a| off.iter().map(move |&b| [a, b])).take(self.left).map(|pair| turned(&pair)).collect(),
            };
            for other in others {
                self.look(ir, &other)?;
            }
        }
        Ok(())
    }
}

/// The least arithmetic that any order of the steps computes again within so many bytes: of what is there when a value has been
/// computed, and that gradients which follow from it read, what does not fit is computed again, the cheapest for its bytes
/// first, and of the last a part.
pub fn bound(ir: &Ir, needs: &Needs, values: &[Candidate], budget: usize) -> f64 {
    let n = ir.nodes.len();
    let mut best = 0.0f64;
    // From the last read values on there is the most to keep.
    for &at in needs.candidates.iter().rev().filter(|&&i| needs.read[i as usize]).take(4) {
        let (mut before, mut behind) = (vec![false; n], vec![false; n]);
        before[at as usize] = true;
        behind[at as usize] = true;
        for i in (0..=at as usize).rev() {
            if before[i] {
                ir.nodes[i].inputs.iter().for_each(|r| before[r.node as usize] = true);
            }
        }
        let mut needed = vec![false; n];
        for i in at as usize + 1..n {
            let node = &ir.nodes[i];
            behind[i] = node.inputs.iter().any(|r| behind[r.node as usize]);
            if behind[i] && node.part.sweep > 0 {
                for r in &node.inputs {
                    let from = needs.root[r.node as usize];
                    needed[from as usize] |= ir.nodes[from as usize].part.sweep < node.part.sweep;
                }
            }
        }
        // What goes into a variable has memory that is not counted.
        ir.writes.iter().for_each(|(_, r)| needed[needs.root[r.node as usize] as usize] = false);
        let mut list: Vec<&Candidate> =
            needs.candidates.iter().zip(values).filter(|(i, _)| before[**i as usize] && needed[**i as usize]).map(|(_, v)| v).collect();
        let mut over = list.iter().map(|v| v.bytes).sum::<usize>().saturating_sub(budget) as f64;
        list.sort_by(|a, b| (a.flops / a.bytes.max(1) as f64).total_cmp(&(b.flops / b.bytes.max(1) as f64)));
        let mut sum = 0.0;
        for v in list {
            if over <= 0.0 {
                break;
            }
            let part = (over / v.bytes.max(1) as f64).min(1.0);
            sum += part * v.flops;
            over -= part * v.bytes as f64;
        }
        best = best.max(sum);
    }
    best
}
