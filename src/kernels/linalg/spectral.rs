//! Functions of symmetric matrices by their eigenvalues, and their derivatives of every order by divided differences.
//!
//! The k-th derivative of `f` at `v diag(w) v^T` in the directions `h_1 .. h_k` has, between the vectors `i` and `j`, the sum over all orders
//! of the directions and all `a, b, ..` of `f[w_i, w_a, w_b, .., w_j] (h_1)_ia (h_2)_ab ..` (Ju. L. Daleckii, S. G. Krein 1965): at
//! repeated eigenvalues as elsewhere.

use super::super::ranges::Ranges;
use super::dense::{Operand, Room, product, turn};
use super::differences::Differences;
use super::factor::Real;
use super::functions::Function;
use super::schur::{load, store};
use super::{Batch, Matrices, Shared, reals};
use crate::array::{View, ViewMut};
use crate::error::Result;

/// The numbers that a matrix of length `n` with `k` directions needs.
fn room(n: usize, k: usize) -> usize {
    (3 + k) * n * n + n
}

/// Bytes of scratch of [`spectral`] for a batch of `count` matrices.
pub fn spectral_bytes(count: usize, n: usize, k: usize) -> usize {
    Batch::scratch_bytes(count, Room::bytes(0, room(n, k)))
}

/// The derivative of `f` at `v diag(w) v^T` over a batch, in as many directions as there are `hs`: the function itself, if there are none.
/// `w` is (..., n), all others (..., n, n) with the lengths of `dst`, which is C-contiguous.
pub fn spectral(
    ranges: &Ranges<'_>,
    f: Function,
    [w, v]: [View<'_>; 2],
    hs: &[View<'_>],
    scratch: &mut [u8],
    dst: &mut ViewMut<'_>,
) -> Result<()> {
    let Some(vectors) = Matrices::new(v) else { return Ok(()) };
    let (n, k) = (vectors.n, hs.len());
    let directions: Vec<Matrices<'_>> = hs.iter().filter_map(|h| Matrices::new(*h)).collect();
    let steps: crate::shape::Strides = w.strides().to_vec().into();
    let work = (n * n * n * (k + 2)).max(40usize.saturating_mul(n.saturating_pow(k as u32 + 1))) + n;
    let batch = Batch { dims: vectors.batch, work, bytes: Room::bytes(0, room(n, k)) };
    reals!(v.dtype(), T => {
        let dst = Shared(dst.ptr().cast::<T>());
        let values = Shared(w.ptr().cast_mut().cast::<T>());
        batch.each(ranges, f.name(), scratch, &|i, scratch| {
            // SAFETY: the scratch has the bytes of the room, and matrix `i` has n x n elements of its own.
            let (mut room, own) = unsafe { (Room::new(scratch, 0, room(n, k)), dst.part(i * n * n, n * n)) };
            let (u, y, spare, w) = (room.take(n * n), room.take(n * n), room.take(n * n), room.take(n));
            let h = room.take(k * n * n);
            // SAFETY: there are such matrices, and values in a row of the same number.
            unsafe {
                load(&vectors, i, own, u);
                for (j, direction) in directions.iter().enumerate() {
                    load(direction, i, own, &mut h[j * n * n..(j + 1) * n * n]);
                }
                let mut at = 0;
                let mut number = i;
                for (&d, &s) in vectors.batch.iter().zip(&steps).rev() {
                    at += (number % d.max(1)) as isize * s;
                    number /= d.max(1);
                }
                let step = steps.last().copied().unwrap_or(0);
                let values = values.at(0).cast_const();
                w.iter_mut().enumerate().for_each(|(j, w)| *w = (*values.offset(at + j as isize * step)).wide());
            }
            let f = Differences::new(f, w)?;
            h.chunks_exact_mut((n * n).max(1)).for_each(|h| turn(n, u, h, spare, false));
            derivative(n, k, &f, w, h, y);
            if !y.iter().all(|y| y.is_finite()) {
                return Err(f.fault(k, w));
            }
            product([n; 3], Operand(u, false), Operand(y, false), spare, false);
            product([n; 3], Operand(spare, false), Operand(u, true), y, false);
            store(y, own);
            Ok(())
        })
    })
}

/// The derivative in the basis of the vectors.
fn derivative(n: usize, k: usize, f: &Differences, w: &[f64], h: &[f64], y: &mut [f64]) {
    y.fill(0.0);
    match k {
        0 => (0..n).for_each(|i| y[i * n + i] = f.of(&[w[i]])),
        1 => {
            for i in 0..n {
                for j in i..n {
                    let d = f.of(&[w[i], w[j]]);
                    (y[i * n + j], y[j * n + i]) = (d * h[i * n + j], d * h[j * n + i]);
                }
            }
        }
        _ => {
            let mut path = vec![0; k + 1];
            let mut x = vec![0.0; k + 1];
            loop {
                path.iter().zip(&mut x).for_each(|(&i, x)| *x = w[i]);
                let sum = orders(n, k, h, &path, 0);
                if sum != 0.0 {
                    y[path[0] * n + path[k]] += f.of(&x) * sum;
                }
                // The next path.
                let Some(at) = (0..=k).rev().find(|&at| path[at] + 1 < n) else { break };
                path[at] += 1;
                path[at + 1..].fill(0);
            }
        }
    }
}

/// The sum over all orders of the directions that are not in `used` of the products of their entries along the path.
fn orders(n: usize, k: usize, h: &[f64], path: &[usize], used: u32) -> f64 {
    let [i, j, ..] = *path else { return 1.0 };
    let free = (0..k).filter(|p| used & (1 << p) == 0);
    let product = |p: usize| match h[p * n * n + i * n + j] {
        0.0 => 0.0,
        x => x * orders(n, k, h, &path[1..], used | 1 << p),
    };
    free.map(product).sum()
}
