//! Hyperparameters of a Gaussian process on 10⁴ points by maximum likelihood, through the log-determinant of its
//! covariance matrix.
//!
//! ```text
//! cargo run --release --example gaussian_process        # 100 × 100 points
//! cargo run --release --example gaussian_process 120    # another number
//! ```
//!
//! K = σ² φ(‖x − y‖/ℓ) + s² I with Wendland's function φ(r) = (1 − r)₊⁴ (4 r + 1), which makes K sparse (Wendland, Adv.
//! Comput. Math. 4, 1995). The negative log-likelihood per point is (yᵀ K⁻¹ y + log det K)/(2 n) + ½ ln 2π: a Gauss
//! quadrature and a stochastic trace by Lanczos (Gardner et al., NeurIPS 2018), with gradients by their adjoints.
//! Observations and the posterior mean on a quarter of the square are drawn in `out/gaussian_process.svg` and `.png`.

mod common;

use std::f64::consts::TAU;

use common::{argument, normal, picture};
use multigrad::autodiff::{Dense, Number, Sparse, Tape, gradient_check};
use multigrad::error::Result;
use multigrad::functions::{FunctionOf, MatrixFunction, Process, StochasticTrace};
use multigrad::optimise::Lbfgs;
use multigrad::plot::FieldPlot;
use multigrad::sparse::Csr;

/// σ, ℓ in spacings of the points, and s.
const TRUTH: [f64; 3] = [1.0, 4.0, 0.3];
const START: [f64; 3] = [0.6, 3.0, 0.6];
/// The largest ℓ in spacings: the pattern of K.
const REACH: f64 = 5.0;

struct Model {
    points: Vec<[f64; 2]>,
    /// Distances of neighbours, in spacings.
    distances: Csr,
    y: Vec<f64>,
    trace: StochasticTrace,
}

impl Model {
    /// n × n points of a grid, moved at random by up to 0.4 spacings.
    fn new(n: usize) -> Result<Self> {
        let moves = normal(1, 2 * n * n);
        let moved = |i: usize, d: usize| 0.4 * moves[2 * i + d].tanh();
        let points: Vec<[f64; 2]> =
            (0..n * n).map(|i| [(i % n) as f64 + moved(i, 0), (i / n) as f64 + moved(i, 1)]).collect();
        let mut entries = Vec::new();
        let near = REACH as usize + 1;
        for (i, p) in points.iter().enumerate() {
            let (x, y) = (i % n, i / n);
            for v in y.saturating_sub(near)..(y + near + 1).min(n) {
                for u in x.saturating_sub(near)..(x + near + 1).min(n) {
                    let q = points[v * n + u];
                    let r = (p[0] - q[0]).hypot(p[1] - q[1]);
                    if r < REACH {
                        entries.push((i, v * n + u, r));
                    }
                }
            }
        }
        let distances = Csr::from_triplets(n * n, n * n, &entries)?;
        let trace = StochasticTrace::log_determinant().order(30).probes(16).seed(5);
        Ok(Self { points, distances, y: Vec::new(), trace })
    }

    /// σ² φ(r/ℓ) for p = (ln σ, ln ℓ, ln s).
    fn signal<'t>(&self, tape: &'t Tape<f64>, p: Dense<'t>) -> Sparse<'t> {
        let one = tape.vector(&vec![1.0; self.distances.nnz()]);
        let r = (-p.at(1, 0)).exp() * tape.vector(self.distances.values());
        let phi = (one - r).relu().powi(4) * (r * 4.0 + one);
        ((p.at(0, 0) * 2.0).exp() * phi).on_pattern(self.distances.pattern())
    }

    fn covariance<'t>(&self, tape: &'t Tape<f64>, p: Dense<'t>) -> Sparse<'t> {
        self.signal(tape, p) + (p.at(2, 0) * 2.0).exp() * tape.identity(self.points.len())
    }

