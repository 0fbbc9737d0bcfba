//! Small and thin products of floats: the sums of a block of elements stay in registers, and only what has to be is copied first.

#![allow(clippy::needless_range_loop, reason = "rows and columns of a block are counted, whatever array holds them")]

use std::mem::MaybeUninit;

use self::pack::{Room, pack};
use super::{Product, Row};
use crate::kernels::isa::Isa;
use crate::kernels::real::Float;

mod pack;

/// Places of the inner axis that are summed in registers. Longer sums are added up from parts of this length, in order.
pub(super) const INNER: usize = 128;

/// Rows that are worth a copy of a few columns: vectors of H values take as long as those of C.
const MANY: usize = 32;

/// A kernel of products in a row. Each element sums its products in order of the inner axis, in parts of [`INNER`], whatever the
/// strides; fused where the machine fuses.
pub(super) type Kernel<T> = unsafe fn(p: Product, row: Row, a: *const T, b: *const T, d: *mut T);

// Every sum and product of lengths wraps: a check for overflow would be a call in a test build.

/// `d[c] += x y[c]`
#[inline(always)]
fn onto<T: Float, const FUSED: bool, const C: usize>(d: &mut [T; C], x: T, y: &[T; C]) {
    for c in 0..C {
        d[c] = if FUSED { x.fused(y[c], d[c]) } else { d[c].plus(x.times(y[c])) };
    }
}

/// C columns of `b`, whose rows are `step` apart, and which of them are stored: those before `first` are there already, from
/// `end` on there are none.
#[derive(Clone, Copy)]
struct Block<T> {
    b: *const T,
    step: isize,
    first: usize,
    end: usize,
}

/// The sums of G groups of Q rows of `a`, from `i` on, with C columns of `b`. Beyond the last row it repeats. A function of its own, so
/// that the sums are seen to stay in registers. Of more than four rows in one array LLVM makes vectors across the rows, which is
/// thirty times slower.
#[inline(always)]
unsafe fn sums<T: Float, const FUSED: bool, const G: usize, const Q: usize, const C: usize>(
    p: &Product,
    a: *const T,
    i: usize,
    block: Block<T>,
) -> [[[T; C]; Q]; G] {
    let last = p.m.wrapping_sub(i).wrapping_sub(1);
    let mut rows = [[a; Q]; G];
    for g in 0..G {
        for q in 0..Q {
            let r = g.wrapping_mul(Q).wrapping_add(q);
            let row = i.wrapping_add(if r < last { r } else { last });
            rows[g][q] = a.wrapping_offset((row as isize).wrapping_mul(p.a[0]));
        }
    }
    let mut sums = [[[T::literal(0.0); C]; Q]; G];
    let (mut at, mut row, mut left) = (0isize, block.b, p.k);
    while left != 0 {
        // SAFETY: `k` elements of each row of `a`, and as many rows of C values.
        unsafe {
            let y = *row.cast::<[T; C]>();
            for g in 0..G {
                for q in 0..Q {
                    onto::<T, FUSED, C>(&mut sums[g][q], *rows[g][q].wrapping_offset(at), &y);
                }
            }
        }
        at = at.wrapping_add(p.a[1]);
        row = row.wrapping_offset(block.step);
        left = left.wrapping_sub(1);
    }
    sums
}

/// Computes and stores G Q rows from `i` on of a block of columns, which starts at `d` in the result.
#[inline(always)]
unsafe fn rows<T: Float, const FUSED: bool, const G: usize, const Q: usize, const C: usize>(
    p: &Product,
    a: *const T,
    d: *mut T,
    i: usize,
    block: Block<T>,
) {
    let whole = block.first == 0 && block.end == C && p.d[1] == 1;
    // SAFETY: elements of the operands, or of the copy of `b`; elements of `d`.
    unsafe {
        let sums = sums::<T, FUSED, G, Q, C>(p, a, i, block);
        for g in 0..G {
            for q in 0..Q {
                let r = i.wrapping_add(g.wrapping_mul(Q)).wrapping_add(q);
                if r >= p.m {
                    return;
                }
                let (sums, to) = (&sums[g][q], d.wrapping_offset((r as isize).wrapping_mul(p.d[0])));
                match (whole, p.add) {
                    (true, false) => *to.cast::<[T; C]>() = *sums,
                    (true, true) => {
                        let mut there = *to.cast::<[T; C]>();
                        for c in 0..C {
                            there[c] = there[c].plus(sums[c]);
                        }
                        *to.cast::<[T; C]>() = there;
                    }
                    (false, add) => {
                        for c in block.first..block.end {
                            let to = to.wrapping_offset((c as isize).wrapping_mul(p.d[1]));
                            // An index would be a call where it is out of bounds.
                            let sum = *sums.as_ptr().wrapping_add(c);
                            *to = if add { (*to).plus(sum) } else { sum };
                        }
                    }
                }
            }
        }
    }
}

