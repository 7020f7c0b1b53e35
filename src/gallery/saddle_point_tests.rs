//! Tests of the saddle-point problems.

use super::super::testing::{apply, check, eigenvalues};
use super::*;
use crate::backend::Direct;

#[test]
fn stokes_has_the_constant_pressure_as_its_only_null_vector() -> Result<()> {
    let problem = stokes_2d(6)?;
    check(&problem);
    let rows = problem.matrix.rows();
    let pressure: Vec<f64> = (0..rows).map(|i| f64::from(u8::from(i >= rows - 36))).collect();
    assert!(apply(&problem.matrix, &pressure).iter().all(|v| v.abs() < 1e-15));
    let spectrum = eigenvalues(&problem.matrix);
    let small = spectrum.iter().filter(|v| v.abs() < 1e-10).count();
    let negative = spectrum.iter().filter(|v| **v < -1e-10).count();
    assert_eq!((small, negative), (1, 35));
    Ok(())
}

#[test]
fn a_rigid_flow_has_no_friction_inside_and_no_divergence() -> Result<()> {
    let n = 8;
    let problem = stokes_2d(n)?;
    // u = y, v = −x.
    let coordinates = &problem.coordinates;
    let velocities = 2 * n * (n - 1);
    let u: Vec<f64> = (0..problem.matrix.rows())
        .map(|i| match i {
            i if i >= velocities => 0.0,
            i if i >= velocities / 2 => -coordinates.row(i)[0],
            i => coordinates.row(i)[1],
        })
        .collect();
    let product = apply(&problem.matrix, &u);
    let inside = |p: &[f64]| p.iter().all(|x| (0.2..0.8).contains(x));
    let rows = (0..problem.matrix.rows()).filter(|&i| inside(coordinates.row(i)));
    assert!(rows.clone().count() > 40 && rows.into_iter().all(|i| product[i].abs() < 1e-14));
    Ok(())
}

#[test]
fn mixed_diffusion_solves_poisson() -> Result<()> {
    let n = 16;
    let problem = mixed_diffusion_2d(n)?;
    check(&problem);
    let a = &problem.matrix;
    let mut x = vec![0.0; a.rows()];
    Direct::of_system(a)?.solve(&problem.rhs, &mut x, 1);
    // The largest value of −Δu = 1 on the unit square is .07367.
    let most = x[2 * n * (n + 1)..].iter().fold(0.0f64, |m, v| m.max(v.abs()));
    assert!((most - 0.07367).abs() < 1e-3, "{most}");
    Ok(())
}

#[test]
fn sizes_without_unknowns_are_refused() {
    assert!(stokes_2d(1).is_err() && stokes_2d(0).is_err() && mixed_diffusion_2d(0).is_err());
    assert!(stokes_2d(1 << 20).is_err() && mixed_diffusion_2d(1).is_ok());
}
