//! Meshes are valid and have the requested size; the elements are exact for linear functions.

use std::collections::HashSet;
use std::f64::consts::PI;

use super::super::testing::{apply, check, is_positive_definite, same};
use super::domain::Domain;
use super::*;
use crate::backend::Direct;
use crate::gallery::{random_diffusion_2d, random_triangle_mesh};

/// The unit square in n × n cells, cut along alternating diagonals; unequal, so that errors do not cancel by
/// symmetry.
fn square_mesh(n: usize) -> TriangleMesh {
    let line = |i: usize| (i as f64 / n as f64).powf(1.2);
    let points = (0..(n + 1) * (n + 1)).map(|v| [line(v % (n + 1)), line(v / (n + 1))]).collect();
    let cut = |cell: usize| {
        let (x, y) = (cell % n, cell / n);
        let [a, b, c, d] =
            [(x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1)].map(|(x, y)| (x + (n + 1) * y) as u32);
        if (x + y) % 2 == 0 { [[a, b, c], [a, c, d]] } else { [[a, b, d], [b, c, d]] }
    };
    TriangleMesh::new(points, (0..n * n).flat_map(cut).collect()).unwrap()
}

fn edges(mesh: &TriangleMesh) -> HashSet<[u32; 2]> {
    mesh.triangles
        .iter()
        .flat_map(|&[a, b, c]| [(a, b), (b, c), (c, a)])
        .map(|(a, b)| [a.min(b), a.max(b)])
        .collect()
}

/// Angles of all triangles in degrees.
fn angles(mesh: &TriangleMesh) -> Vec<f64> {
    let angle = |[p, q, r]: [[f64; 2]; 3]| {
        let ([a, b], [c, d]) = (difference(q, p), difference(r, p));
        (a * d - b * c).atan2(a * c + b * d).to_degrees()
    };
    let corners = mesh.triangles.iter().map(|&t| mesh.corners(t).unwrap());
    corners.flat_map(|[p, q, r]| [[p, q, r], [q, r, p], [r, p, q]].map(angle)).collect()
}

#[test]
fn meshes_fill_their_domain_and_have_the_size_asked_for() -> Result<()> {
    let mut holes = [0; 3];
    let mut graded = 0;
    for nodes in [80, 500] {
        for seed in 0..24 {
            let mesh = random_triangle_mesh(nodes, seed)?;
            let domain = Domain::random(nodes, seed);
            let free = mesh.free().len();
            assert!(free.abs_diff(nodes) * 10 <= nodes, "{free} of {nodes}, seed {seed}");
            assert!((mesh.area() / domain.area() - 1.0).abs() < 1e-9, "{} {}", mesh.area(), domain.area());
            // Euler: 1 without holes, one less for each.
            let euler = mesh.points.len() + mesh.triangles.len() + domain.rings.len();
            assert_eq!(euler, edges(&mesh).len() + 2, "seed {seed}");
            // As many edges as points on closed lines.
            let outer = mesh.boundary().iter().filter(|b| **b).count();
            assert_eq!(2 * edges(&mesh).len(), 3 * mesh.triangles.len() + outer, "seed {seed}");
            let sharp = angles(&mesh).iter().filter(|a| **a < 24.9).count();
            assert!(100 * sharp <= mesh.triangles.len(), "{sharp} angles, seed {seed}");
            holes[domain.rings.len() - 1] += 1;
            graded += usize::from(domain.is_graded());
        }
    }
    assert!(holes.iter().all(|&h| h >= 4) && (10..30).contains(&graded), "{holes:?} {graded}");
    Ok(())
}

