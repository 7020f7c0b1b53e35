//! The reader of Gmsh files.
#![no_main]

use libfuzzer_sys::fuzz_target;
use multigrad::gallery::TriangleMesh;
use multigrad_fuzz::{check_error, on_disk};

fuzz_target!(|bytes: &[u8]| {
    let (_folder, path) = on_disk(bytes);
    if let Err(e) = TriangleMesh::read_gmsh(&path) {
        check_error(&e);
    }
});
