//! Exact reverse-mode differentiation of NumPy-style programs, to any order, in a lazy graph that is planned and run fast
//! on a CPU.
//!
//! # Gradients
//!
//! ```
//! use scirs2_autograd::{run, tensor_ops as T};
//!
//! run(|ctx| {
//!     let x = ctx.placeholder("x", &[]);
//!     let y = ctx.placeholder("y", &[]);
//!     let z = 2.0 * x * x + 3.0 * y + 1.0;
//!
//!     // dz/dy needs no feed: it is 3 everywhere.
//!     let gy = &T::grad(&[z], &[y])[0];
//!     assert_eq!(format!("{:?}", gy.eval(ctx)), "Ok(3.0)");
//!
//!     // dz/dx = 4 x.
//!     let gx = &T::grad(&[z], &[x])[0];
//!     let feed = ndarray::arr0(2.0);
//!     assert_eq!(format!("{:?}", ctx.evaluator().push(gx).feed(x, feed.view()).run()[0]), "Ok(8.0)");
//!
//!     // A gradient is graph, so it has a gradient.
//!     let ggx = &T::grad(&[gx], &[x])[0];
//!     assert_eq!(format!("{:?}", ggx.eval(ctx)), "Ok(4.0)");
//! });
//! ```
//!
//! # Training
//!
//! ```
//! use scirs2_autograd::optimizers::adam::Adam;
//! use scirs2_autograd::{Feeder, VariableEnvironment, tensor_ops::*};
//!
//! let mut env = VariableEnvironment::new();
//! let rng = scirs2_autograd::ndarray_ext::ArrayRng::<f32>::default();
//! env.name("w1").set(rng.glorot_uniform(&[784, 128]));
//! env.name("b1").set(zeros(&[1, 128]));
//! env.name("w2").set(rng.glorot_uniform(&[128, 10]));
//! env.name("b2").set(zeros(&[1, 10]));
//! let adam = Adam::default("adam", env.default_namespace().current_var_ids(), &mut env);
//!
//! // Two classes of images: bright in the upper half, bright in the lower half.
//! let images = ndarray::Array2::from_shape_fn((64, 784), |(i, j)| f32::from(u8::from(j / 392 == i % 2)));
//! let labels = ndarray::Array1::from_shape_fn(64, |i| (i % 2) as f32);
//! let mut losses = vec![];
//! for _epoch in 0..10 {
//!     env.run(|ctx| {
//!         let x = ctx.placeholder("x", &[-1, 784]);
//!         let y = ctx.placeholder("y", &[-1]);
//!         let w1 = ctx.variable("w1");
//!         let b1 = ctx.variable("b1");
//!         let w2 = ctx.variable("w2");
//!         let b2 = ctx.variable("b2");
//!
//!         let h = relu(matmul(x, w1) + b1);
//!         let logits = matmul(h, w2) + b2;
//!         let loss = reduce_mean(sparse_softmax_cross_entropy(logits, &y), &[0], false);
//!         let grads = &grad(&[loss], &[w1, b1, w2, b2]);
//!
//!         let feeder = Feeder::new().push(x, images.view()).push(y, labels.view());
//!         let out = adam.update_and_eval(&[loss], &[w1, b1, w2, b2], grads, ctx, feeder).unwrap();
//!         losses.push(out[0].item().unwrap());
//!     });
//! }
//! assert!(losses[9] < 0.5 * losses[0], "{losses:?}");
//! ```
//!
//! # f32 and f64
//!
//! A tensor has one of five dtypes: [`DType`] lists them. Placeholders and creations are `f64`, or what the variables of the
//! environment are, or what is asked for; numbers in an expression take the dtype of the tensor beside them, and of two
//! tensors the wider one decides, as in NumPy. A feed of another floating dtype is converted.
//!
//! ```
//! use scirs2_autograd::{DType, run, tensor_ops as T};
//!
//! run(|ctx| {
//!     let x = ctx.placeholder_of("x", &[2], DType::F32);
//!     let y = T::exp(x) * 2.0;
//!     assert_eq!(y.dtype(), DType::F32);
//!     assert_eq!((y + T::cast(y, DType::F64)).dtype(), DType::F64);
//!
//!     let a = ndarray::arr1(&[0.0f32, 1.0]);
//!     let value = ctx.evaluator().push(y).feed(x, a.view()).run()[0].clone().unwrap();
//!     assert_eq!(value.view::<f32>().unwrap(), ndarray::arr1(&[2.0, 2.0 * 1f32.exp()]).into_dyn());
//! });
//! ```
//!
//! # Errors
//!
//! Nothing panics. A call that cannot be built gives a tensor that keeps its [`Error`], with the line of the call, so that a
//! program is written without a `?` at every step; what uses the tensor keeps the error too, and evaluation returns it.
//!
//! ```
//! use scirs2_autograd::{ErrorKind, run, tensor_ops as T};
//!
//! run(|ctx| {
//!     let a = ctx.placeholder("a", &[2, 3]);
//!     let b = ctx.placeholder("b", &[4, 5]);
//!     let y = T::exp(T::matmul(a, b));
//!
//!     let e = y.eval(ctx).unwrap_err();
//!     assert_eq!(e.kind(), ErrorKind::Shape);
//!     assert!(e.to_string().starts_with("matmul: inner dimensions differ. Got (2, 3) and (4, 5); expected"));
//! });
//! ```
//!
//! # Operations of your own
//!
//! An [`op::Op`] says its result's shape, computes it from arrays, and gives its gradient as graph, which has derivatives of
//! its own. [`Tensor::builder`] makes the node; its documentation has an op in full.
//!
//! # Less memory
//!
//! What gradients read of earlier values is kept, or computed again when they read it: what is marked, what is inside of a
//! checkpointed function, or what a [`checkpoint::Policy`] or a number of bytes says (`evaluator().checkpoint(..)`,
//! `evaluator().memory_budget(..)`). The numbers are the same, bit for bit. `docs/memory.md` has it at length.
//!
//! ```
//! use scirs2_autograd::{run, tensor_ops as T};
//!
//! run(|ctx| {
//!     // 1. Basic checkpointing of individual tensors
//!     let input = T::ones(&[128, 128], ctx);
//!     let w = T::ones(&[128, 128], ctx);
//!     let hidden = T::matmul(&input, &w);
//!     let hidden_checkpoint = T::checkpoint(&hidden);  // This tensor will be recomputed during backprop
//!
//!     // 2. Adaptive checkpointing based on memory threshold (in bytes)
//!     let large_tensor = T::matmul(&input, &w);
//!     let adaptive_checkpoint = T::adaptive_checkpoint(&large_tensor, 1_000_000);  // 1MB threshold
//!
//!     // 3. Checkpoint groups for multi-output operations
//!     let checkpoint_group = T::CheckpointGroup::new(ctx);
//!     let (output1, output2) = checkpoint_group.checkpoint_fn_flex2(&[&input, &w], |inputs| {
//!         let a = T::matmul(&inputs[0], &inputs[1]);
//!         let b = T::transpose(&a, &[1, 0]);
//!         (a, b)  // Both tensors will be checkpointed together
//!     });
//! });
//! ```
//!
//! What it saves and what it costs is measured while runs are tracked:
//!
//! ```
//! use scirs2_autograd::tensor_ops as T;
//!
//! // Start tracking memory usage
//! T::CheckpointProfiler::start_tracking();
//!
//! // Your model with checkpointing
//! // ... (model code with checkpoint operations)
//!
//! // Evaluate performance
//! println!("Memory saved: {} KB", T::CheckpointProfiler::memory_saved() / 1024);
//! println!("Checkpoint operations: {}", T::CheckpointProfiler::checkpoint_count());
//!
//! // Reset for next test
//! T::CheckpointProfiler::reset_statistics();
//! ```
//!
//! # Threads
//!
//! A run shares its large steps among the threads of one pool, as many as [`num_threads`] says; a run that finds them at work goes on
//! alone, and no number depends on it. Operations and hooks of your own run on the thread that calls. Graphs, environments and plans may
//! be shared: a graph that was built once runs on as many threads as there are, each with feeds of its own.
//!
//! ```
//! use scirs2_autograd::{run, tensor_ops as T};
//!
//! run(|ctx| {
//!     let x = ctx.placeholder("x", &[]);
//!     let g = T::grad(&[T::sin(x)], &[x])[0];
//!     std::thread::scope(|scope| {
//!         let at = |v: f64| move || ctx.evaluator().push(g).feed(x, v).run()[0].clone().unwrap().item().unwrap();
//!         let threads = [0.0, 1.0, 2.0].map(|v| (v, scope.spawn(at(v))));
//!         for (v, thread) in threads {
//!             assert!((thread.join().unwrap() - v.cos()).abs() < 1e-15);
//!         }
//!     });
//! });
//! ```
//!
//! # Arrays
//!
//! Feeds are views of `ndarray`, whose version is that of [`scirs2_autograd::ndarray`](ndarray): this crate passes it on, and
//! arrays of another version are other types.
#![warn(missing_docs)]

