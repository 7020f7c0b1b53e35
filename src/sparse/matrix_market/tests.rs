//! Errors, damaged files and the variants of the format.

use proptest::prelude::*;

use super::*;
use crate::sparse::DenseMatrix;

fn message(text: impl AsRef<[u8]>) -> String {
    let error = parse_matrix(text.as_ref(), "f.mtx").unwrap_err();
    assert!(error.is_format() || error.is_dimension(), "{error:?}");
    let dense = parse_dense(text.as_ref(), "f.mtx").unwrap_err();
    assert_eq!(dense.to_string(), error.to_string());
    error.to_string()
}

fn coordinate(body: &str) -> String {
    format!("%%MatrixMarket matrix coordinate real general\n{body}")
}

fn check(text: impl AsRef<[u8]>, line: usize, part: &str) {
    let message = message(text);
    assert!(message.starts_with(&format!("f.mtx, line {line}: ")), "{message}");
    assert!(message.contains(part), "{message}");
}

#[test]
fn wrong_headers_are_named() {
    assert_eq!(message(""), "f.mtx: the file is empty");
    assert_eq!(message("\n \n\n"), "f.mtx: the file is empty");
    check(b"\x1f\x8b\x08\x00\x00", 1, "gzip");
    check(b"\x89PNG\r\n\x1a\n\x00\x00", 1, "binary file");
    check([b'a', 0xff, 0xfe, b'b'], 1, "binary file");
    check("1 1 1\n1 1 2.0\n", 1, "first line must be like '%%MatrixMarket matrix coordinate real general'");
    check("%MatrixMarket matrix coordinate real general\n", 1, "first line");
    check("%%MatrixMarket matrix coordinate real\n1 1 1\n", 1, "too short");
    check("%%MatrixMarket matrix coordinate real general x\n1 1 1\n", 1, "'x' is one field too many");
    check("%%MatrixMarket vector coordinate real general\n", 1, "object 'vector'");
    check("%%MatrixMarket matrix sparse real general\n", 1, "format 'sparse'");
    check("%%MatrixMarket matrix array pattern general\n", 1, "cannot have the field 'pattern'");
    check("%%MatrixMarket matrix coordinate complex general\n", 1, "real and the imaginary part");
    check("%%MatrixMarket matrix coordinate quaternion general\n", 1, "field 'quaternion'");
    check("%%MatrixMarket matrix coordinate real hermitian\n", 1, "'symmetric'");
    check("%%MatrixMarket matrix coordinate real cubic\n", 1, "symmetry 'cubic'");
    check("%%MatrixMarket matrix coordinate pattern skew-symmetric\n", 1, "no signs");
}

#[test]
fn wrong_sizes_are_named() {
    check(coordinate(""), 2, "ends before the line of the sizes");
    check(coordinate("% note\n\n2 2\n"), 4, "too short; it must hold the sizes: rows, columns, entries");
    check(coordinate("2 2 2 2\n"), 2, "one field too many");
    check(coordinate("2 x 2\n"), 2, "number of columns must be a whole number, found 'x'");
    check(coordinate("2 -2 2\n"), 2, "'-2'");
    check(coordinate("2 2 5\n"), 3, "declares 5 entries but ends after 0");
    check(coordinate("9 9 1000000000000\n1 1 1\n"), 4, "ends after 1;");
    check(coordinate("2 2 1 2 0\n1 1 1\n"), 2, "'2' is one field too many");
    check(coordinate("99999999999999999999999 9 1\n1 1 1\n"), 2, "32-bit");
    check(coordinate("4294967295 1 1\n1 1 1\n"), 2, "32-bit");
    check("%%MatrixMarket matrix coordinate real symmetric\n2 3 1\n1 1 1\n", 2, "declare it general");
    check("%%MatrixMarket matrix array real general\n2 2 4\n", 2, "one field too many");
}

#[test]
fn claims_allocate_nothing() {
    check(coordinate("4000000000 4000000000 1000000000000\n1 1 1\n"), 4, "ends after 1;");
    assert!(message(coordinate("4000000000 4000000000 1\n1 1 1\n")).contains("only 1 entries"));
    assert!(message(coordinate("1 4000000000 0\n")).contains("columns"));
    check("%%MatrixMarket matrix array real general\n4000000000 4000000000\n1\n", 4, "ends after 1;");
    assert!(parse_matrix(b"%%MatrixMarket matrix array real general\n4000000000 0\n", "f").is_err());
    // The sparse matrix is valid, the dense block is not.
    let text = coordinate("9000000 9000000 1\n1 1 1\n");
    assert_eq!(parse_matrix(text.as_bytes(), "f").unwrap().rows(), 9_000_000);
    assert!(parse_dense(text.as_bytes(), "f").unwrap_err().to_string().contains("dense block"));
}

