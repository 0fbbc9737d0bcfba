//! Feeds: values that a run is given.

use std::sync::Arc;

use ndarray::{ArrayBase, ArrayView, Data, Dimension};

use crate::array::{Array, View, ViewMut};
use crate::dtype::{DType, Element, Scalar};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::{NodeOp, Tensor};
use crate::kernels::isa::isa;
use crate::kernels::ranges::Ranges;
use crate::kernels::{movement, tile};
use crate::plan::ir::Ty;
use crate::shape::{Dim, Dims, Strides, Tuple, c_strides};

/// The value of a feed: a view of the caller's memory, or an array.
#[derive(Clone)]
pub struct Feed<'v>(Inner<'v>);

#[derive(Clone)]
enum Inner<'v> {
    View { ptr: *const u8, dtype: DType, dims: Dims, strides: Strides, life: std::marker::PhantomData<&'v u8> },
    Array(Array),
    Scalar(Scalar),
    Failed(Error),
}

// SAFETY: a shared borrow of plain numbers, or an array.
unsafe impl Send for Feed<'_> {}
unsafe impl Sync for Feed<'_> {}

impl<'v> Feed<'v> {
    /// A feed of raw memory.
    ///
    /// # Safety
    /// As [`View::from_raw`], for the lifetime `'v`.
    pub unsafe fn from_raw(ptr: *const u8, dtype: DType, dims: &[usize], strides: &[isize]) -> Feed<'v> {
        Feed(Inner::View { ptr, dtype, dims: dims.into(), strides: strides.into(), life: std::marker::PhantomData })
    }

    /// A feed of a number: it takes the placeholder's dtype.
    pub fn scalar(s: Scalar) -> Feed<'v> {
        Feed(Inner::Scalar(s))
    }

    /// A feed of an array.
    pub fn array(a: Array) -> Feed<'v> {
        Feed(Inner::Array(a))
    }

    fn dims(&self) -> &[usize] {
        match &self.0 {
            Inner::View { dims, .. } => dims,
            Inner::Array(a) => a.shape(),
            Inner::Scalar(_) | Inner::Failed(_) => &[],
        }
    }

    /// The feed as contiguous elements of the placeholder's dtype: itself where it can be, else a copy, which the run makes
    /// if it is a large one.
    pub(crate) fn bind(&self, placeholder: Tensor<'_>) -> Result<(Ty, Held)> {
        let NodeOp::Placeholder(name) = &placeholder.node().op else {
            let got = format!("{placeholder:?}");
            return Err(Error::new(ErrorKind::Feed, "feed", "only placeholders are fed", got, "a tensor from `ctx.placeholder`"));
        };
        if let Inner::Failed(e) = &self.0 {
            return Err(e.clone());
        }
        let aval = placeholder.aval();
        let dims = self.dims();
        let fits = dims.len() == aval.ndim() && dims.iter().zip(&aval.shape).all(|(&n, d)| *d == Dim::Known(n) || d.known().is_none());
        if !fits {
            let got = format!("shape {} for \"{name}\"", Tuple(dims));
            return Err(Error::new(
                ErrorKind::Feed,
                "feed",
                "the shape contradicts the placeholder",
                got,
                format_args!("shape {}", Tuple(&aval.shape)),
            ));
        }
        let ty = Ty { dtype: aval.dtype, dims: dims.into() };
        let held = match &self.0 {
            Inner::Scalar(s) => match s.bytes(aval.dtype) {
                Some(bytes) => Held::Bits(u64::from_ne_bytes(bytes)),
                None => {
                    let e = Error::new(
                        ErrorKind::DType,
                        "feed",
                        "the number does not fit the placeholder",
                        format_args!("{s:?} for \"{name}\""),
                        aval.dtype,
                    );
                    return Err(e);
                }
            },
            Inner::Failed(e) => return Err(e.clone()),
            Inner::Array(a) if a.dtype() == aval.dtype => Held::Array(a.clone()),
            Inner::Array(a) => Held::of(name, a.raw_view(), aval.dtype, Some(a))?,
            Inner::View { ptr, dtype, dims, strides, .. } => {
                // SAFETY: the promise of `from_raw`.
                let view = unsafe { View::from_raw(*ptr, *dtype, dims, strides) };
                if *dtype == aval.dtype && view.is_contiguous() { Held::Borrowed(*ptr) } else { Held::of(name, view, aval.dtype, None)? }
            }
        };
        Ok((ty, held))
    }
}

