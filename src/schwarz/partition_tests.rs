//! Partitions, overlap and outer rings.

use std::sync::Arc;

use super::{Decomposition, Layout, blocks_2d, blocks_3d, greedy, partition};
use crate::gallery::poisson_2d;
use crate::sparse::{Csr, Pattern};

fn pattern(n: usize, entries: &[(usize, usize)]) -> Arc<Pattern> {
    let triplets: Vec<_> = entries.iter().map(|&(i, j)| (i, j, 1.0)).collect();
    Csr::<f64>::from_triplets(n, n, &triplets).unwrap().pattern().clone()
}

/// Sizes of parts that are numbered without gaps.
fn sizes(part: &[u32]) -> Vec<usize> {
    let mut sizes = vec![0; part.iter().max().map_or(0, |&p| p as usize + 1)];
    part.iter().for_each(|&p| sizes[p as usize] += 1);
    assert!(sizes.iter().all(|&s| s > 0), "a part without rows: {sizes:?}");
    sizes
}

#[test]
fn blocks_of_grids() {
    let part = blocks_2d(5, 3, 2, 2).unwrap();
    // Three points and two along x; two rows and one along y.
    assert_eq!(part, [0, 0, 0, 1, 1, 0, 0, 0, 1, 1, 2, 2, 2, 3, 3]);
    let part = blocks_3d([4, 2, 2], [2, 1, 2]).unwrap();
    assert_eq!(part, [0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 3, 3, 2, 2, 3, 3]);
    let text = blocks_2d(5, 3, 2, 4).unwrap_err().to_string();
    assert!(text.contains("4 blocks along y for 3 points"), "{text}");
    assert!(blocks_3d([1, 1, 1], [1, 0, 1]).is_err());
    assert!(blocks_3d([1 << 20, 1 << 20, 1], [1, 1, 1]).unwrap_err().is_dimension());
}

/// Six rows in a line, with only one direction of each edge stored.
#[test]
fn a_line_by_hand() {
    let line = pattern(6, &[(0, 1), (2, 1), (2, 3), (4, 3), (4, 5), (0, 0), (5, 5)]);
    let part = [0, 0, 0, 1, 1, 1];
    let none = Decomposition::from_parts(&line, &part, 0).unwrap();
    let first = none.part(0).unwrap();
    assert_eq!((first.rows, first.owned, first.ring), (&[0, 1, 2][..], &[true; 3][..], &[2][..]));
    assert_eq!(none.part(1).unwrap().ring, [0]);
    let one = Decomposition::from_parts(&line, &part, 1).unwrap();
    let second = one.part(1).unwrap();
    assert_eq!((second.rows, second.owned), (&[2, 3, 4, 5][..], &[false, true, true, true][..]));
    assert_eq!(second.ring, [0]);
    assert_eq!((0..7).map(|i| one.copies(i)).collect::<Vec<_>>(), [1, 1, 2, 2, 1, 1, 0]);
    // A subdomain with all rows has no ring, and more overlap changes nothing.
    let all = Decomposition::from_parts(&line, &part, 9).unwrap();
    assert!(all.iter().all(|s| s.rows.len() == 6 && s.ring.is_empty()));
    assert_eq!((all.places(), all.parts(), all.rows(), all.overlap()), (12, 2, 6, 9));
    assert!(all.part(2).is_none());
    // The only stored entry between two rows of a ring is the diagonal, and there only row 1 and 6 have one.
    let layout = Layout::new(&line, one).unwrap();
    assert_eq!(layout.interface_entries(), 0);
    let line = pattern(6, &[(0, 1), (2, 1), (2, 2), (2, 3), (4, 3), (3, 3), (4, 5)]);
    let layout = Layout::new(&line, Decomposition::from_parts(&line, &part, 1).unwrap()).unwrap();
    assert_eq!((layout.interface_ends(0), layout.interface_ends(1)), (vec![[3, 3]], vec![[0, 0]]));
}

/// The definition, row by row, on a grid: after q rings a subdomain contains the points within distance q.
#[test]
fn overlap_grows_by_rings() {
    let (nx, ny) = (9, 7);
    let a = poisson_2d(nx, ny).unwrap().matrix;
    let part = blocks_2d(nx, ny, 3, 2).unwrap();
    let distance = |i: usize, j: usize| (i % nx).abs_diff(j % nx) + (i / nx).abs_diff(j / nx);
    for overlap in 0..4 {
        let d = Decomposition::from_parts(a.pattern(), &part, overlap).unwrap();
        let mut owners = vec![0; nx * ny];
        for (p, subdomain) in d.iter().enumerate() {
            let own: Vec<usize> = (0..nx * ny).filter(|&i| part[i] as usize == p).collect();
            let near = |i: usize, q: usize| own.iter().any(|&j| distance(i, j) <= q);
            let inside: Vec<u32> = (0..nx * ny).filter(|&i| near(i, overlap)).map(|i| i as u32).collect();
            assert_eq!(subdomain.rows, inside);
            for (local, (&i, &owned)) in (0..).zip(subdomain.rows.iter().zip(subdomain.owned)) {
                owners[i as usize] += usize::from(owned);
                assert_eq!(owned, own.contains(&(i as usize)));
                let open = a.row(i as usize).any(|(j, _)| !near(j, overlap));
                assert_eq!(subdomain.ring.contains(&local), open, "row {i} of part {p}");
            }
        }
        assert!(owners.iter().all(|&count| count == 1));
        assert_eq!((0..nx * ny).map(|i| d.copies(i)).sum::<usize>(), d.places());
    }
}

