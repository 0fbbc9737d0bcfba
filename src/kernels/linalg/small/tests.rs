//! Small matrices of all kinds, alone and in batches.

use super::super::{cholesky, determinant, eigh, lu, qr, svd};
use crate::dtype::DType;
use crate::kernels::movement::model::*;
use crate::kernels::ranges::Ranges;

const KINDS: usize = 11;

/// An `m x n` matrix of a kind; the last ones are near the ends of the range of numbers.
fn matrix(rng: &mut Rng, kind: usize, m: usize, n: usize, dtype: DType) -> Vec<f64> {
    let random = rng.real(m * n);
    let small = dtype == DType::F32;
    let k = |at: usize| (at / n, at % n);
    let of = |f: &dyn Fn(usize, usize, f64) -> f64| (0..m * n).map(|at| f(k(at).0, k(at).1, random[at])).collect();
    match kind {
        0 => of(&|_, _, x| x),
        // Graded, both ways.
        1 => of(&|i, j, x| x * 10f64.powi(-((i + j) as i32))),
        2 => of(&|i, j, x| x * 10f64.powi((i + j) as i32 - 16)),
        // Repeated values, and ranks below the full one.
        3 => of(&|i, j, _| if i == j { 2.0 } else { 1.0 }),
        4 => of(&|i, j, _| ((i + 1) * (j + 2)) as f64),
        5 => of(&|i, j, x| if j % 3 == 2 || i % 4 == 3 { 0.0 } else { x }),
        6 => of(&|_, _, _| 0.0),
        7 => of(&|i, j, _| if i == j { 1.0 } else { 0.0 }),
        8 => of(&|_, _, x| x * if small { 1e-42 } else { 1e-311 }),
        9 => of(&|_, _, x| x * if small { 1e37 } else { 1e300 }),
        _ => of(&|_, _, x| x * if small { 1e-36 } else { 1e-300 }),
    }
}

/// Symmetric, from the lower triangle.
fn symmetric(a: &[f64], n: usize) -> Vec<f64> {
    (0..n * n).map(|at| a[(at / n).max(at % n) * n + (at / n).min(at % n)]).collect()
}

fn largest(a: &[f64]) -> f64 {
    a.iter().fold(0.0, |m: f64, x| m.max(x.abs()))
}

/// The largest difference between `a` and the product of `x` (m, k), scaled by `s`, and `y` (k, n), relative to `a`'s largest element.
fn residual(a: &[f64], [m, k, n]: [usize; 3], x: &[f64], s: Option<&[f64]>, y: &[f64]) -> f64 {
    let most = largest(a).max(1e-320);
    let mut worst: f64 = 0.0;
    for i in 0..m {
        for j in 0..n {
            let sum: f64 =
                (0..k).map(|l| x[i * k + l] * s.map_or(1.0, |s| s[l] / most) * (y[l * n + j] / if s.is_some() { 1.0 } else { most })).sum();
            worst = worst.max((sum - a[i * n + j] / most).abs());
        }
    }
    worst
}

/// How far the columns of `x` (m, k), or its rows, are from orthonormal.
fn skew(x: &[f64], m: usize, k: usize, rows: bool) -> f64 {
    let (count, long) = if rows { (m, k) } else { (k, m) };
    let at = |c: usize, l: usize| if rows { x[c * k + l] } else { x[l * k + c] };
    let mut worst: f64 = 0.0;
    for i in 0..count {
        for j in 0..count {
            let sum: f64 = (0..long).map(|l| at(i, l) * at(j, l)).sum();
            worst = worst.max((sum - if i == j { 1.0 } else { 0.0 }).abs());
        }
    }
    worst
}

/// The largest entry of each row, or column, is positive.
fn signed(x: &[f64], m: usize, n: usize, rows: bool) {
    for c in 0..if rows { m } else { n } {
        let list: Vec<f64> = (0..if rows { n } else { m }).map(|l| if rows { x[c * n + l] } else { x[l * n + c] }).collect();
        let at = list.iter().position(|x| x.abs() == largest(&list)).unwrap();
        assert!(list[at] >= 0.0, "{list:?}");
    }
}

