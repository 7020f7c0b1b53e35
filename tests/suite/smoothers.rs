//! Parallel Gauss–Seidel, incomplete factors with fill, block Jacobi and damping: their defining properties.

use crate::common;

use crate::common::numbers::{Numbers, bits, distance, dot, pools};
use crate::common::{convection, dense, nine_point, poisson};
use multigrad::backend::{Colouring, Cpu, Direction, Order, OrderedSweep, OrderedView, Reference, Triangle};
use multigrad::cycle_tape::{Parameter, Tape, gradient_check};
use multigrad::engine::{Eager, Engine, Matrix};
use multigrad::gallery::{FlowScheme, poisson_2d, recirculating_flow, rotated_anisotropic};
use multigrad::multigrid::{Passes, Relaxation, Smoother, Sweep, spectral_bound};
use multigrad::setup::inverse_diagonal;
use multigrad::setup::relaxation::*;
use multigrad::sparse::{Csr, Scalar, Storage};

const DIRECTIONS: [Direction; 2] = [Direction::Forward, Direction::Backward];

fn orders<T: Scalar>(a: &Csr<T>, rows: u32) -> [Order; 2] {
    [Order::Blocks { rows }, Order::colours_of(a.pattern())]
}

fn ordered_sweeps<T: Scalar>() {
    let mut r = Numbers(81);
    let mut cases = Vec::new();
    for n in [0, 1, 2, 37, 211] {
        let a = r.dominant::<T>(n, 6);
        cases.extend([1, 2, 3, 4, 7, 16].map(|k| (a.clone(), 50, k)));
    }
    // Above the parallel threshold.
    let grid: Csr<T> = poisson(200).cast();
    cases.extend([(grid.clone(), 4_096, 1), (grid.clone(), 1_000, 1), (grid, 4_096, 3)]);
    for (a, rows, k) in cases {
        let n = a.rows();
        let tolerance = if T::NAME == "f64" { 1e-13 } else { 3e-5 };
        let (b, start, w) = (r.vector::<T>(n * k), r.vector::<T>(n * k), r.vector::<T>(n));
        for (order, direction) in orders(&a, rows).iter().flat_map(|o| DIRECTIONS.map(|d| (o.clone(), d))) {
            order.validate(a.pattern()).unwrap();
            let sweep = OrderedSweep { order, direction };
            let view = OrderedView { a: (&a).into(), inverse: &w, sweep: &sweep };
            let run = |backend: &dyn Fn(&mut [T], &mut [T])| {
                let (mut x, mut scratch) = (start.clone(), vec![T::from_f64(f64::NAN); n * k]);
                backend(&mut x, &mut scratch);
                x
            };
            let expected = run(&|x, s| Reference.ordered_sweep(view, &b, x, s, k));
            let mut first: Option<Vec<u64>> = None;
            for pool in pools() {
                let x = pool.install(|| run(&|x, s| Cpu.ordered_sweep(view, &b, x, s, k)));
                for (v, e) in x.iter().zip(&expected) {
                    let gap = (v.to_f64() - e.to_f64()).abs();
                    assert!(gap <= tolerance * (1.0 + e.to_f64().abs()), "{direction:?}, {n} × {k}: {gap:e}");
                }
                assert_eq!(first.get_or_insert_with(|| bits(&x)), &bits(&x), "bits depend on threads");
            }
        }
    }
}

#[test]
fn ordered_sweeps_are_equivalent_to_reference() {
    ordered_sweeps::<f64>();
    ordered_sweeps::<f32>();
}

/// Blocks of all rows are the natural order, and the order matters.
#[test]
fn one_block_is_gauss_seidel() {
    let a = convection(20, 3.0);
    let (b, start) = (Numbers(82).vector::<f64>(400), Numbers(83).vector::<f64>(400));
    let inverse = inverse_diagonal(&a).unwrap();
    for direction in DIRECTIONS {
        let mut natural = start.clone();
        Cpu.gauss_seidel((&a).into(), &b, &mut natural, direction, 1);
        for (rows, same) in [(400, true), (1000, true), (100, false)] {
            let sweep = OrderedSweep { order: Order::Blocks { rows }, direction };
            let view = OrderedView { a: (&a).into(), inverse: &inverse, sweep: &sweep };
            let mut x = start.clone();
            Cpu.ordered_sweep(view, &b, &mut x, &mut [0.0; 400], 1);
            assert_eq!(distance(&x, &natural) < 1e-13, same, "{direction:?}, {rows}");
        }
    }
}

