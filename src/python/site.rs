//! The user's line: the innermost Python frame outside this package.

use std::cell::RefCell;
use std::ffi::c_int;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

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
    lines: Lines,
    /// When it was asked about last.
    used: u64,
}

/// Lines by the places in some code.
enum Lines {
    /// Found one by one: for each, Python reads the code's table of lines from the front.
    Few(FxHashMap<c_int, u32>),
    /// All of the table: places in ascending order, and the line from each to the next. A long function is built once, each line
    /// for the first time.
    All(Vec<(c_int, u32)>),
}

/// The code that a thread knows.
struct Codes {
    known: Vec<Known>,
    clock: u64,
}

thread_local! {
    static CODES: RefCell<Codes> = const { RefCell::new(Codes { known: vec![], clock: 0 }) };
}

/// Code objects that are remembered at most.
const KEPT: usize = 64;

/// Lines that are found one by one before a table is read as a whole, about what that costs.
const FOUND: usize = 32;

static SEARCHES: AtomicU64 = AtomicU64::new(0);

/// How often this process had Python look for a line.
#[pyfunction]
pub fn _line_searches() -> u64 {
    SEARCHES.load(Relaxed)
}

/// What `f` makes of what is known of some code.
fn known<R>(code: &Bound<'_, PyAny>, f: impl FnOnce(&mut Known) -> R) -> Option<R> {
    CODES.with_borrow_mut(|codes| {
        codes.clock += 1;
        let known = codes.known.iter_mut().find(|k| k.code.as_ptr() == code.as_ptr())?;
        known.used = codes.clock;
        Some(f(known))
    })
}

/// The number of the file of some code; `None` for a file of this package.
fn file(code: &Bound<'_, PyAny>) -> Option<u32> {
    if let Some(id) = known(code, |k| k.file) {
        return id;
    }
    let name = code.getattr(pyo3::intern!(code.py(), "co_filename")).ok()?;
    let text = name.cast::<PyString>().ok()?.to_string_lossy();
    let own = text.contains("scirs2_autograd/") && is_own(Path::new(&*text));
    let id = match (own, Site::foreign(&text, 0)) {
        (false, Site::Foreign(id, _)) => Some(id),
        _ => None,
    };
    // What is forgotten is dropped after the list is free again: a destructor may build tensors.
    let forgotten = CODES.with_borrow_mut(|codes| {
        let old = if codes.known.len() < KEPT { vec![] } else { codes.oldest() };
        codes.known.push(Known { code: code.clone().unbind(), file: id, lines: Lines::Few(FxHashMap::default()), used: codes.clock });
        old
    });
    drop(forgotten);
    id
}

/// Whether a file is one of this package: in its folder, or in a folder of that.
fn is_own(file: &Path) -> bool {
    let mut folders = file.ancestors().skip(1).filter_map(Path::file_name);
    match folders.next() {
        Some(folder) if folder == "optimizers" => folders.next().is_some_and(|n| n == "scirs2_autograd"),
        folder => folder.is_some_and(|n| n == "scirs2_autograd"),
    }
}

impl Codes {
    /// Takes the half that was asked about least lately: code that calls many others stays known.
    fn oldest(&mut self) -> Vec<Known> {
        self.known.sort_unstable_by_key(|k| std::cmp::Reverse(k.used));
        self.known.split_off(self.known.len() / 2)
    }
}

impl Lines {
    fn at(&self, place: c_int) -> Option<u32> {
        match self {
            Lines::Few(found) => found.get(&place).copied(),
            Lines::All(table) => Some(table[..table.partition_point(|(from, _)| *from <= place)].last().map_or(0, |(_, line)| *line)),
        }
    }
}

/// The line that a frame of this code is at.
fn line(frame: &Bound<'_, PyAny>, code: &Bound<'_, PyAny>) -> u32 {
    let place = frame.getattr(pyo3::intern!(frame.py(), "f_lasti")).and_then(|at| at.extract::<c_int>());
    let Ok(place) = place else { return searched(frame) };
    if let Some(line) = known(code, |k| k.lines.at(place)).flatten() {
        return line;
    }
    let is_busy = known(code, |k| matches!(&k.lines, Lines::Few(found) if found.len() >= FOUND));
    // Not while the list is borrowed: where Python makes objects, it may drop others.
    if let Some(table) = is_busy.filter(|b| *b).and_then(|_| table(code).ok()) {
        let lines = Lines::All(table);
        let line = lines.at(place);
        known(code, |k| k.lines = lines);
        return line.unwrap_or(0);
    }
    let line = searched(frame);
    known(code, |k| match &mut k.lines {
        Lines::Few(found) => _ = found.insert(place, line),
        Lines::All(_) => {}
    });
    line
}

/// The line of a frame, as Python finds it.
fn searched(frame: &Bound<'_, PyAny>) -> u32 {
    SEARCHES.fetch_add(1, Relaxed);
    // SAFETY: `frame` is a frame.
    unsafe { ffi::PyFrame_GetLineNumber(frame.as_ptr().cast()) }.max(0) as u32
}

/// The lines of some code by where they start; 0 where there is none.
fn table(code: &Bound<'_, PyAny>) -> PyResult<Vec<(c_int, u32)>> {
    let mut table: Vec<(c_int, u32)> = vec![];
    for run in code.call_method0(pyo3::intern!(code.py(), "co_lines"))?.try_iter()? {
        let (from, _, line): (c_int, c_int, Option<u32>) = run?.extract()?;
        let line = line.unwrap_or(0);
        if table.last().is_none_or(|(_, last)| *last != line) {
            table.push((from, line));
        }
    }
    table.shrink_to_fit();
    Ok(table)
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
