//! Indexing as Python writes it, `x[1, ..., None, ::2, [0, 2]]`, with the meaning that NumPy gives it: integers, slices, new
//! axes, arrays of indices and masks.

use smallvec::SmallVec;

use crate::array::Array;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::attr::{Slice, Slices};
use crate::graph::{AsTensor, Tensor};
use crate::ops::index::check_at;
use crate::ops::index_arrays::{mask_places, select_arrays};
use crate::ops::movement::{expand_dims, squeeze, transpose};
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
    /// An array of integers.
    Take(Tensor<'g>),
    /// An array of bools: it names as many axes as it has, and stands for the places where it is true.
    Mask(Array),
}

/// Slices, one an axis.
type Ranges = SmallVec<[Slice; 4]>;

/// What one item, or one axis of a mask, leaves behind.
enum Part<'g> {
    /// Axes that stay, in place of a slice or of `...`.
    Kept(usize),
    /// A new axis.
    New,
    /// Nothing: an integer took the axis away.
    Gone,
    /// An array of indices for the next axis.
    Indexed(Tensor<'g>),
    /// An array of indices for an axis of length 1 that is made for it: a bool on its own.
    Flag(Tensor<'g>),
}

impl Part<'_> {
    /// True for what NumPy calls an advanced index, if there is an array among the items. An integer then is one too.
    fn advanced(&self) -> bool {
        matches!(self, Part::Gone | Part::Indexed(_) | Part::Flag(_))
    }
}

fn fail<T>(what: &str, got: impl std::fmt::Display, rule: &str) -> Result<T> {
    Err(Error::new(ErrorKind::Shape, "index", what, got, rule))
}

/// The part of `x` that the items name; axes behind the last item stay whole.
///
/// Arrays of indices and masks are broadcast together and give the axes of that shape. Where all of them, and the integers
/// beside them, stand next to one another, these axes take their place, else they come first.
#[track_caller]
pub(crate) fn select_items<'g>(x: impl AsTensor<'g>, items: &[Item<'g>]) -> Result<Tensor<'g>> {
    let mut x = x.tensor();
    let (mut slices, mut parts) = (Ranges::new(), SmallVec::new());
    read(&mut x, items, &mut slices, &mut parts)?;
    let y = basic(x, &mut slices, &parts)?;
    let arrays = parts.iter().any(|p| matches!(p, Part::Indexed(_) | Part::Flag(_)));
    let y = if arrays { advanced(y, &parts)? } else { with_new_axes(y, &parts, 0, true) };
    y.error().map_or(Ok(y), Err)
}

/// The items as slices of all axes, and what each leaves behind.
fn read<'g>(x: &mut Tensor<'g>, items: &[Item<'g>], slices: &mut Ranges, parts: &mut SmallVec<[Part<'g>; 6]>) -> Result<()> {
    let axes = |i: &Item<'_>| match i {
        Item::New | Item::Rest => 0,
        Item::Mask(m) => m.shape().len(),
        _ => 1,
    };
    let named: usize = items.iter().map(axes).sum();
    if named > x.ndim() {
        return fail("too many indices", format_args!("{named} for an array of shape {}", Tuple(x.dims())), "at most one an axis");
    }
    let rests = items.iter().filter(|i| matches!(i, Item::Rest)).count();
    if rests > 1 {
        return fail("the index is ambiguous", format_args!("{rests} times `...`"), "at most one `...`");
    }
    for item in items.iter().chain((rests == 0).then_some(&Item::Rest)) {
        let axis = slices.len();
        match item {
            Item::At(i) => {
                // A length that is not known is checked when the run knows it.
                *x = check_at(*x, axis, *i)?;
                slices.push(Slice { start: Some(*i), stop: if *i == -1 { None } else { Some(i.saturating_add(1)) }, step: 1 });
                parts.push(Part::Gone);
            }
            Item::Slice(s) => {
                slices.push(*s);
                parts.push(Part::Kept(1));
            }
            Item::New => parts.push(Part::New),
            Item::Rest => {
                slices.extend(std::iter::repeat_n(Slice::ALL, x.ndim() - named));
                parts.push(Part::Kept(x.ndim() - named));
            }
            Item::Take(t) => {
                slices.push(Slice::ALL);
                parts.push(Part::Indexed(*t));
            }
            Item::Mask(m) => {
                let places = mask_places(*x, axis, m)?;
                if m.shape().is_empty() {
                    parts.extend(places.into_iter().map(Part::Flag));
                } else {
                    slices.extend(std::iter::repeat_n(Slice::ALL, m.shape().len()));
                    parts.extend(places.into_iter().map(Part::Indexed));
                }
            }
        }
    }
    Ok(())
}

/// `x` after its slices and integers. Its axes are those of the kept parts and of the arrays, in order.
fn basic<'g>(x: Tensor<'g>, slices: &mut Ranges, parts: &[Part<'_>]) -> Result<Tensor<'g>> {
    let mut gone = vec![];
    let mut axis = 0;
    for part in parts {
        match part {
            Part::Gone => {
                gone.push(axis as i64);
                axis += 1;
            }
            Part::Kept(n) => axis += n,
            Part::Indexed(_) => axis += 1,
            Part::New | Part::Flag(_) => {}
        }
    }
    while slices.last() == Some(&Slice::ALL) {
        slices.pop();
    }
    let y = if slices.is_empty() { x } else { strided_slice(x, Slices(slices.as_slice().into())) };
    let y = if gone.is_empty() { y } else { squeeze(y, gone) };
    y.error().map_or(Ok(y), Err)
}

/// `y` after its arrays of indices. Its axes are those of [`basic`].
fn advanced<'g>(y: Tensor<'g>, parts: &[Part<'g>]) -> Result<Tensor<'g>> {
    let (mut axis, mut flags, mut arrays) = (0, vec![], vec![]);
    for part in parts {
        match part {
            Part::Kept(n) => axis += n,
            Part::Indexed(t) | Part::Flag(t) => {
                if matches!(part, Part::Flag(_)) {
                    flags.push(axis as i64);
                }
                arrays.push((*t, axis));
                axis += 1;
            }
            Part::New | Part::Gone => {}
        }
    }
    let y = if flags.is_empty() { y } else { expand_dims(y, flags) };
    let (y, at, count) = select_arrays(y, &arrays)?;
    let first = parts.iter().position(Part::advanced).unwrap_or(0);
    let last = parts.iter().rposition(Part::advanced).unwrap_or(0);
    let together = parts.iter().take(last).skip(first).all(Part::advanced);
    let y = if together || at == 0 {
        y
    } else {
        let order: Vec<i64> = (at..at + count).chain(0..at).chain(at + count..y.ndim()).map(|i| i as i64).collect();
        transpose(y, order)
    };
    Ok(with_new_axes(y, parts, count, together))
}

/// `y` with the new axes among the others, of which `count` belong to the arrays: those stand where the first of these
/// stands, or in front of all.
fn with_new_axes<'g>(y: Tensor<'g>, parts: &[Part<'_>], count: usize, together: bool) -> Tensor<'g> {
    let (mut new, mut place, mut met) = (vec![], 0, !together);
    if met {
        place += count;
    }
    for part in parts {
        match part {
            Part::New => {
                new.push(place as i64);
                place += 1;
            }
            Part::Kept(n) => place += n,
            Part::Gone | Part::Indexed(_) | Part::Flag(_) => {
                if !met {
                    place += count;
                }
                met = true;
            }
        }
    }
    if new.is_empty() { y } else { expand_dims(y, new) }
}
