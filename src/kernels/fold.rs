//! Reductions. Their tree depends on the number of values only: blocks of 512 are folded 512 -> 64 -> 8 -> 1, blocks pairwise by index.

use std::hint::black_box;
use std::sync::atomic::{Ordering, compiler_fence};

use super::isa::Isa;
use super::real::Arithmetic;
use super::tile::{LINE, fetch, reference, slice, slice_mut};
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
    /// The product; integers wrap.
    Product,
}

/// Number of values that a line of [`lines`] has at most.
pub const BLOCK: usize = 512;

/// One step of a fold.
trait Step<T: Arithmetic> {
    /// `of(x, IDENTITY)` is x.
    const IDENTITY: T;
    fn of(a: T, b: T) -> T;
    /// The step of the steps of two and two.
    #[inline(always)]
    fn of_four(a: T, b: T, c: T, d: T) -> T {
        Self::of(Self::of(a, b), Self::of(c, d))
    }
}

struct Sum;
struct Product;
struct Max;
struct Min;
impl<T: Arithmetic> Step<T> for Sum {
    const IDENTITY: T = T::NOTHING;
    #[inline(always)]
    fn of(a: T, b: T) -> T {
        a.plus(b)
    }
}
impl<T: Arithmetic> Step<T> for Product {
    const IDENTITY: T = T::ONE;
    #[inline(always)]
    fn of(a: T, b: T) -> T {
        a.times(b)
    }
}
impl<T: Arithmetic> Step<T> for Max {
    const IDENTITY: T = T::LEAST;
    #[inline(always)]
    fn of(a: T, b: T) -> T {
        a.larger(b)
    }
    #[inline(always)]
    fn of_four(a: T, b: T, c: T, d: T) -> T {
        T::largest(a, b, c, d)
    }
}
impl<T: Arithmetic> Step<T> for Min {
    const IDENTITY: T = T::GREATEST;
    #[inline(always)]
    fn of(a: T, b: T) -> T {
        a.smaller(b)
    }
    #[inline(always)]
    fn of_four(a: T, b: T, c: T, d: T) -> T {
        T::smallest(a, b, c, d)
    }
}

