//! Extended neighbourhoods: coarse points at distance one or two of a fine point.

use super::input::Input;

const NONE: u32 = u32::MAX;

/// For every point its place in the row under construction, if any.
pub(super) struct Slots {
    place: Vec<u32>,
}

impl Slots {
    /// For `n` points, none with a place.
    pub fn new(n: usize) -> Self {
        Self { place: vec![NONE; n] }
    }

    /// Assigns the places 0, 1, 2, … to the points.
    #[inline(always)]
    pub fn set<'a>(&mut self, points: impl Iterator<Item = &'a u32>) {
        for (slot, &j) in points.enumerate() {
            self.place[j as usize] = slot as u32;
        }
    }

    /// Clears the places of the points.
    #[inline(always)]
    pub fn clear<'a>(&mut self, points: impl Iterator<Item = &'a u32>) {
        for &j in points {
            self.place[j as usize] = NONE;
        }
    }

    /// Whether point `j` has a place.
    #[inline(always)]
    pub fn has(&self, j: usize) -> bool {
        self.place[j] != NONE
    }

    /// The place of point `j`.
    #[inline(always)]
    pub fn get(&self, j: usize) -> Option<usize> {
        let slot = self.place[j];
        (slot != NONE).then_some(slot as usize)
    }
}

/// Extended neighbourhoods of fine points, one at a time; scratch space of one thread.
pub(super) struct Near {
    /// Places of the points of Ĉ_i, ascending, and of i itself after them.
    pub slots: Slots,
    /// One value for every place.
    pub values: Vec<f64>,
    /// F_i and its couplings.
    pub fine: Vec<(usize, f64)>,
    points: Vec<u32>,
}

impl Near {
    /// For matrices with `n` rows.
    pub fn new(n: usize) -> Self {
        Self { slots: Slots::new(n), values: Vec::new(), fine: Vec::new(), points: Vec::new() }
    }

    /// Finds Ĉ_i and gives it places with zero values, then adds the couplings of row i: those of points with
    /// a place there, those of F_i to `fine`. Returns the sum of the others, and the sum of their sizes.
    pub fn gather(&mut self, input: &Input, i: usize) -> (f64, f64) {
        let Self { slots, values, fine, points } = self;
        points.clear();
        fine.clear();
        let mut add = |j: u32| {
            if !slots.has(j as usize) {
                slots.place[j as usize] = 0;
                points.push(j);
            }
        };
        for &j in input.strong.row_cols(i) {
            if input.splitting.is_coarse(j as usize) {
                add(j);
            } else {
                let further = input.strong.row_cols(j as usize).iter();
                further.filter(|&&l| input.splitting.is_coarse(l as usize)).for_each(|&l| add(l));
            }
        }
        points.sort_unstable();
        points.push(i as u32);
        slots.set(points.iter());
        values.clear();
        values.resize(points.len(), 0.0);
        values[points.len() - 1] = input.diagonal[i];
        let (mut rest, mut size) = (0.0, 0.0);
        input.walk(i, |strong, j, v| {
            if let Some(slot) = slots.get(j) {
                values[slot] += v;
            } else if strong {
                fine.push((j, v));
            } else {
                rest += v;
                size += v.abs();
            }
        });
        (rest, size)
    }

    /// The numerators of Ĉ_i and the value of i.
    pub fn parts(&mut self) -> (&mut [f64], f64) {
        match self.values.split_last_mut() {
            Some((&mut own, numerators)) => (numerators, own),
            None => (&mut [], 0.0),
        }
    }

    /// Appends the row and clears all places.
    pub fn finish(&mut self, input: &Input, columns: &mut Vec<u32>, values: &mut Vec<f64>) {
        self.slots.clear(self.points.iter());
        self.points.pop();
        let coarse = self.points.iter().filter_map(|&j| input.splitting.index(j as usize));
        columns.extend(coarse.map(|k| k as u32));
        values.extend_from_slice(&self.values[..self.points.len()]);
    }
}
