//! Random programs of operations of the table.

use scirs2_autograd::internals::{Arg, Attr, AttrType, Body, Kernel, Numbers, OpDef, ParamKind, Support, TABLE, apply_in, find};
use scirs2_autograd::op::Hook;
use scirs2_autograd::{Array, Axes, Context, DType, Result, Slice, Slices, Tensor, View, tensor_ops as T};

/// A hook that takes no copy of what it sees.
pub struct Look;

impl Hook for Look {
    fn call(&self, _: View<'_>) -> Result<()> {
        Ok(())
    }
}

/// Elements of a value at most.
const MOST: usize = 6000;

pub fn value(dtype: DType, dims: &[usize], r: &mut Numbers, hard: bool) -> Result<Array> {
    const HARD: [f64; 8] = [0.0, -0.0, 1.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 5e-324, 1e308];
    let n = dims.iter().product();
    let x: Vec<f64> = (0..n).map(|_| if hard && r.below(4) == 0 { HARD[r.below(8)] } else { 4.0 * r.unit() - 2.0 }).collect();
    match dtype {
        DType::F32 => Array::from_slice(&x.iter().map(|&v| v as f32).collect::<Vec<_>>(), dims),
        DType::I64 => Array::from_slice(&x.iter().map(|&v| (3.0 * v) as i64).collect::<Vec<_>>(), dims),
        DType::Bool => Array::from_slice(&x.iter().map(|&v| v > 0.0).collect::<Vec<_>>(), dims),
        _ => Array::from_slice(&x, dims),
    }
}

pub fn elementwise() -> Vec<&'static OpDef> {
    let plain = |d: &&OpDef| d.params.iter().all(|p| matches!(p.kind, ParamKind::Tensor(_)));
    let family = |d: &&OpDef| match &d.body {
        // What refuses values would end most programs, and what writes needs a variable.
        Body::Primitive(p) => matches!(p.support, Support::Elementwise(_)) && !matches!(p.kernel, Kernel::Check(_) | Kernel::Assign),
        Body::Composite(_) => d.name == "gelu",
    };
    TABLE.iter().copied().filter(plain).filter(family).collect()
}

/// One more value from those that are there; `None` where the choice does not fit.
pub fn grow<'g>(ctx: &'g Context, pool: &[Tensor<'g>], rows: &[&'static OpDef], r: &mut Numbers) -> Option<Tensor<'g>> {
    let pick = |r: &mut Numbers| pool[r.below(pool.len())];
    let x = pick(r);
    let axis = |r: &mut Numbers, t: Tensor<'_>| (t.ndim() > 0).then(|| r.below(t.ndim()) as i64);
    // A hook on a view leaves it a view.
    let seen = |t: Tensor<'g>, r: &mut Numbers| if r.below(3) == 0 { t.register_hook(Look) } else { t };
    let made = match r.below(20) {
        0..=8 => {
            let def = rows[r.below(rows.len())];
            let args: Vec<Arg<'g>> = def.params.iter().map(|_| Arg::from(pick(r))).collect();
            apply_in(ctx, def, &args, &[]).ok()?[0]
        }
        // Numbers that rewrites look for.
        9 => [x * 1.0, x * -1.0, x - 0.0, x / 1.0, -(-x), x + 0.0, x * 0.0][r.below(7)],
        10 | 11 => {
            let def = find(["reduce_sum", "reduce_max", "reduce_min", "reduce_mean", "reduce_logsumexp"][r.below(5)])?;
            let some: Vec<i64> = (0..x.ndim() as i64).filter(|_| r.below(2) == 0).collect();
            let axes = if r.below(4) == 0 { Axes(None) } else { Axes(Some(some.into())) };
            apply_in(ctx, def, &[x.into()], &[axes.pack(), Attr::Bool(r.below(2) == 0)]).ok()?[0]
        }
        12 => seen(T::transpose(x, ()), r),
        13 => T::reshape(x, -1i64),
        14 => T::expand_dims(x, r.below(x.ndim() + 1) as i64),
        15 => {
            let step = [1, 2, -1, -3][r.below(4)];
            let mut slices = vec![Slice::ALL; x.ndim()];
            slices[axis(r, x)? as usize] = Slice { start: None, stop: None, step };
            seen(T::strided_slice(x, Slices(slices.into())), r)
        }
        16 => T::broadcast_like(x, pick(r)),
        17 => T::concat(&[x, pick(r)], axis(r, x)?),
        18 => T::softmax(x, axis(r, x)?),
        _ => {
            let y = pick(r);
            T::matmul(x, if r.below(2) == 0 { y } else { T::transpose(y, ()) })
        }
    };
    let small = made.known_shape().is_some_and(|d| d.iter().product::<usize>() <= MOST && d.len() <= 4);
    (made.error().is_none() && small).then_some(made)
}

/// What a program asks for: outputs, and placeholders with their values.
pub type Asked<'g> = (Vec<Tensor<'g>>, Vec<(Tensor<'g>, Array)>);

/// A program of a seed, of which values of `rows` are a part.
pub fn program<'g>(ctx: &'g Context, seed: u64, r: &mut Numbers, rows: &[&'static OpDef]) -> Result<Asked<'g>> {
    let mut feeds = vec![];
    let lengths: Vec<usize> = (0..3).map(|_| [1, 2, 3, 4, 5, 7, 8, 16, 37, 130, 520, 1030][r.below(12)]).collect();
    for i in 0..2 + r.below(3) {
        let mut dims: Vec<usize> = lengths.iter().map(|&n| if r.below(4) == 0 { 1 } else { n }).collect();
        dims.drain(..r.below(4));
        while dims.iter().product::<usize>() > MOST {
            dims.pop();
        }
        let dtype = [DType::F64, DType::F64, DType::F32, DType::F32, DType::I64, DType::Bool][r.below(6)];
        let shape: Vec<isize> = dims.iter().map(|&n| n as isize).collect();
        feeds.push((ctx.placeholder_of(&format!("x{i}"), &shape, dtype), value(dtype, &dims, r, seed.is_multiple_of(3))?));
    }
    let mut pool: Vec<Tensor<'g>> = feeds.iter().map(|f| f.0).collect();
    for _ in 0..40 {
        let made = grow(ctx, &pool, rows, r);
        pool.extend(made);
    }
    // Late values depend on most of the others.
    let late = pool.len() / 2;
    let outputs = (0..1 + r.below(4)).map(|_| pool[late + r.below(pool.len() - late)]).collect();
    Ok((outputs, feeds))
}
