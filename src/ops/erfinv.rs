//! The inverse of the error function.

use crate::graph::op::{Cotangent, Kernel, OpDef};
use crate::ops::samples;
use crate::ops::shapes;

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&ERFINV, &ERFINV_SLOPE];

row! {
    /// Inverse of the error function, within 3 ulp; infinite at -1 and 1, NaN beyond.
    ///
    /// Gradient: `g * sqrt(pi) / 2 * exp(y * y)`, within 8 ulp also close to -1 and 1.
    pub ERFINV = fn erfinv(x: float) -> y
    formula { erfinv(x) }
    vjp(g) { x: g * erfinv_slope(x, y) }
    derivative singular;
    numpy "scipy.special.erfinv(x)";
    example "T.erfinv([0.0, 0.5, -1.0, 2.0])" => "[0.         0.47693628       -inf        nan]";
    samples inner;
}
row! {
    /// `sqrt(pi) / 2 * exp(y * y)`, where `y` is `erfinv(x)`.
    ///
    /// Gradient: `2 * g * y * slope**2`, to `x`.
    pub(crate) ERFINV_SLOPE = fn erfinv_slope(x: float, y: float) -> slope
    shape(c) shapes::elementwise(c);
    kernel Kernel::Tile(crate::formula!(float full |x, y| erfinv_slope(x, y)));
    support Elementwise(singular);
    vjp(g) { x: g * (y * slope * slope * 2.0), y: Cotangent::Zero }
    batch Elementwise;
    numpy "np.sqrt(np.pi) / 2 * np.exp(y * y)";
    exempt Types, Unknown, First, Second, Narrow, Layouts, Fused, Batched: "its operands belong together: the functions that they serve test it";
    bad samples::binary_bad("erfinv_slope");
}
