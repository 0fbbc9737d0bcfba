//! Recurrences over time. Each step is one product of the state before it with a matrix, the same at all steps, and a cell: numbers of
//! a sample that depend on numbers of the same sample at the same place.

pub mod linear;
pub mod states;

use std::marker::PhantomData;
use std::ops::Range;

use super::isa::{Isa, isa};
use super::linalg::Shared;
use super::matmul::RATE;
use super::matmul::packed::{Lengths, Out, Scalar, Strided, multiply, scratch as room};
use super::ranges::{RANGE, Ranges};
use super::real::{FUSED, Float, PLAIN};
use super::tile::{slice, slice_mut};
use crate::array::{View, ViewMut};
use crate::dtype::DType;
use crate::error::Result;

/// A float that both kinds of kernels compute with.
trait Number: Scalar + Float {}
impl Number for f32 {}
impl Number for f64 {}

/// Threads that share the samples at most: each has scratch memory of its own.
const PARTS: usize = 16;
/// Samples of a thread that go through time together at most.
const TOGETHER: usize = 256;
/// Numbers of scratch are handed out in lines of the cache.
const LINE: usize = 64;
/// Bytes of a row of a panel: the widest tile of a product of few rows.
const PANEL_ROW: usize = 256;

/// The lengths of a recurrence.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// Steps in time.
    pub steps: usize,
    /// Sequences beside each other.
    pub samples: usize,
    /// Numbers of a state.
    pub state: usize,
    /// Gates of a cell, each of as many numbers.
    pub gates: usize,
}

/// Which way the product of a step leads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Product {
    /// From a state to the gates.
    Gates,
    /// From the gates to a state.
    State,
}

impl Extent {
    /// The lengths of states `(steps, samples, state)`, whose cells have so many gates.
    pub fn of(states: &[usize], gates: usize) -> Extent {
        let at = |i: usize| states.get(i).copied().unwrap_or(0);
        Extent { steps: at(0), samples: at(1), state: at(2), gates }
    }

    /// Numbers of all gates of a sample.
    fn width(&self) -> usize {
        self.gates * self.state
    }

    /// The work of one sample at one step, in elements that are moved.
    fn work(&self) -> usize {
        (self.width() * self.state / RATE + 4 * self.width()).max(1)
    }

    /// The lengths of the product of one sample: what is summed, and results.
    fn product(&self, way: Product) -> [usize; 2] {
        match way {
            Product::Gates => [self.state, self.width()],
            Product::State => [self.width(), self.state],
        }
    }

    /// Numbers of scratch of a part's products.
    fn room<T: Number>(&self, way: Product) -> usize {
        let [k, columns] = self.product(way);
        let width = panel_width::<T>();
        let of = |m: usize, n: usize| room::<T>(isa(), Lengths { m, n: n.max(1), k });
        let most = (1..=TOGETHER.min(self.samples)).map(|m| of(m, columns.min(width)).max(of(m, columns % width))).max();
        most.unwrap_or(0).next_multiple_of(LINE)
    }

    /// Numbers of scratch of a part: its products, a row of each gate, and one more.
    fn part<T: Number>(&self, way: Product) -> usize {
        self.room::<T>(way) + (self.gates + 1) * self.state.next_multiple_of(LINE)
    }

    /// Bytes of scratch.
    pub fn scratch(&self, dtype: DType, way: Product) -> usize {
        match dtype {
            DType::F32 => self.numbers::<f32>(way) * size_of::<f32>(),
            _ => self.numbers::<f64>(way) * size_of::<f64>(),
        }
    }

    fn numbers<T: Number>(&self, way: Product) -> usize {
        self.panels::<T>(way) + self.width().next_multiple_of(LINE) + PARTS.min(self.samples) * self.part::<T>(way)
    }

    /// Numbers of the matrix in panels.
    fn panels<T: Number>(&self, way: Product) -> usize {
        let [k, columns] = self.product(way);
        (k * columns.next_multiple_of(panel_width::<T>())).next_multiple_of(LINE)
    }

