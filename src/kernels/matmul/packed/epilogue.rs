//! What is done to the elements of a product before they leave the cache.

/// Works on each element once, after its last product. It must not depend on how the result is cut into tiles.
pub trait Epilogue<T> {
    /// False: the tiles are not even visited.
    const ACTIVE: bool = true;

    /// A tile of the result, from row `at[0]` and column `at[1]` on: the element (i, j) of its `lengths` lies at
    /// `values + i steps[0] + j steps[1]`. One of the steps is 1, most often the second. Inline it, and it has the instructions of the
    /// micro-kernels.
    ///
    /// # Safety
    /// The tile lies in the result, and `values` has its elements.
    unsafe fn tile(&self, at: [usize; 2], lengths: [usize; 2], values: *mut T, steps: [isize; 2]);
}

/// Nothing.
#[derive(Clone, Copy, Debug)]
pub struct Plain;

impl<T> Epilogue<T> for Plain {
    const ACTIVE: bool = false;

    #[inline(always)]
    unsafe fn tile(&self, _: [usize; 2], _: [usize; 2], _: *mut T, _: [isize; 2]) {}
}
