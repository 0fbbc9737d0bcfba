//! Checks that gradients are right: of a user's function, and of every op of the table.
//!
//! [`gradcheck`] compares a gradient with differences of the function; `matrix` runs every check on every row.

mod arrays;
mod batched;
pub(crate) mod bounds;
mod edge;
pub(crate) mod fused;
pub(crate) mod layout;
mod magnitudes;
pub(crate) mod matrix;
pub(crate) mod program;
pub(crate) mod replay;
pub(crate) mod sample;
mod values;

use ndarray::ArrayD;

use crate::api::context::{Context, run};
use crate::api::feed::Feeder;
use crate::array::Array;
use crate::autodiff::try_grad;
use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::Tensor;
use crate::shape::Tuple;

/// The error that is accepted, in units of the largest entry of a gradient, or of 1 if that is larger.
pub const TOLERANCE: f64 = 1e-8;

/// Compares the gradient of `f` with differences of `f` at `inputs`: every entry of every input, within [`TOLERANCE`].
///
/// `order` 1 checks the gradient, 2 also the gradient of the gradient, and so on. `f` must be smooth within about
/// `0.002 * max(|x|, 0.25)` of each entry; at the kink of `abs` or `relu` differences say nothing.
///
/// The differences are central, of five points: `(8 (f(x + h) - f(x - h)) - (f(x + 2h) - f(x - 2h))) / 12 h`.
///
/// ```
/// use ndarray::arr1;
/// use scirs2_autograd::{check::gradcheck, tensor_ops as T};
///
/// let x = arr1(&[0.3, -0.7, 1.2]).into_dyn();
/// gradcheck(|_, xs| T::reduce_sum(T::tanh(xs[0]) * xs[0], (), false), &[x.clone()], 2)?;
///
/// // A wrong gradient: `stop_gradient` hides a factor.
/// let wrong = gradcheck(|_, xs| T::stop_gradient(xs[0]) * xs[0], &[x], 1);
/// assert!(wrong.unwrap_err().to_string().starts_with("gradcheck: the gradient of input 0 is wrong at (2,)."));
/// # Ok::<(), scirs2_autograd::Error>(())
/// ```
pub fn gradcheck(f: impl for<'g> Fn(&'g Context, &[Tensor<'g>]) -> Tensor<'g>, inputs: &[ArrayD<f64>], order: usize) -> Result<()> {
    let arrays: Vec<Array> = inputs.iter().map(Array::try_from).collect::<Result<_>>()?;
    gradcheck_all(|ctx, xs| Ok(vec![f(ctx, xs)]), &arrays, order).map(|_| ())
}

/// As [`gradcheck`], for functions with several results, and inputs of any dtype: those that are `float64` are
/// differentiated, and of the results those that are. Returns how many entries were compared.
pub fn gradcheck_all(
    f: impl for<'g> Fn(&'g Context, &[Tensor<'g>]) -> Result<Vec<Tensor<'g>>>,
    inputs: &[Array],
    order: usize,
) -> Result<usize> {
    run(|ctx| {
        let mut p = Program { ctx, inputs: vec![], outputs: vec![] };
        let xs: Vec<Tensor<'_>> = inputs.iter().map(|a| p.input(a)).collect();
        p.outputs = floating(f(ctx, &xs)?)?;
        let mut compared = 0;
        for k in 1..=order {
            // A gradient is a function of the cotangents too: from the second order on they are inputs.
            let seeds: Vec<Array> =
                p.values(&|_, _, _| 0.0)?.iter().enumerate().map(|(i, y)| cotangent(y, k * 100 + i)).collect::<Result<_>>()?;
            let targets: Vec<usize> = (0..p.inputs.len()).filter(|&i| p.inputs[i].0.dtype() == DType::F64).collect();
            let wanted: Vec<Tensor<'_>> = targets.iter().map(|&i| p.inputs[i].0).collect();
            if wanted.is_empty() || p.outputs.is_empty() {
                break;
            }
            let vectors: Vec<Tensor<'_>> = seeds.iter().map(|a| p.input(a)).collect();
            let grads = try_grad(&p.outputs, &wanted, Some(&vectors))?;
            compared += p.compare(&grads, &targets, &seeds, k)?;
            p.outputs = grads;
        }
        Ok(compared)
    })
}

/// The results that can be differentiated; an error tensor is an error.
fn floating(ys: Vec<Tensor<'_>>) -> Result<Vec<Tensor<'_>>> {
    match ys.iter().find_map(|t| t.error()) {
        Some(e) => Err(e),
        None => Ok(ys.into_iter().filter(|t| t.dtype() == DType::F64).collect()),
    }
}

/// A cotangent of the shape of `y`: fixed numbers of both signs, none of them small.
pub(crate) fn cotangent(y: &Array, seed: usize) -> Result<Array> {
    sample::array(crate::graph::op::Domain::Real, y.shape(), seed as u64)
}

struct Program<'g> {
    ctx: &'g Context,
    inputs: Vec<(Tensor<'g>, Array)>,
    outputs: Vec<Tensor<'g>>,
}

impl<'g> Program<'g> {
    fn input(&mut self, a: &Array) -> Tensor<'g> {
        let shape: Vec<isize> = a.shape().iter().map(|&n| n as isize).collect();
        let t = self.ctx.placeholder_of(&format!("x{}", self.inputs.len()), &shape, a.dtype());
        self.inputs.push((t, a.clone()));
        t
    }

    /// The outputs, with `shift(input, entry, value)` added to each entry of the floating inputs.
    fn values(&self, shift: &dyn Fn(usize, usize, f64) -> f64) -> Result<Vec<Array>> {
        let mut feeder = Feeder::new();
        for (i, (t, a)) in self.inputs.iter().enumerate() {
            let fed = match a.as_slice::<f64>() {
                Ok(x) => {
                    let moved: Vec<f64> = x.iter().enumerate().map(|(e, &v)| v + shift(i, e, v)).collect();
                    Array::from_slice(&moved, a.shape())?
                }
                Err(_) => a.clone(),
            };
            feeder = feeder.push(t, fed);
        }
        self.ctx.evaluator().extend(&self.outputs).set_feeder(feeder).run().into_iter().collect()
    }

    /// Compares gradients with differences of the outputs.
    fn compare(&self, grads: &[Tensor<'g>], targets: &[usize], seeds: &[Array], order: usize) -> Result<usize> {
        let found = Program { ctx: self.ctx, inputs: self.inputs.clone(), outputs: grads.to_vec() }.values(&|_, _, _| 0.0)?;
        let mut compared = 0;
        for (g, &input) in found.iter().zip(targets) {
            let g = g.view::<f64>()?;
            let Some((_, at)) = self.inputs.get(input) else { continue };
            let at = at.as_slice::<f64>()?;
            if g.len() != at.len() {
                let got = format!("shape {}", Tuple(g.shape()));
                return Err(Error::new(
                    ErrorKind::Shape,
                    "gradcheck",
                    "a gradient has another shape than its input",
                    got,
                    format_args!("{} entries", at.len()),
                ));
            }
            let largest = g.iter().filter(|x| x.is_finite()).fold(1.0, |m: f64, x| m.max(x.abs()));
            let mut worst: Option<(f64, usize, f64, f64)> = None;
            for (e, (&exact, &x)) in g.iter().zip(at).enumerate() {
                let numeric = self.difference(input, e, step(x), seeds)?;
                compared += 1;
                let error = (exact - numeric).abs();
                // NaN is as far off as can be.
                let error = if error.is_nan() { f64::INFINITY } else { error };
                if error > TOLERANCE * largest && worst.is_none_or(|(w, ..)| error > w) {
                    worst = Some((error, e, exact, numeric));
                }
            }
            if let Some((_, e, exact, numeric)) = worst {
                let what = match order {
                    1 => format!("the gradient of input {input} is wrong at {}", place(e, g.shape())),
                    _ => format!("the gradient of order {order} of input {input} is wrong at {}", place(e, g.shape())),
                };
                let rule = format!("{numeric:e}, which differences give, within {:e}", TOLERANCE * largest);
                return Err(Error::new(ErrorKind::Value, "gradcheck", what, format_args!("{exact:e}"), rule));
            }
        }
        Ok(compared)
    }

    /// The derivative of `sum(outputs * seeds)` by entry `e` of an input, from five points.
    fn difference(&self, input: usize, e: usize, h: f64, seeds: &[Array]) -> Result<f64> {
        let at = |k: f64| self.values(&|i, n, _| if (i, n) == (input, e) { k * h } else { 0.0 });
        let (far, near) = ((at(-2.0)?, at(2.0)?), (at(-1.0)?, at(1.0)?));
        let mut total = 0.0;
        for (k, c) in seeds.iter().enumerate() {
            let c = c.as_slice::<f64>()?;
            let [a, b, x, y] =
                [&far.0, &near.0, &near.1, &far.1].map(|list| list.get(k).and_then(|v| v.as_slice::<f64>().ok()).unwrap_or(&[]));
            for ((((c, a), b), x), y) in c.iter().zip(a).zip(b).zip(x).zip(y) {
                // Element by element: what does not move cancels exactly, however large it is.
                total += c * (8.0 * (x - b) - (y - a)) / (12.0 * h);
            }
        }
        Ok(total)
    }
}

/// A power of two, so that `x + h` is exact or nearly so: about `0.0005 * |x|`. There five points have an error of
/// about `1e-16 f' / h` from rounding and of `h^4 f''''' / 30` from the formula: both far below the tolerance.
fn step(x: f64) -> f64 {
    let scale = x.abs().max(0.25);
    if scale.is_finite() { 2f64.powi(scale.log2().floor() as i32 - 10) } else { 1e-3 }
}

/// The place of an element in C order as a tuple of indices.
pub(crate) fn place(mut e: usize, dims: &[usize]) -> String {
    let mut index = vec![0usize; dims.len()];
    for (i, &n) in index.iter_mut().zip(dims).rev() {
        *i = e % n.max(1);
        e /= n.max(1);
    }
    Tuple(&index).to_string()
}
