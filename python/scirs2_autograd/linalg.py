"""Linear algebra: the functions of `tensor_ops` on matrices, under NumPy's and SciPy's names.

>>> import scirs2_autograd as ag
>>> from scirs2_autograd import tensor_ops as T
>>> with ag.Context():
...     print(T.linalg.det([[2.0, 0.0], [1.0, 3.0]]).eval())
6.0
"""

# Generated from the op table by tools/gen.py: edit the rows, not this file.

from .tensor_ops import (
    cholesky,
    cross,
    det,
    determinant,
    diag,
    diagonal,
    eig,
    eig_parts,
    eigen,
    eigenvalues,
    eigh,
    eigvals,
    eigvals_parts,
    eigvalsh,
    inv,
    kron,
    logdet,
    lu,
    lu_factor,
    lu_solve,
    matmul,
    matrix_inverse,
    outer,
    qr,
    slogdet,
    solve,
    solve_triangular,
    svd,
    svdvals,
    tensordot,
    trace,
    tril,
    triu,
    vecdot,
)

__all__ = [
    "cholesky",
    "cross",
    "det",
    "determinant",
    "diag",
    "diagonal",
    "eig",
    "eig_parts",
    "eigen",
    "eigenvalues",
    "eigh",
    "eigvals",
    "eigvals_parts",
    "eigvalsh",
    "inv",
    "kron",
    "logdet",
    "lu",
    "lu_factor",
    "lu_solve",
    "matmul",
    "matrix_inverse",
    "outer",
    "qr",
    "slogdet",
    "solve",
    "solve_triangular",
    "svd",
    "svdvals",
    "tensordot",
    "trace",
    "tril",
    "triu",
    "vecdot",
]
