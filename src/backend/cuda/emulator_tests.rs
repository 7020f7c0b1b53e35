//! The emulator finds what kernels do wrong.

use super::super::arguments::{Address, arguments};
use super::super::{Cuda, Memory};

arguments! {
    Faulty {
        x: Address,
        y: Address,
        n: u32,
        wrong: u32,
    }
}

/// Values, more than two blocks.
const N: usize = 80;

/// Runs a kernel of `kernels/emulator/faults.h`; its result or what is wrong with it.
fn run(kernel: &'static str, wrong: bool, descending: bool) -> Result<Vec<f64>, String> {
    let cuda = Cuda::emulated_with(1 << 20, descending);
    let x: Memory<f64> = cuda.upload(&(0..N).map(|i| i as f64).collect::<Vec<_>>());
    let mut y: Memory<f64> = cuda.undefined(N);
    if kernel != "fault_undefined" {
        cuda.clear(&mut y);
    }
    let arguments = Faulty { x: (&x).into(), y: (&y).into(), n: N as u32, wrong: u32::from(wrong) };
    cuda.launch::<f64, _>(kernel, (3, 32, 32 * 8), true, &arguments);
    cuda.download(&y).map_err(|e| e.to_string())
}

#[test]
fn faults_of_kernels_are_found_in_any_order_and_right_ones_pass() {
    for (kernel, problem) in [
        ("fault_outside", "outside all buffers: block 2, thread 16, at byte 640"),
        ("fault_far_outside", "outside all buffers"),
        ("fault_undefined", "nothing has written"),
        ("fault_two_writers", "a race with block"),
        ("fault_neighbour", "a race with block"),
        ("fault_constant", "read as constant"),
        ("fault_raised", "a race with block"),
        ("fault_no_barrier", ", thread"),
        ("fault_second_round", "a race with block"),
        ("fault_undefined_shared", "nothing has written"),
        ("fault_no_meeting", "do not meet"),
    ] {
        for descending in [false, true] {
            let right = run(kernel, false, descending);
            assert!(right.is_ok(), "{kernel}: {right:?}");
            let wrong = run(kernel, true, descending).expect_err(kernel);
            assert!(wrong.contains(problem), "{kernel}: {wrong}");
        }
    }
}
