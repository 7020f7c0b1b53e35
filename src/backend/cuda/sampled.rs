//! Sampled products, the gradients with respect to the values of a matrix: `kernels/sampled.cu`.

use super::arguments::{Address, arguments};
use super::products::{lanes, pack};
use super::{Cuda, DevicePattern, Memory, OnDevice, THREADS};
use crate::backend::{Direction, Triangle};

arguments! {
    Sampled {
        ptr: Address, columns: Address, rank: Address,
        y: Address, x: Address,
        g: Address,
        alpha: f64,
        rows: u32, k: u32,
        part: u32, lanes: u32,
        block_rows: u32, packed: u32,
    }
    RowDots { y: Address, x: Address, g: Address, rows: u32, k: u32, lanes: u32, unused: u32 }
}

/// Entries (i, j) by whether j is below, equal to or above i; with ranks, rank(j) and rank(i).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part(u32);

impl Part {
    /// All entries.
    pub const ALL: Part = Part(7);
    /// j < i.
    pub const STRICT_LOWER: Part = Part(1);
    /// j = i; with ranks, all entries within a rank.
    pub const DIAGONAL: Part = Part(2);
    /// j > i.
    pub const STRICT_UPPER: Part = Part(4);

    /// The entries that a triangle reads.
    pub fn of(triangle: Triangle) -> Self {
        let side = if triangle.lower { Self::STRICT_LOWER } else { Self::STRICT_UPPER };
        Part(side.0 | if triangle.unit { 0 } else { Self::DIAGONAL.0 })
    }

    /// The entries that read new values in a sweep with ascending or descending ranks.
    pub fn new_in(direction: Direction) -> Self {
        match direction {
            Direction::Forward => Self::STRICT_LOWER,
            Direction::Backward => Self::STRICT_UPPER,
        }
    }

    /// All others.
    #[must_use]
    pub fn complement(self) -> Self {
        Part(Self::ALL.0 ^ self.0)
    }
}

/// The sampled entries of a pattern.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entries<'a> {
    pub pattern: &'a DevicePattern,
    pub part: Part,
    /// The rank of each row, and of each column of the same number; without ranks, the row numbers.
    pub rank: Option<&'a Memory<u32>>,
}

impl<'a> Entries<'a> {
    /// The selected part of a pattern.
    #[cfg(test)]
    pub fn of(pattern: &'a DevicePattern, part: Part) -> Self {
        Self { pattern, part, rank: None }
    }
}

/// Entries per thread, as in the kernel file.
const BATCH: usize = 4;

/// Threads for a sum over k columns.
fn threads_of(k: usize) -> u32 {
    if k > 4 { lanes(k) } else { 1 }
}

/// The same if each handles two packs or more.
fn threads_of_packs(packs: usize) -> u32 {
    lanes(packs / 2)
}

impl Cuda {
    /// g(p) ← g(p) + α Σ_c y(i,c) x(j,c) for every selected entry p = (i, j); the others do not change.
    pub(crate) fn sampled<T: OnDevice>(
        &self,
        alpha: f64,
        entries: Entries<'_>,
        (y, x): (&Memory<T>, &Memory<T>),
        g: &mut Memory<T>,
        k: usize,
    ) {
        let Entries { pattern, part, rank } = entries;
        let rows = pattern.rows;
        let lengths = pattern.row_ptr.len() == rows + 1
            && g.len() == pattern.nnz()
            && y.len() == rows * k
            && x.len() == pattern.cols * k
            && rank.is_none_or(|r| r.len() >= rows.max(pattern.cols));
        let packed = k.is_multiple_of(pack::<T>());
        let lanes = if packed { threads_of_packs(k / pack::<T>()) } else { threads_of(k) };
        // As many entries as a block of threads handles at once.
        let wanted = BATCH * (THREADS / lanes) as usize;
        let block_rows = (wanted * rows / pattern.nnz().max(1)).clamp(1, THREADS as usize);
        let arguments = Sampled {
            ptr: (&pattern.row_ptr).into(),
            columns: (&pattern.col_idx).into(),
            rank: rank.into(),
            y: y.into(),
            x: x.into(),
            g: (&*g).into(),
            alpha,
            rows: rows as u32,
            k: k as u32,
            part: part.0,
            lanes,
            block_rows: block_rows as u32,
            packed: u32::from(packed),
        };
        self.launch::<T, _>("sampled", (rows.div_ceil(block_rows), THREADS, 0), lengths, &arguments);
    }

    /// g(i) ← g(i) + Σ_c y(i,c) x(i,c).
    pub(crate) fn row_dots<T: OnDevice>(&self, y: &Memory<T>, x: &Memory<T>, g: &mut Memory<T>, k: usize) {
        let (rows, lanes) = (g.len(), threads_of(k));
        let lengths = y.len() == rows * k && x.len() == rows * k;
        let (y, x, g) = (y.into(), x.into(), (&*g).into());
        let arguments = RowDots { y, x, g, rows: rows as u32, k: k as u32, lanes, unused: 0 };
        let blocks = (rows * lanes as usize).div_ceil(THREADS as usize);
        self.launch::<T, _>("row_dots", (blocks, THREADS, 0), lengths, &arguments);
    }
}

