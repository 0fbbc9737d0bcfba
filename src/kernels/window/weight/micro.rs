//! Micro-kernels of gradients in the filters: a tile of filters and of elements of the window whose sums stay in registers.

#![allow(clippy::needless_range_loop, reason = "rows and vectors of a tile are counted, whatever array holds them")]

use super::super::number::{Lanes, Number};
use crate::kernels::isa::Isa;
use crate::kernels::matmul::packed::vector::Vector;

/// Places that are summed over: sheets, slabs, rows, and how far apart these are in a copy of images.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places {
    pub sheets: usize,
    pub sheet: usize,
    pub slabs: usize,
    pub slab: usize,
    pub rows: usize,
    pub row: usize,
    pub length: usize,
}

/// What [`Kernel`]s work on that have filters side by side.
pub(super) struct Strip<T> {
    pub places: Places,
    /// The cotangent at one place after the other: whole vectors of filters.
    pub g: *const T,
    /// A copy of images, and the offsets at which the elements of the window see it.
    pub x: *const T,
    pub taps: *const usize,
    /// Sums that are added to: filters side by side, elements of the window so far apart.
    pub out: *mut T,
    pub out_row: usize,
}

/// What kernels work on that have places side by side.
pub(super) struct Plane<T> {
    pub places: Places,
    /// The cotangent, and its steps to the next filter, slab and row.
    pub g: *const T,
    pub g_steps: [isize; 3],
    pub x: *const T,
    pub taps: *const usize,
    /// Sums that are added to, a line of numbers each: elements of the window follow each other, filters are so far apart.
    pub out: *mut T,
    pub out_row: usize,
}

/// # Safety
/// All that is named lies in memory; the machine has the instructions.
pub(super) type Kernel<P> = unsafe fn(p: &P);

/// R elements of the window, C vectors of filters.
#[inline(always)]
unsafe fn strip<V: Lanes, const R: usize, const C: usize>(t: &Strip<V::T>) {
    // SAFETY: by the contract.
    unsafe {
        let mut sums = [[V::zero(); C]; R];
        let mut x = [t.x; R];
        for r in 0..R {
            x[r] = t.x.wrapping_add(*t.taps.wrapping_add(r));
        }
        let (p, mut g) = (&t.places, t.g);
        for sheet in 0..p.sheets {
            for slab in 0..p.slabs {
                let mut first = sheet.wrapping_mul(p.sheet).wrapping_add(slab.wrapping_mul(p.slab));
                for _ in 0..p.rows {
                    let (mut j, end) = (first, first.wrapping_add(p.length));
                    while j != end {
                        let mut y = [V::zero(); C];
                        for c in 0..C {
                            y[c] = V::load(g.wrapping_add(c.wrapping_mul(V::LANES)));
                        }
                        for r in 0..R {
                            let x = V::spread(x[r].wrapping_add(j));
                            for c in 0..C {
                                sums[r][c] = x.times_plus(y[c], sums[r][c]);
                            }
                        }
                        g = g.wrapping_add(C.wrapping_mul(V::LANES));
                        j = j.wrapping_add(1);
                    }
                    first = first.wrapping_add(p.row);
                }
            }
        }
        let mut out = t.out;
        for r in 0..R {
            for c in 0..C {
                let to = out.wrapping_add(c.wrapping_mul(V::LANES));
                V::load(to).plus(sums[r][c]).store(to);
            }
            out = out.wrapping_add(t.out_row);
        }
    }
}

