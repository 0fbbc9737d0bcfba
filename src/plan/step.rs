//! Steps: what runs, over which memory.

use std::sync::Arc;

use crate::graph::attr::Attr;
use crate::graph::op::{self, Control, Lowering, OpDef};
use crate::plan::bodies::Body;
use crate::plan::fuse::{Cut, Reduction};
use crate::plan::ir::Walked;
use crate::plan::program::{FoldStore, Load, Loc, Program, Store};
use crate::shape::{Aval, Strides, Ty};

/// A view of memory that a step reads or writes.
#[derive(Clone, Debug)]
pub struct PlacedArg {
    /// The first element.
    pub loc: Loc,
    /// dtype and lengths.
    pub ty: Ty,
    /// Strides in elements.
    pub strides: Strides,
}

/// What a step does.
pub enum Work {
    /// A tile program.
    Tile(Box<Program>),
    /// A kernel of the table.
    Call(&'static OpDef, Box<[Attr]>, Option<u32>),
    /// A copy into C order.
    Copy,
    /// A user's op or hook.
    User(u32),
    /// Bodies.
    Region(Control, Arc<[Body]>),
}

impl Work {
    /// The name that messages and `explain` show.
    pub fn name(&self) -> &'static str {
        match self {
            Work::Tile(_) => "tile",
            Work::Call(def, ..) => def.name,
            Work::Copy => "copy",
            Work::User(_) => "user",
            Work::Region(Control::Branch, _) => "cond",
        }
    }
}

/// A step of a plan.
pub struct Step {
    /// What it does.
    pub work: Work,
    /// What a call reads.
    pub inputs: Vec<PlacedArg>,
    /// What a call writes.
    pub outputs: Vec<PlacedArg>,
    /// Scratch memory: place in the arena, and bytes.
    pub scratch: (usize, usize),
    /// Where it comes from.
    pub walked: Walked,
    /// Nodes of the plan that it computes.
    pub nodes: Vec<u32>,
    /// Why it is a step of its own.
    pub cut: Cut,
    /// Bytes of the arena that hold values or scratch memory while it runs.
    pub live: usize,
    /// Bytes of those that hold values which are computed again.
    pub live_again: usize,
    /// Its work, in elements that are moved: about as many nanoseconds.
    pub cost: usize,
}

impl Step {
    /// Elements that are moved in the time of what it does, about: what decides whether threads share it.
    pub fn estimate(&self) -> usize {
        match &self.work {
            // Eight cheap instructions take the time of an element that is moved.
            Work::Tile(p) => {
                let bytes = p.loads().map(|(_, l)| l.size).chain(p.stores().map(|(_, s)| s.size)).sum::<usize>();
                let code = p.stages.iter().filter(|s| !s.per_row).map(|s| s.code.len()).sum::<usize>();
                p.count().saturating_mul(bytes + code) / 8
            }
            Work::Region(_, bodies) => bodies.iter().flat_map(|b| &b.plan.steps).map(|s| s.cost).max().unwrap_or(0),
            _ => {
                let moved = self.inputs.iter().chain(&self.outputs).map(|a| a.ty.count()).fold(0, usize::saturating_add);
                moved.max(self.operations().map_or(0, |n| (n / 32.0) as usize))
            }
        }
    }

    /// The arithmetic of a call, where its row counts it.
    pub fn operations(&self) -> Option<f64> {
        let Work::Call(def, attrs, _) = &self.work else { return None };
        let op::Body::Primitive(p) = &def.body else { return None };
        let inputs: Vec<Aval> = self.inputs.iter().map(|a| a.ty.aval()).collect();
        let output = self.outputs.first()?.ty.aval();
        Some(p.cost?(&Lowering { inputs: &inputs.iter().collect::<Vec<_>>(), output: &output, attrs }))
    }

    /// Bytes that it reads and writes: each operand and result once.
    pub fn traffic(&self) -> [usize; 2] {
        let Work::Tile(p) = &self.work else {
            return [&self.inputs, &self.outputs].map(|list| list.iter().map(|a| a.ty.bytes()).sum());
        };
        let load = |(stage, l): (usize, &Load)| {
            let dims = if p.stages[stage].per_row { &p.dims[..p.split] } else { &p.dims[..] };
            // What is repeated along an axis is read once.
            dims.iter().zip(&l.strides).filter(|(_, s)| **s != 0).map(|(n, _)| n).product::<usize>() * l.size
        };
        let store = |(stage, s): (usize, &Store)| if p.stages[stage].per_row { p.rows } else { p.count() } * s.size * s.locs.len();
        let fold = |f: &FoldStore| match (f.loc, f.reduction) {
            (None, _) => 0,
            (_, Reduction::All) => f.dtype.size(),
            (_, Reduction::Trailing(_)) => p.rows * f.dtype.size(),
            (_, Reduction::Leading(_)) => p.cols * f.dtype.size(),
        };
        [p.loads().map(load).sum(), p.stores().map(store).sum::<usize>() + p.folds().map(fold).sum::<usize>()]
    }
}

/// Base pointers of a run: the arena, the constants, then sources, outputs and written variables.
pub const ARENA: u32 = 0;
/// The base of constants.
pub const CONSTANTS: u32 = 1;
/// The base of the first source.
pub const SOURCES: u32 = 2;
