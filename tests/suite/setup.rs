//! Smoothed aggregation: against PyAMG, and by its invariants.

use std::path::Path;

use multigrad::setup::*;
use multigrad::solver::Direct;
use multigrad::sparse::{Csr, DenseMatrix};
// --- reading -----------------------------------------------------------------------------

fn read(path: impl AsRef<Path>) -> (usize, usize, Vec<(usize, usize, f64)>) {
    let text =
        std::fs::read_to_string(path.as_ref()).unwrap_or_else(|e| panic!("{}: {e}", path.as_ref().display()));
    let array = text.starts_with("%%MatrixMarket matrix array");
    let symmetric = text.lines().next().unwrap().contains("symmetric");
    let mut lines = text.lines().filter(|l| !l.starts_with('%') && !l.is_empty());
    let head: Vec<usize> = lines.next().unwrap().split_whitespace().map(|w| w.parse().unwrap()).collect();
    let mut entries = Vec::new();
    for (q, line) in lines.enumerate() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if array {
            entries.push((q % head[0], q / head[0], words[0].parse().unwrap()));
        } else {
            let (i, j) = (words[0].parse::<usize>().unwrap() - 1, words[1].parse::<usize>().unwrap() - 1);
            let v = words[2].parse().unwrap();
            entries.push((i, j, v));
            if symmetric && i != j {
                entries.push((j, i, v));
            }
        }
    }
    (head[0], head[1], entries)
}

fn matrix(path: impl AsRef<Path>) -> Csr<f64> {
    let (m, n, entries) = read(path);
    Csr::from_triplets(m, n, &entries).unwrap()
}

fn dense(path: impl AsRef<Path>) -> DenseMatrix {
    let (m, n, entries) = read(path);
    let mut a = DenseMatrix::zeros(m, n);
    entries.iter().for_each(|&(i, j, v)| a[[i, j]] = v);
    a
}

fn reference(name: &str) -> std::path::PathBuf {
    Path::new("tests/data/pyamg").join(format!("{name}.mtx"))
}

fn distance(a: &Csr<f64>, b: &Csr<f64>) -> f64 {
    assert_eq!((a.rows(), a.cols()), (b.rows(), b.cols()));
    a.add(1.0, b, -1.0).unwrap().values().iter().fold(0.0, |m, v| m.max(v.abs()))
}

fn gap(a: &DenseMatrix, b: &DenseMatrix) -> f64 {
    assert_eq!(a.shape(), b.shape());
    a.values().iter().zip(b.values()).fold(0.0, |m, (x, y)| m.max((x - y).abs()))
}

fn indicator(aggregation: &Aggregation) -> Csr<f64> {
    let entries: Vec<_> =
        aggregation.of().iter().enumerate().filter_map(|(i, g)| g.map(|g| (i, g as usize, 1.0))).collect();
    Csr::from_triplets(aggregation.of().len(), aggregation.count(), &entries).unwrap()
}

// --- problems ----------------------------------------------------------------------------

fn poisson(n: usize) -> Csr<f64> {
    stencil(n, |_, _| [4.0, -1.0, -1.0, -1.0, -1.0])
}

/// Centre, east, west, north, south at column `ix` and row `iy`.
fn stencil(n: usize, f: impl Fn(usize, usize) -> [f64; 5]) -> Csr<f64> {
    let mut entries = Vec::new();
    for iy in 0..n {
        for ix in 0..n {
            let (i, [c, e, w, no, s]) = (iy * n + ix, f(ix, iy));
            entries.push((i, i, c));
            let mut add = |inside: bool, j: usize, v: f64| {
                if inside {
                    entries.push((i, j, v));
                }
            };
            add(ix + 1 < n, i + 1, e);
            add(ix > 0, i.wrapping_sub(1), w);
            add(iy + 1 < n, i + n, no);
            add(iy > 0, i.wrapping_sub(n), s);
        }
    }
    Csr::from_triplets(n * n, n * n, &entries).unwrap()
}

/// −ε Δ + w·∇ for the recirculating wind, first-order upwind.
fn upwind(n: usize) -> Csr<f64> {
    let (eps, h) = (0.005, 2.0 / (n as f64 + 1.0));
    let d = eps / (h * h);
    stencil(n, |ix, iy| {
        let (x, y) = (-1.0 + h * (ix as f64 + 1.0), -1.0 + h * (iy as f64 + 1.0));
        let (u, v) = (2.0 * y * (1.0 - x * x), -2.0 * x * (1.0 - y * y));
        [
            4.0 * d + (u.abs() + v.abs()) / h,
            -d + u.min(0.0) / h,
            -d - u.max(0.0) / h,
            -d + v.min(0.0) / h,
            -d - v.max(0.0) / h,
        ]
    })
}

