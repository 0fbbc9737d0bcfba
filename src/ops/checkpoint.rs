//! Marks: what is said of a value for gradients that read it. None computes anything.

use smallvec::smallvec;

use crate::error::{Error, ErrorKind};
use crate::graph::attr::{Attr, Text};
use crate::graph::checkpoint::Mark;
use crate::graph::op::{Kernel, OpDef};

/// The rows of this family.
pub(in crate::ops) static ROWS: &[&OpDef] = &[&CHECKPOINT, &ADAPTIVE_CHECKPOINT, &CHECKPOINT_NAME, &CHECKPOINT_RETURN];

row! {
    /// `x` itself, which is not kept for gradients: whatever of them reads it reads what is computed again, as late as that
    /// allows, from values that are there. The numbers are the same, bit for bit. What calls users' code is not computed again.
    ///
    /// A request that reaches `x` by the mark computes it again for all of its gradients; one that does not keeps it.
    ///
    /// Gradient: `g`.
    pub CHECKPOINT = fn checkpoint(x: any) -> y
    shape(c) Ok(smallvec![x.clone()]);
    kernel Kernel::Mark(|_| Mark::Recompute);
    support Moved;
    vjp(g) { x: g }
    batch Elementwise;
    numpy "x";
    example "x = T.constant(0.0)"; "T.grad([T.checkpoint(T.exp(x)) * x], [x])[0]" => "1.0";
    case real[2, 3];
}
row! {
    /// `x` itself, which is computed again for gradients, as by `checkpoint`, if it has more than `bytes` bytes. That is decided
    /// when a plan is made, and all lengths are known.
    ///
    /// Gradient: `g`.
    pub ADAPTIVE_CHECKPOINT = fn adaptive_checkpoint(x: any; bytes: i64) -> y
    shape(c) {
        if bytes < 0 {
            return Err(Error::new(ErrorKind::Value, c.op, "a number of bytes is negative", bytes, "bytes >= 0"));
        }
        Ok(smallvec![x.clone()])
    };
    kernel Kernel::Mark(|attrs| Mark::Above(if let Some(Attr::Int(n)) = attrs.first() { *n } else { 0 }));
    support Moved;
    vjp(g) { x: g }
    batch Elementwise;
    numpy "x";
    example "x = T.constant([3.0, 4.0])"; "T.adaptive_checkpoint(x, 1_000_000)" => "[3. 4.]";
    case real[2, 3] with bytes = 8;
    refuses f64[2] with bytes = -1 => "adaptive_checkpoint: a number of bytes is negative. Got -1; expected bytes >= 0.";
}
row! {
    /// `x` itself, under a name: policies keep values by their names.
    ///
    /// Gradient: `g`.
    pub CHECKPOINT_NAME = fn checkpoint_name(x: any; name: Text) -> y
    shape(c) {
        if name.0.is_empty() {
            return Err(Error::new(ErrorKind::Value, c.op, "the name is empty", "\"\"", "at least one character"));
        }
        Ok(smallvec![x.clone()])
    };
    kernel Kernel::Mark(|attrs| Mark::Named(if let Some(Attr::Text(t)) = attrs.first() { t.as_ref().into() } else { "".into() }));
    support Moved;
    vjp(g) { x: g }
    batch Elementwise;
    numpy "x";
    example "x = T.constant([3.0, 4.0])"; "T.checkpoint_name(x, \"hidden\")" => "[3. 4.]";
    case real[2, 3] with name = "h";
}
row! {
    /// `x` itself, as a checkpointed function returns it: kept for gradients, while what is inside is computed again.
    ///
    /// Gradient: `g`.
    pub(crate) CHECKPOINT_RETURN = fn checkpoint_return(x: any) -> y
    shape(c) Ok(smallvec![x.clone()]);
    kernel Kernel::Mark(|_| Mark::Returned);
    support Moved;
    vjp(g) { x: g }
    batch Elementwise;
    numpy "x";
    by hand;
    case real[2, 3];
}
