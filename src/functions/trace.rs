//! Traces of functions of symmetric matrices by stochastic Lanczos quadrature.

use std::sync::{Arc, Mutex, PoisonError};

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use rayon::prelude::*;

use super::action::Action;
use super::apply::{Applied, FunctionOf};
use super::decomposition::Process;
use super::krylov::check_symmetry;
use super::recorded::{matrix, real};
use super::small::MatrixFunction;
use crate::autodiff::{Adjoints, Number, Rule, Sparse};
use crate::error::{Error, Result};
use crate::sparse::{Csr, Pattern, Scalar};

/// Largest number of probes.
const MOST: usize = 1_000_000;

/// tr f(A) ≈ (1/m) Σ zᵢᵀ f(A) zᵢ for random signs zᵢ, each term by Lanczos quadrature (Ubaru, Chen and Saad, SIAM
/// J. Matrix Anal. Appl. 38, 2017). With f = log it is log det A.
///
/// The estimate has two errors: that of the mean over m probes, which is random, and that of K steps of Lanczos, which is
/// nearly the same for all probes. Both are estimated, and [`Estimate::interval`] contains both.
///
/// Cost: m decompositions of K steps, in parallel over the probes; memory: K vectors per thread. The same seed gives
/// the same bits on any number of threads.
///
/// ```
/// use multigrad::{functions::StochasticTrace, gallery};
/// let a = gallery::poisson_2d(16, 16)?.matrix;
/// let estimate = StochasticTrace::log_determinant().order(30).probes(20).seed(3).of(&a)?;
/// // Σ ln(4 sin²(iπ/34) + 4 sin²(jπ/34))
/// let s = |i: usize| 4.0 * (i as f64 * std::f64::consts::PI / 34.0).sin().powi(2);
/// let exact: f64 = (1..=16).flat_map(|i| (1..=16).map(move |j| (s(i) + s(j)).ln())).sum();
/// assert!((estimate.value - exact).abs() < 3.0 * estimate.error);
/// # Ok::<(), multigrad::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct StochasticTrace {
    function: FunctionOf,
    probes: usize,
    seed: u64,
}

/// A trace with its errors.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Estimate {
    /// The mean over the probes.
    pub value: f64,
    /// The standard error of the mean: the standard deviation of the probes over √m.
    pub error: f64,
    /// Estimate of the error of K steps by the changes of the value from K/4 to K/2 and from K/2 to K steps, for an error
    /// that is a power of K. Zero for the terms of [`new`](Self::new) and in an invariant space; infinite with fewer than
    /// four steps.
    pub truncation: f64,
    /// The terms zᵢᵀ f(A) zᵢ.
    pub terms: Vec<f64>,
}

impl Estimate {
    /// The mean of independent terms of equal distribution, such as the inner products of
    /// [`gradients_of_terms`](StochasticTrace::gradients_of_terms) with a direction.
    ///
    /// # Errors
    /// Fewer than two terms.
    pub fn new(terms: Vec<f64>) -> Result<Self> {
        if terms.len() < 2 {
            return Err(Error::invalid_input("the error of a mean needs two or more terms"));
        }
        Ok(Self::of(terms))
    }

    fn of(terms: Vec<f64>) -> Self {
        let m = terms.len() as f64;
        let value = terms.iter().sum::<f64>() / m;
        let square: f64 = terms.iter().map(|t| (t - value) * (t - value)).sum();
        Self { value, error: (square / (m - 1.0) / m).sqrt(), truncation: 0.0, terms }
    }

    /// An interval that contains the trace with a probability of 95 %: mean ± (t × standard error + truncation), for
    /// Student's t of m − 1 degrees of freedom (Cornish and Fisher's expansion).
    pub fn interval(&self) -> (f64, f64) {
        let (z, v) = (1.959_964_f64, self.terms.len() as f64 - 1.0);
        let t =
            z + (z.powi(3) + z) / (4.0 * v) + (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / (96.0 * v * v);
        let half = t * self.error + self.truncation;
        (self.value - half, self.value + half)
    }
}

impl StochasticTrace {
    /// tr f(A) by 30 steps and 30 probes.
    pub fn new(function: MatrixFunction) -> Self {
        let function = FunctionOf::new(function).process(Process::ThreeTerm);
        Self { function, probes: 30, seed: 0 }
    }

