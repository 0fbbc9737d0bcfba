//! Random numbers as a function of where they stand: Philox 4x32-10, counter-based.
//!
//! An element depends on seed, run, stream and its own index, and on nothing else: not on threads, not on what was drawn
//! before. Bits and uniforms are the same on every machine; normal numbers up to the rounding of `ln`, `sin` and `cos`.

use super::isa::{Isa, isa};
use super::ranges::Ranges;
use crate::array::ViewMut;
use crate::dtype::DType;
use crate::error::Result;

/// Which sequence of random numbers: every seed, run and stream has its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// The user's seed.
    pub seed: u64,
    /// Which run of the program.
    pub run: u64,
    /// Which draw of the run.
    pub stream: u64,
}

/// A counter and a key of Philox: block `b` of the sequence is `philox([b, b >> 32, high], key)`.
#[derive(Clone, Copy)]
struct Sequence {
    key: [u32; 2],
    high: [u32; 2],
}

const fn low(x: u64) -> u32 {
    x as u32
}
const fn high(x: u64) -> u32 {
    (x >> 32) as u32
}

impl Key {
    /// 256 bits must fit into the 192 of a Philox call, 64 of which count blocks. Under one seed, Philox is a bijection
    /// of (run, stream), so its four words name a pair uniquely: two become the key, two the upper half of the counter.
    fn sequence(self) -> Sequence {
        let c = [low(self.run), high(self.run), low(self.stream), high(self.stream)];
        let [a, b, c, d] = philox(c, [low(self.seed), high(self.seed)]);
        Sequence { key: [a, b], high: [c, d] }
    }
}

const MUL: [u64; 2] = [0xd251_1f53, 0xcd9e_8d57];
const WEYL: [u32; 2] = [0x9e37_79b9, 0xbb67_ae85];
const ROUNDS: usize = 10;

/// Philox 4x32-10: four words from a counter and a key.
#[inline(always)]
fn philox([mut c0, mut c1, mut c2, mut c3]: [u32; 4], [mut k0, mut k1]: [u32; 2]) -> [u32; 4] {
    for _ in 0..ROUNDS {
        let (a, b) = (MUL[0] * u64::from(c0), MUL[1] * u64::from(c2));
        (c0, c1, c2, c3) = (high(b) ^ c1 ^ k0, low(b), high(a) ^ c3 ^ k1, low(a));
        (k0, k1) = (k0.wrapping_add(WEYL[0]), k1.wrapping_add(WEYL[1]));
    }
    [c0, c1, c2, c3]
}

