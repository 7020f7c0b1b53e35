//! Identity rows keep the solution; a union keeps its parts apart.

use super::super::testing::{apply, check, is_positive_definite};
use super::super::{elasticity_2d, neumann_2d, poisson_2d, poisson_3d, power_law_laplacian};
use super::*;
use crate::backend::Direct;

fn solve(problem: &Problem) -> Result<Vec<f64>> {
    let mut x = vec![0.0; problem.rhs.len()];
    Direct::<f64>::new(&problem.matrix)?.solve(&problem.rhs, &mut x, 1);
    Ok(x)
}

#[test]
fn fixing_unknowns_at_the_solution_keeps_it() -> Result<()> {
    let problem = elasticity_2d(6, 3, 1.0, 0.3)?;
    let x = solve(&problem)?;
    let fixed: Vec<(usize, f64)> = [3, 0, 17, 40].map(|i| (i, x[i])).to_vec();
    for elimination in [Elimination::Rows, Elimination::RowsAndColumns] {
        let changed = with_identity_rows(&problem, &fixed, elimination)?;
        check(&changed);
        for &(row, value) in &fixed {
            assert_eq!(changed.matrix.row(row).collect::<Vec<_>>(), [(row, 1.0)]);
            assert_eq!(changed.rhs[row], value);
            assert!(changed.near_nullspace.as_ref().unwrap().row(row).iter().all(|&v| v == 0.0));
        }
        let symmetric = elimination == Elimination::RowsAndColumns;
        assert_eq!(changed.matrix.asymmetry() == 0.0, symmetric);
        assert_eq!(is_positive_definite(&changed.matrix), symmetric);
        let size = x.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        let y = solve(&changed)?;
        assert!(x.iter().zip(&y).all(|(x, y)| (x - y).abs() < 1e-9 * size), "{elimination:?}");
    }
    Ok(())
}

#[test]
fn one_identity_row_cures_a_singular_problem() -> Result<()> {
    let changed = with_identity_rows(&neumann_2d(5, 4)?, &[(7, 3.0)], Elimination::RowsAndColumns)?;
    assert!(is_positive_definite(&changed.matrix));
    let x = solve(&changed)?;
    assert!((x[7] - 3.0).abs() < 1e-14);
    // It solves the singular system as well.
    let neumann = neumann_2d(5, 4)?;
    let left = apply(&neumann.matrix, &x);
    assert!(left.iter().zip(&neumann.rhs).all(|(l, b)| (l - b).abs() < 1e-12));
    Ok(())
}

#[test]
fn a_mode_that_vanishes_is_left_out() -> Result<()> {
    // All displacements along x are fixed, so the translation along x vanishes.
    let problem = elasticity_2d(2, 2, 1.0, 0.3)?;
    let along_x: Vec<_> = (0..problem.rhs.len()).step_by(2).map(|i| (i, 0.0)).collect();
    let changed = with_identity_rows(&problem, &along_x, Elimination::Rows)?;
    assert_eq!(changed.near_nullspace.map(|modes| modes.cols()), Some(2));
    let all: Vec<_> = (0..problem.rhs.len()).map(|i| (i, 0.0)).collect();
    assert!(with_identity_rows(&problem, &all, Elimination::Rows)?.near_nullspace.is_none());
    Ok(())
}

#[test]
fn a_union_is_its_parts_side_by_side() -> Result<()> {
    let graph = power_law_laplacian(9, 2, Default::default(), 4)?;
    let parts = [poisson_2d(4, 3)?, elasticity_2d(2, 2, 1.0, 0.3)?, poisson_3d(2, 2, 2)?, graph];
    let union = disjoint_union(&parts)?;
    check(&union);
    assert_eq!(union.coordinates.cols(), 3);
    let modes = union.near_nullspace.as_ref().unwrap();
    assert_eq!(modes.cols(), 3);
    let (mut first, mut edge) = (0, f64::MIN);
    for part in &parts {
        let n = part.rhs.len();
        for i in 0..n {
            let row: Vec<_> = union.matrix.row(first + i).map(|(j, v)| (j - first, v)).collect();
            assert_eq!(row, part.matrix.row(i).collect::<Vec<_>>());
            match &part.near_nullspace {
                Some(own) => assert_eq!(modes.row(first + i), own.row(i)),
                None => assert_eq!(modes.row(first + i).to_vec(), [1.0, 0.0, 0.0]),
            }
        }
        assert_eq!(union.rhs[first..first + n], part.rhs);
        if part.coordinates.cols() > 0 {
            let x: Vec<f64> = (first..first + n).map(|i| union.coordinates[[i, 0]]).collect();
            assert!(x.iter().all(|&x| x > edge), "{}", part.name);
            edge = x.iter().fold(edge, |m, &x| m.max(x));
        }
        first += n;
    }
    assert_eq!(first, union.matrix.rows());
    assert!(disjoint_union(&parts[..1])?.near_nullspace.is_none());
    Ok(())
}

#[test]
fn parameters_that_make_no_sense_are_errors() -> Result<()> {
    let problem = poisson_2d(2, 2)?;
    let of = |fixed: &[(usize, f64)]| {
        with_identity_rows(&problem, fixed, Elimination::Rows).map_err(|e| e.to_string())
    };
    assert!(of(&[(4, 0.0)]).unwrap_err().contains("row 5 cannot be fixed"));
    assert!(of(&[(1, 0.0), (1, 0.0)]).unwrap_err().contains("row 2 is fixed twice"));
    assert!(of(&[(1, f64::NAN)]).unwrap_err().contains("row 2 is fixed at NaN"));
    assert_eq!(of(&[]).unwrap().matrix, problem.matrix);
    assert!(disjoint_union(&[]).is_err_and(|e| e.is_invalid_input()));
    let broken = Problem { rhs: vec![0.0; 3], ..problem };
    assert!(with_identity_rows(&broken, &[], Elimination::Rows).is_err_and(|e| e.is_dimension()));
    assert!(disjoint_union(&[broken]).is_err_and(|e| e.is_dimension()));
    Ok(())
}
