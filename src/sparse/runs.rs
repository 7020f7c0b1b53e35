//! Runs of rows with one stencil, which a product reads once.

use std::ops::Range;

use super::pattern::Pattern;
use crate::parallel;

/// Rows searched by one task; a run does not continue beyond them.
const CHUNK: usize = 1 << 16;
/// Rows of the shortest run that counts: a product changes its loop at both ends of a run.
const SHORTEST: usize = 32;
/// Rows compared at once.
const GROUP: usize = 16;
/// Rows after which a matrix with few runs is given up.
const SAMPLE: usize = 1 << 12;

/// Runs of consecutive rows, each of which is the row before it moved by one column, with the same values: the interior of
/// a grid line where coefficients are constant. The first row of a run stands for all of them, so a product reads no
/// further entries.
#[derive(Debug)]
pub(crate) struct Runs {
    runs: Vec<Range<u32>>,
}

impl Runs {
    /// The runs of a matrix, or `None` if they have less than half of its entries. Cost: one pass, or a part of one if
    /// the first rows have few.
    pub fn of<T: Copy + PartialEq + Sync>(pattern: &Pattern, values: &[T]) -> Option<Self> {
        let n = pattern.rows();
        let enough = |runs: &[Range<u32>], end: usize| {
            let entries = |run: &Range<u32>| {
                pattern.row_ptr()[run.end as usize] - pattern.row_ptr()[run.start as usize]
            };
            2 * runs.iter().map(|run| entries(run) as usize).sum::<usize>() >= pattern.row_ptr()[end] as usize
        };
        let sample = n.min(SAMPLE);
        if values.len() != pattern.nnz()
            || pattern.is_ragged()
            || !enough(&within(pattern, values, 0..sample), sample)
        {
            return None;
        }
        let chunks = parallel::map(0..n.div_ceil(CHUNK), &|c| {
            within(pattern, values, c * CHUNK..n.min((c + 1) * CHUNK))
        });
        let runs = chunks.concat();
        enough(&runs, n).then_some(Self { runs })
    }

    /// The numbers of rows and entries that a product does not read, because the first row of their run stands for them.
    pub fn repeated(&self, pattern: &Pattern) -> (usize, usize) {
        let ptr = pattern.row_ptr();
        self.runs.iter().fold((0, 0), |(rows, entries), run| {
            let second = (run.start + 1) as usize;
            (rows + run.end as usize - second, entries + (ptr[run.end as usize] - ptr[second]) as usize)
        })
    }

    /// The runs in ascending order, without those that end before `row`.
    pub fn not_before(&self, row: usize) -> &[Range<u32>] {
        &self.runs[self.runs.partition_point(|run| run.end as usize <= row)..]
    }
}

/// The runs of some rows.
fn within<T: Copy + PartialEq>(pattern: &Pattern, values: &[T], rows: Range<usize>) -> Vec<Range<u32>> {
    let mut runs = Vec::new();
    let length = |i: usize| pattern.row(i).len();
    let mut start = rows.start;
    while start < rows.end {
        // Rows of equal length: the entry of the next row is `length` entries further on.
        let equal = (start + 1..rows.end).find(|&i| length(i) != length(start)).unwrap_or(rows.end);
        let entries = pattern.row(start).start..pattern.row(equal - 1).end;
        let (columns, values) = (&pattern.col_idx()[entries.clone()], &values[entries]);
        let most = if length(start) == 0 { 0 } else { equal - start };
        let mut first = 0;
        while first < most {
            let rows = 1 + repetitions(columns, values, first * length(start), length(start));
            if rows >= SHORTEST {
                runs.push((start + first) as u32..(start + first + rows) as u32);
            }
            first += rows;
        }
        start = equal;
    }
    runs
}

/// The number of rows of this length after the one from entry `start` on that are the row before, moved by one column.
fn repetitions<T: Copy + PartialEq>(columns: &[u32], values: &[T], start: usize, length: usize) -> usize {
    let agree = |from: usize, to: usize| {
        let columns = columns[from..to].iter().zip(&columns[from + length..to + length]);
        let values = values[from..to].iter().zip(&values[from + length..to + length]);
        columns.fold(true, |same, (p, q)| same & (p.wrapping_add(1) == *q))
            && values.fold(true, |same, (p, q)| same & (p == q))
    };
    let most = (columns.len() - start) / length - 1;
    let mut rows = 0;
    // In most matrices the next row already differs. Otherwise several rows at once, then one by one.
    if most == 0 || !agree(start, start + length) {
        return 0;
    }
    for group in [GROUP, 1] {
        while rows + group <= most && agree(start + rows * length, start + (rows + group) * length) {
            rows += group;
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sparse::Csr;

    /// The five-point matrix of an n × n grid.
    fn plane(n: usize) -> Csr {
        let mut entries = Vec::new();
        for i in 0..n * n {
            let neighbours = [(i >= n, n), (i % n > 0, 1)];
            neighbours.iter().filter(|(inside, _)| *inside).for_each(|(_, d)| {
                entries.extend([(i, i - d, -1.0), (i - d, i, -1.0)]);
            });
            entries.push((i, i, 4.0));
        }
        Csr::from_triplets(n * n, n * n, &entries).unwrap()
    }

    #[test]
    fn lines_of_a_grid_are_runs_where_coefficients_are_constant() {
        let n = 100;
        let a = plane(n);
        let runs = Runs::of(a.pattern(), a.values()).unwrap();
        // Without the two ends of a line, which have fewer neighbours.
        let line = |i: usize| (i * n + 1) as u32..((i + 1) * n - 1) as u32;
        assert_eq!(runs.runs, (0..n).map(line).collect::<Vec<_>>());
        assert_eq!(runs.not_before(0).len(), n);
        assert_eq!(runs.repeated(a.pattern()), (n * (n - 3), (2 * 4 + (n - 2) * 5) * (n - 3)));
        assert_eq!(runs.not_before(3 * n - 1).first(), Some(&line(3)));
        assert_eq!(runs.not_before(3 * n - 2).first(), Some(&line(2)));
        assert!(runs.not_before(n * n - 1).is_empty());
        let varying = a.map(|i, j, v| v * (1.0 + (i + j) as f64));
        assert!(Runs::of(varying.pattern(), varying.values()).is_none());
        // A value that differs divides its line.
        let split = a.map(|i, j, v| if i == 50 && j == 50 { 7.0 } else { v });
        let runs = Runs::of(split.pattern(), split.values()).unwrap();
        assert_eq!(runs.runs[..2], [1..50, 51..99]);
    }

    #[test]
    fn runs_do_not_depend_on_threads() {
        let a = plane(400);
        let of = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| Runs::of(a.pattern(), a.values()).unwrap().runs)
        };
        assert_eq!(of(1), of(3));
    }
}
