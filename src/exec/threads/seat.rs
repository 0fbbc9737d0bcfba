//! Where a worker sleeps, and on which core it is woken.
//!
//! Linux may wake a worker on the core of who wakes it although another one is idle: it looks for an idle core only as long as it expects to
//! find one, and with two cores of which one is busy it does not look. The worker then waits until cores are balanced, for milliseconds, in
//! which all parts are done by one thread.

use std::sync::atomic::AtomicBool;

#[cfg(target_os = "linux")]
use std::sync::atomic::{
    AtomicI32,
    Ordering::{Relaxed, SeqCst},
};

/// A worker that sleeps, as others see it.
pub struct Seat {
    pub asleep: AtomicBool,
    /// The kernel's number of the thread; 0 before it has slept.
    #[cfg(target_os = "linux")]
    thread: AtomicI32,
    /// The core that it may not use until it has woken.
    #[cfg(target_os = "linux")]
    barred: AtomicI32,
}

#[cfg(target_os = "linux")]
impl Seat {
    pub fn new() -> Seat {
        Seat { asleep: AtomicBool::new(false), thread: AtomicI32::new(0), barred: AtomicI32::new(-1) }
    }

    /// The worker says who it is, before it sleeps.
    pub fn leave(&self) {
        // It may have woken by itself, before it was kept from a core.
        self.back();
        // SAFETY: it only asks.
        self.thread.store(unsafe { libc::gettid() }, Relaxed);
    }

    /// Keeps the worker, who is about to be woken, from the core of the calling thread, if it may use another.
    pub fn aside(&self) {
        // SAFETY: it only asks.
        let here = unsafe { libc::sched_getcpu() };
        let thread = self.thread.load(Relaxed);
        let Some(mut cores) = (thread != 0).then(|| cores_of(thread)).flatten() else { return };
        // SAFETY: the set has room for the core, which is asked first.
        unsafe {
            if !(0..libc::CPU_SETSIZE).contains(&here) || !libc::CPU_ISSET(here as usize, &cores) || libc::CPU_COUNT(&cores) < 2 {
                return;
            }
            libc::CPU_CLR(here as usize, &mut cores);
        }
        self.barred.store(here, SeqCst);
        allow(thread, &cores);
    }

    /// The worker has woken: any of its cores will do again.
    pub fn back(&self) {
        if self.barred.load(SeqCst) < 0 {
            return;
        }
        let barred = self.barred.swap(-1, SeqCst);
        if let (Ok(core), Some(mut cores)) = (usize::try_from(barred), cores_of(0)) {
            // SAFETY: the core was in such a set.
            unsafe { libc::CPU_SET(core, &mut cores) };
            allow(0, &cores);
        }
    }
}

/// The cores that a thread may use, the calling one for 0; none where they cannot be asked for.
#[cfg(target_os = "linux")]
fn cores_of(thread: i32) -> Option<libc::cpu_set_t> {
    // SAFETY: a set is plain bits; it is filled by the call.
    unsafe {
        let mut cores: libc::cpu_set_t = std::mem::zeroed();
        (libc::sched_getaffinity(thread, size_of_val(&cores), &mut cores) == 0).then_some(cores)
    }
}

/// Lets a thread use these cores, if the system agrees.
#[cfg(target_os = "linux")]
fn allow(thread: i32, cores: &libc::cpu_set_t) {
    // SAFETY: the set is whole.
    unsafe { libc::sched_setaffinity(thread, size_of_val(cores), cores) };
}

#[cfg(not(target_os = "linux"))]
impl Seat {
    pub fn new() -> Seat {
        Seat { asleep: AtomicBool::new(false) }
    }
    pub fn leave(&self) {}
    pub fn aside(&self) {}
    pub fn back(&self) {}
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn count(thread: i32) -> i32 {
        // SAFETY: it counts bits.
        cores_of(thread).map_or(0, |set| unsafe { libc::CPU_COUNT(&set) })
    }

    #[test]
    fn a_worker_is_kept_from_the_core_of_who_wakes_it_until_it_has_woken() {
        // Here the worker and who wakes it are one thread.
        let seat = Seat::new();
        let (all, mut kept) = (count(0), 0);
        for _ in 0..100 {
            seat.leave();
            seat.aside();
            // The scheduler may have moved the thread between the two.
            let barred = seat.barred.load(Relaxed);
            if all < 2 {
                assert_eq!((barred, count(0)), (-1, all));
            } else if barred >= 0 {
                assert_eq!(count(0), all - 1);
                // SAFETY: it only asks.
                assert_ne!(unsafe { libc::sched_getcpu() }, barred);
                kept += 1;
            }
            seat.back();
            assert_eq!((seat.barred.load(Relaxed), count(0)), (-1, all));
        }
        assert!(kept > 0 || all < 2);
    }

    #[test]
    fn who_has_not_said_who_it_is_is_left_alone() {
        let all = count(0);
        // The latter does not exist, as one that has ended.
        for thread in [0, i32::MAX] {
            let seat = Seat::new();
            seat.thread.store(thread, Relaxed);
            seat.aside();
            assert_eq!((seat.barred.load(Relaxed), count(0)), (-1, all));
        }
    }
}
