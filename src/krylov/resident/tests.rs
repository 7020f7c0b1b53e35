use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::system::OnDevice;
use super::*;
use crate::gallery::{self, FlowScheme};
use crate::krylov::{BiCgStab, Breakdown, Cg, Fgmres, Krylov, Outcome, Richardson, SolveOptions, System};
use crate::sparse::Csr;

/// B = D⁻¹ on the host and on the device.
struct Jacobi {
    inverse: Vec<f64>,
    symmetric: bool,
    /// How often it was queued on a device.
    queued: Arc<AtomicUsize>,
}

impl Jacobi {
    fn new(a: &Csr<f64>) -> Self {
        Self::of((0..a.rows()).map(|i| 1.0 / a.get(i, i)).collect())
    }

    fn of(inverse: Vec<f64>) -> Self {
        Self { inverse, symmetric: true, queued: Arc::default() }
    }
}

/// A matrix on the device, with a preconditioner.
fn on_device(cuda: &Cuda, a: &Csr<f64>, jacobi: Option<&Jacobi>) -> Result<DeviceSystem> {
    let system = DeviceSystem::new(cuda, a)?;
    let Some(jacobi) = jacobi else { return Ok(system) };
    let (diagonal, cuda, queued) = (cuda.upload(&jacobi.inverse), cuda.clone(), jacobi.queued.clone());
    let queue = Box::new(move |r: &Memory<f64>, z: &mut Memory<f64>| {
        queued.fetch_add(1, Ordering::Relaxed);
        cuda.diagonal_scale(&diagonal, r, z, 1);
    });
    let b = OnDevice { symmetric: jacobi.symmetric, single: false, queue };
    system.with(jacobi.inverse.len(), b)
}

impl Preconditioner for Jacobi {
    fn rows(&self) -> usize {
        self.inverse.len()
    }

    fn is_symmetric(&self) -> bool {
        self.symmetric
    }

    fn apply(&self, r: &[f64], z: &mut [f64]) -> Result<()> {
        z.iter_mut().zip(r).zip(&self.inverse).for_each(|((z, r), d)| *z = d * r);
        Ok(())
    }

    fn apply_transposed(&self, r: &[f64], z: &mut [f64]) -> Result<()> {
        self.apply(r, z)
    }
}

/// Each method on the host and on the device under the same options.
fn both(
    name: &str,
    device: (&Cuda, Option<&Jacobi>),
    a: &Csr<f64>,
    b: &[f64],
    (rtol, iterations, restart): (f64, usize, usize),
) -> [Outcome; 2] {
    let (cuda, jacobi) = device;
    let system = on_device(cuda, a, jacobi).unwrap();
    macro_rules! outcomes {
        ($method:expr) => {{
            let device = $method.rtol(rtol).max_iterations(iterations);
            let mut host = device;
            if let Some(jacobi) = jacobi {
                host = host.preconditioner(jacobi);
            }
            [host.solve(a, b).unwrap(), device.solve_on(&system, b).unwrap()]
        }};
    }
    match name {
        "cg" => outcomes!(Cg::new().symmetry_check(false)),
        "bicgstab" => outcomes!(BiCgStab::new()),
        "cycles" => outcomes!(Richardson::new().damping(0.8)),
        _ => outcomes!(Fgmres::new().restart(restart)),
    }
}

fn rhs(n: usize) -> Vec<f64> {
    (0..n).map(|i| 1.0 + ((i * 7 + 3) % 13) as f64).collect()
}

/// Scales every third row and column of a matrix by 3.
fn uneven(a: &Csr<f64>) -> Csr<f64> {
    let scale = |i: usize| if i.is_multiple_of(3) { 3.0 } else { 1.0 };
    a.map(|i, j, v| scale(i) * v * scale(j))
}

/// Upwinded convection to the right on a grid.
fn convection(nx: usize, ny: usize) -> Csr<f64> {
    let mut triplets = Vec::new();
    for i in 0..nx * ny {
        let (x, y) = (i % nx, i / nx);
        triplets.push((i, i, 6.0));
        for (there, j, v) in [
            (x > 0, i.wrapping_sub(1), -3.0),
            (x + 1 < nx, i + 1, -1.0),
            (y > 0, i.wrapping_sub(nx), -1.0),
            (y + 1 < ny, i + nx, -1.0),
        ] {
            if there {
                triplets.push((i, j, v));
            }
        }
    }
    Csr::from_triplets(nx * ny, nx * ny, &triplets).unwrap()
}

