//! Arrays cut into lists of parts.

use crate::array::room::room;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::Tensor;
use crate::graph::attr::{Axes, Cuts, Slice, Slices};
use crate::graph::op::OpDef;
use crate::ops::movement::squeeze;
use crate::ops::positions::{check_length, known_length};
use crate::ops::slice::strided_slice;
use crate::shape::{self, Tuple};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&SPLIT, &ARRAY_SPLIT, &UNBIND];

/// An error of `op` unless there is memory for so many parts.
fn room_for(op: &str, parts: usize) -> Result<()> {
    room(op, format_args!("{parts} parts"), parts.saturating_mul(512))
}

/// The part of `x` from `start` up to, but without, `stop` along `axis`; the bounds are those of a slice.
pub(crate) fn part(x: Tensor<'_>, axis: usize, start: Option<i64>, stop: Option<i64>) -> Tensor<'_> {
    let here = Slice { start, stop, step: 1 };
    strided_slice(x, Slices(std::iter::repeat_n(Slice::ALL, axis).chain([here]).collect()))
}

/// The parts of `x` between these places, each of which is the bound of a slice.
fn between<'g>(op: &str, x: Tensor<'g>, axis: usize, places: &[i64]) -> Result<Vec<Tensor<'g>>> {
    room_for(op, places.len().saturating_add(1))?;
    let starts = [None].into_iter().chain(places.iter().copied().map(Some));
    let stops = places.iter().copied().map(Some).chain([None]);
    Ok(starts.zip(stops).map(|(a, b)| part(x, axis, a, b)).collect())
}

/// `x` in `parts` of equal length, of which the first are longer by 1 if its length does not divide.
fn equal_parts<'g>(op: &str, x: Tensor<'g>, axis: usize, parts: i64, divides: bool) -> Result<Vec<Tensor<'g>>> {
    let fail = |what: &str, got: std::fmt::Arguments<'_>, rule: std::fmt::Arguments<'_>| Error::new(ErrorKind::Shape, op, what, got, rule);
    let Some(count) = usize::try_from(parts).ok().filter(|&k| k > 0) else {
        return Err(fail("the number of parts is not positive", format_args!("{parts}"), format_args!("1 part or more")));
    };
    let n = known_length(op, x, axis)?;
    if divides && n % count != 0 {
        let e = fail("the parts are not equal", format_args!("{parts} parts of {n} elements"), format_args!("a divisor of {n}"));
        return Err(e.help("`array_split` makes the first parts longer"));
    }
    room_for(op, count)?;
    let bound = |k: usize| (k * (n / count) + k.min(n % count)) as i64;
    Ok((0..count).map(|k| part(x, axis, Some(bound(k)), Some(bound(k + 1)))).collect())
}

row! {
    /// `x` cut along `axis` into a list: an integer is a number of equal parts, a list of integers the places of the cuts, which are
    /// bounds of slices as NumPy's. In place of them, `sizes` are the lengths of the parts.
    ///
    /// A number of parts needs a length that is known when the graph is built; places and sizes do not.
    ///
    /// Gradient: the parts' cotangents in their places.
    pub SPLIT = fn split(x: any; indices_or_sections: Cuts = Cuts::Unsaid, axis: i64 = 0, sizes: Axes = Axes(None)) -> [parts]
    body {
        let axis = shape::axis("split", axis, x.ndim())?;
        let said = |what, got| Error::new(ErrorKind::Value, "split", what, got, "`indices_or_sections`, or `sizes`");
        match (indices_or_sections, sizes.0) {
            (Cuts::Unsaid, None) => return Err(said("where to cut is not said", "neither sections nor sizes")),
            (Cuts::Parts(n), None) => equal_parts("split", x, axis, n, true)?,
            (Cuts::Places(list), None) => between("split", x, axis, &list)?,
            (Cuts::Unsaid, Some(sizes)) => by_sizes(x, axis, &sizes)?,
            (_, Some(_)) => return Err(said("where to cut is said twice", "sections and sizes")),
        }
    }
    numpy "np.split(x, np.cumsum(sizes)[:-1] if indices_or_sections is None else indices_or_sections, axis)";
    example "T.split([1, 2, 3, 4, 5], sizes=[2, 3])" => "[1 2] [3 4 5]";
    exempt Unknown: "a number of parts says how long each is only of a known length";
    case real[6, 2] with indices_or_sections = 3;
    case real[2, 5] with indices_or_sections = [1, 3], axis = 1;
    case real[5] with indices_or_sections = [3, 2, 9, -1];
    case real[5, 2] with sizes = [2, 0, 3];
    refuses f64[4] => "split: where to cut is not said. Got neither sections nor sizes; expected `indices_or_sections`, or `sizes`.";
    refuses f64[4] with indices_or_sections = 2, sizes = [2, 2] => "split: where to cut is said twice. Got sections and sizes; expected `indices_or_sections`, or `sizes`.";
    refuses f64[4] with indices_or_sections = 3 => "split: the parts are not equal. Got 3 parts of 4 elements; expected a divisor of 4.\nhelp: `array_split` makes the first parts longer";
    refuses f64[4] with indices_or_sections = 0 => "split: the number of parts is not positive. Got 0; expected 1 part or more.";
    refuses f64[4] with sizes = [2, 3] => "split: an axis has another length. Got axis 0 of shape (4,); expected length 5.";
    refuses f64[4] with sizes = [5, -1] => "split: a size is negative. Got (5, -1); expected sizes >= 0.";
    refuses f64[4] with indices_or_sections = 2, axis = 1 => "split: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
}

