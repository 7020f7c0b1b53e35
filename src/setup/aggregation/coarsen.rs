//! The loop over levels of aggregation.

use std::borrow::Cow;
use std::sync::Arc;

use super::candidates::{are_near_nullspace, check_candidates, default_candidates, relax_candidates};
use super::energy::{Krylov, minimise, pattern_of};
use super::filtered::{filtered_matrix, strong_part};
use super::jacobi::smooth;
use super::pairwise::match_pairs;
use super::parts::parts;
use super::root_node::{root_node_tentative, with_roots};
use super::standard::{Aggregation, aggregate};
use super::tentative::{Tentative, fit_candidates};
use super::{Aggregates, Coarsening, Smoothing, Variant};
use crate::error::Result;
use crate::limits;
use crate::setup::evolution::evolution_strength;
use crate::setup::grids::{
    Grids, LEVEL_BYTES, Transfer, check_density, check_levels, check_matrix, has_zero_diagonal, pays,
    require, surviving,
};
use crate::setup::nodal::{Nodes, amalgamate, detect_block_size};
use crate::setup::spectral::inverse_diagonal;
use crate::setup::strength::{absolute_sum, symmetric_strength};
use crate::sparse::{Csr, DenseMatrix, Pattern};

/// The largest number of Jacobi steps on a prolongation; each widens it.
const MOST_STEPS: usize = 20;

/// The state carried from one level to the next.
pub(super) struct Level {
    pub(super) a: Csr<f64>,
    nodes: Nodes,
    /// Candidates for A, and separate ones for Aᵀ, if any.
    pub(super) right: DenseMatrix,
    left: Option<DenseMatrix>,
}

/// A tentative prolongation, with the fine unknown of every coarse one if it has roots.
struct Interpolant {
    tentative: Tentative,
    roots: Option<Vec<u32>>,
}

impl Level {
    /// These unknowns only, an ascending list.
    fn select(&self, kept: &[u32]) -> Self {
        let rows: Vec<usize> = kept.iter().map(|&i| i as usize).collect();
        Self {
            a: self.a.select(Some(kept), Some(kept)),
            nodes: self.nodes.select(kept),
            right: self.right.select_rows(&rows),
            left: self.left.as_ref().map(|l| l.select_rows(&rows)),
        }
    }
}

impl Coarsening {
    /// Builds the hierarchy of `a` (n × n) for near-nullspace candidates (n × k; constants if
    /// absent, one for every unknown of a node).
    ///
    /// Coarsening ends at [`max_coarse`](Self::max_coarse) rows or [`max_levels`](Self::max_levels) levels;
    /// when there is nothing to aggregate, as for a diagonal matrix; when a coarse matrix has a zero on its
    /// diagonal; or when a level has more than 0.9 of the rows of the one above and that one has at most 20
    /// 000, which the direct solver can take.
    ///
    /// Candidates may be improved by Gauss–Seidel sweeps on the finest level
    /// ([`candidate_sweeps`](Self::candidate_sweeps)); evolution strength there still uses the given ones. If
    /// the candidates of Aᵀ span another dimension than those of A in some aggregate, or are orthogonal to
    /// them, those of A are used on both sides of that level. Rows in no aggregate, such as those of
    /// Dirichlet values, are not interpolated: smoothing must solve them.
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
    pub fn coarsen(&self, a: &Csr<f64>, near_nullspace: Option<&DenseMatrix>) -> Result<Grids> {
        let mut level = self.finest(a, near_nullspace)?;
        let mut transfers: Vec<Transfer> = Vec::new();
        limits::room_for(LEVEL_BYTES * a.nnz() as f64, "levels")?;
        while let Some((transfer, next)) = self.next(&mut level, transfers.len() + 1)? {
            check_density(a.nnz(), &next.a)?;
            limits::room_for(LEVEL_BYTES * next.a.nnz() as f64, "levels")?;
            transfers.push(transfer);
            level = next;
        }
        Ok(Grids { transfers, coarsest: level.a })
    }

    /// The finest level, after all checks.
    pub(super) fn finest(&self, a: &Csr<f64>, near_nullspace: Option<&DenseMatrix>) -> Result<Level> {
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
        Ok(Level { a: a.clone(), nodes, right, left })
    }

    /// One level further from level `number` (the finest is 1), or `None` if the hierarchy is complete. The
    /// matrix of `level` moves out only in the first case.
    pub(super) fn next(&self, level: &mut Level, number: usize) -> Result<Option<(Transfer, Level)>> {
        let complete = level.a.rows() <= self.max_coarse || number >= self.max_levels;
        if complete || (number > 1 && has_zero_diagonal(&level.a)) {
            return Ok(None);
        }
        self.step(level, number).map_err(|e| e.at(format!("level {number}")))
    }

