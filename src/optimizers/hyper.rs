//! Hyperparameters: numbers that a step reads when it runs.

use crate::error::{Error, ErrorKind, Result};
use crate::graph::{Setting, Tensor};

/// What a hyperparameter may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Range {
    /// A finite number, 0 or more.
    Size,
    /// From 0 to 1, without 1: a part that is kept at each step.
    Part,
    /// A finite number, 0 or more. A step has the term that it weighs only where it is not 0.
    Term,
    /// Nothing but 0: the optimizer was made without the state that it needs.
    Off,
}

impl Range {
    fn holds(self, x: f64) -> bool {
        match self {
            Range::Size | Range::Term => x >= 0.0 && x.is_finite(),
            Range::Part => (0.0..1.0).contains(&x),
            Range::Off => x == 0.0,
        }
    }
    fn rule(self) -> &'static str {
        match self {
            Range::Size | Range::Term => "a finite number >= 0",
            Range::Part => "a number >= 0 and < 1",
            Range::Off => "0, as the optimizer was made without it",
        }
    }
}

#[derive(Debug)]
struct Hyperparameter {
    name: &'static str,
    range: Range,
    value: Setting,
    /// `1 - value`, rounded from its exact value and not from that of `value` in a narrower dtype.
    rest: Setting,
}

/// The hyperparameters of an optimizer. A clone has settings of its own.
#[derive(Debug)]
pub(crate) struct Hyperparameters {
    optimizer: &'static str,
    list: Vec<Hyperparameter>,
}

impl Clone for Hyperparameters {
    fn clone(&self) -> Self {
        let own = |h: &Hyperparameter| Hyperparameter::new(h.name, h.range, h.value.get());
        Hyperparameters { optimizer: self.optimizer, list: self.list.iter().map(own).collect() }
    }
}

impl Hyperparameter {
    fn new(name: &'static str, range: Range, x: f64) -> Hyperparameter {
        Hyperparameter { name, range, value: Setting::new(x), rest: Setting::new(1.0 - x) }
    }
}

impl Hyperparameters {
    pub fn new(optimizer: &'static str, list: &[(&'static str, Range, f64)]) -> Hyperparameters {
        let list = list.iter().map(|&(name, range, x)| Hyperparameter::new(name, range, x)).collect();
        Hyperparameters { optimizer, list }
    }

    /// An error if a value is out of its range.
    pub fn check(&self) -> Result<()> {
        self.list.iter().try_for_each(|h| self.check_one(h, h.value.get()))
    }

    fn check_one(&self, h: &Hyperparameter, x: f64) -> Result<()> {
        if h.range.holds(x) {
            return Ok(());
        }
        let got = format_args!("{}={x:?}", h.name);
        Err(Error::new(ErrorKind::Value, self.optimizer, "a hyperparameter is out of range", got, h.range.rule()))
    }

    fn find(&self, name: &str) -> Result<&Hyperparameter> {
        self.list.iter().find(|h| h.name == name).ok_or_else(|| {
            let names: Vec<&str> = self.list.iter().map(|h| h.name).collect();
            let rule = format!("one of {}", names.join(", "));
            Error::new(ErrorKind::Value, self.optimizer, "there is no such hyperparameter", format_args!("{name:?}"), rule)
        })
    }

    pub fn get(&self, name: &str) -> Result<f64> {
        self.find(name).map(|h| h.value.get())
    }

    /// Sets a value, which the next step reads. A value out of range is an error, and then nothing has changed.
    pub fn set(&self, name: &str, x: f64) -> Result<()> {
        let h = self.find(name)?;
        self.check_one(h, x)?;
        Setting::set(&[(&h.value, x), (&h.rest, 1.0 - x)]);
        Ok(())
    }

    /// The value as a tensor beside `w`.
    pub fn tensor<'g>(&self, name: &str, w: Tensor<'g>) -> Tensor<'g> {
        self.bound(name, w, |h| &h.value)
    }

    /// The value as a tensor beside `w`, of a term that steps have; none where it is 0.
    pub fn term<'g>(&self, name: &str, w: Tensor<'g>) -> Option<Tensor<'g>> {
        if self.get(name).is_ok_and(|x| x == 0.0) { None } else { Some(self.tensor(name, w)) }
    }

    /// Which terms steps have: steps of equal variables and gradients are equal as long as this is.
    #[cfg(feature = "python")]
    pub fn terms(&self) -> Vec<bool> {
        self.list.iter().map(|h| h.range == Range::Term && h.value.get() != 0.0).collect()
    }

    /// One minus the value.
    pub fn rest<'g>(&self, name: &str, w: Tensor<'g>) -> Tensor<'g> {
        self.bound(name, w, |h| &h.rest)
    }

    fn bound<'g>(&self, name: &str, w: Tensor<'g>, which: impl Fn(&Hyperparameter) -> &Setting) -> Tensor<'g> {
        match self.find(name) {
            Ok(h) => w.graph().bound(which(h), w.dtype()),
            Err(e) => w.graph().poison(e),
        }
    }
}
