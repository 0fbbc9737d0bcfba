//! Vectors of the instruction sets: what micro-kernels and packing need of them.

use super::Scalar;

/// A register of `LANES` numbers. Its methods have the instructions of one set, and are inlined into functions that enable it.
pub(in crate::kernels) trait Vector: Copy {
    type T: Scalar;
    const LANES: usize;

    /// # Safety
    /// The machine has the instructions, as for every method below.
    unsafe fn zero() -> Self;
    /// # Safety
    /// `LANES` numbers can be read.
    unsafe fn load(from: *const Self::T) -> Self;
    /// The first `count` lanes from memory, the others 0.
    ///
    /// # Safety
    /// `count <= LANES` numbers can be read.
    unsafe fn load_part(from: *const Self::T, count: usize) -> Self;
    /// One number in each lane.
    ///
    /// # Safety
    /// It can be read.
    unsafe fn spread(from: *const Self::T) -> Self;
    /// `self + x`
    ///
    /// # Safety
    /// As for `zero`.
    unsafe fn plus(self, x: Self) -> Self;
    /// `self * x + sum`: fused, where the instruction set has it.
    ///
    /// # Safety
    /// As for `zero`.
    unsafe fn times_plus(self, x: Self, sum: Self) -> Self;
    /// # Safety
    /// `LANES` numbers can be written.
    unsafe fn store(self, to: *mut Self::T);
    /// Writes the first `count` lanes.
    ///
    /// # Safety
    /// `count <= LANES` numbers can be written.
    unsafe fn store_part(self, to: *mut Self::T, count: usize);
    /// Gives `put` the column `c` of a square, for each c below `LANES`, in order of c: what lies at `row(0) + c`, `row(1) + c`, ...
    ///
    /// # Safety
    /// `LANES` numbers can be read from each row on.
    unsafe fn columns(row: impl Fn(usize) -> *const Self::T, put: impl FnMut(usize, Self));

    /// The first `count` columns.
    ///
    /// # Safety
    /// `count <= LANES` numbers can be read from each row on.
    #[inline(always)]
    unsafe fn columns_part(row: impl Fn(usize) -> *const Self::T, count: usize, mut put: impl FnMut(usize, Self)) {
        let mut square = std::mem::MaybeUninit::<[Self::T; SQUARE]>::uninit();
        let at = square.as_mut_ptr().cast::<Self::T>();
        // SAFETY: the rows of the contract, and a square.
        unsafe {
            for r in 0..Self::LANES {
                Self::load_part(row(r), count).store(at.wrapping_add(r.wrapping_mul(Self::LANES)));
            }
            let row = |r: usize| at.wrapping_add(r.wrapping_mul(Self::LANES)).cast_const();
            Self::columns(row, |c, x| {
                if c < count {
                    put(c, x);
                }
            });
        }
    }
}

/// Numbers of the largest square.
const SQUARE: usize = 256;

/// `[T; N]` as a vector: what the target guarantees makes of it. Never fused.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(in crate::kernels) struct Plain<T, const N: usize>([T; N]);

