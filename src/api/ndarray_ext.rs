//! Arrays to start from: random ones ([`ArrayRng`]) and regular ones ([`array_gen`]).

use ndarray::{ArrayD, IxDyn};
use parking_lot::Mutex;
use rand::distr::StandardUniform;
use rand::distr::uniform::SampleUniform;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Exp, Gamma, LogNormal, StandardNormal};

use crate::dtype::Element;
use crate::state::system_seed;

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
/// probability above 1) gives an array of NaN. A shape whose size overflows panics, as it does in ndarray.
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

    fn fill(&self, shape: &[usize], mut draw: impl FnMut(&mut Xoshiro256PlusPlus) -> A) -> ArrayD<A> {
        let mut rng = self.rng.lock();
        ArrayD::from_shape_simple_fn(IxDyn(shape), || draw(&mut rng))
    }

    fn law<E>(&self, shape: &[usize], law: Result<impl Distribution<f64>, E>) -> ArrayD<A> {
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
        if !(mean.is_finite() && stddev.is_finite() && stddev >= 0.0) {
            return nan(shape);
        }
        self.law(shape, rand_distr::Normal::new(mean, stddev))
    }

    /// The uniform law on [`min`, `max`); all `min` if they are equal.
    pub fn uniform(&self, shape: &[usize], min: f64, max: f64) -> ArrayD<A> {
        let (low, high) = (A::from_f64(min), A::from_f64(max));
        if low == high {
            return ArrayD::from_elem(IxDyn(shape), low);
        }
        match rand_distr::Uniform::new(low, high) {
            Ok(law) => self.fill(shape, |r| law.sample(r)),
            Err(_) => nan(shape),
        }
    }

    /// The normal law with mean 0 and standard deviation 1.
    pub fn standard_normal(&self, shape: &[usize]) -> ArrayD<A> {
        self.fill(shape, A::gauss)
    }

    /// The uniform law on [0, 1).
    pub fn standard_uniform(&self, shape: &[usize]) -> ArrayD<A> {
        self.fill(shape, A::unit)
    }

    /// 1 with probability `p`, else 0; `p` in [0, 1].
    pub fn bernoulli(&self, shape: &[usize], p: f64) -> ArrayD<A> {
        if !(0.0..=1.0).contains(&p) {
            return nan(shape);
        }
        self.fill(shape, |r| A::from_f64(f64::from(u8::from(r.random_bool(p)))))
    }

    /// The exponential law with rate `lambda` > 0 (mean 1 / `lambda`).
    pub fn exponential(&self, shape: &[usize], lambda: f64) -> ArrayD<A> {
        if lambda > 0.0 { self.law(shape, Exp::new(lambda)) } else { nan(shape) }
    }

    /// The law of exp(x), x normal with `mean` and `stddev` >= 0.
    pub fn log_normal(&self, shape: &[usize], mean: f64, stddev: f64) -> ArrayD<A> {
        if !(mean.is_finite() && stddev.is_finite() && stddev >= 0.0) {
            return nan(shape);
        }
        self.law(shape, LogNormal::new(mean, stddev))
    }

    /// The gamma law with shape parameter `k` > 0 and `scale` > 0 (mean `k` * `scale`).
    pub fn gamma(&self, shape: &[usize], k: f64, scale: f64) -> ArrayD<A> {
        self.law(shape, Gamma::new(k, scale))
    }

    /// Glorot and Bengio's start: uniform on +-sqrt(6 / (fan_in + fan_out)).
    ///
    /// `(fan_in, fan_out)` are `(n, m)` for a matrix of shape `[n, m]`, and `(i h w, o h w)` for the kernel of a convolution,
    /// `[o, i, h, w]` (any number of trailing axes). With fewer than two axes both are the size of the array.
    pub fn glorot_uniform(&self, shape: &[usize]) -> ArrayD<A> {
        let (i, o) = fans(shape);
        self.within(shape, (6.0 / (i + o)).sqrt())
    }

    /// Glorot and Bengio's start: normal with standard deviation sqrt(2 / (fan_in + fan_out)), fans as in
    /// [`glorot_uniform`](ArrayRng::glorot_uniform).
    pub fn glorot_normal(&self, shape: &[usize]) -> ArrayD<A> {
        let (i, o) = fans(shape);
        self.normal(shape, 0.0, (2.0 / (i + o)).sqrt())
    }

    /// He's start for relu: uniform on +-sqrt(6 / fan_in), fan_in as in [`glorot_uniform`](ArrayRng::glorot_uniform).
    pub fn he_uniform(&self, shape: &[usize]) -> ArrayD<A> {
        self.within(shape, (6.0 / fans(shape).0).sqrt())
    }

    /// He's start for relu: normal with standard deviation sqrt(2 / fan_in), fan_in as in
    /// [`glorot_uniform`](ArrayRng::glorot_uniform).
    pub fn he_normal(&self, shape: &[usize]) -> ArrayD<A> {
        self.normal(shape, 0.0, (2.0 / fans(shape).0).sqrt())
    }

    fn within(&self, shape: &[usize], limit: f64) -> ArrayD<A> {
        self.uniform(shape, -limit, limit)
    }
}

