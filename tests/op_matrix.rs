//! Every row of the op table times every check.

use scirs2_autograd::internals::TABLE;
use scirs2_autograd::internals::{Check, examine};
use scirs2_autograd::internals::{SKIPS, why};

/// Runs one check on all rows, prints the skips, and fails with all failures at once.
fn all(check: Check) {
    let mut failures = vec![];
    for def in TABLE.iter() {
        match (examine(def, check), why(def.name, check)) {
            (Err(e), _) => failures.push(format!("{}: {e}", def.name)),
            (Ok(0), Some(why)) => println!("{check:?}: {} is skipped: {why}", def.name),
            (Ok(0), None) => failures.push(format!("{}: nothing was compared, and no reason is given", def.name)),
            (Ok(n), Some(_)) => failures.push(format!("{}: it has a reason to be skipped, but {n} comparisons were made", def.name)),
            (Ok(_), None) => {}
        }
    }
    assert!(failures.is_empty(), "{check:?}: {} rows fail\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn types_are_those_of_the_rules() {
    all(Check::Types);
}

#[test]
fn unknown_lengths_give_the_same_bits() {
    all(Check::Unknown);
}

#[test]
fn gradients_equal_differences() {
    all(Check::First);
}

#[test]
fn second_gradients_equal_differences() {
    all(Check::Second);
}

#[test]
fn narrow_dtypes_are_close() {
    all(Check::Narrow);
}

#[test]
fn layouts_and_sizes_do_not_matter() {
    all(Check::Layouts);
}

#[test]
fn fused_equals_op_by_op() {
    all(Check::Fused);
}

#[test]
fn bad_inputs_give_their_messages() {
    all(Check::Messages);
}

#[test]
fn skips_name_rows_that_exist() {
    let known = |name: &&str| TABLE.iter().any(|d| d.name == *name);
    for skip in SKIPS {
        assert!(skip.rows.iter().all(known), "{:?}: {}", skip.rows, skip.why);
    }
}

/// A row that is written but not listed would have no Python function, no docs and no tests.
#[test]
fn every_row_is_in_the_table() {
    fn rows(dir: &std::path::Path) -> usize {
        let entries = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path());
        entries.map(|p| if p.is_dir() { rows(&p) } else { count(&std::fs::read_to_string(&p).unwrap(), &p) }).sum()
    }
    fn count(text: &str, file: &std::path::Path) -> usize {
        if file.ends_with("declare.rs") {
            return 0;
        }
        let opens = |l: &str, m: &str| l == format!("{m}! {{");
        let (mut n, mut inside) = (0, "");
        for line in text.lines() {
            if let Some(m) = ["unary", "binary", "op", "with_decay", "composite", "comparison", "draw"].into_iter().find(|m| opens(line, m))
            {
                inside = m;
            }
            let trimmed = line.trim_start();
            let upper = trimmed.split(' ').next().is_some_and(|w| !w.is_empty() && w.chars().all(|c| c.is_ascii_uppercase() || c == '_'));
            n += match inside {
                "comparison" if upper && trimmed.contains(" = ") => 1,
                // One draw makes two rows.
                "draw" if upper && trimmed.contains(" = \"") => 2,
                "unary" | "binary" | "op" | "with_decay" | "composite" if upper && trimmed.contains(" = fn ") => 1,
                // A row written out.
                _ if line.starts_with("pub static ") && line.contains(": OpDef = ") => 1,
                _ => 0,
            };
            if line == "}" {
                inside = "";
            }
        }
        n
    }
    assert_eq!(rows(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ops")), TABLE.len());
    let mut names: Vec<&str> = TABLE.iter().map(|d| d.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), TABLE.len(), "two rows have one name");
}
