//! The macro that turns one scalar formula into the kernels of an elementwise op.

/// The kernels of a scalar formula, as an [`Elementwise`](crate::kernels::tile::Elementwise); usable in a `const` or `static`.
///
/// ```text
/// static SIGMOID: Elementwise = formula! { float |x| 1.0 / (1.0 + exp(-x)) };
/// static ADD: Elementwise = formula! { number |a, b| a + b };
/// static LESS: Elementwise = formula! { compare |a, b| lt(a, b) };
/// static AND: Elementwise = formula! { mask |a, b| a & b };
/// static POW: Elementwise = formula! { float full |a, b| pow(a, b) };
/// ```
///
/// In braces, because rustfmt would take the bars inside parentheses for operators.
///
/// * `float`: `f32`, `f64`. `number`: those and `i32`, `i64`, which wrap. The output has the dtype of the inputs.
/// * `compare`: all dtypes, bools as bytes; the output is bool. `mask`: bools to bool, with Rust's operators on `bool`.
/// * `integer`: `i32`, `i64`. `bits`: those and bools as bytes. The output has the dtype of the inputs; the operands are plain Rust
///   numbers, for the functions of [`integer`](crate::kernels::integer) and Rust's operators.
/// * `repaired`: as `float`, and `sin`, `cos` and `tan` may stand in it, applied to an operand: elements with an operand beyond their limit are
///   computed once more, with the standard library's functions. One operand.
///
/// After the kind, `full` says that only the form with full operands is compiled ([`full`](crate::kernels::full)): for heavy formulas of
/// several operands, whose single operands are copied into registers instead. `division` says the same of the functions of
/// [`division`](crate::kernels::division), which need a repair of their own.
///
/// `float |x| sin(x)` and those of `cos` and `tan` are taken as `repaired`. A row's macro must hand its formula on as tokens (not as `expr`) for
/// that; elsewhere `float` does not know these functions.
///
/// The functions are those of [`math`](crate::kernels::math) and, where allowed, [`trig`](crate::kernels::trig); operands and literals
/// mix freely. `&&` and `||` do not vectorise: write `&` and `|`.
macro_rules! formula {
    (float |$x:ident| sin($y:ident)) => { $crate::formula!(repaired |$x| sin($y)) };
    (float |$x:ident| cos($y:ident)) => { $crate::formula!(repaired |$x| cos($y)) };
    (float |$x:ident| tan($y:ident)) => { $crate::formula!(repaired |$x| tan($y)) };
    ($kind:ident |$($x:ident),+ $(,)?| $body:expr) => { $crate::formula!(@kind $kind tile [$($x)+] $body) };
    ($kind:ident $how:ident |$($x:ident),+ $(,)?| $body:expr) => { $crate::formula!(@kind $kind $how [$($x)+] $body) };

    (@kind float $how:ident $x:tt $body:expr) => { $crate::formula!(@kernels $how same [math] [F32 f32, F64 f64] $x $body) };
    (@kind number $how:ident $x:tt $body:expr) => {
        $crate::formula!(@kernels $how same [math] [F32 f32, F64 f64, I32 i32, I64 i64] $x $body)
    };
    (@kind compare $how:ident $x:tt $body:expr) => {
        $crate::formula!(@kernels $how bool [math] [Bool u8, I32 i32, I64 i64, F32 f32, F64 f64] $x $body)
    };
    (@kind mask $how:ident $x:tt $body:expr) => { $crate::formula!(@kernels $how logic [math] [Bool u8] $x $body) };
    (@kind integer $how:ident $x:tt $body:expr) => { $crate::formula!(@kernels $how plain [integer] [I32 i32, I64 i64] $x $body) };
    (@kind bits $how:ident $x:tt $body:expr) => { $crate::formula!(@kernels $how plain [integer] [Bool u8, I32 i32, I64 i64] $x $body) };
    (@kind repaired $how:ident $x:tt $body:expr) => { $crate::formula!(@kernels exact same [math trig] [F32 f32, F64 f64] $x $body) };

    (@kernels $how:ident $out:ident $functions:tt [$($dtype:ident $t:ident),+] $x:tt $body:expr) => {{
        struct Rule;
        $($crate::formula!(@rule $out $functions $t $x $body);)+
        $crate::kernels::tile::Elementwise {
            arity: $crate::formula!(@arity $x),
            operands: $crate::formula!(@operands $x),
            text: stringify!($body),
            forms: |isa, dtype| match dtype {
                $($crate::dtype::DType::$dtype => Some($crate::formula!(@forms $how $out $t $x isa)),)+
                #[allow(unreachable_patterns)]
                _ => None,
            },
        }
    }};

    (@arity [$a:ident]) => { 1 };
    (@arity [$a:ident $b:ident]) => { 2 };
    (@arity [$a:ident $b:ident $c:ident]) => { 3 };

    (@operands [$($x:ident)+]) => { &[$(stringify!($x)),+] };

    // The output type of the kernel, in terms of the input type.
    (@out same $t:ident) => { $t };
    (@out plain $t:ident) => { $t };
    (@out bool $t:ident) => { u8 };
    (@out logic $t:ident) => { u8 };

    // What the body sees of an operand.
    (@operand logic $x:ident $t:ident) => { $x != 0 };
    (@operand plain $x:ident $t:ident) => { $x };
    (@operand $out:ident $x:ident $t:ident) => { $crate::kernels::real::S::<$t, M>($x) };

    (@rule $out:ident $functions:tt $t:ident [$a:ident] $body:expr) => {
        impl<const M: u8> $crate::kernels::tile::Formula<M, $t, (), (), $crate::formula!(@out $out $t)> for Rule {
            #[inline(always)]
            fn eval($a: $t, _: (), _: ()) -> $crate::formula!(@out $out $t) {
                let $a = $crate::formula!(@operand $out $a $t);
                $crate::formula!(@value $out $functions $t $body)
            }
        }
    };
    (@rule $out:ident $functions:tt $t:ident [$a:ident $b:ident] $body:expr) => {
        impl<const M: u8> $crate::kernels::tile::Formula<M, $t, $t, (), $crate::formula!(@out $out $t)> for Rule {
            #[inline(always)]
            fn eval($a: $t, $b: $t, _: ()) -> $crate::formula!(@out $out $t) {
                let ($a, $b) = ($crate::formula!(@operand $out $a $t), $crate::formula!(@operand $out $b $t));
                $crate::formula!(@value $out $functions $t $body)
            }
        }
    };
    (@rule $out:ident $functions:tt $t:ident [$a:ident $b:ident $c:ident] $body:expr) => {
        impl<const M: u8> $crate::kernels::tile::Formula<M, $t, $t, $t, $crate::formula!(@out $out $t)> for Rule {
            #[inline(always)]
            fn eval($a: $t, $b: $t, $c: $t) -> $crate::formula!(@out $out $t) {
                let ($a, $b) = ($crate::formula!(@operand $out $a $t), $crate::formula!(@operand $out $b $t));
                let $c = $crate::formula!(@operand $out $c $t);
                $crate::formula!(@value $out $functions $t $body)
            }
        }
    };

    (@value same [$($functions:ident)+] $t:ident $body:expr) => {{
        #[allow(unused_imports)]
        use {$($crate::kernels::$functions::*),+};
        $crate::kernels::real::Store::<$crate::kernels::real::S<$t, M>>::store($body).0
    }};
    (@value plain [$($functions:ident)+] $t:ident $body:expr) => {{
        #[allow(unused_imports)]
        use {$($crate::kernels::$functions::*),+};
        $body
    }};
    (@value $out:ident [$($functions:ident)+] $t:ident $body:expr) => {{
        #[allow(unused_imports)]
        use {$($crate::kernels::$functions::*),+};
        $crate::kernels::real::Store::<u8>::store($body)
    }};

    (@forms $how:ident $out:ident $t:ident [$a:ident] $isa:ident) => {
        $crate::kernels::$how::unary::<Rule, $t, $crate::formula!(@out $out $t)>($isa)
    };
    (@forms $how:ident $out:ident $t:ident [$a:ident $b:ident] $isa:ident) => {
        $crate::kernels::$how::binary::<Rule, $t, $t, $crate::formula!(@out $out $t)>($isa)
    };
    (@forms $how:ident $out:ident $t:ident [$a:ident $b:ident $c:ident] $isa:ident) => {
        $crate::kernels::$how::ternary::<Rule, $t, $t, $t, $crate::formula!(@out $out $t)>($isa)
    };
}

