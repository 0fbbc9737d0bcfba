//! Sylvester's equation and square roots for quasi-triangular matrices: upper triangles with blocks of two rows, as Schur forms have.
//!
//! R. H. Bartels, G. W. Stewart: Solution of the matrix equation AX + XB = C (1972). N. J. Higham: Computing real square roots of a real
//! matrix (1987).

/// Quasi-triangular operators that have no inverse.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Singular {
    /// The first row of the left matrix's block.
    pub row: usize,
    /// The first row of the right matrix's block.
    pub column: usize,
}

/// The first row and the length of each block on the diagonal.
pub fn blocks(n: usize, t: &[f64]) -> impl DoubleEndedIterator<Item = (usize, usize)> + Clone + '_ {
    let starts = move |i: usize| i == 0 || t[i * n + i - 1] == 0.0;
    (0..n).filter(move |&i| starts(i)).map(move |i| (i, if i + 1 < n && !starts(i + 1) { 2 } else { 1 }))
}

/// Solves `r x + x s = f` in place of `f` (`m x n`, row by row) for quasi-triangular `r` and `s`. Pivots up to `tiny` count as zero.
pub fn sylvester([m, n]: [usize; 2], r: &[f64], s: &[f64], f: &mut [f64], tiny: f64) -> Result<(), Singular> {
    for (j, q) in blocks(n, s) {
        // What the columns in front of these contribute.
        for row in f.chunks_exact_mut(n) {
            let (known, own) = row.split_at_mut(j);
            for (k, x) in known.iter().enumerate() {
                (0..q).for_each(|c| own[c] -= x * s[k * n + j + c]);
            }
        }
        for (i, p) in blocks(m, r).rev() {
            let mut right = [0.0; 4];
            for a in 0..p {
                for c in 0..q {
                    let known: f64 = (i + p..m).map(|k| r[(i + a) * m + k] * f[k * n + j + c]).sum();
                    right[a * q + c] = f[(i + a) * n + j + c] - known;
                }
            }
            let x = coupled(|a, b| r[(i + a) * m + i + b], p, |a, b| s[(j + a) * n + j + b], q, right, tiny);
            let Some(x) = x else { return Err(Singular { row: i, column: j }) };
            for a in 0..p {
                (0..q).for_each(|c| f[(i + a) * n + j + c] = x[a * q + c]);
            }
        }
    }
    Ok(())
}

/// Solves `r x + x s = f` for blocks of `p` and `q` rows; `x` and `f` are row by row. A pivot of zero, or up to `tiny`, is a failure.
pub fn coupled(
    r: impl Fn(usize, usize) -> f64,
    p: usize,
    s: impl Fn(usize, usize) -> f64,
    q: usize,
    mut f: [f64; 4],
    tiny: f64,
) -> Option<[f64; 4]> {
    let n = p * q;
    let mut a = [[0.0; 4]; 4];
    for i in 0..p {
        for j in 0..q {
            (0..p).for_each(|k| a[i * q + j][k * q + j] += r(i, k));
            (0..q).for_each(|k| a[i * q + j][i * q + k] += s(k, j));
        }
    }
    // Elimination with the largest element as pivot.
    let mut order = [0, 1, 2, 3];
    for k in 0..n {
        let mut best = (k, k);
        for i in k..n {
            for j in k..n {
                if a[i][j].abs() > a[best.0][best.1].abs() {
                    best = (i, j);
                }
            }
        }
        a.swap(k, best.0);
        f.swap(k, best.0);
        a.iter_mut().for_each(|row| row.swap(k, best.1));
        order.swap(k, best.1);
        let pivot = a[k][k];
        if pivot.abs() <= tiny || pivot == 0.0 {
            return None;
        }
        for i in k + 1..n {
            let factor = a[i][k] / pivot;
            (k..n).for_each(|j| a[i][j] -= factor * a[k][j]);
            f[i] -= factor * f[k];
        }
    }
    let mut x = [0.0; 4];
    for k in (0..n).rev() {
        let known: f64 = (k + 1..n).map(|j| a[k][j] * x[order[j]]).sum();
        x[order[k]] = (f[k] - known) / a[k][k];
    }
    Some(x)
}

/// Why there is no real square root.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum NoRoot {
    /// A negative eigenvalue.
    Negative(f64),
    /// An eigenvalue of zero that belongs to a larger Jordan block.
    Defective,
}

/// The principal square root `u` of a quasi-triangular matrix. Eigenvalues of a magnitude up to `noise` that are negative count as zero.
pub fn square_root(n: usize, t: &[f64], u: &mut [f64], noise: f64) -> Result<(), NoRoot> {
    u.fill(0.0);
    for (j, q) in blocks(n, t) {
        diagonal(n, t, u, (j, q), noise)?;
        for (i, p) in blocks(n, t).rev().skip_while(|&(i, _)| i >= j) {
            let mut right = [0.0; 4];
            for a in 0..p {
                for c in 0..q {
                    let known: f64 = (i + p..j).map(|k| u[(i + a) * n + k] * u[k * n + j + c]).sum();
                    right[a * q + c] = t[(i + a) * n + j + c] - known;
                }
            }
            let x = coupled(|a, b| u[(i + a) * n + i + b], p, |a, b| u[(j + a) * n + j + b], q, right, 0.0);
            let x = match x {
                Some(x) => x,
                // Two zero eigenvalues: a right side of zero has the root of a semisimple one.
                None if right.iter().all(|x| x.abs() <= noise) => [0.0; 4],
                None => return Err(NoRoot::Defective),
            };
            for a in 0..p {
                (0..q).for_each(|c| u[(i + a) * n + j + c] = x[a * q + c]);
            }
        }
    }
    Ok(())
}

/// The square root of a block on the diagonal.
fn diagonal(n: usize, t: &[f64], u: &mut [f64], (j, q): (usize, usize), noise: f64) -> Result<(), NoRoot> {
    let d = t[j * n + j];
    if q == 1 {
        if d < -noise {
            return Err(NoRoot::Negative(d));
        }
        u[j * n + j] = d.max(0.0).sqrt();
        return Ok(());
    }
    // Eigenvalues mean +- i mu, whose root is alpha +- i beta.
    let (b, c, e) = (t[j * n + j + 1], t[(j + 1) * n + j], t[(j + 1) * n + j + 1]);
    let (mean, half) = (0.5 * (d + e), 0.5 * (d - e));
    let mu = (-(half * half + b * c)).max(0.0).sqrt();
    let size = mean.hypot(mu);
    let alpha = if mean >= 0.0 { (0.5 * (size + mean)).sqrt() } else { mu / (2.0 * (size - mean)).sqrt() };
    let k = 0.5 / alpha;
    (u[j * n + j], u[j * n + j + 1]) = (alpha + k * half, k * b);
    (u[(j + 1) * n + j], u[(j + 1) * n + j + 1]) = (k * c, alpha - k * half);
    Ok(())
}
