//! What the rules of a row are handed, by position.

use crate::error::{Error, ErrorKind, Result};
use crate::graph::attr::{Attr, AttrType};
use crate::graph::op::Vjp;

/// A row's input or a composite's operand; the faces check their number.
pub(crate) fn input<T>(x: Option<T>) -> Result<T> {
    x.ok_or_else(|| Error::text(ErrorKind::Graph, "apply: an input is missing"))
}

/// A row's attribute; the faces check number and kinds.
pub(crate) fn attr<T: AttrType>(a: Option<&Attr>) -> Result<T> {
    T::unpack(input(a)?)
}

/// A kernel was called with another number of views than its row has: an error of the engine, kept from panicking.
pub(crate) fn arity(op: &str) -> Error {
    Error::text(ErrorKind::Graph, format!("{op}: its kernel got another number of arrays than its row declares"))
}

/// A raw identifier without its mark.
pub(crate) const fn plain(name: &'static str) -> &'static str {
    match name.as_bytes() {
        // SAFETY: the rest of a string after two ASCII characters is a string.
        [b'r', b'#', rest @ ..] => unsafe { std::str::from_utf8_unchecked(rest) },
        _ => name,
    }
}

/// True if input `i`'s cotangent is asked for.
pub(crate) fn wants(v: &Vjp<'_, '_>, i: usize) -> bool {
    v.wanted.get(i).copied().unwrap_or(false)
}

/// True if `rules` names the inputs of a node, in order: the parameters without a default. Const, so that a row with a missing rule does
/// not compile.
pub(crate) const fn paired(params: &[(&str, &[&str])], rules: &[&str]) -> bool {
    let (mut i, mut k) = (0, 0);
    while i < params.len() {
        if params[i].1.is_empty() {
            if k >= rules.len() || !same(&[params[i].0], &[rules[k]]) {
                return false;
            }
            k += 1;
        }
        i += 1;
    }
    k == rules.len()
}

/// True if two lists of names are equal.
pub(crate) const fn same(a: &[&str], b: &[&str]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        let (x, y) = (a[i].as_bytes(), b[i].as_bytes());
        if x.len() != y.len() {
            return false;
        }
        let mut k = 0;
        while k < x.len() {
            if x[k] != y[k] {
                return false;
            }
            k += 1;
        }
        i += 1;
    }
    true
}
