//! Solves on several ranks: reading and distributing, setup, learning, and the solves.

use std::fmt;
use std::path::PathBuf;
use std::time::Instant;

use tempfile::NamedTempFile;

pub use super::entries::LearnedEntries;
pub use super::learned::LearnedTau;
use super::learned::smoother_options;
pub use super::native::{Levels, LinearSolver, Matrix, Reduction, Region, Session, Solved, Vector};
pub use super::session::{Failure, Outcome};
use super::{Export, IndexWidth, layout, write_system};
use crate::error::{Error, Result};
use crate::learn::Trainer;
use crate::schwarz::partition;
use crate::solver::Solver;
use crate::sparse::{Csr, Pattern};

/// Iterations in which a learned τ must reduce the residual further than the smoothers of PETSc.
const TRIAL: usize = 8;
/// Residual relative to b after these iterations below which there is nothing to compare.
const CLEAR: f64 = 1e-4;
/// Iterations for entries, whose faults at the borders of ranks show late.
const LONG_TRIAL: usize = 25;

/// What rank 0 has read.
#[derive(Debug)]
pub enum Source {
    /// A solver for its matrix, and b.
    Solver(Box<Solver>, Vec<f64>),
    /// A matrix, and b.
    Matrix(Csr<f64>, Vec<f64>),
    /// A binary file of PETSc with a matrix, which all ranks read, and b if it is not all ones.
    File(PathBuf, Option<Vec<f64>>),
}

/// A system on all ranks.
#[derive(Debug)]
pub struct Problem {
    /// The file that all ranks read: an exported solver, or a matrix.
    file: PathBuf,
    /// Rows of this rank; `None` if PETSc decides.
    rows: Option<usize>,
    /// On rank 0: b in the order of the file.
    rhs: Option<Vec<f64>>,
    /// On rank 0: the original row of every row of the file.
    permutation: Option<Vec<u32>>,
    /// What the smoothers are.
    smoother: String,
    /// On rank 0: keeps the files until the end.
    _folder: Option<Files>,
}

/// Temporary files.
#[derive(Debug)]
struct Files(NamedTempFile, PathBuf);

impl Drop for Files {
    fn drop(&mut self) {
        // What cannot be removed stays in the folder of temporary files.
        let _ = std::fs::remove_file(&self.1);
    }
}

impl Files {
    fn new() -> Result<Self> {
        let file = tempfile::Builder::new().prefix("multigrad-").suffix(".petsc").tempfile();
        let file = file.map_err(|e| Error::io("write", &std::env::temp_dir(), e))?;
        let mut options = file.path().as_os_str().to_owned();
        options.push(".options");
        Ok(Self(file, options.into()))
    }
}

/// The rank of every row: parts of the graph, or equal runs.
fn ranks_of(pattern: &Pattern, ranks: usize, metis: bool) -> Result<Vec<u32>> {
    if !metis || ranks == 1 {
        return Ok(layout::Rows::equal(pattern.rows(), ranks).rank);
    }
    partition(pattern, ranks.min(pattern.rows()))
}

