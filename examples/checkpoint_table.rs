//! What checkpointing saves, and what it costs: the planned peak and the time of a training step by SGD, of four networks.
//!
//! `cargo run --release --example checkpoint_table [--scale n] [--repeats n] [--live] [name ...]` divides sizes by `n`, takes medians of
//! so many steps of processor time, and tells with `--live` what is in memory at the peak. Names choose networks.

#[path = "../tests/common/nets.rs"]
#[allow(dead_code, reason = "tests use the rest")]
mod nets;

use std::collections::BTreeMap;

use nets::{Activation, Around, Kind, Net};
use scirs2_autograd::checkpoint::Policy;
use scirs2_autograd::internals::{Kernel, updates};
use scirs2_autograd::optimizers::sgd::SGD;
use scirs2_autograd::{DType, Feeder, Plan, Result, set_num_threads, tensor_ops as T, trim};

/// What is said of the memory of a step.
enum Said {
    Nothing,
    Policy(Policy),
    /// So much of the plain peak.
    Budget(f64, usize),
}

/// Processor time of this thread, in seconds.
fn clock() -> f64 {
    let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `t` is a timespec.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut t) };
    t.tv_sec as f64 + t.tv_nsec as f64 * 1e-9
}

/// The peak of a step, its time, and what it computes again.
fn step(net: Net, said: &Said, repeats: usize, live: bool) -> Result<(usize, f64, usize)> {
    trim();
    net.environment(DType::F32).run(|ctx| {
        let built = net.over_variables(ctx, DType::F32, &Around::Nothing);
        let grads = T::grad(&[built.loss], &built.params);
        let writes = updates(&SGD::new(1e-3), &built.params, &grads, ctx)?;
        let ask = || {
            let feeder = built.feeds.iter().fold(Feeder::new(), |f, (t, a)| f.push(t, a));
            let ask = writes.iter().fold(ctx.evaluator().push(built.loss), |ask, t| ask.write(t)).set_feeder(feeder);
            match said {
                Said::Nothing => ask,
                Said::Policy(p) => ask.checkpoint(p.clone()),
                Said::Budget(part, plain) => ask.memory_budget((part * *plain as f64) as usize),
            }
        };
        let plan = ask().plan()?;
        if live {
            show_live(&plan);
        }
        let mut times = vec![];
        for round in 0..repeats + 1 {
            let begin = clock();
            ask().run().into_iter().collect::<Result<Vec<_>>>()?;
            times.extend((round > 0).then(|| clock() - begin));
        }
        times.sort_by(f64::total_cmp);
        Ok((plan.peak_bytes(), times[times.len() / 2], plan.recomputation.values))
    })
}

/// Prints the values that are in memory when the most is.
fn show_live(plan: &Plan) {
    let nodes = &plan.ir().nodes;
    let mut root: Vec<usize> = vec![];
    for (i, n) in nodes.iter().enumerate() {
        let shown = n.inputs.first().filter(|_| n.passes() || matches!(n.kernel(), Some(Kernel::View(_))));
        root.push(shown.map_or(i, |r| root[r.node as usize]));
    }
    // When each value is made, and when it is read last.
    let (mut made, mut last) = (vec![usize::MAX; nodes.len()], vec![0; nodes.len()]);
    for (t, step) in plan.steps.iter().enumerate() {
        for &i in &step.nodes {
            made[i as usize] = t;
            for r in &nodes[i as usize].inputs {
                last[root[r.node as usize]] = t;
            }
        }
    }
    let Some((peak, step)) = plan.steps.iter().enumerate().max_by_key(|(_, s)| s.live) else { return };
    println!("  at the peak, step {peak} of {}: {} bytes", plan.steps.len(), step.live);
    let mut kinds: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for (i, n) in nodes.iter().enumerate() {
        let inside = made[i] == last[i];
        if root[i] == i && made[i] <= peak && last[i] >= peak && made[i] != usize::MAX && !inside {
            let of = match (n.again, n.part.sweep) {
                (true, _) => "computed again",
                (false, 0) => "kept",
                (false, _) => "of a gradient",
            };
            let entry = kinds.entry(format!("{of}: {} {:?}", n.name(), n.tys[0].dims)).or_default();
            entry.0 += 1;
            entry.1 += n.tys.iter().map(|t| t.bytes()).sum::<usize>();
        }
    }
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by_key(|(_, (_, bytes))| std::cmp::Reverse(*bytes));
    kinds.iter().take(16).for_each(|(kind, (n, bytes))| println!("    {bytes:>12} bytes, {n:>4} x {kind}"));
}

fn main() -> Result<()> {
    let (mut scale, mut repeats, mut live, mut names) = (1, 3, false, vec![]);
    let mut args = std::env::args().skip(1);
    while let Some(a) = args.next() {
        let mut number = || args.next().and_then(|n| n.parse::<usize>().ok()).filter(|&n| n > 0).expect("a number, 1 or more");
        match a.as_str() {
            "--scale" => scale = number(),
            "--repeats" => repeats = number(),
            "--live" => live = true,
            _ => names.push(a),
        }
    }
    set_num_threads(1)?;
    let s = |n: usize| (n / scale).max(8);
    let all = [
        ("deep", Net::new(Kind::Mlp(Activation::Tanh), 48, s(1024), s(512))),
        ("transformer", Net::new(Kind::Transformer { heads: 4, length: 128 }, 6, s(256), s(8))),
        ("lstm", Net::new(Kind::Lstm, 256, s(256), s(64))),
        ("unet", Net::new(Kind::Unet { joined: true }, 5, s(1024), s(2048))),
        ("residual", Net::new(Kind::Residual { side: s(28) }, 12, s(32).max(8), s(32))),
        ("tower", Net::new(Kind::Tower, 24, s(512), s(1024))),
        ("chain", Net::new(Kind::Chain, 64, s(512), s(1024))),
    ];
    println!("| network | plain peak | segments: peak, time | 30 % budget: peak, time |");
    println!("| --- | --: | --: | --: |");
    for (name, net) in all {
        if !names.is_empty() && !names.iter().any(|n| name.contains(n.as_str())) {
            continue;
        }
        let (plain, time, _) = step(net, &Said::Nothing, repeats, live)?;
        let cell = |said: Said| match step(net, &said, repeats, live) {
            Ok((peak, t, again)) => {
                format!(
                    "{:.1} MB ({:.0} %), {:.2} x, {again} values again",
                    peak as f64 / 1e6,
                    100.0 * peak as f64 / plain as f64,
                    t / time
                )
            }
            Err(e) => e.to_string(),
        };
        let segments = cell(Said::Policy(Policy::segments(None)));
        let budget = cell(Said::Budget(0.3, plain));
        println!("| {name} {}, {} x {} | {:.1} MB | {segments} | {budget} |", net.depth, net.width, net.batch, plain as f64 / 1e6);
    }
    Ok(())
}
