//! Products of operands whose axes have indices, as graph: products of matrices over views, and multiplications and sums where
//! there is no matrix.

use smallvec::SmallVec;

use super::axes::matched;
use super::parse::{Label, Labels};
use super::path::{Lengths, Set, path, set};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::graph::Tensor;
use crate::ops::apply::cast;
use crate::ops::arithmetic::mul;
use crate::ops::compare::logical_and;
use crate::ops::contract::batch_matmul;
use crate::ops::diagonals::diagonal;
use crate::ops::movement::{expand_dims, merge_axes, split_axis, squeeze, transpose};
use crate::ops::reduce::reduce_sum;
use crate::shape::Dim;

/// A tensor with an index for each axis.
#[derive(Clone)]
pub(in crate::ops) struct Indexed<'g> {
    pub x: Tensor<'g>,
    pub labels: Labels,
}

impl<'g> Indexed<'g> {
    /// A tensor with its indices.
    pub fn new(x: Tensor<'g>, labels: impl IntoIterator<Item = Label>) -> Indexed<'g> {
        Indexed { x, labels: labels.into_iter().collect() }
    }

    fn set(&self) -> Set {
        set(&self.labels)
    }

    fn axis(&self, label: Label) -> Option<usize> {
        self.labels.iter().position(|l| *l == label)
    }

    /// The indices of a set, in their order here.
    fn among(&self, wanted: Set) -> Labels {
        self.labels.iter().copied().filter(|&l| holds(wanted, l)).collect()
    }

    /// The diagonal where an index occurs more than once, as the last axis; both lengths must be equal.
    fn diagonals(mut self) -> Self {
        let twice = |labels: &[Label]| {
            let again = |(j, l): (usize, &Label)| labels.iter().take(j).position(|k| k == l).map(|i| (i, j));
            labels.iter().enumerate().find_map(again)
        };
        while let Some((i, j)) = twice(&self.labels) {
            let x = matched(self.x, i, self.x, j, false);
            self.x = diagonal(matched(x, j, x, i, false), 0, i, j);
            let label = self.labels.remove(j);
            self.labels.remove(i);
            self.labels.push(label);
        }
        self
    }

    /// Without the axes that are known to have length 1: what meets them is as if repeated.
    fn without_ones(mut self) -> Self {
        let one = |i: usize| self.x.dims().get(i) == Some(&Dim::Known(1));
        let ones: Vec<i64> = (0..self.labels.len()).filter(|&i| one(i)).map(|i| i as i64).collect();
        if !ones.is_empty() {
            self.labels = self.labels.iter().copied().enumerate().filter(|(i, _)| !one(*i)).map(|(_, l)| l).collect();
            self.x = squeeze(self.x, ones);
        }
        self
    }

    /// The sum over some indices, in the dtype of the elements: bools give "any".
    fn summed(self, over: Set) -> Self {
        let axes: Vec<i64> = self.labels.iter().enumerate().filter(|(_, l)| holds(over, **l)).map(|(i, _)| i as i64).collect();
        if axes.is_empty() {
            return self;
        }
        let labels = self.among(!over);
        Indexed { x: cast(reduce_sum(self.x, axes, false), self.x.dtype()), labels }
    }

    /// The tensor with its axes in the order of `order`, and axes of length 1 for indices that it has not, except in front.
    fn aligned(&self, order: &[Label]) -> Tensor<'g> {
        let places: SmallVec<[i64; 8]> = order.iter().filter_map(|&l| self.axis(l)).map(|i| i as i64).collect();
        let x = if places.iter().copied().eq(0..places.len() as i64) { self.x } else { transpose(self.x, places.to_vec()) };
        let new: Vec<i64> = order
            .iter()
            .skip_while(|l| self.axis(**l).is_none())
            .enumerate()
            .filter(|(_, l)| self.axis(**l).is_none())
            .map(|(i, _)| i as i64)
            .collect();
        if new.is_empty() { x } else { expand_dims(x, new) }
    }

    /// The tensor with exactly the axes of `out`; indices that it has not have length 1.
    fn finished(&self, out: &[Label]) -> Tensor<'g> {
        let x = self.aligned(out);
        let missing = out.len().saturating_sub(x.ndim());
        if missing == 0 { x } else { expand_dims(x, (0..missing as i64).collect::<Vec<_>>()) }
    }
}

fn holds(set: Set, label: Label) -> bool {
    set >> label & 1 == 1
}

/// `a * b`; of bools, `a & b`.
pub(in crate::ops) fn product<'g>(a: Tensor<'g>, b: Tensor<'g>) -> Tensor<'g> {
    if a.dtype() == DType::Bool { logical_and(a, b) } else { mul(a, b) }
}

