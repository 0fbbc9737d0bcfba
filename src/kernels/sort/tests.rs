use super::super::movement::model::*;
use super::*;
use crate::shape::count;

/// Stable, NaN behind all numbers.
fn order(line: &[f64]) -> Vec<usize> {
    let mut at: Vec<usize> = (0..line.len()).collect();
    at.sort_by(|&i, &j| {
        let (a, b) = (line[i], line[j]);
        a.is_nan().cmp(&b.is_nan()).then(a.partial_cmp(&b).unwrap_or(std::cmp::Ordering::Equal))
    });
    at
}

/// For each place in C order of an array of `kept` elements along `axis`: the place in `x` of that element of the sorted line.
fn expected(dims: &[usize], axis: usize, x: &[f64], kept: usize, first: impl Fn(&[f64]) -> Vec<usize>) -> Vec<(usize, usize)> {
    let mut out = dims.to_vec();
    out[axis] = kept;
    indices(&out)
        .into_iter()
        .map(|mut i| {
            let k = i[axis];
            let line: Vec<usize> = (0..dims[axis])
                .map(|k| {
                    i[axis] = k;
                    flat(dims, &i)
                })
                .collect();
            let at = first(&line.iter().map(|&p| x[p]).collect::<Vec<_>>())[k];
            (line[at], at)
        })
        .collect()
}

const SHAPES: [&[usize]; 12] =
    [&[1], &[0], &[3, 0, 2], &[9], &[700], &[4, 3], &[3, 300], &[300, 3], &[2, 5, 3], &[2, 300, 19], &[5, 4, 1], &[3, 1, 7]];

/// Numbers with ties, signed zeros and NaN.
fn numbers(rng: &mut Rng, dtype: DType, n: usize) -> Vec<f64> {
    let mut x = if rng.below(2) == 0 { rng.of(dtype, n) } else { rng.real(n) };
    if !dtype.is_float() {
        x = rng.of(dtype, n);
    } else {
        x.iter_mut().for_each(|x| *x = *x as f32 as f64);
        for odd in [-0.0, 0.0, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
            if n > 8 {
                x[rng.below(n)] = odd;
            }
        }
    }
    x
}

fn text(values: &[f64]) -> String {
    format!("{values:?}")
}

#[test]
fn lines_are_sorted_and_equals_stay_in_order() {
    let (mut rng, ranges) = (Rng(7), Ranges::new(None));
    for dims in SHAPES {
        for axis in 0..dims.len() {
            for dtype in DType::ALL {
                let x = numbers(&mut rng, dtype, count(dims));
                let all = expected(dims, axis, &x, dims[axis], order);
                let values: Vec<f64> = all.iter().map(|p| x[p.0]).collect();
                let places: Vec<f64> = all.iter().map(|p| p.1 as f64).collect();
                for v in Strided::layouts(dtype, dims, &x) {
                    let (mut y, mut index) = (Strided::out(dtype, dims), Strided::out(DType::I64, dims));
                    let (a, b) = (sort_bytes(dims, axis, dtype), argsort_bytes(dims, axis));
                    let mut scratch = vec![0x5a5a_5a5a_5a5a_5a5au64; a.max(b).div_ceil(8) + 1];
                    let bytes = unsafe { std::slice::from_raw_parts_mut(scratch.as_mut_ptr().cast::<u8>(), scratch.len() * 8) };
                    sort(&ranges, v.view(), axis, &mut bytes[..a], &mut y.view_mut()).unwrap();
                    assert!(text(&y.values()) == text(&values), "{dtype} {dims:?} {axis} {:?}", v.strides);
                    argsort(&ranges, v.view(), axis, &mut bytes[..b], &mut index.view_mut()).unwrap();
                    assert!(index.values() == places, "{dtype} {dims:?} {axis} {:?}", v.strides);
                    assert!(bytes[a.max(b)..].iter().all(|&b| b == 0x5a), "scratch overrun");
                    y.check_guard();
                    index.check_guard();
                }
            }
        }
    }
}

#[test]
fn the_first_are_those_of_the_sorted_line() {
    let (mut rng, ranges) = (Rng(8), Ranges::new(None));
    for dims in SHAPES {
        for axis in 0..dims.len() {
            let n = dims[axis];
            for (dtype, k) in
                DType::ALL.into_iter().flat_map(|d| [0, 1, n / 9, n / 2].map(|k| (d, if k == 0 && d == DType::F32 { n } else { k.min(n) })))
            {
                let x = numbers(&mut rng, dtype, count(dims));
                for (greatest, ordered) in [(true, true), (false, true), (true, false), (false, false)] {
                    let first = |line: &[f64]| {
                        // From behind, of equals the first before the others.
                        let mut at = order(&if greatest { line.iter().map(|v| -v).collect() } else { line.to_vec() });
                        if greatest {
                            at.sort_by_key(|&i| !line[i].is_nan());
                        }
                        at.truncate(k);
                        if !ordered {
                            at.sort_unstable();
                        }
                        at
                    };
                    let all = expected(dims, axis, &x, k, first);
                    let values: Vec<f64> = all.iter().map(|p| x[p.0]).collect();
                    let places: Vec<f64> = all.iter().map(|p| p.1 as f64).collect();
                    let mut out = dims.to_vec();
                    out[axis] = k;
                    for v in Strided::layouts(dtype, dims, &x) {
                        let (mut y, mut index) = (Strided::out(dtype, &out), Strided::out(DType::I64, &out));
                        let mut scratch = vec![0u128; top_bytes(dims, axis, k).div_ceil(16)];
                        let bytes = unsafe { std::slice::from_raw_parts_mut(scratch.as_mut_ptr().cast::<u8>(), scratch.len() * 16) };
                        top(&ranges, v.view(), axis, greatest, ordered, bytes, &mut y.view_mut(), &mut index.view_mut()).unwrap();
                        let what = format!("{dtype} {dims:?} {axis} {k} {greatest} {ordered} {:?}", v.strides);
                        assert!(text(&y.values()) == text(&values) && index.values() == places, "{what}");
                        y.check_guard();
                        index.check_guard();
                    }
                }
            }
        }
    }
}

#[test]
fn long_lines_of_few_upper_halves_are_sorted() {
    let ranges = Ranges::new(None);
    // Doubles that differ in their lower bits, and integers of both halves.
    let close = |i: u64| f64::from_bits(1f64.to_bits() + i.wrapping_mul(0x9e37_79b9_7f4a_7c15) % 5000 + ((i % 3) << 60));
    let n = 4000;
    let x: Vec<f64> = (0..n).map(close).collect();
    let at = order(&x);
    let (v, mut y, mut index) =
        (Strided::new(DType::F64, &[x.len()], &x), Strided::out(DType::F64, &[x.len()]), Strided::out(DType::I64, &[x.len()]));
    let mut scratch = vec![0u64; 2 * x.len()];
    let bytes = unsafe { std::slice::from_raw_parts_mut(scratch.as_mut_ptr().cast::<u8>(), scratch.len() * 8) };
    sort(&ranges, v.view(), 0, bytes, &mut y.view_mut()).unwrap();
    argsort(&ranges, v.view(), 0, bytes, &mut index.view_mut()).unwrap();
    assert!(y.values().iter().zip(&at).all(|(v, &i)| *v == x[i]));
    assert!(index.values().iter().zip(&at).all(|(v, &i)| *v == i as f64));
}
