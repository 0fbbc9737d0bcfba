"""Functions of linear algebra that are written by hand: what a row of the op table has no parameters for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast, overload

import numpy as np

from ._lib import Tensor, __version__, _apply
from ._rows import rows as _rows
from .exceptions import ShapeError

if TYPE_CHECKING:
    from ._typing import Axes, TensorLike

__all__ = [
    "cg",
    "cho_factor",
    "cho_solve",
    "condition_number",
    "funm",
    "lstsq",
    "matrix_norm",
    "norm",
    "qr",
]

_row = _rows(__version__)
_CG, _CHOLESKY, _CHO_SOLVE, _CONDITION = _row("cg"), _row("cholesky"), _row("cho_solve"), _row("condition_number")
_CAST, _LSTSQ, _PRODUCT, _SQUARE, _SUB, _SUM = _row("cast"), _row("lstsq"), _row("matmul"), _row("square"), _row("sub"), _row("reduce_sum")
_EIGH, _MATRIX_NORM, _NORM, _QR = _row("eigh"), _row("matrix_norm"), _row("norm"), _row("qr")
_MATMUL, _MUL, _SWAPPED, _NEW_AXIS, _ZEROS = (
    _row("batch_matmul"),
    _row("mul"),
    _row("matrix_transpose"),
    _row("expand_dims"),
    _row("zeros_like"),
)

#: Which norm of matrices.
MatrixOrder: TypeAlias = Literal["fro", "nuc", "inf", "-inf", 1, -1, 2, -2] | float

#: The orders of norms of matrices that are numbers.
_ORDERS = {1.0: "1", -1.0: "-1", 2.0: "2", -2.0: "-2", np.inf: "inf", -np.inf: "-inf"}


def _order(op: str, ord: Any) -> str:
    """The name that the table has for a norm of matrices."""
    if isinstance(ord, str):
        known = ord if ord in ("fro", "nuc", *_ORDERS.values()) else None
    else:
        known = _ORDERS.get(float(ord)) if _is_number(ord) else None
    if known is None:
        msg = f'{op}: matrices have no norm of this order. Got {ord!r}; expected "fro", "nuc", 1, -1, 2, -2, inf or -inf.'
        raise ValueError(msg)
    return known


def _is_number(x: object) -> bool:
    return isinstance(x, (int, float, np.number))


def norm(x: TensorLike, ord: TensorLike | Literal["fro", "nuc"] | None = None, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """A norm of vectors or matrices, as `numpy.linalg.norm`.

    Without `ord` the root of the sum of squares, over all elements or those along `axis`. Over one axis, or of a vector, `ord` is any
    number (inf and -inf for the extremes, 0 to count what is not 0) or a 0-d tensor: see `vector_norm`. Over two, or of a matrix, it
    is one of `"fro"`, `"nuc"`, 1, -1, 2, -2, inf and -inf: see `matrix_norm`.

    Gradient: that of `vector_norm` or `matrix_norm`.

    >>> with ag.Context():
    ...     a = T.constant([[3.0, 0.0], [0.0, -4.0]])
    ...     print(T.norm(a).eval(), T.norm(a, axis=1).eval(), T.norm(a, "nuc").eval(), T.norm(a, np.inf).eval())
    5.0 [3. 4.] 7.0 4.0
    """
    if isinstance(ord, str):
        ndim = np.ndim(x) if axis is None else 2
        if ndim != 2:
            msg = f'norm: a norm of matrices is asked for. Got ord="{ord}" for {ndim} dimensions; expected two, or a pair of axes.'
            raise ShapeError(msg)
        return matrix_norm(x, _order("norm", ord), (0, 1) if axis is None else axis, keepdims)
    order: Any = float(cast("Any", ord)) if _is_number(ord) else ord
    y: Tensor = _apply(_NORM, (x, order), (axis, keepdims))
    return y


def matrix_norm(x: TensorLike, ord: MatrixOrder | str = "fro", axis: int | Sequence[int] = (-2, -1), keepdims: bool = False) -> Tensor:
    """A norm of the matrices in two axes, in floating numbers, as `numpy.linalg.matrix_norm`.

    `"fro"` is the root of the sum of squares, `"nuc"` the sum of the singular values, 2 and -2 the largest and the smallest of them, 1
    and -1 the largest and the smallest sum of magnitudes in a column, inf and -inf in a row.

    Gradient: with `x = u diag(s) vh`, `x / y` (0 at the zero matrix), `u vh` without the values that are zero, `u vh` of the largest or
    the smallest value (0 where that is zero), and signs in the column or row. Equal extremes share it. Second derivatives are exact at
    repeated singular values.

    >>> with ag.Context():
    ...     a = T.constant([[[3.0, 0.0], [0.0, 4.0]], [[1.0, -1.0], [1.0, 1.0]]])
    ...     print(T.linalg.matrix_norm(a).eval(), T.linalg.matrix_norm(a, 1).eval())
    [5. 2.] [4. 2.]
    """
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    y: Tensor = _apply(_MATRIX_NORM, (x,), (_order("matrix_norm", ord), axes, keepdims))
    return y


def condition_number(a: TensorLike, p: MatrixOrder | str | None = None) -> Tensor:
    """The condition number of the matrices in the last two axes, as `numpy.linalg.cond`: in `T.linalg` its name is `cond` too.

    Without `p`, or with 2, the largest singular value divided by the smallest; -2 is the inverse of that; else the norm of the matrix
    times that of its inverse. A singular matrix has an infinite one.

    Gradient: through the norms; 0 where the result is infinite.

    >>> with ag.Context():
    ...     a = T.constant([[[2.0, 0.0], [0.0, 8.0]], [[1.0, 0.0], [0.0, 0.0]]])
    ...     print(T.condition_number(a).eval(), T.linalg.cond(a, 1).eval())
    [ 4. inf] [ 4. inf]
    """
    y: Tensor = _apply(_CONDITION, (a,), ("2" if p is None else _order("cond", p),))
    return y


@overload
def qr(a: TensorLike, mode: Literal["reduced", "complete"] = "reduced") -> tuple[Tensor, Tensor]: ...


@overload
def qr(a: TensorLike, mode: Literal["r"]) -> Tensor: ...


def qr(a: TensorLike, mode: Literal["reduced", "complete", "r"] = "reduced") -> tuple[Tensor, Tensor] | Tensor:
    """The factors `q r = a` of the matrices in the last two axes, as `numpy.linalg.qr`; with mode `"r"` the second one alone.

    `q` has orthonormal columns, as many as the shorter side (`"reduced"`) or as rows (`"complete"`); `r` is upper triangular, and its
    diagonal is not negative.

    Gradient: for columns of full rank. Columns that complete a basis are free to turn: a loss may depend on the space that they span,
    and is an error of the run if it depends on more.

    >>> with ag.Context() as ctx:
    ...     print(*ctx.eval(T.qr([[3.0, 1.0], [4.0, 2.0]])))
    [[ 0.6 -0.8]
     [ 0.8  0.6]] [[5.  2.2]
     [0.  0.4]]
    """
    made: tuple[Tensor, Tensor] = _apply(_QR, (a,), ("reduced" if mode == "r" else mode,))
    return made[1] if mode == "r" else made


def cho_factor(a: TensorLike, lower: bool = False) -> tuple[Tensor, bool]:
    """The Cholesky factor of symmetric positive definite matrices and `lower`: what `cho_solve` takes, as `scipy.linalg.cho_factor`.

    The symmetric part of `a` is factored; beside the factor are zeros, where SciPy leaves anything.

    >>> with ag.Context():
    ...     factor = T.linalg.cho_factor([[4.0, 2.0], [2.0, 5.0]], lower=True)
    ...     print(T.linalg.cho_solve(factor, [8.0, 12.0]).eval())
    [1. 2.]
    """
    c: Tensor = _apply(_CHOLESKY, (a,), (not lower,))
    return c, lower


def cho_solve(c_and_lower: TensorLike | tuple[TensorLike, bool], b: TensorLike, lower: bool | None = None) -> Tensor:
    """The solution `x` of `a x = b` from the Cholesky factor of `a`: `cho_solve((c, lower), b)`, as `scipy.linalg.cho_solve`, or
    `cho_solve(c, b, lower=...)`.

    Of `c` the upper triangle is read, or with `lower` the lower one. A 1-d `b` is one right side, else the columns of its last two axes
    are.

    Gradient: of both triangular systems; `c` gets it in that triangle.

    >>> with ag.Context():
    ...     l = T.linalg.cholesky([[4.0, 2.0], [2.0, 5.0]])
    ...     print(T.linalg.cho_solve((l, True), [8.0, 12.0]).eval(), T.linalg.cho_solve(l, [8.0, 12.0], lower=True).eval())
    [1. 2.] [1. 2.]
    """
    c, own = _pair(c_and_lower)
    if lower is not None and own is not None and own != lower:
        msg = f"cho_solve: `lower` is given twice. Got {own} and {lower}; expected one of them."
        raise ValueError(msg)
    x: Tensor = _apply(_CHO_SOLVE, (c, b), (bool(lower if own is None else own),))
    return x


def _pair(c: Any) -> tuple[Any, bool | None]:
    """What `cho_factor` gives, or a factor alone."""
    pair = cast("Sequence[Any]", c)
    if isinstance(c, tuple) and len(pair) == 2 and type(pair[1]) in (bool, np.bool_):
        return pair[0], bool(pair[1])
    return cast("Any", c), None


def lstsq(a: TensorLike, b: TensorLike, rcond: TensorLike | None = None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The least squares solution of `a x = b`, with the sums of squares that are left, the rank and the singular values of `a`, as
    `numpy.linalg.lstsq`.

    `a` has any shape and rank; where many solutions are as good, it is the shortest one. A 1-d `b` is one right side, else the columns of
    its last two axes are right sides; the axes before broadcast. Singular values up to `rcond` times the largest count as zero, by default
    up to the rounding of 1 times the longer side. The sums have the shapes of NumPy's: one for a 1-d `b`, none if `a` has no more rows than
    columns. A lower rank is known to the run alone: then they are there, where NumPy leaves them out.

    Gradient: that of a matrix whose rank stays, exact at every rank and at equal singular values; none to the rank.

    >>> with ag.Context() as ctx:
    ...     x, left, rank, s = T.linalg.lstsq([[2.0, 0.0], [0.0, 1.0], [0.0, 0.0]], [2.0, 3.0, 4.0])
    ...     print(*ctx.eval([x, left, rank, s]))
    [1. 3.] [16.] 2 [2. 1.]
    """
    made: tuple[Tensor, Tensor, Tensor] = _apply(_LSTSQ, (a, b, rcond), ())
    x, rank, s = made
    single = np.ndim(b) == 1
    rest = _apply(_SQUARE, (_apply(_SUB, (_apply(_PRODUCT, (a, x), ()), b), ()),), ())
    left: Any = _apply(_SUM, (rest, None), (-1 if single else -2, single))
    m, n = np.shape(a)[-2:]
    nothing = m is not None and n is not None and m <= n
    return x, left[..., :0] if nothing else left, _apply(_CAST, (rank,), ("int32",)), s


