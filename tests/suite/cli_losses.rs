//! Losses, starts and network smoothers on the command line.

use crate::common::program::{Folder, laplacian};

fn flow() -> Folder {
    let f = Folder::new();
    f.run("generate recirculating-flow --n 14 --scheme upwind --epsilon 0.01 -o a.mtx --rhs b.mtx").ok();
    f
}

#[test]
fn every_loss_trains_a_solver_that_solves() {
    let f = flow();
    for loss in ["rate", "krylov", "time"] {
        for learn in ["ilu", "relaxation"] {
            let line = format!(
                "train a.mtx -o s.mgrad --loss {loss} --learn {learn} --steps 8 --seed 1 --no-baselines --json t.json"
            );
            let out = f.run(&line).ok().out;
            let t = f.json("t.json");
            assert_eq!((&t["recipe"]["loss"], &t["steps"]), (&loss.into(), &8.into()), "{out}");
            let number = |when: &str, key: &str| t[when][key].as_f64().unwrap();
            let key = if loss == "krylov" { "iterations" } else { "factor" };
            assert!(number("after", key) <= number("before", key), "{out}");
            // With the loss of time, M and the factors are both tried on every hierarchy.
            let tried: Vec<&str> =
                t["trials"].as_array().unwrap().iter().map(|trial| trial[0].as_str().unwrap()).collect();
            let both = ["ilu", "relaxation"].map(|w| tried.iter().filter(|t| t.contains(w)).count());
            assert_eq!(both, if loss == "time" { [2, 2] } else { [0, 0] }, "{tried:?}");
            f.run("solve a.mtx --rhs b.mtx --preconditioner s.mgrad --json s.json").ok();
            assert_eq!(f.json("s.json")["converged"], true);
        }
    }
}

#[test]
fn training_starts_from_a_network() {
    let f = flow();
    for learn in ["ilu", "relaxation"] {
        let line = format!(
            "train a.mtx -o s.mgrad --start network --loss krylov --learn {learn} --steps 8 --seed 1 --no-baselines --json t.json"
        );
        let out = f.run(&line).ok().out;
        let t = f.json("t.json");
        let iterations = |when: &str| t[when]["iterations"].as_f64().unwrap();
        assert!(iterations("after") <= iterations("before"), "{out}");
        // The output names either the trained network smoothers or their replacement.
        let network = t["start"].as_str().unwrap().contains("network");
        assert!(
            network || t["start"].as_str().is_some_and(|s| s.contains("ilu0") || s.contains("spai")),
            "{out}"
        );
        assert_eq!(t["fallback"].is_null() && network, t["accepted"] == true && network, "{out}");
        f.run("solve a.mtx --rhs b.mtx --preconditioner s.mgrad").ok();
    }
}

/// The smoother of a network converges; if a classical one replaces it, the output names it.
#[test]
fn a_network_is_a_smoother() {
    let f = flow();
    f.write("l.mtx", laplacian(18, 1.0, 0.0));
    f.write("tiny.mtx", laplacian(2, 1.0, 0.0));
    // Matrices of either sign are accepted.
    f.write("minus.mtx", laplacian(18, -1.0, 0.0));
    for matrix in ["a.mtx", "l.mtx", "minus.mtx", "tiny.mtx"] {
        for smoother in ["learned-network", "learned-network(relaxation)"] {
            let run = f.run(&format!("solve {matrix} --smoother {smoother} --json s.json"));
            assert_eq!(run.code, 0, "{matrix}, {smoother}: {}", run.err);
            let s = f.json("s.json");
            assert!(s["converged"] == true && s["iterations"].as_u64().unwrap() < 30, "{}", run.out);
            let name = s["smoother"].as_str().unwrap();
            match name == "learned-network" {
                true => assert_eq!(run.err, ""),
                // The name in the output is that of the smoother used.
                false if matrix != "tiny.mtx" => {
                    assert!(run.err.contains(&format!("fell back to {name}")), "{name}: {}", run.err);
                    assert!(!name.contains("network"), "{name}");
                }
                false => assert!(!name.contains("network"), "{name}"),
            }
        }
    }
    f.run("solve a.mtx --smoother learned-network --krylov none --json s.json").sane();
    assert_eq!(f.json("s.json")["converged"], true);
    f.run("solve a.mtx --smoother learned-network --double --json s.json").sane();
    assert_eq!(f.json("s.json")["converged"], true);
}

/// If neither the learned smoother nor its start converges, the program says so, and the file names its
/// contents.
#[test]
fn a_fallback_is_named_in_the_file() {
    let f = Folder::new();
    // Δu + k² u far beyond the first eigenvalues.
    f.write("h.mtx", laplacian(14, 1.0, -1.3));
    let line = "train h.mtx -o s.mgrad --learn ilu --steps 10 --seed 1 --no-baselines --json t.json";
    let run = f.run(line);
    assert_eq!(run.code, 0, "{}", run.err);
    let t = f.json("t.json");
    let name = t["fallback"].as_str().unwrap_or_else(|| panic!("no fallback: {}", run.out));
    assert_eq!(t["accepted"], false);
    assert!(run.out.contains(&format!("fell back to {name}")), "{}", run.out);
    let solved =
        f.run("solve h.mtx --preconditioner s.mgrad --krylov fgmres --max-iterations 400 --json s.json");
    solved.sane();
    assert!(solved.out.contains(&format!("with {name}")), "no {name}: {}", solved.out);
}