pub(crate) use formula;

#[cfg(test)]
mod tests {
    use crate::dtype::DType;
    use crate::kernels::isa::{Isa, detected};
    use crate::kernels::tile::{Elementwise, copy, fill, select};

    fn machine() -> impl Iterator<Item = Isa> {
        Isa::ALL.into_iter().filter(|i| *i <= detected())
    }

    /// Runs the form `one` on up to three operands; each has 16 values or is single.
    fn run<A: Copy, D: Copy + Default>(e: &Elementwise, isa: Isa, dtype: DType, one: usize, x: &[&[A]]) -> [D; 16] {
        let f = (e.forms)(isa, dtype).expect("the dtype").0[one].expect("the form");
        let p = |k: usize| x.get(k).map_or(std::ptr::null(), |s| s.as_ptr().cast());
        let mut d = [D::default(); 16];
        // SAFETY: 9 rounds up to 16, which all operands have.
        unsafe { f(d.as_mut_ptr().cast(), p(0), p(1), p(2), 9) };
        d
    }

    /// A function of one operand, at one value, which all instruction sets agree on up to NaN.
    fn at(e: &Elementwise, x: f64) -> f64 {
        let all: Vec<f64> = machine().map(|i| run::<f64, f64>(e, i, DType::F64, 0, &[&[x; 16]])[3]).collect();
        assert!(all.iter().all(|y| y.to_bits() == all[0].to_bits() || (y.is_nan() && all[0].is_nan())), "{x}: {all:?}");
        let y = run::<f32, f32>(e, detected(), DType::F32, 0, &[&[x as f32; 16]])[3];
        // Far out the dtypes differ in what is zero.
        if x.is_infinite() || (x.abs() < 50.0 && f64::from(x as f32) == x) {
            assert_eq!((y.is_nan(), y == 0.0), (all[0].is_nan(), all[0] == 0.0), "{x}: {y}, {}", all[0]);
        }
        all[0]
    }

