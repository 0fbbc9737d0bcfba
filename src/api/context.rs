//! Contexts: a graph, the environment of its variables, and the plans that were bound to it.

use std::ops::Deref;
use std::sync::Arc;

use hashbrown::HashTable;
use parking_lot::Mutex;

use crate::api::bundle::Bundle;
use crate::api::evaluator::Evaluator;
use crate::dtype::{DType, Scalar};
use crate::error::Result;
use crate::graph::attr::{Axis, IntoAttr, Ints};
use crate::graph::checkpoint::Checkpointing;
use crate::graph::policy::Policy;
use crate::graph::{Graph, Tensor};
use crate::ops::broadcast::broadcast_to;
use crate::ops::creation::{arange, linspace};
use crate::ops::diagonals::eye_of;
use crate::plan;
use crate::state::{VariableEnvironment, VariableKey};

/// A graph under construction, and what it takes to evaluate it. It is handed to the closure of [`run`] and of
/// [`VariableEnvironment::run`], and dereferences to its [`Graph`].
pub struct Context {
    graph: Arc<Graph>,
    env: VariableEnvironment,
    dtype: Result<DType>,
    pub(crate) bound: Mutex<HashTable<Arc<Bundle>>>,
    checkpointing: Mutex<Checkpointing>,
}

/// Runs `f` with a context of an empty environment. Placeholders and creations are `f64`.
///
/// ```
/// use scirs2_autograd::run;
/// let z = run(|ctx| {
///     let x = ctx.placeholder("x", &[]);
///     let y = 2.0 * x + 1.0;
///     ctx.evaluator().push(y).feed(x, 3.0).run()[0].clone()
/// });
/// assert_eq!(z.unwrap().item().unwrap(), 7.0);
/// ```
pub fn run<R>(f: impl FnOnce(&Context) -> R) -> R {
    f(&Context::new(VariableEnvironment::new(), Some(DType::F64)))
}

impl VariableEnvironment {
    /// Runs `f` with a context over this environment's variables. Placeholders and creations take the only floating dtype
    /// of the variables; where there are two, use [`Graph::placeholder_of`](crate::Graph::placeholder_of).
    ///
    /// ```
    /// use scirs2_autograd::{tensor_ops as T, VariableEnvironment};
    /// let env = VariableEnvironment::new();
    /// let w = env.name("w").set(ndarray::arr1(&[1.0f32, 2.0]));
    /// let sum = env.run(|ctx| T::reduce_sum(ctx.variable("w"), (), false).eval(ctx));
    /// assert_eq!(sum.unwrap().item().unwrap(), 3.0);
    /// # let _ = w;
    /// ```
    pub fn run<R>(&self, f: impl FnOnce(&Context) -> R) -> R {
        f(&Context::new(self.clone(), None))
    }
}

impl Context {
    /// A context over an environment. Without a dtype it takes the environment's.
    pub fn new(env: VariableEnvironment, dtype: Option<DType>) -> Context {
        let dtype = dtype.map_or_else(|| env.default_dtype(), Ok);
        Context { graph: Arc::new(Graph::new()), env, dtype, bound: Mutex::new(HashTable::new()), checkpointing: Mutex::default() }
    }

    /// The graph.
    pub fn graph(&self) -> &Arc<Graph> {
        &self.graph
    }

    /// The environment.
    pub fn env(&self) -> &VariableEnvironment {
        &self.env
    }

    /// The floating dtype of placeholders and creations.
    pub fn dtype(&self) -> Result<DType> {
        self.dtype.clone()
    }

    /// What requests of this context that say nothing else say of memory.
    pub fn checkpointing(&self) -> Checkpointing {
        self.checkpointing.lock().or(&self.env.checkpointing())
    }

    /// Which values gradients keep, in requests of this context that do not say it themselves; see
    /// [`Evaluator::checkpoint`](crate::Evaluator::checkpoint). Without one, what is marked is computed again, and all else is
    /// kept.
    pub fn set_checkpoint_policy(&self, policy: impl Into<Option<Policy>>) {
        self.checkpointing.lock().policy = policy.into();
    }

    /// The peak of memory that requests of this context may have, if they do not say it themselves; see
    /// [`Evaluator::memory_budget`](crate::Evaluator::memory_budget).
    pub fn set_memory_budget(&self, bytes: impl Into<Option<usize>>) {
        self.checkpointing.lock().budget = bytes.into();
    }