macro_rules! plain {
    ($($t:ident $n:literal;)+) => {$(impl Vector for Plain<$t, $n> {
        type T = $t;
        const LANES: usize = $n;

        #[inline(always)]
        unsafe fn zero() -> Self {
            Plain([0.0; $n])
        }
        #[inline(always)]
        unsafe fn load(from: *const $t) -> Self {
            // SAFETY: by the contract.
            Plain(unsafe { *from.cast::<[$t; $n]>() })
        }
        #[inline(always)]
        unsafe fn load_part(from: *const $t, count: usize) -> Self {
            let mut x = [0.0; $n];
            x.iter_mut().take(count).enumerate().for_each(|(i, x)| {
                // SAFETY: one of `count` numbers.
                *x = unsafe { *from.wrapping_add(i) };
            });
            Plain(x)
        }
        #[inline(always)]
        unsafe fn spread(from: *const $t) -> Self {
            // SAFETY: by the contract.
            Plain([unsafe { *from }; $n])
        }
        #[inline(always)]
        unsafe fn plus(self, x: Self) -> Self {
            let mut sum = self;
            sum.0.iter_mut().zip(x.0).for_each(|(s, x)| *s += x);
            sum
        }
        #[inline(always)]
        unsafe fn times_plus(self, x: Self, sum: Self) -> Self {
            let mut sum = sum;
            sum.0.iter_mut().zip(self.0).zip(x.0).for_each(|((s, a), b)| *s += a * b);
            sum
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut $t) {
            // SAFETY: by the contract.
            unsafe { *to.cast::<[$t; $n]>() = self.0 };
        }
        #[inline(always)]
        unsafe fn store_part(self, to: *mut $t, count: usize) {
            self.0.iter().take(count).enumerate().for_each(|(i, &x)| {
                // SAFETY: one of `count` numbers.
                unsafe { *to.wrapping_add(i) = x };
            });
        }
        #[inline(always)]
        unsafe fn columns(row: impl Fn(usize) -> *const $t, mut put: impl FnMut(usize, Self)) {
            for c in 0..$n {
                // SAFETY: by the contract.
                put(c, Plain(std::array::from_fn(|r| unsafe { *row(r).wrapping_add(c) })));
            }
        }
    })+};
}
plain! { f32 4; f64 2; }

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::Vector;

    // Loads that no build checks: `loadu` would be checked wherever debug assertions are on, and the sums not stay in registers.
    macro_rules! f32x16 {
        ($from:expr) => {
            _mm512_maskz_loadu_ps(0xffff, $from)
        };
    }
    macro_rules! f64x8 {
        ($from:expr) => {
            _mm512_maskz_loadu_pd(0xff, $from)
        };
    }
    macro_rules! f32x8 {
        ($from:expr) => {
            _mm256_castsi256_ps(_mm256_lddqu_si256($from.cast()))
        };
    }
    macro_rules! f64x4 {
        ($from:expr) => {
            _mm256_castsi256_pd(_mm256_lddqu_si256($from.cast()))
        };
    }

    /// The methods that are one instruction each.
    macro_rules! common {
        ($t:ident, $n:literal, $zero:ident $load:ident $one:ident $spread:ident $plus:ident $fma:ident $store:ident) => {
            type T = $t;
            const LANES: usize = $n;

            #[inline(always)]
            unsafe fn zero() -> Self {
                // SAFETY: the machine has the instructions, here and below.
                unsafe { $zero() }
            }
            #[inline(always)]
            unsafe fn load(from: *const $t) -> Self {
                // SAFETY: by the contract.
                unsafe { $load!(from) }
            }
            #[inline(always)]
            unsafe fn spread(from: *const $t) -> Self {
                // SAFETY: by the contract. Intrinsics are not checked in test builds, as reading a pointer is.
                unsafe { $spread($one(from)) }
            }
            #[inline(always)]
            unsafe fn plus(self, x: Self) -> Self {
                // SAFETY: as above.
                unsafe { $plus(self, x) }
            }
            #[inline(always)]
            unsafe fn times_plus(self, x: Self, sum: Self) -> Self {
                // SAFETY: as above.
                unsafe { $fma(self, x, sum) }
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $t) {
                // SAFETY: by the contract.
                unsafe { $store(to, self) }
            }
        };
    }

    // Lanes of 128 bits are transposed inside, and then as wholes. Each row is read at once: rows that are a power of two apart drive
    // each other out of the first cache.

    // Not by `map`, which is not always inlined.

    /// The columns of four rows, in each lane.
    macro_rules! four {
        ($row:ident $g:literal, $load:ident $low:ident $high:ident $shuffle:ident) => {{
            let (a, b, c, d) = ($load!($row($g)), $load!($row($g | 1)), $load!($row($g | 2)), $load!($row($g | 3)));
            let (ab, cd, ef, gh) = ($low(a, b), $low(c, d), $high(a, b), $high(c, d));
            [$shuffle::<0x44>(ab, cd), $shuffle::<0xee>(ab, cd), $shuffle::<0x44>(ef, gh), $shuffle::<0xee>(ef, gh)]
        }};
    }
    /// The columns of two rows, in each lane.
    macro_rules! two {
        ($row:ident $g:literal, $load:ident $low:ident $high:ident) => {{
            let (a, b) = ($load!($row($g)), $load!($row($g | 1)));
            [$low(a, b), $high(a, b)]
        }};
    }
    /// The four lanes of four vectors.
    macro_rules! lanes {
        ($t:expr, $c:expr, $shuffle:ident) => {{
            let [p, q, r, s] = [$t[0][$c], $t[1][$c], $t[2][$c], $t[3][$c]];
            let (a, b, c, d) = ($shuffle::<0x44>(p, q), $shuffle::<0x44>(r, s), $shuffle::<0xee>(p, q), $shuffle::<0xee>(r, s));
            [$shuffle::<0x88>(a, b), $shuffle::<0xdd>(a, b), $shuffle::<0x88>(c, d), $shuffle::<0xdd>(c, d)]
        }};
    }

    impl Vector for __m512 {
        common! { f32, 16, _mm512_setzero_ps f32x16 _mm_load_ss _mm512_broadcastss_ps _mm512_add_ps _mm512_fmadd_ps _mm512_storeu_ps }

        #[inline(always)]
        unsafe fn load_part(from: *const f32, count: usize) -> Self {
            // SAFETY: by the contract.
            unsafe { _mm512_maskz_loadu_ps(1u32.wrapping_shl(count as u32).wrapping_sub(1) as u16, from) }
        }
        #[inline(always)]
        unsafe fn store_part(self, to: *mut f32, count: usize) {
            // SAFETY: by the contract.
            unsafe { _mm512_mask_storeu_ps(to, 1u32.wrapping_shl(count as u32).wrapping_sub(1) as u16, self) }
        }
        #[inline(always)]
        unsafe fn columns(row: impl Fn(usize) -> *const f32, mut put: impl FnMut(usize, Self)) {
            // SAFETY: by the contract.
            unsafe {
                let t = [
                    four!(row 0, f32x16 _mm512_unpacklo_ps _mm512_unpackhi_ps _mm512_shuffle_ps),
                    four!(row 4, f32x16 _mm512_unpacklo_ps _mm512_unpackhi_ps _mm512_shuffle_ps),
                    four!(row 8, f32x16 _mm512_unpacklo_ps _mm512_unpackhi_ps _mm512_shuffle_ps),
                    four!(row 12, f32x16 _mm512_unpacklo_ps _mm512_unpackhi_ps _mm512_shuffle_ps),
                ];
                let x = [
                    lanes!(t, 0, _mm512_shuffle_f32x4),
                    lanes!(t, 1, _mm512_shuffle_f32x4),
                    lanes!(t, 2, _mm512_shuffle_f32x4),
                    lanes!(t, 3, _mm512_shuffle_f32x4),
                ];
                (0..16).for_each(|c| put(c, x[c % 4][c / 4]));
            }
        }
    }

    impl Vector for __m512d {
        common! { f64, 8, _mm512_setzero_pd f64x8 _mm_load_sd _mm512_broadcastsd_pd _mm512_add_pd _mm512_fmadd_pd _mm512_storeu_pd }

        #[inline(always)]
        unsafe fn load_part(from: *const f64, count: usize) -> Self {
            // SAFETY: by the contract.
            unsafe { _mm512_maskz_loadu_pd(1u32.wrapping_shl(count as u32).wrapping_sub(1) as u8, from) }
        }
        #[inline(always)]
        unsafe fn store_part(self, to: *mut f64, count: usize) {
            // SAFETY: by the contract.
            unsafe { _mm512_mask_storeu_pd(to, 1u32.wrapping_shl(count as u32).wrapping_sub(1) as u8, self) }
        }
        #[inline(always)]
        unsafe fn columns(row: impl Fn(usize) -> *const f64, mut put: impl FnMut(usize, Self)) {
            // SAFETY: by the contract.
            unsafe {
                let t = [
                    two!(row 0, f64x8 _mm512_unpacklo_pd _mm512_unpackhi_pd),
                    two!(row 2, f64x8 _mm512_unpacklo_pd _mm512_unpackhi_pd),
                    two!(row 4, f64x8 _mm512_unpacklo_pd _mm512_unpackhi_pd),
                    two!(row 6, f64x8 _mm512_unpacklo_pd _mm512_unpackhi_pd),
                ];
                let x = [lanes!(t, 0, _mm512_shuffle_f64x2), lanes!(t, 1, _mm512_shuffle_f64x2)];
                (0..8).for_each(|c| put(c, x[c % 2][c / 2]));
            }
        }
    }

    /// Eight masks, and eight zeros behind them.
    static MASKS: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];

    impl Vector for __m256 {
        common! { f32, 8, _mm256_setzero_ps f32x8 _mm_load_ss _mm256_broadcastss_ps _mm256_add_ps _mm256_fmadd_ps _mm256_storeu_ps }

        #[inline(always)]
        unsafe fn load_part(from: *const f32, count: usize) -> Self {
            // SAFETY: by the contract; the masks from `8 - count` on.
            unsafe { _mm256_maskload_ps(from, _mm256_loadu_si256(MASKS.as_ptr().wrapping_add(8usize.wrapping_sub(count)).cast())) }
        }
        // Masked stores are slow on some machines.
        #[inline(always)]
        unsafe fn store_part(self, mut to: *mut f32, count: usize) {
            // SAFETY: by the contract.
            unsafe {
                if count & 8 != 0 {
                    return _mm256_storeu_ps(to, self);
                }
                let mut x = _mm256_castps256_ps128(self);
                if count & 4 != 0 {
                    _mm_storeu_ps(to, x);
                    (x, to) = (_mm256_extractf128_ps::<1>(self), to.wrapping_add(4));
                }
                if count & 2 != 0 {
                    _mm_storel_pd(to.cast(), _mm_castps_pd(x));
                    (x, to) = (_mm_movehl_ps(x, x), to.wrapping_add(2));
                }
                if count & 1 != 0 {
                    _mm_store_ss(to, x);
                }
            }
        }
        #[inline(always)]
        unsafe fn columns(row: impl Fn(usize) -> *const f32, mut put: impl FnMut(usize, Self)) {
            // SAFETY: by the contract.
            unsafe {
                let x = four!(row 0, f32x8 _mm256_unpacklo_ps _mm256_unpackhi_ps _mm256_shuffle_ps);
                let y = four!(row 4, f32x8 _mm256_unpacklo_ps _mm256_unpackhi_ps _mm256_shuffle_ps);
                (0..4).for_each(|c| put(c, _mm256_permute2f128_ps::<0x20>(x[c], y[c])));
                (0..4).for_each(|c| put(c | 4, _mm256_permute2f128_ps::<0x31>(x[c], y[c])));
            }
        }
    }

    impl Vector for __m256d {
        common! { f64, 4, _mm256_setzero_pd f64x4 _mm_load_sd _mm256_broadcastsd_pd _mm256_add_pd _mm256_fmadd_pd _mm256_storeu_pd }

        #[inline(always)]
        unsafe fn load_part(from: *const f64, count: usize) -> Self {
            let at = MASKS.as_ptr().wrapping_add(8usize.wrapping_sub(count.wrapping_mul(2)));
            // SAFETY: by the contract; two masks a number, and zeros.
            unsafe { _mm256_maskload_pd(from, _mm256_loadu_si256(at.cast())) }
        }
        #[inline(always)]
        unsafe fn store_part(self, mut to: *mut f64, count: usize) {
            // SAFETY: by the contract.
            unsafe {
                if count & 4 != 0 {
                    return _mm256_storeu_pd(to, self);
                }
                let mut x = _mm256_castpd256_pd128(self);
                if count & 2 != 0 {
                    _mm_storeu_pd(to, x);
                    (x, to) = (_mm256_extractf128_pd::<1>(self), to.wrapping_add(2));
                }
                if count & 1 != 0 {
                    _mm_store_sd(to, x);
                }
            }
        }
        #[inline(always)]
        unsafe fn columns(row: impl Fn(usize) -> *const f64, mut put: impl FnMut(usize, Self)) {
            // SAFETY: by the contract.
            unsafe {
                let x = two!(row 0, f64x4 _mm256_unpacklo_pd _mm256_unpackhi_pd);
                let y = two!(row 2, f64x4 _mm256_unpacklo_pd _mm256_unpackhi_pd);
                (0..2).for_each(|c| put(c, _mm256_permute2f128_pd::<0x20>(x[c], y[c])));
                (0..2).for_each(|c| put(c | 2, _mm256_permute2f128_pd::<0x31>(x[c], y[c])));
            }
        }
    }
}
