//! Instructions, as data.

use crate::dtype::DType;
use crate::graph::op::{Body, Kernel, OpDef};
use crate::kernels::isa::Isa;
use crate::kernels::tile::{self, Forms};

/// What an instruction does.
#[derive(Clone, Copy)]
pub enum Kind {
    /// What an elementwise row computes.
    Row(&'static OpDef),
    /// Repeats a single value.
    Fill,
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl Kind {
    /// The name that `explain` shows.
    pub fn name(&self) -> &'static str {
        match self {
            Kind::Row(def) => def.name,
            Kind::Fill => "fill",
        }
    }

    /// The kernels of an instruction set, by which operands are single; `None` if it has none for these dtypes. Which forms
    /// there are does not depend on the instruction set.
    pub fn forms(&self, isa: Isa, from: DType, to: DType) -> Option<Forms> {
        let first = |f| {
            let mut forms = [None; 8];
            forms[0] = Some(f);
            Some(Forms(forms))
        };
        let def = match self {
            Kind::Row(def) => def,
            Kind::Fill => {
                let mut forms = [None; 8];
                forms[1] = Some(tile::fill(to));
                return Some(Forms(forms));
            }
        };
        let Body::Primitive(p) = &def.body else { return None };
        match &p.kernel {
            Kernel::Tile(t) => (t.forms)(isa, from),
            Kernel::Select => Some(tile::select(isa, to)),
            Kernel::Cast => first(tile::cast(isa, from, to)),
            _ => None,
        }
    }
}

/// An instruction: what it does, with operands in the table of pointers. A machine makes a call of a kernel of it.
#[derive(Clone, Copy, Debug)]
pub struct Code {
    /// What it does.
    pub kind: Kind,
    /// The dtype of its last operand.
    pub from: DType,
    /// The dtype of its result.
    pub to: DType,
    /// Bit mask of the operands that are a single value.
    pub single: u8,
    /// Destination and operands.
    pub at: [u16; 4],
}
