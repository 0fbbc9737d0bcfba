//! Moving elements without arithmetic: strided copies, concatenation, and parts that are written.

use std::convert::Infallible;

use super::ranges::Ranges;
use crate::array::{View, ViewMut};
use crate::error::Result;
use crate::shape::{Dims, Strides, Tuple, count};

mod copy;
pub use copy::copy;
pub(super) use copy::{copy_ranges, copy_raw};

/// The same elements in the same order under as few axes as possible: none of length 1, and no two neighbours that are one run
/// by all lists of strides.
pub(super) fn joined<const K: usize>(dims: &[usize], strides: [&[isize]; K]) -> (Dims, [Strides; K]) {
    let (mut out, mut steps): (Dims, [Strides; K]) = (Dims::new(), std::array::from_fn(|_| Strides::new()));
    for (i, &n) in dims.iter().enumerate().filter(|(_, n)| **n != 1) {
        let run = steps.iter().zip(strides).all(|(to, from)| to.last().is_some_and(|&s| s == from[i] * n as isize));
        match out.last_mut().filter(|_| run) {
            Some(m) => *m *= n,
            None => out.push(n),
        }
        for (to, from) in steps.iter_mut().zip(strides) {
            if run {
                to.pop();
            }
            to.push(from[i]);
        }
    }
    (out, steps)
}

/// Calls `f(offsets, length)` for each row of the last axis of `dims`, in C order, with the offsets where it starts, one
/// for each list of strides; of no axes there is one row of one element. Stops at the first error.
#[inline(always)]
pub(super) fn rows<E, const K: usize>(
    dims: &[usize],
    strides: [&[isize]; K],
    mut f: impl FnMut([isize; K], usize) -> Result<(), E>,
) -> Result<(), E> {
    if dims.contains(&0) {
        return Ok(());
    }
    let mut at = [0isize; K];
    let Some((&n, outer)) = dims.split_last() else { return f(at, 1) };
    let mut index = Dims::from_elem(0, outer.len());
    loop {
        f(at, n)?;
        let mut axis = outer.len();
        loop {
            if axis == 0 {
                return Ok(());
            }
            axis -= 1;
            index[axis] += 1;
            at.iter_mut().zip(strides).for_each(|(at, s)| *at += s[axis]);
            if index[axis] < outer[axis] {
                break;
            }
            at.iter_mut().zip(strides).for_each(|(at, s)| *at -= s[axis] * outer[axis] as isize);
            index[axis] = 0;
        }
    }
}

/// Calls `f` with the offsets of every index of `dims`, in C order, one offset for each list of strides.
/// Stops at the first error.
#[inline(always)]
pub(super) fn each<E, const K: usize>(
    dims: &[usize],
    strides: [&[isize]; K],
    mut f: impl FnMut([isize; K]) -> Result<(), E>,
) -> Result<(), E> {
    let step = strides.map(|s| s.last().copied().unwrap_or(0));
    rows(dims, strides, |mut at, n| {
        for _ in 0..n {
            f(at)?;
            at.iter_mut().zip(step).for_each(|(at, s)| *at += s);
        }
        Ok(())
    })
}

/// [`each`] for a function that cannot fail.
pub(super) fn for_each<const K: usize>(dims: &[usize], strides: [&[isize]; K], mut f: impl FnMut([isize; K])) {
    let done = each(dims, strides, |at| {
        f(at);
        Ok::<(), Infallible>(())
    });
    match done {
        Ok(()) => {}
    }
}

/// The index of element `flat` (in C order) as an error writes it: `3`, `(1, 2)`, or nothing in a 0-d array.
pub(super) fn index_text(dims: &[usize], mut flat: usize) -> String {
    let mut index = Dims::from_elem(0, dims.len());
    for (i, &n) in index.iter_mut().zip(dims).rev() {
        *i = flat % n;
        flat /= n;
    }
    match index.as_slice() {
        [] => String::new(),
        [i] => i.to_string(),
        many => Tuple(many).to_string(),
    }
}

/// Fills a C-contiguous view with zero bytes: 0, 0.0 or false.
pub fn zero(ranges: &Ranges<'_>, dst: &mut ViewMut<'_>) -> Result<()> {
    let size = dst.dtype().size();
    ranges.each(dst.count(), 1, |r| {
        // SAFETY: the view is one run of `count` elements; zero bytes are a value of every dtype.
        unsafe { std::ptr::write_bytes(dst.ptr().add(r.start * size), 0, r.len() * size) }
        Ok(())
    })
}

