//! Nothing is read or written outside of the memory that holds it: views of a part of an array, wherever the array is.
//!
//! Run with `SCIRS2_AUTOGRAD_GUARD=1`, as `make test` does, a byte too many is a fault; without it, some go unseen.

use std::process::Command;

use scirs2_autograd::DType;
use scirs2_autograd::internals::Block;
use scirs2_autograd::{Context, Tensor, VariableEnvironment, tensor_ops as T};

/// Where the array is that a view shows a part of.
#[derive(Clone, Copy, Debug)]
enum Home {
    Feed,
    Constant,
    Variable,
    Computed,
}

const HOMES: [Home; 4] = [Home::Feed, Home::Constant, Home::Variable, Home::Computed];

/// Evaluates `f` of the array 1, 2, 3, ... that lives in `home`.
fn evaluated(home: Home, dims: &[usize], f: impl for<'g> Fn(&'g Context, Tensor<'g>) -> Tensor<'g>) -> Vec<f64> {
    let n = dims.iter().product::<usize>();
    let a = ndarray::Array1::from_iter((1..=n).map(|i| i as f64)).into_shape_with_order(dims.to_vec()).unwrap();
    let env = VariableEnvironment::new();
    env.name("v").set(a.clone());
    env.run(|ctx| {
        let shape: Vec<isize> = dims.iter().map(|&n| n as isize).collect();
        let x = ctx.placeholder("x", &shape);
        let t = match home {
            Home::Feed => x,
            Home::Constant => ctx.constant(a.clone()),
            Home::Variable => ctx.variable("v"),
            Home::Computed => (x * 4.0 - x * 3.0) / 1.5 * 1.5,
        };
        let e = ctx.evaluator().push(f(ctx, t));
        let e = if matches!(home, Home::Feed | Home::Computed) { e.feed(x, a.view()) } else { e };
        e.run()[0].as_ref().unwrap().as_slice::<f64>().unwrap().to_vec()
    })
}

#[track_caller]
fn near(found: &[f64], expected: &[f64], what: &str) {
    let off = |(a, b): (&f64, &f64)| (a - b).abs() > 1e-6 * b.abs();
    assert!(found.len() == expected.len() && !found.iter().zip(expected).any(off), "{what}: {found:?}, expected {expected:?}");
}

