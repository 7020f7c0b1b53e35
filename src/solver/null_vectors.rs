//! Null vectors of a singular matrix, by connected component.

use crate::krylov::{axpy, dot, largest, norm};
use crate::setup::{constraints, detect_block_size};
use crate::sparse::{Csr, DenseMatrix};

/// A product below this share of its terms is zero to rounding.
const ROUNDING: f64 = 1e-12;
/// A vector of which less than this share is left by orthogonalisation adds nothing.
const DEPENDENT: f64 = 1e-8;

/// Where a null vector comes from: the words for its condition on the right-hand side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// The constant.
    Constant,
    /// Ones at the unknown of this number in every node.
    Direction(usize),
    /// The near-nullspace candidate of this number.
    Candidate(usize),
    /// The constant of the scaled matrix.
    Scaling,
    /// Ones at the constraints of a saddle-point matrix, such as a constant pressure.
    Constraints,
    /// The unit vector of a zero row.
    ZeroRow,
    /// Found by a solve.
    Found,
}

/// A vector v of one component with Aᵀ v = 0, or A v = 0.
#[derive(Debug, Clone)]
pub(super) struct NullVector {
    pub origin: Origin,
    /// v on the rows of its component, as it was found.
    pub values: Vec<f64>,
    /// The same after orthogonalisation against earlier vectors of the component, of norm 1.
    unit: Vec<f64>,
}

/// A connected component with its null vectors.
#[derive(Debug, Clone)]
pub(super) struct Component {
    pub rows: Vec<u32>,
    pub vectors: Vec<NullVector>,
}

/// The null vectors of a matrix or its transpose that are known, by component.
#[derive(Debug, Clone)]
pub(super) struct NullVectors {
    pub components: Vec<Component>,
    /// Unknowns of a node.
    pub block: usize,
    transposed: bool,
    /// The sums of absolute values of the columns, or of the rows.
    sizes: Vec<f64>,
}

/// Vectors that may belong to a nullspace.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Hints<'a> {
    pub candidates: Option<&'a DenseMatrix>,
    /// The vector that a scaling makes constant.
    pub scaling: Option<&'a [f64]>,
}

impl NullVectors {
    /// Those of Aᵀ (`transposed`) or A among candidates, constants of each unknown of a node, constants, the constant of
    /// the scaled matrix, constants of the constraints of a saddle-point matrix and, for Aᵀ, unit vectors of zero rows. Each vector is tested on every component by one product
    /// with the matrix.
    pub fn of(a: &Csr<f64>, hints: Hints<'_>, transposed: bool) -> Self {
        let nonzero = a.values().contains(&0.0).then(|| a.filter(|_, _, v| v != 0.0));
        let components = nonzero.as_ref().unwrap_or(a).pattern().components();
        let mut sizes = vec![0.0; a.rows()];
        for i in 0..a.rows() {
            a.row(i).for_each(|(j, v)| sizes[if transposed { j } else { i }] += v.abs());
        }
        let components = components.into_iter().map(|rows| Component { rows, vectors: Vec::new() });
        let block = hints.candidates.and_then(block_of).unwrap_or_else(|| detect_block_size(a));
        let mut own = Self { components: components.collect(), block, transposed, sizes };
        let n = a.rows();
        for j in 0..hints.candidates.map_or(0, DenseMatrix::cols) {
            let column: Vec<f64> = hints.candidates.into_iter().flat_map(|b| b.column(j)).collect();
            own.try_vector(a, &column, Origin::Candidate(j));
        }
        for d in 0..if block > 1 { block } else { 0 } {
            let direction: Vec<f64> = (0..n).map(|i| f64::from(u8::from(i % block == d))).collect();
            own.try_vector(a, &direction, Origin::Direction(d));
        }
        own.try_vector(a, &vec![1.0; n], Origin::Constant);
        if let Some(scaling) = hints.scaling {
            own.try_vector(a, scaling, Origin::Scaling);
        }
        if let Ok(constrained) = constraints(a) {
            let ones: Vec<f64> = constrained.iter().map(|&c| f64::from(u8::from(c))).collect();
            own.try_vector(a, &ones, Origin::Constraints);
        }
        if transposed {
            own.zero_rows(a);
        }
        own
    }

