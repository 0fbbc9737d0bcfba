//! The shape of the source tree: arrows between layers, files, and words that do not belong there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use scirs2_autograd::internals::TABLE;

/// The layers, lowest first: a layer uses itself and those before it.
const LAYERS: [&str; 17] = [
    "process",
    "error",
    "dtype",
    "shape",
    "array",
    "kernels",
    "graph",
    "state",
    "ops",
    "autodiff",
    "plan",
    "exec",
    "api",
    "optimizers",
    "check",
    "internals",
    "python",
];
/// Macros at the root of the crate, and the layers that they belong to.
const MACROS: [(&str, &str); 2] = [("dispatch", "dtype"), ("formula", "kernels")];
const LINES: usize = 600;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn files(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files(&path, out),
            false if path.extension().is_some_and(|e| e == "rs") => out.push(path),
            false => {}
        }
    }
    out.sort();
}

/// A source file.
struct Source {
    /// Its path below `src`.
    name: String,
    /// The text with comments and characters blanked, and without tests.
    code: String,
    /// As `code`, with strings blanked too.
    bare: String,
    /// The lines of the file.
    lines: Vec<String>,
}

/// Blanks comments, character literals and, if asked, strings; places of lines stay.
fn blank(text: &str, strings: bool) -> String {
    let b: Vec<char> = text.chars().collect();
    let mut out = b.clone();
    let hide = |out: &mut Vec<char>, from: usize, to: usize| {
        for c in &mut out[from..to.min(b.len())] {
            if *c != '\n' {
                *c = ' ';
            }
        }
    };
    let at = |i: usize| b.get(i).copied().unwrap_or('\0');
    let mut i = 0;
    while i < b.len() {
        let start = i;
        match (b[i], at(i + 1)) {
            ('/', '/') => {
                while i < b.len() && b[i] != '\n' {
                    i += 1;
                }
                hide(&mut out, start, i);
            }
            ('/', '*') => {
                while i < b.len() && !(b[i] == '*' && at(i + 1) == '/') {
                    i += 1;
                }
                i += 2;
                hide(&mut out, start, i);
            }
            ('r', '"') | ('r', '#') if at(i + 1) == '"' || at(i + 2) == '"' => {
                let hashes = usize::from(at(i + 1) == '#');
                i += 2 + hashes;
                while i < b.len() && !(b[i] == '"' && (hashes == 0 || at(i + 1) == '#')) {
                    i += 1;
                }
                i += 1 + hashes;
                if strings {
                    hide(&mut out, start, i);
                }
            }
            ('"', _) => {
                i += 1;
                while i < b.len() && b[i] != '"' {
                    i += if b[i] == '\\' { 2 } else { 1 };
                }
                i += 1;
                if strings {
                    hide(&mut out, start + 1, i - 1);
                }
            }
            // A character, not a lifetime.
            ('\'', c) if (c == '\\' || at(i + 2) == '\'') => {
                i += if c == '\\' { 3 } else { 2 };
                while i < b.len() && b[i] != '\'' {
                    i += 1;
                }
                i += 1;
                hide(&mut out, start, i);
            }
            _ => i += 1,
        }
    }
    out.into_iter().collect()
}

