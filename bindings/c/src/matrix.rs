//! Sparse matrices from arrays of the caller.

use std::fmt::Display;
use std::sync::Arc;

use multigrad::Csr;
use multigrad::sparse::Pattern;

use crate::guard::{guarded, guarded_value};
use crate::memory::{Output, Place, input, product, size};
use crate::status::{Failure, Outcome, mg_status};
use crate::table::{self, handle};

/// A sparse matrix. It never changes, and holds copies of the arrays that it was made from.
pub struct mg_matrix;

handle!(mg_matrix, Matrix, Csr<f64>);

/// Creates a matrix from the three arrays of compressed sparse rows (CSR), with indices of 32 bits.
///
/// rows, columns, entries: the size of the matrix, and the number of its stored entries.
/// row_pointers:   rows + 1 indices; the entries of row i are number row_pointers[i] to row_pointers[i + 1] - 1.
/// column_indices: one index for each entry; columns ascend in every row.
/// values:         one finite value for each entry.
/// index_base:     0 if all indices count from 0 (C), 1 if they count from 1 (Fortran).
/// matrix:         receives the matrix; free it by mg_matrix_free().
///
/// Errors: MG_DIMENSION for sizes, MG_INVALID_INPUT for an index or a value, with its row and column, counted from 1
/// in every case. `*matrix` is then null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mg_matrix_create_i32(
    rows: i64,
    columns: i64,
    entries: i64,
    row_pointers: *const i32,
    column_indices: *const i32,
    values: *const f64,
    index_base: i32,
    matrix: *mut *mut mg_matrix,
) -> mg_status {
    let arrays = (row_pointers, column_indices, values);
    // SAFETY: the header asks for arrays of the declared sizes.
    guarded(|| unsafe { create(rows, columns, entries, arrays, index_base, matrix) })
}

/// As mg_matrix_create_i32(), with indices of 64 bits. Rows, columns and entries must still be fewer than 2^32 - 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mg_matrix_create_i64(
    rows: i64,
    columns: i64,
    entries: i64,
    row_pointers: *const i64,
    column_indices: *const i64,
    values: *const f64,
    index_base: i32,
    matrix: *mut *mut mg_matrix,
) -> mg_status {
    let arrays = (row_pointers, column_indices, values);
    // SAFETY: the header asks for arrays of the declared sizes.
    guarded(|| unsafe { create(rows, columns, entries, arrays, index_base, matrix) })
}

/// Creates a matrix from triplets (row, column, value) in any order, with indices of 32 bits. Values of the same place
/// are added. Otherwise as mg_matrix_create_i32(): each array has `entries` elements.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mg_matrix_create_triplets_i32(
    rows: i64,
    columns: i64,
    entries: i64,
    row_indices: *const i32,
    column_indices: *const i32,
    values: *const f64,
    index_base: i32,
    matrix: *mut *mut mg_matrix,
) -> mg_status {
    let arrays = (row_indices, column_indices, values);
    // SAFETY: the header asks for arrays of the declared sizes.
    guarded(|| unsafe { create_from_triplets(rows, columns, entries, arrays, index_base, matrix) })
}

/// As mg_matrix_create_triplets_i32(), with indices of 64 bits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mg_matrix_create_triplets_i64(
    rows: i64,
    columns: i64,
    entries: i64,
    row_indices: *const i64,
    column_indices: *const i64,
    values: *const f64,
    index_base: i32,
    matrix: *mut *mut mg_matrix,
) -> mg_status {
    let arrays = (row_indices, column_indices, values);
    // SAFETY: the header asks for arrays of the declared sizes.
    guarded(|| unsafe { create_from_triplets(rows, columns, entries, arrays, index_base, matrix) })
}

/// Number of rows; -1 if the handle is not a matrix.
#[unsafe(no_mangle)]
pub extern "C" fn mg_matrix_rows(matrix: *const mg_matrix) -> i64 {
    guarded_value(-1, || Ok(table::get(matrix)?.rows() as i64))
}

/// Number of columns; -1 if the handle is not a matrix.
#[unsafe(no_mangle)]
pub extern "C" fn mg_matrix_columns(matrix: *const mg_matrix) -> i64 {
    guarded_value(-1, || Ok(table::get(matrix)?.cols() as i64))
}

/// Number of stored entries; -1 if the handle is not a matrix.
#[unsafe(no_mangle)]
pub extern "C" fn mg_matrix_entries(matrix: *const mg_matrix) -> i64 {
    guarded_value(-1, || Ok(table::get(matrix)?.nnz() as i64))
}

/// Computes y = A x. x has as many values as A has columns, y as A has rows.
///
/// Errors: MG_DIMENSION if x_size or y_size is another number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mg_matrix_multiply(
    matrix: *const mg_matrix,
    x_size: i64,
    x: *const f64,
    y_size: i64,
    y: *mut f64,
) -> mg_status {
    guarded(|| {
        let a = table::get(matrix)?;
        let (m, n) = (size("y_size", y_size)?, size("x_size", x_size)?);
        if (m, n) != (a.rows(), a.cols()) {
            return Err(Failure::dimension(format!(
                "the matrix is {} × {}, but x has {n} and y has {m} values",
                a.rows(),
                a.cols()
            )));
        }
        // SAFETY: the header asks for arrays of the declared sizes.
        let (x, mut out) = unsafe { (input("x", x, n)?, Output::new("y", y, m)?) };
        let mut product = vec![0.0; m];
        a.spmv(x, &mut product)?;
        out.write(0, &product);
        Ok(())
    })
}

