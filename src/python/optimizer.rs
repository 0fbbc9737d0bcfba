//! Optimizers: one class over the rules of the Rust face.

use pyo3::prelude::*;
use pyo3::types::PyList;

use super::apply::tensors;
use super::context::Context;
use super::convert;
use super::environment::{VariableEnvironment, VariableID};
use super::evaluator::{Feeder, Held, Plan, run};
use super::site::at_caller;
use crate::api::evaluator::prepare;
use crate::optimizers::{self, Optimizer, adagrad::AdaGrad, adam::Adam, momentum_sgd::MomentumSGD, sgd::SGD};

/// An optimizer.
#[pyclass(frozen, module = "scirs2_autograd._lib")]
pub struct _Optimizer(Box<dyn Optimizer + Send + Sync>);

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
        _Optimizer(Box::new(SGD::new(alpha).check_finite(check_finite)))
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
        Ok(_Optimizer(Box::new(MomentumSGD::new(alpha, momentum, ids, &env.get().0, namespace).check_finite(check_finite))))
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
        Ok(_Optimizer(Box::new(AdaGrad::new(alpha, ids, &env.get().0, namespace).check_finite(check_finite))))
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
        Ok(_Optimizer(Box::new(Adam::new(alpha, eps, b1, b2, ids, &env.get().0, namespace).check_finite(check_finite))))
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
            let (outputs, updates) = at_caller(py, || py.detach(|| optimizers::request(&*self.0, &o, &v, &g, &inner)))??;
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
        super::guarded(|| Ok(Plan(optimizers::plan(&*self.0, &o, &v, &g, &inner, &held.feeder)?)))
    }
}
