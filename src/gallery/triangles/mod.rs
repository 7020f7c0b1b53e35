//! Meshes of triangles in the plane.

mod assembly;
#[cfg(feature = "mesh")]
mod domain;
mod gmsh;
mod lines;
#[cfg(feature = "mesh")]
mod mesher;

#[cfg(feature = "mesh")]
pub use mesher::{random_diffusion_2d, random_triangle_mesh};

use crate::error::{Error, Result};

/// The area below which a triangle counts as degenerate, in squares of its longest edge.
const THINNEST: f64 = 1e-10;

/// A conforming triangle mesh in the plane.
///
/// ```
/// use multigrad::gallery::TriangleMesh;
/// // A square, cut into four from its middle, the only point that is not on the boundary.
/// let points = vec![[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.5, 0.5]];
/// let mesh = TriangleMesh::new(points, vec![[0, 1, 4], [1, 2, 4], [2, 3, 4], [3, 0, 4]])?;
/// assert_eq!(mesh.free(), [4]);
/// assert_eq!(mesh.diffusion(0.0, |_| 1.0)?.matrix.get(0, 0), 4.0);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct TriangleMesh {
    /// Coordinates of the points.
    pub points: Vec<[f64; 2]>,
    /// Points of every triangle, anticlockwise, counted from 0.
    pub triangles: Vec<[u32; 3]>,
    /// Whether a point is on the boundary: on an edge with one triangle.
    boundary: Vec<bool>,
}

impl TriangleMesh {
    /// A mesh of the given triangles; clockwise ones are reversed. Cost: one sort of the edges.
    ///
    /// # Errors
    /// No triangle; a coordinate that is not finite; an index out of range; a triangle
    /// without area; a point in no triangle; two triangles on the same side of an edge.
    pub fn new(points: Vec<[f64; 2]>, triangles: Vec<[u32; 3]>) -> Result<Self> {
        if triangles.len() >= u32::MAX as usize / 3 || points.len() >= u32::MAX as usize {
            return Err(Error::dimension(format!(
                "{} triangles exceed the 32-bit index range; take a coarser mesh",
                triangles.len()
            )));
        }
        let mut mesh = Self { points, triangles, boundary: Vec::new() };
        mesh.orient()?;
        mesh.boundary = mesh.find_boundary()?;
        Ok(mesh)
    }

    /// The points that are not on the boundary, ascending: unknown k of
    /// [`diffusion`](Self::diffusion) is the value at point `free()[k]`.
    pub fn free(&self) -> Vec<u32> {
        (0u32..).zip(&self.boundary).filter(|(_, boundary)| !**boundary).map(|(i, _)| i).collect()
    }

    /// Whether each point is on the boundary, that of holes included.
    pub fn boundary(&self) -> &[bool] {
        &self.boundary
    }

    /// Extends numbers of the unknowns to all points, such as part numbers for a picture: a point on the
    /// boundary gets the number of the nearest unknown along edges, the lowest among equally near ones.
    ///
    /// # Errors
    /// Another number of values than of unknowns; points on the boundary that no edges connect to an unknown.
    pub fn on_all_points(&self, of_unknowns: &[u32]) -> Result<Vec<u32>> {
        let free = self.free();
        if free.len() != of_unknowns.len() || self.boundary.len() != self.points.len() {
            return Err(Error::dimension(format!(
                "{} numbers for the {} unknowns of a mesh with {} points",
                of_unknowns.len(),
                free.len(),
                self.points.len()
            )));
        }
        let mut numbers = vec![None; self.points.len()];
        free.iter().zip(of_unknowns).for_each(|(&v, &number)| numbers[v as usize] = Some(number));
        loop {
            let before = numbers.clone();
            let mut more = false;
            for triangle in &self.triangles {
                let near = triangle.iter().filter_map(|&v| *before.get(v as usize)?).min();
                for &v in triangle {
                    if let (Some(None), Some(near)) = (before.get(v as usize), near) {
                        let slot = &mut numbers[v as usize];
                        *slot = Some(slot.map_or(near, |known: u32| known.min(near)));
                        more = true;
                    }
                }
            }
            if !more {
                let lost = numbers.iter().position(Option::is_none);
                return lost.map_or_else(
                    || Ok(numbers.iter().filter_map(|n| *n).collect()),
                    |v| {
                        Err(Error::invalid_input(format!("no edges lead from point {} to an unknown", v + 1)))
                    },
                );
            }
        }
    }

