//! Windows that see a whole image each: a convolution is a product of matrices then, with a row for each image.

use super::convolution::{Arrays, Wanted};
use super::number::Number;
use super::shared::{PARTS, Room, shared};
use super::{AXES, Images, Steps};
use crate::error::Result;
use crate::kernels::isa::isa;
use crate::kernels::linalg::Shared;
use crate::kernels::matmul::RATE;
use crate::kernels::matmul::packed::{Lengths, Out, Strided, multiply, scratch};
use crate::kernels::ranges::Ranges;

/// Rows and columns of one product.
const ROWS: usize = 64;
const COLUMNS: usize = 256;

/// A matrix in each group: steps from row to row, from column to column, and from group to group.
#[derive(Clone, Copy, Debug)]
struct Matrix {
    row: isize,
    column: isize,
    group: isize,
}

/// Products of matrices, one in each group.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dense {
    groups: usize,
    lengths: Lengths,
    a: Matrix,
    b: Matrix,
    out: Matrix,
}

impl Dense {
    /// If each window sees an image, and images and filters lie in memory as rows.
    pub fn new(wanted: Wanted, s: &Steps, all: &Arrays) -> Option<Dense> {
        let all_of_it = all.y.plane() == 1 && all.x.inner == all.w.inner && s.before == [0; AXES];
        let near = (0..AXES).all(|i| s.dilation[i] == 1 || all.w.inner[i] == 1);
        let line = |i: &Images| i.row().filter(|&step| i.outer[1] == 1 || i.outer_steps[1] == step * i.plane() as isize);
        let [x, w] = [line(&all.x)?, line(&all.w)?];
        let (m, columns) = (all.w.outer[0] / all.groups, all.w.outer[1] * all.w.plane());
        let images = Matrix { row: all.x.outer_steps[0], column: x, group: columns as isize * x };
        let filters = Matrix { row: all.w.outer_steps[0], column: w, group: m as isize * all.w.outer_steps[0] };
        let results = Matrix { row: all.y.outer_steps[0], column: all.y.outer_steps[1], group: m as isize * all.y.outer_steps[1] };
        let turned = |m: Matrix| Matrix { row: m.column, column: m.row, group: m.group };
        let n = all.y.outer[0];
        let (lengths, a, b, out) = match wanted {
            Wanted::Results => (Lengths { m: n, n: m, k: columns }, images, turned(filters), results),
            Wanted::Images => (Lengths { m: n, n: columns, k: m }, results, filters, images),
            Wanted::Filters => (Lengths { m, n: columns, k: n }, turned(results), images, filters),
        };
        (all_of_it && near).then_some(Dense { groups: all.groups, lengths, a, b, out })
    }

    /// Numbers of scratch for each thread.
    fn room<T: Number>(&self) -> usize {
        let Lengths { m, n, k } = self.lengths;
        let some = |n: usize, most: usize| [most.min(n), n % most];
        let all = some(m, ROWS).into_iter().flat_map(|m| some(n, COLUMNS).map(|n| (m, n))).filter(|&(m, n)| m > 0 && n > 0);
        all.map(|(m, n)| scratch::<T>(isa(), Lengths { m, n, k })).max().unwrap_or(0).next_multiple_of(ROWS)
    }

    /// Bytes of scratch that [`Dense::run`] needs.
    pub fn scratch<T: Number>(&self) -> usize {
        let mut room = Room::default();
        room.take::<T>(PARTS * self.room::<T>());
        room.bytes
    }

    /// # Safety
    /// The lengths and steps are those of the arrays; the result overlaps neither operand; `scratch` is aligned to a line of the cache and has as
    /// many bytes as asked for.
    pub unsafe fn run<T: Number>(&self, ranges: &Ranges<'_>, [a, b]: [*const T; 2], out: *mut T, scratch: *mut u8) -> Result<()> {
        let Lengths { m, n, k } = self.lengths;
        let (rows, columns, room) = (m.div_ceil(ROWS), n.div_ceil(COLUMNS), self.room::<T>());
        let (a, b, out, free) = (Shared(a.cast_mut()), Shared(b.cast_mut()), Shared(out), Shared(scratch.cast::<T>()));
        shared(ranges, self.groups * rows * columns, ROWS.min(m) * COLUMNS.min(n) * k / RATE + 1, PARTS, |slot, unit| {
            let (group, row, column) = ((unit / columns / rows) as isize, unit / columns % rows * ROWS, unit % columns * COLUMNS);
            let at = |m: &Matrix, row: usize, column: usize| group * m.group + row as isize * m.row + column as isize * m.column;
            let lengths = Lengths { m: ROWS.min(m - row), n: COLUMNS.min(n - column), k };
            // SAFETY: parts of the arrays, and scratch that no other thread has.
            unsafe {
                let a = Strided { at: a.at(0).offset(at(&self.a, row, 0)).cast_const(), across: self.a.row, depth: self.a.column };
                let b = Strided { at: b.at(0).offset(at(&self.b, 0, column)).cast_const(), across: self.b.column, depth: self.b.row };
                let out = Out { at: out.at(0).offset(at(&self.out, row, column)), row: self.out.row, column: self.out.column };
                multiply(isa(), lengths, [a, b], out, false, free.at(slot * room));
            }
        })
    }
}