/// Joins `parts` along `axis`: `dst` has the sum of their lengths there, and their common lengths elsewhere. One dtype.
/// Parts of length 0 add nothing.
pub fn concat(ranges: &Ranges<'_>, parts: &[View<'_>], axis: usize, dst: &mut ViewMut<'_>) -> Result<()> {
    debug_assert_eq!(parts.iter().map(|p| p.dims()[axis]).sum::<usize>(), dst.dims()[axis]);
    let (size, step) = (dst.dtype().size(), dst.strides()[axis]);
    let mut at = 0;
    for p in parts {
        debug_assert_eq!(p.dtype(), dst.dtype());
        if p.count() > 0 {
            // SAFETY: rows at..at + length of the destination, which no other part writes.
            unsafe {
                let d = dst.ptr().offset(at as isize * step * size as isize);
                copy_ranges(ranges, p.dtype(), p.ptr(), d, p.dims(), p.strides(), dst.strides())?;
            }
        }
        at += p.dims()[axis];
    }
    Ok(())
}

/// Writes `src` to `dst` (C-contiguous, the same dtype) at `dst[starts + index * steps]` on each axis. Steps may be negative; the
/// positions lie inside `dst`.
pub fn put_slice(ranges: &Ranges<'_>, src: View<'_>, starts: &[usize], steps: &[isize], dst: &mut ViewMut<'_>) -> Result<()> {
    if count(src.dims()) == 0 {
        return Ok(());
    }
    let (at, strides) = places(starts, steps, dst.strides());
    // SAFETY: first and last position are inside on each axis, so all are; distinct indices have distinct positions.
    unsafe {
        let d = dst.ptr().offset(at * dst.dtype().size() as isize);
        copy_ranges(ranges, src.dtype(), src.ptr(), d, src.dims(), src.strides(), &strides)
    }
}

/// Where the first element of a slice of an array of these strides stands, and the strides of the slice.
pub(super) fn places(starts: &[usize], steps: &[isize], strides: &[isize]) -> (isize, Strides) {
    let at = starts.iter().zip(strides).map(|(&a, &s)| a as isize * s).sum();
    // The step of a single element is never taken, and may be any number.
    (at, steps.iter().zip(strides).map(|(&k, &s)| k.wrapping_mul(s)).collect())
}

/// Arrays in odd layouts, and outputs with guards, for the tests of all kernels.
#[cfg(test)]
pub(crate) mod model {
    use super::*;
    use crate::dtype::{DType, Scalar};
    use crate::shape::c_strides;

