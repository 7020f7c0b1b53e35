//! Errors of kernels that the emulator finds.

use super::super::arguments::{Address, arguments};
use super::super::{Cuda, Memory};
use crate::engine::{Executor, Resident, Reversible};

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

/// Runs a kernel of `kernels/emulator/faults.h`; returns its result or its error.
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
        ("fault_undefined", "uninitialised memory"),
        ("fault_two_writers", "a race with block"),
        ("fault_neighbour", "a race with block"),
        ("fault_constant", "read as constant"),
        ("fault_unaligned", "16 bytes that are not aligned: block 0, thread 0, at byte 8 of 640"),
        ("fault_readers", "a race with block"),
        ("fault_raised", "a race with block"),
        ("fault_no_barrier", ", thread"),
        ("fault_second_round", "a race with block"),
        ("fault_undefined_shared", "uninitialised memory"),
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

/// The host may read only written memory, also if the memory is reused.
#[test]
fn forgotten_memory_is_undefined() {
    let cuda = Cuda::emulated_with(1 << 20, false);
    let new: Memory<f64> = cuda.undefined(3);
    assert!(cuda.download(&new).unwrap_err().to_string().contains("uninitialised memory: byte 0 of 24"));
    let (x, mut y) = (cuda.upload(&[1.0; N]), cuda.upload(&[2.0; N]));
    cuda.forget(&mut y);
    assert!(cuda.download(&y).is_err());
    cuda.copy(&x, &mut y);
    assert_eq!(cuda.download(&y).unwrap(), [1.0; N]);
    let captured = cuda.capture(|| {
        cuda.forget(&mut y);
        cuda.combine(1.0, &x, 1.0, &mut y);
    });
    let captured = captured.unwrap();
    assert_eq!(captured.nodes(), 1);
    assert_eq!(cuda.download(&y).unwrap(), [1.0; N]);
    // SAFETY: the buffers are alive.
    let failure = unsafe { captured.run() }.unwrap_err();
    assert!(failure.to_string().contains("kernel combine: a read of uninitialised memory"), "{failure}");
}

/// An engine takes its buffers from a pool; reading their former contents is an error.
#[test]
fn buffers_of_an_engine_are_undefined_when_they_are_used_again() {
    let engine = Resident::<f64>::new(Cuda::emulated_with(1 << 20, false), 1);
    drop(engine.vector(&[1.0, 2.0]));
    assert!(engine.read(&engine.allocate(2)).is_err());
}