/// Large triangles with wide levels, on one to three threads.
#[test]
fn large_substitutions_solve_their_triangle() {
    let n = 60_000;
    let mut t = Vec::new();
    for i in 0..n {
        t.push((i, i, 3.0 + (i % 7) as f64));
        for (q, step) in [1, 5_000, 7_001].into_iter().enumerate() {
            // Only some rows depend on their neighbour; otherwise every row would wait for the one before.
            if i >= step && (step > 1 || i % 4 == 0) {
                t.extend([(i, i - step, 0.5 + q as f64 / 7.0), (i - step, i, -0.3 - q as f64 / 9.0)]);
            }
        }
    }
    let a = Csr::from_triplets(n, n, &t).unwrap();
    let b: Vec<f64> = Numbers(84).vector(n);
    for part in (0..4).map(|q| Triangle { lower: q & 1 == 0, unit: q & 2 == 0 }) {
        let solve = |threads: usize| {
            let mut x = b.clone();
            pools()[threads - 1].install(|| Cpu.solve_triangular((&a).into(), part, false, &mut x, 1));
            x
        };
        let x = solve(1);
        assert!(x == solve(2) && x == solve(3), "{part:?}");
        let triangle = a.filter(|i, j, _| part.reads(i, j));
        let mut back = vec![0.0; n];
        triangle.spmv(&x, &mut back).unwrap();
        if part.unit {
            back.iter_mut().zip(&x).for_each(|(y, x)| *y += x);
        }
        assert!(distance(&back, &b) < 1e-13, "{part:?}");
    }
}

#[test]
fn colourings_use_few_colours() {
    assert_eq!(Colouring::greedy(poisson(30).pattern()).count(), 2);
    assert_eq!(Colouring::greedy(nine_point(30).pattern()).count(), 4);
    assert_eq!(Colouring::greedy(Csr::<f64>::identity(5).pattern()).count(), 1);
    assert_eq!(Colouring::greedy(Csr::<f64>::identity(0).pattern()).count(), 0);
}

/// (b − A x) ↦ B (b − A x), from zero.
fn apply(sweep: &Sweep, a: &Csr<f64>, b: &[f64]) -> Vec<f64> {
    let e = Eager::new(1);
    e.values(&sweep.smooth(&e, &a.clone().into(), &e.vector(b), e.zeros(b.len())))
}

/// An error after `times` of all of the sweeps, for b = 0.
fn iterate(sweeps: &[Sweep], a: &Csr<f64>, start: &[f64], times: usize) -> Vec<f64> {
    let (e, m) = (Eager::new(1), Matrix::from(a.clone()));
    let (b, mut x) = (e.zeros(start.len()), e.vector(start));
    for _ in 0..times {
        for sweep in sweeps {
            x = sweep.smooth(&e, &m, &b, x);
        }
    }
    e.values(&x)
}

fn norm(x: &[f64]) -> f64 {
    dot(x, x).sqrt()
}

/// On symmetric positive definite matrices theory guarantees convergence of every relaxation except undamped
/// SPAI-0 and SPAI-1, and those two converge as well.
#[test]
fn every_relaxation_converges_by_itself() {
    let more =
        ["ilu(3)", "ilut(0.1,2)", "block-jacobi(5)", "spai0(auto)", "ilu0(auto)", "ilut(0.01,10,auto)"];
    let list = Relaxation::ALL.into_iter().chain(more.map(|t| t.parse().unwrap()));
    let symmetric = [poisson(12), rotated_anisotropic(12, 0.1, 0.5).unwrap().matrix, nine_point(11)];
    for relaxation in list {
        for a in &symmetric {
            let (mut sweeps, post) = relaxation.smoothers(a, 1, 1).unwrap();
            sweeps.extend(post);
            let start: Vec<f64> = Numbers(85).vector(a.rows());
            let (some, more) = (iterate(&sweeps, a, &start, 300), iterate(&sweeps, a, &start, 600));
            assert!(norm(&more) < 0.9 * norm(&some) || norm(&more) < 1e-12, "{relaxation}");
            assert!(norm(&some) < norm(&start), "{relaxation}");
        }
    }
}

