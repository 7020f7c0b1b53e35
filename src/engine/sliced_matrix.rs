//! Matrices in slices of rows on a device.

use std::collections::HashMap;
use std::sync::Arc;

use super::locked::Locked;
use crate::backend::cuda::{DevicePattern, Memory, OnDevice, Plain, SlicedPattern, SlicedView};

/// A matrix in slices of 32 rows. The entries of a slice are stored by columns and padded to its longest row.
#[derive(Debug)]
pub struct SlicedMatrix<T: Plain> {
    pub(super) pattern: Arc<DevicePattern>,
    pub(super) slices: SlicedPattern,
    pub(super) values: Memory<T>,
}

impl<T: OnDevice> SlicedMatrix<T> {
    /// Number of entries, including the padding.
    pub fn entries(&self) -> usize {
        self.slices.entries()
    }

    pub(super) fn view(&self) -> SlicedView<'_, T> {
        SlicedView { pattern: &self.pattern, slices: &self.slices, values: &self.values }
    }
}

/// Matrices of an engine in sliced storage, by the address of their values.
#[derive(Debug)]
pub(super) struct Slices<T: Plain>(pub(super) Locked<HashMap<usize, Arc<Sliced<T>>>>);

impl<T: Plain> Slices<T> {
    pub fn new() -> Self {
        Self(Locked::new(HashMap::new()))
    }
}

/// A matrix in slices.
#[derive(Debug)]
pub(super) struct Sliced<T: Plain> {
    /// Owned, so that the address cannot be reused for other values.
    pub(super) _rows: Arc<Memory<T>>,
    pub matrix: SlicedMatrix<T>,
}
