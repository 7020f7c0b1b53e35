//! Line search for the strong Wolfe conditions (Nocedal and Wright, 2006, algorithms 3.5 and 3.6).

use crate::error::Result;

/// The required share of the decrease predicted by the initial slope.
const DECREASE: f64 = 1e-4;
/// The largest remaining share of the initial slope.
const CURVATURE: f64 = 0.9;
/// The largest number of evaluations of one search.
pub(super) const EVALUATIONS: usize = 30;

/// The loss along a direction at one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    pub step: f64,
    pub loss: f64,
    pub slope: f64,
}

impl Point {
    fn finite(&self) -> bool {
        self.loss.is_finite() && self.slope.is_finite()
    }
}

/// The result of a search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Found {
    /// The last point evaluated meets both conditions.
    Both(Point),
    /// This point, not necessarily the last one evaluated, decreases the loss enough, but the evaluations
    /// were exhausted before a point with a small slope was found.
    Decrease(Point),
    /// No point decreases the loss.
    Nothing,
    /// No point has a finite loss and slope.
    NotFinite,
}

/// A search from `start` (step 0, negative slope).
pub(super) struct Search<F> {
    /// Loss and slope at a step.
    pub at: F,
    pub start: Point,
    /// The rounding error of the loss: for smaller differences only slopes decide. Near a minimum the loss is
    /// flat to rounding long before its gradient vanishes (Hager and Zhang, 2005).
    pub noise: f64,
    pub evaluations: usize,
}

impl<F: FnMut(f64) -> Result<Point>> Search<F> {
    /// Algorithm 3.5: grows the step from `first` until it brackets an acceptable one.
    pub fn run(mut self, first: f64) -> Result<Found> {
        let (mut last, mut step) = (self.start, first);
        while self.evaluations > 0 {
            let point = self.evaluate(step)?;
            if self.accepts(&point) {
                return Ok(Found::Both(point));
            }
            if !self.decreases(&point) || point.loss > last.loss + self.noise {
                return self.zoom(last, point);
            }
            if point.slope >= 0.0 {
                return self.zoom(point, last);
            }
            let guess = cubic_minimiser(last, point);
            let guess = if guess.is_finite() && guess > step { guess } else { 4.0 * step };
            (last, step) = (point, guess.clamp(1.5 * step, 10.0 * step));
        }
        Ok(self.ended(last))
    }

    /// Algorithm 3.6: `low` is the best point so far, and acceptable steps lie between it and `high`.
    fn zoom(&mut self, mut low: Point, mut high: Point) -> Result<Found> {
        let mut any_finite = low.step > 0.0 || high.finite();
        let mut round = 0_u32;
        while self.evaluations > 0 {
            round += 1;
            let point = self.evaluate(between(low, high, round))?;
            any_finite |= point.finite();
            if self.accepts(&point) {
                return Ok(Found::Both(point));
            }
            if !self.decreases(&point) || point.loss > low.loss + self.noise {
                high = point;
            } else {
                if point.slope * (high.step - low.step) >= 0.0 {
                    high = low;
                }
                low = point;
            }
        }
        Ok(if any_finite { self.ended(low) } else { Found::NotFinite })
    }

    fn ended(&self, best: Point) -> Found {
        if best.step > 0.0 && best.loss < self.start.loss { Found::Decrease(best) } else { Found::Nothing }
    }

    fn evaluate(&mut self, step: f64) -> Result<Point> {
        self.evaluations -= 1;
        (self.at)(step)
    }

    /// Whether a point has sufficient decrease, up to rounding; false if it is not finite.
    fn decreases(&self, point: &Point) -> bool {
        let promised = DECREASE * point.step * self.start.slope;
        point.finite() && point.loss <= self.start.loss + promised + self.noise
    }

    fn accepts(&self, point: &Point) -> bool {
        self.decreases(point) && point.slope.abs() <= -CURVATURE * self.start.slope
    }
}

/// The next step between two points: the minimiser of the cubic, kept off the ends, and the midpoint every
/// third time, so that the interval shrinks for every loss.
fn between(low: Point, high: Point, round: u32) -> f64 {
    let width = high.step - low.step;
    if !high.finite() {
        return low.step + 0.2 * width;
    }
    let share = (cubic_minimiser(low, high) - low.step) / width;
    let share = if share.is_finite() && !round.is_multiple_of(3) { share.clamp(0.1, 0.9) } else { 0.5 };
    low.step + share * width
}

