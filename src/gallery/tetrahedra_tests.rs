//! The tetrahedral mesh is conforming and fills the cube; the elements are exact for linear functions.

use std::collections::HashMap;

use super::super::testing::{apply, check, is_positive_definite, same};
use super::*;
use crate::backend::Direct;

/// All tetrahedra as vertices.
fn elements(mesh: &Mesh) -> Vec<[usize; 4]> {
    (0..mesh.points.len())
        .filter_map(|vertex| Some((vertex, mesh.corners(vertex)?)))
        .flat_map(|(vertex, corners)| cut(mesh.choices[vertex]).map(|t| t.map(|q| corners[q])))
        .collect()
}

#[test]
fn tetrahedra_meet_face_to_face_and_fill_the_cube() {
    for seed in 0..5 {
        let mesh = Mesh::new(4, seed);
        let mut faces: HashMap<[usize; 3], usize> = HashMap::new();
        let mut total = 0.0;
        for tetrahedron in elements(&mesh) {
            let (_, volume) = normals(tetrahedron.map(|v| mesh.points[v]));
            assert!(volume > 1e-3, "{volume}");
            // Larger than the cube if one of them were inverted.
            total += volume / 6.0;
            for left_out in 0..4 {
                let mut face: Vec<usize> = tetrahedron.to_vec();
                face.remove(left_out);
                face.sort_unstable();
                *faces.entry([face[0], face[1], face[2]]).or_default() += 1;
            }
        }
        assert!((total - 125.0).abs() < 1e-10, "{total}");
        let once = faces.values().filter(|&&count| count == 1).count();
        // Two triangles on each of 6 · 25 outer squares; all other faces have two sides.
        assert_eq!(once, 2 * 6 * 25);
        assert!(faces.values().all(|&count| count <= 2));
    }
}

/// The bound behind [`JITTER`]: the smallest width of any tetrahedron that a cut of a cube can give, over all
/// pairs of opposite edges and of a corner and a face.
#[test]
fn the_jitter_is_below_half_the_smallest_width() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut numbers = [0, 1, 2, 3, 4, 5, 6, 7];
    let mut smallest = f64::MAX;
    for _ in 0..2000 {
        numbers.shuffle(&mut rng);
        for tetrahedron in cut(choice(numbers)) {
            let p = tetrahedron.map(|q| [0, 1, 2].map(|d| (q >> d & 1) as f64));
            let edge = |i: usize, j: usize| [0, 1, 2].map(|d| p[j][d] - p[i][d]);
            let (_, volume) = normals(p);
            assert_eq!(volume, 1.0);
            let width = |u: Point, v: Point| volume / dot(cross(u, v), cross(u, v)).sqrt();
            for (u, v) in [(edge(0, 1), edge(2, 3)), (edge(0, 2), edge(1, 3)), (edge(0, 3), edge(1, 2))] {
                smallest = smallest.min(width(u, v));
            }
            for [i, j, k] in [[0, 1, 2], [0, 1, 3], [0, 2, 3], [1, 2, 3]] {
                smallest = smallest.min(width(edge(i, j), edge(i, k)));
            }
        }
    }
    assert!((smallest - 1.0 / 6f64.sqrt()).abs() < 1e-12, "{smallest}");
    assert!(JITTER < smallest / 2.0);
}

#[test]
fn linear_functions_are_harmonic_inside() -> Result<()> {
    let n = 6;
    let problem = unstructured_3d(n, 3)?;
    check(&problem);
    let a = &problem.matrix;
    assert_eq!(a.asymmetry(), 0.0);
    assert!(a.pattern().is_symmetric());
    let linear = |p: &[f64]| 1.0 + 2.0 * p[0] - 3.0 * p[1] + 5.0 * p[2];
    let u: Vec<f64> = problem.coordinates.row_iter().map(linear).collect();
    let flow = apply(a, &u);
    let h = 1.0 / (n as f64 + 1.0);
    let mut inside = 0;
    for (i, p) in problem.coordinates.row_iter().enumerate() {
        // Further than 1.5 h from the boundary: neighbours are unknowns.
        if p.iter().all(|&x| x > 1.5 * h && x < 1.0 - 1.5 * h) {
            inside += 1;
            let sum: f64 = a.row(i).map(|(_, v)| v).sum();
            assert!(flow[i].abs() < 1e-12 && sum.abs() < 1e-12, "row {i}: {}, {sum}", flow[i]);
        }
    }
    assert_eq!(inside, 4 * 4 * 4);
    assert!(flow.iter().any(|f| f.abs() > 0.1));
    Ok(())
}

#[test]
fn the_matrix_is_definite_and_unstructured() -> Result<()> {
    let problem = unstructured_3d(7, 5)?;
    let a = &problem.matrix;
    assert!(is_positive_definite(a));
    let off: Vec<f64> = (0..a.rows()).flat_map(|i| a.row(i).filter(move |e| e.0 != i).map(|e| e.1)).collect();
    let positive = off.iter().filter(|&&v| v > 0.0).count();
    assert!(positive > off.len() / 20 && positive < off.len() / 2, "{positive} of {}", off.len());
    // Neighbours have numbers as far apart as any two: a third of n on average.
    let distance: f64 =
        (0..a.rows()).flat_map(|i| a.row(i).map(move |(j, _)| i.abs_diff(j) as f64)).sum::<f64>()
            / a.nnz() as f64;
    assert!((distance / a.rows() as f64 - 1.0 / 3.0).abs() < 0.05, "{distance}");
    Ok(())
}

/// The middle of the unit cube has u = 0.0562128 (Fourier series).
#[test]
fn the_solution_is_that_of_the_cube() -> Result<()> {
    for (n, tolerance) in [(7, 0.05), (15, 0.012)] {
        let problem = unstructured_3d(n, 2)?;
        let mut u = vec![0.0; problem.rhs.len()];
        Direct::<f64>::new(&problem.matrix)?.solve(&problem.rhs, &mut u, 1);
        let highest = u.iter().fold(0.0f64, |m, &v| m.max(v));
        assert!((highest / 0.056_212_8 - 1.0).abs() < tolerance, "{highest}");
    }
    Ok(())
}

#[test]
fn the_seed_decides_and_sizes_are_checked() -> Result<()> {
    assert!(same(&unstructured_3d(6, 1)?, &unstructured_3d(6, 1)?));
    assert!(!same(&unstructured_3d(6, 1)?, &unstructured_3d(6, 2)?));
    let one = unstructured_3d(1, 0)?;
    assert_eq!(one.matrix.nnz(), 1);
    assert!(unstructured_3d(0, 1).is_err_and(|e| e.is_invalid_input()));
    assert!(unstructured_3d(2000, 1).is_err_and(|e| e.is_dimension()));
    assert!(unstructured_3d(usize::MAX, 1).is_err_and(|e| e.is_dimension()));
    Ok(())
}