    /// log det A = tr log A.
    pub fn log_determinant() -> Self {
        Self::new(MatrixFunction::Log)
    }

    /// Steps of Lanczos per probe. Default: 30.
    #[must_use]
    pub fn order(mut self, steps: usize) -> Self {
        self.function = self.function.order(steps);
        self
    }

    /// The number of probes, at least 2. Default: 30.
    #[must_use]
    pub fn probes(mut self, probes: usize) -> Self {
        self.probes = probes;
        self
    }

    /// The seed of the probes. Default: 0.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The symmetric process. Default: [`Process::ThreeTerm`], whose loss of orthogonality does quadrature no harm.
    #[must_use]
    pub fn process(mut self, process: Process) -> Self {
        self.function = self.function.process(process);
        self
    }

    /// As [`FunctionOf::store`]: without stored vectors, memory is a few vectors per thread.
    #[must_use]
    pub fn store(mut self, store: bool) -> Self {
        self.function = self.function.store(store);
        self
    }

    /// Random signs, a function of seed and probe.
    fn probe(&self, n: usize, index: usize) -> Vec<f64> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(index as u64);
        let mut words = 0u64;
        (0..n)
            .map(|i| {
                if i % 64 == 0 {
                    words = rng.random();
                }
                if words >> (i % 64) & 1 == 1 { 1.0 } else { -1.0 }
            })
            .collect()
    }

    fn check(&self, a: &Csr<f64>) -> Result<()> {
        if !(2..=MOST).contains(&self.probes) || self.function.process == Process::Arnoldi {
            return Err(Error::invalid_input(
                "a stochastic trace needs two probes or more, for its error, a million at most, and a symmetric process",
            ));
        }
        if a.rows() != a.cols() || a.rows() == 0 {
            let text = format!("a trace of a {} × {} matrix; it must be square", a.rows(), a.cols());
            return Err(Error::dimension(text));
        }
        check_symmetry(a, self.function.process)
    }

    /// Estimates tr f(A).
    ///
    /// # Errors
    /// A matrix that is not symmetric; fewer than 2 probes; a function that is not defined at a Ritz value.
    pub fn of(&self, a: &Csr<f64>) -> Result<Estimate> {
        self.check(a)?;
        let term = |i| {
            let applied = self.function.decomposed(a, &self.probe(a.rows(), i))?;
            Ok((applied.quadratic(), self.changes(&applied)))
        };
        let terms: Vec<_> = (0..self.probes).into_par_iter().map(term).collect::<Result<_>>()?;
        let mean = |of: fn(&(f64, [f64; 2])) -> f64| terms.iter().map(of).sum::<f64>() / terms.len() as f64;
        let changes = [mean(|t| t.1[0]), mean(|t| t.1[1])];
        let estimate = Estimate::of(terms.iter().map(|t| t.0).collect());
        Ok(Estimate { truncation: truncation(self.function.order, changes), ..estimate })
    }

    /// The changes of a term from a quarter to half of the steps, and from half to all of them.
    fn changes(&self, applied: &Applied) -> [f64; 2] {
        let k = self.function.order;
        if applied.d.is_exhausted() {
            return [0.0; 2];
        }
        // A function may not be defined at a Ritz value of fewer steps.
        let by = |k: usize| if k == 0 { None } else { self.function.quadratic_by(&applied.d, k).ok() };
        let (Some(quarter), Some(half)) = (by(k / 4), by(k / 2)) else { return [0.0, f64::INFINITY] };
        [half - quarter, applied.quadratic() - half]
    }

