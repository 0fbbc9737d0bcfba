"""Random programs that are written with NumPy's functions alone: a tensor in place of an array gives NumPy's value, and its gradient."""

import numpy as np
import pytest
import scipy.special

import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T

PROGRAMS = 200
STEPS = 9
#: Bounds that keep differences of a program accurate.
SIZE, LARGEST = 48, 50.0


def axis_of(rng, x):
    """An axis, several, or None."""
    choices = [None, *range(-x.ndim, x.ndim)] + ([(0, -1)] if x.ndim > 1 else [])
    return choices[rng.integers(len(choices))]


def one_axis(rng, x):
    return int(rng.integers(-x.ndim, x.ndim))


def keeps(rng):
    return bool(rng.integers(2))


#: Functions of one array: each draws what it needs beside it, and gives the step.
UNARY = [
    lambda rng, x: np.sin,
    lambda rng, x: np.tanh,
    lambda rng, x: np.arctan,
    lambda rng, x: np.square,
    lambda rng, x: np.negative,
    lambda rng, x: np.absolute,
    lambda rng, x: scipy.special.erf,
    lambda rng, x: scipy.special.expit,
    lambda rng, x: lambda t: np.exp(np.minimum(t, 2.0)),
    lambda rng, x: lambda t: np.sqrt(np.add(1.0, np.square(t))),
    lambda rng, x: lambda t: np.log(np.hypot(t, 1.5)),
    lambda rng, x: lambda t: np.reciprocal(np.add(np.abs(t), 0.5)),
    lambda rng, x: lambda t: np.power(np.add(1.0, np.square(t)), -0.75),
    lambda rng, x: lambda t: np.clip(t, None, 0.7),
    lambda rng, x: lambda t: np.maximum(t, -0.3),
    lambda rng, x: lambda t: np.where(np.greater(t, 0.1), np.sin(t), np.expm1(np.minimum(t, 1.0))),
    lambda rng, x: (lambda a, k: lambda t: np.sum(t, axis=a, keepdims=k))(axis_of(rng, x), keeps(rng)),
    lambda rng, x: (lambda a, k: lambda t: np.mean(t, a, keepdims=k))(axis_of(rng, x), keeps(rng)),
    lambda rng, x: (lambda a: lambda t: np.var(t, axis=a, ddof=0))(axis_of(rng, x)),
    lambda rng, x: (lambda a, k: lambda t: np.max(t, a, keepdims=k))(axis_of(rng, x), keeps(rng)),
    lambda rng, x: (lambda a, k: lambda t: np.add.reduce(t, axis=a, keepdims=k, initial=0.5))(axis_of(rng, x), keeps(rng)),
    lambda rng, x: lambda t: np.multiply.reduce(t),
    lambda rng, x: lambda t: np.minimum.reduce(t),
    lambda rng, x: lambda t: np.logaddexp.reduce(t),
    lambda rng, x: (lambda a: lambda t: np.linalg.norm(t, axis=a))(one_axis(rng, x)),
    lambda rng, x: lambda t: np.median(t, axis=-1),
    lambda rng, x: lambda t: np.cumsum(t),
    lambda rng, x: (lambda a: lambda t: np.add.accumulate(t, a))(one_axis(rng, x)),
    lambda rng, x: (lambda a: lambda t: np.cumprod(t, axis=a))(one_axis(rng, x)),
    lambda rng, x: lambda t: np.maximum.accumulate(t),
    lambda rng, x: (lambda a: lambda t: np.diff(t, axis=a))(one_axis(rng, x)),
    lambda rng, x: (lambda a: lambda t: np.sort(t, axis=a))(one_axis(rng, x)),
    lambda rng, x: lambda t: np.reshape(t, -1),
    lambda rng, x: lambda t: np.transpose(t),
    lambda rng, x: lambda t: np.expand_dims(t, -1),
    lambda rng, x: lambda t: np.squeeze(t),
    lambda rng, x: (lambda a: lambda t: np.flip(t, a))(axis_of(rng, x)),
    lambda rng, x: (lambda a: lambda t: np.roll(t, 1, a))(axis_of(rng, x)),
    lambda rng, x: lambda t: np.tile(t, 2),
    lambda rng, x: (lambda a: lambda t: np.repeat(t, 2, axis=a))(one_axis(rng, x)),
    lambda rng, x: (lambda a: lambda t: np.moveaxis(t, a, 0))(one_axis(rng, x)),
    lambda rng, x: lambda t: np.pad(t, 1, constant_values=0.25),
    lambda rng, x: lambda t: np.pad(t, 1, mode="edge"),
    lambda rng, x: lambda t: np.split(t, [1])[-1],
    lambda rng, x: (lambda a: lambda t: np.unstack(t, axis=a)[0])(one_axis(rng, x)),
    lambda rng, x: lambda t: np.diagonal(t),
    lambda rng, x: lambda t: np.tril(t),
    lambda rng, x: lambda t: np.take(t, [0, -1]),
]
#: Functions of two arrays.
BINARY = [
    lambda rng, x, y: np.add,
    lambda rng, x, y: np.subtract,
    lambda rng, x, y: np.multiply,
    lambda rng, x, y: np.maximum,
    lambda rng, x, y: np.logaddexp,
    lambda rng, x, y: lambda t, u: np.divide(t, np.add(1.0, np.square(u))),
    lambda rng, x, y: lambda t, u: np.arctan2(t, np.add(2.0, np.tanh(u))),
    lambda rng, x, y: lambda t, u: np.where(np.less(t, u), t, np.sin(u)),
    lambda rng, x, y: lambda t, u: np.outer(t, u),
    lambda rng, x, y: np.subtract.outer,
    lambda rng, x, y: np.matmul,
    lambda rng, x, y: np.dot,
    lambda rng, x, y: np.inner,
    lambda rng, x, y: np.kron,
    lambda rng, x, y: lambda t, u: np.vdot(t, u),
    lambda rng, x, y: lambda t, u: np.tensordot(t, u, axes=1),
    lambda rng, x, y: lambda t, u: np.einsum("i...,i...", t, u),
    lambda rng, x, y: lambda t, u: np.einsum("...i,ji->j...", t, u),
    lambda rng, x, y: lambda t, u: np.concatenate([np.ravel(t), np.ravel(u)]),
    lambda rng, x, y: lambda t, u: np.concatenate([t, u], axis=None),
    lambda rng, x, y: lambda t, u: np.stack(np.broadcast_arrays(t, u), axis=-1),
    lambda rng, x, y: lambda t, u: np.average(t, weights=np.add(1.0, np.square(u))),
    lambda rng, x, y: lambda t, u: np.linspace(t, u, 3),
]