fn alike(label: &str, [host, device]: &[Outcome; 2], early: usize) {
    let place = format!("{label}: {host} | {device}");
    assert_eq!(host.status, device.status, "{place}");
    assert!(host.iterations.abs_diff(device.iterations) <= 1, "{place}");
    assert!(host.preconditioner_applications.abs_diff(device.preconditioner_applications) <= 2, "{place}");
    let histories = host.residual_history.iter().zip(&device.residual_history);
    for (q, (h, d)) in histories.take(early).enumerate() {
        assert!((h - d).abs() <= 1e-6 * h + 1e-13, "{place}: iteration {q}: {h} {d}");
    }
    if host.iterations == device.iterations {
        assert_eq!(host.advice.is_some(), device.advice.is_some(), "{place}");
    }
    let size = host.x.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    for (h, d) in host.x.iter().zip(&device.x) {
        assert!((h - d).abs() <= 1e-4 * size, "{place}: {h} {d}");
    }
}

fn goes_as_on_the_host(name: &str) {
    for (descending, (nx, ny)) in [(false, (20, 20)), (true, (31, 17)), (false, (1, 1)), (true, (3, 1))] {
        let cuda = Cuda::emulated(descending);
        let a = match (name, nx == 20) {
            ("cg", _) => uneven(&gallery::poisson_2d(nx, ny).unwrap().matrix),
            (_, true) => gallery::recirculating_flow(10, 0.1, FlowScheme::Upwind).unwrap().matrix,
            _ => convection(nx, ny),
        };
        let (jacobi, b) = (Jacobi::new(&a), rhs(a.rows()));
        let outcomes = both(name, (&cuda, Some(&jacobi)), &a, &b, (1e-2, 60, 20));
        assert!(outcomes[0].converged(), "{name}: {}", outcomes[0]);
        alike(name, &outcomes, 12);
        alike(name, &both(name, (&cuda, None), &a, &b, (1e-4, 14, 8)), 12);
    }
}

#[test]
fn cg_goes_as_on_the_host() {
    goes_as_on_the_host("cg");
}

#[test]
fn bicgstab_goes_as_on_the_host() {
    goes_as_on_the_host("bicgstab");
}

#[test]
fn fgmres_goes_as_on_the_host() {
    goes_as_on_the_host("fgmres");
}

#[test]
fn plain_cycles_go_as_on_the_host() {
    let [slow, fast] = [20, 2].map(|n| gallery::poisson_2d(n, n).unwrap().matrix);
    for (descending, a, inverse, status) in [
        (false, &fast, true, Status::Converged),
        (true, &slow, true, Status::MaxIterations),
        (false, &slow, false, Status::Diverged),
    ] {
        let cuda = Cuda::emulated(descending);
        let (jacobi, b) = (Jacobi::new(a), rhs(a.rows()));
        let outcomes = both("cycles", (&cuda, inverse.then_some(&jacobi)), a, &b, (1e-6, 40, 0));
        assert_eq!(outcomes[0].status, status);
        alike("cycles", &outcomes, 40);
    }
    let system = on_device(&Cuda::emulated(false), &fast, None).unwrap();
    let none = Richardson::new().damping(0.0).solve_on(&system, &[1.0; 4]);
    assert!(none.unwrap_err().is_invalid_input());
}

#[test]
fn the_bits_are_the_same_on_every_run_and_in_both_orders() {
    let a = gallery::poisson_2d(25, 13).unwrap().matrix;
    let b = rhs(a.rows());
    for name in ["cg", "bicgstab", "cycles", "fgmres"] {
        let mut first: Option<Outcome> = None;
        for descending in [false, true, true] {
            let cuda = Cuda::emulated(descending);
            let jacobi = Jacobi::new(&a);
            let [_, out] = both(name, (&cuda, Some(&jacobi)), &a, &b, (1e-4, 10, 6));
            let first = first.get_or_insert_with(|| out.clone());
            assert_eq!(*first, out, "{name}");
        }
    }
}

#[test]
fn large_vectors_are_summed_by_more_blocks_than_one() {
    // A few iterations on vectors whose rows wrap around the grid of blocks.
    let n = 1_200;
    let triplets: Vec<_> = (0..n).map(|i| (i, i, 1.0 + (i % 4) as f64)).collect();
    let a = Csr::from_triplets(n, n, &triplets).unwrap();
    let cuda = Cuda::emulated(true);
    for name in ["cg", "bicgstab", "fgmres"] {
        alike(name, &both(name, (&cuda, None), &a, &rhs(n), (1e-10, 20, 20)), 4);
    }
}

