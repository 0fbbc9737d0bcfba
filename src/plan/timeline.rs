//! What a run holds in memory, step by step; what gradients find kept, and what they compute again.

use crate::plan::ir::{IrNode, IrOp, Walked};
use crate::plan::remat::needs::passed;
use crate::plan::step::{Step, Work};
use crate::plan::{Plan, TracedPlan};
use crate::shape::Ty;

/// The memory of a run while a step of its plan runs. Feeds, variables and constants are not counted.
#[derive(Clone, PartialEq, Debug)]
pub struct MemoryStep {
    /// Its place in the plan.
    pub step: usize,
    /// What it does: `tile`, or the name of an operation.
    pub name: &'static str,
    /// Bytes of the arena that hold values or scratch memory.
    pub live_bytes: usize,
    /// Bytes of the outputs, which are held from the beginning.
    pub output_bytes: usize,
    /// Bytes of `live_bytes` that hold values which were computed again.
    pub recomputed_bytes: usize,
    /// True if it computes a value again.
    pub recomputes: bool,
    /// The part of the plan that it is in: 0 up to the first value that is computed again, and then one more each time.
    pub segment: u32,
    /// The lines of the program that it computes, each once.
    pub lines: Vec<String>,
}

impl MemoryStep {
    /// Bytes that are held: of the arena and of the outputs.
    pub fn bytes(&self) -> usize {
        self.live_bytes + self.output_bytes
    }
}

/// Values that came from one line of the program by one operation.
#[derive(Clone, PartialEq, Debug)]
pub struct LineOfValues {
    /// The line, with the calls that it is part of.
    pub line: String,
    /// The operation.
    pub op: &'static str,
    /// Why they are kept; empty for what is computed again.
    pub why: &'static str,
    /// How many there are.
    pub values: usize,
    /// Their bytes together.
    pub bytes: usize,
}

impl Plan {
    /// What a run holds while each step runs, in the order of the steps. Its maximum is the peak of the plan but for what lies
    /// unused between values: [`Plan::peak_bytes`] counts the arena as a whole, of [`Plan::arena_bytes`].
    pub fn memory_timeline(&self) -> Vec<MemoryStep> {
        self.timeline(&|_| vec![])
    }

    fn timeline(&self, lines: &dyn Fn(&Step) -> Vec<String>) -> Vec<MemoryStep> {
        let output_bytes = self.output_bytes();
        let mut segment = 0;
        let entry = |(k, s): (usize, &Step)| {
            // Copies into variables, at the end, have no node of their own.
            segment = s.nodes.first().map_or(segment, |&n| self.ir().nodes[n as usize].segment);
            MemoryStep {
                step: k,
                name: s.work.name(),
                live_bytes: s.live,
                output_bytes,
                recomputed_bytes: s.live_again,
                recomputes: self.recomputes(s),
                segment,
                lines: lines(s),
            }
        };
        self.steps.iter().enumerate().map(entry).collect()
    }

    /// True if a step computes a value again.
    pub fn recomputes(&self, step: &Step) -> bool {
        step.nodes.iter().any(|&n| self.ir().nodes[n as usize].again)
    }

    /// By node, whether a step stores a value of it.
    pub(super) fn stored(&self) -> Vec<bool> {
        let mut stored = vec![false; self.ir().nodes.len()];
        for step in &self.steps {
            match &step.work {
                Work::Tile(p) => {
                    let values = p.stores().map(|(_, s)| s.value).chain(p.folds().filter(|f| f.loc.is_some()).map(|f| f.value));
                    values.for_each(|r| stored[r.node as usize] = true);
                }
                _ => step.nodes.iter().for_each(|&n| stored[n as usize] = true),
            }
        }
        stored
    }

