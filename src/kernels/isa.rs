//! Which instruction set the kernels use: found once, or lowered by an environment variable.

use std::fmt;
use std::sync::OnceLock;

use crate::error::{Error, ErrorKind, Result};

/// An instruction set that every kernel is compiled for. A later one includes the earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isa {
    /// What the target guarantees (SSE2 on x86-64); no fused multiply-add.
    Base,
    /// AVX2 and FMA.
    Avx2,
    /// AVX-512 F, DQ, BW and VL, with AVX2 and FMA.
    Avx512,
}

/// The environment variable that lowers the instruction set.
const VARIABLE: &str = "SCIRS2_AUTOGRAD_ISA";

impl Isa {
    /// All instruction sets, lowest first.
    pub const ALL: [Isa; 3] = [Isa::Base, Isa::Avx2, Isa::Avx512];

    /// The name that the environment variable takes: `base`, `avx2`, `avx512`.
    pub const fn name(self) -> &'static str {
        match self {
            Isa::Base => "base",
            Isa::Avx2 => "avx2",
            Isa::Avx512 => "avx512",
        }
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The highest instruction set that this machine has.
pub fn detected() -> Isa {
    #[cfg(target_arch = "x86_64")]
    {
        let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        let avx512 = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl");
        if avx2 && avx512 {
            return Isa::Avx512;
        }
        if avx2 {
            return Isa::Avx2;
        }
    }
    Isa::Base
}

/// What the environment variable asks for, if it is set and not empty; an error if it is no instruction set or one that this
/// machine lacks.
pub fn forced() -> Result<Option<Isa>> {
    match std::env::var_os(VARIABLE) {
        None => Ok(None),
        Some(value) => parse(&value.to_string_lossy(), detected()),
    }
}

fn parse(value: &str, machine: Isa) -> Result<Option<Isa>> {
    let rule = "base, avx2 or avx512";
    match Isa::ALL.into_iter().find(|i| i.name() == value) {
        None if value.is_empty() => Ok(None),
        None => Err(Error::new(ErrorKind::Value, VARIABLE, "not an instruction set", format_args!("{value:?}"), rule)),
        Some(isa) if isa > machine => {
            let rule = format!("at most {machine}");
            Err(Error::new(ErrorKind::Value, VARIABLE, "this machine lacks the instruction set", value, rule)
                .help(format!("unset {VARIABLE} to use what the machine has")))
        }
        Some(isa) => Ok(Some(isa)),
    }
}

/// The instruction set that kernels are chosen for: found once. A bad environment variable is ignored here (`forced` reports it).
pub fn isa() -> Isa {
    static CHOSEN: OnceLock<Isa> = OnceLock::new();
    *CHOSEN.get_or_init(|| forced().ok().flatten().unwrap_or_else(detected))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_what_the_machine_lacks_is_refused() {
        for i in Isa::ALL {
            assert_eq!(parse(i.name(), Isa::Avx512).unwrap(), Some(i));
        }
        assert_eq!(parse("", Isa::Base).unwrap(), None);
        assert_eq!(parse("sse9", Isa::Avx512).unwrap_err().kind(), ErrorKind::Value);
        let text = parse("avx512", Isa::Avx2).unwrap_err().to_string();
        assert!(text.contains("Got avx512; expected at most avx2."), "{text}");
        assert!(isa() <= detected());
    }
}
