//! Checks of what a row returns: its types, its values in narrower dtypes, its messages.

use super::arrays::compare;
use super::program::{Derived, build, derive, evaluate, placeholders};
use super::replay::{SINGLE, close};
use super::sample::{Numbers, Sample, array, widened};
use crate::api::context::run;
use crate::array::Array;
use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::attr::Attr;
use crate::graph::op::{Body, Domain, Kernel, OpDef};
use crate::graph::{Tensor, attr};
use crate::shape::Tuple;

/// The type that a rule promised and the one that came.
fn promised(t: Tensor<'_>, a: &Array) -> Result<()> {
    let fits = t.ndim() == a.ndim() && t.dims().iter().zip(a.shape()).all(|(d, &n)| d.known().is_none_or(|k| k == n));
    if fits && t.dtype() == a.dtype() {
        return Ok(());
    }
    let got = format!("{} {}", a.dtype(), Tuple(a.shape()));
    Err(Error::new(ErrorKind::Shape, "types", "a run returns another type than the rule", got, t.aval()))
}

/// The rule of a kernel that works element by element gives the shape that the operands broadcast to.
fn one_by_one(def: &OpDef, s: &Sample, ys: &[Tensor<'_>]) -> Result<()> {
    if !matches!(&def.body, Body::Primitive(p) if matches!(p.kernel, Kernel::Tile(_))) {
        return Ok(());
    }
    let ndim = s.inputs.iter().map(Array::ndim).max().unwrap_or(0);
    let mut dims = vec![1; ndim];
    for a in &s.inputs {
        for (d, &n) in dims.iter_mut().rev().zip(a.shape().iter().rev()) {
            *d = if *d == 1 { n } else { *d };
        }
    }
    match ys.iter().find(|y| y.known_shape().is_none_or(|shape| shape[..] != dims[..])) {
        Some(y) => Err(Error::new(ErrorKind::Shape, "types", "the kernel works element by element", y.aval(), Tuple(&dims))),
        None => Ok(()),
    }
}

/// The rule equals the run: on the sample, and on random shapes and dtypes wherever the rule accepts them; what the rule
/// refuses when all lengths are known, a run refuses where only the feeds tell.
pub fn types(def: &'static OpDef, s: &Sample) -> Result<usize> {
    let one = |s: &Sample| -> Result<Option<usize>> {
        run(|ctx| {
            let xs = placeholders(ctx, &s.inputs);
            let Ok(ys) = build(ctx, def, &xs, s) else { return Ok(None) };
            one_by_one(def, s, &ys)?;
            let feeds: Vec<_> = xs.into_iter().zip(s.inputs.iter().cloned()).collect();
            let out = match evaluate(ctx, &ys, &feeds) {
                Ok(out) => out,
                // The kernel may refuse values (an index out of range), but nothing else.
                Err(e) if matches!(e.kind(), ErrorKind::Value | ErrorKind::LinAlg) => return Ok(Some(0)),
                Err(e) => return Err(e),
            };
            ys.iter().zip(&out).try_for_each(|(t, a)| promised(*t, a))?;
            Ok(Some(out.len()))
        })
    };
    let late = |s: &Sample, refused: bool, r: &mut Numbers| -> Result<()> {
        run(|ctx| {
            let mut hide = |a: &Array| a.shape().iter().map(|&n| if r.below(2) == 0 { -1 } else { n as isize }).collect::<Vec<_>>();
            let xs: Vec<_> = s.inputs.iter().enumerate().map(|(i, a)| ctx.placeholder_of(&format!("x{i}"), &hide(a), a.dtype())).collect();
            let Ok(ys) = build(ctx, def, &xs, s) else { return Ok(()) };
            let feeds: Vec<_> = xs.into_iter().zip(s.inputs.iter().cloned()).collect();
            match evaluate(ctx, &ys, &feeds) {
                Ok(_) if refused => {
                    let shapes: Vec<String> = s.inputs.iter().map(|a| Tuple(a.shape()).to_string()).collect();
                    Err(Error::new(
                        ErrorKind::Shape,
                        "types",
                        "a run takes what the rule refuses",
                        shapes.join(", "),
                        "an error of the run",
                    ))
                }
                Ok(out) => ys.iter().zip(&out).try_for_each(|(t, a)| promised(*t, a)),
                Err(_) if refused => Ok(()),
                Err(e) if matches!(e.kind(), ErrorKind::Value | ErrorKind::LinAlg) => Ok(()),
                Err(e) => Err(e),
            }
        })
    };
    let hidden = def.exempt(crate::graph::op::Check::Unknown).is_none();
    let mut total = one(s)?.ok_or_else(|| Error::text(ErrorKind::Shape, "types: a case of the row is refused"))?;
    let mut r = Numbers::new(11);
    for _ in 0..OTHERS {
        let other = other(s, &mut r)?;
        let made = one(&other)?;
        total += made.unwrap_or(0);
        if hidden {
            late(&other, made.is_none(), &mut r)?;
        }
    }
    Ok(total)
}

/// How many random inputs a row is tried on.
const OTHERS: usize = 80;

/// The sample with random shapes and dtypes, which the row may refuse.
fn other(s: &Sample, r: &mut Numbers) -> Result<Sample> {
    let shape = |r: &mut Numbers| (0..r.below(4)).map(|_| r.below(4)).collect::<Vec<_>>();
    let mut other = s.clone();
    let common = shape(r);
    for (a, d) in other.inputs.iter_mut().zip(&s.domains) {
        let dims = if r.below(3) == 0 { common.clone() } else { shape(r) };
        let domain = if d.is_matrices() { Domain::Real } else { *d };
        *a = array(domain, &dims, r.bits())?;
    }
    let dtype = [DType::F64, DType::F32, DType::I32, DType::I64][r.below(4)];
    let mut other = other.converted(dtype)?;
    for a in &mut other.inputs {
        // Now and then a dtype that the row may refuse.
        if r.below(6) == 0 {
            *a = Array::zeros(DType::ALL[r.below(5)], a.shape())?;
        }
    }
    Ok(other)
}

/// Values and gradients with unknown lengths have the bits that they have with known ones: all lengths unknown, and the
/// first of each input.
pub fn unknown(def: &'static OpDef, s: &Sample) -> Result<usize> {
    let evaluated = |hide: &dyn Fn(usize) -> bool| -> Result<Vec<Array>> {
        run(|ctx| {
            let hidden = |a: &Array| a.shape().iter().enumerate().map(|(k, &n)| if hide(k) { -1 } else { n as isize }).collect::<Vec<_>>();
            let xs: Vec<Tensor<'_>> =
                s.inputs.iter().enumerate().map(|(i, a)| ctx.placeholder_of(&format!("x{i}"), &hidden(a), a.dtype())).collect();
            let ys = build(ctx, def, &xs, s)?;
            let d = derive(ctx, ys, xs.into_iter().zip(s.inputs.iter().cloned()).collect(), 2)?;
            let out = evaluate(ctx, &d.tensors, &d.feeds)?;
            d.tensors.iter().zip(&out).try_for_each(|(t, a)| promised(*t, a))?;
            Ok(out)
        })
    };
    let expected = evaluated(&|_| false)?;
    let mut n = 0;
    for (what, hide) in [("all lengths unknown", (|_| true) as fn(usize) -> bool), ("the first length unknown", |k| k == 0)] {
        let found = match evaluated(&hide) {
            // A row with a reason says itself what it misses; a reason that is not needed shows.
            Err(_) if def.exempt(crate::graph::op::Check::Unknown).is_some() => return Ok(0),
            found => found?,
        };
        n += compare(def, what, &found, &expected)?;
    }
    Ok(n)
}

pub(super) fn valued(def: &'static OpDef, s: &Sample, order: usize) -> Result<Vec<Array>> {
    run(|ctx| {
        let xs = placeholders(ctx, &s.inputs);
        let ys = build(ctx, def, &xs, s)?;
        let d: Derived<'_> = derive(ctx, ys, xs.into_iter().zip(s.inputs.iter().cloned()).collect(), order)?;
        evaluate(ctx, &d.tensors, &d.feeds)
    })
}

/// `float32` against `float64` on the same numbers, gradients too; integers against `float64`.
pub fn narrow(def: &'static OpDef, s: &Sample) -> Result<usize> {
    if s.inputs.iter().all(|a| a.dtype() != DType::F64) {
        return Ok(0);
    }
    let narrow = s.converted(DType::F32)?;
    let back = |s: &Sample| -> Result<Sample> {
        let inputs = s.inputs.iter().zip(&s.domains).map(|(a, d)| match d {
            Domain::Index(_) | Domain::Label(_) | Domain::Bool => Ok(a.clone()),
            _ => widened(a),
        });
        Ok(Sample { inputs: inputs.collect::<Result<_>>()?, ..s.clone() })
    };
    let named = s.attrs.iter().any(|a| matches!(a, Attr::DType(_)));
    let (found, expected) = (valued(def, &narrow, 1)?, valued(def, &back(&narrow)?, 1)?);
    for (k, (a, b)) in found.iter().zip(&expected).enumerate() {
        if a.dtype().is_float() && a.dtype() != DType::F32 && !named {
            return Err(Error::new(ErrorKind::DType, "narrow", format_args!("output {k} of float32"), a.dtype(), DType::F32));
        }
        close(&format!("float32, output {k}"), a, b, SINGLE)?;
    }
    let mut n = found.len();
    for dtype in [DType::I32, DType::I64] {
        let ints = s.converted(dtype)?;
        // A row that takes only floats refuses integers when it is built.
        let Ok(found) = valued(def, &ints, 0) else { continue };
        let expected = valued(def, &back(&ints)?, 0)?;
        for (k, (a, b)) in found.iter().zip(&expected).enumerate() {
            close(&format!("{dtype}, output {k}"), a, b, 1e-14)?;
            n += 1;
        }
    }
    Ok(n)
}

/// The sample with values that are hard on kernels and rewrites: signed zeros, infinities, NaN, subnormal and huge numbers.
pub fn special(s: &Sample) -> Result<Sample> {
    const HARD: [f64; 12] = [0.0, -0.0, 1.0, -1.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 5e-324, -1e-310, 1e308, -1e308, 0.5];
    let mut r = Numbers::new(5);
    let hard = |a: &Array, r: &mut Numbers| match a.dtype() {
        DType::F64 => Array::from_slice(&(0..a.size()).map(|_| HARD[r.below(HARD.len())]).collect::<Vec<_>>(), a.shape()),
        _ => Ok(a.clone()),
    };
    Ok(Sample { inputs: s.inputs.iter().map(|a| hard(a, &mut r)).collect::<Result<_>>()?, ..s.clone() })
}

/// A row without bad inputs takes every shape and dtype.
fn unrefused(def: &'static OpDef) -> Result<usize> {
    let mut n = 0;
    for (i, case) in (def.cases)().iter().enumerate() {
        let (s, mut r) = (Sample::new(case, i as u64 + 1)?, Numbers::new(i as u64));
        for _ in 0..OTHERS {
            let other = other(&s, &mut r)?;
            run(|ctx| build(ctx, def, &placeholders(ctx, &other.inputs), &other).map(|_| ())).map_err(|e| {
                let what = "messages: the row refuses inputs, and none of its `bad` inputs says so";
                Error::text(e.kind(), format!("{what}. Got\n  {e}\nexpected that message among them"))
            })?;
            n += 1;
        }
    }
    Ok(n)
}

/// Each bad input gives exactly its message, when it is built or when it runs. Without bad inputs, there are none.
pub fn messages(def: &'static OpDef) -> Result<usize> {
    let bad = (def.bad)();
    if bad.is_empty() {
        return unrefused(def);
    }
    for b in &bad {
        let got = run(|ctx| {
            let arrays = b.inputs.iter().map(|(dtype, dims)| Array::zeros(*dtype, dims)).collect::<Result<Vec<_>>>()?;
            let xs = placeholders(ctx, &arrays);
            let s = Sample { domains: vec![], inputs: arrays, absent: vec![], attrs: b.attrs.clone() };
            let (ys, arrays) = (build(ctx, def, &xs, &s)?, s.inputs);
            evaluate(ctx, &ys, &xs.into_iter().zip(arrays).collect::<Vec<_>>())
        });
        let text = match got {
            Ok(_) => "no error".to_owned(),
            Err(e) => e.to_string(),
        };
        if text != b.message {
            let shapes: Vec<String> = b.inputs.iter().map(|(d, s)| format!("{d} {}", Tuple(s))).collect();
            let attrs: Vec<String> = b.attrs.iter().map(attr::Attr::to_string).collect();
            let what = format!("another message for {} ({})", shapes.join(", "), attrs.join(", "));
            return Err(Error::text(ErrorKind::Value, format!("messages: {what}. Got\n  {text}\nexpected\n  {}", b.message)));
        }
    }
    Ok(bad.len())
}