#[test]
fn wrong_entries_are_named() {
    check(
        coordinate("3 3 3\n1 1 1\n% x\n2 2 2\n"),
        6,
        "declares 3 entries but ends after 2; it is truncated",
    );
    check(coordinate("3 3 1\n1 1 1\n\n2 2 2\n"), 5, "goes on after the 1 entries");
    check(coordinate("3 3 1\n0 1 1\n"), 3, "row 0 does not exist; indices count from 1");
    check(coordinate("3 3 1\n1 0 1\n"), 3, "column 0");
    check(coordinate("3 4 1\n4 1 1\n"), 3, "row '4' lies outside the 3 rows declared");
    check(coordinate("3 4 1\n1 18446744073709551617 1\n"), 3, "lies outside the 4 columns");
    check(coordinate("3 3 1\n1 1\n"), 3, "too short; it must hold row, column and value");
    check(coordinate("3 3 1\n1 1 1 1\n"), 3, "'1' is one field too many");
    check(coordinate("3 3 1\n1.0 1 1\n"), 3, "row must be a whole number, found '1.0'");
    check(coordinate("3 3 1\n2 3 nan\n"), 3, "'nan' in row 2, column 3 is not finite");
    check(coordinate("3 3 1\n2 3 -Inf\n"), 3, "not finite");
    check(coordinate("3 3 1\n2 3 1e999\n"), 3, "too large");
    check(coordinate("3 3 1\n2 3 1,5\n"), 3, "'1,5' in row 2, column 3 is not a number");
    check(b"%%MatrixMarket matrix coordinate real general\n1 1 1\n1 1 \xff\x00\n", 3, r"'\xff\x00'");
    check("%%MatrixMarket matrix coordinate integer general\n1 1 1\n1 1 1.5\n", 3, "not an integer");
    check("%%MatrixMarket matrix coordinate pattern general\n1 1 1\n1 1 1\n", 3, "row and column");
    check("%%MatrixMarket matrix coordinate integer general\n1 1 1\n1 1 9007199254740993\n", 3, "above 2^53");
    check(
        "%%MatrixMarket matrix array integer general\n1 2\n-9007199254740992\n-1e16\n",
        4,
        "row 1, column 2 is an",
    );
    let twice = parse_dense(coordinate("3 3 2\n2 2 1\n2 2 5\n").as_bytes(), "f").unwrap_err();
    assert!(twice.to_string().contains("once"), "{twice}");
}

#[test]
fn triangles_are_checked() {
    let symmetric = "%%MatrixMarket matrix coordinate real symmetric\n";
    let contradiction =
        parse_matrix(format!("{symmetric}2 2 2\n1 2 1\n2 1 2\n").as_bytes(), "f").unwrap_err();
    assert!(
        contradiction.to_string().starts_with("f: row 1, column 2 has the value 1 and its mirror image 2")
    );
    let skew = "%%MatrixMarket matrix coordinate real skew-symmetric\n";
    check(format!("{skew}2 2 1\n2 2 1\n"), 3, "diagonal entry in row 2 is 1");
    let a = parse_dense(format!("{skew}2 2 2\n2 1 3\n2 2 0\n").as_bytes(), "f").unwrap();
    assert_eq!(a, DenseMatrix::from([[0.0, -3.0], [3.0, 0.0]]));
    let array = "%%MatrixMarket matrix array real";
    let a = parse_dense(format!("{array} symmetric\n2 2\n1\n2\n3\n").as_bytes(), "f").unwrap();
    assert_eq!(a, DenseMatrix::from([[1.0, 2.0], [2.0, 3.0]]));
    let a = parse_dense(format!("{array} skew-symmetric\n3 3\n1\n2\n3\n").as_bytes(), "f").unwrap();
    assert_eq!(a, DenseMatrix::from([[0.0, -1.0, -2.0], [1.0, 0.0, -3.0], [2.0, 3.0, 0.0]]));
}

#[test]
fn liberties_are_tolerated() -> Result<()> {
    let text = "\u{feff}\n%%matrixmarket MATRIX Coordinate Double GENERAL\r\n%\r\n% B\u{e4}r\r\n\r\n  3\t3  4 \r\n\
                3 1 +1.5D+2\r\n%\n1 2 .5\n1 1 -2.\r\n\t2 2 1d-3";
    let a = parse_matrix(text.as_bytes(), "f")?;
    assert_eq!(a.pattern().col_idx(), [0, 1, 1, 0]);
    assert_eq!(a.values(), [-2.0, 0.5, 1e-3, 150.0]);
    // Comments may be in any encoding.
    let latin = b"%%MatrixMarket matrix coordinate pattern symmetric\n% B\xe4r\n2 2 2\n2 1\n2 2\n";
    assert_eq!(parse_dense(latin, "f")?, DenseMatrix::from([[0.0, 1.0], [1.0, 1.0]]));
    Ok(())
}

