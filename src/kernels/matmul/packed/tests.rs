use super::*;
use crate::kernels::isa::detected;

/// Numbers between two pages that cannot be touched: next to the second one, or to the first.
struct Guarded<T> {
    pages: *mut u8,
    length: usize,
    at: *mut T,
}

impl<T: Scalar> Guarded<T> {
    const PAGE: usize = 4096;

    fn new(count: usize, late: bool) -> Guarded<T> {
        let inner = (count * size_of::<T>()).div_ceil(Self::PAGE).max(1) * Self::PAGE;
        let length = inner + 2 * Self::PAGE;
        // SAFETY: new pages, of which the outer ones are closed.
        unsafe {
            let pages = libc::mmap(
                std::ptr::null_mut(),
                length,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            );
            assert_ne!(pages, libc::MAP_FAILED);
            let pages = pages.cast::<u8>();
            assert_eq!(libc::mprotect(pages.cast(), Self::PAGE, libc::PROT_NONE), 0);
            assert_eq!(libc::mprotect(pages.add(Self::PAGE + inner).cast(), Self::PAGE, libc::PROT_NONE), 0);
            let skip = if late { inner - count * size_of::<T>() } else { 0 };
            Guarded { pages, length, at: pages.add(Self::PAGE + skip).cast() }
        }
    }
}
impl<T> Drop for Guarded<T> {
    fn drop(&mut self) {
        // SAFETY: the pages of this one.
        unsafe { libc::munmap(self.pages.cast(), self.length) };
    }
}

struct Rng(u64);
impl Rng {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
    fn real(&mut self) -> f64 {
        self.below(1 << 30) as f64 / f64::from(1 << 29) - 1.0
    }
}

trait Real: Scalar + PartialOrd + Into<f64> + std::fmt::Debug {
    const EPS: f64;
    fn of(x: f64) -> Self;
    fn bits(self) -> u64;
}
impl Real for f32 {
    const EPS: f64 = f32::EPSILON as f64;
    fn of(x: f64) -> f32 {
        x as f32
    }
    fn bits(self) -> u64 {
        self.to_bits().into()
    }
}
impl Real for f64 {
    const EPS: f64 = f64::EPSILON;
    fn of(x: f64) -> f64 {
        x
    }
    fn bits(self) -> u64 {
        self.to_bits()
    }
}

/// A matrix in guarded memory, whose unused places hold a mark.
struct Matrix<T> {
    memory: Guarded<T>,
    size: [usize; 2],
    steps: [isize; 2],
    first: isize,
    count: usize,
}

/// Steps of a layout.
fn layout(kind: usize, [r, c]: [usize; 2]) -> [isize; 2] {
    let [r, c] = [r as isize, c as isize];
    match kind {
        0 => [c, 1],
        1 => [1, r],
        2 => [c + 3, 1],
        3 => [1, r + 5],
        4 => [-c, 1],
        5 => [1, -r],
        6 => [c, -1],
        7 => [-1, -r],
        8 => [2 * c + 1, 2],
        9 => [3, 3 * r + 1],
        // Only of operands.
        10 => [0, 1],
        11 => [1, 0],
        _ => [0, 0],
    }
}
const LAYOUTS: usize = 13;
const OWN: usize = 10;
const MARK: f64 = 12345.0;

