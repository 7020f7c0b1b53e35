//! The network of a level without a tape: by blocks of rows, with features computed on the way.

use std::ops::Range;

use super::features::{FEATURES, LevelFeatures};
use super::graph::{OUTPUTS, changed};
use super::kernels::{add, add_product, scale, tanh_of};
use super::weights::{Round, Weights};
use crate::backend::vectorised;
use crate::parallel;
use crate::sparse::rows::split;

/// Entries of a block of rows, except for longer rows.
const ENTRIES: usize = 256;
/// Blocks between two additions to the sums of columns, which go in the order of the rows.
const WAVE: usize = 64;
/// Nodes per task.
const NODES: usize = 256;

impl Weights {
    /// The values that the network gives for the sweeps of a level before the coarse-grid correction, and after it. The
    /// same bits on any number of threads.
    ///
    /// Memory beside the result: 4 · width · (rounds − 1) bytes per entry in `sums`, whose contents do not matter and which
    /// levels share, 8 · width per row, and that of [`LevelFeatures`]. The first round stores what the next ones add up over the
    /// features, so that these are computed once.
    pub fn values(&self, level: &LevelFeatures, sums: &mut Vec<f32>) -> [Vec<f64>; 2] {
        match self.width() {
            8 => Inference::<8>::run(self, level, sums),
            16 => Inference::<16>::run(self, level, sums),
            _ => Inference::<0>::run(self, level, sums),
        }
    }
}

/// A network on a level; `W` is its width, or 0 for any width.
struct Inference<'a, const W: usize> {
    level: &'a LevelFeatures,
    width: usize,
    rounds: Vec<Round<'a>>,
    /// C and c.
    last: (&'a [f32], &'a [f32]),
}

/// Rows of a level with their parts of all arrays.
struct Block<'a> {
    rows: Range<usize>,
    entries: Range<usize>,
    /// For every later round what is known of its sums, entries × width, one round after another.
    sums: &'a mut [f32],
    /// The means of rows, rows × width; empty in the last round.
    means: &'a mut [f32],
    /// Before the last round, the second one holds the units.
    values: [&'a mut [f64]; 2],
}

impl<'a, const W: usize> Inference<'a, W> {
    fn run(weights: &'a Weights, level: &'a LevelFeatures, sums: &mut Vec<f32>) -> [Vec<f64>; 2] {
        let (rounds, last) = weights.rounds();
        let network = Self { level, width: weights.width(), rounds, last };
        let (w, pattern) = (network.width(), level.pattern());
        let later = network.rounds.len() - 1;
        let blocks = blocks(pattern.row_ptr());
        let needed = pattern.nnz() * w * later;
        if sums.len() < needed {
            *sums = vec![0.0; needed];
        }
        let mut values = [vec![0.0; pattern.nnz()], vec![0.0; pattern.nnz()]];
        let mut messages = [Vec::new(), Vec::new()];
        for round in 0..=later {
            let next = if round < later { pattern.rows() * w } else { 0 };
            let mut means = [vec![0.0f32; next], vec![0.0f32; next]];
            let [row_means, column_sums] = &mut means;
            let mut tasks = network.tasks(&blocks, sums, row_means, &mut values);
            network.pass(round, &messages, &mut tasks, column_sums);
            if round < later {
                network.multiply_means(round + 1, &mut means);
            }
            messages = means;
        }
        values
    }

    #[inline(always)]
    fn width(&self) -> usize {
        if W == 0 { self.width } else { W }
    }