/// Frees a matrix and sets `*matrix` to null. Solvers that were made for it remain valid. A null matrix is permitted.
///
/// Errors: MG_INVALID_HANDLE for a handle that is not a matrix; it is then unchanged.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mg_matrix_free(matrix: *mut *mut mg_matrix) -> mg_status {
    // SAFETY: the header asks for a variable of this type that is initialised.
    guarded(|| unsafe { free(matrix) })
}

/// Frees an object and sets the variable to null.
///
/// # Safety
/// A pointer that is not null points to an initialised variable.
pub(crate) unsafe fn free<H: table::Handle>(variable: *mut *mut H) -> Outcome {
    // SAFETY: the caller promises it.
    let (mut place, handle) = unsafe {
        let place = Place::new("the handle to free", variable)?;
        let handle = place.value();
        (place, handle)
    };
    if !handle.is_null() {
        table::remove(handle)?;
        place.set(std::ptr::null_mut());
    }
    Ok(())
}

/// The number that every index counts from.
fn base(index_base: i32) -> Outcome<i64> {
    match index_base {
        0 | 1 => Ok(i64::from(index_base)),
        _ => Err(Failure::input(format!("index_base is {index_base}; it must be 0 (C) or 1 (Fortran)"))),
    }
}

/// Indices as those of the library, which count from 0.
fn indices<I: Copy + Display + Into<i64>>(what: &str, list: &[I], base: i64) -> Outcome<Vec<u32>> {
    let convert = |(place, &index): (usize, &I)| {
        let shifted: i64 = index.into();
        shifted.checked_sub(base).and_then(|i| u32::try_from(i).ok()).ok_or_else(|| {
            Failure::input(format!(
                "{what}[{place}] is {index}; an index must be at least index_base ({base}) and fit into 32 bits"
            ))
        })
    };
    list.iter().enumerate().map(convert).collect()
}

/// # Safety
/// The arrays have the declared sizes, and `matrix` is null or a variable.
unsafe fn create<I: Copy + Display + Into<i64>>(
    rows: i64,
    columns: i64,
    entries: i64,
    (row_pointers, column_indices, values): (*const I, *const I, *const f64),
    index_base: i32,
    matrix: *mut *mut mg_matrix,
) -> Outcome {
    // SAFETY: the caller promises a variable.
    let mut place = unsafe { Place::empty("the variable for the matrix", matrix)? };
    let base = base(index_base)?;
    let (m, n, nnz) = (size("rows", rows)?, size("columns", columns)?, size("entries", entries)?);
    // SAFETY: the caller promises the sizes.
    let row_pointers = unsafe { input("row_pointers", row_pointers, m + 1)? };
    // The row pointers are known to be right before the other arrays are read.
    let (first, last) = (row_pointers[0].into(), row_pointers[m].into());
    if first != base || last.checked_sub(base) != Some(entries) {
        return Err(Failure::input(format!(
            "row_pointers runs from {first} to {last}; for {entries} entries and index_base {base}: from {base} to {}",
            base + entries
        )));
    }
    let row_pointers = indices("row_pointers", row_pointers, base)?;
    // SAFETY: the caller promises the sizes.
    let (column_indices, values) =
        unsafe { (input("column_indices", column_indices, nnz)?, input("values", values, nnz)?) };
    let column_indices = indices("column_indices", column_indices, base)?;
    let pattern = Pattern::new(m, n, row_pointers, column_indices)?;
    place.set(table::insert(Csr::new(Arc::new(pattern), values.to_vec())?));
    Ok(())
}

/// # Safety
/// The arrays have the declared sizes, and `matrix` is null or a variable.
unsafe fn create_from_triplets<I: Copy + Display + Into<i64>>(
    rows: i64,
    columns: i64,
    entries: i64,
    (row_indices, column_indices, values): (*const I, *const I, *const f64),
    index_base: i32,
    matrix: *mut *mut mg_matrix,
) -> Outcome {
    // SAFETY: the caller promises a variable.
    let mut place = unsafe { Place::empty("the variable for the matrix", matrix)? };
    let base = base(index_base)?;
    let (m, n, nnz) = (size("rows", rows)?, size("columns", columns)?, size("entries", entries)?);
    product("the arrays", nnz, 3)?;
    // SAFETY: the caller promises the sizes.
    let (row_indices, column_indices, values) = unsafe {
        (
            input("row_indices", row_indices, nnz)?,
            input("column_indices", column_indices, nnz)?,
            input("values", values, nnz)?,
        )
    };
    let rows = indices("row_indices", row_indices, base)?;
    let columns = indices("column_indices", column_indices, base)?;
    let places = rows.into_iter().zip(columns).zip(values);
    let triplets: Vec<_> = places.map(|((i, j), v)| (i as usize, j as usize, *v)).collect();
    place.set(table::insert(Csr::from_triplets(m, n, &triplets)?));
    Ok(())
}
