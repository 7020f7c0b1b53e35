//! Memory of the caller: checks before anything is read or written.
//!
//! What can be checked is checked: null, alignment, negative and overflowing sizes, UTF-8. What cannot be checked is a
//! rule of the header: an array has at least the size that the caller declares, and no other thread writes to it
//! during the call.

use std::ffi::{CStr, c_char};
use std::{ptr, slice};

use crate::status::{Failure, Outcome, mg_status};

/// A size as a number of values of a Rust vector.
pub(crate) fn size(what: &str, n: i64) -> Outcome<usize> {
    match usize::try_from(n) {
        Ok(n) if n < u32::MAX as usize => Ok(n),
        Ok(_) => Err(Failure::dimension(format!("{what} is {n}; at most {} are supported", u32::MAX - 1))),
        Err(_) => Err(Failure::dimension(format!("{what} is {n}; it must not be negative"))),
    }
}

/// The product of two sizes, if an array of 8-byte values may have it.
pub(crate) fn product(what: &str, n: usize, k: usize) -> Outcome<usize> {
    let total = n.checked_mul(k).filter(|total| *total <= isize::MAX as usize / 8);
    total.ok_or_else(|| Failure::dimension(format!("{what} has {n} × {k} values, more than memory can have")))
}

fn check<T>(what: &str, pointer: *const T) -> Outcome {
    if pointer.is_null() {
        return Err(Failure::new(mg_status::MG_NULL_POINTER, format!("the pointer to {what} is null")));
    }
    if !pointer.is_aligned() {
        let message =
            format!("the pointer to {what} is not aligned to the {} bytes of its type", align_of::<T>());
        return Err(Failure::new(mg_status::MG_NULL_POINTER, message));
    }
    Ok(())
}

/// An array of the caller. A null pointer is an array without values.
///
/// # Safety
/// The array has `n` initialised values, and nobody writes to it as long as the slice is used.
pub(crate) unsafe fn input<'a, T>(what: &str, pointer: *const T, n: usize) -> Outcome<&'a [T]> {
    if n == 0 {
        return Ok(&[]);
    }
    check(what, pointer)?;
    product(what, n, size_of::<T>().div_ceil(8))?;
    // SAFETY: the pointer is aligned and not null, the size does not overflow, and the caller promises the rest.
    Ok(unsafe { slice::from_raw_parts(pointer, n) })
}

/// An array of the caller to be written to.
pub(crate) struct Output {
    pointer: *mut f64,
    n: usize,
}

// SAFETY: a pointer to memory of the caller, which belongs to one call. The call may use it from the thread of a solver
// while its own thread waits.
unsafe impl Send for Output {}

impl Output {
    /// # Safety
    /// The array has room for `n` values, and nobody else uses it as long as this value does.
    pub unsafe fn new(what: &str, pointer: *mut f64, n: usize) -> Outcome<Self> {
        if n > 0 {
            check(what, pointer)?;
        }
        product(what, n, 1)?;
        Ok(Self { pointer, n })
    }

    /// A copy of the present values from the `first` on.
    ///
    /// # Safety
    /// The values are initialised.
    pub unsafe fn copy(&self, first: usize, count: usize) -> Vec<f64> {
        assert!(first <= self.n && count <= self.n - first, "a part outside of an array");
        if count == 0 {
            return Vec::new();
        }
        // SAFETY: the part lies inside the array, whose pointer is aligned and not null; the caller promises the rest.
        unsafe { slice::from_raw_parts(self.pointer.add(first), count) }.to_vec()
    }

    /// Writes values from the `first` on.
    pub fn write(&mut self, first: usize, values: &[f64]) {
        assert!(first <= self.n && values.len() <= self.n - first, "a part outside of an array");
        if values.is_empty() {
            return;
        }
        // SAFETY: the part lies inside the array, whose pointer is aligned and not null. `values` belongs to this
        // library and does not overlap it.
        unsafe { ptr::copy_nonoverlapping(values.as_ptr(), self.pointer.add(first), values.len()) }
    }
}

impl Output {
    /// Whether the array shares memory with a slice.
    pub fn overlaps(&self, other: &[f64]) -> bool {
        let (own, other) = (self.pointer.addr(), other.as_ptr_range());
        own < other.end.addr() && other.start.addr() < own + 8 * self.n
    }

    /// The array, filled with zeros.
    ///
    /// # Safety
    /// Nothing else refers to the array as long as the slice is used.
    pub unsafe fn zeros(&mut self) -> &mut [f64] {
        if self.n == 0 {
            return &mut [];
        }
        // SAFETY: the array has room for n values, its pointer is aligned and not null, and zero bytes are numbers.
        unsafe {
            ptr::write_bytes(self.pointer, 0, self.n);
            slice::from_raw_parts_mut(self.pointer, self.n)
        }
    }
}

/// A variable of the caller for a value of this library.
pub(crate) struct Place<T>(*mut T);

// SAFETY: as for `Output`.
unsafe impl<T> Send for Place<T> {}

impl<T> Place<T> {
    /// # Safety
    /// A pointer that is not null points to a variable of its type that nobody else uses during the call.
    pub unsafe fn new(what: &str, pointer: *mut T) -> Outcome<Self> {
        check(what, pointer).map(|()| Self(pointer))
    }

    /// Sets the variable.
    pub fn set(&mut self, value: T) {
        // SAFETY: the pointer is aligned and not null, and points to a variable of the caller.
        unsafe { self.0.write(value) }
    }

    /// The present value.
    ///
    /// # Safety
    /// The variable is initialised.
    pub unsafe fn value(&self) -> T
    where
        T: Copy,
    {
        // SAFETY: as for `set`, and the caller promises that the variable has a value.
        unsafe { self.0.read() }
    }
}

impl<H> Place<*mut H> {
    /// As [`new`](Self::new), and sets the variable to null until there is an object.
    ///
    /// # Safety
    /// As for [`new`](Self::new).
    pub unsafe fn empty(what: &str, pointer: *mut *mut H) -> Outcome<Self> {
        // SAFETY: the rules are the same.
        let mut place = unsafe { Self::new(what, pointer)? };
        place.set(ptr::null_mut());
        Ok(place)
    }

    /// As [`empty`](Self::empty); null means that the caller does not want the object.
    ///
    /// # Safety
    /// As for [`new`](Self::new).
    pub unsafe fn optional(what: &str, pointer: *mut *mut H) -> Outcome<Option<Self>> {
        // SAFETY: the rules are the same.
        if pointer.is_null() { Ok(None) } else { unsafe { Self::empty(what, pointer) }.map(Some) }
    }
}

/// A text of the caller.
///
/// # Safety
/// A pointer that is not null points to bytes that end with a zero byte and do not change as long as the text is used.
pub(crate) unsafe fn text<'a>(what: &str, pointer: *const c_char) -> Outcome<&'a str> {
    check(what, pointer)?;
    // SAFETY: the pointer is not null, and the caller promises the zero byte.
    let bytes = unsafe { CStr::from_ptr(pointer) };
    bytes.to_str().map_err(|_| Failure::input(format!("{what} is not a text in UTF-8")))
}
