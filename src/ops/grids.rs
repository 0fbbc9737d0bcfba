//! Arrays brought to one shape.

use crate::graph::Tensor;
use crate::graph::attr::choices;
use crate::graph::op::OpDef;
use crate::ops::broadcast::broadcast_like;
use crate::ops::compare::equal;
use crate::ops::movement::reshape;

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&BROADCAST_ARRAYS, &MESHGRID];

choices! {
    /// Which axis the first two arrays of a grid lie along.
    pub enum Indexing {
        /// The second and the first, as in a picture: columns by `x`, rows by `y`.
        Xy = "xy",
        /// The first and the second, as in a matrix.
        Ij = "ij",
    }
}

/// All arrays repeated to the shape that they have together.
fn together<'g>(xs: &[Tensor<'g>]) -> Vec<Tensor<'g>> {
    // Of this only the shape is used, and no run computes it.
    let like = xs.iter().copied().reduce(|a, b| equal(a, b));
    match like.map(|t| (t, t.error())) {
        Some((like, None)) => xs.iter().map(|&x| broadcast_like(x, like)).collect(),
        Some((like, Some(_))) => vec![like],
        None => vec![],
    }
}

row! {
    /// The arrays, each repeated to the shape that they broadcast to.
    ///
    /// Gradient: to each array the sum of `g` over its repeats.
    pub BROADCAST_ARRAYS = fn broadcast_arrays(xs: [any]) -> [ys]
    body { together(&xs) }
    numpy "np.broadcast_arrays(*xs)";
    example "T.broadcast_arrays([1, 2], [[3], [4]])" => "[[1 2]\n [1 2]] [[3 3]\n [4 4]]";
    signature "*xs";
    case real[3], real[2, 1], real[];
    case real[2, 3];
    refuses f64[2], f64[3] => "broadcast_arrays: shapes do not broadcast. Got (2,) and (3,); expected equal lengths, or 1, on each axis counted from the last.";
}
/// Each vector along an axis of its own.
fn apart<'g>(xs: &[Tensor<'g>], indexing: Indexing) -> Vec<Tensor<'g>> {
    let ndim = xs.len();
    let place = |i: usize| if indexing == Indexing::Xy && i < 2 && ndim > 1 { 1 - i } else { i };
    let dims = |i: usize| (0..ndim).map(|k| if k == place(i) { -1 } else { 1 }).collect::<Vec<i64>>();
    xs.iter().enumerate().map(|(i, &x)| reshape(x, dims(i))).collect()
}

row! {
    /// The coordinates of a grid: each vector along an axis of its own, repeated along those of the others. With `indexing="xy"` the
    /// first two exchange their axes. With `sparse` they are not repeated: they broadcast to the grid. A 0-d array is one element.
    ///
    /// Gradient: to each vector the sum of `g` over its repeats.
    pub MESHGRID = fn meshgrid(xs: [any]; indexing: Indexing = Indexing::Xy, sparse: bool = false) -> [grids]
    body {
        let vectors = apart(&xs, indexing);
        if sparse { vectors } else { together(&vectors) }
    }
    numpy "np.meshgrid(*xs, indexing=indexing, sparse=sparse)";
    example "T.meshgrid([1, 2, 3], [4, 5])" => "[[1 2 3]\n [1 2 3]] [[4 4 4]\n [5 5 5]]";
    signature "*xs, indexing, sparse";
    case real[3], real[2];
    case real[3], real[2], real[] with indexing = Indexing::Ij;
    case real[2], real[3], real[4] with sparse = true;
    case real[3];
}
