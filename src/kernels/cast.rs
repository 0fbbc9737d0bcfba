//! The kernels of casts between dtypes.

use super::isa::Isa;
use super::real::Float;
use super::tile::{Formula, Instr, kernel, slice};
use crate::array::View;
use crate::dtype::DType;

/// A cast of one element; bools are bytes.
trait To<D> {
    fn to(self) -> D;
}

struct Cast;
impl<const M: u8, A: To<D>, D> Formula<M, A, (), (), D> for Cast {
    #[inline(always)]
    fn eval(a: A, _: (), _: ()) -> D {
        a.to()
    }
}

macro_rules! to {
    ($($from:ident => $to:ident |$x:ident| $value:expr;)+) => {$(
        impl To<$to> for $from {
            #[inline(always)]
            fn to(self) -> $to {
                let $x = self;
                $value
            }
        }
    )+};
}
to! {
    u8 => u8 |x| u8::from(x != 0);
    u8 => i32 |x| i32::from(x != 0);
    u8 => i64 |x| i64::from(x != 0);
    u8 => f32 |x| f32::from(u8::from(x != 0));
    u8 => f64 |x| f64::from(u8::from(x != 0));
    i32 => u8 |x| u8::from(x != 0);
    i32 => i32 |x| x;
    i32 => i64 |x| i64::from(x);
    i32 => f32 |x| x as f32;
    i32 => f64 |x| f64::from(x);
    i64 => u8 |x| u8::from(x != 0);
    i64 => i32 |x| x as i32;
    i64 => i64 |x| x;
    i64 => f32 |x| x as f32;
    i64 => f64 |x| x as f64;
    f32 => u8 |x| u8::from(x != 0.0);
    f32 => i32 |x| truncated::<f32, i32>(x, i32::MIN, i32::MAX);
    f32 => i64 |x| truncated::<f32, i64>(x, i64::MIN, i64::MAX);
    f32 => f32 |x| x;
    f32 => f64 |x| f64::from(x);
    f64 => u8 |x| u8::from(x != 0.0);
    f64 => i32 |x| truncated::<f64, i32>(x, i32::MIN, i32::MAX);
    f64 => i64 |x| truncated::<f64, i64>(x, i64::MIN, i64::MAX);
    f64 => f32 |x| x as f32;
    f64 => f64 |x| x;
}

/// A float that can be truncated when its value is known to fit.
trait Truncate<I>: Float {
    /// The first float above the range of `I`.
    const ABOVE: Self;
    /// The first float of the range.
    const FIRST: Self;
    /// # Safety
    /// The value is in the range.
    unsafe fn truncate(self) -> I;
}

macro_rules! truncate {
    ($($t:ident $i:ident;)+) => {$(
        impl Truncate<$i> for $t {
            const ABOVE: $t = -($i::MIN as $t);
            const FIRST: $t = $i::MIN as $t;
            #[inline(always)]
            unsafe fn truncate(self) -> $i {
                unsafe { self.to_int_unchecked() }
            }
        }
    )+};
}
truncate! { f32 i32; f32 i64; f64 i32; f64 i64; }

/// What `x as I` gives (saturating, zero for NaN), written so that it becomes vector code.
#[inline(always)]
fn truncated<T: Truncate<I>, I>(x: T, least: I, greatest: I) -> I {
    let fits = x >= T::FIRST && x < T::ABOVE;
    // SAFETY: the number is in the range, or zero.
    let inside = unsafe { T::truncate(if fits { x } else { T::literal(0.0) }) };
    let below = if x < T::FIRST { least } else { inside };
    if x >= T::ABOVE { greatest } else { below }
}

fn from<A: To<D> + Copy, D>(isa: Isa) -> Instr {
    kernel::<Cast, A, (), (), D, 0>(isa)
}

/// The instruction that casts: float to integer truncates (and saturates, with NaN to 0), anything to bool is `!= 0`, integer to float
/// rounds to nearest, integer to a narrower one keeps the low bits.
pub fn cast(isa: Isa, source: DType, to: DType) -> Instr {
    macro_rules! table {
        ($($from:ident $a:ident),+) => {
            match source {
                $(DType::$from => match to {
                    DType::Bool => from::<$a, u8>(isa),
                    DType::I32 => from::<$a, i32>(isa),
                    DType::I64 => from::<$a, i64>(isa),
                    DType::F32 => from::<$a, f32>(isa),
                    DType::F64 => from::<$a, f64>(isa),
                },)+
            }
        };
    }
    table!(Bool u8, I32 i32, I64 i64, F32 f32, F64 f64)
}

