//! The better of a trained solver and the automatic one.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::krylov::{Krylov, scattered};
use crate::solver::Solver;

/// Seed of the right-hand side.
const SEED: u64 = 0x4a5d;

/// A solve by a trained solver beside one by the automatic solver, with the same random right-hand side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HandedOut {
    /// The trained solver.
    pub trained: SolveWork,
    /// The automatic solver; `None` if it could not be built.
    pub automatic: Option<SolveWork>,
    /// The summary of the automatic solver.
    pub name: String,
}

/// The work of a solve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SolveWork {
    /// Whether it converged to 10⁻⁸.
    pub converged: bool,
    /// Iterations.
    pub iterations: usize,
    /// Bytes that all iterations read: matrix and cycle, twice for BiCGStab. They are a measure of time that does not
    /// depend on the load of the machine.
    pub bytes: f64,
}

impl SolveWork {
    fn of(solver: &Solver, b: &[f64]) -> Result<Self> {
        let out = solver.solve(b)?;
        let products = if solver.krylov() == Krylov::BiCgStab { 2.0 } else { 1.0 };
        // Eight bytes of a value and four of its column.
        let once = (solver.bytes() + 12 * solver.matrix().nnz()) as f64;
        let (converged, iterations) = (out.converged(), out.iterations);
        Ok(Self { converged, iterations, bytes: iterations as f64 * products * once })
    }
}

impl HandedOut {
    /// Compares `trained` with the automatic solver, and hands out the one that converges with less work; the trained one
    /// where the automatic one cannot be built. Cost: an automatic setup and two solves.
    ///
    /// # Errors
    /// Those of a solve.
    ///
    /// ```
    /// use multigrad::{Amg, gallery, learn::{HandedOut, Trainer}};
    /// let flow = gallery::recirculating_flow(16, 0.005, gallery::FlowScheme::Upwind)?;
    /// let mut amg = Amg::smoothed_aggregation().suited_to(&flow.matrix).build(&flow.matrix)?;
    /// Trainer::new().steps(5).fit(&mut amg)?;
    /// let (solver, comparison) = HandedOut::better(amg)?;
    /// println!("{comparison}");
    /// assert!(solver.solve(&flow.rhs)?.converged());
    /// # Ok::<(), multigrad::Error>(())
    /// ```
    pub fn better(trained: Solver) -> Result<(Solver, Self)> {
        let b = scattered(trained.matrix().rows(), SEED);
        let own = SolveWork::of(&trained, &b)?;
        let Ok(automatic) = Solver::auto(trained.matrix()) else {
            return Ok((trained, Self { trained: own, automatic: None, name: String::new() }));
        };
        let mut other = SolveWork::of(&automatic, &b)?;
        if let Some(answered) = automatic.answered() {
            // Later solves, and a file, begin with the configuration that solved.
            other = SolveWork::of(&answered, &b)?;
        }
        let comparison = Self { trained: own, automatic: Some(other), name: automatic.summary() };
        Ok((if comparison.is_automatic() { automatic } else { trained }, comparison))
    }

    /// Whether the automatic solver is the better one.
    pub fn is_automatic(&self) -> bool {
        self.automatic.is_some_and(|other| {
            other.converged && (!self.trained.converged || other.bytes < self.trained.bytes)
        })
    }
}

/// A sentence.
impl std::fmt::Display for HandedOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let words = |w: &SolveWork| match w.converged {
            true => format!("{} iterations, {:.1} MB read", w.iterations, w.bytes / 1e6),
            false => "no convergence".to_string(),
        };
        match &self.automatic {
            None => write!(f, "a solve by the trained solver: {}", words(&self.trained)),
            Some(other) => write!(
                f,
                "a solve by the trained solver: {}; by the automatic one ({}): {}",
                words(&self.trained),
                self.name,
                words(other)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gallery::{poisson_2d, recirculating_flow_3d};
    use crate::learn::{Loss, Start, Target, Trainer};
    use crate::multigrid::Relaxation;

    #[test]
    fn a_weak_trained_solver_gives_way_and_a_strong_one_does_not() {
        // One sweep of Jacobi on a hierarchy for a problem that needs none.
        let a = poisson_2d(20, 20).unwrap().matrix;
        let weak =
            Solver::smoothed_aggregation().relaxation(Relaxation::Jacobi(Some(0.1))).build(&a).unwrap();
        let (solver, comparison) = HandedOut::better(weak).unwrap();
        assert!(comparison.is_automatic(), "{comparison}");
        assert_eq!(solver.summary(), Solver::auto(&a).unwrap().summary());

        let a = recirculating_flow_3d(22, 0.005).unwrap().matrix;
        let mut strong = Solver::smoothed_aggregation().suited_to(&a).build(&a).unwrap();
        strong = strong.with_relaxation(Relaxation::Ilu0(1.0), (1, 1)).unwrap();
        let trainer = Trainer::new().learn(Target::Ilu).loss(Loss::Krylov).start(Start::Given);
        trainer.steps(40).fit(&mut strong).unwrap();
        let (solver, comparison) = HandedOut::better(strong.to_single_precision().unwrap()).unwrap();
        assert!(!comparison.is_automatic(), "{comparison}");
        assert!(solver.smoother().contains("learned"), "{}", solver.smoother());
    }
}
