//! The automatic choice on small random systems: the solution, or a sentence that says why there is none.
#![no_main]

use libfuzzer_sys::fuzz_target;
use multigrad::{SolveOptions, Solver};
use multigrad_fuzz::systems::backward_error;
use multigrad_fuzz::{check_error, system_of};

fuzz_target!(|bytes: &[u8]| {
    let Some((a, mut random)) = system_of(bytes) else { return };
    let solver = match Solver::auto(&a) {
        Ok(solver) => solver,
        Err(e) => return check_error(&e),
    };
    let x: Vec<f64> = (0..a.rows()).map(|_| 1.0 + random.value()).collect();
    let mut b = vec![0.0; a.rows()];
    a.spmv(&x, &mut b).expect("a product");
    // A right-hand side in the range, and one that need not be.
    for b in [b, x] {
        if b.iter().any(|v| !v.is_finite()) {
            return;
        }
        let out = solver.solve(&b).expect("a finite right-hand side");
        if out.converged() {
            let error = backward_error(&a, &out.x, &b);
            assert!(out.relative_residual() <= 1e-5 && error <= 1e-2, "{error:e}, {out}\n{solver}");
        } else {
            assert!(out.advice.is_some(), "{out}\n{solver}");
        }
        let out = solver.solve_with(&b, SolveOptions::new().least_squares(true)).expect("a finite right-hand side");
        let removed = out.removed.expect("a least-squares solve says what it removed");
        assert!((0.0..=1.0 + 1e-12).contains(&removed.relative), "{removed:?}");
    }
    if let Err(e) = solver.condition() {
        check_error(&e);
    }
});
