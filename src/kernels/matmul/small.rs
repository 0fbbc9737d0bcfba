//! Small products of floats: the sums of a block of elements stay in registers, and only what has to be is copied first.

#![allow(clippy::needless_range_loop, reason = "rows and columns of a block are counted, whatever array holds them")]

use std::mem::MaybeUninit;

use super::Product;
use crate::kernels::isa::Isa;
use crate::kernels::real::Float;

/// The longest inner axis that these kernels take.
pub(super) const INNER: usize = 128;

/// A kernel of one product with an inner axis of at most [`INNER`]; its `add` is false. Each element sums its products in
/// order of the inner axis, whatever the strides, fused where the machine fuses.
pub(super) type Kernel<T> = unsafe fn(p: Product, a: *const T, b: *const T, d: *mut T);

// Every sum and product of lengths wraps: a check for overflow would be a call in a test build.

/// The columns of `b` from `at` on, as rows of C values. Beyond the last column its values repeat.
#[inline(always)]
unsafe fn pack<T: Float, const C: usize>(p: &Product, b: *const T, at: usize, room: *mut [T; C]) {
    let last = p.n.wrapping_sub(at).wrapping_sub(1);
    let mut columns = [b; C];
    for c in 0..C {
        let column = at.wrapping_add(if c < last { c } else { last });
        columns[c] = b.wrapping_offset((column as isize).wrapping_mul(p.b[1]));
    }
    let mut along = 0isize;
    for q in 0..p.k {
        let mut row = [T::literal(0.0); C];
        for c in 0..C {
            // SAFETY: an element of `b`.
            row[c] = unsafe { *columns[c].wrapping_offset(along) };
        }
        // SAFETY: there is room for the whole inner axis. An index would be a call where it is out of bounds.
        unsafe { *room.wrapping_add(q) = row };
        along = along.wrapping_add(p.b[0]);
    }
}

/// `d[c] += x y[c]`
#[inline(always)]
fn onto<T: Float, const FUSED: bool, const C: usize>(d: &mut [T; C], x: T, y: &[T; C]) {
    for c in 0..C {
        d[c] = if FUSED { x.fused(y[c], d[c]) } else { d[c].plus(x.times(y[c])) };
    }
}

/// The sums of R rows of `a`, which start at `rows` and go on by `along`, with C columns of `b`, whose rows are `step` apart.
/// A function of its own, so that the sums are seen to stay in registers.
#[inline(always)]
unsafe fn sums<T: Float, const FUSED: bool, const R: usize, const C: usize>(
    k: usize,
    rows: [*const T; R],
    along: isize,
    b: *const T,
    step: isize,
) -> [[T; C]; R] {
    let mut sums = [[T::literal(0.0); C]; R];
    let (mut at, mut row, mut left) = (0isize, b, k);
    while left != 0 {
        // SAFETY: `k` elements of each row of `a`, and as many rows of C values.
        unsafe {
            let y = *row.cast::<[T; C]>();
            for r in 0..R {
                onto::<T, FUSED, C>(&mut sums[r], *rows[r].wrapping_offset(at), &y);
            }
        }
        at = at.wrapping_add(along);
        row = row.wrapping_offset(step);
        left = left.wrapping_sub(1);
    }
    sums
}

