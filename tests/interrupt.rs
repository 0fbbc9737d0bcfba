//! A long run asks now and then whether to go on, inside each of its steps, whatever the step is; an answer of no ends it
//! before anything is written. Questions are counted, so nothing here depends on time.

use std::cell::Cell;

use scirs2_autograd::Array;
use scirs2_autograd::DType;
use scirs2_autograd::ErrorKind;
use scirs2_autograd::internals::RANGE;
use scirs2_autograd::internals::TABLE;
use scirs2_autograd::internals::Work;
use scirs2_autograd::internals::prepare;
use scirs2_autograd::internals::{Arg, apply_in};
use scirs2_autograd::internals::{Attr, AttrKind, AttrType, Choice, ParamKind};
use scirs2_autograd::internals::{Body, Kernel};
use scirs2_autograd::{Context, Feeder, Result, Tensor, VariableEnvironment, run, tensor_ops as T};
use scirs2_autograd::{Ints, PerAxis, Slice, Slices, Widths, set_num_threads};

/// Counts questions, and answers no from question `stop` on.
struct Questions {
    asked: Cell<usize>,
    stop: usize,
}

/// Runs a request; gives the outputs, and how often it was asked for a permission to go on.
fn asked(ctx: &Context, outputs: &[Tensor<'_>], writes: &[Tensor<'_>], feeder: &Feeder<'_>, stop: usize) -> (Result<Vec<Array>>, usize) {
    let q = Questions { asked: Cell::new(0), stop };
    let proceed = || {
        q.asked.set(q.asked.get() + 1);
        q.asked.get() < q.stop
    };
    let out = prepare(ctx, outputs, writes, feeder).unwrap().run(Some(&proceed));
    (out.map(|o| o.outputs), q.asked.get())
}

fn bytes(arrays: &[Array]) -> Vec<Vec<u8>> {
    // SAFETY: an array's elements are plain numbers.
    arrays.iter().map(|a| unsafe { std::slice::from_raw_parts(a.ptr(), a.bytes()).to_vec() }).collect()
}

