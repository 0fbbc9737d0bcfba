//! Inner parts that this repository's own tests and benchmarks look into. Nothing here is for users, and nothing is stable.
#![doc(hidden)]

pub use crate::api::binding::{Prepared, prepare};
pub use crate::array::block::{Block, take_peak, usage};
pub use crate::array::{View, ViewMut};
pub use crate::autodiff::batch::over;
pub use crate::check::fused::agree;
pub use crate::check::layout::{accepted, sizes};
pub use crate::check::matrix::{Check, examine};
pub use crate::check::program::{Derived, build, derive, placeholders};
pub use crate::check::replay::{replay, same_bits};
pub use crate::check::sample::Numbers;
pub use crate::check::sample::Sample;
pub use crate::error::Site;
pub use crate::exec::Watch;
pub use crate::exec::threads::Team;
use crate::formula;
pub use crate::graph::SITES;
pub use crate::graph::attr::{Attr, AttrKind, AttrType, Choice};
pub use crate::graph::op::{Body, Kernel, OpDef, ParamKind, Support};
pub use crate::kernels::fold::{self, Fold};
pub use crate::kernels::isa::{Isa, detected, isa};
pub use crate::kernels::ranges::{RANGE, Ranges, set_weight};
pub use crate::kernels::tile::{self, Elementwise, Instr};
pub use crate::ops::apply::{Arg, apply_in};
pub use crate::ops::control::NESTED;
pub use crate::ops::{FAMILIES, TABLE, find};
pub use crate::optimizers::updates;
pub use crate::plan::fuse::Reduction;
pub use crate::plan::program::{Code, FoldStore, Kind, Load, Loc, Program, Spread, Stage, Store};
pub use crate::plan::step::{PlacedArg, Work};
pub use crate::plan::{LIMIT, PLANS, STEP, Walk, cached, clear, compilations};
pub use crate::shape::Ty;

/// Functions that rows are made of, each alone: for tests of their accuracy and of their machine code.
pub static FORMULAS: [(&str, Elementwise); 31] = [
    ("exp", formula! { float |x| exp(x) }),
    ("expm1", formula! { float |x| expm1(x) }),
    ("log", formula! { float |x| log(x) }),
    ("log1p", formula! { float |x| log1p(x) }),
    ("tanh", formula! { float |x| tanh(x) }),
    ("sigmoid", formula! { float |x| sigmoid(x) }),
    ("softplus", formula! { float |x| softplus(x) }),
    ("erf", formula! { float |x| erf(x) }),
    ("erfc", formula! { float |x| erfc(x) }),
    ("ndtr", formula! { float |x| ndtr(x) }),
    ("exp2", formula! { float |x| exp2(x) }),
    ("log2", formula! { float |x| log2(x) }),
    ("log10", formula! { float |x| log10(x) }),
    ("cbrt", formula! { float |x| cbrt(x) }),
    ("sinc", formula! { float |x| sinc(x) }),
    ("gaussian", formula! { float |x| gaussian(x) }),
    ("normal_density", formula! { float |x| normal_density(x) }),
    ("decay", formula! { float |x| decay(x) }),
    ("sin", formula! { float |x| sin(x) }),
    ("cos", formula! { float |x| cos(x) }),
    ("pow", formula! { float full |a, b| pow(a, b) }),
    ("hypot", formula! { float full |a, b| hypot(a, b) }),
    ("logaddexp", formula! { float full |a, b| logaddexp(a, b) }),
    ("remainder", formula! { float division |a, b| remainder(a, b) }),
    ("floor", formula! { float |x| floor(x) }),
    ("rsqrt1", formula! { float |x| 1.0 / sqrt(abs(x) + 1.0) }),
    ("mul", formula! { number |a, b| a * b }),
    ("max", formula! { number |a, b| max(a, b) }),
    ("less", formula! { compare |a, b| lt(a, b) }),
    ("xor", formula! { mask |a, b| a ^ b }),
    ("clip", formula! { float |x, low, high| min(max(x, low), high) }),
];

/// The kernels of a function of [`FORMULAS`], or of a row that is a formula.
pub fn formula(name: &str) -> Option<&'static Elementwise> {
    let row = || match &find(name)?.body {
        Body::Primitive(p) => match &p.kernel {
            Kernel::Tile(e) => Some(e),
            _ => None,
        },
        Body::Composite(_) => None,
    };
    FORMULAS.iter().find(|(n, _)| *n == name).map(|(_, f)| f).or_else(row)
}