    #[test]
    fn edges() {
        let inf = f64::INFINITY;
        let bits = f64::to_bits;
        static EXP: Elementwise = formula! { float |x| exp(x) };
        static EXPM1: Elementwise = formula! { float |x| expm1(x) };
        static LOG: Elementwise = formula! { float |x| log(x) };
        static LOG1P: Elementwise = formula! { float |x| log1p(x) };
        static TANH: Elementwise = formula! { float |x| tanh(x) };
        static SIGMOID: Elementwise = formula! { float |x| sigmoid(x) };
        static SOFTPLUS: Elementwise = formula! { float |x| softplus(x) };
        static ERF: Elementwise = formula! { float |x| erf(x) };
        static SIN: Elementwise = formula! { float |x| sin(x) };
        static COS: Elementwise = formula! { float |x| cos(x) };
        static SQRT: Elementwise = formula! { float |x| sqrt(x) };
        static SIGN: Elementwise = formula! { float |x| sign(x) };
        static RECIP: Elementwise = formula! { float |x| 1.0 / x };
        for e in [&EXP, &EXPM1, &LOG, &LOG1P, &TANH, &SIGMOID, &SOFTPLUS, &ERF, &SIN, &COS, &SQRT, &SIGN, &RECIP] {
            assert!(at(e, f64::NAN).is_nan());
        }
        for e in [&EXPM1, &LOG1P, &TANH, &ERF, &SIN, &SQRT] {
            assert_eq!((bits(at(e, 0.0)), bits(at(e, -0.0))), (bits(0.0), bits(-0.0)));
        }
        for e in [&EXPM1, &LOG1P, &TANH, &SIN] {
            assert_eq!((at(e, 5e-324), at(e, -1e-310)), (5e-324, -1e-310));
        }
        assert_eq!((at(&EXP, inf), at(&EXP, -inf), at(&EXP, 0.0), at(&EXP, -0.0)), (inf, 0.0, 1.0, 1.0));
        assert_eq!((at(&EXP, 709.782712893384), at(&EXP, 709.7827128933841)), (709.782712893384f64.exp(), inf));
        assert_eq!((at(&EXP, -745.0), at(&EXP, -746.0)), (5e-324, 0.0));
        assert_eq!((at(&EXPM1, inf), at(&EXPM1, -inf)), (inf, -1.0));
        assert_eq!((at(&LOG, inf), at(&LOG, 0.0), at(&LOG, -0.0), at(&LOG, 1.0)), (inf, -inf, -inf, 0.0));
        assert!(at(&LOG, -1.0).is_nan() && at(&LOG, -inf).is_nan() && at(&LOG, -5e-324).is_nan());
        assert_eq!(at(&LOG, 5e-324), 5e-324f64.ln());
        assert_eq!((at(&LOG1P, inf), at(&LOG1P, -1.0)), (inf, -inf));
        assert!(at(&LOG1P, -1.5).is_nan());
        assert_eq!((at(&TANH, inf), at(&TANH, -inf), at(&TANH, 400.0)), (1.0, -1.0, 1.0));
        assert_eq!((at(&SIGMOID, inf), at(&SIGMOID, -inf), at(&SIGMOID, 0.0)), (1.0, 0.0, 0.5));
        assert_eq!((at(&SIGMOID, -745.0), at(&SIGMOID, -720.0)), ((-745f64).exp(), (-720f64).exp()));
        assert_eq!((at(&SOFTPLUS, inf), at(&SOFTPLUS, -inf), at(&SOFTPLUS, 1e3)), (inf, 0.0, 1e3));
        assert_eq!(at(&SOFTPLUS, -740.0), (-740f64).exp());
        assert_eq!((at(&ERF, inf), at(&ERF, -inf), at(&ERF, 7.0)), (1.0, -1.0, 1.0));
        assert!(at(&SIN, inf).is_nan() && at(&COS, -inf).is_nan());
        assert_eq!((at(&COS, 0.0), at(&COS, -0.0), at(&SIN, std::f64::consts::FRAC_PI_2)), (1.0, 1.0, 1.0));
        assert_eq!((at(&SIN, 1e22), at(&COS, 1e300)), (1e22f64.sin(), 1e300f64.cos()));
        assert_eq!((bits(at(&SIGN, -0.0)), at(&SIGN, -inf), at(&SIGN, 5e-324)), (bits(0.0), -1.0, 1.0));
        assert!(at(&SQRT, -1.0).is_nan());
        assert_eq!((at(&RECIP, -0.0), at(&RECIP, inf)), (-inf, 0.0));
    }

