//! L-BFGS: known minima, limits, losses that are NaN, resuming.

use super::problems::{badly_scaled, himmelblau, jacobi, rosenbrock};
use super::{Lbfgs, Scaled, Scaling, Status};
use crate::error::Error;

#[test]
fn the_best_weights_of_jacobi_are_found_to_rounding() {
    let mut w = vec![1.0_f64; 16];
    let mut lbfgs = Lbfgs::new().gradient_tolerance(1e-13);
    let report = lbfgs.minimise(&mut w, |w, g| Ok(jacobi(w, g))).unwrap();
    assert!(report.converged() && report.iterations <= 8, "{report}");
    for (i, w) in w.iter().enumerate() {
        let best = if i == 0 || i == 15 { 0.8 } else { 2.0 / 3.0 };
        assert!((w - best).abs() < 1e-12, "{i}: {w}");
    }
    // 14 rows of 1/3 and 2 of 1/5.
    assert!((report.loss - (14.0 / 3.0 + 2.0 / 5.0)).abs() < 1e-13);
}

/// SciPy 1.10's L-BFGS-B takes 49 and 294 evaluations, with the same memory and tolerance.
#[test]
fn rosenbrock_in_many_variables() {
    for (n, most) in [(2, 49), (100, 294)] {
        let mut x: Vec<f64> = (0..n).map(|i| if i % 2 == 0 { -1.2 } else { 1.0 + 1e-3 * i as f64 }).collect();
        let mut lbfgs = Lbfgs::new().gradient_tolerance(1e-9);
        let report = lbfgs.minimise(&mut x, |x, g| Ok(rosenbrock(x, g))).unwrap();
        assert!(report.converged() && report.evaluations <= most, "{n}: {report}");
        assert!(x.iter().all(|x| (x - 1.0).abs() < 1e-8), "{n}");
    }
}

/// SciPy 1.10's L-BFGS-B takes 942 iterations without the units.
#[test]
fn a_badly_scaled_quadratic_form_and_its_units() {
    let n = 20;
    let mut x = vec![0.0; n];
    let mut lbfgs =
        Lbfgs::new().memory(20).max_iterations(2000).max_evaluations(4000).gradient_tolerance(1e-6);
    let report = lbfgs.minimise(&mut x, |x, g| Ok(badly_scaled(x, g))).unwrap();
    assert!(report.converged(), "{report}");
    assert!(x.iter().enumerate().all(|(i, x)| (x - i as f64).abs() < 1e-5), "{x:?}");
    // In units of 1/√c the matrix is the identity.
    let units = (0..n).map(|i| 1e6f64.powf(i as f64 / (n - 1) as f64).sqrt().recip()).collect();
    let mut scaled = Scaled::new(Lbfgs::new(), Scaling::new(units).unwrap());
    let mut x = vec![0.0; n];
    let in_units = scaled.minimise(&mut x, |x, g| Ok(badly_scaled(x, g))).unwrap();
    assert!(in_units.converged() && in_units.iterations <= 3, "{in_units}");
    assert!(in_units.iterations < report.iterations);
    assert!(x.iter().enumerate().all(|(i, x)| (x - i as f64).abs() < 1e-7), "{x:?}");
}

#[test]
fn himmelblau_from_four_sides() {
    let minima = [
        (3.0, 2.0),
        (-2.805118086953, 3.131312518250),
        (-3.779310253378, -3.283185991286),
        (3.584428340330, -1.848126526964),
    ];
    for (x, y) in minima {
        let mut at = [x + 0.3, y - 0.4];
        let report = Lbfgs::new().minimise(&mut at, |x, g| Ok(himmelblau(x, g))).unwrap();
        assert!(report.converged(), "{report}");
        assert!((at[0] - x).abs() < 1e-8 && (at[1] - y).abs() < 1e-8, "{at:?}");
    }
}

#[test]
fn single_precision_gets_as_far_as_it_can() {
    let mut w = vec![1.0_f32; 16];
    let report = Lbfgs::new().minimise(&mut w, |w, g| Ok(jacobi(w, g))).unwrap();
    assert!(report.converged(), "{report}");
    assert!(w[1..15].iter().all(|w| (w - 2.0 / 3.0).abs() < 2e-4), "{w:?}");
    let mut x = vec![-1.2_f32, 1.0];
    let report = Lbfgs::new().minimise(&mut x, |x, g| Ok(rosenbrock(x, g))).unwrap();
    assert!(report.converged() && (x[0] - 1.0).abs() < 2e-3, "{report} {x:?}");
    // At the limit of single precision it stops and reports so.
    let mut x = vec![-1.2_f32, 1.0];
    let mut lbfgs = Lbfgs::new().gradient_tolerance(1e-30);
    let report = lbfgs.minimise(&mut x, |x, g| Ok(rosenbrock(x, g) + 1.0)).unwrap();
    assert!(x.iter().all(|x| (x - 1.0).abs() < 2e-2), "{report} {x:?}");
    assert!(report.converged() == (report.gradient_norm <= 1e-30), "{report}");
}

