//! Images of another size.

use crate::array::Array;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::Tensor;
use crate::graph::attr::{Factors, PerAxis, choices};
use crate::graph::op::OpDef;
use crate::ops::apply::cast;
use crate::ops::index::take;
use crate::ops::movement::{reshape, transpose};
use crate::shape::Tuple;

use super::pools::adaptive_average;
use super::sliding::{AXES, each};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&INTERPOLATE, &PIXEL_SHUFFLE, &PIXEL_UNSHUFFLE];

choices! {
    /// How elements between those of an array are found.
    pub enum Interpolation {
        /// The element before.
        Nearest = "nearest",
        /// The element whose middle is nearest.
        NearestExact = "nearest-exact",
        /// Along a line, over one axis.
        Linear = "linear",
        /// Along a line, over two axes.
        Bilinear = "bilinear",
        /// Along a line, over three axes.
        Trilinear = "trilinear",
        /// Along a cubic curve through four elements, over two axes.
        Bicubic = "bicubic",
        /// Means of windows that cover the array evenly.
        Area = "area",
    }
}

impl Interpolation {
    /// The number of axes that the mode is for, if it is for one.
    fn axes(self) -> Option<usize> {
        match self {
            Interpolation::Linear => Some(1),
            Interpolation::Bilinear | Interpolation::Bicubic => Some(2),
            Interpolation::Trilinear => Some(3),
            _ => None,
        }
    }
}

/// The lengths of the result, and for each axis the distance of its elements in those of the array, as a quotient.
fn sizes(n: usize, lengths: &[usize], size: &PerAxis, scale: &Factors, recompute: bool) -> Result<Vec<(usize, [f64; 2])>> {
    const OP: &str = "interpolate";
    match (size.0.is_empty(), &scale.0[..]) {
        (false, []) => {
            let all = each(OP, "size", size, n, 1)?;
            Ok(all.iter().zip(lengths).map(|(&o, &m)| (o as usize, [m as f64, o as f64])).collect())
        }
        (true, list @ [_, ..]) if list.len() == 1 || list.len() == n => {
            let factor = |i: usize| list.get(i).or(list.first()).copied().unwrap_or(1.0);
            let pairs = lengths.iter().enumerate().map(|(i, &m)| {
                let o = m as f64 * factor(i);
                if !(1.0..=i32::MAX as f64).contains(&o) {
                    let got = format!("scale_factor={} for a length of {m}", factor(i));
                    return Err(Error::new(ErrorKind::Shape, OP, "a factor is out of range", got, "a result of 1 to 2147483647 elements"));
                }
                let o = o as usize;
                Ok((o, if recompute { [m as f64, o as f64] } else { [1.0, factor(i)] }))
            });
            pairs.collect()
        }
        (true, []) | (false, _) => {
            let got = format!("size={} and {} factors", Tuple(&size.0), scale.0.len());
            Err(Error::new(ErrorKind::Value, OP, "the size of the result is not clear", got, "`size` or `scale_factor`"))
        }
        (true, list) => {
            let rule = format_args!("a number, or {n} of them");
            Err(Error::new(ErrorKind::Shape, OP, "`scale_factor` does not fit the axes", format!("{} numbers", list.len()), rule))
        }
    }
}

/// The elements of an axis that each element of the result is made of, and their weights: `taps` of them.
struct Taps {
    places: Vec<Vec<i64>>,
    weights: Vec<Vec<f64>>,
}

