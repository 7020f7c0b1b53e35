//! Model problems against formulas, known values and PyAMG.

use std::f64::consts::PI;

use multigrad::error::Result;
use multigrad::gallery::{
    FLOW_EPSILON, FlowScheme, Problem, poisson_2d, poisson_3d, recirculating_flow, rotated_anisotropic,
};
use multigrad::sparse::Csr;

fn dense(a: &Csr<f64>) -> Vec<Vec<f64>> {
    (0..a.rows()).map(|i| (0..a.cols()).map(|j| a.get(i, j)).collect()).collect()
}

fn row_sums(a: &Csr<f64>) -> Vec<f64> {
    (0..a.rows()).map(|i| a.row(i).map(|(_, v)| v).sum()).collect()
}

fn solve(problem: &Problem) -> Vec<f64> {
    use faer::prelude::Solve;
    use faer::sparse::{SparseColMat, Triplet};
    let (a, n) = (&problem.matrix, problem.matrix.rows());
    let triplets: Vec<_> = (0..n).flat_map(|i| a.row(i).map(move |(j, v)| Triplet::new(i, j, v))).collect();
    let lu = SparseColMat::<usize, f64>::try_new_from_triplets(n, n, &triplets).unwrap().sp_lu().unwrap();
    let x = lu.solve(faer::Mat::from_fn(n, 1, |i, _| problem.rhs[i]));
    (0..n).map(|i| x[(i, 0)]).collect()
}

#[test]
fn poisson_by_hand() -> Result<()> {
    let problem = poisson_2d(3, 2)?;
    let expected = [
        [4.0, -1.0, 0.0, -1.0, 0.0, 0.0],
        [-1.0, 4.0, -1.0, 0.0, -1.0, 0.0],
        [0.0, -1.0, 4.0, 0.0, 0.0, -1.0],
        [-1.0, 0.0, 0.0, 4.0, -1.0, 0.0],
        [0.0, -1.0, 0.0, -1.0, 4.0, -1.0],
        [0.0, 0.0, -1.0, 0.0, -1.0, 4.0],
    ];
    assert_eq!(dense(&problem.matrix), expected);
    assert_eq!(problem.rhs, [0.0625; 6]);
    assert_eq!(problem.coordinates.row(5).to_vec(), [0.75, 0.5]);
    assert_eq!(problem.name, "Poisson 3 × 2");

    let one = poisson_3d(1, 1, 1)?;
    assert_eq!((one.matrix.values(), one.rhs.as_slice()), ([6.0].as_slice(), [0.25].as_slice()));
    let line = poisson_3d(1, 1, 3)?;
    assert_eq!(dense(&line.matrix), [[6.0, -1.0, 0.0], [-1.0, 6.0, -1.0], [0.0, -1.0, 6.0]]);
    assert_eq!(line.coordinates.row(2).to_vec(), [0.25, 0.25, 0.75]);
    Ok(())
}

#[test]
fn poisson_has_its_eigenvectors() -> Result<()> {
    for problem in [poisson_2d(7, 7)?, poisson_3d(5, 5, 5)?] {
        let d = problem.coordinates.cols();
        let n = (problem.matrix.rows() as f64).powf(1.0 / d as f64).round();
        let wave: Vec<f64> =
            problem.coordinates.row_iter().map(|p| p.iter().map(|x| (PI * x).sin()).product()).collect();
        let mut image = vec![0.0; wave.len()];
        problem.matrix.spmv(&wave, &mut image)?;
        let eigenvalue = 4.0 * d as f64 * (PI / (2.0 * n + 2.0)).sin().powi(2);
        for (y, x) in image.iter().zip(&wave) {
            assert!((y - eigenvalue * x).abs() < 1e-14);
        }
    }
    Ok(())
}

/// −Δu = 2π² sin πx sin πy on finer and finer grids.
#[test]
fn poisson_converges_with_order_two() -> Result<()> {
    let error = |n: usize| -> Result<f64> {
        let mut problem = poisson_2d(n, n)?;
        let exact: Vec<f64> =
            problem.coordinates.row_iter().map(|p| (PI * p[0]).sin() * (PI * p[1]).sin()).collect();
        for (b, u) in problem.rhs.iter_mut().zip(&exact) {
            *b *= 2.0 * PI * PI * u;
        }
        Ok(solve(&problem).iter().zip(&exact).fold(0.0, |m, (u, v)| (u - v).abs().max(m)))
    };
    let order = (error(7)? / error(31)?).log2() / 2.0;
    assert!((order - 2.0).abs() < 0.02, "order {order}");
    Ok(())
}

/// The maximum of u for −Δu = 1 on the unit square is 0.0736713533 by its Fourier series; with
/// bilinear elements and with differences it is met to O(h²).
#[test]
fn right_hand_sides_are_to_scale() -> Result<()> {
    for problem in [poisson_2d(31, 31)?, rotated_anisotropic(31, 1.0, 0.3)?] {
        let u = solve(&problem);
        assert!((u[15 * 31 + 15] - 0.073_671_353).abs() < 1e-4, "{}", problem.name);
    }
    Ok(())
}