/// Elements for a run.
pub(crate) enum Held {
    /// Contiguous elements of the caller's.
    Borrowed(*const u8),
    /// Contiguous elements.
    Array(Array),
    /// A number.
    Bits(u64),
    /// Elements that the run copies before its first step.
    Loose(Loose),
}

/// Elements that are not contiguous, or of another dtype than the placeholder.
pub(crate) struct Loose {
    ptr: *const u8,
    dtype: DType,
    dims: Dims,
    strides: Strides,
    to: DType,
    name: Arc<str>,
    /// What holds the memory, if it is not the caller.
    _array: Option<Array>,
}

impl Held {
    /// More elements are not copied before the run: a copy of that many may be interrupted, and holds up no other thread.
    const SMALL: usize = 8 << 10;

    fn of(name: &Arc<str>, x: View<'_>, to: DType, array: Option<&Array>) -> Result<Held> {
        let from = x.dtype();
        if !from.casts_to(to) {
            let got = format!("{from} for \"{name}\"");
            let e = Error::new(
                ErrorKind::DType,
                "feed",
                "the dtype cannot be cast",
                got,
                format_args!("a dtype that casts to {to} under NumPy's same_kind rule"),
            );
            return Err(e.help("convert the array before it is fed"));
        }
        if x.count() <= Held::SMALL {
            return Ok(Held::Array(converted(&Ranges::new(None), name, x, to)?));
        }
        let (dims, strides) = (x.dims().into(), x.strides().into());
        Ok(Held::Loose(Loose { ptr: x.ptr(), dtype: from, dims, strides, to, name: name.clone(), _array: array.cloned() }))
    }

    /// The elements as a run reads them; a copy of loose ones is made in ranges.
    pub(crate) fn ready(&self, ranges: &Ranges<'_>) -> Result<Held> {
        Ok(match self {
            Held::Borrowed(p) => Held::Borrowed(*p),
            Held::Array(a) => Held::Array(a.clone()),
            Held::Bits(bits) => Held::Bits(*bits),
            Held::Loose(l) => {
                // SAFETY: the promise of `from_raw`, or an array that is held.
                let view = unsafe { View::from_raw(l.ptr, l.dtype, &l.dims, &l.strides) };
                Held::Array(converted(ranges, &l.name, view, l.to)?)
            }
        })
    }
}

/// The elements of a view in C order as another dtype; an integer that does not fit is an error.
fn converted(ranges: &Ranges<'_>, name: &str, x: View<'_>, to: DType) -> Result<Array> {
    let from = x.dtype();
    // SAFETY: all elements are written below.
    let dense = unsafe { Array::uninit(from, x.dims())? };
    let strides = c_strides(x.dims());
    // SAFETY: the array's own elements, which nothing else refers to.
    movement::copy(ranges, x, &mut unsafe { ViewMut::from_raw(dense.ptr(), from, x.dims(), &strides) })?;
    if from == to {
        return Ok(dense);
    }
    if let (DType::I64, DType::I32) = (from, to) {
        let all = dense.as_slice::<i64>()?;
        ranges.each(all.len(), 1, |r| match all[r].iter().find(|v| i32::try_from(**v).is_err()) {
            None => Ok(()),
            Some(bad) => Err(Error::new(
                ErrorKind::DType,
                "feed",
                "an integer does not fit",
                format_args!("{bad} for \"{name}\""),
                "values in the range of int32",
            )),
        })?;
    }
    // SAFETY: all elements are written below.
    let out = unsafe { Array::uninit(to, dense.shape())? };
    let f = tile::cast(isa(), from, to);
    ranges.each(dense.size(), 1, |r| {
        // SAFETY: ranges of blocks of this crate, which have room for whole vectors.
        unsafe {
            let (d, s) = (out.ptr().add(r.start * to.size()), dense.ptr().add(r.start * from.size()));
            f(d, s, std::ptr::null(), std::ptr::null(), r.len());
        }
        Ok(())
    })?;
    Ok(out)
}

