//! The one place where ops are declared: a row each, by family.

#[macro_use]
mod declare;

pub mod activation;
pub mod apply;
pub mod arithmetic;
pub mod batch;
pub mod bounds;
pub mod broadcast;
pub mod checkpoint;
pub mod classify;
mod closing;
pub mod compare;
pub mod composite;
pub mod contract;
pub mod control;
pub mod creation;
pub mod diagonals;
pub mod division;
pub mod einsum;
pub mod erfinv;
pub mod exponent;
pub mod gamma;
pub mod gates;
pub mod grids;
pub mod hyperbolic;
pub mod index;
#[cfg(feature = "python")]
pub mod index_arrays;
pub mod joining;
pub mod linalg;
pub mod linear;
pub mod log_sum;
pub mod logarithm;
pub mod masked;
pub mod movement;
pub mod normal;
pub mod norms;
#[cfg(feature = "python")]
pub mod operator_table;
pub mod operators;
pub mod padding;
pub mod parts;
pub mod positions;
pub mod power;
pub mod random;
pub mod rearranging;
pub mod recurrence;
pub mod reduce;
pub mod repeating;
pub mod root;
pub mod rounding;
pub mod rules;
pub mod samples;
pub mod scan;
pub mod scatter;
pub mod select;
#[cfg(feature = "python")]
pub mod select_items;
#[cfg(feature = "python")]
pub mod selection;
pub mod shapes;
pub mod sinc;
pub mod slice;
pub mod sort;
pub mod splitting;
pub mod support;
pub mod trigonometric;
pub mod unpack;
pub mod window;

use std::sync::LazyLock;

use crate::graph::op::OpDef;

/// A family of rows: its title in the documentation, and its rows.
pub struct Family {
    /// The title.
    pub title: &'static str,
    /// The rows.
    pub rows: &'static [&'static OpDef],
}

const fn family(title: &'static str, rows: &'static [&'static OpDef]) -> Family {
    Family { title, rows }
}

/// The rows by family; families of one title are one in the documentation. A family's file lists its own rows, so that a new op
/// is an edit of one file.
pub static FAMILIES: &[Family] = &[
    family("Arithmetic", arithmetic::ROWS),
    family("Arithmetic", linear::ROWS),
    family("Arithmetic", division::ROWS),
    family("Arithmetic", rounding::ROWS),
    family("Powers, exponentials and logarithms", power::ROWS),
    family("Powers, exponentials and logarithms", composite::power::ROWS),
    family("Powers, exponentials and logarithms", root::ROWS),
    family("Powers, exponentials and logarithms", exponent::ROWS),
    family("Powers, exponentials and logarithms", logarithm::ROWS),
    family("Powers, exponentials and logarithms", log_sum::ROWS),
    family("Trigonometric and hyperbolic functions", trigonometric::ROWS),
    family("Trigonometric and hyperbolic functions", hyperbolic::ROWS),
    family("Activations", activation::ROWS),
    family("Activations", gates::ROWS),
    family("Activations", composite::activation::ROWS),
    family("Activations", composite::rectifiers::ROWS),
    family("Special functions", normal::ROWS),
    family("Special functions", erfinv::ROWS),
    family("Special functions", gamma::ROWS),
    family("Special functions", sinc::ROWS),
    family("Comparisons and logic", compare::ROWS),
    family("Comparisons and logic", classify::ROWS),
    family("Comparisons and logic", select::ROWS),
    family("Shapes", movement::ROWS),
    family("Shapes", broadcast::ROWS),
    family("Shapes", slice::ROWS),
    family("Shapes", joining::ROWS),
    family("Shapes", splitting::ROWS),
    family("Shapes", repeating::ROWS),
    family("Shapes", rearranging::ROWS),
    family("Shapes", padding::ROWS),
    family("Shapes", grids::ROWS),
    family("Shapes", diagonals::ROWS),
    family("Creation", creation::ROWS),
    family("Creation", positions::ROWS),
    family("Reductions", reduce::ROWS),
    family("Reductions", composite::moments::ROWS),
    family("Reductions", norms::ROWS),
    family("Reductions", composite::logical::ROWS),
    family("Reductions", composite::missing::ROWS),
    family("Cumulative functions", scan::ROWS),
    family("Cumulative functions", composite::curve::ROWS),
    family("Sorting and order", sort::ROWS),
    family("Sorting and order", composite::order::ROWS),
    family("Indexing", index::ROWS),
    family("Indexing", scatter::ROWS),
    family("Products", contract::ROWS),
    family("Products", composite::affine::ROWS),
    family("Products", einsum::ROWS),
    family("Products", einsum::axes::ROWS),
    family("Products", composite::product::ROWS),
    family("Convolution and pooling", window::convolution::ROWS),
    family("Convolution and pooling", window::convolutions::ROWS),
    family("Convolution and pooling", window::pooling::ROWS),
    family("Convolution and pooling", window::pools::ROWS),
    family("Convolution and pooling", window::patches::ROWS),
    family("Convolution and pooling", window::resize::ROWS),
    family("Recurrent networks", recurrence::cells::ROWS),
    family("Recurrent networks", recurrence::sequences::ROWS),
    family("Recurrent networks", recurrence::states::ROWS),
    family("Recurrent networks", recurrence::linear::ROWS),
    family("Normalization", composite::normalization::ROWS),
    family("Linear algebra", linalg::cholesky::ROWS),
    family("Linear algebra", linalg::triangular::ROWS),
    family("Linear algebra", linalg::lu::ROWS),
    family("Linear algebra", linalg::solve::ROWS),
    family("Linear algebra", linalg::determinant::ROWS),
    family("Linear algebra", linalg::qr::ROWS),
    family("Linear algebra", linalg::svd::ROWS),
    family("Linear algebra", linalg::eigh::ROWS),
    family("Linear algebra", linalg::eig::ROWS),
    family("Linear algebra", linalg::schur::ROWS),
    family("Linear algebra", linalg::sylvester::ROWS),
    family("Linear algebra", linalg::exponentials::ROWS),
    family("Linear algebra", linalg::powers::ROWS),
    family("Linear algebra", linalg::functions::ROWS),
    family("Linear algebra", linalg::cluster::ROWS),
    family("Linear algebra", linalg::norms::ROWS),
    family("Linear algebra", linalg::pinv::ROWS),
    family("Linear algebra", linalg::systems::ROWS),
    family("Linear algebra", linalg::banded::ROWS),
    family("Linear algebra", linalg::structure::ROWS),
    family("Losses", composite::loss::ROWS),
    family("Losses", composite::regression::ROWS),
    family("Losses", composite::classification::ROWS),
    family("Losses", composite::divergence::ROWS),
    family("Losses", composite::margin::ROWS),
    family("Losses", composite::labels::ROWS),
    family("Losses", composite::ctc::ROWS),
    family("Distances", composite::distance::ROWS),
    family("Random numbers", random::ROWS),
    family("Random numbers", composite::chance::ROWS),
    family("Control", control::ROWS),
    family("Control", bounds::ROWS),
    family("Checkpointing", checkpoint::ROWS),
];

/// The op table.
pub static TABLE: LazyLock<Vec<&'static OpDef>> = LazyLock::new(|| FAMILIES.iter().flat_map(|f| f.rows).copied().collect());

/// The row of an op or alias.
pub fn find(name: &str) -> Option<&'static OpDef> {
    TABLE.iter().copied().find(|d| d.name == name || d.flags.aliases.contains(&name))
}
