//! Products of matrices over a batch, with transposes as strides.

use self::dots::Dots;
use self::large::{Packed, scratch_of};
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

mod dots;
mod large;
pub mod packed;
mod plain;
mod small;
#[cfg(test)]
mod tests;

/// Products in a row: how many, and the steps from one to the next in `a`, `b` and `d`.
#[derive(Clone, Copy, Debug)]
struct Row {
    count: usize,
    steps: [isize; 3],
}

/// `dst[.., i, j] = sum over p of a[.., i, p] b[.., p, j]`.
///
/// `a` is (..., m, k), `b` (..., k, n), `dst` (..., m, n), with equal batch axes (broadcast by strides of 0) and one
/// dtype. `dst` may have any strides that do not overlap; it overlaps neither operand. `k = 0` gives zeros. `scratch` has as many
/// bytes as [`scratch_bytes`] says, at 64.
///
/// The number of threads changes no bit. The rounding depends on the lengths alone, but for products of
/// few rows or columns over a long axis ([`few`]): there also on whether that axis is contiguous in both operands. Integers wrap; for
/// bools, sum is "or" and product is "and".
///
/// A product of more than a `PANEL` is computed in panels, whose lengths follow from its own.
pub fn matmul(ranges: &Ranges<'_>, a: View<'_>, b: View<'_>, scratch: &mut [u8], dst: &mut ViewMut<'_>) -> Result<()> {
    debug_assert!(a.dtype() == b.dtype() && a.dtype() == dst.dtype());
    debug_assert!(a.dims().len() >= 2 && a.dims().len() == b.dims().len() && a.dims().len() == dst.dims().len());
    let batch = dst.dims().len() - 2;
    let ([m, k], [_, n]) = (last_two(a.dims()), last_two(b.dims()));
    debug_assert!([m, n] == last_two(dst.dims()) && k == last_two(b.dims())[0]);
    if dst.count() == 0 {
        return Ok(());
    }
    let p = Product { m, k, n, a: last_two(a.strides()), b: last_two(b.strides()), d: last_two(dst.strides()), add: false };
    let all =
        Batch { a, b, dst, dims: &dst.dims()[..batch], steps: [&a.strides()[..batch], &b.strides()[..batch], &dst.strides()[..batch]] };
    // SAFETY: the lengths and strides of the views, whose dtype is the dispatched one.
    unsafe {
        match dst.dtype() {
            DType::Bool => over_batch::<u8>(ranges, &all, p, &Looped::new(plain_products, 0)),
            DType::I32 => over_batch::<i32>(ranges, &all, p, &Looped::new(plain_products, 0)),
            DType::I64 => over_batch::<i64>(ranges, &all, p, &Looped::new(plain_products, 0)),
            DType::F32 => floats::<f32>(ranges, &all, p, scratch),
            DType::F64 => floats::<f64>(ranges, &all, p, scratch),
        }
    }
}

/// The views of a batch of products, and its lengths and strides.
struct Batch<'a> {
    a: View<'a>,
    b: View<'a>,
    dst: &'a ViewMut<'a>,
    dims: &'a [usize],
    steps: [&'a [isize]; 3],
}

fn last_two<T: Copy>(s: &[T]) -> [T; 2] {
    let n = s.len();
    [s[n - 2], s[n - 1]]
}

/// The largest m n k that the plain loops take (3 x 3 x 3), 4 x 4 x 4 aside: less than a kernel's preparations cost.
const TINY: usize = 27;
/// The largest m n k that the kernels of small products take: about 25 x 25 x 25. Their fixed cost is the least.
const SMALL: usize = 1 << 14;

/// True for products of vectors, and of few rows or columns over an axis so long that it does not pay to copy an operand: where that
/// axis lies in memory in both operands, the lanes of vectors are places on it.
fn few(p: &Product) -> bool {
    /// The most rows or columns, whichever are fewer, and how many times as long the axis is.
    const MOST: usize = 16;
    const LONG: usize = 32;
    let fewer = p.m.min(p.n);
    fewer == 1 || (fewer <= MOST && p.k >= LONG * fewer)
}

/// Multiplications that a large product of floats does in the time of moving one element, and its logarithm.
pub(super) const RATE: usize = 1 << FAST;
const FAST: u32 = 4;

/// Rows or columns of a part for a thread at least.
const PART: usize = 5 * GRAIN;

/// Multiplications of a panel: about 50 ms of work, or [`RATE`] times fewer where the plain loops do it, or where it waits
/// for memory. Smaller panels would be slower: each brings its part of both operands together.
pub(super) const PANEL: usize = 1 << 30;

/// A float that is multiplied here.
trait Real: Number + Small + Level3 + packed::Scalar {}
impl Real for f32 {}
impl Real for f64 {}

