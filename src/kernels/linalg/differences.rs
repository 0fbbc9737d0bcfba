//! Divided differences of every order, accurate for arguments at any distance.

use super::Fault;
use super::functions::Function;

/// Terms of a series: with arguments within an eighth of the natural length of a function they are exact to rounding.
const TERMS: usize = 24;

/// The spread of arguments, in units of the natural length, up to which the series is taken.
const NEAR: f64 = 0.25;

/// A function at the eigenvalues of a matrix.
pub struct Differences {
    f: Function,
    /// What counts as zero.
    noise: f64,
}

impl Differences {
    /// Fails where a value is outside of the function's domain.
    pub fn new(f: Function, w: &[f64]) -> Result<Differences, Fault> {
        let noise = w.len() as f64 * f64::EPSILON * w.iter().fold(0.0f64, |m, w| m.max(w.abs()));
        let bad = |w: &&f64| match f {
            Function::Log => **w <= 0.0,
            Function::Sqrt => **w < -noise,
            Function::Sign => w.abs() <= noise,
            _ => false,
        };
        let what = match f {
            Function::Log => ("there is no real logarithm", "positive eigenvalues"),
            Function::Sqrt => ("there is no real square root", "no negative eigenvalue"),
            _ => ("the sign is not defined", "eigenvalues other than 0"),
        };
        match w.iter().find(bad) {
            Some(w) => Err(Fault::new(what.0, format_args!("an eigenvalue of {w:e}"), what.1)),
            None => Ok(Differences { f, noise }),
        }
    }

