//! Folds of rows of a few values, many rows at once: a call for each row would cost more than the row.

use super::{BLOCK, Fold, Max, Min, Product, Step, Sum};
use crate::dtype::DType;
use crate::kernels::isa::Isa;
use crate::kernels::real::Arithmetic;
use crate::kernels::tile::{slice, slice_mut};

/// The widest row that these kernels take.
pub const NARROW: usize = 8;

/// A kernel of `rows` rows of `width` values, `1 <= width <= NARROW`, one behind the other from `s`.
pub type Rows = unsafe fn(d: *mut u8, s: *const u8, rows: usize, width: usize);

/// What is done with rows of `C` values.
trait Narrow<T: Arithmetic, F: Step<T>> {
    unsafe fn rows<const C: usize>(d: *mut T, s: *const T, rows: usize);
}

/// Each row into one value.
struct Across;
/// All rows into one row, which is there.
struct Down;
/// Each [`BLOCK`] of rows into one row.
struct Blocks;

/// The fold of up to 8 values by the tree of a block: what is missing there is the identity, which changes nothing.
#[inline(always)]
fn eighths<T: Arithmetic, F: Step<T>, const C: usize>(x: &[T; C]) -> T {
    let pair = |i: usize| if i + 1 < C { F::of(x[i], x[i + 1]) } else { x[i] };
    let half = |i: usize| if i + 2 < C { F::of(pair(i), pair(i + 2)) } else { pair(i) };
    if C > 4 { F::of(half(0), half(4)) } else { half(0) }
}

impl<T: Arithmetic, F: Step<T>> Narrow<T, F> for Across {
    #[inline(always)]
    unsafe fn rows<const C: usize>(d: *mut T, s: *const T, rows: usize) {
        // SAFETY: by the contract there are so many rows of C values.
        let (d, s) = unsafe { (slice_mut(d, rows), slice(s.cast::<[T; C]>(), rows)) };
        for i in 0..d.len() {
            d[i] = eighths::<T, F, C>(&s[i]);
        }
    }
}

