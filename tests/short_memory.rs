//! Short memory: where the system has none for a graph, a plan or a run, there is an error. A child process gets a limit of
//! its address space, at which an allocation that nobody asked for would end it.

#![cfg(target_os = "linux")]

use std::process::Command;

use scirs2_autograd::{Context, ErrorKind, Result, Tensor, run, tensor_ops as T};

/// Names of what the child does, and its bytes.
const KIND: &str = "SCIRS2_AUTOGRAD_TEST_KIND";
const BYTES: &str = "SCIRS2_AUTOGRAD_TEST_BYTES";
const NODES: usize = 300_000;

/// Bytes of the process's address space.
fn address_space() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').next().unwrap().parse::<usize>().unwrap() * 4096
}

fn limit(bytes: usize) {
    let max = (address_space() + bytes) as u64;
    let limit = libc::rlimit { rlim_cur: max, rlim_max: max };
    // SAFETY: a plain system call.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) }, 0);
}

fn built(t: Tensor<'_>) -> Result<Tensor<'_>> {
    t.error().map_or(Ok(t), Err)
}

/// A chain that goes on after an error, as Rust programs do.
fn chain<'g>(x: Tensor<'g>) -> Result<Tensor<'g>> {
    built((0..NODES / 2).fold(x, |y, _| -T::sin(y)))
}

fn eval(ctx: &Context, t: Tensor<'_>) -> Result<()> {
    ctx.evaluator().push(ctx.tensor(t.value())).feed("x", 0.5).run().pop().unwrap().map(|_| ())
}

/// Runs one kind of program under a limit that holds from its start.
fn child(kind: &str, bytes: usize) -> Result<()> {
    run(|ctx| {
        let x = ctx.placeholder("x", &[]);
        match kind {
            "graph" => {
                limit(bytes);
                chain(x).map(|_| ())
            }
            // Numbers of their own: each is a new leaf, also after the first error.
            "leaves" => {
                limit(bytes);
                let all: Vec<Tensor<'_>> = (0..NODES).map(|k| x.graph().scalar((k as f64).into(), x.dtype())).collect();
                all.into_iter().try_for_each(|t| built(t).map(|_| ()))
            }
            "shapes" => {
                limit(bytes);
                (0..NODES / 4).try_for_each(|k| built(T::broadcast_to(x, [k as i64])).map(|_| ()))
            }
            "plan" => {
                let y = chain(x)?;
                limit(bytes);
                eval(ctx, y)
            }
            "steps" => {
                let m = T::broadcast_to(x, [2, 2]);
                let y = T::reduce_sum((0..NODES / 10).fold(m, |y, k| T::matmul(y, m + k as f64)), (), false);
                limit(bytes);
                eval(ctx, y)
            }
            "lines" => {
                let y = chain(x)?;
                eval(ctx, y)?;
                limit(bytes);
                ctx.evaluator().push(y).feed("x", 0.5).plan().map(|p| assert!(p.explain().len() > NODES))
            }
            _ => panic!("{kind}"),
        }
    })
}

/// Not a test: what the child runs.
#[test]
fn the_child() {
    let (Ok(kind), Ok(bytes)) = (std::env::var(KIND), std::env::var(BYTES)) else { return };
    match child(&kind, bytes.parse().unwrap()) {
        Ok(()) => println!("outcome: done"),
        Err(e) => println!("outcome: {:?}: {e}", e.kind()),
    }
}

/// The child does what it should, or says that there is no memory; with the most memory it is done.
fn outcomes(kind: &str, mebibytes: &[usize]) {
    let mut done = false;
    for m in mebibytes {
        let out = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_child", "--nocapture", "--test-threads=1"])
            .env(KIND, kind)
            .env(BYTES, (m << 20).to_string())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        let said = text.lines().find_map(|l| l.split("outcome: ").nth(1));
        println!("{kind}, {m} MiB: {said:?}");
        let said = said.unwrap_or_else(|| panic!("{kind}, {m} MiB: {}\n{text}\n{}", out.status, String::from_utf8_lossy(&out.stderr)));
        done = said == "done";
        let refused = said.starts_with(&format!("{:?}: ", ErrorKind::Memory)) && said.contains("there is not enough memory. Got ");
        assert!(done || refused, "{kind}, {m} MiB: {said}");
    }
    assert!(done, "{kind} fits");
}

#[test]
fn a_graph_that_does_not_fit_is_an_error() {
    outcomes("graph", &[10, 33, 60, 80, 100, 150, 1000]);
    outcomes("leaves", &[10, 50, 100, 1000]);
    outcomes("shapes", &[10, 33, 60, 1000]);
}

#[test]
fn a_plan_that_does_not_fit_is_an_error() {
    outcomes("plan", &[1, 20, 100, 180, 280, 2000]);
    outcomes("steps", &[1, 10, 100, 200, 3000]);
    outcomes("lines", &[1, 20, 200, 1000]);
}