/// The bytes of the identity: -0.0 for a floating sum, 1 for a product, the infinities, extreme integers, false and true for max and
/// min.
pub fn identity(fold: Fold, dtype: DType) -> [u8; 8] {
    fn of<T: Arithmetic>(fold: Fold) -> T {
        match fold {
            Fold::Sum => Sum::IDENTITY,
            Fold::Product => Product::IDENTITY,
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
fn eight<T: Arithmetic, F: Step<T>, const W: usize>(d: &mut [T; W], r: [&[T; W]; 8]) {
    for i in 0..W {
        d[i] = F::of_four(r[0][i], r[1][i], r[2][i], r[3][i]);
    }
    if W == 64 {
        // Memory is read faster in the order of its addresses; without this fence LLVM reads all eight rows at once, from the end.
        compiler_fence(Ordering::SeqCst);
    }
    for i in 0..W {
        let high = F::of_four(r[4][i], r[5][i], r[6][i], r[7][i]);
        d[i] = F::of(d[i], high);
    }
}

/// Row k of the rows of W values at `s`.
#[inline(always)]
unsafe fn row_of<'a, T, const W: usize>(s: *const T, k: usize) -> &'a [T; W] {
    unsafe { reference(s.wrapping_add(k.wrapping_mul(W)).cast()) }
}

/// Folds the n > W values at `s`, as up to 8 rows of W, elementwise. What is missing is the identity; n rounded up to 8 are readable.
#[inline(always)]
unsafe fn level<T: Arithmetic, F: Step<T>, const W: usize>(d: &mut [T; W], s: *const T, n: usize) {
    let whole = |k: usize| unsafe { row_of::<T, W>(s, k) };
    if n == 8 * W {
        let r = unsafe { reference::<[[T; W]; 8]>(s.cast()) };
        return eight::<T, F, W>(d, [&r[0], &r[1], &r[2], &r[3], &r[4], &r[5], &r[6], &r[7]]);
    }
    // The last row, if it is cut short; rows of one value never are.
    let nothing = [F::IDENTITY; W];
    let mut tail = [F::IDENTITY; W];
    let (full, rest) = (n / W, n % W);
    if W > 1 {
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
            d[i] = F::of_four(a[i], b[i], c[i], e[i]);
        }
        return;
    }
    eight::<T, F, W>(d, [a, b, c, e, row(4), row(5), row(6), row(7)]);
}

/// A kernel of `count` lines of `n` values, each `step` values behind the one before: see [`lines`] and [`onto`].
pub type Lines = unsafe fn(d: *mut u8, s: *const u8, count: usize, n: usize, step: usize);

/// The body of such a kernel.
trait Job {
    unsafe fn run(d: *mut u8, s: *const u8, count: usize, n: usize, step: usize);
}

struct Block<F, T>(F, T);
impl<T: Arithmetic, F: Step<T>> Job for Block<F, T> {
    #[allow(clippy::needless_range_loop, reason = "an iterator can be a call in a test build")]
    #[inline(always)]
    unsafe fn run(d: *mut u8, s: *const u8, count: usize, n: usize, step: usize) {
        unsafe {
            let (d, mut s) = (d.cast::<T>(), s.cast::<T>());
            if n == BLOCK {
                for i in 0..count {
                    slice_mut(d.wrapping_add(i), 1)[0] = fold_block::<T, F>(s.wrapping_add(i.wrapping_mul(step)), BLOCK);
                }
                return;
            }
            let d = slice_mut(d, count);
            for i in 0..d.len() {
                // Were `n` known to stay the same, all that follows from it would be computed before the loop: more than a line takes.
                d[i] = fold_block::<T, F>(s, black_box(n));
                s = s.wrapping_add(step);
            }
        }
    }
}

/// Blocks of memory.
struct Memory<F, T>(F, T);
impl<T: Arithmetic, F: Step<T>> Job for Memory<F, T> {
    #[inline(always)]
    unsafe fn run(d: *mut u8, s: *const u8, count: usize, _n: usize, step: usize) {
        let (d, s) = (d.cast::<T>(), s.cast::<T>());
        // By turns from both halves: memory is read faster in two streams.
        let half = count.wrapping_sub(count / 2);
        for turn in 0..count {
            let i = (turn / 2).wrapping_add(if turn % 2 == 0 { 0 } else { half });
            let at = |i: usize| s.wrapping_add(i.wrapping_mul(step));
            // To fold a block takes so many instructions that the processor comes late to the next one: extrema of large arrays took twice
            // as long without this.
            let (ahead, mut byte) = (at(i.wrapping_add(2)), 0usize);
            while byte < BLOCK.wrapping_mul(size_of::<T>()) {
                fetch(ahead.wrapping_byte_add(byte));
                byte = byte.wrapping_add(LINE);
            }
            unsafe { slice_mut(d.wrapping_add(i), 1)[0] = fold_block::<T, F>(at(i), BLOCK) };
        }
    }
}

/// Folds the n <= 512 values at `s`.
#[inline(always)]
unsafe fn fold_block<T: Arithmetic, F: Step<T>>(s: *const T, n: usize) -> T {
    let (mut wide, mut narrow) = ([F::IDENTITY; 64], [F::IDENTITY; 8]);
    let (mut s, mut n) = (s, n);
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
        one[0]
    }
}

struct Accumulate<F, T>(F, T);
impl<T: Arithmetic, F: Step<T>> Job for Accumulate<F, T> {
    #[inline(always)]
    unsafe fn run(d: *mut u8, s: *const u8, count: usize, n: usize, step: usize) {
        let n = n.wrapping_add(7) & !7;
        unsafe {
            let d = slice_mut(d.cast::<T>(), n);
            let row = |k: usize| slice(s.cast::<T>().wrapping_add(k.wrapping_mul(step)), n);
            // Four at a time: the accumulator is read and written once for them.
            let mut k = 0usize;
            while k.wrapping_add(4) <= count {
                let [a, b, c, e] = [0, 1, 2, 3].map(|i| row(k.wrapping_add(i)));
                combine_four::<T, F>(d, a, b, c, e);
                k = k.wrapping_add(4);
            }
            while k < count {
                combine::<T, F>(d, row(k));
                k = k.wrapping_add(1);
            }
        }
    }
}

/// [`combine`] with one row after the other.
#[inline(always)]
fn combine_four<T: Arithmetic, F: Step<T>>(d: &mut [T], a: &[T], b: &[T], c: &[T], e: &[T]) {
    for i in 0..d.len() {
        d[i] = F::of(F::of(F::of(F::of(d[i], a[i]), b[i]), c[i]), e[i]);
    }
}

/// d\[i\] = d\[i\] (op) s\[i\]
#[inline(always)]
fn combine<T: Arithmetic, F: Step<T>>(d: &mut [T], s: &[T]) {
    // By index: an adapter of iterators is a call in a test build, if LLVM so chooses.
    for i in 0..d.len() {
        d[i] = F::of(d[i], s[i]);
    }
}

/// The body of [`pairwise`].
#[inline(always)]
unsafe fn fold_rows<T: Arithmetic, F: Step<T>>(s: *mut u8, m: usize, width: usize) {
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

unsafe fn base<J: Job>(d: *mut u8, s: *const u8, count: usize, n: usize, step: usize) {
    unsafe { J::run(d, s, count, n, step) }
}
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<J: Job>(d: *mut u8, s: *const u8, count: usize, n: usize, step: usize) {
    unsafe { J::run(d, s, count, n, step) }
}
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")]
unsafe fn avx512<J: Job>(d: *mut u8, s: *const u8, count: usize, n: usize, step: usize) {
    unsafe { J::run(d, s, count, n, step) }
}
fn job<J: Job>(isa: Isa) -> Lines {
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => avx512::<J>,
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => avx2::<J>,
        _ => base::<J>,
    }
}

unsafe fn base_rows<T: Arithmetic, F: Step<T>>(s: *mut u8, m: usize, width: usize) {
    unsafe { fold_rows::<T, F>(s, m, width) }
}
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2_rows<T: Arithmetic, F: Step<T>>(s: *mut u8, m: usize, width: usize) {
    unsafe { fold_rows::<T, F>(s, m, width) }
}
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")]
unsafe fn avx512_rows<T: Arithmetic, F: Step<T>>(s: *mut u8, m: usize, width: usize) {
    unsafe { fold_rows::<T, F>(s, m, width) }
}
fn pairs<T: Arithmetic, F: Step<T>>(isa: Isa) -> unsafe fn(*mut u8, usize, usize) {
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => avx512_rows::<T, F>,
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => avx2_rows::<T, F>,
        _ => base_rows::<T, F>,
    }
}