    fn tasks<'t>(
        &self,
        blocks: &[Range<usize>],
        sums: &'t mut [f32],
        means: &'t mut [f32],
        [pre, post]: &'t mut [Vec<f64>; 2],
    ) -> Vec<Block<'t>> {
        let (w, ptr) = (self.width(), self.level.pattern().row_ptr());
        let (later, filled) = (self.rounds.len() - 1, !means.is_empty());
        let entries = |rows: &Range<usize>| ptr[rows.start] as usize..ptr[rows.end] as usize;
        let lengths = || blocks.iter().map(|rows| entries(rows).len());
        let sums = split(sums, lengths().map(|n| n * w * later));
        let means = split(means, blocks.iter().map(|rows| if filled { rows.len() * w } else { 0 }));
        let (pre, post) = (split(pre, lengths()), split(post, lengths()));
        let arrays = sums.into_iter().zip(means).zip(pre.into_iter().zip(post));
        let rows = blocks.iter().cloned().zip(arrays);
        rows.map(|(rows, ((sums, means), (pre, post)))| Block {
            entries: entries(&rows),
            rows,
            sums,
            means,
            values: [pre, post],
        })
        .collect()
    }

    /// One round on all entries. `messages` are n X and n Y of all nodes.
    fn pass(
        &self,
        round: usize,
        messages: &[Vec<f32>; 2],
        blocks: &mut [Block<'_>],
        column_sums: &mut [f32],
    ) {
        let (w, columns) = (self.width(), self.level.pattern().col_idx());
        let scratch = self.level.scratch();
        let mut space = Vec::new();
        for wave in blocks.chunks_mut(WAVE) {
            let length = |block: &Block<'_>| block.entries.len() * (w + FEATURES);
            space.resize(wave.iter().map(length).sum(), 0.0f32);
            let parts = split(&mut space, wave.iter().map(length));
            let states = parts
                .into_iter()
                .zip(wave.iter())
                .map(|(part, block)| part.split_at_mut(block.entries.len() * w));
            let mut states: Vec<_> = states.collect();
            parallel::for_each(wave.iter_mut().zip(&mut states), &|(block, (state, features))| {
                match round {
                    0 => scratch.with(|dense| self.first(block, dense, state, features)),
                    _ => self.receive(round, block, messages, state),
                }
                tanh_of(state);
                if round + 1 < self.rounds.len() {
                    self.send(round, block, state);
                } else {
                    self.finish(block, state, features);
                }
            });
            if column_sums.is_empty() {
                continue;
            }
            vectorised(
                #[inline(always)]
                || {
                    for (block, (state, _)) in wave.iter().zip(&states) {
                        for (&j, state) in columns[block.entries.clone()].iter().zip(state.chunks_exact(w)) {
                            add(&mut column_sums[j as usize * w..][..w], state);
                        }
                    }
                },
            );
        }
    }

    /// The sums of the first round, and what those of the later ones are without messages.
    fn first(&self, block: &mut Block<'_>, dense: &mut [f64], state: &mut [f32], features: &mut [f32]) {
        self.level.rows(block.rows.clone(), dense, features, block.values[1]);
        let later = block.sums.chunks_exact_mut(state.len().max(1));
        for (round, sum) in self.rounds.iter().zip(std::iter::once(state).chain(later)) {
            add_product::<W>(features, FEATURES, round.w, Some(round.b), sum);
        }
    }

    /// The sums of a later round: those stored, with the messages from both ends.
    fn receive(&self, round: usize, block: &Block<'_>, [x, y]: &[Vec<f32>; 2], state: &mut [f32]) {
        let (w, pattern) = (self.width(), self.level.pattern());
        let known = &block.sums[(round - 1) * state.len()..round * state.len()];
        vectorised(
            #[inline(always)]
            || {
                let mut entries = state.chunks_exact_mut(w).zip(known.chunks_exact(w));
                for i in block.rows.clone() {
                    let x = &x[i * w..][..w];
                    for (&j, (state, known)) in pattern.row_cols(i).iter().zip(&mut entries) {
                        let y = &y[j as usize * w..][..w];
                        for (((state, known), x), y) in state.iter_mut().zip(known).zip(x).zip(y) {
                            *state = known + x + y;
                        }
                    }
                }
            },
        );
    }

    /// What the next round adds up over the entries, and the means of rows.
    fn send(&self, round: usize, block: &mut Block<'_>, state: &[f32]) {
        let (w, pattern) = (self.width(), self.level.pattern());
        if let Some((v, _, _)) = self.rounds[round + 1].messages {
            add_product::<W>(
                state,
                w,
                v,
                None,
                &mut block.sums[round * state.len()..(round + 1) * state.len()],
            );
        }
        let mut entries = state.chunks_exact(w);
        for (i, mean) in block.rows.clone().zip(block.means.chunks_exact_mut(w)) {
            let count = pattern.row(i).len();
            entries.by_ref().take(count).for_each(|state| add(mean, state));
            scale(mean, count);
        }
    }

    /// The values of the sweeps. Features are no longer needed: their place takes the outputs.
    fn finish(&self, block: &mut Block<'_>, state: &[f32], features: &mut [f32]) {
        let (c, last) = self.last;
        let outputs = &mut features[..block.entries.len() * OUTPUTS];
        add_product::<OUTPUTS>(state, self.width(), c, Some(last), outputs);
        let [pre, post] = &mut block.values;
        let starts = self.level.values()[block.entries.clone()].iter();
        let rows =
            outputs.as_chunks::<OUTPUTS>().0.iter().zip(starts).zip(pre.iter_mut().zip(post.iter_mut()));
        for ((out, &start), (pre, post)) in rows {
            let unit = *post;
            *pre = changed(start, unit, out[0], out[1]);
            *post = changed(start, unit, out[2], out[3]);
        }
    }

    /// n X and n Y in place of the means of rows and the sums of columns.
    fn multiply_means(&self, round: usize, [rows, columns]: &mut [Vec<f32>; 2]) {
        let Some((_, x, y)) = self.rounds[round].messages else { return };
        let w = self.width();
        let mut counts = vec![0u32; self.level.pattern().cols()];
        self.level.pattern().col_idx().iter().for_each(|&j| counts[j as usize] += 1);
        let (size, zeros) = (NODES * w, vec![0.0; w]);
        let parts = rows.chunks_mut(size).zip(columns.chunks_mut(size)).zip(counts.chunks(NODES));
        parallel::for_each(parts, &|((rows, columns), counts)| {
            columns.chunks_exact_mut(w).zip(counts).for_each(|(sum, &count)| scale(sum, count as usize));
            let pairs = rows.chunks_exact(w).zip(columns.chunks_exact(w));
            let mut nodes = Vec::with_capacity(2 * rows.len());
            for (row, column) in pairs {
                nodes.extend_from_slice(row);
                nodes.extend_from_slice(column);
            }
            for (out, matrix) in [(rows, x), (columns, y)] {
                add_product::<W>(&nodes, 2 * w, matrix, Some(&zeros), out);
            }
        });
    }
}

/// Ranges of rows with at most [`ENTRIES`] entries, or of a single row.
fn blocks(ptr: &[u32]) -> Vec<Range<usize>> {
    let (mut list, mut start) = (Vec::new(), 0);
    let rows = ptr.len() - 1;
    while start < rows {
        let within = |end: usize| (ptr[end] - ptr[start]) as usize <= ENTRIES;
        let end = (start + 1..=rows).take_while(|&end| within(end)).last().unwrap_or(start + 1);
        list.push(start..end);
        start = end;
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_cover_all_rows_once() {
        for lengths in [vec![], vec![0, 0], vec![1000, 1, 255, 1, 300], vec![7; 200]] {
            let mut ptr = vec![0u32];
            lengths.iter().for_each(|n| ptr.push(ptr[ptr.len() - 1] + n));
            let list = blocks(&ptr);
            assert!(list.iter().cloned().flatten().eq(0..lengths.len()), "{list:?}");
            assert!(list.iter().all(|r| r.len() == 1 || ptr[r.end] - ptr[r.start] <= 256), "{list:?}");
        }
    }
}