#[test]
fn row_sums_vanish_inside() -> Result<()> {
    for problem in [poisson_2d(5, 5)?, rotated_anisotropic(5, 1e-3, 0.5)?] {
        assert!(problem.matrix.is_symmetric(), "{}", problem.name);
        let sums = row_sums(&problem.matrix);
        for (sum, p) in sums.iter().zip(problem.coordinates.row_iter()) {
            let inside = p.iter().all(|x| (0.2..0.8).contains(x));
            assert!(!inside || sum.abs() < 1e-15, "{} at {p:?}: {sum}", problem.name);
        }
    }
    Ok(())
}

/// `pyamg.gallery.diffusion_stencil_2d(epsilon, theta, type='FE')`, PyAMG 5; its first index
/// is x and its second is y.
#[test]
fn rotated_anisotropic_agrees_with_pyamg() -> Result<()> {
    #[rustfmt::skip]
    let cases: [(f64, f64, [f64; 9]); 4] = [
        (1e-3, 0.5235987755982988, [
            -0.38312317792849687, -0.41658333333333336, 0.049456511261830226,
            0.08291666666666671, 1.3346666666666664, 0.08291666666666671,
            0.049456511261830226, -0.41658333333333336, -0.38312317792849687]),
        (0.1, 0.7, [
            -0.40505952258073696, -0.2598185476384418, 0.03839285591407023,
            -0.10684811902822482, 1.4666666666666668, -0.10684811902822482,
            0.03839285591407023, -0.2598185476384418, -0.40505952258073696]),
        (0.01, -1.1, [
            0.03176952661201519, 0.12297471970806288, -0.36843619327868193,
            -0.45964138637472957, 1.346666666666667, -0.45964138637472957,
            -0.36843619327868193, 0.12297471970806288, 0.03176952661201519]),
        (5.0, 2.5, [
            -1.9589242746631388, -0.43267562907354784, -0.041075725336861435,
            -1.5673243709264524, 8.0, -1.5673243709264524,
            -0.041075725336861435, -0.43267562907354784, -1.9589242746631388]),
    ];
    for (epsilon, theta, stencil) in cases {
        let a = rotated_anisotropic(3, epsilon, theta)?.matrix;
        for x in 0..3 {
            for y in 0..3 {
                let (value, expected) = (a.get(4, 3 * y + x), stencil[3 * x + y]);
                assert!((value - expected).abs() < 1e-14, "ε {epsilon}, θ {theta}, x {x}, y {y}: {value}");
            }
        }
    }
    Ok(())
}

#[test]
fn upwind_by_hand() -> Result<()> {
    // h = 2/3, points (±1/3, ±1/3); |w| = (16/27, 16/27), turning clockwise.
    let problem = recirculating_flow(2, 0.25, FlowScheme::Upwind)?;
    let (e, w) = (-0.25, 2.0 / 3.0 * 16.0 / 27.0);
    // Wind, from the lower left point on: (−, +), (−, −), (+, +), (+, −).
    let d = 1.0 + 2.0 * w;
    let expected = [[d, e - w, e, 0.0], [e, d, 0.0, e - w], [e - w, 0.0, d, e], [0.0, e, e - w, d]];
    for (row, expected) in dense(&problem.matrix).iter().zip(expected) {
        for (v, u) in row.iter().zip(expected) {
            assert!((v - u).abs() < 1e-15, "{:?}", dense(&problem.matrix));
        }
    }
    // Only the right points touch x = 1: the wind blows in at the lower one.
    for (b, u) in problem.rhs.iter().zip([0.0, -e + w, 0.0, -e]) {
        assert!((b - u).abs() < 1e-15, "{:?}", problem.rhs);
    }
    Ok(())
}

#[test]
fn upwind_is_an_m_matrix() -> Result<()> {
    let problem = recirculating_flow(16, FLOW_EPSILON, FlowScheme::Upwind)?;
    let a = &problem.matrix;
    for i in 0..a.rows() {
        for (j, v) in a.row(i) {
            assert!(if i == j { v > 0.0 } else { v < 0.0 }, "entry {i}, {j}: {v}");
        }
    }
    // Weakly dominant everywhere, strictly at the boundary, and connected.
    assert!(row_sums(a).iter().all(|&s| s > -1e-15));
    assert!(row_sums(a)[0] > 0.001);
    // So the solution stays between the boundary values.
    assert!(solve(&problem).iter().all(|u| (-1e-12..=1.0 + 1e-12).contains(u)));
    Ok(())
}

/// The convection is the limit of A(ε) for ε → 0.
#[test]
fn galerkin_convection_is_skew_symmetric() -> Result<()> {
    let at = |epsilon| recirculating_flow(9, epsilon, FlowScheme::Galerkin);
    let convection = at(0.5)?.matrix.add(2.0, &at(1.0)?.matrix, -1.0)?;
    let sum = convection.add(1.0, &convection.transpose(), 1.0)?;
    assert!(convection.values().iter().any(|v| v.abs() > 0.1));
    let largest = sum.values().iter().fold(0.0, |m: f64, v| m.max(v.abs()));
    assert!(largest < 1e-14, "{largest}");
    Ok(())
}

