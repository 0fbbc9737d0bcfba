#![allow(clippy::needless_borrows_for_generic_args, clippy::unnecessary_mut_passed, reason = "the borrowed forms are what is tested")]

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use ndarray::{Array2, array};

use super::*;
use crate::array::Filled;
use crate::error::{Error, ErrorKind};

fn text(e: Error) -> String {
    format!("{:?}: {e}", e.kind())
}
fn zeros(shape: &[usize]) -> Filled {
    Filled::new(shape, 0.0)
}
fn dtype(env: &VariableEnvironment, id: VariableID) -> DType {
    env.get(id).unwrap().dtype()
}

#[test]
fn handles_are_shared_and_cross_threads() {
    fn check<T: Send + Sync>() {}
    check::<VariableEnvironment>();
    check::<VariableNamespace<'_>>();
    let mut env = VariableEnvironment::new();
    // An optimizer takes `&VariableEnvironment`; the printed programs pass `&mut env`.
    fn optimizer(_: &str, ids: impl IntoIterator<Item = VariableID>, env: &VariableEnvironment) -> usize {
        env.len() + ids.into_iter().count()
    }
    env.name("w").set(array![1.0]);
    assert_eq!(optimizer("adam", env.default_namespace().current_var_ids(), &mut env), 2);
    let other = env.clone();
    assert_eq!((other.id(), other.len()), (env.id(), 1));
    assert_ne!(VariableEnvironment::new().id(), env.id());
    assert_eq!(format!("{env:?}"), r#"{"w": float64(1,)}"#);
}

#[test]
fn ids_come_in_the_order_of_registration_and_stay() {
    let env = VariableEnvironment::default();
    assert!(env.is_empty());
    let ids = [
        env.name("w1").set(array![[1.0f32, 2.0]]),
        env.namespace("adam").slot().name("w1").set(0i64),
        env.set(true),
        env.slot().name("b").set(array![1i32]),
        env.namespace_mut("adam").slot().set(2.0f64),
        env.slot().set(&array![false]),
    ];
    assert_eq!(ids.map(|i| i.index), [0, 1, 2, 3, 4, 5]);
    let space = env.default_namespace_mut();
    assert_eq!((space.name(), space.current_var_ids()), ("", vec![ids[0], ids[2], ids[3], ids[5]]));
    assert_eq!(space.current_var_names(), ["w1", "b"]);
    assert_eq!(env.namespace("adam").current_var_ids(), [ids[1], ids[4]]);
    assert!(env.namespace("none").current_var_ids().is_empty());
    let names = [("", "w1"), ("adam", "w1"), ("", "b")].map(|(a, b)| (a.to_owned(), b.to_owned()));
    assert_eq!(env.names(), names);
    assert_eq!(env.name_of(ids[1]).unwrap(), ("adam".to_owned(), Some("w1".to_owned())));
    assert_eq!(env.name_of(ids[2]).unwrap(), (String::new(), None));

    assert_eq!(env.name("w1").set(array![5i64]), ids[0]);
    assert_eq!((env.get(ids[0]).unwrap(), env.version(ids[0]).unwrap()), (Array::try_from(&array![5i64]).unwrap(), 2));
    assert_eq!(env.aval(ids[0]).unwrap(), (DType::I64, Dims::from_slice(&[1])));
    assert_eq!(space.get_array_by_name("b").unwrap(), array![1i32]);
    assert!(space.get_array_by_name("c").is_none());
    let listed: Vec<_> = space.iter().map(|(name, a)| (name, a.unwrap().dtype())).collect();
    assert_eq!(listed, [("w1".to_owned(), DType::I64), ("b".to_owned(), DType::I32)]);
    env.set_by_id(ids[3], 7i32).unwrap();
    assert_eq!(env.get(ids[3]).unwrap().item().unwrap(), 7.0);
}

#[test]
fn everything_that_is_an_array_can_be_set() {
    let env = VariableEnvironment::new();
    let a = array![[1.0f64, 2.0, 3.0], [4.0, 5.0, 6.0]];
    let turned = env.set(a.t());
    assert_eq!(env.get(turned).unwrap(), a.t());
    let reversed = env.set(a.slice(ndarray::s![.., ..;-1]));
    assert_eq!(env.get(reversed).unwrap(), array![[3.0, 2.0, 1.0], [6.0, 5.0, 4.0]]);
    let mut user = a.clone();
    let copied = env.set(&mut user);
    user.fill(0.0);
    assert_eq!(env.get(copied).unwrap(), a);
    env.set(a.clone().into_dyn());
    env.set(a.clone().into_shared());
    env.set(ndarray::arr0(1i32));
    env.set(Array2::<bool>::default((0, 3)));
    env.set(&1.0f32);
    env.set(&zeros(&[2]));

    // An array that nobody else holds moves in; one that is shared is copied.
    let own = Array::try_from(&a).unwrap();
    let at = own.ptr();
    assert_eq!(env.get(env.set(own)).unwrap().ptr(), at);
    let shared = env.get(copied).unwrap();
    assert_ne!(env.get(env.set(&shared)).unwrap().ptr(), shared.ptr());
    assert_ne!(env.get(env.set(shared.clone())).unwrap().ptr(), shared.ptr());
    // Reading copies nothing.
    assert_eq!(env.get(copied).unwrap().ptr(), env.get(copied).unwrap().ptr());
}

#[test]
fn unknown_names_list_the_known_ones() {
    let env = VariableEnvironment::new();
    let miss = |space: &str, name: &str| text(env.lookup(space, name).unwrap_err());
    assert_eq!(miss("", "w"), "Variable: variable: unknown variable. Got \"w\"; expected a variable that was set before (there is none).");
    for n in ["w1", "w2", "b1"] {
        env.name(n).set(0.0);
    }
    assert_eq!(miss("", "w3"), "Variable: variable: unknown variable. Got \"w3\"; expected one of w1, w2, b1.");
    env.namespace("adam").slot().name("momentum").set(0);
    assert_eq!(
        miss("adam", "momentun"),
        "Variable: variable: unknown variable. Got \"momentun\" in namespace \"adam\"; expected one of momentum.\nhelp: did you mean \"momentum\"?"
    );
    (0..10).for_each(|i| _ = env.name(&format!("c{i}")).set(0.0));
    assert_eq!(
        miss("", "something"),
        "Variable: variable: unknown variable. Got \"something\"; expected one of w1, w2, b1, c0, c1, c2, c3, c4, c5, c6, c7, c8, ... (13 in all)."
    );
}

#[test]
fn values_are_found_by_every_key() {
    let env = VariableEnvironment::new();
    let w = env.name("weight").set(1.0);
    let b = env.namespace("layer").slot().name("bias").set(2.0);
    let item = |a: Result<Array>| a.unwrap().item().unwrap();
    let (name, pair) = ("weight".to_owned(), ("layer".to_owned(), "bias".to_owned()));
    for a in
        [env.get(w), env.get(&w), env.get("weight"), env.get(&"weight"), env.get(&name), env.get(name.clone()), env.get(("", "weight"))]
    {
        assert_eq!(item(a), 1.0);
    }
    for a in [env.get(b), env.get(("layer", "bias")), env.get(&("layer", "bias")), env.get(&pair), env.get(pair.clone())] {
        assert_eq!(item(a), 2.0);
    }
    assert_eq!(
        text(env.get(("layer", "bais")).unwrap_err()),
        "Variable: variable: unknown variable. Got \"bais\" in namespace \"layer\"; expected one of bias.\nhelp: did you mean \"bias\"?"
    );
    let _run = env.write().unwrap();
    assert_eq!(text(env.get("bias").unwrap_err()), "Variable: variable: unknown variable. Got \"bias\"; expected one of weight.");
    assert_eq!(env.get("weight").unwrap_err().kind(), ErrorKind::Graph, "the value is lent to a run");
}

#[test]
fn ids_of_another_environment_are_errors() {
    let (env, other) = (VariableEnvironment::new(), VariableEnvironment::new());
    let (own, id) = (env.set(0.0), other.set(1.0));
    // The same place in two environments is two ids.
    assert_eq!(own.index, id.index);
    assert_ne!(own, id);
    assert_eq!(std::collections::HashSet::from([own, id, env.clone().default_namespace().current_var_ids()[0]]).len(), 2);
    let want = "Variable: variable: the id belongs to another environment. Got VariableID(0) of another environment; expected an id \
                that this environment gave out.\nhelp: ask this environment for the variable by its name; one that was loaded from a \
                file has ids of its own";
    assert_eq!(text(env.get(id).unwrap_err()), want);
    assert_eq!(text(env.aval(id).unwrap_err()), want);
    assert_eq!(text(env.version(id).unwrap_err()), want);
    assert_eq!(text(env.name_of(id).unwrap_err()), want);
    assert_eq!(text(env.set_by_id(id, 1.0).unwrap_err()), want);
    assert_eq!(text(env.read().unwrap().array(id).unwrap_err()), want);
    let mut w = env.write().unwrap();
    assert_eq!(text(w.array(id).unwrap_err()), want);
    assert_eq!(text(w.array_mut(id).unwrap_err()), want);
    w.written(id);
    drop(w);
    assert_eq!(env.version(own).unwrap(), 1, "a foreign id writes to nothing");
    assert!(env.get_array_by_id(id).is_none());
    assert!(env.namespace("n").get_array_by_id(id).is_none());
    assert_eq!(env.get(own).unwrap().item().unwrap(), 0.0);
}

#[test]
fn a_fill_that_overflows_the_dtype_is_an_error() {
    let want = "DType: filled: the number does not fit. Got 1e39; expected a value of float32.\nhelp: write infinity where it is meant";
    let env = VariableEnvironment::new();
    let early = env.name("early").set(Filled::new(&[2], 1e39));
    env.name("w").set(array![1.0f32]);
    let late = env.name("late").set(Filled::new(&[], -f64::MAX));
    assert_eq!(text(env.get(early).unwrap_err()), want);
    assert!(env.get(late).is_err());
    // What fits after rounding, and what is infinite already.
    let fits = env.set(Filled::new(&[], f64::from(f32::MAX)));
    let infinite = env.set(Filled::new(&[], f64::NEG_INFINITY));
    assert_eq!(env.get(fits).unwrap().item().unwrap(), f64::from(f32::MAX));
    assert_eq!(env.get(infinite).unwrap().item().unwrap(), f64::NEG_INFINITY);
    // An error at once leaves the old value.
    assert_eq!(text(env.set_by_id(fits, Filled::new(&[], 1e39)).unwrap_err()), want);
    assert_eq!(env.get(fits).unwrap().item().unwrap(), f64::from(f32::MAX));
    // The variable that is replaced decides nothing.
    let alone = VariableEnvironment::new();
    let x = alone.set(1.0f32);
    alone.set_by_id(x, Filled::new(&[], 1e39)).unwrap();
    assert_eq!(alone.get(x).unwrap().item().unwrap(), 1e39);
}

#[test]
fn weak_values_take_the_dtype_of_the_others() {
    // After, before, and beside integers only.
    let env = VariableEnvironment::new();
    env.name("w").set(array![1.0f32]);
    assert_eq!(dtype(&env, env.name("b").set(zeros(&[1, 128]))), DType::F32);

    let env = VariableEnvironment::new();
    let b = env.name("b").set(Filled::new(&[2], 1.5));
    env.set(array![1i32]);
    assert_eq!((dtype(&env, b), env.aval(b).unwrap()), (DType::F64, (DType::F64, Dims::from_slice(&[2]))));
    env.name("w").set(array![1.0f32]);
    assert_eq!(env.get(b).unwrap(), array![1.5f32, 1.5]);
    assert_eq!(env.aval(b).unwrap().0, DType::F32);
    // Decided once.
    env.set(1.0f64);
    assert_eq!(dtype(&env, b), DType::F32);

    let env = VariableEnvironment::new();
    let b = env.set(zeros(&[2]));
    drop(env.read().unwrap());
    env.set(1.0f32);
    assert_eq!(dtype(&env, b), DType::F64, "a run decides");

    let env = VariableEnvironment::new();
    let b = env.set(zeros(&[]));
    assert_eq!(format!("{env:?}"), "{unnamed variable 0: ?()}");
    env.resolve(DType::F32).unwrap();
    assert_eq!((dtype(&env, b), env.default_dtype().unwrap()), (DType::F32, DType::F32));
    let e = env.resolve(DType::I64).unwrap_err();
    assert_eq!(text(e), "DType: resolve: not a floating dtype. Got int64; expected float32 or float64.");
}

#[test]
fn two_floating_dtypes_ask_for_one() {
    let env = VariableEnvironment::new();
    assert_eq!(env.default_dtype().unwrap(), DType::F64);
    env.name("w").set(1.0f32);
    assert_eq!(env.default_dtype().unwrap(), DType::F32);
    env.namespace("n").slot().name("v").set(1.0f64);
    let want = "DType: environment: the variables do not decide the dtype. Got float32 (\"w\") and float64 (\"v\" of namespace \"n\"); \
                expected one floating dtype.\nhelp: pass dtype=float32 or dtype=float64";
    assert_eq!(text(env.default_dtype().unwrap_err()), want);
    let b = env.name("b").set(zeros(&[2]));
    assert_eq!(text(env.get(b).unwrap_err()), want);
    assert_eq!(text(env.aval(b).unwrap_err()), want);
    let run = env.read().unwrap();
    assert!(run.array(env.lookup("", "w").unwrap()).is_ok());
    assert_eq!(text(run.array(b).unwrap_err()), want);
    drop(run);
    env.resolve(DType::F64).unwrap();
    assert_eq!(dtype(&env, b), DType::F64);
}

#[test]
fn a_value_without_memory_is_an_error_when_it_is_read() {
    let env = VariableEnvironment::new();
    env.set(1.0f32);
    let b = env.name("b").set(zeros(&[usize::MAX, 2]));
    let want = format!(
        "Memory: allocate: there is no memory for an array. Got float32 of shape ({}, 2); expected a size that fits in memory.",
        usize::MAX
    );
    assert_eq!(text(env.get(b).unwrap_err()), want);
    assert_eq!(text(env.aval(b).unwrap_err()), want);
    assert_eq!(text(env.write().unwrap().array(b).unwrap_err()), want);
    env.name("b").set(1.0f32);
    assert!(env.get(b).is_ok());
    assert_eq!(
        Filled::new(&[2], 0.5).array(DType::I32).unwrap_err().to_string(),
        "filled: not a floating dtype. Got int32 for a fill of 0.5; expected float32 or float64."
    );
}

#[test]
fn a_run_that_reads_sees_one_moment() {
    let env = VariableEnvironment::new();
    let w = env.name("w").set(array![1.0, 2.0]);
    let run = env.read().unwrap();
    let again = env.read().unwrap();
    env.name("w").set(array![3.0]);
    let late = env.name("late").set(0.0);
    assert_eq!(run.array(w).unwrap(), &array![1.0, 2.0]);
    assert_eq!(env.get(w).unwrap(), array![3.0]);
    let help = "\nhelp: in a hook, use the array that the hook is given; `set` is possible, it takes effect when the run has ended";
    let held = "Graph: environment: a run on this thread uses these variables and has not ended. Got";
    let rule = "expected to wait until that run has ended.";
    assert_eq!(text(run.array(late).unwrap_err()), format!("{held} a variable that was set after the run began; {rule}{help}"));
    assert_eq!(text(env.write().err().unwrap()), format!("{held} a run that writes; {rule}{help}"));
    // Another thread does not wait for readers.
    thread::scope(|s| s.spawn(|| env.write().unwrap().written(w)).join().unwrap());
    assert_eq!(env.version(w).unwrap(), 3);
    drop((run, again));
    assert!(env.write().is_ok());
}

#[test]
fn a_run_that_writes_keeps_others_away() {
    let env = VariableEnvironment::new();
    let w = env.name("w").set(array![1.0, 2.0]);
    let before = env.get(w).unwrap();
    let mut run = env.write().unwrap();
    assert!(!run.array_mut(w).unwrap().is_unique(), "a handle outside shares the memory");
    *run.array_mut(w).unwrap() = Array::try_from(&array![5.0f32, 6.0, 7.0]).unwrap();
    assert!(run.array_mut(w).unwrap().is_unique());
    run.written(w);
    run.written(w);

    let help = "\nhelp: in a hook, use the array that the hook is given; `set` is possible, it takes effect when the run has ended";
    let refused = |what: &str| {
        format!(
            "Graph: environment: a run on this thread uses these variables and has not ended. Got {what}; expected to wait until that run has ended.{help}"
        )
    };
    assert_eq!(text(env.get(w).unwrap_err()), refused("a read"));
    assert_eq!(text(env.read().err().unwrap()), refused("a run that reads"));
    assert_eq!(text(env.write().err().unwrap()), refused("a run that writes"));
    assert_eq!(text(env.save("x").unwrap_err()), refused("a save"));
    assert!(env.resolve(DType::F64).is_ok(), "nothing to resolve");

    // Names, shapes and `set` do not wait.
    let b = env.name("b").set(zeros(&[2]));
    assert_eq!(text(env.resolve(DType::F64).unwrap_err()), refused("a choice of dtype"));
    assert_eq!((env.lookup("", "b").unwrap(), env.version(b).unwrap(), env.len()), (b, 1, 2));
    let arrived = AtomicBool::new(false);
    thread::scope(|s| {
        let reader = s.spawn(|| {
            let a = env.get(w).unwrap();
            arrived.store(true, SeqCst);
            a
        });
        thread::sleep(Duration::from_millis(50));
        assert!(!arrived.load(SeqCst), "a reader waits");
        drop(run);
        assert_eq!(reader.join().unwrap(), array![5.0f32, 6.0, 7.0]);
    });
    assert_eq!(before, array![1.0, 2.0]);
    assert_eq!((env.version(w).unwrap(), env.aval(w).unwrap()), (2, (DType::F32, Dims::from_slice(&[3]))));
    assert_eq!(env.get(b).unwrap(), array![0.0f32, 0.0], "the queued value took the dtype of the others");
}

#[test]
fn a_set_inside_a_run_that_writes_wins() {
    let env = VariableEnvironment::new();
    let w = env.name("w").set(1.0);
    let mut run = env.write().unwrap();
    env.name("w").set(array![1i32]);
    env.set_by_id(w, array![2i64, 3]).unwrap();
    *run.array_mut(w).unwrap() = Array::scalar(9.0, DType::F64).unwrap();
    run.written(w);
    drop(run);
    assert_eq!(env.get(w).unwrap(), array![2i64, 3]);
    assert_eq!(env.aval(w).unwrap(), (DType::I64, Dims::from_slice(&[2])));
    assert_eq!(env.version(w).unwrap(), 4);
}

#[test]
fn a_run_that_panics_gives_the_variables_back() {
    let env = VariableEnvironment::new();
    let w = env.set(1.0);
    let hit = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _run = env.write().unwrap();
        panic!("a hook fails");
    }));
    assert!(hit.is_err());
    assert_eq!(env.get(w).unwrap().item().unwrap(), 1.0);
}

