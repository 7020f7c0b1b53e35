//! Variables of MATLAB's `.mat` files, as they stand and compressed, in both byte orders.
#![no_main]

use std::io::Write;

use libfuzzer_sys::fuzz_target;
use multigrad::sparse::MatrixFile;
use multigrad_fuzz::{check_error, check_matrix, on_disk};

fuzz_target!(|bytes: &[u8]| {
    let Some((&first, variable)) = bytes.split_first() else { return };
    let is_little = first & 1 == 0;
    let mut file = format!("{:<124}", "MATLAB 5.0 MAT-file").into_bytes();
    file.extend_from_slice(if is_little { b"\x00\x01IM" } else { b"\x01\x00MI" });
    let mut compressed = file.clone();
    file.extend_from_slice(variable);
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    zlib.write_all(variable).expect("memory");
    let packed = zlib.finish().expect("memory");
    for word in [15, packed.len() as u32] {
        compressed.extend_from_slice(&if is_little { word.to_le_bytes() } else { word.to_be_bytes() });
    }
    compressed.extend_from_slice(&packed);
    for content in [file, compressed] {
        match MatrixFile::parse(&content, "fuzz") {
            Ok(file) => {
                check_matrix(&file.matrix);
                let rows = file.matrix.rows();
                assert!(file.rhs.is_none_or(|b| b.len() == rows && b.iter().all(|v| v.is_finite())));
            }
            Err(e) => check_error(&e),
        }
        let (_folder, path) = on_disk(&content);
        match MatrixFile::read_vector(&path) {
            Ok(b) => assert!(b.iter().all(|v| v.is_finite())),
            Err(e) => check_error(&e),
        }
        match MatrixFile::read_dense(&path) {
            Ok(block) => assert_eq!(block.values().len(), block.rows() * block.cols()),
            Err(e) => check_error(&e),
        }
    }
});
