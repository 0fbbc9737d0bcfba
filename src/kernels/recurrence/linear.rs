//! Linear recurrences: how small changes of what a recurrent network sees go forwards through its steps, and cotangents backwards.

use std::ops::Range;

use super::{Extent, Job, LINE, Number, Panels, Product, Rows, Written, perform};
use crate::array::{View, ViewMut};
use crate::dtype::DType;
use crate::error::Result;
use crate::kernels::linalg::Shared;
use crate::kernels::ranges::Ranges;
use crate::kernels::real::S;
use crate::kernels::tile::slice_mut;

/// Which way it goes through time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// `a[t] = a0[t] + w h[t - 1]`, `c[t] = c0[t] + sum k[t] a[t] + e[t] c[t - 1]`, `h[t] = h0[t] + sum k[t] a[t] + f[t] c[t]`.
    Forwards,
    /// The adjoint: `h[t] = h0[t] + w^T a[t + 1]`, `c[t] = c0[t] + f[t] h[t] + e[t + 1] c[t + 1]`, `a[t] = a0[t] + k[t] (c or h)[t]`.
    Backwards,
}

impl Way {
    /// Where its product leads.
    pub fn product(self) -> Product {
        match self {
            Way::Forwards => Product::Gates,
            Way::Backwards => Product::State,
        }
    }
}

/// The operands of a linear recurrence, and what it writes.
pub struct Linear<'a, 'b> {
    /// What is added at each step to gates, memories and states.
    pub added: [View<'a>; 3],
    /// The matrix `(gates * state, state)`.
    pub w: View<'a>,
    /// The factors from the memory before to the memory, and from there to the state.
    pub kept: View<'a>,
    pub shown: View<'a>,
    /// The factors of the gates; the last `direct` of them lead to the state, the others to the memory.
    pub factors: &'a [View<'a>],
    pub direct: usize,
    /// Gates, memories and states.
    pub results: [&'a mut ViewMut<'b>; 3],
}

/// Computes all steps, one after the other; `scratch` has the bytes of the extent for the product of the way.
pub fn linear(ranges: &Ranges<'_>, way: Way, all: Linear<'_, '_>, scratch: &mut [u8]) -> Result<()> {
    // SAFETY: all views have the dispatched type.
    unsafe {
        match all.w.dtype() {
            DType::F32 => run::<f32>(ranges, way, all, scratch.as_mut_ptr().cast()),
            _ => run::<f64>(ranges, way, all, scratch.as_mut_ptr().cast()),
        }
    }
}

/// # Safety
/// The views have type `T` and fit together; `scratch` has the numbers of the extent.
unsafe fn run<T: Number>(ranges: &Ranges<'_>, way: Way, all: Linear<'_, '_>, scratch: *mut T) -> Result<()> {
    let [gates, memories, states] = all.results;
    let e = Extent::of(states.dims(), all.factors.len());
    if states.count() == 0 {
        return Ok(());
    }
    let product = way.product();
    let (room, own) = (e.room::<T>(product), e.part::<T>(product));
    // SAFETY: by the contract.
    unsafe {
        let panels = Panels::<T>::new(all.w, &e, product, scratch);
        let free = Shared(scratch.add(e.panels::<T>(product) + e.width().next_multiple_of(LINE)));
        let steps = Steps {
            e,
            direct: all.direct,
            added: all.added.map(|x| Rows::of(x)),
            kept: Rows::of(all.kept),
            shown: Rows::of(all.shown),
            factors: all.factors.iter().map(|&k| Rows::of(k)).collect(),
            gates: Written::of(gates),
            memories: Written::of(memories),
            states: Written::of(states),
        };
        e.each(ranges, |slot, samples, range| {
            let scratch = free.at(slot * own);
            for t in range {
                let rooms = slice_mut(scratch.add(room), own - room);
                let m = samples.len();
                if way == Way::Forwards {
                    steps.begin(0, &steps.gates, t, samples.clone());
                    if let Some(before) = t.checked_sub(1) {
                        panels.add(m, steps.states.left(before, samples.start), steps.gates.start(t, samples.start), scratch);
                    }
                    perform(Forwards(Cells { steps: &steps, t, samples: samples.clone(), rooms }));
                } else {
                    let t = e.steps - 1 - t;
                    steps.begin(2, &steps.states, t, samples.clone());
                    if t + 1 < e.steps {
                        panels.add(m, steps.gates.left(t + 1, samples.start), steps.states.start(t, samples.start), scratch);
                    }
                    perform(Backwards(Cells { steps: &steps, t, samples: samples.clone(), rooms }));
                }
            }
        })
    }
}

