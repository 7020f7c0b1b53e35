//! PETSc and MPI, through the functions of `native.c`.

// Foreign functions. Their contracts: handles come from the function that makes them and live until the one that frees
// them; arrays are as long as a preceding call said. Every call is in a safe method below, whose types keep both.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::marker::PhantomData;
use std::path::Path;

use crate::error::{Error, Result};
use crate::sparse::Csr;

type Handle = *mut c_void;

unsafe extern "C" {
    fn mgp_message() -> *const c_char;
    fn mgp_start(argc: c_int, argv: *mut *mut c_char) -> c_int;
    fn mgp_finish() -> c_int;
    fn mgp_abort(code: c_int);
    fn mgp_rank() -> c_int;
    fn mgp_size() -> c_int;
    fn mgp_index_bits() -> c_int;
    fn mgp_broadcast(bytes: *mut c_void, length: i64) -> c_int;
    fn mgp_reduce(value: *mut f64, operation: c_int) -> c_int;
    fn mgp_cpu_seconds() -> f64;
    fn mgp_options(text: *const c_char) -> c_int;
    fn mgp_forget(name: *const c_char) -> c_int;
    fn mgp_unused_options(names: *mut c_char, length: i64) -> c_int;
    fn mgp_load_solver(file: *const c_char, ksp: *mut Handle, matrix: *mut Handle) -> c_int;
    fn mgp_load_matrix(file: *const c_char, rows: i64, matrix: *mut Handle) -> c_int;
    fn mgp_matrix_size(matrix: Handle, global: *mut i64, local: *mut i64, entries: *mut f64) -> c_int;
    fn mgp_vector(matrix: Handle, values: *const f64, vector: *mut Handle) -> c_int;
    fn mgp_gather(vector: Handle, values: *mut f64) -> c_int;
    fn mgp_plain_solver(matrix: Handle, prefix: *const c_char, ksp: *mut Handle) -> c_int;
    fn mgp_set_up(ksp: Handle) -> c_int;
    fn mgp_solve(
        ksp: Handle,
        rhs: Handle,
        most: i64,
        solution: *mut Handle,
        iterations: *mut i64,
        reason: *mut c_int,
        residual: *mut f64,
    ) -> c_int;
    fn mgp_history(ksp: Handle, norms: *mut f64, length: i64, count: *mut i64) -> c_int;
    fn mgp_free_solver(ksp: Handle);
    fn mgp_free_vector(vector: Handle);
    fn mgp_free_matrix(matrix: Handle);
    fn mgp_hierarchy(
        matrix: Handle,
        prefix: *const c_char,
        hierarchy: *mut Handle,
        levels: *mut i64,
    ) -> c_int;
    fn mgp_free_hierarchy(hierarchy: Handle);
    fn mgp_block_of(
        hierarchy: Handle,
        level: i64,
        rings: c_int,
        block: *mut Handle,
        rows: *mut i64,
        entries: *mut i64,
        first: *mut i64,
        own: *mut i64,
    ) -> c_int;
    fn mgp_prolongation_of(
        hierarchy: Handle,
        level: i64,
        block: *mut Handle,
        rows: *mut i64,
        columns: *mut i64,
        entries: *mut i64,
    ) -> c_int;
    fn mgp_block(block: Handle, starts: *mut i64, columns: *mut i64, values: *mut f64) -> c_int;
    fn mgp_set_product(
        hierarchy: Handle,
        level: i64,
        side: c_int,
        rows: i64,
        starts: *const i64,
        columns: *const i64,
        values: *const f64,
    ) -> c_int;
    fn mgp_set_factors(
        hierarchy: Handle,
        level: i64,
        rows: i64,
        starts: *const i64,
        columns: *const i64,
        values: *const f64,
    ) -> c_int;
    fn mgp_solver_on(
        hierarchy: Handle,
        prefix: *const c_char,
        own: c_int,
        mirrored: c_int,
        ksp: *mut Handle,
    ) -> c_int;
}