/// The term added by SUPG is symmetric and positive semidefinite.
#[test]
fn supg_adds_streamline_diffusion() -> Result<()> {
    let at = |scheme| recirculating_flow(10, FLOW_EPSILON, scheme);
    let added = at(FlowScheme::Supg)?.matrix.add(1.0, &at(FlowScheme::Galerkin)?.matrix, -1.0)?;
    assert!(added.asymmetry() < 1e-13);
    let a = dense(&added);
    let eigenvalues =
        faer::Mat::from_fn(100, 100, |i, j| a[i][j]).self_adjoint_eigenvalues(faer::Side::Lower).unwrap();
    assert!(eigenvalues[0] > -1e-14 && eigenvalues[99] > 0.1, "{eigenvalues:?}");
    Ok(())
}

/// u = 1 satisfies the equation: a row that sees the boundary at x = 1 only has its row sum on
/// the right, a row that does not see this side has zero there.
#[test]
fn flow_keeps_constants() -> Result<()> {
    for scheme in FlowScheme::ALL {
        let problem = recirculating_flow(7, FLOW_EPSILON, scheme)?;
        let sums = row_sums(&problem.matrix);
        for (row, sum) in sums.iter().enumerate() {
            let (i, inside) = (row % 7, (1..6).contains(&(row / 7)));
            if i < 6 {
                assert_eq!(problem.rhs[row], 0.0, "{scheme}");
            }
            if inside && i > 0 {
                assert!((sum - problem.rhs[row]).abs() < 1e-15, "{scheme}");
            }
        }
    }
    Ok(())
}

/// The last point of a bilinear scheme sees three points with u = 1: the side's two and the
/// corner (1, 1).
#[test]
fn corners_belong_to_the_side_with_one() -> Result<()> {
    let one = recirculating_flow(1, 0.3, FlowScheme::Galerkin)?;
    // The wind is 0 in the middle and every neighbour has −ε/3, plus a skew part that cancels.
    assert!((one.matrix.values()[0] - 0.8).abs() < 1e-15);
    assert!((one.rhs[0] - 0.3).abs() < 1e-15, "{}", one.rhs[0]);
    Ok(())
}

#[test]
fn the_three_schemes_approach_each_other() -> Result<()> {
    let difference = |n: usize, scheme| -> Result<f64> {
        let u = solve(&recirculating_flow(n, 0.1, scheme)?);
        let v = solve(&recirculating_flow(n, 0.1, FlowScheme::Galerkin)?);
        Ok((u.iter().zip(&v).map(|(u, v)| (u - v).powi(2)).sum::<f64>() / u.len() as f64).sqrt())
    };
    for (scheme, factor) in [(FlowScheme::Upwind, 0.7), (FlowScheme::Supg, 0.5)] {
        let (coarse, fine) = (difference(15, scheme)?, difference(31, scheme)?);
        assert!(fine < factor * coarse && fine < 0.03, "{scheme}: {coarse} {fine}");
    }
    Ok(())
}

#[test]
fn bad_arguments_are_named() {
    let cases = [
        (poisson_2d(0, 3), "0 × 3"),
        (poisson_3d(2, 2, 0), "2 × 2 × 0"),
        (rotated_anisotropic(4, 0.0, 1.0), "got 0"),
        (rotated_anisotropic(4, f64::INFINITY, 1.0), "got inf"),
        (rotated_anisotropic(4, 1e308, 1.0), "is inf"),
        (rotated_anisotropic(4, 0.1, f64::NAN), "θ must be finite"),
        (recirculating_flow(0, 0.1, FlowScheme::Supg), "0 × 0"),
        (recirculating_flow(4, -0.1, FlowScheme::Supg), "got -0.1"),
        (recirculating_flow(4, f64::NAN, FlowScheme::Supg), "got NaN"),
    ];
    for (result, part) in cases {
        let error = result.unwrap_err();
        assert!(error.is_invalid_input() && error.to_string().contains(part), "{error}");
    }
    for huge in [
        poisson_2d(usize::MAX, usize::MAX),
        poisson_2d(65_536, 65_536),
        poisson_2d(40_000, 40_000),
        poisson_3d(1 << 40, 1 << 40, 1 << 40),
        rotated_anisotropic(30_000, 0.1, 0.0),
    ] {
        let error = huge.unwrap_err();
        assert!(error.is_dimension() && error.to_string().contains("32-bit"), "{error}");
    }
    assert!("central".parse::<FlowScheme>().unwrap_err().to_string().contains("upwind, supg or galerkin"));
    for scheme in FlowScheme::ALL {
        assert_eq!(scheme.to_string().to_uppercase().parse::<FlowScheme>().unwrap(), scheme);
    }
}