impl Problem {
    /// Distributes what rank 0 has read, by METIS or in equal runs of rows. `overlap` is that of incomplete factors of an
    /// exported solver ([`Export::overlap`]).
    ///
    /// # Errors
    /// A solver that cannot be exported; a file that cannot be written or read.
    pub fn distribute(
        session: &Session,
        source: Option<Source>,
        metis: bool,
        overlap: Option<usize>,
    ) -> Outcome<Self> {
        let ranks = session.size();
        let width = if session.index_bits() == 64 { IndexWidth::Bits64 } else { IndexWidth::Bits32 };
        let own = session.on_root(|| {
            let Some(source) = source else { return Err(Error::invalid_input("rank 0 has read nothing")) };
            Ok(match source {
                Source::File(path, rhs) => {
                    (path, Vec::new(), rhs, None, "smoothers of PETSc".to_string(), None)
                }
                Source::Solver(solver, rhs) => {
                    let files = Files::new()?;
                    let rank = ranks_of(solver.matrix().pattern(), ranks, metis)?;
                    let export = Export::new(&solver).rank_of_rows(rank, ranks).index_width(width);
                    let export = overlap.map_or(export.clone(), |rings| export.overlap(rings));
                    let written = export.write(files.0.path())?;
                    let rhs = reordered(&rhs, written.permutation.as_deref());
                    let smoother = solver.smoother();
                    let path = files.0.path().to_path_buf();
                    (path, written.counts, Some(rhs), written.permutation, smoother, Some(files))
                }
                Source::Matrix(a, rhs) => {
                    let files = Files::new()?;
                    let rows = layout::Rows::of_ranks(ranks_of(a.pattern(), ranks, metis)?, ranks);
                    write_system(files.0.path(), &layout::renumbered(&a, &rows, &rows)?, None, width)?;
                    let permutation = (!rows.is_natural()).then(|| rows.order.clone());
                    let rhs = reordered(&rhs, permutation.as_deref());
                    let path = files.0.path().to_path_buf();
                    (path, rows.counts, Some(rhs), permutation, "smoothers of PETSc".into(), Some(files))
                }
            })
        })?;
        let (path, counts, rhs, permutation, smoother, folder) = match own {
            Some((path, counts, rhs, permutation, smoother, folder)) => {
                (Some(path.to_string_lossy().into_owned()), counts, rhs, permutation, Some(smoother), folder)
            }
            None => (None, Vec::new(), None, None, None, None),
        };
        let file = PathBuf::from(session.share(path.as_deref())?);
        let smoother = session.share(smoother.as_deref())?;
        let words: Vec<String> = counts.iter().map(ToString::to_string).collect();
        let counts = session.share(session.is_root().then(|| words.join(" ")).as_deref())?;
        let rows = counts.split(' ').nth(session.rank()).and_then(|n| n.parse().ok());
        Ok(Self { file, rows, rhs, permutation, smoother, _folder: folder })
    }
}

fn reordered(b: &[f64], permutation: Option<&[u32]>) -> Vec<f64> {
    permutation.map_or_else(|| b.to_vec(), |order| order.iter().map(|&i| b[i as usize]).collect())
}

/// Smoothers for a hierarchy of PETSc.
#[derive(Debug, Clone)]
pub enum Smoothers {
    /// Incomplete factors weakened by τ; `None` learns it.
    Tau {
        /// τ from 0 to 1.
        tau: Option<f64>,
        /// Rings by which the factors of ranks overlap.
        overlap: usize,
    },
    /// The entries of a sparse M on every level, trained on each rank.
    Entries {
        /// The settings of the training.
        trainer: Box<Trainer>,
        /// Rings of neighbours that belong to a rank's training.
        overlap: usize,
    },
    /// Those that options of PETSc describe (`-mg_levels_…`).
    Classical,
}

/// Seconds of all processors in the parts of a run.
#[derive(Debug, Clone, Copy, Default)]
struct Spent {
    setup: f64,
    learning: f64,
}

/// A solver that is ready on all ranks.
#[derive(Debug)]
pub struct Run<'s> {
    problem: Problem,
    matrix: Matrix<'s>,
    solver: LinearSolver<'s>,
    rhs: Vector<'s>,
    tau: Option<f64>,
    notices: Vec<String>,
    smoother: String,
    spent: Spent,
}

/// Iterations, accuracy and times in a few lines.
impl fmt::Display for RunResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for notice in &self.notices {
            writeln!(f, "{notice}")?;
        }
        writeln!(f, "{}; {} to {} rows per rank", self.smoother, self.fewest, self.most)?;
        let word = if self.converged { "converged" } else { "not converged" };
        writeln!(f, "{word} after {} iterations, relative residual {:.3e}", self.iterations, self.residual)?;
        write!(
            f,
            "processor seconds of all ranks: setup {:.3}, learning {:.3}, one solve {:.3}",
            self.setup_cpu, self.learning_cpu, self.solve_cpu
        )
    }
}

