//! The support of cotangents: where a cotangent is exactly zero by structure, as a bool tensor that is made when it is asked
//! for, and not before.
//!
//! A cotangent that is *dirty* may hold anything outside its support, and is settled (selected) before it meets another one
//! or leaves the sweep. One that is *clean* holds zeros there already. A rule whose local derivative can be infinite or NaN
//! makes a clean cotangent dirty: a zero times infinity is no zero. Where the user chose another branch, operands may be
//! infinite or NaN themselves, so every rule that reads them does the same, up to the next product of matrices.

use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

use crate::dtype::DType;
use crate::graph::op::{Body, Cotangent, Derivative, Support, Vjp};
use crate::graph::{Graph, Tensor, Value};
use crate::ops::apply::cast;
use crate::ops::arithmetic::add;
use crate::ops::broadcast::broadcast_like;
use crate::ops::compare::{logical_and, logical_or};
use crate::ops::contract::joined_products;
use crate::ops::parts::Parts;
use crate::ops::rules::{typed_like, unbroadcast};
use crate::ops::select::select;
use crate::ops::support::{any_to, counts};

use super::sweep::Sweep;

/// A support among [`Supports`].
pub type Id = u32;

/// A cotangent with its support.
#[derive(Clone, Copy)]
pub struct Flow<'g> {
    pub value: Tensor<'g>,
    /// Outside of this the value is anything.
    dirty: Option<Id>,
    /// Outside of this the cotangent is exactly zero; it is a part of `dirty`.
    support: Option<Id>,
    /// The value was settled: some of its zeros stand for a branch that was not taken.
    owed: bool,
}

impl<'g> Flow<'g> {
    /// True if something is known of where the cotangent is zero.
    pub fn is_masked(&self) -> bool {
        self.support.is_some()
    }
    /// A cotangent of which nothing is known.
    pub fn unknown(value: Tensor<'g>) -> Flow<'g> {
        Flow { value, dirty: None, support: None, owed: false }
    }
}

/// What a support is made of. Its parts come before it.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Kind {
    /// A mask of a rule.
    Mask(Value),
    /// True where both are.
    Both(Id, Id),
    /// True where one is.
    Any(SmallVec<[Id; 2]>),
    /// What the rule of a node makes for an input of the output's support; of all places, if that has none.
    Through { node: u32, input: u32, of: Option<Id> },
    /// True where parts of an array of zeros are: those of each value, of what is known of the part.
    Parts(SmallVec<[(Value, Option<Id>); 2]>),
    /// Summed from the shape of the one value to that of the other.
    SummedTo { of: Id, like: Value, to: Value },
}

/// The sum of cotangents, in order; products over short axes are one.
fn total<'g>(values: &[Tensor<'g>]) -> Option<Tensor<'g>> {
    joined_products(values).into_iter().reduce(|sum, value| add(sum, value))
}

/// The supports of a sweep. A list, so that long chains of them are neither walked nor dropped by recursion.
pub struct Supports<'g> {
    graph: &'g Graph,
    kinds: Vec<Kind>,
    made: Vec<Option<Tensor<'g>>>,
    ids: FxHashMap<Kind, Id>,
}

