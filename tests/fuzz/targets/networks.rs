//! Files of networks: any bytes, and edits of a valid file.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use multigrad::learn::{SchwarzNetwork, SmootherNetwork};
use multigrad_fuzz::{check_error, edited};

fn seed() -> &'static [u8] {
    static SEED: OnceLock<Vec<u8>> = OnceLock::new();
    SEED.get_or_init(|| SmootherNetwork::new(3, 1, 1).to_bytes().expect("a network"))
}

fuzz_target!(|bytes: &[u8]| {
    for content in [bytes.to_vec(), edited(seed(), 12, bytes)] {
        if let Err(e) = SmootherNetwork::from_bytes(&content) {
            check_error(&e);
        }
        if let Err(e) = SchwarzNetwork::from_bytes(&content) {
            check_error(&e);
        }
    }
});
