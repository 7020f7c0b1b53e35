//! What is learned: flat buffers with their scaling.

use std::sync::Arc;

use crate::autodiff::{Parameter, Recorded};
use crate::engine::Host;
use crate::multigrid::{Hierarchy, Place, Role, Smoother};
use crate::sparse::Scalar;

/// The learned leaves of a hierarchy, one flat buffer each.
///
/// Row i of a learned M⁽ˡ⁾ is measured in units of 1/|a(i,i)|, row i of a learned U in units of
/// |u(i,i)|, entries of L in units of one, so that one rate suits all rows of all levels.
#[derive(Debug, Clone)]
pub struct Parameters<T> {
    places: Vec<Place>,
    values: Vec<Arc<Vec<T>>>,
    scaling: Vec<Vec<T>>,
}

impl<T: Scalar> Parameters<T> {
    /// Every sparse approximate inverse and every pair of factors among the smoothers of `h`, pre and
    /// post apart.
    pub fn relaxations(h: &Hierarchy<Host<f64>>) -> Self {
        let (mut places, mut values, mut scaling) = (Vec::new(), Vec::new(), Vec::new());
        for (level, l) in h.levels.iter().enumerate() {
            let diagonal = l.a.to_csr().diagonal();
            let sweeps = l.pre.iter().enumerate().map(|(q, s)| (Role::Pre(q), s));
            for (role, sweep) in sweeps.chain(l.post.iter().enumerate().map(|(q, s)| (Role::Post(q), s))) {
                let m = match sweep {
                    Smoother::Sparse { m } | Smoother::Factors { factors: m, .. } => m,
                    _ => continue,
                };
                places.push(Place { level, role });
                values.push(Arc::new(m.values.iter().map(|&v| T::from_f64(v)).collect()));
                let factors = m.to_csr();
                let pivots = factors.diagonal();
                let unit = |i: usize, j: usize| match sweep {
                    Smoother::Factors { unit_lower, .. } if (j < i) == *unit_lower && i != j => 1.0,
                    Smoother::Factors { .. } => pivots[i].abs(),
                    _ if diagonal[i] == 0.0 => 1.0,
                    _ => 1.0 / diagonal[i].abs(),
                };
                let row = |i: usize| factors.row(i).map(move |(j, _)| (i, j));
                let units = (0..factors.rows()).flat_map(row).map(|(i, j)| T::from_f64(unit(i, j)));
                scaling.push(units.collect());
            }
        }
        Self { places, values, scaling }
    }

    /// Number of buffers.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether nothing is learned.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Number of learned values in all buffers.
    pub fn count(&self) -> usize {
        self.values.iter().map(|v| v.len()).sum()
    }

    /// Number of values of every buffer.
    pub fn lengths(&self) -> Vec<usize> {
        self.values.iter().map(|v| v.len()).collect()
    }

    /// The buffers.
    pub fn values(&self) -> &[Arc<Vec<T>>] {
        &self.values
    }

    /// The unit in which every value is measured, on the buffers.
    pub fn scaling(&self) -> &[Vec<T>] {
        &self.scaling
    }

    /// A buffer to be changed, with its scaling.
    pub fn buffer_mut(&mut self, q: usize) -> (&mut [T], &[T]) {
        let values: &mut Vec<T> = Arc::make_mut(&mut self.values[q]);
        (values, &self.scaling[q])
    }

    /// Whether all values are finite.
    pub fn finite(&self) -> bool {
        self.values.iter().all(|v| v.iter().all(|x| x.finite()))
    }

    fn position(&self, place: Place) -> Option<usize> {
        self.places.iter().position(|&p| p == place)
    }

    /// `h` with these values as parameters 0, 1, … and everything else constant.
    pub fn record(&self, h: &Hierarchy<Host<T>>) -> Hierarchy<Recorded<T>> {
        h.map(
            |place, values| match self.position(place) {
                Some(q) => Parameter::learned(self.values[q].clone(), q),
                None => Parameter::constant(values.clone()),
            },
            Clone::clone,
        )
    }

    /// `h`, in any precision, with these values in place of its own.
    pub fn install<U: Scalar>(&self, h: &Hierarchy<Host<U>>) -> Hierarchy<Host<U>> {
        h.map(
            |place, values| match self.position(place) {
                Some(q) => Arc::new(self.values[q].iter().map(|v| U::from_f64(v.to_f64())).collect()),
                None => values.clone(),
            },
            Clone::clone,
        )
    }
}
