//! Schedules of the learning rate.

use serde::{Deserialize, Serialize};

/// The rate of every step of a run: constant or falling, after a linear warm-up if one is set.
///
/// Nothing is checked here: the optimiser refuses a rate that is negative or NaN.
///
/// ```
/// use multigrad::optimise::Schedule;
/// let schedule = Schedule::cosine(0.1, 0.02).warm_up(4);
/// let rates: Vec<f64> = (0..=20).map(|step| schedule.rate(step, 20)).collect();
/// assert_eq!(rates[0], 0.025);
/// assert_eq!(rates[4], 0.1);
/// assert!((rates[20] - 0.002).abs() < 1e-15);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    rate: f64,
    shape: Shape,
    warm_up: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum Shape {
    Constant,
    Cosine { last: f64 },
    Exponential { last: f64 },
    Steps { factor: f64, every: usize },
}

impl Schedule {
    /// A constant rate.
    pub fn constant(rate: f64) -> Self {
        Self::of(rate, Shape::Constant)
    }

    /// Half a cosine from `rate` down to the fraction `last` of it (Loshchilov and Hutter, 2017).
    pub fn cosine(rate: f64, last: f64) -> Self {
        Self::of(rate, Shape::Cosine { last })
    }

    /// A constant factor per step, from `rate` down to the fraction `last` of it: rate · last^(step / total).
    pub fn exponential(rate: f64, last: f64) -> Self {
        Self::of(rate, Shape::Exponential { last })
    }

    /// Multiplied by `factor` after `every` steps (0: never).
    pub fn steps(rate: f64, factor: f64, every: usize) -> Self {
        Self::of(rate, Shape::Steps { factor, every })
    }

    fn of(rate: f64, shape: Shape) -> Self {
        Self { rate, shape, warm_up: 0 }
    }

    /// The first `steps` steps grow linearly: step s, counted from 0, has the share (s + 1)/steps of the
    /// rate. The remaining steps follow the schedule set before.
    #[must_use]
    pub fn warm_up(mut self, steps: usize) -> Self {
        self.warm_up = steps;
        self
    }

    /// The rate of `step`, counted from 0, of a run of `total` steps. After `total` it stays at the final
    /// value of a cosine or exponential decay.
    pub fn rate(&self, step: usize, total: usize) -> f64 {
        if step < self.warm_up {
            return self.rate * ((step + 1) as f64 / self.warm_up as f64);
        }
        let (step, total) = (step - self.warm_up, total.saturating_sub(self.warm_up).max(1));
        self.shaped(step as f64 / total as f64, step as f64)
    }

    /// The rate at the `share` (0 to 1) of a run of `total` steps: for training with a time limit.
    pub fn rate_at(&self, share: f64, total: usize) -> f64 {
        if self.warm_up == 0 {
            return self.shaped(share, share * total as f64);
        }
        let (step, warm_up) = (share * total as f64, self.warm_up as f64);
        if step < warm_up {
            return self.rate * ((step + 1.0) / warm_up).min(1.0);
        }
        let left = total.saturating_sub(self.warm_up).max(1) as f64;
        self.shaped((step - warm_up) / left, step - warm_up)
    }

    fn shaped(&self, share: f64, step: f64) -> f64 {
        let share = share.clamp(0.0, 1.0);
        self.rate
            * match self.shape {
                Shape::Constant => 1.0,
                Shape::Cosine { last } => {
                    last + (1.0 - last) * 0.5 * (1.0 + (std::f64::consts::PI * share).cos())
                }
                Shape::Exponential { last } => last.powf(share),
                Shape::Steps { every: 0, .. } => 1.0,
                Shape::Steps { factor, every } => factor.powf((step / every as f64).floor()),
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_worked_rates() {
        let cosine = Schedule::cosine(2.0, 0.5);
        assert_eq!((cosine.rate(0, 10), cosine.rate(10, 10), cosine.rate(99, 10)), (2.0, 1.0, 1.0));
        assert!((cosine.rate(5, 10) - 1.5).abs() < 1e-15);
        let falling = Schedule::exponential(1.0, 0.01);
        assert!((falling.rate(5, 10) - 0.1).abs() < 1e-15 && (falling.rate(10, 10) - 0.01).abs() < 1e-16);
        let steps = Schedule::steps(1.0, 0.5, 3);
        let rates: Vec<f64> = (0..7).map(|s| steps.rate(s, 7)).collect();
        assert_eq!(rates, [1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.25]);
        assert_eq!(Schedule::steps(1.0, 0.5, 0).rate(50, 100), 1.0);
        assert_eq!(Schedule::constant(0.3).rate(7, 0), 0.3);
    }

    #[test]
    fn warm_up_comes_first_and_the_rest_takes_what_remains() {
        let s = Schedule::steps(1.0, 0.1, 2).warm_up(4);
        let rates: Vec<f64> = (0..8).map(|step| s.rate(step, 8)).collect();
        assert_eq!(rates, [0.25, 0.5, 0.75, 1.0, 1.0, 1.0, 0.1, 0.1]);
        let cosine = Schedule::cosine(1.0, 0.0).warm_up(4);
        assert_eq!((cosine.rate(4, 8), cosine.rate(8, 8)), (1.0, 0.0));
        assert_eq!(cosine.rate(2, 3), 0.75);
    }

    #[test]
    fn shares_and_steps_agree() {
        let all = [Schedule::constant(0.2), Schedule::cosine(0.2, 0.1), Schedule::exponential(0.2, 0.1)];
        for s in all.into_iter().flat_map(|s| [s, s.warm_up(3)]).chain([Schedule::steps(0.2, 0.5, 4)]) {
            for step in 0..=16 {
                let share = step as f64 / 16.0;
                assert!((s.rate(step, 16) - s.rate_at(share, 16)).abs() < 1e-15, "{s:?}, step {step}");
            }
        }
    }

    #[test]
    fn round_trip() {
        let s = Schedule::exponential(0.1, 0.03).warm_up(7);
        assert_eq!(serde_json::from_str::<Schedule>(&serde_json::to_string(&s).unwrap()).unwrap(), s);
    }
}
