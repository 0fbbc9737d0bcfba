//! Branches that are not taken leave exactly nothing in gradients of both orders, whatever lies between the branch and the
//! choice: broadcasts, reductions, products, gathers.
//!
//! The reference of a program is the same program with harmless numbers in the places that are not taken: the trick that
//! users of other engines need.

use ndarray::{ArrayD, IxDyn, arr1};
use scirs2_autograd::internals::Numbers;
use scirs2_autograd::{Context, Tensor, run, tensor_ops as T};

type Part = for<'g> fn(&'g Context, Tensor<'g>) -> Tensor<'g>;

/// The gradient and the second gradient of `sum(f(x))`, the second along `sin(1 + i)`.
fn derivatives(x: &[f64], f: impl for<'g> Fn(&'g Context, Tensor<'g>) -> Tensor<'g>) -> [Vec<f64>; 2] {
    run(|ctx| {
        let t = ctx.placeholder("x", &[x.len() as isize]);
        let g = T::grad(&[f(ctx, t)], &[t])[0];
        let along = ctx.constant((0..x.len()).map(|i| (1.0 + i as f64).sin()).collect::<ndarray::Array1<f64>>());
        let gg = T::grad(&[T::reduce_sum(g * along, (), false)], &[t])[0];
        let out = ctx.evaluator().push(g).push(gg).feed(t, arr1(x)).run();
        [0, 1].map(|i| out[i].as_ref().unwrap().as_slice::<f64>().unwrap().to_vec())
    })
}

fn no<'g>(ctx: &'g Context, shape: &[usize]) -> Tensor<'g> {
    ctx.constant(ArrayD::from_elem(IxDyn(shape), false))
}

#[test]
fn a_broadcast_between() {
    let functions: [Part; 3] = [|_, x| T::sqrt(x), |_, x| T::log(x), |_, x| T::exp(x)];
    for f in functions {
        let [g, gg] = derivatives(&[0.0, 4.0, 1e4], |ctx, x| T::select(no(ctx, &[2, 3]), f(ctx, x), x * x));
        assert_eq!((&g[..], &gg[..]), (&[0.0, 16.0, 4e4][..], &[1f64, 2.0, 3.0].map(|i| 4.0 * i.sin())[..]));
    }
}

#[test]
fn a_reduction_between() {
    // x / |x|, and x itself near 0: |x| has an infinite derivative at 0.
    let [g, gg] = derivatives(&[0.0, 0.0], |_, x| {
        let s = T::reduce_sum(x * x, (), false);
        T::select(T::greater(s, 1.0), x / T::sqrt(s), x)
    });
    assert_eq!((g, gg), (vec![1.0, 1.0], vec![0.0, 0.0]));
    // A sum that overflows where it is not taken.
    let [g, gg] = derivatives(&[1e3, -2.0], |_, x| {
        let s = T::reduce_sum(T::exp(x), (), false);
        T::select(T::less(s, 1e300), s, T::reduce_sum(x, (), false))
    });
    assert_eq!((g, gg), (vec![1.0, 1.0], vec![0.0, 0.0]));
    // Its square, and its product with what is finite, are infinite too.
    let [g, _] = derivatives(&[1e3, -2.0], |_, x| {
        let e = T::exp(x);
        let s = T::reduce_sum(T::square(e) * x + e * T::sin(e), (), false);
        T::select(T::less(s, 1e300), s, T::reduce_sum(x, (), false))
    });
    assert_eq!(g, [1.0, 1.0]);
}

#[test]
fn an_extremum_between() {
    let [g, _] =
        derivatives(&[0.0, 4.0], |ctx, x| T::select(no(ctx, &[]), T::reduce_max(T::sqrt(x - 4.0), (), false), T::reduce_sum(x, (), false)));
    assert_eq!(g, [1.0, 1.0]);
}

#[test]
fn a_product_between() {
    // Rows of a product that are not taken: their square roots are at 0.
    let [g, gg] = derivatives(&[0.0, 4.0, 0.0, 9.0], |ctx, x| {
        let rows = T::reshape(T::sqrt(x), [4i64, 1]);
        let y = T::matmul(rows, ctx.constant(ndarray::arr2(&[[1.0, 2.0]])));
        T::select(ctx.constant(ndarray::arr2(&[[false], [true], [false], [true]])), y, 0.0)
    });
    assert_eq!(g, [0.0, 0.75, 0.0, 0.5]);
    assert_eq!(gg, [0.0, -3.0 / 32.0 * 2f64.sin(), 0.0, -3.0 / 108.0 * 4f64.sin()]);
}

