//! Solves by left-looking factors, their entries and their limits.

use std::time::Duration;

use super::*;
use crate::limits::Limits;
use crate::sparse::Csr;

/// A sparse matrix with a full row and column and zeros on its diagonal.
fn circuit(n: usize) -> Csr<f64> {
    let entry = |q: usize| ((q * 7919 + 13) as f64 * 1.618).sin();
    let mut t = Vec::new();
    for i in 0..n {
        if i % 5 != 0 {
            t.push((i, i, 2.0 + entry(i)));
        }
        t.extend([(i, (i * 31 + 7) % n, entry(3 * i)), ((i * 17 + 3) % n, i, entry(5 * i))]);
        t.extend([(0, i, entry(i + 1)), (i, 0, entry(2 * i + 1))]);
    }
    Csr::from_triplets(n, n, &t).unwrap()
}

fn factors(a: &Csr<f64>) -> Result<Option<LeftLooking>> {
    let order: Vec<u32> = (0..a.rows() as u32).rev().collect();
    LeftLooking::new(a.pattern(), a.values(), &|_| Ok(&order), &[a.rows() as u32], 1e4)
}

#[test]
fn both_solves_return_known_solutions() {
    for n in [1, 2, 7, 60, 200] {
        let a = if n < 3 { Csr::diagonal_matrix(&vec![-2.0; n]) } else { circuit(n) };
        let lu = factors(&a).unwrap().unwrap();
        let known: Vec<f64> = (0..2 * n).map(|q| (q as f64).cos()).collect();
        for transposed in [false, true] {
            let mut x = vec![0.0; 2 * n];
            if transposed { a.transpose() } else { a.clone() }.spmm(2, &known, &mut x).unwrap();
            lu.solve(&mut x, 2, transposed);
            let error = x.iter().zip(&known).fold(0.0f64, |m, (x, y)| m.max((x - y).abs()));
            assert!(error < 1e-8, "{n}, {transposed}: {error}");
        }
    }
}

#[test]
fn entries_outside_of_the_blocks_are_not_eliminated() {
    let (block, count) = (40, 3);
    let n = block * count;
    let inner = circuit(block);
    let own = (0..n).flat_map(|i| {
        let start = i / block * block;
        inner.row(i - start).map(move |(j, v)| (i, start + j, v))
    });
    let before = (block..n).flat_map(|i| [(i, (i * 31 + 7) % (i / block * block), (i as f64).sin())]);
    let a = Csr::from_triplets(n, n, &own.chain(before).collect::<Vec<_>>()).unwrap();
    let order: Vec<u32> =
        (0..count).flat_map(|b| (b * block..(b + 1) * block).rev()).map(|i| i as u32).collect();
    let ends: Vec<u32> = (1..=count).map(|b| (b * block) as u32).collect();
    let new = |ends: &[u32]| {
        LeftLooking::new(a.pattern(), a.values(), &|_| Ok(&order), ends, 1e4).unwrap().unwrap()
    };
    let (lu, whole) = (new(&ends), new(&[n as u32]));
    let entries = |lu: &LeftLooking| lu.lower.rows.len() + lu.upper.rows.len() + lu.outside.rows.len();
    assert_eq!(lu.outside.rows.len(), n - block);
    assert!(entries(&lu) < entries(&whole), "{} {}", entries(&lu), entries(&whole));
    let known: Vec<f64> = (0..n).map(|q| (q as f64).cos()).collect();
    for transposed in [false, true] {
        let mut x = vec![0.0; n];
        if transposed { a.transpose() } else { a.clone() }.spmv(&known, &mut x).unwrap();
        lu.solve(&mut x, 1, transposed);
        let error = x.iter().zip(&known).fold(0.0f64, |m, (x, y)| m.max((x - y).abs()));
        assert!(error < 1e-8, "{transposed}: {error}");
    }
}

/// Entries ±1, so that many vanish during elimination.
#[test]
fn entries_that_vanish_are_not_lost() {
    for seed in 0..40 {
        let n = 30 + seed;
        let sign = |q: usize| if ((q * 7919 + seed * 31) as f64).sin() > 0.0 { 1.0 } else { -1.0 };
        let mut t: Vec<_> = (0..n).map(|i| (i, i, 3.0 * sign(i))).collect();
        t.extend((0..4 * n).map(|q| ((q * q + seed) % n, (q * 17 + 5 * seed) % n, sign(q))));
        let a = Csr::from_triplets(n, n, &t).unwrap();
        let known: Vec<f64> = (0..n).map(|q| (q as f64).cos()).collect();
        let Some(lu) = factors(&a).unwrap() else { continue };
        let mut x = vec![0.0; n];
        a.spmv(&known, &mut x).unwrap();
        let b = x.clone();
        lu.solve(&mut x, 1, false);
        let mut r = vec![0.0; n];
        a.spmv(&x, &mut r).unwrap();
        assert!(r.iter().zip(&b).all(|(r, b)| (r - b).abs() < 1e-8), "{seed}");
    }
}

#[test]
fn singular_matrices_and_limits_end_it() {
    assert!(factors(&Csr::from_triplets(2, 2, &[(0, 0, 1.0), (1, 0, 1.0)]).unwrap()).unwrap().is_none());
    assert!(factors(&Csr::diagonal_matrix(&[0.0, 1.0])).unwrap().is_none());
    let a = circuit(100);
    assert!(Limits::new().time(Duration::ZERO).within(|| factors(&a)).unwrap_err().is_limit());
}