    /// A small generator of test data.
    pub struct Rng(pub u64);
    impl Rng {
        pub fn next(&mut self) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
        }
        pub fn below(&mut self, n: usize) -> usize {
            (self.next() % n.max(1) as u64) as usize
        }
        /// Small whole numbers, which every dtype but bool holds exactly.
        pub fn whole(&mut self, n: usize) -> Vec<f64> {
            (0..n).map(|_| self.below(19) as f64 - 9.0).collect()
        }
        /// 0 and 1 for bools, small whole numbers else.
        pub fn of(&mut self, dtype: DType, n: usize) -> Vec<f64> {
            if dtype == DType::Bool { (0..n).map(|_| self.below(2) as f64).collect() } else { self.whole(n) }
        }
        /// Numbers in [-1, 1).
        pub fn real(&mut self, n: usize) -> Vec<f64> {
            (0..n).map(|_| (self.next() % (1 << 40)) as f64 / (1u64 << 39) as f64 - 1.0).collect()
        }
    }

    /// Owned memory with a layout.
    #[derive(Clone, Debug)]
    pub struct Strided {
        data: Vec<u64>,
        offset: usize,
        pub dtype: DType,
        pub dims: Vec<usize>,
        pub strides: Vec<isize>,
    }

    const GUARD: u8 = 0xa5;

    fn bytes(x: f64, dtype: DType) -> [u8; 8] {
        match dtype {
            DType::Bool => Scalar::Bool(x != 0.0),
            d if d.is_int() => Scalar::Int(x as i64),
            _ => Scalar::Float(x),
        }
        .bytes(dtype)
        .unwrap_or_else(|| panic!("{x} is not a {dtype}"))
    }

    impl Strided {
        /// A C-contiguous array for a kernel to write, with guard bytes behind it.
        pub fn out(dtype: DType, dims: &[usize]) -> Strided {
            let words = (count(dims) * dtype.size()).div_ceil(8) + 8;
            let strides = c_strides(dims).to_vec();
            Strided { data: vec![u64::from_ne_bytes([GUARD; 8]); words], offset: 0, dtype, dims: dims.to_vec(), strides }
        }

        /// A C-contiguous array of values.
        pub fn new(dtype: DType, dims: &[usize], values: &[f64]) -> Strided {
            assert_eq!(count(dims), values.len());
            let mut a = Strided::out(dtype, dims);
            a.write(values);
            a
        }

        fn write(&mut self, values: &[f64]) {
            let mut it = values.iter();
            let (size, base) = (self.dtype.size(), unsafe { self.data.as_mut_ptr().cast::<u8>().add(self.offset * self.dtype.size()) });
            for_each(&self.dims, [&self.strides], |[at]| {
                let b = bytes(*it.next().unwrap(), self.dtype);
                unsafe { std::ptr::copy_nonoverlapping(b.as_ptr(), base.offset(at * size as isize), size) }
            });
        }

        /// The same values in C order, Fortran order, reversed on every axis, and with gaps.
        pub fn layouts(dtype: DType, dims: &[usize], values: &[f64]) -> Vec<Strided> {
            let c = c_strides(dims);
            let mut rev: Vec<usize> = dims.to_vec();
            rev.reverse();
            let f: Vec<isize> = c_strides(&rev).iter().rev().copied().collect();
            let back: Vec<isize> = c.iter().map(|s| -s).collect();
            let gaps: Vec<isize> = c.iter().map(|s| 3 * s).collect();
            let mixed: Vec<isize> = f.iter().enumerate().map(|(i, s)| if i % 2 == 0 { -2 * s } else { 2 * s }).collect();
            [c.to_vec(), f, back, gaps, mixed]
                .into_iter()
                .map(|strides| {
                    let reach = |sign: isize| -> usize {
                        dims.iter().zip(&strides).map(|(&n, &s)| n.saturating_sub(1) * (sign * s).max(0) as usize).sum()
                    };
                    let words = ((reach(1) + reach(-1) + 1) * dtype.size()).div_ceil(8);
                    let mut a = Strided { data: vec![0; words], offset: reach(-1), dtype, dims: dims.to_vec(), strides };
                    a.write(values);
                    a
                })
                .collect()
        }

        /// The array with axis `axis` of length 1 repeated `n` times by a stride of 0.
        pub fn repeat(mut self, axis: usize, n: usize) -> Strided {
            assert_eq!(self.dims[axis], 1);
            self.dims[axis] = n;
            self.strides[axis] = 0;
            self
        }

        /// The array with its axes in another order.
        pub fn permuted(&self, axes: &[usize]) -> Strided {
            let (dims, strides) = (axes.iter().map(|&a| self.dims[a]).collect(), axes.iter().map(|&a| self.strides[a]).collect());
            Strided { dims, strides, ..self.clone() }
        }

        pub fn view(&self) -> View<'_> {
            unsafe {
                View::from_raw(self.data.as_ptr().cast::<u8>().add(self.offset * self.dtype.size()), self.dtype, &self.dims, &self.strides)
            }
        }

        pub fn view_mut(&mut self) -> ViewMut<'_> {
            let ptr = self.data.as_mut_ptr().cast::<u8>();
            unsafe { ViewMut::from_raw(ptr.add(self.offset * self.dtype.size()), self.dtype, &self.dims, &self.strides) }
        }

        /// The values in C order.
        pub fn values(&self) -> Vec<f64> {
            let mut out = Vec::new();
            let base = self.view().ptr();
            for_each(&self.dims, [&self.strides], |[at]| {
                out.push(crate::dispatch!(self.dtype, T => unsafe { Scalar::from(base.cast::<T>().offset(at).read()) }.as_f64()));
            });
            out
        }

        /// The bits of the values in C order.
        pub fn bits(&self) -> Vec<u64> {
            let (mut out, size) = (Vec::new(), self.dtype.size());
            for_each(&self.dims, [&self.strides], |[at]| {
                let mut b = [0; 8];
                unsafe { std::ptr::copy_nonoverlapping(self.view().ptr().offset(at * size as isize), b.as_mut_ptr(), size) };
                out.push(u64::from_ne_bytes(b));
            });
            out
        }

        /// Panics if a kernel wrote behind the end of an array from [`Strided::out`].
        pub fn check_guard(&self) {
            let b = unsafe { std::slice::from_raw_parts(self.data.as_ptr().cast::<u8>(), self.data.len() * 8) };
            assert!(b[count(&self.dims) * self.dtype.size()..].iter().all(|&x| x == GUARD), "a kernel wrote behind its output");
        }
    }

    /// C-order position of an index.
    pub fn flat(dims: &[usize], index: &[usize]) -> usize {
        dims.iter().zip(index).fold(0, |at, (&n, &i)| at * n + i)
    }

    /// All indices of `dims` in C order.
    pub fn indices(dims: &[usize]) -> Vec<Vec<usize>> {
        (0..count(dims))
            .map(|mut k| {
                let mut out = vec![0; dims.len()];
                for (o, &n) in out.iter_mut().zip(dims).rev() {
                    *o = k % n;
                    k /= n;
                }
                out
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::model::*;
    use super::*;
    use crate::dtype::DType;
    use crate::kernels::ranges::RANGE;

    fn copy(src: View<'_>, dst: &mut ViewMut<'_>) {
        super::copy(&Ranges::new(None), src, dst).unwrap();
    }

    #[test]
    fn every_layout_copies_into_every_layout() {
        let mut rng = Rng(1);
        for dims in
            [&[][..], &[1], &[0], &[7], &[5, 0, 2], &[3, 4], &[1, 6, 1], &[2, 3, 4], &[2, 1, 3, 2], &[17, 33], &[2, 40, 35], &[70, 3, 19]]
        {
            for dtype in DType::ALL {
                let values = rng.of(dtype, count(dims));
                let sources = Strided::layouts(dtype, dims, &values);
                for src in &sources {
                    let mut c = Strided::out(dtype, dims);
                    copy(src.view(), &mut c.view_mut());
                    assert_eq!(c.values(), values, "{dtype} {dims:?} {:?}", src.strides);
                    c.check_guard();
                    for mut dst in Strided::layouts(dtype, dims, &vec![0.0; values.len()]) {
                        copy(src.view(), &mut dst.view_mut());
                        assert_eq!(dst.values(), values, "{dtype} {dims:?} {:?} -> {:?}", src.strides, dst.strides);
                    }
                }
            }
        }
    }

    #[test]
    fn a_copy_of_many_ranges_is_the_copy() {
        for dims in [&[RANGE + 77][..], &[3, RANGE / 2 + 9], &[RANGE / 2 + 9, 3], &[70, 333, 99]] {
            let values: Vec<f64> = (0..count(dims)).map(|i| f64::from(i as u8 % 2)).collect();
            for src in Strided::layouts(DType::Bool, dims, &values) {
                let mut dst = Strided::out(DType::Bool, dims);
                copy(src.view(), &mut dst.view_mut());
                assert!(dst.values() == values, "{dims:?} {:?}", src.strides);
                dst.check_guard();
            }
        }
    }

    #[test]
    fn broadcast_sources_repeat() {
        for (dims, axis) in [([1, 4, 3], 0), ([2, 1, 3], 1), ([2, 4, 1], 2)] {
            let src = Strided::new(DType::F32, &dims, &Rng(2).real(count(&dims))).repeat(axis, 5);
            let mut dst = Strided::out(DType::F32, &src.dims);
            copy(src.view(), &mut dst.view_mut());
            assert_eq!(dst.bits(), src.bits());
            dst.check_guard();
        }
    }

    #[test]
    fn a_copy_keeps_every_bit() {
        let odd = [f64::NAN, -0.0, f64::INFINITY, -f64::NAN, 5e-324, 1.0];
        let src = Strided::new(DType::F64, &[2, 3], &odd).permuted(&[1, 0]);
        let mut dst = Strided::out(DType::F64, &[3, 2]);
        copy(src.view(), &mut dst.view_mut());
        assert_eq!(dst.bits(), [0, 3, 1, 4, 2, 5].map(|i: usize| odd[i].to_bits()));
    }

    #[test]
    fn concat_puts_parts_side_by_side() {
        for (axis, lens) in [(0, vec![3, 0, 2]), (1, vec![1, 4]), (2, vec![5]), (1, vec![0, 0])] {
            for dtype in [DType::Bool, DType::I32, DType::F64] {
                let parts: Vec<Vec<Strided>> = lens
                    .iter()
                    .enumerate()
                    .map(|(k, &len)| {
                        let mut dims = [3, 2, 4];
                        dims[axis] = len;
                        let values = Rng(10 + k as u64).of(dtype, count(&dims));
                        Strided::layouts(dtype, &dims, &values)
                    })
                    .collect();
                let mut dims = [3, 2, 4];
                dims[axis] = lens.iter().sum();
                for layout in 0..5 {
                    let views: Vec<View<'_>> = parts.iter().map(|p| p[layout].view()).collect();
                    let mut dst = Strided::out(dtype, &dims);
                    concat(&Ranges::new(None), &views, axis, &mut dst.view_mut()).unwrap();
                    dst.check_guard();
                    let expected: Vec<f64> = indices(&dims)
                        .into_iter()
                        .map(|mut i| {
                            let mut part = 0;
                            while i[axis] >= lens[part] {
                                i[axis] -= lens[part];
                                part += 1;
                            }
                            parts[part][layout].values()[flat(&parts[part][layout].dims, &i)]
                        })
                        .collect();
                    assert_eq!(dst.values(), expected);
                }
            }
        }
    }
}
