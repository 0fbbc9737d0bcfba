//! Where nodes come from: the user's lines, and the calls that they were made for.
//!
//! A node keeps the line that built it first and its [`Origin`], 4 bytes. Further lines of a node that was built again, the
//! rare case, are in a table beside the nodes.

use std::cell::Cell;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::error::{Error, Site};
use crate::graph::{Graph, NodeOp};
use crate::process::Shared;

/// What built a node: the user's own call, a composite or an optimizer, or the gradient rule of another node.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Origin(u32);

/// In an [`Origin`], marks the number of the node whose rule it is; without it, a place in [`NAMES`], counted from 1.
const RULE: u32 = 1 << 31;

/// Names of composites and optimizers: as many as the program has.
static NAMES: Shared<Vec<&'static str>> = Shared::new(Vec::new());

thread_local! {
    /// The graph for which this thread builds on behalf of a call, and the call.
    static CURRENT: Cell<(u64, Origin)> = const { Cell::new((0, Origin(0))) };
}

/// Lines that a node keeps at most: a program has no more that are of use, and a loop may make up lines without end.
pub const SITES: usize = 8;

/// Where nodes that were built more than once were built again.
pub(super) type Again = FxHashMap<u32, SmallVec<[(Site, Origin); 1]>>;

fn name_id(name: &'static str) -> u32 {
    NAMES.with(|names| {
        let at = names.iter().position(|n| std::ptr::eq(*n, name)).unwrap_or_else(|| {
            names.push(name);
            names.len() - 1
        });
        at as u32 + 1
    })
}

fn during<R>(graph: &Graph, origin: Origin, f: impl FnOnce() -> R) -> R {
    struct Restore((u64, Origin));
    impl Drop for Restore {
        fn drop(&mut self) {
            CURRENT.set(self.0);
        }
    }
    let _restore = Restore(CURRENT.replace((graph.id(), origin)));
    f()
}

impl Graph {
    /// Runs `f`, which builds nodes for the composite or optimizer `name`. Inside another call they belong to that: it is
    /// the one that the user wrote.
    pub fn inside<R>(&self, name: &'static str, f: impl FnOnce() -> R) -> R {
        match self.origin_here() {
            Origin(0) => during(self, Origin(name_id(name)), f),
            _ => f(),
        }
    }

    /// Runs `f`, the gradient rule of a node.
    pub fn inside_rule<R>(&self, node: u32, f: impl FnOnce() -> R) -> R {
        during(self, Origin(if node < RULE { RULE | node } else { 0 }), f)
    }

    /// The origin of what this thread builds in this graph now.
    pub(super) fn origin_here(&self) -> Origin {
        let (graph, origin) = CURRENT.get();
        if graph == self.id() { origin } else { Origin(0) }
    }

    /// What a node was made for, in words: `softmax`, `gradient of matmul`. `None` if the user called its op.
    pub fn origin(&self, node: u32) -> Option<String> {
        self.words(self.node(node).origin)
    }

    fn words(&self, mut origin: Origin) -> Option<String> {
        let mut text = String::new();
        loop {
            match origin.0 {
                0 => return None,
                // Rules build nodes that come after their own, so this ends.
                id if id & RULE != 0 => {
                    let node = self.node(id & !RULE);
                    text += "gradient of ";
                    if node.origin == Origin(0) {
                        return Some(text + node.name());
                    }
                    origin = node.origin;
                }
                id => return Some(text + NAMES.with(|names| names.get(id as usize - 1).copied()).unwrap_or("")),
            }
        }
    }

    /// The lines that built a node, the first one first, with what each built it for.
    fn places(&self, node: u32) -> SmallVec<[(Site, Origin); 1]> {
        let n = self.node(node);
        let mut all = SmallVec::from_iter([(n.site, n.origin)]);
        if let Some(more) = self.state.lock().again.get(&node) {
            all.extend_from_slice(more);
        }
        all
    }

    /// The lines that built a node, the first one first.
    pub fn sites(&self, node: u32) -> Vec<Site> {
        let mut out: Vec<Site> = vec![];
        for (site, _) in self.places(node) {
            if !out.contains(&site) {
                out.push(site);
            }
        }
        out
    }

    /// Where a node comes from, for `explain`: `train.py:41 [softmax]`.
    pub fn provenance(&self, node: u32) -> String {
        let words = |(site, origin): &(Site, Origin)| match self.words(*origin) {
            Some(origin) => format!("{} [{origin}]", site.short()),
            None => site.short(),
        };
        self.places(node).iter().map(words).collect::<Vec<_>>().join(", ")
    }

    /// An error of a node in the user's words: in the name of the call that made the node, with the lines of that call. An
    /// error that has a place already is about another node, and stays as it is.
    pub fn blame(&self, node: u32, e: Error) -> Error {
        if e.site().is_some() {
            return e;
        }
        let n = self.node(node);
        let own = matches!(n.op, NodeOp::Row(_)) && e.op() == Some(n.name());
        let e = match self.origin(node) {
            Some(origin) if own => e.named(&origin),
            _ => e,
        };
        e.at_each(&self.sites(node))
    }
}
