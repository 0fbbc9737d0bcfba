//! How far the functions of formulas are from the true values, in units in the last place, in both families of kernels.

use scirs2_autograd::DType;
use scirs2_autograd::internals::{Instr, formula};
use scirs2_autograd::internals::{Isa, detected};

struct Function {
    name: &'static str,
    /// The promised error.
    limit: f64,
    /// The same without fused multiply-add.
    plain: f64,
    reference: Reference,
}

/// What gives the value for `f32` inputs, good to far more than 24 bits.
enum Reference {
    /// A function, which is good to most of the bits of `f64` too.
    Function(fn(f64) -> f64),
    /// The kernel itself, in `f64`.
    Own,
    /// The same, for a function that is reflected at 0: below, the errors are those of numbers as large as 1 and as the value on the other
    /// side.
    Reflected,
}
use Reference::{Own, Reflected};

static FUNCTIONS: [Function; 31] = [
    Function { name: "exp", limit: 2.0, plain: 2.0, reference: Reference::Function(f64::exp) },
    Function { name: "expm1", limit: 3.0, plain: 3.0, reference: Reference::Function(f64::exp_m1) },
    Function { name: "log", limit: 2.0, plain: 2.0, reference: Reference::Function(f64::ln) },
    Function { name: "log1p", limit: 2.0, plain: 2.0, reference: Reference::Function(f64::ln_1p) },
    Function { name: "tanh", limit: 3.0, plain: 3.0, reference: Reference::Function(f64::tanh) },
    Function { name: "sigmoid", limit: 3.0, plain: 3.0, reference: Reference::Function(sigmoid) },
    Function { name: "softplus", limit: 3.0, plain: 3.0, reference: Reference::Function(softplus) },
    Function { name: "erf", limit: 2.0, plain: 2.0, reference: Reference::Function(erf) },
    Function { name: "erfc", limit: 3.0, plain: 4.0, reference: Reference::Function(erfc) },
    Function { name: "ndtr", limit: 3.0, plain: 4.0, reference: Reference::Function(ndtr) },
    Function { name: "exp2", limit: 2.0, plain: 2.0, reference: Reference::Function(f64::exp2) },
    Function { name: "log2", limit: 2.0, plain: 2.0, reference: Reference::Function(f64::log2) },
    Function { name: "log10", limit: 2.0, plain: 2.0, reference: Reference::Function(f64::log10) },
    Function { name: "cbrt", limit: 2.0, plain: 2.0, reference: Reference::Function(f64::cbrt) },
    Function { name: "sinc", limit: 3.0, plain: 3.0, reference: Reference::Function(sinc) },
    Function { name: "sin", limit: 3.0, plain: 3.0, reference: Reference::Function(f64::sin) },
    Function { name: "cos", limit: 3.0, plain: 3.0, reference: Reference::Function(f64::cos) },
    Function { name: "tan", limit: 4.0, plain: 4.0, reference: Reference::Function(f64::tan) },
    Function { name: "arcsin", limit: 3.0, plain: 3.0, reference: Reference::Function(f64::asin) },
    Function { name: "arccos", limit: 3.0, plain: 3.0, reference: Reference::Function(f64::acos) },
    Function { name: "arctan", limit: 3.0, plain: 3.0, reference: Reference::Function(f64::atan) },
    Function { name: "sinh", limit: 3.0, plain: 3.0, reference: Reference::Function(f64::sinh) },
    Function { name: "cosh", limit: 3.0, plain: 3.0, reference: Reference::Function(f64::cosh) },
    Function { name: "arcsinh", limit: 3.0, plain: 3.0, reference: Reference::Function(arcsinh) },
    Function { name: "arccosh", limit: 3.0, plain: 3.0, reference: Reference::Function(arccosh) },
    Function { name: "arctanh", limit: 3.0, plain: 3.0, reference: Reference::Function(arctanh) },
    Function { name: "erfinv", limit: 3.0, plain: 3.0, reference: Own },
    Function { name: "arccosh_slope", limit: 4.0, plain: 4.0, reference: Own },
    Function { name: "lgamma", limit: 4.0, plain: 4.0, reference: Reflected },
    Function { name: "digamma", limit: 6.0, plain: 6.0, reference: Reflected },
    Function { name: "trigamma", limit: 5.0, plain: 5.0, reference: Reflected },
];

