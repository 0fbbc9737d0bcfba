//! Threads: one graph is built and run by several at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use ndarray::Dimension;
use scirs2_autograd::internals::{Team, prepare};
use scirs2_autograd::{
    Array, Context, DType, ErrorKind, Feeder, Tensor, VariableEnvironment, num_threads, run, set_num_threads, tensor_ops as T,
};

fn program<'g>(x: Tensor<'g>, k: usize) -> Tensor<'g> {
    let mut y = x;
    for i in 0..200 {
        y = T::tanh(y * (1.0 + ((i * k) % 17) as f64 * 0.01) + x);
    }
    T::reduce_sum(y * y, (), false)
}

fn value(ctx: &Context, k: usize, a: &ndarray::Array1<f64>) -> Vec<Array> {
    let x = ctx.placeholder("x", &[-1]);
    let y = program(x, k);
    let g = T::grad(&[y], &[x])[0];
    ctx.evaluator().push(y).push(g).feed(x, a.view()).run().into_iter().map(|r| r.unwrap()).collect()
}

#[test]
fn two_threads_build_in_one_graph_and_run_one_plan() {
    let a = ndarray::Array1::from_shape_fn(1000, |i| (i as f64 * 0.37).sin());
    let expected: Vec<Vec<Array>> = (0..8).map(|k| run(|ctx| value(ctx, k, &a))).collect();
    run(|ctx| {
        std::thread::scope(|s| {
            for shift in 0..4 {
                let (a, expected) = (&a, &expected);
                s.spawn(move || {
                    for round in 0..10 {
                        for k in 0..8 {
                            let k = (k + shift + round) % 8;
                            assert_eq!(value(ctx, k, a), expected[k]);
                        }
                    }
                });
            }
        });
        // Interned: the threads made the same nodes.
        let nodes = ctx.len();
        (0..8).for_each(|k| _ = value(ctx, k, &a));
        assert_eq!(ctx.len(), nodes);
    });
}

#[test]
fn readers_see_whole_steps_of_a_writer() {
    let env = VariableEnvironment::new();
    let ids = [env.name("a").set(ndarray::arr1(&[0.0; 3000])), env.name("b").set(ndarray::arr1(&[0.0; 3000]))];
    std::thread::scope(|s| {
        let writer = env.clone();
        s.spawn(move || {
            writer.run(|ctx| {
                let (a, b) = (ctx.variable("a"), ctx.variable("b"));
                for _ in 0..300 {
                    let [r] = &ctx.evaluator().push(a).write(T::assign(a, a + 1.0)).write(T::assign(b, b + 1.0)).run()[..] else {
                        panic!()
                    };
                    r.as_ref().unwrap();
                }
            });
        });
        for _ in 0..2 {
            let reader = env.clone();
            s.spawn(move || {
                reader.run(|ctx| {
                    let (a, b) = (ctx.variable("a"), ctx.variable("b"));
                    let spread = T::reduce_max(T::abs(a - b), (), false);
                    let inner = T::reduce_max(a, (), false) - T::reduce_min(a, (), false);
                    for _ in 0..300 {
                        let out = ctx.evaluator().push(spread).push(inner).run();
                        out.iter().for_each(|r| assert_eq!(r.as_ref().unwrap().item().unwrap(), 0.0));
                    }
                });
            });
        }
    });
    ids.iter().for_each(|&id| assert!(env.get(id).unwrap().as_slice::<f64>().unwrap().iter().all(|x| *x == 300.0)));
}

#[test]
fn a_hook_may_run_another_request() {
    let env = VariableEnvironment::new();
    env.name("w").set(ndarray::arr0(3.0));
    let seen = Arc::new(AtomicUsize::new(0));
    let (inside, count) = (env.clone(), seen.clone());
    let out = env.run(|ctx| {
        let w = ctx.variable("w");
        let y = (w * 2.0).raw_hook(move |a| {
            let nested = inside.run(|ctx| (ctx.variable("w") * a.item().unwrap()).eval(ctx)).unwrap();
            assert_eq!(nested.item().unwrap(), 18.0);
            count.fetch_add(1, Relaxed);
        });
        (y + 1.0).eval(ctx).unwrap()
    });
    assert_eq!((out.item().unwrap(), seen.load(Relaxed)), (7.0, 1));
}

