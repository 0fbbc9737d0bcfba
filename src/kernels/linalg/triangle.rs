//! Triangles of matrices.

use super::super::movement::copy;
use super::super::ranges::Ranges;
use crate::array::{View, ViewMut};
use crate::dtype::DType;
use crate::error::Result;

/// Writes the lower triangle of the matrices in the last two axes, and zeros above; with `halve` the diagonal is halved.
/// Dtypes: all; halving is exact for floats and rounds towards zero for integers.
pub fn lower_triangle(ranges: &Ranges<'_>, x: View<'_>, halve: bool, dst: &mut ViewMut<'_>) -> Result<()> {
    copy(ranges, x, dst)?;
    let [.., n, m] = *dst.dims() else { return Ok(()) };
    match dst.dtype() {
        DType::Bool => each_row::<u8>(ranges, dst, [n, m], |v| v),
        DType::I32 => each_row::<i32>(ranges, dst, [n, m], |v| if halve { v / 2 } else { v }),
        DType::I64 => each_row::<i64>(ranges, dst, [n, m], |v| if halve { v / 2 } else { v }),
        DType::F32 => each_row::<f32>(ranges, dst, [n, m], |v| if halve { v * 0.5 } else { v }),
        DType::F64 => each_row::<f64>(ranges, dst, [n, m], |v| if halve { v * 0.5 } else { v }),
    }
}

fn each_row<T: Copy + Default>(ranges: &Ranges<'_>, dst: &mut ViewMut<'_>, [n, m]: [usize; 2], diagonal: impl Fn(T) -> T) -> Result<()> {
    if dst.count() == 0 {
        return Ok(());
    }
    // SAFETY: the output is in C order, and `copy` has written all its elements.
    let all = unsafe { std::slice::from_raw_parts_mut(dst.ptr().cast::<T>(), dst.count()) };
    ranges.each(all.len() / m, m, |r| {
        for (i, row) in r.clone().zip(all[r.start * m..r.end * m].chunks_exact_mut(m)) {
            let i = i % n;
            if let Some(d) = row.get_mut(i) {
                *d = diagonal(*d);
            }
            row.iter_mut().skip(i + 1).for_each(|v| *v = T::default());
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::array::Array;

    #[test]
    fn the_upper_part_is_zero() {
        let x = Array::from_slice(&[1.0f64, 2.0, 3.0, 4.0], &[2, 2]).unwrap();
        let y = Array::zeros(DType::F64, &[2, 2]).unwrap();
        let (dims, strides) = ([2, 2], [2, 1]);
        let mut out = unsafe { ViewMut::from_raw(y.ptr(), DType::F64, &dims, &strides) };
        lower_triangle(&Ranges::new(None), x.raw_view(), true, &mut out).unwrap();
        assert_eq!(y.as_slice::<f64>().unwrap(), [0.5, 0.0, 3.0, 2.0]);
    }
}