/// The kernel of floats of these lengths; `contiguous` says whether the inner axis is in both operands.
enum Kernel<T> {
    Looped(Looped<T>),
    Dots,
    Packed,
}

impl<T: Real> Kernel<T> {
    fn of(p: &Product, contiguous: bool) -> Kernel<T> {
        let work = p.m.saturating_mul(p.n).saturating_mul(p.k);
        let matrices = p.m > 1 && p.n > 1;
        let looped = |run, fast| Kernel::Looped(Looped::new(run, fast));
        match () {
            () if p.k == 1 => looped(outer_products, 0),
            () if matrices && (work <= TINY || [p.m, p.k, p.n] == [4; 3]) => looped(tiny_products, 0),
            () if matrices && work <= SMALL && p.k <= small::INNER => looped(T::kernel(isa()), FAST),
            () if few(p) && contiguous && p.k > 0 => Kernel::Dots,
            // A library knows best about its large products.
            () if cfg!(feature = "blas") && matrices => {
                Kernel::Looped(Looped { grain: T::SQUARE.unwrap_or(GRAIN), ..Looped::new(large_products, FAST) })
            }
            () => Kernel::Packed,
        }
    }
}

/// # Safety
/// As [`over_batch`].
unsafe fn floats<T: Real>(ranges: &Ranges<'_>, all: &Batch<'_>, p: Product, scratch: &mut [u8]) -> Result<()> {
    let contiguous = p.a[1] == 1 && p.b[0] == 1;
    // SAFETY: passed on.
    unsafe {
        match Kernel::<T>::of(&p, contiguous) {
            Kernel::Looped(f) => over_batch::<T>(ranges, all, p, &f),
            Kernel::Dots => over_batch::<T>(ranges, all, p, &Dots),
            Kernel::Packed => {
                over_batch::<T>(ranges, all, p, &Packed { scratch: scratch.as_mut_ptr().cast(), room: scratch.len() / size_of::<T>() })
            }
        }
    }
}

/// Bytes of scratch that [`matmul`] needs for `a` and `b` of these lengths.
pub fn scratch_bytes(dtype: DType, a: &[usize], b: &[usize]) -> usize {
    match dtype {
        DType::F32 => scratch_of::<f32>(a, b) * size_of::<f32>(),
        DType::F64 => scratch_of::<f64>(a, b) * size_of::<f64>(),
        _ => 0,
    }
}