    /// The negative log-likelihood per point, and the standard error of its log-determinant.
    fn likelihood<'t>(&self, tape: &'t Tape<f64>, p: Dense<'t>) -> Result<(Number<'t>, f64)> {
        let k = self.covariance(tape, p);
        let inverse = FunctionOf::new(MatrixFunction::Inverse).order(80).process(Process::ThreeTerm);
        let fit = inverse.quadratic_on_tape(k, tape.vector(&self.y)).at(0, 0);
        let (log_det, estimate) = self.trace.on_tape(k)?;
        let share = 0.5 / self.points.len() as f64;
        let constant = tape.number(0.5 * TAU.ln());
        Ok(((fit + log_det) * share + constant, estimate.error * share))
    }
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let n = argument(1, "the number of points per side", 100, 10..=300)?;
    let mut model = Model::new(n)?;
    println!("{} points, {} nonzeros in K", n * n, model.distances.nnz());
    // y = √K z.
    let truth: Vec<f64> = TRUTH.iter().map(|v| v.ln()).collect();
    let tape = Tape::new();
    let k = model.covariance(&tape, tape.vector(&truth));
    let root = FunctionOf::new(MatrixFunction::Sqrt).order(60);
    let drawn = root.apply(&k.to_csr()?, &normal(2, n * n))?;
    println!("the draw's last vector has weight {:.1e}", drawn.last_weight);
    model.y = drawn.value;

    let mut p: Vec<f64> = START.iter().map(|v| v.ln()).collect();
    let check = gradient_check(
        |tape, p| model.likelihood(tape, p[0]).map_or_else(|_| tape.number(f64::NAN), |l| l.0),
        &[p.clone()],
    )?;
    println!("gradient against finite differences: {:.1e} relative\n", check.relative);
    println!("evaluation        σ        ℓ        s   −log-likelihood per point");
    let mut count = 0;
    let mut lbfgs = Lbfgs::new().max_iterations(15).max_evaluations(25).decrease_tolerance(1e-6);
    let report = lbfgs.minimise(&mut p, |p, gradient| {
        let tape = Tape::new();
        let q = tape.parameter(p);
        let (loss, of_trace) = model.likelihood(&tape, q)?;
        gradient.copy_from_slice(&loss.gradients()?.take(q)?);
        let value = loss.value()?;
        let [sigma, length, noise] = [p[0].exp(), p[1].exp(), p[2].exp()];
        println!("{count:>10} {sigma:>8.4} {length:>8.4} {noise:>8.4}   {value:.5} ± {of_trace:.5}");
        count += 1;
        Ok(value)
    })?;
    println!("L-BFGS: {report}\n");
    println!("      true   estimated");
    let mut worst = 0.0f64;
    for ((name, t), p) in ["σ", "ℓ", "s"].iter().zip(TRUTH).zip(&p) {
        println!("{name}   {t:>6.3}   {:>9.3}", p.exp());
        worst = worst.max((p.exp() / t - 1.0).abs());
    }

    // The posterior mean σ² φ K⁻¹ y.
    let tape = Tape::new();
    let q = tape.vector(&p);
    let inverse = FunctionOf::new(MatrixFunction::Inverse).order(80);
    let weights = inverse.on_tape(model.covariance(&tape, q), tape.vector(&model.y));
    let mean = (model.signal(&tape, q) * weights).values()?;
    // A quarter of the square, side by side with a strip between them.
    let (mut points, mut values) = (Vec::new(), Vec::new());
    let half = (n / 2) as f64;
    let inside = |p: &[f64; 2]| p.iter().all(|x| *x < half);
    for (shift, field) in [(0.0, &model.y), (half + 2.0, &mean)] {
        for (p, v) in model.points.iter().zip(field).filter(|(p, _)| inside(p)) {
            points.push([p[0] + shift, p[1]]);
            values.push(*v);
        }
    }
    for i in 0..4 * n {
        points.push([half + 0.25 + 0.5 * (i % 2) as f64, 0.25 * (i / 2) as f64]);
        values.push(f64::NAN);
    }
    let plot = FieldPlot::new("Gaussian process: observations and posterior mean", &points, &values)?;
    for kind in ["svg", "png"] {
        plot.clone().label("y").write(picture(&format!("gaussian_process.{kind}"))?)?;
    }
    println!("\nout/gaussian_process.svg and .png show the observations and the posterior mean");
    if check.relative > 1e-6 || worst > 0.15 {
        return Err(format!("gradient off by {:.1e}, parameters by {worst:.2}", check.relative).into());
    }
    Ok(())
}
