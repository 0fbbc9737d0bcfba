//! The back end of feature `blas`: LAPACK, as the library that `build.rs` found supplies it.

use std::ffi::{c_char, c_int};

use super::super::level3::cblas::call;
use super::factor::{Factor, NoConvergence, numbers, numbers_bytes};

type Int = c_int;
type Flag = *const c_char;

/// Fortran's routines: a pointer to each argument; of a query for work memory, `lwork = -1`, the answer comes in its first number.
macro_rules! routines {
    ($($scipy:literal $name:ident ($($arg:ident: $t:ty),*);)*) => {
        unsafe extern "C" {
            $(
                #[cfg_attr(blas_prefix, link_name = $scipy)]
                fn $name($($arg: $t),*);
            )*
        }
    };
}
routines! {
    "scipy_dpotrf_" dpotrf_(uplo: Flag, n: *const Int, a: *mut f64, lda: *const Int, info: *mut Int);
    "scipy_dgetrf_" dgetrf_(m: *const Int, n: *const Int, a: *mut f64, lda: *const Int, pivots: *mut Int, info: *mut Int);
    "scipy_dgeqrf_" dgeqrf_(m: *const Int, n: *const Int, a: *mut f64, lda: *const Int, tau: *mut f64, work: *mut f64, lwork: *const Int, info: *mut Int);
    "scipy_dorgqr_" dorgqr_(m: *const Int, n: *const Int, k: *const Int, a: *mut f64, lda: *const Int, tau: *const f64, work: *mut f64, lwork: *const Int, info: *mut Int);
    "scipy_dgesdd_" dgesdd_(jobz: Flag, m: *const Int, n: *const Int, a: *mut f64, lda: *const Int, s: *mut f64, u: *mut f64, ldu: *const Int, vt: *mut f64, ldvt: *const Int, work: *mut f64, lwork: *const Int, iwork: *mut Int, info: *mut Int);
    "scipy_dsyevd_" dsyevd_(jobz: Flag, uplo: Flag, n: *const Int, a: *mut f64, lda: *const Int, w: *mut f64, work: *mut f64, lwork: *const Int, iwork: *mut Int, liwork: *const Int, info: *mut Int);
    "scipy_dgeev_" dgeev_(jobvl: Flag, jobvr: Flag, n: *const Int, a: *mut f64, lda: *const Int, wr: *mut f64, wi: *mut f64, vl: *mut f64, ldvl: *const Int, vr: *mut f64, ldvr: *const Int, work: *mut f64, lwork: *const Int, info: *mut Int);
}

/// A length as LAPACK takes it. Memory for a matrix with a longer side is refused before.
fn int(n: usize) -> Int {
    Int::try_from(n).unwrap_or(Int::MAX)
}

/// A leading length, which is never 0.
fn lead(n: usize) -> Int {
    int(n.max(1))
}

fn flag(letter: &[u8; 1]) -> Flag {
    letter.as_ptr().cast()
}

/// How many numbers of work memory a routine asks for: the answer to its query.
fn wanted(query: impl FnOnce(&mut f64)) -> usize {
    let _call = call();
    let mut answer = 1.0;
    query(&mut answer);
    (answer.max(1.0)) as usize
}

/// The work memory of `dgesdd` and of `dsyevd` counts whole numbers too.
fn svd_work(m: usize, n: usize, vectors: bool) -> usize {
    let (job, k, mut info) = (flag(if vectors { b"S" } else { b"N" }), m.min(n), 0);
    let (mut a, mut s, mut u, mut vt, mut iwork) = (0.0, 0.0, 0.0, 0.0, 0);
    wanted(|answer| {
        // SAFETY: a query reads lengths, and writes its answer.
        unsafe {
            dgesdd_(
                job,
                &int(m),
                &int(n),
                &mut a,
                &lead(m),
                &mut s,
                &mut u,
                &lead(m),
                &mut vt,
                &lead(k),
                answer,
                &-1,
                &mut iwork,
                &mut info,
            );
        }
    })
}

fn eigh_work(n: usize, vectors: bool) -> (usize, usize) {
    let (mut info, mut a, mut w, mut count) = (0, 0.0, 0.0, 1);
    let job = flag(if vectors { b"V" } else { b"N" });
    let work = wanted(|answer| {
        // SAFETY: as above.
        unsafe { dsyevd_(job, flag(b"L"), &int(n), &mut a, &lead(n), &mut w, answer, &-1, &mut count, &-1, &mut info) }
    });
    (work, count.max(1) as usize)
}