/// Solves that end in every possible status. Returns the statuses on the device.
fn ends_as_on_the_host(name: &str) -> Vec<Status> {
    let cuda = Cuda::emulated(false);
    let t = |n: usize, entries: &[(usize, usize, f64)]| Csr::from_triplets(n, n, entries).unwrap();
    let indefinite = t(2, &[(0, 0, 1.0), (1, 1, -1.0)]);
    let singular = t(2, &[(0, 0, 1.0), (0, 1, -1.0), (1, 0, -1.0), (1, 1, 1.0)]);
    let rotation = t(2, &[(0, 1, -1.0), (1, 0, 1.0)]);
    let nothing = t(3, &[(0, 0, 0.0), (1, 1, 0.0), (2, 2, 0.0)]);
    let not_finite = t(2, &[(0, 0, 1e308), (0, 1, 1e308), (1, 0, 1e308), (1, 1, 1e308)]);
    let tiny = t(3, &[(0, 0, 1e-200), (1, 1, 2e-200), (2, 2, 1e-200), (0, 2, 1e-201)]);
    let huge = t(3, &[(0, 0, 1e200), (1, 1, 2e200), (2, 2, 1e200), (0, 2, 1e199)]);
    let poisson = gallery::poisson_2d(6, 5).unwrap().matrix;
    let mut seen = Vec::new();
    for (label, a) in [
        ("indefinite", &indefinite),
        ("singular", &singular),
        ("rotation", &rotation),
        ("nothing", &nothing),
        ("not finite", &not_finite),
        ("tiny", &tiny),
        ("huge", &huge),
        ("poisson", &poisson),
    ] {
        // BiCGStab squares the extreme values of these matrices, on the host as well.
        if name == "bicgstab" && ["tiny", "huge"].contains(&label) {
            continue;
        }
        let n = a.rows();
        let negative = Jacobi::of(vec![-1.0; n]);
        let zero = Jacobi::of(vec![0.0; n]);
        let broken = Jacobi::of(vec![f64::INFINITY; n]);
        for (which, jacobi) in
            [("", None), ("negative", Some(&negative)), ("zero", Some(&zero)), ("infinite", Some(&broken))]
        {
            // A solve that ends by itself needs few iterations; the others are stopped.
            for (rtol, iterations) in [(1e-6, 9), (1e-18, if which.is_empty() { 20 } else { 0 })] {
                let tiny = rhs(n).iter().map(|v| v * 1e-250).collect();
                let others =
                    if which.is_empty() && iterations < 10 { vec![vec![0.0; n], tiny] } else { Vec::new() };
                for b in std::iter::once(rhs(n)).chain(others) {
                    let [host, device] = both(name, (&cuda, jacobi), a, &b, (rtol, iterations, 4));
                    let place =
                        format!("{label} {name} {which} {rtol} {iterations} {}\n{host}\n{device}", b[0]);
                    // At the limit of rounding, the iteration at which the solve ends depends on rounding.
                    if rtol > 1e-17 {
                        assert_eq!(host.status, device.status, "{place}");
                        assert_eq!(host.iterations, device.iterations, "{place}");
                        assert_eq!(
                            host.preconditioner_applications, device.preconditioner_applications,
                            "{place}"
                        );
                        assert_eq!(host.advice.is_some(), device.advice.is_some(), "{place}");
                    } else {
                        assert!(!device.converged() || device.relative_residual() <= rtol, "{place}");
                    }
                    seen.push(device.status);
                }
            }
        }
    }
    seen
}

fn contain(seen: &[Status], wanted: &[Status]) {
    wanted.iter().for_each(|status| assert!(seen.contains(status), "{status}"));
}

#[test]
fn cg_ends_as_on_the_host() {
    let breakdowns =
        [Breakdown::IndefiniteMatrix, Breakdown::IndefinitePreconditioner, Breakdown::SingularMatrix];
    let seen = ends_as_on_the_host("cg");
    contain(&seen, &breakdowns.map(Status::Breakdown));
    contain(&seen, &[Status::Converged, Status::MaxIterations, Status::Diverged]);
}

#[test]
fn bicgstab_ends_as_on_the_host() {
    let breakdowns = [Breakdown::PivotZero, Breakdown::SingularMatrix];
    let seen = ends_as_on_the_host("bicgstab");
    contain(&seen, &breakdowns.map(Status::Breakdown));
    contain(&seen, &[Status::Converged, Status::MaxIterations, Status::Diverged]);
}

