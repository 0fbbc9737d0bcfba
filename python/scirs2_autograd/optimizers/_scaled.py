"""Steps that are scaled by mean squares of gradients."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from .._lib import VariableEnvironment, _Optimizer
from ._base import Number, Optimizer, environment, keywords

if TYPE_CHECKING:
    from .._typing import VariableKey


class AdaGrad(Optimizer):
    """AdaGrad: `h += g ** 2; w -= alpha * g / (sqrt(h) + eps)` (Duchi, Hazan, Singer 2011).

    State of the variable `w`: `"w.h"` in `namespace`, by default `"adagrad"`. `ids` names the variables by id or by name, by
    default all of the default namespace.

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

    @keywords
    def __init__(
        self,
        alpha: float = 0.01,
        ids: Iterable[VariableKey] | None = None,
        env: VariableEnvironment | None = None,
        namespace: str | None = None,
        *,
        eps: float = 1e-7,
        weight_decay: float = 0.0,
        check_finite: bool = False,
    ) -> None:
        numbers = {"alpha": alpha, "eps": eps, "weight_decay": weight_decay}
        self._rule = _Optimizer.make("AdaGrad", numbers, ids, environment("AdaGrad", env), namespace, check_finite)

    eps = Number(
        """What is added to the root of the sum of squares: a finite number, 0 or more.

        >>> optimizer = ag.optimizers.AdaGrad(env=ag.VariableEnvironment())
        >>> optimizer.eps = 1e-10
        >>> optimizer.eps
        1e-10
        """
    )

    weight_decay = Number(
        """The weight of the decay: a finite number, 0 or more. `weight_decay * w` is added to the gradient, as that of
        `weight_decay * w ** 2 / 2`. Without it, at 0, a step is another plan.

        >>> optimizer = ag.optimizers.AdaGrad(env=ag.VariableEnvironment())
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
        eps: float = 1e-7,
        weight_decay: float = 0.0,
        check_finite: bool = False,
    ) -> AdaGrad:
        """The same with the namespace in front, and options by keyword.

        >>> env = ag.VariableEnvironment()
        >>> w = env.name("w").set(np.ones(2))
        >>> optimizer = ag.optimizers.AdaGrad.default("state", [w], env)
        >>> optimizer.alpha
        0.01
        """
        return cls(alpha, ids, env, namespace, eps=eps, weight_decay=weight_decay, check_finite=check_finite)


class RMSprop(Optimizer):
    """RMSprop (Tieleman, Hinton 2012): `v = rho * v + (1 - rho) * g ** 2; w -= alpha * g / (sqrt(v) + eps)`, as PyTorch's.

    With `centered` (Graves 2013) `v - c ** 2`, or 0 where that is negative, is under the root, with `c = rho * c + (1 - rho) * g`. With a
    `momentum` the step is `u = momentum * u + g / (sqrt(v) + eps); w -= alpha * u`.

    State of the variable `w`: `"w.rmsprop.v"`, and `"w.rmsprop.c"` and `"w.rmsprop.u"` if it is centred and has momentum, in
    `namespace`, by default `"rmsprop"`. `ids` names the variables by id or by name, by default all of the default namespace.

    >>> env = ag.VariableEnvironment()
    >>> w = env.name("w").set(np.array([1.0, -2.0]))
    >>> optimizer = ag.optimizers.RMSprop(env=env, alpha=0.01)
    >>> with ag.Context(env) as ctx:
    ...     v = ctx.variable(w)
    ...     grads = T.grad([v * v], [v])
    ...     for _ in range(2):
    ...         optimizer.update([v], grads, ctx)
    >>> env.get(w).round(6)
    array([ 0.832918, -1.830943])
    """

    __slots__ = ()

    @keywords
    def __init__(
        self,
        alpha: float = 0.01,
        ids: Iterable[VariableKey] | None = None,
        env: VariableEnvironment | None = None,
        namespace: str | None = None,
        *,
        rho: float = 0.99,
        eps: float = 1e-8,
        momentum: float = 0.0,
        centered: bool = False,
        weight_decay: float = 0.0,
        check_finite: bool = False,
    ) -> None:
        numbers = {"alpha": alpha, "rho": rho, "eps": eps, "momentum": momentum, "weight_decay": weight_decay}
        self._rule = _Optimizer.make("RMSprop", numbers, ids, environment("RMSprop", env), namespace, check_finite, centered)

    rho = Number("The decay of the mean squares: from 0 up to, but without, 1.")
    eps = Number("What is added to the root: a finite number, 0 or more.")
    momentum = Number(
        """The part of the last step that is kept: a finite number, 0 or more; only 0 where it was made without momentum, and so
        without state for it."""
    )
    weight_decay = Number(
        """The weight of the decay: a finite number, 0 or more. `weight_decay * w` is added to the gradient, as that of
        `weight_decay * w ** 2 / 2`. Without it, at 0, a step is another plan.

        >>> optimizer = ag.optimizers.RMSprop(env=ag.VariableEnvironment())
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
        rho: float = 0.99,
        eps: float = 1e-8,
        momentum: float = 0.0,
        centered: bool = False,
        weight_decay: float = 0.0,
        check_finite: bool = False,
    ) -> RMSprop:
        """The same with the namespace in front, and options by keyword.

        >>> env = ag.VariableEnvironment()
        >>> w = env.name("w").set(np.ones(2))
        >>> optimizer = ag.optimizers.RMSprop.default("state", [w], env)
        >>> optimizer.alpha
        0.01
        """
        return cls(
            alpha,
            ids,
            env,
            namespace,
            rho=rho,
            eps=eps,
            momentum=momentum,
            centered=centered,
            weight_decay=weight_decay,
            check_finite=check_finite,
        )


