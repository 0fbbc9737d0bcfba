//! The same numbers in other places: strided and repeated views, reversed axes, long, short and empty arrays.

use super::arrays::{compare, derived_values, flat, gathered, placeholder, plain};
use super::bounds;
use super::program::{build, derive, evaluate, placeholders};
use super::sample::{Sample, numbers};
use crate::api::context::run;
use crate::array::Array;
use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::Tensor;
use crate::graph::attr::{Slice, Slices};
use crate::graph::op::{Body, Case, OpDef, Support};
use crate::ops::broadcast::broadcast_to;
use crate::ops::movement::transpose;
use crate::ops::slice::strided_slice;
use crate::shape::count;

/// Elements that a resized case has at most.
const MOST: usize = 20_000;
/// Elements from which on a case is long: more than a tile.
const LONG: usize = 512;

/// The case with each of its lengths in turn made 0, 1 and long: more than 512, and not a multiple of 8; two lengths
/// long at once where that stays small enough.
pub fn sizes(case: &Case) -> Vec<Case> {
    let mut out = vec![];
    for from in Sample::lengths(case) {
        for to in [0, 1, 1003] {
            out.push(Sample::resized(case, from, to));
        }
        let other = Sample::lengths(case).into_iter().find(|&n| n != from);
        out.extend(other.map(|n| Sample::resized(&Sample::resized(case, from, 701), n, 13)));
    }
    out.retain(|c| c.inputs.iter().all(|(_, dims)| count(dims) <= MOST));
    out
}

/// Elements of a result that is still worth comparing.
const LARGEST: usize = 100_000;

/// True if the row can be built on a sample, and its results are not huge.
pub fn accepted(def: &'static OpDef, s: &Sample) -> Result<bool> {
    run(|ctx| match build(ctx, def, &placeholders(ctx, &s.inputs), s) {
        Ok(ys) => Ok(ys.iter().all(|y| y.known_shape().is_none_or(|dims| count(&dims) <= LARGEST))),
        Err(e) if e.kind() == ErrorKind::Shape => Ok(false),
        Err(e) => Err(e),
    })
}

/// A view of a fed array that shows `a`, and the array that is fed.
struct Layout {
    name: &'static str,
    fed: Array,
    view: for<'g> fn(Tensor<'g>, &[usize]) -> Tensor<'g>,
}

/// Layouts that show exactly `a`.
fn layouts_of(a: &Array) -> Result<Vec<Layout>> {
    let dims = a.shape().to_vec();
    let reversed: Vec<usize> = dims.iter().rev().copied().collect();
    let doubled: Vec<usize> = dims.iter().map(|n| 2 * n + 1).collect();
    Ok(vec![
        Layout {
            name: "transposed",
            fed: gathered(a, &reversed, |i| Some(flat(&dims, i.iter().rev().copied())))?,
            view: |t, _| transpose(t, ()),
        },
        Layout {
            name: "reversed",
            fed: gathered(a, &dims, |i| Some(flat(&dims, i.iter().zip(&dims).map(|(i, n)| n - 1 - i))))?,
            view: |t, dims| strided_slice(t, Slices(vec![Slice { start: None, stop: None, step: -1 }; dims.len()].into())),
        },
        Layout {
            name: "every second",
            fed: gathered(a, &doubled, |i| i.iter().all(|i| i % 2 == 1).then(|| flat(&dims, i.iter().map(|i| i / 2))))?,
            view: |t, dims| strided_slice(t, Slices(vec![Slice { start: Some(1), stop: None, step: 2 }; dims.len()].into())),
        },
        Layout {
            name: "every second, backwards, transposed",
            fed: gathered(a, &doubled.iter().rev().copied().collect::<Vec<_>>(), |i| {
                i.iter().all(|i| i % 2 == 1).then(|| flat(&dims, i.iter().rev().zip(&dims).map(|(i, n)| n - 1 - i / 2)))
            })?,
            view: |t, dims| {
                let all = vec![Slice { start: Some(-2), stop: None, step: -2 }; dims.len()];
                transpose(strided_slice(t, Slices(all.into())), ())
            },
        },
    ])
}

