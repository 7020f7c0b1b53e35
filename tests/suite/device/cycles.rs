//! Cycles and gradients.

use super::*;

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