// --- equality with PyAMG -----------------------------------------------------------------

#[test]
fn san_equals_pyamg() {
    let rhos = [1.9826981445087446, 1.5523893006607046, 1.2767658941944917];
    let mut right = DenseMatrix::ones(256, 1);
    let mut left = right.clone();
    assert!(distance(&upwind(16), &matrix(reference("upwind16_san_l0_A"))) < 1e-12);
    for (l, &rho) in rhos.iter().enumerate() {
        let get = |x: &str| reference(&format!("upwind16_san_l{l}_{x}"));
        let a = matrix(get("A"));
        let at = a.transpose();
        let nodes = Nodes::scalar(a.rows());
        let c = evolution_strength(&a, right.values(), rho, 4.0).unwrap();
        let expected = matrix(get("C"));
        assert_eq!(c.pattern(), expected.pattern(), "level {l}");
        assert!(distance(&c, &expected) < 1e-12);
        let aggregation = standard_aggregation(&c).unwrap();
        assert_eq!(indicator(&aggregation), matrix(get("AggOp")), "level {l}");
        if l == 0 {
            right = relax_candidates(&a, &right, 4).unwrap();
            left = relax_candidates(&at, &left, 4).unwrap();
        }
        assert!(gap(&right, &dense(get("B"))) < 1e-13 && gap(&left, &dense(get("BH"))) < 1e-13);
        let t = fit_candidates(&aggregation, &nodes, &right).unwrap();
        let th = fit_candidates(&aggregation, &nodes, &left).unwrap();
        assert!(distance(&t.prolongation, &matrix(get("T"))) < 1e-13);
        assert!(distance(&th.prolongation, &matrix(get("TH"))) < 1e-13);
        let pattern = energy_pattern(&c, &nodes, &t.prolongation).unwrap();
        let p = energy_prolongation(&a, &t.prolongation, &pattern, &t.candidates, 4).unwrap();
        let r = energy_prolongation(&at, &th.prolongation, &pattern, &th.candidates, 4).unwrap().transpose();
        assert!(distance(&p, &matrix(get("P"))) < 1e-12, "level {l}");
        assert!(distance(&r, &matrix(get("R"))) < 1e-12, "level {l}");
        let coarse = matrix(reference(&format!("upwind16_san_l{}_A", l + 1)));
        let scale = coarse.values().iter().fold(0.0f64, |m, v| m.max(v.abs()));
        assert!(distance(&a.galerkin(&r, &p).unwrap(), &coarse) < 1e-12 * scale);
        (right, left) = (t.candidates, th.candidates);
    }
}

#[test]
fn sa_equals_pyamg() {
    let rhos = [1.9816958995364748, 1.3879150977891572];
    let mut b = DenseMatrix::ones(256, 1);
    for (l, &rho) in rhos.iter().enumerate() {
        let get = |x: &str| reference(&format!("poisson16_sa_l{l}_{x}"));
        let a = matrix(get("A"));
        let c = symmetric_strength(&amalgamate(&a, &Nodes::scalar(a.rows())).unwrap(), 0.0).unwrap();
        // PyAMG writes ones on coarse levels when θ = 0; aggregation reads the pattern only.
        let expected = matrix(get("C"));
        assert_eq!(c.pattern(), expected.pattern());
        assert!(l > 0 || distance(&c, &expected) < 1e-15);
        let aggregation = standard_aggregation(&c).unwrap();
        assert_eq!(indicator(&aggregation), matrix(get("AggOp")));
        if l == 0 {
            b = relax_candidates(&a, &b, 4).unwrap();
        }
        assert!(gap(&b, &dense(get("B"))) < 1e-13);
        let t = fit_candidates(&aggregation, &Nodes::scalar(a.rows()), &b).unwrap();
        assert!(distance(&t.prolongation, &matrix(get("T"))) < 1e-13);
        let p = jacobi_prolongation(&a, &t.prolongation, rho, 4.0 / 3.0).unwrap();
        assert!(distance(&p, &matrix(get("P"))) < 1e-13);
        let own = spectral_radius(&a, &inverse_diagonal(&a).unwrap()).unwrap();
        assert!((own / rho - 1.0).abs() < 0.01, "level {l}: {own} for {rho}");
        b = t.candidates;
    }
    let as_pyamg = Coarsening {
        theta: 0.0,
        candidate_sweeps: Some(4),
        jacobi_radius: SpectralRadius::Arnoldi,
        max_coarse: 10,
        ..Coarsening::default()
    };
    let sizes: Vec<usize> = as_pyamg.coarsen(&poisson(16), None).unwrap().matrices().map(Csr::rows).collect();
    assert_eq!(sizes, [256, 48, 7]);
}

