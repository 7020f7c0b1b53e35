//! All objects behind handles.
//!
//! A handle is a number in the type of a pointer. Numbers are not used twice, so a handle that has been freed is
//! recognised. A call keeps its object alive: it may be freed from another thread meanwhile.

use std::collections::HashMap;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use multigrad::Csr;

use crate::access::SolverCell;
use crate::options::Options;
use crate::result::Columns;
use crate::status::{Failure, Outcome, mg_status};

/// The type of an exported handle.
pub(crate) trait Handle {
    /// The value behind the handle.
    type Object;
    /// Name of the type in C.
    const NAME: &'static str;
    /// The object as an entry of the table.
    fn entry(object: Arc<Self::Object>) -> Entry;
    /// The object of an entry, if it is of this kind.
    fn of(entry: &Entry) -> Option<&Arc<Self::Object>>;
}

/// An object of the table.
pub(crate) enum Entry {
    Matrix(Arc<Csr<f64>>),
    Options(Arc<RwLock<Options>>),
    Solver(Arc<SolverCell>),
    Result(Arc<Columns>),
}

/// Makes `Handle` of an exported type.
macro_rules! handle {
    ($type:ident, $variant:ident, $object:ty) => {
        impl $crate::table::Handle for $type {
            type Object = $object;
            const NAME: &'static str = stringify!($type);

            fn entry(object: std::sync::Arc<Self::Object>) -> $crate::table::Entry {
                $crate::table::Entry::$variant(object)
            }

            fn of(entry: &$crate::table::Entry) -> Option<&std::sync::Arc<Self::Object>> {
                match entry {
                    $crate::table::Entry::$variant(object) => Some(object),
                    _ => None,
                }
            }
        }
    };
}
pub(crate) use handle;

impl Entry {
    fn name(&self) -> &'static str {
        match self {
            Entry::Matrix(_) => "mg_matrix",
            Entry::Options(_) => "mg_options",
            Entry::Solver(_) => "mg_solver",
            Entry::Result(_) => "mg_result",
        }
    }
}

static TABLE: LazyLock<RwLock<HashMap<usize, Entry>>> = LazyLock::new(RwLock::default);

/// Distance of the numbers, so that they look like addresses of objects.
const STEP: usize = 16;

static NEXT: AtomicUsize = AtomicUsize::new(1);

/// Puts an object into the table.
pub(crate) fn insert<H: Handle>(object: H::Object) -> *mut H {
    let number = NEXT.fetch_add(1, Ordering::Relaxed) * STEP;
    let entry = H::entry(Arc::new(object));
    TABLE.write().unwrap_or_else(PoisonError::into_inner).insert(number, entry);
    ptr::without_provenance_mut(number)
}

/// The object of a handle.
pub(crate) fn get<H: Handle>(handle: *const H) -> Outcome<Arc<H::Object>> {
    let table = TABLE.read().unwrap_or_else(PoisonError::into_inner);
    match table.get(&handle.addr()) {
        Some(entry) => H::of(entry).cloned().ok_or_else(|| other_kind::<H>(entry)),
        None => Err(unknown::<H>(handle)),
    }
}

/// Takes the object of a handle out of the table.
pub(crate) fn remove<H: Handle>(handle: *const H) -> Outcome {
    let mut table = TABLE.write().unwrap_or_else(PoisonError::into_inner);
    let found = match table.get(&handle.addr()) {
        Some(entry) if H::of(entry).is_some() => table.remove(&handle.addr()),
        Some(entry) => return Err(other_kind::<H>(entry)),
        None => return Err(unknown::<H>(handle)),
    };
    // Large objects are destroyed after the table is free for others.
    drop(table);
    drop(found);
    Ok(())
}

fn other_kind<H: Handle>(entry: &Entry) -> Failure {
    let message = format!("the handle is a {}, but the argument must be a {}", entry.name(), H::NAME);
    Failure::new(mg_status::MG_INVALID_HANDLE, message)
}

fn unknown<H: Handle>(handle: *const H) -> Failure {
    let message = match handle.is_null() {
        true => format!("the handle of type {} is null; create the object first", H::NAME),
        false => format!("the handle of type {} was never created, or has been freed", H::NAME),
    };
    Failure::new(mg_status::MG_INVALID_HANDLE, message)
}
