//! Shapes with known and unknown dimensions, broadcasting, axes, strides.

use std::fmt;

use smallvec::SmallVec;

use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};

/// The lengths of an array's axes.
pub type Dims = SmallVec<[usize; 4]>;
/// Strides in elements.
pub type Strides = SmallVec<[isize; 4]>;

/// One dimension of a node's shape: a number, or a symbol that a feed will decide.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Dim {
    /// Known when the graph is built.
    Known(usize),
    /// Known when a plan is compiled for concrete feeds.
    Sym(u32),
}

impl Dim {
    /// The number, if it is known.
    pub fn known(self) -> Option<usize> {
        match self {
            Dim::Known(n) => Some(n),
            Dim::Sym(_) => None,
        }
    }
    /// Two dimensions that must be equal: the known one wins; symbols are checked when a plan is compiled.
    pub fn unify(self, other: Dim) -> Option<Dim> {
        match (self, other) {
            (Dim::Known(a), Dim::Known(b)) if a != b => None,
            (Dim::Known(_), _) => Some(self),
            (Dim::Sym(_), Dim::Known(_)) => Some(other),
            (Dim::Sym(_), Dim::Sym(_)) => Some(self),
        }
    }
}

/// The shape of a node.
pub type Shape = SmallVec<[Dim; 4]>;

/// A shape of known dimensions.
pub fn known(dims: &[usize]) -> Shape {
    dims.iter().map(|&n| Dim::Known(n)).collect()
}

/// The numbers of a shape, if all of them are known.
pub fn concrete(shape: &[Dim]) -> Option<Dims> {
    shape.iter().map(|d| d.known()).collect()
}

/// What is known of a value before it is computed: dtype and shape.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Aval {
    /// The dtype.
    pub dtype: DType,
    /// The shape.
    pub shape: Shape,
}

impl Aval {
    /// An aval of a dtype and a shape.
    pub fn new(dtype: DType, shape: impl IntoIterator<Item = Dim>) -> Aval {
        Aval { dtype, shape: shape.into_iter().collect() }
    }
    /// An error if there are more elements than can be counted.
    pub fn check(&self, op: &str) -> Result<()> {
        let known: Dims = self.shape.iter().filter_map(|d| d.known()).collect();
        if fits(&known, 1) {
            return Ok(());
        }
        let rule = format_args!("at most {} elements", isize::MAX);
        Err(Error::new(ErrorKind::Shape, op, "the array is too large", Tuple(&self.shape), rule))
    }
    /// Number of axes.
    pub fn ndim(&self) -> usize {
        self.shape.len()
    }
    /// The numbers of the shape, if all are known.
    pub fn dims(&self) -> Option<Dims> {
        concrete(&self.shape)
    }
}

impl fmt::Display for Aval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.dtype)?;
        f.write_str("[")?;
        for (i, d) in self.shape.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            match d {
                Dim::Known(n) => write!(f, "{n}")?,
                Dim::Sym(s) => write!(f, "n{s}")?,
            }
        }
        f.write_str("]")
    }
}

/// A concrete dtype and shape.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Ty {
    /// The dtype.
    pub dtype: DType,
    /// The lengths.
    pub dims: Dims,
}

impl Ty {
    /// Number of elements.
    pub fn count(&self) -> usize {
        count(&self.dims)
    }
    /// Bytes of a C-contiguous array.
    pub fn bytes(&self) -> usize {
        self.count() * self.dtype.size()
    }
    /// As an aval.
    pub fn aval(&self) -> Aval {
        Aval { dtype: self.dtype, shape: known(&self.dims) }
    }
}

impl fmt::Display for Ty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.aval())
    }
}

/// A shape written as Python writes a tuple: `(2, 3)`, `(4,)`, `()`; an unknown dimension is `?`.
pub struct Tuple<'a, T>(pub &'a [T]);

impl<T: TupleItem> fmt::Display for Tuple<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        for (i, d) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            d.write(f)?;
        }
        f.write_str(if self.0.len() == 1 { ",)" } else { ")" })
    }
}

/// An entry of a [`Tuple`].
pub trait TupleItem {
    /// Writes the entry.
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;
}
impl TupleItem for Dim {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Dim::Known(n) => write!(f, "{n}"),
            Dim::Sym(_) => f.write_str("?"),
        }
    }
}
macro_rules! tuple_item {
    ($($t:ty)+) => {$(impl TupleItem for $t {
        fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{self}")
        }
    })+};
}
tuple_item! { usize isize i64 }

