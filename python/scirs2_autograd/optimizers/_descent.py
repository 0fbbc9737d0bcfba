"""Gradient descent, with and without momentum, and by signs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from .._lib import VariableEnvironment, _Optimizer
from ._base import Number, Optimizer, environment, keywords

if TYPE_CHECKING:
    from .._typing import VariableKey


class SGD(Optimizer):
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

    @keywords
    def __init__(
        self,
        alpha: float = 1e-3,
        ids: Iterable[VariableKey] | None = None,
        env: VariableEnvironment | None = None,
        *,
        weight_decay: float = 0.0,
        check_finite: bool = False,
    ) -> None:
        if ids is not None:
            environment("SGD", env)
        numbers = {"alpha": alpha, "weight_decay": weight_decay}
        self._rule = _Optimizer.make("SGD", numbers, ids, env, None, check_finite)

    weight_decay = Number(
        """The weight of the decay: a finite number, 0 or more. `weight_decay * w` is added to the gradient, as that of
        `weight_decay * w ** 2 / 2`. Without it, at 0, a step is another plan.

        >>> optimizer = ag.optimizers.SGD(0.1)
        >>> optimizer.weight_decay = 1e-4
        >>> optimizer.weight_decay
        0.0001
        """
    )


class MomentumSGD(Optimizer):
    """Gradient descent with momentum: `u = momentum * u - alpha * g; w += u`.

    State of the variable `w`: `"w.u"` in `namespace`, by default `"momentum_sgd"`. `ids` names the variables by id or by name, by
    default all of the default namespace.

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

    @keywords
    def __init__(
        self,
        alpha: float = 0.01,
        momentum: float = 0.9,
        ids: Iterable[VariableKey] | None = None,
        env: VariableEnvironment | None = None,
        namespace: str | None = None,
        *,
        weight_decay: float = 0.0,
        check_finite: bool = False,
    ) -> None:
        numbers = {"alpha": alpha, "momentum": momentum, "weight_decay": weight_decay}
        self._rule = _Optimizer.make("MomentumSGD", numbers, ids, environment("MomentumSGD", env), namespace, check_finite)

    momentum = Number(
        """The part of the last step that is kept: a finite number, 0 or more.

        >>> optimizer = ag.optimizers.MomentumSGD(env=ag.VariableEnvironment(), momentum=0.5)
        >>> optimizer.momentum = 0.9
        >>> optimizer.momentum
        0.9
        """
    )

    weight_decay = Number(
        """The weight of the decay: a finite number, 0 or more. `weight_decay * w` is added to the gradient, as that of
        `weight_decay * w ** 2 / 2`. Without it, at 0, a step is another plan.

        >>> optimizer = ag.optimizers.MomentumSGD(env=ag.VariableEnvironment())
        >>> optimizer.weight_decay = 1e-4
        >>> optimizer.weight_decay
        0.0001
        """
    )

    @classmethod
    @keywords
    def default(
        cls,
        namespace: str,
        ids: Iterable[VariableKey] | None,
        env: VariableEnvironment,
        *,
        alpha: float = 0.01,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        check_finite: bool = False,
    ) -> MomentumSGD:
        """The same with the namespace in front, and options by keyword.

        >>> env = ag.VariableEnvironment()
        >>> w = env.name("w").set(np.ones(2))
        >>> optimizer = ag.optimizers.MomentumSGD.default("state", [w], env)
        >>> optimizer.alpha, optimizer.momentum
        (0.01, 0.9)
        """
        return cls(alpha, momentum, ids, env, namespace, weight_decay=weight_decay, check_finite=check_finite)


