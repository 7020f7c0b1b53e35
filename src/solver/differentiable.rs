//! Solves of a [`Solver`] as operations of a tape.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::value::Solver;
use crate::autodiff::{Adjoints, Dense, Rule, Sparse};
use crate::backend::Cpu;
use crate::error::{Error, Result};
use crate::krylov::{Krylov, Outcome, SolveOptions};
use crate::sparse::{Csr, Pattern, Scalar};

/// A solver whose solves x = A⁻¹ b are operations of a [`Tape`](crate::autodiff::Tape), with gradients with
/// respect to b and to the nonzeros of A.
///
/// The reverse rule is b̄ = A⁻ᵀ x̄, Ā = −(b̄ xᵀ) on the pattern of A (Giles 2008, section 2.2.4). The adjoint
/// system is solved by the same method as the forward one, with the transposed cycle as its preconditioner and
/// no second setup. If the values of A changed since the last solve, the solver is
/// [refreshed](Solver::refresh), without symbolic work; a solver whose smoothers cannot be refreshed keeps its
/// cycle as the preconditioner for the new values.
///
/// Cost: a solve forward, a solve and one pass over the nonzeros backward. Memory: b, x, its adjoint, b̄ and the gradient
/// of A, and during a solve the vectors of its method instead of the gradient of A; with a warm start two more blocks. A
/// new matrix costs a copy of its values.
///
/// Tapes may be in double or single precision; the solves themselves are in double precision, and x and the
/// gradients are rounded to that of the tape.
///
/// ```
/// use multigrad::{Amg, autodiff::Tape, gallery, solver::DifferentiableSolver};
/// let problem = gallery::poisson_2d(12, 12)?;
/// let mut solver = DifferentiableSolver::new(Amg::auto(&problem.matrix)?);
/// let tape = Tape::new();
/// let (a, b) = (tape.parameter_matrix(&problem.matrix), tape.parameter(&problem.rhs));
/// let solve = solver.solve(a, b);
/// let gradients = (solve.x * solve.x).sum().gradients()?; // Σ xᵢ²
/// assert_eq!(gradients.of(a)?.len(), problem.matrix.nnz());
/// assert!(solve.residual()? <= 1e-10 && solve.adjoint_residual().unwrap() <= 1e-10);
/// # Ok::<(), multigrad::Error>(())
/// ```
#[derive(Debug)]
pub struct DifferentiableSolver {
    shared: Arc<Mutex<Shared>>,
    settings: Settings,
}

/// The solver and the solutions that start the next solves.
#[derive(Debug)]
struct Shared {
    solver: Solver,
    /// Solution and adjoint solution, row-major blocks.
    last: [Vec<f64>; 2],
}

#[derive(Debug, Clone, Copy)]
struct Settings {
    rtol: f64,
    iterations: usize,
    warm: bool,
}

/// The largest relative residual, and the number of iterations of all columns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SolveQuality {
    /// The largest ‖b − A x‖₂ / ‖b‖₂ over the columns, computed from x.
    pub residual: f64,
    /// Iterations of all columns together.
    pub iterations: usize,
}

