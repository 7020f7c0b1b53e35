//! Accumulators for one row of a product.

use crate::sparse::Scalar;
use crate::sparse::rows::Lines;

/// The columns met in a row, each with its place in order of appearance.
///
/// `place[j]` is `base` plus the place of column j in the latest row that has it. The base
/// grows by the length of every row, so that the places of earlier rows lie below it and
/// nothing needs clearing (after Gustavson 1978). There are no branches on whether a column
/// is new: they could not be predicted.
pub(super) struct Places {
    place: Vec<u32>,
    base: u32,
    len: usize,
    columns: Vec<u32>,
    order: Vec<u64>,
}

impl Places {
    /// For rows of `cols` columns. Cost: 4 bytes for every column.
    pub(super) fn new(cols: usize) -> Self {
        Self { place: vec![0; cols], base: 1, len: 0, columns: Vec::new(), order: Vec::new() }
    }

    /// Number of columns so far.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Columns in order of appearance.
    pub(super) fn columns(&self) -> &[u32] {
        &self.columns[..self.len]
    }

    /// Reserves room for `more` columns; returns the capacity.
    #[inline(always)]
    pub(super) fn reserve(&mut self, more: usize) -> usize {
        if self.len + more >= self.columns.len() {
            self.columns.resize((self.len + more + 1).next_power_of_two(), 0);
        }
        self.columns.len()
    }

    /// Calls `f(place, item)` with the place of every column; requires a call of [`reserve`](Self::reserve).
    #[inline(always)]
    pub(super) fn each<V>(
        &mut self,
        columns: &[u32],
        items: impl Iterator<Item = V>,
        mut f: impl FnMut(usize, V),
    ) {
        // In local variables, to keep them in registers.
        let (base, mut len) = (self.base, self.len);
        let (places, list) = (&mut self.place[..], &mut self.columns[..]);
        for (&j, item) in columns.iter().zip(items) {
            let slot = &mut places[j as usize];
            let fresh = *slot < base;
            let place = if fresh { base + len as u32 } else { *slot };
            *slot = place;
            list[len] = j;
            f((place - base) as usize, item);
            len += usize::from(fresh);
        }
        self.len = len;
    }

    /// The places in ascending order of their columns, as (column, place).
    fn sorted(&mut self) -> impl Iterator<Item = (u32, usize)> + '_ {
        self.order.clear();
        let columns = self.columns[..self.len].iter();
        self.order.extend(columns.zip(0u64..).map(|(&j, place)| u64::from(j) << 32 | place));
        self.order.sort_unstable();
        self.order.iter().map(|&key| ((key >> 32) as u32, key as u32 as usize))
    }

    /// Appends the columns, ascending, and ends the row; `rank[place]` becomes the number of
    /// that column among them.
    pub(super) fn rank(&mut self, lines: &mut Lines, rank: &mut Vec<u32>) -> bool {
        rank.clear();
        rank.resize(self.len, 0);
        for (q, (j, place)) in self.sorted().enumerate() {
            lines.columns.push(j);
            rank[place] = q as u32;
        }
        lines.end_row()
    }

    /// Begins a new row.
    #[inline(always)]
    pub(super) fn clear(&mut self) {
        self.base += self.len as u32;
        self.len = 0;
        if u64::from(self.base) + self.place.len() as u64 > u64::from(u32::MAX) {
            self.place.fill(0);
            self.base = 1;
        }
    }
}

/// A sum for every column met in a row.
pub(super) struct Sums<T> {
    places: Places,
    /// Zero beyond the last place.
    sums: Vec<T>,
}

impl<T: Scalar> Sums<T> {
    /// For rows of `cols` columns.
    pub(super) fn new(cols: usize) -> Self {
        Self { places: Places::new(cols), sums: Vec::new() }
    }

    /// Adds `factor` times a sparse row.
    #[inline(always)]
    pub(super) fn add_row(&mut self, factor: T, columns: &[u32], values: &[T]) {
        let room = self.places.reserve(columns.len());
        if room > self.sums.len() {
            self.sums.resize(room, T::ZERO);
        }
        let sums = &mut self.sums[..];
        self.places.each(columns, values.iter(), |place, &v| sums[place] += factor * v);
    }

    /// Columns and sums in order of appearance.
    #[inline(always)]
    pub(super) fn entries(&self) -> impl Iterator<Item = (usize, T)> + '_ {
        self.places.columns().iter().map(|&j| j as usize).zip(self.sums.iter().copied())
    }

    /// Begins a new row.
    #[inline(always)]
    pub(super) fn clear(&mut self) {
        self.sums[..self.places.len].fill(T::ZERO);
        self.places.clear();
    }

    /// Appends the row, columns ascending, ends it and begins a new one. False if there are
    /// too many entries.
    pub(super) fn drain(&mut self, lines: &mut Lines, values: &mut Vec<T>) -> bool {
        let sums = &self.sums[..];
        lines.columns.reserve(self.places.len);
        values.reserve(self.places.len);
        for (j, place) in self.places.sorted() {
            lines.columns.push(j);
            values.push(sums[place]);
        }
        self.clear();
        lines.end_row()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_survive_the_wrap_of_their_base() {
        let mut sums = Sums::<f64>::new(3);
        sums.places.base = u32::MAX - 7;
        for turn in 0..9 {
            sums.add_row(2.0, &[0, 2], &[1.0, 3.0]);
            sums.add_row(1.0, &[1, 2], &[turn as f64, 1.0]);
            let (mut lines, mut values) = (Lines::new(1), Vec::new());
            assert!(sums.drain(&mut lines, &mut values));
            assert_eq!((lines.columns, values), (vec![0, 1, 2], vec![2.0, turn as f64, 7.0]));
        }
        assert!(sums.places.base < 100);
    }
}
