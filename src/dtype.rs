//! Element types, NumPy's promotion between them, and weak scalars.

use std::fmt;

use crate::error::{Error, ErrorKind};

/// The type of an array's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum DType {
    /// One byte, 0 or 1.
    Bool,
    /// 32-bit signed integer.
    I32,
    /// 64-bit signed integer.
    I64,
    /// IEEE 754 single precision.
    F32,
    /// IEEE 754 double precision.
    F64,
}

impl DType {
    /// All dtypes, in order of promotion.
    pub const ALL: [DType; 5] = [DType::Bool, DType::I32, DType::I64, DType::F32, DType::F64];

    /// Bytes of one element.
    pub const fn size(self) -> usize {
        match self {
            DType::Bool => 1,
            DType::I32 | DType::F32 => 4,
            DType::I64 | DType::F64 => 8,
        }
    }

    /// True for `f32` and `f64`.
    pub const fn is_float(self) -> bool {
        matches!(self, DType::F32 | DType::F64)
    }

    /// True for `i32` and `i64`.
    pub const fn is_int(self) -> bool {
        matches!(self, DType::I32 | DType::I64)
    }

    /// NumPy's name: `bool`, `int32`, `int64`, `float32`, `float64`.
    pub const fn name(self) -> &'static str {
        match self {
            DType::Bool => "bool",
            DType::I32 => "int32",
            DType::I64 => "int64",
            DType::F32 => "float32",
            DType::F64 => "float64",
        }
    }

    /// The dtype with NumPy's name `name`.
    pub fn from_name(name: &str) -> Option<DType> {
        DType::ALL.into_iter().find(|d| d.name() == name)
    }

    /// NumPy's `promote_types`: the smallest dtype that holds the values of both.
    pub const fn promote(self, other: DType) -> DType {
        use DType::*;
        match (self, other) {
            (Bool, d) | (d, Bool) => d,
            (I32, I32) => I32,
            (F32, F32) => F32,
            (I32 | I64, I32 | I64) => I64,
            _ => F64,
        }
    }

    /// The floating dtype that a function such as `exp` computes in: floats stay, integers and bools become `f64`.
    pub const fn to_float(self) -> DType {
        match self {
            DType::F32 => DType::F32,
            _ => DType::F64,
        }
    }

    /// NumPy's `can_cast(self, to, "same_kind")`.
    pub fn casts_to(self, to: DType) -> bool {
        self.kind() <= to.kind()
    }

    fn kind(self) -> u8 {
        match self {
            DType::Bool => 0,
            DType::I32 | DType::I64 => 1,
            DType::F32 | DType::F64 => 2,
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The first float above the range of `i64`.
const TWO_63: f64 = 9_223_372_036_854_775_808.0;

/// A scalar of one of the dtypes. As an operand it is weak: it takes the other operand's dtype when its own kind
/// (bool, integer, float) is not above that dtype's kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar {
    /// A bool.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A floating number.
    Float(f64),
}

impl Scalar {
    /// The dtype that this weak scalar takes beside an operand of dtype `other`.
    pub fn beside(self, other: DType) -> DType {
        match self {
            Scalar::Bool(_) => other,
            Scalar::Int(_) if other == DType::Bool => DType::I64,
            Scalar::Int(_) => other,
            Scalar::Float(_) => other.to_float(),
        }
    }

    /// The dtype of this scalar on its own: `bool`, `int64`, `float64`.
    pub fn dtype(self) -> DType {
        match self {
            Scalar::Bool(_) => DType::Bool,
            Scalar::Int(_) => DType::I64,
            Scalar::Float(_) => DType::F64,
        }
    }

    /// The value as `f64`, as a cast does it.
    pub fn as_f64(self) -> f64 {
        match self {
            Scalar::Bool(b) => f64::from(u8::from(b)),
            Scalar::Int(i) => i as f64,
            Scalar::Float(x) => x,
        }
    }

    /// The same value in the kind of `dtype`, if that has it: 2.0 is the integer 2, and 1 is true. A floating dtype rounds.
    pub fn exactly(self, dtype: DType) -> Option<Scalar> {
        let s = match (self, dtype) {
            (Scalar::Float(x), DType::I32 | DType::I64) if x == x.trunc() && (-TWO_63..TWO_63).contains(&x) => Scalar::Int(x as i64),
            (Scalar::Int(0 | 1), DType::Bool) => Scalar::Bool(self == Scalar::Int(1)),
            (Scalar::Float(x), DType::Bool) if x == 0.0 || x == 1.0 => Scalar::Bool(x == 1.0),
            (s, _) => s,
        };
        s.bytes(dtype).map(|_| s)
    }

    /// The bytes of this value as an element of `dtype`, little end first, padded with zeros.
    /// `None` if a number does not fit, as a finite one that overflows `f32`, or would have to become a narrower kind.
    pub fn bytes(self, dtype: DType) -> Option<[u8; 8]> {
        let mut out = [0u8; 8];
        match (self, dtype) {
            (Scalar::Bool(b), DType::Bool) => out[0] = u8::from(b),
            (Scalar::Bool(b), _) => return Scalar::Int(i64::from(b)).bytes(dtype),
            (Scalar::Int(i), DType::I32) => out[..4].copy_from_slice(&i32::try_from(i).ok()?.to_ne_bytes()),
            (Scalar::Int(i), DType::I64) => out.copy_from_slice(&i.to_ne_bytes()),
            (s, DType::F32) => {
                let x = s.as_f64();
                let narrow = x as f32;
                if narrow.is_infinite() && x.is_finite() {
                    return None;
                }
                out[..4].copy_from_slice(&narrow.to_ne_bytes());
            }
            (s, DType::F64) => out.copy_from_slice(&s.as_f64().to_ne_bytes()),
            _ => return None,
        }
        Some(out)
    }

    /// The error of `op` where [`Scalar::bytes`] has none.
    pub fn misfit(self, op: &str, dtype: DType) -> Error {
        let e = Error::new(ErrorKind::DType, op, "the number does not fit", self, format_args!("a value of {dtype}"));
        match self {
            Scalar::Float(x) if x.is_finite() && dtype.is_float() => e.help("write infinity where it is meant"),
            _ => e,
        }
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scalar::Bool(b) => write!(f, "{b}"),
            Scalar::Int(i) => write!(f, "{i}"),
            Scalar::Float(x) => write!(f, "{x:?}"),
        }
    }
}

