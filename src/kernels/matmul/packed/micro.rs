//! Micro-kernels: a tile of the result whose sums stay in registers.

#![allow(clippy::needless_range_loop, reason = "rows and vectors of a tile are counted, whatever array holds them")]

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256, __m256d, __m512, __m512d};
use std::marker::PhantomData;

use super::Scalar;
use super::vector::{Plain, Vector};
use crate::kernels::tile::{LINE, fetch};

/// What a micro-kernel works on: `depth` products for each element of its rows and vectors.
pub(in super::super) struct Tile<T> {
    pub depth: usize,
    pub a: *const T,
    /// Steps of `a` from row to row, and along the depth.
    pub a_row: isize,
    pub a_depth: isize,
    /// Whole vectors in a row.
    pub b: *const T,
    pub b_depth: isize,
    pub out: *mut T,
    pub out_row: isize,
    /// Columns of the last vector that are stored.
    pub last: usize,
    /// The sums are added to what is there.
    pub add: bool,
}

/// A micro-kernel: each element sums its products in order of the depth, from 0 on.
///
/// # Safety
/// `a` has `depth` numbers for each row, `b` whole vectors for each place of the depth, `out` the rows and columns that are
/// stored. The machine has the instructions.
pub(in super::super) type Kernel<T> = unsafe fn(t: &Tile<T>);

/// Places of the depth from which on it is worth to ask for the result before it is needed.
const FAR: usize = 64;

/// One body for all: R rows of C vectors.
#[inline(always)]
unsafe fn tile<V: Vector, const R: usize, const C: usize>(t: &Tile<V::T>) {
    // SAFETY: by the contract.
    unsafe {
        let mut sums = [[V::zero(); C]; R];
        let (two, three) = (t.a_row.wrapping_mul(2), t.a_row.wrapping_mul(3));
        let mut a = [t.a; 4];
        for g in 1..R.div_ceil(4) {
            a[g] = a[g.wrapping_sub(1)].wrapping_offset(t.a_row.wrapping_mul(4));
        }
        if t.depth >= FAR {
            let mut out = t.out;
            for _ in 0..R {
                for c in 0..C.wrapping_mul(size_of::<V>()).div_ceil(LINE) {
                    fetch(out.wrapping_byte_add(c.wrapping_mul(LINE)));
                }
                out = out.wrapping_offset(t.out_row);
            }
        }
        let (mut b, mut left) = (t.b, t.depth);
        while left != 0 {
            let mut y = [V::zero(); C];
            for c in 0..C {
                y[c] = V::load(b.wrapping_add(c.wrapping_mul(V::LANES)));
            }
            for r in 0..R {
                let x = V::spread(a[r / 4].wrapping_offset([0, t.a_row, two, three][r % 4]));
                for c in 0..C {
                    sums[r][c] = x.times_plus(y[c], sums[r][c]);
                }
            }
            for g in 0..R.div_ceil(4) {
                a[g] = a[g].wrapping_offset(t.a_depth);
            }
            b = b.wrapping_offset(t.b_depth);
            left = left.wrapping_sub(1);
        }
        let mut out = t.out;
        for r in 0..R {
            for c in 0..C {
                let (to, mut sum) = (out.wrapping_add(c.wrapping_mul(V::LANES)), sums[r][c]);
                if c.wrapping_add(1) < C || t.last == V::LANES {
                    if t.add {
                        sum = V::load(to).plus(sum);
                    }
                    sum.store(to);
                } else {
                    if t.add {
                        sum = V::load_part(to, t.last).plus(sum);
                    }
                    sum.store_part(to, t.last);
                }
            }
            out = out.wrapping_offset(t.out_row);
        }
    }
}

/// The tiles of an instruction set.
#[derive(Clone, Copy)]
pub(in super::super) struct Tiles {
    /// Rows of the tallest one.
    pub rows: usize,
    /// Those of up to so many rows have up to four vectors in a row, others up to two.
    pub low: usize,
    /// Numbers of a vector.
    pub lanes: usize,
}

/// The kernels of an instruction set for one float.
pub(in super::super) trait Machine {
    type V: Vector<T = Self::T>;
    type T: Scalar;
    const TILES: Tiles;
    /// The kernel of a tile, with no more rows and vectors than those.
    fn kernel(rows: usize, vectors: usize) -> Kernel<Self::T>;
}

macro_rules! machine {
    ($(#[$cfg:meta])? $([$features:literal])? $name:ident $function:ident $rows:literal $low:literal, $($r:literal)+, $($l:literal)+) => {
        /// # Safety
        /// As [`Kernel`].
        $(#[$cfg])?
        $(#[target_feature(enable = $features)])?
        unsafe fn $function<V: Vector, const R: usize, const C: usize>(t: &Tile<V::T>) {
            // SAFETY: passed on.
            unsafe { tile::<V, R, C>(t) }
        }

        $(#[$cfg])?
        pub(in super::super) struct $name<V>(PhantomData<V>);

        $(#[$cfg])?
        impl<V: Vector> $name<V> {
            const NARROW: [[Kernel<V::T>; 2]; $rows] = [$([$function::<V, $r, 1>, $function::<V, $r, 2>]),+];
            const WIDE: [[Kernel<V::T>; 2]; $low] = [$([$function::<V, $l, 3>, $function::<V, $l, 4>]),+];
        }

        $(#[$cfg])?
        impl<V: Vector> Machine for $name<V> {
            type V = V;
            type T = V::T;
            const TILES: Tiles = Tiles { rows: $rows, low: $low, lanes: V::LANES };

            fn kernel(rows: usize, vectors: usize) -> Kernel<V::T> {
                let rows = rows.wrapping_sub(1);
                if vectors > 2 { Self::WIDE[rows][vectors.wrapping_sub(3)] } else { Self::NARROW[rows][vectors.wrapping_sub(1)] }
            }
        }
    };
}
machine! { Base base 4 1, 1 2 3 4, 1 }
machine! {
    #[cfg(target_arch = "x86_64")]
    ["avx2,fma"]
    Avx2 avx2 6 2, 1 2 3 4 5 6, 1 2
}
machine! {
    #[cfg(target_arch = "x86_64")]
    ["avx512f,avx512dq,avx512bw,avx512vl,avx2,fma"]
    Avx512 avx512 14 6, 1 2 3 4 5 6 7 8 9 10 11 12 13 14, 1 2 3 4 5 6
}

/// The kernels of a float, by instruction set.
pub(in super::super) trait Kernels: Copy + 'static {
    type Base: Machine<T = Self>;
    #[cfg(target_arch = "x86_64")]
    type Avx2: Machine<T = Self>;
    #[cfg(target_arch = "x86_64")]
    type Avx512: Machine<T = Self>;
}
impl Kernels for f32 {
    type Base = Base<Plain<f32, 4>>;
    #[cfg(target_arch = "x86_64")]
    type Avx2 = Avx2<__m256>;
    #[cfg(target_arch = "x86_64")]
    type Avx512 = Avx512<__m512>;
}
impl Kernels for f64 {
    type Base = Base<Plain<f64, 2>>;
    #[cfg(target_arch = "x86_64")]
    type Avx2 = Avx2<__m256d>;
    #[cfg(target_arch = "x86_64")]
    type Avx512 = Avx512<__m512d>;
}
