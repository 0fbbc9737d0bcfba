//! The order in which operands are multiplied, two at a time.

use super::parse::{LABELS, Label};

/// A set of indices.
pub(in crate::ops) type Set = u128;

/// The set of some indices.
pub(in crate::ops) fn set(labels: &[Label]) -> Set {
    labels.iter().fold(0, |s, &l| s | 1 << l)
}

/// What a length counts that only a feed decides.
const UNKNOWN: f64 = 100.0;

/// The lengths of the indices, as far as they are known.
pub(in crate::ops) struct Lengths([f64; LABELS]);

impl Lengths {
    /// No length is known.
    pub fn new() -> Lengths {
        Lengths([UNKNOWN; LABELS])
    }

    /// Sets the length of an index.
    pub fn set(&mut self, label: Label, n: usize) {
        if let Some(slot) = self.0.get_mut(usize::from(label)) {
            *slot = n as f64;
        }
    }

    /// Number of elements of an array with these indices.
    pub fn size(&self, mut set: Set) -> f64 {
        let mut n = 1.0;
        while set != 0 {
            n *= self.0.get(set.trailing_zeros() as usize).copied().unwrap_or(UNKNOWN);
            set &= set - 1;
        }
        n
    }

    /// The work of a product: elements moved, and multiplications, of which a product of matrices does some in the time of moving
    /// one.
    fn work(&self, moved: f64, both: Set) -> f64 {
        const RATE: f64 = 16.0;
        moved + self.size(both) / RATE
    }
}

/// Operands of which all orders are tried.
const ALL: usize = 8;

/// Of more operands, the first so many are looked at for the next product: as many as a network can have that 52 letters
/// name, and a bound on the time for thousands.
const WINDOW: usize = 64;

/// A product of two values, which makes the next one after the operands and the products before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Step {
    pub a: usize,
    pub b: usize,
    /// The indices that the product keeps.
    pub kept: Set,
}

/// The products of operands with these indices, of which `out` stay. What one operand alone has, and `out` has not, was summed.
pub(super) fn path(operands: &[Set], out: Set, lengths: &Lengths) -> Vec<Step> {
    if operands.len() <= ALL { exhaustive(operands, out, lengths) } else { greedy(operands, out, lengths) }
}

/// What is known of a subset of the operands.
#[derive(Clone, Copy)]
struct Subset {
    /// The indices that its product keeps.
    kept: Set,
    size: f64,
    /// The least work that makes it.
    cost: f64,
    /// The part of it that holds its first operand, in the last of these products.
    part: usize,
}

/// The cheapest order: each subset of the operands is made from two parts in the best way.
fn exhaustive(operands: &[Set], out: Set, lengths: &Lengths) -> Vec<Step> {
    let n = operands.len();
    let all = (1usize << n) - 1;
    let union = |s: usize| operands.iter().enumerate().filter(|(i, _)| s >> i & 1 == 1).fold(0, |u, (_, set)| u | set);
    let subset = |s: usize| {
        let kept = union(s) & (out | union(all & !s));
        Subset { kept, size: lengths.size(kept), cost: if s.is_power_of_two() { 0.0 } else { f64::INFINITY }, part: s & s.wrapping_neg() }
    };
    let mut subsets: Vec<Subset> = (0..=all).map(subset).collect();
    for s in 1..=all {
        let mut part = (s - 1) & s;
        while part != 0 {
            // Each pair of parts once; of equal costs the one that goes from left to right.
            if part & s & s.wrapping_neg() != 0
                && let (Some(a), Some(b), Some(whole)) = (subsets.get(part), subsets.get(s & !part), subsets.get(s))
            {
                let cost = a.cost + b.cost + lengths.work(a.size + b.size + whole.size, a.kept | b.kept);
                if cost < whole.cost
                    && let Some(whole) = subsets.get_mut(s)
                {
                    *whole = Subset { cost, part, ..*whole };
                }
            }
            part = (part - 1) & s;
        }
    }
    let mut steps = vec![];
    if n > 1 {
        made(all, n, &subsets, &mut steps);
    }
    steps
}

/// Adds the products that make a subset, and gives its value.
fn made(s: usize, n: usize, subsets: &[Subset], steps: &mut Vec<Step>) -> usize {
    let Some(subset) = subsets.get(s).filter(|_| !s.is_power_of_two()) else {
        return s.trailing_zeros() as usize;
    };
    let a = made(subset.part, n, subsets, steps);
    let b = made(s & !subset.part, n, subsets, steps);
    steps.push(Step { a, b, kept: subset.kept });
    n + steps.len() - 1
}

