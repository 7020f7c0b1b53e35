//! Readers of matrices: any bytes give a valid matrix or a sentence, in bounded memory.
#![no_main]

use libfuzzer_sys::fuzz_target;
use multigrad::sparse::MatrixFile;
use multigrad_fuzz::{check_error, check_matrix};

fuzz_target!(|bytes: &[u8]| match MatrixFile::parse(bytes, "fuzz") {
    Ok(file) => {
        check_matrix(&file.matrix);
        let rows = file.matrix.rows();
        assert!(file.rhs.is_none_or(|b| b.len() == rows && b.iter().all(|v| v.is_finite())));
    }
    Err(e) => check_error(&e),
});
