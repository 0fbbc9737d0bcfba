//! NumPy arrays in, without a copy where their memory allows it, and out, never with one.

use std::ffi::c_int;

use numpy::npyffi::{self, NPY_TYPES, PY_ARRAY_API, npy_intp};
use numpy::{PyArrayDescrMethods, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyComplex, PyFloat, PyInt, PyList, PyString, PyTuple, PyType};

use super::lock::released_for;
use crate::api::feed::Feed;
use crate::array::{Array, View};
use crate::dtype::{DType, Scalar};
use crate::error::{Error, ErrorKind};
use crate::shape::{Dims, Strides};

/// A Python number as a weak scalar: `bool`, `int`, `float` exactly, not NumPy's scalars, which have a dtype.
pub fn scalar(x: &Bound<'_, PyAny>) -> PyResult<Option<Scalar>> {
    if x.is_exact_instance_of::<PyFloat>() {
        return Ok(Some(Scalar::Float(x.extract()?)));
    }
    if x.is_exact_instance_of::<PyBool>() {
        return Ok(Some(Scalar::Bool(x.extract()?)));
    }
    if x.is_exact_instance_of::<PyInt>() {
        return match x.extract::<i64>() {
            Ok(i) => Ok(Some(Scalar::Int(i))),
            Err(_) => {
                let e = Error::new(ErrorKind::DType, "constant", "the integer does not fit", x.str()?, "an integer of 64 bits");
                Err(e.into())
            }
        };
    }
    Ok(None)
}

fn function<'py>(py: Python<'py>, cell: &'static PyOnceLock<Py<PyAny>>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    Ok(cell.get_or_try_init(py, || Ok::<_, PyErr>(py.import("numpy")?.getattr(name)?.unbind()))?.bind(py).clone())
}

/// Any array-like as a NumPy array of a dtype that the engine has: native byte order, small integers widened, half
/// precision to `float32`.
pub fn as_array<'py>(x: &Bound<'py, PyAny>) -> PyResult<(Bound<'py, PyUntypedArray>, DType)> {
    static ASARRAY: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let py = x.py();
    if let Some(t) = super::stand_in::tensor(x) {
        return Err(super::refusal::no_array(t.get()).into());
    }
    let array: Bound<'py, PyUntypedArray> = match x.cast::<PyUntypedArray>() {
        Ok(a) => a.clone(),
        Err(_) => function(py, &ASARRAY, "asarray")?.call1((x,))?.cast_into()?,
    };
    // SAFETY: a live object.
    if unsafe { npyffi::PyArray_CheckExact(py, array.as_ptr()) } == 0 && !is_own(array.as_any()) {
        without_mask(&array)?;
    }
    let descr = array.dtype();
    let native = descr.is_native_byteorder() != Some(false);
    let dtype = match (descr.kind(), descr.itemsize()) {
        (b'b', 1) => Some((DType::Bool, true)),
        (b'i', 4) => Some((DType::I32, true)),
        (b'i', 8) => Some((DType::I64, true)),
        (b'f', 4) => Some((DType::F32, true)),
        (b'f', 8) => Some((DType::F64, true)),
        (b'i' | b'u', 1 | 2) => Some((DType::I32, false)),
        (b'u', 4 | 8) => Some((DType::I64, false)),
        (b'f', 2) => Some((DType::F32, false)),
        _ => None,
    };
    let Some((dtype, same)) = dtype else {
        super::stand_in::none_in(&array)?;
        let e = Error::new(
            ErrorKind::DType,
            "array",
            "the dtype is not supported",
            descr.str()?,
            "bool, integers, float16, float32 or float64",
        );
        return Err(e.help("convert it with `astype`; object arrays often come from rows of different lengths").into());
    };
    if (descr.kind(), descr.itemsize()) == (b'u', 8) {
        let size: usize = array.len();
        let top = if size == 0 { 0u64 } else { array.call_method0("max")?.extract()? };
        if i64::try_from(top).is_err() {
            let e = Error::new(ErrorKind::DType, "array", "an integer does not fit", top, "values in the range of int64");
            return Err(e.into());
        }
    }
    let array = if same && native { array } else { array.call_method1("astype", (dtype.name(),))?.cast_into()? };
    // Unaligned memory, and strides that are not whole elements, are copied.
    let size = dtype.size() as isize;
    let whole = array.strides().iter().all(|s| s % size == 0);
    let array = if array.is_aligned() && whole { array } else { array.call_method1("copy", ("C",))?.cast_into()? };
    Ok((array, dtype))
}