/// The parts of `x` of these lengths, which are all of it.
fn by_sizes<'g>(x: Tensor<'g>, axis: usize, sizes: &[i64]) -> Result<Vec<Tensor<'g>>> {
    if sizes.iter().any(|&n| n < 0) {
        return Err(Error::new(ErrorKind::Shape, "split", "a size is negative", Tuple(sizes), "sizes >= 0"));
    }
    room_for("split", sizes.len())?;
    let total = sizes.iter().fold(0i64, |n, &s| n.saturating_add(s));
    let x = check_length(x, axis, total);
    let mut end = 0i64;
    let mut next = |n: i64| {
        let start = end;
        end = end.saturating_add(n);
        part(x, axis, Some(start), Some(end))
    };
    // Without a size there is no part that would hold the check.
    x.error().map_or_else(|| Ok(sizes.iter().map(|&n| next(n)).collect()), |e| Err(e.named("split")))
}

row! {
    /// `x` cut along `axis` into a list: an integer is a number of parts, of which the first are longer by 1 where the length does not
    /// divide, a list of integers the places of the cuts, which are bounds of slices as NumPy's.
    ///
    /// A number of parts needs a length that is known when the graph is built.
    ///
    /// Gradient: the parts' cotangents in their places.
    pub ARRAY_SPLIT = fn array_split(x: any; indices_or_sections: Cuts, axis: i64 = 0) -> [parts]
    body {
        let axis = shape::axis("array_split", axis, x.ndim())?;
        match indices_or_sections {
            Cuts::Parts(n) => equal_parts("array_split", x, axis, n, false)?,
            Cuts::Places(list) => between("array_split", x, axis, &list)?,
            Cuts::Unsaid => {
                let rule = "a number of parts or a list of places";
                return Err(Error::new(ErrorKind::Value, "array_split", "where to cut is not said", "None", rule));
            }
        }
    }
    numpy "np.array_split(x, indices_or_sections, axis)";
    example "T.array_split([1, 2, 3, 4, 5], 3)" => "[1 2] [3 4] [5]";
    alias tensor_split;
    exempt Unknown: "a number of parts says how long each is only of a known length";
    case real[5, 2] with indices_or_sections = 3;
    case real[2, 3] with indices_or_sections = 5, axis = -1;
    case real[5] with indices_or_sections = [1, 3];
    refuses f64[4] with indices_or_sections = -1 => "array_split: the number of parts is not positive. Got -1; expected 1 part or more.";
    refuses f64[4] with indices_or_sections = () => "array_split: where to cut is not said. Got None; expected a number of parts or a list of places.";
    refuses f64[4] with indices_or_sections = 2, axis = 1 => "array_split: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
}
row! {
    /// The list of what stands at `0, 1, ..` along `axis`, without that axis. Its length must be known when the graph is built.
    ///
    /// Gradient: the parts' cotangents in their places.
    pub UNBIND = fn unbind(x: any; axis: i64 = 0) -> [parts]
    body {
        let axis = shape::axis("unbind", axis, x.ndim())?;
        let n = known_length("unbind", x, axis)?;
        room_for("unbind", n)?;
        (0..n as i64).map(|i| squeeze(part(x, axis, Some(i), Some(i + 1)), axis as i64)).collect()
    }
    numpy "list(np.moveaxis(x, axis, 0))";
    example "T.unbind([[1, 2], [3, 4]], axis=1)" => "[1 3] [2 4]";
    alias unstack;
    exempt Unknown: "how many parts there are is the length itself";
    case real[3, 2];
    case real[2, 3] with axis = -1;
    refuses f64[] => "unbind: axis is out of range. Got axis=0 for 0 dimensions; expected no axis for a 0-d array.";
}
