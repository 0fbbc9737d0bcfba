//! Reductions that leave out NaN.

use crate::graph::Tensor;
use crate::graph::attr::Axes;
use crate::graph::op::{Domain, OpDef};
use crate::ops::compare::{equal, logical_and};
use crate::ops::composite::logical::any;
use crate::ops::masked::mean_where;
use crate::ops::reduce::{axis_bad, filled, fold_cases, masked_cases, reduce_max, reduce_mean, reduce_min, reduce_sum};
use crate::ops::select::select;

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&NANSUM, &NANMEAN, &NANMAX, &NANMIN];

/// Where `x` is a number that counts; `None` where all do.
fn present<'g>(x: Tensor<'g>, mask: Option<Tensor<'g>>) -> Option<Tensor<'g>> {
    match (x.dtype().is_float(), mask) {
        (true, Some(mask)) => Some(logical_and(equal(x, x), mask)),
        (true, None) => Some(equal(x, x)),
        (false, mask) => mask,
    }
}

row! {
    /// Sum of the elements over `axis` (all axes by default) that are not NaN: 0 where all are. With `where`, only those elements
    /// count where it is true.
    ///
    /// Gradient: `g` repeated over the axes; exactly 0 to NaN and where `where` is false.
    pub NANSUM = fn nansum(x: count, r#where: mask = None; axis: Axes = Axes(None), keepdims: bool = false) -> y
    body { reduce_sum(filled(x, present(x, r#where), 0), axis, keepdims) }
    numpy "np.nansum(x, axis=axis, keepdims=keepdims, where=where)";
    example "T.nansum([[1.0, np.nan], [2.0, 3.0]], axis=0)" => "[3. 3.]";
    signature "x, axis, keepdims, where";
    rust short;
    cases {
        let mut all = fold_cases(Domain::Real);
        all.extend(masked_cases(Domain::Real, &[]));
        all
    };
    bad axis_bad("nansum");
}
row! {
    /// Mean of the elements over `axis` (all axes by default) that are not NaN, in floating numbers: NaN where all are. With `where`,
    /// only those elements count where it is true.
    ///
    /// Gradient: `g / n` repeated over the axes, where `n` elements count; exactly 0 to NaN and where `where` is false.
    pub NANMEAN = fn nanmean(x: any, r#where: mask = None; axis: Axes = Axes(None), keepdims: bool = false) -> y
    body {
        match present(x, r#where) {
            Some(mask) => mean_where(x, mask, axis, keepdims),
            None => reduce_mean(x, axis, keepdims),
        }
    }
    numpy "np.nanmean(x, axis=axis, keepdims=keepdims, where=where)";
    example "T.nanmean([[1.0, np.nan], [2.0, 3.0]], axis=0)" => "[1.5 3. ]";
    signature "x, axis, keepdims, where";
    rust short;
    cases {
        let mut all = fold_cases(Domain::Real);
        all.extend(masked_cases(Domain::Real, &[]));
        all
    };
    bad axis_bad("nanmean");
}
row! {
    /// The largest element over `axis` (all axes by default) that is not NaN; NaN where all are.
    ///
    /// Gradient: to the largest elements; ties share it equally. It is exactly 0 to NaN.
    pub NANMAX = fn nanmax(x: any; axis: Axes = Axes(None), keepdims: bool = false) -> y
    body {
        match present(x, None) {
            Some(mask) => {
                let y = reduce_max(select(mask, x, f64::NEG_INFINITY), axis.clone(), keepdims);
                select(any(mask, axis, keepdims), y, f64::NAN)
            }
            None => reduce_max(x, axis, keepdims),
        }
    }
    numpy "np.nanmax(x, axis=axis, keepdims=keepdims)";
    example "T.nanmax([[1.0, np.nan], [2.0, 3.0]], axis=0)" => "[2. 3.]";
    cases fold_cases(Domain::Distinct);
    bad axis_bad("nanmax");
}
row! {
    /// The smallest element over `axis` (all axes by default) that is not NaN; NaN where all are.
    ///
    /// Gradient: to the smallest elements; ties share it equally. It is exactly 0 to NaN.
    pub NANMIN = fn nanmin(x: any; axis: Axes = Axes(None), keepdims: bool = false) -> y
    body {
        match present(x, None) {
            Some(mask) => {
                let y = reduce_min(select(mask, x, f64::INFINITY), axis.clone(), keepdims);
                select(any(mask, axis, keepdims), y, f64::NAN)
            }
            None => reduce_min(x, axis, keepdims),
        }
    }
    numpy "np.nanmin(x, axis=axis, keepdims=keepdims)";
    example "T.nanmin([[1.0, np.nan], [2.0, 3.0]], axis=0)" => "[1. 3.]";
    cases fold_cases(Domain::Distinct);
    bad axis_bad("nanmin");
}
