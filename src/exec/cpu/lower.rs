//! What this machine makes of a plan's programs: calls of kernels.

use crate::error::{Error, Result};
use crate::kernels::fold::{Lines, lines, memory, narrow, onto, pairwise};
use crate::kernels::isa::{Isa, isa};
use crate::kernels::tile::Instr;
use crate::plan::Plan;
use crate::plan::program::{Ahead, Code, FoldStore, Program, Stage};
use crate::plan::step::Work;

/// An instruction: a kernel, its destination and operands in the table of pointers.
#[derive(Clone, Copy)]
pub struct Op {
    pub f: Instr,
    pub at: [u16; 4],
}

/// The kernels of a reduction.
pub struct FoldKernels {
    /// Folds lines of up to 512 values, each into one value.
    pub lines: Lines,
    /// The same of many blocks in memory.
    pub memory: Lines,
    /// Folds lines into an accumulator.
    pub onto: Lines,
    /// Folds narrow rows, each into one value.
    pub across: narrow::Rows,
    /// Folds narrow rows into an accumulator.
    pub down: narrow::Rows,
    /// Folds narrow rows by blocks of rows.
    pub blocks: narrow::Rows,
    /// Folds block values.
    pub pairwise: unsafe fn(*mut u8, usize, usize),
}

/// The kernels of a stage, in the order of its instructions and reductions.
pub struct StageKernels {
    pub code: Box<[Op]>,
    pub folds: Box<[FoldKernels]>,
    /// What is asked for while a row is worked on: the next one.
    pub ahead: Box<[Ahead]>,
}

/// The kernels of a program.
pub struct ProgramKernels {
    pub stages: Box<[StageKernels]>,
}

/// The kernels of a plan's programs, by step.
pub struct Lowered(Box<[Option<ProgramKernels>]>);

impl Lowered {
    /// The kernels of a step.
    pub fn of(&self, step: usize) -> Option<&ProgramKernels> {
        self.0.get(step)?.as_ref()
    }
}

fn op(isa: Isa, c: &Code) -> Result<Op> {
    let f = c.kind.forms(isa, c.from, c.to).and_then(|f| f.0.get(c.single as usize).copied().flatten());
    // Building the program has looked for it.
    let f = f.ok_or_else(|| {
        let got = format_args!("{}, {} and operands {:03b} single", c.from, c.to, c.single);
        Error::engine(c.kind.name(), "there is no kernel for an instruction", got, "a form that the row has")
    })?;
    Ok(Op { f, at: c.at })
}

fn fold(isa: Isa, f: &FoldStore) -> FoldKernels {
    let (fold, dtype) = (f.fold, f.dtype);
    FoldKernels {
        lines: lines(isa, fold, dtype),
        memory: memory(isa, fold, dtype),
        onto: onto(isa, fold, dtype),
        across: narrow::across(isa, fold, dtype),
        down: narrow::down(isa, fold, dtype),
        blocks: narrow::blocks(isa, fold, dtype),
        pairwise: pairwise(isa, fold, dtype),
    }
}

fn program(isa: Isa, p: &Program) -> Result<ProgramKernels> {
    let stage = |s: &Stage| {
        let code = s.code.iter().map(|c| op(isa, c)).collect::<Result<_>>()?;
        Ok(StageKernels { code, folds: s.folds.iter().map(|f| fold(isa, f)).collect(), ahead: Box::default() })
    };
    let mut stages = p.stages.iter().map(stage).collect::<Result<Box<[_]>>>()?;
    if let Some(last) = p.stages.iter().rposition(|s| !s.per_row) {
        stages[last].ahead = p.ahead().into();
    }
    Ok(ProgramKernels { stages })
}

/// The kernels of a plan; they are chosen when it runs for the first time.
pub fn lowered(plan: &Plan) -> Result<&Lowered> {
    if plan.lowered.get().is_none() {
        let isa = isa();
        let step = |work: &Work| if let Work::Tile(p) = work { program(isa, p).map(Some) } else { Ok(None) };
        let all = plan.steps.iter().map(|s| step(&s.work)).collect::<Result<_>>()?;
        // Two runs at once choose the same.
        let _ = plan.lowered.set(Box::new(Lowered(all)));
    }
    let found = plan.lowered.get().and_then(|b| b.downcast_ref());
    found.ok_or_else(|| Error::engine("run", "a plan was made ready for another machine", "no kernels", "its kernels"))
}
