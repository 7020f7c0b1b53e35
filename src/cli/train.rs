//! `multigrad train`.

use std::time::{Duration, Instant};

use serde_json::json;

use super::arguments::Train;
use super::common::{read_square, training_hierarchies, write_json};
use super::device;
use super::output::{account_json, complain, level_table, print_baselines, say};
use super::paths::{check_outputs, check_picture, stem};
use super::progress::{CompareBar, TrainingBar};
use super::{Verdict, misuse};
use crate::error::{Error, Result};
use crate::learn::{
    Baseline, CostOptions, CostReport, HandedOut, Learned, LearnedSmoother, Start, Trainer, TrainingReport,
    classical_baselines,
};
use crate::limits::Limits;
use crate::multigrid::SchwarzOptions;
use crate::plot::TrainingPlot;
use crate::solver::Amg;
use crate::sparse::{Csr, MatrixFile};

pub fn run(options: &Train) -> Result<Verdict> {
    check_picture(options.plot.as_deref())?;
    check_outputs(
        [Some(options.matrix.as_path()), options.hierarchy.near_nullspace.as_deref()],
        [Some(options.output.as_path()), options.plot.as_deref(), options.json.as_deref()],
    )?;
    if let Some(solves) = options.solves {
        return super::train_solves::run(options, solves);
    }
    if options.steps == Some(0) && options.start != Start::Network {
        let text = "with --steps 0 there is nothing to train; add --start network, or allow a step";
        return Err(misuse(text));
    }
    let trainer = trainer(options)?;
    let MatrixFile { matrix: a, notices, .. } = read_square(&options.matrix)?;
    let start = Instant::now();
    let limits = Left { start, time: options.time_limit, memory: options.memory_limit };
    let clock = Instant::now();
    let build = || training_hierarchies(&options.hierarchy, &a, &options.matrix);
    let candidates = limits.all().within(build)?;
    let setup_seconds = clock.elapsed().as_secs_f64();
    let bar = TrainingBar::new();
    let clock = Instant::now();
    let trainer = match limits.seconds() {
        Some(left) => trainer.time_limit(Duration::from_secs_f64(left.max(0.001))),
        None => trainer,
    };
    let (amg, report) = limits.memory().within(|| fit(options, &trainer, &candidates, &bar))?;
    // The time includes the measurements of the trained solver, which exists only after them.
    let training_seconds = clock.elapsed().as_secs_f64();
    drop(bar);
    // The solver is saved before the comparisons, which may take long and be interrupted.
    save(options, &amg)?;
    say(format_args!("{amg}\n\n{report}"));
    let amg = &amg;
    let handed_out = if options.keep_trained || options.no_baselines || report.parameters == 0 {
        None
    } else {
        limits.all().within(|| handed_out(options, amg))?
    };
    say(format_args!("saved to {}", options.output.display()));
    let name = match report.accepted {
        true => report.learn.noun(),
        false if report.fallback.is_some() => format!("fallback ({})", report.kept()),
        false => format!("start ({})", report.kept()),
    };
    let (mut baselines, mut account) = (Vec::new(), None);
    if report.parameters > 0 && limits.seconds().is_some_and(|left| left <= 0.0) {
        if options.account || !options.no_baselines {
            complain("the comparison is left out: no time is left");
        }
    } else if report.parameters > 0 && options.account {
        let learned =
            Learned { amg, name: &name, accepted: report.accepted, setup_seconds, training_seconds };
        account = Some(limits.memory().within(|| measured(options, &a, &learned, &limits))?);
    } else if report.parameters > 0 && report.steps > 0 && !options.no_baselines {
        // If P and R are learned, the classical smoothers use the P and R of the setup.
        let classical = candidates.iter().find(|c| c.setup().name() == report.hierarchy);
        let amg = classical.unwrap_or(amg);
        baselines = limits.memory().within(|| compared(options, amg, &report, &name, &limits))?;
    }
    if let Some(path) = &options.plot {
        let title = format!("training on {}, hierarchy {}", stem(&options.matrix), report.hierarchy);
        let plot = TrainingPlot::new(title).loss(&report.loss_history).factor(&report.factor_history);
        if report.loss_history.is_empty() {
            complain(format_args!("no training curve in {}: there was nothing to learn", path.display()));
        } else {
            plot.write(path)?;
        }
    }
    if let Some(path) = &options.json {
        let mut value = to_json(amg, &report, &baselines, setup_seconds)?;
        value["handed_out"] = handed_out.map_or(Ok(json!(null)), serde_json::to_value).map_err(encode)?;
        value["matrix"] = json!(stem(&options.matrix));
        value["notices"] = json!(notices);
        value["account"] = account.as_ref().map_or(Ok(json!(null)), account_json)?;
        write_json(path, &value)?;
    }
    Ok(Verdict::Done)
}

/// The limits of the command.
pub struct Left {
    pub start: Instant,
    pub time: Option<f64>,
    pub memory: Option<u64>,
}

impl Left {
    /// Seconds that are left, negative after the end; `None` without a limit.
    pub fn seconds(&self) -> Option<f64> {
        Some(self.time? - self.start.elapsed().as_secs_f64())
    }

    pub fn memory(&self) -> Limits {
        self.memory.map_or(Limits::new(), |bytes| Limits::new().memory(bytes))
    }

    pub fn all(&self) -> Limits {
        let left = self.seconds().map(|left| Duration::from_secs_f64(left.max(0.0)));
        left.map_or(self.memory(), |left| self.memory().time(left))
    }
}

