"""Optimizers: gradients, update and state in one run.

A step that fails (a bad feed, a label out of range, a gradient that is not finite where that is checked) leaves every
variable and all state as they were.

Hyperparameters are properties: one that is set takes effect at the next step, without a new graph or plan. What the
constructor refuses, such as a negative rate or NaN, the property refuses too, and then keeps its value.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ._lib import Context, Feeder, Plan, Tensor, VariableEnvironment, VariableID, _Optimizer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["SGD", "AdaGrad", "Adam", "MomentumSGD"]


class _Base:
    __slots__ = ("__weakref__", "_rule")

    _rule: _Optimizer

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

    def update(self, vars: Sequence[Tensor], grads: Sequence[Tensor], ctx: Context, feeder: Feeder | None = None) -> None:
        """Take a step: evaluate the gradients and write the variables and the state, in one run.

        >>> env = ag.VariableEnvironment()
        >>> w = env.name("w").set(np.array([1.0, -2.0]))
        >>> with ag.Context(env) as ctx:
        ...     v = ctx.variable(w)
        ...     ag.optimizers.SGD(0.25).update([v], T.grad([v * v], [v]), ctx)
        >>> env.get(w)
        array([ 0.5, -1. ])
        """
        self.update_and_eval([], vars, grads, ctx, feeder)

    def update_and_eval(
        self,
        outputs: Sequence[Tensor],
        vars: Sequence[Tensor],
        grads: Sequence[Tensor],
        ctx: Context,
        feeder: Feeder | None = None,
    ) -> list[NDArray[np.generic]]:
        """Take a step and return the values of `outputs`, such as the loss, from the same run.

        They see the variables before the update.

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
        return self._rule.step(outputs, vars, grads, ctx, feeder).run()

    def plan(
        self,
        outputs: Sequence[Tensor],
        vars: Sequence[Tensor],
        grads: Sequence[Tensor],
        ctx: Context,
        feeder: Feeder | None = None,
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
        return self._rule.step(outputs, vars, grads, ctx, feeder).plan()


class SGD(_Base):
    """Gradient descent: `w -= alpha * g`.

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

    def __init__(self, alpha: float, *, check_finite: bool = False) -> None:
        self._rule = _Optimizer.sgd(alpha, check_finite)


class MomentumSGD(_Base):
    """Gradient descent with momentum: `v = momentum * v - alpha * g; w += v`.

    >>> env = ag.VariableEnvironment()
    >>> w = env.name("w").set(np.array([1.0, -2.0]))
    >>> optimizer = ag.optimizers.MomentumSGD(0.1, 0.9, [w], env, "momentum")
    >>> with ag.Context(env) as ctx:
    ...     v = ctx.variable(w)
    ...     grads = T.grad([v * v], [v])
    ...     for _ in range(2):
    ...         optimizer.update([v], grads, ctx)
    >>> env.get(w).round(6)
    array([ 0.46, -0.92])
    """

    __slots__ = ()

    def __init__(
        self,
        alpha: float,
        momentum: float,
        ids: Iterable[VariableID],
        env: VariableEnvironment,
        namespace: str,
        *,
        check_finite: bool = False,
    ) -> None:
        self._rule = _Optimizer.momentum_sgd(alpha, momentum, ids, env, namespace, check_finite)

    @property
    def momentum(self) -> float:
        """The part of the last step that is kept: a finite number, 0 or more.

        >>> optimizer = ag.optimizers.MomentumSGD(0.1, 0.5, [], ag.VariableEnvironment(), "momentum")
        >>> optimizer.momentum = 0.9
        >>> optimizer.momentum
        0.9
        """
        return self._rule.get("momentum")

    @momentum.setter
    def momentum(self, value: float) -> None:
        self._rule.set("momentum", value)

    @classmethod
    def default(cls, namespace: str, ids: Iterable[VariableID], env: VariableEnvironment, **options: Any) -> MomentumSGD:
        """Rate 0.01, momentum 0.9.

        >>> env = ag.VariableEnvironment()
        >>> w = env.name("w").set(np.ones(2))
        >>> optimizer = ag.optimizers.MomentumSGD.default("state", [w], env)
        >>> optimizer.alpha, optimizer.momentum
        (0.01, 0.9)
        """
        return cls(0.01, 0.9, ids, env, namespace, **options)


class AdaGrad(_Base):
    """AdaGrad: `h += g ** 2; w -= alpha * g / (sqrt(h) + 1e-7)` (Duchi, Hazan, Singer 2011).

    >>> env = ag.VariableEnvironment()
    >>> w = env.name("w").set(np.array([1.0, -2.0]))
    >>> optimizer = ag.optimizers.AdaGrad(0.1, [w], env, "adagrad")
    >>> with ag.Context(env) as ctx:
    ...     v = ctx.variable(w)
    ...     grads = T.grad([v * v], [v])
    ...     optimizer.update([v], grads, ctx)
    >>> env.get(w).round(6)
    array([ 0.9, -1.9])
    """

    __slots__ = ()

    def __init__(
        self, alpha: float, ids: Iterable[VariableID], env: VariableEnvironment, namespace: str, *, check_finite: bool = False
    ) -> None:
        self._rule = _Optimizer.adagrad(alpha, ids, env, namespace, check_finite)

    @classmethod
    def default(cls, namespace: str, ids: Iterable[VariableID], env: VariableEnvironment, **options: Any) -> AdaGrad:
        """Rate 0.01.

        >>> env = ag.VariableEnvironment()
        >>> w = env.name("w").set(np.ones(2))
        >>> optimizer = ag.optimizers.AdaGrad.default("state", [w], env)
        >>> optimizer.alpha
        0.01
        """
        return cls(0.01, ids, env, namespace, **options)


class Adam(_Base):
    """Adam (Kingma, Ba 2015, algorithm 1).

    State: `"{index}m"`, `"{index}v"`, `"{index}t"` in `namespace`, saved with the environment.

    >>> env = ag.VariableEnvironment()
    >>> w = env.name("w").set(np.array([1.0, -2.0]))
    >>> optimizer = ag.optimizers.Adam(0.1, 1e-8, 0.9, 0.999, [w], env, "adam")
    >>> with ag.Context(env) as ctx:
    ...     v = ctx.variable(w)
    ...     grads = T.grad([v * v], [v])
    ...     optimizer.update([v], grads, ctx)
    >>> env.get(w).round(6)
    array([ 0.9, -1.9])
    """

    __slots__ = ()

    def __init__(
        self,
        alpha: float,
        eps: float,
        b1: float,
        b2: float,
        ids: Iterable[VariableID],
        env: VariableEnvironment,
        namespace: str,
        *,
        check_finite: bool = False,
    ) -> None:
        self._rule = _Optimizer.adam(alpha, eps, b1, b2, ids, env, namespace, check_finite)

    @property
    def eps(self) -> float:
        """What is added to the root of the second moment: a finite number, 0 or more.

        >>> optimizer = ag.optimizers.Adam.default("adam", [], ag.VariableEnvironment())
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

        >>> optimizer = ag.optimizers.Adam.default("adam", [], ag.VariableEnvironment())
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

        >>> optimizer = ag.optimizers.Adam.default("adam", [], ag.VariableEnvironment())
        >>> optimizer.b2 = 0.99
        >>> optimizer.b2
        0.99
        """
        return self._rule.get("b2")

    @b2.setter
    def b2(self, value: float) -> None:
        self._rule.set("b2", value)

    @classmethod
    def default(cls, namespace: str, ids: Iterable[VariableID], env: VariableEnvironment, **options: Any) -> Adam:
        """Rate 1e-3, eps 1e-8, b1 0.9, b2 0.999.

        >>> env = ag.VariableEnvironment()
        >>> w = env.name("w").set(np.ones(2))
        >>> optimizer = ag.optimizers.Adam.default("state", [w], env)
        >>> optimizer.alpha, optimizer.b1, optimizer.b2
        (0.001, 0.9, 0.999)
        """
        return cls(1e-3, 1e-8, 0.9, 0.999, ids, env, namespace, **options)
