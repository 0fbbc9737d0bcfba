//! Operations that are computed at once: outside of a context, on operands none of which is a tensor.
//!
//! Each is a graph of one operation, which is kept: the next call with operands of the same dtypes and shapes runs it and builds
//! nothing. Numbers of Python's are feeds too, unless their value is one that a rule or a kernel may read.

use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock};

use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::apply::{self, Built};
use super::context;
use super::convert;
use super::evaluator::{self, FedObjects};
use super::guarded;
use super::stand_in;
use super::table::Row;
use super::tensor::Filled;
use crate::api::context::Context;
use crate::api::feed::{Feed, FeedKey};
use crate::array::Array;
use crate::dtype::{DType, Scalar};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::attr::Attr;
use crate::graph::checkpoint::Checkpointing;
use crate::graph::op::{Class, OpDef};
use crate::graph::{Tensor as Handle, Value};
use crate::ops::apply::{Arg, apply_in, class, operands};
use crate::shape::Dims;
use crate::state::VariableEnvironment;

/// An operand: what a graph is built for, and what it is fed.
enum Operand {
    /// An array.
    Array(Feed<'static>),
    /// A number that each call may have another of.
    Open(Scalar),
    /// A number that the graph is built for.
    Number(Scalar),
    /// A shape full of a number.
    Filled(crate::array::Filled),
    /// No operand.
    Absent,
}

/// An operand as part of a key.
#[derive(PartialEq, Eq, Hash)]
enum Kind {
    Array(DType, Dims),
    Open(bool),
    Number(DType, u64),
    Filled(Dims, u64),
    Absent,
}

struct Key {
    def: &'static OpDef,
    operands: SmallVec<[Kind; 3]>,
    attrs: SmallVec<[Attr; 3]>,
}

impl PartialEq for Key {
    fn eq(&self, other: &Key) -> bool {
        std::ptr::eq(self.def, other.def) && self.operands == other.operands && self.attrs == other.attrs
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, h: &mut H) {
        std::ptr::from_ref(self.def).hash(h);
        self.operands.hash(h);
        self.attrs.hash(h);
    }
}

/// The graph of one operation.
struct Operation {
    ctx: Context,
    /// For each operand that is fed its placeholder and the placeholder's dtype.
    fed: SmallVec<[(Value, DType); 3]>,
    outputs: SmallVec<[Value; 1]>,
}

/// Operations that are kept at most.
const MOST: usize = 1024;
/// Operands of an operation that is kept at most: the graph of a long list is as long.
const LONGEST: usize = 64;
static KEPT: LazyLock<Mutex<FxHashMap<Key, Arc<Operation>>>> = LazyLock::new(Mutex::default);

/// Forgets the graphs.
pub fn forget() {
    let old = std::mem::take(&mut *KEPT.lock());
    drop(old);
}

/// Whether the number stays out of the graph. Small integers and simple fractions are powers, factors and bounds that rules
/// know; an integer that no narrow dtype has may widen its neighbour.
fn is_open(def: &OpDef, i: usize, s: Scalar) -> bool {
    let shared = matches!(class(def, i), Class::Float | Class::Number | Class::Value | Class::Compare | Class::Integer | Class::Bits);
    shared
        && match s {
            Scalar::Bool(_) => false,
            Scalar::Int(n) => i32::try_from(n).is_ok() && !(-4..=4).contains(&n),
            Scalar::Float(x) => x.is_finite() && ![0.0, 0.5, 1.0, 2.0, 3.0].contains(&x.abs()),
        }
}

/// Operands and what holds their memory.
#[derive(Default)]
struct Operands {
    all: SmallVec<[Operand; 3]>,
    owners: Vec<Py<PyAny>>,
}

impl Operands {
    fn push(&mut self, def: &OpDef, x: &Bound<'_, PyAny>) -> PyResult<()> {
        let one = if let Some(s) = convert::scalar(x)? {
            if is_open(def, self.all.len(), s) { Operand::Open(s) } else { Operand::Number(s) }
        } else if let Ok(f) = x.cast_exact::<Filled>() {
            Operand::Filled(f.get().0.clone())
        } else {
            let (feed, owner) = convert::to_feed(x)?;
            self.owners.extend(owner);
            Operand::Array(feed)
        };
        self.all.push(one);
        Ok(())
    }

