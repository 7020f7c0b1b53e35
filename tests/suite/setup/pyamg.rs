//! Equality with PyAMG, level by level.

use super::*;

fn gap(a: &DenseMatrix, b: &DenseMatrix) -> f64 {
    assert_eq!(a.shape(), b.shape());
    a.values().iter().zip(b.values()).fold(0.0, |m, (x, y)| m.max((x - y).abs()))
}

fn indicator(aggregation: &Aggregation) -> Csr<f64> {
    let entries: Vec<_> =
        aggregation.of().iter().enumerate().filter_map(|(i, g)| g.map(|g| (i, g as usize, 1.0))).collect();
    Csr::from_triplets(aggregation.of().len(), aggregation.count(), &entries).unwrap()
}

#[test]
fn san_equals_pyamg() {
    let rhos = [1.9826981445087446, 1.5523893006607046, 1.2767658941944917];
    let mut right = DenseMatrix::ones(256, 1);
    let mut left = right.clone();
    assert!(distance(&upwind(16), &matrix(reference("upwind16_san_l0_A"))) < 1e-12);
    for (l, &rho) in rhos.iter().enumerate() {
        let get = |x: &str| reference(&format!("upwind16_san_l{l}_{x}"));
        let a = matrix(get("A"));
        let at = a.transpose();
        let nodes = Nodes::scalar(a.rows());
        let c = evolution_strength(&a, right.values(), rho, 4.0).unwrap();
        let expected = matrix(get("C"));
        assert_eq!(c.pattern(), expected.pattern(), "level {l}");
        assert!(distance(&c, &expected) < 1e-12);
        let aggregation = standard_aggregation(&c).unwrap();
        assert_eq!(indicator(&aggregation), matrix(get("AggOp")), "level {l}");
        if l == 0 {
            right = relax_candidates(&a, &right, 4).unwrap();
            left = relax_candidates(&at, &left, 4).unwrap();
        }
        assert!(gap(&right, &dense(get("B"))) < 1e-13 && gap(&left, &dense(get("BH"))) < 1e-13);
        let t = fit_candidates(&aggregation, &nodes, &right).unwrap();
        let th = fit_candidates(&aggregation, &nodes, &left).unwrap();
        assert!(distance(&t.prolongation, &matrix(get("T"))) < 1e-13);
        assert!(distance(&th.prolongation, &matrix(get("TH"))) < 1e-13);
        let pattern = energy_pattern(&c, &nodes, &t.prolongation).unwrap();
        let p = energy_prolongation(&a, &t.prolongation, &pattern, &t.candidates, 4).unwrap();
        let r = energy_prolongation(&at, &th.prolongation, &pattern, &th.candidates, 4).unwrap().transpose();
        assert!(distance(&p, &matrix(get("P"))) < 1e-12, "level {l}");
        assert!(distance(&r, &matrix(get("R"))) < 1e-12, "level {l}");
        let coarse = matrix(reference(&format!("upwind16_san_l{}_A", l + 1)));
        let scale = coarse.values().iter().fold(0.0f64, |m, v| m.max(v.abs()));
        assert!(distance(&a.galerkin(&r, &p).unwrap(), &coarse) < 1e-12 * scale);
        (right, left) = (t.candidates, th.candidates);
    }
}

#[test]
fn sa_equals_pyamg() {
    let rhos = [1.9816958995364748, 1.3879150977891572];
    let mut b = DenseMatrix::ones(256, 1);
    for (l, &rho) in rhos.iter().enumerate() {
        let get = |x: &str| reference(&format!("poisson16_sa_l{l}_{x}"));
        let a = matrix(get("A"));
        let c = symmetric_strength(&amalgamate(&a, &Nodes::scalar(a.rows())).unwrap(), 0.0).unwrap();
        // PyAMG writes ones on coarse levels when θ = 0; aggregation reads the pattern only.
        let expected = matrix(get("C"));
        assert_eq!(c.pattern(), expected.pattern());
        assert!(l > 0 || distance(&c, &expected) < 1e-15);
        let aggregation = standard_aggregation(&c).unwrap();
        assert_eq!(indicator(&aggregation), matrix(get("AggOp")));
        if l == 0 {
            b = relax_candidates(&a, &b, 4).unwrap();
        }
        assert!(gap(&b, &dense(get("B"))) < 1e-13);
        let t = fit_candidates(&aggregation, &Nodes::scalar(a.rows()), &b).unwrap();
        assert!(distance(&t.prolongation, &matrix(get("T"))) < 1e-13);
        let p = jacobi_prolongation(&a, &t.prolongation, rho, 4.0 / 3.0).unwrap();
        assert!(distance(&p, &matrix(get("P"))) < 1e-13);
        let own = spectral_radius(&a, &inverse_diagonal(&a).unwrap()).unwrap();
        assert!((own / rho - 1.0).abs() < 0.01, "level {l}: {own} for {rho}");
        b = t.candidates;
    }
    let as_pyamg = Coarsening {
        theta: 0.0,
        candidate_sweeps: Some(4),
        jacobi_radius: SpectralRadius::Arnoldi,
        max_coarse: 10,
        ..Coarsening::default()
    };
    let sizes: Vec<usize> = as_pyamg.coarsen(&poisson(16), None).unwrap().matrices().map(Csr::rows).collect();
    assert_eq!(sizes, [256, 48, 7]);
}
