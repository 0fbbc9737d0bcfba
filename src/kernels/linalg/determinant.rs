//! Cofactors of matrices, and their derivatives, at every rank.

use super::super::ranges::Ranges;
use super::factor::{Factor, Real};
use super::lu::{Factored, Factors};
use super::small::{self, Small, Source, Target};
use super::svd::{self, One};
use super::{Batch, Fault, Matrices, Shared, carved, carved_bytes, reals};
use crate::array::{View, ViewMut};
use crate::dtype::DType;
use crate::error::Result;

/// Bytes for one matrix.
fn bytes<T: Factor>(n: usize) -> usize {
    let own = 5 * carved_bytes::<T>(n * n) + 2 * carved_bytes::<T>(n) + carved_bytes::<usize>(n);
    own + svd::own_bytes::<T>(n, n).max(T::lu_bytes(n))
}

/// Bytes of scratch of [`cofactors`] and [`cofactors_along`] for a batch of `count` matrices.
pub fn cofactors_bytes(count: usize, n: usize, dtype: DType) -> usize {
    Batch::scratch_bytes(count, reals!(dtype, T => bytes::<T>(n)))
}

/// Pivots whose ratio is less are no measure of the matrix: then singular values are.
const COFACTORS: f64 = 1e-9;
/// The same for derivatives, in which what pivots leave is squared.
const ALONG: f64 = 1e-3;

/// The matrices of cofactors, from the matrices and their factors. `dst` is C-contiguous.
pub fn cofactors(ranges: &Ranges<'_>, op: &str, f: &Factors<'_>, a: View<'_>, scratch: &mut [u8], dst: &mut ViewMut<'_>) -> Result<()> {
    computed(ranges, op, f, [Some(a), None], scratch, dst)
}

