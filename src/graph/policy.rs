//! Policies: which values gradients keep, and which they compute again.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};

/// A value that a gradient can read, and that a plan may keep or compute again.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The operation that computes it.
    pub op: &'static str,
    /// Its names, as `checkpoint_name` gave them.
    pub names: Vec<Arc<str>>,
    /// Its dtype.
    pub dtype: DType,
    /// Its lengths.
    pub shape: Vec<usize>,
    /// Its bytes.
    pub bytes: usize,
    /// Its arithmetic: what computing it again takes, what it is computed from not counted.
    pub flops: f64,
    /// True for a result of an operation that does far more arithmetic than it moves elements, such as a product.
    pub product: bool,
    /// True if a gradient reads it; others are only on the way to such.
    pub read: bool,
    /// The last of the candidates, in the order of the program, that is computed from it directly, or its own place.
    pub until: usize,
}

type Choice = dyn Fn(&Candidate) -> Result<bool> + Send + Sync;

#[derive(Clone)]
enum Rule {
    Everything,
    Nothing,
    EveryLayers(usize),
    Segments(Option<usize>),
    UpTo(usize),
    AllButLargest(usize),
    Products,
    Ops(Arc<[String]>),
    Names(Arc<[String]>),
    And(Arc<[Policy; 2]>),
    Or(Arc<[Policy; 2]>),
    Not(Arc<Policy>),
    /// A user's predicate, and its number.
    Custom(u64, Arc<Choice>),
    /// Another policy, and what must not go before it.
    #[cfg(feature = "python")]
    With(Arc<(Policy, Box<dyn std::any::Any + Send + Sync>)>),
}

/// Which values a plan keeps for gradients; all others are computed again from those. A policy sees each [`Candidate`] in the
/// order of the program.
///
/// ```
/// use scirs2_autograd::checkpoint::Policy;
/// // Results of products, and whatever has at most 4096 bytes.
/// let policy = Policy::products() | Policy::up_to(4096);
/// // A predicate of your own: true keeps.
/// let wide = Policy::new(|value| Ok(value.shape.last().is_some_and(|&n| n > 512)));
/// let both = policy & !wide;
/// # let _ = both;
/// ```
#[derive(Clone)]
pub struct Policy(Rule);

/// Numbers of users' predicates.
static CUSTOM: AtomicU64 = AtomicU64::new(0);

impl Policy {
    /// Keeps all that gradients read: nothing is computed twice.
    pub fn everything() -> Policy {
        Policy(Rule::Everything)
    }

    /// Keeps nothing: gradients compute all from feeds, variables and constants.
    pub fn nothing() -> Policy {
        Policy(Rule::Nothing)
    }

    /// Keeps what goes from one layer to the next, after every `n` layers, and what gradients read behind the last of these. A layer
    /// ends where the fewest bytes go on, with a product at least in each.
    pub fn every_layers(n: usize) -> Policy {
        Policy(Rule::EveryLayers(n))
    }

    /// Cuts the program into `n` segments of about equal bytes where the fewest bytes go on, and keeps these; each segment is
    /// computed again as a whole, but the last, which gradients read first. Without a number there are as many as take the least
    /// memory: about as many as each has layers, so that `n` layers need the memory of about `2 sqrt(n)`.
    ///
    /// Source: Chen, Xu, Zhang and Guestrin, "Training deep nets with sublinear memory cost", 2016, section 4.
    pub fn segments(n: Option<usize>) -> Policy {
        Policy(Rule::Segments(n))
    }

    /// Keeps values of at most so many bytes.
    pub fn up_to(bytes: usize) -> Policy {
        Policy(Rule::UpTo(bytes))
    }

    /// Keeps what gradients read, but the `n` largest of it.
    pub fn all_but_largest(n: usize) -> Policy {
        Policy(Rule::AllButLargest(n))
    }

    /// Keeps results of operations that do far more arithmetic than they move elements, such as products.
    pub fn products() -> Policy {
        Policy(Rule::Products)
    }

    /// Keeps results of these operations, by the names that `plan.explain()` shows.
    pub fn ops<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Policy {
        Policy(Rule::Ops(names.into_iter().map(Into::into).collect()))
    }

    /// Keeps what `checkpoint_name` gave one of these names.
    pub fn names<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Policy {
        Policy(Rule::Names(names.into_iter().map(Into::into).collect()))
    }

    /// A predicate: true keeps a value. An error is an error of the run. Each policy that is made so has plans of its own: make
    /// it once, and use clones of it.
    pub fn new(keep: impl Fn(&Candidate) -> Result<bool> + Send + Sync + 'static) -> Policy {
        Policy(Rule::Custom(CUSTOM.fetch_add(1, Relaxed), Arc::new(keep)))
    }

    /// The same policy, which owns something that its predicates only refer to.
    #[cfg(feature = "python")]
    pub(crate) fn with(self, owned: impl std::any::Any + Send + Sync) -> Policy {
        Policy(Rule::With(Arc::new((self, Box::new(owned)))))
    }