def small(y):
    return isinstance(y, (np.ndarray, np.float64)) and 0 < y.size <= SIZE and y.ndim <= 4 and np.max(np.abs(y)) <= LARGEST


def drawn(seed):
    """Inputs, and the steps of a program: each a function and the places of its operands among what there is."""
    rng = np.random.default_rng(seed)
    shapes = [[(3,), (2, 3)], [(2, 3), (3, 2)], [(4,), ()], [(2, 2), (2, 2)], [(2, 1, 3), (2, 3)]]
    inputs = [rng.uniform(-1.5, 1.5, shape) for shape in shapes[rng.integers(len(shapes))]]
    # A constant array beside the inputs.
    pool, steps = [rng.uniform(-1.5, 1.5, 3), *inputs], []
    while len(steps) < STEPS:
        functions = UNARY if rng.random() < 0.55 else BINARY
        count = 1 if functions is UNARY else 2
        # The newest is used most.
        places = [len(pool) - 1 - min(int(rng.exponential(1.5)), len(pool) - 1) for _ in range(count)]
        if places == [0] * count:
            # Of the constant alone.
            continue
        function = functions[rng.integers(len(functions))]
        try:
            step = function(rng, *(pool[p] for p in places))
            y = step(*(pool[p] for p in places))
        except (ValueError, TypeError, IndexError):
            continue
        if small(y):
            pool.append(np.asarray(y))
            steps.append((step, places, function))
    weights = [rng.uniform(-1.0, 1.0, y.shape) for y in pool]
    return inputs, pool[0], steps, weights


def run(steps, weights, inputs, constant):
    """All that the program makes, and a number that depends on all of it."""
    pool = [constant, *inputs]
    for step, places, _ in steps:
        pool.append(step(*(pool[p] for p in places)))
    parts = [np.sum(np.multiply(y, w)) for y, w in zip(pool, weights, strict=True)]
    loss = parts[0]
    for part in parts[1:]:
        loss = np.add(loss, part)
    return pool, loss


