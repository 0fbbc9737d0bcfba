//! The same numbers as a part of a larger array, wherever that is: fed, constant, variable or computed. What a kernel reads
//! behind the part it may not use, and memory ends behind the array.

use super::arrays::{compare, derived_values, flat, gathered, plain};
use super::sample::Sample;
use crate::api::context::Context;
use crate::array::Array;
use crate::dtype::DType;
use crate::error::Result;
use crate::graph::Tensor;
use crate::graph::attr::{Slice, Slices};
use crate::graph::op::OpDef;
use crate::ops::movement::reshape;
use crate::ops::select::select;
use crate::ops::slice::strided_slice;
use crate::state::VariableEnvironment;

/// Where an array is that a view shows a part of.
#[derive(Clone, Copy, Debug)]
enum Home {
    Feed,
    Constant,
    Variable,
    Computed,
}

/// Which part of a larger array a view shows.
#[derive(Clone, Copy, Debug)]
enum Part {
    /// Rows with others before and behind them.
    Offset,
    /// The last rows.
    Last,
    /// Some columns of all rows.
    Middle,
}

impl Part {
    /// The axis that is longer, and what stands before and behind the part.
    fn around(self, ndim: usize) -> (usize, usize, usize) {
        match self {
            Part::Offset => (0, 3, 2),
            Part::Last => (0, 3, 0),
            Part::Middle => (ndim - 1, 2, 3),
        }
    }

    /// An array of which the part is `a`.
    fn larger(self, a: &Array) -> Result<Array> {
        let dims = if a.ndim() == 0 { vec![1] } else { a.shape().to_vec() };
        let (axis, before, behind) = self.around(dims.len());
        let mut large = dims.clone();
        large[axis] += before + behind;
        gathered(a, &large, |i| {
            let at = i[axis].checked_sub(before).filter(|&k| k < dims[axis])?;
            Some(flat(&dims, i.iter().enumerate().map(|(k, &i)| if k == axis { at } else { i })))
        })
    }

    /// The part of `t` that has the shape of `a`.
    fn of<'g>(self, t: Tensor<'g>, a: &Array) -> Tensor<'g> {
        let dims = if a.ndim() == 0 { &[1] } else { a.shape() };
        let (axis, before, _) = self.around(dims.len());
        let mut slices = vec![Slice::ALL; dims.len()];
        slices[axis] = Slice { start: Some(before as i64), stop: Some((before + dims[axis]) as i64), step: 1 };
        let part = strided_slice(t, Slices(slices.into()));
        if a.ndim() == 0 { reshape(part, Vec::<i64>::new()) } else { part }
    }
}

/// Values and gradients at parts of larger arrays have the bits that they have at arrays of their own.
pub fn parts(def: &'static OpDef, s: &Sample) -> Result<usize> {
    let expected = plain(def, s)?;
    let mut n = 0;
    for part in [Part::Offset, Part::Last, Part::Middle] {
        let larger: Vec<Array> = s.inputs.iter().map(|a| part.larger(a)).collect::<Result<_>>()?;
        for home in [Home::Feed, Home::Constant, Home::Variable, Home::Computed] {
            let found = at_home(def, s, part, home, &larger)?;
            n += compare(def, &format!("{part:?} of a larger {home:?}"), &found, &expected)?;
        }
    }
    Ok(n)
}

fn at_home(def: &'static OpDef, s: &Sample, part: Part, home: Home, larger: &[Array]) -> Result<Vec<Array>> {
    let env = VariableEnvironment::new();
    let ctx = Context::new(env.clone(), Some(DType::F64));
    let (mut xs, mut feeds) = (vec![], vec![]);
    for (i, (a, large)) in s.inputs.iter().zip(larger).enumerate() {
        let mut fed = |name: &str, array: Array| {
            let shape: Vec<isize> = array.shape().iter().map(|&n| n as isize).collect();
            let t = ctx.placeholder_of(&format!("{name}{i}"), &shape, array.dtype());
            feeds.push((t, array));
            t
        };
        let t = match home {
            Home::Feed => fed("x", large.clone()),
            Home::Constant => ctx.constant(large),
            Home::Variable => {
                let id = env.name(&format!("x{i}")).set(large);
                ctx.variable(id)
            }
            Home::Computed => {
                let chosen = Array::from_slice(&vec![true; large.size()], large.shape())?;
                let other = Array::zeros(large.dtype(), large.shape())?;
                select(fed("m", chosen), fed("x", large.clone()), fed("o", other))
            }
        };
        xs.push(part.of(t, a));
    }
    derived_values(&ctx, def, &xs, s, feeds)
}
