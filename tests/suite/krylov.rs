//! Krylov methods: convergence, its speed, and reports of every failure.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::common::*;
use multigrad::error::Result;
use multigrad::krylov::{BiCgStab, Breakdown, Cg, Fgmres, Outcome, Richardson, Status};
use multigrad::operator::{LinearOperator, Preconditioner};
use multigrad::sparse::Csr;

/// Properties of every outcome.
fn check(a: &Csr<f64>, b: &[f64], out: &Outcome) {
    assert_eq!(out.residual_history.len(), out.iterations + 1);
    assert_eq!(out.advice.is_some(), !out.converged(), "{out}");
    assert!(!out.to_string().contains('\n'));
    if out.relative_residual().is_finite() {
        let truth = true_residual(a, b, &out.x);
        let told = out.relative_residual();
        assert!((truth - told).abs() <= 1e-12 * (1.0 + truth), "told {told:e}, true {truth:e}: {out}");
    }
}

/// Every method on one problem: must hold its promise, converged or not.
fn all(a: &Csr<f64>, b: &[f64]) -> [(&'static str, Result<Outcome>); 4] {
    [
        ("cg", Cg::new().solve(a, b)),
        ("bicgstab", BiCgStab::new().solve(a, b)),
        ("fgmres", Fgmres::new().solve(a, b)),
        ("cycles", Richardson::new().solve(a, b)),
    ]
}

#[test]
fn poisson_converges_and_a_preconditioner_pays() {
    let a = poisson(32);
    let b = wavy(1024);
    let sgs = Sgs(a.clone());
    let plain = Cg::new().solve(&a, &b).unwrap();
    let fast = Cg::new().preconditioner(&sgs).solve(&a, &b).unwrap();
    let bi = BiCgStab::new().preconditioner(&sgs).solve(&a, &b).unwrap();
    let gm = Fgmres::new().preconditioner(&sgs).solve(&a, &b).unwrap();
    for out in [&plain, &fast, &bi, &gm] {
        check(&a, &b, out);
        assert!(out.converged() && out.relative_residual() <= 1e-8, "{out}");
    }
    println!(
        "cg {} | +sgs: cg {} bicgstab {} fgmres {}",
        plain.iterations, fast.iterations, bi.iterations, gm.iterations
    );
    assert!(2 * fast.iterations < plain.iterations);
    assert_eq!(fast.preconditioner_applications, fast.iterations);
    assert_eq!(gm.preconditioner_applications, gm.iterations);
    assert!(bi.preconditioner_applications >= 2 * bi.iterations - 1);
    let factor = fast.convergence_factor().unwrap();
    assert!(factor > 0.1 && factor < 0.9);
}

#[test]
fn cg_is_exact_in_as_many_steps_as_eigenvalues() {
    let n = 40;
    let a = Csr::diagonal_matrix(&(0..n).map(|i| 1.0 + (i % 5) as f64).collect::<Vec<_>>());
    let out = Cg::new().rtol(1e-13).solve(&a, &wavy(n)).unwrap();
    assert!(out.converged() && out.iterations == 5, "{out}");
    let exact = Diagonal(a.diagonal().iter().map(|d| 1.0 / d).collect());
    let out = Cg::new().rtol(1e-13).preconditioner(&exact).solve(&a, &wavy(n)).unwrap();
    assert_eq!(out.iterations, 1);
    // Curvature over forty decades is not a breakdown.
    let graded = Csr::diagonal_matrix(&[1e20, 1.0, 1e-20]);
    let exact = Diagonal(vec![1e-20, 1.0, 1e20]);
    assert!(Cg::new().preconditioner(&exact).solve(&graded, &[1.0, 2.0, 3.0]).unwrap().converged());
}

#[test]
fn cycles_converge_at_their_spectral_radius() {
    let a = dense(&[&[2.0, -1.0], &[-1.0, 2.0]]);
    let jacobi = Diagonal(vec![0.5, 0.5]);
    let b = [1.0, 0.0];
    let out = Richardson::new().preconditioner(&jacobi).rtol(1e-12).solve(&a, &b).unwrap();
    check(&a, &b, &out);
    assert!(out.converged());
    assert!((out.convergence_factor().unwrap() - 0.5).abs() < 1e-3);
    // I − B A has the eigenvalues 1 − 2.5/2 · {1, 3}: divergence, and damping cures it.
    let strong = Diagonal(vec![1.25, 1.25]);
    let out = Richardson::new().preconditioner(&strong).solve(&a, &b).unwrap();
    check(&a, &b, &out);
    assert_eq!(out.status, Status::Diverged);
    assert!(out.advice.as_ref().unwrap().contains("Krylov"));
    assert!(Richardson::new().preconditioner(&strong).damping(0.4).solve(&a, &b).unwrap().converged());
    assert!(Richardson::new().damping(f64::NAN).solve(&a, &b).unwrap_err().is_invalid_input());
}

#[test]
fn nonsymmetric_systems() {
    let rotation = dense(&[&[0.0, -1.0], &[1.0, 0.0]]);
    let b = [1.0, 2.0];
    assert!(Cg::new().solve(&rotation, &b).unwrap_err().is_unsuited());
    let out = BiCgStab::new().solve(&rotation, &b).unwrap();
    check(&rotation, &b, &out);
    assert!(matches!(out.status, Status::Breakdown(_)), "{out}");
    assert!(out.advice.as_ref().unwrap().contains("FGMRES"));
    let out = Fgmres::new().solve(&rotation, &b).unwrap();
    assert!(out.converged() && out.iterations == 2);

    let a = convection(24, 20.0);
    let b = wavy(576);
    let message = Cg::new().solve(&a, &b).unwrap_err().to_string();
    assert!(message.contains("FGMRES") && message.contains("BiCGStab"));
    for out in [BiCgStab::new().solve(&a, &b), Fgmres::new().solve(&a, &b)] {
        let out = out.unwrap();
        check(&a, &b, &out);
        assert!(out.converged(), "{out}");
        println!("convection: {out}");
    }
    let lopsided = Sparse(Csr::identity(1024));
    let error = Cg::new().preconditioner(&lopsided).solve(&poisson(32), &wavy(1024)).unwrap_err();
    assert!(error.is_unsuited() && error.to_string().contains("FGMRES"));
}

#[test]
fn symmetry_check_can_be_turned_off() {
    let a = dense(&[&[2.0, 0.1], &[0.0, 2.0]]);
    assert!(Cg::new().solve(&a, &[1.0, 1.0]).unwrap_err().is_unsuited());
    let out = Cg::new().symmetry_check(false).solve(&a, &[1.0, 1.0]).unwrap();
    check(&a, &[1.0, 1.0], &out);
}

#[test]
fn bicgstab_breakdowns_restart_or_are_told() {
    // The cyclic shift: r̂ᵀ A r = 0 at once.
    let shift = dense(&[&[0.0, 1.0, 0.0], &[0.0, 0.0, 1.0], &[1.0, 0.0, 0.0]]);
    let out = BiCgStab::new().solve(&shift, &[1.0, 0.0, 0.0]).unwrap();
    assert_eq!(out.status, Status::Breakdown(Breakdown::PivotZero));
    // Symmetric indefinite with tᵀs = 0 after the first half step.
    let a = dense(&[&[1.0, 0.0, 0.0], &[0.0, 0.0, 1.0], &[0.0, 1.0, 0.0]]);
    let b = [1.0, 1.0, 0.0];
    let out = BiCgStab::new().solve(&a, &b).unwrap();
    check(&a, &b, &out);
    println!("bicgstab, indefinite: {out}");
    // A zero operator.
    let zero = dense(&[&[0.0, 0.0], &[0.0, 0.0]]);
    let out = BiCgStab::new().solve(&zero, &[1.0, 0.0]).unwrap();
    assert_eq!(out.status, Status::Breakdown(Breakdown::SingularMatrix));
    // One half step suffices for the identity: one application.
    let out = BiCgStab::new().solve(&Csr::identity(3), &b).unwrap();
    assert!(out.converged() && out.iterations == 1 && out.preconditioner_applications == 1);
}

#[test]
fn cg_tells_indefinite_from_singular() {
    let a = dense(&[&[1.0, 0.0], &[0.0, -1.0]]);
    for b in [[1.0, 1.0], [1.0, 2.0], [2.0, 1.0]] {
        let out = Cg::new().solve(&a, &b).unwrap();
        check(&a, &b, &out);
        assert_eq!(out.status, Status::Breakdown(Breakdown::IndefiniteMatrix));
        assert!(out.advice.unwrap().contains("FGMRES"));
        assert!(Fgmres::new().solve(&a, &b).unwrap().converged());
    }
    let zero = dense(&[&[0.0, 0.0], &[0.0, 0.0]]);
    let out = Cg::new().solve(&zero, &[1.0, 0.0]).unwrap();
    assert_eq!(out.status, Status::Breakdown(Breakdown::SingularMatrix));
    for d in [vec![-1.0, -1.0], vec![0.0, 0.0]] {
        let out = Cg::new().preconditioner(&Diagonal(d)).solve(&Csr::identity(2), &[1.0, 1.0]).unwrap();
        assert_eq!(out.status, Status::Breakdown(Breakdown::IndefinitePreconditioner));
    }
}

#[test]
fn singular_systems_converge_if_consistent_and_never_lie_otherwise() {
    let n = 30;
    let a = neumann(n);
    let mean = wavy(n).iter().sum::<f64>() / n as f64;
    let consistent: Vec<f64> = wavy(n).iter().map(|v| v - mean).collect();
    for (name, out) in all(&a, &consistent) {
        let out = out.unwrap();
        check(&a, &consistent, &out);
        println!("consistent {name}: {out}");
        // Richardson without a preconditioner has λ_max close to 4 and diverges.
        assert_eq!(out.converged(), name != "cycles", "{name}: {out}");
    }
    for b in [wavy(n), vec![1.0; n]] {
        for (name, out) in all(&a, &b) {
            let out = out.unwrap();
            check(&a, &b, &out);
            println!("inconsistent {name}: {out}");
            assert!(name != "fgmres" || out.relative_residual() <= 1.0 + 1e-8);
            assert!(!out.converged());
        }
    }
    let jacobi = Diagonal(vec![0.25; n]);
    let out = Richardson::new().max_iterations(20_000).preconditioner(&jacobi).solve(&a, &wavy(n)).unwrap();
    assert_eq!(out.status, Status::Stagnated, "{out}");
    // A nilpotent block: defective and singular.
    let jordan = dense(&[&[0.0, 1.0], &[0.0, 0.0]]);
    for b in [[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]] {
        for out in [Fgmres::new().solve(&jordan, &b).unwrap(), BiCgStab::new().solve(&jordan, &b).unwrap()] {
            check(&jordan, &b, &out);
            assert!(!out.converged());
        }
    }
}

#[test]
fn trivial_systems() {
    let a = poisson(3);
    let ones = vec![1.0; 9];
    let zeros = vec![0.0; 9];
    for (_, out) in all(&a, &zeros) {
        let out = out.unwrap();
        assert!(out.converged() && out.iterations == 0 && out.x == zeros);
        assert_eq!(out.residual_history, [0.0]);
        assert_eq!(out.convergence_factor(), None);
    }
    let out = Cg::new().initial_guess(&ones).solve(&a, &zeros).unwrap();
    assert!(out.converged() && out.x == zeros);
    // The exact answer as initial guess.
    let mut b = vec![0.0; 9];
    a.spmv(&ones, &mut b).unwrap();
    let out = Fgmres::new().initial_guess(&ones).solve(&a, &b).unwrap();
    assert!(out.converged() && out.iterations == 0 && out.x == ones);
    let out = BiCgStab::new().initial_guess(&ones).solve(&a, &wavy(9)).unwrap();
    check(&a, &wavy(9), &out);
    assert!(out.converged() && out.iterations > 0);
    // 1 × 1, and nothing at all.
    let one = Csr::from_triplets(1, 1, &[(0, 0, 4.0)]).unwrap();
    for (name, out) in all(&one, &[2.0]) {
        let out = out.unwrap();
        assert_eq!(out.converged(), name != "cycles", "{name}: {out}");
        if out.converged() {
            assert_eq!((out.x[0], out.iterations), (0.5, 1));
        }
    }
    let none = Csr::from_triplets(0, 0, &[]).unwrap();
    for (_, out) in all(&none, &[]) {
        assert!(out.unwrap().converged());
    }
}

#[test]
fn misuse_is_an_error() {
    let a = poisson(3);
    let b = wavy(9);
    let mut bad = b.clone();
    bad[4] = f64::NAN;
    for (_, out) in all(&a, &bad) {
        let message = out.unwrap_err();
        assert!(message.is_invalid_input() && message.to_string().contains("row 5"));
    }
    for (_, out) in all(&a, &b[..8]) {
        assert!(out.unwrap_err().is_dimension());
    }
    let wide = Csr::from_triplets(2, 3, &[(0, 0, 1.0)]).unwrap();
    for b in [[1.0, 1.0], [0.0, 0.0]] {
        for (_, out) in all(&wide, &b) {
            assert!(out.unwrap_err().is_dimension());
        }
    }
    assert!(Cg::new().initial_guess(&bad).solve(&a, &b).unwrap_err().is_invalid_input());
    assert!(Cg::new().initial_guess(&b[..3]).solve(&a, &b).unwrap_err().is_dimension());
    assert!(Cg::new().preconditioner(&Diagonal(vec![1.0])).solve(&a, &b).unwrap_err().is_dimension());
    for rtol in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(Fgmres::new().rtol(rtol).solve(&a, &b).unwrap_err().is_invalid_input());
    }
    assert!(BiCgStab::new().atol(-1.0).solve(&a, &b).unwrap_err().is_invalid_input());
    assert!(Fgmres::new().restart(0).solve(&a, &b).unwrap_err().is_invalid_input());
}

