//! The number of solves from which a solver with a more expensive setup costs less.

use serde::{Deserialize, Serialize};

/// The numbers of solves for which one solver takes no more time in all than another.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BreakEven {
    /// The smallest such number, at least 1.
    pub from: f64,
    /// The largest one; nothing if it stays ahead for good.
    pub until: Option<f64>,
}

/// Rounding of quotients that ought to be whole numbers.
const ROUNDING: f64 = 1e-12;

impl BreakEven {
    /// The whole N ≥ 1 for which `fixed.0` + N `each.0` ≤ `fixed.1` + N `each.1`, seconds before the
    /// first solve and seconds of every solve; nothing if there are none.
    pub fn of(fixed: (f64, f64), each: (f64, f64)) -> Option<Self> {
        let (more, gain) = (fixed.0 - fixed.1, each.1 - each.0);
        if gain > 0.0 {
            // A gain too small to be ever felt is none.
            let from = (more / gain * (1.0 - ROUNDING)).ceil().max(1.0);
            return from.is_finite().then_some(Self { from, until: None });
        }
        if gain == 0.0 {
            return (more <= 0.0).then_some(Self { from: 1.0, until: None });
        }
        let until = (more / gain * (1.0 + ROUNDING)).floor();
        (until >= 1.0).then_some(Self { from: 1.0, until: until.is_finite().then_some(until) })
    }

    /// The numbers that are in both.
    pub fn and(self, other: Self) -> Option<Self> {
        let from = self.from.max(other.from);
        let until = match (self.until, other.until) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        until.is_none_or(|until| from <= until).then_some(Self { from, until })
    }
}

/// "12", "1 to 40", "2.1e9".
impl std::fmt::Display for BreakEven {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&count(self.from))?;
        self.until.map_or(Ok(()), |until| write!(f, " to {}", count(until)))
    }
}

/// A number of solves, with an exponent where nobody counts.
fn count(n: f64) -> String {
    if n < 1e7 { format!("{n:.0}") } else { format!("{n:.1e}") }
}
