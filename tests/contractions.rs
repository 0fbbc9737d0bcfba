//! What products by an equation become: which steps, over what, and where nothing is copied.

use scirs2_autograd::internals::{Work, prepare};
use scirs2_autograd::{Array, Context, Feeder, Tensor, run, tensor_ops as T};

/// Elementwise programs, calls of kernels, and copies of the plan of `y`.
fn steps(ctx: &Context, y: Tensor<'_>, inputs: &[Tensor<'_>]) -> [usize; 3] {
    let arrays: Vec<Array> = inputs.iter().map(|x| Array::zeros(x.dtype(), &x.known_shape().unwrap()).unwrap()).collect();
    let feeder = inputs.iter().zip(&arrays).fold(Feeder::new(), |f, (x, a)| f.push(x, a));
    let plan = prepare(ctx, &[y], &[], &feeder).unwrap().plan().unwrap();
    let count = |f: fn(&Work) -> bool| plan.steps.iter().filter(|s| f(&s.work)).count();
    [count(|w| matches!(w, Work::Tile(_))), count(|w| matches!(w, Work::Call(..))), count(|w| matches!(w, Work::Copy))]
}

/// Placeholders for an equation, in which each letter has a length of its own.
fn operands<'g>(ctx: &'g Context, equation: &str) -> Vec<Tensor<'g>> {
    let length = |c: char| 2 + (c as isize - 'a' as isize) % 13;
    let shape = |term: &str| term.chars().map(length).collect::<Vec<_>>();
    let terms = equation.split("->").next().unwrap().split(',');
    terms.enumerate().map(|(i, term)| ctx.placeholder(&format!("x{i}"), &shape(term))).collect()
}

#[test]
fn what_is_a_function_is_that_function() {
    type Build = for<'g> fn(&[Tensor<'g>]) -> Tensor<'g>;
    let cases: [(&str, Build); 12] = [
        ("bij,bjk->bik", |x| T::batch_matmul(x[0], x[1])),
        ("ij,jk->ik", |x| T::matmul(x[0], x[1])),
        ("ij,jk", |x| T::dot(x[0], x[1])),
        ("ij,j->i", |x| T::matmul(x[0], x[1])),
        ("i,ij->j", |x| T::matmul(x[0], x[1])),
        ("i,i->i", |x| x[0] * x[1]),
        ("i,i->", |x| T::reduce_sum(x[0] * x[1], 0, false)),
        ("ij->i", |x| T::reduce_sum(x[0], 1, false)),
        ("ij->", |x| T::reduce_sum(x[0], (0..2).collect::<Vec<i64>>(), false)),
        ("ij->ji", |x| T::transpose(x[0], [1, 0])),
        ("i,j->ij", |x| T::expand_dims(x[0], 1) * x[1]),
        ("ijk->ijk", |x| x[0]),
    ];
    for (equation, f) in cases {
        run(|ctx| {
            let xs = operands(ctx, equation);
            let (found, expected) = (T::einsum(equation, &xs), f(&xs));
            assert!(found.is(&expected), "{equation}: {found:?} for {expected:?}");
        });
    }
}

#[test]
fn operands_are_read_where_they_stand() {
    for (equation, expected) in [
        // Products whose result comes in the order that is asked for, whatever the order of the operands.
        ("bij,bjk->bik", [0, 1, 0]),
        ("ij,jk->ki", [0, 1, 0]),
        ("ji,kj->ik", [0, 1, 0]),
        ("ij,bjk->bik", [0, 1, 0]),
        ("ijk,jkl->il", [0, 1, 0]),
        ("jkl,ijk->li", [0, 1, 0]),
        ("bqhd,bkhd->bhqk", [0, 1, 0]),
        // Both orders of the sum cannot be joined: the smaller operand is copied.
        ("ikj,jkl->il", [0, 1, 1]),
        ("iij,j->i", [0, 1, 0]),
        // The batch is not in front: the result is moved.
        ("bhqk,bkhd->bqhd", [0, 1, 1]),
        // No product of matrices.
        ("i,i->i", [1, 0, 0]),
        ("i,i->", [1, 0, 0]),
        ("bi,bi->b", [1, 0, 0]),
        ("i,j->ji", [1, 0, 0]),
        ("ii->", [1, 0, 0]),
        ("ij,ij,ij->ij", [1, 0, 0]),
        // What one operand alone names is summed first.
        ("ij,k->i", [3, 0, 0]),
        ("ijk,jl->il", [1, 1, 0]),
    ] {
        run(|ctx| {
            let xs = operands(ctx, equation);
            assert_eq!(steps(ctx, T::einsum(equation, &xs), &xs), expected, "{equation}");
        });
    }
    // Several rows or columns are one axis of the product: its value is seen under another shape by what comes next.
    for equation in ["abc,cd->abd", "bij,jk->bik", "ab,bcd->acd", "abc,cde->abde", "abcd,cdef->abef", "cab,cde->deab"] {
        run(|ctx| {
            let xs = operands(ctx, equation);
            assert_eq!(steps(ctx, T::exp(T::einsum(equation, &xs)), &xs), [1, 1, 0], "{equation}");
        });
    }
}

