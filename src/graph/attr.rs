//! Attributes of a node: the parameters of an op that are not tensors.

use std::fmt;

use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};

mod window;

pub use window::{Factors, Padding, PerAxis};

/// The value of an attribute.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Attr {
    /// An integer.
    Int(i64),
    /// A bool.
    Bool(bool),
    /// A list of integers.
    Ints(Box<[i64]>),
    /// A list of axes, or all of them.
    Axes(Option<Box<[i64]>>),
    /// A dtype.
    DType(DType),
    /// Slices, one an axis.
    Slices(Box<[Slice]>),
    /// One axis, or none.
    Axis(Option<i64>),
    /// One of several names.
    Choice(Choice),
    /// A text that the op reads.
    Text(Box<str>),
    /// Where an axis is cut.
    Cuts(Cuts),
    /// How much is added at the two ends of each axis.
    Widths(Box<[[i64; 2]]>),
    /// A number for all axes over which a window slides, or one for each.
    PerAxis(Box<[i64]>),
    /// What stands around the input of a sliding window.
    Padding(Padding),
    /// Factors of lengths, by their bits.
    Factors(Box<[u64]>),
    /// A dtype, or none.
    MaybeDType(Option<DType>),
}

/// One of the names that an attribute can have.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Choice {
    /// All names.
    pub names: &'static [&'static str],
    /// The place of this one among them.
    pub index: usize,
}

impl Choice {
    /// The name.
    pub fn name(&self) -> &'static str {
        self.names.get(self.index).copied().unwrap_or_default()
    }
}

impl fmt::Debug for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The kind of an attribute, as faces need to know it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum AttrKind {
    /// `int`
    Int,
    /// `bool`
    Bool,
    /// A shape or another list of integers.
    Ints,
    /// `None`, an integer or a list of integers.
    Axes,
    /// A dtype.
    DType,
    /// Slices.
    Slices,
    /// `None` or an integer.
    Axis,
    /// One of these names.
    Choice(&'static [&'static str]),
    /// A text.
    Text,
    /// `None`, a number of parts, or a list of places.
    Cuts,
    /// An integer, a pair, or a pair for each axis.
    Widths,
    /// `None`, an integer, or one for each axis.
    PerAxis,
    /// An integer, an integer or a pair for each axis, `"same"` or `"valid"`.
    Padding,
    /// `None`, a number, or one for each axis.
    Factors,
    /// `None` or a dtype.
    MaybeDType,
}

impl AttrKind {
    /// The name of the kind, without what belongs to one attribute.
    pub fn name(self) -> &'static str {
        match self {
            AttrKind::Int => "int",
            AttrKind::Bool => "bool",
            AttrKind::Ints => "ints",
            AttrKind::Axes => "axes",
            AttrKind::DType => "dtype",
            AttrKind::Slices => "slices",
            AttrKind::Axis => "axis",
            AttrKind::Choice(_) => "choice",
            AttrKind::Text => "text",
            AttrKind::Cuts => "cuts",
            AttrKind::Widths => "widths",
            AttrKind::PerAxis => "per_axis",
            AttrKind::Padding => "padding",
            AttrKind::Factors => "factors",
            AttrKind::MaybeDType => "maybe_dtype",
        }
    }
}

impl Attr {
    /// The kind of this attribute.
    pub fn kind(&self) -> AttrKind {
        match self {
            Attr::Int(_) => AttrKind::Int,
            Attr::Bool(_) => AttrKind::Bool,
            Attr::Ints(_) => AttrKind::Ints,
            Attr::Axes(_) => AttrKind::Axes,
            Attr::DType(_) => AttrKind::DType,
            Attr::Slices(_) => AttrKind::Slices,
            Attr::Axis(_) => AttrKind::Axis,
            Attr::Choice(c) => AttrKind::Choice(c.names),
            Attr::Text(_) => AttrKind::Text,
            Attr::Cuts(_) => AttrKind::Cuts,
            Attr::Widths(_) => AttrKind::Widths,
            Attr::PerAxis(_) => AttrKind::PerAxis,
            Attr::Padding(_) => AttrKind::Padding,
            Attr::Factors(_) => AttrKind::Factors,
            Attr::MaybeDType(_) => AttrKind::MaybeDType,
        }
    }
}

