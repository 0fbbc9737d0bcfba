//! Which stage of a program a node runs in.
//!
//! What reads a row's reduction runs after the pass over the row that computes it. Passes over rows have even numbers; what is
//! computed on reductions, one value a row, runs between them.

/// What the numbers follow from: a node of a program.
pub struct Staged {
    /// Operands that are computed in the program: place in the list of nodes.
    pub operands: Vec<usize>,
    /// True if it is elementwise and has one value a row.
    pub per_row: bool,
    /// True if it is a reduction.
    pub fold: bool,
    /// True if it is stored in memory.
    pub stored: bool,
}

/// The number of the stage of each node, from 0 without gaps, and which of the stages have one value a row.
pub fn number(nodes: &[Staged]) -> (Vec<usize>, Vec<bool>) {
    let mut stage: Vec<usize> = Vec::with_capacity(nodes.len());
    for n in nodes {
        // The next pass over rows is two further, a pass between them one.
        let after = |&o: &usize| {
            let from: &Staged = &nodes[o];
            let step = match (from.fold, from.per_row, n.per_row) {
                (true, _, true) => 1,
                (true, _, false) => 2,
                (false, true, false) => 1,
                (false, ..) => 0,
            };
            stage[o] + step
        };
        let earliest = n.operands.iter().map(after).max().unwrap_or(0);
        stage.push(earliest.max(usize::from(n.per_row)));
    }
    // A value that only later stages read is computed there, and not kept.
    let mut first_use = vec![usize::MAX; nodes.len()];
    for (i, n) in nodes.iter().enumerate().rev() {
        if !n.per_row && !n.fold && !n.stored && first_use[i] != usize::MAX {
            stage[i] = first_use[i];
        }
        n.operands.iter().for_each(|&o| first_use[o] = first_use[o].min(stage[i]));
    }
    let mut used = stage.clone();
    used.sort_unstable();
    used.dedup();
    let per_row = used.iter().map(|s| s % 2 == 1).collect();
    (stage.iter().map(|s| used.partition_point(|u| u < s)).collect(), per_row)
}
