//! The first and second derivative of every smooth function of one number, over its whole range and in both precisions,
//! against values that were computed with 60 digits.
//!
//! A derivative is far from 0 where the value has long been rounded to its limit: no rule may compute from a rounded value what
//! the argument gives exactly.

use scirs2_autograd::Array;
use scirs2_autograd::DType;
use scirs2_autograd::internals::TABLE;
use scirs2_autograd::internals::build;
use scirs2_autograd::internals::{Body, Kernel, OpDef, Operands};
use scirs2_autograd::{run, tensor_ops as T};

/// Lines of a row's name and an `f64` argument; then the value, the first and the second derivative, each as the nearest `f64`
/// and what that lacks. Floats are written as bits. Half of the arguments are `f32` numbers. The zeros of gelu's derivatives,
/// near which these are differences of larger numbers, are left out.
const POINTS: &str = include_str!("derivatives/points.csv");

/// The promised error, in units in the last place.
const LIMIT: f64 = 8.0;

/// Rows of one floating number that have no points, and why.
const WITHOUT: [(&str, &str); 6] = [
    ("relu", "it is linear on both sides of 0"),
    ("decay", "it has a jump, and its derivative no use"),
    ("decay_twice", "it has a jump, and its derivative no use"),
    ("gaussian", "erf tests it"),
    ("log_sum", "log tests it"),
    ("normal_density", "ndtr tests it"),
];

struct Point {
    x: f64,
    /// Value, first and second derivative, each in two pieces.
    y: [(f64, f64); 3],
}

fn points(name: &str) -> Vec<Point> {
    let float = |s: &str| f64::from_bits(u64::from_str_radix(s, 16).expect("bits"));
    let parse = |line: &str| {
        let f: Vec<&str> = line.split(',').collect();
        (f[0] == name).then(|| {
            let pair = |k: usize| (float(f[k]), f[k + 1].parse().expect("a number"));
            Point { x: float(f[1]), y: [pair(2), pair(4), pair(6)] }
        })
    };
    POINTS.lines().filter_map(parse).collect()
}

/// Value and both derivatives at the points.
fn derivatives(def: &'static OpDef, x: &Array) -> [Vec<f64>; 3] {
    run(|ctx| {
        let t = ctx.placeholder_of("x", &[-1], x.dtype());
        let y = build(ctx, def, &[t], &[]).expect("the row")[0];
        let g = T::grad(&[y], &[t])[0];
        let gg = T::grad(&[g], &[t])[0];
        let out = ctx.evaluator().push(y).push(g).push(gg).feed(t, x).run();
        [0, 1, 2].map(|k| {
            let a = out[k].as_ref().expect("a value");
            match a.dtype() {
                DType::F32 => a.as_slice::<f32>().expect("floats").iter().map(|&y| f64::from(y)).collect(),
                _ => a.as_slice::<f64>().expect("floats").to_vec(),
            }
        })
    })
}

/// The distance of `y` from the number `hi + lo` in units of its last place, in a float of `digits` bits whose smallest normal
/// number is 2^least. What the format cannot hold counts as infinite. `slack` is what counts as one of `LIMIT` units among the
/// subnormal numbers.
fn ulps(y: f64, (hi, lo): (f64, f64), digits: i32, least: i32, slack: f64) -> f64 {
    let largest = if digits == 24 { f64::from(f32::MAX) } else { f64::MAX };
    if hi.abs() > largest {
        return if y.is_infinite() && y.signum() == hi.signum() { 0.0 } else { f64::INFINITY };
    }
    let units = |exponent: i32| {
        let unit = |d: f64| d / 2f64.powi(exponent / 2) / 2f64.powi(exponent - exponent / 2) * 2f64.powi(digits - 1);
        (unit(y - hi) - unit(lo)).abs()
    };
    let exponent = ((hi.to_bits() >> 52 & 0x7ff) as i32 - 1023).max(least);
    units(exponent).min(units(least) / slack)
}

/// In units of the subnormal numbers an error is as many times larger as what an exponential that has become subnormal is
/// multiplied with: `x`, for gelu's second derivative its square.
fn slack(name: &str) -> f64 {
    match name {
        "erf" | "erfc" | "ndtr" => 8.0,
        "gelu" => 128.0,
        _ => 1.0,
    }
}

