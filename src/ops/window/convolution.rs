//! Convolution and its two adjoints. Each is linear in both operands, and the adjoints of each are the other two: so every order of
//! derivative is made of these three.

use smallvec::smallvec;

use crate::error::Result;
use crate::graph::Tensor;
use crate::graph::attr::{Attr, PerAxis, Widths};
use crate::graph::op::{Batched, Call, CallKernel, Cotangent, Infer, Kernel, OpDef};
use crate::kernels::window::convolution::{Convolution, Wanted};
use crate::ops::unpack::{arity, attr};
use crate::shape::{Aval, Dim, Tuple};

use super::batches::{apart, in_channels, in_front, once, or_looped};
use super::sliding::{AXES, Sliding, lengths_of, lent};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&CONVOLVE, &CONVOLVE_INPUT, &CONVOLVE_WEIGHT];

/// The lengths of the axes behind the first two of an operand, one to three of them.
fn spatial<'a>(c: &Infer<'_>, a: &'a Aval, name: &str) -> Result<&'a [Dim]> {
    match &a.shape[..] {
        [_, _, rest @ ..] if (1..=AXES).contains(&rest.len()) => Ok(rest),
        all => c.shape_error(
            format_args!("{name} has the wrong number of axes").to_string().as_str(),
            Tuple(all),
            format_args!("two axes, and 1 to {AXES} over which the window slides"),
        ),
    }
}

/// The operands' axes over which the window slides, as many of each.
fn axes<'a>(c: &Infer<'_>, [a, b]: [&'a Aval; 2]) -> Result<[&'a [Dim]; 2]> {
    let both = [spatial(c, a, "the first operand")?, spatial(c, b, "the second operand")?];
    if both[0].len() != both[1].len() {
        return c.shape_error("the operands differ in axes", format_args!("{} and {}", Tuple(&a.shape), Tuple(&b.shape)), "as many axes");
    }
    Ok(both)
}

/// An error unless two lengths may be equal.
fn equal(c: &Infer<'_>, what: &str, [a, b]: [&Aval; 2], [m, n]: [Dim; 2], rule: &str) -> Result<()> {
    if m.unify(n).is_some() {
        return Ok(());
    }
    c.shape_error(what, format_args!("{} and {}", Tuple(&a.shape), Tuple(&b.shape)), rule)
}

/// The number of groups, which divides a number of channels or filters.
pub(super) fn divided(op: &str, groups: i64, n: Dim, what: &str) -> Result<usize> {
    let count = usize::try_from(groups).unwrap_or(0);
    match n.known() {
        _ if count == 0 => Err(crate::error::Error::new(
            crate::error::ErrorKind::Value,
            op,
            "the number of groups is out of range",
            format_args!("groups={groups}"),
            "a number >= 1",
        )),
        Some(n) if n % count != 0 => Err(crate::error::Error::new(
            crate::error::ErrorKind::Shape,
            op,
            format_args!("the groups do not divide the {what}"),
            format_args!("groups={groups} for {n} {what}"),
            format_args!("a divisor of {n}"),
        )),
        _ => Ok(count),
    }
}

/// An error unless the window has as many places over `lengths` as `places` says, where both are known.
fn fitting(c: &Infer<'_>, s: &Sliding, lengths: &[Dim], kernel: &[Dim], places: &[Dim]) -> Result<()> {
    let own = s.all_places(c.op, lengths, kernel, &mut || Dim::Sym(u32::MAX))?;
    if own.iter().zip(places).all(|(a, b)| a.known().is_none() || b.known().is_none() || a == b) {
        return Ok(());
    }
    let got = format!("{} places over {} with a window of {}", Tuple(places), Tuple(lengths), Tuple(kernel));
    c.shape_error("the places of the window do not fit", got, Tuple(&own))
}

