//! Convection–diffusion against manufactured solutions and a matrix of PyAMG.

use faer::prelude::Solve;
use faer::sparse::{SparseColMat, Triplet};

use super::super::flow::velocity;
use super::super::grid::{FIVE_POINT, NINE_POINT, Offset};
use super::*;
use crate::sparse::matrix_market;

type Functions = Equation<fn(Plane) -> Plane, fn(Plane) -> f64, fn(Plane) -> f64>;

/// Largest error at the nodes for −εΔu + w·∇u = f with the solution u = eˣ sin y, Δu = 0.
fn error<const K: usize>(
    n: usize,
    offsets: [Offset; K],
    assemble: impl Fn(&Functions, &Grid<K>) -> Result<(Csr<f64>, Vec<f64>)>,
) -> Result<f64> {
    let exact = |[x, y]: Plane| x.exp() * y.sin();
    let source = |[x, y]: Plane| {
        let [wx, wy] = velocity([x, y]);
        x.exp() * (wx * y.sin() + wy * y.cos())
    };
    let grid = Grid::new(&[n, n], offsets, -1.0, 2.0)?;
    let (a, b) = assemble(&Equation { epsilon: 0.05, velocity, source, boundary: exact }, &grid)?;
    let u = lu_solve(&a, &b);
    let points = grid.coordinates();
    Ok(u.iter().zip(points.row_iter()).fold(0.0, |m, (u, p)| (u - exact([p[0], p[1]])).abs().max(m)))
}

fn lu_solve(a: &Csr<f64>, b: &[f64]) -> Vec<f64> {
    let n = a.rows();
    let triplets: Vec<_> = (0..n).flat_map(|i| a.row(i).map(move |(j, v)| Triplet::new(i, j, v))).collect();
    let lu = SparseColMat::<usize, f64>::try_new_from_triplets(n, n, &triplets).unwrap().sp_lu().unwrap();
    let x = lu.solve(faer::Mat::from_fn(n, 1, |i, _| b[i]));
    (0..n).map(|i| x[(i, 0)]).collect()
}

#[test]
fn upwind_converges_with_order_one() -> Result<()> {
    let errors = [error(15, FIVE_POINT, Equation::upwind)?, error(31, FIVE_POINT, Equation::upwind)?];
    let order = (errors[0] / errors[1]).log2();
    assert!((0.8..1.3).contains(&order), "{errors:?}: order {order}");
    Ok(())
}

#[test]
fn elements_converge_with_order_two() -> Result<()> {
    for tau in [supg_tau as fn(Plane, f64, f64) -> f64, |_, _, _| 0.0] {
        let at = |n| error(n, NINE_POINT, |e, g| e.finite_elements(g, n, tau));
        let errors = [at(15)?, at(31)?];
        let order = (errors[0] / errors[1]).log2();
        assert!(order > 1.8, "{errors:?}: order {order}");
        assert!(errors[1] < 5e-3, "{errors:?}");
    }
    Ok(())
}

/// The example matrix of PyAMG belongs to this problem and discretisation.
#[test]
fn the_assembly_reproduces_the_pyamg_example() -> Result<()> {
    let expected = matrix_market::read_matrix("meshes/recirc_flow.mtx")?;
    let grid = Grid::new(&[15, 15], NINE_POINT, -1.0, 2.0)?;
    let equation = Equation { epsilon: 0.005, velocity, source: |_| 0.0, boundary: |_| 0.0 };
    let (a, _) = equation.finite_elements(&grid, 15, supg_tau)?;
    assert_eq!(a.pattern().col_idx(), expected.pattern().col_idx());
    for (v, w) in a.values().iter().zip(expected.values()) {
        assert!((v - w).abs() < 1e-15, "{v} instead of {w}");
    }
    Ok(())
}

#[test]
fn tau_vanishes_with_the_velocity_and_never_overflows() {
    let (h, epsilon) = (0.125, 0.005);
    assert_eq!(supg_tau([0.0, 0.0], h, epsilon), 0.0);
    assert_eq!(supg_tau([1e-300, 0.0], h, epsilon), 0.0);
    // Far above 1 it is h_s/(2|w|), with h_s = h·5/4 for w = (3, 4).
    assert!((supg_tau([3.0, 4.0], h, 1e-300) - h / 8.0).abs() < 1e-15);
}