/// Elements that are checked at a time, while they are in the nearest cache: next to the passage through memory that is free.
const BLOCK: usize = 512;
/// Elements of a whole vector: an [`Instr`] rounds up to them.
const VECTOR: usize = 8;

/// The elements of a contiguous `x` as `to`, in `y`. The place of an element that does not fit, if there is one: an integer out of
/// range, or a finite number that overflows to infinity; elements behind its block are then not written.
///
/// # Safety
/// `y` has room for as many elements of `to` as `x` has, rounded up to whole vectors, and overlaps nothing.
pub unsafe fn fitting(isa: Isa, x: View<'_>, to: DType, y: *mut u8) -> Option<usize> {
    debug_assert!(x.is_contiguous());
    let (from, n) = (x.dtype(), x.count());
    let instr = cast(isa, from, to);
    for at in (0..n).step_by(BLOCK) {
        let len = BLOCK.min(n - at);
        // SAFETY: the block is inside both arrays. A vector that is not whole is read from a copy: it would reach behind `x`.
        unsafe {
            let (s, d) = (x.ptr().add(at * from.size()), y.add(at * to.size()));
            let whole = len - len % VECTOR;
            instr(d, s, std::ptr::null(), std::ptr::null(), whole);
            if whole < len {
                let mut rest = [0u64; VECTOR];
                std::ptr::copy_nonoverlapping(s.add(whole * from.size()), rest.as_mut_ptr().cast(), (len - whole) * from.size());
                instr(d.add(whole * to.size()), rest.as_ptr().cast(), std::ptr::null(), std::ptr::null(), len - whole);
            }
            let bad = match (from, to) {
                (DType::F64, DType::F32) => {
                    let (s, d) = (slice::<f64>(s.cast(), len), slice::<f32>(d.cast(), len));
                    // Infinite ones are rare, and only they are looked at twice.
                    let infinite = any(isa, d, |y| y.abs() == f32::INFINITY);
                    if infinite { s.iter().zip(d).position(|(x, y)| y.is_infinite() && x.is_finite()) } else { None }
                }
                (DType::I64, DType::I32) => {
                    let s = slice::<i64>(s.cast(), len);
                    let beyond = any(isa, s, |x| i64::from(*x as i32) != *x);
                    if beyond { s.iter().position(|&x| i32::try_from(x).is_err()) } else { None }
                }
                _ => None,
            };
            if let Some(i) = bad {
                return Some(at + i);
            }
        }
    }
    None
}

/// Whether the test holds for one of the elements: all are looked at, so that it becomes vector code.
fn any<T>(isa: Isa, x: &[T], test: impl Fn(&T) -> bool) -> bool {
    match isa {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the machine has it.
        Isa::Avx2 | Isa::Avx512 => unsafe { any_avx2(x, test) },
        _ => any_of(x, test),
    }
}

#[inline(always)]
fn any_of<T>(x: &[T], test: impl Fn(&T) -> bool) -> bool {
    x.iter().fold(0, |found: u32, x| found | u32::from(test(x))) > 0
}

