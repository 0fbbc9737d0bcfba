//! Arrays to start from: random ones ([`ArrayRng`]) and regular ones ([`array_gen`]).

use ndarray::{ArrayD, IxDyn};
use parking_lot::Mutex;
use rand::distr::StandardUniform;
use rand::distr::uniform::SampleUniform;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Exp, Gamma, LogNormal, StandardNormal};

pub mod array_gen;
mod law;
mod orthogonal;
mod truncated;

pub use law::Law;

use crate::dtype::Element;
use crate::error::{Error, ErrorKind, Result};
use crate::shape::{self, Tuple};
use crate::state::system_seed;
use law::fans;

/// A floating element type: `f32` or `f64`.
#[diagnostic::on_unimplemented(message = "`{Self}` is not a floating element type", note = "use f32 or f64")]
pub trait Float: Element + SampleUniform + PartialOrd {
    /// The nearest value to `x`.
    fn from_f64(x: f64) -> Self;
    /// A draw from the uniform law on [0, 1).
    fn unit(rng: &mut Xoshiro256PlusPlus) -> Self;
    /// A draw from the normal law with mean 0 and standard deviation 1.
    fn gauss(rng: &mut Xoshiro256PlusPlus) -> Self;
}
macro_rules! float {
    ($($t:ty)+) => {$(
        impl Float for $t {
            fn from_f64(x: f64) -> $t {
                x as $t
            }
            fn unit(rng: &mut Xoshiro256PlusPlus) -> $t {
                Distribution::<$t>::sample(&StandardUniform, rng)
            }
            fn gauss(rng: &mut Xoshiro256PlusPlus) -> $t {
                Distribution::<$t>::sample(&StandardNormal, rng)
            }
        }
    )+};
}
float! { f32 f64 }

/// A source of random arrays of `f32` or `f64`, in the laws that weights are started from.
///
/// `default()` is seeded from the system: two of them give different arrays. [`from_seed`](ArrayRng::from_seed) gives the same
/// arrays each time. Methods take `&self`, from any thread. A parameter outside a law's domain (a negative deviation, a
/// probability above 1) gives an array of NaN.
///
/// # Panics
///
/// A method that is named after a law returns a plain array, so that it can only panic where there is no room for the
/// array, as ndarray does. [`draw`](ArrayRng::draw) returns an error.
///
/// ```
/// use scirs2_autograd::ndarray_ext::ArrayRng;
///
/// let rng = ArrayRng::<f32>::from_seed(7);
/// let w = rng.glorot_uniform(&[784, 128]);
/// assert_eq!(w.shape(), [784, 128]);
/// let limit = (6.0f32 / (784.0 + 128.0)).sqrt();
/// assert!(w.iter().all(|x| x.abs() <= limit));
/// assert_eq!(ArrayRng::<f32>::from_seed(7).glorot_uniform(&[784, 128]), w);
/// ```
pub struct ArrayRng<A> {
    rng: Mutex<Xoshiro256PlusPlus>,
    kind: std::marker::PhantomData<fn() -> A>,
}

impl<A: Float> Default for ArrayRng<A> {
    fn default() -> ArrayRng<A> {
        ArrayRng::from_seed(system_seed())
    }
}

impl<A: Float> ArrayRng<A> {
    /// A source that is seeded from the system.
    pub fn new() -> ArrayRng<A> {
        ArrayRng::default()
    }

    /// A source that gives the same arrays for the same seed.
    pub fn from_seed(seed: u64) -> ArrayRng<A> {
        ArrayRng { rng: Mutex::new(Xoshiro256PlusPlus::seed_from_u64(seed)), kind: std::marker::PhantomData }
    }

