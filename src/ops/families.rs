//! What rows of one family share: shape and dtype rules, samples, bad inputs.

use std::borrow::Cow;

use smallvec::smallvec;

use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::attr::{Attr, AttrType};
use crate::graph::op::{Avals, Bad, Case, Domain, Infer, Vjp};
use crate::shape::{Aval, Dim, Shape, broadcast};

/// The operand rule of an elementwise kind.
macro_rules! operands {
    (float) => {
        Operands::Float
    };
    (numeric) => {
        Operands::Promote
    };
    (compare) => {
        Operands::Compare
    };
    (logic) => {
        Operands::Boolean
    };
    (integer) => {
        Operands::Promote
    };
    (bits) => {
        Operands::Promote
    };
}
/// The shape and dtype rule of an elementwise kind.
macro_rules! infer {
    (float) => {
        $crate::ops::families::elementwise
    };
    (numeric) => {
        $crate::ops::families::numeric
    };
    (compare) => {
        $crate::ops::families::boolean
    };
    (logic) => {
        $crate::ops::families::boolean
    };
    (integer) => {
        $crate::ops::families::integers
    };
    (bits) => {
        $crate::ops::families::bits
    };
}
/// Bad inputs of an elementwise kind.
macro_rules! refused {
    (numeric, $name:expr, $n:literal) => {
        $crate::ops::families::bools_refused($name, $n)
    };
    (integer, $name:expr, $n:literal) => {
        $crate::ops::families::integers_only($name, $n)
    };
    (bits, $name:expr, $n:literal) => {
        $crate::ops::families::floats_refused($name, $n)
    };
    ($kind:ident, $name:expr, $n:literal) => {
        vec![]
    };
}
/// A dtype that an elementwise kind takes.
macro_rules! taken {
    (integer) => {
        $crate::dtype::DType::I64
    };
    (bits) => {
        $crate::dtype::DType::I64
    };
    ($kind:ident) => {
        $crate::dtype::DType::F64
    };
}
pub(crate) use {infer, operands, refused, taken};

/// A row's input or a composite's operand; the faces check their number.
pub fn input<T>(x: Option<T>) -> Result<T> {
    x.ok_or_else(|| Error::text(ErrorKind::Graph, "apply: an input is missing"))
}

/// A row's attribute; the faces check number and kinds.
pub fn attr<T: AttrType>(a: Option<&Attr>) -> Result<T> {
    T::unpack(input(a)?)
}

/// A kernel was called with another number of views than its row has: an error of the engine, kept from panicking.
pub fn arity(op: &str) -> Error {
    Error::text(ErrorKind::Graph, format!("{op}: its kernel got another number of arrays than its row declares"))
}

/// A raw identifier without its mark.
pub const fn plain(name: &'static str) -> &'static str {
    match name.as_bytes() {
        // SAFETY: the rest of a string after two ASCII characters is a string.
        [b'r', b'#', rest @ ..] => unsafe { std::str::from_utf8_unchecked(rest) },
        _ => name,
    }
}

/// True if input `i`'s cotangent is asked for.
pub fn wants(v: &Vjp<'_, '_>, i: usize) -> bool {
    v.wanted.get(i).copied().unwrap_or(false)
}

/// True if two lists of names are equal; const, so that a row with a missing rule does not compile.
pub const fn same(a: &[&str], b: &[&str]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        let (x, y) = (a[i].as_bytes(), b[i].as_bytes());
        if x.len() != y.len() {
            return false;
        }
        let mut k = 0;
        while k < x.len() {
            if x[k] != y[k] {
                return false;
            }
            k += 1;
        }
        i += 1;
    }
    true
}

/// The broadcast shape of all inputs.
pub fn broadcast_all(c: &mut Infer<'_>) -> Result<Shape> {
    let mut shape = Shape::new();
    for x in c.inputs {
        shape = broadcast(c.op, &shape, &x.shape, c.fresh)?;
    }
    Ok(shape)
}

/// Broadcast shape, dtype of the inputs.
pub fn elementwise(c: &mut Infer<'_>) -> Result<Avals> {
    let dtype = c.inputs.last().map_or(DType::F64, |x| x.dtype);
    Ok(smallvec![Aval { dtype, shape: broadcast_all(c)? }])
}

/// As [`elementwise`], for numbers: bools are refused, as NumPy's `-` refuses them.
pub fn numeric(c: &mut Infer<'_>) -> Result<Avals> {
    c.inputs.iter().try_for_each(|x| check_number(c.op, x.dtype))?;
    elementwise(c)
}

/// An error of the op `op` for bools.
pub fn check_number(op: &str, dtype: DType) -> Result<()> {
    if dtype != DType::Bool {
        return Ok(());
    }
    let e = Error::new(ErrorKind::DType, op, "bools are not numbers", "bool", "an integer or floating dtype");
    Err(e.help("use `logical_and`, `logical_or`, `logical_xor` or `logical_not`, or cast to a number"))
}

/// As [`elementwise`], for integers alone.
pub fn integers(c: &mut Infer<'_>) -> Result<Avals> {
    match c.inputs.iter().find(|x| !x.dtype.is_int()) {
        Some(x) => c.dtype_error("not integers", x.dtype, "int32 or int64"),
        None => elementwise(c),
    }
}

