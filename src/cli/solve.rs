//! `multigrad solve`.

use std::time::Instant;

use serde_json::json;

use super::arguments::{KrylovOption, Solve};
use super::common::{choice, read_square, right_hand_side, training_hierarchies, write_json};
use super::device;
use super::estimates::{condition, say_removed};
use super::output::{complain, ending, object, say, solver_levels};
use super::paths::{check_outputs, check_picture, stem};
use super::progress::SolveBar;
use super::values::SmootherChoice;
use super::{Verdict, misuse};
use crate::error::{Error, Result};
use crate::krylov::{Krylov, Outcome, SolveOptions, Status};
use crate::learn::{Loss, Start, Target, Trainer, asymptotic_factor};
use crate::multigrid::{Cycle, Relaxation, SchwarzOptions, Setup};
use crate::operator::Preconditioner;
use crate::plot::{FieldPlot, PartsPlot, ResidualPlot};
use crate::report::Report;
use crate::solver::Solver;
use crate::sparse::{Csr, DenseMatrix, MatrixFile, matrix_market};

/// Largest problem on which power iteration measures the factor of plain cycles. Larger problems use the residual
/// history.
const POWER_ITERATION_ROWS: usize = 200_000;
/// Number of cycles of the power iteration.
const POWER_ITERATION_CYCLES: usize = 90;
/// Error message for a picture of parts without a Schwarz method.
const PARTS_OF_WHAT: &str = "--plot-parts draws the subdomains of a Schwarz method; add --smoother schwarz";

/// Name of the CPU among the devices.
const CPU: &str = "cpu";

pub fn run(options: &Solve) -> Result<Verdict> {
    check_picture(options.plot.as_deref())?;
    check_picture(options.plot_solution.as_deref())?;
    check_picture(options.plot_parts.as_deref())?;
    check_files(options)?;
    let schwarz = matches!(
        options.smoother,
        Some(SmootherChoice::Classical(Relaxation::Schwarz(_)) | SmootherChoice::Network(Target::Schwarz))
    );
    if options.plot_parts.is_some() && !schwarz && options.preconditioner.is_none() {
        return Err(misuse(PARTS_OF_WHAT));
    }
    let mut file = read_square(&options.matrix)?;
    let b = right_hand_side(options.rhs.as_deref(), &mut file)?;
    let (a, notices) = (file.matrix, file.notices);
    let coordinates = coordinates(options, &a)?;
    let points = coordinates.as_ref().map(|xy| points(xy, a.rows()));
    let clock = Instant::now();
    let (mut solver, name) = solver(options, &a)?;
    let setup_seconds = clock.elapsed().as_secs_f64();
    let parts = options.plot_parts.is_some().then(|| parts(options, &solver)).transpose()?;
    let clock = Instant::now();
    let (out, device) = iterate(options, &b, &mut solver)?;
    let solve_seconds = clock.elapsed().as_secs_f64();
    let krylov = out.krylov;
    let (factor, measured) = convergence_factor(&solver, &out);
    out.attempts.iter().for_each(complain);

    let method = krylov.map_or("direct", Krylov::name);
    let what = if options.preconditioner.is_some() { "solver" } else { "smoother" };
    say(format_args!("{solver}\n"));
    let by = match &out.solver {
        Some(other) => format!("solved by {other}"),
        None if *solver.setup() == Setup::Direct => format!("direct solver, {method}"),
        None => format!("{what} {name}, {method}"),
    };
    say(format_args!("{by}, setup {setup_seconds:.3} s, solve {solve_seconds:.3} s"));
    if device != CPU {
        say(format_args!("solved on {device}"));
    }
    say(format_args!("{}, relative residual {:.3e}", ending(&out), out.relative_residual()));
    if let Some(factor) = factor {
        say(format_args!("convergence factor {factor:.4} ({measured})"));
    }
    out.removed.iter().for_each(say_removed);
    let condition = options.condition.then(|| condition(&solver, &out, &b));
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
    if let (Some(path), Some(points), Some(parts)) = (&options.plot_parts, &points, parts) {
        PartsPlot::new(format!("subdomains of {}", stem(&options.matrix)), points, &[], &parts)?
            .write(path)?;
    }
    if let Some(path) = &options.report {
        let mut report = Report::new(stem(&options.matrix));
        if let Some(xy) = &coordinates {
            report = report.coordinates(xy);
        }
        report.of_solve(&solver, &out, solve_seconds)?.write(path)?;
    }
    if let Some(path) = &options.json {
        let further = json!({
            "label": label,
            "matrix": stem(&options.matrix),
            "convergence_factor": factor,
            "convergence_factor_source": measured,
            "setup_seconds": setup_seconds,
            "solve_seconds": solve_seconds,
            "operator_complexity": solver.operator_complexity(),
            "levels": solver.levels(),
            "level_table": solver_levels(&solver),
            "smoother": name,
            "device": device,
            "configuration": solver.configuration().map(|c| c.to_string()),
            "condition": condition,
            "reasons": solver.reasons(),
            "rows": a.rows(),
            "nonzeros": a.nnz(),
            "notices": notices,
        });
        write_json(path, &object(&out, further)?)?;
    }
    if out.converged() {
        return Ok(Verdict::Done);
    }
    let advice = out.advice.as_deref().unwrap_or("allow more iterations or choose another smoother");
    let not = if out.status == Status::MaxIterations { "" } else { "not converged: " };
    complain(format_args!("{not}{}; {advice}", ending(&out)));
    Ok(Verdict::NotConverged)
}