impl<T: Real> Matrix<T> {
    fn new(size: [usize; 2], kind: usize, late: bool) -> Matrix<T> {
        let steps = layout(kind, size);
        let reach = |k: usize| steps[k] * (size[k].max(1) as isize - 1);
        let first = reach(0).min(0) + reach(1).min(0);
        let last = reach(0).max(0) + reach(1).max(0);
        let count = if size.contains(&0) { 0 } else { (last - first + 1) as usize };
        let memory = Guarded::<T>::new(count, late);
        // SAFETY: the places of this memory.
        (0..count).for_each(|i| unsafe { *memory.at.add(i) = T::of(MARK) });
        Matrix { memory, size, steps, first, count }
    }
    fn start(&self) -> *mut T {
        self.memory.at.wrapping_offset(-self.first)
    }
    fn at(&self, i: usize, j: usize) -> *mut T {
        self.start().wrapping_offset(i as isize * self.steps[0] + j as isize * self.steps[1])
    }
    fn filled(self, rng: &mut Rng) -> Self {
        for i in 0..self.size[0] {
            for j in 0..self.size[1] {
                // SAFETY: an element.
                unsafe { *self.at(i, j) = T::of(rng.real()) };
            }
        }
        self
    }
    fn get(&self, i: usize, j: usize) -> T {
        // SAFETY: an element.
        unsafe { *self.at(i, j) }
    }
    fn left(&self) -> Strided<T> {
        Strided { at: self.start(), across: self.steps[0], depth: self.steps[1] }
    }
    fn right(&self) -> Strided<T> {
        Strided { at: self.start(), across: self.steps[1], depth: self.steps[0] }
    }
    fn out(&self) -> Out<T> {
        Out { at: self.start(), row: self.steps[0], column: self.steps[1] }
    }
    /// How many places hold the mark.
    fn marks(&self) -> usize {
        // SAFETY: the places of this memory.
        (0..self.count).filter(|&i| unsafe { *self.memory.at.add(i) }.into() == MARK).count()
    }
}

/// The element that the contract describes.
fn element<T: Real>(fused: bool, a: &Matrix<T>, b: &Matrix<T>, [i, j]: [usize; 2], there: Option<T>) -> T {
    let (k, mut total) = (a.size[1], there);
    for from in (0..k).step_by(block(k)) {
        let mut sum = T::ZERO;
        for d in from..k.min(from + block(k)) {
            let (x, y) = (a.get(i, d), b.get(d, j));
            sum = if fused { x.fused(y, sum) } else { sum + x * y };
        }
        total = Some(total.map_or(sum, |t| t + sum));
    }
    total.unwrap_or(T::ZERO)
}

fn machines() -> impl Iterator<Item = Isa> {
    Isa::ALL.into_iter().filter(|&i| i <= detected())
}

/// One product in all ways, against the contract.
fn check<T: Real>(rng: &mut Rng, Lengths { m, n, k }: Lengths, kinds: [usize; 3]) {
    let lengths = Lengths { m, n, k };
    let late = rng.below(2) == 0;
    let (a, b) = (Matrix::<T>::new([m, k], kinds[0], late).filled(rng), Matrix::<T>::new([k, n], kinds[1], late).filled(rng));
    let start = Matrix::<T>::new([m, n], 0, false).filled(rng);
    let all = |fused: bool, add: bool| -> Vec<T> {
        let of = |p: usize| element(fused, &a, &b, [p / n, p % n], add.then(|| start.get(p / n, p % n)));
        (0..m * n).map(of).collect()
    };
    for isa in machines() {
        let add = rng.below(2) == 0;
        let expected = all(isa > Isa::Base, add);
        let room = scratch::<T>(isa, lengths);
        let space = Guarded::<T>::new(room, true);
        for whole in [true, false] {
            let c = Matrix::<T>::new([m, n], kinds[2], late);
            let gaps = c.count - m * n;
            if add {
                (0..m * n).for_each(|p| unsafe { *c.at(p / n, p % n) = start.get(p / n, p % n) });
            }
            let (x, y, out, at) = (a.left(), b.right(), c.out(), space.at);
            // SAFETY: operands, a result and scratch of these lengths.
            unsafe {
                if whole {
                    multiply(isa, lengths, [x, y], out, add, at);
                } else {
                    // In parts, cut anywhere.
                    let (i, j) = (rng.below(m + 1), rng.below(n + 1));
                    for (rows, columns) in [(0..i, 0..j), (i..m, 0..j), (0..i, j..n), (i..m, j..n)] {
                        let part = Lengths { m: rows.len(), n: columns.len(), k };
                        let (x, y) = (Strided { at: x.element(0, rows.start), ..x }, Strided { at: y.element(0, columns.start), ..y });
                        let out = Out { at: c.at(rows.start, columns.start), ..out };
                        let space = Guarded::<T>::new(scratch::<T>(isa, part), true);
                        multiply(isa, part, [x, y], out, add, space.at);
                    }
                }
            }
            for (p, &e) in expected.iter().enumerate() {
                let (i, j) = (p / n, p % n);
                let got = c.get(i, j);
                assert_eq!(got.bits(), e.bits(), "{isa:?} {lengths:?} {kinds:?} whole {whole} add {add} at {i} {j}: {got:?} {e:?}");
            }
            assert_eq!(c.marks(), gaps, "{isa:?} {lengths:?} {kinds:?} whole {whole}");
        }
    }
}