/// One after the other the product that adds least to the memory.
fn greedy(operands: &[Set], out: Set, lengths: &Lengths) -> Vec<Step> {
    // In how many values an index occurs.
    let mut holders = [0usize; LABELS];
    let mut count = |set: Set, by: isize| {
        for (i, n) in holders.iter_mut().enumerate() {
            if set >> i & 1 == 1 {
                *n = n.saturating_add_signed(by);
            }
        }
        // What a product of two values that hold an index leaves of it: nothing if no other holds it.
        holders.iter().enumerate().fold(0, |s: Set, (i, n)| if *n > 2 { s | 1 << i } else { s })
    };
    let mut more = operands.iter().fold(0, |_, &set| count(set, 1));
    // What goes out of a product of two never changes while both are there: others that hold an index leave one that does.
    let result = |a: Set, b: Set, more: Set| (a | b) & (out | more | (a ^ b));
    let score = |a: Set, b: Set, more: Set| lengths.size(result(a, b, more)) - lengths.size(a) - lengths.size(b);
    let mut waiting = operands.iter().copied().enumerate();
    let mut live: Vec<(usize, Set)> = vec![];
    let mut pairs: Vec<(f64, usize, usize)> = vec![];
    let mut steps = vec![];
    let mut next = waiting.next();
    loop {
        while let Some((id, set)) = next.filter(|_| live.len() < WINDOW) {
            pairs.extend(live.iter().map(|&(other, x)| (score(x, set, more), other, id)));
            live.push((id, set));
            next = waiting.next();
        }
        let cheapest = pairs.iter().copied().reduce(|a, b| if b.0 < a.0 { b } else { a });
        let Some((_, i, j)) = cheapest else { return steps };
        let of = |k: usize| live.iter().find(|(id, _)| *id == k).map_or(0, |(_, set)| *set);
        let (a, b) = (of(i), of(j));
        let (made, id) = (result(a, b, more), operands.len() + steps.len());
        steps.push(Step { a: i, b: j, kept: made });
        live.retain(|(k, _)| *k != i && *k != j);
        pairs.retain(|&(_, x, y)| [x, y].iter().all(|k| *k != i && *k != j));
        count(a, -1);
        count(b, -1);
        more = count(made, 1);
        pairs.extend(live.iter().map(|&(other, x)| (score(x, made, more), other, id)));
        live.push((id, made));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::movement::model::Rng;

    fn lengths(list: &[usize]) -> Lengths {
        let mut out = Lengths::new();
        list.iter().enumerate().for_each(|(i, &n)| out.set(i as Label, n));
        out
    }

    fn product(lengths: &Lengths, a: Set, b: Set, made: Set) -> f64 {
        lengths.work(lengths.size(a) + lengths.size(b) + lengths.size(made), a | b)
    }

    fn pairs(steps: &[Step]) -> Vec<(usize, usize)> {
        steps.iter().map(|s| (s.a, s.b)).collect()
    }

    /// The work of an order.
    fn total(operands: &[Set], out: Set, lengths: &Lengths, steps: &[Step]) -> f64 {
        let mut values: Vec<Option<Set>> = operands.iter().copied().map(Some).collect();
        let mut work = 0.0;
        for step in steps {
            let (a, b) = (values[step.a].take().unwrap(), values[step.b].take().unwrap());
            let made = (a | b) & values.iter().flatten().fold(out, |s, x| s | x);
            assert_eq!(step.kept, made);
            work += product(lengths, a, b, made);
            values.push(Some(made));
        }
        assert_eq!(values.iter().flatten().count(), 1);
        assert_eq!(values.into_iter().flatten().next().unwrap() & !out, 0);
        work
    }

    /// The least work over all orders.
    fn least(values: &[Set], out: Set, lengths: &Lengths) -> f64 {
        let mut best = if values.len() == 1 { 0.0 } else { f64::INFINITY };
        for i in 0..values.len() {
            for j in 0..i {
                let mut rest: Vec<Set> = values.to_vec();
                let (a, b) = (rest.remove(i), rest.remove(j));
                let made = (a | b) & rest.iter().fold(out, |s, x| s | x);
                rest.push(made);
                best = best.min(product(lengths, a, b, made) + least(&rest, out, lengths));
            }
        }
        best
    }

    #[test]
    fn a_chain_is_multiplied_from_its_thin_end() {
        // ij,jk,k: the vector first, whatever the order of the operands.
        let n = lengths(&[50, 50, 50]);
        assert_eq!(pairs(&path(&[0b011, 0b110, 0b100], 0b001, &n)), [(1, 2), (0, 3)]);
        // Equal costs: from left to right.
        assert_eq!(pairs(&path(&[0b0011, 0b0110, 0b1100], 0b1001, &lengths(&[9; 4]))), [(0, 1), (3, 2)]);
        assert!(path(&[0b1], 0b1, &n).is_empty());
    }

    #[test]
    fn all_orders_are_tried_for_a_few_operands() {
        let mut rng = Rng(3);
        for n in 2..=5 {
            for _ in 0..40 {
                let sizes: Vec<usize> = (0..8).map(|_| 1 + rng.below(20)).collect();
                let lengths = lengths(&sizes);
                let mut operands: Vec<Set> = (0..n).map(|_| (rng.next() & 0xff) as Set).collect();
                let out = (rng.next() & 0xff) as Set & operands.iter().fold(0, |u, x| u | x);
                // What one operand alone has and the result has not is summed before.
                let several: Vec<Set> = (0..n).map(|i| (0..n).filter(|j| *j != i).fold(out, |u, j| u | operands[j])).collect();
                operands.iter_mut().zip(several).for_each(|(x, s)| *x &= s);
                let found = total(&operands, out, &lengths, &path(&operands, out, &lengths));
                let expected = least(&operands, out, &lengths);
                assert!((found - expected).abs() <= 1e-9 * expected, "{operands:?} {out:b} {found} {expected}");
                // The greedy order is one too.
                total(&operands, out, &lengths, &greedy(&operands, out, &lengths));
            }
        }
    }

    #[test]
    fn thousands_of_operands_have_an_order() {
        let mut rng = Rng(4);
        let operands: Vec<Set> = (0..5000).map(|_| 1 << rng.below(52) | 1 << rng.below(52)).collect();
        let n = lengths(&[2; LABELS]);
        total(&operands, 0, &n, &path(&operands, 0, &n));
        // A chain of 40 matrices with ends of length 2: no value on the way is larger than a matrix.
        let operands: Vec<Set> = (0..40).map(|i| 0b11 << i).collect();
        let sizes: Vec<usize> = (0..LABELS).map(|i| if i % 40 == 0 { 2 } else { 30 }).collect();
        let n = lengths(&sizes);
        assert!(total(&operands, 1 | 1 << 40, &n, &path(&operands, 1 | 1 << 40, &n)) < 40.0 * (3.0 * 900.0 + 27000.0 / 16.0));
    }
}
