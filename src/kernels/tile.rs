//! Tile kernels: one scalar formula becomes a loop over slices, compiled for each instruction set and chosen at run time.
//!
//! The loops hold no intrinsics: LLVM vectorises them, because everything they call is inlined and nothing overlaps.

use std::mem::transmute;
use std::ptr::{NonNull, slice_from_raw_parts, slice_from_raw_parts_mut};

use super::isa::Isa;
use super::real::{FUSED, PLAIN};
use crate::dtype::DType;

pub use super::cast::cast;

/// One instruction of a tile program: `d[i] = f(a[i], b[i], c[i])` for i < n.
///
/// `d` overlaps no operand. Pointers are aligned for their dtype; each has room for `n` rounded up to 8 values, all of them
/// initialised: the kernel computes those too. An operand that is single points to one value. Operands that the instruction does not have
/// may be anything.
pub type Instr = unsafe fn(d: *mut u8, a: *const u8, b: *const u8, c: *const u8, n: usize);

/// Which operand forms exist: the index is the bit mask of the operands that are a single value (bit 0 = a, 1 = b, 2 = c).
#[derive(Clone, Copy)]
pub struct Forms(pub [Option<Instr>; 8]);

/// The kernels of an elementwise op: per instruction set and dtype of its (homogeneous) inputs; `None` = dtype not supported.
#[derive(Clone, Copy)]
pub struct Elementwise {
    /// Number of operands.
    pub arity: u8,
    /// The names of the operands in the text.
    pub operands: &'static [&'static str],
    /// The formula as it is written: what is printed for another machine.
    pub text: &'static str,
    /// The kernels.
    pub forms: fn(Isa, DType) -> Option<Forms>,
}

/// A formula from up to three elements to one, in the mode `M` of `S`. An operand that it lacks has type `()`.
pub trait Formula<const M: u8, A, B, C, D> {
    /// The value.
    fn eval(a: A, b: B, c: C) -> D;
}

/// A formula in both modes that kernels are compiled for.
pub trait Both<A, B, C, D>: Formula<PLAIN, A, B, C, D> + Formula<FUSED, A, B, C, D> {}
impl<F: Formula<PLAIN, A, B, C, D> + Formula<FUSED, A, B, C, D>, A, B, C, D> Both<A, B, C, D> for F {}

/// Is operand `k` single in the form `one`, or absent?
const fn single<T>(one: u8, k: u8) -> bool {
    one >> k & 1 == 1 || size_of::<T>() == 0
}

/// `&*p` without the checks of a test build, which would be calls in the kernels.
///
/// # Safety
/// As for `&*p`.
#[inline(always)]
#[allow(clippy::transmute_ptr_to_ref)] // `&*p` is what is checked
pub(super) unsafe fn reference<'a, T: ?Sized>(p: *const T) -> &'a T {
    unsafe { transmute::<*const T, &T>(p) }
}

/// `std::slice::from_raw_parts` without those checks.
///
/// # Safety
/// As for `std::slice::from_raw_parts`.
#[inline(always)]
pub(super) unsafe fn slice<'a, T>(p: *const T, n: usize) -> &'a [T] {
    unsafe { reference(slice_from_raw_parts(p, n)) }
}

/// `std::slice::from_raw_parts_mut` without those checks.
///
/// # Safety
/// As for `std::slice::from_raw_parts_mut`.
#[inline(always)]
#[allow(clippy::transmute_ptr_to_ref)] // as above
pub(super) unsafe fn slice_mut<'a, T>(p: *mut T, n: usize) -> &'a mut [T] {
    unsafe { transmute::<*mut [T], &mut [T]>(slice_from_raw_parts_mut(p, n)) }
}

/// Bytes of a line of the caches.
pub const LINE: usize = 64;

