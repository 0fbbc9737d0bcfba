"""Derivatives of functions of arrays: forms of arguments and results, nesting, errors."""

import dataclasses
import re
from collections import OrderedDict, defaultdict, namedtuple

import numpy as np
import pytest

import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T

RNG = np.random.default_rng(7)


def rosenbrock(x):
    return (100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2).sum()


def differences(f, x, step=1e-6):
    """Central differences of a function that returns an array, by the elements of `x`."""
    rows = []
    for k in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[k] += step
        down[k] -= step
        rows.append((np.asarray(f(up)) - np.asarray(f(down))) / (2.0 * step))
    return np.moveaxis(np.reshape(rows, (*x.shape, *np.shape(rows[0]))), tuple(range(x.ndim)), tuple(range(-x.ndim, 0)))


def value(f):
    """`f` of tensors as a function of arrays."""
    return lambda *xs: ag.jvp(f, xs, tuple(np.zeros_like(x) for x in xs))[0]


def refused(f, kind, start, *words):
    """`f` raises `kind` with a message that starts so, in the form of all messages, and has these words."""
    with pytest.raises(kind) as e:
        f()
    text = str(e.value)
    assert text.startswith(start), text
    assert re.fullmatch(r"\w+: .+\. Got .+; expected .+", text, re.DOTALL), text
    assert all(w in text for w in words), text


# Forms of arguments and results

Point = namedtuple("Point", "x y")


@dataclasses.dataclass(frozen=True)
class Model:
    w: object
    b: object


class Own:
    def __init__(self, left, right):
        self.parts = (left, right)


ag.register_pytree(Own, lambda o: (o.parts, None), lambda _, parts: Own(*parts))

FORMS = {
    "tuple": (lambda a, b: (a, b), lambda t: (t[0], t[1])),
    "list": (lambda a, b: [a, b], lambda t: (t[0], t[1])),
    "dict": (lambda a, b: {"b": b, "a": a}, lambda t: (t["a"], t["b"])),
    "ordered": (lambda a, b: OrderedDict(z=a, b=b), lambda t: (t["z"], t["b"])),
    "default": (lambda a, b: defaultdict(list, z=a, b=b), lambda t: (t["z"], t["b"])),
    "mixed keys": (lambda a, b: {1: a, "b": b}, lambda t: (t[1], t["b"])),
    "named": (Point, lambda t: (t.x, t.y)),
    "dataclass": (Model, lambda t: (t.w, t.b)),
    "registered": (Own, lambda t: t.parts),
    "nested": (lambda a, b: {"k": [(a, None), Model(b, ())]}, lambda t: (t["k"][0][0], t["k"][1].w)),
}


@pytest.mark.parametrize("form", FORMS)
def test_containers_of_arrays(form):
    made, parts = FORMS[form]
    a, b = RNG.standard_normal(3), RNG.standard_normal((2, 3))

    def f(t):
        x, y = parts(t)
        return (x * x * y).sum()

    got = ag.grad(f)(made(a, b))
    assert type(got) is type(made(a, b))
    ga, gb = parts(got)
    np.testing.assert_allclose(ga, 2.0 * a * b.sum(0), rtol=1e-14)
    np.testing.assert_allclose(gb, np.broadcast_to(a * a, (2, 3)), rtol=1e-14)
    # As a result, and through a kept graph.
    for g in (lambda t: made(*parts(t)), ag.jit(lambda t: made(*parts(t)))):
        y, dy = ag.jvp(g, (made(a, b),), (made(b[0], b),))
        assert type(y) is type(dy) is type(made(a, b))
        np.testing.assert_array_equal(parts(dy)[0], b[0])
    h = parts(parts(ag.hessian(f)(made(a, b)))[0])
    np.testing.assert_allclose(h[0], np.diag(2.0 * b.sum(0)), rtol=1e-14)
    assert h[1].shape == (3, 2, 3)


