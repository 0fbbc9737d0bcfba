//! Matrices of many kinds: reconstruction, orthogonality, and the values of faer.
use faer::MatRef;

use super::*;
use crate::kernels::isa::isa;

struct Random(u64);
impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((self.0 >> 11) as f64) / (1u64 << 53) as f64 - 0.5
    }
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.next()).sum()
    }
}

/// `a` (rows x columns) times a random orthogonal matrix from the left.
fn turn(a: &mut [f64], rows: usize, r: &mut Random) {
    for _ in 0..rows.min(40) {
        let v: Vec<f64> = (0..rows).map(|_| r.normal()).collect();
        let s: f64 = v.iter().map(|x| x * x).sum();
        for c in a.chunks_exact_mut(rows) {
            let d: f64 = c.iter().zip(&v).map(|(a, b)| a * b).sum::<f64>() * 2.0 / s;
            for (c, v) in c.iter_mut().zip(&v) {
                *c -= d * v;
            }
        }
    }
}
fn transpose(a: &[f64], m: usize, n: usize) -> Vec<f64> {
    (0..m * n).map(|i| a[(i % n) * m + i / n]).collect()
}
fn with_values(m: usize, n: usize, s: &[f64], same: bool, r: &mut Random) -> Vec<f64> {
    let mut a = vec![0.0; m * n];
    for (i, x) in s.iter().enumerate() {
        a[i * m + i] = *x;
    }
    let seed = r.0;
    turn(&mut a, m, r);
    let mut t = transpose(&a, m, n);
    if same {
        r.0 = seed;
    }
    turn(&mut t, n, r);
    transpose(&t, n, m)
}

/// Spectra by name; signs where `signed`.
fn spectra(k: usize, r: &mut Random) -> Vec<(String, Vec<f64>)> {
    let mut out = vec![("random".into(), (0..k).map(|_| r.normal()).collect::<Vec<f64>>())];
    out.push(("equal".into(), vec![-3.5; k]));
    out.push(("ones".into(), (0..k).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect()));
    for c in [2, 3, 5, k.div_ceil(2)] {
        out.push((format!("clusters {c}"), (0..k).map(|i| (i / c) as f64 + 1.0).collect()));
        out.push((format!("near clusters {c}"), (0..k).map(|i| (i / c) as f64 + 1.0 + 1e-14 * r.next()).collect()));
    }
    out.push(("rank 1".into(), (0..k).map(|i| if i == 0 { 2.0 } else { 0.0 }).collect()));
    out.push(("half rank".into(), (0..k).map(|i| if i < k / 2 { 1.0 + r.next() } else { 0.0 }).collect()));
    out.push(("noise".into(), (0..k).map(|i| if i < k / 2 { 1.0 + r.next() } else { 1e-17 * r.next() }).collect()));
    for p in [4.0, 16.0, 40.0, 300.0] {
        out.push((format!("graded {p}"), (0..k).map(|i| 10f64.powf(-p * i as f64 / k as f64)).collect()));
        out.push((format!("graded up {p}"), (0..k).map(|i| 10f64.powf(-p * (k - 1 - i) as f64 / k as f64)).collect()));
    }
    out.push(("zero".into(), vec![0.0; k]));
    out.push(("one small".into(), (0..k).map(|i| if i == 0 { 1e-16 } else { 1.0 + r.next() }).collect()));
    out.push(("symmetric spectrum".into(), (0..k).map(|i| if i % 2 == 0 { (i + 2) as f64 } else { -((i + 1) as f64) }).collect()));
    out
}
const SCALES: [f64; 8] = [1.0, 1e150, 1e-150, 1e300, 1e-300, 1e-308, 1e-318, 1e15];

