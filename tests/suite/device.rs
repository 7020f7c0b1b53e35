//! Device engine on the emulator: cycle, tape and training against those of the CPU.

use std::sync::Arc;

use crate::common::numbers::{Numbers, distance, largest};
use multigrad::backend::{Cpu, Cuda, Order};
use multigrad::cycle_tape::{Parameter, Recorded, Tape};
use multigrad::engine::{Device, DeviceBuffer, Eager, Engine, Host, Launch, Resident, Reversible, Vector};
use multigrad::gallery::{FlowScheme, poisson_2d, recirculating_flow};
use multigrad::gpu::Tuning;
use multigrad::learn::{Loss, Parameters, ResidentTraining, Target, Trainer};
use multigrad::multigrid::{
    CycleKind, Hierarchy, Parts, Relaxation, ResidentCycle, SchwarzOptions, Use, cycle, trace,
};
use multigrad::setup::Coarsening;
use multigrad::solver::{Amg, Krylov, SolveOptions, relative_residual};
use multigrad::sparse::{Csr, Storage};

fn flow(m: usize) -> Csr<f64> {
    recirculating_flow(m, 0.005, FlowScheme::Upwind).unwrap().matrix
}

/// Two levels or more above the direct solver.
fn build(a: &Csr<f64>, kind: CycleKind) -> Amg {
    let coarsening = Coarsening { max_coarse: 6, ..Coarsening::default() };
    let amg = Amg::smoothed_aggregation().coarsening(coarsening).suited_to(a).cycle(kind).build(a).unwrap();
    assert!(amg.hierarchy().levels.len() >= 2, "{amg}");
    amg
}

fn small_parts() -> SchwarzOptions {
    SchwarzOptions { parts: Parts::Rows(12), ..SchwarzOptions::default() }
}

fn on_cpu(h: &Hierarchy<Host<f64>>, b: &[f64], k: usize) -> Vec<f64> {
    let e = Eager::new(k);
    let b = e.vector(b);
    e.values(&cycle(&e, h, 0, &b, e.zeros(h.rows())))
}

/// Operation by operation, and as a program, where neighbours are one launch.
fn on_device(cuda: &Cuda, h: &Hierarchy<Host<f64>>, purpose: Use, b: &[f64], k: usize) -> [Vec<f64>; 2] {
    let device: Hierarchy<Device<f64>> = h.to_device(cuda, purpose).unwrap();
    let e = Resident::new(cuda.clone(), k);
    let b = e.vector(b);
    let x = e.values(&cycle(&e, &device, 0, &b, e.zeros(h.rows()))).unwrap();
    [x, as_program(&e, &device, &b)]
}

/// One cycle as a program: the same bits as operation by operation unless several of them are one launch.
fn as_program(e: &Resident<f64>, h: &Hierarchy<Device<f64>>, b: &Vector<DeviceBuffer<f64>>) -> Vec<f64> {
    let program = e.program(trace(e, h).unwrap()).unwrap();
    let x = e.read(&e.execute(&program, b.handle().unwrap())).unwrap();
    if program.launches().all(|launch| matches!(launch, Launch::Single(_))) {
        assert_eq!(e.values(&cycle(e, h, 0, b, e.zeros(h.rows()))).unwrap(), x);
    }
    x
}

#[test]
fn a_cycle_is_that_of_the_processor() {
    let a = flow(9);
    for kind in [CycleKind::V, CycleKind::W, CycleKind::F] {
        let amg = build(&a, kind);
        for relaxation in Relaxation::ALL {
            let amg = amg.with_relaxation(relaxation, (1, 2)).unwrap();
            let h = amg.hierarchy();
            for (k, purpose) in [(1, Use::Solve), (3, Use::Train)] {
                let b: Vec<f64> = Numbers(5).vector(h.rows() * k);
                let expected = on_cpu(h, &b, k);
                let runs = [false, true, false].map(|d| on_device(&Cuda::emulated(d), h, purpose, &b, k));
                assert!(runs[0] == runs[1] && runs[0] == runs[2], "{relaxation}, {kind}: bits differ");
                for x in &runs[0] {
                    let far = distance(x, &expected);
                    assert!(far < 1e-11, "{relaxation}, {kind}, {k} columns: {far:e}");
                }
            }
        }
    }
}