    /// The values that gradients, or what is computed again, find where the program stored them, and why they are kept.
    fn kept(&self) -> Vec<(u32, &'static str)> {
        let nodes = &self.ir().nodes;
        let (stored, mut why) = (self.stored(), vec![""; nodes.len()]);
        let mut root: Vec<u32> = Vec::with_capacity(nodes.len());
        for (i, node) in nodes.iter().enumerate() {
            let shown = node.inputs.first().filter(|_| passed(node)).map(|r| root[r.node as usize]);
            root.push(shown.unwrap_or(i as u32));
            if shown.is_some() {
                continue;
            }
            for r in &node.inputs {
                let from = root[r.node as usize] as usize;
                let value = &nodes[from];
                let later = node.again || node.part.sweep > value.part.sweep;
                if later && stored[from] && !value.again && why[from].is_empty() {
                    why[from] = self.reason(value, node);
                }
            }
        }
        why.into_iter().enumerate().filter(|(_, w)| !w.is_empty()).map(|(i, w)| (i as u32, w)).collect()
    }

    fn reason(&self, value: &IrNode, reader: &IrNode) -> &'static str {
        match value.op {
            IrOp::User(_) => "your own code runs once",
            IrOp::Region(..) => "branches run once",
            _ if self.recomputation.values == 0 => "a gradient reads it",
            _ if self.recomputation.why != "as marked" => "chosen to be kept",
            _ if value.part.group > 0 => "returned by a checkpointed function, or kept by its policy",
            _ if reader.again && reader.part.group > 0 => "given to a checkpointed function",
            _ => "not marked",
        }
    }
}

impl TracedPlan {
    /// What a run holds while each step runs, in the order of the steps, with the lines of the program. Its maximum is the peak
    /// of the plan but for what lies unused between values: [`Plan::peak_bytes`] counts the arena as a whole, of
    /// [`Plan::arena_bytes`].
    ///
    /// ```
    /// use scirs2_autograd::{checkpoint::Policy, run, tensor_ops as T};
    /// run(|ctx| {
    ///     let x = ctx.placeholder("x", &[64, 64]);
    ///     let deep = (0..8).fold(x, |h, _| T::tanh(T::matmul(h, x)));
    ///     let g = T::grad(&[deep], &[x])[0];
    ///     let data = ndarray::Array2::from_elem((64, 64), 0.01);
    ///     let plan = ctx.evaluator().push(g).feed(x, data.view()).checkpoint(Policy::segments(None)).plan()?;
    ///     let most = plan.memory_timeline().into_iter().max_by_key(|s| s.bytes()).unwrap();
    ///     assert!(most.bytes() <= plan.peak_bytes() && !most.lines.is_empty());
    ///     Ok::<_, scirs2_autograd::Error>(())
    /// })?;
    /// # Ok::<_, scirs2_autograd::Error>(())
    /// ```
    pub fn memory_timeline(&self) -> Vec<MemoryStep> {
        self.timeline(&|step| match step.nodes.is_empty() {
            true => Some(self.note(step.walked).to_owned()).filter(|n| !n.is_empty()).into_iter().collect(),
            false => self.lines(step),
        })
    }

    /// What gradients find kept, the largest first.
    pub fn kept_values(&self) -> Vec<LineOfValues> {
        self.by_line(self.kept().into_iter())
    }

    /// What gradients compute again, the largest first.
    pub fn recomputed_values(&self) -> Vec<LineOfValues> {
        let nodes = &self.ir().nodes;
        self.by_line((0..nodes.len() as u32).filter(|&i| nodes[i as usize].again && !passed(&nodes[i as usize])).map(|i| (i, "")))
    }

    fn by_line(&self, values: impl Iterator<Item = (u32, &'static str)>) -> Vec<LineOfValues> {
        let mut out: Vec<LineOfValues> = vec![];
        let mut places: rustc_hash::FxHashMap<(&str, &str, &str), usize> = rustc_hash::FxHashMap::default();
        for (i, why) in values {
            let node = &self.ir().nodes[i as usize];
            let (line, op): (&str, _) = (self.note(node.walked), node.name());
            let k = *places.entry((line, op, why)).or_insert_with(|| {
                out.push(LineOfValues { line: line.to_owned(), op, why, values: 0, bytes: 0 });
                out.len() - 1
            });
            out[k].values += 1;
            out[k].bytes += node.tys.iter().map(Ty::bytes).sum::<usize>();
        }
        out.sort_by_key(|l| std::cmp::Reverse(l.bytes));
        out
    }

    /// The lines that made what a node of the plan computes.
    fn note(&self, place: Walked) -> &str {
        self.notes.get(place.0 as usize).map_or("", |n| n)
    }
}