/// Everything that check 6 asks of one case.
pub fn layouts(def: &'static OpDef, case: &Case, s: &Sample) -> Result<usize> {
    let mut n = viewed(def, s)?;
    n += repeated(def, s)?;
    n += strided_feeds(def, s)?;
    n += bounds::parts(def, s)?;
    n += bounds::parts(def, &s.converted(DType::F32)?)?;
    for resized in sizes(case) {
        let large = Sample::new(&resized, 3)?;
        if accepted(def, &large)? {
            n += sized(def, &large)?;
            n += longer(def, &large)?;
        }
    }
    Ok(n)
}

/// [`bounds::parts`] of a resized sample, unless it holds nothing or an index that is out of range now.
fn longer(def: &'static OpDef, s: &Sample) -> Result<usize> {
    if s.inputs.iter().all(|a| a.size() < LONG) {
        return Ok(0);
    }
    match bounds::parts(def, s) {
        Err(e) if e.kind() == ErrorKind::Value && e.op() == Some(def.name) => Ok(0),
        other => other,
    }
}

/// Each input, and all of them, as views of fed arrays: the bits are those of contiguous inputs.
fn viewed(def: &'static OpDef, s: &Sample) -> Result<usize> {
    let expected = plain(def, s)?;
    let forms: Vec<Vec<Layout>> = s.inputs.iter().map(layouts_of).collect::<Result<_>>()?;
    let kinds = forms.first().map_or(0, Vec::len);
    let mut n = 0;
    for kind in 0..kinds {
        for only in (0..s.inputs.len()).map(Some).chain([None]) {
            let found = run(|ctx| {
                let (mut xs, mut feeds) = (vec![], vec![]);
                for (i, (a, form)) in s.inputs.iter().zip(&forms).enumerate() {
                    let layout = form.get(kind).filter(|_| only.is_none_or(|k| k == i));
                    let t = placeholder(ctx, &format!("x{i}"), layout.map_or(a, |l| &l.fed));
                    xs.push(layout.map_or(t, |l| (l.view)(t, a.shape())));
                    feeds.push((t, layout.map_or(a, |l| &l.fed).clone()));
                }
                derived_values(ctx, def, &xs, s, feeds)
            })?;
            let name = forms.first().and_then(|f| f.get(kind)).map_or("", |l| l.name);
            n += compare(def, name, &found, &expected)?;
        }
    }
    Ok(n)
}

/// An input whose first axis is a repeated view, against the same numbers written out.
fn repeated(def: &'static OpDef, s: &Sample) -> Result<usize> {
    let mut n = 0;
    for (i, a) in s.inputs.iter().enumerate() {
        let dims = a.shape().to_vec();
        // A matrix with equal rows is singular.
        if dims.is_empty() || dims.contains(&0) || (s.domains.get(i).is_some_and(|d| d.is_matrices()) && dims.len() < 3) {
            continue;
        }
        let mut one = dims.clone();
        one[0] = 1;
        let row = gathered(a, &one, |i| Some(flat(&dims, i.iter().copied())))?;
        let full = gathered(a, &dims, |i| Some(flat(&dims, i.iter().enumerate().map(|(k, &i)| if k == 0 { 0 } else { i }))))?;
        let mut written = s.clone();
        written.inputs[i] = full;
        let expected = plain(def, &written)?;
        let found = run(|ctx| {
            let mut xs = placeholders(ctx, &s.inputs);
            let mut feeds: Vec<_> = xs.iter().copied().zip(s.inputs.iter().cloned()).collect();
            let t = placeholder(ctx, "row", &row);
            xs[i] = broadcast_to(t, dims.clone());
            feeds[i] = (t, row);
            derived_values(ctx, def, &xs, s, feeds)
        })?;
        n += compare(def, "repeated", &found, &expected)?;
    }
    Ok(n)
}

