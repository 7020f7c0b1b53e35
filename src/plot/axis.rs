//! Axes: range, ticks and labels.

/// A value with a label on an axis.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tick {
    /// Its position, in data units.
    pub value: f64,
    /// Its text.
    pub label: String,
}

/// A range of values with ticks, linear or logarithmic.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Axis {
    log: bool,
    /// Ends of the axis; their logarithms if it is logarithmic.
    ends: (f64, f64),
    /// Labelled values.
    pub ticks: Vec<Tick>,
    /// Values with a faint grid line.
    pub minor: Vec<f64>,
    /// A power of ten by which all labels must be multiplied, such as `×10⁻⁵`.
    pub factor: Option<String>,
}

impl Axis {
    /// A linear axis over finite values with about `wanted` ticks, not extended to them. A range of almost
    /// zero width is widened around its value.
    pub(super) fn linear(lo: f64, hi: f64, wanted: usize) -> Self {
        let ends = open(lo.clamp(-1e300, 1e300), hi.clamp(-1e300, 1e300));
        let (values, step) = round_values(ends, wanted, 0.0);
        let (ticks, factor) = label_linear(&values, step);
        Self { log: false, ends, ticks, minor: Vec::new(), factor }
    }

    /// Counts from 0 to `last`, with room at both ends; labels are whole numbers.
    pub(super) fn counts(last: usize, wanted: usize) -> Self {
        let last = last.max(1) as f64;
        let (values, _) = round_values((0.0, last), wanted, 1.0);
        let ticks = values.iter().map(|&value| Tick { value, label: grouped(value) }).collect();
        Self { log: false, ends: (-0.015 * last, 1.015 * last), ticks, minor: Vec::new(), factor: None }
    }

    /// A logarithmic axis over positive finite values: mostly whole decades where the
    /// values fill one, a close fit otherwise.
    pub(super) fn log(lo: f64, hi: f64) -> Self {
        let (mut a, mut b) = (lo.log10(), hi.log10());
        let span = b - a;
        if span < 0.5 {
            // Close to linear: round numbers instead of powers.
            let (lo, hi) = if span < 1e-6 { (lo / 1.5, lo * 1.5) } else { (lo, hi) };
            let flat = Self::linear(lo, hi, 5);
            let pad = 0.06 * (hi.log10() - lo.log10());
            return Self { log: true, ends: (lo.log10() - pad, hi.log10() + pad), ..flat };
        }
        if span >= 1.9 {
            (a, b) = (-outward(-a, span), outward(b, span));
        } else if span >= 1.0 {
            (a, b) = (-half_step(-a), half_step(b));
        } else {
            (a, b) = (a - 0.02, b + 0.02);
        }
        let pad = 0.025 * (b - a);
        let ends = (a - pad, b + pad);
        let (ticks, minor) = if b - a < 1.9 { fine_decades(ends) } else { decades(a, b) };
        Self { log: true, ends, ticks, minor, factor: None }
    }

    /// The position of a value between the ends, 0 to 1 inside; NaN for values without a position. On a
    /// logarithmic axis 0 is far below and infinity far above.
    pub(super) fn position(&self, value: f64) -> f64 {
        let v = if !self.log {
            value
        } else if value < 0.0 {
            f64::NAN
        } else {
            value.log10().clamp(-500.0, 500.0)
        };
        (v - self.ends.0) / (self.ends.1 - self.ends.0)
    }
}

/// The least and the greatest value.
pub(super) fn ends(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.map(|v| (v, v)).reduce(|(lo, hi), (v, _)| (lo.min(v), hi.max(v)))
}

/// The end of a logarithmic axis: the next whole decade, unless a value only just exceeds one and there are
/// many.
fn outward(end: f64, span: f64) -> f64 {
    let beyond = end - end.floor();
    if span > 3.0 && (0.0..0.35).contains(&beyond) { end } else { (end - 1e-9).ceil() }
}