// --- cycles ------------------------------------------------------------------------------

/// x ← x + ω D⁻¹(b − A x), a Gauss–Seidel sweep, or x ← x + (L U)⁻¹(b − A x).
#[derive(Clone, Copy)]
enum Smoother {
    Jacobi(f64),
    GaussSeidel,
    Ilu,
}

/// Incomplete LU factors on the pattern of A, in one matrix.
fn ilu(a: &Csr<f64>) -> Csr<f64> {
    let (pattern, mut v) = a.clone().into_parts();
    for i in 0..a.rows() {
        for p in pattern.row(i) {
            let k = pattern.col_idx()[p] as usize;
            if k >= i {
                break;
            }
            v[p] /= v[pattern.find(k, k).unwrap()];
            for q in pattern.row(k) {
                let j = pattern.col_idx()[q] as usize;
                if let Some(t) = pattern.find(i, j).filter(|_| j > k) {
                    v[t] -= v[p] * v[q];
                }
            }
        }
    }
    Csr::new(pattern, v).unwrap()
}

fn smooth(s: Smoother, a: &Csr<f64>, lu: &Csr<f64>, b: &[f64], x: &mut [f64], backward: bool) {
    let n = a.rows();
    match s {
        Smoother::Ilu => {
            let mut r = residual(a, b, x);
            for i in 0..n {
                r[i] -= lu.row(i).filter(|&(j, _)| j < i).map(|(j, v)| v * r[j]).sum::<f64>();
            }
            for i in (0..n).rev() {
                let sum: f64 = lu.row(i).filter(|&(j, _)| j > i).map(|(j, v)| v * r[j]).sum();
                r[i] = (r[i] - sum) / lu.get(i, i);
            }
            x.iter_mut().zip(r).for_each(|(x, r)| *x += r);
        }
        Smoother::Jacobi(omega) => {
            let r = residual(a, b, x);
            for (i, d) in a.diagonal().iter().enumerate() {
                x[i] += omega * r[i] / d;
            }
        }
        Smoother::GaussSeidel => {
            for q in 0..n {
                let i = if backward { n - 1 - q } else { q };
                let sum: f64 = a.row(i).filter(|&(j, _)| j != i).map(|(j, v)| v * x[j]).sum();
                x[i] = (b[i] - sum) / a.get(i, i);
            }
        }
    }
}

fn residual(a: &Csr<f64>, b: &[f64], x: &[f64]) -> Vec<f64> {
    let mut y = vec![0.0; a.rows()];
    a.spmv(x, &mut y).unwrap();
    b.iter().zip(y).map(|(b, y)| b - y).collect()
}

struct Cycle {
    grids: Grids,
    direct: Direct<f64>,
    smoother: Smoother,
    factors: Vec<Csr<f64>>,
}

impl Cycle {
    fn new(grids: Grids, smoother: Smoother) -> Self {
        let direct = Direct::new(&grids.coarsest).unwrap();
        let factors = grids.transfers.iter().map(|t| ilu(&t.a)).collect();
        Self { grids, direct, smoother, factors }
    }

    fn run(&self, level: usize, b: &[f64], x: &mut [f64]) {
        let Some(t) = self.grids.transfers.get(level) else {
            return self.direct.solve(b, x, 1);
        };
        smooth(self.smoother, &t.a, &self.factors[level], b, x, false);
        let mut coarse = vec![0.0; t.restriction.rows()];
        t.restriction.spmv(&residual(&t.a, b, x), &mut coarse).unwrap();
        let mut e = vec![0.0; coarse.len()];
        self.run(level + 1, &coarse, &mut e);
        let mut fine = vec![0.0; x.len()];
        t.prolongation.spmv(&e, &mut fine).unwrap();
        x.iter_mut().zip(fine).for_each(|(x, f)| *x += f);
        smooth(self.smoother, &t.a, &self.factors[level], b, x, true);
    }

