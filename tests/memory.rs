//! Memory: what a plan says that it takes is what its runs take, and a run that was made once allocates next to nothing.
//!
//! Arrays and arenas count themselves; everything else is seen by the allocator of this executable.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use common::{Network, data, environment, network};
use parking_lot::{Mutex, MutexGuard};
use scirs2_autograd::DType;
use scirs2_autograd::Plan;
use scirs2_autograd::View;
use scirs2_autograd::internals::ViewMut;
use scirs2_autograd::internals::updates;
use scirs2_autograd::internals::{Block, take_peak, usage};
use scirs2_autograd::internals::{PlacedArg as Arg, Work};
use scirs2_autograd::internals::{Ranges, matmul};
use scirs2_autograd::{Array, Evaluator, VariableEnvironment, set_num_threads, tensor_ops as T, trim};

struct Counting;

thread_local! {
    /// Of this thread, for the test harness prints from another one: bytes that are allocated now, the most at once, and all
    /// that were ever allocated.
    static COUNTS: Cell<[isize; 3]> = const { Cell::new([0; 3]) };
}

fn counted(bytes: isize) {
    // A thread that ends is not counted any more.
    let _ = COUNTS.try_with(|c| {
        let [now, most, total] = c.get();
        c.set([now + bytes, most.max(now + bytes), total + bytes.max(0)]);
    });
}