/// A solve on a tape.
#[derive(Debug)]
pub struct TapeSolve<'t, T: Scalar = f64> {
    /// x = A⁻¹ b, a block as large as b.
    pub x: Dense<'t, T>,
    /// Forward and adjoint.
    quality: Arc<Mutex<[Option<SolveQuality>; 2]>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl DifferentiableSolver {
    /// Around a solver; relative residuals of 10⁻¹⁰ in at most 500 iterations, without a warm start.
    pub fn new(solver: Solver) -> Self {
        let shared = Shared { solver, last: [Vec::new(), Vec::new()] };
        let settings = Settings { rtol: 1e-10, iterations: 500, warm: false };
        Self { shared: Arc::new(Mutex::new(shared)), settings }
    }

    /// Relative tolerance of both solves. The error of a gradient is of this size times the condition number.
    #[must_use]
    pub fn rtol(mut self, rtol: f64) -> Self {
        self.settings.rtol = rtol;
        self
    }

    /// Largest number of iterations of a column. Default: 500.
    #[must_use]
    pub fn max_iterations(mut self, iterations: usize) -> Self {
        self.settings.iterations = iterations;
        self
    }

    /// Whether a solve starts from the previous solution of as many columns, and an adjoint from the previous
    /// adjoint. Results then depend on the order of the calls, within the tolerance. Default: no.
    #[must_use]
    pub fn warm_start(mut self, warm: bool) -> Self {
        self.settings.warm = warm;
        self
    }

    /// x = A⁻¹ b for a block b with any number of columns, solved one after another. A must have the pattern of
    /// the solver's matrix.
    ///
    /// Other shapes, another pattern, a solve that does not converge, or dual numbers (which [`Sparse::solve`] takes)
    /// make x a failed operation; the error comes with its values or gradients. An adjoint that does not converge is
    /// an error of the reverse sweep: a wrong gradient is never returned.
    pub fn solve<'t, T: Scalar>(&mut self, a: Sparse<'t, T>, b: Dense<'t, T>) -> TapeSolve<'t, T> {
        let quality = Arc::new(Mutex::new([None; 2]));
        let columns = b.extent().1;
        let x = a.tape().outside(&[&a, &b], columns, |values| {
            if T::PARTS > 1 {
                let text =
                    "an iterative solve drops the derivatives of dual numbers; use `Sparse::solve` for them";
                return Err(Error::unsuited(text));
            }
            let pattern = a.pattern()?;
            let mut shared = lock(&self.shared);
            shared.set(&pattern, &T::widened(values[0]))?;
            if values[1].len() != pattern.rows() * columns {
                let (rows, n) = (values[1].len() / columns.max(1), pattern.rows());
                let text = format!("a solve with a matrix of order {n} and a block of {rows} rows");
                return Err(Error::dimension(text));
            }
            let (x, done) = shared.run(0, &pattern, values[0], values[1], columns, self.settings)?;
            lock(&quality)[0] = Some(done);
            let rule = SolveRule {
                shared: self.shared.clone(),
                pattern,
                columns,
                settings: self.settings,
                quality: quality.clone(),
            };
            Ok((x, Box::new(rule) as Box<dyn Rule<T>>))
        });
        TapeSolve { x, quality }
    }

    /// Calls `f` with the solver, refreshed for the last matrix.
    pub fn with_solver<R>(&self, f: impl FnOnce(&Solver) -> R) -> R {
        f(&lock(&self.shared).solver)
    }
}

impl<T: Scalar> TapeSolve<'_, T> {
    /// The largest relative residual ‖b − A x‖₂ / ‖b‖₂ of the columns.
    ///
    /// # Errors
    /// The error of the solve.
    pub fn residual(&self) -> Result<f64> {
        let known = lock(&self.quality)[0].map(|q| q.residual);
        known.map_or_else(|| self.x.values().map(|_| f64::INFINITY), Ok)
    }

    /// The largest relative residual ‖x̄ − Aᵀ b̄‖₂ / ‖x̄‖₂ of the last reverse sweep, if there was one.
    pub fn adjoint_residual(&self) -> Option<f64> {
        self.adjoint().map(|q| q.residual)
    }

    /// Residual and iterations of the forward solve.
    pub fn forward(&self) -> Option<SolveQuality> {
        lock(&self.quality)[0]
    }

    /// Residual and iterations of the last adjoint solve.
    pub fn adjoint(&self) -> Option<SolveQuality> {
        lock(&self.quality)[1]
    }
}

impl Shared {
    /// Refreshes the solver if the values differ from its own.
    fn set(&mut self, pattern: &Arc<Pattern>, values: &[f64]) -> Result<()> {
        let own = self.solver.matrix();
        if !Arc::ptr_eq(own.pattern(), pattern) && own.pattern() != pattern {
            return Err(Error::dimension(format!(
                "the solver was built for another pattern ({} rows, {} entries) than that of the matrix on the tape ({} rows, {} entries); build a solver for this pattern",
                own.rows(),
                own.nnz(),
                pattern.rows(),
                pattern.nnz()
            )));
        }
        if own.values() == values {
            return Ok(());
        }
        match self.solver.refresh(&Csr::new(pattern.clone(), values.to_vec())?) {
            // Smoothers of the old values still precondition the new ones.
            Err(e) if e.is_unsuited() => Ok(()),
            other => other,
        }
    }

