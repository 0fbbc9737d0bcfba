//! How many threads a run may use, and the workers that runs take in turn.

mod pool;
mod seat;

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::error::{Error, ErrorKind, Result};

pub use pool::Team;

/// The environment variable that says how many threads a run may use.
const VARIABLE: &str = "SCIRS2_AUTOGRAD_THREADS";
/// The most threads that can be asked for.
const MOST: usize = 1024;

/// What was set; 0 if nothing was.
static SET: AtomicUsize = AtomicUsize::new(0);

/// How many threads a run may use, the calling one included: what was set, else what the environment says, else one for each
/// core that this process may use.
pub fn threads() -> usize {
    // Numbers, not a `OnceLock`: the child of a fork would wait for a thread that was filling it.
    static DEFAULT: AtomicUsize = AtomicUsize::new(0);
    match (SET.load(Relaxed), DEFAULT.load(Relaxed)) {
        (0, 0) => {
            // A bad environment variable is ignored here (`forced` reports it).
            let n = forced().ok().flatten().unwrap_or_else(cores);
            DEFAULT.store(n, Relaxed);
            n
        }
        (0, n) | (n, _) => n,
    }
}

/// Sets how many threads a run may use. A run that has begun is not affected.
pub fn set_threads(n: usize) -> Result<()> {
    if !(1..=MOST).contains(&n) {
        let rule = format_args!("1 <= n <= {MOST}");
        return Err(Error::new(ErrorKind::Value, "set_num_threads", "the number of threads is out of range", n, rule));
    }
    SET.store(n, Relaxed);
    Ok(())
}

/// What the environment variable asks for, if it is set and not empty; an error if it is no number of threads.
pub fn forced() -> Result<Option<usize>> {
    std::env::var_os(VARIABLE).map_or(Ok(None), |value| parse(&value.to_string_lossy()))
}

fn parse(value: &str) -> Result<Option<usize>> {
    match value.parse() {
        _ if value.is_empty() => Ok(None),
        Ok(n @ 1..=MOST) => Ok(Some(n)),
        _ => {
            let rule = format_args!("a whole number from 1 to {MOST}");
            Err(Error::new(ErrorKind::Value, VARIABLE, "not a number of threads", format_args!("{value:?}"), rule))
        }
    }
}

/// Cores that this process may use, by its affinity and its quota: asked for once, since files are read for it.
fn cores() -> usize {
    static CORES: AtomicUsize = AtomicUsize::new(0);
    match CORES.load(Relaxed) {
        0 => {
            let n = std::thread::available_parallelism().map_or(1, |n| n.get().min(MOST));
            CORES.store(n, Relaxed);
            n
        }
        n => n,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_threads_are_read_and_others_refused() {
        assert_eq!(parse("").unwrap(), None);
        assert_eq!(parse("1").unwrap(), Some(1));
        assert_eq!(parse("1024").unwrap(), Some(1024));
        for bad in ["0", "1025", "-1", "two", "2.0", " 2", "99999999999999999999"] {
            let e = parse(bad).unwrap_err();
            let text = format!("{VARIABLE}: not a number of threads. Got {bad:?}; expected a whole number from 1 to 1024.");
            assert_eq!((e.kind(), e.to_string()), (ErrorKind::Value, text));
        }
    }

    #[test]
    fn what_is_set_holds_until_it_is_set_again() {
        let before = threads();
        assert!((1..=MOST).contains(&before));
        for n in [1, MOST, 3] {
            set_threads(n).unwrap();
            assert_eq!(threads(), n);
        }
        for n in [0, MOST + 1, usize::MAX] {
            let text = format!("set_num_threads: the number of threads is out of range. Got {n}; expected 1 <= n <= 1024.");
            assert_eq!(set_threads(n).unwrap_err().to_string(), text);
            assert_eq!(threads(), 3);
        }
        set_threads(before).unwrap();
    }
}
