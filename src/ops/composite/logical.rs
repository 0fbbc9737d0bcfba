//! Reductions of truth values, and what counts or compares elements over axes.

use crate::graph::attr::Axes;
use crate::graph::op::{Domain, OpDef};
use crate::ops::reduce::{axis_bad, filled, fold_cases, masked_cases, peak, reduce_max, reduce_min, reduce_sum, valley};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&ANY, &ALL, &COUNT_NONZERO, &AMINMAX, &PTP];

row! {
    /// Whether an element over `axis` (all axes by default) is true; numbers count as true where they are not 0, NaN too. False over
    /// nothing. With `where`, only those elements count where it is true.
    ///
    /// Gradient: none.
    pub ANY = fn any(x: mask, r#where: mask = None; axis: Axes = Axes(None), keepdims: bool = false) -> y
    body { peak(filled(x, r#where, false), axis, keepdims) }
    numpy "np.any(x, axis=axis, keepdims=keepdims, where=where)";
    example "T.any([[0.0, 2.0], [0.0, 0.0]], axis=1)" => "[ True False]";
    method any;
    signature "x, axis, keepdims, where";
    rust short;
    exempt First, Second: "it has no floating result";
    cases {
        let mut all = fold_cases(Domain::Bool);
        all.extend(fold_cases(Domain::Real));
        all.extend(masked_cases(Domain::Bool, &[]));
        all
    };
    bad axis_bad("any");
}
row! {
    /// Whether all elements over `axis` (all axes by default) are true; numbers count as true where they are not 0, NaN too. True over
    /// nothing. With `where`, only those elements count where it is true.
    ///
    /// Gradient: none.
    pub ALL = fn all(x: mask, r#where: mask = None; axis: Axes = Axes(None), keepdims: bool = false) -> y
    body { valley(filled(x, r#where, true), axis, keepdims) }
    numpy "np.all(x, axis=axis, keepdims=keepdims, where=where)";
    example "T.all([[1.0, 2.0], [0.0, 3.0]], axis=1)" => "[ True False]";
    method all;
    signature "x, axis, keepdims, where";
    rust short;
    exempt First, Second: "it has no floating result";
    cases {
        let mut all = fold_cases(Domain::Bool);
        all.extend(fold_cases(Domain::Real));
        all.extend(masked_cases(Domain::Bool, &[]));
        all
    };
    bad axis_bad("all");
}
row! {
    /// The number of elements over `axis` (all axes by default) that are not 0, as `int64`; NaN is not 0.
    ///
    /// Gradient: none.
    pub COUNT_NONZERO = fn count_nonzero(x: mask; axis: Axes = Axes(None), keepdims: bool = false) -> n
    body { reduce_sum(x, axis, keepdims) }
    numpy "np.count_nonzero(x, axis=axis, keepdims=keepdims)";
    example "T.count_nonzero([[0.0, 2.0, np.nan], [0.0, 0.0, -1.0]], axis=1)" => "[2 1]";
    exempt First, Second: "it has no floating result";
    cases {
        let mut all = fold_cases(Domain::Bool);
        all.extend(fold_cases(Domain::Real));
        all
    };
    bad axis_bad("count_nonzero");
}
row! {
    /// The smallest and the largest element over `axis` (all axes by default); NaN if one is NaN.
    ///
    /// Gradient: to the smallest and to the largest elements; ties share it equally.
    pub AMINMAX = fn aminmax(x: any; axis: Axes = Axes(None), keepdims: bool = false) -> min, max
    body { (reduce_min(x, axis.clone(), keepdims), reduce_max(x, axis, keepdims)) }
    numpy "(np.min(x, axis=axis, keepdims=keepdims), np.max(x, axis=axis, keepdims=keepdims))";
    example "T.aminmax([[3.0, 1.0], [5.0, 9.0]], axis=1)" => "[1. 5.] [3. 9.]";
    cases fold_cases(Domain::Distinct);
    bad axis_bad("aminmax");
}
row! {
    /// The largest element over `axis` (all axes by default) less the smallest.
    ///
    /// Gradient: to the largest and the smallest elements; ties share it equally.
    pub PTP = fn ptp(x: any; axis: Axes = Axes(None), keepdims: bool = false) -> y
    body { reduce_max(x, axis.clone(), keepdims) - reduce_min(x, axis, keepdims) }
    numpy "np.ptp(x, axis=axis, keepdims=keepdims)";
    example "T.ptp([[3.0, 1.0], [5.0, 9.0]], axis=1)" => "[2. 4.]";
    cases fold_cases(Domain::Distinct);
    bad axis_bad("ptp");
}
