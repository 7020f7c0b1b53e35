//! Linear elements on an irregular mesh of tetrahedra.

use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use super::{Problem, check_shape};
use crate::error::{Error, Result};
use crate::sparse::assemble::assemble;
use crate::sparse::{Csr, DenseMatrix};

/// The largest displacement of a vertex, in units of h. A tetrahedron with corners of a cube can only turn
/// over if its corners move by half its smallest width, 1/√6 = 0.408.
const JITTER: f64 = 0.2;

/// −Δu = 1 on the unit cube, u = 0 on the boundary, by linear elements (P1) on an irregular
/// mesh of tetrahedra whose vertices are numbered at random.
///
/// `n` × `n` × `n` unknowns: the points of a grid with h = 1/(n + 1), each moved in a random
/// direction by up to 0.2 h, which leaves all volumes positive. Each cell of the grid is cut into
/// six tetrahedra from its corner with the lowest number, and each of its faces into two
/// triangles from the corner of that face with the lowest number, so that neighbouring cells agree
/// (Dompierre, Labbé, Vallet and Camarero 1999); as the numbers are random, so are the cuts,
/// and vertices have from 6 to 26 neighbours.
///
/// Entries ∫ ∇φᵢ·∇φⱼ / h, right-hand side h² times the volume of a vertex (a quarter of its tetrahedra) over
/// h³. Symmetric positive definite, exact for linear u, with row sums 0 away from the boundary; some
/// off-diagonal entries are positive, so it is not an M-matrix. Numbering, vertices and cuts depend on the
/// seed; the numbering does not follow the grid. Parallel, the same bits on any number of threads. Cost: one
/// pass over the elements around each vertex, about 15 n³ entries.
///
/// # Errors
/// No unknowns, or more entries than 32-bit indices can count.
///
/// ```
/// let problem = multigrad::gallery::unstructured_3d(5, 7)?;
/// assert_eq!(problem.coordinates.shape(), (125, 3));
/// assert!(problem.matrix.is_symmetric());
/// assert!((0..125).any(|i| problem.matrix.row(i).any(|(j, v)| j != i && v > 0.0)));
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn unstructured_3d(n: usize, seed: u64) -> Result<Problem> {
    let name = format!("unstructured {n} × {n} × {n}, seed {seed}");
    let place = |e: Error| e.at(&name);
    // Up to 27 entries in a row; the vertices on the boundary are numbered as well.
    check_shape(&[n; 3], 27, "vertices").map_err(place)?;
    let mesh = Mesh::new(n, seed);
    let h = 1.0 / mesh.cells as f64;
    let matrix = mesh.matrix().map_err(place)?;
    let coordinates =
        DenseMatrix::from_fn(mesh.inner.len(), 3, |row, d| h * mesh.points[mesh.inner[row] as usize][d]);
    let rhs = mesh.volumes().iter().map(|volume| h * h * volume).collect();
    Ok(Problem::scalar(matrix, rhs, coordinates, name))
}

type Point = [f64; 3];

/// A cube of `cells`³ cells of side 1 with displaced corners. Vertices are counted with x fastest.
struct Mesh {
    cells: usize,
    /// Position of every vertex.
    points: Vec<Point>,
    /// The vertex of every unknown.
    inner: Vec<u32>,
    /// The number of every vertex: those of unknowns first.
    number: Vec<u32>,
    /// The [`choice`] of every cell, by its lowest corner.
    choices: Vec<u8>,
}

impl Mesh {
    fn new(n: usize, seed: u64) -> Self {
        let cells = n + 1;
        let side = n + 2;
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut points = Vec::with_capacity(side * side * side);
        let (mut inner, mut outer) = (Vec::with_capacity(n * n * n), Vec::new());
        for vertex in 0..side * side * side {
            let lines = [vertex % side, vertex / side % side, vertex / side / side];
            let mut point = lines.map(|q| q as f64);
            if lines.iter().all(|q| (1..cells).contains(q)) {
                let step = in_a_ball(&mut rng);
                point.iter_mut().zip(step).for_each(|(x, s)| *x += JITTER * s);
                inner.push(vertex as u32);
            } else {
                outer.push(vertex as u32);
            }
            points.push(point);
        }
        inner.shuffle(&mut rng);
        outer.shuffle(&mut rng);
        let mut number = vec![0; points.len()];
        for (i, &vertex) in inner.iter().chain(&outer).enumerate() {
            number[vertex as usize] = i as u32;
        }
        let mut mesh = Self { cells, points, inner, number, choices: Vec::new() };
        mesh.choices = (0..mesh.points.len())
            .map(|v| mesh.corners(v).map_or(0, |corners| choice(corners.map(|v| mesh.number[v]))))
            .collect();
        mesh
    }

    /// The vertex on the given lines.
    fn vertex(&self, [x, y, z]: [usize; 3]) -> usize {
        let side = self.cells + 1;
        x + side * (y + side * z)
    }

    /// The lines on which a vertex lies.
    fn lines(&self, vertex: usize) -> [usize; 3] {
        let side = self.cells + 1;
        [vertex % side, vertex / side % side, vertex / side / side]
    }

    /// The corners of the cell that starts at a vertex, if one does. Bit d of a corner is its
    /// place along axis d.
    fn corners(&self, vertex: usize) -> Option<[usize; 8]> {
        let lines = self.lines(vertex);
        let corner = |q: usize| self.vertex(std::array::from_fn(|d| lines[d] + (q >> d & 1)));
        lines.iter().all(|&q| q < self.cells).then(|| std::array::from_fn(corner))
    }

