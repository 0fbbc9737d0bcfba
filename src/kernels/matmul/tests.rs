use super::*;
use crate::kernels::movement::model::*;
use crate::shape::count;

fn matmul(a: View<'_>, b: View<'_>, dst: &mut ViewMut<'_>) {
    super::matmul(&Ranges::new(None), a, b, &mut vec![0; scratch_bytes(dst.dtype(), a.dims(), b.dims())], dst).unwrap();
}

/// The definition, on values in C order, with equal batch axes.
fn product(batch: usize, [m, k, n]: [usize; 3], a: &[f64], b: &[f64]) -> Vec<f64> {
    let element = |c: usize, i: usize, j: usize| (0..k).map(|p| a[(c * m + i) * k + p] * b[(c * k + p) * n + j]).sum();
    (0..batch).flat_map(|c| (0..m).flat_map(move |i| (0..n).map(move |j| (c, i, j)))).map(|(c, i, j)| element(c, i, j)).collect()
}

fn shape(batch: &[usize], rows: usize, columns: usize) -> Vec<usize> {
    batch.iter().copied().chain([rows, columns]).collect()
}

const LENGTHS: [[usize; 3]; 44] = [
    [26, 26, 26],
    [1, 1500, 1],
    [1, 20_000, 1],
    [2, 1100, 3],
    [9, 700, 5],
    [3, 1, 4],
    [20, 2100, 1],
    [1, 1030, 37],
    [16, 515, 70],
    [100, 300, 90],
    [1, 1, 1],
    [2, 2, 2],
    [3, 0, 2],
    [0, 3, 2],
    [2, 3, 0],
    [6, 6, 6],
    [7, 6, 6],
    [1, 40, 1],
    [1, 1, 30],
    [30, 1, 1],
    [5, 1, 9],
    [5, 2, 9],
    [1, 17, 20],
    [20, 17, 1],
    [8, 3, 17],
    [16, 20, 3],
    [33, 20, 18],
    [65, 70, 66],
    [3, 600, 3],
    [300, 3, 2],
    [8, 64, 10],
    [5, 30, 12],
    [13, 9, 23],
    [32, 32, 32],
    [4, 128, 33],
    [4, 129, 7],
    [4, 4, 4],
    [3, 3, 3],
    [3, 300, 90],
    [8, 260, 67],
    [24, 70, 65],
    [90, 130, 2],
    [70, 257, 5],
    [40, 140, 13],
];

#[test]
fn every_layout_of_every_dtype_gives_the_product() {
    let mut rng = Rng(6);
    for lengths in LENGTHS {
        let [m, k, n] = lengths;
        for batch in [&[][..], &[2, 3], &[0]] {
            if count(batch) > 1 && m * k * n > 10_000 {
                continue;
            }
            let (da, db, dd) = (shape(batch, m, k), shape(batch, k, n), shape(batch, m, n));
            for dtype in DType::ALL {
                // Whole numbers: any order of additions is exact.
                let (mut x, mut y) = (rng.whole(count(&da)), rng.whole(count(&db)));
                if dtype == DType::Bool {
                    x.iter_mut().chain(&mut y).for_each(|v| *v = f64::from(u8::from(*v > 5.0)));
                }
                let mut expected = product(count(batch), lengths, &x, &y);
                if dtype == DType::Bool {
                    expected.iter_mut().for_each(|v| *v = v.min(1.0));
                }
                for a in Strided::layouts(dtype, &da, &x) {
                    for b in Strided::layouts(dtype, &db, &y) {
                        let mut c = Strided::out(dtype, &dd);
                        matmul(a.view(), b.view(), &mut c.view_mut());
                        assert_eq!(c.values(), expected, "{dtype} {batch:?} {lengths:?} {:?} {:?}", a.strides, b.strides);
                        c.check_guard();
                    }
                    let b = Strided::new(dtype, &db, &y);
                    for mut c in Strided::layouts(dtype, &dd, &vec![1.0; count(&dd)]) {
                        matmul(a.view(), b.view(), &mut c.view_mut());
                        assert_eq!(c.values(), expected, "{dtype} {batch:?} {lengths:?} {:?} -> {:?}", a.strides, c.strides);
                    }
                }
            }
        }
    }
}

#[test]
fn operands_are_broadcast_by_strides() {
    let mut rng = Rng(7);
    for [m, k, n] in [[2, 3, 2], [9, 5, 7], [1, 12, 30], [30, 12, 1]] {
        for dtype in [DType::I64, DType::F32, DType::F64] {
            for (repeat_a, repeat_b) in [(&[][..], &[0][..]), (&[], &[0, 1]), (&[0, 1], &[]), (&[0], &[1]), (&[0, 1], &[0, 1])] {
                let make = |rng: &mut Rng, repeat: &[usize], rows, columns| {
                    let mut dims = vec![4, 3, rows, columns];
                    repeat.iter().for_each(|&r| dims[r] = 1);
                    let values = rng.whole(count(&dims));
                    repeat.iter().fold(Strided::new(dtype, &dims, &values), |a, &r| a.repeat(r, [4, 3][r]))
                };
                let (a, b) = (make(&mut rng, repeat_a, m, k), make(&mut rng, repeat_b, k, n));
                let mut c = Strided::out(dtype, &[4, 3, m, n]);
                matmul(a.view(), b.view(), &mut c.view_mut());
                assert_eq!(c.values(), product(12, [m, k, n], &a.values(), &b.values()), "{dtype} {m} {k} {n} {repeat_a:?} {repeat_b:?}");
                c.check_guard();
            }
        }
    }
    // One row and one column repeated inside the product.
    let a = Strided::new(DType::F64, &[1, 40], &rng.whole(40)).repeat(0, 9);
    let b = Strided::new(DType::F64, &[40, 1], &rng.whole(40)).repeat(1, 20);
    let mut c = Strided::out(DType::F64, &[9, 20]);
    matmul(a.view(), b.view(), &mut c.view_mut());
    assert_eq!(c.values(), product(1, [9, 40, 20], &a.values(), &b.values()));
}

