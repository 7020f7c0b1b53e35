//! Leaves of a hierarchy in GPU memory.

use std::marker::PhantomData;
use std::sync::Arc;

use super::{DeviceMethod, Leaves};
use crate::backend::Cuda;
use crate::backend::cuda::{Memory, OnDevice, Plain};
use crate::error::Result;

/// Leaves in the memory of a device.
#[derive(Debug, Clone, Copy)]
pub struct Device<T>(PhantomData<T>);

impl<T: OnDevice> Leaves for Device<T> {
    type Values = Arc<Memory<T>>;
    type Direct = Arc<DenseOperator<T>>;
    type Method = DeviceMethod<T>;
}

/// A dense matrix on the device: the inverse of the coarsest operator, or the cycle from some level downwards.
#[derive(Debug)]
pub struct DenseOperator<T: Plain> {
    pub(super) rows: usize,
    pub(super) matrix: Memory<T>,
    /// Its transpose, if the run is differentiated.
    pub(super) transposed: Option<Memory<T>>,
}

impl<T: OnDevice> DenseOperator<T> {
    /// A row-major matrix of `rows` rows, with its transpose if the run is differentiated.
    pub(crate) fn new(cuda: &Cuda, rows: usize, matrix: &[T], differentiated: bool) -> Self {
        let transpose = || {
            let entry = |q: usize| matrix[(q % rows) * rows + q / rows];
            cuda.upload(&(0..rows * rows).map(entry).collect::<Vec<T>>())
        };
        Self { rows, matrix: cuda.upload(matrix), transposed: differentiated.then(transpose) }
    }

    /// Overwrites the values in place.
    pub(crate) fn write(&mut self, matrix: &[T]) -> Result<()> {
        self.matrix.write(matrix)?;
        let rows = self.rows;
        match &mut self.transposed {
            Some(transposed) => {
                let entry = |q: usize| matrix[(q % rows) * rows + q / rows];
                transposed.write(&(0..rows * rows).map(entry).collect::<Vec<T>>())
            }
            None => Ok(()),
        }
    }
}