#[test]
fn limits_and_tolerances() {
    let a = poisson(20);
    let b = wavy(400);
    let sgs = Sgs(a.clone());
    let out = Cg::new().max_iterations(5).preconditioner(&sgs).solve(&a, &b).unwrap();
    check(&a, &b, &out);
    assert_eq!((out.status, out.iterations), (Status::MaxIterations, 5));
    assert!(out.advice.unwrap().contains("max_iterations"));
    let out = Fgmres::new().max_iterations(0).solve(&a, &b).unwrap();
    assert_eq!((out.status, out.iterations), (Status::MaxIterations, 0));
    let norm = b.iter().map(|v| v * v).sum::<f64>().sqrt();
    let out = Cg::new().rtol(1e-300).atol(0.1 * norm).solve(&a, &b).unwrap();
    assert!(out.converged() && out.relative_residual() > 1e-3);
    // More than double precision permits: reported, after few iterations.
    for out in [
        Cg::new().rtol(1e-30).solve(&a, &b).unwrap(),
        BiCgStab::new().rtol(1e-30).solve(&a, &b).unwrap(),
        Fgmres::new().rtol(1e-30).restart(100).solve(&a, &b).unwrap(),
    ] {
        check(&a, &b, &out);
        println!("rtol 1e-30: {out}");
        assert!(matches!(out.status, Status::Stagnated | Status::Breakdown(_)), "{out}");
        assert!(out.relative_residual() < 1e-13);
    }
    let mut seen = Vec::new();
    let out = Cg::new().solve_with(&a, &b, &mut |k, r| seen.push((k, r))).unwrap();
    assert_eq!(seen.len(), out.iterations);
    assert_eq!(seen[0], (1, out.residual_history[1]));
}