    /// Which of the values are kept.
    pub fn keep(&self, values: &[Candidate]) -> Result<Vec<bool>> {
        let each = |f: &dyn Fn(&Candidate) -> bool| Ok(values.iter().map(f).collect());
        let both = |a: &Policy, b: &Policy, f: fn(bool, bool) -> bool| {
            Ok(a.keep(values)?.into_iter().zip(b.keep(values)?).map(|(x, y)| f(x, y)).collect())
        };
        match &self.0 {
            Rule::Everything => each(&|v| v.read),
            Rule::Nothing => each(&|_| false),
            Rule::EveryLayers(0) => {
                Err(Error::new(ErrorKind::Value, "every_layers", "there is no such layer", 0, "a number of layers >= 1"))
            }
            Rule::Segments(Some(0)) => {
                Err(Error::new(ErrorKind::Value, "segments", "there are no segments", 0, "a number of segments >= 1"))
            }
            Rule::EveryLayers(n) => Ok(every_layers(values, *n)),
            Rule::Segments(n) => Ok(segments(values, *n)),
            Rule::UpTo(bytes) => each(&|v| v.bytes <= *bytes),
            Rule::AllButLargest(n) => {
                let mut order: Vec<usize> = (0..values.len()).filter(|&i| values[i].read).collect();
                order.sort_by_key(|&i| std::cmp::Reverse(values[i].bytes));
                let mut keep: Vec<bool> = values.iter().map(|v| v.read).collect();
                order.iter().take(*n).for_each(|&i| keep[i] = false);
                Ok(keep)
            }
            Rule::Products => each(&|v| v.product),
            Rule::Ops(names) => each(&|v| names.iter().any(|n| n == v.op)),
            Rule::Names(names) => each(&|v| v.names.iter().any(|own| names.iter().any(|n| **n == **own))),
            Rule::And(p) => both(&p[0], &p[1], |x, y| x && y),
            Rule::Or(p) => both(&p[0], &p[1], |x, y| x || y),
            Rule::Not(p) => Ok(p.keep(values)?.into_iter().map(|x| !x).collect()),
            Rule::Custom(_, keep) => values.iter().map(|v| keep(v)).collect(),
            #[cfg(feature = "python")]
            Rule::With(p) => p.0.keep(values),
        }
    }

    /// Words that two policies have in common only if they choose alike.
    pub fn words(&self, to: &mut Vec<u64>) {
        let texts = |to: &mut Vec<u64>, list: &[String]| {
            to.push(list.len() as u64);
            for t in list {
                to.push(t.len() as u64);
                to.extend(t.bytes().map(u64::from));
            }
        };
        match &self.0 {
            Rule::Everything => to.push(0),
            Rule::Nothing => to.push(1),
            Rule::EveryLayers(n) => to.extend([2, *n as u64]),
            Rule::Segments(n) => to.extend([3, n.map_or(0, |n| n as u64)]),
            Rule::UpTo(bytes) => to.extend([4, *bytes as u64]),
            Rule::AllButLargest(n) => to.extend([5, *n as u64]),
            Rule::Products => to.push(6),
            Rule::Ops(names) => {
                to.push(7);
                texts(to, names);
            }
            Rule::Names(names) => {
                to.push(8);
                texts(to, names);
            }
            Rule::And(p) => {
                to.push(9);
                p.iter().for_each(|p| p.words(to));
            }
            Rule::Or(p) => {
                to.push(10);
                p.iter().for_each(|p| p.words(to));
            }
            Rule::Not(p) => {
                to.push(11);
                p.words(to);
            }
            Rule::Custom(number, _) => to.extend([12, *number]),
            #[cfg(feature = "python")]
            Rule::With(p) => p.0.words(to),
        }
    }
}

impl PartialEq for Policy {
    fn eq(&self, other: &Policy) -> bool {
        let words = |p: &Policy| {
            let mut to = vec![];
            p.words(&mut to);
            to
        };
        words(self) == words(other)
    }
}

impl std::ops::BitAnd for Policy {
    type Output = Policy;
    /// Keeps what both keep.
    fn bitand(self, other: Policy) -> Policy {
        Policy(Rule::And(Arc::new([self, other])))
    }
}

impl std::ops::BitOr for Policy {
    type Output = Policy;
    /// Keeps what one of the two keeps.
    fn bitor(self, other: Policy) -> Policy {
        Policy(Rule::Or(Arc::new([self, other])))
    }
}

