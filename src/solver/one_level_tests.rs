//! Tests of methods on one level.

use super::*;
use crate::gallery;
use crate::solver::{Choice, Solver};

/// The Laplacian of a cube, plus the identity times a shift.
fn shifted(n: usize, shift: f64) -> Csr<f64> {
    let a = gallery::poisson_3d(n, n, n).unwrap().matrix;
    a.map(|i, j, v| if i == j { v + shift } else { v })
}

/// Whether the automatic choice has one level; it must be the first attempt.
fn is_chosen(a: &Csr<f64>) -> bool {
    let solver = Solver::auto(a).unwrap();
    let x = crate::krylov::scattered(a.rows(), 3);
    let mut b = vec![0.0; x.len()];
    crate::backend::Cpu.spmv(1.0, a.into(), &x, 0.0, &mut b, 1);
    let out = solver.solve(&b).unwrap();
    assert!(out.converged() && out.attempts.is_empty(), "{out}\n{solver}");
    *solver.setup() == Setup::OneLevel
}

#[test]
fn a_well_conditioned_system_needs_one_level_at_any_size() {
    assert!(is_chosen(&shifted(12, 1.0)));
    assert!(is_chosen(&shifted(32, 1.0)));
}

#[test]
fn constants_that_one_level_would_miss_need_a_hierarchy() {
    let n = 30;
    let open = |i: usize, j: usize| {
        [(i, j, 1.0), (j, i, 1.0), (i, i, -1.0), (j, j, -1.0)].map(|(i, j, v)| (i, j, -v))
    };
    let across = (0..n * n).filter(|i| i % n + 1 < n).flat_map(|i| open(i, i + 1));
    let along = (0..n * n - n).flat_map(|i| open(i, i + n));
    let shift = (0..n * n).map(|i| (i, i, 1e-8));
    let mut sums = std::collections::BTreeMap::new();
    across.chain(along).chain(shift).for_each(|(i, j, v)| *sums.entry((i, j)).or_insert(0.0) += v);
    let entries: Vec<_> = sums.into_iter().map(|((i, j), v)| (i, j, v)).collect();
    let a = Csr::from_triplets(n * n, n * n, &entries).unwrap();
    assert!(!is_chosen(&a));
}

#[test]
fn iterations_that_grow_with_the_size_are_extrapolated() {
    assert!(!is_chosen(&shifted(44, 0.0)));
    let plane = gallery::poisson_2d(150, 150).unwrap().matrix;
    assert!(!is_chosen(&plane));
}

#[test]
fn signs_that_aggregation_does_not_suit_leave_factors_only() {
    // D A D with signs D has positive off-diagonal entries, and the spectrum of A.
    let sign = |i: usize| if (i * 7919 + 13) % 17 < 8 { -1.0 } else { 1.0 };
    let a = gallery::poisson_2d(60, 60).unwrap().matrix.map(|i, j, v| sign(i) * v * sign(j));
    let properties = MatrixProperties::of(&a);
    assert!(properties.lacks_hierarchy(), "{}", properties.wrong_sign);
    let found = OneLevel::of(&a, &properties).unwrap();
    assert!(found.patience.is_none() && found.depends_on_rhs(&properties));
    let solver = Solver::auto(&a).unwrap();
    assert_eq!(*solver.setup(), Setup::OneLevel, "{solver}");
    let mut b = vec![0.0; a.rows()];
    crate::backend::Cpu.spmv(1.0, (&a).into(), &crate::krylov::scattered(a.rows(), 3), 0.0, &mut b, 1);
    let out = solver.solve(&b).unwrap();
    // Only the diagonal was left before.
    assert!(out.converged() && out.attempts.len() == 1 && out.solver.is_none(), "{out}");
}

