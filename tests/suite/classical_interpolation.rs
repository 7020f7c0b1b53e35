//! Classical interpolation and restriction: against PyAMG, against dense references, and in two-grid cycles.

use multigrad::gallery::{self, FlowScheme};
use multigrad::setup::classical::*;
use multigrad::solver::Direct;
use multigrad::sparse::{Csr, Pattern};

const CASES: [&str; 5] = ["poisson", "rotated_pmis", "rotated_abs", "upwind", "mixed"];

// --- reference data ----------------------------------------------------------------------

#[derive(serde::Deserialize)]
struct Stored {
    rows: usize,
    cols: usize,
    row_ptr: Vec<u32>,
    col_idx: Vec<u32>,
    #[serde(default)]
    values: Vec<f64>,
}

#[derive(serde::Deserialize)]
struct Case {
    a: Stored,
    strong: Stored,
    coarse: Vec<u8>,
    direct: Stored,
    classical: Stored,
    one_point: Stored,
    air1: Stored,
    air2: Stored,
}

impl Stored {
    fn pattern(&self) -> Pattern {
        Pattern::new(self.rows, self.cols, self.row_ptr.clone(), self.col_idx.clone()).unwrap()
    }

    fn matrix(&self) -> Csr<f64> {
        Csr::new(self.pattern().into(), self.values.clone()).unwrap()
    }
}

