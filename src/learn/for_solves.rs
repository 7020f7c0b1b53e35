//! Training for a known number of solves.

use std::time::{Duration, Instant};

use super::entry_training::{EntryTraining, FEWEST, Run};
use super::loss::Loss;
use super::solves_report::{Attempt, SolvesReport};
use super::target::Target;
use super::trainer::Trainer;
use crate::error::Result;
use crate::krylov::{DIRECT_LIMIT, Krylov, Outcome, scattered};
use crate::multigrid::{Relaxation, Setup};
use crate::operator::LinearOperator;
use crate::setup::{Coarsening, Variant};
use crate::solver::{
    Builder, Solver, planar_direct_cost, suited_variant, training_setup, weakened_beyond_one_level,
};

/// Solves below which nothing is tried but a direct solver that is certain to win.
const FEW: usize = 20;
/// Solves below which no direct solver is considered.
const DIRECT: usize = 4;
/// Solves from which the setup of a hierarchy pays where one level takes more iterations.
const HIERARCHY: usize = 8;
/// Iterations of a solve that was not measured: of an easy problem, and of one that needs weakened factors.
const ITERATIONS: (f64, f64) = (5.0, 15.0);
/// Share of the time of all solves that the first attempt on a hierarchy may cost, and solves in addition.
const PILOT: (f64, f64) = (0.025, 2.5);
/// The cost of a step of training, in solves with incomplete factors, and with cheaper smoothers.
const STEP: (f64, f64) = (1.5, 2.5);
/// Saving over cost from which a longer run is begun.
const MARGIN: f64 = 1.5;
/// Share of a solve that training saves for every factor e of its length, as measured on flow problems in three
/// dimensions. The best length of a training is this share of all solves.
const GAIN: f64 = 0.095;
/// Runs of steps after the first.
const STAGES: usize = 3;
/// Share of the time of a solve below which another solver is better by more than noise.
const BETTER: f64 = 0.97;

/// Training of a solver for a known number of solves, made by [`Trainer::for_solves`].
#[derive(Debug, Clone)]
pub struct ForSolves {
    trainer: Trainer,
    solves: usize,
}

impl Trainer {
    /// Training for this number of solves: for as long as the expected saving over these solves exceeds its cost. The
    /// seed and the time limit of the trainer count, its other settings do not.
    ///
    /// A solve measures the given solver. A sparse direct solver replaces it if that is faster. Otherwise incomplete
    /// factors are trained: a short run first, then longer ones as long as the measured gain justifies their cost, in
    /// all about a tenth of the time of all solves. Of weakened factors, scalars are trained on small parts of A. Few
    /// solves leave the solver as it is: the total is at most about 1.1 times that of the given solver. The length of the
    /// training follows from measured times and differs between runs.
    ///
    /// ```
    /// use multigrad::{Solver, gallery, learn::Trainer};
    /// let problem = gallery::recirculating_flow_3d(8, 0.005)?;
    /// let mut solver = Solver::auto(&problem.matrix)?;
    /// let report = Trainer::new().for_solves(200).fit(&mut solver)?;
    /// println!("{report}");
    /// assert!(solver.solve(&problem.rhs)?.converged());
    /// # Ok::<(), multigrad::Error>(())
    /// ```
    pub fn for_solves(self, solves: usize) -> ForSolves {
        ForSolves { trainer: self, solves }
    }
}

/// A run in progress.
struct Search<'a> {
    clock: Instant,
    limit: f64,
    solves: f64,
    b: Vec<f64>,
    attempts: Vec<Attempt>,
    /// The best other solver, its place among the attempts, and its seconds per solve.
    best: Option<(Solver, usize, f64)>,
    observe: &'a mut dyn FnMut(&str),
}

impl ForSolves {
    /// Trains and replaces `solver`, or leaves it as it is; the report says which and why.
    ///
    /// # Errors
    /// Those of a solve.
    pub fn fit(&self, solver: &mut Solver) -> Result<SolvesReport> {
        self.fit_observed(solver, &mut |_| ())
    }

    /// As [`fit`](Self::fit); `observe` is told the name of everything that begins.
    ///
    /// # Errors
    /// As [`fit`](Self::fit).
    pub fn fit_observed(&self, solver: &mut Solver, observe: &mut dyn FnMut(&str)) -> Result<SolvesReport> {
        let mut search = Search {
            clock: Instant::now(),
            limit: self.trainer.time_limit.map_or(f64::INFINITY, |l| l.as_secs_f64()),
            solves: self.solves as f64,
            b: scattered(solver.matrix().rows(), self.trainer.seed ^ 0xf025),
            attempts: vec![Attempt {
                name: solver.summary(),
                steps: 0,
                seconds: 0.0,
                solve_seconds: None,
                iterations: 0,
            }],
            best: None,
            observe,
        };
        let reason = self.search(solver, &mut search)?;
        let kept = search.best.as_ref().map_or(0, |b| b.1);
        let seconds = search.clock.elapsed().as_secs_f64();
        let attempts = std::mem::take(&mut search.attempts);
        if let Some((new, ..)) = search.best {
            solver.replace(new)?;
        }
        Ok(SolvesReport { solves: self.solves, attempts, kept, seconds, reason })
    }

