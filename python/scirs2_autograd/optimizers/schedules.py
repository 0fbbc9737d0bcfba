"""Schedules: the rate of each step, counted from 0.

A schedule is called with the number of a step. It keeps nothing, so that training that is loaded goes on with the step that it has come to;
a rate that is set makes no plan. `Plateau` is the exception: it follows a metric.

>>> env = ag.VariableEnvironment()
>>> w = env.name("w").set(np.array([1.0, -2.0]))
>>> optimizer = ag.optimizers.SGD()
>>> schedule = ag.optimizers.schedules.WarmUp(ag.optimizers.schedules.Cosine(0.1, 20), 5)
>>> with ag.Context(env) as ctx:
...     v = ctx.variable(w)
...     grads = T.grad([v * v], [v])
...     for step in range(25):
...         optimizer.alpha = schedule(step)
...         optimizer.update([v], grads, ctx)
>>> env.get(w).round(6)
array([ 0.066724, -0.133448])
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .._lib import _Plateau, _Schedule
from ..exceptions import DTypeError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Constant", "Cosine", "Exponential", "Linear", "OneCycle", "Plateau", "Schedule", "Step", "WarmUp"]


class Schedule(ABC):
    """What all schedules have: `schedule(step)` is `schedule.value(step)`. Equal ones compare equal, and they can be copied and pickled.

    >>> schedule = ag.optimizers.schedules.Exponential(1.0, 0.5)
    >>> schedule, schedule(2)
    (Exponential(alpha=1.0, factor=0.5), 0.25)
    """

    _rule: _Schedule

    @abstractmethod
    def _made(self) -> _Schedule:
        """The engine's schedule."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "_rule", self._made())

    def __reduce__(self) -> Any:
        return type(self), _arguments(self)

    def value(self, step: int) -> float:
        """The rate of a step; the first one is step 0.

        >>> ag.optimizers.schedules.Linear(1.0, 4, start=0.0).value(3)
        0.75
        """
        return self._rule.value(step)

    __call__ = value


def _arguments(made: Any) -> tuple[Any, ...]:
    return tuple(getattr(made, field.name) for field in dataclasses.fields(made))


@dataclass(frozen=True)
class Constant(Schedule):
    """The rate `alpha` in all steps.

    >>> ag.optimizers.schedules.Constant(0.1)(1000)
    0.1
    """

    alpha: float

    def _made(self) -> _Schedule:
        return _Schedule.constant(self.alpha)


@dataclass(frozen=True)
class Step(Schedule):
    """`alpha * factor ** (step // every)`: PyTorch's `StepLR`.

    >>> schedule = ag.optimizers.schedules.Step(1.0, 10, factor=0.5)
    >>> [schedule(step) for step in (0, 9, 10, 25)]
    [1.0, 1.0, 0.5, 0.25]
    """

    alpha: float
    every: int
    factor: float = 0.1

    def _made(self) -> _Schedule:
        return _Schedule.step(self.alpha, self.every, self.factor)


@dataclass(frozen=True)
class Exponential(Schedule):
    """`alpha * factor ** step`: PyTorch's `ExponentialLR`.

    >>> schedule = ag.optimizers.schedules.Exponential(1.0, 0.5)
    >>> [schedule(step) for step in range(4)]
    [1.0, 0.5, 0.25, 0.125]
    """

    alpha: float
    factor: float

    def _made(self) -> _Schedule:
        return _Schedule.exponential(self.alpha, self.factor)


@dataclass(frozen=True)
class Cosine(Schedule):
    """`least + (alpha - least) * (1 + cos(pi * step / steps)) / 2` (Loshchilov, Hutter 2017): PyTorch's `CosineAnnealingLR`.

    After `steps` steps the rate is `least`, and rises again from there as it has fallen.

    >>> schedule = ag.optimizers.schedules.Cosine(1.0, 10, least=0.5)
    >>> [schedule(step) for step in (0, 5, 10)]
    [1.0, 0.75, 0.5]
    """

    alpha: float
    steps: int
    least: float = 0.0

    def _made(self) -> _Schedule:
        return _Schedule.cosine(self.alpha, self.steps, self.least)


@dataclass(frozen=True)
class Linear(Schedule):
    """`alpha * (start + (end - start) * min(step, steps) / steps)`: PyTorch's `LinearLR`.

    >>> schedule = ag.optimizers.schedules.Linear(1.0, 4, start=1.0, end=0.0)
    >>> [schedule(step) for step in (0, 1, 2, 4, 5)]
    [1.0, 0.75, 0.5, 0.0, 0.0]
    """

    alpha: float
    steps: int
    start: float = 1 / 3
    end: float = 1.0

    def _made(self) -> _Schedule:
        return _Schedule.linear(self.alpha, self.steps, self.start, self.end)