#[cfg(all(test, feature = "emulator"))]
mod tests {
    use super::super::judged::{COLUMNS, Numbers, OnCard, in_both_precisions, judge};
    use super::*;
    use crate::backend::Reference;

    in_both_precisions!(all_entries, parts, rows);

    fn all_entries<T: OnDevice>() {
        let mut r = Numbers(40);
        for (name, a) in r.awkward::<T>() {
            // Sums by several threads are slow to emulate.
            for k in COLUMNS.into_iter().filter(|&k| a.nnz() * k.min(32) < 16_000) {
                let (y, x) = (r.vector::<T>(a.rows() * k), r.vector::<T>(a.cols() * k));
                let g = r.vector::<T>(a.nnz());
                judge(
                    &format!("{name}, {k} columns"),
                    &g,
                    |cuda, g| {
                        let (own, y, x) = (OnCard::new(cuda, &a), cuda.upload(&y), cuda.upload(&x));
                        cuda.sampled(-0.75, Entries::of(&own.pattern, Part::ALL), (&y, &x), g, k);
                    },
                    |g| Reference.sampled_product(T::from_f64(-0.75), a.pattern(), &y, &x, g, k),
                );
            }
        }
    }

    /// Whether entry (i, j) is selected.
    type Wanted = Box<dyn Fn(u32, u32) -> bool>;

    /// Selected entries are sampled, and the rest of g does not change.
    fn parts<T: OnDevice>() {
        let mut r = Numbers(41);
        let triangles = (0..4).map(|q| Triangle { lower: q & 1 == 0, unit: q & 2 == 0 });
        let mut cases: Vec<(Part, bool, Wanted)> = Vec::new();
        for t in triangles {
            cases.push((Part::of(t), false, Box::new(move |i, j| t.reads(i as usize, j as usize))));
            cases.push((
                Part::of(t).complement(),
                false,
                Box::new(move |i, j| !t.reads(i as usize, j as usize)),
            ));
        }
        cases.push((Part::DIAGONAL, false, Box::new(|i, j| i == j)));
        let forward = Part::new_in(Direction::Forward);
        cases.push((forward, true, Box::new(|i, j| j < i)));
        cases.push((forward.complement(), true, Box::new(|i, j| j >= i)));
        cases.push((Part::new_in(Direction::Backward), true, Box::new(|i, j| j > i)));
        for a in [r.dominant::<T>(140, 5), r.matrix::<T>(40, 40, 15)] {
            let ranks: Vec<u32> = (0..a.rows()).map(|_| r.below(4) as u32).collect();
            for k in [1, 5] {
                let (y, x) = (r.vector::<T>(a.rows() * k), r.vector::<T>(a.rows() * k));
                let g = r.vector::<T>(a.nnz());
                for (part, ranked, wanted) in &cases {
                    judge(
                        &format!("{part:?}, ranks {ranked}, {k} columns"),
                        &g,
                        |cuda, g| {
                            let (own, y, x) = (OnCard::new(cuda, &a), cuda.upload(&y), cuda.upload(&x));
                            let rank = cuda.upload(&ranks);
                            let rank = ranked.then_some(&rank);
                            let entries = Entries { pattern: &own.pattern, part: *part, rank };
                            cuda.sampled(1.5, entries, (&y, &x), g, k);
                        },
                        |g| {
                            let untouched = g.to_vec();
                            Reference.sampled_product(T::from_f64(1.5), a.pattern(), &y, &x, g, k);
                            for i in 0..a.rows() {
                                for p in a.pattern().row(i) {
                                    let j = a.pattern().col_idx()[p];
                                    let (i, j) = match ranked {
                                        true => (ranks[i], ranks[j as usize]),
                                        false => (i as u32, j),
                                    };
                                    if !wanted(i, j) {
                                        g[p] = untouched[p];
                                    }
                                }
                            }
                        },
                    );
                }
            }
        }
    }

    fn rows<T: OnDevice>() {
        let mut r = Numbers(42);
        for (n, k) in [0, 1, 67].into_iter().flat_map(|n| COLUMNS.map(|k| (n, k))) {
            let (y, x, g) = (r.vector::<T>(n * k), r.vector::<T>(n * k), r.vector::<T>(n));
            judge(
                &format!("row_dots, {n} × {k}"),
                &g,
                |cuda, g| cuda.row_dots(&cuda.upload(&y), &cuda.upload(&x), g, k),
                |g| Reference.row_dots(&y, &x, g, k),
            );
        }
    }

    #[test]
    fn buffers_of_other_lengths_are_refused() {
        let a = Numbers(43).dominant::<f64>(9, 2);
        for wrong in 0..4 {
            let cuda = Cuda::emulated(false);
            let own = OnCard::new(&cuda, &a);
            let length = |q: usize, n: usize| vec![1.0; n - usize::from(wrong == q)];
            let (y, x) = (cuda.upload(&length(0, 18)), cuda.upload(&length(1, 18)));
            let (mut g, rank) =
                (cuda.upload(&length(2, a.nnz())), cuda.upload(&vec![0u32; 9 - usize::from(wrong == 3)]));
            let entries = Entries { pattern: &own.pattern, part: Part::ALL, rank: Some(&rank) };
            cuda.sampled(1.0, entries, (&y, &x), &mut g, 2);
            assert!(cuda.check().is_err(), "{wrong}");
        }
    }
}
