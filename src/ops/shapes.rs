//! Rules for shapes and dtypes that several rows have.

use smallvec::smallvec;

use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::op::{Avals, Infer};
use crate::shape::{Aval, Dim, Shape, broadcast};

/// The broadcast shape of all inputs.
pub(crate) fn broadcast_all(c: &mut Infer<'_>) -> Result<Shape> {
    let mut shape = Shape::new();
    for x in c.inputs {
        shape = broadcast(c.op, &shape, &x.shape, c.fresh)?;
    }
    Ok(shape)
}

/// Broadcast shape, dtype of the inputs.
pub(crate) fn elementwise(c: &mut Infer<'_>) -> Result<Avals> {
    let dtype = c.inputs.last().map_or(DType::F64, |x| x.dtype);
    Ok(smallvec![Aval { dtype, shape: broadcast_all(c)? }])
}

/// As [`elementwise`], for numbers: bools are refused, as NumPy's `-` refuses them.
pub(crate) fn numeric(c: &mut Infer<'_>) -> Result<Avals> {
    c.inputs.iter().try_for_each(|x| check_number(c.op, x.dtype))?;
    elementwise(c)
}

/// An error of the op `op` for bools.
pub(crate) fn check_number(op: &str, dtype: DType) -> Result<()> {
    if dtype != DType::Bool {
        return Ok(());
    }
    let e = Error::new(ErrorKind::DType, op, "bools are not numbers", "bool", "an integer or floating dtype");
    Err(e.help("use `logical_and`, `logical_or`, `logical_xor` or `logical_not`, or cast to a number"))
}

/// As [`elementwise`], for integers alone.
pub(crate) fn integers(c: &mut Infer<'_>) -> Result<Avals> {
    match c.inputs.iter().find(|x| !x.dtype.is_int()) {
        Some(x) => c.dtype_error("not integers", x.dtype, "int32 or int64"),
        None => elementwise(c),
    }
}

/// As [`elementwise`], for what has bits to work on: floats are refused, as NumPy refuses them.
pub(crate) fn bits(c: &mut Infer<'_>) -> Result<Avals> {
    match c.inputs.iter().find(|x| x.dtype.is_float()) {
        Some(x) => c
            .dtype_error("floating numbers have no bits to work on", x.dtype, "integers or bools")
            .map_err(|e| e.help("compare first, as in `(x > 0) & (x < 1)`, or use `logical_and` and its like")),
        None => elementwise(c),
    }
}

/// Broadcast shape, bool.
pub(crate) fn boolean(c: &mut Infer<'_>) -> Result<Avals> {
    Ok(smallvec![Aval { dtype: DType::Bool, shape: broadcast_all(c)? }])
}

/// The shape of a reduction over sorted `axes`.
pub(crate) fn reduced(x: &Aval, axes: &[usize], keepdims: bool) -> Shape {
    let kept = x.shape.iter().enumerate();
    kept.filter_map(|(i, &d)| match axes.contains(&i) {
        true if keepdims => Some(Dim::Known(1)),
        true => None,
        false => Some(d),
    })
    .collect()
}