#[test]
fn parts_that_are_not_taken() {
    // No mask stands here: what a slice, a gather or a triangle leaves out is zero by structure.
    let parts: [(&str, Part); 7] = [
        ("slice", |_, y| T::slice(y, [1], [2])),
        ("take", |ctx, y| T::take(y, ctx.constant(arr1(&[1i64])), 0)),
        ("gather", |ctx, y| T::gather(y, ctx.constant(arr1(&[-2i64])), 0)),
        ("concat", |_, y| T::slice(T::concat(&[y, y], 0), [4], [5])),
        ("triangle", |ctx, y| {
            let rows = T::take(y, ctx.constant(ndarray::arr2(&[[1i64, 0], [1, 1]])), 0);
            T::reduce_sum(T::tril(rows, 0), (), false) / 3.0
        }),
        ("diagonal", |ctx, y| {
            let rows = T::take(y, ctx.constant(ndarray::arr2(&[[1i64, 0], [2, 1]])), 0);
            T::trace(rows, 0, 0, 1) / 2.0
        }),
        ("cut", |_, y| T::pad(y, 0, [(-1, -1)], T::PadMode::Constant)),
    ];
    for (name, part) in parts {
        let [g, gg] = derivatives(&[0.0, 4.0, -1.0], |ctx, x| part(ctx, T::sqrt(x)));
        assert_eq!((&g[..], &gg[..]), (&[0.0, 0.25, 0.0][..], &[0.0, -2f64.sin() / 32.0, 0.0][..]), "{name} of sqrt");
        let [g, gg] = derivatives(&[0.0, 4.0, -1.0], |ctx, x| part(ctx, T::log(x)));
        assert_eq!((&g[..], &gg[..]), (&[0.0, 0.25, 0.0][..], &[0.0, -2f64.sin() / 16.0, 0.0][..]), "{name} of log");
    }
    // The same where the factor is asked for, not the place.
    let g = run(|ctx| {
        let a = ctx.placeholder("a", &[]);
        let y = T::slice(T::sqrt(ctx.constant(arr1(&[4.0, 0.0])) * a), [0], [1]);
        ctx.evaluator().push(T::grad(&[y], &[a])[0]).feed(a, 1.0).run()[0].clone().unwrap().item().unwrap()
    });
    assert_eq!(g, 1.0);
}

#[test]
fn many_parts_that_are_one_sum() {
    // Parts of one tensor, by slices, by places, by both, and beside a use of all of it that is selected away.
    let parts: [(&str, Part); 6] = [
        ("slices", |_, y| T::slice(y, [1], [2]) * T::slice(y, [3], [4])),
        ("overlapping slices", |_, y| T::reduce_sum(T::slice(y, [3], [5]), (), false) * T::slice(y, [1], [4])),
        ("places", |ctx, y| {
            let at = |i: i64| T::take(y, ctx.constant(arr1(&[i])), 0);
            at(1) * at(3) + at(-2)
        }),
        ("both", |ctx, y| T::slice(y, [1], [2]) * T::take(y, ctx.constant(ndarray::arr0(3i64)), 0) + T::slice(y, [4], [5])),
        ("masked parts", |ctx, y| {
            let second = ctx.constant(arr1(&[false, true]));
            let one = T::select(second, T::slice(y, [0], [2]), 0.0);
            let other = T::select(second, T::slice(y, [2], [4]), 0.0);
            one * other + one
        }),
        ("a whole beside", |ctx, y| {
            let odd = ctx.constant(arr1(&[false, true, false, true, false]));
            T::slice(y, [1], [2]) * T::slice(y, [3], [4]) + T::reduce_sum(T::select(odd, y, 0.0), (), false)
        }),
    ];
    let safe = [0.25, 4.0, 0.25, 9.0, 0.25];
    for (name, part) in parts {
        for f in [(|_, x| T::sqrt(x)) as Part, |_, x| T::log(x)] {
            // Nothing that is used stands where the function is singular, but what the overlap and the last place use.
            let x = if matches!(name, "overlapping slices" | "both") { [0.0, 4.0, 0.25, 9.0, 0.25] } else { [0.0, 4.0, 0.0, 9.0, 0.0] };
            let found = derivatives(&x, |ctx, x| part(ctx, f(ctx, x)));
            let expected = derivatives(&safe, |ctx, x| part(ctx, f(ctx, x)));
            for (found, expected) in found.iter().zip(&expected) {
                for (i, (a, b)) in found.iter().zip(expected).enumerate() {
                    let used = x[i] != 0.0;
                    assert!(if used { (a - b).abs() <= 1e-14 } else { *a == 0.0 }, "{name}: {found:?} is not {expected:?}");
                }
            }
        }
    }
}

