//! The workers of the process, and the jobs that they share with the thread of a run.
//!
//! What a worker may take is in one word: for how many threads the job is, and how many of its parts nobody has taken. A part
//! is taken by a compare-and-swap of that word, so a worker that comes late takes a part of the job that there is now, or none.
//! A job ends when its parts are done: nobody waits for a worker that sleeps, or that a fork has left behind.
//!
//! Locks are the standard library's: the table in which others keep who waits could be locked in the child of a fork.

use std::hint::spin_loop;
use std::mem::{MaybeUninit, forget};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{Builder, Thread, park};
use std::time::{Duration, Instant};

use append_only_vec::AppendOnlyVec;

use super::seat::Seat;
use super::{cores, threads};

/// What is done to each part: the thread, from 0 on, and the part.
type Work<'a> = &'a (dyn Fn(usize, usize) + Sync);

/// How long a thread waits awake: as long as to wake it takes.
const SPIN: Duration = Duration::from_micros(30);
/// The bits of an offer that count parts; above them is the number of threads.
const BITS: u32 = 48;

/// The pool of this process; none before its first team, and none in the child of a fork, which inherits no worker.
static POOL: AtomicPtr<Pool> = AtomicPtr::new(null_mut());

/// A cache line of its own, and the one that the processor fetches with it.
#[repr(align(128))]
struct Line<T>(T);

/// What the threads of a job read.
struct Job {
    /// A `Work` on the stack of the thread that waits for the job to end.
    work: AtomicPtr<()>,
    parts: AtomicUsize,
    /// Whether a part panicked.
    failed: AtomicBool,
}

/// A worker, as others see it.
struct Worker {
    seat: Arc<Line<Seat>>,
    thread: Thread,
}

struct Pool {
    /// The threads of the job, and the parts that are left to take. 0 while there is no team.
    offer: Line<AtomicU64>,
    /// Parts that are not done.
    pending: Line<AtomicUsize>,
    job: Line<Job>,
    /// Whether a team has the workers.
    held: AtomicBool,
    /// Whether each thread of the team has a core, so that waiting awake takes it from no other.
    spins: AtomicBool,
    /// Whether the team's own thread sleeps until the job has ended.
    waits: AtomicBool,
    gate: Mutex<()>,
    ended: Condvar,
    /// Thread `t` is at `t - 1`. They are added by who holds the pool.
    workers: AppendOnlyVec<Worker>,
}

/// The workers, held by one run.
pub struct Team {
    pool: &'static Pool,
    size: usize,
}

impl Team {
    /// Takes at most `wanted` threads, the calling one included, and no more than a run may use. None where that is one, where
    /// another run has the workers, which nobody waits for, and where no thread can be started.
    pub fn join(wanted: usize) -> Option<Team> {
        let wanted = wanted.min(threads());
        if wanted < 2 { None } else { pool()?.join(wanted, cores()) }
    }

    /// How many threads there are, the calling one included.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Does the work of every part once, on any thread, and returns when all are done; false if one panicked, the others being
    /// done all the same. A thread does one part at a time. Threads are numbered from 0, the calling one, to the size.
    pub fn each(&mut self, parts: usize, work: &(dyn Fn(usize, usize) + Sync)) -> bool {
        if parts < 2 || parts as u64 >> BITS > 0 {
            return (0..parts).filter(|&part| !done(work, 0, part)).count() == 0;
        }
        self.pool.each(self.size, parts, work)
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.pool.offer.0.store(0, Relaxed);
        self.pool.held.store(false, Release);
    }
}

/// Does one part; false if it panicked.
fn done(work: Work<'_>, thread: usize, part: usize) -> bool {
    // Dropping what was thrown may throw again.
    catch_unwind(AssertUnwindSafe(|| work(thread, part))).map_err(forget).is_ok()
}

