//! Arrays of numbers of a `.mat` file, by columns: sparse or dense.

use super::element::Elements;
use super::header::{Header, damaged};
use crate::sparse::matrix_file::numbers::{Checked, Numbers};
use crate::sparse::matrix_market::assemble::{Entries, Symmetry, check_plausible};
use crate::sparse::pattern::check_size;
use crate::sparse::{Csr, DenseMatrix};

/// An array that need not hold numbers.
pub(super) struct Array<'b> {
    pub(super) header: Header,
    /// What stands behind the header.
    content: Elements<'b>,
    room: usize,
}

/// The numbers of an array. Their counts agree with the sizes.
struct Values<'b> {
    rows: usize,
    cols: usize,
    /// Where the columns of a sparse array end, and the row of every entry.
    sparse: Option<(Vec<usize>, Numbers<'b>)>,
    values: Numbers<'b>,
    /// The number of entries.
    count: usize,
}

impl<'b> Array<'b> {
    /// The numbers may take `room` bytes in memory.
    pub(super) fn new(header: Header, content: Elements<'b>, room: usize) -> Self {
        Self { header, content, room }
    }

    /// The array as a matrix; a dense one leaves out its zeros.
    pub(super) fn matrix(&self, notices: &mut Vec<String>) -> Checked<Csr<f64>> {
        let values = self.values()?;
        let mut entries = Entries::with_capacity(if values.sparse.is_some() { values.count } else { 0 });
        self.visit(&values, |i, j, value| {
            if values.sparse.is_some() || value != 0.0 {
                entries.push(i as u32, j as u32, value);
            }
        })?;
        entries.into_csr((values.rows, values.cols), Symmetry::General, notices).map_err(|e| e.to_string())
    }

    /// A dense array as a block.
    pub(super) fn block(&self) -> Checked<DenseMatrix> {
        let values = self.values()?;
        let mut block = DenseMatrix::zeros(values.rows, values.cols);
        self.visit(&values, |i, j, value| block[[i, j]] = value)?;
        Ok(block)
    }

    /// The first column, or the only row, as right-hand side of a matrix of `rows` rows; `None` with a notice if
    /// it does not fit.
    pub(super) fn right_hand_side(
        &self,
        rows: usize,
        notices: &mut Vec<String>,
    ) -> Checked<Option<Vec<f64>>> {
        if !self.header.fits_rows(rows) {
            notices.push(self.header.no_right_hand_side(rows));
            return Ok(None);
        }
        if !self.header.is_vector() {
            notices
                .push(format!("the file holds {} right-hand sides; the first is read", self.header.shape[1]));
        }
        self.column(&self.values()?, rows).map(Some)
    }

    /// The array of one column or one row as a vector.
    pub(super) fn vector(&self) -> Checked<Vec<f64>> {
        let (values, length) = (self.values()?, self.header.count());
        check_plausible("values of a vector", length as u64, values.count).map_err(|e| e.to_string())?;
        self.column(&values, length)
    }

    /// The first column of `length` values, or the only row.
    fn column(&self, values: &Values, length: usize) -> Checked<Vec<f64>> {
        let is_row = self.header.shape == [1, length];
        let mut vector = vec![0.0; length];
        self.visit(values, |i, j, value| {
            if is_row || j == 0 {
                vector[i.max(j)] += value;
            }
        })?;
        match vector.iter().all(|v| v.is_finite()) {
            true => Ok(vector),
            // Entries of a sparse array at the same place.
            false => Err(format!("values of {} at the same place add up to infinity", self.header.quoted())),
        }
    }

    /// Finds the numbers and compares their counts with the sizes.
    fn values(&self) -> Checked<Values<'b>> {
        let header = &self.header;
        if !header.is_numeric() {
            return Err(format!("the variable {} holds no numbers", header.description()));
        }
        if header.is_complex {
            return Err(format!(
                "the variable {} is complex; complex matrices are not supported, save the real and the imaginary part \
                 as matrices of their own",
                header.quoted()
            ));
        }
        let [rows, cols] = header.shape[..] else {
            return Err(format!("the variable {} has more than two dimensions", header.description()));
        };
        check_size(rows, cols, 0).map_err(|e| e.to_string())?;
        let mut content = self.content.clone();
        let mut numbers = |what: &str| {
            let element = content.next().ok_or_else(|| damaged(&header.name))?;
            element.numbers(format!("the {what} of {}", header.quoted()))
        };
        let (sparse, values, count) = if header.is_sparse() {
            let (row_of, ends, values) =
                (numbers("row indices")?, numbers("column pointers")?, numbers("values")?);
            let most = row_of.len().min(values.len());
            let ends: Vec<usize> = ends.indices(most + 1).collect::<Checked<_>>()?;
            if ends.len() != cols + 1 || ends[0] != 0 || !ends.is_sorted() {
                return Err(format!(
                    "the column pointers of {} must be {} values that rise from 0; the file is damaged",
                    header.quoted(),
                    cols + 1
                ));
            }
            let count = ends[cols];
            (Some((ends, row_of)), values, count)
        } else {
            let values = numbers("values")?;
            let count = values.len();
            if rows.checked_mul(cols) != Some(count) {
                return Err(format!(
                    "the variable {} has {count} values; the file is damaged",
                    header.description()
                ));
            }
            (None, values, count)
        };
        // Row indices and values may be stored in fewer bytes than they take in memory.
        let bytes = match sparse {
            Some(_) => count.saturating_mul(12).saturating_add((rows + cols).saturating_mul(8)),
            None => count.saturating_mul(8),
        };
        if bytes > self.room {
            return Err(format!(
                "the variable {} takes {bytes} bytes in memory, above the limit for compressed content, and is refused; \
                 if it is what it should be, save it without compression (save with '-v6'), or raise the limit \
                 (MatrixFile::read_within)",
                header.description()
            ));
        }
        Ok(Values { rows, cols, sparse, values, count })
    }

    /// Calls `visit(row, column, value)` for every entry, counted from 0, by columns.
    fn visit(&self, values: &Values, mut visit: impl FnMut(usize, usize, f64)) -> Checked<()> {
        let mut reals = values.values.reals();
        let mut put = |i: usize, j: usize| {
            let value = reals.next().ok_or_else(|| damaged(&self.header.name))??;
            if !value.is_finite() {
                return Err(format!(
                    "the value in row {}, column {} of {} is {value}, which is not finite",
                    i + 1,
                    j + 1,
                    self.header.quoted()
                ));
            }
            visit(i, j, if self.header.is_logical { f64::from(u8::from(value != 0.0)) } else { value });
            Ok(())
        };
        let Some((ends, row_of)) = &values.sparse else {
            return (0..values.cols).try_for_each(|j| (0..values.rows).try_for_each(|i| put(i, j)));
        };
        let mut rows = row_of.indices(values.rows);
        for j in 0..values.cols {
            for _ in ends[j]..ends[j + 1] {
                put(rows.next().ok_or_else(|| damaged(&self.header.name))??, j)?;
            }
        }
        Ok(())
    }
}