/// Kershaw's matrix (1978) is positive definite, and its ILU(0) has the pivot −5.
#[test]
fn factors_with_a_negative_pivot_are_left_before_a_solve() {
    let blocks = 60;
    let kershaw =
        [[3.0, -2.0, 0.0, 2.0], [-2.0, 3.0, -2.0, 0.0], [0.0, -2.0, 3.0, -2.0], [2.0, 0.0, -2.0, 3.0]];
    let block = |k: usize| {
        let entry = move |i: usize, j: usize| (4 * k + i, 4 * k + j, kershaw[i][j]);
        (0..4).flat_map(move |i| (0..4).map(move |j| entry(i, j))).filter(|e| e.2 != 0.0)
    };
    let far = 2 * blocks;
    let coupling = (far..4 * blocks).flat_map(|i| [(i, i - far, -0.01), (i - far, i, -0.01)]);
    let entries: Vec<_> = (0..blocks).flat_map(block).chain(coupling).collect();
    let a = Csr::from_triplets(4 * blocks, 4 * blocks, &entries).unwrap();
    assert_eq!(Choice::of(&a, false).configurations[0], on_one_level(Relaxation::Ilu0(1.0), Krylov::Cg));
    let solver = Solver::auto(&a).unwrap();
    assert_ne!(*solver.setup(), Setup::OneLevel, "{solver}");
    assert!(solver.reasons().iter().any(|r| r.contains("negative pivot")), "{solver}");
    let out = solver.solve(&vec![1.0; 4 * blocks]).unwrap();
    assert!(out.converged() && out.attempts.is_empty(), "{out}");
}

#[test]
fn a_graph_with_hubs_and_a_small_shift_needs_the_diagonal_only() {
    // Every vertex has edges to three earlier ones, mostly to the first.
    let n = 4000;
    let edges = (1..n).flat_map(|i| {
        let others = [7919 * i % i, (31 * i * i + 5) % i, (i * i) % 97 % i];
        others.into_iter().flat_map(move |j| [(i, j, -1.0), (j, i, -1.0), (i, i, 1.0), (j, j, 1.0)])
    });
    let mut sums = std::collections::BTreeMap::new();
    edges.chain((0..n).map(|i| (i, i, 1e-5))).for_each(|(i, j, v)| *sums.entry((i, j)).or_insert(0.0) += v);
    let entries: Vec<_> = sums.into_iter().map(|((i, j), v)| (i, j, v)).collect();
    let a = Csr::from_triplets(n, n, &entries).unwrap();
    assert!(MatrixProperties::of(&a).has_hubs());
    assert!(is_chosen(&a));
}

#[test]
fn long_rows_of_an_easy_matrix_need_no_full_factors() {
    // I ⊗ B + B ⊗ I with a full dominant B.
    let n = 45;
    let b = |i: usize, j: usize| if i == j { 30.0 } else { ((i + 31 * j) as f64).sin() / 3.0 };
    let along = (0..n * n).flat_map(|i| (0..n).map(move |k| (i, i / n * n + k, b(i % n, k))));
    let across = (0..n * n).flat_map(|i| (0..n).map(move |k| (i, k * n + i % n, b(i / n, k))));
    let mut sums = std::collections::BTreeMap::new();
    along.chain(across).for_each(|(i, j, v)| *sums.entry((i, j)).or_insert(0.0) += v);
    let entries: Vec<_> = sums.into_iter().map(|((i, j), v)| (i, j, v)).collect();
    assert!(is_chosen(&Csr::from_triplets(n * n, n * n, &entries).unwrap()));
}

#[test]
fn long_rows_of_a_small_nonsymmetric_matrix_mean_full_factors() {
    let n = 500;
    let entry = |i: usize, k: usize| (i, (i + k * k) % n, ((i + 31 * k) as f64).sin());
    let mut entries: Vec<_> = (0..n).flat_map(|i| (1..25).map(move |k| entry(i, k))).collect();
    entries.extend((0..n).map(|i| (i, i, 3.0)));
    let a = Csr::from_triplets(n, n, &entries).unwrap();
    assert_eq!(*Solver::auto(&a).unwrap().setup(), Setup::Direct);
}
