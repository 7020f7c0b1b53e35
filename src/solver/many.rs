//! Solves with several right-hand sides at once.

use std::sync::{Mutex, PoisonError};

use super::value::Solver;
use crate::backend::Cpu;
use crate::error::{Error, Result};
use crate::krylov::{Krylov, Outcome, SolveOptions, System, in_lockstep};
use crate::multigrid::{BlockMemory, Cycle};
use crate::operator::{Lent, Preconditioner, Together};
use crate::sparse::Csr;

/// Most right-hand sides solved together: the kernels have loops of constant length up to this number of columns.
const COLUMNS: usize = 16;
/// Bytes of vectors of the right-hand sides that are solved together.
const BYTES: usize = 2 << 30;
/// Entries below which the exchange between threads takes the time that a block saves.
const ENTRIES: usize = 150_000;

impl Solver {
    /// Solves A x = b for several right-hand sides to ‖b − A x‖₂ ≤ 10⁻⁸ ‖b‖₂ each. For other options see
    /// [`solve_many_with`](Self::solve_many_with).
    ///
    /// # Errors
    /// As [`solve`](Self::solve), with the number of the right-hand side.
    ///
    /// ```
    /// use multigrad::{Amg, gallery};
    /// let problem = gallery::poisson_2d(20, 20)?;
    /// let solver = Amg::auto(&problem.matrix)?;
    /// let right_hand_sides = [problem.rhs, vec![1.0; 400]];
    /// assert!(solver.solve_many(&right_hand_sides)?.iter().all(|out| out.converged()));
    /// # Ok::<(), multigrad::Error>(())
    /// ```
    pub fn solve_many(&self, right_hand_sides: &[impl AsRef<[f64]>]) -> Result<Vec<Outcome>> {
        self.solve_many_with(right_hand_sides, SolveOptions::new())
    }

    /// Solves A x = b for several right-hand sides with these options.
    ///
    /// Up to sixteen are solved at a time: each has its own Krylov method and stops by itself, and all share every pass
    /// over the matrix and the hierarchy. The iterations are those of [`solve_with`](Self::solve_with) up to rounding.
    /// A right-hand side that does not converge is solved once more by itself, with the further configurations of an
    /// automatic solver.
    ///
    /// Cost, for sixteen right-hand sides on one thread: 5.5 solves of a flow problem of 256², and 15 of Poisson's equation on
    /// 1000² points, whose stencils repeat, so that even a single solve reads little but vectors
    /// (`cargo bench --bench cycle -- many`). Memory: for each right-hand side the vectors of its method, and
    /// about six vectors in the precision of the cycle. Each right-hand side has a thread of the operating system; no more
    /// of them compute at a time than the `rayon` pool has threads. On a GPU, for least squares and for systems of fewer
    /// than 150 000 entries, right-hand sides are solved one after another.
    ///
    /// # Errors
    /// As [`solve_with`](Self::solve_with), with the number of the right-hand side. An initial guess or a callback, which
    /// belong to one right-hand side.
    ///
    /// ```
    /// use multigrad::{Amg, SolveOptions, gallery};
    /// let problem = gallery::poisson_2d(40, 40)?;
    /// let solver = Amg::auto(&problem.matrix)?;
    /// let unit = |i: usize| (0..1600).map(|j| if i == j { 1.0 } else { 0.0 }).collect::<Vec<f64>>();
    /// let columns = [unit(3), unit(810), unit(1599)];
    /// let inverse = solver.solve_many_with(&columns, SolveOptions::new().rtol(1e-10))?;
    /// assert!((inverse[0].x[810] - inverse[1].x[3]).abs() < 1e-9); // A⁻¹ is symmetric
    /// # Ok::<(), multigrad::Error>(())
    /// ```
    pub fn solve_many_with(
        &self,
        right_hand_sides: &[impl AsRef<[f64]>],
        mut options: SolveOptions<'_>,
    ) -> Result<Vec<Outcome>> {
        if options.options.initial_guess.is_some() || options.on_iteration.is_some() {
            return Err(Error::invalid_input(
                "an initial guess and a callback belong to one right-hand side; use solve_with for each",
            ));
        }
        let all: Vec<&[f64]> = right_hand_sides.iter().map(AsRef::as_ref).collect();
        let place = |number: usize| format!("right-hand side {} of {}", number + 1, all.len());
        for (number, b) in all.iter().enumerate() {
            options.options.check(self.rows(), b).map_err(|e| e.at(place(number)))?;
        }
        let mut outcomes: Vec<Option<Outcome>> = Vec::with_capacity(all.len());
        if self.is_worth_a_block(&options) {
            for group in all.chunks(self.columns(&options)) {
                outcomes.extend(self.together(group, &options));
            }
        }
        outcomes.resize_with(all.len(), || None);
        let one = |(number, (b, out)): (usize, (&&[f64], Option<Outcome>))| match out {
            Some(out) if out.converged() || self.ladder.is_none() => {
                Ok(self.explained_failure(b, self.without_null_vectors(b, out, &options), &options))
            }
            _ => self.solve_with(b, options.again()).map_err(|e| e.at(place(number))),
        };
        all.iter().zip(outcomes).enumerate().map(one).collect()
    }

