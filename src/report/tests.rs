//! Tests of reports.

use super::*;
use crate::gallery::{FlowScheme, poisson_2d, poisson_3d, recirculating_flow};

#[test]
fn a_page_has_all_sections_and_escapes_its_text() {
    let flow = recirculating_flow(16, 0.005, FlowScheme::Upwind).unwrap();
    let report = Report::new("a < b & c").time_limit(3.0).coordinates(&flow.coordinates).solves(Some(5));
    let mut seen = Vec::new();
    let page = report.run(&flow.matrix, &flow.rhs, &mut |s| seen.push(s.to_string())).unwrap();
    let html = page.html().unwrap();
    assert!(html.contains("<h1>a &lt; b &amp; c</h1>"));
    for heading in
        ["The matrix", "What was chosen", "Advice", "Levels", "slowest error", "Other configurations"]
    {
        assert!(html.contains(heading), "{heading}");
    }
    assert!(!html.contains("http://") || html.contains("http://www.w3.org/2000/svg"));
    assert!(!html.contains("<script") && !html.contains("<link"));
    assert!(seen.len() > 5);
    // Every tag that is opened is closed.
    for tag in ["section", "table", "figure", "div", "ul", "main", "svg", "pre"] {
        let (open, close) =
            (html.matches(&format!("<{tag}")).count(), html.matches(&format!("</{tag}>")).count());
        assert_eq!(open, close, "{tag}");
    }
}

#[test]
fn the_data_are_those_of_the_page() {
    let problem = poisson_2d(14, 14).unwrap();
    let report = Report::new("p").time_limit(3.0).solves(Some(4)).train(true);
    let mut page = report.run(&problem.matrix, &problem.rhs, &mut |_| ()).unwrap();
    page.outcome.residual_history.push(f64::INFINITY);
    let value = serde_json::to_value(&page).unwrap();
    let length = |v: &serde_json::Value| v.as_array().map(Vec::len);
    assert_eq!((&value["title"], &value["matrix"]["rows"]), (&"p".into(), &196.into()));
    assert_eq!((&value["matrix"]["symmetric"], &value["converged"]), (&true.into(), &true.into()));
    assert_eq!(value["setup_seconds"], page.seconds.0);
    assert_eq!(value["iterations"], page.outcome.iterations);
    assert_eq!(length(&value["residual_history"]), Some(page.outcome.residual_history.len()));
    assert!(value["relative_residual"].is_null() && value.get("x").is_none());
    assert_eq!(value["configuration"], page.summary);
    assert_eq!(value["solver"], page.solver);
    let level = &value["level_table"][0];
    assert_eq!(length(&value["level_table"]), Some(page.levels.len()));
    assert_eq!((&level["unknowns"], length(&level["counts"])), (&196.into(), Some(48 * 48)));
    let (error, slowest) = (page.slowest.as_ref().unwrap(), &value["slowest_error"]);
    assert_eq!((length(&slowest["values"]), &slowest["factor"]), (Some(196), &error.factor.into()));
    assert_eq!(slowest["kind"], error.kind());
    let (rows, list) =
        (&page.comparison.as_ref().unwrap().rows, value["comparison"]["configurations"].as_array().unwrap());
    assert_eq!(rows.len(), list.len());
    for (row, listed) in rows.iter().zip(list) {
        assert_eq!(listed["configuration"], row.configuration);
        assert_eq!(length(&listed["residual_history"]), Some(row.residual_history.len()));
    }
    assert_eq!(value["training_for_solves"]["solves"], 4);
    assert_eq!(value["training"]["steps"], page.training.as_ref().unwrap().steps);
    let times = value["total_times"].as_array().unwrap();
    assert!(times.len() > 1 && times[0]["before_seconds"].is_f64() && times[0]["solve_seconds"].is_f64());
    assert!(times.last().unwrap()["slower_from_solves"].is_null());
    // The sentences of the section on advice.
    let html = page.html().unwrap();
    for sentence in value["recommendations"].as_array().unwrap() {
        assert!(html.contains(&html::escaped(sentence.as_str().unwrap())), "{sentence}");
    }
}

#[test]
fn a_cheap_setup_is_caught_up_after_some_solves() {
    let line = |before, solve| Line { name: String::new(), before, solve };
    assert_eq!(line(1.0, 1.0).slower_from(&line(10.0, 0.25)), Some(12.0));
    assert_eq!(line(10.0, 0.25).slower_from(&line(1.0, 1.0)), None);
    assert_eq!(line(10.0, 1.0).slower_from(&line(1.0, 0.5)), None, "slower from the first on");
    assert_eq!(line(1.0, 1.0).slower_from(&line(1.0, 1.0)), None);
}

/// The factor of the slowest error is the spectral radius of the error propagator: that of Jacobi on Poisson is known.
#[test]
fn the_slowest_error_of_jacobi_is_the_smoothest_sine() {
    use crate::multigrid::{Relaxation, Setup};
    let n = 12;
    let a = poisson_2d(n, n).unwrap().matrix;
    let solver = Solver::builder(Setup::OneLevel)
        .relaxation(Relaxation::Jacobi(Some(0.8)))
        .sweeps(1, 0)
        .build(&a)
        .unwrap();
    let e = slowest::slowest(&solver, 60.0, 3).unwrap().unwrap();
    let h = std::f64::consts::PI / (n + 1) as f64;
    let expected = 1.0 - 0.8 * (1.0 - h.cos());
    assert!((e.factor - expected).abs() < 2e-3, "{} {expected}", e.factor);
    assert!(e.energy < 0.05, "{}", e.energy);
    assert!(e.values.iter().all(|v| *v > -0.05 && *v <= 1.0));
}

#[test]
fn levels_have_all_entries_and_times() {
    let problem = poisson_3d(14, 14, 14).unwrap();
    let solver = Solver::smoothed_aggregation().build(&problem.matrix).unwrap();
    let levels = levels::figures(&solver, 10.0).unwrap();
    assert_eq!(levels.len(), solver.levels());
    for level in &levels {
        assert_eq!(level.counts.iter().map(|c| *c as usize).sum::<usize>(), level.nonzeros);
        assert!(level.seconds.is_some_and(|s| s >= 0.0));
    }
    assert!(levels[0].seconds > levels[1].seconds);
}

#[test]
fn bad_input_is_an_error() {
    let problem = poisson_2d(8, 8).unwrap();
    let few = crate::sparse::DenseMatrix::zeros(3, 2);
    let e = Report::new("").coordinates(&few).run(&problem.matrix, &problem.rhs, &mut |_| ()).unwrap_err();
    assert!(e.to_string().contains("3 points"), "{e}");
    assert!(Report::new("").run(&problem.matrix, &[1.0], &mut |_| ()).is_err());
    let page = Report::new("").time_limit(0.0).run(&problem.matrix, &problem.rhs, &mut |_| ()).unwrap();
    assert!(page.write("/nonexistent/folder/report.html").is_err());
}

/// Where the first configuration does not solve the system, the page describes the one that does.
#[test]
fn the_levels_are_those_of_the_answer() {
    let problem = crate::gallery::helmholtz_2d(40, 12.0).unwrap();
    let page = Report::new("").time_limit(1.0).run(&problem.matrix, &problem.rhs, &mut |_| ()).unwrap();
    let other = page.outcome.solver.as_deref().unwrap();
    assert!(page.outcome.converged() && !page.outcome.attempts.is_empty() && other != page.summary);
    assert!(page.solver.starts_with(other), "{other}: {}", page.solver);
    assert!(page.html().unwrap().contains("which the sections below describe"));
}