/// What is not precise in absolute terms any more, relative to the matrix.
fn grain(a: &[f64], dtype: DType) -> f64 {
    let least = if dtype == DType::F32 { 1.5e-45 } else { 5e-324 };
    2.0 * least / largest(a).max(least)
}

fn eps(dtype: DType) -> f64 {
    if dtype == DType::F32 { f64::from(f32::EPSILON) } else { f64::EPSILON }
}

/// Calls `f(dtype, m, n, values)` with batches of all kinds, more than a group.
fn batches(square: bool, mut f: impl FnMut(DType, usize, usize, &mut Rng)) {
    let mut rng = Rng(77);
    for dtype in [DType::F32, DType::F64] {
        for m in 1..=16usize {
            let others = if square { vec![m] } else { vec![m, (m + 2).min(16), m.div_ceil(2), 1, 16] };
            for n in others {
                f(dtype, m, n, &mut rng);
            }
        }
    }
}

/// Runs a kernel over a batch and each matrix alone, checks that the bits are the same, and gives the results of the batch.
fn run(
    dtype: DType,
    count: usize,
    inputs: &[(Vec<usize>, Vec<f64>)],
    outputs: &[Vec<usize>],
    f: &dyn Fn(&[Strided], &mut [Strided]),
) -> Vec<Vec<f64>> {
    let dims = |batch: usize, own: &[usize]| std::iter::once(batch).chain(own.iter().copied()).collect::<Vec<usize>>();
    let given: Vec<Strided> = inputs.iter().map(|(own, v)| Strided::new(dtype, &dims(count, own), v)).collect();
    let mut whole: Vec<Strided> = outputs.iter().map(|own| Strided::out(dtype, &dims(count, own))).collect();
    f(&given, &mut whole);
    let results: Vec<Vec<f64>> = whole.iter().map(Strided::values).collect();
    for i in 0..count {
        let alone: Vec<Strided> = inputs
            .iter()
            .map(|(own, v)| {
                let n: usize = own.iter().product();
                Strided::new(dtype, &dims(1, own), &v[i * n..(i + 1) * n])
            })
            .collect();
        let mut out: Vec<Strided> = outputs.iter().map(|own| Strided::out(dtype, &dims(1, own))).collect();
        f(&alone, &mut out);
        for (out, (whole, own)) in out.iter().zip(results.iter().zip(outputs)) {
            let n: usize = own.iter().product();
            let same =
                out.values().iter().zip(&whole[i * n..(i + 1) * n]).all(|(x, y)| x.to_bits() == y.to_bits() || (x.is_nan() && y.is_nan()));
            assert!(same, "{dtype} matrix {i} of {count}: {:?} {:?}", out.values(), &whole[i * n..(i + 1) * n]);
        }
    }
    whole.iter().for_each(Strided::check_guard);
    results
}

/// A batch with every kind twice, and one more.
fn every_kind(rng: &mut Rng, m: usize, n: usize, dtype: DType) -> (usize, Vec<f64>) {
    let count = 2 * KINDS + 1;
    let values: Vec<f64> = (0..count).flat_map(|i| matrix(rng, i % KINDS, m, n, dtype)).collect();
    (count, Strided::new(dtype, &[count, m, n], &values).values())
}

fn scratch(bytes: usize) -> Vec<u8> {
    vec![0x5a; bytes]
}

