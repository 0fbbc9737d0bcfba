//! Plane rotations, collected and then applied to the columns of a basis.
//!
//! A basis is stored in panels of some chunks of rows, one column of a panel after the other, so that a panel stays in the fastest cache while many
//! sweeps of rotations run over it (Van Zee, van de Geijn, Quintana-Ortí: Restructuring the tridiagonal and bidiagonal QR algorithms for
//! performance, 2014). The column that two rotations share stays in registers.

use super::chunks::{Chunk, ZERO, chunks};
use crate::kernels::isa::Isa;

/// Rotations that wait to be applied, sweep by sweep.
pub struct Rotations<'a> {
    /// For each sweep where it begins and how far it goes (down if negative), then its cosines, then its sines.
    list: &'a mut [f64],
    used: usize,
    isa: Isa,
}

/// The cosines and sines of the rotations of a sweep.
pub struct Sweep<'a> {
    /// Cosines.
    pub c: &'a mut [f64],
    /// Sines.
    pub s: &'a mut [f64],
}

/// Numbers of room for rotations of matrices with `n` columns.
pub const fn room(n: usize) -> usize {
    2 * (n + 1) * if n < 32 { 8 } else { 12 }
}

impl Sweep<'_> {
    /// No place.
    #[inline(always)]
    pub fn none() -> Self {
        Sweep { c: &mut [], s: &mut [] }
    }
}

impl<'a> Rotations<'a> {
    /// None yet. The machine has the instructions of `isa`.
    #[inline(always)]
    pub fn new(isa: Isa, room: &'a mut [f64]) -> Self {
        Rotations { list: room, used: 0, isa }
    }

    /// Whether two sweeps of `steps` rotations have no place.
    #[inline(always)]
    pub fn full(&self, steps: usize) -> bool {
        self.used + 4 * steps + 4 > self.list.len()
    }

    /// Place for the rotations of a sweep that begins at column `start`. There has to be room.
    #[inline(always)]
    pub fn sweep<const UP: bool>(&mut self, start: usize, steps: usize) -> Sweep<'_> {
        let list = &mut self.list[self.used..][..2 * steps + 2];
        self.used += 2 * steps + 2;
        place::<UP>(list, start, steps)
    }

    /// Places for the rotations of two sweeps that begin at column `start`, one after the other. There has to be room.
    #[inline(always)]
    pub fn two_sweeps<const UP: bool>(&mut self, start: usize, steps: usize) -> [Sweep<'_>; 2] {
        let size = 2 * steps + 2;
        let list = &mut self.list[self.used..][..2 * size];
        self.used += 2 * size;
        let (first, second) = list.split_at_mut(size);
        [place::<UP>(first, start, steps), place::<UP>(second, start, steps)]
    }

    /// Applies them to a basis with `rows` rows and `n` columns.
    #[inline(always)]
    pub fn apply<const R: usize>(&self, basis: &mut [Chunk], rows: usize, n: usize) {
        let list = &self.list[..self.used];
        let mut left = chunks(rows);
        let mut at = 0;
        while left > 0 {
            let width = left.min(R);
            let panel = &mut basis[at..][..width * n];
            match self.isa {
                // SAFETY: the machine has the instructions.
                #[cfg(target_arch = "x86_64")]
                Isa::Avx512 => unsafe { wide::panel_avx512(panel, width, list) },
                // SAFETY: the machine has the instructions.
                #[cfg(target_arch = "x86_64")]
                Isa::Avx2 => unsafe { wide::panel_avx2(panel, width, list) },
                _ => plain(panel, width, list),
            }
            at += width * n;
            left -= width;
        }
    }

    /// Forgets them.
    #[inline(always)]
    pub fn clear(&mut self) {
        self.used = 0;
    }
}

/// Describes a sweep at the begin of its place.
#[inline(always)]
fn place<const UP: bool>(list: &mut [f64], start: usize, steps: usize) -> Sweep<'_> {
    let (first, list) = list.split_at_mut(2);
    first.copy_from_slice(&[start as f64, if UP { steps as f64 } else { -(steps as f64) }]);
    let (c, s) = list.split_at_mut(steps);
    Sweep { c, s }
}

/// A sweep of a list of rotations.
struct Turn<'a> {
    /// The column that is rotated with its neighbour first.
    start: usize,
    /// Whether the neighbours come after it.
    up: bool,
    c: &'a [f64],
    s: &'a [f64],
}

/// Takes the first sweep from a list, if all its columns are among the first `n`.
#[inline(always)]
fn take<'a>(list: &mut &'a [f64], n: usize) -> Option<Turn<'a>> {
    let [start, steps, rest @ ..] = *list else { return None };
    let (start, count) = (*start as usize, steps.abs() as usize);
    let up = *steps > 0.0;
    let inside = start < n && if up { count < n - start } else { count <= start };
    if !inside || rest.len() < 2 * count {
        return None;
    }
    let (sweep, rest) = rest.split_at(2 * count);
    let (c, s) = sweep.split_at(count);
    *list = rest;
    Some(Turn { start, up, c, s })
}

