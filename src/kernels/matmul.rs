//! Products of matrices over a batch, with transposes as strides.

use self::plain::{Number, in_a_row, outer_products, plain_products, tiny_products};
use self::small::Small;
use super::isa::isa;
use super::level3::{Level3, Product};
use super::movement::rows;
use super::ranges::{GRAIN, RANGE, Ranges, halve};
use crate::array::{View, ViewMut};
use crate::dtype::DType;
use crate::error::Result;
use crate::shape::{Dims, Strides};

pub mod packed;
mod plain;
mod small;

/// Products in a row: how many, and the steps from one to the next in `a`, `b` and `d`.
#[derive(Clone, Copy, Debug)]
struct Row {
    count: usize,
    steps: [isize; 3],
}

/// `dst[.., i, j] = sum over p of a[.., i, p] b[.., p, j]`.
///
/// `a` is (..., m, k), `b` (..., k, n), `dst` (..., m, n), with equal batch axes (broadcast by strides of 0) and one
/// dtype. `dst` may have any strides that do not overlap; it overlaps neither operand. `k = 0` gives zeros.
///
/// The number of threads changes no bit; the rounding of small products depends on the lengths alone, of others also on
/// which axes are contiguous. Integers wrap; for bools, sum is "or" and product is "and".
///
/// A product of more than a `PANEL` is computed in panels, whose lengths follow from its own.
pub fn matmul(ranges: &Ranges<'_>, a: View<'_>, b: View<'_>, dst: &mut ViewMut<'_>) -> Result<()> {
    debug_assert!(a.dtype() == b.dtype() && a.dtype() == dst.dtype());
    debug_assert!(a.dims().len() >= 2 && a.dims().len() == b.dims().len() && a.dims().len() == dst.dims().len());
    let batch = dst.dims().len() - 2;
    let ([m, k], [_, n]) = (last_two(a.dims()), last_two(b.dims()));
    debug_assert!([m, n] == last_two(dst.dims()) && k == last_two(b.dims())[0]);
    if dst.count() == 0 {
        return Ok(());
    }
    let p = Product { m, k, n, a: last_two(a.strides()), b: last_two(b.strides()), d: last_two(dst.strides()), add: false };
    let dims = &dst.dims()[..batch];
    let steps = [&a.strides()[..batch], &b.strides()[..batch], &dst.strides()[..batch]];
    // SAFETY: the lengths and strides of the views, whose dtype is the dispatched one.
    unsafe {
        match dst.dtype() {
            DType::Bool => over_batch::<u8>(ranges, a, b, dst, p, dims, steps, (plain_products, 0, GRAIN)),
            DType::I32 => over_batch::<i32>(ranges, a, b, dst, p, dims, steps, (plain_products, 0, GRAIN)),
            DType::I64 => over_batch::<i64>(ranges, a, b, dst, p, dims, steps, (plain_products, 0, GRAIN)),
            DType::F32 => floats::<f32>(ranges, a, b, dst, p, dims, steps),
            DType::F64 => floats::<f64>(ranges, a, b, dst, p, dims, steps),
        }
    }
}

fn last_two<T: Copy>(s: &[T]) -> [T; 2] {
    let n = s.len();
    [s[n - 2], s[n - 1]]
}

/// The largest m n k that the plain loops take (3 x 3 x 3), 4 x 4 x 4 aside: less than a kernel's preparations cost.
const TINY: usize = 27;
/// The largest m n k of products with fewer than [`THICK`] rows or columns that the kernels of small products take
/// (6 x 6 x 6). The paths of `gemm` for vectors cost next to nothing and take all of them.
const THIN: usize = 216;
const THICK: usize = 4;
/// The largest m n k that those kernels take (32 x 32 x 32): about where the fixed cost of `gemm`, .2 to 1 us, is paid back.
const SMALL: usize = 1 << 15;

