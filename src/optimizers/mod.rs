//! Optimizers, written over ops as graph: forward, backward and the update of variables and state are one plan.
//!
//! Hyperparameters are settings, which each step reads: no graph and no plan depends on their values. State lives in a
//! namespace of the environment and is saved with it: for the variable `w`, `"w.m"` and the like, in its dtype. It belongs to
//! the variable: an optimizer that is made for a namespace with state goes on with it, whatever else has changed. Kinds of
//! optimizers have names of their own, so that one never takes the state of another kind for its own.

pub mod adadelta;
pub mod adagrad;
pub mod adam;
pub mod adamw;
mod hyper;
pub mod lion;
pub mod momentum_sgd;
pub mod nadam;
pub mod nesterov;
pub mod rmsprop;
pub mod schedules;
pub mod sgd;

use std::sync::Arc;

use crate::api::context::Context;
use crate::api::feed::Feeder;
use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result, Site};
use crate::graph::{AsTensor, NodeOp, Tensor};
use crate::ops::arithmetic::abs;
use crate::ops::compare::less;
use crate::ops::control::check_finite;
use crate::ops::select::select;
use crate::optimizers::hyper::{Hyperparameters, Range};
use crate::plan::TracedPlan;
use crate::shape::Tuple;
use crate::state::{Keeper, Part, VariableEnvironment, VariableID};

/// A rule that turns gradients into updates.
pub trait Optimizer: Send + Sync {
    /// The name that messages and `explain` show.
    fn name(&self) -> &'static str;

    /// The assignments of one step: new values of the variables, and of the state. Nothing is written until they are
    /// evaluated.
    fn compute_updates<'g>(&self, vars: &[Tensor<'g>], grads: &[Tensor<'g>], ctx: &'g Context) -> Result<Vec<Tensor<'g>>>;

    /// True if a gradient that is NaN or infinite is an error of the step.
    fn checks_finite(&self) -> bool;

    /// Why this optimizer can take no step: a hyperparameter out of its range, a variable of another environment. It is what
    /// its steps return; making an optimizer never fails.
    fn error(&self) -> Option<Error> {
        None
    }
}

/// What the optimizers of this crate have in common.
#[derive(Clone, Debug)]
pub(crate) struct Core {
    name: &'static str,
    /// Shared by clones until one of them sets a value: equal optimizers then have equal steps.
    hyper: Arc<Hyperparameters>,
    namespace: String,
    /// The variables that it is for, if it keeps no state to tell them by; none for all.
    ids: Option<Arc<[VariableID]>>,
    check: bool,
    error: Option<Error>,
}

/// For which variables an optimizer is made, and where it keeps its state.
pub(crate) struct Home<'a> {
    env: &'a VariableEnvironment,
    namespace: &'a str,
    ids: Vec<VariableID>,
    /// True if state that another optimizer uses is refused: nobody has named the namespace.
    alone: bool,
}

impl<'a> Home<'a> {
    /// State in the namespace `namespace`, and whatever is there already.
    fn named(env: &'a VariableEnvironment, namespace: &'a str, ids: impl IntoIterator<Item = VariableID>) -> Home<'a> {
        Home { env, namespace, ids: ids.into_iter().collect(), alone: false }
    }

    /// State in the namespace `named`, or by default in `otherwise`, and then without what another optimizer uses.
    #[cfg(feature = "python")]
    pub fn of(env: &'a VariableEnvironment, named: Option<&'a str>, otherwise: &'a str, ids: Vec<VariableID>) -> Home<'a> {
        Home { env, namespace: named.unwrap_or(otherwise), ids, alone: named.is_none() }
    }
}

impl Core {
    fn new(name: &'static str, list: &[(&'static str, Range, f64)]) -> Core {
        let hyper = Hyperparameters::new(name, list);
        let error = hyper.check().err();
        Core { name, hyper: Arc::new(hyper), namespace: String::new(), ids: None, check: false, error }
    }

    /// With state for the variables of `home`.
    fn with_state(mut self, home: Home<'_>, parts: &[Part]) -> Core {
        self.namespace = home.namespace.to_owned();
        if self.error.is_none() {
            self.error = home.env.keep(Keeper { alone: home.alone, ..self.place() }, &home.ids, parts).err();
        }
        self
    }

    /// For these variables of an environment only.
    #[cfg(feature = "python")]
    fn with_ids(mut self, env: &VariableEnvironment, ids: Vec<VariableID>) -> Core {
        let foreign = ids.iter().find_map(|id| env.name_of(*id).err());
        self.error = self.error.or(foreign);
        self.ids = Some(ids.into());
        self
    }

    fn place(&self) -> Keeper<'_> {
        Keeper { op: self.name, namespace: &self.namespace, alone: false }
    }

    /// A part of the state of a variable as a tensor.
    fn state<'g>(&self, ctx: &'g Context, v: Tensor<'g>, part: Part) -> Result<Tensor<'g>> {
        match ctx.env().kept(self.place(), variable(v)?, part)? {
            Some(id) => Ok(ctx.variable(id)),
            None => Err(not_given(v)),
        }
    }

    /// The gradient `g` of `w` with that of a penalty, `weight_decay * w^2 / 2`.
    fn decayed<'g>(&self, w: Tensor<'g>, g: Tensor<'g>) -> Tensor<'g> {
        self.hyper.term("weight_decay", w).map_or(g, |decay| g + w * decay)
    }

    /// An error for a variable that it is not for.
    fn admits(&self, v: Tensor<'_>) -> Result<()> {
        let id = variable(v)?;
        if self.ids.as_ref().is_none_or(|ids| ids.contains(&id)) { Ok(()) } else { Err(not_given(v)) }
    }
}

