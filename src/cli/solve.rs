//! `multigrad solve`.

use std::time::Instant;

use serde_json::{Value, json};

use super::arguments::{Krylov, Solve};
use super::common::{build, check_picture, check_writable, read_square, stem, variants, write_json};
use super::output::level_table;
use super::progress::SolveBar;
use super::{Verdict, misuse};
use crate::error::{Error, Result};
use crate::frozen::Frozen;
use crate::krylov::{BiCgStab, Cg, Cycles, Fgmres, Outcome};
use crate::learn::asymptotic_factor;
use crate::multigrid::Relaxation;
use crate::operator::Preconditioner;
use crate::plot::{FieldPlot, ResidualPlot};
use crate::sparse::{Csr, matrix_market};

/// Largest problem on which the factor of plain cycles is measured by power iteration; the
/// residual history serves beyond.
const POWER_ITERATION_ROWS: usize = 200_000;
/// Cycles of that measurement.
const POWER_ITERATION_CYCLES: usize = 90;

pub fn run(options: &Solve) -> Result<Verdict> {
    check_picture(options.plot.as_deref())?;
    check_picture(options.plot_solution.as_deref())?;
    check_writable([
        options.output.as_deref(),
        options.plot.as_deref(),
        options.plot_solution.as_deref(),
        options.json.as_deref(),
    ])?;
    if !(options.rtol > 0.0 && options.rtol.is_finite()) {
        return Err(misuse(format!("--rtol {} is not a positive number", options.rtol)));
    }
    let a = read_square(&options.matrix)?;
    let b = right_hand_side(options, &a)?;
    let points = points(options, &a)?;
    let clock = Instant::now();
    let (solver, name) = solver(options, &a)?;
    let setup_seconds = clock.elapsed().as_secs_f64();
    let krylov = method(options, &a, &solver);
    let clock = Instant::now();
    let out = iterate(options, krylov, &a, &b, &solver)?;
    let solve_seconds = clock.elapsed().as_secs_f64();
    let (factor, measured) = convergence_factor(krylov, &solver, &out);

    println!("{solver}\n");
    let method = format!("{krylov:?}").to_lowercase();
    println!("smoother {name}, krylov {method}, setup {setup_seconds:.3} s, solve {solve_seconds:.3} s");
    println!(
        "{} after {} iterations, relative residual {:.3e}",
        out.status,
        out.iterations,
        out.relative_residual()
    );
    if let Some(factor) = factor {
        println!("convergence factor per cycle {factor:.4} ({measured})");
    }
    if let Some(path) = &options.output {
        matrix_market::write_vector(path, &out.x)?;
    }
    let label = options.label.clone().unwrap_or_else(|| format!("{name}, {method}"));
    if let Some(path) = &options.plot {
        ResidualPlot::new(stem(&options.matrix)).series(&label, &out.residual_history).write(path)?;
    }
    if let (Some(path), Some(points)) = (&options.plot_solution, &points) {
        FieldPlot::new(format!("solution of {}", stem(&options.matrix)), points, &out.x)?
            .label("u")
            .write(path)?;
    }
    if let Some(path) = &options.json {
        let value = json!({
            "label": label,
            "matrix": stem(&options.matrix),
            "converged": out.converged(),
            "status": out.status.to_string(),
            "advice": out.advice,
            "iterations": out.iterations,
            "preconditioner_applications": out.preconditioner_applications,
            "relative_residual": finite(out.relative_residual()),
            "convergence_factor": factor.map_or(Value::Null, finite),
            "convergence_factor_source": measured,
            "residual_history": out.residual_history.iter().map(|&r| finite(r)).collect::<Vec<_>>(),
            "setup_seconds": setup_seconds,
            "solve_seconds": solve_seconds,
            "operator_complexity": solver.operator_complexity(),
            "levels": solver.levels(),
            "level_table": solver.double().map(|c| level_table(c.hierarchy()))
                .or_else(|| solver.single().map(|c| level_table(c.hierarchy()))),
            "smoother": name,
            "krylov": method,
            "rows": a.rows(),
            "nonzeros": a.nnz(),
        });
        write_json(path, &value)?;
    }
    if out.converged() {
        return Ok(Verdict::Done);
    }
    let advice = out.advice.as_deref().unwrap_or("allow more iterations or choose another smoother");
    eprintln!("not converged: {} after {} iterations; {advice}", out.status, out.iterations);
    Ok(Verdict::NotConverged)
}

/// JSON has no infinity.
fn finite(value: f64) -> Value {
    if value.is_finite() { json!(value) } else { Value::Null }
}

