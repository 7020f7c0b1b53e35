//! MATLAB's `.mat` files of level 5: which variable is the matrix, and which the right-hand side.

mod array;
#[cfg(test)]
mod damage_tests;
mod element;
mod header;
#[cfg(test)]
mod tests;
mod variable;

use super::numbers::Checked;
use crate::error::{Error, Result};
use crate::sparse::{Csr, DenseMatrix};
use header::{Header, STRUCT};
use variable::Variable;

/// The name of the right-hand side, and that of the matrix in a struct.
const RHS: &str = "b";
const MATRIX: &str = "A";

/// A matrix and its right-hand side.
type System = (Csr<f64>, Option<Vec<f64>>);

/// A condition on a variable.
type Fits<'f> = &'f dyn Fn(&Header) -> bool;

/// Bytes before the variables.
const HEADER: usize = 128;
const HOW_TO_SAVE: &str = "save('a.mat', 'A', '-v7')";

/// Whether the file begins like one of level 5, or of level 7.3 as MATLAB writes it.
pub(super) fn is_one(bytes: &[u8]) -> bool {
    bytes.starts_with(b"MATLAB ")
        || matches!(bytes.get(124..HEADER), Some([_, 1 | 2, b'I', b'M'] | [1 | 2, _, b'M', b'I']))
}

/// Whether the file begins like one of level 4: the type of the first array, its sizes, and its name up to a zero.
pub(super) fn is_of_level_4(bytes: &[u8]) -> bool {
    let word = |k: usize, big_endian: bool| {
        let word = bytes.get(4 * k..4 * k + 4)?.try_into().ok()?;
        Some(if big_endian { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) })
    };
    let fits = |big_endian: bool| {
        let kind = word(0, big_endian)?;
        let length = word(4, big_endian)? as usize;
        let name = bytes.get(20..20usize.checked_add(length)?)?.strip_suffix(b"\0")?;
        let is_name = name.first()?.is_ascii_alphabetic()
            && name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_');
        let is_kind = kind / 1000 == u32::from(big_endian)
            && kind / 100 % 10 == 0
            && kind / 10 % 10 < 6
            && kind % 10 < 3;
        Some(is_kind && word(3, big_endian)? < 2 && is_name)
    };
    fits(false) == Some(true) || fits(true) == Some(true)
}

/// The error for a file of level 4.
pub(super) fn level_4() -> String {
    format!(
        "the file is of level 4 of MATLAB's format; level 5 is read, save the matrix again in MATLAB by {HOW_TO_SAVE}, \
         or in Python by scipy.io.savemat"
    )
}

/// The error for a file of level 7.3.
pub(super) fn level_7_3() -> String {
    format!(
        "HDF5 files, such as those of level 7.3 of MATLAB's format, are not read; save the matrix again in MATLAB by \
         {HOW_TO_SAVE}"
    )
}

/// The matrix and the right-hand side. Compressed variables may expand to `limit` bytes together; `notices` gets
/// sentences about what was added or left aside.
pub(super) fn parse(bytes: &[u8], name: &str, limit: usize, notices: &mut Vec<String>) -> Result<System> {
    read(bytes, limit, notices).map_err(|message| Error::format(message).at(name))
}

/// The only dense array of several values; `None` without one.
pub(super) fn parse_dense(bytes: &[u8], name: &str, mut limit: usize) -> Option<Result<DenseMatrix>> {
    let block = |limit: &mut usize| -> Checked<Option<DenseMatrix>> {
        let variables = list(bytes)?;
        let found = only(&variables, "arrays", |h| h.is_numeric() && !h.is_sparse() && h.count() > 1)?;
        found.map(|variable| variable.open(limit)?.array()?.block()).transpose()
    };
    block(&mut limit).map_err(|message| Error::format(message).at(name)).transpose()
}

/// The variable `b`, or else the only array of several values, if it is a column or a row; `None` without one.
pub(super) fn parse_vector(bytes: &[u8], name: &str, mut limit: usize) -> Option<Result<Vec<f64>>> {
    let vector = |limit: &mut usize| -> Checked<Option<Vec<f64>>> {
        let variables = list(bytes)?;
        let named = variables.iter().find(|v| v.header.name == RHS && v.header.is_numeric());
        let found = match named {
            Some(variable) => Some(variable),
            None => only(&variables, "arrays", |h| h.is_numeric() && h.count() > 1)
                .map_err(|message| format!("{message}, or name the vector {RHS}"))?,
        };
        let Some(variable) = found.filter(|v| v.header.is_vector()) else { return Ok(None) };
        variable.open(limit)?.array()?.vector().map(Some)
    };
    vector(&mut limit).map_err(|message| Error::format(message).at(name)).transpose()
}