#[test]
fn a_graded_mesh_is_as_fine_as_its_domain_says() -> Result<()> {
    let mut seen = 0;
    for seed in (0..40).filter(|&seed| Domain::random(2000, seed).is_graded()).take(4) {
        let (mesh, domain) = (random_triangle_mesh(2000, seed)?, Domain::random(2000, seed));
        let (mut areas, mut shares) = (Vec::new(), Vec::new());
        for corners in mesh.triangles.iter().map(|&t| mesh.corners(t).unwrap()) {
            let middle = [0, 1].map(|d| corners.iter().map(|p| p[d]).sum::<f64>() / 3.0);
            areas.push(twice_area(corners));
            shares.push(twice_area(corners) / domain.size(middle).powi(2));
        }
        // Areas in units of the local size are as even as those of a mesh of one size.
        let spread = |values: &[f64]| {
            let n = values.len() as f64;
            let mean = values.iter().sum::<f64>() / n;
            (values.iter().map(|v| (v / mean - 1.0).powi(2)).sum::<f64>() / n).sqrt()
        };
        assert!(spread(&shares) < 0.4, "{}", spread(&shares));
        assert!(spread(&areas) > 1.3 * spread(&shares), "{} {}", spread(&areas), spread(&shares));
        seen += 1;
    }
    assert_eq!(seen, 4);
    Ok(())
}

#[test]
fn a_large_mesh_and_the_smallest() -> Result<()> {
    let free = random_triangle_mesh(10_000, 3)?.free().len();
    assert!(free.abs_diff(10_000) < 500, "{free}");
    for nodes in [6, 12, 30] {
        for seed in 0..5 {
            let free = random_triangle_mesh(nodes, seed)?.free().len();
            assert!(free.abs_diff(nodes) * 5 <= nodes, "{free} of {nodes}");
        }
    }
    assert!(random_triangle_mesh(1, 1)?.free().len() < 4);
    assert!(random_triangle_mesh(0, 1).is_err_and(|e| e.is_invalid_input()));
    assert!(random_triangle_mesh(usize::MAX, 1).is_err_and(|e| e.is_invalid_input()));
    Ok(())
}

#[test]
fn only_the_seed_decides() -> Result<()> {
    let mesh = random_triangle_mesh(300, 4)?;
    assert_eq!(mesh, random_triangle_mesh(300, 4)?);
    assert_ne!(mesh, random_triangle_mesh(300, 5)?);
    let problem = random_diffusion_2d(300, 2.0, 4)?;
    check(&problem);
    assert!(same(&problem, &random_diffusion_2d(300, 2.0, 4)?));
    assert_eq!(problem.matrix, mesh.diffusion(2.0, |_| 1.0)?.matrix);
    assert!(problem.name.contains("seed 4"), "{}", problem.name);
    assert!(random_diffusion_2d(300, -1.0, 4).is_err_and(|e| e.to_string().contains("seed 4")));
    Ok(())
}

/// Two triangles with a right angle and legs of length 1 around the middle of a square of side 2:
/// stiffness ½ (2, −1, −1; −1, 1, 0; −1, 0, 1), mass 1/24 (2, 1, 1; 1, 2, 1; 1, 1, 2).
#[test]
fn the_elements_are_those_of_the_textbook() -> Result<()> {
    // Points 4 and 5 are free; triangles 0, 1 share the edge between them.
    let points = vec![
        [0.0, 0.0],
        [1.0, 0.0],
        [0.0, 1.0],
        [-1.0, 0.0],
        [0.0, -1.0],
        [1.0, -1.0],
        [2.0, 0.0],
        [1.0, 1.0],
    ];
    let star = vec![[0, 1, 2], [0, 2, 3], [0, 3, 4], [0, 4, 5], [0, 5, 1], [1, 5, 6], [1, 6, 7], [1, 7, 2]];
    let mesh = TriangleMesh::new(points, star)?;
    assert_eq!(mesh.free(), [0, 1]);
    let problem = mesh.diffusion(0.0, |_| 3.0)?;
    // Point 0: three right angles (stiffness 1 each) and two angles of 45° (½ each).
    assert_eq!(problem.matrix.get(0, 0), 3.0 * 4.0);
    // Its neighbour across the edge: −½ from triangle 0, −½ from triangle 4.
    assert_eq!(problem.matrix.get(0, 1), -3.0);
    assert_eq!(problem.matrix.get(1, 0), -3.0);
    let mass = mesh.diffusion(24.0, |_| 3.0)?.matrix.add(1.0, &problem.matrix, -1.0)?;
    let entry = |i, j| (mass.get(i, j) * 1e9).round() / 1e9;
    assert_eq!([entry(0, 0), entry(0, 1), entry(1, 0), entry(1, 1)], [10.0, 2.0, 2.0, 10.0]);
    assert!(problem.rhs.iter().all(|v| (v - 5.0 / 6.0).abs() < 1e-15));
    assert_eq!(problem.coordinates.row(1).to_vec(), [1.0, 0.0]);
    Ok(())
}

