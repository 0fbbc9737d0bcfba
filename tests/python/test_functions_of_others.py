"""Functions of SciPy, scikit-learn and NumPy that know nothing of tensors, called as they are: values and derivatives, or a refusal."""

import copy
import operator
import pickle

import numpy as np
import pytest
import scipy.constants
import scipy.integrate
import scipy.interpolate
import scipy.optimize
import scipy.spatial.distance
import scipy.special
import scipy.stats
from numpy import polynomial
from scipy import signal, stats
from scipy._lib._array_api import array_namespace, xp_promote
from scipy.optimize import rosen, rosen_der, rosen_hess, rosen_hess_prod
from sklearn.gaussian_process import kernels
from sklearn.neural_network import _base as losses
from sklearn.utils import extmath

import scirs2_autograd as ag
from messages import refused
from scirs2_autograd import tensor_ops as T

RNG = np.random.default_rng(3)
#: What expressions in texts name.
MODULES = copy, operator, pickle

# Rosenbrock's function, whose derivatives SciPy has too

POINTS = {
    "minimum": np.ones(4),
    "start": np.array([-1.2, 1.0]),
    "SciPy's": 0.1 * np.arange(9),
    "far": np.array([3.0, -7.0, 0.25, 5.5, -2.0]),
    "random": RNG.standard_normal(30),
}


@pytest.mark.parametrize("name", POINTS)
@pytest.mark.parametrize("kept", [lambda f: f, ag.jit], ids=["traced", "jit"])
def test_rosen(name, kept):
    x = POINTS[name]
    v = RNG.standard_normal(len(x))
    for f, want in (
        (kept(rosen), rosen(x)),
        (kept(ag.grad(rosen)), rosen_der(x)),
        (kept(ag.hessian(rosen)), rosen_hess(x)),
        (kept(lambda x: ag.hvp(rosen)(x, v)), rosen_hess_prod(x, v)),
    ):
        # A kept graph serves the second call.
        for _ in range(2):
            np.testing.assert_allclose(f(x), want, rtol=1e-14, atol=1e-14 * np.max(np.abs(want)))


def test_rosen_of_a_batch_in_float32_and_inside_of_other_functions():
    x = RNG.standard_normal((5, 3))
    np.testing.assert_allclose(ag.grad(lambda x: rosen(x).sum())(x), rosen_der(x), rtol=1e-13)
    g = ag.grad(rosen)(x[:, 0].astype("f4"))
    assert g.dtype == np.float32
    np.testing.assert_allclose(g, rosen_der(x[:, 0]), rtol=1e-4)
    np.testing.assert_allclose(ag.grad(lambda a: rosen(a * x[:, 0]))(2.0), rosen_der(2.0 * x[:, 0]) @ x[:, 0], rtol=1e-13)
    np.testing.assert_allclose(ag.grad(lambda x: ag.grad(rosen)(x) @ x)(x[:, 1]), rosen_hess(x[:, 1]) @ x[:, 1] + rosen_der(x[:, 1]))
    best = scipy.optimize.minimize(rosen, np.zeros(5), jac=ag.grad(rosen), hessp=ag.hvp(rosen), method="Newton-CG", tol=1e-10)
    np.testing.assert_allclose(best.x, np.ones(5), rtol=1e-6)


def test_rosen_of_integers_is_refused():
    refused(lambda: ag.jit(rosen)(np.arange(3)), ag.GraphError, "array: a tensor has no value")


# What works, held to values of the function itself and to differences of these

