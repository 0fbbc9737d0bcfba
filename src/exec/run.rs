//! Runs the steps of a plan.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use smallvec::SmallVec;

use crate::array::block::Block;
use crate::array::{Array, View, ViewMut};
use crate::error::{Error, ErrorKind, Result};
use crate::exec::cpu::{Locals, ProgramKernels, lowered, run_panels, run_tile};
use crate::exec::profile::Timer;
use crate::exec::threads::{Team, threads};
use crate::graph::nesting::nested;
use crate::graph::op::{self, Call, Control, Kernel};
use crate::graph::user::{ComputeContext, Hook, Op};
use crate::kernels;
use crate::kernels::random::Key;
use crate::kernels::ranges::{Ranges, WORTH, Workers, interrupted};
use crate::plan::Plan;
use crate::plan::bodies::Body;
use crate::plan::ir::Walked;
use crate::plan::program::Program;
use crate::plan::simplify::fold_axes;
use crate::plan::step::{ARENA, PlacedArg, Step, Work};

/// A user's op or hook, bound to a run.
#[derive(Clone)]
pub enum User {
    /// An op.
    Op(Arc<dyn Op>),
    /// A hook.
    Hook(Arc<dyn Hook>),
}

/// What tests see of a run: a program, the bases of its memory, and what runs it.
pub type Watch<'a> = &'a dyn Fn(&Program, &[*mut u8], &mut dyn FnMut());

/// Who stands beside a run.
#[derive(Clone, Copy, Default)]
pub struct Beside<'a> {
    /// Asked now and then whether to go on.
    pub proceed: Option<&'a dyn Fn() -> bool>,
    /// Is told how long each step takes.
    pub timer: Option<&'a Timer>,
    /// Stands around each program that runs.
    pub watch: Option<Watch<'a>>,
}

/// What a run binds to a plan.
pub struct Bound<'a> {
    /// The sources' elements in C order, one for each of the plan's sources.
    pub sources: &'a [*const u8],
    /// The written variables' memory, one for each of the plan's writes.
    pub writes: &'a [*mut u8],
    /// Users' ops and hooks.
    pub users: &'a [User],
    /// Streams of random draws.
    pub streams: &'a [u64],
    /// The environment's seed.
    pub seed: u64,
    /// The number of the run.
    pub run: u64,
    /// Who stands beside it.
    pub beside: Beside<'a>,
    /// Puts the error of a step into the words of the program that this run belongs to.
    pub blame: &'a dyn Fn(Walked, Error) -> Error,
}

/// What a run returns.
pub struct Outcome {
    /// The outputs.
    pub outputs: Vec<Array>,
    /// Bytes that the arena and the outputs took, and what each thread but the first has beside them.
    pub peak_bytes: usize,
    /// Bytes of those that the threads have beside the arena.
    pub thread_bytes: usize,
}

type Bases = SmallVec<[*mut u8; 64]>;
type Proceed<'a> = Option<&'a dyn Fn() -> bool>;

/// Runs a plan. An error leaves the written variables as they were: writes begin when nothing can fail any more.
///
/// # Safety
/// Each source holds the elements of its type in C order and is not written to during the run; each write target has room
/// for its type, is a block of this crate, and is reached by nobody else; it may be the source of the same variable.
pub unsafe fn run(plan: &Plan, bound: &Bound<'_>) -> Result<Outcome> {
    let arena = Block::new(plan.arena_bytes).ok_or_else(|| {
        Error::new(
            ErrorKind::Memory,
            "run",
            "there is no memory for the run",
            format_args!("{} bytes", plan.arena_bytes),
            "a plan that fits in memory",
        )
    })?;
    let mut outputs = Vec::with_capacity(plan.outputs.len());
    for ty in &plan.outputs {
        // SAFETY: every output is written by a step; if the run fails, the outputs are dropped unread.
        outputs.push(unsafe { Array::uninit(ty.dtype, &ty.dims)? });
    }
    let mut bases = Bases::new();
    bases.push(arena.ptr());
    bases.push(plan.constants.as_ptr().cast_mut().cast());
    bases.extend(bound.sources.iter().map(|p| p.cast_mut()));
    bases.extend(outputs.iter().map(Array::ptr));
    bases.extend_from_slice(bound.writes);
    let crew = if plan.wide { Crew::join(plan.local_bytes) } else { None };
    let own = crew.as_ref().map_or(0, |c| c.memory.len());
    // SAFETY: handed on.
    unsafe { steps(plan, &bases, &Threads { bound, crew: crew.as_ref() }, bound.beside.proceed, bound.beside.timer)? };
    Ok(Outcome { outputs, peak_bytes: arena.len() + plan.output_bytes() + own, thread_bytes: own })
}

