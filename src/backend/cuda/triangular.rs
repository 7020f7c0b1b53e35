//! Solves with triangles by levels: `kernels/triangular.cu`.

use super::arguments::{Address, arguments};
use super::{Cuda, DeviceView, Memory, OnDevice};
use crate::backend::Triangle;
use crate::sparse::{Levels, Pattern};

/// The largest number of threads of that block.
const MOST_THREADS: usize = 512;

arguments! {
    SolveLevel {
        rows: Address, first: Address, last: Address, diagonal: Address,
        starts: Address, columns: Address, source: Address,
        values: Address, x: Address, from: u64, to: u64, k: u32, unit: u32,
    }
}

/// The order of a solve with a triangle of one pattern, or with its transpose.
#[derive(Debug)]
pub(crate) struct DeviceLevels {
    rows: Memory<u32>,
    /// For every row in this order: the entries of the strict triangle, and the number of the diagonal value.
    first: Memory<u32>,
    last: Memory<u32>,
    diagonal: Memory<u32>,
    starts: Memory<u32>,
    /// The same on the host.
    host_starts: Vec<u32>,
    nnz: usize,
    lower: bool,
    transposed: bool,
}

impl DeviceLevels {
    /// For T⁻¹ x with T the part of a square pattern at and below its diagonal (`lower`) or at and above it, or for
    /// T⁻ᵀ x. Cost: a pass over that part, and 16 bytes per row on the device.
    pub fn new(cuda: &Cuda, pattern: &Pattern, lower: bool, transposed: bool) -> Self {
        let (ptr, columns, source) = if transposed {
            let t = pattern.transposition();
            (&t.ptr[..], &t.row_idx[..], Some(&t.source[..]))
        } else {
            (pattern.row_ptr(), pattern.col_idx(), None)
        };
        let below = lower != transposed;
        let levels = Levels::of_any_width(ptr, columns, below);
        let n = levels.rows().len();
        let (mut first, mut last) = (Vec::with_capacity(n), Vec::with_capacity(n));
        let mut diagonal = Vec::with_capacity(n);
        for &i in levels.rows() {
            let (start, end) = (ptr[i as usize], ptr[i as usize + 1]);
            let own = &columns[start as usize..end as usize];
            let left = start + own.partition_point(|&j| j < i) as u32;
            let has_diagonal = left < end && columns[left as usize] == i;
            let right = left + u32::from(has_diagonal);
            first.push(if below { start } else { right });
            last.push(if below { left } else { end });
            let number = source.map_or(left, |s| if has_diagonal { s[left as usize] } else { 0 });
            diagonal.push(if has_diagonal { number } else { u32::MAX });
        }
        Self {
            rows: cuda.upload(levels.rows()),
            first: cuda.upload(&first),
            last: cuda.upload(&last),
            diagonal: cuda.upload(&diagonal),
            starts: cuda.upload(levels.starts()),
            host_starts: levels.starts().to_vec(),
            nnz: pattern.nnz(),
            lower,
            transposed,
        }
    }

    /// Number of levels.
    pub fn count(&self) -> usize {
        self.host_starts.len() - 1
    }

    /// Rows of level l.
    fn width(&self, l: usize) -> usize {
        (self.host_starts[l + 1] - self.host_starts[l]) as usize
    }

    /// Launches of a solve with k columns.
    #[cfg(test)]
    pub fn launches(&self, cuda: &Cuda, k: usize) -> usize {
        self.runs(cuda.tuning.narrow_levels, k).count()
    }

    /// The levels of every launch: a wide one alone; consecutive ones of at most `narrow` values in one
    /// block.
    fn runs(&self, narrow: usize, k: usize) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
        let mut from = 0;
        std::iter::from_fn(move || {
            let start = from;
            if start == self.count() {
                return None;
            }
            from += 1;
            if self.width(start) * k <= narrow {
                while from < self.count() && self.width(from) * k <= narrow {
                    from += 1;
                }
            }
            Some(start..from)
        })
    }
}

impl Cuda {
    /// x ← T⁻¹ x for the triangle `part` of a matrix, or T⁻ᵀ x if `a` has a transposition; `levels` are those
    /// of the same triangle. The diagonal has no zero.
    pub(crate) fn solve_triangular<T: OnDevice>(
        &self,
        a: DeviceView<'_, T>,
        levels: &DeviceLevels,
        part: Triangle,
        x: &mut Memory<T>,
        k: usize,
    ) {
        let n = a.pattern.rows;
        let own = levels.rows.len() == n && levels.nnz == a.pattern.nnz() && levels.lower == part.lower;
        let lengths = own
            && levels.transposed == a.transposed.is_some()
            && levels.first.len() == n
            && levels.last.len() == n
            && levels.diagonal.len() == n
            && levels.starts.len() == levels.host_starts.len()
            && a.is_square_of(n)
            && x.len() == n * k;
        if n * k == 0 {
            return;
        }
        let [_, columns, source] = a.addresses();
        let mut arguments = SolveLevel {
            rows: (&levels.rows).into(),
            first: (&levels.first).into(),
            last: (&levels.last).into(),
            diagonal: (&levels.diagonal).into(),
            starts: (&levels.starts).into(),
            columns,
            source,
            values: a.values.into(),
            x: x.into(),
            from: 0,
            to: 0,
            k: k as u32,
            unit: u32::from(part.unit),
        };
        for run in levels.runs(self.tuning.narrow_levels, k) {
            let widest = run.clone().map(|l| levels.width(l) * k).max().unwrap_or(0);
            if run.len() == 1 {
                arguments.from = u64::from(levels.host_starts[run.start]);
                arguments.to = u64::from(levels.host_starts[run.end]);
                self.for_each::<T, _>("solve_level", widest, lengths, &arguments);
            } else {
                (arguments.from, arguments.to) = (run.start as u64, run.end as u64);
                let threads = widest.next_multiple_of(32).min(MOST_THREADS) as u32;
                self.launch::<T, _>("solve_levels", (1, threads, 0), lengths, &arguments);
            }
        }
    }
}

