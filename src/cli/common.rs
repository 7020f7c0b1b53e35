//! What several commands share: reading, building, writing.

use std::path::Path;
use std::time::Instant;

use super::arguments::{HierarchyChoice, HierarchyOptions};
use super::misuse;
use crate::error::{Error, Result};
use crate::multigrid::{Amg, Relaxation, suited_variant};
use crate::setup::{Coarsening, Variant};
use crate::sparse::{Csr, matrix_market, write_atomic};

/// A square matrix from a file.
pub fn read_square(path: &Path) -> Result<Csr<f64>> {
    let a = matrix_market::read_matrix(path)?;
    if a.rows() != a.cols() {
        let message = format!(
            "{}: the matrix is {} × {}; a solver needs a square one",
            path.display(),
            a.rows(),
            a.cols()
        );
        return Err(Error::dimension(message));
    }
    Ok(a)
}

/// Fails early if `path` cannot be written later, after the long work.
pub fn check_writable<'a>(paths: impl IntoIterator<Item = Option<&'a Path>>) -> Result<()> {
    for path in paths.into_iter().flatten() {
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        if path.is_dir() {
            return Err(Error::io("write", path, std::io::Error::other("it is a folder")));
        }
        tempfile::tempfile_in(folder).map_err(|e| Error::io("write", path, e))?;
    }
    Ok(())
}

/// Fails early on a picture whose name says no format.
pub fn check_picture(path: Option<&Path>) -> Result<()> {
    let Some(path) = path else { return Ok(()) };
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("").to_ascii_lowercase();
    if extension == "svg" || extension == "png" {
        return Ok(());
    }
    Err(misuse(format!(
        "cannot tell the picture format of {}: the name must end in .svg or .png",
        path.display()
    )))
}

/// Builds the hierarchy that the options ask for; seconds beside it.
pub fn build(
    a: &Csr<f64>,
    options: &HierarchyOptions,
    variant: Variant,
    relaxation: Relaxation,
) -> Result<(Amg, f64)> {
    let clock = Instant::now();
    let coarsening = Coarsening {
        variant,
        theta: options.theta,
        max_coarse: options.max_coarse,
        block_size: options.block_size,
        ..Coarsening::default()
    };
    let mut builder = Amg::smoothed_aggregation()
        .coarsening(coarsening)
        .relaxation(relaxation)
        .sweeps(options.cycle.pre, options.cycle.post);
    if options.cycle.w {
        builder = builder.w_cycle();
    }
    if let Some(path) = &options.near_nullspace {
        let candidates = matrix_market::read_dense(path)?;
        if candidates.nrows() != a.rows() {
            return Err(Error::dimension(format!(
                "{}: {} rows of near-nullspace candidates for a matrix with {} rows",
                path.display(),
                candidates.nrows(),
                a.rows()
            )));
        }
        builder = builder.near_nullspace(candidates);
    }
    let amg = builder.build(a)?;
    Ok((amg, clock.elapsed().as_secs_f64()))
}

/// The hierarchies to consider: the named one, the suited one, or for training on a
/// nonsymmetric matrix both that may suit it.
pub fn variants(a: &Csr<f64>, choice: HierarchyChoice, training: bool) -> Vec<Variant> {
    match choice {
        HierarchyChoice::Named(variant) => vec![variant],
        HierarchyChoice::Auto => match suited_variant(a) {
            Variant::Symmetric => vec![Variant::Symmetric],
            suited if !training => vec![suited],
            _ => vec![Variant::EnergyMinimised, Variant::SymmetricPart],
        },
    }
}

/// Writes a value as indented JSON, whole or not at all.
pub fn write_json(path: &Path, value: &serde_json::Value) -> Result<()> {
    write_atomic(path, |file| {
        serde_json::to_writer_pretty(&mut *file, value)?;
        file.write_all(b"\n")
    })
}

/// The name of a file without folder and extension.
pub fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
