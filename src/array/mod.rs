//! Arrays: dtype, shape and a counted block of memory in C order. No arithmetic.

pub mod block;
mod filled;
pub mod room;
mod view;

use std::fmt;
use std::sync::Arc;

use ndarray::{ArrayBase, ArrayD, ArrayViewD, Data, Dimension, IxDyn};

use crate::dtype::{DType, Element, Scalar};
use crate::error::{Error, ErrorKind, Result};
use crate::shape::{Dims, Strides, Tuple, c_strides, count, fits};
use block::Block;
pub use filled::Filled;
pub use view::{View, ViewMut, with_lead};

/// The error of an array for which there is no memory.
pub fn no_memory(op: &str, dtype: DType, dims: &[usize]) -> Error {
    let got = format_args!("{dtype} of shape {}", Tuple(dims));
    Error::new(ErrorKind::Memory, op, "there is no memory for an array", got, "a size that fits in memory")
}

/// An array in C order. Clones share the memory; an array that is shared is never written to.
#[derive(Clone)]
pub struct Array {
    block: Arc<Block>,
    dtype: DType,
    dims: Dims,
    strides: Strides,
}

impl Array {
    /// An array with undefined contents. Fails when the system has no memory left.
    ///
    /// # Safety
    /// The caller writes every element before the array is read.
    pub unsafe fn uninit(dtype: DType, dims: &[usize]) -> Result<Array> {
        let bytes = fits(dims, dtype.size()).then(|| count(dims) * dtype.size());
        let block = bytes.and_then(Block::new).ok_or_else(|| no_memory("allocate", dtype, dims))?;
        Ok(Array { block: Arc::new(block), dtype, dims: dims.into(), strides: c_strides(dims) })
    }

    /// An array of zeros.
    pub fn zeros(dtype: DType, dims: &[usize]) -> Result<Array> {
        // SAFETY: all bytes zero is a value of every dtype, and all of them are written.
        unsafe {
            let a = Array::uninit(dtype, dims)?;
            std::ptr::write_bytes(a.block.ptr(), 0, a.bytes());
            Ok(a)
        }
    }

    /// As [`Array::copy_of`], of memory from outside of Rust, where a bool may be any byte: all but 0 are true.
    pub fn copy_of_foreign(view: View<'_>) -> Result<Array> {
        let a = Array::copy_of(view)?;
        if a.dtype == DType::Bool {
            // SAFETY: the new block is not shared, and the copy has written all of these bytes.
            let bytes = unsafe { std::slice::from_raw_parts_mut(a.block.ptr(), a.bytes()) };
            bytes.iter_mut().for_each(|b| *b = u8::from(*b != 0));
        }
        Ok(a)
    }

    /// A 0-d array. A number that does not fit `dtype` is an error.
    pub fn scalar(value: impl Into<Scalar>, dtype: DType) -> Result<Array> {
        let value = value.into();
        let bytes = value.bytes(dtype).ok_or_else(|| value.misfit("scalar", dtype))?;
        // SAFETY: the element's bytes are written.
        unsafe {
            let a = Array::uninit(dtype, &[])?;
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), a.block.ptr(), dtype.size());
            Ok(a)
        }
    }

    /// An array from elements in C order. Panics if the lengths differ: an error of this crate, not of a user.
    pub fn from_slice<T: Element>(data: &[T], dims: &[usize]) -> Result<Array> {
        assert_eq!(data.len(), count(dims), "from_slice: the data fills the shape");
        let strides = c_strides(dims);
        // SAFETY: the slice is contiguous and has `count(dims)` elements.
        Array::copy_of(unsafe { View::from_raw(data.as_ptr().cast(), T::DTYPE, dims, &strides) })
    }

    /// The dtype.
    pub fn dtype(&self) -> DType {
        self.dtype
    }
    /// Lengths of the axes.
    pub fn shape(&self) -> &[usize] {
        &self.dims
    }
    /// Number of axes.
    pub fn ndim(&self) -> usize {
        self.dims.len()
    }
    /// Number of elements.
    pub fn size(&self) -> usize {
        count(&self.dims)
    }
    /// Number of bytes.
    pub fn bytes(&self) -> usize {
        self.size() * self.dtype.size()
    }
    /// The first element. To write through it needs [`Array::is_unique`].
    pub fn ptr(&self) -> *mut u8 {
        self.block.ptr()
    }
    /// True if no other array shares this memory.
    pub fn is_unique(&mut self) -> bool {
        Arc::get_mut(&mut self.block).is_some()
    }
    /// The elements as a view for kernels.
    pub fn raw_view(&self) -> View<'_> {
        // SAFETY: an array's block holds all its elements, initialised, and is not written to while it is borrowed.
        unsafe { View::from_raw(self.block.ptr(), self.dtype, &self.dims, &self.strides) }
    }
    /// The same elements under another shape with the same number of elements.
    pub fn reshaped(mut self, dims: &[usize]) -> Array {
        assert_eq!(count(dims), self.size(), "reshaped: the number of elements stays");
        self.dims = dims.into();
        self.strides = c_strides(dims);
        self
    }

    fn expect_dtype<T: Element>(&self, op: &str) -> Result<()> {
        if T::DTYPE == self.dtype {
            return Ok(());
        }
        let e = Error::new(
            ErrorKind::DType,
            op,
            "the element type differs",
            format_args!("{} for an array of {}", T::DTYPE, self.dtype),
            "the array's own type",
        );
        Err(e.help("cast in the graph (`cast`), or ask for the dtype that `dtype()` names"))
    }

    /// An ndarray view of the elements, without a copy. `T` must be the array's own type.
    pub fn view<T: Element>(&self) -> Result<ArrayViewD<'_, T>> {
        self.expect_dtype::<T>("view")?;
        // SAFETY: C order, initialised, of type T, borrowed from self.
        Ok(unsafe { ArrayViewD::from_shape_ptr(IxDyn(&self.dims), self.block.ptr().cast::<T>()) })
    }

    /// The elements in C order.
    pub fn as_slice<T: Element>(&self) -> Result<&[T]> {
        self.expect_dtype::<T>("as_slice")?;
        Ok(self.raw_view().as_slice().unwrap_or(&[]))
    }

    /// The elements as an owned ndarray: one copy.
    pub fn into_ndarray<T: Element>(self) -> Result<ArrayD<T>> {
        Ok(self.view::<T>()?.to_owned())
    }

    /// The single element of an array of size 1, as `f64`.
    pub fn item(&self) -> Result<f64> {
        if self.size() != 1 {
            return Err(Error::new(
                ErrorKind::Shape,
                "item",
                "not a single number",
                format_args!("shape {}", Tuple(&self.dims)),
                "an array of size 1",
            ));
        }
        Ok(self.get(0).as_f64())
    }

    /// Element `i` in C order.
    pub(crate) fn get(&self, i: usize) -> Scalar {
        debug_assert!(i < self.size());
        // SAFETY: inside the block, and of the dispatched type.
        crate::dispatch!(self.dtype, T => unsafe { self.block.ptr().cast::<T>().add(i).read() }.into())
    }
}