    /// An array of numbers that follow a law. Fails with a `Shape` error if the shape has more elements than memory can
    /// address, and with a `Memory` error if there is no memory for them.
    ///
    /// ```
    /// use scirs2_autograd::ndarray_ext::{ArrayRng, Law};
    ///
    /// let rng = ArrayRng::<f32>::default();
    /// assert_eq!(rng.draw(&[2, 3], Law::HeNormal)?.shape(), [2, 3]);
    /// assert!(rng.draw(&[usize::MAX, 2], Law::HeNormal).is_err());
    /// # Ok::<(), scirs2_autograd::Error>(())
    /// ```
    pub fn draw(&self, shape: &[usize], law: Law) -> Result<ArrayD<A>> {
        let (fan_in, fan_out) = fans(shape);
        match law {
            Law::StandardUniform => self.fill(shape, A::unit),
            Law::StandardNormal => self.fill(shape, A::gauss),
            Law::Uniform { min, max } => {
                let (low, high) = (A::from_f64(min), A::from_f64(max));
                if low == high {
                    return filled("random", shape, || low);
                }
                match rand_distr::Uniform::new(low, high) {
                    Ok(law) => self.fill(shape, |r| law.sample(r)),
                    Err(_) => nan(shape),
                }
            }
            Law::Normal { mean, stddev } if deviates(mean, stddev) => self.law(shape, rand_distr::Normal::new(mean, stddev)),
            Law::LogNormal { mean, stddev } if deviates(mean, stddev) => self.law(shape, LogNormal::new(mean, stddev)),
            Law::Bernoulli { p } if (0.0..=1.0).contains(&p) => self.fill(shape, |r| A::from_f64(f64::from(u8::from(r.random_bool(p))))),
            Law::Exponential { lambda } if lambda > 0.0 => self.law(shape, Exp::new(lambda)),
            Law::Gamma { k, scale } => self.law(shape, Gamma::new(k, scale)),
            Law::TruncatedNormal { mean, stddev, low, high } => match truncated::Truncated::new(mean, stddev, low, high) {
                Some(law) => self.fill(shape, |r| A::from_f64(law.sample(r))),
                None => nan(shape),
            },
            Law::Orthogonal { gain } if gain.is_finite() => orthogonal::orthogonal(&mut self.rng.lock(), shape, gain),
            Law::Orthogonal { .. } | Law::Normal { .. } | Law::LogNormal { .. } | Law::Bernoulli { .. } | Law::Exponential { .. } => {
                nan(shape)
            }
            Law::GlorotUniform => self.draw(shape, Law::within((6.0 / (fan_in + fan_out)).sqrt())),
            Law::GlorotNormal => self.draw(shape, Law::Normal { mean: 0.0, stddev: (2.0 / (fan_in + fan_out)).sqrt() }),
            Law::LecunUniform => self.draw(shape, Law::within((3.0 / fan_in).sqrt())),
            Law::LecunNormal => self.draw(shape, Law::Normal { mean: 0.0, stddev: (1.0 / fan_in).sqrt() }),
            Law::HeUniform => self.draw(shape, Law::within((6.0 / fan_in).sqrt())),
            Law::HeNormal => self.draw(shape, Law::Normal { mean: 0.0, stddev: (2.0 / fan_in).sqrt() }),
        }
    }

    fn fill(&self, shape: &[usize], mut draw: impl FnMut(&mut Xoshiro256PlusPlus) -> A) -> Result<ArrayD<A>> {
        let mut rng = self.rng.lock();
        filled("random", shape, || draw(&mut rng))
    }

    fn law<E>(&self, shape: &[usize], law: Result<impl Distribution<f64>, E>) -> Result<ArrayD<A>> {
        match law {
            Ok(law) => self.fill(shape, |r| A::from_f64(law.sample(r))),
            Err(_) => nan(shape),
        }
    }

    /// The uniform law on [0, 1); the same as [`standard_uniform`](ArrayRng::standard_uniform).
    pub fn random(&self, shape: &[usize]) -> ArrayD<A> {
        self.standard_uniform(shape)
    }

    /// The normal law; `stddev` >= 0.
    pub fn normal(&self, shape: &[usize], mean: f64, stddev: f64) -> ArrayD<A> {
        room(self.draw(shape, Law::Normal { mean, stddev }))
    }

    /// The uniform law on [`min`, `max`); all `min` if they are equal.
    pub fn uniform(&self, shape: &[usize], min: f64, max: f64) -> ArrayD<A> {
        room(self.draw(shape, Law::Uniform { min, max }))
    }