/// The lengths and steps of products: what is computed of them, by one thread or by several.
trait Engine<T>: Sync {
    /// The logarithm of how many multiplications are done in the time of moving one element.
    fn fast(&self) -> u32;
    /// True if threads share each of products that cost so much, however many there are.
    fn shared(&self, cost: usize) -> bool;
    /// In how many parts threads may take products like this one, whole ones each.
    fn parts(&self, p: &Product) -> usize;
    /// True if it can compute a product as large as this one.
    fn takes(&self, p: &Product) -> bool;
    /// Products in a row, by one thread: the one of so many parts that is told.
    ///
    /// # Safety
    /// The lengths and strides of each product stay inside the three arrays; `d` overlaps neither operand. No other thread has the part.
    unsafe fn row(&self, part: usize, p: Product, row: Row, a: *const T, b: *const T, d: *mut T);
    /// One product, by the threads that there are.
    ///
    /// # Safety
    /// As above.
    unsafe fn one(&self, ranges: &Ranges<'_>, p: Product, a: *const T, b: *const T, d: *mut T) -> Result<()>;
}

/// Products by a function that needs no scratch memory.
#[derive(Clone, Copy)]
struct Looped<T> {
    run: unsafe fn(p: Product, row: Row, a: *const T, b: *const T, d: *mut T),
    fast: u32,
    /// A part for a thread has so many rows or columns, or a multiple of that.
    grain: usize,
}

impl<T> Looped<T> {
    fn new(run: unsafe fn(p: Product, row: Row, a: *const T, b: *const T, d: *mut T), fast: u32) -> Looped<T> {
        Looped { run, fast, grain: GRAIN }
    }
}

impl<T> Engine<T> for Looped<T> {
    fn fast(&self) -> u32 {
        self.fast
    }
    fn shared(&self, cost: usize) -> bool {
        cost > PANEL / RATE
    }
    fn parts(&self, _: &Product) -> usize {
        usize::MAX
    }
    fn takes(&self, _: &Product) -> bool {
        true
    }
    unsafe fn row(&self, _: usize, p: Product, row: Row, a: *const T, b: *const T, d: *mut T) {
        // SAFETY: passed on.
        unsafe { (self.run)(p, row, a, b, d) }
    }
    unsafe fn one(&self, ranges: &Ranges<'_>, p: Product, a: *const T, b: *const T, d: *mut T) -> Result<()> {
        // SAFETY: passed on.
        unsafe { panels(ranges, p, a, b, d, self) }
    }
}

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
unsafe fn panels<T>(ranges: &Ranges<'_>, p: Product, a: *const T, b: *const T, d: *mut T, f: &Looped<T>) -> Result<()> {
    let Product { m, k, n, .. } = p;
    let work = p.cost(f.fast);
    let at = if work > PANEL / RATE { halve(&[m, n, k], &[GRAIN; 3]) } else { None };
    let Some((axis, at)) = at else {
        // Parts of whole grains along the longer axis: an element's sum does not depend on where its row or column lies, as long as
        // the part is summed as the whole is.
        let (long, s) = if m >= n { (m, [p.a[0], 0, p.d[0]]) } else { (n, [0, p.b[1], p.d[1]]) };
        let grains = long / f.grain;
        let parts = ranges.threads(work).min(long / PART.max(f.grain)).max(1);
        let arrays = Arrays(a, b, d);
        return ranges.parts(parts, work, &|part| {
            let Arrays(a, b, d) = *arrays.get();
            let from = grains * part / parts * f.grain;
            let to = if part + 1 == parts { long } else { grains * (part + 1) / parts * f.grain };
            let p = if m >= n { Product { m: to - from, ..p } } else { Product { n: to - from, ..p } };
            let [x, y, z] = s.map(|s| s * from as isize);
            // SAFETY: the arrays of the contract, and a part of the result that no other thread has.
            unsafe { (f.run)(p, Row { count: 1, steps: [0; 3] }, a.offset(x), b.offset(y), d.offset(z)) }
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
/// The views have type `T`; `p` is theirs.
unsafe fn over_batch<T>(ranges: &Ranges<'_>, all: &Batch<'_>, mut p: Product, f: &impl Engine<T>) -> Result<()> {
    let (a, b, d) = (all.a.ptr().cast::<T>(), all.b.ptr().cast::<T>(), all.dst.ptr().cast::<T>());
    if all.dims.is_empty() {
        // SAFETY: the views themselves.
        return unsafe { f.one(ranges, p, a, b, d) };
    }
    let mut dims = Dims::from_slice(all.dims);
    let [mut sa, mut sb, mut sd] = all.steps.map(Strides::from_slice);
    while let (Some(&n), Some(&x), Some(&y), Some(&z)) = (dims.last(), sa.last(), sb.last(), sd.last()) {
        let m = p.m as isize;
        let l = p.n as isize;
        let rows = y == 0 && (p.m == 1 || (x == m * p.a[0] && z == m * p.d[0]));
        let columns = x == 0 && (p.n == 1 || (y == l * p.b[1] && z == l * p.d[1]));
        let mut joined = p;
        match () {
            () if n == 1 => {}
            () if rows => {
                if p.m == 1 {
                    (joined.a[0], joined.d[0]) = (x, z);
                }
                joined.m *= n;
            }
            () if columns => {
                if p.n == 1 {
                    (joined.b[1], joined.d[1]) = (y, z);
                }
                joined.n *= n;
            }
            () => break,
        }
        if !f.takes(&joined) {
            break;
        }
        p = joined;
        dims.pop();
        [&mut sa, &mut sb, &mut sd].into_iter().for_each(|s| s.truncate(dims.len()));
    }
    let cost = p.cost(f.fast());
    let steps = [&sa, &sb, &sd].map(|s| s.last().copied().unwrap_or(0));
    rows(&dims, [&sa, &sb, &sd], |[x, y, z], n| {
        // SAFETY: offsets of the views.
        let (a, b, d) = unsafe { (a.offset(x), b.offset(y), d.offset(z)) };
        let at = |i: usize| steps.map(|s| s * i as isize);
        let threads = ranges.threads(n.saturating_mul(cost));
        // Threads share each of products that are few, or large.
        if threads > n || f.shared(cost) {
            // SAFETY: as above.
            return (0..n).map(at).try_for_each(|[x, y, z]| unsafe { f.one(ranges, p, a.offset(x), b.offset(y), d.offset(z)) });
        }
        let arrays = Arrays(a, b, d);
        let parts = threads.min(n).min(f.parts(&p));
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
                    unsafe { f.row(part, p, row, a.offset(x), b.offset(y), d.offset(z)) }
                })
            });
        }
        ranges.each(n, cost, |r| {
            let ([x, y, z], row) = (at(r.start), Row { count: r.len(), steps });
            // SAFETY: as above.
            unsafe { f.row(0, p, row, a.offset(x), b.offset(y), d.offset(z)) };
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
