//! Laplacians of graphs with hubs.

use std::sync::Arc;

use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use super::{Problem, check_shape};
use crate::error::{Error, Result};
use crate::sparse::{Csr, DenseMatrix, Pattern};

/// The largest ratio of weights.
const LARGEST_RANGE: f64 = 1e200;

/// Options of [`power_law_laplacian`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GraphOptions {
    /// Largest weight of an edge over the smallest; 1, the default, makes all weights 1.
    /// Otherwise their logarithms are distributed evenly between 0 and that of this range.
    pub weight_range: f64,
    /// Whether to omit the row and column of the last vertex: its potential is 0 and the matrix is definite.
    /// Off by default.
    pub grounded: bool,
}

impl Default for GraphOptions {
    fn default() -> Self {
        Self { weight_range: 1.0, grounded: false }
    }
}

/// The Laplacian of a random graph whose degrees follow a power law, after Barabási and
/// Albert (*Science* 286, 1999).
///
/// The first `edges_per_node` + 1 vertices form a complete graph. Each later one is connected with
/// `edges_per_node` different earlier ones, drawn with a probability in proportion to their degree
/// (duplicates are drawn again). The share of vertices with a degree of at least k tends to m(m + 1)/(k(k +
/// 1)) for m edges per node, and the largest degree grows like m√`vertices`. The vertices are then numbered
/// at random. Connected.
///
/// Row: −w for each neighbour, the sum of the weights on the diagonal: symmetric, row sums 0 to rounding,
/// with the constants as nullspace unless `options.grounded`, which leaves `vertices` − 1 rows. The
/// right-hand side is +1, −1, +1, … (0 for the last vertex of an odd number), orthogonal to the constants. A
/// graph has no coordinates: `coordinates` is n × 0. The same seed gives the same graph for all options.
/// Cost: linear in the edges, sequential, (2 m + 1)·`vertices` entries.
///
/// # Errors
/// No edges per node, no more vertices than edges per node, more entries than 32-bit indices
/// can count, or a range of weights below 1, above 10²⁰⁰ or not finite.
///
/// ```
/// use multigrad::gallery::{GraphOptions, power_law_laplacian};
/// let problem = power_law_laplacian(100, 2, GraphOptions::default(), 1)?;
/// // 3 edges of the first triangle and 2 for each of 97 vertices, twice, and the diagonal.
/// assert_eq!(problem.matrix.nnz(), 2 * (3 + 2 * 97) + 100);
/// assert_eq!(problem.rhs.iter().sum::<f64>(), 0.0);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn power_law_laplacian(
    vertices: usize,
    edges_per_node: usize,
    options: GraphOptions,
    seed: u64,
) -> Result<Problem> {
    let GraphOptions { weight_range, grounded } = options;
    let kind = if grounded { "grounded power-law graph" } else { "power-law graph" };
    let name =
        format!("{kind}, {vertices} vertices, {edges_per_node} edges each, weights 1 to {weight_range}");
    if edges_per_node == 0 {
        return Err(Error::invalid_input("a graph with 0 edges per node; ask for at least 1"));
    }
    if vertices <= edges_per_node {
        return Err(Error::invalid_input(format!(
            "{vertices} vertices cannot have {edges_per_node} edges each; ask for more vertices"
        )));
    }
    if !(1.0..=LARGEST_RANGE).contains(&weight_range) {
        return Err(Error::invalid_input(format!(
            "the range of weights must be between 1 and {LARGEST_RANGE:e}, got {weight_range}"
        )));
    }
    check_shape(&[vertices], edges_per_node.saturating_mul(2).saturating_add(1), "vertices")
        .map_err(|e: Error| e.at(&name))?;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut edges = preferential_attachment(vertices, edges_per_node, &mut rng);
    let mut number: Vec<u32> = (0..vertices as u32).collect();
    number.shuffle(&mut rng);
    edges.iter_mut().for_each(|edge| *edge = edge.map(|v| number[v as usize]));
    let logarithm = weight_range.ln();
    let weights: Vec<f64> = edges.iter().map(|_| (logarithm * rng.random::<f64>()).exp()).collect();
    let rows = if grounded { vertices - 1 } else { vertices };
    let matrix = laplacian(vertices, rows, &edges, &weights)?;
    let mut rhs: Vec<f64> = (0..vertices).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
    if vertices % 2 == 1 {
        rhs[vertices - 1] = 0.0;
    }
    rhs.truncate(rows);
    Ok(Problem::scalar(matrix, rhs, DenseMatrix::zeros(rows, 0), name))
}