    /// The normal law with mean 0 and standard deviation 1.
    pub fn standard_normal(&self, shape: &[usize]) -> ArrayD<A> {
        room(self.draw(shape, Law::StandardNormal))
    }

    /// The uniform law on [0, 1).
    pub fn standard_uniform(&self, shape: &[usize]) -> ArrayD<A> {
        room(self.draw(shape, Law::StandardUniform))
    }

    /// 1 with probability `p`, else 0; `p` in [0, 1].
    pub fn bernoulli(&self, shape: &[usize], p: f64) -> ArrayD<A> {
        room(self.draw(shape, Law::Bernoulli { p }))
    }

    /// The exponential law with rate `lambda` > 0 (mean 1 / `lambda`).
    pub fn exponential(&self, shape: &[usize], lambda: f64) -> ArrayD<A> {
        room(self.draw(shape, Law::Exponential { lambda }))
    }

    /// The law of exp(x), x normal with `mean` and `stddev` >= 0.
    pub fn log_normal(&self, shape: &[usize], mean: f64, stddev: f64) -> ArrayD<A> {
        room(self.draw(shape, Law::LogNormal { mean, stddev }))
    }

    /// The gamma law with shape parameter `k` > 0 and `scale` > 0 (mean `k` * `scale`).
    pub fn gamma(&self, shape: &[usize], k: f64, scale: f64) -> ArrayD<A> {
        room(self.draw(shape, Law::Gamma { k, scale }))
    }

    /// See [`Law::GlorotUniform`].
    pub fn glorot_uniform(&self, shape: &[usize]) -> ArrayD<A> {
        room(self.draw(shape, Law::GlorotUniform))
    }

    /// See [`Law::GlorotNormal`].
    pub fn glorot_normal(&self, shape: &[usize]) -> ArrayD<A> {
        room(self.draw(shape, Law::GlorotNormal))
    }

    /// See [`Law::HeUniform`].
    pub fn he_uniform(&self, shape: &[usize]) -> ArrayD<A> {
        room(self.draw(shape, Law::HeUniform))
    }

    /// See [`Law::HeNormal`].
    pub fn he_normal(&self, shape: &[usize]) -> ArrayD<A> {
        room(self.draw(shape, Law::HeNormal))
    }

    /// See [`Law::LecunUniform`].
    pub fn lecun_uniform(&self, shape: &[usize]) -> ArrayD<A> {
        room(self.draw(shape, Law::LecunUniform))
    }

    /// See [`Law::LecunNormal`].
    pub fn lecun_normal(&self, shape: &[usize]) -> ArrayD<A> {
        room(self.draw(shape, Law::LecunNormal))
    }

    /// The normal law within `low` and `high`; see [`Law::TruncatedNormal`].
    pub fn truncated_normal(&self, shape: &[usize], mean: f64, stddev: f64, low: f64, high: f64) -> ArrayD<A> {
        room(self.draw(shape, Law::TruncatedNormal { mean, stddev, low, high }))
    }

    /// See [`Law::Orthogonal`].
    pub fn orthogonal(&self, shape: &[usize], gain: f64) -> ArrayD<A> {
        room(self.draw(shape, Law::Orthogonal { gain }))
    }
}

fn deviates(mean: f64, stddev: f64) -> bool {
    mean.is_finite() && stddev.is_finite() && stddev >= 0.0
}

/// An array whose elements are drawn one after the other, in C order.
fn filled<A: Element>(op: &str, dims: &[usize], next: impl FnMut() -> A) -> Result<ArrayD<A>> {
    let fail = |kind, what: &str| Error::new(kind, op, what, Tuple(dims), "a size that fits in memory");
    if !shape::fits(dims, size_of::<A>()) {
        return Err(fail(ErrorKind::Shape, "the array is too large"));
    }
    let n = shape::count(dims);
    let mut data = Vec::new();
    data.try_reserve_exact(n).map_err(|_| fail(ErrorKind::Memory, "there is no memory for an array"))?;
    data.extend(std::iter::repeat_with(next).take(n));
    ArrayD::from_shape_vec(IxDyn(dims), data).map_err(|_| fail(ErrorKind::Shape, "the array is too large"))
}