/// True for products that the same kernels take although they are not small, or too thin, because `gemm` is slow: those with few columns,
/// and those with few rows whose other operand is transposed, which it copies element by element.
fn thin<T>(p: &Product) -> bool {
    /// The largest results whose elements `gemm` sums along the inner axis, where it is contiguous in both operands: nothing is faster.
    const DOTS: usize = 256;
    /// Shorter axes of the other operand are copied fast enough.
    const LONG: usize = 64;
    let (m, n, b) = if p.d[1] != 1 && p.d[0] == 1 { (p.n, p.m, [p.a[1], p.a[0]]) } else { (p.m, p.n, p.b) };
    let lanes = 64 / size_of::<T>();
    let dots = m.saturating_mul(n) <= DOTS && p.a[1] == 1 && p.b[0] == 1;
    let turned = b[0] == 1 && b[1] != 1 && m <= 2 * lanes && n.min(p.k) >= LONG;
    !dots && (n <= lanes || turned)
}

/// Multiplications that a large product of floats does in the time of moving one element, and its logarithm.
pub(super) const RATE: usize = 1 << FAST;
const FAST: u32 = 4;

/// Rows or columns of a part for a thread at least. `gemm` sums up to 256 elements, and up to 64 x 64, in another way than more.
const PART: usize = 5 * GRAIN;

/// Multiplications of a panel: about 50 ms of work, or [`RATE`] times fewer where the plain loops do it, or where it waits
/// for memory. Smaller panels would be slower: each brings its part of both operands together.
pub(super) const PANEL: usize = 1 << 30;

/// # Safety
/// As [`over_batch`].
unsafe fn floats<T: Number + Small + Level3>(
    ranges: &Ranges<'_>,
    a: View<'_>,
    b: View<'_>,
    dst: &ViewMut<'_>,
    p: Product,
    dims: &[usize],
    steps: [&[isize]; 3],
) -> Result<()> {
    // The lengths of one product decide, and for those that are not small which axes are contiguous.
    let (work, thick) = (p.m.saturating_mul(p.n).saturating_mul(p.k), p.m.min(p.n) >= THICK);
    let matrices = p.m > 1 && p.n > 1;
    let f: Multiply<T> = match () {
        () if p.k == 1 => (outer_products, 0, GRAIN),
        () if matrices && (work <= TINY || [p.m, p.k, p.n] == [4; 3]) => (tiny_products, 0, GRAIN),
        () if matrices && work <= if thick { SMALL } else { THIN } && p.k <= small::INNER => (T::kernel(isa()), FAST, GRAIN),
        () if matrices && thin::<T>(&p) => (T::kernel(isa()), FAST, GRAIN),
        () => (large_products, FAST, T::SQUARE.unwrap_or(GRAIN)),
    };
    // SAFETY: passed on.
    unsafe { over_batch::<T>(ranges, a, b, dst, p, dims, steps, f) }
}

/// Products in a row; the logarithm of how many multiplications are done in the time of moving one element; and of how many rows or
/// columns a part for a thread consists, at least.
type Multiply<T> = (unsafe fn(p: Product, row: Row, a: *const T, b: *const T, d: *mut T), u32, usize);

impl Product {
    /// Its cost in elements that are moved.
    fn cost(&self, fast: u32) -> usize {
        let Product { m, k, n, .. } = *self;
        let moved = m.saturating_mul(k).saturating_add(k.saturating_mul(n)).saturating_add(m.saturating_mul(n));
        moved.max(m.saturating_mul(k).saturating_mul(n) >> fast)
    }
}

/// The arrays of a product, for threads that write to parts of their own.
struct Arrays<T>(*const T, *const T, *mut T);

impl<T> Arrays<T> {
    fn get(&self) -> &Self {
        self
    }
}

// SAFETY: two arrays are only read, and no element of the third is written by two threads.
unsafe impl<T> Sync for Arrays<T> {}