/// `$make` with `$F` and `$T` set to the types of a fold and a dtype. Sums and products of bools do not exist: they take the larger and
/// the smaller one.
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
            (Fold::Min | Fold::Product, DType::Bool) => with!(Min, u8),
            (Fold::Sum, DType::I32) => with!(Sum, i32),
            (Fold::Product, DType::I32) => with!(Product, i32),
            (Fold::Max, DType::I32) => with!(Max, i32),
            (Fold::Min, DType::I32) => with!(Min, i32),
            (Fold::Sum, DType::I64) => with!(Sum, i64),
            (Fold::Product, DType::I64) => with!(Product, i64),
            (Fold::Max, DType::I64) => with!(Max, i64),
            (Fold::Min, DType::I64) => with!(Min, i64),
            (Fold::Sum, DType::F32) => with!(Sum, f32),
            (Fold::Product, DType::F32) => with!(Product, f32),
            (Fold::Max, DType::F32) => with!(Max, f32),
            (Fold::Min, DType::F32) => with!(Min, f32),
            (Fold::Sum, DType::F64) => with!(Sum, f64),
            (Fold::Product, DType::F64) => with!(Product, f64),
            (Fold::Max, DType::F64) => with!(Max, f64),
            (Fold::Min, DType::F64) => with!(Min, f64),
        }
    }};
}

pub mod narrow;

/// The kernel that folds each of `count` lines of n <= 512 values into one of the values at `d`: as if a line were padded to 512 with the
/// identity and folded by eighths, 512 -> 64 -> 8 -> 1. A line may be read up to n rounded up to 8. A few values cost little.
///
/// Bools have no sum and no product; for them `Sum` is `Max`, and `Product` is `Min`.
pub fn lines(isa: Isa, fold: Fold, dtype: DType) -> Lines {
    chosen!(fold, dtype, F, T => job::<Block<F, T>>(isa))
}