/// An array for a caller to whom no error can be returned.
#[track_caller]
fn room<A>(array: Result<ArrayD<A>>) -> ArrayD<A> {
    match array {
        Ok(a) => a,
        // As documented: the signature leaves nothing else.
        Err(e) => panic!("{e}"),
    }
}

fn nan<A: Float>(shape: &[usize]) -> Result<ArrayD<A>> {
    filled("random", shape, || A::from_f64(f64::NAN))
}

#[cfg(test)]
mod tests {
    use super::array_gen::*;
    use super::*;

    fn moments(a: &ArrayD<f64>) -> (f64, f64) {
        let mean = a.mean().unwrap_or(f64::NAN);
        (mean, a.mapv(|x| (x - mean) * (x - mean)).mean().unwrap_or(f64::NAN))
    }

    #[test]
    fn laws_have_their_means_and_variances() {
        let r = ArrayRng::<f64>::from_seed(1);
        let s = &[200, 500];
        let e = 1.0f64.exp();
        let cases = [
            ("random", r.random(s), 0.5, 1.0 / 12.0),
            ("normal", r.normal(s, 2.0, 3.0), 2.0, 9.0),
            ("uniform", r.uniform(s, -1.0, 3.0), 1.0, 16.0 / 12.0),
            ("standard_normal", r.standard_normal(s), 0.0, 1.0),
            ("bernoulli", r.bernoulli(s, 0.3), 0.3, 0.21),
            ("exponential", r.exponential(s, 2.0), 0.5, 0.25),
            ("log_normal", r.log_normal(s, 0.0, 0.5), 0.125f64.exp(), (e.powf(0.25) - 1.0) * e.powf(0.25)),
            ("gamma", r.gamma(s, 2.0, 1.5), 3.0, 4.5),
            ("glorot_uniform", r.glorot_uniform(s), 0.0, 2.0 / 700.0),
            ("glorot_normal", r.glorot_normal(s), 0.0, 2.0 / 700.0),
            ("he_uniform", r.he_uniform(s), 0.0, 2.0 / 200.0),
            ("he_normal", r.he_normal(s), 0.0, 2.0 / 200.0),
        ];
        for (name, a, mean, var) in cases {
            let (m, v) = moments(&a);
            // Five standard errors of the mean; 5 % of the variance.
            assert!((m - mean).abs() < 5.0 * (var / 1e5).sqrt() && (v / var - 1.0).abs() < 0.05, "{name}: {m} {v}, not {mean} {var}");
        }
    }

    #[test]
    fn fans_of_kernels_count_the_window() {
        assert_eq!(fans(&[784, 128]), (784.0, 128.0));
        assert_eq!(fans(&[32, 16, 3, 5]), (240.0, 480.0));
        assert_eq!(fans(&[8, 4, 3]), (12.0, 24.0));
        assert_eq!(fans(&[7]), (7.0, 7.0));
        assert_eq!(fans(&[]), (1.0, 1.0));
        assert_eq!(ArrayRng::<f32>::new().he_normal(&[0, 3]).len(), 0);
    }

    #[test]
    fn seeds_decide_and_the_default_is_not_fixed() {
        let draw = |r: ArrayRng<f32>| r.standard_normal(&[16]);
        assert_eq!(draw(ArrayRng::from_seed(3)), draw(ArrayRng::from_seed(3)));
        assert_ne!(draw(ArrayRng::from_seed(3)), draw(ArrayRng::from_seed(4)));
        assert_ne!(draw(ArrayRng::default()), draw(ArrayRng::default()));
        let rng = ArrayRng::<f32>::from_seed(3);
        assert_ne!(rng.random(&[16]), rng.random(&[16]));
    }

