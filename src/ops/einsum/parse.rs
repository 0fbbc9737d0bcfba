//! Reading an equation: which index names each axis of each operand, and of the result.

use std::fmt;

use smallvec::SmallVec;

use crate::error::{Error, ErrorKind, Result};
use crate::shape::{Dim, Tuple};

/// An index of an equation. Letters come in the order of their codes, then the axes of `...`, counted from the last.
pub(in crate::ops) type Label = u8;

/// Indices of the axes of a tensor.
pub(in crate::ops) type Labels = SmallVec<[Label; 8]>;

/// The number of letters.
const LETTERS: u8 = 52;

/// The number of indices that there can be.
pub(in crate::ops) const LABELS: usize = 128;

/// What an equation says about operands of certain ranks.
#[derive(Debug)]
pub(super) struct Equation {
    /// The index of each axis, for each operand.
    pub operands: Vec<Labels>,
    /// The index of each axis of the result.
    pub output: Labels,
}

/// One term as it is written.
#[derive(Default)]
struct Term {
    before: Labels,
    dots: bool,
    after: Labels,
}

impl Term {
    fn letters(&self) -> impl Iterator<Item = Label> {
        self.before.iter().chain(&self.after).copied()
    }

    fn count(&self) -> usize {
        self.before.len() + self.after.len()
    }

    /// The indices of all axes, of which `...` names so many.
    fn labels(&self, dots: usize) -> Labels {
        let own = (0..dots).rev().map(|i| LETTERS + i as u8);
        self.before.iter().copied().chain(own.filter(|_| self.dots)).chain(self.after.iter().copied()).collect()
    }
}

/// A text as an error shows it: in quotes, and not all of a long one.
struct Shown<'a>(&'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST: usize = 60;
        match self.0.char_indices().nth(MOST) {
            Some((end, _)) => write!(f, "{:?} and {} bytes more", self.0.get(..end).unwrap_or_default(), self.0.len() - end),
            None => write!(f, "{:?}", self.0),
        }
    }
}

fn malformed<T>(what: impl fmt::Display, text: &str, rule: impl fmt::Display) -> Result<T> {
    Err(Error::new(ErrorKind::Value, "einsum", what, Shown(text), rule))
}

fn letter(c: char) -> Option<Label> {
    match c {
        'A'..='Z' => Some(c as u8 - b'A'),
        'a'..='z' => Some(c as u8 - b'a' + LETTERS / 2),
        _ => None,
    }
}

/// An index as an error names it.
pub(super) fn name(label: Label) -> String {
    match label {
        0..26 => format!("'{}'", char::from(b'A' + label)),
        26..LETTERS => format!("'{}'", char::from(b'a' + (label - LETTERS / 2))),
        _ => format!("axis -{} of \"...\"", label - LETTERS + 1),
    }
}

/// Reads the term `part` of `text`, and no further than `most` letters and one more.
fn term(text: &str, part: &str, most: usize) -> Result<Term> {
    let mut out = Term::default();
    let mut rest = part.chars();
    while let Some(c) = rest.next() {
        match (c, letter(c)) {
            (_, Some(label)) if out.dots => out.after.push(label),
            (_, Some(label)) => out.before.push(label),
            (' ', _) => {}
            ('.', _) => {
                if (rest.next(), rest.next()) != (Some('.'), Some('.')) {
                    return malformed("a dot is no part of an ellipsis", text, "\"...\"");
                }
                if out.dots {
                    return malformed("a term has two ellipses", text, "\"...\" at most once in a term");
                }
                out.dots = true;
            }
            (',', _) => return malformed("the result has more than one term", text, "no comma after \"->\""),
            ('-' | '>', _) => return malformed("an arrow is out of place", text, "\"->\" at most once"),
            _ => return malformed(format_args!("{c:?} is no index"), text, "letters, blanks, \"...\", \",\" and \"->\""),
        }
        if out.count() > most {
            break;
        }
    }
    Ok(out)
}

