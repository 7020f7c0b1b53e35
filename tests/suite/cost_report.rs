//! The account of a learned solver: arithmetic by hand, and a small real one.

use crate::common;

use std::time::Duration;

use multigrad::gallery::{FlowScheme, poisson_2d, recirculating_flow};
use multigrad::learn::{BreakEven, CostOptions, CostReport, Entry, Learned, Trainer};
use multigrad::multigrid::Relaxation;
use multigrad::solver::Amg;
use multigrad::sparse::Csr;

fn entry(configuration: &str, setup_seconds: f64, solve_seconds: f64) -> Entry {
    Entry {
        configuration: configuration.to_string(),
        setup_seconds,
        solve_seconds,
        range: (0.99 * solve_seconds, 1.01 * solve_seconds),
        iterations: 5,
        converged: true,
        status: "converged".to_string(),
        relative_residual: Some(1e-9),
        bytes: Some(1000),
        runs: 6,
    }
}

fn failed(configuration: &str) -> Entry {
    let status = "stagnated".to_string();
    Entry { converged: false, status, ..entry(configuration, 0.0, 1e-6) }
}

/// Setup 0.5 s, training 9.5 s, 2 ms a solve.
fn account(classical: Vec<Entry>, direct: Option<Entry>) -> CostReport {
    CostReport {
        rows: 100,
        nonzeros: 460,
        rtol: 1e-8,
        right_hand_sides: 3,
        threads: 2,
        training_seconds: 9.5,
        accepted: true,
        learned: entry("learned M", 0.5, 2e-3),
        learned_otherwise: vec![entry("learned M, plain cycles", 0.5, 3e-3)],
        classical,
        direct,
        direct_left_out: None,
        left_out: Vec::new(),
        not_tried: Vec::new(),
        cut_off_after: None,
    }
}

fn break_even(from: f64) -> Option<BreakEven> {
    Some(BreakEven { from, until: None })
}

#[test]
fn the_number_of_solves_is_exact() {
    // 10 s before the first solve against 0; 2 ms gained by each: at 5000 they are equal.
    assert_eq!(BreakEven::of((10.0, 0.0), (2e-3, 4e-3)), break_even(5000.0));
    // One solve of a microsecond dearer, and it takes one more.
    assert_eq!(BreakEven::of((10.0 + 1e-6, 0.0), (2e-3, 4e-3)), break_even(5001.0));
    // Quotients that rounding leaves a little above a whole number.
    assert_eq!(BreakEven::of((1.1, 0.1), (0.1, 0.2)), break_even(10.0));
    for n in 1..2000u32 {
        for gain in [0.1, 0.3, 1e-3, 7.0] {
            let n = f64::from(n);
            assert_eq!(BreakEven::of((n * gain, 0.0), (1.0, 1.0 + gain)), break_even(n), "{n} {gain}");
        }
    }
    // Ahead from the first solve on.
    assert_eq!(BreakEven::of((1.0, 2.0), (1.0, 1.5)), break_even(1.0));
    assert_eq!(BreakEven::of((1.0, 1.2), (1.0, 1.0)), break_even(1.0));
    // Ties: all equal is no loss.
    assert_eq!(BreakEven::of((1.0, 1.0), (1.0, 1.0)), break_even(1.0));
    // Never: as fast or slower, and dearer to begin with.
    assert_eq!(BreakEven::of((1.0, 0.5), (1.0, 1.0)), None);
    assert_eq!(BreakEven::of((1.0, 0.5), (1.1, 1.0)), None);
    // Slower, but cheaper to begin with: while the other's setup weighs more. 8 s over 3 s is 2.7.
    assert_eq!(BreakEven::of((2.0, 10.0), (4.0, 1.0)), Some(BreakEven { from: 1.0, until: Some(2.0) }));
    assert_eq!(BreakEven::of((2.0, 4.0), (4.0, 1.0)), None);
    assert_eq!(BreakEven::of((0.0, 3.0), (1.3, 1.0)), Some(BreakEven { from: 1.0, until: Some(10.0) }));
}