// SAFETY: the system's allocator, counted.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        counted(layout.size() as isize);
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, p: *mut u8, layout: Layout) {
        counted(-(layout.size() as isize));
        unsafe { System.dealloc(p, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Arrays and arenas are counted for the process: one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// What each further thread of a run has of its own comes to what is planned (`wide_programs.rs`).
fn alone() -> MutexGuard<'static, ()> {
    let guard = ALONE.lock();
    set_num_threads(1).unwrap();
    guard
}

/// What `f` allocated: by arrays and arenas at their peak, by everything else at its peak, and by everything else in all.
struct Taken {
    blocks: usize,
    peak: usize,
    total: usize,
}

fn taken<R>(f: impl FnOnce() -> R) -> (Taken, R) {
    let live = usage().0;
    let [now, _, total] = COUNTS.get();
    COUNTS.set([now, now, total]);
    take_peak();
    let out = f();
    let [_, most, all] = COUNTS.get();
    let [peak, total] = [most - now, all - total].map(|n| n.max(0) as usize);
    (Taken { blocks: take_peak() - live, peak, total }, out)
}

/// What the matrix products of a plan allocate by themselves, at their peak and in all: the same products, done alone.
fn inside_gemm(plan: &Plan) -> (usize, usize) {
    let (mut peak, mut total) = (0, 0);
    for step in &plan.steps {
        if !matches!(step.work, Work::Call(def, ..) if def.name == "batch_matmul") {
            continue;
        }
        let reach = |a: &Arg| a.ty.dims.iter().zip(&a.strides).map(|(&n, &s)| (n - 1) * s as usize).sum::<usize>() + 1;
        let memory: Vec<Array> = step.inputs.iter().chain(&step.outputs).map(|a| Array::zeros(a.ty.dtype, &[reach(a)]).unwrap()).collect();
        let [x, y, z] = &memory[..] else { panic!("a product has two operands") };
        let (a, b, c) = (&step.inputs[0], &step.inputs[1], &step.outputs[0]);
        // SAFETY: each array reaches as far as the strides do, and is this block's own.
        let (t, ()) = taken(|| unsafe {
            let mut out = ViewMut::from_raw(z.ptr(), c.ty.dtype, &c.ty.dims, &c.strides);
            let left = View::from_raw(x.ptr(), a.ty.dtype, &a.ty.dims, &a.strides);
            let right = View::from_raw(y.ptr(), b.ty.dtype, &b.ty.dims, &b.strides);
            matmul(&Ranges::new(None), left, right, &mut out).unwrap();
        });
        peak = peak.max(t.peak);
        total += t.total;
    }
    (peak, total)
}

/// Checks a request that was run before: its planned peak against the measured one, and what it allocates.
fn check<'c, 'v>(name: &str, ask: impl Fn() -> Evaluator<'c, 'v>) {
    let plan = ask().plan().unwrap();
    for _ in 0..2 {
        assert!(ask().run().iter().all(|r| r.is_ok()));
    }
    let (gemm_peak, gemm_total) = inside_gemm(&plan);
    let request = ask();
    let (t, out) = taken(|| request.run());
    drop(out);
    let planned = plan.peak_bytes();
    let measured = t.blocks + t.peak - gemm_peak.min(t.peak);
    println!("{name}: planned {planned}, measured {measured} bytes");
    println!("  inside the matrix product: {gemm_peak} bytes at its peak");
    println!("  conversion of feeds before the run: 0 bytes, they are contiguous and of the placeholders' dtype");
    println!("  allocated besides outputs and the matrix product: {} bytes", t.total.saturating_sub(gemm_total));
    assert!(measured.abs_diff(planned) * 100 <= planned, "{name}: planned {planned}, measured {measured}");
    let own = t.total.saturating_sub(gemm_total);
    assert!(own < 1024, "{name}: a further run allocates {own} bytes");
}

#[test]
fn elementwise_program() {
    let _alone = alone();
    let env = VariableEnvironment::new();
    env.name("w").set(ndarray::arr0(0.0f32));
    env.run(|ctx| {
        let x = ctx.placeholder("x", &[-1]);
        let y = T::reduce_sum(T::sin(x) * T::exp(-(x * x)) + T::log(1.0 + x * x) * T::tanh(x) / (2.0 + T::cos(x)), (), false);
        let g = T::grad(&[y], &[x])[0];
        let a = ndarray::Array1::from_shape_fn(300_000, |i| (i % 1000) as f32 * 0.003);
        check("elementwise", || ctx.evaluator().push(y).push(g).feed(x, a.view()));
    });
}

#[test]
fn adam_step() {
    let _alone = alone();
    let (env, adam) = environment();
    let (images, labels) = data::<f32>(128);
    env.run(|ctx| {
        let Network { x, y, vars, loss, grads } = network(ctx, DType::F32);
        let writes = updates(&adam, &vars, &grads, ctx).unwrap();
        check("Adam step", || {
            let ask = ctx.evaluator().push(loss).feed(x, images.view()).feed(y, labels.view());
            writes.iter().fold(ask, |ask, t| ask.write(t))
        });
    });
}

#[test]
fn conversion_of_a_feed_is_before_the_run() {
    let _alone = alone();
    let env = VariableEnvironment::new();
    env.name("w").set(ndarray::arr0(0.0f32));
    env.run(|ctx| {
        let x = ctx.placeholder("x", &[-1, 500]);
        let y = T::reduce_sum(T::tanh(x), 1i64, false);
        let a = ndarray::Array2::from_shape_fn((500, 400), |(i, j)| (i + j) as f32 * 1e-3);
        let ask = || ctx.evaluator().push(y).feed(x, a.t());
        assert!(ask().run()[0].is_ok());
        let (t, _) = taken(|| ask().run());
        let planned = ask().plan().unwrap().peak_bytes();
        let copied = 400 * 500 * 4;
        println!("strided feed: planned {planned}, measured {} bytes, {copied} of them the feed in C order", t.blocks);
        assert!((t.blocks - copied).abs_diff(planned) * 100 <= planned);
    });
}

/// Sizes around which blocks change where they come from, and the sizes of the classes below.
const BORDERS: [usize; 5] = [64, 4096, 3 << 18, 7 << 17, 1 << 20];

#[test]
fn a_block_goes_back_to_where_it_is_from() {
    let _alone = alone();
    for bytes in BORDERS.iter().flat_map(|b| [b - 1, *b, b + 1]) {
        trim();
        let (heap, idle) = (COUNTS.get()[0], usage().1);
        for _ in 0..100 {
            let b = Block::new(bytes).unwrap();
            // SAFETY: the block's own bytes.
            unsafe { (b.ptr().write(1), b.ptr().add(bytes - 1).write(1)) };
        }
        // One block was used a hundred times.
        let most = bytes + bytes / 2 + (64 << 10);
        let (heap_now, idle_now) = (COUNTS.get()[0], usage().1);
        assert!(heap_now - heap <= most as isize, "{bytes} bytes: the heap grew by {}", heap_now - heap);
        assert!(idle_now - idle <= most, "{bytes} bytes: {} bytes wait", idle_now - idle);
        // More blocks than the pool keeps, which go back to the system at once.
        let many: Vec<Block> = (0..100).map(|_| Block::new(bytes).unwrap()).collect();
        drop(many);
        trim();
        let heap_now = COUNTS.get()[0];
        // The pool's own lists stay.
        assert!(heap_now - heap < 64 << 10, "{bytes} bytes: the heap keeps {}", heap_now - heap);
        assert_eq!(usage().1, 0);
    }
}
