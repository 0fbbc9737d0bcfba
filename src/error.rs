//! The error catalogue: every kind of error, and the one form in which all of them are worded.
//!
//! `op: what is wrong. Got <values>; expected <rule>.`, and a line `help: ...` when a person can act.

use std::cell::Cell;
use std::cmp::Reverse;
use std::fmt;
use std::io;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::process::Shared;

/// What kind of mistake an [`Error`] reports. Each kind has a Python exception class of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// Shapes or axes do not fit (`ShapeError`, a `ValueError`).
    Shape,
    /// A dtype is not accepted, or a cast would lose information (`DTypeError`, a `TypeError`).
    DType,
    /// A value is outside an operation's domain: an index out of range, a non-finite value (`ValueError`).
    Value,
    /// A feed is missing, or contradicts its placeholder (`FeedError`, a `KeyError`).
    Feed,
    /// A variable is unknown or cannot be written (`VariableError`, a `KeyError`).
    Variable,
    /// A graph is used wrongly: two graphs mixed, a closed context (`GraphError`, a `RuntimeError`).
    Graph,
    /// A file is not what it claims to be (`FormatError`, a `ValueError`).
    Format,
    /// A gradient was asked for that does not exist (`NotDifferentiableError`, a `TypeError`).
    NotDifferentiable,
    /// A factorisation failed (`LinAlgError`).
    LinAlg,
    /// A run was interrupted before it wrote anything (`KeyboardInterrupt` in Python).
    Interrupted,
    /// There is no memory for an array or a run (`MemoryError`).
    Memory,
    /// The operating system refused a file (`FileError`, an `OSError` and the subclass of it for what [`Error::os_error`] says).
    Io,
    /// A user's operation or hook failed (`GraphError`).
    User,
    /// Users' code calls itself through the engine without an end (`RecursionError`).
    Recursion,
}

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    text: String,
    /// Bytes at the start of the text that name the op.
    op: usize,
    help: Option<String>,
    sites: Vec<Site>,
    /// What the system said, and of which file.
    io: Option<Arc<(io::Error, PathBuf)>>,
}

/// A place in a user's source: a Rust location, or a file and line that another language's face names.
#[derive(Clone, Copy)]
pub enum Site {
    /// Where a Rust function was called.
    Rust(&'static Location<'static>),
    /// Index of a file name in the process's table, and a line.
    Foreign(u32, u32),
}

impl PartialEq for Site {
    fn eq(&self, other: &Site) -> bool {
        match (self, other) {
            // Nearly always one and the same location: its text is then not compared.
            (Site::Rust(a), Site::Rust(b)) => std::ptr::eq(*a, *b) || a == b,
            (Site::Foreign(f, l), Site::Foreign(g, m)) => (f, l) == (g, m),
            _ => false,
        }
    }
}

impl Eq for Site {}

static FILES: Shared<Vec<Arc<str>>> = Shared::new(Vec::new());

fn file(index: u32) -> Option<Arc<str>> {
    FILES.with(|files| files.get(index as usize).cloned())
}

thread_local! {
    static CURRENT: Cell<Option<Site>> = const { Cell::new(None) };
}

impl Site {
    /// The site of a line in a file of another language.
    pub fn foreign(file: &str, line: u32) -> Site {
        FILES.with(|files| {
            let index = files.iter().position(|f| **f == *file).unwrap_or_else(|| {
                files.push(file.into());
                files.len() - 1
            });
            Site::Foreign(index as u32, line)
        })
    }

    /// The site that a node built now belongs to: the one set by [`Site::during`], else the caller's.
    #[track_caller]
    pub fn here() -> Site {
        // Not `unwrap_or_else`: inside a closure the caller is the closure's own place.
        match CURRENT.get() {
            Some(site) => site,
            None => Site::Rust(Location::caller()),
        }
    }

    /// The file's name without its folders, and the line: the same on every machine.
    pub fn short(&self) -> String {
        let name = |path: &str| path.rsplit(['/', '\\']).next().unwrap_or(path).to_owned();
        match self {
            Site::Rust(l) => format!("{}:{}", name(l.file()), l.line()),
            Site::Foreign(index, line) => match file(*index) {
                Some(path) => format!("{}:{line}", name(&path)),
                None => format!("line {line}"),
            },
        }
    }