#[test]
fn ranges_are_intersected() {
    let range = |from: f64, until: f64| BreakEven { from, until: Some(until) };
    assert_eq!(range(1.0, 9.0).and(range(4.0, 20.0)), Some(range(4.0, 9.0)));
    assert_eq!(range(1.0, 4.0).and(range(4.0, 9.0)), Some(range(4.0, 4.0)));
    assert_eq!(range(1.0, 4.0).and(range(5.0, 9.0)), None);
    assert_eq!(break_even(7.0).unwrap().and(break_even(3.0).unwrap()), break_even(7.0));
    assert_eq!(break_even(7.0).unwrap().and(range(1.0, 6.0)), None);
    let text = |p: BreakEven| p.to_string();
    assert_eq!(
        [text(range(4.0, 9.0)), text(break_even(12.0).unwrap()), text(break_even(2.5e9).unwrap())],
        ["4 to 9", "12", "2.5e9"]
    );
}

/// A fast solver with a long setup and a slow one without: both must be beaten.
#[test]
fn every_classical_solver_has_to_be_beaten() {
    let quick = entry("one level", 0.0, 12e-3); // 10 s over 10 ms: 1000
    let good = entry("sasym", 1.0, 5e-3); // 9 s over 3 ms: 3000
    let a = account(vec![good.clone(), quick.clone(), failed("jacobi")], None);
    assert_eq!(a.break_even_against(&quick), break_even(1000.0));
    assert_eq!(a.break_even_against(&good), break_even(3000.0));
    assert_eq!(a.break_even(), break_even(3000.0));
    assert_eq!(a.break_even_solves(), Some(3000.0));
    // By brute force: the first number at which nothing else that converged is cheaper.
    let cheapest = |n: f64| a.cheapest_iterative(n).unwrap().total_seconds(n);
    let learned = |n: f64| a.learned_fixed_seconds() + n * a.learned.solve_seconds;
    let first = (1..10_000).map(f64::from).find(|&n| learned(n) <= cheapest(n) + 1e-12);
    assert_eq!(first, Some(3000.0));
    assert_eq!(a.fastest_iterative().unwrap().configuration, "sasym");
    assert_eq!(a.cheapest_iterative(1.0).unwrap().configuration, "one level");
    assert_eq!(a.cheapest_iterative(1e6).unwrap().configuration, "sasym");
    assert!(a.verdict()[0].contains("paid back after 3000 solves"), "{a}");
    // The failed solver was the fastest to fail; it does not compete, and the table says why.
    let text = a.to_string();
    assert!(text.contains("jacobi  ✗ stagnated") && text.contains("✗: not converged"), "{text}");
}

#[test]
fn a_faster_classical_solver_is_never_caught_up_with() {
    let a = account(vec![entry("sasym, ilu0", 0.2, 1.5e-3), entry("sa", 0.1, 8e-3)], None);
    assert_eq!((a.break_even(), a.break_even_solves()), (None, None));
    let verdict = &a.verdict()[0];
    assert!(verdict.starts_with("Never: a classical solve takes 1.500 ms (sasym, ilu0)"), "{verdict}");
    assert!(verdict.contains("the learned one 2.000 ms"), "{verdict}");
    assert!(a.to_string().contains("never   sasym, ilu0"), "{a}");
    // A tie in the solves is no gain.
    assert_eq!(account(vec![entry("sasym", 0.2, 2e-3)], None).break_even(), None);
    // A setup that takes longer than training, for a faster solve: ahead for a while. 10 s over 1 ms.
    let a = account(vec![entry("costly", 20.0, 1e-3)], None);
    assert_eq!(a.break_even(), Some(BreakEven { from: 1.0, until: Some(10_000.0) }));
    assert!(a.verdict()[0].contains("1 to 10000 solves only"), "{a}");
    // If it pays against one only after it has ceased to pay against another, it never pays.
    let a = account(vec![entry("costly", 11.0, 1e-3), entry("quick", 0.0, 7e-3)], None);
    assert_eq!(a.break_even_against(&a.classical[0]), Some(BreakEven { from: 1.0, until: Some(1000.0) }));
    assert_eq!((a.break_even_against(&a.classical[1]), a.break_even()), (break_even(2000.0), None));
}

