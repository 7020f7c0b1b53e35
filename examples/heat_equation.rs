//! Conductivities of a heat equation from two snapshots, through the matrix exponential.
//!
//! ```text
//! cargo run --release --example heat_equation         # 48 × 48 cells, 4 × 4 conductivities
//! cargo run --release --example heat_equation 64 8    # other numbers
//! ```
//!
//! u(t) = exp(−t A(κ)) u(0), with A(κ) = −∇·κ∇ on square cells, no flux through the boundary, and κ constant on square
//! regions. Hot spots u(0) are known, u(t) is observed with noise of 0.1 %. L-BFGS finds ln κ from the gradient of
//! the misfit: one decomposition by Lanczos per spot and its adjoint. κ true and recovered are drawn in
//! `out/heat_equation.svg` and `.png`.

mod common;

use common::{argument, normal, picture};
use multigrad::autodiff::{Dense, Number, Tape, gradient_check};
use multigrad::error::Result;
use multigrad::functions::{FunctionOf, MatrixFunction, Process};
use multigrad::optimise::Lbfgs;
use multigrad::plot::FieldPlot;
use multigrad::sparse::Csr;

const TIME: f64 = 0.004;
const NOISE: f64 = 1e-3;
/// Hot spots per side of the square.
const SPOTS: usize = 2;

/// Cells, regions, and the observations.
struct Model {
    n: usize,
    regions: usize,
    /// The pattern of A, with the values of κ = 1.
    unit: Csr,
    /// Values of A from κ of the regions.
    assembly: Csr,
    heat: Vec<f64>,
    observed: Vec<f64>,
    function: FunctionOf,
}

impl Model {
    fn new(n: usize, regions: usize) -> Result<Self> {
        let (mut entries, square) = (Vec::new(), (n * n) as f64);
        let region = |i: usize| (i / n) * regions / n * regions + (i % n) * regions / n;
        for i in 0..n * n {
            entries.push((i, i, 0.0));
            let right = (i % n + 1 < n).then_some(i + 1);
            for j in right.into_iter().chain((i + n < n * n).then_some(i + n)) {
                entries.extend([(i, j, -square), (j, i, -square), (i, i, square), (j, j, square)]);
            }
        }
        let unit = Csr::from_triplets(n * n, n * n, &entries)?;
        // The conductivity of a face is the mean of its two cells.
        let mut weights = Vec::new();
        for i in 0..n * n {
            for (j, _) in unit.row(i).filter(|(j, _)| *j != i) {
                for side in [region(i), region(j)] {
                    let place = |i, j| unit.pattern().find(i, j).unwrap_or_default();
                    weights.push((place(i, j), side, -0.5 * square));
                    weights.push((place(i, i), side, 0.5 * square));
                }
            }
        }
        let assembly = Csr::from_triplets(unit.nnz(), regions * regions, &weights)?;
        let columns = SPOTS * SPOTS;
        let mut heat = vec![0.0; n * n * columns];
        for (q, value) in heat.iter_mut().enumerate() {
            let (i, c) = (q / columns, q % columns);
            let centre = |k: usize| (k as f64 + 0.5) / SPOTS as f64;
            let at = |k: usize| (k as f64 + 0.5) / n as f64;
            let r = (at(i % n) - centre(c % SPOTS)).hypot(at(i / n) - centre(c / SPOTS));
            *value = (-r * r / 0.02).exp();
        }
        let function = FunctionOf::new(MatrixFunction::Exp).order(80).process(Process::Lanczos);
        Ok(Self { n, regions, unit, assembly, heat, observed: Vec::new(), function })
    }

    /// u(t) for every hot spot.
    fn evolve<'t>(&self, tape: &'t Tape<f64>, theta: Dense<'t>) -> Dense<'t> {
        let values = tape.matrix(&self.assembly) * (theta.exp() * -TIME);
        let a = values.on_pattern(self.unit.pattern());
        self.function.on_tape(a, tape.block(&self.heat, SPOTS * SPOTS))
    }

    /// The mean square of the deviation over that of the noise.
    fn misfit<'t>(&self, tape: &'t Tape<f64>, theta: Dense<'t>) -> Number<'t> {
        let off = self.evolve(tape, theta) - tape.block(&self.observed, SPOTS * SPOTS);
        off.frobenius_squared() * (1.0 / (self.observed.len() as f64 * NOISE * NOISE))
    }

    fn conductivity(&self, theta: &[f64], x: usize, y: usize) -> f64 {
        theta[y * self.regions / self.n * self.regions + x * self.regions / self.n].exp()
    }
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let n = argument(1, "the number of cells per side", 48, 8..=96)?;
    let regions = argument(2, "the number of regions per side", 4, 1..=8)?;
    let mut model = Model::new(n, regions)?;
    let truth: Vec<f64> = normal(3, regions * regions).iter().map(|z| 0.6 * z).collect();
    let tape = Tape::new();
    let clean = model.evolve(&tape, tape.vector(&truth)).values()?;
    model.observed = clean.iter().zip(normal(4, clean.len())).map(|(u, z)| u + NOISE * z).collect();
    println!("{} conductivities from {} observations, {n} × {n} cells\n", truth.len(), clean.len());

    let mut theta = vec![0.0; truth.len()];
    let check = gradient_check(|tape, p| model.misfit(tape, p[0]), &[theta.clone()])?;
    println!("gradient against finite differences: {:.1e} relative", check.relative);
    let mut lbfgs = Lbfgs::new().max_iterations(60).decrease_tolerance(1e-7);
    let report = lbfgs.minimise(&mut theta, |theta, gradient| {
        let tape = Tape::new();
        let p = tape.parameter(theta);
        let misfit = model.misfit(&tape, p);
        gradient.copy_from_slice(&misfit.gradients()?.take(p)?);
        misfit.value()
    })?;
    println!("L-BFGS: {report}\n");
    println!("region   κ true   κ recovered   error");
    let mut worst = 0.0f64;
    for (r, (t, s)) in truth.iter().zip(&theta).enumerate() {
        let error = (s - t).exp_m1();
        worst = worst.max(error.abs());
        println!("{r:>6}   {:>6.3}   {:>11.3}   {:>5.1} %", t.exp(), s.exp(), 100.0 * error);
    }

    // Side by side, with a strip between them.
    let (mut points, mut values) = (Vec::new(), Vec::new());
    for y in 0..n {
        for x in 0..2 * n + 2 {
            points.push([x as f64 / n as f64, y as f64 / n as f64]);
            values.push(match x {
                x if x < n => model.conductivity(&truth, x, y),
                x if x < n + 2 => f64::NAN,
                x => model.conductivity(&theta, x - n - 2, y),
            });
        }
    }
    let plot = FieldPlot::new("Conductivity, true and recovered from the heat equation", &points, &values)?;
    for kind in ["svg", "png"] {
        plot.clone().label("κ").write(picture(&format!("heat_equation.{kind}"))?)?;
    }
    println!("\nout/heat_equation.svg and .png show κ, true and recovered");
    if check.relative > 1e-6 || worst > 0.2 {
        return Err(format!("gradient off by {:.1e}, κ by {:.0} %", check.relative, 100.0 * worst).into());
    }
    Ok(())
}
