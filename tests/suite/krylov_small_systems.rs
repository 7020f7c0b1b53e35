//! Every small integer system, singular or not: no method panics, hangs or misreports, and full GMRES solves
//! every nonsingular one.

use crate::common::{Diagonal, dense, true_residual};
use multigrad::krylov::{BiCgStab, Cg, Fgmres, Richardson};

/// Determinant by fraction-free elimination, exact for small integers.
fn determinant(rows: &[Vec<f64>]) -> i64 {
    let n = rows.len();
    let mut m: Vec<Vec<i64>> = rows.iter().map(|r| r.iter().map(|&v| v as i64).collect()).collect();
    let (mut sign, mut previous) = (1, 1);
    for k in 0..n {
        let Some(p) = (k..n).find(|&p| m[p][k] != 0) else { return 0 };
        if p != k {
            m.swap(p, k);
            sign = -sign;
        }
        for i in k + 1..n {
            for j in k + 1..n {
                m[i][j] = (m[i][j] * m[k][k] - m[i][k] * m[k][j]) / previous;
            }
        }
        previous = m[k][k];
    }
    sign * previous
}

#[test]
fn no_method_lies_about_a_small_system() {
    let mut seed = 1u64;
    let mut next = |range: i64| {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((seed >> 33) % (2 * range as u64 + 1)) as i64 - range
    };
    let mut converged = [0; 4];
    let (mut regular, mut total) = (0, 0);
    for case in 0..6000 {
        let n = 1 + case % 6;
        let symmetric = case % 2 == 0;
        let mut rows: Vec<Vec<f64>> = (0..n).map(|_| (0..n).map(|_| next(2) as f64).collect()).collect();
        if symmetric {
            let upper = rows.clone();
            for (i, row) in rows.iter_mut().enumerate() {
                row[..i].iter_mut().zip(&upper).for_each(|(v, above)| *v = above[i]);
            }
        }
        let a = dense(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let b: Vec<f64> = (0..n).map(|_| next(3) as f64).collect();
        let guess: Vec<f64> = (0..n).map(|_| next(1) as f64).collect();
        let scale = Diagonal((0..n).map(|i| 0.25 + 0.25 * i as f64).collect());
        let singular = determinant(&rows) == 0;
        regular += usize::from(!singular);
        total += 1;
        let outcomes = [
            Cg::new().preconditioner(&scale).initial_guess(&guess).solve(&a, &b),
            BiCgStab::new().preconditioner(&scale).initial_guess(&guess).solve(&a, &b),
            Fgmres::new().preconditioner(&scale).initial_guess(&guess).solve(&a, &b),
            Richardson::new().preconditioner(&scale).initial_guess(&guess).solve(&a, &b),
        ];
        for (method, out) in outcomes.into_iter().enumerate() {
            let out = match out {
                Ok(out) => out,
                Err(e) => {
                    assert!(method == 0 && e.is_unsuited() && !symmetric, "{e}");
                    continue;
                }
            };
            assert_eq!(out.residual_history.len(), out.iterations + 1);
            assert_eq!(out.advice.is_some(), !out.converged());
            if b.iter().all(|&v| v == 0.0) {
                assert!(out.converged() && out.x.iter().all(|&v| v == 0.0));
                continue;
            }
            if out.converged() {
                converged[method] += 1;
                assert!(true_residual(&a, &b, &out.x) <= 1.01e-8, "method {method}, {rows:?}: {out}");
            } else if method == 2 {
                assert!(singular, "{rows:?} {b:?}: {out}");
                // Minimal residuals do not grow.
                assert!(
                    out.relative_residual() <= out.residual_history[0] * (1.0 + 1e-7),
                    "{rows:?} {b:?}: {out}"
                );
            }
        }
    }
    println!("{total} systems, {regular} regular; converged: {converged:?}");
}