/// Refuses a subclass of arrays whose mask hides elements: they would come in with values that nobody has chosen.
fn without_mask(array: &Bound<'_, PyUntypedArray>) -> PyResult<()> {
    let hidden = match array.getattr_opt(pyo3::intern!(array.py(), "mask"))? {
        Some(mask) if mask.hasattr("any")? => mask.call_method0("any")?.is_truthy()?,
        _ => false,
    };
    if !hidden {
        return Ok(());
    }
    let e = Error::new(ErrorKind::DType, "array", "elements are masked", array.get_type().name()?, "an array of values");
    Err(e.help("give them values with `a.filled(value)`, and leave them out with `T.where(a.mask, 0.0, t)`").into())
}

/// Lengths of axes: an integer, or a sequence of them; with `free`, None or -1 is a length that is not known.
pub fn lengths(op: &str, x: &Bound<'_, PyAny>, free: bool) -> PyResult<Vec<isize>> {
    let wrong = || -> PyErr {
        let got = x.repr().map_or_else(|_| String::new(), |r| r.to_string());
        let rule =
            if free { "a length, or a sequence of lengths and of -1 or None for any length" } else { "a length or a sequence of lengths" };
        Error::new(ErrorKind::DType, op, "the shape has the wrong type", got, rule).into()
    };
    let one = |x: &Bound<'_, PyAny>| -> PyResult<isize> { if free && x.is_none() { Ok(-1) } else { x.extract().map_err(|_| wrong()) } };
    let dims: Vec<isize> = if x.is_instance_of::<PyString>() {
        return Err(wrong());
    } else if let (false, Ok(n)) = (x.is_exact_instance_of::<PyTuple>(), x.extract::<isize>()) {
        vec![n]
    } else {
        let items = x.try_iter().map_err(|_| wrong())?;
        items.map(|d| one(&d?)).collect::<PyResult<_>>()?
    };
    if dims.iter().any(|&d| d < 0 && !(free && d == -1)) {
        let rule = if free { "-1 (any length) or lengths >= 0" } else { "lengths >= 0" };
        return Err(Error::new(ErrorKind::Shape, op, "a length is negative", x.str()?, rule).into());
    }
    Ok(dims)
}

/// As `lengths`, of a shape that is known.
pub fn known_lengths(op: &str, x: &Bound<'_, PyAny>) -> PyResult<Vec<usize>> {
    Ok(lengths(op, x, false)?.into_iter().map(isize::unsigned_abs).collect())
}

/// Whether an operator takes `x` as an operand; what it does not take may know what to do with a tensor itself.
pub fn is_operand(x: &Bound<'_, PyAny>) -> bool {
    x.is_instance_of::<PyList>()
        || x.is_instance_of::<PyTuple>()
        || x.is_instance_of::<PyComplex>()
        || x.hasattr(pyo3::intern!(x.py(), "__array__")).unwrap_or(false)
        || x.hasattr(pyo3::intern!(x.py(), "__array_interface__")).unwrap_or(false)
        || x.hasattr(pyo3::intern!(x.py(), "__buffer__")).unwrap_or(false)
}