/// Prints the attribute as a Python literal.
impl fmt::Display for Attr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tuple = |f: &mut fmt::Formatter<'_>, v: &[i64]| write!(f, "{}", crate::shape::Tuple(v));
        match self {
            Attr::Int(i) => write!(f, "{i}"),
            Attr::Bool(b) => f.write_str(if *b { "True" } else { "False" }),
            Attr::Ints(v) => tuple(f, v),
            Attr::Axes(Some(v)) => tuple(f, v),
            Attr::Axes(None) => f.write_str("None"),
            Attr::DType(d) => write!(f, "\"{d}\""),
            Attr::Axis(Some(i)) => write!(f, "{i}"),
            Attr::Axis(None) => f.write_str("None"),
            Attr::Choice(c) => write!(f, "\"{}\"", c.name()),
            Attr::Text(t) => write!(f, "{t:?}"),
            Attr::Cuts(Cuts::Unsaid) => f.write_str("None"),
            Attr::Cuts(Cuts::Parts(n)) => write!(f, "{n}"),
            Attr::Cuts(Cuts::Places(v)) => tuple(f, v),
            Attr::Widths(v) => f.write_str(&widths(v)),
            Attr::PerAxis(list) => f.write_str(&PerAxis::text(list)),
            Attr::Padding(p) => f.write_str(&p.text()),
            Attr::Factors(bits) => f.write_str(&Factors::text(bits)),
            Attr::MaybeDType(Some(d)) => write!(f, "\"{d}\""),
            Attr::MaybeDType(None) => f.write_str("None"),
            Attr::Slices(v) => {
                f.write_str("[")?;
                for (i, s) in v.iter().enumerate() {
                    if i > 0 {
                        f.write_str(", ")?;
                    }
                    write!(f, "{s}")?;
                }
                f.write_str("]")
            }
        }
    }
}

/// A slice of one axis, with the meaning that NumPy gives it: bounds may be missing, negative or beyond the ends; the
/// step may be negative but not 0.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Slice {
    /// First index.
    pub start: Option<i64>,
    /// The index to stop before.
    pub stop: Option<i64>,
    /// Distance of two elements.
    pub step: i64,
}

impl Slice {
    /// The whole axis.
    pub const ALL: Slice = Slice { start: None, stop: None, step: 1 };

    /// Start index and number of elements on an axis of length `n`.
    pub fn resolve(&self, n: usize) -> (usize, usize) {
        let n = n as i64;
        let (low, high) = if self.step < 0 { (-1, n - 1) } else { (0, n) };
        let clamp = |i: i64| (if i < 0 { i.saturating_add(n) } else { i }).clamp(low, high);
        let start = self.start.map_or(if self.step < 0 { n - 1 } else { 0 }, clamp);
        let stop = self.stop.map_or(if self.step < 0 { -1 } else { n }, clamp);
        let len = if self.step < 0 { start - stop } else { stop - start }.max(0);
        let len = (len as u64).div_ceil(self.step.unsigned_abs()) as usize;
        (if len == 0 { 0 } else { start as usize }, len)
    }
}

impl fmt::Display for Slice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = |f: &mut fmt::Formatter<'_>, i: Option<i64>| i.map_or(Ok(()), |i| write!(f, "{i}"));
        end(f, self.start)?;
        f.write_str(":")?;
        end(f, self.stop)?;
        if self.step != 1 {
            write!(f, ":{}", self.step)?;
        }
        Ok(())
    }
}

/// Where an axis is cut.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Cuts {
    /// Nothing is said of it.
    Unsaid,
    /// Into so many parts.
    Parts(i64),
    /// Before these places.
    Places(Box<[i64]>),
}

/// Widths at the two ends of axes, as Python writes a tuple of pairs.
pub(crate) fn widths(pairs: &[[i64; 2]]) -> String {
    let each: Vec<String> = pairs.iter().map(|[a, b]| format!("({a}, {b})")).collect();
    format!("({}{})", each.join(", "), if pairs.len() == 1 { "," } else { "" })
}

/// A Rust type that a row names for an attribute.
pub trait AttrType: Sized {
    /// The kind.
    const KIND: AttrKind;
    /// As an attribute.
    fn pack(self) -> Attr;
    /// From an attribute of this kind.
    fn unpack(attr: &Attr) -> Result<Self>;
}

/// Axes of a reduction: `None` (or `()`) for all, an integer, or a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Axes(pub Option<Box<[i64]>>);

/// A list of integers: a shape, a permutation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ints(pub Box<[i64]>);

/// Slices of the leading axes; axes that are not named stay whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Slices(pub Box<[Slice]>);

/// One axis; `None` (or `()`) for what an op does without one.
pub type Axis = Option<i64>;