#[test]
fn right_hand_sides_of_any_size() {
    let a = poisson(10);
    for size in [1e-310, 1e-250, 1e-160, 1e160, 1e300] {
        let b: Vec<f64> = wavy(100).iter().map(|v| v * size).collect();
        for out in [Cg::new().solve(&a, &b), BiCgStab::new().solve(&a, &b), Fgmres::new().solve(&a, &b)] {
            let out = out.unwrap();
            assert!(out.converged() && out.x.iter().all(|v| v.is_finite()), "{size:e}: {out}");
            assert!(out.x.iter().any(|&v| v != 0.0));
        }
    }
    let tiny = Csr::diagonal_matrix(&[1e-200]);
    let out = Cg::new().solve(&tiny, &[1e200]).unwrap();
    assert!(!out.converged(), "x overflows: {out}");
}

/// A preconditioner that changes in every application.
struct Varying(AtomicUsize);

impl Preconditioner for Varying {
    fn rows(&self) -> usize {
        576
    }
    fn is_symmetric(&self) -> bool {
        false
    }
    fn apply(&self, r: &[f64], z: &mut [f64]) -> Result<()> {
        let k = self.0.fetch_add(1, Ordering::Relaxed);
        z.iter_mut().zip(r).enumerate().for_each(|(i, (z, r))| *z = r * (1.0 + 0.9 * ((i * k) as f64).sin()));
        Ok(())
    }
    fn apply_transposed(&self, r: &[f64], z: &mut [f64]) -> Result<()> {
        self.apply(r, z)
    }
}