/// The pool of this process. No lock is taken, since a fork may come at any time.
fn pool() -> Option<&'static Pool> {
    static WATCHED: AtomicBool = AtomicBool::new(false);

    extern "C" fn forked() {
        POOL.store(null_mut(), Relaxed);
    }

    let mut there = POOL.load(Acquire);
    if there.is_null() {
        if !WATCHED.load(Acquire) {
            // Two threads may both come here: to be called twice does no harm.
            // SAFETY: the handler may be called after a fork: it stores a pointer, and stays loaded as long as this library.
            if unsafe { libc::pthread_atfork(None, None, Some(forked)) } != 0 {
                return None;
            }
            WATCHED.store(true, Release);
        }
        let new = Box::into_raw(Box::new(Pool::new()));
        there = match POOL.compare_exchange(null_mut(), new, AcqRel, Acquire) {
            Ok(_) => new,
            Err(there) => {
                // SAFETY: it came from the box, and nobody else has seen it.
                drop(unsafe { Box::from_raw(new) });
                there
            }
        };
    }
    // SAFETY: what stands there came from a box and is never freed.
    Some(unsafe { &*there })
}

impl Pool {
    fn new() -> Pool {
        Pool {
            offer: Line(AtomicU64::new(0)),
            pending: Line(AtomicUsize::new(0)),
            job: Line(Job { work: AtomicPtr::new(null_mut()), parts: AtomicUsize::new(0), failed: AtomicBool::new(false) }),
            held: AtomicBool::new(false),
            spins: AtomicBool::new(false),
            waits: AtomicBool::new(false),
            gate: Mutex::new(()),
            ended: Condvar::new(),
            workers: AppendOnlyVec::new(),
        }
    }

    fn join(&'static self, wanted: usize, cores: usize) -> Option<Team> {
        self.held.compare_exchange(false, true, Acquire, Relaxed).ok()?;
        while self.workers.len() + 1 < wanted && self.start() {}
        let size = wanted.min(self.workers.len() + 1);
        let team = Team { pool: self, size };
        self.spins.store(size <= cores, Relaxed);
        (size > 1).then_some(team)
    }

    /// Starts one more worker; false if the system has none.
    fn start(&'static self) -> bool {
        let thread = self.workers.len() + 1;
        let seat = Arc::new(Line(Seat::new()));
        let own = seat.clone();
        let started = Builder::new().name(format!("scirs2-autograd-{thread}")).spawn(move || {
            leave_signals_to_others();
            self.serve(thread, &own.0)
        });
        started.map(|handle| self.workers.push(Worker { seat, thread: handle.thread().clone() })).is_ok()
    }

    /// The life of a worker. It ends with the process.
    fn serve(&self, thread: usize, seat: &Seat) -> ! {
        let mut eager = true;
        loop {
            if !self.take(thread) {
                eager = self.idle(thread, seat, eager);
            }
        }
    }

    fn each(&self, size: usize, parts: usize, work: Work<'_>) -> bool {
        let job = &self.job.0;
        job.work.store((&raw const work).cast_mut().cast(), Relaxed);
        job.parts.store(parts, Relaxed);
        job.failed.store(false, Relaxed);
        self.pending.0.store(parts, Relaxed);
        // This makes the above visible to who takes a part, and comes before the question who sleeps.
        self.offer.0.store((size as u64) << BITS | parts as u64, SeqCst);
        self.take(0);
        // Nothing from the offer to here panics: the work must outlive the job.
        self.wait();
        !job.failed.load(Relaxed)
    }

    /// Parts that are left to a thread; none if the team, if there is one, has no such thread.
    fn left(&self, thread: usize) -> Option<u64> {
        let offer = self.offer.0.load(SeqCst);
        ((offer >> BITS) as usize > thread).then_some(offer & ((1 << BITS) - 1))
    }