    fn step(&self, level: &mut Level, number: usize) -> Result<Option<(Transfer, Level)>> {
        let symmetric_part = match self.variant {
            Variant::SymmetricPart => Some(level.a.symmetric_part()?),
            _ => None,
        };
        let a = symmetric_part.as_ref().unwrap_or(&level.a);
        let transposed = level.left.is_some().then(|| level.a.transpose());
        let evolution = self.evolution(a, level)?;
        if number == 1 {
            level.right = self.relaxed(a, &level.right)?;
            if let (Some(left), Some(at)) = (&mut level.left, &transposed) {
                *left = self.relaxed(at, left)?;
            }
        }
        let theta = self.theta * self.theta_decay.powi(number as i32 - 1);
        let (graph, strong) = match evolution {
            Some(graph) => (graph, None),
            None => self.strength(a, level, theta)?,
        };
        let aggregation = self.aggregation(a, &graph, &level.nodes)?;
        let right = self.interpolant(&aggregation, &level.nodes, &level.right)?;
        if !pays(a.rows(), right.tentative.prolongation.cols()) {
            return Ok(None);
        }
        let left = match &level.left {
            None => None,
            Some(b) => {
                let left = self.interpolant(&aggregation, &level.nodes, b)?;
                let fits = left.roots == right.roots && left.tentative.pairs_with(&right.tentative);
                Some(if fits { left } else { self.interpolant(&aggregation, &level.nodes, &level.right)? })
            }
        };
        let prolong = |a: &Csr<f64>, t: &Interpolant, b: &DenseMatrix, rho: Option<f64>| {
            self.prolongation(a, t, b, (&graph, strong.as_ref()), &level.nodes, rho)
        };
        let (prolongation, rho) = prolong(a, &right, &level.right, None)?;
        let restriction = match (&left, &transposed, &level.left) {
            // D⁻¹Aᵀ has the eigenvalues of D⁻¹A.
            (Some(t), Some(at), Some(b)) => prolong(at, t, b, rho)?.0.transpose(),
            _ => prolongation.transpose(),
        };
        let mut next = Level {
            a: level.a.galerkin(&restriction, &prolongation)?,
            nodes: right.tentative.nodes,
            right: right.tentative.candidates,
            left: left.map(|l| l.tentative.candidates),
        };
        let (mut prolongation, mut restriction) = (prolongation, restriction);
        if let Some(kept) = surviving(&level.a, &prolongation, &next.a) {
            if kept.is_empty() {
                return Ok(None);
            }
            (prolongation, restriction) =
                (prolongation.select(None, Some(&kept)), restriction.select(Some(&kept), None));
            next = next.select(&kept);
        }
        let a = std::mem::replace(&mut level.a, Csr::identity(0));
        Ok(Some((Transfer { a, prolongation, restriction }, next)))
    }

    /// The smoothing of the prolongation, by default that of the variant.
    fn smoothing(&self) -> Smoothing {
        self.smoothing.unwrap_or(match self.variant {
            Variant::EnergyMinimised => Smoothing::Energy,
            _ => Smoothing::Jacobi,
        })
    }

    /// Candidates of the finest level after the chosen number of sweeps.
    fn relaxed(&self, a: &Csr<f64>, candidates: &DenseMatrix) -> Result<DenseMatrix> {
        // Energy minimisation keeps P Bc = B, up to the boundary.
        let exact = matches!(self.smoothing(), Smoothing::Energy | Smoothing::RootNode);
        let sweeps = match self.candidate_sweeps {
            Some(sweeps) => sweeps,
            None if exact || self.variant.is_two_sided() || !are_near_nullspace(a, candidates) => 4,
            None => 0,
        };
        if sweeps == 0 { Ok(candidates.clone()) } else { relax_candidates(a, candidates, sweeps) }
    }

    /// The graph of strong connections by evolution, if it was chosen and fits the level.
    fn evolution(&self, a: &Csr<f64>, level: &Level) -> Result<Option<Arc<Pattern>>> {
        let fits = level.nodes.is_scalar() && level.right.cols() == 1;
        if self.variant != Variant::EnergyMinimised || !fits {
            return Ok(None);
        }
        let rho = self.evolution_radius.estimate(a, &inverse_diagonal(a)?)?;
        let b: Vec<f64> = level.right.values().to_vec();
        Ok(Some(evolution_strength(a, &b, rho, self.epsilon)?.into_parts().0))
    }

    /// The graph of strong connections between the nodes of a level, and the filtered matrix if it is a
    /// by-product.
    fn strength(&self, a: &Csr<f64>, level: &Level, theta: f64) -> Result<(Arc<Pattern>, Option<Csr<f64>>)> {
        if level.nodes.is_identity() && !self.variant.is_two_sided() {
            let strong = strong_part(a, theta, single(&level.right))?;
            return Ok((strong.as_ref().unwrap_or(a).pattern().clone(), strong));
        }
        let mut norms = amalgamate(a, &level.nodes)?;
        if self.variant.is_two_sided() {
            norms = absolute_sum(&norms)?;
        }
        Ok((symmetric_strength(&norms, theta)?.into_parts().0, None))
    }

