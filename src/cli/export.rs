//! `multigrad export`.

use super::arguments::Export;
use super::common::{read_square, right_hand_side};
use super::output::{complain, say};
use super::paths::check_outputs;
use super::{Verdict, misuse};
use crate::error::Result;
use crate::petsc::{self, IndexWidth};
use crate::schwarz::partition;
use crate::solver::Solver;

pub fn run(options: &Export) -> Result<Verdict> {
    check_outputs(
        [Some(options.matrix.as_path()), options.rhs.as_deref(), options.preconditioner.as_deref()],
        [Some(options.output.as_path()), options.system.as_deref()],
    )?;
    if options.rhs.is_some() && options.system.is_none() {
        return Err(misuse("--rhs goes into the file of --system; name that as well"));
    }
    let mut file = read_square(&options.matrix)?;
    let width = if options.wide { IndexWidth::Bits64 } else { IndexWidth::Bits32 };
    if let Some(path) = &options.system {
        let b = right_hand_side(options.rhs.as_deref(), &mut file)?;
        petsc::write_system(path, &file.matrix, Some(&b), width)?;
    }
    let a = &file.matrix;
    let solver = match &options.preconditioner {
        Some(path) => Solver::load(path, a)?,
        None => Solver::auto(a)?,
    };
    let mut export = petsc::Export::new(&solver).index_width(width);
    if let Some(rings) = options.overlap {
        export = export.overlap(rings);
    }
    if let Some(ranks) = options.ranks {
        export = if options.renumber {
            export.rank_of_rows(partition(a.pattern(), ranks.min(a.rows()))?, ranks)
        } else {
            export.ranks(ranks)
        };
    }
    let written = export.write(&options.output)?;
    if solver.is_single_precision() {
        complain(
            "the solver is in single precision: its values are exported as they are, and PETSc computes with them in double precision",
        );
    }
    say(format_args!("{solver}\n"));
    let ranks = match written.ranks {
        0 => "any number of ranks".to_string(),
        1 => "one rank".to_string(),
        many => format!("{many} ranks"),
    };
    say(format_args!("for {ranks}: {} and {}", written.file.display(), written.options.display()));
    Ok(Verdict::Done)
}