    /// Asymptotic factor per V(1,1) cycle by the power method.
    fn factor(&self) -> f64 {
        let n = self.grids.matrices().next().unwrap().rows();
        let mut x: Vec<f64> = (0..n).map(|i| ((i * i) as f64 * 0.37 + i as f64).sin()).collect();
        let (mut log, zero) = (0.0, vec![0.0; n]);
        for q in 0..60 {
            self.run(0, &zero, &mut x);
            let length = dot(&x, &x).sqrt();
            x.iter_mut().for_each(|v| *v /= length);
            log += if q >= 45 { length.ln() } else { 0.0 };
        }
        (log / 15.0).exp()
    }

    /// Preconditioned conjugate gradients to a relative residual of 10⁻⁸.
    fn cg(&self, a: &Csr<f64>, b: &[f64]) -> usize {
        let n = b.len();
        let (mut x, mut r) = (vec![0.0; n], b.to_vec());
        let mut z = vec![0.0; n];
        self.run(0, &r, &mut z);
        let (mut p, mut rz) = (z.clone(), dot(&r, &z));
        for q in 1..200 {
            let mut ap = vec![0.0; n];
            a.spmv(&p, &mut ap).unwrap();
            let alpha = rz / dot(&p, &ap);
            (0..n).for_each(|i| (x[i], r[i]) = (x[i] + alpha * p[i], r[i] - alpha * ap[i]));
            if dot(&r, &r) < 1e-16 * dot(b, b) {
                return q;
            }
            z.fill(0.0);
            self.run(0, &r, &mut z);
            let new = dot(&r, &z);
            (0..n).for_each(|i| p[i] = z[i] + new / rz * p[i]);
            rz = new;
        }
        200
    }
}

fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(a, b)| a * b).sum()
}

fn sizes(grids: &Grids) -> Vec<(usize, usize)> {
    grids.matrices().map(|a| (a.rows(), a.nnz())).collect()
}

fn with(variant: Variant) -> Coarsening {
    Coarsening { variant, ..Coarsening::default() }
}

#[test]
fn sa_solves_poisson() {
    let a = poisson(64);
    let grids = with(Variant::Symmetric).coarsen(&a, None).unwrap();
    for t in &grids.transfers {
        assert!(t.a.asymmetry() < 1e-13);
        assert_eq!(t.restriction, t.prolongation.transpose());
    }
    println!("sa poisson 64: {:?}", sizes(&grids));
    let jacobi = Cycle::new(grids.clone(), Smoother::Jacobi(2.0 / 3.0)).factor();
    let cycle = Cycle::new(grids, Smoother::GaussSeidel);
    let (factor, iterations) = (cycle.factor(), cycle.cg(&a, &vec![1.0; a.rows()]));
    println!("Jacobi {jacobi:.3}, Gauss–Seidel {factor:.3}, CG {iterations}");
    // PyAMG: 0.679 and 0.425.
    assert!(jacobi < 0.7 && factor < 0.45 && iterations <= 13);
}

#[test]
fn nonsymmetric_variants_solve_recirculating_flow() {
    let factor = |variant, n, smoother| {
        let cycle = Cycle::new(with(variant).coarsen(&upwind(n), None).unwrap(), smoother);
        let factor = cycle.factor();
        println!("{variant} upwind {n}: {:?}, {factor:.3}", sizes(&cycle.grids));
        factor
    };
    // PyAMG: 0.49 and 0.17; 0.143.
    assert!(factor(Variant::EnergyMinimised, 64, Smoother::Jacobi(0.7)) < 0.53);
    assert!(factor(Variant::EnergyMinimised, 64, Smoother::Ilu) < 0.2);
    assert!(factor(Variant::SymmetricPart, 32, Smoother::Ilu) < 0.2);
    assert!(factor(Variant::TransposeSmoothed, 32, Smoother::Ilu) < 0.5);
}

// --- laws --------------------------------------------------------------------------------

#[test]
fn the_same_bits_on_one_thread_and_on_two() {
    let on = |threads: usize, variant, n| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            with(variant).coarsen(&if variant == Variant::Symmetric { poisson(n) } else { upwind(n) }, None)
        })
        .unwrap()
    };
    for variant in Variant::ALL {
        assert_eq!(on(1, variant, 150), on(2, variant, 150), "{variant}");
    }
}

