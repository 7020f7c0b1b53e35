//! A solver behind a lock, shared with the threads that work for it.

use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError};
use std::thread;
use std::time::Duration;

use multigrad::multigrid::Cycle;
use multigrad::{Builder, CycleKind, Krylov, Preconditioner, Relaxation, Setup, SolveOptions};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::arrays::{Floats, dense};
use crate::errors::{Error, raise};
use crate::lent::Lent;
use crate::matrix::Matrix;
use crate::outcome::{Settings, Task, publish};
use crate::training;
use crate::worker::{brief, limits, run};

/// A solver with the lock of its users: several threads solve, or one changes it.
pub type Shared = Arc<RwLock<multigrad::Solver>>;

/// Level, unknowns, nonzeros, smoothers before and after the coarse-grid correction.
type LevelRow = (usize, usize, usize, String, String);

/// A solver of the library.
#[pyclass(frozen, module = "multigrad._multigrad")]
pub struct Core {
    solver: Shared,
    /// The arrays of SciPy that the solver reads in place.
    lent: Mutex<Option<Lent>>,
}

/// The parameters of a builder, as the package passes them.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Parameters {
    setup: String,
    smoother: Option<String>,
    sweeps: Option<(usize, usize)>,
    cycle: Option<String>,
    single: Option<bool>,
    accel: Option<String>,
    time_limit: Option<f64>,
    memory_limit: Option<u64>,
}

impl Parameters {
    /// The builder; `None` for the automatic choice.
    fn builder(&self) -> multigrad::Result<Option<Builder>> {
        if self.setup == "auto" {
            return Ok(None);
        }
        let mut builder = multigrad::Solver::builder(self.setup.parse::<Setup>()?);
        if let Some(text) = &self.smoother {
            builder = builder.relaxation(text.parse::<Relaxation>()?);
        }
        if let Some((pre, post)) = self.sweeps {
            builder = builder.sweeps(pre, post);
        }
        if let Some(text) = &self.cycle {
            builder = builder.cycle(text.parse::<CycleKind>()?);
        }
        if let Some(text) = &self.accel {
            builder = builder.krylov(text.parse::<Krylov>()?);
        }
        Ok(Some(if self.single == Some(true) { builder.single_precision() } else { builder }))
    }
}

/// The solver for reading; a solver whose training was cancelled is as before.
pub fn read(solver: &Shared) -> RwLockReadGuard<'_, multigrad::Solver> {
    solver.read().unwrap_or_else(PoisonError::into_inner)
}

/// The solver for changes.
pub fn write(solver: &Shared) -> RwLockWriteGuard<'_, multigrad::Solver> {
    solver.write().unwrap_or_else(PoisonError::into_inner)
}

impl Core {
    pub fn of(solver: multigrad::Solver, lent: Option<Lent>) -> Self {
        Self { solver: Arc::new(RwLock::new(solver)), lent: Mutex::new(lent) }
    }

    /// An error if somebody has changed the indices that the solver reads in place, or, with `values`, the values.
    fn check(&self, py: Python<'_>, values: bool) -> PyResult<()> {
        let lent = self.lent.lock().unwrap_or_else(PoisonError::into_inner).clone();
        lent.map_or(Ok(()), |lent| lent.check(py, values))
    }

    /// Reads the solver on this thread, for short work; waits for a change by another thread, and tests for signals.
    fn with<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&multigrad::Solver) -> multigrad::Result<T> + Send,
    ) -> PyResult<T> {
        let mut work = Some(work);
        loop {
            let done = brief(py, || {
                let guard = match self.solver.try_read() {
                    Ok(guard) => guard,
                    Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                    Err(TryLockError::WouldBlock) => {
                        thread::sleep(Duration::from_millis(5));
                        return Ok(None);
                    }
                };
                work.take().map(|work| work(&guard)).transpose()
            })?;
            if let Some(result) = done {
                return Ok(result);
            }
            py.check_signals()?;
        }
    }
}

