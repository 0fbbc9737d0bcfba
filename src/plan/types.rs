//! Concrete types of what a request reaches.

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::error::{Error, ErrorKind, Result};
use crate::graph::op::{Body, Infer, Returned};
use crate::graph::{Graph, Node, NodeOp, Region, Value};
use crate::plan::walk::Walk;
use crate::shape::{Aval, Dim, Tuple, Ty};

/// Concrete types of the graph's nodes. Most nodes have the type of many others, which is listed once.
pub struct Types<'a> {
    pub graph: &'a Graph,
    pub walk: &'a Walk,
    list: Vec<Ty>,
    /// By position in the walk: where in the list the types of a node's outputs are, and how many; none where a feed is missing.
    places: Vec<(u32, u32)>,
    /// By the number of an aval: where in the list its type is, counted from [`LISTED`].
    avals: Vec<u32>,
    /// True if no feed is missing.
    pub complete: bool,
}

/// An aval that nobody has looked at yet.
const NEW: u32 = 0;
/// An aval with a length that a feed decides.
const OPEN: u32 = 1;
const LISTED: u32 = 2;

impl<'a> Types<'a> {
    /// The types of what a walk found; an error if they contradict what the graph says.
    pub fn new(graph: &'a Graph, walk: &'a Walk) -> Result<Types<'a>> {
        let (places, avals) = (Vec::with_capacity(walk.nodes.len()), vec![NEW; graph.avals()]);
        let mut types = Types { graph, walk, list: vec![], places, avals, complete: true };
        types.fill()?;
        Ok(types)
    }

    /// The types of the outputs of the node at a position.
    pub fn all(&self, p: usize) -> &[Ty] {
        let (first, n) = self.places[p];
        &self.list[first as usize..][..n as usize]
    }

    /// The type of a value; `None` if it hangs on a feed that is missing.
    pub fn of(&self, v: Value) -> Option<&Ty> {
        self.all(self.walk.position(v.node)?).get(v.out as usize)
    }

    /// Where the type of an aval is, if all of its lengths are known.
    fn known(&mut self, aval: u32, v: Value) -> Option<u32> {
        let at = &mut self.avals[aval as usize];
        if *at == NEW {
            *at = match concrete(self.graph.aval(v)) {
                Some(ty) => {
                    self.list.push(ty);
                    self.list.len() as u32 - 1 + LISTED
                }
                None => OPEN,
            };
        }
        at.checked_sub(LISTED)
    }

    /// Infers node by node. What was fully known when the graph was built was checked then; where a feed decided a length
    /// of an operand, the rule runs again: an operand may not fit, though the result's shape was known all along.
    fn fill(&mut self) -> Result<()> {
        for &id in &self.walk.nodes {
            let node = self.graph.node(id);
            let place = match node.avals[..] {
                [aval] if !matches!(node.op, NodeOp::Placeholder(_)) && self.settled(node) => {
                    self.known(aval, Value { node: id, out: 0 }).map(|first| (first, 1))
                }
                _ => None,
            };
            let place = match place {
                Some(place) => place,
                None => self.inferred(id, node)?,
            };
            self.places.push(place);
            self.complete &= place.1 as usize >= node.avals.len();
            addressable(node.name(), &self.list[place.0 as usize..][..place.1 as usize]).map_err(|e| self.graph.blame(id, e))?;
        }
        Ok(())
    }

    /// Where the types of a node are that has no type of an aval, or several.
    fn inferred(&mut self, id: u32, node: &Node) -> Result<(u32, u32)> {
        let own: Option<SmallVec<[Ty; 1]>> =
            (0..node.avals.len()).map(|k| concrete(self.graph.aval(Value { node: id, out: k as u32 }))).collect();
        let tys = match (own, self.walk.fed(id)) {
            (_, Some(ty)) => smallvec::smallvec![ty.clone()],
            (Some(tys), _) if self.settled(node) => tys,
            (None, None) if matches!(node.op, NodeOp::Placeholder(_)) => SmallVec::new(),
            (own, None) => match self.infer(node) {
                Some(r) => {
                    let tys = r.map_err(|e| self.graph.blame(id, e))?;
                    self.agrees(id, &tys).map_err(|e| self.graph.blame(id, e))?;
                    tys
                }
                None => own.unwrap_or_default(),
            },
        };
        let first = self.list.len() as u32;
        self.list.extend(tys);
        Ok((first, self.list.len() as u32 - first))
    }

    /// True if the shapes of all operands were known when the node was made.
    fn settled(&mut self, node: &Node) -> bool {
        let mut known = |v: &Value| self.known(self.graph.aval_number(*v), *v).is_some();
        node.inputs.iter().all(&mut known) && node.regions.iter().all(|r| r.returned().all(|v| known(&v)))
    }

    /// An error if a length that was known when the graph was built is another for these feeds.
    fn agrees(&self, id: u32, tys: &[Ty]) -> Result<()> {
        for (k, ty) in tys.iter().enumerate() {
            let aval = self.graph.aval(Value { node: id, out: k as u32 });
            if aval.ndim() != ty.dims.len() || aval.shape.iter().zip(&ty.dims).any(|(d, &n)| d.known().is_some_and(|k| k != n)) {
                let (got, rule) = (format!("shape {}", Tuple(&ty.dims)), format!("shape {}", Tuple(&aval.shape)));
                return Err(Error::new(ErrorKind::Shape, self.graph.node(id).name(), "the feeds contradict its shape", got, rule));
            }
        }
        Ok(())
    }

    /// `None` if an input's type hangs on a feed that is missing.
    fn infer(&self, node: &Node) -> Option<Result<SmallVec<[Ty; 1]>>> {
        let avals: SmallVec<[Aval; 4]> = node.inputs.iter().map(|&v| self.of(v).map(Ty::aval)).collect::<Option<_>>()?;
        let inputs: SmallVec<[&Aval; 4]> = avals.iter().collect();
        let returned: FxHashMap<Value, Aval> =
            node.regions.iter().flat_map(Region::returned).map(|v| Some((v, self.of(v)?.aval()))).collect::<Option<_>>()?;
        let bodies: Vec<Returned<'_>> = node.regions.iter().map(|r| Returned::of(r, |v| returned.get(&v))).collect::<Option<_>>()?;
        let mut fresh = || Dim::Sym(u32::MAX);
        let out = match &node.op {
            NodeOp::Row(def) => match &def.body {
                Body::Primitive(p) => {
                    (p.infer)(&mut Infer { op: def.name, inputs: &inputs, bodies: &bodies, attrs: &node.attrs, fresh: &mut fresh })
                }
                Body::Composite(_) => return None,
            },
            NodeOp::User(op) => crate::graph::nesting::inferred(&**op, &inputs),
            _ => Ok(avals.iter().cloned().collect()),
        };
        Some(out.and_then(|avals| {
            let tys: Option<SmallVec<[Ty; 1]>> = avals.iter().map(concrete).collect();
            tys.ok_or_else(|| Error::text(ErrorKind::Shape, format!("{}: its shape is not known for these feeds", node.name())))
        }))
    }
}

/// An error unless the values' bytes can be addressed: what follows multiplies lengths and strides freely.
pub fn addressable(op: &str, tys: &[Ty]) -> Result<()> {
    match tys.iter().find(|t| !crate::shape::fits(&t.dims, t.dtype.size())) {
        Some(t) => Err(crate::array::no_memory(op, t.dtype, &t.dims)),
        None => Ok(()),
    }
}

/// The type of an aval, if all lengths are known.
pub fn concrete(a: &Aval) -> Option<Ty> {
    Some(Ty { dtype: a.dtype, dims: a.dims()? })
}