fn blocks(a: &Csr<f64>, rows: u32, inverse: Vec<f64>, direction: Direction) -> Sweep {
    assert_eq!(a.rows(), inverse.len());
    Smoother::OrderedGaussSeidel {
        sweep: OrderedSweep { order: Order::Blocks { rows }, direction },
        inverse: Storage::shared(inverse),
    }
}

#[test]
fn l1_converges_where_the_plain_hybrid_diverges() {
    let n = 40;
    let entries: Vec<_> =
        (0..n * n).map(|q| (q / n, q % n, if q / n == q % n { 1.0 } else { 0.9 })).collect();
    let a = Csr::from_triplets(n, n, &entries).unwrap();
    let energy = |x: &[f64]| {
        let mut ax = vec![0.0; n];
        a.spmv(x, &mut ax).unwrap();
        dot(&ax, x).sqrt()
    };
    let start: Vec<f64> = Numbers(86).vector(n);
    for direction in DIRECTIONS {
        let plain = blocks(&a, 4, inverse_diagonal(&a).unwrap(), direction);
        assert!(energy(&iterate(&[plain], &a, &start, 50)) > 1e3 * energy(&start));
        let l1 = blocks(&a, 4, l1_block_diagonal(&a, 4).unwrap(), direction);
        // In the energy norm, every sweep of a convergent M with M + Mᵀ − A positive reduces.
        let mut x = start.clone();
        for _ in 0..300 {
            let next = iterate(std::slice::from_ref(&l1), &a, &x, 1);
            assert!(energy(&next) < energy(&x));
            x = next;
        }
        assert!(energy(&iterate(&[l1], &a, &x, 3000)) < 1e-3 * energy(&start));
    }
}

/// ⟨B x, y⟩ = ⟨x, Bᵀ y⟩, where Bᵀ is the transposed sweep on Aᵀ.
#[test]
fn transposed_sweeps_are_adjoint() {
    let a = convection(18, 2.0);
    let n = a.rows();
    let t = a.transpose();
    let mut list: Vec<Sweep> = Vec::new();
    for direction in DIRECTIONS {
        list.push(blocks(&a, 50, inverse_diagonal(&a).unwrap(), direction));
        list.push(blocks(&a, 37, l1_block_diagonal(&a, 37).unwrap(), direction));
    }
    for text in ["multicolour-gauss-seidel(symmetric)", "ilu(2)", "ilut(0.01,4,0.7)", "block-jacobi(5)"] {
        list.extend(text.parse::<Relaxation>().unwrap().smoothers(&a, 1, 0).unwrap().0);
    }
    for sweep in &list {
        let (x, y) = (Numbers(87).vector::<f64>(n), Numbers(88).vector::<f64>(n));
        let (bx, bty) = (apply(sweep, &a, &x), apply(&sweep.transposed(), &t, &y));
        let gap = (dot(&bx, &y) - dot(&x, &bty)).abs();
        assert!(gap < 1e-12 * norm(&bx) * norm(&y), "{sweep}: {gap:e}");
        let other = apply(sweep, &t, &y);
        assert!(distance(&other, &bty) > 1e-6, "{sweep}: the matrix is too symmetric for this test");
    }
}

/// Blocks and colours: A on both sides, the inverse diagonal, b and x.
#[test]
fn an_ordered_sweep_differentiates_everything_it_reads() {
    let a = Numbers(89).dominant::<f64>(30, 4);
    let [b, x, seed] = [90, 91, 92].map(|s| Numbers(s).vector::<f64>(90));
    let inverse: Vec<f64> = inverse_diagonal(&a).unwrap().iter().map(|v| 0.8 * v).collect();
    for (order, direction) in orders(&a, 7).iter().flat_map(|o| DIRECTIONS.map(|d| (o.clone(), d))) {
        let sweep = OrderedSweep { order, direction };
        for zero_x in [false, true] {
            let run = |t: &Tape<f64>, p: &[Vec<f64>], learned: bool| {
                let leaf = |number: usize| {
                    let v = Storage::shared(p[number].clone());
                    if learned { Parameter::learned(v, number) } else { Parameter::constant(v) }
                };
                let m = Matrix { pattern: a.pattern().clone(), values: leaf(0) };
                let (bv, xv) = (t.input(&p[2]), t.input(&p[3]));
                let from = if zero_x { t.zeros(30) } else { xv.clone() };
                (t.ordered_sweep(&m, &leaf(1), &sweep, &bv, from), bv, xv)
            };
            let at = [a.values().to_vec(), inverse.clone(), b.clone(), x.clone()];
            let tape = Tape::new(3);
            let (y, bv, xv) = run(&tape, &at, true);
            let lengths = [a.nnz(), 30];
            let (parameters, of_b) = tape.backward_to(&lengths, &y, &seed, &bv).unwrap();
            let (_, of_x) = tape.backward_to(&lengths, &y, &seed, &xv).unwrap();
            let gradient = [parameters[0].clone(), parameters[1].clone(), of_b, of_x];
            let loss = |p: &[Vec<f64>]| {
                let t = Tape::new(3);
                let y = run(&t, p, false).0;
                Ok(dot(&t.values(&y), &seed))
            };
            let found = gradient_check(loss, &at, &gradient, 200).unwrap();
            assert!(found.relative_error < 1e-6, "{sweep:?}, zero x {zero_x}: {found:?}");
        }
    }
}

