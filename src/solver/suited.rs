//! Rules from the properties of a matrix to configurations.

use super::choose::Choice;
use super::configuration::Configuration;
use super::incomplete_factors::on_one_level;
use super::properties::MatrixProperties;
use super::transform::NEARLY_SYMMETRIC;
use crate::krylov::Krylov;
use crate::multigrid::{CycleKind, Relaxation, Setup};
use crate::setup::classical::Classical;
use crate::setup::{Aggregates, Coarsening, Smoothing, Variant};

/// Largest nonsymmetric matrix that is solved without coarser levels. For a flow problem with 4096 rows, one level
/// took about half the time of a hierarchy; with 16 384 rows it took more (`cargo bench --bench solve`).
const ONE_LEVEL_ROWS: usize = 8000;

/// Largest numbers of rows of a nonsymmetric matrix, with the least mean number of entries per row, for which full factors
/// come first: the setup of ILU(2) takes about as long there as full factors with their solve (1.9 and 1.3 ms with 780 rows of
/// 10 entries, 6 and 7 ms with 1600 rows of 28).
const FULL: [(usize, f64); 2] = [(1000, 9.0), (3000, 20.0)];

/// Number of rows above which levels of a nearly symmetric matrix take less time than ILU(2) on one level.
const FEWEST: usize = 2000;

/// Largest ratio of off-diagonal sum to diagonal of a system that needs no coarser levels: Jacobi relaxation
/// contracts by this factor.
const DOMINANT: f64 = 0.75;

/// Largest matrix that gets full factors because constants show that it is indefinite: beyond, a hierarchy may be faster if few
/// eigenvalues have the other sign.
const INDEFINITE_ROWS: usize = 20_000;

impl Choice {
    /// Configurations suited to a matrix with these properties, with or without near-nullspace candidates.
    pub fn suited(properties: &MatrixProperties, has_candidates: bool) -> Self {
        let mut choice = Self::asked_for(Vec::new(), properties);
        choice.automatic = true;
        if properties.is_symmetric() {
            choice.symmetric_matrix(properties, has_candidates);
        } else {
            choice.nonsymmetric_matrix(properties, has_candidates);
        }
        choice
    }

    fn symmetric_matrix(&mut self, p: &MatrixProperties, has_candidates: bool) {
        let smoothed = Coarsening { theta: strength_threshold(p), ..Coarsening::default() };
        let last_resort = Configuration::new(smoothed.clone(), Relaxation::GaussSeidel, Krylov::Fgmres);
        let opposite = p.rows <= INDEFINITE_ROWS && p.has_negative_curvature();
        if p.is_indefinite() || opposite {
            let sign = if opposite {
                "1ᵀ A 1 of the sign opposite to the diagonal"
            } else {
                "zeros or both signs on the diagonal"
            };
            self.because(format!(
                "symmetric, with {sign}, so indefinite: a sparse factorisation where it fits"
            ));
            self.configurations =
                vec![Configuration::direct(), one_level_ilut(), last_resort.double(), one_level_l1()];
            return;
        }
        if p.weakest_dominance <= DOMINANT {
            self.because(format!(
                "symmetric and strictly dominant (off-diagonal sums at most {:.2} of the diagonal): one level",
                p.weakest_dominance
            ));
            let sweep = Configuration::new(Setup::OneLevel, Relaxation::SymmetricGaussSeidel, Krylov::Cg);
            self.configurations = vec![sweep, last_resort.double(), Configuration::direct()];
            return;
        }
        self.because("symmetric: CG with a symmetric cycle, held in single precision");
        if p.has_hubs() {
            self.because(format!(
                "rows of up to {} entries, {:.0} on average: a graph with hubs, so pairs of vertices are aggregated",
                p.longest_row,
                p.mean_row()
            ));
            let pairs = Coarsening {
                aggregates: Aggregates::Pairwise,
                smoothing: Some(Smoothing::None),
                ..Coarsening::default()
            };
            let configuration = Configuration::new(pairs, Relaxation::GaussSeidel, Krylov::Cg);
            self.configurations = vec![configuration.cycle(CycleKind::K)];
        } else {
            let relaxation = if p.block_size > 1 {
                self.because(format!(
                    "{} unknowns per node: aggregates of nodes{}",
                    p.block_size,
                    if has_candidates {
                        ""
                    } else {
                        "; near-nullspace candidates (rigid-body modes) would help"
                    }
                ));
                Relaxation::GaussSeidel
            } else {
                self.because(
                    "one unknown per node: smoothed aggregation, the cheapest setup for its convergence",
                );
                if p.wrong_sign < 1e-3 {
                    self.because("no positive off-diagonal entries: SPAI-0, whose sweeps run in parallel");
                    Relaxation::Spai0
                } else {
                    Relaxation::GaussSeidel
                }
            };
            self.configurations = vec![Configuration::new(smoothed, relaxation, Krylov::Cg)];
        }
        let double = self.configurations.first().cloned().map(Configuration::double);
        self.configurations.push(Configuration::direct());
        self.configurations.extend(double);
        self.configurations.extend([last_resort.double(), one_level_ilut(), one_level_l1()]);
    }

