//! Arrays joined along axes that they get for it.

use crate::error::{Error, ErrorKind, Result};
use crate::graph::Tensor;
use crate::graph::op::OpDef;
use crate::ops::movement::expand_dims;
use crate::ops::rearranging::{atleast_1d, atleast_2d, atleast_3d};
use crate::ops::slice::concat;
use crate::shape::{self, Tuple};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&STACK, &VSTACK, &HSTACK, &DSTACK, &COLUMN_STACK];

/// The first of the arrays that `op` joins.
fn first<'g>(op: &str, xs: &[Tensor<'g>]) -> Result<Tensor<'g>> {
    let nothing = || Error::new(ErrorKind::Shape, op, "there is nothing to join", "no array", "at least one array");
    xs.first().copied().ok_or_else(nothing)
}

row! {
    /// Arrays of one shape joined along a new axis, which stands at `axis` of the result.
    ///
    /// Gradient: the parts of `g`.
    pub STACK = fn stack(xs: [value]; axis: i64 = 0) -> y
    body {
        let one = first("stack", &xs)?;
        let axis = shape::axis("stack", axis, one.ndim() + 1)? as i64;
        let same = |x: &&Tensor<'_>| x.ndim() == one.ndim() && x.dims().iter().zip(one.dims()).all(|(a, b)| a.unify(*b).is_some());
        if let Some(x) = xs.iter().find(|x| !same(x)) {
            let got = format_args!("{} and {}", Tuple(one.dims()), Tuple(x.dims()));
            return Err(Error::new(ErrorKind::Shape, "stack", "the shapes differ", got, "one shape"));
        }
        concat(&xs.iter().map(|&x| expand_dims(x, axis)).collect::<Vec<_>>(), axis)
    }
    numpy "np.stack(xs, axis)";
    example "T.stack([[1, 2], [3, 4]], axis=1)" => "[[1 3]\n [2 4]]";
    case real[2, 3], real[2, 3];
    case real[2, 3], real[2, 3], real[2, 3] with axis = -1;
    case real[], real[];
    refuses f64[2], f64[3] => "stack: the shapes differ. Got (2,) and (3,); expected one shape.";
    refuses f64[2], f64[2] with axis = 2 => "stack: axis is out of range. Got axis=2 for 2 dimensions; expected -2 <= axis < 2.";
}
row! {
    /// Arrays joined along the first axis, one below the other; numbers and vectors are rows, as `atleast_2d` makes them.
    ///
    /// Gradient: the parts of `g`.
    pub VSTACK = fn vstack(xs: [value]) -> y
    body {
        first("vstack", &xs)?;
        concat(&xs.iter().map(|&x| atleast_2d(x)).collect::<Vec<_>>(), 0)
    }
    numpy "np.vstack(xs)";
    example "T.vstack([[1, 2], [[3, 4], [5, 6]]])" => "[[1 2]\n [3 4]\n [5 6]]";
    case real[3], real[2, 3];
    case real[], real[1];
    case real[2, 3, 2], real[1, 3, 2];
    refuses f64[2], f64[3] => "vstack: shapes differ off the axis. Got (1, 2) and (1, 3) for axis=0; expected equal lengths on the other axes.";
}
row! {
    /// Arrays joined along the second axis, one beside the other; numbers and vectors along their only one, as `atleast_1d` makes
    /// them.
    ///
    /// Gradient: the parts of `g`.
    pub HSTACK = fn hstack(xs: [value]) -> y
    body {
        let axis = i64::from(first("hstack", &xs)?.ndim() > 1);
        concat(&xs.iter().map(|&x| atleast_1d(x)).collect::<Vec<_>>(), axis)
    }
    numpy "np.hstack(xs)";
    example "T.hstack([0, [1, 2]])" => "[0 1 2]";
    case real[3], real[];
    case real[2, 3], real[2, 1];
    refuses f64[2], f64[2, 3] => "hstack: the arrays differ in rank. Got (2,) and (2, 3); expected equal numbers of axes.";
}
row! {
    /// Arrays joined along the third axis, one behind the other; those of fewer axes as `atleast_3d` makes them.
    ///
    /// Gradient: the parts of `g`.
    pub DSTACK = fn dstack(xs: [value]) -> y
    body {
        first("dstack", &xs)?;
        concat(&xs.iter().map(|&x| atleast_3d(x)).collect::<Vec<_>>(), 2)
    }
    numpy "np.dstack(xs)";
    example "T.dstack([[1, 2], [3, 4]])" => "[[[1 3]\n  [2 4]]]";
    case real[2, 3], real[2, 3, 2];
    refuses f64[2], f64[3] => "dstack: shapes differ off the axis. Got (1, 2, 1) and (1, 3, 1) for axis=2; expected equal lengths on the other axes.";
}
/// `x` as a column, if it has fewer than two axes.
fn column(x: Tensor<'_>) -> Tensor<'_> {
    match x.ndim() {
        0 => expand_dims(x, [0, 1]),
        1 => expand_dims(x, 1),
        _ => x,
    }
}

row! {
    /// Arrays joined along the second axis, of which numbers and vectors are columns.
    ///
    /// Gradient: the parts of `g`.
    pub COLUMN_STACK = fn column_stack(xs: [value]) -> y
    body {
        first("column_stack", &xs)?;
        concat(&xs.iter().map(|&x| column(x)).collect::<Vec<_>>(), 1)
    }
    numpy "np.column_stack(xs)";
    example "T.column_stack([[1, 2], [3, 4]])" => "[[1 3]\n [2 4]]";
    case real[2], real[2, 3];
    refuses f64[2], f64[3] => "column_stack: shapes differ off the axis. Got (2, 1) and (3, 1) for axis=1; expected equal lengths on the other axes.";
}
