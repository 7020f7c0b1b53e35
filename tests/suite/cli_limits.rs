//! Limits of time and memory, least squares and condition numbers from the command line.

use std::time::Instant;

use crate::common::program::{Folder, coordinate};

#[test]
fn compare_keeps_to_its_time_and_says_what_was_left_out() {
    let f = Folder::new();
    f.run("generate poisson2d --n 350 -o a.mtx").ok();
    let clock = Instant::now();
    let run = f.run("compare a.mtx --time-limit 1 --json c.json");
    let seconds = clock.elapsed().as_secs_f64();
    assert!(seconds < 8.0, "{seconds} s: {}", run.err);
    let table = f.json("c.json");
    let left = table["not_built"].as_array().unwrap();
    assert!(!left.is_empty(), "{table}");
    let text = left[left.len() - 1].as_str().unwrap();
    assert!(text.contains("time") && run.err.contains(text), "{text}\n{}", run.err);
    // All that is measured or left out is named once.
    let all = table["configurations"].as_array().unwrap().len() + left.len();
    assert!(all > 15, "{all}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_memory_limit_leaves_solvers_out() {
    let f = Folder::new();
    f.run("generate poisson2d --n 20 -o a.mtx").ok();
    let run = f.run("compare a.mtx --memory-limit 1M --json c.json");
    assert_eq!(run.code, 3, "{}", run.err);
    assert!(run.err.contains("the memory limit of 1 MiB does not hold"), "{}", run.err);
    assert!(f.json("c.json")["configurations"].as_array().unwrap().is_empty());
    f.run("train a.mtx -o s.mgrad --memory-limit 1M").fails(1, &["memory limit"]);
    f.run("train a.mtx -o s.mgrad --memory-limit 1X").fails(2, &["500M"]);
    assert_eq!(f.run("compare a.mtx --memory-limit 4G --repeat 1").code, 0);
}

#[test]
fn training_keeps_to_its_time() {
    let f = Folder::new();
    f.run("generate recirculating-flow --n 48 -o a.mtx").ok();
    let clock = Instant::now();
    let run = f.run("train a.mtx -o s.mgrad --steps 100000 --time-limit 2 --json t.json");
    let seconds = clock.elapsed().as_secs_f64();
    assert!(run.code == 0 && seconds < 12.0, "{seconds} s: {}", run.err);
    assert!(f.json("t.json")["stopped_early"].as_str().unwrap().contains("time limit"));
    assert!(run.err.contains("no time is left") || f.json("t.json")["baselines"].is_array(), "{}", run.err);
}

#[test]
fn least_squares_and_condition_are_printed_and_in_json() {
    let f = Folder::new();
    f.run("generate neumann2d --n 10 -o a.mtx").ok();
    let run = f.run("solve a.mtx");
    assert!(run.code == 3 && run.err.contains("sums to 1.000e2"), "{}", run.err);
    assert!(run.err.contains("--least-squares"), "{}", run.err);
    let run = f.run("solve a.mtx --least-squares --condition --json s.json");
    assert!(run.code == 0 && run.out.contains("removed from b: 1.000e1, 1.0e0"), "{}", run.out);
    let json = f.json("s.json");
    assert_eq!(
        (json["removed"]["null_vectors"].as_u64(), json["converged"].as_bool()),
        (Some(1), Some(true))
    );
    assert!(json["condition"]["number"].is_null(), "{}", json["condition"]);
    assert!(json["condition"]["reason"].as_str().unwrap().contains("infinite"));
    f.write("d.mtx", coordinate(2, 2, &[(1, 1, 1.0), (2, 2, 1e-4)]));
    let run = f.run("solve d.mtx --condition --json d.json");
    assert!(run.code == 0 && run.out.contains("condition number (1-norm) about 1.0e4"), "{}", run.out);
    let condition = &f.json("d.json")["condition"];
    assert!((condition["number"].as_f64().unwrap() / 1e4 - 1.0).abs() < 1e-6, "{condition}");
    assert!(condition["forward_error"].as_f64().unwrap() < 1e-10, "{condition}");
}
