use super::super::movement::model::*;
use super::*;
use crate::shape::count;

/// The scan as it is defined: every line on its own, element by element.
fn lines(dims: &[usize], axis: usize, way: Way, start: f64, next: impl Fn(f64, usize) -> f64) -> Vec<f64> {
    let mut out = vec![f64::NAN; count(dims)];
    for i in indices(dims).into_iter().filter(|i| i[axis] == 0) {
        let mut acc = start;
        for k in 0..dims[axis] {
            let mut at = i.clone();
            at[axis] = if way.reverse { dims[axis] - 1 - k } else { k };
            let after = next(acc, flat(dims, &at));
            out[flat(dims, &at)] = if way.exclusive { acc } else { after };
            acc = after;
        }
    }
    out
}

const SHAPES: [&[usize]; 14] = [
    &[1],
    &[9],
    &[0],
    &[3, 0, 2],
    &[4, 3],
    &[3, 70],
    &[70, 3],
    &[2, 5, 3],
    &[9, 1, 6],
    &[5, 4, 1],
    &[2, 1030],
    &[3, 2, 40, 2],
    &[17, 33],
    &[2, 3, 4, 5],
];

fn ways() -> impl Iterator<Item = Way> {
    [false, true].into_iter().flat_map(|reverse| [false, true].map(|exclusive| Way { reverse, exclusive }))
}

#[test]
fn sums_and_products_are_those_of_each_line() {
    let (mut rng, ranges) = (Rng(3), Ranges::new(None));
    for dims in SHAPES {
        for axis in 0..dims.len() {
            for dtype in [DType::I32, DType::I64, DType::F32, DType::F64] {
                let x = rng.whole(count(dims));
                // A few factors of 2, which no dtype rounds.
                let few: Vec<f64> = (0..count(dims)).map(|i| if i % 97 == 5 { -2.0 } else { [1.0, -1.0][i % 3 % 2] }).collect();
                for way in ways() {
                    let sum = lines(dims, axis, way, 0.0, |acc, i| acc + x[i]);
                    let product = lines(dims, axis, way, 1.0, |acc, i| acc * few[i]);
                    for (x, few) in Strided::layouts(dtype, dims, &x).iter().zip(&Strided::layouts(dtype, dims, &few)) {
                        let mut y = Strided::out(dtype, dims);
                        sums(&ranges, x.view(), axis, way, &mut y.view_mut()).unwrap();
                        assert!(y.values() == sum, "{dtype} {dims:?} {axis} {way:?} {:?}", x.strides);
                        y.check_guard();
                        products(&ranges, few.view(), axis, way, &mut y.view_mut()).unwrap();
                        assert!(y.values() == product, "product, {dtype} {dims:?} {axis} {way:?} {:?}", x.strides);
                        y.check_guard();
                    }
                }
            }
        }
    }
}

#[test]
fn a_recurrence_writes_the_state_before_each_element() {
    let (mut rng, ranges) = (Rng(4), Ranges::new(None));
    for dims in SHAPES {
        for (axis, reverse) in (0..dims.len()).flat_map(|axis| [(axis, false), (axis, true)]) {
            let (a, b) = (rng.real(count(dims)), rng.real(count(dims)));
            let expected = lines(dims, axis, Way { reverse, exclusive: true }, 0.0, |s, i| a[i] * s + b[i]);
            for (i, a) in Strided::layouts(DType::F64, dims, &a).iter().enumerate() {
                // Operands in layouts of their own.
                let b = &Strided::layouts(DType::F64, dims, &b)[(i * 2) % 5];
                let mut y = Strided::out(DType::F64, dims);
                recurrence(&ranges, [a.view(), b.view()], axis, reverse, &mut y.view_mut()).unwrap();
                assert!(y.values() == expected, "{dims:?} {axis} {:?} {:?}", a.strides, b.strides);
                y.check_guard();
            }
        }
    }
}

#[test]
fn extremes_stay_where_they_were_first() {
    let (mut rng, ranges) = (Rng(5), Ranges::new(None));
    for dims in SHAPES {
        for axis in 0..dims.len() {
            for dtype in DType::ALL {
                let mut x = rng.of(dtype, count(dims));
                if dtype.is_float() && x.len() > 20 {
                    (0..3).for_each(|_| x[rng.below(count(dims))] = f64::NAN);
                }
                let find = |better: fn(f64, f64) -> bool| {
                    let beats = |a: f64, b: f64| !b.is_nan() && (a.is_nan() || better(a, b));
                    let at =
                        lines(dims, axis, Way::FORWARD, -1.0, |at, i| if at < 0.0 || beats(x[i], x[at as usize]) { i as f64 } else { at });
                    let step: usize = dims[axis + 1..].iter().product();
                    let values: Vec<f64> = at.iter().map(|&i| x[i as usize]).collect();
                    (values, at.iter().map(|&i| (i as usize / step % dims[axis]) as f64).collect::<Vec<_>>())
                };
                let (most, least) = (find(|a, b| a > b), find(|a, b| a < b));
                for v in Strided::layouts(dtype, dims, &x) {
                    let (mut best, mut index) = (Strided::out(dtype, dims), Strided::out(DType::I64, dims));
                    extremes::<false>(&ranges, v.view(), axis, &mut best.view_mut(), &mut index.view_mut()).unwrap();
                    assert_eq!(format!("{:?}", (best.values(), index.values())), format!("{most:?}"), "{dtype} {dims:?} {axis}");
                    extremes::<true>(&ranges, v.view(), axis, &mut best.view_mut(), &mut index.view_mut()).unwrap();
                    assert_eq!(format!("{:?}", (best.values(), index.values())), format!("{least:?}"), "{dtype} {dims:?} {axis}");
                    best.check_guard();
                    index.check_guard();
                }
            }
        }
    }
}

fn line<const N: usize>(dtype: DType, x: [f64; N], f: impl Fn(View<'_>, &mut ViewMut<'_>)) -> Vec<f64> {
    let mut y = Strided::out(dtype, &[N]);
    f(Strided::new(dtype, &[N], &x).view(), &mut y.view_mut());
    y.values()
}

#[test]
fn special_values_pass() {
    let ranges = Ranges::new(None);
    let inf = f64::INFINITY;
    let text = |v: Vec<f64>| format!("{v:?}");
    for dtype in [DType::F32, DType::F64] {
        let cumulated = |x| line(dtype, x, |x, y| sums(&ranges, x, 0, Way::FORWARD, y).unwrap());
        assert_eq!(text(cumulated([-0.0, -0.0, 1.0, inf])), "[-0.0, -0.0, 1.0, inf]");
        assert_eq!(text(cumulated([inf, 1.0, -inf, 1.0])), "[inf, inf, NaN, NaN]");
    }
    // What is between f32's ends is kept, although a product on its way is not.
    let products = line(DType::F32, [1e30f32 as f64, 1e30f32 as f64, 0.0], |x, y| products(&ranges, x, 0, Way::FORWARD, y).unwrap());
    assert_eq!(text(products), format!("[{:?}, inf, 0.0]", 1e30f32 as f64));
}

#[test]
fn a_scan_of_many_ranges_is_the_scan() {
    let n = crate::kernels::ranges::RANGE + 77;
    let x = Strided::new(DType::I32, &[n], &vec![1.0; n]);
    let mut y = Strided::out(DType::I32, &[n]);
    sums(&Ranges::new(None), x.view(), 0, Way { reverse: true, exclusive: false }, &mut y.view_mut()).unwrap();
    assert!(y.values().iter().enumerate().all(|(i, &v)| v == (n - i) as f64));
}
