//! A kind of cycle with its numbers of sweeps, as text.

use std::fmt;
use std::str::FromStr;

use super::cycle_kind::CycleKind;
use crate::error::{Error, Result};

/// Largest number of sweeps before or after the coarse-grid correction in a text.
const SWEEPS: usize = 20;

/// Kind of cycle and numbers of pre- and post-smoothing sweeps, as in V(1,1).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct CycleShape {
    pub kind: CycleKind,
    pub pre: usize,
    pub post: usize,
}

impl Default for CycleShape {
    fn default() -> Self {
        Self { kind: CycleKind::V, pre: 1, post: 1 }
    }
}

impl fmt::Display for CycleShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({},{})", self.kind, self.pre, self.post)
    }
}

impl FromStr for CycleShape {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            Error::invalid_input(format!(
                "'{text}' is not a cycle; write V(1,1), V(2,1), W(1,1), F(1,1) or K(1,1), with at most {SWEEPS} sweeps"
            ))
        };
        let (kind, rest) = text.split_at_checked(1).ok_or_else(wrong)?;
        let kind: CycleKind = kind.parse().map_err(|_| wrong())?;
        let inner = rest.strip_prefix('(').and_then(|t| t.strip_suffix(')')).ok_or_else(wrong)?;
        let (pre, post) = inner.split_once(',').ok_or_else(wrong)?;
        let count = |t: &str| t.trim().parse::<usize>().ok().filter(|c| *c <= SWEEPS).ok_or_else(wrong);
        let (pre, post) = (count(pre)?, count(post)?);
        if pre + post == 0 { Err(wrong()) } else { Ok(Self { kind, pre, post }) }
    }
}
