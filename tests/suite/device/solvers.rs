//! Solves, refreshed solvers and matrices in slices.

use super::*;

/// A solver on the device needs as many iterations as on the CPU, up to one.
fn solves_as_on_the_processor(a: &Csr<f64>, amg: &Amg, single: bool, krylov: Krylov, scale: f64) {
    let b: Vec<f64> = Numbers(30).vector::<f64>(a.rows()).iter().map(|v| v * scale).collect();
    let mut solver = match single {
        true => amg.to_single_precision().unwrap(),
        false => amg.with_hierarchy(amg.hierarchy().clone()).unwrap(),
    };
    assert_eq!(solver.matrix(), a);
    let solve = |solver: &Amg| solver.solve_with(&b, SolveOptions::new().krylov(krylov)).unwrap();
    let expected = solve(&solver);
    solver.move_to_device(&Cuda::emulated(false)).unwrap();
    let out = solve(&solver);
    assert!(out.converged() && expected.converged(), "{krylov:?}: {out}, {expected}");
    assert!(out.iterations.abs_diff(expected.iterations) <= 1, "{krylov:?}: {out}, {expected}");
    assert!(distance(&out.x, &expected.x) < 1e-5, "{krylov:?}: {:e}", distance(&out.x, &expected.x));
    let again = solve(&solver);
    assert!(again.x == out.x && again.residual_history == out.residual_history, "{krylov:?}: bits");
    solver.move_to_device(&Cuda::emulated(true)).unwrap();
    assert!(solve(&solver).x == out.x, "{krylov:?}: order of threads");
    assert!(solver.device().is_some());
    solver.move_to_host();
    assert!(solver.device().is_none() && solve(&solver) == expected);
}

#[test]
fn a_resident_solver_is_that_of_the_processor() {
    let poisson = poisson_2d(21, 18).unwrap().matrix;
    let amg = build(&poisson, CycleKind::V).with_relaxation(Relaxation::Spai0, (1, 1)).unwrap();
    for (single, scale) in [(false, 1.0), (true, 1.0), (true, 1e-35)] {
        solves_as_on_the_processor(&poisson, &amg, single, Krylov::Cg, scale);
    }
    let flow = flow(14);
    for relaxation in [Relaxation::Ilu0(1.0), Relaxation::weak_ilu0(0.05), Relaxation::Spai1] {
        let amg = build(&flow, CycleKind::V).with_relaxation(relaxation, (1, 1)).unwrap();
        solves_as_on_the_processor(&flow, &amg, false, Krylov::Fgmres, 1.0);
        solves_as_on_the_processor(&flow, &amg, true, Krylov::BiCgStab, 1e3);
        solves_as_on_the_processor(&flow, &amg, false, Krylov::Richardson, 1.0);
    }
}

/// New values reach the device as well, and an initial guess and a tolerance are those of the processor.
#[test]
fn a_solver_on_a_device_is_refreshed_and_takes_options() {
    let a = poisson_2d(21, 18).unwrap().matrix;
    let mut solver = Amg::auto(&a).unwrap();
    solver.move_to_device(&Cuda::emulated(false)).unwrap();
    let heat = a.map(|i, j, v| if i == j { v + 1.0 } else { v });
    solver.refresh(&heat).unwrap();
    let b = vec![1.0; a.rows()];
    let rough = solver.solve_with(&b, SolveOptions::new().rtol(1e-2)).unwrap();
    let options = || SolveOptions::new().rtol(1e-9).initial_guess(&rough.x);
    let out = solver.solve_with(&b, options()).unwrap();
    assert!(out.converged() && relative_residual(&heat, &b, &out.x).unwrap() < 1.001e-9, "{out}");
    solver.move_to_host();
    let host = solver.solve_with(&b, options()).unwrap();
    assert!(
        out.iterations.abs_diff(host.iterations) <= 1 && distance(&out.x, &host.x) < 1e-6,
        "{out} {host}"
    );
}

/// Slices give the same bits.
#[test]
fn matrices_in_slices_give_the_same_bits() {
    let a = poisson_2d(19, 23).unwrap().matrix;
    for relaxation in [Relaxation::Spai0, Relaxation::Chebyshev(2)] {
        let amg = build(&a, CycleKind::V).with_relaxation(relaxation, (1, 1)).unwrap();
        let h = amg.hierarchy();
        let b: Vec<f64> = Numbers(31).vector(h.rows());
        let run = |slices: bool| {
            let e = Resident::new(Cuda::emulated(false), 1);
            let device = h.to_device(e.cuda(), Use::Train).unwrap();
            device.levels.iter().filter(|_| slices).for_each(|level| e.slice(&level.a));
            let b = e.vector(&b);
            let x = e.values(&cycle(&e, &device, 0, &b, e.zeros(h.rows()))).unwrap();
            [x, as_program(&e, &device, &b)]
        };
        assert_eq!(run(true), run(false), "{relaxation}");
    }
}

/// Long rows of similar length are stored in slices, whose sums have another order; rows of other lengths are not.
#[test]
fn long_rows_are_stored_in_slices_by_their_padding() {
    let n = 400;
    let matrix = |length: fn(usize) -> usize| {
        let entries = (0..n).flat_map(|i| (0..length(i)).map(move |q| (i, (i + 7 * q) % n, 0.1 + q as f64)));
        Csr::from_triplets(n, n, &entries.collect::<Vec<_>>()).unwrap()
    };
    let tuning: Tuning = "sliced_rows=100".parse().unwrap();
    let e = Resident::<f64>::new(Cuda::emulated_tuned(tuning).unwrap(), 1);
    let even = matrix(|i| 24 + i % 5);
    let uneven = matrix(|i| if i % 32 == 0 { 300 } else { 20 });
    let x: Vec<f64> = Numbers(5).vector(n);
    let mut expected = vec![0.0; n];
    Cpu.spmv(1.0, (&even).into(), &x, 0.0, &mut expected, 1);
    assert!(!e.slice_if_faster(&e.matrix(&uneven)).unwrap());
    let even = e.matrix(&even);
    let product = || e.values(&e.spmv(&even, &e.vector(&x))).unwrap();
    let by_rows = product();
    assert!(e.slice_if_faster(&even).unwrap());
    let in_slices = product();
    assert!(distance(&in_slices, &expected) < 1e-14 && distance(&by_rows, &expected) < 1e-14);
    assert_ne!(in_slices, by_rows);
}