    /// Whether several right-hand sides are solved at once.
    fn is_worth_a_block(&self, options: &SolveOptions<'_>) -> bool {
        #[cfg(feature = "cuda")]
        if self.device.is_some() {
            return false;
        }
        !options.least_squares && self.a.nnz() >= ENTRIES
    }

    /// Right-hand sides solved at a time.
    fn columns(&self, options: &SolveOptions<'_>) -> usize {
        let vectors = match options.krylov.unwrap_or_else(|| self.krylov()) {
            Krylov::Fgmres => 2 * self.restart(options) + 4,
            _ => 10,
        };
        (BYTES / (vectors * size_of::<f64>() * self.rows().max(1))).clamp(1, COLUMNS)
    }

    /// Solves in lockstep by the configuration that solved last. A failure has no outcome.
    fn together(&self, right_hand_sides: &[&[f64]], options: &SolveOptions<'_>) -> Vec<Option<Outcome>> {
        if right_hand_sides.len() == 1 {
            return vec![None];
        }
        let answered = self.answered();
        let solver = answered.as_deref().unwrap_or(self);
        let shared = Shared { a: solver.operator(), cycle: &solver.cycle, memory: Mutex::default() };
        // Known before the threads ask for it.
        solver.krylov();
        let settings = Settings::of(options);
        let solve = |number: usize, system: System<'_>| {
            let b = right_hand_sides[number];
            match &solver.ladder {
                Some(ladder) if settings.krylov.is_none() => {
                    solver.within_budget((ladder, ladder.patience, 0.0), system, b, settings.options())
                }
                _ => solver.verified_on(system, b, settings.options()),
            }
        };
        let outcomes = in_lockstep(right_hand_sides.len(), &shared, &solve);
        let named = |out: Outcome| match &answered {
            Some(solver) => Outcome { solver: Some(solver.summary()), ..out },
            None => out,
        };
        outcomes.into_iter().map(|out| out?.ok().map(named)).collect()
    }
}

/// The options that several threads may share.
#[derive(Clone, Copy)]
struct Settings {
    rtol: f64,
    atol: f64,
    max_iterations: usize,
    restart: usize,
    krylov: Option<Krylov>,
    direct_limit: usize,
}

impl Settings {
    fn of(o: &SolveOptions<'_>) -> Self {
        Self {
            rtol: o.options.rtol,
            atol: o.options.atol,
            max_iterations: o.options.max_iterations,
            restart: o.restart,
            krylov: o.krylov,
            direct_limit: o.direct_limit,
        }
    }

    fn options(self) -> SolveOptions<'static> {
        let mut options = SolveOptions::new()
            .rtol(self.rtol)
            .atol(self.atol)
            .max_iterations(self.max_iterations)
            .restart(self.restart)
            .direct_limit(self.direct_limit);
        options.krylov = self.krylov;
        options
    }
}

/// The operators of a solver, for several vectors at once.
struct Shared<'s> {
    a: &'s Csr<f64>,
    cycle: &'s Cycle,
    memory: Mutex<BlockMemory>,
}