/// On every level, sweeps that a device fuses with neighbouring operations.
#[test]
fn any_number_of_sweeps_is_that_of_the_processor() {
    let a = flow(9);
    for kind in [CycleKind::V, CycleKind::W, CycleKind::F] {
        let amg = build(&a, kind);
        for relaxation in [Relaxation::Spai0, Relaxation::Spai1] {
            for sweeps in [(0, 1), (1, 0), (1, 1), (2, 2)] {
                let amg = amg.with_relaxation(relaxation, sweeps).unwrap();
                let h = amg.hierarchy();
                let b: Vec<f64> = Numbers(7).vector(h.rows());
                let expected = on_cpu(h, &b, 1);
                let runs = [false, true].map(|d| on_device(&Cuda::emulated(d), h, Use::Train, &b, 1));
                assert!(runs[0] == runs[1], "{relaxation}, {kind}, {sweeps:?}: bits differ");
                for x in &runs[0] {
                    let far = distance(x, &expected);
                    assert!(far < 1e-11, "{relaxation}, {kind}, {sweeps:?}: {far:e}");
                }
            }
        }
    }
}

/// Launches of one V-cycle with and without fused ones, on three levels and a dense matrix.
#[test]
fn neighbours_are_one_launch() {
    let amg = build(&flow(20), CycleKind::V);
    assert_eq!(amg.hierarchy().levels.len(), 3);
    for (relaxation, sweeps, launches) in [
        (Relaxation::Spai0, (0, 1), [13, 13]),
        (Relaxation::Spai0, (1, 0), [10, 7]),
        (Relaxation::Spai0, (1, 1), [13, 7]),
        (Relaxation::Spai0, (2, 2), [22, 16]),
        (Relaxation::Spai1, (0, 1), [16, 16]),
        (Relaxation::Spai1, (1, 1), [19, 16]),
    ] {
        let amg = amg.with_relaxation(relaxation, sweeps).unwrap();
        let b: Vec<f64> = Numbers(7).vector(amg.hierarchy().rows());
        let nodes = [0, 1_000_000].map(|entries| {
            let tuning = format!("tail_rows=0 fused_entries={entries}").parse().unwrap();
            let cuda = Cuda::emulated_tuned(tuning).unwrap();
            ResidentCycle::new(&cuda, amg.hierarchy()).unwrap().graph(&b).unwrap().nodes()
        });
        assert_eq!(nodes, launches, "{relaxation}, {sweeps:?}");
    }
}

#[test]
fn a_cycle_in_single_precision_is_close() {
    let a = poisson_2d(20, 17).unwrap().matrix;
    let h = build(&a, CycleKind::V).hierarchy().cast::<f32>().unwrap();
    let b: Vec<f32> = Numbers(6).vector(h.rows());
    let e = Eager::new(1);
    let bv = e.vector(&b);
    let expected = e.values(&cycle(&e, &h, 0, &bv, e.zeros(h.rows())));
    for cuda in [Cuda::emulated(false), Cuda::emulated(true).summing_in_double()] {
        let device = h.to_device(&cuda, Use::Solve).unwrap();
        let e = Resident::new(cuda, 1);
        let bv = e.vector(&b);
        let x = e.values(&cycle(&e, &device, 0, &bv, e.zeros(h.rows()))).unwrap();
        let size = expected.iter().fold(0.0f32, |m, v| m.max(v.abs()));
        assert!(x.iter().zip(&expected).all(|(x, y)| (x - y).abs() < 1e-5 * size));
    }
}

/// The gradient of ½‖x‖² after two cycles, with respect to every leaf and to the start.
fn gradients_on_cpu(h: &Hierarchy<Host<f64>>, x: &[f64], k: usize) -> (Vec<Vec<f64>>, Vec<f64>) {
    let mut lengths = Vec::new();
    let recorded = h.map::<Recorded<Host<f64>>>(
        |_, v| {
            lengths.push(v.len());
            Parameter::learned(v.clone(), lengths.len() - 1)
        },
        Clone::clone,
    );
    let tape = Tape::new(k);
    let (zero, start) = (tape.zeros(h.rows()), tape.input(x));
    let x = cycle(&tape, &recorded, 0, &zero, start.clone());
    let x = cycle(&tape, &recorded, 0, &zero, x);
    let seed = tape.values(&x);
    tape.backward_to(&lengths, &x, &seed, &start).unwrap()
}

