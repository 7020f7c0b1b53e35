//! Relaxation sweeps as objects of PETSc.

use crate::backend::Direction;
use crate::error::{Error, Result};
use crate::multigrid::{Smoother, Sweep};
use crate::sparse::Csr;

use super::factors::Factors;
use super::layout::{Rows, renumbered};
use super::polynomial::weights;
use super::subdomains::{Gathered, gathered};

/// The largest number of different sweeps on one side of a level.
const MOST: usize = 8;

/// One sweep x ← x + B (b − A x), or the solver of the coarsest level.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Part {
    /// B = M: `PCMAT`.
    Product(Csr<f64>),
    /// The ILU(0) of this matrix, on one rank: `PCBJACOBI` and `PCILU`.
    Factors(Csr<f64>),
    /// B = S F G: `PCGALERKIN` around F, the ILU(0) of a block per rank, with overlap.
    Overlapping(Box<Gathered>),
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
            Part::Overlapping(_) => 7,
        }
    }

    /// Whether the values depend on the distribution over ranks.
    pub fn needs_ranks(&self) -> bool {
        matches!(self, Part::Factors(_) | Part::Overlapping(_) | Part::Subdomains(_))
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
            Part::Overlapping(_) => &[
                ("pc_type", "galerkin"),
                ("galerkin_ksp_type", "preonly"),
                ("galerkin_pc_type", "bjacobi"),
                ("galerkin_sub_ksp_type", "preonly"),
                ("galerkin_sub_pc_type", "ilu"),
                ("galerkin_sub_pc_factor_levels", "0"),
                ("galerkin_sub_pc_factor_zeropivot", "1e-300"),
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
            Part::Subdomains(g) => Part::Subdomains(Box::new(g.renumbered(rows)?)),
            Part::Overlapping(g) => Part::Overlapping(Box::new(g.renumbered(rows)?)),
            Part::GaussSeidel(_) | Part::Direct => self.clone(),
        })
    }
}

/// How factors lie on ranks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Blocks<'r> {
    pub rows: &'r Rows,
    /// Rings of overlap of the blocks of factors.
    pub overlap: usize,
    /// Whether blocks are applied as the transposes of those on the other side.
    pub mirrored: bool,
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
    pub fn new(sweeps: &[Sweep], a: &Csr<f64>, blocks: Blocks<'_>) -> Result<Self> {
        let all: Vec<Vec<Part>> = sweeps.iter().map(|s| parts(s, a, blocks)).collect::<Result<_>>()?;
        let (iterations, parts) = match all.first() {
            None => (0, Vec::new()),
            Some(first) if all.iter().all(|p| p == first) => (all.len(), first.clone()),
            _ => (1, all.into_iter().flatten().collect()),
        };
        if parts.len() > MOST {
            return Err(Error::unsuited(format!(
                "{} different sweeps on one side of a level; the loaders take up to {MOST}",
                parts.len()
            )));
        }
        Ok(Self { iterations, parts })
    }
}

fn parts(sweep: &Sweep, a: &Csr<f64>, blocks: Blocks<'_>) -> Result<Vec<Part>> {
    Ok(vec![match sweep {
        Smoother::Chebyshev { inverse_diagonal: inverse, coefficients } => {
            let scaled = |w: f64| Part::Product(Csr::diagonal_matrix(inverse).map(|_, _, v| w * v));
            return Ok(weights(coefficients)?.into_iter().map(scaled).collect());
        }
        Smoother::Diagonal { weights } => Part::Product(Csr::diagonal_matrix(weights)),
        Smoother::Sparse { m } => Part::Product(m.to_csr()),
        Smoother::GaussSeidel { direction } => Part::GaussSeidel(*direction),
        Smoother::Factors { factors, unit_lower, damping, sweeps: None } => {
            let factors = &factors.to_csr();
            let own = Factors { factors, unit_lower: *unit_lower, damping: *damping, a };
            if blocks.rows.counts.len() > 1 {
                Part::Overlapping(Box::new(own.on_ranks(blocks.rows, blocks.overlap, blocks.mirrored)?))
            } else {
                Part::Factors(own.product())
            }
        }
        Smoother::Schwarz { subdomains, interface } => {
            Part::Subdomains(Box::new(gathered(subdomains, interface, a, blocks.rows)?))
        }
        other => {
            return Err(Error::unsuited(format!(
                "the smoother \"{other}\" has no counterpart among the matrices of PETSc; diagonals, sparse M, Chebyshev polynomials, incomplete factors, Gauss–Seidel and Schwarz methods are exported"
            )));
        }
    }])
}
