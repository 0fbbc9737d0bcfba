//! Keys: what is looked up by words and hashes is found only if it is the same. A hash may collide, equality may not.

use parking_lot::{Mutex, MutexGuard};
use rustc_hash::FxHashMap;
use scirs2_autograd::op::{Avals, ComputeContext, GradientContext, Op};
use scirs2_autograd::{Aval, Context, Result, Tensor, VariableEnvironment, run, tensor_ops as T};
use scirs2_autograd::{DType, Scalar};

/// The cache of plans belongs to the process: one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    let guard = ALONE.lock();
    scirs2_autograd::internals::clear();
    guard
}

/// `n` outputs: output `k` is the input plus `k`.
struct Fan(usize);

impl Op for Fan {
    fn name(&self) -> &str {
        "fan"
    }
    fn infer(&self, inputs: &[&Aval]) -> Result<Avals> {
        Ok((0..self.0).map(|_| inputs[0].clone()).collect())
    }
    fn compute(&self, c: &mut ComputeContext<'_>) -> Result<()> {
        let x = c.input::<f64>(0)?.to_owned();
        (0..self.0).try_for_each(|k| c.append_output(&x + k as f64))
    }
    fn grad<'g>(&self, _: &mut GradientContext<'_, 'g>) {}
}

fn value(ctx: &Context, t: Tensor<'_>) -> f64 {
    let x = ctx.placeholders()[0].1;
    ctx.evaluator().push(ctx.tensor(t.value())).feed(ctx.tensor(x), 0.5).run()[0].as_ref().unwrap().item().unwrap()
}

/// Requests that differ only in which outputs of one node they use have the values of those outputs, whichever plan was
/// made first.
fn every_output_is_told_apart(make: impl for<'g> Fn(&'g Context, Tensor<'g>) -> Tensor<'g>) {
    const NEAR: [usize; 9] = [0, 1, 2, 255, 256, 257, 511, 512, 599];
    for back in [false, true] {
        let _alone = alone();
        run(|ctx| {
            let many = make(ctx, ctx.placeholder("x", &[]));
            // Nodes behind it, whose places follow on its own.
            let b = T::sin(many);
            let c = T::cos(b);
            let wanted: f64 = (0.5f64).sin();
            let sums = NEAR.map(|k| (many.output(k) + b, 0.5 + k as f64 + wanted));
            let others = NEAR.map(|k| (many.output(k) + c, 0.5 + k as f64 + wanted.cos()));
            let mut all: Vec<_> = sums.into_iter().chain(others).collect();
            all.extend([(b + b, 2.0 * wanted), (c + b, wanted.cos() + wanted)]);
            if back {
                all.reverse();
            }
            for (t, wanted) in all {
                let got = value(ctx, t);
                assert!((got - wanted).abs() < 1e-12, "{got} for {wanted}");
            }
            for k in NEAR {
                assert_eq!(value(ctx, many.output(k)), 0.5 + k as f64);
            }
        });
    }
}

#[test]
fn outputs_of_a_branch_are_told_apart() {
    every_output_is_told_apart(|_, x| {
        let body = || (0..600).map(|k| x + f64::from(k)).collect::<Vec<_>>();
        T::cond(T::greater(x, 0.0), body, body)[0]
    });
}

#[test]
fn outputs_of_a_users_op_are_told_apart() {
    every_output_is_told_apart(|ctx, x| Tensor::builder(ctx).append_input(x, false).build(Fan(600)));
}

#[test]
fn scalars_of_two_dtypes_are_two_nodes() {
    run(|ctx| {
        // Bits and dtypes that are one word, if the dtype's number is laid over the bits.
        let dtypes = [DType::Bool, DType::I32, DType::I64, DType::F32, DType::F64];
        for (a, b) in dtypes.iter().flat_map(|&a| dtypes.map(|b| (a, b))).filter(|(a, b)| a != b) {
            let low = u64::from(5.0f32.to_bits());
            let bits = low ^ ((a as u64 ^ b as u64) << 60);
            let of = |dtype: DType, bits: u64| match dtype {
                DType::F32 => Scalar::Float(f64::from(f32::from_bits(bits as u32))),
                DType::F64 => Scalar::Float(f64::from_bits(bits)),
                DType::Bool => Scalar::Bool(bits & 1 == 1),
                DType::I32 => Scalar::Int(i64::from(bits as u32 as i32)),
                DType::I64 => Scalar::Int(bits as i64),
            };
            let (x, y) = (ctx.graph().scalar(of(a, low), a), ctx.graph().scalar(of(b, bits), b));
            assert_eq!((x.dtype(), y.dtype()), (a, b));
            assert!(!x.is(&y), "{x:?} {y:?}");
        }
    });
}

/// The number by which nodes of one variable were told apart when it had changed its shape.
fn hash_of(x: impl std::hash::Hash) -> u32 {
    use std::hash::Hasher;
    let mut h = rustc_hash::FxHasher::default();
    x.hash(&mut h);
    let h = h.finish();
    (h ^ (h >> 32)) as u32
}

#[test]
fn a_variable_of_another_shape_is_another_node() {
    // Shapes of no elements whose hashes are equal.
    let mut seen: FxHashMap<u32, [usize; 4]> = FxHashMap::default();
    let mut pairs = vec![];
    for k in 0..1 << 19 {
        let shape = [0, k % 97 + 1, k / 97 % 89 + 1, k / 97 / 89 + 1];
        if let Some(other) = seen.insert(hash_of((DType::F64, &shape[..])), shape) {
            pairs.push((other, shape));
        }
    }
    assert!(!pairs.is_empty());
    for (a, b) in pairs.into_iter().take(20) {
        let env = VariableEnvironment::new();
        let id = env.name("w").set(ndarray::ArrayD::<f64>::zeros(&a[..]));
        env.run(|ctx| {
            let first = ctx.variable(id);
            env.set_by_id(id, ndarray::ArrayD::<f64>::zeros(&b[..])).unwrap();
            let second = ctx.variable(id);
            assert_eq!(second.known_shape().unwrap()[..], b);
            assert!(!first.is(&second));
        });
    }
}