fn gradients_on_device(
    cuda: &Cuda,
    h: &Hierarchy<Host<f64>>,
    x: &[f64],
    k: usize,
) -> (Vec<Vec<f64>>, Vec<f64>) {
    let device = h.to_device(cuda, Use::Train).unwrap();
    let mut lengths = Vec::new();
    let recorded = device.map::<Recorded<Device<f64>>>(
        |_, v| {
            lengths.push(v.len());
            Parameter::learned(v.clone(), lengths.len() - 1)
        },
        Clone::clone,
    );
    let tape = Tape::on(Resident::new(cuda.clone(), k));
    let (zero, start) = (tape.zeros(h.rows()), tape.input(x));
    let x = cycle(&tape, &recorded, 0, &zero, start.clone());
    let x = cycle(&tape, &recorded, 0, &zero, x);
    let seed = tape.read(&x).unwrap();
    tape.backward_to(&lengths, &x, &seed, &start).unwrap()
}

/// Against the tape of the CPU, which finite differences verify.
#[test]
fn gradients_of_every_leaf_are_those_of_the_processor() {
    let a = flow(8);
    for relaxation in Relaxation::ALL {
        // One part would be solved exactly.
        let relaxation = match relaxation {
            Relaxation::Schwarz(_) => Relaxation::Schwarz(small_parts()),
            other => other,
        };
        // Blocks are refused on a device; see below.
        let in_blocks = matches!(
            build(&a, CycleKind::V).with_relaxation(relaxation, (1, 1)).unwrap().hierarchy().levels[0].pre[0],
            multigrad::multigrid::Smoother::OrderedGaussSeidel { ref sweep, .. }
                if matches!(sweep.order, Order::Blocks { .. })
        );
        if in_blocks {
            continue;
        }
        for kind in [CycleKind::V, CycleKind::W] {
            let amg = build(&a, kind).with_relaxation(relaxation, (1, 1)).unwrap();
            let (h, k) = (amg.hierarchy(), 3);
            let x: Vec<f64> = Numbers(7).vector(h.rows() * k);
            let (expected, of_start) = gradients_on_cpu(h, &x, k);
            let first = gradients_on_device(&Cuda::emulated(false), h, &x, k);
            assert_eq!(first, gradients_on_device(&Cuda::emulated(true), h, &x, k), "{relaxation}: bits");
            // Cancellation in a small gradient is as large as in the others.
            let rounding = 1e-12 * expected.iter().map(|g| largest(g)).fold(0.0, f64::max);
            for (q, (own, expected)) in first.0.iter().zip(&expected).enumerate() {
                let far = distance(own, expected) * largest(expected);
                let tolerance = 1e-10 * largest(expected) + rounding;
                assert!(far <= tolerance, "{relaxation}, {kind}, leaf {q}: {far:e} against {tolerance:e}");
            }
            assert!(distance(&first.1, &of_start) < 1e-10, "{relaxation}, {kind}");
        }
    }
}

#[test]
fn what_a_device_cannot_do_is_said() {
    let a = flow(8);
    let cuda = Cuda::emulated(false);
    let k = build(&a, CycleKind::K);
    let e = k.hierarchy().to_device(&cuda, Use::Solve).unwrap_err();
    assert!(e.is_unsuited() && e.to_string().contains("K-cycle"), "{e}");

    let tiny = Cuda::emulated_with(1000, false);
    let e = build(&a, CycleKind::V).hierarchy().to_device(&tiny, Use::Solve).unwrap_err();
    assert!(e.is_device() && e.to_string().contains("out of device memory"), "{e}");
    assert!(tiny.synchronise().unwrap_err().is_device());
    assert!(cuda.synchronise().is_ok());
}

/// Parameters of each kind, some of them tied.
fn learned(amg: &Amg, learn: Target, symmetric: bool) -> Parameters<f64> {
    Parameters::learned(amg.hierarchy(), learn, symmetric).unwrap()
}

