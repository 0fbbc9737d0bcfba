//! What planning costs, counted in bytes that are allocated: in proportion to the request, however it is made up; and what
//! plans hold, which the cache of plans bounds.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use parking_lot::{Mutex, MutexGuard};
use scirs2_autograd::internals::{LIMIT, PLANS, STEP, Ty, Walk, clear, compilations};
use scirs2_autograd::{Context, Tensor, VariableEnvironment, memory_stats, run, set_plan_cache_bytes, tensor_ops as T, trim};

/// The system's allocator, which adds about 16 bytes to a block.
struct Counting;

thread_local! {
    /// Of this thread: bytes that are allocated now, the most at once, and all that were ever allocated.
    static COUNTS: Cell<[isize; 3]> = const { Cell::new([0; 3]) };
}

fn counted(bytes: isize) {
    let _ = COUNTS.try_with(|c| {
        let [now, most, total] = c.get();
        c.set([now + bytes, most.max(now + bytes), total + bytes.max(0)]);
    });
}

// SAFETY: the system's allocator, counted.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        counted(layout.size() as isize + 16);
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, p: *mut u8, layout: Layout) {
        counted(-(layout.size() as isize) - 16);
        unsafe { System.dealloc(p, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Bytes that `f` allocated at its peak, and in all.
fn taken<R>(f: impl FnOnce() -> R) -> (usize, usize, R) {
    let [now, _, total] = COUNTS.get();
    COUNTS.set([now, now, total]);
    let out = f();
    let [_, most, all] = COUNTS.get();
    ((most - now) as usize, (all - total) as usize, out)
}

/// The cache belongs to the process: one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    let guard = ALONE.lock();
    set_plan_cache_bytes(LIMIT);
    trim();
    guard
}

/// A request of about `n` nodes: a function of `x`, which is 8 numbers.
type Make = for<'g> fn(&'g Context, Tensor<'g>, usize) -> Tensor<'g>;

fn nested<'g>(x: Tensor<'g>, depth: usize) -> Tensor<'g> {
    match depth {
        0 => T::exp(x),
        _ => T::cond(T::greater(T::reduce_sum(x, (), false), 0.0), || T::sin(nested(x, depth - 1)) * x, || x + 1.0),
    }
}

const KINDS: [(&str, Make); 10] = [
    ("chain", |_, x, n| (0..n / 2).fold(x, |y, _| -T::sin(y))),
    ("lengths", |_, x, n| (0..n / 3).fold(x, |y, k| T::reduce_sum(T::broadcast_to(y, [k as i64 % 50 + 1, 8]), 0, false) * y)),
    ("products", |_, x, n| {
        let m = T::reshape(x, [2, 4]);
        let square = T::matmul(m, T::transpose(m, [1, 0]));
        (0..n / 2).fold(square, |y, k| T::matmul(y + k as f64, square))
    }),
    ("rows", |_, x, n| {
        let rows = T::reshape(T::broadcast_to(x, [400, 8]), [4, 800]);
        (0..n / 8).fold(rows, |y, k| T::softmax(y * (1.0 + k as f64), -1))
    }),
    ("slices", |ctx, x, n| {
        let long = T::reshape(T::broadcast_to(x, [n as i64, 8]), [n as i64 * 8]);
        let long = T::check_finite(long);
        (0..n / 3).fold(ctx.zeros([1]), |y, k| y + T::slice(long, [k as i64 * 3], [k as i64 * 3 + 1]) * 2.0)
    }),
    ("scalars", |_, x, n| (0..n / 3).fold(x, |y, k| y + x * (3.0 + k as f64))),
    ("draws", |_, x, n| (0..n / 4).fold(x, |y, _| y + T::dropout(x, 0.5, true))),
    ("branches", |_, x, n| {
        (0..n / 8).fold(x, |y, k| y + T::cond(T::greater(T::reduce_sum(x, (), false), k as f64), || x * x, || T::sin(x)))
    }),
    ("chained branches", |_, x, n| {
        (0..n / 8).fold(x, |y, _| T::cond(T::greater(T::reduce_sum(y, (), false), 0.0), || T::sin(y) * x, || y + x))
    }),
    ("nested branches", |_, x, n| nested(x, n / 32)),
];