/// The sum of the products of the operands over all indices that are not in `out`. Each index has one length, or 1, in all of
/// them, as far as lengths are known.
pub(in crate::ops) fn contract<'g>(operands: Vec<Indexed<'g>>, out: &[Label]) -> Result<Tensor<'g>> {
    let mut values: Vec<Option<Indexed<'g>>> = operands.into_iter().map(|t| Some(t.diagonals().without_ones())).collect();
    let mut lengths = Lengths::new();
    // The indices that one operand has, and those that more have.
    let (mut once, mut more): (Set, Set) = (0, 0);
    for t in values.iter().flatten() {
        more |= once & t.set();
        once |= t.set();
        let known = t.labels.iter().zip(t.x.dims()).filter_map(|(&l, d)| Some((l, d.known()?)));
        known.for_each(|(l, n)| lengths.set(l, n));
    }
    let kept = more | set(out);
    values.iter_mut().for_each(|t| *t = t.take().map(|t| t.summed(!kept)));
    let sets: Vec<Set> = values.iter().flatten().map(Indexed::set).collect();
    let steps = path(&sets, set(out), &lengths);
    let mut left = steps.len();
    for step in steps {
        left -= 1;
        let (a, b) = (taken(&mut values, step.a)?, taken(&mut values, step.b)?);
        let made = pair(&a, &b, step.kept, (left == 0).then_some(out), &lengths);
        if let Some(e) = made.x.error() {
            return Err(e);
        }
        values.push(Some(made));
    }
    let last = values.len().saturating_sub(1);
    Ok(taken(&mut values, last)?.finished(out))
}

/// A value that goes into a product: it is in no other one.
fn taken<'g>(values: &mut [Option<Indexed<'g>>], i: usize) -> Result<Indexed<'g>> {
    let value = values.get_mut(i).and_then(Option::take);
    value.ok_or_else(|| Error::engine("einsum", "the products do not hold together", i, "a value that no product has taken"))
}

/// The sum of the products of two values over the indices that are not kept. In the order of `wanted`, if that costs nothing.
fn pair<'g>(a: &Indexed<'g>, b: &Indexed<'g>, kept: Set, wanted: Option<&[Label]>, lengths: &Lengths) -> Indexed<'g> {
    let (common, all) = (a.set() & b.set(), a.set() | b.set());
    let inner = common & !kept;
    if inner != 0 && common != all {
        return matrices(a, b, inner, wanted, lengths);
    }
    // No matrix: the larger operand is read in its own order where the product is summed.
    let (first, second) = if lengths.size(b.set()) > lengths.size(a.set()) { (b, a) } else { (a, b) };
    let order: Labels = match wanted.filter(|_| inner == 0) {
        Some(out) => out.iter().copied().filter(|&l| holds(all, l)).collect(),
        None => first.labels.iter().chain(&second.among(!first.set())).copied().collect(),
    };
    Indexed::new(product(a.aligned(&order), b.aligned(&order)), order).summed(inner)
}

/// A way to write a product of two values as a product of matrices: `x` is `(lead, rows, inner)`, `y` is `(lead, inner, columns)`.
struct Layout<'a, 'g> {
    x: &'a Indexed<'g>,
    y: &'a Indexed<'g>,
    lead: Labels,
    rows: Labels,
    inner: Labels,
    columns: Labels,
}

impl<'a, 'g> Layout<'a, 'g> {
    /// The ways to write a product of `x` and `y` over `inner`.
    fn all(x: &'a Indexed<'g>, y: &'a Indexed<'g>, inner: Set, wanted: Option<&[Label]>) -> Vec<Layout<'a, 'g>> {
        let batch = x.set() & y.set() & !inner;
        let (rows, columns) = (x.among(!batch & !inner), y.among(!batch & !inner));
        let mut groups = vec![(x.among(batch), rows.clone(), columns.clone())];
        if let Some(out) = wanted {
            let out: Labels = out.iter().copied().filter(|&l| holds(x.set() | y.set(), l)).collect();
            let among = |s: Set| out.iter().copied().filter(|&l| holds(s, l)).collect::<Labels>();
            groups.push((among(batch), among(set(&rows)), among(set(&columns))));
            // The longest end of the result that is rows, then columns; what stands in front goes over the batch, and an
            // operand that has not all of it is repeated.
            let columns_from = out.iter().rposition(|&l| !holds(set(&columns), l)).map_or(0, |i| i + 1);
            let head = out.get(..columns_from).unwrap_or_default();
            let rows_from = head.iter().rposition(|&l| !holds(set(&rows), l)).map_or(0, |i| i + 1);
            let part = |from: usize, to: usize| Labels::from_slice(out.get(from..to).unwrap_or_default());
            groups.push((part(0, rows_from), part(rows_from, columns_from), part(columns_from, out.len())));
        }
        let inners = [x.among(inner), y.among(inner)];
        groups
            .into_iter()
            .flat_map(|(lead, rows, columns)| {
                inners.clone().map(|inner| Layout { x, y, lead: lead.clone(), rows: rows.clone(), inner, columns: columns.clone() })
            })
            .collect()
    }

