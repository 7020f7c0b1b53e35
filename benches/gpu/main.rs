//! What an NVIDIA card takes for each kernel, a cycle, a step of training and smoothers: one table.
//!
//! ```text
//! cargo bench --features cuda --bench gpu                       # all of it
//! cargo bench --features cuda --bench gpu -- kernels cycle      # some sections
//! cargo bench --features emulator --bench gpu -- emulated       # in miniature without a card
//! ```
//!
//! * `kernels`: products, sweeps, transfers, sampled products and inner products at 10⁶ and 10⁷ unknowns;
//! * `cycle`: a V-cycle kernel by kernel and as a graph, at the same sizes;
//! * `solve`: CG with a cycle in single precision, against published figures;
//! * `training`: a step on the card and on the CPU;
//! * `smoothers`: time to a solution with learned and classical smoothers of the same hierarchy.
//!
//! Bytes are those that have to be moved if every array of a kernel goes through memory once; shares are of what a
//! kernel that copies reaches, and go beyond 100 % where the data fit into the cache of the card. Emulated times
//! mean nothing: such a run shows that the program works.
#![allow(missing_docs)]

mod bench;
mod cycle;
mod kernels;
mod problems;
mod smoothers;
mod solve;
mod traffic;
mod training;

use multigrad::backend::Cuda;
use multigrad::error::{Error, Result};
use multigrad::multigrid::{Amg, Relaxation};

use bench::Bench;

const SECTIONS: [&str; 5] = ["kernels", "cycle", "solve", "training", "smoothers"];

fn main() {
    let mut arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let count = arguments.len();
    arguments.retain(|a| a != "emulated");
    let emulated = arguments.len() < count;
    if let Some(other) = arguments.iter().find(|a| !SECTIONS.contains(&a.as_str())) {
        eprintln!("there is no section '{other}'; choose some of {}, and emulated", SECTIONS.join(", "));
        std::process::exit(2);
    }
    let wanted = |section: &str| arguments.is_empty() || arguments.iter().any(|a| a == section);
    if let Err(e) = device(emulated).and_then(|cuda| run(cuda, emulated, wanted)) {
        eprintln!("{e}");
        std::process::exit(1);
    }
}

/// The first card, or the emulator.
fn device(emulated: bool) -> Result<Cuda> {
    if !emulated {
        let without =
            |e| Error::device(format!("no card to measure ({e}); 'emulated' runs in miniature without"));
        return Cuda::open(0).map_err(without);
    }
    #[cfg(feature = "emulator")]
    return Ok(Cuda::emulated(false));
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
    bench.cuda.synchronise()
}
