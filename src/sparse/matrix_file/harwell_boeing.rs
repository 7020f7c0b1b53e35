//! Harwell–Boeing files (Duff, Grimes & Lewis, ACM TOMS 15, 1989) and Rutherford–Boeing files (the same, RAL-TR-97-031,
//! 1997): compressed columns in lines of fixed width.

use super::fortran::{Format, Lines, words};
use crate::error::{Error, Result};
use crate::sparse::Csr;
use crate::sparse::matrix_market::assemble::{Entries, Symmetry};
use crate::sparse::matrix_market::scanner::quote;
use crate::sparse::pattern::check_size;

/// Whether line 3 has the type of a matrix, such as `RUA`, and its sizes.
pub(super) fn is_one(bytes: &[u8]) -> bool {
    let mut lines = Lines::new(bytes, "");
    let Some(line) = (0..3).map(|_| lines.next()).last().flatten() else { return false };
    let mut words = words(line);
    let kind = words.next().unwrap_or_default().to_ascii_uppercase();
    let is_type = match kind.as_slice() {
        [field, symmetry, form] => {
            b"RCPIQ".contains(field) && b"SUHZR".contains(symmetry) && b"AE".contains(form)
        }
        _ => false,
    };
    is_type && words.next().is_some_and(|word| word.iter().all(u8::is_ascii_digit))
}

/// Whole numbers of a line of the header; the first `least` must be there.
fn sizes(lines: &Lines, line: &[u8], least: usize, line_holds: &str) -> Result<Vec<usize>> {
    let numbers: Vec<usize> = words(line)
        .map_while(|word| std::str::from_utf8(word).ok().and_then(|text| text.parse().ok()))
        .collect();
    if numbers.len() < least {
        return Err(lines.error(format!("the line must hold whole numbers: {line_holds}; correct it")));
    }
    Ok(numbers)
}

/// The first lines of a file.
struct Header {
    integral: bool,
    has_values: bool,
    symmetry: Symmetry,
    rows: usize,
    cols: usize,
    nnz: usize,
    /// Formats of pointers, indices, values and right-hand sides, as far as they are given.
    formats: Vec<Format>,
    /// The type and the number of right-hand sides.
    rhs: Option<(Vec<u8>, usize)>,
}

impl Header {
    fn read(lines: &mut Lines) -> Result<Self> {
        let truncated = |lines: &Lines| {
            lines.error("the file ends within its header; it is truncated, fetch or write it again")
        };
        lines.next().ok_or_else(|| truncated(lines))?;
        let line = lines.next().ok_or_else(|| truncated(lines))?;
        let cards =
            sizes(lines, line, 4, "lines in all, of pointers, of indices, of values, of right-hand sides")?;
        let line = lines.next().ok_or_else(|| truncated(lines))?;
        let mut parts = words(line);
        let kind = parts.next().unwrap_or_default();
        let sizes_of = line.trim_ascii_start().get(kind.len()..).unwrap_or_default();
        let numbers = sizes(lines, sizes_of, 3, "the type, then rows, columns and entries")?;
        let (rows, cols, nnz) = (numbers[0], numbers[1], numbers[2]);
        let (integral, symmetry) = check_type(kind).map_err(|message| lines.error(message))?;
        let has_values = !kind.starts_with(b"P") && !kind.starts_with(b"p");
        check_size(rows, cols, nnz).map_err(|e| lines.error(e.to_string()))?;
        if rows != cols && symmetry != Symmetry::General {
            return Err(lines.error(format!(
                "a {rows} × {cols} matrix cannot be symmetric or skew-symmetric; correct the type or the sizes"
            )));
        }
        if has_values && cards[3] == 0 && nnz > 0 {
            return Err(lines.error("line 2 says that the file holds no values; declare the type as pattern"));
        }
        let line = lines.next().ok_or_else(|| truncated(lines))?;
        let formats = formats(line)
            .ok_or_else(|| lines.error("a format is not of the kind (13I6) or (1P,4E20.12); correct it"))?;
        let with_rhs = cards.get(4).is_some_and(|&count| count > 0);
        let needed = 2 + usize::from(has_values) + usize::from(with_rhs);
        if formats.len() < needed {
            return Err(
                lines.error(format!("the line must hold {needed} formats in parentheses; correct it"))
            );
        }
        let mut rhs = None;
        if with_rhs {
            let line = lines.next().ok_or_else(|| truncated(lines))?;
            let kind = words(line).next().unwrap_or_default().to_ascii_uppercase();
            let rest = line.trim_ascii_start().get(kind.len()..).unwrap_or_default();
            let count = sizes(lines, rest, 1, "the type and the number of right-hand sides")?[0];
            rhs = Some((kind, count));
        }
        Ok(Self { integral, has_values, symmetry, rows, cols, nnz, formats, rhs })
    }
}