/// Raw matrices that are symmetric where m == n.
fn raw(m: usize, n: usize, r: &mut Random) -> Vec<(String, Vec<f64>)> {
    let mut out = vec![];
    let mut put = |name: &str, f: &mut dyn FnMut(usize, usize) -> f64| {
        let mut a = vec![0.0; m * n];
        for j in 0..n {
            for i in 0..m {
                a[j * m + i] = f(i, j);
            }
        }
        if m == n {
            for j in 0..n {
                for i in 0..j {
                    a[j * n + i] = a[i * n + j];
                }
            }
        }
        out.push((name.to_string(), a));
    };
    put("zeros", &mut |_, _| 0.0);
    put("identity", &mut |i, j| if i == j { 1.0 } else { 0.0 });
    put("diagonal", &mut |i, j| if i == j { r.next() } else { 0.0 });
    put("all ones", &mut |_, _| 1.0);
    put("uniform", &mut |_, _| r.next());
    put("integers", &mut |_, _| (r.next() * 6.0).round());
    put("sparse", &mut |_, _| if r.next() > 0.4 { r.next() } else { 0.0 });
    put("hilbert", &mut |i, j| 1.0 / (i + j + 1) as f64);
    put("graded rows", &mut |i, j| r.next() * 10f64.powi(-(i as i32 + j as i32)));
    put("graded rows up", &mut |i, j| r.next() * 10f64.powi(-((m - i) as i32 + (n - j) as i32)));
    put("wilkinson", &mut |i, j| {
        if i == j {
            (i as f64 - (n as f64 - 1.0) / 2.0).abs()
        } else if i.abs_diff(j) == 1 {
            1.0
        } else {
            0.0
        }
    });
    put("toeplitz", &mut |i, j| {
        if i == j {
            2.0
        } else if i.abs_diff(j) == 1 {
            -1.0
        } else {
            0.0
        }
    });
    put("zero diagonal", &mut |i, j| if i.abs_diff(j) == 1 { 1.0 } else { 0.0 });
    put("tiny beside", &mut |i, j| if i == j { (i % 3) as f64 } else { 1e-160 * r.next() });
    put("tiny beside 2", &mut |i, j| if i == j { (i % 3) as f64 } else { 1e-20 * r.next() });
    put("denormal parts", &mut |i, j| if (i + j) % 3 == 0 { r.next() } else { 5e-324 * (r.next() * 50.0).round() });
    put("arrow", &mut |i, j| {
        if i == j {
            i as f64
        } else if i == 0 || j == 0 {
            1.0
        } else {
            0.0
        }
    });
    put("jordan", &mut |i, j| {
        if j == i + 1 {
            1.0
        } else if i == j {
            1e-3
        } else {
            0.0
        }
    });
    put("shift", &mut |i, j| if j == i + 1 { 1.0 } else { 0.0 });
    put("last row", &mut |i, j| if i + 1 == m || j + 1 == n { r.next() } else { 0.0 });
    put("wide exponents", &mut |_, _| r.next() * 10f64.powf(300.0 * r.next()));
    put("small block", &mut |i, j| {
        if i < m / 2 && j < n / 2 {
            1e-50 * r.next()
        } else if i >= m / 2 && j >= n / 2 {
            r.next()
        } else {
            0.0
        }
    });
    out
}

fn check(name: &str, a: &[f64], [m, n]: [usize; 2], w: &[f64], u: &[f64], v: &[f64], theirs: &[f64]) {
    let k = w.len();
    let norm = theirs.iter().fold(0f64, |x, y| x.max(y.abs()));
    let size = m.max(n) as f64;
    // Below the normal range one unit is what counts.
    let (mut rec, mut orth, mut diff) = (0f64, 0f64, 0f64);
    for j in 0..n {
        for i in 0..m {
            let x: f64 = (0..k).map(|l| u[l * m + i] * w[l] * v[l * n + j]).sum();
            rec = rec.max((x - a[j * m + i]).abs());
        }
    }
    for (b, rows) in [(u, m), (v, n)] {
        for i in 0..k {
            for j in 0..=i {
                let x: f64 = (0..rows).map(|l| b[i * rows + l] * b[j * rows + l]).sum();
                assert!(x.is_finite(), "{name} {m} {n}");
                orth = orth.max((x - f64::from(i32::from(i == j))).abs());
            }
        }
    }
    for (x, y) in w.iter().zip(theirs) {
        assert!(x.is_finite());
        diff = diff.max((x - y).abs());
    }
    let least = 5e-324 * size * 4.0;
    let limit = 1e-14 * size;
    assert!(rec <= limit * norm + least, "{name} {m} {n}: reconstruction {:e}", rec / norm);
    assert!(orth <= limit, "{name} {m} {n}: orthogonality {orth:e}");
    assert!(diff <= limit * norm + least, "{name} {m} {n}: values {:e}", diff / norm);
}

fn scaled(list: Vec<(String, Vec<f64>)>) -> Vec<(String, Vec<f64>)> {
    let mut out = vec![];
    for (name, a) in list {
        for s in SCALES {
            let b: Vec<f64> = a.iter().map(|x| x * s).collect();
            if b.iter().all(|x| x.is_finite() && x.abs() < 1e305) {
                out.push((format!("{name} * {s:e}"), b));
            }
        }
    }
    out
}

fn each(f: impl Fn(Isa)) {
    Isa::ALL.into_iter().filter(|&x| x <= isa()).for_each(f);
}

#[test]
fn eigenvectors_of_every_kind() {
    each(symmetric);
}