/// For linear u and κ, ∫ κ grad u · grad φ = −(grad κ · grad u) ∫ φ, and ∫ u φ = ∫ φ if u = 1.
#[test]
fn linear_functions_are_integrated_exactly() -> Result<()> {
    for seed in [1, 4, 9] {
        let mesh = random_triangle_mesh(400, seed)?;
        let free = mesh.free();
        let problem = mesh.diffusion(0.0, |[x, y]| 9.0 + x - 2.0 * y)?;
        let a = &problem.matrix;
        assert_eq!(a.asymmetry(), 0.0);
        assert!(is_positive_definite(a));
        let u: Vec<f64> =
            free.iter().map(|&v| mesh.points[v as usize]).map(|[x, y]| 1.0 + 3.0 * x + y).collect();
        let reaction = mesh.diffusion(1.0, |_| 1.0)?.matrix;
        let mass = reaction.add(1.0, &mesh.diffusion(0.0, |_| 1.0)?.matrix, -1.0)?;
        let (flow, ones) = (apply(a, &u), apply(&mass, &vec![1.0; free.len()]));
        let mut near = HashSet::new();
        for [p, q] in edges(&mesh) {
            if mesh.boundary()[p as usize] || mesh.boundary()[q as usize] {
                near.extend([p, q]);
            }
        }
        let mut inside = 0;
        for (k, v) in free.iter().enumerate() {
            if !near.contains(v) {
                inside += 1;
                let sum: f64 = a.row(k).map(|(_, v)| v).sum();
                assert!(sum.abs() < 1e-11, "{sum}");
                assert!((flow[k] + (3.0 - 2.0) * problem.rhs[k]).abs() < 1e-11, "{}", flow[k]);
                assert!((ones[k] - problem.rhs[k]).abs() < 1e-12);
            }
        }
        assert!(inside > 200, "{inside}");
    }
    Ok(())
}

/// u = sin πx sin πy solves ηu − Δu = (η + 2π²) u: halving h divides the error by four.
#[test]
fn the_error_is_of_second_order() -> Result<()> {
    let eta = 5.0;
    let error = |n: usize| -> Result<f64> {
        let mesh = square_mesh(n);
        let problem = mesh.diffusion(eta, |_| 1.0)?;
        let mass = mesh.diffusion(eta + 1.0, |_| 1.0)?.matrix.add(1.0, &problem.matrix, -1.0)?;
        let exact: Vec<f64> =
            problem.coordinates.row_iter().map(|p| (PI * p[0]).sin() * (PI * p[1]).sin()).collect();
        let load: Vec<f64> = apply(&mass, &exact).iter().map(|v| (eta + 2.0 * PI * PI) * v).collect();
        let mut u = vec![0.0; load.len()];
        Direct::<f64>::new(&problem.matrix)?.solve(&load, &mut u, 1);
        Ok(u.iter().zip(&exact).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max))
    };
    let errors = [error(8)?, error(16)?, error(32)?];
    assert!(errors[2] < 5e-3, "{errors:?}");
    for pair in errors.windows(2) {
        assert!((3.3..4.7).contains(&(pair[0] / pair[1])), "{errors:?}");
    }
    // Poisson with f = 1: 0.0736713 in the middle of the square (Fourier series).
    let problem = square_mesh(32).diffusion(0.0, |_| 1.0)?;
    let mut u = vec![0.0; problem.rhs.len()];
    Direct::<f64>::new(&problem.matrix)?.solve(&problem.rhs, &mut u, 1);
    let highest = u.iter().fold(0.0f64, |m, &v| m.max(v));
    assert!((highest / 0.073_671_3 - 1.0).abs() < 0.01, "{highest}");
    Ok(())
}