fn nan<A: Float>(shape: &[usize]) -> ArrayD<A> {
    ArrayD::from_elem(IxDyn(shape), A::from_f64(f64::NAN))
}

/// Fan-in and fan-out, at least 1: an array with a fan of 0 has no elements.
fn fans(shape: &[usize]) -> (f64, f64) {
    let product = |dims: &[usize]| dims.iter().map(|&n| n as f64).product::<f64>();
    let (i, o) = match shape {
        [n, m] => (*n as f64, *m as f64),
        [o, i, window @ ..] => (*i as f64 * product(window), *o as f64 * product(window)),
        few => (product(few), product(few)),
    };
    (i.max(1.0), o.max(1.0))
}

/// Regular arrays.
pub mod array_gen {
    use ndarray::{Array2, ArrayD, IxDyn, LinalgScalar};

    use super::Float;
    use crate::dtype::Element;

    /// Zeros of shape `shape`.
    pub fn zeros<A: Element + LinalgScalar>(shape: &[usize]) -> ArrayD<A> {
        ArrayD::zeros(IxDyn(shape))
    }

    /// Ones of shape `shape`.
    pub fn ones<A: Element + LinalgScalar>(shape: &[usize]) -> ArrayD<A> {
        ArrayD::ones(IxDyn(shape))
    }

    /// The `n` x `n` identity matrix.
    pub fn eye<A: Element + LinalgScalar>(n: usize) -> ArrayD<A> {
        Array2::eye(n).into_dyn()
    }

    /// An array of shape `shape` whose elements are all `value`.
    pub fn constant<A: Element>(value: A, shape: &[usize]) -> ArrayD<A> {
        ArrayD::from_elem(IxDyn(shape), value)
    }

    /// `n` evenly spaced numbers from `start` to `end`, both included; `[start]` for `n` = 1.
    ///
    /// ```
    /// use scirs2_autograd::ndarray_ext::array_gen::linspace;
    /// assert_eq!(linspace::<f64>(0.0, 1.0, 5), ndarray::arr1(&[0.0, 0.25, 0.5, 0.75, 1.0]).into_dyn());
    /// ```
    pub fn linspace<A: Float>(start: f64, end: f64, n: usize) -> ArrayD<A> {
        let last = n.saturating_sub(1);
        let step = (end - start) / last.max(1) as f64;
        // The end is met exactly, whatever the steps round to.
        let at = |i: usize| A::from_f64(if i > 0 && i == last { end } else { start + i as f64 * step });
        ArrayD::from_shape_fn(IxDyn(&[n]), |i| at(i[0]))
    }

    /// The numbers `start`, `start + step`, ... before `end`. Empty if `step` leads away from `end`, is 0 or is not a
    /// number. Panics, as ndarray does, if there are more of them than memory can address.
    ///
    /// ```
    /// use scirs2_autograd::ndarray_ext::array_gen::arange;
    /// assert_eq!(arange::<f32>(0.0, 1.0, 0.25), ndarray::arr1(&[0.0f32, 0.25, 0.5, 0.75]).into_dyn());
    /// ```
    pub fn arange<A: Float>(start: f64, end: f64, step: f64) -> ArrayD<A> {
        let n = ((end - start) / step).ceil();
        let n = if step != 0.0 && n > 0.0 { n as usize } else { 0 };
        ArrayD::from_shape_fn(IxDyn(&[n]), |i| A::from_f64(start + i[0] as f64 * step))
    }
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
}
