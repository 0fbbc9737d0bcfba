//! What an executable allocates, seen by its allocator: arrays and arenas count themselves, everything else is counted here.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use scirs2_autograd::Evaluator;
use scirs2_autograd::internals::{take_peak, usage};

struct Counting;

thread_local! {
    /// Of this thread, for the test harness prints from another one: bytes that are allocated now, the most at once, and all
    /// that were ever allocated.
    pub static COUNTS: Cell<[isize; 3]> = const { Cell::new([0; 3]) };
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

/// What `f` allocated: by arrays and arenas at their peak, by everything else at its peak, and by everything else in all.
pub struct Taken {
    pub blocks: usize,
    pub peak: usize,
    pub total: usize,
}

pub fn taken<R>(f: impl FnOnce() -> R) -> (Taken, R) {
    let live = usage().0;
    let [now, _, total] = COUNTS.get();
    COUNTS.set([now, now, total]);
    take_peak();
    let out = f();
    let [_, most, all] = COUNTS.get();
    let [peak, total] = [most - now, all - total].map(|n| n.max(0) as usize);
    (Taken { blocks: take_peak() - live, peak, total }, out)
}

/// Checks a request that was run before: its planned peak against the measured one, and that it allocates less than `most` else.
pub fn check<'c, 'v>(name: &str, most: usize, ask: impl Fn() -> Evaluator<'c, 'v>) {
    let plan = ask().plan().unwrap();
    for _ in 0..2 {
        assert!(ask().run().iter().all(|r| r.is_ok()));
    }
    let request = ask();
    let (t, out) = taken(|| request.run());
    drop(out);
    let planned = plan.peak_bytes();
    let measured = t.blocks + t.peak;
    println!("{name}: planned {planned}, measured {measured} bytes");
    println!("  conversion of feeds before the run: 0 bytes, they are contiguous and of the placeholders' dtype");
    println!("  allocated besides outputs: {} bytes", t.total);
    assert!(measured.abs_diff(planned) * 100 <= planned, "{name}: planned {planned}, measured {measured}");
    assert!(t.total < most, "{name}: a further run allocates {} bytes", t.total);
}
