//! Block Jacobi, damping and passes.

use super::*;

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
