//! The lines of an array along one axis, in an order in which memory is read and written in order.

use smallvec::SmallVec;

use crate::error::Result;
use crate::shape::Dims;

/// An axis of `K` operands and of the output.
#[derive(Clone, Copy)]
pub struct Axis<const K: usize> {
    /// Its length in the operands.
    pub n: usize,
    /// From one element to the next, in each operand.
    pub step: [isize; K],
    /// From one element to the next in the output.
    pub out: isize,
}

/// An element of the operands and of the output, as an offset into each.
#[derive(Clone, Copy)]
pub struct Offsets<const K: usize> {
    /// In each operand.
    pub x: [isize; K],
    /// In the output.
    pub out: isize,
}

impl<const K: usize> Offsets<K> {
    /// The place `i` steps along an axis.
    #[inline]
    pub fn along(self, axis: &Axis<K>, i: usize) -> Offsets<K> {
        let i = i as isize;
        Offsets { x: std::array::from_fn(|k| self.x[k] + axis.step[k] * i), out: self.out + axis.out * i }
    }
}

/// The axes around the lines, as few as possible.
pub struct Lines<const K: usize> {
    /// The axis of the lines. Reversed, its steps lead from the last element to the first.
    pub along: Axis<K>,
    /// The axis along which lines lie side by side: neighbours in the output if that has any; else in the operands.
    pub lanes: Axis<K>,
    /// The other axes.
    rest: SmallVec<[Axis<K>; 4]>,
    start: Offsets<K>,
}

/// Lines side by side.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lanes {
    /// Contiguous in operands and output.
    Contiguous,
    /// Contiguous in the output.
    Written,
    /// Contiguous in the operands, whose lines are not.
    Read,
    /// Rows.
    Apart,
}

/// Axes that can be walked as one are one.
fn joined<const K: usize>(axes: impl Iterator<Item = Axis<K>>) -> SmallVec<[Axis<K>; 4]> {
    let mut all: SmallVec<[Axis<K>; 4]> = SmallVec::new();
    for inner in axes.filter(|a| a.n != 1) {
        let n = inner.n as isize;
        match all.last_mut() {
            Some(outer) if outer.out == inner.out * n && (0..K).all(|k| outer.step[k] == inner.step[k] * n) => {
                *outer = Axis { n: outer.n * inner.n, ..inner };
            }
            _ => all.push(inner),
        }
    }
    all
}

impl<const K: usize> Lines<K> {
    /// The lines along `axis` of operands of lengths `dims`, none of them 0. The output's strides are C-contiguous; its length along
    /// `axis` may be another one.
    pub fn new(dims: &[usize], steps: [&[isize]; K], outs: &[isize], axis: usize, reverse: bool) -> Lines<K> {
        let of = |i: usize| Axis { n: dims[i], step: steps.map(|s| s[i]), out: outs[i] };
        let mut along = of(axis);
        let mut start = Offsets { x: [0; K], out: 0 };
        if reverse {
            start = start.along(&along, along.n - 1);
            (along.step, along.out) = (along.step.map(|s| -s), -along.out);
        }
        let (mut rest, inner) = (joined((0..axis).map(of)), joined((axis + 1..dims.len()).map(of)));
        let unit = rest.iter().position(|a| a.step.iter().all(|s| s.abs() == 1));
        let lanes = if inner.is_empty() { unit.or(rest.len().checked_sub(1)) } else { Some(rest.len() + inner.len() - 1) };
        rest.extend(inner);
        let lanes = lanes.map_or(Axis { n: 1, step: [0; K], out: 0 }, |i| rest.remove(i));
        Lines { along, lanes, rest, start }
    }

    /// How the lanes lie.
    pub fn layout(&self) -> Lanes {
        let unit = |a: &Axis<K>| a.step.iter().all(|s| s.abs() == 1);
        match self.lanes.out {
            1 if self.lanes.step == [1; K] => Lanes::Contiguous,
            1 => Lanes::Written,
            _ if unit(&self.lanes) && !unit(&self.along) => Lanes::Read,
            _ => Lanes::Apart,
        }
    }

    /// Calls `f(the first of them, how many)` for up to `width` lines side by side, until all were named.
    pub fn each(&self, width: usize, mut f: impl FnMut(Offsets<K>, usize) -> Result<()>) -> Result<()> {
        let mut index = Dims::from_elem(0, self.rest.len());
        loop {
            let row = self.rest.iter().zip(&index).fold(self.start, |p, (a, &i)| p.along(a, i));
            for first in (0..self.lanes.n).step_by(width) {
                f(row.along(&self.lanes, first), width.min(self.lanes.n - first))?;
            }
            let mut axis = index.len();
            loop {
                if axis == 0 {
                    return Ok(());
                }
                axis -= 1;
                index[axis] += 1;
                if index[axis] < self.rest[axis].n {
                    break;
                }
                index[axis] = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_are_joined_and_lanes_chosen() {
        // C order, axis first, in the middle, last.
        let c = |axis| Lines::<1>::new(&[2, 3, 4, 5], [&[60, 20, 5, 1]], &[60, 20, 5, 1], axis, false);
        assert_eq!((c(0).lanes.n, c(0).layout(), c(0).rest.len()), (60, Lanes::Contiguous, 0));
        assert_eq!((c(1).lanes.n, c(1).layout(), c(1).rest.len()), (20, Lanes::Contiguous, 1));
        assert_eq!((c(3).lanes.n, c(3).layout(), c(3).rest.len()), (24, Lanes::Apart, 0));
        // Transposed.
        let f = |axis| Lines::<1>::new(&[3, 4], [&[1, 3]], &[4, 1], axis, false);
        assert_eq!((f(0).layout(), f(1).layout()), (Lanes::Written, Lanes::Read));
        let one = Lines::<1>::new(&[7], [&[-1]], &[1], 0, true);
        assert_eq!((one.along.step, one.along.out, one.start.x, one.start.out), ([1], -1, [-6], 6));
    }

    #[test]
    fn every_line_is_named_once() {
        let lines = Lines::<1>::new(&[2, 3, 4, 5], [&[5, 40, 10, 1]], &[60, 20, 5, 1], 1, false);
        let mut seen = vec![];
        let done = lines.each(3, |p, n| {
            seen.extend((0..n).map(|j| p.along(&lines.lanes, j).out));
            Ok(())
        });
        seen.sort_unstable();
        let expected: Vec<isize> = (0..2).flat_map(|i| (0..20).map(move |j| 60 * i + j)).collect();
        assert_eq!((done.is_ok(), seen), (true, expected));
    }
}
