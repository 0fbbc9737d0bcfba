//! What windows see as an array of patches, and images made of patches.

use smallvec::smallvec;

use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::attr::{Padding, PerAxis, Widths};
use crate::graph::op::{Call, CallKernel, Cotangent, Infer, Kernel, OpDef};
use crate::kernels::window::patches;
use crate::ops::batch;
use crate::ops::broadcast::broadcast_to;
use crate::ops::unpack::{arity, attr};
use crate::shape::{Aval, Dim, Tuple};

use super::batches::more_samples;
use super::pool::Pool;
use super::pooling::sliding_axes;
use super::sliding::{AXES, Sliding, each, lengths_of, trailing};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&PATCHES, &PATCHES_ADDED, &UNFOLD, &FOLD];

/// The lengths of the patches of images of these channels and lengths: channels times window, and places.
fn patch_dims(c: &mut Infer<'_>, pool: &Pool, channels: Dim, lengths: &[Dim]) -> Result<[Dim; 2]> {
    let places = pool.s.all_places(c.op, lengths, &pool.lengths(), &mut *c.fresh)?;
    let product = |dims: &[Dim]| dims.iter().map(|d| d.known()).try_fold(1usize, |all, n| all.checked_mul(n?)).map(Dim::Known);
    let all: Vec<Dim> = [channels].into_iter().chain(pool.lengths()).collect();
    let depth = product(&all).unwrap_or_else(|| (c.fresh)());
    Ok([depth, product(&places).unwrap_or_else(|| (c.fresh)())])
}

/// The number of axes, from the attribute that has one number for each.
fn axes(c: &Infer<'_>, kernel: &PerAxis) -> Result<usize> {
    match kernel.0.len() {
        n if (1..=AXES).contains(&n) => Ok(n),
        n => c.shape_error("the window has the wrong number of axes", n, format_args!("1 to {AXES}")),
    }
}

/// The places of a window along the axes of `lengths`, as a kernel takes them.
fn places(op: &str, pool: &Pool, lengths: &[usize]) -> Result<[usize; AXES]> {
    let all = lengths.iter().zip(&pool.kernel).enumerate().map(|(i, (&n, &k))| pool.s.places(op, i, n, k as usize));
    Ok(trailing(&all.collect::<Result<Vec<_>>>()?, 1, |&n| n))
}

