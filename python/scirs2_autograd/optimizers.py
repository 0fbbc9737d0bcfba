"""Optimizers: gradients, update and state in one run.

An optimizer is made for variables of an environment, by default for all of its default namespace:

>>> env = ag.VariableEnvironment()
>>> w = env.name("w").set(np.array([1.0, -2.0]))
>>> optimizer = ag.optimizers.Adam(env=env, alpha=0.1)
>>> with ag.Context(env) as ctx:
...     x, v = ctx.placeholder("x", [2]), ctx.variable("w")
...     loss = T.square(v - x).sum()
...     grads = T.grad([loss], [v])
...     for _ in range(100):
...         optimizer.update([v], grads, ctx, {x: [3.0, 4.0]})
>>> np.abs(env["w"] - [3.0, 4.0]).max() < 0.2
np.True_

A step that fails (a bad feed, a label out of range, a gradient that is not finite where that is checked) leaves every
variable and all state as they were.

Hyperparameters are properties: one that is set takes effect at the next step, without a new graph or plan. What the
constructor refuses, such as a negative rate or NaN, the property refuses too, and then keeps its value.

State belongs to the variables and is saved with them: what Adam keeps for `w` is `"w.m"`, `"w.v"` and `"w.t"` in a namespace of the
environment, `"adam"` by default. An optimizer whose `namespace` is given goes on with the state that is there. One whose namespace is
not given goes on with state that was loaded; state that another optimizer uses it refuses, so that two never share any unasked.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from ._lib import Context, Plan, Tensor, VariableEnvironment, _Optimizer
from .exceptions import DTypeError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._typing import Feeds, PolicyLike, VariableKey

__all__ = ["SGD", "AdaGrad", "Adam", "MomentumSGD"]

_F = TypeVar("_F", bound=Callable[..., Any])

#: What other packages call things, and what to write here.
_ELSEWHERE = {
    "amsgrad": "there is no such variant",
    "beta1": "write `b1`",
    "beta2": "write `b2`",
    "betas": "write `b1` and `b2`",
    "decay": "add the decay to the loss: `loss + 0.5 * decay * T.square(w).sum()`",
    "epsilon": "write `eps`",
    "feeder": "write `feeds`",
    "learning_rate": "write `alpha`",
    "load_state_dict": "the state is in the environment: `ag.VariableEnvironment.load(path)`",
    "lr": "write `alpha`",
    "minimize": "`update(vars, grads, ctx, feeds)` takes a step with the gradients that `T.grad` gives",
    "momentum": "`MomentumSGD` has a momentum",
    "param_groups": "make one optimizer for each group of variables: `ids` says which",
    "parameters": "write `ids`",
    "params": "write `ids`",
    "state_dict": "the state is in the environment: `env.save(path)`",
    "step": "`update(vars, grads, ctx, feeds)` takes a step",
    "variables": "write `ids`",
    "weight_decay": "add the decay to the loss: `loss + 0.5 * decay * T.square(w).sum()`",
    "zero_grad": "gradients are graph and do not add up: there is nothing to reset",
}


def _message(op: str, what: str, got: object, rule: str, name: str = "") -> str:
    text = f"{op}: {what}. Got {got}; expected {rule}."
    return f"{text}\nhelp: {_ELSEWHERE[name]}" if name in _ELSEWHERE else text


def _keywords(f: _F) -> _F:
    """`f`, which answers a keyword that it does not have with those that it has."""
    code = f.__code__
    names = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]

    @functools.wraps(f)
    def checked(self: object, /, *args: Any, **options: Any) -> Any:
        for name in options:
            if name not in names:
                op = (self if isinstance(self, type) else type(self)).__name__
                raise TypeError(_message(op, "there is no such argument", name, f"one of {', '.join(names)}", name))
        return f(self, *args, **options)

    return checked  # type: ignore[return-value]


def _environment(op: str, env: VariableEnvironment | None) -> VariableEnvironment:
    if env is None:
        text = _message(op, "the environment is missing", "no env", "the environment of the variables")
        raise TypeError(f"{text}\nhelp: write {op}(env=env), or {op}(env=env, ids=[...], alpha=...)")
    return env


class _Base:
    __slots__ = ("__weakref__", "_rule")

    _rule: _Optimizer

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            self._no_attribute(name)

        def __setattr__(self, name: str, value: object) -> None:
            if name != "_rule" and not hasattr(type(self), name):
                self._no_attribute(name)
            super().__setattr__(name, value)

    def _no_attribute(self, name: str) -> NoReturn:
        names = [n for n in dir(type(self)) if not n.startswith("_") and n != "default"]
        raise AttributeError(_message(type(self).__name__, "there is no such attribute", name, f"one of {', '.join(names)}", name))

    def __repr__(self) -> str:
        cls = type(self)
        numbers = (f"{n}={getattr(self, n)}" for n in dir(cls) if isinstance(getattr(cls, n), property))
        return f"{cls.__name__}({', '.join(numbers)})"

    def __reduce__(self) -> NoReturn:
        text = _message(type(self).__name__, "it cannot be copied or pickled", self, "the environment that has its state")
        raise DTypeError(f"{text}\nhelp: copy or pickle the environment, and make an optimizer for the copy, which goes on with the state")

    @property
    def alpha(self) -> float:
        """The rate: a finite number, 0 or more.

        >>> env = ag.VariableEnvironment()
        >>> w = env.name("w").set(1.0)
        >>> optimizer = ag.optimizers.SGD(0.5)
        >>> with ag.Context(env) as ctx:
        ...     v = ctx.variable(w)
        ...     for step in range(3):
        ...         optimizer.alpha = 0.5 / (step + 1)
        ...         optimizer.update([v], [ctx.ones([])], ctx)
        >>> print(env.get(w).round(6))
        0.083333
        """
        return self._rule.get("alpha")

    @alpha.setter
    def alpha(self, value: float) -> None:
        self._rule.set("alpha", value)

    def update(
        self,
        vars: Sequence[Tensor],
        grads: Sequence[Tensor],
        ctx: Context,
        feeds: Feeds | None = None,
        *,
        checkpoint: PolicyLike | None = None,
        memory_budget: int | None = None,
    ) -> None:
        """Take a step: evaluate the gradients and write the variables and the state, in one run.

        `feeds` maps placeholders, or their names, to arrays, as in `eval`; or it is a `Feeder`. `checkpoint` and `memory_budget` are those
        of `ctx.evaluator`; without them those of the context and the environment count. A budget does not count the variables.

        >>> env = ag.VariableEnvironment()
        >>> w = env.name("w").set(np.array([1.0, -2.0]))
        >>> with ag.Context(env) as ctx:
        ...     v, x = ctx.variable(w), ctx.placeholder("x", [2])
        ...     grads = T.grad([v * v * x], [v])
        ...     ag.optimizers.SGD(0.25).update([v], grads, ctx, {x: [1.0, 2.0]})
        >>> env.get(w)
        array([0.5, 0. ])
        """
        self.update_and_eval([], vars, grads, ctx, feeds, checkpoint=checkpoint, memory_budget=memory_budget)

    def update_and_eval(
        self,
        outputs: Sequence[Tensor],
        vars: Sequence[Tensor],
        grads: Sequence[Tensor],
        ctx: Context,
        feeds: Feeds | None = None,
        *,
        checkpoint: PolicyLike | None = None,
        memory_budget: int | None = None,
    ) -> list[NDArray[Any]]:
        """Take a step and return the values of `outputs`, such as the loss, from the same run.

        They see the variables before the update. The other arguments are those of `update`.

        >>> env = ag.VariableEnvironment()
        >>> w = env.name("w").set(np.array([1.0, -2.0]))
        >>> with ag.Context(env) as ctx:
        ...     v = ctx.variable(w)
        ...     loss = (v * v).sum()
        ...     print(*ag.optimizers.SGD(0.25).update_and_eval([loss], [v], T.grad([loss], [v]), ctx))
        5.0
        >>> env.get(w)
        array([ 0.5, -1. ])
        """
        return self._rule.step(outputs, vars, grads, ctx, feeds, checkpoint, memory_budget).run()

    def plan(
        self,
        outputs: Sequence[Tensor],
        vars: Sequence[Tensor],
        grads: Sequence[Tensor],
        ctx: Context,
        feeds: Feeds | None = None,
        *,
        checkpoint: PolicyLike | None = None,
        memory_budget: int | None = None,
    ) -> Plan:
        """The plan of such a step.

        >>> env = ag.VariableEnvironment()
        >>> w = env.name("w").set(np.array([1.0, -2.0]))
        >>> with ag.Context(env) as ctx:
        ...     v = ctx.variable(w)
        ...     plan = ag.optimizers.SGD(0.25).plan([], [v], T.grad([v * v], [v]), ctx)
        ...     print(plan.steps)  # The gradient and the update are one.
        1
        """
        return self._rule.step(outputs, vars, grads, ctx, feeds, checkpoint, memory_budget).plan()


class SGD(_Base):
    """Gradient descent: `w -= alpha * g`.

    It keeps no state and takes any variable; with `env` only those that `ids` name, by default all of the default namespace.

    >>> env = ag.VariableEnvironment()
    >>> w = env.name("w").set(np.array([1.0, -2.0]))
    >>> optimizer = ag.optimizers.SGD(0.1)
    >>> with ag.Context(env) as ctx:
    ...     v = ctx.variable(w)
    ...     grads = T.grad([v * v], [v])
    ...     optimizer.update([v], grads, ctx)
    >>> env.get(w).round(6)
    array([ 0.8, -1.6])
    """

    __slots__ = ()

    @_keywords
    def __init__(
        self,
        alpha: float = 1e-3,
        ids: Iterable[VariableKey] | None = None,
        env: VariableEnvironment | None = None,
        *,
        check_finite: bool = False,
    ) -> None:
        if ids is not None:
            _environment("SGD", env)
        self._rule = _Optimizer.sgd(alpha, ids, env, check_finite)


class MomentumSGD(_Base):
    """Gradient descent with momentum: `u = momentum * u - alpha * g; w += u`.

    State of the variable `w`: `"w.u"` in `namespace`, by default `"momentum_sgd"`. `ids` names the variables by id or by name, by default
    all of the default namespace.

    >>> env = ag.VariableEnvironment()
    >>> w = env.name("w").set(np.array([1.0, -2.0]))
    >>> optimizer = ag.optimizers.MomentumSGD(env=env, alpha=0.1)
    >>> with ag.Context(env) as ctx:
    ...     v = ctx.variable(w)
    ...     grads = T.grad([v * v], [v])
    ...     for _ in range(2):
    ...         optimizer.update([v], grads, ctx)
    >>> env.get(w).round(6)
    array([ 0.46, -0.92])
    """

    __slots__ = ()

    @_keywords
    def __init__(
        self,
        alpha: float = 0.01,
        momentum: float = 0.9,
        ids: Iterable[VariableKey] | None = None,
        env: VariableEnvironment | None = None,
        namespace: str | None = None,
        *,
        check_finite: bool = False,
    ) -> None:
        env = _environment("MomentumSGD", env)
        self._rule = _Optimizer.momentum_sgd(alpha, momentum, ids, env, namespace, check_finite)

    @property
    def momentum(self) -> float:
        """The part of the last step that is kept: a finite number, 0 or more.

        >>> optimizer = ag.optimizers.MomentumSGD(env=ag.VariableEnvironment(), momentum=0.5)
        >>> optimizer.momentum = 0.9
        >>> optimizer.momentum
        0.9
        """
        return self._rule.get("momentum")

    @momentum.setter
    def momentum(self, value: float) -> None:
        self._rule.set("momentum", value)

    @classmethod
    @_keywords
    def default(
        cls,
        namespace: str,
        ids: Iterable[VariableKey] | None,
        env: VariableEnvironment,
        *,
        alpha: float = 0.01,
        momentum: float = 0.9,
        check_finite: bool = False,
    ) -> MomentumSGD:
        """The same with the namespace in front, and options by keyword.

        >>> env = ag.VariableEnvironment()
        >>> w = env.name("w").set(np.ones(2))
        >>> optimizer = ag.optimizers.MomentumSGD.default("state", [w], env)
        >>> optimizer.alpha, optimizer.momentum
        (0.01, 0.9)
        """
        return cls(alpha, momentum, ids, env, namespace, check_finite=check_finite)


class AdaGrad(_Base):
    """AdaGrad: `h += g ** 2; w -= alpha * g / (sqrt(h) + eps)` (Duchi, Hazan, Singer 2011).

    State of the variable `w`: `"w.h"` in `namespace`, by default `"adagrad"`. `ids` names the variables by id or by name, by default all of
    the default namespace.

    >>> env = ag.VariableEnvironment()
    >>> w = env.name("w").set(np.array([1.0, -2.0]))
    >>> optimizer = ag.optimizers.AdaGrad(env=env, alpha=0.1)
    >>> with ag.Context(env) as ctx:
    ...     v = ctx.variable(w)
    ...     grads = T.grad([v * v], [v])
    ...     optimizer.update([v], grads, ctx)
    >>> env.get(w).round(6)
    array([ 0.9, -1.9])
    """

    __slots__ = ()

    @_keywords
    def __init__(
        self,
        alpha: float = 0.01,
        ids: Iterable[VariableKey] | None = None,
        env: VariableEnvironment | None = None,
        namespace: str | None = None,
        *,
        eps: float = 1e-7,
        check_finite: bool = False,
    ) -> None:
        self._rule = _Optimizer.adagrad(alpha, eps, ids, _environment("AdaGrad", env), namespace, check_finite)

    @property
    def eps(self) -> float:
        """What is added to the root of the sum of squares: a finite number, 0 or more.

        >>> optimizer = ag.optimizers.AdaGrad(env=ag.VariableEnvironment())
        >>> optimizer.eps = 1e-10
        >>> optimizer.eps
        1e-10
        """
        return self._rule.get("eps")

    @eps.setter
    def eps(self, value: float) -> None:
        self._rule.set("eps", value)

    @classmethod
    @_keywords
    def default(
        cls,
        namespace: str,
        ids: Iterable[VariableKey] | None,
        env: VariableEnvironment,
        *,
        alpha: float = 0.01,
        eps: float = 1e-7,
        check_finite: bool = False,
    ) -> AdaGrad:
        """The same with the namespace in front, and options by keyword.

        >>> env = ag.VariableEnvironment()
        >>> w = env.name("w").set(np.ones(2))
        >>> optimizer = ag.optimizers.AdaGrad.default("state", [w], env)
        >>> optimizer.alpha
        0.01
        """
        return cls(alpha, ids, env, namespace, eps=eps, check_finite=check_finite)


class Adam(_Base):
    """Adam (Kingma, Ba 2015, algorithm 1): `m = b1 * m + (1 - b1) * g; v = b2 * v + (1 - b2) * g ** 2; t += 1;
    w -= alpha * (m / (1 - b1 ** t)) / (sqrt(v / (1 - b2 ** t)) + eps)`.

    State of the variable `w`: `"w.m"`, `"w.v"`, `"w.t"` in `namespace`, by default `"adam"`. `ids` names the variables by id or by name,
    by default all of the default namespace.

    >>> env = ag.VariableEnvironment()
    >>> w = env.name("w").set(np.array([1.0, -2.0]))
    >>> optimizer = ag.optimizers.Adam(env=env, alpha=0.1)
    >>> with ag.Context(env) as ctx:
    ...     v = ctx.variable(w)
    ...     grads = T.grad([v * v], [v])
    ...     optimizer.update([v], grads, ctx)
    >>> env.get(w).round(6)
    array([ 0.9, -1.9])

    Two groups of variables with rates of their own:

    >>> ids = [env.name(name).set(np.ones(2)) for name in ("body", "head")]
    >>> slow = ag.optimizers.Adam(env=env, ids=["body"], alpha=1e-4)
    >>> fast = ag.optimizers.Adam(env=env, ids=["head"], alpha=1e-2)
    """

    __slots__ = ()

    @_keywords
    def __init__(
        self,
        alpha: float = 1e-3,
        eps: float = 1e-8,
        b1: float = 0.9,
        b2: float = 0.999,
        ids: Iterable[VariableKey] | None = None,
        env: VariableEnvironment | None = None,
        namespace: str | None = None,
        *,
        check_finite: bool = False,
    ) -> None:
        self._rule = _Optimizer.adam(alpha, eps, b1, b2, ids, _environment("Adam", env), namespace, check_finite)

    @property
    def eps(self) -> float:
        """What is added to the root of the second moment: a finite number, 0 or more.

        >>> optimizer = ag.optimizers.Adam(env=ag.VariableEnvironment())
        >>> optimizer.eps = 1e-6
        >>> optimizer.eps
        1e-06
        """
        return self._rule.get("eps")

    @eps.setter
    def eps(self, value: float) -> None:
        self._rule.set("eps", value)

    @property
    def b1(self) -> float:
        """The decay of the first moment: from 0 up to, but without, 1.

        >>> optimizer = ag.optimizers.Adam(env=ag.VariableEnvironment())
        >>> optimizer.b1 = 0.95
        >>> optimizer.b1
        0.95
        """
        return self._rule.get("b1")

    @b1.setter
    def b1(self, value: float) -> None:
        self._rule.set("b1", value)

    @property
    def b2(self) -> float:
        """The decay of the second moment: from 0 up to, but without, 1.

        >>> optimizer = ag.optimizers.Adam(env=ag.VariableEnvironment())
        >>> optimizer.b2 = 0.99
        >>> optimizer.b2
        0.99
        """
        return self._rule.get("b2")

    @b2.setter
    def b2(self, value: float) -> None:
        self._rule.set("b2", value)

    @classmethod
    @_keywords
    def default(
        cls,
        namespace: str,
        ids: Iterable[VariableKey] | None,
        env: VariableEnvironment,
        *,
        alpha: float = 1e-3,
        eps: float = 1e-8,
        b1: float = 0.9,
        b2: float = 0.999,
        check_finite: bool = False,
    ) -> Adam:
        """The same with the namespace in front, and options by keyword.

        >>> env = ag.VariableEnvironment()
        >>> w = env.name("w").set(np.ones(2))
        >>> optimizer = ag.optimizers.Adam.default("state", [w], env, alpha=0.01)
        >>> optimizer.alpha, optimizer.b1, optimizer.b2
        (0.01, 0.9, 0.999)
        """
        return cls(alpha, eps, b1, b2, ids, env, namespace, check_finite=check_finite)
