//! Incomplete factors with fill, and sweeps on their triangles.

use super::*;

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

/// L U, with the unit diagonal of L.
fn product(factors: &Csr<f64>) -> Csr<f64> {
    let lower = factors.filter(|i, j, _| j < i).add(1.0, &Csr::identity(factors.rows()), 1.0).unwrap();
    lower.multiply(&factors.filter(|i, j, _| j >= i)).unwrap()
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
