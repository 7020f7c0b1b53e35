//! Cycles as operators: transpose, symmetry, and precisions.

use crate::common;

use crate::common::numbers::{Numbers, distance, dot, largest};
use multigrad::gallery::{FlowScheme, poisson_2d, recirculating_flow, rotated_anisotropic};
use multigrad::multigrid::{CycleKind, CyclePreconditioner, Passes, Relaxation};
use multigrad::operator::Preconditioner;
use multigrad::setup::{Coarsening, Variant};
use multigrad::solver::{Amg, training_setup};
use multigrad::sparse::Csr;

const SYMMETRIC: [Relaxation; 14] = [
    Relaxation::Jacobi(None),
    Relaxation::L1Jacobi,
    Relaxation::GaussSeidel,
    Relaxation::SymmetricGaussSeidel,
    Relaxation::Chebyshev(3),
    Relaxation::Spai0,
    Relaxation::Ilu0(1.0),
    Relaxation::HybridGaussSeidel(Passes::Mirrored),
    Relaxation::L1GaussSeidel(Passes::Mirrored),
    Relaxation::MulticolourGaussSeidel(Passes::Mirrored),
    Relaxation::Ilu { level: 1, damping: Some(1.0), tau: 0.0 },
    Relaxation::BlockJacobi { size: None, omega: None },
    Relaxation::FourthKindChebyshev(3),
    Relaxation::IterativeIlu0 { sweeps: 3, damping: Some(1.0) },
];

fn flow(m: usize) -> Csr<f64> {
    recirculating_flow(m, 0.005, FlowScheme::Upwind).unwrap().matrix
}

fn build(a: &Csr<f64>, w: bool) -> Amg {
    let coarsening = Coarsening { max_coarse: 6, ..Coarsening::default() };
    let builder = Amg::smoothed_aggregation().coarsening(coarsening).suited_to(a);
    if w { builder.cycle(CycleKind::W) } else { builder }.build(a).unwrap()
}

/// B, column by column.
fn columns(p: &dyn Preconditioner, transposed: bool) -> Vec<Vec<f64>> {
    let unit = |j: usize| (0..p.rows()).map(|i| f64::from(u8::from(i == j))).collect::<Vec<_>>();
    let column = |j: usize| {
        let mut z = vec![f64::NAN; p.rows()];
        if transposed { p.apply_transposed(&unit(j), &mut z) } else { p.apply(&unit(j), &mut z) }.unwrap();
        z
    };
    (0..p.rows()).map(column).collect()
}

/// Largest |B(i,j) − C(j,i)| relative to the largest entry.
fn far_from_transpose(b: &[Vec<f64>], c: &[Vec<f64>]) -> f64 {
    let size = b.iter().map(|v| largest(v)).fold(0.0, f64::max);
    let n = b.len();
    let worst = (0..n * n).map(|q| (b[q / n][q % n] - c[q % n][q / n]).abs()).fold(0.0, f64::max);
    worst / size
}

#[test]
fn the_transposed_cycle_is_the_transpose() {
    let a = flow(12);
    for w in [false, true] {
        for sweeps in [(1, 1), (2, 1), (0, 1)] {
            for relaxation in Relaxation::ALL.into_iter().chain([Relaxation::Ilu0(0.7)]) {
                let amg = build(&a, w).with_relaxation(relaxation, sweeps).unwrap();
                assert!(!amg.is_symmetric());
                let n = amg.rows();
                let (mut bx, mut bty) = (vec![0.0; n], vec![0.0; n]);
                for seed in 0..3 {
                    let (x, y) = (Numbers(seed).vector::<f64>(n), Numbers(100 + seed).vector::<f64>(n));
                    amg.apply(&x, &mut bx).unwrap();
                    amg.apply_transposed(&y, &mut bty).unwrap();
                    let size =
                        (dot(&bx, &bx) * dot(&y, &y)).sqrt().max((dot(&bty, &bty) * dot(&x, &x)).sqrt());
                    let gap = (dot(&bx, &y) - dot(&x, &bty)).abs();
                    assert!(gap <= 1e-12 * size, "{relaxation}, {sweeps:?}, W {w}: {:e}", gap / size);
                }
            }
        }
        let amg = build(&a, w).with_relaxation(Relaxation::Spai1, (2, 1)).unwrap();
        let gap = far_from_transpose(&columns(&amg, false), &columns(&amg, true));
        assert!(gap < 1e-12, "{gap:e}");
    }
}

