//! Matrix exponentials, and the trigonometric and hyperbolic functions of matrices.

use crate::graph::op::OpDef;

use super::functions::{Function, function, matrix_function};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&EXPM, &EXPM_FRECHET, &SINM, &COSM, &SINHM, &COSHM, &TANHM];

row! {
    /// The exponential function of the square matrices in the last two axes: `1 + a + a^2 / 2 + ..`, by scaling and squaring (A. H.
    /// Al-Mohy, N. J. Higham 2009). With `hermitian` the symmetric part is taken, and computed by its eigenvalues. NaN, infinities and an
    /// overflow are an error of the run.
    ///
    /// Gradient: the derivative of the function at `a^T` in the direction `g`, a block of `expm([[a^T, g], [0, a^T]])`; with `hermitian`,
    /// `v (f[w_i, w_j] (v^T g v)) v^T` with divided differences, which are right for equal eigenvalues too.
    pub EXPM = fn expm(a: float; hermitian: bool = false) -> y
    body { function(a, Function::Exp, hermitian) }
    numpy "ref.each(scipy.linalg.expm, ref.symmetric_if(a, hermitian))";
    example "T.expm([[0.0, 1.0], [0.0, 0.0]])" => "[[1. 1.]\n [0. 1.]]";
    alias matrix_exp;
    linalg expm, matrix_exp;
    rounds by_layout;
    case real[3, 3];
    case real[2, 2, 2];
    case real[3, 3] with hermitian = true;
    case real[2, 2, 2] with hermitian = true;
    refuses f64[2, 3] => "expm: not a square matrix. Got shape (2, 3); expected shape (..., n, n).";
}

