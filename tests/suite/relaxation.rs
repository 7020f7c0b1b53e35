//! Classical relaxations against their defining properties.

use std::sync::Arc;

use crate::common::*;
use multigrad::backend::{Cpu, Triangle};
use multigrad::error::Result;
use multigrad::krylov::{Cg, Fgmres, Richardson};
use multigrad::operator::Preconditioner;
use multigrad::setup::relaxation::*;
use multigrad::sparse::Csr;

fn full(a: &Csr<f64>) -> Vec<Vec<f64>> {
    (0..a.rows()).map(|i| (0..a.cols()).map(|j| a.get(i, j)).collect()).collect()
}

/// ‖I − M A‖_F² of row i.
fn defect(m: &Csr<f64>, a: &Csr<f64>, i: usize) -> f64 {
    let ma = m.multiply(a).unwrap();
    (0..a.cols()).map(|j| (f64::from(u8::from(i == j)) - ma.get(i, j)).powi(2)).sum()
}

/// An unsymmetric matrix with an irregular pattern.
fn irregular(n: usize) -> Csr<f64> {
    let mut t = Vec::new();
    for i in 0..n {
        t.push((i, i, 3.0 + (i % 4) as f64));
        for s in [1, 5, 11] {
            if (i * s) % 3 != 1 {
                t.push((i, (i * 7 + s) % n, ((i * s) as f64).sin()));
            }
        }
    }
    Csr::from_triplets(n, n, &t).unwrap()
}

#[test]
fn diagonals_follow_their_formulas() {
    let a = dense(&[&[4.0, -1.0, 0.0], &[2.0, -5.0, 1.0], &[0.0, 3.0, 2.0]]);
    assert_eq!(weighted_jacobi(&a, 0.8).unwrap(), [0.2, -0.16, 0.4]);
    assert_eq!(l1_jacobi(&a).unwrap(), [0.2, -0.125, 0.2]);
    let s = spai0(&a).unwrap();
    for (s, exact) in s.iter().zip([4.0 / 17.0, -5.0 / 30.0, 2.0 / 13.0]) {
        assert!((s - exact).abs() < 1e-15);
    }
    // Minimality of SPAI-0: every other diagonal is worse in every row.
    let best = Csr::diagonal_matrix(&s);
    for i in 0..3 {
        for factor in [0.99, 1.01] {
            let mut other = s.clone();
            other[i] *= factor;
            assert!(defect(&best, &a, i) < defect(&Csr::diagonal_matrix(&other), &a, i));
        }
    }
    let extreme = Csr::diagonal_matrix(&[1e-200, 1e200]);
    assert!(spai0(&extreme).unwrap().iter().zip([1e200, 1e-200]).all(|(s, e)| (s / e - 1.0).abs() < 1e-14));
}

#[test]
fn l1_jacobi_converges_for_positive_definite_matrices() {
    for a in [poisson(8), nine_point(8), dense(&[&[1.0, 0.99, 0.99], &[0.99, 1.0, 0.99], &[0.99, 0.99, 1.0]])]
    {
        let l1 = Diagonal(l1_jacobi(&a).unwrap());
        let out =
            Richardson::new().max_iterations(30_000).preconditioner(&l1).solve(&a, &wavy(a.rows())).unwrap();
        assert!(out.converged(), "{out}");
    }
}

#[test]
fn zero_diagonals_are_named() {
    let a = Csr::from_triplets(2, 2, &[(0, 0, 1.0), (0, 1, 2.0), (1, 0, 3.0)]).unwrap();
    for result in [weighted_jacobi(&a, 1.0), l1_jacobi(&a), spai0(&a)] {
        let e = result.unwrap_err();
        assert!(e.is_invalid_input() && e.to_string().contains("row 2"), "{e}");
    }
    let e = ilu0(&a).unwrap_err();
    assert!(e.is_invalid_input() && e.to_string().contains("row 2"), "{e}");
    let wide = Csr::from_triplets(1, 2, &[(0, 0, 1.0)]).unwrap();
    assert!(spai1(&wide).unwrap_err().is_dimension());
    assert!(ilu0(&wide).unwrap_err().is_dimension());
    assert!(l1_jacobi(&wide).unwrap_err().is_dimension());
    assert!(weighted_jacobi(&poisson(2), 0.0).unwrap_err().is_invalid_input());
    assert!(weighted_jacobi(&poisson(2), f64::NAN).unwrap_err().is_invalid_input());
}

