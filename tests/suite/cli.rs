//! The program from `generate` to `plot`: exit codes, JSON, files.

use crate::common::program::{Folder, column, laplacian, mesh};
use serde_json::Value;

/// ‖b − A x‖₂ / ‖b‖₂ from the files.
fn residual(f: &Folder, a: &str, b: Option<&str>, x: &str) -> f64 {
    let (a, x) = (f.matrix(a), f.vector(x));
    let b = b.map_or_else(|| vec![1.0; a.rows()], |b| f.vector(b));
    let mut y = vec![0.0; b.len()];
    a.spmv(&x, &mut y).unwrap();
    let norm = |v: &[f64]| v.iter().map(|v| v * v).sum::<f64>().sqrt();
    norm(&y.iter().zip(&b).map(|(y, b)| b - y).collect::<Vec<_>>()) / norm(&b)
}

fn check_solve_json(v: &Value, rtol: f64) {
    let history: Vec<f64> =
        v["residual_history"].as_array().unwrap().iter().map(|r| r.as_f64().unwrap()).collect();
    let iterations = v["iterations"].as_u64().unwrap() as usize;
    assert_eq!((history[0], history.len()), (1.0, iterations + 1));
    let last = v["relative_residual"].as_f64().unwrap();
    assert_eq!(last, history[iterations]);
    assert_eq!(v["converged"].as_bool().unwrap(), last <= rtol);
    let factor = v["convergence_factor"].as_f64().unwrap();
    assert!((0.0..1.0).contains(&factor), "{factor}");
    for key in ["setup_seconds", "solve_seconds"] {
        assert!((0.0..60.0).contains(&v[key].as_f64().unwrap()), "{key}");
    }
    assert!((1.0..10.0).contains(&v["operator_complexity"].as_f64().unwrap()));
    assert_eq!(v["levels"].as_u64().unwrap() as usize, v["level_table"].as_array().unwrap().len());
}

#[test]
fn a_session_from_generate_to_plot() {
    let f = Folder::new();
    f.run("generate recirculating-flow --n 24 --scheme upwind --epsilon 0.005 -o flow.mtx --rhs b.mtx --coordinates xy.mtx --json g.json").ok();
    assert_eq!(f.json("g.json")["rows"], 576);
    let info = f.run("info flow.mtx --json info.json").ok();
    assert!(info.out.contains("576 × 576") && info.out.contains("not symmetric"), "{}", info.out);
    let facts = f.json("info.json");
    assert_eq!((&facts["rows"], &facts["symmetric"]), (&Value::from(576), &Value::from(false)));

    f.run("train flow.mtx -o flow.mgrad --keep-trained --steps 30 --seed 1 --time-limit 30 --json t.json --plot t.svg").ok();
    let t = f.json("t.json");
    let number = |key: &str| t[key].as_f64().unwrap();
    assert!(number("factor_after") < number("factor_before") && number("factor_before") < 1.0);
    assert!(number("train_seconds") > 0.0 && t["steps"] == 30);
    assert_eq!(t["loss_history"].as_array().unwrap().len(), 30);

    f.run("solve flow.mtx --rhs b.mtx --preconditioner flow.mgrad --rtol 1e-9 -o x.mtx --json one.json --plot h.png --coordinates xy.mtx --plot-solution u.png").ok();
    let one = f.json("one.json");
    check_solve_json(&one, 1e-9);
    let true_residual = residual(&f, "flow.mtx", Some("b.mtx"), "x.mtx");
    let said = one["relative_residual"].as_f64().unwrap();
    assert!(true_residual <= 1e-9 && (true_residual / said - 1.0).abs() < 1e-3, "{true_residual} {said}");

    // Plain cycles reproduce the factor that training reported.
    f.run("solve flow.mtx --rhs b.mtx --preconditioner flow.mgrad --krylov none --json two.json").ok();
    let two = f.json("two.json");
    check_solve_json(&two, 1e-8);
    let (measured, promised) = (two["convergence_factor"].as_f64().unwrap(), number("factor_after"));
    assert!((measured / promised - 1.0).abs() < 0.1, "{measured} against {promised}");

    f.run("plot one.json two.json -o residuals.svg").ok();
    f.run("plot t.json -o training.png").ok();
    assert!(f.bytes("residuals.svg").starts_with(b"<svg") && f.bytes("t.svg").starts_with(b"<svg"));
    for png in ["h.png", "u.png", "training.png"] {
        assert!(f.bytes(png).starts_with(b"\x89PNG"), "{png}");
    }
    assert!(f.names().iter().all(|n| !n.starts_with('.')), "{:?}", f.names());
}