/// What planning took.
struct Planned {
    /// Bytes at the peak.
    peak: usize,
    /// Bytes that were asked for before.
    asked: usize,
    /// Bytes that were allocated in all.
    total: usize,
    /// Nodes of the request.
    nodes: usize,
}

/// Plans a request, or its gradient.
fn planned(make: Make, n: usize, gradient: bool) -> Planned {
    trim();
    run(|ctx| {
        let x = ctx.placeholder("x", &[8]);
        let y = make(ctx, x, n);
        let t = if gradient { T::grad(&[y], &[x])[0] } else { y };
        let a = ndarray::Array1::linspace(0.1, 0.9, 8);
        let (peak, total, out) = taken(|| ctx.evaluator().push(t).feed(x, a.view()).run());
        out[0].as_ref().unwrap();
        let fed = (x.value().node, Ty { dtype: x.dtype(), dims: [8].into_iter().collect() });
        let walk = Walk::new(ctx, &[t.value()], &[], [fed].into_iter().collect()).unwrap();
        let steps = ctx.evaluator().push(t).feed(x, a.view()).plan().unwrap().steps.len();
        Planned { peak, asked: walk.planning + steps * STEP, total, nodes: walk.nodes.len() }
    })
}

#[test]
fn planning_is_linear() {
    let _alone = alone();
    for (name, make) in KINDS {
        for gradient in [false, true] {
            let (few, many) = (planned(make, 600, gradient), planned(make, 2400, gradient));
            println!("{name}, gradient {gradient}: {} bytes for {} nodes, {} for {}", few.total, few.nodes, many.total, many.nodes);
            // What a gradient recomputes is built once, too.
            assert!(many.nodes <= few.nodes * 9 / 2, "{name}: {} nodes became {}", few.nodes, many.nodes);
            assert!(many.total <= few.total * 5, "{name}, gradient {gradient}: {} bytes became {}", few.total, many.total);
        }
    }
}

/// Enough, and not so much that a plan is refused for which there is memory.
#[test]
fn planning_takes_what_it_asks_for() {
    let _alone = alone();
    for (name, make) in KINDS {
        for gradient in [false, true] {
            let p = planned(make, 2400, gradient);
            println!("{name}, gradient {gradient}: {} bytes at the peak, {} asked for", p.peak, p.asked);
            assert!(p.peak <= p.asked && p.asked <= 4 * p.peak, "{name}, gradient {gradient}: {} of {} bytes", p.peak, p.asked);
        }
    }
}

#[test]
fn a_plan_says_what_it_holds() {
    let _alone = alone();
    for (name, make) in KINDS {
        for gradient in [false, true] {
            let nodes = planned(make, 1200, gradient).nodes;
            let held = memory_stats().plan_bytes;
            let before = COUNTS.get()[0];
            clear();
            let freed = (before - COUNTS.get()[0]) as usize;
            println!("{name}, gradient {gradient}: {} bytes a node", freed / nodes);
            assert!(held.abs_diff(freed) * 100 <= freed, "{name}, gradient {gradient}: {held} bytes said, {freed} freed");
            assert_eq!(memory_stats().plan_bytes, 0);
        }
    }
}

fn value(ctx: &Context, t: Tensor<'_>, x: f64) -> f64 {
    let x = ndarray::arr0(x);
    ctx.evaluator().push(ctx.tensor(t.value())).feed("x", x.view()).run()[0].as_ref().unwrap().item().unwrap()
}

/// A request of its own for each `k`.
fn request<'g>(ctx: &'g Context, n: usize, k: usize) -> Tensor<'g> {
    let x = ctx.placeholder("x", &[]);
    (0..n + k).fold(x, |y, _| T::abs(y + x))
}