#[test]
fn energy_minimisation_keeps_several_candidates() {
    let a = upwind(20);
    let n = a.rows();
    let b = DenseMatrix::from_fn(n, 3, |i, c| [1.0, (i % 20) as f64, (i / 20) as f64][c]);
    let c = symmetric_strength(&a, 0.0).unwrap();
    let nodes = Nodes::scalar(n);
    let t = fit_candidates(&standard_aggregation(&c).unwrap(), &nodes, &b).unwrap();
    let pattern = energy_pattern(&c, &nodes, &t.prolongation).unwrap();
    let p = energy_prolongation(&a, &t.prolongation, &pattern, &t.candidates, 4).unwrap();
    assert!(distance(&p, &t.prolongation) > 0.01);
    let mut product = vec![0.0; n * 3];
    p.spmm(3, t.candidates.values(), &mut product).unwrap();
    assert!(product.iter().zip(b.values()).all(|(x, y)| (x - y).abs() < 1e-11));
    // And as a whole hierarchy.
    let grids = with(Variant::EnergyMinimised).coarsen(&a, Some(&b)).unwrap();
    assert!(grids.levels() > 1);
    assert!(grids.matrices().all(|a| a.diagonal().iter().all(|&d| d != 0.0)));
}

#[test]
fn small_diagonal_and_isolated_systems_end_well() {
    let coarsening = Coarsening::default();
    let one = Csr::from_triplets(1, 1, &[(0, 0, 3.0)]).unwrap();
    for variant in Variant::ALL {
        let c = Coarsening { max_coarse: 0, ..with(variant) };
        for a in [&one, &Csr::identity(1000), &poisson(2), &poisson(7)] {
            let grids = c.coarsen(a, None).unwrap();
            assert_eq!(grids.matrices().next().unwrap(), a);
            assert!(grids.coarsest.rows() > 0);
        }
    }
    assert_eq!(coarsening.coarsen(&poisson(6), None).unwrap().levels(), 1);
    // A frame of Dirichlet rows around the rest.
    let n = 20;
    let a = poisson(n).map(|i, j, v| {
        let rim = |q: usize| [q % n, q / n].iter().any(|&c| c == 0 || c == n - 1);
        if !(rim(i) || rim(j)) {
            v
        } else if i == j {
            1.0
        } else {
            0.0
        }
    });
    let a = a.filter(|_, _, v| v != 0.0);
    for variant in Variant::ALL {
        let grids = with(variant).coarsen(&a, None).unwrap();
        let t = &grids.transfers[0];
        assert_eq!(t.prolongation.row(0).count(), 0, "{variant}");
        let cycle = Cycle::new(grids, Smoother::GaussSeidel);
        assert!(cycle.cg(&a, &vec![1.0; n * n]) < 15, "{variant}");
    }
}

#[test]
fn a_neumann_problem_coarsens_to_a_singular_matrix() {
    let n = 24;
    let rows = poisson(n);
    let mut sums = vec![0.0; n * n];
    rows.spmv(&vec![1.0; n * n], &mut sums).unwrap();
    let a = rows.map(|i, j, v| if i == j { v - sums[i] } else { v });
    for variant in Variant::ALL {
        let grids = with(variant).coarsen(&a, None).unwrap();
        assert!(grids.levels() > 1, "{variant}");
        let b: Vec<f64> = (0..n * n)
            .map(|i| {
                if i == 3 {
                    1.0
                } else if i == 500 {
                    -1.0
                } else {
                    0.0
                }
            })
            .collect();
        let iterations = Cycle::new(grids, Smoother::GaussSeidel).cg(&a, &b);
        assert!(iterations < 20, "{variant}: {iterations}");
    }
}

#[test]
fn mistakes_are_named() {
    let c = Coarsening::default();
    let say = |a: &Csr<f64>| c.coarsen(a, None).unwrap_err().to_string();
    let zero_row = Csr::from_triplets(2, 2, &[(0, 0, 1.0), (1, 1, 0.0)]).unwrap();
    assert!(say(&zero_row).contains("row 2"));
    let zero_diagonal = Csr::from_triplets(2, 2, &[(0, 0, 1.0), (1, 0, 1.0)]).unwrap();
    assert!(say(&zero_diagonal).contains("diagonal of row 2"));
    assert!(say(&Csr::from_triplets(1, 2, &[(0, 0, 1.0)]).unwrap()).contains("square"));
    let a = poisson(8);
    assert!(c.coarsen(&a, Some(&DenseMatrix::ones(63, 1))).unwrap_err().is_dimension());
    assert!(c.coarsen(&a, Some(&DenseMatrix::zeros(64, 1))).unwrap_err().is_invalid_input());
    assert!(Coarsening { block_size: Some(5), ..c.clone() }.coarsen(&a, None).is_err());
    assert!(Coarsening { theta: -1.0, ..c.clone() }.coarsen(&a, None).is_err());
    assert!(Coarsening { max_levels: 0, ..c }.coarsen(&a, None).is_err());
}

