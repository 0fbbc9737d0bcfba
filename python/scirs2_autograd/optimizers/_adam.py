"""Adam and what follows from it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from .._lib import VariableEnvironment, _Optimizer
from ._base import Number, Optimizer, environment, keywords

if TYPE_CHECKING:
    from .._typing import VariableKey


class Adam(Optimizer):
    """Adam (Kingma, Ba 2015, algorithm 1): `m = b1 * m + (1 - b1) * g; v = b2 * v + (1 - b2) * g ** 2; t += 1;
    w -= alpha * (m / (1 - b1 ** t)) / (sqrt(v / (1 - b2 ** t)) + eps)`.

    State of the variable `w`: `"w.m"`, `"w.v"`, `"w.t"` in `namespace`, by default `"adam"`. `ids` names the variables by id or by
    name, by default all of the default namespace.

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

    @keywords
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
        weight_decay: float = 0.0,
        check_finite: bool = False,
    ) -> None:
        numbers = {"alpha": alpha, "eps": eps, "b1": b1, "b2": b2, "weight_decay": weight_decay}
        self._rule = _Optimizer.make("Adam", numbers, ids, environment("Adam", env), namespace, check_finite)

    eps = Number(
        """What is added to the root of the second moment: a finite number, 0 or more.

        >>> optimizer = ag.optimizers.Adam(env=ag.VariableEnvironment())
        >>> optimizer.eps = 1e-6
        >>> optimizer.eps
        1e-06
        """
    )

    b1 = Number(
        """The decay of the first moment: from 0 up to, but without, 1.

        >>> optimizer = ag.optimizers.Adam(env=ag.VariableEnvironment())
        >>> optimizer.b1 = 0.95
        >>> optimizer.b1
        0.95
        """
    )

    b2 = Number(
        """The decay of the second moment: from 0 up to, but without, 1.

        >>> optimizer = ag.optimizers.Adam(env=ag.VariableEnvironment())
        >>> optimizer.b2 = 0.99
        >>> optimizer.b2
        0.99
        """
    )

    weight_decay = Number(
        """The weight of the decay: a finite number, 0 or more. `weight_decay * w` is added to the gradient, as that of
        `weight_decay * w ** 2 / 2`. Without it, at 0, a step is another plan.

        >>> optimizer = ag.optimizers.Adam(env=ag.VariableEnvironment())
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
        eps: float = 1e-8,
        b1: float = 0.9,
        b2: float = 0.999,
        weight_decay: float = 0.0,
        check_finite: bool = False,
    ) -> Adam:
        """The same with the namespace in front, and options by keyword.

        >>> env = ag.VariableEnvironment()
        >>> w = env.name("w").set(np.ones(2))
        >>> optimizer = ag.optimizers.Adam.default("state", [w], env, alpha=0.01)
        >>> optimizer.alpha, optimizer.b1, optimizer.b2
        (0.01, 0.9, 0.999)
        """
        return cls(alpha, eps, b1, b2, ids, env, namespace, weight_decay=weight_decay, check_finite=check_finite)


class AdamW(Optimizer):
    """Adam with decoupled weight decay (Loshchilov, Hutter 2019, algorithm 2): the step of `Adam`, and
    `w -= alpha * weight_decay * w` with the `w` before it.

    State of the variable `w`: `"w.adamw.m"`, `"w.adamw.v"`, `"w.adamw.t"` in `namespace`, by default `"adamw"`. `ids` names the
    variables by id or by name, by default all of the default namespace.

    >>> env = ag.VariableEnvironment()
    >>> w = env.name("w").set(np.array([1.0, -2.0]))
    >>> optimizer = ag.optimizers.AdamW(env=env, alpha=0.1)
    >>> with ag.Context(env) as ctx:
    ...     v = ctx.variable(w)
    ...     grads = T.grad([v * v], [v])
    ...     for _ in range(2):
    ...         optimizer.update([v], grads, ctx)
    >>> env.get(w).round(6)
    array([ 0.798519, -1.796273])
    """

    __slots__ = ()

    @keywords
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
        weight_decay: float = 0.01,
        check_finite: bool = False,
    ) -> None:
        numbers = {"alpha": alpha, "eps": eps, "b1": b1, "b2": b2, "weight_decay": weight_decay}
        self._rule = _Optimizer.make("AdamW", numbers, ids, environment("AdamW", env), namespace, check_finite)

    eps = Number("What is added to the root: a finite number, 0 or more.")
    b1 = Number("The decay of the first moment: from 0 up to, but without, 1.")
    b2 = Number("The decay of the second moment: from 0 up to, but without, 1.")
    weight_decay = Number("The weight of the decay, which no moment sees: a finite number, 0 or more.")

    @classmethod
    @keywords
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
        weight_decay: float = 0.01,
        check_finite: bool = False,
    ) -> AdamW:
        """The same with the namespace in front, and options by keyword.

        >>> env = ag.VariableEnvironment()
        >>> w = env.name("w").set(np.ones(2))
        >>> optimizer = ag.optimizers.AdamW.default("state", [w], env)
        >>> optimizer.alpha
        0.001
        """
        return cls(alpha, eps, b1, b2, ids, env, namespace, weight_decay=weight_decay, check_finite=check_finite)


class NAdam(Optimizer):
    """Adam with Nesterov's momentum (Dozat 2016), as PyTorch's: with `b(t) = b1 * (1 - 0.96 ** (t * momentum_decay) / 2)` and
    `q = 1 - b(1) * b(2) * ... * b(t)`, `t += 1; m = b1 * m + (1 - b1) * g; v = b2 * v + (1 - b2) * g ** 2;
    w -= alpha * ((1 - b(t)) / q * g + b(t + 1) / (1 - (1 - q) * b(t + 1)) * m) / (sqrt(v / (1 - b2 ** t)) + eps)`.

    State of the variable `w`: `"w.nadam.m"`, `"w.nadam.v"`, `"w.nadam.t"`, `"w.nadam.q"` in `namespace`, by default `"nadam"`.
    `ids` names the variables by id or by name, by default all of the default namespace.

    >>> env = ag.VariableEnvironment()
    >>> w = env.name("w").set(np.array([1.0, -2.0]))
    >>> optimizer = ag.optimizers.NAdam(env=env, alpha=0.1)
    >>> with ag.Context(env) as ctx:
    ...     v = ctx.variable(w)
    ...     grads = T.grad([v * v], [v])
    ...     for _ in range(2):
    ...         optimizer.update([v], grads, ctx)
    >>> env.get(w).round(6)
    array([ 0.819973, -1.817898])
    """

    __slots__ = ()

    @keywords
    def __init__(
        self,
        alpha: float = 2e-3,
        eps: float = 1e-8,
        b1: float = 0.9,
        b2: float = 0.999,
        ids: Iterable[VariableKey] | None = None,
        env: VariableEnvironment | None = None,
        namespace: str | None = None,
        *,
        momentum_decay: float = 4e-3,
        weight_decay: float = 0.0,
        check_finite: bool = False,
    ) -> None:
        numbers = {"alpha": alpha, "eps": eps, "b1": b1, "b2": b2, "momentum_decay": momentum_decay, "weight_decay": weight_decay}
        self._rule = _Optimizer.make("NAdam", numbers, ids, environment("NAdam", env), namespace, check_finite)

    eps = Number("What is added to the root: a finite number, 0 or more.")
    b1 = Number("The decay of the first moment: from 0 up to, but without, 1.")
    b2 = Number("The decay of the second moment: from 0 up to, but without, 1.")
    momentum_decay = Number("How fast the first moment's decay goes from `b1 / 2` to `b1`: a finite number, 0 or more.")
    weight_decay = Number(
        """The weight of the decay: a finite number, 0 or more. `weight_decay * w` is added to the gradient, as that of
        `weight_decay * w ** 2 / 2`. Without it, at 0, a step is another plan.

        >>> optimizer = ag.optimizers.NAdam(env=ag.VariableEnvironment())
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
        alpha: float = 2e-3,
        eps: float = 1e-8,
        b1: float = 0.9,
        b2: float = 0.999,
        momentum_decay: float = 4e-3,
        weight_decay: float = 0.0,
        check_finite: bool = False,
    ) -> NAdam:
        """The same with the namespace in front, and options by keyword.

        >>> env = ag.VariableEnvironment()
        >>> w = env.name("w").set(np.ones(2))
        >>> optimizer = ag.optimizers.NAdam.default("state", [w], env)
        >>> optimizer.alpha
        0.002
        """
        return cls(
            alpha, eps, b1, b2, ids, env, namespace, momentum_decay=momentum_decay, weight_decay=weight_decay, check_finite=check_finite
        )
