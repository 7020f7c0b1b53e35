//! Selection of the GPU.

use std::sync::Arc;

use super::card::Card;
use super::library::{self, library};
use super::{Cuda, Tuning};
use crate::error::Result;

impl Cuda {
    /// The GPU of this number, counted from 0.
    ///
    /// # Errors
    /// No driver or one for CUDA before 12.0, no such GPU or one of compute capability below 7.0, or no NVRTC
    /// to compile the kernels; invalid constants in `MULTIGRAD_TUNING`, see [`Tuning`].
    pub fn open(ordinal: usize) -> Result<Self> {
        Self::open_tuned(ordinal, Tuning::from_env()?)
    }

    /// The GPU of this number with these constants instead of those of the environment.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_tuned(ordinal: usize, tuning: Tuning) -> Result<Self> {
        Ok(Self::on(Arc::new(Card::open(ordinal, tuning.definitions())?), Arc::new(tuning)))
    }

    /// Names of the GPUs; none if the driver finds none.
    ///
    /// # Errors
    /// No driver or one for CUDA before 12.0.
    pub fn cards() -> Result<Vec<String>> {
        let library = library()?;
        (0..library.cards).map(|ordinal| library::name(library.device(ordinal)?)).collect()
    }

    /// Whether there are a driver and a GPU.
    pub fn present() -> bool {
        library().is_ok_and(|library| library.cards > 0)
    }

    /// Name, memory, compute capability and driver in one line.
    pub fn description(&self) -> String {
        let p = self.driver.properties();
        let gib = p.memory as f64 / f64::from(1 << 30);
        let (capability, driver) = (&p.capability, &p.driver);
        let processors = p.multiprocessors;
        format!(
            "{}, {processors} multiprocessors, {gib:.1} GiB, compute capability {capability}, driver for CUDA {driver}",
            p.name
        )
    }
}
