//! Several arrays of indices at once: their axes are joined into one, in C order, and the elements taken from that.

use crate::array::Array;
use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::{NodeOp, Tensor};
use crate::ops::index::checked;
use crate::ops::movement::merge_axes;
use crate::ops::reduce::size;
use crate::ops::selection::Selection;
use crate::shape::{Dim, Shape, broadcast, count};

/// The places where a mask is true, as one array of indices for each of its axes, which are those of `x` from `axis` on. A
/// mask without axes gives the indices of an axis of length 1.
pub(crate) fn mask_places<'g>(x: Tensor<'g>, axis: usize, mask: &Array) -> Result<Vec<Tensor<'g>>> {
    let fail = |what: &str, got: String, rule: &str| Error::new(ErrorKind::Shape, "index", what, got, rule);
    for (k, &m) in mask.shape().iter().enumerate() {
        match x.dims().get(axis + k) {
            Some(Dim::Known(n)) if *n == m => {}
            Some(Dim::Known(n)) => {
                let got = format!("a mask of length {m} for axis {} of length {n}", axis + k);
                return Err(fail("the mask does not fit", got, "equal lengths"));
            }
            _ => {
                let got = format!("a mask of length {m} for axis {}", axis + k);
                let e = fail("the length of a masked axis is known only at run time", got, "a known length");
                return Err(e.help("give the placeholder this length, or index with `np.nonzero(mask)[0]`"));
            }
        }
    }
    let bits = mask.as_slice::<bool>()?;
    let indices = |list: &[i64]| Ok(x.graph().constant_array(Array::from_slice(list, &[list.len()])?));
    if mask.shape().is_empty() {
        return Ok(vec![indices(&vec![0; bits.iter().filter(|b| **b).count()])?]);
    }
    let mut places: Vec<Vec<i64>> = vec![vec![]; mask.shape().len()];
    for (mut flat, _) in bits.iter().enumerate().filter(|(_, b)| **b) {
        for (list, &n) in places.iter_mut().zip(mask.shape()).rev() {
            list.push((flat % n) as i64);
            flat /= n;
        }
    }
    places.iter().map(|list| indices(list)).collect()
}

/// Goes on to the elements at arrays of indices, each for one axis, in ascending order. Returns where the axes of the arrays'
/// common shape stand, and how many they are. Errors of indices are those of `name`.
#[track_caller]
pub(crate) fn select_arrays<'g>(
    part: &mut Selection<'g>,
    arrays: &[(Tensor<'g>, usize)],
    name: Option<&'static str>,
) -> Result<(usize, usize)> {
    let graph = part.y.graph();
    let mut shape = Shape::new();
    for (t, _) in arrays {
        if !t.dtype().is_int() {
            return Err(Error::new(ErrorKind::DType, "index", "indices must be integers", t.dtype(), "int32 or int64"));
        }
        shape = broadcast("index", &shape, t.dims(), &mut || Dim::Sym(u32::MAX))?;
    }
    let first = match arrays {
        [] => return Ok((0, 0)),
        [(index, axis)] => {
            let places = graph.inside(name.unwrap_or("take"), || checked(*index, part.y, *axis, false));
            part.take(places, *axis);
            return Ok((*axis, shape.len()));
        }
        [(_, first), ..] => *first,
    };
    let axes = || arrays.iter().map(|(_, axis)| *axis);
    let first = if axes().eq(first..first + arrays.len()) {
        first
    } else {
        let others = (0..part.y.ndim()).filter(|i| axes().all(|a| a != *i));
        part.transpose(axes().chain(others).map(|i| i as i64).collect());
        0
    };
    let lengths = part.y.dims().get(first..first + arrays.len()).unwrap_or(&[]);
    let places = match known_places(arrays, lengths, &shape)? {
        Some(known) => graph.constant_array(known),
        None => graph.inside(name.unwrap_or("index"), || places(part.y, arrays, first)),
    };
    part.shaped(|y| merge_axes(y, first, arrays.len()));
    part.take(places, first);
    Ok((first, shape.len()))
}

/// The places in the joined axes, in C order; an index out of range is an error of the run.
#[track_caller]
fn places<'g>(y: Tensor<'g>, arrays: &[(Tensor<'g>, usize)], first: usize) -> Tensor<'g> {
    let mut flat: Option<Tensor<'g>> = None;
    for (k, (index, _)) in arrays.iter().enumerate() {
        let axis = first + k;
        let known = y.dims().get(axis).and_then(|d| d.known());
        // Their product may be large where each of them is not.
        let own = checked(*index, y, axis, true);
        flat = Some(match (flat, known) {
            (None, _) => own,
            (Some(f), Some(n)) => f * n as i64 + own,
            (Some(f), None) => f * size(y, axis as i64) + own,
        });
    }
    flat.unwrap_or(y)
}

/// The places in axes of these lengths, if they and the indices are numbers already.
fn known_places(arrays: &[(Tensor<'_>, usize)], lengths: &[Dim], shape: &[Dim]) -> Result<Option<Array>> {
    let known = |dims: &[Dim]| dims.iter().map(|d| d.known()).collect::<Option<Vec<usize>>>();
    let (Some(lengths), Some(shape)) = (known(lengths), known(shape)) else { return Ok(None) };
    let mut flat = vec![0i64; count(&shape)];
    for ((t, _), &n) in arrays.iter().zip(&lengths) {
        let NodeOp::Constant(a) = &t.node().op else { return Ok(None) };
        let values = match a.dtype() {
            DType::I32 => a.view::<i32>()?.mapv(i64::from),
            _ => a.view::<i64>()?.to_owned(),
        };
        let Some(values) = values.broadcast(&shape[..]) else { return Ok(None) };
        for (f, &i) in flat.iter_mut().zip(&values) {
            let own = if i < 0 { i.saturating_add(n as i64) } else { i };
            if !(0..n as i64).contains(&own) {
                let got = format_args!("{i} for an axis of length {n}");
                return Err(Error::new(ErrorKind::Shape, "index", "the index is out of range", got, "-length <= index < length"));
            }
            *f = *f * n as i64 + own;
        }
    }
    Array::from_slice(&flat, &shape).map(Some)
}
