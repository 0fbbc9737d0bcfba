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

/// The axis along which the elements of a tile follow each other.
#[inline(always)]
pub fn axis(steps: [isize; 2]) -> usize {
    usize::from(steps[1] == 1)
}

/// Calls `line(place, elements)` for each line of a tile along that axis; `place` counts along the other one, from 0 on.
///
/// # Safety
/// As [`Epilogue::tile`].
#[inline(always)]
pub unsafe fn lines<T>(lengths: [usize; 2], values: *mut T, steps: [isize; 2], mut line: impl FnMut(usize, &mut [T])) {
    let (along, other) = if axis(steps) == 1 { (1, 0) } else { (0, 1) };
    let mut at = values;
    for place in 0..lengths[other] {
        // SAFETY: by the contract: the elements of a line follow each other.
        line(place, unsafe { std::slice::from_raw_parts_mut(at, lengths[along]) });
        at = at.wrapping_offset(steps[other]);
    }
}
