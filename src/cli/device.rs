//! `--device`: where solving and training run.

use clap::ValueEnum;

use crate::error::Result;

/// Where the work runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum DeviceOption {
    /// The processor
    #[default]
    Cpu,
    /// The first NVIDIA card; an error if there is none
    Cuda,
    /// The first NVIDIA card, or the processor where that is not possible
    Auto,
    /// Kernels of the card on the processor, for tests
    #[cfg(feature = "emulator")]
    #[value(hide = true)]
    Emulated,
}

#[cfg(feature = "cuda")]
pub use with_cuda::{open, or_cpu};

#[cfg(feature = "cuda")]
mod with_cuda {
    use super::{DeviceOption, Result};
    use crate::backend::Cuda;
    use crate::cli::output::complain;
    use crate::error::Error;

    /// The card that was asked for; with `auto` nothing where there is none, after a sentence that says why.
    pub fn open(option: DeviceOption) -> Result<Option<Cuda>> {
        match option {
            DeviceOption::Cpu => Ok(None),
            DeviceOption::Cuda => Cuda::open(0).map(Some),
            DeviceOption::Auto => or_cpu(option, Cuda::open(0)),
            #[cfg(feature = "emulator")]
            DeviceOption::Emulated => Ok(Some(Cuda::emulated(false))),
        }
    }

    /// What was done on a card; with `auto` nothing if that failed or does not suit a card, after a sentence that
    /// says why, so that the processor does it.
    pub fn or_cpu<V>(option: DeviceOption, done: Result<V>) -> Result<Option<V>> {
        match done {
            Err(e) if option == DeviceOption::Auto && suits_cpu(&e) => {
                complain(format_args!("{e}; the CPU does the work"));
                Ok(None)
            }
            done => done.map(Some),
        }
    }

    fn suits_cpu(e: &Error) -> bool {
        e.is_device() || e.is_unsuited()
    }
}

/// Refuses a card in a program that was built without.
#[cfg(not(feature = "cuda"))]
pub fn check(option: DeviceOption) -> Result<()> {
    let missing = "this program was built without support for cards; build it with --features cuda";
    match option {
        DeviceOption::Cpu => Ok(()),
        DeviceOption::Cuda => Err(super::misuse(missing)),
        DeviceOption::Auto => {
            super::output::complain(format_args!("{missing}; the CPU does the work"));
            Ok(())
        }
    }
}
