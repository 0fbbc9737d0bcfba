"""What users of NumPy and PyTorch write first, and tensors do not do: each message says what to write instead."""

import copy
import math
import operator
import pickle

import numpy as np
import pytest

import scirs2_autograd as ag
from messages import refused
from scirs2_autograd import tensor_ops as T

# Values that are asked for

NUMBERS = {
    "float": (float, "float: ", "`T.sin` for `math.sin`", "`float(t.eval(feeds))`"),
    "int": (int, "int: ", '`t.astype("int64")`', "`int(t.eval(feeds))`"),
    "complex": (complex, "complex: ", "`complex(t.eval(feeds))`"),
    "math.sin": (math.sin, "float: ", "`T.sin` for `math.sin`"),
    "format": ("{:.3f}".format, "format: ", "`T.show(t)`", '`f"{t.eval(feeds):.3f}"`'),
    "range": (range, "index: ", "`for row in t`", "`int(t.eval(feeds))`"),
    "operator.index": (operator.index, "index: ", "`x[t]`"),
    "list": (lambda t: [1, 2][t], "index: ", "`x[t]`"),
    "in": (lambda t: 1.0 in t, "in: ", "(t == value)", "`value in t.eval(feeds)`"),
}
ARRAYS = {
    "np.asarray": np.asarray,
    "np.array": lambda t: np.array([t, t]),
    "np.float64": np.float64,
    "constant": lambda t: t.context.constant(t),
    "ndarray.dot": lambda t: np.ones(3).dot(t),
    "ndarray index": lambda t: np.ones(3)[t],
    "environment": lambda t: ag.VariableEnvironment().set(t),
}
TRUTHS = {
    "if": bool,
    "and": lambda t: t and 1,
    "not": lambda t: not t,
    "chain": lambda t: 0 < t < 1,
    "x in list": lambda t: t in [1.0, 2.0],
    "max": lambda t: max(t, 1.0),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers(ctx, name):
    f, *expected = NUMBERS[name]
    help = refused(lambda: f(ctx.placeholder("s", [])), TypeError, *expected)
    assert "`T.where` or `T.cond` where values decide" in help


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays(ctx, name):
    words = ["which NumPy's functions take", "`np.stack([t, u])` for an array of tensors", "the value is `t.eval(feeds)`"]
    refused(lambda: ARRAYS[name](ctx.placeholder("x", [3])), ag.GraphError, "array: a tensor has no value", *words)


@pytest.mark.parametrize("name", TRUTHS)
def test_truth(ctx, name):
    words = ["`&`, `|`, `~` for `and`, `or`, `not`", "`T.where` or `T.cond`", "`a is b`", "the value is `t.eval(feeds)`"]
    refused(lambda: TRUTHS[name](ctx.placeholder("x", [3])), ag.GraphError, "bool: a tensor has no truth value", *words)


def test_an_array_keeps_the_reason(ctx):
    """What NumPy says of its own has the line of help in its cause."""
    for f in (lambda a, s: a.__setitem__(0, s)), (lambda a, s: a.fill(s)):
        with pytest.raises(ValueError, match="setting an array element") as e:
            f(np.ones(3), ctx.placeholder("s", []))
        assert "help: in the graph write" in str(e.value.__cause__)


def test_what_works_still_does(ctx):
    x = ctx.placeholder("x", [2, 3])
    assert f"{x}" == str(x) == repr(x) == format(x, "")
    assert (x == None) is False  # noqa: E711
    assert x in [x]
    assert [len(row.shape) for row in x] == [1, 1]
    y = x
    y += 1.0
    assert y is not x
    assert (y - x).eval({x: np.zeros((2, 3))}).tolist() == np.ones((2, 3)).tolist()


# Changes


def test_changes(ctx):
    x, a = ctx.placeholder("x", [3]), np.ones(3)

    def delete():
        del x[0]

    refused(lambda: operator.setitem(x, 0, 1.0), TypeError, "setitem: a tensor never changes. Got <Tensor", "t = t.at[index].set(value)")
    refused(delete, TypeError, "delitem: a tensor never changes. Got <Tensor", "`t[mask]`")
    for sign, f in {"+": "iadd", "-": "isub", "*": "imul", "/": "itruediv", "**": "ipow", "//": "ifloordiv", "%": "imod"}.items():
        refused(lambda f=f: getattr(operator, f)(a, x), TypeError, "np.", f"`a = a {sign} t` for `a {sign}= t`")
    refused(lambda: operator.imatmul(np.ones((3, 3)), ctx.placeholder("m", [3, 3])), TypeError, "np.matmul: ", "`a = a @ t`")
    refused(lambda: np.add(a, 1.0, out=x), TypeError, "np.add: a tensor never changes. Got out=<Tensor", "`T.add`")
    refused(lambda: np.exp(x, out=a), TypeError, "np.exp: an array holds numbers", "`T.exp`")
    refused(lambda: np.add.at(a, [0], x), TypeError, "np.add.at: ")
    assert a.tolist() == [1.0] * 3


# Operators

MISSING = {
    "<<": (operator.lshift, "left_shift: ", "`a * 2**b`"),
    ">>": (operator.rshift, "right_shift: ", "`a // 2**b`"),
}


@pytest.mark.parametrize("sign", MISSING)
def test_operators_that_tensors_do_not_have(ctx, sign):
    x = ctx.placeholder("x", [3], dtype="int64")
    f, *expected = MISSING[sign]
    for other in 2, 2.0, True, np.float32(2), np.int64(2), np.array(2), np.ones(3, int), [1, 2, 3], x, 2**70:
        for a, b in (x, other), (other, x):
            refused(lambda a=a, b=b: f(a, b), TypeError, *expected)

    class Meets:
        def __lshift__(self, t):
            return "met"

        __rlshift__ = __rrshift__ = __rshift__ = __lshift__

    assert f(x, Meets()) == f(Meets(), x) == "met"
    with pytest.raises(TypeError, match="unsupported operand"):
        f(x, None)


# Inside of a function that is differentiated

INSIDE = {
    "bool": (bool, ag.GraphError, "bool: "),
    "float": (float, TypeError, "float: "),
    "int": (int, TypeError, "int: "),
    "complex": (complex, TypeError, "complex: "),
    "index": (range, TypeError, "index: "),
    "format": ("{:.3f}".format, TypeError, "format: "),
    "in": (lambda t: 1.0 in t, TypeError, "in: "),
    "asarray": (np.asarray, ag.GraphError, "array: "),
    "constant": (T.constant, ag.GraphError, "array: "),
    "item": (lambda t: t.item(), AttributeError, "tensor: "),
    "numpy": (lambda t: t.numpy(), AttributeError, "tensor: "),
    "tolist": (lambda t: t.tolist(), AttributeError, "tensor: "),
    "eval": (lambda t: t.eval(), ag.FeedError, "eval: "),
}


@pytest.mark.parametrize("name", INSIDE)
def test_inside_of_a_function_nothing_is_evaluated(name):
    """There the advice to evaluate leads nowhere."""
    f, kind, start = INSIDE[name]

    def function(x):
        y = x.sum()
        f(y)
        return y

    for call in (
        lambda: ag.grad(function)(np.ones(2)),
        lambda: ag.value_and_grad(function)(np.ones(2)),
        lambda: ag.gradcheck(function, np.ones(2)),
        lambda: ag.grad(lambda x: T.cond(x[0] > 0, lambda: function(x), lambda: function(x)))(np.ones(2)),
    ):
        help = refused(call, kind, start, "`T.where` or `T.cond`")
        assert "eval(" not in help
    # Elsewhere it is what helps.
    if name != "eval":
        assert "eval(" in refused(lambda: ag.run(lambda ctx: f(ctx.placeholder("x", [2]).sum())), kind, start)


def test_what_does_not_depend_on_an_argument_is_evaluated_inside():
    value, slope = ag.value_and_grad(lambda x: x.sum() * float(T.exp(T.constant(0.0)).eval()))(np.ones(2))
    assert (value, slope.tolist()) == (2.0, [1.0, 1.0])


# Names


def test_attributes_of_other_arrays(ctx):
    x = ctx.placeholder("x", [3])
    for name, word in {
        "item": "`x.eval(feeds).item()`",
        "numpy": "`x.eval(feeds)`",
        "detach": "`T.detach(x)`",
        "backward": "`T.grad([y], [x])`",
        "sin": "`T.sin(x)`",
        "add_": "`x = x + y`",
        "shpae": '"shape"',
        "mea": '"mean"',
        "view": "`T.reshape(x, shape)`",
        "nothing_alike": "`help(ag.Tensor)`",
        "solve": "`T.solve(",
    }.items():
        refused(lambda name=name: getattr(x, name), AttributeError, f'tensor: there is no such attribute. Got "{name}" of <Tensor', word)
        assert not hasattr(x, name)
        assert getattr(x, name, None) is None


def test_protocols_are_asked_in_vain(ctx):
    """Nothing that a library looks for is there by mistake, and asking for it does not build or import anything."""
    x = ctx.placeholder("x", [3])
    nodes = len(ctx)
    for name in (
        "__array_interface__",
        "__array_struct__",
        "__dlpack__",
        "__torch_function__",
        "__getstate_manages_dict__",
        "_repr_html_",
        "__wrapped__",
        "__array_priority__",
        "__array_namespace__",
        "__jax_array__",
        "__set_name__",
        "__call__",
    ):
        with pytest.raises(AttributeError, match=rf"^'(scirs2_autograd\._lib\.)?Tensor' object has no attribute '{name}'$"):
            getattr(x, name)
        assert not hasattr(x, name)
    assert len(ctx) == nodes
    # A set attribute is refused as before.
    with pytest.raises(AttributeError):
        x.shape = (3,)
    with pytest.raises(AttributeError):
        x.note = 1


def test_functions_of_other_packages():
    for name, word in {
        "unsqueeze": "`T.expand_dims(x, axis)`",
        "sqrtt": "did you mean `T.sqrt`?",
        "cat": "`T.concat(xs, axis)`",
        "i0": "`ag.custom_op(np.i0, vjp)`",
        "nothing_alike": "`ag.custom_op(f, vjp)`",
    }.items():
        refused(lambda name=name: getattr(T, name), AttributeError, f'tensor_ops: there is no such function. Got "{name}"', word)
        assert not hasattr(T, name)
    for name, word in {
        "sin": "`T.sin`; the functions are in `from scirs2_autograd import tensor_ops as T`",
        "gradd": 'did you mean "grad"?',
        "optim": "`ag.optimizers`",
        "gradients": "`T.grad([y], [x])`",
        "custom_vjp": "`ag.custom_op(forward, vjp)`",
        "nothing_alike": "tensor_ops",
    }.items():
        refused(lambda name=name: getattr(ag, name), AttributeError, f'scirs2_autograd: there is no such name. Got "{name}"', word)
    for module in ag, T:
        for name in "__path_of__", "_private":
            with pytest.raises(AttributeError, match="has no attribute"):
                getattr(module, name)
    with pytest.raises(ImportError, match="cannot import name 'eigvalshh'"):
        exec("from scirs2_autograd.tensor_ops import eigvalshh")


def test_dir_lists_what_users_call():
    assert dir(T) == sorted(T.__all__)
    assert all(callable(getattr(T, name)) for name in dir(T) if name != "linalg")
    assert dir(ag) == sorted(ag.__all__)


# Copies


def test_copies_of_a_tensor(ctx):
    x = ctx.placeholder("x", [2])
    assert copy.copy(x) is x
    kept = {"x": x, "list": [x * 2.0], x: np.ones(2)}
    copied = copy.deepcopy(kept)
    assert copied is not kept
    assert copied["x"] is x
    assert copied["list"] is not kept["list"]
    # Feeds that are copied feed the same placeholder.
    assert copied[x] is not kept[x]
    assert copied["list"][0].eval({x: copied[x]}).tolist() == [2.0, 2.0]


def test_what_is_not_pickled(ctx):
    x = ctx.placeholder("x", [2])
    evaluator = ctx.evaluator().push(x * 2.0).feed(x, np.ones(2))
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        start = "Tensor: it cannot be pickled. Got <Tensor placeholder"
        refused(lambda p=protocol: pickle.dumps(x, p), ag.DTypeError, start, "`t.eval(feeds)`")
    for value, word in (
        (ctx, "`ctx.env.save(path)`"),
        (evaluator, "build the graph"),
        (evaluator.plan(), "`plan.explain()`"),
        (ag.Feeder().push("x", 1.0), "dict of arrays by name"),
        (ag.ArrayRng(0), "`ag.ArrayRng(seed)`"),
    ):
        start = f"{type(value).__name__}: it cannot be copied or pickled. Got <"
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            refused(lambda value=value, p=protocol: pickle.dumps(value, p), ag.DTypeError, start, word)
        for f in copy.copy, copy.deepcopy:
            refused(lambda value=value, f=f: f(value), ag.DTypeError, start, word)
        with pytest.raises(TypeError):
            pickle.dumps({"deep": [value]})


def test_a_filled_shape_is_pickled():
    for f in copy.copy, copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v)):
        again = f(ag.Filled([2, 3], -0.5))
        assert type(again) is ag.Filled
        assert repr(again) == repr(ag.Filled([2, 3], -0.5))