impl<T: Element, S: Data<Elem = T>, D: Dimension> TryFrom<&ArrayBase<S, D>> for Array {
    type Error = Error;
    fn try_from(a: &ArrayBase<S, D>) -> Result<Array> {
        // SAFETY: a view of the ndarray's own elements, read at once.
        Array::copy_of(unsafe { View::from_raw(a.as_ptr().cast(), T::DTYPE, a.shape(), a.strides()) })
    }
}

impl<T: Element, S: Data<Elem = T>, D: Dimension> PartialEq<ArrayBase<S, D>> for Array {
    fn eq(&self, other: &ArrayBase<S, D>) -> bool {
        self.view::<T>().is_ok_and(|v| v == other.view().into_dyn())
    }
}

impl PartialEq for Array {
    fn eq(&self, other: &Array) -> bool {
        self.dtype == other.dtype
            && self.dims == other.dims
            && crate::dispatch!(self.dtype, T => self.view::<T>().ok() == other.view::<T>().ok())
    }
}

/// The elements as ndarray prints them, in rows and shortened where there are many; the options of the format are those of
/// each element.
///
/// ```
/// let a = scirs2_autograd::Array::try_from(&ndarray::array![[1.0, 0.25], [-0.5, 2.0]])?;
/// assert_eq!(format!("{a}"), "[[1, 0.25],\n [-0.5, 2]]");
/// assert_eq!(format!("{a:6.2}"), "[[  1.00,   0.25],\n [ -0.50,   2.00]]");
/// # Ok::<(), scirs2_autograd::Error>(())
/// ```
impl fmt::Display for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::dispatch!(self.dtype, T => match self.view::<T>() {
            Ok(v) => fmt::Display::fmt(&v, f),
            Err(_) => Err(fmt::Error),
        })
    }
}

impl fmt::Debug for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.dims.is_empty() {
            return write!(f, "{self} {}", self.dtype);
        }
        crate::dispatch!(self.dtype, T => match self.view::<T>() {
            Ok(v) => v.iter().try_for_each(|x| write!(f, "{x:?}")),
            Err(_) => Err(fmt::Error),
        })
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, Array3, arr0, array};

    use super::*;

    fn prints_as<T: Element + fmt::Display, D: Dimension>(a: &ndarray::Array<T, D>) {
        let ours = Array::try_from(a).unwrap();
        assert_eq!(format!("{ours}"), format!("{a}"));
        assert_eq!(format!("{ours:8.3}"), format!("{a:8.3}"));
        assert_eq!(format!("{ours:<+4}|{ours:#.1}"), format!("{a:<+4}|{a:#.1}"));
    }

    #[test]
    fn arrays_print_as_those_of_ndarray() {
        prints_as(&array![[1.0, 0.25, f64::NAN], [-0.0, f64::INFINITY, 1e300]]);
        prints_as(&array![1.5f32, 2.0]);
        prints_as(&arr0(3.0));
        prints_as(&arr0(7i64));
        prints_as(&array![1, -20, 300]);
        prints_as(&Array2::<f64>::zeros((0, 3)));
        prints_as(&Array3::<f64>::ones((2, 1, 2)));
        // Shortened.
        prints_as(&Array2::from_shape_fn((100, 200), |(i, j)| (i * j) as f64));
        // Bools take no number of digits.
        let mask = array![[true, false]];
        assert_eq!(Array::try_from(&mask).unwrap().to_string(), mask.to_string());
    }

    #[test]
    fn debug_tells_the_dtype() {
        let debug = |a: Array| format!("{a:?}");
        assert_eq!(debug(Array::from_slice(&[3.0], &[]).unwrap()), "3.0");
        assert_eq!(debug(Array::from_slice(&[3i64], &[]).unwrap()), "3");
        assert_eq!(debug(Array::from_slice(&[1.0f32, 2.5], &[2]).unwrap()), "[1, 2.5] float32");
        assert_eq!(debug(Array::from_slice(&[true], &[1, 1]).unwrap()), "[[true]] bool");
    }
}