def cg(
    a: TensorLike | Callable[[Any], Any],
    b: TensorLike,
    x0: TensorLike | None = None,
    rtol: TensorLike = 1e-5,
    atol: TensorLike = 0.0,
    maxiter: int | None = None,
) -> Tensor:
    """The solution `x` of `a x = b` by conjugate gradients from `x0` (0 by default), for symmetric positive definite `a`.

    `a` is a matrix, of which the symmetric part counts, or a linear function of a vector, whose matrix is taken from its Jacobian: it
    is stored. The iteration ends where the residual is at most `max(rtol * |b|, atol)`. What has not come to that in `maxiter` steps, ten
    for each unknown by default, is `LinAlgError` with the residual.

    Gradient: that of the solution, by the same iteration to the same tolerance, in every order; none to `x0`.

    >>> with ag.Context():
    ...     a = T.constant([[4.0, 1.0], [1.0, 3.0]])
    ...     print(T.linalg.cg(a, [9.0, 5.0], rtol=1e-12).eval().round(8))
    ...     print(T.linalg.cg(lambda v: 2.0 * v, [9.0, 5.0]).eval())
    [2. 1.]
    [4.5 2.5]
    """
    x: Tensor = _apply(_CG, (_matrix(a, b) if callable(a) else a, b, x0, rtol, atol), (maxiter,))
    return x


