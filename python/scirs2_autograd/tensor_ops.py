"""Functions on tensors, and what makes tensors: `help(T.tanh)` has formula, gradient and an example of each.

A function takes tensors, numbers and arrays, and returns a tensor of the graph that the tensors belong to, or of the current
context; without either it computes at once, and returns a value. In the formulas of gradients `g` is the gradient with respect to the
result of the function.

The examples are to be read after these lines:

>>> import numpy as np
>>> import scirs2_autograd as ag
>>> from scirs2_autograd import tensor_ops as T
"""

# Generated from the op table by tools/gen.py: edit the rows, not this file.

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, overload

from . import _methods as _methods
from ._functions import (
    CheckpointGroup,
    CheckpointProfiler,
    _hessian_vector_product,
    arange,
    assign,
    bernoulli,
    checkpoint_segment,
    checkpoint_segment_flex,
    cond,
    constant,
    einsum,
    eye,
    full,
    grad,
    grad_with_default,
    jacobians,
    linspace,
    normal_like,
    ones,
    polygamma,
    random_normal,
    random_uniform,
    show,
    slice,
    standard_normal,
    standard_uniform,
    tensordot,
    uniform_like,
    zeros,
)
from ._lib import Tensor, _apply
from ._linalg import (
    cg,
    cho_factor,
    cho_solve,
    condition_number,
    funm,
    lstsq,
    matrix_norm,
    norm,
    qr,
)
from ._rows import rows as _rows

if TYPE_CHECKING:
    from ._typing import Axes, DTypeLike, Shape, TensorLike

__all__ = [
    "CheckpointGroup",
    "CheckpointProfiler",
    "_hessian_vector_product",
    "abs",
    "acos",
    "acosh",
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_checkpoint",
    "adaptive_max_pool1d",
    "adaptive_max_pool1d_with_indices",
    "adaptive_max_pool2d",
    "adaptive_max_pool2d_with_indices",
    "adaptive_max_pool3d",
    "adaptive_max_pool3d_with_indices",
    "add",
    "all",
    "alpha_dropout",
    "amax",
    "amin",
    "aminmax",
    "any",
    "arange",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "argmax",
    "argmin",
    "argsort",
    "array_split",
    "asin",
    "asinh",
    "assign",
    "astype",
    "atan",
    "atan2",
    "atanh",
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "average",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "band_matrix",
    "batch_matmul",
    "batch_norm",
    "bce_with_logits",
    "bce_with_logits_loss",
    "bernoulli",
    "bilinear",
    "binary_cross_entropy",
    "binary_cross_entropy_loss",
    "binary_cross_entropy_with_logits",
    "binary_cross_entropy_with_logits_loss",
    "bitwise_and",
    "bitwise_invert",
    "bitwise_not",
    "bitwise_or",
    "bitwise_xor",
    "block_diag",
    "broadcast_arrays",
    "broadcast_to",
    "cast",
    "cbrt",
    "cdist",
    "ceil",
    "celu",
    "cg",
    "check_finite",
    "checkpoint",
    "checkpoint_name",
    "checkpoint_segment",
    "checkpoint_segment_flex",
    "cho_factor",
    "cho_solve",
    "cholesky",
    "clip",
    "clip_by_global_norm",
    "clip_by_norm",
    "column_stack",
    "concat",
    "concatenate",
    "cond",
    "condition_number",
    "constant",
    "conv1d",
    "conv1d_transpose",
    "conv2d",
    "conv2d_transpose",
    "conv3d",
    "conv3d_transpose",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "copysign",
    "cos",
    "cosh",
    "coshm",
    "cosine_embedding",
    "cosine_embedding_loss",
    "cosine_similarity",
    "cosm",
    "count_nonzero",
    "cross",
    "cross_entropy",
    "cross_entropy_loss",
    "ctc_loss",
    "cummax",
    "cummin",
    "cumprod",
    "cumsum",
    "cumulative_trapezoid",
    "deg2rad",
    "degrees",
    "det",
    "detach",
    "determinant",
    "diag",
    "diag_embed",
    "diagonal",
    "diff",
    "digamma",
    "dist",
    "div",
    "divide",
    "divmod",
    "dot",
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "dstack",
    "eig",
    "eig_parts",
    "eigen",
    "eigenvalues",
    "eigh",
    "eigvals",
    "eigvals_parts",
    "eigvalsh",
    "einsum",
    "elu",
    "embedding",
    "equal",
    "erf",
    "erfc",
    "erfinv",
    "exp",
    "exp2",
    "expand_dims",
    "expm",
    "expm1",
    "expm_frechet",
    "extract_diag",
    "eye",
    "fix",
    "flatten",
    "flip",
    "fliplr",
    "flipud",
    "floor",
    "floor_divide",
    "fmax",
    "fmin",
    "fmod",
    "fold",
    "frac",
    "fractional_matrix_power",
    "frobenius_norm",
    "full",
    "full_like",
    "funm",
    "gammaln",
    "gather",
    "gaussian_nll",
    "gaussian_nll_loss",
    "gelu",
    "glu",
    "grad",
    "grad_with_default",
    "greater",
    "greater_equal",
    "group_norm",
    "gru",
    "gru_cell",
    "hard_sigmoid",
    "hard_swish",
    "hard_tanh",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "heaviside",
    "hinge_embedding",
    "hinge_embedding_loss",
    "householder_product",
    "hstack",
    "huber",
    "huber_loss",
    "hypot",
    "identity",
    "im2col",
    "index_add",
    "index_fill",
    "index_select",
    "inner",
    "instance_norm",
    "interp",
    "interpolate",
    "inv",
    "invert",
    "isfinite",
    "isinf",
    "isnan",
    "jacobians",
    "kl_div",
    "kl_div_loss",
    "kron",
    "l1",
    "l1_loss",
    "layer_norm",
    "leaky_relu",
    "lerp",
    "less",
    "less_equal",
    "lesser",
    "lesser_equal",
    "lgamma",
    "linalg",
    "linear",
    "linspace",
    "ln",
    "local_response_norm",
    "log",
    "log1p",
    "log2",
    "log10",
    "log_cosh_loss",
    "log_sigmoid",
    "log_softmax",
    "logaddexp",
    "logaddexp2",
    "logcumsumexp",
    "logdet",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "logm",
    "logsigmoid",
    "logsumexp",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "lstm",
    "lstm_cell",
    "lstsq",
    "lu",
    "lu_factor",
    "lu_solve",
    "margin_ranking",
    "margin_ranking_loss",
    "masked_fill",
    "matmul",
    "matrix_exp",
    "matrix_inverse",
    "matrix_log",
    "matrix_norm",
    "matrix_pow",
    "matrix_power",
    "matrix_pseudo_inverse",
    "matrix_rank",
    "matrix_sqrt",
    "matrix_transpose",
    "matvec",
    "max",
    "max_pool1d",
    "max_pool1d_with_indices",
    "max_pool2d",
    "max_pool2d_with_indices",
    "max_pool3d",
    "max_pool3d_with_indices",
    "max_with_index",
    "maximum",
    "mean",
    "mean_squared_error",
    "median",
    "meshgrid",
    "min",
    "minimum",
    "mish",
    "mod",
    "moveaxis",
    "mse",
    "mse_loss",
    "mul",
    "multi_dot",
    "multi_margin",
    "multi_margin_loss",
    "multilabel_margin",
    "multilabel_margin_loss",
    "multilabel_soft_margin",
    "multilabel_soft_margin_loss",
    "multiply",
    "nan_to_num",
    "nanmax",
    "nanmean",
    "nanmin",
    "nansum",
    "ndtr",
    "neg",
    "negative",
    "nll",
    "nll_loss",
    "norm",
    "normal_like",
    "normalize",
    "not_equal",
    "nuclear_norm",
    "one_hot",
    "ones",
    "ones_like",
    "outer",
    "pad",
    "pairwise_distance",
    "pdist",
    "permute",
    "pinv",
    "pixel_shuffle",
    "pixel_unshuffle",
    "poisson_nll",
    "poisson_nll_loss",
    "polar",
    "polygamma",
    "positive",
    "pow",
    "power",
    "prelu",
    "prod",
    "psi",
    "ptp",
    "qr",
    "quantile",
    "rad2deg",
    "radians",
    "random_normal",
    "random_uniform",
    "ravel",
    "rcond",
    "reciprocal",
    "reduce_logsumexp",
    "reduce_max",
    "reduce_mean",
    "reduce_min",
    "reduce_prod",
    "reduce_sum",
    "relative_gap",
    "relu",
    "relu6",
    "remainder",
    "repeat",
    "repeat_interleave",
    "reshape",
    "rint",
    "rms_norm",
    "rnn",
    "rnn_cell",
    "roll",
    "round",
    "rsqrt",
    "scalar_mul",
    "scaled_dot_product_attention",
    "scatter",
    "scatter_add",
    "scatter_reduce",
    "schur",
    "searchsorted",
    "selu",
    "show",
    "sigmoid",
    "sigmoid_cross_entropy",
    "sign",
    "signbit",
    "signm",
    "silu",
    "sin",
    "sinc",
    "sinh",
    "sinhm",
    "sinm",
    "slice",
    "slogdet",
    "smooth_l1",
    "smooth_l1_loss",
    "soft_margin",
    "soft_margin_loss",
    "softmax",
    "softmax_cross_entropy",
    "softmin",
    "softplus",
    "softshrink",
    "softsign",
    "solve",
    "solve_banded",
    "solve_continuous_lyapunov",
    "solve_discrete_lyapunov",
    "solve_lyapunov",
    "solve_sylvester",
    "solve_triangular",
    "solve_tridiagonal",
    "sort",
    "sparse_softmax_cross_entropy",
    "spectral_norm",
    "split",
    "sqrt",
    "sqrtm",
    "square",
    "squeeze",
    "stack",
    "standard_normal",
    "standard_uniform",
    "std",
    "std_mean",
    "stop_gradient",
    "strided_slice",
    "sub",
    "subtract",
    "sum",
    "svd",
    "svdvals",
    "swapaxes",
    "swish",
    "symmetrize",
    "take",
    "take_along_axis",
    "tan",
    "tanh",
    "tanhm",
    "tanhshrink",
    "tensor_split",
    "tensordot",
    "tensorinv",
    "tensorsolve",
    "threshold",
    "tile",
    "toeplitz",
    "topk",
    "trace",
    "transpose",
    "trapezoid",
    "trapz",
    "tridiagonal_solve",
    "tril",
    "triplet_margin",
    "triplet_margin_loss",
    "triu",
    "true_divide",
    "trunc",
    "unbind",
    "unfold",
    "uniform_like",
    "unstack",
    "vander",
    "var",
    "var_mean",
    "vdot",
    "vecdot",
    "vecmat",
    "vector_norm",
    "vstack",
    "where",
    "xlog1py",
    "xlogy",
    "zeros",
    "zeros_like",
]

_row = _rows("0.1.0")
_abs = _row("abs")
_adaptive_avg_pool1d = _row("adaptive_avg_pool1d")
_adaptive_avg_pool2d = _row("adaptive_avg_pool2d")
_adaptive_avg_pool3d = _row("adaptive_avg_pool3d")
_adaptive_checkpoint = _row("adaptive_checkpoint")
_adaptive_max_pool1d = _row("adaptive_max_pool1d")
_adaptive_max_pool1d_with_indices = _row("adaptive_max_pool1d_with_indices")
_adaptive_max_pool2d = _row("adaptive_max_pool2d")
_adaptive_max_pool2d_with_indices = _row("adaptive_max_pool2d_with_indices")
_adaptive_max_pool3d = _row("adaptive_max_pool3d")
_adaptive_max_pool3d_with_indices = _row("adaptive_max_pool3d_with_indices")
_add = _row("add")
_all = _row("all")
_alpha_dropout = _row("alpha_dropout")
_aminmax = _row("aminmax")
_any = _row("any")
_arccos = _row("arccos")
_arccosh = _row("arccosh")
_arcsin = _row("arcsin")
_arcsinh = _row("arcsinh")
_arctan = _row("arctan")
_arctan2 = _row("arctan2")
_arctanh = _row("arctanh")
_argmax = _row("argmax")
_argmin = _row("argmin")
_argsort = _row("argsort")
_array_split = _row("array_split")
_atleast_1d = _row("atleast_1d")
_atleast_2d = _row("atleast_2d")
_atleast_3d = _row("atleast_3d")
_average = _row("average")
_avg_pool1d = _row("avg_pool1d")
_avg_pool2d = _row("avg_pool2d")
_avg_pool3d = _row("avg_pool3d")
_band_matrix = _row("band_matrix")
_batch_matmul = _row("batch_matmul")
_batch_norm = _row("batch_norm")
_bilinear = _row("bilinear")
_binary_cross_entropy_loss = _row("binary_cross_entropy_loss")
_binary_cross_entropy_with_logits_loss = _row("binary_cross_entropy_with_logits_loss")
_bitwise_and = _row("bitwise_and")
_bitwise_not = _row("bitwise_not")
_bitwise_or = _row("bitwise_or")
_bitwise_xor = _row("bitwise_xor")
_block_diag = _row("block_diag")
_broadcast_arrays = _row("broadcast_arrays")
_broadcast_to = _row("broadcast_to")
_cast = _row("cast")
_cbrt = _row("cbrt")
_cdist = _row("cdist")
_ceil = _row("ceil")
_celu = _row("celu")
_check_finite = _row("check_finite")
_checkpoint = _row("checkpoint")
_checkpoint_name = _row("checkpoint_name")
_cholesky = _row("cholesky")
_clip = _row("clip")
_clip_by_global_norm = _row("clip_by_global_norm")
_clip_by_norm = _row("clip_by_norm")
_column_stack = _row("column_stack")
_concat = _row("concat")
_conv1d = _row("conv1d")
_conv2d = _row("conv2d")
_conv3d = _row("conv3d")
_conv_transpose1d = _row("conv_transpose1d")
_conv_transpose2d = _row("conv_transpose2d")
_conv_transpose3d = _row("conv_transpose3d")
_copysign = _row("copysign")
_cos = _row("cos")
_cosh = _row("cosh")
_coshm = _row("coshm")
_cosine_embedding_loss = _row("cosine_embedding_loss")
_cosine_similarity = _row("cosine_similarity")
_cosm = _row("cosm")
_count_nonzero = _row("count_nonzero")
_cross = _row("cross")
_cross_entropy_loss = _row("cross_entropy_loss")
_ctc_loss = _row("ctc_loss")
_cummax = _row("cummax")
_cummin = _row("cummin")
_cumprod = _row("cumprod")
_cumsum = _row("cumsum")
_cumulative_trapezoid = _row("cumulative_trapezoid")
_deg2rad = _row("deg2rad")
_det = _row("det")
_diag = _row("diag")
_diag_embed = _row("diag_embed")
_diagonal = _row("diagonal")
_diff = _row("diff")
_digamma = _row("digamma")
_dist = _row("dist")
_div = _row("div")
_divmod = _row("divmod")
_dot = _row("dot")
_dropout = _row("dropout")
_dropout1d = _row("dropout1d")
_dropout2d = _row("dropout2d")
_dropout3d = _row("dropout3d")
_dstack = _row("dstack")
_eig = _row("eig")
_eig_parts = _row("eig_parts")
_eigh = _row("eigh")
_eigvals = _row("eigvals")
_eigvals_parts = _row("eigvals_parts")
_eigvalsh = _row("eigvalsh")
_elu = _row("elu")
_embedding = _row("embedding")
_equal = _row("equal")
_erf = _row("erf")
_erfc = _row("erfc")
_erfinv = _row("erfinv")
_exp = _row("exp")
_exp2 = _row("exp2")
_expand_dims = _row("expand_dims")
_expm = _row("expm")
_expm1 = _row("expm1")
_expm_frechet = _row("expm_frechet")
_extract_diag = _row("extract_diag")
_flatten = _row("flatten")
_flip = _row("flip")
_fliplr = _row("fliplr")
_flipud = _row("flipud")
_floor = _row("floor")
_floor_divide = _row("floor_divide")
_fmax = _row("fmax")
_fmin = _row("fmin")
_fmod = _row("fmod")
_fold = _row("fold")
_frac = _row("frac")
_fractional_matrix_power = _row("fractional_matrix_power")
_frobenius_norm = _row("frobenius_norm")
_full_like = _row("full_like")
_gather = _row("gather")
_gaussian_nll_loss = _row("gaussian_nll_loss")
_gelu = _row("gelu")
_glu = _row("glu")
_greater = _row("greater")
_greater_equal = _row("greater_equal")
_group_norm = _row("group_norm")
_gru = _row("gru")
_gru_cell = _row("gru_cell")
_hard_sigmoid = _row("hard_sigmoid")
_hard_swish = _row("hard_swish")
_hard_tanh = _row("hard_tanh")
_hardshrink = _row("hardshrink")
_heaviside = _row("heaviside")
_hinge_embedding_loss = _row("hinge_embedding_loss")
_householder_product = _row("householder_product")
_hstack = _row("hstack")
_huber_loss = _row("huber_loss")
_hypot = _row("hypot")
_identity = _row("identity")
_index_add = _row("index_add")
_index_fill = _row("index_fill")
_index_select = _row("index_select")
_inner = _row("inner")
_instance_norm = _row("instance_norm")
_interp = _row("interp")
_interpolate = _row("interpolate")
_inv = _row("inv")
_isfinite = _row("isfinite")
_isinf = _row("isinf")
_isnan = _row("isnan")
_kl_div = _row("kl_div")
_kl_div_loss = _row("kl_div_loss")
_kron = _row("kron")
_l1_loss = _row("l1_loss")
_layer_norm = _row("layer_norm")
_leaky_relu = _row("leaky_relu")
_lerp = _row("lerp")
_less = _row("less")
_less_equal = _row("less_equal")
_lgamma = _row("lgamma")
_linear = _row("linear")
_local_response_norm = _row("local_response_norm")
_log = _row("log")
_log10 = _row("log10")
_log1p = _row("log1p")
_log2 = _row("log2")
_log_cosh_loss = _row("log_cosh_loss")
_log_softmax = _row("log_softmax")
_logaddexp = _row("logaddexp")
_logaddexp2 = _row("logaddexp2")
_logcumsumexp = _row("logcumsumexp")
_logdet = _row("logdet")
_logical_and = _row("logical_and")
_logical_not = _row("logical_not")
_logical_or = _row("logical_or")
_logical_xor = _row("logical_xor")
_logm = _row("logm")
_logsigmoid = _row("logsigmoid")
_lp_pool1d = _row("lp_pool1d")
_lp_pool2d = _row("lp_pool2d")
_lp_pool3d = _row("lp_pool3d")
_lstm = _row("lstm")
_lstm_cell = _row("lstm_cell")
_lu = _row("lu")
_lu_factor = _row("lu_factor")
_lu_solve = _row("lu_solve")
_margin_ranking_loss = _row("margin_ranking_loss")
_masked_fill = _row("masked_fill")
_matmul = _row("matmul")
_matrix_power = _row("matrix_power")
_matrix_rank = _row("matrix_rank")
_matrix_transpose = _row("matrix_transpose")
_matvec = _row("matvec")
_max_pool1d = _row("max_pool1d")
_max_pool1d_with_indices = _row("max_pool1d_with_indices")
_max_pool2d = _row("max_pool2d")
_max_pool2d_with_indices = _row("max_pool2d_with_indices")
_max_pool3d = _row("max_pool3d")
_max_pool3d_with_indices = _row("max_pool3d_with_indices")
_max_with_index = _row("max_with_index")
_maximum = _row("maximum")
_mean_squared_error = _row("mean_squared_error")
_median = _row("median")
_meshgrid = _row("meshgrid")
_minimum = _row("minimum")
_mish = _row("mish")
_moveaxis = _row("moveaxis")
_mse_loss = _row("mse_loss")
_mul = _row("mul")
_multi_dot = _row("multi_dot")
_multi_margin_loss = _row("multi_margin_loss")
_multilabel_margin_loss = _row("multilabel_margin_loss")
_multilabel_soft_margin_loss = _row("multilabel_soft_margin_loss")
_nan_to_num = _row("nan_to_num")
_nanmax = _row("nanmax")
_nanmean = _row("nanmean")
_nanmin = _row("nanmin")
_nansum = _row("nansum")
_ndtr = _row("ndtr")
_neg = _row("neg")
_nll_loss = _row("nll_loss")
_normalize = _row("normalize")
_not_equal = _row("not_equal")
_nuclear_norm = _row("nuclear_norm")
_one_hot = _row("one_hot")
_ones_like = _row("ones_like")
_outer = _row("outer")
_pad = _row("pad")
_pairwise_distance = _row("pairwise_distance")
_pdist = _row("pdist")
_pinv = _row("pinv")
_pixel_shuffle = _row("pixel_shuffle")
_pixel_unshuffle = _row("pixel_unshuffle")
_poisson_nll_loss = _row("poisson_nll_loss")
_polar = _row("polar")
_positive = _row("positive")
_pow = _row("pow")
_prelu = _row("prelu")
_ptp = _row("ptp")
_quantile = _row("quantile")
_rad2deg = _row("rad2deg")
_ravel = _row("ravel")
_rcond = _row("rcond")
_reciprocal = _row("reciprocal")
_reduce_logsumexp = _row("reduce_logsumexp")
_reduce_max = _row("reduce_max")
_reduce_mean = _row("reduce_mean")
_reduce_min = _row("reduce_min")
_reduce_prod = _row("reduce_prod")
_reduce_sum = _row("reduce_sum")
_relative_gap = _row("relative_gap")
_relu = _row("relu")
_relu6 = _row("relu6")
_remainder = _row("remainder")
_repeat = _row("repeat")
_reshape = _row("reshape")
_rint = _row("rint")
_rms_norm = _row("rms_norm")
_rnn = _row("rnn")
_rnn_cell = _row("rnn_cell")
_roll = _row("roll")
_round = _row("round")
_rsqrt = _row("rsqrt")
_scalar_mul = _row("scalar_mul")
_scaled_dot_product_attention = _row("scaled_dot_product_attention")
_scatter = _row("scatter")
_scatter_add = _row("scatter_add")
_scatter_reduce = _row("scatter_reduce")
_schur = _row("schur")
_searchsorted = _row("searchsorted")
_selu = _row("selu")
_sigmoid = _row("sigmoid")
_sigmoid_cross_entropy = _row("sigmoid_cross_entropy")
_sign = _row("sign")
_signbit = _row("signbit")
_signm = _row("signm")
_silu = _row("silu")
_sin = _row("sin")
_sinc = _row("sinc")
_sinh = _row("sinh")
_sinhm = _row("sinhm")
_sinm = _row("sinm")
_slogdet = _row("slogdet")
_smooth_l1_loss = _row("smooth_l1_loss")
_soft_margin_loss = _row("soft_margin_loss")
_softmax = _row("softmax")
_softmax_cross_entropy = _row("softmax_cross_entropy")
_softmin = _row("softmin")
_softplus = _row("softplus")
_softshrink = _row("softshrink")
_softsign = _row("softsign")
_solve = _row("solve")
_solve_banded = _row("solve_banded")
_solve_continuous_lyapunov = _row("solve_continuous_lyapunov")
_solve_discrete_lyapunov = _row("solve_discrete_lyapunov")
_solve_sylvester = _row("solve_sylvester")
_solve_triangular = _row("solve_triangular")
_solve_tridiagonal = _row("solve_tridiagonal")
_sort = _row("sort")
_sparse_softmax_cross_entropy = _row("sparse_softmax_cross_entropy")
_spectral_norm = _row("spectral_norm")
_split = _row("split")
_sqrt = _row("sqrt")
_sqrtm = _row("sqrtm")
_square = _row("square")
_squeeze = _row("squeeze")
_stack = _row("stack")
_std = _row("std")
_std_mean = _row("std_mean")
_stop_gradient = _row("stop_gradient")
_strided_slice = _row("strided_slice")
_sub = _row("sub")
_svd = _row("svd")
_svdvals = _row("svdvals")
_swapaxes = _row("swapaxes")
_symmetrize = _row("symmetrize")
_take = _row("take")
_take_along_axis = _row("take_along_axis")
_tan = _row("tan")
_tanh = _row("tanh")
_tanhm = _row("tanhm")
_tanhshrink = _row("tanhshrink")
_tensorinv = _row("tensorinv")
_tensorsolve = _row("tensorsolve")
_threshold = _row("threshold")
_tile = _row("tile")
_toeplitz = _row("toeplitz")
_topk = _row("topk")
_trace = _row("trace")
_transpose = _row("transpose")
_trapezoid = _row("trapezoid")
_tril = _row("tril")
_triplet_margin_loss = _row("triplet_margin_loss")
_triu = _row("triu")
_trunc = _row("trunc")
_unbind = _row("unbind")
_unfold = _row("unfold")
_vander = _row("vander")
_var = _row("var")
_var_mean = _row("var_mean")
_vdot = _row("vdot")
_vecdot = _row("vecdot")
_vecmat = _row("vecmat")
_vector_norm = _row("vector_norm")
_vstack = _row("vstack")
_where = _row("where")
_xlog1py = _row("xlog1py")
_xlogy = _row("xlogy")
_zeros_like = _row("zeros_like")


def __dir__() -> list[str]:
    return __all__