#[test]
fn fgmres_ends_as_on_the_host() {
    let seen = ends_as_on_the_host("fgmres");
    contain(&seen, &[Status::Breakdown(Breakdown::SingularMatrix), Status::Converged]);
    contain(&seen, &[Status::MaxIterations, Status::Diverged]);
}

#[test]
fn options_are_those_of_the_host() {
    let cuda = Cuda::emulated(false);
    let a = gallery::poisson_2d(6, 5).unwrap().matrix;
    let (system, b) = (on_device(&cuda, &a, None).unwrap(), rhs(30));
    let guess: Vec<f64> = (0..30).map(|i| i as f64).collect();
    let method = Cg::new().initial_guess(&guess).atol(1e-3).rtol(1e-30);
    let host = method.solve(&a, &b).unwrap();
    let device = method.solve_on(&system, &b).unwrap();
    assert!(host.converged());
    alike("guess", &[host, device.clone()], 10);
    let mut seen = Vec::new();
    let mut record = |i, r| seen.push((i, r));
    let options = SolveOptions::new().initial_guess(&guess).atol(1e-3).rtol(1e-30).on_iteration(&mut record);
    let by_name = Krylov::Cg.solve((System::Device(&system), false), &b, options).unwrap();
    assert_eq!(by_name, device);
    assert_eq!(seen.len(), device.iterations);
    let small: Vec<f64> = b.iter().map(|v| v * 1e-250).collect();
    let out = Cg::new().solve_on(&system, &small).unwrap();
    assert!(out.converged() && out.x.iter().all(|v| v.abs() < 1e-245 && *v != 0.0));

    let mut bad = b.clone();
    bad[7] = f64::NAN;
    assert!(method.solve_on(&system, &bad).unwrap_err().is_invalid_input());
    assert!(method.solve_on(&system, &b[1..]).unwrap_err().is_dimension());
    assert!(method.rtol(-1.0).solve_on(&system, &b).unwrap_err().is_invalid_input());
    assert!(Fgmres::new().restart(0).solve_on(&system, &b).unwrap_err().is_invalid_input());
    let mut jacobi = Jacobi::of(vec![1.0; 30]);
    jacobi.symmetric = false;
    let lopsided = on_device(&cuda, &a, Some(&jacobi)).unwrap();
    assert!(Cg::new().solve_on(&lopsided, &b).unwrap_err().is_unsuited());
    assert!(Cg::new().flexible(true).solve_on(&system, &b).unwrap_err().is_unsuited());
    assert!(BiCgStab::new().preconditioner(&jacobi).solve_on(&system, &b).unwrap_err().is_unsuited());
    let wind = on_device(&cuda, &convection(6, 5), None).unwrap();
    assert!(Cg::new().solve_on(&wind, &b).unwrap_err().is_unsuited());
    assert!(on_device(&cuda, &a, Some(&Jacobi::of(vec![1.0; 29]))).unwrap_err().is_dimension());
    let rectangle = Csr::from_triplets(1, 2, &[(0, 0, 1.0)]).unwrap();
    assert!(on_device(&cuda, &rectangle, None).unwrap_err().is_dimension());
    assert!(cuda.check().is_ok());
}

#[test]
fn a_solve_without_memory_is_an_error() {
    let cuda = Cuda::emulated_with(9_000, false);
    let a = gallery::poisson_2d(6, 5).unwrap().matrix;
    let system = on_device(&cuda, &a, None).unwrap();
    assert!(Fgmres::new().solve_on(&system, &rhs(30)).unwrap_err().is_device());
}

#[test]
fn iterations_are_captured_once() {
    let cuda = Cuda::emulated(false);
    let a = gallery::poisson_2d(7, 7).unwrap().matrix;
    let queued = |solve: &dyn Fn(&DeviceSystem) -> Result<Outcome>| {
        let jacobi = Jacobi::new(&a);
        let out = solve(&on_device(&cuda, &a, Some(&jacobi)).unwrap()).unwrap();
        assert!(out.converged() && out.preconditioner_applications > 4);
        jacobi.queued.load(Ordering::Relaxed)
    };
    assert_eq!(queued(&|system| Cg::new().solve_on(system, &rhs(49))), 1);
    assert_eq!(queued(&|system| BiCgStab::new().solve_on(system, &rhs(49))), 2);
    assert_eq!(queued(&|system| Fgmres::new().restart(5).solve_on(system, &rhs(49))), 1);
}
