//! One level for nonsymmetric and indefinite matrices: iterations on parts of the matrix decide whether BiCGStab with the
//! diagonal or with incomplete factors takes less work than a hierarchy or sparse factors.

use super::configuration::Configuration;
use super::ladder::{COSTLY, direct_budget};
use super::one_level::{NEARLY_SINGULAR, OneLevel, VECTORS, constants, diagonal, extrapolated, parts_of};
use super::properties::MatrixProperties;
use crate::backend::broadest_level;
use crate::krylov::Krylov;
use crate::multigrid::{Relaxation, Setup};
use crate::sparse::Csr;

/// Products with the matrix that the alternatives take, setup included, less a reserve for predictions that are too low. A hierarchy
/// took 800 for upwind differences with 20 000 rows in three dimensions.
const HIERARCHY: f64 = 200.0;
/// ILU(2) on one level, and the least mean length of rows.
const FILLED: (f64, f64) = (150.0, 12.0);
/// Sparse factors of a graph that is not planar, and the least number of rows.
const DIRECT: (f64, usize) = (600.0, 4000);
/// Levels of a saddle point, and the largest number of iterations that replaces them.
const SADDLE: (f64, f64) = (120.0, 4.0);
/// Largest number of iterations with ILU(0) that replaces a hierarchy for a planar graph, where that took 350 products.
const PLANAR: f64 = 10.0;
/// Most vertices at one distance from another one in a planar graph, in multiples of √n; in a cube of 12³ vertices it is 2.6.
const FLAT: f64 = 2.5;
/// Share of positive off-diagonal weight above which levels may amplify errors: central differences for dominant convection.
const DOUBTFUL: f64 = 0.25;
/// Largest mean length of rows for ILU(1).
const SHORT: f64 = 16.0;

/// What a candidate competes with.
struct Alternative {
    name: &'static str,
    /// Its work in products with the matrix.
    work: f64,
    /// Largest number of iterations in place of it.
    most: f64,
    /// Whether ILU(1) is worth a run.
    fills: bool,
}

impl Alternative {
    fn new(name: &'static str, work: f64) -> Self {
        Self { name, work, most: f64::INFINITY, fills: true }
    }
}

/// Products with the matrix for the setup of a preconditioner, and for its use.
struct Candidate {
    name: &'static str,
    configuration: Configuration,
    setup: f64,
    solve: f64,
}

impl Candidate {
    fn factors(level: usize, (setup, solve): (f64, f64)) -> Self {
        let name = if level == 0 { "ILU(0)" } else { "ILU(1)" };
        Self { name, configuration: on_one_level(level), setup, solve }
    }
}

impl OneLevel {
    /// BiCGStab with the diagonal, ILU(0) or ILU(1), where iterations on two small parts of the matrix, extrapolated to its size,
    /// predict less work than for the present configuration. Cost: at most some hundred iterations on a part of 2400 rows.
    pub fn instead_of(present: &Configuration, a: &Csr<f64>, p: &MatrixProperties) -> Option<Self> {
        let Alternative { name: than, work, most, fills } = alternative(present, a, p)?;
        if constants(a) <= NEARLY_SINGULAR {
            return None;
        }
        let parts = parts_of(a);
        let mut candidates = vec![
            Candidate {
                name: "the diagonal",
                configuration: diagonal(Krylov::BiCgStab),
                setup: 0.0,
                solve: 0.0,
            },
            Candidate::factors(0, (10.0, 1.0)),
        ];
        if fills && allows_fill(p) {
            candidates.push(Candidate::factors(1, (40.0, 2.0)));
        }
        let mut best: Option<(f64, Self)> = None;
        for Candidate { name, configuration, setup, solve } in candidates {
            let left = best.as_ref().map_or(work, |(work, _)| *work) - setup;
            // BiCGStab applies matrix and preconditioner twice.
            let iteration = 2.0 * (1.0 + solve + VECTORS / p.mean_row());
            let Some(k) = extrapolated(&parts, a.rows(), &configuration, (left / iteration).min(most)) else {
                continue;
            };
            let largest = ((work - setup) / iteration).min(2.0 * most);
            best = Some((setup + k * iteration, Self::with(configuration, (k, largest), (name, than))));
        }
        best.map(|(_, found)| found)
    }
}

