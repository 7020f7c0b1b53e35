//! Conversion of a hierarchy to another precision, and its transpose.

use std::sync::Arc;

use super::hierarchy::{Hierarchy, Level, Place};
use super::smoother::Smoother;
use crate::engine::{Host, Matrix};
use crate::error::{Error, Result};
use crate::parallel;
use crate::sparse::{Scalar, Storage};

/// Number of values converted by one task.
const CHUNK: usize = 1 << 15;

impl<T: Scalar> Hierarchy<Host<T>> {
    /// The same hierarchy in another precision; the coarsest level is factored again.
    ///
    /// # Errors
    /// A value that overflows, or a coarsest matrix that is singular in that precision.
    pub fn cast<U: Scalar>(&self) -> Result<Hierarchy<Host<U>>> {
        let coarsest = Arc::new(self.coarsest.cast::<U>()?);
        let mut overflow = None;
        let cast = self.map::<Host<U>>(|place, values| round(place, values, &mut overflow), |_| coarsest);
        refuse_overflow::<U>(overflow).map(|()| cast)
    }

    /// As [`cast`](Self::cast), but releases every level once it is converted, so that memory never holds both
    /// precisions together.
    ///
    /// # Errors
    /// As [`cast`](Self::cast).
    pub(crate) fn into_precision<U: Scalar>(self) -> Result<Hierarchy<Host<U>>> {
        let coarsest = Arc::new(self.coarsest.cast::<U>()?);
        let (coarsest_rows, kind) = (self.coarsest_rows, self.kind);
        let mut levels = Vec::with_capacity(self.levels.len());
        for (depth, level) in self.levels.into_iter().enumerate() {
            let one = Hierarchy::<Host<T>> {
                levels: vec![level],
                coarsest: self.coarsest.clone(),
                coarsest_rows,
                kind,
            };
            let mut overflow = None;
            let one =
                one.map::<Host<U>>(|place, values| round(place, values, &mut overflow), |_| coarsest.clone());
            refuse_overflow::<U>(overflow.map(|place| Place { level: depth, ..place }))?;
            levels.extend(one.levels);
        }
        Ok(Hierarchy { levels, coarsest, coarsest_rows, kind })
    }

    /// The same hierarchy in double precision.
    pub(crate) fn widened(&self) -> Hierarchy<Host<f64>> {
        // A conversion to double precision cannot overflow.
        self.map(|place, values| round(place, values, &mut None), |d| Arc::new(d.widened()))
    }

    /// The hierarchy of the transposed cycle: A ↔ Aᵀ, P ↔ Rᵀ, and the pre- and post-sweeps transposed, swapped and
    /// in reverse order.
    ///
    /// # Errors
    /// A coarsest matrix that cannot be factored again, or a K-cycle, which is not linear.
    pub fn transposed(&self) -> Result<Self> {
        if !self.kind.is_linear() {
            return Err(Error::unsuited("a K-cycle is not linear and has no transpose; use a V- or W-cycle"));
        }
        let flip = |m: &Matrix<Arc<Storage<T>>>| Matrix::from(m.to_csr().transpose());
        let sweeps = |list: &[Smoother<_>]| list.iter().rev().map(Smoother::transposed).collect();
        let levels = self.levels.iter().map(|level| Level {
            a: flip(&level.a),
            prolongation: flip(&level.restriction),
            restriction: flip(&level.prolongation),
            pre: sweeps(&level.post),
            post: sweeps(&level.pre),
        });
        Ok(Hierarchy {
            levels: levels.collect(),
            coarsest: Arc::new(self.coarsest.transposed()?),
            coarsest_rows: self.coarsest_rows,
            kind: self.kind,
        })
    }
}

/// Values in another precision. Records a place where a value overflows.
fn round<T: Scalar, U: Scalar>(
    place: Place,
    values: &Arc<Storage<T>>,
    overflow: &mut Option<Place>,
) -> Arc<Storage<U>> {
    let mut rounded = vec![U::ZERO; values.len()];
    let chunks = rounded.chunks_mut(CHUNK).zip(values.chunks(CHUNK));
    let finite = parallel::map(chunks, &|(to, from): (&mut [U], &[T])| {
        to.iter_mut().zip(from).for_each(|(to, from)| *to = U::from_f64(from.to_f64()));
        to.iter().fold(true, |finite, v| finite & v.finite())
    });
    if finite.contains(&false) {
        overflow.get_or_insert(place);
    }
    Arc::new(Storage::from(rounded).with_runs_of(values))
}

fn refuse_overflow<U: Scalar>(overflow: Option<Place>) -> Result<()> {
    match overflow {
        None => Ok(()),
        Some(place) => Err(Error::invalid_input(format!(
            "a value of {:?} on level {} overflows {}; scale the matrix or keep f64",
            place.role,
            place.level,
            U::NAME
        ))),
    }
}