    fn aggregation(&self, a: &Csr<f64>, graph: &Pattern, nodes: &Nodes) -> Result<Aggregation> {
        match self.aggregates {
            Aggregates::Standard => Ok(aggregate(graph)),
            Aggregates::Parts(size) => parts(graph, size),
            Aggregates::Pairwise if nodes.is_identity() => match_pairs(a, self.pairwise_passes),
            Aggregates::Pairwise => {
                let norms = amalgamate(a, nodes)?.map(|i, j, v| if i == j { v } else { -v });
                match_pairs(&norms, self.pairwise_passes)
            }
        }
    }

    fn interpolant(
        &self,
        aggregation: &Aggregation,
        nodes: &Nodes,
        candidates: &DenseMatrix,
    ) -> Result<Interpolant> {
        if self.smoothing() == Smoothing::RootNode {
            let root_node = root_node_tentative(aggregation, nodes, candidates)?;
            return Ok(Interpolant { tentative: root_node.tentative, roots: Some(root_node.roots) });
        }
        Ok(Interpolant { tentative: fit_candidates(aggregation, nodes, candidates)?, roots: None })
    }

    /// P for a matrix, and ρ(D⁻¹A) for its transpose if it was needed.
    fn prolongation(
        &self,
        a: &Csr<f64>,
        interpolant: &Interpolant,
        candidates: &DenseMatrix,
        (graph, strong): (&Pattern, Option<&Csr<f64>>),
        nodes: &Nodes,
        rho: Option<f64>,
    ) -> Result<(Csr<f64>, Option<f64>)> {
        let t = &interpolant.tentative;
        match self.smoothing() {
            Smoothing::None => Ok((t.prolongation.clone(), None)),
            Smoothing::Jacobi => {
                let a = match strong {
                    Some(strong) if self.filter => Cow::Borrowed(strong),
                    _ => self.filtered(a, graph, nodes, candidates)?,
                };
                let inverse = inverse_diagonal(&a)?;
                let rho = rho.map_or_else(|| self.jacobi_radius.estimate(&a, &inverse), Ok)?;
                let step = |p: &Csr<f64>| smooth(&a, &inverse, p, rho, self.jacobi_omega);
                let mut p = step(&t.prolongation)?;
                for _ in 1..self.jacobi_steps {
                    p = step(&p)?;
                }
                Ok((p, Some(rho)))
            }
            Smoothing::Energy | Smoothing::RootNode => {
                let pattern = pattern_of(graph, nodes, &t.prolongation)?;
                let krylov =
                    if self.variant.is_two_sided() { Krylov::Gmres } else { Krylov::ConjugateGradients };
                let steps = self.energy_iterations;
                let p = match &interpolant.roots {
                    None => minimise(a, &t.prolongation, &pattern, &t.candidates, &[], krylov, steps)?,
                    Some(roots) => with_roots(a, t, roots, candidates, &pattern, krylov, steps)?,
                };
                // Minimisation may make a column vanish, as for triangular matrices; the coarse matrix would
                // get a row of zeros.
                Ok((if has_empty_column(&p) { t.prolongation.clone() } else { p }, None))
            }
        }
    }

    /// The matrix that smooths the prolongation.
    fn filtered<'a>(
        &self,
        a: &'a Csr<f64>,
        graph: &Pattern,
        nodes: &Nodes,
        candidates: &DenseMatrix,
    ) -> Result<Cow<'a, Csr<f64>>> {
        let complete = nodes.is_identity() && graph.nnz() == a.nnz();
        if !self.filter || complete {
            return Ok(Cow::Borrowed(a));
        }
        Ok(Cow::Owned(filtered_matrix(a, graph, nodes, single(candidates))?))
    }

    fn check(&self) -> Result<()> {
        require(
            self.theta >= 0.0 && self.theta.is_finite(),
            format!("the strength threshold theta is {}; choose 0 or a little more", self.theta),
        )?;
        require(
            self.theta_decay >= 0.0 && self.theta_decay <= 1.0,
            format!("the factor theta_decay is {}; choose one from 0 to 1, such as 0.5", self.theta_decay),
        )?;
        require(
            (1..=16).contains(&self.pairwise_passes),
            format!("pairwise_passes is {}; choose 1 to 16, such as 2", self.pairwise_passes),
        )?;
        require(
            self.epsilon >= 1.0,
            format!("the drop tolerance epsilon is {}; choose 1 or more, such as 4", self.epsilon),
        )?;
        require(
            (1..=MOST_STEPS).contains(&self.jacobi_steps),
            format!("{} Jacobi steps on the prolongation; choose 1 to {MOST_STEPS}", self.jacobi_steps),
        )?;
        require(
            self.jacobi_omega > 0.0 && self.jacobi_omega.is_finite(),
            format!("the weight jacobi_omega is {}; choose a positive one, such as 4/3", self.jacobi_omega),
        )?;
        check_levels(self.max_levels)
    }
}

/// The candidate, if it is the only one.
fn single(candidates: &DenseMatrix) -> Option<&[f64]> {
    (candidates.cols() == 1).then(|| candidates.values())
}

fn has_empty_column(p: &Csr<f64>) -> bool {
    let mut met = vec![false; p.cols()];
    p.pattern().col_idx().iter().for_each(|&c| met[c as usize] = true);
    met.contains(&false)
}
