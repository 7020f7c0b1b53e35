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

/// The factors of one step of Adam.
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
    /// The factors of step `step`, counted from 1, with weight decay λ.
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
    /// A step of [`Adam`](crate::optimise::Adam) with the moments (m, v), which start as zeros; with values
    /// in these units, if any.
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