#[test]
fn fgmres_is_flexible_monotone_and_restarts() {
    let a = convection(24, 3.0);
    let b = wavy(576);
    let varying = Varying(AtomicUsize::new(0));
    let out = Fgmres::new().preconditioner(&varying).max_iterations(2000).solve(&a, &b).unwrap();
    check(&a, &b, &out);
    assert!(out.converged(), "{out}");
    println!("varying: {out}");
    for restart in [1, 2, 7, 30, 1000] {
        let out = Fgmres::new().restart(restart).max_iterations(3000).solve(&a, &b).unwrap();
        check(&a, &b, &out);
        assert!(out.converged(), "restart {restart}: {out}");
        assert!(out.residual_history.windows(2).all(|w| w[1] <= w[0] * (1.0 + 1e-10)));
        println!("restart {restart}: {}", out.iterations);
    }
    // GMRES gains nothing on a cyclic shift until its last step.
    let n = 60;
    let shift = Csr::from_triplets(n, n, &(0..n).map(|i| (i, (i + 1) % n, 1.0)).collect::<Vec<_>>()).unwrap();
    let mut e = vec![0.0; n];
    e[0] = 1.0;
    let out = Fgmres::new().restart(10).solve(&shift, &e).unwrap();
    assert_eq!(out.status, Status::Stagnated);
    assert!(out.advice.unwrap().contains("restart"));
    assert!(Fgmres::new().restart(n).solve(&shift, &e).unwrap().converged());
}

