//! Files of solvers: any bytes, and edits of valid files with a checksum that fits. What loads must solve or say why not.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use multigrad::gallery::{Problem, poisson_2d};
use multigrad::{Relaxation, Solver};
use multigrad_fuzz::{check_error, on_disk, resealed};

/// A system, and files of solvers with levels and several smoothers.
fn seeds() -> &'static (Problem, Vec<Vec<u8>>) {
    static SEEDS: OnceLock<(Problem, Vec<Vec<u8>>)> = OnceLock::new();
    SEEDS.get_or_init(|| {
        let problem = poisson_2d(9, 9).expect("a problem");
        let file = |name: &str| {
            let relaxation: Relaxation = name.parse().expect("a smoother");
            let solver = Solver::smoothed_aggregation().relaxation(relaxation).build(&problem.matrix);
            let (_folder, path) = on_disk(b"");
            solver.and_then(|solver| solver.save(&path)).expect("a saved solver");
            std::fs::read(path).expect("a file")
        };
        let files = ["gauss-seidel", "chebyshev(2)", "ilu0", "spai1", "schwarz"].map(file).into();
        (problem, files)
    })
}

fuzz_target!(|bytes: &[u8]| {
    let (problem, files) = seeds();
    let Some((&which, edits)) = bytes.split_first() else { return };
    for content in [bytes.to_vec(), resealed(&files[usize::from(which) % files.len()], edits)] {
        let (_folder, path) = on_disk(&content);
        match Solver::load_for_other(&path, &problem.matrix).and_then(|solver| solver.solve(&problem.rhs)) {
            Ok(out) => assert!(!out.converged() || out.relative_residual() <= 1e-8, "{out}"),
            Err(e) => check_error(&e),
        }
    }
});
