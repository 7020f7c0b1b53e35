//! `multigrad solve`.

use std::time::Instant;

use serde_json::{Value, json};

use super::arguments::{KrylovOption, Solve};
use super::chosen::Chosen;
use super::common::{choice, read_square, right_hand_side, training_hierarchies, write_json};
use super::device;
use super::output::{complain, ending, say};
use super::paths::{check_outputs, check_picture, stem};
use super::progress::SolveBar;
use super::values::SmootherChoice;
use super::{Verdict, misuse};
use crate::error::{Error, Result};
use crate::frozen::Frozen;
use crate::krylov::{BiCgStab, Breakdown, Cg, Cycles, Fgmres, Outcome, Status};
use crate::learn::{Loss, Start, Target, Trainer, asymptotic_factor};
use crate::multigrid::{Relaxation, SchwarzOptions};
use crate::operator::Preconditioner;
use crate::plot::{FieldPlot, PartsPlot, ResidualPlot};
use crate::solver::Krylov;
#[cfg(feature = "cuda")]
use crate::solver::ResidentSolver;
use crate::sparse::{Csr, matrix_market};

/// Largest problem on which the factor of plain cycles is measured by power iteration; the
/// residual history serves beyond.
const POWER_ITERATION_ROWS: usize = 200_000;
/// Cycles of that measurement.
const POWER_ITERATION_CYCLES: usize = 90;
/// Why there is no picture of parts.
const PARTS_OF_WHAT: &str = "--plot-parts draws the subdomains of a Schwarz method; add --smoother schwarz";

/// What the processor is called among devices.
const CPU: &str = "cpu";

/// What an iteration gave, and the device that ran it.
type Solved = (Outcome, String);

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
    let a = read_square(&options.matrix)?;
    let b = right_hand_side(options.rhs.as_deref(), &a)?;
    let points = points(options, &a)?;
    let clock = Instant::now();
    let solver = solver(options, &a)?;
    let name = solver.name();
    let setup_seconds = clock.elapsed().as_secs_f64();
    let parts = options.plot_parts.is_some().then(|| parts(options, &solver)).transpose()?;
    let clock = Instant::now();
    let (krylov, (out, device)) = iterate_suited(options, &a, &b, &solver)?;
    let solve_seconds = clock.elapsed().as_secs_f64();
    let (factor, measured) = convergence_factor(krylov, &solver, &out);

    let method = krylov.name();
    let what = if options.preconditioner.is_some() { "solver" } else { "smoother" };
    say(format_args!("{solver}\n"));
    say(format_args!("{what} {name}, {method}, setup {setup_seconds:.3} s, solve {solve_seconds:.3} s"));
    if device != CPU {
        say(format_args!("solved on {device}"));
    }
    say(format_args!("{}, relative residual {:.3e}", ending(&out), out.relative_residual()));
    if let Some(factor) = factor {
        say(format_args!("convergence factor {factor:.4} ({measured})"));
    }
    let advice = if out.converged() { None } else { unsolvable(&a, &b).or_else(|| out.advice.clone()) };
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
        PartsPlot::new(format!("subdomains of {}", stem(&options.matrix)), points, &[], parts)?
            .write(path)?;
    }
    if let Some(path) = &options.json {
        let value = json!({
            "label": label,
            "matrix": stem(&options.matrix),
            "converged": out.converged(),
            "status": out.status.to_string(),
            "advice": advice,
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
            "level_table": solver.level_table(),
            "smoother": name,
            "device": device,
            "krylov": krylov,
            "configuration": solver.configuration(),
            "reasons": solver.reasons(),
            "rows": a.rows(),
            "nonzeros": a.nnz(),
        });
        write_json(path, &value)?;
    }
    if out.converged() {
        return Ok(Verdict::Done);
    }
    let advice = advice.as_deref().unwrap_or("allow more iterations or choose another smoother");
    let not = if out.status == Status::MaxIterations { "" } else { "not converged: " };
    complain(format_args!("{not}{}; {advice}", ending(&out)));
    Ok(Verdict::NotConverged)
}

/// Why no x exists for a matrix whose columns all sum to zero (a Neumann problem, a graph
/// Laplacian) and a right-hand side whose values do not.
fn unsolvable(a: &Csr<f64>, b: &[f64]) -> Option<String> {
    let (mut sums, mut sizes) = (vec![0.0; a.cols()], vec![0.0; a.cols()]);
    for (&j, &v) in a.pattern().col_idx().iter().zip(a.values()) {
        sums[j as usize] += v;
        sizes[j as usize] += v.abs();
    }
    let singular = sums.iter().zip(&sizes).all(|(sum, size)| sum.abs() <= 1e-12 * size);
    let mean = b.iter().sum::<f64>() / b.len().max(1) as f64;
    let largest = b.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    (singular && mean.abs() > 1e-10 * largest).then(|| {
        format!(
            "the matrix is singular (its columns sum to zero), so this right-hand side has no solution: its mean is {mean:.3e} and must be 0; subtract the mean"
        )
    })
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
            options.json.as_deref(),
        ],
    )
}

/// JSON has no infinity.
fn finite(value: f64) -> Value {
    if value.is_finite() { json!(value) } else { Value::Null }
}

