//! Linear elements for ηu − div(κ grad u) on a mesh of triangles.

use super::super::{Problem, check_positive};
use super::{TriangleMesh, difference, list, twice_area};
use crate::error::{Error, Result};
use crate::sparse::assemble::{Accumulator, assemble};
use crate::sparse::{Csr, DenseMatrix};

impl TriangleMesh {
    /// ηu − div(κ grad u) = 1 with u = 0 on the boundary, by linear elements (P1).
    ///
    /// Entries ∫ ηφᵢφⱼ + κ∇φᵢ·∇φⱼ, with κ evaluated at the centre of every triangle, which is exact for
    /// linear κ; right-hand side ∫ φᵢ. The rows of boundary points are omitted, see [`free`](Self::free).
    /// Exactly symmetric, and positive definite. Parallel, the same bits on any number of threads. Cost: one
    /// pass over the triangles around each point, about 7 entries in a row.
    ///
    /// # Errors
    /// η that is negative or not finite; κ that is not positive and finite at the centre of some triangle; no
    /// interior point; `points` or `triangles` changed to values that [`new`](Self::new) refuses.
    pub fn diffusion(&self, eta: f64, kappa: impl Fn([f64; 2]) -> f64) -> Result<Problem> {
        if !(eta.is_finite() && eta >= 0.0) {
            return Err(Error::invalid_input(format!("η must be finite and not negative, got {eta}")));
        }
        let elements = self.elements(kappa)?;
        let free = self.free();
        if free.is_empty() {
            return Err(Error::invalid_input(format!(
                "all {} points of the mesh are on its boundary: no unknowns; take a finer mesh",
                self.points.len()
            )));
        }
        let name = format!("diffusion on {} triangles", self.triangles.len());
        let around = Around::new(self);
        let matrix = self.matrix(&elements, &around, &free, eta).map_err(|e| e.at(&name))?;
        let third = |&t: &u32| elements[t as usize].area / 3.0;
        let rhs = free.iter().map(|&v| around.triangles(v).iter().map(third).sum()).collect();
        let coordinates = DenseMatrix::from_fn(free.len(), 2, |k, axis| self.points[free[k] as usize][axis]);
        Ok(Problem::scalar(matrix, rhs, coordinates, name))
    }

    /// Areas, gradients and κ, after a check that the fields, which are public, are consistent.
    fn elements(&self, kappa: impl Fn([f64; 2]) -> f64) -> Result<Vec<Element>> {
        if self.boundary.len() != self.points.len() {
            return Err(Error::dimension(format!(
                "{} points, but the mesh was made with {}; make a new mesh",
                self.points.len(),
                self.boundary.len()
            )));
        }
        let element = |(t, &triangle): (usize, &[u32; 3])| {
            let place = |e: Error| e.at(format_args!("triangle {} of points {}", t + 1, list(triangle)));
            let Some(corners) = self.corners(triangle) else {
                let text = format!("there are {} points", self.points.len());
                return Err(place(Error::invalid_input(text)));
            };
            let area = twice_area(corners) / 2.0;
            check_positive("the area", area).map_err(place)?;
            let [p, q, r] = corners;
            let middle = [0, 1].map(|axis| (p[axis] + q[axis] + r[axis]) / 3.0);
            let kappa = kappa(middle);
            check_positive("κ", kappa).map_err(place)?;
            Ok(Element { area, kappa, edges: [difference(r, q), difference(p, r), difference(q, p)] })
        };
        self.triangles.iter().enumerate().map(element).collect()
    }

    /// Row by row. Both ends of an edge meet its triangles in the same order: exactly symmetric.
    fn matrix(&self, elements: &[Element], around: &Around, free: &[u32], eta: f64) -> Result<Csr<f64>> {
        let n = free.len();
        let mut number = vec![u32::MAX; self.points.len()];
        (0u32..).zip(free).for_each(|(k, &v)| number[v as usize] = k);
        assemble(
            n,
            n,
            || Accumulator::new(n),
            |row, sums, columns, values| {
                let vertex = free[row];
                for &t in around.triangles(vertex) {
                    let corners = self.triangles[t as usize];
                    let Some(own) = corners.iter().position(|&v| v == vertex) else { continue };
                    for (j, corner) in corners.into_iter().enumerate() {
                        let column = number[corner as usize] as usize;
                        if column < n {
                            sums.add(column, elements[t as usize].entry(own, j, eta));
                        }
                    }
                }
                sums.drain(columns, values);
            },
        )
    }
}

/// A triangle.
struct Element {
    area: f64,
    /// κ at its centre.
    kappa: f64,
    /// The edge opposite every corner. The gradient of the linear function that is 1 in that corner and 0 in
    /// the others is this edge rotated by a right angle over twice the area.
    edges: [[f64; 2]; 3],
}

impl Element {
    /// ∫ ηφᵢφⱼ + κ∇φᵢ·∇φⱼ over the triangle.
    fn entry(&self, i: usize, j: usize, eta: f64) -> f64 {
        let [a, b] = [self.edges[i], self.edges[j]];
        let mass = self.area * if i == j { 1.0 / 6.0 } else { 1.0 / 12.0 };
        self.kappa * (a[0] * b[0] + a[1] * b[1]) / (4.0 * self.area) + eta * mass
    }
}

/// The triangles around every point, ascending.
struct Around {
    starts: Vec<u32>,
    triangles: Vec<u32>,
}

impl Around {
    fn new(mesh: &TriangleMesh) -> Self {
        let mut starts = vec![0u32; mesh.points.len() + 1];
        mesh.triangles.iter().flatten().for_each(|&v| starts[v as usize + 1] += 1);
        (0..mesh.points.len()).for_each(|v| starts[v + 1] += starts[v]);
        let mut next = starts.clone();
        let mut triangles = vec![0; 3 * mesh.triangles.len()];
        for (t, triangle) in (0u32..).zip(&mesh.triangles) {
            for &v in triangle {
                triangles[next[v as usize] as usize] = t;
                next[v as usize] += 1;
            }
        }
        Self { starts, triangles }
    }

    fn triangles(&self, vertex: u32) -> &[u32] {
        let vertex = vertex as usize;
        &self.triangles[self.starts[vertex] as usize..self.starts[vertex + 1] as usize]
    }
}
