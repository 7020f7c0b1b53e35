//! The rule by which a solver in use spends time on training.

/// Part of the share that is planned; the rest covers errors of forecasts.
const PLANNED: f64 = 0.85;
/// Loss of the trial of a new solver that is planned for, in solves.
const TRIAL: f64 = 1.0;
/// Weight of a new measurement in a mean.
const NEW: f64 = 0.25;

/// Seconds of a solver in use beside those that the classical solver takes or would take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spending {
    /// Share of the classical time that may be lost.
    pub share: f64,
    /// Seconds of a classical solve, once it was measured.
    pub solve: Option<f64>,
    /// Seconds of a classical update, once it was measured.
    pub update: Option<f64>,
    /// Seconds that the classical solver has taken or would have taken.
    pub classical: f64,
    /// Seconds of training.
    pub training: f64,
    /// Seconds spent beyond the classical ones, less those saved.
    pub loss: f64,
}

impl Spending {
    pub fn new(share: f64) -> Self {
        Self { share, solve: None, update: None, classical: 0.0, training: 0.0, loss: 0.0 }
    }

    /// A solve by the classical solver.
    pub fn classical_solve(&mut self, seconds: f64) {
        self.classical += seconds;
        self.solve = Some(mean(self.solve, seconds));
    }

    /// An update of the classical solver.
    pub fn classical_update(&mut self, seconds: f64) {
        self.classical += seconds;
        self.update = Some(mean(self.update, seconds));
    }

    /// A solve by a learned solver.
    pub fn learned_solve(&mut self, seconds: f64) {
        let classical = self.solve.unwrap_or(seconds);
        self.classical += classical;
        self.loss += seconds - classical;
    }

    /// An update of a learned solver.
    pub fn learned_update(&mut self, seconds: f64) {
        let classical = self.update.unwrap_or(seconds);
        self.classical += classical;
        self.loss += seconds - classical;
    }

    /// Time that the classical solver would not have spent.
    pub fn lose(&mut self, seconds: f64) {
        self.loss += seconds;
    }

    /// Training that took this time.
    pub fn train(&mut self, seconds: f64) {
        self.training += seconds;
        self.loss += seconds;
    }

    /// Whether training that costs at most this much may begin, its trial included. What was saved is not spent again,
    /// because longer training gains ever less.
    pub fn allows(&self, most: f64) -> bool {
        let trial = TRIAL * self.solve.unwrap_or(f64::INFINITY);
        self.training.max(self.loss) + most + trial <= PLANNED * self.share * self.classical
    }
}

fn mean(before: Option<f64>, new: f64) -> f64 {
    before.map_or(new, |mean| mean + NEW * (new - mean))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs of training that each cost twice the forecast, and trials that are slower by half or faster: the total never
    /// exceeds 1.1 times that of the classical solves.
    #[test]
    fn the_total_stays_within_the_share() {
        for (learned, error) in [(1.5, 2.0), (1.5, 1.0), (0.6, 2.0), (0.97, 2.0)] {
            let mut spending = Spending::new(0.1);
            let (mut total, mut trained, mut on_trial, mut accepted) = (0.0, 0, 0, false);
            for number in 1..=20_000 {
                if on_trial > 0 || accepted {
                    spending.learned_solve(learned);
                    total += learned;
                    on_trial -= 1;
                    accepted |= learned < 1.0;
                } else {
                    spending.classical_solve(1.0);
                    total += 1.0;
                }
                let forecast = 6.0 * f64::from(1 << trained.min(20));
                let most = forecast * if trained == 0 { 2.0 } else { 1.0 };
                if on_trial <= 0 && spending.allows(most) {
                    // Twice the forecast only the first time: then the time of a step is known.
                    let cost = forecast * if trained == 0 { error } else { 1.0 };
                    spending.train(cost);
                    total += cost;
                    (trained, on_trial) = (trained + 1, 2);
                }
                let most = 1.1 * f64::from(number);
                assert!(total <= most.max(1.0), "{learned} {error} {number}: {total}");
            }
            assert!(trained > 2, "{learned}: trained {trained} times");
            assert!((spending.classical - 20_000.0).abs() < 1e-6);
            assert!((spending.classical + spending.loss - total).abs() < 1e-6);
        }
    }

    #[test]
    fn nothing_is_allowed_before_a_measurement_or_without_a_share() {
        assert!(!Spending::new(0.1).allows(0.0));
        let mut none = Spending::new(0.0);
        none.classical_solve(1.0);
        assert!(!none.allows(0.0));
    }
}
