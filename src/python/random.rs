//! Random start values.

use pyo3::prelude::*;

use super::convert;
use super::guarded;
use super::refusal;
use crate::api::ndarray_ext::{ArrayRng as Rng, Law};
use crate::array::Array;
use crate::dtype::DType;
use crate::error::{Error, ErrorKind};

enum Inner {
    F32(Rng<f32>),
    F64(Rng<f64>),
}

/// Random arrays for start values, as NumPy arrays of one floating dtype.
///
/// >>> rng = ag.ArrayRng(seed=0, dtype="float32")
/// >>> w = rng.glorot_uniform([3, 2])
/// >>> w.shape, w.dtype, bool(abs(w).max() <= np.sqrt(6 / (3 + 2)))
/// ((3, 2), dtype('float32'), True)
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
    /// Refused: two generators would draw the same numbers.
    fn __reduce__(&self) -> PyResult<()> {
        refusal::no_copy("ArrayRng", "<ArrayRng>", "make another generator with `ag.ArrayRng(seed)`")
    }
    /// Uniform in `0 <= x < 1`.
    ///
    /// >>> x = ag.ArrayRng(seed=0).standard_uniform([100])
    /// >>> bool(x.min() >= 0.0), bool(x.max() < 1.0)
    /// (True, True)
    fn standard_uniform<'py>(&self, shape: &Bound<'py, PyAny>) -> Numpy<'py> {
        self.draw(shape, Law::StandardUniform)
    }
    /// Normal with mean 0 and standard deviation 1.
    ///
    /// >>> x = ag.ArrayRng(seed=0).standard_normal([100, 100])
    /// >>> bool(abs(x.mean()) < 0.05), bool(abs(x.std() - 1) < 0.05)
    /// (True, True)
    fn standard_normal<'py>(&self, shape: &Bound<'py, PyAny>) -> Numpy<'py> {
        self.draw(shape, Law::StandardNormal)
    }
    /// Uniform in `low <= x < high`.
    ///
    /// >>> x = ag.ArrayRng(seed=0).uniform([100], -1.0, 1.0)
    /// >>> bool(x.min() >= -1.0), bool(x.max() < 1.0)
    /// (True, True)
    fn uniform<'py>(&self, shape: &Bound<'py, PyAny>, low: f64, high: f64) -> Numpy<'py> {
        self.draw(shape, Law::Uniform { min: low, max: high })
    }
    /// Normal with a mean and a standard deviation.
    ///
    /// >>> ag.ArrayRng(seed=0).normal([2], 5.0, 0.0)
    /// array([5., 5.])
    fn normal<'py>(&self, shape: &Bound<'py, PyAny>, mean: f64, stddev: f64) -> Numpy<'py> {
        self.draw(shape, Law::Normal { mean, stddev })
    }
    /// Glorot's uniform law: bounds `sqrt(6 / (fan_in + fan_out))`.
    ///
    /// The fans are `n` and `m` for a matrix of shape `(n, m)`, as in `x @ w`. For the kernel of a convolution, `(out, in, *window)`, where
    /// `in` counts the inputs of a group, they are `in` and `out` times the size of the window.
    ///
    /// >>> x = ag.ArrayRng(seed=0).glorot_uniform([30, 20])
    /// >>> bool(abs(x).max() <= np.sqrt(6 / (30 + 20)))
    /// True
    fn glorot_uniform<'py>(&self, shape: &Bound<'py, PyAny>) -> Numpy<'py> {
        self.draw(shape, Law::GlorotUniform)
    }
    /// Glorot's normal law: deviation `sqrt(2 / (fan_in + fan_out))`.
    ///
    /// >>> x = ag.ArrayRng(seed=0).glorot_normal([300, 200])
    /// >>> bool(abs(x.std() / np.sqrt(2 / (300 + 200)) - 1) < 0.05)
    /// True
    fn glorot_normal<'py>(&self, shape: &Bound<'py, PyAny>) -> Numpy<'py> {
        self.draw(shape, Law::GlorotNormal)
    }
    /// He's uniform law: bounds `sqrt(6 / fan_in)`.
    ///
    /// >>> x = ag.ArrayRng(seed=0).he_uniform([30, 20])
    /// >>> bool(abs(x).max() <= np.sqrt(6 / 30))
    /// True
    fn he_uniform<'py>(&self, shape: &Bound<'py, PyAny>) -> Numpy<'py> {
        self.draw(shape, Law::HeUniform)
    }
    /// He's normal law: deviation `sqrt(2 / fan_in)`.
    ///
    /// >>> x = ag.ArrayRng(seed=0).he_normal([300, 200])
    /// >>> bool(abs(x.std() / np.sqrt(2 / 300) - 1) < 0.05)
    /// True
    fn he_normal<'py>(&self, shape: &Bound<'py, PyAny>) -> Numpy<'py> {
        self.draw(shape, Law::HeNormal)
    }
    /// Le Cun's uniform law: bounds `sqrt(3 / fan_in)`.
    ///
    /// >>> x = ag.ArrayRng(seed=0).lecun_uniform([30, 20])
    /// >>> bool(abs(x).max() <= np.sqrt(3 / 30))
    /// True
    fn lecun_uniform<'py>(&self, shape: &Bound<'py, PyAny>) -> Numpy<'py> {
        self.draw(shape, Law::LecunUniform)
    }
    /// Le Cun's normal law: deviation `sqrt(1 / fan_in)`.
    ///
    /// >>> x = ag.ArrayRng(seed=0).lecun_normal([300, 200])
    /// >>> bool(abs(x.std() / np.sqrt(1 / 300) - 1) < 0.05)
    /// True
    fn lecun_normal<'py>(&self, shape: &Bound<'py, PyAny>) -> Numpy<'py> {
        self.draw(shape, Law::LecunNormal)
    }
    /// Normal with a mean and a standard deviation, drawn again until it is in `low <= x <= high`; either may be infinite.
    ///
    /// >>> x = ag.ArrayRng(seed=0).truncated_normal([100], 0.0, 1.0, -0.5, 2.0)
    /// >>> bool(x.min() >= -0.5), bool(x.max() <= 2.0)
    /// (True, True)
    #[pyo3(
        signature = (shape, mean=0.0, stddev=1.0, low=-2.0, high=2.0),
        text_signature = "($self, shape, mean=0.0, stddev=1.0, low=-2.0, high=2.0)"
    )]
    fn truncated_normal<'py>(&self, shape: &Bound<'py, PyAny>, mean: f64, stddev: f64, low: f64, high: f64) -> Numpy<'py> {
        self.draw(shape, Law::TruncatedNormal { mean, stddev, low, high })
    }
    /// Orthonormal rows or columns, whichever are fewer, times `gain`; an array of more axes is a matrix of its first axis by all others.
    ///
    /// >>> x = ag.ArrayRng(seed=0).orthogonal([3, 5], gain=2.0)
    /// >>> np.allclose(x @ x.T, 4.0 * np.eye(3))
    /// True
    #[pyo3(signature = (shape, gain=1.0))]
    fn orthogonal<'py>(&self, shape: &Bound<'py, PyAny>, gain: f64) -> Numpy<'py> {
        self.draw(shape, Law::Orthogonal { gain })
    }
}