/// The end of a short logarithmic axis: the next of three steps per decade, at about 1,
/// 2 and 5.
fn half_step(end: f64) -> f64 {
    [0.0, 0.301, 0.699, 1.0].map(|s| end.floor() + s).into_iter().find(|s| *s >= end - 1e-3).unwrap_or(end)
}

fn open(lo: f64, hi: f64) -> (f64, f64) {
    let size = lo.abs().max(hi.abs());
    if hi - lo > 1e-10 * size && hi - lo > 1e-300 {
        (lo, hi)
    } else if size < 1e-290 {
        (-1.0, 1.0)
    } else {
        ((lo - 0.5 * size).max(-1e300), hi + 0.5 * size)
    }
}

/// Multiples of 1, 2 or 5 times a power of ten between the ends, and their distance.
fn round_values((lo, hi): (f64, f64), wanted: usize, least: f64) -> (Vec<f64>, f64) {
    let rough = (hi - lo) / wanted.max(1) as f64;
    let unit = 10f64.powi(rough.log10().floor() as i32);
    let step = [1.0, 2.0, 5.0, 10.0].iter().map(|m| m * unit).find(|s| *s >= rough * 0.999);
    let step = step.unwrap_or(rough).max(least);
    let (first, last) = ((lo / step - 1e-6).ceil(), (hi / step + 1e-6).floor());
    let count = ((last - first).max(0.0) as usize).min(50);
    ((0..=count).map(|k| (first + k as f64) * step).collect(), step)
}

fn label_linear(values: &[f64], step: f64) -> (Vec<Tick>, Option<String>) {
    let size = values.iter().fold(0.0, |m, v| f64::max(m, v.abs()));
    let power = if size > 0.0 { (size * 1.000_001).log10().floor() as i32 } else { 0 };
    let power = if (-3..6).contains(&power) { 0 } else { power };
    // In two halves, since 10³⁰⁸ has no reciprocal of full precision.
    let scale = |v: f64| v / 10f64.powi(power / 2) / 10f64.powi(power - power / 2);
    let digits = (-(scale(step) * 1.000_001).log10().floor()).clamp(0.0, 15.0) as usize;
    let label = |v: f64| {
        let shown = format!("{:.digits$}", scale(v));
        if shown.trim_matches(['-', '0', '.']).is_empty() {
            "0".to_owned()
        } else if power == 0 && digits == 0 {
            grouped(v)
        } else {
            shown.replace('-', "−")
        }
    };
    let ticks = values.iter().map(|&value| Tick { value, label: label(value) }).collect();
    (ticks, (power != 0).then(|| format!("×{}", power_of_ten(power))))
}

/// A whole number with thin spaces between thousands from 10 000 on.
fn grouped(v: f64) -> String {
    let digits = format!("{:.0}", v.abs());
    let mut out = String::from(if v < 0.0 { "−" } else { "" });
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && digits.len() > 4 && (digits.len() - i) % 3 == 0 {
            out.push('\u{2009}');
        }
        out.push(c);
    }
    out
}

fn power_of_ten(k: i32) -> String {
    let raised = |c: char| match c {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        digit => char::from_u32(0x2070 + digit.to_digit(10).unwrap_or(0)).unwrap_or(digit),
    };
    format!("10{}", k.to_string().chars().map(raised).collect::<String>())
}

/// Powers of ten, at most ten of them labelled.
fn decades(a: f64, b: f64) -> (Vec<Tick>, Vec<f64>) {
    let (a, b) = ((a - 1e-9).ceil() as i32, (b + 1e-9).floor() as i32);
    let step = [1, 2, 5, 10, 20, 50, 100].into_iter().find(|s| (b - a) / s < 10).unwrap_or(100);
    let labelled = |k: i32| k.rem_euclid(step) == 0;
    let tick = |k: i32| Tick { value: 10f64.powi(k), label: power_of_ten(k) };
    let ticks = (a..=b).filter(|&k| labelled(k)).map(tick).collect();
    let minor = if step > 1 {
        (a..=b).filter(|&k| !labelled(k)).map(|k| 10f64.powi(k)).collect()
    } else if b - a <= 4 {
        (a..b).flat_map(|k| (2..10).map(move |m| f64::from(m) * 10f64.powi(k))).collect()
    } else {
        Vec::new()
    };
    (ticks, minor)
}