/// A plan of so many steps is asked at least `least` times in them, and once after each; it may be ended at each question; and its
/// bits are those of a run that nobody asks.
fn check(name: &str, ctx: &Context, outputs: &[Tensor<'_>], feeder: &Feeder<'_>, steps: usize, least: usize) {
    // Of several threads one asks, as often as it happens to take a part.
    set_num_threads(1).unwrap();
    let prepared = prepare(ctx, outputs, &[], feeder).unwrap();
    let plan = prepared.plan().unwrap();
    assert_eq!(plan.steps.len(), steps, "{name}: {}", plan.explain());
    let alone = bytes(&prepared.run(None).unwrap().outputs);
    let (out, n) = asked(ctx, outputs, &[], feeder, usize::MAX);
    assert!(bytes(&out.unwrap()) == alone, "{name}: the bits depend on the questions");
    assert!(n > least, "{name}: {n} questions, {least} wanted inside");
    for stop in [1, n / 2, n] {
        let (out, n) = asked(ctx, outputs, &[], feeder, stop);
        assert_eq!((out.map(|_| ()).map_err(|e| e.kind()), n), (Err(ErrorKind::Interrupted), stop), "{name}");
    }
}

/// An operand: the values of a small array, repeated by strides of 0 to a large shape.
struct Repeated(Array, Vec<usize>);

fn ones(dtype: DType, dims: &[usize]) -> Repeated {
    let one = match dtype {
        DType::I64 => Array::from_slice(&[1i64], &[]),
        DType::I32 => Array::from_slice(&[1i32], &[]),
        _ => Array::from_slice(&[1f64], &[]),
    };
    Repeated(one.unwrap(), dims.to_vec())
}

/// Numbers that take memory: contiguous.
fn dense(dims: &[usize]) -> Repeated {
    let values: Vec<f64> = (0..dims.iter().product()).map(|i| (i as f64 * 0.37).sin()).collect();
    Repeated(Array::from_slice(&values, dims).unwrap(), dims.to_vec())
}

/// Places 0 and 1 that take memory of the shape `own`, repeated to `dims`.
fn places(own: &[usize], dims: &[usize]) -> Repeated {
    let values: Vec<i64> = (0..own.iter().product()).map(|k: usize| k as i64 % 2).collect();
    Repeated(Array::from_slice(&values, own).unwrap(), dims.to_vec())
}

/// Matrices with 1 on the diagonal and 0 elsewhere.
fn identity(dims: &[usize]) -> Repeated {
    let n = dims[dims.len() - 1];
    let values: Vec<f64> = (0..n * n).map(|i| f64::from(u8::from(i % (n + 1) == 0))).collect();
    Repeated(Array::from_slice(&values, &[n, n]).unwrap(), dims.to_vec())
}

fn span(start: Option<i64>, step: i64) -> Slice {
    Slice { start, stop: None, step }
}

/// A name of the table, large operands, attributes, and how many ranges the work is at least.
type Long = (&'static str, Vec<Repeated>, Vec<Attr>, usize);

/// Long calls of every row with a kernel that is called.
fn long() -> Vec<Long> {
    const N: usize = 4 * RANGE;
    let (f, i) = (DType::F64, DType::I64);
    let int = |n: i64| Attr::Int(n);
    let slices = |list: &[Slice]| Slices(list.into()).pack();
    let shape = |dims: &[usize]| Ints(dims.iter().map(|&n| n as i64).collect()).pack();
    vec![
        // Of many small products; of panels cut along each axis; vectors; and by the plain loops.
        ("batch_matmul", vec![ones(f, &[3000, 20, 20]), dense(&[3000, 20, 20])], vec![], 2),
        ("batch_matmul", vec![ones(f, &[1030, 1030]), ones(f, &[1030, 1030])], vec![], 2),
        ("batch_matmul", vec![ones(f, &[100, 100, 8000]), ones(f, &[8000, 1])], vec![], 2),
        ("batch_matmul", vec![ones(f, &[1, 70_000_000]), ones(f, &[70_000_000, 1])], vec![], 2),
        ("batch_matmul", vec![ones(i, &[500, 500]), ones(i, &[500, 500])], vec![], 2),
        ("check_index", vec![ones(i, &[N])], vec![int(2), Attr::DType(DType::I32)], 3),
        ("check_labels", vec![ones(f, &[N])], vec![int(2)], 3),
        // Places one by one; each for a row; rows longer than a range.
        ("gather_at", vec![dense(&[10]), ones(i, &[N])], vec![int(0)], 3),
        ("gather_at", vec![dense(&[10, 2]), places(&[N / 2, 2], &[N / 2, 2])], vec![int(0)], 3),
        ("gather_at", vec![dense(&[3, 700]), ones(i, &[N / 700, 700])], vec![int(0)], 3),
        ("gather_at", vec![dense(&[2, 2 * RANGE]), places(&[2, 1], &[2, 2 * RANGE])], vec![int(0)], 3),
        ("add_at", vec![ones(f, &[3]), ones(i, &[N]), ones(f, &[N])], vec![int(0)], 3),
        ("add_at", vec![ones(f, &[2, RANGE]), places(&[2, 1], &[2, RANGE]), dense(&[2, RANGE])], vec![int(0)], 3),
        ("put_at", vec![ones(f, &[3]), ones(i, &[N]), ones(f, &[N])], vec![int(0)], 3),
        ("put_at", vec![ones(f, &[2, RANGE]), places(&[2, 1], &[2, RANGE]), dense(&[2, RANGE])], vec![int(0)], 3),
        ("last_at", vec![ones(i, &[N]), ones(f, &[3])], vec![int(0)], 3),
        ("last_at", vec![ones(i, &[2]), ones(f, &[N])], vec![int(0)], 3),
        ("scan_at", vec![ones(f, &[3]), ones(i, &[N]), ones(f, &[N]), dense(&[N])], vec![int(0), Attr::Bool(true)], 3),
        ("extreme_at", vec![ones(f, &[3]), ones(i, &[N]), ones(f, &[N])], vec![int(0), Attr::Bool(false)], 3),
        ("put_slice", vec![ones(f, &[N]), ones(f, &[N])], vec![slices(&[span(None, -1)])], 6),
        ("add_slices", vec![ones(f, &[N]), ones(f, &[N])], vec![slices(&[span(None, -1)])], 6),
        ("argmax", vec![ones(f, &[N])], vec![int(0), Attr::Bool(false)], 3),
        ("argmax", vec![dense(&[N / 4, 4])], vec![int(1), Attr::Bool(false)], 3),
        ("argmin", vec![ones(f, &[N])], vec![int(0), Attr::Bool(false)], 3),
        ("max_with_index", vec![dense(&[4, N / 4])], vec![int(0)], 3),
        ("max_with_index", vec![dense(&[N / 2, 2])], vec![int(0)], 3),
        // One line; lines side by side in the result, in the operand, and apart from each other.
        ("cumulative_sum", vec![ones(f, &[N])], vec![int(0), Attr::Bool(false)], 3),
        ("cumulative_sum", vec![dense(&[4, N / 4])], vec![int(0), Attr::Bool(true)], 3),
        ("cumulative_product", vec![ones(f, &[N / 4, 4])], vec![int(0), Attr::Bool(false), Attr::Bool(false)], 3),
        ("recurrence", vec![ones(f, &[5, N / 5]), dense(&[5, N / 5])], vec![int(1), Attr::Bool(true)], 3),
        ("cummax", vec![dense(&[N])], vec![int(0)], 3),
        ("cummin", vec![ones(f, &[N / 3, 3])], vec![int(1)], 3),
        // Of one line, of lines that are read together, of short ones; by digits of both halves.
        ("sort_along", vec![ones(f, &[N])], vec![int(0)], 3),
        ("sort_along", vec![dense(&[RANGE / 4, 4])], vec![int(0)], 6),
        ("sort_along", vec![dense(&[RANGE / 64, 64])], vec![int(1)], 6),
        ("argsort_along", vec![dense(&[RANGE])], vec![int(0)], 6),
        ("argsort_along", vec![ones(f, &[RANGE / 64, 64])], vec![int(1)], 6),
        ("topk", vec![dense(&[N])], vec![int(7), int(0), Attr::Bool(true), Attr::Bool(true)], 3),
        ("topk", vec![ones(f, &[RANGE])], vec![int(RANGE as i64 / 3), int(0), Attr::Bool(false), Attr::Bool(false)], 4),
        ("search_sorted", vec![dense(&[100]), ones(f, &[N])], vec![Attr::Bool(true)], 3),
        ("check_finite", vec![ones(f, &[N])], vec![], 6),
        ("concat", vec![ones(f, &[N / 2]), dense(&[N / 2])], vec![int(0)], 3),
        ("concat", vec![ones(f, &[3, N / 6]), ones(f, &[3, N / 6])], vec![int(1)], 3),
        ("higher_polygamma", vec![dense(&[N / 50])], vec![int(2)], 6),
        ("undiagonal_to", vec![dense(&[2050])], vec![int(0), int(0), int(1), shape(&[2050, 2050])], 3),
        ("undiagonal_to", vec![ones(f, &[N, 1])], vec![int(0), int(1), int(2), shape(&[N, 1, 1])], 6),
        ("roll_axis", vec![ones(f, &[N])], vec![int(3), int(0)], 3),
        ("pad_filled", vec![ones(f, &[N]), ones(f, &[])], vec![Widths([[3, 3]].into()).pack()], 6),
        ("iota", vec![], vec![int(N as i64)], 3),
        ("pad_places", vec![], vec![int(5), int(3), int(N as i64), T::PadMode::Wrap.pack()], 3),
        ("standard_uniform", vec![], vec![shape(&[N]), Attr::DType(DType::F32)], 3),
        ("standard_normal", vec![], vec![shape(&[N / 8]), Attr::DType(DType::F64)], 3),
    ]
}

fn zeros(dims: &[usize]) -> Repeated {
    Repeated(Array::from_slice(&[0f64], &[]).unwrap(), dims.to_vec())
}

/// Matrices with different numbers on the diagonal and 0 elsewhere.
fn diagonal(dims: &[usize]) -> Repeated {
    let n = dims[dims.len() - 1];
    let values: Vec<f64> = (0..n * n).map(|i| if i % (n + 1) == 0 { 1.0 + i as f64 } else { 0.0 }).collect();
    Repeated(Array::from_slice(&values, &[n, n]).unwrap(), dims.to_vec())
}

/// The first name that an attribute of a row can have.
fn first_choice(row: &str) -> Attr {
    let params = scirs2_autograd::internals::find(row).unwrap().params;
    let names = params.iter().find_map(|p| match p.kind {
        ParamKind::Attr(AttrKind::Choice(names)) => Some(names),
        _ => None,
    });
    Attr::Choice(Choice { names: names.unwrap(), index: 0 })
}

/// Long calls of rows of linear algebra: batches of matrices that share memory.
fn factorisations() -> Vec<Long> {
    const N: usize = 4 * RANGE;
    let (f, i) = (DType::F64, DType::I32);
    let (no, int) = (Attr::Bool(false), |n: i64| Attr::Int(n));
    let text = || Attr::Text("svd".into());
    let with_factors = |count: usize, n: usize| vec![identity(&[count, n, n]), ones(i, &[count, n]), identity(&[count, n, n])];
    let and = |mut list: Vec<Repeated>, more: Repeated| {
        list.push(more);
        list
    };
    vec![
        ("solve_triangular", vec![identity(&[1500, 1500]), ones(f, &[1500, 500])], vec![int(0), Attr::Bool(true), no.clone()], 2),
        ("solve_triangular", vec![identity(&[60, 300, 300]), ones(f, &[60, 300, 1])], vec![int(1), Attr::Bool(true), no.clone()], 1),
        ("cholesky_lower", vec![identity(&[30, 300, 300])], vec![], 10),
        ("cholesky_cotangent", vec![identity(&[30, 300, 300]), ones(f, &[30, 300, 300])], vec![], 10),
        ("small_solve", vec![identity(&[100_000, 8, 8]), ones(f, &[100_000, 8, 2])], vec![], 2),
        ("small_inv", vec![identity(&[100_000, 8, 8])], vec![], 2),
        ("small_det", vec![identity(&[100_000, 8, 8])], vec![], 2),
        ("lu_factor", vec![identity(&[30, 300, 300])], vec![], 10),
        // In groups of small ones.
        ("lu_factor", vec![identity(&[100_000, 8, 8])], vec![], 2),
        ("exchange_rows", vec![ones(f, &[64, 512, 256]), ones(i, &[64, 512])], vec![no.clone()], 3),
        ("lu_solved", and(with_factors(30, 300), ones(f, &[30, 300, 100])), vec![no.clone()], 10),
        ("lu_inverse", with_factors(30, 300), vec![], 10),
        ("det_from", with_factors(1_500_000, 2), vec![], 1),
        ("log_det_from", with_factors(400_000, 2), vec![], 1),
        ("cofactors", with_factors(30, 200), vec![], 4),
        ("cofactors_along", and(with_factors(30, 120), ones(f, &[30, 120, 120])), vec![], 4),
        ("qr_factors", vec![identity(&[30, 200, 200])], vec![no.clone()], 10),
        ("svd", vec![identity(&[30, 100, 100])], vec![no.clone(), int(2)], 10),
        ("eigh_symmetric", vec![identity(&[30, 150, 150])], vec![int(2)], 10),
        ("eig_parts", vec![identity(&[20, 60, 60])], vec![], 5),
        ("schur", vec![identity(&[20, 60, 60])], vec![], 2),
        ("commuted", vec![diagonal(&[20, 100, 100]), zeros(&[20, 100, 100])], vec![no.clone()], 2),
        ("solve_sylvester", vec![identity(&[20, 60, 60]), identity(&[20, 60, 60]), ones(f, &[20, 60, 60])], vec![], 2),
        ("matrix_function", vec![identity(&[20, 60, 60])], vec![first_choice("matrix_function")], 2),
        (
            "spectral_function",
            vec![ones(f, &[20, 80]), identity(&[20, 80, 80]), identity(&[20, 80, 80])],
            vec![first_choice("spectral_function")],
            2,
        ),
        ("banded_solved", vec![ones(f, &[1, N / 2]), ones(f, &[N / 2, 1])], vec![int(0), int(0), no.clone()], 1),
        (
            "cg_solved",
            vec![identity(&[600, 100, 100]), ones(f, &[600, 100, 1]), zeros(&[600, 100, 1]), zeros(&[]), zeros(&[])],
            vec![Attr::Axis(Some(50))],
            1,
        ),
        ("cluster_steps", vec![ones(f, &[N / 16, 16])], vec![no.clone()], 3),
        ("turned", vec![ones(f, &[2000, 64, 16]), ones(f, &[2000, 16])], vec![int(64), no.clone(), no.clone()], 3),
        ("equalised", vec![ones(f, &[N / 16, 16])], vec![int(16), no.clone()], 3),
        (
            "basis_free",
            vec![ones(f, &[N / 64, 8, 8]), zeros(&[N / 64, 8, 8]), ones(f, &[N / 64, 8])],
            vec![text(), first_choice("basis_free")],
            3,
        ),
        ("beyond_order", vec![ones(f, &[N])], vec![text(), int(1)], 3),
        ("real_spectrum", vec![ones(f, &[N / 8, 8]), zeros(&[N / 8, 8])], vec![text()], 3),
    ]
}

/// Long calls of windows that slide.
fn windows() -> Vec<Long> {
    let f = DType::F64;
    let (one, three) = (|| PerAxis::all(1).pack(), || PerAxis::all(3).pack());
    let (around, no) = (|| Widths([[1, 1]].into()).pack(), || Attr::Bool(false));
    let steps = || vec![one(), around(), one(), Attr::Int(1)];
    let pool = |kernel: Attr| vec![kernel, one(), around(), no()];
    let images = |channels: usize| ones(f, &[24, channels, 128, 128]);
    let filters = || ones(f, &[8, 8, 3, 3]);
    vec![
        ("convolve", vec![images(8), filters()], steps(), 3),
        ("convolve_input", vec![images(8), filters(), ones(f, &[128, 128])], steps(), 3),
        ("convolve_weight", vec![ones(f, &[64, 8, 128, 128]), ones(f, &[64, 8, 128, 128]), ones(f, &[3, 3])], steps(), 3),
        ("window_max", vec![images(32)], vec![three(), one(), around(), one(), no()], 3),
        ("window_sum", vec![images(32)], pool(three()), 3),
        ("window_spread", vec![images(32), ones(f, &[128, 128])], pool(three()), 3),
        ("window_counts", vec![ones(f, &[4 * RANGE])], vec![Attr::Int(0), Attr::Int(3), Attr::Int(1), around(), no(), no()], 3),
        ("patches", vec![images(32)], vec![three(), one(), around(), one()], 3),
        (
            "patches_added",
            vec![ones(f, &[24, 288, 16384]), ones(f, &[128, 128])],
            vec![PerAxis([3, 3].into()).pack(), one(), around(), one()],
            3,
        ),
    ]
}

/// Long sequences through recurrent networks, and checks of lengths.
fn sequences() -> Vec<Long> {
    let f = DType::F64;
    const N: usize = 64;
    let all = |gates: usize| ones(f, &[256, N, gates * N]);
    let w = |gates: usize| zeros(&[gates * N, N]);
    let first = || ones(f, &[N, N]);
    let states = |gates: usize| vec![all(gates), w(gates), ones(f, &[gates * N]), first()];
    let linear = || vec![all(2), all(1), all(1), w(2), all(1), all(1), all(1), all(1)];
    let counts = vec![Attr::Int(0), Attr::Int(5), Attr::Int(-1), Attr::Text("a length".into())];
    vec![
        ("rnn_states", states(1), vec![Attr::Bool(false)], 3),
        ("lstm_states", states(4).into_iter().chain([first()]).collect(), vec![], 3),
        ("gru_states", states(3), vec![], 3),
        ("cell_tangents", linear(), vec![Attr::Int(1)], 3),
        ("cell_cotangents", linear(), vec![Attr::Int(1)], 3),
        ("check_counts", vec![ones(DType::I64, &[4 * RANGE])], counts, 3),
    ]
}

fn operands<'g>(ctx: &'g Context, list: &[Repeated]) -> Vec<Arg<'g>> {
    let one = |Repeated(a, dims): &Repeated| T::broadcast_to(ctx.constant(a.clone()), dims.iter().map(|&n| n as i64).collect::<Vec<_>>());
    list.iter().map(|r| Arg::from(one(r))).collect()
}

