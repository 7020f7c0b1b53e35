//! Splittings by hand and by their laws, and aggressive coarsening.

use super::*;

#[test]
fn first_pass_by_hand() {
    // A chain of dependence: measures 1, 1, 1, 0. Point 2, the last, is chosen; it makes 3 fine and reduces
    // the measure of 1; then 0 makes 1 fine.
    let chain = graph(&[&[], &[0], &[1], &[2]]);
    assert_eq!(first_pass(&chain).unwrap().coarse(), [0, 2]);
    // A star, and an isolated point, which is fine.
    let star = graph(&[&[1, 2, 3], &[0], &[0], &[0], &[]]);
    assert_eq!(first_pass(&star).unwrap().coarse(), [0]);
    assert_eq!(first_pass(&graph(&[])).unwrap().rows(), 0);
    assert!(first_pass(&Pattern::new(1, 2, vec![0, 0], vec![]).unwrap()).unwrap_err().is_dimension());
}

#[test]
fn second_pass_by_hand() {
    // C F F C: the two in the middle have no common coarse point, so the second of them becomes coarse.
    let chain = graph(&[&[1], &[0, 2], &[1, 3], &[2]]);
    let s = second_pass(&chain, &Splitting::new(&[true, false, false, true])).unwrap();
    assert_eq!(s.coarse(), [0, 2, 3]);
    // Point 0 has two fine neighbours without a common coarse point: it becomes coarse instead.
    let fork = graph(&[&[1, 2, 3], &[0], &[0, 4], &[0, 5], &[2], &[3]]);
    let s = second_pass(&fork, &Splitting::new(&[false, true, false, false, true, true])).unwrap();
    assert_eq!(s.coarse(), [0, 1, 4, 5]);
    assert!(second_pass(&fork, &Splitting::new(&[true])).unwrap_err().is_dimension());
}

#[test]
fn one_way_graphs_keep_the_laws_of_pmis() {
    let a = upwind(40);
    let strong = strong(&a);
    assert!(!strong.is_symmetric());
    for s in [pmis(&strong).unwrap(), hmis(&strong).unwrap()] {
        let followers = strong.transposed();
        for i in (0..a.rows()).filter(|&i| !s.is_coarse(i)) {
            assert!(followers.row(i).is_empty() || depends_on_coarse(&strong, &s, i), "point {i}");
        }
    }
    let s = pmis(&strong).unwrap();
    for i in s.coarse() {
        let mutual = |&j: &u32| s.is_coarse(j as usize) && strong.find(j as usize, i).is_some();
        assert!(!strong.row_cols(i).iter().any(mutual), "point {i}");
    }
}

#[test]
fn pmis_by_hand_and_by_law() {
    // The centre of the star has most followers; 4 depends on 5, which depends on nothing.
    let star = graph(&[&[1, 2, 3], &[0], &[0], &[0], &[5], &[]]);
    assert_eq!(pmis(&star).unwrap().coarse(), [0, 5]);
    for name in ["five-point 32x32", "nine-point 14x14"] {
        let strong = strong(&matrix(name));
        let s = pmis(&strong).unwrap();
        check_maximal_independent(&strong, &s);
        // Neighbouring points have different hashes: no stripes, no checkerboard.
        let share = s.count() as f64 / s.rows() as f64;
        let range = if name.starts_with("five") { 0.3..0.42 } else { 0.15..0.26 };
        assert!(range.contains(&share), "{name}: {share}");
        check_maximal_independent(&strong, &hmis(&strong).unwrap());
        // One block of a symmetric graph needs no correction.
        assert_eq!(hmis(&strong).unwrap(), first_pass(&strong).unwrap());
    }
}

#[test]
fn any_number_of_threads_gives_the_same() {
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            // More points than one block of the hybrid.
            let a = gallery::poisson_2d(400, 400).unwrap().matrix;
            let strong = strong(&a);
            let splittings = SplittingKind::ALL.map(|k| k.split(&strong).unwrap());
            check_maximal_independent(&strong, &splittings[3]);
            assert_ne!(splittings[3], splittings[1]);
            let twice = aggressive(&strong, SplittingKind::Pmis, 2).unwrap();
            let grids = Classical { aggressive_levels: 1, ..Classical::default() }.coarsen(&a).unwrap();
            (strong, splittings, twice, grids)
        })
    };
    assert!(run(1) == run(3));
}

#[test]
fn paths_are_counted() {
    for a in [matrix("airfoil"), upwind(12)] {
        let strong = strong(&a);
        let s = first_pass(&strong).unwrap();
        let coarse = s.coarse();
        let has = |i: usize, j: usize| usize::from(strong.find(i, j).is_some());
        for paths in [1, 2] {
            let g = path_graph(&strong, &s, paths).unwrap();
            for (p, &i) in coarse.iter().enumerate() {
                for (q, &j) in coarse.iter().enumerate() {
                    let count = 2 * has(i, j) + (0..a.rows()).map(|k| has(i, k) * has(k, j)).sum::<usize>();
                    assert_eq!(g.find(p, q).is_some(), p != q && count >= paths, "{i} to {j}");
                }
            }
        }
    }
}

#[test]
fn aggressive_coarsening_takes_fewer_points() {
    let strong = strong(&stencil(64, 64, 4));
    let of = |paths| aggressive(&strong, SplittingKind::FirstPass, paths).unwrap();
    let (one, two) = (of(1), of(2));
    assert_eq!(one.intermediate, first_pass(&strong).unwrap());
    assert!((0..4096).all(|i| one.intermediate.is_coarse(i) || !one.splitting.is_coarse(i)));
    // Half of the points, and of the checkerboard an eighth or more.
    assert_eq!(one.intermediate.count(), 2048);
    assert!((450..620).contains(&one.splitting.count()), "{}", one.splitting.count());
    assert!(two.splitting.count() > one.splitting.count() && two.splitting.count() < 1200);
    assert!(aggressive(&strong, SplittingKind::Pmis, 3).unwrap_err().is_invalid_input());
    // Two stars without connections: both centres stay.
    let stars = graph(&[&[1], &[0], &[3], &[2]]);
    assert_eq!(aggressive(&stars, SplittingKind::FirstPass, 1).unwrap().splitting.count(), 2);
}
