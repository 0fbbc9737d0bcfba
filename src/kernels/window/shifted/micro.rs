//! Micro-kernels of shifted products: a tile of filters and of places whose sums stay in registers.

#![allow(clippy::needless_range_loop, reason = "rows and vectors of a tile are counted, whatever array holds them")]

use std::mem::MaybeUninit;

use super::super::number::{Lanes, Number};
use super::cut::{Piece, Start};
use crate::kernels::isa::Isa;

/// What a micro-kernel works on.
pub(super) struct Tile<T> {
    /// Products of each element, and how many of them are summed from 0 on.
    pub depth: usize,
    pub block: usize,
    /// A row of filters for each place of the depth.
    pub a: *const T,
    /// The offset of what is seen at each place of the depth.
    pub taps: *const usize,
    /// A copy of images.
    pub b: *const T,
    /// Vectors of places, and one more.
    pub starts: *const Start,
    /// All pieces.
    pub pieces: *const Piece,
    pub out: *mut T,
    pub out_row: isize,
    /// Rows that are written.
    pub rows: usize,
}

/// # Safety
/// All of a tile lies in memory; the machine has the instructions.
pub(super) type Kernel<T> = unsafe fn(t: &Tile<T>);

/// One body for all: R filters, C vectors of places.
#[inline(always)]
unsafe fn tile<V: Lanes, const R: usize, const C: usize>(t: &Tile<V::T>) {
    let mut total = MaybeUninit::<([[V; C]; R], V)>::uninit();
    let total = total.as_mut_ptr().cast::<V::T>();
    let slot = |r: usize, c: usize| total.wrapping_add(r.wrapping_mul(C).wrapping_add(c).wrapping_mul(V::LANES));
    // SAFETY: by the contract.
    unsafe {
        let mut at = [t.b; C];
        for c in 0..C {
            at[c] = t.b.wrapping_add((*t.starts.wrapping_add(c)).at);
        }
        let (mut a, mut taps, mut left, mut first) = (t.a, t.taps, t.depth, true);
        loop {
            let mut sums = [[V::zero(); C]; R];
            let mut n = if left < t.block { left } else { t.block };
            left = left.wrapping_sub(n);
            while n != 0 {
                let offset = *taps;
                let mut y = [V::zero(); C];
                for c in 0..C {
                    y[c] = V::load(at[c].wrapping_add(offset));
                }
                for r in 0..R {
                    let x = V::spread(a.wrapping_add(r));
                    for c in 0..C {
                        sums[r][c] = x.times_plus(y[c], sums[r][c]);
                    }
                }
                a = a.wrapping_add(R);
                taps = taps.wrapping_add(1);
                n = n.wrapping_sub(1);
            }
            for r in 0..R {
                for c in 0..C {
                    let sum = if first { sums[r][c] } else { V::load(slot(r, c)).plus(sums[r][c]) };
                    sum.store(slot(r, c));
                }
            }
            if left == 0 {
                break;
            }
            first = false;
        }
        for c in 0..C {
            let (mut k, end) = ((*t.starts.wrapping_add(c)).piece, (*t.starts.wrapping_add(c).wrapping_add(1)).piece);
            while k < end {
                let piece = &*t.pieces.wrapping_add(k);
                let mut to = t.out.wrapping_add(piece.out);
                let (from, count) = (piece.from as usize, piece.count as usize);
                let mut at = slot(0, c).cast_const();
                for _ in 0..t.rows {
                    if count == V::LANES {
                        V::load(at).store(to);
                    } else {
                        V::put(at, from, count, to);
                    }
                    to = to.wrapping_offset(t.out_row);
                    at = at.wrapping_add(C.wrapping_mul(V::LANES));
                }
                k = k.wrapping_add(1);
            }
        }
    }
}

/// The kernels of an instruction set: the rows that tiles have, and the kernels of one to so many vectors for each.
macro_rules! machine {
    ($(#[$cfg:meta])? $([$features:literal])? $module:ident: $($r:literal: $($c:literal)+;)+) => {
        $(#[$cfg])?
        mod $module {
            use super::*;

            /// # Safety
            /// As [`Kernel`].
            $(#[target_feature(enable = $features)])?
            unsafe fn shifted<V: Lanes, const R: usize, const C: usize>(t: &Tile<V::T>) {
                // SAFETY: passed on.
                unsafe { tile::<V, R, C>(t) }
            }
            pub(super) const fn table<V: Lanes>() -> &'static [(usize, &'static [Kernel<V::T>])] {
                const { &[$(($r, const { &[$(shifted::<V, $r, $c> as Kernel<V::T>),+] })),+] }
            }
        }
    };
}
machine! { base: 1: 1 2 3 4; 2: 1 2 3 4; 4: 1 2; }
machine! {
    #[cfg(target_arch = "x86_64")]
    ["avx2,fma"]
    avx2: 1: 1 2 3 4 5 6 7 8; 2: 1 2 3 4; 3: 1 2 3; 4: 1 2 3;
}
machine! {
    #[cfg(target_arch = "x86_64")]
    ["avx512f,avx512dq,avx512bw,avx512vl,avx2,fma"]
    avx512: 1: 1 2 3 4 5 6 7 8; 2: 1 2 3 4 5 6 7 8; 3: 1 2 3 4 5 6 7; 4: 1 2 3 4 5 6; 6: 1 2 3 4; 8: 1 2 3;
}

/// Tiles of an instruction set: their rows, and kernels of one vector and more.
pub(super) type Table<T> = &'static [(usize, &'static [Kernel<T>])];

/// The tiles of an instruction set, and the numbers of its vectors.
pub(super) fn table<T: Number>(isa: Isa) -> (Table<T>, usize) {
    use crate::kernels::matmul::packed::vector::Vector;
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => (avx512::table::<T::Whole>(), T::Whole::LANES),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => (avx2::table::<T::Half>(), T::Half::LANES),
        _ => (base::table::<T::Plain>(), T::Plain::LANES),
    }
}