#[test]
fn every_kernel_that_is_called_asks_between_its_ranges() {
    let mut all = long();
    all.extend(factorisations());
    all.extend(windows());
    all.extend(sequences());
    for def in TABLE.iter() {
        if let Body::Primitive(p) = &def.body
            && let Kernel::Call(_) = p.kernel
        {
            assert!(all.iter().any(|(name, ..)| *name == def.name), "{}: a row that calls a kernel needs a long call here", def.name);
        }
    }
    for (name, inputs, attrs, least) in all {
        let def = scirs2_autograd::internals::find(name).unwrap();
        // A draw is the same in two runs only of the same number.
        run(|ctx| {
            let out = apply_in(ctx, def, &operands(ctx, &inputs), &attrs).unwrap();
            if inputs.is_empty() {
                let (result, n) = asked(ctx, &out[..1], &[], &Feeder::new(), usize::MAX);
                assert!(result.is_ok() && n > least, "{name}: {n}");
                let (result, n) = asked(ctx, &out[..1], &[], &Feeder::new(), 2);
                assert_eq!((result.map(|_| ()).map_err(|e| e.kind()), n), (Err(ErrorKind::Interrupted), 2));
                return;
            }
            // A check hands its input on: the input is copied out beside it.
            let steps = if matches!(&def.body, Body::Primitive(p) if matches!(p.kernel, Kernel::Check(_))) { 3 } else { 1 };
            check(name, ctx, &out, &Feeder::new(), steps, least);
        });
    }
}