/// What a node's kernel computes.
fn told(op: &str, n: usize, attrs: &[Attr], wanted: Wanted) -> Result<Convolution> {
    let (stride, padding, dilation): (PerAxis, Widths, PerAxis) = (attr(attrs.first())?, attr(attrs.get(1))?, attr(attrs.get(2))?);
    let groups: i64 = attr(attrs.get(3))?;
    Ok(Convolution { steps: Sliding::of(op, n, &stride, &padding, &dilation)?.steps(), groups: groups.max(1) as usize, wanted })
}

/// Bytes of scratch that a node's kernel needs, from its inputs.
fn scratch(inputs: &[&Aval], attrs: &[Attr], wanted: Wanted) -> Option<usize> {
    const OP: &str = "convolve";
    let (first, a, b) = (inputs.first()?, inputs.first()?.dims()?, inputs.get(1)?.dims()?);
    let n = a.len().checked_sub(2)?;
    let c = told(OP, n, attrs, wanted).ok()?;
    let lent = || inputs.get(2).and_then(|l| l.dims()).and_then(|l| Some(l.get(l.len().checked_sub(n)?..)?.to_vec()));
    let (outer, inner) = match wanted {
        Wanted::Results => {
            let (stride, padding, dilation) = (attr(attrs.first()).ok()?, attr(attrs.get(1)).ok()?, attr(attrs.get(2)).ok()?);
            let s = Sliding::of(OP, n, &stride, &padding, &dilation).ok()?;
            let places = a.iter().zip(b.iter()).skip(2).enumerate().map(|(i, (&n, &k))| s.places(OP, i, n, k).ok());
            ([*a.first()?, *b.first()?], places.collect::<Option<Vec<_>>>()?)
        }
        Wanted::Images => ([*a.first()?, b.get(1)? * c.groups], lent()?),
        Wanted::Filters => ([*b.get(1)?, a.get(1)? / c.groups], lent()?),
    };
    let out: Vec<usize> = outer.into_iter().chain(inner).collect();
    Some(c.scratch(first.dtype, [&a, &b, &out]))
}

/// A kernel of two operands and of lengths that are lent, if any are.
macro_rules! kernel {
    ($wanted:ident) => {
        Kernel::Call(CallKernel {
            run: |c: &mut Call<'_>| {
                let ([a, b, ..], [y]) = (c.inputs, &mut *c.outputs) else { return Err(arity(c.op)) };
                told(c.op, a.dims().len().saturating_sub(2), c.attrs, Wanted::$wanted)?.run(c.ranges, *a, *b, c.scratch, y)
            },
            scratch: |avals, attrs| scratch(avals, attrs, Wanted::$wanted).unwrap_or(0),
            fallible: false,
            spares: &[],
        })
    };
}

