//! Readers of vectors and dense blocks, from files with and without gzip.
#![no_main]

use std::io::Write;

use libfuzzer_sys::fuzz_target;
use multigrad::sparse::MatrixFile;
use multigrad_fuzz::{check_error, on_disk};

fuzz_target!(|bytes: &[u8]| {
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(bytes).expect("memory");
    for content in [bytes.to_vec(), gz.finish().expect("memory")] {
        let (_folder, path) = on_disk(&content);
        match MatrixFile::read_vector(&path) {
            Ok(b) => assert!(b.iter().all(|v| v.is_finite())),
            Err(e) => check_error(&e),
        }
        match MatrixFile::read_dense(&path) {
            Ok(block) => assert_eq!(block.values().len(), block.rows() * block.cols()),
            Err(e) => check_error(&e),
        }
        if let Err(e) = MatrixFile::read_within(&path, 1 << 16) {
            check_error(&e);
        }
    }
});
