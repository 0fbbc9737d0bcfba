//! Inputs to test rows with that several rows have, and what they refuse.

use std::borrow::Cow;

use crate::dtype::DType;
use crate::graph::attr::Attr;
use crate::graph::op::{Bad, Case, Class, Domain};

/// A case of shapes that all have one domain.
pub(crate) fn case(domain: Domain, shapes: &[&[usize]], attrs: Vec<Attr>) -> Case {
    Case { inputs: shapes.iter().map(|s| (domain, s.to_vec())).collect(), attrs }
}

/// A case of inputs with domains of their own.
pub(crate) fn mixed(inputs: &[(Domain, &[usize])], attrs: Vec<Attr>) -> Case {
    Case { inputs: inputs.iter().map(|(d, s)| (*d, s.to_vec())).collect(), attrs }
}

/// Shapes for an elementwise op of one operand.
pub(crate) fn unary_cases(domain: Domain) -> Vec<Case> {
    [&[][..], &[1], &[5], &[2, 3], &[2, 1, 3]].into_iter().map(|s| case(domain, &[s], vec![])).collect()
}

/// Shapes for an elementwise op of two operands: equal, and broadcast in every way.
pub(crate) fn binary_cases(a: Domain, b: Domain) -> Vec<Case> {
    let pairs: [(&[usize], &[usize]); 6] =
        [(&[], &[]), (&[4], &[4]), (&[2, 3], &[3]), (&[2, 1], &[1, 3]), (&[], &[2, 2]), (&[2, 3, 2], &[3, 1])];
    pairs.into_iter().map(|(x, y)| mixed(&[(a, x), (b, y)], vec![])).collect()
}

/// Shapes for an elementwise op: all of one shape, and broadcast in every way.
pub(crate) fn elementwise(domains: &[Domain]) -> Vec<Case> {
    match domains {
        [x] => unary_cases(*x),
        [a, b] => binary_cases(*a, *b),
        [a, b, c] => {
            let triples: [[&[usize]; 3]; 4] = [[&[]; 3], [&[4]; 3], [&[2, 3], &[], &[3]], [&[2, 1], &[1, 3], &[]]];
            triples.into_iter().map(|[x, y, z]| mixed(&[(*a, x), (*b, y), (*c, z)], vec![])).collect()
        }
        _ => vec![],
    }
}

/// What an elementwise op refuses: shapes that do not broadcast, and dtypes that are not of its class.
pub(crate) fn refused(op: &'static str, class: Class, inputs: usize) -> Vec<Bad> {
    let dtype = if matches!(class, Class::Integer | Class::Bits) { DType::I64 } else { DType::F64 };
    let mut all = if inputs > 1 { unbroadcast(op, dtype, inputs) } else { vec![] };
    all.extend(match class {
        Class::Number => bools_refused(op, inputs),
        Class::Integer => integers_only(op, inputs),
        Class::Bits => floats_refused(op, inputs),
        _ => vec![],
    });
    all
}

/// What an elementwise op of two operands refuses.
pub(crate) fn binary_bad(op: &'static str) -> Vec<Bad> {
    unbroadcast(op, DType::F64, 2)
}

/// What a composite of three operands refuses, of which the last two meet first.
pub(crate) fn ternary_bad(op: &'static str) -> Vec<Bad> {
    let text =
        format!("{op}: shapes do not broadcast. Got (2, 3) and (4,); expected equal lengths, or 1, on each axis counted from the last.");
    vec![bad(&[&[2, 3], &[4], &[]], vec![], text)]
}

/// Operands whose shapes do not broadcast, the first two of several.
fn unbroadcast(op: &'static str, dtype: DType, inputs: usize) -> Vec<Bad> {
    let text =
        format!("{op}: shapes do not broadcast. Got (2, 3) and (4,); expected equal lengths, or 1, on each axis counted from the last.");
    let shapes = [&[2, 3][..], &[4]].into_iter().chain(std::iter::repeat(&[][..])).take(inputs);
    vec![bad_of(&shapes.map(|s| (dtype, s)).collect::<Vec<_>>(), vec![], text)]
}

/// What an op of numbers refuses: bools.
pub(crate) fn bools_refused(op: &'static str, inputs: usize) -> Vec<Bad> {
    let text = format!(
        "{op}: bools are not numbers. Got bool; expected an integer or floating dtype.\nhelp: use `logical_and`, `logical_or`, \
         `logical_xor` or `logical_not`, or cast to a number"
    );
    vec![bad_of(&vec![(DType::Bool, &[2][..]); inputs], vec![], text)]
}

/// What an op of integers refuses.
fn integers_only(op: &'static str, inputs: usize) -> Vec<Bad> {
    let refused = |dtype: DType| {
        let text = format!("{op}: not integers. Got {dtype}; expected int32 or int64.");
        bad_of(&vec![(dtype, &[2][..]); inputs], vec![], text)
    };
    vec![refused(DType::F64), refused(DType::Bool)]
}

/// What an op of bits refuses: floats.
fn floats_refused(op: &'static str, inputs: usize) -> Vec<Bad> {
    let text = format!(
        "{op}: floating numbers have no bits to work on. Got float64; expected integers or bools.\nhelp: compare first, as in \
         `(x > 0) & (x < 1)`, or use `logical_and` and its like"
    );
    vec![bad_of(&vec![(DType::F64, &[2][..]); inputs], vec![], text)]
}

/// A bad input of f64 tensors.
pub(crate) fn bad(shapes: &[&[usize]], attrs: Vec<Attr>, message: impl Into<Cow<'static, str>>) -> Bad {
    Bad { inputs: shapes.iter().map(|s| (DType::F64, s.to_vec())).collect(), attrs, message: message.into() }
}

/// A bad input of tensors with dtypes of their own.
pub(crate) fn bad_of(inputs: &[(DType, &[usize])], attrs: Vec<Attr>, message: impl Into<Cow<'static, str>>) -> Bad {
    Bad { inputs: inputs.iter().map(|(d, s)| (*d, s.to_vec())).collect(), attrs, message: message.into() }
}