/// Turns an error code into the sentence that belongs to it.
fn check(code: c_int) -> Result<()> {
    if code == 0 {
        return Ok(());
    }
    // A string that ends with zero, in memory that lives as long as the program.
    let text = unsafe { CStr::from_ptr(mgp_message()) }.to_string_lossy().into_owned();
    Err(Error::invalid_input(if text.is_empty() { format!("PETSc failed with code {code}") } else { text }))
}

fn text(text: &str) -> Result<CString> {
    CString::new(text).map_err(|_| Error::invalid_input(format!("{text:?} contains a zero byte")))
}

/// MPI and PETSc, from start to end. One at a time, on the thread that started it.
#[derive(Debug)]
pub struct Session {
    on_one_thread: PhantomData<*mut ()>,
}

/// A combination of the values of all ranks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reduction {
    /// Their sum.
    Sum,
    /// The largest.
    Largest,
    /// The least.
    Least,
}

impl Session {
    /// Starts MPI and PETSc with these options of PETSc, and checks version, widths and communicator.
    ///
    /// # Errors
    /// A library that differs from the one at build time; a launcher of another MPI.
    pub fn start(options: &[String]) -> Result<Self> {
        let mut words = vec![text("multigrad-petsc")?];
        words.extend(options.iter().map(|o| text(o)).collect::<Result<Vec<_>>>()?);
        let mut pointers: Vec<*mut c_char> = words.iter().map(|w| w.as_ptr().cast_mut()).collect();
        pointers.push(std::ptr::null_mut());
        let count = words.len() as c_int;
        // PETSc keeps the arguments until the program ends, and so must their memory.
        let argv = Box::leak(pointers.into_boxed_slice()).as_mut_ptr();
        words.into_iter().for_each(std::mem::forget);
        check(unsafe { mgp_start(count, argv) })?;
        Ok(Self { on_one_thread: PhantomData })
    }

    /// Ends PETSc and MPI. All handles must be gone.
    pub fn finish(self) {
        // A failure at the end changes nothing: the results are written.
        unsafe { mgp_finish() };
    }

    /// Ends all ranks at once with this exit code.
    pub fn abort(&self, code: i32) {
        unsafe { mgp_abort(code) }
    }

    /// Number of this rank, from 0.
    pub fn rank(&self) -> usize {
        unsafe { mgp_rank() }.unsigned_abs() as usize
    }

    /// Number of ranks.
    pub fn size(&self) -> usize {
        unsafe { mgp_size() }.unsigned_abs() as usize
    }

    /// Whether this is rank 0.
    pub fn is_root(&self) -> bool {
        self.rank() == 0
    }

    /// Bits of an index of this PETSc.
    pub fn index_bits(&self) -> usize {
        unsafe { mgp_index_bits() }.unsigned_abs() as usize
    }

