//! Subdomains on the device against those of the host.

use std::sync::Arc;

use super::resident::{DeviceFactors, DeviceSubdomains};
use super::{
    Decomposition, Layout, SubdomainSolver, Variant, add_products, add_products_of_matrix, on_rings,
};
use crate::backend::Cuda;
use crate::backend::cuda::OnDevice;
use crate::backend::cuda::trials::{Numbers, agrees};
use crate::sparse::Csr;

/// A matrix, its parts of unequal sizes, values of the interfaces.
fn problem<T: OnDevice>(n: usize, parts: usize, overlap: usize) -> (Csr<T>, Arc<Layout>, Vec<T>) {
    let mut numbers = Numbers((n + parts) as u64);
    let a = numbers.banded::<T>(n, 3, 3, false);
    // Some diagonals are small, so that pivoting swaps rows.
    let mut values = a.values().to_vec();
    for i in (0..n).step_by(4) {
        if let Some(p) = a.pattern().find(i, i) {
            values[p] *= T::from_f64(0.02);
        }
    }
    let a = Csr::from_parts(a.pattern().clone(), values);
    let part: Vec<u32> = (0..n).map(|i| ((i * i / n) * parts / n) as u32).collect();
    let decomposition = Decomposition::from_parts(a.pattern(), &part, overlap).unwrap();
    let layout = Layout::new(a.pattern(), decomposition).unwrap();
    let interface: Vec<T> = numbers.vector::<T>(layout.interface_entries());
    let interface = interface.into_iter().map(|v| v * T::from_f64(0.2)).collect();
    (a, layout, interface)
}

fn factored<T: OnDevice>(
    cuda: &Cuda,
    a: &Csr<T>,
    layout: &Layout,
    interface: &[T],
) -> (DeviceSubdomains, DeviceFactors<T>) {
    let s = DeviceSubdomains::new(cuda, layout);
    let mut factors = DeviceFactors::new(cuda, &s);
    let (a, interface) = (cuda.upload(a.values()), cuda.upload(interface));
    cuda.factor_subdomains(&s, &a, &interface, &mut factors);
    (s, factors)
}

fn check_solves<T: OnDevice>(n: usize, parts: usize, overlap: usize, k: usize, variant: Variant) {
    let (a, layout, interface) = problem::<T>(n, parts, overlap);
    let solver = SubdomainSolver::new(&layout, a.values(), &interface, variant).unwrap();
    let mut numbers = Numbers(k as u64);
    let (r, z) = (numbers.vector::<T>(n * k), numbers.vector::<T>(n * k));
    for transposed in [false, true] {
        let mut expected = solver.corrections(&r, k, transposed).unwrap();
        let mut sum = z.clone();
        solver.add_corrections(T::from_f64(-0.7), &expected, &mut sum, k, transposed).unwrap();
        expected.extend(sum);
        agrees(&expected, |cuda| {
            let (s, factors) = factored(cuda, &a, &layout, &interface);
            factors.check(cuda).unwrap();
            let (r, mut z, mut y) = (cuda.upload(&r), cuda.upload(&z), cuda.undefined(s.places() * k));
            let way = (variant, transposed);
            cuda.solve_subdomains(&s, &factors, way, &r, &mut y, k);
            cuda.add_corrections(&s, -0.7, way, &y, &mut z, k);
            let mut all = cuda.download(&y).unwrap();
            all.extend(cuda.download(&z).unwrap());
            all
        });
    }
}

#[test]
fn local_solves_equal_those_of_the_host() {
    for (k, variant) in [1, 3, 8, 11].into_iter().zip(Variant::ALL) {
        check_solves::<f64>(1, 1, 0, k, variant);
        check_solves::<f64>(20, 3, 1, k, variant);
        if k > 3 {
            check_solves::<f32>(15, 2, 1, k, variant);
        }
    }
}

/// Several panels of the factors and several tiles of the solve.
#[test]
fn large_parts_are_solved_as_by_the_host() {
    check_solves::<f64>(70, 2, 1, 3, Variant::Restricted);
    check_solves::<f32>(70, 2, 1, 1, Variant::Weighted);
}

#[test]
fn products_of_the_reverse_rule_equal_those_of_the_host() {
    let (a, layout, interface) = problem::<f64>(70, 4, 1);
    for k in [1, 3, 8] {
        let mut numbers = Numbers(k as u64);
        let places = layout.decomposition().places();
        let (lambda, y) = (numbers.vector::<f64>(places * k), numbers.vector::<f64>(places * k));
        let mut of_interface = numbers.vector::<f64>(interface.len());
        let mut of_matrix = numbers.vector::<f64>(a.pattern().nnz());
        let start = (of_interface.clone(), of_matrix.clone());
        let rings = (on_rings(&layout, &lambda, k), on_rings(&layout, &y, k));
        add_products(&layout, -1.5, &rings.0, &rings.1, &mut of_interface, k);
        add_products_of_matrix(&layout, -1.5, &lambda, &y, &mut of_matrix, k);
        of_interface.extend(of_matrix);
        agrees(&of_interface, |cuda| {
            let s = DeviceSubdomains::new(cuda, &layout);
            let (lambda, y) = (cuda.upload(&lambda), cuda.upload(&y));
            let (mut g, mut h) = (cuda.upload(&start.0), cuda.upload(&start.1));
            cuda.add_interface_products(&s, -1.5, (&lambda, &y), &mut g, k);
            cuda.add_matrix_products(&s, -1.5, (&lambda, &y), &mut h, k);
            let mut all = cuda.download(&g).unwrap();
            all.extend(cuda.download(&h).unwrap());
            all
        });
    }
}

#[test]
fn singular_local_matrices_are_named() {
    let cuda = Cuda::emulated(false);
    let (a, layout, interface) = problem::<f64>(40, 3, 1);
    // The last part has a single row.
    let mut values = a.values().to_vec();
    for bad in [0.0, f64::NAN] {
        a.pattern().row(39).for_each(|p| values[p] = bad);
        let broken = Csr::from_parts(a.pattern().clone(), values.clone());
        let own = vec![0.0; interface.len()];
        let (_, factors) = factored(&cuda, &broken, &layout, &own);
        let message = factors.check(&cuda).unwrap_err().to_string();
        assert!(message.contains("part 3 of 3"), "{message}");
    }
}