/// Feeds that are strided views of the caller's memory.
fn strided_feeds(def: &'static OpDef, s: &Sample) -> Result<usize> {
    run(|ctx| {
        let xs = placeholders(ctx, &s.inputs);
        let ys = build(ctx, def, &xs, s)?;
        let expected = evaluate(ctx, &ys, &xs.iter().copied().zip(s.inputs.iter().cloned()).collect::<Vec<_>>())?;
        let mut owned = vec![];
        for a in s.inputs.iter().filter(|a| a.dtype() == DType::F64) {
            let back: Vec<usize> = a.shape().to_vec();
            let fed = gathered(a, &back, |i| Some(flat(&back, i.iter().zip(&back).map(|(i, n)| n - 1 - i))))?;
            owned.push(fed.into_ndarray::<f64>()?);
        }
        let (mut evaluator, mut next) = (ctx.evaluator().extend(&ys), owned.iter());
        for (t, a) in xs.iter().zip(&s.inputs) {
            evaluator = match next.as_slice().first().filter(|_| a.dtype() == DType::F64) {
                Some(x) => {
                    next.next();
                    let mut v = x.view();
                    (0..v.ndim()).for_each(|k| v.invert_axis(ndarray::Axis(k)));
                    evaluator.feed(t, v)
                }
                None => evaluator.feed(t, a),
            };
        }
        let found: Vec<Array> = evaluator.run().into_iter().collect::<Result<_>>()?;
        compare(def, "a feed with negative strides", &found, &expected)
    })
}

/// A resized sample: it runs, has the promised shape, and its gradients have those of their inputs; elementwise rows equal
/// themselves on pieces.
fn sized(def: &'static OpDef, s: &Sample) -> Result<usize> {
    let values = run(|ctx| -> Result<Vec<Array>> {
        let xs = placeholders(ctx, &s.inputs);
        let feeds: Vec<(Tensor<'_>, Array)> = xs.iter().copied().zip(s.inputs.iter().cloned()).collect();
        let ys = build(ctx, def, &xs, s)?;
        let promised: Vec<_> = ys.iter().map(|t| t.known_shape()).collect();
        let d = derive(ctx, ys, feeds, 1)?;
        let out = evaluate(ctx, &d.tensors, &d.feeds)?;
        for (a, dims) in out.iter().zip(promised) {
            if dims.as_deref() != Some(a.shape()) {
                let got = crate::shape::Tuple(a.shape()).to_string();
                return Err(Error::new(ErrorKind::Shape, "sized", "another shape than promised", got, "the shape of the rule"));
            }
        }
        Ok(out)
    });
    let values = match values {
        // An index into an axis that became too short: the kernel says so.
        Err(e) if e.kind() == ErrorKind::Value => return Ok(0),
        other => other?,
    };
    let elementwise = matches!(&def.body, Body::Primitive(p) if matches!(p.support, Support::Elementwise(_)));
    let (Some(y), true) = (values.first(), elementwise) else { return Ok(values.len()) };
    let equal = s.inputs.iter().all(|a| a.shape() == y.shape());
    if equal && y.size() > 100 { pieces(def, s, y).map(|n| n + values.len()) } else { Ok(values.len()) }
}

/// Elements computed in pieces of 7 and 1 are the elements of the whole: places in vectors and tiles do not matter.
fn pieces(def: &'static OpDef, s: &Sample, whole: &Array) -> Result<usize> {
    let expected = numbers(whole);
    let mut n = 0;
    for (length, every) in [(7, 1), (1, 37)] {
        for start in (0..expected.len().saturating_sub(length)).step_by(length * every) {
            let part = |a: &Array| gathered(a, &[length], |i| i.first().map(|i| start + i));
            let cut = Sample { inputs: s.inputs.iter().map(part).collect::<Result<_>>()?, ..s.clone() };
            let found = run(|ctx| {
                let xs = placeholders(ctx, &cut.inputs);
                let ys = build(ctx, def, &xs, &cut)?;
                evaluate(ctx, &ys, &xs.into_iter().zip(cut.inputs.iter().cloned()).collect::<Vec<_>>())
            })?;
            let y = found.first().map(numbers).unwrap_or_default();
            let wanted = expected.get(start..start + length).unwrap_or(&[]);
            if y.iter().zip(wanted).any(|(a, b)| a.to_bits() != b.to_bits()) {
                return Err(Error::new(
                    ErrorKind::Value,
                    "pieces",
                    format_args!("other bits from {start} on"),
                    format_args!("{y:?}"),
                    format_args!("{wanted:?}"),
                ));
            }
            n += 1;
        }
    }
    Ok(n)
}
