//! Results of phases written to the elements of the image that they are of.

use super::AXES;
use crate::kernels::isa::{Isa, isa};
use crate::kernels::matmul::packed::Scalar;

/// A part of a grid of elements that are a stride apart, and an image.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    /// Elements of each phase that a part has in memory, and how many of them it has.
    pub part: [usize; AXES],
    pub count: [usize; AXES],
    /// Where it begins.
    pub start: [usize; AXES],
    pub stride: [usize; AXES],
    /// Lengths of the image.
    pub lengths: [usize; AXES],
}

/// Writes `m` channels, `row` apart, from all phases: one behind the other, and in each the channels.
///
/// # Safety
/// The image and the results lie in memory.
pub(super) unsafe fn write<T: Scalar>(g: &Grid, m: usize, sums: *const T, to: *mut T, row: isize) {
    // SAFETY: passed on; the machine has what was found.
    unsafe {
        match isa() {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => avx512(g, m, sums, to, row),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => avx2(g, m, sums, to, row),
            _ => channels(g, m, sums, to, row),
        }
    }
}

/// # Safety
/// As [`write`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")]
unsafe fn avx512<T: Scalar>(g: &Grid, m: usize, sums: *const T, to: *mut T, row: isize) {
    // SAFETY: passed on.
    unsafe { channels(g, m, sums, to, row) }
}
/// # Safety
/// As [`write`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<T: Scalar>(g: &Grid, m: usize, sums: *const T, to: *mut T, row: isize) {
    // SAFETY: passed on.
    unsafe { channels(g, m, sums, to, row) }
}

#[inline(always)]
unsafe fn channels<T: Scalar>(g: &Grid, m: usize, sums: *const T, to: *mut T, row: isize) {
    let [_, b, c] = g.part;
    let plane = g.part.iter().product::<usize>();
    let phases: [usize; AXES] = std::array::from_fn(|i| g.stride[i].min(g.lengths[i]));
    let [_, height, width] = g.lengths;
    // How many elements of a phase lie in the image along an axis.
    let most = |i: usize, f: usize| (g.lengths[i] - f).div_ceil(g.stride[i]).saturating_sub(g.start[i]).min(g.count[i]);
    for channel in 0..m {
        for (f0, f1) in (0..phases[0]).flat_map(|a| (0..phases[1]).map(move |b| (a, b))) {
            for (h0, h1) in (0..most(0, f0)).flat_map(|a| (0..most(1, f1)).map(move |b| (a, b))) {
                let (z, y) = ((g.start[0] + h0) * g.stride[0] + f0, (g.start[1] + h1) * g.stride[1] + f1);
                let at = (f0 * phases[1] + f1) * phases[2] * m * plane + channel * plane + (h0 * b + h1) * c;
                let (from, next) = (sums.wrapping_add(at), m * plane);
                let to = to.wrapping_offset(channel as isize * row).wrapping_add((z * height + y) * width + g.start[2] * g.stride[2]);
                // SAFETY: rows of the phases and of the image.
                unsafe {
                    let mut done = 0;
                    if phases[2] == 2 && g.stride[2] == 2 {
                        done = most(2, 1);
                        for i in 0..done {
                            *to.add(2 * i) = *from.add(i);
                            *to.add(2 * i + 1) = *from.add(next + i);
                        }
                    }
                    for f2 in 0..phases[2] {
                        for i in done..most(2, f2) {
                            *to.add(i * g.stride[2] + f2) = *from.add(f2 * next + i);
                        }
                    }
                }
            }
        }
    }
}
