//! Stored data, apart from the vectors that flow through it.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::backend::{Direct, View};
use crate::schwarz::SubdomainSolver;
use crate::sparse::{Csr, Pattern, Scalar};

/// How an engine holds stored data: values of matrices and diagonals, and direct solvers.
///
/// A hierarchy is generic over its leaves, so that uploading to a device, recording as
/// parameter or constant, changing precision and saving are one and the same walk.
pub trait Leaves: Copy + Debug + 'static {
    /// A flat vector of values.
    type Values: Clone + Debug + 'static;
    /// A factored matrix.
    type Direct: Clone + Debug + 'static;
    /// A factored Schwarz method.
    type Method: Debug + 'static;
}

/// Leaves in the memory of the host.
#[derive(Debug, Clone, Copy, Default)]
pub struct Host<T>(PhantomData<T>);

impl<T: Scalar> Leaves for Host<T> {
    type Values = Arc<Vec<T>>;
    type Direct = Arc<Direct<T>>;
    type Method = SubdomainSolver<T>;
}

/// A sparse matrix whose values are a leaf of type `V`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Matrix<V> {
    /// Structure, shared.
    pub pattern: Arc<Pattern>,
    /// Values, on the pattern.
    pub values: V,
}

impl<V> Matrix<V> {
    /// The same structure with values of another kind.
    pub fn map<W>(&self, f: impl FnOnce(&V) -> W) -> Matrix<W> {
        Matrix { pattern: self.pattern.clone(), values: f(&self.values) }
    }
}

impl<T: Scalar> Matrix<Arc<Vec<T>>> {
    /// Borrowed, for kernels.
    pub fn view(&self) -> View<'_, T> {
        View { pattern: &self.pattern, values: &self.values }
    }

    /// As a sparse matrix that shares the values.
    pub fn to_csr(&self) -> Csr<T> {
        Csr::from_shared(self.pattern.clone(), self.values.clone())
    }
}

impl<T: Scalar> From<Csr<T>> for Matrix<Arc<Vec<T>>> {
    fn from(a: Csr<T>) -> Self {
        let (pattern, values) = a.into_shared();
        Matrix { pattern, values }
    }
}
