"""Typed functions of a user, written with NumPy alone and differentiated as they stand. Strict type checkers accept them, and refuse what
is marked."""

import dataclasses
from typing import assert_type

import numpy as np
from numpy.typing import NDArray

import scirs2_autograd as ag

Array = NDArray[np.float64]


@dataclasses.dataclass
class Spring:
    """Its stiffness, and where it rests."""

    stiffness: Array
    rest: Array


def energy(x: Array, spring: Spring, *, damping: float = 0.0) -> Array:
    """The energy of a chain of masses."""
    stretch: Array = np.diff(x) - spring.rest
    total: Array = 0.5 * np.sum(spring.stiffness * stretch**2) + damping * np.sum(np.square(x))
    return total


@ag.jit
def forces(x: Array, spring: Spring) -> Array:
    """The forces on the masses."""
    f: Array = -ag.grad(energy)(x, spring, damping=0.1)
    return f


def relaxed(x: Array, spring: Spring, steps: int) -> Array:
    """Where the masses come to rest."""
    for _ in range(steps):
        x = x + 0.1 * assert_type(forces(x, spring), Array)
    return x


def main() -> tuple[Array, Array, Spring]:
    """The masses at rest, the Hessian of the energy there, and its gradient by the spring."""
    spring = Spring(np.array([1.0, 2.0]), np.array([0.5, 0.7]))
    x = relaxed(np.zeros(3), spring, 400)
    hessian: Array = ag.jit(ag.hessian(energy))(x, spring, damping=0.1)
    by_spring: Spring = ag.grad(energy, argnums=1)(x, spring)
    return x, hessian, by_spring


def mistakes() -> None:
    """What a type checker finds before the program runs."""
    forces(np.zeros(3))  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    ag.grad(energy)(np.zeros(3), "spring")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