/// Reads an equation for operands of these shapes.
pub(super) fn read(text: &str, shapes: &[&[Dim]]) -> Result<Equation> {
    if shapes.is_empty() {
        return Err(Error::new(ErrorKind::Value, "einsum", "there are no operands", Shown(text), "a tensor for each term"));
    }
    let (inputs, output) = match text.split_once("->") {
        Some((inputs, output)) => (inputs, Some(output)),
        None => (text, None),
    };
    // The terms are counted before they are read: a long text makes no long list.
    let count = inputs.bytes().filter(|b| *b == b',').count() + 1;
    if count != shapes.len() {
        let got = format!("{count} term{} for {} operand{}", plural(count), shapes.len(), plural(shapes.len()));
        return Err(Error::new(ErrorKind::Value, "einsum", "the terms and the operands do not pair", got, "one term for each operand"));
    }
    let mut operands = Vec::with_capacity(count);
    let mut used = [0usize; LETTERS as usize];
    let mut most = 0;
    for (i, (part, shape)) in inputs.split(',').zip(shapes).enumerate() {
        let t = term(text, part, shape.len())?;
        let dots = shape.len().checked_sub(t.count()).filter(|&n| t.dots || n == 0);
        let Some(dots) = dots else {
            let got = format!("{} for operand {i} of shape {}", Shown(part), Tuple(shape));
            let rule = if t.dots { "at most one index for each axis" } else { "one index for each axis" };
            return Err(Error::new(ErrorKind::Shape, "einsum", "a term does not fit its operand", got, rule));
        };
        if dots > LABELS - usize::from(LETTERS) {
            let rule = format_args!("at most {}", LABELS - usize::from(LETTERS));
            return Err(Error::new(ErrorKind::Shape, "einsum", "\"...\" stands for too many axes", dots, rule));
        }
        for label in t.letters() {
            if let Some(n) = used.get_mut(usize::from(label)) {
                *n += 1;
            }
        }
        most = most.max(dots);
        operands.push(t.labels(dots));
    }
    let output = match output {
        Some(part) => explicit(text, part, &used, most)?,
        None => {
            let once = used.iter().enumerate().filter(|(_, n)| **n == 1).map(|(i, _)| i as Label);
            Term { before: Labels::new(), dots: true, after: once.collect() }.labels(most)
        }
    };
    Ok(Equation { operands, output })
}

/// The indices of a result that is written out.
fn explicit(text: &str, part: &str, used: &[usize], dots: usize) -> Result<Labels> {
    let t = term(text, part, LETTERS.into())?;
    let mut seen = 0u64;
    for label in t.letters() {
        if used.get(usize::from(label)).is_none_or(|n| *n == 0) {
            return malformed(
                format_args!("no term has the index {} of the result", name(label)),
                text,
                "indices of the terms after \"->\"",
            );
        }
        if seen & 1 << label != 0 {
            return malformed(format_args!("the result has the index {} twice", name(label)), text, "each index once after \"->\"");
        }
        seen |= 1 << label;
    }
    if dots > 0 && !t.dots {
        return malformed("the result has no place for the axes of \"...\"", text, "\"...\" after \"->\" too");
    }
    Ok(t.labels(dots))
}

fn plural(n: usize) -> &'static str {
    if n == 1 { "" } else { "s" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::known;

    fn equation(text: &str, ranks: &[usize]) -> Result<Equation> {
        let shapes: Vec<_> = ranks.iter().map(|&n| known(&vec![2; n])).collect();
        read(text, &shapes.iter().map(|s| &s[..]).collect::<Vec<_>>())
    }

    /// The result's indices as a text, with digits for the axes of `...`.
    fn result(text: &str, ranks: &[usize]) -> String {
        let label = |&l: &Label| match l {
            0..26 => char::from(b'A' + l),
            26..LETTERS => char::from(b'a' + l - 26),
            _ => char::from(b'0' + l - LETTERS),
        };
        equation(text, ranks).unwrap().output.iter().map(label).collect()
    }

    #[test]
    fn a_result_that_is_not_written_out_has_what_occurs_once_by_code() {
        assert_eq!(result("ij,jk", &[2, 2]), "ik");
        assert_eq!(result("ba", &[2]), "ab");
        assert_eq!(result("aB", &[2]), "Ba");
        assert_eq!(result("ii", &[2]), "");
        assert_eq!(result(" b ... a , ... ", &[4, 3]), "210ab");
        assert_eq!(result("", &[0]), "");
        assert_eq!(result(",->", &[0, 0]), "");
        assert_eq!(result("i->...i", &[1]), "i");
        assert_eq!(result("i...,...->...i", &[3, 1]), "10i");
    }

    #[test]
    fn hostile_texts_end_in_errors() {
        let parts = ["i", "->", ",", "...", ".", "-", ">", " ", "\u{e9}", "\u{202e}", "\0", "\t", "1", "Z", "i->i", "😀"];
        for a in parts {
            for b in parts {
                for c in parts {
                    let text = format!("{a}{b}{c}");
                    for ranks in [&[][..], &[0], &[1], &[2], &[1, 1], &[3]] {
                        if let Err(e) = equation(&text, ranks) {
                            assert!(e.to_string().starts_with("einsum: ") && e.to_string().contains("; expected "), "{text:?}: {e}");
                        }
                    }
                }
            }
        }
        let long = "i".repeat(1 << 20);
        let e = equation(&long, &[2]).unwrap_err().to_string();
        assert!(e.len() < 300, "{e}");
        let commas = ",".repeat(1 << 20);
        assert!(equation(&commas, &[0]).unwrap_err().to_string().contains("1048577 terms for 1 operand;"));
        assert!(equation("...", &[77]).unwrap_err().to_string().contains("too many axes"));
        assert_eq!(equation("...", &[76]).unwrap().output.len(), 76);
    }
}