#[test]
fn spai1_satisfies_the_normal_equations() {
    for a in [poisson(7), nine_point(6), convection(6, 5.0), irregular(40)] {
        let m = spai1(&a).unwrap();
        assert!(Arc::ptr_eq(m.pattern(), a.pattern()));
        // The residual e_i − m A is orthogonal to every row of A in the pattern of row i.
        let (m_full, a_full) = (full(&m), full(&a));
        for (i, m_row) in m_full.iter().enumerate() {
            let mut r: Vec<f64> = (0..a.cols()).map(|j| f64::from(u8::from(i == j))).collect();
            for (weight, row) in m_row.iter().zip(&a_full) {
                r.iter_mut().zip(row).for_each(|(r, v)| *r -= weight * v);
            }
            for &j in a.pattern().row_cols(i) {
                let product: f64 = r.iter().zip(&a_full[j as usize]).map(|(r, v)| r * v).sum();
                assert!(product.abs() < 1e-12, "row {i}: {product:e}");
            }
        }
    }
}

#[test]
fn spai1_is_exact_where_the_pattern_allows_and_survives_degenerate_rows() {
    let a = dense(&[&[2.0, 1.0, 0.5], &[-1.0, 3.0, 1.0], &[0.3, 0.2, 4.0]]);
    let product = spai1(&a).unwrap().multiply(&a).unwrap();
    for i in 0..3 {
        for j in 0..3 {
            assert!((product.get(i, j) - f64::from(u8::from(i == j))).abs() < 1e-12);
        }
    }
    // A zero diagonal is accepted, and so are dependent rows.
    let saddle = dense(&[&[1.0, 2.0], &[3.0, 0.0]]);
    assert!(spai1(&saddle).is_ok());
    let dependent = Csr::from_csr(2, 2, vec![0, 2, 4], vec![0, 1, 0, 1], vec![1.0; 4]).unwrap();
    let m = spai1(&dependent).unwrap();
    assert!(m.values().iter().all(|v| v.is_finite() && v.abs() < 1.0), "{:?}", m.values());
    let empty = Csr::from_triplets(3, 3, &[(0, 0, 1.0), (2, 2, 1.0)]).unwrap();
    let e = spai1(&empty).unwrap_err();
    assert!(e.is_invalid_input() && e.to_string().contains("row 2"), "{e}");
    let explicit = Csr::from_csr(2, 2, vec![0, 2, 3], vec![0, 1, 1], vec![1.0, 0.0, 0.0]).unwrap();
    assert!(spai1(&explicit).unwrap_err().to_string().contains("row 2"));
    assert_eq!(spai1(&Csr::from_triplets(0, 0, &[]).unwrap()).unwrap().nnz(), 0);
}

#[test]
fn spai1_has_the_same_bits_on_any_number_of_threads() {
    let a = nine_point(40);
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| spai1(&a).unwrap())
    };
    assert_eq!(on(1), on(2));
    assert_eq!(on(1), on(5));
}

/// z = (L U)⁻¹ r.
struct Ilu(Csr<f64>);

impl Preconditioner for Ilu {
    fn rows(&self) -> usize {
        self.0.rows()
    }
    fn is_symmetric(&self) -> bool {
        true
    }
    fn apply(&self, r: &[f64], z: &mut [f64]) -> Result<()> {
        z.copy_from_slice(r);
        Cpu.solve_triangular((&self.0).into(), Triangle { lower: true, unit: true }, false, z, 1);
        Cpu.solve_triangular((&self.0).into(), Triangle { lower: false, unit: false }, false, z, 1);
        Ok(())
    }
    fn apply_transposed(&self, r: &[f64], z: &mut [f64]) -> Result<()> {
        self.apply(r, z)
    }
}

#[test]
fn ilu0_reproduces_the_matrix_on_its_pattern() {
    for a in [poisson(7), nine_point(6), convection(6, 5.0), irregular(40)] {
        let lu = ilu0(&a).unwrap();
        assert!(Arc::ptr_eq(lu.pattern(), a.pattern()));
        let lower = lu.map(|i, j, v| if j < i { v } else { 0.0 });
        let lower = lower.add(1.0, &Csr::identity(a.rows()), 1.0).unwrap();
        let upper = lu.map(|i, j, v| if j >= i { v } else { 0.0 });
        let product = lower.multiply(&upper).unwrap();
        for i in 0..a.rows() {
            for (j, v) in a.row(i) {
                assert!((product.get(i, j) - v).abs() < 1e-13, "({i}, {j})");
            }
        }
    }
}

