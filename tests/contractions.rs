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
        // The axis of a diagonal stands behind the others.
        ("iij,j->i", [0, 1, 1]),
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