def _matrix(f: Callable[[Any], Any], b: TensorLike) -> Any:
    """The matrix of a linear function of vectors like `b`."""
    # The transformations are made with these functions.
    from .transforms import jacobian

    if np.ndim(b) != 1:
        msg = f"cg: a function takes vectors. Got {np.ndim(b)} dimensions for b; expected one."
        raise ShapeError(msg)
    return jacobian(f)(_apply(_ZEROS, (b,), (None,)))


def funm(a: TensorLike, func: Callable[[Any], Any], hermitian: bool = True) -> Tensor:
    """The function of symmetric matrices that `func` is of numbers: `v diag(func(w)) v^T` with the eigenvalues `w` and eigenvectors `v` of
    the symmetric part of `a`.

    `func` takes the tensor of all eigenvalues and returns one of its shape: a function of each number by itself.

    Gradient: exact where eigenvalues meet too, if `func` has a derivative there. Other matrices have no orthonormal eigenvectors: with
    `hermitian=False` it raises `ValueError`.

    >>> with ag.Context():
    ...     print(T.linalg.funm([[2.0, 1.0], [1.0, 2.0]], lambda w: w**2).eval().round(8))
    [[5. 4.]
     [4. 5.]]
    """
    if not hermitian:
        msg = (
            "funm: only functions of symmetric matrices are known. Got hermitian=False; expected True.\n"
            "help: `expm`, `logm` and `sqrtm` are functions of any square matrix"
        )
        raise ValueError(msg)
    w, v = _apply(_EIGH, (a,), ("both", 2))
    values: Any = func(w)
    if np.shape(values) != np.shape(w):
        msg = f"funm: the function does not keep the eigenvalues apart. Got shape {np.shape(values)}; expected {np.shape(w)}."
        raise ShapeError(msg)
    scaled = _apply(_MUL, (v, _apply(_NEW_AXIS, (values,), (-2,))), ())
    y: Tensor = _apply(_MATMUL, (scaled, _apply(_SWAPPED, (v,), ())), ())
    return y
