//! Convolution and its adjoints.

use super::{Images, Steps, direct, packed};
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

/// Which of the arrays is computed from the others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wanted {
    /// `y[n, f, p] = sum of w[f, c, q] * x[n, c, p * stride - before + q * dilation]` over the channels of the group of `f`.
    Results,
    /// The adjoint in the images.
    Images,
    /// The adjoint in the filters.
    Filters,
}

/// A convolution: how the window slides, groups of channels, and what is computed.
#[derive(Clone, Copy, Debug)]
pub struct Convolution {
    pub steps: Steps,
    pub groups: usize,
    pub wanted: Wanted,
}

/// Fewer filters of a group than these, or fewer of its channels where those are computed, are done row by row: panels would stay nearly
/// empty.
const FEW: usize = 4;

impl Convolution {
    /// From the images or results, the filters or results, and what is wanted, in this order.
    fn arrays(&self, [a, b, out]: [Images; 3]) -> Arrays {
        let [x, w, y] = match self.wanted {
            Wanted::Results => [a, b, out],
            Wanted::Images => [out, b, a],
            Wanted::Filters => [a, out, b],
        };
        Arrays { x, w, y, groups: self.groups }
    }

    /// True where products of matrices are worth their panels.
    fn is_packed(&self, all: &Arrays) -> bool {
        let (filters, channels) = (all.w.outer[0] / self.groups.max(1), all.w.outer[1]);
        match self.wanted {
            Wanted::Results | Wanted::Filters => filters >= FEW && channels * all.w.plane() >= FEW,
            Wanted::Images => channels >= FEW,
        }
    }

    /// Bytes of scratch for arrays of these lengths.
    pub fn scratch(&self, dtype: DType, dims: [&[usize]; 3]) -> usize {
        let all = self.arrays(dims.map(|d| Images::of(d, &crate::shape::c_strides(d))));
        if !self.is_packed(&all) || all.w.count() == 0 || all.y.count() == 0 {
            return 0;
        }
        let numbers = match (self.wanted, dtype) {
            (Wanted::Results, DType::F32) => packed::forward_scratch::<f32>(&all),
            (Wanted::Results, _) => packed::forward_scratch::<f64>(&all),
            (Wanted::Images, DType::F32) => packed::input_scratch::<f32>(&self.steps, &all),
            (Wanted::Images, _) => packed::input_scratch::<f64>(&self.steps, &all),
            (Wanted::Filters, DType::F32) => packed::weight_scratch::<f32>(&all),
            (Wanted::Filters, _) => packed::weight_scratch::<f64>(&all),
        };
        numbers * dtype.size()
    }

    /// Computes what is wanted from the two other arrays, which stand in the order of the lengths above; `scratch` has so many bytes.
    pub fn run(&self, ranges: &Ranges<'_>, a: View<'_>, b: View<'_>, scratch: &mut [u8], out: &mut ViewMut<'_>) -> Result<()> {
        // SAFETY: the dtype of the views is the dispatched one.
        unsafe {
            match out.dtype() {
                DType::F32 => self.run_as::<f32>(ranges, a, b, scratch, out),
                _ => self.run_as::<f64>(ranges, a, b, scratch, out),
            }
        }
    }

    /// # Safety
    /// The views have type `T`.
    unsafe fn run_as<T: packed::Number>(
        &self,
        ranges: &Ranges<'_>,
        a: View<'_>,
        b: View<'_>,
        scratch: &mut [u8],
        out: &mut ViewMut<'_>,
    ) -> Result<()> {
        let all =
            self.arrays([Images::of(a.dims(), a.strides()), Images::of(b.dims(), b.strides()), Images::of(out.dims(), out.strides())]);
        let (from, to, s) = ([a.ptr().cast::<T>(), b.ptr().cast::<T>()], out.ptr().cast::<T>(), &self.steps);
        let free = scratch.as_mut_ptr().cast::<T>();
        let packed = self.is_packed(&all) && all.w.count() > 0 && all.y.count() > 0;
        // SAFETY: the lengths and strides of the views; the output is in C order; scratch as it was asked for.
        unsafe {
            match self.wanted {
                Wanted::Results if packed => packed::forward(ranges, s, &all, from, to, free),
                Wanted::Images if packed => packed::input(ranges, s, &all, from, to, free),
                Wanted::Filters if packed => packed::weight(ranges, s, &all, from, to, free),
                Wanted::Results => direct::forward(ranges, s, &all, from[0], from[1], to),
                Wanted::Images => direct::input(ranges, s, &all, from[0], from[1], to),
                Wanted::Filters => direct::weight(ranges, s, &all, from[0], from[1], to),
            }
        }
    }
}