/// As [`lines`] for n = 512, of many lines in memory.
pub fn memory(isa: Isa, fold: Fold, dtype: DType) -> Lines {
    chosen!(fold, dtype, F, T => job::<Memory<F, T>>(isa))
}

/// The kernel `d[i] = d[i] (op) s[i]` for i < n, with one line `s` after the other; it computes n rounded up to 8. `d` overlaps none.
pub fn onto(isa: Isa, fold: Fold, dtype: DType) -> Lines {
    chosen!(fold, dtype, F, T => job::<Accumulate<F, T>>(isa))
}

/// The kernel that folds m rows of `width` values, one behind the other from `s`, in place: pairwise by index, an odd last row is carried
/// up, until the result stands in row 0. Nothing behind the rows is touched.
pub fn pairwise(isa: Isa, fold: Fold, dtype: DType) -> unsafe fn(s: *mut u8, m: usize, width: usize) {
    chosen!(fold, dtype, F, T => pairs::<T, F>(isa))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::isa::detected;

    fn machine() -> impl Iterator<Item = Isa> {
        Isa::ALL.into_iter().filter(|i| *i <= detected())
    }

    /// The tree as it is defined: padded to 512, folded by eighths.
    fn tree<T: Arithmetic, F: Step<T>>(values: &[T]) -> T {
        let mut v = values.to_vec();
        v.resize(BLOCK, F::IDENTITY);
        while v.len() > 1 {
            let m = v.len() / 8;
            let pair = |i: usize, k: usize| F::of(v[i + k * m], v[i + (k + 1) * m]);
            v = (0..m).map(|i| F::of(F::of(pair(i, 0), pair(i, 2)), F::of(pair(i, 4), pair(i, 6)))).collect();
        }
        v[0]
    }

    fn values<T: Arithmetic>(n: usize, seed: u64) -> Vec<T> {
        let mut z = seed;
        (0..n)
            .map(|_| {
                z = z.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                // Bytes stand for bools.
                T::literal(if size_of::<T>() == 1 { (z >> 60 & 1) as f64 } else { (z >> 33) as f64 / 1e8 - 10.7 })
            })
            .collect()
    }

    fn check<T: Arithmetic + std::fmt::Debug, F: Step<T>>(fold: Fold, dtype: DType) {
        for isa in machine() {
            let kernel = lines(isa, fold, dtype);
            for n in 0..=BLOCK {
                let all = values::<T>(BLOCK + 8, n as u64);
                let mut got = [T::literal(7.0)];
                // SAFETY: 8 values more than n are readable.
                unsafe { kernel(got.as_mut_ptr().cast(), all.as_ptr().cast(), 1, n, 0) };
                let want = [tree::<T, F>(&all[..n])];
                assert!(same(&got, &want), "{isa} {fold:?} {dtype} n = {n}: {got:?}, {want:?}");
            }
            for count in [1, 2, 5] {
                let all = values::<T>(count * BLOCK, count as u64);
                let mut got = vec![T::literal(7.0); count];
                // SAFETY: so many blocks are there.
                unsafe { memory(isa, fold, dtype)(got.as_mut_ptr().cast(), all.as_ptr().cast(), count, BLOCK, BLOCK) };
                let want: Vec<T> = all.chunks(BLOCK).map(tree::<T, F>).collect();
                assert!(same(&got, &want), "{isa} {fold:?} {dtype}, {count} blocks: {got:?}, {want:?}");
            }
        }
    }

    /// Equal bit for bit.
    fn same<T>(a: &[T], b: &[T]) -> bool {
        // SAFETY: elements are plain numbers.
        let bytes = |s: &[T]| unsafe { std::slice::from_raw_parts(s.as_ptr().cast::<u8>(), size_of_val(s)).to_vec() };
        bytes(a) == bytes(b)
    }

    #[test]
    fn a_block_equals_the_padded_tree_for_every_length() {
        check::<f32, Sum>(Fold::Sum, DType::F32);
        check::<f64, Sum>(Fold::Sum, DType::F64);
        check::<f64, Product>(Fold::Product, DType::F64);
        check::<i32, Product>(Fold::Product, DType::I32);
        check::<i32, Sum>(Fold::Sum, DType::I32);
        check::<i64, Sum>(Fold::Sum, DType::I64);
        check::<f32, Max>(Fold::Max, DType::F32);
        check::<f64, Min>(Fold::Min, DType::F64);
        check::<i32, Min>(Fold::Min, DType::I32);
        check::<i64, Max>(Fold::Max, DType::I64);
        check::<u8, Max>(Fold::Max, DType::Bool);
        check::<u8, Min>(Fold::Min, DType::Bool);
    }

    #[test]
    fn folds_of_nothing_are_the_identity_and_zeros_keep_their_sign() {
        for fold in [Fold::Sum, Fold::Product, Fold::Max, Fold::Min] {
            for dtype in DType::ALL {
                let mut got = [0u64];
                // SAFETY: no value is read.
                unsafe { lines(detected(), fold, dtype)(got.as_mut_ptr().cast(), [0u64; 8].as_ptr().cast(), 1, 0, 0) };
                assert_eq!(got[0].to_ne_bytes(), identity(fold, dtype), "{fold:?} {dtype}");
            }
        }
        assert_eq!(f64::from_ne_bytes(identity(Fold::Sum, DType::F64)).to_bits(), (-0.0f64).to_bits());
        for n in [1, 5, 8, 9, 64, 65, 300, 512] {
            let (s, mut d) = ([-0.0f64; BLOCK], [1.0f64]);
            // SAFETY: n <= 512.
            unsafe { lines(detected(), Fold::Sum, DType::F64)(d.as_mut_ptr().cast(), s.as_ptr().cast(), 1, n, 0) };
            assert_eq!(d[0].to_bits(), (-0.0f64).to_bits(), "{n}");
        }
    }

    #[test]
    fn nan_and_infinity_pass() {
        for isa in machine() {
            for fold in [Fold::Sum, Fold::Max, Fold::Min, Fold::Product] {
                for (n, at) in [(1, 0), (7, 3), (10, 9), (100, 99), (512, 0), (512, 257), (511, 510)] {
                    let fold_of = |x: f32| {
                        let (mut s, mut d) = ([1f32; BLOCK], [0f32]);
                        s[at] = x;
                        // SAFETY: n <= 512.
                        unsafe { lines(isa, fold, DType::F32)(d.as_mut_ptr().cast(), s.as_ptr().cast(), 1, n, 0) };
                        d[0]
                    };
                    assert!(fold_of(f32::NAN).is_nan(), "{isa} {fold:?} {n} {at}");
                    let one = if n == 1 { f32::NEG_INFINITY } else { 1.0 };
                    assert_eq!(fold_of(f32::NEG_INFINITY), if fold == Fold::Max { one } else { f32::NEG_INFINITY });
                    let mut d = [1f32, f32::NAN, 3.0, -1.0, 0.0, 0.0, 0.0, 0.0];
                    let s = [f32::NAN, 1.0, 4.0, -2.0, 0.0, 0.0, 0.0, 0.0];
                    // SAFETY: both have 8 values.
                    unsafe { onto(isa, fold, DType::F32)(d.as_mut_ptr().cast(), s.as_ptr().cast(), 1, 4, 0) };
                    assert!(d[0].is_nan() && d[1].is_nan());
                    assert_eq!(d[2..4], [[7.0, -3.0], [4.0, -1.0], [3.0, -2.0], [12.0, 2.0]][fold as usize]);
                }
            }
        }
    }

    #[test]
    fn rows_fold_pairwise_by_index() {
        for isa in machine() {
            for width in [1, 3, 40] {
                for m in [0, 1, 2, 3, 5, 8, 13, 100] {
                    let mut s = values::<f32>(m * width + 8, 9);
                    let mut rows: Vec<Vec<f32>> = s[..m * width].chunks(width).map(<[f32]>::to_vec).collect();
                    let behind = s[m * width..].to_vec();
                    while rows.len() > 1 {
                        rows = rows
                            .chunks(2)
                            .map(|p| p[1..].iter().fold(p[0].clone(), |a, b| a.iter().zip(b).map(|(a, b)| a + b).collect()))
                            .collect();
                    }
                    // SAFETY: m rows of `width` values.
                    unsafe { pairwise(isa, Fold::Sum, DType::F32)(s.as_mut_ptr().cast(), m, width) };
                    assert!(rows.is_empty() || same(&s[..width], &rows[0]), "{isa} {width} {m}");
                    assert!(same(&s[m * width..], &behind), "{isa} {width} {m}: wrote behind the rows");
                }
            }
        }
    }
}
