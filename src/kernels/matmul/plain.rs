//! Products by plain loops: of every dtype, and of floats where a kernel's preparations would cost more than they do.

use std::mem::MaybeUninit;

use super::super::level3::Product;
use super::Row;

/// A dtype's sum of products.
pub(super) trait Number: Copy + 'static {
    const ZERO: Self;
    fn times(self, other: Self) -> Self;
    fn plus(self, other: Self) -> Self;
}
macro_rules! number {
    ($($t:ty, $zero:expr, $times:expr, $plus:expr;)+) => {$(impl Number for $t {
        const ZERO: Self = $zero;
        #[inline(always)]
        fn times(self, other: Self) -> Self {
            let f: fn($t, $t) -> $t = $times;
            f(self, other)
        }
        #[inline(always)]
        fn plus(self, other: Self) -> Self {
            let f: fn($t, $t) -> $t = $plus;
            f(self, other)
        }
    })+};
}
number! {
    u8, 0, |a, b| a & b, |a, b| a | b;
    i32, 0, i32::wrapping_mul, i32::wrapping_add;
    i64, 0, i64::wrapping_mul, i64::wrapping_add;
    f32, 0.0, |a, b| a * b, |a, b| a + b;
    f64, 0.0, |a, b| a * b, |a, b| a + b;
}

/// Each product of a row, by a function of one.
#[inline(always)]
pub(super) fn in_a_row<T>(row: Row, a: *const T, b: *const T, d: *mut T, one: impl Fn(*const T, *const T, *mut T)) {
    let [mut a, mut b, mut d] = [a, b, d.cast_const()];
    for _ in 0..row.count {
        one(a, b, d.cast_mut());
        [a, b, d] = [a.wrapping_offset(row.steps[0]), b.wrapping_offset(row.steps[1]), d.wrapping_offset(row.steps[2])];
    }
}

/// # Safety
/// As [`plain_products`].
pub(super) unsafe fn outer_products<T: Number>(p: Product, row: Row, a: *const T, b: *const T, d: *mut T) {
    // SAFETY: by the contract.
    in_a_row(row, a, b, d, |a, b, d| unsafe { outer_product(p, a, b, d) });
}

/// Plain loops: each element sums its products in order of the inner axis, whatever the strides, from 0 on or from what
/// is there.
///
/// # Safety
/// The lengths and strides of each product stay inside the three arrays; `d` overlaps neither operand.
pub(super) unsafe fn plain_products<T: Number>(p: Product, row: Row, a: *const T, b: *const T, d: *mut T) {
    // SAFETY: by the contract.
    in_a_row(row, a, b, d, |a, b, d| unsafe { plain_product(p, a, b, d) });
}

/// [`plain_products`], which has the same bits, where squares of fixed lengths are unrolled.
///
/// # Safety
/// As [`plain_products`].
pub(super) unsafe fn tiny_products<T: Number>(p: Product, row: Row, a: *const T, b: *const T, d: *mut T) {
    // SAFETY: by the contract.
    unsafe {
        match (p.m, p.k, p.n) {
            (2, 2, 2) => in_a_row(row, a, b, d, |a, b, d| square::<T, 2>(p, a, b, d)),
            (3, 3, 3) => in_a_row(row, a, b, d, |a, b, d| square::<T, 3>(p, a, b, d)),
            (4, 4, 4) => in_a_row(row, a, b, d, |a, b, d| square::<T, 4>(p, a, b, d)),
            _ => plain_products(p, row, a, b, d),
        }
    }
}

