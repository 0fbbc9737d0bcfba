//! Indexing as Python writes it, `x[1, ..., None, ::2]`: slices, integers, new axes, one array of indices.

use crate::error::{Error, ErrorKind, Result};
use crate::graph::attr::{Slice, Slices};
use crate::graph::{AsTensor, Tensor};
use crate::ops::index::{check_at, take};
use crate::ops::movement::{expand_dims, squeeze};
use crate::ops::slice::strided_slice;
use crate::shape::Tuple;

/// One item of an index.
#[derive(Clone)]
pub enum Item<'g> {
    /// An integer: the axis goes.
    At(i64),
    /// A slice.
    Slice(Slice),
    /// `None`: a new axis.
    New,
    /// `...`: all axes that are not named.
    Rest,
    /// An array of integers: the axis becomes the array's axes.
    Take(Tensor<'g>),
}

/// The part of `x` that the items name; axes behind the last item stay whole. At most one item is an array.
#[track_caller]
pub fn select_items<'g>(x: impl AsTensor<'g>, items: &[Item<'g>]) -> Result<Tensor<'g>> {
    let mut x = x.tensor();
    let named = items.iter().filter(|i| !matches!(i, Item::New | Item::Rest)).count();
    let fail = |what: &str, got: String, rule: &str| Err(Error::new(ErrorKind::Shape, "index", what, got, rule));
    if named > x.ndim() {
        return fail("too many indices", format!("{named} for an array of shape {}", Tuple(x.dims())), "at most one an axis");
    }
    if items.iter().filter(|i| matches!(i, Item::Rest)).count() > 1 || items.iter().filter(|i| matches!(i, Item::Take(_))).count() > 1 {
        return fail("the index is ambiguous", format!("{} items", items.len()), "at most one `...` and one array of indices");
    }
    let rest = x.ndim() - named;
    let mut slices = vec![];
    let (mut gone, mut new, mut taken) = (vec![], vec![], None);
    let mut place = 0usize;
    let whole = items.iter().all(|i| !matches!(i, Item::Rest));
    for item in items.iter().chain(whole.then_some(&Item::Rest)) {
        let axis = slices.len();
        match item {
            Item::At(i) => {
                // A length that is not known is checked when the run knows it.
                x = check_at(x, axis as i64, *i)?;
                slices.push(Slice { start: Some(*i), stop: if *i == -1 { None } else { Some(i.saturating_add(1)) }, step: 1 });
                gone.push(axis as i64);
            }
            Item::Slice(s) => {
                slices.push(*s);
                place += 1;
            }
            Item::New => {
                new.push(place as i64);
                place += 1;
            }
            Item::Rest => {
                slices.extend(std::iter::repeat_n(Slice::ALL, rest));
                place += rest;
            }
            Item::Take(t) => {
                taken = Some((*t, axis));
                slices.push(Slice::ALL);
                place += t.ndim();
            }
        }
    }
    while slices.last() == Some(&Slice::ALL) {
        slices.pop();
    }
    let y = if slices.is_empty() { x } else { strided_slice(x, Slices(slices.into())) };
    let before = |axis: usize| gone.iter().filter(|&&g| (g as usize) < axis).count();
    let y = if gone.is_empty() { y } else { squeeze(y, gone.clone()) };
    let y = match taken {
        Some((index, axis)) => take(y, index, (axis - before(axis)) as i64),
        None => y,
    };
    let y = if new.is_empty() { y } else { expand_dims(y, new) };
    y.error().map_or(Ok(y), Err)
}
