//! The states of recurrent networks.

use std::ops::Range;

use super::{Extent, Job, LINE, Number, Panels, Product, Rows, Written, perform};
use crate::array::{View, ViewMut};
use crate::dtype::DType;
use crate::error::Result;
use crate::kernels::linalg::Shared;
use crate::kernels::math::{max, sigmoid, tanh};
use crate::kernels::ranges::Ranges;
use crate::kernels::real::S;
use crate::kernels::tile::{slice, slice_mut};

/// What a cell does with what its gates see, `a`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cell {
    /// `h = tanh(a)`, or the rectifier.
    Plain { rectified: bool },
    /// Gates for the input, the old memory, the new one and the output: `c = i * g + f * c`, `h = o * tanh(c)`.
    LongShort,
    /// Gates that forget the state inside the new one, that keep the old one, and the new one itself: `h = (1 - z) * n + z * h`.
    Gated,
}

impl Cell {
    /// How many gates it has.
    pub fn gates(self) -> usize {
        match self {
            Cell::Plain { .. } => 1,
            Cell::LongShort => 4,
            Cell::Gated => 3,
        }
    }
}

/// The operands of a recurrence, and what it writes.
pub struct States<'a, 'b> {
    /// What the input adds to what the gates see, `(steps, samples, gates * state)`.
    pub x: View<'a>,
    /// The matrix `(gates * state, state)`, and what is added to its product, `(gates * state,)`.
    pub w: View<'a>,
    pub b: View<'a>,
    /// The first state, `(samples, state)`, and the first memory, if the cell has one.
    pub first: View<'a>,
    pub memory: Option<View<'a>>,
    /// What the gates see at each step: of gated cells the product alone.
    pub gates: &'a mut ViewMut<'b>,
    pub memories: Option<&'a mut ViewMut<'b>>,
    pub states: &'a mut ViewMut<'b>,
}

/// Computes the states of all steps, one after the other; `scratch` has the bytes of the extent for a product to the gates.
pub fn states(ranges: &Ranges<'_>, cell: Cell, all: States<'_, '_>, scratch: &mut [u8]) -> Result<()> {
    // SAFETY: all views have the dispatched type.
    unsafe {
        match all.states.dtype() {
            DType::F32 => run::<f32>(ranges, cell, all, scratch.as_mut_ptr().cast()),
            _ => run::<f64>(ranges, cell, all, scratch.as_mut_ptr().cast()),
        }
    }
}

/// # Safety
/// The views have type `T` and fit together; `scratch` has the numbers of the extent.
unsafe fn run<T: Number>(ranges: &Ranges<'_>, cell: Cell, all: States<'_, '_>, scratch: *mut T) -> Result<()> {
    let e = Extent::of(all.states.dims(), cell.gates());
    if all.states.count() == 0 {
        return Ok(());
    }
    let (room, own) = (e.room::<T>(Product::Gates), e.part::<T>(Product::Gates));
    // SAFETY: by the contract.
    unsafe {
        let panels = Panels::<T>::new(all.w, &e, Product::Gates, scratch);
        let bias = scratch.add(e.panels::<T>(Product::Gates));
        let free = Shared(bias.add(e.width().next_multiple_of(LINE)));
        Rows::<T>::of(all.b).copy([0; 3], slice_mut(bias, e.width()));
        let step = Step {
            cell,
            state: e.state,
            x: Rows::of(all.x),
            bias: slice(bias, e.width()),
            first: Rows::of(all.first),
            memory: Rows::of(all.memory.unwrap_or(all.first)),
            gates: Written::of(all.gates),
            memories: all.memories.map(Written::of),
            states: Written::of(all.states),
        };
        e.each(ranges, |slot, samples, steps| {
            let scratch = free.at(slot * own);
            for t in steps {
                step.begin(t, samples.clone());
                let before = match t.checked_sub(1) {
                    Some(t) => step.states.left(t, samples.start),
                    None => step.first.left(0, samples.start),
                };
                panels.add(samples.len(), before, step.gates.start(t, samples.start), scratch);
                let rooms = slice_mut(scratch.add(room), own - room);
                perform(Cells { step: &step, t, samples: samples.clone(), rooms });
            }
        })
    }
}

/// What one step reads and writes.
struct Step<'a, T> {
    cell: Cell,
    state: usize,
    x: Rows<'a, T>,
    bias: &'a [T],
    first: Rows<'a, T>,
    memory: Rows<'a, T>,
    gates: Written<T>,
    memories: Option<Written<T>>,
    states: Written<T>,
}

