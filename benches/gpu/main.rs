//! Times on an NVIDIA GPU: kernels, a cycle, whole solves, training steps, smoothers; tables in Markdown.
//!
//! ```text
//! cargo bench --features cuda --bench gpu                       # all of it
//! cargo bench --features cuda --bench gpu -- kernels cycle      # some sections
//! cargo bench --features emulator --bench gpu -- emulated       # in miniature without a GPU
//! ```
//!
//! * `kernels`: products, sweeps, transfers, sampled products and inner products at 10⁶ and 10⁷ unknowns;
//! * `cycle`: a V-cycle kernel by kernel and as a graph, at the same sizes;
//! * `solve`: CG with a cycle in single precision, against published figures;
//! * `training`: a step on the GPU and on the CPU;
//! * `smoothers`: time to a solution with learned and classical smoothers of the same hierarchy;
//! * `scan`: the constants of `Tuning` one after another, and the best of them. Not part of a run without
//!   arguments.
//!
//! Constants are read from `MULTIGRAD_TUNING`.
//!
//! Bytes are counted once for every array of a kernel. Shares are relative to a copy kernel and exceed 100 %
//! if the data fit into the cache of the GPU. Emulated times have no meaning: such a run only tests the
//! program.
#![allow(missing_docs)]

mod bench;
mod cycle;
mod kernels;
mod problems;
mod scan;
mod smoothers;
mod solve;
mod traffic;
mod training;

use multigrad::error::{Error, Result};
use multigrad::gpu::{Cuda, Tuning};
use multigrad::multigrid::Relaxation;
use multigrad::solver::Amg;

use bench::Bench;

const SECTIONS: [&str; 6] = ["kernels", "cycle", "solve", "training", "smoothers", "scan"];

fn main() {
    let mut arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let count = arguments.len();
    arguments.retain(|a| a != "emulated");
    let emulated = arguments.len() < count;
    if let Some(other) = arguments.iter().find(|a| !SECTIONS.contains(&a.as_str())) {
        eprintln!("there is no section '{other}'; choose some of {}, and emulated", SECTIONS.join(", "));
        std::process::exit(2);
    }
    let wanted =
        |section: &str| arguments.iter().any(|a| a == section) || arguments.is_empty() && section != "scan";
    if let Err(e) = device(emulated, None).and_then(|cuda| run(cuda, emulated, wanted)) {
        eprintln!("{e}");
        std::process::exit(1);
    }
}

/// The first GPU, or the emulator; with the constants of the environment unless others are given.
fn device(emulated: bool, tuning: Option<Tuning>) -> Result<Cuda> {
    let tuning = tuning.map_or_else(Tuning::from_env, Ok)?;
    if !emulated {
        let without =
            |e| Error::device(format!("no card to measure ({e}); 'emulated' runs in miniature without"));
        return Cuda::open_tuned(0, tuning).map_err(without);
    }
    #[cfg(feature = "emulator")]
    return Cuda::emulated_tuned(tuning);
    #[cfg(not(feature = "emulator"))]
    return Err(Error::device("this program was built without the feature 'emulator'"));
}

fn run(cuda: Cuda, emulated: bool, wanted: impl Fn(&str) -> bool) -> Result<()> {
    let bench = Bench::start(cuda, emulated)?;
    if wanted("kernels") || wanted("cycle") {
        for problem in problems::poisson(emulated) {
            let (a, size) = (problem.matrix()?, problem.to_string());
            let h = Amg::smoothed_aggregation().relaxation(Relaxation::Spai0).build_hierarchy(&a)?;
            let single = h.cast::<f32>()?;
            if wanted("kernels") {
                bench.heading(&format!("kernels, {size}, {} unknowns, {} nonzeros", a.rows(), a.nnz()));
                kernels::measure(&bench, &size, &h)?;
                kernels::measure(&bench, &size, &single)?;
            }
            if wanted("cycle") {
                bench.heading(&format!("V-cycle of smoothed aggregation with SPAI-0, {size}"));
                cycle::measure(&bench, &size, &h)?;
                cycle::measure(&bench, &size, &single)?;
            }
        }
    }
    if wanted("solve") {
        solve::measure(&bench)?;
    }
    if wanted("training") {
        training::measure(&bench)?;
    }
    if wanted("smoothers") {
        smoothers::measure(&bench)?;
    }
    if wanted("scan") {
        scan::measure(&bench)?;
    }
    bench.cuda.synchronise()
}