/// Blanks items under `#[cfg(test)]`. `text` has no strings or comments left that could hold braces; `also` is blanked alike.
fn without_tests(bare: &str, also: &str) -> (String, String) {
    let (mut a, mut b): (Vec<char>, Vec<char>) = (bare.chars().collect(), also.chars().collect());
    let mark: Vec<char> = "#[cfg(test)]".chars().collect();
    let mut i = 0;
    while i + mark.len() <= a.len() {
        if a[i..i + mark.len()] != mark[..] {
            i += 1;
            continue;
        }
        let (mut k, mut depth) = (i, 0);
        while k < a.len() {
            match a[k] {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            k += 1;
            if depth == 0 && matches!(a[k - 1], '}' | ';') {
                break;
            }
        }
        for c in a[i..k].iter_mut().chain(&mut b[i..k]) {
            if *c != '\n' {
                *c = ' ';
            }
        }
        i = k;
    }
    (a.into_iter().collect(), b.into_iter().collect())
}

/// Files whose module is declared under `#[cfg(test)]`, by path below `src`.
fn test_files(all: &[PathBuf]) -> BTreeSet<PathBuf> {
    let mut out = BTreeSet::new();
    for path in all {
        let text = fs::read_to_string(path).unwrap();
        for (name, test) in modules(&text) {
            if test {
                out.extend(module_file(path, &name));
            }
        }
    }
    out
}

/// Modules that a file declares without a body, and whether they are tests.
fn modules(text: &str) -> Vec<(String, bool)> {
    let mut test = false;
    let mut out = vec![];
    for line in text.lines() {
        let line = line.trim();
        let words = line
            .trim_start_matches("pub(crate) ")
            .trim_start_matches("pub(super) ")
            .trim_start_matches("pub(in crate::kernels) ")
            .trim_start_matches("pub ");
        if let Some(name) = words.strip_prefix("mod ").and_then(|w| w.strip_suffix(';')) {
            out.push((name.to_owned(), test));
        }
        test = line == "#[cfg(test)]";
    }
    out
}

fn module_file(declared_in: &Path, name: &str) -> Option<PathBuf> {
    let stem = declared_in.file_stem()?.to_str()?;
    let dir = declared_in.parent()?;
    let dir = if matches!(stem, "mod" | "lib") { dir.to_owned() } else { dir.join(stem) };
    [dir.join(format!("{name}.rs")), dir.join(name).join("mod.rs")].into_iter().find(|p| p.exists())
}

fn sources() -> Vec<Source> {
    let mut all = vec![];
    files(&root(), &mut all);
    let tests = test_files(&all);
    let read = |path: &PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        let (bare, code) = without_tests(&blank(&text, true), &blank(&text, false));
        let name = path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/");
        Source { name, code, bare, lines: text.lines().map(str::to_owned).collect() }
    };
    all.iter().filter(|p| !tests.contains(*p)).map(read).collect()
}

fn layer(name: &str) -> Option<usize> {
    let name = MACROS.iter().find(|(m, _)| *m == name).map_or(name, |(_, l)| l);
    LAYERS.iter().position(|l| *l == name)
}

fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end]
}

/// The first words after each `crate::`, those of a group in braces too.
fn uses(bare: &str) -> Vec<(usize, String)> {
    let mut out = vec![];
    for (i, _) in bare.match_indices("crate::") {
        let line = bare[..i].matches('\n').count() + 1;
        let rest = bare[i + "crate::".len()..].trim_start();
        match rest.strip_prefix('{') {
            Some(group) => {
                let mut depth = 0;
                let mut fresh = true;
                for (k, c) in group.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => fresh = true,
                        c if fresh && (c.is_alphabetic() || c == '_') => {
                            out.push((line, word(&group[k..]).to_owned()));
                            fresh = false;
                        }
                        _ => {}
                    }
                }
            }
            None => out.push((line, word(rest).to_owned())),
        }
    }
    out
}