#[test]
fn vectors_have_one_direction() -> Result<()> {
    let array = "%%MatrixMarket matrix array real general\n";
    assert_eq!(parse_vector(format!("{array}2 1\n1\n2\n").as_bytes(), "f")?, [1.0, 2.0]);
    assert_eq!(parse_vector(format!("{array}1 2\n1\n2\n").as_bytes(), "f")?, [1.0, 2.0]);
    let error = parse_vector(format!("{array}2 2\n1\n2\n3\n4\n").as_bytes(), "f").unwrap_err();
    assert!(error.is_dimension() && error.to_string().contains("2 × 2"), "{error}");
    Ok(())
}

#[test]
fn explicit_zeros_stay_in_sparse_and_leave_dense_files() -> Result<()> {
    assert_eq!(parse_matrix(coordinate("2 2 2\n1 1 0\n2 2 1\n").as_bytes(), "f")?.nnz(), 2);
    let array = b"%%MatrixMarket matrix array real general\n2 2\n0\n1\n-0.0\n2\n";
    assert_eq!(parse_matrix(array, "f")?.nnz(), 2);
    Ok(())
}

/// The dense matrix and the notices.
fn file(text: &str) -> (DenseMatrix, Option<Vec<f64>>, Vec<String>) {
    let mut notices = Vec::new();
    let (a, rhs) = parse_file(text.as_bytes(), "f", &mut notices).unwrap();
    assert_eq!(parse_matrix(text.as_bytes(), "f").unwrap(), a);
    (DenseMatrix::from_fn(a.rows(), a.cols(), |i, j| a.get(i, j)), rhs, notices)
}

#[test]
fn repeated_places_are_added_with_a_notice() {
    let (a, _, notices) = file(&coordinate("2 2 5\n1 2 1\n1 1 4\n1 2 2\n1 2 3\n2 2 1\n"));
    assert_eq!(a, DenseMatrix::from([[4.0, 6.0], [0.0, 1.0]]));
    assert!(
        notices[0].starts_with("2 entries repeat") && notices[0].ends_with("row 1, column 2"),
        "{notices:?}"
    );
    let (a, _, notices) =
        file("%%MatrixMarket matrix coordinate real symmetric\n2 2 4\n1 1 4\n2 1 1\n2 1 2\n2 2 9\n");
    assert_eq!(a, DenseMatrix::from([[4.0, 3.0], [3.0, 9.0]]));
    assert!(
        notices[0].starts_with("1 entry repeats") && notices[0].ends_with("row 2, column 1"),
        "{notices:?}"
    );
    let overflow = parse_matrix(coordinate("1 1 2\n1 1 1e308\n1 1 1e308\n").as_bytes(), "f").unwrap_err();
    assert!(overflow.to_string().contains("row 1, column 1 add up"), "{overflow}");
}

#[test]
fn upper_triangles_are_mirrored_with_a_notice() {
    let symmetric = "%%MatrixMarket matrix coordinate real symmetric\n";
    let expected = DenseMatrix::from([[1.0, 5.0, 0.0], [5.0, 0.0, 6.0], [0.0, 6.0, 2.0]]);
    let (a, _, notices) = file(&format!("{symmetric}3 3 4\n1 1 1\n1 2 5\n3 2 6\n3 3 2\n"));
    assert_eq!(a, expected);
    assert!(notices[0].contains("above the diagonal (1) were mirrored"), "{notices:?}");
    let (a, _, notices) = file(&format!("{symmetric}3 3 6\n1 1 1\n1 2 5\n2 1 5\n2 3 6\n3 2 6\n3 3 2\n"));
    assert_eq!(a, expected);
    assert!(notices[0].contains("both triangles are listed; 2"), "{notices:?}");
    let (a, _, _) = file("%%MatrixMarket matrix coordinate real skew-symmetric\n2 2 1\n1 2 3\n");
    assert_eq!(a, DenseMatrix::from([[0.0, 3.0], [-3.0, 0.0]]));
}

