//! Reductions of any layout over any axes, with the same tree, and so the same bits, as the fused ones.
//!
//! The tree is a function of lengths and axes. Axes of length 1 are left out; neighbouring reduced axes form one group;
//! groups are reduced from the last to the first, each as (outer, r, inner). If nothing is left behind the group
//! (`inner = 1`), its values are cut into blocks of 512, each folded 8 x 8 x 8; otherwise rows of `inner` values are cut
//! into blocks of 512 rows, each added up row by row. The blocks are folded pairwise by index.

use smallvec::SmallVec;

use super::fold::{BLOCK, Fold, Lines, identity, lines, onto, pairwise};
use super::isa::isa;
use super::movement::{copy_ranges, copy_raw, each};
use super::ranges::Ranges;
use crate::array::block::ALIGN;
use crate::array::{View, ViewMut};
use crate::dtype::DType;
use crate::error::Result;
use crate::shape::{Dims, Strides, c_strides, count};

/// Columns that are reduced together.
const TILE: usize = 512;
/// Rows that are brought together from a layout without contiguous rows.
const GATHER: usize = 16;
/// Values that a kernel may touch behind the last one.
const SPARE: usize = 8;

/// The longest reduced group of a list of axes that are reduced or not, seen from the end.
fn last_group(reduced: &[bool]) -> Option<std::ops::Range<usize>> {
    let end = reduced.iter().rposition(|&r| r)? + 1;
    let start = reduced[..end].iter().rposition(|&r| !r).map_or(0, |i| i + 1);
    Some(start..end)
}

/// The axes that matter, and which of them are reduced.
fn significant(dims: &[usize], axes: &[usize]) -> (SmallVec<[usize; 4]>, SmallVec<[bool; 4]>) {
    (0..dims.len()).filter(|&i| dims[i] != 1).map(|i| (i, axes.contains(&i))).unzip()
}

fn padded(elements: usize, size: usize) -> usize {
    (elements * size).next_multiple_of(ALIGN)
}

/// Bytes that the blocks of one group need.
fn work_bytes(r: usize, inner: usize, size: usize) -> usize {
    let blocks = r.div_ceil(BLOCK);
    if inner == 1 {
        return padded(blocks, size) + padded(BLOCK, size);
    }
    let width = inner.min(TILE);
    padded(blocks * width + SPARE, size) + padded(GATHER * width.next_multiple_of(SPARE), size)
}

/// Bytes for the blocks of the largest group, and for the results of all groups but the last.
fn sizes(mut dims: Dims, mut reduced: SmallVec<[bool; 4]>, size: usize) -> (usize, usize) {
    let (mut work, mut results) = (0, 0);
    while let Some(group) = last_group(&reduced) {
        work = work.max(work_bytes(count(&dims[group.clone()]), count(&dims[group.end..]), size));
        dims.drain(group.clone());
        reduced.drain(group);
        if reduced.contains(&true) {
            results += padded(count(&dims), size);
        }
    }
    (work, results)
}

/// Bytes of scratch that [`reduce`] needs for an array of these lengths: about one 512th of the array, a tile, and the
/// results of all groups but the last.
pub fn scratch_bytes(dims: &[usize], axes: &[usize], dtype: DType) -> usize {
    let (at, reduced) = significant(dims, axes);
    let (work, results) = sizes(at.iter().map(|&i| dims[i]).collect(), reduced, dtype.size());
    if work == 0 { 0 } else { work + results + ALIGN }
}

/// Axes with as few entries as their strides allow.
struct Axes {
    dims: Dims,
    strides: Strides,
}

impl Axes {
    fn new(dims: &[usize], strides: &[isize]) -> Axes {
        let mut a = Axes { dims: Dims::new(), strides: Strides::new() };
        for (&n, &s) in dims.iter().zip(strides) {
            match (a.dims.last_mut(), a.strides.last_mut()) {
                (Some(m), Some(t)) if *t == s * n as isize => {
                    *m *= n;
                    *t = s;
                }
                _ => {
                    a.dims.push(n);
                    a.strides.push(s);
                }
            }
        }
        a
    }