#[pymethods]
impl Core {
    /// Builds a solver.
    #[staticmethod]
    fn build(
        py: Python<'_>,
        matrix: &Matrix,
        parameters: Parameters,
        near_nullspace: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let modes = near_nullspace.map(dense).transpose()?;
        let builder = parameters.builder().map_err(raise)?;
        let (a, lent) = matrix.shared(py)?;
        let solver =
            run(py, limits(parameters.time_limit, parameters.memory_limit), move |_| match builder {
                Some(builder) => builder.near_nullspace(modes).build(&a),
                None => multigrad::Solver::auto_with(&a, modes.as_ref()),
            })?;
        Ok(Self::of(solver, lent))
    }

    /// Reads a file.
    #[staticmethod]
    fn load(py: Python<'_>, path: String, matrix: &Matrix) -> PyResult<Self> {
        let (a, lent) = matrix.shared(py)?;
        let solver = run(py, limits(None, None), move |_| multigrad::Solver::load(path, &a))?;
        Ok(Self::of(solver, lent))
    }

    /// Writes a file.
    fn save(&self, py: Python<'_>, path: String) -> PyResult<()> {
        self.check(py, true)?;
        let solver = self.solver.clone();
        run(py, limits(None, None), move |_| read(&solver).save(path))
    }

    /// The solver of the bytes of [`to_bytes`](Self::to_bytes).
    #[staticmethod]
    fn from_bytes(py: Python<'_>, content: &Bound<'_, PyBytes>, matrix: &Matrix) -> PyResult<Self> {
        let content = content.as_bytes().to_vec();
        let (a, lent) = matrix.shared(py)?;
        let solver = run(py, limits(None, None), move |_| multigrad::Solver::from_bytes(&content, &a))?;
        Ok(Self::of(solver, lent))
    }

