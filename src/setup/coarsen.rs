//! The loop over levels.

use ndarray::Array2;

use super::aggregation::standard_aggregation;
use super::candidates::{check_candidates, default_candidates, relax_candidates};
use super::energy::{energy_pattern, energy_prolongation};
use super::evolution::evolution_strength;
use super::jacobi::jacobi_prolongation;
use super::nodal::{Nodes, amalgamate, detect_block_size};
use super::spectral::inverse_diagonal;
use super::strength::{absolute_sum, symmetric_strength};
use super::tentative::{Tentative, fit_candidates};
use super::{Coarsening, Variant};
use crate::error::{Error, Result};
use crate::sparse::Csr;

/// A level that gets fewer than a tenth of its rows off is not worth having.
const STAGNATION: f64 = 0.9;
/// Largest matrix left to the direct solver when coarsening stagnates.
const DIRECT_ROWS: usize = 20_000;

/// A level that is not the coarsest: its matrix and the way down and up.
#[derive(Debug, Clone, PartialEq)]
pub struct Transfer {
    /// The matrix of this level, n × n.
    pub a: Csr<f64>,
    /// From the next coarser level to this one, n × m.
    pub prolongation: Csr<f64>,
    /// From this level to the next coarser one, m × n.
    pub restriction: Csr<f64>,
}

/// A hierarchy, finest level first.
#[derive(Debug, Clone, PartialEq)]
pub struct Grids {
    /// All levels but the coarsest; none for a small matrix.
    pub transfers: Vec<Transfer>,
    /// The matrix of the coarsest level.
    pub coarsest: Csr<f64>,
}

impl Grids {
    /// Number of levels, the coarsest included.
    pub fn levels(&self) -> usize {
        self.transfers.len() + 1
    }

    /// The matrices, finest first.
    pub fn matrices(&self) -> impl Iterator<Item = &Csr<f64>> {
        self.transfers.iter().map(|t| &t.a).chain([&self.coarsest])
    }
}

/// What is carried from one level to the next.
struct Level {
    a: Csr<f64>,
    nodes: Nodes,
    /// Candidates for A, and for Aᵀ if those have their own.
    right: Array2<f64>,
    left: Option<Array2<f64>>,
}

impl Coarsening {
    /// Builds the hierarchy of `a` (n × n) for near-nullspace candidates (n × k; constants if
    /// absent, one for every unknown of a node).
    ///
    /// Coarsening ends at [`max_coarse`](Self::max_coarse) rows or
    /// [`max_levels`](Self::max_levels) levels; when there is nothing to aggregate, as for a
    /// diagonal matrix; when a coarse matrix has a zero on its diagonal; or when a level has
    /// more than 0.9 of the rows of the one above and that one has at most 20 000, so that
    /// the direct solver can take it.
    ///
    /// Candidates are improved by Gauss–Seidel sweeps on the finest level
    /// ([`candidate_sweeps`](Self::candidate_sweeps)); evolution strength there still uses the
    /// ones given. If in some aggregate the candidates of Aᵀ span another dimension than those
    /// of A or are orthogonal to them, the latter serve on both sides of that level. Rows in no aggregate, such as those
    /// of Dirichlet values, have no interpolation of their own: smoothing must solve them.
    ///
    /// Cost: a few products of the size of A in all; the coarse matrices take most of it.
    ///
    /// # Errors
    /// A matrix that is not square, has an empty row or a zero on its diagonal (named);
    /// candidates that do not fit, are not finite or all zeros; parameters out of range.
    ///
    /// ```
    /// use multigrad::setup::Coarsening;
    /// use multigrad::sparse::Csr;
    ///
    /// let n = 300;
    /// let mut entries = vec![(n - 1, n - 1, 2.0)];
    /// for i in 0..n - 1 {
    ///     entries.extend([(i, i, 2.0), (i, i + 1, -1.0), (i + 1, i, -1.0)]);
    /// }
    /// let a = Csr::from_triplets(n, n, &entries)?;
    /// let grids = Coarsening::default().coarsen(&a, None)?;
    /// let rows: Vec<usize> = grids.matrices().map(|a| a.rows()).collect();
    /// assert_eq!(rows, [300, 100, 34]);
    /// # Ok::<(), multigrad::error::Error>(())
    /// ```
    pub fn coarsen(&self, a: &Csr<f64>, near_nullspace: Option<&Array2<f64>>) -> Result<Grids> {
        self.check()?;
        check_matrix(a)?;
        let block = self.block_size.unwrap_or_else(|| detect_block_size(a));
        let nodes = Nodes::blocks(a.rows(), block)?;
        let right = match near_nullspace {
            Some(b) => b.clone(),
            None => default_candidates(&nodes),
        };
        check_candidates(&right, a.rows())?;
        let left = self.variant.is_two_sided().then(|| right.clone());
        let mut level = Level { a: a.clone(), nodes, right, left };
        let mut transfers: Vec<Transfer> = Vec::new();
        while level.a.rows() > self.max_coarse && transfers.len() + 1 < self.max_levels {
            let number = transfers.len() + 1;
            let step = self.step(&mut level, number == 1).map_err(|e| e.at(format!("level {number}")))?;
            let Some((transfer, next)) = step else { break };
            transfers.push(transfer);
            level = next;
            if level.a.diagonal().contains(&0.0) {
                break;
            }
        }
        Ok(Grids { transfers, coarsest: level.a })
    }

