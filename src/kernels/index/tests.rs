//! Index kernels against loops over every place.

use super::super::movement::model::*;
use super::*;

fn fails(r: Result<()>, text: &str) {
    let e = r.err().map(|e| (e.kind(), e.to_string()));
    assert_eq!(e, Some((ErrorKind::Value, text.to_owned())));
}

fn some_indices(rng: &mut Rng, len: usize, n: usize) -> Vec<f64> {
    (0..n).map(|_| rng.below(2 * len) as f64 - len as f64).collect()
}

#[test]
fn take_and_its_adjoint_follow_their_definitions() {
    let mut rng = Rng(3);
    let shapes: [(&[usize], usize, &[usize]); 8] = [
        (&[5], 0, &[]),
        (&[5], 0, &[7]),
        (&[4, 3], 0, &[2, 3]),
        (&[4, 3], 1, &[6]),
        (&[2, 3, 4], 1, &[2, 2]),
        (&[3, 2, 0], 0, &[2]),
        (&[0, 4], 1, &[2]),
        (&[2, 3, 5], 2, &[0]),
    ];
    for (dims, axis, by) in shapes {
        for dtype in DType::ALL {
            let (x, k) = (rng.of(dtype, count(dims)), some_indices(&mut rng, dims[axis], count(by)));
            let out: Vec<usize> = dims[..axis].iter().chain(by).chain(&dims[axis + 1..]).copied().collect();
            let g = rng.of(dtype, count(&out));
            let source = |i: &[usize]| {
                let j = k[flat(by, &i[axis..axis + by.len()])];
                let j = if j < 0.0 { j + dims[axis] as f64 } else { j } as usize;
                let at: Vec<usize> = i[..axis].iter().copied().chain([j]).chain(i[axis + by.len()..].iter().copied()).collect();
                flat(dims, &at)
            };
            let taken: Vec<f64> = indices(&out).iter().map(|i| x[source(i)]).collect();
            let mut added = vec![0.0; x.len()];
            indices(&out).iter().zip(&g).for_each(|(i, g)| added[source(i)] += g);
            if dtype == DType::Bool {
                added.iter_mut().for_each(|v| *v = v.min(1.0));
            }
            let ints = [DType::I32, DType::I64].map(|d| Strided::layouts(d, by, &k));
            for index in ints.iter().flatten() {
                for (x, g) in Strided::layouts(dtype, dims, &x).iter().zip(Strided::layouts(dtype, &out, &g)) {
                    let mut dst = Strided::out(dtype, &out);
                    take(&Ranges::new(None), "take", x.view(), index.view(), axis, &mut dst.view_mut()).unwrap();
                    assert_eq!(dst.values(), taken, "{dims:?} {axis} {by:?}");
                    dst.check_guard();
                    let mut dst = Strided::out(dtype, dims);
                    take_add(&Ranges::new(None), "take", g.view(), index.view(), axis, &mut dst.view_mut()).unwrap();
                    assert_eq!(dst.values(), added, "{dims:?} {axis} {by:?} {dtype}");
                    dst.check_guard();
                }
            }
        }
    }
}

#[test]
fn take_add_adds_in_the_order_of_the_indices() {
    let g = Strided::new(DType::F32, &[4], &[1.0, 1e8, -1e8, 1.0]);
    let index = Strided::new(DType::I64, &[4], &[1.0; 4]);
    let mut dst = Strided::out(DType::F32, &[2]);
    take_add(&Ranges::new(None), "take", g.view(), index.view(), 0, &mut dst.view_mut()).unwrap();
    assert_eq!(dst.values(), [0.0, 1.0]);
}

