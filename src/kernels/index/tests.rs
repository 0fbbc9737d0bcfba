//! Index kernels against loops over every place.

use super::super::movement::model::*;
use super::*;
use crate::shape::count;

fn fails(r: Result<()>, text: &str) {
    let e = r.err().map(|e| (e.kind(), e.to_string()));
    assert_eq!(e, Some((ErrorKind::Value, text.to_owned())));
}

fn some_places(rng: &mut Rng, len: usize, n: usize) -> Vec<f64> {
    (0..n).map(|_| rng.below(len) as f64).collect()
}

/// Elements are read, or added, by place, as the definition says: in every layout of every operand.
fn follows(dims: &[usize], axis: usize, by: &[usize], repeat: &[usize], dtype: DType, rng: &mut Rng) {
    // Axes over which places repeat are of length 1 in their memory.
    let mut own = by.to_vec();
    repeat.iter().for_each(|&i| own[i] = 1);
    let (x, k) = (rng.of(dtype, count(dims)), some_places(rng, dims[axis], count(&own)));
    let g = rng.of(dtype, count(by));
    let source = |i: &[usize]| {
        let at: Vec<usize> = i.iter().enumerate().map(|(a, &i)| if repeat.contains(&a) { 0 } else { i }).collect();
        let mut to = i.to_vec();
        to[axis] = k[flat(&own, &at)] as usize;
        flat(dims, &to)
    };
    let chosen: Vec<f64> = indices(by).iter().map(|i| x[source(i)]).collect();
    let mut added = x.clone();
    indices(by).iter().zip(&g).for_each(|(i, g)| added[source(i)] += g);
    if dtype == DType::Bool {
        added.iter_mut().for_each(|v| *v = v.min(1.0));
    }
    let places = [DType::I32, DType::I64].map(|d| Strided::layouts(d, &own, &k));
    for places in places.into_iter().flatten() {
        let places = repeat.iter().fold(places, |p, &i| p.repeat(i, by[i]));
        for (x, g) in Strided::layouts(dtype, dims, &x).iter().zip(Strided::layouts(dtype, by, &g)) {
            let mut dst = Strided::out(dtype, by);
            gather_at(&Ranges::new(None), x.view(), places.view(), axis, &mut dst.view_mut()).unwrap();
            assert_eq!(dst.values(), chosen, "{dims:?} {axis} {by:?} {dtype}");
            dst.check_guard();
            let mut dst = Strided::out(dtype, dims);
            add_at(&Ranges::new(None), x.view(), &[places.view(), g.view()], axis, &mut dst.view_mut()).unwrap();
            assert_eq!(dst.values(), added, "{dims:?} {axis} {by:?} {dtype}");
            dst.check_guard();
        }
    }
}