#[test]
fn bad_meshes_are_errors_that_say_where() -> Result<()> {
    let square = || vec![[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]];
    let fails = |points: Vec<[f64; 2]>, triangles: Vec<[u32; 3]>, text: &str| {
        let message = TriangleMesh::new(points, triangles).unwrap_err().to_string();
        assert!(message.contains(text), "{message}");
    };
    fails(square(), vec![], "at least one triangle");
    fails(vec![[0.0, f64::NAN]], vec![[0, 0, 0]], "point 1");
    fails(square(), vec![[0, 1, 2], [0, 2, 4]], "triangle 2 has points 1, 3, 5");
    fails(square(), vec![[0, 1, u32::MAX]], "4294967296");
    fails(square(), vec![[0, 1, 1]], "zero area");
    fails(vec![[0.0, 0.0], [0.5, 0.0], [1.0, 0.0]], vec![[0, 1, 2]], "zero area");
    fails(vec![[0.0, 0.0], [1e200, 0.0], [0.0, 1e200]], vec![[0, 1, 2]], "zero area");
    fails(square(), vec![[0, 1, 2]], "point 4 is in no triangle");
    fails(square(), vec![[0, 1, 2], [0, 2, 3], [1, 2, 0]], "triangles 1 and 3 overlap");
    let mesh = TriangleMesh::new(square(), vec![[0, 2, 1], [0, 2, 3]])?;
    assert_eq!(mesh.triangles, [[0, 1, 2], [0, 2, 3]]);
    assert!((mesh.area() - 1.0).abs() < 1e-15);
    let message = mesh.diffusion(0.0, |_| 1.0).unwrap_err().to_string();
    assert!(message.contains("no unknowns"), "{message}");
    Ok(())
}

#[test]
fn bad_coefficients_and_changed_fields_are_errors() {
    let mesh = square_mesh(3);
    for eta in [-1.0, f64::NAN, f64::INFINITY] {
        assert!(mesh.diffusion(eta, |_| 1.0).is_err_and(|e| e.is_invalid_input()));
    }
    for kappa in [0.0, -1.0, f64::NAN] {
        let message = mesh.diffusion(0.0, |_| kappa).unwrap_err().to_string();
        assert!(message.contains("triangle 1 of points 1, 2, 6"), "{message}");
    }
    assert!(mesh.diffusion(0.0, |_| 1e-300).is_ok());
    let change = |change: fn(&mut TriangleMesh)| {
        let mut mesh = mesh.clone();
        change(&mut mesh);
        assert!(mesh.diffusion(0.0, |_| 1.0).is_err(), "{mesh:?}");
    };
    change(|mesh| mesh.points.truncate(5));
    change(|mesh| mesh.points.push([0.0; 2]));
    change(|mesh| mesh.triangles[3] = [0, 1, 16]);
    change(|mesh| mesh.triangles[3] = [0, 1, 1]);
    change(|mesh| mesh.points[5] = [f64::NAN; 2]);
}

#[test]
fn points_on_the_boundary_have_the_number_of_the_nearest_unknown() -> Result<()> {
    let mesh = square_mesh(4);
    let free = mesh.free();
    assert_eq!(free, [6, 7, 8, 11, 12, 13, 16, 17, 18]);
    let numbers = mesh.on_all_points(&[9, 8, 7, 6, 5, 4, 3, 2, 1])?;
    assert!(free.iter().zip([9, 8, 7, 6, 5, 4, 3, 2, 1]).all(|(&v, n)| numbers[v as usize] == n));
    // Neighbours of point 1 among the unknowns: 6 below it, or 6 plus those along diagonals.
    assert_eq!((numbers[0], numbers[24]), (9, 1));
    assert!([9, 8].contains(&numbers[1]) && [3, 6].contains(&numbers[15]));
    assert!(mesh.on_all_points(&[1]).is_err_and(|e| e.is_dimension()));
    // A triangle apart, all on the boundary.
    let mut points = mesh.points.clone();
    points.extend([[5.0, 0.0], [6.0, 0.0], [5.0, 1.0]]);
    let apart = TriangleMesh::new(points, [mesh.triangles.clone(), vec![[25, 26, 27]]].concat())?;
    assert!(apart.on_all_points(&[0; 9]).unwrap_err().to_string().contains("point 26"));
    Ok(())
}
