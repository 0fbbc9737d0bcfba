//! Feeds: values that a run is given.

use std::marker::PhantomData;

use ndarray::{ArrayBase, ArrayView, Data, Dimension};

use crate::array::{Array, View};
use crate::dtype::{DType, Element, Scalar};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::{NodeOp, Tensor};
use crate::kernels;
use crate::kernels::isa::isa;
use crate::plan::ir::Ty;
use crate::shape::{Dim, Dims, Strides, Tuple};

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

impl Elements<'_> {
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

    fn dims(&self) -> &[usize] {
        match &self.0 {
            Inner::View { dims, .. } => dims,
            Inner::Array(a) => a.shape(),
            Inner::Scalar(_) | Inner::Failed(_) => &[],
        }
    }

    /// The feed as contiguous elements of the placeholder's dtype: itself where it can be, else a copy.
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
            Inner::Array(a) => Held::Array(converted(name, a.raw_view(), aval.dtype)?),
            Inner::View { elements, dtype, dims, strides } => {
                // SAFETY: the promise of `from_raw`.
                let view = unsafe { View::from_raw(elements.ptr(), *dtype, dims, strides) };
                match (view.is_contiguous() && view.is_valid(), *dtype == aval.dtype) {
                    (true, true) => Held::Borrowed(*elements),
                    (false, true) => Held::Array(Array::copy_of_foreign(view)?),
                    (_, false) => Held::Array(converted(name, view, aval.dtype)?),
                }
            }
        };
        Ok((ty, held))
    }
}

/// Contiguous elements for a run.
pub(crate) enum Held<'v> {
    Borrowed(Elements<'v>),
    Array(Array),
    Bits(u64),
}

/// The elements of a view as another dtype, under NumPy's `same_kind`. What does not fit is an error: an integer out of range, a
/// finite number that overflows. Rounding is none.
fn converted(name: &str, x: View<'_>, to: DType) -> Result<Array> {
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
    let dense;
    let x = if x.is_contiguous() && x.is_valid() {
        x
    } else {
        dense = Array::copy_of_foreign(x)?;
        dense.raw_view()
    };
    // SAFETY: all elements are written, or the array is dropped unread.
    let out = unsafe { Array::uninit(to, x.dims())? };
    // SAFETY: a block of this crate has room for whole vectors.
    let Some(at) = (unsafe { kernels::cast::fitting(isa(), x, to, out.ptr()) }) else { return Ok(out) };
    // SAFETY: the place of an element of `x`, which is contiguous.
    let (what, bad) = match from {
        DType::F64 => ("a number does not fit", Scalar::Float(unsafe { *x.ptr().cast::<f64>().add(at) })),
        _ => ("an integer does not fit", Scalar::Int(unsafe { *x.ptr().cast::<i64>().add(at) })),
    };
    let e = Error::new(ErrorKind::DType, "feed", what, format_args!("{bad} for \"{name}\""), format_args!("values in the range of {to}"));
    Err(if from.is_float() { e.help("feed infinity where it is meant, or make the placeholder float64") } else { e })
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
    ///
    /// An array of another dtype is converted under NumPy's `same_kind` rule, and rounded where the placeholder's dtype is narrower.
    /// A value that does not fit is an error of the run: an integer out of range, or a finite number that overflows `float32`.
    /// Infinities and NaN stay what they are.
    pub fn push(mut self, placeholder: impl FeedKey, value: impl IntoFeed<'v>) -> Feeder<'v> {
        self.feeds.push((placeholder.target(), value.into_feed()));
        self
    }
}
