//! Elements in other places: put into an array of zeros, rolled along an axis; and the numbers of places.

use super::movement::{copy_ranges, zero};
use super::ranges::Ranges;
use crate::array::{View, ViewMut};
use crate::error::Result;
use crate::shape::count;

/// Fills `dst` (C-contiguous) with a number, 0 if there is none, and writes `src` at element `offset`, in steps of `strides`: the
/// adjoint of a view, if the number is 0. All written positions are distinct and lie inside `dst`. An empty `src` leaves the number.
pub fn place(
    ranges: &Ranges<'_>,
    src: View<'_>,
    around: Option<View<'_>>,
    offset: usize,
    strides: &[isize],
    dst: &mut ViewMut<'_>,
) -> Result<()> {
    match around {
        None => zero(ranges, dst)?,
        Some(value) => crate::dispatch!(dst.dtype(), T => {
            // SAFETY: one element of this type; the view is one run of `count` elements of it.
            let (value, d) = unsafe { (value.ptr().cast::<T>().read(), dst.ptr().cast::<T>()) };
            ranges.each(dst.count(), 1, |r| {
                r.for_each(|i| unsafe { d.add(i).write(value) });
                Ok(())
            })?;
        }),
    }
    if count(src.dims()) == 0 {
        return Ok(());
    }
    debug_assert!({
        let last: isize = src.dims().iter().zip(strides).map(|(&n, &s)| (n as isize - 1) * s).sum();
        strides.iter().all(|&s| s >= 0) && offset as isize + last < dst.count() as isize
    });
    // SAFETY: the strides are not negative, so that the last position, which is inside, is the largest.
    unsafe { copy_ranges(ranges, src.dtype(), src.ptr(), dst.ptr().add(offset * dst.dtype().size()), src.dims(), src.strides(), strides) }
}

/// Writes `src` with what stands at `i` along `axis` at `i + shift`; what leaves at one end comes in at the other.
pub fn roll(ranges: &Ranges<'_>, src: View<'_>, axis: usize, shift: i64, dst: &mut ViewMut<'_>) -> Result<()> {
    if dst.count() == 0 {
        return Ok(());
    }
    let n = src.dims()[axis];
    let shift = shift.rem_euclid(n as i64) as usize;
    let (size, from, to) = (dst.dtype().size() as isize, src.strides()[axis], dst.strides()[axis]);
    for (read, write, len) in [(0, shift, n - shift), (n - shift, 0, shift)] {
        if len > 0 {
            let mut dims = crate::shape::Dims::from_slice(src.dims());
            dims[axis] = len;
            // SAFETY: `len` rows from `read` on of the source, and from `write` on of the destination; the two parts do not meet.
            unsafe {
                let (s, d) = (src.ptr().offset(read as isize * from * size), dst.ptr().offset(write as isize * to * size));
                copy_ranges(ranges, src.dtype(), s, d, &dims, src.strides(), dst.strides())?;
            }
        }
    }
    Ok(())
}

/// What stands beyond the ends of an axis.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Beyond {
    /// The last element.
    Edge,
    /// The axis backwards, without the last element.
    Reflect,
    /// The axis backwards.
    Symmetric,
    /// The axis again.
    Wrap,
}

impl Beyond {
    /// The place on an axis of length `n > 0` of what stands at `i`, which may be beyond its ends.
    fn place(self, i: i64, n: i64) -> i64 {
        let mirrored = |period: i64, last: i64| {
            let i = i.rem_euclid(period.max(1));
            if i < n { i } else { last - i }
        };
        match self {
            Beyond::Edge => i.clamp(0, n - 1),
            Beyond::Wrap => i.rem_euclid(n),
            Beyond::Symmetric => mirrored(2 * n, 2 * n - 1),
            Beyond::Reflect => mirrored(2 * (n - 1), 2 * (n - 1)),
        }
    }
}

/// Fills a C-contiguous array of `i64` with the places on an axis of length `n` of what stands from `first` on, before its start
/// where that is negative.
pub fn places(ranges: &Ranges<'_>, n: usize, first: i64, beyond: Beyond, dst: &mut ViewMut<'_>) -> Result<()> {
    fill(ranges, dst, |i| beyond.place(first + i as i64, n as i64))
}

/// Fills a C-contiguous array of `i64` with `0, 1, 2 ..`.
pub fn iota(ranges: &Ranges<'_>, dst: &mut ViewMut<'_>) -> Result<()> {
    fill(ranges, dst, |i| i as i64)
}