#[test]
fn right_hand_sides_follow_the_matrix() {
    let matrix = coordinate("2 2 2\n1 1 4\n2 2 5\n");
    let array = "%%MatrixMarket matrix array real general\n";
    let (_, rhs, notices) = file(&format!("{matrix}% b\n\n{array}% c\n2 1\n7\n8\n"));
    assert_eq!((rhs, notices.len()), (Some(vec![7.0, 8.0]), 0));
    let (_, rhs, notices) = file(&format!("{matrix}{array}2 2\n7\n8\n9\n9\n{array}2 1\n0\n0\n"));
    assert_eq!(rhs, Some(vec![7.0, 8.0]));
    assert!(notices[0].contains("2 right-hand sides") && notices[1].contains("line 11"), "{notices:?}");
    let (_, rhs, notices) = file(&coordinate("2 2 1 1 1\n1 1 4\n2 8\n1 7\n1 0\n2 0\n"));
    assert!(rhs == Some(vec![7.0, 8.0]) && notices[0].contains("solution"), "{notices:?}");
    let message = |text: &str| parse_matrix(text.as_bytes(), "f").unwrap_err().to_string();
    let wrong = message(&format!("{matrix}{array}3 1\n7\n8\n9\n"));
    assert!(wrong.starts_with("f, line 5: a 3 × 1 right-hand side follows a matrix of 2 rows"), "{wrong}");
    assert!(
        message(&format!("{matrix}{array}2 1\n7\n")).starts_with("f, line 8: the file declares 2 entries")
    );
    assert!(message(&coordinate("2 2 1 1 0\n1 1 4\n2 8\n")).contains("2 values but ends after 1"));
    assert!(message(&coordinate("2 2 1 1 0\n1 1 4\n2 8\n2 7\n")).contains("row 2 of the right-hand side"));
    // A vector or a block is the only content of its file.
    let text = format!("{array}2 1\n1\n2\n{array}2 1\n7\n8\n");
    assert!(parse_vector(text.as_bytes(), "f").unwrap_err().to_string().contains("goes on after"));
}

/// Small valid files of every kind.
const SEEDS: [&str; 9] = [
    "%%MatrixMarket matrix coordinate real general\n% c\n3 3 4\n1 1 4.5\n2 1 -1e-3\n2 2 4\n3 3 1D2\n",
    "%%MatrixMarket matrix coordinate integer symmetric\n3 3 3\n1 1 4\n2 1 -1\n3 3 7\n",
    "%%MatrixMarket matrix coordinate pattern general\n4 12 3\n1 10\n4 12\n3 3\n",
    "%%MatrixMarket matrix coordinate real skew-symmetric\n3 3 2\n2 1 1.5\n3 2 -2\n",
    "%%MatrixMarket matrix array real general\n3 2\n1\n2\n3.5\n4\n5e0\n6\n",
    "%%MatrixMarket matrix array real symmetric\n2 2\n1\n2\n3\n",
    "%%MatrixMarket matrix coordinate real symmetric\n3 3 3\n1 1 4\n1 2 -1\n1 2 7\n",
    "%%MatrixMarket matrix coordinate real general\n2 2 1\n1 1 4\n%%MatrixMarket matrix array real general\n2 1\n1\n2\n",
    "%%MatrixMarket matrix coordinate real general\n2 2 1 1 1\n1 1 4\n1 1\n2 1\n1 0\n2 0\n",
];

fn parse_all(bytes: &[u8]) {
    if let Ok(a) = parse_matrix(bytes, "f") {
        let p = a.pattern();
        let checked = Csr::from_csr(a.rows(), a.cols(), p.row_ptr(), p.col_idx(), a.values().to_vec());
        assert_eq!(checked.unwrap(), a);
    }
    let _ = parse_dense(bytes, "f");
    let _ = parse_vector(bytes, "f");
}

#[test]
fn every_truncation_is_handled() {
    for seed in SEEDS {
        assert!(parse_matrix(seed.as_bytes(), "f").is_ok(), "{seed}");
        for end in 0..seed.len() {
            parse_all(&seed.as_bytes()[..end]);
        }
    }
}

#[test]
fn every_single_byte_may_change() {
    for seed in SEEDS {
        for at in 0..seed.len() {
            for byte in [0, b'\n', b' ', b'%', b'-', b'.', b'0', b'1', b'9', b'D', b'x', 0x80, 0xff] {
                let mut bytes = seed.as_bytes().to_vec();
                bytes[at] = byte;
                parse_all(&bytes);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, rng_seed: proptest::test_runner::RngSeed::Fixed(1), ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn damage_never_panics(
        seed in 0..SEEDS.len(),
        damage in proptest::collection::vec((0..200usize, any::<u8>(), 0..3u8), 1..6),
    ) {
        let mut bytes = SEEDS[seed].as_bytes().to_vec();
        for (at, byte, kind) in damage {
            let at = at % bytes.len().max(1);
            match kind {
                0 if at < bytes.len() => bytes[at] = byte,
                1 => bytes.insert(at, byte % 64),
                _ => bytes.truncate(at.max(30)),
            }
        }
        parse_all(&bytes);
    }

    #[test]
    fn anything_behind_a_header_never_panics(
        body in "[0-9 \n%.eE+-]{0,80}",
        seed in 0..SEEDS.len(),
    ) {
        let banner = SEEDS[seed].lines().next().unwrap_or_default();
        parse_all(format!("{banner}\n{body}").as_bytes());
    }
}
