//! A preconditioner M = L Lᵀ ≈ A⁻¹ of CG for 2-D Poisson, with L on the pattern of the lower triangle of A,
//! learned through a few unrolled iterations of CG.
//!
//! ```text
//! cargo run --release --example learned_preconditioner          # 24 × 24 unknowns, 300 steps
//! cargo run --release --example learned_preconditioner 32 500   # another size and number of steps
//! ```
//!
//! M is applied by two products, without a triangular solve. It is compared with no preconditioner, Jacobi
//! and IC(0) on right-hand sides outside the training set. Residual histories are drawn in
//! `out/learned_preconditioner.svg`.

mod common;

use common::{Multiply, argument, normal, picture};
use multigrad::autodiff::{Dense, Number, Sparse, Tape};
use multigrad::error::Result;
use multigrad::gallery::poisson_2d;
use multigrad::krylov::Cg;
use multigrad::operator::{Identity, Preconditioner};
use multigrad::optimise::{Adam, Optimiser, Schedule};
use multigrad::plot::ResidualPlot;
use multigrad::setup::relaxation::ilu0;
use multigrad::sparse::Csr;

/// Right-hand sides at a time, unrolled iterations, and fresh right-hand sides at the end.
const BATCH: usize = 8;
const ITERATIONS: usize = 20;
const FRESH: u64 = 10;

/// The mean of ln ‖r_k‖ over the columns of `b` and over k, for CG with M = L Lᵀ.
fn loss<'t>(a: Sparse<'t>, l: Sparse<'t>, b: Dense<'t>) -> Number<'t> {
    let precondition = |r: Dense<'t>| l * l.transposed_times(r);
    let (mut r, mut p) = (b, precondition(b));
    let mut rz = r.column_dots(p);
    let mut sum = a.tape().number(0.0);
    for _ in 0..ITERATIONS {
        let ap = a * p;
        r = r - ap.scale_columns(rz / p.column_dots(ap));
        let z = precondition(r);
        let next = r.column_dots(z);
        p = z + p.scale_columns(next / rz);
        rz = next;
        sum = sum + r.column_dots(r).ln().mean();
    }
    sum / (2 * ITERATIONS) as f64
}

fn learn(a: &Csr<f64>, steps: usize) -> Result<Csr<f64>> {
    let diagonal = a.diagonal();
    let start = a.filter(|i, j, _| j <= i).map(|i, j, _| if i == j { diagonal[i].powf(-0.5) } else { 0.0 });
    let (pattern, mut values) = start.into_parts();
    let (mut tape, mut adam, schedule) = (Tape::new(), Adam::new(), Schedule::cosine(0.02, 0.02));
    for step in 0..steps {
        let l = tape.parameter_on(&pattern, &values);
        let b = tape.block(&normal(step as u64, BATCH * a.rows()), BATCH);
        let loss = loss(tape.matrix(a), l, b);
        if step % 50 == 0 {
            println!("step {step:>4}: mean ln ‖r‖ {:.4}", loss.value()?);
        }
        let gradient = loss.gradients()?.take(l)?;
        adam.step(&mut values, &gradient, schedule.rate(step, steps))?;
        tape.clear();
    }
    Csr::new(pattern, values)
}

/// IC(0) of a symmetric matrix: ILU(0) is L U with U = D Lᵀ.
struct IncompleteCholesky(Csr<f64>);

impl Preconditioner for IncompleteCholesky {
    fn rows(&self) -> usize {
        self.0.rows()
    }

    fn is_symmetric(&self) -> bool {
        true
    }

    fn apply(&self, r: &[f64], z: &mut [f64]) -> Result<()> {
        for i in 0..r.len() {
            let below = self.0.row(i).take_while(|&(j, _)| j < i);
            z[i] = r[i] - below.map(|(j, l)| l * z[j]).sum::<f64>();
        }
        for i in (0..r.len()).rev() {
            let above = self.0.row(i).skip_while(|&(j, _)| j <= i);
            z[i] = (z[i] - above.map(|(j, u)| u * z[j]).sum::<f64>()) / self.0.get(i, i);
        }
        Ok(())
    }

    fn apply_transposed(&self, r: &[f64], z: &mut [f64]) -> Result<()> {
        self.apply(r, z)
    }
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let n = argument(1, "the number of unknowns per side", 24, 4..=200)?;
    let steps = argument(2, "the number of steps", 300, 1..=10_000)?;
    let a = poisson_2d(n, n)?.matrix;
    println!("CG on Poisson {n} × {n}: {} unknowns, {} nonzeros\n", a.rows(), a.nnz());
    let l = learn(&a, steps)?;
    let learned = Multiply { m: l.multiply(&l.transpose())?, symmetric: true };
    let inverse: Vec<f64> = a.diagonal().iter().map(|d| 1.0 / d).collect();
    let jacobi = Multiply { m: Csr::diagonal_matrix(&inverse), symmetric: true };
    let (none, cholesky) = (Identity(a.rows()), IncompleteCholesky(ilu0(&a)?));
    let all: [(&str, &dyn Preconditioner); 4] =
        [("none", &none), ("Jacobi", &jacobi), ("learned L Lᵀ", &learned), ("IC(0)", &cholesky)];

    println!("\npreconditioner    iterations to 1e-8, mean of {FRESH} fresh right-hand sides");
    let mut plot = ResidualPlot::new(format!("CG, Poisson {n} × {n}"));
    let mut means = Vec::new();
    for (name, preconditioner) in all {
        let mut total = 0;
        for side in 0..FRESH {
            let b = normal(1_000_000 + side, a.rows());
            let cg = Cg::new().rtol(1e-8).max_iterations(5000).preconditioner(preconditioner);
            let out = cg.solve(&a, &b)?;
            if !out.converged() {
                return Err(format!("CG with {name}: {}", out.status).into());
            }
            total += out.iterations;
            if side == 0 {
                plot = plot.series(name, &out.residual_history);
            }
        }
        means.push(total as f64 / FRESH as f64);
        println!("{name:<16}  {:>10.1}", means[means.len() - 1]);
    }
    plot.write(picture("learned_preconditioner.svg")?)?;
    println!("\nout/learned_preconditioner.svg shows the residuals");
    if means[2] > 0.7 * means[1] {
        return Err("the learned preconditioner saves less than 30 % of the iterations of Jacobi".into());
    }
    Ok(())
}