struct Poisoned(f64);

impl LinearOperator for Poisoned {
    fn rows(&self) -> usize {
        2
    }
    fn apply(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        y.copy_from_slice(x);
        if x[0] != 0.0 {
            y[1] = self.0;
        }
        Ok(())
    }
}

#[test]
fn values_that_are_not_finite_are_told() {
    for poison in [f64::NAN, f64::INFINITY] {
        let a = Poisoned(poison);
        let b = [1.0, 1.0];
        let bad = Diagonal(vec![1.0, poison]);
        for out in [
            Cg::new().solve(&a, &b),
            BiCgStab::new().solve(&a, &b),
            Fgmres::new().solve(&a, &b),
            Richardson::new().solve(&a, &b),
            Cg::new().preconditioner(&bad).solve(&Csr::identity(2), &b),
            BiCgStab::new().preconditioner(&bad).solve(&Csr::identity(2), &b),
            Fgmres::new().preconditioner(&bad).solve(&Csr::identity(2), &b),
            Richardson::new().preconditioner(&bad).solve(&Csr::identity(2), &b),
        ] {
            let out = out.unwrap();
            assert_eq!(out.status, Status::Diverged, "{out}");
            assert!(out.advice.as_ref().unwrap().contains("not finite"), "{out}");
        }
    }
}

#[test]
fn same_bits_on_any_number_of_threads() {
    let m = 340;
    let a = poisson(m);
    let b = wavy(m * m);
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            [
                Cg::new().max_iterations(8).solve(&a, &b).unwrap(),
                BiCgStab::new().max_iterations(4).solve(&a, &b).unwrap(),
                Fgmres::new().max_iterations(8).restart(5).solve(&a, &b).unwrap(),
                Richardson::new().damping(0.2).max_iterations(8).solve(&a, &b).unwrap(),
            ]
        })
    };
    assert_eq!(on(1), on(2));
}
