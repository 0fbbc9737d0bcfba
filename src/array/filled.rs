//! A number repeated over a shape, before it is an array.

use std::fmt;

use crate::array::Array;
use crate::dtype::{DType, Scalar};
use crate::error::{Error, ErrorKind, Result};
use crate::shape::{Dims, Tuple};

/// A shape and one number for all its elements, without a dtype: what `zeros(shape)` gives.
///
/// A variable that is set to it takes the floating dtype of the other variables of its environment.
///
/// ```
/// use scirs2_autograd::{Filled, VariableEnvironment};
/// use scirs2_autograd::DType;
///
/// let env = VariableEnvironment::new();
/// let b = env.name("b").set(Filled::new(&[1, 3], 0.0));
/// env.name("w").set(ndarray::Array2::<f32>::ones((2, 3)));
/// assert_eq!(env.get(b)?.dtype(), DType::F32);
/// # Ok::<(), scirs2_autograd::Error>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct Filled {
    dims: Dims,
    value: f64,
}

impl Filled {
    /// An array of shape `dims` whose elements are all `value`. Nothing is allocated.
    pub fn new(dims: &[usize], value: f64) -> Filled {
        Filled { dims: dims.into(), value }
    }
    /// Lengths of the axes.
    pub fn shape(&self) -> &[usize] {
        &self.dims
    }
    /// The number.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// The array of dtype `dtype`. Fails with a `DType` error if that is not a floating dtype or the number overflows it, and
    /// with a `Memory` error if there is no memory for the shape.
    pub fn array(&self, dtype: DType) -> Result<Array> {
        if !dtype.is_float() {
            let got = format_args!("{dtype} for a fill of {}", self.value);
            return Err(Error::new(ErrorKind::DType, "filled", "not a floating dtype", got, "float32 or float64"));
        }
        let value = Scalar::Float(self.value);
        let bytes = value.bytes(dtype).ok_or_else(|| value.misfit("filled", dtype))?;
        // SAFETY: every element is written, and the new block is not shared.
        unsafe {
            let a = Array::uninit(dtype, &self.dims)?;
            match dtype {
                DType::F32 => std::slice::from_raw_parts_mut(a.ptr().cast::<f32>(), a.size()).fill(self.value as f32),
                _ => std::slice::from_raw_parts_mut(a.ptr().cast::<f64>(), a.size()).fill(f64::from_le_bytes(bytes)),
            }
            Ok(a)
        }
    }
}

impl fmt::Debug for Filled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Filled{} of {}", Tuple(&self.dims), self.value)
    }
}
