//! Matrices of `f64` that lie one after the other, brought side by side and back: eight at once, by blocks that are transposed in registers.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

#[cfg(target_arch = "x86_64")]
use crate::kernels::isa::{Isa, isa};

/// Matrices that are turned at once.
pub const WIDTH: usize = 8;

/// Element `e` of matrix `l` becomes number `l` of vector `e`, for `count` elements, or the other way if `back`; true if that was done.
///
/// # Safety
/// The matrices and the vectors have so many elements.
#[inline(always)]
pub unsafe fn turn(matrices: [*mut f64; WIDTH], vectors: *mut [f64; WIDTH], count: usize, back: bool) -> bool {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the instruction set is what the machine has, or less; the rest by the contract.
    unsafe {
        match isa() {
            Isa::Avx512 if count >= 8 => blocks(count, 8, |at| eight(matrices, vectors, at, back)),
            Isa::Avx512 | Isa::Avx2 if count >= 4 => blocks(count, 4, |at| four(matrices, vectors, at, back)),
            _ => return false,
        }
        true
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        _ = (matrices, vectors, count, back);
        false
    }
}

/// The last block starts earlier, and does a part again.
#[inline(always)]
fn blocks(count: usize, size: usize, f: impl Fn(usize)) {
    let mut at = 0;
    while at < count {
        f(at.min(count - size));
        at += size;
    }
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn eight(matrices: [*mut f64; WIDTH], vectors: *mut [f64; WIDTH], at: usize, back: bool) {
    // SAFETY: by the contract of the caller.
    unsafe {
        let mut x = [_mm512_setzero_pd(); 8];
        for i in 0..8 {
            x[i] = _mm512_loadu_pd(if back { vectors.add(at + i).cast() } else { matrices[i].add(at) });
        }
        let (even, odd) = (_mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13), _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15));
        let mut y = [_mm512_setzero_pd(); 8];
        for half in 0..2 {
            let pair = |i: usize| if half == 0 { _mm512_unpacklo_pd(x[i], x[i + 1]) } else { _mm512_unpackhi_pd(x[i], x[i + 1]) };
            let (a, b, c, d) = (pair(0), pair(2), pair(4), pair(6));
            let (p, q) = (_mm512_permutex2var_pd(a, even, b), _mm512_permutex2var_pd(c, even, d));
            let (r, s) = (_mm512_permutex2var_pd(a, odd, b), _mm512_permutex2var_pd(c, odd, d));
            y[half] = _mm512_shuffle_f64x2::<0x44>(p, q);
            y[half + 4] = _mm512_shuffle_f64x2::<0xEE>(p, q);
            y[half + 2] = _mm512_shuffle_f64x2::<0x44>(r, s);
            y[half + 6] = _mm512_shuffle_f64x2::<0xEE>(r, s);
        }
        for i in 0..8 {
            _mm512_storeu_pd(if back { matrices[i].add(at) } else { vectors.add(at + i).cast() }, y[i]);
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn four(matrices: [*mut f64; WIDTH], vectors: *mut [f64; WIDTH], at: usize, back: bool) {
    // SAFETY: by the contract of the caller.
    unsafe {
        for first in [0, 4] {
            let matrix = |i: usize| matrices[first + i].add(at);
            let vector = |i: usize| vectors.add(at + i).cast::<f64>().add(first);
            let mut x = [_mm256_setzero_pd(); 4];
            for i in 0..4 {
                x[i] = _mm256_loadu_pd(if back { vector(i) } else { matrix(i) });
            }
            let (a, b) = (_mm256_unpacklo_pd(x[0], x[1]), _mm256_unpackhi_pd(x[0], x[1]));
            let (c, d) = (_mm256_unpacklo_pd(x[2], x[3]), _mm256_unpackhi_pd(x[2], x[3]));
            let y = [
                _mm256_permute2f128_pd::<0x20>(a, c),
                _mm256_permute2f128_pd::<0x20>(b, d),
                _mm256_permute2f128_pd::<0x31>(a, c),
                _mm256_permute2f128_pd::<0x31>(b, d),
            ];
            for i in 0..4 {
                _mm256_storeu_pd(if back { matrix(i) } else { vector(i) }, y[i]);
            }
        }
    }
}
