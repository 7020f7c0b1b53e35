//! `multigrad info`.

use std::time::Instant;

use serde_json::json;

use super::Verdict;
use super::arguments::Info;
use super::common::{build_suited, read_square, variants, write_json};
use super::output::{level_table, say};
use super::paths::check_outputs;
use crate::error::Result;
use crate::sparse::Csr;

pub fn run(options: &Info) -> Result<Verdict> {
    let inputs = [Some(options.matrix.as_path()), options.hierarchy.near_nullspace.as_deref()];
    check_outputs(inputs, [options.json.as_deref()])?;
    let a = read_square(&options.matrix)?;
    let facts = Facts::of(&a);
    say(&facts);
    let variant = variants(&a, options.hierarchy.hierarchy, false)[0];
    let clock = Instant::now();
    let (amg, _) = build_suited((&a, &options.matrix), &options.hierarchy, variant)?;
    let seconds = clock.elapsed().as_secs_f64();
    say(format_args!("\n{amg}\nsetup {seconds:.3} s"));
    if let Some(path) = &options.json {
        let h = amg.hierarchy();
        let value = json!({
            "rows": a.rows(),
            "nonzeros": a.nnz(),
            "asymmetry": facts.asymmetry,
            "symmetric": facts.asymmetry < 1e-12,
            "symmetric_pattern": a.pattern().is_symmetric(),
            "positive_offdiagonals": facts.positive,
            "diagonally_dominant_rows": facts.dominant,
            "zero_diagonals": facts.zero_diagonals,
            "fingerprint": a.fingerprint().to_string(),
            "hierarchy": variant,
            "levels": h.levels.len() + 1,
            "level_table": level_table(h),
            "operator_complexity": h.operator_complexity(),
            "grid_complexity": h.grid_complexity(),
            "setup_seconds": seconds,
        });
        write_json(path, &value)?;
    }
    Ok(Verdict::Done)
}

/// Properties that decide which method suits.
struct Facts {
    rows: usize,
    nnz: usize,
    asymmetry: f64,
    positive: usize,
    dominant: usize,
    zero_diagonals: usize,
    fingerprint: String,
}

impl Facts {
    fn of(a: &Csr<f64>) -> Self {
        let rows = 0..a.rows();
        let dominates = |i: &usize| {
            let off: f64 = a.row(*i).filter(|&(j, _)| j != *i).map(|(_, v)| v.abs()).sum();
            a.get(*i, *i).abs() >= off * (1.0 - 1e-12)
        };
        let positive = |i: usize| a.row(i).filter(|&(j, v)| j != i && v > 0.0).count();
        Self {
            rows: a.rows(),
            nnz: a.nnz(),
            asymmetry: a.asymmetry(),
            positive: rows.clone().map(positive).sum(),
            dominant: rows.filter(dominates).count(),
            zero_diagonals: a.diagonal().iter().filter(|d| **d == 0.0).count(),
            fingerprint: a.fingerprint().to_string(),
        }
    }
}

impl std::fmt::Display for Facts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let symmetry = if self.asymmetry < 1e-12 {
            "symmetric".into()
        } else {
            format!("not symmetric, ‖A − Aᵀ‖_F / ‖A‖_F = {:.2e}", self.asymmetry)
        };
        writeln!(
            f,
            "matrix                   {0} × {0}, {1} nonzeros, {2:.1} per row",
            self.rows,
            self.nnz,
            self.nnz as f64 / self.rows.max(1) as f64
        )?;
        writeln!(f, "symmetry                 {symmetry}")?;
        writeln!(f, "positive off-diagonals   {}", self.positive)?;
        writeln!(f, "diagonally dominant      {} of {} rows", self.dominant, self.rows)?;
        writeln!(f, "zeros on the diagonal    {}", self.zero_diagonals)?;
        write!(f, "fingerprint              {}", self.fingerprint)
    }
}
