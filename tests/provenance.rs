//! Where nodes come from: the user's lines and calls, in errors and in `explain`.

use ndarray::{arr1, arr2};
use scirs2_autograd::internals::SITES;
use scirs2_autograd::internals::Site;
use scirs2_autograd::optimizers::adam::Adam;
use scirs2_autograd::{Context, Error, ErrorKind, Feeder, Tensor, VariableEnvironment, run, tensor_ops as T};

const FILE: &str = "provenance.rs";

/// The error of a run that evaluates `t`, with `x` fed.
fn failure<'g>(ctx: &'g Context, t: Tensor<'g>, x: Tensor<'g>, value: &ndarray::Array1<f64>) -> Error {
    ctx.evaluator().push(t).feed(x, value.view()).run()[0].clone().unwrap_err()
}

fn lines(e: &Error) -> Vec<String> {
    e.sites().iter().map(|s| s.short()).collect()
}

#[test]
fn errors_of_a_run_name_the_call_and_its_line() {
    run(|ctx| {
        let x = ctx.placeholder("x", &[3]);
        let logits = ctx.constant(arr2(&[[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]));
        let line = line!() + 1;
        let loss = T::sparse_softmax_cross_entropy(logits, x);
        let e = failure(ctx, loss, x, &arr1(&[0.0, 1.0, 2.0]));
        assert_eq!(e.to_string(), "sparse_softmax_cross_entropy: label is out of range. Got 2 at position 2; expected 0 <= label < 2.");
        assert_eq!(lines(&e), [format!("{FILE}:{line}")]);
        let line = line!() + 1;
        let factor = T::cholesky(T::expand_dims(x, 0) * T::expand_dims(x, 1));
        let e = failure(ctx, factor, x, &arr1(&[1.0, 1.0, 1.0]));
        assert_eq!(e.kind(), ErrorKind::LinAlg);
        assert!(e.to_string().starts_with("cholesky: matrix is not positive definite. "), "{e}");
        assert_eq!(lines(&e), [format!("{FILE}:{line}")]);
        // An op that the user called has its own name.
        let l = ctx.constant(arr2(&[[1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 1.0]]));
        let e = failure(ctx, T::solve_triangular(l, T::expand_dims(x, 1), 0, true, false), x, &arr1(&[1.0, 1.0, 1.0]));
        assert!(e.to_string().starts_with("solve_triangular: matrix is singular. "), "{e}");
        // In the body of a branch.
        let line = line!() + 1;
        let body = T::cond(T::less(T::reduce_sum(x, (), false), 9.0), || T::sparse_softmax_cross_entropy(logits, x), || x);
        let e = failure(ctx, body, x, &arr1(&[0.0, 1.0, 2.0]));
        assert!(e.to_string().starts_with("sparse_softmax_cross_entropy: label "), "{e}");
        assert_eq!(lines(&e), [format!("{FILE}:{line}")]);
    });
}

#[test]
fn errors_of_a_gradient_name_the_op_that_it_is_of() {
    run(|ctx| {
        let (l, b) = (ctx.placeholder("l", &[2, 2]), ctx.placeholder("b", &[2, 1]));
        let line = line!() + 1;
        let y = T::solve_triangular(l, b, 0, true, false);
        // The plan of the gradient alone solves for the cotangent, and never for `b`.
        let g = T::grad(&[y], &[b])[0];
        let e = ctx.evaluator().push(g).feed(l, arr2(&[[1.0, 0.0], [2.0, 0.0]])).run()[0].clone().unwrap_err();
        assert!(e.to_string().starts_with("gradient of solve_triangular: matrix is singular."), "{e}");
        assert_eq!(lines(&e), [format!("{FILE}:{line}")]);
        // What a gradient has in common with the call that it is of, such as the check of an index, is of that call.
        let (table, index) = (ctx.placeholder("table", &[2]), ctx.placeholder_of("index", &[3], scirs2_autograd::DType::I64));
        let line = line!() + 1;
        let g = T::grad(&[T::take(table, index, 0)], &[table])[0];
        let e = ctx.evaluator().push(g).feed(index, arr1(&[0i64, 1, 7])).run()[0].clone().unwrap_err();
        assert!(e.to_string().starts_with("take: index is out of range. Got 7 at position 2 "), "{e}");
        assert_eq!(lines(&e), [format!("{FILE}:{line}")]);
    });
}

#[test]
fn errors_of_building_name_the_composite() {
    run(|ctx| {
        let (a, b) = (ctx.placeholder("a", &[2]), ctx.placeholder("b", &[3]));
        let e = T::mean_squared_error(a, b).eval(ctx).unwrap_err();
        assert!(e.to_string().starts_with("mean_squared_error: "), "{e}");
        assert_eq!(lines(&e), [format!("{FILE}:{}", line!() - 2)]);
    });
}

#[test]
fn a_plan_of_another_program_speaks_of_this_one() {
    // Two programs of one structure share a plan, and not their lines or the names of their calls.
    let failing = |build: &dyn for<'g> Fn(Tensor<'g>) -> Tensor<'g>| {
        run(|ctx| {
            let x = ctx.placeholder("x", &[3]);
            failure(ctx, build(x), x, &arr1(&[1.0, f64::NAN, 2.0]))
        })
    };
    let (first, second) = (line!() + 1, line!() + 2);
    let a = failing(&|x| T::check_finite(x));
    let b = failing(&|x| T::check_finite(x));
    assert_eq!(lines(&a), [format!("{FILE}:{first}")]);
    assert_eq!(lines(&b), [format!("{FILE}:{second}")]);
    let c = failing(&|x| x.graph().inside("my_layer", || T::check_finite(x)));
    assert_eq!(c.to_string(), "my_layer: a value is not finite. Got NaN at position 1; expected finite numbers.");
}