#[test]
fn loss_and_gradient_of_training_are_those_of_the_processor() {
    let flow = build(&flow(9), CycleKind::V);
    let poisson = build(&poisson_2d(9, 8).unwrap().matrix, CycleKind::V);
    let parse = |text: &str| text.parse::<Target>().unwrap();
    let schwarz = Relaxation::Schwarz(small_parts());
    for (amg, relaxation, learn, symmetric) in [
        (&flow, Relaxation::Spai1, "relaxation", false),
        (&poisson, Relaxation::Spai0, "interpolation", true),
        (&flow, Relaxation::Ilu0(1.0), "ilu", false),
        (&poisson, Relaxation::Spai0, "damping", false),
        (&flow, schwarz, "schwarz", false),
    ] {
        let amg = amg.with_relaxation(relaxation, (1, 1)).unwrap();
        let parameters = learned(&amg, parse(learn), symmetric);
        assert!(!parameters.is_empty(), "{learn}");
        let (h, k, cycles) = (amg.hierarchy(), 4, 2);
        let z: Vec<f64> = Numbers(9).vector(h.rows() * k);
        let cuda = Cuda::emulated(false);
        let mut training = ResidentTraining::new(&cuda, h, &parameters, k, 3).unwrap();
        for kind in [Loss::Rate, Loss::Krylov, Loss::Slowest] {
            let expected = kind.differentiate(&Tape::new(k), h, &parameters, &z, cycles).unwrap();
            training.minimise(kind, 3).unwrap();
            training.set_batch(&z).unwrap();
            let (loss, gradient) = training.loss_and_gradient(cycles).unwrap();
            assert!((loss - expected.loss).abs() < 1e-11 * expected.loss.abs(), "{kind}, {learn}: {loss}");
            for (own, expected) in gradient.iter().zip(&expected.gradient) {
                assert!(distance(own, expected) < 1e-9, "{kind}, {learn}");
            }
        }
    }
}

#[test]
fn training_steps_lower_the_loss_and_repeat() {
    let amg = build(&flow(8), CycleKind::V).with_relaxation(Relaxation::Spai1, (1, 1)).unwrap();
    let h = amg.hierarchy().cast::<f32>().unwrap();
    let parameters: Parameters<f32> = Parameters::relaxations(amg.hierarchy());
    let run = |descending: bool| {
        let cuda = Cuda::emulated(descending);
        let mut training = ResidentTraining::new(&cuda, &h, &parameters, 4, 11).unwrap();
        let losses: Vec<f64> = (0..15).map(|_| training.step(2, 0.02).unwrap()).collect();
        (losses, training.parameters().unwrap().values().to_vec())
    };
    let (losses, values) = run(false);
    assert!(losses[14] < losses[0] - 0.3, "{losses:?}");
    assert_eq!(run(true), (losses, values));
}

#[test]
fn a_trainer_takes_its_steps_on_the_device() {
    let a = flow(10);
    let mut amg = build(&a, CycleKind::V);
    let cuda = Cuda::emulated(false);
    let report = Trainer::new().steps(40).batch(4).seed(1).on(&cuda).fit(&mut amg).unwrap();
    assert!(report.factor_after < report.factor_before, "{report}");
    let trainer = Trainer::new().steps(20).seed(1).loss(Loss::Krylov).on(&cuda);
    let report = trainer.fit(&mut build(&a, CycleKind::V)).unwrap();
    assert_eq!(report.recipe.batch, 64, "a batch that fills a card");
    assert!(report.loss_history.last() < report.loss_history.first(), "{report}");
}

/// Leaves shared by several places are one leaf on the device.
#[test]
fn shared_leaves_are_uploaded_once() {
    let a = poisson_2d(12, 12).unwrap().matrix;
    let amg = build(&a, CycleKind::V).with_relaxation(Relaxation::Spai0, (1, 1)).unwrap();
    let shared: Arc<Storage<f64>> = Storage::shared(vec![0.2; a.rows()]);
    let h = amg.hierarchy().map::<Host<f64>>(
        |place, v| if v.len() == a.rows() && place.level == 0 { shared.clone() } else { v.clone() },
        Clone::clone,
    );
    let device = h.to_device(&Cuda::emulated(false), Use::Train).unwrap();
    let leaf = |post: bool| {
        let level = &device.levels[0];
        let sweep = if post { &level.post[0] } else { &level.pre[0] };
        sweep.leaf().unwrap().clone()
    };
    assert!(Arc::ptr_eq(&leaf(false), &leaf(true)));
}

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
