use std::cell::UnsafeCell;
use std::panic::resume_unwind;
use std::thread::yield_now;

use super::*;

/// A pool of the test's own, which nobody else holds.
fn fresh() -> &'static Pool {
    Box::leak(Box::new(Pool::new()))
}

/// Waits for what happens sooner or later, or fails.
fn sooner_or_later(what: impl Fn() -> bool) {
    let begun = Instant::now();
    while !what() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it does not happen");
        yield_now();
    }
}

fn sleeps(worker: &Worker) -> bool {
    worker.seat.0.asleep.load(SeqCst)
}

/// Each part writes into a place of its own what it reads from another, without atomics.
struct Places(Vec<UnsafeCell<u64>>);
// SAFETY: a place is touched by one thread at a time, as the tests have it.
unsafe impl Sync for Places {}

impl Places {
    fn get(&self, i: usize) -> u64 {
        // SAFETY: as above.
        unsafe { *self.0[i].get() }
    }

    fn set(&self, i: usize, value: u64) {
        // SAFETY: as above.
        unsafe { *self.0[i].get() = value }
    }
}

/// One job: each part is done once, by a thread that the team has and that does nothing else, and results are there after it.
fn job(team: &mut Team, parts: usize) {
    let size = team.size();
    let places = Places((0..2 * parts).map(|_| UnsafeCell::new(0)).collect());
    let busy: Vec<AtomicBool> = (0..size).map(|_| AtomicBool::new(false)).collect();
    (0..parts).for_each(|p| places.set(p, 3 * p as u64 + 1));
    assert!(team.each(parts, &|thread, part| {
        assert!(!busy[thread].swap(true, Relaxed));
        places.set(parts + part, places.get(parts + part) + places.get(part));
        assert!(busy[thread].swap(false, Relaxed));
    }));
    (0..parts).for_each(|p| assert_eq!(places.get(parts + p), 3 * p as u64 + 1, "{size} threads, {p} of {parts} parts"));
}

#[test]
fn every_part_is_done_once() {
    let pool = fresh();
    // Awake and asleep, and larger teams before smaller ones: what is left over takes no part.
    for cores in [1, 8] {
        for size in [2, 5, 3, 2, 4, 2, 5] {
            let mut team = pool.join(size, cores).unwrap();
            assert_eq!(team.size(), size);
            assert_eq!(pool.spins.load(Relaxed), size <= cores);
            (0..40).chain([1000]).for_each(|parts| job(&mut team, parts));
        }
    }
    assert_eq!(pool.workers.len(), 4);
}

#[test]
fn a_thread_that_the_team_lacks_takes_no_part() {
    let pool = fresh();
    // One that comes late from a larger team.
    assert!(pool.join(2, 1).unwrap().each(100, &|_, _| assert!(!pool.take(2) && pool.left(2).is_none())));
}

#[test]
fn threads_share_the_parts() {
    let pool = fresh();
    let mut team = pool.join(4, 1).unwrap();
    for _ in 0..20 {
        // No part ends before each thread has begun one.
        let here = AtomicUsize::new(0);
        let seen: Vec<AtomicUsize> = (0..4).map(|_| AtomicUsize::new(0)).collect();
        assert!(team.each(4, &|thread, _| {
            seen[thread].fetch_add(1, Relaxed);
            here.fetch_add(1, Relaxed);
            sooner_or_later(|| here.load(Relaxed) == 4);
        }));
        assert!(seen.iter().all(|n| n.load(Relaxed) == 1), "{seen:?}");
    }
}

#[test]
fn a_panic_ends_a_part_and_nothing_else() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            resume_unwind(Box::new("dropped"));
        }
    }
    let mut team = fresh().join(3, 1).unwrap();
    for parts in [1, 2, 5, 100] {
        for bad in 0..parts {
            let did = AtomicUsize::new(0);
            let good = team.each(parts, &|_, part| {
                did.fetch_add(1, Relaxed);
                // Not by the hook, which prints.
                if part == bad {
                    resume_unwind(Box::new(Bomb));
                }
            });
            assert!(!good && did.load(Relaxed) == parts);
            job(&mut team, parts);
        }
        assert!(!team.each(parts, &|_, _| resume_unwind(Box::new(1))));
    }
}

#[test]
fn the_first_run_gets_the_workers() {
    let pool = fresh();
    let mut team = pool.join(2, 1).unwrap();
    assert!(pool.join(2, 1).is_none());
    assert!(std::thread::scope(|s| s.spawn(|| pool.join(2, 1).is_none()).join().unwrap()));
    // Nor does a part of its own.
    assert!(team.each(10, &|_, _| assert!(pool.join(2, 1).is_none())));
    drop(team);
    assert!(pool.join(2, 1).is_some() && pool.join(2, 1).is_some());

    let joined = AtomicUsize::new(0);
    std::thread::scope(|s| {
        for size in 2..6 {
            let joined = &joined;
            s.spawn(move || {
                for parts in 0..300 {
                    if let Some(mut team) = pool.join(size, 2) {
                        joined.fetch_add(1, Relaxed);
                        job(&mut team, parts % 13);
                    }
                }
            });
        }
    });
    assert!(joined.load(Relaxed) >= 300);
}

#[test]
fn one_thread_is_no_team() {
    let pool = fresh();
    for wanted in [0, 1] {
        assert!(pool.join(wanted, 8).is_none());
        assert!(Team::join(wanted).is_none());
    }
    assert_eq!(pool.workers.len(), 0);
    assert!(!pool.held.load(Relaxed));
}