fn sigmoid(x: f64) -> f64 {
    if x < 0.0 { x.exp() / (1.0 + x.exp()) } else { 1.0 / (1.0 + (-x).exp()) }
}

fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p() + if x.is_nan() { x } else { 0.0 }
}

/// e^(-a^2), with what a * a loses.
fn density(a: f64) -> f64 {
    let lost = a.mul_add(a, -(a * a));
    (-a * a).exp() * (1.0 - lost)
}

/// The error function by its series, and far out by its complement.
fn erf(x: f64) -> f64 {
    let a = x.abs();
    if a.is_nan() || a > 6.0 {
        return if a.is_nan() { x } else { 1f64.copysign(x) };
    }
    if a > 1.0 {
        return (1.0 - erfc(a)).copysign(x);
    }
    // 2/sqrt(pi) e^(-x^2) (x + 2x^3/3 + 4x^5/15 + ...): all terms are positive.
    let (mut term, mut sum, mut k) = (a, a, 1.0);
    while term > sum * 1e-18 {
        term *= 2.0 * a * a / (2.0 * k + 1.0);
        sum += term;
        k += 1.0;
    }
    (std::f64::consts::FRAC_2_SQRT_PI * density(a) * sum).copysign(x)
}

/// 1 - erf(x) far out by its continued fraction.
fn erfc(x: f64) -> f64 {
    if x.is_nan() || x < 0.5 {
        return 1.0 - erf(x);
    }
    let mut tail = 0.0;
    for k in (1..if x < 1.0 { 2000 } else { 200 }).rev() {
        tail = f64::from(k) / 2.0 / (x + tail);
    }
    // Beyond 27.3 it is zero, and the square of infinity has lost no number.
    if x > 27.3 { 0.0 } else { density(x) / ((x + tail) * std::f64::consts::PI.sqrt()) }
}

/// The standard normal distribution function: the argument of erfc is rounded, by what the derivative makes up for.
fn ndtr(x: f64) -> f64 {
    let a = -x * std::f64::consts::FRAC_1_SQRT_2;
    let lost = (-x).mul_add(std::f64::consts::FRAC_1_SQRT_2, -a) - x * -4.833646656726457e-17;
    let slope = if a.abs() < 30.0 { std::f64::consts::FRAC_2_SQRT_PI * density(a) } else { 0.0 };
    (erfc(a) - if lost.is_finite() { slope * lost } else { 0.0 }) / 2.0
}

/// sin(pi x) / (pi x), with the whole quarter turns of x taken off exactly.
fn sinc(x: f64) -> f64 {
    let y = x - 2.0 * (x / 2.0).round_ties_even();
    let quarters = (2.0 * y).round_ties_even();
    let rest = std::f64::consts::PI * (y - quarters / 2.0);
    let sine = match quarters.abs() as u8 {
        0 => rest.sin(),
        1 => rest.cos() * quarters,
        _ => -rest.sin(),
    };
    if x == 0.0 { 1.0 } else { sine / (std::f64::consts::PI * x) }
}

/// The standard library's overflows for the largest numbers.
fn arcsinh(x: f64) -> f64 {
    if x.abs() > 1e9 { (x.abs().ln() + std::f64::consts::LN_2).copysign(x) } else { x.asinh() }
}

/// The standard library's overflows for the largest numbers, and loses digits near 1.
fn arccosh(x: f64) -> f64 {
    let above = x - 1.0;
    let near = (above + (above * (x + 1.0)).sqrt()).ln_1p();
    if x > 1e9 {
        x.ln() + std::f64::consts::LN_2
    } else if x < 1.0 {
        f64::NAN
    } else {
        near
    }
}

/// The standard library's loses digits near -1.
fn arctanh(x: f64) -> f64 {
    x.abs().atanh().copysign(x)
}

/// One kernel of each family: those with fused multiply-add have the same bits, which `families_agree` checks.
fn families() -> Vec<Isa> {
    if detected() == Isa::Base { vec![Isa::Base] } else { vec![Isa::Base, detected()] }
}

impl Function {
    fn limit(&self, isa: Isa) -> f64 {
        if isa == Isa::Base { self.plain } else { self.limit }
    }