    /// The bytes of rank 0 on every rank; all must pass the same length.
    pub fn broadcast(&self, bytes: &mut [u8]) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        check(unsafe { mgp_broadcast(bytes.as_mut_ptr().cast(), bytes.len() as i64) })
    }

    /// The values of all ranks as one.
    pub fn reduce(&self, value: f64, reduction: Reduction) -> Result<f64> {
        let (mut value, operation) = (value, reduction as c_int);
        check(unsafe { mgp_reduce(&mut value, operation) })?;
        Ok(value)
    }

    /// Processor seconds of this rank so far.
    pub fn cpu_seconds(&self) -> f64 {
        unsafe { mgp_cpu_seconds() }
    }

    /// Adds options of PETSc.
    pub fn options(&self, options: &str) -> Result<()> {
        let options = text(options)?;
        check(unsafe { mgp_options(options.as_ptr()) })
    }

    /// Takes back what [`options`](Self::options) has added with this text; the command line stays.
    pub fn forget(&self, options: &str) -> Result<()> {
        for name in options.split_whitespace().filter(|w| w.starts_with('-')) {
            let name = text(name)?;
            check(unsafe { mgp_forget(name.as_ptr()) })?;
        }
        Ok(())
    }

    /// Options of the command line that nothing has read.
    pub fn unused_options(&self) -> Result<String> {
        let mut names = vec![0u8; 4096];
        check(unsafe { mgp_unused_options(names.as_mut_ptr().cast(), names.len() as i64) })?;
        let end = names.iter().position(|&b| b == 0).unwrap_or_default();
        Ok(String::from_utf8_lossy(&names[..end]).into_owned())
    }

    /// The solver in an exported file, and its matrix.
    pub fn load_solver(&self, file: &Path) -> Result<(LinearSolver<'_>, Matrix<'_>)> {
        let file = text(&file.to_string_lossy())?;
        let (mut ksp, mut matrix) = (std::ptr::null_mut(), std::ptr::null_mut());
        check(unsafe { mgp_load_solver(file.as_ptr(), &mut ksp, &mut matrix) })?;
        Ok((LinearSolver(ksp, PhantomData), Matrix(matrix, PhantomData)))
    }

    /// The first matrix of a file, with this number of rows on this rank; `None` leaves the split to PETSc.
    pub fn load_matrix(&self, file: &Path, rows: Option<usize>) -> Result<Matrix<'_>> {
        let file = text(&file.to_string_lossy())?;
        let mut matrix = std::ptr::null_mut();
        check(unsafe { mgp_load_matrix(file.as_ptr(), rows.map_or(-1, |n| n as i64), &mut matrix) })?;
        Ok(Matrix(matrix, PhantomData))
    }
}

/// A distributed matrix.
#[derive(Debug)]
pub struct Matrix<'s>(Handle, PhantomData<&'s Session>);

impl<'s> Matrix<'s> {
    /// Rows of all ranks, rows of this one, entries of all.
    pub fn size(&self) -> Result<(usize, usize, f64)> {
        let (mut global, mut local, mut entries) = (0, 0, 0.0);
        check(unsafe { mgp_matrix_size(self.0, &mut global, &mut local, &mut entries) })?;
        Ok((global as usize, local as usize, entries))
    }

    /// A vector with the values that rank 0 passes; ones without values. Other ranks pass nothing.
    ///
    /// # Errors
    /// Another number of values than rows.
    pub fn vector(&self, values: Option<&[f64]>) -> Result<Vector<'s>> {
        let rows = self.size()?.0;
        if let Some(v) = values
            && v.len() != rows
        {
            return Err(Error::dimension(format!("{} values for a matrix of {rows} rows", v.len())));
        }
        let mut vector = std::ptr::null_mut();
        let values = values.map_or(std::ptr::null(), <[f64]>::as_ptr);
        check(unsafe { mgp_vector(self.0, values, &mut vector) })?;
        Ok(Vector(vector, PhantomData))
    }

    /// A solver of PETSc, configured by the options with this prefix.
    pub fn solver(&self, prefix: &str) -> Result<LinearSolver<'s>> {
        let (prefix, mut ksp) = (text(prefix)?, std::ptr::null_mut());
        check(unsafe { mgp_plain_solver(self.0, prefix.as_ptr(), &mut ksp) })?;
        Ok(LinearSolver(ksp, PhantomData))
    }

    /// The levels that the preconditioner with this prefix builds.
    pub fn levels(&self, prefix: &str) -> Result<Levels<'s>> {
        let (prefix, mut hierarchy, mut count) = (text(prefix)?, std::ptr::null_mut(), 0);
        check(unsafe { mgp_hierarchy(self.0, prefix.as_ptr(), &mut hierarchy, &mut count) })?;
        Ok(Levels { handle: hierarchy, count: count as usize, session: PhantomData })
    }
}

impl Drop for Matrix<'_> {
    fn drop(&mut self) {
        unsafe { mgp_free_matrix(self.0) }
    }
}

/// A distributed vector.
#[derive(Debug)]
pub struct Vector<'s>(Handle, PhantomData<&'s Session>);

impl<'s> Vector<'s> {
    /// All `rows` values on rank 0; nothing on other ranks.
    pub fn gather(&self, session: &Session, rows: usize) -> Result<Vec<f64>> {
        let mut values = vec![0.0; if session.is_root() { rows } else { 0 }];
        let pointer = if session.is_root() { values.as_mut_ptr() } else { std::ptr::null_mut() };
        check(unsafe { mgp_gather(self.0, pointer) })?;
        Ok(values)
    }
}

