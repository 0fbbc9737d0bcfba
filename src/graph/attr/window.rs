//! How windows slide over axes.

use super::{Attr, AttrKind, AttrType, IntoAttr, widths, wrong};
use crate::error::Result;

/// A number for all axes over which a window slides, or one for each; no number where an op has one of its own.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct PerAxis(pub Box<[i64]>);

impl PerAxis {
    /// The same for all axes.
    pub fn all(n: i64) -> PerAxis {
        PerAxis([n].into())
    }

    /// Nothing is said.
    pub fn unsaid() -> PerAxis {
        PerAxis(Box::new([]))
    }

    /// As a Python literal.
    pub(super) fn text(list: &[i64]) -> String {
        match list {
            [] => "None".to_owned(),
            [n] => n.to_string(),
            list => crate::shape::Tuple(list).to_string(),
        }
    }
}

impl AttrType for PerAxis {
    const KIND: AttrKind = AttrKind::PerAxis;
    fn pack(self) -> Attr {
        Attr::PerAxis(self.0)
    }
    fn unpack(attr: &Attr) -> Result<Self> {
        match attr {
            Attr::PerAxis(list) => Ok(PerAxis(list.clone())),
            _ => Err(wrong(attr, AttrKind::PerAxis)),
        }
    }
}

impl IntoAttr<PerAxis> for PerAxis {
    fn into_attr(self) -> PerAxis {
        self
    }
}
impl IntoAttr<PerAxis> for () {
    fn into_attr(self) -> PerAxis {
        PerAxis::unsaid()
    }
}

/// Factors of lengths: one for all axes, or one for each; none where nothing is said.
#[derive(Clone, PartialEq, Debug)]
pub struct Factors(pub Box<[f64]>);

impl Factors {
    /// As a Python literal.
    pub(super) fn text(bits: &[u64]) -> String {
        let list: Vec<String> = bits.iter().map(|&b| format!("{:?}", f64::from_bits(b))).collect();
        match &list[..] {
            [] => "None".to_owned(),
            [one] => one.clone(),
            all => format!("({})", all.join(", ")),
        }
    }
}

impl AttrType for Factors {
    const KIND: AttrKind = AttrKind::Factors;
    fn pack(self) -> Attr {
        Attr::Factors(self.0.iter().map(|x| x.to_bits()).collect())
    }
    fn unpack(attr: &Attr) -> Result<Self> {
        match attr {
            Attr::Factors(bits) => Ok(Factors(bits.iter().map(|&b| f64::from_bits(b)).collect())),
            _ => Err(wrong(attr, AttrKind::Factors)),
        }
    }
}

impl IntoAttr<Factors> for Factors {
    fn into_attr(self) -> Factors {
        self
    }
}
impl IntoAttr<Factors> for () {
    fn into_attr(self) -> Factors {
        Factors(Box::new([]))
    }
}
impl IntoAttr<Factors> for f64 {
    fn into_attr(self) -> Factors {
        Factors([self].into())
    }
}
impl<const N: usize> IntoAttr<Factors> for [f64; N] {
    fn into_attr(self) -> Factors {
        Factors(self.into())
    }
}

/// How many zeros stand at the ends of axes along which a window slides.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Padding {
    /// As many as give the result the length of the input; where the number is odd there is one more at the end.
    Same,
    /// One pair for all axes, or a pair for each.
    Ends(Box<[[i64; 2]]>),
}

impl Padding {
    /// None.
    pub fn valid() -> Padding {
        Padding::Ends([[0, 0]].into())
    }

    /// Padding by its name in Python.
    pub fn named(name: &str) -> Option<Padding> {
        match name {
            "same" => Some(Padding::Same),
            "valid" => Some(Padding::valid()),
            _ => None,
        }
    }

    /// As a Python literal.
    pub(super) fn text(&self) -> String {
        match self {
            Padding::Same => "\"same\"".to_owned(),
            Padding::Ends(pairs) => match &pairs[..] {
                [[a, b]] if a == b => a.to_string(),
                pairs if pairs.iter().all(|[a, b]| a == b) => {
                    crate::shape::Tuple(&pairs.iter().map(|[a, _]| *a).collect::<Vec<_>>()).to_string()
                }
                pairs => widths(pairs),
            },
        }
    }
}

impl AttrType for Padding {
    const KIND: AttrKind = AttrKind::Padding;
    fn pack(self) -> Attr {
        Attr::Padding(self)
    }
    fn unpack(attr: &Attr) -> Result<Self> {
        match attr {
            Attr::Padding(p) => Ok(p.clone()),
            _ => Err(wrong(attr, AttrKind::Padding)),
        }
    }
}

impl IntoAttr<Padding> for Padding {
    fn into_attr(self) -> Padding {
        self
    }
}

macro_rules! from_integers {
    ($($t:ty)+) => {$(
        impl IntoAttr<PerAxis> for $t {
            fn into_attr(self) -> PerAxis {
                PerAxis::all(self as i64)
            }
        }
        impl<const N: usize> IntoAttr<PerAxis> for [$t; N] {
            fn into_attr(self) -> PerAxis {
                PerAxis(self.iter().map(|&n| n as i64).collect())
            }
        }
        impl IntoAttr<PerAxis> for &[$t] {
            fn into_attr(self) -> PerAxis {
                PerAxis(self.iter().map(|&n| n as i64).collect())
            }
        }
        impl IntoAttr<Padding> for $t {
            fn into_attr(self) -> Padding {
                Padding::Ends([[self as i64; 2]].into())
            }
        }
        impl<const N: usize> IntoAttr<Padding> for [$t; N] {
            fn into_attr(self) -> Padding {
                Padding::Ends(self.iter().map(|&n| [n as i64; 2]).collect())
            }
        }
        impl<const N: usize> IntoAttr<Padding> for [($t, $t); N] {
            fn into_attr(self) -> Padding {
                Padding::Ends(self.iter().map(|&(a, b)| [a as i64, b as i64]).collect())
            }
        }
    )+};
}
from_integers! { i32 i64 isize usize }
