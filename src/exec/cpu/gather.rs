//! Operands that a tile does not find as it needs them.

use crate::shape::Dims;

/// The longest run that has a loop of its own.
const SHORT: usize = 16;

/// A space of elements in memory: runs of `inner` elements `step` bytes apart, and the axes over the runs. Strides are in bytes.
pub(super) struct Runs<'a> {
    dims: &'a [usize],
    strides: &'a [isize],
    inner: usize,
    step: isize,
}

impl<'a> Runs<'a> {
    /// The space of lengths `dims`, with runs as long as its strides allow.
    pub(super) fn of(dims: &'a [usize], strides: &'a [isize]) -> Runs<'a> {
        let (&inner, mut dims) = dims.split_last().unwrap_or((&1, &[]));
        let (&step, mut strides) = strides.split_last().unwrap_or((&0, &[]));
        let mut inner = inner;
        while let ([outer @ .., n], [before @ .., s]) = (dims, strides) {
            if *s != step * inner as isize {
                break;
            }
            inner *= n;
            (dims, strides) = (outer, before);
        }
        Runs { dims, strides, inner, step }
    }

    /// Bytes from the first element to element `start`, if `n` elements of `size` bytes stand one behind the other from there.
    pub(super) fn place(&self, size: usize, start: usize, n: usize) -> Option<isize> {
        if self.step != size as isize || start % self.inner + n > self.inner {
            return None;
        }
        let (mut rest, mut offset) = (start / self.inner, (start % self.inner) as isize * self.step);
        for (&n, &s) in self.dims.iter().zip(self.strides).rev() {
            offset += (rest % n) as isize * s;
            rest /= n;
        }
        (offset >= 0).then_some(offset)
    }

    /// Copies `n` elements of `size` bytes, from place `start` of the space on, into a register.
    ///
    /// # Safety
    /// The strides stay inside the operand, whose first element is at `base`.
    pub(super) unsafe fn gather(&self, size: usize, base: *const u8, to: *mut u8, start: usize, n: usize) {
        // SAFETY: by the contract.
        unsafe {
            match size {
                1 => self.gather_as::<u8>(base, to.cast(), start, n),
                4 => self.gather_as::<u32>(base, to.cast(), start, n),
                _ => self.gather_as::<u64>(base, to.cast(), start, n),
            }
        }
    }

    unsafe fn gather_as<T: Copy>(&self, base: *const u8, to: *mut T, start: usize, n: usize) {
        let Runs { dims, strides, inner, step } = *self;
        let mut index: Dims = Dims::from_elem(0, dims.len());
        let mut rest = start / inner;
        let mut offset = 0isize;
        for k in (0..dims.len()).rev() {
            index[k] = rest % dims[k];
            rest /= dims[k];
            offset += index[k] as isize * strides[k];
        }
        let (last, beside) = (dims.last().copied().unwrap_or(1), strides.last().copied().unwrap_or(0));
        let mut col = start % inner;
        let mut done = 0;
        while done < n {
            // Whole runs along the last axis, or a part of one.
            let whole = ((n - done) / inner).min(last - index.last().copied().unwrap_or(0));
            let (count, run) = if col == 0 && whole > 0 { (whole, inner) } else { (1, (inner - col).min(n - done)) };
            // SAFETY: inside the operand, and inside the register.
            unsafe { copy_runs::<T>(base.offset(offset + col as isize * step), to.add(done), [count, run], [beside, step]) };
            done += count * run;
            col = 0;
            let mut moved = count;
            for k in (0..dims.len()).rev() {
                index[k] += moved;
                offset += moved as isize * strides[k];
                if index[k] < dims[k] {
                    break;
                }
                offset -= strides[k] * dims[k] as isize;
                (index[k], moved) = (0, 1);
            }
        }
    }
}

/// Copies runs of elements at distance `step` from places `beside` bytes apart to one place after the other.
unsafe fn copy_runs<T: Copy>(from: *const u8, to: *mut T, [count, run]: [usize; 2], [beside, step]: [isize; 2]) {
    let side_by_side = step == size_of::<T>() as isize;
    // SAFETY: by the contract of the caller.
    unsafe {
        if (step == 0 || side_by_side) && run <= SHORT && count > 1 {
            return short_runs(from, to, [count, run], beside, side_by_side);
        }
        for k in 0..count {
            let (from, to) = (from.offset(k as isize * beside), to.add(k * run));
            if step == 0 {
                std::slice::from_raw_parts_mut(to, run).fill(from.cast::<T>().read());
            } else if side_by_side {
                std::ptr::copy_nonoverlapping(from.cast::<T>(), to, run);
            } else {
                (0..run).for_each(|i| to.add(i).write(from.offset(i as isize * step).cast::<T>().read()));
            }
        }
    }
}

/// Copies short runs, or repeats an element as often. A loop of known length takes a fraction of the time.
unsafe fn short_runs<T: Copy>(from: *const u8, to: *mut T, [count, run]: [usize; 2], beside: isize, side_by_side: bool) {
    unsafe fn of<T: Copy, const N: usize>(from: *const u8, to: *mut T, count: usize, beside: isize, side_by_side: bool) {
        let to = to.cast::<[T; N]>();
        // SAFETY: by the contract of the caller.
        unsafe {
            if side_by_side {
                (0..count).for_each(|k| to.add(k).write(from.offset(k as isize * beside).cast::<[T; N]>().read()));
            } else {
                (0..count).for_each(|k| to.add(k).write([from.offset(k as isize * beside).cast::<T>().read(); N]));
            }
        }
    }
    macro_rules! each {
        ($($n:literal)+) => {
            // SAFETY: as above.
            match run {
                $($n => unsafe { of::<T, $n>(from, to, count, beside, side_by_side) },)+
                _ => {}
            }
        };
    }
    each!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16)
}
