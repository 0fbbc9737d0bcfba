//! The one place where ops are declared: a row each, by family.

#[macro_use]
mod declare;

pub mod apply;
pub mod batch;
pub mod bounds;
pub mod broadcast;
pub mod classify;
pub mod compare;
pub mod composite;
pub mod contract;
pub mod control;
pub mod division;
pub mod einsum;
pub mod elementwise;
pub mod exponent;
pub mod factor;
pub mod index;
#[cfg(feature = "python")]
pub mod index_arrays;
pub mod linear;
pub mod log_sum;
pub mod logarithm;
pub mod movement;
pub mod normal;
#[cfg(feature = "python")]
pub mod operator_table;
pub mod operators;
pub mod parts;
pub mod power;
pub mod random;
pub mod reduce;
pub mod root;
pub mod rounding;
pub mod rules;
pub mod samples;
pub mod scatter;
pub mod select;
#[cfg(feature = "python")]
pub mod select_items;
#[cfg(feature = "python")]
pub mod selection;
pub mod shapes;
pub mod sigmoid;
pub mod sinc;
pub mod slice;
pub mod support;
pub mod unpack;

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
    family("Arithmetic", elementwise::ROWS),
    family("Arithmetic", linear::ROWS),
    family("Arithmetic", division::ROWS),
    family("Arithmetic", rounding::ROWS),
    family("Arithmetic", power::ROWS),
    family("Arithmetic", composite::power::ROWS),
    family("Exponentials and logarithms", root::ROWS),
    family("Exponentials and logarithms", exponent::ROWS),
    family("Exponentials and logarithms", logarithm::ROWS),
    family("Exponentials and logarithms", log_sum::ROWS),
    family("Activations", sigmoid::ROWS),
    family("Activations", composite::activation::ROWS),
    family("Special functions", normal::ROWS),
    family("Special functions", sinc::ROWS),
    family("Comparisons and logic", compare::ROWS),
    family("Comparisons and logic", classify::ROWS),
    family("Comparisons and logic", select::ROWS),
    family("Shapes", movement::ROWS),
    family("Shapes", broadcast::ROWS),
    family("Shapes", slice::ROWS),
    family("Reductions", reduce::ROWS),
    family("Indexing", index::ROWS),
    family("Indexing", scatter::ROWS),
    family("Products", contract::ROWS),
    family("Products", einsum::ROWS),
    family("Products", einsum::axes::ROWS),
    family("Products", composite::product::ROWS),
    family("Linear algebra", factor::ROWS),
    family("Losses", composite::loss::ROWS),
    family("Random numbers", random::ROWS),
    family("Random numbers", composite::chance::ROWS),
    family("Control", control::ROWS),
    family("Control", bounds::ROWS),
];

/// The op table.
pub static TABLE: LazyLock<Vec<&'static OpDef>> = LazyLock::new(|| FAMILIES.iter().flat_map(|f| f.rows).copied().collect());

/// The row of an op or alias.
pub fn find(name: &str) -> Option<&'static OpDef> {
    TABLE.iter().copied().find(|d| d.name == name || d.flags.aliases.contains(&name))
}
