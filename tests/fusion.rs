//! What programs fuse to: how many steps, what goes through memory, and what a run holds beside its outputs.

use scirs2_autograd::internals::{Work, updates};
use scirs2_autograd::optimizers::adam::Adam;
use scirs2_autograd::{Array, Context, DType, Feeder, Tensor, TracedPlan, VariableEnvironment, run, tensor_ops as T};

/// What a plan says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Facts {
    programs: usize,
    /// Programs over the largest space.
    large: usize,
    calls: usize,
    copies: usize,
    /// Bytes that steps read and write.
    read: usize,
    written: usize,
    /// Bytes at the peak beside the outputs.
    beside: usize,
    outputs: usize,
    /// Bytes of the arena that a call takes for itself at most.
    scratch: usize,
}

fn facts(plan: &TracedPlan) -> Facts {
    let count = |f: fn(&Work) -> bool| plan.steps.iter().filter(|s| f(&s.work)).count();
    let copies = count(|w| matches!(w, Work::Copy));
    let programs = count(|w| matches!(w, Work::Tile(_)));
    let spaces: Vec<usize> = plan.steps.iter().filter_map(|s| if let Work::Tile(p) = &s.work { Some(p.count()) } else { None }).collect();
    let largest = spaces.iter().copied().max();
    let large = spaces.iter().filter(|n| Some(**n) == largest).count();
    let text = plan.explain();
    let number = |line: &str, behind: &str| -> Option<usize> {
        let before = line.split_once(behind)?.0;
        before.rsplit(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    };
    let traffic = || text.lines().filter(|l| l.contains(" bytes read, "));
    Facts {
        programs,
        large,
        calls: plan.steps.len() - programs - copies,
        copies,
        read: traffic().filter_map(|l| number(l, " bytes read")).sum(),
        written: traffic().filter_map(|l| number(l, " written")).sum(),
        beside: plan.peak_bytes() - plan.output_bytes(),
        scratch: plan.steps.iter().filter(|s| matches!(s.work, Work::Call(..))).map(|s| s.scratch.1).max().unwrap_or(0),
        outputs: plan.output_bytes(),
    }
}

/// The plan of what `make` builds on placeholders of these types.
fn planned<F>(inputs: &[(DType, &[usize])], make: F) -> Facts
where
    F: for<'g> FnOnce(&'g Context, &[Tensor<'g>]) -> Vec<Tensor<'g>>,
{
    run(|ctx| {
        let arrays: Vec<Array> = inputs.iter().map(|(dtype, dims)| Array::zeros(*dtype, dims).unwrap()).collect();
        let shape = |dims: &[usize]| dims.iter().map(|&n| n as isize).collect::<Vec<_>>();
        let xs: Vec<Tensor<'_>> =
            inputs.iter().enumerate().map(|(i, (dtype, dims))| ctx.placeholder_of(&format!("x{i}"), &shape(dims), *dtype)).collect();
        let outputs = make(ctx, &xs);
        let feeder = xs.iter().zip(&arrays).fold(Feeder::new(), |f, (t, a)| f.push(*t, a));
        let plan = ctx.evaluator().extend(&outputs).set_feeder(feeder).plan().unwrap();
        let f = facts(&plan);
        let text = plan.explain();
        println!("{text}");
        f
    })
}

/// Bytes that programs take for themselves at most, and of single numbers and rows' values that go through memory.
const OWN: usize = 64 << 10;
const F: DType = DType::F32;

fn chain(x: Tensor<'_>) -> Tensor<'_> {
    T::tanh(T::exp(-T::square(T::sin(x) * 0.5 + 1.0)) * x)
}

#[test]
fn a_chain_with_its_mean_and_gradient_is_one_program() {
    let n = 100_000;
    for gradient in [false, true] {
        let f = planned(&[(F, &[n])], |_, x| {
            let y = T::reduce_mean(chain(x[0]), (), false);
            if gradient { vec![y, T::grad(&[y], &[x[0]])[0]] } else { vec![y] }
        });
        // Beside it only divisions of single numbers.
        assert_eq!((f.programs, f.large, f.calls), (2 + usize::from(gradient), 1, 0));
        assert!(f.read < 4 * n + 64 && f.written < f.outputs + 64 && f.beside < OWN, "{f:?}");
    }
}

/// The loss of labels, by rows. The gradient is one pass over memory: each row is read, and while it is near read again.
fn loss<'g>(x: Tensor<'g>, labels: Tensor<'g>) -> Tensor<'g> {
    T::reduce_mean(T::sparse_softmax_cross_entropy(x, labels), (), false)
}

#[test]
fn a_loss_of_labels_with_its_gradient_is_one_program() {
    for (rows, cols) in [(512, 1000), (2048, 10), (64, 512)] {
        let f = planned(&[(F, &[rows, cols]), (DType::I64, &[rows])], |_, x| {
            let loss = loss(x[0], x[1]);
            vec![loss, T::grad(&[loss], &[x[0]])[0]]
        });
        // The check of the labels, and the numbers that they are compared with.
        assert_eq!((f.large, f.calls, f.copies), (1, 2, 0));
        assert!(f.programs <= 6 && f.read < 8 * rows * cols + OWN && f.written < f.outputs + OWN, "{f:?}");
        assert!(f.beside < 2 * OWN, "{f:?}");
    }
}

#[test]
fn a_norm_an_activation_and_a_loss_with_all_gradients_are_one_program() {
    for (rows, cols) in [(512, 768), (256, 1000), (1024, 30)] {
        let f = planned(&[(F, &[rows, cols]), (F, &[cols]), (F, &[cols]), (DType::I64, &[rows])], |_, x| {
            let mean = |t| T::reduce_mean(t, -1i64, true);
            let d = x[0] - mean(x[0]);
            let y = T::gelu(d / T::sqrt(mean(T::square(d)) + 1e-5) * x[1] + x[2]);
            let loss = loss(y, x[3]);
            let g = T::grad(&[loss], &x[..3]);
            vec![loss, g[0], g[1], g[2]]
        });
        assert_eq!((f.large, f.calls, f.copies), (1, 2, 0));
        assert!(f.programs <= 6 && f.read < 8 * rows * cols + 2 * OWN && f.written < f.outputs + OWN, "{f:?}");
        assert!(f.beside < 2 * OWN, "{f:?}");
    }
}

#[test]
fn what_rows_and_columns_broadcast_to_is_never_in_memory() {
    for n in [1024, 1000, 700] {
        let f = planned(&[(F, &[n, 1]), (F, &[1, n])], |_, x| {
            let loss = T::reduce_mean(T::square(x[0] - x[1]), (), false);
            let g = T::grad(&[loss], &x[..2]);
            vec![loss, g[0], g[1]]
        });
        assert_eq!((f.programs, f.large, f.calls, f.copies), (3, 1, 0, 0));
        assert!(f.read < 8 * n + 64 && f.written < f.outputs + 64 && f.beside < OWN, "{f:?}");
    }
}

#[test]
fn sums_over_both_axes_are_one_program() {
    for (rows, cols) in [(600, 512), (600, 1024), (600, 700), (40, 1536)] {
        for all in [false, true] {
            let f = planned(&[(F, &[rows, cols])], |_, x| {
                let y = T::exp(x[0]);
                let sums = vec![T::reduce_sum(y, 0i64, false), T::reduce_sum(y, 1i64, false)];
                if all { [sums, vec![T::reduce_sum(y, (), false)]].concat() } else { sums }
            });
            assert_eq!((f.programs, f.calls, f.copies), (1, 0, 0));
            assert!((f.read, f.written) == (4 * rows * cols, f.outputs) && f.beside < OWN, "{f:?}");
        }
    }
}

#[test]
fn branches_over_one_large_array_read_it_once() {
    let n = 1 << 20;
    for k in [2, 8, 32] {
        for sums in [false, true] {
            let f = planned(&[(F, &[n])], |_, x| {
                let branch = |i: usize| T::sin(x[0] * (1.0 + i as f64));
                (0..k).map(|i| if sums { T::reduce_sum(branch(i), (), false) } else { branch(i) }).collect()
            });
            assert_eq!((f.programs, f.calls, f.copies), (1, 0, 0));
            // A sum keeps one value for each block of 512.
            let own = 2 * OWN + if sums { k * 4 * n / 512 } else { 0 };
            assert!(f.read <= 4 * (n + k) && f.written == f.outputs && f.beside < own, "{f:?}");
        }
    }
}

#[test]
fn small_variables_of_one_shape_share_the_steps_of_an_optimizer() {
    let env = VariableEnvironment::new();
    let names: Vec<String> = (0..40).map(|k| format!("small{k}")).chain((0..2).map(|k| format!("large{k}"))).collect();
    for (k, name) in names.iter().enumerate() {
        let dims: &[usize] = if k < 40 { &[64] } else { &[512, 512] };
        env.name(name).set(Array::zeros(F, dims).unwrap());
    }
    let adam = Adam::default("adam", env.default_namespace().current_var_ids(), &env);
    env.run(|ctx| {
        let vars: Vec<Tensor<'_>> = names.iter().map(|n| ctx.variable(n.as_str())).collect();
        let grads: Vec<Tensor<'_>> = vars.iter().map(|v| T::sin(*v)).collect();
        let writes = updates(&adam, &vars, &grads, ctx).unwrap();
        let plan = writes.iter().fold(ctx.evaluator(), |ask, t| ask.write(t)).plan().unwrap();
        let f = facts(&plan);
        // Five of the small ones, which hold as many instructions as they may, and two of single numbers.
        assert_eq!((f.programs, f.large, f.calls, f.copies), (9, 2, 0, 0), "{}", plan.explain());
        // Variable and moments, each read and written once, where they are.
        let bytes = 3 * 4 * (40 * 64 + 2 * 512 * 512);
        assert!(f.read < bytes + OWN && f.written < bytes + OWN && f.beside < OWN, "{f:?}");
    });
}

fn towers(n: usize) -> Facts {
    planned(&[(F, &[256, 256]), (F, &[256, 256])], |_, x| {
        let tower = |k: usize| (0..3).fold(x[0] * (1.5 + k as f64), |h, _| T::tanh(T::matmul(h, x[1])));
        (0..n).map(tower).collect()
    })
}

#[test]
fn towers_take_the_memory_of_one_and_their_outputs() {
    let (one, many) = (towers(1), towers(16));
    assert_eq!((many.programs, many.calls, many.copies), (16 * one.programs, 16 * one.calls, 0));
    assert!(many.outputs == 16 * one.outputs && many.beside <= one.beside + OWN, "{one:?} {many:?}");
}

/// Gradients of a sum over towers by a matrix that they share: a product of each tower is added to what there is, and does not wait
/// for those of the others. With few rows, which are joined, what waits is bounded.
#[test]
fn gradients_of_towers_take_the_memory_of_a_few() {
    let of = |n: usize, rows: usize| {
        let mut inputs: Vec<(DType, &[usize])> = vec![(F, &[256, 256])];
        let dims = [rows, 256];
        inputs.extend((0..n).map(|_| (F, &dims[..])));
        planned(&inputs, |_, x| {
            let towers = x[1..].iter().map(|&t| (0..4).fold(t, |h, _| T::tanh(T::matmul(h, x[0]))));
            let loss = towers.map(|y| T::reduce_mean(T::square(y), (), false)).reduce(|a, b| a + b).unwrap();
            vec![loss, T::grad(&[loss], &x[..1])[0]]
        })
    };
    let product = 4 * 256 * 256;
    let (few, many) = (of(4, 512), of(32, 512));
    assert!(many.beside <= few.beside + product + many.scratch + OWN, "{few:?} {many:?}");
    // Eight times the result waits to be joined, and as much stands side by side then.
    let (one, many) = (of(1, 64), of(64, 64));
    assert!(many.beside <= one.beside + 16 * product + many.scratch + OWN, "{one:?} {many:?}");
}

#[test]
fn a_cell_is_two_programs_and_two_products() {
    let (t, b, d) = (16, 32, 64);
    let f = planned(&[(F, &[t, b, d]), (F, &[d, 4 * d]), (F, &[d, 4 * d]), (F, &[4 * d]), (F, &[b, d]), (F, &[b, d])], |_, x| {
        let (mut h, mut c) = (x[4], x[5]);
        for k in 0..t as i64 {
            let now = T::slice(x[0], [k, 0, 0], [k + 1, b as i64, d as i64]);
            let z = T::matmul(T::reshape(now, [b as i64, d as i64]), x[1]) + T::matmul(h, x[2]) + x[3];
            let part = |i: i64| T::slice(z, [0, i * d as i64], [b as i64, (i + 1) * d as i64]);
            c = T::sigmoid(part(0)) * c + T::sigmoid(part(1)) * T::tanh(part(2));
            h = T::sigmoid(part(3)) * T::tanh(c);
        }
        vec![h]
    });
    assert_eq!((f.programs, f.calls, f.copies), (2 * t, 2 * t, 0));
    // Two products, of which the sum takes the place of one; the cell's two values, old and new.
    let (product, value) = (4 * b * 4 * d, 4 * b * d);
    assert!(f.beside <= 2 * product + 4 * value + f.scratch + OWN, "{f:?}");
}

#[test]
fn attention_makes_no_matrix_of_scores() {
    let (s, d) = (2048, 64);
    for heads in [1, 4] {
        let dims: &[usize] = &[heads, s, d];
        for (gradient, is_causal) in [(false, false), (true, false), (true, true)] {
            let f = planned(&[(F, dims), (F, dims), (F, dims)], |_, x| {
                let y = T::scaled_dot_product_attention_with(x[0], x[1], x[2], T::Attention { is_causal, ..Default::default() });
                if gradient { [&[y][..], &T::grad(&[T::reduce_sum(T::square(y), (), false)], x)].concat() } else { vec![y] }
            });
            // Scaled queries and the kernel; its adjoint, a cotangent with its sums, and a scaled gradient.
            assert_eq!((f.programs, f.calls, f.copies), if gradient { (3, 2, 0) } else { (1, 1, 0) });
            // Queries, the transposed keys and values, a cotangent, a gradient before it is scaled; and scratch of 16 threads.
            let (operand, scores, threads) = (4 * heads * s * d, 4 * heads * s * s, 16 * 300 * 1024);
            assert!(f.beside < 6 * operand + threads && f.beside < scores / 2, "{f:?}");
        }
    }
}

#[test]
fn attention_is_a_program_between_products() {
    let dims: &[usize] = &[2, 4, 128, 64];
    for gradient in [false, true] {
        let f = planned(&[(F, dims), (F, dims), (F, dims)], |_, x| {
            let scores = T::batch_matmul(x[0], T::transpose(x[1], [0, 1, 3, 2])) * 0.125;
            let y = T::batch_matmul(T::softmax(scores, -1), x[2]);
            if gradient { T::grad(&[T::reduce_sum(T::square(y), (), false)], x) } else { vec![y] }
        });
        assert_eq!((f.programs, f.calls, f.copies), if gradient { (3, 6, 0) } else { (1, 2, 0) });
        // The scores; for the gradient the weights too, their exponentials, where these are largest, and a gradient of the output.
        let scores = 4 * 2 * 4 * 128 * 128;
        assert!(f.beside < if gradient { 4 * scores } else { scores } + f.scratch + OWN, "{f:?}");
    }
}