fn read(bytes: &[u8], mut limit: usize, notices: &mut Vec<String>) -> Checked<System> {
    let variables = list(bytes)?;
    if let Some(a) = only(&variables, "square sparse matrices", |h| h.is_sparse() && h.is_square())? {
        return beside_others(a, &variables, &mut limit, notices);
    }
    let opened = structs(&variables).map(|v| v.open(&mut limit)).collect::<Checked<Vec<_>>>()?;
    let mut systems = Vec::new();
    for content in &opened {
        if let [Some(a), b] = content.fields([MATRIX, RHS])?
            && a.header.is_numeric()
        {
            systems.push((a, b));
        }
    }
    if let [(a, b), ..] = &systems[..] {
        if systems.len() > 1 {
            let names = systems.iter().map(|(a, _)| &a.header);
            return Err(several("structs with a matrix", names));
        }
        let matrix = a.matrix(notices)?;
        let rhs = b.as_ref().map(|b| b.right_hand_side(matrix.rows(), notices)).transpose()?.flatten();
        return Ok((matrix, rhs));
    }
    let numbers = |h: &Header| h.is_numeric() && h.name != RHS;
    let tiers: [(&str, Fits); 4] = [
        ("sparse matrices", &|h| h.is_sparse() && h.name != RHS),
        ("square matrices", &|h| numbers(h) && h.is_square() && h.count() > 1),
        ("arrays", &|h| numbers(h) && h.count() > 1),
        ("arrays", &|h| h.is_numeric() && h.count() > 0),
    ];
    for (what, fits) in tiers {
        if let Some(a) = only(&variables, what, fits)? {
            return beside_others(a, &variables, &mut limit, notices);
        }
    }
    Err(nothing(&variables))
}

/// The variables of a file.
fn list(bytes: &[u8]) -> Checked<Vec<Variable<'_>>> {
    let Some(&[.., first, second, m, i]) = bytes.get(..HEADER) else {
        return Err("the file is truncated within the header of MATLAB's format; write it again".to_string());
    };
    let big_endian = match [m, i] {
        [b'I', b'M'] => false,
        [b'M', b'I'] => true,
        _ => return Err("the header of MATLAB's format is damaged; write the file again".to_string()),
    };
    match if big_endian { first } else { second } {
        1 => Variable::list(&bytes[HEADER..], HEADER, big_endian),
        2 => Err(level_7_3()),
        other => Err(format!(
            "the version {other} of MATLAB's format is not known; save the matrix again in MATLAB by {HOW_TO_SAVE}"
        )),
    }
}

fn structs<'v, 'b>(variables: &'v [Variable<'b>]) -> impl Iterator<Item = &'v Variable<'b>> {
    variables.iter().filter(|v| v.header.class == STRUCT && v.header.count() == 1)
}

/// The matrix in a variable, and the variable `b` as right-hand side.
fn beside_others(
    a: &Variable,
    variables: &[Variable],
    limit: &mut usize,
    notices: &mut Vec<String>,
) -> Checked<System> {
    let is_a = |v: &Variable| std::ptr::eq(v, a);
    let b = variables.iter().find(|v| v.header.name == RHS && !is_a(v));
    let is_other = |v: &&Variable| !is_a(v) && !b.is_some_and(|b| std::ptr::eq(*v, b));
    let others: Vec<_> = variables.iter().filter(is_other).map(|v| &v.header).collect();
    if !others.is_empty() {
        let hint = if b.is_none() { "; a right-hand side would be read from a variable 'b'" } else { "" };
        notices.push(format!(
            "the matrix is the variable {}; left aside: {}{hint}",
            a.header.quoted(),
            listed(others.into_iter())
        ));
    }
    let matrix = a.open(limit)?.array()?.matrix(notices)?;
    let rows = matrix.rows();
    let rhs = match b {
        Some(b) if b.header.fits_rows(rows) => b.open(limit)?.array()?.right_hand_side(rows, notices)?,
        Some(b) => {
            notices.push(b.header.no_right_hand_side(rows));
            None
        }
        None => None,
    };
    Ok((matrix, rhs))
}

/// The only variable that fits, or an error that lists several.
fn only<'v, 'b>(
    variables: &'v [Variable<'b>],
    what: &str,
    fits: impl Fn(&Header) -> bool,
) -> Checked<Option<&'v Variable<'b>>> {
    let found: Vec<_> = variables.iter().filter(|v| fits(&v.header)).collect();
    match found[..] {
        [] => Ok(None),
        [variable] => Ok(Some(variable)),
        _ => Err(several(what, found.iter().map(|v| &v.header))),
    }
}

fn several<'h>(what: &str, headers: impl ExactSizeIterator<Item = &'h Header>) -> String {
    format!(
        "the file holds {} {what}: {}; save one in a file of its own, in MATLAB by {HOW_TO_SAVE}",
        headers.len(),
        listed(headers)
    )
}

/// The error for a file without numbers.
fn nothing(variables: &[Variable]) -> String {
    if variables.is_empty() {
        return format!("the file holds no variables; save the matrix in MATLAB by {HOW_TO_SAVE}");
    }
    format!(
        "the file holds no matrix, but {}; a matrix is a variable of numbers, or the field {MATRIX} of a struct; save it in \
         MATLAB by {HOW_TO_SAVE}",
        listed(variables.iter().map(|v| &v.header))
    )
}

/// The first names, sizes and classes.
fn listed<'h>(headers: impl ExactSizeIterator<Item = &'h Header>) -> String {
    const SHOWN: usize = 8;
    let more = headers.len().saturating_sub(SHOWN);
    let shown: Vec<_> = headers.take(SHOWN).map(Header::description).collect();
    let rest = if more > 0 { format!(" and {more} others") } else { String::new() };
    shown.join(", ") + &rest
}