// --- choices -----------------------------------------------------------------------------

fn gs(coarsening: &Coarsening, a: &Csr<f64>) -> (f64, usize) {
    let grids = coarsening.coarsen(a, None).unwrap();
    let b: Vec<f64> = (0..a.rows()).map(|i| ((i * i) as f64 * 0.37).sin()).collect();
    (grids.operator_complexity(), Cycle::new(grids, Smoother::GaussSeidel).cg(a, &b))
}

#[test]
fn anisotropy_is_followed_with_filtered_matrices() {
    let n = 96;
    let stretched = stencil(n, |_, _| [2002.0, -1000.0, -1000.0, -1.0, -1.0]);
    let base = Coarsening::default();
    let all_strong = Coarsening { theta: 0.0, ..base.clone() };
    let unfiltered = Coarsening { filter: false, ..base.clone() };
    let (complexity, iterations) = gs(&base, &stretched);
    // Without strength the cycle stalls; without the filter coarse matrices fill up.
    assert!(complexity < 2.0 && iterations <= 16, "{complexity} {iterations}");
    assert!(gs(&all_strong, &stretched).1 > 60);
    assert!(gs(&unfiltered, &stretched).0 > 3.0);
    let rotated = multigrad::gallery::rotated_anisotropic(96, 1e-3, std::f64::consts::FRAC_PI_6).unwrap();
    let (filtered, plain) = (gs(&base, &rotated.matrix), gs(&all_strong, &rotated.matrix));
    assert!(filtered.1 <= 36 && plain.1 > 45, "{filtered:?} {plain:?}");
}

#[test]
fn every_smoothing_and_every_kind_of_aggregate_converges() {
    use Aggregates::*;
    let a = poisson(64);
    let limits = [
        (Standard, Smoothing::None, 40),
        (Standard, Smoothing::Jacobi, 11),
        (Standard, Smoothing::Energy, 13),
        (Standard, Smoothing::RootNode, 13),
        (Pairwise, Smoothing::None, 35),
        (Pairwise, Smoothing::Jacobi, 12),
        (Pairwise, Smoothing::Energy, 14),
        (Pairwise, Smoothing::RootNode, 14),
    ];
    for (aggregates, smoothing, limit) in limits {
        let c = Coarsening { aggregates, smoothing: Some(smoothing), ..Coarsening::default() };
        let (complexity, iterations) = gs(&c, &a);
        println!("{aggregates:?} {smoothing:?}: complexity {complexity:.2}, CG {iterations}");
        assert!(iterations <= limit, "{aggregates:?} {smoothing:?}: {iterations}");
        let text = serde_json::to_string(&c).unwrap();
        assert_eq!(serde_json::from_str::<Coarsening>(&text).unwrap(), c);
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| c.coarsen(&poisson(130), None)).unwrap()
        };
        assert_eq!(on(1), on(2), "{aggregates:?} {smoothing:?}");
    }
    let plain = Coarsening { smoothing: Some(Smoothing::None), ..Coarsening::default() };
    let grids = plain.coarsen(&a, None).unwrap();
    assert!(grids.transfers.iter().all(|t| (0..t.a.rows()).all(|i| t.prolongation.row(i).len() <= 1)));
    let root_node = Coarsening { smoothing: Some(Smoothing::RootNode), ..with(Variant::EnergyMinimised) };
    let flow = root_node.coarsen(&upwind(32), None).unwrap();
    assert!(Cycle::new(flow, Smoother::Ilu).factor() < 0.3);
}

#[test]
fn adaptive_candidates_repair_a_badly_scaled_problem() {
    // Scaled by signs and sizes that alternate: constants are far from the nullspace.
    let n = 48;
    let s = |i: usize| [1.0, -3.0, 0.5, 7.0][(i * 7 + i / n) % 4];
    let a = poisson(n).map(|i, j, v| v * s(i) * s(j));
    let b: Vec<f64> = (0..n * n).map(|i| ((i * i) as f64).sin()).collect();
    let iterations = |candidates: &DenseMatrix| {
        let c = Coarsening { candidate_sweeps: Some(0), ..Coarsening::default() };
        Cycle::new(c.coarsen(&a, Some(candidates)).unwrap(), Smoother::GaussSeidel).cg(&a, &b)
    };
    let constants = iterations(&DenseMatrix::ones(n * n, 1));
    // With six sweeps the count depends on the seed: 12 to 33.
    for seed in 1..=3 {
        let found = iterations(&adaptive_candidates(&a, 1, 12, seed).unwrap());
        println!("badly scaled: CG {found} with adaptive candidates, {constants} with constants");
        assert!(found <= 14 && constants > 3 * found, "{found} {constants}");
    }
}