    /// tr f(A) on a tape, with the estimate. The gradient with respect to the nonzeros is the exact one of the
    /// estimated value, an unbiased estimate of that of the trace; the reverse sweep repeats the decompositions, so
    /// that memory does not grow with the number of probes.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub fn on_tape<'t, T: Scalar>(&self, a: Sparse<'t, T>) -> Result<(Number<'t, T>, Estimate)> {
        real::<T>()?;
        let pattern = a.pattern()?;
        let found = Arc::new(Mutex::new(None));
        let value = a.tape().outside(&[&a], 1, |values| {
            let estimate = self.of(&matrix(&pattern, values[0])?)?;
            let value = T::from_f64(estimate.value);
            *found.lock().unwrap_or_else(PoisonError::into_inner) = Some(estimate);
            let rule = TraceRule { trace: self.clone(), pattern: pattern.clone() };
            Ok((vec![value], Box::new(rule) as Box<dyn Rule<T>>))
        });
        value.values()?;
        let estimate = found.lock().unwrap_or_else(PoisonError::into_inner).take();
        let missing = || Error::invalid_input("the trace was not computed");
        Ok((value.at(0, 0), estimate.ok_or_else(missing)?))
    }

    /// The gradients of the terms with respect to the nonzeros, one list per probe: their mean is the gradient of the
    /// value, their spread its error.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub fn gradients_of_terms(&self, a: &Csr<f64>) -> Result<Vec<Vec<f64>>> {
        self.check(a)?;
        (0..self.probes).into_par_iter().map(|i| self.pull(a, i, 1.0)).collect()
    }

    fn pull(&self, a: &Csr<f64>, index: usize, s: f64) -> Result<Vec<f64>> {
        let applied = self.function.decomposed(a, &self.probe(a.rows(), index))?;
        let (mut of_a, _) = self.function.pull_quadratic(a as &dyn Action, &applied, s)?;
        Ok(of_a.swap_remove(0))
    }
}

/// The error after K steps, if it falls with a power of the number of steps, by its changes from K/4 to K/2 and from there to
/// K. An error that falls more slowly than K^(−0.6) is underestimated.
fn truncation(steps: usize, [first, second]: [f64; 2]) -> f64 {
    let [quarter, half, all] = [steps / 4, steps / 2, steps].map(|k| k as f64);
    // ((K/4)⁻ᵖ − (K/2)⁻ᵖ) / ((K/2)⁻ᵖ − K⁻ᵖ) increases with p.
    let ratio = |p: f64| ((half / quarter).powf(p) - 1.0) / (1.0 - (half / all).powf(p));
    let (mut low, mut high) = (0.6, 60.0);
    for _ in 0..40 {
        let p = 0.5 * (low + high);
        if ratio(p) * second.abs() < first.abs() { low = p } else { high = p }
    }
    second.abs() / ((all / half).powf(low) - 1.0)
}

struct TraceRule {
    trace: StochasticTrace,
    pattern: Arc<Pattern>,
}

impl<T: Scalar> Rule<T> for TraceRule {
    fn reverse(&self, operands: &[&[T]], _: &[T], up: &[T], _: &[bool]) -> Result<Adjoints<T>> {
        let a = matrix(&self.pattern, operands[0])?;
        let s = up[0].to_f64() / self.trace.probes as f64;
        let mut sum = vec![0.0; a.nnz()];
        // In groups, summed in the order of the probes.
        for first in (0..self.trace.probes).step_by(8) {
            let group = first..self.trace.probes.min(first + 8);
            let parts: Vec<_> =
                group.into_par_iter().map(|i| self.trace.pull(&a, i, s)).collect::<Result<_>>()?;
            parts.iter().for_each(|part| sum.iter_mut().zip(part).for_each(|(s, p)| *s += p));
        }
        Ok(vec![Some(sum.iter().map(|&v| T::from_f64(v)).collect())])
    }
}