    /// Adds the parts of w that are null vectors of their component to rounding. Returns their number.
    pub fn try_vector(&mut self, a: &Csr<f64>, w: &[f64], origin: Origin) -> usize {
        let product = self.product(a, w);
        let block = self.block;
        // Where entries of w differ by their scaling, the largest one says nothing about a row that it is not in.
        let terms = (origin == Origin::Scaling).then(|| self.sums(a, w, f64::abs));
        let size = |j: usize, most: f64| terms.as_ref().map_or(self.sizes[j] * most, |terms| terms[j]);
        let mut added = 0;
        let mut components = std::mem::take(&mut self.components);
        for component in &mut components {
            let values: Vec<f64> = component.rows.iter().map(|&i| w[i as usize]).collect();
            let most = largest(&values);
            let is_null = |&j: &u32| product[j as usize].abs() <= ROUNDING * size(j as usize, most);
            if most > 0.0 && most.is_finite() && component.rows.iter().all(is_null) {
                let origin = recognised(origin, &component.rows, &values, block);
                added += usize::from(component.add(origin, values));
            }
        }
        self.components = components;
        added
    }

    /// Aᵀ w or A w.
    pub fn product(&self, a: &Csr<f64>, w: &[f64]) -> Vec<f64> {
        self.sums(a, w, |v| v)
    }

    /// Sums of f(aᵢⱼ wᵢ) over the columns, or of f(aᵢⱼ wⱼ) over the rows. One pass over the matrix, without its transpose.
    fn sums(&self, a: &Csr<f64>, w: &[f64], f: impl Fn(f64) -> f64) -> Vec<f64> {
        let mut sums = vec![0.0; w.len()];
        for i in 0..a.rows() {
            for (j, v) in a.row(i) {
                let (from, to) = if self.transposed { (i, j) } else { (j, i) };
                sums[to] += f(v * w[from]);
            }
        }
        sums
    }

    /// Unit vectors of zero rows in components of several rows. At most one per component is kept: several would take
    /// memory of the square of its rows.
    fn zero_rows(&mut self, a: &Csr<f64>) {
        for component in &mut self.components {
            let is_zero = |&i: &u32| a.row(i as usize).all(|(_, v)| v == 0.0);
            if let Some(place) = component.rows.iter().position(is_zero) {
                let mut values = vec![0.0; component.rows.len()];
                values[place] = 1.0;
                component.add(Origin::ZeroRow, values);
            }
        }
    }

    /// Number of vectors.
    pub fn count(&self) -> usize {
        self.components.iter().map(|c| c.vectors.len()).sum()
    }

    /// b without its parts along the vectors: its orthogonal projection. Cost: two passes over each vector.
    pub fn project(&self, b: &[f64]) -> Vec<f64> {
        let mut rest = b.to_vec();
        for component in self.components.iter().filter(|c| !c.vectors.is_empty()) {
            let mut own = component.of(b);
            component.orthogonalise(&mut own);
            component.rows.iter().zip(own).for_each(|(&i, v)| rest[i as usize] = v);
        }
        rest
    }
}

/// Unknowns of a node by candidates that contain the translation along x.
fn block_of(candidates: &DenseMatrix) -> Option<usize> {
    let is_first = |b: usize, column: usize| {
        candidates.column(column).enumerate().all(|(i, v)| v == f64::from(u8::from(i % b == 0)))
    };
    [2, 3].into_iter().find(|&b| (0..candidates.cols()).any(|column| is_first(b, column)))
}