    /// Tries what may pay; the sentence about the end.
    fn search(&self, solver: &Solver, search: &mut Search<'_>) -> Result<String> {
        let k = search.solves;
        let weak = solver.configuration().and_then(|c| c.relaxation.tau()).is_some();
        let mut direct = None;
        if self.solves >= DIRECT && *solver.setup() != Setup::Direct {
            direct = planar_direct_cost(solver.matrix(), solver.matrix().is_symmetric(), DIRECT_LIMIT);
        }
        let expected = if weak { ITERATIONS.1 } else { ITERATIONS.0 };
        if let Some((build, each)) = direct
            && build + k * each < 0.8 * k * expected
        {
            search.direct(solver, f64::INFINITY)?;
            if search.best.is_some() {
                return Ok("sparse factors cost less than the expected iterations".into());
            }
        }
        if self.solves >= HIERARCHY && *solver.setup() == Setup::OneLevel && solver.krylov() == Krylov::Cg {
            search.hierarchy(solver)?;
        }
        if self.solves < FEW && search.best.is_some() {
            return Ok("a hierarchy with weakened factors takes fewer iterations than one level".into());
        }
        if self.solves < FEW {
            return Ok("too few solves to pay for a measurement: the solver stays as it is".into());
        }
        let Some(classical) = search.measure_given(solver)? else {
            return Ok("the solver does not converge, so that there is nothing to speed up; see the advice of a solve".into());
        };
        search.best = search.best.take().filter(|best| best.2 < BETTER * classical);
        // An iteration of BiCGStab has two cycles.
        let cycles = if solver.krylov() == Krylov::BiCgStab { 2 } else { 1 } * search.attempts[0].iterations;
        let iteration = classical / cycles.max(1) as f64;
        if let Some((build, each)) = direct
            && (build * iteration < PILOT.0 * k * classical
                || (build + k * each) * iteration < 0.9 * k * classical)
        {
            search.direct(solver, classical)?;
            if search.best.as_ref().is_some_and(|best| *best.0.setup() == Setup::Direct) {
                return Ok("sparse factors are faster than iterations for so many solves".into());
            }
        }
        if let Some((other, place, seconds)) = search.best.take() {
            self.scalars(&other, search, seconds)?;
            search.best.get_or_insert((other, place, seconds));
        } else if weak {
            self.scalars(solver, search, classical)?;
        } else {
            self.entries(solver, search, classical)?;
        }
        Ok(match &search.best {
            Some((_, _, seconds)) => {
                format!("a solve takes {:.0} % of its former time", 100.0 * seconds / classical)
            }
            None if search.attempts.len() == 1 => {
                "a few steps of training would cost more than they may save: the solver stays as it is".into()
            }
            None => "training did not make the solves clearly faster: the solver stays as it is".into(),
        })
    }

    /// Scalars on weakened factors, learned on patches.
    fn scalars(&self, solver: &Solver, search: &mut Search<'_>, classical: f64) -> Result<()> {
        let budget = search.affordable(0.5 * GAIN * search.solves * classical);
        // A few steps on patches of some thousand rows and the search of a start take half a second.
        if budget < 0.5 {
            return Ok(());
        }
        (search.observe)("scalars of L and U on patches");
        let clock = Instant::now();
        let trainer = self.trainer.clone().learn(Target::Scalars).loss(Loss::Krylov);
        let limit = Duration::from_secs_f64(budget);
        let Ok((learned, steps)) = trainer.time_limit(limit).scalars_of(solver) else { return Ok(()) };
        let seconds = clock.elapsed().as_secs_f64();
        search.consider(learned, "scalars of L and U on patches", (steps, seconds), classical)?;
        Ok(())
    }