    /// The values at numbers of `f32`, and how large the numbers are of which they are differences.
    fn values(&self, isa: Isa, x: &[f32; 512]) -> ([f64; 512], [f64; 512]) {
        let wide = x.map(f64::from);
        let own = |x: &[f64; 512]| {
            let mut y = [0f64; 512];
            apply(kernel(self, isa, DType::F64), x, &mut y);
            y
        };
        match self.reference {
            Reference::Function(f) => (wide.map(f), [0.0; 512]),
            Own => (own(&wide), [0.0; 512]),
            Reflected => {
                let (mut size, other) = ([0.0; 512], own(&wide.map(|x| -x)));
                for (i, x) in wide.iter().enumerate().filter(|(_, x)| **x < 0.0) {
                    size[i] = if x.is_finite() { other[i].abs().max(1.0) } else { 0.0 };
                }
                (own(&wide), size)
            }
        }
    }
}

fn kernel(f: &Function, isa: Isa, dtype: DType) -> Instr {
    (formula(f.name).expect("a formula of that name").forms)(isa, dtype).expect("all functions take floats").0[0]
        .expect("the full form exists")
}

/// Applies a kernel to as many values as a register has.
fn apply<T: Copy>(k: Instr, x: &[T; 512], y: &mut [T; 512]) {
    // SAFETY: both have 512 values; the operands that a unary kernel lacks are not looked at.
    unsafe { k(y.as_mut_ptr().cast(), x.as_ptr().cast(), std::ptr::null(), std::ptr::null(), 512) }
}

/// The distance of y from `hi + lo` in the last place of a float with `digits` bits and least exponent `least` at the true value.
fn ulps(y: f64, hi: f64, lo: f64, digits: i32, least: i32) -> f64 {
    ulps_of(0.0, y, hi, lo, digits, least)
}

/// The same in the last place at `size`, if that is larger.
fn ulps_of(size: f64, y: f64, hi: f64, lo: f64, digits: i32, least: i32) -> f64 {
    if y.is_nan() || hi.is_nan() {
        return if y.is_nan() && hi.is_nan() { 0.0 } else { f64::INFINITY };
    }
    // What rounds to infinity is infinite.
    let largest = if digits == 24 { f64::from(f32::MAX) * (1.0 + 2f64.powi(-25)) } else { f64::MAX };
    if y.is_infinite() || hi.abs() > largest {
        return if y == hi || (y.is_infinite() && hi.abs() > largest * (1.0 - 2f64.powi(-22)) && y * hi > 0.0) {
            0.0
        } else {
            f64::INFINITY
        };
    }
    let exponent = ((hi.abs().max(size).to_bits() >> 52 & 0x7ff) as i32 - 1023).max(least);
    let unit = |d: f64| d / 2f64.powi(exponent / 2) / 2f64.powi(exponent - exponent / 2) * 2f64.powi(digits - 1);
    (unit(y - hi) - unit(lo)).abs()
}

/// The worst error of a function over the `f32` bit patterns `start, start + step, ...`, and where it is.
fn worst_f32(f: &Function, isa: Isa, start: u64, step: u64, end: u64) -> (f64, f32) {
    let k = kernel(f, isa, DType::F32);
    let (mut x, mut y) = ([0f32; 512], [0f32; 512]);
    let mut worst = (0.0, 0.0);
    let mut at = start;
    while at < end {
        for (i, x) in x.iter_mut().enumerate() {
            *x = f32::from_bits((at + i as u64 * step).min(end - 1) as u32);
        }
        apply(k, &x, &mut y);
        let (expected, sizes) = f.values(isa, &x);
        for (i, x) in x.iter().enumerate() {
            let error = ulps_of(sizes[i], f64::from(y[i]), expected[i], 0.0, 24, -126);
            if error > worst.0 {
                worst = (error, *x);
            }
        }
        at += 512 * step;
    }
    worst
}

#[test]
fn f32_functions_are_accurate_on_a_sample_of_all_bit_patterns() {
    for f in &FUNCTIONS {
        for isa in families() {
            let (error, x) = worst_f32(f, isa, 0, 997, 1 << 32);
            println!("{:14}f32 {isa:6} {error:.3} ulp at {x:e}", f.name);
            assert!(error <= f.limit(isa), "{} f32 {isa}: {error} ulp at {x:e} ({:#x})", f.name, x.to_bits());
        }
    }
}