impl<T: Arithmetic, F: Step<T>> Narrow<T, F> for Down {
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

impl<T: Arithmetic, F: Step<T>> Narrow<T, F> for Blocks {
    #[allow(clippy::needless_range_loop, clippy::manual_memcpy, reason = "an iterator or a copy can be a call in a test build")]
    #[inline(always)]
    unsafe fn rows<const C: usize>(d: *mut T, s: *const T, rows: usize) {
        let s = s.cast::<[T; C]>();
        // SAFETY: by the contract there are so many rows of C values, and a row of NARROW for each block.
        unsafe {
            let d = slice_mut(d.cast::<[T; NARROW]>(), rows.div_ceil(BLOCK));
            let block = |b: usize| s.wrapping_add(b.wrapping_mul(BLOCK));
            // Blocks are independent of each other: four at a time hide how long an addition takes.
            let whole = rows / BLOCK / 4 * 4;
            let mut b = 0usize;
            while b < whole {
                let from = [0, 1, 2, 3].map(|j| slice(block(b.wrapping_add(j)), BLOCK));
                let mut total = from.map(|rows| rows[0]);
                for i in 1..BLOCK {
                    for j in 0..4 {
                        for k in 0..C {
                            total[j][k] = F::of(total[j][k], from[j][i][k]);
                        }
                    }
                }
                for j in 0..4 {
                    for k in 0..C {
                        d[b.wrapping_add(j)][k] = total[j][k];
                    }
                }
                b = b.wrapping_add(4);
            }
            while b < d.len() {
                // Fewer blocks than that, or the last rows: one after the other onto the first.
                let (first, n) = (block(b), BLOCK.min(rows.wrapping_sub(b.wrapping_mul(BLOCK))));
                let one = slice(first, 1);
                for k in 0..C {
                    d[b][k] = one[0][k];
                }
                <Down as Narrow<T, F>>::rows::<C>(d[b].as_mut_ptr(), first.wrapping_add(1).cast(), n.wrapping_sub(1));
                b = b.wrapping_add(1);
            }
        }
    }
}

#[inline(always)]
unsafe fn of_width<N: Narrow<T, F>, T: Arithmetic, F: Step<T>>(d: *mut u8, s: *const u8, rows: usize, width: usize) {
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

unsafe fn base<N: Narrow<T, F>, T: Arithmetic, F: Step<T>>(d: *mut u8, s: *const u8, rows: usize, width: usize) {
    unsafe { of_width::<N, T, F>(d, s, rows, width) }
}
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<N: Narrow<T, F>, T: Arithmetic, F: Step<T>>(d: *mut u8, s: *const u8, rows: usize, width: usize) {
    unsafe { of_width::<N, T, F>(d, s, rows, width) }
}
fn kernel<N: Narrow<T, F>, T: Arithmetic, F: Step<T>>(isa: Isa) -> Rows {
    // Wider vectors gain nothing on rows of a few values.
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 | Isa::Avx2 => avx2::<N, T, F>,
        _ => base::<N, T, F>,
    }
}

/// The kernel that folds each row into one value, by the tree of [`lines`](super::lines).
pub fn across(isa: Isa, fold: Fold, dtype: DType) -> Rows {
    chosen!(fold, dtype, F, T => kernel::<Across, T, F>(isa))
}

/// The kernel that folds rows into the row at `d`, one after the other, as [`onto`](super::onto) does.
pub fn down(isa: Isa, fold: Fold, dtype: DType) -> Rows {
    chosen!(fold, dtype, F, T => kernel::<Down, T, F>(isa))
}

/// The kernel that folds each [`BLOCK`] of rows, the last of which may have fewer, into one of the rows of [`NARROW`] values at `d`, one row
/// after the other.
pub fn blocks(isa: Isa, fold: Fold, dtype: DType) -> Rows {
    chosen!(fold, dtype, F, T => kernel::<Blocks, T, F>(isa))
}

#[cfg(test)]
mod tests {
    use super::super::{lines, onto};
    use super::*;
    use crate::kernels::isa::detected;

    #[test]
    fn blocks_of_rows_have_the_bits_of_rows_one_after_the_other() {
        let x: Vec<f32> = (0..30_000).map(|i| ((i * 7919 % 1013) as f32 - 500.0) * 0.37).collect();
        for isa in Isa::ALL.into_iter().filter(|i| *i <= detected()) {
            for width in 1..=NARROW {
                for rows in [1usize, 2, 511, 512, 513, 2048, 2049, 3000] {
                    let mut found = vec![[f32::NAN; NARROW]; rows.div_ceil(BLOCK)];
                    // SAFETY: all rows lie in `x`.
                    unsafe { blocks(isa, Fold::Sum, DType::F32)(found.as_mut_ptr().cast(), x.as_ptr().cast(), rows, width) };
                    for (found, block) in found.iter().zip(x[..rows * width].chunks(BLOCK * width)) {
                        let mut expected = block[..width].to_vec();
                        block.chunks(width).skip(1).for_each(|row| expected.iter_mut().zip(row).for_each(|(t, x)| *t += x));
                        assert!(found.iter().zip(&expected).all(|(a, b)| a.to_bits() == b.to_bits()), "{rows} rows of {width}");
                    }
                }
            }
        }
    }

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
                            lines(isa, fold, DType::F32)(one.as_mut_ptr().cast(), row, 1, width, 0);
                            assert_eq!(one[0].to_bits(), each[i].to_bits(), "{fold:?} of {width}");
                            onto(isa, fold, DType::F32)(expected.as_mut_ptr().cast(), row, 1, width, 0);
                        }
                    }
                    assert!(all[..width].iter().zip(&expected).all(|(a, b)| a.to_bits() == b.to_bits()), "{fold:?} of {width}");
                }
            }
        }
    }
}
