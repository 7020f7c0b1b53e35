//! Schwarz methods in the hierarchy: one level, two levels, smoothers, learned and saved.

use std::sync::Arc;

use multigrad::gallery::{FlowScheme, poisson_2d, recirculating_flow};
use multigrad::krylov::Fgmres;
use multigrad::learn::{Target, Trainer, asymptotic_factor};
use multigrad::multigrid::{Parts, Relaxation, SchwarzOptions, Setup, Smoother};
use multigrad::operator::Preconditioner;
use multigrad::schwarz::{Coupling, Interface, Schwarz, Subdomains, Variant, blocks_2d};
use multigrad::solver::Amg;
use multigrad::sparse::{Csr, Storage};

use crate::common::numbers::Numbers;

const VARIANTS: [&str; 4] = ["restricted", "additive", "weighted", "harmonic"];

fn flow(n: usize) -> Csr<f64> {
    recirculating_flow(n, 0.02, FlowScheme::Upwind).unwrap().matrix
}

fn one_level(a: &Csr<f64>, relaxation: &str) -> Amg {
    let relaxation: Relaxation = relaxation.parse().unwrap();
    Amg::builder(Setup::OneLevel).relaxation(relaxation).sweeps(1, 0).build(a).unwrap()
}

fn interface(amg: &Amg) -> (Arc<Subdomains>, Vec<f64>) {
    match &amg.hierarchy().levels[0].pre[0] {
        Smoother::Schwarz { subdomains, interface } => (subdomains.clone(), interface.to_vec()),
        other => panic!("{other}"),
    }
}

/// The method alone, from the values in a hierarchy.
fn alone(a: &Csr<f64>, amg: &Amg) -> Schwarz<f64> {
    let (subdomains, values) = interface(amg);
    let layout = subdomains.layout(a.pattern()).unwrap();
    Schwarz::new(a, Interface::new(&layout, values).unwrap(), subdomains.variant()).unwrap()
}

#[test]
fn a_single_level_is_the_method_by_itself() {
    let a = flow(14);
    for variant in VARIANTS {
        let amg = one_level(&a, &format!("schwarz(30,1,0.6,{variant})"));
        let m = alone(&a, &amg);
        let r: Vec<f64> = Numbers(1).vector(a.rows());
        let (mut y, mut z) = (vec![0.0; a.rows()], vec![0.0; a.rows()]);
        m.apply(&r, &mut y).unwrap();
        amg.apply(&r, &mut z).unwrap();
        assert_eq!(y, z, "{variant}");
        m.apply_transposed(&r, &mut y).unwrap();
        amg.apply_transposed(&r, &mut z).unwrap();
        let far = y.iter().zip(&z).map(|(y, z)| (y - z).abs()).fold(0.0, f64::max);
        let size = y.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        assert!(far < 1e-12 * size, "{variant}: {far} of {size}");
    }
}

/// The factors of an independent program for the square of 30² points in 3 × 3 blocks with one ring of
/// overlap: .872 for the restricted method, .638 for the best Robin condition that it tried.
#[test]
fn factors_of_the_classical_conditions() {
    let a = poisson_2d(30, 30).unwrap().matrix;
    let part = blocks_2d(30, 30, 3, 3).unwrap();
    let subdomains = Subdomains::new(a.pattern(), part, 1, Variant::Restricted).unwrap();
    let layout = subdomains.layout(a.pattern()).unwrap();
    let base = one_level(&a, "schwarz");
    let factor = |alpha: f64, coupling: Coupling| {
        let values = Interface::optimised(&a, &layout, alpha, 0.0, coupling).unwrap().values().to_vec();
        let mut h = base.hierarchy().clone();
        h.levels[0].pre =
            vec![Smoother::Schwarz { subdomains: subdomains.clone(), interface: Storage::shared(values) }];
        asymptotic_factor(&h, 1, 200).factor
    };
    let restricted = factor(0.0, Coupling::Sum);
    assert!((restricted - 0.872).abs() < 1e-3, "{restricted}");
    let robin = factor(0.9, Coupling::Largest);
    assert!(robin < 0.638 && robin > 0.55, "{robin}");
    assert!(factor(0.8, Coupling::Sum) > 1.0);
}

fn iterations(a: &Csr<f64>, m: &dyn Preconditioner) -> usize {
    let b: Vec<f64> = Numbers(5).vector(a.rows());
    let out = Fgmres::new().restart(200).preconditioner(m).solve(a, &b).unwrap();
    assert!(out.converged());
    out.iterations
}

