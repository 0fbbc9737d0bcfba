//! Folds of rows of a few values, many rows at once: a call for each row would cost more than the row.

use super::{Fold, Max, Min, Product, Step, Sum};
use crate::dtype::DType;
use crate::kernels::isa::Isa;
use crate::kernels::real::Value;
use crate::kernels::tile::{slice, slice_mut};

/// The widest row that these kernels take.
pub const NARROW: usize = 8;

/// A kernel of `rows` rows of `width` values, `1 <= width <= NARROW`, one behind the other from `s`.
pub type Rows = unsafe fn(d: *mut u8, s: *const u8, rows: usize, width: usize);

/// What is done with rows of `C` values.
trait Narrow<T: Value, F: Step<T>> {
    unsafe fn rows<const C: usize>(d: *mut T, s: *const T, rows: usize);
}

/// Each row into one value.
struct Across;
/// All rows into one row, which is there.
struct Down;

/// The fold of up to 8 values by the tree of a block: what is missing there is the identity, which changes nothing.
#[inline(always)]
fn eighths<T: Value, F: Step<T>, const C: usize>(x: &[T; C]) -> T {
    let pair = |i: usize| if i + 1 < C { F::of(x[i], x[i + 1]) } else { x[i] };
    let half = |i: usize| if i + 2 < C { F::of(pair(i), pair(i + 2)) } else { pair(i) };
    if C > 4 { F::of(half(0), half(4)) } else { half(0) }
}

impl<T: Value, F: Step<T>> Narrow<T, F> for Across {
    #[inline(always)]
    unsafe fn rows<const C: usize>(d: *mut T, s: *const T, rows: usize) {
        // SAFETY: by the contract there are so many rows of C values.
        let (d, s) = unsafe { (slice_mut(d, rows), slice(s.cast::<[T; C]>(), rows)) };
        for i in 0..d.len() {
            d[i] = eighths::<T, F, C>(&s[i]);
        }
    }
}

impl<T: Value, F: Step<T>> Narrow<T, F> for Down {
    #[inline(always)]
    unsafe fn rows<const C: usize>(d: *mut T, s: *const T, rows: usize) {
        // SAFETY: by the contract there are so many rows of C values, and one at `d`.
        let (d, s) = unsafe { (&mut slice_mut(d.cast::<[T; C]>(), 1)[0], slice(s.cast::<[T; C]>(), rows)) };
        let mut total = *d;
        for row in s {
            for k in 0..C {
                total[k] = F::of(total[k], row[k]);
            }
        }
        *d = total;
    }
}

#[inline(always)]
unsafe fn of_width<N: Narrow<T, F>, T: Value, F: Step<T>>(d: *mut u8, s: *const u8, rows: usize, width: usize) {
    let (d, s) = (d.cast::<T>(), s.cast::<T>());
    // SAFETY: by the contract.
    unsafe {
        match width {
            1 => N::rows::<1>(d, s, rows),
            2 => N::rows::<2>(d, s, rows),
            3 => N::rows::<3>(d, s, rows),
            4 => N::rows::<4>(d, s, rows),
            5 => N::rows::<5>(d, s, rows),
            6 => N::rows::<6>(d, s, rows),
            7 => N::rows::<7>(d, s, rows),
            _ => N::rows::<8>(d, s, rows),
        }
    }
}

unsafe fn base<N: Narrow<T, F>, T: Value, F: Step<T>>(d: *mut u8, s: *const u8, rows: usize, width: usize) {
    unsafe { of_width::<N, T, F>(d, s, rows, width) }
}
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<N: Narrow<T, F>, T: Value, F: Step<T>>(d: *mut u8, s: *const u8, rows: usize, width: usize) {
    unsafe { of_width::<N, T, F>(d, s, rows, width) }
}
fn kernel<N: Narrow<T, F>, T: Value, F: Step<T>>(isa: Isa) -> Rows {
    // Wider vectors gain nothing on rows of a few values.
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 | Isa::Avx2 => avx2::<N, T, F>,
        _ => base::<N, T, F>,
    }
}

/// The kernel that folds each row into one value, by the tree of [`block`](super::block).
pub fn across(isa: Isa, fold: Fold, dtype: DType) -> Rows {
    chosen!(fold, dtype, F, T => kernel::<Across, T, F>(isa))
}

/// The kernel that folds rows into the row at `d`, one after the other, as [`accumulate`](super::accumulate) does.
pub fn down(isa: Isa, fold: Fold, dtype: DType) -> Rows {
    chosen!(fold, dtype, F, T => kernel::<Down, T, F>(isa))
}

#[cfg(test)]
mod tests {
    use super::super::{accumulate, block};
    use super::*;
    use crate::kernels::isa::detected;

    #[test]
    fn rows_have_the_bits_of_blocks_and_of_accumulators() {
        let x: Vec<f32> = (0..1000).map(|i| ((i * 7919 % 1013) as f32 - 500.0) * 0.37).collect();
        for isa in Isa::ALL.into_iter().filter(|i| *i <= detected()) {
            for fold in [Fold::Sum, Fold::Max, Fold::Min] {
                for width in 1..=NARROW {
                    let rows = 61;
                    let (mut each, mut all) = (vec![0f32; rows + 8], x[..width.next_multiple_of(8)].to_vec());
                    let mut expected = all.clone();
                    // SAFETY: all rows lie in `x`, with room behind them.
                    unsafe {
                        across(isa, fold, DType::F32)(each.as_mut_ptr().cast(), x.as_ptr().cast(), rows, width);
                        down(isa, fold, DType::F32)(all.as_mut_ptr().cast(), x.as_ptr().cast(), rows, width);
                        for i in 0..rows {
                            let (mut one, row) = ([0f32; 8], x[i * width..].as_ptr().cast::<u8>());
                            block(isa, fold, DType::F32)(one.as_mut_ptr().cast(), row, width);
                            assert_eq!(one[0].to_bits(), each[i].to_bits(), "{fold:?} of {width}");
                            accumulate(isa, fold, DType::F32)(expected.as_mut_ptr().cast(), row, width);
                        }
                    }
                    assert!(all[..width].iter().zip(&expected).all(|(a, b)| a.to_bits() == b.to_bits()), "{fold:?} of {width}");
                }
            }
        }
    }
}