def test_a_class_is_registered_again_and_subclasses_are_leaves():
    class Base:
        def __init__(self, x):
            self.x = x

    class Derived(Base):
        pass

    ag.register_pytree(Base, lambda o: ((o.x,), None), lambda _, parts: Base(*parts))
    assert ag.grad(lambda o: o.x * 3.0)(Base(1.0)).x == 3.0
    made = []
    ag.register_pytree(Base, lambda o: ((o.x,), "again"), lambda rest, parts: made.append(rest) or Base(*parts))
    assert ag.grad(lambda o: o.x * 3.0)(Base(1.0)).x == 3.0
    assert set(made) == {"again"}
    refused(lambda: ag.grad(lambda o: o.x * 3.0)(Derived(1.0)), ag.DTypeError, "grad: argument 0 is not floating. Got object")
    ag.register_pytree(Base, lambda o: ((o.x,), [o.x]), lambda _, parts: Base(*parts))
    refused(lambda: ag.grad(lambda o: o.x)(Base(1.0)), TypeError, "pytree: what belongs to the structure is not hashable. Got [1.0]")
    refused(lambda: ag.register_pytree(3, None, None), TypeError, "register_pytree: not a class. Got 3")


def test_the_form_of_the_choice():
    def f(x, y, *, scale, shift=0.0):
        return (x * y).sum() * scale + shift

    x, y = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    call = {"scale": 2.0, "shift": 1.0}
    assert ag.grad(f)(x, y, **call).tolist() == [6.0, 8.0]
    assert [g.tolist() for g in ag.grad(f, (1, 0))(x, y, **call)] == [[2.0, 4.0], [6.0, 8.0]]
    assert ag.grad(f, argnames="scale")(x, y, **call) == 11.0
    assert ag.grad(f, argnames=["shift", "scale"])(x, y, **call) == {"shift": 1.0, "scale": 11.0}
    g, named = ag.grad(f, -1, "scale")(x, y, **call)
    assert (g.tolist(), named) == ([2.0, 4.0], 11.0)
    assert ag.grad(f, [])(x, y, **call) == ()
    refused(lambda: ag.grad(f, argnames="scales")(x, y, **call), ag.ShapeError, "grad: there is no such argument. Got argnames='scales'")
    refused(lambda: ag.grad(f, 2)(x, y, **call), ag.ShapeError, "grad: there is no such argument. Got argnums=2 for 2 arguments")
    refused(lambda: ag.grad(f, "scale"), ag.DTypeError, "grad: an argument is chosen wrongly. Got 'scale'", "argnames")
    refused(lambda: ag.grad(f, argnames=[0]), ag.DTypeError, "grad: an argument is chosen wrongly. Got [0]")


def test_an_argument_that_is_chosen_twice():
    for x in np.array([1.0, 2.0]), (np.array([1.0]), 2.0):
        f = lambda x: (x[0] * x[0]).sum() + x[1] * 3.0  # noqa: E731
        first, second = ag.grad(f, (0, -1))(x)
        once = ag.grad(f)(x)
        for a, b, c in zip(first, second, once, strict=True):
            assert np.array_equal(a, c)
            assert np.array_equal(b, c)


def test_auxiliary_results():
    def f(x):
        y = T.exp(x)
        return y.sum(), {"y": y, "name": "exp", "count": 3}

    x = np.array([0.0, 1.0])
    want = np.exp(x)
    (v, aux), g = ag.value_and_grad(f, has_aux=True)(x)
    for e in (aux, ag.grad(f, has_aux=True)(x)[1], ag.hessian(f, has_aux=True)(x)[1], ag.hvp(f, has_aux=True)(x, x)[1],
              ag.jvp(f, (x,), (x,), has_aux=True)[2], ag.vjp(f, x, has_aux=True)[2], ag.jit(f)(x)[1]):  # fmt: skip
        np.testing.assert_array_equal(e["y"], aux["y"])
        assert (e["name"], e["count"]) == ("exp", 3)
    np.testing.assert_allclose(g, want)
    np.testing.assert_allclose(v, want.sum())
    refused(lambda: ag.grad(lambda x: x.sum(), has_aux=True)(x), ag.ShapeError, "grad: the function does not return a pair.")