/// Lengths of the array, the axis, lengths of the places and the axes along which those repeat.
type Shapes = (&'static [usize], usize, &'static [usize], &'static [usize]);

#[test]
fn what_is_done_at_places_follows_its_definition() {
    let mut rng = Rng(3);
    let shapes: [Shapes; 13] = [
        (&[5], 0, &[8], &[]),
        (&[4, 3], 0, &[2, 3], &[]),
        (&[4, 3], 0, &[6, 2], &[]),
        (&[4, 3], 1, &[4, 5], &[]),
        (&[4, 3], 1, &[4, 5], &[0]),
        (&[4, 3], 0, &[6, 3], &[1]),
        (&[4, 3], 0, &[6, 3], &[0, 1]),
        (&[2, 3, 4], 1, &[2, 3, 4], &[]),
        (&[2, 3, 4], 1, &[2, 5, 4], &[0, 2]),
        (&[3, 2, 4], 0, &[5, 2, 3], &[1, 2]),
        (&[2, 0, 4], 1, &[2, 0, 4], &[]),
        (&[3, 4], 0, &[0, 4], &[]),
        (&[3, 1, 1], 0, &[2, 1, 1], &[]),
    ];
    for (dims, axis, by, repeat) in shapes {
        for dtype in DType::ALL {
            follows(dims, axis, by, repeat, dtype, &mut rng);
        }
    }
}

/// What is written at places, one after the other, as the definitions say: in every layout of the places, and of the rest.
fn writes(dims: &[usize], axis: usize, by: &[usize], repeat: &[usize], dtype: DType, rng: &mut Rng) {
    let mut own = by.to_vec();
    repeat.iter().for_each(|&i| own[i] = 1);
    let (x, k) = (rng.of(dtype, count(dims)), some_places(rng, dims[axis], count(&own)));
    let (src, shift) = (rng.of(dtype, count(by)), rng.of(dtype, count(by)));
    let to: Vec<usize> = indices(by)
        .iter()
        .map(|i| {
            let at: Vec<usize> = i.iter().enumerate().map(|(a, &i)| if repeat.contains(&a) { 0 } else { i }).collect();
            let mut to = i.to_vec();
            to[axis] = k[flat(&own, &at)] as usize;
            flat(dims, &to)
        })
        .collect();
    let one = |v: f64| if dtype == DType::Bool { v.min(1.0) } else { v };
    let (mut put, mut most, mut least) = (x.clone(), x.clone(), x.clone());
    for (&to, &v) in to.iter().zip(&src) {
        put[to] = v;
        most[to] = most[to].max(v);
        least[to] = least[to].min(v);
    }
    let last: Vec<f64> = (0..to.len()).map(|i| f64::from(u8::from(!to[i + 1..].contains(&to[i])))).collect();
    let scan = |reverse: bool| {
        let (mut y, mut before) = (x.clone(), vec![0.0; to.len()]);
        let order: Vec<usize> = if reverse { (0..to.len()).rev().collect() } else { (0..to.len()).collect() };
        for i in order {
            before[i] = y[to[i]];
            y[to[i]] = one(y[to[i]] * src[i] + shift[i]);
        }
        (y, before)
    };
    let ranges = Ranges::new(None);
    let places = [DType::I32, DType::I64].map(|d| Strided::layouts(d, &own, &k));
    for places in places.into_iter().flatten() {
        let places = repeat.iter().fold(places, |p, &i| p.repeat(i, by[i]));
        let layouts = Strided::layouts(dtype, dims, &x).into_iter().zip(Strided::layouts(dtype, by, &src));
        for ((x, s), shift) in layouts.zip(Strided::layouts(dtype, by, &shift)) {
            let what = format!("{dims:?} {axis} {by:?} {dtype} {:?}", s.strides);
            let mut dst = Strided::out(dtype, dims);
            put_at(&ranges, x.view(), places.view(), s.view(), axis, &mut dst.view_mut()).unwrap();
            assert_eq!(dst.values(), put, "{what}");
            dst.check_guard();
            for (down, expected) in [(false, &most), (true, &least)] {
                let mut dst = Strided::out(dtype, dims);
                extreme_at(&ranges, x.view(), places.view(), s.view(), axis, down, &mut dst.view_mut()).unwrap();
                assert_eq!(&dst.values(), expected, "{what}");
                dst.check_guard();
            }
            // Products of many whole numbers are too large for some dtypes.
            let small = matches!(dtype, DType::Bool | DType::F64 | DType::I64) && to.len() < 14;
            for reverse in [false, true].into_iter().filter(|_| small) {
                let (mut y, mut before) = (Strided::out(dtype, dims), Strided::out(dtype, by));
                let (to, from) = (&mut y.view_mut(), &mut before.view_mut());
                scan_at(&ranges, x.view(), places.view(), s.view(), shift.view(), axis, reverse, to, from).unwrap();
                assert_eq!((y.values(), before.values()), scan(reverse), "{what}");
                y.check_guard();
                before.check_guard();
            }
        }
        let (mut seen, mut dst) = (vec![7; count(dims) + 3], Strided::out(DType::Bool, by));
        last_at(&ranges, places.view(), dims, axis, &mut seen, &mut dst.view_mut()).unwrap();
        assert_eq!(dst.values(), last, "{dims:?} {axis} {by:?}");
        dst.check_guard();
    }
}

#[test]
fn what_is_written_at_places_follows_its_definition() {
    let mut rng = Rng(5);
    let shapes: [Shapes; 10] = [
        (&[5], 0, &[8], &[]),
        (&[4, 3], 0, &[2, 3], &[]),
        (&[4, 3], 1, &[4, 3], &[0]),
        (&[4, 3], 0, &[3, 3], &[1]),
        (&[4, 3], 0, &[6, 2], &[0, 1]),
        (&[2, 3, 4], 1, &[2, 5, 4], &[0, 2]),
        (&[3, 2, 2], 0, &[3, 2, 1], &[1]),
        (&[2, 0, 4], 1, &[2, 0, 4], &[]),
        (&[3, 4], 0, &[0, 4], &[]),
        (&[3, 1, 1], 0, &[2, 1, 1], &[]),
    ];
    for (dims, axis, by, repeat) in shapes {
        for dtype in DType::ALL {
            writes(dims, axis, by, repeat, dtype, &mut rng);
        }
    }
}

#[test]
fn extremes_at_places_keep_nan() {
    let x = Strided::new(DType::F64, &[3], &[1.0, f64::NAN, 2.0]);
    let places = Strided::new(DType::I64, &[3], &[0.0, 1.0, 2.0]);
    let src = Strided::new(DType::F64, &[3], &[f64::NAN, 0.0, 3.0]);
    for (least, last) in [(false, 3.0), (true, 2.0)] {
        let mut dst = Strided::out(DType::F64, &[3]);
        extreme_at(&Ranges::new(None), x.view(), places.view(), src.view(), 0, least, &mut dst.view_mut()).unwrap();
        let v = dst.values();
        assert!(v[0].is_nan() && v[1].is_nan() && v[2] == last);
    }
}

#[test]
fn elements_are_added_in_the_order_of_the_parts_and_their_places() {
    let (g, rest) = (Strided::new(DType::F32, &[3], &[1.0, 1e8, -1e8]), Strided::new(DType::F32, &[1], &[1.0]));
    let zeros = Strided::new(DType::F32, &[1], &[0.0]).repeat(0, 2);
    let places = |n: usize| Strided::new(DType::I64, &[n], &vec![1.0; n]);
    let (three, one) = (places(3), places(1));
    let mut dst = Strided::out(DType::F32, &[2]);
    let parts = [three.view(), g.view(), one.view(), rest.view()];
    add_at(&Ranges::new(None), zeros.view(), &parts, 0, &mut dst.view_mut()).unwrap();
    assert_eq!(dst.values(), [0.0, 1.0]);
}

#[test]
fn places_that_are_not_there_reach_nothing_else() {
    let wild = [-1.0, 3.0, i64::MIN as f64, i64::MAX as f64, 1.0];
    for (dtype, whole) in [(DType::I64, [3].as_slice()), (DType::I32, &[3]), (DType::I64, &[3, 2]), (DType::I32, &[3, 2])] {
        let by: Vec<usize> = [5].iter().chain(&whole[1..]).copied().collect();
        let wild = wild.map(|w| if dtype == DType::I32 { (w as i32).into() } else { w });
        let places = Strided::new(dtype, &[&[5], &vec![1; whole.len() - 1][..]].concat(), &wild);
        let places = (1..whole.len()).fold(places, |p, i| p.repeat(i, whole[i]));
        let x: Vec<f64> = (0..count(whole)).map(|i| i as f64).collect();
        let x = Strided::new(DType::F64, whole, &x);
        let mut dst = Strided::out(DType::F64, &by);
        gather_at(&Ranges::new(None), x.view(), places.view(), 0, &mut dst.view_mut()).unwrap();
        dst.check_guard();
        let row = count(&whole[1..]);
        let expected: Vec<f64> = [2, 2, 2, 2, 1].iter().flat_map(|&k| (0..row).map(move |i| (k * row + i) as f64)).collect();
        assert_eq!(dst.values(), expected);
        let ones = Strided::new(DType::F64, &by, &vec![1.0; count(&by)]);
        let zeros = Strided::new(DType::F64, whole, &vec![0.0; count(whole)]);
        let mut sum = Strided::out(DType::F64, whole);
        add_at(&Ranges::new(None), zeros.view(), &[places.view(), ones.view()], 0, &mut sum.view_mut()).unwrap();
        sum.check_guard();
        let expected: Vec<f64> = [0.0, 1.0, 4.0].iter().flat_map(|&v| vec![v; row]).collect();
        assert_eq!(sum.values(), expected);
        put_at(&Ranges::new(None), zeros.view(), places.view(), ones.view(), 0, &mut sum.view_mut()).unwrap();
        sum.check_guard();
        assert_eq!(sum.values(), expected.iter().map(|v| v.min(1.0)).collect::<Vec<_>>());
        let (mut before, mut seen, mut last) = (Strided::out(DType::F64, &by), vec![0; count(whole)], Strided::out(DType::Bool, &by));
        let (y, from) = (&mut sum.view_mut(), &mut before.view_mut());
        scan_at(&Ranges::new(None), zeros.view(), places.view(), ones.view(), ones.view(), 0, false, y, from).unwrap();
        assert_eq!(sum.values(), expected);
        before.check_guard();
        last_at(&Ranges::new(None), places.view(), whole, 0, &mut seen, &mut last.view_mut()).unwrap();
        last.check_guard();
    }
    // Of nothing there is nothing: zeros.
    let (empty, places) = (Strided::new(DType::F64, &[0], &[]), Strided::new(DType::I64, &[2], &[0.0, 5.0]));
    let mut dst = Strided::out(DType::F64, &[2]);
    gather_at(&Ranges::new(None), empty.view(), places.view(), 0, &mut dst.view_mut()).unwrap();
    assert_eq!(dst.values(), [0.0, 0.0]);
    let mut none = Strided::out(DType::F64, &[0]);
    add_at(&Ranges::new(None), empty.view(), &[places.view(), dst.view()], 0, &mut none.view_mut()).unwrap();
    none.check_guard();
}

#[test]
fn long_rows_and_many_places_are_whole() {
    use crate::kernels::ranges::RANGE;
    // Rows of more than a range, and more places than a range.
    for (n, row) in [(3, RANGE + 5), (RANGE + 5, 1), (RANGE / 2 + 3, 3)] {
        let x = Strided::new(DType::Bool, &[2, 1], &[0.0, 1.0]).repeat(1, row);
        let k: Vec<f64> = (0..n).map(|i| (i % 3 % 2) as f64).collect();
        let places = Strided::new(DType::I32, &[n, 1], &k).repeat(1, row);
        let mut dst = Strided::out(DType::Bool, &[n, row]);
        gather_at(&Ranges::new(None), x.view(), places.view(), 0, &mut dst.view_mut()).unwrap();
        dst.check_guard();
        assert!(dst.values().chunks(row).zip(&k).all(|(r, k)| r.iter().all(|v| v == k)));
        let zeros = Strided::new(DType::I64, &[1, 1], &[0.0]).repeat(0, 2).repeat(1, row);
        let one = Strided::new(DType::I64, &[1, 1], &[1.0]).repeat(0, n).repeat(1, row);
        let mut sum = Strided::out(DType::I64, &[2, row]);
        add_at(&Ranges::new(None), zeros.view(), &[places.view(), one.view()], 0, &mut sum.view_mut()).unwrap();
        let ones = k.iter().sum::<f64>();
        assert!(sum.values().chunks(row).zip([n as f64 - ones, ones]).all(|(r, k)| r.iter().all(|v| *v == k)));
    }
}

#[test]
fn indices_become_places_and_a_bad_one_is_named() {
    let k = [-5.0, 4.0, 0.0, -1.0, 2.0, 3.0];
    for from in [DType::I32, DType::I64] {
        for to in [DType::I32, DType::I64] {
            for index in Strided::layouts(from, &[2, 3], &k) {
                let mut dst = Strided::out(to, &[2, 3]);
                check(&Ranges::new(None), "take", index.view(), 5, &mut dst.view_mut()).unwrap();
                assert_eq!(dst.values(), [0.0, 4.0, 0.0, 4.0, 2.0, 3.0]);
                dst.check_guard();
            }
        }
    }
    let bad = |dims: &[usize], k: &[f64], n: usize, text: &str| {
        for index in Strided::layouts(DType::I64, dims, k) {
            let mut dst = Strided::out(DType::I32, dims);
            fails(check(&Ranges::new(None), "take", index.view(), n, &mut dst.view_mut()), text);
            dst.check_guard();
        }
    };
    bad(&[2], &[1.0, 3.0], 3, "take: index is out of range. Got 3 at position 1 for an axis of length 3; expected -3 <= index < 3.");
    let text = "take: index is out of range. Got -4 at position (0, 1) for an axis of length 3; expected -3 <= index < 3.";
    bad(&[1, 2], &[-3.0, -4.0], 3, text);
    let text = "take: index is out of range. Got 7 at position (1, 0) for an axis of length 3; expected -3 <= index < 3.";
    bad(&[2, 3], &[0.0, 1.0, 2.0, 7.0, 8.0, 9.0], 3, text);
    bad(&[], &[0.0], 0, "take: index is out of range. Got 0 for an axis of length 0; expected no index into an empty axis.");
    let text = "take: index is out of range. Got -9223372036854775808 at position 0 for an axis of length 3; expected -3 <= index < 3.";
    bad(&[2], &[i64::MIN as f64, 0.0], 3, text);
    // Far from the beginning, where the indices are checked in ranges.
    let n = crate::kernels::ranges::RANGE + 100;
    let mut many = vec![1.0; n];
    many[n - 3] = 9.0;
    let text = format!("take: index is out of range. Got 9 at position {} for an axis of length 3; expected -3 <= index < 3.", n - 3);
    bad(&[n], &many, 3, &text);
}

#[test]
fn labels_are_whole_numbers_of_any_dtype() {
    let k = [2.0, 0.0, 1.0, 1.0];
    for dtype in [DType::I32, DType::I64, DType::F32, DType::F64] {
        for index in Strided::layouts(dtype, &[2, 2], &k) {
            for out in [DType::I32, DType::I64] {
                let mut dst = Strided::out(out, &[2, 2]);
                labels(&Ranges::new(None), "one_hot", index.view(), 3, &mut dst.view_mut()).unwrap();
                assert_eq!(dst.values(), k);
                dst.check_guard();
            }
        }
    }
    let (zero, truth) = (Strided::new(DType::F64, &[1], &[-0.0]), Strided::new(DType::Bool, &[1], &[1.0]));
    let mut dst = Strided::out(DType::I64, &[1]);
    labels(&Ranges::new(None), "labels", zero.view(), 1, &mut dst.view_mut()).unwrap();
    assert_eq!(dst.values(), [0.0]);
    labels(&Ranges::new(None), "labels", truth.view(), 2, &mut dst.view_mut()).unwrap();
    assert_eq!(dst.values(), [1.0]);
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
