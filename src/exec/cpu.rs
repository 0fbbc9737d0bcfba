//! The interpreter of tile programs.

use crate::kernels::fold::BLOCK;
use crate::plan::fuse::Reduction;
use crate::plan::program::{FoldStore, Load, LoadKind, Program, Tiling, padded_cols};
use crate::shape::Dims;

/// A run of the space.
struct Tile {
    start: usize,
    len: usize,
    row: usize,
    col: usize,
}

/// A program with the memory of one run.
struct Machine<'a> {
    p: &'a Program,
    bases: &'a [*mut u8],
    /// The table of pointers: registers, loads, stores.
    table: *mut *mut u8,
    /// Block values.
    blocks: *mut u8,
    first_load: usize,
    /// True until periodic operands have been read.
    fresh: bool,
    /// True if operands and results are so large that the next tile of each is fetched into the cache while this one is
    /// computed. A tile's many instructions hide the next tile from the processor's own guesses: measured, a program of 31
    /// instructions over 4 MB takes a third less time.
    ahead: bool,
}

/// Programs over fewer elements stay in the second cache.
const AHEAD: usize = 32 * BLOCK;

/// Fetches memory into the cache; a hint, which no address makes fail.
#[inline(always)]
fn fetch(from: *const u8, bytes: usize) {
    #[cfg(target_arch = "x86_64")]
    for line in (0..bytes).step_by(64) {
        // SAFETY: a hint reads nothing.
        unsafe { std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(from.wrapping_add(line).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (from, bytes);
}

/// Runs a program. `poll` is asked between tiles whether to go on; false ends the run early.
///
/// # Safety
/// Each base holds what the plan placed there; `scratch` has the program's working bytes and is 64-byte aligned; nothing
/// else writes to this memory.
pub unsafe fn run_tile(p: &Program, bases: &[*mut u8], scratch: *mut u8, poll: &mut dyn FnMut() -> bool) -> bool {
    // SAFETY: the layout of the scratch memory is that of `Program::working_bytes`.
    let mut m = unsafe {
        let registers = scratch.add(p.table_bytes());
        let table = scratch.cast::<*mut u8>();
        for r in 0..p.registers as usize {
            table.add(r).write(registers.add(r * p.register_bytes));
        }
        let blocks = registers.add(p.registers as usize * p.register_bytes);
        Machine { p, bases, table, blocks, first_load: p.registers as usize, fresh: true, ahead: p.count() >= AHEAD }
    };
    if p.count() == 0 {
        return true;
    }
    // SAFETY: as above.
    unsafe {
        let done = m.walk(poll);
        if done {
            p.folds.iter().for_each(|f| m.end(f));
        }
        done
    }
}

impl Machine<'_> {
    unsafe fn at(&self, loc: crate::plan::program::Loc) -> *mut u8 {
        // SAFETY: the plan placed it inside the base.
        unsafe { self.bases[loc.base as usize].add(loc.offset) }
    }

    unsafe fn walk(&mut self, poll: &mut dyn FnMut() -> bool) -> bool {
        let (rows, cols, total) = (self.p.rows, self.p.cols, self.p.count());
        let mut count = 0usize;
        let mut go = || {
            count += 1;
            count & 63 != 0 || poll()
        };
        // SAFETY: all tiles lie in the space.
        unsafe {
            match self.p.tiling {
                Tiling::Flat => {
                    for start in (0..total).step_by(BLOCK) {
                        self.tile(&Tile { start, len: BLOCK.min(total - start), row: 0, col: start });
                        if !go() {
                            return false;
                        }
                    }
                }
                Tiling::Rows => {
                    for row in 0..rows {
                        for col in (0..cols).step_by(BLOCK) {
                            self.tile(&Tile { start: row * cols + col, len: BLOCK.min(cols - col), row, col });
                        }
                        self.p.folds.iter().for_each(|f| self.end_row(f, row, 0));
                        if !go() {
                            return false;
                        }
                    }
                }
                Tiling::Whole => {
                    let many = (BLOCK / cols).max(1);
                    let mut row = 0;
                    while row < rows {
                        let here = many.min(rows - row).min(BLOCK - row % BLOCK);
                        self.tile(&Tile { start: row * cols, len: here * cols, row, col: 0 });
                        row += here;
                        if !go() {
                            return false;
                        }
                    }
                }
                Tiling::Blocks => {
                    for first in (0..rows).step_by(BLOCK) {
                        let here = BLOCK.min(rows - first);
                        for col in (0..cols).step_by(BLOCK) {
                            for row in first..first + here {
                                self.tile(&Tile { start: row * cols + col, len: BLOCK.min(cols - col), row, col });
                            }
                            if !poll() {
                                return false;
                            }
                        }
                        for row in first..first + here {
                            self.p.folds.iter().for_each(|f| self.end_row(f, row, row - first));
                        }
                    }
                }
            }
        }
        true
    }

    unsafe fn tile(&mut self, t: &Tile) {
        let p = self.p;
        let ragged = !t.len.is_multiple_of(8);
        // From this tile to the next one.
        let next = if p.tiling == Tiling::Blocks { p.cols } else { t.len };
        let aligned = t.start.is_multiple_of(8);
        // SAFETY: pointers are computed for this tile; kernels get room for whole vectors: in place where the memory has it,
        // in registers elsewhere.
        unsafe {
            for (k, l) in p.loads.iter().enumerate() {
                let slot = self.table.add(self.first_load + k);
                let base = self.at(l.loc).offset(l.offset);
                let register = *self.table.add(l.register as usize);
                match l.kind {
                    LoadKind::One => slot.write(base),
                    LoadKind::RowOne => slot.write(base.offset(self.row_offset(l, t.row))),
                    LoadKind::Flat => {
                        let from = base.add(t.start * l.size);
                        if self.ahead {
                            fetch(from.wrapping_add(next * l.size), t.len * l.size);
                        }
                        if ragged && !(l.padded && aligned) {
                            std::ptr::copy_nonoverlapping(from, register, t.len * l.size);
                            slot.write(register);
                        } else {
                            slot.write(from);
                        }
                    }
                    LoadKind::Row => {
                        let from = base.offset(self.row_offset(l, t.row)).add(t.col * l.size);
                        if ragged {
                            std::ptr::copy_nonoverlapping(from, register, t.len * l.size);
                            slot.write(register);
                        } else {
                            slot.write(from);
                        }
                    }
                    LoadKind::Gather => {
                        if self.fresh || !l.periodic {
                            gather(&p.dims, l, base, register, t.start, t.len);
                            slot.write(register);
                        }
                    }
                }
            }
            self.fresh = false;
            for s in &p.stores {
                let to = self.at(s.locs[0]).add(t.start * s.size);
                if self.ahead {
                    fetch(to.wrapping_add(next * s.size), t.len * s.size);
                }
                let direct = !s.aliased && (!ragged || (aligned && t.start + t.len == p.count()));
                let slot = self.table.add(s.slot as usize);
                slot.write(if direct { to } else { *self.table.add(s.register as usize) });
            }
            let mut done = 0;
            for f in &p.folds {
                self.code(done, f.after, t.len);
                done = f.after;
                self.fold(f, t);
            }
            self.code(done, p.code.len(), t.len);
            for s in &p.stores {
                let from = *self.table.add(s.slot as usize);
                let to = self.at(s.locs[0]).add(t.start * s.size);
                if from != to {
                    std::ptr::copy_nonoverlapping(from, to, t.len * s.size);
                }
            }
        }
    }

    /// Runs instructions.
    #[inline(always)]
    unsafe fn code(&self, from: usize, to: usize, n: usize) {
        for c in &self.p.code[from..to] {
            // SAFETY: the table's pointers are this tile's.
            unsafe {
                let [d, x, y, z] = c.at.map(|i| *self.table.add(i as usize));
                (c.f)(d, x, y, z, n);
            }
        }
    }

    /// Bytes from the base of an operand to a row.
    fn row_offset(&self, l: &Load, row: usize) -> isize {
        let dims = &self.p.dims;
        let (mut width, mut k) = (1, dims.len());
        while k > 0 && width < self.p.cols {
            k -= 1;
            width *= dims[k];
        }
        let mut row = row;
        let mut offset = 0isize;
        for (&n, &s) in dims[..k].iter().zip(&l.strides).rev() {
            offset += (row % n) as isize * s;
            row /= n;
        }
        offset
    }

    unsafe fn fold(&self, f: &FoldStore, t: &Tile) {
        let size = f.dtype.size();
        let (rows, cols) = (self.p.rows, self.p.cols);
        // SAFETY: block values have the room that `fold_scratch` gave them; the table's pointers are this tile's.
        unsafe {
            let from = *self.table.add(f.from as usize);
            let out = self.at(f.loc);
            let blocks = self.blocks.add(f.scratch);
            match f.reduction {
                Reduction::All => (f.block)(if self.p.count() <= BLOCK { out } else { blocks.add(t.start / BLOCK * size) }, from, t.len),
                Reduction::Trailing(_) if self.p.tiling == Tiling::Whole => {
                    for i in 0..t.len / cols {
                        (f.block)(out.add((t.row + i) * size), from.add(i * cols * size), cols);
                    }
                }
                Reduction::Trailing(_) => {
                    let per_row = cols.div_ceil(BLOCK);
                    let row = if self.p.tiling == Tiling::Blocks { t.row % BLOCK } else { 0 };
                    let to = if per_row == 1 { out.add(t.row * size) } else { blocks.add((row * per_row + t.col / BLOCK) * size) };
                    (f.block)(to, from, t.len);
                }
                Reduction::Leading(_) => {
                    let width = padded_cols(cols);
                    let (n, len) = if self.p.tiling == Tiling::Whole { (t.len / cols, cols) } else { (1, t.len) };
                    for i in 0..n {
                        let row = t.row + i;
                        let to = blocks.add((row / BLOCK * width + t.col) * size);
                        let from = from.add(i * cols * size);
                        if row.is_multiple_of(BLOCK) {
                            std::ptr::copy_nonoverlapping(from, to, len * size);
                        } else {
                            (f.accumulate)(to, from, len);
                        }
                    }
                }
            }
            debug_assert!(t.row < rows.max(1));
        }
    }

    /// Ends a row of a reduction over trailing axes.
    unsafe fn end_row(&self, f: &FoldStore, row: usize, kept: usize) {
        let per_row = self.p.cols.div_ceil(BLOCK);
        if !matches!(f.reduction, Reduction::Trailing(_)) || per_row == 1 {
            return;
        }
        let size = f.dtype.size();
        // SAFETY: as in `fold`.
        unsafe {
            let values = self.blocks.add(f.scratch + kept * per_row * size);
            (f.pairwise)(values, per_row, 1);
            std::ptr::copy_nonoverlapping(values, self.at(f.loc).add(row * size), size);
        }
    }

    /// Ends a reduction over leading or all axes.
    unsafe fn end(&self, f: &FoldStore) {
        let size = f.dtype.size();
        // SAFETY: as in `fold`.
        unsafe {
            let blocks = self.blocks.add(f.scratch);
            match f.reduction {
                Reduction::All if self.p.count() > BLOCK => {
                    (f.pairwise)(blocks, self.p.count().div_ceil(BLOCK), 1);
                    std::ptr::copy_nonoverlapping(blocks, self.at(f.loc), size);
                }
                Reduction::Leading(_) => {
                    (f.pairwise)(blocks, self.p.rows.div_ceil(BLOCK), padded_cols(self.p.cols));
                    std::ptr::copy_nonoverlapping(blocks, self.at(f.loc), self.p.cols * size);
                }
                _ => {}
            }
        }
    }
}

/// Copies `n` elements of an operand, from place `start` of the space on, into a register.
unsafe fn gather(dims: &Dims, l: &Load, base: *const u8, to: *mut u8, start: usize, n: usize) {
    // SAFETY: the strides stay inside the operand.
    unsafe {
        match l.size {
            1 => gather_as::<u8>(dims, l, base, to.cast(), start, n),
            4 => gather_as::<u32>(dims, l, base, to.cast(), start, n),
            _ => gather_as::<u64>(dims, l, base, to.cast(), start, n),
        }
    }
}

unsafe fn gather_as<T: Copy>(dims: &Dims, l: &Load, base: *const u8, to: *mut T, start: usize, n: usize) {
    let Some((&inner, outer)) = dims.split_last() else { return };
    let step = l.strides.last().copied().unwrap_or(0);
    let mut index: Dims = Dims::from_elem(0, outer.len());
    let mut rest = start / inner;
    let mut offset = 0isize;
    for k in (0..outer.len()).rev() {
        index[k] = rest % outer[k];
        rest /= outer[k];
        offset += index[k] as isize * l.strides[k];
    }
    let mut col = start % inner;
    let mut done = 0;
    while done < n {
        let run = (inner - col).min(n - done);
        // SAFETY: inside the operand, and inside the register.
        unsafe {
            let from = base.offset(offset + col as isize * step);
            let to = to.add(done);
            if step == size_of::<T>() as isize {
                std::ptr::copy_nonoverlapping(from.cast::<T>(), to, run);
            } else if step == 0 {
                std::slice::from_raw_parts_mut(to, run).fill(from.cast::<T>().read());
            } else {
                for i in 0..run {
                    to.add(i).write(from.offset(i as isize * step).cast::<T>().read());
                }
            }
        }
        done += run;
        col = 0;
        for k in (0..outer.len()).rev() {
            index[k] += 1;
            offset += l.strides[k];
            if index[k] < outer[k] {
                break;
            }
            offset -= l.strides[k] * outer[k] as isize;
            index[k] = 0;
        }
    }
}