    /// Runs `f` with this site as the place of all nodes that it builds.
    pub fn during<R>(self, f: impl FnOnce() -> R) -> R {
        struct Restore(Option<Site>);
        impl Drop for Restore {
            fn drop(&mut self) {
                CURRENT.set(self.0);
            }
        }
        let _restore = Restore(CURRENT.replace(Some(self)));
        f()
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Site::Rust(l) => write!(f, "{}:{}:{}", l.file(), l.line(), l.column()),
            Site::Foreign(index, line) => match file(*index) {
                Some(name) => write!(f, "{name}:{line}"),
                None => write!(f, "line {line}"),
            },
        }
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// An error with its kind, its text and, for a node of a graph, the place where that node was built.
///
/// Cloning is cheap: one poisoned node answers many evaluations.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

/// The result type of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error in the form `op: what. Got <got>; expected <rule>.`
    pub fn new(kind: ErrorKind, op: &str, what: impl fmt::Display, got: impl fmt::Display, rule: impl fmt::Display) -> Error {
        Error::made(kind, format!("{op}: {what}. Got {got}; expected {rule}."), op.len())
    }

    /// An error whose text is written out by the caller.
    pub fn text(kind: ErrorKind, text: impl Into<String>) -> Error {
        Error::made(kind, text.into(), 0)
    }

    /// An error of the engine itself, in the form of [`Error::new`]: no program should be able to bring it about.
    pub fn engine(op: &str, what: impl fmt::Display, got: impl fmt::Display, rule: impl fmt::Display) -> Error {
        Error::new(ErrorKind::Graph, op, what, got, rule).help("this is a fault of the engine: report it with the program that shows it")
    }

    fn made(kind: ErrorKind, text: String, op: usize) -> Error {
        Error(Arc::new(Inner { kind, text, op, help: None, sites: vec![], io: None }))
    }

    /// What the operating system said of a file, in the form of [`Error::new`]. That it had no memory is a `Memory` error.
    pub fn io(cause: io::Error, path: &Path, op: &str, what: impl fmt::Display, rule: impl fmt::Display) -> Error {
        let kind = if cause.kind() == io::ErrorKind::OutOfMemory { ErrorKind::Memory } else { ErrorKind::Io };
        let got = format_args!("{:?} ({cause})", path.display().to_string());
        Error::new(kind, op, what, got, rule).with(|i| i.io = Some(Arc::new((cause, path.to_owned()))))
    }

    /// The same error with a change.
    fn with(self, change: impl FnOnce(&mut Inner)) -> Error {
        let mut inner = Arc::unwrap_or_clone(self.0);
        change(&mut inner);
        Error(Arc::new(inner))
    }

    /// The same error with a line that tells a person what to do.
    pub fn help(self, help: impl Into<String>) -> Error {
        self.with(|i| i.help = Some(help.into()))
    }

    /// The same error, placed where the failing node was built. An error that has a place keeps it.
    pub fn at(self, site: Site) -> Error {
        self.at_each(&[site])
    }

    /// As [`Error::at`], for a node that was built in several places.
    pub fn at_each(self, sites: &[Site]) -> Error {
        if self.0.sites.is_empty() { self.with(|i| i.sites = sites.to_vec()) } else { self }
    }

    /// The same error without a place, for an operation that ran where it was called.
    #[cfg(feature = "python")]
    pub(crate) fn unplaced(self) -> Error {
        if self.0.sites.is_empty() { self } else { self.with(|i| i.sites.clear()) }
    }

    /// The same error in the name of the op that the user called. An error whose text was written out keeps it.
    pub fn named(self, op: &str) -> Error {
        match self.0.op {
            0 => self,
            old => self.with(|i| {
                i.text.replace_range(..old, op);
                i.op = op.len();
            }),
        }
    }

    /// The op that the text names, unless the text was written out.
    pub fn op(&self) -> Option<&str> {
        self.0.text.get(..self.0.op).filter(|op| !op.is_empty())
    }

    /// The kind of mistake.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What the operating system said, of an error that it gave: its code, kind and text.
    pub fn os_error(&self) -> Option<&io::Error> {
        self.0.io.as_deref().map(|(cause, _)| cause)
    }

    /// The kind of what the operating system said, of an error that it gave.
    pub fn io_kind(&self) -> Option<io::ErrorKind> {
        self.os_error().map(io::Error::kind)
    }

