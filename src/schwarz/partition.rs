//! Partitions of the rows into subdomains without overlap: blocks of a grid, METIS, greedy growth.

use std::collections::VecDeque;
#[cfg(feature = "metis")]
use std::sync::{Mutex, PoisonError};

use super::graph::Graph;
use crate::error::{Error, Result};
use crate::sparse::Pattern;

/// METIS uses a generator that all threads share: two concurrent calls would change each other's parts.
#[cfg(feature = "metis")]
static METIS: Mutex<()> = Mutex::new(());

/// The number of a row without a part.
const NONE: u32 = u32::MAX;

/// Part numbers of an nx × ny grid, x fastest, cut into `blocks_x` × `blocks_y` rectangles whose sides
/// differ by one point at most; parts are numbered as the points are.
///
/// # Errors
/// A direction without blocks, or with more blocks than points.
pub fn blocks_2d(nx: usize, ny: usize, blocks_x: usize, blocks_y: usize) -> Result<Vec<u32>> {
    blocks_3d([nx, ny, 1], [blocks_x, blocks_y, 1])
}

/// Part numbers of a grid in space, x fastest, as [`blocks_2d`]: `points` and `blocks` along x, y, z.
///
/// # Errors
/// A direction without blocks, or with more blocks than points; more points than 32-bit numbers can count.
pub fn blocks_3d(points: [usize; 3], blocks: [usize; 3]) -> Result<Vec<u32>> {
    for ((&n, &b), axis) in points.iter().zip(&blocks).zip(["x", "y", "z"]) {
        if b == 0 || b > n {
            return Err(Error::invalid_input(format!(
                "{b} blocks along {axis} for {n} points; take at least 1 and at most {n}"
            )));
        }
    }
    let count = points.iter().try_fold(1usize, |product, &n| product.checked_mul(n));
    if count.is_none_or(|n| n >= u32::MAX as usize) {
        let [x, y, z] = points;
        return Err(Error::dimension(format!(
            "a grid of {x} × {y} × {z} points is too large for 32-bit numbers"
        )));
    }
    let block = |i: usize, d: usize| i * blocks[d] / points[d];
    let mut part = Vec::with_capacity(count.unwrap_or_default());
    for z in 0..points[2] {
        for y in 0..points[1] {
            let row = blocks[0] * (block(y, 1) + blocks[1] * block(z, 2));
            part.extend((0..points[0]).map(|x| (block(x, 0) + row) as u32));
        }
    }
    Ok(part)
}

/// Part numbers of `count` parts of about equal size with few edges between them, by METIS (Karypis and
/// Kumar, 1998; k-way) on the graph of A + Aᵀ.
///
/// Without the feature `metis` the parts grow as in [`greedy`], and their number is about `count`.
///
/// The same matrix gives the same parts; calls wait for each other. Parts need not be connected. If METIS
/// leaves parts without rows there are fewer than requested, numbered without gaps. A matrix without
/// off-diagonal entries is cut into runs of rows. Cost: some 6 to 10 s for 10⁶ rows and 10⁴ parts; [`greedy`]
/// takes a fraction of that.
///
/// # Errors
/// A matrix that is not square or has no rows; no parts, or more than rows; more than 2³¹ − 1 entries.
pub fn partition(a: &Pattern, count: usize) -> Result<Vec<u32>> {
    let graph = Graph::new(a)?;
    let n = graph.rows();
    if count == 0 || count > n {
        return Err(Error::invalid_input(format!(
            "{count} parts for a matrix of {n} rows; ask for at least 1 and at most {n}"
        )));
    }
    if graph.neighbours.is_empty() || count == 1 || count == n {
        return Ok((0..n).map(|i| (i as u128 * count as u128 / n as u128) as u32).collect());
    }
    by_metis(&graph, count)
}

#[cfg(feature = "metis")]
fn by_metis(graph: &Graph, count: usize) -> Result<Vec<u32>> {
    let n = graph.rows();
    let signed = |v: usize| metis::Idx::try_from(v).map_err(|_| too_large(graph));
    let starts = graph.starts.iter().map(|&v| signed(v)).collect::<Result<Vec<_>>>()?;
    let neighbours = graph.neighbours.iter().map(|&v| signed(v as usize)).collect::<Result<Vec<_>>>()?;
    let mut part = vec![0; n];
    let failed =
        |e: &dyn std::fmt::Display| Error::invalid_input(format!("METIS could not partition the graph: {e}"));
    {
        let _alone = METIS.lock().unwrap_or_else(PoisonError::into_inner);
        let problem = metis::Graph::new(1, signed(count)?, &starts, &neighbours).map_err(|e| failed(&e))?;
        problem.set_option(metis::option::Seed(1)).part_kway(&mut part).map_err(|e| failed(&e))?;
    }
    without_gaps(part.into_iter().map(|p| usize::try_from(p).unwrap_or_default()).collect(), count)
}

