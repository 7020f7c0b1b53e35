//! The limited-memory method of Broyden, Fletcher, Goldfarb and Shanno (Liu and Nocedal, 1989).

use serde::{Deserialize, Serialize};

use super::check;
use super::line_search::{EVALUATIONS, Found, Point, Search};
use super::memory::Memory;
use super::report::{Report, Status};
use super::vector::{dot, largest, norm};
use crate::error::{Error, Result};
use crate::sparse::Scalar;

/// Differences of the loss below this multiple of the machine precision count as rounding.
const NOISE: f64 = 10.0;

/// L-BFGS with a line search for the strong Wolfe conditions; settings and stored steps.
///
/// For smooth, deterministic losses. An iteration costs about one evaluation and 4 × memory passes over the
/// values; the method keeps 2 × memory + 5 vectors. A loss that is NaN or infinite at a trial step shortens
/// the step.
///
/// Stored steps stay for the next call, which continues if it gets the values that this one returned, and
/// restarts from any others.
///
/// ```
/// use multigrad::optimise::Lbfgs;
/// // Rosenbrock's valley.
/// let mut x = [-1.2_f64, 1.0];
/// let report = Lbfgs::new().minimise(&mut x, |x, gradient| {
///     let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
///     gradient[0] = -2.0 * a - 400.0 * x[0] * b;
///     gradient[1] = 200.0 * b;
///     Ok(a * a + 100.0 * b * b)
/// })?;
/// assert!(report.converged(), "{report}");
/// assert!((x[0] - 1.0).abs() < 1e-7 && (x[1] - 1.0).abs() < 1e-7);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound = "T: Scalar")]
pub struct Lbfgs<T> {
    length: usize,
    max_iterations: usize,
    max_evaluations: usize,
    gradient_tolerance: f64,
    decrease_tolerance: f64,
    memory: Memory<T>,
    /// The end of the last call.
    ended: Vec<T>,
}

/// The accepted point of a run, and buffers for trials.
struct Run<T> {
    loss: f64,
    gradient: Vec<T>,
    direction: Vec<T>,
    trial: Vec<T>,
    trial_gradient: Vec<T>,
    evaluations: usize,
}

impl<T: Scalar> Lbfgs<T> {
    /// Remembers 10 steps; at most 200 iterations and 1000 evaluations; tolerance √ε on the gradient
    /// (1.5e-8 in double precision, 3.5e-4 in single) and none on the decrease.
    pub fn new() -> Self {
        Self {
            length: 10,
            max_iterations: 200,
            max_evaluations: 1000,
            gradient_tolerance: T::EPSILON.sqrt(),
            decrease_tolerance: 0.0,
            memory: Memory::new(),
            ended: Vec::new(),
        }
    }

    /// The number of steps to store; 0 is steepest descent. Default: 10.
    #[must_use]
    pub fn memory(mut self, steps: usize) -> Self {
        self.length = steps;
        self
    }

    /// The largest number of iterations of one call. Default: 200.
    #[must_use]
    pub fn max_iterations(mut self, iterations: usize) -> Self {
        self.max_iterations = iterations;
        self
    }

    /// The largest number of evaluations of one call, never exceeded. Default: 1000.
    #[must_use]
    pub fn max_evaluations(mut self, evaluations: usize) -> Self {
        self.max_evaluations = evaluations;
        self
    }

    /// The largest entry of the gradient at convergence. Default: the root of the machine precision.
    #[must_use]
    pub fn gradient_tolerance(mut self, tolerance: f64) -> Self {
        self.gradient_tolerance = tolerance;
        self
    }

    /// The relative decrease of the loss in an iteration at which the method has also converged. Default: 0,
    /// which disables this test.
    #[must_use]
    pub fn decrease_tolerance(mut self, tolerance: f64) -> Self {
        self.decrease_tolerance = tolerance;
        self
    }

    /// Clears the stored steps; settings stay.
    pub fn reset(&mut self) {
        self.memory.clear();
        self.ended.clear();
    }

    /// The end of the last call, if any.
    pub(super) fn ended(&self) -> Option<&[T]> {
        Some(self.ended.as_slice()).filter(|ended| !ended.is_empty())
    }

