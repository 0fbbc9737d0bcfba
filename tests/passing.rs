//! What only looks at a value hands it on as it is: hooks and checks change neither the value nor where it stands, so that what
//! is computed from it keeps its bits. And what is handed on to one place alone, by an index or a write, goes there alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use ndarray::{Array2, arr1, arr2};
use scirs2_autograd::Aval;
use scirs2_autograd::op::{Avals, ComputeContext, GradientContext, Op};
use scirs2_autograd::{Context, ErrorKind, Result, Tensor, VariableEnvironment, run, tensor_ops as T};

fn numbers(rows: usize, columns: usize, seed: usize) -> Array2<f64> {
    // Of many digits, so that the order of additions shows.
    Array2::from_shape_fn((rows, columns), |(i, j)| (((i * 7919 + j * 104_729 + seed * 31) % 1009) as f64 * 0.731).sin() + 0.1)
}

fn bits(t: Tensor<'_>, ctx: &Context) -> Vec<u64> {
    t.eval(ctx).unwrap().as_slice::<f64>().unwrap().iter().map(|x| x.to_bits()).collect()
}

type Look = for<'g> fn(Tensor<'g>) -> Tensor<'g>;
/// Ways to look at a value.
const LOOKS: [(&str, Look); 5] = [
    ("hook", |t| t.raw_hook(|_| ())),
    ("check", |t| T::check_finite(t)),
    ("both, twice", |t| T::check_finite(T::check_finite(t.raw_hook(|_| ())).raw_hook(|_| ()))),
    ("a factor of one behind", |t| t.raw_hook(|_| ()) * 1.0),
    ("a view behind", |t| T::squeeze(T::expand_dims(t.raw_hook(|_| ()), 0), 0)),
];
/// Operands that stand otherwise than in C order.
const STANDS: [(&str, Look); 5] = [
    ("transposed", |x| T::transpose(x, ())),
    ("a transposed part", |x| T::transpose(T::slice(x, [0, 1], [300, 7]), ())),
    ("every second column", |x| T::strided_slice(T::transpose(x, ()), every_second())),
    ("backwards", |x| T::strided_slice(T::transpose(x, ()), backwards())),
    ("repeated", |x| T::broadcast_to(T::slice(T::transpose(x, ()), [0, 0], [7, 1]), [7i64, 300])),
];

fn every_second() -> scirs2_autograd::Slices {
    use scirs2_autograd::{Slice, Slices};
    Slices([Slice::ALL, Slice { start: None, stop: None, step: 2 }].into())
}

fn backwards() -> scirs2_autograd::Slices {
    use scirs2_autograd::{Slice, Slices};
    Slices([Slice { start: None, stop: None, step: -1 }].into())
}

#[test]
fn a_value_that_is_looked_at_stands_where_it_stood() {
    // The rounding of a product of these lengths depends on how its operands stand.
    let (a, b) = (numbers(300, 7, 1), numbers(300, 300, 2));
    for (name, stand) in STANDS {
        for (how, look) in LOOKS {
            for made in [false, true] {
                run(|ctx| {
                    let (x, y) = (ctx.constant(&a), ctx.constant(&b));
                    let x = if made { T::tanh(x) } else { x };
                    let plain = stand(x);
                    let product = |t: Tensor<'_>| {
                        let [rows, columns] = *t.known_shape().unwrap() else { panic!("a matrix") };
                        let (rows, columns) = (rows as i64, columns as i64);
                        let left = |n: i64| bits(T::matmul(t, T::slice(y, [0, 0], [columns, n])), ctx);
                        let right = |n: i64| bits(T::matmul(T::slice(y, [0, 0], [n, rows]), t), ctx);
                        [left(1), left(9), right(1), right(9)]
                    };
                    // A factor of one is not dropped from a value that is no view's, so it has its own reference.
                    let reference = if how == "a factor of one behind" { product(plain * 1.0) } else { product(plain) };
                    assert_eq!(product(look(plain)), reference, "{name}, {how}, computed: {made}");
                    assert_eq!(bits(look(plain), ctx), bits(plain * 1.0, ctx), "{name}, {how}, computed: {made}");
                });
            }
        }
    }
}

#[test]
fn a_hook_that_is_asked_for_and_used_is_called_once_a_run_with_the_value() {
    let calls = Arc::new(AtomicUsize::new(0));
    let a = numbers(3, 2, 1);
    run(|ctx| {
        let x = ctx.constant(&a);
        let (seen, expected) = (calls.clone(), a.t().to_owned());
        let h = T::transpose(x, ()).raw_hook(move |v| {
            assert_eq!(v.view::<f64>().unwrap(), expected.view().into_dyn());
            seen.fetch_add(1, Relaxed);
        });
        let out = ctx.evaluator().push(h).push(T::reduce_sum(h, [0], false)).push(T::matmul(x, h)).run();
        assert_eq!(out[0].as_ref().unwrap().view::<f64>().unwrap(), a.t().into_dyn());
        let (product, expected) = (out[2].as_ref().unwrap().view::<f64>().unwrap(), a.dot(&a.t()).into_dyn());
        assert!(product.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-14), "{product} is not {expected}");
        assert_eq!(calls.load(Relaxed), 1);
    });
}

