//! Convolution and its adjoints.

use super::dense::Dense;
use super::number::Number;
use super::shifted::Product;
use super::weight::Weight;
use super::{Images, Steps};
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
    /// Nothing is multiplied.
    fn is_empty(&self) -> bool {
        self.w.count() == 0 || self.y.count() == 0 || self.x.count() == 0
    }
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

    /// Bytes of scratch for arrays of these lengths.
    pub fn scratch(&self, dtype: DType, dims: [&[usize]; 3]) -> usize {
        let all = self.arrays(dims.map(|d| Images::of(d, &crate::shape::c_strides(d))));
        match dtype {
            DType::F32 => self.scratch_as::<f32>(&all),
            _ => self.scratch_as::<f64>(&all),
        }
    }

    fn scratch_as<T: Number>(&self, all: &Arrays) -> usize {
        if all.is_empty() {
            return 0;
        }
        let dense = Dense::new(self.wanted, &self.steps, all).map_or(0, |d| d.scratch::<T>());
        // Strides decide whether it is dense, and lengths alone how much is needed.
        dense.max(match self.wanted {
            Wanted::Results => Product::forward::<T>(&self.steps, all).scratch::<T>(),
            Wanted::Images => Product::input::<T>(&self.steps, all).scratch::<T>(),
            Wanted::Filters => Weight::new::<T>(&self.steps, all).scratch::<T>(),
        })
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
    unsafe fn run_as<T: Number>(
        &self,
        ranges: &Ranges<'_>,
        a: View<'_>,
        b: View<'_>,
        scratch: &mut [u8],
        out: &mut ViewMut<'_>,
    ) -> Result<()> {
        let all =
            self.arrays([Images::of(a.dims(), a.strides()), Images::of(b.dims(), b.strides()), Images::of(out.dims(), out.strides())]);
        let (a, b, to, s) = (a.ptr().cast::<T>(), b.ptr().cast::<T>(), out.ptr().cast::<T>(), &self.steps);
        // SAFETY: the lengths and strides of the views; the output is in C order; scratch as it was asked for.
        unsafe {
            if all.is_empty() {
                std::slice::from_raw_parts_mut(to, out.count()).fill(T::ZERO);
                return Ok(());
            }
            let scratch = scratch.as_mut_ptr();
            if let Some(dense) = Dense::new(self.wanted, s, &all) {
                let operands = if self.wanted == Wanted::Filters { [b, a] } else { [a, b] };
                return dense.run(ranges, operands, to, scratch);
            }
            match self.wanted {
                Wanted::Results => Product::forward::<T>(s, &all).run(ranges, a, b, to, scratch),
                Wanted::Images => Product::input::<T>(s, &all).run(ranges, a, b, to, scratch),
                Wanted::Filters => Weight::new::<T>(s, &all).run(ranges, [a, b], to, scratch),
            }
        }
    }
}
