//! Merging: of nodes that compute the same, the first one stands for all.

use std::hash::{Hash, Hasher};

use rustc_hash::FxHasher;

use crate::plan::ir::{Ir, IrNode, IrOp};

/// The first node of each kind: a table of places, of a power of two in length.
pub struct Merge {
    places: Vec<u32>,
    /// How often two nodes were compared: about as often as one was merged, if the hash tells nodes apart.
    #[cfg(test)]
    compared: usize,
}

const FREE: u32 = u32::MAX;
/// How many places there are close to an operand's.
const NEAR: usize = 8;

impl Merge {
    /// A table for a plan of `nodes` nodes.
    pub fn new(nodes: usize) -> Merge {
        Merge {
            places: vec![FREE; (nodes * 2).next_power_of_two()],
            #[cfg(test)]
            compared: 0,
        }
    }

    /// An earlier node that computes the same as node `i`.
    pub fn first(&mut self, ir: &Ir, i: usize) -> Option<u32> {
        let node = &ir.nodes[i];
        let mask = self.places.len() - 1;
        let hash = hash(node)? as usize;
        // At two places close to that of the last operand first: the nodes of a plan come about in the order of their operands, and
        // that part of the table is at hand. Then anywhere, for one value may have many users.
        let last = node.inputs.iter().map(|r| r.node).max().unwrap_or(0) as usize;
        let near = 2 * last + hash % NEAR;
        let mut at = near & mask;
        let (mut second, mut far) = (Some(near ^ 1), hash >> 4);
        loop {
            match self.places[at] {
                FREE => {
                    self.places[at] = i as u32;
                    return None;
                }
                p => {
                    #[cfg(test)]
                    {
                        self.compared += 1;
                    }
                    if same(&ir.nodes[p as usize], node) {
                        return Some(p);
                    }
                    at = second.take().unwrap_or_else(|| {
                        far += 1;
                        far
                    }) & mask;
                }
            }
        }
    }
}

/// Over all that [`same`] compares and that does not follow from the rest; `None` for what is never merged.
fn hash(node: &IrNode) -> Option<u64> {
    let IrOp::Row(def, None) = node.op else { return None };
    if node.tys.len() != 1 {
        return None;
    }
    let mut h = FxHasher::default();
    std::ptr::from_ref(def).hash(&mut h);
    node.inputs.hash(&mut h);
    node.attrs.hash(&mut h);
    (node.segment, node.part.group).hash(&mut h);
    let h = h.finish();
    Some(h ^ (h >> 32))
}

fn same(a: &IrNode, b: &IrNode) -> bool {
    let row = matches!((&a.op, &b.op), (IrOp::Row(a, None), IrOp::Row(b, None)) if std::ptr::eq(*a, *b));
    row && a.inputs == b.inputs && a.attrs == b.attrs && a.tys == b.tys && (a.segment, a.part.group) == (b.segment, b.part.group)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtype::DType;
    use crate::graph::{Graph, Tensor};
    use crate::ops::arithmetic::mul;
    use crate::ops::broadcast::broadcast_to;
    use crate::ops::movement::reshape;
    use crate::ops::slice::slice;
    use crate::plan::lower;
    use crate::plan::walk::Walk;
    use crate::shape::Ty;

    const MANY: usize = 4000;

    /// How often nodes are compared when the nodes of many tensors are looked up for the first time, and again: then each is
    /// compared with itself, which does not count.
    fn comparisons(make: impl for<'g> Fn(Tensor<'g>, usize) -> Tensor<'g>) -> (usize, usize) {
        let graph = Graph::new();
        let x = graph.placeholder_of("x", &[MANY as isize], DType::F64);
        let outputs: Vec<_> = (0..MANY).map(|k| make(x, k).value()).collect();
        let ty = Ty { dtype: DType::F64, dims: [MANY].into_iter().collect() };
        let walk = Walk::new(&graph, &outputs, &[], [(x.value().node, ty)].into_iter().collect()).unwrap();
        let ir = lower::build(&graph, &walk).unwrap();
        let mut merge = Merge::new(ir.nodes.len());
        let rows = (0..ir.nodes.len()).filter(|&i| hash(&ir.nodes[i]).is_some()).count();
        assert!(rows >= MANY);
        (0..ir.nodes.len()).for_each(|i| assert_eq!(merge.first(&ir, i), None));
        let once = merge.compared;
        (0..ir.nodes.len()).for_each(|i| assert_eq!(merge.first(&ir, i).is_some(), hash(&ir.nodes[i]).is_some()));
        (once, merge.compared - once - rows)
    }

    /// Whatever tells the nodes apart: operands, or attributes of each kind.
    #[test]
    fn few_nodes_are_compared() {
        type Make = for<'g> fn(Tensor<'g>, usize) -> Tensor<'g>;
        let kinds: [(&str, Make); 4] = [
            ("slices", |x, k| slice(x, [k as i64], [k as i64 + 1])),
            ("lists", |x, k| broadcast_to(x, [k as i64 + 1, MANY as i64])),
            ("ranks", |x, k| {
                let ones = |n: usize| vec![1i64; n];
                reshape(broadcast_to(x, [k as i64 + 1, MANY as i64]), [ones(k % 9), vec![(k + 1) as i64, MANY as i64]].concat())
            }),
            ("operands", |x, k| {
                let column = |n: usize| broadcast_to(x, [n as i64 + 1, MANY as i64]);
                mul(column(k % 63), reshape(column(k / 63), [k as i64 / 63 + 1, 1, MANY as i64]))
            }),
        ];
        for (name, make) in kinds {
            let (once, again) = comparisons(make);
            // The two places that are close to an operand may be taken, and a table that is half full meets another node's place now
            // and then.
            assert!(once <= 3 * MANY && again <= 3 * MANY, "{name}: {once} and {again} comparisons of {MANY} nodes");
        }
    }
}