    /// A value that each run is fed, of the context's floating dtype; -1 is a dimension of any length. The same name with
    /// the same shape is the same tensor; with another shape it is an error.
    #[track_caller]
    pub fn placeholder(&self, name: &str, shape: &[isize]) -> Tensor<'_> {
        match &self.dtype {
            Ok(dtype) => self.graph.placeholder_of(name, shape, *dtype),
            Err(e) => self.graph.poison(e.clone()),
        }
    }

    /// A variable: by name in the default namespace, by namespace and name, or by id. An unknown one is an error tensor,
    /// which names those that are close.
    #[track_caller]
    pub fn variable(&self, key: impl VariableKey) -> Tensor<'_> {
        let id = match key.find(&self.env) {
            Ok(id) => id,
            Err(e) => return self.graph.poison(e),
        };
        // A run settles variables that still wait for a dtype; so does their first use.
        if let Ok(dtype) = self.dtype
            && let Err(e) = self.env.resolve(dtype)
        {
            return self.graph.poison(e);
        }
        let name = self.env.name_of(id).map(|(ns, name)| match (ns.is_empty(), name) {
            (_, None) => id.index.to_string(),
            (true, Some(n)) => n,
            (false, Some(n)) => format!("{ns}/{n}"),
        });
        match (self.env.aval(id), name) {
            (Ok((dtype, dims)), Ok(name)) => self.graph.variable_of(id.env, id.index, &name, dtype, &dims),
            (Err(e), _) | (_, Err(e)) => self.graph.poison(e),
        }
    }

    /// Zeros, in the context's floating dtype.
    #[track_caller]
    pub fn zeros(&self, shape: impl IntoAttr<Ints>) -> Tensor<'_> {
        self.full(shape, 0.0)
    }

    /// Ones, in the context's floating dtype.
    #[track_caller]
    pub fn ones(&self, shape: impl IntoAttr<Ints>) -> Tensor<'_> {
        self.full(shape, 1.0)
    }

    /// A number repeated over a shape, in the context's floating dtype.
    #[track_caller]
    pub fn full(&self, shape: impl IntoAttr<Ints>, value: f64) -> Tensor<'_> {
        match &self.dtype {
            Ok(dtype) => broadcast_to(self.graph.scalar(value.into(), *dtype), shape.into_attr()),
            Err(e) => self.graph.poison(e.clone()),
        }
    }

    /// The numbers `start, start + step, ..` before `stop`: of integers as `int64`, else in the context's floating dtype.
    ///
    /// ```
    /// use scirs2_autograd::run;
    /// let y = run(|ctx| ctx.arange(5, 0, -2).eval(ctx)).unwrap();
    /// assert_eq!(y.as_slice::<i64>().unwrap(), [5, 3, 1]);
    /// ```
    #[track_caller]
    pub fn arange(&self, start: impl Into<Scalar>, stop: impl Into<Scalar>, step: impl Into<Scalar>) -> Tensor<'_> {
        let (start, stop, step) = (start.into(), stop.into(), step.into());
        let whole = [start, stop, step].iter().all(|s| matches!(s, Scalar::Int(_)));
        match &self.dtype {
            _ if whole => arange(&self.graph, start, stop, step, DType::I64),
            Ok(dtype) => arange(&self.graph, start, stop, step, *dtype),
            Err(e) => self.graph.poison(e.clone()),
        }
    }

    /// `num` numbers at equal distances from `start` to `stop`, which is the last of them, in the context's floating dtype.
    #[track_caller]
    pub fn linspace(&self, start: f64, stop: f64, num: usize) -> Tensor<'_> {
        match &self.dtype {
            Ok(dtype) => linspace(self.graph.scalar(start.into(), *dtype), stop, num as i64, true, 0),
            Err(e) => self.graph.poison(e.clone()),
        }
    }

    /// Ones on the diagonal `k` of an `n x m` matrix (`n x n` without `m`), zeros elsewhere, in the context's floating dtype.
    #[track_caller]
    pub fn eye(&self, n: usize, m: impl IntoAttr<Axis>, k: i64) -> Tensor<'_> {
        match &self.dtype {
            Ok(dtype) => eye_of(self.graph.scalar(1.0.into(), *dtype), n as i64, m.into_attr(), k),
            Err(e) => self.graph.poison(e.clone()),
        }
    }

    /// A constant array. The elements are copied.
    #[track_caller]
    pub fn constant(&self, array: impl crate::state::IntoArray) -> Tensor<'_> {
        match array.into_value() {
            Ok(crate::state::Stored::Array(a)) => self.graph.constant_array(a),
            Ok(crate::state::Stored::Weak(f)) => {
                let dims: Vec<i64> = f.shape().iter().map(|&n| n as i64).collect();
                self.full(dims, f.value())
            }
            Err(e) => self.graph.poison(e),
        }
    }

    /// An evaluator: what to compute, with which feeds.
    pub fn evaluator<'v>(&self) -> Evaluator<'_, 'v> {
        Evaluator::new(self)
    }

    /// Ends the context: from now on building and running are errors.
    pub fn close(&self) {
        self.graph.close();
        self.bound.lock().clear();
        plan::release(self.graph.id());
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        plan::release(self.graph.id());
    }
}

impl Deref for Context {
    type Target = Graph;
    fn deref(&self) -> &Graph {
        &self.graph
    }
}
