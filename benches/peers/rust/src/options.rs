//! The arguments of the program: `--problems NAME…`, `--libraries NAME…`, `--match TEXT`, `--limit SECONDS`, `--csv FILE`.

use std::path::PathBuf;

use multigrad_in_other_crates::Outcome;

use crate::configurations::Configuration;

/// The problems by default, every kind from small to large.
const PROBLEMS: [&str; 6] =
    ["poisson2d-100", "poisson2d-300", "poisson2d-1000", "poisson3d-40", "poisson3d-100", "upwind-128"];
/// Seconds for one configuration and problem by default.
const LIMIT: f64 = 60.0;

/// What to measure.
pub struct Options {
    /// Names of problems, as in `benches/common/problem.rs`.
    pub problems: Vec<String>,
    /// The crates, or all of them if there is none.
    libraries: Vec<String>,
    /// Configurations whose names contain this text.
    text: String,
    /// Seconds for one configuration and problem.
    pub limit: f64,
    /// Where the figures go.
    pub csv: PathBuf,
}

impl Options {
    /// Reads the arguments of this process.
    pub fn read() -> Outcome<Self> {
        let mut options = Self {
            problems: Vec::new(),
            libraries: Vec::new(),
            text: String::new(),
            limit: LIMIT,
            csv: PathBuf::from("target/bench/rust-peers.csv"),
        };
        let mut option = String::new();
        for word in std::env::args().skip(1) {
            match (option.as_str(), word.starts_with("--")) {
                (_, true) => option = word,
                ("--problems", _) => options.problems.push(word),
                ("--libraries", _) => options.libraries.push(word),
                ("--match", _) => options.text = word,
                ("--limit", _) => options.limit = word.parse()?,
                ("--csv", _) => options.csv = word.into(),
                _ => return Err(format!("{word:?} follows no option that is known").into()),
            }
        }
        if options.problems.is_empty() {
            options.problems = PROBLEMS.map(String::from).to_vec();
        }
        Ok(options)
    }

    /// Whether the configuration is to be measured.
    pub fn wanted(&self, configuration: &Configuration) -> bool {
        let library = self.libraries.is_empty() || self.libraries.iter().any(|l| l == configuration.library);
        library && configuration.name.contains(&self.text)
    }
}