/// Computes C columns from `at` on, of which those before `first` are there already and those beyond the last do not exist.
/// `direct`: all C exist, and rows of `b` can be read as they are.
#[inline(always)]
unsafe fn columns<T: Float, const FUSED: bool, const Q: usize, const C: usize>(
    p: &Product,
    [a, b]: [*const T; 2],
    d: *mut T,
    at: usize,
    first: usize,
    direct: bool,
) {
    let mut room = MaybeUninit::<Room<T, C>>::uninit();
    let left = p.n.wrapping_sub(at);
    let end = if left < C { left } else { C };
    let d = d.wrapping_offset((at as isize).wrapping_mul(p.d[1]));
    let mut from = 0usize;
    while from < p.k {
        let rest = p.k.wrapping_sub(from);
        let k = if rest < INNER { rest } else { INNER };
        let part = Product { k, add: p.add | (from != 0), ..*p };
        let a = a.wrapping_offset((from as isize).wrapping_mul(p.a[1]));
        let b = b.wrapping_offset((from as isize).wrapping_mul(p.b[0]));
        // SAFETY: passed on.
        unsafe {
            let (b, step) = if direct { (b.wrapping_add(at), p.b[0]) } else { (pack::<T, C>(&part, b, at, room.as_mut_ptr()), C as isize) };
            let block = Block { b, step, first, end };
            let mut i = 0usize;
            while p.m.wrapping_sub(i) > Q {
                rows::<T, FUSED, 2, Q, C>(&part, a, d, i, block);
                i = i.wrapping_add(Q).wrapping_add(Q);
                if i >= p.m {
                    break;
                }
            }
            if i < p.m {
                rows::<T, FUSED, 1, Q, C>(&part, a, d, i, block);
            }
        }
        from = from.wrapping_add(INNER);
    }
}

/// Blocks of 2 Q rows, or Q, and C columns; what is left over takes H. Where rows can be read as they are, the last block overlaps
/// the one before it.
#[inline(always)]
unsafe fn product<T: Float, const FUSED: bool, const Q: usize, const C: usize, const H: usize>(
    p: &Product,
    operands: [*const T; 2],
    d: *mut T,
) {
    let lies = p.b[1] == 1;
    let mut j = 0usize;
    // SAFETY: by the contract; a block is read as it is only where it lies inside the product.
    unsafe {
        while j.wrapping_add(C) <= p.n {
            columns::<T, FUSED, Q, C>(p, operands, d, j, 0, lies);
            j = j.wrapping_add(C);
        }
        if j < p.n && p.n.wrapping_sub(j) > H {
            if lies && p.n < C && p.m < MANY {
                columns::<T, FUSED, Q, H>(p, operands, d, j, 0, true);
                j = j.wrapping_add(H);
            } else {
                let overlap = lies && p.n >= C;
                let at = if overlap { p.n.wrapping_sub(C) } else { j };
                return columns::<T, FUSED, Q, C>(p, operands, d, at, j.wrapping_sub(at), overlap);
            }
        }
        if j < p.n {
            let overlap = lies && p.n >= H;
            let at = if overlap { p.n.wrapping_sub(H) } else { j };
            columns::<T, FUSED, Q, H>(p, operands, d, at, j.wrapping_sub(at), overlap);
        }
    }
}

/// # Safety
/// As for one product, whose operands and result are `row.steps` apart.
#[inline(always)]
unsafe fn products<T: Float, const FUSED: bool, const Q: usize, const C: usize, const H: usize>(
    mut p: Product,
    row: Row,
    a: *const T,
    b: *const T,
    mut d: *mut T,
) {
    let (mut operands, mut steps) = ([a, b], [row.steps[0], row.steps[1]]);
    let turned = if p.d[1] == 1 { p.n < p.m && p.n <= H && (p.a[0] == 1 || p.n <= H / 2) } else { p.d[0] == 1 };
    if turned {
        // The transposed product has the same bits, and rows that lie in memory, or fill vectors.
        let [a, b, d] = [p.a, p.b, p.d].map(|s| [s[1], s[0]]);
        p = Product { m: p.n, n: p.m, a: b, b: a, d, ..p };
        (operands, steps) = ([operands[1], operands[0]], [steps[1], steps[0]]);
    }
    let mut left = row.count;
    while left != 0 {
        // SAFETY: by the contract.
        unsafe { product::<T, FUSED, Q, C, H>(&p, operands, d) };
        operands = [operands[0].wrapping_offset(steps[0]), operands[1].wrapping_offset(steps[1])];
        d = d.wrapping_offset(row.steps[2]);
        left = left.wrapping_sub(1);
    }
}

// Blocks of as many sums as hide the latency of an addition, and leave registers for the operands.
/// # Safety
/// As [`products`], as for those below, whose instructions the machine must have.
unsafe fn base<T: Float, const C: usize, const H: usize>(p: Product, row: Row, a: *const T, b: *const T, d: *mut T) {
    unsafe { products::<T, false, 1, C, H>(p, row, a, b, d) }
}
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<T: Float, const C: usize, const H: usize>(p: Product, row: Row, a: *const T, b: *const T, d: *mut T) {
    unsafe { products::<T, true, 2, C, H>(p, row, a, b, d) }
}
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")]
unsafe fn avx512<T: Float, const C: usize, const H: usize>(p: Product, row: Row, a: *const T, b: *const T, d: *mut T) {
    unsafe { products::<T, true, 4, C, H>(p, row, a, b, d) }
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
