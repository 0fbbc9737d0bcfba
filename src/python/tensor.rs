//! Tensors.

use pyo3::basic::CompareOp;
use pyo3::exceptions::{PyAttributeError, PyTypeError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

use super::apply::{Built, binary, built, power, unary};
use super::at::{At, items};
use super::context::Context;
use super::convert;
use super::evaluator::evaluate;
use super::guarded;
use super::numpy_calls;
use super::policy::Wishes;
use super::refusal::{self, no_operator};
use super::stand_in;
use crate::error::{Error, ErrorKind};
use crate::graph::attr::Attr;
use crate::graph::{self, Value};
use crate::ops::operator_table::OPERATORS;
use crate::ops::select_items::select_items;
use crate::shape::Dim;

/// A value of a graph that is computed when it is evaluated.
///
/// >>> with ag.Context() as ctx:
/// ...     x = ctx.placeholder("x", [None, 2])
/// ...     y = x[:, 0] ** 2 + 1.0
/// ...     print(y.shape, y.eval({x: [[1.0, 0.0], [3.0, 0.0]]}))
/// (None,) [ 2. 10.]
#[pyclass(frozen, weakref, module = "scirs2_autograd._lib")]
pub struct Tensor {
    pub ctx: Py<Context>,
    pub value: Value,
}

impl Tensor {
    /// The handle in its graph.
    pub fn handle(&self) -> graph::Tensor<'_> {
        self.ctx.get().graph().tensor(self.value)
    }
}

/// A shape full of one number that takes its dtype from what is beside it: `T.zeros(shape)` outside a context.
///
/// >>> env = ag.VariableEnvironment()
/// >>> b = env.name("b").set(ag.Filled([2], 0.5))
/// >>> env.get(b)
/// array([0.5, 0.5])
#[pyclass(frozen, module = "scirs2_autograd._lib")]
pub struct Filled(pub crate::array::Filled);

#[pymethods]
impl Filled {
    /// A shape full of `value`.
    #[new]
    fn new(shape: &Bound<'_, PyAny>, value: f64) -> PyResult<Filled> {
        // What it does beside arrays is written with their class.
        convert::class(shape.py())?;
        guarded(|| Ok(Filled(crate::array::Filled::new(&convert::known_lengths("full", shape)?, value))))
    }
    /// Lengths of the axes.
    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        guarded(|| PyTuple::new(py, self.0.shape()))
    }
    fn __repr__(&self) -> String {
        format!("{:?}", self.0)
    }
    /// What makes an equal one: for copies and pickles.
    fn __getnewargs__(&self) -> (Vec<usize>, f64) {
        (self.0.shape().to_vec(), self.0.value())
    }
}

