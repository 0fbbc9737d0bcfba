//! Products that wait for memory: few rows of the left operand by long rows of the right one, and long single sums.

use super::cut::{Call, at, settle};
use super::micro::Machine;
use super::panel::Strided;
use super::vector::Vector;
use super::{Lengths, Scalar};

/// The most rows that are summed in memory, and the fewest columns.
pub(super) const ROWS: usize = 2;
pub(super) const WIDE: usize = 128;
/// Columns whose sums stay in the first cache.
pub(super) const COLUMNS: usize = 2048;

/// The most elements that are summed one by one, and the shortest sums.
pub(super) const DOTS: usize = 4;
pub(super) const LONG: usize = 1024;

/// Rows of the right operand that are read side by side.
const SIDE: usize = 4;

/// Few rows: the rows of the right operand are read as they lie, and added to sums in the first cache.
///
/// # Safety
/// As [`super::multiply`]; the columns of the right operand follow each other, and there are at most `ROWS` rows.
#[inline(always)]
pub(super) unsafe fn streams<K: Machine>(call: &Call<K::T>) {
    let (Lengths { m, n, k }, a, b) = (call.lengths, call.a, call.b);
    let sums = call.scratch;
    for j0 in (0..n).step_by(COLUMNS) {
        let columns = COLUMNS.min(n - j0);
        for d0 in (0..k).step_by(call.block) {
            let depth = call.block.min(k - d0);
            let add = call.add || d0 > 0;
            // SAFETY: elements of the operands, of the scratch of the plan, and of the result.
            unsafe {
                let mut d = 0;
                while d < depth {
                    let side = if depth - d >= SIDE { SIDE } else { 1 };
                    for i in 0..m {
                        let (x, y, to) = (a.element(d0 + d, i), b.element(d0 + d, j0), sums.wrapping_add(i * columns));
                        // Not by a function pointer: that would not be inlined.
                        if side == SIDE {
                            onto::<K::V, SIDE>([x, y], [a.depth, b.depth], to, columns, d == 0);
                        } else {
                            onto::<K::V, 1>([x, y], [a.depth, b.depth], to, columns, d == 0);
                        }
                    }
                    d += side;
                }
                for i in 0..m {
                    settle(call, sums.wrapping_add(i * columns), [i, j0], [1, columns], add);
                }
            }
        }
    }
}

/// Adds S products to each of the sums, which start at 0 if they are the first.
#[inline(always)]
unsafe fn onto<V: Vector, const S: usize>([a, b]: [*const V::T; 2], steps: [isize; 2], sums: *mut V::T, columns: usize, first: bool) {
    let place = |s: usize, step: isize| (s as isize).wrapping_mul(step);
    // SAFETY: `columns` numbers of each of S rows, and of the sums.
    unsafe {
        let x: [V; S] = std::array::from_fn(|s| V::spread(a.wrapping_offset(place(s, steps[0]))));
        let b: [_; S] = std::array::from_fn(|s| b.wrapping_offset(place(s, steps[1])));
        let mut j = 0usize;
        while j.wrapping_add(V::LANES) <= columns {
            let to = sums.wrapping_add(j);
            let mut sum = if first { V::zero() } else { V::load(to) };
            for s in 0..S {
                sum = x[s].times_plus(V::load(b[s].wrapping_add(j)), sum);
            }
            sum.store(to);
            j = j.wrapping_add(V::LANES);
        }
        if j < columns {
            let (to, part) = (sums.wrapping_add(j), columns.wrapping_sub(j));
            let mut sum = if first { V::zero() } else { V::load_part(to, part) };
            for s in 0..S {
                sum = x[s].times_plus(V::load_part(b[s].wrapping_add(j), part), sum);
            }
            sum.store_part(to, part);
        }
    }
}

/// One row by a right operand whose columns are read as they lie: squares of it are transposed in registers.
///
/// # Safety
/// As [`super::multiply`]; the depth of the right operand has step 1, and there is one row.
#[inline(always)]
pub(super) unsafe fn lines<K: Machine>(call: &Call<K::T>) {
    let (Lengths { n, k, .. }, a, b) = (call.lengths, call.a, call.b);
    let lanes = K::V::LANES;
    for j0 in (0..n).step_by(2 * lanes) {
        let columns = (2 * lanes).min(n - j0);
        for d0 in (0..k).step_by(call.block) {
            let depth = call.block.min(k - d0);
            let mut sums = [K::T::ZERO; 32];
            // SAFETY: elements of the operands, and of the result.
            unsafe {
                let at: [_; 32] = std::array::from_fn(|r| b.element(d0, (j0 + r).min(n - 1)));
                let a = Strided { at: a.element(d0, 0), ..a };
                if columns > lanes {
                    squares::<K::V, 2>(a, &at, depth, &mut sums);
                } else {
                    squares::<K::V, 1>(a, &at, depth, &mut sums);
                }
                settle(call, sums.as_mut_ptr(), [0, j0], [1, columns], call.add || d0 > 0);
            }
        }
    }
}