fn eig_work(n: usize) -> usize {
    let (mut info, mut a, mut re, mut im, mut vl, mut vr) = (0, 0.0, 0.0, 0.0, 0.0, 0.0);
    wanted(|answer| {
        // SAFETY: as above.
        unsafe {
            dgeev_(
                flag(b"N"),
                flag(b"V"),
                &int(n),
                &mut a,
                &lead(n),
                &mut re,
                &mut im,
                &mut vl,
                &1,
                &mut vr,
                &lead(n),
                answer,
                &-1,
                &mut info,
            );
        }
    })
}

fn qr_work(m: usize, n: usize, columns: usize) -> usize {
    let (k, mut info, mut a, mut tau) = (m.min(n), 0, 0.0, 0.0);
    // SAFETY: as above.
    let factor = wanted(|answer| unsafe { dgeqrf_(&int(m), &int(n), &mut a, &lead(m), &mut tau, answer, &-1, &mut info) });
    // SAFETY: as above.
    let basis = wanted(|answer| unsafe { dorgqr_(&int(m), &int(columns), &int(k), &mut a, &lead(m), &tau, answer, &-1, &mut info) });
    factor.max(basis)
}

impl Factor for f64 {
    const BACK_END: &'static str = "LAPACK";

    fn cholesky_bytes(_: usize) -> usize {
        0
    }
    fn cholesky(a: &mut [f64], n: usize, _: &mut [u8]) -> Result<(), usize> {
        let _call = call();
        let mut info = 0;
        if n > 0 {
            // SAFETY: a matrix of n x n numbers.
            unsafe { dpotrf_(flag(b"L"), &int(n), a[..n * n].as_mut_ptr(), &lead(n), &mut info) };
        }
        // Comparisons with NaN let it pass.
        match usize::try_from(info) {
            Ok(0) => (0..n).find(|k| a[k * n + k].is_nan()).map_or(Ok(()), |k| Err(k + 1)),
            Ok(order) => Err(order),
            Err(_) => Err(1),
        }
    }

    fn lu_bytes(n: usize) -> usize {
        numbers_bytes::<Int>(n)
    }
    fn lu(a: &mut [f64], n: usize, order: &mut [usize], scratch: &mut [u8]) {
        let _call = call();
        let (pivots, _) = numbers::<Int>(scratch, n);
        let mut info = 0;
        pivots.fill(0);
        if n > 0 {
            // SAFETY: a matrix of n x n numbers, and n pivots.
            unsafe { dgetrf_(&int(n), &int(n), a[..n * n].as_mut_ptr(), &lead(n), pivots.as_mut_ptr(), &mut info) };
        }
        (0..n).for_each(|i| order[i] = i);
        for (i, &pivot) in pivots.iter().enumerate() {
            // Counted from one.
            order.swap(i, (pivot.max(1) as usize - 1).min(n - 1));
        }
    }

    fn qr_bytes(m: usize, n: usize, columns: usize) -> usize {
        numbers_bytes::<f64>(m.min(n)) + numbers_bytes::<f64>(qr_work(m, n, columns))
    }
    fn qr(a: &mut [f64], m: usize, n: usize, q: &mut [f64], columns: usize, scratch: &mut [u8]) {
        let (k, lwork, mut info) = (m.min(n), qr_work(m, n, columns), 0);
        let (tau, rest) = numbers::<f64>(scratch, k);
        let (work, _) = numbers::<f64>(rest, lwork);
        let q = &mut q[..m * columns];
        let _call = call();
        // SAFETY: matrices of m x n and m x columns numbers, and memory as the routines ask for.
        unsafe {
            dgeqrf_(&int(m), &int(n), a[..m * n].as_mut_ptr(), &lead(m), tau.as_mut_ptr(), work.as_mut_ptr(), &int(lwork), &mut info);
            q.fill(0.0);
            let reflectors = m * k.min(columns);
            q[..reflectors].copy_from_slice(&a[..reflectors]);
            let (m, columns, k) = (lead(m), int(columns), int(k.min(columns)));
            dorgqr_(&m, &columns, &k, q.as_mut_ptr(), &m, tau.as_ptr(), work.as_mut_ptr(), &int(lwork), &mut info);
        }
    }