/// The product in panels: what is too large is halved along its longest axis. Halves of the inner axis are added up in
/// order.
///
/// # Safety
/// The lengths and strides stay inside the three arrays.
unsafe fn panels<T>(ranges: &Ranges<'_>, p: Product, a: *const T, b: *const T, d: *mut T, f: Multiply<T>) -> Result<()> {
    let Product { m, k, n, .. } = p;
    let work = p.cost(f.1);
    let at = if work > PANEL / RATE { halve(&[m, n, k], &[GRAIN; 3]) } else { None };
    let Some((axis, at)) = at else {
        // Parts of whole grains along the longer axis: an element's sum does not depend on where its row or column lies, as long as
        // the part is summed as the whole is.
        let grain = f.2;
        let (long, s) = if m >= n { (m, [p.a[0], 0, p.d[0]]) } else { (n, [0, p.b[1], p.d[1]]) };
        let grains = long / grain;
        let parts = ranges.threads(work).min(long / PART.max(grain)).max(1);
        let arrays = Arrays(a, b, d);
        return ranges.parts(parts, work, &|part| {
            let Arrays(a, b, d) = *arrays.get();
            let from = grains * part / parts * grain;
            let to = if part + 1 == parts { long } else { grains * (part + 1) / parts * grain };
            let p = if m >= n { Product { m: to - from, ..p } } else { Product { n: to - from, ..p } };
            let [x, y, z] = s.map(|s| s * from as isize);
            // SAFETY: the arrays of the contract, and a part of the result that no other thread has.
            unsafe { f.0(p, Row { count: 1, steps: [0; 3] }, a.offset(x), b.offset(y), d.offset(z)) }
        });
    };
    let s = at as isize;
    let (first, second, [x, y, z]) = match axis {
        0 => (Product { m: at, ..p }, Product { m: m - at, ..p }, [s * p.a[0], 0, s * p.d[0]]),
        1 => (Product { n: at, ..p }, Product { n: n - at, ..p }, [0, s * p.b[1], s * p.d[1]]),
        _ => (Product { k: at, ..p }, Product { k: k - at, add: true, ..p }, [s * p.a[1], s * p.b[0], 0]),
    };
    // SAFETY: both halves lie in the product.
    unsafe {
        panels(ranges, first, a, b, d, f)?;
        panels(ranges, second, a.offset(x), b.offset(y), d.offset(z), f)
    }
}

/// Runs a product for each index of the batch. Batch axes along which `b` stands still and `a` and `dst` go on like rows
/// become rows of one product.
///
/// # Safety
/// The views have type `T`; `p`, `dims` and `steps` are theirs.
#[allow(clippy::too_many_arguments, reason = "the lengths and strides of three views")]
unsafe fn over_batch<T>(
    ranges: &Ranges<'_>,
    a: View<'_>,
    b: View<'_>,
    dst: &ViewMut<'_>,
    mut p: Product,
    dims: &[usize],
    steps: [&[isize]; 3],
    f: Multiply<T>,
) -> Result<()> {
    let (a, b, d) = (a.ptr().cast::<T>(), b.ptr().cast::<T>(), dst.ptr().cast::<T>());
    if dims.is_empty() {
        // SAFETY: the views themselves.
        return unsafe { panels(ranges, p, a, b, d, f) };
    }
    let mut dims = Dims::from_slice(dims);
    let [mut sa, mut sb, mut sd] = steps.map(Strides::from_slice);
    while let (Some(&n), Some(&x), Some(&y), Some(&z)) = (dims.last(), sa.last(), sb.last(), sd.last()) {
        let m = p.m as isize;
        let l = p.n as isize;
        let rows = y == 0 && (p.m == 1 || (x == m * p.a[0] && z == m * p.d[0]));
        let columns = x == 0 && (p.n == 1 || (y == l * p.b[1] && z == l * p.d[1]));
        match () {
            () if n == 1 => {}
            () if rows => {
                if p.m == 1 {
                    (p.a[0], p.d[0]) = (x, z);
                }
                p.m *= n;
            }
            () if columns => {
                if p.n == 1 {
                    (p.b[1], p.d[1]) = (y, z);
                }
                p.n *= n;
            }
            () => break,
        }
        dims.pop();
        [&mut sa, &mut sb, &mut sd].into_iter().for_each(|s| s.truncate(dims.len()));
    }
    let cost = p.cost(f.1);
    let steps = [&sa, &sb, &sd].map(|s| s.last().copied().unwrap_or(0));
    rows(&dims, [&sa, &sb, &sd], |[x, y, z], n| {
        // SAFETY: offsets of the views.
        let (a, b, d) = unsafe { (a.offset(x), b.offset(y), d.offset(z)) };
        let at = |i: usize| steps.map(|s| s * i as isize);
        if cost > PANEL / RATE {
            // SAFETY: as above.
            return (0..n).map(at).try_for_each(|[x, y, z]| unsafe { panels(ranges, p, a.offset(x), b.offset(y), d.offset(z), f) });
        }
        let threads = ranges.threads(n.saturating_mul(cost));
        let parts = threads.min(n);
        // Threads share each of a few products.
        if threads > n {
            // SAFETY: as above.
            return (0..n).map(at).try_for_each(|[x, y, z]| unsafe { panels(ranges, p, a.offset(x), b.offset(y), d.offset(z), f) });
        }
        let arrays = Arrays(a, b, d);
        if parts > 1 {
            // As many as make a range for each thread, then the question whether to go on.
            let many = (RANGE / cost.max(1)).max(1) * parts;
            return (0..n).step_by(many).try_for_each(|first| {
                let n = many.min(n - first);
                ranges.parts(parts, n * cost, &|part| {
                    let Arrays(a, b, d) = *arrays.get();
                    let (from, to) = (first + n * part / parts, first + n * (part + 1) / parts);
                    let ([x, y, z], row) = (at(from), Row { count: to - from, steps });
                    // SAFETY: as above; no other thread has these products.
                    unsafe { f.0(p, row, a.offset(x), b.offset(y), d.offset(z)) }
                })
            });
        }
        ranges.each(n, cost, |r| {
            let ([x, y, z], row) = (at(r.start), Row { count: r.len(), steps });
            // SAFETY: as above.
            unsafe { f.0(p, row, a.offset(x), b.offset(y), d.offset(z)) };
            Ok(())
        })
    })
}

