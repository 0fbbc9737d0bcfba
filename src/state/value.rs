//! What a variable holds, and what can be put into one.

use ndarray::{ArrayBase, Data, Dimension};

use crate::array::{Array, Filled};
use crate::dtype::{DType, Element};
use crate::error::{Error, Result};

/// What a variable holds.
#[derive(Clone, Debug)]
pub enum Stored {
    /// Elements.
    Array(Array),
    /// A shape and a number that wait for a dtype.
    Weak(Filled),
}

/// What a variable can be set to: an ndarray array or view of any dimension, an [`Array`], a number, a [`Filled`];
/// arrays by value or by reference. The elements are copied.
#[diagnostic::on_unimplemented(
    message = "a variable cannot be set to `{Self}`",
    note = "use an ndarray array or view of bool, i32, i64, f32 or f64, one such number, an `Array`, or `zeros(shape)`",
    note = "arrays of ndarray are those of version 0.17, which is `scirs2_autograd::ndarray`; those of another version are other types"
)]
pub trait IntoArray {
    /// The value, in memory that nobody else can write to. Fails when there is no memory left.
    fn into_value(self) -> Result<Stored>;
}

impl<T: Element, S: Data<Elem = T>, D: Dimension> IntoArray for ArrayBase<S, D> {
    fn into_value(self) -> Result<Stored> {
        (&self).into_value()
    }
}
impl<T: Element, S: Data<Elem = T>, D: Dimension> IntoArray for &ArrayBase<S, D> {
    fn into_value(self) -> Result<Stored> {
        Array::try_from(self).map(Stored::Array)
    }
}
impl<T: Element, S: Data<Elem = T>, D: Dimension> IntoArray for &mut ArrayBase<S, D> {
    fn into_value(self) -> Result<Stored> {
        (&*self).into_value()
    }
}
impl IntoArray for Array {
    /// An array that nobody else holds is taken over as it is.
    fn into_value(mut self) -> Result<Stored> {
        if self.is_unique() { Ok(Stored::Array(self)) } else { (&self).into_value() }
    }
}
impl IntoArray for &Array {
    fn into_value(self) -> Result<Stored> {
        Array::copy_of(self.raw_view()).map(Stored::Array)
    }
}
impl IntoArray for Filled {
    fn into_value(self) -> Result<Stored> {
        Ok(Stored::Weak(self))
    }
}
impl IntoArray for &Filled {
    fn into_value(self) -> Result<Stored> {
        Ok(Stored::Weak(self.clone()))
    }
}
macro_rules! scalars {
    ($($t:ty)+) => {$(
        impl IntoArray for $t {
            fn into_value(self) -> Result<Stored> {
                Array::from_slice(&[self], &[]).map(Stored::Array)
            }
        }
        impl IntoArray for &$t {
            fn into_value(self) -> Result<Stored> {
                (*self).into_value()
            }
        }
    )+};
}
scalars! { bool i32 i64 f32 f64 }

/// The bytes of an array's elements, as they stand in memory.
pub(super) fn bytes_of(a: &Array) -> &[u8] {
    // SAFETY: the block holds all elements, initialised, and is not written to while the array is borrowed.
    unsafe { std::slice::from_raw_parts(a.ptr(), a.bytes()) }
}

/// An array whose bytes `fill` writes. The bytes that it leaves must be elements of `dtype`: of a `bool`, 0 or 1.
///
/// # Safety
/// When `fill` returns `Ok`, each byte of a `bool` array is 0 or 1.
pub(super) unsafe fn array_from<E: From<Error>>(
    dtype: DType,
    dims: &[usize],
    fill: impl FnOnce(&mut [u8]) -> Result<(), E>,
) -> Result<Array, E> {
    let a = Array::zeros(dtype, dims)?;
    // SAFETY: zeroed just now, and held by nobody else.
    fill(unsafe { std::slice::from_raw_parts_mut(a.ptr(), a.bytes()) })?;
    Ok(a)
}