#[test]
fn gather_and_its_adjoint_follow_their_definitions() {
    let mut rng = Rng(4);
    let shapes: [(&[usize], usize, usize); 6] =
        [(&[5], 0, 8), (&[4, 3], 0, 2), (&[4, 3], 1, 5), (&[2, 3, 4], 1, 3), (&[2, 0, 4], 1, 0), (&[3, 4], 0, 0)];
    for (dims, axis, len) in shapes {
        for dtype in DType::ALL {
            let mut out = dims.to_vec();
            out[axis] = len;
            let (x, k, g) = (rng.of(dtype, count(dims)), some_indices(&mut rng, dims[axis], count(&out)), rng.of(dtype, count(&out)));
            let source = |i: &[usize]| {
                let j = k[flat(&out, i)];
                let mut at = i.to_vec();
                at[axis] = if j < 0.0 { j + dims[axis] as f64 } else { j } as usize;
                flat(dims, &at)
            };
            let taken: Vec<f64> = indices(&out).iter().map(|i| x[source(i)]).collect();
            let mut added = vec![0.0; x.len()];
            indices(&out).iter().zip(&g).for_each(|(i, g)| added[source(i)] += g);
            if dtype == DType::Bool {
                added.iter_mut().for_each(|v| *v = v.min(1.0));
            }
            let ints = [DType::I32, DType::I64].map(|d| Strided::layouts(d, &out, &k));
            for index in ints.iter().flatten() {
                for (x, g) in Strided::layouts(dtype, dims, &x).iter().zip(Strided::layouts(dtype, &out, &g)) {
                    let mut dst = Strided::out(dtype, &out);
                    gather(&Ranges::new(None), "gather", x.view(), index.view(), axis, &mut dst.view_mut()).unwrap();
                    assert_eq!(dst.values(), taken);
                    dst.check_guard();
                    let mut dst = Strided::out(dtype, dims);
                    gather_add(&Ranges::new(None), "gather", g.view(), index.view(), axis, &mut dst.view_mut()).unwrap();
                    assert_eq!(dst.values(), added);
                    dst.check_guard();
                }
            }
        }
    }
}

#[test]
fn gather_reads_broadcast_operands() {
    let x = Strided::new(DType::F64, &[1, 3], &[10.0, 20.0, 30.0]).repeat(0, 4);
    let index = Strided::new(DType::I32, &[1, 2], &[-1.0, 0.0]).repeat(0, 4);
    let mut dst = Strided::out(DType::F64, &[4, 2]);
    gather(&Ranges::new(None), "gather", x.view(), index.view(), 1, &mut dst.view_mut()).unwrap();
    assert_eq!(dst.values(), [30.0, 10.0].repeat(4));
}

#[test]
fn a_bad_index_is_named() {
    let x = Strided::new(DType::F64, &[3], &[0.0; 3]);
    let empty = Strided::new(DType::F64, &[0], &[]);
    let index = |dims: &[usize], k: &[f64]| Strided::new(DType::I64, dims, k);
    let mut dst = Strided::out(DType::F64, &[2]);
    let k = index(&[2], &[1.0, 3.0]);
    let text = "take: index is out of range. Got 3 at position 1 for an axis of length 3; expected -3 <= index < 3.";
    fails(take(&Ranges::new(None), "take", x.view(), k.view(), 0, &mut dst.view_mut()), text);
    let k = index(&[1, 2], &[-3.0, -4.0]);
    let text = "take: index is out of range. Got -4 at position (0, 1) for an axis of length 3; expected -3 <= index < 3.";
    let g = Strided::new(DType::F64, &[1, 2], &[0.0; 2]);
    let mut sum = Strided::out(DType::F64, &[3]);
    fails(take_add(&Ranges::new(None), "take", g.view(), k.view(), 0, &mut sum.view_mut()), text);
    let k = index(&[], &[0.0]);
    let text = "take: index is out of range. Got 0 for an axis of length 0; expected no index into an empty axis.";
    let mut dst = Strided::out(DType::F64, &[]);
    fails(take(&Ranges::new(None), "take", empty.view(), k.view(), 0, &mut dst.view_mut()), text);
    let k = index(&[2], &[i64::MIN as f64, 0.0]);
    let text = "gather: index is out of range. Got -9223372036854775808 at position 0 for an axis of length 3; expected -3 <= index < 3.";
    let mut dst = Strided::out(DType::F64, &[2]);
    fails(gather(&Ranges::new(None), "gather", x.view(), k.view(), 0, &mut dst.view_mut()), text);
    let g = Strided::new(DType::F64, &[2], &[0.0; 2]);
    let mut sum = Strided::out(DType::F64, &[3]);
    assert!(gather_add(&Ranges::new(None), "gather", g.view(), k.view(), 0, &mut sum.view_mut()).is_err());
}