row! {
    /// Windows of `x` (n, channels, ...) times filters `w` (filters, channels / groups, ...), summed over channels and window:
    /// `y[n, f, p] = sum of w[f, c, q] * x[n, c, p * stride - before + q * dilation]` over the channels of the group of `f`, with zeros
    /// around `x`. A cross-correlation, as networks have it.
    ///
    /// Gradient: `convolve_input(g, w)` and `convolve_weight(x, g)`.
    pub(crate) CONVOLVE = fn convolve(x: float, w: float; stride: PerAxis, padding: Widths, dilation: PerAxis, groups: i64 = 1) -> y
    shape(c) {
        let [lengths, kernel] = axes(c, [x, w])?;
        let s = Sliding::of(c.op, lengths.len(), &stride, &padding, &dilation)?;
        let (&[n, channels, ..], &[filters, depth, ..]) = (&x.shape[..], &w.shape[..]) else { return Err(arity(c.op)) };
        let groups = divided(c.op, groups, channels, "channels")?;
        divided(c.op, groups as i64, filters, "filters")?;
        let own = channels.known().map_or(Dim::Sym(u32::MAX), |n| Dim::Known(n / groups));
        if own.known().is_some() {
            equal(c, "the channels do not fit", [x, w], [own, depth], "w.shape[1] == x.shape[1] / groups")?;
        }
        let places = s.all_places(c.op, lengths, kernel, &mut *c.fresh)?;
        Ok(smallvec![Aval { dtype: x.dtype, shape: [n, filters].into_iter().chain(places).collect() }])
    };
    kernel kernel!(Results);
    support Unknown;
    vjp(g) {
        x: convolve_input(g, w, lengths_of(x, x.ndim().saturating_sub(2)), stride.clone(), padding.clone(), dilation.clone(), groups),
        w: convolve_weight(x, g, lengths_of(w, x.ndim().saturating_sub(2)), stride, padding, dilation, groups),
    }
    batch Rule(batched);
    cost |c| 2.0 * c.size() * elements(&c.lengths(1), 1);
    numpy "ref.convolve(x, w, stride, padding, dilation, groups)";
    case real[2, 3, 7], real[4, 3, 3] with stride = 2, padding = [(1, 2)], dilation = 1;
    case real[2, 4, 5, 6], real[6, 2, 3, 2] with stride = [2, 1], padding = [(1, 0), (0, 2)], dilation = [1, 3], groups = 2;
    case real[1, 2, 3, 4, 3], real[2, 2, 2, 3, 1] with stride = [1, 2, 2], padding = [(0, 1), (1, 1), (1, 0)], dilation = [2, 1, 1];
    refuses f64[2, 3], f64[4, 3] with stride = 1, padding = 0, dilation = 1 => "convolve: the first operand has the wrong number of axes. Got (2, 3); expected two axes, and 1 to 3 over which the window slides.";
    refuses f64[2, 3, 4], f64[4, 3, 2, 2] with stride = 1, padding = 0, dilation = 1 => "convolve: the operands differ in axes. Got (2, 3, 4) and (4, 3, 2, 2); expected as many axes.";
    refuses f64[2, 3, 4], f64[4, 2, 2] with stride = 1, padding = 0, dilation = 1 => "convolve: the channels do not fit. Got (2, 3, 4) and (4, 2, 2); expected w.shape[1] == x.shape[1] / groups.";
    refuses f64[2, 4, 4], f64[4, 2, 2] with stride = 1, padding = 0, dilation = 1, groups = 3 => "convolve: the groups do not divide the channels. Got groups=3 for 4 channels; expected a divisor of 4.";
    refuses f64[2, 4, 4], f64[4, 2, 2] with stride = 1, padding = 0, dilation = 1, groups = 0 => "convolve: the number of groups is out of range. Got groups=0; expected a number >= 1.";
    refuses f64[2, 4, 4], f64[4, 4, 2] with stride = 0, padding = 0, dilation = 1 => "convolve: `stride` is out of range. Got stride=0; expected numbers from 1 to 2147483647.";
    refuses f64[2, 4, 4], f64[4, 4, 3] with stride = 1, padding = 0, dilation = 2 => "convolve: the window does not fit into the array. Got a window of 3 elements, 2 apart, over 4 elements with 0 and 0 beside them; expected an extent from 1 to 4.";
}
row! {
    /// The adjoint of `convolve` in its input: `x[n, c, i] = sum of w[f, c, q] * g[n, f, p]` over filters, places and elements of the window
    /// with `p * stride - before + q * dilation == i`. The last axes of `like` lend the lengths of `x`; only its shape is used.
    ///
    /// Gradient: `convolve(g', w)` and `convolve_weight(g', g)`.
    pub(crate) CONVOLVE_INPUT = fn convolve_input(g: float, w: float, like: any; stride: PerAxis, padding: Widths, dilation: PerAxis, groups: i64 = 1) -> x
    shape(c) {
        let [places, kernel] = axes(c, [g, w])?;
        let s = Sliding::of(c.op, places.len(), &stride, &padding, &dilation)?;
        let (&[n, filters, ..], &[own, depth, ..]) = (&g.shape[..], &w.shape[..]) else { return Err(arity(c.op)) };
        equal(c, "the filters do not fit", [g, w], [filters, own], "g.shape[1] == w.shape[0]")?;
        let groups = divided(c.op, groups, own, "filters")?;
        let lengths = lent(c, like, places.len())?;
        fitting(c, &s, lengths, kernel, places)?;
        let channels = match depth.known().and_then(|n| n.checked_mul(groups)) {
            Some(n) => Dim::Known(n),
            None if groups == 1 => depth,
            None => (c.fresh)(),
        };
        Ok(smallvec![Aval { dtype: g.dtype, shape: [n, channels].into_iter().chain(lengths.iter().copied()).collect() }])
    };
    kernel kernel!(Images);
    support Unknown;
    vjp(c) {
        g: convolve(c, w, stride.clone(), padding.clone(), dilation.clone(), groups),
        w: convolve_weight(c, g, lengths_of(w, g.ndim().saturating_sub(2)), stride, padding, dilation, groups),
        like: Cotangent::Zero,
    }
    batch Rule(batched_input);
    cost |c| 2.0 * elements(&c.lengths(0), 0) * elements(&c.lengths(1), 1);
    numpy "ref.convolve_input(g, w, like, stride, padding, dilation, groups)";
    case real[2, 4, 4], real[4, 3, 3], real[7] with stride = 2, padding = [(1, 2)], dilation = 1;
    case real[2, 6, 3, 2], real[6, 2, 3, 2], real[5, 6] with stride = [2, 2], padding = [(1, 1), (0, 1)], dilation = [1, 3], groups = 2;
    case real[1, 2, 2, 2, 2], real[2, 2, 2, 3, 1], real[3, 4, 3] with stride = [1, 2, 2], padding = [(0, 1), (1, 1), (1, 0)], dilation = [2, 1, 1];
    refuses f64[2, 4, 4], f64[3, 3, 3], f64[7] with stride = 2, padding = 1, dilation = 1 => "convolve_input: the filters do not fit. Got (2, 4, 4) and (3, 3, 3); expected g.shape[1] == w.shape[0].";
    refuses f64[2, 4, 4], f64[4, 3, 3], f64[9] with stride = 2, padding = 1, dilation = 1 => "convolve_input: the places of the window do not fit. Got (4,) places over (9,) with a window of (3,); expected (5,).";
    refuses f64[2, 4, 4], f64[4, 3, 3], f64[] with stride = 2, padding = 1, dilation = 1 => "convolve_input: too few lengths are given. Got (); expected 1 axes at least.";
}
row! {
    /// The adjoint of `convolve` in its filters: `w[f, c, q] = sum of g[n, f, p] * x[n, c, p * stride - before + q * dilation]` over samples and
    /// places. The last axes of `like` lend the lengths of the window; only its shape is used.
    ///
    /// Gradient: `convolve_input(g, w')` and `convolve(x, w')`.
    pub(crate) CONVOLVE_WEIGHT = fn convolve_weight(x: float, g: float, like: any; stride: PerAxis, padding: Widths, dilation: PerAxis, groups: i64 = 1) -> w
    shape(c) {
        let [lengths, places] = axes(c, [x, g])?;
        let s = Sliding::of(c.op, places.len(), &stride, &padding, &dilation)?;
        let (&[n, channels, ..], &[m, filters, ..]) = (&x.shape[..], &g.shape[..]) else { return Err(arity(c.op)) };
        equal(c, "the samples do not fit", [x, g], [n, m], "x.shape[0] == g.shape[0]")?;
        let groups = divided(c.op, groups, channels, "channels")?;
        divided(c.op, groups as i64, filters, "filters")?;
        let kernel = lent(c, like, places.len())?;
        fitting(c, &s, lengths, kernel, places)?;
        let depth = match channels.known() {
            Some(n) => Dim::Known(n / groups),
            None if groups == 1 => channels,
            None => (c.fresh)(),
        };
        Ok(smallvec![Aval { dtype: x.dtype, shape: [filters, depth].into_iter().chain(kernel.iter().copied()).collect() }])
    };
    kernel kernel!(Filters);
    support Unknown;
    vjp(c) {
        x: convolve_input(g, c, lengths_of(x, x.ndim().saturating_sub(2)), stride.clone(), padding.clone(), dilation.clone(), groups),
        g: convolve(x, c, stride, padding, dilation, groups),
        like: Cotangent::Zero,
    }
    batch Rule(batched_weight);
    cost |c| 2.0 * c.size() * elements(&c.lengths(1), 0) / c.lengths(1).get(1).map_or(1.0, |&n| n.max(1) as f64);
    numpy "ref.convolve_weight(x, g, like, stride, padding, dilation, groups)";
    case real[2, 3, 7], real[2, 4, 4], real[3] with stride = 2, padding = [(1, 2)], dilation = 1;
    case real[2, 4, 5, 6], real[2, 6, 3, 2], real[3, 2] with stride = [2, 2], padding = [(1, 1), (0, 1)], dilation = [1, 3], groups = 2;
    case real[1, 2, 3, 4, 3], real[1, 2, 2, 2, 2], real[2, 3, 1] with stride = [1, 2, 2], padding = [(0, 1), (1, 1), (1, 0)], dilation = [2, 1, 1];
    refuses f64[2, 3, 7], f64[1, 4, 4], f64[3] with stride = 2, padding = 1, dilation = 1 => "convolve_weight: the samples do not fit. Got (2, 3, 7) and (1, 4, 4); expected x.shape[0] == g.shape[0].";
    refuses f64[2, 3, 7], f64[2, 4, 4], f64[2] with stride = 2, padding = 0, dilation = 1 => "convolve_weight: the places of the window do not fit. Got (4,) places over (7,) with a window of (2,); expected (3,).";
}