/// What the steps read and write.
struct Steps<'a, T> {
    e: Extent,
    direct: usize,
    added: [Rows<'a, T>; 3],
    kept: Rows<'a, T>,
    shown: Rows<'a, T>,
    factors: Vec<Rows<'a, T>>,
    gates: Written<T>,
    memories: Written<T>,
    states: Written<T>,
}

// SAFETY: parts write rows of their own.
unsafe impl<T> Sync for Steps<'_, T> {}

impl<T: Number> Steps<'_, T> {
    /// Results without their products.
    ///
    /// # Safety
    /// The rows lie in the arrays, and are this part's.
    unsafe fn begin(&self, which: usize, to: &Written<T>, t: usize, samples: Range<usize>) {
        // SAFETY: by the contract.
        samples.for_each(|i| unsafe { self.added[which].copy([t, i, 0], to.row_mut(t, i)) });
    }
}

/// Some samples at one step.
struct Cells<'a, 'b, T> {
    steps: &'a Steps<'b, T>,
    t: usize,
    samples: Range<usize>,
    rooms: &'a mut [T],
}

/// `d + a * b` for each number.
#[inline(always)]
fn add_product<T: Number, const M: u8>(d: &mut [T], a: &[T], b: &[T]) {
    d.iter_mut().zip(a).zip(b).for_each(|((d, &a), &b)| *d = (S::<T, M>(*d) + S(a) * S(b)).0);
}

/// Cells that hand tangents on.
struct Forwards<'a, 'b, T>(Cells<'a, 'b, T>);

impl<T: Number> Job for Forwards<'_, '_, T> {
    #[inline(always)]
    fn run<const M: u8>(self) {
        let Cells { steps, t, samples, rooms } = self.0;
        let n = steps.e.state;
        let room = &mut rooms[..n];
        for i in samples {
            // SAFETY: rows of this part, of which those of the step before are written.
            unsafe {
                let at = [t, i, 0];
                let (a, c, h) = (steps.gates.row(t, i), steps.memories.row_mut(t, i), steps.states.row_mut(t, i));
                steps.added[1].copy(at, c);
                steps.added[2].copy(at, h);
                let remembered = steps.factors.len() - steps.direct;
                for (g, k) in steps.factors.iter().enumerate() {
                    let to = if g < remembered { &mut *c } else { &mut *h };
                    add_product::<T, M>(to, k.row(at, room), &a[g * n..][..n]);
                }
                if let Some(before) = t.checked_sub(1) {
                    add_product::<T, M>(c, steps.kept.row(at, room), steps.memories.row(before, i));
                }
                add_product::<T, M>(h, steps.shown.row(at, room), c);
            }
        }
    }
}

/// Cells that hand cotangents back.
struct Backwards<'a, 'b, T>(Cells<'a, 'b, T>);

impl<T: Number> Job for Backwards<'_, '_, T> {
    #[inline(always)]
    fn run<const M: u8>(self) {
        let Cells { steps, t, samples, rooms } = self.0;
        let n = steps.e.state;
        let room = &mut rooms[..n];
        for i in samples {
            // SAFETY: rows of this part, of which those of the step behind are written.
            unsafe {
                let at = [t, i, 0];
                let (a, c, h) = (steps.gates.row_mut(t, i), steps.memories.row_mut(t, i), steps.states.row(t, i));
                steps.added[1].copy(at, c);
                add_product::<T, M>(c, steps.shown.row(at, room), h);
                if t + 1 < steps.e.steps {
                    add_product::<T, M>(c, steps.kept.row([t + 1, i, 0], room), steps.memories.row(t + 1, i));
                }
                steps.added[0].copy(at, a);
                let remembered = steps.factors.len() - steps.direct;
                for (g, k) in steps.factors.iter().enumerate() {
                    let from = if g < remembered { &*c } else { h };
                    add_product::<T, M>(&mut a[g * n..][..n], k.row(at, room), from);
                }
            }
        }
    }
}
