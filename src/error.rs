//! The error catalogue: every kind of error, and the one form in which all of them are worded.
//!
//! `op: what is wrong. Got <values>; expected <rule>.`, and a line `help: ...` when a person can act.

use std::cell::Cell;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use parking_lot::RwLock;

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
    /// The operating system refused (`OSError`).
    Io,
    /// A user's operation or hook failed (`GraphError`).
    User,
}

struct Inner {
    kind: ErrorKind,
    text: String,
    help: Option<String>,
    site: Option<Site>,
}

/// A place in a user's source: a Rust location, or a file and line that another language's face names.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Site {
    /// Where a Rust function was called.
    Rust(&'static Location<'static>),
    /// Index of a file name in the process's table, and a line.
    Foreign(u32, u32),
}

static FILES: RwLock<Vec<Arc<str>>> = RwLock::new(Vec::new());

thread_local! {
    static CURRENT: Cell<Option<Site>> = const { Cell::new(None) };
}

impl Site {
    /// The site of a line in a file of another language.
    pub fn foreign(file: &str, line: u32) -> Site {
        if let Some(i) = FILES.read().iter().position(|f| **f == *file) {
            return Site::Foreign(i as u32, line);
        }
        let mut files = FILES.write();
        files.push(file.into());
        Site::Foreign(files.len() as u32 - 1, line)
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
            Site::Foreign(file, line) => match FILES.read().get(*file as usize) {
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
        Error::text(kind, format!("{op}: {what}. Got {got}; expected {rule}."))
    }

    /// An error whose text is written out by the caller.
    pub fn text(kind: ErrorKind, text: impl Into<String>) -> Error {
        Error(Arc::new(Inner { kind, text: text.into(), help: None, site: None }))
    }

    /// The same error with a line that tells a person what to do.
    pub fn help(self, help: impl Into<String>) -> Error {
        let i = &self.0;
        Error(Arc::new(Inner { kind: i.kind, text: i.text.clone(), help: Some(help.into()), site: i.site }))
    }

    /// The same error, placed where the failing node was built. An error that has a place keeps it.
    pub fn at(self, site: Site) -> Error {
        let i = &self.0;
        if i.site.is_some() {
            return self;
        }
        Error(Arc::new(Inner { kind: i.kind, text: i.text.clone(), help: i.help.clone(), site: Some(site) }))
    }

    /// The kind of mistake.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The place in the user's source where the failing node was built, if it is known.
    pub fn site(&self) -> Option<Site> {
        self.0.site
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
        if let Some(site) = self.0.site {
            write!(f, "\n  built at {site}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// The name of `names` that is closest to `wanted`, if one is close enough to be a misspelling of it.
pub fn closest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = 1 + wanted.chars().count() / 3;
    names.into_iter().map(|n| (distance(wanted, n), n)).filter(|(d, _)| *d <= limit).min().map(|(_, n)| n)
}

/// Levenshtein's distance, one row at a time.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut before = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (above, cb) in row.iter().skip(1).zip(&b) {
            let cost = if ca == *cb { before } else { 1 + before.min(left).min(*above) };
            before = *above;
            left = cost;
            next.push(cost);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}
