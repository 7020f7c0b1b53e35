//! f(A) v and vᵀ f(A) v.

use super::action::Action;
use super::adjoint::{OfBasis, Upstream};
use super::decomposition::{Decomposition, Process};
use super::krylov::{check_symmetry, run};
use super::small::{FirstColumn, MatrixFunction};
use super::three_term;
use crate::error::{Error, Result};
use crate::krylov::{axpy, basis, dot};
use crate::operator::LinearOperator;

/// A function of a matrix times a vector, by K steps of a [`Process`].
///
/// Cost: the decomposition, K passes over a vector, and O(K³) for the small matrix. Memory: K vectors.
///
/// ```
/// use multigrad::{functions::{FunctionOf, MatrixFunction}, gallery};
/// let a = gallery::poisson_2d(8, 8)?.matrix;
/// let root = FunctionOf::new(MatrixFunction::Sqrt).order(40);
/// let once = root.apply(&a, &vec![1.0; 64])?.value;
/// let twice = root.apply(&a, &once)?.value; // √A √A v = A v
/// let mut product = vec![0.0; 64];
/// a.spmv(&vec![1.0; 64], &mut product)?;
/// assert!(twice.iter().zip(&product).all(|(x, y)| (x - y).abs() < 1e-8));
/// # Ok::<(), multigrad::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct FunctionOf {
    pub(super) function: MatrixFunction,
    pub(super) order: usize,
    pub(super) process: Process,
    pub(super) store: bool,
}

/// The value of a function of a matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation<V> {
    /// f(A) v, or vᵀ f(A) v.
    pub value: V,
    /// Steps of the process.
    pub order: usize,
    /// Whether the Krylov space was invariant, so that the value is exact up to rounding.
    pub exact: bool,
    /// |e_Kᵀ f(H) e₁| relative to ‖f(H) e₁‖: the weight of the last vector, small once K is large enough.
    pub last_weight: f64,
}

/// A decomposition with f(H) e₁.
pub(super) struct Applied {
    pub(super) d: Decomposition,
    pub(super) first: FirstColumn,
}

impl FunctionOf {
    /// By 30 steps of Lanczos with reorthogonalisation.
    pub fn new(function: MatrixFunction) -> Self {
        Self { function, order: 30, process: Process::Lanczos, store: true }
    }

    /// The number of steps, K. Default: 30.
    #[must_use]
    pub fn order(mut self, steps: usize) -> Self {
        self.order = steps;
        self
    }

    /// The process. Default: [`Process::Lanczos`].
    #[must_use]
    pub fn process(mut self, process: Process) -> Self {
        self.process = process;
        self
    }

    /// Whether the vectors of the process are kept. Default: yes. Without them, memory does not grow with K:
    /// f(A) v takes a second run of the recurrence, and the adjoint recovers x_{k−1} from x_k and x_{k+1}, one product
    /// more per step. Recovery that loses the first vector by more than 10⁻⁷ is an error. For [`Process::ThreeTerm`].
    #[must_use]
    pub fn store(mut self, store: bool) -> Self {
        self.store = store;
        self
    }

    fn symmetric(&self) -> bool {
        self.process != Process::Arnoldi
    }

    /// f(A) v. For a symmetric process A must be symmetric, which is not tested here.
    ///
    /// # Errors
    /// Errors of [`decompose`](super::decompose); a function that is not defined at a Ritz value.
    pub fn apply(&self, a: &dyn LinearOperator, v: &[f64]) -> Result<Evaluation<Vec<f64>>> {
        let applied = self.decomposed(a, v)?;
        Ok(applied.evaluation(applied.vector(a)?))
    }

    /// vᵀ f(A) v by the Gauss quadrature of the process (Golub and Meurant 1994).
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    pub fn quadratic(&self, a: &dyn LinearOperator, v: &[f64]) -> Result<Evaluation<f64>> {
        let applied = self.decomposed(a, v)?;
        Ok(applied.evaluation(applied.quadratic()))
    }

