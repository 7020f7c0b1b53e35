//! The options of an exported solver, as PETSc reads them.

use std::fmt::Write;

use super::levels::Levels;
use super::sweeps::{Part, Side};
use crate::krylov::Krylov;

/// The text of the options file.
pub(super) fn text(levels: &Levels, krylov: Krylov, name: &str) -> String {
    let mut out = format!(
        "# Options of the solver in {name}, written by multigrad. The loader (multigrad_petsc.h, multigrad_petsc.py)\n\
         # reads this file; options on the command line take precedence.\n"
    );
    let mut line = |key: &str, value: &str| {
        // A string takes any text.
        let _ = writeln!(out, "-{key} {value}");
    };
    let (ksp, norm) = match krylov {
        Krylov::Cg => ("cg", "unpreconditioned"),
        Krylov::BiCgStab => ("bcgs", "unpreconditioned"),
        Krylov::Richardson => ("richardson", "unpreconditioned"),
        Krylov::Fgmres => ("fgmres", "unpreconditioned"),
    };
    line("ksp_type", ksp);
    line("ksp_norm_type", norm);
    if krylov == Krylov::BiCgStab {
        line("ksp_pc_side", "right");
    }
    line("ksp_rtol", "1e-8");
    line("ksp_atol", "0");
    line("ksp_max_it", "500");
    line("pc_type", "mg");
    line("pc_mg_cycle_type", if levels.visits == 1 { "v" } else { "w" });
    let count = levels.levels.len();
    let distinct = levels.levels.iter().any(|l| l.post.is_some());
    for (number, level) in levels.levels.iter().enumerate() {
        let prefix =
            if number == 0 && count > 1 { "mg_coarse_".into() } else { format!("mg_levels_{number}_") };
        side(&mut line, &prefix, &level.pre);
        if levels.visits > 1 && number > 0 && number + 1 < count {
            // PETSc would start the second visit from zero.
            line(&format!("{prefix}ksp_initial_guess_nonzero"), "1");
        }
        if distinct && number > 0 {
            side(&mut line, &format!("{prefix}up_"), level.post.as_ref().unwrap_or(&level.pre));
        }
    }
    out
}

fn side(line: &mut dyn FnMut(&str, &str), prefix: &str, side: &Side) {
    let exact = matches!(side.parts[..], [Part::Direct]);
    line(&format!("{prefix}ksp_type"), if exact { "preonly" } else { "richardson" });
    if !exact {
        line(&format!("{prefix}ksp_max_it"), &side.iterations.to_string());
        line(&format!("{prefix}ksp_norm_type"), "none");
    }
    let mut part = |prefix: &str, part: &Part| {
        part.options().iter().for_each(|(key, value)| line(&format!("{prefix}{key}"), value));
    };
    match &side.parts[..] {
        [] => line(&format!("{prefix}pc_type"), "none"),
        [one] => part(prefix, one),
        several => {
            several.iter().enumerate().for_each(|(q, p)| part(&format!("{prefix}sub_{q}_"), p));
            line(&format!("{prefix}pc_type"), "composite");
            line(&format!("{prefix}pc_composite_type"), "multiplicative");
        }
    }
}