#[test]
fn wrong_parts_are_named() {
    let a = pattern(3, &[(0, 0), (1, 1), (2, 2)]);
    let error = |part: &[u32]| Decomposition::from_parts(&a, part, 1).unwrap_err().to_string();
    assert!(error(&[0, 1]).contains("2 part numbers for a matrix of 3 rows"));
    assert!(error(&[0, 2, 2]).contains("part 2 of 3 has no rows"));
    assert!(error(&[0, u32::MAX, 0]).contains("row 2 has part number"));
    let tall = Pattern::new(2, 1, vec![0, 1, 2], vec![0, 0]).unwrap();
    assert!(Decomposition::from_parts(&tall, &[0, 0], 0).unwrap_err().is_dimension());
    assert!(partition(&tall, 1).unwrap_err().is_dimension());
    let empty = Pattern::new(0, 0, vec![0], vec![]).unwrap();
    assert!(Decomposition::from_parts(&empty, &[], 0).unwrap_err().to_string().contains("0 × 0"));
    assert!(partition(&empty, 1).is_err() && greedy(&empty, 3).is_err());
    let text = partition(&a, 4).unwrap_err().to_string();
    assert!(text.contains("4 parts for a matrix of 3 rows"), "{text}");
    assert!(partition(&a, 0).is_err() && greedy(&a, 0).is_err());
    let other = Decomposition::from_parts(&a, &[0, 0, 0], 0).unwrap();
    assert!(Layout::new(&pattern(2, &[(0, 0)]), other).unwrap_err().is_dimension());
}

#[test]
fn metis_parts_are_balanced_and_repeat() {
    let a = poisson_2d(24, 24).unwrap().matrix;
    let part = partition(a.pattern(), 9).unwrap();
    let sizes = sizes(&part);
    assert!(sizes.len() == 9 && sizes.iter().all(|s| (50..=70).contains(s)), "{sizes:?}");
    // Concurrent calls give the same result.
    std::thread::scope(|scope| {
        let again: Vec<_> = (0..3).map(|_| scope.spawn(|| partition(a.pattern(), 9).unwrap())).collect();
        again.into_iter().for_each(|other| assert_eq!(other.join().unwrap(), part));
    });
    assert_eq!(partition(a.pattern(), 1).unwrap(), vec![0; 576]);
    let single = partition(a.pattern(), 576).unwrap();
    assert!(single.iter().enumerate().all(|(i, &p)| p as usize == i));
    // Nearly as many parts as rows: there may be fewer parts, but none is empty.
    let many = self::sizes(&partition(a.pattern(), 400).unwrap());
    assert!(many.len() <= 400 && many.iter().sum::<usize>() == 576);
}

#[test]
fn metis_takes_unsymmetric_and_loose_graphs() {
    // An upper bidiagonal matrix with isolated rows.
    let entries: Vec<_> = (0..200).filter(|i| i % 7 != 0 && i % 7 != 6).map(|i| (i, i + 1)).collect();
    let a = pattern(201, &entries);
    let part = partition(&a, 5).unwrap();
    assert!(sizes(&part).len() <= 5 && part.len() == 201);
    let loose = pattern(6, &[(0, 0), (3, 3)]);
    assert_eq!(partition(&loose, 3).unwrap(), [0, 0, 1, 1, 2, 2]);
}

#[test]
fn greedy_parts() {
    let a = poisson_2d(30, 20).unwrap().matrix;
    let part = greedy(a.pattern(), 50).unwrap();
    let sizes = self::sizes(&part);
    assert!(sizes.iter().all(|&s| (13..=80).contains(&s)) && sizes.len() <= 18, "{sizes:?}");
    assert_eq!(part, greedy(a.pattern(), 50).unwrap());
    // Connected, because the grid is.
    let d = Decomposition::from_parts(a.pattern(), &part, 0).unwrap();
    for subdomain in d.iter() {
        let mut reached = vec![subdomain.rows[0]];
        let mut next = 0;
        while next < reached.len() {
            for (j, _) in a.row(reached[next] as usize) {
                let j = j as u32;
                if subdomain.rows.contains(&j) && !reached.contains(&j) {
                    reached.push(j);
                }
            }
            next += 1;
        }
        assert_eq!(reached.len(), subdomain.rows.len());
    }
    // Isolated rows are combined.
    assert_eq!(self::sizes(&greedy(&pattern(10, &[(0, 0)]), 8).unwrap()), [8, 2]);
    assert_eq!(self::sizes(&greedy(&pattern(3, &[(0, 1), (1, 2)]), 100).unwrap()), [3]);
    assert_eq!(self::sizes(&greedy(&pattern(3, &[(0, 1), (1, 2)]), 1).unwrap()), [1, 1, 1]);
}