/// Result of a run, the same on every rank except for x and times.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RunResult {
    /// On rank 0: x, in the order of the matrix that was read.
    pub x: Vec<f64>,
    /// Number of rows.
    pub rows: usize,
    /// Least number of rows of a rank.
    pub fewest: usize,
    /// Largest number of rows of a rank.
    pub most: usize,
    /// Number of entries of A.
    pub entries: f64,
    /// Whether PETSc's stopping test was met.
    pub converged: bool,
    /// Iterations of one solve.
    pub iterations: usize,
    /// ‖b − A x‖₂ / ‖b‖₂, computed anew.
    pub residual: f64,
    /// Norms of the residual, from the first on.
    pub history: Vec<f64>,
    /// The smoothers.
    pub smoother: String,
    /// τ, if one was learned or given.
    pub tau: Option<f64>,
    /// Sentences about a fallback.
    pub notices: Vec<String>,
    /// Processor seconds of all ranks for the hierarchy and the first factorisations.
    pub setup_cpu: f64,
    /// Processor seconds of all ranks for learning and its verification.
    pub learning_cpu: f64,
    /// Processor seconds of all ranks for one solve, on average.
    pub solve_cpu: f64,
    /// Seconds of one solve, on average.
    pub solve_wall: f64,
    /// Number of solves.
    pub solves: usize,
}

impl<'s> Run<'s> {
    /// The solver of an exported file, as it is.
    ///
    /// # Errors
    /// A file that does not fit the run; failures of PETSc.
    pub fn exported(session: &'s Session, problem: Problem) -> Outcome<Self> {
        let start = session.cpu_seconds();
        let (solver, matrix) = session.load_solver(&problem.file)?;
        solver.set_up()?;
        let setup = spent(session, start)?;
        let rhs = matrix.vector(problem.rhs.as_deref())?;
        let smoother = problem.smoother.clone();
        let spent = Spent { setup, learning: 0.0 };
        Ok(Self { problem, matrix, solver, rhs, tau: None, notices: Vec::new(), smoother, spent })
    }

    /// A hierarchy that PETSc builds (`gamg`, `hypre`; options with the prefix `setup_`), with smoothers that are learned on
    /// each rank's own rows. Learned smoothers are verified on the whole system: if they do not reduce the residual further in
    /// eight iterations (25 for entries) than the smoothers that PETSc takes by itself, those solve, and a notice says so.
    ///
    /// # Errors
    /// Failures of PETSc.
    pub fn on_hierarchy(
        session: &'s Session,
        problem: Problem,
        kind: &str,
        smoothers: &Smoothers,
    ) -> Outcome<Self> {
        let matrix = session.load_matrix(&problem.file, problem.rows)?;
        let rhs = matrix.vector(problem.rhs.as_deref())?;
        let start = session.cpu_seconds();
        session.options(&format!("-setup_pc_type {kind}"))?;
        let mut levels = matrix.levels("setup_")?;
        let mut times = Spent { setup: spent(session, start)?, learning: 0.0 };
        let start = session.cpu_seconds();
        let symmetric = is_symmetric(session, &mut levels)?;
        session.options(&method_options("", symmetric))?;
        let mut notices = Vec::new();
        let mut own = None;
        if !matches!(smoothers, Smoothers::Classical) {
            match with_learned(session, &mut levels, smoothers, symmetric, &rhs) {
                Ok(learned) => own = Some(learned),
                // Only what all ranks agree on leads to other smoothers.
                Err(Failure::Everywhere(e)) => notices.push(format!(
                    "the learned smoothers are not used: {e}; the smoothers of PETSc solve instead"
                )),
                Err(here) => return Err(here),
            }
            times.learning = spent(session, start)?;
        }
        let (solver, smoother, tau) = match own {
            Some(own) => own,
            None => {
                let start = session.cpu_seconds();
                let solver = levels.solver("", false, false)?;
                solver.set_up()?;
                times.setup += spent(session, start)?;
                (solver, problem.smoother.clone(), None)
            }
        };
        Ok(Self { problem, matrix, solver, rhs, tau, notices, smoother, spent: times })
    }

