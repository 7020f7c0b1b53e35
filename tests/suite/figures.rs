//! Published figures of training, with default options.

use multigrad::gallery::{self, FlowScheme, Problem};
use multigrad::krylov::Richardson;
use multigrad::learn::{Trainer, classical_baselines};
use multigrad::multigrid::Setup;
use multigrad::solver::{Amg, training_setups};

/// The asymptotic factor, the plain cycles to 1e-8 on a right-hand side that training did not see,
/// and the factor of the best classical smoother.
fn trained(problem: &Problem) -> (f64, usize, f64) {
    let a = &problem.matrix;
    let build = |setup: &Setup| Amg::builder(setup.clone()).build(a).unwrap();
    let candidates: Vec<Amg> = training_setups(a).iter().map(build).collect();
    let (amg, report) = Trainer::new().seed(1).fit_best(&candidates, &mut |_| ()).unwrap();
    assert!(report.accepted);
    let b: Vec<f64> = (0..a.rows()).map(|i| 2.0 * ((i as f64 + 1.0) * 0.618_034).fract() - 1.0).collect();
    let out = Richardson::new().rtol(1e-8).preconditioner(&amg).solve(a, &b).unwrap();
    assert!(out.converged());
    let classical = classical_baselines(&amg, (1, 1), 1, None).unwrap();
    (report.factor_after, out.iterations, classical[0].factor)
}

#[test]
fn upwind_flow() {
    let problem = gallery::recirculating_flow(64, 0.005, FlowScheme::Upwind).unwrap();
    let (factor, cycles, classical) = trained(&problem);
    assert!(factor <= 0.05 && cycles <= 7, "factor {factor}, {cycles} cycles");
    assert!(3.0 * factor < classical, "{factor} against {classical}");
}

#[test]
fn poisson() {
    let (factor, cycles, classical) = trained(&gallery::poisson_2d(64, 64).unwrap());
    assert!(factor <= 0.04 && cycles <= 7, "factor {factor}, {cycles} cycles");
    assert!(3.0 * factor < classical, "{factor} against {classical}");
}
