//! The networks of this crate on random members of their families, of sizes outside their training set:
//! iterations of FGMRES to 1e-8 without training, beside the best damped ILU(0) on the same hierarchy, and
//! after 50 steps beside a full training.
//!
//! ```text
//! cargo bench --bench zero_shot                       # 200 members, L and U
//! cargo bench --bench zero_shot -- 40 relaxation      # 40 members, M
//! cargo bench --bench zero_shot -- 200 ilu 10         # full training of every tenth
//! ```
#![allow(missing_docs)]

use multigrad::error::Result;
use multigrad::learn::{Evaluation, Family, Loss, Start, Target, Trainer};
use multigrad::multigrid::Relaxation;
use multigrad::solver::{Amg, training_setups};

/// Sides of the grids: none was used in training, and the last two are larger than all that were.
const SIDES: [usize; 6] = [28, 36, 50, 60, 96, 128];
const DAMPING: [f64; 8] = [1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3];

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
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