    /// What is wrong where a derivative of order `k` is not finite.
    pub fn fault(&self, k: usize, w: &[f64]) -> Fault {
        let (low, high) = w.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), &w| (l.min(w), h.max(w)));
        let got = format_args!("eigenvalues from {low:e} to {high:e}");
        match self.f {
            Function::Sqrt if k > 0 => Fault::new("the square root has no derivative", got, "positive eigenvalues"),
            _ => Fault::new("the result overflows", got, "a result of finite numbers"),
        }
    }

    /// `f[x_0, .., x_k]`.
    pub fn of(&self, x: &[f64]) -> f64 {
        let mut own = [0.0; 16];
        match x {
            [] => 0.0,
            [x] => self.value(*x),
            [a, b] => self.first(a.min(*b), a.max(*b)),
            _ if x.len() > own.len() => f64::NAN,
            _ => {
                let own = &mut own[..x.len()];
                own.copy_from_slice(x);
                own.sort_unstable_by(f64::total_cmp);
                self.sorted(own)
            }
        }
    }

    fn value(&self, x: f64) -> f64 {
        match self.f {
            Function::Exp => x.exp(),
            Function::Log => x.ln(),
            Function::Sqrt => self.clear(x).sqrt(),
            Function::Sin => x.sin(),
            Function::Cos => x.cos(),
            Function::Sinh => x.sinh(),
            Function::Cosh => x.cosh(),
            Function::Tanh => x.tanh(),
            Function::Sign => x.signum(),
        }
    }

    /// Zero for what rounding makes negative.
    fn clear(&self, x: f64) -> f64 {
        if x < 0.0 && x >= -self.noise { 0.0 } else { x }
    }

    /// `f[a, b]` for `a <= b`.
    fn first(&self, a: f64, b: f64) -> f64 {
        let (d, mean) = (b - a, 0.5 * (a + b));
        // f(x) / x with its limit 1 at 0.
        let over = |y: f64, x: f64| if x == 0.0 { 1.0 } else { y / x };
        let half = 0.5 * d;
        match self.f {
            Function::Exp => b.exp() * over((-d).exp_m1(), -d),
            Function::Log => over((d / a).ln_1p(), d / a) / a,
            Function::Sqrt => 1.0 / (self.clear(a).sqrt() + self.clear(b).sqrt()),
            Function::Sin => mean.cos() * over(half.sin(), half),
            Function::Cos => -mean.sin() * over(half.sin(), half),
            Function::Sinh => mean.cosh() * over(half.sinh(), half),
            Function::Cosh => mean.sinh() * over(half.sinh(), half),
            // sinh d / (d cosh a cosh b), of which each may overflow.
            Function::Tanh if d > 1.0 => (b.tanh() - a.tanh()) / d,
            Function::Tanh => over(d.sinh(), d) / a.cosh() / b.cosh(),
            Function::Sign if (a < 0.0) == (b < 0.0) => 0.0,
            Function::Sign => 2.0 / d,
        }
    }

    /// The length on which the function is smooth around ascending arguments.
    fn length(&self, low: f64, high: f64) -> f64 {
        match self.f {
            Function::Log | Function::Sqrt => self.clear(low),
            // Constant, or not smooth at all.
            Function::Sign if (low < 0.0) == (high < 0.0) => f64::INFINITY,
            Function::Sign => 0.0,
            _ => 1.0,
        }
    }

    /// The same of ascending arguments.
    fn sorted(&self, x: &[f64]) -> f64 {
        let (low, high) = match x {
            [a, b] => return self.first(*a, *b),
            [low, .., high] => (*low, *high),
            [x] => return self.value(*x),
            [] => return 0.0,
        };
        if high - low <= NEAR * self.length(low, high) {
            return self.series(x, low + 0.5 * (high - low));
        }
        (self.sorted(&x[1..]) - self.sorted(&x[..x.len() - 1])) / (high - low)
    }

    /// The sum over `m` of Taylor's coefficient of order `m + k` at `mean` times the complete homogeneous polynomial of degree `m` of the
    /// distances.
    fn series(&self, x: &[f64], mean: f64) -> f64 {
        let mut powers = [0.0; TERMS];
        powers[0] = 1.0;
        for x in x {
            let y = x - mean;
            (1..TERMS).for_each(|m| powers[m] += y * powers[m - 1]);
        }
        let mut c = [0.0; TERMS + 16];
        self.coefficients(mean, &mut c);
        powers.iter().zip(&c[x.len() - 1..]).map(|(p, c)| p * c).sum()
    }

    /// Taylor's coefficients at `x`.
    fn coefficients(&self, x: f64, c: &mut [f64]) {
        // Those of a function whose derivative of order n + 4 is that of order n, or the same with the other sign at n + 2.
        let cyclic = |first: f64, second: f64, sign: f64, c: &mut [f64]| {
            let mut over = 1.0;
            for (i, c) in c.iter_mut().enumerate() {
                over /= i.max(1) as f64;
                let turn = if i % 4 >= 2 { sign } else { 1.0 };
                *c = turn * over * if i % 2 == 0 { first } else { second };
            }
        };
        match self.f {
            Function::Exp => cyclic(x.exp(), x.exp(), 1.0, c),
            Function::Sin => cyclic(x.sin(), x.cos(), -1.0, c),
            Function::Cos => cyclic(x.cos(), -x.sin(), -1.0, c),
            Function::Sinh => cyclic(x.sinh(), x.cosh(), 1.0, c),
            Function::Cosh => cyclic(x.cosh(), x.sinh(), 1.0, c),
            Function::Log => {
                let mut power = -1.0;
                c[0] = x.ln();
                for (i, c) in c.iter_mut().enumerate().skip(1) {
                    power /= -x;
                    *c = power / i as f64;
                }
            }
            Function::Sqrt => {
                let mut term = x.sqrt();
                for (i, c) in c.iter_mut().enumerate() {
                    *c = term;
                    term *= (0.5 - i as f64) / ((i + 1) as f64 * x);
                }
            }
            Function::Tanh => {
                // y' = 1 - y^2
                c[0] = x.tanh();
                c[1] = 1.0 / (x.cosh() * x.cosh());
                for i in 1..c.len() - 1 {
                    let square: f64 = (0..=i).map(|j| c[j] * c[i - j]).sum();
                    c[i + 1] = -square / (i + 1) as f64;
                }
            }
            Function::Sign => {
                c.fill(0.0);
                c[0] = x.signum();
            }
        }
    }
}
