//! The binary format of a solver, in memory and in files.
//!
//! | bytes | content |
//! |---|---|
//! | 8 | `MGRAD` and three zeros |
//! | 4 | version, little endian |
//! | 8 | length of the payload, little endian |
//! | … | the origin and the hierarchy, in the `postcard` encoding |
//! | 16 | XXH3-128 of everything before, little endian |

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use super::equations::{Equations, is_order};
use super::transform::Transform;
use super::value::Solver;
use crate::engine::Host;
use crate::error::{Error, Result};
use crate::krylov::Krylov;
use crate::multigrid::{Cycle, CyclePreconditioner, Hierarchy, Setup};
use crate::operator::Preconditioner;
use crate::sparse::{Csr, Fingerprint, write_atomic};

const MAGIC: &[u8; 8] = b"MGRAD\0\0\0";
/// Files of version 7 did not say whether a direct solver was that of a system.
const VERSION: u32 = 8;
const HEADER: usize = 20;
const CHECKSUM: usize = 16;

/// The data of a solver except its hierarchy and matrix.
#[derive(Serialize, Deserialize)]
struct Origin {
    fingerprint: Fingerprint,
    setup: Setup,
    /// Stored as text, so that parameters are checked on reading.
    relaxation: Option<String>,
    sweeps: (usize, usize),
    krylov: Option<Krylov>,
    smoother: Option<String>,
    factor: Option<f64>,
    reasons: Vec<String>,
    /// Whether the cycle belongs to a transformed system, which follows from the matrix.
    transformed: bool,
    /// The order of the rows of that system, if it is not that of its equations.
    order: Option<Arc<[u32]>>,
    /// The order of its equations, if it is not that of the matrix.
    equations: Option<Equations>,
}

#[derive(Serialize)]
enum Payload<'a> {
    Double(&'a Hierarchy<Host<f64>>),
    Single(&'a Hierarchy<Host<f32>>),
}

#[derive(Deserialize)]
enum Loaded {
    Double(Hierarchy<Host<f64>>),
    Single(Hierarchy<Host<f32>>),
}

impl Solver {
    /// The solver as bytes with a version and a checksum, the content of a [saved](Self::save) file, for a file of your own such
    /// as a checkpoint. They do not contain the matrix. They hold one configuration: that which solved last, if an
    /// automatic solver had to leave its first one. Cost: a copy of the hierarchy.
    ///
    /// # Errors
    /// None in practice.
    ///
    /// ```
    /// use multigrad::{Solver, gallery};
    /// let problem = gallery::poisson_2d(20, 20)?;
    /// let bytes = Solver::auto(&problem.matrix)?.to_bytes()?;
    ///
    /// let solver = Solver::from_bytes(&bytes, &problem.matrix)?; // an error for any other matrix
    /// assert!(solver.solve(&problem.rhs)?.converged());
    /// # Ok::<(), multigrad::Error>(())
    /// ```
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        if let Some(answered) = self.answered() {
            return answered.to_bytes();
        }
        let payload = match &self.cycle {
            Cycle::Double(cycle) => Payload::Double(cycle.hierarchy()),
            Cycle::Single(cycle) => Payload::Single(cycle.hierarchy()),
        };
        let origin = Origin {
            fingerprint: self.fingerprint(),
            setup: self.setup.clone(),
            relaxation: self.relaxation.map(|r| r.to_string()),
            sweeps: self.sweeps,
            krylov: self.krylov,
            smoother: self.smoother.clone(),
            factor: self.factor,
            reasons: self.reasons.clone(),
            transformed: self.transform.is_some(),
            order: self.transform.as_ref().and_then(|t| t.order().cloned()),
            equations: self.transform.as_ref().and_then(|t| t.equations().cloned()),
        };
        let body = postcard::to_stdvec(&(&origin, payload))
            .map_err(|e| Error::format(format!("cannot encode the solver: {e}")))?;
        let mut bytes = Vec::with_capacity(HEADER + body.len() + CHECKSUM);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&(body.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&body);
        let checksum = xxh3_128(&bytes);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        Ok(bytes)
    }

    /// The solver of these bytes, for the matrix `a` for which it was built. Cost: a copy of the hierarchy, its
    /// compilation, and a pass over the matrix.
    ///
    /// # Errors
    /// Bytes that are not a solver, are of another version, or are truncated or damaged; a solver for another matrix.
    pub fn from_bytes(bytes: &[u8], a: &Csr<f64>) -> Result<Self> {
        let clock = Instant::now();
        let (origin, cycle) = parse(bytes)?;
        check_matrix(origin.fingerprint, a)?;
        solver(origin, cycle, a, clock)
    }

    /// Writes [`to_bytes`](Self::to_bytes) to a file, atomically.
    ///
    /// # Errors
    /// A path that cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let bytes = self.to_bytes()?;
        write_atomic(path.as_ref(), |file| file.write_all(&bytes))
    }

    /// Reads a solver that was saved for the matrix `a`.
    ///
    /// # Errors
    /// A file that cannot be read; those of [`from_bytes`](Self::from_bytes).
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("poisson.mgrad");
    /// use multigrad::{Amg, gallery};
    /// let problem = gallery::poisson_2d(20, 20)?;
    /// Amg::smoothed_aggregation().build(&problem.matrix)?.save(&path)?;
    ///
    /// let solver = Amg::load(&path, &problem.matrix)?; // an error for any other matrix
    /// assert!(solver.solve(&problem.rhs)?.converged());
    /// # Ok::<(), multigrad::Error>(())
    /// ```
    pub fn load(path: impl AsRef<Path>, a: &Csr<f64>) -> Result<Self> {
        read(path.as_ref(), |bytes| Self::from_bytes(bytes, a))
    }

    /// Reads a solver that was saved for another matrix of the same size, and uses it for `a`. Its levels and
    /// smoothers are those of the other matrix.
    ///
    /// # Errors
    /// As [`load`](Self::load), except for different values or a different pattern of the matrix.
    pub fn load_for_other(path: impl AsRef<Path>, a: &Csr<f64>) -> Result<Self> {
        read(path.as_ref(), |bytes| {
            let clock = Instant::now();
            let (origin, cycle) = parse(bytes)?;
            if origin.fingerprint.rows() != a.rows() || a.rows() != a.cols() {
                check_matrix(origin.fingerprint, a)?;
            }
            solver(origin, cycle, a, clock)
        })
    }
}

