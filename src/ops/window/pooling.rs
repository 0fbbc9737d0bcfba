//! What a window sees of each channel by itself: its largest element, its sum.

use smallvec::smallvec;

use crate::dtype::DType;
use crate::error::Result;
use crate::graph::attr::{Attr, PerAxis, Widths};
use crate::graph::op::{Call, CallKernel, Cotangent, Infer, Kernel, OpDef};
use crate::kernels::window::pooling;
use crate::ops::batch;
use crate::ops::index::gather_adjoint;
use crate::ops::movement::{merge_axes, repeated};
use crate::ops::rules::shaped_like;
use crate::ops::unpack::{arity, attr};
use crate::shape::{self, Aval, Dim, Tuple};

use super::batches::more_samples;
use super::pool::Pool;
use super::sliding::{AXES, lengths_of, lent};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&WINDOW_MAX, &WINDOW_SUM, &WINDOW_SPREAD, &WINDOW_COUNTS];

/// The number of axes over which a window slides.
pub(super) fn sliding_axes(c: &Infer<'_>, x: &Aval) -> Result<usize> {
    match x.ndim().checked_sub(2) {
        Some(n) if (1..=AXES).contains(&n) => Ok(n),
        _ => c.shape_error(
            "the array has the wrong number of axes",
            Tuple(&x.shape),
            format_args!("two axes, and 1 to {AXES} over which the window slides"),
        ),
    }
}

row! {
    /// The largest element in each window of `x` (n, channels, ...), and where it stands among the elements of its channel, counted in C order:
    /// of equal ones the first, and the first NaN if there is one. Beside `x` stands nothing.
    ///
    /// Gradient: `g` to the elements that are named, added up where windows share one.
    pub(crate) WINDOW_MAX = fn window_max(x: any; kernel: PerAxis, stride: PerAxis, padding: Widths, dilation: PerAxis, ceil_mode: bool = false) -> y, index
    shape(c) {
        let n = sliding_axes(c, x)?;
        let pool = Pool::of(c.op, n, &kernel, &stride, &padding, &dilation, ceil_mode)?;
        let places = pool.places(c, x)?;
        for (i, length) in x.shape.iter().skip(2).enumerate() {
            let (Some(&k), Some(&d), Some(&ends)) = (pool.kernel.get(i), pool.s.dilation.get(i), pool.s.ends.get(i)) else { continue };
            // Then each window sees an element.
            let extent = d.saturating_mul(k - 1).saturating_add(1);
            if ends.iter().any(|&e| e > extent / 2 || e > 0 && length.known().is_some_and(|n| d > n as i64)) {
                let got = format_args!("{} and {} beside {} elements for a window of {k}, {d} apart", ends[0], ends[1], Tuple(&[*length]));
                return c.shape_error("a window may see nothing", got, "a padding of at most half the window, and a dilation of at most the length");
            }
        }
        let shape: shape::Shape = x.shape.iter().take(2).copied().chain(places).collect();
        Ok(smallvec![Aval { dtype: x.dtype, shape: shape.clone() }, Aval { dtype: DType::I64, shape }])
    };
    kernel Kernel::Call(CallKernel {
        run: |c: &mut Call<'_>| {
            let ([x], [y, index]) = (c.inputs, &mut *c.outputs) else { return Err(arity(c.op)) };
            let pool = Pool::read(c.op, x.dims().len().saturating_sub(2), c.attrs, true)?;
            pooling::max(c.ranges, &pool.window(), *x, y, index)
        },
        scratch: |_, _| 0,
        fallible: false,
        spares: &[],
    });
    support Scattered;
    vjp(g, gi) { x: {
        let n = x.ndim().saturating_sub(2);
        shaped_like(gather_adjoint(merge_axes(g, 2, n), merge_axes(index, 2, n), merge_axes(x, 2, n), -1), x)
    } }
    batch Rule(|b| more_samples(b, &[]));
    cost |c| c.size() * window_size(c.attrs);
    numpy "ref.window_max(x, kernel, stride, padding, dilation, ceil_mode)";
    case distinct[2, 3, 7] with kernel = 3, stride = 2, padding = [(1, 1)], dilation = 1;
    case distinct[1, 2, 5, 6] with kernel = [2, 3], stride = [2, 1], padding = [(1, 0), (0, 1)], dilation = [2, 1], ceil_mode = true;
    case distinct[1, 2, 3, 3, 2] with kernel = 2, stride = 1, padding = 0, dilation = 1;
    refuses f64[2, 3] with kernel = 2, stride = 1, padding = 0, dilation = 1 => "window_max: the array has the wrong number of axes. Got (2, 3); expected two axes, and 1 to 3 over which the window slides.";
    refuses f64[2, 3, 4] with kernel = 2, stride = 1, padding = 2, dilation = 1 => "window_max: a window may see nothing. Got 2 and 2 beside (4,) elements for a window of 2, 1 apart; expected a padding of at most half the window, and a dilation of at most the length.";
    refuses f64[2, 3, 4] with kernel = 0, stride = 1, padding = 0, dilation = 1 => "window_max: `kernel_size` is out of range. Got kernel_size=0; expected numbers from 1 to 2147483647.";
}

