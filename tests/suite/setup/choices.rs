//! Strength, smoothing, aggregates and candidates.

use super::*;

fn gs(coarsening: &Coarsening, a: &Csr<f64>) -> (f64, usize) {
    let grids = coarsening.coarsen(a, None).unwrap();
    let b: Vec<f64> = (0..a.rows()).map(|i| ((i * i) as f64 * 0.37).sin()).collect();
    (grids.operator_complexity(), Cycle::new(grids, Smoother::GaussSeidel).cg(a, &b))
}

#[test]
fn anisotropy_is_followed_with_filtered_matrices() {
    let n = 96;
    let stretched = stencil(n, |_, _| [2002.0, -1000.0, -1000.0, -1.0, -1.0]);
    let base = Coarsening::default();
    let all_strong = Coarsening { theta: 0.0, ..base.clone() };
    let unfiltered = Coarsening { filter: false, ..base.clone() };
    let (complexity, iterations) = gs(&base, &stretched);
    // Without strength the cycle stalls; without the filter coarse matrices fill up.
    assert!(complexity < 2.0 && iterations <= 16, "{complexity} {iterations}");
    assert!(gs(&all_strong, &stretched).1 > 60);
    assert!(gs(&unfiltered, &stretched).0 > 3.0);
    let rotated = multigrad::gallery::rotated_anisotropic(96, 1e-3, std::f64::consts::FRAC_PI_6).unwrap();
    let (filtered, plain) = (gs(&base, &rotated.matrix), gs(&all_strong, &rotated.matrix));
    assert!(filtered.1 <= 36 && plain.1 > 45, "{filtered:?} {plain:?}");
}

#[test]
fn every_smoothing_and_every_kind_of_aggregate_converges() {
    use Aggregates::*;
    let a = poisson(64);
    let limits = [
        (Standard, Smoothing::None, 40),
        (Standard, Smoothing::Jacobi, 11),
        (Standard, Smoothing::Energy, 13),
        (Standard, Smoothing::RootNode, 13),
        (Pairwise, Smoothing::None, 35),
        (Pairwise, Smoothing::Jacobi, 12),
        (Pairwise, Smoothing::Energy, 14),
        (Pairwise, Smoothing::RootNode, 14),
    ];
    for (aggregates, smoothing, limit) in limits {
        let c = Coarsening { aggregates, smoothing: Some(smoothing), ..Coarsening::default() };
        let (complexity, iterations) = gs(&c, &a);
        println!("{aggregates:?} {smoothing:?}: complexity {complexity:.2}, CG {iterations}");
        assert!(iterations <= limit, "{aggregates:?} {smoothing:?}: {iterations}");
        let text = serde_json::to_string(&c).unwrap();
        assert_eq!(serde_json::from_str::<Coarsening>(&text).unwrap(), c);
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| c.coarsen(&poisson(130), None)).unwrap()
        };
        assert_eq!(on(1), on(2), "{aggregates:?} {smoothing:?}");
    }
    let plain = Coarsening { smoothing: Some(Smoothing::None), ..Coarsening::default() };
    let grids = plain.coarsen(&a, None).unwrap();
    assert!(grids.transfers.iter().all(|t| (0..t.a.rows()).all(|i| t.prolongation.row(i).len() <= 1)));
    let root_node = Coarsening { smoothing: Some(Smoothing::RootNode), ..with(Variant::EnergyMinimised) };
    let flow = root_node.coarsen(&upwind(32), None).unwrap();
    assert!(Cycle::new(flow, Smoother::Ilu).factor() < 0.3);
}

#[test]
fn adaptive_candidates_repair_a_badly_scaled_problem() {
    // Scaled by signs and sizes that alternate: constants are far from the nullspace.
    let n = 48;
    let s = |i: usize| [1.0, -3.0, 0.5, 7.0][(i * 7 + i / n) % 4];
    let a = poisson(n).map(|i, j, v| v * s(i) * s(j));
    let b: Vec<f64> = (0..n * n).map(|i| ((i * i) as f64).sin()).collect();
    let iterations = |candidates: &DenseMatrix| {
        let c = Coarsening { candidate_sweeps: Some(0), ..Coarsening::default() };
        Cycle::new(c.coarsen(&a, Some(candidates)).unwrap(), Smoother::GaussSeidel).cg(&a, &b)
    };
    let constants = iterations(&DenseMatrix::ones(n * n, 1));
    // With six sweeps the count depends on the seed: 12 to 33.
    for seed in 1..=3 {
        let found = iterations(&adaptive_candidates(&a, 1, 12, seed).unwrap());
        println!("badly scaled: CG {found} with adaptive candidates, {constants} with constants");
        assert!(found <= 14 && constants > 3 * found, "{found} {constants}");
    }
}
