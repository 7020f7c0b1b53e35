//! Options of subdomains.

use clap::Args;

use super::misuse;
use super::values::{count, named, positive_count, whole};
use crate::error::Result;
use crate::multigrid::{Parts, SchwarzOptions};
use crate::schwarz::Variant;

#[derive(Debug, Args)]
pub struct SubdomainOptions {
    /// Number of subdomains of a Schwarz smoother on the finest level [default: one per 100 rows]
    #[arg(long, value_name = "PARTS", allow_negative_numbers = true, value_parser = positive_count)]
    pub parts: Option<usize>,
    /// Number of rows per subdomain, instead of --parts [default: 100]
    #[arg(long, value_name = "ROWS", conflicts_with = "parts", allow_negative_numbers = true, value_parser = positive_count)]
    pub rows_per_part: Option<usize>,
    /// Overlap of the subdomains, in layers of neighbouring unknowns [default: 1]
    #[arg(long, value_name = "RINGS", allow_negative_numbers = true, value_parser = whole)]
    pub overlap: Option<usize>,
    /// Schwarz method: restricted (RAS), additive (AS), weighted (weights 1/√c on both sides for an
    /// unknown in c subdomains) or harmonic (ASH) [default: restricted]
    #[arg(long, value_name = "NAME", value_parser = named::<Variant>)]
    pub variant: Option<Variant>,
}

impl SubdomainOptions {
    /// Replaces the parameters that are given on the command line.
    pub fn apply(&self, mut options: SchwarzOptions) -> SchwarzOptions {
        let rows = self.rows_per_part.map(Parts::Rows);
        options.parts = self.parts.map(Parts::Count).or(rows).unwrap_or(options.parts);
        options.overlap = self.overlap.unwrap_or(options.overlap);
        options.variant = self.variant.unwrap_or(options.variant);
        options
    }

    /// Refuses these options without a Schwarz method.
    ///
    /// # Errors
    /// The first option that is given.
    pub fn refuse(&self, help: &str) -> Result<()> {
        let given = [
            (self.parts.is_some(), "--parts"),
            (self.rows_per_part.is_some(), "--rows-per-part"),
            (self.overlap.is_some(), "--overlap"),
            (self.variant.is_some(), "--variant"),
        ];
        match given.iter().find(|(given, _)| *given) {
            Some((_, option)) => Err(misuse(format!("{option} belongs to a Schwarz method; add {help}"))),
            None => Ok(()),
        }
    }
}

/// Options of subdomains for training.
#[derive(Debug, Args)]
pub struct LearnedSubdomains {
    #[command(flatten)]
    pub subdomains: SubdomainOptions,
    /// Number of levels, from the finest on, on which --learn schwarz learns interface conditions, 1 to
    /// 64; coarser levels learn a sparse M [default: 1]
    #[arg(long, value_name = "LEVELS", allow_negative_numbers = true, value_parser = |t: &str| count(t, 64))]
    pub schwarz_levels: Option<usize>,
}