#[test]
fn ilu0_is_lu_for_a_band_and_names_its_zero_pivot() {
    let a = dense(&[&[2.0, 1.0], &[4.0, 2.0]]);
    let e = ilu0(&a).unwrap_err();
    assert!(e.is_singular() && e.to_string().contains("row 2"), "{e}");
    let first = Csr::from_csr(2, 2, vec![0, 2, 4], vec![0, 1, 0, 1], vec![0.0, 1.0, 1.0, 1.0]).unwrap();
    assert!(ilu0(&first).unwrap_err().to_string().contains("row 1"));
    // A tridiagonal matrix has no fill: one solve is exact.
    let n = 50;
    let path = neumann(n).add(1.0, &Csr::identity(n), 0.1).unwrap();
    let ilu = Ilu(ilu0(&path).unwrap());
    let out = Cg::new().rtol(1e-12).preconditioner(&ilu).solve(&path, &wavy(n)).unwrap();
    assert!(out.converged() && out.iterations == 1, "{out}");
    let a = poisson(32);
    let ilu = Ilu(ilu0(&a).unwrap());
    let out = Cg::new().preconditioner(&ilu).solve(&a, &wavy(1024)).unwrap();
    println!("poisson 32²: cg + ilu0 {out}");
    assert!(out.converged() && out.iterations < 40);
    let spai = Sparse(spai1(&a).unwrap());
    let out = Fgmres::new().restart(100).preconditioner(&spai).solve(&a, &wavy(1024)).unwrap();
    println!("poisson 32²: fgmres + spai1 {out}");
    assert!(out.converged());
}

#[test]
fn chebyshev_is_the_chebyshev_polynomial() {
    let lambda_max = 2.1;
    for (degree, ratio) in [(1, 4.0), (2, 4.0), (3, 4.0), (4, 30.0), (7, 30.0)] {
        let c = ChebyshevCoefficients::new(lambda_max, degree, ratio).unwrap();
        assert_eq!(c.degree(), degree);
        let (lower, upper) = c.interval;
        let (theta, delta) = (0.5 * (upper + lower), 0.5 * (upper - lower));
        let t = |x: f64| {
            if x.abs() <= 1.0 { (degree as f64 * x.acos()).cos() } else { (degree as f64 * x.acosh()).cosh() }
        };
        let mut worst: f64 = 0.0;
        for s in 0..=200 {
            let lambda = lower + (upper - lower) * f64::from(s) / 200.0;
            // Error propagation for a x = 0 with a = λ.
            let (mut x, mut d) = (1.0, 0.0);
            for &(alpha, beta) in &c.steps {
                d = alpha * d + beta * (-lambda * x);
                x += d;
            }
            assert!((x - t((theta - lambda) / delta) / t(theta / delta)).abs() < 1e-12);
            worst = worst.max(f64::abs(x));
        }
        assert!((worst - c.reduction()).abs() < 1e-12);
    }
    for (l, d, r) in
        [(0.0, 2, 4.0), (f64::NAN, 2, 4.0), (2.0, 0, 4.0), (2.0, 2, 1.0), (2.0, 2, f64::INFINITY)]
    {
        assert!(ChebyshevCoefficients::new(l, d, r).unwrap_err().is_invalid_input());
    }
    let c = ChebyshevCoefficients::new(2.0, 3, 4.0).unwrap();
    let bytes = postcard::to_allocvec(&c).unwrap();
    assert_eq!(postcard::from_bytes::<ChebyshevCoefficients>(&bytes).unwrap(), c);
}

/// The wider the pattern, the closer to the inverse; on the full one it is the inverse.
#[test]
fn spai_on_a_wider_pattern_is_closer_to_the_inverse() {
    use multigrad::setup::relaxation::spai;
    let a = multigrad::gallery::poisson_2d(4, 3).unwrap().matrix;
    let distance = |m: &Csr<f64>| {
        let product = m.multiply(&a).unwrap();
        let defect = |i: usize, j: usize| product.get(i, j) - f64::from(u8::from(i == j));
        (0..12).flat_map(|i| (0..12).map(move |j| (i, j))).map(|(i, j)| defect(i, j).powi(2)).sum::<f64>()
    };
    let square = a.multiply(&a).unwrap();
    let all: Vec<_> = (0..12).flat_map(|i| (0..12).map(move |j| (i, j, 1.0))).collect();
    let full = Csr::from_triplets(12, 12, &all).unwrap();
    let errors = [&a, &square, &full].map(|p| distance(&spai(&a, p.pattern()).unwrap()));
    assert!(errors[1] < 0.5 * errors[0] && errors[2] < 1e-20, "{errors:?}");
    assert_eq!(spai(&a, a.pattern()).unwrap().values(), spai1(&a).unwrap().values());
    let other = Csr::<f64>::identity(11);
    assert!(spai(&a, other.pattern()).unwrap_err().is_dimension());
}
