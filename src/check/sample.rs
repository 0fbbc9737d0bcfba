//! Sample arrays: the same numbers for the same domain, shape and seed, on every machine.

use crate::array::Array;
use crate::dtype::DType;
use crate::error::Result;
use crate::graph::attr::Attr;
use crate::graph::op::{Case, Domain};
use crate::shape::count;

/// A small generator of numbers (splitmix64).
pub struct Numbers(u64);

impl Numbers {
    /// A generator; each seed gives another sequence.
    pub fn new(seed: u64) -> Numbers {
        Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5bf0_3635)
    }
    /// 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    /// A number in `0 .. 1`.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }
    /// A number in `0 .. n`.
    pub fn below(&mut self, n: usize) -> usize {
        (self.unit() * n as f64) as usize
    }
}

/// An array of a domain: `f64`, or what indices and bools are.
pub fn array(domain: Domain, dims: &[usize], seed: u64) -> Result<Array> {
    let mut r = Numbers::new(seed);
    let n = count(dims);
    let real = |r: &mut Numbers| if r.bits() & 1 == 0 { 0.1 + 1.9 * r.unit() } else { -0.1 - 1.9 * r.unit() };
    let values: Vec<f64> = match domain {
        Domain::Real => (0..n).map(|_| real(&mut r)).collect(),
        Domain::Positive => (0..n).map(|_| 0.3 + 1.7 * r.unit()).collect(),
        Domain::Unit => (0..n).map(|_| 0.1 + 0.8 * r.unit()).collect(),
        Domain::Inner => (0..n).map(|_| 0.9 * real(&mut r) / 2.0).collect(),
        Domain::Beyond => (0..n).map(|_| 1.1 + 1.9 * r.unit()).collect(),
        Domain::Distinct => {
            let mut order: Vec<usize> = (0..n).collect();
            (1..n).rev().for_each(|i| order.swap(i, r.below(i + 1)));
            order.iter().map(|&i| 0.11 * (i as f64 - n as f64 / 2.0) + 0.037).collect()
        }
        Domain::Ascending => {
            let length = dims.last().copied().unwrap_or(1);
            (0..n).map(|i| 0.7 * ((i % length) as f64 - length as f64 / 2.0) + 0.5 * r.unit()).collect()
        }
        Domain::Spd => spd(dims, &mut r),
        Domain::Regular => regular(dims, &mut r),
        Domain::Absent => vec![],
        Domain::Index(limit) => return Array::from_slice(&(0..n).map(|_| r.below(limit) as i64).collect::<Vec<_>>(), dims),
        Domain::Label(limit) => {
            return Array::from_slice(&(0..n).map(|_| r.below(limit + 1) as i64 - 1).collect::<Vec<_>>(), dims);
        }
        Domain::Bool => return Array::from_slice(&(0..n).map(|_| r.bits() & 1 == 0).collect::<Vec<_>>(), dims),
    };
    Array::from_slice(&values, dims)
}

/// Symmetric matrices with a dominant diagonal.
fn spd(dims: &[usize], r: &mut Numbers) -> Vec<f64> {
    let mut out = vec![0.0; count(dims)];
    let [.., rows, n] = *dims else { return out };
    if rows == 0 || n == 0 {
        return out;
    }
    for m in out.chunks_mut(rows * n) {
        for i in 0..rows {
            for j in 0..=i.min(n - 1) {
                let x = if i == j { 2.0 + r.unit() } else { (r.unit() - 0.5) * 3.0 / n as f64 };
                m[i * n + j] = x;
                if j < rows && i < n {
                    m[j * n + i] = x;
                }
            }
        }
    }
    out
}