mod sealed {
    pub trait Sealed {}
}

/// A Rust type that is the element of an array: `bool`, `i32`, `i64`, `f32`, `f64`.
#[diagnostic::on_unimplemented(message = "`{Self}` is not an element type", note = "use bool, i32, i64, f32 or f64")]
pub trait Element: sealed::Sealed + Copy + PartialEq + fmt::Debug + Default + Send + Sync + 'static {
    /// The dtype of this Rust type.
    const DTYPE: DType;
    /// This value as a [`Scalar`].
    fn scalar(self) -> Scalar;
}

macro_rules! element {
    ($($t:ty, $d:ident, $s:ident, $as:ty;)+) => {$(
        impl sealed::Sealed for $t {}
        impl Element for $t {
            const DTYPE: DType = DType::$d;
            fn scalar(self) -> Scalar {
                Scalar::$s(self as $as)
            }
        }
        impl From<$t> for Scalar {
            fn from(x: $t) -> Scalar {
                x.scalar()
            }
        }
    )+};
}
element! { bool, Bool, Bool, bool; i32, I32, Int, i64; i64, I64, Int, i64; f32, F32, Float, f64; f64, F64, Float, f64; }

/// Runs `$body` with the type alias `$T` set to the Rust type of the dtype `$d`.
macro_rules! dispatch {
    ($d:expr, $T:ident => $body:expr) => {
        match $d {
            $crate::dtype::DType::Bool => {
                type $T = bool;
                $body
            }
            $crate::dtype::DType::I32 => {
                type $T = i32;
                $body
            }
            $crate::dtype::DType::I64 => {
                type $T = i64;
                $body
            }
            $crate::dtype::DType::F32 => {
                type $T = f32;
                $body
            }
            $crate::dtype::DType::F64 => {
                type $T = f64;
                $body
            }
        }
    };
}
pub(crate) use dispatch;