#[test]
fn a_nested_write_is_an_error_and_changes_nothing() {
    let env = VariableEnvironment::new();
    let id = env.name("w").set(ndarray::arr0(3.0));
    let inside = env.clone();
    let out = env.run(|ctx| {
        let w = ctx.variable("w");
        let y = (w * 2.0).raw_hook(move |_| {
            let nested = inside.run(|ctx| {
                let w = ctx.variable("w");
                T::assign(w, w + 1.0).eval(ctx)
            });
            assert!(nested.unwrap_err().to_string().contains("a run on this thread uses these variables"));
        });
        T::assign(w, y).eval(ctx)
    });
    assert_eq!(out.unwrap().item().unwrap(), 6.0);
    assert_eq!(env.get(id).unwrap().item().unwrap(), 6.0);
}

/// A team of the process's pool. Another run may have it just now, and another test may have set another number of threads.
fn team() -> Team {
    loop {
        set_num_threads(4).unwrap();
        match Team::join(3) {
            Some(team) if team.size() == 3 => return team,
            _ => std::thread::yield_now(),
        }
    }
}

/// Numbers that are written without atomics.
struct Plain([std::cell::UnsafeCell<usize>; 200]);
// SAFETY: each is touched by one part, or by the thread that waits for all of them.
unsafe impl Sync for Plain {}

#[test]
fn parts_see_what_was_written_and_the_caller_what_they_wrote() {
    let plain = Plain([0; 200].map(Into::into));
    let mut team = team();
    assert_eq!(team.size(), 3);
    for round in 0..300 {
        let parts = round % 100;
        for i in 0..parts {
            // SAFETY: as above.
            unsafe { *plain.0[i].get() = round + i };
        }
        let plain = &plain;
        // SAFETY: as above.
        assert!(team.each(parts, &|_, i| unsafe { *plain.0[i + 100].get() = *plain.0[i].get() }));
        for i in 0..parts {
            // SAFETY: as above.
            assert_eq!(unsafe { *plain.0[i + 100].get() }, round + i);
        }
    }
}

#[test]
fn runs_take_the_workers_in_turn() {
    let first = team();
    assert!(Team::join(2).is_none());
    std::thread::scope(|s| assert!(s.spawn(|| Team::join(2).is_none()).join().unwrap()));
    // What is set now is for the next one.
    set_num_threads(1).unwrap();
    assert_eq!((first.size(), num_threads()), (3, 1));
    drop(first);
    assert!(Team::join(3).is_none());
    assert_eq!(team().size(), 3);
    std::thread::scope(|s| {
        for _ in 0..4 {
            s.spawn(|| {
                for parts in 0..50 {
                    let done = AtomicUsize::new(0);
                    assert!(team().each(parts, &|_, _| _ = done.fetch_add(1, Relaxed)));
                    assert_eq!(done.load(Relaxed), parts);
                }
            });
        }
    });
}

/// A step that several threads share.
fn wide<'g>(x: Tensor<'g>) -> Tensor<'g> {
    (0..10).fold(x, |y, k| T::tanh(y * (1.0 + f64::from(k) * 0.01) + x))
}

#[test]
fn a_run_on_several_threads_ends_when_it_is_told_to() {
    set_num_threads(4).unwrap();
    let a = ndarray::Array1::from_elem(1 << 21, 0.3);
    run(|ctx| {
        let x = ctx.placeholder("x", &[-1]);
        let prepared = prepare(ctx, &[wide(x)], &[], &Feeder::new().push(x, a.view())).unwrap();
        let asked = AtomicUsize::new(0);
        let proceed = || asked.fetch_add(1, Relaxed) < 2;
        let ended = prepared.run(Some(&proceed)).map(|_| ()).map_err(|e| e.kind());
        assert_eq!(ended, Err(ErrorKind::Interrupted));
        // It goes on as if nothing had been, if it is let.
        let again = prepared.run(None).unwrap().outputs;
        set_num_threads(1).unwrap();
        assert_eq!(again, prepared.run(None).unwrap().outputs);
    });
}

#[test]
fn hooks_run_on_the_thread_that_calls() {
    set_num_threads(4).unwrap();
    let a = ndarray::Array1::from_elem(1 << 18, 0.3);
    let (caller, seen) = (std::thread::current().id(), Arc::new(AtomicUsize::new(0)));
    let count = seen.clone();
    run(|ctx| {
        let x = ctx.placeholder("x", &[-1]);
        let y = wide(x).raw_hook(move |_| {
            assert_eq!(std::thread::current().id(), caller);
            count.fetch_add(1, Relaxed);
        });
        ctx.evaluator().push(wide(y)).feed(x, a.view()).run()[0].clone().unwrap();
    });
    assert_eq!(seen.load(Relaxed), 1);
}