row! {
    /// The exponential function of `a`, and its derivative at `a` in the direction `e`: SciPy's. The axes in front of matrices broadcast.
    ///
    /// Gradient: of the derivative, `D[g]` at `a^T` for `e` and the second derivative `D[e^T, g]` for `a`, where `D` is that at `a^T`.
    pub EXPM_FRECHET = fn expm_frechet(a: float, e: float) -> y, derivative
    body { (matrix_function(a, &[] as &[crate::graph::Tensor<'_>], Function::Exp), matrix_function(a, &[e], Function::Exp)) }
    numpy "ref.each(scipy.linalg.expm_frechet, a, e)";
    example "T.expm_frechet([[0.0, 1.0], [0.0, 0.0]], [[0.0, 2.0], [0.0, 0.0]])" => "[[1. 1.]\n [0. 1.]] [[0. 2.]\n [0. 0.]]";
    linalg expm_frechet;
    rounds by_layout;
    case real[3, 3], real[3, 3];
    case real[2, 2, 2], real[2, 2, 2];
    refuses f64[2, 2], f64[3, 3] => "expm_frechet: the lengths differ. Got (2, 2) and (3, 3); expected matrices of one length.";
}

row! {
    /// The sine of the square matrices in the last two axes. It is a block of the exponential function of `[[0, -a], [a, 0]]`. With
    /// `hermitian` the symmetric part is taken.
    ///
    /// Gradient: the derivative of the function at `a^T` in the direction `g`; with `hermitian` by divided differences, as of `expm`.
    pub SINM = fn sinm(a: float; hermitian: bool = false) -> y
    body { function(a, Function::Sin, hermitian) }
    numpy "ref.each(scipy.linalg.sinm, ref.symmetric_if(a, hermitian))";
    example "T.sinm([[0.0, 1.0], [0.0, 0.0]])" => "[[0. 1.]\n [0. 0.]]";
    linalg sinm;
    rounds by_layout;
    case real[3, 3];
    case real[2, 2, 2];
    case real[3, 3] with hermitian = true;
    case real[2, 2, 2] with hermitian = true;
    refuses f64[2, 3] => "sinm: not a square matrix. Got shape (2, 3); expected shape (..., n, n).";
}

row! {
    /// The cosine of the square matrices in the last two axes. It is a block of the exponential function of `[[0, -a], [a, 0]]`. With
    /// `hermitian` the symmetric part is taken.
    ///
    /// Gradient: the derivative of the function at `a^T` in the direction `g`; with `hermitian` by divided differences, as of `expm`.
    pub COSM = fn cosm(a: float; hermitian: bool = false) -> y
    body { function(a, Function::Cos, hermitian) }
    numpy "ref.each(scipy.linalg.cosm, ref.symmetric_if(a, hermitian))";
    example "T.cosm([[0.0, 1.0], [0.0, 0.0]])" => "[[1. 0.]\n [0. 1.]]";
    linalg cosm;
    rounds by_layout;
    case real[3, 3];
    case real[2, 2, 2];
    case real[3, 3] with hermitian = true;
    case real[2, 2, 2] with hermitian = true;
    refuses f64[2, 3] => "cosm: not a square matrix. Got shape (2, 3); expected shape (..., n, n).";
}

row! {
    /// The hyperbolic sine of the square matrices in the last two axes. It is a block of the exponential function of `[[0, a], [a, 0]]`.
    /// With `hermitian` the symmetric part is taken.
    ///
    /// Gradient: the derivative of the function at `a^T` in the direction `g`; with `hermitian` by divided differences, as of `expm`.
    pub SINHM = fn sinhm(a: float; hermitian: bool = false) -> y
    body { function(a, Function::Sinh, hermitian) }
    numpy "ref.each(ref.sinhm, ref.symmetric_if(a, hermitian))";
    example "T.sinhm([[0.0, 1.0], [0.0, 0.0]])" => "[[0. 1.]\n [0. 0.]]";
    linalg sinhm;
    rounds by_layout;
    case real[3, 3];
    case real[2, 2, 2];
    case real[3, 3] with hermitian = true;
    case real[2, 2, 2] with hermitian = true;
    refuses f64[2, 3] => "sinhm: not a square matrix. Got shape (2, 3); expected shape (..., n, n).";
}

row! {
    /// The hyperbolic cosine of the square matrices in the last two axes. It is a block of the exponential function of `[[0, a], [a, 0]]`.
    /// With `hermitian` the symmetric part is taken.
    ///
    /// Gradient: the derivative of the function at `a^T` in the direction `g`; with `hermitian` by divided differences, as of `expm`.
    pub COSHM = fn coshm(a: float; hermitian: bool = false) -> y
    body { function(a, Function::Cosh, hermitian) }
    numpy "ref.each(ref.coshm, ref.symmetric_if(a, hermitian))";
    example "T.coshm([[0.0, 1.0], [0.0, 0.0]])" => "[[1. 0.]\n [0. 1.]]";
    linalg coshm;
    rounds by_layout;
    case real[3, 3];
    case real[2, 2, 2];
    case real[3, 3] with hermitian = true;
    case real[2, 2, 2] with hermitian = true;
    refuses f64[2, 3] => "coshm: not a square matrix. Got shape (2, 3); expected shape (..., n, n).";
}

row! {
    /// The hyperbolic tangent of the square matrices in the last two axes. A pole (an eigenvalue of `i pi (k + 1/2)`) is an error of the
    /// run. With `hermitian` the symmetric part is taken.
    ///
    /// Gradient: the derivative of the function at `a^T` in the direction `g`; with `hermitian` by divided differences, as of `expm`.
    pub TANHM = fn tanhm(a: float; hermitian: bool = false) -> y
    body { function(a, Function::Tanh, hermitian) }
    numpy "ref.each(scipy.linalg.tanhm, ref.symmetric_if(a, hermitian))";
    example "T.tanhm([[0.0, 1.0], [0.0, 0.0]])" => "[[0. 1.]\n [0. 0.]]";
    linalg tanhm;
    rounds by_layout;
    case real[3, 3];
    case real[2, 2, 2];
    case real[3, 3] with hermitian = true;
    case real[2, 2, 2] with hermitian = true;
    refuses f64[2, 3] => "tanhm: not a square matrix. Got shape (2, 3); expected shape (..., n, n).";
}
