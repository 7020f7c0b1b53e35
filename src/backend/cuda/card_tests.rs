//! GPUs: errors of opening without one; copies, kernels, captures and failures with one.

use super::super::compile::Target;
use super::super::context::refusal;
use super::super::driver::Precision;
use super::super::library::{Version, library};
use super::*;
use crate::backend::Cuda;

/// The first GPU, if there is one; otherwise the test checks the error of opening.
fn card() -> Option<Cuda> {
    match Cuda::open(0) {
        Ok(cuda) => {
            assert!(Cuda::present());
            assert_eq!(Cuda::cards().unwrap()[0], cuda.name());
            Some(cuda)
        }
        Err(e) => {
            assert!(e.is_device(), "{e}");
            assert!(!Cuda::present() || e.to_string().contains("NVRTC"), "{e}");
            None
        }
    }
}

#[test]
fn without_a_driver_opening_says_so() {
    match library() {
        Ok(library) => {
            let error = Cuda::open(library.cards).unwrap_err();
            assert!(error.is_device(), "{error}");
            let beyond = format!("there is no card {}", library.cards);
            let none = "no NVIDIA card was found";
            assert!(error.to_string().contains(if library.cards > 0 { &beyond } else { none }), "{error}");
        }
        Err(e) => {
            for error in [Cuda::open(0).unwrap_err(), Cuda::cards().unwrap_err()] {
                assert!(error.is_device());
                assert_eq!(error.to_string(), e.to_string());
            }
            assert!(e.to_string().contains("NVIDIA driver"), "{e}");
            assert!(!Cuda::present());
            // SAFETY: loading the driver's library runs nothing but its own initialisation.
            if unsafe { !sys::is_culib_present() } {
                assert!(e.to_string().starts_with("no NVIDIA driver was found"), "{e}");
            }
        }
    }
}

#[test]
fn a_compiler_that_is_too_new_is_named() {
    let text = |compiler| refusal(Version(12, 4), Version(compiler, 0), Target::Machine(90));
    assert!(text(13).contains("NVRTC 13.0 made for sm_90") && text(13).ends_with("use an NVRTC 12"));
    assert!(text(12).ends_with("made for sm_90"));
}

#[test]
fn a_card_copies_and_computes() {
    let Some(cuda) = card() else { return };
    assert!(cuda.description().contains("compute capability"), "{}", cuda.description());
    let x: Vec<f64> = (0..1000).map(f64::from).collect();
    let (dx, mut dy) = (cuda.upload(&x), cuda.undefined::<f64>(x.len()));
    cuda.copy(&dx, &mut dy);
    assert_eq!(cuda.download(&dy).unwrap(), x);
    cuda.combine(2.0, &dx, -1.0, &mut dy);
    assert_eq!(cuda.download(&dy).unwrap(), x);
    cuda.clear(&mut dy);
    assert!(cuda.download(&dy).unwrap().iter().all(|v| v.to_bits() == 0));
    let single: Vec<f32> = (0_u16..999).map(f32::from).collect();
    for cuda in [cuda.clone(), cuda.summing_in_double()] {
        let (dx, mut dy) = (cuda.upload(&single), cuda.undefined::<f32>(single.len()));
        cuda.combine(3.0, &dx, 0.0, &mut dy);
        assert!(cuda.download(&dy).unwrap().iter().zip(&single).all(|(y, x)| *y == 3.0 * x));
    }
    let other = cuda.clone();
    let from_elsewhere = std::thread::spawn(move || other.download(&other.upload(&[1.0, 2.0])).unwrap());
    assert_eq!(from_elsewhere.join().unwrap(), [1.0, 2.0]);
    let seconds = cuda.driver.seconds(&mut || {
        cuda.combine(1.0, &dx, 1.0, &mut dy);
        Ok(())
    });
    let seconds = seconds.unwrap();
    assert!(seconds > 0.0 && seconds < 60.0, "{seconds}");
}

