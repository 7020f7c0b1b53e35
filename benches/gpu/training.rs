//! Training steps on the GPU and on the CPU.

use multigrad::cycle_tape::Tape;
use multigrad::engine::Host;
use multigrad::error::Result;
use multigrad::learn::{Loss, Parameters, Recipe, ResidentTraining, Session, Target};
use multigrad::multigrid::{Hierarchy, Relaxation, Setup, Smoother};
use multigrad::optimise::{Adam, Optimiser};
use multigrad::schwarz::{Subdomains, Variant, blocks_2d};
use multigrad::solver::{Amg, training_setups};
use multigrad::sparse::Storage;

use super::bench::{Bench, time, values};
use super::problems::{Kind, Problem};

/// The number of steps, of which the fastest counts.
const RUNS: usize = 5;
const FLOW_SIDE: usize = 512;
const FLOW_SIDE_EMULATED: usize = 12;
/// Columns and cycles of a step on the flow.
const BATCH: usize = 8;
const CYCLES: usize = 4;
/// Points along a side of the square of the Schwarz method, points along a subdomain, random vectors, and the
/// published seconds of such a step.
const SQUARE: usize = 90;
const SQUARE_EMULATED: usize = 20;
const SUBDOMAIN: usize = 10;
const VECTORS: usize = 100;
const VECTORS_EMULATED: usize = 4;
const PUBLISHED: f64 = 3.979;
const RATE: f64 = 1e-3;

/// Both steps.
pub fn measure(bench: &Bench) -> Result<()> {
    bench.heading("a step of training: forward, backward, update");
    flow(bench)?;
    square(bench)
}

/// Two rows: the step on the GPU and on the CPU.
fn rows(bench: &Bench, what: &str, size: &str, (card, cpu): (f64, f64), remarks: &str) {
    let ratio = format!("{:.2} of the time on the CPU{remarks}", card / cpu);
    bench.row(&format!("{what}, card"), size, card, f64::NAN, &ratio);
    let threads = format!("{} threads", rayon::current_num_threads());
    bench.row(&format!("{what}, CPU"), size, cpu, f64::NAN, &threads);
}

/// M of recirculating flow, in single precision.
fn flow(bench: &Bench) -> Result<()> {
    let side = if bench.emulated { FLOW_SIDE_EMULATED } else { FLOW_SIDE };
    let problem = Problem { kind: Kind::Upwind, side };
    let a = problem.matrix()?;
    let setup = training_setups(&a).swap_remove(0);
    let h = Amg::builder(setup).relaxation(Relaxation::Spai1).build_hierarchy(&a)?;
    let recipe = Recipe {
        loss: Loss::Rate,
        steps: RUNS,
        rate: RATE,
        cycles: (CYCLES, CYCLES),
        batch: BATCH,
        factor_first: 1.0,
    };
    let mut session = Session::<f32>::new(&h, recipe, 1)?;
    let cpu = bench.wall(RUNS, || session.step())?;
    let parameters: Parameters<f32> = Parameters::relaxations(&h);
    let mut training = ResidentTraining::new(&bench.cuda, &h.cast()?, &parameters, BATCH, 1)?;
    let card = step(bench, &mut || training.step(CYCLES, RATE))?;
    let what = format!("M on {}, {BATCH} columns, {CYCLES} cycles, f32", problem.name());
    rows(bench, &what, &problem.to_string(), (card, cpu), &format!(", {} values", parameters.count()));
    Ok(())
}

fn step(bench: &Bench, step: &mut dyn FnMut() -> Result<f64>) -> Result<f64> {
    bench.wall(RUNS, || {
        let loss = step()?;
        assert!(loss.is_finite(), "a loss that is not finite");
        Ok(())
    })
}

/// Interface values of a Schwarz method on one level, in double precision. The loss is the logarithm of the
/// reduction of each vector, here and on the CPU; the published step minimises the largest norm, at the same
/// cost.
fn square(bench: &Bench) -> Result<()> {
    let (side, vectors) =
        if bench.emulated { (SQUARE_EMULATED, VECTORS_EMULATED) } else { (SQUARE, VECTORS) };
    let problem = Problem { kind: Kind::Poisson2d, side };
    let a = problem.matrix()?;
    let part = blocks_2d(side, side, side / SUBDOMAIN, side / SUBDOMAIN)?;
    let subdomains = Subdomains::new(a.pattern(), part, 1, Variant::Restricted)?;
    let layout = subdomains.layout(a.pattern())?;
    let interface = vec![0.0; layout.interface_entries()];
    let mut h: Hierarchy<Host<f64>> =
        Amg::builder(Setup::OneLevel).relaxation(Relaxation::L1Jacobi).sweeps(1, 0).build_hierarchy(&a)?;
    for level in &mut h.levels {
        let (subdomains, interface) = (subdomains.clone(), Storage::shared(interface.clone()));
        level.pre = vec![Smoother::Schwarz { subdomains, interface }];
    }

    let u: Vec<f64> = values(1, a.rows() * vectors);
    let parameters: Parameters<f64> = Parameters::learned(&h, Target::Schwarz, false)?;
    let (tape, mut trained) = (Tape::new(vectors), parameters.clone());
    let mut adam = Adam::new();
    let cpu = bench.wall(RUNS, || {
        let found = Loss::Rate.differentiate(&tape, &h, &trained, &u, 1)?;
        adam.step(trained.buffer_mut(0).0, &found.gradient[0], RATE)
    })?;
    let mut training = ResidentTraining::new(&bench.cuda, &h, &parameters, vectors, 1)?;
    let card = step(bench, &mut || training.step(1, RATE))?;
    let what = format!("Schwarz on Poisson, {vectors} columns, K = 1, f64");
    let published = format!(
        ", {:.2} of the published {}; {} values",
        card / PUBLISHED,
        time(PUBLISHED),
        parameters.count()
    );
    rows(bench, &what, &problem.to_string(), (card, cpu), &published);
    Ok(())
}