/// True for an array of NumPy's, one of ours, or a scalar of one of its dtypes.
pub fn is_array(x: &Bound<'_, PyAny>) -> bool {
    static GENERIC: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    // SAFETY: a live object.
    let exact = unsafe { npyffi::PyArray_CheckExact(x.py(), x.as_ptr()) } != 0;
    exact || is_own(x) || function(x.py(), &GENERIC, "generic").is_ok_and(|g| x.is_instance(&g).unwrap_or(false))
}

/// The class of values, once the first has been made: until then nothing is one.
static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();

/// The class of values that were computed at once: a subclass of NumPy's arrays.
pub fn class(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    let make = || Ok::<_, PyErr>(py.import("scirs2_autograd.arrays")?.getattr("Array")?.cast_into()?.unbind());
    Ok(CLASS.get_or_try_init(py, make)?.bind(py))
}

/// True for a value that was computed at once.
fn is_own(x: &Bound<'_, PyAny>) -> bool {
    CLASS.get(x.py()).is_some_and(|c| x.get_type().is(c))
}

/// A value as NumPy's functions return it: without axes, a scalar.
pub fn without_axes(x: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyAny>> {
    let py = x.py();
    // SAFETY: a live array, whose reference is given away.
    unsafe { Bound::from_owned_ptr_or_err(py, PY_ARRAY_API.PyArray_Return(py, x.into_ptr().cast())) }
}

struct Raw {
    ptr: *const u8,
    dims: Dims,
    strides: Strides,
}

fn raw(a: &Bound<'_, PyUntypedArray>, dtype: DType) -> Raw {
    let size = dtype.size() as isize;
    // SAFETY: a live array object.
    let ptr = unsafe { (*a.as_array_ptr()).fields.data.cast::<u8>().cast_const() };
    Raw { ptr, dims: a.shape().into(), strides: a.strides().iter().map(|s| s / size).collect() }
}

/// A copy of an array-like.
pub fn to_array(x: &Bound<'_, PyAny>) -> PyResult<Array> {
    let (a, dtype) = as_array(x)?;
    let r = raw(&a, dtype);
    // SAFETY: aligned memory of this dtype, which the array object holds; it is read at once.
    let view = unsafe { View::from_raw(r.ptr, dtype, &r.dims, &r.strides) };
    Ok(released_for(x.py(), view.count() * dtype.size(), || Array::copy_of_foreign(view))?)
}

/// A feed of an array-like, read in place during the run; the object that holds the memory comes with it.
pub fn to_feed(x: &Bound<'_, PyAny>) -> PyResult<(Feed<'static>, Option<Py<PyAny>>)> {
    if let Some(s) = scalar(x)? {
        return Ok((Feed::scalar(s), None));
    }
    let (a, dtype) = as_array(x)?;
    let r = raw(&a, dtype);
    // SAFETY: the array object holds the memory, and the caller keeps it for as long as the feed.
    let feed = unsafe { Feed::from_raw(r.ptr, dtype, &r.dims, &r.strides) };
    Ok((feed, Some(a.into_any().unbind())))
}

/// The memory of a result: the base object of the NumPy array that shows it.
#[pyclass(frozen, module = "scirs2_autograd._lib")]
struct Memory {
    _array: Array,
}

/// NumPy's number of a dtype.
fn kind(dtype: DType) -> c_int {
    let kind = match dtype {
        DType::Bool => NPY_TYPES::NPY_BOOL,
        DType::I32 => NPY_TYPES::NPY_INT,
        DType::I64 if cfg!(target_os = "windows") => NPY_TYPES::NPY_LONGLONG,
        DType::I64 => NPY_TYPES::NPY_LONG,
        DType::F32 => NPY_TYPES::NPY_FLOAT,
        DType::F64 => NPY_TYPES::NPY_DOUBLE,
    };
    kind as c_int
}

/// A NumPy array over an array's own memory. `array` is shared with nobody.
pub fn to_numpy(py: Python<'_>, array: Array) -> PyResult<Bound<'_, PyAny>> {
    // SAFETY: NumPy's own class, which lives as long as the interpreter.
    let class = unsafe { npyffi::get_type_object(py, npyffi::NpyTypes::PyArray_Type) };
    over(py, array, class, npyffi::NPY_ARRAY_CARRAY)
}

/// The value of an operation that was computed at once: an array that does not change; without axes, a scalar of NumPy's.
pub fn to_value(py: Python<'_>, array: Array) -> PyResult<Bound<'_, PyAny>> {
    if array.ndim() > 0 {
        return over(py, array, class(py)?.as_type_ptr(), npyffi::NPY_ARRAY_CARRAY_RO);
    }
    // SAFETY: one element of the dtype, which is copied.
    unsafe {
        let api = &PY_ARRAY_API;
        let descr = api.PyArray_DescrFromType(py, kind(array.dtype()));
        let out = api.PyArray_Scalar(py, array.ptr().cast(), descr, std::ptr::null_mut());
        pyo3::ffi::Py_DECREF(descr.cast());
        Bound::from_owned_ptr_or_err(py, out)
    }
}

/// An array object of a class over an array's own memory.
fn over(py: Python<'_>, array: Array, class: *mut pyo3::ffi::PyTypeObject, flags: c_int) -> PyResult<Bound<'_, PyAny>> {
    let kind = kind(array.dtype());
    let mut dims: smallvec::SmallVec<[npy_intp; 4]> = array.shape().iter().map(|&n| n as npy_intp).collect();
    let ptr = array.ptr();
    let base = Bound::new(py, Memory { _array: array })?;
    // SAFETY: the block holds the elements in C order, and lives as long as the base object, which the array owns.
    unsafe {
        let api = &PY_ARRAY_API;
        let out = api.PyArray_New(
            py,
            class,
            dims.len() as c_int,
            dims.as_mut_ptr(),
            kind,
            std::ptr::null_mut(),
            ptr.cast(),
            0,
            flags,
            std::ptr::null_mut(),
        );
        let out = Bound::from_owned_ptr_or_err(py, out)?;
        if api.PyArray_SetBaseObject(py, out.as_ptr().cast(), base.into_ptr()) != 0 {
            return Err(PyErr::fetch(py));
        }
        Ok(out)
    }
}

/// A dtype from a name, a NumPy dtype or scalar type, or Python's `bool`, `int`, `float`.
pub fn dtype(x: &Bound<'_, PyAny>) -> PyResult<DType> {
    static DTYPE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let named = match x.cast::<PyString>() {
        Ok(s) => DType::from_name(&s.to_string_lossy()),
        Err(_) => None,
    };
    if let Some(d) = named {
        return Ok(d);
    }
    let made = if x.is_none() { None } else { function(x.py(), &DTYPE, "dtype")?.call1((x,)).ok() };
    let name: Option<String> = made.and_then(|d| d.getattr("name").ok()?.extract().ok());
    match name.as_deref().and_then(DType::from_name) {
        Some(d) => Ok(d),
        None => {
            Err(Error::new(ErrorKind::DType, "dtype", "the dtype is not supported", x.str()?, "bool, int32, int64, float32 or float64")
                .into())
        }
    }
}

/// The NumPy dtype object.
pub fn numpy_dtype(py: Python<'_>, d: DType) -> PyResult<Bound<'_, PyAny>> {
    static DTYPE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    static MADE: [PyOnceLock<Py<PyAny>>; DType::ALL.len()] = [const { PyOnceLock::new() }; DType::ALL.len()];
    let make = || Ok::<_, PyErr>(function(py, &DTYPE, "dtype")?.call1((d.name(),))?.unbind());
    match MADE.get(d as usize) {
        Some(cell) => Ok(cell.get_or_try_init(py, make)?.bind(py).clone()),
        None => Ok(make()?.into_bound(py)),
    }
}