def test_values_are_what_numpy_functions_return():
    f = ag.value_and_grad(lambda x: (x * x).sum())
    v, g = f(np.float32(3.0))
    assert (type(v), type(g), v, g) == (np.float32, np.float32, 9.0, 6.0)
    v, g = f(np.array([[1.0]], "f2"))
    assert (v.dtype, g.dtype, g.shape) == (np.float32, np.float32, (1, 1))
    v, g = f(2.0)
    assert (type(v), type(g)) == (np.float64, np.float64)
    assert ag.grad(lambda x, n: (x * n).sum())(np.ones(2), np.array([2, 3], "i2")).tolist() == [2.0, 3.0]
    assert ag.grad(lambda x, n: (x * n).sum())(np.ones(2), np.array([2, 3], ">i8")).tolist() == [2.0, 3.0]
    # NumPy's scalars are numbers where they are not differentiated.
    assert ag.grad(lambda x, n, flag: x.reshape(n).sum() if flag else 0.0)(np.ones(2), np.int64(2), np.bool_(True)).tolist() == [1.0, 1.0]


# Derivatives

SMOOTH = {
    "vector": (lambda x: T.sin(x) * x[::-1], RNG.standard_normal(4)),
    "matrix": (lambda x: T.matmul(x, T.tanh(x).T), RNG.standard_normal((2, 3))),
    "number": (lambda x: T.exp(x) * x, np.array(0.3)),
    "norm": (lambda x: x / T.norm(x), RNG.standard_normal(3)),
    "cholesky": (lambda x: T.cholesky(x @ x.T + 3.0 * np.eye(3)), RNG.standard_normal((3, 3))),
    "where": (lambda x: T.where(x > 0.0, T.log(T.where(x > 0.0, x, 1.0)), x * x), RNG.standard_normal(5)),
    "softmax": (lambda x: T.softmax(x) * T.logsumexp(x), RNG.standard_normal(4)),
    "none": (lambda x: T.zeros([2]) + T.sum(x) * 0.0, RNG.standard_normal(2)),
    "sort": (lambda x: T.cumprod(T.sort(x)), RNG.standard_normal(4)),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_derivatives_agree_with_differences(name):
    f, x = SMOOTH[name]
    scale = max(1.0, np.abs(differences(value(f), x)).max(initial=0.0))
    j = ag.jacobian(f)(x)
    np.testing.assert_allclose(j, differences(value(f), x), atol=1e-8 * scale)
    v, y = RNG.standard_normal(x.shape), value(f)(x)
    ct = RNG.standard_normal(y.shape)
    axes = tuple(range(y.ndim)), tuple(range(y.ndim, j.ndim))
    np.testing.assert_allclose(ag.jvp(f, (x,), (v,))[1], np.tensordot(j, v, x.ndim), atol=1e-13 * scale)
    same, pullback = ag.vjp(f, x)
    np.testing.assert_array_equal(same, y)
    np.testing.assert_allclose(pullback(ct)[0], np.tensordot(ct, j, y.ndim), atol=1e-13 * scale)
    np.testing.assert_allclose(pullback(2.0 * ct)[0], 2.0 * pullback(ct)[0], rtol=1e-14)
    assert axes[1] == tuple(range(y.ndim, y.ndim + x.ndim))
    # Second order, of a number.
    w = RNG.standard_normal(y.shape)

    def total(x):
        return (f(x) * w).sum()

    h = ag.hessian(total)(x)
    np.testing.assert_allclose(h, differences(ag.grad(total), x), atol=1e-7 * scale)
    np.testing.assert_allclose(ag.hvp(total)(x, v), np.tensordot(h, v, x.ndim), atol=1e-12 * scale)
    np.testing.assert_allclose(ag.jvp(ag.grad(total), (x,), (v,))[1], np.tensordot(h, v, x.ndim), atol=1e-12 * scale)


def test_several_arguments_and_results():
    def f(x, p):
        return {"s": x @ p["m"], "t": [p["b"] * x.sum()]}

    x, p = RNG.standard_normal(2), {"m": RNG.standard_normal((2, 3)), "b": RNG.standard_normal(4)}
    by_x, by_p = (j := ag.jacobian(f, (0, 1))(x, p))["s"]
    np.testing.assert_allclose(by_x, p["m"].T)
    assert {k: v.shape for k, v in by_p.items()} == {"m": (3, 2, 3), "b": (3, 4)}
    np.testing.assert_allclose(j["t"][0][1]["b"], np.eye(4) * x.sum())
    _, dy = ag.jvp(f, (x, p), (np.ones(2), p))
    np.testing.assert_allclose(dy["s"], np.ones(2) @ p["m"] + x @ p["m"])
    _, pullback = ag.vjp(f, x, p)
    cx, cp = pullback({"s": np.ones(3), "t": [np.arange(4.0)]})
    np.testing.assert_allclose(cx, p["m"].sum(1) + (np.arange(4.0) * p["b"]).sum())
    np.testing.assert_allclose(cp["b"], np.arange(4.0) * x.sum())


# Nesting


def test_derivatives_nest():
    x = 0.7
    d = lambda f, n: f if n == 0 else ag.grad(d(f, n - 1))  # noqa: E731
    for n, want in enumerate([np.sin(x), np.cos(x), -np.sin(x), -np.cos(x), np.sin(x)]):
        if n:
            np.testing.assert_allclose(d(T.sin, n)(x), want, rtol=1e-15)
    # What is captured from the function outside is a variable of the function outside alone.
    inner = ag.grad(lambda x: x * ag.grad(lambda y: x * y)(2.0))
    assert inner(3.0) == 6.0
    assert ag.grad(lambda x: ag.grad(lambda y: x + y)(x))(1.0) == 0.0
    assert ag.grad(lambda x: x * ag.grad(lambda y: x + y)(1.0))(1.0) == 1.0
    # The derivative of d/dy (x y^2) at y = x is that of 2 x^2.
    assert ag.grad(lambda x: ag.grad(lambda y: x * y * y)(x))(3.0) == 12.0


def test_all_in_all():
    a, v = RNG.standard_normal(4), RNG.standard_normal(4)
    h = differences(ag.grad(rosenbrock), a)
    for f in (
        ag.hessian(rosenbrock),
        ag.jacobian(ag.grad(rosenbrock)),
        ag.jit(ag.hessian(rosenbrock)),
        ag.jit(ag.jacobian(ag.jit(ag.grad(rosenbrock)))),
        lambda x: np.stack([ag.hvp(rosenbrock)(x, e) for e in np.eye(4)]),
        lambda x: np.stack([ag.vjp(ag.grad(rosenbrock), x)[1](e)[0] for e in np.eye(4)]),
        ag.jit(lambda x: T.stack([ag.vjp(ag.grad(rosenbrock), x)[1](e)[0] for e in np.eye(4)])),
        ag.jit(lambda x: T.stack([ag.jvp(ag.grad(rosenbrock), (x,), (e,))[1] for e in np.eye(4)])),
    ):
        np.testing.assert_allclose(f(a), h, atol=2e-4)
    third = differences(ag.hessian(rosenbrock), a)
    np.testing.assert_allclose(ag.jacobian(ag.hessian(rosenbrock))(a), third, rtol=1e-6, atol=1e-3)
    np.testing.assert_allclose(ag.grad(lambda x: (ag.hvp(rosenbrock)(x, v) * v).sum())(a), np.einsum("ijk,i,j", third, v, v), rtol=1e-5)
    # In the user's own graph.
    with ag.Context() as ctx:
        x = ctx.placeholder("x", [4])
        g = ag.grad(rosenbrock)(x)
        assert isinstance(g, ag.Tensor)
        np.testing.assert_allclose(g.eval({x: a}), ag.grad(rosenbrock)(a), rtol=1e-15)
        # Arrays are no part of that graph.
        assert isinstance(ag.grad(rosenbrock)(a), np.ndarray)


def test_captured_arrays_and_results_that_do_not_depend():
    data = RNG.standard_normal(3)
    np.testing.assert_array_equal(ag.grad(lambda x: (x * data).sum())(np.ones(3)), data)
    np.testing.assert_array_equal(ag.grad(lambda x: T.constant(data).sum())(np.ones(2)), [0.0, 0.0])
    assert ag.value_and_grad(lambda x: 3.0)(1.0) == (3.0, 0.0)
    np.testing.assert_array_equal(ag.jacobian(lambda x: T.constant(data))(np.ones(2)), np.zeros((3, 2)))
    assert ag.jvp(lambda x: 2.0, (1.0,), (1.0,)) == (2.0, 0.0)


def test_nothing_to_differentiate():
    x = np.ones(2)
    assert ag.grad(lambda p: T.constant(1.0))({}) == {}
    assert ag.jacobian(lambda x: ())(x) == ()
    assert ag.jvp(lambda: T.constant(1.0), (), ()) == (1.0, 0.0)
    assert ag.jvp(lambda x: [], (x,), (x,)) == ([], [])
    y, pullback = ag.vjp(lambda x: {}, x)
    assert y == {}
    np.testing.assert_array_equal(pullback({})[0], [0.0, 0.0])
    assert ag.hvp(lambda p: T.constant(1.0))((), ()) == ()
    assert ag.hessian(lambda p: T.constant(1.0))(None) is None
    assert ag.grad(lambda x: x.sum())(np.ones((0, 3))).shape == (0, 3)


# Errors


@pytest.mark.parametrize(
    ("f", "help"),
    [
        (lambda x: x, "sum the result"),
        (lambda x: "3.0", "`T.constant(x)`"),
        (lambda x: None, "`T.constant(x)`"),
        (lambda x: np.ones(2), "`T.constant(x)`"),
        (lambda x: np.float64(3.0), "`T.constant(x)`"),
    ],
)
def test_functions_that_return_no_number(f, help):
    with pytest.raises(ag.ShapeError) as e:
        ag.value_and_grad(f)(np.ones(2))
    start = "value_and_grad: the function does not return a single number. Got "
    assert str(e.value).startswith(start)
    assert "; expected a 0-d tensor.\nhelp: " in str(e.value)
    assert help in str(e.value)


def test_arguments_of_value_and_grad():
    f = ag.value_and_grad(lambda x: x.sum())
    for a, name in (np.ones(2, int), "int64"), (1j * np.ones(2), "complex128"), ("a", "<U1"):
        start = f"value_and_grad: argument 0 is not floating. Got {name}; expected float32 or float64.\n"
        refused(lambda a=a: f(a), ag.DTypeError, start, "help: convert it, as in `np.asarray(x, dtype=float)`")
    refused(f, ag.ShapeError, "value_and_grad: there is no such argument. Got argnums=0 for 0 arguments; expected an index of one.")
    assert f(np.ones(2, "f2"))[1].dtype == "float32"
    with pytest.raises(TypeError, match=r"`T\.abs\(x\)`"):
        ag.grad(lambda x: np.fabs(x).sum())(np.ones(2))


def test_mistakes_are_explained():
    x = np.ones(2)
    for f, error, start, *words in (
        (lambda: ag.grad(lambda x: x)(x), ag.ShapeError, "grad: the function does not return a single number.", "sum the result"),
        (lambda: ag.hvp(lambda x: x)(x, x), ag.ShapeError, "hvp: the function does not return a single number."),
        (
            lambda: ag.grad(lambda x: np.ones(2).sum())(x),
            ag.ShapeError,
            "grad: the function does not return a single number. Got",
            "T.constant",
        ),
        (lambda: ag.grad(lambda x: np.array(1.0))(x), ag.ShapeError, "grad: the function does not return", "T.constant"),
        (lambda: ag.grad(lambda x: None)(x), ag.ShapeError, "grad: the function does not return a single number. Got None"),
        (lambda: ag.grad(lambda x: T.argmax(x))(x), ag.DTypeError, "grad: the function returns no floating tensor."),
        (lambda: ag.jacobian(lambda x: {"a": np.ones(3)})(x), ag.DTypeError, "jacobian: the function returns what is no tensor at ['a']."),
        (lambda: ag.jacobian(lambda x: T.argmax(x))(x), ag.DTypeError, "jacobian: the function returns no floating tensor.", "has_aux"),
        (lambda: ag.grad(lambda x: x.sum())(np.arange(3)), ag.DTypeError, "grad: argument 0 is not floating. Got int64", "dtype=float"),
        (lambda: ag.grad(lambda p: p["a"])({"a": 1}), ag.DTypeError, "grad: argument 0['a'] is not floating."),
        (lambda: ag.grad(lambda p: p)("text"), ag.DTypeError, "grad: argument 0 is not floating."),
        (lambda: ag.grad(lambda x: x.sum())(x * 1j), ag.DTypeError, "grad: argument 0 is not floating. Got complex128"),
        (lambda: ag.jvp(lambda x: x, (x,), (np.ones(3),)), ag.ShapeError, "jvp: tangents[0] has another shape. Got (3,); expected (2,)."),
        (lambda: ag.jvp(lambda x: x, (x,), ()), ag.ShapeError, "jvp: tangents has another structure."),
        (lambda: ag.vjp(lambda x: x, x)[1](1.0), ag.ShapeError, "vjp: the cotangent has another shape. Got (); expected (2,)."),
        (
            lambda: ag.vjp(lambda x: (x, x), x)[1](x),
            ag.ShapeError,
            "vjp: the cotangent has another structure. Got '*'; expected ('*', '*')",
        ),
        (lambda: ag.hvp(rosenbrock)(x), ag.ShapeError, "hvp: there is no vector."),
        (lambda: ag.hvp(rosenbrock)(x, np.ones(3)), ag.ShapeError, "hvp: the vector has another shape."),
        (lambda: ag.hvp(lambda *, x: rosenbrock(x), argnames="x")(x=x), ag.ShapeError, "hvp: there is no vector.", "`vector`"),
        (lambda: ag.grad(x), TypeError, "grad: not a function. Got array([1., 1.])"),
        (lambda: ag.jit(3), TypeError, "jit: not a function. Got 3"),
        (lambda: ag.jvp(x, (x,), (x,)), TypeError, "jvp: not a function."),
        (lambda: ag.grad(lambda x: x.sum())(), ag.ShapeError, "grad: there is no such argument."),
    ):
        refused(f, error, start, *words)
    assert ag.hvp(lambda *, x: rosenbrock(x), argnames="x")(x=x, vector=x).shape == (2,)


def test_hidden_elements_are_refused():
    hidden = np.ma.masked_array([1.0, 2.0], [True, False])
    for f in (
        lambda: ag.vjp(T.sin, hidden),
        lambda: ag.jvp(T.sin, (hidden,), (np.ones(2),)),
        lambda: ag.jvp(T.sin, (np.ones(2),), (hidden,)),
        lambda: ag.vjp(T.sin, np.ones(2))[1](hidden),
        lambda: ag.hvp(rosenbrock)(np.ones(2), hidden),
    ):
        with pytest.raises(ag.DTypeError, match="elements are masked"):
            f()


def test_what_a_function_raises_passes():
    def f(x):
        raise KeyError("own")

    for g in ag.grad(f), ag.jacobian(f), ag.jit(f), ag.hessian(f), lambda x: ag.vjp(f, x), lambda x: ag.jvp(f, (x,), (x,)):
        with pytest.raises(KeyError, match="own"):
            g(np.ones(2))
        # The next call is outside of any function.
        assert isinstance(ag.grad(rosenbrock)(np.ones(2)), np.ndarray)


def test_names_and_documentation_stay():
    def energy(x):
        """Own words."""
        return x.sum()

    for g in ag.grad(energy), ag.value_and_grad(energy), ag.jacobian(energy), ag.jit(energy), ag.hvp(energy):
        assert (g.__name__, g.__doc__) == ("energy", "Own words.")


def test_a_product_with_a_hessian_has_a_derivative_in_its_vector():
    x, v = RNG.standard_normal(4), RNG.standard_normal(4)

    def product(x, v):
        return ag.hvp(rosenbrock)(x, v)

    h = ag.hessian(rosenbrock)(x)
    np.testing.assert_allclose(ag.jacobian(product, 1)(x, v), h, rtol=1e-13, atol=1e-12)
    np.testing.assert_allclose(ag.jvp(lambda v: product(x, v), (v,), (x,))[1], h @ x, rtol=1e-12)
    # Where both are one argument, both count.
    both = ag.jacobian(product)(x, x) + h
    np.testing.assert_allclose(ag.jacobian(lambda x: product(x, x))(x), both, rtol=1e-12)