/// Whether the values are integers, and the symmetry; or what is wrong with the type.
fn check_type(kind: &[u8]) -> std::result::Result<(bool, Symmetry), String> {
    let kind = kind.to_ascii_uppercase();
    let symmetry = match kind.as_slice() {
        [b'C', ..] => {
            return Err("complex matrices are not supported; write the real part as a file".to_string());
        }
        [_, _, b'E'] => {
            return Err(
                "the matrix is stored as unassembled finite elements; add them up and write an assembled one"
                    .to_string(),
            );
        }
        [b'R' | b'I' | b'P', b'U' | b'R', b'A'] => Symmetry::General,
        [b'R' | b'I' | b'P', b'S', b'A'] => Symmetry::Symmetric,
        [b'R' | b'I', b'Z', b'A'] => Symmetry::Skew,
        _ => {
            return Err(format!(
                "the type {} is not supported; real, integer and pattern matrices (R, I, P) are, unsymmetric, \
                 rectangular, symmetric or skew-symmetric (U, R, S, Z) and assembled (A)",
                quote(&kind)
            ));
        }
    };
    Ok((kind[0] == b'I', symmetry))
}

/// The formats in the outermost parentheses of a line.
fn formats(line: &[u8]) -> Option<Vec<Format>> {
    let (mut formats, mut depth, mut start) = (Vec::new(), 0usize, 0);
    for (at, byte) in line.iter().enumerate() {
        match byte {
            b'(' => {
                if depth == 0 {
                    start = at + 1;
                }
                depth += 1;
            }
            b')' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    formats.push(Format::parse(&line[start..at])?);
                }
            }
            _ => {}
        }
    }
    Some(formats)
}

/// The matrix and the first full right-hand side. `notices` gets sentences about what was added, mirrored or left
/// aside.
pub(super) fn parse(
    bytes: &[u8],
    name: &str,
    notices: &mut Vec<String>,
) -> Result<(Csr<f64>, Option<Vec<f64>>)> {
    let lines = &mut Lines::new(bytes, name);
    let header = Header::read(lines)?;
    let pointers = lines.integers("column pointers", header.cols + 1, &header.formats[0], header.nnz + 1)?;
    if pointers[0] != 1 || !pointers.is_sorted() || pointers[header.cols] as usize != header.nnz + 1 {
        return Err(lines.error(format!(
            "the column pointers must rise from 1 to {}, one more than the number of entries; the file is damaged",
            header.nnz + 1
        )));
    }
    let indices = lines.integers("row indices", header.nnz, &header.formats[1], header.rows)?;
    let values = match header.has_values {
        true => lines.reals("values", header.nnz, &header.formats[2], header.integral)?,
        false => vec![1.0; header.nnz],
    };
    let mut entries = Entries::with_capacity(header.nnz);
    for (j, range) in pointers.windows(2).enumerate() {
        for p in range[0] as usize - 1..range[1] as usize - 1 {
            let (row, value) = (indices[p] - 1, values[p]);
            if header.symmetry == Symmetry::Skew && row as usize == j && value != 0.0 {
                return Err(Error::format(format!(
                    "{name}: the diagonal entry in row {} is {value}; a skew-symmetric matrix has zeros there, \
                     declare it unsymmetric (U)",
                    j + 1
                )));
            }
            entries.push(row, j as u32, value);
        }
    }
    let matrix =
        entries.into_csr((header.rows, header.cols), header.symmetry, notices).map_err(|e| e.at(name))?;
    let rhs = match (&header.rhs, header.formats.last()) {
        (Some((kind, count)), Some(format)) if kind.starts_with(b"F") && *count > 0 => {
            let values = lines.reals("values of the right-hand side", header.rows, format, false)?;
            if *count > 1 {
                notices.push(format!("the file holds {count} right-hand sides; the first is read"));
            }
            Some(values)
        }
        (Some((kind, _)), _) => {
            notices.push(format!(
                "right-hand sides of the type {} are left aside; only full ones (F) are read",
                quote(kind)
            ));
            None
        }
        _ => None,
    };
    Ok((matrix, rhs))
}
