//! Growth: a graph asks for memory before its nodes need it, so that a graph for which there is none is an error.

use smallvec::smallvec;

use super::{Aval, Error, Graph, Node, NodeOp, State, Value, Values, last_operand, wide};
use crate::array::room::room;
use crate::error::ErrorKind;

/// Nodes that the table of a new graph has room for: a small program fills it once.
pub(super) const FIRST: usize = 56;
/// Nodes for which memory is asked at once.
pub(super) const NODES: usize = 4096;
/// Bytes that a node takes beside its place in the list: lists that it owns, entries of tables, a handle.
const BESIDE: usize = 1024;

/// Bytes that an append-only list of `n` takes when it grows by [`NODES`]: at 8 less than a power of two it gets a block of
/// as many places as it has.
fn doubling<T>(n: usize) -> usize {
    let places = |n: usize| (n + 8).next_power_of_two();
    if places(n + NODES) > places(n) { places(n) * size_of::<T>() } else { 0 }
}

impl Graph {
    /// Asks for the memory of the next nodes. If there is none, the node that says so.
    #[cold]
    pub(super) fn grow(&self, state: &mut State) -> Option<Value> {
        let n = self.nodes.len();
        let bytes = NODES * BESIDE + doubling::<Node>(n) + doubling::<Aval>(self.avals.len()) + state.table.growth(NODES);
        let asked = room("graph", format_args!("a graph of {n} nodes, and more"), bytes);
        let tables = |state: &mut State| {
            let nodes = state.table.try_reserve(NODES, |id| last_operand(&self.nodes[id as usize].inputs));
            nodes && state.aval_table.try_reserve(NODES, |&(_, h)| wide(h)).is_ok()
        };
        let e = match asked {
            Ok(()) if tables(state) => {
                // Never a number at which the list doubles: it has a place for the node that says that there is no memory.
                state.asked = (n / NODES + 1) * NODES;
                state.full = None;
                return None;
            }
            Ok(()) => {
                let got = format_args!("a graph of {n} nodes, and more");
                Error::new(ErrorKind::Memory, "graph", "there is not enough memory", got, "what fits in memory")
            }
            Err(e) => e,
        };
        let node = *state.full.get_or_insert_with(|| {
            // Any aval will do.
            let node = Node {
                op: NodeOp::Error(e),
                attrs: [].into(),
                inputs: Values::new(),
                avals: smallvec![0],
                scope: 0,
                part: Default::default(),
                origin: self.origin_here(),
                tag: 0,
                regions: [].into(),
                site: crate::error::Site::here(),
            };
            self.nodes.push(node) as u32
        });
        Some(Value { node, out: 0 })
    }
}
