//! What a product over elements of a window sees: all of them for results, those of one remainder of the stride for the adjoint in images.

use super::convolution::Arrays;
use super::{AXES, Steps, elements};

/// How places and elements of a window meet an axis of an image: place `p` and element `q` at `p * stride + first + q * step`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    /// Elements of the image.
    pub length: usize,
    pub stride: usize,
    /// Elements of the window.
    pub taps: usize,
    pub first: isize,
    pub step: isize,
}

/// Elements of an image whose places of the window are one grid: those with one remainder of the stride on each axis. Elements of the
/// window that meet them are one in `every`, from `first` on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Phase {
    pub remainder: [usize; AXES],
    pub first: [usize; AXES],
    pub every: [usize; AXES],
    pub taps: [usize; AXES],
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// All phases of a gradient in the images.
pub(super) fn phases(s: &Steps, all: &Arrays) -> impl Iterator<Item = Phase> + Clone {
    let (s, x, w) = (*s, all.x, all.w);
    let bounds: [usize; AXES] = std::array::from_fn(|i| s.stride[i].min(x.inner[i]));
    elements(bounds).map(move |remainder| {
        let every: [usize; AXES] = std::array::from_fn(|i| s.stride[i] / gcd(s.stride[i], s.dilation[i]));
        // The first element q with (remainder + before - q dilation) a multiple of the stride, if one of the first `every` is.
        let first: [Option<usize>; AXES] = std::array::from_fn(|i| {
            let at = (remainder[i] + s.before[i]) % s.stride[i];
            (0..every[i].min(w.inner[i])).find(|q| q * s.dilation[i] % s.stride[i] == at)
        });
        let taps = std::array::from_fn(|i| first[i].map_or(0, |q| (w.inner[i] - q).div_ceil(every[i])));
        Phase { remainder, first: first.map(|q| q.unwrap_or(0)), every, taps }
    })
}

impl Phase {
    /// All elements of the window, at all places.
    pub fn whole(all: &Arrays) -> Phase {
        Phase { remainder: [0; AXES], first: [0; AXES], every: [1; AXES], taps: all.w.inner }
    }

    pub fn taps(&self) -> usize {
        self.taps.iter().product()
    }

    /// The element of the window that is number `q` of the phase.
    pub fn element(&self, q: [usize; AXES]) -> [usize; AXES] {
        std::array::from_fn(|i| self.first[i] + q[i] * self.every[i])
    }

    /// What places see of the images.
    pub fn of_images(s: &Steps, all: &Arrays) -> [Axis; AXES] {
        std::array::from_fn(|i| Axis {
            length: all.x.inner[i],
            stride: s.stride[i],
            taps: all.w.inner[i],
            first: -(s.before[i] as isize),
            step: s.dilation[i] as isize,
        })
    }

    /// What the elements of the phase see of the cotangent.
    pub fn of_cotangent(&self, s: &Steps, all: &Arrays) -> [Axis; AXES] {
        std::array::from_fn(|i| {
            let (stride, dilation) = (s.stride[i] as isize, s.dilation[i] as isize);
            let from = (self.remainder[i] + s.before[i]) as isize - self.first[i] as isize * dilation;
            Axis {
                length: all.y.inner[i],
                stride: 1,
                taps: self.taps[i],
                // Exact where there are elements of the window.
                first: from.div_euclid(stride),
                step: -(self.every[i] as isize * dilation / stride),
            }
        })
    }
}
