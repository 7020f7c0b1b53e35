//! Steps on the device against the optimiser of the host.

use super::optimise::AdamFactors;
use super::trials::Numbers;
use super::{Cuda, OnDevice};
use crate::optimise::{Adam, Optimiser};

/// The bits of the host's optimiser over several steps.
fn check<T: OnDevice>(n: usize, scaled: bool, descending: bool) {
    let mut numbers = Numbers(n as u64);
    let cuda = Cuda::emulated(descending);
    let (mut w, units) = (numbers.vector::<T>(n), numbers.vector::<T>(n));
    let units: Vec<T> = units.iter().map(|&u| u * u + T::from_f64(0.1)).collect();
    let mut adam = Adam::new().betas(0.8, 0.95).weight_decay(0.3).eps(1e-4);
    let (mut dw, du) = (cuda.upload(&w), cuda.upload(&units));
    let zeros = vec![T::ZERO; n];
    let (mut m, mut v) = (cuda.upload(&zeros), cuda.upload(&zeros));
    for step in 1..5 {
        let (g, rate) = (numbers.vector::<T>(n), 0.1 / step as f64);
        if scaled {
            adam.step_scaled(&mut w, &g, &units, rate).unwrap();
        } else {
            adam.step(&mut w, &g, rate).unwrap();
        }
        let factors = AdamFactors::new((0.8, 0.95), 1e-4, 0.3, step, rate);
        cuda.adam_step(&mut dw, &cuda.upload(&g), scaled.then_some(&du), (&mut m, &mut v), factors);
        assert_eq!(cuda.download(&dw).unwrap(), w, "step {step}");
    }
}

#[test]
fn adam_has_the_bits_of_the_host() {
    for n in [0, 1, 255, 256, 1000] {
        for (scaled, descending) in [(false, false), (true, true), (true, false)] {
            check::<f64>(n, scaled, descending);
            check::<f32>(n, scaled, descending);
        }
    }
}

#[test]
fn what_is_not_finite_is_found() {
    let cuda = Cuda::emulated(false);
    for (bad, expected) in
        [(None, 0), (Some(f64::NAN), 1), (Some(f64::INFINITY), 1), (Some(f64::NEG_INFINITY), 1)]
    {
        for at in [0, 299, 300, 776] {
            let mut values = vec![f64::MAX; 777];
            if let Some(bad) = bad {
                values[at] = bad;
            }
            let mut flag = cuda.upload(&[0]);
            cuda.any_not_finite(&cuda.upload(&values), &mut flag);
            assert_eq!(cuda.download(&flag).unwrap(), [expected]);
        }
    }
}