/// The solver of a file; errors name the file.
fn read(path: &Path, solver: impl FnOnce(&[u8]) -> Result<Solver>) -> Result<Solver> {
    let bytes = std::fs::read(path).map_err(|e| Error::io("read", path, e))?;
    solver(&bytes).map_err(|e| e.at(path.display()))
}

/// Refuses a matrix with another fingerprint.
fn check_matrix(own: Fingerprint, a: &Csr<f64>) -> Result<()> {
    if own == a.fingerprint() {
        return Ok(());
    }
    let difference = if own.rows() != a.rows() || a.rows() != a.cols() {
        format!("it has {} unknowns, this matrix is {} × {}", own.rows(), a.rows(), a.cols())
    } else if own.nnz() != a.nnz() {
        format!("its matrix has {} nonzeros, this one {}", own.nnz(), a.nnz())
    } else {
        "the values or the pattern differ".to_string()
    };
    Err(Error::fingerprint(format!("the solver was made for another matrix: {difference}")))
}

fn solver(origin: Origin, cycle: Cycle, a: &Csr<f64>, clock: Instant) -> Result<Solver> {
    let mut solver = Solver::of(a.clone(), cycle, origin.setup);
    solver.relaxation = origin.relaxation.map(|text| text.parse()).transpose()?;
    (solver.sweeps, solver.krylov) = (origin.sweeps, origin.krylov);
    (solver.smoother, solver.factor) = (origin.smoother, origin.factor);
    solver.reasons = origin.reasons;
    if origin.transformed {
        let fit = origin.equations.as_ref().is_none_or(|equations| equations.fit(a.rows()))
            && origin.order.as_ref().is_none_or(|order| is_order(order, a.rows()));
        if !fit {
            return Err(Error::format(
                "the order of the equations does not fit the matrix; save the solver again",
            ));
        }
        let transform = Transform::restored(a, origin.equations.as_ref(), origin.order);
        let transform = transform.ok_or_else(|| {
            Error::fingerprint(
                "the solver belongs to a scaled system, and this matrix needs no scaling; build a new solver",
            )
        })?;
        solver.transform = Some(transform.into());
    }
    solver.setup_seconds = clock.elapsed().as_secs_f64();
    Ok(solver)
}

fn parse(bytes: &[u8]) -> Result<(Origin, Cycle)> {
    let damaged = |what: &str| Error::format(format!("{what}; train or save the solver again"));
    if bytes.is_empty() {
        return Err(damaged("the saved solver is empty"));
    }
    if bytes.len() < MAGIC.len() || &bytes[..MAGIC.len()] != MAGIC {
        return Err(Error::format("this is not a solver saved by multigrad (which begins with 'MGRAD')"));
    }
    if bytes.len() < HEADER + CHECKSUM {
        return Err(damaged("the saved solver is truncated"));
    }
    let version = u32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]);
    let length = u64::from_le_bytes(std::array::from_fn(|q| bytes[12 + q]));
    // The layout of the payload depends on the version.
    if version != VERSION {
        let age = if version < VERSION { "an earlier" } else { "a later" };
        return Err(Error::format(format!(
            "the solver was saved by {age} version of multigrad (format {version}, this one reads {VERSION}); build or train the solver again and save it"
        )));
    }
    let (content, checksum) = bytes.split_at(bytes.len() - CHECKSUM);
    let intact = xxh3_128(content).to_le_bytes() == checksum;
    if !intact && length > (content.len() - HEADER) as u64 {
        return Err(damaged("the saved solver is truncated"));
    }
    if !intact {
        return Err(damaged("the saved solver is damaged: its checksum does not match"));
    }
    if length != (content.len() - HEADER) as u64 {
        return Err(damaged("the saved solver is damaged: its length does not match"));
    }
    let ((origin, loaded), rest): ((Origin, Loaded), &[u8]) =
        postcard::take_from_bytes(&content[HEADER..])
            .map_err(|e| damaged(&format!("its content cannot be decoded ({e})")))?;
    if !rest.is_empty() {
        return Err(damaged("data follow the saved solver"));
    }
    let cycle = match loaded {
        Loaded::Double(h) => Cycle::Double(CyclePreconditioner::new(h)?),
        Loaded::Single(h) => Cycle::Single(CyclePreconditioner::new(h)?),
    };
    if cycle.rows() != origin.fingerprint.rows() {
        return Err(damaged("the hierarchy and the fingerprint differ in size"));
    }
    Ok((origin, cycle))
}
