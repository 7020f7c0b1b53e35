//! Relaxation sweeps as objects of PETSc.

use crate::backend::Direction;
use crate::error::{Error, Result};
use crate::multigrid::{Smoother, Sweep};
use crate::sparse::Csr;

use super::factors::product;
use super::layout::{Rows, renumbered};
use super::subdomains::{Gathered, gathered};

/// One sweep x ← x + B (b − A x), or the solver of the coarsest level.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Part {
    /// B = M: `PCMAT`.
    Product(Csr<f64>),
    /// The ILU(0) of this matrix, per rank: `PCBJACOBI` and `PCILU`.
    Factors(Csr<f64>),
    /// B = S D⁻¹ G: `PCGALERKIN` around exact solves with the blocks of D.
    Subdomains(Box<Gathered>),
    /// Gauss–Seidel on the rows of a rank: `PCSOR`.
    GaussSeidel(Direction),
    /// Sparse LU of the whole matrix on every rank: `PCREDUNDANT`.
    Direct,
}

impl Part {
    /// Number of the kind in the file.
    pub fn kind(&self) -> i64 {
        match self {
            Part::Product(_) => 1,
            Part::Factors(_) => 2,
            Part::Subdomains(_) => 3,
            Part::GaussSeidel(Direction::Forward) => 4,
            Part::GaussSeidel(Direction::Backward) => 5,
            Part::Direct => 6,
        }
    }

    /// Whether the values depend on the distribution over ranks.
    pub fn needs_ranks(&self) -> bool {
        matches!(self, Part::Factors(_) | Part::Subdomains(_))
    }

    /// `PCType` and further options behind the prefix of the solver.
    pub fn options(&self) -> &'static [(&'static str, &'static str)] {
        match self {
            Part::Product(_) => &[("pc_type", "mat")],
            Part::Factors(_) => &[
                ("pc_type", "bjacobi"),
                ("sub_ksp_type", "preonly"),
                ("sub_pc_type", "ilu"),
                ("sub_pc_factor_levels", "0"),
                ("sub_pc_factor_zeropivot", "1e-300"),
            ],
            Part::Subdomains(_) => &[
                ("pc_type", "galerkin"),
                ("galerkin_ksp_type", "preonly"),
                ("galerkin_pc_type", "bjacobi"),
                ("galerkin_sub_ksp_type", "preonly"),
                ("galerkin_sub_pc_type", "lu"),
            ],
            Part::GaussSeidel(Direction::Forward) => &[("pc_type", "sor"), ("pc_sor_local_forward", "1")],
            Part::GaussSeidel(Direction::Backward) => &[("pc_type", "sor"), ("pc_sor_local_backward", "1")],
            Part::Direct => &[("pc_type", "redundant"), ("redundant_pc_type", "lu")],
        }
    }

    /// The same part with rows in the order of their ranks.
    pub fn renumbered(&self, rows: &Rows) -> Result<Self> {
        Ok(match self {
            Part::Product(m) => Part::Product(renumbered(m, rows, rows)?),
            Part::Factors(b) => Part::Factors(renumbered(b, rows, rows)?),
            Part::Subdomains(g) => Part::Subdomains(Box::new(Gathered {
                gather: renumbered(&g.gather, &g.places, rows)?,
                local: renumbered(&g.local, &g.places, &g.places)?,
                scatter: renumbered(&g.scatter, rows, &g.places)?,
                places: g.places.clone(),
            })),
            Part::GaussSeidel(_) | Part::Direct => self.clone(),
        })
    }
}

/// Sweeps in order, the whole list `iterations` times.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Side {
    pub iterations: usize,
    pub parts: Vec<Part>,
}

impl Side {
    /// The sweeps of one side of a level. Equal sweeps are stored once.
    ///
    /// # Errors
    /// A smoother that PETSc does not have.
    pub fn new(sweeps: &[Sweep], a: &Csr<f64>, rows: &Rows) -> Result<Self> {
        let mut parts: Vec<Part> = sweeps.iter().map(|s| part(s, a, rows)).collect::<Result<_>>()?;
        let iterations = match parts.first() {
            Some(first) if parts.iter().all(|p| p == first) => parts.len(),
            _ => 1,
        };
        if iterations > 1 {
            parts.truncate(1);
        }
        Ok(Self { iterations: if parts.is_empty() { 0 } else { iterations }, parts })
    }
}

fn part(sweep: &Sweep, a: &Csr<f64>, rows: &Rows) -> Result<Part> {
    Ok(match sweep {
        Smoother::Diagonal { weights } => Part::Product(Csr::diagonal_matrix(weights)),
        Smoother::Sparse { m } => Part::Product(m.to_csr()),
        Smoother::GaussSeidel { direction } => Part::GaussSeidel(*direction),
        Smoother::Factors { factors, unit_lower, damping, sweeps: None } => {
            Part::Factors(product(&factors.to_csr(), *unit_lower, *damping, a, rows)?)
        }
        Smoother::Schwarz { subdomains, interface } => {
            Part::Subdomains(Box::new(gathered(subdomains, interface, a, rows)?))
        }
        other => {
            return Err(Error::unsuited(format!(
                "the smoother \"{other}\" has no counterpart among the matrices of PETSc; diagonals, sparse M, incomplete factors, Gauss–Seidel and Schwarz methods are exported"
            )));
        }
    })
}