    /// A solver that options of PETSc describe, such as `-pc_type hypre`.
    ///
    /// # Errors
    /// Failures of PETSc.
    pub fn by_options(session: &'s Session, problem: Problem) -> Outcome<Self> {
        let matrix = session.load_matrix(&problem.file, problem.rows)?;
        let rhs = matrix.vector(problem.rhs.as_deref())?;
        let start = session.cpu_seconds();
        session.options(STOPPING)?;
        let solver = matrix.solver("")?;
        let times = Spent { setup: spent(session, start)?, learning: 0.0 };
        let smoother = "a solver by options of PETSc".to_string();
        Ok(Self { problem, matrix, solver, rhs, tau: None, notices: Vec::new(), smoother, spent: times })
    }

    /// Solves as many times from zero.
    ///
    /// # Errors
    /// Failures of PETSc. Failure to converge is not an error.
    pub fn solve(self, session: &Session, solves: usize) -> Outcome<RunResult> {
        let (start, clock) = (session.cpu_seconds(), Instant::now());
        let mut solved = self.solver.solve(&self.rhs)?;
        for _ in 1..solves {
            solved = self.solver.solve(&self.rhs)?;
        }
        let count = solves.max(1) as f64;
        let solve_cpu = spent(session, start)? / count;
        let solve_wall = clock.elapsed().as_secs_f64() / count;
        let (rows, local, entries) = self.matrix.size()?;
        let gathered = solved.x.gather(session, rows)?;
        let mut x = gathered.clone();
        if let Some(order) = &self.problem.permutation {
            order.iter().zip(&gathered).for_each(|(&i, &v)| x[i as usize] = v);
        }
        Ok(RunResult {
            x,
            rows,
            fewest: session.reduce(local as f64, Reduction::Least)? as usize,
            most: session.reduce(local as f64, Reduction::Largest)? as usize,
            entries,
            converged: solved.reason > 0,
            iterations: solved.iterations,
            residual: solved.residual,
            history: self.solver.history()?,
            smoother: self.smoother,
            tau: self.tau,
            notices: self.notices,
            setup_cpu: self.spent.setup,
            learning_cpu: self.spent.learning,
            solve_cpu,
            solve_wall,
            solves,
        })
    }
}

/// Processor seconds of all ranks since a time of this one.
fn spent(session: &Session, since: f64) -> Result<f64> {
    session.reduce(session.cpu_seconds() - since, Reduction::Sum)
}

/// Whether the finest matrix is symmetric: every rank tests its own rows and one ring.
fn is_symmetric(session: &Session, levels: &mut Levels<'_>) -> Outcome<bool> {
    let region = session.together(levels.region(levels.count() - 1, 1))?;
    Ok(session.reduce(f64::from(u8::from(region.matrix.is_symmetric())), Reduction::Least)? > 0.0)
}

/// A solver with smoothers of its own, their name, and τ.
type Learned<'s> = (LinearSolver<'s>, String, Option<f64>);

