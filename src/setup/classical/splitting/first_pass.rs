//! The first pass of Ruge and Stüben.

use std::ops::Range;

use super::Splitting;
use super::graph::Graph;
use crate::error::Result;
use crate::sparse::Pattern;

/// The first pass of Ruge and Stüben (1987).
///
/// The measure of a point is the number of undecided points that depend on it, fine ones counting twice. The
/// point of largest measure becomes coarse and those that depend on it fine, until the largest measure is
/// zero; the rest becomes fine. Ties are broken as in PyAMG (the last point to reach the measure), and so is
/// the result. In a graph that is not symmetric some fine points may have no coarse neighbour. Sequential;
/// cost: O(nnz).
///
/// # Errors
/// A graph that is not square.
pub fn first_pass(strong: &Pattern) -> Result<Splitting> {
    let graph = Graph::new(strong)?;
    Ok(Splitting::new(&split_block(&graph, 0..graph.len())))
}

/// The first pass on a block of points without regard to others; returns which of them are coarse.
pub(super) fn split_block(graph: &Graph, block: Range<usize>) -> Vec<bool> {
    let from = block.start;
    let local = |j: &u32| {
        // Numbers below the block wrap around to large ones.
        let q = (*j as usize).wrapping_sub(from);
        (q < block.len()).then_some(q)
    };
    let inside = |list: &[u32]| list.iter().filter_map(local).count() as u32;
    let mut queue = Queue::new(block.clone().map(|i| inside(graph.influences(i))));
    for top in (0..block.len()).rev() {
        let i = queue.take(top);
        if queue.points[i].measure == 0 {
            break;
        }
        if queue.points[i].state != State::Undecided {
            continue;
        }
        queue.points[i].state = State::Coarse;
        let followers = graph.influences(from + i);
        for j in followers.iter().filter_map(local) {
            let state = &mut queue.points[j].state;
            if *state == State::Undecided {
                *state = State::Leaving;
            }
        }
        for j in followers.iter().filter_map(local) {
            if queue.points[j].state == State::Leaving {
                queue.points[j].state = State::Fine;
                for k in graph.depends(from + j).iter().filter_map(local) {
                    queue.raise(k);
                }
            }
        }
        for j in graph.depends(from + i).iter().filter_map(local) {
            queue.lower(j);
        }
    }
    queue.points.iter().map(|p| p.state == State::Coarse).collect()
}

/// The state of a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum State {
    Undecided,
    Coarse,
    /// About to be fine: depends on the coarse point just chosen.
    Leaving,
    Fine,
}

/// All data of a point, adjacent in memory because points are visited in irregular order.
#[derive(Clone, Copy)]
struct Point {
    /// Its place in the order.
    place: u32,
    measure: u32,
    state: State,
}

/// Points by ascending measure, in one array cut into a run for every value, so that a change
/// by one swaps two points.
struct Queue {
    points: Vec<Point>,
    order: Vec<u32>,
    /// First place and length of the run of every measure.
    runs: Vec<(u32, u32)>,
}

impl Queue {
    /// Points with these measures; those with none are fine.
    fn new(measures: impl ExactSizeIterator<Item = u32>) -> Self {
        let mut points: Vec<Point> = measures
            .map(|measure| {
                let state = if measure == 0 { State::Fine } else { State::Undecided };
                Point { place: 0, measure, state }
            })
            .collect();
        // Every follower raises the measure of a point at most once.
        let most = points.iter().map(|p| 2 * p.measure as usize).max().unwrap_or(0);
        let mut runs = vec![(0, 0); most + 2];
        points.iter().for_each(|p| runs[p.measure as usize].1 += 1);
        let mut start = 0;
        for run in &mut runs {
            run.0 = start;
            start += std::mem::take(&mut run.1);
        }
        let mut order = vec![0; points.len()];
        for (i, p) in points.iter_mut().enumerate() {
            let (first, length) = &mut runs[p.measure as usize];
            p.place = *first + *length;
            order[p.place as usize] = i as u32;
            *length += 1;
        }
        Self { points, order, runs }
    }

    /// Removes and returns the point at the upper end of all runs.
    #[inline(always)]
    fn take(&mut self, top: usize) -> usize {
        let i = self.order[top] as usize;
        self.runs[self.points[i].measure as usize].1 -= 1;
        i
    }

    /// One more for point `k`, if it is undecided.
    #[inline(always)]
    fn raise(&mut self, k: usize) {
        let Point { place, measure, state } = self.points[k];
        // The largest possible measure: PyAMG stops counting there.
        if state != State::Undecided || measure as usize + 1 >= self.points.len() {
            return;
        }
        let [run, next] = &mut self.runs[measure as usize..][..2] else { return };
        run.1 -= 1;
        let last = run.0 + run.1;
        *next = (last, next.1 + 1);
        self.points[k].measure += 1;
        self.swap(k, place, last);
    }

    /// One less for point `k`, if it is undecided.
    #[inline(always)]
    fn lower(&mut self, k: usize) {
        let Point { place, measure, state } = self.points[k];
        if state != State::Undecided || measure == 0 {
            return;
        }
        let [before, run] = &mut self.runs[measure as usize - 1..][..2] else { return };
        let first = run.0;
        *run = (first + 1, run.1 - 1);
        before.1 += 1;
        before.0 = first + 1 - before.1;
        self.points[k].measure -= 1;
        self.swap(k, place, first);
    }

    /// Moves point `k` from `old` to `place`, and the point there to `old`.
    #[inline(always)]
    fn swap(&mut self, k: usize, old: u32, place: u32) {
        let other = std::mem::replace(&mut self.order[place as usize], k as u32);
        self.order[old as usize] = other;
        self.points[other as usize].place = old;
        self.points[k].place = place;
    }
}