fn right_hand_side(options: &Solve, a: &Csr<f64>) -> Result<Vec<f64>> {
    let Some(path) = &options.rhs else { return Ok(vec![1.0; a.rows()]) };
    let b = matrix_market::read_vector(path)?;
    if b.len() != a.rows() {
        return Err(Error::dimension(format!(
            "{}: the right-hand side has {} values, the matrix {} rows",
            path.display(),
            b.len(),
            a.rows()
        )));
    }
    Ok(b)
}

/// Coordinates in the plane; those of mesh points beyond the unknowns are left out.
fn points(options: &Solve, a: &Csr<f64>) -> Result<Option<Vec<[f64; 2]>>> {
    let (Some(path), Some(_)) = (&options.coordinates, &options.plot_solution) else { return Ok(None) };
    let xy = matrix_market::read_dense(path)?;
    if xy.ncols() != 2 || xy.nrows() < a.rows() {
        return Err(Error::dimension(format!(
            "{}: {} × {} coordinates, but a picture of {} unknowns needs one row of two for each",
            path.display(),
            xy.nrows(),
            xy.ncols(),
            a.rows()
        )));
    }
    Ok(Some((0..a.rows()).map(|i| [xy[[i, 0]], xy[[i, 1]]]).collect()))
}

/// The saved solver or a new one, with the name of its smoother.
fn solver(options: &Solve, a: &Csr<f64>) -> Result<(Frozen, String)> {
    if let Some(path) = &options.preconditioner {
        let frozen = Frozen::load(path)?;
        let checked = frozen.check_matrix(a).map_err(|e| e.at(path.display()));
        let same_size = Preconditioner::rows(&frozen) == a.rows();
        if options.allow_other_matrix && same_size {
            return Ok((frozen, stem(path)));
        }
        if let Err(e) = checked {
            let hint = if same_size { "; --allow-other-matrix uses it all the same" } else { "" };
            return Err(Error::fingerprint(format!("{e}{hint}")));
        }
        return Ok((frozen, stem(path)));
    }
    let variant = variants(a, options.hierarchy.hierarchy, false)[0];
    let suited = if a.is_symmetric() { Relaxation::GaussSeidel } else { Relaxation::Ilu0(1.0) };
    let (relaxation, built) = match options.smoother {
        Some(relaxation) => (relaxation, build(a, &options.hierarchy, variant, relaxation)),
        None => match build(a, &options.hierarchy, variant, suited) {
            // ILU(0) may meet a zero pivot where Gauss–Seidel only needs the diagonal.
            Err(e) if e.is_singular() => {
                let other = Relaxation::GaussSeidel;
                (other, build(a, &options.hierarchy, variant, other))
            }
            built => (suited, built),
        },
    };
    let (amg, _) = built?;
    Ok((if options.single { amg.freeze_f32()? } else { amg.freeze()? }, relaxation.to_string()))
}

fn method(options: &Solve, a: &Csr<f64>, solver: &Frozen) -> Krylov {
    match options.krylov {
        Krylov::Auto if solver.is_symmetric() && a.is_symmetric() => Krylov::Cg,
        Krylov::Auto => Krylov::Fgmres,
        chosen => chosen,
    }
}

fn iterate(options: &Solve, krylov: Krylov, a: &Csr<f64>, b: &[f64], solver: &Frozen) -> Result<Outcome> {
    let bar = SolveBar::new();
    let mut show = |iteration: usize, residual: f64| bar.show(iteration, residual);
    let (rtol, limit) = (options.rtol, options.max_iterations);
    macro_rules! solve {
        ($method:expr) => {
            $method.rtol(rtol).max_iterations(limit).preconditioner(solver).solve_with(a, b, &mut show)
        };
    }
    match krylov {
        Krylov::None => solve!(Cycles::new()),
        Krylov::Cg => solve!(Cg::new()),
        Krylov::Bicgstab => solve!(BiCgStab::new()),
        Krylov::Fgmres | Krylov::Auto => solve!(Fgmres::new().restart(options.restart)),
    }
}

/// For plain cycles the asymptotic factor by power iteration; for a Krylov method the mean
/// reduction over the last half of its iterations.
fn convergence_factor(krylov: Krylov, solver: &Frozen, out: &Outcome) -> (Option<f64>, &'static str) {
    if krylov == Krylov::None && Preconditioner::rows(solver) <= POWER_ITERATION_ROWS {
        let measure = match (solver.double(), solver.single()) {
            (Some(c), _) => Some(asymptotic_factor(c.hierarchy(), 0, POWER_ITERATION_CYCLES)),
            (None, Some(c)) => Some(asymptotic_factor(c.hierarchy(), 0, POWER_ITERATION_CYCLES)),
            (None, None) => None,
        };
        return (measure.map(|m| m.factor), "asymptotic, by power iteration");
    }
    (out.convergence_factor(), "mean over the last half of the iterations")
}