fn case(name: &str) -> Case {
    let path = format!("tests/data/pyamg_classical/{name}.json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    serde_json::from_str(&text).unwrap()
}

impl Case {
    fn splitting(&self) -> Splitting {
        Splitting::new(&self.coarse.iter().map(|&c| c == 1).collect::<Vec<_>>())
    }
}

fn distance(a: &Csr<f64>, b: &Csr<f64>) -> f64 {
    assert_eq!((a.rows(), a.cols()), (b.rows(), b.cols()));
    a.add(1.0, b, -1.0).unwrap().values().iter().fold(0.0, |m, v| m.max(v.abs()))
}

#[test]
fn equals_pyamg() {
    let mut changed = 0;
    for name in CASES {
        let case = case(name);
        let (a, strong, s) = (case.a.matrix(), case.strong.pattern(), case.splitting());
        let dense = Dense::new(&case);
        let lumped: Vec<f64> = (0..a.rows()).map(|i| dense.lumped(i)).collect();
        changed += lumped.iter().filter(|&&v| v != 1.0).count();
        for (what, ours, theirs) in [
            ("direct", direct_interpolation(&a, &strong, &s), &case.direct),
            ("classical", modified_interpolation(&a, &strong, &s), &case.classical),
            ("one-point", one_point_interpolation(&a, &strong, &s), &case.one_point),
            ("air 1", air_restriction(&a, &strong, &s, 1), &case.air1),
            ("air 2", air_restriction(&a, &strong, &s, 2), &case.air2),
        ] {
            let mut theirs = theirs.matrix();
            if what == "classical" {
                theirs = theirs.map(|i, _, v| v * lumped[i]);
            }
            let gap = distance(&ours.unwrap(), &theirs);
            assert!(gap < 1e-12, "{name}, {what}: {gap:e}");
        }
    }
    assert!(changed > 0, "no row for the rule that differs");
}

// --- dense references --------------------------------------------------------------------

/// The formulas of distance two with dense matrices.
struct Dense {
    a: Vec<Vec<f64>>,
    strong: Vec<Vec<bool>>,
    s: Splitting,
}

impl Dense {
    fn new(case: &Case) -> Self {
        let (a, strong) = (case.a.matrix(), case.strong.pattern());
        let n = a.rows();
        Self {
            a: (0..n).map(|i| (0..n).map(|j| a.get(i, j)).collect()).collect(),
            strong: (0..n).map(|i| (0..n).map(|j| strong.find(i, j).is_some()).collect()).collect(),
            s: case.splitting(),
        }
    }

    fn fine(&self, i: usize) -> Vec<usize> {
        (0..self.a.len()).filter(|&k| self.strong[i][k] && !self.s.is_coarse(k)).collect()
    }

    fn near(&self, i: usize) -> Vec<usize> {
        let n = self.a.len();
        let fine = self.fine(i);
        let reached = |j: usize| self.strong[i][j] || fine.iter().any(|&k| self.strong[k][j]);
        (0..n).filter(|&j| self.s.is_coarse(j) && reached(j)).collect()
    }

    /// a_kl, or zero where it has the sign of a_kk.
    fn bar(&self, k: usize, l: usize) -> f64 {
        if self.a[k][l] * self.a[k][k] > 0.0 { 0.0 } else { self.a[k][l] }
    }

    /// The difference of classical interpolation from PyAMG's in row i: strong fine neighbours that share
    /// coarse ones but have no coupling to them of the right sign go to the diagonal, whereas PyAMG drops
    /// them.
    fn lumped(&self, i: usize) -> f64 {
        let n = self.a.len();
        if self.s.is_coarse(i) {
            return 1.0;
        }
        let coarse: Vec<usize> = (0..n).filter(|&j| self.strong[i][j] && self.s.is_coarse(j)).collect();
        let shares = |k: usize| coarse.iter().any(|&j| self.strong[k][j]);
        let (mut d, mut dropped) = (0.0, 0.0);
        for m in 0..n {
            let distributed = self.fine(i).contains(&m) && shares(m);
            if distributed && coarse.iter().all(|&l| self.bar(m, l) == 0.0) {
                dropped += self.a[i][m];
            } else if !distributed && !coarse.contains(&m) {
                d += self.a[i][m];
            }
        }
        d / (d + dropped)
    }

    fn extended(&self, i: usize) -> Vec<(usize, f64)> {
        let (near, fine) = (self.near(i), self.fine(i));
        let inner = |k: usize| near.iter().chain(&[i]).map(|&l| self.bar(k, l)).sum::<f64>();
        let mut d = self.a[i][i];
        for m in 0..self.a.len() {
            if m != i && !self.strong[i][m] && !near.contains(&m) {
                d += self.a[i][m];
            }
        }
        for &k in &fine {
            d += if inner(k) == 0.0 { self.a[i][k] } else { self.a[i][k] * self.bar(k, i) / inner(k) };
        }
        let through = |j: usize| {
            let usable = fine.iter().filter(|&&k| inner(k) != 0.0);
            usable.map(|&k| self.a[i][k] * self.bar(k, j) / inner(k)).sum::<f64>()
        };
        near.iter().map(|&j| (j, -(self.a[i][j] + through(j)) / d)).collect()
    }

    fn standard(&self, i: usize) -> Vec<(usize, f64)> {
        let near = self.near(i);
        let mut row = self.a[i].clone();
        for &k in &self.fine(i) {
            for (l, v) in row.iter_mut().enumerate() {
                let hat = if l == k { self.a[k][k] } else { self.a[k][l] };
                *v -= self.a[i][k] / self.a[k][k] * hat;
            }
        }
        let used: f64 = near.iter().map(|&j| row[j]).sum();
        let all = row.iter().sum::<f64>() - row[i];
        near.iter().map(|&j| (j, -all / used * row[j] / row[i])).collect()
    }

    fn prolongation(&self, formula: impl Fn(usize) -> Vec<(usize, f64)>) -> Csr<f64> {
        let n = self.a.len();
        let mut entries = Vec::new();
        for i in 0..n {
            let row = if self.s.is_coarse(i) { vec![(i, 1.0)] } else { formula(i) };
            entries.extend(row.into_iter().map(|(j, w)| (i, self.s.index(j).unwrap(), w)));
        }
        Csr::from_triplets(n, self.s.count(), &entries).unwrap()
    }
}

#[test]
fn distance_two_equals_the_formulas() {
    for name in CASES {
        let case = case(name);
        let dense = Dense::new(&case);
        let (a, strong) = (case.a.matrix(), case.strong.pattern());
        let ours = extended_interpolation(&a, &strong, &dense.s).unwrap();
        let gap = distance(&ours, &dense.prolongation(|i| dense.extended(i)));
        assert!(gap < 1e-12, "{name}, extended: {gap:e}");
        let ours = standard_interpolation(&a, &strong, &dense.s).unwrap();
        let theirs = dense.prolongation(|i| dense.standard(i));
        let size = theirs.values().iter().fold(1.0f64, |m, v| m.max(v.abs()));
        let gap = distance(&ours, &theirs) / size;
        assert!(gap < 1e-12, "{name}, standard: {gap:e}");
    }
}

#[test]
fn constants_are_interpolated() {
    // Weights sum to one in rows that sum to zero, as do the rows of all neighbours.
    let (a, strong, s) = rotated(24, 1.0);
    let sums =
        |m: &Csr<f64>| (0..m.rows()).map(|i| m.row(i).map(|(_, v)| v).sum::<f64>()).collect::<Vec<_>>();
    let rows = sums(&a);
    let inner = |&i: &usize| a.row(i).all(|(j, _)| rows[j].abs() < 1e-12);
    let zero_sum: Vec<usize> = (0..a.rows()).filter(inner).collect();
    assert!(zero_sum.len() >= 400);
    for kind in Interpolation::ALL {
        if kind == Interpolation::Direct {
            continue; // drops connections that it cannot use
        }
        let p = sums(&kind.build(&a, &strong, &s).unwrap());
        for &i in &zero_sum {
            assert!((p[i] - 1.0).abs() < 1e-11, "{kind}: row {} sums to {}", i + 1, p[i]);
        }
    }
    let p = extended_interpolation(&a, &strong, &s).unwrap();
    let q = truncate(&p, 0.2, Some(4));
    assert!(q.nnz() < p.nnz());
    for i in 0..p.rows() {
        assert!(q.row(i).len() <= 4);
        assert!((sums(&p)[i] - sums(&q)[i]).abs() < 1e-12);
    }
}

// --- at work -----------------------------------------------------------------------------

/// Entries of at least θ times the largest negative one.
fn strength(a: &Csr<f64>, theta: f64) -> Pattern {
    let (mut row_ptr, mut col_idx) = (vec![0], Vec::new());
    for i in 0..a.rows() {
        let largest = a.row(i).filter(|&(j, _)| j != i).fold(0.0f64, |m, (_, v)| m.max(-v));
        let strong = a.row(i).filter(|&(j, v)| j != i && v < 0.0 && -v >= theta * largest);
        col_idx.extend(strong.map(|(j, _)| j as u32));
        row_ptr.push(col_idx.len() as u32);
    }
    Pattern::new(a.rows(), a.rows(), row_ptr, col_idx).unwrap()
}

/// A maximal independent set of the strong connections, in a scattered order.
fn independent(strong: &Pattern) -> Splitting {
    let n = strong.rows();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by_key(|&i| (i as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let (mut coarse, mut taken) = (vec![false; n], vec![false; n]);
    let t = strong.transposed();
    for i in order {
        if !taken[i] {
            coarse[i] = true;
            strong.row_cols(i).iter().chain(t.row_cols(i)).for_each(|&j| taken[j as usize] = true);
        }
    }
    Splitting::new(&coarse)
}

fn rotated(n: usize, epsilon: f64) -> (Csr<f64>, Pattern, Splitting) {
    let a = gallery::rotated_anisotropic(n, epsilon, std::f64::consts::FRAC_PI_6).unwrap().matrix;
    let strong = strength(&a, 0.25);
    let s = independent(&strong);
    (a, strong, s)
}

fn poisson(n: usize) -> (Csr<f64>, Pattern, Splitting) {
    let a = gallery::poisson_2d(n, n).unwrap().matrix;
    let strong = strength(&a, 0.25);
    let s = independent(&strong);
    (a, strong, s)
}

fn gauss_seidel(a: &Csr<f64>, x: &mut [f64], rows: impl Iterator<Item = usize>) {
    for i in rows {
        let (mut sum, mut own) = (0.0, 1.0);
        a.row(i).for_each(|(j, v)| if j == i { own = v } else { sum += v * x[j] });
        x[i] = -sum / own;
    }
}

/// Error reduction of a two-grid cycle with a symmetric pair of Gauss–Seidel sweeps.
fn two_grid(a: &Csr<f64>, r: &Csr<f64>, p: &Csr<f64>) -> f64 {
    let n = a.rows();
    let before = |x: &mut [f64]| gauss_seidel(a, x, 0..n);
    reduction(a, r, p, before, |x| gauss_seidel(a, x, (0..n).rev()))
}

fn reduction(
    a: &Csr<f64>,
    r: &Csr<f64>,
    p: &Csr<f64>,
    before: impl Fn(&mut [f64]),
    after: impl Fn(&mut [f64]),
) -> f64 {
    let n = a.rows();
    let coarse = Direct::new(&a.galerkin(r, p).unwrap()).unwrap();
    let norm = |x: &[f64]| x.iter().map(|v| v * v).sum::<f64>().sqrt();
    let mut x: Vec<f64> = (0..n).map(|i| ((i * 7919 + 13) % 1009) as f64 / 1009.0 - 0.5).collect();
    let (mut y, mut b, mut e) = (vec![0.0; n], vec![0.0; p.cols()], vec![0.0; p.cols()]);
    let mut start = 0.0;
    for step in 0..25 {
        if step == 15 {
            start = norm(&x);
        }
        before(&mut x);
        a.spmv(&x, &mut y).unwrap();
        r.spmv(&y, &mut b).unwrap();
        coarse.solve(&b, &mut e, 1);
        p.spmv(&e, &mut y).unwrap();
        x.iter_mut().zip(&y).for_each(|(x, y)| *x -= y);
        after(&mut x);
    }
    (norm(&x) / start).powf(0.1)
}

#[test]
fn two_grids_converge() {
    use Interpolation::*;
    for (problem, bounds) in [
        (poisson(32), [(Modified, 0.65), (Standard, 0.35), (Extended, 0.35), (Direct, 0.65)]),
        (rotated(32, 1e-2), [(Modified, 0.8), (Standard, 0.5), (Extended, 0.5), (Direct, 0.8)]),
    ] {
        let (a, strong, s) = problem;
        for (kind, bound) in bounds {
            let p = kind.build(&a, &strong, &s).unwrap();
            let factor = two_grid(&a, &p.transpose(), &p);
            println!("{kind}: {factor:.3}, {} of {} coarse, {} entries", s.count(), s.rows(), p.nnz());
            assert!(factor < bound, "{kind}: {factor}");
        }
    }
}

#[test]
fn restriction_suits_transport() {
    let a = gallery::recirculating_flow(24, 0.005, FlowScheme::Upwind).unwrap().matrix;
    let strong = strength(&a, 0.1);
    let s = independent(&strong);
    let p = one_point_interpolation(&a, &strong, &s).unwrap();
    // Relaxation of the fine points after the correction, as the method requires.
    let (coarse, fine): (Vec<usize>, Vec<usize>) = (0..a.rows()).partition(|&i| s.is_coarse(i));
    let relax = |x: &mut [f64]| {
        let rows = fine.iter().chain(&fine).chain(&coarse).copied();
        gauss_seidel(&a, x, rows);
    };
    let factor = |r: &Csr<f64>| reduction(&a, r, &p, |_| (), relax);
    let plain = factor(&p.transpose());
    for (distance, bound) in [(1, 0.9), (2, 0.75)] {
        let air = factor(&air_restriction(&a, &strong, &s, distance).unwrap());
        println!("air {distance}: {air:.3}, transpose {plain:.3}");
        assert!(air < bound && air < plain, "distance {distance}: {air}");
    }
}

#[test]
fn multipass_serves_aggressive_coarsening() {
    // Coarse points at distance two of each other: an independent set of the coarse ones.
    let (a, strong, _) = poisson(32);
    let n = a.rows();
    let square: Vec<(usize, usize, f64)> = (0..n)
        .flat_map(|i| a.row(i).flat_map(|(k, _)| a.row(k)).map(move |(j, _)| (i, j, 1.0)))
        .filter(|&(i, j, _)| i != j)
        .collect();
    let s = independent(Csr::from_triplets(n, n, &square).unwrap().pattern());
    assert!(s.count() < n / 5);
    let direct = direct_interpolation(&a, &strong, &s).unwrap();
    assert!((0..n).any(|i| direct.row(i).len() == 0), "direct interpolation should not reach all");
    let p = multipass_interpolation(&a, &strong, &s).unwrap();
    assert!((0..n).all(|i| p.row(i).len() > 0));
    let factor = two_grid(&a, &p.transpose(), &p);
    println!("multipass: {factor:.3}");
    assert!(factor < 0.7, "{factor}");
    // If all fine points have coarse neighbours, it is direct interpolation.
    let (a, strong, s) = poisson(8);
    assert_eq!(
        multipass_interpolation(&a, &strong, &s).unwrap(),
        direct_interpolation(&a, &strong, &s).unwrap()
    );
}

#[test]
fn same_bits_on_any_number_of_threads() {
    let (a, strong, s) = rotated(60, 1e-2);
    let all = || {
        let mut out: Vec<Csr<f64>> =
            Interpolation::ALL.iter().map(|kind| kind.build(&a, &strong, &s).unwrap()).collect();
        out.push(multipass_interpolation(&a, &strong, &s).unwrap());
        out.push(truncate(&out[3], 0.1, Some(3)));
        out.push(air_restriction(&a, &strong, &s, 2).unwrap());
        out
    };
    let on = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(all);
    assert!(a.rows() > 3 * 1024);
    assert_eq!(on(1), on(2));
}
