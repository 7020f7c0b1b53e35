//! One row of a product under construction.

use crate::sparse::Scalar;
use crate::sparse::rows::Rows;

#[derive(Clone, Copy)]
#[repr(C)]
struct Slot<T> {
    value: T,
    stamp: u32,
}

pub(super) struct Dense<T> {
    slots: Vec<Slot<T>>,
    stamp: u32,
    len: usize,
    columns: Vec<u32>,
}

impl<T: Scalar> Dense<T> {
    pub(super) fn new(cols: usize) -> Self {
        Self { slots: vec![Slot { value: T::ZERO, stamp: 0 }; cols], stamp: 1, len: 0, columns: Vec::new() }
    }

    #[cold]
    fn grow(&mut self, more: usize) {
        let n = (self.len + more).next_power_of_two();
        self.columns.resize(n, 0);
    }

    #[inline(always)]
    pub(super) fn add_row(&mut self, factor: T, columns: &[u32], values: &[T], start: usize, end: usize) {
        if self.len + (end - start) > self.columns.len() {
            self.grow(end - start);
        }
        let stamp = self.stamp;
        let mut len = self.len;
        let (slots, cols) = (&mut self.slots[..], &mut self.columns[..]);
        for (&j, &v) in columns[start..end].iter().zip(&values[start..end]) {
            let slot = &mut slots[j as usize];
            let fresh = slot.stamp != stamp;
            slot.stamp = stamp;
            let old = if fresh { T::ZERO } else { slot.value };
            slot.value = old + factor * v;
            cols[len] = j;
            len += usize::from(fresh);
        }
        self.len = len;
    }

    #[inline(always)]
    pub(super) fn entries(&self) -> impl Iterator<Item = (u32, T)> + '_ {
        self.columns[..self.len].iter().map(|&j| (j, self.slots[j as usize].value))
    }

    #[inline(always)]
    pub(super) fn clear(&mut self) {
        self.len = 0;
        self.stamp += 1;
    }

    pub(super) fn drain(&mut self, rows: &mut Rows<T>) -> bool {
        let columns = &mut self.columns[..self.len];
        columns.sort_unstable();
        rows.columns.extend_from_slice(columns);
        rows.values.extend(columns.iter().map(|&j| self.slots[j as usize].value));
        self.clear();
        rows.end_row()
    }
}
