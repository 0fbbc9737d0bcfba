//! Convolutions and pooling in Rust: the published positional forms, and one with every argument by name.

use crate::graph::attr::{Attr, AttrType, IntoAttr, Padding, PerAxis};
use crate::graph::{AsTensor, Tensor};
use crate::ops::apply::{MaybeOperand, apply};

use super::convolutions::{CONV_TRANSPOSE1D, CONV_TRANSPOSE2D, CONV_TRANSPOSE3D, CONV1D, CONV2D, CONV3D};
use super::pools::{MAX_POOL1D, MAX_POOL2D, MAX_POOL3D};

/// What a convolution can be told besides its operands; numbers hold for all axes, or are one for each.
///
/// ```
/// use scirs2_autograd::ndarray::Array4;
/// use scirs2_autograd::{Padding, run, tensor_ops as T};
/// run(|ctx| {
///     let x = ctx.constant(Array4::<f64>::ones((1, 4, 5, 5)));
///     let w = ctx.constant(Array4::<f64>::ones((6, 2, 3, 3)));
///     let y = T::conv2d_with(x, w, T::Convolution { padding: Padding::Same, groups: 2, ..Default::default() });
///     assert_eq!(y.known_shape().as_deref(), Some(&[1, 6, 5, 5][..]));
/// });
/// ```
#[derive(Clone, Debug)]
pub struct Convolution<'g> {
    /// A number for each filter.
    pub bias: Option<Tensor<'g>>,
    /// From one place of the filters to the next.
    pub stride: PerAxis,
    /// Zeros at the ends of the axes.
    pub padding: Padding,
    /// From one element of a filter to the next.
    pub dilation: PerAxis,
    /// Groups of channels, each with filters of its own.
    pub groups: i64,
    /// Elements that a transposed convolution adds at the ends; others have none.
    pub output_padding: PerAxis,
}

impl Default for Convolution<'_> {
    fn default() -> Self {
        let one = || PerAxis::all(1);
        Convolution { bias: None, stride: one(), padding: Padding::valid(), dilation: one(), groups: 1, output_padding: PerAxis::all(0) }
    }
}

macro_rules! forms {
    ($($with:ident $row:ident, $transposed_with:ident $transposed_row:ident, $axes:literal;)+) => {$(
        #[doc = concat!("A convolution over ", $axes, ", with every argument; see [`Convolution`].")]
        ///
        /// Operands that do not fit give a tensor that holds the error; so does `output_padding`, which only transposed ones have.
        #[track_caller]
        pub fn $with<'g>(x: impl AsTensor<'g>, w: impl AsTensor<'g>, c: Convolution<'g>) -> Tensor<'g> {
            let (x, w) = (x.tensor(), w.tensor());
            if c.output_padding.0.iter().any(|&n| n != 0) {
                let got = crate::shape::Tuple(&c.output_padding.0);
                let op = $row.name;
                let kind = crate::error::ErrorKind::Value;
                return x.graph().poison(crate::error::Error::new(kind, op, "`output_padding` is not used", got, "a transposed convolution"));
            }
            let attrs = [c.stride.pack(), c.padding.pack(), c.dilation.pack(), Attr::Int(c.groups)];
            apply(&$row, &[x.into(), w.into(), c.bias.maybe()], &attrs)
        }
        #[doc = concat!("A transposed convolution over ", $axes, ", with every argument; see [`Convolution`].")]
        #[track_caller]
        pub fn $transposed_with<'g>(x: impl AsTensor<'g>, w: impl AsTensor<'g>, c: Convolution<'g>) -> Tensor<'g> {
            let attrs = [c.stride.pack(), c.padding.pack(), c.output_padding.pack(), Attr::Int(c.groups), c.dilation.pack()];
            apply(&$transposed_row, &[x.tensor().into(), w.tensor().into(), c.bias.maybe()], &attrs)
        }
    )+};
}
forms! {
    conv1d_with CONV1D, conv_transpose1d_with CONV_TRANSPOSE1D, "one axis";
    conv2d_with CONV2D, conv_transpose2d_with CONV_TRANSPOSE2D, "rows and columns";
    conv3d_with CONV3D, conv_transpose3d_with CONV_TRANSPOSE3D, "planes, rows and columns";
}