#[test]
fn eigenvectors_of_symmetric_matrices() {
    batches(true, |dtype, n, _, rng| {
        let (count, values) = every_kind(rng, n, n, dtype);
        let f = |a: &[Strided], out: &mut [Strided]| {
            let [w, v] = out else { panic!() };
            let need = eigh::eigh_bytes(a[0].dims[0], n, dtype);
            eigh::eigh(&Ranges::new(None), "eigh", a[0].view(), &mut scratch(need), &mut w.view_mut(), &mut v.view_mut()).unwrap();
        };
        let input = [(vec![n, n], values.clone())];
        let both = run(dtype, count, &input, &[vec![n], vec![n, n]], &f);
        let alone = run(dtype, count, &input, &[vec![n], vec![0, n]], &f);
        let bound = eps(dtype) * (n as f64 + 3.0);
        for i in 0..count {
            let a = symmetric(&values[i * n * n..(i + 1) * n * n], n);
            let (w, v) = (&both[0][i * n..(i + 1) * n], &both[1][i * n * n..(i + 1) * n * n]);
            let vt: Vec<f64> = (0..n * n).map(|at| v[at % n * n + at / n]).collect();
            let bound = bound + grain(&a, dtype) * n as f64;
            let (wrong, skewed) = (residual(&a, [n, n, n], v, Some(w), &vt), skew(v, n, n, false));
            assert!(wrong <= 4.0 * bound && skewed <= 4.0 * bound, "{dtype} {n} kind {}: {wrong:e} {skewed:e}", i % KINDS);
            assert!(w.windows(2).all(|w| w[0] <= w[1]), "{w:?}");
            signed(v, n, n, false);
            let most = largest(w);
            let apart = w.iter().zip(&alone[0][i * n..]).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max);
            assert!(apart <= 4.0 * bound * most, "{dtype} {n} {w:?}");
        }
    });
}

#[test]
fn singular_vectors() {
    batches(false, |dtype, m, n, rng| {
        let (count, values) = every_kind(rng, m, n, dtype);
        let k = m.min(n);
        let f = |full: bool| {
            move |a: &[Strided], out: &mut [Strided]| {
                let [u, s, vh] = out else { panic!() };
                let need = svd::svd_bytes(a[0].dims[0], m, n, full, dtype);
                let out = [&mut u.view_mut(), &mut s.view_mut(), &mut vh.view_mut()];
                svd::svd(&Ranges::new(None), "svd", a[0].view(), full, &mut scratch(need), out).unwrap();
            }
        };
        let input = [(vec![m, n], values.clone())];
        let thin = run(dtype, count, &input, &[vec![m, k], vec![k], vec![k, n]], &f(false));
        let full = run(dtype, count, &input, &[vec![m, m], vec![k], vec![n, n]], &f(true));
        let alone = run(dtype, count, &input, &[vec![0, k], vec![k], vec![0, n]], &f(false));
        for i in 0..count {
            let a = &values[i * m * n..(i + 1) * m * n];
            let part = |list: &Vec<f64>, n: usize| list[i * n..(i + 1) * n].to_vec();
            let (u, s, vh) = (part(&thin[0], m * k), part(&thin[1], k), part(&thin[2], k * n));
            let bound = 4.0 * (eps(dtype) * (m.max(n) as f64 + 3.0) + grain(a, dtype) * k as f64);
            let wrong = residual(a, [m, k, n], &u, Some(&s), &vh);
            let skewed = skew(&u, m, k, false).max(skew(&vh, k, n, true));
            assert!(wrong <= bound && skewed <= bound, "{dtype} {m} {n} kind {}: {wrong:e} {skewed:e}", i % KINDS);
            assert!(s.windows(2).all(|s| s[0] >= s[1]) && s[k - 1] >= 0.0, "{s:?}");
            signed(&vh, k, n, true);
            assert_eq!(s, part(&full[1], k));
            let skewed = skew(&part(&full[0], m * m), m, m, false).max(skew(&part(&full[2], n * n), n, n, true));
            assert!(skewed <= bound, "{dtype} {m} {n} kind {}: {skewed:e}", i % KINDS);
            assert_eq!(s, part(&alone[1], k));
        }
    });
}

