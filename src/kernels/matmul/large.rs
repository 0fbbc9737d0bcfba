//! Products of floats by packed panels, in scratch memory that the plan gives.

use super::packed::{self, Lengths, Out, Strided};
use super::plain::in_a_row;
use super::{Engine, FAST, Kernel, Product, Real, Row};
use crate::error::Result;
use crate::kernels::isa::isa;
use crate::kernels::ranges::Ranges;

/// Products by packed panels.
pub(super) struct Packed<T> {
    pub scratch: *mut T,
    /// Numbers of scratch.
    pub room: usize,
}

// SAFETY: no number of the scratch is used by two threads.
unsafe impl<T> Sync for Packed<T> {}

/// Parts of a product, or of a batch, at most: each has scratch memory of its own.
const PARTS: usize = 16;
/// The cost from which on threads share each product of a batch: fewer blocks wait in the cache.
const SHARED: usize = 1 << 19;

/// Numbers of scratch for products, each of which threads share.
fn one_scratch<T: Real>(lengths: Lengths) -> usize {
    packed::shared_scratch::<T>(lengths, packed::parts(lengths).min(PARTS))
}

/// Numbers of scratch for operands of these lengths.
pub(super) fn scratch_of<T: Real>(a: &[usize], b: &[usize]) -> usize {
    let (&[ref la @ .., m, k], &[ref lb @ .., _, n]) = (a, b) else { return 0 };
    let p = Product { m, k, n, a: [0; 2], b: [0; 2], d: [0; 2], add: false };
    if !matches!(Kernel::<T>::of(&p, false), Kernel::Packed) {
        return 0;
    }
    let batch = la.len().max(lb.len());
    let length = |l: &[usize], i: usize| (i + l.len()).checked_sub(batch).and_then(|i| l.get(i)).copied().unwrap_or(1);
    let count = (0..batch).map(|i| length(la, i).max(length(lb, i))).fold(1, usize::saturating_mul);
    if count == 0 || m == 0 || n == 0 {
        return 0;
    }
    let lengths = Lengths { m, n, k };
    let apart = if p.cost(FAST) < SHARED { packed::part_scratch::<T>(lengths) * count.min(PARTS) } else { 0 };
    // A batch may be one product of many rows or columns.
    let rows = one_scratch::<T>(Lengths { m: m.saturating_mul(count), ..lengths });
    let columns = one_scratch::<T>(Lengths { n: n.saturating_mul(count), ..lengths });
    apart.max(rows).max(columns).max(one_scratch::<T>(lengths))
}

impl<T: Real> Packed<T> {
    fn lengths(p: &Product) -> Lengths {
        Lengths { m: p.m, n: p.n, k: p.k }
    }
}

impl<T: Real> Engine<T> for Packed<T> {
    fn fast(&self) -> u32 {
        FAST
    }
    fn shared(&self, cost: usize) -> bool {
        cost >= SHARED
    }
    fn parts(&self, p: &Product) -> usize {
        (self.room / packed::part_scratch::<T>(Self::lengths(p))).clamp(1, PARTS)
    }
    fn takes(&self, p: &Product) -> bool {
        packed::shared_scratch::<T>(Self::lengths(p), 1) <= self.room
    }
    unsafe fn row(&self, part: usize, p: Product, row: Row, a: *const T, b: *const T, d: *mut T) {
        let lengths = Self::lengths(&p);
        let scratch = self.scratch.wrapping_add(part * packed::part_scratch::<T>(lengths));
        in_a_row(row, a, b, d, |a, b, d| {
            let (a, b, out) = operands(&p, a, b, d);
            // SAFETY: by the contract.
            unsafe { packed::multiply(isa(), lengths, [a, b], out, p.add, scratch) }
        });
    }
    unsafe fn one(&self, ranges: &Ranges<'_>, p: Product, a: *const T, b: *const T, d: *mut T) -> Result<()> {
        let lengths = Self::lengths(&p);
        let fits = |&parts: &usize| packed::shared_scratch::<T>(lengths, parts) <= self.room;
        let most = packed::parts(lengths).min(PARTS).min(ranges.threads(p.cost(FAST)));
        let parts = (2..=most).rev().find(fits).unwrap_or(1);
        let (a, b, out) = operands(&p, a, b, d);
        // SAFETY: by the contract.
        unsafe { packed::multiply_shared(ranges, isa(), lengths, [a, b], out, self.scratch, parts) }
    }
}

/// The operands and the result of a product, as packed products take them.
fn operands<T>(p: &Product, a: *const T, b: *const T, d: *mut T) -> (Strided<T>, Strided<T>, Out<T>) {
    let p = p.settled();
    let out = Out { at: d, row: p.d[0], column: p.d[1] };
    (Strided { at: a, across: p.a[0], depth: p.a[1] }, Strided { at: b, across: p.b[1], depth: p.b[0] }, out)
}