U, Y, C = RNG.uniform(0.2, 0.9, 5), RNG.uniform(0.1, 0.8, 5), RNG.standard_normal(5)
M, N = RNG.uniform(0.2, 0.9, (4, 3)), RNG.uniform(0.2, 0.9, (4, 3))
ONE_HOT = np.eye(3)[[0, 1, 2, 0]]
series = polynomial
WORKS = {
    "chebval": (lambda x: series.chebyshev.chebval(x, C), U),
    "polyval": (lambda x: series.polynomial.polyval(x, C), U),
    "hermval": (lambda x: series.hermite.hermval(x, C), U),
    "hermeval": (lambda x: series.hermite_e.hermeval(x, C), U),
    "legval": (lambda x: series.legendre.legval(x, C), U),
    "lagval": (lambda x: series.laguerre.lagval(x, C), U),
    "Chebyshev": (series.Chebyshev(C), U),
    "Polynomial": (series.Polynomial(C), U),
    "special.expm1": (scipy.special.expm1, U),
    "special.log1p": (scipy.special.log1p, U),
    "special.cbrt": (scipy.special.cbrt, U),
    "special.exp2": (scipy.special.exp2, U),
    "special.softplus": (scipy.special.softplus, U),
    "norm._logpdf": (stats.norm._logpdf, U),
    "norm._cdf": (stats.norm._cdf, U),
    "logistic._logpdf": (stats.logistic._logpdf, U),
    "logistic._pdf": (stats.logistic._pdf, C),
    "gumbel_r._logcdf": (stats.gumbel_r._logcdf, U),
    "halfcauchy._logpdf": (stats.halfcauchy._logpdf, U),
    "hypsecant._ppf": (stats.hypsecant._ppf, U),
    "gamma._logpdf": (lambda p: stats.gamma._logpdf(p[0], p[1]), U[:2]),
    "chi2._logpdf": (lambda p: stats.chi2._logpdf(U, p), Y + 2.0),
    "weibull_min._logpdf": (lambda p: stats.weibull_min._logpdf(U, p), Y + 1.0),
    "powerlaw._logpdf": (lambda p: stats.powerlaw._logpdf(U, p), Y + 1.0),
    "genlogistic._logpdf": (lambda p: stats.genlogistic._logpdf(p, p), Y + 1.0),
    "johnsonsu._pdf": (lambda p: stats.johnsonsu._pdf(U, p, p), Y + 1.0),
    "invgauss._logpdf": (lambda p: stats.invgauss._logpdf(U, p), Y + 1.0),
    "integrate.trapezoid": (scipy.integrate.trapezoid, C),
    "integrate.trapezoid in x": (lambda x: scipy.integrate.trapezoid(C, x), np.sort(U)),
    "integrate.fixed_quad": (lambda p: scipy.integrate.fixed_quad(lambda u: np.sin(u * p), 0.0, 1.0)[0], U[0]),
    "windows.gaussian": (lambda p: signal.windows.gaussian(7, p), U[0]),
    "windows.exponential": (lambda p: signal.windows.exponential(7, tau=p), U[0]),
    "gausspulse": (lambda x: signal.gausspulse(x, fc=2.0), U),
    "convert_temperature": (lambda x: scipy.constants.convert_temperature(x, "C", "F"), U),
    "LinearConstraint.residual": (lambda x: scipy.optimize.LinearConstraint(M.T, -1.0, 1.0).residual(x)[0], U[:4]),
    "squared_loss": (lambda x: losses.squared_loss(N, x), M),
    "poisson_loss": (lambda x: losses.poisson_loss(N, x), M),
    "log_loss": (lambda x: losses.log_loss(ONE_HOT, x), M),
    "binary_log_loss": (lambda x: losses.binary_log_loss(ONE_HOT, x), M),
    "DotProduct": (lambda x: kernels.DotProduct(0.5)(x, N), M),
    "safe_sparse_dot": (lambda x: extmath.safe_sparse_dot(x, N.T), M),
}


def slopes(f, x, h=1e-4):
    """The Jacobian of a function of arrays by differences of the fourth order."""
    x, rows = np.asarray(x), []
    for k in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[k] = h
        a, b, c, d = (np.asarray(f(x + n * step)) for n in (-2, -1, 1, 2))
        rows.append((a - 8.0 * b + 8.0 * c - d) / (12.0 * h))
    return np.moveaxis(np.reshape(rows, (*x.shape, *np.shape(rows[0]))), range(x.ndim), range(-x.ndim, 0))