impl Drop for Vector<'_> {
    fn drop(&mut self) {
        unsafe { mgp_free_vector(self.0) }
    }
}

/// A solver of PETSc (`KSP`).
#[derive(Debug)]
pub struct LinearSolver<'s>(Handle, PhantomData<&'s Session>);

/// Result of a solve.
#[derive(Debug)]
pub struct Solved<'s> {
    /// x.
    pub x: Vector<'s>,
    /// Iterations.
    pub iterations: usize,
    /// `KSPConvergedReason`: positive if converged.
    pub reason: i32,
    /// ‖b − A x‖₂ / ‖b‖₂, computed anew.
    pub residual: f64,
}

impl<'s> LinearSolver<'s> {
    /// Prepares the first solve: factorisations and the like.
    pub fn set_up(&self) -> Result<()> {
        check(unsafe { mgp_set_up(self.0) })
    }

    /// Solves from a zero guess.
    pub fn solve(&self, b: &Vector<'_>) -> Result<Solved<'s>> {
        self.solve_at_most(b, usize::MAX)
    }

    /// Solves from a zero guess, with at most this number of iterations and that of the options.
    pub fn solve_at_most(&self, b: &Vector<'_>, most: usize) -> Result<Solved<'s>> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let (mut x, mut iterations, mut reason, mut residual) = (std::ptr::null_mut(), 0, 0, 0.0);
        check(unsafe { mgp_solve(self.0, b.0, most, &mut x, &mut iterations, &mut reason, &mut residual) })?;
        Ok(Solved { x: Vector(x, PhantomData), iterations: iterations as usize, reason, residual })
    }

    /// Norms of the residual that the last solve recorded.
    pub fn history(&self) -> Result<Vec<f64>> {
        let mut count = 0;
        check(unsafe { mgp_history(self.0, std::ptr::null_mut(), 0, &mut count) })?;
        let mut norms = vec![0.0; count as usize];
        check(unsafe { mgp_history(self.0, norms.as_mut_ptr(), count, &mut count) })?;
        Ok(norms)
    }
}

impl Drop for LinearSolver<'_> {
    fn drop(&mut self) {
        unsafe { mgp_free_solver(self.0) }
    }
}

/// The matrix of a level on the rows of a rank and rings of neighbours.
#[derive(Debug, Clone)]
pub struct Region {
    /// The matrix, rows and columns ascending by their numbers in the level.
    pub matrix: Csr<f64>,
    /// The places of the rank's own rows.
    pub own: std::ops::Range<usize>,
}

/// Reads a block and frees it.
fn read(block: Handle, (rows, cols): (usize, usize), entries: usize) -> Result<Csr<f64>> {
    let (mut starts, mut columns, mut values) = (vec![0; rows + 1], vec![0i64; entries], vec![0.0; entries]);
    check(unsafe { mgp_block(block, starts.as_mut_ptr(), columns.as_mut_ptr(), values.as_mut_ptr()) })?;
    // Matrices of other packages have rows in any order.
    let mut triplets = Vec::with_capacity(entries);
    for (i, w) in starts.windows(2).enumerate() {
        let places = w[0] as usize..w[1] as usize;
        triplets.extend(places.map(|p| (i, columns[p] as usize, values[p])));
    }
    Csr::from_triplets(rows, cols, &triplets)
}

/// Row pointers and columns.
fn pointers(a: &Csr<f64>) -> (Vec<i64>, Vec<i64>) {
    let wide = |list: &[u32]| list.iter().map(|&v| i64::from(v)).collect();
    (wide(a.pattern().row_ptr()), wide(a.pattern().col_idx()))
}

/// Levels of a hierarchy that PETSc has built, the coarsest first.
#[derive(Debug)]
pub struct Levels<'s> {
    handle: Handle,
    count: usize,
    session: PhantomData<&'s Session>,
}