/// The product of the lengths from axis `first` on.
fn elements(lengths: &[usize], first: usize) -> f64 {
    lengths.iter().skip(first).map(|&n| n as f64).product()
}

/// The attributes with so many times the groups.
fn grouped(b: &Batched<'_, '_>) -> Vec<Attr> {
    let mut attrs = b.node.attrs.to_vec();
    if let Some(Attr::Int(groups)) = attrs.get_mut(3) {
        *groups = groups.saturating_mul(b.n as i64);
    }
    attrs
}

/// Samples that are more, where only they have the axis; else groups that are more.
fn batched<'g>(b: &Batched<'_, 'g>) -> Result<Vec<Tensor<'g>>> {
    or_looped(
        b,
        (|| {
            if b.has.get(1) == Some(&false) {
                return apart(once(b, &[in_front(b, 0)?, b.single(1)], &b.node.attrs)?, 0, b.n);
            }
            apart(once(b, &[in_channels(b, 0)?, in_front(b, 1)?], &grouped(b))?, 1, b.n)
        })(),
    )
}

fn batched_input<'g>(b: &Batched<'_, 'g>) -> Result<Vec<Tensor<'g>>> {
    or_looped(
        b,
        (|| {
            let like = lengths_of(b.single(2), b.single(1).ndim().saturating_sub(2));
            if b.has.get(1) == Some(&false) {
                return apart(once(b, &[in_front(b, 0)?, b.single(1), like], &b.node.attrs)?, 0, b.n);
            }
            apart(once(b, &[in_channels(b, 0)?, in_front(b, 1)?, like], &grouped(b))?, 1, b.n)
        })(),
    )
}

fn batched_weight<'g>(b: &Batched<'_, 'g>) -> Result<Vec<Tensor<'g>>> {
    let like = lengths_of(b.single(2), b.single(0).ndim().saturating_sub(2));
    or_looped(b, (|| apart(once(b, &[in_channels(b, 0)?, in_channels(b, 1)?, like], &grouped(b))?, 0, b.n))())
}
