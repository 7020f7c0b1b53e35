//! Plots as SVG or PNG: residual histories, growth with the size, training curves, fields and subdomains.
//!
//! * [`ResidualPlot`]: convergence of several solvers;
//! * [`GrowthPlot`]: growth of iterations or seconds with the size of the problem;
//! * [`TrainingPlot`]: the loss of a training run and the convergence factor;
//! * [`FieldPlot`]: a solution or an error in the plane; [`FieldAnimation`]: several, one after another;
//! * [`PartsPlot`]: the subdomains of a mesh.
//!
//! Figures are laid out for 960 × 640 pixels; a PNG has twice as many in each direction. The fonts are part
//! of the crate, colours are distinct for the colour-blind and in grey, and the same input gives the same
//! bytes. Files are written atomically.
//!
//! ```
//! use multigrad::plot::ResidualPlot;
//!
//! let folder = tempfile::tempdir()?;
//! let history = [1.0, 3e-2, 8e-4, 2e-5, 6e-7, 1e-8];
//! let plot = ResidualPlot::new("recirculating flow 64²").series("learned", &history).x_label("V(1,1) cycles");
//! plot.write(folder.path().join("residuals.svg"))?;
//! plot.write(folder.path().join("residuals.png"))?;
//! assert!(plot.write(folder.path().join("residuals.pdf")).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod animation;
mod axis;
mod canvas;
mod chart;
mod colorbar;
mod colormap;
mod curve;
mod extent;
mod field;
mod font;
mod grid;
mod growth;
mod legend;
mod nearest;
mod output;
mod panel;
mod parts;
mod raster;
mod residual;
mod scattered;
mod shades;
mod style;
mod svg;
mod tiling;
mod training;

pub use animation::FieldAnimation;
pub use field::FieldPlot;
pub use growth::GrowthPlot;
pub use parts::PartsPlot;
pub use residual::ResidualPlot;
pub use training::TrainingPlot;
