//! Choices to look at: a program cut into segments, whose inner values are computed again, and the same with what is cheap
//! computed again everywhere.

use crate::graph::policy::{Candidate, crossings};

/// Places at which a program may be cut, at most.
const PLACES: usize = 64;
/// Ways to a place that are followed, at most.
const WAYS: usize = 12;

/// What lies between the places where a program may be cut.
pub struct Cuts<'a> {
    values: &'a [Candidate],
    /// Behind which candidates it may be cut.
    places: Vec<usize>,
    /// Bytes that gradients read, before each candidate.
    read: Vec<usize>,
    /// Arithmetic, before each candidate.
    flops: Vec<f64>,
    /// By two places: bytes made between them that go on behind the second, and their arithmetic.
    new: Vec<Vec<(usize, f64)>>,
}

/// A way to a place: what is kept up to there, what is computed again, and from which way to which place it comes.
#[derive(Clone, Copy)]
struct Way {
    bytes: usize,
    flops: f64,
    from: (usize, usize),
}

impl<'a> Cuts<'a> {
    /// The thinnest places of a program.
    pub fn new(values: &'a [Candidate]) -> Cuts<'a> {
        let bytes = crossings(values);
        let mut places: Vec<usize> = (0..values.len()).filter(|&i| bytes[i] > 0).collect();
        if places.len() > PLACES {
            // The thinnest of each stretch of about the same work.
            let mut work = 0.0;
            let total: f64 = values.iter().map(|v| v.flops).sum::<f64>().max(f64::MIN_POSITIVE);
            let stretch: Vec<usize> = values
                .iter()
                .map(|v| {
                    work += v.flops;
                    ((work / total * PLACES as f64) as usize).min(PLACES - 1)
                })
                .collect();
            places = places
                .chunk_by(|&a, &b| stretch[a] == stretch[b])
                .filter_map(|c| c.iter().rev().min_by_key(|&&i| bytes[i]))
                .copied()
                .collect();
        }
        let mut cuts = Cuts { values, places, read: vec![0], flops: vec![0.0], new: vec![] };
        for v in values {
            cuts.read.push(cuts.read[cuts.read.len() - 1] + if v.read { v.bytes } else { 0 });
            cuts.flops.push(cuts.flops[cuts.flops.len() - 1] + v.flops);
        }
        let starts: Vec<usize> = std::iter::once(0).chain(cuts.places.iter().map(|p| p + 1)).collect();
        for &from in &starts {
            let row = cuts.places.iter().map(|&p| {
                let on = values.iter().enumerate().take(p + 1).skip(from).filter(|(_, v)| v.until > p);
                on.fold((0, 0.0), |(b, f), (_, v)| (b + v.bytes, f + v.flops))
            });
            cuts.new.push(row.collect());
        }
        cuts
    }

    /// The cuts with the least to compute again of those that keep, together with what gradients of one segment read, at most so
    /// many bytes. Source: the dynamic programs over chains of Gruslys and others, 2016, and Beaumont and others, 2019, with
    /// one computation more of each value at most.
    fn within(&self, limit: usize) -> Option<Vec<usize>> {
        let n = self.places.len();
        let mut ways: Vec<Vec<Way>> = vec![vec![]; n + 1];
        ways[0].push(Way { bytes: 0, flops: 0.0, from: (0, 0) });
        let start = |k: usize| if k == 0 { 0 } else { self.places[k - 1] + 1 };
        for k in 0..=n {
            prune(&mut ways[k]);
            let (list, later) = ways.split_at_mut(k + 1);
            for (i, w) in list[k].iter().enumerate() {
                for j in k..n {
                    let to = self.places[j] + 1;
                    if w.bytes + self.read[to] - self.read[start(k)] > limit {
                        break;
                    }
                    let (bytes, flops) = self.new[k][j];
                    let again = (self.flops[to] - self.flops[start(k)] - flops).max(0.0);
                    later[j - k].push(Way { bytes: w.bytes + bytes, flops: w.flops + again, from: (k, i) });
                }
            }
        }
        let end = self.values.len();
        let all = ways.iter().enumerate().flat_map(|(k, list)| list.iter().map(move |w| (k, w)));
        let fit = all.filter(|(k, w)| w.bytes + self.read[end] - self.read[start(*k)] <= limit);
        let (mut k, mut way) = fit.min_by(|(_, a), (_, b)| a.flops.total_cmp(&b.flops)).map(|(k, w)| (k, *w))?;
        let mut places = vec![];
        while k > 0 {
            places.push(self.places[k - 1]);
            k = way.from.0;
            way = ways[k][way.from.1];
        }
        places.reverse();
        Some(places)
    }

    /// What is kept with these cuts: what goes on behind them, and what gradients read behind the last.
    pub fn keep(&self, places: &[usize]) -> Vec<bool> {
        let last = places.last().map_or(0, |&p| p + 1);
        let mut next = 0;
        let kept = |(i, v): (usize, &Candidate)| {
            while next < places.len() && places[next] < i {
                next += 1;
            }
            places.get(next).is_some_and(|&p| v.until > p) || (i >= last && v.read)
        };
        self.values.iter().enumerate().map(kept).collect()
    }

    /// Choices of falling memory: of `n` limits between all and the least.
    pub fn choices(&self, n: usize) -> Vec<Vec<bool>> {
        let most = self.read[self.values.len()];
        let (mut too_little, mut least) = (0, most);
        while least - too_little > most / 256 + 1 {
            let middle = usize::midpoint(too_little, least);
            match self.within(middle) {
                Some(_) => least = middle,
                None => too_little = middle,
            }
        }
        // Equal ratios: small limits are closer to one another.
        let ratio = (least.max(1) as f64 / most.max(1) as f64).powf(1.0 / n.max(1) as f64);
        let limit = |k: usize| if k == n { least } else { ((most as f64 * ratio.powi(k as i32)) as usize).max(least) };
        let mut out: Vec<Vec<bool>> = (1..=n).filter_map(|k| self.within(limit(k))).map(|places| self.keep(&places)).collect();
        out.dedup();
        out
    }
}

/// Leaves of the ways to a place those that no other is better than, and not too many.
fn prune(ways: &mut Vec<Way>) {
    ways.sort_by(|a, b| a.bytes.cmp(&b.bytes).then(a.flops.total_cmp(&b.flops)));
    let mut best = f64::INFINITY;
    ways.retain(|w| {
        let better = w.flops < best;
        best = best.min(w.flops);
        better
    });
    if ways.len() > WAYS {
        let step = (ways.len() - 1) as f64 / (WAYS - 1) as f64;
        *ways = (0..WAYS).map(|k| ways[(k as f64 * step).round() as usize]).collect();
    }
}