class Adadelta(Optimizer):
    """Adadelta (Zeiler 2012, algorithm 1): `v = rho * v + (1 - rho) * g ** 2; d = g * sqrt(u + eps) / sqrt(v + eps);
    u = rho * u + (1 - rho) * d ** 2; w -= alpha * d`.

    State of the variable `w`: `"w.adadelta.v"`, `"w.adadelta.u"` in `namespace`, by default `"adadelta"`. `ids` names the variables
    by id or by name, by default all of the default namespace.

    >>> env = ag.VariableEnvironment()
    >>> w = env.name("w").set(np.array([1.0, -2.0]))
    >>> optimizer = ag.optimizers.Adadelta(env=env, alpha=1.0)
    >>> with ag.Context(env) as ctx:
    ...     v = ctx.variable(w)
    ...     grads = T.grad([v * v], [v])
    ...     for _ in range(2):
    ...         optimizer.update([v], grads, ctx)
    >>> env.get(w).round(6)
    array([ 0.993598, -1.993596])
    """

    __slots__ = ()

    @keywords
    def __init__(
        self,
        alpha: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        ids: Iterable[VariableKey] | None = None,
        env: VariableEnvironment | None = None,
        namespace: str | None = None,
        *,
        weight_decay: float = 0.0,
        check_finite: bool = False,
    ) -> None:
        numbers = {"alpha": alpha, "rho": rho, "eps": eps, "weight_decay": weight_decay}
        self._rule = _Optimizer.make("Adadelta", numbers, ids, environment("Adadelta", env), namespace, check_finite)

    rho = Number("The decay of the mean squares: from 0 up to, but without, 1.")
    eps = Number("What is added to the mean squares: a finite number, 0 or more.")
    weight_decay = Number(
        """The weight of the decay: a finite number, 0 or more. `weight_decay * w` is added to the gradient, as that of
        `weight_decay * w ** 2 / 2`. Without it, at 0, a step is another plan.

        >>> optimizer = ag.optimizers.Adadelta(env=ag.VariableEnvironment())
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
        alpha: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        check_finite: bool = False,
    ) -> Adadelta:
        """The same with the namespace in front, and options by keyword.

        >>> env = ag.VariableEnvironment()
        >>> w = env.name("w").set(np.ones(2))
        >>> optimizer = ag.optimizers.Adadelta.default("state", [w], env)
        >>> optimizer.alpha
        1.0
        """
        return cls(alpha, rho, eps, ids, env, namespace, weight_decay=weight_decay, check_finite=check_finite)
