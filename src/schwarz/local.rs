//! Local matrices Rᵢ A Rᵢᵀ + Lᵢ of all subdomains, factored in parallel.

use std::collections::HashMap;
use std::sync::Arc;

use super::columns::Columns;
use super::dense::DenseLu;
use super::layout::Layout;
use crate::backend::{Factors, Ordering};
use crate::error::{Error, Result};
use crate::parallel;
use crate::sparse::{Pattern, Scalar};

/// The largest local matrix that is factored as a dense one. A band of a grid of this size fills half of its
/// factors anyway, and dense factors use the full width of the vector unit.
const DENSE_ROWS: usize = 400;

/// The number of multiplications below which starting the pool costs more than it saves.
const PARALLEL: usize = 1 << 15;

/// The factored local matrices of all subdomains.
///
/// Up to 400 rows by dense LU with partial pivoting; larger ones by sparse LU, in double precision for any
/// `T`, whose order of elimination is found once and kept when values change.
#[derive(Debug)]
pub struct LocalSolves<T> {
    layout: Arc<Layout>,
    factors: Vec<Local<T>>,
    /// Local pattern and order of elimination of the large subdomains.
    sparse: Vec<Option<Arc<Structure>>>,
    /// The approximate number of multiplications of a solve with one column.
    work: usize,
}

struct Structure {
    pattern: Arc<Pattern>,
    ordering: Ordering,
}

impl std::fmt::Debug for Structure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "order of elimination of {} rows", self.pattern.rows())
    }
}

enum Local<T> {
    Dense(DenseLu<T>),
    Sparse(Box<Factors>),
}

impl<T> std::fmt::Debug for Local<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Local::Dense(_) => "dense LU",
            Local::Sparse(_) => "sparse LU",
        })
    }
}

impl<T: Scalar> LocalSolves<T> {
    /// Factors the local matrices of A, given by its values, with interface values added.
    ///
    /// Cost: 2/3 m³ multiplications and additions for a dense part of m rows; parts in parallel.
    ///
    /// # Errors
    /// Another number of values than the layout has entries; a local matrix that is singular to working
    /// precision, named by its part and row.
    pub fn new(layout: &Arc<Layout>, a: &[T], interface: &[T]) -> Result<Self> {
        Self::with_limit(layout, a, interface, DENSE_ROWS)
    }

    /// The number of values of the factors of all local matrices: m² for a dense one of m rows; for a sparse
    /// one the values of its matrix, of which its factors have more.
    pub(crate) fn stored(layout: &Layout) -> usize {
        let parts = layout.decomposition().iter().enumerate();
        let of = |(p, s): (usize, super::Subdomain<'_>)| match s.rows.len() {
            m if m <= DENSE_ROWS => m * m,
            _ => layout.local_sources(p).len(),
        };
        parts.map(of).sum()
    }

    /// As [`new`](Self::new), with dense factors up to `limit` rows.
    pub(super) fn with_limit(layout: &Arc<Layout>, a: &[T], interface: &[T], limit: usize) -> Result<Self> {
        let sizes: Vec<usize> = layout.decomposition().iter().map(|s| s.rows.len()).collect();
        let large = |(p, &m): (usize, &usize)| (m > limit).then(|| Arc::new(layout.local_pattern(p)));
        let patterns: Vec<Option<Arc<Pattern>>> = parallel::map(sizes.iter().enumerate(), &large);
        // Parts of one shape, such as blocks inside a grid, share their order of elimination.
        let mut shapes: HashMap<(&[u32], &[u32]), usize> = HashMap::new();
        let mut firsts: Vec<(usize, &Arc<Pattern>)> = Vec::new();
        let shape_of: Vec<Option<usize>> = (patterns.iter().enumerate())
            .map(|(p, pattern)| {
                let pattern = pattern.as_ref()?;
                let shape = shapes.entry((pattern.row_ptr(), pattern.col_idx())).or_insert_with(|| {
                    firsts.push((p, pattern));
                    firsts.len() - 1
                });
                Some(*shape)
            })
            .collect();
        let structure = |&(p, pattern): &(usize, &Arc<Pattern>)| {
            let ordering = Ordering::new(pattern).map_err(|e| e.at(name(layout, p)))?;
            Ok(Arc::new(Structure { pattern: pattern.clone(), ordering }))
        };
        let structures: Vec<Result<_>> = parallel::map(firsts.iter(), &structure);
        let structures = structures.into_iter().collect::<Result<Vec<_>>>()?;
        let sparse: Vec<_> = shape_of.into_iter().map(|s| s.map(|s| Arc::clone(&structures[s]))).collect();
        let cost = |&m: &usize| if m <= limit { m * m } else { 64 * m };
        let work = sizes.iter().map(cost).sum();
        let mut solves = Self { layout: layout.clone(), factors: Vec::new(), sparse, work };
        solves.refactor(a, interface)?;
        Ok(solves)
    }