mod api;
mod array;
mod autodiff;
pub mod check;
mod dtype;
mod error;
mod exec;
mod graph;
pub mod internals;
mod kernels;
mod ops;
pub mod optimizers;
mod plan;
mod process;
#[cfg(feature = "python")]
mod python;
mod shape;
mod state;

pub(crate) use dtype::dispatch;
pub(crate) use kernels::formula::formula;

pub use api::config::{Config, config};
pub use api::context::{Context, run};
pub use api::evaluator::Evaluator;
pub use api::feed::{Feed, FeedKey, Feeder, IntoFeed};
pub use api::memory::{MemoryStats, memory_stats, set_plan_cache_bytes, trim};
pub use api::profile::{Profile, StepTime};
pub use api::threads::{num_threads, set_num_threads};
pub use api::{hooks, ndarray_ext, tensor_ops};
pub use array::{Array, Filled, View};
pub use dtype::{DType, Element, Scalar};
pub use error::{Error, ErrorKind, Result};
pub use graph::attr::{Axes, Cuts, Factors, IntoAttr, Ints, Padding, PerAxis, Slice, Slices, Widths};
pub use graph::{AsTensor, Graph, Setting, Tensor, Value};
pub use ndarray;
pub use ops::apply::Operand;
pub use plan::{Plan, TracedPlan};
pub use shape::{Aval, Dim, Shape};
pub use state::{IntoArray, VariableEnvironment, VariableID, VariableKey};

/// Keeping less for gradients.
pub mod checkpoint {
    pub use crate::api::checkpoint_profiler::{CheckpointProfiler, CheckpointStatistics, CheckpointTracker};
    pub use crate::graph::checkpoint::Checkpointing;
    pub use crate::graph::policy::{Candidate, Policy};
    pub use crate::plan::remat::Recomputation;
    pub use crate::plan::{LineOfValues, MemoryStep};
}

/// What a user's own op is written with.
pub mod op {
    pub use crate::graph::op::Avals;
    pub use crate::graph::user::{ComputeContext, GradientContext, Hook, Op};
}

/// The README's Rust programs, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