/// The threads of a run, with the memory that each but the first has of its own.
struct Crew {
    team: RefCell<Team>,
    memory: Block,
    each: usize,
}

impl Crew {
    /// `None` if the run goes on alone.
    fn join(bytes: usize) -> Option<Crew> {
        let team = Team::join(threads())?;
        let each = bytes.next_multiple_of(128);
        let memory = Block::new((team.size() - 1) * each)?;
        Some(Crew { team: RefCell::new(team), memory, each })
    }

    /// The memory of the threads: that of the first is the step's.
    fn locals(&self, first: *mut u8) -> Locals {
        Locals { first, others: self.memory.ptr(), each: self.each }
    }
}

impl Workers for Crew {
    fn size(&self) -> usize {
        self.team.borrow().size()
    }
    fn each(&self, parts: usize, f: &(dyn Fn(usize, usize) + Sync)) -> bool {
        self.team.borrow_mut().each(parts, f)
    }
}

/// What a run binds, and who runs it.
struct Threads<'a> {
    bound: &'a Bound<'a>,
    crew: Option<&'a Crew>,
}

/// Runs the steps. From the first write on nobody is asked whether to go on.
unsafe fn steps(plan: &Plan, bases: &Bases, on: &Threads<'_>, proceed: Proceed<'_>, timer: Option<&Timer>) -> Result<()> {
    let kernels = lowered(plan)?;
    for (t, step) in plan.steps.iter().enumerate() {
        let proceed = if t < plan.first_write { proceed } else { None };
        let timer = timer.map(|timer| (timer, Instant::now()));
        // SAFETY: the plan's places, and the caller's promise for the rest.
        let ran = unsafe { one(step, kernels.of(t), bases, on, proceed) };
        if let Some((timer, start)) = timer {
            timer.add(t, start.elapsed());
        }
        ran.map_err(|e| match e.kind() {
            ErrorKind::Interrupted => e,
            _ => (on.bound.blame)(step.walked, e),
        })?;
        Ranges::new(proceed).ask()?;
    }
    Ok(())
}

unsafe fn view<'a>(a: &'a PlacedArg, bases: &Bases) -> View<'a> {
    // SAFETY: the plan placed the view inside the base.
    unsafe { View::from_raw(bases[a.loc.base as usize].add(a.loc.offset), a.ty.dtype, &a.ty.dims, &a.strides) }
}

unsafe fn view_mut<'a>(a: &'a PlacedArg, bases: &Bases) -> ViewMut<'a> {
    // SAFETY: as `view`; the plan lets no other value use this memory while it lives.
    unsafe { ViewMut::from_raw(bases[a.loc.base as usize].add(a.loc.offset), a.ty.dtype, &a.ty.dims, &a.strides) }
}

