//! Factorisations of `f32`: computed in `f64`, and rounded once.
//!
//! A factorisation in `f32` would lose some of its 24 bits to the accumulation of its own rounding, and gradients multiply what is lost by the
//! condition of the matrix.

use super::factor::{Factor, NoConvergence, numbers, numbers_bytes};

/// Bytes that [`numbers`] takes at most, of lists of these lengths.
fn bytes(lengths: &[usize]) -> usize {
    lengths.iter().map(|&n| numbers_bytes::<f64>(n)).sum()
}

fn widen(from: &[f32], to: &mut [f64]) {
    to.iter_mut().zip(from).for_each(|(t, &x)| *t = f64::from(x));
}

fn round(from: &[f64], to: &mut [f32]) {
    to.iter_mut().zip(from).for_each(|(t, &x)| *t = x as f32);
}

impl Factor for f32 {
    const BACK_END: &'static str = f64::BACK_END;

    fn cholesky_bytes(n: usize) -> usize {
        bytes(&[n * n]) + f64::cholesky_bytes(n)
    }
    fn cholesky(a: &mut [f32], n: usize, scratch: &mut [u8]) -> Result<(), usize> {
        let (wide, rest) = numbers(scratch, n * n);
        widen(a, wide);
        f64::cholesky(wide, n, rest)?;
        round(wide, a);
        // What rounding takes is no pivot.
        match (0..n).find(|&k| a[k * n + k] == 0.0) {
            Some(k) => Err(k + 1),
            None => Ok(()),
        }
    }

    fn lu_bytes(n: usize) -> usize {
        bytes(&[n * n]) + f64::lu_bytes(n)
    }
    fn lu(a: &mut [f32], n: usize, order: &mut [usize], scratch: &mut [u8]) {
        let (wide, rest) = numbers(scratch, n * n);
        widen(a, wide);
        f64::lu(wide, n, order, rest);
        round(wide, a);
    }

    fn qr_bytes(m: usize, n: usize, columns: usize) -> usize {
        bytes(&[m * n, m * columns]) + f64::qr_bytes(m, n, columns)
    }
    fn qr(a: &mut [f32], m: usize, n: usize, q: &mut [f32], columns: usize, scratch: &mut [u8]) {
        let (wide, rest) = numbers(scratch, m * n);
        let (basis, rest) = numbers(rest, m * columns);
        widen(a, wide);
        f64::qr(wide, m, n, basis, columns, rest);
        round(wide, a);
        round(basis, q);
    }

    fn svd_bytes(m: usize, n: usize, vectors: bool) -> usize {
        let k = m.min(n);
        bytes(&[m * n, k, if vectors { m * k } else { 0 }, if vectors { n * k } else { 0 }]) + f64::svd_bytes(m, n, vectors)
    }
    fn svd(
        a: &[f32],
        m: usize,
        n: usize,
        s: &mut [f32],
        vectors: Option<(&mut [f32], &mut [f32])>,
        scratch: &mut [u8],
    ) -> Result<(), NoConvergence> {
        let k = m.min(n);
        let (wide, rest) = numbers(scratch, m * n);
        let (values, rest) = numbers(rest, k);
        widen(a, wide);
        match vectors {
            None => f64::svd(wide, m, n, values, None, rest)?,
            Some((u, v)) => {
                let (left, rest) = numbers(rest, m * k);
                let (right, rest) = numbers(rest, n * k);
                f64::svd(wide, m, n, values, Some((&mut *left, &mut *right)), rest)?;
                round(left, u);
                round(right, v);
            }
        }
        round(values, s);
        Ok(())
    }

    fn eigh_bytes(n: usize, vectors: bool) -> usize {
        bytes(&[n * n, n, if vectors { n * n } else { 0 }]) + f64::eigh_bytes(n, vectors)
    }
    fn eigh(a: &[f32], n: usize, w: &mut [f32], v: Option<&mut [f32]>, scratch: &mut [u8]) -> Result<(), NoConvergence> {
        let (wide, rest) = numbers(scratch, n * n);
        let (values, rest) = numbers(rest, n);
        widen(a, wide);
        match v {
            None => f64::eigh(wide, n, values, None, rest)?,
            Some(v) => {
                let (vectors, rest) = numbers(rest, n * n);
                f64::eigh(wide, n, values, Some(&mut *vectors), rest)?;
                round(vectors, v);
            }
        }
        round(values, w);
        Ok(())
    }

    fn eig_bytes(n: usize) -> usize {
        bytes(&[n * n, n, n, n * n]) + f64::eig_bytes(n)
    }
    fn eig(a: &[f32], n: usize, re: &mut [f32], im: &mut [f32], v: &mut [f32], scratch: &mut [u8]) -> Result<(), NoConvergence> {
        let (wide, rest) = numbers(scratch, n * n);
        let (real, rest) = numbers(rest, n);
        let (imaginary, rest) = numbers(rest, n);
        let (vectors, rest) = numbers(rest, n * n);
        widen(a, wide);
        f64::eig(wide, n, real, imaginary, vectors, rest)?;
        round(real, re);
        round(imaginary, im);
        round(vectors, v);
        Ok(())
    }
}
