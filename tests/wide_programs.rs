//! Random programs that are deep, wide, or branch, write to variables and have steps that may fail: one plan gives the bits
//! of single operations, whoever builds the graph and however many threads run it, in the memory that was planned.

#[path = "common/random.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod random;

use std::ops::Range;

use parking_lot::{Mutex, MutexGuard};
use scirs2_autograd::internals::{Numbers, OpDef, clear, formula, prepare, replay, same_bits, set_weight, take_peak, usage};
use scirs2_autograd::{
    Array, Context, DType, Error, ErrorKind, Feeder, Result, Tensor, VariableEnvironment, set_num_threads, tensor_ops as T,
};

/// Memory and threads are the process's: one test at a time. Small steps are shared among threads.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    let guard = ALONE.lock();
    set_weight(64);
    guard
}

/// What a program is made of.
struct Asked<'g> {
    outputs: Vec<Tensor<'g>>,
    feeds: Vec<(Tensor<'g>, Array)>,
    /// Variables with their first values.
    variables: Vec<(Tensor<'g>, Array)>,
    /// Variables, and what is written to them.
    writes: Vec<(Tensor<'g>, Tensor<'g>)>,
}

/// The first values of a seed's variables.
fn start(seed: u64) -> Vec<Array> {
    let mut r = Numbers::new(seed ^ 0x77);
    let dims = lengths(seed);
    (0..r.below(3))
        .map(|k| random::value([DType::F32, DType::F64][r.below(2)], &dims[k.min(dims.len())..], &mut r, false).unwrap())
        .collect()
}

/// The lengths of a seed's arrays: mostly of several panels.
fn lengths(seed: u64) -> Vec<usize> {
    let mut r = Numbers::new(seed ^ 0x55);
    const SPACES: [&[usize]; 12] = [
        &[4099],
        &[5000],
        &[70, 70],
        &[600, 8],
        &[600, 7],
        &[8, 600],
        &[3, 1030],
        &[1100, 3],
        &[2, 40, 64],
        &[10, 512],
        &[520, 11],
        &[37, 5, 16],
    ];
    SPACES[r.below(SPACES.len())].to_vec()
}

/// A value of which all numbers are finite.
fn tamed(x: Tensor<'_>) -> Tensor<'_> {
    T::select(T::less(T::abs(x), 1e3), x, 1.0)
}

fn program<'g>(ctx: &'g Context, seed: u64, rows: &[&'static OpDef]) -> Result<Asked<'g>> {
    let mut r = Numbers::new(seed);
    let (dims, kind) = (lengths(seed), r.below(3));
    let mut feeds = vec![];
    for i in 0..2 + r.below(3) {
        let own: Vec<usize> = dims[r.below(dims.len())..].iter().map(|&n| if r.below(5) == 0 { 1 } else { n }).collect();
        let own = if i == 0 { dims.clone() } else { own };
        let dtype = [DType::F64, DType::F32, DType::F32, DType::I64][if i == 0 { r.below(3) } else { r.below(4) }];
        let shape: Vec<isize> = own.iter().map(|&n| n as isize).collect();
        feeds.push((ctx.placeholder_of(&format!("x{i}"), &shape, dtype), random::value(dtype, &own, &mut r, false)?));
    }
    let variables: Vec<(Tensor<'g>, Array)> =
        start(seed).into_iter().enumerate().map(|(k, a)| (ctx.variable(format!("v{k}").as_str()), a)).collect();
    let mut pool: Vec<Tensor<'g>> = feeds.iter().chain(&variables).map(|f| f.0).collect();
    let (first, steps) = (pool.len(), [40, 60, 25][kind]);
    for _ in 0..steps {
        let made = match (kind, r.below(8)) {
            // Deep: mostly from what is newest. Wide: mostly from what was there first.
            (0, 0..=5) => random::grow(ctx, &pool[pool.len().saturating_sub(3)..], rows, &mut r),
            (1, 0..=5) => random::grow(ctx, &pool[..(first + 4).min(pool.len())], rows, &mut r),
            (_, 6) => {
                let x = pool[r.below(pool.len())];
                let checked = if r.below(2) == 0 { T::check_finite(tamed(x)) } else { x.register_hook(random::Look) };
                x.dtype().is_float().then_some(checked)
            }
            (2, 0..=1) => {
                let [x, y] = [0, 1].map(|_| pool[r.below(pool.len())]);
                let floats = x.dtype().is_float() && y.dtype() == x.dtype();
                floats
                    .then(|| T::cond(T::greater(T::reduce_sum(y, (), false), 0.0), || T::tanh(x) + T::sin(x), || T::exp(-T::abs(x)) * 2.0))
            }
            _ => random::grow(ctx, &pool, rows, &mut r),
        };
        pool.extend(made.filter(|t| t.error().is_none()));
    }
    let mut outputs: Vec<Tensor<'g>> = (0..1 + r.below(5)).map(|_| pool[r.below(pool.len())]).collect();
    if kind == 1 {
        // All branches, in sums.
        outputs.extend(pool[first..].iter().map(|&t| T::reduce_sum(t, (), false)).filter(|t| t.error().is_none()));
    }
    let floats: Vec<Tensor<'g>> = outputs.iter().copied().filter(|t| t.dtype().is_float()).collect();
    let by: Vec<Tensor<'g>> = feeds.iter().chain(&variables).map(|f| f.0).filter(|t| t.dtype().is_float()).collect();
    let gradients = if r.below(2) == 0 && !floats.is_empty() { T::grad(&floats, &by) } else { vec![] };
    let mut writes = vec![];
    for &(w, _) in &variables {
        let same = |t: &&Tensor<'g>| t.dtype() == w.dtype() && t.known_shape() == w.known_shape() && t.error().is_none();
        let found: Vec<Tensor<'g>> = pool[first..].iter().chain(&gradients).filter(same).copied().collect();
        if r.below(4) > 0 {
            let new = if found.is_empty() { w * 0.5 } else { found[r.below(found.len())] };
            writes.push((w, [new, w - new * 0.125, tamed(new)][r.below(3)]));
        }
    }
    outputs.extend(gradients);
    outputs.retain(|t| t.error().is_none());
    writes.retain(|(_, v)| v.error().is_none());
    Ok(Asked { outputs, feeds, variables, writes })
}

/// A seed's program, in an environment of its own.
fn with<R>(seed: u64, rows: &[&'static OpDef], f: impl for<'g> FnOnce(&'g Context, &Asked<'g>) -> Result<R>) -> Result<R> {
    let env = VariableEnvironment::new();
    start(seed).into_iter().enumerate().for_each(|(k, a)| _ = env.name(&format!("v{k}")).set(a));
    env.run(|ctx| f(ctx, &program(ctx, seed, rows)?))
}

/// What a run leaves: outputs, then the variables that were written.
fn ran(seed: u64, threads: usize, rows: &[&'static OpDef], wide: &mut usize) -> Result<Vec<Array>> {
    set_num_threads(threads)?;
    with(seed, rows, |ctx, asked| {
        let feeder = asked.feeds.iter().fold(Feeder::new(), |f, (t, a)| f.push(*t, a));
        let assigned: Vec<Tensor<'_>> = asked.writes.iter().map(|&(w, v)| T::assign(w, v)).collect();
        let prepared = prepare(ctx, &asked.outputs, &assigned, &feeder)?;
        let plan = prepared.plan()?;
        let live = usage().0;
        take_peak();
        let out = prepared.run(None)?;
        let measured = take_peak() - live;
        let further = if plan.wide { (threads - 1) * plan.local_bytes.next_multiple_of(128) } else { 0 };
        *wide += usize::from(further > 0);
        let planned = plan.peak_bytes() + further;
        if measured.abs_diff(planned) * 100 > planned || out.peak_bytes != planned {
            let got = format_args!("{measured} bytes, of which the run knows {}", out.peak_bytes);
            return Err(Error::new(
                ErrorKind::Memory,
                "peak",
                format_args!("{threads} threads"),
                got,
                format_args!("{planned}, {} writes {:?}\n{}", asked.writes.len(), plan.writes, plan.explain()),
            ));
        }
        let now = asked.writes.iter().map(|(w, _)| w.eval(ctx)).collect::<Result<Vec<_>>>()?;
        Ok(out.outputs.into_iter().chain(now).collect())
    })
}

/// Compares a seed's runs; returns how many arrays were compared, and notes how many runs had several threads.
fn compared(seed: u64, rows: &[&'static OpDef], wide: &mut usize) -> Result<usize> {
    let first = ran(seed, 1, rows, wide)?;
    set_num_threads(1)?;
    let parts = with(seed, rows, |_, asked| {
        let wanted: Vec<Tensor<'_>> = asked.outputs.iter().copied().chain(asked.writes.iter().map(|w| w.1)).collect();
        let known: Vec<(Tensor<'_>, Array)> = asked.feeds.iter().chain(&asked.variables).cloned().collect();
        if wanted.is_empty() { Ok(vec![]) } else { replay(&wanted, &known) }
    })?;
    let same = |what: &str, found: &[Array], expected: &[Array]| {
        found.iter().zip(expected).enumerate().try_for_each(|(k, (a, b))| same_bits(&format!("{what}, output {k}"), a, b))
    };
    same("fused", &first, &parts)?;
    for threads in [2, 3, 7] {
        same(&format!("{threads} threads"), &ran(seed, threads, rows, wide)?, &first)?;
    }
    clear();
    same("built again", &ran(seed, 1, rows, wide)?, &first)?;
    Ok(first.len())
}

/// Rows that do not see the sign of NaN: it is not that of a product with -1 where this becomes a negation.
fn rows() -> Vec<&'static OpDef> {
    let unsigned = |d: &&OpDef| formula(d.name).is_none_or(|f| !f.text.contains("copysign")) && d.name != "tanh_with";
    random::elementwise().into_iter().filter(unsigned).collect()
}

fn programs(seeds: Range<u64>) {
    let _alone = alone();
    let (rows, count) = (rows(), (seeds.end - seeds.start) as usize);
    let (mut failures, mut arrays, mut wide) = (vec![], 0, 0);
    for seed in seeds {
        match compared(seed, &rows, &mut wide) {
            Ok(n) => arrays += n,
            Err(e) => failures.push(format!("seed {seed}: {e:?}")),
        }
    }
    println!("{count} programs, {arrays} arrays, {wide} runs of several threads");
    failures.truncate(20);
    assert!(failures.is_empty(), "programs fail\n{}", failures.join("\n"));
    assert!(arrays > 3 * count && wide > count, "{arrays} arrays, {wide} runs of several threads");
}

#[test]
fn deep_wide_and_branching_programs() {
    programs(0..1000);
}

/// Panels of rows of 24 begin anywhere in a block of 512 rows, some of them a row or two before its end.
#[test]
fn what_is_the_same_in_all_rows_is_read_anew_in_each_panel() {
    let _alone = alone();
    for (weight, rows) in [(1, 5000), (64, 600)] {
        set_weight(weight);
        let x = ndarray::Array2::from_shape_fn((rows, 24), |(i, j)| (i * 24 + j) as f64);
        let b = ndarray::Array1::from_shape_fn(24, |j| 0.125 * j as f64);
        for threads in [1, 3] {
            set_num_threads(threads).unwrap();
            let y = scirs2_autograd::run(|ctx| {
                let (s, t) = (ctx.placeholder("x", &[-1, 24]), ctx.placeholder("b", &[24]));
                ctx.evaluator().push(s + t).feed(s, x.view()).feed(t, b.view()).run().remove(0).unwrap()
            });
            assert_eq!(y, &x + &b, "{rows} rows, {threads} threads");
        }
    }
}

#[test]
#[ignore = "50,000 programs take many minutes: make test-slow"]
fn many_programs() {
    programs(1000..51_000);
}