    /// Does parts until none are left to take; false if none were.
    fn take(&self, thread: usize) -> bool {
        let job = &self.job.0;
        let mut taken = 0;
        let mut offer = self.offer.0.load(Relaxed);
        loop {
            let (size, left) = ((offer >> BITS) as usize, (offer & ((1 << BITS) - 1)) as usize);
            if size <= thread || left == 0 {
                break;
            }
            match self.offer.0.compare_exchange_weak(offer, offer - 1, SeqCst, Relaxed) {
                Err(now) => offer = now,
                Ok(_) => {
                    if taken == 0 {
                        self.wake(2 * thread + 1..size.min(2 * thread + 3).min(2 * thread + left));
                    }
                    taken += 1;
                    // SAFETY: the job has a part that is not done, so the thread that waits for it keeps the work.
                    let work = unsafe { *job.work.load(Relaxed).cast::<Work<'_>>() };
                    if !done(work, thread, job.parts.load(Relaxed) - left) {
                        job.failed.store(true, Relaxed);
                    }
                    offer = self.offer.0.load(Relaxed);
                }
            }
        }
        // What the parts wrote is visible to who sees that none are pending.
        if taken > 0 && self.pending.0.fetch_sub(taken, SeqCst) == taken && self.waits.load(SeqCst) {
            drop(self.gate.lock().unwrap_or_else(PoisonError::into_inner));
            self.ended.notify_one();
        }
        taken > 0
    }

    /// Wakes those of these workers who sleep. Each wakes two more, if there is still something to do then.
    fn wake(&self, threads: std::ops::Range<usize>) {
        for worker in threads.map(|t| &self.workers[t - 1]) {
            let seat = &worker.seat.0;
            if seat.asleep.load(SeqCst) && seat.asleep.swap(false, SeqCst) {
                if self.spins.load(Relaxed) {
                    seat.aside();
                }
                worker.thread.unpark();
            }
        }
    }

    /// Waits until all parts are done.
    fn wait(&self) {
        let ended = || self.pending.0.load(SeqCst) == 0;
        if ended() || self.spins.load(Relaxed) && spin(|| ended().then_some(())).is_some() {
            return;
        }
        let mut gate = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        self.waits.store(true, SeqCst);
        while !ended() {
            gate = self.ended.wait(gate).unwrap_or_else(PoisonError::into_inner);
        }
        self.waits.store(false, Relaxed);
    }

    /// A worker waits for something to do, awake at first if that has paid: whether it has, this time, is what is returned.
    fn idle(&self, thread: usize, seat: &Seat, mut eager: bool) -> bool {
        let began = Instant::now();
        if eager && self.spins.load(Relaxed) {
            // To be left by the team says nothing about the next one.
            match spin(|| self.left(thread).map_or(Some(false), |n| (n > 0).then_some(true))) {
                Some(true) => return true,
                gone => eager = gone.is_some(),
            }
        }
        seat.leave();
        seat.asleep.store(true, SeqCst);
        // Who offers work asks after that who sleeps: one of the two sees the other.
        if self.left(thread).is_some_and(|n| n > 0) {
            seat.asleep.store(false, SeqCst);
        }
        while seat.asleep.load(SeqCst) {
            park();
        }
        seat.back();
        eager || began.elapsed() < SPIN
    }
}

/// Waits awake for an answer, but not for long.
fn spin<R>(answer: impl Fn() -> Option<R>) -> Option<R> {
    let began = Instant::now();
    loop {
        for _ in 0..32 {
            if let Some(r) = answer() {
                return Some(r);
            }
            spin_loop();
        }
        if began.elapsed() > SPIN {
            return None;
        }
    }
}

/// Signals go to threads of the program, which may wait for them, except for those that a thread's own code or clock causes.
fn leave_signals_to_others() {
    let mut set = MaybeUninit::uninit();
    // SAFETY: the set is filled before anything else is done with it.
    unsafe {
        libc::sigfillset(set.as_mut_ptr());
        for own in [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP, libc::SIGABRT, libc::SIGPROF] {
            libc::sigdelset(set.as_mut_ptr(), own);
        }
        libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), null_mut());
    }
}

#[cfg(test)]
mod tests;
