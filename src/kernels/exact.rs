//! Kernels with a scalar pass behind the vector code: formulas with sine or cosine, whose vector code is right up to a limit.

use std::slice::from_raw_parts;

use super::isa::Isa;
use super::real::{EXACT, FUSED, Float, PLAIN};
use super::tile::{Forms, Formula, Instr, base};
#[cfg(target_arch = "x86_64")]
use super::tile::{avx2, avx512};
use super::trig::sine_limit;

/// The mode of the scalar pass that goes with vector code in mode `FUSED`.
const EXACT_FUSED: u8 = EXACT | FUSED;

/// An element or, for an operand that a formula lacks, `()`.
pub trait Operand: Copy {
    /// Beyond the limit of the vector code.
    fn large(self) -> bool;
    /// Element `i` of `p`.
    ///
    /// # Safety
    /// `p` points to more than `i` values of this type.
    unsafe fn load(p: *const u8, i: usize) -> Self;
}
impl Operand for () {
    #[inline(always)]
    fn large(self) -> bool {
        false
    }
    #[inline(always)]
    unsafe fn load(_: *const u8, _: usize) {}
}
impl<T: Float> Operand for T {
    #[inline(always)]
    fn large(self) -> bool {
        self.absolute() > sine_limit()
    }
    #[inline(always)]
    unsafe fn load(p: *const u8, i: usize) -> T {
        unsafe { p.cast::<T>().add(i).read() }
    }
}

/// Computes the elements with an operand beyond the limit once more, one by one.
#[inline(never)]
unsafe fn scalar<F, const M: u8, A, B, D, const ONE: u8>(d: *mut u8, a: *const u8, b: *const u8, n: usize)
where
    F: Formula<M, A, B, (), D>,
    A: Operand,
    B: Operand,
{
    for i in 0..n {
        unsafe {
            let x = A::load(a, if ONE & 1 != 0 { 0 } else { i });
            let y = B::load(b, if ONE & 2 != 0 { 0 } else { i });
            if x.large() || y.large() {
                d.cast::<D>().add(i).write(F::eval(x, y, ()));
            }
        }
    }
}

/// Is any of n values beyond the limit?
#[inline(always)]
unsafe fn any_large<T: Operand>(p: *const u8, n: usize) -> bool {
    if size_of::<T>() == 0 {
        return false;
    }
    let values: &[T] = unsafe { from_raw_parts(p.cast(), n) };
    // Without an early exit, so that it becomes vector code.
    let mut any = false;
    for x in values {
        any |= x.large();
    }
    any
}

macro_rules! repaired {
    ($name:ident, $kernel:ident, $mode:ident, $($attribute:meta),*) => {
        $(#[$attribute])*
        unsafe fn $name<F, A: Operand, B: Operand, D, const ONE: u8>(d: *mut u8, a: *const u8, b: *const u8, c: *const u8, n: usize)
        where
            F: Both<A, B, D>,
        {
            unsafe {
                $kernel::<F, A, B, (), D, ONE>(d, a, b, c, n);
                let large = any_large::<A>(a, if ONE & 1 != 0 { 1 } else { n }) | any_large::<B>(b, if ONE & 2 != 0 { 1 } else { n });
                if large {
                    scalar::<F, $mode, A, B, D, ONE>(d, a, b, n);
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

/// A kernel that repairs the elements beyond the limit.
fn repaired<F: Both<A, B, D>, A: Operand, B: Operand, D, const ONE: u8>(isa: Isa) -> Instr {
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => repaired_avx512::<F, A, B, D, ONE>,
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => repaired_avx2::<F, A, B, D, ONE>,
        _ => repaired_base::<F, A, B, D, ONE>,
    }
}

/// The form of a function of one operand with a repair.
pub fn unary<F: Both<A, (), D>, A: Operand, D>(isa: Isa) -> Forms {
    let mut forms = [None; 8];
    forms[0] = Some(repaired::<F, A, (), D, 0>(isa));
    Forms(forms)
}
