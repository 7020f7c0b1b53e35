//! `multigrad plot`.

use std::path::Path;

use serde_json::Value;

use super::Verdict;
use super::arguments::Plot;
use super::output::say;
use super::paths::{check_outputs, check_picture, stem};
use crate::error::{Error, Result};
use crate::plot::{ResidualPlot, TrainingPlot};

pub fn run(options: &Plot) -> Result<Verdict> {
    check_picture(Some(&options.output))?;
    check_outputs(options.files.iter().map(|f| Some(f.as_path())), [Some(options.output.as_path())])?;
    let mut runs = Vec::new();
    for path in &options.files {
        runs.push((path, read(path)?));
    }
    if let [(path, value)] = runs.as_slice()
        && value.get("loss_history").is_some()
    {
        return curve(options, path, value);
    }
    let title = options.title.clone().or_else(|| common_matrix(&runs));
    let mut plot = ResidualPlot::new(title.unwrap_or_else(|| "residual histories".into()));
    for (path, value) in &runs {
        let history = numbers(value.get("residual_history")).ok_or_else(|| {
            let advice = match value.get("loss_history") {
                Some(_) => "this is a file of `train --json`; plot it alone",
                None => "no residual_history; give files written by `solve --json`",
            };
            Error::format(format!("{}: {advice}", path.display()))
        })?;
        let label = value.get("label").and_then(Value::as_str).map_or_else(|| stem(path), str::to_string);
        plot = plot.series(label, &history);
    }
    plot.write(&options.output)?;
    let (count, path) = (runs.len(), options.output.display());
    say(format_args!(
        "{count} residual {} drawn to {path}",
        if count == 1 { "history" } else { "histories" }
    ));
    Ok(Verdict::Done)
}

fn curve(options: &Plot, path: &Path, value: &Value) -> Result<Verdict> {
    let loss = numbers(value.get("loss_history"))
        .ok_or_else(|| Error::format(format!("{}: loss_history is not a list of numbers", path.display())))?;
    let pair = |p: &Value| Some((p.get(0)?.as_u64()? as usize, p.get(1)?.as_f64().unwrap_or(f64::INFINITY)));
    let factors: Vec<(usize, f64)> = value
        .get("factor_history")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(pair)
        .collect();
    let matrix = value.get("matrix").and_then(Value::as_str).map_or_else(|| stem(path), str::to_string);
    let title = options.title.clone().unwrap_or_else(|| format!("training on {matrix}"));
    TrainingPlot::new(title).loss(&loss).factor(&factors).write(&options.output)?;
    say(format_args!("training curve drawn to {}", options.output.display()));
    Ok(Verdict::Done)
}

fn read(path: &Path) -> Result<Value> {
    let bytes = std::fs::read(path).map_err(|e| Error::io("read", path, e))?;
    let value: Value = serde_json::from_slice(&bytes).map_err(|e| {
        Error::format(format!("{}: not a JSON file of `solve` or `train`: {e}", path.display()))
    })?;
    if value.is_object() {
        Ok(value)
    } else {
        Err(Error::format(format!("{}: not a result of `solve --json` or `train --json`", path.display())))
    }
}

/// A list of numbers; null represents infinity.
fn numbers(value: Option<&Value>) -> Option<Vec<f64>> {
    let number = |v: &Value| if v.is_null() { Some(f64::INFINITY) } else { v.as_f64() };
    value?.as_array()?.iter().map(number).collect()
}

fn common_matrix(runs: &[(&std::path::PathBuf, Value)]) -> Option<String> {
    let name = |value: &Value| value.get("matrix").and_then(Value::as_str).map(str::to_string);
    let first = name(&runs.first()?.1)?;
    runs.iter().all(|(_, v)| name(v).as_ref() == Some(&first)).then_some(first)
}
