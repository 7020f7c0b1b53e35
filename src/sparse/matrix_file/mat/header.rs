//! What stands before the content of an array of a `.mat` file: class, sizes and name.

use super::element::Elements;
use crate::sparse::matrix_file::numbers::Checked;

/// Classes of arrays.
pub(super) const STRUCT: u8 = 2;
pub(super) const SPARSE: u8 = 5;
const DENSE: std::ops::RangeInclusive<u8> = 6..=15;
const OPAQUE: u8 = 17;
const CLASSES: [&str; 17] = [
    "cell array",
    "struct",
    "object",
    "char array",
    "sparse",
    "double",
    "single",
    "int8",
    "uint8",
    "int16",
    "uint16",
    "int32",
    "uint32",
    "int64",
    "uint64",
    "function handle",
    "object",
];

/// What stands before the content of an array.
#[derive(Debug, Clone)]
pub(super) struct Header {
    pub(super) name: String,
    pub(super) class: u8,
    pub(super) is_complex: bool,
    pub(super) is_logical: bool,
    /// Two sizes or more.
    pub(super) shape: Vec<usize>,
}

impl Header {
    /// Reads flags, sizes and name, and leaves the elements behind them; `None` if they are damaged.
    pub(super) fn read(elements: &mut Elements) -> Option<Self> {
        let flags = elements.next()?.numbers(String::new()).ok()?.indices(usize::MAX).next()?.ok()?;
        let class = (flags & 0xff) as u8;
        // The sizes of an opaque object are part of its content.
        let shape = match class {
            OPAQUE => vec![0, 0],
            _ => elements
                .next()?
                .numbers(String::new())
                .ok()?
                .indices(usize::MAX)
                .collect::<Checked<_>>()
                .ok()?,
        };
        let name = elements.next()?.name();
        let (is_complex, is_logical) = (flags & 0x800 != 0, flags & 0x200 != 0);
        (shape.len() >= 2).then_some(Self { name, class, is_complex, is_logical, shape })
    }

    pub(super) fn is_sparse(&self) -> bool {
        self.class == SPARSE
    }

    /// Whether it holds numbers.
    pub(super) fn is_numeric(&self) -> bool {
        self.is_sparse() || DENSE.contains(&self.class)
    }

    pub(super) fn is_square(&self) -> bool {
        matches!(self.shape[..], [rows, cols] if rows == cols)
    }

    /// The number of values, zeros of a sparse array included.
    pub(super) fn count(&self) -> usize {
        self.shape.iter().fold(1, |count, &size| count.saturating_mul(size))
    }

    /// Whether it is one column or one row.
    pub(super) fn is_vector(&self) -> bool {
        matches!(self.shape[..], [1, _] | [_, 1])
    }

    /// Whether its columns, or its only row, can be right-hand sides of a matrix of `rows` rows.
    pub(super) fn fits_rows(&self, rows: usize) -> bool {
        let fits = matches!(self.shape[..], [height, width] if height == rows && width > 0);
        (fits || self.shape == [1, rows]) && self.is_numeric() && !self.is_complex
    }

    /// The notice for a variable that does not fit as right-hand side.
    pub(super) fn no_right_hand_side(&self, rows: usize) -> String {
        format!(
            "the variable {} does not fit a matrix of {rows} rows as right-hand side and is left aside",
            self.description()
        )
    }

    /// Name, sizes and class.
    pub(super) fn description(&self) -> String {
        let sizes: Vec<_> = self.shape.iter().take(8).map(usize::to_string).collect();
        let class = CLASSES.get(usize::from(self.class).wrapping_sub(1)).unwrap_or(&"unknown class");
        let complex = if self.is_complex { "complex " } else { "" };
        match self.class {
            OPAQUE => format!("{} ({class})", self.quoted()),
            _ => format!("{} ({} {complex}{class})", self.quoted(), sizes.join(" × ")),
        }
    }

    /// The name in quotation marks.
    pub(super) fn quoted(&self) -> String {
        format!("'{}'", self.name.escape_debug())
    }
}

/// The error for an array that ends early.
pub(super) fn damaged(name: &str) -> String {
    format!("the variable '{}' is damaged; write it again", name.escape_debug())
}