row! {
    /// What a window sees of `x` (n, channels, ...), with zeros around it: (n, channels * elements of the window, places), both in C order.
    ///
    /// Gradient: `patches_added(g)`.
    pub(crate) PATCHES = fn patches(x: float; kernel: PerAxis, stride: PerAxis, padding: Widths, dilation: PerAxis) -> y
    shape(c) {
        let n = sliding_axes(c, x)?;
        let pool = Pool::of(c.op, n, &kernel, &stride, &padding, &dilation, false)?;
        let (&[samples, channels], lengths) = x.shape.split_first_chunk().ok_or_else(|| arity(c.op))?;
        let [depth, places] = patch_dims(c, &pool, channels, lengths)?;
        Ok(smallvec![Aval::new(x.dtype, [samples, depth, places])])
    };
    kernel Kernel::Call(CallKernel {
        run: |c: &mut Call<'_>| {
            let ([x], [y]) = (c.inputs, &mut *c.outputs) else { return Err(arity(c.op)) };
            let lengths = x.dims().get(2..).unwrap_or(&[]);
            let pool = Pool::of(c.op, lengths.len(), &attr(c.attrs.first())?, &attr(c.attrs.get(1))?, &attr(c.attrs.get(2))?, &attr(c.attrs.get(3))?, false)?;
            patches::gather(c.ranges, &pool.window(), places(c.op, &pool, lengths)?, *x, y)
        },
        scratch: |_, _| 0,
        fallible: false,
        spares: &[],
    });
    support Unknown;
    vjp(g) { x: patches_added(g, lengths_of(x, x.ndim().saturating_sub(2)), kernel, stride, padding, dilation) }
    batch Rule(|b| more_samples(b, &[]));
    numpy "ref.patches(x, kernel, stride, padding, dilation)";
    case real[2, 3, 7] with kernel = [3], stride = 2, padding = [(1, 2)], dilation = 1;
    case real[1, 2, 5, 4] with kernel = [2, 3], stride = [2, 1], padding = [(0, 1), (1, 1)], dilation = [2, 1];
    refuses f64[2, 3] with kernel = [2], stride = 1, padding = 0, dilation = 1 => "patches: the array has the wrong number of axes. Got (2, 3); expected two axes, and 1 to 3 over which the window slides.";
    refuses f64[2, 3, 4] with kernel = [5], stride = 1, padding = 0, dilation = 1 => "patches: the window does not fit into the array. Got a window of 5 elements, 1 apart, over 4 elements with 0 and 0 beside them; expected an extent from 1 to 4.";
}
row! {
    /// The adjoint of `patches`: patches `g` (n, channels * elements of the window, places) added up where they lie. The last axes of `like`, as many as
    /// `kernel` has numbers, lend the lengths of the result; only its shape is used.
    ///
    /// Gradient: `patches(g)`.
    pub(crate) PATCHES_ADDED = fn patches_added(g: float, like: any; kernel: PerAxis, stride: PerAxis, padding: Widths, dilation: PerAxis) -> x
    shape(c) {
        let n = axes(c, &kernel)?;
        let pool = Pool::of(c.op, n, &kernel, &stride, &padding, &dilation, false)?;
        let (&[samples, depth, places], Some(lengths)) = (&g.shape[..], like.shape.len().checked_sub(n).and_then(|from| like.shape.get(from..))) else {
            let got = format_args!("{} and {}", Tuple(&g.shape), Tuple(&like.shape));
            return c.shape_error("the operands have the wrong number of axes", got, format_args!("3 axes, and {n} at least"));
        };
        let size: i64 = pool.kernel.iter().fold(1i64, |all, &k| all.saturating_mul(k));
        let channels = match depth.known() {
            Some(d) if d as i64 % size != 0 => {
                return c.shape_error("the patches do not fit the window", Tuple(&g.shape), format_args!("a multiple of {size} on axis 1"));
            }
            Some(d) => Dim::Known(d / size as usize),
            None => (c.fresh)(),
        };
        let [_, own] = patch_dims(c, &pool, channels, lengths)?;
        if places.unify(own).is_none() {
            return c.shape_error("the places of the window do not fit", Tuple(&g.shape), format_args!("{} on axis 2", Tuple(&[own])));
        }
        Ok(smallvec![Aval { dtype: g.dtype, shape: [samples, channels].into_iter().chain(lengths.iter().copied()).collect() }])
    };
    kernel Kernel::Call(CallKernel {
        run: |c: &mut Call<'_>| {
            let ([g, ..], [x]) = (c.inputs, &mut *c.outputs) else { return Err(arity(c.op)) };
            let lengths = x.dims().get(2..).unwrap_or(&[]);
            let pool = Pool::of(c.op, lengths.len(), &attr(c.attrs.first())?, &attr(c.attrs.get(1))?, &attr(c.attrs.get(2))?, &attr(c.attrs.get(3))?, false)?;
            patches::scatter(c.ranges, &pool.window(), places(c.op, &pool, lengths)?, *g, x)
        },
        scratch: |_, _| 0,
        fallible: false,
        spares: &[],
    });
    support Unknown;
    vjp(c) { g: patches(c, kernel, stride, padding, dilation), like: Cotangent::Zero }
    batch Rule(|b| {
        let n = b.output(0).ndim().saturating_sub(2);
        if b.has.first() == Some(&false) { batch::looped(b) } else { more_samples(b, &[lengths_of(b.single(1), n)]) }
    });
    numpy "ref.patches_added(g, like, kernel, stride, padding, dilation)";
    case real[2, 9, 4], real[7] with kernel = [3], stride = 2, padding = [(1, 2)], dilation = 1;
    case real[1, 12, 8], real[5, 4] with kernel = [2, 3], stride = [2, 1], padding = [(0, 1), (1, 1)], dilation = [2, 1];
    refuses f64[2, 8, 4], f64[7] with kernel = [3], stride = 2, padding = [(1, 2)], dilation = 1 => "patches_added: the patches do not fit the window. Got (2, 8, 4); expected a multiple of 3 on axis 1.";
    refuses f64[2, 9, 3], f64[7] with kernel = [3], stride = 2, padding = [(1, 2)], dilation = 1 => "patches_added: the places of the window do not fit. Got (2, 9, 3); expected (4,) on axis 2.";
    refuses f64[2, 9, 3], f64[7] with kernel = (), stride = 2, padding = 1, dilation = 1 => "patches_added: the window has the wrong number of axes. Got 0; expected 1 to 3.";
    refuses f64[2, 9], f64[7] with kernel = [3], stride = 2, padding = 1, dilation = 1 => "patches_added: the operands have the wrong number of axes. Got (2, 9) and (7,); expected 3 axes, and 1 at least.";
}

