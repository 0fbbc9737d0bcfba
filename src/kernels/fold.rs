//! Reductions. Their tree depends on the number of values only: blocks of 512 are folded 512 -> 64 -> 8 -> 1, blocks pairwise by index.

use std::mem::transmute;

use super::isa::Isa;
use super::real::Value;
use super::tile::{slice, slice_mut};
use crate::dtype::DType;

/// Which operation folds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fold {
    /// The sum; integers wrap.
    Sum,
    /// The largest value; NaN if there is one.
    Max,
    /// The smallest value; NaN if there is one.
    Min,
}

/// Number of values that [`block`] folds.
pub const BLOCK: usize = 512;

/// One step of a fold.
trait Step<T: Value> {
    /// `of(x, IDENTITY)` is x.
    const IDENTITY: T;
    fn of(a: T, b: T) -> T;
}

struct Sum;
struct Max;
struct Min;
impl<T: Value> Step<T> for Sum {
    const IDENTITY: T = T::NOTHING;
    #[inline(always)]
    fn of(a: T, b: T) -> T {
        a.plus(b)
    }
}
impl<T: Value> Step<T> for Max {
    const IDENTITY: T = T::LEAST;
    #[inline(always)]
    fn of(a: T, b: T) -> T {
        a.larger(b)
    }
}
impl<T: Value> Step<T> for Min {
    const IDENTITY: T = T::GREATEST;
    #[inline(always)]
    fn of(a: T, b: T) -> T {
        a.smaller(b)
    }
}

/// The bytes of the identity: -0.0 for a floating sum, the infinities, extreme integers, false and true for max and min.
pub fn identity(fold: Fold, dtype: DType) -> [u8; 8] {
    fn of<T: Value>(fold: Fold) -> T {
        match fold {
            Fold::Sum => Sum::IDENTITY,
            Fold::Max => Max::IDENTITY,
            Fold::Min => Min::IDENTITY,
        }
    }
    let mut bytes = [0; 8];
    match dtype {
        DType::Bool => bytes[0] = of::<u8>(fold),
        DType::I32 => bytes[..4].copy_from_slice(&of::<i32>(fold).to_ne_bytes()),
        DType::I64 => bytes = of::<i64>(fold).to_ne_bytes(),
        DType::F32 => bytes[..4].copy_from_slice(&of::<f32>(fold).to_ne_bytes()),
        DType::F64 => bytes = of::<f64>(fold).to_ne_bytes(),
    }
    bytes
}

/// Folds 8 rows elementwise. That `d` is an argument of type `&mut` tells LLVM that nothing overlaps.
#[inline(always)]
fn eight<T: Value, F: Step<T>, const W: usize>(d: &mut [T; W], r: [&[T; W]; 8]) {
    for i in 0..W {
        let low = F::of(F::of(r[0][i], r[1][i]), F::of(r[2][i], r[3][i]));
        let high = F::of(F::of(r[4][i], r[5][i]), F::of(r[6][i], r[7][i]));
        d[i] = F::of(low, high);
    }
}

/// Row k of the rows of W values at `s`.
#[inline(always)]
unsafe fn row_of<'a, T, const W: usize>(s: *const T, k: usize) -> &'a [T; W] {
    // SAFETY: a pointer to an array and a reference to one have the same layout. A plain `&*` would be checked in test builds, by a call.
    unsafe { transmute::<*const [T; W], &[T; W]>(s.wrapping_add(k.wrapping_mul(W)).cast()) }
}