    /// The content of a file.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        self.check(py, true)?;
        let solver = self.solver.clone();
        let content = run(py, limits(None, None), move |_| read(&solver).to_bytes())?;
        Ok(PyBytes::new(py, &content))
    }

    /// Solves for the rows of `b` and writes the solutions to the rows of `out`.
    fn solve<'py>(
        &self,
        py: Python<'py>,
        b: &Bound<'py, PyAny>,
        x0: Option<&Bound<'py, PyAny>>,
        out: &Bound<'py, PyAny>,
        settings: Settings,
        callback: Option<Py<PyAny>>,
    ) -> PyResult<Vec<Bound<'py, PyDict>>> {
        self.check(py, true)?;
        let solver = self.solver.clone();
        let task = Task::new(b, x0, settings, callback)?;
        let outcomes = run(py, task.limits(), move |cancel| {
            let solver = read(&solver);
            let mut one = |b: &[f64], options: SolveOptions<'_>, transposed: bool| match transposed {
                true => solver.solve_transposed_with(b, options),
                false => solver.solve_with(b, options),
            };
            let mut many = |b: &[&[f64]], options: SolveOptions<'_>| solver.solve_many_with(b, options);
            task.perform(cancel, &mut one, Some(&mut many))
        })?;
        publish(py, &outcomes, out)
    }

    /// One cycle, or the transposed one: z ← B r, for every row of `r`.
    fn apply(
        &self,
        py: Python<'_>,
        r: &Bound<'_, PyAny>,
        z: &Bound<'_, PyAny>,
        transposed: bool,
    ) -> PyResult<()> {
        self.check(py, false)?;
        let (r, out) = (Floats::of(r)?, Floats::of(z)?);
        let r = r.values();
        let values = self.with(py, |solver| {
            let n = Preconditioner::rows(solver);
            if n == 0 || r.len() % n != 0 {
                let text = format!("the solver has {n} rows and was given a vector of {} values", r.len());
                return Err(multigrad::Error::dimension(text));
            }
            let mut z = vec![0.0; r.len()];
            for (r, z) in r.chunks_exact(n).zip(z.chunks_exact_mut(n)) {
                if transposed { solver.apply_transposed(r, z)? } else { solver.apply(r, z)? }
            }
            Ok(z)
        })?;
        if out.values().len() != values.len() {
            return Err(Error::new_err("the arrays of a cycle differ in size"));
        }
        out.write(py, values)
    }

    /// New values of the matrix.
    fn update(&self, py: Python<'_>, matrix: &Matrix) -> PyResult<()> {
        let (a, lent) = matrix.shared(py)?;
        let solver = self.solver.clone();
        run(py, limits(None, None), move |_| write(&solver).refresh(&a))?;
        *self.lent.lock().unwrap_or_else(PoisonError::into_inner) = lent;
        Ok(())
    }

    /// Trains by steps.
    fn train<'py>(
        &self,
        py: Python<'py>,
        settings: training::Settings,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        self.check(py, true)?;
        training::by_steps(py, self.solver.clone(), settings, progress)
    }

    /// Trains for a number of solves.
    fn train_for<'py>(
        &self,
        py: Python<'py>,
        solves: usize,
        settings: training::Settings,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        self.check(py, true)?;
        training::for_solves(py, self.solver.clone(), solves, settings, progress)
    }

    /// Level, unknowns, nonzeros and smoothers of every level.
    fn levels(&self, py: Python<'_>) -> PyResult<Vec<LevelRow>> {
        /// The table of a hierarchy in its precision.
        macro_rules! table {
            ($cycle:expr) => {{
                let hierarchy = $cycle.hierarchy();
                let mut table = Vec::new();
                for (number, level) in hierarchy.levels.iter().enumerate() {
                    let pre: Vec<String> = level.pre.iter().map(ToString::to_string).collect();
                    let post: Vec<String> = level.post.iter().map(ToString::to_string).collect();
                    let pattern = &level.a.pattern;
                    table.push((number, pattern.rows(), pattern.nnz(), pre.join(", "), post.join(", ")));
                }
                if hierarchy.coarsest_rows > 0 || table.is_empty() {
                    let coarsest = hierarchy.coarsest.matrix();
                    let (n, nnz) = (hierarchy.coarsest_rows, coarsest.nnz());
                    table.push((table.len(), n, nnz, "direct".into(), String::new()));
                }
                table
            }};
        }
        self.with(py, |solver| {
            Ok(match solver.cycle() {
                Cycle::Double(cycle) => table!(cycle),
                Cycle::Single(cycle) => table!(cycle),
            })
        })
    }

    /// The printed solver.
    fn text(&self, py: Python<'_>) -> PyResult<String> {
        self.with(py, |solver| Ok(solver.to_string()))
    }

    /// Seconds of the setup, bytes, operator and grid complexity, symmetry of the cycle, single precision, method.
    fn figures(&self, py: Python<'_>) -> PyResult<(f64, usize, f64, f64, bool, bool, &'static str)> {
        self.with(py, |solver| {
            Ok((
                solver.setup_seconds(),
                solver.bytes(),
                solver.operator_complexity(),
                solver.grid_complexity(),
                Preconditioner::is_symmetric(solver),
                solver.is_single_precision(),
                solver.krylov().name(),
            ))
        })
    }

    /// The estimate of the condition number.
    fn condition(&self, py: Python<'_>) -> PyResult<f64> {
        self.check(py, true)?;
        let solver = self.solver.clone();
        run(py, limits(None, None), move |_| read(&solver).condition().map(|c| c.number))
    }

    /// The estimate of the relative error of x.
    fn forward_error(&self, py: Python<'_>, x: &Bound<'_, PyAny>, b: &Bound<'_, PyAny>) -> PyResult<f64> {
        self.check(py, true)?;
        let (x, b) = (Floats::of(x)?.values().to_vec(), Floats::of(b)?.values().to_vec());
        let solver = self.solver.clone();
        run(py, limits(None, None), move |_| read(&solver).forward_error(&x, &b).map(|e| e.bound))
    }

    /// The matrix.
    fn matrix(&self, py: Python<'_>) -> PyResult<Matrix> {
        let lent = self.lent.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.with(py, |solver| Ok(Matrix::with(solver.matrix().clone(), lent)))
    }

    #[getter]
    fn rows(&self, py: Python<'_>) -> PyResult<usize> {
        self.with(py, |solver| Ok(Preconditioner::rows(solver)))
    }
}
