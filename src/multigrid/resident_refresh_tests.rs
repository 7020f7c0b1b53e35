use std::sync::Arc;

use super::cycle::cycle;
use super::hierarchy::{Hierarchy, Place};
use super::{CycleKind, Refresh, Relaxation, ResidentRefresh, Setup, Smoother, Use};
use crate::backend::Cuda;
use crate::backend::cuda::{Memory, OnDevice};
use crate::engine::{Device, Eager, Engine, Host, Resident};
use crate::gallery::poisson_2d;
use crate::setup::Coarsening;
use crate::setup::classical::Classical;
use crate::sparse::Csr;

fn poisson(n: usize) -> Csr<f64> {
    poisson_2d(n, n).unwrap().matrix
}

/// The same pattern with varying coefficients.
fn changed(a: &Csr<f64>) -> Csr<f64> {
    let size = |i: usize| 1.0 + 0.4 * (0.37 * i as f64).sin();
    a.map(|i, j, v| v * size(i) * size(j) * if i == j { 1.05 } else { 1.0 })
}

fn built(a: &Csr<f64>, setup: &Setup, relaxation: Relaxation, kind: CycleKind) -> Hierarchy<Host<f64>> {
    let mut h = Hierarchy::without_smoothers(a, setup, (None, kind), &|_| false).unwrap();
    h.set_smoothers(relaxation, (1, 1)).unwrap();
    h
}

fn setups() -> [Setup; 2] {
    let (max_coarse, classical) = (30, Classical::ruge_stueben());
    [Coarsening { max_coarse, ..Coarsening::default() }.into(), Classical { max_coarse, ..classical }.into()]
}

/// All leaves on the device, in the order of the traversal.
fn leaves<T: OnDevice>(h: &Hierarchy<Device<T>>) -> Vec<(Place, Arc<Memory<T>>)> {
    let mut all = Vec::new();
    h.map::<Device<T>>(
        |place, values| {
            all.push((place, values.clone()));
            values.clone()
        },
        |direct| direct.clone(),
    );
    all
}

fn close(what: &str, got: impl Iterator<Item = f64>, expected: &[f64], tolerance: f64) {
    let size = expected.iter().fold(1e-300f64, |m, v| m.max(v.abs()));
    let got: Vec<f64> = got.collect();
    assert_eq!(got.len(), expected.len(), "{what}");
    for (x, y) in got.iter().zip(expected) {
        assert!((x - y).abs() <= tolerance * size, "{what}: {x} against {y}");
    }
}

/// A refresh on the device gives the leaves and the cycle of the host, and no leaf moves.
fn agree<T: OnDevice>(
    what: &str,
    built: &Hierarchy<Host<f64>>,
    purpose: Use,
    relaxation: Relaxation,
    tolerance: f64,
) {
    let host: Hierarchy<Host<T>> = built.cast().unwrap();
    let first = built.levels[0].a.to_csr();
    let new = changed(&first);
    let expected = Refresh::new(&host).unwrap().apply(&host, &new, relaxation, (1, 1)).unwrap();
    let expected: Hierarchy<Host<T>> = expected.into_precision().unwrap();
    for descending in [false, true] {
        let cuda = Cuda::emulated(descending);
        let mut device = host.to_device(&cuda, purpose).unwrap();
        let mut refresh = ResidentRefresh::new(&cuda, &host, purpose, relaxation, (1, 1)).unwrap();
        let before: Vec<u64> = leaves(&device).iter().map(|(_, m)| m.address()).collect();
        let values: Vec<T> = new.values().iter().map(|&v| T::from_f64(v)).collect();
        // An intermediate refresh with other values leaves no trace.
        for values in [vec![T::ONE; values.len()], values] {
            let done = refresh.apply(&cuda.upload(&values), &mut device);
            assert!(done.is_ok() || values[0] == T::ONE, "{what}: {done:?}");
        }
        let after = leaves(&device);
        assert!(after.iter().map(|(_, m)| m.address()).eq(before), "{what}: a leaf has moved");
        let mut list = after.iter();
        expected.map::<Host<T>>(
            |place, values| {
                if place.level < device.levels.len() {
                    let (own, memory) = list.next().unwrap();
                    assert_eq!(*own, place);
                    let got = cuda.download(memory).unwrap().into_iter().map(T::to_f64);
                    let values: Vec<f64> = values.iter().map(|v| v.to_f64()).collect();
                    close(&format!("{what}, {place:?}"), got, &values, tolerance);
                }
                values.clone()
            },
            |direct| direct.clone(),
        );
        for (own, other) in device.levels.iter().zip(&expected.levels) {
            for (own, other) in own.pre.iter().zip(&other.pre) {
                if let (
                    Smoother::Chebyshev { coefficients: own, .. },
                    Smoother::Chebyshev { coefficients: other, .. },
                ) = (own, other)
                {
                    let flat =
                        |list: &[(f64, f64)]| list.iter().flat_map(|&(a, b)| [a, b]).collect::<Vec<_>>();
                    close(&format!("{what}, coefficients"), flat(own).into_iter(), &flat(other), tolerance);
                }
            }
        }
        let n = first.rows();
        let b: Vec<T> = (0..n).map(|i| T::from_f64((i as f64).cos())).collect();
        let e = Eager::new(1);
        let x = e.values(&cycle(&e, &expected, 0, &e.vector(&b), e.zeros(n)));
        let r = Resident::new(cuda.clone(), 1);
        let y = r.values(&cycle(&r, &device, 0, &r.vector(&b), r.zeros(n))).unwrap();
        let x: Vec<f64> = x.iter().map(|v| v.to_f64()).collect();
        close(&format!("{what}, cycle"), y.into_iter().map(T::to_f64), &x, 10.0 * tolerance);
    }
}

