//! Optimizers: one class over the rules of the Rust face.

use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::PyString;

use super::apply::tensors;
use super::context::Context;
use super::environment::{Key, VariableEnvironment};
use super::evaluator::{Asked, Evaluator, FedObjects};
use super::guarded;
use super::policy::Wishes;
use super::site::at_caller;
use crate::api::context as api;
use crate::error::{Error, ErrorKind};
use crate::graph::{Tensor, Value};
use crate::optimizers::{self, Adjustable, Home, adagrad::AdaGrad, adam::Adam, momentum_sgd::MomentumSGD, sgd::SGD};
use crate::state::{self, VariableKey};

/// The assignments of the step that was built last: a loop takes the same one again and again.
struct Last {
    graph: u64,
    vars: Vec<Value>,
    grads: Vec<Value>,
    updates: Vec<Value>,
}

/// An optimizer. Its hyperparameters are settings of the graph, so equal variables and gradients have equal updates.
#[pyclass(frozen, module = "scirs2_autograd._lib")]
pub struct _Optimizer(Box<dyn Adjustable>, Mutex<Option<Last>>);

impl _Optimizer {
    fn of(rule: impl Adjustable + 'static) -> PyResult<_Optimizer> {
        match rule.error() {
            Some(e) => Err(e.into()),
            None => Ok(_Optimizer(Box::new(rule), Mutex::new(None))),
        }
    }

    /// The assignments of a step.
    fn updates(
        &self,
        py: Python<'_>,
        ctx: &api::Context,
        outputs: &[Tensor<'_>],
        vars: &[Tensor<'_>],
        grads: &[Tensor<'_>],
    ) -> PyResult<Vec<Value>> {
        let (v, g) = (values(vars), values(grads));
        if let Some(last) = &*self.1.lock()
            && (last.graph, &last.vars, &last.grads) == (ctx.id(), &v, &g)
        {
            return Ok(last.updates.clone());
        }
        let (_, made) = at_caller(py, || py.detach(|| optimizers::request(&*self.0, outputs, vars, grads, ctx)))??;
        let updates = values(&made);
        *self.1.lock() = Some(Last { graph: ctx.id(), vars: v, grads: g, updates: updates.clone() });
        Ok(updates)
    }
}

fn values(list: &[Tensor<'_>]) -> Vec<Value> {
    list.iter().map(|t| t.value()).collect()
}

/// The variables that an optimizer is for: by default those of the default namespace.
fn ids(op: &str, given: Option<&Bound<'_, PyAny>>, env: &state::VariableEnvironment) -> PyResult<Vec<state::VariableID>> {
    let Some(list) = given else { return Ok(env.default_namespace().current_var_ids()) };
    let wrong = |got: &Bound<'_, PyAny>| -> PyErr {
        let got = got.repr().map_or_else(|_| String::new(), |r| r.to_string());
        let rule = "a list of VariableIDs or of names of variables";
        Error::new(ErrorKind::DType, op, "the ids have the wrong type", got, rule).into()
    };
    // The letters of a name are no names.
    let items = if list.is_instance_of::<PyString>() { None } else { list.try_iter().ok() };
    let one = |key: PyResult<Bound<'_, PyAny>>| {
        let key = key?;
        Ok(Key::of(&key).map_err(|_| wrong(&key))?.find(env)?)
    };
    items.ok_or_else(|| wrong(list))?.map(one).collect()
}

#[pymethods]
impl _Optimizer {
    #[staticmethod]
    fn sgd(
        alpha: f64,
        ids: Option<&Bound<'_, PyAny>>,
        env: Option<&Bound<'_, VariableEnvironment>>,
        check_finite: bool,
    ) -> PyResult<_Optimizer> {
        guarded(|| {
            let sgd = SGD::new(alpha).check_finite(check_finite);
            _Optimizer::of(match env {
                Some(env) => sgd.only_for(&env.get().0, self::ids("SGD", ids, &env.get().0)?),
                None => sgd,
            })
        })
    }
    #[staticmethod]
    fn momentum_sgd(
        alpha: f64,
        momentum: f64,
        ids: Option<&Bound<'_, PyAny>>,
        env: &Bound<'_, VariableEnvironment>,
        namespace: Option<&str>,
        check_finite: bool,
    ) -> PyResult<_Optimizer> {
        guarded(|| {
            let env = &env.get().0;
            let home = Home::of(env, namespace, "momentum_sgd", self::ids("MomentumSGD", ids, env)?);
            _Optimizer::of(MomentumSGD::of(alpha, momentum, home).check_finite(check_finite))
        })
    }
    #[staticmethod]
    fn adagrad(
        alpha: f64,
        eps: f64,
        ids: Option<&Bound<'_, PyAny>>,
        env: &Bound<'_, VariableEnvironment>,
        namespace: Option<&str>,
        check_finite: bool,
    ) -> PyResult<_Optimizer> {
        guarded(|| {
            let env = &env.get().0;
            let home = Home::of(env, namespace, "adagrad", self::ids("AdaGrad", ids, env)?);
            _Optimizer::of(AdaGrad::of(alpha, eps, home).check_finite(check_finite))
        })
    }
    #[staticmethod]
    #[allow(clippy::too_many_arguments, reason = "the constructor's parameters")]
    fn adam(
        alpha: f64,
        eps: f64,
        b1: f64,
        b2: f64,
        ids: Option<&Bound<'_, PyAny>>,
        env: &Bound<'_, VariableEnvironment>,
        namespace: Option<&str>,
        check_finite: bool,
    ) -> PyResult<_Optimizer> {
        guarded(|| {
            let env = &env.get().0;
            let home = Home::of(env, namespace, "adam", self::ids("Adam", ids, env)?);
            _Optimizer::of(Adam::of(alpha, eps, b1, b2, home).check_finite(check_finite))
        })
    }

    /// A hyperparameter.
    fn get(&self, name: &str) -> PyResult<f64> {
        guarded(|| Ok(self.0.hyperparameters().get(name)?))
    }
    /// Sets a hyperparameter: the next step reads it.
    fn set(&self, name: &str, value: f64) -> PyResult<()> {
        guarded(|| Ok(self.0.hyperparameters().set(name, value)?))
    }

    /// A request of `outputs` whose runs take a step: they write the variables and the state.
    #[allow(clippy::too_many_arguments, reason = "what a step is asked for")]
    #[pyo3(signature = (outputs, vars, grads, ctx, feeds, checkpoint, memory_budget))]
    fn step<'py>(
        &self,
        outputs: &Bound<'py, PyAny>,
        vars: &Bound<'py, PyAny>,
        grads: &Bound<'py, PyAny>,
        ctx: &Bound<'py, Context>,
        feeds: Option<&Bound<'py, PyAny>>,
        checkpoint: Option<&Bound<'py, PyAny>>,
        memory_budget: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Evaluator> {
        guarded(|| {
            let wishes = Wishes::of(checkpoint, memory_budget)?;
            let (py, ctx) = (ctx.py(), ctx.as_unbound());
            let held = FedObjects::of("update", feeds)?;
            let (outputs, vars, grads) = (tensors(ctx, outputs)?, tensors(ctx, vars)?, tensors(ctx, grads)?);
            let updates = self.updates(py, ctx.get(), &outputs, &vars, &grads)?;
            Ok(Evaluator::of(ctx.clone_ref(py), updates, Asked { outputs: values(&outputs), held, wishes }))
        })
    }
}
