//! The numbers that the profiler of checkpointing gives, against what plans say and what runs take.

use std::sync::Barrier;

use parking_lot::Mutex;
use scirs2_autograd::checkpoint::{CheckpointProfiler, CheckpointStatistics, Policy};
use scirs2_autograd::internals::{take_peak, usage};
use scirs2_autograd::{Context, Evaluator, Plan, Tensor, TracedPlan, VariableEnvironment, run, set_num_threads, tensor_ops as T};

/// Runs and memory are counted for the process: one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

const N: usize = 64;
/// Bytes of a layer's value, and of its product before it.
const BYTES: usize = N * N * 8;
const LAYERS: usize = 8;

fn square(ctx: &Context) -> Tensor<'_> {
    ctx.placeholder("x", &[N as isize, N as isize])
}

fn data() -> ndarray::Array2<f64> {
    ndarray::Array2::from_shape_fn((N, N), |(i, j)| ((i * 7 + j * 3) % 11) as f64 / 200.0)
}

/// The gradient of the sum of a chain of layers with regard to `x`, which is their input and their weights; if asked, every
/// other layer is marked.
fn gradient(x: Tensor<'_>, marked: bool) -> Tensor<'_> {
    let mark = |k: usize, h| if marked && k.is_multiple_of(2) { T::checkpoint(h) } else { h };
    let deep = (0..LAYERS).fold(x, |h, k| mark(k, plain(h, x)));
    T::grad(&[T::sum_all(deep)], &[x])[0]
}

fn plain<'a>(h: Tensor<'a>, x: Tensor<'a>) -> Tensor<'a> {
    T::tanh(T::matmul(h, x))
}

/// Runs a request, and says what the memory of arrays and arenas was at its highest during it.
fn measured(ask: Evaluator<'_, '_>) -> usize {
    let before = usage().0;
    take_peak();
    let out = ask.run();
    assert!(out.iter().all(|r| r.is_ok()));
    take_peak() - before
}

#[test]
fn all_numbers_are_zero_before_the_first_run_and_after_a_reset() {
    let _alone = ALONE.lock();
    let zero = CheckpointStatistics::default();
    let tracker = CheckpointProfiler::of(&VariableEnvironment::new());
    CheckpointProfiler::reset_statistics();
    assert_eq!((CheckpointProfiler::statistics(), tracker.statistics()), (zero, zero));
    assert_eq!((CheckpointProfiler::memory_saved(), CheckpointProfiler::checkpoint_count()), (0, 0));
    assert_eq!((CheckpointProfiler::peak_bytes(), CheckpointProfiler::peak_bytes_without()), (0, 0));
    assert_eq!(CheckpointProfiler::recomputed_flops(), 0.0);
    assert!(CheckpointProfiler::report().starts_with("checkpointing: 0 runs of 0 plans\n"));
    CheckpointProfiler::start_tracking();
    run(|ctx| T::exp(ctx.ones([1000])).eval(ctx)).unwrap();
    CheckpointProfiler::stop_tracking();
    assert!(CheckpointProfiler::peak_bytes() >= 8000);
    CheckpointProfiler::reset_statistics();
    assert_eq!(CheckpointProfiler::statistics(), zero);
}

#[test]
fn a_chain_has_the_numbers_of_its_plan() {
    let _alone = ALONE.lock();
    set_num_threads(1).unwrap();
    let feed = data();
    run(|ctx| {
        let x = square(ctx);
        let g = gradient(x, true);
        let ask = || ctx.evaluator().push(g).feed(x, feed.view());
        let plan = ask().plan().unwrap();
        let again = &plan.recomputation;
        // Of a marked layer the value, what it is computed by, and its product are computed again.
        assert_eq!((again.values, again.bytes), (LAYERS / 2 * 3, LAYERS / 2 * 3 * BYTES));
        let product = 2.0 * (N * N * N) as f64;
        assert_eq!(again.flops, (LAYERS / 2) as f64 * (product + (2 * N * N) as f64));

        let tracker = CheckpointProfiler::of(ctx.env());
        let peak = (0..3).map(|_| measured(ask())).max().unwrap();
        let s = tracker.statistics();
        assert_eq!((s.runs, s.checkpoint_count), (3, 3 * again.values));
        assert_eq!(s.recomputed_flops, 3.0 * again.flops);
        assert_eq!((s.peak_bytes, s.peak_bytes_without), (plan.peak_bytes(), again.peak_without));
        assert_eq!(s.memory_saved, again.peak_without - plan.peak_bytes());
        assert!(s.memory_saved > 2 * BYTES, "{s:?}");
        // What the blocks took.
        assert!(s.peak_bytes.abs_diff(peak) * 100 <= peak, "{} {peak}", s.peak_bytes);
        assert_eq!((tracker.memory_saved(), tracker.checkpoint_count()), (s.memory_saved, s.checkpoint_count));
        assert_eq!((tracker.peak_bytes(), tracker.peak_bytes_without()), (s.peak_bytes, s.peak_bytes_without));
        assert_eq!(tracker.recomputed_flops(), s.recomputed_flops);
    });
}

#[test]
fn a_run_that_computes_nothing_again_saves_nothing() {
    let _alone = ALONE.lock();
    let feed = data();
    run(|ctx| {
        let x = square(ctx);
        let tracker = CheckpointProfiler::of(ctx.env());
        let ask = || ctx.evaluator().push(gradient(x, false)).feed(x, feed.view());
        ask().run().remove(0).unwrap();
        let s = tracker.statistics();
        let peak = ask().plan().unwrap().peak_bytes();
        assert_eq!(s, CheckpointStatistics { runs: 1, peak_bytes: peak, peak_bytes_without: peak, ..Default::default() });
        assert!(tracker.report().contains("computed again: nothing"));
    });
}

#[test]
fn two_threads_with_two_environments_do_not_disturb_each_other() {
    let _alone = ALONE.lock();
    CheckpointProfiler::reset_statistics();
    CheckpointProfiler::start_tracking();
    let begin = Barrier::new(2);
    let feed = data();
    let both: Vec<CheckpointStatistics> = std::thread::scope(|scope| {
        let work = |runs: usize, marked: bool| {
            let (begin, feed) = (&begin, &feed);
            scope.spawn(move || {
                run(|ctx| {
                    let x = square(ctx);
                    let g = gradient(x, marked);
                    let tracker = CheckpointProfiler::of(ctx.env());
                    begin.wait();
                    for _ in 0..runs {
                        ctx.evaluator().push(g).feed(x, feed.view()).run().remove(0).unwrap();
                    }
                    let s = tracker.statistics();
                    let r = &ctx.evaluator().push(g).feed(x, feed.view()).plan().unwrap();
                    assert_eq!((s.runs, s.checkpoint_count), (runs, runs * r.recomputation.values));
                    assert_eq!(s.peak_bytes, r.peak_bytes());
                    s
                })
            })
        };
        let threads = [work(20, true), work(30, false)];
        threads.map(|t| t.join().unwrap()).into()
    });
    CheckpointProfiler::stop_tracking();
    let [a, b] = both[..] else { panic!("two threads") };
    let all = CheckpointProfiler::statistics();
    assert!(a.checkpoint_count > 0 && b.checkpoint_count == 0);
    assert_eq!((all.runs, all.checkpoint_count), (50, a.checkpoint_count + b.checkpoint_count));
    assert_eq!(all.recomputed_flops, a.recomputed_flops + b.recomputed_flops);
    assert_eq!((all.peak_bytes, all.memory_saved), (a.peak_bytes.max(b.peak_bytes), a.memory_saved.max(b.memory_saved)));
}

#[test]
fn an_environment_counts_its_own_runs_while_it_is_tracked() {
    let _alone = ALONE.lock();
    let (one, other) = (VariableEnvironment::new(), VariableEnvironment::new());
    let exp = |env: &VariableEnvironment| env.run(|ctx| T::exp(ctx.ones([1000])).eval(ctx)).unwrap();
    let tracker = CheckpointProfiler::of(&one);
    let second = CheckpointProfiler::of(&one);
    let runs = || (tracker.statistics().runs, second.statistics().runs);
    exp(&one);
    exp(&other);
    assert_eq!(runs(), (1, 1));
    tracker.stop_tracking();
    exp(&one);
    assert_eq!(runs(), (1, 2));
    tracker.start_tracking();
    tracker.start_tracking();
    exp(&one);
    assert_eq!(runs(), (2, 3));
    second.reset_statistics();
    exp(&one);
    assert_eq!(runs(), (3, 1));
}

#[test]
fn a_run_that_fails_is_not_counted() {
    let _alone = ALONE.lock();
    run(|ctx| {
        let tracker = CheckpointProfiler::of(ctx.env());
        let x = ctx.placeholder("x", &[2]);
        let y = T::check_finite(T::log(x));
        let value = |a: f64| ctx.evaluator().push(y).feed(x, ndarray::arr1(&[1.0, a]).view()).run().remove(0);
        assert!(value(-1.0).is_err());
        assert_eq!(tracker.statistics(), CheckpointStatistics::default());
        assert!(value(2.0).is_ok() && value(-1.0).is_err());
        assert_eq!(tracker.statistics().runs, 1);
    });
}

#[test]
fn a_run_of_the_profile_of_times_is_counted() {
    let _alone = ALONE.lock();
    let feed = data();
    run(|ctx| {
        let x = square(ctx);
        let g = gradient(x, true);
        let tracker = CheckpointProfiler::of(ctx.env());
        let times = ctx.evaluator().push(g).feed(x, feed.view()).profile(4).unwrap();
        assert_eq!((times.runs, tracker.statistics().runs), (4, 4));
        assert!(times.steps.iter().all(|s| !s.time.is_zero()));
    });
}

#[test]
fn a_report_says_what_is_kept_and_why_and_what_is_computed_again() {
    let _alone = ALONE.lock();
    let feed = data();
    run(|ctx| {
        let x = square(ctx);
        let g = gradient(x, true);
        let tracker = CheckpointProfiler::of(ctx.env());
        let ask = || ctx.evaluator().push(g).feed(x, feed.view());
        (0..2).for_each(|_| drop(ask().run().remove(0).unwrap()));
        ask().checkpoint(Policy::nothing()).run().remove(0).unwrap();
        let text = tracker.report();
        println!("{text}");
        let plan = ask().plan().unwrap();
        assert!(text.starts_with("checkpointing: 3 runs of 2 plans\n"), "{text}");
        let planned = plan.peak_bytes();
        let peaks = format!("peak: planned {planned} bytes, measured {planned} bytes (+0.00 %); without recomputation ");
        assert!(text.contains(&peaks), "{text}");
        assert!(text.contains("plan 1: 2 runs of ") && text.contains("plan 2: 1 run of "), "{text}");
        assert!(text.contains(", as marked") && text.contains(", by nothing()"), "{text}");
        assert!(text.contains("(not marked)") && text.contains("ms a run"), "{text}");
        assert!(text.contains(" x tanh_with      ") && text.contains("checkpoint_profiler.rs:"), "{text}");

        let sum = |list: Vec<scirs2_autograd::checkpoint::LineOfValues>| list.iter().fold((0, 0), |(n, b), l| (n + l.values, b + l.bytes));
        let again = &plan.recomputation;
        assert_eq!(sum(plan.recomputed_values()), (again.values, again.bytes));
        let kept = plan.kept_values();
        assert!(kept.iter().all(|l| l.why == "not marked" && l.line.contains("checkpoint_profiler.rs:")), "{kept:?}");
        let (values, bytes) = sum(kept);
        // What the gradient of tanh reads, and what marked layers start from, of the layers that are not marked; the last is read
        // at once.
        assert_eq!((values, bytes), (2 * (LAYERS / 2 - 1), values * BYTES));
    });
}

#[test]
fn what_is_kept_has_its_reason() {
    let _alone = ALONE.lock();
    let feed = data();
    run(|ctx| {
        let x = square(ctx);
        let group = T::CheckpointGroup::new(ctx);
        let deep = (0..3).fold(x, |h, _| group.checkpoint_fn_flex(&[h, x], |v| plain(plain(v[0], v[1]), v[1])));
        let g = T::grad(&[T::sum_all(deep)], &[x])[0];
        let reasons = |plan: TracedPlan| plan.kept_values().into_iter().map(|l| l.why).collect::<Vec<_>>();
        let ask = || ctx.evaluator().push(g).feed(x, feed.view());
        assert!(reasons(ask().plan().unwrap()).iter().all(|w| w.starts_with("returned by a checkpointed function")));
        let everything = ask().checkpoint(Policy::everything()).plan().unwrap();
        assert!(!reasons(everything).is_empty());
        let y = gradient(x, false);
        let some = |p| reasons(ctx.evaluator().push(y).feed(x, feed.view()).checkpoint(p).plan().unwrap());
        assert!(some(Policy::segments(Some(3))).iter().all(|w| *w == "chosen to be kept"));
        assert!(some(Policy::everything()).iter().all(|w| *w == "a gradient reads it"));
    });
}

#[test]
fn a_tracker_holds_a_bounded_number_of_plans() {
    let _alone = ALONE.lock();
    run(|ctx| {
        let tracker = CheckpointProfiler::of(ctx.env());
        for n in 1..=70i64 {
            T::exp(ctx.ones([n])).eval(ctx).unwrap();
        }
        let text = tracker.report();
        assert!(text.starts_with("checkpointing: 70 runs of 64 plans\n"), "{text}");
        assert!(text.ends_with("and 6 runs of further plans, which are not listed\n"), "{text}");
        assert!(tracker.peak_bytes() >= 70 * 8);
    });
}

/// The most that a timeline holds, against the peak of the plan.
fn check(plan: &TracedPlan) {
    let steps = plan.memory_timeline();
    assert_eq!(steps.len(), plan.steps.len());
    let most = steps.iter().map(|s| s.bytes()).max().unwrap_or(0);
    let unused = plan.peak_bytes() - most;
    assert!(unused * 20 <= plan.peak_bytes(), "{unused} of {} bytes are unused", plan.peak_bytes());
    assert!(steps.iter().all(|s| s.live_bytes <= plan.arena_bytes && s.recomputed_bytes <= s.live_bytes));
    assert!(steps.iter().all(|s| s.output_bytes == plan.output_bytes()));
    assert!(steps.windows(2).all(|w| w[0].segment <= w[1].segment));
    assert_eq!((*plan).memory_timeline().len(), Plan::memory_timeline(plan).len());
    assert!(Plan::memory_timeline(plan).iter().all(|s| s.lines.is_empty()));
}

#[test]
fn the_timeline_reaches_the_peak() {
    let _alone = ALONE.lock();
    let feed = data();
    run(|ctx| {
        let x = square(ctx);
        let g = gradient(x, false);
        let ask = |p| ctx.evaluator().push(g).feed(x, feed.view()).checkpoint(p).plan().unwrap();
        let (all, few) = (ask(Policy::everything()), ask(Policy::segments(None)));
        check(&all);
        check(&few);
        assert!(all.memory_timeline().iter().all(|s| s.recomputed_bytes == 0 && !s.recomputes && s.segment == 0));
        let steps = few.memory_timeline();
        assert!(steps.iter().any(|s| s.recomputed_bytes >= BYTES && s.segment > 0));
        assert!(steps.iter().any(|s| s.recomputes));
        // Before the first value is computed again nothing that was is held.
        assert!(steps.iter().take_while(|s| !s.recomputes).all(|s| s.recomputed_bytes == 0));
        assert!(steps.iter().all(|s| !s.lines.is_empty() && s.lines[0].contains("checkpoint_profiler.rs:")));
        // What was computed again goes when it has been read.
        assert!(steps.windows(2).any(|w| w[1].recomputed_bytes < w[0].recomputed_bytes));
        assert!(steps.last().unwrap().recomputed_bytes <= BYTES);
    });
}