/// Constants and directions among candidates.
fn recognised(origin: Origin, rows: &[u32], values: &[f64], block: usize) -> Origin {
    if !matches!(origin, Origin::Candidate(_) | Origin::Found) {
        return origin;
    }
    let equal = |v: &f64| (v - values[0]).abs() <= ROUNDING * values[0].abs();
    if block == 1 {
        return if values.iter().all(equal) { Origin::Constant } else { origin };
    }
    let along = |d: usize| {
        let mut on = rows.iter().zip(values).filter(|(i, _)| **i as usize % block == d);
        let first = on.next().map_or(0.0, |(_, v)| *v);
        let equal = on.all(|(_, v)| (v - first).abs() <= ROUNDING * first.abs());
        let off = rows.iter().zip(values).filter(|(i, _)| **i as usize % block != d);
        first != 0.0 && equal && off.into_iter().all(|(_, v)| v.abs() <= ROUNDING * first.abs())
    };
    (0..block).find(|&d| along(d)).map_or(origin, Origin::Direction)
}

impl Component {
    /// Adds a vector unless it depends on the others.
    fn add(&mut self, origin: Origin, values: Vec<f64>) -> bool {
        let length = norm(&values);
        let mut unit: Vec<f64> = values.iter().map(|v| v / length).collect();
        self.orthogonalise(&mut unit);
        let rest = norm(&unit);
        if !rest.is_finite() || rest <= DEPENDENT {
            return false;
        }
        unit.iter_mut().for_each(|v| *v /= rest);
        self.vectors.push(NullVector { origin, values, unit });
        true
    }

    /// Subtracts the parts along the vectors, twice for the sake of rounding.
    fn orthogonalise(&self, w: &mut [f64]) {
        for _ in 0..2 {
            for vector in &self.vectors {
                axpy(-dot(&vector.unit, w), &vector.unit, w);
            }
        }
    }

    /// The part of a vector on the rows of the component.
    pub fn of(&self, b: &[f64]) -> Vec<f64> {
        self.rows.iter().map(|&i| b[i as usize]).collect()
    }

    /// The norm of the part of b along the vectors, for b on the rows of the component.
    pub fn outside(&self, b: &[f64]) -> f64 {
        norm(&self.vectors.iter().map(|v| dot(&v.unit, b)).collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gallery;

    #[test]
    fn every_component_has_its_own_constant() {
        // A chain of three, a grounded chain of two, a zero row.
        let t = [
            (0, 0, 1.0),
            (0, 1, -1.0),
            (1, 0, -1.0),
            (1, 1, 3.0),
            (1, 2, -2.0),
            (2, 1, -2.0),
            (2, 2, 2.0),
            (3, 3, 2.0),
            (3, 4, -1.0),
            (4, 3, -1.0),
            (4, 4, 1.0),
        ];
        let a = Csr::from_triplets(6, 6, &t).unwrap();
        let found = NullVectors::of(&a, Hints::default(), true);
        let counts: Vec<usize> = found.components.iter().map(|c| c.vectors.len()).collect();
        assert_eq!(counts, [1, 0, 1]);
        let rest = found.project(&[1.0, 2.0, 6.0, 1.0, 1.0, 5.0]);
        let expected = [-2.0, -1.0, 3.0, 1.0, 1.0, 0.0];
        assert!(rest.iter().zip(expected).all(|(r, e)| (r - e).abs() < 1e-14), "{rest:?}");
    }

    #[test]
    fn candidates_that_are_translations_are_directions() {
        let problem = gallery::elasticity_2d(6, 6, 1.0, 0.3).unwrap();
        let modes = problem.near_nullspace.unwrap();
        let hints = Hints { candidates: Some(&modes), scaling: None };
        // The body is held: no candidate is a null vector.
        assert_eq!(NullVectors::of(&problem.matrix, hints, true).count(), 0);
        let values: Vec<f64> = modes.column(1).collect();
        let rows: Vec<u32> = (0..values.len() as u32).collect();
        assert_eq!(recognised(Origin::Candidate(1), &rows, &values, 2), Origin::Direction(1));
        let rotation: Vec<f64> = modes.column(2).collect();
        assert_eq!(recognised(Origin::Candidate(2), &rows, &rotation, 2), Origin::Candidate(2));
    }
}