impl<'s> Levels<'s> {
    /// Number of levels.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Makes the rows of this rank and as many rings of neighbours its region on a level, and takes the matrix there.
    ///
    /// # Errors
    /// A level that there is not; a matrix whose rows cannot be read.
    pub fn region(&mut self, level: usize, rings: usize) -> Result<Region> {
        self.check(level)?;
        let mut block = std::ptr::null_mut();
        let (mut rows, mut entries, mut first, mut own) = (0, 0, 0, 0);
        check(unsafe {
            mgp_block_of(
                self.handle,
                level as i64,
                rings as c_int,
                &mut block,
                &mut rows,
                &mut entries,
                &mut first,
                &mut own,
            )
        })?;
        let matrix = read(block, (rows as usize, rows as usize), entries as usize)?;
        Ok(Region { matrix, own: first as usize..(first + own) as usize })
    }

    /// The interpolation to a level from the coarser one, on the regions of both.
    ///
    /// # Errors
    /// A level that there is not, or the coarsest.
    pub fn prolongation(&self, level: usize) -> Result<Csr<f64>> {
        self.check(level)?;
        if level == 0 {
            return Err(Error::invalid_input("the coarsest level has no interpolation"));
        }
        let (mut block, mut rows, mut columns, mut entries) = (std::ptr::null_mut(), 0, 0, 0);
        check(unsafe {
            mgp_prolongation_of(self.handle, level as i64, &mut block, &mut rows, &mut columns, &mut entries)
        })?;
        read(block, (rows as usize, columns as usize), entries as usize)
    }

    /// Gives a level a smoother: the ILU(0) of this matrix on the region of this rank, whose corrections count on the
    /// rank's own rows.
    ///
    /// # Errors
    /// A level that there is not, and a matrix of another order than the region.
    pub fn set_factors(&mut self, level: usize, b: &Csr<f64>) -> Result<()> {
        self.check(level)?;
        let (starts, columns) = pointers(b);
        check(unsafe {
            mgp_set_factors(
                self.handle,
                level as i64,
                b.rows() as i64,
                starts.as_ptr(),
                columns.as_ptr(),
                b.values().as_ptr(),
            )
        })
    }

    /// Gives a level a smoother M before the coarse-grid correction, and another after it; `None` makes that one the
    /// transpose. The matrices hold the rows of this rank, with the columns of its region.
    ///
    /// # Errors
    /// A level that there is not, and matrices of other shapes.
    pub fn set_products(&mut self, level: usize, pre: &Csr<f64>, post: Option<&Csr<f64>>) -> Result<()> {
        self.check(level)?;
        for (side, m) in [(0, pre), (if post.is_some() { 1 } else { 2 }, post.unwrap_or(pre))] {
            let (starts, columns) = pointers(m);
            check(unsafe {
                mgp_set_product(
                    self.handle,
                    level as i64,
                    side,
                    m.rows() as i64,
                    starts.as_ptr(),
                    columns.as_ptr(),
                    m.values().as_ptr(),
                )
            })?;
        }
        Ok(())
    }

    /// A solver on these levels, configured by the options with this prefix. With `own`, levels use the smoothers that
    /// were set; `mirrored` transposes factors after the coarse-grid correction, for symmetric matrices.
    pub fn solver(&self, prefix: &str, own: bool, mirrored: bool) -> Result<LinearSolver<'s>> {
        let (prefix, mut ksp) = (text(prefix)?, std::ptr::null_mut());
        let (own, mirrored) = (c_int::from(own), c_int::from(mirrored));
        check(unsafe { mgp_solver_on(self.handle, prefix.as_ptr(), own, mirrored, &mut ksp) })?;
        Ok(LinearSolver(ksp, PhantomData))
    }

    fn check(&self, level: usize) -> Result<()> {
        if level < self.count {
            return Ok(());
        }
        Err(Error::invalid_input(format!("level {level} of a hierarchy of {} levels", self.count)))
    }
}

impl Drop for Levels<'_> {
    fn drop(&mut self) {
        unsafe { mgp_free_hierarchy(self.handle) }
    }
}
