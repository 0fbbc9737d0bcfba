//! Random start values.

use pyo3::prelude::*;

use super::convert;
use super::guarded;
use crate::api::ndarray_ext::{ArrayRng as Rng, Law};
use crate::array::Array;
use crate::dtype::DType;
use crate::error::{Error, ErrorKind};

enum Inner {
    F32(Rng<f32>),
    F64(Rng<f64>),
}

/// Random arrays for start values, as NumPy arrays of one floating dtype.
#[pyclass(frozen, module = "scirs2_autograd._lib")]
pub struct ArrayRng(Inner);

impl ArrayRng {
    fn draw<'py>(&self, shape: &Bound<'py, PyAny>, law: Law) -> PyResult<Bound<'py, PyAny>> {
        guarded(|| {
            let dims = convert::known_lengths("random", shape)?;
            let array = match &self.0 {
                Inner::F32(r) => Array::try_from(&r.draw(&dims, law)?)?,
                Inner::F64(r) => Array::try_from(&r.draw(&dims, law)?)?,
            };
            convert::to_numpy(shape.py(), array)
        })
    }
}

type Numpy<'py> = PyResult<Bound<'py, PyAny>>;

#[pymethods]
impl ArrayRng {
    /// A generator; without a seed the system chooses one.
    #[new]
    #[pyo3(signature = (seed=None, dtype=None))]
    fn new(seed: Option<u64>, dtype: Option<&Bound<'_, PyAny>>) -> PyResult<ArrayRng> {
        guarded(|| {
            Ok(ArrayRng(match dtype.map_or(Ok(DType::F64), convert::dtype)? {
                DType::F32 => Inner::F32(seed.map_or_else(Rng::default, Rng::from_seed)),
                DType::F64 => Inner::F64(seed.map_or_else(Rng::default, Rng::from_seed)),
                d => return Err(Error::new(ErrorKind::DType, "random", "not a floating dtype", d, "float32 or float64").into()),
            }))
        })
    }
    /// Uniform in `0 <= x < 1`.
    fn standard_uniform<'py>(&self, shape: &Bound<'py, PyAny>) -> Numpy<'py> {
        self.draw(shape, Law::StandardUniform)
    }
    /// Normal with mean 0 and standard deviation 1.
    fn standard_normal<'py>(&self, shape: &Bound<'py, PyAny>) -> Numpy<'py> {
        self.draw(shape, Law::StandardNormal)
    }
    /// Uniform in `low <= x < high`.
    fn uniform<'py>(&self, shape: &Bound<'py, PyAny>, low: f64, high: f64) -> Numpy<'py> {
        self.draw(shape, Law::Uniform { min: low, max: high })
    }
    /// Normal with a mean and a standard deviation.
    fn normal<'py>(&self, shape: &Bound<'py, PyAny>, mean: f64, stddev: f64) -> Numpy<'py> {
        self.draw(shape, Law::Normal { mean, stddev })
    }
    /// Glorot's uniform law: bounds `sqrt(6 / (fan_in + fan_out))`.
    fn glorot_uniform<'py>(&self, shape: &Bound<'py, PyAny>) -> Numpy<'py> {
        self.draw(shape, Law::GlorotUniform)
    }
    /// Glorot's normal law: deviation `sqrt(2 / (fan_in + fan_out))`.
    fn glorot_normal<'py>(&self, shape: &Bound<'py, PyAny>) -> Numpy<'py> {
        self.draw(shape, Law::GlorotNormal)
    }
    /// He's uniform law: bounds `sqrt(6 / fan_in)`.
    fn he_uniform<'py>(&self, shape: &Bound<'py, PyAny>) -> Numpy<'py> {
        self.draw(shape, Law::HeUniform)
    }
    /// He's normal law: deviation `sqrt(2 / fan_in)`.
    fn he_normal<'py>(&self, shape: &Bound<'py, PyAny>) -> Numpy<'py> {
        self.draw(shape, Law::HeNormal)
    }
}