/// NumPy's broadcast of two shapes. A symbol beside 1 gives the symbol, beside `n` it gives `n` (the feed may be 1 or
/// `n`), beside another symbol it gives `fresh()`.
pub fn broadcast(op: &str, a: &[Dim], b: &[Dim], fresh: &mut dyn FnMut() -> Dim) -> Result<Shape> {
    // Most operands are alike, or one is a number.
    if a == b || b.is_empty() {
        return Ok(Shape::from_slice(a));
    }
    if a.is_empty() {
        return Ok(Shape::from_slice(b));
    }
    let n = a.len().max(b.len());
    let pad = |s: &[Dim], i: usize| if i + s.len() >= n { s.get(i + s.len() - n).copied() } else { None };
    (0..n)
        .map(|i| {
            let one = Dim::Known(1);
            let (x, y) = (pad(a, i).unwrap_or(one), pad(b, i).unwrap_or(one));
            match (x, y) {
                (x, y) if x == y => Ok(x),
                (Dim::Known(1), d) | (d, Dim::Known(1)) => Ok(d),
                (Dim::Sym(_), Dim::Sym(_)) => Ok(fresh()),
                (Dim::Sym(_), d) | (d, Dim::Sym(_)) => Ok(d),
                _ => Err(Error::new(
                    ErrorKind::Shape,
                    op,
                    "shapes do not broadcast",
                    format_args!("{} and {}", Tuple(a), Tuple(b)),
                    "equal lengths, or 1, on each axis counted from the last",
                )),
            }
        })
        .collect()
}

/// An axis in `-ndim..ndim` as an index.
pub fn axis(op: &str, axis: i64, ndim: usize) -> Result<usize> {
    let n = ndim as i64;
    if axis < -n || axis >= n {
        return Err(Error::new(
            ErrorKind::Shape,
            op,
            "axis is out of range",
            format_args!("axis={axis} for {ndim} dimension{}", if ndim == 1 { "" } else { "s" }),
            if ndim == 0 { "no axis for a 0-d array".to_owned() } else { format!("-{ndim} <= axis < {ndim}") },
        ));
    }
    Ok(axis.rem_euclid(n) as usize)
}

/// Several axes as a sorted list without repeats; `None` means all of them.
pub fn axes(op: &str, list: Option<&[i64]>, ndim: usize) -> Result<SmallVec<[usize; 4]>> {
    let Some(list) = list else { return Ok((0..ndim).collect()) };
    let mut out: SmallVec<[usize; 4]> = list.iter().map(|&a| axis(op, a, ndim)).collect::<Result<_>>()?;
    out.sort_unstable();
    if out.windows(2).any(|w| matches!(w, [a, b] if a == b)) {
        return Err(Error::new(ErrorKind::Shape, op, "an axis is named twice", Tuple(list), "distinct axes"));
    }
    Ok(out)
}

/// Number of elements; the largest number where it is larger.
pub fn count(dims: &[usize]) -> usize {
    dims.iter().fold(1, |n, &d| n.saturating_mul(d))
}

/// True if an array of elements of `size` bytes can be addressed. As in NumPy, that it is empty is no excuse: the lengths
/// other than 0 are multiplied in strides all the same.
pub fn fits(dims: &[usize], size: usize) -> bool {
    let bytes = dims.iter().filter(|n| **n > 0).try_fold(size, |n, &d| n.checked_mul(d));
    bytes.is_some_and(|n| n <= isize::MAX as usize)
}

/// Strides of a C-contiguous array, in elements.
pub fn c_strides(dims: &[usize]) -> Strides {
    let mut out: Strides = SmallVec::from_elem(0, dims.len());
    let mut step = 1isize;
    for (s, &n) in out.iter_mut().zip(dims).rev() {
        *s = step;
        step = step.saturating_mul(n.max(1) as isize);
    }
    out
}

/// True if `strides` walk `dims` in C order without gaps (strides of axes of length 1 do not count).
pub fn is_contiguous(dims: &[usize], strides: &[isize]) -> bool {
    if dims.contains(&0) {
        return true;
    }
    let mut step = 1isize;
    for (&n, &s) in dims.iter().zip(strides).rev() {
        if n != 1 && s != step {
            return false;
        }
        step *= n as isize;
    }
    true
}