#[pymethods]
impl Tensor {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.ctx)
    }

    /// Lengths of the axes; None where a feed decides.
    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        guarded(|| PyTuple::new(py, self.handle().dims().iter().map(|d| d.known())))
    }
    /// Number of axes.
    #[getter]
    fn ndim(&self) -> usize {
        self.handle().ndim()
    }
    /// The NumPy dtype.
    #[getter]
    fn dtype<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        guarded(|| convert::numpy_dtype(py, self.handle().dtype()))
    }
    /// Number of elements; None where a feed decides.
    #[getter]
    fn size(&self) -> Option<usize> {
        self.handle().known_shape().map(|dims| crate::shape::count(&dims))
    }
    /// The tensor with its axes reversed.
    #[getter(T)]
    fn transposed<'py>(slf: &Bound<'py, Self>) -> Built<'py> {
        unary(slf, OPERATORS.transpose, &[Attr::Axes(None)])
    }
    /// The tensor with its last two axes exchanged.
    #[getter(mT)]
    fn matrix_transposed<'py>(slf: &Bound<'py, Self>) -> Built<'py> {
        unary(slf, OPERATORS.matrix_transpose, &[])
    }
    /// What makes changed copies: `x.at[index].set(values)`. See `help(type(x.at[0]))`.
    #[getter]
    fn at<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, At>> {
        guarded(|| At::of(slf))
    }
    /// The context that it belongs to.
    #[getter]
    fn context(&self, py: Python<'_>) -> Py<Context> {
        self.ctx.clone_ref(py)
    }

    /// The value: runs what it depends on. `feeds` maps placeholders, or their names, to arrays; `checkpoint` and `memory_budget` are those
    /// of `ctx.evaluator`.
    ///
    /// >>> with ag.Context() as ctx:
    /// ...     x = ctx.placeholder("x", [2])
    /// ...     y = x * 2.0
    /// ...     print(y.eval({x: [1.0, 2.0]}), y.eval({"x": [5.0, 6.0]}))
    /// [2. 4.] [10. 12.]
    #[pyo3(signature = (feeds=None, *, checkpoint=None, memory_budget=None))]
    fn eval<'py>(
        slf: &Bound<'py, Self>,
        feeds: Option<&Bound<'py, PyAny>>,
        checkpoint: Option<&Bound<'py, PyAny>>,
        memory_budget: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        guarded(|| {
            let (py, t) = (slf.py(), slf.get());
            let wishes = Wishes::of(checkpoint, memory_budget)?;
            let out = evaluate(py, t.ctx.get(), &[t.value], feeds, &wishes).map_err(|e| refusal::not_fed(t, py, e))?;
            out.into_iter().next().ok_or_else(|| PyTypeError::new_err("eval: the output is missing"))
        })
    }

    fn __add__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> Built<'py> {
        binary(slf, other, OPERATORS.add, false)
    }
    fn __radd__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> Built<'py> {
        binary(slf, other, OPERATORS.add, true)
    }
    fn __sub__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> Built<'py> {
        binary(slf, other, OPERATORS.sub, false)
    }
    fn __rsub__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> Built<'py> {
        binary(slf, other, OPERATORS.sub, true)
    }
    fn __mul__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> Built<'py> {
        binary(slf, other, OPERATORS.mul, false)
    }
    fn __rmul__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> Built<'py> {
        binary(slf, other, OPERATORS.mul, true)
    }
    fn __truediv__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> Built<'py> {
        binary(slf, other, OPERATORS.div, false)
    }
    fn __rtruediv__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> Built<'py> {
        binary(slf, other, OPERATORS.div, true)
    }
    fn __matmul__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> Built<'py> {
        binary(slf, other, OPERATORS.matmul, false)
    }
    fn __rmatmul__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> Built<'py> {
        binary(slf, other, OPERATORS.matmul, true)
    }
    fn __pow__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>, modulo: Option<&Bound<'py, PyAny>>) -> Built<'py> {
        if modulo.is_some_and(|m| !m.is_none()) {
            return Err(PyTypeError::new_err("pow: a modulus is not supported"));
        }
        power(slf, other)
    }
    fn __rpow__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>, modulo: Option<&Bound<'py, PyAny>>) -> Built<'py> {
        if modulo.is_some_and(|m| !m.is_none()) {
            return Err(PyTypeError::new_err("pow: a modulus is not supported"));
        }
        binary(slf, other, OPERATORS.pow, true)
    }
    fn __and__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> Built<'py> {
        binary(slf, other, OPERATORS.and, false)
    }
    fn __rand__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> Built<'py> {
        binary(slf, other, OPERATORS.and, true)
    }
    fn __or__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> Built<'py> {
        binary(slf, other, OPERATORS.or, false)
    }
    fn __ror__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> Built<'py> {
        binary(slf, other, OPERATORS.or, true)
    }
    fn __xor__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> Built<'py> {
        binary(slf, other, OPERATORS.xor, false)
    }
    fn __rxor__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> Built<'py> {
        binary(slf, other, OPERATORS.xor, true)
    }
    fn __neg__<'py>(slf: &Bound<'py, Self>) -> Built<'py> {
        unary(slf, OPERATORS.neg, &[])
    }
    fn __pos__<'py>(slf: &Bound<'py, Self>) -> Bound<'py, Self> {
        slf.clone()
    }
    fn __abs__<'py>(slf: &Bound<'py, Self>) -> Built<'py> {
        unary(slf, OPERATORS.abs, &[])
    }
    fn __invert__<'py>(slf: &Bound<'py, Self>) -> Built<'py> {
        unary(slf, OPERATORS.not, &[])
    }

    /// All comparisons are elementwise: `x == y` is a tensor of bools, which has no truth value of its own. What is no operand,
    /// such as None or a text, is not equal.
    fn __richcmp__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>, op: CompareOp) -> Built<'py> {
        let def = match op {
            CompareOp::Lt => OPERATORS.less,
            CompareOp::Le => OPERATORS.less_equal,
            CompareOp::Eq => OPERATORS.equal,
            CompareOp::Ne => OPERATORS.not_equal,
            CompareOp::Gt => OPERATORS.greater,
            CompareOp::Ge => OPERATORS.greater_equal,
        };
        binary(slf, other, def, false)
    }
    /// The identity of this object: no two tensors that are alive have one hash, so dicts and sets of tensors never ask
    /// whether two of them are equal.
    fn __hash__(slf: &Bound<'_, Self>) -> usize {
        // Objects stand 16 bytes apart: the low bits would be the same in all.
        (slf.as_ptr() as usize).rotate_right(4)
    }

    /// Refused: a tensor has no value while the graph is built.
    fn __bool__(&self) -> PyResult<bool> {
        guarded(|| {
            let graph = "`&`, `|`, `~` for `and`, `or`, `not`, `a is b` for the identity of tensors";
            Err(refusal::no_value(self, "bool", "truth value", "a bool", graph, "`t.eval(feeds)`").into())
        })
    }
    /// Refused: a tensor has no value while the graph is built. A function that takes arrays of any class, as `np.asanyarray` makes
    /// them, gets one that hands on to the tensor what is done to it.
    #[pyo3(signature = (*args, **options))]
    fn __array__<'py>(slf: &Bound<'py, Self>, args: &Bound<'py, PyTuple>, options: Option<&Bound<'py, PyDict>>) -> Built<'py> {
        guarded(|| stand_in::of(slf, args, options)?.ok_or_else(|| refusal::no_array(slf.get()).into()))
    }
    fn __float__(&self) -> PyResult<f64> {
        refusal::no_number(self, "float", "a number", "`T.sin` for `math.sin` and so on", "`float(t.eval(feeds))`")
    }
    fn __int__(&self) -> PyResult<i64> {
        refusal::no_number(self, "int", "a number", "`t.astype(\"int64\")`", "`int(t.eval(feeds))`")
    }
    /// Refused: a tensor has no value while the graph is built, and there are no complex tensors.
    fn __complex__(&self) -> PyResult<f64> {
        refusal::no_number(self, "complex", "a number", "real and imaginary parts as two tensors", "`complex(t.eval(feeds))`")
    }
    fn __index__(&self) -> PyResult<i64> {
        let graph = "`for row in t` for its parts, `x[t]` for the elements of `x` that it names";
        refusal::no_number(self, "index", "an integer", graph, "`int(t.eval(feeds))`")
    }
    fn __contains__(&self, _value: &Bound<'_, PyAny>) -> PyResult<bool> {
        let graph = "`(t == value).astype(\"int64\").max()`";
        refusal::no_number(self, "in", "an array", graph, "`value in t.eval(feeds)`")
    }
    /// The text of the tensor, as `repr`; a format of numbers is refused.
    fn __format__(&self, spec: &str) -> PyResult<String> {
        if spec.is_empty() {
            return Ok(self.__repr__());
        }
        let eval = format!("`f\"{{t.eval(feeds):{spec}}}\"`");
        refusal::no_number(self, "format", "a number", "`T.show(t)` to print the value in each run", &eval)
    }

    fn __setitem__(&self, _index: &Bound<'_, PyAny>, _value: &Bound<'_, PyAny>) -> PyResult<()> {
        let help = "write `t = t.at[index].set(value)` for `t[index] = value`; `T.assign` writes a variable";
        refusal::no_change(self, "setitem", help)
    }
    fn __delitem__(&self, _index: &Bound<'_, PyAny>) -> PyResult<()> {
        refusal::no_change(self, "delitem", "write what stays as an index, as in `t[[0, 2]]` or `t[mask]`")
    }

    fn __mod__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> Built<'py> {
        binary(slf, other, OPERATORS.remainder, false)
    }
    fn __rmod__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> Built<'py> {
        binary(slf, other, OPERATORS.remainder, true)
    }
    fn __floordiv__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> Built<'py> {
        binary(slf, other, OPERATORS.floor_divide, false)
    }
    fn __rfloordiv__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> Built<'py> {
        binary(slf, other, OPERATORS.floor_divide, true)
    }
    fn __divmod__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> Built<'py> {
        binary(slf, other, OPERATORS.divmod, false)
    }
    fn __rdivmod__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> Built<'py> {
        binary(slf, other, OPERATORS.divmod, true)
    }
    fn __lshift__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> Built<'py> {
        no_operator(slf, "left_shift", other, false)
    }
    fn __rlshift__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> Built<'py> {
        no_operator(slf, "left_shift", other, true)
    }
    fn __rshift__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> Built<'py> {
        no_operator(slf, "right_shift", other, false)
    }
    fn __rrshift__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> Built<'py> {
        no_operator(slf, "right_shift", other, true)
    }
    /// `T.round`, which has a gradient of 0.
    #[pyo3(signature = (decimals=None))]
    fn __round__<'py>(slf: &Bound<'py, Self>, decimals: Option<i64>) -> Built<'py> {
        unary(slf, OPERATORS.round, &[Attr::Int(decimals.unwrap_or(0))])
    }
    /// What `math.floor` gives: `T.floor`.
    fn __floor__<'py>(slf: &Bound<'py, Self>) -> Built<'py> {
        unary(slf, OPERATORS.floor, &[])
    }
    /// What `math.ceil` gives: `T.ceil`.
    fn __ceil__<'py>(slf: &Bound<'py, Self>) -> Built<'py> {
        unary(slf, OPERATORS.ceil, &[])
    }
    /// What `math.trunc` gives: `T.trunc`.
    fn __trunc__<'py>(slf: &Bound<'py, Self>) -> Built<'py> {
        unary(slf, OPERATORS.trunc, &[])
    }

    /// The tensor itself: it never changes, so that nothing tells a copy from it.
    fn __copy__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }
    /// The tensor itself, as in a copy of a dict of tensors: it never changes, and a copy of its graph would be another graph,
    /// whose tensors do not go together with those of this one.
    fn __deepcopy__<'py>(slf: Bound<'py, Self>, _memo: &Bound<'py, PyAny>) -> Bound<'py, Self> {
        slf
    }
    /// Refused: a tensor is a handle in its graph, which stays in its process.
    fn __reduce__(&self) -> PyResult<()> {
        refusal::no_pickle(self)
    }
    /// A name that tensors do not have: the message says what to write for those of NumPy's and PyTorch's arrays.
    fn __getattr__<'py>(slf: &Bound<'py, Self>, name: &Bound<'py, PyString>) -> PyResult<Bound<'py, PyAny>> {
        guarded(|| {
            let text = name.to_string_lossy();
            if text.starts_with('_') {
                // What protocols ask for, such as those of copies and of arrays.
                return Err(PyAttributeError::new_err(format!("'Tensor' object has no attribute '{text}'")));
            }
            refusal::refusal(slf.py(), "no_attribute")?.call1((slf, name, slf.get().ctx.get().is_of_function()))
        })
    }

    fn __len__(&self) -> PyResult<usize> {
        guarded(|| match self.handle().dims().first() {
            Some(Dim::Known(n)) => Ok(*n),
            Some(Dim::Sym(_)) => {
                Err(Error::new(ErrorKind::Shape, "len", "the length is known only at run time", self.__repr__(), "a known first dimension")
                    .into())
            }
            None => Err(PyTypeError::new_err("len: a 0-d tensor has no length")),
        })
    }
    fn __iter__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        guarded(|| {
            // One after the other: a long tensor has more items than memory has room for.
            let builtins = slf.py().import("builtins")?;
            let places = builtins.getattr("range")?.call1((slf.get().__len__()?,))?;
            builtins.getattr("map")?.call1((slf.getattr("__getitem__")?, places))
        })
    }
    /// A part of the tensor, as NumPy's indexing: integers, slices with steps, `...`, `None`, arrays of integers, also
    /// several at once, and arrays of bools. An index may be a tensor of integers; a mask must be known when the graph is
    /// built.
    ///
    /// >>> with ag.Context() as ctx:
    /// ...     x = ctx.placeholder("x", [2, 3])
    /// ...     a = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    /// ...     print(x[[0, 1], [2, 0]].eval({x: a}), x[1, [True, False, True]].eval({x: a}))
    /// [3. 4.] [4. 6.]
    fn __getitem__<'py>(slf: &Bound<'py, Self>, index: &Bound<'py, PyAny>) -> Built<'py> {
        guarded(|| {
            let (py, t) = (slf.py(), slf.get());
            let items = items(&t.ctx, index)?;
            let made = super::site::at_caller(py, || select_items(t.handle(), &items))??;
            built(py, &t.ctx, made.value())
        })
    }

    pub fn __repr__(&self) -> String {
        let t = self.handle();
        let dims: Vec<String> = t.dims().iter().map(|d| d.known().map_or("None".to_owned(), |n| n.to_string())).collect();
        let comma = if dims.len() == 1 { "," } else { "" };
        let name = match &t.node().op {
            graph::NodeOp::Placeholder(n) | graph::NodeOp::Variable(_, _, n) => format!(" \"{n}\""),
            _ => String::new(),
        };
        format!("<Tensor {}{name} shape=({}{comma}) dtype={}>", t.node().name(), dims.join(", "), t.dtype())
    }

    /// NumPy's universal functions, and their methods, of which there is a row: `np.tanh(t)`, `np.add.reduce(t)`.
    #[pyo3(signature = (ufunc, method, first, second=None, *rest, **options))]
    fn __array_ufunc__<'py>(
        slf: &Bound<'py, Self>,
        ufunc: &Bound<'py, PyAny>,
        method: &Bound<'py, PyString>,
        first: &Bound<'py, PyAny>,
        second: Option<&Bound<'py, PyAny>>,
        rest: &Bound<'py, PyTuple>,
        options: Option<&Bound<'py, PyDict>>,
    ) -> Built<'py> {
        guarded(|| numpy_calls::ufunc(slf, ufunc, method, (first, second, rest), options))
    }
    /// NumPy's other functions of which there is a row, by NumPy's signature: `np.sum(t, axis=0)`.
    fn __array_function__<'py>(
        slf: &Bound<'py, Self>,
        function: &Bound<'py, PyAny>,
        _types: &Bound<'py, PyAny>,
        args: &Bound<'py, PyAny>,
        options: &Bound<'py, PyAny>,
    ) -> Built<'py> {
        guarded(|| numpy_calls::function(slf, function, args, options))
    }
}
