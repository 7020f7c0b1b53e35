//! Arrays of NumPy through the buffer protocol.

use multigrad::sparse::DenseMatrix;
use pyo3::buffer::{Element, PyBuffer};
use pyo3::prelude::*;

use crate::errors::{Error, raise};

/// A contiguous array of 64-bit floating-point numbers.
pub struct Floats(PyBuffer<f64>);

impl Floats {
    pub fn of(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        let buffer = PyBuffer::get(object)?;
        if !buffer.is_c_contiguous() {
            return Err(Error::new_err("an array is not contiguous"));
        }
        Ok(Self(buffer))
    }

    /// The values, in place.
    #[allow(unsafe_code)]
    pub fn values(&self) -> &[f64] {
        if self.0.item_count() == 0 {
            return &[];
        }
        // SAFETY: the buffer is contiguous and aligned, as `PyBuffer::get` and `of` have checked, and it lives as long
        // as self. A thread that writes to the array meanwhile breaks the contract of the package: the values read
        // are then undetermined, as in NumPy; indices are checked on a copy, or before every use (`lent`).
        unsafe { std::slice::from_raw_parts(self.0.buf_ptr().cast::<f64>(), self.0.item_count()) }
    }

    /// The bytes of the values.
    #[allow(unsafe_code)]
    pub fn bytes(&self) -> &[u8] {
        let values = self.values();
        // SAFETY: every byte of a number may be read.
        unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) }
    }

    /// Writes the values, as many as the array has.
    pub fn write(&self, _py: Python<'_>, values: impl IntoIterator<Item = f64>) -> PyResult<()> {
        write(&self.0, values)
    }
}

/// Writes values to the elements of a contiguous array.
#[allow(unsafe_code)]
fn write<T: Element>(buffer: &PyBuffer<T>, values: impl IntoIterator<Item = T>) -> PyResult<()> {
    if buffer.readonly() || !buffer.is_c_contiguous() {
        return Err(Error::new_err("an array is read-only or not contiguous"));
    }
    let start = buffer.buf_ptr().cast::<T>();
    for (q, value) in values.into_iter().take(buffer.item_count()).enumerate() {
        // SAFETY: q is below the number of elements of a contiguous, aligned and writable buffer. No reference to its
        // memory exists here: the package passes new arrays.
        unsafe { start.add(q).write(value) };
    }
    Ok(())
}

/// A new array of NumPy with these integers, 64 or 32 bits wide.
pub fn integers<'py>(py: Python<'py>, list: &[u32], wide: bool) -> PyResult<Bound<'py, PyAny>> {
    let name = if wide { "int64" } else { "int32" };
    let array = py.import("numpy")?.call_method1("empty", (list.len(), name))?;
    if wide {
        write(&PyBuffer::get(&array)?, list.iter().map(|&q| i64::from(q)))?;
    } else {
        write(&PyBuffer::get(&array)?, list.iter().map(|&q| q as i32))?;
    }
    Ok(array)
}

/// A contiguous array of 32-bit or 64-bit integers.
pub enum Integers {
    Narrow(PyBuffer<i32>),
    Wide(PyBuffer<i64>),
}

impl Integers {
    pub fn of(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        let integers = match PyBuffer::get(object) {
            Ok(narrow) => Integers::Narrow(narrow),
            Err(_) => Integers::Wide(PyBuffer::get(object)?),
        };
        let contiguous = match &integers {
            Integers::Narrow(b) => b.is_c_contiguous(),
            Integers::Wide(b) => b.is_c_contiguous(),
        };
        if contiguous { Ok(integers) } else { Err(Error::new_err("an array of indices is not contiguous")) }
    }

    /// The bits of 32-bit integers, in place.
    #[allow(unsafe_code)]
    pub fn narrow(&self) -> Option<&[u32]> {
        match self {
            Integers::Narrow(b) if b.item_count() == 0 => Some(&[]),
            // SAFETY: as [`Floats::values`]; numbers with and without a sign have the same size.
            Integers::Narrow(b) => {
                Some(unsafe { std::slice::from_raw_parts(b.buf_ptr().cast::<u32>(), b.item_count()) })
            }
            Integers::Wide(_) => None,
        }
    }

    /// The bytes of 32-bit integers.
    #[allow(unsafe_code)]
    pub fn bytes(&self) -> &[u8] {
        let list = self.narrow().unwrap_or(&[]);
        // SAFETY: every byte of a number may be read.
        unsafe { std::slice::from_raw_parts(list.as_ptr().cast(), size_of_val(list)) }
    }

    /// The integers in place, for a function of any integer type.
    #[allow(unsafe_code)]
    pub fn read<F: OnIntegers>(&self, function: F) -> F::Output {
        /// SAFETY: as [`Floats::values`]; `count` integers at `start`.
        unsafe fn slice<'a, I>(start: *mut std::ffi::c_void, count: usize) -> &'a [I] {
            if count == 0 { &[] } else { unsafe { std::slice::from_raw_parts(start.cast(), count) } }
        }
        match self {
            // SAFETY: start and length of the same buffer, which outlives the call.
            Integers::Narrow(b) => function.on(unsafe { slice::<i32>(b.buf_ptr(), b.item_count()) }),
            // SAFETY: likewise.
            Integers::Wide(b) => function.on(unsafe { slice::<i64>(b.buf_ptr(), b.item_count()) }),
        }
    }
}

/// A function of integers of any type.
pub trait OnIntegers {
    type Output;
    fn on<I: Copy + Into<i64> + Sync>(self, integers: &[I]) -> Self::Output;
}

/// A new one-dimensional array of NumPy with these values.
pub fn array<'py>(py: Python<'py>, values: &[f64]) -> PyResult<Bound<'py, PyAny>> {
    let array = py.import("numpy")?.call_method1("empty", (values.len(),))?;
    Floats::of(&array)?.write(py, values.iter().copied())?;
    Ok(array)
}

/// A new two-dimensional array of NumPy with the entries of a dense matrix.
pub fn array_2d<'py>(py: Python<'py>, matrix: &DenseMatrix) -> PyResult<Bound<'py, PyAny>> {
    array(py, matrix.values())?.call_method1("reshape", (matrix.rows(), matrix.cols()))
}

/// A dense matrix with the entries of a contiguous array of two dimensions.
pub fn dense(object: &Bound<'_, PyAny>) -> PyResult<DenseMatrix> {
    let (rows, cols): (usize, usize) = object.getattr("shape")?.extract()?;
    DenseMatrix::new(rows, cols, Floats::of(object)?.values().to_vec()).map_err(raise)
}