/// The edges of the graph by age, each with its later vertex first.
fn preferential_attachment(vertices: usize, degree: usize, rng: &mut ChaCha8Rng) -> Vec<[u32; 2]> {
    let first = degree + 1;
    let mut edges = Vec::with_capacity(first * degree / 2 + (vertices - first) * degree);
    for v in 0..first as u32 {
        edges.extend((0..v).map(|u| [v, u]));
    }
    // The last vertex that chose this one.
    let mut chosen_by = vec![0u32; vertices];
    for v in first as u32..vertices as u32 {
        // Every vertex appears once per edge in the list of ends.
        let ends = 2 * edges.len();
        let mut missing = degree;
        while missing > 0 {
            let end = rng.random_range(0..ends as u64) as usize;
            let u = edges[end / 2][end % 2];
            if chosen_by[u as usize] != v {
                chosen_by[u as usize] = v;
                edges.push([v, u]);
                missing -= 1;
            }
        }
    }
    edges
}

/// The first `rows` rows and columns of the Laplacian.
fn laplacian(vertices: usize, rows: usize, edges: &[[u32; 2]], weights: &[f64]) -> Result<Csr<f64>> {
    let mut diagonal = vec![0.0; vertices];
    let mut start = vec![0usize; vertices + 1];
    for (edge, weight) in edges.iter().zip(weights) {
        for &v in edge {
            diagonal[v as usize] += weight;
            start[v as usize + 1] += 1;
        }
    }
    for v in 0..vertices {
        start[v + 1] += start[v];
    }
    // The neighbours of every vertex in any order,
    let mut next = start.clone();
    let mut neighbours = vec![(0u32, 0.0); 2 * edges.len()];
    for (&[u, v], &weight) in edges.iter().zip(weights) {
        for (from, to) in [(u, v), (v, u)] {
            neighbours[next[from as usize]] = (to, weight);
            next[from as usize] += 1;
        }
    }
    // then columns by ascending number into the rows, which puts these in order.
    let mut row_ptr = vec![0u32; rows + 1];
    let last = |v: u32| (v as usize) < rows;
    for v in 0..rows {
        let kept = neighbours[start[v]..start[v + 1]].iter().filter(|n| last(n.0)).count();
        row_ptr[v + 1] = row_ptr[v] + 1 + kept as u32;
    }
    let nnz = row_ptr[rows] as usize;
    let (mut col_idx, mut values) = (vec![0u32; nnz], vec![0.0; nnz]);
    let mut next = row_ptr.clone();
    for column in 0..rows {
        let mut put = |row: usize, value: f64| {
            let place = next[row] as usize;
            (col_idx[place], values[place]) = (column as u32, value);
            next[row] += 1;
        };
        put(column, diagonal[column]);
        for &(row, weight) in neighbours[start[column]..start[column + 1]].iter().filter(|n| last(n.0)) {
            put(row as usize, -weight);
        }
    }
    Csr::new(Arc::new(Pattern::from_parts(rows, rows, row_ptr, col_idx)), values)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{check, eigenvalues, is_positive_definite, same};
    use super::*;

    fn plain(vertices: usize, edges: usize, seed: u64) -> Result<Problem> {
        power_law_laplacian(vertices, edges, GraphOptions::default(), seed)
    }

    #[test]
    fn degrees_follow_the_power_law() -> Result<()> {
        let (n, m) = (20_000, 3);
        let problem = plain(n, m, 11)?;
        check(&problem);
        let a = &problem.matrix;
        let degree = a.diagonal();
        for (i, &own) in degree.iter().enumerate() {
            assert_eq!(a.row(i).map(|(_, v)| v).sum::<f64>(), 0.0);
            // A simple graph with weights 1: as many neighbours as the degree says.
            assert_eq!(a.pattern().row(i).len(), own as usize + 1);
            assert!(own >= m as f64);
        }
        for k in [4, 6, 10, 30] {
            let share = degree.iter().filter(|&&d| d >= k as f64).count() as f64 / n as f64;
            let law = (m * (m + 1)) as f64 / (k * (k + 1)) as f64;
            assert!((share / law - 1.0).abs() < 0.1, "degree {k}: {share} instead of {law}");
        }
        let hub = degree.iter().fold(0.0f64, |a, &b| a.max(b));
        assert!(hub > 100.0 && hub < 2000.0, "{hub}");
        // Hubs do not come first in the numbering.
        let of_first: f64 = degree[..100].iter().sum();
        assert!(of_first < 1000.0, "{of_first}");
        Ok(())
    }

    #[test]
    fn the_laplacian_is_semidefinite_and_grounding_makes_it_definite() -> Result<()> {
        for weight_range in [1.0, 1e4] {
            let of = |grounded| power_law_laplacian(60, 2, GraphOptions { weight_range, grounded }, 5);
            let (free, grounded) = (of(false)?, of(true)?);
            check(&free);
            check(&grounded);
            assert_eq!(free.matrix.asymmetry(), 0.0);
            let spectrum = eigenvalues(&free.matrix);
            let top = spectrum[59];
            assert!(spectrum[0].abs() < 1e-13 * top && spectrum[1] > 1e-5 * top, "{spectrum:?}");
            assert!(is_positive_definite(&grounded.matrix));
            // The same graph, without its last vertex.
            assert_eq!(grounded.matrix.rows(), 59);
            assert!((0..59).all(|i| grounded.matrix.row(i).eq(free.matrix.row(i).filter(|e| e.0 < 59))));
            assert_eq!(grounded.rhs, free.rhs[..59]);
            let weights: Vec<f64> = free.matrix.values().iter().filter(|v| **v < 0.0).map(|v| -v).collect();
            assert!(weights.iter().all(|w| (1.0..=weight_range).contains(w)));
            let spread = weights.iter().fold(0.0f64, |a, &b| a.max(b));
            assert!(spread >= weight_range.powf(0.9));
        }
        Ok(())
    }

    #[test]
    fn small_graphs_and_seeds() -> Result<()> {
        // Two vertices, one edge; and a complete graph of four.
        assert_eq!(plain(2, 1, 0)?.matrix.values(), [1.0, -1.0, -1.0, 1.0]);
        assert_eq!(plain(4, 3, 0)?.matrix.nnz(), 16);
        assert_eq!(plain(5, 1, 0)?.rhs, [1.0, -1.0, 1.0, -1.0, 0.0]);
        assert!(same(&plain(500, 4, 1)?, &plain(500, 4, 1)?));
        assert!(!same(&plain(500, 4, 1)?, &plain(500, 4, 2)?));
        Ok(())
    }

    #[test]
    fn parameters_that_make_no_sense_are_errors() {
        assert!(plain(10, 0, 0).is_err_and(|e| e.is_invalid_input()));
        assert!(plain(3, 3, 0).is_err_and(|e| e.is_invalid_input()));
        assert!(plain(0, 1, 0).is_err_and(|e| e.is_invalid_input()));
        assert!(plain(1 << 31, 1, 0).is_err_and(|e| e.is_dimension()));
        assert!(plain(usize::MAX, usize::MAX - 1, 0).is_err_and(|e| e.is_dimension()));
        for weight_range in [0.5, f64::NAN, f64::INFINITY] {
            let options = GraphOptions { weight_range, grounded: false };
            assert!(power_law_laplacian(10, 2, options, 0).is_err_and(|e| e.is_invalid_input()));
        }
    }
}
