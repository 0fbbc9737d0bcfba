//! Indexing as Python writes it, `x[1, ..., None, ::2, [0, 2]]`, with the meaning that NumPy gives it: integers, slices, new
//! axes, arrays of indices and masks.

use smallvec::SmallVec;

use crate::array::Array;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::attr::{Slice, Slices};
use crate::graph::{AsTensor, Tensor};
use crate::ops::apply::{Arg, promoted};
use crate::ops::broadcast::{broadcast_like, repeats_to};
use crate::ops::index::check_at;
use crate::ops::index_arrays::{mask_places, select_arrays};
use crate::ops::movement::{expand_dims, squeeze};
use crate::ops::selection::{Change, Selection};
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
enum Left<'g> {
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

impl Left<'_> {
    /// True for what NumPy calls an advanced index, if there is an array among the items. An integer then is one too.
    fn advanced(&self) -> bool {
        matches!(self, Left::Gone | Left::Indexed(_) | Left::Flag(_))
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
    Ok(part(x.tensor(), items, None)?.y)
}

/// `x` with the part that the items name changed by values, which broadcast to it. Both become one dtype.
///
/// Where arrays of indices name an element several times, the values come to it one after the other, in C order.
#[track_caller]
pub(crate) fn change_items<'g>(x: Tensor<'g>, items: &[Item<'g>], change: Change, values: Arg<'g>) -> Result<Tensor<'g>> {
    let (x, values) = promoted("at", x, values)?;
    let part = part(x, items, Some("at"))?;
    if !repeats_to(values.dims(), part.y.dims()) {
        let got = format_args!("{} for a part of shape {}", Tuple(values.dims()), Tuple(part.y.dims()));
        return Err(Error::new(ErrorKind::Shape, "at", "the values do not fit", got, "values that broadcast to the part"));
    }
    let y = x.graph().inside("at", || part.changed(change, broadcast_like(values, part.y)));
    y.error().map_or(Ok(y), |e| Err(e.named("at")))
}

/// The part of `x` that the items name. Errors of arrays of indices are those of `name`.
#[track_caller]
fn part<'g>(mut x: Tensor<'g>, items: &[Item<'g>], name: Option<&'static str>) -> Result<Selection<'g>> {
    let (mut slices, mut parts) = (Ranges::new(), SmallVec::new());
    read(&mut x, items, &mut slices, &mut parts)?;
    let mut part = Selection::whole(x);
    basic(&mut part, &mut slices, &parts)?;
    if parts.iter().any(|p| matches!(p, Left::Indexed(_) | Left::Flag(_))) {
        advanced(&mut part, &parts, name)?;
    } else {
        with_new_axes(&mut part, &parts, 0, true);
    }
    part.y.error().map_or(Ok(part), Err)
}

/// The items as slices of all axes, and what each leaves behind.
fn read<'g>(x: &mut Tensor<'g>, items: &[Item<'g>], slices: &mut Ranges, parts: &mut SmallVec<[Left<'g>; 6]>) -> Result<()> {
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
                parts.push(Left::Gone);
            }
            Item::Slice(s) => {
                slices.push(*s);
                parts.push(Left::Kept(1));
            }
            Item::New => parts.push(Left::New),
            Item::Rest => {
                slices.extend(std::iter::repeat_n(Slice::ALL, x.ndim() - named));
                parts.push(Left::Kept(x.ndim() - named));
            }
            Item::Take(t) => {
                slices.push(Slice::ALL);
                parts.push(Left::Indexed(*t));
            }
            Item::Mask(m) => {
                let places = mask_places(*x, axis, m)?;
                if m.shape().is_empty() {
                    parts.extend(places.into_iter().map(Left::Flag));
                } else {
                    slices.extend(std::iter::repeat_n(Slice::ALL, m.shape().len()));
                    parts.extend(places.into_iter().map(Left::Indexed));
                }
            }
        }
    }
    Ok(())
}

/// Goes on to what slices and integers leave. Its axes are those of the kept parts and of the arrays, in order.
fn basic<'g>(part: &mut Selection<'g>, slices: &mut Ranges, parts: &[Left<'_>]) -> Result<()> {
    let mut gone = vec![];
    let mut axis = 0;
    for left in parts {
        match left {
            Left::Gone => {
                gone.push(axis as i64);
                axis += 1;
            }
            Left::Kept(n) => axis += n,
            Left::Indexed(_) => axis += 1,
            Left::New | Left::Flag(_) => {}
        }
    }
    while slices.last() == Some(&Slice::ALL) {
        slices.pop();
    }
    if !slices.is_empty() {
        part.slice(Slices(slices.as_slice().into()));
    }
    if !gone.is_empty() {
        part.shaped(|y| squeeze(y, gone));
    }
    part.y.error().map_or(Ok(()), Err)
}

/// Goes on to what arrays of indices leave of what [`basic`] gave.
fn advanced<'g>(part: &mut Selection<'g>, parts: &[Left<'g>], name: Option<&'static str>) -> Result<()> {
    let (mut axis, mut flags, mut arrays) = (0, vec![], vec![]);
    for left in parts {
        match left {
            Left::Kept(n) => axis += n,
            Left::Indexed(t) | Left::Flag(t) => {
                if matches!(left, Left::Flag(_)) {
                    flags.push(axis as i64);
                }
                arrays.push((*t, axis));
                axis += 1;
            }
            Left::New | Left::Gone => {}
        }
    }
    if !flags.is_empty() {
        part.shaped(|y| expand_dims(y, flags));
    }
    let (at, count) = select_arrays(part, &arrays, name)?;
    let first = parts.iter().position(Left::advanced).unwrap_or(0);
    let last = parts.iter().rposition(Left::advanced).unwrap_or(0);
    let together = parts.iter().take(last).skip(first).all(Left::advanced);
    if !together && at != 0 {
        part.transpose((at..at + count).chain(0..at).chain(at + count..part.y.ndim()).map(|i| i as i64).collect());
    }
    with_new_axes(part, parts, count, together);
    Ok(())
}

/// Goes on to the new axes among the others, of which `count` belong to the arrays: those stand where the first of these
/// stands, or in front of all.
fn with_new_axes(part: &mut Selection<'_>, parts: &[Left<'_>], count: usize, together: bool) {
    let (mut new, mut place, mut met) = (vec![], 0, !together);
    if met {
        place += count;
    }
    for left in parts {
        match left {
            Left::New => {
                new.push(place as i64);
                place += 1;
            }
            Left::Kept(n) => place += n,
            Left::Gone | Left::Indexed(_) | Left::Flag(_) => {
                if !met {
                    place += count;
                }
                met = true;
            }
        }
    }
    if !new.is_empty() {
        part.shaped(|y| expand_dims(y, new));
    }
}
