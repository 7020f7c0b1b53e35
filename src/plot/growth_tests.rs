//! Contents of growth plots.

use super::*;

fn svg(points: &[(f64, f64)]) -> String {
    GrowthPlot::new("t").series("one", points).render_svg().unwrap()
}

fn has(svg: &str, label: &str) -> bool {
    svg.contains(&format!(">\n{label}\n"))
}

/// Positions of the discs of the first series without the one in the legend, from left to right in drawing
/// order.
fn discs(svg: &str) -> Vec<(f64, f64)> {
    let number = |line: &str, key: &str| -> f64 {
        line.split(&format!(" {key}=\"")).nth(1).unwrap().split('"').next().unwrap().parse().unwrap()
    };
    let lines = svg.lines().filter(|l| l.starts_with("<circle") && l.contains("#0072B2"));
    let mut all: Vec<_> = lines.map(|l| (number(l, "cx"), number(l, "cy"))).collect();
    all.pop();
    all
}

/// Numbers of points of the lines of the first series, without the two in the legend.
fn lines(svg: &str) -> Vec<usize> {
    let own = svg.lines().filter(|l| l.starts_with("<polyline") && l.contains("#0072B2"));
    let mut all: Vec<_> = own.map(|l| l.matches(',').count()).collect();
    all.truncate(all.len() - 2);
    all
}

#[test]
fn sizes_are_logarithmic_and_values_begin_at_zero() {
    let svg = svg(&[(1e4, 12.0), (1e2, 10.0), (1e3, 11.0), (1e6, 14.0)]);
    for label in ["t", "one", "unknowns", "iterations", "0", "10", "10²", "10³", "10⁴", "10⁵", "10⁶"]
    {
        assert!(has(&svg, label), "{label}");
    }
    assert!(!has(&svg, "10¹") && !has(&svg, "10⁷"));
    let at = discs(&svg);
    assert_eq!((at.len(), lines(&svg)), (4, vec![4]));
    // One decade, one decade, two decades; the last step is double the others.
    let (step, rise) = (at[1].0 - at[0].0, at[0].1 - at[1].1);
    assert!(step > 500.0 && rise > 100.0, "{at:?}");
    // The document counts in tenths, rounded.
    for (k, share) in [(1, 1.0), (2, 2.0)] {
        let (dx, dy) = (at[k + 1].0 - at[k].0, at[k].1 - at[k + 1].1);
        assert!((dx - share * step).abs() < 4.0 && (dy - share * rise).abs() < 4.0, "{at:?}");
    }
}

#[test]
fn values_over_a_decade_and_a_half_are_logarithmic() {
    let wide = svg(&[(1e2, 2e-3), (1e3, 2e-2), (1e4, 2e-1)]);
    assert!(has(&wide, "10⁻³") && has(&wide, "10⁰") && !has(&wide, "0"));
    let at = discs(&wide);
    assert!((at[0].1 - 2.0 * at[1].1 + at[2].1).abs() < 4.0, "a straight line: {at:?}");
    // Just below the limit, and zero has no logarithm.
    assert!(has(&svg(&[(1e2, 1.0), (1e3, 31.0)]), "0"));
    assert!(has(&svg(&[(1e2, 0.0), (1e3, 900.0)]), "0"));
    assert!(has(&svg(&[(1e2, -3.0), (1e3, 5.0)]), "−2"));
}

#[test]
fn values_that_are_not_finite_break_the_line() {
    for gap in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let svg = svg(&[(10.0, 1.0), (20.0, 2.0), (30.0, gap), (40.0, 3.0), (50.0, 4.0)]);
        assert_eq!((discs(&svg).len(), lines(&svg)), (4, vec![2, 2]), "{gap}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }
    for odd in [
        &[(5e-324, 1.0), (f64::MAX, f64::MAX)][..],
        &[(1.0, f64::MIN), (1.0, f64::MAX)],
        &[(3.0, f64::NAN)],
        &[(3.0, 0.0)],
        &[(3.0, 5e-324), (4.0, -5e-324)],
        &[(7.0, 7.0)],
    ] {
        let svg = svg(odd);
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{odd:?}");
    }
}

#[test]
fn every_point_has_its_marker() {
    let close: Vec<_> = (0..40).map(|k| (1000.0 + f64::from(k), f64::from(k % 7))).collect();
    let spread = close.iter().copied().chain([(1e6, 3.0)]).collect::<Vec<_>>();
    assert_eq!(discs(&svg(&spread)).len(), 41);
    let same = svg(&[(100.0, 1.0), (100.0, 2.0), (100.0, 3.0), (1000.0, 2.0)]);
    assert_eq!((discs(&same).len(), lines(&same)), (4, vec![4]));
}

#[test]
fn what_cannot_be_drawn_is_named() {
    let plot = GrowthPlot::new("t");
    assert!(plot.render_svg().unwrap_err().is_invalid_input());
    assert!(plot.clone().series("CG", &[]).render_svg().unwrap_err().to_string().contains("\"CG\""));
    for size in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let e = plot.clone().series("CG", &[(10.0, 1.0), (size, 1.0)]).render_svg().unwrap_err();
        let text = e.to_string();
        assert!(e.is_invalid_input() && text.contains("\"CG\"") && text.contains("positive"), "{text}");
    }
}