#[cfg(all(test, feature = "emulator"))]
mod tests {
    use std::sync::Arc;

    use super::super::trials::{Numbers, agrees};
    use super::*;
    use crate::backend::Reference;
    use crate::sparse::Csr;

    fn solved<T: OnDevice>(
        cuda: &Cuda,
        a: &Csr<T>,
        part: Triangle,
        transposed: bool,
        b: &[T],
        k: usize,
    ) -> Vec<T> {
        let pattern = Arc::new(a.pattern().as_ref().clone());
        let device = cuda.pattern(&pattern);
        let levels = DeviceLevels::new(cuda, &pattern, part.lower, transposed);
        let transposition = transposed.then(|| device.transposition(cuda, &pattern));
        let values = cuda.upload(a.values());
        let mut x = cuda.upload(b);
        let view = DeviceView { pattern: &device, values: &values, transposed: transposition };
        cuda.solve_triangular(view, &levels, part, &mut x, k);
        cuda.download(&x).unwrap()
    }

    fn check<T: OnDevice>(a: &Csr<T>, k: usize) {
        let b = Numbers(a.rows() as u64).vector::<T>(a.rows() * k);
        for (lower, unit, transposed) in [
            (true, false, false),
            (false, false, false),
            (true, true, false),
            (true, false, true),
            (false, true, true),
            (false, false, true),
        ] {
            let part = Triangle { lower, unit };
            let mut expected = b.clone();
            Reference.solve_triangular(a.into(), part, transposed, &mut expected, k);
            agrees(&expected, |cuda| solved(cuda, a, part, transposed, &b, k));
        }
    }

    #[test]
    fn triangles_are_solved_as_by_the_reference() {
        let mut numbers = Numbers(5);
        for (n, reach, full) in
            [(0, 1, false), (1, 1, false), (33, 40, false), (70, 20, true), (120, 3, false)]
        {
            let (a, single) =
                (numbers.banded::<f64>(n, 3, reach, full), numbers.banded::<f32>(n, 3, reach, full));
            for k in [1, 2, 33] {
                check(&a, k);
            }
            check(&single, 1);
            check(&single, 5);
        }
    }

    /// Levels of 2500, 2500, then single rows: launches of both kinds.
    #[test]
    fn wide_and_narrow_levels_are_launched_apart() {
        let n = 5050;
        let mut entries: Vec<(usize, usize, f64)> = (0..n).map(|i| (i, i, 2.0 + (i % 5) as f64)).collect();
        entries.extend((2500..5000).map(|i| (i, i - 2500, 0.3 + (i % 3) as f64)));
        entries.extend((5000..n).map(|i| (i, i - 1, -0.7)));
        entries.extend((5000..n).map(|i| (i, 17 * (i - 5000), 0.1)));
        let a = Csr::from_triplets(n, n, &entries).unwrap();
        let cuda = Cuda::emulated(false);
        let levels = DeviceLevels::new(&cuda, a.pattern(), true, false);
        assert_eq!((levels.count(), levels.launches(&cuda, 1), levels.launches(&cuda, 100)), (52, 3, 3));
        assert_eq!(levels.launches(&cuda, 3000), 52);
        let part = Triangle { lower: true, unit: false };
        let b = Numbers(3).vector::<f64>(n);
        let mut expected = b.clone();
        for i in 0..n {
            for p in a.pattern().row(i).filter(|&p| (a.pattern().col_idx()[p] as usize) < i) {
                expected[i] -= a.values()[p] * expected[a.pattern().col_idx()[p] as usize];
            }
            expected[i] /= 2.0 + (i % 5) as f64;
        }
        agrees(&expected, |cuda| solved(cuda, &a, part, false, &b, 1));
    }

    #[test]
    fn levels_of_another_triangle_are_refused() {
        let cuda = Cuda::emulated(false);
        let a = Numbers(1).banded::<f64>(9, 2, 3, false);
        let pattern = Arc::new(a.pattern().as_ref().clone());
        let (device, values) = (cuda.pattern(&pattern), cuda.upload(a.values()));
        let levels = DeviceLevels::new(&cuda, &pattern, true, false);
        let mut x = cuda.upload(&[1.0; 9]);
        let view = DeviceView { pattern: &device, values: &values, transposed: None };
        cuda.solve_triangular(view, &levels, Triangle { lower: false, unit: false }, &mut x, 1);
        assert!(cuda.synchronise().is_err());
    }
}