impl<'g> Supports<'g> {
    pub fn new(graph: &'g Graph) -> Supports<'g> {
        Supports { graph, kinds: vec![], made: vec![], ids: FxHashMap::default() }
    }

    fn id(&mut self, kind: Kind) -> Id {
        if let Some(&id) = self.ids.get(&kind) {
            return id;
        }
        let id = self.kinds.len() as Id;
        self.kinds.push(kind.clone());
        self.made.push(None);
        self.ids.insert(kind, id);
        id
    }

    fn both(&mut self, outer: Option<Id>, inner: Id) -> Id {
        match outer {
            Some(o) if o != inner => self.id(Kind::Both(o, inner)),
            _ => inner,
        }
    }

    /// A cotangent that a rule masked, whose rule read a cotangent `f`.
    pub fn masked(&mut self, f: Flow<'g>, value: Tensor<'g>, mask: Tensor<'g>) -> Flow<'g> {
        let inner = self.id(Kind::Mask(mask.value()));
        Flow { value, dirty: Some(self.both(f.dirty, inner)), support: Some(self.both(f.support, inner)), owed: f.owed }
    }

    /// A cotangent about to meet an elementwise rule: dirty, if the rule may turn its zeros into something else.
    pub fn exposed(&self, f: Flow<'g>, derivative: Derivative) -> Flow<'g> {
        let turns = match derivative {
            Derivative::Constant => false,
            Derivative::Finite => f.owed,
            Derivative::Singular => true,
        };
        if turns { Flow { dirty: f.support, owed: false, ..f } } else { f }
    }

    /// The cotangent with zeros outside its support.
    pub fn settled(&mut self, f: Flow<'g>) -> Flow<'g> {
        match f.dirty {
            Some(id) => Flow { value: select(self.tensor(id), f.value, 0.0), dirty: None, support: f.support, owed: true },
            None => f,
        }
    }

    /// The flow of input `input` of a node whose rule read `f` (settled, if the rule adds up) and made `value`.
    pub fn through(&mut self, node: u32, input: usize, how: Support, f: Flow<'g>, value: Tensor<'g>) -> Flow<'g> {
        let mut pass = |of: Option<Id>| self.id(Kind::Through { node, input: input as u32, of });
        match how {
            Support::Elementwise(_) => Flow { value, ..f },
            Support::Moved | Support::Summed | Support::Repeated(_) => {
                Flow { value, dirty: f.dirty.map(|d| pass(Some(d))), support: f.support.map(|s| pass(Some(s))), owed: f.owed }
            }
            Support::Placed | Support::Scattered => {
                Flow { value, dirty: f.dirty.map(|d| pass(Some(d))), support: Some(pass(f.support)), owed: f.owed }
            }
            Support::Weighted(_) => {
                let support = f.support.map(|s| pass(Some(s)));
                // As for an elementwise rule with a finite derivative.
                Flow { value, dirty: support.filter(|_| f.owed), support, owed: false }
            }
            Support::Contracted(_) => Flow { value, dirty: None, support: f.support.map(|s| pass(Some(s))), owed: false },
            Support::Unknown => Flow::unknown(value),
        }
    }

    /// A flow brought to the shape and dtype of the input `x` that it belongs to: sums over the axes that were repeated.
    pub fn summed(&mut self, f: Flow<'g>, x: Tensor<'g>) -> Flow<'g> {
        if f.value.dims() == x.dims() {
            return if f.value.dtype() == x.dtype() { f } else { Flow { value: typed_like(f.value, x), ..f } };
        }
        let f = self.settled(f);
        let to = |of| Kind::SummedTo { of, like: f.value.value(), to: x.value() };
        let support = f.support.map(|s| self.id(to(s)));
        Flow { value: typed_like(unbroadcast(f.value, x), x), dirty: None, support, owed: f.owed }
    }

    /// The support of the sum of these.
    fn any(&mut self, mut ids: SmallVec<[Id; 2]>) -> Id {
        ids.sort_unstable();
        ids.dedup();
        match ids[..] {
            [one] => one,
            _ => self.id(Kind::Any(ids)),
        }
    }

    /// Cotangents with those that are parts of one array of zeros as one, in place of the first of them: an array of that size
    /// for each of many slices would take far more than the slices.
    fn joined(&mut self, flows: &[Flow<'g>]) -> SmallVec<[Flow<'g>; 2]> {
        type Members<'g> = SmallVec<[Flow<'g>; 2]>;
        let mut out: SmallVec<[Flow<'g>; 2]> = SmallVec::new();
        let mut wholes: SmallVec<[(usize, Parts<'g>, Members<'g>); 2]> = SmallVec::new();
        for f in flows {
            let Some(parts) = Parts::of(f.value).filter(|_| f.dirty.is_none()) else {
                out.push(*f);
                continue;
            };
            match wholes.iter_mut().find(|(_, whole, _)| whole.goes_with(&parts)) {
                Some((_, whole, members)) => {
                    whole.extend(parts);
                    members.push(*f);
                }
                None => {
                    wholes.push((out.len(), parts, SmallVec::from_elem(*f, 1)));
                    out.push(*f);
                }
            }
        }
        for (at, whole, members) in wholes.iter().filter(|(.., members)| members.len() > 1) {
            let support = self.of_parts(members);
            if let Some(f) = out.get_mut(*at) {
                *f = Flow { value: whole.sum(), dirty: None, support, owed: members.iter().any(|f| f.owed) };
            }
        }
        out
    }

    /// The support of the sum of cotangents that are parts of one array of zeros.
    fn of_parts(&mut self, members: &[Flow<'g>]) -> Option<Id> {
        let (mut parts, mut ids) = (SmallVec::new(), SmallVec::new());
        for f in members {
            let id = f.support?;
            match self.kinds.get(id as usize) {
                Some(Kind::Through { node, of, .. }) if Parts::of(f.value).is_some_and(|p| p.is_adjoint_of(self.graph.node(*node))) => {
                    parts.push((f.value.value(), *of));
                }
                _ => ids.push(id),
            }
        }
        if !parts.is_empty() {
            ids.push(self.id(Kind::Parts(parts)));
        }
        Some(self.any(ids))
    }

    /// The sum of the cotangents that reach one value.
    pub fn accumulated(&mut self, flows: &[Flow<'g>]) -> Option<Flow<'g>> {
        if let [_] | [] = flows {
            return flows.first().copied();
        }
        let flows = self.joined(flows);
        let [first, rest @ ..] = &flows[..] else { return None };
        if rest.is_empty() {
            return Some(*first);
        }
        let same = |f: fn(&Flow<'g>) -> Option<Id>| rest.iter().all(|r| f(r) == f(first));
        let owed = flows.iter().any(|f| f.owed);
        let support = if same(|f| f.support) {
            first.support
        } else {
            let all: Option<SmallVec<[Id; 2]>> = flows.iter().map(|f| f.support).collect();
            all.map(|ids| self.any(ids))
        };
        if first.dirty.is_some() && same(|f| f.dirty) {
            let values: SmallVec<[Tensor<'g>; 2]> = flows.iter().map(|f| f.value).collect();
            return Some(Flow { value: total(&values)?, dirty: first.dirty, support, owed });
        }
        let owed = owed || flows.iter().any(|f| f.dirty.is_some());
        let values: SmallVec<[Tensor<'g>; 2]> = flows.iter().map(|&f| self.settled(f).value).collect();
        Some(Flow { value: total(&values)?, dirty: None, support, owed })
    }

    /// A support as a tensor, of a shape that broadcasts to its cotangent's.
    fn tensor(&mut self, id: Id) -> Tensor<'g> {
        let mut needed = FxHashSet::default();
        let mut stack = vec![id];
        while let Some(i) = stack.pop() {
            if self.made[i as usize].is_none() && needed.insert(i) {
                match &self.kinds[i as usize] {
                    Kind::Mask(_) | Kind::Through { of: None, .. } => {}
                    Kind::Both(a, b) => stack.extend([*a, *b]),
                    Kind::Any(ids) => stack.extend(ids),
                    Kind::Parts(parts) => stack.extend(parts.iter().filter_map(|(_, of)| *of)),
                    Kind::Through { of: Some(of), .. } | Kind::SummedTo { of, .. } => stack.push(*of),
                }
            }
        }
        let mut needed: Vec<Id> = needed.into_iter().collect();
        needed.sort_unstable();
        for i in needed {
            let t = self.make(i);
            self.made[i as usize] = Some(t);
        }
        self.ready(id)
    }

    fn ready(&self, id: Id) -> Tensor<'g> {
        self.made.get(id as usize).copied().flatten().unwrap_or_else(|| self.graph.literal(true.into(), DType::Bool))
    }

    fn make(&self, id: Id) -> Tensor<'g> {
        match &self.kinds[id as usize] {
            Kind::Mask(v) => self.graph.tensor(*v),
            Kind::Both(a, b) => logical_and(self.ready(*a), self.ready(*b)),
            Kind::Any(ids) => {
                let all = ids.iter().map(|&i| self.ready(i)).reduce(|a, b| logical_or(a, b));
                all.unwrap_or_else(|| self.graph.literal(true.into(), DType::Bool))
            }
            Kind::Parts(parts) => {
                let truth = || self.graph.literal(true.into(), DType::Bool);
                let masks = parts.iter().filter_map(|(value, of)| {
                    let mask = of.map_or_else(truth, |i| self.ready(i));
                    Parts::of(self.graph.tensor(*value)).map(|p| p.masked(mask))
                });
                let whole = masks.reduce(|mut whole, part| {
                    whole.extend(part);
                    whole
                });
                whole.map_or_else(truth, |w| w.sum())
            }
            Kind::Through { node, input, of } => {
                let of = of.map_or_else(|| self.graph.literal(true.into(), DType::Bool), |i| self.ready(i));
                self.graph.inside_rule(*node, || self.rule(*node, *input as usize, of))
            }
            Kind::SummedTo { of, like, to } => any_to(self.ready(*of), self.graph.tensor(*like), self.graph.tensor(*to)),
        }
    }

    /// What the rule of a node makes of the support `of` of its output, for one input.
    fn rule(&self, id: u32, input: usize, of: Tensor<'g>) -> Tensor<'g> {
        let (graph, node) = (self.graph, self.graph.node(id));
        let Some(Body::Primitive(p)) = node.def().map(|d| &d.body) else { return of };
        let whole = broadcast_like(of, graph.tensor(Value { node: id, out: 0 }));
        let mut wanted: SmallVec<[bool; 4]> = SmallVec::from_elem(false, node.inputs.len());
        if let Some(w) = wanted.get_mut(input) {
            *w = true;
        }
        let rule = |s: Tensor<'g>| {
            let v = Vjp { graph, id, node, cotangents: &[Some(s)], wanted: &wanted, differentiate: &Sweep };
            match (p.vjp)(&v).into_iter().nth(input) {
                Some(Cotangent::Value(t) | Cotangent::Masked(t, _)) => t,
                // No cotangent came this way, so nobody asks.
                Some(Cotangent::Zero | Cotangent::Nondiff(_)) | None => s,
            }
        };
        match p.support {
            Support::Elementwise(_) | Support::Unknown => whole,
            Support::Moved | Support::Placed => rule(whole),
            Support::Summed | Support::Scattered => counts(rule(cast(whole, DType::F32))),
            Support::Repeated(f) | Support::Weighted(f) | Support::Contracted(f) => {
                f(&Vjp { graph, id, node, cotangents: &[], wanted: &wanted, differentiate: &Sweep }, whole, input)
            }
        }
    }
}