#[test]
fn threads_add_up() {
    let env = VariableEnvironment::new();
    let n = env.name("n").set(0i64);
    thread::scope(|s| {
        for k in 0..4 {
            let env = &env;
            s.spawn(move || {
                for i in 0..200i64 {
                    let mut run = env.write().unwrap();
                    let a = run.array_mut(n).unwrap();
                    *a = Array::scalar(a.as_slice::<i64>().unwrap()[0] + 1, DType::I64).unwrap();
                    run.written(n);
                    drop(run);
                    let own = env.name(&format!("t{k}")).set(i);
                    assert_eq!(env.get(own).unwrap().item().unwrap(), i as f64);
                    assert!(env.read().unwrap().array(n).unwrap().item().unwrap() > 0.0);
                }
            });
        }
    });
    assert_eq!((env.get(n).unwrap().item().unwrap(), env.version(n).unwrap()), (800.0, 801));
}

#[test]
fn seeds_and_runs_are_counted() {
    let env = VariableEnvironment::new();
    assert_ne!(env.seed_value(), VariableEnvironment::new().seed_value());
    assert_eq!([env.next_run(), env.next_run(), env.clone().next_run()], [0, 1, 2]);
    env.seed(42);
    assert_eq!((env.seed_value(), env.next_run()), (42, 0));
    assert_eq!(ErrorKind::Graph, env.write().and_then(|_w| env.read().map(drop)).unwrap_err().kind());
}