#[test]
fn what_was_not_learned_pays_nothing_back() {
    let mut a = account(vec![entry("sa", 0.1, 8e-3)], Some(entry("direct solver", 0.1, 9e-3)));
    assert!(a.break_even().is_some() && a.break_even_direct().is_some());
    a.accepted = false;
    assert_eq!((a.break_even(), a.break_even_direct()), (None, None));
    assert!(a.verdict()[0].contains("nothing better than its start"), "{a}");
    a.accepted = true;
    a.learned = failed("learned M");
    assert_eq!((a.break_even(), a.break_even_direct()), (None, None));
    assert!(a.verdict()[0].contains("did not converge (stagnated)"), "{a}");
    // Nothing else converged: every solve is a gain.
    let a = account(vec![failed("sa")], None);
    assert!(a.fastest_iterative().is_none() && a.cheapest_iterative(1.0).is_none());
    assert_eq!(a.break_even(), break_even(1.0));
    assert!(a.verdict()[0].contains("No classical solver that was tried converged"), "{a}");
}

#[test]
fn the_direct_solver_is_named_where_it_is_faster() {
    let direct = |setup, solve| Some(entry("direct solver", setup, solve));
    let line =
        |a: &CostReport| a.verdict().into_iter().find(|l| l.to_lowercase().contains("direct")).unwrap();
    let classical = vec![entry("sa", 0.1, 8e-3)];
    let a = account(classical.clone(), direct(2.0, 0.5e-3));
    assert_eq!((a.break_even(), a.break_even_direct()), (break_even(1650.0), None));
    assert!(line(&a).starts_with("For repeated right-hand sides use the direct solver: 0.500 ms"), "{a}");
    assert!(
        line(&a).contains("after 2.00 s of factorisation") && line(&a).contains("never catches up"),
        "{a}"
    );
    // Factors that take longer than training: 20 s more over 1.5 ms.
    let a = account(classical.clone(), direct(40.0, 0.5e-3));
    assert_eq!(a.break_even_direct(), Some(BreakEven { from: 1.0, until: Some(20_000.0) }));
    assert!(line(&a).contains("up to 20000 solves the learned solver takes less"), "{a}");
    // Slower a solve: 8 s over 1 ms.
    let a = account(classical.clone(), direct(2.0, 3e-3));
    assert_eq!(a.break_even_direct(), break_even(8000.0));
    assert!(line(&a).contains("against it training has paid back after 8000 solves"), "{a}");
    // Slower than a classical solve that is faster than the learned one.
    let a = account(vec![entry("sa", 0.1, 1e-3)], direct(2.0, 1.5e-3));
    assert!(line(&a).contains("against it training never pays back"), "{a}");
    let mut a = account(classical, None);
    a.direct_left_out = Some("its factors would not fit".to_string());
    assert!(line(&a).contains("left out: its factors would not fit"), "{a}");
}

#[test]
fn doubts_are_said() {
    let mut a = account(vec![entry("sa", 0.1, 2.01e-3)], None);
    assert!(a.verdict().iter().any(|l| l.contains("uncertain")), "{a}");
    a.classical[0].range = (2.1e-3, 2.2e-3);
    assert!(!a.verdict().iter().any(|l| l.contains("uncertain")), "{a}");
    assert!(!a.to_string().contains("cut off"));
    a.cut_off_after = Some(60.0);
    a.not_tried = vec!["air, gauss-seidel".to_string()];
    a.left_out = vec!["sa, ilu0: level 1: a zero pivot".to_string()];
    let text = a.to_string();
    assert!(text.contains("cut off after 60 s: 1 classical solvers were not tried"), "{text}");
    assert!(text.contains("not tried: air, gauss-seidel") && text.contains("left out: sa, ilu0"), "{text}");
}

