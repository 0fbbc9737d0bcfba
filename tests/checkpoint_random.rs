//! Random programs with random marks, checkpointed functions, policies and budgets: the bits are those of the program that keeps
//! all, the peak is not above its peak, and a budget is kept or refused.

#[path = "common/nets.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod nets;
#[path = "common/random.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod random;

use std::ops::Range;

use parking_lot::{Mutex, MutexGuard};
use scirs2_autograd::checkpoint::{Checkpointing, Policy};
use scirs2_autograd::internals::{Numbers, OpDef, formula, replay, same_bits, set_weight, take_peak, usage};
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

/// Rows that do not see the sign of NaN: it is not that of a product with -1 where this becomes a negation.
fn rows() -> Vec<&'static OpDef> {
    let unsigned = |d: &&OpDef| formula(d.name).is_none_or(|f| !f.text.contains("copysign")) && d.name != "tanh_with";
    random::elementwise().into_iter().filter(unsigned).collect()
}

/// What is asked of a seed's program.
struct Asked<'g> {
    outputs: Vec<Tensor<'g>>,
    feeds: Vec<(Tensor<'g>, Array)>,
}

/// How a program is built: which of its values are marked, and whether its functions are checkpointed. It decides nothing else.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Marks {
    seed: u64,
    marks: bool,
    functions: bool,
}

const NONE: Marks = Marks { seed: 0, marks: false, functions: false };

/// A value of a program, perhaps marked.
fn marked<'g>(t: Tensor<'g>, how: Marks, r: &mut Numbers) -> Tensor<'g> {
    let (kind, bytes) = (r.below(10), [0, 100, 3000][r.below(3)]);
    match kind {
        _ if !how.marks => t,
        0..=2 => T::checkpoint(t),
        3 => T::adaptive_checkpoint(t, bytes),
        4 => T::checkpoint_name(t, "some"),
        _ => t,
    }
}

/// One more value.
fn step<'g>(ctx: &'g Context, pool: &[Tensor<'g>], rows: &[&'static OpDef], how: Marks, r: &mut Numbers) -> Option<Tensor<'g>> {
    let x = pool[r.below(pool.len())];
    let float = x.dtype().is_float();
    match r.below(16) {
        0 if float => Some(T::dropout(x, 0.25, true)),
        1 if float => {
            let positive = T::greater(T::reduce_sum(x, (), false), 0.0);
            let inside = r.below(2) == 0 && how.marks;
            let kept = move |t: Tensor<'g>| if inside { T::checkpoint(t) } else { t };
            Some(T::cond(positive, || kept(T::tanh(x)) * T::sin(x), || kept(T::exp(-T::abs(x))) * x))
        }
        2 if x.ndim() == 2 && float => Some(T::matmul(x, T::transpose(x, ())) * 0.125),
        // Mostly from what is newest, so that programs are deep.
        3..=9 => random::grow(ctx, &pool[pool.len().saturating_sub(4)..], rows, r),
        _ => random::grow(ctx, pool, rows, r),
    }
    .filter(|t| t.error().is_none() && t.known_shape().is_some_and(|d| d.iter().product::<usize>() <= 10_000))
}

/// Lengths of the arrays of a seed.
fn lengths(r: &mut Numbers) -> Vec<usize> {
    const SPACES: [&[usize]; 8] = [&[1030], &[40, 40], &[300, 8], &[8, 300], &[3, 520], &[2, 10, 32], &[37, 5, 9], &[600]];
    SPACES[r.below(SPACES.len())].to_vec()
}