/// Matrices with a diagonal of numbers that lie apart, and little beside it.
fn regular(dims: &[usize], r: &mut Numbers) -> Vec<f64> {
    let [.., rows, n] = *dims else { return vec![1.5; count(dims)] };
    let side = rows.max(n).max(1) as f64;
    let entry = |at: usize, r: &mut Numbers| {
        let (i, j) = (at / n % rows, at % n);
        (r.unit() - 0.5) / side + if i == j { 1.5 + 0.7 * i as f64 + 0.1 * r.unit() } else { 0.0 }
    };
    (0..count(dims)).map(|at| entry(at, r)).collect()
}

/// A case with its numbers.
#[derive(Clone)]
pub struct Sample {
    /// Domain of each tensor.
    pub domains: Vec<Domain>,
    /// The tensors.
    pub inputs: Vec<Array>,
    /// The places of the parameters that are absent.
    pub absent: Vec<usize>,
    /// The attributes.
    pub attrs: Vec<Attr>,
}

impl Sample {
    /// The numbers of a case.
    pub fn new(case: &Case, seed: u64) -> Result<Sample> {
        let (mut domains, mut inputs, mut absent) = (vec![], vec![], vec![]);
        for (i, (domain, dims)) in case.inputs.iter().enumerate() {
            if *domain == Domain::Absent {
                absent.push(i);
                continue;
            }
            domains.push(*domain);
            inputs.push(array(*domain, dims, seed * 16 + i as u64)?);
        }
        Ok(Sample { domains, inputs, absent, attrs: case.attrs.clone() })
    }

    /// The case with every axis of length `from` made of length `to`, in lists of lengths among the attributes too.
    /// Matrices that are something together stay small.
    pub fn resized(case: &Case, from: usize, to: usize) -> Case {
        let matrices = case.inputs.iter().any(|(d, _)| d.is_matrices());
        let to = if matrices { to.min(37) } else { to };
        let swap = |n: usize| if n == from { to } else { n };
        let inputs = case.inputs.iter().map(|(d, dims)| (*d, dims.iter().map(|&n| swap(n)).collect())).collect();
        let attrs = case.attrs.iter().map(|a| match a {
            Attr::Ints(list) => Attr::Ints(list.iter().map(|&n| usize::try_from(n).map_or(n, |n| swap(n) as i64)).collect()),
            other => other.clone(),
        });
        Case { inputs, attrs: attrs.collect() }
    }

    /// The lengths that occur in a case, each once.
    pub fn lengths(case: &Case) -> Vec<usize> {
        let mut all: Vec<usize> = case.inputs.iter().flat_map(|(_, dims)| dims.iter().copied()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The sample with its floating arrays in another dtype; they hold numbers that `f32` holds exactly.
    pub fn converted(&self, dtype: DType) -> Result<Sample> {
        let inputs = self.inputs.iter().map(|a| match (a.as_slice::<f64>(), dtype) {
            (Ok(x), DType::F32) => Array::from_slice(&x.iter().map(|&v| v as f32).collect::<Vec<_>>(), a.shape()),
            (Ok(x), DType::I32) => Array::from_slice(&x.iter().map(|&v| (4.0 * v) as i32).collect::<Vec<_>>(), a.shape()),
            (Ok(x), DType::I64) => Array::from_slice(&x.iter().map(|&v| (4.0 * v) as i64).collect::<Vec<_>>(), a.shape()),
            _ => Ok(a.clone()),
        });
        Ok(Sample { inputs: inputs.collect::<Result<_>>()?, ..self.clone() })
    }
}

/// The elements as `f64`, whatever the dtype.
pub fn numbers(a: &Array) -> Vec<f64> {
    (0..a.size()).map(|i| a.get(i).as_f64()).collect()
}

/// An array of `f64` with the elements of `a`, for floats and integers.
pub fn widened(a: &Array) -> Result<Array> {
    Array::from_slice(&numbers(a), a.shape())
}

/// An array of `f64` rounded to `f32`.
pub fn single(a: &Array) -> Result<Array> {
    Array::from_slice(&numbers(a).iter().map(|&x| x as f32).collect::<Vec<_>>(), a.shape())
}