impl std::ops::Not for Policy {
    type Output = Policy;
    /// Keeps what the other does not.
    fn not(self) -> Policy {
        Policy(Rule::Not(Arc::new(self)))
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |names: &[String]| names.iter().map(|n| format!("\"{n}\"")).collect::<Vec<_>>().join(", ");
        match &self.0 {
            Rule::Everything => f.write_str("everything()"),
            Rule::Nothing => f.write_str("nothing()"),
            Rule::EveryLayers(n) => write!(f, "every_layers({n})"),
            Rule::Segments(n) => write!(f, "segments({})", n.map_or(String::new(), |n| n.to_string())),
            Rule::UpTo(n) => write!(f, "up_to({n})"),
            Rule::AllButLargest(n) => write!(f, "all_but_largest({n})"),
            Rule::Products => f.write_str("products()"),
            Rule::Ops(names) => write!(f, "ops({})", list(names)),
            Rule::Names(names) => write!(f, "names({})", list(names)),
            Rule::And(p) => write!(f, "({} & {})", p[0], p[1]),
            Rule::Or(p) => write!(f, "({} | {})", p[0], p[1]),
            Rule::Not(p) => write!(f, "~{p}"),
            Rule::Custom(number, _) => write!(f, "policy {number}"),
            #[cfg(feature = "python")]
            Rule::With(p) => write!(f, "{}", p.0),
        }
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Bytes that go on behind each value: of those up to it that a later one is computed from.
pub fn crossings(values: &[Candidate]) -> Vec<usize> {
    let mut ends = vec![0usize; values.len() + 1];
    let mut live = 0;
    let mut out = Vec::with_capacity(values.len());
    for (i, v) in values.iter().enumerate() {
        if v.until > i {
            live += v.bytes;
            ends[v.until] += v.bytes;
        }
        live -= ends[i];
        out.push(live);
    }
    out
}

/// Marks the values that go on behind these places.
fn crossing_at(values: &[Candidate], places: &[usize]) -> Vec<bool> {
    let mut next = 0;
    let crosses = |(i, v): (usize, &Candidate)| {
        while next < places.len() && places[next] < i {
            next += 1;
        }
        places.get(next).is_some_and(|&p| v.until > p)
    };
    values.iter().enumerate().map(crosses).collect()
}

/// Where layers end: between one product and the next where the fewest bytes go on, if no fewer go on in the layers beside it.
pub fn layers(values: &[Candidate]) -> Vec<usize> {
    let bytes = crossings(values);
    let products: Vec<usize> = (0..values.len()).filter(|&i| values[i].product).collect();
    // The last of the thinnest places.
    let thinnest = |w: &[usize]| (w[0]..w[1]).rev().min_by_key(|&i| bytes[i]);
    let ends: Vec<usize> = products.windows(2).filter_map(thinnest).filter(|&i| bytes[i] > 0).collect();
    let thin = |k: usize| {
        let (from, to) = (k.saturating_sub(1), (k + 2).min(ends.len()));
        ends[from..to].iter().all(|&i| bytes[i] >= bytes[ends[k]])
    };
    (0..ends.len()).filter(|&k| thin(k)).map(|k| ends[k]).collect()
}

fn every_layers(values: &[Candidate], n: usize) -> Vec<bool> {
    let ends = layers(values);
    let places: Vec<usize> = ends.chunks_exact(n).map(|c| c[n - 1]).collect();
    behind(values, &places)
}

/// Keeps what goes on behind some places, and what gradients read behind the last: that is still there when they do.
fn behind(values: &[Candidate], places: &[usize]) -> Vec<bool> {
    let mut keep = crossing_at(values, places);
    let last = places.last().map_or(0, |&p| p + 1);
    keep.iter_mut().zip(values).skip(last).for_each(|(k, v)| *k |= v.read);
    keep
}

/// Cuts into segments of about equal bytes: into as many as are wanted, or as need the least memory.
fn segments(values: &[Candidate], n: Option<usize>) -> Vec<bool> {
    let bytes = crossings(values);
    let ends = {
        let ends = layers(values);
        // Without layers any place will do.
        if ends.len() > 1 { ends } else { (0..values.len()).filter(|&i| bytes[i] > 0).collect() }
    };
    let mut before = vec![0];
    values.iter().for_each(|v| before.push(before[before.len() - 1] + if v.read { v.bytes } else { 0 }));
    let into = |n: usize| equal_parts(&ends, &before, n);
    let places = match n {
        Some(n) => into(n),
        None => {
            let most = 2 * ((ends.len() + 1) as f64).sqrt().round() as usize;
            (1..=most).map(into).min_by_key(|places| memory(values, &before, places)).unwrap_or_default()
        }
    };
    behind(values, &places)
}

/// The ends that are closest to equal shares of the bytes. `before` has the bytes in front of each value.
fn equal_parts(ends: &[usize], before: &[usize], n: usize) -> Vec<usize> {
    let total = before[before.len() - 1];
    let mut places: Vec<usize> = vec![];
    for k in 1..n.min(ends.len() + 1) {
        let share = total / n * k;
        let Some(&best) = ends.iter().min_by_key(|&&i| before[i + 1].abs_diff(share)) else { break };
        if places.last().is_none_or(|&p| p < best) {
            places.push(best);
        }
    }
    places
}

/// Bytes of what is kept up to a segment, and of what gradients read in it, at most.
fn memory(values: &[Candidate], before: &[usize], places: &[usize]) -> usize {
    let keep = crossing_at(values, places);
    let (mut most, mut kept, mut from) = (0, 0, 0);
    for to in places.iter().map(|p| p + 1).chain([values.len()]) {
        most = most.max(kept + before[to] - before[from]);
        kept += (from..to).filter(|&i| keep[i]).map(|i| values[i].bytes).sum::<usize>();
        from = to;
    }
    most
}
