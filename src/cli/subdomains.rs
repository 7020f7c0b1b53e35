//! The options that describe subdomains.

use clap::Args;

use super::misuse;
use super::values::{count, named, positive_count, whole};
use crate::error::Result;
use crate::multigrid::{Parts, SchwarzOptions};
use crate::schwarz::Variant;

#[derive(Debug, Args)]
pub struct SubdomainOptions {
    /// Subdomains of a Schwarz method on the finest level [default: of 100 rows each]
    #[arg(long, value_name = "PARTS", allow_negative_numbers = true, value_parser = positive_count)]
    pub parts: Option<usize>,
    /// Rows of a subdomain, in place of their number
    #[arg(long, value_name = "ROWS", conflicts_with = "parts", allow_negative_numbers = true, value_parser = positive_count)]
    pub rows_per_part: Option<usize>,
    /// Rings by which subdomains overlap [default: 1]
    #[arg(long, value_name = "RINGS", allow_negative_numbers = true, value_parser = whole)]
    pub overlap: Option<usize>,
    /// How subdomains are put together: restricted, additive, weighted or harmonic [default: restricted]
    #[arg(long, value_name = "NAME", value_parser = named::<Variant>)]
    pub variant: Option<Variant>,
}

impl SubdomainOptions {
    /// What was given in place of what `options` has.
    pub fn apply(&self, mut options: SchwarzOptions) -> SchwarzOptions {
        let rows = self.rows_per_part.map(Parts::Rows);
        options.parts = self.parts.map(Parts::Count).or(rows).unwrap_or(options.parts);
        options.overlap = self.overlap.unwrap_or(options.overlap);
        options.variant = self.variant.unwrap_or(options.variant);
        options
    }

    /// Refuses options without a Schwarz method that they could belong to.
    ///
    /// # Errors
    /// Names the first one.
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

/// The subdomains of a training.
#[derive(Debug, Args)]
pub struct LearnedSubdomains {
    #[command(flatten)]
    pub subdomains: SubdomainOptions,
    /// Finest levels on which --learn schwarz learns interface conditions; those below learn M
    #[arg(long, value_name = "LEVELS", allow_negative_numbers = true, value_parser = |t: &str| count(t, 64))]
    pub schwarz_levels: Option<usize>,
}