/// F filters, R elements of the window, lines of H vectors of places.
#[inline(always)]
unsafe fn plane<V: Lanes, const F: usize, const R: usize, const H: usize>(t: &Plane<V::T>) {
    // SAFETY: by the contract.
    unsafe {
        let mut sums = [[[V::zero(); H]; R]; F];
        let mut x = [t.x; R];
        for r in 0..R {
            x[r] = t.x.wrapping_add(*t.taps.wrapping_add(r));
        }
        let (p, line) = (&t.places, H.wrapping_mul(V::LANES));
        for slab in 0..p.slabs {
            let mut first = slab.wrapping_mul(p.slab);
            let mut g = t.g.wrapping_offset((slab as isize).wrapping_mul(t.g_steps[1]));
            for _ in 0..p.rows {
                let mut j = 0usize;
                while j < p.length {
                    let left = p.length.wrapping_sub(j);
                    for h in 0..H {
                        let skip = h.wrapping_mul(V::LANES);
                        let (at, mut a, mut b) = (j.wrapping_add(skip), [V::zero(); F], [V::zero(); R]);
                        if left >= line {
                            for f in 0..F {
                                a[f] = V::load(g.wrapping_offset((f as isize).wrapping_mul(t.g_steps[0])).wrapping_add(at));
                            }
                            for r in 0..R {
                                b[r] = V::load(x[r].wrapping_add(first).wrapping_add(at));
                            }
                        } else {
                            // Beside the row stands anything: an infinity times zero would be none.
                            let some = left.saturating_sub(skip);
                            let some = if some < V::LANES { some } else { V::LANES };
                            for f in 0..F {
                                a[f] = V::load_part(g.wrapping_offset((f as isize).wrapping_mul(t.g_steps[0])).wrapping_add(at), some);
                            }
                            for r in 0..R {
                                b[r] = V::load_part(x[r].wrapping_add(first).wrapping_add(at), some);
                            }
                        }
                        for f in 0..F {
                            for r in 0..R {
                                sums[f][r][h] = a[f].times_plus(b[r], sums[f][r][h]);
                            }
                        }
                    }
                    j = j.wrapping_add(line);
                }
                first = first.wrapping_add(p.row);
                g = g.wrapping_offset(t.g_steps[2]);
            }
        }
        for f in 0..F {
            for r in 0..R {
                for h in 0..H {
                    let skip = f.wrapping_mul(t.out_row).wrapping_add(r.wrapping_mul(line)).wrapping_add(h.wrapping_mul(V::LANES));
                    let to = t.out.wrapping_add(skip);
                    V::load(to).plus(sums[f][r][h]).store(to);
                }
            }
        }
    }
}

/// Numbers of a line: places that are summed side by side, whatever the instruction set.
pub(super) const fn line<T>() -> usize {
    64 / size_of::<T>()
}

/// Kernels of an instruction set by vectors of filters, or by filters: for each the kernels of one element of the window and more.
pub(super) type Table<P> = &'static [(usize, &'static [Kernel<P>])];

macro_rules! machine {
    ($(#[$cfg:meta])? $([$features:literal])? $module:ident $lines:literal: $($c:literal: $($r:literal)+;)+ , $($f:literal: $($t:literal)+;)+) => {
        $(#[$cfg])?
        mod $module {
            use super::*;

            /// # Safety
            /// As [`Kernel`].
            $(#[target_feature(enable = $features)])?
            unsafe fn strip<V: Lanes, const R: usize, const C: usize>(t: &Strip<V::T>) {
                // SAFETY: passed on.
                unsafe { super::strip::<V, R, C>(t) }
            }
            /// # Safety
            /// As [`Kernel`].
            $(#[target_feature(enable = $features)])?
            unsafe fn plane<V: Lanes, const F: usize, const R: usize>(t: &Plane<V::T>) {
                // SAFETY: passed on.
                unsafe { super::plane::<V, F, R, $lines>(t) }
            }
            pub(super) const fn strips<V: Lanes>() -> Table<Strip<V::T>> {
                const { &[$(($c, const { &[$(strip::<V, $r, $c> as Kernel<Strip<V::T>>),+] })),+] }
            }
            pub(super) const fn planes<V: Lanes>() -> Table<Plane<V::T>> {
                const { &[$(($f, const { &[$(plane::<V, $f, $t> as Kernel<Plane<V::T>>),+] })),+] }
            }
        }
    };
}
machine! { base 4: 1: 1 2 3 4; 2: 1 2 3 4; , 1: 1 2; }
machine! {
    #[cfg(target_arch = "x86_64")]
    ["avx2,fma"]
    avx2 2: 1: 1 2 3 4 5 6 7 8; 2: 1 2 3 4 5 6; , 1: 1 2 3 4 5; 2: 1 2 3;
}
machine! {
    #[cfg(target_arch = "x86_64")]
    ["avx512f,avx512dq,avx512bw,avx512vl,avx2,fma"]
    avx512 1: 1: 1 2 3 4 5 6 7 8; 2: 1 2 3 4 5 6 7 8; 3: 1 2 3 4 5 6 7 8; 4: 1 2 3 4 5 6; ,
    1: 1 2 3 4 5 6 7 8 9 10; 2: 1 2 3 4 5 6 7 8; 4: 1 2 3 4 5;
}

/// The kernels of an instruction set: filters side by side, places side by side; and the numbers of its vectors.
pub(super) fn tables<T: Number>(isa: Isa) -> (Table<Strip<T>>, Table<Plane<T>>, usize) {
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => (avx512::strips::<T::Whole>(), avx512::planes::<T::Whole>(), T::Whole::LANES),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => (avx2::strips::<T::Half>(), avx2::planes::<T::Half>(), T::Half::LANES),
        _ => (base::strips::<T::Plain>(), base::planes::<T::Plain>(), T::Plain::LANES),
    }
}
