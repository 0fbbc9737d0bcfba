//! Arrays and their elements several times.

use crate::array::Array;
use crate::array::room::room;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::attr::{Axis, Ints};
use crate::graph::op::OpDef;
use crate::ops::index::take;
use crate::ops::movement::{expand_dims, merge_axes, repeated};
use crate::ops::positions::check_length;
use crate::ops::rearranging::ravel;
use crate::shape::{self, Tuple};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&TILE, &REPEAT];

/// An error of `op` if a number of repeats is negative.
fn check_counts(op: &str, counts: &[i64]) -> Result<()> {
    if counts.iter().all(|&n| n >= 0) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Shape, op, "a number of repeats is negative", Tuple(counts), "numbers >= 0"))
}

row! {
    /// `x` over and over, `reps` times along each axis. Where `x` has fewer axes than there are numbers it gets new ones in front;
    /// where there are fewer numbers, they are those of the last axes.
    ///
    /// Gradient: the sum of `g` over the repeats.
    pub TILE = fn tile(x: any; reps: Ints) -> y
    body {
        check_counts("tile", &reps.0)?;
        let ndim = x.ndim().max(reps.0.len());
        let new: Vec<i64> = (0..ndim.saturating_sub(x.ndim())).map(|i| i as i64).collect();
        let x = if new.is_empty() { x } else { expand_dims(x, new) };
        let times: Vec<(usize, i64)> = (ndim - reps.0.len()..ndim).zip(reps.0.iter().copied()).filter(|(_, n)| *n != 1).collect();
        // An axis of repeats before each axis, from the last on; then each is joined with the one behind it.
        let y = times.iter().rev().fold(x, |y, &(axis, n)| repeated(y, n, axis));
        times.iter().enumerate().rev().fold(y, |y, (before, &(axis, _))| merge_axes(y, axis + before, 2))
    }
    numpy "np.tile(x, reps)";
    example "T.tile([1, 2], (2, 2))" => "[[1 2 1 2]\n [1 2 1 2]]";
    case real[2, 3] with reps = 4;
    case real[2, 3] with reps = [4, 1];
    case real[3] with reps = [2, 4];
    case real[2, 3] with reps = [5, 1, 4];
    case real[2, 3] with reps = [0];
    case real[] with reps = ();
    refuses f64[2] with reps = [2, -1] => "tile: a number of repeats is negative. Got (2, -1); expected numbers >= 0.";
}
row! {
    /// Each element of `x` several times, one after the other along `axis`; without an axis, those of `x` in C order. `repeats` is one
    /// number, or one for each element along the axis.
    ///
    /// Gradient: the sum of `g` over the repeats of each element.
    pub REPEAT = fn repeat(x: any; repeats: Ints, axis: Axis = None) -> y
    body {
        check_counts("repeat", &repeats.0)?;
        let (x, axis) = match axis {
            Some(axis) => (x, shape::axis("repeat", axis, x.ndim())?),
            None => (ravel(x), 0),
        };
        match repeats.0[..] {
            [1] => x,
            [n] => merge_axes(repeated(x, n, axis as i64 + 1), axis, 2),
            _ => {
                let x = check_length(x, axis, repeats.0.len() as i64);
                if let Some(e) = x.error() {
                    return Err(e.named("repeat"));
                }
                take(x, x.graph().constant_array(places("repeat", &repeats.0)?), axis as i64)
            }
        }
    }
    numpy "np.repeat(x, repeats, axis)";
    example "T.repeat([[1, 2], [3, 4]], [2, 1], axis=0)" => "[[1 2]\n [1 2]\n [3 4]]";
    alias repeat_interleave;
    method repeat;
    case real[2, 3] with repeats = 4;
    case real[2, 3] with repeats = 4, axis = 0;
    case real[2, 3] with repeats = 4, axis = -1;
    case real[2, 3] with repeats = [4, 0, 5], axis = 1;
    case real[3] with repeats = 0;
    case real[] with repeats = 4;
    refuses f64[2] with repeats = [4, -1] => "repeat: a number of repeats is negative. Got (4, -1); expected numbers >= 0.";
    refuses f64[2] with repeats = [4, 5, 6] => "repeat: an axis has another length. Got axis 0 of shape (2,); expected length 3.";
    refuses f64[2] with repeats = 4, axis = 1 => "repeat: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
}

/// The places `0, 1, ..`, each as often as its count says.
fn places(op: &str, counts: &[i64]) -> Result<Array> {
    let total = counts.iter().fold(0usize, |n, &c| n.saturating_add(c as usize));
    room(op, format_args!("{total} repeats"), total.saturating_mul(size_of::<i64>()))?;
    let list: Vec<i64> = counts.iter().enumerate().flat_map(|(i, &c)| std::iter::repeat_n(i as i64, c as usize)).collect();
    Array::from_slice(&list, &[total])
}
