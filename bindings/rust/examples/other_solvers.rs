//! The solvers of `faer`, `sprs` and `nalgebra-sparse` and `Solver::auto` on two problems, in one run on one thread.
//!
//! Poisson's equation on n × n points and recirculating flow on n/2 × n/2 cells; the argument of the program is n, 512 by
//! default. Every solver runs in a child process, three times or until half a minute has passed, and is stopped after a
//! minute. The table shows medians.

use std::time::{Duration, Instant};

use multigrad::gallery::{FlowScheme, Problem, poisson_2d, recirculating_flow};
use multigrad::{Csr, Solver};
use multigrad_in_other_crates::limited::{compare, reply, request};
use multigrad_in_other_crates::report::{self, Measured, timed};
use multigrad_in_other_crates::{Outcome, faer_solvers, nalgebra_solvers, sprs_solvers};

/// Time of a child process.
const LIMIT: Duration = Duration::from_secs(60);
/// Time after which a child process does not repeat its measurement.
const ENOUGH: Duration = Duration::from_secs(30);
/// Largest difference of two solutions.
const ACCURACY: f64 = 1e-4;

const POISSON: [&str; 7] =
    ["multigrad", "faer Cholesky", "faer LU", "faer CG", "sprs LDL", "sprs BiCGSTAB", "nalgebra Cholesky"];
const FLOW: [&str; 4] = ["multigrad", "faer LU", "faer BiCGSTAB", "sprs BiCGSTAB"];

fn main() -> Outcome {
    if let Some((arguments, file)) = request() {
        let [size, solver] = &arguments[..] else { return Err("two arguments are needed".into()) };
        let (problem, n) = size.split_once(' ').ok_or("a problem and its size are needed")?;
        return reply(&file, &child(problem, n.parse()?, solver)?);
    }
    let n = report::size(512)?;
    for (problem, n, solvers) in [("Poisson", n, &POISSON[..]), ("flow", n / 2, &FLOW[..])] {
        let rows = compare(problem, &format!("{problem} {n}"), solvers, LIMIT)?;
        let worst = rows.iter().map(|row| report::difference(&row.1.x, &rows[0].1.x)).fold(0.0, f64::max);
        if worst > ACCURACY {
            return Err(format!("the solutions differ by {worst:e}").into());
        }
    }
    Ok(())
}

fn child(problem: &str, n: usize, solver: &str) -> Outcome<Measured> {
    report::one_thread()?;
    let Problem { matrix, rhs, .. } = match problem {
        "Poisson" => poisson_2d(n, n)?,
        _ => recirculating_flow(n, 0.005, FlowScheme::Upwind)?,
    };
    let clock = Instant::now();
    let mut times = Vec::new();
    while times.len() < 3 && (times.is_empty() || clock.elapsed() < ENOUGH) {
        times.push(solve(solver, &matrix, &rhs)?);
    }
    let setup = report::median(times.iter().map(|m| m.setup).collect());
    let solve = report::median(times.iter().map(|m| m.solve).collect());
    times.pop().map(|last| Measured { setup, solve, ..last }).ok_or_else(|| "no measurement".into())
}

/// Solves once by this solver, from the matrix in the form of its crate.
fn solve(solver: &str, a: &Csr<f64>, b: &[f64]) -> Outcome<Measured> {
    let n = a.rows();
    let wide = |indices: &[u32]| -> Vec<usize> { indices.iter().map(|&i| i as usize).collect() };
    let (row_ptr, columns) = (wide(a.pattern().row_ptr()), wide(a.pattern().col_idx()));
    let values = a.values().to_vec();
    let faer_rows = || multigrad::integrations::csr_to_faer(a);
    let faer_columns = || -> Outcome<_> { Ok(faer_rows()?.to_col_major()?) };
    let sprs = || sprs::CsMat::new((n, n), row_ptr.clone(), columns.clone(), values.clone());
    match solver {
        "faer Cholesky" => faer_solvers::cholesky(&faer_columns()?, b),
        "faer LU" => faer_solvers::lu(&faer_columns()?, b),
        "faer CG" => faer_solvers::cg(&faer_rows()?, b),
        "faer BiCGSTAB" => faer_solvers::bicgstab_alone(&faer_rows()?, b),
        "sprs LDL" => sprs_solvers::ldl(&sprs(), b),
        "sprs BiCGSTAB" => sprs_solvers::bicgstab(&sprs(), b),
        "nalgebra Cholesky" => {
            // The matrix is symmetric: its rows are its columns.
            let a = nalgebra_sparse::CscMatrix::try_from_csc_data(n, n, row_ptr, columns, values)?;
            nalgebra_solvers::cholesky(&a, b)
        }
        "multigrad" => {
            // From the arrays of the other crates, the copy included.
            let (solver, setup) =
                timed(|| Ok(Solver::auto(&Csr::from_csr(n, n, &row_ptr, &columns, &values[..])?)?))?;
            let (out, solve) = timed(|| Ok(solver.solve(b)?))?;
            if !out.converged() {
                return Err(out.to_string().into());
            }
            Ok(Measured { x: out.x, setup, solve, work: format!("{} iterations", out.iterations) })
        }
        _ => Err(format!("no solver is called {solver:?}").into()),
    }
}
