//! Cholesky's factorisation.

use super::lanes::{Number, V, less};
use super::{Job, Room, Rows, SIDE, Small, Source, Target, rows};

/// Replaces lower triangles by their factors. Gives the order of the first leading minor that is not positive, as a number, or 0.
#[inline(always)]
fn factor<T: Number, const L: usize, const F: bool>(a: &mut [V<T, L, F>], n: usize) -> V<T, L, F> {
    let mut fault = V::zero();
    for j in 0..n {
        let (head, tail) = a.split_at_mut((j + 1) * n);
        let top = &mut head[j * n..];
        let d = less(top[j], &top[..j], &top[..j]);
        let positive = d.above(V::zero());
        let first = !positive & fault.equals(V::zero());
        fault = first.choose(V::index(j + 1), fault);
        let root = positive.choose(d, V::one()).sqrt();
        let inverse = V::one() / root;
        top[j] = root;
        for i in 0..n - j - 1 {
            let row = &mut tail[i * n..i * n + n];
            row[j] = less(row[j], &row[..j], &top[..j]) * inverse;
        }
    }
    fault
}

/// Factors of a group, written to `to` with zeros above the diagonal. Gives for each matrix the order of the first leading minor that is
/// not positive, or 0.
pub struct Cholesky<T> {
    pub a: Source<T>,
    pub to: Target<T>,
}

impl<T: Small> Job<T> for Cholesky<T> {
    type Output = Rows;
    #[inline(always)]
    fn run<const L: usize, const F: bool>(self) -> Rows {
        let n = self.a.n;
        let mut room = Room::<T, L, F, { SIDE * SIDE }>::new();
        let [a] = room.lists([n * n]);
        self.a.lower(a);
        let fault = factor(a, n);
        // Above the diagonal are the zeros of the room.
        self.to.all(a);
        rows(fault)
    }
}