impl Together for Shared<'_> {
    fn rows(&self) -> usize {
        self.a.rows()
    }

    fn is_symmetric(&self) -> bool {
        self.cycle.is_symmetric()
    }

    fn apply(&self, vectors: &mut [Lent<'_>]) -> Result<()> {
        let (xs, ys): (Vec<&[f64]>, Vec<&mut [f64]>) =
            vectors.iter_mut().map(|lent| (lent.x, &mut *lent.y)).unzip();
        let dots = Cpu.spmv_dots_of_many(self.a.into(), &xs, ys);
        vectors.iter_mut().zip(dots).for_each(|(lent, dots)| lent.dots = dots);
        Ok(())
    }

    fn precondition(&self, vectors: &mut [Lent<'_>]) -> Result<()> {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        self.cycle.apply_to_many(vectors, &mut memory)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gallery::{self, FlowScheme};
    use crate::krylov::scattered;
    use crate::limits::Limits;
    use crate::multigrid::{CycleKind, Relaxation};
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    fn right_hand_sides(n: usize, k: usize) -> Vec<Vec<f64>> {
        (0..k).map(|c| scattered(n, c as u64 + 1).into_iter().map(|v| v + c as f64).collect()).collect()
    }

    fn as_slices(vectors: &[Vec<f64>]) -> Vec<&[f64]> {
        vectors.iter().map(Vec::as_slice).collect()
    }

    /// Every configuration with its method: the outcomes are those of single solves.
    #[test]
    fn right_hand_sides_together_are_solved_as_one_by_one() {
        let poisson = gallery::poisson_2d(40, 30).unwrap().matrix;
        let flow = gallery::recirculating_flow(30, 1e-2, FlowScheme::Upwind).unwrap().matrix;
        let sa = || Solver::smoothed_aggregation();
        for solver in [
            sa().build(&poisson).unwrap(),
            sa().single_precision().build(&poisson).unwrap(),
            sa().cycle(CycleKind::K).build(&poisson).unwrap(),
            sa().suited_to(&flow)
                .relaxation(Relaxation::Ilu0(1.0))
                .krylov(Krylov::BiCgStab)
                .build(&flow)
                .unwrap(),
            sa().suited_to(&flow).single_precision().build(&flow).unwrap(),
            sa().krylov(Krylov::Richardson).build(&poisson).unwrap(),
            Solver::auto(&poisson).unwrap(),
            Solver::auto(&flow).unwrap(),
        ] {
            let mut columns = right_hand_sides(solver.rows(), 5);
            columns[3].fill(0.0);
            let together = solver.together(&as_slices(&columns), &SolveOptions::new());
            for (b, out) in columns.iter().zip(together) {
                let (out, single) = (out.unwrap(), solver.solve(b).unwrap());
                assert!(out.converged() && single.converged(), "{solver}");
                assert!(out.iterations.abs_diff(single.iterations) <= 1, "{out} {single}\n{solver}");
                let size = single.x.iter().fold(0.0f64, |m, v| m.max(v.abs()));
                assert!(out.x.iter().zip(&single.x).all(|(x, y)| (x - y).abs() <= 1e-6 * size), "{solver}");
                assert_eq!(out.residual_history.len(), out.iterations + 1);
            }
        }
    }

    #[test]
    fn bits_do_not_depend_on_threads() {
        let a = gallery::poisson_2d(200, 190).unwrap().matrix;
        let solver = Solver::smoothed_aggregation().single_precision().build(&a).unwrap();
        assert!(solver.is_worth_a_block(&SolveOptions::new()));
        let columns = right_hand_sides(a.rows(), 19);
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| solver.solve_many(&columns).unwrap())
        };
        let (one, three) = (on(1), on(3));
        assert_eq!(one.len(), 19);
        for (p, q) in one.iter().zip(&three) {
            assert!(p.converged() && p.x == q.x && p.residual_history == q.residual_history);
        }
    }

    #[test]
    fn what_is_wrong_with_a_right_hand_side_is_said_with_its_number() {
        let a = gallery::poisson_2d(20, 20).unwrap().matrix;
        let solver = Solver::auto(&a).unwrap();
        let mut columns = right_hand_sides(400, 3);
        columns[1][7] = f64::NAN;
        let error = solver.solve_many(&columns).unwrap_err().to_string();
        assert!(error.contains("right-hand side 2 of 3") && error.contains("row 8"), "{error}");
        let x = vec![0.0; 400];
        let error = solver.solve_many_with(&columns, SolveOptions::new().initial_guess(&x)).unwrap_err();
        assert!(error.to_string().contains("belong to one right-hand side"), "{error}");
        assert!(solver.solve_many(&Vec::<Vec<f64>>::new()).unwrap().is_empty());
    }

    /// A solver whose first configuration fails, and limits of the caller's thread.
    #[test]
    fn the_ladder_and_limits_hold_for_all() {
        let n = 12_000;
        let sign = |i: usize| if i.is_multiple_of(7) { -1.0 } else { 1.0 };
        let entries = (0..n).flat_map(|i| {
            let far = (i + 977) % n;
            [(i, i, 1e-3 * sign(i)), (i, far, 1.0), (i, (i + 1) % n, 0.4)]
        });
        let a = Csr::from_triplets(n, n, &entries.collect::<Vec<_>>()).unwrap();
        let solver = Solver::auto(&a).unwrap();
        let columns = right_hand_sides(n, 3);
        let single = solver.solve(&columns[0]).unwrap();
        let outcomes = solver.solve_many(&columns).unwrap();
        assert!(single.converged() && outcomes.iter().all(Outcome::converged), "{single}\n{solver}");

        let a = gallery::poisson_2d(60, 60).unwrap().matrix;
        let solver = Solver::smoothed_aggregation().build(&a).unwrap();
        let (stop, columns) = (Arc::new(AtomicBool::new(true)), right_hand_sides(3600, 4));
        let stopped =
            Limits::new().stop(stop).within(|| solver.together(&as_slices(&columns), &SolveOptions::new()));
        assert!(stopped.iter().all(|out| out.as_ref().is_some_and(|out| out.iterations == 1)));
    }
}