/// How much is added at the two ends of axes: a number, a pair, or a pair for each axis.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Widths(pub Box<[[i64; 2]]>);

/// A dtype; `None` (or `()`) for the one that an operand has.
pub type MaybeDType = Option<DType>;

/// A text in a language that the op reads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Text(pub Box<str>);

/// The error for an attribute of another kind.
pub(crate) fn wrong(attr: &Attr, wanted: AttrKind) -> Error {
    Error::new(ErrorKind::DType, "apply", "an attribute has the wrong kind", format_args!("{attr}"), format_args!("{wanted:?}"))
}

macro_rules! attr_type {
    ($($t:ty, $kind:ident, |$s:ident| $pack:expr, $pat:pat => $unpack:expr;)+) => {$(
        impl AttrType for $t {
            const KIND: AttrKind = AttrKind::$kind;
            fn pack(self) -> Attr {
                let $s = self;
                Attr::$kind($pack)
            }
            fn unpack(attr: &Attr) -> Result<Self> {
                match attr {
                    $pat => Ok($unpack),
                    _ => Err(wrong(attr, AttrKind::$kind)),
                }
            }
        }
        impl IntoAttr<$t> for $t {
            fn into_attr(self) -> $t {
                self
            }
        }
    )+};
}
attr_type! {
    i64, Int, |s| s, Attr::Int(i) => *i;
    bool, Bool, |s| s, Attr::Bool(b) => *b;
    DType, DType, |s| s, Attr::DType(d) => *d;
    Ints, Ints, |s| s.0, Attr::Ints(v) => Ints(v.clone());
    Axes, Axes, |s| s.0, Attr::Axes(v) => Axes(v.clone());
    Slices, Slices, |s| s.0, Attr::Slices(v) => Slices(v.clone());
    Axis, Axis, |s| s, Attr::Axis(i) => *i;
    Text, Text, |s| s.0, Attr::Text(t) => Text(t.clone());
    Cuts, Cuts, |s| s, Attr::Cuts(c) => c.clone();
    Widths, Widths, |s| s.0, Attr::Widths(v) => Widths(v.clone());
    MaybeDType, MaybeDType, |s| s, Attr::MaybeDType(d) => *d;
}

/// An attribute that is one of several names: an enum in Rust, a string in Python.
///
/// ```text
/// choices! {
///     /// Where equal values stand.
///     pub enum Side { Left = "left", Right = "right" }
/// }
/// ```
macro_rules! choices {
    ($(#[doc = $doc:literal])+ pub enum $Name:ident { $($(#[doc = $about:literal])* $Variant:ident = $text:literal),+ $(,)? }) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum $Name {
            $($(#[doc = $about])* #[doc = concat!("`\"", $text, "\"` in Python.")] $Variant),+
        }
        impl $Name {
            const ALL: &[$Name] = &[$($Name::$Variant),+];
            const NAMES: &[&str] = &[$($text),+];
        }
        impl $crate::graph::attr::AttrType for $Name {
            const KIND: $crate::graph::attr::AttrKind = $crate::graph::attr::AttrKind::Choice($Name::NAMES);
            fn pack(self) -> $crate::graph::attr::Attr {
                $crate::graph::attr::Attr::Choice($crate::graph::attr::Choice { names: $Name::NAMES, index: self as usize })
            }
            fn unpack(attr: &$crate::graph::attr::Attr) -> $crate::error::Result<Self> {
                match attr {
                    $crate::graph::attr::Attr::Choice(c) if c.names == $Name::NAMES => {
                        $Name::ALL.get(c.index).copied().ok_or_else(|| $crate::graph::attr::wrong(attr, Self::KIND))
                    }
                    _ => Err($crate::graph::attr::wrong(attr, Self::KIND)),
                }
            }
        }
        impl $crate::graph::attr::IntoAttr<$Name> for $Name {
            fn into_attr(self) -> $Name {
                self
            }
        }
    };
}
pub(crate) use choices;

/// What a user may write where an op takes an attribute of type `T`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be used as {T}",
    note = "write an integer, a list of integers such as `&[0, 1]`, or `()` for none (an empty `&[]` has no element type)"
)]
pub trait IntoAttr<T> {
    /// The attribute.
    fn into_attr(self) -> T;
}

