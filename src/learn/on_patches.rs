//! Training of parameters that all parts of a matrix share, on small patches of it.

use std::time::Instant;

use super::parameters::Parameters;
use super::recipe::Recipe;
use super::session::{Session, Trained};
use super::start::{Candidate, Start, StartOptions};
use super::target::Target;
use super::trainer::{Observer, Trainer};
use crate::error::{Error, Result};
use crate::solver::Amg;

/// Runs of a training of scalars on patches, from different seeds.
const RUNS: u64 = 3;

impl Trainer {
    /// Further runs from other seeds, the best of which replaces the session.
    pub(super) fn train_again<T: Trained>(
        &self,
        start: &Candidate,
        (session, stopped_early): (&mut Session<T>, &mut Option<String>),
        clock: Instant,
        observe: Observer<'_>,
    ) -> Result<()> {
        for run in 1..RUNS {
            if stopped_early.is_some() || session.is_empty() || session.recipe().steps == 0 {
                break;
            }
            let mut other = self.patch_session(start, run)?;
            *stopped_early = self.train(&mut other, clock, observe)?;
            if other.best_factor() < session.best_factor() {
                *session = other;
            }
        }
        Ok(())
    }

    /// The solver with scalars on its factors, learned on patches in as many runs as the time limit allows, and the
    /// steps of the best run; in single precision. Nothing is measured on the whole matrix.
    ///
    /// # Errors
    /// As [`fit`](Self::fit).
    pub(super) fn scalars_of(&self, solver: &Amg) -> Result<(Amg, usize)> {
        let clock = Instant::now();
        let options = StartOptions {
            sweeps: solver.sweeps(),
            seed: self.seed,
            symmetric: self.symmetric,
            loss: self.loss,
            subdomains: self.subdomains,
        };
        let start = Start::Classical.candidate(solver, Target::Scalars, options)?;
        let mut best: Option<Session<f32>> = None;
        for run in 0..RUNS {
            // The next run takes as long as those before on average.
            let expected = clock.elapsed().mul_f64((run + 1) as f64 / run.max(1) as f64);
            if run > 0 && self.time_limit.is_some_and(|limit| expected > limit) {
                break;
            }
            let mut session = self.patch_session(&start, run)?;
            self.train(&mut session, clock, &mut |_| ())?;
            if best.as_ref().is_none_or(|b| session.best_factor() < b.best_factor()) {
                best = Some(session);
            }
        }
        let Some(session) = best else { return Err(Error::unsuited("there is no run of training")) };
        let [_, parameters] = session.candidates();
        let learned = start.amg.with_hierarchy(parameters.install(start.amg.hierarchy()))?;
        let name = format!("learned {}", Target::Scalars);
        Ok((learned.described(name, None).to_single_precision()?, session.steps()))
    }

    /// A session on patches of the matrix, whose last one judges the result: run number `run`.
    pub(super) fn patch_session<T: Trained>(&self, candidate: &Candidate, run: u64) -> Result<Session<T>> {
        let h = candidate.amg.hierarchy();
        let suited = Recipe::of_scalars(self.loss);
        let recipe = Recipe {
            steps: self.steps.unwrap_or(suited.steps),
            rate: self.rate.unwrap_or(suited.rate),
            cycles: self.cycles.map_or(suited.cycles, |c| (c, c)),
            batch: self.batch.unwrap_or(suited.batch),
            ..suited
        };
        recipe.check()?;
        let parameters = Parameters::learned(h, candidate.learn, self.symmetric)?;
        let mut patches = Vec::new();
        for patch in candidate.patches(self.seed)? {
            let own = Parameters::learned(&patch, candidate.learn, self.symmetric)?;
            if !own.is_empty() {
                patches.push((patch, own));
            }
        }
        if parameters.is_empty() || patches.is_empty() {
            return Session::on(h, parameters, Recipe { steps: 0, ..recipe }, self.seed);
        }
        Session::on_patches(patches, parameters, recipe, (self.seed, run))
    }
}
