//! `--device`: the machine for solving and training.

use clap::ValueEnum;

use crate::error::Result;

/// The device that does the computation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum DeviceOption {
    /// CPU
    #[default]
    Cpu,
    /// First NVIDIA GPU; an error if none is available
    Cuda,
    /// First NVIDIA GPU, or the CPU if no GPU can be used
    Auto,
    /// GPU kernels run on the CPU by the emulator, for tests
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

    /// The requested GPU; `None` for `cpu`, and for `auto` if no GPU is available, after a message with the reason.
    pub fn open(option: DeviceOption) -> Result<Option<Cuda>> {
        match option {
            DeviceOption::Cpu => Ok(None),
            DeviceOption::Cuda => Cuda::open(0).map(Some),
            DeviceOption::Auto => or_cpu(option, Cuda::open(0)),
            #[cfg(feature = "emulator")]
            DeviceOption::Emulated => Ok(Some(Cuda::emulated(false))),
        }
    }

    /// The result of work on the GPU. With `auto`, a failure of the GPU or an operation without GPU support gives
    /// `None` after a message with the reason, and the caller uses the CPU.
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

/// Rejects `cuda` in a program that was built without GPU support.
#[cfg(not(feature = "cuda"))]
pub fn check(option: DeviceOption) -> Result<()> {
    let missing = "this program was built without GPU support; build it with --features cuda";
    match option {
        DeviceOption::Cpu => Ok(()),
        DeviceOption::Cuda => Err(super::misuse(missing)),
        DeviceOption::Auto => {
            super::output::complain(format_args!("{missing}; the CPU does the work"));
            Ok(())
        }
    }
}