fn fill(ranges: &Ranges<'_>, dst: &mut ViewMut<'_>, value: impl Fn(usize) -> i64) -> Result<()> {
    debug_assert_eq!(dst.dtype(), crate::dtype::DType::I64);
    let d = dst.ptr().cast::<i64>();
    ranges.each(dst.count(), 1, |r| {
        // SAFETY: the view is one run of `count` elements of this type.
        r.for_each(|i| unsafe { d.add(i).write(value(i)) });
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::super::movement::model::*;
    use super::*;
    use crate::dtype::DType;

    fn ranges() -> Ranges<'static> {
        Ranges::new(None)
    }

    #[test]
    fn a_view_is_filled_and_the_rest_is_one_number() {
        // The second column of a 3 x 4 matrix, its diagonal, and its block of the last two rows.
        for (dims, offset, strides) in [(&[3][..], 1, &[4][..]), (&[3], 0, &[5]), (&[2, 4], 4, &[4, 1]), (&[0], 3, &[1]), (&[], 7, &[])] {
            let values: Vec<f64> = (1..=count(dims)).map(|i| i as f64).collect();
            for dtype in [DType::I32, DType::I64, DType::F32, DType::F64] {
                for src in Strided::layouts(dtype, dims, &values) {
                    let mut dst = Strided::out(dtype, &[3, 4]);
                    let seven = Strided::new(dtype, &[], &[7.0]);
                    for (around, value) in [(None, 0.0), (Some(seven.view()), 7.0)] {
                        place(&ranges(), src.view(), around, offset, strides, &mut dst.view_mut()).unwrap();
                        dst.check_guard();
                        let mut expected = vec![value; 12];
                        for (i, v) in indices(dims).into_iter().zip(&values) {
                            expected[offset + i.iter().zip(strides).map(|(&i, &s)| i * s as usize).sum::<usize>()] = *v;
                        }
                        assert_eq!(dst.values(), expected);
                    }
                }
            }
        }
    }

    #[test]
    fn what_leaves_at_one_end_comes_in_at_the_other() {
        for dims in [&[5][..], &[3, 4], &[2, 3, 2], &[0, 2], &[1]] {
            let values: Vec<f64> = (0..count(dims)).map(|i| i as f64).collect();
            for (axis, shift) in (0..dims.len()).flat_map(|a| [0, 1, -1, 2, 7, i64::MIN, i64::MAX].map(|s| (a, s))) {
                let mut expected = vec![0.0; values.len()];
                for (i, v) in indices(dims).into_iter().zip(&values) {
                    let mut to = i.clone();
                    to[axis] = (i[axis] as i128 + i128::from(shift)).rem_euclid(dims[axis] as i128) as usize;
                    expected[flat(dims, &to)] = *v;
                }
                for src in Strided::layouts(DType::F32, dims, &values) {
                    let mut dst = Strided::out(DType::F32, dims);
                    roll(&ranges(), src.view(), axis, shift, &mut dst.view_mut()).unwrap();
                    dst.check_guard();
                    assert_eq!(dst.values(), expected, "{dims:?} {axis} {shift}");
                }
            }
        }
    }

    #[test]
    fn beyond_its_ends_an_axis_goes_on_for_ever() {
        let around = |beyond: Beyond, n: i64| (-5..9).map(|i| beyond.place(i, n)).collect::<Vec<_>>();
        assert_eq!(around(Beyond::Edge, 3), [0, 0, 0, 0, 0, 0, 1, 2, 2, 2, 2, 2, 2, 2]);
        assert_eq!(around(Beyond::Wrap, 3), [1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2]);
        assert_eq!(around(Beyond::Reflect, 3), [1, 0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2, 1, 0]);
        assert_eq!(around(Beyond::Symmetric, 3), [1, 2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0, 1, 2]);
        for beyond in [Beyond::Edge, Beyond::Wrap, Beyond::Reflect, Beyond::Symmetric] {
            assert_eq!(around(beyond, 1), [0; 14]);
        }
        let mut dst = Strided::out(DType::I64, &[6]);
        places(&ranges(), 3, -2, Beyond::Wrap, &mut dst.view_mut()).unwrap();
        assert_eq!(dst.values(), [1.0, 2.0, 0.0, 1.0, 2.0, 0.0]);
        iota(&ranges(), &mut dst.view_mut()).unwrap();
        dst.check_guard();
        assert_eq!(dst.values(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    }
}
