//! Random programs of rows that read back their own reductions.

use scirs2_autograd::internals::Numbers;
use scirs2_autograd::{Array, Axes, Context, DType, Result, Tensor, tensor_ops as T};

/// The lengths of a space and how many of its first axes count the rows. Rows are shorter than a tile, as long, longer by a
/// bit, and several tiles long; they fill vectors or not.
pub const SPACES: [(&[usize], usize); 16] = [
    (&[30, 30], 1),
    (&[3, 3, 40], 2),
    (&[3, 7], 1),
    (&[130, 2], 1),
    (&[70, 8], 1),
    (&[600, 10], 1),
    (&[2, 512], 1),
    (&[3, 511], 1),
    (&[3, 520], 1),
    (&[2, 1030], 1),
    (&[3, 1536], 1),
    (&[2, 3, 40], 2),
    (&[2, 3, 40], 1),
    (&[5, 1, 30], 1),
    (&[4, 2, 301], 1),
    (&[2, 3, 2, 260], 2),
];

pub fn numbers(dtype: DType, dims: &[usize], r: &mut Numbers, hard: bool) -> Result<Array> {
    const HARD: [f64; 6] = [0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 1e300];
    let x: Vec<f64> =
        (0..dims.iter().product()).map(|_| if hard && r.below(9) == 0 { HARD[r.below(6)] } else { 4.0 * r.unit() - 2.0 }).collect();
    match dtype {
        DType::F32 => Array::from_slice(&x.iter().map(|&v| v as f32).collect::<Vec<_>>(), dims),
        _ => Array::from_slice(&x, dims),
    }
}

/// Whole values, of the full space, and rows' values grow from each other.
struct Pool<'g> {
    full: Vec<Tensor<'g>>,
    rows: Vec<Tensor<'g>>,
    axes: Vec<i64>,
}

impl<'g> Pool<'g> {
    fn grow(&mut self, r: &mut Numbers) {
        // Mostly the newest values, so that the stages are many.
        let recent = |list: &[Tensor<'g>], r: &mut Numbers| list[list.len() - 1 - r.below(list.len().min(4))];
        let (a, b, v) = (recent(&self.full, r), recent(&self.full, r), recent(&self.rows, r));
        match r.below(13) {
            // Values of the rows, but one for each column: these go through memory.
            12 if a.dims()[0] == a.dims()[1] => {
                let turned: Vec<i64> = [1, 0].into_iter().chain(2..a.ndim() as i64).collect();
                self.full.push(a + T::transpose(v, turned));
            }
            0 | 12 => self.full.push(a + b),
            1 => self.full.push(T::tanh(a)),
            2 => self.full.push(T::maximum(b, v)),
            3 => self.full.push(a - v),
            4 => self.full.push(T::select(T::greater(a, v), b, v)),
            5 => self.full.push(a * v),
            6 => self.rows.push(v * 0.5 + recent(&self.rows, r)),
            7 => self.rows.push(T::exp(-T::abs(v))),
            8 | 9 => self.rows.push(T::reduce_sum(a, Axes(Some(self.axes.clone().into())), true)),
            10 => self.rows.push(T::reduce_max(a, Axes(Some(self.axes.clone().into())), true)),
            _ => self.rows.push(T::reduce_logsumexp(a, Axes(Some(self.axes.clone().into())), true)),
        }
    }
}

/// What a program asks for: outputs, and placeholders with their values.
pub type Asked<'g> = (Vec<Tensor<'g>>, Vec<(Tensor<'g>, Array)>);

/// A program of a seed.
pub fn program<'g>(ctx: &'g Context, seed: u64, r: &mut Numbers) -> Result<Asked<'g>> {
    let (dims, rows) = SPACES[r.below(SPACES.len())];
    let dtype = [DType::F32, DType::F64][r.below(2)];
    let kept: Vec<usize> = dims.iter().enumerate().map(|(k, &n)| if k < rows { n } else { 1 }).collect();
    let column: Vec<usize> = dims.iter().enumerate().map(|(k, &n)| if k < rows { 1 } else { n }).collect();
    let mut feeds = vec![];
    for (name, dims) in [("a", dims), ("b", dims), ("row", &kept[..]), ("column", &column[..])] {
        let shape: Vec<isize> = dims.iter().map(|&n| n as isize).collect();
        feeds.push((ctx.placeholder_of(name, &shape, dtype), numbers(dtype, dims, r, seed.is_multiple_of(4))?));
    }
    let [a, b, row, column] = [0, 1, 2, 3].map(|k| feeds[k].0);
    let axes = (rows as i64..dims.len() as i64).collect();
    let mut pool = Pool { full: vec![a * column, b], rows: vec![row], axes };
    (0..4 + r.below(24)).for_each(|_| pool.grow(r));
    let outputs: Vec<Tensor<'g>> = match r.below(3) {
        0 => vec![pool.full[pool.full.len() - 1], pool.rows[pool.rows.len() - 1]],
        1 => pool.full.iter().skip(2).chain(&pool.rows).copied().filter(|_| r.below(4) == 0).collect(),
        _ => vec![T::sum_all(pool.full[pool.full.len() - 1])],
    };
    Ok((outputs, feeds))
}