    /// The step, if one step leads from each element to the next.
    fn step(&self) -> Option<isize> {
        match self.strides[..] {
            [] => Some(1),
            [s] => Some(s),
            _ => None,
        }
    }

    /// Calls `f(offset, length, step)` for the pieces of elements `first..first + n` in C order.
    #[inline]
    fn pieces(&self, first: usize, n: usize, mut f: impl FnMut(isize, usize, isize)) {
        if let Some(s) = self.step() {
            return f(first as isize * s, n, s);
        }
        let (mut at, end) = (first, first + n);
        while at < end {
            let (mut rest, mut offset, mut left) = (at, 0, 1);
            for (i, (&n, &s)) in self.dims.iter().zip(&self.strides).enumerate().rev() {
                offset += (rest % n) as isize * s;
                if i + 1 == self.dims.len() {
                    left = n - rest % n;
                }
                rest /= n;
            }
            let len = left.min(end - at);
            f(offset, len, self.strides.last().copied().unwrap_or(1));
            at += len;
        }
    }
}

/// The kernels of one fold and dtype.
struct Kernels {
    dtype: DType,
    size: usize,
    lines: Lines,
    onto: Lines,
    pairwise: unsafe fn(*mut u8, usize, usize),
}

/// Folds `x` over `axes` (sorted): the sum, the product, or the largest or smallest element, NaN if there is one.
///
/// `dst` is C-contiguous, has the dtype of `x`, and its lengths without the reduced axes (or with 1 there). `scratch` has
/// [`scratch_bytes`]. Without elements a sum is 0, all others the identity of the fold. Integer sums and products wrap.
pub fn reduce(ranges: &Ranges<'_>, fold: Fold, x: View<'_>, axes: &[usize], scratch: &mut [u8], dst: &mut ViewMut<'_>) -> Result<()> {
    debug_assert_eq!(x.dtype(), dst.dtype());
    debug_assert!(scratch.len() >= scratch_bytes(x.dims(), axes, x.dtype()));
    let (dtype, size) = (x.dtype(), x.dtype().size());
    if dst.count() == 0 {
        return Ok(());
    }
    if x.count() == 0 {
        let value = if fold == Fold::Sum { [0; 8] } else { identity(fold, dtype) };
        return ranges.each(dst.count(), 1, |r| {
            for i in r {
                // SAFETY: element `i` of a contiguous view.
                unsafe { std::ptr::copy_nonoverlapping(value.as_ptr(), dst.ptr().add(i * size), size) }
            }
            Ok(())
        });
    }
    let (at, mut reduced) = significant(x.dims(), axes);
    let mut dims: Dims = at.iter().map(|&i| x.dims()[i]).collect();
    let mut strides: Strides = at.iter().map(|&i| x.strides()[i]).collect();
    if !reduced.contains(&true) {
        // SAFETY: `dst` has the elements of `x`.
        return unsafe { copy_ranges(ranges, dtype, x.ptr(), dst.ptr(), &dims, &strides, &c_strides(&dims)) };
    }
    let isa = isa();
    let kernels =
        Kernels { dtype, size, lines: lines(isa, fold, dtype), onto: onto(isa, fold, dtype), pairwise: pairwise(isa, fold, dtype) };
    let (work, _) = sizes(dims.clone(), reduced.clone(), size);
    let base = scratch.as_mut_ptr();
    // SAFETY: `scratch_bytes` has room for the alignment.
    let base = unsafe { base.add(base.align_offset(ALIGN)) };
    // SAFETY: results of groups lie behind the work space.
    let mut free = unsafe { base.add(work) };
    let mut source = Readable { ptr: x.ptr(), end: if x.is_contiguous() { x.ptr().wrapping_add(x.count() * size) } else { x.ptr() } };
    while let Some(group) = last_group(&reduced) {
        let parts = [0..group.start, group.clone(), group.end..dims.len()].map(|r| Axes::new(&dims[r.clone()], &strides[r]));
        dims.drain(group.clone());
        reduced.drain(group);
        let to = if reduced.contains(&true) { free } else { dst.ptr() };
        // SAFETY: the axes of the source, work space as counted, and room for the result.
        unsafe { stage(ranges, &kernels, source, &parts, base, to)? };
        let bytes = count(&dims) * size;
        source = Readable { ptr: to, end: to.wrapping_add(bytes) };
        // The next result, if it is not the last, lies behind this one.
        free = free.wrapping_add(bytes.next_multiple_of(ALIGN));
        strides = c_strides(&dims);
    }
    Ok(())
}