/// The derivatives of the matrices of cofactors of `a` along `h`. All operands have the lengths of the batch; `dst` is C-contiguous.
pub fn cofactors_along(
    ranges: &Ranges<'_>,
    op: &str,
    f: &Factors<'_>,
    [a, h]: [View<'_>; 2],
    scratch: &mut [u8],
    dst: &mut ViewMut<'_>,
) -> Result<()> {
    computed(ranges, op, f, [Some(a), Some(h)], scratch, dst)
}

fn computed(
    ranges: &Ranges<'_>,
    op: &str,
    f: &Factors<'_>,
    [a, h]: [Option<View<'_>>; 2],
    scratch: &mut [u8],
    dst: &mut ViewMut<'_>,
) -> Result<()> {
    let Some(a) = a.and_then(Matrices::new) else { return Ok(()) };
    let (n, h) = (a.n, h.and_then(Matrices::new));
    reals!(dst.dtype(), T => {
        let work = n * n * n * if h.is_some() { 2 } else { 1 } + n * n;
        let batch = Batch { dims: a.batch, work, bytes: bytes::<T>(n) };
        let to = Shared(dst.ptr().cast::<T>());
        let one = |i: usize, scratch: &mut [u8]| {
            // SAFETY: matrix `i` has n x n elements of its own, and zeros are numbers.
            let y = unsafe {
                std::ptr::write_bytes(to.at(i * n * n), 0, n * n);
                to.part(i * n * n, n * n)
            };
            of_one(&f.matrix::<T>(i), &a, h.as_ref(), i, scratch, y)
        };
        if n > small::SIDE || h.is_some() {
            return batch.each(ranges, op, scratch, &one);
        }
        batch.groups(ranges, op, scratch, T::GROUP, &|range, scratch| {
            let (mut determinants, mut bad) = ([T::ZERO; small::WIDEST], 0);
            for (lane, i) in range.clone().enumerate() {
                let (det, ratio) = f.matrix::<T>(i).measure();
                determinants[lane] = det;
                bad |= u32::from(!fits(det, ratio, COFACTORS)) << lane;
            }
            // SAFETY: each matrix has n x n elements of its own.
            let to = unsafe { Target::new(to, n * n, &range) };
            bad |= T::together(range.len(), small::lu::Cofactors { factors: f.group(&range), determinants, to });
            small::alone(range, bad, |i| one(i, scratch))
        })
    })
}

/// The cofactors of matrix `i`, or their derivative along that of `h`, from its factors. `y` has zeros.
fn of_one<T: Small>(
    f: &Factored<T>,
    a: &Matrices<'_>,
    h: Option<&Matrices<'_>>,
    i: usize,
    scratch: &mut [u8],
    y: &mut [T],
) -> Result<(), Fault> {
    let n = f.n;
    // SAFETY: the scratch holds what is carved off it.
    let (squares, rest) = unsafe {
        let (squares, rest) = carved::<T>(scratch, 5 * n * n);
        a.load(i, squares.as_mut_ptr(), true);
        if let Some(h) = h {
            h.load(i, squares[n * n..].as_mut_ptr(), true);
        }
        (squares, rest)
    };
    let (own, squares) = squares.split_at_mut(n * n);
    let (direction, squares) = squares.split_at_mut(n * n);
    if !own.iter().all(|x| x.is_finite()) {
        y.fill(T::of(f64::NAN));
        return Ok(());
    }
    let least = if h.is_some() { ALONG } else { COFACTORS };
    let direction = h.is_some().then_some(&*direction);
    if f.cofactors(least, direction, squares, y) { Ok(()) } else { singular(own, n, direction, squares, rest, y) }
}

/// The determinants of a batch of small matrices, and their matrices of cofactors if `cofactors` has elements. Both are C-contiguous.
pub fn determinants(ranges: &Ranges<'_>, op: &str, a: View<'_>, scratch: &mut [u8], [det, cofactors]: [&mut ViewMut<'_>; 2]) -> Result<()> {
    let Some(a) = Matrices::new(a) else { return Ok(()) };
    let (n, wanted) = (a.n, cofactors.count() > 0);
    reals!(det.dtype(), T => {
        let batch = Batch { dims: a.batch, work: n * n * n / 4 + n * n, bytes: bytes::<T>(n) };
        let (det, to) = (Shared(det.ptr().cast::<T>()), Shared(cofactors.ptr().cast::<T>()));
        batch.groups(ranges, op, scratch, T::GROUP, &|range, scratch| {
            // SAFETY: each matrix has a determinant and n x n cofactors of its own.
            let job = unsafe {
                small::lu::Determinants {
                    a: Source::new(&a, &range),
                    to: Target::new(det, 1, &range),
                    cofactors: wanted.then(|| Target::new(to, n * n, &range)),
                    least: COFACTORS,
                }
            };
            let others = T::together(range.len(), job);
            small::alone(range, others, |i| {
                let (mut factors, mut pivots) = ([<T as Real>::ZERO; small::SIDE * small::SIDE], [0; small::SIDE]);
                // SAFETY: room for n x n factors and n pivots, which are computed first; matrix `i` has results of its own.
                unsafe {
                    let (own, alone) = (i..i + 1, 0..1);
                    let factors_to = Target::new(Shared(factors.as_mut_ptr()), n * n, &alone);
                    let pivots_to = Target::new(Shared(pivots.as_mut_ptr()), n, &alone);
                    T::together(1, small::lu::Lu { a: Source::new(&a, &own), factors: factors_to, pivots: pivots_to });
                    let f = Factored { n, a: factors.as_ptr(), steps: [n as isize, 1], pivots: pivots.as_ptr(), step: 1 };
                    *det.at(i) = f.measure().0;
                    if !wanted {
                        return Ok(());
                    }
                    std::ptr::write_bytes(to.at(i * n * n), 0, n * n);
                    of_one(&f, &a, None, i, scratch, to.part(i * n * n, n * n))
                }
            })
        })
    })
}

/// Whether the inverse gives cofactors, by the determinant and the ratio of pivots.
fn fits<T: Real>(det: T, ratio: f64, least: f64) -> bool {
    ratio > least && det.is_finite() && det != T::ZERO
}

/// `y += a b` of square matrices, row by row.
fn add_product<T: Real>(a: impl Fn(usize, usize) -> T, b: &[T], n: usize, y: &mut [T]) {
    for i in 0..n {
        for k in 0..n {
            let x = a(i, k);
            y[i * n..(i + 1) * n].iter_mut().zip(&b[k * n..(k + 1) * n]).for_each(|(y, &b)| *y += x * b);
        }
    }
}

impl<T: Small> Factored<T> {
    /// By the inverse; false if the pivots are too far apart.
    fn cofactors(&self, least: f64, along: Option<&[T]>, squares: &mut [T], y: &mut [T]) -> bool {
        let (det, ratio) = self.measure();
        if !fits(det, ratio, least) {
            return false;
        }
        let n = self.n;
        let (inverse, squares) = squares.split_at_mut(n * n);
        self.invert(inverse);
        match along {
            // Zeros lose their sign, as in groups.
            None => (0..n * n).for_each(|at| y[at] = det * inverse[at % n * n + at / n] + <T as Real>::ZERO),
            Some(h) => {
                let (inner, product) = squares.split_at_mut(n * n);
                inner.fill(<T as Real>::ZERO);
                add_product(|i, k| h[i * n + k], inverse, n, inner);
                let trace = (0..n).fold(T::ZERO, |sum, i| sum + inner[i * n + i]);
                product[..n * n].fill(T::ZERO);
                add_product(|i, k| inverse[i * n + k], inner, n, product);
                for r in 0..n {
                    for c in 0..n {
                        y[r * n + c] = det * (trace * inverse[c * n + r] - product[c * n + r]);
                    }
                }
            }
        }
        true
    }
}

/// By singular values.
fn singular<T: Small>(a: &mut [T], n: usize, along: Option<&[T]>, squares: &mut [T], rest: &mut [u8], y: &mut [T]) -> Result<(), Fault> {
    let (u, squares) = squares.split_at_mut(n * n);
    let (v, work) = squares.split_at_mut(n * n);
    let work = &mut work[..n * n];
    // SAFETY: the scratch holds what is carved off it.
    let (s, p, order, rest) = unsafe {
        let (s, rest) = carved::<T>(rest, n);
        let (p, rest) = carved::<T>(rest, n);
        let (order, rest) = carved::<usize>(rest, n);
        (s, p, order, rest)
    };
    if !few(a, n, work, s, u, v) {
        // Column by column it is the transpose, whose vectors are exchanged.
        One { m: n, n }.factors(a, s, v, u, rest).map_err(|_| Fault::no_convergence())?;
    }
    let mut sign = <T as Real>::ONE;
    for basis in [&*u, &*v] {
        work.copy_from_slice(basis);
        T::lu(work, n, order, rest);
        let exchanged: T = permutation_sign(order);
        sign *= if (0..n).filter(|i| work[i * n + i] < T::ZERO).count() % 2 == 1 { -exchanged } else { exchanged };
    }
    let others = |skip: [usize; 2]| (0..n).filter(|l| !skip.contains(l)).fold(<T as Real>::ONE, |all, l| all * s[l]);
    match along {
        None => {
            (0..n).for_each(|i| p[i] = sign * others([i, i]));
            for k in 0..n {
                for r in 0..n {
                    let x = p[k] * u[k * n + r];
                    y[r * n..(r + 1) * n].iter_mut().zip(&v[k * n..(k + 1) * n]).for_each(|(y, &v)| *y += x * v);
                }
            }
        }
        Some(h) => {
            // w = u^T h v, in the place of `a`; then the inner matrix, in the work space.
            a.fill(T::ZERO);
            work.fill(T::ZERO);
            for r in 0..n {
                for c in 0..n {
                    work[r * n + c] = (0..n).fold(T::ZERO, |sum, k| sum + h[r * n + k] * v[c * n + k]);
                }
            }
            add_product(|i, k| u[i * n + k], work, n, a);
            for i in 0..n {
                for j in 0..n {
                    work[i * n + j] = if i == j {
                        (0..n).filter(|&l| l != i).fold(T::ZERO, |sum, l| sum + others([i, l]) * a[l * n + l])
                    } else {
                        -others([i, j]) * a[j * n + i]
                    } * sign;
                }
            }
            // y = u inner v^T.
            a.fill(T::ZERO);
            for k in 0..n {
                for r in 0..n {
                    let x = u[k * n + r];
                    a[r * n..(r + 1) * n].iter_mut().zip(&work[k * n..(k + 1) * n]).for_each(|(a, &w)| *a += x * w);
                }
            }
            add_product(|i, k| a[i * n + k], v, n, y);
        }
    }
    Ok(())
}

/// Singular values, and vectors one after the other, of a small matrix; false if there are none.
fn few<T: Small>(a: &[T], n: usize, work: &mut [T], s: &mut [T], u: &mut [T], v: &mut [T]) -> bool {
    if n > small::SIDE {
        return false;
    }
    // SAFETY: the lists have n x n and n elements.
    let job = unsafe {
        let target = |list: &mut [T]| Target::new(Shared(list.as_mut_ptr()), list.len(), &(0..1));
        let a = Source::at(&(0..1), [n, n], [n as isize, 1], |_| a.as_ptr());
        small::svd::Svd { a, u: target(work), s: target(s), vh: target(v), vectors: true, full: false }
    };
    let done = T::together(1, job) == 0;
    (0..n * n).for_each(|at| u[at % n * n + at / n] = work[at]);
    done
}

/// The sign of an order.
fn permutation_sign<T: Real>(order: &mut [usize]) -> T {
    let mut sign = <T as Real>::ONE;
    for i in 0..order.len() {
        while order[i] != i {
            let j = order[i];
            order.swap(i, j);
            sign = -sign;
        }
    }
    sign
}
