//! Inputs that a row is tested with.

use std::borrow::Cow;

use crate::dtype::DType;
use crate::graph::attr::Attr;

/// From which set of numbers a sample's values are drawn.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Domain {
    /// About -2 .. 2, away from 0 by at least 0.1.
    Real,
    /// 0.3 .. 2.
    Positive,
    /// 0.1 .. 0.9.
    Unit,
    /// -0.9 .. 0.9, away from 0.
    Inner,
    /// 1.1 .. 3.
    Beyond,
    /// Distinct values, at least 0.1 apart.
    Distinct,
    /// The same, in ascending order along the last axis.
    Ascending,
    /// Symmetric positive definite matrices in the last two axes.
    Spd,
    /// Matrices in the last two axes, well conditioned, with singular values and real eigenvalues that lie apart.
    Regular,
    /// Integers 0 .. n-1 as i64.
    Index(usize),
    /// Integers -1 .. n-1 as i64: classes, and a mark that is none.
    Label(usize),
    /// Bools.
    Bool,
    /// No tensor, for a parameter that may be absent.
    Absent,
}

impl Domain {
    /// True if its arrays are matrices, of which a part or a repetition is none of the domain.
    pub fn is_matrices(self) -> bool {
        matches!(self, Domain::Spd | Domain::Regular)
    }
}

/// Inputs to test an op with: a domain and a shape for each tensor, and the attributes.
pub struct Case {
    /// Tensors.
    pub inputs: Vec<(Domain, Vec<usize>)>,
    /// Attributes.
    pub attrs: Vec<Attr>,
}

/// A bad input: shapes (of f64), attributes, and the message.
pub struct Bad {
    /// Tensors.
    pub inputs: Vec<(DType, Vec<usize>)>,
    /// Attributes.
    pub attrs: Vec<Attr>,
    /// The whole text of the error.
    pub message: Cow<'static, str>,
}