    /// Calls `f` with a place for scratch memory, samples and steps, from the first step on: all of them once, and those of a sample in
    /// order.
    fn each(&self, ranges: &Ranges<'_>, f: impl Fn(usize, Range<usize>, Range<usize>) + Sync) -> Result<()> {
        let work = self.work();
        let threads = ranges.threads(work.saturating_mul(self.samples).saturating_mul(self.steps)).min(PARTS);
        // As many samples at once as make a few ranges at one step, and as many steps as make one.
        let most = (8 * RANGE / work).clamp(1, TOGETHER) * threads;
        for first in (0..self.samples).step_by(most) {
            let here = most.min(self.samples - first);
            let parts = threads.min(here);
            let block = (RANGE * parts / (work * here)).max(1);
            for start in (0..self.steps).step_by(block) {
                let steps = start..self.steps.min(start + block);
                ranges.parts(parts, here * work * steps.len(), &|part| {
                    f(part, first + here * part / parts..first + here * (part + 1) / parts, steps.clone());
                })?;
            }
        }
        Ok(())
    }
}

fn panel_width<T>() -> usize {
    PANEL_ROW / size_of::<T>()
}

/// The matrix as the right operand of a step's product: panels of its columns, each of which lies in the order in which it is read.
struct Panels<T> {
    at: *const T,
    depth: usize,
    columns: usize,
}

// SAFETY: it is only read.
unsafe impl<T> Sync for Panels<T> {}

impl<T: Number> Panels<T> {
    /// # Safety
    /// `w` is the matrix `(width, state)` of type `T`, and `to` has room for its panels.
    unsafe fn new(w: View<'_>, e: &Extent, way: Product, to: *mut T) -> Panels<T> {
        let [depth, columns] = e.product(way);
        let [row, column] = [w.strides()[0], w.strides()[1]];
        let [across, along] = if way == Product::Gates { [row, column] } else { [column, row] };
        if depth > 0 && columns > 0 {
            let from = Strided { at: w.ptr().cast::<T>(), across, depth: along };
            // SAFETY: by the contract.
            unsafe { from.pack(isa(), 0..depth, 0..columns, panel_width::<T>(), to) };
        }
        Panels { at: to, depth, columns }
    }

    /// Adds the product of `m` rows to rows of results, which follow each other.
    ///
    /// # Safety
    /// The rows lie in memory, do not overlap, and `scratch` has the room of the extent.
    unsafe fn add(&self, m: usize, rows: Strided<T>, out: *mut T, scratch: *mut T) {
        let width = panel_width::<T>();
        for j in (0..self.columns).step_by(width) {
            let lengths = Lengths { m, n: width.min(self.columns - j), k: self.depth };
            // SAFETY: a panel, and the columns of the results that belong to it.
            unsafe {
                let b = Strided { at: self.at.add(j * self.depth), across: 1, depth: width as isize };
                let out = Out { at: out.add(j), row: self.columns as isize, column: 1 };
                multiply(isa(), lengths, [rows, b], out, true, scratch);
            }
        }
    }
}

/// An operand of rows: one for each step and sample.
struct Rows<'a, T> {
    at: *const T,
    /// From one step to the next, from one sample to the next, and from one number to the next.
    strides: [isize; 3],
    life: PhantomData<&'a T>,
}

// SAFETY: it is only read.
unsafe impl<T> Sync for Rows<'_, T> {}

