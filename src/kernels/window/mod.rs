//! Windows that slide over one to three axes of images of several channels.

pub mod convolution;
mod dense;
mod number;
mod padded;
pub mod patches;
mod phases;
pub mod pooling;
mod shared;
mod shifted;
mod strip;
mod weight;

/// Axes over which a window slides: those that an array lacks have length 1.
pub const AXES: usize = 3;

/// How a window slides.
#[derive(Clone, Copy, Debug)]
pub struct Steps {
    /// From one place of the window to the next.
    pub stride: [usize; AXES],
    /// What stands in front of the image.
    pub before: [usize; AXES],
    /// From one element of the window to the next.
    pub dilation: [usize; AXES],
}

/// An array of two axes and those over which the window slides.
#[derive(Clone, Copy, Debug)]
struct Images {
    /// Samples and channels, or filters and channels.
    outer: [usize; 2],
    /// Lengths of the axes over which the window slides.
    inner: [usize; AXES],
    outer_steps: [isize; 2],
    inner_steps: [isize; AXES],
}

impl Images {
    fn of(dims: &[usize], strides: &[isize]) -> Images {
        let mut all = Images { outer: [0; 2], inner: [1; AXES], outer_steps: [0; 2], inner_steps: [0; AXES] };
        let missing = AXES.saturating_sub(dims.len().saturating_sub(2));
        for (i, (&n, &s)) in dims.iter().zip(strides).enumerate() {
            match i.checked_sub(2) {
                None => (all.outer[i], all.outer_steps[i]) = (n, s),
                Some(k) if k + missing < AXES => (all.inner[k + missing], all.inner_steps[k + missing]) = (n, s),
                Some(_) => {}
            }
        }
        all
    }

    /// Elements of one channel.
    fn plane(&self) -> usize {
        self.inner.iter().product()
    }

    /// All elements.
    fn count(&self) -> usize {
        self.outer[0] * self.outer[1] * self.plane()
    }

    /// The step from one element of a channel to the next in C order, if there is one.
    fn row(&self) -> Option<isize> {
        let axes = (0..AXES).filter(|&i| self.inner[i] != 1);
        let (mut step, mut next) = (None, 0);
        for i in axes.rev() {
            if step.is_none() {
                step = Some(self.inner_steps[i]);
            } else if self.inner_steps[i] != next {
                return None;
            }
            next = self.inner_steps[i] * self.inner[i] as isize;
        }
        Some(step.unwrap_or(1))
    }

    /// Where a channel begins.
    fn channel(&self, i: usize, c: usize) -> isize {
        i as isize * self.outer_steps[0] + c as isize * self.outer_steps[1]
    }

    /// Where an element of a channel stands.
    fn at(&self, p: [usize; AXES]) -> isize {
        (0..AXES).map(|i| p[i] as isize * self.inner_steps[i]).sum()
    }
}

/// Places of the window, of `count` in all, at which an element `offset` behind the window's first lies in an axis of `n` elements: the
/// first and the end.
fn inside(n: usize, count: usize, stride: usize, before: usize, offset: usize) -> (usize, usize) {
    // stride * p + offset is at least `before`, and less than `before + n`.
    let first = before.saturating_sub(offset).div_ceil(stride);
    let end = (before + n).saturating_sub(offset).div_ceil(stride).min(count);
    (first.min(end), end)
}

/// A part of one row of the image and one of the places, which an element of the window joins.
#[derive(Clone, Copy)]
struct Rows {
    /// The first elements that meet, in the image and among the places.
    x: isize,
    y: isize,
    /// How many meet.
    count: usize,
    /// From one to the next.
    steps: [isize; 2],
}

/// Calls `f` for each pair of rows that element `q` of the window joins, in one channel.
#[inline(always)]
fn rows(s: &Steps, x: &Images, y: &Images, q: [usize; AXES], mut f: impl FnMut(Rows)) {
    let offset: [usize; AXES] = std::array::from_fn(|i| q[i] * s.dilation[i]);
    let part: [(usize, usize); AXES] = std::array::from_fn(|i| inside(x.inner[i], y.inner[i], s.stride[i], s.before[i], offset[i]));
    let steps = [x.inner_steps[2] * s.stride[2] as isize, y.inner_steps[2]];
    let (first, end) = part[2];
    if first >= end {
        return;
    }
    for p in part[0].0..part[0].1 {
        for r in part[1].0..part[1].1 {
            let own = [p, r, first];
            let place = std::array::from_fn(|i| own[i] * s.stride[i] + offset[i] - s.before[i]);
            f(Rows { x: x.at(place), y: y.at(own), count: end - first, steps });
        }
    }
}

/// All elements of a window, or of a channel.
fn elements(n: [usize; AXES]) -> impl Iterator<Item = [usize; AXES]> + Clone {
    (0..n[0]).flat_map(move |a| (0..n[1]).flat_map(move |b| (0..n[2]).map(move |c| [a, b, c])))
}

/// Sets every element of a channel.
///
/// # Safety
/// The channel begins at `at`.
unsafe fn fill<T: Copy>(at: *mut T, x: &Images, value: T) {
    // SAFETY: by the contract.
    elements(x.inner).for_each(|p| unsafe { *at.offset(x.at(p)) = value });
}
