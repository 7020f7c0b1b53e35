//! Tuning constants of the GPU: block sizes, and thresholds between algorithms.

use std::fmt;
use std::path::Path;

use crate::error::{Error, Result};

/// The environment variable that sets constants.
const VARIABLE: &str = "MULTIGRAD_TUNING";

/// One constant: its values are the multiples of `step` from `least` to `most`.
#[derive(Debug)]
struct Constant {
    name: &'static str,
    default: usize,
    least: usize,
    most: usize,
    step: usize,
    /// Whether it is compiled into the kernels.
    compiled: bool,
}

const fn on_host(name: &'static str, default: usize, (least, most): (usize, usize)) -> Constant {
    Constant { name, default, least, most, step: 1, compiled: false }
}

const fn in_kernels(
    name: &'static str,
    default: usize,
    (least, most): (usize, usize),
    step: usize,
) -> Constant {
    Constant { name, default, least, most, step, compiled: true }
}

macro_rules! constants {
    ($($(#[doc = $text:literal])* $field:ident = $make:ident($($argument:tt)*);)*) => {
        /// Constants of the kernels and of their selection.
        ///
        /// The defaults suit large GPUs. Other values change the time of an operation and, if they change the
        /// order of a sum, its rounding; with the same values the bits are the same on every GPU. A program
        /// reads them from the environment variable `MULTIGRAD_TUNING`: `name=value` pairs between spaces or
        /// commas, or the name of a file with one pair per line.
        ///
        /// ```
        /// use multigrad::gpu::Tuning;
        ///
        /// let tuning: Tuning = "tail_rows=512, long_rows=24".parse()?;
        /// assert_eq!(tuning.to_string(), "long_rows=24 tail_rows=512");
        /// assert!("tail_rows=0.5".parse::<Tuning>().is_err());
        /// # Ok::<(), multigrad::error::Error>(())
        /// ```
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct Tuning {
            $($(#[doc = $text])* pub(crate) $field: usize,)*
        }

        const CONSTANTS: &[Constant] = &[$($make(stringify!($field), $($argument)*),)*];

        impl Default for Tuning {
            fn default() -> Self {
                let mut constants = CONSTANTS.iter();
                let mut next = || constants.next().map_or(0, |c| c.default);
                Self { $($field: next(),)* }
            }
        }

        impl Tuning {
            fn place(&mut self, name: &str) -> Option<&mut usize> {
                match name {
                    $(stringify!($field) => Some(&mut self.$field),)*
                    _ => None,
                }
            }

            fn values(&self) -> impl Iterator<Item = (&'static Constant, usize)> {
                CONSTANTS.iter().zip([$(self.$field,)*])
            }
        }
    };
}

constants! {
    /// The number of entries per row below which a thread handles a row directly.
    short_rows = on_host(4, (0, 64));
    /// The number of entries per row from which several threads share a row.
    long_rows = on_host(16, (1, 1024));
    /// Rows, and threads, of a block that streams short rows through shared memory.
    stream_rows = in_kernels(128, (32, 1024), 32);
    /// Entries per step of such a block.
    stream_chunk = in_kernels(1280, (256, 3584), 16);
    /// Entries per step of a block of a sampled product.
    sampled_chunk = in_kernels(2048, (256, 8192), 16);
    /// Terms per step of a block of a triple product.
    terms_chunk = in_kernels(2048, (256, 4096), 16);
    /// The number of rows from which a matrix may be stored in slices.
    sliced_rows = on_host(1 << 15, (0, 1 << 31));
    /// The largest number of entries with padding of a matrix with long rows in slices, in percent of its entries.
    sliced_padding = on_host(150, (100, 1000));
    /// The largest number of entries that two products read in one pass, in which the second recomputes the
    /// first.
    fused_entries = on_host(1_000_000, (0, 1 << 40));
    /// The number of rows up to which the rest of a cycle is one dense matrix.
    tail_rows = on_host(1024, (0, 4096));
    /// Rows times columns up to which one block solves a level of a triangle together with the next.
    narrow_levels = on_host(2048, (0, 1 << 20));
    /// Values per block of a sum, and the largest number of blocks.
    reduction_slab = on_host(4096, (256, 1 << 20));
    /// The largest number of blocks of a sum over the rows of a column.
    reduction_blocks = on_host(1024, (1, 1 << 16));
    /// Rows per block of the vector operations of Krylov methods, for few rows.
    krylov_slab = on_host(256, (128, 1 << 20));
    /// The largest number of blocks of those operations.
    krylov_blocks = on_host(2048, (1, 1 << 16));
}

impl Tuning {
    /// The constants of the environment variable `MULTIGRAD_TUNING`, the others by default.
    ///
    /// # Errors
    /// A file that cannot be read, an unknown constant, a value out of range.
    pub fn from_env() -> Result<Self> {
        match std::env::var(VARIABLE) {
            Ok(text) => Self::named(&text).map_err(|e| e.at(VARIABLE)),
            Err(std::env::VarError::NotPresent) => Ok(Self::default()),
            Err(e) => Err(Error::invalid_input(format!("{VARIABLE}: {e}"))),
        }
    }

    /// From pairs, or from a file of pairs.
    fn named(text: &str) -> Result<Self> {
        if text.trim().is_empty() || text.contains('=') {
            return text.parse();
        }
        let path = Path::new(text);
        std::fs::read_to_string(path).map_err(|e| Error::io("read", path, e))?.parse()
    }

    /// Sets a constant by its name.
    ///
    /// # Errors
    /// An unknown constant, a value out of range.
    pub fn set(&mut self, name: &str, value: usize) -> Result<()> {
        let constant = CONSTANTS.iter().find(|c| c.name == name);
        let (Some(c), Some(place)) = (constant, self.place(name)) else {
            let names: Vec<&str> = CONSTANTS.iter().map(|c| c.name).collect();
            return Err(Error::invalid_input(format!(
                "there is no constant '{name}'; there are {}",
                names.join(", ")
            )));
        };
        if value < c.least || value > c.most || !value.is_multiple_of(c.step) {
            let steps = if c.step > 1 { format!("a multiple of {} ", c.step) } else { String::new() };
            return Err(Error::invalid_input(format!(
                "{name} = {value}, but {steps}from {} to {} is needed",
                c.least, c.most
            )));
        }
        *place = value;
        Ok(())
    }

    /// Names of all constants, with their default values.
    pub fn names() -> impl Iterator<Item = (&'static str, usize)> {
        CONSTANTS.iter().map(|c| (c.name, c.default))
    }

    /// Definitions for a C compiler: only those that differ from the defaults.
    pub(super) fn definitions(&self) -> Vec<String> {
        let changed = self.values().filter(|(c, value)| c.compiled && *value != c.default);
        changed.map(|(c, value)| format!("-D{}={value}u", c.name.to_uppercase())).collect()
    }
}

impl std::str::FromStr for Tuning {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut tuning = Self::default();
        for pair in text.split([' ', ',', '\n', '\r', '\t']).filter(|pair| !pair.is_empty()) {
            let parsed = pair.split_once('=').and_then(|(name, value)| Some((name, value.parse().ok()?)));
            let Some((name, value)) = parsed else {
                return Err(Error::invalid_input(format!(
                    "'{pair}' is not a pair name=value of a whole number"
                )));
            };
            tuning.set(name, value)?;
        }
        Ok(tuning)
    }
}

/// The constants that differ from their defaults.
impl fmt::Display for Tuning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let changed = self.values().filter(|(c, value)| *value != c.default);
        let pairs: Vec<String> = changed.map(|(c, value)| format!("{}={value}", c.name)).collect();
        f.write_str(if pairs.is_empty() { "default" } else { "" })?;
        f.write_str(&pairs.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_read_from_text_and_from_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, "long_rows=24\nstream_chunk=2560\n").unwrap();
        for text in ["long_rows=24,stream_chunk=2560", file.path().to_str().unwrap()] {
            let tuning = Tuning::named(text).unwrap();
            assert_eq!((tuning.long_rows, tuning.stream_chunk, tuning.short_rows), (24, 2560, 4));
            assert_eq!(tuning.to_string(), "long_rows=24 stream_chunk=2560");
            assert_eq!(tuning.definitions(), ["-DSTREAM_CHUNK=2560u"]);
        }
        assert_eq!(Tuning::named(" ").unwrap(), Tuning::default());
        assert_eq!(Tuning::default().to_string(), "default");
        assert!(Tuning::default().definitions().is_empty());
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, says) in [
            ("long=3", "no constant 'long'"),
            ("long_rows=-1", "'long_rows=-1' is not a pair"),
            ("long_rows=0", "from 1 to 1024"),
            ("stream_rows=100", "a multiple of 32 from 32 to 1024"),
            ("no such file", "no such file"),
        ] {
            let error = Tuning::named(text).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }

    /// The kernels without definitions compile to the same numbers.
    #[test]
    fn defaults_are_those_of_the_kernel_files() {
        let text = super::super::compile::text();
        for c in CONSTANTS {
            let line = format!("#define {} {}u", c.name.to_uppercase(), c.default);
            let guard = format!("#ifndef {}", c.name.to_uppercase());
            assert_eq!(text.contains(&line) && text.contains(&guard), c.compiled, "{}", c.name);
            assert!(c.default >= c.least && c.default <= c.most && c.default.is_multiple_of(c.step));
        }
    }
}
