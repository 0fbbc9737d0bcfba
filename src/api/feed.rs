//! Feeds: values that a run is given.

use std::marker::PhantomData;
use std::sync::Arc;

use ndarray::{ArrayBase, ArrayView, Data, Dimension};

use crate::array::{Array, View, ViewMut};
use crate::dtype::{DType, Element, Scalar};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::{NodeOp, Tensor};
use crate::kernels;
use crate::kernels::isa::isa;
use crate::kernels::movement;
use crate::kernels::ranges::{RANGE, Ranges};
use crate::shape::Ty;
use crate::shape::{Dim, Dims, Strides, Tuple, c_strides};

/// The value of a feed: a view of the caller's memory, or an array.
#[derive(Clone)]
pub struct Feed<'v>(Inner<'v>);

#[derive(Clone)]
enum Inner<'v> {
    View { elements: Elements<'v>, dtype: DType, dims: Dims, strides: Strides },
    Array(Array),
    Scalar(Scalar),
    Failed(Error),
}

/// Where the elements of a view are, borrowed for `'v`.
#[derive(Clone, Copy)]
pub(crate) struct Elements<'v> {
    ptr: *const u8,
    life: PhantomData<&'v [u8]>,
}

// SAFETY: a shared borrow of plain numbers, which nobody writes to while it lives.
unsafe impl Send for Elements<'_> {}
unsafe impl Sync for Elements<'_> {}

impl<'v> Elements<'v> {
    /// Those of an array, which whoever keeps this holds.
    fn of(array: &Array) -> Elements<'v> {
        Elements { ptr: array.ptr().cast_const(), life: PhantomData }
    }

    /// The first one.
    pub(crate) fn ptr(self) -> *const u8 {
        self.ptr
    }
}

impl<'v> Feed<'v> {
    /// A feed of raw memory.
    ///
    /// # Safety
    /// As [`View::from_raw`], for the lifetime `'v`.
    pub unsafe fn from_raw(ptr: *const u8, dtype: DType, dims: &[usize], strides: &[isize]) -> Feed<'v> {
        Feed(Inner::View { elements: Elements { ptr, life: PhantomData }, dtype, dims: dims.into(), strides: strides.into() })
    }

    /// A feed of a number: it takes the placeholder's dtype.
    pub fn scalar(s: Scalar) -> Feed<'v> {
        Feed(Inner::Scalar(s))
    }

    /// A feed of an array.
    pub fn array(a: Array) -> Feed<'v> {
        Feed(Inner::Array(a))
    }

    /// Bytes of the elements.
    #[cfg(feature = "python")]
    pub(crate) fn bytes(&self) -> usize {
        let size = match &self.0 {
            Inner::View { dtype, .. } => dtype.size(),
            Inner::Array(a) => a.dtype().size(),
            Inner::Scalar(_) | Inner::Failed(_) => 0,
        };
        crate::shape::count(self.dims()).saturating_mul(size)
    }

    /// True for an array of this dtype and these lengths.
    #[cfg(feature = "python")]
    pub(crate) fn is_of(&self, dtype: DType, dims: &[usize]) -> bool {
        self.dtype() == Some(dtype) && self.dims() == dims
    }

    /// The dtype of an array; a number takes that of its placeholder.
    #[cfg(feature = "python")]
    pub(crate) fn dtype(&self) -> Option<DType> {
        match &self.0 {
            Inner::View { dtype, .. } => Some(*dtype),
            Inner::Array(a) => Some(a.dtype()),
            Inner::Scalar(_) | Inner::Failed(_) => None,
        }
    }

    /// Lengths of the axes.
    pub(crate) fn dims(&self) -> &[usize] {
        match &self.0 {
            Inner::View { dims, .. } => dims,
            Inner::Array(a) => a.shape(),
            Inner::Scalar(_) | Inner::Failed(_) => &[],
        }
    }

    /// The feed as contiguous elements of the placeholder's dtype: itself where it can be, else a copy, which the run makes
    /// if it is a large one.
    pub(crate) fn bind(&self, placeholder: Tensor<'_>) -> Result<(Ty, Held<'v>)> {
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
                        format_args!("{s} for \"{name}\""),
                        aval.dtype,
                    );
                    return Err(e);
                }
            },
            Inner::Failed(e) => return Err(e.clone()),
            Inner::Array(a) if a.dtype() == aval.dtype => Held::Array(a.clone()),
            Inner::Array(a) => Held::of(name, Elements::of(a), a.raw_view(), aval.dtype, Some(a))?,
            Inner::View { elements, dtype, dims, strides } => {
                // SAFETY: the promise of `from_raw`.
                let view = unsafe { View::from_raw(elements.ptr(), *dtype, dims, strides) };
                match *dtype == aval.dtype && view.is_contiguous() && view.is_valid() {
                    true => Held::Borrowed(*elements),
                    false => Held::of(name, *elements, view, aval.dtype, None)?,
                }
            }
        };
        Ok((ty, held))
    }
}

/// Elements for a run.
pub(crate) enum Held<'v> {
    /// Contiguous elements of the caller's.
    Borrowed(Elements<'v>),
    /// Contiguous elements.
    Array(Array),
    /// A number.
    Bits(u64),
    /// Elements that the run copies before its first step.
    /// Boxed: few feeds are, and all of them are moved.
    Loose(Box<Loose<'v>>),
}

/// Elements that are not contiguous, or of another dtype than the placeholder.
pub(crate) struct Loose<'v> {
    elements: Elements<'v>,
    dtype: DType,
    dims: Dims,
    strides: Strides,
    to: DType,
    name: Arc<str>,
    /// What holds the memory, if it is not the caller.
    array: Option<Array>,
}