/// Computes C columns from `at` on, of which those before `first` are there already and those beyond the last do not exist.
/// `direct`: all C exist, and rows of `b` can be read as they are.
#[inline(always)]
unsafe fn columns<T: Float, const FUSED: bool, const R: usize, const C: usize>(
    p: &Product,
    [a, b]: [*const T; 2],
    d: *mut T,
    at: usize,
    first: usize,
    direct: bool,
) {
    let mut room = MaybeUninit::<[[T; C]; INNER]>::uninit();
    let (b, step) = if direct {
        (b.wrapping_add(at), p.b[0])
    } else {
        // SAFETY: passed on.
        unsafe { pack::<T, C>(p, b, at, room.as_mut_ptr().cast()) };
        (room.as_ptr().cast::<T>(), C as isize)
    };
    let left = p.n.wrapping_sub(at);
    let end = if left < C { left } else { C };
    let whole = first == 0 && end == C && p.d[1] == 1;
    let d = d.wrapping_offset((at as isize).wrapping_mul(p.d[1]));
    let mut i = 0usize;
    while i < p.m {
        // Beyond the last row its sums repeat, and are not stored.
        let last = p.m.wrapping_sub(i).wrapping_sub(1);
        let mut rows = [a; R];
        for r in 0..R {
            let row = i.wrapping_add(if r < last { r } else { last });
            rows[r] = a.wrapping_offset((row as isize).wrapping_mul(p.a[0]));
        }
        // SAFETY: elements of the operands, or of the copy in `room`; elements of `d`.
        unsafe {
            let sums = sums::<T, FUSED, R, C>(p.k, rows, p.a[1], b, step);
            for r in 0..R {
                if r > last {
                    break;
                }
                let to = d.wrapping_offset((i.wrapping_add(r) as isize).wrapping_mul(p.d[0]));
                if whole {
                    *to.cast::<[T; C]>() = sums[r];
                    continue;
                }
                for c in first..end {
                    *to.wrapping_offset((c as isize).wrapping_mul(p.d[1])) = sums[r][c];
                }
            }
        }
        i = i.wrapping_add(R);
    }
}

/// Blocks of R rows and C columns; what is left over takes H. Where rows can be read as they are, the last block overlaps
/// the one before it.
#[inline(always)]
unsafe fn product<T: Float, const FUSED: bool, const R: usize, const C: usize, const H: usize>(
    mut p: Product,
    a: *const T,
    b: *const T,
    d: *mut T,
) {
    let mut operands = [a, b];
    if p.d[1] != 1 && p.d[0] == 1 {
        // The transposed product has the same bits, and rows that lie in memory.
        let [a, b, d] = [p.a, p.b, p.d].map(|s| [s[1], s[0]]);
        (p, operands) = (Product { m: p.n, n: p.m, a: b, b: a, d, ..p }, [operands[1], operands[0]]);
    }
    let lies = p.b[1] == 1;
    let mut j = 0usize;
    // SAFETY: by the contract; a block is read as it is only where it lies inside the product.
    unsafe {
        while j.wrapping_add(C) <= p.n {
            columns::<T, FUSED, R, C>(&p, operands, d, j, 0, lies);
            j = j.wrapping_add(C);
        }
        if j < p.n && p.n.wrapping_sub(j) > H {
            if lies && p.n < C {
                columns::<T, FUSED, R, H>(&p, operands, d, j, 0, true);
                j = j.wrapping_add(H);
            } else {
                let at = if lies { p.n.wrapping_sub(C) } else { j };
                return columns::<T, FUSED, R, C>(&p, operands, d, at, j.wrapping_sub(at), lies);
            }
        }
        if j < p.n {
            let overlap = lies && p.n >= H;
            let at = if overlap { p.n.wrapping_sub(H) } else { j };
            columns::<T, FUSED, R, H>(&p, operands, d, at, j.wrapping_sub(at), overlap);
        }
    }
}

// Blocks of as many sums as hide the latency of an addition, and leave registers for the operands.
unsafe fn base<T: Float, const C: usize, const H: usize>(p: Product, a: *const T, b: *const T, d: *mut T) {
    unsafe { product::<T, false, 2, C, H>(p, a, b, d) }
}
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<T: Float, const C: usize, const H: usize>(p: Product, a: *const T, b: *const T, d: *mut T) {
    unsafe { product::<T, true, 4, C, H>(p, a, b, d) }
}
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")]
unsafe fn avx512<T: Float, const C: usize, const H: usize>(p: Product, a: *const T, b: *const T, d: *mut T) {
    unsafe { product::<T, true, 8, C, H>(p, a, b, d) }
}

fn chosen<T: Float, const C: usize, const H: usize>(isa: Isa) -> Kernel<T> {
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => avx512::<T, C, H>,
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => avx2::<T, C, H>,
        _ => base::<T, C, H>,
    }
}

/// A float that these kernels multiply: 64 bytes of them are the columns of a block.
pub(super) trait Small: Float {
    fn kernel(isa: Isa) -> Kernel<Self>;
}
impl Small for f32 {
    fn kernel(isa: Isa) -> Kernel<f32> {
        chosen::<f32, 16, 8>(isa)
    }
}
impl Small for f64 {
    fn kernel(isa: Isa) -> Kernel<f64> {
        chosen::<f64, 8, 4>(isa)
    }
}