#[test]
fn orthogonal_and_triangular_factors() {
    batches(false, |dtype, m, n, rng| {
        let (count, values) = every_kind(rng, m, n, dtype);
        for c in [m.min(n), m] {
            let f = |a: &[Strided], out: &mut [Strided]| {
                let [q, r] = out else { panic!() };
                let need = qr::qr_bytes(a[0].dims[0], m, n, c, dtype);
                qr::qr(&Ranges::new(None), "qr", a[0].view(), &mut scratch(need), &mut q.view_mut(), &mut r.view_mut()).unwrap();
            };
            let out = run(dtype, count, &[(vec![m, n], values.clone())], &[vec![m, c], vec![c, n]], &f);
            for i in 0..count {
                let a = &values[i * m * n..(i + 1) * m * n];
                let (q, r) = (&out[0][i * m * c..(i + 1) * m * c], &out[1][i * c * n..(i + 1) * c * n]);
                let bound = 4.0 * (eps(dtype) * (m.max(n) as f64 + 3.0) + grain(a, dtype) * c as f64);
                let (wrong, skewed) = (residual(a, [m, c, n], q, None, r), skew(q, m, c, false));
                assert!(wrong <= bound && skewed <= bound, "{dtype} {m} {n} kind {}: {wrong:e} {skewed:e}", i % KINDS);
                for at in 0..c * n {
                    assert!(if at / n > at % n { r[at] == 0.0 } else { at / n != at % n || r[at] >= 0.0 }, "{r:?}");
                }
            }
        }
    });
}

