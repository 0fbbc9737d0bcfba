//! Memory that is asked for before it is needed.
//!
//! A list that cannot grow ends the process. What grows with the user's graph asks first, in large portions, whether the
//! system would give as much; if it would not, there is an error in time, and memory to build it.

use std::fmt;

use crate::error::{Error, ErrorKind, Result};

/// Bytes that are left over where a portion was had: for the error, and for all that does not ask.
const MARGIN: usize = 4 << 20;
/// Portions below this are not asked for: the margin of an earlier one holds them.
const PORTION: usize = 256 << 10;

/// An error of `op` unless the system would give about `bytes` for `what` now.
pub fn room(op: &str, what: impl fmt::Display, bytes: usize) -> Result<()> {
    if bytes < PORTION || is_there(bytes.saturating_add(MARGIN)) {
        return Ok(());
    }
    let got = format_args!("{what}, which takes up to {} MiB", bytes.div_ceil(1 << 20));
    Err(Error::new(ErrorKind::Memory, op, "there is not enough memory", got, "what fits in memory"))
}

/// True if the system maps so many bytes. They are given back at once; no page of them is touched.
fn is_there(bytes: usize) -> bool {
    // SAFETY: an anonymous private mapping at an address of the system's choice, which nobody has seen.
    unsafe {
        let p = libc::mmap(std::ptr::null_mut(), bytes, libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0);
        p != libc::MAP_FAILED && libc::munmap(p, bytes) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_there_can_be_is_an_error() {
        assert!(room("run", "a plan", 1 << 20).is_ok());
        let e = room("run", format_args!("a plan of {} nodes", 3), 1 << 62).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Memory);
        let text =
            "run: there is not enough memory. Got a plan of 3 nodes, which takes up to 4398046511104 MiB; expected what fits in memory.";
        assert_eq!(e.to_string(), text);
        assert!(room("run", "a plan", usize::MAX).is_err());
    }
}
