//! The user's line: the innermost Python frame outside this package.

use std::cell::RefCell;
use std::ffi::c_int;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;
use rustc_hash::FxHashMap;

use crate::error::Site;

/// Code that ran lately.
struct Known {
    /// Kept alive, so that its address stays its own.
    code: Py<PyAny>,
    /// The number of its file in the table of files; `None` for a file of this package.
    file: Option<u32>,
    /// Lines by the places in the code: to find one, Python reads its table of lines from the front.
    lines: FxHashMap<c_int, u32>,
}

thread_local! {
    static CODES: RefCell<Vec<Known>> = const { RefCell::new(Vec::new()) };
}

/// Code objects that are remembered at most.
const KEPT: usize = 64;

/// The number of the file of some code; `None` for a file of this package.
fn file(code: &Bound<'_, PyAny>) -> Option<u32> {
    let known = CODES.with_borrow(|codes| codes.iter().find(|k| k.code.as_ptr() == code.as_ptr()).map(|k| k.file));
    if let Some(id) = known {
        return id;
    }
    let name = code.getattr(pyo3::intern!(code.py(), "co_filename")).ok()?;
    let text = name.cast::<PyString>().ok()?.to_string_lossy();
    let own = text.contains("scirs2_autograd/")
        && std::path::Path::new(&*text).parent().and_then(|p| p.file_name()).is_some_and(|n| n == "scirs2_autograd");
    let id = match (own, Site::foreign(&text, 0)) {
        (false, Site::Foreign(id, _)) => Some(id),
        _ => None,
    };
    // What is forgotten is dropped after the list is free again: a destructor may build tensors.
    let forgotten = CODES.with_borrow_mut(|codes| {
        let old = if codes.len() < KEPT { vec![] } else { std::mem::take(codes) };
        codes.push(Known { code: code.clone().unbind(), file: id, lines: FxHashMap::default() });
        old
    });
    drop(forgotten);
    id
}

/// The line that a frame of this code is at.
fn line(frame: &Bound<'_, PyAny>, code: &Bound<'_, PyAny>) -> u32 {
    let place = frame.getattr(pyo3::intern!(frame.py(), "f_lasti")).and_then(|at| at.extract::<c_int>());
    let own = |k: &&mut Known| k.code.as_ptr() == code.as_ptr();
    let found = |at: &c_int| CODES.with_borrow_mut(|codes| codes.iter_mut().find(own)?.lines.get(at).copied());
    if let Some(line) = place.as_ref().ok().and_then(found) {
        return line;
    }
    // SAFETY: `frame` is a frame.
    let line = unsafe { ffi::PyFrame_GetLineNumber(frame.as_ptr().cast()) }.max(0) as u32;
    if let Ok(at) = place {
        CODES.with_borrow_mut(|codes| codes.iter_mut().find(own).map(|k| k.lines.insert(at, line)));
    }
    line
}

/// The site of the caller in the user's code.
pub fn here(py: Python<'_>) -> Option<Site> {
    // SAFETY: the frame is borrowed from the running thread; a new reference is taken at once.
    let mut frame: Option<Bound<'_, PyAny>> = unsafe { Bound::from_borrowed_ptr_or_opt(py, ffi::PyEval_GetFrame().cast()) };
    while let Some(f) = frame {
        // SAFETY: `f` is a frame, whose code is a new reference and never null.
        let code: Bound<'_, PyAny> = unsafe { Bound::from_owned_ptr_or_opt(py, ffi::PyFrame_GetCode(f.as_ptr().cast()).cast())? };
        if let Some(id) = file(&code) {
            return Some(Site::Foreign(id, line(&f, &code)));
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