#[test]
#[ignore = "all 2^32 floats of so many functions take more than an hour: make test-slow"]
fn f32_functions_are_accurate_on_all_bit_patterns() {
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get()) as u64;
    for f in &FUNCTIONS {
        for isa in families() {
            let part = (1u64 << 32).div_ceil(threads);
            let (error, x) = std::thread::scope(|s| {
                let parts: Vec<_> =
                    (0..threads).map(|t| s.spawn(move || worst_f32(f, isa, t * part, 1, ((t + 1) * part).min(1 << 32)))).collect();
                parts.into_iter().map(|p| p.join().expect("a part ends")).fold((0.0, 0.0), |a, b| if b.0 > a.0 { b } else { a })
            });
            println!("{:14}f32 {isa:6} {error:.3} ulp at {x:e}", f.name);
            assert!(error <= f.limit(isa), "{} f32 {isa}: {error} ulp at {x:e} ({:#x})", f.name, x.to_bits());
        }
    }
}

/// Lines of a function's name, an `f64` argument, the nearest `f64` to the value (both as bits), what that lacks, and a second
/// argument; ulp/points.py writes them.
const POINTS: &str = include_str!("ulp/points.csv");

#[test]
fn f64_functions_are_accurate_at_points_computed_with_many_digits() {
    for isa in families() {
        for f in &FUNCTIONS {
            let k = kernel(f, isa, DType::F64);
            let (mut worst, mut count) = ((0.0, 0.0), 0);
            for line in POINTS.lines() {
                let fields: Vec<&str> = line.split(',').collect();
                if fields[0] != f.name {
                    continue;
                }
                let float = |s: &str| f64::from_bits(u64::from_str_radix(s, 16).expect("bits"));
                let (x, hi, lo) = (float(fields[1]), float(fields[2]), fields[3].parse::<f64>().expect("a number"));
                let mut y = [0f64; 512];
                apply(k, &[x; 512], &mut y);
                let error = ulps(y[0], hi, lo, 53, -1022);
                if error > worst.0 {
                    worst = (error, x);
                }
                count += 1;
            }
            println!("{:14}f64 {isa:6} {:.3} ulp at {:e}, {count} points", f.name, worst.0, worst.1);
            assert!(count >= 150, "{}: {count} points", f.name);
            assert!(worst.0 <= f.limit(isa), "{} f64 {isa}: {} ulp at {:e}", f.name, worst.0, worst.1);
        }
    }
}

/// Applies the power, the full form, to registers.
fn pow<T: Copy>(isa: Isa, dtype: DType, a: &[T; 512], b: &[T; 512], d: &mut [T; 512]) {
    let k = (formula("pow").expect("pow is a formula").forms)(isa, dtype).expect("floats").0[0].expect("the full form exists");
    // SAFETY: all have 512 values.
    unsafe { k(d.as_mut_ptr().cast(), a.as_ptr().cast(), b.as_ptr().cast(), std::ptr::null(), 512) };
}

#[test]
fn powers_are_accurate_and_have_the_special_values_of_the_standard() {
    let points: Vec<[f64; 4]> = POINTS
        .lines()
        .filter_map(|l| {
            let f: Vec<&str> = l.strip_prefix("pow,")?.split(',').collect();
            let float = |s: &str| f64::from_bits(u64::from_str_radix(s, 16).expect("bits"));
            Some([float(f[0]), float(f[1]), f[2].parse().expect("a number"), float(f[3])])
        })
        .collect();
    assert!(points.len() >= 150);
    let special =
        [0.0, 1.0, 2.0, 3.0, 0.5, 2.5, 1e-310, 1e300, 9007199254740993.0, 4503599627370497.0, f64::INFINITY, f64::NAN, 1.0 + f64::EPSILON];
    for isa in families() {
        let (mut worst, mut worst_f32) = ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0));
        let mut d = [0f64; 512];
        for [a, hi, lo, b] in &points {
            pow(isa, DType::F64, &[*a; 512], &[*b; 512], &mut d);
            let error = ulps(d[0], *hi, *lo, 53, -1022);
            if error > worst.0 {
                worst = (error, *a, *b);
            }
            let (x, y, mut d) = ([*a as f32; 512], [*b as f32; 512], [0f32; 512]);
            pow(isa, DType::F32, &x, &y, &mut d);
            let error = ulps(f64::from(d[0]), f64::from(x[0]).powf(f64::from(y[0])), 0.0, 24, -126);
            if error > worst_f32.0 {
                worst_f32 = (error, *a, *b);
            }
        }
        println!("pow {isa}: f64 {worst:?}, f32 {worst_f32:?}, {} points", points.len());
        assert!(worst.0 <= 2.0 && worst_f32.0 <= 2.0, "pow {isa}: {worst:?}, {worst_f32:?}");
        for a in special.iter().flat_map(|a| [*a, -a]) {
            for b in special.iter().flat_map(|b| [*b, -b]) {
                pow(isa, DType::F64, &[a; 512], &[b; 512], &mut d);
                let error = ulps(d[0], a.powf(b), 0.0, 53, -1022);
                assert!(
                    error <= 2.0 && (d[0] != 0.0 || d[0].to_bits() == a.powf(b).to_bits()),
                    "{isa} {a:e}^{b:e}: {:e}, {:e}",
                    d[0],
                    a.powf(b)
                );
                let (x, y, mut z) = (a as f32, b as f32, [0f32; 512]);
                pow(isa, DType::F32, &[x; 512], &[y; 512], &mut z);
                let error = ulps(f64::from(z[0]), f64::from(x.powf(y)), 0.0, 24, -126);
                assert!(
                    error <= 2.0 && (z[0] != 0.0 || z[0].to_bits() == x.powf(y).to_bits()),
                    "f32 {isa} {x:e}^{y:e}: {:e}, {:e}",
                    z[0],
                    x.powf(y)
                );
            }
        }
    }
}