#[test]
fn limits_are_kept_and_told() {
    let mut x = [-1.2, 1.0];
    let run = |x: &mut [f64], lbfgs: Lbfgs<f64>| {
        let (mut count, mut lbfgs) = (0, lbfgs);
        let mut counted = |x: &[f64], g: &mut [f64]| {
            count += 1;
            Ok(rosenbrock(x, g))
        };
        let report = lbfgs.minimise(x, &mut counted).unwrap();
        assert_eq!(report.evaluations, count);
        report
    };
    let report = run(&mut x, Lbfgs::new().max_iterations(5));
    assert_eq!((report.status, report.iterations), (Status::MaxIterations, 5));
    let mut g = [0.0; 2];
    assert_eq!(report.loss, rosenbrock(&x, &mut g));
    assert_eq!(report.gradient_norm, g[0].abs().max(g[1].abs()));
    for limit in 1..40 {
        let mut x = [-1.2, 1.0];
        let report = run(&mut x, Lbfgs::new().max_evaluations(limit));
        assert!(report.evaluations <= limit, "{limit}: {report}");
        assert_eq!(
            report.status,
            if report.gradient_norm <= 1.5e-8 { Status::Converged } else { Status::MaxEvaluations }
        );
        assert_eq!(report.loss, rosenbrock(&x, &mut g), "{limit}");
        assert!(report.loss <= 24.2 + 1e-12);
    }
    let mut x = [-1.2, 1.0];
    let report = run(&mut x, Lbfgs::new().decrease_tolerance(0.5));
    assert!(report.converged() && report.gradient_norm > 1e-3, "{report}");
    let mut x = [1.0, 1.0];
    assert_eq!(run(&mut x, Lbfgs::new()).iterations, 0);
    assert!(run(&mut [], Lbfgs::new()).converged());
}

#[test]
fn a_loss_that_is_nan_shortens_the_step() {
    // −log(1 − z) − 3z, not defined beyond 1, where the first step lands; minimum at 2/3.
    let mut bad = 0;
    let mut z = [0.0_f64];
    let report = Lbfgs::new()
        .minimise(&mut z, |z, g| {
            let loss = -(1.0 - z[0]).ln() - 3.0 * z[0];
            bad += usize::from(!loss.is_finite());
            g[0] = 1.0 / (1.0 - z[0]) - 3.0;
            Ok(loss)
        })
        .unwrap();
    assert!(report.converged() && (z[0] - 2.0 / 3.0).abs() < 1e-8, "{report} {z:?}");
    assert!(bad > 0, "no step left the domain");
}

#[test]
fn what_cannot_be_minimised_says_so_and_keeps_the_values() {
    let mut x = [0.5];
    let nan = |_: &[f64], _: &mut [f64]| Ok(f64::NAN);
    assert_eq!(Lbfgs::new().minimise(&mut x, nan).unwrap().status, Status::NotFinite);
    let only_here = |x: &[f64], g: &mut [f64]| {
        g[0] = 1.0;
        Ok(if x[0] == 0.0 { 1.0 } else { f64::NAN })
    };
    let report = Lbfgs::new().minimise(&mut [0.0], only_here).unwrap();
    assert_eq!((report.status, report.loss), (Status::NotFinite, 1.0));
    let wrong_sign = |x: &[f64], g: &mut [f64]| {
        g[0] = -2.0 * x[0];
        Ok(x[0] * x[0])
    };
    let report = Lbfgs::new().minimise(&mut x, wrong_sign).unwrap();
    assert_eq!((report.status, report.iterations), (Status::LineSearchFailed, 0));
    assert_eq!(x, [0.5]);
    let mut calls = 0;
    let broken = |x: &[f64], g: &mut [f64]| {
        calls += 1;
        if calls > 6 { Err(Error::invalid_input("broken")) } else { Ok(rosenbrock(x, g)) }
    };
    let mut x = [-1.2, 1.0];
    assert!(Lbfgs::new().minimise(&mut x, broken).unwrap_err().to_string().contains("broken"));
    assert!(rosenbrock(&x, &mut [0.0; 2]) < 24.2);
    assert!(
        Lbfgs::new()
            .minimise(&mut [f64::NAN], nan)
            .unwrap_err()
            .to_string()
            .contains("entry 1 of the values")
    );
    assert!(Lbfgs::new().gradient_tolerance(-1.0).minimise(&mut x, nan).is_err());
    assert!(Lbfgs::new().max_evaluations(0).minimise(&mut x, nan).is_err());
}

#[test]
fn a_stopped_run_goes_on_with_the_same_bits() {
    let start: Vec<f64> = (0..10).map(|i| -1.2 + 0.1 * f64::from(i)).collect();
    let loss = |x: &[f64], g: &mut [f64]| Ok(rosenbrock(x, g));
    let (mut x, mut y) = (start.clone(), start.clone());
    let whole = Lbfgs::new().max_iterations(24).minimise(&mut x, loss).unwrap();
    let mut lbfgs = Lbfgs::new().max_iterations(12);
    assert_eq!(lbfgs.minimise(&mut y, loss).unwrap().status, Status::MaxIterations);
    let mut lbfgs: Lbfgs<f64> = serde_json::from_str(&serde_json::to_string(&lbfgs).unwrap()).unwrap();
    let rest = lbfgs.minimise(&mut y, loss).unwrap();
    assert_eq!((x, whole.loss, whole.iterations), (y, rest.loss, rest.iterations + 12));
    // From other values it restarts.
    let (mut x, mut y) = (start.clone(), start.clone());
    lbfgs.minimise(&mut x, loss).unwrap();
    Lbfgs::new().max_iterations(12).minimise(&mut y, loss).unwrap();
    assert_eq!(x, y);
    // Also in units that are not powers of two.
    let scaling = Scaling::new((1..=10).map(|i| 1.0 / (0.3 + f64::from(i))).collect()).unwrap();
    let (mut x, mut y) = (start.clone(), start);
    Scaled::new(Lbfgs::new().max_iterations(24), scaling.clone()).minimise(&mut x, loss).unwrap();
    let mut scaled = Scaled::new(Lbfgs::new().max_iterations(12), scaling);
    scaled.minimise(&mut y, loss).unwrap();
    let text = serde_json::to_string(&scaled).unwrap();
    let mut scaled: Scaled<Lbfgs<f64>, f64> = serde_json::from_str(&text).unwrap();
    scaled.minimise(&mut y, loss).unwrap();
    assert_eq!(x, y);
}
