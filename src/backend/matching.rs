//! Matching of rows and columns by large entries.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::error::Result;
use crate::limits;
use crate::sparse::Pattern;

/// Entries visited, relative to all, after which the search ends without a matching.
const WORK: usize = 60;
/// Largest share of rows that need a search in an easy matching.
const EASY: f64 = 0.05;
/// Rows between checks of the limits.
const CHECKED: usize = 256;
/// Marks a row or column without a mate.
const NONE: u32 = u32::MAX;

/// A matching of rows and columns, and factors R and C for which R A C has entries of size one on the matching, and none
/// larger, up to rounding.
pub(crate) struct Matching {
    /// The column of each row.
    pub columns: Vec<u32>,
    /// R and C.
    pub scaling: (Vec<f64>, Vec<f64>),
}

/// The matching of a square matrix with the largest product of absolute values (Duff and Koster 2001), by shortest augmenting
/// paths. `None` if every matching has a zero, or after too much work. Cost: often a few passes over the entries, at most
/// some sixty with a heap.
///
/// # Errors
/// A [limit](crate::Limits) of time.
pub(crate) fn largest_product(pattern: &Pattern, values: &[f64]) -> Result<Option<Matching>> {
    let n = pattern.rows();
    let mut search = Search::new(pattern, values);
    search.match_greedily();
    let free: Vec<usize> = (0..n).filter(|&i| search.column_of[i] == NONE).collect();
    for (number, row) in free.into_iter().enumerate() {
        if number % CHECKED == 0 {
            limits::check()?;
        }
        if !search.augment(row) {
            return Ok(None);
        }
    }
    let largest = |i: usize| values[pattern.row(i)].iter().fold(0.0f64, |m, v| m.max(v.abs()));
    let rows = search.row_prices.iter().enumerate().map(|(i, p)| p.exp() / largest(i)).collect();
    let columns = search.column_prices.iter().map(|p| p.exp()).collect();
    Ok(Some(Matching { columns: search.column_of, scaling: (rows, columns) }))
}

/// Whether almost every row finds its column without a search: that of its largest entry, up to the sizes of the columns. Cost: a
/// few passes over the entries.
pub(crate) fn is_easily_matched(pattern: &Pattern, values: &[f64]) -> bool {
    let mut search = Search::new(pattern, values);
    search.match_greedily();
    let free = search.column_of.iter().filter(|&&j| j == NONE).count();
    free as f64 <= EASY * pattern.rows() as f64
}

/// A matching that grows, with prices under which no reduced cost is negative and those of the matching are zero.
struct Search<'a> {
    pattern: &'a Pattern,
    /// ln(maxⱼ |aᵢⱼ| / |aᵢⱼ|), infinite for zeros.
    costs: Vec<f64>,
    row_prices: Vec<f64>,
    column_prices: Vec<f64>,
    column_of: Vec<u32>,
    row_of: Vec<u32>,
    /// Shortest distance of each column from the row of a search, and the row before it.
    distance: Vec<f64>,
    before: Vec<u32>,
    visits: usize,
}

impl<'a> Search<'a> {
    fn new(pattern: &'a Pattern, values: &[f64]) -> Self {
        let n = pattern.rows();
        let mut costs = vec![f64::INFINITY; values.len()];
        for i in 0..n {
            let range = pattern.row(i);
            let largest = values[range.clone()].iter().fold(0.0f64, |m, v| m.max(v.abs()));
            for (cost, v) in costs[range.clone()].iter_mut().zip(&values[range]) {
                if v.abs() > 0.0 && largest.is_finite() {
                    *cost = (largest / v.abs()).ln();
                }
            }
        }
        let mut column_prices = vec![f64::INFINITY; n];
        for (&j, &c) in pattern.col_idx().iter().zip(&costs) {
            column_prices[j as usize] = column_prices[j as usize].min(c);
        }
        column_prices.iter_mut().filter(|p| p.is_infinite()).for_each(|p| *p = 0.0);
        let mut search = Self {
            pattern,
            costs,
            row_prices: vec![0.0; n],
            column_prices,
            column_of: vec![NONE; n],
            row_of: vec![NONE; n],
            distance: vec![f64::INFINITY; n],
            before: vec![NONE; n],
            visits: 0,
        };
        for i in 0..n {
            let least = search.reduced(i).fold(f64::INFINITY, |m, (_, c)| m.min(c));
            search.row_prices[i] = if least.is_finite() { least } else { 0.0 };
        }
        search
    }

    /// Columns of row i with the costs less the prices of the columns.
    fn reduced(&self, i: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        let range = self.pattern.row(i);
        let columns = self.pattern.col_idx()[range.clone()].iter().map(|&j| j as usize);
        columns.zip(&self.costs[range]).map(|(j, c)| (j, c - self.column_prices[j]))
    }

    /// Matches entries of reduced cost zero, the diagonal first.
    fn match_greedily(&mut self) {
        for i in 0..self.column_of.len() {
            let least = self.row_prices[i];
            let free = |&(j, c): &(usize, f64)| c <= least && self.row_of[j] == NONE;
            let own = self.reduced(i).find(|entry| entry.0 == i && free(entry));
            if let Some((j, _)) = own.or_else(|| self.reduced(i).find(free)) {
                (self.column_of[i], self.row_of[j]) = (j as u32, i as u32);
            }
        }
    }