/// Applies rotations to a panel whose columns have `width` chunks.
#[inline(always)]
fn plain(panel: &mut [Chunk], width: usize, mut list: &[f64]) {
    let n = panel.len() / width;
    while let Some(Turn { start, up, c, s }) = take(&mut list, n) {
        let mut at = start;
        for (&c, &s) in c.iter().zip(s) {
            let next = if up { at + 1 } else { at - 1 };
            for r in 0..width {
                let (x, y) = (panel[at * width + r], panel[next * width + r]);
                for l in 0..8 {
                    panel[at * width + r][l] = c * x[l] + s * y[l];
                }
                for l in 0..8 {
                    panel[next * width + r][l] = c * y[l] - s * x[l];
                }
            }
            at = next;
        }
    }
}

/// With vector types: what is carried from rotation to rotation in arrays, LLVM puts into vectors of mixed parts.
#[cfg(target_arch = "x86_64")]
mod wide {
    use super::{Chunk, Turn, take};
    use std::arch::x86_64::*;

    macro_rules! panel {
        ($name:ident, $sweeps:ident, $features:literal, $lanes:literal, $load:ident, $store:ident, $all:ident, $mul:ident, $add:ident, $sub:ident) => {
            /// Applies rotations to a panel whose columns have `width` chunks, up to 4.
            #[target_feature(enable = $features)]
            pub fn $name(panel: &mut [Chunk], width: usize, list: &[f64]) {
                const VECTORS: usize = 8 / $lanes;
                match width * VECTORS {
                    1 => $sweeps::<1>(panel.as_flattened_mut(), list),
                    2 => $sweeps::<2>(panel.as_flattened_mut(), list),
                    3 => $sweeps::<3>(panel.as_flattened_mut(), list),
                    4 => $sweeps::<4>(panel.as_flattened_mut(), list),
                    _ => {}
                }
            }

            /// Applies rotations to a panel whose columns have `W` vectors.
            #[target_feature(enable = $features)]
            fn $sweeps<const W: usize>(panel: &mut [f64], mut list: &[f64]) {
                let n = panel.len() / (W * $lanes);
                while let Some(Turn { start, up, c, s }) = take(&mut list, n) {
                    let step = if up { (W * $lanes) as isize } else { -((W * $lanes) as isize) };
                    // SAFETY: `take` gives sweeps whose columns are all in the panel.
                    unsafe {
                        let mut at = panel.as_mut_ptr().add(start * W * $lanes);
                        let mut carried: [_; W] = [$all(0.0); W];
                        for r in 0..W {
                            carried[r] = $load(at.add(r * $lanes));
                        }
                        for (&c, &s) in c.iter().zip(s) {
                            let (c, s) = ($all(c), $all(s));
                            let next = at.offset(step);
                            for r in 0..W {
                                let y = $load(next.add(r * $lanes));
                                $store(at.add(r * $lanes), $add(c, carried[r], $mul(s, y)));
                                carried[r] = $sub(s, carried[r], $mul(c, y));
                            }
                            at = next;
                        }
                        for r in 0..W {
                            $store(at.add(r * $lanes), carried[r]);
                        }
                    }
                }
            }
        };
    }

    panel! { panel_avx512, sweeps_avx512, "avx512f,avx2,fma", 8, _mm512_loadu_pd, _mm512_storeu_pd, _mm512_set1_pd, _mm512_mul_pd, _mm512_fmadd_pd, _mm512_fnmadd_pd }
    panel! { panel_avx2, sweeps_avx2, "avx2,fma", 4, _mm256_loadu_pd, _mm256_storeu_pd, _mm256_set1_pd, _mm256_mul_pd, _mm256_fmadd_pd, _mm256_fnmadd_pd }
}

/// Stores a basis of `n` columns in panels, given its transpose: `rows` columns of [`chunks`]`(n)` chunks.
#[inline(always)]
pub fn panels<const R: usize>(transpose: &[Chunk], rows: usize, n: usize, basis: &mut [Chunk]) {
    let stride = chunks(n);
    let all = chunks(rows);
    let mut first = 0;
    while first < all {
        let width = (all - first).min(R);
        let panel = &mut basis[first * n..][..width * n];
        for r in 0..width {
            let row = 8 * (first + r);
            for j in 0..stride {
                let mut tile = [ZERO; 8];
                for i in 0..(rows - row).min(8) {
                    tile[i] = transpose[(row + i) * stride + j];
                }
                for i in 0..(n - 8 * j).min(8) {
                    let to = &mut panel[(8 * j + i) * width + r];
                    for l in 0..8 {
                        to[l] = tile[l][i];
                    }
                }
            }
        }
        first += width;
    }
}

/// Copies column `j`, times `sign`, out of panels.
#[inline(always)]
pub fn column<const R: usize>(basis: &[Chunk], [rows, n]: [usize; 2], j: usize, sign: f64, to: &mut [f64]) {
    let all = chunks(rows);
    let mut first = 0;
    while first < all {
        let width = (all - first).min(R);
        let from = basis[first * n + j * width..][..width].as_flattened();
        for (to, from) in to[8 * first..].iter_mut().zip(from) {
            *to = sign * from;
        }
        first += width;
    }
}
