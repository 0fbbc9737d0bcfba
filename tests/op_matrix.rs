//! Every row of the op table times every check, each pair a test of its own: `first::tanh`.
//!
//! `cargo test --test op_matrix tanh` runs the checks of the rows whose names contain `tanh`. A filter that fits no test fails,
//! so that a wrong name is no green run.

use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use scirs2_autograd::internals::TABLE;
use scirs2_autograd::internals::{Check, OpDef, examine};

fn main() -> ExitCode {
    let mut args = Arguments::from_args();
    // Guarded blocks are mappings, for which the threads of one process wait: two threads take twice as long as one.
    args.test_threads.get_or_insert(1);
    let trials = trials();
    if let Some(text) = unknown(&args, &trials) {
        eprintln!("{text}");
        return ExitCode::from(101);
    }
    libtest_mimic::run(&args, trials).exit_code()
}

/// All tests: the checks of the rows, and what is asked of the table as a whole.
fn trials() -> Vec<Trial> {
    let whole: [(&str, fn()); 4] = [
        ("every_row_is_in_the_table", every_row_is_in_the_table),
        ("the_row_that_contributing_shows_is_in_the_tree", the_row_that_contributing_shows_is_in_the_tree),
        ("a_filter_finds_the_checks_of_its_rows", a_filter_finds_the_checks_of_its_rows),
        ("a_filter_that_fits_nothing_fails", a_filter_that_fits_nothing_fails),
    ];
    let mut trials: Vec<Trial> = whole
        .into_iter()
        .map(|(name, test)| {
            Trial::test(name, move || {
                test();
                Ok(())
            })
        })
        .collect();
    for check in Check::ALL {
        for &def in TABLE.iter().filter(|d| d.has(check)) {
            let name = format!("{check:?}::{}", def.name).to_lowercase();
            trials.push(Trial::ignorable_test(name, move || checked(def, check)));
        }
    }
    trials
}

/// One check of one row. Where nothing was compared there must be a reason, which is printed; elsewhere there may be none.
fn checked(def: &'static OpDef, check: Check) -> Result<Completion, Failed> {
    match (examine(def, check)?, def.exempt(check)) {
        (0, Some(why)) => Ok(Completion::ignored_with(why)),
        (0, None) => Err(format!("{}: nothing was compared, and no reason is given", def.name).into()),
        (n, Some(_)) => Err(format!("{}: it has a reason to be skipped, but {n} comparisons were made", def.name).into()),
        (_, None) => Ok(Completion::Completed),
    }
}

/// What to say of a filter that fits no test. Beside `--skip` and `--ignored`, which take tests away, it may.
fn unknown(args: &Arguments, trials: &[Trial]) -> Option<String> {
    let filter = args.filter.as_deref()?;
    let reduced = !args.skip.is_empty() || args.ignored || args.include_ignored;
    if reduced || trials.iter().any(|t| !args.is_filtered_out(t)) {
        return None;
    }
    let mut text = format!(
        "op_matrix: no test fits the filter. Got `{filter}`; expected a part of the name of a row, or of a check and a row, as in `first::tanh`.\n"
    );
    if let Some(def) = TABLE.iter().find(|d| d.flags.aliases.contains(&filter)) {
        text += &format!("help: `{filter}` is another name of `{}`\n", def.name);
    }
    let near = close(filter, trials);
    if !near.is_empty() {
        text += &format!("help: close names are `{}`\n", near.join("`, `"));
    }
    text += "help: `cargo test FILTER` gives the filter to every test file: name one with `--test FILE`, or add `--no-fail-fast`";
    Some(text)
}

/// The names that are fewest edits away from `asked`: of rows, or of tests if `asked` names a check too.
fn close<'a>(asked: &str, trials: &'a [Trial]) -> Vec<&'a str> {
    let names: Vec<&str> = trials.iter().map(|t| t.name()).collect();
    let names = if asked.contains("::") { names } else { TABLE.iter().map(|d| d.name).collect() };
    let mut near: Vec<(usize, &str)> = names.into_iter().map(|n| (edits(asked, n), n)).collect();
    near.retain(|&(edits, _)| edits <= 1 + asked.len() / 4);
    near.sort_unstable();
    near.into_iter().map(|(_, name)| name).take(5).collect()
}