/// Blocks `first`, `first + 1`, ... of a sequence. Nothing but the counter differs between them, so that lanes take a
/// block each.
#[inline(always)]
fn blocks(s: Sequence, first: u64, dst: &mut [[u32; 4]]) {
    for (i, d) in dst.iter_mut().enumerate() {
        let block = first.wrapping_add(i as u64);
        *d = philox([low(block), high(block), s.high[0], s.high[1]], s.key);
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn blocks_avx2(s: Sequence, first: u64, dst: &mut [[u32; 4]]) {
    blocks(s, first, dst);
}
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")]
fn blocks_avx512(s: Sequence, first: u64, dst: &mut [[u32; 4]]) {
    blocks(s, first, dst);
}

fn fill_blocks(isa: Isa, s: Sequence, first: u64, dst: &mut [[u32; 4]]) {
    match isa {
        // SAFETY: `isa` names only what the machine has.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { blocks_avx2(s, first, dst) },
        // SAFETY: likewise.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => unsafe { blocks_avx512(s, first, dst) },
        _ => blocks(s, first, dst),
    }
}

/// Blocks that a buffer on the stack holds.
const BUFFER: usize = 256;

/// Calls `f(index of the first word, words)` for consecutive stretches of `n` words of a sequence, from word 0. A word
/// costs `cost`.
#[inline(always)]
fn stretches(ranges: &Ranges<'_>, s: Sequence, n: usize, cost: usize, mut f: impl FnMut(usize, &[u32])) -> Result<()> {
    /// Words in the buffer.
    const WORDS: usize = 4 * BUFFER;
    let (isa, mut buffer) = (isa(), [[0; 4]; BUFFER]);
    ranges.each(n.div_ceil(WORDS), WORDS * cost, |r| {
        for at in r.map(|i| i * WORDS) {
            let len = (n - at).min(WORDS);
            let used = &mut buffer[..len.div_ceil(4)];
            fill_blocks(isa, s, at as u64 / 4, used);
            f(at, &used.as_flattened()[..len]);
        }
        Ok(())
    })
}

/// Raw bits, which the tests compare with the sequence's definition: `dst[i]` is word `first + i` of the sequence, that is word `(first + i) % 4` of Philox block
/// `(first + i) / 4`.
#[cfg(test)]
fn bits(key: Key, first: u64, dst: &mut [u32]) {
    let s = key.sequence();
    let part = |at: u64, dst: &mut [u32]| {
        if !dst.is_empty() {
            let mut block = [[0; 4]];
            blocks(s, at / 4, &mut block);
            dst.copy_from_slice(&block.as_flattened()[(at % 4) as usize..][..dst.len()]);
        }
    };
    // To the end of a block that is begun, then whole blocks in place, then the start of one.
    let head = ((4 - first % 4) % 4).min(dst.len() as u64) as usize;
    let (start, rest) = dst.split_at_mut(head);
    part(first, start);
    let at = first.wrapping_add(head as u64);
    let (whole, end) = rest.as_chunks_mut::<4>();
    let tail = at.wrapping_add(4 * whole.len() as u64);
    fill_blocks(isa(), s, at / 4, whole);
    part(tail, end);
}

/// A number in [0, 1) with 24 bits.
#[inline(always)]
fn unit32(word: u32) -> f32 {
    // Through a signed integer: that conversion is one instruction.
    (word >> 8) as i32 as f32 * (1.0 / (1 << 24) as f32)
}

/// A number in [0, 1) with 53 bits: the upper 27 of one word, the upper 26 of the next.
#[inline(always)]
fn unit64(a: u32, b: u32) -> f64 {
    let (a, b) = ((a >> 5) as i32, (b >> 6) as i32);
    (f64::from(a) * (1 << 26) as f64 + f64::from(b)) * (1.0 / (1u64 << 53) as f64)
}

/// The elements of a C-contiguous view from `first` on, `len` of them.
///
/// # Safety
/// The view has type `T` and that many elements.
unsafe fn part<'a, T>(dst: &'a mut ViewMut<'_>, first: usize, len: usize) -> &'a mut [std::mem::MaybeUninit<T>] {
    // SAFETY: by the contract.
    unsafe { std::slice::from_raw_parts_mut(dst.ptr().cast::<std::mem::MaybeUninit<T>>().add(first), len) }
}

/// Uniform numbers in [0, 1), never 1. `dst` is C-contiguous, `f32` or `f64`.
///
/// An `f32` element is the upper 24 bits of its word; an `f64` element takes 53 bits from words 2i and 2i + 1.
pub fn uniform(ranges: &Ranges<'_>, key: Key, dst: &mut ViewMut<'_>) -> Result<()> {
    debug_assert!(dst.dtype().is_float());
    let (s, n) = (key.sequence(), dst.count());
    if dst.dtype() == DType::F32 {
        stretches(ranges, s, n, 1, |at, words| {
            // SAFETY: a float view of `n` elements.
            let d = unsafe { part::<f32>(dst, at, words.len()) };
            d.iter_mut().zip(words).for_each(|(d, &w)| {
                d.write(unit32(w));
            });
        })
    } else {
        stretches(ranges, s, 2 * n, 1, |at, words| {
            // SAFETY: a double view of `n` elements; stretches have an even number of words.
            let d = unsafe { part::<f64>(dst, at / 2, words.len() / 2) };
            d.iter_mut().zip(words.as_chunks::<2>().0).for_each(|(d, &[a, b])| {
                d.write(unit64(a, b));
            });
        })
    }
}

/// Standard normal numbers, by Box and Muller's formula in `f64`. `dst` is C-contiguous, `f32` or `f64`.
///
/// Elements 2p and 2p + 1 are `r cos t` and `r sin t` of Philox block p, `r = sqrt(-2 ln(1 - u))`, `t = 2 pi v`. `1 - u`
/// is at least 2^-53, so the numbers are finite (at most 8.58). `f32` numbers are the `f64` ones, rounded.
pub fn normal(ranges: &Ranges<'_>, key: Key, dst: &mut ViewMut<'_>) -> Result<()> {
    /// A word's part of a logarithm, a sine and a cosine.
    const COST: usize = 16;
    debug_assert!(dst.dtype().is_float());
    let (s, n) = (key.sequence(), dst.count());
    let single = dst.dtype() == DType::F32;
    stretches(ranges, s, 4 * n.div_ceil(2), COST, |at, words| {
        let first = at / 2;
        for (p, &[a, b, c, d]) in words.as_chunks::<4>().0.iter().enumerate() {
            let r = (-2.0 * (1.0 - unit64(a, b)).ln()).sqrt();
            let (sin, cos) = (std::f64::consts::TAU * unit64(c, d)).sin_cos();
            let at = first + 2 * p;
            for (i, z) in [(at, r * cos), (at + 1, r * sin)] {
                if i < n {
                    // SAFETY: element `i < n` of a view of `n` floats or doubles.
                    unsafe {
                        if single {
                            *dst.ptr().cast::<f32>().add(i) = z as f32;
                        } else {
                            *dst.ptr().cast::<f64>().add(i) = z;
                        }
                    }
                }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::movement::model::*;
    use super::*;

    const KEY: Key = Key { seed: 17, run: 3, stream: 5 };

    fn uniform(key: Key, dst: &mut ViewMut<'_>) {
        super::uniform(&Ranges::new(None), key, dst).unwrap();
    }
    fn normal(key: Key, dst: &mut ViewMut<'_>) {
        super::normal(&Ranges::new(None), key, dst).unwrap();
    }

    fn draw(key: Key, dtype: DType, n: usize, f: fn(Key, &mut ViewMut<'_>)) -> Vec<f64> {
        let mut dst = Strided::out(dtype, &[n]);
        f(key, &mut dst.view_mut());
        dst.check_guard();
        dst.values()
    }

    #[test]
    fn philox_gives_the_published_words() {
        assert_eq!(philox([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(philox([!0; 4], [!0; 2]), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
        let pi = [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344];
        assert_eq!(philox(pi, [0xa409_3822, 0x299f_31d0]), [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]);
    }

    #[test]
    fn a_key_gives_the_same_words_for_ever() {
        let mut words = [0; 6];
        bits(KEY, 0, &mut words);
        assert_eq!(words, [0x8a93_c4f1, 0x243f_90a7, 0xb537_ffd0, 0x7524_b378, 0x3ee8_3116, 0xb581_5047]);
        assert_eq!(draw(KEY, DType::F64, 2, uniform), [0.541317277711592, 0.7078857306956593]);
    }

    #[test]
    fn every_instruction_set_gives_the_same_words() {
        let (s, first) = (KEY.sequence(), u64::from(u32::MAX) - 20);
        let block = |i: u64| philox([low(i), high(i), s.high[0], s.high[1]], s.key);
        let expected: [[u32; 4]; 53] = std::array::from_fn(|i| block(first + i as u64));
        for isa in Isa::ALL.into_iter().filter(|&i| i <= isa()) {
            let mut got = [[0; 4]; 53];
            fill_blocks(isa, s, first, &mut got);
            assert_eq!(got, expected, "{isa}");
        }
    }

    #[test]
    fn bits_may_start_anywhere() {
        let mut all = vec![0; 700];
        bits(KEY, 0, &mut all);
        let s = KEY.sequence();
        assert_eq!(all[4..8], philox([1, 0, s.high[0], s.high[1]], s.key));
        for first in [0, 1, 2, 3, 4, 63, 64, 65, 130] {
            for n in [0, 1, 2, 3, 5, 64, 67, 200, 500] {
                let mut part = vec![0; n];
                bits(KEY, first as u64, &mut part);
                assert_eq!(part, all[first..first + n], "{first} {n}");
            }
        }
    }

    #[test]
    fn an_element_does_not_depend_on_how_many_are_drawn() {
        for dtype in [DType::F32, DType::F64] {
            for f in [uniform, normal] {
                let all = draw(KEY, dtype, 3000, f);
                for n in [0, 1, 2, 3, 511, 1025, 2999] {
                    assert_eq!(draw(KEY, dtype, n, f), all[..n]);
                }
            }
        }
        let mut scalar = Strided::out(DType::F64, &[]);
        normal(KEY, &mut scalar.view_mut());
        assert_eq!(scalar.values(), draw(KEY, DType::F64, 1, normal));
    }

    #[test]
    fn uniforms_are_the_upper_bits() {
        let mut words = vec![0; 2000];
        bits(KEY, 0, &mut words);
        let f: Vec<f64> = words[..1000].iter().map(|w| f64::from(w >> 8) / 16_777_216.0).collect();
        assert_eq!(draw(KEY, DType::F32, 1000, uniform), f);
        let d: Vec<f64> =
            words.chunks(2).map(|w| ((u64::from(w[0]) >> 5 << 26) + (u64::from(w[1]) >> 6)) as f64 / (1u64 << 53) as f64).collect();
        assert_eq!(draw(KEY, DType::F64, 1000, uniform), d);
        assert!(unit32(u32::MAX) < 1.0 && unit64(u32::MAX, u32::MAX) < 1.0);
    }

    #[test]
    fn f32_normals_are_the_rounded_f64_ones() {
        let rounded: Vec<f64> = draw(KEY, DType::F64, 999, normal).iter().map(|&x| f64::from(x as f32)).collect();
        assert_eq!(draw(KEY, DType::F32, 999, normal), rounded);
    }

    #[test]
    fn seeds_runs_and_streams_are_all_different() {
        let mut seen = std::collections::HashSet::new();
        // The upper halves of the numbers count too.
        let numbers = [0, 1, 2, 3, u64::MAX, 1 << 32, 2 << 32, 1 << 63];
        for i in 0..512 {
            let key = Key { seed: numbers[i % 8], run: numbers[i / 8 % 8], stream: numbers[i / 64] };
            let mut words = [0; 4];
            bits(key, 0, &mut words);
            assert!(seen.insert(words), "{key:?}");
        }
    }

    /// The largest distance between the sample's distribution and `cdf`, times sqrt(n): above 1.95 once in 1000 samples.
    fn kolmogorov(mut x: Vec<f64>, cdf: impl Fn(f64) -> f64) -> f64 {
        x.sort_by(f64::total_cmp);
        let n = x.len() as f64;
        let far = x.iter().enumerate().map(|(i, &x)| (cdf(x) - i as f64 / n).abs().max((cdf(x) - (i + 1) as f64 / n).abs()));
        far.fold(0.0, f64::max) * n.sqrt()
    }

    /// Normal distribution function by the series of erf, good to 1e-10 for |x| < 6.
    fn phi(x: f64) -> f64 {
        let (mut term, mut sum, mut k) = (x, x, 1.0);
        while term.abs() > 1e-16 * (1.0 + sum.abs()) {
            term *= x * x / (2.0 * k + 1.0);
            sum += term;
            k += 1.0;
        }
        0.5 + sum * (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt()
    }

    #[test]
    fn samples_follow_their_laws() {
        let n = 100_000;
        let correlation = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>() / (a.len() as f64).sqrt();
        for (i, dtype) in [DType::F32, DType::F64, DType::F32, DType::F64].into_iter().enumerate() {
            let key = Key { seed: 100 + i as u64, run: 1, stream: 2 };
            let u = draw(key, dtype, n, uniform);
            assert!(u.iter().all(|x| (0.0..1.0).contains(x)));
            let d = kolmogorov(u.clone(), |x| x);
            assert!(d < 1.95, "uniform {dtype}: {d}");
            let z = draw(key, dtype, n, normal);
            let d = kolmogorov(z.clone(), phi);
            assert!(d < 1.95, "normal {dtype}: {d}");
            // Moments 1 to 4, each in units of its standard deviation.
            for (power, mean, spread) in [(1, 0.0, 1.0f64), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0)] {
                let m = z.iter().map(|z| z.powi(power)).sum::<f64>() / n as f64;
                let t = (m - mean) * (n as f64 / spread).sqrt();
                assert!(t.abs() < 4.0, "{dtype} moment {power}: {m}");
            }
            // Neighbours, and other seeds, runs and streams, are not correlated: a standard normal number each.
            assert!(correlation(&z[1..], &z).abs() < 4.0);
            for other in [Key { seed: 999, ..key }, Key { run: 2, ..key }, Key { stream: 3, ..key }] {
                assert!(correlation(&z, &draw(other, dtype, n, normal)).abs() < 4.0, "{other:?}");
            }
        }
    }

    #[test]
    fn normals_reach_far_and_stay_finite() {
        let z = draw(KEY, DType::F64, 4_000_000, normal);
        let beyond = |t: f64| z.iter().filter(|z| z.abs() > t).count();
        // 253 expected beyond 4 and 2.3 beyond 5.
        assert!((190..320).contains(&beyond(4.0)) && beyond(5.0) < 12, "{} {}", beyond(4.0), beyond(5.0));
        let r = (-2.0 * (1.0 - unit64(u32::MAX, u32::MAX)).ln()).sqrt();
        assert!(r.is_finite() && r > 8.5);
    }
}