fn measure(a: &Csr<f64>, amg: &Amg, options: &CostOptions) -> CostReport {
    let learned =
        Learned { amg, name: "learned M", accepted: true, setup_seconds: 0.01, training_seconds: 0.5 };
    CostReport::measure(a, &learned, options, &mut |_, _, _| ()).unwrap()
}

fn check(account: &CostReport, right_hand_sides: usize) {
    let entries = [&account.learned].into_iter().chain(&account.learned_otherwise);
    let entries = entries.chain(&account.classical).chain(&account.direct);
    for e in entries {
        let name = &e.configuration;
        assert!(e.setup_seconds >= 0.0 && e.solve_seconds > 0.0 && e.solve_seconds < 60.0, "{e:?}");
        if e.converged {
            assert!(e.relative_residual.unwrap() <= account.rtol * 1.001, "{e:?}");
            assert!(e.range.0 <= e.solve_seconds && e.solve_seconds <= e.range.1, "{e:?}");
            assert!((right_hand_sides..=20 * right_hand_sides).contains(&e.runs), "{e:?}");
            assert_eq!(e.status, "converged", "{name}");
        } else {
            assert!(e.status.len() > 5 && e.status != "converged", "{e:?}");
        }
    }
    let mut names: Vec<_> = account.classical.iter().map(|e| &e.configuration).collect();
    names.sort();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count, "a solver was measured twice");
    let json = serde_json::to_string(account).unwrap();
    assert_eq!(&serde_json::from_str::<CostReport>(&json).unwrap(), account);
}

#[test]
fn a_small_flow_is_accounted_for() {
    let a = recirculating_flow(16, 0.005, FlowScheme::Upwind).unwrap().matrix;
    let mut amg = Amg::smoothed_aggregation().suited_to(&a).build(&a).unwrap();
    Trainer::new().seed(1).steps(20).fit(&mut amg).unwrap();
    let mut seen = Vec::new();
    let learned =
        Learned { amg: &amg, name: "learned M", accepted: true, setup_seconds: 0.01, training_seconds: 0.5 };
    let observe = &mut |done: usize, all: usize, name: &str| {
        assert!(done <= all);
        seen.push(name.to_string());
    };
    let account = CostReport::measure(&a, &learned, &CostOptions::default(), observe).unwrap();
    check(&account, 3);
    assert_eq!((account.rows, account.nonzeros), (a.rows(), a.nnz()));
    assert!(account.learned.converged && account.learned.setup_seconds >= 0.01);
    assert!(account.not_tried.is_empty() && account.cut_off_after.is_none());
    // f32 and f64 in FGMRES, BiCGStab and plain cycles; CG is not for this cycle.
    assert_eq!(account.learned_otherwise.len(), 5, "{account}");
    assert!(account.learned_otherwise.iter().all(|e| e.solve_seconds >= account.learned.solve_seconds));
    let tried = |parts: &[&str]| {
        let found = |e: &&Entry| parts.iter().all(|p| e.configuration.contains(p));
        assert!(account.classical.iter().any(|e| found(&e)), "{parts:?}: {account}");
    };
    tried(&["automatic choice"]);
    for krylov in ["BiCGStab", "FGMRES"] {
        for smoother in ["ilu0,", "ilu0(0.9)", "ilu0(0.7)", "ilu0(0.5)", "ilu0(0.3)", "spai1", "chebyshev(2)"]
        {
            tried(&["san θ=0", smoother, krylov, "hierarchy of the learned solver"]);
        }
        tried(&["none, ilu0,", krylov]);
        tried(&["air", krylov]);
    }
    tried(&["none, ilu(2)"]);
    // 256 rows are a coarsest level for these.
    let left_out = |text: &&String| text.starts_with("sasym, ilu0") && text.contains("direct solver");
    assert_eq!(account.left_out.iter().filter(left_out).count(), 2, "{account}");
    assert!(account.fastest_iterative().is_some());
    let direct = account.direct.as_ref().unwrap();
    assert!(direct.converged && direct.relative_residual.unwrap() < 1e-10);
    for name in ["learned M", "direct solver", "automatic choice"] {
        assert!(seen.iter().any(|s| s == name), "{seen:?}");
    }
    assert!(seen.len() > account.classical.len());
    let text = account.to_string();
    assert!(account.classical.iter().all(|e| text.contains(&e.configuration)), "{text}");
}