macro_rules! from_integers {
    ($($t:ty)+) => {$(
        from_integers!(@list $t, [$t; N], const N: usize);
        from_integers!(@list $t, &[$t; N], const N: usize);
        from_integers!(@list $t, &[$t]);
        from_integers!(@list $t, Vec<$t>);
        from_integers!(@list $t, &Vec<$t>);
        impl IntoAttr<Axes> for $t {
            fn into_attr(self) -> Axes {
                Axes(Some([self as i64].into()))
            }
        }
        impl IntoAttr<Ints> for $t {
            fn into_attr(self) -> Ints {
                Ints([self as i64].into())
            }
        }
        impl IntoAttr<Cuts> for $t {
            fn into_attr(self) -> Cuts {
                Cuts::Parts(self as i64)
            }
        }
        impl IntoAttr<Widths> for $t {
            fn into_attr(self) -> Widths {
                Widths([[self as i64; 2]].into())
            }
        }
        impl IntoAttr<Widths> for ($t, $t) {
            fn into_attr(self) -> Widths {
                Widths([[self.0 as i64, self.1 as i64]].into())
            }
        }
    )+};
    (@list $e:ty, $t:ty $(, $($g:tt)+)?) => {
        impl $(<$($g)+>)? IntoAttr<Axes> for $t {
            fn into_attr(self) -> Axes {
                Axes(Some(self.iter().map(|&i| i as i64).collect()))
            }
        }
        impl $(<$($g)+>)? IntoAttr<Ints> for $t {
            fn into_attr(self) -> Ints {
                Ints(self.iter().map(|&i| i as i64).collect())
            }
        }
        impl $(<$($g)+>)? IntoAttr<Cuts> for $t {
            fn into_attr(self) -> Cuts {
                Cuts::Places(self.iter().map(|&i| i as i64).collect())
            }
        }
    };
}
from_integers! { i32 i64 isize usize }

impl<const N: usize> IntoAttr<Widths> for [(i64, i64); N] {
    fn into_attr(self) -> Widths {
        self[..].into_attr()
    }
}
impl IntoAttr<Widths> for &[(i64, i64)] {
    fn into_attr(self) -> Widths {
        Widths(self.iter().map(|&(a, b)| [a, b]).collect())
    }
}
impl IntoAttr<Cuts> for () {
    fn into_attr(self) -> Cuts {
        Cuts::Unsaid
    }
}
impl IntoAttr<MaybeDType> for DType {
    fn into_attr(self) -> MaybeDType {
        Some(self)
    }
}
impl IntoAttr<MaybeDType> for () {
    fn into_attr(self) -> MaybeDType {
        None
    }
}
impl IntoAttr<Axes> for () {
    fn into_attr(self) -> Axes {
        Axes(None)
    }
}
impl IntoAttr<Axes> for Option<i64> {
    fn into_attr(self) -> Axes {
        Axes(self.map(|i| [i].into()))
    }
}
impl IntoAttr<Axis> for () {
    fn into_attr(self) -> Axis {
        None
    }
}
macro_rules! axis_of {
    ($($t:ty)+) => {$(impl IntoAttr<Axis> for $t {
        fn into_attr(self) -> Axis {
            Some(self as i64)
        }
    })+};
}
axis_of! { i32 i64 isize usize }
impl IntoAttr<Text> for &str {
    fn into_attr(self) -> Text {
        Text(self.into())
    }
}
impl IntoAttr<Text> for String {
    fn into_attr(self) -> Text {
        Text(self.into())
    }
}
impl IntoAttr<Ints> for () {
    fn into_attr(self) -> Ints {
        Ints(Box::new([]))
    }
}
impl IntoAttr<i64> for i32 {
    fn into_attr(self) -> i64 {
        i64::from(self)
    }
}
impl IntoAttr<i64> for isize {
    fn into_attr(self) -> i64 {
        self as i64
    }
}
impl IntoAttr<i64> for usize {
    fn into_attr(self) -> i64 {
        self as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_mean_what_numpys_mean() {
        let s = |a: Option<i64>, b: Option<i64>, step| Slice { start: a, stop: b, step }.resolve(5);
        assert_eq!(s(None, None, 1), (0, 5));
        assert_eq!(s(Some(1), Some(-1), 1), (1, 3));
        assert_eq!(s(None, None, -1), (4, 5));
        assert_eq!(s(Some(-2), None, -2), (3, 2));
        assert_eq!(s(Some(10), None, 1), (0, 0));
        assert_eq!(s(Some(-10), Some(10), 2), (0, 3));
        assert_eq!(s(Some(3), Some(1), 1), (0, 0));
        assert_eq!(s(Some(0), Some(-10), -1), (0, 1));
    }
}
