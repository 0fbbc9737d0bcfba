//! Strided views of memory: what kernels read and write.

use std::marker::PhantomData;

use crate::dtype::{DType, Element};
use crate::shape::{count, is_contiguous};

/// A read-only strided view. Strides are in elements.
#[derive(Clone, Copy)]
pub struct View<'a> {
    ptr: *const u8,
    dtype: DType,
    dims: &'a [usize],
    strides: &'a [isize],
    life: PhantomData<&'a u8>,
}

// SAFETY: a view is a shared borrow of plain numbers.
unsafe impl Send for View<'_> {}
unsafe impl Sync for View<'_> {}

impl<'a> View<'a> {
    /// A view of memory.
    ///
    /// # Safety
    /// `ptr` is aligned for `dtype`, and each element that `dims` and `strides` reach is initialised, inside one
    /// allocation, and not written to while the view lives.
    pub unsafe fn from_raw(ptr: *const u8, dtype: DType, dims: &'a [usize], strides: &'a [isize]) -> View<'a> {
        debug_assert_eq!(dims.len(), strides.len());
        View { ptr, dtype, dims, strides, life: PhantomData }
    }
    /// The first element.
    pub fn ptr(&self) -> *const u8 {
        self.ptr
    }
    /// The dtype.
    pub fn dtype(&self) -> DType {
        self.dtype
    }
    /// Lengths of the axes.
    pub fn dims(&self) -> &'a [usize] {
        self.dims
    }
    /// Strides in elements.
    pub fn strides(&self) -> &'a [isize] {
        self.strides
    }
    /// Number of elements.
    pub fn count(&self) -> usize {
        count(self.dims)
    }
    /// True if the elements stand in C order without gaps.
    pub fn is_contiguous(&self) -> bool {
        is_contiguous(self.dims, self.strides)
    }
    /// False if these are contiguous bools of which one is neither 0 nor 1, as bytes from outside of Rust may be.
    pub fn is_valid(&self) -> bool {
        if self.dtype != DType::Bool || !self.is_contiguous() || self.ptr.is_null() {
            return true;
        }
        // SAFETY: contiguous and initialised, by the contract of `from_raw`; any byte is a `u8`.
        unsafe { std::slice::from_raw_parts(self.ptr, self.count()) }.iter().fold(0, |all, b| all | b) <= 1
    }
    /// The elements in C order, if they stand so in memory and have type `T`.
    pub fn as_slice<T: Element>(&self) -> Option<&'a [T]> {
        if T::DTYPE != self.dtype || !self.is_contiguous() {
            return None;
        }
        let n = self.count();
        if n == 0 {
            return Some(&[]);
        }
        // SAFETY: contiguous, initialised, of type T, by the contract of `from_raw`.
        Some(unsafe { std::slice::from_raw_parts(self.ptr.cast(), n) })
    }
}

/// A writable strided view. Strides are in elements.
pub struct ViewMut<'a> {
    ptr: *mut u8,
    dtype: DType,
    dims: &'a [usize],
    strides: &'a [isize],
    life: PhantomData<&'a mut u8>,
}

// SAFETY: an exclusive borrow of plain numbers.
unsafe impl Send for ViewMut<'_> {}

impl<'a> ViewMut<'a> {
    /// A writable view of memory.
    ///
    /// # Safety
    /// As [`View::from_raw`], and nothing else reads or writes these elements while the view lives; the memory may be
    /// uninitialised.
    pub unsafe fn from_raw(ptr: *mut u8, dtype: DType, dims: &'a [usize], strides: &'a [isize]) -> ViewMut<'a> {
        debug_assert_eq!(dims.len(), strides.len());
        ViewMut { ptr, dtype, dims, strides, life: PhantomData }
    }
    /// The first element.
    pub fn ptr(&self) -> *mut u8 {
        self.ptr
    }
    /// The dtype.
    pub fn dtype(&self) -> DType {
        self.dtype
    }
    /// Lengths of the axes.
    pub fn dims(&self) -> &'a [usize] {
        self.dims
    }
    /// Strides in elements.
    pub fn strides(&self) -> &'a [isize] {
        self.strides
    }
    /// Number of elements.
    pub fn count(&self) -> usize {
        count(self.dims)
    }
    /// The same elements, to read.
    pub fn view(&self) -> View<'_> {
        View { ptr: self.ptr, dtype: self.dtype, dims: self.dims, strides: self.strides, life: PhantomData }
    }
}

/// Calls `f` with `x` repeated so that all axes but the last `keep` have the lengths `lead`. The caller has checked that
/// they broadcast.
pub fn with_lead<R>(x: View<'_>, lead: &[usize], keep: usize, f: impl FnOnce(View<'_>) -> R) -> R {
    let split = x.dims.len().saturating_sub(keep);
    let (own, tail) = x.dims.split_at(split);
    let mut dims = crate::shape::Dims::from_slice(lead);
    dims.extend_from_slice(tail);
    let missing = lead.len().saturating_sub(own.len());
    let mut strides: crate::shape::Strides = std::iter::repeat_n(0, missing).collect();
    strides.extend(own.iter().zip(x.strides).zip(lead.iter().skip(missing)).map(|((&n, &s), &m)| if n == 1 && m != 1 { 0 } else { s }));
    strides.extend_from_slice(&x.strides[split..]);
    // SAFETY: an axis of length 1 that is repeated has stride 0, so the same elements are reached.
    f(unsafe { View::from_raw(x.ptr, x.dtype, &dims, &strides) })
}
