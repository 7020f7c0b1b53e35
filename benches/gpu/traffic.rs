//! Memory traffic of the kernels of a cycle.

use multigrad::backend::OnDevice;
use multigrad::engine::{Device, Fused, Launch, Operation, Place, Program, Written};
use multigrad::sparse::Pattern;

/// Bytes that the launches of a program move, and their number.
#[derive(Debug, Clone, Copy)]
pub struct Traffic {
    /// Operations, each of which is one launch but for triangles and subdomains.
    pub operations: usize,
    /// Bytes read and written; NaN if they are not known.
    pub bytes: f64,
}

impl Traffic {
    /// The traffic of a program.
    pub fn of<T: OnDevice>(program: &Program<T>) -> Self {
        let bytes = program.launches().map(|launch| bytes_of(program, launch));
        Self { operations: program.launches().count(), bytes: bytes.sum() }
    }
}

/// Bytes that a launch moves; NaN if they are not known.
pub fn bytes_of<T: OnDevice>(program: &Program<T>, launch: &Launch<Written<Device<T>>>) -> f64 {
    let moved = match launch {
        Launch::Single(operation) => of_operation(program, operation),
        Launch::Fused(fused) => of_fused(fused),
    };
    (moved.values * size_of::<T>() + moved.indices) as f64 + moved.unknown
}

/// The name of a launch, and the rows and nonzeros of its matrix.
pub fn name_of<T: OnDevice>(launch: &Launch<Written<Device<T>>>) -> String {
    use Operation as O;
    let named = |name: &str, a: &Pattern| format!("{name}, {} rows, {} nonzeros", a.rows(), a.nnz());
    match launch {
        Launch::Single(operation) => match operation {
            O::Spmv { a, transposed: false, .. } => named("product", &a.pattern),
            O::Spmv { a, .. } => named("transposed product", &a.pattern),
            O::Residual { a, .. } => named("residual", &a.pattern),
            O::Jacobi { a, .. } => named("Jacobi sweep", &a.pattern),
            O::Solve { .. } => "dense product".into(),
            _ => "another operation".into(),
        },
        Launch::Fused(fused) => match fused {
            Fused::FirstResidual { a, .. } => named("first sweep and residual", &a.pattern),
            Fused::RestrictedResidual { a, .. } => named("restricted residual", &a.pattern),
            Fused::FirstRestrictedResidual { a, .. } => {
                named("first sweep and restricted residual", &a.pattern)
            }
            Fused::CorrectedJacobi { a, .. } => named("correction and Jacobi sweep", &a.pattern),
        },
    }
}

/// Values and bytes of indices that a kernel moves; NaN for what is not known.
struct Moved {
    values: usize,
    indices: usize,
    unknown: f64,
}

fn moved(values: usize, indices: usize) -> Moved {
    Moved { values, indices, unknown: 0.0 }
}

/// A matrix with `vectors` values and `more` bytes for each of its rows, and what it is multiplied with once.
fn product(a: &Pattern, vectors: usize, more: usize) -> Moved {
    let (rows, entries) = (a.rows(), a.nnz());
    moved(entries + a.cols() + vectors * rows, 4 * entries + (4 + more) * rows)
}

fn of_operation<T: OnDevice>(program: &Program<T>, operation: &Operation<Written<Device<T>>>) -> Moved {
    use Operation as O;
    let rows = |place: &Place| program.rows_at(*place);
    let read_too = |factor: f64| usize::from(factor != 0.0);
    match operation {
        O::Copy { x, .. } => moved(2 * rows(x), 0),
        O::Clear { x } => moved(rows(x), 0),
        O::Spmv { a, beta, .. } => product(&a.pattern, 1 + read_too(*beta), 0),
        O::Residual { a, .. } => product(&a.pattern, 2, 0),
        O::DiagonalAdd { x, .. } => moved(4 * rows(x), 0),
        O::DiagonalScale { x, .. } => moved(3 * rows(x), 0),
        O::Jacobi { a, .. } => product(&a.pattern, 3, 0),
        O::PolynomialStep { a, factors, .. } => product(&a.pattern, 3 + read_too(factors.0), 0),
        O::Combine { x, beta, .. } => moved((2 + read_too(*beta)) * rows(x), 0),
        O::LeastSquares { b, second, x, .. } => {
            let pairs = 1 + usize::from(second.is_some());
            moved((rows(b) + rows(x)) * (pairs + 1), 0)
        }
        O::SolveTriangular { a, x, .. } => {
            let half = (a.pattern.nnz() + rows(x)) / 2;
            moved(half + 2 * rows(x), 4 * half + 16 * rows(x))
        }
        O::SweepTriangular { a, x, .. } => product(&a.pattern, 1 + usize::from(x.is_some()), 0),
        O::GaussSeidel { a, .. } => product(&a.pattern, 2, 16),
        O::OrderedSweep { a, .. } => product(&a.pattern, 3, 4),
        // It depends on the sizes of the parts.
        O::SubdomainSolves { .. } => Moved { unknown: f64::NAN, ..moved(0, 0) },
        // A dense matrix.
        O::Solve { b, .. } => moved(rows(b) * rows(b) + 2 * rows(b), 0),
    }
}

fn of_fused<T: OnDevice>(fused: &Fused<Written<Device<T>>>) -> Moved {
    match fused {
        // b, d, x and r once for each row.
        Fused::FirstResidual { a, .. } => product(&a.pattern, 3, 0),
        Fused::RestrictedResidual { restriction, a, .. } => {
            let (a, r) = (&a.pattern, &restriction.pattern);
            let values = a.nnz() + a.cols() + a.rows() + r.nnz() + r.rows();
            moved(values, 4 * (a.nnz() + a.rows() + r.nnz() + r.rows()))
        }
        // b, d and x once for each row.
        Fused::FirstRestrictedResidual { restriction, a, .. } => {
            let (a, r) = (&a.pattern, &restriction.pattern);
            let values = a.nnz() + 3 * a.rows() + r.nnz() + r.rows();
            moved(values, 4 * (a.nnz() + a.rows() + r.nnz() + r.rows()))
        }
        // x, d, b and the result once for each row.
        Fused::CorrectedJacobi { prolongation, a, .. } => {
            let (a, p) = (&a.pattern, &prolongation.pattern);
            let values = a.nnz() + 4 * a.rows() + p.nnz() + p.cols();
            moved(values, 4 * (a.nnz() + a.rows() + p.nnz() + p.rows()))
        }
    }
}