row! {
    /// What windows of `kernel_size` elements, `dilation` apart, see of `x` (n, channels, ...), with zeros around it: patches
    /// (n, channels * elements of the window, places), both in C order, for one to three axes over which the window slides; also called im2col. With filters as
    /// rows, a convolution is their product with the patches.
    ///
    /// Gradient: `g` added up where the patches lie, as `fold` does.
    pub UNFOLD = fn unfold(x: float; kernel_size: PerAxis, dilation: PerAxis = PerAxis::all(1), padding: Padding = Padding::valid(), stride: PerAxis = PerAxis::all(1)) -> y
    body {
        let n = x.ndim().saturating_sub(2);
        if !(1..=AXES).contains(&n) {
            let rule = format_args!("two axes, and 1 to {AXES} over which the window slides");
            return Err(Error::new(ErrorKind::Shape, "unfold", "the array has the wrong number of axes", Tuple(x.dims()), rule));
        }
        let kernel = each("unfold", "kernel_size", &kernel_size, n, 1)?;
        let dims: Vec<Dim> = kernel.iter().map(|&k| Dim::Known(k as usize)).collect();
        let s = Sliding::said("unfold", &dims, &stride, &padding, &dilation)?;
        s.all_places("unfold", x.dims().get(2..).unwrap_or(&[]), &dims, &mut || Dim::Known(0))?;
        let (stride, padding, dilation) = s.attrs();
        patches(x, PerAxis(kernel), stride, padding, dilation)
    }
    numpy "ref.patches(x, kernel_size, stride, padding, dilation)";
    example "T.unfold([[[1, 2, 3, 4]]], 2, stride=2)" => "[[[1. 3.]\n  [2. 4.]]]";
    alias im2col;
    case real[2, 3, 5, 4] with kernel_size = [2, 3], padding = 1, dilation = [2, 1], stride = [1, 2];
    case real[1, 2, 7] with kernel_size = 3;
    refuses f64[2, 3] with kernel_size = 2 => "unfold: the array has the wrong number of axes. Got (2, 3); expected two axes, and 1 to 3 over which the window slides.";
    refuses f64[2, 3, 4] with kernel_size = 0 => "unfold: `kernel_size` is out of range. Got kernel_size=0; expected numbers from 1 to 2147483647.";
    refuses f64[2, 3, 4] with kernel_size = 5 => "unfold: the window does not fit into the array. Got a window of 5 elements, 1 apart, over 4 elements with 0 and 0 beside them; expected an extent from 1 to 4.";
}
row! {
    /// Patches `x` (n, channels * elements of the window, places) added up where they lie in an array (n, channels, *output_size): the adjoint of `unfold`.
    /// `output_size` has a number for each axis over which the window slides.
    ///
    /// Gradient: the patches of `g`.
    pub FOLD = fn fold(x: float; output_size: PerAxis, kernel_size: PerAxis, dilation: PerAxis = PerAxis::all(1), padding: Padding = Padding::valid(), stride: PerAxis = PerAxis::all(1)) -> y
    body {
        let n = output_size.0.len();
        if !(1..=AXES).contains(&n) || x.ndim() != 3 {
            let got = format!("{} for output_size={}", Tuple(x.dims()), Tuple(&output_size.0));
            let rule = format_args!("three axes, and 1 to {AXES} numbers");
            return Err(Error::new(ErrorKind::Shape, "fold", "the patches do not fit the result", got, rule));
        }
        let (lengths, kernel) = (each("fold", "output_size", &output_size, n, 1)?, each("fold", "kernel_size", &kernel_size, n, 1)?);
        let dims = |list: &[i64]| list.iter().map(|&k| Dim::Known(k as usize)).collect::<Vec<Dim>>();
        let s = Sliding::said("fold", &dims(&kernel), &stride, &padding, &dilation)?;
        let places = s.all_places("fold", &dims(&lengths), &dims(&kernel), &mut || Dim::Known(0))?;
        let count = |list: &[Dim]| list.iter().map(|d| d.known().unwrap_or(0)).fold(1usize, usize::saturating_mul);
        let size = count(&dims(&kernel));
        let fits = |i: usize, f: &dyn Fn(usize) -> bool| x.dims().get(i).and_then(|d| d.known()).is_none_or(f);
        if !fits(1, &|d| d % size == 0) || !fits(2, &|p| p == count(&places)) {
            let rule = format!("a multiple of {size} on axis 1, and {} on axis 2", count(&places));
            return Err(Error::new(ErrorKind::Shape, "fold", "the patches do not fit the window", Tuple(x.dims()), rule));
        }
        let like = broadcast_to(x.graph().literal(false.into(), DType::Bool), lengths.to_vec());
        let (stride, padding, dilation) = s.attrs();
        patches_added(x, like, PerAxis(kernel), stride, padding, dilation)
    }
    numpy "ref.fold(x, output_size, kernel_size, dilation, padding, stride)";
    example "T.fold(np.ones((1, 2, 3)), (4,), 2)" => "[[[1. 2. 2. 1.]]]";
    case real[2, 6, 15] with output_size = [4, 5], kernel_size = [2, 3], dilation = 1, padding = [0, 1], stride = 1;
    case real[1, 6, 4] with output_size = [6], kernel_size = 3;
    refuses f64[1, 5, 4] with output_size = [6], kernel_size = 3 => "fold: the patches do not fit the window. Got (1, 5, 4); expected a multiple of 3 on axis 1, and 4 on axis 2.";
    refuses f64[1, 5] with output_size = [6], kernel_size = 3 => "fold: the patches do not fit the result. Got (1, 5) for output_size=(6,); expected three axes, and 1 to 3 numbers.";
}
