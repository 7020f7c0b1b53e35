//! Interpolation formulas: rows computed by hand, breakdowns and errors.

use super::*;
use crate::setup::classical::air_restriction;

fn matrix(n: usize, entries: &[(usize, usize, f64)]) -> Csr<f64> {
    Csr::from_triplets(n, n, entries).unwrap()
}

/// All off-diagonal entries but those of `weak`.
fn strong_but(a: &Csr<f64>, weak: &[(usize, usize)]) -> Pattern {
    (**a.filter(|i, j, _| i != j && !weak.contains(&(i, j))).pattern()).clone()
}

/// −1, 2, −1.
fn chain(n: usize) -> Csr<f64> {
    let near = (1..n).flat_map(|i| [(i, i - 1, -1.0), (i - 1, i, -1.0)]);
    matrix(n, &near.chain((0..n).map(|i| (i, i, 2.0))).collect::<Vec<_>>())
}

fn points(text: &str) -> Splitting {
    Splitting::new(&text.chars().map(|c| c == 'C').collect::<Vec<_>>())
}

#[track_caller]
fn check_row(p: &Csr<f64>, i: usize, expected: &[(usize, f64)]) {
    let row: Vec<_> = p.row(i).collect();
    let same = row.len() == expected.len()
        && row.iter().zip(expected).all(|(x, y)| x.0 == y.0 && (x.1 - y.1).abs() < 1e-14);
    assert!(same, "row {i} is {row:?}, expected {expected:?}");
}

#[test]
fn names_go_round() {
    for kind in Interpolation::ALL {
        assert_eq!(kind.to_string().parse::<Interpolation>().unwrap(), kind);
        assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{kind}\""));
    }
    assert!("ideal".parse::<Interpolation>().unwrap_err().to_string().contains("one-point"));
}

#[test]
fn fine_points_between_coarse_ones() {
    let a = chain(5);
    let (strong, s) = (strong_but(&a, &[]), points("CFCFC"));
    for kind in Interpolation::ALL {
        let p = kind.build(&a, &strong, &s).unwrap();
        assert_eq!((p.rows(), p.cols()), (5, 3));
        check_row(&p, 2, &[(1, 1.0)]);
        let half = if kind == Interpolation::OnePoint { vec![(1, 1.0)] } else { vec![(1, 0.5), (2, 0.5)] };
        check_row(&p, 3, &half);
    }
}

#[test]
fn two_fine_points_in_a_row() {
    let a = chain(4);
    let (strong, s) = (strong_but(&a, &[]), points("CFFC"));
    let row = |kind: Interpolation| kind.build(&a, &strong, &s).unwrap();
    // Only the coarse neighbour, at distance one; linear interpolation at distance two.
    check_row(&row(Interpolation::Direct), 1, &[(0, 1.0)]);
    check_row(&row(Interpolation::Modified), 1, &[(0, 1.0)]);
    check_row(&row(Interpolation::Standard), 1, &[(0, 2.0 / 3.0), (1, 1.0 / 3.0)]);
    check_row(&row(Interpolation::Extended), 1, &[(0, 2.0 / 3.0), (1, 1.0 / 3.0)]);
    check_row(&row(Interpolation::Extended), 2, &[(0, 1.0 / 3.0), (1, 2.0 / 3.0)]);
}

#[test]
fn through_a_common_coarse_neighbour() {
    // Fine 1 and 2, both next to the coarse 0 and 3; row 2 leans towards 0.
    let mut entries = vec![(0, 0, 3.0), (3, 3, 3.0)];
    entries.extend([(1, 0, -1.0), (1, 1, 3.0), (1, 2, -1.0), (1, 3, -1.0)]);
    entries.extend([(2, 0, -3.0), (2, 1, -1.0), (2, 2, 5.0), (2, 3, -1.0)]);
    let a = matrix(4, &entries);
    let (strong, s) = (strong_but(&a, &[]), points("CFFC"));
    let p = modified_interpolation(&a, &strong, &s).unwrap();
    check_row(&p, 1, &[(0, 7.0 / 12.0), (1, 5.0 / 12.0)]);
    // A weak coupling goes to the diagonal: −(−1 − …)/(3 − 1) with 3 no longer a neighbour.
    let p = modified_interpolation(&a, &strong_but(&a, &[(1, 3)]), &s).unwrap();
    check_row(&p, 1, &[(0, 1.0)]);
    // Row 2 has no negative coupling to a common neighbour, so it counts as weak.
    let b = a.map(|i, j, v| if i == 2 && j != 2 { -v } else { v });
    let p = modified_interpolation(&b, &strong, &s).unwrap();
    check_row(&p, 1, &[(0, 0.5), (1, 0.5)]);
}

