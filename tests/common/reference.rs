//! A second interpreter of tile programs: array by array over the whole space, one instruction after the other, reductions
//! by the definition of their tree. Of the first it has the elementwise kernels alone, which it calls for one element.

use scirs2_autograd::DType;
use scirs2_autograd::internals::{Code, Fold, FoldStore, Kind, Load, Loc, Program, Reduction, Stage, isa};

/// Values that a slot of the table of pointers holds.
#[derive(Clone)]
struct Slot {
    /// True if there is one value a row.
    per_row: bool,
    /// Bytes of a value.
    size: usize,
    bytes: Vec<u8>,
}

impl Slot {
    /// The value of an element of the space, or, in a stage over rows, of a row.
    fn at(&self, e: usize, cols: usize, rows_only: bool) -> &[u8] {
        assert!(self.per_row || !rows_only, "a stage over rows reads a value of the whole space");
        let k = if self.per_row && !rows_only { e / cols } else { e };
        &self.bytes[k * self.size..][..self.size]
    }
}

/// What a program leaves in a place of memory.
pub struct Left {
    pub loc: Loc,
    pub dtype: DType,
    pub bytes: Vec<u8>,
}

/// What a program leaves behind in memory.
///
/// # Safety
/// The bases hold what the program reads.
pub unsafe fn interpret(p: &Program, bases: &[*mut u8]) -> Vec<Left> {
    let mut table: Vec<Option<Slot>> = vec![];
    let mut left = vec![];
    for stage in &p.stages {
        // SAFETY: by the contract.
        unsafe { run(p, stage, bases, &mut table, &mut left) };
    }
    left
}

fn put(table: &mut Vec<Option<Slot>>, at: u16, slot: Slot) {
    if table.len() <= at as usize {
        table.resize(at as usize + 1, None);
    }
    table[at as usize] = Some(slot);
}

fn get(table: &[Option<Slot>], at: u16) -> &Slot {
    table.get(at as usize).and_then(Option::as_ref).unwrap_or_else(|| panic!("nothing is in slot {at}"))
}

unsafe fn run(p: &Program, stage: &Stage, bases: &[*mut u8], table: &mut Vec<Option<Slot>>, left: &mut Vec<Left>) {
    let count = if stage.per_row { p.rows } else { p.rows * p.cols };
    for l in &stage.loads {
        // SAFETY: by the contract of the caller.
        put(table, l.slot, unsafe { load(p, stage, l, count, bases) });
    }
    for s in &stage.spreads {
        let from = get(table, s.from);
        assert!(from.per_row && from.size == s.size, "what is spread is not one value a row");
        let bytes = (0..count).flat_map(|e| from.at(e, p.cols, false).to_vec()).collect();
        put(table, s.to, Slot { per_row: false, size: s.size, bytes });
    }
    for (k, c) in stage.code.iter().enumerate() {
        folds(p, stage, k, table, left);
        let slot = instruction(c, count, p.cols, stage.per_row, table);
        put(table, c.at[0], slot);
    }
    folds(p, stage, stage.code.len(), table, left);
    for s in &stage.stores {
        let (dtype, slot) = (stage.code[s.at].to, get(table, s.slot));
        assert!(slot.size == s.size && slot.per_row == stage.per_row && s.locs.len() == 1);
        left.push(Left { loc: s.locs[0], dtype, bytes: slot.bytes.clone() });
    }
}

/// The operand over the whole space of a stage, by its strides alone.
unsafe fn load(p: &Program, stage: &Stage, l: &Load, count: usize, bases: &[*mut u8]) -> Slot {
    let dims = if stage.per_row { &p.dims[..p.split] } else { &p.dims[..] };
    assert!(dims.iter().product::<usize>() == count && dims.len() == l.strides.len());
    let first = bases[l.loc.base as usize].wrapping_add(l.loc.offset).wrapping_offset(l.offset);
    let mut bytes = Vec::with_capacity(count * l.size);
    for e in 0..count {
        let (mut rest, mut at) = (e, 0);
        for (&n, &s) in dims.iter().zip(&l.strides).rev() {
            at += (rest % n) as isize * s;
            rest /= n;
        }
        // SAFETY: the operand has this element.
        bytes.extend_from_slice(unsafe { std::slice::from_raw_parts(first.wrapping_offset(at), l.size) });
    }
    Slot { per_row: stage.per_row, size: l.size, bytes }
}

