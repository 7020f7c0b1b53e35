//! Steps shared by several commands: reading input, choosing a configuration, writing results.

use std::path::Path;

use super::output::complain;
use super::setup_options::HierarchyOptions;
use super::values::HierarchyChoice;
use crate::error::{Error, Result};
use crate::multigrid::{Relaxation, Setup};
use crate::solver::{Amg, training_setup, training_setups};
use crate::solver::{Choice, Configuration, Krylov, MatrixProperties};
use crate::sparse::{Csr, DenseMatrix, MatrixFile, write_atomic};

/// Reads a square matrix from a file, and prints its notices on standard error.
pub fn read_square(path: &Path) -> Result<MatrixFile> {
    let file = MatrixFile::read(path)?;
    let (rows, cols) = (file.matrix.rows(), file.matrix.cols());
    if rows != cols {
        let message =
            format!("{}: the matrix is {rows} × {cols}; a solver needs a square one", path.display());
        return Err(Error::dimension(message));
    }
    file.notices.iter().for_each(|notice| complain(format_args!("{}: {notice}", path.display())));
    Ok(file)
}

/// Reads a right-hand side from the file `path`; without one, takes that of the file of the matrix, with a notice;
/// else a vector of ones.
pub fn right_hand_side(path: Option<&Path>, file: &mut MatrixFile) -> Result<Vec<f64>> {
    let rows = file.matrix.rows();
    let Some(path) = path else {
        let Some(b) = file.rhs.take() else { return Ok(vec![1.0; rows]) };
        let notice = "the right-hand side is the one in the file of the matrix; --rhs gives another";
        complain(notice);
        file.notices.push(notice.to_string());
        return Ok(b);
    };
    let b = MatrixFile::read_vector(path)?;
    if b.len() != rows {
        return Err(Error::dimension(format!(
            "{}: the right-hand side has {} values, the matrix {rows} rows",
            path.display(),
            b.len()
        )));
    }
    Ok(b)
}

/// The configurations that the options request; the matrix determines the rest.
pub fn choice(
    a: &Csr<f64>,
    options: &HierarchyOptions,
    smoother: Option<Relaxation>,
    candidates: Option<&DenseMatrix>,
) -> Result<Choice> {
    let properties = MatrixProperties::of(a);
    let mut choice = match &options.hierarchy {
        HierarchyChoice::Auto if smoother.is_some() => Choice::by_properties(a, candidates.is_some()),
        HierarchyChoice::Auto => Choice::of(a, candidates.is_some()),
        HierarchyChoice::Named(setup) => Choice::asked_for(named(setup, &properties), &properties),
    };
    if matches!(options.hierarchy, HierarchyChoice::Auto) {
        // Options for levels exclude configurations without levels.
        let fits = |c: &Configuration| match c.setup {
            Setup::OneLevel | Setup::Pivoted => options.apply(c.setup.clone()).is_ok(),
            Setup::Direct => smoother.is_none() && options.apply(Setup::Direct).is_ok(),
            _ => true,
        };
        choice.configurations.retain(fits);
    }
    for c in &mut choice.configurations {
        c.setup = options.apply(c.setup.clone())?;
        if let Some(cycle) = options.cycle {
            (c.cycle, c.sweeps) = (cycle.kind, (cycle.pre, cycle.post));
        }
        c.relaxation = smoother.unwrap_or(c.relaxation);
    }
    choice.configurations.dedup();
    Ok(choice)
}

/// A setup by name with suitable smoothers: Gauss–Seidel, or ILU(0) with Gauss–Seidel as fallback for a zero
/// pivot.
fn named(setup: &Setup, properties: &MatrixProperties) -> Vec<Configuration> {
    let symmetric = properties.is_symmetric();
    let krylov = match setup {
        Setup::SaddlePoint(_) => Krylov::BiCgStab,
        _ if symmetric && setup.keeps_symmetry() => Krylov::Cg,
        _ => Krylov::Fgmres,
    };
    let with = |relaxation| Configuration::new(setup.clone(), relaxation, krylov).double();
    if symmetric && !setup.has_one_level() && !matches!(setup, Setup::SaddlePoint(_)) {
        return vec![with(Relaxation::GaussSeidel)];
    }
    let gauss_seidel = match setup {
        Setup::OneLevel | Setup::Pivoted => Relaxation::SymmetricGaussSeidel,
        _ => Relaxation::GaussSeidel,
    };
    vec![with(Relaxation::Ilu0(1.0)), with(gauss_seidel)]
}

/// Writes a value as indented JSON, atomically.
pub fn write_json(path: &Path, value: &serde_json::Value) -> Result<()> {
    write_atomic(path, |file| {
        serde_json::to_writer_pretty(&mut *file, value)?;
        file.write_all(b"\n")
    })
}

/// The requested hierarchy, or the candidate hierarchies for training.
pub fn training_hierarchies(options: &HierarchyOptions, a: &Csr<f64>, path: &Path) -> Result<Vec<Amg>> {
    let setups = match &options.hierarchy {
        HierarchyChoice::Auto => training_setups(a),
        HierarchyChoice::Named(setup) => vec![match &**setup {
            Setup::Aggregation(c) if **setup == Setup::from(c.variant) => training_setup(c.variant).into(),
            other => other.clone(),
        }],
    };
    let near_nullspace = options.candidates(a, path)?;
    let cycle = options.training_cycle();
    let build = |setup: Setup| -> Result<Amg> {
        let mut builder = Amg::builder(options.apply(setup)?)
            .relaxation(Relaxation::L1Jacobi)
            .sweeps(cycle.pre, cycle.post)
            .cycle(cycle.kind);
        if let Some(candidates) = &near_nullspace {
            builder = builder.near_nullspace(candidates.clone());
        }
        builder.build(a).map_err(|e| e.at(path.display()))
    };
    // With these options and candidates some of the setups may fail.
    let (mut hierarchies, mut failure) = (Vec::new(), None);
    for setup in setups {
        match build(setup) {
            Ok(amg) => hierarchies.push(amg),
            Err(e) => failure = Some(e),
        }
    }
    match failure {
        Some(e) if hierarchies.is_empty() => Err(e),
        _ => Ok(hierarchies),
    }
}
