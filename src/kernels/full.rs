//! Kernels of formulas that are compiled for full operands alone: a heavy one costs more to compile in every form than it costs to
//! copy a single operand into a register, once a program.

use super::isa::Isa;
use super::tile::{Both, Forms, kernel};

/// The one form of a function of up to three operands.
fn full<F: Both<A, B, C, D>, A: Copy, B: Copy, C: Copy, D>(isa: Isa) -> Forms {
    let mut forms = [None; 8];
    forms[0] = Some(kernel::<F, A, B, C, D, 0>(isa));
    Forms(forms)
}

/// The form of a function of two operands.
pub fn binary<F: Both<A, B, (), D>, A: Copy, B: Copy, D>(isa: Isa) -> Forms {
    full::<F, A, B, (), D>(isa)
}

/// The form of a function of three operands.
pub fn ternary<F: Both<A, B, C, D>, A: Copy, B: Copy, C: Copy, D>(isa: Isa) -> Forms {
    full::<F, A, B, C, D>(isa)
}