def differences(f, inputs):
    """The derivative in each element of the inputs, by two differences; where they are not alike there is a kink near by."""
    h = 1e-4
    best, smooth = [], []
    for k, x in enumerate(inputs):
        g, s = np.zeros(x.shape), np.zeros(x.shape, bool)
        for i in np.ndindex(x.shape):

            def at(d, k=k, x=x, i=i):
                moved = x.copy()
                moved[i] += d
                return f([*inputs[:k], moved, *inputs[k + 1 :]])

            near, far = (at(h) - at(-h)) / (2 * h), (at(2 * h) - at(-2 * h)) / (4 * h)
            g[i] = near + (near - far) / 3
            s[i] = abs(near - far) < 1e-5 * max(1.0, abs(near))
        best.append(g)
        smooth.append(s)
    return best, smooth


@pytest.mark.parametrize("seed", range(PROGRAMS))
def test_a_program_of_numpys(seed):
    inputs, constant, steps, weights = drawn(seed)
    want, _ = run(steps, weights, inputs, constant)
    with ag.Context() as ctx:
        xs = [ctx.placeholder(f"x{k}", x.shape) for k, x in enumerate(inputs)]
        made, loss = run(steps, weights, xs, constant)
        feeds = dict(zip(xs, inputs, strict=True))
        tensors = [(y, w) for y, w in zip(made, want, strict=True) if isinstance(y, ag.Tensor)]
        assert len(tensors) > len(inputs)
        values = ctx.eval([y for y, _ in tensors], feeds)
        for got, (y, w) in zip(values, tensors, strict=True):
            assert (got.shape, got.dtype, y.shape) == (np.shape(w), np.float64, np.shape(w))
            np.testing.assert_allclose(got, w, rtol=1e-12, atol=1e-13 * LARGEST)
        gradients = ctx.eval(T.grad([loss], xs), feeds)
    best, smooth = differences(lambda moved: run(steps, weights, moved, constant)[1], inputs)
    compared = 0
    for got, d, s in zip(gradients, best, smooth, strict=True):
        np.testing.assert_allclose(got[s], d[s], rtol=1e-6, atol=1e-6)
        compared += np.count_nonzero(s)
    assert compared >= sum(x.size for x in inputs) / 4


@pytest.mark.parametrize("seed", range(PROGRAMS))
def test_a_program_on_values(seed):
    """Computed at once, step by step, it gives NumPy's values."""
    inputs, constant, steps, weights = drawn(seed)
    want, loss = run(steps, weights, inputs, constant)
    got, own = run(steps, weights, [ag.array(x) for x in inputs], constant)
    for y, v in zip([*got, own], [*want, loss], strict=True):
        assert not isinstance(y, ag.Tensor)
        np.testing.assert_allclose(y, v, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("seed", range(0, PROGRAMS, 4))
def test_a_program_as_a_function(seed):
    """Its gradient with and without `jit`, and the gradient of that along a direction."""
    inputs, constant, steps, weights = drawn(seed)
    directions = [np.random.default_rng(seed).uniform(-1.0, 1.0, x.shape) for x in inputs]
    every = range(len(inputs))

    def loss(*xs):
        return run(steps, weights, xs, constant)[1]

    def slope(*xs):
        parts = [np.sum(g * d) for g, d in zip(ag.grad(loss, every)(*xs), directions, strict=True)]
        return sum(parts[1:], parts[0])

    value, gradients = ag.value_and_grad(loss, every)(*inputs)
    np.testing.assert_allclose(value, loss(*inputs), rtol=1e-12)
    kept = ag.jit(ag.value_and_grad(loss, every))
    for _ in range(2):
        again, same = kept(*inputs)
        np.testing.assert_array_equal(again, value)
        for got, want in zip(same, gradients, strict=True):
            np.testing.assert_array_equal(got, want)
    assert kept.traces == 1
    second, gradient = ag.grad(slope, every), ag.jit(ag.grad(loss, every))
    products = second(*inputs)
    for got, want in zip(ag.jit(second)(*inputs), products, strict=True):
        np.testing.assert_array_equal(got, want)

    # The products of the Hessian with the directions, by differences of the gradient: where two steps agree, no kink is near.
    def along(h):
        up, down = ([x + t * d for x, d in zip(inputs, directions, strict=True)] for t in (h, -h))
        return [(u - d) / (2 * h) for u, d in zip(gradient(*up), gradient(*down), strict=True)]

    for got, near, far in zip(products, along(1e-5), along(2e-5), strict=True):
        smooth = np.abs(near - far) < 1e-5 * np.maximum(1.0, np.abs(near))
        np.testing.assert_allclose(got[smooth], near[smooth], rtol=1e-4, atol=1e-4)


def test_programs_use_all_functions():
    """No function of the lists is left out by the bounds."""
    seen = {function for seed in range(PROGRAMS) for _, _, function in drawn(seed)[2]}
    assert seen == {*UNARY, *BINARY}