#[test]
fn arrows_point_one_way() {
    let mut wrong = vec![];
    for s in sources() {
        let own = s.name.split(['/', '.']).next().unwrap();
        if own == "lib" {
            continue;
        }
        let Some(place) = layer(own) else {
            wrong.push(format!("{}: no layer has this name", s.name));
            continue;
        };
        for (line, name) in uses(&s.bare) {
            match layer(&name) {
                Some(l) if l <= place => {}
                Some(_) => wrong.push(format!("{}:{line}: {own} uses {name}, which is above it", s.name)),
                // What the root re-exports belongs to some layer: it is named there.
                None => wrong.push(format!("{}:{line}: crate::{name} is no layer", s.name)),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_is_reached() {
    let mut all = vec![];
    files(&root(), &mut all);
    let mut reached = BTreeSet::new();
    let mut stack = vec![root().join("lib.rs")];
    while let Some(path) = stack.pop() {
        let text = fs::read_to_string(&path).unwrap();
        for (name, _) in modules(&text) {
            let file = module_file(&path, &name);
            stack.push(file.unwrap_or_else(|| panic!("{}: module {name} has no file", path.display())));
        }
        reached.insert(path);
    }
    let lost: Vec<_> = all.iter().filter(|p| !reached.contains(*p)).collect();
    assert!(lost.is_empty(), "{lost:?}");
}

#[test]
fn files_are_short_and_named_for_what_they_hold() {
    let mut all = vec![];
    files(&root(), &mut all);
    files(&root().with_file_name("tests"), &mut all);
    for path in all {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= LINES, "{}: {lines} lines, of at most {LINES}", path.display());
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let vague = ["utils", "util", "manager", "helper", "helpers"].iter().any(|w| stem.split('_').any(|s| s == *w));
        let versioned = ["_v2", "_new", "_old", "_fixed"].iter().any(|w| stem.ends_with(w));
        assert!(!vague && !versioned, "{}: a name says what, never how new", path.display());
    }
}

#[test]
fn nothing_unfinished_or_printed() {
    let banned = ["println!", "eprintln!", "todo!", "unimplemented!", "dbg!", "allow(dead_code"];
    let mut wrong = vec![];
    for s in sources() {
        for (i, line) in s.bare.lines().enumerate() {
            // `print!` inside another word, as `eprint!`, is found by the longer words.
            let hit = banned.iter().find(|b| line.contains(**b));
            wrong.extend(hit.map(|b| format!("{}:{}: {b}", s.name, i + 1)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_may_panic_says_why_it_does_not() {
    let mut wrong = vec![];
    for s in sources() {
        // Checks of the engine on itself, compiled into debug builds.
        if s.name == "plan/verify.rs" {
            continue;
        }
        for (i, line) in s.code.lines().enumerate() {
            // `expect` of a `Result` takes a text; a parser's own does not.
            let hit = [".unwrap()", ".expect(\"", "panic!(", "unreachable!()"].iter().find(|b| line.contains(**b));
            let reason = |k: usize| s.lines.get(k).is_some_and(|l| l.contains("//"));
            let explained = reason(i) || (i > 0 && reason(i - 1));
            if let Some(b) = hit.filter(|_| !explained) {
                wrong.push(format!("{}:{}: {b} without a reason", s.name, i + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What an op is follows from its row: nothing else asks for an op by its name.
#[test]
fn no_op_is_recognised_by_its_name() {
    let names: BTreeSet<&str> = TABLE.iter().map(|d| d.name).chain(TABLE.iter().flat_map(|d| d.flags.aliases.iter().copied())).collect();
    let mut wrong = vec![];
    for s in sources() {
        for (i, line) in s.code.lines().enumerate() {
            let mut parts = line.split('"');
            let mut before = parts.next().unwrap_or("");
            while let (Some(text), Some(after)) = (parts.next(), parts.next()) {
                let left = before.trim_end().ends_with("==") || before.trim_end().ends_with("!=");
                let right = ["==", "!=", "=>", "|"].iter().any(|o| after.trim_start().starts_with(o));
                if names.contains(text) && (left || right) {
                    wrong.push(format!("{}:{}: \"{text}\" is compared", s.name, i + 1));
                }
                before = after;
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The functions of a file that Python calls and that can fail: name, and text up to the next function.
fn entries(code: &str) -> Vec<(&str, &str)> {
    let mut out = vec![];
    let starts: Vec<usize> = code.match_indices("fn ").map(|(i, _)| i).filter(|&i| code[..i].ends_with([' ', '\n'])).collect();
    for (k, &i) in starts.iter().enumerate() {
        let end = starts.get(k + 1).copied().unwrap_or(code.len());
        let before = &code[..i];
        // A method of the last block, or a function with its attributes.
        let block = before.rfind("\nimpl").is_some_and(|b| before[..b].ends_with("#[pymethods]") && !before[b..].contains("\n}"));
        let function = before.rfind("#[pyfunction]").is_some_and(|b| !before[b..].contains('}'));
        let text = &code[i..end];
        let results = ["-> PyResult<", "-> Built<", "-> Numpy<"];
        if (block || function) && results.iter().any(|r| text.contains(r)) {
            out.push((word(&text[3..]), text));
        }
    }
    out
}

/// A panic that leaves a function of the binding is no ordinary exception: `except Exception` does not see it.
#[test]
fn no_panic_reaches_python() {
    // What guards itself, and the table, which takes no argument.
    let guards = [
        "guarded(",
        "unary(slf",
        "binary(slf",
        "power(slf",
        "no_operator(slf",
        "refusal::no_",
        "self.draw(",
        "Self::full(",
        "self.slot().set(",
    ];
    let mut wrong = vec![];
    let mut count = 0;
    for s in sources().iter().filter(|s| s.name.starts_with("python/")) {
        for (name, text) in entries(&s.bare) {
            count += 1;
            if name != "op_table" && !guards.iter().any(|g| text.contains(g)) {
                wrong.push(format!("{}: {name} is not guarded", s.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 80, "only {count} functions were found");
}

#[test]
fn this_reader_reads() {
    let text = "use crate::graph::{a, b}; // crate::api\nlet x = \"crate::exec\";\n#[cfg(test)]\nmod tests {\n use crate::python;\n}\nuse crate::{dtype::D, ops};";
    let (bare, _) = without_tests(&blank(text, true), &blank(text, false));
    assert_eq!(uses(&bare), [(1, "graph".to_owned()), (7, "dtype".to_owned()), (7, "ops".to_owned())]);
}