#[test]
fn reductions_copies_and_programs_ask_too() {
    type Build = for<'g> fn(&'g Context, &dyn Fn(&[usize]) -> Tensor<'g>) -> Tensor<'g>;
    const N: usize = 4 * RANGE;
    fn axes(list: &[i64]) -> Vec<i64> {
        list.to_vec()
    }
    // Whether it is a program of tiles, and how many ranges it is at least.
    let cases: [(&str, Build, bool, usize); 9] = [
        ("sum over the axis in the middle", |_, ones| T::reduce_sum(ones(&[8, 64, N / 512]), axes(&[1]), false), false, 3),
        ("sum over two groups of axes", |_, ones| T::reduce_sum(ones(&[N / 512, 64, 8]), axes(&[0, 2]), false), false, 3),
        ("largest over the middle of few", |_, ones| T::reduce_max(ones(&[2, 3, N / 6]), axes(&[1]), false), false, 3),
        ("a view that leaves the plan", |_, ones| T::transpose(ones(&[2048, 2048]), axes(&[1, 0])), false, 3),
        ("sum of one long row", |_, ones| T::reduce_sum(ones(&[N]), (), false), true, 3),
        ("sum of two long rows", |_, ones| T::reduce_sum(ones(&[2, N / 2]), axes(&[1]), false), true, 3),
        ("sum over a long leading axis", |_, ones| T::reduce_sum(ones(&[N / 2, 2]), axes(&[0]), false), true, 3),
        ("softmax of long rows", |_, ones| T::softmax(ones(&[2, N / 2]), -1), true, 3),
        ("elementwise", |_, ones| T::exp(ones(&[N])), true, 3),
    ];
    for (name, build, tile, least) in cases {
        run(|ctx| {
            let one = ctx.constant(Array::from_slice(&[1f64], &[]).unwrap());
            let y = build(ctx, &|dims| T::broadcast_to(one, dims.iter().map(|&n| n as i64).collect::<Vec<_>>()));
            let plan = prepare(ctx, &[y], &[], &Feeder::new()).unwrap().plan().unwrap();
            assert_eq!(matches!(plan.steps[0].work, Work::Tile(_)), tile, "{name}: {}", plan.explain());
            check(name, ctx, &[y], &Feeder::new(), 1, least);
        });
    }
}

