//! The user's line: the innermost Python frame outside this package.

use std::cell::RefCell;
use std::ffi::c_int;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::error::Site;

thread_local! {
    /// File names seen lately, by the address of the code object's own string, which is kept alive here.
    static NAMES: RefCell<Vec<(Py<PyString>, Option<u32>)>> = const { RefCell::new(Vec::new()) };
}

/// File names that are remembered at most.
const KEPT: usize = 64;

/// `None` for a file of this package, else its number in the table of files.
fn file(name: &Bound<'_, PyString>) -> Option<u32> {
    NAMES.with_borrow_mut(|names| {
        if let Some((_, id)) = names.iter().find(|(n, _)| n.as_ptr() == name.as_ptr()) {
            return *id;
        }
        let text = name.to_string_lossy();
        let own = text.contains("scirs2_autograd/")
            && std::path::Path::new(&*text).parent().and_then(|p| p.file_name()).is_some_and(|n| n == "scirs2_autograd");
        let id = match (own, Site::foreign(&text, 0)) {
            (false, Site::Foreign(id, _)) => Some(id),
            _ => None,
        };
        if names.len() >= KEPT {
            names.clear();
        }
        names.push((name.clone().unbind(), id));
        id
    })
}

/// The site of the caller in the user's code.
pub fn here(py: Python<'_>) -> Option<Site> {
    // SAFETY: the frame is borrowed from the running thread; a new reference is taken at once.
    let mut frame: Option<Bound<'_, PyAny>> = unsafe { Bound::from_borrowed_ptr_or_opt(py, ffi::PyEval_GetFrame().cast()) };
    while let Some(f) = frame {
        let code = f.getattr(pyo3::intern!(py, "f_code")).ok()?;
        let name = code.getattr(pyo3::intern!(py, "co_filename")).ok()?;
        if let Some(id) = file(name.cast::<PyString>().ok()?) {
            // SAFETY: `f` is a frame.
            let line: c_int = unsafe { ffi::PyFrame_GetLineNumber(f.as_ptr().cast()) };
            return Some(Site::Foreign(id, line.max(0) as u32));
        }
        let back = f.getattr(pyo3::intern!(py, "f_back")).ok()?;
        frame = (!back.is_none()).then_some(back);
    }
    None
}

/// Runs `f` with the user's line as the place of the nodes that it builds.
pub fn at_caller<R>(py: Python<'_>, f: impl FnOnce() -> R) -> PyResult<R> {
    super::guarded(|| {
        Ok(match here(py) {
            Some(site) => site.during(f),
            None => f(),
        })
    })
}
