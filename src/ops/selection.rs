//! A part of a tensor and the way to it, on which what is changed in the part goes back.

use smallvec::SmallVec;

use crate::graph::Tensor;
use crate::graph::attr::Slices;
use crate::ops::arithmetic::{add, maximum, minimum, mul};
use crate::ops::index::{add_at, along, take_at};
use crate::ops::movement::{expand_dims, merge_axes, transpose};
use crate::ops::rules::shaped_like;
use crate::ops::scatter::{extreme_at, multiplied, put_at};
use crate::ops::slice::{add_slices, put_slice, strided_slice, whole_slices};

/// A part, as steps from the whole.
pub(crate) struct Selection<'g> {
    /// The part.
    pub y: Tensor<'g>,
    /// What each step started from.
    steps: SmallVec<[(Tensor<'g>, Step<'g>); 4]>,
}

enum Step<'g> {
    /// A slice of each axis.
    Slice(Slices),
    /// The same elements in another order of the axes: the order that leads back.
    Transpose(Vec<i64>),
    /// The same elements in the same order.
    Shape,
    /// The elements at places of any shape along an axis.
    Take(Tensor<'g>, usize),
}

/// What becomes of the elements of a part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// The given ones; of several for one element the last.
    Set,
    /// The sum of all.
    Add,
    /// The product of all.
    Mul,
    /// The smallest.
    Min,
    /// The largest.
    Max,
}

impl<'g> Selection<'g> {
    /// All of a tensor.
    pub(crate) fn whole(x: Tensor<'g>) -> Selection<'g> {
        Selection { y: x, steps: SmallVec::new() }
    }

    fn step(&mut self, step: Step<'g>, y: Tensor<'g>) {
        self.steps.push((self.y, step));
        self.y = y;
    }

    /// The same elements, seen by `f` in the same order.
    pub(crate) fn shaped(&mut self, f: impl FnOnce(Tensor<'g>) -> Tensor<'g>) {
        let y = f(self.y);
        self.step(Step::Shape, y);
    }

    pub(crate) fn slice(&mut self, slices: Slices) {
        let y = strided_slice(self.y, slices.clone());
        self.step(Step::Slice(slices), y);
    }

    pub(crate) fn transpose(&mut self, order: Vec<i64>) {
        let mut back: Vec<i64> = (0..order.len() as i64).collect();
        back.sort_by_key(|&i| order.get(i as usize));
        let y = transpose(self.y, order);
        self.step(Step::Transpose(back), y);
    }

    /// The elements at places, whose axes stand in place of an axis.
    pub(crate) fn take(&mut self, places: Tensor<'g>, axis: usize) {
        let y = take_at(self.y, places, axis);
        self.step(Step::Take(places, axis), y);
    }

    /// The whole with the part changed by `values`, which have its shape and dtype.
    pub(crate) fn changed(&self, change: Change, values: Tensor<'g>) -> Tensor<'g> {
        back(&self.steps, self.y, change, values)
    }
}

/// What the first step started from, changed; `end` is where the last one leads.
fn back<'g>(steps: &[(Tensor<'g>, Step<'g>)], end: Tensor<'g>, change: Change, values: Tensor<'g>) -> Tensor<'g> {
    let Some(((x, step), rest)) = steps.split_first() else { return met(change, end, values) };
    match step {
        Step::Slice(slices) => {
            let all = whole_slices(slices, x.ndim());
            // What moves elements alone needs nothing of what was there.
            match (change, moved(rest, values)) {
                (Change::Add, Some(values)) => add_slices(&[*x, values], all),
                (Change::Set, Some(values)) => put_slice(*x, values, all),
                _ => put_slice(*x, back(rest, end, change, values), all),
            }
        }
        Step::Take(places, axis) => match moved(rest, values) {
            Some(values) => taken(*x, *places, *axis, change, values),
            // An array of indices is the last that chooses.
            None => *x,
        },
        Step::Transpose(order) => transpose(back(rest, end, change, values), order.clone()),
        Step::Shape => shaped_like(back(rest, end, change, values), *x),
    }
}

/// The values where the first of these steps started from, if none of them chooses elements.
fn moved<'g>(steps: &[(Tensor<'g>, Step<'g>)], values: Tensor<'g>) -> Option<Tensor<'g>> {
    steps.iter().rev().try_fold(values, |values, (x, step)| match step {
        Step::Transpose(order) => Some(transpose(values, order.clone())),
        Step::Shape => Some(shaped_like(values, *x)),
        Step::Slice(_) | Step::Take(..) => None,
    })
}

/// Elements that meet one by one.
fn met<'g>(change: Change, x: Tensor<'g>, values: Tensor<'g>) -> Tensor<'g> {
    match change {
        Change::Set => values,
        Change::Add => add(x, values),
        Change::Mul => mul(x, values),
        Change::Min => minimum(x, values),
        Change::Max => maximum(x, values),
    }
}

/// `x` changed at places along an axis by values that have the axes of the places there.
fn taken<'g>(x: Tensor<'g>, places: Tensor<'g>, axis: usize, change: Change, values: Tensor<'g>) -> Tensor<'g> {
    let values = match places.ndim() {
        0 => expand_dims(values, axis as i64),
        1 => values,
        n => merge_axes(values, axis, n),
    };
    let places = along(places, x, axis);
    match change {
        Change::Set => put_at(x, places, values, axis),
        Change::Add => add_at(&[x, places, values], axis),
        Change::Mul => multiplied(x, places, values, axis),
        Change::Min => extreme_at(x, places, values, axis, true),
        Change::Max => extreme_at(x, places, values, axis, false),
    }
}