    pub(super) fn decomposed(&self, a: &dyn LinearOperator, v: &[f64]) -> Result<Applied> {
        if !self.store && self.process != Process::ThreeTerm {
            return Err(Error::unsuited(
                "only Process::ThreeTerm can do without its vectors; others need them all",
            ));
        }
        let d = run(a, self.process, self.order, v, self.store)?;
        let first = self.function.first_column(&d.small, d.order(), self.symmetric())?;
        Ok(Applied { d, first })
    }

    /// vᵀ f(A) v by the first k steps of a decomposition.
    pub(super) fn quadratic_by(&self, d: &Decomposition, k: usize) -> Result<f64> {
        let small: Vec<f64> = (0..k * k).map(|q| d.get(q / k, q % k)).collect();
        let first = self.function.first_column(&small, k, self.symmetric())?;
        Ok(first.values[0] / (d.scale * d.scale))
    }

    /// As [`decomposed`](Self::decomposed), after a test of symmetry.
    pub(super) fn checked(&self, a: &dyn Action, v: &[f64]) -> Result<Applied> {
        check_symmetry(a, self.process)?;
        self.decomposed(a, v)
    }

    /// Gradients of ⟨ȳ, f(A) v⟩ with respect to the parameters of A and to v.
    pub(super) fn pull_vector(
        &self,
        a: &dyn Action,
        applied: &Applied,
        up: &[f64],
    ) -> Result<(Vec<Vec<f64>>, Vec<f64>)> {
        let (d, first) = (&applied.d, &applied.first);
        let length = 1.0 / d.scale;
        let mut along = vec![0.0; d.order()];
        match d.is_stored() {
            true => along = basis::products(&d.basis, up),
            false => three_term::replay(d, a, |k, x| along[k] = dot(x, up))?,
        }
        along.iter_mut().for_each(|a| *a *= length);
        let small = self.function.pull(&d.small, first, &along)?;
        let weights: Vec<f64> = first.values.iter().map(|f| length * f).collect();
        let value: f64 = along.iter().zip(&first.values).map(|(a, f)| a * f).sum();
        let up = Upstream {
            basis: OfBasis::Outer(up, &weights),
            small: &small,
            rest: None,
            scale: -value * length,
        };
        d.reverse_with(a, &up, true)
    }

    /// Gradients of s vᵀ f(A) v.
    pub(super) fn pull_quadratic(
        &self,
        a: &dyn Action,
        applied: &Applied,
        s: f64,
    ) -> Result<(Vec<Vec<f64>>, Vec<f64>)> {
        let d = &applied.d;
        let (k, square) = (d.order(), 1.0 / (d.scale * d.scale));
        let mut along = vec![0.0; k];
        along[0] = s * square;
        let small = self.function.pull(&d.small, &applied.first, &along)?;
        let scale = -2.0 * s * applied.quadratic() / d.scale;
        d.reverse_with(a, &Upstream { basis: OfBasis::Zero, small: &small, rest: None, scale }, true)
    }
}

impl Applied {
    pub(super) fn vector(&self, a: &dyn LinearOperator) -> Result<Vec<f64>> {
        let mut y = vec![0.0; self.d.rest.len()];
        let weights: Vec<f64> = self.first.values.iter().map(|f| f / self.d.scale).collect();
        match self.d.is_stored() {
            true => basis::add(&self.d.basis, &weights, &mut y),
            false => three_term::replay(&self.d, a, |k, x| axpy(weights[k], x, &mut y))?,
        }
        Ok(y)
    }

    pub(super) fn quadratic(&self) -> f64 {
        self.first.values[0] / (self.d.scale * self.d.scale)
    }

    fn evaluation<V>(&self, value: V) -> Evaluation<V> {
        let first = &self.first.values;
        let size = first.iter().map(|f| f * f).sum::<f64>().sqrt();
        let last = first[first.len() - 1].abs();
        let last_weight = if size > 0.0 { last / size } else { 0.0 };
        Evaluation { value, order: self.d.order(), exact: self.d.is_exhausted(), last_weight }
    }
}
