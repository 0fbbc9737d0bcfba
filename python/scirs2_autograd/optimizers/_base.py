"""What all optimizers have: the arguments that they take, their numbers, and a step."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, overload

from .._lib import Context, Plan, Tensor, VariableEnvironment, _Optimizer
from ..exceptions import DTypeError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .._typing import Feeds, PolicyLike

_F = TypeVar("_F", bound=Callable[..., Any])

#: What other packages call things, and what to write here.
_ELSEWHERE = {
    "amsgrad": "there is no such variant",
    "beta1": "write `b1`",
    "beta2": "write `b2`",
    "betas": "write `b1` and `b2`",
    "clipnorm": "`T.clip_by_norm` clips gradients",
    "clipvalue": "`T.clip` clips gradients",
    "decay": "write `weight_decay`",
    "epsilon": "write `eps`",
    "feeder": "write `feeds`",
    "learning_rate": "write `alpha`",
    "load_state_dict": "the state is in the environment: `ag.VariableEnvironment.load(path)`",
    "lr": "write `alpha`",
    "minimize": "`update(vars, grads, ctx, feeds)` takes a step with the gradients that `T.grad` gives",
    "maximize": "give the gradients of `-loss`",
    "momentum": "`MomentumSGD`, `Nesterov` and `RMSprop` have a momentum",
    "nesterov": "`Nesterov` is an optimizer",
    "param_groups": "make one optimizer for each group of variables: `ids` says which",
    "parameters": "write `ids`",
    "params": "write `ids`",
    "state_dict": "the state is in the environment: `env.save(path)`",
    "scheduler": "`optimizer.alpha = schedule(step)` before each step",
    "step": "`update(vars, grads, ctx, feeds)` takes a step",
    "variables": "write `ids`",
    "zero_grad": "gradients are graph and do not add up: there is nothing to reset",
}


def message(op: str, what: str, got: object, rule: str, name: str = "") -> str:
    text = f"{op}: {what}. Got {got}; expected {rule}."
    return f"{text}\nhelp: {_ELSEWHERE[name]}" if name in _ELSEWHERE else text


def keywords(f: _F) -> _F:
    """`f`, which answers a keyword that it does not have with those that it has."""
    code = f.__code__
    names = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]

    @functools.wraps(f)
    def checked(self: object, /, *args: Any, **options: Any) -> Any:
        for name in options:
            if name not in names:
                op = (self if isinstance(self, type) else type(self)).__name__
                raise TypeError(message(op, "there is no such argument", name, f"one of {', '.join(names)}", name))
        return f(self, *args, **options)

    return checked  # type: ignore[return-value]


def environment(op: str, env: VariableEnvironment | None) -> VariableEnvironment:
    if env is None:
        text = message(op, "the environment is missing", "no env", "the environment of the variables")
        raise TypeError(f"{text}\nhelp: write {op}(env=env), or {op}(env=env, ids=[...], alpha=...)")
    return env


class Number:
    """A hyperparameter of an optimizer, which can be set."""

    def __init__(self, doc: str) -> None:
        self.__doc__ = doc

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, optimizer: None, owner: type) -> Number: ...
    @overload
    def __get__(self, optimizer: Optimizer, owner: type) -> float: ...
    def __get__(self, optimizer: Optimizer | None, owner: type) -> Number | float:
        return self if optimizer is None else optimizer._rule.get(self._name)  # pyright: ignore[reportPrivateUsage]

    def __set__(self, optimizer: Optimizer, value: float) -> None:
        optimizer._rule.set(self._name, value)  # pyright: ignore[reportPrivateUsage]


class Optimizer:
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
        raise AttributeError(message(type(self).__name__, "there is no such attribute", name, f"one of {', '.join(names)}", name))

    def __repr__(self) -> str:
        cls = type(self)
        numbers = (f"{n}={getattr(self, n)}" for n in dir(cls) if isinstance(getattr(cls, n), Number))
        return f"{cls.__name__}({', '.join(numbers)})"

    def __reduce__(self) -> NoReturn:
        text = message(type(self).__name__, "it cannot be copied or pickled", self, "the environment that has its state")
        raise DTypeError(f"{text}\nhelp: copy or pickle the environment, and make an optimizer for the copy, which goes on with the state")

    alpha = Number(
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
    )

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