/// The tags of older files: a new sweep comes last.
#[test]
fn stored_sweeps_keep_their_tags() {
    let tag = |s: &Sweep| postcard::to_allocvec(s).unwrap()[0];
    let gauss_seidel = Smoother::GaussSeidel { direction: Direction::Forward };
    assert_eq!(postcard::to_allocvec::<Sweep>(&gauss_seidel).unwrap(), [1, 0]);
    let a = poisson(3);
    for (text, expected) in
        [("jacobi", 0), ("chebyshev", 2), ("spai1", 3), ("ilu0", 4), ("l1-gauss-seidel", 5)]
    {
        let sweeps = text.parse::<Relaxation>().unwrap().smoothers(&a, 1, 0).unwrap().0;
        assert_eq!(tag(&sweeps[0]), expected, "{text}");
        let again: Sweep = postcard::from_bytes(&postcard::to_allocvec(&sweeps[0]).unwrap()).unwrap();
        assert_eq!(apply(&again, &a, &[1.0; 9]), apply(&sweeps[0], &a, &[1.0; 9]));
    }
}

/// L U, with the unit diagonal of L.
fn product(factors: &Csr<f64>) -> Csr<f64> {
    let lower = factors.filter(|i, j, _| j < i).add(1.0, &Csr::identity(factors.rows()), 1.0).unwrap();
    lower.multiply(&factors.filter(|i, j, _| j >= i)).unwrap()
}

fn error(x: &Csr<f64>, y: &Csr<f64>) -> f64 {
    let difference = x.add(1.0, y, -1.0).unwrap();
    difference.values().iter().fold(0.0, |m, v| m.max(v.abs()))
}

#[test]
fn complete_fill_is_lu() {
    let wild = Numbers(93).dominant::<f64>(60, 4);
    for a in [poisson(6), convection(6, 5.0), wild] {
        for factors in [iluk(&a, 1000).unwrap(), ilut(&a, 0.0, 1000.0).unwrap()] {
            assert!(error(&product(&factors), &a) < 1e-12);
        }
    }
}

/// Levels by their definition, on a full matrix.
fn levels(a: &Csr<f64>) -> Vec<Vec<usize>> {
    const NONE: usize = usize::MAX / 4;
    let n = a.rows();
    let mut level = vec![vec![NONE; n]; n];
    for (i, row) in level.iter_mut().enumerate() {
        a.row(i).for_each(|(j, _)| row[j] = 0);
    }
    for i in 0..n {
        for k in 0..i {
            for j in k + 1..n {
                level[i][j] = level[i][j].min(level[i][k] + level[k][j] + 1);
            }
        }
    }
    level
}