    /// As parts of a key; `is_open` as it is, or with all numbers in the graph.
    fn kinds(&self, open: bool) -> SmallVec<[Kind; 3]> {
        let number = |s: Scalar| Kind::Number(s.dtype(), s.bytes(s.dtype()).map_or(0, u64::from_ne_bytes));
        let kind = |x: &Operand| match x {
            Operand::Array(f) => Kind::Array(f.dtype().unwrap_or(DType::F64), f.dims().into()),
            Operand::Open(s) if open => Kind::Open(s.dtype().is_float()),
            Operand::Open(s) | Operand::Number(s) => number(*s),
            Operand::Filled(f) => Kind::Filled(f.shape().into(), f.value().to_bits()),
            Operand::Absent => Kind::Absent,
        };
        self.all.iter().map(kind).collect()
    }
}

/// The values of a row of the op table on operands that are values.
pub fn compute<'py>(
    py: Python<'py>,
    def: &'static OpDef,
    xs: &Bound<'py, PyTuple>,
    attrs: impl FnOnce() -> PyResult<SmallVec<[Attr; 3]>>,
) -> Built<'py> {
    let mut given = Operands::default();
    apply::each_operand(def, xs, &mut |x| match x {
        Some(x) if apply::is_beyond(def, x) => {
            let other = xs.get_item(1 - given.all.len().min(1))?;
            let floats = convert::scalar(&other)?.map_or_else(|| convert::as_array(&other).map(|a| a.1), |s| Ok(s.dtype()))?.is_float();
            given.all.push(Operand::Number(apply::beyond(x, floats)?));
            Ok(())
        }
        Some(x) => given.push(def, x),
        None => {
            given.all.push(Operand::Absent);
            Ok(())
        }
    })?;
    let arrays = values(py, def, given, attrs()?)?;
    // What a row of several outputs gives: a list if it says so, else a tuple.
    let mut made: SmallVec<[Bound<'py, PyAny>; 1]> = SmallVec::new();
    for a in arrays {
        made.push(convert::to_value(py, a)?);
    }
    if def.lists {
        return Ok(PyList::new(py, made)?.into_any());
    }
    match made.len() {
        1 => made.pop().ok_or_else(|| Error::text(ErrorKind::Graph, format!("{}: there is no result", def.name)).into()),
        _ => Ok(PyTuple::new(py, made)?.into_any()),
    }
}

fn values(py: Python<'_>, def: &'static OpDef, given: Operands, attrs: SmallVec<[Attr; 3]>) -> PyResult<Vec<Array>> {
    let mut open = true;
    let mut key = Key { def, operands: given.kinds(open), attrs };
    loop {
        let found = KEPT.lock().get(&key).cloned();
        let kept = match found {
            Some(kept) => kept,
            None => {
                let made = Arc::new(Operation::new(def, &given.all, open, &key.attrs)?);
                if given.all.len() <= LONGEST {
                    let mut table = KEPT.lock();
                    if table.len() >= MOST {
                        table.clear();
                    }
                    table.insert(Key { def, operands: given.kinds(open), attrs: key.attrs.clone() }, made.clone());
                }
                made
            }
        };
        if let Some(held) = kept.feeds(&given.all, open) {
            let held = FedObjects { feeder: held, owners: given.owners };
            let made = evaluator::arrays(py, &kept.ctx, &kept.outputs, &[], &held, &Checkpointing::default())?;
            // The call itself is the place, which the traceback shows.
            return made.map_err(|e| e.unplaced().into());
        }
        // A number that its dtype cannot hold: the graph of the number itself says what becomes of it.
        open = false;
        key.operands = given.kinds(open);
    }
}

