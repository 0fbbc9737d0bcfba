//! Einstein's summation: an equation, the order of its products, and their graph.

pub mod axes;
pub mod lower;
pub mod parse;
pub mod path;

use crate::error::{Error, ErrorKind, Result};
use crate::graph::attr::{AttrType, IntoAttr, Text};
use crate::graph::op::OpDef;
use crate::graph::{AsTensor, Tensor};
use crate::ops::apply::{Arg, apply};
use crate::shape::Dim;
use lower::{Indexed, contract};
use parse::{Equation, LABELS};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&EINSUM];

row! {
    /// Sums of products by an equation of indices, as NumPy's: each letter names an axis, axes of one name go together, and the sum is
    /// over the names that the result has not: `"ij,jk->ik"` is a product of matrices, `"ii"` a trace, `"ij->ji"` a transpose.
    ///
    /// `...` stands for axes without names, which broadcast. Without `->` the result has `...` and then, by their codes, the letters that
    /// occur once. Blanks do not count. A letter twice in one term is a diagonal. Lengths of 1 meet any length. The operands become one
    /// dtype; sums of integers stay in it and wrap around, sums of bools are "any".
    ///
    /// Several operands are multiplied two at a time, up to eight in the order of least work, more in an order in which each product
    /// adds least to the memory; an unknown length counts as 100. What one operand alone names is summed first, and products over
    /// a name are products of matrices, in which views of the operands are read where they stand.
    ///
    /// Gradient: that of these products and sums, as for `batch_matmul`, `mul` and `reduce_sum`.
    pub EINSUM = fn einsum(operands: [value]; subscripts: Text) -> y
    body {
        let shapes: Vec<&[Dim]> = operands.iter().map(|x| x.dims()).collect();
        let Equation { operands: labels, output } = parse::read(&subscripts.0, &shapes)?;
        check_lengths(&labels, &shapes)?;
        let indexed = operands.into_iter().zip(labels).map(|(x, l)| Indexed::new(x, l)).collect();
        contract(indexed, &output)?
    }
    numpy "np.einsum(subscripts, *operands)";
    by hand;
    rounds by_layout;
    case real[2, 3], real[3, 4] with subscripts = "ij,jk->ik";
    case real[3, 2, 4], real[3, 4, 2] with subscripts = "bij,bjk->bik";
    case real[3, 2, 4], real[4, 2] with subscripts = "...ij,jk->k...";
    case real[3, 3, 2] with subscripts = "iij->ji";
    case real[3, 3] with subscripts = "ii";
    case real[2, 3, 4] with subscripts = "ijk->kj";
    case real[4], real[4] with subscripts = "i,i";
    case real[2, 3], real[3, 2] with subscripts = "ij,ji->j";
    case real[2], real[3] with subscripts = "i,j->ji";
    case real[2, 3, 4], real[4, 5, 3] with subscripts = "abc,cdb->da";
    case real[2, 3, 2, 2], real[2, 4, 2, 2] with subscripts = "bqhd,bkhd->bhqk";
    case real[2, 3], real[3, 4], real[4] with subscripts = "ij,jk,k->i";
    case real[3], real[3], real[3], real[] with subscripts = "i,i,i,->i";
    refuses f64[2], f64[2] with subscripts = "i" => "einsum: the terms and the operands do not pair. Got 1 term for 2 operands; expected one term for each operand.";
    refuses f64[2] with subscripts = "i1" => "einsum: '1' is no index. Got \"i1\"; expected letters, blanks, \"...\", \",\" and \"->\".";
    refuses f64[2] with subscripts = "i.." => "einsum: a dot is no part of an ellipsis. Got \"i..\"; expected \"...\".";
    refuses f64[2] with subscripts = "...i..." => "einsum: a term has two ellipses. Got \"...i...\"; expected \"...\" at most once in a term.";
    refuses f64[2] with subscripts = "i-" => "einsum: an arrow is out of place. Got \"i-\"; expected \"->\" at most once.";
    refuses f64[2] with subscripts = "i->i->" => "einsum: an arrow is out of place. Got \"i->i->\"; expected \"->\" at most once.";
    refuses f64[2] with subscripts = "i->i," => "einsum: the result has more than one term. Got \"i->i,\"; expected no comma after \"->\".";
    refuses f64[2] with subscripts = "i->j" => "einsum: no term has the index 'j' of the result. Got \"i->j\"; expected indices of the terms after \"->\".";
    refuses f64[2] with subscripts = "i->ii" => "einsum: the result has the index 'i' twice. Got \"i->ii\"; expected each index once after \"->\".";
    refuses f64[2, 3] with subscripts = "...i->i" => "einsum: the result has no place for the axes of \"...\". Got \"...i->i\"; expected \"...\" after \"->\" too.";
    refuses f64[2, 3] with subscripts = "ijk" => "einsum: a term does not fit its operand. Got \"ijk\" for operand 0 of shape (2, 3); expected one index for each axis.";
    refuses f64[2], f64[2] with subscripts = "i,...ij" => "einsum: a term does not fit its operand. Got \"...ij\" for operand 1 of shape (2,); expected at most one index for each axis.";
    refuses f64[2, 3], f64[4, 5] with subscripts = "ij,jk" => "einsum: lengths differ. Got 3 and 4 for 'j' of operand 1; expected equal lengths, or 1.";
    refuses f64[2, 3], f64[2, 5] with subscripts = "...,..." => "einsum: lengths differ. Got 3 and 5 for axis -1 of \"...\" of operand 1; expected equal lengths, or 1.";
    refuses f64[1, 3] with subscripts = "ii" => "einsum: lengths differ. Got 1 and 3 for 'i' of operand 0; expected equal lengths in one operand.";
}

