//! Convolution row by row: each element of the window adds one row of the image to one row of the result.

use super::convolution::Arrays;
use super::{Steps, elements, fill, rows};
use crate::error::Result;
use crate::kernels::ranges::Ranges;
use crate::kernels::real::Float;

/// # Safety
/// The lengths and strides are those of the arrays; `y` overlaps neither operand.
pub(super) unsafe fn forward<T: Float>(ranges: &Ranges<'_>, s: &Steps, all: &Arrays, x: *const T, w: *const T, y: *mut T) -> Result<()> {
    let [n, filters] = all.y.outer;
    let (channels, own) = (all.w.outer[1], (filters / all.groups).max(1));
    let cost = all.w.plane() * channels * all.y.plane() / 4 + all.y.plane();
    for i in 0..n {
        ranges.each(filters, cost, |range| {
            for f in range {
                // SAFETY: by the contract.
                unsafe {
                    let y = y.offset(all.y.channel(i, f));
                    fill(y, &all.y, T::literal(0.0));
                    for c in 0..channels {
                        let (x, w) = (x.offset(all.x.channel(i, f / own * channels + c)), w.offset(all.w.channel(f, c)));
                        for q in elements(all.w.inner) {
                            let k = *w.offset(all.w.at(q));
                            rows(s, &all.x, &all.y, q, |r| {
                                for j in 0..r.count as isize {
                                    let to = y.offset(r.y + j * r.steps[1]);
                                    *to = (*to).plus(k.times(*x.offset(r.x + j * r.steps[0])));
                                }
                            });
                        }
                    }
                }
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// # Safety
/// The lengths and strides are those of the arrays; `x` overlaps neither operand.
pub(super) unsafe fn input<T: Float>(ranges: &Ranges<'_>, s: &Steps, all: &Arrays, g: *const T, w: *const T, x: *mut T) -> Result<()> {
    let [n, channels] = all.x.outer;
    let (depth, own) = (all.w.outer[1].max(1), all.w.outer[0] / all.groups);
    let cost = all.w.plane() * own * all.y.plane() / 4 + all.x.plane();
    for i in 0..n {
        ranges.each(channels, cost, |range| {
            for channel in range {
                let (group, c) = (channel / depth, channel % depth);
                // SAFETY: by the contract.
                unsafe {
                    let x = x.offset(all.x.channel(i, channel));
                    fill(x, &all.x, T::literal(0.0));
                    for f in group * own..(group + 1) * own {
                        let (g, w) = (g.offset(all.y.channel(i, f)), w.offset(all.w.channel(f, c)));
                        for q in elements(all.w.inner) {
                            let k = *w.offset(all.w.at(q));
                            rows(s, &all.x, &all.y, q, |r| {
                                for j in 0..r.count as isize {
                                    let to = x.offset(r.x + j * r.steps[0]);
                                    *to = (*to).plus(k.times(*g.offset(r.y + j * r.steps[1])));
                                }
                            });
                        }
                    }
                }
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// # Safety
/// The lengths and strides are those of the arrays; `w` overlaps neither operand.
pub(super) unsafe fn weight<T: Float>(ranges: &Ranges<'_>, s: &Steps, all: &Arrays, x: *const T, g: *const T, w: *mut T) -> Result<()> {
    let [filters, channels] = all.w.outer;
    let own = (filters / all.groups).max(1);
    let cost = all.w.plane() * all.y.plane() * all.y.outer[0] / 4 + 1;
    ranges.each(filters * channels, cost, |range| {
        for (f, c) in range.map(|i| (i / channels, i % channels)) {
            for q in elements(all.w.inner) {
                let mut sum = T::literal(0.0);
                // SAFETY: by the contract.
                unsafe {
                    for i in 0..all.y.outer[0] {
                        let (x, g) = (x.offset(all.x.channel(i, f / own * channels + c)), g.offset(all.y.channel(i, f)));
                        rows(s, &all.x, &all.y, q, |r| {
                            for j in 0..r.count as isize {
                                sum = sum.plus((*g.offset(r.y + j * r.steps[1])).times(*x.offset(r.x + j * r.steps[0])));
                            }
                        });
                    }
                    *w.offset(all.w.channel(f, c) + all.w.at(q)) = sum;
                }
            }
        }
        Ok(())
    })
}