impl Taps {
    fn of(mode: Interpolation, n: usize, o: usize, [over, under]: [f64; 2], aligned: bool) -> Taps {
        let last = n as i64 - 1;
        let place = |i: usize| match () {
            () if aligned && o > 1 => i as f64 * last as f64 / (o - 1) as f64,
            () if aligned => 0.0,
            () => (i as f64 + 0.5) * over / under - 0.5,
        };
        let each = |f: &dyn Fn(usize) -> i64| (0..o).map(|i| f(i).clamp(0, last)).collect::<Vec<i64>>();
        match mode {
            Interpolation::Nearest => Taps { places: vec![each(&|i| (i as f64 * over / under).floor() as i64)], weights: vec![] },
            Interpolation::NearestExact => {
                Taps { places: vec![each(&|i| ((i as f64 + 0.5) * over / under).floor() as i64)], weights: vec![] }
            }
            Interpolation::Bicubic => {
                // Keys' convolution with a = -3/4.
                const A: f64 = -0.75;
                let near = |t: f64| ((A + 2.0) * t - (A + 3.0)) * t * t + 1.0;
                let far = |t: f64| ((A * t - 5.0 * A) * t + 8.0 * A) * t - 4.0 * A;
                let part = |i: usize| place(i) - place(i).floor();
                let weight = |k: usize, t: f64| [far(t + 1.0), near(t), near(1.0 - t), far(2.0 - t)][k];
                Taps {
                    places: (0..4).map(|k| each(&|i| place(i).floor() as i64 + k - 1)).collect(),
                    weights: (0..4).map(|k| (0..o).map(|i| weight(k, part(i))).collect()).collect(),
                }
            }
            _ => {
                let place = |i: usize| place(i).max(0.0);
                let part = |i: usize| if place(i).floor() as i64 >= last { 0.0 } else { place(i) - place(i).floor() };
                Taps {
                    places: (0..2).map(|k| each(&|i| place(i).floor() as i64 + k)).collect(),
                    weights: vec![(0..o).map(|i| 1.0 - part(i)).collect(), (0..o).map(part).collect()],
                }
            }
        }
    }

    /// `x` with this axis made anew.
    fn apply<'g>(&self, x: Tensor<'g>, axis: usize) -> Result<Tensor<'g>> {
        let mut sum: Option<Tensor<'g>> = None;
        for (k, places) in self.places.iter().enumerate() {
            let graph = x.graph();
            let part = take(x, graph.constant_array(Array::from_slice(places, &[places.len()])?), axis as i64);
            let part = match self.weights.get(k) {
                None => part,
                Some(weights) => {
                    let mut dims = vec![1usize; x.ndim()];
                    if let Some(d) = dims.get_mut(axis) {
                        *d = weights.len();
                    }
                    part * cast(graph.constant_array(Array::from_slice(weights, &dims)?), x.dtype())
                }
            };
            sum = Some(sum.map_or(part, |s| s + part));
        }
        Ok(sum.unwrap_or(x))
    }
}