/// A value eight times, as kernels read and write it.
#[repr(align(64))]
struct Vector([u8; 64]);

impl Vector {
    fn of(value: &[u8]) -> Vector {
        let mut v = Vector([0; 64]);
        v.0.chunks_mut(value.len()).take(8).for_each(|part| part.copy_from_slice(value));
        v
    }
}

fn instruction(c: &Code, count: usize, cols: usize, rows_only: bool, table: &[Option<Slot>]) -> Slot {
    let forms = c.kind.forms(isa(), c.from, c.to).unwrap();
    let f = forms.0[c.single as usize].unwrap();
    let size = c.to.size();
    let mut bytes = Vec::with_capacity(count * size);
    let operands: Vec<&Slot> = c.at[1..=arity(c)].iter().map(|&at| get(table, at)).collect();
    for e in 0..count {
        let operand = |k: usize| operands.get(k).map_or(Vector([0; 64]), |o| Vector::of(o.at(e, cols, rows_only)));
        let [x, y, z] = [0, 1, 2].map(operand);
        let mut d = Vector([0; 64]);
        // SAFETY: each has room for eight values.
        unsafe { f(d.0.as_mut_ptr(), x.0.as_ptr(), y.0.as_ptr(), z.0.as_ptr(), 1) };
        bytes.extend_from_slice(&d.0[..size]);
    }
    Slot { per_row: rows_only, size, bytes }
}

fn arity(c: &Code) -> usize {
    match c.kind {
        Kind::Row(def) => def.arity(),
        Kind::Fill => 1,
    }
}

/// The reductions that run before instruction `k`, and after the one before.
fn folds(p: &Program, stage: &Stage, k: usize, table: &mut Vec<Option<Slot>>, left: &mut Vec<Left>) {
    for f in stage.folds.iter().filter(|f| f.after == k) {
        let bytes = fold(p, f, get(table, f.from));
        if let Some(loc) = f.loc {
            left.push(Left { loc, dtype: f.dtype, bytes: bytes.clone() });
        }
        if let Some(register) = f.kept {
            assert!(matches!(f.reduction, Reduction::Trailing(_)));
            put(table, register, Slot { per_row: true, size: f.dtype.size(), bytes });
        }
    }
}

fn fold(p: &Program, f: &FoldStore, from: &Slot) -> Vec<u8> {
    assert!(!from.per_row && from.size == f.dtype.size(), "what is reduced is not of the whole space");
    macro_rules! of {
        ($t:ty, $ops:expr) => {{
            let values: Vec<$t> = from.bytes.chunks(size_of::<$t>()).map(|b| <$t>::from_ne_bytes(b.try_into().unwrap())).collect();
            let (identity, step) = $ops;
            let out: Vec<$t> = reduced(p, f.reduction, &values, identity, &step);
            out.iter().flat_map(|x| x.to_ne_bytes()).collect()
        }};
    }
    // The sum of nothing is -0.0, which changes no number; NaN wins; of equal numbers the second is taken.
    macro_rules! float {
        ($t:ty) => {{
            fn chosen(less: bool, a: $t, b: $t) -> $t {
                if a.is_nan() {
                    a
                } else if less {
                    a
                } else {
                    b
                }
            }
            let fold = f.fold;
            let identity = [-0.0, <$t>::NEG_INFINITY, <$t>::INFINITY, 1.0][fold as usize];
            let step = move |a: $t, b: $t| match fold {
                Fold::Sum => a + b,
                Fold::Product => a * b,
                Fold::Max => chosen(a > b, a, b),
                Fold::Min => chosen(a < b, a, b),
            };
            of!($t, (identity, step))
        }};
    }
    macro_rules! integer {
        ($t:ty, $sum:expr, $product:expr, $least:expr, $most:expr, $zero:expr, $one:expr) => {{
            let fold = f.fold;
            let identity = [$zero, $least, $most, $one][fold as usize];
            let step = move |a: $t, b: $t| match fold {
                Fold::Sum => $sum(a, b),
                Fold::Product => $product(a, b),
                Fold::Max => a.max(b),
                Fold::Min => a.min(b),
            };
            of!($t, (identity, step))
        }};
    }
    match f.dtype {
        DType::F32 => float!(f32),
        DType::F64 => float!(f64),
        DType::I32 => integer!(i32, i32::wrapping_add, i32::wrapping_mul, i32::MIN, i32::MAX, 0, 1),
        DType::I64 => integer!(i64, i64::wrapping_add, i64::wrapping_mul, i64::MIN, i64::MAX, 0, 1),
        DType::Bool => integer!(u8, u8::max, u8::min, 0, 1, 0, 1),
    }
}