/// The minimiser of the cubic with the losses and slopes of two points (equation 3.59); NaN if it has
/// none.
fn cubic_minimiser(a: Point, b: Point) -> f64 {
    let d1 = a.slope + b.slope - 3.0 * (a.loss - b.loss) / (a.step - b.step);
    let d2 = (b.step - a.step).signum() * (d1 * d1 - a.slope * b.slope).sqrt();
    b.step - (b.step - a.step) * (b.slope + d2 - d1) / (b.slope - a.slope + 2.0 * d2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(phi: impl Fn(f64) -> (f64, f64), first: f64, evaluations: usize) -> (Found, usize) {
        let at = |step| Point { step, loss: phi(step).0, slope: phi(step).1 };
        let mut count = 0;
        let counted = |step| {
            count += 1;
            Ok(at(step))
        };
        let found = Search { at: counted, start: at(0.0), noise: 0.0, evaluations }.run(first).unwrap();
        (found, count)
    }

    fn step_of(found: Found) -> f64 {
        match found {
            Found::Both(p) => p.step,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_cubic_is_interpolated_exactly() {
        // t³ − 3t: minimum at 1.
        let at = |t: f64| Point { step: t, loss: t * t * t - 3.0 * t, slope: 3.0 * t * t - 3.0 };
        assert!((cubic_minimiser(at(0.0), at(3.0)) - 1.0).abs() < 1e-15);
        assert!((cubic_minimiser(at(3.0), at(0.0)) - 1.0).abs() < 1e-15);
        let line = |t: f64| Point { step: t, loss: -t, slope: -1.0 };
        assert!(!cubic_minimiser(line(0.0), line(1.0)).is_finite());
    }

    /// The three functions of Moré and Thuente (1994), section 5, from steps that are far too short and
    /// far too long.
    #[test]
    fn the_strong_wolfe_conditions_hold() {
        let first = |t: f64| (-t / (t * t + 2.0), (t * t - 2.0) / (t * t + 2.0).powi(2));
        let second = |t: f64| {
            let u: f64 = t + 0.004;
            (u.powi(5) - 2.0 * u.powi(4), 5.0 * u.powi(4) - 8.0 * u.powi(3))
        };
        let wavy =
            |t: f64| ((t - 1.0).powi(2) + 0.3 * (9.0 * t).sin(), 2.0 * (t - 1.0) + 2.7 * (9.0 * t).cos());
        let steep = |t: f64| (1.0 - t + 0.5 * t * t, t - 1.0);
        for (name, phi) in
            [("first", &first as &dyn Fn(f64) -> (f64, f64)), ("second", &second), ("steep", &steep)]
        {
            for exponent in -3..=3 {
                let (found, count) = search(phi, 10f64.powi(exponent), EVALUATIONS);
                let t = step_of(found);
                let ((f0, d0), (f, d)) = (phi(0.0), phi(t));
                assert!(f <= f0 + DECREASE * t * d0, "{name} from 1e{exponent}: {t}");
                assert!(d.abs() <= CURVATURE * d0.abs(), "{name} from 1e{exponent}: {t}");
                assert!(count <= 20, "{name} from 1e{exponent}: {count} evaluations");
            }
        }
        assert!(wavy(0.0).1 > 0.0);
        let turned = |t: f64| wavy(t + 0.25);
        assert!(turned(0.0).1 < 0.0);
        let t = step_of(search(turned, 3.0, EVALUATIONS).0);
        assert!(turned(t).0 < turned(0.0).0 && turned(t).1.abs() <= CURVATURE * turned(0.0).1.abs());
    }

    #[test]
    fn what_is_not_finite_shortens_the_step() {
        // −log(1 − t) − 3t: defined below 1, minimum at 2/3.
        let barrier = |t: f64| (-(1.0 - t).ln() - 3.0 * t, 1.0 / (1.0 - t) - 3.0);
        for first in [1.0, 2.0, 1e6] {
            let t = step_of(search(barrier, first, EVALUATIONS).0);
            assert!(t > 0.0 && t < 1.0 && barrier(t).1.abs() <= 0.9 * 2.0, "{first}: {t}");
        }
        let never = |t: f64| if t == 0.0 { (0.0, -1.0) } else { (f64::NAN, f64::NAN) };
        assert_eq!(search(never, 1.0, 7), (Found::NotFinite, 7));
    }

    #[test]
    fn a_wrong_slope_and_too_few_evaluations_are_reported() {
        let uphill = |t: f64| (t, if t == 0.0 { -1.0 } else { 1.0 });
        assert_eq!(search(uphill, 1.0, 9), (Found::Nothing, 9));
        let endless = |t: f64| (-t, -1.0);
        let (found, count) = search(endless, 1.0, 4);
        assert!(matches!(found, Found::Decrease(p) if p.loss < -1.0), "{found:?}");
        assert_eq!(count, 4);
    }
}
