//! One row of a product under construction.

use crate::sparse::Scalar;
use crate::sparse::rows::Rows;

const LANES: usize = 4;

/// A sum for every column met in a row, numbered in order of appearance.
pub(super) struct Sums<T> {
    place: Vec<u32>,
    base: u32,
    len: usize,
    columns: Vec<u32>,
    values: Vec<T>,
    order: Vec<u64>,
}

impl<T: Scalar> Sums<T> {
    /// For rows of `cols` columns.
    pub(super) fn new(cols: usize) -> Self {
        Self {
            place: vec![0; cols],
            base: 1,
            len: 0,
            columns: Vec::new(),
            values: Vec::new(),
            order: Vec::new(),
        }
    }

    #[cold]
    fn grow(&mut self, more: usize) {
        let n = (self.len + more + LANES).next_power_of_two();
        self.columns.resize(n, 0);
        self.values.resize(n, T::ZERO);
    }

    /// Adds `factor` times a sparse row.
    #[inline(always)]
    pub(super) fn add_row(&mut self, factor: T, columns: &[u32], values: &[T], start: usize, end: usize) {
        if self.len + (end - start) + LANES > self.columns.len() {
            self.grow(end - start);
        }
        let base = self.base;
        let mut len = self.len;
        let (place, cols, sums) = (&mut self.place[..], &mut self.columns[..], &mut self.values[..]);
        let mut add = |j: u32, v: T| {
            let slot = &mut place[j as usize];
            let fresh = *slot < base;
            let p = if fresh { base + len as u32 } else { *slot };
            *slot = p;
            cols[len] = j;
            sums[(p - base) as usize] += v;
            len += usize::from(fresh);
        };
        let mut q = start;
        while q < end {
            let (Some(c), Some(v)) =
                (columns[q..].first_chunk::<LANES>(), values[q..].first_chunk::<LANES>())
            else {
                for (&j, &v) in columns[q..end].iter().zip(&values[q..end]) {
                    add(j, factor * v);
                }
                break;
            };
            let n = end - q;
            for l in 0..LANES {
                let inside = l < n;
                add(if inside { c[l] } else { c[0] }, factor * if inside { v[l] } else { T::ZERO });
            }
            q += LANES;
        }
        self.len = len;
    }

    #[inline(always)]
    pub(super) fn add_row2(&mut self, factor: T, columns: &[u32], values: &[T], start: usize, end: usize) {
        if self.len + (end - start) + LANES > self.columns.len() {
            self.grow(end - start);
        }
        let base = self.base;
        let mut len = self.len;
        let (place, cols, sums) = (&mut self.place[..], &mut self.columns[..], &mut self.values[..]);
        for (&j, &v) in columns[start..end].iter().zip(&values[start..end]) {
            let slot = &mut place[j as usize];
            let fresh = *slot < base;
            let p = if fresh { base + len as u32 } else { *slot };
            *slot = p;
            cols[len] = j;
            sums[(p - base) as usize] += factor * v;
            len += usize::from(fresh);
        }
        self.len = len;
    }

    /// Columns and sums in order of appearance.
    #[inline(always)]
    pub(super) fn entries(&self) -> impl Iterator<Item = (u32, T)> + '_ {
        self.columns[..self.len].iter().copied().zip(self.values[..self.len].iter().copied())
    }

    /// Begins a new row.
    #[inline(always)]
    pub(super) fn clear(&mut self) {
        self.base += self.len as u32;
        self.values[..self.len].fill(T::ZERO);
        self.len = 0;
        if u64::from(self.base) + self.place.len() as u64 > u64::from(u32::MAX) {
            self.place.fill(0);
            self.base = 1;
        }
    }

    /// Appends the row, columns ascending, and begins a new one.
    pub(super) fn drain(&mut self, rows: &mut Rows<T>) -> bool {
        self.order.clear();
        let columns = &self.columns[..self.len];
        self.order.extend(columns.iter().zip(0u64..).map(|(&j, place)| u64::from(j) << 32 | place));
        self.order.sort_unstable();
        rows.columns.extend(self.order.iter().map(|key| (key >> 32) as u32));
        rows.values.extend(self.order.iter().map(|key| self.values[*key as u32 as usize]));
        self.clear();
        rows.end_row()
    }
}