/// CG for the learned cycle if it is symmetric, and no solver after the time limit.
#[test]
fn a_symmetric_matrix_and_a_time_limit() {
    let a = poisson_2d(16, 16).unwrap().matrix;
    let amg = Amg::smoothed_aggregation().relaxation(Relaxation::GaussSeidel).build(&a).unwrap();
    let options = CostOptions {
        time_limit: Some(Duration::ZERO),
        direct_nonzeros: 1000.0,
        right_hand_sides: 2,
        repeats: 1,
        ..CostOptions::default()
    };
    let account = measure(&a, &amg, &options);
    check(&account, 2);
    assert_eq!(account.learned_otherwise.len(), 7, "{account}");
    let mut learned = [&account.learned].into_iter().chain(&account.learned_otherwise);
    assert!(learned.any(|e| e.configuration.ends_with("f64, CG") && e.converged), "{account}");
    // The automatic choice alone.
    assert_eq!(account.classical.len(), 1, "{account}");
    assert_eq!(account.cut_off_after, Some(0.0));
    assert!(account.not_tried.len() > 20, "{account}");
    assert!(account.direct.is_none());
    assert!(account.direct_left_out.as_ref().unwrap().contains("more than 1e3"), "{account}");
    // In full: CG around the own hierarchy where a smoother leaves the cycle symmetric.
    let account = measure(&a, &amg, &CostOptions { right_hand_sides: 1, repeats: 1, ..Default::default() });
    check(&account, 1);
    let cg = |smoother: &str| {
        let found = |e: &&Entry| e.configuration.contains(smoother) && e.configuration.contains("CG");
        let found = |e: &&Entry| found(e) && !e.configuration.contains("BiCG");
        account.classical.iter().filter(found).count()
    };
    assert!(cg("chebyshev(2)") > 0 && cg("ilu(2)") == 1, "{account}");
    assert!(account.cut_off_after.is_none() && account.not_tried.is_empty());
}

/// A pure Neumann problem: right-hand sides for which there is a solution.
#[test]
fn a_singular_matrix_has_right_hand_sides_that_can_be_solved() {
    let a = common::neumann(300);
    let amg = Amg::smoothed_aggregation().build(&a).unwrap();
    let options = CostOptions { right_hand_sides: 2, repeats: 1, ..Default::default() };
    let account = measure(&a, &amg, &options);
    check(&account, 2);
    assert!(account.learned.converged && account.fastest_iterative().is_some(), "{account}");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let a = poisson_2d(8, 8).unwrap().matrix;
    let amg = Amg::smoothed_aggregation().build(&a).unwrap();
    let learned =
        Learned { amg: &amg, name: "learned M", accepted: true, setup_seconds: 0.0, training_seconds: 0.0 };
    let refused = |a: &Csr<f64>, options: CostOptions, part: &str| {
        let e = CostReport::measure(a, &learned, &options, &mut |_, _, _| ()).unwrap_err().to_string();
        assert!(e.contains(part), "{e}");
    };
    let usual = CostOptions::default;
    refused(&poisson_2d(8, 9).unwrap().matrix, usual(), "64 unknowns and the matrix is 72 × 72");
    refused(&a, CostOptions { right_hand_sides: 0, ..usual() }, "0 right-hand sides");
    refused(&a, CostOptions { repeats: 0, ..usual() }, "0 repeats");
    refused(&a, CostOptions { max_iterations: 0, ..usual() }, "0 iterations");
    refused(&a, CostOptions { rtol: f64::NAN, ..usual() }, "rtol");
    refused(&a, CostOptions { rtol: 2.0, ..usual() }, "rtol");
}
