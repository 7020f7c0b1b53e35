//! The solver of `multigrad solve`.

use serde_json::Value;

use super::output::level_table;
use crate::engine::Leaves;
use crate::frozen::Frozen;
use crate::multigrid::{CyclePreconditioner, Hierarchy, Smoother};
use crate::operator::Preconditioner;
use crate::solver::Solver;

/// A solver that was saved, or one that was built just now.
pub enum Chosen {
    Saved(Box<Frozen>, String),
    Built(Box<Solver>),
}

impl Chosen {
    pub fn preconditioner(&self) -> &dyn Preconditioner {
        match self {
            Chosen::Saved(frozen, _) => &**frozen,
            Chosen::Built(solver) => &**solver,
        }
    }

    /// The file, or the smoother.
    pub fn name(&self) -> String {
        match self {
            Chosen::Saved(_, name) => name.clone(),
            Chosen::Built(solver) => solver.configuration().relaxation.to_string(),
        }
    }

    pub fn double(&self) -> Option<&CyclePreconditioner<f64>> {
        match self {
            Chosen::Saved(frozen, _) => frozen.double(),
            Chosen::Built(solver) => solver.double(),
        }
    }

    pub fn single(&self) -> Option<&CyclePreconditioner<f32>> {
        match self {
            Chosen::Saved(frozen, _) => frozen.single(),
            Chosen::Built(solver) => solver.single(),
        }
    }

    /// The part of every row in the Schwarz method of the finest level; nothing without one.
    pub fn parts(&self) -> Option<&[u32]> {
        let double = self.double().and_then(|c| parts(c.hierarchy()));
        double.or_else(|| self.single().and_then(|c| parts(c.hierarchy())))
    }

    pub fn level_table(&self) -> Option<Value> {
        let double = self.double().map(|c| level_table(c.hierarchy()));
        double.or_else(|| self.single().map(|c| level_table(c.hierarchy())))
    }

    pub fn levels(&self) -> usize {
        match self {
            Chosen::Saved(frozen, _) => frozen.levels(),
            Chosen::Built(solver) => solver.levels(),
        }
    }

    pub fn operator_complexity(&self) -> f64 {
        match self {
            Chosen::Saved(frozen, _) => frozen.operator_complexity(),
            Chosen::Built(solver) => solver.operator_complexity(),
        }
    }

    /// Rows of all levels over those of the finest.
    pub fn grid_complexity(&self) -> f64 {
        let double = self.double().map(|c| c.hierarchy().grid_complexity());
        double.or_else(|| self.single().map(|c| c.hierarchy().grid_complexity())).unwrap_or(1.0)
    }

    pub fn configuration(&self) -> Option<String> {
        match self {
            Chosen::Saved(..) => None,
            Chosen::Built(solver) => Some(solver.configuration().to_string()),
        }
    }

    pub fn reasons(&self) -> &[String] {
        match self {
            Chosen::Saved(..) => &[],
            Chosen::Built(solver) => solver.reasons(),
        }
    }

    pub fn is_linear(&self) -> bool {
        match self {
            Chosen::Saved(..) => true,
            Chosen::Built(solver) => solver.configuration().cycle.is_linear(),
        }
    }
}

fn parts<L: Leaves>(hierarchy: &Hierarchy<L>) -> Option<&[u32]> {
    let finest = hierarchy.levels.first()?;
    finest.pre.iter().chain(&finest.post).find_map(|smoother| match smoother {
        Smoother::Schwarz { subdomains, .. } => Some(subdomains.part()),
        _ => None,
    })
}

impl std::fmt::Display for Chosen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Chosen::Saved(frozen, _) => frozen.fmt(f),
            Chosen::Built(solver) => solver.fmt(f),
        }
    }
}
