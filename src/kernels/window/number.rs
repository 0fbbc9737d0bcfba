//! The numbers of convolutions, and their vectors by instruction set.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256, __m256d, __m512, __m512d, _mm512_mask_storeu_pd, _mm512_mask_storeu_ps};

use crate::kernels::matmul::packed::Scalar;
use crate::kernels::matmul::packed::vector::{Plain, Vector};
use crate::kernels::real::Float;

/// A float that is convolved.
pub(super) trait Number: Scalar + Float {
    type Plain: Lanes<T = Self>;
    #[cfg(target_arch = "x86_64")]
    type Half: Lanes<T = Self>;
    #[cfg(target_arch = "x86_64")]
    type Whole: Lanes<T = Self>;
}
impl Number for f32 {
    type Plain = Plain<f32, 4>;
    #[cfg(target_arch = "x86_64")]
    type Half = __m256;
    #[cfg(target_arch = "x86_64")]
    type Whole = __m512;
}
impl Number for f64 {
    type Plain = Plain<f64, 2>;
    #[cfg(target_arch = "x86_64")]
    type Half = __m256d;
    #[cfg(target_arch = "x86_64")]
    type Whole = __m512d;
}

/// A vector of which some lanes are written.
pub(super) trait Lanes: Vector {
    /// Writes `count` lanes, from lane `from` on, of a vector in memory.
    ///
    /// # Safety
    /// Two vectors can be read, and `count` numbers written; the machine has the instructions.
    #[inline(always)]
    unsafe fn put(at: *const Self::T, from: usize, count: usize, to: *mut Self::T) {
        // SAFETY: by the contract.
        unsafe { Self::load(at.wrapping_add(from)).store_part(to, count) }
    }
}
impl Lanes for Plain<f32, 4> {}
impl Lanes for Plain<f64, 2> {}
#[cfg(target_arch = "x86_64")]
impl Lanes for __m256 {}
#[cfg(target_arch = "x86_64")]
impl Lanes for __m256d {}

// Read as they were written: what was just stored comes from the store itself.
#[cfg(target_arch = "x86_64")]
impl Lanes for __m512 {
    #[inline(always)]
    unsafe fn put(at: *const f32, from: usize, count: usize, to: *mut f32) {
        let mask = 1u32.wrapping_shl(count as u32).wrapping_sub(1).wrapping_shl(from as u32);
        // SAFETY: by the contract; lanes beside the mask are not touched.
        unsafe { _mm512_mask_storeu_ps(to.wrapping_sub(from), mask as u16, Self::load(at)) }
    }
}
#[cfg(target_arch = "x86_64")]
impl Lanes for __m512d {
    #[inline(always)]
    unsafe fn put(at: *const f64, from: usize, count: usize, to: *mut f64) {
        let mask = 1u32.wrapping_shl(count as u32).wrapping_sub(1).wrapping_shl(from as u32);
        // SAFETY: as above.
        unsafe { _mm512_mask_storeu_pd(to.wrapping_sub(from), mask as u8, Self::load(at)) }
    }
}
