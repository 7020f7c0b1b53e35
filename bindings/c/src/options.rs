//! Options: the object and its values.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use multigrad::sparse::DenseMatrix;
use multigrad::{CycleKind, Krylov, Limits, Relaxation, Setup, SolveOptions};

use crate::callback::OnIteration;
use crate::guard::guarded;
use crate::matrix::free;
use crate::memory::Place;
use crate::status::{Outcome, mg_status};
use crate::table::{self, handle};

/// Options of the functions that create, train and run solvers. Every function takes null for the defaults.
///
/// A function uses the options that its description names, and reads them when it is called: a later change has no
/// effect on a solver that exists.
pub struct mg_options;

handle!(mg_options, Options, RwLock<Options>);

/// The values of options.
#[derive(Clone)]
pub(crate) struct Options {
    pub setup: Option<Setup>,
    pub relaxation: Option<Relaxation>,
    pub cycle: Option<(CycleKind, usize, usize)>,
    pub single: bool,
    pub near_nullspace: Option<Arc<DenseMatrix>>,
    pub learning: Option<f64>,
    pub seed: u64,
    pub krylov: Option<Krylov>,
    pub rtol: f64,
    pub atol: f64,
    pub max_iterations: usize,
    pub restart: usize,
    pub direct_limit: Option<usize>,
    pub least_squares: bool,
    pub initial_guess: bool,
    pub on_iteration: Option<OnIteration>,
    pub time_limit: Option<Duration>,
    pub memory_limit: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            setup: None,
            relaxation: None,
            cycle: None,
            single: false,
            near_nullspace: None,
            learning: None,
            seed: 0,
            krylov: None,
            rtol: 1e-8,
            atol: 0.0,
            max_iterations: 500,
            restart: 30,
            direct_limit: None,
            least_squares: false,
            initial_guess: false,
            on_iteration: None,
            time_limit: None,
            memory_limit: None,
        }
    }
}

impl Options {
    /// The values behind a handle; the defaults for null.
    pub fn of(options: *const mg_options) -> Outcome<Self> {
        if options.is_null() {
            return Ok(Self::default());
        }
        Ok(table::get(options)?.read().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// The options of a solve of the library.
    pub fn of_a_solve(&self) -> SolveOptions<'_> {
        let mut options = SolveOptions::new()
            .rtol(self.rtol)
            .atol(self.atol)
            .max_iterations(self.max_iterations)
            .restart(self.restart)
            .least_squares(self.least_squares);
        if let Some(entries) = self.direct_limit {
            options = options.direct_limit(entries);
        }
        match self.krylov {
            Some(krylov) => options.krylov(krylov),
            None => options,
        }
    }

    /// The limits of time and memory.
    pub fn limits(&self) -> Limits {
        let mut limits = Limits::new();
        if let Some(time) = self.time_limit {
            limits = limits.time(time);
        }
        match self.memory_limit {
            Some(bytes) => limits.memory(bytes),
            None => limits,
        }
    }
}

/// Changes options by a function that may refuse.
pub(crate) fn change(options: *mut mg_options, f: impl FnOnce(&mut Options) -> Outcome) -> mg_status {
    guarded(|| {
        let own = table::get(options.cast_const())?;
        let mut values = own.write().unwrap_or_else(PoisonError::into_inner);
        f(&mut values)
    })
}

/// Creates options with default values. `options` receives them; free them by mg_options_free().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mg_options_create(options: *mut *mut mg_options) -> mg_status {
    guarded(|| {
        // SAFETY: the header asks for a variable of this type.
        let mut place = unsafe { Place::empty("the variable for the options", options)? };
        place.set(table::insert(RwLock::new(Options::default())));
        Ok(())
    })
}

/// Frees options and sets `*options` to null. Null options are permitted.
///
/// Errors: MG_INVALID_HANDLE for a handle that is not mg_options; it is then unchanged.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mg_options_free(options: *mut *mut mg_options) -> mg_status {
    // SAFETY: the header asks for a variable of this type that is initialised.
    guarded(|| unsafe { free(options) })
}