/// A solver with learned smoothers, verified. A τ that fails is doubled up to three times: the border of a rank may need a
/// larger one than patches show.
fn with_learned<'s>(
    session: &'s Session,
    levels: &mut Levels<'s>,
    smoothers: &Smoothers,
    symmetric: bool,
    b: &Vector<'_>,
) -> Outcome<Learned<'s>> {
    let options = smoother_options(matches!(smoothers, Smoothers::Entries { .. }));
    let own = |levels: &Levels<'s>| -> Result<LinearSolver<'s>> {
        session.options(&options)?;
        let solver = levels.solver("", true, symmetric)?;
        solver.set_up()?;
        session.forget(&options)?;
        Ok(solver)
    };
    let with_tau = |levels: &mut Levels<'s>, learned: LearnedTau, overlap: usize| -> Outcome<Learned<'s>> {
        learned.install(session, levels, overlap)?;
        let name = format!("ILU(0) of each rank with {overlap} rings of overlap, τ = {}", learned.tau);
        Ok((own(levels)?, name, Some(learned.tau)))
    };
    match smoothers {
        Smoothers::Classical => Err(Error::unsuited("there is nothing to learn").into()),
        Smoothers::Tau { tau: Some(tau), overlap } => {
            with_tau(levels, LearnedTau::given(*tau, session.size(), symmetric), *overlap)
        }
        Smoothers::Tau { tau: None, overlap } => {
            let found = LearnedTau::of(session, levels)?;
            let (mut theirs, mut tried) = (None, Vec::new());
            for tau in [1.0, 2.0, 4.0, 8.0].map(|factor| factor * found.tau).into_iter().filter(|&t| t < 1.0)
            {
                let learned = with_tau(levels, LearnedTau { tau, ..found }, *overlap)?;
                let after = residual_after(&learned.0, b, TRIAL)?;
                let petsc = match theirs {
                    Some(petsc) => petsc,
                    None if after < CLEAR => return Ok(learned),
                    None => *theirs.insert(of_petsc(session, levels, symmetric, b, TRIAL)?),
                };
                if after < petsc {
                    return Ok(learned);
                }
                tried.push(format!("{after:.1e} with τ = {tau:.3}"));
            }
            let (tried, theirs) = (tried.join(", "), theirs.unwrap_or(f64::NAN));
            no_better(session, &format!("{tried}, those of PETSc to {theirs:.1e}"), TRIAL)
        }
        Smoothers::Entries { trainer, overlap } => {
            let trained = LearnedEntries::of(session, levels, trainer, *overlap, symmetric)?;
            let solver = own(levels)?;
            let after = residual_after(&solver, b, LONG_TRIAL)?;
            let theirs = of_petsc(session, levels, symmetric, b, LONG_TRIAL)?;
            if after >= theirs {
                return no_better(
                    session,
                    &format!("{after:.1e}, those of PETSc to {theirs:.1e}"),
                    LONG_TRIAL,
                );
            }
            let rings = format!("{overlap} rings of overlap");
            Ok((solver, format!("sparse M, trained on each rank's rows with {rings} ({trained})"), None))
        }
    }
}

/// The error that all ranks have if learned smoothers are no better.
fn no_better<T>(session: &Session, residuals: &str, trial: usize) -> Outcome<T> {
    session.together(Err(Error::unsuited(format!(
        "in {trial} iterations they reduce the residual relative to b to {residuals}"
    ))))
}

/// ‖b − A x‖₂ / ‖b‖₂ after a few iterations; infinite where it is not finite.
fn residual_after(solver: &LinearSolver<'_>, b: &Vector<'_>, iterations: usize) -> Result<f64> {
    let residual = solver.solve_at_most(b, iterations)?.residual;
    Ok(if residual.is_finite() { residual } else { f64::INFINITY })
}

/// The same with the smoothers that PETSc takes by itself.
fn of_petsc(
    session: &Session,
    levels: &Levels<'_>,
    symmetric: bool,
    b: &Vector<'_>,
    iterations: usize,
) -> Result<f64> {
    session.options(&method_options("trial_", symmetric))?;
    residual_after(&levels.solver("trial_", false, false)?, b, iterations)
}

/// The stopping test of the library.
const STOPPING: &str = "-ksp_norm_type unpreconditioned -ksp_rtol 1e-8 -ksp_atol 0 -ksp_max_it 500";

/// Options of the Krylov method and of the coarsest level; those of the command line take precedence.
fn method_options(prefix: &str, symmetric: bool) -> String {
    let method = if symmetric { "cg" } else { "fgmres" };
    format!(
        "{} -{prefix}ksp_type {method} -{prefix}mg_coarse_ksp_type preonly -{prefix}mg_coarse_pc_type redundant \
         -{prefix}mg_coarse_redundant_pc_type lu",
        STOPPING.replace("-ksp", &format!("-{prefix}ksp"))
    )
}