/// As [`elementwise`], for what has bits to work on: floats are refused, as NumPy refuses them.
pub fn bits(c: &mut Infer<'_>) -> Result<Avals> {
    match c.inputs.iter().find(|x| x.dtype.is_float()) {
        Some(x) => c
            .dtype_error("floating numbers have no bits to work on", x.dtype, "integers or bools")
            .map_err(|e| e.help("compare first, as in `(x > 0) & (x < 1)`, or use `logical_and` and its like")),
        None => elementwise(c),
    }
}

/// Broadcast shape, bool.
pub fn boolean(c: &mut Infer<'_>) -> Result<Avals> {
    Ok(smallvec![Aval { dtype: DType::Bool, shape: broadcast_all(c)? }])
}

/// The shape of a reduction over sorted `axes`.
pub fn reduced(x: &Aval, axes: &[usize], keepdims: bool) -> Shape {
    let kept = x.shape.iter().enumerate();
    kept.filter_map(|(i, &d)| match axes.contains(&i) {
        true if keepdims => Some(Dim::Known(1)),
        true => None,
        false => Some(d),
    })
    .collect()
}

/// A case of shapes that all have one domain.
pub fn case(domain: Domain, shapes: &[&[usize]], attrs: Vec<Attr>) -> Case {
    Case { inputs: shapes.iter().map(|s| (domain, s.to_vec())).collect(), attrs }
}

/// A case of inputs with domains of their own.
pub fn mixed(inputs: &[(Domain, &[usize])], attrs: Vec<Attr>) -> Case {
    Case { inputs: inputs.iter().map(|(d, s)| (*d, s.to_vec())).collect(), attrs }
}

/// Shapes for an elementwise op of one operand.
pub fn unary_cases(domain: Domain) -> Vec<Case> {
    [&[][..], &[1], &[5], &[2, 3], &[2, 1, 3]].into_iter().map(|s| case(domain, &[s], vec![])).collect()
}

/// Shapes for an elementwise op of two operands: equal, and broadcast in every way.
pub fn binary_cases(a: Domain, b: Domain) -> Vec<Case> {
    let pairs: [(&[usize], &[usize]); 6] =
        [(&[], &[]), (&[4], &[4]), (&[2, 3], &[3]), (&[2, 1], &[1, 3]), (&[], &[2, 2]), (&[2, 3, 2], &[3, 1])];
    pairs.into_iter().map(|(x, y)| mixed(&[(a, x), (b, y)], vec![])).collect()
}

/// What an elementwise op of two operands refuses.
pub fn binary_bad(op: &'static str) -> Vec<Bad> {
    binary_bad_of(op, DType::F64)
}

/// As [`binary_bad`], for operands of a dtype.
pub fn binary_bad_of(op: &'static str, dtype: DType) -> Vec<Bad> {
    let text =
        format!("{op}: shapes do not broadcast. Got (2, 3) and (4,); expected equal lengths, or 1, on each axis counted from the last.");
    vec![bad_of(&[(dtype, &[2, 3]), (dtype, &[4])], vec![], text)]
}

/// What an op of numbers refuses: bools.
pub fn bools_refused(op: &'static str, inputs: usize) -> Vec<Bad> {
    let text = format!(
        "{op}: bools are not numbers. Got bool; expected an integer or floating dtype.\nhelp: use `logical_and`, `logical_or`, \
         `logical_xor` or `logical_not`, or cast to a number"
    );
    vec![bad_of(&vec![(DType::Bool, &[2][..]); inputs], vec![], text)]
}

/// What an op of integers refuses.
pub fn integers_only(op: &'static str, inputs: usize) -> Vec<Bad> {
    let refused = |dtype: DType| {
        let text = format!("{op}: not integers. Got {dtype}; expected int32 or int64.");
        bad_of(&vec![(dtype, &[2][..]); inputs], vec![], text)
    };
    vec![refused(DType::F64), refused(DType::Bool)]
}

/// What an op of bits refuses: floats.
pub fn floats_refused(op: &'static str, inputs: usize) -> Vec<Bad> {
    let text = format!(
        "{op}: floating numbers have no bits to work on. Got float64; expected integers or bools.\nhelp: compare first, as in \
         `(x > 0) & (x < 1)`, or use `logical_and` and its like"
    );
    vec![bad_of(&vec![(DType::F64, &[2][..]); inputs], vec![], text)]
}

/// A bad input of f64 tensors.
pub fn bad(shapes: &[&[usize]], attrs: Vec<Attr>, message: impl Into<Cow<'static, str>>) -> Bad {
    Bad { inputs: shapes.iter().map(|s| (DType::F64, s.to_vec())).collect(), attrs, message: message.into() }
}

/// A bad input of tensors with dtypes of their own.
pub fn bad_of(inputs: &[(DType, &[usize])], attrs: Vec<Attr>, message: impl Into<Cow<'static, str>>) -> Bad {
    Bad { inputs: inputs.iter().map(|(d, s)| (*d, s.to_vec())).collect(), attrs, message: message.into() }
}
