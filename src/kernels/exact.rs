//! Kernels with a scalar pass behind the vector code: formulas whose vector code is right up to a limit, as those with sine or cosine.

use super::isa::Isa;
use super::real::{EXACT, FUSED, Float, PLAIN};
use super::tile::{Forms, Formula, base, slice};
#[cfg(target_arch = "x86_64")]
use super::tile::{avx2, avx512};
use super::trig::sine_limit;

/// The mode of the scalar pass that goes with vector code in mode `FUSED`.
const EXACT_FUSED: u8 = EXACT | FUSED;

/// An element or, for an operand that a formula lacks, `()`.
pub trait Argument: Copy {
    /// The values of an operand.
    ///
    /// # Safety
    /// `p` points to `n` values of this type.
    unsafe fn values<'a>(p: *const u8, n: usize) -> &'a [Self];
}
impl Argument for () {
    #[inline(always)]
    unsafe fn values<'a>(_: *const u8, n: usize) -> &'a [()] {
        // SAFETY: they have no size.
        unsafe { slice(std::ptr::NonNull::dangling().as_ptr(), n) }
    }
}
macro_rules! operand {
    ($($t:ident)+) => {$(
        impl Argument for $t {
            #[inline(always)]
            unsafe fn values<'a>(p: *const u8, n: usize) -> &'a [$t] {
                // SAFETY: the caller's promise.
                unsafe { slice(p.cast(), n) }
            }
        }
    )+};
}
operand! { f32 f64 i32 i64 }

/// Up to where vector code is right.
pub trait Limit<A, B> {
    /// True if the operands are beyond it.
    fn exceeded(a: A, b: B) -> bool;
}

/// The limit of sines.
pub struct Sine;
impl<T: Float> Limit<T, ()> for Sine {
    #[inline(always)]
    fn exceeded(x: T, _: ()) -> bool {
        x.absolute() > sine_limit()
    }
}

/// Computes the elements beyond the limit once more, one by one.
#[inline(never)]
unsafe fn scalar<F, L, const M: u8, A, B, D>(d: *mut u8, a: &[A], b: &[B])
where
    F: Formula<M, A, B, (), D>,
    L: Limit<A, B>,
    A: Argument,
    B: Argument,
{
    for (i, (&x, &y)) in a.iter().zip(b).enumerate() {
        if L::exceeded(x, y) {
            // SAFETY: the destination has as many values.
            unsafe { d.cast::<D>().add(i).write(F::eval(x, y, ())) }
        }
    }
}

/// Is any element beyond the limit?
#[inline(always)]
fn any<L: Limit<A, B>, A: Argument, B: Argument>(a: &[A], b: &[B]) -> bool {
    // Without an early exit, so that it becomes vector code.
    let mut any = false;
    for (&x, &y) in a.iter().zip(b) {
        any |= L::exceeded(x, y);
    }
    any
}

macro_rules! repaired {
    ($name:ident, $kernel:ident, $mode:ident, $($attribute:meta),*) => {
        $(#[$attribute])*
        unsafe fn $name<F, L, A: Argument, B: Argument, D>(d: *mut u8, a: *const u8, b: *const u8, c: *const u8, n: usize)
        where
            F: Both<A, B, D>,
            L: Limit<A, B>,
        {
            unsafe {
                $kernel::<F, A, B, (), D, 0>(d, a, b, c, n);
                let (a, b) = (A::values(a, n), B::values(b, n));
                if any::<L, A, B>(a, b) {
                    scalar::<F, L, $mode, A, B, D>(d, a, b);
                }
            }
        }
    };
}
repaired!(repaired_base, base, EXACT,);
repaired!(repaired_avx2, avx2, EXACT_FUSED, cfg(target_arch = "x86_64"), target_feature(enable = "avx2,fma"));
repaired!(
    repaired_avx512,
    avx512,
    EXACT_FUSED,
    cfg(target_arch = "x86_64"),
    target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")
);

/// A formula in the modes of the vector code and of the scalar pass.
pub trait Both<A, B, D>:
    Formula<PLAIN, A, B, (), D> + Formula<FUSED, A, B, (), D> + Formula<EXACT, A, B, (), D> + Formula<EXACT_FUSED, A, B, (), D>
{
}
impl<F, A, B, D> Both<A, B, D> for F where
    F: Formula<PLAIN, A, B, (), D> + Formula<FUSED, A, B, (), D> + Formula<EXACT, A, B, (), D> + Formula<EXACT_FUSED, A, B, (), D>
{
}

/// The form with full operands of a formula whose elements beyond the limit are repaired.
pub fn repaired<F: Both<A, B, D>, L: Limit<A, B>, A: Argument, B: Argument, D>(isa: Isa) -> Forms {
    let mut forms = [None; 8];
    forms[0] = Some(match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => repaired_avx512::<F, L, A, B, D>,
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => repaired_avx2::<F, L, A, B, D>,
        _ => repaired_base::<F, L, A, B, D>,
    });
    Forms(forms)
}

/// The form of a function of one operand with a repair.
pub fn unary<F: Both<A, (), D>, A: Argument, D>(isa: Isa) -> Forms
where
    Sine: Limit<A, ()>,
{
    repaired::<F, Sine, A, (), D>(isa)
}
