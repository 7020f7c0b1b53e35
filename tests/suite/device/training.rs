//! Training, and leaves that are shared.

use super::*;

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