macro_rules! positional {
    ($($name:ident $with:ident, $transposed:ident $transposed_with:ident;)+) => {$(
        /// Filters `w` slid over `x`, with `pad` zeros at the ends of the axes, a number or one for each, and a stride.
        #[track_caller]
        pub fn $name<'g>(x: impl AsTensor<'g>, w: impl AsTensor<'g>, pad: impl IntoAttr<Padding>, stride: impl IntoAttr<PerAxis>) -> Tensor<'g> {
            $with(x, w, Convolution { padding: pad.into_attr(), stride: stride.into_attr(), ..Convolution::default() })
        }
        /// The adjoint of the convolution with the same arguments.
        #[track_caller]
        pub fn $transposed<'g>(x: impl AsTensor<'g>, w: impl AsTensor<'g>, pad: impl IntoAttr<Padding>, stride: impl IntoAttr<PerAxis>) -> Tensor<'g> {
            $transposed_with(x, w, Convolution { padding: pad.into_attr(), stride: stride.into_attr(), ..Convolution::default() })
        }
    )+};
}
positional! {
    conv1d conv1d_with, conv1d_transpose conv_transpose1d_with;
    conv2d conv2d_with, conv2d_transpose conv_transpose2d_with;
    conv3d conv3d_with, conv3d_transpose conv_transpose3d_with;
}

/// [`conv2d`] with elements of the filters `dilate` apart.
#[track_caller]
pub fn dilated_conv2d<'g>(
    x: impl AsTensor<'g>,
    w: impl AsTensor<'g>,
    pad: impl IntoAttr<Padding>,
    stride: impl IntoAttr<PerAxis>,
    dilate: impl IntoAttr<PerAxis>,
) -> Tensor<'g> {
    let c = Convolution { padding: pad.into_attr(), stride: stride.into_attr(), dilation: dilate.into_attr(), ..Convolution::default() };
    conv2d_with(x, w, c)
}

/// [`conv2d_transpose`] with elements of the filters `dilate` apart.
#[track_caller]
pub fn dilated_conv2d_transpose<'g>(
    x: impl AsTensor<'g>,
    w: impl AsTensor<'g>,
    pad: impl IntoAttr<Padding>,
    stride: impl IntoAttr<PerAxis>,
    dilate: impl IntoAttr<PerAxis>,
) -> Tensor<'g> {
    let c = Convolution { padding: pad.into_attr(), stride: stride.into_attr(), dilation: dilate.into_attr(), ..Convolution::default() };
    conv_transpose2d_with(x, w, c)
}

macro_rules! max_pools {
    ($($name:ident $row:ident;)+) => {$(
        /// The largest element in each window of `size` elements, `stride` apart, with `pad` places at the ends of the axes that no window takes
        /// its element from; every other argument is one of `max_pool1d_with_indices` and its like.
        #[track_caller]
        pub fn $name<'g>(
            x: impl AsTensor<'g>,
            size: impl IntoAttr<PerAxis>,
            pad: impl IntoAttr<Padding>,
            stride: impl IntoAttr<PerAxis>,
        ) -> Tensor<'g> {
            let attrs = [size.into_attr().pack(), stride.into_attr().pack(), pad.into_attr().pack(), PerAxis::all(1).pack(), Attr::Bool(false)];
            apply(&$row, &[x.tensor().into()], &attrs)
        }
    )+};
}
max_pools! {
    max_pool1d MAX_POOL1D;
    max_pool2d MAX_POOL2D;
    max_pool3d MAX_POOL3D;
}