    /// Row by row from the 8 cells around a vertex. Both ends of an edge meet its elements in
    /// the same order: exactly symmetric.
    fn matrix(&self) -> Result<Csr<f64>> {
        let n = self.inner.len();
        assemble(
            n,
            n,
            || (),
            |row, (), columns, values| {
                let lines = self.lines(self.inner[row] as usize);
                // The 27 vertices around and with this one, in place 13; x fastest.
                let around: [usize; 27] = std::array::from_fn(|slot| {
                    let steps = [slot % 3, slot / 3 % 3, slot / 9];
                    self.vertex(std::array::from_fn(|d| lines[d] + steps[d] - 1))
                });
                let numbers = around.map(|vertex| self.number[vertex]);
                let points = around.map(|vertex| self.points[vertex]);
                let mut sums = [0.0; 27];
                let mut coupled = [false; 27];
                for start in CORNERS {
                    for tetrahedron in cut(self.choices[around[start]]) {
                        let corners = tetrahedron.map(|corner| start + CORNERS[corner]);
                        let Some(own) = corners.iter().position(|&slot| slot == 13) else { continue };
                        let (normals, volume) = normals(corners.map(|slot| points[slot]));
                        let scale = 1.0 / (6.0 * volume);
                        for (slot, normal) in corners.into_iter().zip(normals) {
                            sums[slot] += scale * dot(normals[own], normal);
                            coupled[slot] = true;
                        }
                    }
                }
                let mut entries = [(0u32, 0.0); 27];
                let mut count = 0;
                for slot in 0..27 {
                    if coupled[slot] && (numbers[slot] as usize) < n {
                        entries[count] = (numbers[slot], sums[slot]);
                        count += 1;
                    }
                }
                entries[..count].sort_unstable_by_key(|entry| entry.0);
                columns.extend(entries[..count].iter().map(|entry| entry.0));
                values.extend(entries[..count].iter().map(|entry| entry.1));
            },
        )
    }

    /// A quarter of the volume of its tetrahedra for every unknown.
    fn volumes(&self) -> Vec<f64> {
        let mut sums = vec![0.0; self.points.len()];
        for start in 0..self.points.len() {
            let Some(vertices) = self.corners(start) else { continue };
            for tetrahedron in cut(self.choices[start]) {
                let corners = tetrahedron.map(|corner| vertices[corner]);
                let (_, volume) = normals(corners.map(|vertex| self.points[vertex]));
                corners.iter().for_each(|&vertex| sums[vertex] += volume / 24.0);
            }
        }
        self.inner.iter().map(|&vertex| sums[vertex as usize]).collect()
    }
}

/// Steps from the lowest corner of a cell to its corners, in a block of 3 × 3 × 3 vertices; the
/// lowest corners of the 8 cells of the block as well.
const CORNERS: [usize; 8] = [0, 1, 3, 4, 9, 10, 12, 13];

/// The cut of a cube whose corners have the given numbers: its lowest corner in bits 0 to 2; for each axis,
/// bit 3 + axis says that the face across it without that corner is cut from a corner that is neither a
/// neighbour of the lowest one nor opposite to it in space.
fn choice(numbers: [u32; 8]) -> u8 {
    let lowest = |corners: &[usize]| corners.iter().copied().min_by_key(|&q| numbers[q]).unwrap_or(0);
    let apex = lowest(&[0, 1, 2, 3, 4, 5, 6, 7]);
    (0..3).fold(apex as u8, |choice, axis| {
        let [b, c] = others(axis);
        let near = apex ^ (1 << axis);
        let start = lowest(&[near, near ^ b, near ^ c, near ^ b ^ c]);
        choice | u8::from(start != near && start != near ^ b ^ c) << (3 + axis)
    })
}

/// The six tetrahedra of a cube: cones from its lowest corner over the three faces that do not contain it.
fn cut(choice: u8) -> [[usize; 4]; 6] {
    let choice = usize::from(choice);
    let apex = choice & 7;
    let mut tetrahedra = [[0; 4]; 6];
    for axis in 0..3 {
        let [b, c] = others(axis);
        let start = apex ^ (1 << axis) ^ (b * (choice >> (3 + axis) & 1));
        let end = start ^ b ^ c;
        tetrahedra[2 * axis] = [apex, start, start ^ b, end];
        tetrahedra[2 * axis + 1] = [apex, start, end, start ^ c];
    }
    tetrahedra
}

/// The bits of the two other axes.
fn others(axis: usize) -> [usize; 2] {
    [1 << ((axis + 1) % 3), 1 << ((axis + 2) % 3)]
}

/// The gradients of the four linear functions times d, and d = six times the volume.
fn normals([p, q, r, s]: [Point; 4]) -> ([Point; 4], f64) {
    let [a, b, c] = [q, r, s].map(|x| [x[0] - p[0], x[1] - p[1], x[2] - p[2]]);
    let [bc, ca, ab] = [cross(b, c), cross(c, a), cross(a, b)];
    let first = std::array::from_fn(|d| -(bc[d] + ca[d] + ab[d]));
    ([first, bc, ca, ab], dot(a, bc).abs())
}

fn cross(a: Point, b: Point) -> Point {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

fn dot(a: Point, b: Point) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// A point in the ball of radius 1.
fn in_a_ball(rng: &mut ChaCha8Rng) -> Point {
    loop {
        let point: Point = std::array::from_fn(|_| 2.0 * rng.random::<f64>() - 1.0);
        if dot(point, point) < 1.0 {
            return point;
        }
    }
}

#[cfg(test)]
#[path = "tetrahedra_tests.rs"]
mod tests;