#[test]
fn values_are_those_of_the_host() {
    let relaxations = [
        Relaxation::Jacobi(Some(0.8)),
        Relaxation::Jacobi(None),
        Relaxation::L1Jacobi,
        Relaxation::Spai0,
        Relaxation::DampedSpai0(Some(0.9)),
        Relaxation::Chebyshev(3),
        Relaxation::FourthKindChebyshev(2),
    ];
    for setup in setups() {
        for relaxation in relaxations {
            let amg = built(&poisson(22), &setup, relaxation, CycleKind::V);
            assert!(amg.levels.len() >= 2);
            let what = format!("{setup}, {relaxation}");
            agree::<f64>(&what, &amg, Use::Train, relaxation, 1e-12);
        }
        let relaxation = Relaxation::Spai0;
        let amg = built(&poisson(22), &setup, relaxation, CycleKind::V);
        agree::<f32>(&format!("{setup} in f32"), &amg, Use::Train, relaxation, 3e-5);
    }
}

#[test]
fn small_levels_become_a_dense_matrix() {
    for (rows, kind) in [(20, CycleKind::V), (36, CycleKind::V), (36, CycleKind::W), (20, CycleKind::F)] {
        let [setup, _] = setups();
        let relaxation = Relaxation::L1Jacobi;
        let amg = built(&poisson(rows), &setup, relaxation, kind);
        agree::<f64>(&format!("{rows}, {kind}"), &amg, Use::Solve, relaxation, 1e-12);
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let [setup, _] = setups();
    let cuda = Cuda::emulated(false);
    let amg = built(&poisson(16), &setup, Relaxation::Spai0, CycleKind::V);
    let h = &amg;
    let plan = |relaxation| ResidentRefresh::new(&cuda, h, Use::Train, relaxation, (1, 1));
    let error = plan(Relaxation::GaussSeidel).unwrap_err().to_string();
    assert!(error.contains("refresh this hierarchy on the host"), "{error}");
    let mut refresh = plan(Relaxation::Spai0).unwrap();
    let mut device = h.to_device(&cuda, Use::Train).unwrap();
    let values = h.levels[0].a.values.clone();
    assert!(refresh.apply(&cuda.upload(&values[1..]), &mut device).is_err());
    assert!(plan(Relaxation::Chebyshev(2)).unwrap().apply(&cuda.upload(&values), &mut device).is_err());
    let mut zero = values.to_vec();
    zero[h.levels[0].a.pattern.row(5).find(|&p| h.levels[0].a.pattern.col_idx()[p] == 5).unwrap()] = 0.0;
    let error = refresh.apply(&cuda.upload(&zero), &mut device).unwrap_err().to_string();
    assert!(error.contains("level 0"), "{error}");
    refresh.apply(&cuda.upload(&values), &mut device).unwrap();
}

/// A second owner of a hierarchy keeps its values.
#[test]
fn shared_leaves_are_replaced() {
    let [setup, _] = setups();
    let cuda = Cuda::emulated(false);
    let relaxation = Relaxation::Jacobi(Some(0.7));
    let amg = built(&poisson(16), &setup, relaxation, CycleKind::V);
    let h = &amg;
    let mut device = h.to_device(&cuda, Use::Train).unwrap();
    let kept = device.clone();
    let mut refresh = ResidentRefresh::new(&cuda, h, Use::Train, relaxation, (1, 1)).unwrap();
    let new = changed(&poisson(16));
    refresh.apply(&cuda.upload(new.values()), &mut device).unwrap();
    assert_eq!(cuda.download(&device.levels[0].a.values).unwrap(), new.values());
    assert_eq!(cuda.download(&kept.levels[0].a.values).unwrap(), **h.levels[0].a.values);
    let weights = |h: &Hierarchy<Device<f64>>| cuda.download(h.levels[0].pre[0].leaf().unwrap()).unwrap();
    assert_eq!(weights(&kept), ***h.levels[0].pre[0].leaf().unwrap());
    assert_ne!(weights(&device), weights(&kept));
}