#[test]
fn signs_apart() {
    let a = matrix(
        4,
        &[(0, 0, 1.0), (1, 1, 1.0), (2, 2, 1.0), (3, 0, -2.0), (3, 1, 0.5), (3, 2, -2.0), (3, 3, 5.0)],
    );
    // α = 4/2 (the weak −2 joins), β = 1.
    let p = direct_interpolation(&a, &strong_but(&a, &[(3, 2)]), &points("CCFF")).unwrap();
    check_row(&p, 3, &[(0, 0.8), (1, -0.1)]);
    // A positive coupling that is not used joins the diagonal.
    let p = direct_interpolation(&a, &strong_but(&a, &[(3, 1)]), &points("CFCF")).unwrap();
    check_row(&p, 3, &[(0, 2.0 / 5.5), (1, 2.0 / 5.5)]);
    // One point: the first of the two largest.
    let p = one_point_interpolation(&a, &strong_but(&a, &[]), &points("CCCF")).unwrap();
    check_row(&p, 3, &[(0, 1.0)]);
}

#[test]
fn multipass_follows_chains() {
    let a = chain(7);
    let strong = strong_but(&a, &[]);
    let p = multipass_interpolation(&a, &strong, &points("CFFFCFF")).unwrap();
    check_row(&p, 1, &[(0, 1.0)]);
    check_row(&p, 2, &[(0, 0.5), (1, 0.5)]);
    // Row 6 is a boundary row: 1/2 of the value of 5.
    check_row(&p, 6, &[(1, 0.5)]);
    let none = multipass_interpolation(&a, &strong, &points("FFFFFFF")).unwrap();
    assert_eq!((none.cols(), none.nnz()), (0, 0));
}

#[test]
fn truncation_by_hand() {
    let row = [0.6, 0.3, 0.08, 0.02];
    let entries: Vec<_> = row.iter().enumerate().map(|(j, &v)| (0, j, v)).collect();
    let p = Csr::from_triplets(1, 4, &entries).unwrap();
    check_row(&truncate(&p, 0.1, None), 0, &[(0, 0.6 / 0.98), (1, 0.3 / 0.98), (2, 0.08 / 0.98)]);
    check_row(&truncate(&p, 0.1, Some(2)), 0, &[(0, 0.6 / 0.9), (1, 0.3 / 0.9)]);
    check_row(&truncate(&p, 5.0, Some(0)), 0, &[(0, 1.0)]);
    assert_eq!(truncate(&p, f64::NAN, None), p);
    // Equal entries: the first columns stay. Entries that cancel: no rescaling.
    let p = Csr::from_triplets(
        2,
        3,
        &[(0, 0, -1.0), (0, 1, 1.0), (0, 2, 1.0), (1, 0, 0.25), (1, 1, 0.25), (1, 2, 0.25)],
    )
    .unwrap();
    let q = truncate(&p, 0.0, Some(2));
    check_row(&q, 0, &[(0, -1.0), (1, 1.0)]);
    check_row(&q, 1, &[(0, 0.375), (1, 0.375)]);
}

