//! By crates in Rust, for any strides.

use faer::linalg::triangular_solve as triangular;
use faer::traits::RealField;
use faer::{MatMut, MatRef, Par};
use gemm::Parallelism;

use super::{Product, System};

/// # Safety
/// As [`super::Level3::product`].
pub unsafe fn product<T: Copy + 'static>(p: &Product, a: *const T, b: *const T, d: *mut T, [zero, one]: [T; 2]) {
    let (keep, [da, db, dd]) = (if p.add { one } else { zero }, [p.a, p.b, p.d]);
    // SAFETY: by the contract.
    unsafe {
        gemm::gemm(
            p.m,
            p.n,
            p.k,
            d,
            dd[1],
            dd[0],
            p.add,
            a,
            da[1],
            da[0],
            b,
            db[1],
            db[0],
            keep,
            one,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

/// # Safety
/// As [`super::Level3::solve_triangular`].
pub unsafe fn solve_triangular<T: RealField>(s: &System, a: *const T, x: *mut T, row: usize) {
    let &System { n, m, steps: [si, sj], lower, unit } = s;
    // SAFETY: by the contract.
    let (a, x) = unsafe { (MatRef::from_raw_parts(a, n, n, si, sj), MatMut::from_raw_parts_mut(x, n, m, row as isize, 1)) };
    match (lower, unit) {
        (true, false) => triangular::solve_lower_triangular_in_place(a, x, Par::Seq),
        (true, true) => triangular::solve_unit_lower_triangular_in_place(a, x, Par::Seq),
        (false, false) => triangular::solve_upper_triangular_in_place(a, x, Par::Seq),
        (false, true) => triangular::solve_unit_upper_triangular_in_place(a, x, Par::Seq),
    }
}