#[test]
fn a_hooks_copy_asks() {
    run(|ctx| {
        let x = ctx.constant(dense(&[4 * RANGE]).0);
        let y = x.raw_hook(|_| {});
        check("hook", ctx, &[y], &Feeder::new(), 1, 3);
    });
}

#[test]
fn feeds_that_must_be_converted_ask() {
    const N: usize = 4 * RANGE;
    let wide = ndarray::Array1::from_elem(2 * N, 1.5f64);
    let (narrow, long) = (ndarray::Array1::from_elem(N, 1.5f32), ndarray::Array1::from_elem(N, 7i64));
    run(|ctx| {
        let x = ctx.placeholder_of("x", &[-1], DType::F64);
        let k = ctx.placeholder_of("k", &[-1], DType::I32);
        let gaps = Feeder::new().push(x, wide.slice(ndarray::s![..;2]));
        let cast = Feeder::new().push(x, narrow.view());
        let ints = Feeder::new().push(k, long.view());
        for (name, y, feeder, expected) in [("gaps", x, gaps, 1.5), ("cast", x, cast, 1.5), ("integers", k, ints, 7.0)] {
            // A program over one element: the questions are the feed's.
            let y = T::strided_slice(y, Slices([Slice { start: Some(-1), stop: None, step: 1 }].into())) * 1;
            let (out, n) = asked(ctx, &[y], &[], &feeder, usize::MAX);
            assert_eq!(out.unwrap()[0].item().unwrap(), expected, "{name}");
            assert!(n > 3, "{name}: {n}");
            let (out, n) = asked(ctx, &[y], &[], &feeder, 2);
            assert_eq!((out.map(|_| ()).map_err(|e| e.kind()), n), (Err(ErrorKind::Interrupted), 2), "{name}");
        }
    });
}