/// A moment, 0 where it is below the smallest normal number: denormal numbers slow a step down tenfold.
fn flushed(x: Tensor<'_>) -> Tensor<'_> {
    let tiny = if x.dtype() == DType::F32 { f64::from(f32::MIN_POSITIVE) } else { f64::MIN_POSITIVE };
    select(less(abs(x), tiny), 0.0, x)
}

fn not_given(v: Tensor<'_>) -> Error {
    let what = "the variable was not given to the optimizer";
    let e = Error::new(ErrorKind::Variable, "update", what, format_args!("{v:?}"), "a variable whose id was given to it");
    e.help("make the optimizer when all of its variables are set")
}

/// The id of a variable.
fn variable(v: Tensor<'_>) -> Result<VariableID> {
    match v.node().op {
        NodeOp::Variable(env, index, _) => Ok(VariableID { env, index }),
        _ => Err(Error::new(ErrorKind::Variable, "update", "not a variable", format_args!("{v:?}"), "a tensor from `ctx.variable`")),
    }
}

/// The optimizers of this crate, as another face sees them.
#[cfg(feature = "python")]
pub(crate) trait Adjustable: Optimizer {
    fn hyperparameters(&self) -> &Hyperparameters;
    /// Makes a gradient that is NaN or infinite an error of the step.
    fn set_check_finite(&mut self, check: bool);
}

/// The assignments of a step, checked.
#[track_caller]
pub fn updates<'g>(opt: &dyn Optimizer, vars: &[Tensor<'g>], grads: &[Tensor<'g>], ctx: &'g Context) -> Result<Vec<Tensor<'g>>> {
    if let Some(e) = opt.error() {
        return Err(e);
    }
    if vars.len() != grads.len() {
        return Err(Error::new(
            ErrorKind::Shape,
            "update",
            "variables and gradients do not pair",
            format_args!("{} and {}", vars.len(), grads.len()),
            "one gradient a variable",
        ));
    }
    for (v, g) in vars.iter().zip(grads) {
        if let Some(e) = v.error().or(g.error()) {
            return Err(e);
        }
        variable(*v)?;
        if !v.dtype().is_float() {
            let rule = "a variable of float32 or float64";
            return Err(Error::new(ErrorKind::DType, "update", "the variable has no gradient", format_args!("{v:?}"), rule));
        }
        if v.dims() != g.dims() {
            let got = format!("gradient {} for variable {}", Tuple(g.dims()), Tuple(v.dims()));
            return Err(Error::new(ErrorKind::Shape, "update", "a gradient does not fit its variable", got, "equal shapes"));
        }
    }
    let out = Site::here().during(|| {
        ctx.inside(opt.name(), || {
            let grads: Vec<Tensor<'g>> = if opt.checks_finite() { grads.iter().map(check_finite).collect() } else { grads.to_vec() };
            opt.compute_updates(vars, &grads, ctx)
        })
    })?;
    match out.iter().find_map(|t| t.error()) {
        Some(e) => Err(e),
        None => Ok(out),
    }
}