@pytest.mark.parametrize("name", WORKS)
def test_what_works(name):
    f, x = WORKS[name]
    want, slope = np.asarray(f(x)), slopes(f, x)
    for kept in (lambda f: f, ag.jit):
        y, _ = kept(lambda x: ag.jvp(f, (x,), (np.zeros_like(x),)))(x) if kept is not ag.jit else (ag.jit(f)(x), None)
        assert np.shape(y) == want.shape
        np.testing.assert_allclose(y, want, rtol=1e-13, atol=1e-14)
        jacobian = kept(ag.jacobian(f))(x)
        assert np.shape(jacobian) == slope.shape
        np.testing.assert_allclose(jacobian, slope, rtol=1e-9, atol=1e-10)


def test_derivatives_that_others_have():
    """To the last digits where the library has the derivative itself, or mathematics."""
    c = series.chebyshev
    np.testing.assert_allclose(ag.grad(lambda x: c.chebval(x, C).sum())(U), c.chebval(U, c.chebder(C)), rtol=1e-12)
    np.testing.assert_allclose(ag.grad(lambda x: stats.norm._logpdf(x).sum())(C), -C, rtol=1e-15)
    np.testing.assert_allclose(ag.grad(lambda x: stats.logistic._logpdf(x).sum())(C), 1.0 - 2.0 * scipy.special.expit(C), rtol=1e-13)
    # What scikit-learn's networks send back: half of the mean of squares over all elements.
    np.testing.assert_allclose(ag.grad(lambda x: losses.squared_loss(N, x))(M), (M - N) / M.size, rtol=1e-14)
    y, x = C, np.sort(U)
    weights = (np.append(x[1:], x[-1]) - np.append(x[0], x[:-1])) / 2.0
    np.testing.assert_allclose(ag.grad(lambda y: scipy.integrate.trapezoid(y, x))(y), weights, rtol=1e-14)


# What is refused: it needs numbers, writes into arrays, or is compiled

