//! Optimizers: one class over the rules of the Rust face.

use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::PyList;

use super::apply::tensors;
use super::context::Context;
use super::convert;
use super::environment::{VariableEnvironment, VariableID};
use super::evaluator::{Feeder, Held, Plan, run};
use super::site::at_caller;
use crate::api::evaluator::prepare;
use crate::graph::{Tensor, Value};
use crate::optimizers::{self, Optimizer, adagrad::AdaGrad, adam::Adam, momentum_sgd::MomentumSGD, sgd::SGD};

/// The assignments of the step that was built last: a loop takes the same one again and again.
struct Last {
    graph: u64,
    vars: Vec<Value>,
    grads: Vec<Value>,
    updates: Vec<Value>,
}

/// An optimizer. Its hyperparameters do not change, so equal variables and gradients have equal updates.
#[pyclass(frozen, module = "scirs2_autograd._lib")]
pub struct _Optimizer(Box<dyn Optimizer>, Mutex<Option<Last>>);

impl _Optimizer {
    fn of(rule: impl Optimizer + 'static) -> _Optimizer {
        _Optimizer(Box::new(rule), Mutex::new(None))
    }

    /// The tensors of a step: what it returns, and its assignments.
    fn request<'g>(
        &self,
        py: Python<'_>,
        ctx: &'g crate::api::context::Context,
        outputs: &[Tensor<'g>],
        vars: &[Tensor<'g>],
        grads: &[Tensor<'g>],
    ) -> PyResult<(Vec<Tensor<'g>>, Vec<Tensor<'g>>)> {
        let values = |list: &[Tensor<'_>]| list.iter().map(|t| t.value()).collect::<Vec<_>>();
        let (v, g) = (values(vars), values(grads));
        if let Some(last) = &*self.1.lock()
            && (last.graph, &last.vars, &last.grads) == (ctx.id(), &v, &g)
        {
            return Ok((outputs.to_vec(), last.updates.iter().map(|&u| ctx.tensor(u)).collect()));
        }
        let made = at_caller(py, || py.detach(|| optimizers::request(&*self.0, outputs, vars, grads, ctx)))??;
        *self.1.lock() = Some(Last { graph: ctx.id(), vars: v, grads: g, updates: values(&made.1) });
        Ok(made)
    }
}

fn ids(list: &Bound<'_, PyAny>) -> PyResult<Vec<crate::state::VariableID>> {
    let mut out = vec![];
    for x in list.try_iter()? {
        out.push(x?.cast::<VariableID>()?.get().0);
    }
    Ok(out)
}

#[pymethods]
impl _Optimizer {
    #[staticmethod]
    fn sgd(alpha: f64, check_finite: bool) -> _Optimizer {
        _Optimizer::of(SGD::new(alpha).check_finite(check_finite))
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
        let ids = self::ids(ids)?;
        Ok(_Optimizer::of(MomentumSGD::new(alpha, momentum, ids, &env.get().0, namespace).check_finite(check_finite)))
    }
    #[staticmethod]
    fn adagrad(
        alpha: f64,
        ids: &Bound<'_, PyAny>,
        env: &Bound<'_, VariableEnvironment>,
        namespace: &str,
        check_finite: bool,
    ) -> PyResult<_Optimizer> {
        let ids = self::ids(ids)?;
        Ok(_Optimizer::of(AdaGrad::new(alpha, ids, &env.get().0, namespace).check_finite(check_finite)))
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
        let ids = self::ids(ids)?;
        Ok(_Optimizer::of(Adam::new(alpha, eps, b1, b2, ids, &env.get().0, namespace).check_finite(check_finite)))
    }

    /// Takes a step and returns the values of `outputs` from the same run.
    fn update_and_eval<'py>(
        &self,
        py: Python<'py>,
        outputs: &Bound<'py, PyAny>,
        vars: &Bound<'py, PyAny>,
        grads: &Bound<'py, PyAny>,
        ctx: &Bound<'py, Context>,
        feeder: Option<&Bound<'py, Feeder>>,
    ) -> PyResult<Bound<'py, PyList>> {
        let inner = ctx.get().inner();
        let mut held = Held::default();
        if let Some(f) = feeder {
            held.extend(py, &f.get().0.lock());
        }
        let (o, v, g) = (tensors(&inner, outputs)?, tensors(&inner, vars)?, tensors(&inner, grads)?);
        super::guarded(|| {
            let (outputs, updates) = self.request(py, &inner, &o, &v, &g)?;
            let prepared = prepare(&inner, &outputs, &updates, &held.feeder)?;
            let arrays = run(py, &prepared)?;
            let items: Vec<_> = arrays.into_iter().map(|a| convert::to_numpy(py, a)).collect::<PyResult<_>>()?;
            PyList::new(py, items)
        })
    }

    /// The plan of such a step.
    fn plan<'py>(
        &self,
        py: Python<'py>,
        outputs: &Bound<'py, PyAny>,
        vars: &Bound<'py, PyAny>,
        grads: &Bound<'py, PyAny>,
        ctx: &Bound<'py, Context>,
        feeder: Option<&Bound<'py, Feeder>>,
    ) -> PyResult<Plan> {
        let inner = ctx.get().inner();
        let mut held = Held::default();
        if let Some(f) = feeder {
            held.extend(py, &f.get().0.lock());
        }
        let (o, v, g) = (tensors(&inner, outputs)?, tensors(&inner, vars)?, tensors(&inner, grads)?);
        super::guarded(|| {
            let (outputs, updates) = self.request(py, &inner, &o, &v, &g)?;
            Ok(Plan(prepare(&inner, &outputs, &updates, &held.feeder)?.plan()))
        })
    }
}