/// Asks for a line of memory, whatever the address.
#[inline(always)]
pub fn fetch<T>(at: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint, which reads nothing.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(at.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}

/// The values of an operand: n, one, or, if the formula has no such operand, one `()`.
#[inline(always)]
unsafe fn operand<'a, T>(p: *const u8, one: bool, n: usize) -> &'a [T] {
    if size_of::<T>() == 0 {
        return unsafe { slice(NonNull::dangling().as_ptr(), 1) };
    }
    unsafe { slice(p.cast(), if one { 1 } else { n }) }
}

#[inline(always)]
unsafe fn body<F, const M: u8, A, B, C, D, const ONE: u8>(d: *mut u8, a: *const u8, b: *const u8, c: *const u8, n: usize)
where
    F: Formula<M, A, B, C, D>,
    A: Copy,
    B: Copy,
    C: Copy,
{
    let n = n.wrapping_add(7) & !7;
    unsafe {
        let a = operand::<A>(a, single::<A>(ONE, 0), n);
        let b = operand::<B>(b, single::<B>(ONE, 1), n);
        let c = operand::<C>(c, single::<C>(ONE, 2), n);
        each::<F, M, A, B, C, D, ONE>(slice_mut(d.cast(), n), a, b, c);
    }
}

/// The loop. That `d` is an argument of type `&mut` tells LLVM that nothing overlaps.
#[inline(always)]
fn each<F, const M: u8, A, B, C, D, const ONE: u8>(d: &mut [D], a: &[A], b: &[B], c: &[C])
where
    F: Formula<M, A, B, C, D>,
    A: Copy,
    B: Copy,
    C: Copy,
{
    for i in 0..d.len() {
        let a = if single::<A>(ONE, 0) { a[0] } else { a[i] };
        let b = if single::<B>(ONE, 1) { b[0] } else { b[i] };
        let c = if single::<C>(ONE, 2) { c[0] } else { c[i] };
        d[i] = F::eval(a, b, c);
    }
}

/// The loop for what the target guarantees.
///
/// # Safety
/// See [`Instr`].
pub unsafe fn base<F, A, B, C, D, const ONE: u8>(d: *mut u8, a: *const u8, b: *const u8, c: *const u8, n: usize)
where
    F: Formula<PLAIN, A, B, C, D>,
    A: Copy,
    B: Copy,
    C: Copy,
{
    unsafe { body::<F, PLAIN, A, B, C, D, ONE>(d, a, b, c, n) }
}

/// The loop for AVX2 and FMA.
///
/// # Safety
/// See [`Instr`]; the machine has AVX2 and FMA.
#[cfg(target_arch = "x86_64")]
#[inline(never)]
#[target_feature(enable = "avx2,fma")]
pub unsafe fn avx2<F, A, B, C, D, const ONE: u8>(d: *mut u8, a: *const u8, b: *const u8, c: *const u8, n: usize)
where
    F: Formula<FUSED, A, B, C, D>,
    A: Copy,
    B: Copy,
    C: Copy,
{
    unsafe { body::<F, FUSED, A, B, C, D, ONE>(d, a, b, c, n) }
}

/// The loop for AVX-512.
///
/// # Safety
/// See [`Instr`]; the machine has AVX-512 F, DQ, BW, VL, AVX2 and FMA.
#[cfg(target_arch = "x86_64")]
#[inline(never)]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")]
pub unsafe fn avx512<F, A, B, C, D, const ONE: u8>(d: *mut u8, a: *const u8, b: *const u8, c: *const u8, n: usize)
where
    F: Formula<FUSED, A, B, C, D>,
    A: Copy,
    B: Copy,
    C: Copy,
{
    unsafe { body::<F, FUSED, A, B, C, D, ONE>(d, a, b, c, n) }
}

/// The kernel of one form.
pub fn kernel<F: Both<A, B, C, D>, A: Copy, B: Copy, C: Copy, D, const ONE: u8>(isa: Isa) -> Instr {
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => avx512::<F, A, B, C, D, ONE>,
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => avx2::<F, A, B, C, D, ONE>,
        _ => base::<F, A, B, C, D, ONE>,
    }
}

/// The one form of a function of one operand.
pub fn unary<F: Both<A, (), (), D>, A: Copy, D>(isa: Isa) -> Forms {
    let mut forms = [None; 8];
    forms[0] = Some(kernel::<F, A, (), (), D, 0>(isa));
    Forms(forms)
}

/// The forms of a function of two operands: all but both single.
pub fn binary<F: Both<A, B, (), D>, A: Copy, B: Copy, D>(isa: Isa) -> Forms {
    let mut forms = [None; 8];
    forms[0] = Some(kernel::<F, A, B, (), D, 0>(isa));
    forms[1] = Some(kernel::<F, A, B, (), D, 1>(isa));
    forms[2] = Some(kernel::<F, A, B, (), D, 2>(isa));
    Forms(forms)
}

/// The forms of a function of three operands whose first one is full.
pub fn ternary<F: Both<A, B, C, D>, A: Copy, B: Copy, C: Copy, D>(isa: Isa) -> Forms {
    let mut forms = [None; 8];
    forms[0] = Some(kernel::<F, A, B, C, D, 0>(isa));
    forms[2] = Some(kernel::<F, A, B, C, D, 2>(isa));
    forms[4] = Some(kernel::<F, A, B, C, D, 4>(isa));
    forms[6] = Some(kernel::<F, A, B, C, D, 6>(isa));
    Forms(forms)
}

struct Select;
impl<const M: u8, T: Copy> Formula<M, u8, T, T, T> for Select {
    #[inline(always)]
    fn eval(condition: u8, a: T, b: T) -> T {
        if condition != 0 { a } else { b }
    }
}

/// The kernels of `where(condition: bool, a, b)`.
pub fn select(isa: Isa, dtype: DType) -> Forms {
    match dtype {
        DType::Bool => ternary::<Select, u8, u8, u8, u8>(isa),
        DType::I32 | DType::F32 => ternary::<Select, u8, u32, u32, u32>(isa),
        DType::I64 | DType::F64 => ternary::<Select, u8, u64, u64, u64>(isa),
    }
}

unsafe fn fill_with<T: Copy>(d: *mut u8, a: *const u8, _: *const u8, _: *const u8, n: usize) {
    unsafe {
        let value = a.cast::<T>().read();
        slice_mut(d.cast::<T>(), n.wrapping_add(7) & !7).fill(value);
    }
}

/// The instruction `d[i] = a[0]`.
pub fn fill(dtype: DType) -> Instr {
    match dtype.size() {
        1 => fill_with::<u8>,
        4 => fill_with::<u32>,
        _ => fill_with::<u64>,
    }
}

unsafe fn copy_of<T: Copy>(d: *mut u8, a: *const u8, _: *const u8, _: *const u8, n: usize) {
    unsafe { std::ptr::copy_nonoverlapping(a.cast::<T>(), d.cast::<T>(), n.wrapping_add(7) & !7) }
}

/// The instruction `d[i] = a[i]`.
pub fn copy(dtype: DType) -> Instr {
    match dtype.size() {
        1 => copy_of::<u8>,
        4 => copy_of::<u32>,
        _ => copy_of::<u64>,
    }
}