#[test]
fn every_problem_is_generated_described_and_solved() {
    let f = Folder::new();
    for problem in [
        "poisson2d --n 20",
        "poisson3d --n 7",
        "rotated-anisotropic --n 20 --epsilon 0.01 --theta -0.5",
        "recirculating-flow --n 20 --scheme supg",
        "recirculating-flow --n 20 --scheme galerkin --epsilon 0.1",
        "poisson2d --n 1",
        "jumps3d --n 8 --seed 3",
        "stretched2d --n 16",
        "anisotropic3d --n 8",
        "recirculating-flow3d --n 6",
        "rotated-anisotropic3d --n 5",
        "elasticity2d --n 8 --near-nullspace modes.mtx",
        "elasticity3d --n 3",
        "unstructured3d --n 6",
        "random-diffusion --n 90",
        "power-law-grounded --n 300",
        "poisson2d --n 2",
    ] {
        f.run(&format!("generate {problem} -o a.mtx --rhs b.mtx")).ok();
        f.run("info a.mtx").ok();
        f.run("solve a.mtx --rhs b.mtx -o x.mtx").ok();
        assert!(residual(&f, "a.mtx", Some("b.mtx"), "x.mtx") <= 1e-8, "{problem}");
        f.run("solve a.mtx -o x.mtx").ok();
        assert!(residual(&f, "a.mtx", None, "x.mtx") <= 1e-8, "{problem} with ones");
    }
}