#[test]
fn a_cycle_knows_whether_it_is_symmetric() {
    for a in [common::poisson(12), rotated_anisotropic(12, 0.01, 0.5).unwrap().matrix] {
        for w in [false, true] {
            let amg = build(&a, w);
            for sweeps in [(1, 1), (2, 2), (2, 1), (1, 0)] {
                for relaxation in Relaxation::ALL {
                    let amg = amg.with_relaxation(relaxation, sweeps).unwrap();
                    let b = columns(&amg, false);
                    let gap = far_from_transpose(&b, &b);
                    let what = format!("{relaxation}, {sweeps:?}, W {w}: {gap:e}");
                    if amg.is_symmetric() {
                        assert!(gap < 1e-12, "taken for symmetric: {what}");
                    }
                    // Whether ILUT drops symmetrically depends on the matrix.
                    if matches!(relaxation, Relaxation::Ilut { .. }) {
                        continue;
                    }
                    let expected = sweeps.0 == sweeps.1 && SYMMETRIC.contains(&relaxation);
                    assert_eq!(amg.is_symmetric(), expected, "{what}");
                    let single = CyclePreconditioner::<f32>::new(amg.hierarchy().cast().unwrap()).unwrap();
                    assert_eq!(single.is_symmetric(), expected, "in single precision: {what}");
                    if expected {
                        assert!(gap < 1e-12, "{what}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_cycle_on_a_nonsymmetric_matrix_is_not_symmetric() {
    for relaxation in Relaxation::ALL {
        for a in [flow(12), common::convection(12, 0.05)] {
            assert!(!build(&a, false).with_relaxation(relaxation, (1, 1)).unwrap().is_symmetric());
        }
    }
}

#[test]
fn single_precision_is_close_and_does_not_depend_on_scale() {
    for a in [flow(16), common::poisson(16)] {
        for relaxation in Relaxation::ALL {
            let amg = build(&a, false).with_relaxation(relaxation, (1, 1)).unwrap();
            let single = amg.to_single_precision().unwrap();
            assert!(single.is_single_precision());
            let n = amg.rows();
            let r: Vec<f64> = Numbers(3).vector(n);
            let (mut double, mut z) = (vec![0.0; n], vec![f64::NAN; n]);
            for transposed in [false, true] {
                let apply = |p: &dyn Preconditioner, r: &[f64], z: &mut [f64]| {
                    if transposed { p.apply_transposed(r, z) } else { p.apply(r, z) }.unwrap();
                };
                apply(&amg, &r, &mut double);
                for scale in [1.0, 1e-300, 1e-30, 1e30, 1e300] {
                    let scaled: Vec<f64> = r.iter().map(|v| v * scale).collect();
                    apply(&single, &scaled, &mut z);
                    let back: Vec<f64> = z.iter().map(|v| v / scale).collect();
                    let error = distance(&back, &double);
                    assert!(error < 2e-5, "{relaxation}, scale {scale:e}: {error:e}");
                }
            }
            single.apply(&vec![0.0; n], &mut z).unwrap();
            assert!(z.iter().all(|&v| v == 0.0));
        }
    }
}

/// Plans of different workspaces share one pool of memory.
#[test]
fn applications_do_not_disturb_one_another() {
    let amg = build(&flow(12), true).with_relaxation(Relaxation::Chebyshev(3), (2, 0)).unwrap();
    let n = amg.rows();
    let r: Vec<f64> = Numbers(5).vector(n);
    let (mut z, mut zt) = (vec![0.0; n], vec![0.0; n]);
    amg.apply(&r, &mut z).unwrap();
    amg.apply_transposed(&r, &mut zt).unwrap();
    assert!(distance(&z, &zt) > 1e-6);
    std::thread::scope(|scope| {
        for q in 0..4 {
            let (amg, r, z, zt) = (&amg, &r, &z, &zt);
            scope.spawn(move || {
                let mut out = vec![0.0; n];
                for step in 0..40 {
                    if (step + q) % 2 == 0 {
                        amg.apply(r, &mut out).unwrap();
                        assert_eq!(&out, z);
                    } else {
                        amg.apply_transposed(r, &mut out).unwrap();
                        assert_eq!(&out, zt);
                    }
                }
            });
        }
    });
    assert!(amg.apply(&r[1..], &mut z).unwrap_err().is_dimension());
    assert!(amg.apply(&r, &mut z[1..]).unwrap_err().is_dimension());
    assert!(amg.apply_transposed(&r[1..], &mut z).unwrap_err().is_dimension());
    // NaN is propagated, not hidden.
    let mut broken = r.clone();
    broken[7] = f64::NAN;
    amg.apply(&broken, &mut z).unwrap();
    assert!(z.iter().any(|v| v.is_nan()));
    amg.apply(&r, &mut zt).unwrap();
    amg.apply(&r, &mut z).unwrap();
    assert!(z == zt && z.iter().all(|v| v.is_finite()));
}

/// Pure Neumann conditions: rounded to f32 the coarsest matrix is no longer singular.
#[test]
fn single_precision_is_close_for_a_singular_matrix() {
    let (m, mut r, mut t) = (24, Numbers(9), Vec::new());
    for p in 0..m * m {
        let right = (p % m + 1 < m).then_some(p + 1);
        for q in right.into_iter().chain((p + m < m * m).then_some(p + m)) {
            let w = 1.5 + r.value();
            t.extend([(p, p, w), (q, q, w), (p, q, -w), (q, p, -w)]);
        }
    }
    let a = Csr::from_triplets(m * m, m * m, &t).unwrap();
    let mut b: Vec<f64> = r.vector(m * m);
    let mean = b.iter().sum::<f64>() / b.len() as f64;
    b.iter_mut().for_each(|v| *v -= mean);
    let every_entry_strong = Coarsening { theta: 0.0, ..training_setup(Variant::Symmetric) };
    for coarsening in [every_entry_strong, Coarsening::default()] {
        let amg = Amg::builder(coarsening).build(&a).unwrap();
        let (mut double, mut z) = (vec![0.0; m * m], vec![0.0; m * m]);
        amg.apply(&b, &mut double).unwrap();
        amg.to_single_precision().unwrap().apply(&b, &mut z).unwrap();
        let distance = distance(&z, &double);
        assert!(distance < 1e-5, "{distance:e}");
    }
}

/// A system whose rows of the identity are eliminated: wrong input is an error there as everywhere.
#[test]
fn wrong_input_for_a_transformed_system_is_an_error() {
    let n = 40;
    let inner = poisson_2d(n, n).unwrap().matrix;
    let a = inner.map(|i, j, v| if i < n { f64::from(u8::from(i == j)) } else { v });
    let mut solver = Amg::auto(&a).unwrap();
    let mut b = vec![1.0; n * n];
    assert!(solver.solve(&b).unwrap().converged());
    for bad in [f64::INFINITY, f64::NAN] {
        b[3] = bad;
        assert!(solver.solve(&b).unwrap_err().is_invalid_input(), "{bad}");
    }
    let few = multigrad::sparse::DenseMatrix::ones(n, 1);
    assert!(Amg::auto_with(&a, Some(&few)).unwrap_err().to_string().contains("40 rows"));
    for other in [poisson_2d(n, n - 1).unwrap().matrix, Csr::from_triplets(2, 3, &[(0, 0, 1.0)]).unwrap()] {
        assert!(solver.refresh(&other).unwrap_err().to_string().contains("another pattern"));
    }
}