VALUE = ag.GraphError, "array: a tensor has no value while the graph is built"
TRUTH = ag.GraphError, "bool: a tensor has no truth value while the graph is built"
REFUSED = {
    "chebval in c": (lambda c: series.chebyshev.chebval(0.5, c), C, *VALUE),
    "polyvander": (lambda x: series.polynomial.polyvander(x, 3), U, *VALUE),
    "special.softmax": (scipy.special.softmax, U, *VALUE),
    "special.logsumexp": (scipy.special.logsumexp, U, *VALUE),
    "special.entr": (scipy.special.entr, U, TypeError, "entr: there is no such function of tensors"),
    "special.gamma": (scipy.special.gamma, U, TypeError, "gamma: there is no such function of tensors"),
    "norm._logcdf": (stats.norm._logcdf, U, TypeError, "log_ndtr: there is no such function of tensors"),
    "norm.logpdf": (stats.norm.logpdf, U, *VALUE),
    "stats.zscore": (stats.zscore, U, *VALUE),
    "stats.yeojohnson_llf": (lambda p: stats.yeojohnson_llf(p, Y), U[0], *TRUTH),
    "integrate.simpson": (scipy.integrate.simpson, U, *VALUE),
    "integrate.fixed_quad in the end": (lambda b: scipy.integrate.fixed_quad(np.sin, 0.0, b)[0], U[0], *TRUTH),
    "distance.euclidean": (lambda x: scipy.spatial.distance.euclidean(x, Y), U, *VALUE),
    "distance.cdist": (lambda x: scipy.spatial.distance.cdist(x, N), M, *VALUE),
    "CubicSpline": (scipy.interpolate.CubicSpline(np.arange(5.0), C), U, *VALUE),
    "linalg.solve": (lambda a: scipy.linalg.solve(a, U[:3]), M[:3], *VALUE),
    "signal.convolve": (lambda x: signal.convolve(x, Y), U, *VALUE),
    "RBF": (lambda x: kernels.RBF(0.5)(x, N), M, *VALUE),
    "extmath.softmax": (extmath.softmax, M, *VALUE),
    "extmath.squared_norm": (extmath.squared_norm, M, TypeError, "np.ravel: tensors have no such argument. Got order='K'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name):
    f, x, kind, start = REFUSED[name]
    f(x)
    for call in (lambda: ag.jacobian(f)(x), lambda: ag.jit(f)(x)):
        refused(call, kind, start)


def test_writing_into_an_array_is_refused():
    with pytest.raises(ValueError, match="setting an array element") as e:
        ag.jacobian(lambda x: rosen_hess_prod(x, Y))(U)
    assert "T.where" in str(e.value.__cause__)


# An array of any class, for which something stands in


def any_class(t, **options):
    """As functions ask that are ready for subclasses."""
    return np.asanyarray(t, **options)


def lost(t):
    """What is left of it where the same function does not want the subclass."""
    return np.asarray(np.asanyarray(t))


#: Expressions of the stand-in `s`, which mean the same of the tensor `t`; `a` is an array, `j` integers.
SAME = """
s; s + 1.0; 1.0 + s; a + s; s + a; s - t; t - s; s * s; a * s; s / t; t / s; s ** 2; 2.0 ** s; a ** s; s // 2; 2 // s; s % 2; 5.0 % s
divmod(s, 2.0)[1]; -s; +s; abs(s); round(s); s > 0.5; 0.5 > s; s == t; t == s; s != a; a <= s; s < s; s @ t; t @ s; a @ s; s @ a; s[0]
s[1:]; s[..., None]; s[[0, 2]]; t[j]; s[j]; [x for x in s][1]; s.T; s.sum(); s.mean(axis=0); s.reshape(3, 1); s.astype("f4")
s.at[0].set(s[1]); s.astype(np.float32); np.sin(s); np.add(s, t); np.add(t, s); np.add.reduce(s); np.maximum(0.5, s); np.sum(s)
np.sum(s, axis=0, dtype=s.dtype); np.concatenate([s, t]); np.concatenate([t, s]); np.stack([a, s]); np.where(s > 0.5, s, t)
np.where(t > 0.5, t, s); np.linalg.norm(s); np.broadcast_to(s, (2, 3)); np.broadcast_to(s, (2, 3), subok=True) + s; np.clip(s, 0.4, None)
np.dot(a, s); np.einsum("i,i", t, s); np.cumsum(s); np.add.outer(s, s); T.sin(s); T.sum(s); T.stack([s, s]); T.stack([t, s])
T.where(t > 0.5, s, 0.0); T.concat([s, t], 0); T.grad([T.sum(s * s)], [t])[0]; T.grad(T.sum(t * t), [s])[0]; T.grad([t.sum()], s)[0]
T.cond(t[0] > 0.0, lambda: s, lambda: t); copy.copy(s); copy.deepcopy(s); any_class(s); np.squeeze(s)
s.__array_ufunc__(np.add, "__call__", s, 1.0)
"""


@pytest.mark.parametrize("text", [e.strip() for line in SAME.splitlines() for e in line.split(";") if e.strip()])
def test_what_stands_in_does_what_the_tensor_does(ctx, text):
    x, t, i = np.array([0.25, 1.5, 0.75]), ctx.placeholder("t", [3]), T.constant(np.array([2, 0]))
    names = {"t": t, "a": np.array([0.5, 2.0, -1.0])}
    # The names are those of the lambdas too.
    got, want = (T.identity(eval(text, globals() | names | {"s": s, "j": j})) for s, j in ((any_class(t), any_class(i)), (t, i)))
    assert (got.shape, got.dtype) == (want.shape, want.dtype)
    np.testing.assert_array_equal(got.eval({t: x}), want.eval({t: x}))


def test_what_stands_in_says_what_the_tensor_says(ctx):
    t = ctx.placeholder("t", [2, 3], dtype="float32")
    s = any_class(t)
    assert isinstance(s, np.ndarray)
    assert (s.shape, s.ndim, s.size, s.dtype, len(s), repr(s), str(s)) == (t.shape, 2, 6, np.float32, 2, repr(t), str(t))
    assert (np.shape(s), np.ndim(s), np.size(s), np.result_type(t, s), np.result_type(s, 1.0)) == ((2, 3), 2, 6, np.float32, np.float32)
    assert dir(s) == dir(t)
    assert s.context is t.context
    assert any_class(s) is np.array(s, copy=None, subok=True) is s
    assert repr(np.ndarray.sum(s)) == repr(t.sum())


#: What is done to the stand-in `s` and is an error of the tensor.
REFUSES = {
    "bool(s)": ag.GraphError, "float(s)": TypeError, "int(s)": TypeError, "complex(s)": TypeError, "operator.index(s)": TypeError,
    "f'{s:.2f}'": TypeError, "1.0 in s": TypeError, "max(s)": ag.GraphError, "s.item()": AttributeError, "s.tolist()": AttributeError,
    "s.ctypes": AttributeError, "s.data": AttributeError, "s.strides": AttributeError, "s.view()": AttributeError,
    "s.tobytes()": AttributeError, "s.copy()": AttributeError, "s.fill(0.0)": AttributeError, "pickle.dumps(s)": ag.DTypeError,
    "operator.setitem(s, 0, 1.0)": TypeError, "operator.delitem(s, 0)": TypeError, "operator.iadd(s, 1.0)": TypeError,
    "operator.itruediv(s, t)": TypeError, "s << 1": TypeError, "np.add(t, 1.0, out=s)": TypeError, "np.add(a, 1.0, out=s)": TypeError,
    "np.ndarray.transpose(s)": ag.GraphError, "np.ndarray.reshape(s, -1)": ag.GraphError, "np.ndarray.copy(s)": ag.GraphError,
    "np.array(s, subok=True)": ag.GraphError, "np.array(s, ndmin=2, copy=None, subok=True)": ag.GraphError,
    "np.asanyarray(s, dtype=float)": ag.GraphError, "np.asarray(s, dtype=float)": ag.GraphError, "np.array(s, float)": ag.GraphError,
    "bytes(s)": ag.GraphError, "s.__dlpack__()": ag.GraphError, "s.__array__()": ag.GraphError, "np.float64(s)": ag.GraphError,
    "a.__setitem__(slice(None), s)": ag.GraphError, "np.ma.array(s) + 1.0": ag.GraphError, "T.constant(s)": ag.GraphError,
    "(t + 1.0).eval({t: s})": ag.GraphError, "ag.VariableEnvironment().set(s)": ag.GraphError,
    "np.testing.assert_allclose(s, a)": ag.GraphError, "np.testing.assert_array_equal(t, a)": ag.GraphError,
    "np.array_equal(s, a)": TypeError, "np.copyto(a, s)": TypeError, "np.vectorize(np.sin)(t)": ag.GraphError,
    "s.__array_interface__": AttributeError, "hash(s)": TypeError,
}  # fmt: skip


@pytest.mark.parametrize("text", REFUSES)
def test_what_stands_in_refuses(ctx, text):
    t = ctx.placeholder("t", [3])
    names = {"s": any_class(t), "t": t, "a": np.ones(3)}
    with pytest.raises(REFUSES[text]) as e:
        eval(text, globals(), names)
    assert type(e.value) is REFUSES[text]
    assert names["a"].tolist() == [1.0, 1.0, 1.0]


def test_no_method_of_arrays_is_left_to_numpy():
    """Each would work on the memory, which has no numbers."""
    from scirs2_autograd._stand_in import StandIn

    harmless = "array_namespace array_priority class class_getitem doc getstate hash init init_subclass new sizeof subclasshook"
    left = {n for n in dir(np.ndarray) if n.startswith("__") and getattr(StandIn, n) is getattr(np.ndarray, n)}
    assert left <= {f"__{n}__" for n in harmless.split()}


#: What is done to `o`, an array that has lost its class, or to its first element `g`.
USES = """
o + 1.0; 1.0 - o; o * a; a / o; -o; abs(o); o ** 2; o @ a; a @ o; o == 1.0; o < a; o > o; o & 1; o << 1; np.sin(o); np.exp(o); np.sqrt(o)
np.maximum(o, 0.0); np.add(o, o); o.sum(); o.mean(); o.max(); np.sort(o); np.argmax(o); np.dot(o, a); np.cumsum(o); np.prod(o)
np.clip(o, 0.0, 1.0); np.where(o, 1.0, 0.0); np.any(o); np.all(o); np.nonzero(o); np.array_equal(o, a); np.array_equal(o, o)
np.linalg.norm(o); np.unique(o); np.isclose(o, 1.0); np.diff(o); np.convolve(o, a); o.astype(float); o.astype(bool); o.astype(str)
o.astype(int); np.asarray(o, dtype=float); a.__setitem__(slice(None), o); np.copyto(a, o, casting="unsafe"); np.full(3, g, float)
np.array([1.0, g], float); np.float64(g); pickle.dumps(o); copy.deepcopy(o); 1.0 in o; bool(o[0]); float(g); int(g); complex(g)
operator.index(g); g + 1.0; 1.0 + g; a + g; g * a; np.add(g, a); g == g; g < 1.0; hash(g); g.real.imag(); g.sin(); g(); len(g); iter(g)
abs(g); -g; ~g; round(g); str(g); f"{g}"; sorted(o); max(o); t + o; o + t; T.sin(o); t * g; operator.iadd(g, 1.0); setattr(g, "x", 1.0)
T.stack([t, o]); np.stack([t, o]); np.testing.assert_allclose(o, a); np.testing.assert_equal(o, a); scipy.special.expit(o.astype("f8"))
np.frompyfunc(float, 1, 1)(o); np.fromiter(o, float); np.vectorize(float)(o); list(map(float, o)); np.trapezoid(o)
"""


@pytest.mark.parametrize("text", [e.strip() for line in USES.splitlines() for e in line.split(";") if e.strip()])
def test_whoever_loses_the_class_finds_no_numbers(ctx, text):
    t = ctx.placeholder("t", [3])
    o = lost(t)
    assert type(o) is np.ndarray
    names = {"o": o, "g": o[0], "t": t, "a": np.ones(3)}
    refused(lambda: eval(text, globals(), names), *VALUE)
    assert names["a"].tolist() == [1.0, 1.0, 1.0]


def both(t):
    np.asanyarray([1.0])
    return np.array([t, t])


def test_elsewhere_an_array_is_refused_at_once(ctx):
    t = ctx.placeholder("t", [3])
    for f in (
        np.asarray,
        lambda t: np.asarray(t),
        lambda t: np.array([t, t]),
        # They say it, and ask for numbers of a dtype or for memory of their own.
        lambda t: np.asanyarray(t, dtype=float),
        lambda t: np.asanyarray(t, dtype=object),
        lambda t: np.asanyarray(t, copy=True),
        # They are asked for tensors inside of something else.
        lambda t: np.asanyarray([t + 1.0, t]),
        lambda t: np.ravel([t + 1.0, t - 1.0]),
        lambda t: np.flipud([t + 1.0, t - 1.0]),
        lambda t: (np.asanyarray([1.0]), np.array(t)),
    ):
        refused(lambda f=f: f(t), *VALUE)
    refused(lambda: any_class(ctx.placeholder("u", [None, 3])), *VALUE)
    # An array of tensors has the elements that were lost.
    refused(lambda: both(t) + 1.0, *VALUE)


# A stand-in that comes back as a result or is given as an argument


def test_results():
    x = np.array([1.0, 3.0])
    assert ag.grad(lambda x: any_class(x.sum()))(x).tolist() == [1.0, 1.0]
    assert ag.jacobian(any_class)(x).tolist() == np.eye(2).tolist()
    for f in (any_class, ag.jit(any_class), ag.jit(lambda x: {"a": [any_class(x)]})):
        y = f(x) if f is not any_class else ag.jvp(f, (x,), (x,))[0]
        y = y["a"][0] if isinstance(y, dict) else y
        assert type(y) is np.ndarray
        assert y.tolist() == [1.0, 3.0]
    g, aux = ag.grad(lambda x: ((x * x).sum(), {"x": any_class(x)}), has_aux=True)(x)
    assert (g.tolist(), aux["x"].tolist(), type(aux["x"])) == ([2.0, 6.0], [1.0, 3.0], np.ndarray)
    y, back = ag.vjp(any_class, x)
    assert (y.tolist(), back(x)[0].tolist()) == ([1.0, 3.0], [1.0, 3.0])
    refused(lambda: ag.grad(any_class)(x), ag.ShapeError, "grad: the function does not return a single number. Got <Tensor", "sum")


def test_arguments():
    """A function that is called with it is called with the tensor."""
    x = np.array([1.0, 3.0])
    square = ag.jit(lambda x: (x * x).sum())
    square(x)
    assert ag.grad(lambda x: square(any_class(x)))(x).tolist() == [2.0, 6.0]
    assert ag.grad(lambda x: (ag.grad(square)(any_class(x)) * x).sum())(x).tolist() == [4.0, 12.0]
    assert ag.grad(lambda x: ag.hvp(square)(any_class(x), any_class(x)).sum())(x).tolist() == [2.0, 2.0]
    assert ag.grad(lambda x: ag.jvp(square, (any_class(x),), (any_class(x),))[1])(x).tolist() == [4.0, 12.0]


def test_beside_values(ctx):
    """With a value on the other side it is the tensor too."""
    t, x = ctx.constant([1.0, 2.0]), ag.array([3.0, 4.0])

    def f(t):
        a = np.asanyarray(t)
        return [a + x, x + a, np.add(x, a), np.add(a, x), T.add(x, a), x.at[0].set(a[0]), ag.array(a)]

    made = f(t)
    assert all(type(y) is ag.Tensor for y in made)
    for y, want in zip(ctx.eval(made), [[4.0, 6.0]] * 5 + [[1.0, 4.0], [1.0, 2.0]], strict=True):
        np.testing.assert_array_equal(y, want)


def test_promotion(ctx):
    """SciPy casts arrays to the dtype that they have."""
    t, u, f = ctx.placeholder("t", [3]), ctx.placeholder("u", [2, 1]), ctx.placeholder("f", [3], dtype="float32")
    xp = array_namespace()
    a, b = xp_promote(t, u, broadcast=True, force_floating=True, xp=xp)
    assert (a.shape, b.shape, a.dtype, b.dtype) == ((2, 3), (2, 3), np.float64, np.float64)
    assert (a + b).eval({t: np.arange(3.0), u: np.ones((2, 1))}).tolist() == [[1.0, 2.0, 3.0]] * 2
    assert xp_promote(f, force_floating=True, xp=xp).dtype == np.float32
    assert xp_promote(t, None, 2, xp=xp)[1] is None
    # There is something to cast.
    for others in ((t, f), (t, np.ones(3)), (ctx.placeholder("i", [3], dtype="int64"), 1.0)):
        refused(lambda xs=others: xp_promote(*xs, force_floating=True, xp=xp), *VALUE)