/// What is done with a part: the graph, and the same on numbers.
type Use = (&'static str, for<'g> fn(Tensor<'g>) -> Tensor<'g>, fn(&[f64]) -> Vec<f64>);

const USES: [Use; 7] = [
    ("scaled", |x| x * 2.0, |v| v.iter().map(|x| x * 2.0).collect()),
    ("summed", |x| T::reduce_sum(x, (), false), |v| vec![v.iter().sum()]),
    ("largest", |x| T::reduce_max(x * 1.5, (), false), |v| vec![v.iter().fold(0.0, |m: f64, x| m.max(x * 1.5))]),
    ("cast", |x| T::cast(x, DType::F32) * 1.0f64 + x, |v| v.iter().map(|x| x * 2.0).collect()),
    ("chosen", |x| T::select(T::less(x, 5.0), x, -x), |v| v.iter().map(|&x| if x < 5.0 { x } else { -x }).collect()),
    ("sine", |x| T::sin(x * 1e9), |v| v.iter().map(|x| (x * 1e9).sin()).collect()),
    ("product", |x| T::matmul(x, x), |v| vec![v.iter().map(|x| x * x).sum()]),
];

#[test]
fn the_last_and_the_middle_elements_of_an_array() {
    for home in HOMES {
        for n in [8usize, 9, 64, 517, 1024, 131_072] {
            let last = (1..=9.min(n)).map(|k| (n - k, n));
            let more = [(n / 2, n), (1, n), (1, n - 1), (n / 2, n / 2 + 3), (n / 3, n - 1)];
            for (from, to) in last.chain(more) {
                let numbers: Vec<f64> = (from + 1..=to).map(|i| i as f64).collect();
                for (name, f, g) in USES {
                    let found = evaluated(home, &[n], |_, x| f(T::slice(x, [from as i64], [to as i64])));
                    near(&found, &g(&numbers), &format!("{name}, {home:?}, {from}..{to} of {n}"));
                }
            }
        }
    }
}

#[test]
fn the_middle_of_rows() {
    for home in HOMES {
        for (rows, cols) in [(1, 20), (2, 20), (7, 530), (40, 9), (600, 13)] {
            for (from, to) in [(3, 9), (2, cols - 1), (cols - 3, cols)] {
                fn part(x: Tensor<'_>, rows: usize, from: usize, to: usize) -> Tensor<'_> {
                    T::slice(x, [0, from as i64], [rows as i64, to as i64])
                }
                let row = |r: usize| (from..to).map(move |c| (r * cols + c + 1) as f64);
                let what = format!("{home:?}, {from}..{to} of {rows} x {cols}");
                let all: Vec<f64> = (0..rows).flat_map(row).map(|x| x * 2.0).collect();
                near(&evaluated(home, &[rows, cols], |_, x| part(x, rows, from, to) * 2.0), &all, &what);
                let sums: Vec<f64> = (0..rows).map(|r| row(r).sum()).collect();
                near(&evaluated(home, &[rows, cols], |_, x| T::reduce_sum(part(x, rows, from, to), 1i64, false)), &sums, &what);
                let columns: Vec<f64> = (from..to).map(|c| (0..rows).map(|r| (r * cols + c + 1) as f64).sum()).collect();
                near(&evaluated(home, &[rows, cols], |_, x| T::reduce_sum(part(x, rows, from, to), 0i64, false)), &columns, &what);
                let total = [sums.iter().sum::<f64>()];
                near(&evaluated(home, &[rows, cols], |_, x| T::reduce_sum(part(x, rows, from, to) + 0.0, (), false)), &total, &what);
            }
        }
    }
}

/// Set in the process that runs a test which may not end well: all ignored tests at once leave it alone.
const CHILD: &str = "BOUNDS_CHILD";

/// The test that another process runs, which may not end well: how it ends.
fn elsewhere(name: &str, guard: &str) -> std::process::ExitStatus {
    let mut c = Command::new(std::env::current_exe().unwrap());
    c.args([name, "--exact", "--ignored"]).env("SCIRS2_AUTOGRAD_GUARD", guard).env(CHILD, "1");
    c.output().unwrap().status
}

#[test]
#[ignore = "reads where nothing is: a_guard_faults runs it in a process of its own"]
fn read_behind_a_block() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let b = Block::new(100).unwrap();
    // SAFETY: not at all: with a guard this is a fault, without one it stays in the same page.
    unsafe { b.ptr().add(128).read_volatile() };
}

#[test]
#[ignore = "writes where nothing is: a_guard_faults runs it in a process of its own"]
fn write_after_the_drop() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let b = Block::new(100).unwrap();
    let p = b.ptr();
    drop(b);
    // SAFETY: not at all: with a guard this is a fault, without one the bytes wait in the pool.
    unsafe { p.write_volatile(1) };
}

#[test]
#[ignore = "a_guard_faults runs it in a process of its own"]
fn use_all_of_a_block() {
    for bytes in [0, 1, 64, 100, 4095, 4096, 4097, 1 << 20, (1 << 20) + 1] {
        let b = Block::new(bytes).unwrap();
        assert!(b.ptr().addr().is_multiple_of(64) && b.len() == bytes);
        // SAFETY: a block has room for whole vectors.
        unsafe { b.ptr().write_bytes(1, bytes.next_multiple_of(64)) };
    }
}

/// Without this, a guard that guards nothing would look like an engine without faults.
#[test]
fn a_guard_faults() {
    for name in ["read_behind_a_block", "write_after_the_drop"] {
        assert!(!elsewhere(name, "1").success(), "{name}");
    }
    assert!(elsewhere("use_all_of_a_block", "1").success() && elsewhere("use_all_of_a_block", "").success());
}