/// The rows with points. A primitive of one floating number without them needs a reason.
fn rows() -> Vec<&'static OpDef> {
    let covered = |d: &&'static OpDef| {
        let found = POINTS.lines().any(|l| l.split(',').next() == Some(d.name));
        let unary = d.params.len() == 1
            && matches!(&d.body, Body::Primitive(p) if matches!(p.kernel, Kernel::Tile(_)) && p.operands == Operands::Float);
        let reason = WITHOUT.iter().any(|(name, _)| *name == d.name);
        assert!(!unary || found != reason, "{}: it needs points in derivatives/points.csv, or a reason", d.name);
        found
    };
    TABLE.iter().copied().filter(covered).collect()
}

#[test]
fn derivatives_keep_their_relative_accuracy() {
    let mut failures = vec![];
    let rows = rows();
    assert_eq!(rows.len(), 13);
    for def in rows {
        let all = points(def.name);
        for dtype in [DType::F64, DType::F32] {
            let chosen: Vec<&Point> = all.iter().filter(|p| dtype == DType::F64 || f64::from(p.x as f32) == p.x).collect();
            assert!(chosen.len() >= 70, "{}: {} points", def.name, chosen.len());
            let x = match dtype {
                DType::F32 => Array::from_slice(&chosen.iter().map(|p| p.x as f32).collect::<Vec<_>>(), &[chosen.len()]),
                _ => Array::from_slice(&chosen.iter().map(|p| p.x).collect::<Vec<_>>(), &[chosen.len()]),
            };
            let found = derivatives(def, &x.expect("an array"));
            let (digits, least) = if dtype == DType::F32 { (24, -126) } else { (53, -1022) };
            for (order, values) in found.iter().enumerate() {
                let errors = values.iter().zip(&chosen).map(|(&y, p)| (ulps(y, p.y[order], digits, least, slack(def.name)), p.x, y));
                let (error, x, y) = errors.fold((0.0, 0.0, 0.0), |a, b| if b.0 > a.0 || b.0.is_nan() { b } else { a });
                println!("{:9} {dtype} order {order}: {error:.2} ulp at {x:e}", def.name);
                if error.is_nan() || error > LIMIT {
                    failures.push(format!("{} {dtype}, order {order}: {error:.1} ulp at {x:e}: {y:e}", def.name));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn the_adjoint_of_softmax_keeps_its_relative_accuracy() {
    // (logits, cotangent): where one probability rounds to 1, where all are alike, with ties. No difference of cotangents has
    // another sign than the others of its row, so that nothing cancels in the reference.
    let cases: [(&[f64], &[f64]); 6] = [
        (&[37.43, 0.0], &[1.0, 0.0]),
        (&[0.0, 100.0, -20.0], &[2.0, 7.0, -3.0]),
        (&[700.0, 0.0, 650.0, -30.0], &[0.0, 1.0, 2.0, 3.0]),
        (&[1.0, 1.0, 1.0], &[1.0, 0.0, 0.0]),
        (&[60.0, 60.0, 0.0], &[3.0, 3.0, 1.0]),
        (&[-5.0, 20.0], &[1e10, 1e-10]),
    ];
    for (x, g) in cases {
        let top = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let e: Vec<f64> = x.iter().map(|x| (x - top).exp()).collect();
        let sum: f64 = e.iter().sum();
        let want = |i: usize| e[i] / sum * (0..x.len()).map(|j| e[j] / sum * (g[i] - g[j])).sum::<f64>();
        for dtype in [DType::F64, DType::F32] {
            let found = run(|ctx| {
                let [x, g] = [x, g].map(|v| T::cast(ctx.constant(ndarray::arr1(v)), dtype));
                let y = T::softmax(x, -1i64);
                let a = T::cast(T::grad_with_default(&[y], &[x], &[g])[0], DType::F64).eval(ctx).expect("a value");
                a.as_slice::<f64>().expect("floats").to_vec()
            });
            let unit = if dtype == DType::F32 { f64::from(f32::EPSILON) } else { f64::EPSILON };
            for (i, y) in found.iter().enumerate() {
                // Smaller than what f32 holds is 0 there.
                let w = if dtype == DType::F32 && want(i).abs() < 1e-37 { *y } else { want(i) };
                assert!((y - w).abs() <= LIMIT * unit * w.abs(), "{dtype} {x:?} {g:?}: {y:e} is not {w:e}");
                assert!(dtype == DType::F64 || w.abs() >= 1e-37 || y.abs() < 1e-36);
            }
        }
    }
}