// --- elasticity --------------------------------------------------------------------------

/// Q1 plane-strain-like elasticity on a beam of `m` × `n` cells, clamped on the left, with its
/// three rigid-body modes.
fn beam(m: usize, n: usize) -> (Csr<f64>, DenseMatrix) {
    let (lambda, mu) = (1.0, 1.0);
    let g = 1.0 / 3.0f64.sqrt();
    let corner = [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)];
    let mut k = [[0.0; 8]; 8];
    for (s, t) in [(-g, -g), (g, -g), (g, g), (-g, g)] {
        let gradient = corner.map(|(a, b)| [a * (1.0 + b * t) / 2.0, b * (1.0 + a * s) / 2.0]);
        for (p, q) in (0..64).map(|z| (z / 8, z % 8)) {
            let (gp, gq, c, d) = (gradient[p / 2], gradient[q / 2], p % 2, q % 2);
            let same = if c == d { gp[0] * gq[0] + gp[1] * gq[1] } else { 0.0 };
            k[p][q] += 0.25 * (lambda * gp[c] * gq[d] + mu * (gp[d] * gq[c] + same));
        }
    }
    let unknown = |x: usize, y: usize| (x > 0).then(|| ((x - 1) * (n + 1) + y) * 2);
    let mut entries = Vec::new();
    for (x, y) in (0..m * n).map(|c| (c / n, c % n)) {
        let nodes = [unknown(x, y), unknown(x + 1, y), unknown(x + 1, y + 1), unknown(x, y + 1)];
        for (p, q) in (0..64).map(|z| (z / 8, z % 8)) {
            if let (Some(i), Some(j)) = (nodes[p / 2], nodes[q / 2]) {
                entries.push((i + p % 2, j + q % 2, k[p][q]));
            }
        }
    }
    let size = 2 * m * (n + 1);
    let modes = DenseMatrix::from_fn(size, 3, |i, c| {
        let (x, y) = ((i / 2 / (n + 1)) as f64 + 1.0, (i / 2 % (n + 1)) as f64);
        [[1.0, 0.0, -y], [0.0, 1.0, x]][i % 2][c]
    });
    (Csr::from_triplets(size, size, &entries).unwrap(), modes)
}

#[test]
fn elasticity_converges_with_rigid_body_modes() {
    let (a, modes) = beam(60, 12);
    assert!(a.asymmetry() < 1e-13);
    assert_eq!(detect_block_size(&a), 2);
    let load: Vec<f64> = (0..a.rows()).map(|i| (i % 2) as f64).collect();
    for variant in [Variant::Symmetric, Variant::EnergyMinimised] {
        let grids = with(variant).coarsen(&a, Some(&modes)).unwrap();
        let cycle = Cycle::new(grids, Smoother::GaussSeidel);
        let with_modes = cycle.cg(&a, &load);
        let plain = Cycle::new(with(variant).coarsen(&a, None).unwrap(), Smoother::GaussSeidel).cg(&a, &load);
        println!("beam {variant}: {:?}, CG {with_modes} with modes, {plain} without", sizes(&cycle.grids));
        assert!(with_modes <= 25 && with_modes < plain, "{variant}: {with_modes}");
    }
}

#[test]
fn elasticity_by_root_nodes_and_by_adaptive_candidates() {
    let (a, modes) = beam(60, 12);
    let load: Vec<f64> = (0..a.rows()).map(|i| (i % 2) as f64).collect();
    let run = |c: &Coarsening, b: Option<&DenseMatrix>| {
        Cycle::new(c.coarsen(&a, b).unwrap(), Smoother::GaussSeidel).cg(&a, &load)
    };
    let root_node = Coarsening { smoothing: Some(Smoothing::RootNode), ..Coarsening::default() };
    let grids = root_node.coarsen(&a, Some(&modes)).unwrap();
    // Two unknowns a node on every level, whatever the number of candidates.
    assert!(grids.matrices().all(|a| a.rows() % 2 == 0));
    let roots = run(&root_node, Some(&modes));
    let found = adaptive_candidates(&a, 4, 8, 5).unwrap();
    let (adaptive, constants) =
        (run(&Coarsening::default(), Some(&found)), run(&Coarsening::default(), None));
    println!(
        "beam: CG {roots} with root nodes; {adaptive} with adaptive candidates, {constants} with constants"
    );
    assert!(roots <= 25 && adaptive <= 25 && adaptive < constants, "{roots} {adaptive} {constants}");
}

