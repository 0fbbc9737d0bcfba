//! Random matrices with orthonormal rows or columns.

use ndarray::{ArrayD, Ix2};
use rand::rngs::Xoshiro256PlusPlus;
use rand_distr::{Distribution, StandardNormal};

use super::{Float, filled};
use crate::api::context::run;
use crate::array::room::room;
use crate::error::{Error, ErrorKind, Result};
use crate::ops::linalg::qr::{QrMode, qr};
use crate::shape::Tuple;

/// The orthogonal factor of a matrix of normal numbers whose triangular factor has a positive diagonal, which is uniformly distributed
/// among all (Mezzadri 2007); times `gain`. Columns are those of the factor where they are fewer than rows, rows else.
pub fn orthogonal<A: Float>(rng: &mut Xoshiro256PlusPlus, shape: &[usize], gain: f64) -> Result<ArrayD<A>> {
    let lost = || Error::new(ErrorKind::Shape, "random", "the array is too large", Tuple(shape), "a size that fits in memory");
    // The normal numbers, their copy in the graph, the factors and the result.
    let bytes = shape.iter().fold(5 * size_of::<f64>(), |all, &n| all.saturating_mul(n));
    room("random", format_args!("an orthogonal matrix of shape {}", Tuple(shape)), bytes)?;
    // An array that is empty, or too large, is none of matrices.
    let mut all = filled("random", shape, || A::from_f64(f64::NAN))?;
    let rows = shape.first().copied().unwrap_or(1);
    if all.is_empty() {
        return Ok(all);
    }
    let columns = all.len() / rows;
    let (long, short) = (rows.max(columns), rows.min(columns));
    let normal: ArrayD<f64> = filled("random", &[long, short], || StandardNormal.sample(rng))?;
    let q = run(|ctx| qr(ctx.constant(&normal), QrMode::Reduced).0.eval(ctx))?;
    let q: ArrayD<f64> = q.into_ndarray()?;
    let mut q = q.into_dimensionality::<Ix2>().map_err(|_| lost())?;
    if rows < columns {
        q.swap_axes(0, 1);
    }
    all.iter_mut().zip(&q).for_each(|(to, x)| *to = A::from_f64(gain * x));
    Ok(all)
}