impl<'v> Held<'v> {
    /// More elements are not copied before the run: a copy of that many may be interrupted, and holds up no other thread.
    const SMALL: usize = 8 << 10;

    fn of(name: &Arc<str>, elements: Elements<'v>, x: View<'_>, to: DType, array: Option<&Array>) -> Result<Held<'v>> {
        let dtype = x.dtype();
        if !dtype.casts_to(to) {
            let got = format!("{dtype} for \"{name}\"");
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
        Ok(Held::Loose(Box::new(Loose { elements, dtype, dims, strides, to, name: name.clone(), array: array.cloned() })))
    }

    /// The elements as a run reads them; a copy of loose ones is made in ranges.
    pub(crate) fn ready(&self, ranges: &Ranges<'_>) -> Result<Held<'v>> {
        Ok(match self {
            Held::Borrowed(p) => Held::Borrowed(*p),
            Held::Array(a) => Held::Array(a.clone()),
            Held::Bits(bits) => Held::Bits(*bits),
            Held::Loose(l) => {
                let ptr = l.array.as_ref().map_or(l.elements.ptr(), |a| a.ptr().cast_const());
                // SAFETY: the promise of `from_raw`, or an array that is held.
                let view = unsafe { View::from_raw(ptr, l.dtype, &l.dims, &l.strides) };
                Held::Array(converted(ranges, &l.name, view, l.to)?)
            }
        })
    }
}

/// The elements of a view in C order, made in ranges. Bools from outside of Rust may be any byte: all but 0 are true.
fn dense(ranges: &Ranges<'_>, x: View<'_>) -> Result<Array> {
    // SAFETY: all elements are written below.
    let a = unsafe { Array::uninit(x.dtype(), x.dims())? };
    let strides = c_strides(x.dims());
    // SAFETY: the array's own elements, which nothing else refers to.
    movement::copy(ranges, x, &mut unsafe { ViewMut::from_raw(a.ptr(), x.dtype(), x.dims(), &strides) })?;
    if x.dtype() == DType::Bool {
        ranges.each(a.size(), 1, |r| {
            // SAFETY: elements of the new array, which the copy has written; any byte is a `u8`.
            let bytes = unsafe { std::slice::from_raw_parts_mut(a.ptr().add(r.start), r.len()) };
            bytes.iter_mut().for_each(|b| *b = u8::from(*b != 0));
            Ok(())
        })?;
    }
    Ok(a)
}

/// The elements of a view in C order as another dtype, under NumPy's `same_kind`. What does not fit is an error: an integer out
/// of range, a finite number that overflows. Rounding is none.
fn converted(ranges: &Ranges<'_>, name: &str, x: View<'_>, to: DType) -> Result<Array> {
    let from = x.dtype();
    let copied;
    let x = if from != to && x.is_contiguous() && x.is_valid() {
        x
    } else {
        copied = dense(ranges, x)?;
        if from == to {
            return Ok(copied);
        }
        copied.raw_view()
    };
    // SAFETY: all elements are written, or the array is dropped unread.
    let out = unsafe { Array::uninit(to, x.dims())? };
    let n = x.count();
    for start in (0..n).step_by(RANGE) {
        let len = RANGE.min(n - start);
        // SAFETY: a range of the view, which is contiguous; a block of this crate has room for whole vectors.
        let bad = unsafe {
            let part = View::from_raw(x.ptr().add(start * from.size()), from, std::slice::from_ref(&len), &[1]);
            kernels::cast::fitting(isa(), part, to, out.ptr().add(start * to.size()))
        };
        if let Some(at) = bad {
            // SAFETY: the place of an element of `x`.
            let (what, bad) = match from {
                DType::F64 => ("a number does not fit", Scalar::Float(unsafe { *x.ptr().cast::<f64>().add(start + at) })),
                _ => ("an integer does not fit", Scalar::Int(unsafe { *x.ptr().cast::<i64>().add(start + at) })),
            };
            let (got, rule) = (format_args!("{bad} for \"{name}\""), format_args!("values in the range of {to}"));
            let e = Error::new(ErrorKind::DType, "feed", what, got, rule);
            return Err(if from.is_float() { e.help("feed infinity where it is meant, or make the placeholder float64") } else { e });
        }
        ranges.did(len)?;
    }
    Ok(out)
}

/// What can be fed: ndarray arrays and views of any dimension, [`Array`]s, and numbers.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be fed to a placeholder",
    note = "feed an ndarray view of any dimension (`a.view()`), a reference to an array, an `Array`, or a number",
    note = "arrays of ndarray are those of version 0.17, which is `scirs2_autograd::ndarray`; those of another version are other types"
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
    ///
    /// An array of another dtype is converted under NumPy's `same_kind` rule, and rounded where the placeholder's dtype is narrower.
    /// A value that does not fit is an error of the run: an integer out of range, or a finite number that overflows `float32`.
    /// Infinities and NaN stay what they are.
    pub fn push(mut self, placeholder: impl FeedKey, value: impl IntoFeed<'v>) -> Feeder<'v> {
        self.feeds.push((placeholder.target(), value.into_feed()));
        self
    }
}

/// A number as a feed.
impl<'v> IntoFeed<'v> for Scalar {
    fn into_feed(self) -> Feed<'v> {
        Feed::scalar(self)
    }
}