/// Elements of the window that is the first attribute.
fn window_size(attrs: &[Attr]) -> f64 {
    attr::<PerAxis>(attrs.first()).map_or(1.0, |k| k.0.iter().map(|&k| k as f64).product())
}

/// A kernel of one array, and of lengths that are lent, if any are.
macro_rules! kernel {
    ($run:path) => {
        Kernel::Call(CallKernel {
            run: |c: &mut Call<'_>| {
                let ([x, ..], [y]) = (c.inputs, &mut *c.outputs) else { return Err(arity(c.op)) };
                let pool = Pool::read(c.op, x.dims().len().saturating_sub(2), c.attrs, false)?;
                $run(c.ranges, &pool.window(), *x, y)
            },
            scratch: |_, _| 0,
            fallible: false,
            spares: &[],
        })
    };
}

row! {
    /// The sum of each window of `x` (n, channels, ...), with zeros beside `x`.
    ///
    /// Gradient: `g` to all elements of the window.
    pub(crate) WINDOW_SUM = fn window_sum(x: float; kernel: PerAxis, stride: PerAxis, padding: Widths, ceil_mode: bool = false) -> y
    shape(c) {
        let n = sliding_axes(c, x)?;
        let places = Pool::of(c.op, n, &kernel, &stride, &padding, &PerAxis::all(1), ceil_mode)?.places(c, x)?;
        Ok(smallvec![Aval { dtype: x.dtype, shape: x.shape.iter().take(2).copied().chain(places).collect() }])
    };
    kernel kernel!(pooling::sum);
    support Unknown;
    vjp(g) { x: window_spread(g, lengths_of(x, x.ndim().saturating_sub(2)), kernel, stride, padding, ceil_mode) }
    batch Rule(|b| more_samples(b, &[]));
    cost |c| c.size() * window_size(c.attrs);
    numpy "ref.window_sum(x, kernel, stride, padding, ceil_mode)";
    case real[2, 3, 7] with kernel = 3, stride = 2, padding = [(1, 2)];
    case real[1, 2, 5, 6] with kernel = [2, 3], stride = [2, 1], padding = [(0, 0), (0, 1)], ceil_mode = true;
    case real[1, 2, 3, 3, 2] with kernel = 2, stride = 1, padding = 0;
    refuses f64[2, 3, 4] with kernel = 5, stride = 1, padding = 0 => "window_sum: the window does not fit into the array. Got a window of 5 elements, 1 apart, over 4 elements with 0 and 0 beside them; expected an extent from 1 to 4.";
    refuses f64[2, 3] with kernel = 5, stride = 1, padding = 0 => "window_sum: the array has the wrong number of axes. Got (2, 3); expected two axes, and 1 to 3 over which the window slides.";
}
row! {
    /// The adjoint of `window_sum`: each number of `g` added to all elements of its window. The last axes of `like` lend the lengths of the result.
    ///
    /// Gradient: the sum of `g` over each window.
    pub(crate) WINDOW_SPREAD = fn window_spread(g: float, like: any; kernel: PerAxis, stride: PerAxis, padding: Widths, ceil_mode: bool = false) -> x
    shape(c) {
        let n = sliding_axes(c, g)?;
        let pool = Pool::of(c.op, n, &kernel, &stride, &padding, &PerAxis::all(1), ceil_mode)?;
        let lengths = lent(c, like, n)?;
        let places = pool.s.all_places(c.op, lengths, &pool.lengths(), &mut || Dim::Sym(u32::MAX))?;
        let own = g.shape.get(2..).unwrap_or(&[]);
        if places.iter().zip(own).any(|(a, b)| a.known().is_some() && b.known().is_some() && a != b) {
            return c.shape_error("the places of the window do not fit", Tuple(own), Tuple(&places));
        }
        Ok(smallvec![Aval { dtype: g.dtype, shape: g.shape.iter().take(2).chain(lengths).copied().collect() }])
    };
    kernel kernel!(pooling::spread);
    support Unknown;
    vjp(c) { g: window_sum(c, kernel, stride, padding, ceil_mode), like: Cotangent::Zero }
    batch Rule(|b| more_samples(b, &[lengths_of(b.single(1), b.single(0).ndim().saturating_sub(2))]));
    cost |c| c.lengths(0).iter().map(|&n| n as f64).product::<f64>() * window_size(c.attrs);
    numpy "ref.window_spread(g, like, kernel, stride, padding, ceil_mode)";
    case real[2, 3, 4], real[7] with kernel = 3, stride = 2, padding = [(1, 2)];
    case real[1, 2, 3, 5], real[5, 6] with kernel = [2, 3], stride = [2, 1], padding = [(0, 0), (0, 1)], ceil_mode = true;
    refuses f64[2, 3, 3], f64[7] with kernel = 3, stride = 2, padding = [(1, 2)] => "window_spread: the places of the window do not fit. Got (3,); expected (4,).";
    refuses f64[2, 3, 3], f64[] with kernel = 3, stride = 2, padding = 1 => "window_spread: too few lengths are given. Got (); expected 1 axes at least.";
}
row! {
    /// How many elements each window sees along axis `axis` of `like`, of which only the shape is used: those of the array, or, with `around`,
    /// those of its padding too. The other attributes are of that axis alone.
    ///
    /// Gradient: none.
    pub(crate) WINDOW_COUNTS = fn window_counts(like: any; axis: i64, kernel: i64, stride: i64, padding: Widths, ceil_mode: bool = false, around: bool = false) -> counts
    shape(c) {
        let axis = shape::axis(c.op, axis, like.ndim())?;
        let pool = Pool::of(c.op, 1, &PerAxis::all(kernel), &PerAxis::all(stride), &padding, &PerAxis::all(1), ceil_mode)?;
        let length = like.shape.get(axis).copied().unwrap_or(Dim::Known(0));
        let places = pool.s.all_places(c.op, &[length], &pool.lengths(), &mut *c.fresh)?;
        Ok(smallvec![Aval::new(DType::I64, places)])
    };
    kernel call!(false, |[like] -> [counts], c| {
        let axis = shape::axis(c.op, attr(c.attrs.first())?, like.dims().len())?;
        let (kernel, stride, padding): (i64, i64, Widths) = (attr(c.attrs.get(1))?, attr(c.attrs.get(2))?, attr(c.attrs.get(3))?);
        let pool = Pool::of(c.op, 1, &PerAxis::all(kernel), &PerAxis::all(stride), &padding, &PerAxis::all(1), attr(c.attrs.get(4))?)?;
        let n = like.dims().get(axis).copied().unwrap_or(0);
        pooling::counts(c.ranges, &pool.window(), n, pool.s.ends.first().map_or(0, |e| e[1] as usize), attr(c.attrs.get(5))?, counts)
    });
    support Unknown;
    vjp(g) { like: Cotangent::Zero }
    batch Rule(|b| {
        let counts = batch::applied(b, &[lengths_of(b.single(0), b.single(0).ndim())], &b.node.attrs)?;
        Ok(counts.into_iter().map(|y| repeated(y, b.n as i64, 0)).collect())
    });
    numpy "ref.window_counts(like, axis, kernel, stride, padding, ceil_mode, around)";
    exempt First, Second: "it has no floating input, or no floating result";
    case real[2, 7] with axis = 1, kernel = 3, stride = 2, padding = [(1, 2)];
    case real[6, 2] with axis = 0, kernel = 3, stride = 4, padding = 1, ceil_mode = true;
    case real[6, 2] with axis = 0, kernel = 3, stride = 4, padding = 1, ceil_mode = true, around = true;
    refuses f64[3] with axis = 1, kernel = 3, stride = 2, padding = 0 => "window_counts: axis is out of range. Got axis=1 for 1 dimension; expected -1 <= axis < 1.";
    refuses f64[3] with axis = 0, kernel = 4, stride = 2, padding = 0 => "window_counts: the window does not fit into the array. Got a window of 4 elements, 1 apart, over 3 elements with 0 and 0 beside them; expected an extent from 1 to 3.";
}