#[test]
fn iluk_has_the_fill_of_its_level_and_reproduces_the_matrix_there() {
    let wild = Numbers(94).dominant::<f64>(50, 2);
    // Rows that repeat on long grid lines, and are interrupted.
    let long = poisson_2d(24, 6).unwrap().matrix;
    let triplets: Vec<_> = (0..long.rows()).flat_map(|i| long.row(i).map(move |(j, v)| (i, j, v))).collect();
    let kept: Vec<_> =
        triplets.iter().enumerate().filter(|(p, t)| t.0 == t.1 || p % 97 != 0).map(|t| *t.1).collect();
    let holes = Csr::from_triplets(144, 144, &kept).unwrap();
    for a in [poisson(6), nine_point(12), convection(6, 5.0), wild, long, holes] {
        assert_eq!(iluk(&a, 0).unwrap(), ilu0(&a).unwrap());
        let exact = levels(&a);
        for level in 1..5 {
            let factors = iluk(&a, level).unwrap();
            let back = product(&factors);
            for (i, row) in exact.iter().enumerate() {
                for (j, &l) in row.iter().enumerate() {
                    assert_eq!(factors.pattern().find(i, j).is_some(), l <= level, "({i}, {j}), {level}");
                    if l <= level {
                        assert!((back.get(i, j) - a.get(i, j)).abs() < 1e-12, "({i}, {j}), {level}");
                    }
                }
            }
        }
    }
}

#[test]
fn ilut_keeps_what_is_large() {
    let a = recirculating_flow(16, 0.005, FlowScheme::Supg).unwrap().matrix;
    let (coarse, fine) = (ilut(&a, 0.1, 10.0).unwrap(), ilut(&a, 1e-4, 10.0).unwrap());
    assert!(coarse.nnz() < fine.nnz());
    assert!(error(&product(&coarse), &a) > 5.0 * error(&product(&fine), &a));
    // Scaling changes no choice.
    let scaled = ilut(&a.map(|_, _, v| 1024.0 * v), 0.1, 10.0).unwrap();
    assert_eq!(scaled, coarse.map(|i, j, v| if j < i { v } else { 1024.0 * v }));
    // At most this many entries on either side.
    let few = ilut(&a, 0.0, 0.5).unwrap();
    let most = (0.5 * a.nnz() as f64 / 512.0).ceil() as usize;
    for i in 0..a.rows() {
        assert!(few.row(i).filter(|&(j, _)| j < i).count() <= most);
        assert!(few.row(i).filter(|&(j, _)| j > i).count() <= most);
    }
}

#[test]
fn bad_pivots_are_named_and_nothing_is_nan() {
    let singular = dense(&[&[2.0, 1.0, 0.0], &[4.0, 2.0, 0.0], &[0.0, 0.0, 1.0]]);
    let saddle = dense(&[&[0.0, 1.0], &[1.0, 0.0]]);
    let empty = Csr::from_triplets(2, 2, &[(0, 0, 1.0)]).unwrap();
    for (a, row) in [(singular, "row 2"), (saddle, "row 1"), (empty, "row 2")] {
        for result in [iluk(&a, 1), iluk(&a, 5), ilut(&a, 0.0, 10.0), ilut(&a, 0.01, 10.0)] {
            let e = result.unwrap_err();
            assert!(e.is_singular() && e.to_string().contains(row), "{e}");
        }
    }
    // A diagonal that elimination fills is accepted, stored or not.
    let filled = Csr::from_triplets(2, 2, &[(0, 0, 2.0), (0, 1, 1.0), (1, 0, 4.0)]).unwrap();
    for factors in [iluk(&filled, 1).unwrap(), ilut(&filled, 0.0, 10.0).unwrap()] {
        assert_eq!(factors.values(), [2.0, 1.0, 2.0, -2.0]);
    }
    let a = poisson(3);
    for (drop, fill) in [(-1.0, 1.0), (f64::NAN, 1.0), (0.1, 0.0), (0.1, f64::INFINITY)] {
        assert!(ilut(&a, drop, fill).unwrap_err().is_invalid_input());
    }
    let wide = Csr::from_triplets(1, 2, &[(0, 0, 1.0)]).unwrap();
    assert!(iluk(&wide, 1).unwrap_err().is_dimension() && ilut(&wide, 0.1, 2.0).unwrap_err().is_dimension());
    assert!(block_jacobi(&wide, 1).unwrap_err().is_dimension());
    assert!(l1_block_diagonal(&wide, 1).unwrap_err().is_dimension());
    assert!(block_jacobi(&a, 0).unwrap_err().is_invalid_input());
}

