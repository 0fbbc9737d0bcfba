//! What a user adds: ops with a gradient of their own, and hooks.

use crate::array::{View, ViewMut};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::op::{Avals, Vjp};
use crate::graph::{Graph, Tensor};
use crate::kernels::ranges::Ranges;
use crate::shape::Aval;

/// A user's op: the same contract as a row, made at run time. Its gradient is graph, so it is differentiable again.
pub trait Op: Send + Sync + 'static {
    /// The name that messages and `explain` show.
    fn name(&self) -> &str;
    /// Shapes and dtypes of the outputs.
    fn infer(&self, inputs: &[&Aval]) -> Result<Avals>;
    /// Computes the outputs. It may fail; then the run fails and changes nothing.
    fn compute(&self, c: &mut ComputeContext<'_>) -> Result<()>;
    /// Builds the inputs' cotangents. Inputs without one get none.
    fn grad<'g>(&self, c: &mut GradientContext<'_, 'g>);
    /// The type of this op: part of a plan's key.
    fn type_word(&self) -> std::any::TypeId {
        std::any::TypeId::of::<Self>()
    }
    /// Two instances with equal types and equal keys may share a plan: it must cover whatever `infer` depends on.
    fn key(&self) -> u64 {
        0
    }
}

/// What [`Op::compute`] sees.
pub struct ComputeContext<'a> {
    inputs: &'a [View<'a>],
    outputs: &'a mut [ViewMut<'a>],
    written: usize,
}

impl<'a> ComputeContext<'a> {
    pub(crate) fn new(inputs: &'a [View<'a>], outputs: &'a mut [ViewMut<'a>]) -> Self {
        ComputeContext { inputs, outputs, written: 0 }
    }
    pub(crate) fn written(&self) -> usize {
        self.written
    }
    /// Number of inputs.
    pub fn num_inputs(&self) -> usize {
        self.inputs.len()
    }
    /// Input `i` as a raw view.
    pub fn view(&self, i: usize) -> Option<View<'a>> {
        self.inputs.get(i).copied()
    }
    /// Input `i` as an ndarray view; `T` must be its element type.
    pub fn input<T: crate::dtype::Element>(&self, i: usize) -> Result<ndarray::ArrayViewD<'a, T>> {
        use ndarray::ShapeBuilder;
        let n = self.inputs.len();
        let v = self
            .inputs
            .get(i)
            .ok_or_else(|| Error::new(ErrorKind::User, "input", "there is no such input", i, format_args!("an index below {n}")))?;
        if v.dtype() != T::DTYPE {
            return Err(Error::new(
                ErrorKind::DType,
                "input",
                "the element type differs",
                T::DTYPE,
                format_args!("{} of input {i}", v.dtype()),
            ));
        }
        if v.strides().iter().any(|&s| s < 0) {
            return Err(Error::new(ErrorKind::User, "input", "a stride is negative", format_args!("input {i}"), "a view in memory order"));
        }
        let strides: Vec<usize> = v.strides().iter().map(|&s| s as usize).collect();
        let shape = ndarray::IxDyn(v.dims()).strides(ndarray::IxDyn(&strides));
        // SAFETY: the view reaches initialised elements of this type, and lives as long as the context's borrow.
        Ok(unsafe { ndarray::ArrayViewD::from_shape_ptr(shape, v.ptr().cast::<T>()) })
    }
    /// Writes the next output. Its shape and dtype must be those that `infer` gave.
    pub fn append_output<T: crate::dtype::Element, D: ndarray::Dimension>(&mut self, a: ndarray::Array<T, D>) -> Result<()> {
        // SAFETY: a view of the ndarray's own elements, read at once.
        self.append_view(unsafe { View::from_raw(a.as_ptr().cast(), T::DTYPE, a.shape(), a.strides()) })
    }
    /// Writes the next output from a raw view.
    pub fn append_view(&mut self, v: View<'_>) -> Result<()> {
        let n = self.outputs.len();
        let Some(out) = self.outputs.get_mut(self.written) else {
            return Err(Error::new(ErrorKind::User, "append_output", "too many outputs", self.written + 1, n));
        };
        if out.dims() != v.dims() || out.dtype() != v.dtype() {
            let got = format!("{} of shape {}", v.dtype(), crate::shape::Tuple(v.dims()));
            let rule = format!("{} of shape {}, as `infer` said", out.dtype(), crate::shape::Tuple(out.dims()));
            return Err(Error::new(ErrorKind::User, "append_output", "the output is not what `infer` promised", got, rule));
        }
        crate::kernels::movement::copy(&Ranges::new(None), v, out)?;
        self.written += 1;
        Ok(())
    }
}

/// What [`Op::grad`] sees.
pub struct GradientContext<'a, 'g> {
    vjp: &'a Vjp<'a, 'g>,
    pub(crate) grads: Vec<Option<Tensor<'g>>>,
}

impl<'a, 'g> GradientContext<'a, 'g> {
    pub(crate) fn new(vjp: &'a Vjp<'a, 'g>) -> Self {
        GradientContext { vjp, grads: vec![None; vjp.node.inputs.len()] }
    }
    /// The graph to build in.
    pub fn graph(&self) -> &'g Graph {
        self.vjp.graph
    }
    /// Number of inputs.
    pub fn num_inputs(&self) -> usize {
        self.vjp.node.inputs.len()
    }
    /// Input `i`.
    pub fn input(&self, i: usize) -> Tensor<'g> {
        self.vjp.x(i)
    }
    /// The first output.
    pub fn output(&self) -> Tensor<'g> {
        self.vjp.y(0)
    }
    /// Output `k`.
    pub fn nth_output(&self, k: usize) -> Tensor<'g> {
        self.vjp.y(k)
    }
    /// The cotangent of the first output.
    pub fn output_grad(&self) -> Tensor<'g> {
        self.vjp.g(0)
    }
    /// The cotangent of output `k`; zeros where nothing depends on it.
    pub fn nth_output_grad(&self, k: usize) -> Tensor<'g> {
        self.vjp.g(k)
    }
    /// Sets the cotangent of input `i`, which has exactly the input's shape: where the op repeated the input, it is summed over
    /// the axes along which it did. `None` says that nothing flows to it.
    pub fn append_input_grad(&mut self, i: usize, g: Option<Tensor<'g>>) {
        if let Some(slot) = self.grads.get_mut(i) {
            *slot = g;
        }
    }
}

/// A function that sees a value during a run and does not change it.
pub trait Hook: Send + Sync + 'static {
    /// Called with the value, each time that it is computed. An error stops the run, which then changes nothing.
    fn call(&self, value: View<'_>) -> Result<()>;
}
