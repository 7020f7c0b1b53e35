//! What several commands share: reading, building, writing.

use std::path::Path;
use std::time::Instant;

use super::arguments::HierarchyOptions;
use super::misuse;
use super::values::HierarchyChoice;
use crate::error::{Error, Result};
use crate::multigrid::{Amg, CycleKind, Relaxation, candidate_variants, suited_variant};
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

/// Builds the hierarchy that the options ask for; seconds beside it.
pub fn build(
    (a, path): (&Csr<f64>, &Path),
    options: &HierarchyOptions,
    variant: Variant,
    relaxation: Relaxation,
) -> Result<(Amg, f64)> {
    if let Some(size) = options.block_size
        && !a.rows().is_multiple_of(size)
    {
        return Err(misuse(format!(
            "--block-size {size} does not divide the {} rows of {}; leave it out to have it detected",
            a.rows(),
            path.display()
        )));
    }
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
        builder = builder.cycle(CycleKind::W);
    }
    if let Some(modes) = &options.near_nullspace {
        let candidates = matrix_market::read_dense(modes)?;
        if candidates.nrows() != a.rows() {
            return Err(Error::dimension(format!(
                "{}: {} rows of near-nullspace candidates for a matrix with {} rows",
                modes.display(),
                candidates.nrows(),
                a.rows()
            )));
        }
        builder = builder.near_nullspace(candidates);
    }
    let amg = builder.build(a).map_err(|e| e.at(path.display()))?;
    Ok((amg, clock.elapsed().as_secs_f64()))
}

/// As [`build`] with the smoother that suits the symmetry of the matrix: Gauss–Seidel or ILU(0).
pub fn build_suited(
    (a, path): (&Csr<f64>, &Path),
    options: &HierarchyOptions,
    variant: Variant,
) -> Result<(Amg, Relaxation)> {
    let suited = if a.is_symmetric() { Relaxation::GaussSeidel } else { Relaxation::Ilu0(1.0) };
    match build((a, path), options, variant, suited) {
        // ILU(0) may meet a zero pivot where Gauss–Seidel only needs the diagonal.
        Err(e) if e.is_singular() => {
            let other = Relaxation::GaussSeidel;
            build((a, path), options, variant, other).map(|(amg, _)| (amg, other))
        }
        built => built.map(|(amg, _)| (amg, suited)),
    }
}

/// The hierarchies to consider: the named one, the suited one, or for training on a
/// nonsymmetric matrix both that may suit it.
pub fn variants(a: &Csr<f64>, choice: HierarchyChoice, training: bool) -> Vec<Variant> {
    match choice {
        HierarchyChoice::Named(variant) => vec![variant],
        HierarchyChoice::Auto if training => candidate_variants(a),
        HierarchyChoice::Auto => vec![suited_variant(a)],
    }
}

/// Writes a value as indented JSON, whole or not at all.
pub fn write_json(path: &Path, value: &serde_json::Value) -> Result<()> {
    write_atomic(path, |file| {
        serde_json::to_writer_pretty(&mut *file, value)?;
        file.write_all(b"\n")
    })
}
