//! Argument structs of kernels, with the same layout in Rust and C.

use super::memory::{Memory, Plain};

/// Arguments of a kernel: a `repr(C)` struct of 8-byte fields and pairs of 4-byte fields, as in the kernel file.
///
/// # Safety
/// Fields, order and widths are those of the struct in the kernel file, and the kernel stays within the
/// buffers whose addresses it is given, for the lengths it is given.
pub(crate) unsafe trait Arguments: Copy {}

/// The address of a buffer that a kernel reads or writes; zero if there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct Address(u64);

impl Address {
    /// No buffer.
    pub const NONE: Address = Address(0);
}

impl<V: Plain> From<&Memory<V>> for Address {
    fn from(memory: &Memory<V>) -> Self {
        Address(memory.address())
    }
}

impl<V: Plain> From<&mut Memory<V>> for Address {
    fn from(memory: &mut Memory<V>) -> Self {
        Address(memory.address())
    }
}

impl<V: Plain> From<Option<&Memory<V>>> for Address {
    fn from(memory: Option<&Memory<V>>) -> Self {
        memory.map_or(Self::NONE, Self::from)
    }
}

/// Declares argument structs.
macro_rules! arguments {
    ($($(#[$meta:meta])* $name:ident { $($field:ident: $kind:ty),* $(,)? })*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy)]
        #[repr(C)]
        pub(crate) struct $name { $(pub $field: $kind),* }
        const _: () = assert!(
            size_of::<$name>() == 0 $(+ size_of::<$kind>())*,
            concat!("padding in ", stringify!($name), ": 8-byte fields first, 4-byte fields in pairs"),
        );
        // SAFETY: declared beside the launches that check lengths; the emulator compares the size with that
        // of the struct in C, and its tests guard the ends of every buffer.
        #[allow(unsafe_code, reason = "an empty trait that vouches for the layout")]
        unsafe impl $crate::backend::cuda::Arguments for $name {}
    )*};
}
pub(crate) use arguments;