#[test]
fn a_chain_goes_from_its_thin_end() {
    run(|ctx| {
        let a = ctx.placeholder("a", &[50, 50]);
        let x = ctx.placeholder("x", &[50]);
        let y = T::einsum("ij,jk,kl,l->i", &[a, a, a, x]);
        assert!(y.is(&T::matmul(a, T::matmul(a, T::matmul(a, x)))));
    });
}

#[test]
fn a_cotangent_of_a_product_of_several_axes_is_one_product() {
    run(|ctx| {
        let xs = operands(ctx, "abc,cde");
        let y = T::einsum("abc,cde->abde", &xs);
        let g = ctx.placeholder("g", &y.known_shape().unwrap().iter().map(|&n| n as isize).collect::<Vec<_>>());
        let all = [xs[0], xs[1], g];
        for x in T::grad_with_default(&[y], &xs, &[g]) {
            assert_eq!(steps(ctx, T::exp(x), &all), [1, 1, 0]);
        }
    });
}

#[test]
fn thousands_of_operands_are_multiplied() {
    run(|ctx| {
        let x = ctx.placeholder("x", &[2]);
        let equation = vec!["i"; 3000].join(",");
        let y = T::einsum(equation.as_str(), &vec![x; 3000]);
        let halves = ndarray::arr1(&[1.0, -1.0]);
        assert_eq!(ctx.evaluator().push(y).feed(x, halves.view()).run()[0].as_ref().unwrap().item().unwrap(), 2.0);
    });
}

/// Numbers in [-1, 1), and the state that they come from.
fn numbers(seed: &mut u64, n: usize) -> Vec<f64> {
    let mut next = || {
        *seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (*seed >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    (0..n).map(|_| next()).collect()
}

fn matrix(seed: &mut u64, m: usize, n: usize) -> ndarray::Array2<f64> {
    ndarray::Array2::from_shape_vec((m, n), numbers(seed, m * n)).unwrap()
}

/// A cell `h = tanh(x u + h w)` over steps of a batch of 2, from `h0` on, weighted by `c`: 5 inputs, 7 units.
fn recurrent<'g>(xs: &[Tensor<'g>], h0: Tensor<'g>, c: &[Tensor<'g>], u: Tensor<'g>, w: Tensor<'g>) -> Tensor<'g> {
    let mut h = h0;
    let mut losses = vec![];
    for (&x, &c) in xs.iter().zip(c) {
        h = T::tanh(T::matmul(x, u) + T::matmul(h, w));
        losses.push(T::reduce_sum(h * c, [0, 1], false));
    }
    losses.into_iter().reduce(|a, b| a + b).unwrap()
}

fn products(ctx: &Context, ys: &[Tensor<'_>], inputs: &[Tensor<'_>]) -> usize {
    let arrays: Vec<Array> = inputs.iter().map(|x| Array::zeros(x.dtype(), &x.known_shape().unwrap()).unwrap()).collect();
    let feeder = inputs.iter().zip(&arrays).fold(Feeder::new(), |f, (x, a)| f.push(x, a));
    let plan = prepare(ctx, ys, &[], &feeder).unwrap().plan().unwrap();
    plan.steps.iter().filter(|s| matches!(&s.work, Work::Call(def, ..) if def.name == "batch_matmul")).count()
}

#[test]
fn the_cotangent_of_a_weight_that_is_used_many_times_is_one_product() {
    const STEPS: usize = 10;
    run(|ctx| {
        let mut seed = 5;
        let place = |name: String, dims: [isize; 2]| ctx.placeholder_of(&name, &dims, scirs2_autograd::DType::F64);
        let xs: Vec<_> = (0..STEPS).map(|i| place(format!("x{i}"), [2, 5])).collect();
        let cs: Vec<_> = (0..STEPS).map(|i| place(format!("c{i}"), [2, 7])).collect();
        let [h0, u, w] = [("h", [2, 7]), ("u", [5, 7]), ("w", [7, 7])].map(|(name, dims)| place(name.to_string(), dims));
        let loss = recurrent(&xs, h0, &cs, u, w);
        let grads = T::grad(&[loss], &[u, w]);
        let inputs: Vec<_> = xs.iter().chain(&cs).copied().chain([h0, u, w]).collect();
        // Two a step on the way forward, one for each state but the first on the way back, one for each weight.
        assert_eq!(products(ctx, &grads, &inputs), 2 * STEPS + STEPS - 1 + 2);

        // Against differences of the loss and of the gradient along a direction.
        let values: Vec<_> = inputs.iter().map(|x| x.known_shape().unwrap()).map(|d| matrix(&mut seed, d[0], d[1])).collect();
        let [du, dw] = [matrix(&mut seed, 5, 7), matrix(&mut seed, 7, 7)];
        let [vu, vw] = [place("vu".to_string(), [5, 7]), place("vw".to_string(), [7, 7])];
        let along = T::reduce_sum(grads[0] * vu, [0, 1], false) + T::reduce_sum(grads[1] * vw, [0, 1], false);
        let twice = T::grad(&[along], &[u, w]);
        let curvature = T::reduce_sum(twice[0] * vu, [0, 1], false) + T::reduce_sum(twice[1] * vw, [0, 1], false);
        let at = |step: f64| {
            let mut fed = values.clone();
            let n = fed.len();
            fed[n - 2] += &(&du * step);
            fed[n - 1] += &(&dw * step);
            let feeds = inputs.iter().zip(&fed).fold(ctx.evaluator(), |e, (&x, v)| e.feed(x, v.view()));
            let found = feeds.feed(vu, du.view()).feed(vw, dw.view()).push(loss).push(along).push(curvature).run();
            [0, 1, 2].map(|i| found[i].as_ref().unwrap().item().unwrap())
        };
        let (step, here) = (1e-4, at(0.0));
        let (up, down) = (at(step), at(-step));
        for order in 0..2 {
            let expected = (up[order] - down[order]) / (2.0 * step);
            assert!((here[order + 1] - expected).abs() < 1e-5 * expected.abs().max(1.0), "{order}: {} for {expected}", here[order + 1]);
        }
    });
}