    /// Changes `values` to ones of a lower loss. `evaluate` writes the gradient at the given values into a
    /// buffer of zeros and returns the loss.
    ///
    /// A run that does not converge is not an error: the report says so, and `values` are the last accepted
    /// ones, with the loss in the report.
    ///
    /// # Errors
    /// Settings out of range, values that are not finite, and errors of `evaluate`; `values` are then the
    /// last accepted ones.
    pub fn minimise(
        &mut self,
        values: &mut [T],
        mut evaluate: impl FnMut(&[T], &mut [T]) -> Result<f64>,
    ) -> Result<Report> {
        check::setting("the tolerance on the gradient", self.gradient_tolerance, 0.0, f64::INFINITY)?;
        check::setting("the tolerance on the decrease", self.decrease_tolerance, 0.0, f64::INFINITY)?;
        check::finite("values", values)?;
        if self.max_evaluations == 0 {
            return Err(Error::invalid_input("no evaluation is allowed; allow at least one"));
        }
        if self.ended != values || !self.memory.fits(values.len()) {
            self.reset();
        }
        let mut run = Run::start(values, &mut evaluate)?;
        let mut iterations = 0;
        let status = loop {
            if let Some(status) = self.stop(&run, iterations) {
                break status;
            }
            let before = run.loss;
            if let Err(status) = self.iterate(&mut run, values, &mut evaluate)? {
                break status;
            }
            iterations += 1;
            let scale = before.abs().max(run.loss.abs());
            if self.decrease_tolerance > 0.0 && before - run.loss <= self.decrease_tolerance * scale {
                break Status::Converged;
            }
        };
        self.ended.clear();
        self.ended.extend_from_slice(values);
        let (loss, gradient_norm) = (run.loss, largest(&run.gradient));
        Ok(Report { status, iterations, evaluations: run.evaluations, loss, gradient_norm })
    }

    fn stop(&self, run: &Run<T>, iterations: usize) -> Option<Status> {
        let gradient = largest(&run.gradient);
        if !run.loss.is_finite() || !gradient.is_finite() {
            Some(Status::NotFinite)
        } else if gradient <= self.gradient_tolerance {
            Some(Status::Converged)
        } else if iterations >= self.max_iterations {
            Some(Status::MaxIterations)
        } else if run.evaluations >= self.max_evaluations {
            Some(Status::MaxEvaluations)
        } else {
            None
        }
    }

    /// One step, along the negative gradient if the stored steps give none; or the reason why there is none.
    fn iterate(
        &mut self,
        run: &mut Run<T>,
        values: &mut [T],
        evaluate: &mut impl FnMut(&[T], &mut [T]) -> Result<f64>,
    ) -> Result<std::result::Result<(), Status>> {
        loop {
            self.memory.direction(&run.gradient, &mut run.direction);
            let mut slope = dot(&run.gradient, &run.direction);
            if slope.is_nan() || slope >= 0.0 || slope.is_infinite() {
                self.memory.clear();
                self.memory.direction(&run.gradient, &mut run.direction);
                slope = dot(&run.gradient, &run.direction);
            }
            // Without curvature information, the first step has length 1 at most.
            let first = if self.memory.is_empty() { 1.0 / norm(&run.gradient).max(1.0) } else { 1.0 };
            // One evaluation is reserved for the return to the best point after a failed search.
            let left = self.max_evaluations - run.evaluations;
            let evaluations = if left > 1 { EVALUATIONS.min(left - 1) } else { left };
            let start = Point { step: 0.0, loss: run.loss, slope };
            let noise = NOISE * T::EPSILON * run.loss.abs();
            let mut last = None;
            let at = |step| {
                let point = run.probe(step, values, evaluate)?;
                last = Some(point);
                Ok(point)
            };
            let found = Search { at, start, noise, evaluations }.run(first)?;
            let point = match found {
                Found::Both(point) => point,
                Found::Decrease(point) if last == Some(point) => point,
                Found::Decrease(point) => run.probe(point.step, values, evaluate)?,
                _ if evaluations < EVALUATIONS => return Ok(Err(Status::MaxEvaluations)),
                _ if !self.memory.is_empty() => {
                    self.memory.clear();
                    continue;
                }
                Found::NotFinite => return Ok(Err(Status::NotFinite)),
                Found::Nothing => return Ok(Err(Status::LineSearchFailed)),
            };
            let gradients = (run.gradient.as_slice(), run.trial_gradient.as_slice());
            self.memory.remember(self.length, (values, &run.trial), gradients);
            values.copy_from_slice(&run.trial);
            std::mem::swap(&mut run.gradient, &mut run.trial_gradient);
            run.loss = point.loss;
            return Ok(Ok(()));
        }
    }
}

impl<T: Scalar> Default for Lbfgs<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Scalar> Run<T> {
    fn start(values: &[T], evaluate: &mut impl FnMut(&[T], &mut [T]) -> Result<f64>) -> Result<Self> {
        let zeros = || vec![T::ZERO; values.len()];
        let mut gradient = zeros();
        let loss = evaluate(values, &mut gradient)?;
        let (direction, trial, trial_gradient) = (zeros(), zeros(), zeros());
        Ok(Self { loss, gradient, direction, trial, trial_gradient, evaluations: 1 })
    }

    /// Evaluates at `values` + `step` × direction.
    fn probe(
        &mut self,
        step: f64,
        values: &[T],
        evaluate: &mut impl FnMut(&[T], &mut [T]) -> Result<f64>,
    ) -> Result<Point> {
        let length = T::from_f64(step);
        let entries = self.trial.iter_mut().zip(values).zip(&self.direction);
        entries.for_each(|((trial, &w), &d)| *trial = w + length * d);
        self.trial_gradient.fill(T::ZERO);
        self.evaluations += 1;
        let loss = evaluate(&self.trial, &mut self.trial_gradient)?;
        Ok(Point { step, loss, slope: dot(&self.trial_gradient, &self.direction) })
    }
}
