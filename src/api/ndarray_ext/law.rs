//! Laws of random numbers.

/// A law of random numbers, for [`ArrayRng::draw`](super::ArrayRng::draw).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Law {
    /// Uniform on [0, 1).
    StandardUniform,
    /// Normal with mean 0 and standard deviation 1.
    StandardNormal,
    /// Uniform on [`min`, `max`); all `min` if they are equal.
    Uniform {
        /// The lower bound.
        min: f64,
        /// The upper bound.
        max: f64,
    },
    /// Normal.
    Normal {
        /// The mean.
        mean: f64,
        /// The standard deviation, >= 0.
        stddev: f64,
    },
    /// exp(x), x normal.
    LogNormal {
        /// The mean of x.
        mean: f64,
        /// The standard deviation of x, >= 0.
        stddev: f64,
    },
    /// 1 with probability `p`, else 0.
    Bernoulli {
        /// The probability, in [0, 1].
        p: f64,
    },
    /// Exponential, with mean 1 / `lambda`.
    Exponential {
        /// The rate, > 0.
        lambda: f64,
    },
    /// Gamma, with mean `k` * `scale`.
    Gamma {
        /// The shape parameter, > 0.
        k: f64,
        /// The scale, > 0.
        scale: f64,
    },
    /// Glorot and Bengio's start: uniform on +-sqrt(6 / (fan_in + fan_out)).
    ///
    /// `(fan_in, fan_out)` are `(n, m)` for a matrix of shape `[n, m]`, which `x @ w` multiplies by, and `(i h w, o h w)` for the kernel of a
    /// convolution, `[o, i, h, w]` (any number of trailing axes), where `i` counts the inputs of a group. With fewer than two axes both
    /// are the size of the array.
    GlorotUniform,
    /// Glorot and Bengio's start: normal with standard deviation sqrt(2 / (fan_in + fan_out)), fans as in
    /// [`GlorotUniform`](Law::GlorotUniform).
    GlorotNormal,
    /// He's start for relu: uniform on +-sqrt(6 / fan_in), fan_in as in [`GlorotUniform`](Law::GlorotUniform).
    HeUniform,
    /// He's start for relu: normal with standard deviation sqrt(2 / fan_in), fan_in as in
    /// [`GlorotUniform`](Law::GlorotUniform).
    HeNormal,
    /// Le Cun's start: uniform on +-sqrt(3 / fan_in), fan_in as in [`GlorotUniform`](Law::GlorotUniform).
    LecunUniform,
    /// Le Cun's start: normal with standard deviation sqrt(1 / fan_in), fan_in as in [`GlorotUniform`](Law::GlorotUniform).
    LecunNormal,
    /// Normal, drawn again until it is within bounds. So the mean and the standard deviation are those before.
    TruncatedNormal {
        /// The mean.
        mean: f64,
        /// The standard deviation, >= 0.
        stddev: f64,
        /// The lower bound, which may be -inf.
        low: f64,
        /// The upper bound, >= `low`, which may be inf.
        high: f64,
    },
    /// Orthonormal rows or columns, whichever are fewer, times `gain`: uniformly distributed (Saxe, McClelland, Ganguli 2014). An array of
    /// more axes is a matrix of its first axis by all others; one without axes is a matrix of one element.
    Orthogonal {
        /// What the orthonormal matrix is multiplied by, a finite number.
        gain: f64,
    },
}

impl Law {
    pub(super) fn within(limit: f64) -> Law {
        Law::Uniform { min: -limit, max: limit }
    }
}

/// Fan-in and fan-out, at least 1: an array with a fan of 0 has no elements.
pub(super) fn fans(shape: &[usize]) -> (f64, f64) {
    let product = |dims: &[usize]| dims.iter().map(|&n| n as f64).product::<f64>();
    let (i, o) = match shape {
        [n, m] => (*n as f64, *m as f64),
        [o, i, window @ ..] => (*i as f64 * product(window), *o as f64 * product(window)),
        few => (product(few), product(few)),
    };
    (i.max(1.0), o.max(1.0))
}
