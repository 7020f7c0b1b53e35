//! The automatic choice on random small systems of many kinds: no panic, and no wrong answer that claims to be right.

use crate::common::numbers::Numbers;
use crate::common::systems::{KINDS, backward_error, system};
use multigrad::Solver;

#[test]
fn answers_are_right_or_say_so() {
    let (mut solved, mut systems) = ([0usize; KINDS], [0usize; KINDS]);
    // More and larger systems by MULTIGRAD_RANDOM_SYSTEMS=100000.
    let more = std::env::var("MULTIGRAD_RANDOM_SYSTEMS").ok().and_then(|v| v.parse().ok());
    let (count, most) = more.map_or((2000, 120), |count: usize| (count, 3000));
    for seed in 0..count {
        let (kind, mut r) = (seed % KINDS, Numbers(seed as u64));
        let a = system(kind, most, &mut r);
        let x: Vec<f64> = (0..a.rows()).map(|_| 1.0 + r.value()).collect();
        let mut b = vec![0.0; a.rows()];
        a.spmv(&x, &mut b).unwrap();
        systems[kind] += 1;
        let Ok(solver) = Solver::auto(&a) else { continue };
        let out = solver.solve(&b).unwrap();
        if out.converged() {
            let error = backward_error(&a, &out.x, &b);
            assert!(
                out.relative_residual() <= 1e-8 && error <= 1e-4,
                "kind {kind}, seed {seed}: {error:e}, {out}"
            );
            solved[kind] += 1;
        } else {
            assert!(out.advice.is_some(), "kind {kind}, seed {seed}: {out}");
        }
    }
    // Kinds of regular systems are solved without exception; random entries may be singular.
    for kind in [0, 1, 2, 5, 6, 7, 8, 9, 10, 11] {
        assert_eq!(solved[kind], systems[kind], "kind {kind}: {solved:?} of {systems:?}");
    }
    for kind in [3, 4] {
        assert!(solved[kind] * 100 >= systems[kind] * 97, "kind {kind}: {solved:?} of {systems:?}");
    }
}

/// Columns in other units: an unknown whose values are large because of its unit excuses no wrong row. Found by the
/// fuzz target `ladder`.
#[test]
fn unknowns_in_tiny_units_excuse_no_wrong_row() {
    let cases = [
        (1, 106, 1_197_173_083, vec![(2, -1e-18), (19, 1e12)]),
        (3, 67, 4_291_303_825, vec![(41, -1e-11), (5, 1e-11), (25, -1e16)]),
    ];
    for (kind, most, seed, columns) in cases {
        let mut r = Numbers(seed);
        let mut a = system(kind, most, &mut r);
        for (column, factor) in columns {
            a = a.map(|_, j, v| if j == column { v * factor } else { v });
        }
        let x: Vec<f64> = (0..a.rows()).map(|_| 1.0 + r.value()).collect();
        let mut b = vec![0.0; a.rows()];
        a.spmv(&x, &mut b).unwrap();
        let out = Solver::auto(&a).unwrap().solve(&b).unwrap();
        let error = backward_error(&a, &out.x, &b);
        assert!(!out.converged() || error <= 1e-2, "kind {kind}, seed {seed}: {error:e}, {out}");
    }
}
