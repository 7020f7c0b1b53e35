//! Krylov decompositions A Q = Q H + r e_Kᵀ.

use super::action::Action;
use super::adjoint::{self, OfBasis, Upstream};
use super::decomposition::{Decomposition, Process};
use super::three_term;
use crate::error::{Error, Result};
use crate::krylov::{basis, dot, norm, orthogonalise_twice};
use crate::operator::LinearOperator;
use crate::sparse::Csr;

/// A remainder below this share of the norm of A q counts as zero.
const EXHAUSTED: f64 = 1e-14;

/// Largest number of steps: H is stored as a dense matrix.
const MOST: usize = 10_000;

/// A vector that keeps this share of its norm is orthogonal to the basis after one pass.
const ENOUGH: f64 = 0.5;

/// Largest relative asymmetry of a matrix that Lanczos accepts.
const SYMMETRIC: f64 = 1e-10;

/// Adjoints of the parts of a [`Decomposition`].
#[derive(Debug, Clone, PartialEq)]
pub struct DecompositionAdjoint {
    /// Of the columns of Q.
    pub basis: Vec<Vec<f64>>,
    /// Of H, by rows. Entries outside its structure are not read.
    pub small: Vec<f64>,
    /// Of r.
    pub rest: Vec<f64>,
    /// Of c.
    pub scale: f64,
}

impl Decomposition {
    /// The gradients with respect to the nonzeros of A and to v, given adjoints of the parts. A is the matrix of
    /// the decomposition. For a symmetric process the gradient of A is that of symmetric changes, so that entries
    /// (i, j) and (j, i) share it.
    ///
    /// With `project`, the adjoint vectors are projected back to their constraints where they left them, which keeps the
    /// digits that the plain recurrence loses (Krämer et al. 2024, section 4.2); the three-term process has no such
    /// step. Cost: K transposed products, and up to 2 K² passes over a vector.
    ///
    /// # Errors
    /// A matrix or adjoints of other shapes.
    pub fn reverse(
        &self,
        a: &Csr<f64>,
        adjoint: &DecompositionAdjoint,
        project: bool,
    ) -> Result<(Vec<f64>, Vec<f64>)> {
        let (k, n) = (self.order(), self.rest.len());
        let fits = adjoint.basis.len() == k
            && adjoint.basis.iter().all(|q| q.len() == n)
            && adjoint.small.len() == k * k
            && adjoint.rest.len() == n
            && a.rows() == n;
        if !fits {
            let text =
                format!("a decomposition of order {n} with {k} columns, and adjoints of another shape");
            return Err(Error::dimension(text));
        }
        let up = Upstream {
            basis: OfBasis::Columns(&adjoint.basis),
            small: &adjoint.small,
            rest: Some(&adjoint.rest),
            scale: adjoint.scale,
        };
        let (mut of_a, of_v) = self.reverse_with(a, &up, project)?;
        Ok((of_a.swap_remove(0), of_v))
    }

    pub(super) fn reverse_with(
        &self,
        a: &dyn Action,
        up: &Upstream<'_>,
        project: bool,
    ) -> Result<(Vec<Vec<f64>>, Vec<f64>)> {
        let (mut of_a, of_v) = match self.process {
            Process::ThreeTerm => three_term::reverse(self, a, up)?,
            _ => adjoint::reverse(self, a, up, project)?,
        };
        if self.process != Process::Arnoldi {
            a.symmetrise(&mut of_a);
        }
        Ok((of_a, of_v))
    }
}

/// K steps of a process from v; fewer if the space becomes invariant.
///
/// ```
/// use multigrad::{functions::{Process, decompose}, gallery};
/// let a = gallery::poisson_2d(6, 6)?.matrix;
/// let d = decompose(&a, Process::Arnoldi, 5, &vec![1.0; 36])?;
/// assert_eq!((d.order(), d.get(4, 0)), (5, 0.0));
/// # Ok::<(), multigrad::Error>(())
/// ```
///
/// # Errors
/// No step; a zero vector or one of another length; values that are not finite; errors of the operator.
pub fn decompose(a: &dyn LinearOperator, process: Process, steps: usize, v: &[f64]) -> Result<Decomposition> {
    run(a, process, steps, v, true)
}