/// Coordinates in the plane; those of mesh points beyond the unknowns are left out.
fn points(options: &Solve, a: &Csr<f64>) -> Result<Option<Vec<[f64; 2]>>> {
    let Some(path) = &options.coordinates else { return Ok(None) };
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

/// The part of every unknown in the Schwarz method of the finest level.
fn parts<'a>(options: &Solve, solver: &'a Chosen) -> Result<&'a [u32]> {
    solver.parts().ok_or_else(|| match &options.preconditioner {
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

fn solver(options: &Solve, a: &Csr<f64>) -> Result<Chosen> {
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
        return Ok(Chosen::Built(Box::new(solver)));
    };
    let frozen = Frozen::load(path)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let checked = frozen.check_matrix(a).map_err(|e| e.at(path.display()));
    let same_size = Preconditioner::rows(&frozen) == a.rows();
    if let Err(e) = checked
        && !(options.allow_other_matrix && same_size)
    {
        let hint = if same_size { "; --allow-other-matrix uses it all the same" } else { "" };
        return Err(Error::fingerprint(format!("{e}{hint}")));
    }
    Ok(Chosen::Saved(Box::new(frozen), name))
}

/// A hierarchy with the smoothers that the network makes, or the classical ones where these are better.
fn by_network(options: &Solve, a: &Csr<f64>, learn: Target) -> Result<Chosen> {
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
    let frozen = if options.double { amg.freeze()? } else { amg.freeze_f32()? };
    let name = if report.accepted { "learned-network".to_string() } else { report.kept().to_string() };
    let frozen = frozen.described(format!("{} with {name}", amg.setup()), Some(report.factor_after));
    Ok(Chosen::Saved(Box::new(frozen), name))
}

fn method(options: &Solve, a: &Csr<f64>, solver: &Chosen) -> Krylov {
    match (options.krylov.method(), solver) {
        (Some(method), _) => method,
        // Asked for by name, a cycle may have turned out symmetric or not.
        (None, Chosen::Built(built)) if built.configuration().krylov != Krylov::Cg => {
            built.configuration().krylov
        }
        (None, Chosen::Built(built)) if !built.configuration().cycle.is_linear() => Krylov::Cg,
        (None, _) if solver.preconditioner().is_symmetric() && a.is_symmetric() => Krylov::Cg,
        (None, _) => Krylov::Fgmres,
    }
}

/// The method that was chosen; CG by itself gives way to FGMRES on an indefinite problem.
fn iterate_suited(options: &Solve, a: &Csr<f64>, b: &[f64], solver: &Chosen) -> Result<(Krylov, Solved)> {
    let krylov = method(options, a, solver);
    let out = iterate(options, krylov, a, b, solver)?;
    let indefinite = matches!(
        out.0.status,
        Status::Breakdown(Breakdown::IndefiniteMatrix | Breakdown::IndefinitePreconditioner)
    );
    if options.krylov == KrylovOption::Auto && krylov == Krylov::Cg && indefinite {
        complain("matrix or cycle is not positive definite, as CG needs it: FGMRES takes over");
        return Ok((Krylov::Fgmres, iterate(options, Krylov::Fgmres, a, b, solver)?));
    }
    Ok((krylov, out))
}

/// The iteration on the card that was asked for; nothing if the processor is to do it.
#[cfg(feature = "cuda")]
fn iterate_on_card(
    options: &Solve,
    krylov: Krylov,
    (a, b): (&Csr<f64>, &[f64]),
    solver: &Chosen,
    show: &mut dyn FnMut(usize, f64),
) -> Result<Option<Solved>> {
    let Some(cuda) = device::open(options.device)? else { return Ok(None) };
    let out = ResidentSolver::of(&cuda, a, (solver.double(), solver.single())).and_then(|resident| {
        let resident = resident.krylov(krylov).rtol(options.rtol).max_iterations(options.max_iterations);
        resident.restart(options.restart).solve_with(b, show)
    });
    device::or_cpu(options.device, out.map(|out| (out, cuda.description())))
}

fn iterate(options: &Solve, krylov: Krylov, a: &Csr<f64>, b: &[f64], solver: &Chosen) -> Result<Solved> {
    let bar = SolveBar::new();
    let mut show = |iteration: usize, residual: f64| bar.show(iteration, residual);
    #[cfg(not(feature = "cuda"))]
    device::check(options.device)?;
    #[cfg(feature = "cuda")]
    if let Some(out) = iterate_on_card(options, krylov, (a, b), solver, &mut show)? {
        return Ok(out);
    }
    let (rtol, limit) = (options.rtol, options.max_iterations);
    macro_rules! solve {
        ($method:expr) => {
            $method
                .rtol(rtol)
                .max_iterations(limit)
                .preconditioner(solver.preconditioner())
                .solve_with(a, b, &mut show)
        };
    }
    let out = match krylov {
        Krylov::Cycles => solve!(Cycles::new()),
        Krylov::Cg => solve!(Cg::new().flexible(!solver.is_linear())),
        Krylov::BiCgStab => solve!(BiCgStab::new()),
        Krylov::Fgmres => solve!(Fgmres::new().restart(options.restart)),
    }?;
    Ok((out, CPU.to_string()))
}

/// For plain cycles the asymptotic factor by power iteration; for a Krylov method the mean
/// reduction over the last half of its iterations.
fn convergence_factor(krylov: Krylov, solver: &Chosen, out: &Outcome) -> (Option<f64>, &'static str) {
    if krylov == Krylov::Cycles && solver.preconditioner().rows() <= POWER_ITERATION_ROWS {
        let measure = match (solver.double(), solver.single()) {
            (Some(c), _) => Some(asymptotic_factor(c.hierarchy(), 0, POWER_ITERATION_CYCLES)),
            (None, Some(c)) => Some(asymptotic_factor(c.hierarchy(), 0, POWER_ITERATION_CYCLES)),
            (None, None) => None,
        };
        // A converged solve with a factor of 1: a null vector, which the right-hand side does not see.
        let null_vector = |m: f64| out.converged() && m > 1.0 - 1e-6;
        if !measure.is_some_and(|m| null_vector(m.factor)) {
            return (measure.map(|m| m.factor), "per cycle, asymptotic, by power iteration");
        }
    }
    (out.convergence_factor(), "per iteration, mean over the last half")
}