    /// The sum of the areas of the triangles.
    pub fn area(&self) -> f64 {
        self.triangles.iter().filter_map(|&t| self.corners(t)).map(|t| twice_area(t) / 2.0).sum()
    }

    /// The coordinates of the corners of a triangle, if all exist.
    fn corners(&self, triangle: [u32; 3]) -> Option<[[f64; 2]; 3]> {
        let [a, b, c] = triangle.map(|v| self.points.get(v as usize));
        Some([*a?, *b?, *c?])
    }

    /// Turns all triangles anticlockwise, or fails.
    fn orient(&mut self) -> Result<()> {
        if self.triangles.is_empty() {
            return Err(Error::invalid_input("a mesh needs at least one triangle"));
        }
        if let Some(i) = self.points.iter().position(|p| !p.iter().all(|x| x.is_finite())) {
            return Err(Error::invalid_input(format!(
                "point {} is ({}, {}); all coordinates must be finite",
                i + 1,
                self.points[i][0],
                self.points[i][1]
            )));
        }
        let mut used = vec![false; self.points.len()];
        for t in 0..self.triangles.len() {
            let triangle = self.triangles[t];
            let Some(corners) = self.corners(triangle) else {
                return Err(Error::invalid_input(format!(
                    "triangle {} has points {}, but there are {} points",
                    t + 1,
                    list(triangle),
                    self.points.len()
                )));
            };
            let area = twice_area(corners);
            let longest =
                (0..3).map(|i| square(difference(corners[i], corners[(i + 1) % 3]))).fold(0.0, f64::max);
            // NaN, from coordinates near the largest numbers, is refused as well.
            if !(area.abs() > THINNEST * longest && longest.is_finite()) {
                return Err(Error::invalid_input(format!(
                    "triangle {} of points {} has zero area (twice the area is {area:e}); leave it out and join \
                     its points",
                    t + 1,
                    list(triangle)
                )));
            }
            if area < 0.0 {
                self.triangles[t].swap(1, 2);
            }
            triangle.iter().for_each(|&v| used[v as usize] = true);
        }
        match used.iter().position(|used| !used) {
            None => Ok(()),
            Some(i) => Err(Error::invalid_input(format!("point {} is in no triangle; leave it out", i + 1))),
        }
    }

    /// The points on edges with one triangle. Fails if two triangles overlap because they lie on the same
    /// side of an edge.
    fn find_boundary(&self) -> Result<Vec<bool>> {
        // An edge from its lower point to its higher one, then whether the triangle on its left is reversed,
        // then the triangle.
        let mut edges: Vec<(u32, u32, bool, u32)> = (0u32..)
            .zip(&self.triangles)
            .flat_map(|(t, &[a, b, c])| [(a, b), (b, c), (c, a)].map(|(p, q)| (p.min(q), p.max(q), p > q, t)))
            .collect();
        edges.sort_unstable();
        let side = |e: &(u32, u32, bool, u32)| (e.0, e.1, e.2);
        if let Some(pair) = edges.windows(2).find(|pair| side(&pair[0]) == side(&pair[1])) {
            return Err(Error::invalid_input(format!(
                "triangles {} and {} overlap: both are on the same side of the edge of points {} and {}",
                pair[0].3 + 1,
                pair[1].3 + 1,
                pair[0].0 + 1,
                pair[0].1 + 1
            )));
        }
        let mut boundary = vec![false; self.points.len()];
        for sides in edges.chunk_by(|e, f| (e.0, e.1) == (f.0, f.1)) {
            if let [(p, q, ..)] = *sides {
                boundary[p as usize] = true;
                boundary[q as usize] = true;
            }
        }
        Ok(boundary)
    }
}

/// Numbers of points for messages, from 1.
fn list(triangle: [u32; 3]) -> String {
    triangle.map(|v| (u64::from(v) + 1).to_string()).join(", ")
}

/// Twice the area of a triangle, positive if it runs anticlockwise.
fn twice_area([p, q, r]: [[f64; 2]; 3]) -> f64 {
    let ([a, b], [c, d]) = (difference(q, p), difference(r, p));
    a * d - b * c
}

fn difference(p: [f64; 2], q: [f64; 2]) -> [f64; 2] {
    [p[0] - q[0], p[1] - q[1]]
}

fn square(p: [f64; 2]) -> f64 {
    p[0] * p[0] + p[1] * p[1]
}

#[cfg(test)]
#[path = "mesh_tests.rs"]
mod tests;