    #[test]
    fn an_element_beyond_the_limit_is_repaired_alone() {
        static SIN: Elementwise = formula! { float |x| sin(x) };
        let mut x = [0.7f64; 16];
        for isa in machine() {
            x[4] = 1e18;
            let y = run::<f64, f64>(&SIN, isa, DType::F64, 0, &[&x]);
            assert_eq!(y[4], 1e18f64.sin());
            x[4] = 0.7;
            let z = run::<f64, f64>(&SIN, isa, DType::F64, 0, &[&x]);
            assert!((0..9).filter(|i| *i != 4).all(|i| y[i] == z[i]));
        }
    }

    #[test]
    fn forms_read_a_single_value_where_their_bit_is_set_and_full_ones_none() {
        static SUB: Elementwise = formula! { number |a, b| a - b };
        static POW: Elementwise = formula! { float full |a, b| pow(a, b) };
        static CLIP: Elementwise = formula! { float |x, low, high| min(max(x, low), high) };
        assert_eq!((SUB.arity, CLIP.arity), (2, 3));
        let a: Vec<f32> = (0..16).map(|i| i as f32).collect();
        let b: Vec<f32> = (0..16).map(|i| (i * i) as f32).collect();
        for isa in machine() {
            let of = |one, x: &[&[f32]]| run::<f32, f32>(&SUB, isa, DType::F32, one, x)[5];
            assert_eq!((of(0, &[&a, &b]), of(1, &[&[3.0], &b]), of(2, &[&a, &[3.0]])), (-20.0, -22.0, 2.0));
            assert_eq!(run::<f32, f32>(&POW, isa, DType::F32, 0, &[&a, &b])[3], 19683.0);
            assert!((POW.forms)(isa, DType::F32).is_some_and(|f| f.0[1..].iter().all(Option::is_none)));
            let of = |one, x: &[&[f32]]| run::<f32, f32>(&CLIP, isa, DType::F32, one, x)[4];
            let c = [2.5f32; 16];
            assert_eq!((of(0, &[&a, &a, &c]), of(2, &[&a, &[1.0], &c])), (2.5, 2.5));
            assert_eq!((of(4, &[&a, &b, &[9.0]]), of(6, &[&a, &[5.0], &[9.0]])), (9.0, 5.0));
            assert!((SUB.forms)(isa, DType::F32).is_some_and(|f| f.0[3].is_none()));
            assert!((SUB.forms)(isa, DType::Bool).is_none() && (POW.forms)(isa, DType::I32).is_none());
        }
    }