/// Compares the trained solver with the automatic one, and saves that in its place where it is better.
fn handed_out(options: &Train, trained: &Amg) -> Result<Option<HandedOut>> {
    let (better, comparison) = match HandedOut::better(trained.with_hierarchy(trained.hierarchy().clone())?) {
        Ok(found) => found,
        // There is no time for it, or no room.
        Err(e) if e.is_limit() => return Ok(None),
        Err(e) => return Err(e),
    };
    say(&comparison);
    if comparison.is_automatic() {
        say("the automatic solver is better and is saved; --keep-trained saves the trained one");
        better.save(&options.output)?;
    }
    Ok(Some(comparison))
}

/// Trains on the requested device.
fn fit(
    options: &Train,
    trainer: &Trainer,
    candidates: &[Amg],
    bar: &TrainingBar,
) -> Result<(Amg, TrainingReport)> {
    #[cfg(not(feature = "cuda"))]
    device::check(options.device)?;
    #[cfg(feature = "cuda")]
    if let Some(cuda) = device::open(options.device)? {
        let on_card = trainer.clone().on(&cuda).fit_best(candidates, &mut |p| bar.show(p));
        if let Some(done) = device::or_cpu(options.device, on_card)? {
            return Ok(done);
        }
    }
    trainer.fit_best(candidates, &mut |p| bar.show(p))
}

/// Prints the classical smoothers on the trained hierarchy.
fn compared(
    options: &Train,
    amg: &Amg,
    report: &TrainingReport,
    name: &str,
    limits: &Left,
) -> Result<Vec<Baseline>> {
    let cycle = options.hierarchy.training_cycle();
    // The comparison may take as long as the training, and at least five seconds.
    let limit = report.train_seconds.max(5.0).min(limits.seconds().unwrap_or(f64::INFINITY)).max(0.0);
    let limit = Duration::from_secs_f64(limit);
    let clock = Instant::now();
    let found = classical_baselines(amg, (cycle.pre, cycle.post), options.seed, Some(limit))?;
    say("");
    if clock.elapsed() >= limit {
        say(format_args!(
            "comparison cut off after {:.0} s, not every parameter was tried:",
            limit.as_secs_f64()
        ));
    }
    print_baselines((name, report.factor_after), &found);
    Ok(found)
}

/// Prints the account of the trained solver.
pub fn measured(options: &Train, a: &Csr<f64>, learned: &Learned<'_>, limits: &Left) -> Result<CostReport> {
    let limit = options.account_limit.unwrap_or(learned.training_seconds.max(60.0));
    let limit = limit.min(limits.seconds().unwrap_or(f64::INFINITY)).max(0.0);
    let account_options = CostOptions {
        time_limit: Some(Duration::from_secs_f64(limit)),
        near_nullspace: options.hierarchy.candidates(a, &options.matrix)?,
        seed: options.seed,
        ..CostOptions::default()
    };
    let bar = CompareBar::new();
    let account = CostReport::measure(a, learned, &account_options, &mut |done, all, name| {
        bar.show_of(done, all, name);
    })?;
    drop(bar);
    say(format_args!("\n{account}"));
    Ok(account)
}

fn trainer(options: &Train) -> Result<Trainer> {
    let cycle = options.hierarchy.training_cycle();
    let mut trainer = Trainer::new()
        .learn(options.learn)
        .loss(options.loss)
        .start(options.start)
        .seed(options.seed)
        .sweeps(cycle.pre, cycle.post);
    trainer = trainer.symmetric(options.symmetric);
    let (subdomains, levels) = (&options.schwarz.subdomains, options.schwarz.schwarz_levels);
    if options.learn.smoother() == Some(LearnedSmoother::Schwarz) {
        trainer = trainer.subdomains(subdomains.apply(SchwarzOptions::default()), levels.unwrap_or(1));
    } else {
        subdomains.refuse("--learn schwarz")?;
        if levels.is_some() {
            return Err(misuse("--schwarz-levels belongs to --learn schwarz"));
        }
    }
    if let Some(steps) = options.steps {
        trainer = trainer.steps(steps);
    }
    if let Some(rate) = options.rate {
        trainer = trainer.rate(rate);
    }
    if let Some(cycles) = options.cycles_in_loss {
        trainer = trainer.cycles(cycles);
    }
    if let Some(batch) = options.batch {
        trainer = trainer.batch(batch);
    }
    Ok(trainer)
}

pub fn save(options: &Train, amg: &Amg) -> Result<()> {
    match options.single {
        true => amg.to_single_precision()?.save(&options.output),
        false => amg.save(&options.output),
    }
}

fn encode(e: serde_json::Error) -> Error {
    Error::format(format!("cannot encode the report: {e}"))
}

fn to_json(
    amg: &Amg,
    report: &TrainingReport,
    baselines: &[Baseline],
    setup_seconds: f64,
) -> Result<serde_json::Value> {
    let mut value = serde_json::to_value(report).map_err(encode)?;
    let h = amg.hierarchy();
    let more = json!({
        "setup_seconds": setup_seconds,
        "baselines": baselines,
        "levels": h.levels.len() + 1,
        "level_table": level_table(h),
        "operator_complexity": h.operator_complexity(),
        "smoother_complexity": h.smoother_complexity(),
    });
    if let (Some(value), serde_json::Value::Object(more)) = (value.as_object_mut(), more) {
        value.extend(more);
    }
    Ok(value)
}