fn symmetric(isa: Isa) {
    for n in [1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 20, 31, 32, 33, 48, 64, 65, 100] {
        let mut r = Random(n as u64 * 7919);
        let mut list = raw(n, n, &mut r);
        for (name, s) in spectra(n, &mut r) {
            list.push((name, with_values(n, n, &s, true, &mut r)));
        }
        for (name, mut a) in scaled(list) {
            for j in 0..n {
                for i in 0..j {
                    a[j * n + i] = a[i * n + j];
                }
            }
            // faer is given numbers in a safe range.
            let most = a.iter().fold(0f64, |x, y| x.max(y.abs()));
            let f = if most == 0.0 { 1.0 } else { 2f64.powi(-(most.log2() as i32).clamp(-1000, 1000)) };
            let safe: Vec<f64> = a.iter().map(|x| x * f).collect();
            let theirs = MatRef::from_column_major_slice(&safe, n, n).self_adjoint_eigenvalues(faer::Side::Lower).unwrap();
            let theirs: Vec<f64> = theirs.iter().map(|x| x / f).collect();
            let mut lower = a.clone();
            for j in 0..n {
                for i in 0..j {
                    lower[j * n + i] = f64::NAN;
                }
            }
            let (mut w, mut v, mut only) = (vec![f64::NAN; n], vec![f64::NAN; n * n], vec![f64::NAN; n]);
            let mut scratch = vec![f64::NAN; eigh_scratch(n, true)];
            eigh(isa, &lower, n, &mut w, Some(&mut v), &mut scratch)
                .unwrap_or_else(|_| panic!("{name} {n} {a:?} {:?}", &scratch[..n * 24 + 64]));
            eigh(isa, &lower, n, &mut only, None, &mut vec![f64::NAN; eigh_scratch(n, false)]).unwrap();
            assert!(w.is_sorted());
            assert_eq!(w, only, "{name} {n}");
            check(&name, &a, [n, n], &w, &v, &v, &theirs);
        }
    }
}

#[test]
fn singular_vectors_of_every_kind() {
    each(singular);
}

fn singular(isa: Isa) {
    for (m, n) in [
        (1, 1),
        (2, 2),
        (3, 3),
        (1, 4),
        (4, 1),
        (2, 9),
        (5, 4),
        (8, 8),
        (16, 17),
        (17, 17),
        (20, 20),
        (40, 17),
        (17, 40),
        (32, 32),
        (33, 31),
        (64, 64),
        (100, 20),
        (65, 65),
        (30, 100),
    ] {
        let mut r = Random((m * 1000 + n) as u64 * 7919);
        let mut list = raw(m, n, &mut r);
        for (name, s) in spectra(m.min(n), &mut r) {
            list.push((name, with_values(m, n, &s, false, &mut r)));
        }
        for (name, a) in scaled(list) {
            let k = m.min(n);
            let most = a.iter().fold(0f64, |x, y| x.max(y.abs()));
            let f = if most == 0.0 { 1.0 } else { 2f64.powi(-(most.log2() as i32).clamp(-1000, 1000)) };
            let safe: Vec<f64> = a.iter().map(|x| x * f).collect();
            let theirs = MatRef::from_column_major_slice(&safe, m, n).singular_values().unwrap();
            let theirs: Vec<f64> = theirs.iter().map(|x| x / f).collect();
            let (mut w, mut u, mut v, mut only) = (vec![f64::NAN; k], vec![f64::NAN; m * k], vec![f64::NAN; n * k], vec![f64::NAN; k]);
            svd(isa, &a, m, n, &mut w, Some((&mut u, &mut v)), &mut vec![f64::NAN; svd_scratch(m, n, true)])
                .unwrap_or_else(|_| panic!("{name} {m} {n}"));
            svd(isa, &a, m, n, &mut only, None, &mut vec![f64::NAN; svd_scratch(m, n, false)]).unwrap();
            assert!(w.iter().rev().is_sorted() && w.iter().all(|x| *x >= 0.0));
            assert_eq!(w, only, "{name} {m} {n}");
            check(&name, &a, [m, n], &w, &u, &v, &theirs);
        }
    }
}

/// Matrices in whose reductions many numbers become exactly zero.
#[test]
fn numbers_that_vanish() {
    each(exact);
}

fn exact(isa: Isa) {
    let mut r = Random(99);
    for i in 0..6000 {
        let n = 1 + i % 41;
        let m = if i % 3 == 0 { n } else { 1 + (i * 7) % 37 };
        let density = [0.02, 0.1, 0.3, 0.6, 1.0][i % 5];
        let size = [1.0, 2.0, 1e-20, 1e-100, 1e-170][(i / 5) % 5];
        let mut a: Vec<f64> = (0..m * n)
            .map(|_| if r.next() + 0.5 < density { (r.next() * 3.0).round() * if r.next() > 0.0 { size } else { 1.0 } } else { 0.0 })
            .collect();
        let k = m.min(n);
        let (mut w, mut u, mut v) = (vec![0.0; k], vec![0.0; m * k], vec![0.0; n * k]);
        svd(isa, &a, m, n, &mut w, Some((&mut u, &mut v)), &mut vec![f64::NAN; svd_scratch(m, n, true)])
            .unwrap_or_else(|_| panic!("{i} {m} {n} {a:?}"));
        let theirs = w.clone();
        check("exact svd", &a, [m, n], &w, &u, &v, &theirs);
        if m == n {
            for j in 0..n {
                for i in 0..j {
                    a[j * n + i] = a[i * n + j];
                }
            }
            eigh(isa, &a, n, &mut w, Some(&mut v), &mut vec![f64::NAN; eigh_scratch(n, true)]).unwrap_or_else(|_| panic!("{i} {n} {a:?}"));
            let theirs = w.clone();
            check("exact eigh", &a, [n, n], &w, &v, &v, &theirs);
        }
    }
}
