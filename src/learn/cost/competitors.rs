//! The classical solvers that a learned one is held against.

use crate::multigrid::{Relaxation, Setup};
use crate::setup::classical::Classical;
use crate::solver::Amg;
use crate::solver::{Configuration, Krylov, MatrixProperties, candidates};

/// A cycle, and the Krylov methods around it: it is built once for all of them.
#[derive(Debug, Clone)]
pub(super) struct Competitor {
    /// The cycle; its method is the first of `methods`.
    pub configuration: Configuration,
    /// The methods. CG among them is left out where the cycle turns out not to be symmetric, if
    /// `own`.
    pub methods: Vec<Krylov>,
    /// Whether this is the hierarchy of the learned solver, with a classical smoother.
    pub own: bool,
}

impl Competitor {
    /// The configuration with this method, in words.
    pub fn name(&self, krylov: Krylov) -> String {
        let configuration = Configuration { krylov, ..self.configuration.clone() };
        format!("{configuration}{}", if self.own { "; hierarchy of the learned solver" } else { "" })
    }

    /// All its names.
    pub fn names(&self) -> impl Iterator<Item = String> + '_ {
        self.methods.iter().map(|&krylov| self.name(krylov))
    }

    /// Whether its setup takes near-nullspace candidates.
    pub fn takes_candidates(&self) -> bool {
        matches!(self.configuration.setup, Setup::Aggregation(_))
    }
}

/// Dampings of ILU(0) on the hierarchy of the learned solver.
const DAMPING: [f64; 5] = [1.0, 0.9, 0.7, 0.5, 0.3];

/// Every solver worth trying but `picked`, which has been measured, those that are strong on most matrices first.
pub(super) fn competitors(
    properties: &MatrixProperties,
    has_candidates: bool,
    amg: &Amg,
    picked: Option<&Configuration>,
) -> Vec<Competitor> {
    let definite = properties.is_symmetric() && !properties.is_indefinite();
    let mut list: Vec<Competitor> = Vec::new();
    let mut add = |configuration: Configuration, methods: &[Krylov], own: bool| {
        let configuration = Configuration { krylov: methods[0], ..configuration };
        let alike = |c: &Configuration| *c == Configuration { krylov: c.krylov, ..configuration.clone() };
        let new = |krylov: &Krylov| {
            let listed = list.iter().any(|c| alike(&c.configuration) && c.methods.contains(krylov));
            !(listed || picked.is_some_and(|p| alike(p) && p.krylov == *krylov))
        };
        let methods: Vec<Krylov> = methods.iter().copied().filter(new).collect();
        match list.iter_mut().find(|c| alike(&c.configuration)) {
            Some(known) => known.methods.extend(methods),
            None if methods.is_empty() => {}
            None => list.push(Competitor { configuration, methods, own }),
        }
    };
    for configuration in candidates(properties, has_candidates) {
        let krylov = configuration.krylov;
        add(configuration, &[krylov], false);
    }
    // Where there are near-nullspace candidates, nothing without levels is among those above.
    let one_level: &[Krylov] = if definite { &[Krylov::Cg] } else { &[Krylov::BiCgStab, Krylov::Fgmres] };
    for level in [0, 2] {
        let factors = match level {
            0 => Relaxation::Ilu0(1.0),
            level => Relaxation::Ilu { level, damping: Some(1.0), tau: 0.0 },
        };
        add(Configuration::new(Setup::OneLevel, factors, one_level[0]), one_level, false);
    }
    if !properties.is_symmetric() {
        for relaxation in [Relaxation::GaussSeidel, Relaxation::Ilu0(1.0)] {
            let methods = [Krylov::BiCgStab, Krylov::Fgmres];
            add(Configuration::new(Classical::air(), relaxation, methods[0]), &methods, false);
        }
    }
    let methods: &[Krylov] = match definite {
        true => &[Krylov::Cg, Krylov::BiCgStab, Krylov::Fgmres],
        false => &[Krylov::BiCgStab, Krylov::Fgmres],
    };
    let smoothers =
        DAMPING.map(Relaxation::Ilu0).into_iter().chain(Relaxation::TAUS.map(Relaxation::weak_ilu0)).chain([
            Relaxation::GaussSeidel,
            Relaxation::Spai1,
            Relaxation::Chebyshev(2),
            Relaxation::Chebyshev(3),
        ]);
    let (sweeps, cycle) = (amg.sweeps(), amg.hierarchy().kind);
    for relaxation in smoothers {
        let own = Configuration::new(amg.setup().clone(), relaxation, methods[0]).cycle(cycle);
        let levels = *amg.setup() != Setup::OneLevel;
        add(if levels { own.sweeps(sweeps.0, sweeps.1) } else { own }, methods, true);
    }
    list
}