#[test]
fn plans_are_bounded_by_bytes() {
    let _alone = alone();
    let one = {
        run(|ctx| value(ctx, request(ctx, 300, 0), 1.0));
        memory_stats().plan_bytes
    };
    for limit in [20 * one, 3 * one] {
        set_plan_cache_bytes(limit);
        assert_eq!(memory_stats().plan_cache_bytes, limit);
        // In contexts of their own, and in one that stays.
        for k in 0..40 {
            run(|ctx| assert_eq!(value(ctx, request(ctx, 300, k), 1.0), 301.0 + k as f64));
            assert!(memory_stats().plan_bytes <= limit);
        }
        assert!(memory_stats().plan_bytes + 2 * one > limit, "as many stay as may");
        run(|ctx| {
            let before = COUNTS.get()[0];
            for k in 0..40 {
                assert_eq!(value(ctx, request(ctx, 300, k), 1.0), 301.0 + k as f64);
                assert!(memory_stats().plan_bytes <= limit);
            }
            let beside = (COUNTS.get()[0] - before) as usize;
            assert!(beside < 40 * 400 * 1024, "{beside} bytes");
            // What has gone is made again, and is right.
            let count = compilations();
            assert_eq!(value(ctx, request(ctx, 300, 39), 1.0), 340.0);
            assert_eq!(compilations(), count);
            assert_eq!(value(ctx, request(ctx, 300, 0), 2.0), 602.0);
            assert_eq!(compilations(), count + 1);
        });
    }
    set_plan_cache_bytes(LIMIT);
}

/// The plan that a loop uses without asking the cache for it stays, however many others come.
#[test]
fn a_plan_in_use_is_not_the_oldest() {
    let _alone = alone();
    run(|ctx| {
        let hot = request(ctx, 5, 0);
        assert_eq!(value(ctx, hot, 1.0), 6.0);
        let count = compilations();
        for k in 0..2 * PLANS {
            value(ctx, request(ctx, 6, k), 1.0);
            value(ctx, hot, 1.0);
        }
        assert_eq!(compilations() - count, 2 * PLANS as u64);
    });
}

#[test]
fn a_large_plan_stays_while_its_context_is_open() {
    let _alone = alone();
    set_plan_cache_bytes(10_000);
    let environment = VariableEnvironment::new();
    let ctx = Context::new(environment.clone(), None);
    let (a, b) = (request(&ctx, 1000, 0), request(&ctx, 1000, 1));
    let compiled = |f: &dyn Fn()| {
        let count = compilations();
        f();
        compilations() - count
    };
    assert_eq!(compiled(&|| (0..3).for_each(|_| assert_eq!(value(&ctx, a, 1.0), 1001.0))), 1);
    let one = memory_stats().plan_bytes;
    assert!(one > 10_000 && memory_stats().plans == 1);
    // Another one takes its place; a small one does not.
    assert_eq!(compiled(&|| (0..3).for_each(|_| assert_eq!(value(&ctx, b, 1.0), 1002.0))), 1);
    assert_eq!(compiled(&|| _ = value(&ctx, request(&ctx, 1, 0), 1.0)), 1);
    assert_eq!(compiled(&|| _ = value(&ctx, b, 1.0)), 0);
    assert!(memory_stats().plan_bytes < 2 * one);
    // Each context has one.
    let other = Context::new(environment, None);
    assert_eq!(compiled(&|| _ = value(&other, request(&other, 1000, 0), 1.0)), 1);
    assert_eq!(compiled(&|| _ = value(&ctx, b, 1.0)), 0);
    assert!(memory_stats().plan_bytes > one * 19 / 10);
    drop(other);
    assert!(memory_stats().plan_bytes < one * 11 / 10);
    ctx.close();
    assert!(memory_stats().plan_bytes < 10_000);
    set_plan_cache_bytes(LIMIT);
}

#[test]
fn trim_gives_everything_back() {
    let _alone = alone();
    let base = COUNTS.get()[0];
    let ctx = Context::new(VariableEnvironment::new(), None);
    let y = request(&ctx, 3000, 0);
    assert_eq!(value(&ctx, y, 1.0), 3001.0);
    let held = memory_stats();
    assert!(held.plans == 1 && held.plan_bytes > 100_000 && held.plan_cache_bytes == LIMIT);
    let before = COUNTS.get()[0];
    assert!(trim() >= held.plan_bytes + held.idle_bytes);
    assert!((before - COUNTS.get()[0]) as usize >= held.plan_bytes * 9 / 10);
    assert_eq!((memory_stats().plans, memory_stats().plan_bytes, memory_stats().idle_bytes), (0, 0, 0));
    assert_eq!(trim(), 0);
    // An open context goes on.
    assert_eq!(value(&ctx, y, 2.0), 6002.0);
    assert_eq!(memory_stats().plans, 1);
    drop(ctx);
    trim();
    assert!(COUNTS.get()[0] - base < 100_000, "{} bytes stay", COUNTS.get()[0] - base);
}