/// # Safety
/// The machine has AVX2 and FMA.
#[cfg(target_arch = "x86_64")]
#[inline(never)]
#[target_feature(enable = "avx2,fma")]
unsafe fn any_avx2<T>(x: &[T], test: impl Fn(&T) -> bool) -> bool {
    any_of(x, test)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::array::Array;
    use crate::kernels::isa::detected;

    #[test]
    fn what_does_not_fit_is_found_wherever_it_is() {
        for isa in Isa::ALL.into_iter().filter(|i| *i <= detected()) {
            found_by(isa);
        }
    }

    fn found_by(isa: Isa) {
        let narrow = |x: &Array, to: DType| {
            let y = unsafe { Array::uninit(to, x.shape()).unwrap() };
            (unsafe { fitting(isa, x.raw_view(), to, y.ptr()) }, y)
        };
        // The smallest number that rounds to infinity, and the one before it.
        let over = 2f64.powi(128) * (1.0 - 2f64.powi(-25));
        let under = f64::from_bits(over.to_bits() - 1);
        let fine = [1.5, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, under, -under, 1e-300, f64::MIN_POSITIVE, 1.0 + f64::EPSILON];
        for n in [1, 7, 511, 512, 513, 1025] {
            let data: Vec<f64> = (0..n).map(|i| fine[i % fine.len()]).collect();
            let (bad, y) = narrow(&Array::from_slice(&data, &[n]).unwrap(), DType::F32);
            assert_eq!(bad, None);
            let got: Vec<u32> = y.as_slice::<f32>().unwrap().iter().map(|x| x.to_bits()).collect();
            assert_eq!(got, data.iter().map(|x| (*x as f32).to_bits()).collect::<Vec<_>>());
            for at in [0, n / 2, n - 1] {
                for x in [over, -over, 1e39, -f64::MAX] {
                    let mut data = data.clone();
                    data[at] = x;
                    assert_eq!(narrow(&Array::from_slice(&data, &[n]).unwrap(), DType::F32).0, Some(at), "{x:e} of {n}");
                }
                for x in [1 << 31, i64::from(i32::MIN) - 1, i64::MAX, 1 << 32] {
                    let mut data: Vec<i64> =
                        (0..n as i64).map(|i| if i % 2 == 0 { i64::from(i32::MIN) } else { i64::from(i32::MAX) }).collect();
                    assert_eq!(narrow(&Array::from_slice(&data, &[n]).unwrap(), DType::I32).0, None);
                    data[at] = x;
                    assert_eq!(narrow(&Array::from_slice(&data, &[n]).unwrap(), DType::I32).0, Some(at), "{x} of {n}");
                }
            }
        }
    }

    fn casts<A: Copy, D: Copy + Default>(isa: Isa, from: DType, to: DType, x: [A; 8]) -> [D; 8] {
        let mut d = [D::default(); 8];
        // SAFETY: both have 8 values.
        unsafe { cast(isa, from, to)(d.as_mut_ptr().cast(), x.as_ptr().cast(), std::ptr::null(), std::ptr::null(), 8) };
        d
    }

    #[test]
    fn casts_do_what_rust_does() {
        let f = [0.0, -0.0, 1.9, -1.9, f64::NAN, 1e300, -1e300, 2147483647.5];
        let g = [0.5, -3.99, 16777217.0, f64::INFINITY, f64::NEG_INFINITY, 9.3e18, -9.3e18, -2147483649.0];
        let i = [0, 1, -1, i64::MAX, i64::MIN, 1 << 40, 16777217, -5];
        for isa in Isa::ALL.into_iter().filter(|i| *i <= detected()) {
            for x in [f, g] {
                assert_eq!(casts::<f64, i32>(isa, DType::F64, DType::I32, x), x.map(|x| x as i32));
                assert_eq!(casts::<f64, i64>(isa, DType::F64, DType::I64, x), x.map(|x| x as i64));
                assert_eq!(casts::<f64, u8>(isa, DType::F64, DType::Bool, x), x.map(|x| u8::from(x != 0.0)));
                let bits = |x: [f32; 8]| x.map(f32::to_bits);
                assert_eq!(bits(casts(isa, DType::F64, DType::F32, x)), bits(x.map(|x| x as f32)));
                let x = x.map(|x| x as f32);
                assert_eq!(casts::<f32, i32>(isa, DType::F32, DType::I32, x), x.map(|x| x as i32));
                assert_eq!(casts::<f32, i64>(isa, DType::F32, DType::I64, x), x.map(|x| x as i64));
            }
            assert_eq!(casts::<i64, i32>(isa, DType::I64, DType::I32, i), i.map(|x| x as i32));
            assert_eq!(casts::<i64, f32>(isa, DType::I64, DType::F32, i), i.map(|x| x as f32));
            assert_eq!(casts::<i64, f64>(isa, DType::I64, DType::F64, i), i.map(|x| x as f64));
            assert_eq!(casts::<i64, u8>(isa, DType::I64, DType::Bool, i), i.map(|x| u8::from(x != 0)));
            let b = [0u8, 1, 1, 0, 1, 0, 0, 1];
            assert_eq!(casts::<u8, f64>(isa, DType::Bool, DType::F64, b), b.map(f64::from));
            assert_eq!(casts::<u8, i64>(isa, DType::Bool, DType::I64, b), b.map(i64::from));
            assert_eq!(casts::<i32, i64>(isa, DType::I32, DType::I64, i.map(|x| x as i32)), i.map(|x| i64::from(x as i32)));
        }
    }
}