/// BiCGStab with ILU(`level`) on one level.
pub(super) fn on_one_level(level: usize) -> Configuration {
    let relaxation = match level {
        0 => Relaxation::Ilu0(1.0),
        _ => Relaxation::Ilu { level, damping: Some(1.0), tau: 0.0 },
    };
    Configuration::new(Setup::OneLevel, relaxation, Krylov::BiCgStab)
}

/// Whether rows are so short that ILU(1) is cheap.
pub(super) fn allows_fill(p: &MatrixProperties) -> bool {
    p.mean_row() <= SHORT && !p.has_hubs()
}

/// The present configuration with its work; `None` where nothing takes much less.
fn alternative(present: &Configuration, a: &Csr<f64>, p: &MatrixProperties) -> Option<Alternative> {
    let is_planar = || broadest_level(a.pattern()) as f64 <= FLAT * (p.rows as f64).sqrt();
    match present.setup {
        Setup::Direct => {
            let is_costly = p.rows >= DIRECT.1 && !is_planar() && direct_budget(a, p.is_symmetric()) > COSTLY;
            is_costly.then(|| Alternative::new("sparse factors", DIRECT.0))
        }
        Setup::OneLevel => {
            let fills = matches!(present.relaxation, Relaxation::Ilu { .. }) && p.mean_row() > FILLED.1;
            fills.then(|| Alternative::new("factors with fill", FILLED.0))
        }
        Setup::SaddlePoint(_) => {
            Some(Alternative { most: SADDLE.1, ..Alternative::new("a hierarchy", SADDLE.0) })
        }
        _ if p.wrong_sign <= DOUBTFUL && is_planar() => {
            Some(Alternative { most: PLANAR, fills: false, ..Alternative::new("a hierarchy", HIERARCHY) })
        }
        _ => Some(Alternative::new("a hierarchy", HIERARCHY)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gallery;
    use crate::solver::Choice;

    /// I + s S for the skew differences S along the axes of a cube: time steps of advection by Crank and Nicolson.
    fn advection(m: usize, s: [f64; 3]) -> Csr<f64> {
        let cube = gallery::poisson_3d(m, m, m).unwrap().matrix;
        cube.map(|i, j, v| match j.abs_diff(i) {
            0 => 1.0,
            d => -v * s[usize::from(d > 1) + usize::from(d > m)] * if j > i { 1.0 } else { -1.0 },
        })
    }

    #[test]
    fn a_dominant_skew_part_has_factors_on_one_level_in_place_of_sparse_ones() {
        let a = advection(20, [1.7, 0.85, 0.34]);
        let choice = Choice::of(&a, false);
        assert_eq!(choice.configurations[0].setup, Setup::OneLevel, "{:?}", choice.reasons);
        let b = crate::krylov::scattered(a.rows(), 1);
        let out = choice.build(&a, None).unwrap().solve(&b).unwrap();
        assert!(out.converged() && out.attempts.is_empty() && out.iterations < 60, "{out}");
    }

    #[test]
    fn rows_that_couple_weakly_leave_no_level_whose_factors_would_be_costly() {
        let a = advection(24, [1.7, 0.85, 0.34]);
        let mut choice = Choice::by_properties(&a, false);
        choice.configurations.truncate(1);
        let e = choice.build(&a, None).unwrap_err();
        assert!(e.to_string().contains("no couplings"), "{e}");
    }

    #[test]
    fn cheap_alternatives_are_kept() {
        let plane = gallery::poisson_2d(70, 70).unwrap().matrix;
        let p = MatrixProperties::of(&plane);
        assert!(alternative(&Configuration::direct(), &plane, &p).is_none());
        let solid = gallery::poisson_3d(26, 26, 26).unwrap().matrix;
        let p = MatrixProperties::of(&solid);
        assert!(alternative(&Configuration::direct(), &solid, &p).is_some());
        let filled = on_one_level(2);
        assert!(alternative(&filled, &solid, &p).is_none());
    }
}
