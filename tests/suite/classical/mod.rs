//! Classical coarsening: against PyAMG, and by its invariants.

mod hierarchies;
mod pyamg;
mod splittings;

use multigrad::gallery;
use multigrad::setup::classical::*;
use multigrad::setup::{Grids, Strength, StrengthMeasure, classical_strength};
use multigrad::solver::Direct;
use multigrad::sparse::matrix_market::read_matrix;
use multigrad::sparse::{Csr, Pattern};

/// A stencil of `reach` neighbours (4 or 8) with −1 off the diagonal, x fastest.
fn stencil(nx: usize, ny: usize, reach: usize) -> Csr<f64> {
    let mut entries = Vec::new();
    for i in 0..nx * ny {
        for (dx, dy) in (0..9).map(|q| (q % 3, q / 3)) {
            let (x, y) = (i % nx + dx, i / nx + dy);
            let own = (dx, dy) == (1, 1);
            if (reach == 8 || dx == 1 || dy == 1) && (1..=nx).contains(&x) && (1..=ny).contains(&y) {
                entries.push((i, (y - 1) * nx + x - 1, if own { reach as f64 } else { -1.0 }));
            }
        }
    }
    Csr::from_triplets(nx * ny, nx * ny, &entries).unwrap()
}

fn matrix(name: &str) -> Csr<f64> {
    match name {
        "five-point 13x17" => stencil(13, 17, 4),
        "five-point 32x32" => stencil(32, 32, 4),
        "nine-point 14x14" => stencil(14, 14, 8),
        mesh => read_matrix(format!("meshes/{mesh}.mtx")).unwrap(),
    }
}

fn strong(a: &Csr<f64>) -> Pattern {
    classical_strength(a, 0.25, StrengthMeasure::Negative).unwrap()
}

fn upwind(n: usize) -> Csr<f64> {
    gallery::recirculating_flow(n, 0.005, gallery::FlowScheme::Upwind).unwrap().matrix
}

/// Rows of columns as a graph.
fn graph(rows: &[&[u32]]) -> Pattern {
    let mut ptr = vec![0];
    rows.iter().for_each(|r| ptr.push(ptr.last().unwrap() + r.len() as u32));
    Pattern::new(rows.len(), rows.len(), ptr, rows.concat()).unwrap()
}

/// Strong connections between fine points without a common coarse point.
fn uncovered(strong: &Pattern, is_coarse: impl Fn(usize) -> bool) -> usize {
    let fine = |i: &usize| !is_coarse(*i);
    let coarse = |i: usize| strong.row_cols(i).iter().copied().filter(|&k| is_coarse(k as usize));
    (0..strong.rows())
        .filter(fine)
        .flat_map(|i| strong.row_cols(i).iter().map(move |&j| (i, j as usize)))
        .filter(|(i, j)| fine(j) && !coarse(*i).any(|k| strong.row_cols(*j).contains(&k)))
        .count()
}

fn depends_on_coarse(strong: &Pattern, s: &Splitting, i: usize) -> bool {
    strong.row_cols(i).iter().any(|&j| s.is_coarse(j as usize))
}

/// Coarse points are not linked to each other; fine points with neighbours are linked to at least one.
fn check_maximal_independent(strong: &Pattern, s: &Splitting) {
    assert!(strong.is_symmetric());
    for i in 0..strong.rows() {
        let expected = !s.is_coarse(i) && !strong.row(i).is_empty();
        assert_eq!(depends_on_coarse(strong, s, i), expected, "point {i}");
    }
}
