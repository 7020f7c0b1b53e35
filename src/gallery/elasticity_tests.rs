//! Elasticity against the energy of known displacements, rigid motions and beam theory.

use super::super::testing::{apply, check, is_positive_definite};
use super::*;
use crate::backend::Direct;

fn problems() -> Result<Vec<Problem>> {
    Ok(vec![
        elasticity_2d(5, 3, 2.0, 0.3)?,
        elasticity_2d(1, 1, 1.0, 0.0)?,
        elasticity_2d(1, 6, 1.0, -0.5)?,
        elasticity_3d(3, 2, 4, 10.0, 0.25)?,
        elasticity_3d(1, 1, 1, 1.0, 0.45)?,
    ])
}

#[test]
fn matrices_are_exactly_symmetric_and_definite() -> Result<()> {
    for problem in problems()? {
        check(&problem);
        assert_eq!(problem.matrix.asymmetry(), 0.0, "{}", problem.name);
        assert!(problem.matrix.pattern().is_symmetric());
        assert!(is_positive_definite(&problem.matrix), "{}", problem.name);
    }
    Ok(())
}

/// Rows of nodes that no element connects with the clamped side.
#[test]
fn rigid_motions_meet_no_resistance_away_from_the_clamp() -> Result<()> {
    for problem in problems()? {
        let Problem { matrix, coordinates, near_nullspace, .. } = &problem;
        let first = coordinates.column(0).fold(f64::MAX, f64::min);
        let modes = near_nullspace.as_ref().unwrap();
        for c in 0..modes.cols() {
            let force = apply(matrix, &modes.column(c).collect::<Vec<_>>());
            let largest = force.iter().fold(0.0f64, |m, f| m.max(f.abs()));
            assert!(largest > 1e-3, "{}, mode {c}: the clamp resists", problem.name);
            for (i, f) in force.iter().enumerate().filter(|&(i, _)| coordinates[[i, 0]] > first) {
                assert!(f.abs() < 1e-13 * matrix.get(i, i), "{}, mode {c}, row {i}: {f}", problem.name);
            }
        }
    }
    Ok(())
}

/// uᵀAu = h^(2 − d) ∫ σ:∇u for u = (c x, 0, 0) and u = (0, c x, 0), which vanish at the clamp.
#[test]
fn stretching_and_shearing_take_the_energy_of_the_material() -> Result<()> {
    let (young, poisson) = (3.0, 0.2);
    let lambda = young * poisson / ((1.0 + poisson) * (1.0 - 2.0 * poisson));
    let mu = young / (2.0 * (1.0 + poisson));
    for problem in [elasticity_2d(4, 3, young, poisson)?, elasticity_3d(4, 3, 2, young, poisson)?] {
        let d = problem.coordinates.cols();
        let h = 0.25f64;
        let volume = [1.0, 0.75, 0.5][..d].iter().product::<f64>() * h.powi(2 - d as i32);
        for (component, modulus) in [(0, lambda + 2.0 * mu), (1, mu), (d - 1, mu)] {
            let u: Vec<f64> = (0..problem.rhs.len())
                .map(|i| if i % d == component { problem.coordinates[[i, 0]] } else { 0.0 })
                .collect();
            let energy: f64 = apply(&problem.matrix, &u).iter().zip(&u).map(|(f, u)| f * u).sum();
            assert!((energy / (modulus * volume) - 1.0).abs() < 1e-13, "{}: {energy}", problem.name);
        }
    }
    Ok(())
}

/// Linear displacements are exact: no force on nodes inside the body.
#[test]
fn constant_strains_are_in_balance_inside() -> Result<()> {
    for problem in [elasticity_2d(5, 4, 1.0, 0.3)?, elasticity_3d(4, 4, 4, 1.0, 0.3)?] {
        let (n, d) = problem.coordinates.shape();
        let slopes = [[2.0, -1.0, 0.5], [0.25, 3.0, -2.0], [1.0, 1.5, -0.75]];
        let u: Vec<f64> =
            (0..n).map(|i| (0..d).map(|c| slopes[i % d][c] * problem.coordinates[[i, c]]).sum()).collect();
        let force = apply(&problem.matrix, &u);
        let full = 3usize.pow(d as u32) * d;
        let inside: Vec<usize> = (0..n).filter(|&i| problem.matrix.pattern().row(i).len() == full).collect();
        assert!(inside.len() >= 12);
        assert!(inside.iter().all(|&i| force[i].abs() < 1e-13), "{}", problem.name);
        assert!(force.iter().any(|f| f.abs() > 0.1));
    }
    Ok(())
}

/// The tip of a long thin plate sinks by q L⁴/(8 E′ I), E′ = E/(1 − ν²), I = t³/12 (Euler and
/// Bernoulli), with the shear of Timoshenko q L²/(2 κ μ t), κ = 5/6, on top.
#[test]
fn a_plate_bends_as_a_beam() -> Result<()> {
    let (length, thickness, poisson) = (1.0f64, 0.125f64, 0.3f64);
    let problem = elasticity_2d(128, 16, 1.0, poisson)?;
    let n = problem.rhs.len();
    let mut u = vec![0.0; n];
    Direct::<f64>::new(&problem.matrix)?.solve(&problem.rhs, &mut u, 1);
    let weight = thickness;
    let bending = weight * length.powi(4) * (1.0 - poisson.powi(2)) * 12.0 / (8.0 * thickness.powi(3));
    let shear = weight * length.powi(2) * 2.0 * (1.0 + poisson) / (2.0 * 5.0 / 6.0 * thickness);
    // Half way up at the tip, y.
    let tip = u[2 * (8 * 128 + 127) + 1];
    assert!((-tip / (bending + shear) - 1.0).abs() < 0.02, "{tip} instead of {}", bending + shear);
    // The weight carried by the free nodes: half an element rests on the clamp.
    let total: f64 = problem.rhs.iter().sum();
    assert!((total + thickness * (1.0 - 0.5 / 128.0)).abs() < 1e-12);
    Ok(())
}

#[test]
fn parameters_that_make_no_sense_are_errors() {
    assert!(elasticity_2d(0, 3, 1.0, 0.3).is_err_and(|e| e.is_invalid_input()));
    assert!(elasticity_3d(3, 3, 0, 1.0, 0.3).is_err_and(|e| e.is_invalid_input()));
    assert!(elasticity_2d(20_000, 20_000, 1.0, 0.3).is_err_and(|e| e.is_dimension()));
    assert!(elasticity_3d(2, usize::MAX, 2, 1.0, 0.3).is_err_and(|e| e.is_dimension()));
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(elasticity_2d(3, 3, bad, 0.3).is_err_and(|e| e.is_invalid_input()));
    }
    for bad in [0.5, -1.0, 2.0, f64::NAN] {
        assert!(elasticity_2d(3, 3, 1.0, bad).is_err_and(|e| e.is_invalid_input()));
    }
}