#[test]
fn factors_with_exchanged_rows_and_what_they_give() {
    batches(true, |dtype, n, _, rng| {
        let (count, values) = every_kind(rng, n, n, dtype);
        let pivots = std::cell::RefCell::new(Vec::new());
        let f = |a: &[Strided], out: &mut [Strided]| {
            let mut own = Strided::out(DType::I32, &[a[0].dims[0], n]);
            let need = lu::lu_bytes(a[0].dims[0], n, dtype);
            lu::lu(&Ranges::new(None), "lu", a[0].view(), &mut scratch(need), &mut out[0].view_mut(), &mut own.view_mut()).unwrap();
            if a[0].dims[0] == count {
                *pivots.borrow_mut() = own.values();
            }
        };
        let factors = run(dtype, count, &[(vec![n, n], values.clone())], &[vec![n, n]], &f).remove(0);
        let pivots = pivots.into_inner();
        let bound = 4.0 * eps(dtype) * (n as f64 + 3.0);
        let regular: Vec<usize> = (0..count)
            .filter(|i| {
                let (own, a) = (&factors[i * n * n..(i + 1) * n * n], &values[i * n * n..(i + 1) * n * n]);
                let mut exchanged = a.to_vec();
                for k in 0..n {
                    (0..n).for_each(|j| exchanged.swap(k * n + j, pivots[i * n + k] as usize * n + j));
                }
                let l: Vec<f64> = (0..n * n)
                    .map(|at| {
                        if at / n > at % n {
                            own[at]
                        } else if at / n == at % n {
                            1.0
                        } else {
                            0.0
                        }
                    })
                    .collect();
                let u: Vec<f64> = (0..n * n).map(|at| if at / n <= at % n { own[at] } else { 0.0 }).collect();
                assert!(largest(&l) <= 1.0);
                let wrong = residual(&exchanged, [n, n, n], &l, None, &u);
                assert!(wrong <= bound + grain(a, dtype) * n as f64, "{dtype} {n} kind {}: {wrong:e}", i % KINDS);
                ![4, 5, 6, 8].contains(&(i % KINDS)) && (0..n).all(|k| own[k * n + k] != 0.0)
            })
            .collect();
        // Systems, the transposed ones too, and inverses.
        let pick = |list: &[f64], n: usize| regular.iter().flat_map(|i| list[i * n..(i + 1) * n].iter().copied()).collect::<Vec<f64>>();
        let (factors, own, values) = (pick(&factors, n * n), pick(&pivots, n), pick(&values, n * n));
        let count = regular.len();
        let (f, p) = (Strided::new(dtype, &[count, n, n], &factors), Strided::new(DType::I32, &[count, n], &own));
        let given = || lu::Factors { factors: f.view(), pivots: p.view() };
        let m = 1 + n / 2;
        let right: Vec<f64> =
            values.chunks(n * n).flat_map(|a| rng.real(n * m).into_iter().map(|x| x * largest(a)).collect::<Vec<f64>>()).collect();
        let b = Strided::new(dtype, &[count, n, m], &right);
        let at = |list: &[f64], i: usize, n: usize| list[i * n..(i + 1) * n].to_vec();
        for transpose in [false, true] {
            let mut x = Strided::out(dtype, &[count, n, m]);
            lu::solve(&Ranges::new(None), "solve", &given(), b.view(), transpose, &mut x.view_mut()).unwrap();
            let (x, b) = (x.values(), b.values());
            for i in 0..count {
                let (a, x, b) = (at(&values, i, n * n), at(&x, i, n * m), at(&b, i, n * m));
                let a: Vec<f64> = (0..n * n).map(|k| if transpose { a[k % n * n + k / n] } else { a[k] }).collect();
                let wrong = residual(&b, [n, n, m], &a, None, &x);
                assert!(
                    wrong <= 16.0 * bound * largest(&x).max(1.0) * n as f64,
                    "{dtype} {n} {transpose} kind {}: {wrong:e}",
                    regular[i] % KINDS
                );
            }
        }
        let mut y = Strided::out(dtype, &[count, n, n]);
        lu::inverse(&Ranges::new(None), "inv", &given(), &mut y.view_mut()).unwrap();
        let a = Strided::new(dtype, &[count, n, n], &values);
        let mut cofactors = Strided::out(dtype, &[count, n, n]);
        let mut det = Strided::out(dtype, &[count]);
        let mut room = scratch(determinant::cofactors_bytes(count, n, dtype));
        determinant::cofactors(&Ranges::new(None), "det", &given(), a.view(), &mut room, &mut cofactors.view_mut()).unwrap();
        lu::determinant(&Ranges::new(None), "det", &given(), &mut det.view_mut()).unwrap();
        // In one go they are the same, bit by bit.
        let (mut x, mut x0) = (Strided::out(dtype, &[count, n, m]), Strided::out(dtype, &[count, n, m]));
        let (mut f0, mut p0) = (Strided::out(dtype, &[count, n, n]), Strided::out(DType::I32, &[count, n]));
        lu::solve(&Ranges::new(None), "solve", &given(), b.view(), false, &mut x.view_mut()).unwrap();
        let results = [&mut x0.view_mut(), &mut f0.view_mut(), &mut p0.view_mut()];
        lu::factor_and_solve(&Ranges::new(None), "solve", [a.view(), b.view()], results).unwrap();
        assert_eq!([x.bits(), f.bits(), p.bits()], [x0.bits(), f0.bits(), p0.bits()], "{dtype} {n}");
        let mut y0 = Strided::out(dtype, &[count, n, n]);
        lu::factor_and_invert(&Ranges::new(None), "inv", a.view(), &mut y0.view_mut()).unwrap();
        assert_eq!(y.bits(), y0.bits(), "{dtype} {n}");
        let (mut det0, mut cofactors0) = (Strided::out(dtype, &[count]), Strided::out(dtype, &[count, n, n]));
        let results = [&mut det0.view_mut(), &mut cofactors0.view_mut()];
        determinant::determinants(&Ranges::new(None), "det", a.view(), &mut room, results).unwrap();
        assert_eq!([det.bits(), cofactors.bits()], [det0.bits(), cofactors0.bits()], "{dtype} {n}");
        for i in 0..count {
            let (a, y, c) = (at(&values, i, n * n), at(&y.values(), i, n * n), at(&cofactors.values(), i, n * n));
            let identity: Vec<f64> = (0..n * n).map(|k| if k / n == k % n { 1.0 } else { 0.0 }).collect();
            let size = largest(&a);
            let scaled: Vec<f64> = a.iter().map(|x| x / size).collect();
            let inverse: Vec<f64> = y.iter().map(|x| x * size).collect();
            let wrong = residual(&identity, [n, n, n], &scaled, None, &inverse);
            assert!(wrong <= 16.0 * bound * largest(&inverse) * n as f64, "{dtype} {n} kind {}: {wrong:e}", regular[i] % KINDS);
            // Rows times cofactors are the determinant.
            if regular[i].is_multiple_of(KINDS) {
                let d = det.values()[i];
                let sum: f64 = (0..n).map(|j| a[j] * c[j]).sum();
                assert!((sum - d).abs() <= 64.0 * bound * largest(&c).max(d.abs()), "{dtype} {n}: {sum} {d}");
            }
        }
    });
}