#[test]
fn the_bar_of_pyamg_converges() {
    let folder = Path::new("meshes");
    let (a, modes) = (matrix(folder.join("bar.mtx")), dense(folder.join("bar_B.mtx")));
    assert_eq!(detect_block_size(&a), 3);
    let load: Vec<f64> = (0..a.rows()).map(|i| ((i * i) as f64).sin()).collect();
    for variant in [Variant::Symmetric, Variant::TransposeSmoothed, Variant::EnergyMinimised] {
        let grids = with(variant).coarsen(&a, Some(&modes)).unwrap();
        let cycle = Cycle::new(grids, Smoother::GaussSeidel);
        let iterations = cycle.cg(&a, &load);
        println!("bar {variant}: {:?}, CG {iterations}", sizes(&cycle.grids));
        assert!(iterations <= 25, "{variant}: {iterations}");
    }
}

// --- anything at all ---------------------------------------------------------------------

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config {
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(2),
        ..proptest::test_runner::Config::with_cases(2000)
    })]

    /// Random matrices, some of them with rows that decouple: no panic, finite results, shapes
    /// that chain, and no zero rows in coarse matrices.
    #[test]
    fn random_matrices_give_sound_hierarchies(
        n in 1usize..60,
        links in proptest::collection::vec((0usize..60, 0usize..60, -2.0f64..2.0), 0..200),
        columns in 1usize..4,
        kind in 0usize..16,
        pairs: bool,
        theta in 0.0f64..0.3,
    ) {
        let entries: Vec<_> = links
            .iter()
            .filter(|l| l.0 < n && l.1 < n && l.0 != l.1)
            .copied()
            .chain((0..n).map(|i| (i, i, 3.0)))
            .collect();
        let a = Csr::from_triplets(n, n, &entries).unwrap();
        let b = DenseMatrix::from_fn(n, columns, |i, c| (i as f64 / n as f64).powi(c as i32) + if n == 1 { 1.0 } else { 0.0 });
        let smoothing = [None, Some(Smoothing::None), Some(Smoothing::Energy), Some(Smoothing::RootNode)][kind / 4];
        let aggregates = if pairs { Aggregates::Pairwise } else { Aggregates::Standard };
        let coarsening = Coarsening { theta, max_coarse: 2, block_size: Some(1), smoothing, aggregates, ..with(Variant::ALL[kind % 4]) };
        let grids = coarsening.coarsen(&a, Some(&b)).unwrap();
        for (t, next) in grids.transfers.iter().zip(grids.matrices().skip(1)) {
            proptest::prop_assert_eq!(t.prolongation.rows(), t.a.rows());
            proptest::prop_assert_eq!(t.restriction.cols(), t.a.rows());
            proptest::prop_assert_eq!(t.prolongation.cols(), next.rows());
            proptest::prop_assert!(next.rows() < t.a.rows());
            proptest::prop_assert!((0..next.rows()).all(|i| next.row(i).len() > 0));
        }
    }
}

/// The candidates of A and Aᵀ are nonzero on different rows of an aggregate (found by the property test
/// above): restricting with one set what the other interpolates would give a zero row.
#[test]
fn a_starved_column_is_not_left_behind() {
    let links = [
        (10, 34, -0.3485819161958556),
        (23, 10, 1.3949769454842764),
        (28, 12, -0.8409887958150427),
        (14, 34, -1.831222212061277),
        (10, 21, -0.9410002080729641),
        (10, 23, 1.533225071244869),
        (14, 10, -1.5362107466474022),
    ];
    let n = 35;
    let entries: Vec<_> = links.into_iter().chain((0..n).map(|i| (i, i, 3.0))).collect();
    let a = Csr::from_triplets(n, n, &entries).unwrap();
    let b = DenseMatrix::from_fn(n, 2, |i, c| (i as f64 / n as f64).powi(c as i32));
    let coarsening = Coarsening {
        theta: 0.25799950905805513,
        max_coarse: 2,
        block_size: Some(1),
        ..with(Variant::EnergyMinimised)
    };
    let grids = coarsening.coarsen(&a, Some(&b)).unwrap();
    assert!(grids.matrices().all(|m| (0..m.rows()).all(|i| m.row(i).len() > 0)));
}
