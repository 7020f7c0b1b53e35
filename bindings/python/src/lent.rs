//! Arrays of SciPy that a matrix of the library reads in place, and the test that nobody has changed them.

use std::sync::Arc;

use multigrad::Csr;
use pyo3::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use crate::arrays::{Floats, Integers};
use crate::errors::Error;
use crate::worker::brief;

/// The arrays of a CSR matrix, which are released with the last matrix that reads them.
struct Arrays {
    row_ptr: Integers,
    columns: Integers,
    values: Floats,
}

impl Arrays {
    fn structure(&self) -> [u64; 2] {
        [&self.row_ptr, &self.columns].map(|list| xxh3_64(list.bytes()))
    }
}

/// The arrays of a matrix with hashes of their contents.
#[derive(Clone)]
pub struct Lent {
    arrays: Arc<Arrays>,
    structure: [u64; 2],
    values: u64,
}

impl Lent {
    /// A rows × cols matrix that reads these arrays in place; gives them back where their indices have 64 bits. Cost: three
    /// passes.
    #[allow(unsafe_code)]
    #[expect(clippy::type_complexity, reason = "the arrays come back as they were")]
    pub fn new(
        py: Python<'_>,
        (rows, cols): (usize, usize),
        (row_ptr, columns, values): (Integers, Integers, Floats),
    ) -> PyResult<Result<(Csr<f64>, Self), (Integers, Integers, Floats)>> {
        if row_ptr.narrow().is_none() || columns.narrow().is_none() {
            return Ok(Err((row_ptr, columns, values)));
        }
        let arrays = Arc::new(Arrays { row_ptr, columns, values });
        brief(py, || {
            let lists = (
                arrays.row_ptr.narrow().unwrap_or(&[]),
                arrays.columns.narrow().unwrap_or(&[]),
                arrays.values.values(),
            );
            // SAFETY: the buffers hold their memory as long as `arrays`. Writing to it breaks the contract of the package;
            // `check` finds it before the next use.
            let csr = unsafe { Csr::lent(rows, cols, lists, arrays.clone()) }?;
            let (structure, values) = (arrays.structure(), xxh3_64(arrays.values.bytes()));
            Ok(Ok((csr, Self { arrays, structure, values })))
        })
    }

    /// An error if the indices have changed, or, with `values`, the values. Cost: a pass.
    pub fn check(&self, py: Python<'_>, values: bool) -> PyResult<()> {
        let same = py.detach(|| {
            self.structure == self.arrays.structure()
                && (!values || self.values == xxh3_64(self.arrays.values.bytes()))
        });
        if same {
            return Ok(());
        }
        Err(Error::new_err(
            "the arrays of A were changed after the solver had been built from them; call update(A), or build the solver from a copy of A",
        ))
    }
}
