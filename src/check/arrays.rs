//! Values of rows, and what checks do with arrays of them: other orders, stacks, comparisons.

use super::program::{build, evaluate, placeholders};
use super::replay::{SINGLE, close, same_bits};
use super::sample::{Sample, single};
use crate::api::context::{Context, run};
use crate::array::Array;
use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::Tensor;
use crate::graph::op::OpDef;
use crate::shape::count;

/// How far layouts of an operand may differ where a row's rounding follows from them.
const BY_LAYOUT: f64 = 1e-14;

/// An array whose element at each index is that at a place of another, or 0.
pub(super) fn gathered(a: &Array, dims: &[usize], from: impl Fn(&[usize]) -> Option<usize>) -> Result<Array> {
    let mut index = vec![0usize; dims.len()];
    let mut places = Vec::with_capacity(count(dims));
    for mut e in 0..count(dims) {
        for (i, &n) in index.iter_mut().zip(dims).rev() {
            *i = e % n;
            e /= n;
        }
        places.push(from(&index));
    }
    crate::dispatch!(a.dtype(), T => {
        let x = a.as_slice::<T>()?;
        let values: Vec<T> = places.iter().map(|p| p.and_then(|p| x.get(p)).copied().unwrap_or_default()).collect();
        Array::from_slice(&values, dims)
    })
}

/// Arrays of one shape along a new first axis.
pub(super) fn stacked(parts: &[Array]) -> Result<Array> {
    let first = parts.first().ok_or_else(|| Error::text(ErrorKind::Shape, "check: there is nothing to stack"))?;
    let dims: Vec<usize> = [parts.len()].into_iter().chain(first.shape().iter().copied()).collect();
    crate::dispatch!(first.dtype(), T => {
        let lists: Vec<&[T]> = parts.iter().map(|a| a.as_slice::<T>()).collect::<Result<_>>()?;
        Array::from_slice(&lists.concat(), &dims)
    })
}

/// The place in C order of an index.
pub(super) fn flat(dims: &[usize], index: impl Iterator<Item = usize>) -> usize {
    dims.iter().zip(index).fold(0, |at, (n, i)| at * n + i)
}

/// Values of a row, and its gradients with one cotangent for each floating output.
pub(super) fn derived_values<'g>(
    ctx: &'g Context,
    def: &'static OpDef,
    xs: &[Tensor<'g>],
    s: &Sample,
    feeds: Vec<(Tensor<'g>, Array)>,
) -> Result<Vec<Array>> {
    let ys = build(ctx, def, xs, s)?;
    // Gradients by what is fed have another shape than those by the view: these are compared where the row sees them.
    let floats: Vec<Tensor<'g>> = xs.iter().copied().filter(|t| t.dtype().is_float()).collect();
    let mut all = ys.clone();
    let mut feeds = feeds;
    let level: Vec<Tensor<'g>> = ys.into_iter().filter(|t| t.dtype().is_float()).collect();
    if !level.is_empty() && !floats.is_empty() {
        let mut seeds = vec![];
        for (i, v) in evaluate(ctx, &level, &feeds)?.iter().enumerate() {
            let c = super::cotangent(v, i)?;
            let c = if v.dtype() == DType::F32 { single(&c)? } else { c };
            let t = placeholder(ctx, &format!("c{i}"), &c);
            seeds.push(t);
            feeds.push((t, c));
        }
        all.extend(crate::autodiff::try_grad(&level, &floats, Some(&seeds))?);
    }
    evaluate(ctx, &all, &feeds)
}

/// A placeholder that an array fits.
pub(super) fn placeholder<'g>(ctx: &'g Context, name: &str, a: &Array) -> Tensor<'g> {
    let shape: Vec<isize> = a.shape().iter().map(|&n| n as isize).collect();
    ctx.placeholder_of(name, &shape, a.dtype())
}

/// The arrays have the same bits, or nearly the same values where a row's rounding follows from layouts.
pub(super) fn compare(def: &OpDef, what: &str, found: &[Array], expected: &[Array]) -> Result<usize> {
    for (k, (a, b)) in found.iter().zip(expected).enumerate() {
        let what = format!("{what}, output {k}");
        match def.flags.by_layout {
            true => close(&what, a, b, if b.dtype() == DType::F32 { SINGLE } else { BY_LAYOUT })?,
            false => same_bits(&what, a, b)?,
        }
    }
    Ok(found.len())
}

/// Values and gradients of a sample as it is.
pub(super) fn plain(def: &'static OpDef, s: &Sample) -> Result<Vec<Array>> {
    run(|ctx| {
        let xs = placeholders(ctx, &s.inputs);
        let feeds = xs.iter().copied().zip(s.inputs.iter().cloned()).collect();
        derived_values(ctx, def, &xs, s, feeds)
    })
}