fn check_files(options: &Solve) -> Result<()> {
    let hierarchy = &options.hierarchy;
    check_outputs(
        [
            Some(options.matrix.as_path()),
            options.rhs.as_deref(),
            options.preconditioner.as_deref(),
            hierarchy.near_nullspace.as_deref(),
            options.coordinates.as_deref(),
        ],
        [
            options.output.as_deref(),
            options.plot.as_deref(),
            options.plot_solution.as_deref(),
            options.plot_parts.as_deref(),
            options.report.as_deref(),
            options.json.as_deref(),
        ],
    )
}

/// Coordinates in the plane, without mesh points beyond the unknowns.
fn coordinates(options: &Solve, a: &Csr<f64>) -> Result<Option<DenseMatrix>> {
    let Some(path) = &options.coordinates else { return Ok(None) };
    let xy = MatrixFile::read_dense(path)?;
    if xy.cols() != 2 || xy.rows() < a.rows() {
        return Err(Error::dimension(format!(
            "{}: {} × {} coordinates, but a picture of {} unknowns needs one row of two for each",
            path.display(),
            xy.rows(),
            xy.cols(),
            a.rows()
        )));
    }
    Ok(Some(DenseMatrix::from_fn(a.rows(), 2, |i, j| xy[[i, j]])))
}

fn points(xy: &DenseMatrix, rows: usize) -> Vec<[f64; 2]> {
    (0..rows).map(|i| [xy[[i, 0]], xy[[i, 1]]]).collect()
}

/// The subdomain of every unknown in the Schwarz method of the finest level.
fn parts(options: &Solve, solver: &Solver) -> Result<Vec<u32>> {
    solver.subdomains().map(<[u32]>::to_vec).ok_or_else(|| match &options.preconditioner {
        _ if solver.levels() == 1 => misuse(
            "--plot-parts draws the subdomains of the finest level, but the matrix is so small that it is solved directly; give --max-coarse fewer rows",
        ),
        Some(path) => misuse(format!(
            "--plot-parts draws the subdomains of a Schwarz method, and {} has none on its finest level; train with --learn schwarz",
            path.display()
        )),
        None => misuse(PARTS_OF_WHAT),
    })
}