if not TYPE_CHECKING:

    def __getattr__(name: str) -> None:
        if name.startswith("_"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from ._refusals import no_function

        raise no_function(name)


def add(a: TensorLike, b: TensorLike) -> Tensor:
    """Sum with broadcasting: `y = a + b`. Integers wrap around.

    Gradient: `g` and `g`.

    NumPy: `a + b`

    >>> with ag.Context():
    ...     print(T.add([[1.0], [2.0]], [10.0, 20.0]).eval())
    [[11. 21.]
     [12. 22.]]
    """
    made: Tensor = _apply(_add, (a, b), ())
    return made


def sub(a: TensorLike, b: TensorLike) -> Tensor:
    """Difference with broadcasting: `y = a - b`. Integers wrap around.

    Gradient: `g` and `-g`.

    NumPy: `a - b`

    >>> with ag.Context():
    ...     print(T.sub([5.0, 7.0], 2.0).eval())
    [3. 5.]
    """
    made: Tensor = _apply(_sub, (a, b), ())
    return made


def mul(a: TensorLike, b: TensorLike) -> Tensor:
    """Product with broadcasting: `y = a * b`. Integers wrap around.

    Gradient: `g * b` and `g * a`.

    NumPy: `a * b`

    >>> with ag.Context():
    ...     print(T.mul([1, 2, 3], 0.5).eval())
    [0.5 1.  1.5]
    """
    made: Tensor = _apply(_mul, (a, b), ())
    return made


def div(a: TensorLike, b: TensorLike) -> Tensor:
    """Quotient with broadcasting: `y = a / b`, in floating numbers; division by zero gives infinity or NaN.

    Gradient: `g / b` and `-g * y / b`.

    NumPy: `a / b`

    >>> with ag.Context():
    ...     print(T.div([3, 1, 0], [2, 0, 0]).eval())
    [1.5 inf nan]
    """
    made: Tensor = _apply(_div, (a, b), ())
    return made


def maximum(a: TensorLike, b: TensorLike) -> Tensor:
    """The larger of two, with broadcasting; NaN if one of them is NaN.

    Gradient: to the larger; ties share it equally.

    NumPy: `np.maximum(a, b)`

    >>> with ag.Context():
    ...     print(T.maximum([1.0, 5.0, np.nan], 3.0).eval())
    [ 3.  5. nan]
    """
    made: Tensor = _apply(_maximum, (a, b), ())
    return made


def minimum(a: TensorLike, b: TensorLike) -> Tensor:
    """The smaller of two, with broadcasting; NaN if one of them is NaN.

    Gradient: to the smaller; ties share it equally.

    NumPy: `np.minimum(a, b)`

    >>> with ag.Context():
    ...     print(T.minimum([1.0, 5.0, np.nan], 3.0).eval())
    [ 1.  3. nan]
    """
    made: Tensor = _apply(_minimum, (a, b), ())
    return made


def neg(x: TensorLike) -> Tensor:
    """Negative: `y = -x`.

    Gradient: `-g`.

    NumPy: `-x`

    >>> with ag.Context():
    ...     print(T.neg([1.0, -2.0]).eval())
    [-1.  2.]
    """
    made: Tensor = _apply(_neg, (x,), ())
    return made


def square(x: TensorLike) -> Tensor:
    """Square: `y = x * x`.

    Gradient: `2 * g * x`.

    NumPy: `np.square(x)`

    >>> with ag.Context():
    ...     print(T.square([-3, 0, 4]).eval())
    [ 9  0 16]
    """
    made: Tensor = _apply(_square, (x,), ())
    return made


def abs(x: TensorLike) -> Tensor:
    """Absolute value. The smallest integer of a dtype stays as it is.

    Gradient: `g * sign(x)`; 0 at 0.

    NumPy: `np.abs(x)`

    >>> with ag.Context():
    ...     print(T.abs([-1.5, 0.0, 2.0]).eval())
    [1.5 0.  2. ]
    """
    made: Tensor = _apply(_abs, (x,), ())
    return made


def sign(x: TensorLike) -> Tensor:
    """Sign: -1, 0 or 1; NaN of NaN.

    Gradient: 0.

    NumPy: `np.sign(x)`

    >>> with ag.Context():
    ...     print(T.sign([-3.0, 0.0, 2.0, np.nan]).eval())
    [-1.  0.  1. nan]
    """
    made: Tensor = _apply(_sign, (x,), ())
    return made


def clip(x: TensorLike, low: TensorLike | None = None, high: TensorLike | None = None) -> Tensor:
    """`x` limited to `low .. high`: `minimum(maximum(x, low), high)`. A bound may be missing.

    Gradient: to `x` where `low < x < high` and exactly 0 elsewhere, at the bounds too; else to the bound that holds.

    NumPy: `np.clip(x, low, high)`

    >>> with ag.Context():
    ...     print(T.clip([-1.0, 0.5, 3.0], 0.0, 1.0).eval())
    [0.  0.5 1. ]
    """
    made: Tensor = _apply(_clip, (x, low, high), ())
    return made


def positive(x: TensorLike) -> Tensor:
    """`x` itself, which is a number.

    Gradient: `g`.

    NumPy: `+x`

    >>> with ag.Context():
    ...     print(T.positive([1.0, -2.0]).eval())
    [ 1. -2.]
    """
    made: Tensor = _apply(_positive, (x,), ())
    return made


def deg2rad(x: TensorLike) -> Tensor:
    """Degrees as radians: `x * pi / 180`.

    Gradient: `g * pi / 180`.

    NumPy: `np.deg2rad(x)`

    >>> with ag.Context():
    ...     print(T.deg2rad([180.0, 90.0]).eval())
    [3.14159265 1.57079633]
    """
    made: Tensor = _apply(_deg2rad, (x,), ())
    return made


def rad2deg(x: TensorLike) -> Tensor:
    """Radians as degrees: `x * 180 / pi`.

    Gradient: `g * 180 / pi`.

    NumPy: `np.rad2deg(x)`

    >>> with ag.Context():
    ...     print(T.rad2deg([np.pi, 1.0]).eval())
    [180.          57.29577951]
    """
    made: Tensor = _apply(_rad2deg, (x,), ())
    return made


def lerp(a: TensorLike, b: TensorLike, w: TensorLike) -> Tensor:
    """`a + w * (b - a)`, linear interpolation, with broadcasting: `a` at 0 and `b` at 1, both exactly. It overflows only if it must.

    Gradient: `g * (1 - w)`, `g * w` and `g * (b - a)`.

    NumPy: `a + w * (b - a)`

    >>> with ag.Context():
    ...     print(T.lerp(1.0, [3.0, 5.0], 0.5).eval())
    [2. 3.]
    """
    made: Tensor = _apply(_lerp, (a, b, w), ())
    return made


def floor_divide(a: TensorLike, b: TensorLike) -> Tensor:
    """The quotient rounded down, `floor(a / b)`, with broadcasting: Python's `//`. It is rounded once, so that it goes together with
    `remainder`. Integers stay integers: the quotient by 0 is 0, and that of the smallest one by -1 wraps around. Of floating
    numbers it is infinite or NaN by 0, and NaN for an infinite `a`.

    Gradient: 0.

    NumPy: `np.floor_divide(a, b)`

    >>> with ag.Context():
    ...     print(T.floor_divide([7, -7, 7], [2, 2, 0]).eval())
    [ 3 -4  0]
    """
    made: Tensor = _apply(_floor_divide, (a, b), ())
    return made


def remainder(a: TensorLike, b: TensorLike) -> Tensor:
    """What `b * floor_divide(a, b)` leaves of `a`, with broadcasting: Python's `%`, which has the sign of `b`. Integers stay integers,
    and the remainder by 0 is 0; of floating numbers it is NaN by 0 and for an infinite `a`. It is exact if both have one sign.

    Gradient: `g` and `-g * floor_divide(a, b)`.

    NumPy: `np.remainder(a, b)`

    >>> with ag.Context():
    ...     print(T.remainder([7.5, -7.5, 7.5], [2.0, 2.0, -2.0]).eval())
    [ 1.5  0.5 -0.5]
    """
    made: Tensor = _apply(_remainder, (a, b), ())
    return made


def fmod(a: TensorLike, b: TensorLike) -> Tensor:
    """The remainder that has the sign of `a`, as that of C and of Rust's `%`: `a - b * trunc(a / b)`, with broadcasting. It is exact.
    Integers stay integers, and the remainder by 0 is 0; of floating numbers it is NaN by 0 and for an infinite `a`.

    Gradient: `g` and `-g * trunc(a / b)`.

    NumPy: `np.fmod(a, b)`

    >>> with ag.Context():
    ...     print(T.fmod([7.5, -7.5, 7.5], [2.0, 2.0, -2.0]).eval())
    [ 1.5 -1.5  1.5]
    """
    made: Tensor = _apply(_fmod, (a, b), ())
    return made


def divmod(a: TensorLike, b: TensorLike) -> tuple[Tensor, Tensor]:
    """`floor_divide` and `remainder`, as a pair: Python's `divmod`.

    Gradient: theirs.

    NumPy: `np.divmod(a, b)`

    >>> with ag.Context() as ctx:
    ...     print(*ctx.eval(T.divmod([7, -7], 2)))
    [ 3 -4] [1 1]
    """
    made: tuple[Tensor, Tensor] = _apply(_divmod, (a, b), ())
    return made


def floor(x: TensorLike) -> Tensor:
    """The largest integer that is not above `x`, in the dtype of `x`; integers stay as they are.

    Gradient: 0.

    NumPy: `np.floor(x)`

    >>> with ag.Context():
    ...     print(T.floor([-1.5, 0.5, 2.0]).eval())
    [-2.  0.  2.]
    """
    made: Tensor = _apply(_floor, (x,), ())
    return made


def ceil(x: TensorLike) -> Tensor:
    """The smallest integer that is not below `x`, in the dtype of `x`; integers stay as they are.

    Gradient: 0.

    NumPy: `np.ceil(x)`

    >>> with ag.Context():
    ...     print(T.ceil([-1.5, 0.5, 2.0]).eval())
    [-1.  1.  2.]
    """
    made: Tensor = _apply(_ceil, (x,), ())
    return made


def trunc(x: TensorLike) -> Tensor:
    """`x` without its fraction, in the dtype of `x`; integers stay as they are.

    Gradient: 0.

    NumPy: `np.trunc(x)`

    >>> with ag.Context():
    ...     print(T.trunc([-1.5, 0.5, 2.0]).eval())
    [-1.  0.  2.]
    """
    made: Tensor = _apply(_trunc, (x,), ())
    return made


def rint(x: TensorLike) -> Tensor:
    """The nearest integer, of two the even one, as a floating number.

    Gradient: 0.

    NumPy: `np.rint(x)`

    >>> with ag.Context():
    ...     print(T.rint([0.5, 1.5, 2.5]).eval())
    [0. 2. 2.]
    """
    made: Tensor = _apply(_rint, (x,), ())
    return made


def round(x: TensorLike, decimals: int = 0) -> Tensor:
    """`x` rounded to `decimals` digits behind the point, or, if that is negative, before it; of two the even one. As NumPy does, it
    rounds `x * 10 ** decimals` and divides again, so that the last digits of a float may differ from decimal rounding; where the
    product overflows `x` stays as it is. Integers stay integers, and with `decimals` below 0 are rounded in `float64`.

    Gradient: 0.

    NumPy: `np.round(x, decimals)`

    >>> with ag.Context():
    ...     print(T.round([0.125, 12.5, -2.675], 2).eval())
    [ 0.12 12.5  -2.68]
    """
    made: Tensor = _apply(_round, (x,), (decimals,))
    return made


def frac(x: TensorLike) -> Tensor:
    """`x - trunc(x)`, which has the sign of `x`.

    Gradient: `g`.

    NumPy: `x - np.trunc(x)`

    >>> with ag.Context():
    ...     print(T.frac([-1.5, 0.25, 2.0]).eval())
    [-0.5   0.25  0.  ]
    """
    made: Tensor = _apply(_frac, (x,), ())
    return made


def pow(a: TensorLike, b: TensorLike) -> Tensor:
    """Power with broadcasting: `y = a ** b`. Integers to integers stay integers and wrap around, and a negative exponent is
    an error of the run, as NumPy's; a negative base with a non-integral exponent gives NaN.

    Gradient: `g * b * a ** (b - 1)`, which is 0 where `b` is 0, and `g * y * log(a)`, which counts as 0 where `a` is 0.

    NumPy: `a ** b`

    >>> with ag.Context():
    ...     print(T.pow([4.0, 2.0, -8.0], [0.5, -1.0, 0.5]).eval())
    [2.  0.5 nan]
    """
    made: Tensor = _apply(_pow, (a, b), ())
    return made


def sqrt(x: TensorLike) -> Tensor:
    """Square root; NaN below 0.

    Gradient: `g / (2 * y)`, infinite at 0; where the factor `y` stands in `g` it cancels, so `sqrt(x) ** 2` has
    the derivative 1 everywhere.

    NumPy: `np.sqrt(x)`

    >>> with ag.Context():
    ...     print(T.sqrt([4.0, 0.0, -1.0]).eval())
    [ 2.  0. nan]
    """
    made: Tensor = _apply(_sqrt, (x,), ())
    return made


def reciprocal(x: TensorLike) -> Tensor:
    """`1 / x`, in floating numbers also for integers; infinite at 0.

    Gradient: `-g * y / x`.

    NumPy: `1 / x`

    >>> with ag.Context():
    ...     print(T.reciprocal([2.0, -4.0, 0.0]).eval())
    [ 0.5  -0.25   inf]
    """
    made: Tensor = _apply(_reciprocal, (x,), ())
    return made


def rsqrt(x: TensorLike) -> Tensor:
    """`1 / sqrt(x)`; infinite at 0, NaN below.

    Gradient: `-g * y / x / 2`.

    NumPy: `1 / np.sqrt(x)`

    >>> with ag.Context():
    ...     print(T.rsqrt([4.0, 0.0]).eval())
    [0.5 inf]
    """
    made: Tensor = _apply(_rsqrt, (x,), ())
    return made


def cbrt(x: TensorLike) -> Tensor:
    """Cube root, within 2 ulp; that of a negative number is negative.

    Gradient: `g / (3 * y ** 2)`, infinite at 0.

    NumPy: `np.cbrt(x)`

    >>> with ag.Context():
    ...     print(T.cbrt([27.0, -8.0, 0.0]).eval())
    [ 3. -2.  0.]
    """
    made: Tensor = _apply(_cbrt, (x,), ())
    return made


def hypot(a: TensorLike, b: TensorLike) -> Tensor:
    """`sqrt(a * a + b * b)` with broadcasting, within 2 ulp, which overflows only if it must; infinite if one of them is, also beside
    NaN.

    Gradient: `g * a / y` and `g * b / y`, and 0 where both are 0.

    NumPy: `np.hypot(a, b)`

    >>> with ag.Context():
    ...     print(T.hypot([3.0, 1e200], [4.0, 1e200]).eval())
    [5.00000000e+000 1.41421356e+200]
    """
    made: Tensor = _apply(_hypot, (a, b), ())
    return made


def exp(x: TensorLike) -> Tensor:
    """Exponential function, within 2 ulp.

    Gradient: `g * y`.

    NumPy: `np.exp(x)`

    >>> with ag.Context():
    ...     print(T.exp([0.0, 1.0]).eval())
    [1.         2.71828183]
    """
    made: Tensor = _apply(_exp, (x,), ())
    return made


def exp2(x: TensorLike) -> Tensor:
    """`2 ** x`, within 2 ulp, and exact for integers.

    Gradient: `g * y * log(2)`.

    NumPy: `np.exp2(x)`

    >>> with ag.Context():
    ...     print(T.exp2([-1.0, 0.5, 10.0]).eval())
    [5.00000000e-01 1.41421356e+00 1.02400000e+03]
    """
    made: Tensor = _apply(_exp2, (x,), ())
    return made


def expm1(x: TensorLike) -> Tensor:
    """`exp(x) - 1`, within 3 ulp also where `exp(x)` rounds to 1.

    Gradient: `g * exp(x)`.

    NumPy: `np.expm1(x)`

    >>> with ag.Context():
    ...     print(T.expm1([-100.0, 1e-20, 1.0]).eval())
    [-1.00000000e+00  1.00000000e-20  1.71828183e+00]
    """
    made: Tensor = _apply(_expm1, (x,), ())
    return made


def log(x: TensorLike) -> Tensor:
    """Natural logarithm, within 2 ulp; -inf at 0, NaN below.

    Gradient: `g / x`.

    NumPy: `np.log(x)`

    >>> with ag.Context():
    ...     print(T.log([np.e, 1.0, 0.0, -1.0]).eval())
    [  1.   0. -inf  nan]
    """
    made: Tensor = _apply(_log, (x,), ())
    return made


def log2(x: TensorLike) -> Tensor:
    """Logarithm to the base 2, within 2 ulp, and exact for powers of 2; -inf at 0, NaN below.

    Gradient: `g / (x * log(2))`.

    NumPy: `np.log2(x)`

    >>> with ag.Context():
    ...     print(T.log2([8.0, 1.0, 0.0, -1.0]).eval())
    [  3.   0. -inf  nan]
    """
    made: Tensor = _apply(_log2, (x,), ())
    return made


def log10(x: TensorLike) -> Tensor:
    """Logarithm to the base 10, within 2 ulp, and exact for powers of 10; -inf at 0, NaN below.

    Gradient: `g / (x * log(10))`.

    NumPy: `np.log10(x)`

    >>> with ag.Context():
    ...     print(T.log10([1000.0, 1.0, 0.0, -1.0]).eval())
    [  3.   0. -inf  nan]
    """
    made: Tensor = _apply(_log10, (x,), ())
    return made


def log1p(x: TensorLike) -> Tensor:
    """`log(1 + x)`, within 2 ulp also where `1 + x` rounds to 1; -inf at -1, NaN below.

    Gradient: `g / (1 + x)`.

    NumPy: `np.log1p(x)`

    >>> with ag.Context():
    ...     print(T.log1p([1e-20, 1.0, -1.0]).eval())
    [1.00000000e-20 6.93147181e-01           -inf]
    """
    made: Tensor = _apply(_log1p, (x,), ())
    return made


def xlogy(x: TensorLike, y: TensorLike) -> Tensor:
    """`x * log(y)` with broadcasting, and 0 where `x` is 0, whatever `y` is but NaN.

    Gradient: `g * log(y)`, and `g * x / y`, which is 0 where both are 0.

    NumPy: `scipy.special.xlogy(x, y)`

    >>> with ag.Context():
    ...     print(T.xlogy([2.0, 0.0, 0.0], [3.0, 0.0, np.inf]).eval())
    [2.19722458 0.         0.        ]
    """
    made: Tensor = _apply(_xlogy, (x, y), ())
    return made


def xlog1py(x: TensorLike, y: TensorLike) -> Tensor:
    """`x * log(1 + y)` with broadcasting, and 0 where `x` is 0, whatever `y` is but NaN.

    Gradient: `g * log(1 + y)`, and `g * x / (1 + y)`, which is 0 where `x` is 0 and `y` is -1.

    NumPy: `scipy.special.xlog1py(x, y)`

    >>> with ag.Context():
    ...     print(T.xlog1py([2.0, 0.0], [1e-20, -1.0]).eval())
    [2.e-20 0.e+00]
    """
    made: Tensor = _apply(_xlog1py, (x, y), ())
    return made


def logaddexp(a: TensorLike, b: TensorLike) -> Tensor:
    """`log(exp(a) + exp(b))` with broadcasting, which never overflows: -inf if both are -inf, inf if one is inf.

    Gradient: `g / (1 + exp(b - a))` and `g / (1 + exp(a - b))`; each is 0 where its operand is -inf, also where both are, and
    half of `g` where both are inf.

    NumPy: `np.logaddexp(a, b)`

    >>> with ag.Context():
    ...     print(T.logaddexp([0.0, 1000.0, -np.inf], [0.0, 1000.0, -np.inf]).eval())
    [6.93147181e-01 1.00069315e+03           -inf]
    """
    made: Tensor = _apply(_logaddexp, (a, b), ())
    return made


def logaddexp2(a: TensorLike, b: TensorLike) -> Tensor:
    """`log2(2 ** a + 2 ** b)` with broadcasting, which never overflows: -inf if both are -inf, inf if one is inf.

    Gradient: `g / (1 + 2 ** (b - a))` and `g / (1 + 2 ** (a - b))`; each is 0 where its operand is -inf, also where both are, and
    half of `g` where both are inf.

    NumPy: `np.logaddexp2(a, b)`

    >>> with ag.Context():
    ...     print(T.logaddexp2([0.0, 2000.0], [0.0, 2000.0]).eval())
    [1.000e+00 2.001e+03]
    """
    made: Tensor = _apply(_logaddexp2, (a, b), ())
    return made


def sin(x: TensorLike) -> Tensor:
    """Sine, within 3 ulp.

    Gradient: `g * cos(x)`.

    NumPy: `np.sin(x)`

    >>> with ag.Context():
    ...     print(T.sin([0.0, np.pi / 2]).eval())
    [0. 1.]
    """
    made: Tensor = _apply(_sin, (x,), ())
    return made


def cos(x: TensorLike) -> Tensor:
    """Cosine, within 3 ulp.

    Gradient: `-g * sin(x)`.

    NumPy: `np.cos(x)`

    >>> with ag.Context():
    ...     print(T.cos([0.0, np.pi]).eval())
    [ 1. -1.]
    """
    made: Tensor = _apply(_cos, (x,), ())
    return made


def tan(x: TensorLike) -> Tensor:
    """Tangent, within 4 ulp.

    Gradient: `g * (1 + y * y)`.

    NumPy: `np.tan(x)`

    >>> with ag.Context():
    ...     print(T.tan([0.0, np.pi / 4, -1.5]).eval())
    [  0.           1.         -14.10141995]
    """
    made: Tensor = _apply(_tan, (x,), ())
    return made


def arcsin(x: TensorLike) -> Tensor:
    """Inverse sine, between `-pi / 2` and `pi / 2`, within 3 ulp; NaN outside `-1 .. 1`.

    Gradient: `g / sqrt((1 - x) * (1 + x))`, infinite at -1 and 1.

    NumPy: `np.arcsin(x)`

    >>> with ag.Context():
    ...     print(T.arcsin([0.0, 0.5, -1.0, 2.0]).eval())
    [ 0.          0.52359878 -1.57079633         nan]
    """
    made: Tensor = _apply(_arcsin, (x,), ())
    return made


def arccos(x: TensorLike) -> Tensor:
    """Inverse cosine, between 0 and pi, within 3 ulp; NaN outside `-1 .. 1`.

    Gradient: `-g / sqrt((1 - x) * (1 + x))`, infinite at -1 and 1.

    NumPy: `np.arccos(x)`

    >>> with ag.Context():
    ...     print(T.arccos([1.0, 0.5, -1.0, 2.0]).eval())
    [0.         1.04719755 3.14159265        nan]
    """
    made: Tensor = _apply(_arccos, (x,), ())
    return made


def arctan(x: TensorLike) -> Tensor:
    """Inverse tangent, between `-pi / 2` and `pi / 2`, within 3 ulp.

    Gradient: `g / (1 + x * x)`, also where the square overflows.

    NumPy: `np.arctan(x)`

    >>> with ag.Context():
    ...     print(T.arctan([0.0, 1.0, -np.inf]).eval())
    [ 0.          0.78539816 -1.57079633]
    """
    made: Tensor = _apply(_arctan, (x,), ())
    return made


def arctan2(a: TensorLike, b: TensorLike) -> Tensor:
    """The angle of the point `(b, a)`, whose tangent is `a / b`, in its quadrant: between `-pi` and pi, within 3 ulp, with broadcasting.
    The signs of zeros count, as in NumPy: `arctan2(0.0, -0.0)` is pi.

    Gradient: `g * b / (a * a + b * b)` and `-g * a / (a * a + b * b)`, also where the squares overflow or underflow; 0 at the
    origin, where there is none.

    NumPy: `np.arctan2(a, b)`

    >>> with ag.Context():
    ...     print(T.arctan2([1.0, 1.0, -1.0, 0.0], [1.0, -1.0, 0.0, 0.0]).eval())
    [ 0.78539816  2.35619449 -1.57079633  0.        ]
    """
    made: Tensor = _apply(_arctan2, (a, b), ())
    return made


def sinh(x: TensorLike) -> Tensor:
    """Hyperbolic sine `(exp(x) - exp(-x)) / 2`, within 3 ulp; it overflows only where its value does.

    Gradient: `g * cosh(x)`.

    NumPy: `np.sinh(x)`

    >>> with ag.Context():
    ...     print(T.sinh([0.0, 1e-10, -1.0]).eval())
    [ 0.00000000e+00  1.00000000e-10 -1.17520119e+00]
    """
    made: Tensor = _apply(_sinh, (x,), ())
    return made


def cosh(x: TensorLike) -> Tensor:
    """Hyperbolic cosine `(exp(x) + exp(-x)) / 2`, within 3 ulp; it overflows only where its value does.

    Gradient: `g * sinh(x)`.

    NumPy: `np.cosh(x)`

    >>> with ag.Context():
    ...     print(T.cosh([0.0, 1.0, -1.0]).eval())
    [1.         1.54308063 1.54308063]
    """
    made: Tensor = _apply(_cosh, (x,), ())
    return made


def arcsinh(x: TensorLike) -> Tensor:
    """Inverse hyperbolic sine, `log(x + sqrt(x * x + 1))` without its losses, within 3 ulp.

    Gradient: `g / sqrt(x * x + 1)`, also where the square overflows.

    NumPy: `np.arcsinh(x)`

    >>> with ag.Context():
    ...     print(T.arcsinh([0.0, -1.0, 1e300]).eval())
    [  0.          -0.88137359 691.46867508]
    """
    made: Tensor = _apply(_arcsinh, (x,), ())
    return made


def arccosh(x: TensorLike) -> Tensor:
    """Inverse hyperbolic cosine, `log(x + sqrt(x * x - 1))` without its losses, within 3 ulp; NaN below 1.

    Gradient: `g / sqrt((x - 1) * (x + 1))`, infinite at 1.

    NumPy: `np.arccosh(x)`

    >>> with ag.Context():
    ...     print(T.arccosh([1.0, 2.0, 1e300, 0.5]).eval())
    [  0.           1.3169579  691.46867508          nan]
    """
    made: Tensor = _apply(_arccosh, (x,), ())
    return made


def arctanh(x: TensorLike) -> Tensor:
    """Inverse hyperbolic tangent, `log((1 + x) / (1 - x)) / 2` without its losses, within 3 ulp; infinite at -1 and 1, NaN beyond.

    Gradient: `g / ((1 - x) * (1 + x))`, infinite at -1 and 1.

    NumPy: `np.arctanh(x)`

    >>> with ag.Context():
    ...     print(T.arctanh([0.0, 0.5, -1.0, 2.0]).eval())
    [0.         0.54930614       -inf        nan]
    """
    made: Tensor = _apply(_arctanh, (x,), ())
    return made


def relu(x: TensorLike) -> Tensor:
    """Rectifier: `max(x, 0)`; NaN of NaN. Integers stay integers.

    Gradient: `g` where `x > 0`, exactly 0 elsewhere, at 0 too.

    NumPy: `np.maximum(x, 0)`

    >>> with ag.Context():
    ...     print(T.relu([-1.0, 0.0, 2.0]).eval())
    [0. 0. 2.]
    """
    made: Tensor = _apply(_relu, (x,), ())
    return made


def tanh(x: TensorLike) -> Tensor:
    """Hyperbolic tangent, within 3 ulp.

    Gradient: `g / cosh(x)**2`, within 8 ulp also where `|y|` rounds to 1.

    NumPy: `np.tanh(x)`

    >>> with ag.Context():
    ...     print(T.tanh([-1.0, 0.0, 20.0]).eval())
    [-0.76159416  0.          1.        ]
    """
    made: Tensor = _apply(_tanh, (x,), ())
    return made


def sigmoid(x: TensorLike) -> Tensor:
    """Logistic function `1 / (1 + exp(-x))`, within 3 ulp.

    Gradient: `g * y * (1 - y)`, within 8 ulp also where `y` rounds to 1.

    NumPy: `scipy.special.expit(x)`

    >>> with ag.Context():
    ...     print(T.sigmoid([-1000.0, 0.0, 1000.0]).eval())
    [0.  0.5 1. ]
    """
    made: Tensor = _apply(_sigmoid, (x,), ())
    return made


def softplus(x: TensorLike, beta: TensorLike = 1.0) -> Tensor:
    """`log(1 + exp(beta * x)) / beta`, computed as `max(x, 0) + log1p(exp(-|x|))` for `beta = 1`: it never overflows, and has its value
    and its derivatives at every `x`. `beta` is a number or a 0-d tensor.

    Gradient: `g * sigmoid(beta * x)`; and `g * (x * sigmoid(beta * x) - y) / beta` to `beta`, if that is a tensor.

    NumPy: `np.logaddexp(x * beta, 0) / beta`

    >>> with ag.Context():
    ...     print(T.softplus([-1000.0, 0.0, 1000.0]).eval())
    [0.00000000e+00 6.93147181e-01 1.00000000e+03]
    """
    made: Tensor = _apply(_softplus, (x, beta), ())
    return made


def softsign(x: TensorLike) -> Tensor:
    """`x / (1 + |x|)`, and its limits 1 and -1 at infinity.

    Gradient: `g / (1 + |x|)**2`; the second one is 0 at 0, where it jumps.

    NumPy: `x / (1 + np.abs(x))`

    >>> with ag.Context():
    ...     print(T.softsign([-1.0, 0.0, 3.0]).eval())
    [-0.5   0.    0.75]
    """
    made: Tensor = _apply(_softsign, (x,), ())
    return made


def tanhshrink(x: TensorLike) -> Tensor:
    """`x - tanh(x)`, which near 0 is `x**3 / 3`: no digit is lost there.

    Gradient: `g * tanh(x)**2`.

    NumPy: `x - np.tanh(x)`

    >>> with ag.Context():
    ...     print(T.tanhshrink([0.0, 2.0]).eval())
    [0.         1.03597242]
    """
    made: Tensor = _apply(_tanhshrink, (x,), ())
    return made


def mish(x: TensorLike) -> Tensor:
    """`x * tanh(softplus(x))`, and its limit 0 at -inf.

    Gradient: `g` times the derivative, accurate in both tails, as the second one is.

    NumPy: `x * np.tanh(np.logaddexp(x, 0))`

    >>> with ag.Context():
    ...     print(T.mish([-20.0, 0.0, 20.0]).eval())
    [-4.12230724e-08  0.00000000e+00  2.00000000e+01]
    """
    made: Tensor = _apply(_mish, (x,), ())
    return made


def leaky_relu(x: TensorLike, negative_slope: TensorLike = 0.01) -> Tensor:
    """Rectifier that leaks: `x` where `x > 0`, else `negative_slope * x`, with broadcasting.

    Gradient: to `x` it is `g` where `x > 0`, `g * negative_slope` elsewhere, at 0 too; to the slope `g * x` where `x <= 0`.

    NumPy: `np.where(x > 0, x, x * negative_slope)`

    >>> with ag.Context():
    ...     print(T.leaky_relu([-1.0, 0.0, 2.0]).eval())
    [-0.01  0.    2.  ]
    """
    made: Tensor = _apply(_leaky_relu, (x, negative_slope), ())
    return made


def elu(x: TensorLike, alpha: TensorLike = 1.0) -> Tensor:
    """Exponential linear unit: `x` where `x > 0`, else `alpha * (exp(x) - 1)`, accurate close to 0, with broadcasting.

    Gradient: to `x` it is `g` where `x > 0`, `g * alpha * exp(x)` elsewhere, at 0 too; to `alpha` it is `g * (exp(x) - 1)` where `x <= 0`.

    NumPy: `np.where(x > 0, x, alpha * np.expm1(x))`

    >>> with ag.Context():
    ...     print(T.elu([-1000.0, -1e-20, 2.0]).eval())
    [-1.e+00 -1.e-20  2.e+00]
    """
    made: Tensor = _apply(_elu, (x, alpha), ())
    return made


def silu(x: TensorLike) -> Tensor:
    """`x * sigmoid(x)`, and its limit 0 at -inf; also called swish.

    Gradient: `g * y'`, where `y'` is `sigmoid(x) * (1 + x * sigmoid(-x))`, accurate in both tails.

    NumPy: `x * scipy.special.expit(x)`

    >>> with ag.Context():
    ...     print(T.silu([-1000.0, 0.0, 1000.0]).eval())
    [  -0.    0. 1000.]
    """
    made: Tensor = _apply(_silu, (x,), ())
    return made


def hard_tanh(x: TensorLike, min_val: TensorLike = -1.0, max_val: TensorLike = 1.0) -> Tensor:
    """`x` limited to `min_val .. max_val`: `clip` with bounds of its own.

    Gradient: `g` where `min_val < x < max_val` and exactly 0 elsewhere, at the bounds too; else to the bound that holds.

    NumPy: `np.clip(x, min_val, max_val)`

    >>> with ag.Context():
    ...     print(T.hard_tanh([-3.0, 0.5, 3.0]).eval())
    [-1.   0.5  1. ]
    """
    made: Tensor = _apply(_hard_tanh, (x, min_val, max_val), ())
    return made


def logsigmoid(x: TensorLike) -> Tensor:
    """`log(sigmoid(x))`, computed as `-softplus(-x)`: it never overflows, and loses nothing in either tail.

    Gradient: `g * sigmoid(-x)`.

    NumPy: `-np.logaddexp(-x, 0)`

    >>> with ag.Context():
    ...     print(T.logsigmoid([-1000.0, 0.0, 40.0]).eval())
    [-1.00000000e+03 -6.93147181e-01 -4.24835426e-18]
    """
    made: Tensor = _apply(_logsigmoid, (x,), ())
    return made


def softmax(x: TensorLike, axis: int = -1) -> Tensor:
    """`exp(x) / sum(exp(x))` along `axis`, shifted by the maximum: it never overflows. Where all elements are -inf, or one is
    inf, it is NaN.

    Gradient: `y * (g - sum(g * y))`, accurate also where a probability rounds to 1.

    NumPy: `scipy.special.softmax(x, axis=axis)`

    >>> with ag.Context():
    ...     print(T.softmax([[1000.0, 1000.0], [0.0, -np.inf]]).eval())
    [[0.5 0.5]
     [1.  0. ]]
    """
    made: Tensor = _apply(_softmax, (x,), (axis,))
    return made


def log_softmax(x: TensorLike, axis: int = -1) -> Tensor:
    """`x - logsumexp(x)` along `axis`: the logarithm of softmax without its underflow.

    Gradient: `g - softmax(x) * sum(g)`, with an error of one unit in the last place of `g` where a probability rounds to 1.

    NumPy: `scipy.special.log_softmax(x, axis=axis)`

    >>> with ag.Context():
    ...     print(T.log_softmax([0.0, -1000.0]).eval())
    [    0. -1000.]
    """
    made: Tensor = _apply(_log_softmax, (x,), (axis,))
    return made


def relu6(x: TensorLike) -> Tensor:
    """Rectifier that ends at 6: `min(max(x, 0), 6)`. Integers stay integers.

    Gradient: `g` where `0 < x < 6`, exactly 0 elsewhere, at 0 and 6 too.

    NumPy: `np.clip(x, 0, 6)`

    >>> with ag.Context():
    ...     print(T.relu6([-1.0, 2.5, 8.0]).eval())
    [0.  2.5 6. ]
    """
    made: Tensor = _apply(_relu6, (x,), ())
    return made


def prelu(x: TensorLike, weight: TensorLike) -> Tensor:
    """Rectifier that leaks, with a slope that is learned: `x` where `x > 0`, else `weight * x`. The weight is a number, one element, or one
    element for each channel, which are along axis 1.

    Gradient: to `x` it is `g` where `x > 0`, `g * weight` elsewhere, at 0 too; to the weight the sum of `g * x` where `x <= 0`.

    >>> with ag.Context():
    ...     print(T.prelu([[-1.0, -1.0, 2.0]], [0.1, 0.2, 0.3]).eval())
    [[-0.1 -0.2  2. ]]
    """
    made: Tensor = _apply(_prelu, (x, weight), ())
    return made


def celu(x: TensorLike, alpha: TensorLike = 1.0) -> Tensor:
    """Exponential linear unit whose slope is 1 on both sides of 0: `x` where `x > 0`, else `alpha * (exp(x / alpha) - 1)`. `alpha` is a
    number or a 0-d tensor.

    Gradient: to `x` it is `g` where `x > 0`, `g * exp(x / alpha)` elsewhere; to `alpha`, where that is a tensor,
    `g * (exp(q) - 1 - q * exp(q))` for `q = x / alpha`, where `x <= 0`.

    NumPy: `np.where(x > 0, x, alpha * np.expm1(x / alpha))`

    >>> with ag.Context():
    ...     print(T.celu([-1000.0, -1e-20, 2.0], 2.0).eval())
    [-2.e+00 -1.e-20  2.e+00]
    """
    made: Tensor = _apply(_celu, (x, alpha), ())
    return made


def selu(x: TensorLike) -> Tensor:
    """Exponential linear unit that keeps mean 0 and variance 1: `scale * x` where `x > 0`, else `scale * alpha * (exp(x) - 1)`, with
    `scale = 1.0507009873554805` and `alpha = 1.6732632423543772`.

    Gradient: `g * scale` where `x > 0`, `g * scale * alpha * exp(x)` elsewhere, at 0 too.

    NumPy: `np.where(x > 0, 1.0507009873554805 * x, 1.7580993408473768 * np.expm1(x))`

    >>> with ag.Context():
    ...     print(T.selu([-1000.0, 0.0, 1.0]).eval())
    [-1.75809934  0.          1.05070099]
    """
    made: Tensor = _apply(_selu, (x,), ())
    return made


def hard_sigmoid(x: TensorLike) -> Tensor:
    """The logistic function in three straight pieces: `min(max(x + 3, 0), 6) / 6`.

    Gradient: `g / 6` where `-3 < x < 3`, exactly 0 elsewhere, at the ends too.

    NumPy: `np.clip(x + 3, 0, 6) / 6`

    >>> with ag.Context():
    ...     print(T.hard_sigmoid([-4.0, 0.0, 1.5, 4.0]).eval())
    [0.   0.5  0.75 1.  ]
    """
    made: Tensor = _apply(_hard_sigmoid, (x,), ())
    return made


def hard_swish(x: TensorLike) -> Tensor:
    """`x * hard_sigmoid(x)`, which is 0 up to -3, at -inf too, and `x` from 3 on.

    Gradient: 0 up to -3, `g * (x / 3 + 1 / 2)` where `-3 < x < 3`, `g` from 3 on.

    NumPy: `x * np.clip(x + 3, 0, 6) / 6`

    >>> with ag.Context():
    ...     print(T.hard_swish([-1.5, 0.0, 1.0, 4.0]).eval())
    [-0.375       0.          0.66666667  4.        ]
    """
    made: Tensor = _apply(_hard_swish, (x,), ())
    return made


def threshold(x: TensorLike, threshold: TensorLike, value: TensorLike) -> Tensor:
    """`x` where it is above `threshold`, else `value`; NaN of NaN.

    Gradient: `g` to `x` where it was taken, at the threshold exactly 0; the rest to `value`.

    NumPy: `np.where(x <= threshold, value, x)`

    >>> with ag.Context():
    ...     print(T.threshold([0.5, 1.0, 2.0], 1.0, 20.0).eval())
    [20. 20.  2.]
    """
    made: Tensor = _apply(_threshold, (x, threshold, value), ())
    return made


def softshrink(x: TensorLike, lambd: TensorLike = 0.5) -> Tensor:
    """`x` brought closer to 0 by `lambd`, and 0 where it is as close: `x - lambd` where `x > lambd`, `x + lambd` where `x < -lambd`. NaN of
    NaN. `lambd` is a number or a 0-d tensor, which may not be negative.

    Gradient: `g` where `|x| > lambd`, exactly 0 elsewhere; `-g * sign(x)` of the same elements to `lambd`, if that is a tensor.

    NumPy: `x - np.clip(x, -lambd, lambd)`

    >>> with ag.Context():
    ...     print(T.softshrink([-2.0, 0.5, 1.0]).eval())
    [-1.5  0.   0.5]
    """
    made: Tensor = _apply(_softshrink, (x, lambd), ())
    return made


def hardshrink(x: TensorLike, lambd: TensorLike = 0.5) -> Tensor:
    """`x`, and 0 where `-lambd <= x <= lambd`; NaN of NaN. `lambd` is a number or a 0-d tensor; a negative one changes nothing.

    Gradient: `g` where `x` was kept, exactly 0 elsewhere, at the bounds too; none to `lambd`.

    NumPy: `np.where((x >= -lambd) & (x <= lambd), 0.0, x)`

    >>> with ag.Context():
    ...     print(T.hardshrink([-2.0, 0.5, 1.0]).eval())
    [-2.  0.  1.]
    """
    made: Tensor = _apply(_hardshrink, (x, lambd), ())
    return made


def glu(x: TensorLike, axis: int = -1) -> Tensor:
    """Gated linear unit: the first half of `x` along `axis`, times the logistic function of the second. The length of the axis is even,
    and known when the graph is built.

    Gradient: `g * sigmoid(b)` to the first half `a`, `g * a * sigmoid(b) * sigmoid(-b)` to the second, `b`.

    NumPy: `np.split(x, 2, axis)[0] * scipy.special.expit(np.split(x, 2, axis)[1])`

    >>> with ag.Context():
    ...     print(T.glu([1.0, 2.0, 0.0, 1000.0]).eval())
    [0.5 2. ]
    """
    made: Tensor = _apply(_glu, (x,), (axis,))
    return made


def softmin(x: TensorLike, axis: int = -1) -> Tensor:
    """`softmax(-x)`: `exp(-x) / sum(exp(-x))` along `axis`, which never overflows.

    Gradient: `-y * (g - sum(g * y))`, accurate also where a probability rounds to 1.

    NumPy: `scipy.special.softmax(-x, axis=axis)`

    >>> with ag.Context():
    ...     print(T.softmin([[1000.0, 1000.0], [0.0, np.inf]]).eval())
    [[0.5 0.5]
     [1.  0. ]]
    """
    made: Tensor = _apply(_softmin, (x,), (axis,))
    return made


def erf(x: TensorLike) -> Tensor:
    """Error function `2 / sqrt(pi) * integral of exp(-t * t) from 0 to x`, within 2 ulp.

    Gradient: `g * 2 / sqrt(pi) * exp(-x * x)`.

    NumPy: `scipy.special.erf(x)`

    >>> with ag.Context():
    ...     print(T.erf([0.0, 1.0]).eval())
    [0.         0.84270079]
    """
    made: Tensor = _apply(_erf, (x,), ())
    return made


def erfc(x: TensorLike) -> Tensor:
    """Complementary error function `1 - erf(x)`, within 3 ulp (4 without fused multiply-add) also where `erf(x)` rounds to 1.

    Gradient: `-g * 2 / sqrt(pi) * exp(-x * x)`.

    NumPy: `scipy.special.erfc(x)`

    >>> with ag.Context():
    ...     print(T.erfc([0.0, 1.0, 10.0]).eval())
    [1.00000000e+00 1.57299207e-01 2.08848758e-45]
    """
    made: Tensor = _apply(_erfc, (x,), ())
    return made


def ndtr(x: TensorLike) -> Tensor:
    """The standard normal distribution function, `erfc(-x / sqrt(2)) / 2`, within 3 ulp (4 without fused multiply-add) on both sides.

    Gradient: `g * exp(-x * x / 2) / sqrt(2 * pi)`.

    NumPy: `scipy.special.ndtr(x)`

    >>> with ag.Context():
    ...     print(T.ndtr([-10.0, 0.0, 1.0]).eval())
    [7.61985302e-24 5.00000000e-01 8.41344746e-01]
    """
    made: Tensor = _apply(_ndtr, (x,), ())
    return made


def gelu(x: TensorLike, approximate: Literal["none", "tanh"] = "none") -> Tensor:
    """Gaussian error linear unit: `x * ndtr(x)`, and its limit 0 at -inf. With `approximate="tanh"` it is
    `x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))) / 2`, without loss in the tails too.

    Gradient: `g * (ndtr(x) + x * exp(-x * x / 2) / sqrt(2 * pi))`, or `g` times the derivative of the approximation.

    NumPy: `x * (scipy.special.ndtr(x) if approximate == 'none' else scipy.special.expit(np.sqrt(8 / np.pi) * (x + 0.044715 * x**3)))`

    >>> with ag.Context():
    ...     print(T.gelu([-1.0, 0.0, 1.0]).eval())
    [-0.15865525  0.          0.84134475]
    """
    made: Tensor = _apply(_gelu, (x,), (approximate,))
    return made


def erfinv(x: TensorLike) -> Tensor:
    """Inverse of the error function, within 3 ulp; infinite at -1 and 1, NaN beyond.

    Gradient: `g * sqrt(pi) / 2 * exp(y * y)`, within 8 ulp also close to -1 and 1.

    NumPy: `scipy.special.erfinv(x)`

    >>> with ag.Context():
    ...     print(T.erfinv([0.0, 0.5, -1.0, 2.0]).eval())
    [0.         0.47693628       -inf        nan]
    """
    made: Tensor = _apply(_erfinv, (x,), ())
    return made


def lgamma(x: TensorLike) -> Tensor:
    """Logarithm of the absolute value of the gamma function, within 4 ulp for `x > 0`, at its zeros 1 and 2 too; infinite at 0 and the negative
    integers. Below 0 it has zeros between these: there the error is up to 4 ulp of the largest of it, `lgamma(-x)` and 1.

    Gradient: `g * digamma(x)`.

    NumPy: `scipy.special.gammaln(x)`

    >>> with ag.Context():
    ...     print(T.lgamma([0.5, 3.0, 10.0, -1.0]).eval())
    [ 0.57236494  0.69314718 12.80182748         inf]
    """
    made: Tensor = _apply(_lgamma, (x,), ())
    return made


def digamma(x: TensorLike) -> Tensor:
    """Derivative of the logarithm of the gamma function, within 4 ulp for `x > 0`, at its zero 1.46163 too; below 0 up to 6 ulp of the largest
    of it, `digamma(-x)` and 1. -inf at 0, inf at -0, NaN at the negative integers, as in SciPy.

    Gradient: `g * polygamma(1, x)`.

    NumPy: `scipy.special.digamma(x)`

    >>> with ag.Context():
    ...     print(T.digamma([1.0, 10.0, -0.5, 0.0]).eval())
    [-0.57721566  2.25175259  0.03648997        -inf]
    """
    made: Tensor = _apply(_digamma, (x,), ())
    return made


def sinc(x: TensorLike) -> Tensor:
    """`sin(pi * x) / (pi * x)`, within 3 ulp, and 1 at 0; exactly 0 at all other integers.

    Gradient: `g * (cos(pi * x) - y) / x`, and 0 at 0; accurate near 0 in all orders.

    NumPy: `np.sinc(x)`

    >>> with ag.Context():
    ...     print(T.sinc([0.0, 0.5, 1.5]).eval())
    [ 1.          0.63661977 -0.21220659]
    """
    made: Tensor = _apply(_sinc, (x,), ())
    return made


def equal(a: TensorLike, b: TensorLike) -> Tensor:
    """`a == b`, elementwise. NaN equals nothing.

    NumPy: `a == b`

    >>> with ag.Context():
    ...     print(T.equal([1.0, 2.0, np.nan], [1.0, 3.0, np.nan]).eval())
    [ True False False]
    """
    made: Tensor = _apply(_equal, (a, b), ())
    return made


def not_equal(a: TensorLike, b: TensorLike) -> Tensor:
    """`a != b`, elementwise.

    NumPy: `a != b`

    >>> with ag.Context():
    ...     print(T.not_equal([1.0, 2.0, np.nan], [1.0, 3.0, np.nan]).eval())
    [False  True  True]
    """
    made: Tensor = _apply(_not_equal, (a, b), ())
    return made


def less(a: TensorLike, b: TensorLike) -> Tensor:
    """`a < b`, elementwise.

    NumPy: `a < b`

    >>> with ag.Context():
    ...     print(T.less([1, 2, 3], 2).eval())
    [ True False False]
    """
    made: Tensor = _apply(_less, (a, b), ())
    return made


def less_equal(a: TensorLike, b: TensorLike) -> Tensor:
    """`a <= b`, elementwise.

    NumPy: `a <= b`

    >>> with ag.Context():
    ...     print(T.less_equal([1, 2, 3], 2).eval())
    [ True  True False]
    """
    made: Tensor = _apply(_less_equal, (a, b), ())
    return made


def greater(a: TensorLike, b: TensorLike) -> Tensor:
    """`a > b`, elementwise.

    NumPy: `a > b`

    >>> with ag.Context():
    ...     print(T.greater([1, 2, 3], 2).eval())
    [False False  True]
    """
    made: Tensor = _apply(_greater, (a, b), ())
    return made


def greater_equal(a: TensorLike, b: TensorLike) -> Tensor:
    """`a >= b`, elementwise.

    NumPy: `a >= b`

    >>> with ag.Context():
    ...     print(T.greater_equal([1, 2, 3], 2).eval())
    [False  True  True]
    """
    made: Tensor = _apply(_greater_equal, (a, b), ())
    return made


def logical_and(a: TensorLike, b: TensorLike) -> Tensor:
    """Logical and of two arrays; numbers count as true where they are not 0.

    NumPy: `np.logical_and(a, b)`

    >>> with ag.Context():
    ...     print(T.logical_and([0.0, 0.0, 2.0], [0, 1, 1]).eval())
    [False False  True]
    """
    made: Tensor = _apply(_logical_and, (a, b), ())
    return made


def logical_or(a: TensorLike, b: TensorLike) -> Tensor:
    """Logical or of two arrays; numbers count as true where they are not 0.

    NumPy: `np.logical_or(a, b)`

    >>> with ag.Context():
    ...     print(T.logical_or([0.0, 0.0, 2.0], [0, 1, 1]).eval())
    [False  True  True]
    """
    made: Tensor = _apply(_logical_or, (a, b), ())
    return made


def logical_xor(a: TensorLike, b: TensorLike) -> Tensor:
    """Exclusive or of two arrays; numbers count as true where they are not 0.

    NumPy: `np.logical_xor(a, b)`

    >>> with ag.Context():
    ...     print(T.logical_xor([0.0, 0.0, 2.0], [0, 1, 1]).eval())
    [False  True False]
    """
    made: Tensor = _apply(_logical_xor, (a, b), ())
    return made


def logical_not(x: TensorLike) -> Tensor:
    """Logical not; numbers count as true where they are not 0.

    NumPy: `np.logical_not(x)`

    >>> with ag.Context():
    ...     print(T.logical_not([0.0, 2.0, np.nan]).eval())
    [ True False False]
    """
    made: Tensor = _apply(_logical_not, (x,), ())
    return made


def bitwise_and(a: TensorLike, b: TensorLike) -> Tensor:
    """And of the bits of integers, and of bools.

    NumPy: `np.bitwise_and(a, b)`

    >>> with ag.Context():
    ...     print(T.bitwise_and([12, 10], 6).eval())
    [4 2]
    """
    made: Tensor = _apply(_bitwise_and, (a, b), ())
    return made


def bitwise_or(a: TensorLike, b: TensorLike) -> Tensor:
    """Or of the bits of integers, and of bools.

    NumPy: `np.bitwise_or(a, b)`

    >>> with ag.Context():
    ...     print(T.bitwise_or([12, 10], 6).eval())
    [14 14]
    """
    made: Tensor = _apply(_bitwise_or, (a, b), ())
    return made


def bitwise_xor(a: TensorLike, b: TensorLike) -> Tensor:
    """Exclusive or of the bits of integers, and of bools.

    NumPy: `np.bitwise_xor(a, b)`

    >>> with ag.Context():
    ...     print(T.bitwise_xor([True, False], True).eval())
    [False  True]
    """
    made: Tensor = _apply(_bitwise_xor, (a, b), ())
    return made


def bitwise_not(x: TensorLike) -> Tensor:
    """All bits of integers turned over, and bools negated.

    NumPy: `np.bitwise_not(x)`

    >>> with ag.Context():
    ...     print(T.bitwise_not([0, 1, -1]).eval())
    [-1 -2  0]
    """
    made: Tensor = _apply(_bitwise_not, (x,), ())
    return made


def isnan(x: TensorLike) -> Tensor:
    """True where `x` is NaN.

    NumPy: `np.isnan(x)`

    >>> with ag.Context():
    ...     print(T.isnan([1.0, np.nan, np.inf]).eval())
    [False  True False]
    """
    made: Tensor = _apply(_isnan, (x,), ())
    return made


def isinf(x: TensorLike) -> Tensor:
    """True where `x` is infinite.

    NumPy: `np.isinf(x)`

    >>> with ag.Context():
    ...     print(T.isinf([1.0, np.nan, -np.inf]).eval())
    [False False  True]
    """
    made: Tensor = _apply(_isinf, (x,), ())
    return made


def isfinite(x: TensorLike) -> Tensor:
    """True where `x` is neither infinite nor NaN.

    NumPy: `np.isfinite(x)`

    >>> with ag.Context():
    ...     print(T.isfinite([1.0, np.nan, np.inf]).eval())
    [ True False False]
    """
    made: Tensor = _apply(_isfinite, (x,), ())
    return made


def signbit(x: TensorLike) -> Tensor:
    """True where the sign of `x` is negative, also that of -0.

    NumPy: `np.signbit(x)`

    >>> with ag.Context():
    ...     print(T.signbit([-2.0, -0.0, 0.0, np.inf]).eval())
    [ True  True False False]
    """
    made: Tensor = _apply(_signbit, (x,), ())
    return made


def nan_to_num(x: TensorLike, nan: TensorLike = 0.0, posinf: TensorLike | None = None, neginf: TensorLike | None = None) -> Tensor:
    """`x`, with `nan` in place of NaN, `posinf` in place of inf and `neginf` in place of -inf: without them the largest and the smallest
    number of the dtype. Integers stay as they are.

    Gradient: `g` where `x` is finite, exactly 0 elsewhere; there it goes to what was put in place.

    NumPy: `np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)`

    >>> with ag.Context():
    ...     print(T.nan_to_num([1.0, np.nan, -np.inf, np.inf], nan=7.0, neginf=-1.0).eval())
    [ 1.00000000e+000  7.00000000e+000 -1.00000000e+000  1.79769313e+308]
    """
    made: Tensor = _apply(_nan_to_num, (x, nan, posinf, neginf), ())
    return made


def fmax(a: TensorLike, b: TensorLike) -> Tensor:
    """The larger of two, with broadcasting, and the other one if one is NaN.

    Gradient: to the larger; ties share it equally. To the one that is not NaN.

    NumPy: `np.fmax(a, b)`

    >>> with ag.Context():
    ...     print(T.fmax([1.0, 5.0, np.nan], 3.0).eval())
    [3. 5. 3.]
    """
    made: Tensor = _apply(_fmax, (a, b), ())
    return made


def fmin(a: TensorLike, b: TensorLike) -> Tensor:
    """The smaller of two, with broadcasting, and the other one if one is NaN.

    Gradient: to the smaller; ties share it equally. To the one that is not NaN.

    NumPy: `np.fmin(a, b)`

    >>> with ag.Context():
    ...     print(T.fmin([1.0, 5.0, np.nan], 3.0).eval())
    [1. 3. 3.]
    """
    made: Tensor = _apply(_fmin, (a, b), ())
    return made


def copysign(a: TensorLike, b: TensorLike) -> Tensor:
    """`|a|` with the sign of `b`, also that of -0, with broadcasting.

    Gradient: `g` to `a` where the signs of both are equal, `-g` elsewhere; 0 at 0, and to `b`.

    NumPy: `np.copysign(a, b)`

    >>> with ag.Context():
    ...     print(T.copysign([1.0, -2.0, 3.0], [-1.0, 1.0, -0.0]).eval())
    [-1.  2. -3.]
    """
    made: Tensor = _apply(_copysign, (a, b), ())
    return made


def heaviside(x: TensorLike, value: TensorLike) -> Tensor:
    """The step function: 0 where `x` is negative, 1 where it is positive, `value` where it is 0; NaN of NaN.

    Gradient: 0 to `x`; to `value` where `x` is 0.

    NumPy: `np.heaviside(x, value)`

    >>> with ag.Context():
    ...     print(T.heaviside([-1.5, 0.0, 2.0], 0.5).eval())
    [0.  0.5 1. ]
    """
    made: Tensor = _apply(_heaviside, (x, value), ())
    return made


def where(condition: TensorLike, a: TensorLike, b: TensorLike) -> Tensor:
    """`a` where the condition is true, else `b`, with broadcasting. Both are computed; neither's infinities or NaN reach
    the gradient of the other.

    Gradient: `g` to the value that was taken, exactly 0 to the other.

    NumPy: `np.where(condition, a, b)`

    >>> with ag.Context():
    ...     x = T.constant([0.0, 4.0])
    ...     print(T.grad([T.where(x > 0.0, T.sqrt(x), 0.0)], [x])[0].eval())
    [0.   0.25]
    """
    made: Tensor = _apply(_where, (condition, a, b), ())
    return made


def cast(x: TensorLike, dtype: DTypeLike = "float64") -> Tensor:
    """`x` converted to `dtype`. Floats become integers by truncation; NaN becomes 0 and values beyond the ends the
    nearest end. Anything but 0 becomes true.

    Gradient: `g` converted back, between floating dtypes; none otherwise.

    NumPy: `x.astype(dtype)`

    >>> with ag.Context():
    ...     print(T.cast([1.7, -1.7, 0.0], "int32").eval())
    [ 1 -1  0]
    """
    made: Tensor = _apply(_cast, (x,), (dtype,))
    return made


def identity(x: TensorLike) -> Tensor:
    """`x` itself, as a tensor of its own: equal expressions are one tensor, and each call of this is another one. NumPy's `identity`,
    the matrix, is `eye`.

    Gradient: `g`.

    NumPy: `x`

    >>> with ag.Context():
    ...     x = T.constant(3.0)
    ...     a, b = T.identity(x), T.identity(x)
    ...     print(T.grad([a * b], [a])[0].eval())
    3.0
    """
    made: Tensor = _apply(_identity, (x,), ())
    return made


def stop_gradient(x: TensorLike) -> Tensor:
    """`x` itself, with a gradient of 0.

    NumPy: `x`

    >>> with ag.Context():
    ...     x = T.constant(3.0)
    ...     print(T.grad([x * T.stop_gradient(x)], [x])[0].eval())
    3.0
    """
    made: Tensor = _apply(_stop_gradient, (x,), ())
    return made


def reshape(x: TensorLike, shape: Shape) -> Tensor:
    """The elements of `x` in C order under another shape; one length may be -1 and is worked out.

    Gradient: `g` under the shape of `x`.

    NumPy: `np.reshape(x, shape)`

    >>> with ag.Context():
    ...     print(T.reshape([[1, 2, 3], [4, 5, 6]], (3, -1)).eval())
    [[1 2]
     [3 4]
     [5 6]]
    """
    made: Tensor = _apply(_reshape, (x,), (shape,))
    return made


def transpose(x: TensorLike, axes: Axes = None) -> Tensor:
    """`x` with its axes in another order; reversed by default.

    Gradient: `g` with the axes put back.

    NumPy: `np.transpose(x, axes)`

    >>> with ag.Context():
    ...     print(T.transpose([[1, 2, 3], [4, 5, 6]]).eval())
    [[1 4]
     [2 5]
     [3 6]]
    """
    made: Tensor = _apply(_transpose, (x,), (axes,))
    return made


def expand_dims(x: TensorLike, axis: Axes = (0,)) -> Tensor:
    """`x` with new axes of length 1: `axis` names their places in the result.

    Gradient: `g` without these axes.

    NumPy: `np.expand_dims(x, axis)`

    >>> with ag.Context():
    ...     print(T.expand_dims([1, 2], -1).eval())
    [[1]
     [2]]
    """
    made: Tensor = _apply(_expand_dims, (x,), (axis,))
    return made


def squeeze(x: TensorLike, axis: Axes = None) -> Tensor:
    """`x` without axes of length 1: those that `axis` names, or all of them where the shape is known.

    Gradient: `g` with these axes put back.

    NumPy: `np.squeeze(x, axis)`

    >>> with ag.Context():
    ...     print(T.squeeze([[[1], [2]]], -1).eval())
    [[1 2]]
    """
    made: Tensor = _apply(_squeeze, (x,), (axis,))
    return made


def broadcast_to(x: TensorLike, shape: Shape) -> Tensor:
    """`x` repeated to `shape`.

    Gradient: the sum of `g` over the axes that were repeated.

    NumPy: `np.broadcast_to(x, shape)`

    >>> with ag.Context():
    ...     print(T.broadcast_to([[1], [2]], (2, 3)).eval())
    [[1 1 1]
     [2 2 2]]
    """
    made: Tensor = _apply(_broadcast_to, (x,), (shape,))
    return made


def strided_slice(x: TensorLike, slices: Sequence[builtins.slice]) -> Tensor:
    """A part of `x`: one slice an axis, from the first; axes that are not named stay whole. Bounds and steps mean what
    NumPy's mean: negative bounds count from the end, bounds beyond the ends are cut, steps may be negative.

    Gradient: `g` in its places of an array of zeros.

    NumPy: `x[slices]`

    >>> with ag.Context():
    ...     print(T.strided_slice([0, 1, 2, 3, 4], [slice(None, None, -2)]).eval())
    [4 2 0]
    """
    made: Tensor = _apply(_strided_slice, (x,), (slices,))
    return made


def concat(xs: Sequence[TensorLike], axis: int = 0) -> Tensor:
    """Arrays joined along an axis that they have; their other lengths are equal.

    Gradient: the parts of `g`.

    NumPy: `np.concatenate(xs, axis=axis)`

    >>> with ag.Context():
    ...     print(T.concat([np.zeros([2, 1]), np.ones([2, 2])], axis=-1).eval())
    [[0. 1. 1.]
     [0. 1. 1.]]
    """
    made: Tensor = _apply(_concat, (xs,), (axis,))
    return made


def stack(xs: Sequence[TensorLike], axis: int = 0) -> Tensor:
    """Arrays of one shape joined along a new axis, which stands at `axis` of the result.

    Gradient: the parts of `g`.

    NumPy: `np.stack(xs, axis)`

    >>> with ag.Context():
    ...     print(T.stack([[1, 2], [3, 4]], axis=1).eval())
    [[1 3]
     [2 4]]
    """
    made: Tensor = _apply(_stack, (xs,), (axis,))
    return made


def vstack(xs: Sequence[TensorLike]) -> Tensor:
    """Arrays joined along the first axis, one below the other; numbers and vectors are rows, as `atleast_2d` makes them.

    Gradient: the parts of `g`.

    NumPy: `np.vstack(xs)`

    >>> with ag.Context():
    ...     print(T.vstack([[1, 2], [[3, 4], [5, 6]]]).eval())
    [[1 2]
     [3 4]
     [5 6]]
    """
    made: Tensor = _apply(_vstack, (xs,), ())
    return made


def hstack(xs: Sequence[TensorLike]) -> Tensor:
    """Arrays joined along the second axis, one beside the other; numbers and vectors along their only one, as `atleast_1d` makes
    them.

    Gradient: the parts of `g`.

    NumPy: `np.hstack(xs)`

    >>> with ag.Context():
    ...     print(T.hstack([0, [1, 2]]).eval())
    [0 1 2]
    """
    made: Tensor = _apply(_hstack, (xs,), ())
    return made


def dstack(xs: Sequence[TensorLike]) -> Tensor:
    """Arrays joined along the third axis, one behind the other; those of fewer axes as `atleast_3d` makes them.

    Gradient: the parts of `g`.

    NumPy: `np.dstack(xs)`

    >>> with ag.Context():
    ...     print(T.dstack([[1, 2], [3, 4]]).eval())
    [[[1 3]
      [2 4]]]
    """
    made: Tensor = _apply(_dstack, (xs,), ())
    return made


def column_stack(xs: Sequence[TensorLike]) -> Tensor:
    """Arrays joined along the second axis, of which numbers and vectors are columns.

    Gradient: the parts of `g`.

    NumPy: `np.column_stack(xs)`

    >>> with ag.Context():
    ...     print(T.column_stack([[1, 2], [3, 4]]).eval())
    [[1 3]
     [2 4]]
    """
    made: Tensor = _apply(_column_stack, (xs,), ())
    return made


def split(x: TensorLike, indices_or_sections: int | Sequence[int] | None = None, axis: int = 0, sizes: Axes = None) -> list[Tensor]:
    """`x` cut along `axis` into a list: an integer is a number of equal parts, a list of integers the places of the cuts, which are
    bounds of slices as NumPy's. In place of them, `sizes` are the lengths of the parts.

    A number of parts needs a length that is known when the graph is built; places and sizes do not.

    Gradient: the parts' cotangents in their places.

    NumPy: `np.split(x, np.cumsum(sizes)[:-1] if indices_or_sections is None else indices_or_sections, axis)`

    >>> with ag.Context() as ctx:
    ...     print(*ctx.eval(T.split([1, 2, 3, 4, 5], sizes=[2, 3])))
    [1 2] [3 4 5]
    """
    made: list[Tensor] = _apply(_split, (x,), (indices_or_sections, axis, sizes))
    return made


def array_split(x: TensorLike, indices_or_sections: int | Sequence[int] | None, axis: int = 0) -> list[Tensor]:
    """`x` cut along `axis` into a list: an integer is a number of parts, of which the first are longer by 1 where the length does not
    divide, a list of integers the places of the cuts, which are bounds of slices as NumPy's.

    A number of parts needs a length that is known when the graph is built.

    Gradient: the parts' cotangents in their places.

    NumPy: `np.array_split(x, indices_or_sections, axis)`

    >>> with ag.Context() as ctx:
    ...     print(*ctx.eval(T.array_split([1, 2, 3, 4, 5], 3)))
    [1 2] [3 4] [5]
    """
    made: list[Tensor] = _apply(_array_split, (x,), (indices_or_sections, axis))
    return made


def unbind(x: TensorLike, axis: int = 0) -> list[Tensor]:
    """The list of what stands at `0, 1, ..` along `axis`, without that axis. Its length must be known when the graph is built.

    Gradient: the parts' cotangents in their places.

    NumPy: `list(np.moveaxis(x, axis, 0))`

    >>> with ag.Context() as ctx:
    ...     print(*ctx.eval(T.unbind([[1, 2], [3, 4]], axis=1)))
    [1 3] [2 4]
    """
    made: list[Tensor] = _apply(_unbind, (x,), (axis,))
    return made


def tile(x: TensorLike, reps: Shape) -> Tensor:
    """`x` over and over, `reps` times along each axis. Where `x` has fewer axes than there are numbers it gets new ones in front;
    where there are fewer numbers, they are those of the last axes.

    Gradient: the sum of `g` over the repeats.

    NumPy: `np.tile(x, reps)`

    >>> with ag.Context():
    ...     print(T.tile([1, 2], (2, 2)).eval())
    [[1 2 1 2]
     [1 2 1 2]]
    """
    made: Tensor = _apply(_tile, (x,), (reps,))
    return made


def repeat(x: TensorLike, repeats: Shape, axis: int | None = None) -> Tensor:
    """Each element of `x` several times, one after the other along `axis`; without an axis, those of `x` in C order. `repeats` is one
    number, or one for each element along the axis.

    Gradient: the sum of `g` over the repeats of each element.

    NumPy: `np.repeat(x, repeats, axis)`

    >>> with ag.Context():
    ...     print(T.repeat([[1, 2], [3, 4]], [2, 1], axis=0).eval())
    [[1 2]
     [1 2]
     [3 4]]
    """
    made: Tensor = _apply(_repeat, (x,), (repeats, axis))
    return made


def flip(x: TensorLike, axis: Axes = None) -> Tensor:
    """`x` backwards along `axis`, which is one axis, several, or all of them by default; along no axis (`()`), `x` itself.

    Gradient: `g` backwards.

    NumPy: `np.flip(x, axis)`

    >>> with ag.Context():
    ...     print(T.flip([[1, 2, 3], [4, 5, 6]], axis=1).eval())
    [[3 2 1]
     [6 5 4]]
    """
    made: Tensor = _apply(_flip, (x,), (axis,))
    return made


def fliplr(x: TensorLike) -> Tensor:
    """`x` backwards along the second axis: left and right exchanged.

    Gradient: `g` backwards.

    NumPy: `np.fliplr(x)`

    >>> with ag.Context():
    ...     print(T.fliplr([[1, 2], [3, 4]]).eval())
    [[2 1]
     [4 3]]
    """
    made: Tensor = _apply(_fliplr, (x,), ())
    return made


def flipud(x: TensorLike) -> Tensor:
    """`x` backwards along the first axis: up and down exchanged.

    Gradient: `g` backwards.

    NumPy: `np.flipud(x)`

    >>> with ag.Context():
    ...     print(T.flipud([[1, 2], [3, 4]]).eval())
    [[3 4]
     [1 2]]
    """
    made: Tensor = _apply(_flipud, (x,), ())
    return made


def roll(x: TensorLike, shift: Shape, axis: Axes = None) -> Tensor:
    """`x` moved by `shift` along `axis`; what leaves at one end comes in at the other. Several shifts go with several axes, or with one;
    without an axis, the elements move in C order.

    Gradient: `g` moved back.

    NumPy: `np.roll(x, shift, axis)`

    >>> with ag.Context():
    ...     print(T.roll([[1, 2, 3], [4, 5, 6]], 1, axis=1).eval())
    [[3 1 2]
     [6 4 5]]
    """
    made: Tensor = _apply(_roll, (x,), (shift, axis))
    return made


def moveaxis(x: TensorLike, source: Shape, destination: Shape) -> Tensor:
    """`x` with its axes `source` at `destination` of the result; the others stay in their order.

    Gradient: `g` with the axes put back.

    NumPy: `np.moveaxis(x, source, destination)`

    >>> with ag.Context():
    ...     print(T.moveaxis(np.zeros((2, 3, 4)), 0, -1)[0].eval())
    [[0. 0.]
     [0. 0.]
     [0. 0.]
     [0. 0.]]
    """
    made: Tensor = _apply(_moveaxis, (x,), (source, destination))
    return made


def swapaxes(x: TensorLike, axis1: int, axis2: int) -> Tensor:
    """`x` with two axes exchanged.

    Gradient: `g` with them exchanged.

    NumPy: `np.swapaxes(x, axis1, axis2)`

    >>> with ag.Context():
    ...     print(T.swapaxes([[1, 2, 3], [4, 5, 6]], 0, 1).eval())
    [[1 4]
     [2 5]
     [3 6]]
    """
    made: Tensor = _apply(_swapaxes, (x,), (axis1, axis2))
    return made


def matrix_transpose(x: TensorLike) -> Tensor:
    """The matrices in the last two axes of `x` transposed: these axes exchanged.

    Gradient: the same of `g`.

    NumPy: `np.swapaxes(x, -1, -2)`

    >>> with ag.Context():
    ...     print(T.matrix_transpose([[1, 2, 3], [4, 5, 6]]).eval())
    [[1 4]
     [2 5]
     [3 6]]
    """
    made: Tensor = _apply(_matrix_transpose, (x,), ())
    return made


def ravel(x: TensorLike) -> Tensor:
    """The elements of `x` in C order along one axis.

    Gradient: `g` under the shape of `x`.

    NumPy: `np.ravel(x)`

    >>> with ag.Context():
    ...     print(T.ravel([[1, 2], [3, 4]]).eval())
    [1 2 3 4]
    """
    made: Tensor = _apply(_ravel, (x,), ())
    return made


def flatten(x: TensorLike, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """`x` with its axes from `start_dim` up to and with `end_dim` joined into one, in C order: all of them by default. A 0-d array
    becomes one of one element.

    Gradient: `g` under the shape of `x`.

    NumPy: `np.reshape(x, (*x.shape[:start_dim], -1, *x.shape[x.ndim + 1 + end_dim if end_dim < 0 else end_dim + 1:]))`

    >>> with ag.Context():
    ...     print(T.flatten([[[1, 2], [3, 4]]], start_dim=1).eval())
    [[1 2 3 4]]
    """
    made: Tensor = _apply(_flatten, (x,), (start_dim, end_dim))
    return made


def atleast_1d(x: TensorLike) -> Tensor:
    """`x` with one axis at least: a number becomes one element.

    Gradient: `g` under the shape of `x`.

    NumPy: `np.atleast_1d(x)`

    >>> with ag.Context():
    ...     print(T.atleast_1d(3).eval())
    [3]
    """
    made: Tensor = _apply(_atleast_1d, (x,), ())
    return made


def atleast_2d(x: TensorLike) -> Tensor:
    """`x` with two axes at least: numbers and vectors become a row.

    Gradient: `g` under the shape of `x`.

    NumPy: `np.atleast_2d(x)`

    >>> with ag.Context():
    ...     print(T.atleast_2d([1, 2]).eval())
    [[1 2]]
    """
    made: Tensor = _apply(_atleast_2d, (x,), ())
    return made


def atleast_3d(x: TensorLike) -> Tensor:
    """`x` with three axes at least: new ones in front and behind of a vector, and behind a matrix.

    Gradient: `g` under the shape of `x`.

    NumPy: `np.atleast_3d(x)`

    >>> with ag.Context():
    ...     print(T.atleast_3d([[1, 2]]).eval())
    [[[1]
      [2]]]
    """
    made: Tensor = _apply(_atleast_3d, (x,), ())
    return made


def pad(
    x: TensorLike,
    pad_width: int | Sequence[int] | Sequence[Sequence[int]],
    mode: Literal["constant", "edge", "reflect", "symmetric", "wrap"] = "constant",
    constant_values: TensorLike = 0,
) -> Tensor:
    """`x` with more elements at its ends. `pad_width` is their number at both ends of each axis, a pair of numbers, or a pair for each
    axis. A negative number cuts off as many elements, after the others were added.

    `mode` says what they are: `constant_values` ("constant"), the last element ("edge"), the elements that follow from there
    backwards, without the last one ("reflect") or with it ("symmetric"), or those at the other end ("wrap"), over and over where
    there are not enough. `constant_values` is a number, a pair of them, or a pair for each axis; in a corner stand those of the last
    axis.

    Gradient: `g` without what was added; what repeats an element is summed to it, and what is `constant_values` to these.

    >>> with ag.Context():
    ...     print(T.pad([1, 2, 3], (1, 2), mode="edge").eval())
    [1 1 2 3 3 3]
    """
    made: Tensor = _apply(_pad, (x, constant_values), (pad_width, mode))
    return made


def broadcast_arrays(*xs: TensorLike) -> list[Tensor]:
    """The arrays, each repeated to the shape that they broadcast to.

    Gradient: to each array the sum of `g` over its repeats.

    NumPy: `np.broadcast_arrays(*xs)`

    >>> with ag.Context() as ctx:
    ...     print(*ctx.eval(T.broadcast_arrays([1, 2], [[3], [4]])))
    [[1 2]
     [1 2]] [[3 3]
     [4 4]]
    """
    made: list[Tensor] = _apply(_broadcast_arrays, (xs,), ())
    return made


def meshgrid(*xs: TensorLike, indexing: Literal["xy", "ij"] = "xy", sparse: bool = False) -> list[Tensor]:
    """The coordinates of a grid: each vector along an axis of its own, repeated along those of the others. With `indexing="xy"` the
    first two exchange their axes. With `sparse` they are not repeated: they broadcast to the grid. A 0-d array is one element.

    Gradient: to each vector the sum of `g` over its repeats.

    NumPy: `np.meshgrid(*xs, indexing=indexing, sparse=sparse)`

    >>> with ag.Context() as ctx:
    ...     print(*ctx.eval(T.meshgrid([1, 2, 3], [4, 5])))
    [[1 2 3]
     [1 2 3]] [[4 4 4]
     [5 5 5]]
    """
    made: list[Tensor] = _apply(_meshgrid, (xs,), (indexing, sparse))
    return made


def diagonal(x: TensorLike, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """The elements `x[i, i + offset]` of the matrices in two axes of `x`, as the last axis of the result; without a diagonal that
    far away, none.

    Gradient: `g` on the diagonal, zeros elsewhere.

    NumPy: `np.diagonal(x, offset, axis1, axis2)`

    >>> with ag.Context():
    ...     print(T.diagonal([[1, 2, 3], [4, 5, 6]], offset=1).eval())
    [2 6]
    """
    made: Tensor = _apply(_diagonal, (x,), (offset, axis1, axis2))
    return made


def diag_embed(x: TensorLike, offset: int = 0, axis1: int = -2, axis2: int = -1) -> Tensor:
    """Square matrices with the last axis of `x` on a diagonal, `y[i, i + offset]`, and zeros elsewhere; their two axes stand at
    `axis1` and `axis2` of the result.

    Gradient: the diagonal of `g`.

    >>> with ag.Context():
    ...     print(T.diag_embed([[1, 2], [3, 4]])[1].eval())
    [[3 0]
     [0 4]]
    """
    made: Tensor = _apply(_diag_embed, (x,), (offset, axis1, axis2))
    return made


def diag(x: TensorLike, k: int = 0) -> Tensor:
    """The matrix with the vector `x` on its diagonal `k`, zeros elsewhere; of a matrix `x`, its diagonal `k` as a vector.

    Gradient: the diagonal of `g`; of a matrix, `g` on the diagonal.

    NumPy: `np.diag(x, k)`

    >>> with ag.Context():
    ...     print(T.diag(T.diag([1, 2], k=1), k=1).eval())
    [1 2]
    """
    made: Tensor = _apply(_diag, (x,), (k,))
    return made


def trace(x: TensorLike, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """The sum of a diagonal, `sum of x[i, i + offset]`, of the matrices in two axes of `x`; they need not be square. Bools and
    `int32` are summed in `int64`.

    Gradient: `g` on the diagonal, zeros elsewhere.

    NumPy: `np.trace(x, offset, axis1, axis2)`

    >>> with ag.Context():
    ...     print(T.trace([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]).eval())
    6.0
    """
    made: Tensor = _apply(_trace, (x,), (offset, axis1, axis2))
    return made


def tril(x: TensorLike, k: int = 0) -> Tensor:
    """The elements of matrices on the diagonal `k` and below it, zeros above; the matrices are in the last two axes. Of a vector,
    the square matrix with it in each row.

    Gradient: that part of `g`; what stands above leaves nothing in it, be it infinite or NaN.

    NumPy: `np.tril(x, k)`

    >>> with ag.Context():
    ...     print(T.tril([[1, 2, 3], [4, 5, 6]]).eval())
    [[1 0 0]
     [4 5 0]]
    """
    made: Tensor = _apply(_tril, (x,), (k,))
    return made


def triu(x: TensorLike, k: int = 0) -> Tensor:
    """The elements of matrices on the diagonal `k` and above it, zeros below; the matrices are in the last two axes. Of a vector,
    the square matrix with it in each row.

    Gradient: that part of `g`; what stands below leaves nothing in it, be it infinite or NaN.

    NumPy: `np.triu(x, k)`

    >>> with ag.Context():
    ...     print(T.triu([[1, 2, 3], [4, 5, 6]], k=1).eval())
    [[0 2 3]
     [0 0 6]]
    """
    made: Tensor = _apply(_triu, (x,), (k,))
    return made


def zeros_like(x: TensorLike, dtype: DTypeLike | None = None) -> Tensor:
    """Zeros in the shape of `x`, of which nothing else is used, and in its dtype, if no other is given. A tensor of its own.

    Gradient: none to `x`.

    NumPy: `np.zeros_like(x, dtype)`

    >>> with ag.Context():
    ...     print(T.zeros_like([[1.5, 2.5]]).eval())
    [[0. 0.]]
    """
    made: Tensor = _apply(_zeros_like, (x,), (dtype,))
    return made


def ones_like(x: TensorLike, dtype: DTypeLike | None = None) -> Tensor:
    """Ones in the shape of `x`, of which nothing else is used, and in its dtype, if no other is given. A tensor of its own.

    Gradient: none to `x`.

    NumPy: `np.ones_like(x, dtype)`

    >>> with ag.Context():
    ...     print(T.ones_like([[1.5, 2.5]], dtype="int64").eval())
    [[1 1]]
    """
    made: Tensor = _apply(_ones_like, (x,), (dtype,))
    return made


def full_like(x: TensorLike, fill_value: TensorLike, dtype: DTypeLike | None = None) -> Tensor:
    """`fill_value` repeated to the shape of `x`, of which nothing else is used, and in its dtype, if no other is given. Of a number
    it is a tensor of its own; one that the dtype does not have is an error.

    Gradient: none to `x`; to `fill_value` the sum of `g` over the repeats.

    NumPy: `np.full_like(x, fill_value, dtype)`

    >>> with ag.Context():
    ...     print(T.full_like([[1.0, 2.0]], 0.5).eval())
    [[0.5 0.5]]
    """
    made: Tensor = _apply(_full_like, (x, fill_value), (dtype,))
    return made


def reduce_sum(x: TensorLike, axis: Axes = None, keepdims: bool = False, where: TensorLike | None = None) -> Tensor:
    """Sum over `axis` (all axes by default); bools and `int32` are summed in `int64`. The sum over nothing is 0.

    The order of the additions depends on shape and axes only: blocks of 512, folded 8 by 8 by 8, then pairwise.
    With `where`, a bool of the shape of `x` or repeated to it, only those elements count where it is true.

    Gradient: `g` repeated over the axes; exactly 0 where `where` is false, whatever stands there.

    NumPy: `np.sum(x, axis=axis, keepdims=keepdims, where=where)`

    >>> with ag.Context():
    ...     print(T.reduce_sum([[1, 2], [3, 4]], axis=-1, keepdims=True).eval())
    [[3]
     [7]]
    """
    made: Tensor = _apply(_reduce_sum, (x, where), (axis, keepdims))
    return made


def reduce_max(
    x: TensorLike, axis: Axes = None, keepdims: bool = False, initial: TensorLike | None = None, where: TensorLike | None = None
) -> Tensor:
    """The largest element over `axis` (all axes by default); NaN if one is NaN.

    `initial` is a number that counts as an element: with it there is a value over nothing. With `where`, a bool of the shape of
    `x` or repeated to it, only those elements count where it is true; then `initial` is needed.

    Gradient: to the largest elements; ties share it equally, and half of it goes to `initial` where that is one of them. It is
    exactly 0 where `where` is false.

    NumPy: `np.max(x, axis=axis, keepdims=keepdims, initial=initial, where=where)`

    >>> with ag.Context():
    ...     x = T.constant([1.0, 3.0, 3.0])
    ...     print(T.grad([T.reduce_max(x)], [x])[0].eval())
    [0.  0.5 0.5]
    """
    made: Tensor = _apply(_reduce_max, (x, initial, where), (axis, keepdims))
    return made


def reduce_min(
    x: TensorLike, axis: Axes = None, keepdims: bool = False, initial: TensorLike | None = None, where: TensorLike | None = None
) -> Tensor:
    """The smallest element over `axis` (all axes by default); NaN if one is NaN.

    `initial` is a number that counts as an element: with it there is a value over nothing. With `where`, a bool of the shape of
    `x` or repeated to it, only those elements count where it is true; then `initial` is needed.

    Gradient: to the smallest elements; ties share it equally, and half of it goes to `initial` where that is one of them. It is
    exactly 0 where `where` is false.

    NumPy: `np.min(x, axis=axis, keepdims=keepdims, initial=initial, where=where)`

    >>> with ag.Context():
    ...     print(T.reduce_min([[1.0, 5.0], [7.0, 2.0]], axis=-1).eval())
    [1. 2.]
    """
    made: Tensor = _apply(_reduce_min, (x, initial, where), (axis, keepdims))
    return made


def reduce_mean(x: TensorLike, axis: Axes = None, keepdims: bool = False, where: TensorLike | None = None) -> Tensor:
    """Mean over `axis` (all axes by default), in floating numbers: `sum(x) / n`. The mean over nothing is NaN.

    With `where`, a bool of the shape of `x` or repeated to it, it is the mean of the elements where that is true.

    Gradient: `g / n` repeated over the axes; exactly 0 where `where` is false, whatever stands there.

    NumPy: `np.mean(x, axis=axis, keepdims=keepdims, where=where)`

    >>> with ag.Context():
    ...     print(T.reduce_mean([[1, 2], [3, 4]], axis=0).eval())
    [2. 3.]
    """
    made: Tensor = _apply(_reduce_mean, (x, where), (axis, keepdims))
    return made


def reduce_logsumexp(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """`log(sum(exp(x)))` over `axis` (all axes by default), shifted by the maximum: it never overflows. Where all
    elements are -inf, or where there are none, it is -inf.

    Gradient: `g * softmax(x)`; 0 where all elements are -inf. To an element that is inf it is NaN. Its own gradient has an
    error of one unit in the last place of `g` where a probability rounds to 1.

    NumPy: `scipy.special.logsumexp(x, axis=axis, keepdims=keepdims)`

    >>> with ag.Context():
    ...     print(T.reduce_logsumexp([[1000.0, 1000.0], [0.0, -np.inf]], axis=-1).eval())
    [1000.69314718    0.        ]
    """
    made: Tensor = _apply(_reduce_logsumexp, (x,), (axis, keepdims))
    return made


def argmax(x: TensorLike, axis: int = -1, keepdims: bool = False) -> Tensor:
    """The index of the largest element along `axis`, as `int64`; the first of ties; NaN counts as largest.

    Gradient: none.

    NumPy: `np.argmax(x, axis=axis, keepdims=keepdims)`

    >>> with ag.Context():
    ...     print(T.argmax([[1.0, 3.0, 3.0], [2.0, 0.0, 1.0]]).eval())
    [1 0]
    """
    made: Tensor = _apply(_argmax, (x,), (axis, keepdims))
    return made


def argmin(x: TensorLike, axis: int = -1, keepdims: bool = False) -> Tensor:
    """The index of the smallest element along `axis`, as `int64`; the first of ties; NaN counts as smallest.

    Gradient: none.

    NumPy: `np.argmin(x, axis=axis, keepdims=keepdims)`

    >>> with ag.Context():
    ...     print(T.argmin([[3.0, 1.0, 1.0], [2.0, np.nan, 1.0]]).eval())
    [1 1]
    """
    made: Tensor = _apply(_argmin, (x,), (axis, keepdims))
    return made


def max_with_index(x: TensorLike, axis: int = -1) -> tuple[Tensor, Tensor]:
    """The largest element along `axis`, and its index as `int64`: the first of ties; NaN counts as largest.

    Gradient: to the element that the index names.

    NumPy: `(np.max(x, axis=axis), np.argmax(x, axis=axis))`

    >>> with ag.Context() as ctx:
    ...     print(*ctx.eval(T.max_with_index([[1.0, 3.0, 3.0], [2.0, 0.0, 1.0]])))
    [3. 2.] [1 0]
    """
    made: tuple[Tensor, Tensor] = _apply(_max_with_index, (x,), (axis,))
    return made


def var(x: TensorLike, axis: Axes = None, ddof: TensorLike = 0, keepdims: bool = False, where: TensorLike | None = None) -> Tensor:
    """Variance over `axis` (all axes by default), in floating numbers: `sum((x - mean(x)) ** 2) / max(n - ddof, 0)` of `n` elements.
    It is exactly 0 where all are equal, and NaN over nothing.

    `ddof` is any number, or a 0-d tensor. With `where`, a bool of the shape of `x` or repeated to it, only those elements count
    where it is true.

    Gradient: `g * 2 * (x - mean(x)) / (n - ddof)`; exactly 0 where `where` is false, whatever stands there.

    >>> with ag.Context():
    ...     print(T.var([[1.0, 3.0], [2.0, 8.0]], axis=1).eval())
    [1. 9.]
    """
    made: Tensor = _apply(_var, (x, ddof, where), (axis, keepdims))
    return made


def std(x: TensorLike, axis: Axes = None, ddof: TensorLike = 0, keepdims: bool = False, where: TensorLike | None = None) -> Tensor:
    """Standard deviation over `axis` (all axes by default), in floating numbers: the square root of the variance, which does not
    overflow or vanish with the squares. It is exactly 0 where all elements are equal, and NaN over nothing.

    `ddof` is any number, or a 0-d tensor: the divisor is `max(n - ddof, 0)`. With `where`, a bool of the shape of `x` or repeated
    to it, only those elements count where it is true.

    Gradient: `g * (x - mean(x)) / (y * (n - ddof))`; where all elements are equal 0, in any order, and that of the variance for
    the square. Exactly 0 where `where` is false, whatever stands there.

    >>> with ag.Context():
    ...     print(T.std([[1.0, 3.0], [2.0, 8.0]], axis=1).eval())
    [1. 3.]
    """
    made: Tensor = _apply(_std, (x, ddof, where), (axis, keepdims))
    return made


def var_mean(x: TensorLike, axis: Axes = None, ddof: TensorLike = 0, keepdims: bool = False) -> tuple[Tensor, Tensor]:
    """Variance and mean over `axis` (all axes by default), in floating numbers.

    Gradient: those of `var` and of `mean`.

    NumPy: `(np.var(x, axis=axis, ddof=ddof, keepdims=keepdims), np.mean(x, axis=axis, keepdims=keepdims))`

    >>> with ag.Context() as ctx:
    ...     print(*ctx.eval(T.var_mean([[1.0, 3.0], [2.0, 8.0]], axis=1)))
    [1. 9.] [2. 5.]
    """
    made: tuple[Tensor, Tensor] = _apply(_var_mean, (x, ddof), (axis, keepdims))
    return made


def std_mean(x: TensorLike, axis: Axes = None, ddof: TensorLike = 0, keepdims: bool = False) -> tuple[Tensor, Tensor]:
    """Standard deviation and mean over `axis` (all axes by default), in floating numbers.

    Gradient: those of `std` and of `mean`.

    NumPy: `(np.std(x, axis=axis, ddof=ddof, keepdims=keepdims), np.mean(x, axis=axis, keepdims=keepdims))`

    >>> with ag.Context() as ctx:
    ...     print(*ctx.eval(T.std_mean([[1.0, 3.0], [2.0, 8.0]], axis=1)))
    [1. 3.] [2. 5.]
    """
    made: tuple[Tensor, Tensor] = _apply(_std_mean, (x, ddof), (axis, keepdims))
    return made


def average(x: TensorLike, axis: Axes = None, weights: TensorLike | None = None, keepdims: bool = False) -> Tensor:
    """Mean over `axis` (all axes by default) with weights: `sum(x * weights) / sum(weights)`, in floating numbers; the mean without
    them. The weights have the shape of `x`, or there is one for each place along `axis`. Where they sum up to 0 it is infinite or NaN.

    Gradient: `g * weights / sum(weights)`, and `g * (x - y) / sum(weights)` to the weights.

    NumPy: `np.average(x, axis=axis, weights=weights, keepdims=keepdims)`

    >>> with ag.Context():
    ...     print(T.average([[1.0, 2.0], [3.0, 4.0]], axis=1, weights=[3.0, 1.0]).eval())
    [1.25 3.25]
    """
    made: Tensor = _apply(_average, (x, weights), (axis, keepdims))
    return made


def vector_norm(x: TensorLike, ord: TensorLike | None = None, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Norm of the vectors over `axis` (of all elements by default), in floating numbers: `sum(|x| ** ord) ** (1 / ord)`. `inf` and
    `-inf` are the largest and the smallest absolute value, 0 counts the elements that are not 0. None is 2.

    It neither overflows nor vanishes with the powers of its elements. `ord` is a number or a 0-d tensor, which must not be 0.

    Gradient: `g * sign(x) * (|x| / y) ** (ord - 1)`; 0 to elements that are 0, so at the zero vector, in any order. The square of
    the norm of order 2 has its second derivative there too. To `ord` it flows if that is a tensor.

    NumPy: `np.linalg.vector_norm(x, ord=ord, axis=axis, keepdims=keepdims)`

    >>> with ag.Context():
    ...     print(T.vector_norm([[3.0, 4.0], [1.0, 0.0]], ord=1).eval())
    8.0
    """
    made: Tensor = _apply(_vector_norm, (x, ord), (axis, keepdims))
    return made


def clip_by_norm(x: TensorLike, max_norm: TensorLike, axis: Axes = None) -> Tensor:
    """The tensor, in floating numbers, as it is where its norm of order 2 over `axis` (all axes by default) is at most `max_norm`, else multiplied by
    the number that gives it this norm. Where an element is NaN or infinite, the norm is, and so are the results NaN or 0:
    `T.check_finite` finds it. `T.clip_by_global_norm` shortens several gradients together, `T.clip` bounds elements.

    Gradient: through the norm too, to `max_norm` also; where nothing is clipped `g` itself.

    >>> with ag.Context():
    ...     print(T.clip_by_norm([[3.0, 4.0], [0.3, 0.4]], 1.0, axis=1).eval())
    [[0.6 0.8]
     [0.3 0.4]]
    """
    made: Tensor = _apply(_clip_by_norm, (x, max_norm), (axis,))
    return made


def clip_by_global_norm(xs: Sequence[TensorLike], max_norm: TensorLike) -> list[Tensor]:
    """The tensors, in floating numbers, as they are if the norm of order 2 of all their elements is at most `max_norm`, else multiplied by
    one number that gives them this norm: what keeps a step of training short whatever its gradients are. Each keeps its dtype. Where
    an element is NaN or infinite, the norm is, and so are the results NaN or 0: `T.check_finite` finds it.

    Gradient: through the norm too, to `max_norm` also; where nothing is clipped `g` itself.

    >>> with ag.Context() as ctx:
    ...     print(*ctx.eval(T.clip_by_global_norm([[3.0, 0.0], [4.0]], 1.0)))
    [0.6 0. ] [0.8]
    """
    made: list[Tensor] = _apply(_clip_by_global_norm, (max_norm, xs), ())
    return made


def any(x: TensorLike, axis: Axes = None, keepdims: bool = False, where: TensorLike | None = None) -> Tensor:
    """Whether an element over `axis` (all axes by default) is true; numbers count as true where they are not 0, NaN too. False over
    nothing. With `where`, only those elements count where it is true.

    Gradient: none.

    NumPy: `np.any(x, axis=axis, keepdims=keepdims, where=where)`

    >>> with ag.Context():
    ...     print(T.any([[0.0, 2.0], [0.0, 0.0]], axis=1).eval())
    [ True False]
    """
    made: Tensor = _apply(_any, (x, where), (axis, keepdims))
    return made


def all(x: TensorLike, axis: Axes = None, keepdims: bool = False, where: TensorLike | None = None) -> Tensor:
    """Whether all elements over `axis` (all axes by default) are true; numbers count as true where they are not 0, NaN too. True over
    nothing. With `where`, only those elements count where it is true.

    Gradient: none.

    NumPy: `np.all(x, axis=axis, keepdims=keepdims, where=where)`

    >>> with ag.Context():
    ...     print(T.all([[1.0, 2.0], [0.0, 3.0]], axis=1).eval())
    [ True False]
    """
    made: Tensor = _apply(_all, (x, where), (axis, keepdims))
    return made


def count_nonzero(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The number of elements over `axis` (all axes by default) that are not 0, as `int64`; NaN is not 0.

    Gradient: none.

    NumPy: `np.count_nonzero(x, axis=axis, keepdims=keepdims)`

    >>> with ag.Context():
    ...     print(T.count_nonzero([[0.0, 2.0, np.nan], [0.0, 0.0, -1.0]], axis=1).eval())
    [2 1]
    """
    made: Tensor = _apply(_count_nonzero, (x,), (axis, keepdims))
    return made


def aminmax(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> tuple[Tensor, Tensor]:
    """The smallest and the largest element over `axis` (all axes by default); NaN if one is NaN.

    Gradient: to the smallest and to the largest elements; ties share it equally.

    NumPy: `(np.min(x, axis=axis, keepdims=keepdims), np.max(x, axis=axis, keepdims=keepdims))`

    >>> with ag.Context() as ctx:
    ...     print(*ctx.eval(T.aminmax([[3.0, 1.0], [5.0, 9.0]], axis=1)))
    [1. 5.] [3. 9.]
    """
    made: tuple[Tensor, Tensor] = _apply(_aminmax, (x,), (axis, keepdims))
    return made


def ptp(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The largest element over `axis` (all axes by default) less the smallest.

    Gradient: to the largest and the smallest elements; ties share it equally.

    NumPy: `np.ptp(x, axis=axis, keepdims=keepdims)`

    >>> with ag.Context():
    ...     print(T.ptp([[3.0, 1.0], [5.0, 9.0]], axis=1).eval())
    [2. 4.]
    """
    made: Tensor = _apply(_ptp, (x,), (axis, keepdims))
    return made


def nansum(x: TensorLike, axis: Axes = None, keepdims: bool = False, where: TensorLike | None = None) -> Tensor:
    """Sum of the elements over `axis` (all axes by default) that are not NaN: 0 where all are. With `where`, only those elements
    count where it is true.

    Gradient: `g` repeated over the axes; exactly 0 to NaN and where `where` is false.

    NumPy: `np.nansum(x, axis=axis, keepdims=keepdims, where=where)`

    >>> with ag.Context():
    ...     print(T.nansum([[1.0, np.nan], [2.0, 3.0]], axis=0).eval())
    [3. 3.]
    """
    made: Tensor = _apply(_nansum, (x, where), (axis, keepdims))
    return made


def nanmean(x: TensorLike, axis: Axes = None, keepdims: bool = False, where: TensorLike | None = None) -> Tensor:
    """Mean of the elements over `axis` (all axes by default) that are not NaN, in floating numbers: NaN where all are. With `where`,
    only those elements count where it is true.

    Gradient: `g / n` repeated over the axes, where `n` elements count; exactly 0 to NaN and where `where` is false.

    NumPy: `np.nanmean(x, axis=axis, keepdims=keepdims, where=where)`

    >>> with ag.Context():
    ...     print(T.nanmean([[1.0, np.nan], [2.0, 3.0]], axis=0).eval())
    [1.5 3. ]
    """
    made: Tensor = _apply(_nanmean, (x, where), (axis, keepdims))
    return made


def nanmax(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The largest element over `axis` (all axes by default) that is not NaN; NaN where all are.

    Gradient: to the largest elements; ties share it equally. It is exactly 0 to NaN.

    NumPy: `np.nanmax(x, axis=axis, keepdims=keepdims)`

    >>> with ag.Context():
    ...     print(T.nanmax([[1.0, np.nan], [2.0, 3.0]], axis=0).eval())
    [2. 3.]
    """
    made: Tensor = _apply(_nanmax, (x,), (axis, keepdims))
    return made


def nanmin(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The smallest element over `axis` (all axes by default) that is not NaN; NaN where all are.

    Gradient: to the smallest elements; ties share it equally. It is exactly 0 to NaN.

    NumPy: `np.nanmin(x, axis=axis, keepdims=keepdims)`

    >>> with ag.Context():
    ...     print(T.nanmin([[1.0, np.nan], [2.0, 3.0]], axis=0).eval())
    [1. 3.]
    """
    made: Tensor = _apply(_nanmin, (x,), (axis, keepdims))
    return made


def cumsum(x: TensorLike, axis: int | None = None) -> Tensor:
    """Sums of the elements up to each one along `axis`, or in C order of all elements; bools and `int32` are summed in `int64`, and
    `float32` is rounded once a sum.

    Gradient: the sums of `g` from the other end.

    NumPy: `np.cumsum(x, axis=axis)`

    >>> with ag.Context():
    ...     print(T.cumsum([[1, 2], [3, 4]], axis=1).eval())
    [[1 3]
     [3 7]]
    """
    made: Tensor = _apply(_cumsum, (x,), (axis,))
    return made


def cumprod(x: TensorLike, axis: int | None = None) -> Tensor:
    """Products of the elements up to each one along `axis`, or in C order of all elements; bools and `int32` are multiplied in `int64`,
    and `float32` is rounded once a product.

    Gradient: `sum(g[k] * y[k] / x[i])` over the products `k` that the element `i` is in, without the division: exact with any number of
    zeros, in every order.

    NumPy: `np.cumprod(x, axis=axis)`

    >>> with ag.Context():
    ...     x = T.constant([2.0, 0.0, 5.0])
    ...     print(T.grad([T.reduce_sum(T.cumprod(x))], [x])[0].eval())
    [ 1. 12.  0.]
    """
    made: Tensor = _apply(_cumprod, (x,), (axis,))
    return made


def cummax(x: TensorLike, axis: int = -1) -> tuple[Tensor, Tensor]:
    """The largest element up to each one along `axis`, and its index as `int64`: the first of ties; from the first NaN on that one.

    Gradient: to the elements that the indices name.

    >>> with ag.Context() as ctx:
    ...     print(*ctx.eval(T.cummax([1.0, 3.0, 2.0, 3.0])))
    [1. 3. 3. 3.] [0 1 1 1]
    """
    made: tuple[Tensor, Tensor] = _apply(_cummax, (x,), (axis,))
    return made


def cummin(x: TensorLike, axis: int = -1) -> tuple[Tensor, Tensor]:
    """The smallest element up to each one along `axis`, and its index as `int64`: the first of ties; from the first NaN on that one.

    Gradient: to the elements that the indices name.

    >>> with ag.Context() as ctx:
    ...     print(*ctx.eval(T.cummin([2.0, 3.0, 1.0])))
    [2. 2. 1.] [0 0 2]
    """
    made: tuple[Tensor, Tensor] = _apply(_cummin, (x,), (axis,))
    return made


def logcumsumexp(x: TensorLike, axis: int = -1) -> Tensor:
    """`log(cumsum(exp(x)))` along `axis`, shifted by the largest element so far: it never overflows. -inf where all elements so far
    are.

    Gradient: `sum(g[k] * exp(x[i] - y[k]))` over the sums `k` that the element `i` is in; 0 where `y` is -inf. To an element that
    is inf it is NaN.

    NumPy: `np.logaddexp.accumulate(x, axis=axis)`

    >>> with ag.Context():
    ...     print(T.logcumsumexp([1000.0, 1000.0, -np.inf]).eval())
    [1000.         1000.69314718 1000.69314718]
    """
    made: Tensor = _apply(_logcumsumexp, (x,), (axis,))
    return made


def reduce_prod(x: TensorLike, axis: Axes = None, keepdims: bool = False, where: TensorLike | None = None) -> Tensor:
    """Product over `axis` (all axes by default); bools and `int32` are multiplied in `int64`. The product over nothing is 1.

    With `where`, a bool of the shape of `x` or repeated to it, only those elements count where it is true.

    Gradient: `g` times the product of all other elements, in `float64` and without a division: exact with any number of zeros, in every
    order. Exactly 0 where `where` is false, whatever stands there.

    NumPy: `np.prod(x, axis=axis, keepdims=keepdims, where=where)`

    >>> with ag.Context():
    ...     x = T.constant([2.0, 0.0, 5.0])
    ...     print(T.grad([T.reduce_prod(x)], [x])[0].eval())
    [ 0. 10.  0.]
    """
    made: Tensor = _apply(_reduce_prod, (x, where), (axis, keepdims))
    return made


def diff(x: TensorLike, n: int = 1, axis: int = -1) -> Tensor:
    """Differences of neighbours along `axis`, `x[i + 1] - x[i]`, taken `n` times; of bools whether they differ.

    Gradient: differences of `g`, with zeros at both ends.

    NumPy: `np.diff(x, n, axis)`

    >>> with ag.Context():
    ...     print(T.diff([1, 2, 4, 7]).eval())
    [1 2 3]
    """
    made: Tensor = _apply(_diff, (x,), (n, axis))
    return made


def trapezoid(y: TensorLike, x: TensorLike | None = None, dx: TensorLike = 1.0, axis: int = -1) -> Tensor:
    """The integral of `y` along `axis` by the trapezoidal rule: `sum((x[i + 1] - x[i]) * (y[i + 1] + y[i]) / 2)`. The places `x` are an array
    of one axis, or broadcast beside `y`; without them they are `dx` apart.

    Gradient: in `y`, `x` and `dx`.

    NumPy: `np.trapezoid(y, x, dx, axis)`

    >>> with ag.Context():
    ...     print(T.trapezoid([0.0, 1.0, 4.0], [0.0, 1.0, 3.0]).eval())
    5.5
    """
    made: Tensor = _apply(_trapezoid, (y, x, dx), (axis,))
    return made


def cumulative_trapezoid(y: TensorLike, x: TensorLike | None = None, dx: TensorLike = 1.0, axis: int = -1) -> Tensor:
    """The integrals of `y` along `axis` from the first place to each of the others, by the trapezoidal rule; see `trapezoid`.

    Gradient: in `y`, `x` and `dx`.

    NumPy: `scipy.integrate.cumulative_trapezoid(y, x, dx, axis)`

    >>> with ag.Context():
    ...     print(T.cumulative_trapezoid([0.0, 1.0, 4.0], [0.0, 1.0, 3.0]).eval())
    [0.5 5.5]
    """
    made: Tensor = _apply(_cumulative_trapezoid, (y, x, dx), (axis,))
    return made


def interp(x: TensorLike, xp: TensorLike, fp: TensorLike, left: TensorLike | None = None, right: TensorLike | None = None) -> Tensor:
    """The values at `x` of the curve through the points `xp`, which ascend, and `fp`: straight lines between them; in front of the first
    point `left`, behind the last one `right`, by default the values of these points. NaN of NaN.

    Gradient: in `x` the slope of the line, at a point that of the line behind it, and 0 from the last point on; in `xp`, `fp`, `left` and
    `right` too.

    NumPy: `np.interp(x, xp, fp, left, right)`

    >>> with ag.Context():
    ...     print(T.interp([0.5, 2.0, 9.0], [0.0, 1.0, 3.0], [0.0, 10.0, 30.0]).eval())
    [ 5. 20. 30.]
    """
    made: Tensor = _apply(_interp, (x, xp, fp, left, right), ())
    return made


def sort(x: TensorLike, axis: int | None = -1) -> Tensor:
    """The elements of `x` along `axis`, or all of them if it is `None`, in ascending order; NaN stands last. Equals stay in order, and so
    do -0.0 and 0.0.

    Gradient: to each element what its place in the order gets.

    NumPy: `np.sort(x, axis=axis, kind='stable')`

    >>> with ag.Context():
    ...     print(T.sort([3.0, np.nan, 1.0, 2.0]).eval())
    [ 1.  2.  3. nan]
    """
    made: Tensor = _apply(_sort, (x,), (axis,))
    return made


def argsort(x: TensorLike, axis: int | None = -1) -> Tensor:
    """The positions along `axis` of the elements of `x` in ascending order, as `int64`, or those of all elements in C order if it is
    `None`; those of NaN stand last. Positions of equals are ascending: the order is stable.

    Gradient: none.

    NumPy: `np.argsort(x, axis=axis, kind='stable')`

    >>> with ag.Context():
    ...     print(T.argsort([3.0, 1.0, 2.0, 1.0]).eval())
    [1 3 2 0]
    """
    made: Tensor = _apply(_argsort, (x,), (axis,))
    return made


def topk(x: TensorLike, k: int, axis: int = -1, largest: bool = True, sorted: bool = True) -> tuple[Tensor, Tensor]:
    """The `k` largest elements along `axis`, or the smallest, and their positions as `int64`: in their order, beginning with the largest
    (the smallest), or else with `sorted=False` as they stand in `x`. NaN counts as larger than all numbers; of ties the first are
    taken, in order.

    Gradient: to the elements that were taken.

    >>> with ag.Context() as ctx:
    ...     print(*ctx.eval(T.topk([5.0, 9.0, 7.0, 9.0], 3)))
    [9. 9. 7.] [1 3 2]
    """
    made: tuple[Tensor, Tensor] = _apply(_topk, (x,), (k, axis, largest, sorted))
    return made


def searchsorted(a: TensorLike, v: TensorLike, side: Literal["left", "right"] = "left") -> Tensor:
    """Where the elements of `v` are to be put into the ascending 1-d array `a` so that it stays in order, as `int64`: before equal elements,
    or behind them with `side="right"`. NaN stands behind all numbers.

    Gradient: none.

    NumPy: `np.searchsorted(a, v, side)`

    >>> with ag.Context():
    ...     print(T.searchsorted([1.0, 2.0, 2.0, 3.0], [0.0, 2.0, 9.0], side="right").eval())
    [0 3 4]
    """
    made: Tensor = _apply(_searchsorted, (a, v), (side,))
    return made


def median(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The middle of the sorted elements over `axis` (all axes by default), in floating numbers; of an even number the mean of the two in
    the middle. NaN if an element is NaN, and over nothing.

    Gradient: to the element in the middle, or half to each of two; of ties the stable order names one.

    NumPy: `np.median(x, axis=axis, keepdims=keepdims)`

    >>> with ag.Context():
    ...     print(T.median([[1.0, 9.0, 4.0], [7.0, 2.0, 3.0]], axis=-1).eval())
    [4. 3.]
    """
    made: Tensor = _apply(_median, (x,), (axis, keepdims))
    return made


def quantile(
    x: TensorLike,
    q: TensorLike,
    axis: Axes = None,
    method: Literal["linear", "lower", "higher", "midpoint"] = "linear",
    keepdims: bool = False,
) -> Tensor:
    """Quantiles `q`, from 0 to 1, of the elements over `axis` (all axes by default), in floating numbers; the axes of `q` stand first. A
    quantile lies at the place `q * (n - 1)` of the sorted elements; `method` says what it is between two of them: `linear`, `lower`,
    `higher` or `midpoint`. NaN if an element is NaN.

    Gradient: to the elements that it lies between, by their weights; of ties the stable order names one. To `q` of `linear`
    `(b - a) * (n - 1)`, at an element that to the next one.

    NumPy: `np.quantile(x, q, axis=axis, method=method, keepdims=keepdims)`

    >>> with ag.Context():
    ...     print(T.quantile([1.0, 2.0, 4.0, 8.0], [0.5, 0.9]).eval())
    [3.  6.8]
    """
    made: Tensor = _apply(_quantile, (x, q), (axis, method, keepdims))
    return made


def take(x: TensorLike, index: TensorLike, axis: int | None = None) -> Tensor:
    """The elements of `x` at `index` along `axis`; the axis becomes the axes of `index`. Without an axis, of the elements of `x` in C
    order. Negative indices count from the end; an index out of range is an error of the run.

    Gradient: `g` added up at the indices.

    NumPy: `np.take(x, index, axis=axis)`

    >>> with ag.Context():
    ...     print(T.take([[10.0, 20.0], [30.0, 40.0]], [2, -1, 0]).eval())
    [30. 40. 10.]
    """
    made: Tensor = _apply(_take, (x, index), (axis,))
    return made


def index_select(x: TensorLike, index: TensorLike, axis: int) -> Tensor:
    """The elements of `x` at an index of at most one axis along `axis`. Negative indices count from the end; an index out of range
    is an error of the run.

    Gradient: `g` added up at the indices.

    NumPy: `np.take(x, index, axis=axis)`

    >>> with ag.Context():
    ...     print(T.index_select([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], [2, 0], axis=1).eval())
    [[3. 1.]
     [6. 4.]]
    """
    made: Tensor = _apply(_index_select, (x, index), (axis,))
    return made


def embedding(index: TensorLike, weight: TensorLike) -> Tensor:
    """The rows of a table at indices: `weight[index]`, of shape `index.shape + weight.shape[1:]`. Negative indices count from the end;
    an index out of range is an error of the run.

    Gradient: `g` added up at the rows.

    NumPy: `np.take(weight, index, axis=0)`

    >>> with ag.Context():
    ...     print(T.embedding([2, 0], [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]).eval())
    [[5. 6.]
     [1. 2.]]
    """
    made: Tensor = _apply(_embedding, (index, weight), ())
    return made


def gather(x: TensorLike, index: TensorLike, axis: int = -1) -> Tensor:
    """For each place of `index` the element of `x` at that index along `axis`, and at the same position on the other axes, where
    the index may be shorter than `x`. Negative indices count from the end; an index out of range is an error of the run.

    Gradient: `g` added up at the indices.

    >>> with ag.Context():
    ...     print(T.gather([[1.0, 2.0], [3.0, 4.0]], [[1], [0]]).eval())
    [[2.]
     [3.]]
    """
    made: Tensor = _apply(_gather, (x, index), (axis,))
    return made


def take_along_axis(x: TensorLike, index: TensorLike, axis: int | None = -1) -> Tensor:
    """For each place of `index` the element of `x` at that index along `axis`, and at the same position on the other axes, on which
    both broadcast. Without an axis, of the elements of `x` in C order, by an index of one axis. Negative indices count from the
    end; an index out of range is an error of the run.

    Gradient: `g` added up at the indices.

    NumPy: `np.take_along_axis(x, index, axis=axis)`

    >>> with ag.Context():
    ...     print(T.take_along_axis([[3.0, 1.0, 2.0], [6.0, 4.0, 5.0]], [[1, 2, 0]]).eval())
    [[1. 2. 3.]
     [4. 5. 6.]]
    """
    made: Tensor = _apply(_take_along_axis, (x, index), (axis,))
    return made


def one_hot(labels: TensorLike, classes: int, dtype: DTypeLike = "float64") -> Tensor:
    """An array with one more, last, axis of length `classes`: 1 at the label's place, 0 elsewhere. Labels are integers or
    integral floats; one out of range, or NaN, is an error of the run.

    Gradient: none.

    NumPy: `np.eye(classes, dtype=dtype)[labels]`

    >>> with ag.Context():
    ...     print(T.one_hot([2, 0], 3).eval())
    [[0. 0. 1.]
     [1. 0. 0.]]
    """
    made: Tensor = _apply(_one_hot, (labels,), (classes, dtype))
    return made


def scatter(x: TensorLike, index: TensorLike, src: TensorLike, axis: int) -> Tensor:
    """`x` with `src` written at `index` along `axis`, and at the same position on the other axes: of several elements at one index
    the last one, in C order, stays. `src` is a number, or has the shape of the index.
    Off the axis the index may be shorter than `x`. Negative indices count from the end; an index out of range is an error of the
    run.

    Gradient: `g` to `x` where nothing was written, and to the elements that stayed.

    >>> with ag.Context():
    ...     print(T.scatter(np.zeros(5), index=[0, 3, 3], src=[1.0, 2.0, 3.0], axis=0).eval())
    [1. 0. 0. 3. 0.]
    """
    made: Tensor = _apply(_scatter, (x, index, src), (axis,))
    return made


def scatter_add(x: TensorLike, index: TensorLike, src: TensorLike, axis: int) -> Tensor:
    """`x` with `src` added at `index` along `axis`, and at the same position on the other axes, one element after the other in C
    order. `src` is a number, or has the shape of the index. Off the axis the index may
    be shorter than `x`. Negative indices count from the end; an index out of range is an error of the run.

    Gradient: `g` to `x`, and its elements at the indices to `src`.

    >>> with ag.Context():
    ...     print(T.scatter_add(np.zeros(5), index=[0, 3, 3], src=[1.0, 2.0, 3.0], axis=0).eval())
    [1. 0. 0. 5. 0.]
    """
    made: Tensor = _apply(_scatter_add, (x, index, src), (axis,))
    return made


def scatter_reduce(
    x: TensorLike,
    index: TensorLike,
    src: TensorLike,
    axis: int,
    reduce: Literal["sum", "prod", "mean", "amax", "amin"],
    include_self: bool = True,
) -> Tensor:
    """`x` with its elements at `index` along `axis` and those of `src` that come there reduced to one: by `reduce` their sum, their
    product, their mean, the largest (`"amax"`) or the smallest (`"amin"`). Without `include_self` the element of `x` does not
    count where another one comes. Shapes are as those of `scatter_add`.

    Gradient: that of the sum, the product (of the other factors, whatever is 0) or the mean; to extremes, which ties share
    equally.

    >>> with ag.Context():
    ...     print(T.scatter_reduce([1.0, 2.0, 3.0], index=[0, 0, 2], src=[4.0, 5.0, 6.0], axis=0, reduce="prod").eval())
    [20.  2. 18.]
    """
    made: Tensor = _apply(_scatter_reduce, (x, index, src), (axis, reduce, include_self))
    return made


def index_add(x: TensorLike, index: TensorLike, src: TensorLike, alpha: TensorLike = 1, axis: int = 0) -> Tensor:
    """`x` with `alpha * src` added at `index` along `axis`: element `i` of `src` along the axis, with all that is behind it, comes to
    `index[i]`, one after the other. Negative indices count from the end; an index out of range is an error of the run.

    Gradient: `g` to `x`, `alpha * g` at the indices to `src`.

    >>> with ag.Context():
    ...     print(T.index_add(np.zeros((2, 3)), [1, 1], [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], axis=0).eval())
    [[0. 0. 0.]
     [5. 7. 9.]]
    """
    made: Tensor = _apply(_index_add, (x, index, src, alpha), (axis,))
    return made


def index_fill(x: TensorLike, index: TensorLike, value: TensorLike, axis: int) -> Tensor:
    """`x` with `value` at `index` along `axis`, with all that is behind it. The value is a number or a 0-d tensor. Negative indices
    count from the end; an index out of range is an error of the run.

    Gradient: `g` elsewhere, and the sum of what it is there, each element once, to the value.

    >>> with ag.Context():
    ...     print(T.index_fill([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], [0, -1], 9.0, axis=1).eval())
    [[9. 2. 9.]
     [9. 5. 9.]]
    """
    made: Tensor = _apply(_index_fill, (x, index, value), (axis,))
    return made


def masked_fill(x: TensorLike, mask: TensorLike, value: TensorLike) -> Tensor:
    """`x` with `value` where the mask is true; all three broadcast.

    Gradient: `g` to `x` where the mask is false, to `value` where it is true; exactly 0 elsewhere.

    NumPy: `np.where(mask, value, x)`

    >>> with ag.Context():
    ...     print(T.masked_fill([1.0, 2.0, 3.0], [True, False, True], -np.inf).eval())
    [-inf   2. -inf]
    """
    made: Tensor = _apply(_masked_fill, (x, mask, value), ())
    return made


def batch_matmul(a: TensorLike, b: TensorLike) -> Tensor:
    """Product of matrices in the last two axes, with broadcasting over the others: `(..., m, k)` and `(..., k, n)` give
    `(..., m, n)`.

    Gradient: `g @ b^T` and `a^T @ g`, summed over broadcast axes.

    NumPy: `np.matmul(a, b)`

    >>> with ag.Context():
    ...     print(T.batch_matmul([[[1, 0]], [[0, 1]]], [[5], [7]])[..., 0].eval())
    [[5]
     [7]]
    """
    made: Tensor = _apply(_batch_matmul, (a, b), ())
    return made


def matmul(a: TensorLike, b: TensorLike) -> Tensor:
    """Product of matrices as NumPy's `a @ b`: the last two axes are matrices and the others broadcast; a 1-d array is a
    row on the left and a column on the right, and that axis is dropped from the result.

    NumPy: `np.matmul(a, b)`

    >>> with ag.Context():
    ...     print(T.matmul([[1.0, 2.0], [3.0, 4.0]], [10.0, 1.0]).eval())
    [12. 34.]
    """
    made: Tensor = _apply(_matmul, (a, b), ())
    return made


def matvec(a: TensorLike, b: TensorLike) -> Tensor:
    """Product of matrices and vectors: `(..., m, n)` and `(..., n)` give `(..., m)`, with broadcasting over the other axes.

    Gradient: as for `batch_matmul`.

    NumPy: `np.matvec(a, b)`

    >>> with ag.Context():
    ...     print(T.matvec([[1, 2], [3, 4]], [[10, 1], [0, 1]]).eval())
    [[12 34]
     [ 2  4]]
    """
    made: Tensor = _apply(_matvec, (a, b), ())
    return made


def vecmat(a: TensorLike, b: TensorLike) -> Tensor:
    """Product of vectors and matrices: `(..., n)` and `(..., n, m)` give `(..., m)`, with broadcasting over the other axes.

    Gradient: as for `batch_matmul`.

    NumPy: `np.vecmat(a, b)`

    >>> with ag.Context():
    ...     print(T.vecmat([[10, 1], [0, 1]], [[1, 2], [3, 4]]).eval())
    [[13 24]
     [ 3  4]]
    """
    made: Tensor = _apply(_vecmat, (a, b), ())
    return made


def dot(a: TensorLike, b: TensorLike) -> Tensor:
    """NumPy's `dot`: the sum of products over the last axis of `a` and the last but one of `b`, or its only one; the result has the
    other axes of `a`, then those of `b`. For matrices it is `a @ b`; arrays of more axes do not go in pairs, as those of `matmul` do.
    A 0-d array multiplies.

    Gradient: as for `tensordot`.

    NumPy: `np.dot(a, b)`

    >>> with ag.Context():
    ...     print(T.dot([[1.0, 2.0], [3.0, 4.0]], [10.0, 1.0]).eval())
    [12. 34.]
    """
    made: Tensor = _apply(_dot, (a, b), ())
    return made


def inner(a: TensorLike, b: TensorLike) -> Tensor:
    """NumPy's `inner`: the sum of products over the last axes of both; the result has the other axes of `a`, then those of `b`. A 0-d
    array multiplies.

    Gradient: as for `tensordot`.

    NumPy: `np.inner(a, b)`

    >>> with ag.Context():
    ...     print(T.inner([[1, 2], [3, 4]], [[1, 0], [0, 1], [1, 1]]).eval())
    [[1 2 3]
     [3 4 7]]
    """
    made: Tensor = _apply(_inner, (a, b), ())
    return made


def vdot(a: TensorLike, b: TensorLike) -> Tensor:
    """The sum of the products of all elements, in C order whatever the shapes: both have equally many.

    Gradient: `g * b` and `g * a`, under their shapes.

    NumPy: `np.vdot(a, b)`

    >>> with ag.Context():
    ...     print(T.vdot([[1, 2], [3, 4]], [1, 10, 100, 1000]).eval())
    4321
    """
    made: Tensor = _apply(_vdot, (a, b), ())
    return made


def linear(x: TensorLike, w: TensorLike, b: TensorLike | None = None) -> Tensor:
    """`x w^T + b` over the last axis of `x`: `(..., in)` and weights `(out, in)` give `(..., out)`, with a bias `(out,)` or none. All other axes
    of `x` are rows of one product.

    Gradient: `g w`, `g^T x` by one product, and the sum of `g`.

    NumPy: `x @ w.T + (0 if b is None else b)`

    >>> with ag.Context():
    ...     print(T.linear([[1.0, 2.0]], [[3.0, 4.0], [0.0, 1.0], [1.0, 0.0]], [0.0, 10.0, 20.0]).eval())
    [[11. 12. 21.]]
    """
    made: Tensor = _apply(_linear, (x, w, b), ())
    return made


def bilinear(a: TensorLike, b: TensorLike, w: TensorLike, c: TensorLike | None = None) -> Tensor:
    """`y[..., k] = sum of a[..., i] * w[k, i, j] * b[..., j]`, plus `c[k]`: `a` is `(..., m)`, `b` `(..., n)` with the same other axes, the weights
    are `(out, m, n)`, and the bias, if there is one, is `(out,)`.

    Gradient: in all tensors.

    NumPy: `np.einsum('...i,kij,...j->...k', a, w, b) + (0 if c is None else c)`

    >>> with ag.Context():
    ...     print(T.bilinear([1.0, 2.0], [3.0], [[[1.0], [1.0]], [[0.0], [5.0]]], [0.0, 1.0]).eval())
    [ 9. 31.]
    """
    made: Tensor = _apply(_bilinear, (a, b, w, c), ())
    return made


def outer(a: TensorLike, b: TensorLike) -> Tensor:
    """The products of all pairs of elements, `a[i] * b[j]` in row `i` and column `j`; arrays of other ranks are flattened in C order.

    Gradient: the products of `g` with `b` and with `a`, under their shapes.

    NumPy: `np.outer(a, b)`

    >>> with ag.Context():
    ...     print(T.outer([1, 10, 100], [[1, 2], [3, 4]]).eval())
    [[  1   2   3   4]
     [ 10  20  30  40]
     [100 200 300 400]]
    """
    made: Tensor = _apply(_outer, (a, b), ())
    return made


def kron(a: TensorLike, b: TensorLike) -> Tensor:
    """Kronecker's product: each element of `a` in the place of it times all of `b`. The lengths are the products of those of `a` and
    `b`, axis by axis from the last; the array with fewer axes gets more of length 1 in front.

    Gradient: the sums of the products of `g` with `b` and with `a` over the blocks.

    NumPy: `np.kron(a, b)`

    >>> with ag.Context():
    ...     print(T.kron([[1, 10]], [1, 2, 3]).eval())
    [[ 1  2  3 10 20 30]]
    """
    made: Tensor = _apply(_kron, (a, b), ())
    return made


def vecdot(a: TensorLike, b: TensorLike, axis: int = -1) -> Tensor:
    """The sum of products along an axis that both have, of one length; the other axes broadcast.

    Gradient: `g * b` and `g * a`.

    NumPy: `np.vecdot(a, b, axis=axis)`

    >>> with ag.Context():
    ...     print(T.vecdot([[1.0, 2.0], [3.0, 4.0]], [10.0, 1.0]).eval())
    [12. 34.]
    """
    made: Tensor = _apply(_vecdot, (a, b), (axis,))
    return made


def cross(a: TensorLike, b: TensorLike, axis: int = -1) -> Tensor:
    """The vector product along an axis of length 3: `(a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0)`. The other axes
    broadcast. Vectors of length 2, which NumPy has given up, are refused.

    Gradient: `cross(b, g)` and `cross(g, a)`.

    NumPy: `np.cross(a, b, axis=axis)`

    >>> with ag.Context():
    ...     print(T.cross([1.0, 0.0, 0.0], [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]).eval())
    [[ 0.  0.  1.]
     [ 0. -1.  0.]]
    """
    made: Tensor = _apply(_cross, (a, b), (axis,))
    return made


def conv1d(
    x: TensorLike,
    w: TensorLike,
    bias: TensorLike | None = None,
    stride: int | Sequence[int] | None = 1,
    padding: int | str | Sequence[int] | Sequence[Sequence[int]] = 0,
    dilation: int | Sequence[int] | None = 1,
    groups: int = 1,
) -> Tensor:
    """Filters `w` (filters, channels / groups, k) slid over `x` (n, channels, m), or (channels, m):
    `y[n, f, p] = bias[f] + sum of w[f, c, q] * x[n, c, p * stride - padding + q * dilation]`, with zeros around `x`; a cross-correlation, as
    networks have it. The result has `(m + padding - dilation * (k - 1) - 1) // stride + 1` places.

    `padding` is a number, one for each axis, or a pair for each: how many zeros stand at the two ends; "valid" is none, "same" as many as
    give the result the length of `x`, with a stride of 1. Each of the `groups` of channels has filters of its own.

    Gradient: to `x` the transposed convolution of `g`, to `w` the products of `x` and `g` summed over places and samples, to `bias` the sum of `g`.

    >>> with ag.Context():
    ...     print(T.conv1d([[1.0, 2.0, 4.0, 8.0]], [[[1.0, -1.0]]]).eval())
    [[-1. -2. -4.]]
    """
    made: Tensor = _apply(_conv1d, (x, w, bias), (stride, padding, dilation, groups))
    return made


def conv2d(
    x: TensorLike,
    w: TensorLike,
    bias: TensorLike | None = None,
    stride: int | Sequence[int] | None = 1,
    padding: int | str | Sequence[int] | Sequence[Sequence[int]] = 0,
    dilation: int | Sequence[int] | None = 1,
    groups: int = 1,
) -> Tensor:
    """Filters `w` (filters, channels / groups, rows, columns) slid over images `x` (n, channels, rows, columns), or one image without the axis of
    samples; see `conv1d`. Arguments that are one number hold for both axes.

    Gradient: to `x` the transposed convolution of `g`, to `w` the products of `x` and `g` summed over places and samples, to `bias` the sum of `g`.

    >>> with ag.Context():
    ...     print(T.conv2d(np.ones((1, 3, 3)), np.ones((1, 1, 2, 2)), padding="same").eval())
    [[[4. 4. 2.]
      [4. 4. 2.]
      [2. 2. 1.]]]
    """
    made: Tensor = _apply(_conv2d, (x, w, bias), (stride, padding, dilation, groups))
    return made


def conv3d(
    x: TensorLike,
    w: TensorLike,
    bias: TensorLike | None = None,
    stride: int | Sequence[int] | None = 1,
    padding: int | str | Sequence[int] | Sequence[Sequence[int]] = 0,
    dilation: int | Sequence[int] | None = 1,
    groups: int = 1,
) -> Tensor:
    """Filters `w` (filters, channels / groups, planes, rows, columns) slid over `x` (n, channels, planes, rows, columns), or without the axis of
    samples; see `conv1d`.

    Gradient: to `x` the transposed convolution of `g`, to `w` the products of `x` and `g` summed over places and samples, to `bias` the sum of `g`.

    >>> with ag.Context():
    ...     print(T.conv3d(np.ones((1, 2, 2, 2)), np.ones((1, 1, 2, 2, 2))).eval())
    [[[[8.]]]]
    """
    made: Tensor = _apply(_conv3d, (x, w, bias), (stride, padding, dilation, groups))
    return made


def conv_transpose1d(
    x: TensorLike,
    w: TensorLike,
    bias: TensorLike | None = None,
    stride: int | Sequence[int] | None = 1,
    padding: int | str | Sequence[int] | Sequence[Sequence[int]] = 0,
    output_padding: int | Sequence[int] | None = 0,
    groups: int = 1,
    dilation: int | Sequence[int] | None = 1,
) -> Tensor:
    """The adjoint of `conv1d` with the same arguments: `x` (n, channels, places) spread by filters `w` (channels, filters / groups, k) over
    `(places - 1) * stride - padding + dilation * (k - 1) + output_padding + 1` elements, of which the last `output_padding` are added at the end.

    Gradient: to `x` the convolution of `g`, to `w` the products of `g` and `x` summed over places and samples, to `bias` the sum of `g`.

    >>> with ag.Context():
    ...     print(T.conv_transpose1d([[1.0, 2.0]], [[[1.0, 10.0]]], stride=2).eval())
    [[ 1. 10.  2. 20.]]
    """
    made: Tensor = _apply(_conv_transpose1d, (x, w, bias), (stride, padding, output_padding, groups, dilation))
    return made


def conv_transpose2d(
    x: TensorLike,
    w: TensorLike,
    bias: TensorLike | None = None,
    stride: int | Sequence[int] | None = 1,
    padding: int | str | Sequence[int] | Sequence[Sequence[int]] = 0,
    output_padding: int | Sequence[int] | None = 0,
    groups: int = 1,
    dilation: int | Sequence[int] | None = 1,
) -> Tensor:
    """The adjoint of `conv2d` with the same arguments, for `x` (n, channels, rows, columns) and filters `w` (channels, filters / groups, rows, columns);
    see `conv_transpose1d`.

    Gradient: to `x` the convolution of `g`, to `w` the products of `g` and `x` summed over places and samples, to `bias` the sum of `g`.

    >>> with ag.Context():
    ...     print(T.conv_transpose2d([[[1.0, 2.0]]], np.ones((1, 1, 2, 1))).eval())
    [[[1. 2.]
      [1. 2.]]]
    """
    made: Tensor = _apply(_conv_transpose2d, (x, w, bias), (stride, padding, output_padding, groups, dilation))
    return made


def conv_transpose3d(
    x: TensorLike,
    w: TensorLike,
    bias: TensorLike | None = None,
    stride: int | Sequence[int] | None = 1,
    padding: int | str | Sequence[int] | Sequence[Sequence[int]] = 0,
    output_padding: int | Sequence[int] | None = 0,
    groups: int = 1,
    dilation: int | Sequence[int] | None = 1,
) -> Tensor:
    """The adjoint of `conv3d` with the same arguments; see `conv_transpose1d`.

    Gradient: to `x` the convolution of `g`, to `w` the products of `g` and `x` summed over places and samples, to `bias` the sum of `g`.

    >>> with ag.Context():
    ...     print(T.conv_transpose3d(np.ones((1, 1, 1, 1)), np.ones((1, 1, 1, 1, 2))).eval())
    [[[[1. 1.]]]]
    """
    made: Tensor = _apply(_conv_transpose3d, (x, w, bias), (stride, padding, output_padding, groups, dilation))
    return made


@overload
def max_pool1d(
    x: TensorLike,
    kernel_size: int | Sequence[int] | None,
    stride: int | Sequence[int] | None = None,
    padding: int | str | Sequence[int] | Sequence[Sequence[int]] = 0,
    dilation: int | Sequence[int] | None = 1,
    ceil_mode: bool = False,
    return_indices: Literal[False] = False,
) -> Tensor: ...
@overload
def max_pool1d(
    x: TensorLike,
    kernel_size: int | Sequence[int] | None,
    stride: int | Sequence[int] | None = None,
    padding: int | str | Sequence[int] | Sequence[Sequence[int]] = 0,
    dilation: int | Sequence[int] | None = 1,
    ceil_mode: bool = False,
    *,
    return_indices: Literal[True],
) -> tuple[Tensor, Tensor]: ...
@overload
def max_pool1d(
    x: TensorLike,
    kernel_size: int | Sequence[int] | None,
    stride: int | Sequence[int] | None = None,
    padding: int | str | Sequence[int] | Sequence[Sequence[int]] = 0,
    dilation: int | Sequence[int] | None = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor | tuple[Tensor, Tensor]: ...
def max_pool1d(
    x: TensorLike,
    kernel_size: int | Sequence[int] | None,
    stride: int | Sequence[int] | None = None,
    padding: int | str | Sequence[int] | Sequence[Sequence[int]] = 0,
    dilation: int | Sequence[int] | None = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    """The largest element in each window of `x` (n, channels, length), or of one sample without its axis. Windows of `kernel_size` elements, `dilation`
    apart, are `stride` apart, by default as far as they are long. Beside `x` stand `padding` places that no window takes its element from, at most half a
    window of them. With `ceil_mode` a last window may reach beyond the end, if it begins before. NaN where a window sees NaN. With `return_indices` also where each value stands, as `max_pool1d_with_indices` gives it.

    Gradient: `g` to the largest element of each window, of equal ones to the first.

    >>> with ag.Context():
    ...     print(T.max_pool1d([[1.0, 3.0, 2.0, 5.0]], 2).eval())
    [[3. 5.]]
    """
    if return_indices:
        both: tuple[Tensor, Tensor] = _apply(_max_pool1d_with_indices, (x,), (kernel_size, stride, padding, dilation, ceil_mode))
        return both
    made: Tensor = _apply(_max_pool1d, (x,), (kernel_size, stride, padding, dilation, ceil_mode))
    return made


@overload
def max_pool2d(
    x: TensorLike,
    kernel_size: int | Sequence[int] | None,
    stride: int | Sequence[int] | None = None,
    padding: int | str | Sequence[int] | Sequence[Sequence[int]] = 0,
    dilation: int | Sequence[int] | None = 1,
    ceil_mode: bool = False,
    return_indices: Literal[False] = False,
) -> Tensor: ...
@overload
def max_pool2d(
    x: TensorLike,
    kernel_size: int | Sequence[int] | None,
    stride: int | Sequence[int] | None = None,
    padding: int | str | Sequence[int] | Sequence[Sequence[int]] = 0,
    dilation: int | Sequence[int] | None = 1,
    ceil_mode: bool = False,
    *,
    return_indices: Literal[True],
) -> tuple[Tensor, Tensor]: ...
@overload
def max_pool2d(
    x: TensorLike,
    kernel_size: int | Sequence[int] | None,
    stride: int | Sequence[int] | None = None,
    padding: int | str | Sequence[int] | Sequence[Sequence[int]] = 0,
    dilation: int | Sequence[int] | None = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor | tuple[Tensor, Tensor]: ...
def max_pool2d(
    x: TensorLike,
    kernel_size: int | Sequence[int] | None,
    stride: int | Sequence[int] | None = None,
    padding: int | str | Sequence[int] | Sequence[Sequence[int]] = 0,
    dilation: int | Sequence[int] | None = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    """The largest element in each window of `x` (n, channels, rows, columns), or of one sample without its axis; see `max_pool1d`. With `return_indices` also where each value stands, as `max_pool2d_with_indices` gives it.

    Gradient: `g` to the largest element of each window, of equal ones to the first in C order.

    >>> with ag.Context():
    ...     print(T.max_pool2d([[[1.0, 2.0], [4.0, 3.0]]], 2).eval())
    [[[4.]]]
    """
    if return_indices:
        both: tuple[Tensor, Tensor] = _apply(_max_pool2d_with_indices, (x,), (kernel_size, stride, padding, dilation, ceil_mode))
        return both
    made: Tensor = _apply(_max_pool2d, (x,), (kernel_size, stride, padding, dilation, ceil_mode))
    return made


@overload
def max_pool3d(
    x: TensorLike,
    kernel_size: int | Sequence[int] | None,
    stride: int | Sequence[int] | None = None,
    padding: int | str | Sequence[int] | Sequence[Sequence[int]] = 0,
    dilation: int | Sequence[int] | None = 1,
    ceil_mode: bool = False,
    return_indices: Literal[False] = False,
) -> Tensor: ...
@overload
def max_pool3d(
    x: TensorLike,
    kernel_size: int | Sequence[int] | None,
    stride: int | Sequence[int] | None = None,
    padding: int | str | Sequence[int] | Sequence[Sequence[int]] = 0,
    dilation: int | Sequence[int] | None = 1,
    ceil_mode: bool = False,
    *,
    return_indices: Literal[True],
) -> tuple[Tensor, Tensor]: ...
@overload
def max_pool3d(
    x: TensorLike,
    kernel_size: int | Sequence[int] | None,
    stride: int | Sequence[int] | None = None,
    padding: int | str | Sequence[int] | Sequence[Sequence[int]] = 0,
    dilation: int | Sequence[int] | None = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor | tuple[Tensor, Tensor]: ...
def max_pool3d(
    x: TensorLike,
    kernel_size: int | Sequence[int] | None,
    stride: int | Sequence[int] | None = None,
    padding: int | str | Sequence[int] | Sequence[Sequence[int]] = 0,
    dilation: int | Sequence[int] | None = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    """The largest element in each window of `x` (n, channels, planes, rows, columns), or of one sample without its axis; see `max_pool1d`. With `return_indices` also where each value stands, as `max_pool3d_with_indices` gives it.

    Gradient: `g` to the largest element of each window, of equal ones to the first in C order.

    >>> with ag.Context():
    ...     print(T.max_pool3d(np.ones((1, 2, 2, 2)), 2).eval())
    [[[[1.]]]]
    """
    if return_indices:
        both: tuple[Tensor, Tensor] = _apply(_max_pool3d_with_indices, (x,), (kernel_size, stride, padding, dilation, ceil_mode))
        return both
    made: Tensor = _apply(_max_pool3d, (x,), (kernel_size, stride, padding, dilation, ceil_mode))
    return made


def max_pool1d_with_indices(
    x: TensorLike,
    kernel_size: int | Sequence[int] | None,
    stride: int | Sequence[int] | None = None,
    padding: int | str | Sequence[int] | Sequence[Sequence[int]] = 0,
    dilation: int | Sequence[int] | None = 1,
    ceil_mode: bool = False,
) -> tuple[Tensor, Tensor]:
    """`max_pool1d`, and where each largest element stands among those of its channel, counted in C order.

    Gradient: that of `max_pool1d`.

    >>> with ag.Context() as ctx:
    ...     print(*ctx.eval(T.max_pool1d_with_indices([[1.0, 3.0, 2.0, 5.0]], 2)))
    [[3. 5.]] [[1 3]]
    """
    made: tuple[Tensor, Tensor] = _apply(_max_pool1d_with_indices, (x,), (kernel_size, stride, padding, dilation, ceil_mode))
    return made


def max_pool2d_with_indices(
    x: TensorLike,
    kernel_size: int | Sequence[int] | None,
    stride: int | Sequence[int] | None = None,
    padding: int | str | Sequence[int] | Sequence[Sequence[int]] = 0,
    dilation: int | Sequence[int] | None = 1,
    ceil_mode: bool = False,
) -> tuple[Tensor, Tensor]:
    """`max_pool2d`, and where each largest element stands among those of its channel, counted in C order.

    Gradient: that of `max_pool2d`.

    >>> with ag.Context() as ctx:
    ...     print(*ctx.eval(T.max_pool2d_with_indices([[[1.0, 2.0], [4.0, 3.0]]], 2)))
    [[[4.]]] [[[2]]]
    """
    made: tuple[Tensor, Tensor] = _apply(_max_pool2d_with_indices, (x,), (kernel_size, stride, padding, dilation, ceil_mode))
    return made


def max_pool3d_with_indices(
    x: TensorLike,
    kernel_size: int | Sequence[int] | None,
    stride: int | Sequence[int] | None = None,
    padding: int | str | Sequence[int] | Sequence[Sequence[int]] = 0,
    dilation: int | Sequence[int] | None = 1,
    ceil_mode: bool = False,
) -> tuple[Tensor, Tensor]:
    """`max_pool3d`, and where each largest element stands among those of its channel, counted in C order.

    Gradient: that of `max_pool3d`.

    >>> with ag.Context() as ctx:
    ...     print(*ctx.eval(T.max_pool3d_with_indices(np.ones((1, 2, 2, 2)), 2)))
    [[[[1.]]]] [[[[0]]]]
    """
    made: tuple[Tensor, Tensor] = _apply(_max_pool3d_with_indices, (x,), (kernel_size, stride, padding, dilation, ceil_mode))
    return made


def avg_pool1d(
    x: TensorLike,
    kernel_size: int | Sequence[int] | None,
    stride: int | Sequence[int] | None = None,
    padding: int | str | Sequence[int] | Sequence[Sequence[int]] = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window of `x` (n, channels, length), or of one sample without its axis. Windows of `kernel_size` elements are `stride` apart, by default as
    far as they are long; beside `x` stand `padding` zeros. With `ceil_mode` a last window may reach beyond the end, if it begins before. The sum is divided
    by the elements of the window that lie in `x` or its padding, with `count_include_pad=False` by those in `x`, or by `divisor_override`.

    Gradient: `g` over the same number, to all elements of the window.

    >>> with ag.Context():
    ...     print(T.avg_pool1d([[1.0, 3.0, 2.0, 6.0]], 2).eval())
    [[2. 4.]]
    """
    made: Tensor = _apply(_avg_pool1d, (x,), (kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override))
    return made


def avg_pool2d(
    x: TensorLike,
    kernel_size: int | Sequence[int] | None,
    stride: int | Sequence[int] | None = None,
    padding: int | str | Sequence[int] | Sequence[Sequence[int]] = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window of `x` (n, channels, rows, columns), or of one sample without its axis; see `avg_pool1d`.

    Gradient: `g` over the number of elements, to all elements of the window.

    >>> with ag.Context():
    ...     print(T.avg_pool2d(np.ones((1, 2, 2)), 2, padding=1).eval())
    [[[0.25 0.25]
      [0.25 0.25]]]
    """
    made: Tensor = _apply(_avg_pool2d, (x,), (kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override))
    return made


def avg_pool3d(
    x: TensorLike,
    kernel_size: int | Sequence[int] | None,
    stride: int | Sequence[int] | None = None,
    padding: int | str | Sequence[int] | Sequence[Sequence[int]] = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window of `x` (n, channels, planes, rows, columns), or of one sample without its axis; see `avg_pool1d`.

    Gradient: `g` over the number of elements, to all elements of the window.

    >>> with ag.Context():
    ...     print(T.avg_pool3d(np.ones((1, 2, 2, 2)), 2, divisor_override=4).eval())
    [[[[2.]]]]
    """
    made: Tensor = _apply(_avg_pool3d, (x,), (kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override))
    return made


def lp_pool1d(
    x: TensorLike,
    norm_type: TensorLike,
    kernel_size: int | Sequence[int] | None,
    stride: int | Sequence[int] | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """The `p`-norm of each window of `x` (n, channels, length), or of one sample without its axis: `sum(|x| ** norm_type) ** (1 / norm_type)`. Windows are
    `stride` apart, by default as far as they are long.

    Gradient: that of the formula; 0 where the norm is 0.

    >>> with ag.Context():
    ...     print(T.lp_pool1d([[3.0, 4.0]], 2.0, 2).eval())
    [[5.]]
    """
    made: Tensor = _apply(_lp_pool1d, (x, norm_type), (kernel_size, stride, ceil_mode))
    return made


def lp_pool2d(
    x: TensorLike,
    norm_type: TensorLike,
    kernel_size: int | Sequence[int] | None,
    stride: int | Sequence[int] | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """The `p`-norm of each window of `x` (n, channels, rows, columns), or of one sample without its axis: `sum(|x| ** norm_type) ** (1 / norm_type)`. Windows are
    `stride` apart, by default as far as they are long.

    Gradient: that of the formula; 0 where the norm is 0.

    >>> with ag.Context():
    ...     print(T.lp_pool2d([[[3.0, -4.0]]], 1.0, (1, 2)).eval())
    [[[7.]]]
    """
    made: Tensor = _apply(_lp_pool2d, (x, norm_type), (kernel_size, stride, ceil_mode))
    return made


def lp_pool3d(
    x: TensorLike,
    norm_type: TensorLike,
    kernel_size: int | Sequence[int] | None,
    stride: int | Sequence[int] | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """The `p`-norm of each window of `x` (n, channels, planes, rows, columns), or of one sample without its axis: `sum(|x| ** norm_type) ** (1 / norm_type)`. Windows are
    `stride` apart, by default as far as they are long.

    Gradient: that of the formula; 0 where the norm is 0.

    >>> with ag.Context():
    ...     print(T.lp_pool3d(np.ones((1, 2, 2, 1)), 2.0, (2, 2, 1)).eval())
    [[[[2.]]]]
    """
    made: Tensor = _apply(_lp_pool3d, (x, norm_type), (kernel_size, stride, ceil_mode))
    return made


def adaptive_avg_pool1d(x: TensorLike, output_size: int | Sequence[int] | None) -> Tensor:
    """Means of `x` (n, channels, length), or of one sample without its axis, over `output_size` windows that cover it evenly: window `i` of `m` over `n` elements
    begins at `i * n // m` and ends before `-(-(i + 1) * n // m)`. The lengths must be known.

    Gradient: `g` over the number of elements, to all elements of the window.

    >>> with ag.Context():
    ...     print(T.adaptive_avg_pool1d([[1.0, 2.0, 3.0]], 2).eval())
    [[1.5 2.5]]
    """
    made: Tensor = _apply(_adaptive_avg_pool1d, (x,), (output_size,))
    return made


def adaptive_avg_pool2d(x: TensorLike, output_size: int | Sequence[int] | None) -> Tensor:
    """Means of `x` (n, channels, rows, columns), or of one sample without its axis, over `output_size` windows that cover it evenly: window `i` of `m` over `n` elements
    begins at `i * n // m` and ends before `-(-(i + 1) * n // m)`. The lengths must be known.

    Gradient: `g` over the number of elements, to all elements of the window.

    >>> with ag.Context():
    ...     print(T.adaptive_avg_pool2d([[[1.0, 2.0], [3.0, 6.0]]], 1).eval())
    [[[3.]]]
    """
    made: Tensor = _apply(_adaptive_avg_pool2d, (x,), (output_size,))
    return made


def adaptive_avg_pool3d(x: TensorLike, output_size: int | Sequence[int] | None) -> Tensor:
    """Means of `x` (n, channels, planes, rows, columns), or of one sample without its axis, over `output_size` windows that cover it evenly: window `i` of `m` over `n` elements
    begins at `i * n // m` and ends before `-(-(i + 1) * n // m)`. The lengths must be known.

    Gradient: `g` over the number of elements, to all elements of the window.

    >>> with ag.Context():
    ...     print(T.adaptive_avg_pool3d(np.ones((1, 2, 2, 2)), 1).eval())
    [[[[1.]]]]
    """
    made: Tensor = _apply(_adaptive_avg_pool3d, (x,), (output_size,))
    return made


@overload
def adaptive_max_pool1d(x: TensorLike, output_size: int | Sequence[int] | None, return_indices: Literal[False] = False) -> Tensor: ...
@overload
def adaptive_max_pool1d(
    x: TensorLike, output_size: int | Sequence[int] | None, *, return_indices: Literal[True]
) -> tuple[Tensor, Tensor]: ...
@overload
def adaptive_max_pool1d(
    x: TensorLike, output_size: int | Sequence[int] | None, return_indices: bool = False
) -> Tensor | tuple[Tensor, Tensor]: ...
def adaptive_max_pool1d(
    x: TensorLike, output_size: int | Sequence[int] | None, return_indices: bool = False
) -> Tensor | tuple[Tensor, Tensor]:
    """The largest elements of `x` (n, channels, length), or of one sample without its axis, in `output_size` windows that cover it evenly; see `adaptive_avg_pool1d`. With `return_indices` also where each value stands, as `adaptive_max_pool1d_with_indices` gives it.

    Gradient: `g` to the largest element of each window, of equal ones to the first.

    >>> with ag.Context():
    ...     print(T.adaptive_max_pool1d([[1.0, 2.0, 3.0]], 2).eval())
    [[2. 3.]]
    """
    if return_indices:
        both: tuple[Tensor, Tensor] = _apply(_adaptive_max_pool1d_with_indices, (x,), (output_size,))
        return both
    made: Tensor = _apply(_adaptive_max_pool1d, (x,), (output_size,))
    return made


@overload
def adaptive_max_pool2d(x: TensorLike, output_size: int | Sequence[int] | None, return_indices: Literal[False] = False) -> Tensor: ...
@overload
def adaptive_max_pool2d(
    x: TensorLike, output_size: int | Sequence[int] | None, *, return_indices: Literal[True]
) -> tuple[Tensor, Tensor]: ...
@overload
def adaptive_max_pool2d(
    x: TensorLike, output_size: int | Sequence[int] | None, return_indices: bool = False
) -> Tensor | tuple[Tensor, Tensor]: ...
def adaptive_max_pool2d(
    x: TensorLike, output_size: int | Sequence[int] | None, return_indices: bool = False
) -> Tensor | tuple[Tensor, Tensor]:
    """The largest elements of `x` (n, channels, rows, columns), or of one sample without its axis, in `output_size` windows that cover it evenly; see `adaptive_avg_pool2d`. With `return_indices` also where each value stands, as `adaptive_max_pool2d_with_indices` gives it.

    Gradient: `g` to the largest element of each window, of equal ones to the first.

    >>> with ag.Context():
    ...     print(T.adaptive_max_pool2d([[[1.0, 2.0], [3.0, 6.0]]], 1).eval())
    [[[6.]]]
    """
    if return_indices:
        both: tuple[Tensor, Tensor] = _apply(_adaptive_max_pool2d_with_indices, (x,), (output_size,))
        return both
    made: Tensor = _apply(_adaptive_max_pool2d, (x,), (output_size,))
    return made


@overload
def adaptive_max_pool3d(x: TensorLike, output_size: int | Sequence[int] | None, return_indices: Literal[False] = False) -> Tensor: ...
@overload
def adaptive_max_pool3d(
    x: TensorLike, output_size: int | Sequence[int] | None, *, return_indices: Literal[True]
) -> tuple[Tensor, Tensor]: ...
@overload
def adaptive_max_pool3d(
    x: TensorLike, output_size: int | Sequence[int] | None, return_indices: bool = False
) -> Tensor | tuple[Tensor, Tensor]: ...
def adaptive_max_pool3d(
    x: TensorLike, output_size: int | Sequence[int] | None, return_indices: bool = False
) -> Tensor | tuple[Tensor, Tensor]:
    """The largest elements of `x` (n, channels, planes, rows, columns), or of one sample without its axis, in `output_size` windows that cover it evenly; see `adaptive_avg_pool3d`. With `return_indices` also where each value stands, as `adaptive_max_pool3d_with_indices` gives it.

    Gradient: `g` to the largest element of each window, of equal ones to the first.

    >>> with ag.Context():
    ...     print(T.adaptive_max_pool3d(np.ones((1, 2, 2, 2)), 1).eval())
    [[[[1.]]]]
    """
    if return_indices:
        both: tuple[Tensor, Tensor] = _apply(_adaptive_max_pool3d_with_indices, (x,), (output_size,))
        return both
    made: Tensor = _apply(_adaptive_max_pool3d, (x,), (output_size,))
    return made


def adaptive_max_pool1d_with_indices(x: TensorLike, output_size: int | Sequence[int] | None) -> tuple[Tensor, Tensor]:
    """`adaptive_max_pool1d`, and where each largest element stands among those of its channel, counted in C order.

    Gradient: that of `adaptive_max_pool1d`.

    >>> with ag.Context() as ctx:
    ...     print(*ctx.eval(T.adaptive_max_pool1d_with_indices([[1.0, 2.0, 3.0]], 2)))
    [[2. 3.]] [[1 2]]
    """
    made: tuple[Tensor, Tensor] = _apply(_adaptive_max_pool1d_with_indices, (x,), (output_size,))
    return made


def adaptive_max_pool2d_with_indices(x: TensorLike, output_size: int | Sequence[int] | None) -> tuple[Tensor, Tensor]:
    """`adaptive_max_pool2d`, and where each largest element stands among those of its channel, counted in C order.

    Gradient: that of `adaptive_max_pool2d`.

    >>> with ag.Context() as ctx:
    ...     print(*ctx.eval(T.adaptive_max_pool2d_with_indices([[[1.0, 2.0], [3.0, 6.0]]], 1)))
    [[[6.]]] [[[3]]]
    """
    made: tuple[Tensor, Tensor] = _apply(_adaptive_max_pool2d_with_indices, (x,), (output_size,))
    return made


def adaptive_max_pool3d_with_indices(x: TensorLike, output_size: int | Sequence[int] | None) -> tuple[Tensor, Tensor]:
    """`adaptive_max_pool3d`, and where each largest element stands among those of its channel, counted in C order.

    Gradient: that of `adaptive_max_pool3d`.

    >>> with ag.Context() as ctx:
    ...     print(*ctx.eval(T.adaptive_max_pool3d_with_indices(np.ones((1, 2, 2, 2)), 1)))
    [[[[1.]]]] [[[[0]]]]
    """
    made: tuple[Tensor, Tensor] = _apply(_adaptive_max_pool3d_with_indices, (x,), (output_size,))
    return made


def unfold(
    x: TensorLike,
    kernel_size: int | Sequence[int] | None,
    dilation: int | Sequence[int] | None = 1,
    padding: int | str | Sequence[int] | Sequence[Sequence[int]] = 0,
    stride: int | Sequence[int] | None = 1,
) -> Tensor:
    """What windows of `kernel_size` elements, `dilation` apart, see of `x` (n, channels, ...), with zeros around it: patches
    (n, channels * elements of the window, places), both in C order, for one to three axes over which the window slides; also called im2col. With filters as
    rows, a convolution is their product with the patches.

    Gradient: `g` added up where the patches lie, as `fold` does.

    >>> with ag.Context():
    ...     print(T.unfold([[[1, 2, 3, 4]]], 2, stride=2).eval())
    [[[1. 3.]
      [2. 4.]]]
    """
    made: Tensor = _apply(_unfold, (x,), (kernel_size, dilation, padding, stride))
    return made


def fold(
    x: TensorLike,
    output_size: int | Sequence[int] | None,
    kernel_size: int | Sequence[int] | None,
    dilation: int | Sequence[int] | None = 1,
    padding: int | str | Sequence[int] | Sequence[Sequence[int]] = 0,
    stride: int | Sequence[int] | None = 1,
) -> Tensor:
    """Patches `x` (n, channels * elements of the window, places) added up where they lie in an array (n, channels, *output_size): the adjoint of `unfold`.
    `output_size` has a number for each axis over which the window slides.

    Gradient: the patches of `g`.

    >>> with ag.Context():
    ...     print(T.fold(np.ones((1, 2, 3)), (4,), 2).eval())
    [[[1. 2. 2. 1.]]]
    """
    made: Tensor = _apply(_fold, (x,), (output_size, kernel_size, dilation, padding, stride))
    return made


def interpolate(
    x: TensorLike,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: Literal["nearest", "nearest-exact", "linear", "bilinear", "trilinear", "bicubic", "area"] = "nearest",
    align_corners: bool = False,
    recompute_scale_factor: bool = False,
) -> Tensor:
    """`x` (n, channels, ...) with other lengths of the axes behind the first two, one to three of them: of `size`, or `floor(n * scale_factor)` for a length `n`. Element `i` of
    the result stands at `(i + 1/2) * s - 1/2` in the array, where `s` is the ratio of the lengths, or `1 / scale_factor` if that is given and
    `recompute_scale_factor` is False; with `align_corners` the first and the last elements of both lie on each other.

    "nearest" takes element `floor(i * s)`, "nearest-exact" the one whose middle is nearest; "linear", "bilinear" and "trilinear" go along lines over one,
    two and three axes, "bicubic" along Keys' cubic curves with a = -3/4 over two; "area" takes means as `adaptive_avg_pool2d` does. The lengths must be known.

    Gradient: `g` with the same weights, added up.

    >>> with ag.Context():
    ...     print(T.interpolate([[[1.0, 2.0]]], 4, mode="linear").eval())
    [[[1.   1.25 1.75 2.  ]]]
    """
    made: Tensor = _apply(_interpolate, (x,), (size, scale_factor, mode, align_corners, recompute_scale_factor))
    return made


def pixel_shuffle(x: TensorLike, upscale_factor: int) -> Tensor:
    """Channels to places: `x` (..., channels * r * r, rows, columns) becomes (..., channels, rows * r, columns * r), in which
    `y[c, i * r + a, j * r + b]` is `x[(c * r + a) * r + b, i, j]`.

    Gradient: `pixel_unshuffle(g)`.

    >>> with ag.Context():
    ...     print(T.pixel_shuffle(np.arange(4).reshape(4, 1, 1), 2).eval())
    [[[0 1]
      [2 3]]]
    """
    made: Tensor = _apply(_pixel_shuffle, (x,), (upscale_factor,))
    return made


def pixel_unshuffle(x: TensorLike, downscale_factor: int) -> Tensor:
    """Places to channels: the inverse of `pixel_shuffle`; `x` (..., channels, rows * r, columns * r) becomes (..., channels * r * r, rows, columns).

    Gradient: `pixel_shuffle(g)`.

    >>> with ag.Context():
    ...     print(T.pixel_unshuffle([[[0, 1], [2, 3]]], 2)[:, 0, 0].eval())
    [0 1 2 3]
    """
    made: Tensor = _apply(_pixel_unshuffle, (x,), (downscale_factor,))
    return made


def rnn_cell(
    x: TensorLike,
    h: TensorLike,
    w_ih: TensorLike,
    w_hh: TensorLike,
    b_ih: TensorLike | None = None,
    b_hh: TensorLike | None = None,
    nonlinearity: Literal["tanh", "relu"] = "tanh",
) -> Tensor:
    """The next state of a plain recurrent network: `tanh(w_ih x + b_ih + w_hh h + b_hh)`, or the rectifier of the same. `x` is
    `(samples, input)` or `(input,)`, `h` as many states, `w_ih` `(state, input)` and `w_hh` `(state, state)`.

    Gradient: in all tensors.

    >>> with ag.Context():
    ...     print(T.rnn_cell([1.0, 2.0], [0.5], [[1.0, -1.0]], [[2.0]]).eval())
    [0.]
    """
    made: Tensor = _apply(_rnn_cell, (x, h, w_ih, w_hh, b_ih, b_hh), (nonlinearity,))
    return made


def lstm_cell(
    x: TensorLike,
    h: TensorLike,
    c: TensorLike,
    w_ih: TensorLike,
    w_hh: TensorLike,
    b_ih: TensorLike | None = None,
    b_hh: TensorLike | None = None,
) -> tuple[Tensor, Tensor]:
    """The next state and the next memory of a cell of long short-term memory: `c' = i * g + f * c`, `h' = o * tanh(c')`, where the logistic
    functions `i`, `f`, `o` and the hyperbolic tangent `g` are of the parts of `w_ih x + b_ih + w_hh h + b_hh`, in the order `i f g o`.
    `x` is `(samples, input)` or `(input,)`, `h` and `c` as many states, `w_ih` `(4 * state, input)` and `w_hh` `(4 * state, state)`.

    Gradient: in all tensors.

    >>> with ag.Context() as ctx:
    ...     print(*ctx.eval(T.lstm_cell([0.0], [1.0], [2.0], np.zeros([4, 1]), np.zeros([4, 1]))))
    [0.38079708] [1.]
    """
    made: tuple[Tensor, Tensor] = _apply(_lstm_cell, (x, h, c, w_ih, w_hh, b_ih, b_hh), ())
    return made


def gru_cell(
    x: TensorLike, h: TensorLike, w_ih: TensorLike, w_hh: TensorLike, b_ih: TensorLike | None = None, b_hh: TensorLike | None = None
) -> Tensor:
    """The next state of a gated recurrent unit: `h' = (1 - z) * n + z * h`. With the parts of `a = w_ih x + b_ih` and `b = w_hh h + b_hh` in the
    order `r z n` the gates are the logistic functions `r` and `z` of `a + b`, and `n = tanh(a + r * b)`: the reset comes after the
    product. `x` is `(samples, input)` or `(input,)`, `h` as many states, `w_ih` `(3 * state, input)` and `w_hh` `(3 * state, state)`.

    Gradient: in all tensors.

    >>> with ag.Context():
    ...     print(T.gru_cell([0.0], [1.0], np.zeros([3, 1]), np.zeros([3, 1])).eval())
    [0.5]
    """
    made: Tensor = _apply(_gru_cell, (x, h, w_ih, w_hh, b_ih, b_hh), ())
    return made


def rnn(
    x: TensorLike,
    w_ih: TensorLike,
    w_hh: TensorLike,
    b_ih: TensorLike | None = None,
    b_hh: TensorLike | None = None,
    h: TensorLike | None = None,
    nonlinearity: Literal["tanh", "relu"] = "tanh",
    batch_first: bool = False,
    reverse: bool = False,
) -> tuple[Tensor, Tensor]:
    """A sequence through a plain recurrent network: all states `h[t] = tanh(w_ih x[t] + b_ih + w_hh h[t - 1] + b_hh)`, or the rectifier of the
    same, and the last of them. `x` is `(steps, samples, input)`, `w_ih` `(state, input)`, `w_hh` `(state, state)`, and the state before the
    first one, `h`, `(samples, state)`: zeros, if it is not given. With `batch_first` samples come before steps in `x` and in the result.
    With `reverse` the sequence is read from its end, and the last state is that of the first step.

    Gradient: in all tensors. Of steps one after the other there is one pass, and one back; weights get theirs by one product over all steps.

    >>> with ag.Context() as ctx:
    ...     print(*ctx.eval(T.rnn([[[1.0], [1.0]]], [[2.0]], [[-1.0]], nonlinearity="relu", batch_first=True)))
    [[[2.]
      [0.]]] [[0.]]
    """
    made: tuple[Tensor, Tensor] = _apply(_rnn, (x, w_ih, w_hh, b_ih, b_hh, h), (nonlinearity, batch_first, reverse))
    return made


def lstm(
    x: TensorLike,
    w_ih: TensorLike,
    w_hh: TensorLike,
    b_ih: TensorLike | None = None,
    b_hh: TensorLike | None = None,
    h: TensorLike | None = None,
    c: TensorLike | None = None,
    batch_first: bool = False,
    reverse: bool = False,
) -> tuple[Tensor, Tensor, Tensor]:
    """A sequence through a network of long short-term memory: all states, the last of them, and the last memory, by `lstm_cell` at each step.
    `x` is `(steps, samples, input)`, `w_ih` `(4 * state, input)`, `w_hh` `(4 * state, state)`, and `h` and `c`, the state and the memory
    before the first step, are `(samples, state)`: zeros, if they are not given. With `batch_first` samples come before steps in `x` and in
    the result. With `reverse` the sequence is read from its end, and the last state is that of the first step.

    Gradient: in all tensors. Of steps one after the other there is one pass, and one back; weights get theirs by one product over all steps.

    >>> with ag.Context() as ctx:
    ...     print(*ctx.eval(T.lstm(np.zeros([1, 2, 1]), np.zeros([4, 1]), np.zeros([4, 1]), c=[[4.0]], batch_first=True)))
    [[[0.48201379]
      [0.38079708]]] [[0.38079708]] [[1.]]
    """
    made: tuple[Tensor, Tensor, Tensor] = _apply(_lstm, (x, w_ih, w_hh, b_ih, b_hh, h, c), (batch_first, reverse))
    return made


def gru(
    x: TensorLike,
    w_ih: TensorLike,
    w_hh: TensorLike,
    b_ih: TensorLike | None = None,
    b_hh: TensorLike | None = None,
    h: TensorLike | None = None,
    batch_first: bool = False,
    reverse: bool = False,
) -> tuple[Tensor, Tensor]:
    """A sequence through a network of gated recurrent units: all states, and the last of them, by `gru_cell` at each step. `x` is `(steps,
    samples, input)`, `w_ih` `(3 * state, input)`, `w_hh` `(3 * state, state)`, and the state before the first one, `h`, `(samples, state)`:
    zeros, if it is not given. With `batch_first` samples come before steps in `x` and in the result. With `reverse` the sequence is read
    from its end, and the last state is that of the first step.

    Gradient: in all tensors. Of steps one after the other there is one pass, and one back; weights get theirs by one product over all steps.

    >>> with ag.Context() as ctx:
    ...     print(*ctx.eval(T.gru(np.zeros([1, 2, 1]), np.zeros([3, 1]), np.zeros([3, 1]), h=[[8.0]], batch_first=True)))
    [[[4.]
      [2.]]] [[2.]]
    """
    made: tuple[Tensor, Tensor] = _apply(_gru, (x, w_ih, w_hh, b_ih, b_hh, h), (batch_first, reverse))
    return made


def layer_norm(
    x: TensorLike, normalized_shape: Shape, weight: TensorLike | None = None, bias: TensorLike | None = None, eps: TensorLike = 1e-5
) -> Tensor:
    """`(x - mean) / sqrt(var + eps) * weight + bias`, with mean and variance (divisor `n`) over the last axes, whose lengths are `normalized_shape`.
    Weight and bias have that shape (Ba, Kiros, Hinton 2016).

    Gradient: with `y` for the normalized elements and `h` for `g * weight`, `(h - mean(h) - y * mean(h * y)) / sqrt(var + eps)`.

    >>> with ag.Context():
    ...     print(T.layer_norm([[1.0, 3.0], [5.0, 5.0]], 2, eps=0.0001).eval())
    [[-0.99995  0.99995]
     [ 0.       0.     ]]
    """
    made: Tensor = _apply(_layer_norm, (x, weight, bias, eps), (normalized_shape,))
    return made


def rms_norm(x: TensorLike, normalized_shape: Shape, weight: TensorLike | None = None, eps: TensorLike | None = None) -> Tensor:
    """`x / sqrt(mean(x**2) + eps) * weight`, with the mean over the last axes, whose lengths are `normalized_shape`, and a weight of that shape
    (Zhang, Sennrich 2019). Without `eps` it is the distance of 1 to the next number of the dtype.

    Gradient: with `y` for the normalized elements and `h` for `g * weight`, `(h - y * mean(h * y)) / sqrt(mean(x**2) + eps)`.

    >>> with ag.Context():
    ...     print(T.rms_norm([3.0, 4.0, 0.0, 0.0], 4).eval())
    [1.2 1.6 0.  0. ]
    """
    made: Tensor = _apply(_rms_norm, (x, weight, eps), (normalized_shape,))
    return made


def group_norm(
    x: TensorLike, num_groups: int, weight: TensorLike | None = None, bias: TensorLike | None = None, eps: TensorLike = 1e-5
) -> Tensor:
    """`(x - mean) / sqrt(var + eps) * weight + bias` for `x` (n, channels, ...), with mean and variance (divisor `n`) over each of `num_groups` groups of
    channels of each sample, and a weight and a bias for each channel (Wu, He 2018).

    Gradient: as that of `layer_norm`, over the group.

    >>> with ag.Context():
    ...     print(T.group_norm([[1.0, 3.0, 5.0, 5.0]], 2, eps=0.0)[:, :2].eval())
    [[-1.  1.]]
    """
    made: Tensor = _apply(_group_norm, (x, weight, bias, eps), (num_groups,))
    return made


def instance_norm(x: TensorLike, weight: TensorLike | None = None, bias: TensorLike | None = None, eps: TensorLike = 1e-5) -> Tensor:
    """`(x - mean) / sqrt(var + eps) * weight + bias` for `x` (n, channels, ...), with mean and variance (divisor `n`) over each channel of each sample, and a
    weight and a bias for each channel (Ulyanov, Vedaldi, Lempitsky 2016).

    Gradient: as that of `layer_norm`, over the channel.

    >>> with ag.Context():
    ...     print(T.instance_norm([[[1.0, 3.0], [5.0, 5.0]]], eps=0.0001).eval())
    [[[-0.99995  0.99995]
      [ 0.       0.     ]]]
    """
    made: Tensor = _apply(_instance_norm, (x, weight, bias, eps), ())
    return made


def local_response_norm(x: TensorLike, size: int, alpha: TensorLike = 0.0001, beta: TensorLike = 0.75, k: TensorLike = 1.0) -> Tensor:
    """`x / (k + alpha / size * s) ** beta` for `x` (n, channels, ...), where `s` is the sum of the squares of `size` neighbouring channels, `size // 2` before and
    `(size - 1) // 2` after each, where there are any (Krizhevsky, Sutskever, Hinton 2012).

    Gradient: that of the formula.

    >>> with ag.Context():
    ...     print(T.local_response_norm([[[3.0], [4.0]]], 2, alpha=2.0, beta=1.0, k=0.0).eval())
    [[[0.33333333]
      [0.16      ]]]
    """
    made: Tensor = _apply(_local_response_norm, (x, alpha, beta, k), (size,))
    return made


def normalize(x: TensorLike, p: TensorLike = 2.0, axis: int = 1, eps: TensorLike = 1e-12) -> Tensor:
    """`x / max(norm, eps)`, with the norm of order `p` of the vectors along `axis`, as `vector_norm` gives it. `p` and `eps` are numbers or 0-d tensors.

    Gradient: that of the formula; that of the norm is 0 to elements that are 0.

    NumPy: `x / np.maximum(np.linalg.vector_norm(x, ord=p, axis=axis, keepdims=True), eps)`

    >>> with ag.Context():
    ...     print(T.normalize([[3.0, 4.0], [0.0, 0.0]]).eval())
    [[0.6 0.8]
     [0.  0. ]]
    """
    made: Tensor = _apply(_normalize, (x, p, eps), (axis,))
    return made


def batch_norm(
    x: TensorLike,
    running_mean: TensorLike | None = None,
    running_var: TensorLike | None = None,
    weight: TensorLike | None = None,
    bias: TensorLike | None = None,
    training: TensorLike = False,
    momentum: TensorLike = 0.1,
    eps: TensorLike = 1e-5,
) -> Tensor:
    """`(x - mean) / sqrt(var + eps) * weight + bias` for `x` (n, channels, ...), channel by channel, with a weight and a bias for each (Ioffe, Szegedy 2015).

    In training, mean and variance (divisor `n`) are those of the batch, and each run that computes the result moves the running
    statistics, at its end and once: `running_mean` to `(1 - momentum) * running_mean + momentum * mean`, and `running_var` likewise with the
    divisor `n - 1`, for which a channel needs two elements. These are variables; None for both keeps none. Several calls over the same variables
    in one run move them one after the other. Otherwise the running statistics are taken, whatever tensors they are, and nothing is written.

    `training` is True, False, or a 0-d bool tensor, such as a placeholder: then each run decides. Inside of a body of `cond` nothing can be
    written, so there running statistics are for `training=False` alone.

    Gradient: in training, with `y` for the normalized elements and `h` for `g * weight`, `(h - mean(h) - y * mean(h * y)) / sqrt(var + eps)`, where the means are
    those of the channel; otherwise `h / sqrt(running_var + eps)`, and that of the formula to the running statistics.

    >>> with ag.Context():
    ...     print(T.batch_norm([[1.0, 5.0], [3.0, 5.0]], None, None, training=True, eps=0.0001).eval())
    [[-0.99995  0.     ]
     [ 0.99995  0.     ]]
    """
    made: Tensor = _apply(_batch_norm, (x, running_mean, running_var, weight, bias, training, momentum, eps), ())
    return made


def scaled_dot_product_attention(
    q: TensorLike,
    k: TensorLike,
    v: TensorLike,
    attn_mask: TensorLike | None = None,
    is_causal: bool = False,
    scale: TensorLike | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """Attention (Vaswani et al. 2017, equation 1): `softmax(scale * q k^T, masked) v` for queries (..., s, d), keys (..., t, d) and values (..., t, e);
    the axes in front broadcast, and the result is (..., s, e).

    `attn_mask` broadcasts to (..., s, t): bools say which keys a query sees, numbers are added to the scores. With `is_causal` the query in place `i`
    sees the keys in the places up to `i`; beside a mask both hold. A query that sees no key gives 0, and its gradients are 0. Keys and values
    that are not seen must be finite all the same. `scale` is `1 / sqrt(d)` if it is not given. With `enable_gqa` axis -3 counts heads, and as
    many heads of queries as stand behind each other share a head of keys and values.

    The matrix of scores is not kept: memory is that of the operands, in gradients of the first order too, but for a mask of numbers whose gradient
    is asked for. Higher orders do make it.

    Gradient: to all tensors, with weights `p` and `c = p * (g v^T - sum(g * y))`: `scale * c k`, `scale * c^T q`, `p^T g`, and `c` to a mask of numbers.

    >>> with ag.Context():
    ...     print(T.scaled_dot_product_attention([[1.0], [2.0]], [[0.0], [0.0]], [[1.0], [3.0]], is_causal=True).eval())
    [[1.]
     [2.]]
    """
    made: Tensor = _apply(_scaled_dot_product_attention, (q, k, v, attn_mask, scale), (is_causal, enable_gqa))
    return made


def cholesky(a: TensorLike, upper: bool = False) -> Tensor:
    """The lower factor `l` of the symmetric positive definite matrices `a = l l^T` in the last two axes, zeros above the
    diagonal; with `upper` its transpose, `a = u^T u`. The symmetric part `(a + a^T) / 2` is factored, so the gradient is symmetric. A
    matrix that is not positive definite is an error of the run.

    NumPy: `np.linalg.cholesky((a + np.swapaxes(a, -1, -2)) / 2, upper=upper)`

    >>> with ag.Context():
    ...     print(T.cholesky([[4.0, 2.0], [2.0, 5.0]]).eval())
    [[2. 0.]
     [1. 2.]]
    """
    made: Tensor = _apply(_cholesky, (a,), (upper,))
    return made


def solve_triangular(a: TensorLike, b: TensorLike, trans: int = 0, lower: bool = False, unit_diagonal: bool = False) -> Tensor:
    """The solution `x` of `a x = b`, or of `a^T x = b` if `trans` is 1 (or 2), for triangular matrices `a`: of `a` only the upper
    triangle is read, or with `lower` the lower one; with `unit_diagonal` its diagonal is taken for ones. A 1-d `b` is one right side,
    which a batch of matrices shares; else the last two axes of `b` are a matrix whose columns are right sides, and the axes before
    broadcast. A zero on the diagonal is an error of the run.

    Gradient: `gb = a^-T g` and `-gb x^T`, of which `a` gets the triangle that is read; with `trans`, `gb = a^-1 g` and `-x gb^T`.

    NumPy: `scipy.linalg.solve_triangular(a, b, trans=trans, lower=lower, unit_diagonal=unit_diagonal)`

    >>> with ag.Context():
    ...     print(T.solve_triangular([[2.0, 0.0], [1.0, 4.0]], [2.0, 9.0], lower=True).eval())
    [1. 2.]
    """
    made: Tensor = _apply(_solve_triangular, (a, b), (trans, lower, unit_diagonal))
    return made


def lu_factor(a: TensorLike) -> tuple[Tensor, Tensor]:
    """The factors of square matrices with exchanged rows, in one array: `u` on and above the diagonal, and below it `l`, whose diagonal of
    ones is left out; and the row with which each row was exchanged, one exchange after the other, as `int32`: what `lu_solve` takes.
    A singular matrix has a zero on the diagonal of `u`.

    Gradient: with `p a = l u` and the two parts `gl` (strictly lower) and `gu` of `g`,
    `p^T l^-T (stril(l^T gl) + triu(gu u^T)) u^-T`, where `u` must be invertible. Between two exchanges the factors are smooth.

    >>> with ag.Context() as ctx:
    ...     print(*ctx.eval(T.lu_factor([[1.0, 2.0], [4.0, 4.0]])))
    [[4.   4.  ]
     [0.25 1.  ]] [1 1]
    """
    made: tuple[Tensor, Tensor] = _apply(_lu_factor, (a,), ())
    return made


def lu(a: TensorLike) -> tuple[Tensor, Tensor, Tensor]:
    """The factors `p l u = a` of the matrices in the last two axes: a permutation of rows, a lower triangle with a diagonal of ones, and an
    upper triangle. Of an `m x n` matrix `l` has, and `u` is, min(m, n) columns and rows.

    Gradient: as that of `lu_factor`; none through `p`. Where the pivots of two rows tie, the order of the rows jumps.

    NumPy: `scipy.linalg.lu(a)`

    >>> with ag.Context() as ctx:
    ...     print(*ctx.eval(T.lu([[1.0, 2.0], [4.0, 4.0]])))
    [[0. 1.]
     [1. 0.]] [[1.   0.  ]
     [0.25 1.  ]] [[4. 4.]
     [0. 1.]]
    """
    made: tuple[Tensor, Tensor, Tensor] = _apply(_lu, (a,), ())
    return made


def solve(a: TensorLike, b: TensorLike) -> Tensor:
    """The solution `x` of `a x = b` for square matrices `a` in the last two axes. A 1-d `b` is one right side, which a batch of matrices
    shares; else the last two axes of `b` are a matrix whose columns are right sides, and the axes before broadcast. A singular matrix
    is an error of the run.

    Gradient: `gb = a^-T g` and `-gb x^T`; one factorisation serves both.

    NumPy: `np.linalg.solve(a, b)`

    >>> with ag.Context():
    ...     print(T.solve([[3.0, 1.0], [1.0, 2.0]], [9.0, 8.0]).eval())
    [2. 3.]
    """
    made: Tensor = _apply(_solve, (a, b), ())
    return made


def inv(a: TensorLike) -> Tensor:
    """The inverses of the square matrices in the last two axes. A singular matrix is an error of the run.

    Gradient: `-y^T g y^T`.

    NumPy: `np.linalg.inv(a)`

    >>> with ag.Context():
    ...     print(T.inv([[1.0, 2.0], [0.0, 4.0]]).eval())
    [[ 1.   -0.5 ]
     [ 0.    0.25]]
    """
    made: Tensor = _apply(_inv, (a,), ())
    return made


def lu_solve(lu: TensorLike, pivots: TensorLike, b: TensorLike, trans: int = 0) -> Tensor:
    """The solution of `a x = b` from the factors of `a` that `lu_factor` gives.

    Gradient: with respect to the factors, two triangular systems.

    NumPy: `scipy.linalg.lu_solve((lu, pivots), b, trans=trans)`

    >>> with ag.Context():
    ...     print(T.lu_solve(*T.lu_factor([[3.0, 1.0], [1.0, 2.0]]), [9.0, 8.0]).eval())
    [2. 3.]
    """
    made: Tensor = _apply(_lu_solve, (lu, pivots, b), (trans,))
    return made


def det(a: TensorLike) -> Tensor:
    """The determinants of the square matrices in the last two axes.

    Gradient: `g` times the matrix of cofactors, at every rank, and so on to the second order.

    NumPy: `np.linalg.det(a)`

    >>> with ag.Context():
    ...     print(T.det([[2.0, 1.0], [0.0, 3.0]]).eval())
    6.0
    """
    made: Tensor = _apply(_det, (a,), ())
    return made


def slogdet(a: TensorLike) -> tuple[Tensor, Tensor]:
    """The sign of the determinants of the square matrices in the last two axes, and the natural logarithms of their magnitudes: 0 and
    minus infinity of a singular matrix.

    Gradient: `g a^-T` of the logarithm; at a singular matrix an error of the run. None of the sign.

    NumPy: `np.linalg.slogdet(a)`

    >>> with ag.Context() as ctx:
    ...     print(*ctx.eval(T.slogdet([[0.0, 2.0], [0.5, 0.0]])))
    -1.0 0.0
    """
    made: tuple[Tensor, Tensor] = _apply(_slogdet, (a,), ())
    return made


def logdet(a: TensorLike) -> Tensor:
    """The natural logarithm of the determinants of the square matrices in the last two axes; NaN of a negative determinant.

    Gradient: `g a^-T`.

    NumPy: `np.log(np.linalg.det(a))`

    >>> with ag.Context():
    ...     print(T.logdet([[2.0, 0.0], [3.0, 0.5]]).eval())
    0.0
    """
    made: Tensor = _apply(_logdet, (a,), ())
    return made


def svd(a: TensorLike, full_matrices: bool = False, order: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    """The factors `u diag(s) vh = a` of the matrices in the last two axes: singular values `s`, the largest first, orthonormal vectors as
    columns of `u` and rows of `vh`; as many as there are values, or with `full_matrices` whole bases. The entry of the largest magnitude of
    each row of `vh` is positive. NaN and infinities are an error of the run.

    Gradient: exact at every multiplicity, repeated and zero values too, for a loss that does not depend on the choice of vectors where
    there is one; else an error of the run that names the values. With `q = n / d`, `k_u = u^T gu - gu^T u` and `k_v` likewise, it is
    `u ((k_u + k_v) / 2 (s_j - s_i) + (k_u - k_v) / 2 (s_j + s_i) + diag(gs)) vh`, and beside it the parts of `gu` and `gv` outside of the
    bases, divided by `s`. Where a divisor vanishes, the limit comes from one more sweep over the cotangent of the values, one for each
    derivative up to `order`; a higher one that meets equal values is an error of the run.

    >>> with ag.Context() as ctx:
    ...     print(*ctx.eval(T.svd([[2.0, 0.0], [0.0, 1.0]])))
    [[1. 0.]
     [0. 1.]] [2. 1.] [[1. 0.]
     [0. 1.]]
    """
    made: tuple[Tensor, Tensor, Tensor] = _apply(_svd, (a,), (full_matrices, order))
    return made


def svdvals(a: TensorLike) -> Tensor:
    """The singular values of the matrices in the last two axes, the largest first. Alone they are computed without vectors, by another
    way that may round differently.

    Gradient: `u diag(g) vh`, of every order: where values meet, limits are taken.

    NumPy: `np.linalg.svd(a, compute_uv=False)`

    >>> with ag.Context():
    ...     print(T.svdvals([[3.0, 0.0], [4.0, 5.0]]).eval())
    [6.70820393 2.23606798]
    """
    made: Tensor = _apply(_svdvals, (a,), ())
    return made


def eigh(a: TensorLike, UPLO: Literal["both", "L", "U"] = "both", order: int = 2) -> tuple[Tensor, Tensor]:
    """The eigenvalues of the symmetric matrices in the last two axes, the least first, and orthonormal eigenvectors as columns of `v`. The
    symmetric part `(a + a^T) / 2` is factored, or with `UPLO` the symmetric matrix with that triangle. The entry of the largest magnitude of
    each vector is positive. NaN and infinities are an error of the run.

    Gradient: symmetric (with `UPLO`, that triangle's); exact at every multiplicity for a loss that does not depend on the choice of vectors
    of equal eigenvalues, else an error of the run that names them; and up to the derivative of this `order`: a higher one that meets equal
    eigenvalues is an error too.

    >>> with ag.Context() as ctx:
    ...     print(*ctx.eval(T.eigh([[3.0, 0.0], [0.0, 1.0]])))
    [1. 3.] [[0. 1.]
     [1. 0.]]
    """
    made: tuple[Tensor, Tensor] = _apply(_eigh, (a,), (UPLO, order))
    return made


def eigvalsh(a: TensorLike, UPLO: Literal["both", "L", "U"] = "both") -> Tensor:
    """The eigenvalues of the symmetric matrices in the last two axes, the least first: of the symmetric part, or with `UPLO` of the symmetric
    matrix with that triangle. Alone they are computed without vectors, by another way that may round differently.

    Gradient: `v diag(g) v^T`, of every order: where eigenvalues meet, limits are taken.

    >>> with ag.Context():
    ...     print(T.eigvalsh([[2.0, 1.0], [1.0, 2.0]]).eval())
    [1. 3.]
    """
    made: Tensor = _apply(_eigvalsh, (a,), (UPLO,))
    return made


def eig_parts(a: TensorLike) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The eigenvalues of the square matrices in the last two axes, as real and imaginary parts `wr` and `wi`, in ascending order of the real
    part, then of the imaginary one; and the eigenvectors as columns of `vr + i vi`, of length 1, the entry of the largest magnitude real
    and positive. NaN and infinities are an error of the run.

    Gradient: where the eigenvalues differ. Where some are equal, the gradient of a loss that depends on the vectors, or on each of them by
    itself, is an error of the run that names them.

    >>> with ag.Context() as ctx:
    ...     print(*ctx.eval(T.eig_parts([[0.0, 1.0], [-4.0, 0.0]])[:2]))
    [0. 0.] [-2.  2.]
    """
    made: tuple[Tensor, Tensor, Tensor, Tensor] = _apply(_eig_parts, (a,), ())
    return made


def eig(a: TensorLike) -> tuple[Tensor, Tensor]:
    """The eigenvalues `w`, in ascending order, and the eigenvectors, as columns of `v`, of square matrices with a real spectrum in the last two
    axes; the vectors have length 1, and their entry of the largest magnitude is positive. Where the spectrum is not real, an error of
    the run: `eig_parts` has imaginary parts.

    Gradient: where the eigenvalues differ; else as `eig_parts`.

    >>> with ag.Context() as ctx:
    ...     print(*ctx.eval(T.eig([[2.0, 1.0], [0.0, 3.0]])))
    [2. 3.] [[1.         0.70710678]
     [0.         0.70710678]]
    """
    made: tuple[Tensor, Tensor] = _apply(_eig, (a,), ())
    return made


def eigvals(a: TensorLike) -> Tensor:
    """The eigenvalues, in ascending order, of square matrices with a real spectrum in the last two axes. Where the spectrum is not real, an
    error of the run: `eigvals_parts` has imaginary parts.

    Gradient: `v^-T diag(g) v^T`; where eigenvalues are equal, of a loss that treats them alike, else an error of the run.

    >>> with ag.Context():
    ...     print(T.eigvals([[2.0, 1.0], [0.0, 3.0]]).eval())
    [2. 3.]
    """
    made: Tensor = _apply(_eigvals, (a,), ())
    return made


def eigvals_parts(a: TensorLike) -> tuple[Tensor, Tensor]:
    """The real and the imaginary parts of the eigenvalues of the square matrices in the last two axes, in ascending order of the real part,
    then of the imaginary one.

    Gradient: as that of `eigvals`.

    >>> with ag.Context() as ctx:
    ...     print(*ctx.eval(T.eigvals_parts([[0.0, 1.0], [-4.0, 0.0]])))
    [0. 0.] [-2.  2.]
    """
    made: tuple[Tensor, Tensor] = _apply(_eigvals_parts, (a,), ())
    return made


def schur(a: TensorLike) -> tuple[Tensor, Tensor]:
    """The real Schur form `a = z t z^T` of the square matrices in the last two axes: `z` is orthogonal, and `t` an upper triangle, with a
    block of two rows on the diagonal for each pair of complex eigenvalues: of equal diagonal elements, and of opposite signs off the
    diagonal. NaN and infinities are an error of the run.

    Gradient: `z (gt - d(y)) z^T`. For the variation of `z` is `z w` with a skew `w`, and `z^T da z + t w - w t` has zeros below the blocks
    and equal diagonal elements in each block of two rows: that is a linear system for the strictly lower triangle of `w`. `y` solves
    the adjoint one for that of `s - s^T` with `s = z^T gz + t^T gt - gt t^T`, and `d` puts the elements of `y` inside of blocks on the
    diagonal, as differences; of `gt` what is below the blocks does not count. Repeated eigenvalues are an error of the run, and so is a
    block `[a, b; -b, a]`, which any rotation leaves as it is.

    >>> with ag.Context() as ctx:
    ...     print(*ctx.eval(T.schur([[1.0, 2.0], [0.0, 3.0]])))
    [[1. 2.]
     [0. 3.]] [[1. 0.]
     [0. 1.]]
    """
    made: tuple[Tensor, Tensor] = _apply(_schur, (a,), ())
    return made


def solve_sylvester(a: TensorLike, b: TensorLike, q: TensorLike) -> Tensor:
    """The solution `x` of Sylvester's equation `a x + x b = q` for square `a` and `b` in the last two axes; the axes in front broadcast.
    It is computed from the Schur forms (R. H. Bartels, G. W. Stewart 1972). An eigenvalue of `a` that is one of `-b` is an error of the
    run.

    Gradient: `y` with `a^T y + y b^T = g` for `q`, `-y x^T` for `a` and `-x^T y` for `b`.

    >>> with ag.Context():
    ...     print(T.solve_sylvester([[1.0, 0.0], [0.0, 2.0]], [[3.0]], [[4.0], [10.0]]).eval())
    [[1.]
     [2.]]
    """
    made: Tensor = _apply(_solve_sylvester, (a, b, q), ())
    return made


def solve_continuous_lyapunov(a: TensorLike, q: TensorLike) -> Tensor:
    """The solution `x` of Lyapunov's equation `a x + x a^T = q`. A pair of eigenvalues of `a` whose sum is 0 is an error of the run.

    Gradient: as of `solve_sylvester`.

    >>> with ag.Context():
    ...     print(T.solve_continuous_lyapunov([[1.0, 0.0], [0.0, 2.0]], [[2.0, 3.0], [3.0, 8.0]]).eval())
    [[1. 1.]
     [1. 2.]]
    """
    made: Tensor = _apply(_solve_continuous_lyapunov, (a, q), ())
    return made


def solve_discrete_lyapunov(a: TensorLike, q: TensorLike) -> Tensor:
    """The solution `x` of the discrete equation `a x a^T - x + q = 0`, through `b x + x b^T = c` with `b = (a + 1)^-1 (a - 1)` and
    `c = -2 (a + 1)^-1 q (a + 1)^-T`. A pair of eigenvalues of `a` whose product is 1 is an error of the run.

    Gradient: as of `solve_sylvester`.

    >>> with ag.Context():
    ...     print(T.solve_discrete_lyapunov([[0.5, 0.0], [0.0, 0.0]], [[3.0, 1.0], [1.0, 2.0]]).eval())
    [[4. 1.]
     [1. 2.]]
    """
    made: Tensor = _apply(_solve_discrete_lyapunov, (a, q), ())
    return made


def expm(a: TensorLike, hermitian: bool = False) -> Tensor:
    """The exponential function of the square matrices in the last two axes: `1 + a + a^2 / 2 + ..`, by scaling and squaring (A. H.
    Al-Mohy, N. J. Higham 2009). With `hermitian` the symmetric part is taken, and computed by its eigenvalues. NaN, infinities and an
    overflow are an error of the run.

    Gradient: the derivative of the function at `a^T` in the direction `g`, a block of `expm([[a^T, g], [0, a^T]])`; with `hermitian`,
    `v (f[w_i, w_j] (v^T g v)) v^T` with divided differences, which are right for equal eigenvalues too.

    >>> with ag.Context():
    ...     print(T.expm([[0.0, 1.0], [0.0, 0.0]]).eval())
    [[1. 1.]
     [0. 1.]]
    """
    made: Tensor = _apply(_expm, (a,), (hermitian,))
    return made


def expm_frechet(a: TensorLike, e: TensorLike) -> tuple[Tensor, Tensor]:
    """The exponential function of `a`, and its derivative at `a` in the direction `e`: SciPy's. The axes in front of matrices broadcast.

    Gradient: of the derivative, `D[g]` at `a^T` for `e` and the second derivative `D[e^T, g]` for `a`, where `D` is that at `a^T`.

    >>> with ag.Context() as ctx:
    ...     print(*ctx.eval(T.expm_frechet([[0.0, 1.0], [0.0, 0.0]], [[0.0, 2.0], [0.0, 0.0]])))
    [[1. 1.]
     [0. 1.]] [[0. 2.]
     [0. 0.]]
    """
    made: tuple[Tensor, Tensor] = _apply(_expm_frechet, (a, e), ())
    return made


def sinm(a: TensorLike, hermitian: bool = False) -> Tensor:
    """The sine of the square matrices in the last two axes. It is a block of the exponential function of `[[0, -a], [a, 0]]`. With
    `hermitian` the symmetric part is taken.

    Gradient: the derivative of the function at `a^T` in the direction `g`; with `hermitian` by divided differences, as of `expm`.

    >>> with ag.Context():
    ...     print(T.sinm([[0.0, 1.0], [0.0, 0.0]]).eval())
    [[0. 1.]
     [0. 0.]]
    """
    made: Tensor = _apply(_sinm, (a,), (hermitian,))
    return made


def cosm(a: TensorLike, hermitian: bool = False) -> Tensor:
    """The cosine of the square matrices in the last two axes. It is a block of the exponential function of `[[0, -a], [a, 0]]`. With
    `hermitian` the symmetric part is taken.

    Gradient: the derivative of the function at `a^T` in the direction `g`; with `hermitian` by divided differences, as of `expm`.

    >>> with ag.Context():
    ...     print(T.cosm([[0.0, 1.0], [0.0, 0.0]]).eval())
    [[1. 0.]
     [0. 1.]]
    """
    made: Tensor = _apply(_cosm, (a,), (hermitian,))
    return made


def sinhm(a: TensorLike, hermitian: bool = False) -> Tensor:
    """The hyperbolic sine of the square matrices in the last two axes. It is a block of the exponential function of `[[0, a], [a, 0]]`.
    With `hermitian` the symmetric part is taken.

    Gradient: the derivative of the function at `a^T` in the direction `g`; with `hermitian` by divided differences, as of `expm`.

    >>> with ag.Context():
    ...     print(T.sinhm([[0.0, 1.0], [0.0, 0.0]]).eval())
    [[0. 1.]
     [0. 0.]]
    """
    made: Tensor = _apply(_sinhm, (a,), (hermitian,))
    return made


def coshm(a: TensorLike, hermitian: bool = False) -> Tensor:
    """The hyperbolic cosine of the square matrices in the last two axes. It is a block of the exponential function of `[[0, a], [a, 0]]`.
    With `hermitian` the symmetric part is taken.

    Gradient: the derivative of the function at `a^T` in the direction `g`; with `hermitian` by divided differences, as of `expm`.

    >>> with ag.Context():
    ...     print(T.coshm([[0.0, 1.0], [0.0, 0.0]]).eval())
    [[1. 0.]
     [0. 1.]]
    """
    made: Tensor = _apply(_coshm, (a,), (hermitian,))
    return made


def tanhm(a: TensorLike, hermitian: bool = False) -> Tensor:
    """The hyperbolic tangent of the square matrices in the last two axes. A pole (an eigenvalue of `i pi (k + 1/2)`) is an error of the
    run. With `hermitian` the symmetric part is taken.

    Gradient: the derivative of the function at `a^T` in the direction `g`; with `hermitian` by divided differences, as of `expm`.

    >>> with ag.Context():
    ...     print(T.tanhm([[0.0, 1.0], [0.0, 0.0]]).eval())
    [[0. 1.]
     [0. 0.]]
    """
    made: Tensor = _apply(_tanhm, (a,), (hermitian,))
    return made


def logm(a: TensorLike, hermitian: bool = False) -> Tensor:
    """The principal logarithm of the square matrices in the last two axes: the real matrix whose eigenvalues have imaginary parts between
    `-pi` and `pi`, and whose exponential function is `a`. It is computed from the Schur form by inverse scaling and squaring (S. H.
    Cheng and others 2001). A real eigenvalue that is 0 or negative is an error of the run. With `hermitian` the symmetric part is
    taken.

    Gradient: the derivative of the function at `a^T` in the direction `g`; with `hermitian` by divided differences, as of `expm`.

    >>> with ag.Context():
    ...     print(T.logm([[1.0, 1.0], [0.0, 1.0]]).eval())
    [[0. 1.]
     [0. 0.]]
    """
    made: Tensor = _apply(_logm, (a,), (hermitian,))
    return made


def sqrtm(a: TensorLike, hermitian: bool = False) -> Tensor:
    """The principal square root of the square matrices in the last two axes, whose eigenvalues have real parts that are not negative, from
    the Schur form (N. J. Higham 1987). A negative real eigenvalue is an error of the run, and so is one of 0 that has no root: in a
    Jordan block. With `hermitian` the symmetric part is taken, and eigenvalues that rounding makes negative are 0.

    Gradient: the solution `x` of `y^T x + x y^T = g`; an eigenvalue of 0 is an error of the run there, as it has no derivative. With
    `hermitian` by divided differences, as of `expm`.

    >>> with ag.Context():
    ...     print(T.sqrtm([[4.0, 4.0], [0.0, 4.0]]).eval())
    [[2. 1.]
     [0. 2.]]
    """
    made: Tensor = _apply(_sqrtm, (a,), (hermitian,))
    return made


def signm(a: TensorLike, hermitian: bool = False) -> Tensor:
    """The sign of the square matrices in the last two axes: eigenvalues of a positive real part become 1, of a negative one -1. It is
    computed by Newton's iteration. An eigenvalue whose real part is 0 is an error of the run. With `hermitian` the symmetric part is
    taken.

    Gradient: the derivative of the function at `a^T` in the direction `g`; with `hermitian` by divided differences, as of `expm`.

    >>> with ag.Context():
    ...     print(T.signm([[3.0, 0.0], [0.0, -2.0]]).eval())
    [[ 1.  0.]
     [ 0. -1.]]
    """
    made: Tensor = _apply(_signm, (a,), (hermitian,))
    return made


def fractional_matrix_power(a: TensorLike, p: TensorLike, hermitian: bool = False) -> Tensor:
    """The power `a ** p` of the square matrices in the last two axes for a number `p`, or one for each matrix: `expm(p logm(a))`. A real
    eigenvalue that is 0 or negative is an error of the run, unless `p` is a number in the program and whole: then it is `matrix_power`.
    With `hermitian` the symmetric part is taken.

    Gradient: by the exponential function and the logarithm, to `p` too; of a whole number by the products.

    >>> with ag.Context():
    ...     print(T.fractional_matrix_power([[4.0, 4.0], [0.0, 4.0]], 0.5).eval())
    [[2. 1.]
     [0. 2.]]
    """
    made: Tensor = _apply(_fractional_matrix_power, (a, p), (hermitian,))
    return made


def matrix_power(a: TensorLike, n: int) -> Tensor:
    """The integer power `a ** n` of the square matrices in the last two axes, by repeated squaring: the identity matrix for `n = 0`,
    powers of the inverse for a negative one.

    Gradient: by the products.

    NumPy: `np.linalg.matrix_power(a, n)`

    >>> with ag.Context():
    ...     print(T.matrix_power([[1.0, 1.0], [0.0, 1.0]], 3).eval())
    [[1. 3.]
     [0. 1.]]
    """
    made: Tensor = _apply(_matrix_power, (a,), (n,))
    return made


def polar(a: TensorLike) -> tuple[Tensor, Tensor]:
    """The polar decomposition `a = u p` of matrices, square or not, in the last two axes: `u` has orthonormal columns, or rows where `a`
    has fewer of them, and `p` is symmetric with eigenvalues that are not negative. With singular vectors `a = w diag(s) v^T` they are
    `w v^T` and `v diag(s) v^T`.

    Gradient: as that of `svd`: exact where singular values are equal; of `u` where `a` has full rank.

    >>> with ag.Context() as ctx:
    ...     print(*ctx.eval(T.polar([[0.0, -2.0], [2.0, 0.0]])))
    [[ 0. -1.]
     [ 1.  0.]] [[2. 0.]
     [0. 2.]]
    """
    made: tuple[Tensor, Tensor] = _apply(_polar, (a,), ())
    return made


def frobenius_norm(a: TensorLike) -> Tensor:
    """The Frobenius norm of the matrices in the last two axes: the root of the sum of squares, which neither overflows nor vanishes with them.

    Gradient: `g a / y`; 0 at the zero matrix.

    NumPy: `np.linalg.norm(a, 'fro', axis=(-2, -1))`

    >>> with ag.Context():
    ...     print(T.frobenius_norm([[3.0, 0.0], [0.0, 4.0]]).eval())
    5.0
    """
    made: Tensor = _apply(_frobenius_norm, (a,), ())
    return made


def spectral_norm(a: TensorLike) -> Tensor:
    """The spectral norm of the matrices in the last two axes: the largest singular value.

    Gradient: `g u vh` of this value; several that rounding cannot tell apart share it. At the zero matrix it is 0.

    NumPy: `np.linalg.norm(a, 2, axis=(-2, -1))`

    >>> with ag.Context():
    ...     print(T.spectral_norm([[3.0, 0.0], [0.0, 4.0]]).eval())
    4.0
    """
    made: Tensor = _apply(_spectral_norm, (a,), ())
    return made


def nuclear_norm(a: TensorLike) -> Tensor:
    """The nuclear norm of the matrices in the last two axes: the sum of the singular values.

    Gradient: `g u vh` over the values that are not zero, the shortest subgradient; at full rank the derivative, and its derivatives are
    exact at repeated values.

    NumPy: `np.linalg.norm(a, 'nuc', axis=(-2, -1))`

    >>> with ag.Context():
    ...     print(T.nuclear_norm([[3.0, 0.0], [0.0, 4.0]]).eval())
    7.0
    """
    made: Tensor = _apply(_nuclear_norm, (a,), ())
    return made


def rcond(a: TensorLike) -> Tensor:
    """The reciprocal of the condition number of square matrices in the norm 1, from an LU factorisation: 0 for a singular matrix, near the
    rounding of 1 for one that is singular for all purposes. A number to look at beside a solution.

    Gradient: through the norms; 0 for a singular matrix.

    NumPy: `1 / np.linalg.cond(a, 1)`

    >>> with ag.Context():
    ...     print(T.rcond([[[2.0, 0.0], [0.0, 8.0]], [[1.0, 2.0], [2.0, 4.0]]]).eval())
    [0.25 0.  ]
    """
    made: Tensor = _apply(_rcond, (a,), ())
    return made


def matrix_rank(a: TensorLike, tol: TensorLike | None = None, hermitian: bool = False, rtol: TensorLike | None = None) -> Tensor:
    """The ranks of the matrices in the last two axes, as `int64`: how many singular values are larger than `tol`, or than `rtol` times the
    largest, by default `max(m, n)` times the rounding of 1. With `hermitian`, magnitudes of the eigenvalues of the symmetric part.
    An array with less than two axes has rank 1 unless it is zero.

    Gradient: none.

    >>> with ag.Context():
    ...     print(T.matrix_rank([[1.0, 2.0], [2.0, 4.0]]).eval())
    1
    """
    made: Tensor = _apply(_matrix_rank, (a, tol, rtol), (hermitian,))
    return made


def relative_gap(s: TensorLike) -> Tensor:
    """The smallest difference of neighbours in each row of values along the last axis, divided by the largest magnitude: how well the vectors
    of a spectrum are determined. 0 for equal values, of which only the space of their vectors is; infinite for a single value. The values
    need not be sorted.

    Gradient: of the two neighbours and the largest value; equal candidates share it.

    >>> with ag.Context():
    ...     print(T.relative_gap([[1.0, 4.0, 3.0], [5.0, 2.0, 5.0]]).eval())
    [0.25 0.  ]
    """
    made: Tensor = _apply(_relative_gap, (s,), ())
    return made


def pinv(a: TensorLike, rcond: TensorLike | None = None, hermitian: bool = False, rtol: TensorLike | None = None) -> Tensor:
    """The pseudo-inverses (Moore and Penrose) of the matrices in the last two axes. Singular values up to `rtol` (or `rcond`, NumPy's older
    name of it) times the largest count as zero; without one, up to 1e-15, or the rounding of 1 times the longer side if that is more. With
    `hermitian` the symmetric part is taken apart into eigenvalues.

    Gradient: that of a matrix whose rank stays, a polynomial in `a`, `y` and `g`: exact at every rank and at equal singular values, in every
    order. With a cut of its own, which may be above values that are not zero, that of the singular vectors, which is right there too.

    >>> with ag.Context():
    ...     print(T.pinv([[3.0, 0.0], [0.0, 4.0], [0.0, 0.0]]).eval())
    [[0.33333333 0.         0.        ]
     [0.         0.25       0.        ]]
    """
    made: Tensor = _apply(_pinv, (a, rcond, rtol), (hermitian,))
    return made


def tensorinv(a: TensorLike, ind: int = 2) -> Tensor:
    """The inverse of `a` as a map of arrays: `tensordot(y, b, ind)` is `tensorsolve(a, b)`. The lengths of the first `ind` axes have the
    product of those of the others; in the result they stand behind these.

    Gradient: that of the inverse.

    NumPy: `np.linalg.tensorinv(a, ind)`

    >>> with ag.Context():
    ...     print(T.tensorinv([[2.0, 0.0], [0.0, 4.0]], ind=1).eval())
    [[0.5  0.  ]
     [0.   0.25]]
    """
    made: Tensor = _apply(_tensorinv, (a,), (ind,))
    return made


def tensorsolve(a: TensorLike, b: TensorLike, axes: Axes = None) -> Tensor:
    """The array `x` with `tensordot(a, x, x.ndim) == b`: a system whose unknowns and equations are arrays. `axes` of `a` are moved to its end
    first; its first axes are those of `b`, the others those of `x`.

    Gradient: that of the system.

    NumPy: `np.linalg.tensorsolve(a, b, axes)`

    >>> with ag.Context():
    ...     print(T.tensorsolve([[[2.0], [0.0]], [[0.0], [4.0]]], [2.0, 2.0]).eval())
    [[1. ]
     [0.5]]
    """
    made: Tensor = _apply(_tensorsolve, (a, b), (axes,))
    return made


def solve_banded(l_and_u: Shape, ab: TensorLike, b: TensorLike) -> Tensor:
    """The solution `x` of `a x = b` for matrices with few diagonals, as many below and above the main one as `l_and_u` says. `ab` has
    the diagonals as rows, the highest first, each element in its column: `a[i, j]` is `ab[u + i - j, j]`. Axes in front are a batch. A 1-d `b`
    is one right side, else the columns of its last two axes are. The cost is that of `n` times the diagonals. A singular
    matrix is an error of the run.

    Gradient: `gb = a^-T g`, and the diagonals of `-gb x^T`; corners in which no element belongs get 0.

    >>> with ag.Context():
    ...     print(T.solve_banded((1, 0), [[2.0, 4.0], [1.0, 0.0]], [2.0, 5.0]).eval())
    [1. 1.]
    """
    made: Tensor = _apply(_solve_banded, (ab, b), (l_and_u,))
    return made


def solve_tridiagonal(dl: TensorLike, d: TensorLike, du: TensorLike, b: TensorLike) -> Tensor:
    """The solution `x` of `a x = b` for matrices with the diagonals `dl` below the main one `d` and `du` above it, in a time that grows with their
    length, with exchanged rows where they are needed. `dl` and `du` are shorter by one, as LAPACK and `diagonal` have them; or as long
    as `d`, then `dl[0]` and `du[-1]` are not read. Axes in front are a batch. A 1-d `b` is one right side, else the columns of its last two
    axes are. A singular matrix is an error of the run.

    Gradient: `gb = a^-T g`, and the three diagonals of `-gb x^T`.

    >>> with ag.Context():
    ...     print(T.solve_tridiagonal([1.0, 1.0], [4.0, 4.0, 4.0], [1.0, 1.0], [5.0, 6.0, 5.0]).eval())
    [1. 1. 1.]
    """
    made: Tensor = _apply(_solve_tridiagonal, (dl, d, du, b), ())
    return made


def extract_diag(a: TensorLike) -> Tensor:
    """The main diagonals of the matrices in the last two axes.

    Gradient: `g` on the diagonal, zeros elsewhere.

    NumPy: `np.diagonal(a, 0, -2, -1)`

    >>> with ag.Context():
    ...     print(T.extract_diag([[1, 2, 3], [4, 5, 6]]).eval())
    [1 5]
    """
    made: Tensor = _apply(_extract_diag, (a,), ())
    return made


def band_matrix(a: TensorLike, lower: int, upper: int) -> Tensor:
    """The matrices in the last two axes with `lower` diagonals below the main one and `upper` above it, zeros elsewhere; a negative number
    keeps all of that side.

    Gradient: that part of `g`.

    >>> with ag.Context():
    ...     print(T.band_matrix([[1, 2, 3], [4, 5, 6], [7, 8, 9]], 0, 1).eval())
    [[1 2 0]
     [0 5 6]
     [0 0 9]]
    """
    made: Tensor = _apply(_band_matrix, (a,), (lower, upper))
    return made


def symmetrize(a: TensorLike) -> Tensor:
    """The symmetric parts `(a + a^T) / 2` of the square matrices in the last two axes.

    Gradient: the symmetric part of `g`.

    NumPy: `(a + np.swapaxes(a, -1, -2)) / 2`

    >>> with ag.Context():
    ...     print(T.symmetrize([[1.0, 2.0], [4.0, 3.0]]).eval())
    [[1. 3.]
     [3. 3.]]
    """
    made: Tensor = _apply(_symmetrize, (a,), ())
    return made


def scalar_mul(a: TensorLike, s: TensorLike) -> Tensor:
    """`a` times a number `s`, which is one or a 0-d tensor.

    Gradient: `g s`, and the sum of `g a`.

    NumPy: `a * s`

    >>> with ag.Context():
    ...     print(T.scalar_mul([[1.0, 2.0]], 3.0).eval())
    [[3. 6.]]
    """
    made: Tensor = _apply(_scalar_mul, (a, s), ())
    return made


def vander(x: TensorLike, N: int | None = None, increasing: bool = False) -> Tensor:
    """Vandermonde's matrix: in each row the powers of an element of `x`, `N` of them (as many as `x` is long without it), the highest first or
    with `increasing` last. Axes in front of the last one are a batch.

    Gradient: of the powers; that of the power 0 is 0.

    >>> with ag.Context():
    ...     print(T.vander([1, 2, 3], N=2).eval())
    [[1 1]
     [2 1]
     [3 1]]
    """
    made: Tensor = _apply(_vander, (x,), (N, increasing))
    return made


def toeplitz(c: TensorLike, r: TensorLike | None = None) -> Tensor:
    """The Toeplitz matrix with the first column `c` and the first row `r`, by default `c` too, of which the first element is not used: on each
    diagonal one number.

    Gradient: the sums of `g` over the diagonals.

    >>> with ag.Context():
    ...     print(T.toeplitz([1, 2, 3], [9, 4]).eval())
    [[1 4]
     [2 1]
     [3 2]]
    """
    made: Tensor = _apply(_toeplitz, (c, r), ())
    return made


def block_diag(*arrays: TensorLike) -> Tensor:
    """The matrix with `arrays` as blocks along its diagonal, zeros elsewhere; a vector is a row, a number a block of one.

    Gradient: the blocks of `g`.

    NumPy: `scipy.linalg.block_diag(*arrays)`

    >>> with ag.Context():
    ...     print(T.block_diag([[1, 2], [3, 4]], [5, 6], 7).eval())
    [[1 2 0 0 0]
     [3 4 0 0 0]
     [0 0 5 6 0]
     [0 0 0 0 7]]
    """
    made: Tensor = _apply(_block_diag, (arrays,), ())
    return made


def multi_dot(arrays: Sequence[TensorLike]) -> Tensor:
    """The product of two or more matrices, multiplied in the order that costs least. The first one may be a vector, which is a row, and
    the last one, which is a column. Where lengths are not known it is from left to right.

    Gradient: that of the products.

    NumPy: `np.linalg.multi_dot(arrays)`

    >>> with ag.Context():
    ...     print(T.multi_dot([[[1.0, 2.0]], [[1.0, 0.0], [0.0, 1.0]], [3.0, 4.0]]).eval())
    [11.]
    """
    made: Tensor = _apply(_multi_dot, (arrays,), ())
    return made


def householder_product(h: TensorLike, tau: TensorLike) -> Tensor:
    """The first columns of the product of the reflections `1 - tau[i] v_i v_i^T`, as many as `h` (..., m, n) has: what LAPACK's `orgqr` makes of
    what `geqrf` leaves. `v_i` is the column `i` of `h` below the diagonal, with a 1 on it and zeros above, and `tau` (..., k) says how many
    there are. It is computed from one triangular system: `e - v t v[:n]^T` with `(1 + d striu(v^T v)) t = d = diag(tau)`.

    Gradient: of this formula; `h` gets it below the diagonal.

    >>> with ag.Context():
    ...     print(T.householder_product([[1.0, 0.0], [0.5, 1.0], [0.0, 0.0]], [1.6]).eval())
    [[-0.6 -0.8]
     [-0.8  0.6]
     [ 0.   0. ]]
    """
    made: Tensor = _apply(_householder_product, (h, tau), ())
    return made


def sparse_softmax_cross_entropy(logits: TensorLike, labels: TensorLike) -> Tensor:
    """Cross-entropy of softmax against labels: `logsumexp(logits) - logits[label]`, one value a row. `logits` are
    `(n, classes)`; labels are integers or integral floats of shape `(n,)` or `(n, 1)`, and one that is NaN, not integral
    or outside `0 <= label < classes` is an error of the run.

    Gradient: `g * (softmax(logits) - 1)` at the label, `g * softmax(logits)` elsewhere; at the label with an error of one unit
    in the last place of `g`.

    NumPy: `-np.take_along_axis(scipy.special.log_softmax(logits, axis=1), labels.reshape(-1, 1).astype(int), axis=1)[:, 0]`

    >>> with ag.Context():
    ...     print(T.sparse_softmax_cross_entropy([[0.0, 0.0], [8.0, 0.0]], [0, 1]).eval())
    [0.69314718 8.00033541]
    """
    made: Tensor = _apply(_sparse_softmax_cross_entropy, (logits, labels), ())
    return made


def softmax_cross_entropy(logits: TensorLike, targets: TensorLike) -> Tensor:
    """Cross-entropy of softmax against distributions: `sum(targets * (logsumexp(logits) - logits))` over the last axis, one
    value a row. A class with target 0 adds nothing, also where its logit is -inf. The targets have the shape of the logits,
    or repeat to it.

    NumPy: `-np.sum(targets * scipy.special.log_softmax(logits, axis=-1), axis=-1)`

    >>> with ag.Context():
    ...     print(T.softmax_cross_entropy([[0.0, 0.0], [8.0, 0.0]], [[0.5, 0.5], [0.0, 1.0]]).eval())
    [0.69314718 8.00033541]
    """
    made: Tensor = _apply(_softmax_cross_entropy, (logits, targets), ())
    return made


def sigmoid_cross_entropy(x: TensorLike, targets: TensorLike) -> Tensor:
    """Cross-entropy of the logistic function against targets in `0 ..= 1`, elementwise:
    `max(x, 0) - x * targets + log(1 + exp(-|x|))`, which never overflows. For the targets 0 and 1 value and gradient keep
    their accuracy where they are small, and are 0 at the right infinity. The targets have the shape of `x`, or repeat to it.

    NumPy: `np.logaddexp(x, 0) - x * targets`

    >>> with ag.Context():
    ...     print(T.sigmoid_cross_entropy([0.0, -50.0, 5.0], 1.0).eval())
    [6.93147181e-01 5.00000000e+01 6.71534849e-03]
    """
    made: Tensor = _apply(_sigmoid_cross_entropy, (x, targets), ())
    return made


def mean_squared_error(x: TensorLike, targets: TensorLike) -> Tensor:
    """Mean over the last axis of the squared difference, one value a row. The targets have the shape of `x`, or repeat to it.

    NumPy: `np.mean((x - targets) ** 2, axis=-1)`

    >>> with ag.Context():
    ...     print(T.mean_squared_error([[1.0, 2.0], [3.0, 4.0]], [[1.0, 4.0], [0.0, 0.0]]).eval())
    [ 2.  12.5]
    """
    made: Tensor = _apply(_mean_squared_error, (x, targets), ())
    return made


def mse_loss(x: TensorLike, target: TensorLike, reduction: Literal["mean", "sum", "none"] = "mean") -> Tensor:
    """Squared differences `(x - target)**2`, and their mean, their sum or themselves. The target has the shape of `x`, or repeats to it.

    Gradient: `2 * g * (x - target)` to `x`, its negative to the target; over the number of elements, for the mean.

    >>> with ag.Context():
    ...     print(T.mse_loss([1.0, 2.0, 3.0], [1.0, 4.0, 0.0], reduction="none").eval())
    [0. 4. 9.]
    """
    made: Tensor = _apply(_mse_loss, (x, target), (reduction,))
    return made


def l1_loss(x: TensorLike, target: TensorLike, reduction: Literal["mean", "sum", "none"] = "mean") -> Tensor:
    """Absolute differences `|x - target|`, and their mean, their sum or themselves. The target has the shape of `x`, or repeats to it.

    Gradient: `g * sign(x - target)` to `x`, its negative to the target; 0 where they are equal.

    >>> with ag.Context():
    ...     print(T.l1_loss([1.0, 2.0, 3.0], [1.0, 4.0, 0.0], reduction="sum").eval())
    5.0
    """
    made: Tensor = _apply(_l1_loss, (x, target), (reduction,))
    return made


def huber_loss(x: TensorLike, target: TensorLike, reduction: Literal["mean", "sum", "none"] = "mean", delta: TensorLike = 1.0) -> Tensor:
    """`d**2 / 2` of the differences `d = x - target` up to `delta`, `delta * (|d| - delta / 2)` beyond it; and their mean, their sum or
    themselves. The target has the shape of `x`, or repeats to it; `delta` is a number or a 0-d tensor, and more than 0.

    Gradient: `g * d` up to `delta`, `g * delta * sign(d)` beyond it, to `x`; its negative to the target.

    >>> with ag.Context():
    ...     print(T.huber_loss([1.0, 2.0, 4.0], [1.0, 1.0, 0.0], delta=1.5, reduction="none").eval())
    [0.    0.5   4.875]
    """
    made: Tensor = _apply(_huber_loss, (x, target, delta), (reduction,))
    return made


def smooth_l1_loss(x: TensorLike, target: TensorLike, reduction: Literal["mean", "sum", "none"] = "mean", beta: TensorLike = 1.0) -> Tensor:
    """`d**2 / (2 * beta)` of the differences `d = x - target` below `beta`, `|d| - beta / 2` from there on; and their mean, their sum or
    themselves. The target has the shape of `x`, or repeats to it; `beta` is a number or a 0-d tensor, which may be 0.

    Gradient: `g * d / beta` below `beta`, `g * sign(d)` from there on, to `x`; its negative to the target. 0 where `d` is 0.

    >>> with ag.Context():
    ...     print(T.smooth_l1_loss([1.0, 2.0, 4.0], [1.0, 1.0, 0.0], beta=2.0, reduction="none").eval())
    [0.   0.25 3.  ]
    """
    made: Tensor = _apply(_smooth_l1_loss, (x, target, beta), (reduction,))
    return made


def log_cosh_loss(x: TensorLike, target: TensorLike, reduction: Literal["mean", "sum", "none"] = "mean") -> Tensor:
    """`log(cosh(x - target))`, accurate for small and for large differences, and the mean, the sum or the values themselves. The target has
    the shape of `x`, or repeats to it.

    Gradient: `g * tanh(x - target)` to `x`, its negative to the target.

    >>> with ag.Context():
    ...     print(T.log_cosh_loss([0.0, 1.0, 1000.0], 0.0, reduction="none").eval())
    [0.00000000e+00 4.33780830e-01 9.99306853e+02]
    """
    made: Tensor = _apply(_log_cosh_loss, (x, target), (reduction,))
    return made


def cross_entropy_loss(
    x: TensorLike,
    target: TensorLike,
    weight: TensorLike | None = None,
    ignore_index: int = -100,
    reduction: Literal["mean", "sum", "none"] = "mean",
    label_smoothing: TensorLike = 0.0,
) -> Tensor:
    """Cross-entropy of softmax, `logsumexp(x) - x[label]` times the weight of the label's class, one value a sample. Logits are
    `(n, classes)` or `(n, classes, ...)` with `(n,)` or `(n, ...)` labels, integers or integral floats, or `(classes,)` with one label.
    A target of the shape of the logits holds probabilities: `sum(weight * target * (logsumexp(x) - x))` over the classes, where a
    class with target 0 adds nothing, also if its logit is -inf.

    A label `ignore_index` does not count; any other one that is NaN, not integral or no class is an error of the run. The mean is over
    the weights of the labels that count, or over all samples for probabilities. With `label_smoothing` the part that it says of the
    target is shared by all classes.

    Gradient: `g * (softmax(x) - 1)` at the label, `g * softmax(x)` elsewhere, and to probabilities and weights.

    >>> with ag.Context():
    ...     print(T.cross_entropy_loss([[0.0, 0.0], [8.0, 0.0], [1.0, 2.0]], [0, 1, -100], reduction="none").eval())
    [0.69314718 8.00033541 0.        ]
    """
    made: Tensor = _apply(_cross_entropy_loss, (x, target, weight, label_smoothing), (ignore_index, reduction))
    return made


def nll_loss(
    x: TensorLike,
    target: TensorLike,
    weight: TensorLike | None = None,
    ignore_index: int = -100,
    reduction: Literal["mean", "sum", "none"] = "mean",
) -> Tensor:
    """`-x[label]` times the weight of the label's class, one value a sample, of logarithms of probabilities, as `log_softmax` gives them. They
    are `(n, classes)` or `(n, classes, ...)` with `(n,)` or `(n, ...)` labels, integers or integral floats, or `(classes,)` with one label.

    A label `ignore_index` does not count; any other one that is NaN, not integral or no class is an error of the run. The mean is over
    the weights of the labels that count.

    Gradient: `-g * weight` at the label, 0 elsewhere; `-g * x[label]` to the weights.

    >>> with ag.Context():
    ...     print(T.nll_loss([[-1.0, -2.0], [-3.0, -4.0]], [0, 1], weight=[1.0, 3.0]).eval())
    3.25
    """
    made: Tensor = _apply(_nll_loss, (x, target, weight), (ignore_index, reduction))
    return made


def binary_cross_entropy_loss(
    x: TensorLike, target: TensorLike, weight: TensorLike | None = None, reduction: Literal["mean", "sum", "none"] = "mean"
) -> Tensor:
    """`-(target * log(x) + (1 - target) * log(1 - x))` times the weight, of probabilities `x`, in which a logarithm below -100 is -100; and the
    mean, the sum or the values themselves. The target has the shape of `x`, or repeats to it, and so has the weight. A probability that
    is NaN, negative or above 1 is an error of the run.

    Gradient: `g * weight * ((1 - target) / (1 - x) - target / x)` to `x`, in which a term is 0 whose logarithm is -100; and to the target.

    >>> with ag.Context():
    ...     print(T.binary_cross_entropy_loss([0.5, 0.0, 0.0], [1.0, 0.0, 1.0], reduction="none").eval())
    [  0.69314718   0.         100.        ]
    """
    made: Tensor = _apply(_binary_cross_entropy_loss, (x, target, weight), (reduction,))
    return made


def binary_cross_entropy_with_logits_loss(
    x: TensorLike,
    target: TensorLike,
    weight: TensorLike | None = None,
    reduction: Literal["mean", "sum", "none"] = "mean",
    pos_weight: TensorLike | None = None,
) -> Tensor:
    """Cross-entropy of the logistic function, `pos_weight * target * softplus(-x) + (1 - target) * softplus(x)` times the weight, which never
    overflows; and the mean, the sum or the values themselves. The target, the weight and `pos_weight` have the shape of `x`, or repeat to
    it. For the targets 0 and 1 value and gradient keep their accuracy where they are small, and are 0 at the right infinity.

    Gradient: `g * weight * (sigmoid(x) - target)` to `x`, without `pos_weight`; and to all others.

    >>> with ag.Context():
    ...     print(T.binary_cross_entropy_with_logits_loss([0.0, -1000.0, 1000.0], [1.0, 0.0, 0.0], reduction="none").eval())
    [6.93147181e-01 0.00000000e+00 1.00000000e+03]
    """
    made: Tensor = _apply(_binary_cross_entropy_with_logits_loss, (x, target, weight, pos_weight), (reduction,))
    return made


def kl_div(x: TensorLike, y: TensorLike) -> Tensor:
    """SciPy's `x * log(x / y) - x + y`, elementwise, with broadcasting; `y` where `x` is 0 and `y >= 0`, and inf where `x` or `y` is
    negative, or `y` alone is 0. NaN if one of them is NaN.

    Gradient: `g * log(x / y)` and `g * (1 - x / y)`.

    NumPy: `scipy.special.kl_div(x, y)`

    >>> with ag.Context():
    ...     print(T.kl_div([2.0, 0.0, 1.0], [1.0, 3.0, 0.0]).eval())
    [0.38629436 3.                inf]
    """
    made: Tensor = _apply(_kl_div, (x, y), ())
    return made


def kl_div_loss(
    x: TensorLike, target: TensorLike, reduction: Literal["mean", "sum", "none", "batchmean"] = "mean", log_target: bool = False
) -> Tensor:
    """Kullback and Leibler's divergence from probabilities `target`, whose logarithms are expected to be `x`: `target * (log(target) - x)`, or
    with `log_target` `exp(target) * (target - x)`; and the mean, the sum, the sum over the length of the first axis ("batchmean", which
    is the divergence itself), or the values themselves. The target has the shape of `x`, or repeats to it; where it is 0 the value is 0.

    Gradient: `-g * target` to `x`, `g * (log(target) + 1 - x)` to the target, which is -inf where that is 0.

    >>> with ag.Context():
    ...     print(T.kl_div_loss([[-1.0, -2.0]], [[1.0, 0.0]], reduction="batchmean").eval())
    1.0
    """
    made: Tensor = _apply(_kl_div_loss, (x, target), (reduction, log_target))
    return made


def gaussian_nll_loss(
    x: TensorLike,
    target: TensorLike,
    var: TensorLike,
    full: bool = False,
    eps: TensorLike = 1e-6,
    reduction: Literal["mean", "sum", "none"] = "mean",
) -> Tensor:
    """`(log(v) + (x - target)**2 / v) / 2` of variances `v`, which are at least `eps`, and `log(2 * pi) / 2` more if it is `full`; and the mean,
    the sum or the values themselves. The target has the shape of `x`, or repeats to it; and so have the variances, of which there may
    also be one for each place of all axes but the last. A negative one is an error of the run.

    Gradient: `g * (x - target) / v` to `x`, its negative to the target, `g * (1 / v - ((x - target) / v)**2) / 2` to the variances,
    also to those below `eps`.

    >>> with ag.Context():
    ...     print(T.gaussian_nll_loss([1.0, 2.0], [0.0, 2.0], [1.0, 0.0], reduction="none").eval())
    [ 0.5        -6.90775528]
    """
    made: Tensor = _apply(_gaussian_nll_loss, (x, target, var, eps), (full, reduction))
    return made


def poisson_nll_loss(
    x: TensorLike,
    target: TensorLike,
    log_input: bool = True,
    full: bool = False,
    eps: TensorLike = 1e-8,
    reduction: Literal["mean", "sum", "none"] = "mean",
) -> Tensor:
    """`exp(x) - target * x`, or, where `x` is no logarithm (`log_input=False`), `x - target * log(x + eps)`; and the mean, the sum or the
    values themselves. If it is `full`, Stirling's `target * log(target) - target + log(2 * pi * target) / 2` is added where the
    target is above 1. The target has the shape of `x`, or repeats to it.

    Gradient: `g * (exp(x) - target)`, or `g * (1 - target / (x + eps))`, to `x`, and to the target.

    >>> with ag.Context():
    ...     print(T.poisson_nll_loss([0.0, 1.0], [1.0, 2.0], reduction="none").eval())
    [1.         0.71828183]
    """
    made: Tensor = _apply(_poisson_nll_loss, (x, target, eps), (log_input, full, reduction))
    return made


def soft_margin_loss(x: TensorLike, target: TensorLike, reduction: Literal["mean", "sum", "none"] = "mean") -> Tensor:
    """`log(1 + exp(-target * x))`, which never overflows, for targets 1 and -1; and the mean, the sum or the values themselves. The target has
    the shape of `x`, or repeats to it.

    Gradient: `-g * target * sigmoid(-target * x)` to `x`, and the same with `x` for `target` to the target.

    >>> with ag.Context():
    ...     print(T.soft_margin_loss([0.0, 1000.0, 1000.0], [1.0, 1.0, -1.0], reduction="none").eval())
    [6.93147181e-01 0.00000000e+00 1.00000000e+03]
    """
    made: Tensor = _apply(_soft_margin_loss, (x, target), (reduction,))
    return made


def hinge_embedding_loss(
    x: TensorLike, target: TensorLike, margin: TensorLike = 1.0, reduction: Literal["mean", "sum", "none"] = "mean"
) -> Tensor:
    """`x` where the target is 1, `max(0, margin - x)` where it is -1, and the sum of both where it is neither; and the mean, the sum or the
    values themselves. The target has the shape of `x`, or repeats to it; `margin` is a number or a 0-d tensor.

    Gradient: `g` where the target is 1, `-g` where it is -1 and `x < margin`, to `x`; none to the target.

    >>> with ag.Context():
    ...     print(T.hinge_embedding_loss([0.25, 0.25, 3.0], [1, -1, -1], reduction="none").eval())
    [0.25 0.75 0.  ]
    """
    made: Tensor = _apply(_hinge_embedding_loss, (x, target, margin), (reduction,))
    return made


def margin_ranking_loss(
    a: TensorLike, b: TensorLike, target: TensorLike, margin: TensorLike = 0.0, reduction: Literal["mean", "sum", "none"] = "mean"
) -> Tensor:
    """`max(0, margin - target * (a - b))` for targets 1, where `a` should be the larger one, and -1; and the mean, the sum or the values
    themselves. `b` and the target have the shape of `a`, or repeat to it; `margin` is a number or a 0-d tensor.

    Gradient: `-g * target` to `a`, `g * target` to `b`, `-g * (a - b)` to the target, where the value is above 0.

    >>> with ag.Context():
    ...     print(T.margin_ranking_loss([1.0, 2.0], [3.0, 1.0], [1, 1], reduction="none").eval())
    [2. 0.]
    """
    made: Tensor = _apply(_margin_ranking_loss, (a, b, target, margin), (reduction,))
    return made


def triplet_margin_loss(
    anchor: TensorLike,
    positive: TensorLike,
    negative: TensorLike,
    margin: TensorLike = 1.0,
    p: TensorLike = 2.0,
    eps: TensorLike = 1e-6,
    swap: bool = False,
    reduction: Literal["mean", "sum", "none"] = "mean",
) -> Tensor:
    """`max(0, d(anchor, positive) - d(anchor, negative) + margin)` for the distances `d` of `pairwise_distance`, of order `p`, along the last
    axis; and the mean, the sum or the values themselves. With `swap` the second distance is that from `positive` if this one is
    smaller. All three broadcast; `margin`, `p` and `eps` are numbers or 0-d tensors.

    Gradient: those of the distances, where the value is above 0.

    >>> with ag.Context():
    ...     print(T.triplet_margin_loss([[0.0, 0.0]], [[3.0, 4.0]], [[0.0, 1.0]], eps=0.0).eval())
    5.0
    """
    made: Tensor = _apply(_triplet_margin_loss, (anchor, positive, negative, margin, p, eps), (swap, reduction))
    return made


def cosine_embedding_loss(
    a: TensorLike, b: TensorLike, target: TensorLike, margin: TensorLike = 0.0, reduction: Literal["mean", "sum", "none"] = "mean"
) -> Tensor:
    """`1 - cos` where the target is 1, `max(0, cos - margin)` where it is -1, 0 where it is neither, for the cosine of the angle between
    two vectors along the last axis; and the mean, the sum or the values themselves. `a` and `b` broadcast, to `(n, d)` with `n` targets or
    `(d,)` with one; `margin` is a number or a 0-d tensor. The squares of the lengths are taken 1e-12 larger than they are, so that the
    cosine of a zero vector is 0.

    Gradient: through the cosine, and none to the target.

    >>> with ag.Context():
    ...     print(T.cosine_embedding_loss([[1.0, 0.0], [0.0, 2.0]], [[0.0, 1.0], [0.0, 1.0]], [1, -1], reduction="none").eval())
    [1. 1.]
    """
    made: Tensor = _apply(_cosine_embedding_loss, (a, b, target, margin), (reduction,))
    return made


def multi_margin_loss(
    x: TensorLike,
    target: TensorLike,
    p: int = 1,
    margin: TensorLike = 1.0,
    weight: TensorLike | None = None,
    reduction: Literal["mean", "sum", "none"] = "mean",
) -> Tensor:
    """`sum(max(0, margin - x[label] + x[i])**p) / classes` over the classes `i` that are not the label, times its weight, one value a
    sample; and their mean, their sum or themselves. `x` is `(n, classes)` with `n` labels, or `(classes,)` with one; a number is one
    class. `p` is 1 or 2, `margin` a number or a 0-d tensor. A label that is NaN, not integral or no class is an error of the run.

    Gradient: through `x`, `weight` and `margin`; 0 where the sum's term is 0.

    >>> with ag.Context():
    ...     print(T.multi_margin_loss([[0.1, 0.5, 0.4], [0.9, 0.0, 0.1]], [2, 0], reduction="none").eval())
    [0.6 0.1]
    """
    made: Tensor = _apply(_multi_margin_loss, (x, target, weight, margin), (p, reduction))
    return made


def multilabel_margin_loss(x: TensorLike, target: TensorLike, reduction: Literal["mean", "sum", "none"] = "mean") -> Tensor:
    """`sum(max(0, 1 - x[j] + x[i])) / classes` over the labels `j` and the classes `i` that are no label, one value a sample; and their
    mean, their sum or themselves. `x` is `(n, classes)`, `(classes,)` or a number, and `target` has its shape: the labels of a sample
    are what stands in front of the first negative number. One that is NaN, not integral or no class is an error of the run.

    Gradient: through `x`; 0 where the sum's term is 0.

    >>> with ag.Context():
    ...     print(T.multilabel_margin_loss([0.0, 0.5, 0.25, 1.0], [3, 0, -1, 1]).eval())
    0.875
    """
    made: Tensor = _apply(_multilabel_margin_loss, (x, target), (reduction,))
    return made


def multilabel_soft_margin_loss(
    x: TensorLike, target: TensorLike, weight: TensorLike | None = None, reduction: Literal["mean", "sum", "none"] = "mean"
) -> Tensor:
    """Cross-entropy of the logistic function, as `binary_cross_entropy_with_logits`, times the weight, in the mean over the classes, which are
    along the last axis: one value a sample; and their mean, their sum or themselves. The target has the shape of `x`, or repeats to
    it, and so has the weight.

    Gradient: `g * weight * (sigmoid(x) - target) / classes` to `x`, `-g * weight * x / classes` to the target.

    >>> with ag.Context():
    ...     print(T.multilabel_soft_margin_loss([[0.0, 800.0]], [[1.0, 0.0]], reduction="none").eval())
    [400.34657359]
    """
    made: Tensor = _apply(_multilabel_soft_margin_loss, (x, target, weight), (reduction,))
    return made


def ctc_loss(
    log_probs: TensorLike,
    targets: TensorLike,
    input_lengths: TensorLike,
    target_lengths: TensorLike,
    blank: int = 0,
    reduction: Literal["mean", "sum", "none"] = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """The loss of connectionist temporal classification (Graves and others 2006): the negative logarithm of the probability that a path through
    the classes, one a step, gives the labels, after equal neighbours are taken as one and blanks are left out. `log_probs` are logarithms
    of probabilities, as `log_softmax` gives them, `(steps, samples, classes)`, or `(steps, classes)` of one sample. The labels `targets`
    are (samples, length), of which `target_lengths` count, or those of all samples one after the other; of the steps `input_lengths`
    count. All are integers, the lengths one a sample.

    A label that is no class, or the blank, and a length that does not fit are errors of the run. Where no path gives the labels the loss is
    inf, or 0 with `zero_infinity`; its gradient is 0 either way. The mean is that of the losses over the lengths of their labels, at
    least 1.

    Gradient: minus `g` times the probability that the path to the labels is in the class at the step, by the recurrence itself; every order.

    >>> with ag.Context():
    ...     print(T.ctc_loss(np.log([[[0.5, 0.5]], [[0.5, 0.5]]]), [[1]], [2], [1], reduction="none").eval())
    [0.28768207]
    """
    made: Tensor = _apply(_ctc_loss, (log_probs, targets, input_lengths, target_lengths), (blank, reduction, zero_infinity))
    return made


def cosine_similarity(a: TensorLike, b: TensorLike, axis: int = 1, eps: TensorLike = 1e-8) -> Tensor:
    """The cosine of the angle between the vectors along `axis`: `sum(a * b) / (max(|a|, eps) * max(|b|, eps))`, in which nothing overflows.
    `a` and `b` broadcast first, and `axis` is one of what they become; `eps` is a number or a 0-d tensor. The cosine of a zero vector is 0.

    Gradient: that of the formula, in which the length of a zero vector has derivative 0.

    >>> with ag.Context():
    ...     print(T.cosine_similarity([[1.0, 0.0], [3.0, 4.0]], [[1.0, 1.0], [0.0, 0.0]]).eval())
    [0.70710678 0.        ]
    """
    made: Tensor = _apply(_cosine_similarity, (a, b, eps), (axis,))
    return made


def pairwise_distance(a: TensorLike, b: TensorLike, p: TensorLike = 2.0, eps: TensorLike = 1e-6, keepdims: bool = False) -> Tensor:
    """The norm of order `p` of `a - b + eps` along the last axis, as `vector_norm` gives it; `a` and `b` broadcast. `p` and `eps` are numbers or
    0-d tensors, `p` may be negative.

    Gradient: that of the norm, which is 0 to elements that are 0.

    NumPy: `np.linalg.vector_norm(a - b + eps, ord=p, axis=-1, keepdims=keepdims)`

    >>> with ag.Context():
    ...     print(T.pairwise_distance([[3.0, 4.0], [1.0, 2.0]], [0.0, 0.0], p=1, eps=0.0).eval())
    [7. 3.]
    """
    made: Tensor = _apply(_pairwise_distance, (a, b, p, eps), (keepdims,))
    return made


def dist(a: TensorLike, b: TensorLike, p: TensorLike = 2.0) -> Tensor:
    """The norm of order `p` of all elements of `a - b`, as `vector_norm` gives it; `a` and `b` broadcast. `p` is a number or a 0-d tensor.

    Gradient: that of the norm, which is 0 to elements that are 0.

    NumPy: `np.linalg.vector_norm(a - b, ord=p)`

    >>> with ag.Context():
    ...     print(T.dist([3.0, 4.0], 0.0).eval())
    5.0
    """
    made: Tensor = _apply(_dist, (a, b, p), ())
    return made


def pdist(x: TensorLike, p: TensorLike = 2.0) -> Tensor:
    """The distances of order `p` between all pairs of rows `i < j` of a matrix, as `vector_norm` gives them: those of the first row, then
    those of the second, and so on. `p` is a number or a 0-d tensor. The number of rows is known when the graph is built.

    Gradient: that of the norm, which is 0 to elements that are 0, so where two rows are equal.

    >>> with ag.Context():
    ...     print(T.pdist([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]]).eval())
    [5.         1.         4.24264069]
    """
    made: Tensor = _apply(_pdist, (x, p), ())
    return made


def cdist(a: TensorLike, b: TensorLike, p: TensorLike = 2.0) -> Tensor:
    """The distances of order `p` between each row of `a`, of shape `(..., m, d)`, and each row of `b`, of shape `(..., n, d)`: an array of shape
    `(..., m, n)`, as `vector_norm` gives them. The axes in front broadcast. `p` is a number or a 0-d tensor.

    Gradient: that of the norm, which is 0 to elements that are 0, so where two rows are equal.

    NumPy: `np.linalg.vector_norm(a[..., :, None, :] - b[..., None, :, :], ord=p, axis=-1)`

    >>> with ag.Context():
    ...     print(T.cdist([[0.0, 0.0], [3.0, 4.0]], [[3.0, 0.0]]).eval())
    [[3.]
     [4.]]
    """
    made: Tensor = _apply(_cdist, (a, b, p), ())
    return made


def dropout(x: TensorLike, ratio: TensorLike, train: TensorLike = True) -> Tensor:
    """With `train`, each element is 0 with probability `ratio`, else divided by `1 - ratio`; without it, `x` itself. Each
    call is a draw of its own, and each run draws anew.

    `train` is True, False, or a 0-d bool tensor, such as a placeholder: then each run decides. A ratio that is NaN,
    negative, 1 or more is an error, of the run if it is a tensor.

    >>> with ag.Context():
    ...     print(T.reduce_max(T.dropout(np.ones(1000), 0.75)).eval())
    4.0
    """
    made: Tensor = _apply(_dropout, (x, ratio, train), ())
    return made


def dropout1d(x: TensorLike, ratio: TensorLike, train: TensorLike = True) -> Tensor:
    """With `train`, whole channels of `x` (samples, channels, length) or (channels, length) are 0 with probability `ratio`, and the others are divided by `1 - ratio`;
    without it, `x` itself. Each call is a draw of its own, and each run draws anew. A ratio that is no number repeats to `x` with
    an axis of one element in place of the last; `train` and the ratio are as those of `dropout`.

    >>> with ag.Context():
    ...     print(T.reduce_max(T.dropout1d(np.ones([10, 100, 2]), 0.75)).eval())
    4.0
    """
    made: Tensor = _apply(_dropout1d, (x, ratio, train), ())
    return made


def dropout2d(x: TensorLike, ratio: TensorLike, train: TensorLike = True) -> Tensor:
    """With `train`, whole channels of `x` (samples, channels, height, width) are 0 with probability `ratio`, and the others are divided by `1 - ratio`;
    without it, `x` itself. Each call is a draw of its own, and each run draws anew. A ratio that is no number repeats to `x` with
    axes of one element in place of the last two; `train` and the ratio are as those of `dropout`.

    >>> with ag.Context():
    ...     print(T.reduce_max(T.dropout2d(np.ones([10, 100, 2, 2]), 0.75)).eval())
    4.0
    """
    made: Tensor = _apply(_dropout2d, (x, ratio, train), ())
    return made


def dropout3d(x: TensorLike, ratio: TensorLike, train: TensorLike = True) -> Tensor:
    """With `train`, whole channels of `x` (samples, channels, depth, height, width) or (channels, depth, height, width) are 0 with probability `ratio`, and the others are divided by `1 - ratio`;
    without it, `x` itself. Each call is a draw of its own, and each run draws anew. A ratio that is no number repeats to `x` with
    axes of one element in place of the last three; `train` and the ratio are as those of `dropout`.

    >>> with ag.Context():
    ...     print(T.reduce_max(T.dropout3d(np.ones([10, 100, 2, 2, 2]), 0.75)).eval())
    4.0
    """
    made: Tensor = _apply(_dropout3d, (x, ratio, train), ())
    return made


def alpha_dropout(x: TensorLike, ratio: TensorLike, train: TensorLike = True) -> Tensor:
    """With `train`, elements become `alpha = -1.7580993408473766`, the least value of `selu`, with probability `ratio`; then `a * x + b`, with `a` and
    `b` such that mean 0 and variance 1 stay: `a = ((1 - ratio) * (1 + ratio * alpha**2))**-0.5`, `b = -a * alpha * ratio`. Without it, `x` itself.
    Each call is a draw of its own, and each run draws anew; `train` and the ratio are as those of `dropout`.

    >>> with ag.Context():
    ...     print(T.reduce_min(T.alpha_dropout(np.ones(1000), 0.5)).eval())
    -0.7791939305180315
    """
    made: Tensor = _apply(_alpha_dropout, (x, ratio, train), ())
    return made


def check_finite(x: TensorLike) -> Tensor:
    """`x` itself; an element that is NaN or infinite is an error of the run, which then changes nothing.

    Gradient: `g`.

    NumPy: `x`

    >>> with ag.Context():
    ...     print(T.check_finite(T.log([1.0, np.e])).eval())
    [0. 1.]
    """
    made: Tensor = _apply(_check_finite, (x,), ())
    return made


def checkpoint(x: TensorLike) -> Tensor:
    """`x` itself, which is not kept for gradients: whatever of them reads it reads what is computed again, as late as that
    allows, from values that are there. The numbers are the same, bit for bit. What calls users' code is not computed again.

    A request that reaches `x` by the mark computes it again for all of its gradients; one that does not keeps it.

    Gradient: `g`.

    NumPy: `x`

    >>> with ag.Context():
    ...     x = T.constant(0.0)
    ...     print(T.grad([T.checkpoint(T.exp(x)) * x], [x])[0].eval())
    1.0
    """
    made: Tensor = _apply(_checkpoint, (x,), ())
    return made


def adaptive_checkpoint(x: TensorLike, bytes: int) -> Tensor:
    """`x` itself, which is computed again for gradients, as by `checkpoint`, if it has more than `bytes` bytes. That is decided
    when a plan is made, and all lengths are known.

    Gradient: `g`.

    NumPy: `x`

    >>> with ag.Context():
    ...     x = T.constant([3.0, 4.0])
    ...     print(T.adaptive_checkpoint(x, 1_000_000).eval())
    [3. 4.]
    """
    made: Tensor = _apply(_adaptive_checkpoint, (x,), (bytes,))
    return made


def checkpoint_name(x: TensorLike, name: str) -> Tensor:
    """`x` itself, under a name: policies keep values by their names.

    Gradient: `g`.

    NumPy: `x`

    >>> with ag.Context():
    ...     x = T.constant([3.0, 4.0])
    ...     print(T.checkpoint_name(x, "hidden").eval())
    [3. 4.]
    """
    made: Tensor = _apply(_checkpoint_name, (x,), (name,))
    return made


acos = arccos
acosh = arccosh
amax = reduce_max
amin = reduce_min
asin = arcsin
asinh = arcsinh
astype = cast
atan = arctan
atan2 = arctan2
atanh = arctanh
bce_with_logits = binary_cross_entropy_with_logits_loss
bce_with_logits_loss = binary_cross_entropy_with_logits_loss
binary_cross_entropy = binary_cross_entropy_loss
binary_cross_entropy_with_logits = binary_cross_entropy_with_logits_loss
bitwise_invert = bitwise_not
concatenate = concat
conv1d_transpose = conv_transpose1d
conv2d_transpose = conv_transpose2d
conv3d_transpose = conv_transpose3d
cosine_embedding = cosine_embedding_loss
cross_entropy = cross_entropy_loss
degrees = rad2deg
detach = stop_gradient
determinant = det
divide = div
eigen = eig
eigenvalues = eigvals
fix = trunc
gammaln = lgamma
gaussian_nll = gaussian_nll_loss
hardsigmoid = hard_sigmoid
hardswish = hard_swish
hardtanh = hard_tanh
hinge_embedding = hinge_embedding_loss
huber = huber_loss
im2col = unfold
invert = bitwise_not
l1 = l1_loss
lesser = less
lesser_equal = less_equal
ln = log
log_sigmoid = logsigmoid
logsumexp = reduce_logsumexp
margin_ranking = margin_ranking_loss
matrix_exp = expm
matrix_inverse = inv
matrix_log = logm
matrix_pow = fractional_matrix_power
matrix_pseudo_inverse = pinv
matrix_sqrt = sqrtm
max = reduce_max
mean = reduce_mean
min = reduce_min
mod = remainder
mse = mse_loss
multi_margin = multi_margin_loss
multilabel_margin = multilabel_margin_loss
multilabel_soft_margin = multilabel_soft_margin_loss
multiply = mul
negative = neg
nll = nll_loss
permute = transpose
poisson_nll = poisson_nll_loss
power = pow
prod = reduce_prod
psi = digamma
radians = deg2rad
repeat_interleave = repeat
smooth_l1 = smooth_l1_loss
soft_margin = soft_margin_loss
solve_lyapunov = solve_continuous_lyapunov
subtract = sub
sum = reduce_sum
swish = silu
tensor_split = array_split
trapz = trapezoid
tridiagonal_solve = solve_tridiagonal
triplet_margin = triplet_margin_loss
true_divide = div
unstack = unbind

# It takes its functions from here.
from . import linalg as linalg  # noqa: E402
