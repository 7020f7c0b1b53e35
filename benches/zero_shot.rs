//! The networks of this crate on random members of their families, of sizes outside their training set:
//! iterations of FGMRES to 1e-8 without training, beside the best damped ILU(0) on the same hierarchy, and
//! after 50 steps beside a full training.
//!
//! ```text
//! cargo bench --bench zero_shot                       # 200 members, L and U
//! cargo bench --bench zero_shot -- 40 relaxation      # 40 members, M
//! cargo bench --bench zero_shot -- 200 ilu 10         # full training of every tenth
//! cargo bench --bench zero_shot -- cost 64            # time and memory of the networks on 64³ points
//! ```
#![allow(missing_docs)]

#[path = "common/clock.rs"]
mod clock;
#[path = "common/peak.rs"]
mod peak;

use clock::Clock;
use multigrad::error::Result;
use multigrad::gallery::{poisson_3d, recirculating_flow_3d};
use multigrad::learn::{Evaluation, Family, Loss, SmootherNetwork, Start, Target, Trainer};
use multigrad::multigrid::{Hierarchy, Relaxation};
use multigrad::setup::Variant;
use multigrad::solver::{Amg, training_setup, training_setups};
use peak::peak;

#[global_allocator]
static ALLOCATOR: peak::Counting = peak::Counting;

/// Sides of the grids: none was used in training, and the last two are larger than all that were.
const SIDES: [usize; 6] = [28, 36, 50, 60, 96, 128];
const DAMPING: [f64; 8] = [1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3];

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    if arguments.first().is_some_and(|a| a == "cost") {
        return cost(arguments.get(1).and_then(|a| a.parse().ok()).unwrap_or(64));
    }
    let members: usize = arguments.first().and_then(|a| a.parse().ok()).unwrap_or(200);
    let learn: Target = arguments.get(1).map_or(Ok(Target::Ilu), |a| a.parse())?;
    let every: usize = arguments.get(2).and_then(|a| a.parse().ok()).unwrap_or(0);
    let (mut network, mut classical, mut worse, mut fell_back, mut diverged) = (0.0, 0.0, 0, 0, 0);
    println!("family        side  hierarchy      ILU(0)   network   tuned   trained");
    for member in 0..members {
        let family = Family::ALL[member % Family::ALL.len()];
        let side = SIDES[member / Family::ALL.len() % SIDES.len()];
        let a = family.member(side, 10_000 + member as u64)?.matrix;
        let setup = training_setups(&a).swap_remove(member / 24 % 2);
        let mut amg = Amg::builder(setup).relaxation(Relaxation::L1Jacobi).build(&a)?;
        if amg.hierarchy().levels.is_empty() {
            continue;
        }
        let judge = |amg: &Amg| Evaluation::of(amg.hierarchy(), 77, 30, 3);
        let mut best = f64::INFINITY;
        for damping in DAMPING {
            let judged = judge(&amg.with_relaxation(Relaxation::Ilu0(damping), (1, 1))?)?;
            best = best.min(if judged.converges { judged.iterations } else { f64::INFINITY });
        }
        let trainer = Trainer::new().learn(learn).loss(Loss::Krylov).seed(member as u64);
        let mut tuned = amg.with_relaxation(Relaxation::L1Jacobi, (1, 1))?;
        let mut trained = amg.with_relaxation(Relaxation::L1Jacobi, (1, 1))?;
        let report = trainer.clone().start(Start::Network).steps(0).fit(&mut amg)?;
        let judged = judge(&amg)?;
        let (mut after_50, mut full) = (String::new(), String::new());
        if every > 0 && member % every == 0 {
            trainer.clone().start(Start::Network).steps(50).fit(&mut tuned)?;
            trainer.clone().fit(&mut trained)?;
            (after_50, full) =
                (format!("{:.3}", judge(&tuned)?.reduction), format!("{:.3}", judge(&trained)?.reduction));
        }
        fell_back += usize::from(report.fallback.is_some());
        worse += usize::from(judged.iterations > best);
        diverged += usize::from(!judged.converges);
        network += judged.iterations;
        classical += best.min(100.0);
        let note = if report.fallback.is_some() { " (fell back)" } else { "" };
        println!(
            "{:<13} {side:>4}  {:<13} {best:>7.1}   {:>7.1}   {after_50:>5}   {full:>7}{note}",
            format!("{family:?}"),
            amg.setup().name(),
            judged.iterations
        );
    }
    println!(
        "\n{members} members: {:.2} iterations with ILU(0), {:.2} with the network; {worse} need more, {fell_back} fell back, {diverged} did not converge",
        classical / members as f64,
        network / members as f64
    );
    Ok(())
}

/// Nanoseconds of CPU time and bytes per entry of all levels: a network of width 8 without messages, most of whose time
/// are the features; that of this crate; and the same by the tape of training. Then the whole start.
fn cost(side: usize) -> Result<()> {
    let flow = recirculating_flow_3d(side, 0.005)?;
    for problem in [flow, poisson_3d(side, side, side)?] {
        let amg = Amg::builder(training_setup(Variant::Symmetric)).relaxation(Relaxation::L1Jacobi);
        let amg = amg.build(&problem.matrix)?;
        for (learn, start) in [(Target::Ilu, Relaxation::Ilu0(1.0)), (Target::Relaxation, Relaxation::Spai1)]
        {
            let base = amg.with_relaxation(start, (1, 1))?;
            let h = base.hierarchy();
            let entries: usize = h.levels.iter().map(|l| l.a.values.len()).sum();
            println!("\n{}, {learn}: {entries} entries", problem.name);
            let show = |name: &str, f: &dyn Fn() -> Result<Hierarchy>| -> Result<()> {
                let clock = Clock::start();
                let (made, bytes) = peak(f);
                let seconds = clock.elapsed().cpu;
                let made = made?;
                // The values before and after the correction belong to the result.
                let bytes = bytes / entries as f64 - 16.0;
                let ns = seconds * 1e9 / entries as f64;
                println!("{name:<32} {ns:>7.0} ns   {bytes:>7.0} B per entry   {} levels", made.levels.len());
                Ok(())
            };
            let (small, network) = (SmootherNetwork::new(8, 1, 1), SmootherNetwork::shipped(learn)?);
            show("features, width 8, no messages", &|| small.apply(h))?;
            show("network of this crate", &|| network.apply(h))?;
            show("network of this crate", &|| network.apply(h))?;
            show("the same by the tape", &|| network.apply_recorded(h))?;
            for loss in [Loss::Krylov, Loss::Rate] {
                let trainer = Trainer::new().learn(learn).loss(loss).start(Start::Network).steps(0);
                let clock = Clock::start();
                let (done, bytes) = peak(|| trainer.fit_best(std::slice::from_ref(&amg), &mut |_| ()));
                let seconds = clock.elapsed();
                println!(
                    "start for {loss:<8} {:.2} s, {:.2} s of CPU, {:.2} GB; {}",
                    seconds.wall,
                    seconds.cpu,
                    bytes / 1e9,
                    if done?.1.accepted { "the network" } else { "classical" }
                );
            }
        }
    }
    Ok(())
}
