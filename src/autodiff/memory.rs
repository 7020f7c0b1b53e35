//! Memory of a tape.

use std::fmt;

/// The memory of a tape, in bytes; prints as a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Memory {
    /// Values of this recording.
    pub values: usize,
    /// Values owned by matrices outside the tape.
    pub shared: usize,
    /// Records of operations.
    pub nodes: usize,
    /// Buffers in the pool.
    pub pool: usize,
    /// Symbolic work.
    pub plans: usize,
    /// Adjoints of the largest reverse sweep so far.
    pub adjoints: usize,
}

impl Memory {
    /// The total without shared values; after a sweep adjoints are among the buffers.
    pub fn total(&self) -> usize {
        self.values + self.nodes + self.pool + self.plans
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |f: &mut fmt::Formatter<'_>, name: &str, bytes: usize| {
            writeln!(f, "{name:28} {:12.3} MB", bytes as f64 / 1e6)
        };
        line(f, "values", self.values)?;
        line(f, "values of others", self.shared)?;
        line(f, "operations", self.nodes)?;
        line(f, "buffers in waiting", self.pool)?;
        line(f, "symbolic work", self.plans)?;
        line(f, "adjoints, at most", self.adjoints)
    }
}
