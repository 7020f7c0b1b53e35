//! `multigrad train --account`: the table, its JSON, and no progress bar in a pipe.

use crate::common::program::Folder;
use multigrad::learn::{CostReport, HandedOut, SolvesReport};

#[test]
fn training_is_accounted_for() {
    let f = Folder::new();
    f.run("generate recirculating-flow --n 16 --scheme upwind -o a.mtx").ok();
    // Standard error is empty: a pipe has no progress bar.
    let line = "train a.mtx -o a.mgrad --steps 12 --seed 1 --account --json t.json";
    let out = f.run(line).ok().out;
    let json = f.json("t.json");
    let account: CostReport = serde_json::from_value(json["account"].clone()).unwrap();
    assert!(account.learned.converged && account.learned.configuration.starts_with("learned M"), "{out}");
    assert!(account.classical.len() > 20 && account.fastest_iterative().is_some(), "{out}");
    assert_eq!(account.rows, 256);
    // Setup includes the hierarchies that were tried; training includes its final measurements.
    assert!(account.learned.setup_seconds >= json["setup_seconds"].as_f64().unwrap());
    assert!(account.training_seconds >= json["train_seconds"].as_f64().unwrap());
    assert!(out.contains(&account.to_string()), "{out}");
    let verdict: Vec<String> = serde_json::from_value(json["account"]["verdict"].clone()).unwrap();
    assert_eq!(verdict, account.verdict());
    assert_eq!(json["account"]["payback"]["from"].as_f64(), account.break_even_solves());
    assert!(verdict.iter().any(|l| l.contains("direct solver")), "{verdict:?}");
    // It replaces the table of smoothers.
    assert!(!out.contains("cycles per 8 digits") && json["baselines"].as_array().unwrap().is_empty());
    // The solver was saved before.
    f.run("solve a.mtx --preconditioner a.mgrad").ok();
}

#[test]
fn a_limit_is_kept_and_said() {
    let f = Folder::new();
    f.run("generate recirculating-flow --n 12 -o a.mtx").ok();
    let train = "train a.mtx -o a.mgrad --steps 5 --json t.json";
    let out = f.run(&format!("{train} --account --account-limit 0.000001")).ok().out;
    assert!(out.contains("not tried: ") && out.contains("The comparison was cut off"), "{out}");
    f.run(&format!("{train} --account-limit 3")).fails(2, &["--account"]);
    f.run(&format!("{train} --account --account-limit 0")).fails(2, &["seconds"]);
    let out = f.run(train).ok().out;
    assert!(out.contains("cycles per 8 digits") && f.json("t.json")["account"].is_null(), "{out}");
    // Without parameters there is no account.
    f.run("train a.mtx -o a.mgrad --account --max-coarse 1000 --json t.json").ok();
    assert!(f.json("t.json")["account"].is_null());
}

#[test]
fn training_for_a_number_of_solves_hands_out_what_suits_them() {
    let f = Folder::new();
    f.run("generate recirculating-flow3d --n 10 -o a.mtx --rhs b.mtx").ok();
    let train = "train a.mtx -o a.mgrad --json t.json --solves";
    // One solve pays for nothing.
    let out = f.run(&format!("{train} 1")).ok().out;
    let report: SolvesReport = serde_json::from_value(read(&f)).unwrap();
    assert!(!report.replaced() && report.attempts.len() == 1 && report.totals().is_none(), "{out}");
    f.run("solve a.mtx --rhs b.mtx --preconditioner a.mgrad").ok();
    // Many pay for a try, and what is kept solves.
    let out = f.run(&format!("{train} 3000 --plot total.svg --seed 2")).ok().out;
    let report: SolvesReport = serde_json::from_value(read(&f)).unwrap();
    assert!(report.attempts.len() > 1 && out.contains(&report.to_string()), "{out}");
    let (with, without) = report.totals().unwrap();
    assert!(report.replaced() || report.kept == 0 && with >= without, "{out}");
    if report.replaced() {
        let kept = report.attempts[report.kept].solve_seconds.unwrap();
        assert!(kept < report.attempts[0].solve_seconds.unwrap(), "{out}");
    }
    assert!(String::from_utf8(f.bytes("total.svg")).unwrap().contains("solves"));
    f.run("solve a.mtx --rhs b.mtx --preconditioner a.mgrad").ok();
    f.run("train a.mtx -o a.mgrad --solves 0").fails(2, &["positive whole number"]);
    f.run("train a.mtx -o a.mgrad --solves 10 --steps 5").fails(2, &["--solves", "--steps"]);
    f.run("train a.mtx -o a.mgrad --solves 10 --hierarchy sa").fails(2, &["--hierarchy"]);
}

/// The report of `train --solves`.
fn read(f: &Folder) -> serde_json::Value {
    f.json("t.json")
}

/// What is written never solves with more work than the automatic solver, unless the user wants it.
#[test]
fn the_better_solver_is_handed_out() {
    let f = Folder::new();
    f.run("generate poisson2d --n 20 -o a.mtx --rhs b.mtx").ok();
    let train = "train a.mtx -o a.mgrad --hierarchy none --learn damping --steps 2 --json t.json";
    let out = f.run(train).ok().out;
    let comparison: HandedOut = serde_json::from_value(f.json("t.json")["handed_out"].clone()).unwrap();
    assert!(comparison.is_automatic() && out.contains("--keep-trained"), "{out}");
    f.run("solve a.mtx --rhs b.mtx --preconditioner a.mgrad --json one.json").ok();
    f.run("solve a.mtx --rhs b.mtx --json two.json").ok();
    assert_eq!(f.json("one.json")["relative_residual"], f.json("two.json")["relative_residual"]);
    // On request the trained solver stays.
    let out = f.run(&format!("{train} --keep-trained")).ok().out;
    assert!(f.json("t.json")["handed_out"].is_null() && !out.contains("by the automatic one"), "{out}");
    f.run("solve a.mtx --rhs b.mtx --preconditioner a.mgrad --json three.json").ok();
    assert_ne!(f.json("three.json")["relative_residual"], f.json("two.json")["relative_residual"]);
}
