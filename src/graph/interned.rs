//! The nodes of a graph by what they are: each is looked up when it is built.

/// A table of places, a power of two in number, of which at most half are taken.
pub(super) struct Interned {
    places: Vec<Place>,
    len: usize,
}

#[derive(Clone, Copy)]
struct Place {
    node: u32,
    hash: u32,
}

const FREE: Place = Place { node: u32::MAX, hash: 0 };
/// How many places there are close to an operand's.
const NEAR: usize = 8;

/// What tells where a node is: its last operand, if it has one, and its hash.
pub(super) type At = (Option<u32>, u32);

/// The places at which a node may be, before they are brought into a table. Two are close to that of its last operand: nodes are
/// built about in the order of their operands, and that part of the table is at hand. The others are anywhere, for one value
/// may have many users.
struct Probe {
    next: usize,
    second: Option<usize>,
    far: usize,
}

fn probe((last, hash): At) -> Probe {
    let far = hash.wrapping_mul(0x9e37_79b1) as usize;
    match last {
        Some(last) => {
            let near = 2 * last as usize + hash as usize % NEAR;
            Probe { next: near, second: Some(near ^ 1), far }
        }
        None => Probe { next: far, second: None, far: far + 1 },
    }
}

impl Iterator for Probe {
    type Item = usize;
    fn next(&mut self) -> Option<usize> {
        let far = self.far;
        let next = self.second.take().unwrap_or_else(|| {
            self.far += 1;
            far
        });
        Some(std::mem::replace(&mut self.next, next))
    }
}

impl Interned {
    /// A table with room for `nodes` nodes.
    pub fn new(nodes: usize) -> Interned {
        Interned { places: vec![FREE; (2 * nodes).next_power_of_two()], len: 0 }
    }

    /// The node at `at` that `is` accepts.
    pub fn find(&self, at: At, mut is: impl FnMut(u32) -> bool) -> Option<u32> {
        let mask = self.places.len() - 1;
        for p in probe(at) {
            match self.places[p & mask] {
                Place { node: u32::MAX, .. } => return None,
                Place { node, hash } if hash == at.1 && is(node) => return Some(node),
                _ => {}
            }
        }
        None
    }

    /// Adds a node that was not found. `last` gives the last operand of those that are there.
    pub fn insert(&mut self, at: At, node: u32, last: impl Fn(u32) -> Option<u32>) {
        if 2 * (self.len + 1) > self.places.len() {
            self.resettle(vec![FREE; 4 * self.places.len()], last);
        }
        self.settle(at, node);
        self.len += 1;
    }

    /// Bytes that it takes to have room for so many more nodes.
    pub fn growth(&self, more: usize) -> usize {
        let n = (2 * (self.len + more)).next_power_of_two();
        if n > self.places.len() { n * size_of::<Place>() } else { 0 }
    }

    /// Makes room for so many more nodes; false if there is no memory.
    pub fn try_reserve(&mut self, more: usize, last: impl Fn(u32) -> Option<u32>) -> bool {
        let n = self.growth(more) / size_of::<Place>();
        let mut places = vec![];
        if places.try_reserve_exact(n).is_err() {
            return false;
        }
        if n > 0 {
            places.resize(n, FREE);
            self.resettle(places, last);
        }
        true
    }

    fn resettle(&mut self, places: Vec<Place>, last: impl Fn(u32) -> Option<u32>) {
        let old = std::mem::replace(&mut self.places, places);
        old.iter().filter(|p| p.node != FREE.node).for_each(|p| self.settle((last(p.node), p.hash), p.node));
    }

    fn settle(&mut self, at: At, node: u32) {
        let mask = self.places.len() - 1;
        if let Some(p) = probe(at).find(|p| self.places[p & mask].node == FREE.node) {
            self.places[p & mask] = Place { node, hash: at.1 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANY: u32 = 20_000;

    /// How many places are looked at to find each of many nodes, on average.
    fn looks(last: fn(u32) -> Option<u32>) -> f64 {
        let hash = |id: u32| (u64::from(id).wrapping_mul(0x517c_c1b7_2722_0a95) >> 32) as u32;
        let mut table = Interned::new(4);
        for id in 0..MANY {
            let at = (last(id), hash(id));
            assert_eq!(table.find(at, |n| n == id), None);
            table.insert(at, id, last);
        }
        assert!(table.try_reserve(MANY as usize, last) && table.growth(MANY as usize) == 0);
        let mask = table.places.len() - 1;
        let all = (0..MANY).map(|id| {
            assert_eq!(table.find((last(id), hash(id)), |n| n == id), Some(id));
            probe((last(id), hash(id))).position(|p| table.places[p & mask].node == id).unwrap() + 1
        });
        all.sum::<usize>() as f64 / f64::from(MANY)
    }

    #[test]
    fn few_places_are_looked_at_whatever_the_operands() {
        type Last = fn(u32) -> Option<u32>;
        let operands: [(&str, Last); 4] = [
            ("leaves", |_| None),
            ("a chain", |id| id.checked_sub(1)),
            ("users of one value", |_| Some(7)),
            ("users of some values", |id| Some(id / 100)),
        ];
        for (name, last) in operands {
            let looks = looks(last);
            assert!(looks < 5.0, "{name}: {looks} places");
        }
    }
}
