//! Complexities, memory and table of a hierarchy.

use std::sync::Arc;

use super::hierarchy::{Hierarchy, Level};
use super::smoother::Smoother;
use crate::engine::Host;
use crate::sparse::{Scalar, Storage};

impl<T: Scalar> Hierarchy<Host<T>> {
    /// Nonzeros of the operators of all levels.
    pub(crate) fn entries(&self) -> usize {
        self.levels.iter().map(|l| l.a.pattern.nnz()).sum::<usize>() + self.coarsest.matrix().nnz()
    }

    /// Operator complexity: nonzeros of the operators of all levels over those of the finest.
    pub fn operator_complexity(&self) -> f64 {
        let coarsest = self.coarsest.matrix().nnz();
        self.entries() as f64 / self.levels.first().map_or(coarsest, |l| l.a.pattern.nnz()).max(1) as f64
    }

    /// Grid complexity: rows of all levels over those of the finest.
    pub fn grid_complexity(&self) -> f64 {
        let total: usize = (0..=self.levels.len()).map(|depth| self.rows_at(depth)).sum();
        total as f64 / self.rows().max(1) as f64
    }

    /// Smoother complexity: values stored by the smoothers, including the factors of local matrices, over the
    /// nonzeros of the finest operator.
    pub fn smoother_complexity(&self) -> f64 {
        let stored = |l: &Level<Host<T>>| -> usize {
            let sweeps = l.pre.iter().chain(&l.post);
            sweeps.map(|s| s.leaf().map_or(0, |v| v.len()) + s.factors(&l.a)).sum()
        };
        let total: usize = self.levels.iter().map(stored).sum();
        total as f64 / self.levels.first().map_or(1, |l| l.a.pattern.nnz()).max(1) as f64
    }

    /// Bytes of all matrices and smoothers, including the factors of local matrices, and of the direct solver, whose
    /// supernodal factors are counted as predicted. Shared patterns are counted once.
    pub fn bytes(&self) -> usize {
        let mut patterns = std::collections::BTreeSet::new();
        let mut arrays = std::collections::BTreeSet::new();
        let mut total = 0;
        let mut count = |values: &Arc<Storage<T>>, factors: usize| {
            if arrays.insert(Arc::as_ptr(values).addr()) {
                total += (values.len() + factors) * size_of::<T>();
            }
        };
        for level in &self.levels {
            let matrices = [&level.a, &level.prolongation, &level.restriction];
            let sweeps = level.pre.iter().chain(&level.post);
            let own = sweeps.clone().filter_map(Smoother::matrix);
            for m in matrices.into_iter().chain(own) {
                patterns.insert((Arc::as_ptr(&m.pattern).addr(), m.pattern.rows(), m.pattern.nnz()));
            }
            matrices.iter().for_each(|m| count(&m.values, 0));
            // Sweeps with the same values share their factors.
            sweeps.filter_map(|s| Some((s.leaf()?, s.factors(&level.a)))).for_each(|(v, f)| count(v, f));
        }
        let patterns: usize = patterns.iter().map(|(_, rows, nnz)| 4 * (rows + 1 + nnz)).sum();
        total + patterns + self.coarsest.bytes()
    }
}

/// The table of levels with operator and grid complexity.
impl<T: Scalar> std::fmt::Display for Hierarchy<Host<T>> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "level      unknowns      nonzeros   per row   smoother")?;
        let mut row = |depth: usize, n: usize, nnz: usize, smoother: &str| {
            let per_row = nnz as f64 / n.max(1) as f64;
            writeln!(f, "{depth:>5}  {n:>12}  {nnz:>12}  {per_row:>8.1}   {smoother}")
        };
        for (depth, level) in self.levels.iter().enumerate() {
            let names = |list: &[Smoother<_>]| {
                list.iter().map(|s: &Smoother<Arc<Storage<T>>>| s.to_string()).collect::<Vec<_>>().join(", ")
            };
            let (pre, post) = (names(&level.pre), names(&level.post));
            let text = if pre == post || post.is_empty() { pre } else { format!("{pre} | {post}") };
            row(depth, level.a.pattern.rows(), level.a.pattern.nnz(), &text)?;
        }
        if self.coarsest_rows == 0 && self.levels.len() == 1 {
            return write!(f, "one level");
        }
        row(self.levels.len(), self.coarsest_rows, self.coarsest.matrix().nnz(), "direct")?;
        if self.levels.is_empty() {
            return write!(f, "sparse factors of the whole matrix");
        }
        let sweeps =
            |post: bool| self.levels.first().map_or(0, |l| if post { l.post.len() } else { l.pre.len() });
        write!(
            f,
            "{}({},{}) cycle, operator complexity {:.2}, grid complexity {:.2}",
            self.kind,
            sweeps(false),
            sweeps(true),
            self.operator_complexity(),
            self.grid_complexity()
        )
    }
}
