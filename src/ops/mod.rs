//! The one place where ops are declared: a row each, by family.

#[macro_use]
mod declare;

pub mod apply;
pub mod batch;
pub mod bounds;
pub mod broadcast;
pub mod compare;
pub mod composite;
pub mod contract;
pub mod control;
pub mod elementwise;
pub mod factor;
pub mod index;
#[cfg(feature = "python")]
pub mod index_arrays;
pub mod movement;
pub mod normal;
#[cfg(feature = "python")]
pub mod operator_table;
pub mod operators;
pub mod power;
pub mod random;
pub mod reduce;
pub mod rules;
pub mod samples;
pub mod scan;
pub mod select;
#[cfg(feature = "python")]
pub mod select_items;
pub mod shapes;
pub mod sigmoid;
pub mod slice;
pub mod sort;
pub mod support;
pub mod unpack;

use std::sync::LazyLock;

use crate::graph::op::OpDef;

/// The rows by family. A family's file lists its own rows, so that a new op is an edit of one file.
static FAMILIES: &[&[&OpDef]] = &[
    elementwise::ROWS,
    sigmoid::ROWS,
    normal::ROWS,
    compare::ROWS,
    select::ROWS,
    movement::ROWS,
    broadcast::ROWS,
    slice::ROWS,
    reduce::ROWS,
    scan::ROWS,
    sort::ROWS,
    index::ROWS,
    contract::ROWS,
    factor::ROWS,
    random::ROWS,
    control::ROWS,
    bounds::ROWS,
    power::ROWS,
    composite::power::ROWS,
    composite::activation::ROWS,
    composite::chance::ROWS,
    composite::loss::ROWS,
    composite::order::ROWS,
    composite::curve::ROWS,
];

/// The op table.
pub static TABLE: LazyLock<Vec<&'static OpDef>> = LazyLock::new(|| FAMILIES.concat());

/// The row of an op or alias.
pub fn find(name: &str) -> Option<&'static OpDef> {
    TABLE.iter().copied().find(|d| d.name == name || d.flags.aliases.contains(&name))
}
