//! `--device` on the command line, with GPU kernels run by the emulator.

use crate::common::program::Folder;
use multigrad::gpu::Cuda;

fn flow() -> Folder {
    let f = Folder::new();
    f.run("generate recirculating-flow --n 14 --scheme upwind --epsilon 0.01 -o a.mtx --rhs b.mtx").ok();
    f
}

#[test]
fn a_solve_on_a_device_needs_the_same_iterations() {
    let f = flow();
    for options in [
        "--smoother spai1",
        "--smoother ilu0 --krylov bicgstab --double",
        "--krylov none",
        "--smoother spai0 --single",
    ] {
        for device in ["cpu", "emulated"] {
            let line = format!(
                "solve a.mtx --rhs b.mtx {options} --max-coarse 20 --device {device} --json {device}.json"
            );
            let out = f.run(&line).ok().out;
            assert_eq!(out.contains("solved on "), device == "emulated", "{out}");
        }
        let (cpu, emulated) = (f.json("cpu.json"), f.json("emulated.json"));
        assert_eq!(cpu["device"], "cpu");
        let iterations = |v: &serde_json::Value| v["iterations"].as_i64().unwrap();
        assert!((iterations(&cpu) - iterations(&emulated)).abs() <= 1, "{options}: {cpu} {emulated}");
        assert_eq!(emulated["converged"], true);
    }
}

#[test]
fn training_on_a_device_gives_a_solver_for_the_processor() {
    let f = flow();
    let line = "train a.mtx -o s.mgrad --steps 12 --batch 4 --seed 1 --hierarchy sa --no-baselines --device emulated --json t.json";
    f.run(line).ok();
    let t = f.json("t.json");
    let factor = |when: &str| t[when]["factor"].as_f64().unwrap();
    assert!(factor("after") < factor("before"), "{t}");
    f.run("solve a.mtx --rhs b.mtx --preconditioner s.mgrad").ok();
    f.run("solve a.mtx --rhs b.mtx --preconditioner s.mgrad --device emulated").ok();
}

#[test]
fn without_a_card_one_sentence_says_so() {
    let f = flow();
    f.run("solve a.mtx --rhs b.mtx --json cpu.json").ok();
    if Cuda::present() {
        f.run("solve a.mtx --rhs b.mtx --device cuda").ok();
        return;
    }
    let refused = f.run("solve a.mtx --rhs b.mtx --device cuda").fails(1, &["driver"]);
    assert!(refused.err.trim().lines().count() == 1, "{}", refused.err);
    f.run("train a.mtx -o s.mgrad --steps 2 --device cuda").fails(1, &["driver"]);
    let auto = f.run("solve a.mtx --rhs b.mtx --device auto --json auto.json");
    assert!(auto.code == 0 && auto.err.contains("; the CPU does the work"), "{}", auto.err);
    assert!(auto.err.trim().lines().count() == 1 && auto.out.contains("converged"), "{}", auto.err);
    assert_eq!(f.json("auto.json")["residual_history"], f.json("cpu.json")["residual_history"]);
}

#[test]
fn what_a_card_does_not_do_is_refused() {
    let f = flow();
    let cycle = "a K-cycle is not linear and runs on the CPU only";
    f.run("solve a.mtx --rhs b.mtx --cycle K(1,1) --max-coarse 20 --device emulated").fails(2, &[cycle]);
    f.run("solve a.mtx --device tpu").fails(2, &["tpu"]);
}