#[test]
fn one_hot_and_labels_take_whole_numbers_of_any_dtype() {
    let k = [2.0, 0.0, 1.0, 1.0];
    for dtype in [DType::I32, DType::I64, DType::F32, DType::F64] {
        for index in Strided::layouts(dtype, &[2, 2], &k) {
            for out in DType::ALL {
                let mut dst = Strided::out(out, &[2, 2, 3]);
                one_hot(&Ranges::new(None), "one_hot", index.view(), &mut dst.view_mut()).unwrap();
                assert_eq!(dst.values(), [0., 0., 1., 1., 0., 0., 0., 1., 0., 0., 1., 0.]);
                dst.check_guard();
            }
            let mut dst = Strided::out(DType::I64, &[2, 2]);
            labels(&Ranges::new(None), "one_hot", index.view(), 3, &mut dst.view_mut()).unwrap();
            assert_eq!(dst.values(), k);
            dst.check_guard();
        }
    }
    let (zero, truth) = (Strided::new(DType::F64, &[1], &[-0.0]), Strided::new(DType::Bool, &[1], &[1.0]));
    let mut dst = Strided::out(DType::I64, &[1]);
    labels(&Ranges::new(None), "labels", zero.view(), 1, &mut dst.view_mut()).unwrap();
    assert_eq!(dst.values(), [0.0]);
    labels(&Ranges::new(None), "labels", truth.view(), 2, &mut dst.view_mut()).unwrap();
    assert_eq!(dst.values(), [1.0]);
    let (none, mut dst) = (Strided::new(DType::F64, &[0], &[]), Strided::out(DType::F64, &[0, 3]));
    one_hot(&Ranges::new(None), "one_hot", none.view(), &mut dst.view_mut()).unwrap();
}

#[test]
fn a_bad_label_is_named() {
    let check = |dtype, bad: f64, text: &str| {
        let x = Strided::new(dtype, &[4], &[0.0, 1.0, 2.0, bad]);
        let mut dst = Strided::out(DType::I64, &[4]);
        fails(
            labels(&Ranges::new(None), "sparse_softmax_cross_entropy", x.view(), 10, &mut dst.view_mut()),
            &format!("sparse_softmax_cross_entropy: {text}"),
        );
        let mut dst = Strided::out(DType::F32, &[4, 10]);
        fails(one_hot(&Ranges::new(None), "one_hot", x.view(), &mut dst.view_mut()), &format!("one_hot: {text}"));
    };
    check(DType::I64, 10.0, "label is out of range. Got 10 at position 3; expected 0 <= label < 10.");
    check(DType::I32, -1.0, "label is out of range. Got -1 at position 3; expected 0 <= label < 10.");
    check(DType::F32, 10.0, "label is out of range. Got 10 at position 3; expected 0 <= label < 10.");
    check(DType::F64, f64::INFINITY, "label is out of range. Got inf at position 3; expected 0 <= label < 10.");
    check(DType::F64, f64::NAN, "label is not a whole number. Got NaN at position 3; expected 0 <= label < 10.");
    check(DType::F32, 2.3, "label is not a whole number. Got 2.3 at position 3; expected 0 <= label < 10.");
    let x = Strided::new(DType::Bool, &[1, 1], &[1.0]);
    let mut dst = Strided::out(DType::I64, &[1, 1]);
    fails(
        labels(&Ranges::new(None), "labels", x.view(), 1, &mut dst.view_mut()),
        "labels: label is out of range. Got 1 at position (0, 0); expected 0 <= label < 1.",
    );
}