/// Operands that wait to be joined take no more than a few times the memory of the result, however many there are.
#[test]
fn many_products_become_a_few() {
    run(|ctx| {
        let w = ctx.placeholder_of("w", &[32, 32], scirs2_autograd::DType::F64);
        let place = |name: String| ctx.placeholder_of(&name, &[4, 32], scirs2_autograd::DType::F64);
        let pairs: Vec<_> = (0..100).map(|i| (place(format!("x{i}")), place(format!("c{i}")))).collect();
        let terms = pairs.iter().map(|&(x, c)| T::reduce_sum(T::matmul(x, w) * c, [0, 1], false));
        let g = T::grad(&[terms.reduce(|a, b| a + b).unwrap()], &[w])[0];
        let inputs: Vec<_> = pairs.iter().flat_map(|&(x, c)| [x, c]).collect();
        // Each takes a quarter of the result, and eight times the result may wait.
        assert_eq!(products(ctx, &[g], &inputs), 100 / 32 + 1);
    });
}

#[test]
fn products_that_are_joined_are_their_sum() {
    // Left operand, and how long its rows are: those over short axes go together where their results do, in whatever order they come.
    for lengths in [&[2usize, 3, 1, 2][..], &[2, 40, 3], &[50, 60], &[1, 1]] {
        run(|ctx| {
            let mut seed = 9;
            let w = ctx.placeholder_of("w", &[9, 11], scirs2_autograd::DType::F64);
            let (mut feeds, mut expected, mut terms) = (ctx.evaluator(), ndarray::Array2::<f64>::zeros((9, 11)), vec![]);
            let values: Vec<_> = lengths.iter().map(|&k| (k, matrix(&mut seed, k, 9), matrix(&mut seed, k, 11))).collect();
            for (i, (k, x, c)) in values.iter().enumerate() {
                let k = *k;
                for ((p, r), s) in (0..k).flat_map(|p| (0..9).map(move |r| (p, r))).flat_map(|at| (0..11).map(move |s| (at, s))) {
                    expected[[r, s]] += x[[p, r]] * c[[p, s]];
                }
                let place = |name: &str, n: isize| ctx.placeholder_of(&format!("{name}{i}"), &[k as isize, n], scirs2_autograd::DType::F64);
                let (tx, tc) = (place("x", 9), place("c", 11));
                feeds = feeds.feed(tx, x.view()).feed(tc, c.view());
                terms.push(T::reduce_sum(T::matmul(tx, w) * tc, [0, 1], false));
            }
            let y = terms.into_iter().reduce(|a, b| a + b).unwrap();
            let g = T::grad(&[y], &[w])[0];
            let found = feeds.push(g).run()[0].as_ref().unwrap().view::<f64>().unwrap().to_owned();
            let worst = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(worst < 1e-12, "{lengths:?}: {worst:e}");
        });
    }
}

#[test]
fn products_over_long_axes_stay_apart() {
    run(|ctx| {
        let w = ctx.placeholder("w", &[8, 8]);
        let xs: Vec<_> = (0..4).map(|i| ctx.placeholder(&format!("x{i}"), &[if i < 2 { 4 } else { 5 }, 8])).collect();
        let y = xs.iter().map(|&x| T::reduce_sum(T::square(T::matmul(x, w)), [0, 1], false)).reduce(|a, b| a + b).unwrap();
        let inputs: Vec<_> = xs.iter().copied().chain([w]).collect();
        // Four forward; 4 (8 + 8) <= 8 8 twice, in one; 5 (8 + 8) > 8 8 twice.
        assert_eq!(products(ctx, &[T::grad(&[y], &[w])[0]], &inputs), 4 + 1 + 2);
    });
}
