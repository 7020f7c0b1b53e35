//! `multigrad train`.

use std::time::Duration;

use serde_json::json;

use super::arguments::Train;
use super::common::{build, check_picture, check_writable, read_square, stem, variants, write_json};
use super::output::{level_table, print_baselines};
use super::progress::TrainingBar;
use super::{Verdict, misuse};
use crate::error::Result;
use crate::learn::{Baseline, Trainer, TrainingReport, classical_baselines};
use crate::multigrid::{Amg, Relaxation};
use crate::plot::TrainingPlot;

pub fn run(options: &Train) -> Result<Verdict> {
    check_picture(options.plot.as_deref())?;
    check_writable([Some(options.output.as_path()), options.plot.as_deref(), options.json.as_deref()])?;
    let trainer = trainer(options)?;
    let a = read_square(&options.matrix)?;
    let mut candidates = Vec::new();
    let mut setup_seconds = 0.0;
    for variant in variants(&a, options.hierarchy.hierarchy, true) {
        let (amg, seconds) = build(&a, &options.hierarchy, variant, Relaxation::Spai1)?;
        candidates.push(amg);
        setup_seconds += seconds;
    }
    let bar = TrainingBar::new();
    let (amg, report) = trainer.fit_best(&candidates, &mut |p| bar.show(p))?;
    drop(bar);
    println!("{amg}\n\n{report}");
    let baselines = match options.no_baselines {
        true => Vec::new(),
        false => {
            let sweeps = (options.hierarchy.cycle.pre, options.hierarchy.cycle.post);
            let found = classical_baselines(&amg, sweeps, options.seed)?;
            println!();
            print_baselines(
                (if report.accepted { "learned M" } else { "start (SPAI-1)" }, report.factor_after),
                &found,
            );
            found
        }
    };
    save(options, &amg, &report)?;
    println!("\nsaved to {}", options.output.display());
    if let Some(path) = &options.plot {
        let title = format!("training on {}, hierarchy {}", stem(&options.matrix), report.hierarchy);
        TrainingPlot::new(title).loss(&report.loss_history).factor(&report.factor_history).write(path)?;
    }
    if let Some(path) = &options.json {
        write_json(path, &to_json(&amg, &report, &baselines, setup_seconds)?)?;
    }
    Ok(Verdict::Done)
}

fn trainer(options: &Train) -> Result<Trainer> {
    if options.steps == Some(0) {
        return Err(misuse("--steps 0 trains nothing; give at least one step"));
    }
    let cycle = options.hierarchy.cycle;
    let mut trainer = Trainer::new().seed(options.seed).sweeps(cycle.pre, cycle.post);
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
    if let Some(limit) = options.time_limit {
        trainer = trainer.time_limit(Duration::from_secs_f64(limit));
    }
    Ok(trainer)
}

fn save(options: &Train, amg: &Amg, report: &TrainingReport) -> Result<()> {
    let frozen = if options.single { amg.freeze_f32()? } else { amg.freeze()? };
    let what = if report.accepted { "learned relaxation" } else { "SPAI-1" };
    let description = format!("smoothed aggregation '{}' with {what}", report.hierarchy);
    frozen.described(description, Some(report.factor_after)).save(&options.output)
}

fn to_json(
    amg: &Amg,
    report: &TrainingReport,
    baselines: &[Baseline],
    setup_seconds: f64,
) -> Result<serde_json::Value> {
    let encode = |e: serde_json::Error| crate::error::Error::format(format!("cannot encode the report: {e}"));
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
