//! Setup for saddle-point matrices: the levels of a block triangular approximation.

use super::aggregation::Coarsening;
use super::grids::{Grids, Transfer, own};
use crate::error::{Error, Result};
use crate::sparse::{Csr, DenseMatrix};

/// Most products of two entries in the Schur complement, in multiples of the entries of the matrix.
const MOST_PRODUCTS: usize = 64;

/// The levels of a block triangular approximation of a saddle-point matrix.
///
/// The rows whose diagonal is zero, or has another sign than most diagonals, are constraints. For K = \[A B; C −E\] with
/// constraints last, the levels are those of K̂ = \[A B; 0 S\], where S approximates the Schur complement −E − C A⁻¹ B by its
/// [`SchurComplement`]. With K̂ itself as the preconditioner and the exact complement, GMRES takes two iterations
/// (Murphy, Golub and Wathen 2000); a cycle on the levels of K̂ is an inexact solve with it. The transfers are those
/// of the diagonal blocks, so that unknowns and multipliers have coarse unknowns of their own.
///
/// Relaxation should visit the constraints first: backward Gauss–Seidel where they have the last numbers. The Krylov method
/// must be one for nonsymmetric systems.
///
/// ```
/// use multigrad::multigrid::Relaxation;
/// use multigrad::setup::SaddlePoint;
/// use multigrad::{Krylov, Solver, gallery};
/// let problem = gallery::stokes_2d(24, 24)?;
/// let builder = Solver::builder(SaddlePoint::default()).relaxation(Relaxation::BackwardGaussSeidel);
/// let solver = builder.krylov(Krylov::Fgmres).build(&problem.matrix)?;
/// let out = solver.solve(&problem.rhs)?;
/// assert!(out.converged() && out.iterations < 40, "{out}");
/// # Ok::<(), multigrad::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SaddlePoint {
    /// The approximation of the Schur complement.
    pub schur: SchurComplement,
    /// The coarsening of the diagonal blocks.
    pub coarsening: Coarsening,
}

/// Approximations of the Schur complement −E − C A⁻¹ B of \[A B; C −E\], with D = diag A.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SchurComplement {
    /// diag(−E − C D⁻¹ B). For A of second order, such as viscosity in Stokes' equations: the complement is then close to a mass
    /// matrix, and so is this diagonal, up to a factor.
    #[default]
    Diagonal,
    /// −E − C D⁻¹ B. For A close to its diagonal, such as the mass matrix of a mixed diffusion problem.
    Product,
}

impl SaddlePoint {
    /// K̂, in the order of the rows of K = `a`. Cost: a few passes over the matrix, and the product C D⁻¹ B.
    ///
    /// # Errors
    /// A matrix without constraints, or with nothing else; a constraint whose approximate Schur complement has a zero on its
    /// diagonal (named); constraints with so many entries that C D⁻¹ B would take 64 times the work of a pass over the matrix.
    pub fn approximation(&self, a: &Csr<f64>) -> Result<Csr<f64>> {
        let constrained = constraints(a)?;
        let inverse = |k: usize| own(a, k).recip();
        let rest = a.filter(|i, j, _| !constrained[i] || (constrained[j] && (self.is_product() || i == j)));
        let schur = match self.schur {
            SchurComplement::Product => {
                let left = a.filter(|i, k, _| constrained[i] && !constrained[k]);
                let right = a.filter(|k, j, _| !constrained[k] && constrained[j]);
                check_work(a, &left, &right)?;
                left.map(|_, k, v| v * inverse(k)).multiply(&right)?
            }
            SchurComplement::Diagonal => Csr::diagonal_matrix(
                &(0..a.rows())
                    .map(|i| {
                        let of = |(k, v): (usize, f64)| v * inverse(k) * a.get(k, i);
                        let unknowns = a.row(i).filter(|&(k, _)| !constrained[k]);
                        if constrained[i] { unknowns.map(of).sum() } else { 0.0 }
                    })
                    .collect::<Vec<f64>>(),
            )
            .filter(|i, _, _| constrained[i]),
        };
        let sum = rest.add(1.0, &schur, -1.0)?;
        match (0..a.rows()).find(|&i| own(&sum, i) == 0.0) {
            Some(i) => Err(Error::unsuited(format!(
                "the Schur complement of constraint {} has a zero on its diagonal; the setups direct and none (with ilut) need no Schur complement",
                i + 1
            ))),
            None => Ok(sum),
        }
    }

    /// The levels of K̂.
    ///
    /// # Errors
    /// As [`approximation`](Self::approximation) and [`Coarsening::coarsen`].
    pub(crate) fn coarsen(&self, a: &Csr<f64>, near_nullspace: Option<&DenseMatrix>) -> Result<Grids> {
        let constrained = constraints(a)?;
        let approximation = self.approximation(a)?;
        // Positive on the diagonal, as strength of connection and smoothing of transfers expect.
        let signs: Vec<f64> = (0..a.rows()).map(|i| own(&approximation, i).signum()).collect();
        let blocks = approximation.filter(|i, j, _| constrained[i] == constrained[j]).map(|i, _, v| signs[i] * v);
        let grids = self.coarsening.coarsen(&blocks, near_nullspace)?;
        let mut next = approximation;
        let mut transfers = Vec::with_capacity(grids.transfers.len());
        for Transfer { prolongation, restriction, .. } in grids.transfers {
            let coarse = next.galerkin(&restriction, &prolongation)?;
            let a = std::mem::replace(&mut next, coarse);
            transfers.push(Transfer { a, prolongation, restriction });
        }
        Ok(Grids { transfers, coarsest: next })
    }

    fn is_product(&self) -> bool {
        self.schur == SchurComplement::Product
    }
}

/// The sign of most diagonal entries.
fn own_sign(a: &Csr<f64>) -> f64 {
    let (mut above, mut below) = (0, 0);
    for i in 0..a.rows() {
        let v = own(a, i);
        above += usize::from(v > 0.0);
        below += usize::from(v < 0.0);
    }
    if above >= below { 1.0 } else { -1.0 }
}

/// Whether each row is a constraint: its diagonal is zero, or has another sign than most diagonals.
///
/// # Errors
/// A matrix without constraints, or with nothing else.
pub(crate) fn constraints(a: &Csr<f64>) -> Result<Vec<bool>> {
    let sign = own_sign(a);
    let constrained: Vec<bool> = (0..a.rows()).map(|i| own(a, i) * sign <= 0.0).collect();
    if !constrained.contains(&true) {
        return Err(Error::unsuited(
            "no diagonal entry is zero or has another sign than the others, so the matrix has no constraints; use another setup, such as sa",
        ));
    }
    if !constrained.contains(&false) {
        return Err(Error::unsuited("all diagonal entries are zero; use the setup direct"));
    }
    Ok(constrained)
}

/// Refuses a product that takes far more work than a pass over the matrix.
fn check_work(a: &Csr<f64>, left: &Csr<f64>, right: &Csr<f64>) -> Result<()> {
    let length = |k: &u32| right.pattern().row(*k as usize).len();
    let products: usize = left.pattern().col_idx().iter().map(length).sum();
    if products <= MOST_PRODUCTS * a.nnz().max(1 << 12) {
        return Ok(());
    }
    Err(Error::unsuited(format!(
        "the Schur complement of the constraints would take {products} multiplications, more than {MOST_PRODUCTS} for every entry of the matrix; use its diagonal (saddle-point)"
    )))
}
