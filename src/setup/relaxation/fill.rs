//! The pattern of ILU(k): entries whose level of fill is bounded (Watts 1981; Saad 2003, section 10.3.3).

use crate::error::{Error, Result};
use crate::limits;
use crate::sparse::Pattern;

/// Rows between checks of the limits of time and memory.
pub(super) const ROWS_BETWEEN_CHECKS: usize = 1024;

/// Largest number of entries, in multiples of those of A.
const MOST_FILL: usize = 40;

/// Marks a column that the present row does not store.
const ABSENT: u16 = u16::MAX;

/// The largest level of fill.
pub(super) const MOST_LEVEL: u16 = ABSENT - 1;

/// The entries whose level of fill is at most `most`.
pub(super) fn fill_pattern(a: &Pattern, most: u16) -> Result<Pattern> {
    let n = a.rows();
    let mut row_ptr = Vec::with_capacity(n + 1);
    row_ptr.push(0u32);
    // Enough for two levels on a grid.
    let usual = 3 * a.nnz();
    let (mut columns, mut levels) = (Vec::with_capacity(usual), Vec::with_capacity(usual));
    // The start of the part of a row above the diagonal.
    let mut above: Vec<u32> = Vec::with_capacity(n);
    let mut level = vec![ABSENT; n];
    let (mut lower, mut upper): (Vec<u32>, Vec<u32>) = (Vec::new(), Vec::new());
    // Whether a row of the result, with its levels, is the row before moved by one column.
    let mut repeats: Vec<bool> = Vec::with_capacity(n);
    for i in 0..n {
        if i % ROWS_BETWEEN_CHECKS == 0 {
            limits::check()?;
        }
        // If the rows that this one eliminates repeat too, its fill is that of the row before.
        let moves = i > 0 && is_moved(a.row_cols(i - 1), a.row_cols(i));
        if moves {
            let (start, diagonal) = (row_ptr[i - 1] as usize, above[i - 1] as usize - 1);
            if columns[start..diagonal].iter().all(|&k| repeats[k as usize + 1]) {
                let end = columns.len();
                columns.extend_from_within(start..end);
                columns[end..].iter_mut().for_each(|j| *j += 1);
                levels.extend_from_within(start..end);
                above.push((end + diagonal - start + 1) as u32);
                check_fill(columns.len(), a, i, most)?;
                row_ptr.push(columns.len() as u32);
                repeats.push(true);
                continue;
            }
        }
        for &j in a.row_cols(i) {
            level[j as usize] = 0;
            if (j as usize) < i {
                lower.push(j);
            } else if j as usize > i {
                upper.push(j);
            }
        }
        level[i] = 0;
        let mut next = 0;
        while next < lower.len() {
            let k = lower[next] as usize;
            next += 1;
            let own = level[k] + 1;
            if own > most {
                continue;
            }
            let range = above[k] as usize..row_ptr[k + 1] as usize;
            for (&j, &other) in columns[range.clone()].iter().zip(&levels[range]) {
                let fill = own.saturating_add(other);
                if fill > most {
                    continue;
                }
                let present = &mut level[j as usize];
                if *present == ABSENT {
                    *present = fill;
                    if j as usize > i {
                        upper.push(j);
                    } else {
                        let at = lower[next..].iter().rposition(|&c| c < j).map_or(next, |p| next + p + 1);
                        lower.insert(at, j);
                    }
                } else if fill < *present {
                    *present = fill;
                }
            }
        }
        upper.sort_unstable();
        columns.extend_from_slice(&lower);
        columns.push(i as u32);
        above.push(columns.len() as u32);
        columns.extend_from_slice(&upper);
        for &j in &columns[row_ptr[i] as usize..] {
            levels.push(std::mem::replace(&mut level[j as usize], ABSENT));
        }
        check_fill(columns.len(), a, i, most)?;
        let (start, end) = (row_ptr[i] as usize, columns.len());
        repeats.push(
            moves && {
                let before = row_ptr[i - 1] as usize..start;
                is_moved(&columns[before.clone()], &columns[start..]) && levels[before] == levels[start..]
            },
        );
        row_ptr.push(end as u32);
        lower.clear();
        upper.clear();
    }
    Ok(Pattern::from_parts(n, n, row_ptr, columns))
}

/// Whether `row` is `before`, moved by one column.
fn is_moved(before: &[u32], row: &[u32]) -> bool {
    before.len() == row.len() && before.iter().zip(row).all(|(b, r)| b + 1 == *r)
}

/// Refuses too many entries in the rows up to i.
fn check_fill(entries: usize, a: &Pattern, i: usize, most: u16) -> Result<()> {
    if entries > MOST_FILL * a.nnz() + a.rows() {
        return Err(Error::unsuited(format!(
            "ILU({most}) fills row {} to more than {MOST_FILL} times the entries of A so far; use a lower level or ILUT, whose rows are bounded",
            i + 1
        )));
    }
    if entries >= u32::MAX as usize {
        return Err(too_much_fill());
    }
    Ok(())
}

/// The error of factors with more entries than a 32-bit index counts.
pub(super) fn too_much_fill() -> Error {
    Error::dimension("the incomplete factors exceed 32-bit indices; allow less fill")
}
