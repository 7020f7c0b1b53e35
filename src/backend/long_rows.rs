//! The order with long rows last.

use std::cmp::Ordering;

use crate::sparse::Pattern;

/// Entries of a long row and its column, relative to the mean, which is at least `SHORT`.
const LONG: f64 = 12.0;
const SHORT: f64 = 4.0;
/// Long rows come last where that saves this factor of the work of elimination without fill.
const CHEAPER: f64 = 2.0;
/// Most work of long rows, in products per entry of the matrix, that is no reason for another order.
const MUCH: f64 = 20.0;

/// The order with long rows and columns last, the shortest of them first, for a matrix whose elimination without fill takes
/// long otherwise: every row with an entry in the column of a long row subtracts that row. The `block()` unknowns of a node stay
/// together. `None` for other matrices.
/// Cost: a pass over the pattern; some four more where there are long rows.
pub(crate) fn order_with_long_rows_last(
    pattern: &Pattern,
    block: impl FnOnce() -> usize,
) -> Option<Vec<u32>> {
    let n = pattern.rows();
    let mut columns = vec![0usize; n];
    pattern.col_idx().iter().for_each(|&j| columns[j as usize] += 1);
    let entries = |i: usize| pattern.row_cols(i).len() + columns[i];
    let most = 2.0 * LONG * (pattern.nnz() as f64 / n.max(1) as f64).max(SHORT);
    // A bound of the work that long rows make.
    let long = (0..n).filter(|&i| entries(i) as f64 > most);
    let work: f64 = long.map(|i| (columns[i] * pattern.row_cols(i).len()) as f64).sum();
    if work <= MUCH * pattern.nnz() as f64 {
        return None;
    }
    let block = Some(block()).filter(|&block| block > 0 && n.is_multiple_of(block)).unwrap_or(1);
    let nodes: Vec<usize> =
        (0..n / block).map(|q| (q * block..(q + 1) * block).map(entries).max().unwrap_or(0)).collect();
    let size = |i: u32| nodes[i as usize / block];
    let (mut last, mut order): (Vec<u32>, Vec<u32>) = (0..n as u32).partition(|&i| size(i) as f64 > most);
    last.sort_by_key(|&i| size(i));
    order.extend(last);
    let own: Vec<u32> = (0..n as u32).collect();
    let mut place = own.clone();
    order.iter().enumerate().for_each(|(k, &i)| place[i as usize] = k as u32);
    (elimination_work(pattern, &own) > CHEAPER * elimination_work(pattern, &place)).then_some(order)
}

/// Products of elimination without fill, for rows at these places: entries left of the diagonal in a column times those
/// right of it in the row.
fn elimination_work(pattern: &Pattern, place: &[u32]) -> f64 {
    let mut left = vec![0u32; place.len()];
    let mut right = vec![0u32; place.len()];
    for i in 0..place.len() {
        for &j in pattern.row_cols(i) {
            match place[j as usize].cmp(&place[i]) {
                Ordering::Less => left[j as usize] += 1,
                Ordering::Greater => right[i] += 1,
                Ordering::Equal => {}
            }
        }
    }
    left.iter().zip(&right).map(|(&l, &r)| f64::from(l) * f64::from(r)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sparse::Csr;

    #[test]
    fn long_rows_come_last() {
        let n: usize = 4000;
        let with_hubs = |hubs: &[usize]| {
            let mut entries: Vec<_> =
                (0..n - 1).flat_map(|i| [(i, i + 1, 1.0), (i + 1, i, 1.0), (i, i, 4.0)]).collect();
            entries.push((n - 1, n - 1, 4.0));
            let far = |h: usize| (0..n).filter(move |&j| j.abs_diff(h) > 1);
            entries.extend(hubs.iter().flat_map(|&h| far(h).flat_map(move |j| [(h, j, 0.1), (j, h, 0.1)])));
            Csr::from_triplets(n, n, &entries).unwrap()
        };
        let order = order_with_long_rows_last(with_hubs(&[7]).pattern(), || 1).unwrap();
        assert_eq!((order[6], order[7], order[n - 1]), (6, 8, 7));
        assert!(order_with_long_rows_last(with_hubs(&[]).pattern(), || 1).is_none());
        assert!(order_with_long_rows_last(with_hubs(&[n - 1]).pattern(), || 1).is_none());
        // A node of four unknowns of which two are long.
        let order = order_with_long_rows_last(with_hubs(&[8, 9]).pattern(), || 4).unwrap();
        assert!(order.chunks(4).all(|node| node[0] % 4 == 0 && node[3] == node[0] + 3));
    }
}