row! {
    /// `x` (n, channels, ...) with other lengths of the axes behind the first two, one to three of them: of `size`, or `floor(n * scale_factor)` for a length `n`. Element `i` of
    /// the result stands at `(i + 1/2) * s - 1/2` in the array, where `s` is the ratio of the lengths, or `1 / scale_factor` if that is given and
    /// `recompute_scale_factor` is False; with `align_corners` the first and the last elements of both lie on each other.
    ///
    /// "nearest" takes element `floor(i * s)`, "nearest-exact" the one whose middle is nearest; "linear", "bilinear" and "trilinear" go along lines over one,
    /// two and three axes, "bicubic" along Keys' cubic curves with a = -3/4 over two; "area" takes means as `adaptive_avg_pool2d` does. The lengths must be known.
    ///
    /// Gradient: `g` with the same weights, added up.
    pub INTERPOLATE = fn interpolate(x: float; size: PerAxis = PerAxis::unsaid(), scale_factor: Factors = Factors(Box::new([])), mode: Interpolation = Interpolation::Nearest, align_corners: bool = false, recompute_scale_factor: bool = false) -> y
    body {
        const OP: &str = "interpolate";
        let n = x.ndim().saturating_sub(2);
        let lengths: Option<Vec<usize>> = x.dims().iter().skip(2).map(|d| d.known().filter(|&n| n > 0)).collect();
        let Some(lengths) = lengths.filter(|l| (1..=AXES).contains(&l.len())) else {
            let rule = format_args!("two axes, and 1 to {AXES} of known lengths, not 0");
            return Err(Error::new(ErrorKind::Shape, OP, "the array cannot be resized", Tuple(x.dims()), rule));
        };
        if let Some(axes) = mode.axes().filter(|&axes| axes != n) {
            let got = format!("{mode:?} for {n} axes").to_lowercase();
            return Err(Error::new(ErrorKind::Value, OP, "the mode does not fit the axes", got, format_args!("{axes} axes")));
        }
        if align_corners && matches!(mode, Interpolation::Nearest | Interpolation::NearestExact | Interpolation::Area) {
            let got = format!("{mode:?}").to_lowercase();
            return Err(Error::new(ErrorKind::Value, OP, "`align_corners` is not used", got, "a linear mode, or bicubic"));
        }
        let sizes = sizes(n, &lengths, &size, &scale_factor, recompute_scale_factor)?;
        if mode == Interpolation::Area {
            adaptive_average(OP, n, x, &PerAxis(sizes.iter().map(|&(o, _)| o as i64).collect()))?
        } else {
            let mut y = x;
            for (i, (&m, &(o, step))) in lengths.iter().zip(&sizes).enumerate() {
                y = Taps::of(mode, m, o, step, align_corners).apply(y, i + 2)?;
            }
            y
        }
    }
    numpy "ref.interpolate(x, size, scale_factor, mode, align_corners, recompute_scale_factor)";
    example "T.interpolate([[[1.0, 2.0]]], 4, mode=\"linear\")" => "[[[1.   1.25 1.75 2.  ]]]";
    exempt Unknown: "it needs the lengths of the axes, and says so";
    case real[2, 3, 5] with size = 7;
    case real[1, 2, 4, 3] with size = [3, 5], mode = Interpolation::NearestExact;
    case real[1, 2, 5] with size = 8, mode = Interpolation::Linear;
    case real[1, 2, 4, 3] with scale_factor = [1.6, 0.7], mode = Interpolation::Bilinear;
    case real[1, 2, 4, 3] with scale_factor = 2.6, mode = Interpolation::Bilinear, recompute_scale_factor = true;
    case real[1, 1, 2, 3, 2] with size = [3, 2, 4], mode = Interpolation::Trilinear, align_corners = true;
    case real[1, 2, 5, 4] with size = [7, 3], mode = Interpolation::Bicubic;
    case real[1, 2, 3, 4] with size = [1, 6], mode = Interpolation::Bicubic, align_corners = true;
    case real[1, 2, 5, 4] with size = [3, 2], mode = Interpolation::Area;
    refuses f64[2, 3] with size = 2 => "interpolate: the array cannot be resized. Got (2, 3); expected two axes, and 1 to 3 of known lengths, not 0.";
    refuses f64[2, 3, 4] => "interpolate: the size of the result is not clear. Got size=() and 0 factors; expected `size` or `scale_factor`.";
    refuses f64[2, 3, 4] with scale_factor = [2.0, 2.0] => "interpolate: `scale_factor` does not fit the axes. Got 2 numbers; expected a number, or 1 of them.";
    refuses f64[2, 3, 4] with scale_factor = 0.1 => "interpolate: a factor is out of range. Got scale_factor=0.1 for a length of 4; expected a result of 1 to 2147483647 elements.";
    refuses f64[2, 3, 4] with size = 2, mode = Interpolation::Bilinear => "interpolate: the mode does not fit the axes. Got bilinear for 1 axes; expected 2 axes.";
    refuses f64[2, 3, 4] with size = 2, align_corners = true => "interpolate: `align_corners` is not used. Got nearest; expected a linear mode, or bicubic.";
    refuses f64[2, 3, 4] with size = 0 => "interpolate: `size` is out of range. Got size=0; expected numbers from 1 to 2147483647.";
}

/// Images, with axes in front of channels, rows and columns: the lengths of these three.
fn images<'g>(op: &str, x: Tensor<'g>, r: i64) -> Result<(Vec<i64>, [i64; 3])> {
    let dims: Vec<i64> = x.dims().iter().map(|d| d.known().map_or(-1, |n| n as i64)).collect();
    match &dims[..] {
        [lead @ .., c, h, w] if *c >= 0 && *h >= 0 && *w >= 0 && lead.iter().filter(|&&d| d < 0).count() <= 1 && r >= 1 => {
            Ok((lead.to_vec(), [*c, *h, *w]))
        }
        _ if r < 1 => Err(Error::new(ErrorKind::Value, op, "the factor is out of range", r, "a number >= 1")),
        _ => Err(Error::new(
            ErrorKind::Shape,
            op,
            "the array has no images",
            Tuple(x.dims()),
            "shape (..., channels, rows, columns), the last three known",
        )),
    }
}

