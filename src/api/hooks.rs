//! Hooks: functions that see a tensor's value whenever a run computes it.

use std::sync::Arc;

use crate::array::{Array, View};
use crate::error::Result;
use crate::graph::Tensor;
pub use crate::graph::user::Hook;
use crate::shape::Tuple;

/// Prints the value.
pub struct Show;
/// Prints a text and the value.
pub struct ShowPrefixed(pub String);
/// Prints the shape.
pub struct ShowShape;
/// Prints a text and the shape.
pub struct ShowPrefixedShape(pub String);
/// Prints a text.
pub struct Print(pub String);
/// Calls a function with the value.
pub struct Raw<F>(pub F);

fn line(text: std::fmt::Arguments<'_>) -> Result<()> {
    use std::io::Write;
    // A closed standard output is not the computation's mistake.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
    Ok(())
}

impl Hook for Show {
    fn call(&self, value: View<'_>) -> Result<()> {
        line(format_args!("{}", Array::copy_of(value)?))
    }
}
impl Hook for ShowPrefixed {
    fn call(&self, value: View<'_>) -> Result<()> {
        line(format_args!("{}\n{}", self.0, Array::copy_of(value)?))
    }
}
impl Hook for ShowShape {
    fn call(&self, value: View<'_>) -> Result<()> {
        line(format_args!("{}", Tuple(value.dims())))
    }
}
impl Hook for ShowPrefixedShape {
    fn call(&self, value: View<'_>) -> Result<()> {
        line(format_args!("{} {}", self.0, Tuple(value.dims())))
    }
}
impl Hook for Print {
    fn call(&self, _: View<'_>) -> Result<()> {
        line(format_args!("{}", self.0))
    }
}
impl<F: Fn(Array) + Send + Sync + 'static> Hook for Raw<F> {
    fn call(&self, value: View<'_>) -> Result<()> {
        (self.0)(Array::copy_of(value)?);
        Ok(())
    }
}

impl<'g> Tensor<'g> {
    /// This tensor, with a hook: use the returned tensor in place of this one. The gradient passes through.
    #[track_caller]
    pub fn register_hook(self, hook: impl Hook) -> Tensor<'g> {
        self.graph().insert_hook(Arc::new(hook), self.value())
    }
    /// This tensor; its value is printed whenever it is computed.
    #[track_caller]
    pub fn show(self) -> Tensor<'g> {
        self.register_hook(Show)
    }
    /// As [`Tensor::show`], after a text.
    #[track_caller]
    pub fn show_prefixed(self, prefix: &str) -> Tensor<'g> {
        self.register_hook(ShowPrefixed(prefix.to_owned()))
    }
    /// This tensor; its shape is printed whenever it is computed.
    #[track_caller]
    pub fn show_shape(self) -> Tensor<'g> {
        self.register_hook(ShowShape)
    }
    /// As [`Tensor::show_shape`], after a text.
    #[track_caller]
    pub fn show_prefixed_shape(self, prefix: &str) -> Tensor<'g> {
        self.register_hook(ShowPrefixedShape(prefix.to_owned()))
    }
    /// This tensor; a text is printed whenever it is computed.
    #[track_caller]
    pub fn print(self, text: &str) -> Tensor<'g> {
        self.register_hook(Print(text.to_owned()))
    }
    /// This tensor; `f` is called with its value whenever it is computed.
    #[track_caller]
    pub fn raw_hook(self, f: impl Fn(Array) + Send + Sync + 'static) -> Tensor<'g> {
        self.register_hook(Raw(f))
    }
}
