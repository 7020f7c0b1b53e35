//! Wall time and CPU time for the benchmark programs.

use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};

/// A running stopwatch of wall time and of the CPU time of all threads.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    wall: Instant,
    cpu: f64,
}

/// The readings of a [`Clock`], in seconds.
#[derive(Debug, Clone, Copy, Default)]
pub struct Elapsed {
    /// Wall time.
    pub wall: f64,
    /// CPU time of all threads: on a shared machine the steadier of the two.
    pub cpu: f64,
}

impl Clock {
    /// Starts now.
    pub fn start() -> Self {
        Self { cpu: processor_time(), wall: Instant::now() }
    }

    /// Time since the start.
    pub fn elapsed(&self) -> Elapsed {
        Elapsed { wall: self.wall.elapsed().as_secs_f64(), cpu: processor_time() - self.cpu }
    }
}

fn processor_time() -> f64 {
    let t = clock_gettime(ClockId::ProcessCPUTime);
    t.tv_sec as f64 + t.tv_nsec as f64 * 1e-9
}