#[test]
fn what_was_looked_at_can_be_written_and_a_refusal_writes_nothing() {
    let env = VariableEnvironment::new();
    let w = env.name("w").set(numbers(2, 2, 1));
    let old = env.get(w).unwrap();
    env.run(|ctx| {
        let v = ctx.variable("w");
        let bad = T::check_finite(T::transpose(v / 0.0, ()).raw_hook(|_| ()));
        assert_eq!(T::assign(v, bad).eval(ctx).unwrap_err().kind(), ErrorKind::Value);
        assert_eq!(env.get(w).unwrap().as_slice::<f64>().unwrap(), old.as_slice::<f64>().unwrap());
        let good = T::check_finite(T::transpose(v * 2.0, ()).raw_hook(|_| ()));
        T::assign(v, good).eval(ctx).unwrap();
        let expected = numbers(2, 2, 1).t().to_owned() * 2.0;
        assert_eq!(env.get(w).unwrap().view::<f64>().unwrap(), expected.view().into_dyn());
        // The variable itself, transposed, looked at, and written back.
        T::assign(v, T::transpose(v, ()).raw_hook(|_| ())).eval(ctx).unwrap();
        assert_eq!(env.get(w).unwrap().view::<f64>().unwrap(), expected.t().into_dyn());
    });
}

#[test]
fn gradients_of_an_indexed_maximum_go_to_its_place_alone() {
    // The derivative of sqrt is infinite at 0, and of log below it NaN: what is not the maximum leaves nothing.
    let functions: [Look; 4] = [|x| T::sqrt(x), |x| T::log(x), |x| 1.0 / x, |x| T::pow(x, 0.5)];
    for f in functions {
        run(|ctx| {
            let x = ctx.placeholder("x", &[-1, 3]);
            let feed = arr2(&[[0.0, 4.0, 1.0], [9.0, 0.0, 4.0]]);
            let largest = T::max_with_index(f(x), -1).0;
            let reference = T::reduce_max(f(x), [-1], false);
            for order in 1..=2 {
                let derived = |y: Tensor<'_>| {
                    let g = (0..order).fold(y, |y, _| T::grad(&[y * y], &[x])[0]);
                    let out = ctx.evaluator().push(g).feed(x, feed.view()).run();
                    out[0].as_ref().unwrap().as_slice::<f64>().unwrap().to_vec()
                };
                let (found, expected) = (derived(largest), derived(reference));
                assert_eq!(format!("{found:?}"), format!("{expected:?}"), "order {order}");
            }
        });
    }
    // Ties: the first has all of it.
    run(|ctx| {
        let x = ctx.constant(arr1(&[1.0, 3.0, 3.0]));
        let g = T::grad(&[T::max_with_index(x, 0).0], &[x])[0];
        assert_eq!(g.eval(ctx).unwrap().as_slice::<f64>().unwrap(), [0.0, 1.0, 0.0]);
    });
}

#[test]
fn a_second_output_is_written() {
    let env = VariableEnvironment::new();
    let at = env.name("at").set(arr1(&[0i64, 0]));
    env.run(|ctx| {
        let (y, index) = T::max_with_index(ctx.constant(arr2(&[[1.0, 5.0], [7.0, 2.0]])), 1);
        let out = ctx.evaluator().push(T::assign(ctx.variable("at"), index)).push(y).run();
        assert_eq!(out[0].as_ref().unwrap().as_slice::<i64>().unwrap(), [1, 0]);
        assert_eq!(out[1].as_ref().unwrap().as_slice::<f64>().unwrap(), [5.0, 7.0]);
    });
    assert_eq!(env.get(at).unwrap().as_slice::<i64>().unwrap(), [1, 0]);
}

/// Twice its input; its cotangent is cut to the first row.
struct Cut;

impl Op for Cut {
    fn name(&self) -> &str {
        "cut"
    }
    fn infer(&self, inputs: &[&Aval]) -> Result<Avals> {
        Ok(inputs.iter().map(|a| (*a).clone()).collect())
    }
    fn compute(&self, c: &mut ComputeContext<'_>) -> Result<()> {
        let y = c.input::<f64>(0)?.mapv(|x| 2.0 * x);
        c.append_output(y)
    }
    fn grad<'g>(&self, c: &mut GradientContext<'_, 'g>) {
        let row = T::squeeze(T::slice(c.output_grad(), [0, 0], [1, -1]), 0);
        c.append_input_grad(0, Some(row));
    }
}

#[test]
fn a_cotangent_of_another_shape_is_an_error() {
    run(|ctx| {
        let x = ctx.constant(numbers(2, 4, 1));
        let y = Tensor::builder(ctx).append_input(x, false).build(Cut);
        let e = T::grad(&[y], &[x])[0].eval(ctx).unwrap_err();
        assert_eq!(
            e.to_string(),
            "cut: the cotangent of input 0 has another shape than the input. Got (3,); expected (2, 4).\n\
             help: sum it over the axes along which the input was repeated"
        );
        assert_eq!(e.kind(), ErrorKind::Shape);
    });
}