impl Operation {
    fn new(def: &'static OpDef, given: &[Operand], open: bool, attrs: &[Attr]) -> Result<Operation> {
        let ctx = Context::new(VariableEnvironment::new(), Some(DType::F64));
        let mut fed: SmallVec<[(Value, DType); 3]> = SmallVec::new();
        let outputs = {
            let mut place = |name: usize, dims: &[usize], dtype: DType| {
                let dims: SmallVec<[isize; 4]> = dims.iter().map(|&n| n as isize).collect();
                let t = ctx.placeholder_of(&format!("operand {name}"), &dims, dtype);
                fed.push((t.value(), dtype));
                t
            };
            // With all numbers in the graph it says which dtype each takes beside the others.
            let weak: SmallVec<[Arg<'_>; 4]> = given
                .iter()
                .enumerate()
                .map(|(i, x)| match x {
                    Operand::Array(f) => Arg::Tensor(place(i, f.dims(), f.dtype().unwrap_or(DType::F64))),
                    Operand::Open(s) | Operand::Number(s) => Arg::Weak(*s),
                    Operand::Filled(f) => Arg::Filled(f.clone()),
                    Operand::Absent => Arg::Absent,
                })
                .collect();
            let mut args = weak.clone();
            if open && given.iter().any(|x| matches!(x, Operand::Open(_))) {
                let resolved = operands(ctx.graph(), def, &weak)?;
                let mut present = resolved.iter();
                for (i, (x, arg)) in given.iter().zip(&mut args).enumerate() {
                    let dtype = if matches!(x, Operand::Absent) { None } else { present.next().map(Handle::dtype) };
                    if let (Operand::Open(_), Some(dtype)) = (x, dtype) {
                        *arg = Arg::Tensor(place(i, &[], dtype));
                    }
                }
            }
            let out = apply_in(ctx.graph(), def, &args, attrs)?;
            out.iter().map(Handle::value).collect()
        };
        // Feeds come in the order of the operands, numbers after arrays.
        Ok(Operation { ctx, fed, outputs })
    }

    /// The feeds of a call; None if a number does not fit the dtype that the graph has for it.
    fn feeds(&self, given: &[Operand], open: bool) -> Option<crate::api::feed::Feeder<'static>> {
        let mut feeder = crate::api::feed::Feeder::new();
        let mut rest = self.fed.iter();
        for x in given {
            if let Operand::Array(f) = x {
                let (value, _) = rest.next()?;
                feeder.feeds.push((self.ctx.tensor(*value).target(), f.clone()));
            }
        }
        for x in given {
            if let (Operand::Open(s), true) = (x, open) {
                let (value, dtype) = rest.next()?;
                s.bytes(*dtype)?;
                feeder.feeds.push((self.ctx.tensor(*value).target(), Feed::scalar(*s)));
            }
        }
        Some(feeder)
    }
}

/// An operator of two operands, the first of which is a value; what is no operand is left to the other side.
#[pyfunction]
pub fn _operate<'py>(row: &Bound<'py, Row>, a: &Bound<'py, PyAny>, b: &Bound<'py, PyAny>, reflected: bool) -> Built<'py> {
    guarded(|| {
        let py = row.py();
        // A tensor takes the value as a constant of its own graph.
        let foreign = || matches!(convert::scalar(b), Ok(None)) && !b.is_exact_instance_of::<Filled>() && !convert::is_operand(b);
        if stand_in::tensor(b).is_some() || foreign() {
            return Ok(py.NotImplemented().into_bound(py));
        }
        let xs = if reflected { PyTuple::new(py, [b, a])? } else { PyTuple::new(py, [a, b])? };
        compute(py, row.get().0, &xs, || Ok(SmallVec::new()))
    })
}

/// `f(*args, **options)` as outside of all contexts: what has no tensor among its operands is computed.
#[pyfunction]
#[pyo3(signature = (f, args, options=None))]
pub fn _at_once<'py>(f: &Bound<'py, PyAny>, args: &Bound<'py, PyTuple>, options: Option<&Bound<'py, pyo3::types::PyDict>>) -> Built<'py> {
    guarded(|| context::outside(|| f.call(args, options)))
}