/// An error unless lengths that are known agree: equal in one operand, and equal or 1 in several.
fn check_lengths(labels: &[parse::Labels], shapes: &[&[Dim]]) -> Result<()> {
    let mut lengths = [1usize; LABELS];
    for (k, (labels, shape)) in labels.iter().zip(shapes).enumerate() {
        let axes = || labels.iter().zip(shape.iter()).filter_map(|(&l, d)| Some((l, d.known()?)));
        let differ = |label, a: usize, b: usize, rule: &str| {
            let got = format_args!("{a} and {b} for {} of operand {k}", parse::name(label));
            Err(Error::new(ErrorKind::Shape, "einsum", "lengths differ", got, rule))
        };
        for (i, (label, n)) in axes().enumerate() {
            if let Some((_, m)) = axes().take(i).find(|&(l, m)| l == label && m != n) {
                return differ(label, m, n, "equal lengths in one operand");
            }
            let Some(length) = lengths.get_mut(usize::from(label)) else { continue };
            match (*length, n) {
                (m, n) if m == n || n == 1 => {}
                (1, n) => *length = n,
                (m, n) => return differ(label, m, n, "equal lengths, or 1"),
            }
        }
    }
    Ok(())
}

/// Sums of products by an equation of indices, as NumPy's `einsum`: each letter names an axis, axes of one name go together, and the
/// sum is over the names that the result has not. Diagonals, `...`, results that are not written out and lengths of 1 mean what
/// they mean there.
///
/// ```
/// use scirs2_autograd::{run, tensor_ops as T};
///
/// run(|ctx| {
///     let a = ctx.placeholder("a", &[5, 2, 3]);
///     let b = ctx.placeholder("b", &[3, 4]);
///     assert_eq!(T::einsum("bij,jk->bik", &[a, b]).known_shape().unwrap()[..], [5, 2, 4]);
///     assert_eq!(T::einsum("...j,jk", &[a, b]).known_shape().unwrap()[..], [5, 2, 4]);
/// });
/// ```
#[track_caller]
pub fn einsum<'g>(subscripts: impl IntoAttr<Text>, operands: &[impl AsTensor<'g>]) -> Tensor<'g> {
    let args: Vec<Arg<'g>> = operands.iter().map(|t| Arg::from(t.tensor())).collect();
    apply(&EINSUM, &args, &[subscripts.into_attr().pack()])
}