/// Where values are read; up to `end` they may be read beyond what is asked for.
#[derive(Clone, Copy)]
struct Readable {
    ptr: *const u8,
    end: *const u8,
}

/// Reduces the middle one of three lists of axes.
///
/// # Safety
/// The axes reach readable values of the source; `work` has `work_bytes`, `dst` room for outer x inner values.
unsafe fn stage(
    ranges: &Ranges<'_>,
    k: &Kernels,
    source: Readable,
    [outer, group, inner]: &[Axes; 3],
    work: *mut u8,
    dst: *mut u8,
) -> Result<()> {
    let (r, width) = (count(&group.dims), count(&inner.dims));
    let mut to = dst;
    each(&outer.dims, [&outer.strides], |[o]| {
        // SAFETY: by the contract.
        unsafe {
            let source = Readable { ptr: source.ptr.offset(o * k.size as isize), ..source };
            if inner.dims.is_empty() {
                values(ranges, k, source, group, r, work, to)?;
            } else {
                for first in (0..width).step_by(TILE) {
                    let columns = (first, TILE.min(width - first), width.min(TILE));
                    rows(ranges, k, source, group, r, inner, columns, work, to.add(first * k.size))?;
                }
            }
            to = to.add(width * k.size);
        }
        Ok(())
    })
}

/// Folds the r values of a group into one.
///
/// # Safety
/// As [`stage`].
unsafe fn values(ranges: &Ranges<'_>, k: &Kernels, source: Readable, group: &Axes, r: usize, work: *mut u8, dst: *mut u8) -> Result<()> {
    let blocks = r.div_ceil(BLOCK);
    // SAFETY: blocks of values and one buffer fit into the work space; a block is read directly only up to `end`.
    unsafe {
        let buffer = work.add(padded(blocks, k.size));
        let results = if blocks == 1 { dst } else { work };
        let one = |b: usize| {
            let n = BLOCK.min(r - b * BLOCK);
            let direct = source.ptr.wrapping_add(b * BLOCK * k.size);
            let readable = n == BLOCK || direct.wrapping_add(n.next_multiple_of(SPARE) * k.size) <= source.end;
            let from = if group.step() == Some(1) && readable {
                direct
            } else {
                let mut to = buffer;
                group.pieces(b * BLOCK, n, |offset, len, step| {
                    copy_raw(k.dtype, source.ptr.offset(offset * k.size as isize), to, &[len], &[step], &[1]);
                    to = to.add(len * k.size);
                });
                buffer
            };
            (k.lines)(results.add(b * k.size), from, 1, n, 0);
        };
        ranges.each(blocks, r.min(BLOCK), |blocks| {
            blocks.for_each(one);
            Ok(())
        })?;
        if blocks > 1 {
            (k.pairwise)(work, blocks, 1);
            std::ptr::copy_nonoverlapping(work, dst, k.size);
        }
    }
    Ok(())
}