#[test]
fn a_card_runs_what_was_captured() {
    let Some(cuda) = card() else { return };
    let (x, mut y) = (cuda.upload(&[1.0, 2.0]), cuda.upload(&[0.0, 0.0]));
    let mut z = cuda.upload(&[9.0, 9.0]);
    let unused = cuda.upload(&[5.0]);
    let captured = cuda.capture(|| {
        // Compiled and loaded within the capture if these are the first kernels.
        cuda.combine(1.0, &x, 1.0, &mut y);
        cuda.copy(&y, &mut z);
        drop(unused);
    });
    let captured = captured.unwrap();
    assert_eq!(captured.nodes(), 2);
    assert_eq!(cuda.download(&z).unwrap(), [9.0, 9.0]);
    for _ in 0..3 {
        // SAFETY: the buffers are alive.
        unsafe { captured.run().unwrap() };
    }
    assert_eq!(cuda.download(&z).unwrap(), [3.0, 6.0]);
    let asked = cuda.capture(|| drop(cuda.upload(&[1.0]))).unwrap_err();
    assert!(asked.to_string().contains("while work is captured"), "{asked}");
}

/// Work of another thread waits until the capture has ended.
#[test]
fn captures_hold_the_work_of_one_thread() {
    #[cfg(feature = "emulator")]
    capture_beside_another_thread(&Cuda::emulated_with(1 << 20, false));
    if let Some(cuda) = card() {
        capture_beside_another_thread(&cuda);
    }
}

fn capture_beside_another_thread(cuda: &Cuda) {
    let (x, mut y) = (cuda.upload(&[1.0, 2.0]), cuda.upload(&[0.0, 0.0]));
    let mut elsewhere = None;
    let captured = cuda.capture(|| {
        let cuda = cuda.clone();
        let (started, wait) = std::sync::mpsc::channel();
        elsewhere = Some(std::thread::spawn(move || {
            started.send(()).unwrap();
            let (x, mut y) = (cuda.upload(&[3.0]), cuda.upload(&[4.0]));
            cuda.combine(1.0, &x, 1.0, &mut y);
            cuda.download(&y).unwrap()
        }));
        wait.recv().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(50));
    });
    assert_eq!(captured.unwrap().nodes(), 0);
    assert_eq!(elsewhere.unwrap().join().unwrap(), [7.0]);
    cuda.combine(1.0, &x, 1.0, &mut y);
    assert_eq!(cuda.download(&y).unwrap(), [1.0, 2.0]);
}

#[test]
fn failures_of_a_card_are_errors() {
    let Some(cuda) = card() else { return };
    let error = cuda.driver.allocate(1 << 46).unwrap_err();
    assert!(error.is_device());
    assert!(error.to_string().starts_with("out of device memory: 70368744177664 bytes"), "{error}");
    assert!(!error.to_string().ends_with(" 0 left"), "{error}");
    let none = || Launch {
        kernel: "no_such_kernel",
        precision: Precision::F64,
        blocks: 1,
        threads: 32,
        shared: 0,
        arguments: &[],
    };
    // SAFETY: this kernel does not exist.
    let error = unsafe { cuda.driver.launch(none()) }.unwrap_err();
    assert!(error.to_string().starts_with("kernel no_such_kernel: CUDA_ERROR_NOT_FOUND"), "{error}");
    // A count of zero: nothing is read or written.
    let arguments = [0; 40];
    let most = u32::try_from(cuda.driver.properties().shared_bytes).unwrap();
    for (shared, fits) in [(1024, true), (most, true), (most + 1, false)] {
        let launch = Launch { kernel: "combine", shared, arguments: &arguments, ..none() };
        // SAFETY: the arguments are those of the kernel, for no values.
        let launched = unsafe { cuda.driver.launch(launch) };
        assert_eq!(launched.is_ok(), fits, "{launched:?}");
    }
    cuda.synchronise().unwrap();
}