impl<'a, T: Number> Rows<'a, T> {
    /// The rows of an array of up to three axes, the last of which are samples and numbers; it is repeated along those that it lacks.
    ///
    /// # Safety
    /// The view has type `T`.
    unsafe fn of(x: View<'a>) -> Rows<'a, T> {
        let missing = 3 - x.dims().len().min(3);
        let strides = std::array::from_fn(|i| i.checked_sub(missing).and_then(|k| x.strides().get(k)).copied().unwrap_or(0));
        Rows { at: x.ptr().cast(), strides, life: PhantomData }
    }

    fn start(&self, step: usize, sample: usize) -> *const T {
        self.at.wrapping_offset(step as isize * self.strides[0] + sample as isize * self.strides[1])
    }

    /// Copies a row, or a part of it.
    ///
    /// # Safety
    /// `to.len()` numbers from number `first` of the row on lie in the array.
    #[inline(always)]
    unsafe fn copy(&self, [step, sample, first]: [usize; 3], to: &mut [T]) {
        let stride = self.strides[2];
        let from = self.start(step, sample).wrapping_offset(first as isize * stride);
        // SAFETY: by the contract.
        unsafe {
            if stride == 1 {
                to.copy_from_slice(slice(from, to.len()));
            } else {
                for (i, to) in to.iter_mut().enumerate() {
                    *to = *from.offset(i as isize * stride);
                }
            }
        }
    }

    /// A row, or a part of it, copied into `room` if its numbers do not follow each other.
    ///
    /// # Safety
    /// As [`Rows::copy`].
    #[inline(always)]
    unsafe fn row<'b>(&self, [step, sample, first]: [usize; 3], room: &'b mut [T]) -> &'b [T]
    where
        'a: 'b,
    {
        // SAFETY: by the contract.
        unsafe {
            if self.strides[2] == 1 {
                return slice(self.start(step, sample).wrapping_add(first), room.len());
            }
            self.copy([step, sample, first], room);
        }
        room
    }

    /// Rows of samples at a step, as the left operand of a product.
    fn left(&self, step: usize, sample: usize) -> Strided<T> {
        Strided { at: self.start(step, sample), across: self.strides[1], depth: self.strides[2] }
    }
}

/// A result of rows in C order.
struct Written<T> {
    at: Shared<T>,
    samples: usize,
    width: usize,
}

impl<T: Number> Written<T> {
    fn of(y: &mut ViewMut<'_>) -> Written<T> {
        let length = |i: usize| y.dims().get(i).copied().unwrap_or(0);
        Written { at: Shared(y.ptr().cast()), samples: length(1), width: length(2) }
    }

    fn start(&self, step: usize, sample: usize) -> *mut T {
        self.at.0.wrapping_add((step * self.samples + sample) * self.width)
    }

    /// A row to write.
    ///
    /// # Safety
    /// It lies in the array, and nobody else has it.
    #[inline(always)]
    #[allow(clippy::mut_from_ref, reason = "parts write rows of their own")]
    unsafe fn row_mut(&self, step: usize, sample: usize) -> &mut [T] {
        // SAFETY: by the contract.
        unsafe { slice_mut(self.start(step, sample), self.width) }
    }

    /// A row that was written.
    ///
    /// # Safety
    /// It lies in the array, and nobody writes it.
    #[inline(always)]
    unsafe fn row(&self, step: usize, sample: usize) -> &[T] {
        // SAFETY: by the contract.
        unsafe { slice(self.start(step, sample), self.width) }
    }

    fn left(&self, step: usize, sample: usize) -> Strided<T> {
        Strided { at: self.start(step, sample), across: self.width as isize, depth: 1 }
    }
}

/// What is done with the rows of some samples at one step, compiled for each instruction set.
trait Job {
    /// Does it; `M` is the mode of the numbers.
    fn run<const M: u8>(self);
}

/// # Safety
/// The machine has the instructions.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")]
unsafe fn avx512<J: Job>(job: J) {
    job.run::<FUSED>()
}
/// # Safety
/// The machine has the instructions.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<J: Job>(job: J) {
    job.run::<FUSED>()
}

fn perform<J: Job>(job: J) {
    match isa() {
        // SAFETY: the instruction set is what the machine has, or less.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => unsafe { avx512(job) },
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { avx2(job) },
        _ => job.run::<PLAIN>(),
    }
}
