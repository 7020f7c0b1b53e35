//! Files that expand, and files with wrong bytes.

use super::super::blocks::{parse_dense, parse_vector};
use super::super::{MatrixFile, tests::check};
use super::tests::{LIMIT, LITTLE, Writer, refused};

#[test]
fn expansion_is_limited() {
    let w = LITTLE;
    let zeros = w.array(8, &[1000, 1000], "b", &[w.element(1, vec![0; 1_000_000])]);
    let bytes = w.file(&[w.compressed(&zeros), w.compressed(&w.sparse("A"))]);
    assert!(bytes.len() < 3000);
    // What is not wanted is not unpacked.
    assert_eq!(MatrixFile::parse_limited(&bytes, "f", 1000).unwrap().notices.len(), 1);
    let bytes = w.file(&[w.compressed(&zeros)]);
    let limited = |limit| MatrixFile::parse_limited(&bytes, "f", limit).unwrap_err().to_string();
    assert!(limited(1 << 16).contains("beyond the limit"), "{}", limited(1 << 16));
    assert!(limited(1 << 21).contains("takes 8000000 bytes in memory"), "{}", limited(1 << 21));
    let many = w.file(&vec![w.column("x", &[1.0]); 10_001]);
    refused(&many, &["more than 10000 variables"]);
}

#[test]
fn damaged_files_are_handled() {
    for w in [LITTLE, Writer { big_endian: true }] {
        let variables = [w.sparse("A"), w.column("b", &[3.0, 5.0])];
        let seeds = [
            w.file(&variables),
            w.file(&variables.map(|v| w.compressed(&v))),
            w.file(&[w.problem("Problem")]),
            w.file(&[w.compressed(&w.problem("Problem"))]),
        ];
        for seed in seeds {
            let vectors = |bytes: &[u8]| {
                check(bytes);
                let vector = parse_vector(bytes, "f", LIMIT);
                assert!(vector.is_err() || vector.is_ok_and(|b| b.iter().all(|v| v.is_finite())));
                let block = parse_dense(bytes, "f", LIMIT);
                assert!(block.is_err() || block.is_ok_and(|b| b.values().len() == b.rows() * b.cols()));
            };
            (0..seed.len()).for_each(|end| vectors(&seed[..end]));
            for at in 0..seed.len() {
                for value in [0, 1, 2, 5, 14, 15, 0x7f, 0x80, 0xff, !seed[at], seed[at] ^ 1] {
                    let mut bytes = seed.clone();
                    bytes[at] = value;
                    vectors(&bytes);
                }
            }
        }
    }
}