#[test]
fn a_computed_zero_is_no_support() {
    // The factor is 0 by value, not by structure, and 0 * inf is NaN.
    let [g, _] = derivatives(&[0.0, 4.0], |ctx, x| T::sqrt(x) * ctx.constant(arr1(&[0.0, 1.0])));
    assert!(g[0].is_nan() && g[1] == 0.25, "{g:?}");
}

#[test]
fn supports_cost_nothing_until_they_are_asked_for() {
    // With and without a mask in front, the same number of nodes but for the selection itself.
    let nodes = |masked: bool| {
        run(|ctx| {
            let x = ctx.placeholder("x", &[4, 8]);
            let w = ctx.placeholder("w", &[8, 8]);
            let h = T::tanh(T::matmul(x, w) + 1.0);
            let y = T::matmul(if masked { T::relu(h) } else { h }, w);
            let part = T::slice(T::reshape(y, [32i64]), [3], [20]);
            let before = ctx.len();
            let g = T::grad(&[part], &[x, w]);
            assert!(g.iter().all(|t| t.error().is_none()));
            ctx.len() - before
        })
    };
    // y > 0 and the selection. Their zero stands around the part that is used already.
    assert_eq!(nodes(true), nodes(false) + 2);
}

/// A value of a random program, and beside it how many singular places it is computed from.
#[derive(Clone, Copy)]
struct Pair<'g> {
    value: Tensor<'g>,
    taint: Tensor<'g>,
}

impl<'g> Pair<'g> {
    fn both(self, f: impl Fn(Tensor<'g>) -> Tensor<'g>) -> Pair<'g> {
        Pair { value: f(self.value), taint: f(self.taint) }
    }
}

/// Lengths of the random programs' arrays.
const N: usize = 12;

/// Functions with a singular derivative at 0 or infinite values at 1000, in a chain: the last one decides which.
fn singular<'g>(x: Tensor<'g>, r: &mut Numbers, finite: bool) -> Tensor<'g> {
    let mut y = x;
    for _ in 0..r.below(3) {
        y = [T::sin(x) + y, y * x, T::square(x) + y, T::tanh(y) * x][r.below(4)];
    }
    // At 0 the chains are 0.
    match r.below(if finite { 4 } else { 8 }) {
        0 => T::sqrt(T::abs(y)),
        1 => T::pow(T::abs(y), 0.5),
        2 => T::sqrt(T::square(y)),
        3 => T::pow(T::abs(y), x * 0.0 + 0.5),
        4 => T::log(T::abs(y)),
        5 => 1.0 / y,
        6 => T::sin(x) / x,
        _ => T::square(T::exp(1e3 * T::cast(T::equal(x, 0.0), x.dtype()) + y)),
    }
}

