"""Arguments that no program means to give: whatever they are, the answer is a value or an ordinary exception.

A panic of the engine, an abort, or an exception that `except Exception` does not see would be an error of the package.
"""

import gc
import itertools
import os
import re
import weakref

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import scirs2_autograd as ag
from scirs2_autograd import _lib
from scirs2_autograd import tensor_ops as T


@pytest.fixture(autouse=True, scope="module")
def _bounded():
    """The system may promise more memory than it has, and end the process that takes it. Here it promises less."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = 6 << 30
    resource.setrlimit(resource.RLIMIT_AS, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
    yield
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def fails(kind, message, f):
    """`f` raises this class, with a message that matches."""
    with pytest.raises(kind) as e:
        f()
    assert type(e.value) is kind
    assert re.fullmatch(message, str(e.value), re.DOTALL), str(e.value)


def outcome(f, *args):
    """The value of a call, or its exception; fails for a panic."""
    try:
        return f(*args)
    except Exception as e:
        raised = e
    assert "panicked" not in str(raised)
    return raised


# Sizes


def test_more_elements_than_can_be_counted(ctx):
    message = r"broadcast_to: the array is too large\. Got \(4611686018427387904, 4\); expected at most 9223372036854775807 elements\."
    fails(ag.ShapeError, message, lambda: T.zeros([2**62, 4]))
    # The number of elements is 0 in arithmetic without a check.
    for shape in [2**32, 2**32], [0, 2**32, 2**32], [2**62, 2**62, 0]:
        with pytest.raises(ag.ShapeError, match="too large"):
            ctx.zeros(shape)
        with pytest.raises(ag.ShapeError, match="too large"):
            ctx.placeholder("x", shape)
        with pytest.raises(ag.ShapeError, match="too large"):
            T.standard_normal(shape)
    with pytest.raises(ag.ShapeError, match="number of elements differs"):
        T.reshape(np.ones(0), [2**32, 2**32])
    with pytest.raises(ag.ShapeError, match=r"^one_hot: the array is too large"):
        T.one_hot(T.zeros([2**32], "int64"), 2**32)
    assert T.zeros([2**40, 2**20]).size == 2**60
    # The name is not taken by what could not be built.
    assert ctx.placeholder("x", [2]).shape == (2,)


def test_a_length_that_is_too_large_only_when_fed(ctx):
    x = ctx.placeholder("x", [-1, 1])
    y = x + ctx.constant([[1.0]]) + T.zeros([1, 2**59])
    message = (
        r"add: there is no memory for an array\. Got float64 of shape \(3, 576460752303423488\); expected a size that fits in memory\."
    )
    fails(MemoryError, message, lambda: y.sum().eval({x: np.ones((3, 1))}))


def test_no_memory_is_a_memory_error(ctx):
    env = ag.VariableEnvironment()
    # A filled shape that waits for its dtype takes no memory yet.
    env.name("b").set(ag.Filled([2**50, 8], 0.0))
    env.name("c").set(ag.Filled([2**62, 4], 0.0))
    env.name("w").set(np.ones(2))
    for f in (
        lambda: T.zeros([2**40, 2**20]).eval(),
        lambda: T.exp(T.standard_normal([2**50])).eval(),
        lambda: env.name("e").set(ag.Filled([2**50, 8], 0.0)),
        lambda: env.name("d").set(ag.Filled([2**62, 4], 0.0)),
        lambda: env.get("b"),
        lambda: env.get("c"),
        lambda: env.run(lambda c: c.variable("b")),
        lambda: ag.ArrayRng(0).standard_normal([2**50]),
        lambda: ag.ArrayRng(0, "float32").glorot_uniform([2**25, 2**25]),
    ):
        fails(MemoryError, r"\w+: there is no memory for .*; expected a .* that fits in memory\.", f)


def test_iteration_is_lazy(ctx):
    long = T.zeros([2**60, 2])
    assert [t.shape for t in itertools.islice(long, 3)] == [(2,)] * 3
    assert [t.eval() for t in ctx.constant([3.0, 4.0])] == [3.0, 4.0]
    # An attribute that is such a tensor is refused at its first item.
    with pytest.raises(ag.DTypeError, match="axis has the wrong type"):
        T.reduce_sum(np.ones(2), axis=long)


def test_jacobians_of_rows_that_are_not_there(ctx):
    x = ctx.placeholder("x", [3])
    message = r"jacobians: there are not so many elements\. Got y_len=4611686018427387904; expected y_len <= 3\."
    fails(ag.ShapeError, message, lambda: T.jacobians(x * x, [x], 2**62))


LAST = 2**63 - 1
SLICES = [slice(*s) for s in itertools.product([None, 1, LAST, -LAST - 1], [None, 0, LAST, -LAST - 1], [None, 2, LAST, -LAST - 1])]


def test_slices_mean_what_numpy_means(ctx):
    a = np.arange(12.0).reshape(4, 3)
    x, v = ctx.placeholder("x", [4, 3]), ctx.placeholder("v", [-1, 3])
    for s in SLICES:
        for t in x, v:
            y = t[s]
            (g,) = T.grad([y * y], [t])
            got, slope = ctx.eval([y, g], {"x": a, "v": a})
            np.testing.assert_array_equal(got, a[s])
            expected = np.zeros((4, 3))
            expected[s] = 2 * a[s]
            np.testing.assert_array_equal(slope, expected)
    for i in LAST, -LAST - 1:
        with pytest.raises(ag.ShapeError):
            x[i]
        with pytest.raises(ag.ShapeError):
            v[i].eval({v: a})
    with pytest.raises(ag.ShapeError, match="out of range"):
        x.sum(axis=-LAST - 1)


# Files and names


def test_the_system_refuses(tmp_path):
    env = ag.VariableEnvironment()
    env.name("w").set(np.ones(2))
    plain, pipe = tmp_path / "plain", tmp_path / "pipe"
    plain.write_bytes(b"")
    os.mkfifo(pipe)
    for kind, f in (
        (FileNotFoundError, lambda: ag.VariableEnvironment.load(tmp_path / "none")),
        (FileNotFoundError, lambda: env.initialize(tmp_path / "none")),
        (FileNotFoundError, lambda: env.save(tmp_path / "none" / "a")),
        (IsADirectoryError, lambda: env.save(tmp_path)),
        (NotADirectoryError, lambda: ag.VariableEnvironment.load(plain / "a")),
        (IsADirectoryError, lambda: ag.VariableEnvironment.load(tmp_path)),
        (OSError, lambda: env.save(pipe)),
        (OSError, lambda: ag.VariableEnvironment.load(pipe)),
        (OSError, lambda: env.save(tmp_path / ("y" * 300))),
        (OSError, lambda: ag.VariableEnvironment.load("a\0b")),
    ):
        with pytest.raises(kind, match=r"(?s)^(load|save): the file cannot be (read|written)\. Got .*; expected a .*\.$") as e:
            f()
        assert isinstance(e.value, ag.exceptions.FileError)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["pipe", "plain"]
    assert pipe.is_fifo()


@pytest.mark.parametrize("name", ["", "a\0b", "/", "%2F", "\n", "x" * 1_000_000], ids=["empty", "nul", "slash", "escape", "line", "long"])
def test_names(tmp_path, name):
    env = ag.VariableEnvironment()
    env.name(name).set(np.ones(2))
    env.namespace(name + "n").slot().name(name).set(np.zeros(3))
    env.save(tmp_path / "a")
    again = ag.VariableEnvironment.load(tmp_path / "a")
    assert again.get(name).tolist() == [1.0, 1.0]
    assert again.get((name + "n", name)).shape == (3,)

    def read(ctx):
        with pytest.raises(ag.VariableError, match="unknown variable"):
            ctx.variable(name + "?")
        p = ctx.placeholder(name, [2])
        return (ctx.variable(name) + p).eval({name: np.ones(2)})

    assert env.run(read).tolist() == [2.0, 2.0]


def test_one_letter_does_not_stand_for_another():
    env = ag.VariableEnvironment()
    env.name("w").set(1.0)
    with ag.Context(env) as ctx:
        fails(ag.VariableError, r'variable: unknown variable\. Got "v"; expected one of w\.', lambda: ctx.variable("v"))


# What the collector sees


class Function:
    def __call__(self, *args):
        return args[0]


USES = {
    "hook": lambda x, f: x.register_hook(f),
    "forward": lambda x, f: ag.custom_op(f)(x),
    "vjp": lambda x, f: ag.custom_op(lambda a: a, f)(x),
    "infer": lambda x, f: ag.custom_op(lambda a: a, infer=f)(x),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_a_context_that_is_never_closed(use):
    """A function that holds a tensor of the graph that holds the function is freed with them."""

    def build():
        f = Function()
        ctx = ag.Context()
        x = ctx.placeholder("x", [2])
        f.tensor = use(x, f)
        f.evaluator = ctx.evaluator().push(f.tensor).feed(x, np.ones(2))
        assert f.evaluator.run()[0].tolist() == [1.0, 1.0]
        return f.tensor, weakref.ref(f), weakref.ref(ctx)

    kept, alive, context = build()
    gc.collect()
    # As long as a tensor is in use, all that its value needs stays.
    assert alive() is not None
    assert kept.context is context()
    assert kept.eval({"x": np.full(2, 3.0)}).tolist() == [3.0, 3.0]
    del kept
    gc.collect()
    assert alive() is None
    assert context() is None


def test_a_feed_that_holds_its_feeder():
    class Owner(np.ndarray):
        pass

    with ag.Context() as ctx:
        x = ctx.placeholder("x", [2])
        for make in ag.Feeder, ctx.evaluator:
            a = np.ones(2).view(Owner)
            a.holder = make()
            (a.holder.push if make is ag.Feeder else a.holder.feed)(x, a)
            alive = weakref.ref(a)
            del a
            gc.collect()
            assert alive() is None


def test_tensors_of_a_context_name_it():
    with ag.Context() as ctx:
        assert ctx.placeholder("x", []).context is ctx
        assert ag.current_context() is ctx


# Anything at all

WHOLE = st.sampled_from([0, 1, -1, 2, 3, -2, 2**31, 2**32, 2**62, LAST, -LAST - 1, LAST + 1, 2**70])
REAL = st.sampled_from([0.0, 1.5, float("nan"), float("inf"), -float("inf"), 1e308, 5e-324])
SHAPE = st.one_of(
    st.lists(WHOLE, max_size=3),
    st.sampled_from([[], [2], [2, 3], [0], [0, 3], (3,), None, "a", [1.5], [1] * 70, [2**31, 2**31], [0, 2**62, 2**62]]),
)
DTYPE = st.sampled_from([None, "float32", "float64", "int32", "int64", "bool", "float16", "complex128", "x" * 1000, float, 3])
AXIS = st.one_of(WHOLE, st.lists(WHOLE, max_size=2).map(tuple), st.sampled_from([None, "a", True, 1.0, (0, 0)]))
NAME = st.sampled_from(["", "a", "a\0b", "é", "\ud800", "x" * 10_000])
ITEM = st.one_of(WHOLE, st.sampled_from([..., None, *SLICES, slice(None, None, 0), slice(2**70), 1.5, "a", [0], True]))


class Refuses:
    """Raises whatever is asked of it."""

    def __index__(self):
        raise ValueError("no")

    __iter__ = __float__ = __len__ = __index__


ARRAY = st.sampled_from(
    [
        np.ones(3), np.zeros((2, 3), "f4"), np.zeros(0), np.array(1.0), np.arange(3), np.array([True, False, True]), np.full(3, np.nan),
        np.array([2**62, -(2**63), 0]), np.ones((3, 3)), np.array(["a"]), np.array([None]), np.ones((2, 3))[::-1, ::2], np.zeros((1,) * 33),
        np.array([1 + 2j]), np.zeros(2, dtype=[("a", "f8")]), [[1, 2], [3]], b"x", {}, np.uint64(2**64 - 1), Refuses(),
    ]
)  # fmt: skip
ANYTHING = st.one_of(WHOLE, REAL, SHAPE, DTYPE, AXIS, NAME, ARRAY)
ANYTHING = st.one_of(WHOLE, REAL, SHAPE, DTYPE, AXIS, NAME, ARRAY)
FEEDS = {"p": np.array([1.0, 2.0, 3.0]), "q": np.ones((4, 2))}
FUNCTIONS = [getattr(T, name) for name in sorted(T.__all__) if name != "show"]
BUDGET = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def tensors(ctx):
    a, b = ctx.placeholder("p", [3]), ctx.placeholder("q", [-1, 2])
    return [a, b, ctx.constant(np.ones((2, 3))), ctx.constant([0, 1]), ctx.constant(True), ctx.constant(np.zeros((0, 3)))]


#: Stands for a tensor of the context of an example.
TENSOR = st.integers(0, 5).map(lambda i: ("tensor", i))
ARGUMENT = st.one_of(TENSOR, ANYTHING, st.lists(TENSOR, max_size=2))


def resolved(x, ts):
    if isinstance(x, tuple) and x[:1] == ("tensor",):
        return ts[x[1]]
    return [resolved(y, ts) for y in x] if isinstance(x, list) else x


def use(ctx, made):
    """Does what can be done with the tensors that a call gave."""
    for t in made if isinstance(made, (list, tuple)) else [made]:
        if isinstance(t, ag.Tensor):
            assert repr(t)
            assert t.size is None or t.size == np.prod([int(n) for n in t.shape], dtype=object)
            total = outcome(t.sum)
            outcome(lambda total=total: ctx.evaluator().push(total).plan().explain())
            gradients = outcome(T.grad, [total], tensors(ctx)[:3])
            # A sum of 2**60 numbers takes no memory, but years.
            if all(n is None or n < 2**20 for n in t.shape):
                outcome(t.eval, FEEDS)
                outcome(ctx.eval, gradients, FEEDS)


@BUDGET
@given(st.sampled_from(FUNCTIONS), st.lists(ARGUMENT, min_size=1, max_size=4))
def test_functions(function, arguments):
    with ag.Context() as ctx:
        ts = tensors(ctx)
        use(ctx, outcome(function, *(resolved(a, ts) for a in arguments)))


@BUDGET
@given(st.integers(0, 5), st.lists(ITEM, max_size=4))
def test_items(i, items):
    with ag.Context() as ctx:
        use(ctx, outcome(lambda: tensors(ctx)[i][tuple(items)]))


OBJECTS = {
    "context": lambda ctx: ctx,
    "tensor": lambda ctx: tensors(ctx)[1],
    "evaluator": lambda ctx: ctx.evaluator().push(tensors(ctx)[0]),
    "feeder": lambda _: ag.Feeder(),
    "environment": lambda ctx: ctx.env,
    "slot": lambda ctx: ctx.env.slot(),
    "namespace": lambda ctx: ctx.env.namespace("a"),
    "plan": lambda ctx: ctx.evaluator().push(tensors(ctx)[2]).plan(),
    "draws": lambda _: ag.ArrayRng(0, "float32"),
    "classes": lambda _: ag,
    "optimizer": lambda _: _lib._Optimizer,
}


@pytest.mark.parametrize("name", OBJECTS)
def test_methods(name, tmp_path, monkeypatch):
    # Some of the arguments name files.
    monkeypatch.chdir(tmp_path)

    @BUDGET
    @given(st.data())
    def check(data):
        with ag.Context(ag.VariableEnvironment()) as ctx:
            target = OBJECTS[name](ctx)
            names = [n for n in dir(target) if not n.startswith("__") and n not in ("show", "register_hook", "seed")]
            method = getattr(target, data.draw(st.sampled_from(names)))
            arguments = [resolved(a, tensors(ctx)) for a in data.draw(st.lists(ARGUMENT, max_size=5))]
            if callable(method):
                use(ctx, outcome(method, *arguments))

    check()


@BUDGET
@given(st.lists(st.tuples(NAME, st.one_of(ARRAY, SHAPE)), max_size=3))
def test_environments(variables):
    env = ag.VariableEnvironment()
    for name, value in variables:
        slot = outcome(env.name, name)
        if isinstance(slot, _lib.Slot):
            filled = outcome(ag.Filled, value, 1.0)
            outcome(slot.set, filled if isinstance(filled, ag.Filled) else value)
    for key in env.names():
        outcome(env.get, key)
        outcome(env.run, lambda ctx, key=key: ctx.variable(key).sum().eval())