/// As [`decompose`]. Without `store`, only the first and the last vector of a recurrence of three terms are kept; the
/// others are empty.
pub(super) fn run(
    a: &dyn LinearOperator,
    process: Process,
    steps: usize,
    v: &[f64],
    store: bool,
) -> Result<Decomposition> {
    let (n, length) = (a.rows(), norm(v));
    if v.len() != n {
        let text = format!("the operator has {n} rows, the vector {} values", v.len());
        return Err(Error::dimension(text));
    }
    if steps == 0 || !length.is_finite() || length == 0.0 {
        let text = format!(
            "a Krylov space needs at least one step and a nonzero vector, got {steps} steps and a vector of norm {length}"
        );
        return Err(Error::invalid_input(text));
    }
    let most = steps.min(n);
    if most > MOST {
        return Err(Error::invalid_input(format!(
            "{most} steps of a decomposition need a dense matrix of that order; take {MOST} at most"
        )));
    }
    let mut basis: Vec<Vec<f64>> = Vec::with_capacity(most);
    basis.push(v.iter().map(|v| v / length).collect());
    let mut columns: Vec<(Vec<f64>, f64)> = Vec::with_capacity(most);
    let (mut rest, mut exhausted) = (vec![0.0; n], false);
    for k in 0..most {
        let mut w = vec![0.0; n];
        let known = a.apply_dots(&basis[k], &mut w)?;
        let before = if k > 0 { columns[k - 1].1 } else { 0.0 };
        let (h, below) = match process {
            Process::Arnoldi => orthogonalise_twice(&basis, &mut w),
            _ => {
                let middle = known.map_or_else(|| dot(&basis[k], &w), |[middle, _]| middle);
                let rest = three_term::step(&basis, [before, middle], &mut w);
                match process {
                    Process::Lanczos => reorthogonalise(&basis, middle, &mut w, rest),
                    _ => (vec![middle], rest),
                }
            }
        };
        let finite = h.iter().all(|h| h.is_finite()) && below.is_finite();
        if !finite {
            return Err(Error::invalid_input(format!("step {} of the decomposition is not finite", k + 1)));
        }
        let above = if process == Process::Arnoldi { 0.0 } else { before };
        let size = h.iter().chain([&below]).map(|h| h.abs()).fold(above, f64::max);
        columns.push((h, below));
        if below <= EXHAUSTED * size {
            exhausted = true;
            break;
        }
        if k + 1 == most {
            rest = w;
        } else {
            w.iter_mut().for_each(|w| *w /= below);
            basis.push(w);
            if !store && k > 1 {
                basis[k - 1] = Vec::new();
            }
        }
    }
    if !store && basis.len() > 2 {
        let place = basis.len() - 2;
        basis[place] = Vec::new();
    }
    let k = basis.len();
    let mut small = vec![0.0; k * k];
    for (j, (h, below)) in columns.iter().enumerate() {
        if process == Process::Arnoldi {
            h.iter().enumerate().for_each(|(i, h)| small[i * k + j] = *h);
            if j + 1 < k {
                small[(j + 1) * k + j] = *below;
            }
        } else {
            small[j * k + j] = h[h.len() - 1];
            if j + 1 < k {
                (small[(j + 1) * k + j], small[j * k + j + 1]) = (*below, *below);
            }
        }
    }
    Ok(Decomposition { basis, small, rest, scale: 1.0 / length, process, exhausted })
}

/// Subtracts from w its components along the basis, again while they are most of it. Returns the diagonal entry of H
/// and the norm of the remainder.
fn reorthogonalise(basis: &[Vec<f64>], mut middle: f64, w: &mut [f64], mut rest: f64) -> (Vec<f64>, f64) {
    for _ in 0..3 {
        let minus: Vec<f64> = basis::products(basis, w).iter().map(|h| -h).collect();
        basis::add(basis, &minus, w);
        middle -= minus[minus.len() - 1];
        let before = std::mem::replace(&mut rest, norm(w));
        if rest >= ENOUGH * before {
            break;
        }
    }
    (vec![middle], rest)
}

/// Refuses an operator that is not symmetric for a symmetric process.
pub(super) fn check_symmetry(a: &dyn Action, process: Process) -> Result<()> {
    if process == Process::Arnoldi {
        return Ok(());
    }
    let asymmetry = a.asymmetry()?;
    if asymmetry <= SYMMETRIC {
        return Ok(());
    }
    Err(Error::unsuited(format!(
        "Lanczos needs a symmetric matrix, and ‖A − Aᵀ‖ is {asymmetry:.1e} of ‖A‖; use Process::Arnoldi"
    )))
}