/// The tensors of a step: what it returns, and its assignments.
#[track_caller]
pub(crate) fn request<'g>(
    opt: &dyn Optimizer,
    outputs: &[Tensor<'_>],
    vars: &[Tensor<'_>],
    grads: &[Tensor<'_>],
    ctx: &'g Context,
) -> Result<(Vec<Tensor<'g>>, Vec<Tensor<'g>>)> {
    let own = |list: &[Tensor<'_>]| {
        list.iter().map(|t| if t.graph().id() == ctx.id() { Ok(ctx.tensor(t.value())) } else { Err(foreign()) }).collect::<Result<Vec<_>>>()
    };
    let (outputs, vars, grads) = (own(outputs)?, own(vars)?, own(grads)?);
    if let Some(e) = outputs.iter().find_map(|t| t.error()) {
        return Err(e);
    }
    let updates = updates(opt, &vars, &grads, ctx)?;
    Ok((outputs, updates))
}

fn foreign() -> Error {
    Error::new(
        ErrorKind::Graph,
        "update",
        "tensors of two graphs are mixed",
        "a tensor of another context",
        "tensors of the context that is given",
    )
}

/// Methods that all optimizers have, as inherent methods: no trait must be imported.
macro_rules! methods {
    ($T:ident { $($(#[$get_doc:meta])+ $get:ident, $(#[$set_doc:meta])+ $set:ident;)+ }) => {
        // A scope of its own, so that the file of an optimizer imports nothing for its methods.
        const _: () = {
            use std::borrow::Borrow;
            use std::sync::Arc;

            use crate::api::context::Context;
            use crate::api::binding::evaluate;
            use crate::api::feed::Feeder;
            use crate::array::Array;
            use crate::error::{Error, Result};
            use crate::graph::{AsTensor, Tensor};
            use crate::plan::TracedPlan;

            #[cfg(feature = "python")]
            impl super::Adjustable for $T {
                fn hyperparameters(&self) -> &super::Hyperparameters {
                    &self.0.hyper
                }
                fn set_check_finite(&mut self, check: bool) {
                    self.0.check = check;
                }
            }

            impl $T {
                $(
                    $(#[$get_doc])+
                    pub fn $get(&self) -> f64 {
                        self.0.hyper.get(stringify!($get)).unwrap_or(f64::NAN)
                    }
                    $(#[$set_doc])+
                    ///
                    /// The next step reads it, without a new graph or plan. Another number is a `Value` error, and then nothing
                    /// has changed.
                    pub fn $set(&mut self, value: impl Into<f64>) -> Result<()> {
                        Arc::make_mut(&mut self.0.hyper).set(stringify!($get), value.into())
                    }
                )+

                /// Why this optimizer can take no step; `None` if it can.
                pub fn error(&self) -> Option<Error> {
                    self.0.error.clone()
                }

                /// Takes a step: evaluates the gradients and writes the variables and the optimizer's state, in one run. A
                /// step that fails leaves all of them as they were.
                #[track_caller]
                pub fn update<'g, A: AsTensor<'g>, B: AsTensor<'g>>(
                    &self,
                    vars: &[A],
                    grads: &[B],
                    ctx: &'g Context,
                    feeder: impl Borrow<Feeder<'g>>,
                ) -> Result<()> {
                    self.update_and_eval(&[] as &[Tensor<'g>], vars, grads, ctx, feeder).map(|_| ())
                }

                /// Takes a step and returns the values of `outputs`, such as the loss, from the same run: they see the
                /// variables before the update.
                #[track_caller]
                pub fn update_and_eval<'g, A: AsTensor<'g>, B: AsTensor<'g>, C: AsTensor<'g>>(
                    &self,
                    outputs: &[C],
                    vars: &[A],
                    grads: &[B],
                    ctx: &'g Context,
                    feeder: impl Borrow<Feeder<'g>>,
                ) -> Result<Vec<Array>> {
                    let (o, v, g) = super::handles(outputs, vars, grads);
                    let (outputs, updates) = super::request(self, &o, &v, &g, ctx)?;
                    Ok(evaluate(ctx, &outputs, &updates, feeder.borrow(), None)?.outputs)
                }

                /// The plan of such a step.
                #[track_caller]
                pub fn plan<'g, A: AsTensor<'g>, B: AsTensor<'g>, C: AsTensor<'g>>(
                    &self,
                    outputs: &[C],
                    vars: &[A],
                    grads: &[B],
                    ctx: &'g Context,
                    feeder: impl Borrow<Feeder<'g>>,
                ) -> Result<TracedPlan> {
                    let (o, v, g) = super::handles(outputs, vars, grads);
                    super::plan(self, &o, &v, &g, ctx, feeder.borrow())
                }

                /// The same optimizer, which makes a gradient that is NaN or infinite an error of the step.
                pub fn check_finite(mut self, check: bool) -> Self {
                    self.0.check = check;
                    self
                }
            }
        };
    };
}
pub(crate) use methods;

type Handles<'g> = (Vec<Tensor<'g>>, Vec<Tensor<'g>>, Vec<Tensor<'g>>);

fn handles<'g>(outputs: &[impl AsTensor<'g>], vars: &[impl AsTensor<'g>], grads: &[impl AsTensor<'g>]) -> Handles<'g> {
    (outputs.iter().map(|t| t.tensor()).collect(), vars.iter().map(|t| t.tensor()).collect(), grads.iter().map(|t| t.tensor()).collect())
}

#[track_caller]
pub(crate) fn plan(
    opt: &dyn Optimizer,
    outputs: &[Tensor<'_>],
    vars: &[Tensor<'_>],
    grads: &[Tensor<'_>],
    ctx: &Context,
    feeder: &Feeder<'_>,
) -> Result<TracedPlan> {
    let (outputs, updates) = request(opt, outputs, vars, grads, ctx)?;
    let ask = ctx.evaluator().extend(&outputs).set_feeder(feeder.clone());
    updates.into_iter().fold(ask, |ask, t| ask.write(t)).plan()
}
