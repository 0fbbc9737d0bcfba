//! One more axis of some inputs against one computation after the other.

use super::arrays::{compare, stacked};
use super::cotangent;
use super::program::{build, derive, evaluate, placeholders};
use super::sample::{Sample, array, single};
use crate::api::context::{Context, run};
use crate::array::Array;
use crate::autodiff::batch::over;
use crate::dtype::DType;
use crate::error::Result;
use crate::graph::op::OpDef;
use crate::graph::{Tensor, Value};

/// Computations that are compared.
const MANY: usize = 3;

/// Values and gradients of a row, over every set of its inputs that can have the axis, over the cotangents, and over all.
pub fn batched(def: &'static OpDef, s: &Sample) -> Result<usize> {
    let own = s.inputs.len();
    run(|ctx| {
        let xs = placeholders(ctx, &s.inputs);
        let ys = build(ctx, def, &xs, s)?;
        let d = derive(ctx, ys, xs.into_iter().zip(s.inputs.iter().cloned()).collect(), 1)?;
        let all = (1usize << d.feeds.len()) - 1;
        let inputs = (1usize << own) - 1;
        let mut sets: Vec<usize> = (1..=inputs).collect();
        if all > inputs {
            sets.extend([all & !inputs, all]);
        }
        let mut n = 0;
        for set in sets {
            n += agrees(ctx, def, s, &d.tensors, &d.feeds, set)?;
        }
        Ok(n)
    })
}

/// Other numbers for input or cotangent `i`.
fn others(s: &Sample, i: usize, a: &Array) -> Result<Vec<Array>> {
    let one = |k: usize| match s.domains.get(i) {
        Some(domain) => array(*domain, a.shape(), (91 + 16 * k + i) as u64),
        None if a.dtype() == DType::F32 => single(&cotangent(a, 7 * k + i)?),
        None => cotangent(a, 7 * k + i),
    };
    (0..MANY).map(one).collect()
}

fn agrees<'g>(
    ctx: &'g Context,
    def: &'static OpDef,
    s: &Sample,
    ys: &[Tensor<'g>],
    feeds: &[(Tensor<'g>, Array)],
    set: usize,
) -> Result<usize> {
    let (mut replaced, mut wide) = (vec![], vec![]);
    let mut each: Vec<Vec<(Tensor<'g>, Array)>> = vec![vec![]; MANY];
    for (i, (t, a)) in feeds.iter().enumerate() {
        if set >> i & 1 == 0 {
            wide.push((*t, a.clone()));
            each.iter_mut().for_each(|f| f.push((*t, a.clone())));
            continue;
        }
        let values = others(s, i, a)?;
        let whole = stacked(&values)?;
        let shape: Vec<isize> = whole.shape().iter().map(|&n| n as isize).collect();
        let p = ctx.placeholder_of(&format!("b{set}.{i}"), &shape, whole.dtype());
        each.iter_mut().zip(values).for_each(|(f, v)| f.push((*t, v)));
        replaced.push((t.value(), p));
        wide.push((p, whole));
    }
    let values: Vec<Value> = ys.iter().map(|y| y.value()).collect();
    let found = evaluate(ctx, &over(ctx, &values, &replaced, MANY)?, &wide)?;
    let singles: Vec<Vec<Array>> = each.iter().map(|f| evaluate(ctx, ys, f)).collect::<Result<_>>()?;
    let column = |k: usize| singles.iter().filter_map(|list| list.get(k).cloned()).collect::<Vec<_>>();
    let expected: Vec<Array> = (0..ys.len()).map(|k| stacked(&column(k))).collect::<Result<_>>()?;
    compare(def, &format!("batched over {:?}", replaced.iter().map(|(v, _)| v.node).collect::<Vec<_>>()), &found, &expected)
}