#[test]
fn workers_sleep_where_they_are_of_no_use() {
    let pool = fresh();
    let mut team = pool.join(3, 3).unwrap();
    job(&mut team, 100);
    // For lack of work.
    sooner_or_later(|| pool.workers.iter().all(sleeps));
    // For lack of a team.
    job(&mut team, 100);
    drop(team);
    sooner_or_later(|| pool.workers.iter().all(sleeps));
}

#[test]
fn as_many_are_woken_as_there_is_work_for() {
    // Workers that are not there show who was woken. Each thread wakes two: one alone would take long over many.
    let woken = |size, parts, second: bool| {
        let pool = fresh();
        for _ in 0..8 {
            let seat = Arc::new(Line(Seat::new()));
            seat.0.asleep.store(true, SeqCst);
            pool.workers.push(Worker { seat, thread: std::thread::current() });
        }
        // What thread 1 would do, if it were awake.
        let work = |thread: usize, part: usize| assert!(!second || thread > 0 || part > 0 || pool.take(1));
        assert!(pool.each(size, parts, &work));
        (1..9).filter(|t| !sleeps(&pool.workers[t - 1])).collect::<Vec<_>>()
    };
    assert_eq!(woken(9, 2, false), [1]);
    assert_eq!(woken(9, 3, false), [1, 2]);
    assert_eq!(woken(9, 100, false), [1, 2]);
    assert_eq!(woken(2, 100, false), [1]);
    assert_eq!(woken(9, 100, true), [1, 2, 3, 4]);
    assert_eq!(woken(9, 3, true), [1, 2, 3]);
    assert_eq!(woken(4, 100, true), [1, 2, 3]);
}

#[test]
fn a_worker_waits_awake_only_for_a_team() {
    let pool = fresh();
    let seat = Seat::new();
    // As a worker that has nothing to do, until it sleeps and is woken.
    let idle = |eager| {
        std::thread::scope(|s| {
            let worker = s.spawn(|| pool.idle(1, &seat, eager));
            sooner_or_later(|| seat.asleep.load(SeqCst));
            // Longer than it would have waited awake.
            std::thread::sleep(2 * SPIN);
            seat.asleep.store(false, SeqCst);
            worker.thread().unpark();
            worker.join().unwrap()
        })
    };
    pool.spins.store(true, Relaxed);
    assert!(idle(true), "without a team it has not tried");
    pool.offer.0.store(2 << BITS, SeqCst);
    assert!(!idle(true), "it has waited awake for nothing");
    assert!(!idle(false));
    pool.offer.0.store(1 << BITS, SeqCst);
    assert!(idle(true), "the team has no such thread");
    // There is work: it does not sleep.
    pool.offer.0.store(2 << BITS | 1, SeqCst);
    assert!(pool.idle(1, &seat, true) && !seat.asleep.load(SeqCst));
    pool.idle(1, &seat, false);
    assert!(!seat.asleep.load(SeqCst));
}

#[test]
#[cfg(target_os = "linux")]
fn a_worker_has_a_name_and_leaves_signals_to_others() {
    let mut team = fresh().join(2, 1).unwrap();
    let here = AtomicUsize::new(0);
    assert!(team.each(2, &|thread, _| {
        here.fetch_add(1, Relaxed);
        sooner_or_later(|| here.load(Relaxed) == 2);
        let blocks = |signal| {
            let mut set = MaybeUninit::uninit();
            // SAFETY: the call fills the set and changes nothing.
            unsafe {
                assert_eq!(libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), set.as_mut_ptr()), 0);
                libc::sigismember(set.as_ptr(), signal) == 1
            }
        };
        assert_eq!(blocks(libc::SIGINT), thread == 1);
        assert!(!blocks(libc::SIGSEGV));
        if thread == 1 {
            assert_eq!(std::thread::current().name(), Some("scirs2-autograd-1"));
            assert_eq!(std::fs::read_to_string("/proc/thread-self/comm").unwrap(), "scirs2-autograd\n");
        }
    }));
}

/// Runs `f` in the child of a fork; true if it returned true there.
fn in_child(f: impl FnOnce() -> bool) -> bool {
    // SAFETY: the child calls what takes no lock but the allocator's, which is made anew, and does not return.
    unsafe {
        match libc::fork() {
            0 => {
                // What it would say of a panic may wait for a lock that another thread had.
                libc::alarm(60);
                libc::_exit(i32::from(!catch_unwind(AssertUnwindSafe(f)).unwrap_or(false)))
            }
            child => {
                let mut status = -1;
                assert_eq!(libc::waitpid(child, &raw mut status, 0), child);
                status == 0
            }
        }
    }
}

#[test]
fn the_child_of_a_fork_has_workers_of_its_own() {
    let of_the_process = || pool().unwrap().join(3, 1);
    let mut team = loop {
        // Another test may have them.
        match of_the_process() {
            Some(team) => break team,
            None => yield_now(),
        }
    };
    job(&mut team, 100);
    assert!(in_child(|| {
        // The parent's team goes on without workers; the child has others, and so has its own child.
        job(&mut team, 100);
        let mut own = of_the_process().unwrap();
        job(&mut own, 100);
        assert!(of_the_process().is_none());
        drop(own);
        in_child(|| {
            job(&mut of_the_process().unwrap(), 100);
            true
        })
    }));
    assert!(!in_child(|| false));
    job(&mut team, 100);
}