fn reduced<T: Copy>(p: &Program, reduction: Reduction, x: &[T], identity: T, step: &dyn Fn(T, T) -> T) -> Vec<T> {
    let line = |x: &[T]| pairwise(x.chunks(512).map(|b| vec![block(b, identity, step)]).collect(), step);
    match reduction {
        Reduction::All => line(x),
        Reduction::Trailing(_) => x.chunks(p.cols).flat_map(line).collect(),
        Reduction::Leading(_) => {
            let rows: Vec<&[T]> = x.chunks(p.cols).collect();
            let down = |rows: &[&[T]]| {
                let sum = |a: Vec<T>, b: &&[T]| a.iter().zip(*b).map(|(&a, &b)| step(a, b)).collect();
                rows[1..].iter().fold(rows[0].to_vec(), sum)
            };
            pairwise(rows.chunks(512).map(down).collect(), step)
        }
    }
}

/// Up to 512 values: with as many identities behind them as are missing, folded by eighths.
fn block<T: Copy>(x: &[T], identity: T, step: &dyn Fn(T, T) -> T) -> T {
    let mut v = x.to_vec();
    v.resize(512, identity);
    while v.len() > 1 {
        let m = v.len() / 8;
        let pair = |i: usize, k: usize| step(v[i + k * m], v[i + (k + 1) * m]);
        v = (0..m).map(|i| step(step(pair(i, 0), pair(i, 2)), step(pair(i, 4), pair(i, 6)))).collect();
    }
    v[0]
}

/// Neighbours become one until one is left; an odd last one is carried up.
fn pairwise<T: Copy>(mut rows: Vec<Vec<T>>, step: &dyn Fn(T, T) -> T) -> Vec<T> {
    while rows.len() > 1 {
        let of_two = |p: &[Vec<T>]| match p {
            [a, b] => a.iter().zip(b).map(|(&a, &b)| step(a, b)).collect(),
            _ => p[0].clone(),
        };
        rows = rows.chunks(2).map(of_two).collect();
    }
    rows.remove(0)
}

/// Where memory differs from what a program should have left there: the place and the two values. NaN equals NaN.
///
/// # Safety
/// The bases hold what the program wrote.
pub unsafe fn difference(left: &[Left], bases: &[*mut u8]) -> Option<String> {
    left.iter().find_map(|l| {
        let size = l.dtype.size();
        // SAFETY: by the contract.
        let found = unsafe { std::slice::from_raw_parts(bases[l.loc.base as usize].add(l.loc.offset), l.bytes.len()) };
        let nan = |b: &[u8]| match l.dtype {
            DType::F32 => f32::from_ne_bytes(b.try_into().unwrap()).is_nan(),
            DType::F64 => f64::from_ne_bytes(b.try_into().unwrap()).is_nan(),
            _ => false,
        };
        let differs = |(a, b): (&[u8], &[u8])| a != b && !(nan(a) && nan(b));
        let at = found.chunks(size).zip(l.bytes.chunks(size)).position(differs)?;
        let value = |b: &[u8]| format!("{:02x?}", &b[at * size..][..size]);
        Some(format!("{} {} of {}: {}, by definition {}", l.dtype, at, l.bytes.len() / size, value(found), value(&l.bytes)))
    })
}