/// The sums of S vectors of lines.
#[inline(always)]
unsafe fn squares<V: Vector, const S: usize>(a: Strided<V::T>, at: &[*const V::T; 32], depth: usize, to: &mut [V::T; 32]) {
    // SAFETY: by the contract.
    unsafe {
        let mut sums = [V::zero(); S];
        let mut d = 0usize;
        while d < depth {
            let rest = depth.wrapping_sub(d);
            for (s, sum) in sums.iter_mut().enumerate() {
                let row = |r: usize| at[s.wrapping_mul(V::LANES).wrapping_add(r) % 32].wrapping_add(d);
                let put = |c: usize, x: V| *sum = V::spread(a.element(d.wrapping_add(c), 0)).times_plus(x, *sum);
                if rest >= V::LANES {
                    V::columns(row, put);
                } else {
                    V::columns_part(row, rest, put);
                }
            }
            d = d.wrapping_add(V::LANES);
        }
        for (s, sum) in sums.iter().enumerate() {
            sum.store(to.as_mut_ptr().wrapping_add(s.wrapping_mul(V::LANES)));
        }
    }
}

/// A few long sums: several blocks of the depth at once.
///
/// # Safety
/// As [`super::multiply`], where `FUSED` says whether the instructions fuse.
#[inline(always)]
pub(super) unsafe fn dots<K: Machine, const FUSED: bool>(call: &Call<K::T>) {
    let (Lengths { m, n, k }, a, b) = (call.lengths, call.a, call.b);
    let length = call.block;
    for i in 0..m {
        for j in 0..n {
            let to = at(&call.out, i, j);
            let mut d = 0;
            // SAFETY: elements of the operands and of the result.
            unsafe {
                let mut total = if call.add { Some(*to) } else { None };
                while d < k {
                    let (at, steps) = ([a.element(d, i), b.element(d, j)], [a.depth, b.depth]);
                    let mut add = |sums: &[K::T]| sums.iter().for_each(|&s| total = Some(total.map_or(s, |t| t + s)));
                    let (blocks, lanes) = ((k - d) / length, K::V::LANES);
                    if steps == [1, 1] && blocks >= lanes {
                        add(&side_by_side::<K::V>(at, length)[..lanes]);
                        d += lanes * length;
                        continue;
                    }
                    d += match blocks {
                        0 => {
                            add(&dot::<K::T, FUSED, 1>(at, steps, length, k - d));
                            k - d
                        }
                        1 => {
                            add(&dot::<K::T, FUSED, 1>(at, steps, length, length));
                            length
                        }
                        2 | 3 => {
                            add(&dot::<K::T, FUSED, 2>(at, steps, length, length));
                            2 * length
                        }
                        4..8 => {
                            add(&dot::<K::T, FUSED, 4>(at, steps, length, length));
                            4 * length
                        }
                        _ => {
                            add(&dot::<K::T, FUSED, 8>(at, steps, length, length));
                            8 * length
                        }
                    };
                }
                *to = total.unwrap_or(K::T::ZERO);
            }
        }
    }
}

/// The sums of as many blocks as a vector has lanes, whose elements follow each other.
#[inline(always)]
unsafe fn side_by_side<V: Vector>(at: [*const V::T; 2], length: usize) -> [V::T; 16] {
    let mut sums = [V::T::ZERO; 16];
    // SAFETY: elements of the operands.
    unsafe {
        let (mut sum, mut x) = (V::zero(), [V::zero(); 16]);
        let mut d = 0usize;
        while d < length {
            let [a, b] = at.map(|at| move |r: usize| at.wrapping_add(r.wrapping_mul(length).wrapping_add(d)));
            let rest = length.wrapping_sub(d);
            if rest >= V::LANES {
                V::columns(a, |c, v| x[c % 16] = v);
                V::columns(b, |c, y| sum = x[c % 16].times_plus(y, sum));
            } else {
                V::columns_part(a, rest, |c, v| x[c % 16] = v);
                V::columns_part(b, rest, |c, y| sum = x[c % 16].times_plus(y, sum));
            }
            d = d.wrapping_add(V::LANES);
        }
        sum.store(sums.as_mut_ptr());
    }
    sums
}

/// The sums of G blocks, whose starts are `length` places apart.
#[inline(always)]
unsafe fn dot<T: Scalar, const FUSED: bool, const G: usize>(
    [a, b]: [*const T; 2],
    steps: [isize; 2],
    length: usize,
    depth: usize,
) -> [T; G] {
    let [x, y] = steps.map(|s| s.wrapping_mul(length as isize));
    let mut sums = [T::ZERO; G];
    let (mut a, mut b) = (a, b);
    for _ in 0..depth {
        for (g, sum) in sums.iter_mut().enumerate() {
            let g = g as isize;
            // SAFETY: elements of the operands.
            let (x, y) = unsafe { (*a.wrapping_offset(x.wrapping_mul(g)), *b.wrapping_offset(y.wrapping_mul(g))) };
            *sum = if FUSED { x.fused(y, *sum) } else { *sum + x * y };
        }
        (a, b) = (a.wrapping_offset(steps[0]), b.wrapping_offset(steps[1]));
    }
    sums
}