unsafe fn one(step: &Step, kernels: Option<&ProgramKernels>, bases: &Bases, on: &Threads<'_>, proceed: Proceed<'_>) -> Result<()> {
    let bound = on.bound;
    let crew = on.crew.filter(|_| step.cost >= WORTH);
    // SAFETY: the plan's places.
    unsafe {
        let scratch = bases[ARENA as usize].add(step.scratch.0);
        if let Work::Tile(p) = &step.work {
            let kernels = kernels.ok_or_else(|| unfit(step))?;
            let mut poll = || proceed.is_none_or(|f| f());
            let mut run = || match crew.filter(|_| p.panels() > 1) {
                Some(crew) => {
                    let locals = crew.locals(scratch.add(p.shared_bytes));
                    let panicked = || Error::engine("run", "a part of a program panicked", "a panic", "no panic");
                    run_panels(p, kernels, bases, scratch, crew, locals, &mut poll).ok_or_else(panicked)
                }
                None => Ok(run_tile(p, kernels, bases, scratch, &mut poll)),
            };
            let done = match bound.beside.watch {
                None => run()?,
                Some(watch) => {
                    let mut done = Ok(false);
                    watch(p, bases, &mut || done = run());
                    done?
                }
            };
            return if done { Ok(()) } else { Err(interrupted()) };
        }
        if let Work::Region(Control::Branch, bodies) = &step.work {
            let Some((condition, operands)) = step.inputs.split_first() else { return Err(unfit(step)) };
            let taken = *bases[condition.loc.base as usize].add(condition.loc.offset) != 0;
            let Body { plan: body, outputs } = bodies.get(usize::from(!taken)).ok_or_else(|| unfit(step))?;
            let mut inner = Bases::new();
            inner.push(scratch);
            inner.push(body.constants.as_ptr().cast_mut().cast());
            // A body may use only some of the operands; it names them by their place. It writes its own outputs, and leaves the
            // residuals of the other bodies alone.
            for s in &body.sources {
                let a = operands.get(s.index as usize).ok_or_else(|| unfit(step))?;
                inner.push(bases[a.loc.base as usize].add(a.loc.offset));
            }
            for &k in outputs {
                let a = step.outputs.get(k as usize).ok_or_else(|| unfit(step))?;
                inner.push(bases[a.loc.base as usize].add(a.loc.offset));
            }
            return steps(body, &inner, on, proceed, None);
        }
        let ranges = Ranges::shared(proceed, crew.map(|c| c as &dyn Workers));
        let inputs: SmallVec<[View<'_>; 4]> = step.inputs.iter().map(|a| view(a, bases)).collect();
        let mut outputs: SmallVec<[ViewMut<'_>; 2]> = step.outputs.iter().map(|a| view_mut(a, bases)).collect();
        // The contract of a call ties a view's lifetime to its list's; the list lives to the end of this function.
        let outputs: &mut [ViewMut<'_>] = std::slice::from_raw_parts_mut(outputs.as_mut_ptr(), outputs.len());
        let inputs: &[View<'_>] = std::slice::from_raw_parts(inputs.as_ptr(), inputs.len());
        match (&step.work, inputs, outputs) {
            (Work::Copy, [x], [y]) => kernels::movement::copy(&ranges, *x, y)?,
            (Work::Call(def, attrs, draw), inputs, outputs) => {
                let op::Body::Primitive(p) = &def.body else { return Err(unfit(step)) };
                let scratch = std::slice::from_raw_parts_mut(scratch, step.scratch.1);
                match (&p.kernel, inputs, &mut *outputs) {
                    (Kernel::Call(c), ..) => {
                        let stream = match draw {
                            Some(k) => *bound.streams.get(*k as usize).ok_or_else(|| unfit(step))?,
                            None => 0,
                        };
                        let key = Key { seed: bound.seed, run: bound.run, stream };
                        (c.run)(&mut Call { op: def.name, inputs, outputs, attrs, scratch, key, ranges: &ranges })?;
                    }
                    (Kernel::Check(check), [x], [y]) => {
                        check(&ranges, def.name, *x)?;
                        kernels::movement::copy(&ranges, *x, y)?;
                    }
                    (Kernel::Fold(fold), [x], [y]) => {
                        let axes = fold_axes(def.name, attrs, x.dims().len())?;
                        kernels::reduce::reduce(&ranges, *fold, *x, &axes, scratch, y)?;
                    }
                    (Kernel::Tile(_) | Kernel::Select | Kernel::Cast, _, [y]) if y.count() == 0 => {}
                    _ => return Err(unfit(step)),
                }
            }
            (Work::User(k), inputs, outputs) => user(&ranges, bound.users.get(*k as usize), inputs, outputs)?,
            _ => return Err(unfit(step)),
        }
        Ok(())
    }
}

/// The error of a step that does not fit what it should do: without it, outputs would be left unwritten.
#[cold]
fn unfit(step: &Step) -> Error {
    let got = format_args!("{} inputs and {} outputs", step.inputs.len(), step.outputs.len());
    Error::engine(step.work.name(), "a step does not fit its kernel", got, "what the row declares")
}

/// Runs a user's code; a panic of it is an error of the run.
fn user<'a>(ranges: &Ranges<'_>, user: Option<&User>, inputs: &'a [View<'a>], outputs: &'a mut [ViewMut<'a>]) -> Result<()> {
    match user {
        Some(User::Op(op)) => {
            let wanted = outputs.len();
            let mut c = ComputeContext::new(inputs, outputs);
            nested(op.name(), || {
                let r = catch_unwind(AssertUnwindSafe(|| op.compute(&mut c)));
                r.unwrap_or_else(|_| {
                    Err(Error::text(ErrorKind::User, format!("{}: its `compute` panicked. Got a panic; expected outputs.", op.name())))
                })
            })?;
            if c.written() != wanted {
                return Err(Error::new(
                    ErrorKind::User,
                    op.name(),
                    "`compute` left outputs out",
                    c.written(),
                    format_args!("{wanted} outputs"),
                ));
            }
            Ok(())
        }
        Some(User::Hook(hook)) => {
            let ([x], [y]) = (inputs, outputs) else {
                return Err(Error::engine("hook", "a step does not fit it", "another number of values", "one value, handed on"));
            };
            kernels::movement::copy(ranges, *x, y)?;
            nested("hook", || {
                catch_unwind(AssertUnwindSafe(|| hook.call(*x)))
                    .unwrap_or_else(|_| Err(Error::text(ErrorKind::User, "hook: it panicked. Got a panic; expected it to return.")))
            })
        }
        None => Err(Error::engine("run", "a user's op is not bound", "none", "an op for each step that calls one")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtype::DType;
    use crate::plan::compile_body;
    use crate::plan::ir::{Ir, IrNode, IrOp, Ref};
    use crate::shape::Ty;

    /// A plan of one step: a row on as many sources as it takes.
    fn plan(row: &str, attrs: &[crate::graph::attr::Attr], dims: &[usize], out: &[usize]) -> Plan {
        let def = crate::ops::find(row).unwrap();
        let ty = |dims: &[usize]| [Ty { dtype: DType::F64, dims: dims.into() }].into_iter().collect();
        let n = def.arity() as u32;
        let source = |k: u32| IrNode {
            op: IrOp::Source(k),
            attrs: [].into(),
            inputs: SmallVec::new(),
            tys: ty(dims),
            walked: Walked(0),
            segment: 0,
            part: Default::default(),
            again: false,
        };
        let mut nodes: Vec<IrNode> = (0..n).map(source).collect();
        let inputs = (0..n).map(|node| Ref { node, out: 0 }).collect();
        nodes.push(IrNode {
            op: IrOp::Row(def, None),
            attrs: attrs.into(),
            inputs,
            tys: ty(out),
            walked: Walked(0),
            segment: 0,
            part: Default::default(),
            again: false,
        });
        compile_body(Ir { nodes, outputs: vec![Ref { node: n, out: 0 }], writes: vec![], marks: vec![] }).unwrap()
    }

    fn result(plan: &Plan) -> Result<Outcome> {
        let x = [1.0f64; 64];
        let sources = vec![x.as_ptr().cast(); plan.sources.len()];
        let blame = |_, e| e;
        let bound =
            Bound { sources: &sources, writes: &[], users: &[], streams: &[], seed: 0, run: 0, beside: Beside::default(), blame: &blame };
        // SAFETY: each source has 64 elements, as many as the plans here read.
        unsafe { run(plan, &bound) }
    }

    #[test]
    fn a_step_that_does_not_fit_is_an_error() {
        use crate::graph::attr::{Attr, AttrType, Axes};
        let middle = [Axes(Some([1].into())).pack(), Attr::Bool(false)];
        for (row, attrs, dims, out) in [("batch_matmul", &[][..], &[8, 8][..], &[8, 8][..]), ("reduce_sum", &middle, &[2, 4, 8], &[2, 8])] {
            assert!(result(&plan(row, attrs, dims, out)).is_ok());
            for change in [(|s: &mut Step| s.inputs.clear()) as fn(&mut Step), |s| s.outputs.clear(), |s| s.work = Work::User(0)] {
                let mut p = plan(row, attrs, dims, out);
                change(&mut p.steps[0]);
                let e = result(&p).err().expect("an error");
                assert!(e.kind() == ErrorKind::Graph, "{row}: {e}");
            }
        }
        // A row whose kernel belongs into a program, and a draw without a stream.
        let mut p = plan("batch_matmul", &[], &[8, 8], &[8, 8]);
        p.steps[0].work = Work::Call(crate::ops::find("sin").unwrap(), [].into(), None);
        assert!(result(&p).err().is_some_and(|e| e.to_string().starts_with("sin: a step does not fit its kernel. Got 2 inputs")));
        p.steps[0].work = Work::Call(crate::ops::find("batch_matmul").unwrap(), [].into(), Some(3));
        assert!(result(&p).is_err());
    }
}