#[test]
fn learned_conditions_beat_classical_ones_and_are_saved() {
    let a = poisson_2d(24, 24).unwrap().matrix;
    let mut amg = one_level(&a, "schwarz(60,1)");
    let before = iterations(&a, &amg);
    let options = SchwarzOptions { parts: Parts::Rows(60), ..SchwarzOptions::default() };
    let trainer = Trainer::new().learn(Target::Schwarz).steps(60).subdomains(options, 1).seed(3);
    let report = trainer.clone().rate(0.01).fit(&mut amg).unwrap();
    assert!(report.accepted && report.factor_after < 0.9 * report.factor_before, "{report:?}");
    let krylov = trainer.clone().loss(multigrad::learn::Loss::Krylov).fit(&mut amg).unwrap();
    assert!(krylov.after.unwrap().iterations < before as f64, "{before} {krylov:?}");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("schwarz.mgrad");
    amg.save(&path).unwrap();
    let frozen = Amg::load(&path, &a).unwrap();
    let r: Vec<f64> = Numbers(6).vector(a.rows());
    let (mut y, mut z) = (vec![0.0; a.rows()], vec![0.0; a.rows()]);
    amg.apply(&r, &mut y).unwrap();
    frozen.apply(&r, &mut z).unwrap();
    assert_eq!(y, z);
    assert_eq!(iterations(&a, &frozen), iterations(&a, &amg));
}

#[test]
fn two_levels_need_the_same_iterations_on_larger_problems() {
    let count = |n: usize| {
        let a = poisson_2d(n, n).unwrap().matrix;
        let relaxation = Relaxation::Schwarz(SchwarzOptions::default());
        let setup: Setup = "two-level".parse().unwrap();
        let two = Amg::builder(setup).relaxation(relaxation).sweeps(1, 0).build(&a).unwrap();
        assert_eq!(two.hierarchy().levels.len(), 1);
        (iterations(&a, &one_level(&a, "schwarz")), iterations(&a, &two))
    };
    let ((one, two), (more, still)) = (count(48), count(112));
    assert!(more > one + 10 && still <= two + 3, "{one} {two}, {more} {still}");
}

#[test]
fn the_weighted_variant_keeps_a_cycle_symmetric() {
    let a = poisson_2d(20, 20).unwrap().matrix;
    let build = |text: &str| {
        let relaxation: Relaxation = text.parse().unwrap();
        Amg::smoothed_aggregation().relaxation(relaxation).build(&a).unwrap()
    };
    assert!(build("schwarz(40,1,0,weighted)").is_symmetric());
    assert!(!build("schwarz(40,1)").is_symmetric());
}

/// Uncoupled rows have no interface: there are no parameters, and nothing fails.
#[test]
fn without_interfaces_there_is_nothing_to_learn() {
    let entries: Vec<_> = (0..30).map(|i| (i, i, 1.0 + i as f64)).collect();
    let a = Csr::from_triplets(30, 30, &entries).unwrap();
    let mut amg = one_level(&a, "schwarz(10,1)");
    for loss in multigrad::learn::Loss::ALL {
        let options = SchwarzOptions { parts: Parts::Count(3), ..SchwarzOptions::default() };
        let trainer = Trainer::new().learn(Target::Schwarz).loss(loss).steps(2).subdomains(options, 1);
        let report = trainer.fit(&mut amg).unwrap();
        assert_eq!(report.parameters, 0);
    }
    assert_eq!(iterations(&a, &amg), 1);
}

#[test]
fn what_cannot_be_is_refused() {
    let a = poisson_2d(6, 6).unwrap().matrix;
    let many = Relaxation::Schwarz(SchwarzOptions { parts: Parts::Count(37), ..SchwarzOptions::default() });
    let e = Amg::builder(Setup::OneLevel).relaxation(many).build(&a).unwrap_err();
    assert!(e.to_string().contains("37 parts for a matrix of 36 rows"), "{e}");
    let mut amg = one_level(&a, "schwarz(9,1)");
    let e = Trainer::new().learn(Target::Schwarz).symmetric(true).fit(&mut amg).unwrap_err();
    assert!(e.to_string().contains("FGMRES"), "{e}");
    // Interface values that make a local matrix singular, or are too few.
    let (subdomains, values) = interface(&amg);
    let layout = subdomains.layout(a.pattern()).unwrap();
    let mut h = amg.hierarchy().clone();
    h.levels[0].pre =
        vec![Smoother::Schwarz { subdomains: subdomains.clone(), interface: Storage::shared(vec![]) }];
    assert!(amg.with_hierarchy(h).is_err());
    assert!(values.len() > 8 && layout.interface_entries() == values.len());
    let singular = Csr::from_triplets(2, 2, &[(0, 0, 0.0), (0, 1, 1.0), (1, 0, 1.0), (1, 1, 0.0)]).unwrap();
    let part = Subdomains::new(singular.pattern(), vec![0, 1], 0, Variant::Restricted).unwrap();
    let layout = part.layout(singular.pattern()).unwrap();
    let e = Schwarz::new(&singular, Interface::zero(&layout), Variant::Restricted).unwrap_err();
    assert!(e.is_singular() && e.to_string().contains("part 1 of 2"), "{e}");
}
