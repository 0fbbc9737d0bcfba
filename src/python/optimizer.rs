//! Optimizers: one class over the rules of the Rust face.

use parking_lot::Mutex;
use pyo3::prelude::*;

use super::apply::tensors;
use super::context::Context;
use super::environment::{VariableEnvironment, VariableID};
use super::evaluator::{Evaluator, Feeder, Held};
use super::guarded;
use super::site::at_caller;
use crate::api::context as api;
use crate::graph::{Tensor, Value};
use crate::optimizers::{self, Adjustable, adagrad::AdaGrad, adam::Adam, momentum_sgd::MomentumSGD, sgd::SGD};

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

fn ids(list: &Bound<'_, PyAny>) -> PyResult<Vec<crate::state::VariableID>> {
    list.try_iter()?.map(|x| Ok(x?.cast::<VariableID>()?.get().0)).collect()
}

#[pymethods]
impl _Optimizer {
    #[staticmethod]
    fn sgd(alpha: f64, check_finite: bool) -> PyResult<_Optimizer> {
        guarded(|| _Optimizer::of(SGD::new(alpha).check_finite(check_finite)))
    }
    #[staticmethod]
    fn momentum_sgd(
        alpha: f64,
        momentum: f64,
        ids: &Bound<'_, PyAny>,
        env: &Bound<'_, VariableEnvironment>,
        namespace: &str,
        check_finite: bool,
    ) -> PyResult<_Optimizer> {
        guarded(|| _Optimizer::of(MomentumSGD::new(alpha, momentum, self::ids(ids)?, &env.get().0, namespace).check_finite(check_finite)))
    }
    #[staticmethod]
    fn adagrad(
        alpha: f64,
        ids: &Bound<'_, PyAny>,
        env: &Bound<'_, VariableEnvironment>,
        namespace: &str,
        check_finite: bool,
    ) -> PyResult<_Optimizer> {
        guarded(|| _Optimizer::of(AdaGrad::new(alpha, self::ids(ids)?, &env.get().0, namespace).check_finite(check_finite)))
    }
    #[staticmethod]
    #[allow(clippy::too_many_arguments, reason = "the constructor's parameters")]
    fn adam(
        alpha: f64,
        eps: f64,
        b1: f64,
        b2: f64,
        ids: &Bound<'_, PyAny>,
        env: &Bound<'_, VariableEnvironment>,
        namespace: &str,
        check_finite: bool,
    ) -> PyResult<_Optimizer> {
        guarded(|| _Optimizer::of(Adam::new(alpha, eps, b1, b2, self::ids(ids)?, &env.get().0, namespace).check_finite(check_finite)))
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
    #[pyo3(signature = (outputs, vars, grads, ctx, feeder))]
    fn step<'py>(
        &self,
        outputs: &Bound<'py, PyAny>,
        vars: &Bound<'py, PyAny>,
        grads: &Bound<'py, PyAny>,
        ctx: &Bound<'py, Context>,
        feeder: Option<&Bound<'py, Feeder>>,
    ) -> PyResult<Evaluator> {
        guarded(|| {
            let (py, ctx) = (ctx.py(), ctx.as_unbound());
            let mut held = Held::default();
            if let Some(f) = feeder {
                held.extend(py, &f.get().0.lock());
            }
            let (outputs, vars, grads) = (tensors(ctx, outputs)?, tensors(ctx, vars)?, tensors(ctx, grads)?);
            let updates = self.updates(py, ctx.get(), &outputs, &vars, &grads)?;
            Ok(Evaluator::of(ctx.clone_ref(py), values(&outputs), updates, held))
        })
    }
}
