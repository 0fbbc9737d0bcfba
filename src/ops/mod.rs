//! The one place where ops are declared: a row each, by family.

#[macro_use]
mod declare;

pub mod apply;
pub mod broadcast;
pub mod compare;
pub mod composite;
pub mod contract;
pub mod control;
pub mod elementwise;
pub mod factor;
pub mod families;
pub mod index;
pub mod movement;
pub mod operators;
pub mod random;
pub mod reduce;
pub mod rules;
pub mod select;
pub mod select_items;
pub mod slice;

use crate::graph::op::OpDef;

/// The op table.
pub static TABLE: &[&OpDef] = &[
    &elementwise::ADD,
    &elementwise::SUB,
    &elementwise::MUL,
    &elementwise::DIV,
    &elementwise::POW,
    &elementwise::MAXIMUM,
    &elementwise::MINIMUM,
    &elementwise::NEG,
    &elementwise::SQUARE,
    &elementwise::SQRT,
    &elementwise::ABS,
    &elementwise::SIGN,
    &elementwise::EXP,
    &elementwise::LOG,
    &elementwise::SIN,
    &elementwise::COS,
    &elementwise::TANH,
    &elementwise::SIGMOID,
    &elementwise::SOFTPLUS,
    &elementwise::ERF,
    &elementwise::RELU,
    &elementwise::CLIP,
    &compare::EQUAL,
    &compare::NOT_EQUAL,
    &compare::LESS,
    &compare::LESS_EQUAL,
    &compare::GREATER,
    &compare::GREATER_EQUAL,
    &compare::LOGICAL_AND,
    &compare::LOGICAL_OR,
    &compare::LOGICAL_XOR,
    &compare::LOGICAL_NOT,
    &select::SELECT,
    &movement::CAST,
    &movement::STOP_GRADIENT,
    &movement::RESHAPE,
    &movement::RESHAPE_LIKE,
    &movement::TRANSPOSE,
    &broadcast::BROADCAST_TO,
    &broadcast::BROADCAST_LIKE,
    &broadcast::SUM_TO,
    &movement::EXPAND_DIMS,
    &movement::SQUEEZE,
    &slice::SLICE,
    &slice::UNSLICE,
    &slice::UNSLICE_LIKE,
    &slice::CONCAT,
    &reduce::REDUCE_SUM,
    &reduce::REDUCE_MAX,
    &reduce::REDUCE_MIN,
    &reduce::SIZE,
    &reduce::REDUCE_MEAN,
    &reduce::REDUCE_LOGSUMEXP,
    &reduce::ARGMAX,
    &reduce::MAX_WITH_INDEX,
    &index::TAKE,
    &index::TAKE_ADD,
    &index::TAKE_ADD_LIKE,
    &index::GATHER,
    &index::GATHER_ADD,
    &index::GATHER_ADD_LIKE,
    &index::ONE_HOT,
    &index::CHECK_LABELS,
    &contract::BATCH_MATMUL,
    &contract::MATMUL,
    &factor::LOWER_TRIANGLE,
    &factor::SOLVE_LOWER,
    &factor::CHOLESKY_LOWER,
    &factor::CHOLESKY,
    &random::STANDARD_UNIFORM,
    &random::STANDARD_UNIFORM_LIKE,
    &random::STANDARD_NORMAL,
    &random::STANDARD_NORMAL_LIKE,
    &control::COND,
    &control::ASSIGN,
    &control::CHECK_FINITE,
    &composite::activation::SOFTMAX,
    &composite::activation::LOG_SOFTMAX,
    &composite::activation::GELU,
    &composite::activation::DROPOUT,
    &composite::loss::SPARSE_SOFTMAX_CROSS_ENTROPY,
    &composite::loss::SOFTMAX_CROSS_ENTROPY,
    &composite::loss::SIGMOID_CROSS_ENTROPY,
    &composite::loss::MEAN_SQUARED_ERROR,
];

/// Other names of ops: `(alias, name)`. NumPy's names, and those of the published crate's users.
pub static ALIASES: &[(&str, &str)] = &[
    ("sum", "reduce_sum"),
    ("max", "reduce_max"),
    ("min", "reduce_min"),
    ("mean", "reduce_mean"),
    ("logsumexp", "reduce_logsumexp"),
    ("ln", "log"),
    ("concatenate", "concat"),
    ("take_along_axis", "gather"),
    ("lesser", "less"),
    ("lesser_equal", "less_equal"),
    ("astype", "cast"),
    ("negative", "neg"),
    ("subtract", "sub"),
    ("multiply", "mul"),
    ("divide", "div"),
    ("power", "pow"),
];

/// The row of an op or alias.
pub fn find(name: &str) -> Option<&'static OpDef> {
    let name = ALIASES.iter().find(|(a, _)| *a == name).map_or(name, |(_, n)| n);
    TABLE.iter().copied().find(|d| d.name == name)
}