/// Threads take rows or columns of a product, and each must be summed as in the whole, whatever way the lengths and layouts choose.
#[test]
fn products_have_the_same_bits_on_any_number_of_threads() {
    const LENGTHS: [[isize; 3]; 15] = [
        [1, 70_000, 1],
        [300, 1100, 280],
        [16, 3000, 200],
        [1, 2000, 700],
        [700, 2000, 1],
        [2, 900, 650],
        [65, 300, 700],
        [700, 300, 65],
        [650, 513, 640],
        [64, 1300, 1000],
        [1300, 64, 321],
        [8, 512, 4096],
        [4096, 512, 8],
        [3000, 3, 300],
        [400, 1, 2000],
    ];
    let values = |n: isize| (0..n).map(|i| (i as f64 * 0.7311).sin()).collect::<Vec<_>>();
    for ([m, k, n], dtype) in LENGTHS.into_iter().flat_map(|l| [(l, DType::F32), (l, DType::F64)]) {
        run(|ctx| {
            let (a, b) = (ctx.placeholder("a", &[-1]), ctx.placeholder("b", &[-1]));
            let [a, b] = [a, b].map(|t| T::cast(t, dtype));
            let shaped = |t, p: isize, q: isize| {
                let (p, q) = (p as i64, q as i64);
                [T::reshape(t, [p, q]), T::transpose(T::reshape(t, [q, p]), [1, 0])]
            };
            let pairs = shaped(a, m, k).into_iter().flat_map(|a| shaped(b, k, n).map(|b| T::matmul(a, b)));
            let products: Vec<Tensor<'_>> = pairs.collect();
            let (va, vb) = (ndarray::Array1::from(values(m * k)), ndarray::Array1::from(values(k * n)));
            let feeder = Feeder::new().push("a", va.view()).push("b", vb.view());
            let request = ctx.evaluator().extend(&products).set_feeder(feeder);
            let plan = request.plan().unwrap();
            assert!(plan.wide, "{m} {k} {n}: {}", plan.explain());
            let out = |threads: usize| {
                set_num_threads(threads).unwrap();
                let feeder = Feeder::new().push("a", va.view()).push("b", vb.view());
                let made = prepare(ctx, &products, &[], &feeder).unwrap().run(None).unwrap().outputs;
                // SAFETY: an array's elements are plain numbers.
                made.iter().map(|a| unsafe { std::slice::from_raw_parts(a.ptr(), a.bytes()).to_vec() }).collect::<Vec<_>>()
            };
            let one = out(1);
            for threads in [2, 3, 7] {
                assert!(out(threads) == one, "{m} x {k} x {n}, {dtype}, {threads} threads");
            }
        });
    }
}

/// Threads take products of a batch, or share each; a product of a batch has the bits that it has alone.
#[test]
fn products_of_a_batch_have_the_same_bits_on_any_number_of_threads_and_alone() {
    for [count, m, k, n] in [[40, 60, 50, 70], [9, 30, 300, 2], [3, 200, 600, 210], [30, 1, 90, 40]] {
        run(|ctx| {
            let numbers = |dims: &[usize]| {
                ndarray::ArrayD::from_shape_fn(dims, |i: ndarray::IxDyn| (i.as_array_view().iter().fold(7, |s, i| s * 31 + i) as f64).sin())
            };
            let (a, b) = (numbers(&[count, m, k]), numbers(&[count, k, n]));
            let (x, y) = (ctx.placeholder("a", &[-1, m as isize, k as isize]), ctx.placeholder("b", &[-1, k as isize, n as isize]));
            // The second matrices of all are one: they are rows of one product.
            let products = [T::matmul(x, y), T::matmul(x, T::slice(y, [0, 0, 0], [1, k as i64, n as i64]))];
            let out = |threads: usize, a: &ndarray::ArrayD<f64>, b: &ndarray::ArrayD<f64>| -> Vec<Vec<f64>> {
                set_num_threads(threads).unwrap();
                let made = ctx.evaluator().extend(&products).feed(x, a.view()).feed(y, b.view()).run();
                made.into_iter().map(|r| r.unwrap().as_slice::<f64>().unwrap().to_vec()).collect()
            };
            let one = out(1, &a, &b);
            for threads in [2, 3, 7] {
                assert!(out(threads, &a, &b) == one, "{count} of {m} x {k} x {n}, {threads} threads");
            }
            let first = |x: &ndarray::ArrayD<f64>| x.slice_axis(ndarray::Axis(0), (0..1).into()).to_owned();
            let alone = out(2, &first(&a), &first(&b));
            assert!(alone.iter().zip(&one).all(|(x, y)| x[..] == y[..m * n]), "{count} of {m} x {k} x {n}, alone");
        });
    }
}