/// How many letters must be put in, taken out or replaced to make one word of another.
fn edits(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// This program with other arguments: whether it succeeds, and what it writes.
fn again(arguments: &[&str]) -> (bool, String, String) {
    let out = Command::new(std::env::current_exe().unwrap()).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (out.status.success(), text(out.stdout), text(out.stderr))
}

fn a_filter_finds_the_checks_of_its_rows() {
    let (ok, listed, _) = again(&["--list", "sigmoid_with"]);
    let row = TABLE.iter().find(|d| d.name == "sigmoid_with").unwrap();
    assert!(
        ok && listed.lines().count() == Check::ALL.iter().filter(|c| row.has(**c)).count() && listed.contains("first::sigmoid_with: test"),
        "{listed}"
    );
    let (ok, out, _) = again(&["--exact", "types::matmul"]);
    assert!(ok && out.contains("test result: ok. 1 passed; 0 failed; 0 ignored;"), "{out}");
    let (ok, out, _) = again(&["sigmoid_with", "--skip", "messages"]);
    assert!(
        ok && out.contains(&format!("0 passed; 0 failed; {} ignored", Check::ALL.iter().filter(|c| row.has(**c)).count() - 1)),
        "{out}"
    );
}

fn a_filter_that_fits_nothing_fails() {
    let (ok, out, text) = again(&["tanhh"]);
    let message = "op_matrix: no test fits the filter. Got `tanhh`; expected a part of the name of a row,";
    assert!(!ok && out.is_empty() && text.starts_with(message) && text.contains("help: close names are `tanh`"), "{text}");
    let (ok, _, text) = again(&["--exact", "frist::tanh"]);
    assert!(!ok && text.contains("help: close names are `first::tanh`"), "{text}");
    let (ok, _, text) = again(&["--list", "multiply"]);
    assert!(!ok && text.contains("help: `multiply` is another name of `mul`"), "{text}");
    // Tests that are taken away are there.
    for arguments in [&["tanhh", "--ignored"][..], &["tanh", "--skip", "tanh"]] {
        let (ok, out, _) = again(arguments);
        assert!(ok && out.contains("running 0 tests"), "{out}");
    }
}

/// A row that is written but not listed would have no Python function, no docs and no tests.
fn every_row_is_in_the_table() {
    fn rows(dir: &std::path::Path) -> usize {
        let entries = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path());
        entries.map(|p| if p.is_dir() { rows(&p) } else { count(&std::fs::read_to_string(&p).unwrap(), &p) }).sum()
    }
    fn count(text: &str, file: &std::path::Path) -> usize {
        if file.ends_with("declare.rs") {
            return 0;
        }
        // Rows, and calls of macros that make one of each call or line.
        let checks = || text.lines().skip_while(|line| *line != "checks! {").take_while(|line| *line != "}");
        text.lines().filter(|line| ["row! {", "with_decay! {"].contains(line)).count()
            + checks().filter(|line| line.contains(" check_")).count()
    }
    assert_eq!(rows(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ops")), TABLE.len());
    let mut names: Vec<&str> = TABLE.iter().map(|d| d.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), TABLE.len(), "two rows have one name");
}

/// The diff of the page that says how to write a row, against the files that it names.
fn the_row_that_contributing_shows_is_in_the_tree() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("CONTRIBUTING.md")).unwrap();
    let mut hunks = 0;
    for diff in page.split("```diff\n").skip(1).map(|rest| rest.split("```").next().unwrap()) {
        let file = diff.lines().find_map(|l| l.strip_prefix("+++ b/")).unwrap();
        let text = std::fs::read_to_string(root.join(file)).unwrap();
        for hunk in diff.split("\n@@").skip(1) {
            let kept = hunk.lines().skip(1).filter(|l| !l.starts_with('-'));
            let new: String = kept.map(|l| format!("{}\n", l.get(1..).unwrap_or(""))).collect();
            assert!(text.contains(&new), "{file} does not hold what CONTRIBUTING.md shows:\n{new}");
            hunks += 1;
        }
    }
    assert_eq!(hunks, 10);
}
