//! The macro that turns one scalar formula into the kernels of an elementwise op.

/// The kernels of a scalar formula, as an [`Elementwise`](crate::kernels::tile::Elementwise); usable in a `const` or `static`.
///
/// ```
/// # use scirs2_autograd::{formula, kernels::tile::Elementwise};
/// static SIGMOID: Elementwise = formula!(float |x| 1.0 / (1.0 + exp(-x)));
/// static ADD: Elementwise = formula!(numeric |a, b| a + b);
/// static LESS: Elementwise = formula!(compare |a, b| lt(a, b));
/// static AND: Elementwise = formula!(logic |a, b| a & b);
/// # assert_eq!(ADD.arity, 2);
/// ```
///
/// * `float`: `f32`, `f64`. `numeric`: those and `i32`, `i64`, which wrap. The output has the dtype of the inputs.
/// * `compare`: all dtypes, bools as bytes; the output is bool. `logic`: bools to bool, with Rust's operators on `bool`.
/// * `repaired`: as `float`, and `sin` and `cos` may stand in it, applied to an operand: elements with an operand beyond their limit are
///   computed once more, with the standard library's functions. At most two operands.
/// * `scalar`: as `repaired`, value by value throughout; for `pow`. Two operands.
///
/// `float |x| sin(x)`, `float |x| cos(x)` and `float |a, b| pow(a, b)` are taken as `repaired` and `scalar`. A row's macro must hand its
/// formula on as tokens (not as `expr`) for that; elsewhere `float` does not know these functions.
///
/// The functions are those of [`math`](crate::kernels::math) and, where allowed, [`trig`](crate::kernels::trig); operands and literals
/// mix freely. `&&` and `||` do not vectorise: write `&` and `|`.
#[macro_export]
macro_rules! formula {
    (float |$x:ident| sin($y:ident)) => { $crate::formula!(repaired |$x| sin($y)) };
    (float |$x:ident| cos($y:ident)) => { $crate::formula!(repaired |$x| cos($y)) };
    (float |$x:ident, $y:ident| pow($a:ident, $b:ident)) => { $crate::formula!(scalar |$x, $y| pow($a, $b)) };
    (float |$($x:ident),+ $(,)?| $body:expr) => {
        $crate::formula!(@kernels tile same [math] [F32 f32, F64 f64] [$($x)+] $body)
    };
    (numeric |$($x:ident),+ $(,)?| $body:expr) => {
        $crate::formula!(@kernels tile same [math] [F32 f32, F64 f64, I32 i32, I64 i64] [$($x)+] $body)
    };
    (compare |$($x:ident),+ $(,)?| $body:expr) => {
        $crate::formula!(@kernels tile bool [math] [Bool u8, I32 i32, I64 i64, F32 f32, F64 f64] [$($x)+] $body)
    };
    (logic |$($x:ident),+ $(,)?| $body:expr) => {
        $crate::formula!(@kernels tile logic [math] [Bool u8] [$($x)+] $body)
    };
    (repaired |$($x:ident),+ $(,)?| $body:expr) => {
        $crate::formula!(@kernels exact same [math trig] [F32 f32, F64 f64] [$($x)+] $body)
    };
    (scalar |$($x:ident),+ $(,)?| $body:expr) => {
        $crate::formula!(@kernels scalar same [math trig] [F32 f32, F64 f64] [$($x)+] $body)
    };

    (@kernels $how:ident $out:ident $functions:tt [$($dtype:ident $t:ident),+] $x:tt $body:expr) => {{
        struct Rule;
        $($crate::formula!(@rule $out $functions $t $x $body);)+
        $crate::kernels::tile::Elementwise {
            arity: $crate::formula!(@arity $x),
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

    // The output type of the kernel, in terms of the input type.
    (@out same $t:ident) => { $t };
    (@out bool $t:ident) => { u8 };
    (@out logic $t:ident) => { u8 };

    // What the body sees of an operand.
    (@operand logic $x:ident $t:ident) => { $x != 0 };
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
    (@value $out:ident [$($functions:ident)+] $t:ident $body:expr) => {{
        #[allow(unused_imports)]
        use {$($crate::kernels::$functions::*),+};
        $crate::kernels::real::Store::<u8>::store($body)
    }};

    (@forms scalar $out:ident $t:ident [$a:ident $b:ident] $isa:ident) => {
        $crate::kernels::exact::scalar_binary::<Rule, $t, $t, $t>($isa)
    };
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