/// # Safety
/// As [`plain_products`].
unsafe fn large_products<T: Level3>(p: Product, row: Row, a: *const T, b: *const T, d: *mut T) {
    let side = T::SQUARE.unwrap_or(usize::MAX);
    in_a_row(row, a, b, d, |a, b, d| {
        for i in (0..p.m).step_by(side) {
            for j in (0..p.n).step_by(side) {
                let square = Product { m: side.min(p.m - i), n: side.min(p.n - j), ..p };
                let (i, j) = (i as isize, j as isize);
                // SAFETY: by the contract.
                unsafe { T::product(&square, a.offset(i * p.a[0]), b.offset(j * p.b[1]), d.offset(i * p.d[0] + j * p.d[1])) }
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::super::movement::model::*;
    use super::*;
    use crate::shape::count;

    fn matmul(a: View<'_>, b: View<'_>, dst: &mut ViewMut<'_>) {
        super::matmul(&Ranges::new(None), a, b, dst).unwrap();
    }

    /// The definition, on values in C order, with equal batch axes.
    fn product(batch: usize, [m, k, n]: [usize; 3], a: &[f64], b: &[f64]) -> Vec<f64> {
        let element = |c: usize, i: usize, j: usize| (0..k).map(|p| a[(c * m + i) * k + p] * b[(c * k + p) * n + j]).sum();
        (0..batch).flat_map(|c| (0..m).flat_map(move |i| (0..n).map(move |j| (c, i, j)))).map(|(c, i, j)| element(c, i, j)).collect()
    }

    fn shape(batch: &[usize], rows: usize, columns: usize) -> Vec<usize> {
        batch.iter().copied().chain([rows, columns]).collect()
    }

    const LENGTHS: [[usize; 3]; 34] = [
        [1, 1, 1],
        [2, 2, 2],
        [3, 0, 2],
        [0, 3, 2],
        [2, 3, 0],
        [6, 6, 6],
        [7, 6, 6],
        [1, 40, 1],
        [1, 1, 30],
        [30, 1, 1],
        [5, 1, 9],
        [5, 2, 9],
        [1, 17, 20],
        [20, 17, 1],
        [8, 3, 17],
        [16, 20, 3],
        [33, 20, 18],
        [65, 70, 66],
        [3, 600, 3],
        [300, 3, 2],
        [8, 64, 10],
        [5, 30, 12],
        [13, 9, 23],
        [32, 32, 32],
        [4, 128, 33],
        [4, 129, 7],
        [4, 4, 4],
        [3, 3, 3],
        [3, 300, 90],
        [8, 260, 67],
        [24, 70, 65],
        [90, 130, 2],
        [70, 257, 5],
        [40, 140, 13],
    ];

    #[test]
    fn every_layout_of_every_dtype_gives_the_product() {
        let mut rng = Rng(6);
        for lengths in LENGTHS {
            let [m, k, n] = lengths;
            for batch in [&[][..], &[2, 3], &[0]] {
                if count(batch) > 1 && m * k * n > 10_000 {
                    continue;
                }
                let (da, db, dd) = (shape(batch, m, k), shape(batch, k, n), shape(batch, m, n));
                for dtype in DType::ALL {
                    // Whole numbers: any order of additions is exact.
                    let (mut x, mut y) = (rng.whole(count(&da)), rng.whole(count(&db)));
                    if dtype == DType::Bool {
                        x.iter_mut().chain(&mut y).for_each(|v| *v = f64::from(u8::from(*v > 5.0)));
                    }
                    let mut expected = product(count(batch), lengths, &x, &y);
                    if dtype == DType::Bool {
                        expected.iter_mut().for_each(|v| *v = v.min(1.0));
                    }
                    for a in Strided::layouts(dtype, &da, &x) {
                        for b in Strided::layouts(dtype, &db, &y) {
                            let mut c = Strided::out(dtype, &dd);
                            matmul(a.view(), b.view(), &mut c.view_mut());
                            assert_eq!(c.values(), expected, "{dtype} {batch:?} {lengths:?} {:?} {:?}", a.strides, b.strides);
                            c.check_guard();
                        }
                        let b = Strided::new(dtype, &db, &y);
                        for mut c in Strided::layouts(dtype, &dd, &vec![1.0; count(&dd)]) {
                            matmul(a.view(), b.view(), &mut c.view_mut());
                            assert_eq!(c.values(), expected, "{dtype} {batch:?} {lengths:?} {:?} -> {:?}", a.strides, c.strides);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn operands_are_broadcast_by_strides() {
        let mut rng = Rng(7);
        for [m, k, n] in [[2, 3, 2], [9, 5, 7], [1, 12, 30], [30, 12, 1]] {
            for dtype in [DType::I64, DType::F32, DType::F64] {
                for (repeat_a, repeat_b) in [(&[][..], &[0][..]), (&[], &[0, 1]), (&[0, 1], &[]), (&[0], &[1]), (&[0, 1], &[0, 1])] {
                    let make = |rng: &mut Rng, repeat: &[usize], rows, columns| {
                        let mut dims = vec![4, 3, rows, columns];
                        repeat.iter().for_each(|&r| dims[r] = 1);
                        let values = rng.whole(count(&dims));
                        repeat.iter().fold(Strided::new(dtype, &dims, &values), |a, &r| a.repeat(r, [4, 3][r]))
                    };
                    let (a, b) = (make(&mut rng, repeat_a, m, k), make(&mut rng, repeat_b, k, n));
                    let mut c = Strided::out(dtype, &[4, 3, m, n]);
                    matmul(a.view(), b.view(), &mut c.view_mut());
                    assert_eq!(
                        c.values(),
                        product(12, [m, k, n], &a.values(), &b.values()),
                        "{dtype} {m} {k} {n} {repeat_a:?} {repeat_b:?}"
                    );
                    c.check_guard();
                }
            }
        }
        // One row and one column repeated inside the product.
        let a = Strided::new(DType::F64, &[1, 40], &rng.whole(40)).repeat(0, 9);
        let b = Strided::new(DType::F64, &[40, 1], &rng.whole(40)).repeat(1, 20);
        let mut c = Strided::out(DType::F64, &[9, 20]);
        matmul(a.view(), b.view(), &mut c.view_mut());
        assert_eq!(c.values(), product(1, [9, 40, 20], &a.values(), &b.values()));
    }

    #[test]
    fn the_bits_of_small_products_follow_from_the_lengths() {
        let mut rng = Rng(8);
        for [m, k, n] in [[2, 5, 3], [6, 6, 6], [3, 20, 3], [2, 4, 20], [4, 4, 4], [9, 64, 10], [4, 100, 29], [31, 33, 32]] {
            for dtype in [DType::F32, DType::F64] {
                let (x, y) = (rng.real(6 * m * k), rng.real(6 * k * n));
                let mut first = None;
                for a in Strided::layouts(dtype, &[6, m, k], &x) {
                    for b in Strided::layouts(dtype, &[6, k, n], &y) {
                        let mut c = Strided::out(dtype, &[6, m, n]);
                        matmul(a.view(), b.view(), &mut c.view_mut());
                        assert_eq!(first.get_or_insert(c.bits()), &c.bits());
                    }
                }
            }
        }
    }

    #[test]
    fn large_products_are_accurate() {
        let mut rng = Rng(9);
        let [m, k, n] = [130, 700, 90];
        for (dtype, eps) in [(DType::F32, f32::EPSILON.into()), (DType::F64, f64::EPSILON)] {
            let a = Strided::new(dtype, &[m, k], &rng.real(m * k));
            let b = Strided::new(dtype, &[n, k], &rng.real(k * n)).permuted(&[1, 0]);
            let mut c = Strided::out(dtype, &[m, n]);
            matmul(a.view(), b.view(), &mut c.view_mut());
            let expected = product(1, [m, k, n], &a.values(), &b.values());
            let abs = |v: Vec<f64>| v.into_iter().map(f64::abs).collect::<Vec<_>>();
            let scale = product(1, [m, k, n], &abs(a.values()), &abs(b.values()));
            let worst = c.values().iter().zip(&expected).zip(&scale).map(|((x, y), s)| (x - y).abs() / s).fold(0.0, f64::max);
            // Of the worst case, k eps / 2, roundings in both directions leave little.
            assert!(worst < 2.0 * eps, "{dtype}: {worst:e}");
        }
    }

    #[test]
    fn products_of_many_panels_are_the_product() {
        let (mut rng, limit) = (Rng(10), PANEL / RATE);
        // The longest axis of each is another one.
        for lengths in [[600, 3000, 600], [300, 400, 9000], [9001, 400, 300]] {
            let [m, k, n] = lengths;
            let (x, y, v) = (rng.whole(m * k), rng.whole(k * n), rng.whole(n));
            // Whole numbers: both sides are exact, and differ where an element is wrong.
            let expected = product(1, [m, k, 1], &x, &product(1, [k, n, 1], &y, &v));
            let a = Strided::new(DType::F64, &[m, k], &x);
            for b in [Strided::new(DType::F64, &[k, n], &y), Strided::layouts(DType::F64, &[k, n], &y).remove(1)] {
                let mut c = Strided::out(DType::F64, &[m, n]);
                matmul(a.view(), b.view(), &mut c.view_mut());
                assert!(product(1, [m, n, 1], &c.values(), &v) == expected, "{lengths:?}");
                c.check_guard();
            }
        }
        // Vectors, and the plain loops, which are cut earlier: one number in each operand, repeated by strides of 0.
        for dtype in [DType::I32, DType::F64] {
            for [m, k, n] in [[1, limit + 1, 1], [1, 5000, limit / 5000], [limit / 900, 900, 1], [3, limit / 4, 2], [100, limit / 90, 3]] {
                let one = |rows, columns| Strided::new(dtype, &[1, 1], &[1.0]).repeat(0, rows).repeat(1, columns);
                let (a, b, mut c) = (one(m, k), one(k, n), Strided::out(dtype, &[m, n]));
                matmul(a.view(), b.view(), &mut c.view_mut());
                assert!(c.values().iter().all(|v| *v == k as f64), "{dtype} {m} {k} {n}");
                c.check_guard();
            }
        }
    }

    #[test]
    fn integers_wrap_and_nan_spreads() {
        let a = Strided::new(DType::I32, &[1, 2], &[f64::from(i32::MAX), 2.0]);
        let b = Strided::new(DType::I32, &[2, 1], &[2.0, 1.0]);
        let mut c = Strided::out(DType::I32, &[1, 1]);
        matmul(a.view(), b.view(), &mut c.view_mut());
        assert_eq!(c.values(), [0.0]);
        for n in [2, 30] {
            let mut x = vec![0.0; n * n];
            x[0] = f64::NAN;
            let (a, b) = (Strided::new(DType::F64, &[n, n], &x), Strided::new(DType::F64, &[n, n], &vec![0.0; n * n]));
            let mut c = Strided::out(DType::F64, &[n, n]);
            matmul(a.view(), b.view(), &mut c.view_mut());
            assert!(c.values()[..n].iter().all(|v| v.is_nan()) && c.values()[n..].iter().all(|v| *v == 0.0));
        }
    }
}
