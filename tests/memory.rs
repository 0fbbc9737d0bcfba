//! Memory: what a plan says that it takes is what its runs take, and a run that was made once allocates next to nothing.
//!
//! Arrays and arenas count themselves; everything else is seen by the allocator of this executable.

#[path = "common/allocated.rs"]
mod allocated;
mod common;

use allocated::{COUNTS, check, taken};
use common::{Network, data, environment, network};
use parking_lot::{Mutex, MutexGuard};
use scirs2_autograd::DType;
use scirs2_autograd::internals::updates;
use scirs2_autograd::internals::{Block, usage};
use scirs2_autograd::{VariableEnvironment, set_num_threads, tensor_ops as T, trim};

/// Arrays and arenas are counted for the process: one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// What each further thread of a run has of its own comes to what is planned (`wide_programs.rs`).
fn alone() -> MutexGuard<'static, ()> {
    let guard = ALONE.lock();
    set_num_threads(1).unwrap();
    guard
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
        check("elementwise", 1024, || ctx.evaluator().push(y).push(g).feed(x, a.view()));
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
        check("Adam step", 1024, || {
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