#[test]
fn factors_of_positive_matrices() {
    batches(true, |dtype, n, _, rng| {
        let count = 19;
        let mut values = Vec::new();
        for _ in 0..count {
            let x = rng.real(n * n);
            values.extend(
                (0..n * n).map(|at| {
                    (0..n).map(|k| x[at / n * n + k] * x[at % n * n + k]).sum::<f64>() + if at / n == at % n { 0.5 } else { 0.0 }
                }),
            );
        }
        let values = Strided::new(dtype, &[count, n, n], &values).values();
        let f = |a: &[Strided], out: &mut [Strided]| {
            let need = cholesky::scratch_bytes(a[0].dims[0], n, dtype);
            cholesky::cholesky(&Ranges::new(None), "cholesky", a[0].view(), &mut scratch(need), &mut out[0].view_mut()).unwrap();
        };
        let l = run(dtype, count, &[(vec![n, n], values.clone())], &[vec![n, n]], &f).remove(0);
        for i in 0..count {
            let (a, l) = (&values[i * n * n..(i + 1) * n * n], &l[i * n * n..(i + 1) * n * n]);
            let t: Vec<f64> = (0..n * n).map(|at| l[at % n * n + at / n]).collect();
            let wrong = residual(a, [n, n, n], l, None, &t);
            assert!(wrong <= 4.0 * eps(dtype) * (n as f64 + 3.0), "{dtype} {n}: {wrong:e}");
        }
    });
}

#[test]
fn a_matrix_that_is_not_finite_or_regular_is_named() {
    let mut values: Vec<f64> = (0..20).flat_map(|_| [2.0, 1.0, 1.0, 3.0]).collect();
    values[17 * 4] = f64::NAN;
    let a = Strided::new(DType::F64, &[20, 2, 2], &values);
    let (mut w, mut v) = (Strided::out(DType::F64, &[20, 2]), Strided::out(DType::F64, &[20, 2, 2]));
    let mut room = scratch(eigh::eigh_bytes(20, 2, DType::F64));
    let e = eigh::eigh(&Ranges::new(None), "eigh", a.view(), &mut room, &mut w.view_mut(), &mut v.view_mut()).unwrap_err();
    assert_eq!(e.to_string(), "eigh: the matrix is not finite. Got NaN at (0, 0) in matrix 17; expected finite numbers.");
    let mut u = Strided::out(DType::F64, &[20, 2, 2]);
    let mut room = scratch(svd::svd_bytes(20, 2, 2, false, DType::F64));
    let out = [&mut u.view_mut(), &mut w.view_mut(), &mut v.view_mut()];
    let e = svd::svd(&Ranges::new(None), "svd", a.view(), false, &mut room, out).unwrap_err();
    assert_eq!(e.to_string(), "svd: the matrix is not finite. Got NaN at (0, 0) in matrix 17; expected finite numbers.");
    values[17 * 4..18 * 4].copy_from_slice(&[1.0, 0.0, 2.0, 0.0]);
    let (factors, pivots) = (Strided::new(DType::F64, &[20, 2, 2], &values), Strided::new(DType::I32, &[20, 2], &[0.0, 1.0].repeat(20)));
    let given = lu::Factors { factors: factors.view(), pivots: pivots.view() };
    let e = lu::inverse(&Ranges::new(None), "inv", &given, &mut v.view_mut()).unwrap_err();
    assert_eq!(e.to_string(), "inv: matrix is singular. Got a pivot of 0 in column 1 in matrix 17; expected an invertible matrix.");
}