fn random<T: Real>(seed: u64, rounds: usize) {
    let mut rng = Rng(seed);
    for _ in 0..rounds {
        let [m, n, k] = [71, 71, 71].map(|l| rng.below(l));
        let kinds = [rng.below(LAYOUTS), rng.below(LAYOUTS), rng.below(OWN)];
        check::<T>(&mut rng, Lengths { m, n, k }, kinds);
    }
}

#[test]
fn products_of_random_lengths_and_layouts_have_the_bits_of_the_contract() {
    random::<f32>(1, 400);
    random::<f64>(2, 400);
}

/// Longer than tiles and blocks; vectors, and few rows or columns.
const LENGTHS: [[usize; 3]; 25] = [
    [1, 1, 0],
    [3, 2, 0],
    [1, 1, 1],
    [1, 1, 256],
    [1, 1, 5000],
    [1, 1, 9000],
    [2, 2, 1100],
    [3, 1, 513],
    [1, 300, 300],
    [300, 1, 300],
    [2, 131, 258],
    [129, 2, 40],
    [1, 2100, 70],
    [2100, 1, 70],
    [5, 300, 270],
    [200, 5, 270],
    [14, 32, 257],
    [15, 33, 16],
    [28, 64, 8],
    [29, 65, 600],
    [300, 70, 300],
    [70, 300, 20],
    [100, 90, 1],
    [600, 20, 15],
    [4, 10, 700],
];

#[test]
fn long_and_thin_products_have_the_bits_of_the_contract() {
    let mut rng = Rng(3);
    for [m, n, k] in LENGTHS {
        for _ in 0..6 {
            let kinds = [rng.below(LAYOUTS), rng.below(LAYOUTS), rng.below(OWN)];
            check::<f32>(&mut rng, Lengths { m, n, k }, kinds);
            let kinds = [rng.below(LAYOUTS), rng.below(LAYOUTS), rng.below(OWN)];
            check::<f64>(&mut rng, Lengths { m, n, k }, kinds);
        }
        for kinds in [[0, 0, 0], [1, 1, 1], [0, 1, 0], [1, 0, 0]] {
            check::<f32>(&mut rng, Lengths { m, n, k }, kinds);
            check::<f64>(&mut rng, Lengths { m, n, k }, kinds);
        }
    }
}

#[test]
fn products_of_several_blocks_have_the_bits_of_the_contract() {
    let mut rng = Rng(4);
    check::<f32>(&mut rng, Lengths { m: 40, n: 4200, k: 257 }, [0, 0, 0]);
    check::<f64>(&mut rng, Lengths { m: 31, n: 2150, k: 260 }, [0, 1, 0]);
    check::<f64>(&mut rng, Lengths { m: 2100, n: 40, k: 257 }, [1, 0, 1]);
}

#[test]
fn errors_stay_below_the_bound() {
    let mut rng = Rng(5);
    for k in [10, 300, 3000] {
        let (a, b) = (Matrix::<f32>::new([9, k], 0, false).filled(&mut rng), Matrix::<f32>::new([k, 40], 0, false).filled(&mut rng));
        for isa in machines() {
            let lengths = Lengths { m: 9, n: 40, k };
            let c = Matrix::<f32>::new([9, 40], 0, false);
            let space = Guarded::<f32>::new(scratch::<f32>(isa, lengths), true);
            // SAFETY: operands, a result and scratch of these lengths.
            unsafe { multiply(isa, lengths, [a.left(), b.right()], c.out(), false, space.at) };
            for p in 0..360 {
                let (i, j) = (p / 40, p % 40);
                let products = (0..k).map(|d| f64::from(a.get(i, d)) * f64::from(b.get(d, j)));
                let (sum, scale) = products.fold((0.0, 0.0), |(s, t), x| (s + x, t + x.abs()));
                let error = (f64::from(c.get(i, j)) - sum).abs();
                assert!(error <= 2.0 * f32::EPS * scale, "{isa:?} {k}: {error:e} of {scale:e}");
            }
        }
    }
}
