//! The graphs of all local matrices of a Schwarz method, with the couplings that their rows miss.

use std::sync::Arc;

use super::part::Part;
use crate::error::{Error, Result};
use crate::parallel;
use crate::schwarz::{Layout, Subdomain};
use crate::sparse::{Csr, Pattern, Scalar};

/// Numbers that describe an entry beside the diagonal.
pub const EDGE: usize = 5;
/// Numbers that describe an interface entry.
pub const ENTRY: usize = 5;

/// The rows of all local matrices as nodes, their entries beside the diagonal as edges, and the interface
/// entries. All values are in units of diagonal entries.
#[derive(Debug)]
pub struct LocalGraph<T> {
    /// Nodes × [`NODE`](super::part::NODE).
    pub nodes: Vec<T>,
    /// Local entries without the diagonal, all local matrices below each other.
    pub pattern: Arc<Pattern>,
    /// Entries of the pattern × [`EDGE`].
    pub edges: Vec<T>,
    /// 1 over the number of neighbours of every node.
    pub shares: Vec<T>,
    /// The nodes on outer rings.
    pub ring: Arc<[u32]>,
    /// Row and column of every interface entry, counted in `ring`.
    pub ends: [Arc<[u32]>; 2],
    /// Interface entries × [`ENTRY`].
    pub entries: Vec<T>,
    /// For every interface entry on the diagonal the couplings that its row misses: the largest, and the
    /// sum of their sizes. Beside it 0, and the latter.
    pub missing: Vec<(f64, f64)>,
    /// The interface entry on the diagonal of the row of each, if there is one.
    pub diagonal: Vec<Option<u32>>,
}

impl<T: Scalar> LocalGraph<T> {
    /// The graph of a matrix and its subdomains. Cost: one pass over all local entries, in parallel over
    /// subdomains.
    ///
    /// # Errors
    /// A matrix of another pattern than the layout has; a row of an outer ring without a diagonal entry.
    pub fn of<U: Scalar>(a: &Csr<U>, layout: &Layout) -> Result<Self> {
        if a.pattern() != layout.pattern() {
            return Err(Error::dimension("the matrix has not the pattern of the layout"));
        }
        let diagonal: Vec<f64> = a.diagonal().iter().map(|v| v.to_f64()).collect();
        let sources: Vec<usize> = layout.interface_sources().collect();
        let parts: Vec<(usize, Subdomain<'_>)> = layout.decomposition().iter().enumerate().collect();
        let made: Vec<Result<Part>> =
            parallel::map(parts.into_iter(), &|(p, s)| Part::new(a, layout, &diagonal, &sources, p, s));
        let mut graph = Joined::new();
        for part in made {
            graph.add(part?);
        }
        Ok(graph.finish())
    }

    /// The interface values that the numbers of the network (two for every interface entry, the first for those
    /// on the diagonal) stand for: with bounded numbers t and the couplings c that a row misses,
    ///
    /// ```text
    /// L(p,q) = t(p,q) Σ|c(p)|,    L(p,p) = α c_max(p) + t(p,p) Σ|c(p)| − Σ L(p,q)
    /// ```
    ///
    /// On constants the entries beside the diagonal have no effect.
    pub fn values(&self, numbers: &[T], alpha: f64) -> Vec<f64> {
        let mut values = vec![0.0; self.missing.len()];
        for (q, ((&(base, unit), own), out)) in
            self.missing.iter().zip(&self.diagonal).zip(numbers.chunks_exact(2)).enumerate()
        {
            if *own == Some(q as u32) {
                values[q] += alpha * base + unit * bounded(out[0].to_f64());
            } else if let Some(own) = own {
                let value = unit * bounded(out[1].to_f64());
                values[q] = value;
                values[*own as usize] -= value;
            }
        }
        values
    }

    /// The gradient with respect to the numbers, from that with respect to the values.
    pub fn pull_back(&self, gradient: &[f64], numbers: &[T]) -> Vec<T> {
        let mut seed = vec![T::ZERO; numbers.len()];
        for (q, ((&(_, unit), own), out)) in
            self.missing.iter().zip(&self.diagonal).zip(numbers.chunks_exact(2)).enumerate()
        {
            if *own == Some(q as u32) {
                seed[2 * q] = T::from_f64(gradient[q] * unit * slope(out[0].to_f64()));
            } else if let Some(own) = own {
                let difference = gradient[q] - gradient[*own as usize];
                seed[2 * q + 1] = T::from_f64(difference * unit * slope(out[1].to_f64()));
            }
        }
        seed
    }
}

/// The subdomains that have been added so far, one after another.
struct Joined<T> {
    nodes: Vec<T>,
    row_ptr: Vec<u32>,
    columns: Vec<u32>,
    edges: Vec<T>,
    ring: Vec<u32>,
    ends: [Vec<u32>; 2],
    entries: Vec<T>,
    missing: Vec<(f64, f64)>,
    diagonal: Vec<Option<u32>>,
}

fn cast<T: Scalar>(list: Vec<f64>) -> impl Iterator<Item = T> {
    list.into_iter().map(T::from_f64)
}

impl<T: Scalar> Joined<T> {
    fn new() -> Self {
        Self {
            nodes: Vec::new(),
            row_ptr: vec![0],
            columns: Vec::new(),
            edges: Vec::new(),
            ring: Vec::new(),
            ends: [Vec::new(), Vec::new()],
            entries: Vec::new(),
            missing: Vec::new(),
            diagonal: Vec::new(),
        }
    }

    /// Adds the next subdomain.
    fn add(&mut self, part: Part) {
        let (first, rings) = ((self.row_ptr.len() - 1) as u32, self.ring.len() as u32);
        let mut end = self.columns.len() as u32;
        self.row_ptr.extend(part.lengths.iter().map(|length| {
            end += length;
            end
        }));
        self.columns.extend(part.columns.into_iter().map(|j| first + j));
        self.ring.extend(part.ring.into_iter().map(|i| first + i));
        for (all, own) in self.ends.iter_mut().zip(part.ends) {
            all.extend(own.into_iter().map(|r| rings + r));
        }
        self.nodes.extend(cast::<T>(part.nodes));
        self.edges.extend(cast::<T>(part.edges));
        self.entries.extend(cast::<T>(part.entries));
        self.missing.extend(part.missing);
        self.diagonal.extend(part.diagonal);
    }

    fn finish(self) -> LocalGraph<T> {
        let count = self.row_ptr.len() - 1;
        let share = |w: &[u32]| T::from_f64(1.0 / f64::from((w[1] - w[0]).max(1)));
        LocalGraph {
            nodes: self.nodes,
            shares: self.row_ptr.windows(2).map(share).collect(),
            pattern: Arc::new(Pattern::from_parts(count, count, self.row_ptr, self.columns)),
            edges: self.edges,
            ring: Arc::from(self.ring),
            ends: self.ends.map(Arc::from),
            entries: self.entries,
            missing: self.missing,
            diagonal: self.diagonal,
        }
    }
}

/// A change of at most one, so that no network makes a value out of reach.
fn bounded(v: f64) -> f64 {
    v / (1.0 + v.abs())
}

/// Its derivative.
fn slope(v: f64) -> f64 {
    1.0 / (1.0 + v.abs()).powi(2)
}