    #[test]
    fn parameters_outside_the_domain_give_nan() {
        let r = ArrayRng::<f32>::from_seed(0);
        let s = &[3];
        let bad = [
            r.normal(s, 0.0, -1.0),
            r.normal(s, f64::NAN, 1.0),
            r.uniform(s, 1.0, 0.0),
            r.uniform(s, 0.0, f64::INFINITY),
            r.uniform(s, f64::NAN, f64::NAN),
            r.bernoulli(s, 1.5),
            r.bernoulli(s, f64::NAN),
            r.exponential(s, 0.0),
            r.exponential(s, f64::NAN),
            r.log_normal(s, 0.0, -1.0),
            r.gamma(s, 0.0, 1.0),
            r.gamma(s, 1.0, f64::NAN),
        ];
        for (i, a) in bad.iter().enumerate() {
            assert!(a.iter().all(|x| x.is_nan()), "case {i}: {a}");
        }
        assert_eq!(r.uniform(s, 2.0, 2.0), constant(2.0f32, s));
        assert_eq!(r.bernoulli(s, 1.0), ones::<f32>(s));
    }

    #[test]
    fn regular_arrays() {
        assert_eq!(zeros::<i32>(&[2]), ndarray::arr1(&[0, 0]).into_dyn());
        assert_eq!(eye::<f64>(2), ndarray::arr2(&[[1.0, 0.0], [0.0, 1.0]]).into_dyn());
        assert_eq!(constant(true, &[]), ndarray::arr0(true).into_dyn());
        assert_eq!(linspace::<f64>(0.0, 0.7, 8)[[7]], 0.7);
        assert_eq!(linspace::<f64>(3.0, 9.0, 1), constant(3.0, &[1]));
        assert_eq!(linspace::<f64>(3.0, 9.0, 0).len(), 0);
        assert_eq!(arange::<f64>(2.0, -1.0, -1.0), ndarray::arr1(&[2.0, 1.0, 0.0]).into_dyn());
        for (end, step) in [(1.0, -1.0), (1.0, 0.0), (f64::NAN, 1.0), (1.0, f64::NAN), (0.0, 1.0)] {
            assert_eq!(arange::<f64>(0.0, end, step).len(), 0);
        }
    }

    #[test]
    fn an_array_without_room_is_an_error() {
        let r = ArrayRng::<f64>::from_seed(0);
        let kind = |shape: &[usize], law| r.draw(shape, law).unwrap_err().kind();
        let laws = [
            Law::StandardUniform,
            Law::StandardNormal,
            Law::Uniform { min: 1.0, max: 1.0 },
            Law::Normal { mean: 0.0, stddev: -1.0 },
            Law::Gamma { k: 2.0, scale: 1.0 },
            Law::GlorotUniform,
            Law::HeNormal,
        ];
        for law in laws {
            assert_eq!(kind(&[usize::MAX, 2], law), ErrorKind::Shape, "{law:?}");
            assert_eq!(kind(&[1 << 61], law), ErrorKind::Shape, "{law:?}");
            assert_eq!(kind(&[0, 1 << 62, 1 << 62], law), ErrorKind::Shape, "{law:?}");
            assert_eq!(kind(&[1 << 59], law), ErrorKind::Memory, "{law:?}");
        }
        let e = r.draw(&[1 << 62, 8], Law::StandardNormal).unwrap_err();
        assert_eq!(e.to_string(), "random: the array is too large. Got (4611686018427387904, 8); expected a size that fits in memory.");
    }

    #[test]
    fn a_plain_array_without_room_is_a_panic_with_the_reason() {
        type Make = fn() -> ArrayD<f64>;
        let makers: [(&str, Make); 6] = [
            ("random", || ArrayRng::from_seed(0).he_uniform(&[1 << 59])),
            ("constant", || zeros(&[1 << 59])),
            ("constant", || ones(&[usize::MAX, 2])),
            ("eye", || eye(1 << 29)),
            ("linspace", || linspace(0.0, 1.0, 1 << 59)),
            ("arange", || arange(0.0, 1e300, 1.0)),
        ];
        for (op, make) in makers {
            let payload = std::panic::catch_unwind(make).unwrap_err();
            let text = payload.downcast_ref::<String>().unwrap();
            assert!(text.starts_with(&format!("{op}: ")) && text.ends_with("expected a size that fits in memory."), "{text}");
        }
    }
}
