//! Random programs: one plan for all of a program gives the bits that its nodes give one by one.

#[path = "common/random.rs"]
mod random;

use random::{elementwise, value};
use scirs2_autograd::internals::{Numbers, OpDef, agree, derive};
use scirs2_autograd::{DType, Slice, Slices};
use scirs2_autograd::{Result, Tensor, run, tensor_ops as T};

fn program(seed: u64, rows: &[&'static OpDef]) -> Result<usize> {
    let mut r = Numbers::new(seed);
    run(|ctx| {
        let (outputs, feeds) = random::program(ctx, seed, &mut r, rows)?;
        let d = derive(ctx, outputs, feeds, r.below(3))?;
        agree(ctx, &d)
    })
}

#[test]
fn one_plan_gives_the_bits_of_single_ops() {
    let rows = elementwise();
    let (mut failures, mut compared) = (vec![], 0);
    for seed in 0..4000 {
        match program(seed, &rows) {
            Ok(n) => compared += n,
            Err(e) => failures.push(format!("seed {seed}: {e:?}")),
        }
    }
    assert!(failures.is_empty(), "{} programs fail\n{}", failures.len(), failures.join("\n"));
    assert!(compared > 8000, "{compared}");
}

/// A product's rounding may follow from which axes of an operand are contiguous. A value that is computed is contiguous,
/// also where a rewrite finds that computing it changes nothing.
#[test]
fn rewrites_do_not_make_views() {
    let reversed = || Slices(vec![Slice { start: None, stop: None, step: -1 }; 2].into());
    let computed: [for<'g> fn(Tensor<'g>) -> Tensor<'g>; 6] = [
        |v| v * 1.0,
        |v| v - 0.0,
        |v| v / 1.0,
        |v| -(-v),
        |v| T::select(T::greater(v, 0.0), v, v),
        |v| T::reduce_sum(T::expand_dims(v, 0), 0, false),
    ];
    for (dtype, m, k, n) in [(DType::F32, 1, 37, 1), (DType::F32, 1, 130, 5), (DType::F64, 40, 33, 1), (DType::F64, 20, 30, 17)] {
        for (c, computed) in computed.iter().enumerate() {
            for view in 0..3 {
                let mut r = Numbers::new(9);
                let result = run(|ctx| -> Result<usize> {
                    let dims = if view == 1 { [k, m] } else { [m, k] };
                    let shape = |d: [usize; 2]| d.map(|n| n as isize);
                    let (x, y) = (ctx.placeholder_of("x", &shape(dims), dtype), ctx.placeholder_of("y", &shape([k, n]), dtype));
                    let feeds = vec![(x, value(dtype, &dims, &mut r, false)?), (y, value(dtype, &[k, n], &mut r, false)?)];
                    let x = match view {
                        0 => T::strided_slice(x, reversed()),
                        1 => T::transpose(x, ()),
                        _ => x,
                    };
                    agree(ctx, &derive(ctx, vec![T::matmul(computed(x), y)], feeds, 1)?)
                });
                assert!(result.is_ok(), "{dtype} ({m}, {k}) @ ({k}, {n}), value {c}, view {view}: {result:?}");
            }
        }
    }
}