    /// One level further, or nothing if that does not pay. The matrix of `level` moves out
    /// only in the first case.
    fn step(&self, level: &mut Level, finest: bool) -> Result<Option<(Transfer, Level)>> {
        let symmetric_part = match self.variant {
            Variant::SymmetricPart => Some(level.a.symmetric_part()?),
            _ => None,
        };
        let a = symmetric_part.as_ref().unwrap_or(&level.a);
        let transposed = level.left.is_some().then(|| level.a.transpose());
        let strength = self.strength(a, level)?;
        let aggregation = standard_aggregation(&strength)?;
        if finest {
            level.right = relax_candidates(a, &level.right, self.candidate_sweeps)?;
            if let (Some(left), Some(at)) = (&mut level.left, &transposed) {
                *left = relax_candidates(at, left, self.candidate_sweeps)?;
            }
        }
        let right = fit_candidates(&aggregation, &level.nodes, &level.right)?;
        let (fine, coarse) = (a.rows(), right.prolongation.cols());
        let stagnates = coarse as f64 > STAGNATION * fine as f64;
        if coarse == 0 || coarse >= fine || (stagnates && fine <= DIRECT_ROWS) {
            return Ok(None);
        }
        let left = match &level.left {
            None => None,
            Some(b) => {
                let left = fit_candidates(&aggregation, &level.nodes, b)?;
                Some(if left.pairs_with(&right) { left } else { right.clone() })
            }
        };
        let smooth = self.smoother(a, &strength, &level.nodes, &right)?;
        let prolongation = smooth(a, &right)?;
        let restriction = match (&left, &transposed) {
            (Some(left), Some(at)) => smooth(at, left)?.transpose(),
            _ => prolongation.transpose(),
        };
        let next = Level {
            a: level.a.galerkin(&restriction, &prolongation)?,
            nodes: right.nodes,
            right: right.candidates,
            left: left.map(|l| l.candidates),
        };
        let a = std::mem::replace(&mut level.a, Csr::identity(0));
        Ok(Some((Transfer { a, prolongation, restriction }, next)))
    }

    /// Strength of connection between the nodes of a level.
    fn strength(&self, a: &Csr<f64>, level: &Level) -> Result<Csr<f64>> {
        let evolves =
            self.variant == Variant::EnergyMinimised && level.nodes.is_scalar() && level.right.ncols() == 1;
        if evolves {
            let rho = self.evolution_radius.estimate(a, &inverse_diagonal(a)?)?;
            let b: Vec<f64> = level.right.iter().copied().collect();
            return evolution_strength(a, &b, rho, self.epsilon);
        }
        let mut norms = amalgamate(a, &level.nodes)?;
        if self.variant.is_two_sided() {
            norms = absolute_sum(&norms)?;
        }
        symmetric_strength(&norms, self.theta)
    }

    /// The prolongation smoother of a level, for A and for Aᵀ: ρ and the pattern are shared.
    fn smoother<'a>(
        &'a self,
        a: &Csr<f64>,
        strength: &Csr<f64>,
        nodes: &Nodes,
        tentative: &Tentative,
    ) -> Result<Box<Smooth<'a>>> {
        if self.variant == Variant::EnergyMinimised {
            let pattern = energy_pattern(strength, nodes, &tentative.prolongation)?;
            return Ok(Box::new(move |a, t| {
                energy_prolongation(a, &t.prolongation, &pattern, &t.candidates, self.energy_iterations)
            }));
        }
        // D⁻¹Aᵀ has the eigenvalues of D⁻¹A.
        let rho = self.jacobi_radius.estimate(a, &inverse_diagonal(a)?)?;
        Ok(Box::new(move |a, t| jacobi_prolongation(a, &t.prolongation, rho, self.jacobi_omega)))
    }

    fn check(&self) -> Result<()> {
        let require =
            |holds: bool, what: String| if holds { Ok(()) } else { Err(Error::invalid_input(what)) };
        require(
            self.theta >= 0.0 && self.theta.is_finite(),
            format!("the strength threshold theta is {}; choose 0 or a little more", self.theta),
        )?;
        require(
            self.epsilon >= 1.0,
            format!("the drop tolerance epsilon is {}; choose 1 or more, such as 4", self.epsilon),
        )?;
        require(
            self.jacobi_omega > 0.0 && self.jacobi_omega.is_finite(),
            format!("the weight jacobi_omega is {}; choose a positive one, such as 4/3", self.jacobi_omega),
        )?;
        require(self.max_levels > 0, "max_levels is 0; a hierarchy has at least one level".into())
    }
}

type Smooth<'a> = dyn Fn(&Csr<f64>, &Tentative) -> Result<Csr<f64>> + 'a;

fn check_matrix(a: &Csr<f64>) -> Result<()> {
    if a.rows() == 0 && a.cols() == 0 {
        return Err(Error::dimension("the matrix has no rows; multigrid needs at least one"));
    }
    if let Some(i) = (0..a.rows()).find(|&i| a.row(i).all(|(_, v)| v == 0.0)) {
        return Err(Error::invalid_input(format!(
            "row {} is all zeros; remove that equation and its unknown, or put a one on the diagonal",
            i + 1
        )));
    }
    inverse_diagonal(a).map(|_| ())
}
