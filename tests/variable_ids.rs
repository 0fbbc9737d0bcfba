//! Ids of variables belong to one environment: every way to use one in another is an error that says so.

use scirs2_autograd::internals::updates;
use scirs2_autograd::optimizers::Optimizer;
use scirs2_autograd::optimizers::adagrad::AdaGrad;
use scirs2_autograd::optimizers::adam::Adam;
use scirs2_autograd::optimizers::momentum_sgd::MomentumSGD;
use scirs2_autograd::{Error, ErrorKind, VariableEnvironment, tensor_ops as T};

fn refused(e: &Error) {
    assert_eq!(e.kind(), ErrorKind::Variable);
    assert!(e.to_string().starts_with("variable: the id belongs to another environment. Got VariableID(0) of another environment;"), "{e}");
}

#[test]
fn an_id_of_another_environment_is_refused() {
    let (env, other) = (VariableEnvironment::new(), VariableEnvironment::new());
    let (own, foreign) = (env.name("w").set(1.0), other.name("w").set(2.0));
    assert_ne!(own, foreign);
    refused(&env.get(foreign).unwrap_err());
    refused(&env.set_by_id(foreign, 3.0).unwrap_err());
    refused(&env.aval(foreign).unwrap_err());
    env.run(|ctx| {
        let t = ctx.variable(foreign);
        refused(&t.error().unwrap());
        refused(&(t + 1.0).eval(ctx).unwrap_err());
        // By name it is the one of this environment.
        assert_eq!(ctx.variable("w").eval(ctx).unwrap().item().unwrap(), 1.0);
    });
    let optimizers: [&dyn Optimizer; 3] = [
        &Adam::default("adam", [own, foreign], &env),
        &AdaGrad::default("adagrad", [foreign], &env),
        &MomentumSGD::default("momentum", [foreign], &env),
    ];
    for opt in optimizers {
        env.run(|ctx| {
            let w = ctx.variable("w");
            refused(&updates(opt, &[w], &T::grad(&[w * w], &[w]), ctx).unwrap_err());
        });
    }
    assert_eq!(env.len(), 1, "no state was made");
    assert_eq!((env.get(own).unwrap().item().unwrap(), other.get(foreign).unwrap().item().unwrap()), (1.0, 2.0));
}

#[test]
fn what_was_loaded_has_ids_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    let env = VariableEnvironment::new();
    let w = env.name("w").set(1.0);
    env.save(&path).unwrap();
    let again = VariableEnvironment::load(&path).unwrap();
    refused(&again.get(w).unwrap_err());
    assert_eq!(again.get(again.lookup("", "w").unwrap()).unwrap().item().unwrap(), 1.0);
    // An environment that is set from a file keeps its ids, and so do all handles to it.
    env.initialize(&path).unwrap();
    assert_eq!(env.clone().get(w).unwrap().item().unwrap(), 1.0);
}
