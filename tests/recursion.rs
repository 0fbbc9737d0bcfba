//! Users' code that calls itself through the engine: an error of the run or of the building call, on threads of any size.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use scirs2_autograd::{Aval, Context, ErrorKind, Result, Tensor, VariableEnvironment, op::*, run, tensor_ops as T};

const NESTED_CALLS: u32 = 100;

fn same(inputs: &[&Aval]) -> Result<Avals> {
    Ok(inputs.iter().map(|a| (*a).clone()).collect())
}

/// An op whose forward evaluates the same op, `left` times, or without an end.
struct Again {
    left: Option<u32>,
    calls: &'static AtomicU32,
}

impl Op for Again {
    fn name(&self) -> &str {
        "again"
    }
    fn infer(&self, inputs: &[&Aval]) -> Result<Avals> {
        same(inputs)
    }
    fn compute(&self, c: &mut ComputeContext<'_>) -> Result<()> {
        self.calls.fetch_add(1, Relaxed);
        let x = c.input::<f64>(0)?.to_owned();
        let left = match self.left {
            Some(0) => return c.append_output(x + 1.0),
            Some(n) => Some(n - 1),
            None => None,
        };
        let y = run(|ctx| Tensor::builder(ctx).append_input(ctx.constant(x), false).build(Again { left, calls: self.calls }).eval(ctx))?;
        c.append_view(y.raw_view())
    }
    fn grad<'g>(&self, c: &mut GradientContext<'_, 'g>) {
        let (y, x) = (c.output(), c.input(0));
        self.calls.fetch_add(1, Relaxed);
        let g = T::grad(&[y], &[x])[0];
        c.append_input_grad(0, Some(g));
    }
}

/// An op whose shape rule builds the same op.
struct Shape(&'static AtomicU32);

impl Op for Shape {
    fn name(&self) -> &str {
        "shape"
    }
    fn infer(&self, inputs: &[&Aval]) -> Result<Avals> {
        self.0.fetch_add(1, Relaxed);
        let made = run(|ctx| Tensor::builder(ctx).append_input(ctx.placeholder("x", &[2]), false).build(Shape(self.0)).error());
        made.map_or_else(|| same(inputs), Err)
    }
    fn compute(&self, _: &mut ComputeContext<'_>) -> Result<()> {
        Ok(())
    }
    fn grad<'g>(&self, _: &mut GradientContext<'_, 'g>) {}
}

fn again<'g>(ctx: &'g Context, left: Option<u32>, calls: &'static AtomicU32) -> Tensor<'g> {
    Tensor::builder(ctx).append_input(ctx.constant(ndarray::arr1(&[1.0, 2.0])), false).build(Again { left, calls })
}

fn with(f: impl FnOnce(&Context)) {
    VariableEnvironment::new().run(|ctx| f(ctx));
}

fn too_deep(e: scirs2_autograd::Error, op: &str) {
    assert_eq!(e.kind(), ErrorKind::Recursion, "{e}");
    let text = format!("{op}: users' code calls itself through the engine without an end. Got 101 nested calls; expected at most 100.");
    assert!(e.to_string().contains(&text), "{e}");
}

#[test]
fn a_forward_without_an_end_is_an_error_of_the_run() {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    with(|ctx| too_deep(again(ctx, None, &CALLS).eval(ctx).unwrap_err(), "again"));
    assert_eq!(CALLS.load(Relaxed), NESTED_CALLS);
    // Nothing is left behind: as many calls are allowed as before.
    with(|ctx| assert_eq!(again(ctx, Some(NESTED_CALLS - 1), &CALLS).eval(ctx).unwrap(), ndarray::arr1(&[2.0, 3.0])));
    with(|ctx| too_deep(again(ctx, Some(NESTED_CALLS), &CALLS).eval(ctx).unwrap_err(), "again"));
}

#[test]
fn a_gradient_without_an_end_is_an_error_of_grad() {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    with(|ctx| {
        let x = ctx.placeholder("x", &[2]);
        let y = Tensor::builder(ctx).append_input(x, false).build(Again { left: None, calls: &CALLS });
        too_deep(T::grad(&[y], &[x])[0].error().unwrap(), "again");
        assert_eq!(CALLS.load(Relaxed), NESTED_CALLS);
    });
}

#[test]
fn a_shape_rule_without_an_end_is_an_error_of_the_tensor() {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    with(|ctx| {
        let x = ctx.placeholder("x", &[2]);
        too_deep(Tensor::builder(ctx).append_input(x, false).build(Shape(&CALLS)).error().unwrap(), "shape");
        assert_eq!(CALLS.load(Relaxed), NESTED_CALLS);
    });
}

#[test]
fn a_panic_counts_a_call_as_left() {
    struct Panics;
    impl Op for Panics {
        fn name(&self) -> &str {
            "panics"
        }
        fn infer(&self, inputs: &[&Aval]) -> Result<Avals> {
            same(inputs)
        }
        fn compute(&self, _: &mut ComputeContext<'_>) -> Result<()> {
            panic!("on purpose")
        }
        fn grad<'g>(&self, _: &mut GradientContext<'_, 'g>) {}
    }
    static CALLS: AtomicU32 = AtomicU32::new(0);
    with(|ctx| {
        let y = Tensor::builder(ctx).append_input(ctx.constant(ndarray::arr0(1.0)), false).build(Panics);
        for _ in 0..2 * NESTED_CALLS {
            assert_eq!(y.eval(ctx).unwrap_err().kind(), ErrorKind::User);
        }
        assert!(again(ctx, Some(NESTED_CALLS - 1), &CALLS).eval(ctx).is_ok());
    });
}