#[test]
fn a_node_that_is_built_again_keeps_each_line() {
    run(|ctx| {
        let x = ctx.placeholder("x", &[2]);
        let line = line!();
        let a = T::check_finite(x);
        let b = T::check_finite(x);
        for _ in 0..1000 {
            assert!(T::check_finite(x).is(&a));
        }
        assert!(a.is(&b));
        let e = failure(ctx, a, x, &arr1(&[1.0, f64::NAN]));
        assert_eq!(lines(&e), [1, 2, 4].map(|k| format!("{FILE}:{}", line + k)));
        let text = format!("{e:?}");
        assert!(text.contains("\n  built at ") && text.contains("\n  and at "), "{text}");
        // A loop that makes up lines ends at a few.
        for k in 0..1000 {
            Site::foreign("made_up.py", k).during(|| T::check_finite(x));
        }
        assert_eq!(ctx.sites(a.value().node).len(), SITES);
    });
}

/// The notes of the nodes in a plan's text.
fn notes(text: &str) -> Vec<(&str, &str)> {
    text.lines().filter_map(|l| l.split_once("  # ")).collect()
}

#[test]
fn explain_shows_lines_and_calls() {
    run(|ctx| {
        let x = ctx.placeholder("x", &[4, 3]);
        let line = line!() + 1;
        let y = T::softmax(x, 1);
        let z = T::exp(y);
        let again = T::exp(y);
        let s = T::reduce_sum(z * again, (), false);
        let g = T::grad(&[s], &[x])[0];
        let a = ndarray::Array2::<f64>::zeros((4, 3));
        let text = ctx.evaluator().push(g).feed(x, a.view()).plan().unwrap().explain();
        let found = notes(&text);
        let note = |node: &str, wanted: &str| assert!(found.iter().any(|(n, w)| n.contains(node) && *w == wanted), "{node}: {text}");
        note("source 0", &format!("{FILE}:{}", line - 2));
        note("peak", &format!("{FILE}:{line} [softmax]"));
        note("exp", &format!("{FILE}:{}, {FILE}:{}", line + 1, line + 2));
        note("mul", &format!("{FILE}:{line} [gradient of softmax]"));
        note("mul", &format!("{FILE}:{} [gradient of exp]", line + 1));
        // Of nested composites the outer one is what the user wrote.
        let loss = T::sparse_softmax_cross_entropy(y, ctx.constant(arr1(&[0, 1, 2, 0])));
        let text = ctx.evaluator().push(loss).feed(x, a.view()).plan().unwrap().explain();
        assert!(
            text.contains("log_sum %") && text.contains("[sparse_softmax_cross_entropy]") && !text.contains("[reduce_logsumexp]"),
            "{text}"
        );
        // The text without a program has none of them.
        assert!(notes(&ctx.evaluator().push(g).feed(x, a.view()).plan().unwrap().plan().explain()).is_empty());
    });
}

#[test]
fn no_line_of_this_library_stands_for_the_users() {
    let env = VariableEnvironment::new();
    env.name("w").set(arr2(&[[1.0, 2.0], [3.0, 4.0]]));
    let adam = Adam::default("adam", env.default_namespace().current_var_ids(), &env).check_finite(true);
    env.run(|ctx| {
        let w = ctx.variable("w");
        let y = T::matmul(w, T::dropout(w, 0.5, true)) - 2.0 * w;
        let loss = T::reduce_mean(T::square(y), (), false);
        let grads = T::grad(&[loss], &[w]);
        let jacobian = T::jacobians(T::reshape(y, -1), &[w], 4);
        let products = T::_hessian_vector_product(&[loss], &[w], &[w]);
        let line = line!() + 1;
        let step = adam.plan(&[loss], &[w], &grads, ctx, Feeder::new()).unwrap().explain();
        let rest = ctx.evaluator().extend(&jacobian).extend(&products).plan().unwrap().explain();
        for text in [&step, &rest] {
            assert!(!notes(text).is_empty());
            for (node, note) in notes(text) {
                assert!(note.split(", ").all(|p| p.starts_with(FILE)), "{node}: {note}");
            }
        }
        assert!(step.contains(&format!("# {FILE}:{line} [Adam]")), "{step}");
        assert!(step.contains("[matmul]") && step.contains("[gradient of matmul]"), "{step}");
    });
}
