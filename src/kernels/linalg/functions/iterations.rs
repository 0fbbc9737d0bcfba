//! Square roots, logarithms and signs.

use super::super::Fault;
use super::super::dense::{Operand, Room, add, add_diagonal, distance, product};
use super::super::quasi::{self, NoRoot, blocks, sylvester};
use super::ring::{Ring, subsets};

/// The numbers that the functions of this file need.
pub fn room(ring: Ring) -> usize {
    4 * ring.len() + 3 * ring.n * ring.n
}

/// Square roots that are taken at most before a logarithm is computed.
const ROOTS: usize = 200;

/// The norm of `x - 1` up to which the approximant of the logarithm is good to rounding, with derivatives.
const BOUND: f64 = 0.25;

/// Places and weights on 0 .. 1 of Gauss's rule for 9 points: the diagonal Padé approximant of `log(1 + x)` of that degree is the sum of
/// `weight x / (1 + place x)`.
const RULE: [[f64; 2]; 9] = [
    [0.015919880246186954, 0.040637194180787206],
    [0.0819844463366821, 0.0903240803474287],
    [0.1933142836497048, 0.13030534820146772],
    [0.33787328829809554, 0.15617353852000143],
    [0.5, 0.1651196775006299],
    [0.6621267117019045, 0.15617353852000143],
    [0.8066857163502952, 0.13030534820146772],
    [0.9180155536633179, 0.0903240803474287],
    [0.984080119753813, 0.040637194180787206],
];

/// Iterations of Newton's method for the sign.
const STEPS: usize = 100;

/// What rounding leaves of an eigenvalue of zero.
fn noise(ring: Ring, t: &[f64]) -> f64 {
    ring.n as f64 * f64::EPSILON * t[..ring.n * ring.n].iter().fold(0.0f64, |m, x| m.max(x.abs()))
}

/// The principal square root of an element whose matrix is quasi-triangular, in place.
pub fn square_root(ring: Ring, x: &mut [f64], room: &mut Room<'_>) -> Result<(), Fault> {
    let mut room = room.rest();
    let (u, spare) = (room.take(ring.len()), room.take(ring.n * ring.n));
    let noise = noise(ring, x);
    root(ring, x, u, spare, noise).map_err(|fault| {
        let what = if let NoDerivative::Root(NoRoot::Negative(x)) = fault {
            return Fault::new("there is no real square root", format_args!("an eigenvalue of {x:e}"), "no negative real eigenvalue");
        } else if let NoDerivative::Root(_) = fault {
            "there is no square root"
        } else {
            "the square root has no derivative"
        };
        Fault::new(what, "an eigenvalue of 0", "an invertible matrix")
    })?;
    x.copy_from_slice(u);
    Ok(())
}

/// Why there is no square root of an element.
enum NoDerivative {
    Root(NoRoot),
    Zero,
}

/// The square root `u` of an element whose matrix is quasi-triangular: `u_0 u_s + u_s u_0 = x_s - ..` for its other parts.
fn root(ring: Ring, x: &[f64], u: &mut [f64], spare: &mut [f64], noise: f64) -> Result<(), NoDerivative> {
    let n = ring.n;
    quasi::square_root(n, ring.part(x, 0), ring.part_mut(u, 0), noise).map_err(NoDerivative::Root)?;
    for s in 1..1 << ring.k {
        spare.fill(0.0);
        for r in subsets(s).filter(|&r| r != s && r != 0) {
            product([n; 3], Operand(ring.part(u, r), false), Operand(ring.part(u, s ^ r), false), spare, true);
        }
        spare.iter_mut().zip(ring.part(x, s)).for_each(|(y, x)| *y = x - *y);
        let (known, own) = u.split_at_mut(s * n * n);
        sylvester([n; 2], &known[..n * n], &known[..n * n], spare, 0.0).map_err(|_| NoDerivative::Zero)?;
        own[..n * n].copy_from_slice(spare);
    }
    Ok(())
}

/// The principal logarithm of an element whose matrix is quasi-triangular, in place: inverse scaling and squaring (S. H. Cheng, N. J.
/// Higham, C. S. Kenney, A. J. Laub 2001), with the partial fractions of the approximant.
pub fn logarithm(ring: Ring, x: &mut [f64], room: &mut Room<'_>) -> Result<(), Fault> {
    let (n, len) = (ring.n, ring.len());
    let mut room = room.rest();
    let (u, m, y, sum) = (room.take(len), room.take(len), room.take(len), room.take(len));
    let two = room.take(2 * n * n);
    let bad = blocks(n, ring.part(x, 0)).find(|&(i, q)| q == 1 && x[i * n + i] <= 0.0);
    if let Some((i, _)) = bad {
        let got = format_args!("an eigenvalue of {:e}", x[i * n + i]);
        return Err(Fault::new("there is no real logarithm", got, "no real eigenvalue that is 0 or negative"));
    }
    let mut roots = 0;
    while distance(n, x) > BOUND {
        if roots == ROOTS {
            return Err(Fault::no_convergence());
        }
        root(ring, x, u, &mut two[..n * n], 0.0).map_err(|_| Fault::no_convergence())?;
        x.copy_from_slice(u);
        roots += 1;
    }
    add_diagonal(n, x, -1.0);
    sum.fill(0.0);
    for [place, weight] in RULE {
        m.copy_from_slice(x);
        m.iter_mut().for_each(|m| *m *= place);
        add_diagonal(n, m, 1.0);
        y.copy_from_slice(x);
        ring.solve(m, y, two, &mut room).map_err(|_| Fault::no_convergence())?;
        add(sum, weight, y);
    }
    let scale = f64::from(roots as u32).exp2();
    x.iter_mut().zip(&*sum).for_each(|(x, y)| *x = scale * y);
    Ok(())
}

/// The sign of an element in place, by Newton's iteration `x <- (x + x^-1) / 2`, scaled by norms as long as it is far from its end
/// (N. J. Higham: Functions of Matrices, 2008, section 5.5).
pub fn sign(ring: Ring, x: &mut [f64], room: &mut Room<'_>) -> Result<(), Fault> {
    let (n, len) = (ring.n, ring.len());
    let fault = || Fault::new("the sign is not defined", "an eigenvalue on the imaginary axis", "no eigenvalue whose real part is 0");
    let mut room = room.rest();
    let (y, two) = (room.take(len), room.take(2 * n * n));
    if n == 0 {
        return Ok(());
    }
    // Derivatives are one step behind for each direction.
    let mut left = None;
    for _ in 0..STEPS {
        y.fill(0.0);
        add_diagonal(n, y, 1.0);
        ring.solve(x, y, two, &mut room).map_err(|_| fault())?;
        let (size, inverse) = (ring.norm(x), ring.norm(y));
        if size * inverse * f64::EPSILON >= 1.0 {
            return Err(fault());
        }
        let scale = if left.is_none() { (inverse / size).sqrt() } else { 1.0 };
        let mut change = 0.0f64;
        for (i, (x, y)) in x.iter_mut().zip(&*y).enumerate() {
            let new = 0.5 * (scale * *x + y / scale);
            if i < n * n {
                change = change.max((new - *x).abs());
            }
            *x = new;
        }
        if !ring.norm(x).is_finite() {
            return Err(fault());
        }
        left = match left {
            Some(0) => return Ok(()),
            Some(k) => Some(k - 1),
            None if change <= 1e-2 * ring.norm(x) => Some(3 + ring.k),
            None => None,
        };
    }
    Err(fault())
}
