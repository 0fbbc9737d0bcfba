//! Products of float matrices: packed panels and micro-kernels. [`multiply`] is for one thread, [`multiply_shared`] for those of a run.
//!
//! **Bits.** Blocks of [`block`]`(k)` products are summed one by one, in order, from 0 on; the sums of the blocks are added up in
//! order. That is all there is: an element does not depend on the other lengths, on strides, sources, or where it lies, and AVX2 and
//! AVX-512 (which fuse) agree; the instruction set without FMA has other bits. So a caller may cut rows and columns anywhere.

use self::cut::{Call, Plan};
use self::micro::{Kernels, Machine, Tiles};
pub use self::panel::Strided;
pub use self::shared::{multiply_shared, part_scratch, parts, shared_scratch};
use crate::kernels::isa::Isa;

mod cut;
pub(super) mod micro;
mod panel;
mod shared;
#[cfg(test)]
mod tests;
mod thin;
pub(in crate::kernels) mod vector;

/// The most products that are summed in registers. Longer sums wait less for the result, but round worse.
const DEPTH: usize = 512;

/// How many products a block has in a sum of `k`: as few blocks as can be, of equal lengths but for the last.
pub fn block(k: usize) -> usize {
    let k = if k == 0 { 1 } else { k };
    k.div_ceil(k.div_ceil(DEPTH))
}

/// A float that is multiplied.
#[allow(private_bounds, reason = "nobody else implements it")]
pub trait Scalar: Kernels + std::ops::Add<Output = Self> + std::ops::Mul<Output = Self> {
    const ZERO: Self;
    /// `self * x + sum`, rounded once.
    fn fused(self, x: Self, sum: Self) -> Self;
}
impl Scalar for f32 {
    const ZERO: f32 = 0.0;
    #[inline(always)]
    fn fused(self, x: f32, sum: f32) -> f32 {
        self.mul_add(x, sum)
    }
}
impl Scalar for f64 {
    const ZERO: f64 = 0.0;
    #[inline(always)]
    fn fused(self, x: f64, sum: f64) -> f64 {
        self.mul_add(x, sum)
    }
}

/// The lengths of a product: m rows, n columns, k products for each element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lengths {
    pub m: usize,
    pub n: usize,
    pub k: usize,
}

/// A result in memory, with any steps.
#[derive(Clone, Copy, Debug)]
pub struct Out<T> {
    pub at: *mut T,
    pub row: isize,
    pub column: isize,
}

fn tiles<T: Scalar>(isa: Isa) -> Tiles {
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => T::Avx512::TILES,
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => T::Avx2::TILES,
        _ => T::Base::TILES,
    }
}

/// How many numbers [`multiply`] needs as scratch.
pub fn scratch<T: Scalar>(isa: Isa, lengths: Lengths) -> usize {
    let Lengths { m, n, k } = lengths;
    let room = |lengths: Lengths| Plan::new::<T>(tiles::<T>(isa), lengths, block(k)).room();
    room(lengths).max(room(Lengths { m: n, n: m, k }))
}

/// `out = a b`, or `out + a b` if `add`. `k = 0` gives zeros, or leaves what is there.
///
/// # Safety
/// The machine has the instructions; the lengths are those of the operands; `out` has room for its elements, no two of which share
/// memory or overlap an operand; `scratch` has room for as many numbers as the function of that name says.
pub unsafe fn multiply<T: Scalar>(isa: Isa, lengths: Lengths, [a, b]: [Strided<T>; 2], out: Out<T>, add: bool, scratch: *mut T) {
    // SAFETY: passed on.
    unsafe { run(Call { isa, lengths, block: block(lengths.k), a, b, out, add, scratch }) }
}

/// # Safety
/// As [`multiply`].
unsafe fn run<T: Scalar>(call: Call<T>) {
    // SAFETY: passed on.
    unsafe {
        match call.isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => avx512::<T>(call),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => avx2::<T>(call),
            _ => cut::product::<T::Base, false>(call),
        }
    }
}

/// # Safety
/// As [`multiply`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")]
unsafe fn avx512<T: Scalar>(call: Call<T>) {
    // SAFETY: passed on.
    unsafe { cut::product::<T::Avx512, true>(call) }
}
/// # Safety
/// As [`multiply`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<T: Scalar>(call: Call<T>) {
    // SAFETY: passed on.
    unsafe { cut::product::<T::Avx2, true>(call) }
}