    #[test]
    fn integers_wrap_and_max_passes_nan() {
        static ADD: Elementwise = formula! { number |a, b| a + b };
        static MAX: Elementwise = formula! { number |a, b| max(a, b) };
        static TWICE: Elementwise = formula! { number |x| select(lt(x, 0.0), -x, 2.0 * x) };
        for isa in machine() {
            assert_eq!(run::<i32, i32>(&ADD, isa, DType::I32, 0, &[&[i32::MAX; 16], &[1; 16]])[8], i32::MIN);
            assert_eq!(run::<i64, i64>(&ADD, isa, DType::I64, 2, &[&[i64::MIN; 16], &[-1]])[8], i64::MAX);
            assert_eq!(run::<i64, i64>(&TWICE, isa, DType::I64, 0, &[&[-7; 16]])[0], 7);
            assert_eq!(run::<i32, i32>(&TWICE, isa, DType::I32, 0, &[&[7; 16]])[0], 14);
            for (a, b) in [(f32::NAN, 1.0), (1.0, f32::NAN)] {
                assert!(run::<f32, f32>(&MAX, isa, DType::F32, 0, &[&[a; 16], &[b; 16]])[2].is_nan());
            }
        }
    }

    #[test]
    fn comparisons_and_logic_give_zero_or_one() {
        static LESS: Elementwise = formula! { compare |a, b| lt(a, b) };
        static SAME: Elementwise = formula! { compare |a, b| eq(a, b) };
        static NAN: Elementwise = formula! { compare |x| ne(x, x) };
        static AND: Elementwise = formula! { mask |a, b| a & b };
        static NOT: Elementwise = formula! { mask |a| !a };
        for isa in machine() {
            assert_eq!(run::<f64, u8>(&LESS, isa, DType::F64, 0, &[&[1.0; 16], &[f64::NAN; 16]])[0], 0);
            assert_eq!(run::<i64, u8>(&LESS, isa, DType::I64, 1, &[&[i64::MIN], &[0; 16]])[0], 1);
            assert_eq!(run::<u8, u8>(&LESS, isa, DType::Bool, 0, &[&[0; 16], &[1; 16]])[0], 1);
            assert_eq!(run::<f32, u8>(&SAME, isa, DType::F32, 0, &[&[0.0; 16], &[-0.0; 16]])[0], 1);
            assert_eq!(run::<f32, u8>(&NAN, isa, DType::F32, 0, &[&[f32::NAN; 16]])[0], 1);
            assert_eq!(run::<u8, u8>(&AND, isa, DType::Bool, 0, &[&[1; 16], &[1; 16]])[0], 1);
            assert_eq!(run::<u8, u8>(&NOT, isa, DType::Bool, 0, &[&[1; 16]])[0], 0);
        }
    }

    #[test]
    fn select_fill_and_copy() {
        let c: Vec<u8> = (0..16).map(|i| u8::from(i % 3 == 0)).collect();
        let (a, b) = ([1.5f64; 16], [-0.0f64; 16]);
        for isa in machine() {
            for one in [0, 2, 4, 6] {
                let mut d = [0f64; 16];
                let f = select(isa, DType::F64).0[one].expect("the form");
                // SAFETY: all have 16 values.
                unsafe { f(d.as_mut_ptr().cast(), c.as_ptr(), a.as_ptr().cast(), b.as_ptr().cast(), 16) };
                assert!((0..16).all(|i| d[i].to_bits() == if i % 3 == 0 { 1.5f64 } else { -0.0 }.to_bits()), "{isa} {one}");
            }
        }
        let (mut d, null) = ([0i32; 16], std::ptr::null());
        // SAFETY: 9 rounds up to 16.
        unsafe { fill(DType::I32)(d.as_mut_ptr().cast(), [7i32].as_ptr().cast(), null, null, 9) };
        assert_eq!(d, [7; 16]);
        let mut e = [0i32; 16];
        // SAFETY: 9 rounds up to 16.
        unsafe { copy(DType::I32)(e.as_mut_ptr().cast(), d.as_ptr().cast(), null, null, 9) };
        assert_eq!(e, d);
    }
}