class Nesterov(Optimizer):
    """Gradient descent with Nesterov's momentum (Sutskever, Martens, Dahl, Hinton 2013): `u = momentum * u + g;
    w -= alpha * (g + momentum * u)`, as PyTorch's `SGD(nesterov=True)`.

    State of the variable `w`: `"w.nesterov.u"` in `namespace`, by default `"nesterov"`. `ids` names the variables by id or by name,
    by default all of the default namespace.

    >>> env = ag.VariableEnvironment()
    >>> w = env.name("w").set(np.array([1.0, -2.0]))
    >>> optimizer = ag.optimizers.Nesterov(env=env, alpha=0.1)
    >>> with ag.Context(env) as ctx:
    ...     v = ctx.variable(w)
    ...     grads = T.grad([v * v], [v])
    ...     for _ in range(2):
    ...         optimizer.update([v], grads, ctx)
    >>> env.get(w).round(6)
    array([ 0.2224, -0.4448])
    """

    __slots__ = ()

    @keywords
    def __init__(
        self,
        alpha: float = 1e-3,
        momentum: float = 0.9,
        ids: Iterable[VariableKey] | None = None,
        env: VariableEnvironment | None = None,
        namespace: str | None = None,
        *,
        weight_decay: float = 0.0,
        check_finite: bool = False,
    ) -> None:
        numbers = {"alpha": alpha, "momentum": momentum, "weight_decay": weight_decay}
        self._rule = _Optimizer.make("Nesterov", numbers, ids, environment("Nesterov", env), namespace, check_finite)

    momentum = Number("The part of the last step that is kept: a finite number, 0 or more.")
    weight_decay = Number(
        """The weight of the decay: a finite number, 0 or more. `weight_decay * w` is added to the gradient, as that of
        `weight_decay * w ** 2 / 2`. Without it, at 0, a step is another plan.

        >>> optimizer = ag.optimizers.Nesterov(env=ag.VariableEnvironment())
        >>> optimizer.weight_decay = 1e-4
        >>> optimizer.weight_decay
        0.0001
        """
    )

    @classmethod
    @keywords
    def default(
        cls,
        namespace: str,
        ids: Iterable[VariableKey] | None,
        env: VariableEnvironment,
        *,
        alpha: float = 1e-3,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        check_finite: bool = False,
    ) -> Nesterov:
        """The same with the namespace in front, and options by keyword.

        >>> env = ag.VariableEnvironment()
        >>> w = env.name("w").set(np.ones(2))
        >>> optimizer = ag.optimizers.Nesterov.default("state", [w], env)
        >>> optimizer.alpha
        0.001
        """
        return cls(alpha, momentum, ids, env, namespace, weight_decay=weight_decay, check_finite=check_finite)


class Lion(Optimizer):
    """Lion (Chen and others 2023, algorithm 2): `w -= alpha * (sign(b1 * m + (1 - b1) * g) + weight_decay * w);
    m = b2 * m + (1 - b2) * g`, with the `m` and the `w` before the step.

    State of the variable `w`: `"w.lion.m"` in `namespace`, by default `"lion"`. `ids` names the variables by id or by name, by
    default all of the default namespace.

    >>> env = ag.VariableEnvironment()
    >>> w = env.name("w").set(np.array([1.0, -2.0]))
    >>> optimizer = ag.optimizers.Lion(env=env, alpha=0.1)
    >>> with ag.Context(env) as ctx:
    ...     v = ctx.variable(w)
    ...     grads = T.grad([v * v], [v])
    ...     for _ in range(2):
    ...         optimizer.update([v], grads, ctx)
    >>> env.get(w).round(6)
    array([ 0.79981, -1.79961])
    """

    __slots__ = ()

    @keywords
    def __init__(
        self,
        alpha: float = 1e-4,
        b1: float = 0.9,
        b2: float = 0.99,
        ids: Iterable[VariableKey] | None = None,
        env: VariableEnvironment | None = None,
        namespace: str | None = None,
        *,
        weight_decay: float = 1e-3,
        check_finite: bool = False,
    ) -> None:
        numbers = {"alpha": alpha, "b1": b1, "b2": b2, "weight_decay": weight_decay}
        self._rule = _Optimizer.make("Lion", numbers, ids, environment("Lion", env), namespace, check_finite)

    b1 = Number("The weight of the old moment in the direction of a step: from 0 up to, but without, 1.")
    b2 = Number("The decay of the moment: from 0 up to, but without, 1.")
    weight_decay = Number("The weight of the decay, which no moment sees: a finite number, 0 or more.")

    @classmethod
    @keywords
    def default(
        cls,
        namespace: str,
        ids: Iterable[VariableKey] | None,
        env: VariableEnvironment,
        *,
        alpha: float = 1e-4,
        b1: float = 0.9,
        b2: float = 0.99,
        weight_decay: float = 1e-3,
        check_finite: bool = False,
    ) -> Lion:
        """The same with the namespace in front, and options by keyword.

        >>> env = ag.VariableEnvironment()
        >>> w = env.name("w").set(np.ones(2))
        >>> optimizer = ag.optimizers.Lion.default("state", [w], env)
        >>> optimizer.alpha
        0.0001
        """
        return cls(alpha, b1, b2, ids, env, namespace, weight_decay=weight_decay, check_finite=check_finite)