#[cfg(not(feature = "metis"))]
fn by_metis(graph: &Graph, count: usize) -> Result<Vec<u32>> {
    grown(graph, graph.rows().div_ceil(count))
}

#[cfg(feature = "metis")]
fn too_large(graph: &Graph) -> Error {
    Error::dimension(format!(
        "METIS counts with 31 bits, but the graph has {} rows and {} entries; use a greedy partition",
        graph.rows(),
        graph.neighbours.len()
    ))
}

/// Renumbers parts in the same order, so that none is empty.
fn without_gaps(part: Vec<usize>, count: usize) -> Result<Vec<u32>> {
    let mut number = vec![NONE; count];
    for &p in &part {
        match number.get_mut(p) {
            Some(slot) => *slot = 0,
            None => return Err(Error::invalid_input(format!("METIS gave part {} of {count}", p + 1))),
        }
    }
    (0..).zip(number.iter_mut().filter(|slot| **slot == 0)).for_each(|(next, slot)| *slot = next);
    Ok(part.into_iter().map(|p| number[p]).collect())
}

/// Part numbers by breadth-first growth on the graph of A + Aᵀ: a part takes the nearest free rows until it
/// has `rows_per_part`; the next one starts at the first free row that an earlier one touched.
///
/// An enclosed part smaller than a quarter of that joins the smallest adjacent part; rows without a neighbour
/// in any part (small components, isolated rows) are combined. So a part can exceed `rows_per_part` by a
/// quarter for each one that joins it. Deterministic. Cost: two passes over the graph.
///
/// # Errors
/// A matrix that is not square or has no rows; `rows_per_part` of zero.
pub fn greedy(a: &Pattern, rows_per_part: usize) -> Result<Vec<u32>> {
    let graph = Graph::new(a)?;
    if rows_per_part == 0 {
        return Err(Error::invalid_input("parts of zero rows; ask for at least 1 row per part"));
    }
    grown(&graph, rows_per_part)
}

fn grown(graph: &Graph, rows_per_part: usize) -> Result<Vec<u32>> {
    let (mut part, mut sizes) = grow(graph, rows_per_part);
    join_small(graph, rows_per_part, &mut part, &mut sizes);
    without_gaps(part.into_iter().map(|p| p as usize).collect(), sizes.len())
}

/// Connected parts of at most `size` rows, and their numbers of rows.
fn grow(graph: &Graph, size: usize) -> (Vec<u32>, Vec<usize>) {
    let n = graph.rows();
    let mut part = vec![NONE; n];
    let mut sizes = Vec::new();
    // Free rows next to finished parts, and the next rows of the growing part.
    let (mut border, mut front) = (VecDeque::new(), VecDeque::new());
    let mut queued = vec![NONE; n];
    let mut first_free = 0;
    loop {
        let seed = loop {
            match border.pop_front() {
                Some(i) if part[i as usize] != NONE => {}
                touched => break touched,
            }
        };
        let seed = seed.or_else(|| {
            first_free += part[first_free..].iter().take_while(|&&p| p != NONE).count();
            (first_free < n).then_some(first_free as u32)
        });
        let Some(seed) = seed else { return (part, sizes) };
        let own = sizes.len() as u32;
        let mut taken = 0;
        front.push_back(seed);
        queued[seed as usize] = own;
        while let Some(i) = front.pop_front() {
            if taken == size {
                border.push_back(i);
                continue;
            }
            part[i as usize] = own;
            taken += 1;
            for &j in graph.of(i as usize) {
                if part[j as usize] == NONE && queued[j as usize] != own {
                    queued[j as usize] = own;
                    front.push_back(j);
                }
            }
        }
        sizes.push(taken);
    }
}

/// Joins parts of less than a quarter of `size` to a neighbour, or combines them.
fn join_small(graph: &Graph, size: usize, part: &mut [u32], sizes: &mut [usize]) {
    let mut rows = vec![Vec::new(); sizes.len()];
    part.iter().enumerate().filter(|(_, p)| 4 * sizes[**p as usize] < size).for_each(|(i, &p)| {
        rows[p as usize].push(i);
    });
    let mut loose: Option<u32> = None;
    for own in 0..rows.len() {
        if rows[own].is_empty() || 4 * sizes[own] >= size {
            continue;
        }
        let beside = rows[own].iter().flat_map(|&i| graph.of(i)).map(|&j| part[j as usize]);
        let smallest = beside.filter(|&p| p as usize != own).min_by_key(|&p| (sizes[p as usize], p));
        let open = loose.filter(|&p| sizes[p as usize] + sizes[own] <= size);
        let Some(target) = smallest.or(open) else {
            loose = Some(own as u32);
            continue;
        };
        // The target may be small itself and move on later, with the parts that joined it.
        let moving = std::mem::take(&mut rows[own]);
        moving.iter().for_each(|&i| part[i] = target);
        sizes[target as usize] += moving.len();
        sizes[own] = 0;
        rows[target as usize].extend(moving);
    }
}
