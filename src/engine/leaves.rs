//! Stored data of a hierarchy, separate from the vectors of a run.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::backend::{Direct, View};
use crate::schwarz::SubdomainSolver;
use crate::sparse::{Csr, Pattern, Scalar, Storage};

/// Representation of the stored data of an engine: values of matrices and diagonals, and direct solvers.
///
/// A hierarchy is generic over its leaves. Uploading to a device, recording as parameters or constants, changing
/// the precision and saving therefore use the same traversal.
pub trait Leaves: Copy + Debug + 'static {
    /// A flat vector of values.
    type Values: Clone + Debug + 'static;
    /// A factored matrix.
    type Direct: Clone + Debug + 'static;
    /// A factored Schwarz method.
    type Method: Debug + 'static;
}

/// Leaves in host memory.
#[derive(Debug, Clone, Copy, Default)]
pub struct Host<T>(PhantomData<T>);

impl<T: Scalar> Leaves for Host<T> {
    type Values = Arc<Storage<T>>;
    type Direct = Arc<Direct<T>>;
    type Method = SubdomainSolver<T>;
}

/// A sparse matrix whose values are a leaf of type `V`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Matrix<V> {
    /// Shared sparsity pattern.
    pub pattern: Arc<Pattern>,
    /// Values on the pattern.
    pub values: V,
}

impl<V> Matrix<V> {
    /// The same pattern with another representation of the values.
    pub fn map<W>(&self, f: impl FnOnce(&V) -> W) -> Matrix<W> {
        Matrix { pattern: self.pattern.clone(), values: f(&self.values) }
    }
}

impl<T: Scalar> Matrix<Arc<Storage<T>>> {
    /// A borrowed view for kernels.
    pub fn view(&self) -> View<'_, T> {
        View::of(&self.pattern, &self.values)
    }

    /// A sparse matrix that shares the values.
    pub fn to_csr(&self) -> Csr<T> {
        Csr::from_shared(self.pattern.clone(), self.values.clone())
    }
}

impl<T: Scalar> From<Csr<T>> for Matrix<Arc<Storage<T>>> {
    fn from(a: Csr<T>) -> Self {
        let (pattern, values) = a.into_shared();
        Matrix { pattern, values }
    }
}