/// 1, 2 and 5 times powers of ten for an axis of less than two decades.
fn fine_decades(ends: (f64, f64)) -> (Vec<Tick>, Vec<f64>) {
    let (mut ticks, mut minor) = (Vec::new(), Vec::new());
    for k in ends.0.floor() as i32..=ends.1.ceil() as i32 {
        for m in 1..10 {
            // Through text: the nearest number to the printed one.
            let value = format!("{m}e{k}").parse().unwrap_or(f64::NAN);
            if !(ends.0..=ends.1).contains(&f64::log10(value)) {
                continue;
            }
            let label = match (m, k) {
                (1 | 2 | 5, -3..=3) => format!("{value}"),
                (1, _) => power_of_ten(k),
                (2 | 5, _) => format!("{m}·{}", power_of_ten(k)),
                _ => {
                    minor.push(value);
                    continue;
                }
            };
            ticks.push(Tick { value, label });
        }
    }
    (ticks, minor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|t| t.label.as_str()).collect()
    }

    #[test]
    fn log_labels_are_powers_of_ten() {
        let axis = Axis::log(3e-8, 1.0);
        assert_eq!(labels(&axis)[..2], ["10⁻⁸", "10⁻⁷"]);
        assert_eq!(labels(&axis).last(), Some(&"10⁰"));
        assert!(axis.position(1.0) < 1.0 && axis.position(1e-8) > 0.0);
        assert!((axis.position(1e-4) - 0.5).abs() < 1e-9);
        assert!(axis.position(0.0) < -1.0 && axis.position(f64::INFINITY) > 2.0);
        assert!(axis.position(-1.0).is_nan() && axis.position(f64::NAN).is_nan());
        assert!(Axis::log(1e-300, 1e300).ticks.len() <= 10);
        assert_eq!(labels(&Axis::log(0.12, 0.9)), ["0.2", "0.5"]);
        assert_eq!(labels(&Axis::log(0.08, 1.0)), ["0.05", "0.1", "0.2", "0.5", "1"]);
        assert_eq!(labels(&Axis::log(0.011, 1.0)), ["10⁻²", "10⁻¹", "10⁰"]);
        assert!(Axis::log(0.97, 0.98).ticks.len() >= 3);
        assert!(!Axis::log(1.0, 1.0).ticks.is_empty());
    }

    #[test]
    fn linear_labels_are_short() {
        assert_eq!(labels(&Axis::linear(-1.0, 1.0, 5)), ["−1.0", "−0.5", "0", "0.5", "1.0"]);
        let tiny = Axis::linear(0.0, 4e-7, 4);
        assert_eq!((labels(&tiny), tiny.factor.as_deref()), (vec!["0", "1", "2", "3", "4"], Some("×10⁻⁷")));
        for (lo, hi) in
            [(3.0, 3.0), (0.0, 0.0), (-1e308, 1e308), (1.0, 1.0 + 1e-12), (5e-324, 5e-324), (-1e300, -1e300)]
        {
            let axis = Axis::linear(lo, hi, 5);
            assert!((2..=12).contains(&axis.ticks.len()), "{lo} {hi} {axis:?}");
            assert!(axis.position(lo).is_finite());
        }
    }

    #[test]
    fn counts_are_whole_and_grouped() {
        assert_eq!(labels(&Axis::counts(3, 8)), ["0", "1", "2", "3"]);
        assert_eq!(labels(&Axis::counts(100_000, 5)).last(), Some(&"100\u{2009}000"));
        assert_eq!(labels(&Axis::counts(0, 8)), ["0", "1"]);
    }
}