/// What can be fed: ndarray arrays and views of any dimension, [`Array`]s, and numbers.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be fed to a placeholder",
    note = "feed an ndarray view of any dimension (`a.view()`), a reference to an array, an `Array`, or a number"
)]
pub trait IntoFeed<'v> {
    /// The feed.
    fn into_feed(self) -> Feed<'v>;
}
impl<'v, T: Element, D: Dimension> IntoFeed<'v> for ArrayView<'v, T, D> {
    fn into_feed(self) -> Feed<'v> {
        // SAFETY: the view borrows its elements for 'v.
        unsafe { Feed::from_raw(self.as_ptr().cast(), T::DTYPE, self.shape(), self.strides()) }
    }
}
impl<'v, T: Element, S: Data<Elem = T>, D: Dimension> IntoFeed<'v> for &'v ArrayBase<S, D> {
    fn into_feed(self) -> Feed<'v> {
        // SAFETY: the reference borrows the elements for 'v.
        unsafe { Feed::from_raw(self.as_ptr().cast(), T::DTYPE, self.shape(), self.strides()) }
    }
}
impl<'v, T: Element, D: Dimension> IntoFeed<'v> for ndarray::Array<T, D> {
    fn into_feed(self) -> Feed<'v> {
        match Array::try_from(&self) {
            Ok(a) => Feed(Inner::Array(a)),
            Err(e) => Feed(Inner::Failed(e)),
        }
    }
}
impl<'v> IntoFeed<'v> for Array {
    fn into_feed(self) -> Feed<'v> {
        Feed(Inner::Array(self))
    }
}
impl<'v> IntoFeed<'v> for &Array {
    fn into_feed(self) -> Feed<'v> {
        Feed(Inner::Array(self.clone()))
    }
}
impl<'v> IntoFeed<'v> for Feed<'v> {
    fn into_feed(self) -> Feed<'v> {
        self
    }
}
macro_rules! scalar_feed {
    ($($t:ty)+) => {$(impl<'v> IntoFeed<'v> for $t {
        fn into_feed(self) -> Feed<'v> {
            Feed(Inner::Scalar(self.into()))
        }
    })+};
}
scalar_feed! { f64 f32 i32 i64 bool }

/// What names a placeholder: its tensor or its name.
#[derive(Clone)]
pub enum Target {
    /// The name.
    Name(String),
    /// The identity of the graph, and the value.
    Value(u64, crate::graph::Value),
}

/// What names a placeholder in a feed.
#[diagnostic::on_unimplemented(message = "`{Self}` does not name a placeholder", note = "use the placeholder's tensor or its name")]
pub trait FeedKey {
    /// The target.
    fn target(&self) -> Target;
}
impl FeedKey for Tensor<'_> {
    fn target(&self) -> Target {
        Target::Value(self.graph().id(), self.value())
    }
}
impl FeedKey for str {
    fn target(&self) -> Target {
        Target::Name(self.to_owned())
    }
}
impl FeedKey for String {
    fn target(&self) -> Target {
        Target::Name(self.clone())
    }
}
impl<T: FeedKey + ?Sized> FeedKey for &T {
    fn target(&self) -> Target {
        (**self).target()
    }
}

/// Feeds that can be set up apart from an evaluator, cloned, and used again.
///
/// ```
/// use scirs2_autograd::{run, Feeder};
/// let y = run(|ctx| {
///     let x = ctx.placeholder("x", &[-1]);
///     let data = ndarray::arr1(&[1.0, 2.0]);
///     ctx.evaluator().push(x * 3.0).set_feeder(Feeder::new().push(x, data.view())).run()[0].clone()
/// });
/// assert_eq!(y.unwrap(), ndarray::arr1(&[3.0, 6.0]));
/// ```
#[derive(Clone, Default)]
pub struct Feeder<'v> {
    pub(crate) feeds: Vec<(Target, Feed<'v>)>,
}

impl<'v> Feeder<'v> {
    /// No feeds.
    pub fn new() -> Feeder<'v> {
        Feeder::default()
    }
    /// Adds a feed; a later one for the same placeholder takes the place of an earlier one.
    pub fn push(mut self, placeholder: impl FeedKey, value: impl IntoFeed<'v>) -> Feeder<'v> {
        self.feeds.push((placeholder.target(), value.into_feed()));
        self
    }
}