#[test]
fn breakdowns_end_well() {
    // The weak coupling cancels the diagonal of row 1; row 3 has no coupling.
    let a = matrix(
        4,
        &[(0, 0, 1.0), (1, 0, -1.0), (1, 1, 1.0), (1, 2, -1.0), (2, 2, 1.0), (2, 1, 1.0), (3, 3, 1.0)],
    );
    let strong = strong_but(&a, &[(1, 2), (2, 1)]);
    for kind in [Interpolation::Modified, Interpolation::Extended] {
        let p = kind.build(&a, &strong, &points("CFFF")).unwrap();
        check_row(&p, 1, &[(0, 1.0)]);
        assert_eq!(p.row(3).len(), 0);
    }
    // The elimination of 2 cancels the diagonal of row 1: 1 − (−1 · −1)/1.
    let a = matrix(
        4,
        &[
            (0, 0, 1.0),
            (3, 3, 1.0),
            (1, 0, -1.0),
            (1, 1, 1.0),
            (1, 2, -1.0),
            (2, 1, -1.0),
            (2, 2, 1.0),
            (2, 3, -3.0),
        ],
    );
    let p = standard_interpolation(&a, &strong_but(&a, &[]), &points("CFFC")).unwrap();
    check_row(&p, 1, &[(0, 0.25), (1, 0.75)]);
    // Sizes that overflow.
    let a = matrix(3, &[(0, 0, 1.0), (1, 1, 1e-300), (1, 0, -1e300), (1, 2, -1e300), (2, 2, 1.0)]);
    for kind in Interpolation::ALL {
        let p = kind.build(&a, &strong_but(&a, &[]), &points("CFC")).unwrap();
        assert!(p.values().iter().all(|v| v.is_finite() && v.abs() <= 1.0), "{kind}: {p:?}");
    }
    // No strong connections; only coarse points; no points.
    let none = Pattern::new(3, 3, vec![0; 4], vec![]).unwrap();
    for kind in Interpolation::ALL {
        assert_eq!(kind.build(&chain(3), &none, &points("FCF")).unwrap().nnz(), 1);
        assert_eq!(kind.build(&chain(3), &none, &points("CCC")).unwrap(), Csr::identity(3));
        let empty = Csr::identity(0);
        assert_eq!(kind.build(&empty, empty.pattern(), &points("")).unwrap().nnz(), 0);
    }
}

#[test]
fn restriction_annihilates_near_the_coarse_points() {
    let a = chain(5);
    let (strong, s) = (strong_but(&a, &[]), points("CFCFC"));
    let r = air_restriction(&a, &strong, &s, 1).unwrap();
    check_row(&r, 1, &[(1, 0.5), (2, 1.0), (3, 0.5)]);
    let ra = r.multiply(&a).unwrap();
    assert!((0..3).all(|k| (ra.get(k, 1)).abs() + (ra.get(k, 3)).abs() < 1e-15));
    // Distance two reaches 2 from 0: (2 −1; −1 2) r = (1, 0).
    let s = points("CFFC");
    let r = air_restriction(&chain(4), &strong_but(&chain(4), &[]), &s, 2).unwrap();
    check_row(&r, 0, &[(0, 1.0), (1, 2.0 / 3.0), (2, 1.0 / 3.0)]);
    assert!(air_restriction(&a, &strong, &points("CFCFC"), 3).unwrap_err().is_invalid_input());
}

#[test]
fn bad_input_is_named() {
    let a = chain(3);
    let (strong, s) = (strong_but(&a, &[]), points("CFC"));
    let say = |a: &Csr<f64>, strong: &Pattern, s: &Splitting| {
        let texts: Vec<String> =
            Interpolation::ALL.iter().map(|kind| kind.build(a, strong, s).unwrap_err().to_string()).collect();
        assert!(texts.iter().all(|t| *t == texts[0]));
        assert_eq!(multipass_interpolation(a, strong, s).unwrap_err().to_string(), texts[0]);
        assert_eq!(air_restriction(a, strong, s, 1).unwrap_err().to_string(), texts[0]);
        texts[0].clone()
    };
    assert!(say(&a.map(|i, j, v| if i + j == 2 { 0.0 } else { v }), &strong, &s).contains("row 2"));
    assert!(say(&a.filter(|i, j, _| i + j != 4), &strong, &s).contains("diagonal entry of row 3"));
    assert!(say(&a.map(|i, j, v| if i > j { f64::NAN } else { v }), &strong, &s).contains("row 2, column 1"));
    let more = Pattern::new(3, 3, vec![0, 2, 2, 2], vec![1, 2]).unwrap();
    assert!(say(&a, &more, &s).contains("row 1, column 3"));
    assert!(say(&a, a.pattern(), &s).contains("row 1, column 1"));
    assert!(say(&a, &strong, &points("CF")).contains("splitting of 2"));
}
