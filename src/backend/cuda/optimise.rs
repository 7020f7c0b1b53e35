//! Steps of optimisers: `kernels/optimise.cu`.

use super::arguments::{Address, arguments};
use super::{Cuda, Memory, OnDevice};

arguments! {
    AdamStep {
        values: Address, gradient: Address, units: Address, first: Address, second: Address,
        keep: f64, beta1: f64, beta2: f64, rate: f64, correction: f64, epsilon: f64, count: u64,
    }
    NotFinite { values: Address, flag: Address, count: u64 }
}

/// What one step of Adam multiplies with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AdamFactors {
    /// 1 − rate λ.
    pub keep: f64,
    /// β₁ and β₂.
    pub betas: (f64, f64),
    /// rate / (1 − β₁ᵗ).
    pub rate: f64,
    /// 1 / (1 − β₂ᵗ).
    pub correction: f64,
    pub epsilon: f64,
}

impl AdamFactors {
    /// Those of step `step`, counted from 1, with weight decay λ.
    pub fn new(betas: (f64, f64), epsilon: f64, decay: f64, step: u64, rate: f64) -> Self {
        let step = i32::try_from(step).unwrap_or(i32::MAX);
        Self {
            keep: 1.0 - rate * decay,
            betas,
            rate: rate / (1.0 - betas.0.powi(step)),
            correction: 1.0 / (1.0 - betas.1.powi(step)),
            epsilon,
        }
    }
}

impl Cuda {
    /// A step of [`Adam`](crate::optimise::Adam) with the moments (m, v), which start as zeros; values in these
    /// units if there are some.
    pub(crate) fn adam_step<T: OnDevice>(
        &self,
        values: &mut Memory<T>,
        gradient: &Memory<T>,
        units: Option<&Memory<T>>,
        (first, second): (&mut Memory<T>, &mut Memory<T>),
        factors: AdamFactors,
    ) {
        let count = values.len();
        let lengths = gradient.len() == count
            && units.is_none_or(|u| u.len() == count)
            && first.len() == count
            && second.len() == count;
        let AdamFactors { keep, betas: (beta1, beta2), rate, correction, epsilon } = factors;
        let arguments = AdamStep {
            values: values.into(),
            gradient: gradient.into(),
            units: units.into(),
            first: first.into(),
            second: second.into(),
            keep,
            beta1,
            beta2,
            rate,
            correction,
            epsilon,
            count: count as u64,
        };
        self.for_each::<T, _>("adam", count, lengths, &arguments);
    }

    /// flag ← 1 if a value is infinite or NaN; otherwise the flag stays.
    pub(crate) fn any_not_finite<T: OnDevice>(&self, values: &Memory<T>, flag: &mut Memory<u32>) {
        let (count, lengths) = (values.len(), flag.len() == 1);
        let arguments = NotFinite { values: values.into(), flag: flag.into(), count: count as u64 };
        self.for_each::<T, _>("not_finite", count, lengths, &arguments);
    }
}

#[cfg(all(test, feature = "emulator"))]
mod tests {
    use super::super::trials::Numbers;
    use super::*;
    use crate::optimise::{Adam, Optimiser};

    /// The bits of the optimiser of the host over several steps.
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
}
