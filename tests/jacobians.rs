//! Jacobians of as many rows as there are elements: known when the graph is built, or checked when it runs.

use ndarray::{Array1, Array2, arr1, arr2};
use scirs2_autograd::{Context, Error, ErrorKind, Tensor, run, tensor_ops as T};

/// Central differences of `f` at `at`, row by row.
fn differences(f: impl Fn(&[f64]) -> Vec<f64>, at: &[f64]) -> Array2<f64> {
    let h = 1e-6;
    let n = f(at).len();
    Array2::from_shape_fn((n, at.len()), |(i, j)| {
        let moved = |d: f64| {
            let mut x = at.to_vec();
            x[j] += d;
            f(&x)[i]
        };
        (moved(h) - moved(-h)) / (2.0 * h)
    })
}

fn value(ctx: &Context, t: Tensor<'_>, x: Tensor<'_>, at: &[f64]) -> Result<Array2<f64>, Error> {
    let at = arr1(at);
    let t = ctx.tensor(t.value());
    let a = ctx.evaluator().push(t).feed(x, at.view()).run().remove(0)?;
    Ok(a.into_ndarray::<f64>()?.into_dimensionality().unwrap())
}

#[test]
fn every_row_of_a_known_or_an_unknown_length() {
    let at = [0.5, -1.0, 2.0, 0.25];
    let f = |x: &[f64]| x.windows(2).map(|w| w[0] * w[1] + w[0].sin()).collect::<Vec<_>>();
    let wanted = differences(f, &at);
    run(|ctx| {
        for (k, shape) in [[4isize], [-1]].iter().enumerate() {
            let x = ctx.placeholder(["a", "b"][k], shape);
            let (head, tail) = (T::slice(x, [0], [-1]), T::slice(x, [1], [i64::MAX]));
            let y = head * tail + T::sin(head);
            let rows = if shape[0] == 4 { vec![None, Some(3), Some(2)] } else { vec![Some(3), Some(2), Some(1)] };
            for n in rows {
                let got = value(ctx, T::jacobians(y, &[x], n)[0], x, &at).unwrap();
                let n = n.unwrap_or(3);
                assert_eq!(got.dim(), (n, 4));
                for (a, b) in got.iter().zip(wanted.slice(ndarray::s![..n, ..])) {
                    assert!((a - b).abs() < 1e-8, "{a} for {b}, {n} rows of {shape:?}");
                }
            }
        }
    });
}

#[test]
fn rows_that_are_not_there_are_errors_of_the_run() {
    run(|ctx| {
        let (x, other) = (ctx.placeholder("x", &[-1]), ctx.placeholder("other", &[-1]));
        let shape = ctx.placeholder("two", &[2, -1]);
        // Whether the gradient uses the values of `y`, its shape, or nothing of it.
        for y in [T::sin(x), x * 2.0, x] {
            let j = T::jacobians(y, &[x, other], 4);
            for (k, t) in j.iter().enumerate() {
                let feed = arr1(&[1.0, 2.0, 3.0]);
                let ask = ctx.evaluator().push(t).feed(x, feed.view()).feed(other, arr1(&[1.0]));
                let e = ask.run().remove(0).unwrap_err();
                assert_eq!(e.kind(), ErrorKind::Shape);
                let wanted = "jacobians: there are not so many elements. Got 4 for an array of shape (3,); expected at most 3.";
                assert_eq!(e.to_string(), wanted, "x {k}");
            }
            assert_eq!(value(ctx, j[0], x, &[1.0, 2.0, 3.0, 4.0, 5.0]).unwrap().dim(), (4, 5));
        }
        // All elements count, in C order.
        let j = T::jacobians(shape * 3.0, &[shape], 5)[0];
        let ask = |columns: usize| {
            let feed = Array2::<f64>::ones((2, columns));
            ctx.evaluator().push(j).feed(shape, feed.view()).run().remove(0)
        };
        assert_eq!(ask(3).unwrap().shape(), [5, 2, 3]);
        assert_eq!(ask(2).unwrap_err().kind(), ErrorKind::Shape);
    });
}

#[test]
fn a_jacobian_has_a_gradient() {
    run(|ctx| {
        let x = ctx.placeholder("x", &[-1]);
        let j = T::jacobians(x * x * x, &[x], 2)[0];
        let g = T::grad(&[j], &[x])[0];
        let out = ctx.evaluator().push(g).feed(x, arr1(&[1.0, 2.0, 3.0])).run().remove(0).unwrap();
        assert_eq!(out, arr1(&[6.0, 12.0, 0.0]));
    });
}

#[test]
fn lengths_that_cannot_be() {
    run(|ctx| {
        let (x, free) = (ctx.placeholder("x", &[3]), ctx.placeholder("free", &[-1]));
        let text = |t: Tensor<'_>| t.error().unwrap().to_string();
        assert_eq!(
            text(T::jacobians(free * 2.0, &[free], None)[0]),
            "jacobians: the length of y is not known before the run. Got shape (?,) and no y_len; expected y_len."
        );
        assert_eq!(text(T::jacobians(x, &[x], 4)[0]), "jacobians: there are not so many elements. Got y_len=4; expected y_len <= 3.");
        assert!(text(T::jacobians(free, &[free], 1 << 40)[0]).starts_with("jacobians: there are too many rows."));
        // The error of y itself, and of what cannot be differentiated.
        let bad = x + ctx.placeholder("p", &[4]);
        assert_eq!(text(T::jacobians(bad, &[x], 2)[0]), text(bad));
        // No row is a result too.
        let none = T::jacobians(x, &[x], 0)[0];
        assert_eq!(value(ctx, none, x, &[1.0, 2.0, 3.0]).unwrap().dim(), (0, 3));
        let empty = ctx.constant(Array1::<f64>::zeros(0));
        assert_eq!(T::jacobians(empty * 2.0, &[empty], None)[0].eval(ctx).unwrap().shape(), [0, 0]);
        assert_eq!(T::jacobians(free, &[free], 0)[0].known_shape(), None);
        let scalar = ctx.constant(ndarray::arr0(3.0));
        assert_eq!(T::jacobians(scalar * scalar, &[scalar], None)[0].eval(ctx).unwrap(), arr1(&[6.0]));
        let two = ctx.constant(arr2(&[[1.0, 2.0]]));
        assert_eq!(T::jacobians(two, &[two], None)[0].known_shape().unwrap().as_slice(), [2, 1, 2]);
    });
}