fn program<'g>(ctx: &'g Context, seed: u64, rows: &[&'static OpDef], how: Marks) -> Result<Asked<'g>> {
    let (mut r, mut m) = (Numbers::new(seed), Numbers::new(how.seed));
    let dims = lengths(&mut r);
    let mut feeds = vec![];
    for i in 0..2 + r.below(2) {
        let own = if i == 0 { dims.clone() } else { dims[r.below(dims.len())..].to_vec() };
        let dtype = [DType::F64, DType::F32][r.below(2)];
        let shape: Vec<isize> = own.iter().map(|&n| n as isize).collect();
        feeds.push((ctx.placeholder_of(&format!("x{i}"), &shape, dtype), random::value(dtype, &own, &mut r, false)?));
    }
    let mut pool: Vec<Tensor<'g>> = feeds.iter().map(|f| f.0).collect();
    for _ in 0..10 + r.below(14) {
        if r.below(4) > 0 {
            let made = step(ctx, &pool, rows, how, &mut r);
            pool.extend(made.map(|t| marked(t, how, &mut m)));
            continue;
        }
        // A function of some values, which reads others from around it, and returns some of its own.
        let inputs: Vec<Tensor<'g>> = (0..1 + r.below(3)).map(|_| pool[r.below(pool.len())]).collect();
        let (steps, policy) = (2 + r.below(5), [None, Some(Policy::products()), Some(Policy::segments(Some(2)))][m.below(3)].clone());
        let mut body = |t: &[Tensor<'g>]| {
            let mut own = [&pool[pool.len().saturating_sub(2)..], t].concat();
            let first = own.len();
            for _ in 0..steps {
                let made = step(ctx, &own, rows, how, &mut r);
                own.extend(made.map(|t| marked(t, how, &mut m)));
            }
            let made = own.split_off(first);
            made.into_iter().rev().step_by(2).collect::<Vec<_>>()
        };
        let out = match policy {
            _ if !how.functions => body(&inputs),
            Some(p) => T::CheckpointGroup::with_policy(ctx, p).checkpoint_fn(&inputs, body),
            None => T::checkpoint_segment_flex(ctx, &inputs, body),
        };
        if let Some(e) = out.iter().find_map(|t| t.error()) {
            return Err(e);
        }
        pool.extend(out);
    }
    let floats: Vec<Tensor<'g>> = pool.iter().copied().filter(|t| t.dtype().is_float()).collect();
    let late = floats.len() / 2;
    let ys: Vec<Tensor<'g>> = (0..1 + r.below(2)).map(|_| floats[late + r.below(floats.len() - late)]).collect();
    let by: Vec<Tensor<'g>> = feeds.iter().map(|f| f.0).collect();
    let first = T::grad(&ys, &by);
    let mut outputs = [&ys[..], &first].concat();
    if r.below(3) == 0 {
        let squares: Vec<Tensor<'g>> = first.iter().map(|&g| T::sum_all(T::square(g))).collect();
        outputs.extend(T::grad(&squares, &by));
    }
    if r.below(3) == 0 {
        outputs.push(pool[r.below(pool.len())]);
    }
    match outputs.iter().find_map(|t| t.error()) {
        Some(e) => Err(e),
        None => Ok(Asked { outputs, feeds }),
    }
}

fn policy(r: &mut Numbers, depth: usize) -> Policy {
    match r.below(if depth > 0 { 12 } else { 9 }) {
        0 => Policy::everything(),
        1 => Policy::nothing(),
        2 => Policy::every_layers(1 + r.below(3)),
        3 => Policy::segments([None, Some(1 + r.below(6))][r.below(2)]),
        4 => Policy::up_to(r.below(9000)),
        5 => Policy::all_but_largest(r.below(10)),
        6 => Policy::products(),
        7 => Policy::ops(["tanh", "exp", "batch_matmul", "mul"]) | Policy::names(["some"]),
        8 => {
            let n = r.below(7) + 1;
            Policy::new(move |v| Ok(v.read && (v.bytes / 8 + v.until).is_multiple_of(n)))
        }
        9 => policy(r, depth - 1) & policy(r, depth - 1),
        10 => policy(r, depth - 1) | policy(r, depth - 1),
        _ => !policy(r, depth - 1),
    }
}

/// What a run gave: values, the peak, the peak of its plan that keeps all, and how many values it computed again.
struct Ran {
    values: Vec<Array>,
    peak: usize,
    without: usize,
    again: usize,
}

fn ran(seed: u64, rows: &[&'static OpDef], how: Marks, said: &Checkpointing, threads: usize) -> Result<Ran> {
    set_num_threads(threads)?;
    let env = VariableEnvironment::new();
    env.run(|ctx| {
        let asked = program(ctx, seed, rows, how)?;
        let feeder = asked.feeds.iter().fold(Feeder::new(), |f, (t, a)| f.push(*t, a));
        let mut ask = ctx.evaluator().extend(&asked.outputs).set_feeder(feeder);
        ask = said.policy.iter().fold(ask, |ask, p| ask.checkpoint(p.clone()));
        ask = said.budget.iter().fold(ask, |ask, &bytes| ask.memory_budget(bytes));
        let plan = ask.plan()?;
        env.seed(seed);
        let live = usage().0;
        take_peak();
        let values = ask.run().into_iter().collect::<Result<Vec<_>>>()?;
        let measured = take_peak() - live;
        let further = if plan.wide { (threads - 1) * plan.local_bytes.next_multiple_of(128) } else { 0 };
        let planned = plan.peak_bytes() + further;
        if measured.abs_diff(planned) * 100 > planned {
            return Err(wrong("another peak than planned", measured, planned));
        }
        let (peak, r) = (plan.peak_bytes(), &plan.recomputation);
        Ok(Ran { values, peak, without: if r.peak_without > 0 { r.peak_without } else { peak }, again: r.values })
    })
}

/// The values of a program, computed node by node.
fn replayed(seed: u64, rows: &[&'static OpDef], how: Marks) -> Option<Vec<Array>> {
    VariableEnvironment::new().run(|ctx| {
        let asked = program(ctx, seed, rows, how).ok()?;
        replay(&asked.outputs, &asked.feeds).ok()
    })
}

fn wrong(what: &str, found: usize, expected: usize) -> Error {
    Error::new(ErrorKind::Value, "checkpointing", what, format_args!("{found} bytes"), format_args!("{expected} bytes"))
}

/// Budgets are kept, or refused with the least that would do.
fn within_budget(seed: u64, rows: &[&'static OpDef], how: Marks, plain: &Ran, r: &mut Numbers) -> Result<usize> {
    let budget = plain.peak / 10 + r.below(plain.peak - plain.peak / 10 + 1);
    let said = Checkpointing { policy: None, budget: Some(budget) };
    let found = match ran(seed, rows, how, &said, 1) {
        Err(e) if e.kind() == ErrorKind::Memory => match least(&e) {
            Some(n) if n > budget && n <= plain.peak => return Ok(0),
            n => return Err(wrong("the least that is said of a budget", n.unwrap_or(0), budget)),
        },
        other => other?,
    };
    if found.peak > budget {
        return Err(wrong("a budget is exceeded", found.peak, budget));
    }
    found.values.iter().zip(&plain.values).try_for_each(|(a, b)| same_bits("within a budget", a, b))?;
    Ok(found.again)
}

/// The number after "at least" in a message.
fn least(e: &Error) -> Option<usize> {
    let text = e.to_string();
    let digits = text.split("at least ").nth(1)?.chars().take_while(char::is_ascii_digit).collect::<String>();
    digits.parse().ok()
}

/// Compares a seed's runs; returns how many values were computed again.
fn compared(seed: u64, rows: &[&'static OpDef]) -> Result<usize> {
    let mut r = Numbers::new(seed ^ 0x3c);
    let plain = ran(seed, rows, NONE, &Checkpointing::default(), 1)?;
    let mut again = within_budget(seed, rows, NONE, &plain, &mut r)?;
    for round in 0..3 {
        let how = Marks { seed: r.bits(), marks: round != 1 && r.below(2) == 0, functions: round != 1 && r.below(2) == 0 };
        let asked = if round == 1 || r.below(2) == 0 { Some(policy(&mut r, 2)) } else { None };
        let said = Checkpointing { policy: asked, budget: None };
        let what = format!("{how:?}, {:?}", said.policy);
        let found = ran(seed, rows, how, &said, 1 + r.below(3)).map_err(|e| e.help(what.clone()))?;
        // What is in functions is another graph, of which less is merged and sums are others: it is compared with itself, node
        // by node; a program with draws has no such form.
        let alone = if how.functions { replayed(seed, rows, how) } else { Some(vec![]) };
        let expected = match &alone {
            Some(list) if list.is_empty() => &plain.values,
            Some(list) => list,
            None => &found.values,
        };
        found.values.iter().zip(expected).try_for_each(|(a, b)| same_bits(&what, a, b))?;
        // Of a marked program less is merged too.
        let most = if how.functions || how.marks { found.without } else { plain.peak };
        if found.peak > most {
            return Err(wrong(&what, found.peak, most));
        }
        again += found.again;
    }
    Ok(again)
}

fn programs(seeds: Range<u64>) {
    let _alone = alone();
    let (rows, count) = (rows(), (seeds.end - seeds.start) as usize);
    let (mut failures, mut again, mut unbuilt) = (vec![], 0, 0);
    for seed in seeds {
        let one = std::panic::catch_unwind(|| compared(seed, &rows));
        match one {
            Ok(Ok(n)) => again += n,
            // A row of the program cannot be differentiated twice.
            Ok(Err(e)) if e.kind() == ErrorKind::NotDifferentiable => unbuilt += 1,
            Ok(Err(e)) => failures.push(format!("seed {seed}: {e:?}")),
            Err(_) => failures.push(format!("seed {seed}: a panic")),
        }
    }
    println!("{count} programs, {again} values computed again, {unbuilt} programs without their derivative");
    let n = failures.len();
    failures.truncate(20);
    assert!(failures.is_empty(), "{n} programs fail\n{}", failures.join("\n"));
    assert!(again > 3 * count && unbuilt * 20 < count, "{again} values computed again, {unbuilt} programs without their derivative");
}

#[test]
fn random_programs() {
    programs(0..150);
}

#[test]
#[ignore = "10,000 programs take minutes: make test-slow"]
fn many_programs() {
    programs(1000..11_000);
}