/// Folds r rows of a group into one, for `width` columns from `first`.
///
/// # Safety
/// As [`stage`]; `width <= tile`, the largest width of the stage.
#[allow(clippy::too_many_arguments, reason = "a stage and the columns of one tile")]
unsafe fn rows(
    ranges: &Ranges<'_>,
    k: &Kernels,
    source: Readable,
    group: &Axes,
    r: usize,
    inner: &Axes,
    (first, width, tile): (usize, usize, usize),
    work: *mut u8,
    dst: *mut u8,
) -> Result<()> {
    let (size, blocks, pitch) = (k.size, r.div_ceil(BLOCK), width.next_multiple_of(SPARE));
    // A double's worth of room for the last values of a row.
    let mut tail = [0u64; SPARE];
    // SAFETY: all rows lie in the work space. A kernel writes up to 7 values behind a row: into the next one, which is
    // not begun, or into the spare ones; it reads behind a row only within the source or a buffer.
    unsafe {
        let gathered = work.add(padded(blocks * tile + SPARE, size));
        for b in 0..blocks {
            let total = work.add(b * width * size);
            let mut begun = false;
            let mut add = |row: *const u8, end: *const u8| {
                if !begun {
                    std::ptr::copy_nonoverlapping(row, total, width * size);
                    begun = true;
                } else if row.wrapping_add(pitch * size) <= end {
                    (k.onto)(total, row, 1, width, 0);
                } else {
                    let (whole, rest) = (width / SPARE * SPARE, width % SPARE);
                    (k.onto)(total, row, 1, whole, 0);
                    if rest > 0 {
                        let tail = tail.as_mut_ptr().cast::<u8>();
                        std::ptr::copy_nonoverlapping(row.add(whole * size), tail, rest * size);
                        (k.onto)(total.add(whole * size), tail, 1, rest, 0);
                    }
                }
            };
            group.pieces(b * BLOCK, BLOCK.min(r - b * BLOCK), |offset, len, step| {
                let at = |j: usize| source.ptr.offset((offset + j as isize * step) * size as isize);
                if inner.step() == Some(1) {
                    (0..len).for_each(|j| add(at(j).add(first * size), source.end));
                    return;
                }
                for j in (0..len).step_by(GATHER) {
                    let some = GATHER.min(len - j);
                    let mut to = gathered;
                    inner.pieces(first, width, |column, columns, side| {
                        copy_raw(k.dtype, at(j).offset(column * size as isize), to, &[some, columns], &[step, side], &[pitch as isize, 1]);
                        to = to.add(columns * size);
                    });
                    let end = gathered.add(GATHER * pitch * size);
                    (0..some).for_each(|i| add(gathered.add(i * pitch * size), end));
                }
            });
            ranges.did(BLOCK.min(r - b * BLOCK) * width)?;
        }
        (k.pairwise)(work, blocks, width);
        std::ptr::copy_nonoverlapping(work, dst, width * size);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::movement::model::*;
    use super::*;

    /// The law, word for word, on values in C order.
    struct Law {
        fold: Fold,
        dtype: DType,
    }

    impl Law {
        fn of(&self, a: f64, b: f64) -> f64 {
            match (self.fold, self.dtype) {
                (Fold::Sum, DType::F32) => f64::from(a as f32 + b as f32),
                (Fold::Sum, _) => a + b,
                (Fold::Product, DType::F32) => f64::from(a as f32 * b as f32),
                (Fold::Product, _) => a * b,
                (Fold::Max, _) => {
                    if a > b || a.is_nan() {
                        a
                    } else {
                        b
                    }
                }
                (Fold::Min, _) => {
                    if a < b || a.is_nan() {
                        a
                    } else {
                        b
                    }
                }
            }
        }
        fn identity(&self) -> f64 {
            match self.fold {
                Fold::Sum => -0.0,
                Fold::Product => 1.0,
                Fold::Max => f64::NEG_INFINITY,
                Fold::Min => f64::INFINITY,
            }
        }
        fn block(&self, x: &[f64]) -> f64 {
            let mut x = x.to_vec();
            x.resize(512, self.identity());
            for m in [64, 8, 1] {
                x = (0..m)
                    .map(|i| {
                        let s = |k: usize| x[i + k * m];
                        let (a, b) = (self.of(self.of(s(0), s(1)), self.of(s(2), s(3))), self.of(self.of(s(4), s(5)), self.of(s(6), s(7))));
                        self.of(a, b)
                    })
                    .collect();
            }
            x[0]
        }
        fn pairwise(&self, mut x: Vec<f64>) -> f64 {
            while x.len() > 1 {
                x = x.chunks(2).map(|c| if let [a, b] = c { self.of(*a, *b) } else { c[0] }).collect();
            }
            x[0]
        }
        fn group(&self, x: &[f64], outer: usize, r: usize, inner: usize) -> Vec<f64> {
            let column = |o: usize, i: usize| -> Vec<f64> { (0..r).map(|k| x[(o * r + k) * inner + i]).collect() };
            let one = |c: Vec<f64>| {
                let blocks = c.chunks(512);
                let fold = |b: &[f64]| if inner == 1 { self.block(b) } else { b.iter().copied().reduce(|a, b| self.of(a, b)).unwrap() };
                self.pairwise(blocks.map(fold).collect())
            };
            (0..outer).flat_map(|o| (0..inner).map(move |i| (o, i))).map(|(o, i)| one(column(o, i))).collect()
        }
        fn reduce(&self, x: &[f64], dims: &[usize], axes: &[usize]) -> Vec<f64> {
            let mut kept: Vec<(usize, bool)> =
                dims.iter().enumerate().map(|(i, &n)| (n, axes.contains(&i))).filter(|(n, _)| *n != 1).collect();
            let mut x = x.to_vec();
            while let Some(end) = kept.iter().rposition(|a| a.1) {
                let mut start = end;
                while start > 0 && kept[start - 1].1 {
                    start -= 1;
                }
                let size = |a: &[(usize, bool)]| a.iter().map(|a| a.0).product::<usize>();
                x = self.group(&x, size(&kept[..start]), size(&kept[start..=end]), size(&kept[end + 1..]));
                kept.drain(start..=end);
            }
            x
        }
    }

    fn result(fold: Fold, x: &Strided, axes: &[usize]) -> Strided {
        let dims: Vec<usize> = (0..x.dims.len()).filter(|i| !axes.contains(i)).map(|i| x.dims[i]).collect();
        let mut dst = Strided::out(x.dtype, &dims);
        let need = scratch_bytes(&x.dims, axes, x.dtype);
        // The bytes behind the scratch must stay as they are.
        let mut scratch = vec![0x5a; need + 64];
        reduce(&Ranges::new(None), fold, x.view(), axes, &mut scratch[..need], &mut dst.view_mut()).unwrap();
        assert!(scratch[need..].iter().all(|&b| b == 0x5a), "scratch overrun");
        dst.check_guard();
        dst
    }

    fn check(dims: &[usize], axes: &[usize], rng: &mut Rng) {
        for dtype in [DType::F32, DType::F64, DType::I32, DType::I64] {
            let n = count(dims);
            let values = if dtype.is_float() { rng.real(n) } else { rng.whole(n) };
            // Products of these integers are exact.
            let few: Vec<f64> = values.iter().map(|v| if dtype.is_float() { *v } else { v.signum() }).collect();
            let products = Strided::layouts(dtype, dims, &few);
            for (i, x) in Strided::layouts(dtype, dims, &values).iter().enumerate() {
                for fold in [Fold::Sum, Fold::Product, Fold::Max, Fold::Min] {
                    if i > 0 && matches!(fold, Fold::Min | Fold::Product) {
                        continue;
                    }
                    let x = if fold == Fold::Product { &products[i] } else { x };
                    let expected = Law { fold, dtype }.reduce(&x.values(), dims, axes);
                    let expected = Strided::new(dtype, &[expected.len()], &expected);
                    assert_eq!(
                        result(fold, x, axes).bits(),
                        expected.bits(),
                        "{fold:?} {dtype} {dims:?} over {axes:?}, strides {:?}",
                        x.strides
                    );
                }
            }
        }
    }

    #[test]
    fn the_tree_is_the_law() {
        let mut rng = Rng(11);
        for n in [2, 7, 8, 9, 64, 65, 511, 512, 513, 1024, 1100, 2600] {
            check(&[n], &[0], &mut rng);
            check(&[3, n], &[1], &mut rng);
            check(&[n, 3], &[0], &mut rng);
            check(&[n, 9], &[0], &mut rng);
            check(&[3, n], &[0], &mut rng);
        }
        check(&[1100, 530], &[0], &mut rng);
        for axes in
            [&[][..], &[0], &[1], &[2], &[3], &[0, 1], &[0, 2], &[0, 3], &[1, 2], &[1, 3], &[2, 3], &[0, 1, 3], &[0, 2, 3], &[0, 1, 2, 3]]
        {
            check(&[3, 4, 5, 7], axes, &mut rng);
            check(&[2, 30, 3, 20], axes, &mut rng);
            check(&[3, 1, 5, 1], axes, &mut rng);
            check(&[1, 700, 2, 1], axes, &mut rng);
        }
        check(&[2, 3, 2, 3, 2], &[0, 2, 4], &mut rng);
        check(&[2, 3, 2, 3, 2, 2], &[0, 2, 4], &mut rng);
        check(&[], &[], &mut rng);
    }

    #[test]
    fn repeated_axes_are_read_again() {
        let x = Strided::new(DType::F32, &[1, 40], &Rng(12).real(40)).repeat(0, 600);
        for axes in [&[0][..], &[1], &[0, 1]] {
            let expected = Law { fold: Fold::Sum, dtype: DType::F32 }.reduce(&x.values(), &x.dims, axes);
            assert_eq!(result(Fold::Sum, &x, axes).values(), expected);
        }
    }

    #[test]
    fn nothing_to_fold_gives_the_identity() {
        for (dims, axes, n) in [(&[0][..], &[0][..], 1), (&[3, 0], &[1], 3), (&[0, 3], &[0], 3), (&[2, 0, 3], &[0, 1], 3)] {
            let x = Strided::new(DType::F64, dims, &[]);
            assert_eq!(result(Fold::Sum, &x, axes).bits(), vec![0; n]);
            assert_eq!(result(Fold::Max, &x, axes).values(), vec![f64::NEG_INFINITY; n]);
            assert_eq!(result(Fold::Min, &x, axes).values(), vec![f64::INFINITY; n]);
        }
        assert_eq!(result(Fold::Sum, &Strided::new(DType::I32, &[3, 0], &[]), &[0]).values(), [0.0; 0]);
    }

    #[test]
    fn signed_zeros_and_nan_are_kept() {
        let x = Strided::new(DType::F64, &[2, 3], &[-0.0; 6]);
        for axes in [&[0][..], &[1], &[0, 1]] {
            assert!(result(Fold::Sum, &x, axes).values().iter().all(|v| *v == 0.0 && v.is_sign_negative()));
        }
        let x = Strided::new(DType::F32, &[3, 2], &[1.0, 2.0, f64::NAN, 4.0, 5.0, 6.0]);
        assert_eq!(format!("{:?}", result(Fold::Max, &x, &[0]).values()), "[NaN, 6.0]");
        assert_eq!(format!("{:?}", result(Fold::Min, &x, &[1]).values()), "[1.0, NaN, 5.0]");
    }

    #[test]
    fn bools_have_a_largest_and_a_smallest() {
        for x in Strided::layouts(DType::Bool, &[3, 2], &[0.0, 1.0, 0.0, 1.0, 0.0, 1.0]) {
            assert_eq!(result(Fold::Max, &x, &[0]).values(), [0.0, 1.0]);
            assert_eq!(result(Fold::Min, &x, &[1]).values(), [0.0, 0.0, 0.0]);
        }
    }

    #[test]
    fn integer_sums_wrap() {
        let x = Strided::new(DType::I32, &[2], &[f64::from(i32::MAX), 1.0]);
        assert_eq!(result(Fold::Sum, &x, &[0]).values(), [f64::from(i32::MIN)]);
    }
}
