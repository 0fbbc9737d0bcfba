//! Convolution and its adjoints.

use super::{Images, Steps, direct};
use crate::array::{View, ViewMut};
use crate::dtype::DType;
use crate::error::Result;
use crate::kernels::ranges::Ranges;

/// The three arrays of a convolution: images, filters, and results at each place of the window.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrays {
    pub x: Images,
    pub w: Images,
    pub y: Images,
    /// Groups of channels, each with filters of its own.
    pub groups: usize,
}

impl Arrays {
    fn of([x, w, y]: [(&[usize], &[isize]); 3], groups: usize) -> Arrays {
        let of = |(dims, strides)| Images::of(dims, strides);
        Arrays { x: of(x), w: of(w), y: of(y), groups }
    }
}

macro_rules! lie {
    ($v:expr) => {
        ($v.dims(), $v.strides())
    };
}

/// `y[n, f, p] = sum of w[f, c, q] * x[n, c, p * stride - before + q * dilation]` over the channels of the group of `f`.
pub fn forward(ranges: &Ranges<'_>, s: &Steps, groups: usize, x: View<'_>, w: View<'_>, y: &mut ViewMut<'_>) -> Result<()> {
    let all = Arrays::of([lie!(x), lie!(w), lie!(y)], groups);
    // SAFETY: the lengths and strides of the views, whose dtype is the dispatched one.
    unsafe {
        match y.dtype() {
            DType::F32 => direct::forward::<f32>(ranges, s, &all, x.ptr().cast(), w.ptr().cast(), y.ptr().cast()),
            _ => direct::forward::<f64>(ranges, s, &all, x.ptr().cast(), w.ptr().cast(), y.ptr().cast()),
        }
    }
}

/// The adjoint of [`forward`] in the images.
pub fn input(ranges: &Ranges<'_>, s: &Steps, groups: usize, g: View<'_>, w: View<'_>, x: &mut ViewMut<'_>) -> Result<()> {
    let all = Arrays::of([lie!(x), lie!(w), lie!(g)], groups);
    // SAFETY: as above.
    unsafe {
        match x.dtype() {
            DType::F32 => direct::input::<f32>(ranges, s, &all, g.ptr().cast(), w.ptr().cast(), x.ptr().cast()),
            _ => direct::input::<f64>(ranges, s, &all, g.ptr().cast(), w.ptr().cast(), x.ptr().cast()),
        }
    }
}

/// The adjoint of [`forward`] in the filters.
pub fn weight(ranges: &Ranges<'_>, s: &Steps, groups: usize, x: View<'_>, g: View<'_>, w: &mut ViewMut<'_>) -> Result<()> {
    let all = Arrays::of([lie!(x), lie!(w), lie!(g)], groups);
    // SAFETY: as above.
    unsafe {
        match w.dtype() {
            DType::F32 => direct::weight::<f32>(ranges, s, &all, x.ptr().cast(), g.ptr().cast(), w.ptr().cast()),
            _ => direct::weight::<f64>(ranges, s, &all, x.ptr().cast(), g.ptr().cast(), w.ptr().cast()),
        }
    }
}