/// The solver, with the name of its file or smoother.
fn solver(options: &Solve, a: &Csr<f64>) -> Result<(Solver, String)> {
    let smoother = match options.smoother {
        Some(SmootherChoice::Classical(Relaxation::Schwarz(own))) => {
            Some(Relaxation::Schwarz(options.subdomains.apply(own)))
        }
        network @ Some(SmootherChoice::Network(Target::Schwarz)) => {
            network.and_then(SmootherChoice::classical)
        }
        other => {
            options.subdomains.refuse("--smoother schwarz")?;
            other.and_then(SmootherChoice::classical)
        }
    };
    if let Some(SmootherChoice::Network(learn)) = options.smoother {
        return by_network(options, a, learn);
    }
    let Some(path) = &options.preconditioner else {
        let candidates = options.hierarchy.candidates(a, &options.matrix)?;
        let mut choice = choice(a, &options.hierarchy, smoother, candidates.as_ref())?;
        for c in &mut choice.configurations {
            c.single = options.single || (c.single && !options.double);
            if let Some(krylov) = options.krylov.method() {
                c.krylov = krylov;
            }
        }
        let solver = choice.build(a, candidates.as_ref()).map_err(|e| e.at(options.matrix.display()))?;
        let name = solver.smoother();
        return Ok((solver, name));
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let loaded = match options.allow_other_matrix {
        true => Solver::load_for_other(path, a),
        false => Solver::load(path, a),
    };
    let hint = |e: Error| {
        let loads = e.is_fingerprint() && Solver::load_for_other(path, a).is_ok();
        if loads { Error::fingerprint(format!("{e}; use it anyway with --allow-other-matrix")) } else { e }
    };
    Ok((loaded.map_err(hint)?, name))
}

/// A hierarchy with the smoothers of the network, or with classical smoothers if these are better.
fn by_network(options: &Solve, a: &Csr<f64>, learn: Target) -> Result<(Solver, String)> {
    let candidates = training_hierarchies(&options.hierarchy, a, &options.matrix)?;
    let loss = if options.krylov == KrylovOption::None { Loss::Rate } else { Loss::Krylov };
    let cycle = options.hierarchy.training_cycle();
    let subdomains = options.subdomains.apply(SchwarzOptions::default());
    let trainer = Trainer::new().learn(learn).loss(loss).start(Start::Network).steps(0);
    let trainer = trainer.subdomains(subdomains, 1);
    let (amg, report) = trainer.sweeps(cycle.pre, cycle.post).fit_best(&candidates, &mut |_| ())?;
    if report.fallback.is_some() {
        complain(format_args!("{report}"));
    }
    let solver = if options.double { amg } else { amg.to_single_precision()? };
    let name = if report.accepted { "learned-network".to_string() } else { report.kept().to_string() };
    let factor = Some(report.factor_after).filter(|factor| !factor.is_nan());
    Ok((solver.described(name.clone(), factor), name))
}

/// Solves on the requested device; returns the outcome and the name of the device.
fn iterate(options: &Solve, b: &[f64], solver: &mut Solver) -> Result<(Outcome, String)> {
    let bar = SolveBar::new();
    let mut show = |iteration: usize, residual: f64| bar.show(iteration, residual);
    let mut solve = |solver: &Solver| {
        let mut own = SolveOptions::new().rtol(options.rtol).max_iterations(options.max_iterations);
        own = own.restart(options.restart).least_squares(options.least_squares).on_iteration(&mut show);
        if let Some(krylov) = options.krylov.method() {
            own = own.krylov(krylov);
        }
        if let Some(entries) = options.direct_limit {
            own = own.direct_limit(entries);
        }
        solver.solve_with(b, own)
    };
    #[cfg(not(feature = "cuda"))]
    device::check(options.device)?;
    #[cfg(feature = "cuda")]
    if let Some(cuda) = device::open(options.device)? {
        let out = solver.move_to_device(&cuda).and_then(|()| solve(solver));
        if let Some(out) = device::or_cpu(options.device, out)? {
            return Ok((out, cuda.description()));
        }
        solver.move_to_host();
    }
    Ok((solve(solver)?, CPU.to_string()))
}

/// The asymptotic factor by power iteration for plain cycles; the mean reduction over the last half of the
/// iterations for a Krylov method.
fn convergence_factor(solver: &Solver, out: &Outcome) -> (Option<f64>, &'static str) {
    let plain = out.krylov == Some(Krylov::Richardson) && solver.check_finest().is_ok();
    if plain && solver.rows() <= POWER_ITERATION_ROWS {
        let measured = match solver.cycle() {
            Cycle::Double(c) => asymptotic_factor(c.hierarchy(), 0, POWER_ITERATION_CYCLES),
            Cycle::Single(c) => asymptotic_factor(c.hierarchy(), 0, POWER_ITERATION_CYCLES),
        };
        // A factor of 1 despite convergence indicates a null vector without a component in the right-hand side.
        let null_vector = out.converged() && measured.factor > 1.0 - 1e-6;
        if !null_vector {
            return (Some(measured.factor), "per cycle, asymptotic, by power iteration");
        }
    }
    (out.convergence_factor(), "per iteration, mean over the last half")
}