#[test]
fn the_bits_of_small_products_follow_from_the_lengths() {
    let mut rng = Rng(8);
    for [m, k, n] in [[2, 5, 3], [6, 6, 6], [3, 20, 3], [2, 4, 20], [4, 4, 4], [9, 64, 10], [4, 100, 29], [31, 33, 32]] {
        for dtype in [DType::F32, DType::F64] {
            let (x, y) = (rng.real(6 * m * k), rng.real(6 * k * n));
            let mut first = None;
            for a in Strided::layouts(dtype, &[6, m, k], &x) {
                for b in Strided::layouts(dtype, &[6, k, n], &y) {
                    let mut c = Strided::out(dtype, &[6, m, n]);
                    matmul(a.view(), b.view(), &mut c.view_mut());
                    assert_eq!(first.get_or_insert(c.bits()), &c.bits());
                }
            }
        }
    }
}

#[test]
fn large_products_are_accurate() {
    let mut rng = Rng(9);
    let [m, k, n] = [130, 700, 90];
    for (dtype, eps) in [(DType::F32, f32::EPSILON.into()), (DType::F64, f64::EPSILON)] {
        let a = Strided::new(dtype, &[m, k], &rng.real(m * k));
        let b = Strided::new(dtype, &[n, k], &rng.real(k * n)).permuted(&[1, 0]);
        let mut c = Strided::out(dtype, &[m, n]);
        matmul(a.view(), b.view(), &mut c.view_mut());
        let expected = product(1, [m, k, n], &a.values(), &b.values());
        let abs = |v: Vec<f64>| v.into_iter().map(f64::abs).collect::<Vec<_>>();
        let scale = product(1, [m, k, n], &abs(a.values()), &abs(b.values()));
        let worst = c.values().iter().zip(&expected).zip(&scale).map(|((x, y), s)| (x - y).abs() / s).fold(0.0, f64::max);
        // Of the worst case, k eps / 2, roundings in both directions leave little.
        assert!(worst < 2.0 * eps, "{dtype}: {worst:e}");
    }
}

#[test]
fn products_of_many_panels_are_the_product() {
    let (mut rng, limit) = (Rng(10), PANEL / RATE);
    // The longest axis of each is another one.
    for lengths in [[600, 3000, 600], [300, 400, 9000], [9001, 400, 300]] {
        let [m, k, n] = lengths;
        let (x, y, v) = (rng.whole(m * k), rng.whole(k * n), rng.whole(n));
        // Whole numbers: both sides are exact, and differ where an element is wrong.
        let expected = product(1, [m, k, 1], &x, &product(1, [k, n, 1], &y, &v));
        let a = Strided::new(DType::F64, &[m, k], &x);
        for b in [Strided::new(DType::F64, &[k, n], &y), Strided::layouts(DType::F64, &[k, n], &y).remove(1)] {
            let mut c = Strided::out(DType::F64, &[m, n]);
            matmul(a.view(), b.view(), &mut c.view_mut());
            assert!(product(1, [m, n, 1], &c.values(), &v) == expected, "{lengths:?}");
            c.check_guard();
        }
    }
    // Vectors, and the plain loops, which are cut earlier: one number in each operand, repeated by strides of 0.
    for dtype in [DType::I32, DType::F64] {
        for [m, k, n] in [[1, limit + 1, 1], [1, 5000, limit / 5000], [limit / 900, 900, 1], [3, limit / 4, 2], [100, limit / 90, 3]] {
            let one = |rows, columns| Strided::new(dtype, &[1, 1], &[1.0]).repeat(0, rows).repeat(1, columns);
            let (a, b, mut c) = (one(m, k), one(k, n), Strided::out(dtype, &[m, n]));
            matmul(a.view(), b.view(), &mut c.view_mut());
            assert!(c.values().iter().all(|v| *v == k as f64), "{dtype} {m} {k} {n}");
            c.check_guard();
        }
    }
}

#[test]
fn integers_wrap_and_nan_spreads() {
    let a = Strided::new(DType::I32, &[1, 2], &[f64::from(i32::MAX), 2.0]);
    let b = Strided::new(DType::I32, &[2, 1], &[2.0, 1.0]);
    let mut c = Strided::out(DType::I32, &[1, 1]);
    matmul(a.view(), b.view(), &mut c.view_mut());
    assert_eq!(c.values(), [0.0]);
    for n in [2, 30] {
        let mut x = vec![0.0; n * n];
        x[0] = f64::NAN;
        let (a, b) = (Strided::new(DType::F64, &[n, n], &x), Strided::new(DType::F64, &[n, n], &vec![0.0; n * n]));
        let mut c = Strided::out(DType::F64, &[n, n]);
        matmul(a.view(), b.view(), &mut c.view_mut());
        assert!(c.values()[..n].iter().all(|v| v.is_nan()) && c.values()[n..].iter().all(|v| *v == 0.0));
    }
}
