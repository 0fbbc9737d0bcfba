//! By CBLAS, as the library that `build.rs` found supplies it.

use std::ffi::c_int;
use std::sync::Once;
use std::time::Duration;

use parking_lot::{RwLock, RwLockReadGuard};

use super::{Level3, Product, System};

type Int = c_int;

const ROW_MAJOR: Int = 101;
const NO_TRANSPOSE: Int = 111;
const TRANSPOSE: Int = 112;
const UPPER: Int = 121;
const LOWER: Int = 122;
const NON_UNIT: Int = 131;
const UNIT: Int = 132;
const LEFT: Int = 141;

macro_rules! routines {
    ($($t:ident $gemm:ident $gemm_name:literal $trsm:ident $trsm_name:literal;)*) => {
        unsafe extern "C" {
            $(
                #[cfg_attr(blas_prefix, link_name = $gemm_name)]
                fn $gemm(
                    layout: Int, of_a: Int, of_b: Int, m: Int, n: Int, k: Int, alpha: $t, a: *const $t, lda: Int, b: *const $t, ldb: Int,
                    beta: $t, c: *mut $t, ldc: Int,
                );
                #[cfg_attr(blas_prefix, link_name = $trsm_name)]
                fn $trsm(
                    layout: Int, side: Int, uplo: Int, of_a: Int, diag: Int, m: Int, n: Int, alpha: $t, a: *const $t, lda: Int, b: *mut $t,
                    ldb: Int,
                );
            )*
            #[cfg(openblas)]
            #[cfg_attr(blas_prefix, link_name = "scipy_openblas_set_num_threads")]
            fn openblas_set_num_threads(n: Int);
        }
        $(
            impl Routines for $t {
                unsafe fn gemm([m, n, k]: [Int; 3], a: Operand<$t>, b: Operand<$t>, d: *mut $t, row: Int, add: bool) {
                    let beta = if add { 1.0 } else { 0.0 };
                    // SAFETY: by the contract.
                    unsafe { $gemm(ROW_MAJOR, a.how, b.how, m, n, k, 1.0, a.at, a.row, b.at, b.row, beta, d, row) }
                }
                unsafe fn trsm([n, m]: [Int; 2], lower: bool, unit: bool, a: Operand<$t>, x: *mut $t, row: Int) {
                    let (uplo, diag) = (if lower { LOWER } else { UPPER }, if unit { UNIT } else { NON_UNIT });
                    // SAFETY: by the contract.
                    unsafe { $trsm(ROW_MAJOR, LEFT, uplo, a.how, diag, n, m, 1.0, a.at, a.row, x, row) }
                }
            }
        )*
    };
}
routines! {
    f32 cblas_sgemm "scipy_cblas_sgemm" cblas_strsm "scipy_cblas_strsm";
    f64 cblas_dgemm "scipy_cblas_dgemm" cblas_dtrsm "scipy_cblas_dtrsm";
}

/// A dtype's routines.
pub trait Routines: Level3 {
    /// # Safety
    /// The lengths and rows stay inside the arrays.
    unsafe fn gemm(lengths: [Int; 3], a: Operand<Self>, b: Operand<Self>, d: *mut Self, row: Int, add: bool);
    /// # Safety
    /// As above.
    unsafe fn trsm(lengths: [Int; 2], lower: bool, unit: bool, a: Operand<Self>, x: *mut Self, row: Int);
}

/// A matrix as CBLAS takes it: row by row, or as the transpose of such a matrix.
#[derive(Clone, Copy)]
pub struct Operand<T> {
    at: *const T,
    how: Int,
    row: Int,
}

impl<T> Operand<T> {
    /// None for steps that it does not take.
    fn new(at: *const T, [rows, columns]: [usize; 2], [si, sj]: [isize; 2]) -> Option<Operand<T>> {
        let fits = |step: isize, length: usize| Int::try_from(step).ok().filter(|&step| step >= 1 && step as usize >= length);
        let plain = || fits(si, columns).filter(|_| sj == 1).map(|row| Operand { at, how: NO_TRANSPOSE, row });
        let turned = || fits(sj, rows).filter(|_| si == 1).map(|row| Operand { at, how: TRANSPOSE, row });
        plain().or_else(turned)
    }
}

fn int(n: usize) -> Option<Int> {
    Int::try_from(n).ok()
}

/// Calls of the library that are under way.
static CALLS: RwLock<()> = RwLock::new(());

/// Before a call of the library: it ends with what this gives.
///
/// Threads are ours: work is shared out before the library is called, so that results do not depend on their number. When the process ends
/// the library takes its memory down, while other threads of the program may compute: calls under way are waited for, and new ones never begin.
pub fn call() -> RwLockReadGuard<'static, ()> {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: any number may be set at any time; a function that does not unwind may run at the end.
        unsafe {
            #[cfg(openblas)]
            openblas_set_num_threads(1);
            libc::atexit(hold);
        }
    });
    CALLS.read_recursive()
}

extern "C" fn hold() {
    // A process that was forked off amid a call waits for nobody: it does not wait long.
    if let Some(guard) = CALLS.try_write_for(Duration::from_secs(2)) {
        std::mem::forget(guard);
    }
}

/// As [`Level3::product`]; false, and nothing done, for strides that CBLAS does not take.
///
/// # Safety
/// As there.
pub unsafe fn product<T: Routines>(p: &Product, a: *const T, b: *const T, d: *mut T) -> bool {
    let _call = call();
    // What is written column by column is the transpose of the product of the transposes.
    let turn = |s: [isize; 2]| [s[1], s[0]];
    let ([m, n], x, y, z) = if p.d[1] == 1 || p.d[0] != 1 {
        ([p.m, p.n], Operand::new(a, [p.m, p.k], p.a), Operand::new(b, [p.k, p.n], p.b), p.d)
    } else {
        ([p.n, p.m], Operand::new(b, [p.n, p.k], turn(p.b)), Operand::new(a, [p.k, p.m], turn(p.a)), turn(p.d))
    };
    let out = Operand::new(d, [m, n], z).filter(|d| d.how == NO_TRANSPOSE);
    let (Some(x), Some(y), Some(out), Some(m), Some(n), Some(k)) = (x, y, out, int(m), int(n), int(p.k)) else { return false };
    // SAFETY: by the contract.
    unsafe { T::gemm([m, n, k], x, y, d, out.row, p.add) };
    true
}

/// As [`Level3::solve_triangular`]; false, and nothing done, for strides that CBLAS does not take.
///
/// # Safety
/// As there.
pub unsafe fn solve_triangular<T: Routines>(s: &System, a: *const T, x: *mut T, row: usize) -> bool {
    let _call = call();
    let a = Operand::new(a, [s.n, s.n], s.steps);
    let (Some(a), Some(n), Some(m), Some(row)) = (a, int(s.n), int(s.m), int(row)) else { return false };
    // It is told which triangle is stored, not which one is meant.
    let lower = s.lower == (a.how == NO_TRANSPOSE);
    // SAFETY: by the contract.
    unsafe { T::trsm([n, m], lower, s.unit, a, x, row) };
    true
}