    /// Refactors for other values of A or of the interfaces. On failure the old factors stay.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn refactor(&mut self, a: &[T], interface: &[T]) -> Result<()> {
        let (entries, own) = (self.layout.pattern().nnz(), self.layout.interface_entries());
        if a.len() != entries || interface.len() != own {
            return Err(Error::dimension(format!(
                "{} values of the matrix and {} of the interfaces, but the layout has {entries} and {own}",
                a.len(),
                interface.len()
            )));
        }
        let factor = |p: usize| factor(&self.layout, p, self.sparse[p].as_deref(), a, interface);
        let parts = 0..self.sparse.len();
        let factors: Vec<Result<Local<T>>> =
            if self.work < PARALLEL { parts.map(factor).collect() } else { parallel::map(parts, &factor) };
        // The first in order, independent of the threads.
        self.factors = factors.into_iter().collect::<Result<_>>()?;
        Ok(())
    }

    /// y ← Bᵢ⁻¹ Wᵢ Rᵢ r of all subdomains, or Bᵢ⁻ᵀ Wᵢ Rᵢ r.
    ///
    /// `r` is a block of n rows and `k` columns; `y` has k values for every place of the
    /// [`Decomposition`](super::Decomposition), subdomain after subdomain; `weights` has one value for every
    /// place (none: all one). Cost: m² multiplications and additions for every column of a dense part.
    ///
    /// # Errors
    /// Lengths that do not fit.
    pub fn solve(
        &self,
        r: &[T],
        weights: Option<&[T]>,
        k: usize,
        transposed: bool,
        y: &mut [T],
    ) -> Result<()> {
        let (n, places) = (self.layout.decomposition().rows(), self.layout.decomposition().places());
        let fits = weights.is_none_or(|w| w.len() == places);
        if r.len() != n * k || y.len() != places * k || !fits {
            return Err(Error::dimension(format!(
                "local solves of {k} columns take {} values and give {}, got {} and {}{}",
                n * k,
                places * k,
                r.len(),
                y.len(),
                if fits { "" } else { "; the weights need one value for every place" }
            )));
        }
        if k == 0 {
            return Ok(());
        }
        let mut blocks = Vec::with_capacity(self.factors.len());
        let mut rest = y;
        for (p, factors) in self.factors.iter().enumerate() {
            let range = self.layout.decomposition().range(p);
            let (to, others) = rest.split_at_mut(range.len() * k);
            rest = others;
            let rows = Some(&self.layout.decomposition().members()[range.clone()]);
            blocks.push((factors, Columns { from: r, rows, weights: weights.map(|w| &w[range]), to, k }));
        }
        let run = |(factors, block): (&Local<T>, Columns<'_, T>)| match factors {
            Local::Dense(lu) => lu.solve(block, transposed),
            Local::Sparse(lu) => sparse(lu, block, transposed),
        };
        if self.work * k < PARALLEL {
            blocks.into_iter().for_each(run);
        } else {
            parallel::for_each(blocks.into_iter(), &run);
        }
        Ok(())
    }
}

/// A solve in double precision.
fn sparse<T: Scalar>(lu: &Factors, block: Columns<'_, T>, transposed: bool) {
    let k = block.k;
    let mut row = vec![T::ZERO; k];
    let mut wide = Vec::with_capacity(block.to.len());
    for i in 0..block.to.len() / k {
        block.read(i, 0, &mut row);
        wide.extend(row.iter().map(|v| v.to_f64()));
    }
    lu.solve(&mut wide, k, transposed);
    block.to.iter_mut().zip(wide).for_each(|(x, v)| *x = T::from_f64(v));
}

fn name(layout: &Layout, p: usize) -> String {
    format!("part {} of {}", p + 1, layout.decomposition().parts())
}

fn factor<T: Scalar>(
    layout: &Layout,
    p: usize,
    sparse: Option<&Structure>,
    a: &[T],
    interface: &[T],
) -> Result<Local<T>> {
    let values = layout.local_values(p, a, interface);
    let rows = layout.decomposition().range(p).len();
    let help = "change its interface values, or join it with a neighbour";
    let Some(structure) = sparse else {
        return DenseLu::new(rows, layout.local_rows(p), &values).map(Local::Dense).map_err(|row| {
            let global = layout.decomposition().members()[layout.decomposition().range(p)][row] + 1;
            Error::singular(format!(
                "{}: the local matrix of {rows} rows is singular (row {global} of the matrix); {help}",
                name(layout, p)
            ))
        });
    };
    let wide: Vec<f64> = values.iter().map(|v| v.to_f64()).collect();
    // The factorisation would accept a value that is not finite.
    let finite = wide.iter().all(|v| v.is_finite());
    let factors = if finite { structure.ordering.regular(&structure.pattern, &wide) } else { Ok(None) };
    let factors = factors.map_err(|e| e.at(name(layout, p)))?;
    factors.map(|lu| Local::Sparse(Box::new(lu))).ok_or_else(|| {
        Error::singular(format!("{}: the local matrix of {rows} rows is singular; {help}", name(layout, p)))
    })
}