    fn svd_bytes(m: usize, n: usize, vectors: bool) -> usize {
        let k = m.min(n);
        let own = numbers_bytes::<f64>(m * n) + numbers_bytes::<f64>(if vectors { k * n } else { 0 });
        own + numbers_bytes::<f64>(svd_work(m, n, vectors)) + numbers_bytes::<Int>(8 * k.max(1))
    }
    fn svd(
        a: &[f64],
        m: usize,
        n: usize,
        s: &mut [f64],
        vectors: Option<(&mut [f64], &mut [f64])>,
        scratch: &mut [u8],
    ) -> Result<(), NoConvergence> {
        let (k, lwork, mut info) = (m.min(n), svd_work(m, n, vectors.is_some()), 0);
        if k == 0 {
            return Ok(());
        }
        let (own, rest) = numbers::<f64>(scratch, m * n);
        let (rows, rest) = numbers::<f64>(rest, if vectors.is_some() { k * n } else { 0 });
        let (work, rest) = numbers::<f64>(rest, lwork);
        let (iwork, _) = numbers::<Int>(rest, 8 * k);
        own.copy_from_slice(&a[..m * n]);
        let job = flag(if vectors.is_some() { b"S" } else { b"N" });
        let (u, v) = vectors.unzip();
        let mut none = [0.0];
        let left = u.map_or(none.as_mut_ptr(), |u| u[..m * k].as_mut_ptr());
        let _call = call();
        // SAFETY: matrices of m x n, m x k and k x n numbers, and memory as the routine asks for.
        unsafe {
            dgesdd_(
                job,
                &int(m),
                &int(n),
                own.as_mut_ptr(),
                &lead(m),
                s[..k].as_mut_ptr(),
                left,
                &lead(m),
                rows.as_mut_ptr(),
                &lead(k),
                work.as_mut_ptr(),
                &int(lwork),
                iwork.as_mut_ptr(),
                &mut info,
            );
        }
        if info != 0 {
            return Err(NoConvergence);
        }
        if let Some(v) = v {
            for (c, column) in v[..n * k].chunks_exact_mut(n).enumerate() {
                column.iter_mut().enumerate().for_each(|(r, x)| *x = rows[r * k + c]);
            }
        }
        Ok(())
    }

    fn eigh_bytes(n: usize, vectors: bool) -> usize {
        let (work, count) = eigh_work(n, vectors);
        numbers_bytes::<f64>(if vectors { 0 } else { n * n }) + numbers_bytes::<f64>(work) + numbers_bytes::<Int>(count)
    }
    fn eigh(a: &[f64], n: usize, w: &mut [f64], v: Option<&mut [f64]>, scratch: &mut [u8]) -> Result<(), NoConvergence> {
        let job = flag(if v.is_some() { b"V" } else { b"N" });
        let ((lwork, count), mut info) = (eigh_work(n, v.is_some()), 0);
        let (own, rest) = numbers::<f64>(scratch, if v.is_some() { 0 } else { n * n });
        let (work, rest) = numbers::<f64>(rest, lwork);
        let (iwork, _) = numbers::<Int>(rest, count);
        let own = v.map_or(own, |v| &mut v[..n * n]);
        own.copy_from_slice(&a[..n * n]);
        let _call = call();
        // SAFETY: a matrix of n x n numbers, n values, and memory as the routine asks for.
        unsafe {
            let (own, w, work) = (own.as_mut_ptr(), w[..n].as_mut_ptr(), work.as_mut_ptr());
            dsyevd_(job, flag(b"L"), &int(n), own, &lead(n), w, work, &int(lwork), iwork.as_mut_ptr(), &int(count), &mut info);
        }
        if info == 0 { Ok(()) } else { Err(NoConvergence) }
    }

    fn eig_bytes(n: usize) -> usize {
        numbers_bytes::<f64>(n * n) + numbers_bytes::<f64>(eig_work(n))
    }
    fn eig(a: &[f64], n: usize, re: &mut [f64], im: &mut [f64], v: &mut [f64], scratch: &mut [u8]) -> Result<(), NoConvergence> {
        let (lwork, mut info, mut none) = (eig_work(n), 0, 0.0);
        let (own, rest) = numbers::<f64>(scratch, n * n);
        let (work, _) = numbers::<f64>(rest, lwork);
        own.copy_from_slice(&a[..n * n]);
        let _call = call();
        // SAFETY: matrices of n x n numbers, n values in two parts, and memory as the routine asks for.
        unsafe {
            dgeev_(
                flag(b"N"),
                flag(b"V"),
                &int(n),
                own.as_mut_ptr(),
                &lead(n),
                re[..n].as_mut_ptr(),
                im[..n].as_mut_ptr(),
                &mut none,
                &1,
                v[..n * n].as_mut_ptr(),
                &lead(n),
                work.as_mut_ptr(),
                &int(lwork),
                &mut info,
            );
        }
        if info == 0 { Ok(()) } else { Err(NoConvergence) }
    }
}