    fn nonsymmetric_matrix(&mut self, p: &MatrixProperties, has_candidates: bool) {
        self.because(format!(
            "nonsymmetric (‖A − Aᵀ‖/‖A‖ = {:.1e}): BiCGStab with incomplete factors, which follow the flow",
            p.asymmetry
        ));
        if p.zero_diagonals > 0 {
            self.because("zeros on the diagonal, where relaxation divides by zero: sparse LU with pivoting");
            self.configurations.extend([Configuration::direct(), one_level_ilut()]);
            return;
        }
        let nearly_symmetric = p.asymmetry <= NEARLY_SYMMETRIC && p.rows > FEWEST && !p.has_hubs();
        if p.weakest_dominance <= DOMINANT {
            self.because("strictly dominant: one level");
            // A long row makes factors dense or slow.
            let relaxation = if p.has_hubs() { Relaxation::GaussSeidel } else { Relaxation::Ilu0(1.0) };
            self.configurations.push(Configuration::new(Setup::OneLevel, relaxation, Krylov::BiCgStab));
        } else if FULL.iter().any(|&(rows, entries)| p.rows <= rows && p.mean_row() > entries) {
            self.because(format!(
                "{} unknowns with {:.0} entries per row, where incomplete factors cost as much as full ones",
                p.rows,
                p.mean_row()
            ));
            self.configurations.push(Configuration::direct());
        } else if p.rows <= ONE_LEVEL_ROWS && !nearly_symmetric {
            self.because(format!("{} unknowns: factors with fill are faster than a hierarchy", p.rows));
            let factors = Relaxation::Ilu { level: 2, damping: Some(1.0), tau: 0.0 };
            self.configurations.push(Configuration::new(Setup::OneLevel, factors, Krylov::BiCgStab));
        }
        let setup = if nearly_symmetric {
            if self.configurations.is_empty() {
                self.because("but nearly symmetric: smoothed aggregation");
            }
            Coarsening { theta: strength_threshold(p), ..Coarsening::default() }
        } else {
            Coarsening::from(Variant::SymmetricPart)
        };
        let levels = Configuration::new(setup.clone(), Relaxation::Ilu0(1.0), Krylov::BiCgStab);
        if self.configurations.is_empty() && p.has_hubs() {
            self.because("a graph with hubs, whose factors fill: Gauss–Seidel");
            let sweeps = Configuration::new(Coarsening::default(), Relaxation::GaussSeidel, Krylov::BiCgStab);
            let one_level = Configuration::new(Setup::OneLevel, Relaxation::GaussSeidel, Krylov::BiCgStab);
            self.configurations.extend([sweeps, one_level.double()]);
        }
        if self.configurations.is_empty() {
            self.configurations.push(levels.clone());
        }
        let jacobi = Configuration::new(setup.clone(), Relaxation::Spai0, Krylov::BiCgStab).double();
        let mut jacobi = vec![jacobi];
        if p.rows > ONE_LEVEL_ROWS {
            self.configurations.append(&mut jacobi);
        }
        if self.configurations.first().is_none_or(|c| c.setup != Setup::Direct) {
            self.configurations.push(Configuration::direct());
        }
        self.configurations.push(levels.double());
        if !p.has_hubs() && p.rows > ONE_LEVEL_ROWS {
            self.configurations.push(on_one_level(1).double());
        }
        self.configurations.append(&mut jacobi);
        self.configurations.extend([
            Configuration::new(setup, Relaxation::GaussSeidel, Krylov::Fgmres).double(),
            one_level_ilut(),
        ]);
        if !has_candidates {
            self.configurations
                .push(Configuration::new(Classical::air(), Relaxation::GaussSeidel, Krylov::Fgmres).double());
        }
    }
}

/// Incomplete factors by threshold on one level, with pivoting.
fn one_level_ilut() -> Configuration {
    let factors = Relaxation::Ilut { drop_tolerance: 1e-3, fill_factor: 10.0, damping: Some(1.0), tau: 0.0 };
    Configuration::new(Setup::Pivoted, factors, Krylov::Fgmres).double()
}

/// Jacobi relaxation with the absolute sums of rows, the mildest preconditioner.
fn one_level_l1() -> Configuration {
    Configuration::new(Setup::OneLevel, Relaxation::L1Jacobi, Krylov::Fgmres).double()
}

/// The strength threshold θ of aggregation. In a graph without weights every edge has the strength 1/degree, which
/// a fixed threshold would call weak as soon as a vertex has a dozen neighbours.
fn strength_threshold(p: &MatrixProperties) -> f64 {
    let usual = Coarsening::default().theta;
    if p.block_size > 1 { usual } else { usual.min(0.5 / (p.mean_row() - 1.0).max(1.0)) }
}