/// Folds the n > W values at `s`, as up to 8 rows of W, elementwise. What is missing is the identity; n rounded up to 8 are readable.
#[inline(always)]
unsafe fn level<T: Value, F: Step<T>, const W: usize>(d: &mut [T; W], s: *const T, n: usize) {
    let whole = |k: usize| unsafe { row_of::<T, W>(s, k) };
    if n == 8 * W {
        return eight::<T, F, W>(d, [whole(0), whole(1), whole(2), whole(3), whole(4), whole(5), whole(6), whole(7)]);
    }
    // The last row, if it is cut short; rows of one value never are.
    let nothing = [F::IDENTITY; W];
    let mut tail = [F::IDENTITY; W];
    let (full, rest) = (n / W, n % W);
    if W % 8 == 0 {
        let readable = (rest.wrapping_add(7) & !7).min(W);
        let values = unsafe { slice(s.wrapping_add(full.wrapping_mul(W)), readable) };
        for j in 0..readable {
            tail[j] = if j < rest { values[j] } else { F::IDENTITY };
        }
    }
    let row = |k: usize| -> &[T; W] {
        if k < full {
            whole(k)
        } else if k == full {
            &tail
        } else {
            &nothing
        }
    };
    // The identity on the right changes nothing, so a half of the tree that holds nothing else is left out.
    let (a, b) = (whole(0), row(1));
    if n <= 2 * W {
        for i in 0..W {
            d[i] = F::of(a[i], b[i]);
        }
        return;
    }
    let (c, e) = (row(2), row(3));
    if n <= 4 * W {
        for i in 0..W {
            d[i] = F::of(F::of(a[i], b[i]), F::of(c[i], e[i]));
        }
        return;
    }
    eight::<T, F, W>(d, [a, b, c, e, row(4), row(5), row(6), row(7)]);
}

/// A kernel with the arguments of [`block`] and [`accumulate`].
trait Job {
    unsafe fn run(d: *mut u8, s: *const u8, n: usize);
}

struct Block<F, T>(F, T);
impl<T: Value, F: Step<T>> Job for Block<F, T> {
    #[inline(always)]
    unsafe fn run(d: *mut u8, s: *const u8, n: usize) {
        let (mut wide, mut narrow) = ([F::IDENTITY; 64], [F::IDENTITY; 8]);
        let (mut s, mut n) = (s.cast::<T>(), n);
        unsafe {
            if n > 64 {
                level::<T, F, 64>(&mut wide, s, n);
                (s, n) = (wide.as_ptr(), 64);
            }
            if n > 8 {
                level::<T, F, 8>(&mut narrow, s, n);
                (s, n) = (narrow.as_ptr(), 8);
            }
            let mut one = [F::IDENTITY];
            match n {
                0 => {}
                1 => one = *row_of(s, 0),
                _ => level::<T, F, 1>(&mut one, s, n),
            }
            slice_mut(d.cast::<T>(), 1)[0] = one[0];
        }
    }
}

struct Accumulate<F, T>(F, T);
impl<T: Value, F: Step<T>> Job for Accumulate<F, T> {
    #[inline(always)]
    unsafe fn run(d: *mut u8, s: *const u8, n: usize) {
        let n = n.wrapping_add(7) & !7;
        unsafe { combine::<T, F>(slice_mut(d.cast(), n), slice(s.cast(), n)) }
    }
}

/// d\[i\] = d\[i\] (op) s\[i\]
#[inline(always)]
fn combine<T: Value, F: Step<T>>(d: &mut [T], s: &[T]) {
    // By index: an adapter of iterators is a call in a test build, if LLVM so chooses.
    for i in 0..d.len() {
        d[i] = F::of(d[i], s[i]);
    }
}

/// The body of [`pairwise`].
#[inline(always)]
unsafe fn fold_rows<T: Value, F: Step<T>>(s: *mut u8, m: usize, width: usize) {
    let s = s.cast::<T>();
    // After each round the rows of the next level stand at the multiples of twice the step; so an odd last row is where it belongs.
    // Wrapping, because a check for overflow would be a call in a test build.
    let mut step = 1usize;
    while step < m {
        let mut i = 0usize;
        while i.wrapping_add(step) < m {
            let (d, a) = (s.wrapping_add(i.wrapping_mul(width)), s.wrapping_add(i.wrapping_add(step).wrapping_mul(width)));
            unsafe { combine::<T, F>(slice_mut(d, width), slice(a, width)) };
            i = i.wrapping_add(step.wrapping_mul(2));
        }
        step = step.wrapping_mul(2);
    }
}

