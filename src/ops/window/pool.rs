//! A window of given lengths, and how it slides.

use crate::error::Result;
use crate::graph::attr::{Attr, PerAxis, Widths};
use crate::graph::op::Infer;
use crate::kernels::window::pooling::Window;
use crate::ops::unpack::attr;
use crate::shape::{Aval, Dim};

use super::sliding::{Sliding, each, trailing};

/// A window over the axes of images, and what it gives for each: from the attributes of a row.
pub(super) struct Pool {
    pub kernel: Box<[i64]>,
    pub s: Sliding,
}

impl Pool {
    pub fn of(op: &str, n: usize, kernel: &PerAxis, stride: &PerAxis, padding: &Widths, dilation: &PerAxis, ceil: bool) -> Result<Pool> {
        let s = Sliding { ceil, ..Sliding::of(op, n, stride, padding, dilation)? };
        Ok(Pool { kernel: each(op, "kernel_size", kernel, n, 1)?, s })
    }

    /// As the attributes of a row name it: those of sums have no dilation.
    pub fn read(op: &str, n: usize, attrs: &[Attr], dilated: bool) -> Result<Pool> {
        let (kernel, stride, padding): (PerAxis, PerAxis, Widths) = (attr(attrs.first())?, attr(attrs.get(1))?, attr(attrs.get(2))?);
        let dilation = if dilated { attr(attrs.get(3))? } else { PerAxis::all(1) };
        let ceil = attr(attrs.get(if dilated { 4 } else { 3 }))?;
        Pool::of(op, n, &kernel, &stride, &padding, &dilation, ceil)
    }

    pub fn lengths(&self) -> Vec<Dim> {
        self.kernel.iter().map(|&k| Dim::Known(k as usize)).collect()
    }

    pub fn window(&self) -> Window {
        Window { kernel: trailing(&self.kernel, 1, |&k| k as usize), steps: self.s.steps() }
    }

    /// The places over the axes behind the first two of `x`.
    pub fn places(&self, c: &mut Infer<'_>, x: &Aval) -> Result<Vec<Dim>> {
        self.s.all_places(c.op, x.shape.get(2..).unwrap_or(&[]), &self.lengths(), &mut *c.fresh)
    }
}