    /// The indices of the result, in its order.
    fn result(&self) -> Labels {
        self.lead.iter().chain(&self.rows).chain(&self.columns).copied().collect()
    }

    /// Elements that are moved beside the product itself.
    fn cost(&self, wanted: Option<&[Label]>, lengths: &Lengths) -> f64 {
        // Axes are joined by strides where they stand side by side, in order.
        let joins = |t: &Indexed<'g>, group: &[Label]| t.labels.windows(group.len().max(1)).any(|w| w == group) || group.is_empty();
        let copied = |t: &Indexed<'g>, outer: &[Label]| {
            if joins(t, outer) && joins(t, &self.inner) { 0.0 } else { lengths.size(t.set()) }
        };
        // The gradient of an operand that is repeated has all repetitions, and is summed.
        let repeated = |t: &Indexed<'g>| {
            let more = set(&self.lead) & !t.set();
            if more == 0 { 0.0 } else { lengths.size(more | t.set()) }
        };
        let result = self.result();
        let moved = match wanted {
            Some(out) if out.iter().filter(|&&l| holds(set(&result), l)).ne(&result) => lengths.size(set(&result)),
            _ => 0.0,
        };
        copied(self.x, &self.rows) + copied(self.y, &self.columns) + repeated(self.x) + repeated(self.y) + moved
    }

    /// The product.
    fn build(&self) -> Indexed<'g> {
        let (mut x, mut y) = (self.x.clone(), self.y.clone());
        for &label in &self.inner {
            if let (Some(i), Some(j)) = (x.axis(label), y.axis(label)) {
                let own = x.x;
                x.x = matched(x.x, i, y.x, j, true);
                y.x = matched(y.x, j, own, i, true);
            }
        }
        let order = |a: &[Label], b: &[Label]| self.lead.iter().chain(a).chain(b).copied().collect::<Labels>();
        let left = x.aligned(&order(&self.rows, &self.inner));
        let right = y.aligned(&order(&self.inner, &self.columns));
        let (rows, columns) = (self.rows.len(), self.columns.len());
        let product = batch_matmul(joined(left, rows, self.inner.len()), joined(right, self.inner.len(), columns));
        let labels = self.result();
        Indexed { x: taken_apart(product, (left, rows, self.inner.len()), (right, columns)), labels }
    }
}

/// A product over `inner` as one of matrices, laid out so that least is copied.
fn matrices<'g>(a: &Indexed<'g>, b: &Indexed<'g>, inner: Set, wanted: Option<&[Label]>, lengths: &Lengths) -> Indexed<'g> {
    let ways = Layout::all(a, b, inner, wanted).into_iter().chain(Layout::all(b, a, inner, wanted));
    let costs = ways.map(|w| (w.cost(wanted, lengths), w));
    match costs.reduce(|best, w| if w.0 < best.0 { w } else { best }) {
        Some((_, way)) => way.build(),
        None => a.clone(),
    }
}

/// `x` with its last `b` axes joined into one, and the `a` before them: matrices.
fn joined(x: Tensor<'_>, a: usize, b: usize) -> Tensor<'_> {
    let lead = x.ndim().saturating_sub(a + b);
    let one = |x, at: usize, n: usize| match n {
        0 => expand_dims(x, at),
        1 => x,
        n => merge_axes(x, at, n),
    };
    one(one(x, lead + a, b), lead, a)
}

/// A product of matrices with its rows taken apart into the `rows` axes of `left` that stand before the last `inner`, and its
/// columns into the last `columns` axes of `right`.
fn taken_apart<'g>(y: Tensor<'g>, (left, rows, inner): (Tensor<'g>, usize, usize), (right, columns): (Tensor<'g>, usize)) -> Tensor<'g> {
    // The axis is the last but so many.
    let one = |y: Tensor<'g>, behind: usize, like: Tensor<'g>, first: usize, n: usize| match n {
        0 => squeeze(y, -1 - behind as i64),
        1 => y,
        n => split_axis(y, y.ndim().saturating_sub(1 + behind), like, first, n),
    };
    let y = one(y, 0, right, right.ndim().saturating_sub(columns), columns);
    one(y, columns, left, left.ndim().saturating_sub(inner + rows), rows)
}