#[test]
fn block_jacobi_inverts_its_blocks() {
    let a = Numbers(95).dominant::<f64>(23, 12);
    for size in [1, 2, 3, 5, 23, 40] {
        let blocks = a.filter(|i, j, _| i / size == j / size);
        let m = block_jacobi(&a, size).unwrap();
        assert!(error(&m.multiply(&blocks).unwrap(), &Csr::identity(23)) < 1e-13, "{size}");
    }
    let mut singular = Csr::<f64>::identity(7).filter(|i, _, _| i != 4);
    let e = block_jacobi(&singular, 3).unwrap_err();
    assert!(e.is_singular() && e.to_string().contains("rows 4 to 6"), "{e}");
    singular =
        singular.add(1.0, &Csr::from_triplets(7, 7, &[(4, 5, 1.0), (5, 4, 1.0)]).unwrap(), 1.0).unwrap();
    assert!(block_jacobi(&singular, 3).is_ok());
}

/// ρ(BA) from below, by many power steps.
fn radius(sweep: &Sweep, a: &Csr<f64>) -> f64 {
    let mut x: Vec<f64> = Numbers(96).vector(a.rows());
    let mut value = 0.0;
    for _ in 0..300 {
        let mut ax = vec![0.0; x.len()];
        a.spmv(&x, &mut ax).unwrap();
        let y = apply(sweep, a, &ax);
        value = norm(&y) / norm(&x);
        x = y.iter().map(|v| v / norm(&y)).collect();
    }
    value
}

#[test]
fn automatic_damping_is_safe() {
    for a in [poisson(24), rotated_anisotropic(24, 0.01, 0.7).unwrap().matrix] {
        for text in ["jacobi(1)", "spai0", "block-jacobi(4,1)", "ilu0", "ilu(2)"] {
            let sweep = &text.parse::<Relaxation>().unwrap().smoothers(&a, 1, 0).unwrap().0[0];
            let (bound, exact) = (spectral_bound(sweep, &a).unwrap(), radius(sweep, &a));
            assert!(bound > 0.999 * exact && bound < 1.13 * exact, "{text}: {bound} for {exact}");
        }
    }
    // ILU is damped where it overshoots only.
    let a = poisson(40);
    let damping = |text: &str| match &text.parse::<Relaxation>().unwrap().smoothers(&a, 1, 0).unwrap().0[0] {
        Smoother::Factors { damping, .. } => *damping,
        other => panic!("{other}"),
    };
    assert_eq!((damping("ilu(3,auto)"), damping("ilu(3,0.6)")), (1.0, 0.6));
    assert!("block-jacobi(2)".parse::<Relaxation>().unwrap().smoothers(&a, 1, 1).is_ok());
}

#[test]
fn passes_are_what_they_say() {
    let a = poisson(5);
    for (passes, pre, post) in [
        (Passes::Mirrored, "f", "b"),
        (Passes::Forward, "f", "f"),
        (Passes::Backward, "b", "b"),
        (Passes::Symmetric, "fb", "fb"),
    ] {
        for r in [
            Relaxation::HybridGaussSeidel(passes),
            Relaxation::L1GaussSeidel(passes),
            Relaxation::MulticolourGaussSeidel(passes),
        ] {
            let (before, after) = r.smoothers(&a, 1, 1).unwrap();
            let letters = |list: &[Sweep]| {
                list.iter()
                    .map(|s| if s.to_string().ends_with("forward") { 'f' } else { 'b' })
                    .collect::<String>()
            };
            assert_eq!((letters(&before).as_str(), letters(&after).as_str()), (pre, post), "{r}");
        }
    }
}

/// Jacobi sweeps on the triangles: as many as a factor has rows are exact, and more are never worse here.
#[test]
fn sweeps_on_triangles_approach_the_substitutions() {
    let a = common::poisson(8);
    let correction = |relaxation: Relaxation| {
        let (pre, _) = relaxation.smoothers(&a, 1, 0).unwrap();
        let (e, b) = (Eager::new(1), Numbers(4).vector::<f64>(a.rows()));
        let m = a.clone().into();
        e.values(&pre[0].smooth(&e, &m, &e.vector(&b), Engine::zeros(&e, a.rows())))
    };
    let exact = correction(Relaxation::Ilu0(1.0));
    let error = |sweeps| {
        let near = correction(Relaxation::IterativeIlu0 { sweeps, damping: Some(1.0) });
        near.iter().zip(&exact).map(|(p, q)| (p - q).abs()).fold(0.0, f64::max)
    };
    let errors = [0, 1, 2, 4, 8, 64].map(error);
    println!("{errors:?}");
    assert!(errors.windows(2).all(|w| w[1] < w[0]) && errors[5] < 1e-14, "{errors:?}");
}