    /// Matches a free row along the shortest path to a free column. False if there is none, or after too much work.
    fn augment(&mut self, start: usize) -> bool {
        let (mut best, mut end) = (f64::INFINITY, NONE);
        let mut heap = BinaryHeap::new();
        let (mut reached, mut settled) = (Vec::new(), Vec::new());
        let (mut i, mut base) = (start, 0.0);
        loop {
            let range = self.pattern.row(i);
            self.visits += range.len();
            for p in range {
                let j = self.pattern.col_idx()[p] as usize;
                let length = base + (self.costs[p] - self.column_prices[j] - self.row_prices[i]).max(0.0);
                if length < best && length < self.distance[j] {
                    if self.distance[j].is_infinite() {
                        reached.push(j);
                    }
                    (self.distance[j], self.before[j]) = (length, i as u32);
                    if self.row_of[j] == NONE {
                        (best, end) = (length, j as u32);
                    } else {
                        // Lengths are not negative, so their bits have the same order.
                        heap.push(Reverse((length.to_bits(), j as u32)));
                    }
                }
            }
            let next = std::iter::from_fn(|| heap.pop()).find(|&Reverse((bits, j))| {
                self.distance[j as usize].to_bits() == bits && self.row_of[j as usize] != NONE
            });
            match next {
                Some(Reverse((bits, j))) if f64::from_bits(bits) < best => {
                    settled.push(j as usize);
                    (base, i) = (f64::from_bits(bits), self.row_of[j as usize] as usize);
                }
                _ => break,
            }
        }
        let found = end != NONE && self.visits <= WORK * self.costs.len();
        if found {
            for &j in &settled {
                self.column_prices[j] += self.distance[j] - best;
            }
            let mut j = end as usize;
            loop {
                let i = self.before[j] as usize;
                let next = std::mem::replace(&mut self.column_of[i], j as u32);
                self.row_of[j] = i as u32;
                if i == start {
                    break;
                }
                j = next as usize;
            }
            for i in settled
                .iter()
                .map(|&j| self.row_of[j] as usize)
                .chain([start, self.row_of[end as usize] as usize])
            {
                let mate = self.column_of[i] as usize;
                let price = self.reduced(i).find(|entry| entry.0 == mate).map(|entry| entry.1);
                self.row_prices[i] = price.unwrap_or(self.row_prices[i]);
            }
        }
        reached.into_iter().for_each(|j| self.distance[j] = f64::INFINITY);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sparse::Csr;

    fn entry(q: usize) -> f64 {
        ((q * 7919 + 13) as f64 * 1.618).sin()
    }

    /// The largest product over all permutations of the remaining columns.
    fn best(a: &Csr<f64>, i: usize, used: &mut Vec<bool>) -> f64 {
        if i == a.rows() {
            return 1.0;
        }
        let mut largest = 0.0f64;
        for (j, v) in a.row(i) {
            if !std::mem::replace(&mut used[j], true) {
                largest = largest.max(v.abs() * best(a, i + 1, used));
                used[j] = false;
            }
        }
        largest
    }

    #[test]
    fn no_permutation_has_a_larger_product() {
        for n in 1..8 {
            for trial in 0..60 {
                let all = (0..n * n).map(|q| (q / n, q % n, entry(97 * trial + 11 * n + q)));
                let t: Vec<_> = all.filter(|e| (e.0 * 5 + e.1 * 3 + trial) % 3 != 0).collect();
                let a = Csr::from_triplets(n, n, &t).unwrap();
                let most = best(&a, 0, &mut vec![false; n]);
                match largest_product(a.pattern(), a.values()).unwrap() {
                    None => assert_eq!(most, 0.0),
                    Some(Matching { columns, scaling: (r, c) }) => {
                        for i in 0..n {
                            for (j, v) in a.row(i) {
                                let scaled = r[i] * v.abs() * c[j];
                                let own = columns[i] as usize == j;
                                assert!(scaled <= 1.0 + 1e-12 && (!own || scaled >= 1.0 - 1e-12), "{scaled}");
                            }
                        }
                        let product: f64 =
                            columns.iter().enumerate().map(|(i, &j)| a.get(i, j as usize).abs()).product();
                        assert!(product >= most * (1.0 - 1e-12), "{n}, {trial}: {product} {most}");
                        let mut sorted = columns.clone();
                        sorted.sort_unstable();
                        assert!(sorted.iter().enumerate().all(|(k, &j)| k == j as usize));
                    }
                }
            }
        }
    }

    #[test]
    fn zeros_and_infinities_are_no_mates() {
        let singular = Csr::from_triplets(2, 2, &[(0, 0, 1.0), (1, 0, 1.0), (1, 1, 0.0)]).unwrap();
        assert!(largest_product(singular.pattern(), singular.values()).unwrap().is_none());
        assert!(largest_product(singular.pattern(), &[1.0, f64::INFINITY, 1.0]).unwrap().is_none());
    }
}
