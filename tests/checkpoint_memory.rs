//! What plans that compute values again take: the planned peak is the measured one, by the allocator and by the system.

#[path = "common/allocated.rs"]
mod allocated;
#[path = "common/nets.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod nets;

use allocated::check;
use nets::{Activation, Around, Kind, Net};
use parking_lot::{Mutex, MutexGuard};
use scirs2_autograd::checkpoint::Policy;
use scirs2_autograd::internals::updates;
use scirs2_autograd::optimizers::sgd::SGD;
use scirs2_autograd::{DType, Feeder, set_num_threads, tensor_ops as T};

/// Arrays and arenas are counted for the process: one test at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    let guard = ALONE.lock();
    set_num_threads(1).unwrap();
    guard
}

/// A training step of a network, kept, segmented, and with a checkpointed function around each layer.
fn steps(name: &str, net: Net) {
    let _alone = alone();
    let ways = [
        ("plain", Around::Nothing, None),
        ("segments", Around::Nothing, Some(Policy::segments(None))),
        ("functions", Around::Groups(None), None),
    ];
    for (way, around, policy) in ways {
        net.environment(DType::F32).run(|ctx| {
            let built = net.over_variables(ctx, DType::F32, &around);
            let grads = T::grad(&[built.loss], &built.params);
            ctx.set_checkpoint_policy(policy);
            let writes = updates(&SGD::new(0.01), &built.params, &grads, ctx).unwrap();
            // Lists of what is bound: variables and feeds.
            check(&format!("{name}, {way}"), 1024 + 512 * built.params.len(), || {
                let feeder = built.feeds.iter().fold(Feeder::new(), |f, (t, a)| f.push(t, a));
                let ask = ctx.evaluator().push(built.loss).set_feeder(feeder);
                writes.iter().fold(ask, |ask, t| ask.write(t))
            });
        });
    }
}

#[test]
fn deep_network() {
    steps("deep network", Net::new(Kind::Mlp(Activation::Tanh), 16, 64, 512));
}

#[test]
fn transformer() {
    steps("transformer", Net::new(Kind::Transformer { heads: 4, length: 64 }, 4, 64, 8));
}

/// What a process of its own is to do: depth, width, batch, and the policy.
const CHILD: &str = "SCIRS2_AUTOGRAD_TRAIN";

/// Bytes of this process now (VmRSS), or the most it had (VmHWM).
fn resident(kind: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with(kind)).unwrap();
    1024 * line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap()
}

/// Trains a network: bytes that its plan, its variables and its feeds have, and by how many the process grew.
fn trained(net: Net, policy: Option<Policy>) -> [usize; 2] {
    set_num_threads(1).unwrap();
    let before = resident("VmRSS");
    let env = net.environment(DType::F32);
    let variables: usize = net.shapes().iter().map(|s| 4 * s.iter().product::<usize>()).sum();
    let planned = env.run(|ctx| {
        ctx.set_checkpoint_policy(policy);
        let built = net.over_variables(ctx, DType::F32, &Around::Nothing);
        let grads = T::grad(&[built.loss], &built.params);
        let sgd = SGD::new(0.01);
        let feeder = || built.feeds.iter().fold(Feeder::new(), |f, (t, a)| f.push(t, a.clone()));
        for _ in 0..2 {
            sgd.update(&built.params, &grads, ctx, feeder()).unwrap();
        }
        let writes = updates(&sgd, &built.params, &grads, ctx).unwrap();
        let plan = writes.iter().fold(ctx.evaluator(), |ask, t| ask.write(t)).set_feeder(feeder()).plan().unwrap();
        plan.peak_bytes() + built.feeds.iter().map(|f| f.1.bytes()).sum::<usize>()
    });
    [planned + variables, resident("VmHWM") - before]
}

/// Trains a network in processes of their own, without and with a policy; each must take what is planned, within a tenth.
fn processes(test: &str, net: Net) {
    if let Ok(policy) = std::env::var(CHILD) {
        // The code that is used, and what the process has once.
        trained(Net::new(net.kind, 2, 128, 128), None);
        let policy = (policy == "segments").then(|| Policy::segments(None));
        let [planned, grown] = trained(net, policy);
        println!("\nplanned {planned} grown {grown} end");
        return;
    }
    let _alone = alone();
    let mut planned_before = usize::MAX;
    for policy in ["plain", "segments"] {
        let me = std::env::current_exe().unwrap();
        let child = std::process::Command::new(me)
            .args([test, "--exact", "--nocapture", "--include-ignored"])
            .env(CHILD, policy)
            // A block behind a guard page has a page of its own.
            .env_remove("SCIRS2_AUTOGRAD_GUARD")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&child.stdout).into_owned();
        let numbers: Vec<usize> = text.split_whitespace().skip_while(|w| *w != "planned").filter_map(|w| w.parse().ok()).take(2).collect();
        let [planned, grown] = numbers[..] else { panic!("{text}\n{}", String::from_utf8_lossy(&child.stderr)) };
        println!("{net:?}, {policy}: planned {planned} bytes with variables and feeds, the process grew by {grown}");
        assert!(grown.abs_diff(planned) * 10 <= planned, "{policy}: planned {planned}, grown {grown}");
        assert!(planned < planned_before);
        planned_before = planned;
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_process_takes_what_is_planned() {
    processes("a_process_takes_what_is_planned", Net::new(Kind::Mlp(Activation::Tanh), 24, 128, 8192));
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "a training step of 48 layers of width 1024 takes seconds: make test-slow"]
fn a_large_process_takes_what_is_planned() {
    processes("a_large_process_takes_what_is_planned", Net::new(Kind::Mlp(Activation::Tanh), 48, 1024, 512));
}