// SAFETY: parts write rows of their own.
unsafe impl<T> Sync for Step<'_, T> {}

impl<T: Number> Step<'_, T> {
    /// What the gates see without the product.
    ///
    /// # Safety
    /// The rows lie in the arrays, and are this part's.
    unsafe fn begin(&self, t: usize, samples: Range<usize>) {
        for i in samples {
            // SAFETY: by the contract.
            unsafe {
                let row = self.gates.row_mut(t, i);
                if self.cell == Cell::Gated {
                    row.copy_from_slice(self.bias);
                } else {
                    self.x.copy([t, i, 0], row);
                    row.iter_mut().zip(self.bias).for_each(|(a, &b)| *a = *a + b);
                }
            }
        }
    }
}

/// The cells of some samples at one step.
struct Cells<'a, 'b, T> {
    step: &'a Step<'b, T>,
    t: usize,
    samples: Range<usize>,
    rooms: &'a mut [T],
}

/// `d = f(a)` for each number.
#[inline(always)]
fn each<T: Number, const M: u8>(d: &mut [T], a: &[T], f: impl Fn(S<T, M>) -> S<T, M>) {
    d.iter_mut().zip(a).for_each(|(d, &a)| *d = f(S(a)).0);
}

/// `d = f(a, b)` for each number.
#[inline(always)]
fn both<T: Number, const M: u8>(d: &mut [T], a: &[T], b: &[T], f: impl Fn(S<T, M>, S<T, M>) -> S<T, M>) {
    d.iter_mut().zip(a).zip(b).for_each(|((d, &a), &b)| *d = f(S(a), S(b)).0);
}

impl<T: Number> Job for Cells<'_, '_, T> {
    #[inline(always)]
    fn run<const M: u8>(self) {
        let Cells { step, t, samples, rooms } = self;
        let n = step.state;
        for i in samples {
            let mut rooms = rooms.chunks_exact_mut(n.next_multiple_of(LINE)).map(|row| &mut row[..n]);
            let mut room = || rooms.next().unwrap_or_default();
            // SAFETY: rows of this part, of which those of the step before are written.
            unsafe {
                let (a, h) = (step.gates.row(t, i), step.states.row_mut(t, i));
                match step.cell {
                    Cell::Plain { rectified: true } => each::<T, M>(h, a, |a| max(a, 0.0)),
                    Cell::Plain { rectified: false } => each::<T, M>(h, a, tanh),
                    Cell::LongShort => {
                        let Some(memories) = &step.memories else { return };
                        let (input, forget, new) = (room(), room(), room());
                        each::<T, M>(input, &a[..n], sigmoid);
                        each::<T, M>(forget, &a[n..2 * n], sigmoid);
                        each::<T, M>(new, &a[2 * n..3 * n], tanh);
                        each::<T, M>(h, &a[3 * n..], sigmoid);
                        let before = match t.checked_sub(1) {
                            Some(t) => memories.row(t, i),
                            None => step.memory.row([0, i, 0], room()),
                        };
                        let c = memories.row_mut(t, i);
                        both::<T, M>(c, input, new, |i, g| i * g);
                        both::<T, M>(new, forget, before, |f, c| f * c);
                        c.iter_mut().zip(&*new).for_each(|(c, &kept)| *c = *c + kept);
                        each::<T, M>(new, c, tanh);
                        h.iter_mut().zip(&*new).for_each(|(h, &y)| *h = *h * y);
                    }
                    Cell::Gated => {
                        let (reset, keep, new, spare) = (room(), room(), room(), room());
                        both::<T, M>(reset, step.x.row([t, i, 0], spare), &a[..n], |x, a| sigmoid(x + a));
                        both::<T, M>(keep, step.x.row([t, i, n], spare), &a[n..2 * n], |x, a| sigmoid(x + a));
                        reset.iter_mut().zip(&a[2 * n..]).for_each(|(r, &a)| *r = *r * a);
                        both::<T, M>(new, step.x.row([t, i, 2 * n], spare), reset, |x, a| tanh(x + a));
                        both::<T, M>(reset, new, keep, |n, z| (1.0 - z) * n);
                        let before = match t.checked_sub(1) {
                            Some(t) => step.states.row(t, i),
                            None => step.first.row([0, i, 0], spare),
                        };
                        both::<T, M>(new, keep, before, |z, h| z * h);
                        both::<T, M>(h, reset, new, |new, kept| new + kept);
                    }
                }
            }
        }
    }
}