row! {
    /// Channels to places: `x` (..., channels * r * r, rows, columns) becomes (..., channels, rows * r, columns * r), in which
    /// `y[c, i * r + a, j * r + b]` is `x[(c * r + a) * r + b, i, j]`.
    ///
    /// Gradient: `pixel_unshuffle(g)`.
    pub PIXEL_SHUFFLE = fn pixel_shuffle(x: any; upscale_factor: i64) -> y
    body {
        let (lead, [c, h, w]) = images("pixel_shuffle", x, upscale_factor)?;
        let r = upscale_factor;
        let square = r.checked_mul(r).filter(|&s| c % s == 0);
        let Some(square) = square else {
            let got = format!("{c} channels and upscale_factor={r}");
            return Err(Error::new(ErrorKind::Shape, "pixel_shuffle", "the channels do not fit the factor", got, "a multiple of its square"));
        };
        let k = lead.len() as i64;
        let apart = reshape(x, lead.iter().copied().chain([c / square, r, r, h, w]).collect::<Vec<_>>());
        let order: Vec<i64> = (0..k).chain([0, 3, 1, 4, 2].map(|i| i + k)).collect();
        reshape(transpose(apart, order), lead.into_iter().chain([c / square, h * r, w * r]).collect::<Vec<_>>())
    }
    numpy "ref.pixel_shuffle(x, upscale_factor)";
    example "T.pixel_shuffle(np.arange(4).reshape(4, 1, 1), 2)" => "[[[0 1]\n  [2 3]]]";
    exempt Unknown: "it needs the lengths of the images, and says so";
    case real[2, 8, 2, 3] with upscale_factor = 2;
    case real[9, 1, 2] with upscale_factor = 3;
    refuses f64[3, 2, 2] with upscale_factor = 2 => "pixel_shuffle: the channels do not fit the factor. Got 3 channels and upscale_factor=2; expected a multiple of its square.";
    refuses f64[4, 2, 2] with upscale_factor = 0 => "pixel_shuffle: the factor is out of range. Got 0; expected a number >= 1.";
    refuses f64[4, 2] with upscale_factor = 2 => "pixel_shuffle: the array has no images. Got (4, 2); expected shape (..., channels, rows, columns), the last three known.";
}
row! {
    /// Places to channels: the inverse of `pixel_shuffle`; `x` (..., channels, rows * r, columns * r) becomes (..., channels * r * r, rows, columns).
    ///
    /// Gradient: `pixel_shuffle(g)`.
    pub PIXEL_UNSHUFFLE = fn pixel_unshuffle(x: any; downscale_factor: i64) -> y
    body {
        let (lead, [c, h, w]) = images("pixel_unshuffle", x, downscale_factor)?;
        let r = downscale_factor;
        let square = r.checked_mul(r).and_then(|s| s.checked_mul(c.max(1))).map(|s| s / c.max(1));
        let (Some(square), true) = (square, h % r == 0 && w % r == 0) else {
            let got = format!("{h} rows, {w} columns and downscale_factor={r}");
            return Err(Error::new(ErrorKind::Shape, "pixel_unshuffle", "the lengths do not fit the factor", got, "multiples of it"));
        };
        let k = lead.len() as i64;
        let apart = reshape(x, lead.iter().copied().chain([c, h / r, r, w / r, r]).collect::<Vec<_>>());
        let order: Vec<i64> = (0..k).chain([0, 2, 4, 1, 3].map(|i| i + k)).collect();
        reshape(transpose(apart, order), lead.into_iter().chain([c * square, h / r, w / r]).collect::<Vec<_>>())
    }
    numpy "ref.pixel_unshuffle(x, downscale_factor)";
    example "T.pixel_unshuffle([[[0, 1], [2, 3]]], 2)[:, 0, 0]" => "[0 1 2 3]";
    exempt Unknown: "it needs the lengths of the images, and says so";
    case real[2, 2, 4, 6] with downscale_factor = 2;
    case real[1, 3, 6] with downscale_factor = 3;
    refuses f64[1, 3, 4] with downscale_factor = 2 => "pixel_unshuffle: the lengths do not fit the factor. Got 3 rows, 4 columns and downscale_factor=2; expected multiples of it.";
    refuses f64[4, 2, 2] with downscale_factor = -1 => "pixel_unshuffle: the factor is out of range. Got -1; expected a number >= 1.";
}