/// Tied pairs give a solver that CG accepts.
#[test]
fn a_symmetric_learned_solver_runs_in_cg() {
    let f = Folder::new();
    f.run("generate poisson2d --n 16 -o a.mtx").ok();
    let learn = "--keep-trained --learn chebyshev,interpolation --symmetric --steps 12 --time-limit 60";
    f.run(&format!("train a.mtx -o s.mgrad {learn} --json t.json")).ok();
    let t = f.json("t.json");
    assert_eq!((&t["learn"], &t["accepted"]), (&"chebyshev,interpolation".into(), &true.into()));
    f.run("solve a.mtx --preconditioner s.mgrad --krylov cg -o x.mtx").ok();
    assert!(residual(&f, "a.mtx", None, "x.mtx") <= 1e-8);
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_any_number_of_threads() {
    let f = Folder::new();
    f.run("generate recirculating-flow --n 20 -o a.mtx").ok();
    for (threads, file) in [(1, "one"), (2, "two"), (2, "again")] {
        f.run(&format!("train a.mtx -o {file} --steps 12 --seed 7 --no-baselines --threads {threads}")).ok();
    }
    f.run("train a.mtx -o other --steps 12 --seed 8 --no-baselines").ok();
    assert!(f.bytes("one") == f.bytes("two") && f.bytes("two") == f.bytes("again"));
    assert!(f.bytes("one") != f.bytes("other"));
    f.run("solve a.mtx --preconditioner one -o x1 --threads 1").ok();
    f.run("solve a.mtx --preconditioner one -o x2 --threads 2").ok();
    assert!(f.bytes("x1") == f.bytes("x2"));
}

#[test]
fn every_smoother_under_every_method() {
    let f = Folder::new();
    f.run("generate poisson2d --n 12 -o s.mtx").ok();
    f.run("generate recirculating-flow --n 12 -o n.mtx").ok();
    for smoother in [
        "jacobi",
        "jacobi(0.8)",
        "l1-jacobi",
        "gauss-seidel",
        "forward-gauss-seidel",
        "backward-gauss-seidel",
        "symmetric-gauss-seidel",
        "chebyshev",
        "chebyshev(4)",
        "spai0",
        "spai1",
        "ilu0",
        "ilu0(0.7)",
    ] {
        for krylov in ["none", "cg", "bicgstab", "fgmres"] {
            for matrix in ["s", "n"] {
                let name = format!("{smoother}, {krylov}, {matrix}");
                let _ = std::fs::remove_file(f.path("r.json"));
                let line = format!(
                    "solve {matrix}.mtx --smoother {smoother} --krylov {krylov} -o x.mtx --json r.json"
                );
                let run = f.run(&line);
                run.sane();
                match run.code {
                    0 => {
                        check_solve_json(&f.json("r.json"), 1e-8);
                        assert!(residual(&f, &format!("{matrix}.mtx"), None, "x.mtx") <= 1e-8, "{name}");
                    }
                    3 => assert_eq!(f.json("r.json")["converged"], false, "{name}"),
                    _ => assert!(krylov == "cg" && run.err.contains("FGMRES"), "{name}: {}", run.err),
                }
                // Chebyshev requires real spectra; with FGMRES every other smoother converges.
                let suited = krylov == "fgmres" && (matrix == "s" || !smoother.starts_with("cheb"));
                assert!(run.code == 0 || !suited, "{name}: {}", run.err);
            }
        }
    }
    f.run("solve n.mtx --krylov cg").fails(2, &["not", "symmetric", "FGMRES"]);
}

#[test]
fn configurations_are_compared_the_fastest_first() {
    let f = Folder::new();
    for problem in ["poisson2d --n 16", "recirculating-flow --n 16 --scheme supg", "power-law --n 200"] {
        f.run(&format!("generate {problem} -o a.mtx --rhs b.mtx")).ok();
        let out = f.run("compare a.mtx --rhs b.mtx --repeat 1 --json c.json --csv c.csv").ok().out.clone();
        assert!(out.contains("← auto"), "{out}");
        let table = f.json("c.json");
        let rows = table["configurations"].as_array().unwrap();
        assert!(rows.len() > 8, "{out}");
        let converged: Vec<f64> = rows
            .iter()
            .filter(|r| r["converged"] == true)
            .map(|r| r["total_seconds"].as_f64().unwrap())
            .collect();
        assert!(converged.windows(2).all(|w| w[0] <= w[1]), "{out}");
        assert_eq!(rows.iter().filter(|r| r["automatic"] == true).count(), 1);
    }
}

#[test]
fn every_hierarchy_and_cycle() {
    let f = Folder::new();
    f.run("generate recirculating-flow --n 16 -o a.mtx").ok();
    for options in [
        "--hierarchy sa",
        "--hierarchy sasym",
        "--hierarchy sat",
        "--hierarchy san",
        "--cycle W(2,2)",
        "--cycle V(0,1)",
        "--max-coarse 1",
        "--max-coarse 100000",
        "--theta 0.1",
        "--single",
    ] {
        f.run(&format!("solve a.mtx {options}")).ok();
        f.run(&format!("info a.mtx {}", options.replace("--single", ""))).ok();
    }
}

#[test]
fn real_matrices() {
    let f = Folder::new();
    for (a, options) in [("airfoil.mtx", ""), ("recirc_flow.mtx", ""), ("bar.mtx", "--near-nullspace")] {
        let modes = if options.is_empty() { String::new() } else { mesh("bar_B.mtx") };
        std::fs::copy(mesh(a), f.path(a)).unwrap();
        f.run(&format!("solve {a} -o x.mtx --json r.json {options} {modes}")).ok();
        assert!(residual(&f, a, None, "x.mtx") <= 1e-8, "{a}");
        assert!(f.json("r.json")["iterations"].as_u64().unwrap() < 40, "{a}");
    }
}

#[test]
fn a_singular_matrix_converges_where_there_is_a_solution() {
    let f = Folder::new();
    let a = mesh("unit_square.mtx");
    let matrix = multigrad::sparse::matrix_market::read_matrix(std::path::Path::new(&a)).unwrap();
    let x: Vec<f64> = (0..matrix.rows()).map(|i| (i as f64).sin()).collect();
    let mut b = vec![0.0; x.len()];
    matrix.spmv(&x, &mut b).unwrap();
    f.write("b.mtx", column(&b));
    f.run(&format!("solve {a} --rhs b.mtx")).ok();
    f.run(&format!("solve {a}")).fails(3, &["not converged", "singular"]);
}

#[test]
fn not_converged_is_exit_code_3_with_results_and_advice() {
    let f = Folder::new();
    f.write("a.mtx", laplacian(20, 1.0, 0.0));
    f.run("solve a.mtx --max-iterations 4 -o x.mtx --json r.json").fails(3, &["more iterations"]);
    assert_eq!(f.json("r.json")["iterations"], 4);
    assert!(residual(&f, "a.mtx", None, "x.mtx") < 1.0);
    f.run("solve a.mtx --max-iterations 0").fails(3, &["max_iterations"]);
    f.run("solve a.mtx --rtol 1e-300").fails(3, &["rounding"]);
}

#[test]
fn indefinite_systems_are_left_to_fgmres() {
    let f = Folder::new();
    for (scale, shift) in [(-1.0, 0.0), (1.0, -0.15)] {
        f.write("a.mtx", laplacian(16, scale, shift));
        let run = f.run("solve a.mtx -o x.mtx");
        assert_eq!(run.code, 0, "{}", run.err);
        assert!(residual(&f, "a.mtx", None, "x.mtx") <= 1e-8);
    }
    f.write("a.mtx", laplacian(16, -1.0, 0.0));
    f.run("solve a.mtx --hierarchy sa --krylov cg").fails(3, &["not positive definite"]);
    // The automatic choice changes the sign of a negative definite system.
    f.run("solve a.mtx --krylov cg").ok();
}

/// Colours of the areas of a picture of parts.
fn colours(f: &Folder, svg: &str) -> usize {
    let text = String::from_utf8(f.bytes(svg)).unwrap();
    let fills = text.lines().filter(|l| l.starts_with("<polygon"));
    let fills = fills.map(|l| l.split("fill=\"").nth(1).unwrap().split('"').next().unwrap());
    fills.collect::<std::collections::BTreeSet<_>>().len()
}

#[test]
fn the_subdomains_of_a_schwarz_smoother_are_drawn() {
    let f = Folder::new();
    f.run("generate poisson2d --n 20 -o a.mtx --coordinates xy.mtx").ok();
    f.run("solve a.mtx --smoother schwarz --parts 6 --coordinates xy.mtx --plot-parts p.svg").ok();
    f.run("solve a.mtx --smoother schwarz --parts 1 --coordinates xy.mtx --plot-parts one.svg").ok();
    assert!(colours(&f, "p.svg") >= 3 && colours(&f, "one.svg") == 1);
    assert!(f.bytes("p.svg").windows(15).any(|w| w == b"subdomains of a"));

    // Both pictures; in single precision; smoothing after the correction only.
    let both = "--coordinates xy.mtx --plot-parts q.svg --plot-solution u.svg";
    f.run(&format!("solve a.mtx --smoother schwarz --parts 6 --single --cycle V(0,1) {both}")).ok();
    assert_eq!(f.bytes("q.svg"), f.bytes("p.svg"));
    assert!(f.path("u.svg").is_file());

    f.run("train a.mtx -o s.mgrad --learn schwarz --parts 6 --steps 2 --no-baselines").ok();
    f.run("solve a.mtx --preconditioner s.mgrad --coordinates xy.mtx --plot-parts saved.svg").ok();
    assert_eq!(f.bytes("saved.svg"), f.bytes("p.svg"));
}

#[test]
fn without_a_schwarz_smoother_there_are_no_subdomains() {
    let f = Folder::new();
    f.run("generate poisson2d --n 12 -o a.mtx --coordinates xy.mtx").ok();
    f.run("train a.mtx -o s.mgrad --steps 1 --no-baselines").ok();
    let before = f.names();
    let draw = "-o x.mtx --coordinates xy.mtx --plot-parts p.svg";
    for smoother in ["", "--smoother jacobi", "--smoother learned-network"] {
        f.run(&format!("solve a.mtx {smoother} {draw}"))
            .fails(2, &["--plot-parts", "add --smoother schwarz"]);
    }
    f.run(&format!("solve a.mtx --preconditioner s.mgrad {draw}"))
        .fails(2, &["--plot-parts", "s.mgrad", "--learn schwarz"]);
    f.run(&format!("solve a.mtx --smoother schwarz --hierarchy sa --max-coarse 1000 {draw}"))
        .fails(2, &["solved directly", "--max-coarse"]);
    f.run("solve a.mtx --smoother schwarz --plot-parts p.svg").fails(2, &["--coordinates"]);
    f.run("solve a.mtx --smoother schwarz --coordinates xy.mtx --plot-parts p.pdf").fails(2, &["p.pdf"]);
    f.run("solve a.mtx --smoother schwarz --coordinates xy.mtx --plot-parts x -o x").fails(2, &[".svg"]);
    f.run("solve a.mtx --smoother schwarz --coordinates xy.mtx --plot-parts x.svg -o x.svg")
        .fails(2, &["x.svg", "two options"]);
    assert_eq!(f.names(), before);
}

#[test]
fn a_mesh_from_a_file_is_a_problem() {
    let f = Folder::new();
    for (file, unknowns) in
        [("polygon_two_holes.msh", 621), ("polygon_graded.msh", 513), ("polygon_graded_hole.msh", 699)]
    {
        let path = mesh(file);
        let outputs = "-o a.mtx --rhs b.mtx --coordinates xy.mtx --json g.json";
        f.run(&format!("generate mesh-diffusion --mesh {path} {outputs}")).ok();
        let problem =
            multigrad::gallery::TriangleMesh::read_gmsh(&path).unwrap().diffusion(0.0, |_| 1.0).unwrap();
        assert_eq!(
            (f.json("g.json")["rows"].as_u64(), problem.matrix.rows()),
            (Some(unknowns), unknowns as usize)
        );
        assert_eq!((f.matrix("a.mtx"), f.vector("b.mtx")), (problem.matrix, problem.rhs));
        f.run("solve a.mtx --rhs b.mtx -o x.mtx --coordinates xy.mtx --plot-solution u.svg").ok();
        assert!(residual(&f, "a.mtx", Some("b.mtx"), "x.mtx") <= 1e-8, "{file}");
    }
}