unsafe fn base<J: Job>(d: *mut u8, s: *const u8, n: usize) {
    unsafe { J::run(d, s, n) }
}
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<J: Job>(d: *mut u8, s: *const u8, n: usize) {
    unsafe { J::run(d, s, n) }
}
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")]
unsafe fn avx512<J: Job>(d: *mut u8, s: *const u8, n: usize) {
    unsafe { J::run(d, s, n) }
}
fn job<J: Job>(isa: Isa) -> unsafe fn(*mut u8, *const u8, usize) {
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => avx512::<J>,
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => avx2::<J>,
        _ => base::<J>,
    }
}

unsafe fn base_rows<T: Value, F: Step<T>>(s: *mut u8, m: usize, width: usize) {
    unsafe { fold_rows::<T, F>(s, m, width) }
}
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2_rows<T: Value, F: Step<T>>(s: *mut u8, m: usize, width: usize) {
    unsafe { fold_rows::<T, F>(s, m, width) }
}
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")]
unsafe fn avx512_rows<T: Value, F: Step<T>>(s: *mut u8, m: usize, width: usize) {
    unsafe { fold_rows::<T, F>(s, m, width) }
}
fn rows<T: Value, F: Step<T>>(isa: Isa) -> unsafe fn(*mut u8, usize, usize) {
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => avx512_rows::<T, F>,
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => avx2_rows::<T, F>,
        _ => base_rows::<T, F>,
    }
}

/// `$make` with `$F` and `$T` set to the types of a fold and a dtype. A sum of bools does not exist: it takes the larger one.
macro_rules! chosen {
    ($fold:expr, $dtype:expr, $F:ident, $T:ident => $make:expr) => {{
        macro_rules! with {
            ($S:ident, $V:ident) => {{
                type $F = $S;
                type $T = $V;
                $make
            }};
        }
        match ($fold, $dtype) {
            (Fold::Max | Fold::Sum, DType::Bool) => with!(Max, u8),
            (Fold::Min, DType::Bool) => with!(Min, u8),
            (Fold::Sum, DType::I32) => with!(Sum, i32),
            (Fold::Max, DType::I32) => with!(Max, i32),
            (Fold::Min, DType::I32) => with!(Min, i32),
            (Fold::Sum, DType::I64) => with!(Sum, i64),
            (Fold::Max, DType::I64) => with!(Max, i64),
            (Fold::Min, DType::I64) => with!(Min, i64),
            (Fold::Sum, DType::F32) => with!(Sum, f32),
            (Fold::Max, DType::F32) => with!(Max, f32),
            (Fold::Min, DType::F32) => with!(Min, f32),
            (Fold::Sum, DType::F64) => with!(Sum, f64),
            (Fold::Max, DType::F64) => with!(Max, f64),
            (Fold::Min, DType::F64) => with!(Min, f64),
        }
    }};
}

/// The kernel that folds the n <= 512 values at `s` into the one value at `d`: as if `s` were padded to 512 with the identity and
/// folded by eighths, 512 -> 64 -> 8 -> 1. `s` may be read up to n rounded up to 8. A few values cost little.
///
/// Bools have no sum; for them `Sum` is `Max`.
pub fn block(isa: Isa, fold: Fold, dtype: DType) -> unsafe fn(d: *mut u8, s: *const u8, n: usize) {
    chosen!(fold, dtype, F, T => job::<Block<F, T>>(isa))
}

/// The kernel `d[i] = d[i] (op) s[i]` for i < n; it computes n rounded up to 8. `d` and `s` do not overlap.
pub fn accumulate(isa: Isa, fold: Fold, dtype: DType) -> unsafe fn(d: *mut u8, s: *const u8, n: usize) {
    chosen!(fold, dtype, F, T => job::<Accumulate<F, T>>(isa))
}

/// The kernel that folds m rows of `width` values, one behind the other from `s`, in place: pairwise by index, an odd last row is carried
/// up, until the result stands in row 0. Nothing behind the rows is touched.
pub fn pairwise(isa: Isa, fold: Fold, dtype: DType) -> unsafe fn(s: *mut u8, m: usize, width: usize) {
    chosen!(fold, dtype, F, T => rows::<T, F>(isa))
}