    /// The file that the operating system refused, as it was asked for.
    pub fn path(&self) -> Option<&Path> {
        self.0.io.as_deref().map(|(_, path)| path.as_path())
    }

    /// The place in the user's source where the failing node was built first, if it is known.
    pub fn site(&self) -> Option<Site> {
        self.0.sites.first().copied()
    }

    /// All places in the user's source where the failing node was built: the same call twice gives one node.
    pub fn sites(&self) -> &[Site] {
        &self.0.sites
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)?;
        if let Some(help) = &self.0.help {
            write!(f, "\nhelp: {help}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}Error: {self}", self.0.kind)?;
        for (i, site) in self.0.sites.iter().enumerate() {
            write!(f, "\n  {} {site}", if i == 0 { "built at" } else { "and at" })?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// Names with more characters are not compared: no person has typed them.
const COMPARED: usize = 100;

/// The name of `names` that is closest to `wanted`, if one is close enough to be a misspelling of it: as many mistakes as
/// a third of its characters, at most. Of two that are equally close, the one that begins alike: mistakes are seldom first.
pub fn closest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = |s: &str| s.chars().take(COMPARED + 1).count();
    let own = length(wanted);
    let near = |n: &'a str| {
        let longer = own.max(length(n));
        if longer > COMPARED {
            return None;
        }
        let d = distance(wanted, n);
        let differs = wanted.chars().zip(n.chars()).position(|(a, b)| a != b).unwrap_or(own.min(length(n)));
        (d * 3 <= longer).then_some((d, Reverse(differs), n))
    };
    names.into_iter().filter_map(near).min().map(|(.., n)| n)
}

/// How many characters to insert, leave out, change or swap with the next one.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let row = |first: usize| -> Vec<usize> { (first..=first + b.len()).collect() };
    let (mut older, mut old) = (row(0), row(0));
    for i in 1..=a.len() {
        let mut new = row(i);
        for j in 1..=b.len() {
            let change = usize::from(a[i - 1] != b[j - 1]);
            new[j] = (old[j - 1] + change).min(old[j] + 1).min(new[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                new[j] = new[j].min(older[j - 2] + 1);
            }
        }
        older = std::mem::replace(&mut old, new);
    }
    old.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suggestion_is_alike() {
        let names = ["w", "b1", "bias", "weights", "hidden"];
        for (wanted, near) in [
            ("v", None),
            ("w1", None),
            ("b2", None),
            ("bais", Some("bias")),
            ("bia", Some("bias")),
            ("bias2", Some("bias")),
            ("wieghts", Some("weights")),
            ("hiden", Some("hidden")),
            ("heading", None),
            ("", None),
        ] {
            assert_eq!(closest(wanted, names), near, "{wanted}");
        }
        // The nearest one, whatever the order.
        assert_eq!(closest("layer12", ["layer1", "layer13", "layer2"]), Some("layer1"));
        // Of two as near, the one that begins alike.
        assert_eq!(closest("sinn", ["sign", "sin", "sine"]), Some("sin"));
    }

    #[test]
    fn long_names_are_not_compared() {
        let long = "a".repeat(1 << 20);
        assert_eq!(closest(&long, [long.as_str()]), None);
    }

    #[test]
    fn what_is_added_keeps_the_rest() {
        let path = Path::new("a file");
        let e = Error::io(io::Error::from_raw_os_error(2), path, "load", "no", "yes").help("look").at(Site::foreign("a.py", 3)).clone();
        assert_eq!((e.kind(), e.io_kind(), e.path()), (ErrorKind::Io, Some(io::ErrorKind::NotFound), Some(path)));
        let said = e.os_error().unwrap();
        assert_eq!(said.raw_os_error(), Some(2));
        assert_eq!(format!("{e:?}"), format!("IoError: load: no. Got \"a file\" ({said}); expected yes.\nhelp: look\n  built at a.py:3"));
        let e = Error::io(io::Error::from(io::ErrorKind::OutOfMemory), path, "load", "no", "yes");
        assert_eq!(e.kind(), ErrorKind::Memory);
        let other = Error::text(ErrorKind::Value, "no");
        assert!(other.os_error().is_none() && other.io_kind().is_none() && other.path().is_none());
    }
}
