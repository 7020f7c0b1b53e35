//! What projection is worth in the adjoint of Arnoldi's process: the Hilbert matrix is decomposed, multiplied back
//! and differentiated, which should give the identity (Krämer et al. 2024, section 4.2).
//!
//! ```text
//! cargo run --release --example hilbert_adjoint       # n = 2 … 12
//! cargo run --release --example hilbert_adjoint 10    # up to another n
//! ```
//!
//! The error RMS(∂φ − I) of three ways is drawn in `out/hilbert_adjoint.svg` and `.png`.

#[path = "common/mod.rs"]
mod common;
#[path = "common/hilbert.rs"]
mod hilbert;

use common::{argument, picture};
use multigrad::plot::GrowthPlot;

/// n, then the published errors of the adjoint with projection, of backpropagation, and of the adjoint without.
const PUBLISHED: [(usize, [f64; 3]); 2] = [(8, [3.2e-12, 2.3e-9, 5.6e-8]), (12, [6.7e-6, 8.7e-5, 2.2e-3])];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let most = argument(1, "the largest n", 12, 2..=12)?;
    let names = ["adjoint, projected", "backpropagation", "adjoint, not projected"];
    println!("RMS(∂φ − I) for the Hilbert matrix of order n; published errors in brackets\n");
    println!(" n   {:>22}   {:>22}   {:>22}", names[0], names[1], names[2]);
    let mut series: [Vec<(f64, f64)>; 3] = Default::default();
    for n in 2..=most {
        let errors =
            [hilbert::by_adjoint(n, true)?, hilbert::by_backpropagation(n)?, hilbert::by_adjoint(n, false)?];
        let published = PUBLISHED.iter().find(|p| p.0 == n).map(|p| p.1);
        let cell = |q: usize| {
            let known = published.map_or(String::new(), |p| format!(" ({:.1e})", p[q]));
            format!("{:.1e}{known}", errors[q])
        };
        println!("{n:>2}   {:>22}   {:>22}   {:>22}", cell(0), cell(1), cell(2));
        series.iter_mut().zip(errors).for_each(|(s, e)| s.push((n as f64, e)));
        if (n == 8 && errors[0] > 1e-11) || (n == 12 && errors[0] > 1e-4) {
            return Err(format!("the error of the projected adjoint is {:.1e} at n = {n}", errors[0]).into());
        }
    }
    let mut plot = GrowthPlot::new("Error of the derivative of a decomposition: Hilbert matrix")
        .x_label("order of the matrix")
        .y_label("RMS of ∂φ − I");
    for (name, points) in names.iter().zip(&series) {
        plot = plot.series(name, points);
    }
    for kind in ["svg", "png"] {
        plot.write(picture(&format!("hilbert_adjoint.{kind}"))?)?;
    }
    println!("\nout/hilbert_adjoint.svg and .png show the errors");
    Ok(())
}
