//! What an executable allocates, seen by its allocator: arrays and arenas count themselves, everything else is counted here.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use scirs2_autograd::internals::{PlacedArg as Arg, Ranges, ViewMut, Work, matmul, take_peak, usage};
use scirs2_autograd::{Array, Evaluator, Plan, View};

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
        // Operands of fewer axes are repeated.
        let full = |a: &Arg| {
            let more = c.ty.dims.len() - a.ty.dims.len();
            let dims: Vec<usize> = std::iter::repeat_n(1, more).chain(a.ty.dims.iter().copied()).collect();
            let strides: Vec<isize> = std::iter::repeat_n(0, more).chain(a.strides.iter().copied()).collect();
            let repeated = dims.iter().zip(&c.ty.dims).take(c.ty.dims.len() - 2).map(|(&n, &m)| n == 1 && m > 1);
            let strides: Vec<isize> =
                strides.iter().enumerate().map(|(k, &s)| if repeated.clone().nth(k) == Some(true) { 0 } else { s }).collect();
            let lead = c.ty.dims.len() - 2;
            (c.ty.dims[..lead].iter().chain(&dims[lead..]).copied().collect::<Vec<usize>>(), strides)
        };
        let [(a_dims, a_strides), (b_dims, b_strides)] = [full(a), full(b)];
        // SAFETY: each array reaches as far as the strides do, and is this block's own.
        let (t, ()) = taken(|| unsafe {
            let mut out = ViewMut::from_raw(z.ptr(), c.ty.dtype, &c.ty.dims, &c.strides);
            let left = View::from_raw(x.ptr(), a.ty.dtype, &a_dims, &a_strides);
            let right = View::from_raw(y.ptr(), b.ty.dtype, &b_dims, &b_strides);
            matmul(&Ranges::new(None), left, right, &mut out).unwrap();
        });
        peak = peak.max(t.peak);
        total += t.total;
    }
    (peak, total)
}

/// Checks a request that was run before: its planned peak against the measured one, and that it allocates less than `most` else.
pub fn check<'c, 'v>(name: &str, most: usize, ask: impl Fn() -> Evaluator<'c, 'v>) {
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
    assert!(own < most, "{name}: a further run allocates {own} bytes");
}
