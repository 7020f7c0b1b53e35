//! The direct solver, if its factors fit.

use crate::backend::{Direct, predicted_nonzeros};
use crate::error::Result;
use crate::krylov::{Outcome, Status};
use crate::solver::{Protocol, fastest_setup};
use crate::sparse::Csr;

use super::entry::Entry;

/// The direct solver on the right-hand sides of a protocol, or why it was left out.
pub(super) fn measure(
    a: &Csr<f64>,
    protocol: &Protocol<'_>,
    most: f64,
) -> Result<std::result::Result<Entry, String>> {
    let estimate = predicted_nonzeros(a.pattern()).unwrap_or(f64::INFINITY);
    if estimate > most {
        return Ok(Err(format!("its factors would have some {estimate:.0e} nonzeros, more than {most:.0e}")));
    }
    // As often as the others, but factors that take seconds are timed once.
    let (direct, seconds) = match fastest_setup(protocol.repeats, 1.0, &|| Direct::<f64>::new(a)) {
        Ok(built) => built,
        Err(e) => return Ok(Err(e.to_string())),
    };
    let measured = protocol.measure(&mut |_, b, _| {
        let mut x = vec![0.0; b.len()];
        direct.solve(b, &mut x, 1);
        Ok(Outcome {
            krylov: None,
            backward_error: None,
            solver: None,
            removed: None,
            attempts: Vec::new(),
            last_step: 0.0,
            x,
            // The residual is computed by the protocol.
            status: Status::Converged,
            iterations: 0,
            residual_history: Vec::new(),
            preconditioner_applications: 0,
            advice: None,
        })
    })?;
    Ok(Ok(Entry::new("direct solver".to_string(), seconds, measured, None)))
}
