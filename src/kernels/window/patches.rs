//! What a window sees, element by element: an array of patches, and the sum of patches where they lie.

use super::pooling::{Window, channels};
use super::{AXES, Images, elements, fill, rows};
use crate::array::{View, ViewMut};
use crate::dtype::DType;
use crate::error::Result;
use crate::kernels::linalg::Shared;
use crate::kernels::ranges::Ranges;
use crate::kernels::real::Float;

/// The patches (n, channels * elements of the window, places) as one image a channel, for the first element of the window; and the step to
/// those of the next element.
fn as_images(w: &Window, x: &Images, places: [usize; AXES], strides: &[isize]) -> (Images, isize) {
    let at = |i: usize| strides.get(i).copied().unwrap_or(0);
    let mut inner_steps = [at(2); AXES];
    for i in (0..AXES - 1).rev() {
        inner_steps[i] = inner_steps[i + 1] * places[i + 1] as isize;
    }
    (Images { outer: x.outer, inner: places, outer_steps: [at(0), at(1) * w.count() as isize], inner_steps }, at(1))
}

/// `y[n, (c, q), p] = x[n, c, p * stride - before + q * dilation]`, with zeros around `x`, for `places` along the axes.
pub fn gather(ranges: &Ranges<'_>, w: &Window, places: [usize; AXES], x: View<'_>, y: &mut ViewMut<'_>) -> Result<()> {
    let own = Images::of(x.dims(), x.strides());
    let (out, step) = as_images(w, &own, places, y.strides());
    // SAFETY: the lengths and strides of the views, whose dtype is the dispatched one.
    unsafe {
        match x.dtype() {
            DType::F32 => moved::<f32, false>(ranges, w, [own, out], step, x.ptr().cast(), y.ptr().cast()),
            _ => moved::<f64, false>(ranges, w, [own, out], step, x.ptr().cast(), y.ptr().cast()),
        }
    }
}

/// The adjoint of [`gather`]: patches added up where they lie.
pub fn scatter(ranges: &Ranges<'_>, w: &Window, places: [usize; AXES], g: View<'_>, x: &mut ViewMut<'_>) -> Result<()> {
    let own = Images::of(x.dims(), x.strides());
    let (out, step) = as_images(w, &own, places, g.strides());
    // SAFETY: as above.
    unsafe {
        match x.dtype() {
            DType::F32 => moved::<f32, true>(ranges, w, [own, out], step, g.ptr().cast(), x.ptr().cast()),
            _ => moved::<f64, true>(ranges, w, [own, out], step, g.ptr().cast(), x.ptr().cast()),
        }
    }
}

/// Writes the image into the patches, or, with `ADD`, adds the patches to the image.
///
/// # Safety
/// The lengths and strides are those of the arrays, and the result overlaps nothing.
unsafe fn moved<T: Float, const ADD: bool>(
    ranges: &Ranges<'_>,
    w: &Window,
    [x, y]: [Images; 2],
    step: isize,
    from: *const T,
    to: *mut T,
) -> Result<()> {
    let (from, to) = (Shared(from.cast_mut()), Shared(to));
    channels(ranges, &x, w.count() * y.plane() + x.plane(), |i, c| {
        // SAFETY: by the contract.
        unsafe {
            let (from, to) = (from.at(0).cast_const(), to.at(0));
            let (zero, image, patches) = (T::literal(0.0), x.channel(i, c), y.channel(i, c));
            if ADD {
                fill(to.offset(image), &x, zero);
            }
            for (k, q) in elements(w.kernel).enumerate() {
                let patch = patches + k as isize * step;
                if !ADD {
                    fill(to.offset(patch), &y, zero);
                }
                rows(&w.steps, &x, &y, q, |r| {
                    for j in 0..r.count as isize {
                        let (a, b) = (image + r.x + j * r.steps[0], patch + r.y + j * r.steps[1]);
                        if ADD {
                            *to.offset(a) = (*to.offset(a)).plus(*from.offset(b));
                        } else {
                            *to.offset(b) = *from.offset(a);
                        }
                    }
                });
            }
        }
    })
}