    /// Entries of L and U: a short run on the hierarchy with the fastest solve, then longer ones.
    fn entries(&self, solver: &Solver, search: &mut Search<'_>, classical: f64) -> Result<()> {
        let (seed, all) = (self.trainer.seed, search.solves * classical);
        let factors = solver.configuration().is_some_and(|c| matches!(c.relaxation, Relaxation::Ilu0(_)));
        let step = classical * if factors { STEP.0 } else { STEP.1 };
        let budget = search.affordable(PILOT.0 * all + PILOT.1 * classical);
        if budget < FEWEST as f64 * step {
            return Ok(());
        }
        // Other hierarchies cost several solves each, with their setup.
        let mut base = None;
        if PILOT.0 * all >= 10.0 * classical && !solver.matrix().is_symmetric() {
            base = search.best_hierarchy(solver, classical)?;
        }
        let given = match base {
            Some(base) => base,
            None => solver.with_hierarchy(solver.hierarchy().clone())?,
        };
        (search.observe)("entries of L and U, first run");
        let clock = Instant::now();
        // Values that overflow single precision cannot be trained.
        let Ok(Some(mut training)) = EntryTraining::new(&given, seed) else { return Ok(()) };
        if training.run(budget)? != Run::Done {
            return Ok(());
        }
        let Ok(learned) = training.solver(&given) else { return Ok(()) };
        let name = format!("learned L and U on '{}'", given.setup().name());
        let cost = (training.taken(), clock.elapsed().as_secs_f64());
        let first = search.consider(learned, &name, cost, classical)?;
        let Some(mut last) = first.filter(|seconds| *seconds < BETTER * classical) else { return Ok(()) };
        let mut gain = GAIN;
        for _ in 0..STAGES {
            let each = training.seconds_per_step().unwrap_or(classical);
            let so_far = each * training.taken() as f64;
            let budget = search.affordable(gain * all - so_far);
            let saving = gain * ((so_far + budget) / so_far).ln() * all;
            if budget < FEWEST as f64 * each || saving < MARGIN * budget {
                break;
            }
            (search.observe)("entries of L and U, longer run");
            let clock = Instant::now();
            if training.run(budget)? != Run::Done {
                break;
            }
            let Ok(learned) = training.solver(&given) else { break };
            let cost = (training.taken(), clock.elapsed().as_secs_f64());
            let Some(seconds) = search.consider(learned, &name, cost, classical)? else { break };
            // The share of a solve that a factor e of training has saved.
            let longer = (each * training.taken() as f64 / so_far).ln();
            gain = ((last - seconds) / classical / longer).clamp(0.0, 2.0 * GAIN);
            last = last.min(seconds);
        }
        Ok(())
    }
}