    /// Solves A x = b (`which` 0) or Aᵀ x = b (1) column by column.
    fn run<T: Scalar>(
        &mut self,
        which: usize,
        pattern: &Arc<Pattern>,
        values: &[T],
        b: &[T],
        columns: usize,
        settings: Settings,
    ) -> Result<(Vec<T>, SolveQuality)> {
        let (values, b) = (T::widened(values), T::widened(b));
        let warm = settings.warm && self.last[which].len() == b.len();
        let (mut x, mut done) = (Vec::new(), SolveQuality { residual: 0.0, iterations: 0 });
        // Values that the solver could not take, or that a later solve has replaced.
        let own = self.solver.matrix().values() == &values[..];
        let other = if own { None } else { Some(Csr::new(pattern.clone(), values.into_owned())?) };
        // The method of the solver is that of its own matrix.
        let general = other.as_ref().is_some_and(|a| self.solver.krylov() == Krylov::Cg && !a.is_symmetric());
        for c in 0..columns {
            let b = column(&b, c, columns);
            let guess = if warm { column(&self.last[which], c, columns) } else { Cow::Borrowed(&[][..]) };
            let mut options = SolveOptions::new().rtol(settings.rtol).max_iterations(settings.iterations);
            if warm {
                options = options.initial_guess(&guess);
            }
            if general {
                options = options.krylov(Krylov::Fgmres);
            }
            let out = match (&other, which) {
                (None, 0) => self.solver.solve_with(&b, options)?,
                (None, _) => self.solver.solve_transposed_with(&b, options)?,
                (Some(a), 0) => self.solver.solve_for(a, &b, options)?,
                (Some(a), _) => self.solver.solve_transposed_for(a, &b, options)?,
            };
            accept(["the solve", "the adjoint solve"][which], c, &out, settings.rtol)?;
            done.residual = done.residual.max(out.relative_residual());
            done.iterations += out.iterations;
            if columns == 1 {
                x = out.x;
            } else {
                x.resize(b.len() * columns, 0.0);
                x.iter_mut().skip(c).step_by(columns).zip(out.x).for_each(|(x, v)| *x = v);
            }
        }
        if settings.warm {
            self.last[which].clone_from(&x);
        }
        Ok((T::narrowed(x), done))
    }
}

/// Column c of a row-major block.
fn column(block: &[f64], c: usize, columns: usize) -> Cow<'_, [f64]> {
    match columns {
        1 => Cow::Borrowed(block),
        _ => block.iter().skip(c).step_by(columns).copied().collect(),
    }
}

fn accept(what: &str, column: usize, out: &Outcome, rtol: f64) -> Result<()> {
    if out.converged() {
        return Ok(());
    }
    let advice = out.advice.as_deref().unwrap_or("allow more iterations or a larger tolerance");
    Err(Error::unsuited(format!(
        "{what} of column {} is {} after {} iterations, with relative residual {:.1e} and tolerance {rtol:.1e}; {advice}",
        column + 1,
        out.status,
        out.iterations,
        out.relative_residual()
    )))
}

struct SolveRule {
    shared: Arc<Mutex<Shared>>,
    pattern: Arc<Pattern>,
    columns: usize,
    settings: Settings,
    quality: Arc<Mutex<[Option<SolveQuality>; 2]>>,
}

impl<T: Scalar> Rule<T> for SolveRule {
    fn reverse(&self, operands: &[&[T]], x: &[T], up: &[T], wanted: &[bool]) -> Result<Adjoints<T>> {
        let k = self.columns;
        let (adjoint, done) = lock(&self.shared).run(1, &self.pattern, operands[0], up, k, self.settings)?;
        lock(&self.quality)[1] = Some(done);
        let of_a = wanted[0].then(|| {
            let mut g = vec![T::ZERO; self.pattern.nnz()];
            Cpu.sampled_product(-T::ONE, &self.pattern, &adjoint, x, &mut g, k);
            g
        });
        Ok(vec![of_a, wanted[1].then_some(adjoint)])
    }
}