@dataclass(frozen=True)
class WarmUp(Schedule):
    """The schedule `then` after `steps` steps in which the rate rises linearly to its first one, from the part `start` of that.

    It is PyTorch's `SequentialLR` of a `LinearLR` and that schedule.

    >>> schedule = ag.optimizers.schedules.WarmUp(ag.optimizers.schedules.Exponential(1.0, 0.5), 4)
    >>> [schedule(step) for step in range(6)]
    [0.0, 0.25, 0.5, 0.75, 1.0, 0.5]
    """

    then: Schedule
    steps: int
    start: float = 0.0

    def _made(self) -> _Schedule:
        rule = getattr(self.then, "_rule", None)
        if not isinstance(rule, _Schedule):
            msg = f"WarmUp: it is followed by no schedule. Got {self.then!r}; expected a schedule of `ag.optimizers.schedules`."
            raise DTypeError(msg)
        return _Schedule.warm_up(rule, self.steps, self.start)


@dataclass(frozen=True)
class OneCycle(Schedule):
    """A rise from `alpha / div_factor` to `alpha` and a fall to `alpha / div_factor / final_div_factor`, both half a period of the
    cosine (Smith, Topin 2017): PyTorch's `OneCycleLR` with its two phases.

    The part `rise` of the steps is the first phase. The last of `steps` steps has the least rate, and so have all after it.

    >>> schedule = ag.optimizers.schedules.OneCycle(1.0, 20)
    >>> [round(schedule(step), 6) for step in (0, 5, 19)]
    [0.04, 1.0, 4e-06]
    """

    alpha: float
    steps: int
    rise: float = 0.3
    div_factor: float = 25.0
    final_div_factor: float = 1e4

    def _made(self) -> _Schedule:
        return _Schedule.one_cycle(self.alpha, self.steps, self.rise, self.div_factor, self.final_div_factor)


@dataclass(eq=False)
class Plateau:
    """A rate that is multiplied by `factor` when more than `patience` observations in a row are no better than the best one: PyTorch's
    `ReduceLROnPlateau`.

    A metric is better if it is smaller, or with `larger` larger, by more than `threshold`, which is a part of the best one if it is
    `relative`. NaN is no better. After a fall no observation counts as bad for `cooldown` observations. The rate is at least `least`, and
    a fall by no more than `eps` is left out.

    >>> plateau = ag.optimizers.schedules.Plateau(0.1, factor=0.5, patience=1)
    >>> [plateau.observe(loss) for loss in (3.0, 2.0, 2.0, 2.0, 1.0)]
    [0.1, 0.1, 0.1, 0.05, 0.05]
    """

    alpha: float
    _: dataclasses.KW_ONLY
    factor: float = 0.1
    patience: int = 10
    threshold: float = 1e-4
    relative: bool = True
    larger: bool = False
    cooldown: int = 0
    least: float = 0.0
    eps: float = 1e-8

    def __post_init__(self) -> None:
        numbers = (self.alpha, self.factor, self.patience, self.threshold, self.relative, self.larger, self.cooldown, self.least, self.eps)
        self._rule = _Plateau(*numbers)

    def __reduce__(self) -> Any:
        return _made, (type(self), dataclasses.asdict(self)), self.state()

    def __setstate__(self, state: ArrayLike) -> None:
        self.restore(state)

    def value(self) -> float:
        """The rate.

        >>> ag.optimizers.schedules.Plateau(0.1).value()
        0.1
        """
        return self._rule.value()

    def observe(self, metric: float) -> float:
        """Take the metric of an epoch, and return the rate of the next one.

        >>> plateau = ag.optimizers.schedules.Plateau(1.0, patience=0, factor=0.5)
        >>> [plateau.observe(loss) for loss in (2.0, 2.0, 1.0)]
        [1.0, 0.5, 0.5]
        """
        return self._rule.observe(metric)

    def state(self) -> NDArray[np.float64]:
        """What it has come to: the rate, the best metric, and how many observations in a row were no better, and are still left out.

        A variable keeps it with the rest:

        >>> plateau, env = ag.optimizers.schedules.Plateau(1.0), ag.VariableEnvironment()
        >>> rate = plateau.observe(3.0)
        >>> id = env.name("plateau").set(plateau.state())
        >>> ag.optimizers.schedules.Plateau(1.0).restore(env["plateau"])
        """
        return np.array(self._rule.state())

    def restore(self, state: ArrayLike) -> None:
        """Go on from a state; one that is none raises `ValueError` and changes nothing.

        >>> plateau, other = ag.optimizers.schedules.Plateau(1.0), ag.optimizers.schedules.Plateau(1.0)
        >>> rate = plateau.observe(3.0)
        >>> other.restore(plateau.state())
        >>> other.state()
        array([1., 3., 0., 0.])
        """
        self._rule.restore(np.asarray(state, np.float64).ravel().tolist())


def _made(cls: type[Plateau], options: dict[str, Any]) -> Plateau:
    return cls(**options)
