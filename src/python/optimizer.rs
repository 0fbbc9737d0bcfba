//! Optimizers: one class over the rules of the Rust face.

use parking_lot::Mutex;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

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
use crate::optimizers::adadelta::Adadelta;
use crate::optimizers::adagrad::AdaGrad;
use crate::optimizers::adam::Adam;
use crate::optimizers::adamw::AdamW;
use crate::optimizers::lion::Lion;
use crate::optimizers::momentum_sgd::MomentumSGD;
use crate::optimizers::nadam::NAdam;
use crate::optimizers::nesterov::Nesterov;
use crate::optimizers::rmsprop::RMSprop;
use crate::optimizers::sgd::SGD;
use crate::optimizers::{self, Adjustable, Home};
use crate::state::{self, VariableKey};

/// The assignments of the step that was built last: a loop takes the same one again and again.
struct Last {
    graph: u64,
    vars: Vec<Value>,
    grads: Vec<Value>,
    terms: Vec<bool>,
    updates: Vec<Value>,
}

/// An optimizer. Its hyperparameters are settings of the graph, so equal variables and gradients have equal updates.
#[pyclass(frozen, module = "scirs2_autograd._lib")]
pub struct _Optimizer(Box<dyn Adjustable>, Mutex<Option<Last>>);

impl _Optimizer {
    /// The assignments of a step.
    fn updates(
        &self,
        py: Python<'_>,
        ctx: &api::Context,
        outputs: &[Tensor<'_>],
        vars: &[Tensor<'_>],
        grads: &[Tensor<'_>],
    ) -> PyResult<Vec<Value>> {
        let (v, g, terms) = (values(vars), values(grads), self.0.hyperparameters().terms());
        if let Some(last) = &*self.1.lock()
            && (last.graph, &last.vars, &last.grads, &last.terms) == (ctx.id(), &v, &g, &terms)
        {
            return Ok(last.updates.clone());
        }
        let (_, made) = at_caller(py, || py.detach(|| optimizers::request(&*self.0, outputs, vars, grads, ctx)))??;
        let updates = values(&made);
        *self.1.lock() = Some(Last { graph: ctx.id(), vars: v, grads: g, terms, updates: updates.clone() });
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

/// Hyperparameters by their names.
fn read<const N: usize>(numbers: &Bound<'_, PyDict>, names: [&str; N]) -> PyResult<[f64; N]> {
    let mut out = [f64::NAN; N];
    for (x, name) in out.iter_mut().zip(names) {
        let given = numbers.get_item(name)?;
        let wrong = |e: PyErr| PyTypeError::new_err(format!("argument '{name}': {}", e.value(numbers.py())));
        *x = given.map(|g| g.extract().map_err(wrong)).transpose()?.unwrap_or(f64::NAN);
    }
    Ok(out)
}

/// An optimizer with state, which it keeps by default in the namespace that `home` is given.
fn stateful<'a>(
    kind: &str,
    numbers: &Bound<'_, PyDict>,
    centered: bool,
    home: impl FnOnce(&'static str) -> Home<'a>,
) -> PyResult<Box<dyn Adjustable>> {
    let adam = ["alpha", "eps", "b1", "b2", "weight_decay"];
    Ok(match kind {
        "MomentumSGD" => Box::new(MomentumSGD::of(read(numbers, ["alpha", "momentum", "weight_decay"])?, home("momentum_sgd"))),
        "Nesterov" => Box::new(Nesterov::of(read(numbers, ["alpha", "momentum", "weight_decay"])?, home("nesterov"))),
        "AdaGrad" => Box::new(AdaGrad::of(read(numbers, ["alpha", "eps", "weight_decay"])?, home("adagrad"))),
        "Adadelta" => Box::new(Adadelta::of(read(numbers, ["alpha", "rho", "eps", "weight_decay"])?, home("adadelta"))),
        "RMSprop" => Box::new(RMSprop::of(read(numbers, ["alpha", "rho", "eps", "momentum", "weight_decay"])?, centered, home("rmsprop"))),
        "Adam" => Box::new(Adam::of(read(numbers, adam)?, home("adam"))),
        "AdamW" => Box::new(AdamW::of(read(numbers, adam)?, home("adamw"))),
        "NAdam" => Box::new(NAdam::of(read(numbers, ["alpha", "eps", "b1", "b2", "momentum_decay", "weight_decay"])?, home("nadam"))),
        "Lion" => Box::new(Lion::of(read(numbers, ["alpha", "b1", "b2", "weight_decay"])?, home("lion"))),
        _ => return Err(PyTypeError::new_err(format!("there is no optimizer {kind}"))),
    })
}

#[pymethods]
impl _Optimizer {
    /// The optimizer of a name; `numbers` are its hyperparameters by name. `sgd` alone needs no environment, and has no namespace.
    #[staticmethod]
    #[allow(clippy::too_many_arguments, reason = "what an optimizer is made of")]
    #[pyo3(signature = (kind, numbers, ids, env, namespace, check_finite, centered=false))]
    fn make(
        kind: &str,
        numbers: &Bound<'_, PyDict>,
        ids: Option<&Bound<'_, PyAny>>,
        env: Option<&Bound<'_, VariableEnvironment>>,
        namespace: Option<&str>,
        check_finite: bool,
        centered: bool,
    ) -> PyResult<_Optimizer> {
        guarded(|| {
            let mut rule: Box<dyn Adjustable> = match env {
                Some(env) => {
                    let env = &env.get().0;
                    let ids = self::ids(kind, ids, env)?;
                    if kind == "SGD" {
                        Box::new(SGD::of(read(numbers, ["alpha", "weight_decay"])?).only_for(env, ids))
                    } else {
                        stateful(kind, numbers, centered, |otherwise| Home::of(env, namespace, otherwise, ids))?
                    }
                }
                None if kind == "SGD" => Box::new(SGD::of(read(numbers, ["alpha", "weight_decay"])?)),
                None => return Err(PyTypeError::new_err(format!("{kind}: the environment is missing"))),
            };
            rule.set_check_finite(check_finite);
            match rule.error() {
                Some(e) => Err(e.into()),
                None => Ok(_Optimizer(rule, Mutex::new(None))),
            }
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
