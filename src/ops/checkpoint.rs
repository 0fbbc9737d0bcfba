//! Marks: what is said of a value for gradients that read it. None computes anything, or is a node.

use crate::error::{Error, ErrorKind, Result};
use crate::graph::Tensor;
use crate::graph::attr::Text;
use crate::graph::checkpoint::Mark;
use crate::graph::op::OpDef;

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&CHECKPOINT, &ADAPTIVE_CHECKPOINT, &CHECKPOINT_NAME];

fn marked(x: Tensor<'_>, mark: Mark) -> Tensor<'_> {
    x.graph().mark(x.value(), mark);
    x
}

row! {
    /// `x`, which is not kept for gradients: whatever of them reads it reads what is computed again, as late as that allows, from
    /// values that are there. The numbers are the same, bit for bit. What calls users' code is not computed again.
    ///
    /// It is the tensor `x` of which that is said, wherever it is used, and in all later requests.
    ///
    /// Gradient: `g`.
    pub CHECKPOINT = fn checkpoint(x: any) -> y
    body { marked(x, Mark::Recompute) }
    numpy "x";
    example "x = T.constant(3.0)"; "T.grad([T.checkpoint(T.exp(x)) * x], [x])[0]" => "80.34214769275066";
    case real[2, 3];
}
row! {
    /// `x`, which is computed again for gradients, as by `checkpoint`, if it has more than `bytes` bytes. That is decided when a
    /// plan is made, and all lengths are known.
    ///
    /// Gradient: `g`.
    pub ADAPTIVE_CHECKPOINT = fn adaptive_checkpoint(x: any; bytes: i64) -> y
    body {
        at_least("adaptive_checkpoint", bytes)?;
        marked(x, Mark::Above(bytes))
    }
    numpy "x";
    example "x = T.constant([3.0, 4.0])"; "T.adaptive_checkpoint(x, 1_000_000)" => "[3. 4.]";
    case real[2, 3] with bytes = 8;
    refuses f64[2] with bytes = -1 => "adaptive_checkpoint: a number of bytes is negative. Got -1; expected bytes >= 0.";
}
row! {
    /// `x`, under a name: policies keep values by their names.
    ///
    /// Gradient: `g`.
    pub CHECKPOINT_NAME = fn checkpoint_name(x: any; name: Text) -> y
    body {
        if name.0.is_empty() {
            return Err(Error::new(ErrorKind::Value, "checkpoint_name", "the name is empty", "\"\"", "at least one character"));
        }
        marked(x, Mark::Named(name.0.as_ref().into()))
    }
    numpy "x";
    example "x = T.constant([3.0, 4.0])"; "T.checkpoint_name(x, \"hidden\")" => "[3. 4.]";
    case real[2, 3] with name = "h";
}

fn at_least(op: &str, bytes: i64) -> Result<()> {
    if bytes < 0 {
        return Err(Error::new(ErrorKind::Value, op, "a number of bytes is negative", bytes, "bytes >= 0"));
    }
    Ok(())
}