#[test]
fn an_interrupted_run_changes_nothing_and_one_that_writes_is_not_asked() {
    let env = VariableEnvironment::new();
    let lengths = [("a", 2 * RANGE), ("b", 2 * RANGE), ("c", 5)];
    let ids = lengths.map(|(name, n)| env.name(name).set(ndarray::Array1::from_elem(n, 1.0)));
    env.run(|ctx| {
        let [a, b, c] = ["a", "b", "c"].map(|name| ctx.variable(name));
        // Long kernels that come before all writes, as one may fail, and a branch with a long body after the first write.
        let sum = T::reduce_sum(T::check_finite(T::concat(&[a, b], 0)), (), false);
        let branch = T::cond(T::greater(sum, 0.0), || T::concat(&[b, a], 0), || T::concat(&[a, b], 0));
        let half = T::strided_slice(branch, Slices([span(None, 2)].into()));
        let writes = [T::assign(b, half + 1.0), T::assign(a, a + 1.0), T::assign(c, c + 1.0)];
        let plan = prepare(ctx, &[sum], &writes, &Feeder::new()).unwrap().plan().unwrap();
        let branches = plan.steps.iter().position(|s| matches!(s.work, Work::Region(..))).unwrap();
        assert!(branches >= plan.first_write, "{}", plan.explain());
        let (out, n) = asked(ctx, &[sum], &writes, &Feeder::new(), usize::MAX);
        assert_eq!(out.unwrap()[0].item().unwrap(), 4.0 * RANGE as f64);
        let value = |i: usize| env.get(ids[i]).unwrap().as_slice::<f64>().unwrap().to_vec();
        let before = [0, 1, 2].map(value);
        assert!(n > 4 && before.iter().all(|v| v[0] == 2.0), "{n}");
        for stop in 1..=n {
            let (out, _) = asked(ctx, &[sum], &writes, &Feeder::new(), stop);
            assert_eq!(out.map(|_| ()).map_err(|e| e.kind()), Err(ErrorKind::Interrupted), "{stop} of {n}");
            assert!([0, 1, 2].map(value) == before, "{stop} of {n}");
        }
    });
}