/// Arguments of all magnitudes, most of them near 1, from a counter.
fn argument(i: u64) -> f64 {
    let mut z = i.wrapping_mul(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d049bb133111eb);
    z ^= z >> 31;
    match i % 4 {
        0 => f64::from_bits(z),
        1 => (z as i64) as f64 * 2f64.powi(-60),
        2 => (z as i64) as f64 * 2f64.powi(-63) * 1e4,
        _ => f64::from_bits(z >> 12 | 0x3ff << 52) - 1.0,
    }
}

/// The standard library's `f64` functions are within one unit of the true values, those above within eight: a coarse check of many points.
#[test]
fn f64_functions_agree_with_the_standard_library() {
    for isa in families() {
        for f in &FUNCTIONS {
            let Reference::Function(reference) = f.reference else { continue };
            let k = kernel(f, isa, DType::F64);
            let slack = if matches!(f.name, "arccosh" | "arcsinh" | "arctanh" | "erf" | "erfc" | "ndtr" | "sigmoid" | "sinc" | "softplus") {
                8.0
            } else {
                1.0
            };
            let (mut x, mut y) = ([0f64; 512], [0f64; 512]);
            for block in 0..400 {
                for (i, x) in x.iter_mut().enumerate() {
                    *x = argument(block * 512 + i as u64);
                }
                apply(k, &x, &mut y);
                for (x, y) in x.iter().zip(&y) {
                    let error = ulps(*y, reference(*x), 0.0, 53, -1022);
                    assert!(error <= f.limit(isa) + slack, "{} f64 {isa}: {error} ulp at {x:e}: {y:e}", f.name);
                }
            }
        }
    }
}

#[test]
fn avx2_and_avx512_give_the_same_bits() {
    if detected() < Isa::Avx512 {
        println!("not run: this machine lacks AVX-512");
        return;
    }
    for f in &FUNCTIONS {
        let (a, b) = (kernel(f, Isa::Avx2, DType::F64), kernel(f, Isa::Avx512, DType::F64));
        let (mut x, mut y, mut z) = ([0f64; 512], [0f64; 512], [0f64; 512]);
        for block in 0..100 {
            for (i, x) in x.iter_mut().enumerate() {
                *x = argument(block * 512 + i as u64);
            }
            apply(a, &x, &mut y);
            apply(b, &x, &mut z);
            assert!(y.iter().zip(&z).all(|(y, z)| y.to_bits() == z.to_bits() || (y.is_nan() && z.is_nan())), "{} f64", f.name);
        }
        let (a, b) = (kernel(f, Isa::Avx2, DType::F32), kernel(f, Isa::Avx512, DType::F32));
        let (mut x, mut y, mut z) = ([0f32; 512], [0f32; 512], [0f32; 512]);
        for block in 0..2000u32 {
            for (i, x) in x.iter_mut().enumerate() {
                *x = f32::from_bits((block * 512 + i as u32).wrapping_mul(4099));
            }
            apply(a, &x, &mut y);
            apply(b, &x, &mut z);
            assert!(y.iter().zip(&z).all(|(y, z)| y.to_bits() == z.to_bits() || (y.is_nan() && z.is_nan())), "{} f32", f.name);
        }
    }
}
