//! State that all threads of the process share. A fork waits until nobody changes it: the child finds it whole and unlocked.
//!
//! The locks are the standard library's: the table in which others keep who waits could be locked in the child of a fork.

use std::cell::UnsafeCell;
use std::sync::atomic::{
    AtomicBool,
    Ordering::{Acquire, Release},
};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A value of the whole process. While one is changed no other may be asked for: a fork takes them all.
pub struct Shared<T: 'static> {
    state: Mutex<T>,
    /// The lock while a fork is under way.
    forking: UnsafeCell<Option<MutexGuard<'static, T>>>,
    enlisted: AtomicBool,
}

// SAFETY: `forking` is touched by the thread that forks alone, while it has the lock of `ENLISTED`.
unsafe impl<T: Send> Sync for Shared<T> {}

impl<T: Send> Shared<T> {
    pub const fn new(value: T) -> Shared<T> {
        Shared { state: Mutex::new(value), forking: UnsafeCell::new(None), enlisted: AtomicBool::new(false) }
    }

    /// Does something with the value.
    pub fn with<R>(&'static self, f: impl FnOnce(&mut T) -> R) -> R {
        if !self.enlisted.load(Acquire) {
            enlist(self);
            self.enlisted.store(true, Release);
        }
        #[cfg(debug_assertions)]
        let _alone = alone::Alone::begin();
        f(&mut whole(&self.state))
    }
}

/// A lock whatever became of the thread that had it before: no value is left half changed by what unwinds here.
fn whole<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Checks the rule that makes any order right in which a fork takes the locks.
#[cfg(debug_assertions)]
mod alone {
    use std::cell::Cell;

    thread_local! {
        static INSIDE: Cell<bool> = const { Cell::new(false) };
    }

    pub struct Alone;

    impl Alone {
        pub fn begin() -> Alone {
            assert!(!INSIDE.replace(true), "two values of the process are locked at once");
            Alone
        }
    }

    impl Drop for Alone {
        fn drop(&mut self) {
            INSIDE.set(false);
        }
    }
}

/// What a fork does with a value that has been used.
trait Held: Sync {
    fn hold(&'static self);
    fn release(&'static self);
}

impl<T: Send> Held for Shared<T> {
    fn hold(&'static self) {
        // SAFETY: the caller has the lock of `ENLISTED`.
        unsafe { *self.forking.get() = Some(whole(&self.state)) };
    }

    fn release(&'static self) {
        // SAFETY: as above.
        drop(unsafe { (*self.forking.get()).take() });
    }
}

/// The values that have been used, and the lock on them while a fork is under way.
struct Enlisted {
    all: Mutex<Vec<&'static dyn Held>>,
    forking: UnsafeCell<Option<MutexGuard<'static, Vec<&'static dyn Held>>>>,
}

// SAFETY: `forking` is touched by the thread that forks alone, while it has the lock.
unsafe impl Sync for Enlisted {}

static ENLISTED: Enlisted = Enlisted { all: Mutex::new(Vec::new()), forking: UnsafeCell::new(None) };

fn enlist(value: &'static dyn Held) {
    let mut all = whole(&ENLISTED.all);
    if all.is_empty() {
        // SAFETY: the handlers may be called at any fork, and stay loaded as long as this library. If there is no room for
        // them a fork waits for nobody.
        unsafe { libc::pthread_atfork(Some(before), Some(after), Some(after)) };
    }
    let address = |v: &'static dyn Held| std::ptr::from_ref(v).cast::<()>();
    if !all.iter().any(|v| address(*v) == address(value)) {
        all.push(value);
    }
}

extern "C" fn before() {
    let all = whole(&ENLISTED.all);
    all.iter().for_each(|v| v.hold());
    // SAFETY: this thread has the lock.
    unsafe { *ENLISTED.forking.get() = Some(all) };
}

extern "C" fn after() {
    // SAFETY: this thread, or the one thread of the child, has the lock since `before`.
    if let Some(all) = unsafe { (*ENLISTED.forking.get()).take() } {
        all.iter().for_each(|v| v.release());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering::Relaxed;

    use super::*;

    static PAIR: Shared<(u64, u64)> = Shared::new((0, 0));

    #[test]
    fn the_child_of_a_fork_finds_it_whole_and_unlocked() {
        static GO: AtomicBool = AtomicBool::new(true);
        let change = || {
            while GO.load(Relaxed) {
                PAIR.with(|p| {
                    p.0 += 1;
                    std::hint::black_box(&mut *p);
                    for _ in 0..1000 {
                        std::hint::spin_loop();
                    }
                    p.1 += 1;
                });
            }
        };
        std::thread::scope(|s| {
            s.spawn(change);
            s.spawn(change);
            while PAIR.with(|p| p.0) < 10 {}
            for _ in 0..50 {
                // SAFETY: the child calls what needs no other thread.
                let status = unsafe {
                    match libc::fork() {
                        0 => {
                            libc::alarm(60);
                            libc::_exit(i32::from(PAIR.with(|p| p.0 != p.1)))
                        }
                        child => {
                            let mut status = -1;
                            libc::waitpid(child, &raw mut status, 0);
                            status
                        }
                    }
                };
                assert_eq!(status, 0);
            }
            GO.store(false, Relaxed);
        });
    }

    #[test]
    fn a_panic_locks_nobody_out() {
        static VALUE: Shared<u8> = Shared::new(7);
        assert!(std::panic::catch_unwind(|| VALUE.with(|_| panic!())).is_err());
        assert_eq!(VALUE.with(|v| *v), 7);
    }
}