/// What may lie between a function and the choice that leaves its places out.
fn between<'g>(ctx: &'g Context, mut p: Pair<'g>, r: &mut Numbers, products: bool) -> Pair<'g> {
    for _ in 0..1 + r.below(4) {
        let dims = p.value.known_shape().unwrap();
        let last = dims.len() as i64 - 1;
        p = match r.below(if products { 9 } else { 8 }) {
            0 => p.both(|t| T::reshape(t, [dims.iter().product::<usize>() as i64 / 2, 2])),
            1 => p.both(|t| T::transpose(t, ())),
            2 if last > 0 => p.both(|t| T::reduce_sum(t, last, false)),
            3 => Pair { value: T::sin(p.value) * (p.value + 0.5), taint: p.taint },
            4 => p.both(|t| {
                T::expand_dims(t, 0) * 0.5
                    + T::broadcast_to(t * 0.5, std::iter::once(2).chain(dims.iter().map(|&n| n as i64)).collect::<Vec<_>>())
            }),
            5 => {
                let index = ctx.constant((0..4).map(|_| r.below(dims[0]) as i64).collect::<ndarray::Array1<i64>>());
                p.both(|t| T::take(t, index, 0))
            }
            6 => p.both(|t| T::concat(&[t, t * 2.0], 0)),
            7 if last > 0 => {
                // The extremum of positive numbers: its own mask, and ours.
                let value = T::reduce_max(p.value, last, true);
                Pair { value, taint: T::reduce_sum(p.taint, last, true) }
            }
            8 if last > 0 => {
                let k = dims[last as usize];
                let m = ctx.constant(ndarray::Array2::from_shape_fn((k, 3), |(i, j)| 0.3 + ((i * 3 + j) as f64).cos().abs()));
                p.both(|t| T::matmul(t, m))
            }
            _ => p,
        };
        if p.value.known_shape().unwrap().iter().product::<usize>() > 200 || p.value.ndim() > 3 {
            p = p.both(|t| T::reduce_sum(T::reshape(t, [-1i64, 2]), 1, false));
        }
    }
    p
}

/// The choice: where nothing singular was met, by a mask or by the places themselves.
fn chosen<'g>(ctx: &'g Context, p: Pair<'g>, x: Tensor<'g>, r: &mut Numbers) -> Tensor<'g> {
    let taint = ctx.evaluator().push(T::stop_gradient(p.taint)).feed("x", arr1(&[0.0; N])).run()[0].clone();
    let taint: Vec<f64> = taint.unwrap().as_slice::<f64>().unwrap().to_vec();
    let clean: Vec<i64> = (0..taint.len() as i64).filter(|&i| taint[i as usize] == 0.0).collect();
    match r.below(3) {
        0 if !clean.is_empty() => T::take(T::reshape(p.value, -1i64), ctx.constant(ndarray::Array1::from_vec(clean)), 0),
        1 if taint.len() > 1 => {
            // The cut lies in front of the first singular place.
            let end = taint.iter().position(|&t| t != 0.0).unwrap_or(taint.len());
            T::slice(T::reshape(p.value, -1i64), [0], [end as i64])
        }
        _ => {
            let other = T::reduce_mean(x * x, (), false);
            T::select(T::equal(p.taint, 0.0), p.value, other)
        }
    }
}

fn program(seed: u64, plain: bool) -> [Vec<f64>; 2] {
    let mut r = Numbers::new(seed);
    let bad: Vec<bool> = (0..N).map(|_| r.below(3) == 0).collect();
    let x: Vec<f64> = bad.iter().map(|&b| if b { 0.0 } else { 0.3 + 1.4 * r.unit() }).collect();
    let products = r.below(2) == 0;
    derivatives(&x, |ctx, x| {
        let mut r = Numbers::new(seed + 1_000_000);
        let mask = ctx.constant(ndarray::Array1::from_vec(bad.clone()));
        let harmless = if plain { T::select(mask, 0.7, x) } else { x };
        let value = singular(harmless, &mut r, products);
        let taint = T::cast(mask, x.dtype());
        let p = between(ctx, Pair { value, taint }, &mut r, products);
        let y = chosen(ctx, p, x, &mut r);
        // The result is used again, also by functions that bring supports together.
        let z = T::reduce_sum(y * T::sin(y), (), false);
        z + T::reduce_sum(T::square(x), (), false) * z
    })
}

#[test]
fn random_programs_match_those_without_the_singular_places() {
    let mut nonzero = 0;
    for seed in 0..3000 {
        let (found, expected) = (program(seed, false), program(seed, true));
        for order in 0..2 {
            for (i, (a, b)) in found[order].iter().zip(&expected[order]).enumerate() {
                let scale = expected[order].iter().fold(1.0f64, |m, v| m.max(v.abs()));
                assert!((a - b).abs() <= 1e-11 * scale, "seed {seed}, order {}, place {i}: {a} is not {b}", order + 1);
                nonzero += usize::from(*b != 0.0);
            }
        }
    }
    assert!(nonzero > 20_000, "{nonzero}");
}
