//! Elasticity with rigid-body modes.

use super::*;

/// Q1 plane-strain-like elasticity on a beam of `m` × `n` cells, clamped on the left, with its
/// three rigid-body modes.
fn beam(m: usize, n: usize) -> (Csr<f64>, DenseMatrix) {
    let (lambda, mu) = (1.0, 1.0);
    let g = 1.0 / 3.0f64.sqrt();
    let corner = [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)];
    let mut k = [[0.0; 8]; 8];
    for (s, t) in [(-g, -g), (g, -g), (g, g), (-g, g)] {
        let gradient = corner.map(|(a, b)| [a * (1.0 + b * t) / 2.0, b * (1.0 + a * s) / 2.0]);
        for (p, q) in (0..64).map(|z| (z / 8, z % 8)) {
            let (gp, gq, c, d) = (gradient[p / 2], gradient[q / 2], p % 2, q % 2);
            let same = if c == d { gp[0] * gq[0] + gp[1] * gq[1] } else { 0.0 };
            k[p][q] += 0.25 * (lambda * gp[c] * gq[d] + mu * (gp[d] * gq[c] + same));
        }
    }
    let unknown = |x: usize, y: usize| (x > 0).then(|| ((x - 1) * (n + 1) + y) * 2);
    let mut entries = Vec::new();
    for (x, y) in (0..m * n).map(|c| (c / n, c % n)) {
        let nodes = [unknown(x, y), unknown(x + 1, y), unknown(x + 1, y + 1), unknown(x, y + 1)];
        for (p, q) in (0..64).map(|z| (z / 8, z % 8)) {
            if let (Some(i), Some(j)) = (nodes[p / 2], nodes[q / 2]) {
                entries.push((i + p % 2, j + q % 2, k[p][q]));
            }
        }
    }
    let size = 2 * m * (n + 1);
    let modes = DenseMatrix::from_fn(size, 3, |i, c| {
        let (x, y) = ((i / 2 / (n + 1)) as f64 + 1.0, (i / 2 % (n + 1)) as f64);
        [[1.0, 0.0, -y], [0.0, 1.0, x]][i % 2][c]
    });
    (Csr::from_triplets(size, size, &entries).unwrap(), modes)
}

#[test]
fn elasticity_converges_with_rigid_body_modes() {
    let (a, modes) = beam(60, 12);
    assert!(a.asymmetry() < 1e-13);
    assert_eq!(detect_block_size(&a), 2);
    let load: Vec<f64> = (0..a.rows()).map(|i| (i % 2) as f64).collect();
    for variant in [Variant::Symmetric, Variant::EnergyMinimised] {
        let grids = with(variant).coarsen(&a, Some(&modes)).unwrap();
        let cycle = Cycle::new(grids, Smoother::GaussSeidel);
        let with_modes = cycle.cg(&a, &load);
        let plain = Cycle::new(with(variant).coarsen(&a, None).unwrap(), Smoother::GaussSeidel).cg(&a, &load);
        println!("beam {variant}: {:?}, CG {with_modes} with modes, {plain} without", sizes(&cycle.grids));
        assert!(with_modes <= 25 && with_modes < plain, "{variant}: {with_modes}");
    }
}

#[test]
fn elasticity_by_root_nodes_and_by_adaptive_candidates() {
    let (a, modes) = beam(60, 12);
    let load: Vec<f64> = (0..a.rows()).map(|i| (i % 2) as f64).collect();
    let run = |c: &Coarsening, b: Option<&DenseMatrix>| {
        Cycle::new(c.coarsen(&a, b).unwrap(), Smoother::GaussSeidel).cg(&a, &load)
    };
    let root_node = Coarsening { smoothing: Some(Smoothing::RootNode), ..Coarsening::default() };
    let grids = root_node.coarsen(&a, Some(&modes)).unwrap();
    // Two unknowns a node on every level, whatever the number of candidates.
    assert!(grids.matrices().all(|a| a.rows() % 2 == 0));
    let roots = run(&root_node, Some(&modes));
    let found = adaptive_candidates(&a, 4, 8, 5).unwrap();
    let (adaptive, constants) =
        (run(&Coarsening::default(), Some(&found)), run(&Coarsening::default(), None));
    println!(
        "beam: CG {roots} with root nodes; {adaptive} with adaptive candidates, {constants} with constants"
    );
    assert!(roots <= 25 && adaptive <= 25 && adaptive < constants, "{roots} {adaptive} {constants}");
}

#[test]
fn the_bar_of_pyamg_converges() {
    let folder = Path::new("meshes");
    let (a, modes) = (matrix(folder.join("bar.mtx")), dense(folder.join("bar_B.mtx")));
    assert_eq!(detect_block_size(&a), 3);
    let load: Vec<f64> = (0..a.rows()).map(|i| ((i * i) as f64).sin()).collect();
    for variant in [Variant::Symmetric, Variant::TransposeSmoothed, Variant::EnergyMinimised] {
        let grids = with(variant).coarsen(&a, Some(&modes)).unwrap();
        let cycle = Cycle::new(grids, Smoother::GaussSeidel);
        let iterations = cycle.cg(&a, &load);
        println!("bar {variant}: {:?}, CG {iterations}", sizes(&cycle.grids));
        assert!(iterations <= 25, "{variant}: {iterations}");
    }
}