impl Search<'_> {
    /// Seconds that may be spent, given those that pay.
    fn affordable(&self, seconds: f64) -> f64 {
        seconds.min(self.limit - self.clock.elapsed().as_secs_f64()).max(0.0)
    }

    /// The hierarchy, with ILU(0), whose solve is the fastest before training; `None` for that of `solver`. A classical
    /// solver that is faster than the given one is a result, too.
    fn best_hierarchy(&mut self, solver: &Solver, classical: f64) -> Result<Option<Solver>> {
        let mut best: Option<(Solver, f64)> = None;
        let training = training_setup(suited_variant(solver.matrix()));
        for setup in [training, Coarsening::from(Variant::TransposeSmoothed)].map(Setup::from) {
            if setup == *solver.setup() {
                continue;
            }
            (self.observe)(setup.name());
            let clock = Instant::now();
            let builder = Solver::builder(setup).relaxation(Relaxation::Ilu0(1.0)).krylov(solver.krylov());
            let Ok(base) = solver.rebuilt(&builder) else { continue };
            let Ok(single) = base.to_single_precision() else { continue };
            let name = single.summary();
            let cost = (0, clock.elapsed().as_secs_f64());
            let Some(seconds) = self.consider(single, &name, cost, classical)? else { continue };
            if seconds < best.as_ref().map_or(classical, |b| b.1) {
                best = Some((base, seconds));
            }
        }
        Ok(best.map(|b| b.0))
    }

    /// Seconds of a solve with the given solver; `None` if it does not converge.
    fn measure_given(&mut self, solver: &Solver) -> Result<Option<f64>> {
        (self.observe)("a solve");
        let mut found = self.solve(solver, f64::INFINITY)?;
        if found.is_none() {
            // A right-hand side in the range of a singular matrix.
            let mut b = vec![0.0; self.b.len()];
            LinearOperator::apply(solver.matrix(), &self.b, &mut b)?;
            self.b = b;
            found = self.solve(solver, f64::INFINITY)?;
        }
        let Some((seconds, iterations)) = found else { return Ok(None) };
        (self.attempts[0].solve_seconds, self.attempts[0].iterations) = (Some(seconds), iterations);
        Ok(Some(seconds))
    }

    /// Seconds and iterations of a solve, the least of two where that costs little; `None` if it fails.
    fn solve(&self, solver: &Solver, classical: f64) -> Result<Option<(f64, usize)>> {
        let mut least = f64::INFINITY;
        let mut iterations = 0;
        let repeats = if self.solves >= 200.0 { 2 } else { 1 };
        for _ in 0..repeats {
            let clock = Instant::now();
            let Some(out) = solver.solve(&self.b).ok().filter(Outcome::converged) else { return Ok(None) };
            least = least.min(clock.elapsed().as_secs_f64());
            iterations = out.iterations;
            if least > 1.5 * classical {
                break;
            }
        }
        Ok(Some((least, iterations)))
    }

    /// Measures a solver and keeps it if it is the best so far; the seconds of a solve.
    fn consider(
        &mut self,
        solver: Solver,
        name: &str,
        (steps, seconds): (usize, f64),
        classical: f64,
    ) -> Result<Option<f64>> {
        let found = self.solve(&solver, classical)?;
        self.attempts.push(Attempt {
            name: name.into(),
            steps,
            seconds,
            solve_seconds: found.map(|f| f.0),
            iterations: found.map_or(0, |f| f.1),
        });
        let Some((each, _)) = found else { return Ok(None) };
        let before = self.best.as_ref().map_or(BETTER * classical, |b| b.2);
        if each < before {
            self.best = Some((solver, self.attempts.len() - 1, each));
        }
        Ok(Some(each))
    }

    /// Builds a hierarchy with weakened factors in place of a method on one level, where patches call for it.
    fn hierarchy(&mut self, solver: &Solver) -> Result<()> {
        (self.observe)("weakened factors on patches");
        let clock = Instant::now();
        let Some(configuration) = weakened_beyond_one_level(solver.matrix()) else { return Ok(()) };
        let Ok(other) = solver.rebuilt(&Builder::from(configuration)) else { return Ok(()) };
        let name = other.summary();
        self.consider(other, &name, (0, clock.elapsed().as_secs_f64()), f64::INFINITY)?;
        Ok(())
    }

    /// Builds sparse factors and keeps them if all solves by them take less time, their setup included.
    fn direct(&mut self, solver: &Solver, classical: f64) -> Result<()> {
        (self.observe)("sparse factors");
        let clock = Instant::now();
        let builder = Solver::builder(Setup::Direct).krylov(Krylov::Fgmres);
        let Ok(direct) = solver.rebuilt(&builder) else { return Ok(()) };
        let seconds = clock.elapsed().as_secs_f64();
        // The time of the setup is spent; the solves decide.
        self.consider(direct, "sparse factors", (0, seconds), classical)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gallery::{named, neumann_2d, poisson_2d, recirculating_flow_3d};

    #[test]
    fn few_solves_keep_the_solver_and_many_in_a_plane_are_direct() {
        let problem = poisson_2d(70, 70).unwrap();
        let mut solver = Solver::auto(&problem.matrix).unwrap();
        let name = solver.summary();
        let report = Trainer::new().for_solves(2).fit(&mut solver).unwrap();
        assert!(!report.replaced() && report.attempts.len() == 1 && solver.summary() == name, "{report}");
        let report = Trainer::new().for_solves(5000).fit(&mut solver).unwrap();
        assert!(report.attempts.iter().any(|a| a.name == "sparse factors"), "{report}");
        let (with, without) = report.totals().unwrap();
        assert!(if report.replaced() { with < 1.1 * without } else { solver.summary() == name }, "{report}");
        assert!(solver.solve(&problem.rhs).unwrap().converged());
    }

    #[test]
    fn entries_are_trained_for_many_solves_in_space() {
        let problem = recirculating_flow_3d(32, 0.005).unwrap();
        let mut solver = Solver::auto(&problem.matrix).unwrap();
        let report = Trainer::new().seed(4).for_solves(600).fit(&mut solver).unwrap();
        assert!(report.attempts.iter().any(|a| a.steps >= FEWEST && a.name.contains("learned")), "{report}");
        let kept = &report.attempts[report.kept];
        assert!(
            report.attempts.iter().all(|a| {
                // Another solver is better by less than the margin, or not at all.
                a.solve_seconds.is_none_or(|s| kept.solve_seconds.is_some_and(|k| k <= s / BETTER))
            }),
            "{report}"
        );
        let out = solver.solve(&problem.rhs).unwrap();
        assert!(out.converged(), "{out}");
    }

    #[test]
    fn singular_and_limited_trainings_end() {
        let problem = neumann_2d(40, 40).unwrap();
        let mut solver = Solver::auto(&problem.matrix).unwrap();
        let report = Trainer::new().for_solves(300).fit(&mut solver).unwrap();
        assert!(report.attempts[0].solve_seconds.is_some(), "{report}");
        assert!(solver.solve(&problem.rhs).unwrap().converged());
        let problem = named("jumps3d", 10, 1).unwrap();
        let mut solver = Solver::auto(&problem.matrix).unwrap();
        let limited = Trainer::new().time_limit(Duration::from_millis(1)).for_solves(1_000_000);
        let clock = Instant::now();
        let report = limited.fit(&mut solver).unwrap();
        assert!(
            clock.elapsed().as_secs_f64() < 5.0 && solver.solve(&problem.rhs).unwrap().converged(),
            "{report}"
        );
    }
}
