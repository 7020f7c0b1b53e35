//! Candidate configurations for a comparison.

use super::configuration::Configuration;
use super::properties::MatrixProperties;
use crate::krylov::Krylov;
use crate::multigrid::{CycleKind, Relaxation, Setup};
use crate::setup::classical::Classical;
use crate::setup::{Aggregates, Coarsening, Smoothing, Variant};

/// Every sensible configuration for a matrix with these properties. Only aggregation supports near-nullspace
/// candidates; if there are some, the list contains nothing else.
pub fn candidates(properties: &MatrixProperties, has_candidates: bool) -> Vec<Configuration> {
    let mut list = if properties.is_symmetric() && !properties.is_indefinite() {
        symmetric(properties)
    } else {
        nonsymmetric(properties)
    };
    if has_candidates {
        list.retain(|c| matches!(c.setup, Setup::Aggregation(_)));
    }
    list
}

fn symmetric(properties: &MatrixProperties) -> Vec<Configuration> {
    use Relaxation::{Chebyshev, GaussSeidel, Ilu0, L1Jacobi, Spai0};
    let cg = |setup: Setup, relaxation| Configuration::new(setup, relaxation, Krylov::Cg);
    let sa = || Setup::from(Coarsening::default());
    let unfiltered = || Setup::from(Coarsening { theta: 0.0, ..Coarsening::default() });
    let classical = || Setup::from(Classical::default());
    let aggressive = || Setup::from(Classical { aggressive_levels: 1, ..Classical::default() });
    let mut list = vec![
        cg(sa(), Spai0),
        cg(sa(), GaussSeidel),
        cg(sa(), Chebyshev(2)),
        cg(sa(), Chebyshev(3)),
        cg(unfiltered(), GaussSeidel),
        cg(sa(), GaussSeidel).double(),
        cg(sa(), GaussSeidel).sweeps(2, 2),
        cg(Coarsening { smoothing: Some(Smoothing::RootNode), ..Coarsening::default() }.into(), GaussSeidel),
        cg(Coarsening { smoothing: Some(Smoothing::None), ..Coarsening::default() }.into(), GaussSeidel)
            .cycle(CycleKind::K),
        cg(
            Coarsening {
                aggregates: Aggregates::Pairwise,
                smoothing: Some(Smoothing::None),
                ..Coarsening::default()
            }
            .into(),
            GaussSeidel,
        )
        .cycle(CycleKind::K),
        cg(Setup::OneLevel, Ilu0(1.0)),
        cg(Setup::OneLevel, L1Jacobi),
    ];
    if properties.block_size == 1 {
        list.extend([0.01, 0.02, 0.05, 0.1].map(|tau| cg(unfiltered(), Relaxation::weak_ilu0(tau))));
        list.extend([
            cg(classical(), GaussSeidel),
            cg(classical(), Spai0),
            cg(classical(), L1Jacobi),
            cg(aggressive(), GaussSeidel),
            cg(Classical::ruge_stueben().into(), GaussSeidel),
        ]);
    }
    list
}

fn nonsymmetric(properties: &MatrixProperties) -> Vec<Configuration> {
    use Relaxation::{GaussSeidel, Ilu, Ilu0, Jacobi, Spai1};
    let mut list = Vec::new();
    for krylov in [Krylov::BiCgStab, Krylov::Fgmres] {
        let with = |setup: Setup, relaxation| Configuration::new(setup, relaxation, krylov);
        for variant in Variant::ALL {
            list.push(with(variant.into(), Ilu0(1.0)));
        }
        list.push(with(Variant::SymmetricPart.into(), Spai1));
        list.push(with(Variant::Symmetric.into(), GaussSeidel));
        list.push(with(Setup::OneLevel, Ilu0(1.0)));
        for level in [1, 2, 4] {
            list.push(with(Setup::OneLevel, Ilu { level, damping: Some(1.0), tau: 0.0 }));
        }
        list.push(with(Variant::SymmetricPart.into(), Ilu { level: 1, damping: Some(1.0), tau: 0.0 }));
        if properties.block_size == 1 {
            list.push(with(Classical::air().into(), GaussSeidel));
            list.push(with(Classical::air().into(), Ilu0(1.0)));
            list.push(with(Classical::air().into(), Jacobi(None)));
            list.push(with(Classical::ruge_stueben().into(), Ilu0(1.0)));
            list.push(with(Classical::default().into(), Ilu0(1.0)));
        }
    }
    list
}