/// # Safety
/// As [`plain_product`], of three lengths of N.
#[inline(always)]
unsafe fn square<T: Number, const N: usize>(p: Product, a: *const T, b: *const T, d: *mut T) {
    let at = |s: [isize; 2], i: usize, j: usize| i as isize * s[0] + j as isize * s[1];
    // SAFETY: by the contract.
    unsafe {
        let read =
            |x: *const T, s: [isize; 2]| std::array::from_fn::<_, N, _>(|i| std::array::from_fn::<_, N, _>(|j| *x.offset(at(s, i, j))));
        let (x, y) = (read(a, p.a), read(b, p.b));
        for (i, row) in x.iter().enumerate() {
            let mut sums: [T; N] = if p.add { std::array::from_fn(|j| *d.offset(at(p.d, i, j))) } else { [T::ZERO; N] };
            for (x, y) in row.iter().zip(&y) {
                (0..N).for_each(|j| sums[j] = sums[j].plus(x.times(y[j])));
            }
            (0..N).for_each(|j| *d.offset(at(p.d, i, j)) = sums[j]);
        }
    }
}

/// A column by a row: nothing is summed, so the elements are those of an elementwise product, signs of zeros too.
///
/// # Safety
/// As [`plain_product`].
unsafe fn outer_product<T: Number>(p: Product, a: *const T, b: *const T, d: *mut T) {
    let at = |s: [isize; 2], i: usize, j: usize| i as isize * s[0] + j as isize * s[1];
    // SAFETY: by the contract.
    unsafe {
        for i in 0..p.m {
            let (x, to) = (*a.offset(at(p.a, i, 0)), d.offset(at(p.d, i, 0)));
            if p.b[1] == 1 && p.d[1] == 1 {
                let row = std::slice::from_raw_parts_mut(to.cast::<MaybeUninit<T>>(), p.n);
                row.iter_mut().zip(std::slice::from_raw_parts(b, p.n)).for_each(|(d, &y)| *d = MaybeUninit::new(x.times(y)));
            } else {
                (0..p.n).for_each(|j| *to.offset(at(p.d, 0, j)) = x.times(*b.offset(at(p.b, 0, j))));
            }
        }
    }
}

/// # Safety
/// The lengths and strides stay inside the three arrays; `d` overlaps neither operand.
unsafe fn plain_product<T: Number>(p: Product, a: *const T, b: *const T, d: *mut T) {
    /// Shorter rows are not worth setting up.
    const ROW: usize = 16;
    let Product { m, k, n, add, .. } = p;
    let at = |s: [isize; 2], i: usize, j: usize| i as isize * s[0] + j as isize * s[1];
    let rows = p.b[1] == 1 && p.d[1] == 1 && n >= ROW;
    let lines = p.a[1] == 1 && p.b[0] == 1 && k >= ROW;
    // SAFETY: by the contract.
    unsafe {
        for i in 0..m {
            if rows {
                // Whole rows of b are added to a row of d.
                let row = std::slice::from_raw_parts_mut(d.offset(at(p.d, i, 0)).cast::<MaybeUninit<T>>(), n);
                if !add {
                    row.fill(MaybeUninit::new(T::ZERO));
                }
                let row = std::slice::from_raw_parts_mut(row.as_mut_ptr().cast::<T>(), n);
                for q in 0..k {
                    let x = *a.offset(at(p.a, i, q));
                    let with = std::slice::from_raw_parts(b.offset(at(p.b, q, 0)), n);
                    row.iter_mut().zip(with).for_each(|(d, &y)| *d = d.plus(x.times(y)));
                }
                continue;
            }
            for j in 0..n {
                let (x, y) = (a.offset(at(p.a, i, 0)), b.offset(at(p.b, 0, j)));
                let to = d.offset(at(p.d, i, j));
                let mut sum = if add { *to } else { T::ZERO };
                if lines {
                    let (x, y) = (std::slice::from_raw_parts(x, k), std::slice::from_raw_parts(y, k));
                    sum = x.iter().zip(y).fold(sum, |s, (x, y)| s.plus(x.times(*y)));
                } else {
                    for q in 0..k as isize {
                        sum = sum.plus((*x.offset(q * p.a[1])).times(*y.offset(q * p.b[0])));
                    }
                }
                *to = sum;
            }
        }
    }
}
