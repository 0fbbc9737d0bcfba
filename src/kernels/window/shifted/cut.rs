//! How the places of a part are cut into vectors.

/// A vector of places: where the first stands in a copy of images, and the first of its pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Start {
    pub at: usize,
    pub piece: usize,
}

/// Lanes of a vector that are places of one row, and where the results of these go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub from: u32,
    pub count: u32,
    pub out: usize,
}

/// Rows of places: how many, how long, and how far apart in the copy and in the results.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows {
    pub count: usize,
    pub length: usize,
    pub pitch: usize,
    pub out: usize,
}

impl Rows {
    /// Vectors of so many lanes: row by row, or through all rows, with what lies between them, where these are fewer.
    pub fn vectors(&self, lanes: usize) -> usize {
        self.apart(lanes).min(self.through(lanes))
    }
    fn apart(&self, lanes: usize) -> usize {
        self.count.saturating_mul(self.length.div_ceil(lanes))
    }
    fn through(&self, lanes: usize) -> usize {
        (self.count.saturating_sub(1).saturating_mul(self.pitch).saturating_add(self.length)).div_ceil(lanes)
    }

    /// Pieces of these vectors at most.
    pub fn pieces(&self, lanes: usize) -> usize {
        self.vectors(lanes).saturating_add(self.count)
    }

    /// Calls `f` with each vector, in order, and its pieces, counted on.
    pub fn each(&self, lanes: usize, mut vector: impl FnMut(Start), mut piece: impl FnMut(Piece)) {
        let apart = self.apart(lanes) <= self.through(lanes);
        let (mut row, mut column, mut pieces) = (0, 0, 0);
        // A vector begins at a column of a row, or behind it.
        while row < self.count && !(row + 1 == self.count && column >= self.length) {
            vector(Start { at: row * self.pitch + column, piece: pieces });
            let (mut lane, mut r, mut c) = (0, row, column);
            while lane < lanes && r < self.count {
                if c < self.length {
                    let count = (self.length - c).min(lanes - lane);
                    piece(Piece { from: lane as u32, count: count as u32, out: r * self.out + c });
                    pieces += 1;
                }
                if apart {
                    break;
                }
                lane += self.pitch - c;
                (r, c) = (r + 1, 0);
            }
            column += lanes;
            if apart && column >= self.length {
                (row, column) = (row + 1, 0);
            }
            while !apart && column >= self.pitch {
                (row, column) = (row + 1, column - self.pitch);
            }
        }
        vector(Start { at: 0, piece: pieces });
    }
}
