//! Refresh of a hierarchy on a GPU: new values computed on the device.

use std::sync::Arc;

use super::hierarchy::{Hierarchy, Level};
use super::refresh::Refresh;
use super::relaxation::{CHEBYSHEV_RATIO, Relaxation};
use super::resident::Use;
use super::smoother::Smoother;
use crate::backend::Cuda;
use crate::backend::cuda::{DeviceDiagonal, DeviceGalerkin, DeviceView, DiagonalKind, Memory, OnDevice};
use crate::engine::{DenseOperator, Device, Host};
use crate::error::{Error, Result};
use crate::setup::relaxation::{ChebyshevCoefficients, bound_by_products, fourth_kind_chebyshev};
use crate::sparse::{Csr, Pattern, Scalar, Storage};

/// Planned numeric part of a setup on a device. From new values of the finest matrix it computes the coarser
/// operators and the smoothers in place. P and R are kept.
///
/// Only the small levels, which form one dense matrix on the device, are computed on the host.
#[derive(Debug)]
pub struct ResidentRefresh<T: OnDevice> {
    cuda: Cuda,
    levels: Vec<Plan<T>>,
    /// The operator below the device levels, on the device and in the plan of the host.
    last: Memory<T>,
    below: Refresh,
    small: Hierarchy<Host<T>>,
    relaxation: Relaxation,
    sweeps: (usize, usize),
    differentiated: bool,
}

/// Plan of one level.
#[derive(Debug)]
struct Plan<T> {
    pattern: Arc<Pattern>,
    product: DeviceGalerkin<T>,
    diagonal: DeviceDiagonal,
    /// 1 if a value is not finite or a diagonal entry is zero.
    flag: Memory<u32>,
}

impl<T: OnDevice> ResidentRefresh<T> {
    /// Plans the refresh of the device hierarchy that [`Hierarchy::to_device`] creates from `h` for the same
    /// purpose, with the sweeps of this relaxation. Cost: two passes over the terms of all products, on the host.
    ///
    /// # Errors
    /// A relaxation whose values are not a diagonal (refresh it on the host); a K-cycle; coarser levels whose
    /// patterns are not those of the products; products with more than 2³² terms.
    pub fn new(
        cuda: &Cuda,
        h: &Hierarchy<Host<T>>,
        purpose: Use,
        relaxation: Relaxation,
        sweeps: (usize, usize),
    ) -> Result<Self> {
        check(relaxation)?;
        if !h.kind.is_linear() {
            return Err(Error::unsuited(
                "a K-cycle is not linear and runs on the CPU only; use a V- or W-cycle",
            ));
        }
        let depth = h.dense_from(cuda, purpose);
        let pattern_at = |depth: usize| {
            let level = h.levels.get(depth);
            level.map_or_else(|| h.coarsest.matrix().pattern(), |level| &level.a.pattern)
        };
        let mut levels = Vec::with_capacity(depth);
        for (at, level) in h.levels[..depth].iter().enumerate() {
            let (r, a, p) = (&level.restriction.pattern, &level.a.pattern, &level.prolongation.pattern);
            let product = DeviceGalerkin::new(cuda, (r, a, p), pattern_at(at + 1));
            levels.push(Plan {
                pattern: a.clone(),
                product: product.map_err(|e| e.at(format!("level {at}")))?,
                diagonal: DeviceDiagonal::new(cuda, a),
                flag: cuda.upload(&[0]),
            });
        }
        // The host needs no values of the levels on the device.
        let none = Storage::shared(Vec::new());
        let small = h.map::<Host<T>>(
            |place, values| if place.level < depth { none.clone() } else { values.clone() },
            |direct| direct.clone(),
        );
        let below = Refresh::new(&below(&small, depth))?;
        let last = cuda.undefined(pattern_at(depth).nnz());
        cuda.check()?;
        let (cuda, differentiated) = (cuda.clone(), purpose == Use::Train);
        Ok(Self { cuda, levels, last, below, small, relaxation, sweeps, differentiated })
    }

    /// Memory of the plan on the device, in bytes.
    pub fn bytes(&self) -> usize {
        let products: usize = self.levels.iter().map(|plan| plan.product.bytes()).sum();
        products + self.last.len() * size_of::<T>()
    }

    /// Updates `h` to new values of the finest matrix. A leaf with several owners is replaced in `h`; all others
    /// are overwritten in place, so that a captured cycle remains valid. After an error the values of `h` are
    /// inconsistent.
    ///
    /// # Errors
    /// A hierarchy with other levels or sweeps than planned; a zero on a diagonal, or values that overflow (with
    /// the level); a coarsest matrix that is singular and large; a failure of the device.
    pub fn apply(&mut self, a: &Memory<T>, h: &mut Hierarchy<Device<T>>) -> Result<()> {
        self.check_levels(a, h)?;
        match h.levels.first_mut() {
            Some(level) => self.cuda.copy(a, owned(&self.cuda, &mut level.a.values)),
            None => self.cuda.copy(a, &mut self.last),
        }
        for (depth, plan) in self.levels.iter_mut().enumerate() {
            let (above, lower) = h.levels.split_at_mut(depth + 1);
            let level = &mut above[depth];
            let next = match lower.first_mut() {
                Some(lower) => owned(&self.cuda, &mut lower.a.values),
                None => &mut self.last,
            };
            let (r, p) = (&level.restriction.values, &level.prolongation.values);
            self.cuda.clear(&mut plan.flag);
            self.cuda.galerkin_values(&mut plan.product, (r, &level.a.values, p), next, &mut plan.flag);
            let refreshed = plan.smoothers(&self.cuda, self.relaxation, level);
            refreshed.map_err(|e| e.at(format!("level {depth}")))?;
        }
        // The tail waits for the device in any case.
        let matrix = self.tail()?;
        for (depth, plan) in self.levels.iter().enumerate() {
            plan.check(&self.cuda).map_err(|e| e.at(format!("level {depth}")))?;
        }
        let matrix = matrix?;
        match Arc::get_mut(&mut h.coarsest) {
            Some(coarsest) => coarsest.write(&matrix)?,
            None => {
                let rows = self.small.rows_at(self.levels.len());
                h.coarsest = Arc::new(DenseOperator::new(&self.cuda, rows, &matrix, self.differentiated));
            }
        }
        self.cuda.check()
    }

    /// The dense matrix of the levels below those on the device. The inner result is the error of the host, which
    /// the flags of the upper levels may explain better.
    fn tail(&self) -> Result<Result<Vec<T>>> {
        let values: Vec<f64> = self.cuda.download(&self.last)?.into_iter().map(T::to_f64).collect();
        let depth = self.levels.len();
        let small = below(&self.small, depth);
        let pattern = match small.levels.first() {
            Some(level) => level.a.pattern.clone(),
            None => small.coarsest.matrix().pattern().clone(),
        };
        Ok(Csr::new(pattern, values)
            .and_then(|a| self.below.apply(&small, &a, self.relaxation, self.sweeps))
            .and_then(Hierarchy::into_precision)
            .and_then(|new: Hierarchy<Host<T>>| {
                let mut all = self.small.clone();
                all.levels.truncate(depth);
                all.levels.extend(new.levels);
                all.coarsest = new.coarsest;
                all.dense(depth)
            }))
    }

    fn check_levels(&self, a: &Memory<T>, h: &Hierarchy<Device<T>>) -> Result<()> {
        let chebyshev =
            matches!(self.relaxation, Relaxation::Chebyshev(_) | Relaxation::FourthKindChebyshev(_));
        let fits = |(plan, level): (&Plan<T>, &Level<Device<T>>)| {
            let same = Arc::ptr_eq(&plan.pattern, &level.a.pattern) || plan.pattern == level.a.pattern;
            let sweep = |s: &Smoother<_>| match s {
                Smoother::Diagonal { .. } => !chebyshev,
                Smoother::Chebyshev { .. } => chebyshev,
                _ => false,
            };
            same && level.pre.iter().chain(&level.post).all(sweep)
        };
        let finest = self.levels.first().map_or(self.last.len(), |plan| plan.pattern.nnz());
        let all = h.levels.len() == self.levels.len()
            && h.coarsest_rows == self.small.rows_at(self.levels.len())
            && self.levels.iter().zip(&h.levels).all(fits);
        match all && a.len() == finest {
            true => Ok(()),
            false => Err(Error::fingerprint(
                "the hierarchy on the device has other levels, patterns or sweeps than the refresh was planned for; plan a new one",
            )),
        }
    }
}

/// The levels from `depth` on.
fn below<T: Scalar>(h: &Hierarchy<Host<T>>, depth: usize) -> Hierarchy<Host<T>> {
    Hierarchy { levels: h.levels[depth..].to_vec(), ..h.clone() }
}

/// Refuses a relaxation whose values are not a diagonal.
fn check(relaxation: Relaxation) -> Result<()> {
    match relaxation {
        Relaxation::Jacobi(omega) if omega.is_some_and(|omega| !(omega > 0.0 && omega.is_finite())) => {
            Err(Error::invalid_input("the Jacobi weight must be positive and finite"))
        }
        Relaxation::Jacobi(_)
        | Relaxation::L1Jacobi
        | Relaxation::Spai0
        | Relaxation::DampedSpai0(Some(_))
        | Relaxation::Chebyshev(_)
        | Relaxation::FourthKindChebyshev(_) => Ok(()),
        other => Err(Error::unsuited(format!(
            "the values of '{other}' cannot be computed on the device; refresh this hierarchy on the host and upload it"
        ))),
    }
}

/// The writable memory of a leaf; a leaf with several owners gets new memory.
fn owned<'a, T: OnDevice>(cuda: &Cuda, values: &'a mut Arc<Memory<T>>) -> &'a mut Memory<T> {
    if Arc::get_mut(values).is_none() {
        *values = Arc::new(cuda.undefined(values.len()));
    }
    Arc::get_mut(values).expect("the leaf has a single owner")
}

impl<T: OnDevice> Plan<T> {
    /// Computes the sweeps of a level from its matrix.
    fn smoothers(&mut self, cuda: &Cuda, relaxation: Relaxation, level: &mut Level<Device<T>>) -> Result<()> {
        let mut coefficients = None;
        let weights = match relaxation {
            Relaxation::L1Jacobi => (DiagonalKind::L1, 1.0),
            Relaxation::DampedSpai0(omega) => (DiagonalKind::Spai0, omega.unwrap_or(1.0)),
            Relaxation::Spai0 => (DiagonalKind::Spai0, 1.0),
            Relaxation::Jacobi(Some(omega)) => (DiagonalKind::Inverse, omega),
            Relaxation::Jacobi(None) => {
                (DiagonalKind::Inverse, 4.0 / 3.0 / self.jacobi_bound(cuda, &level.a.values)?)
            }
            Relaxation::Chebyshev(degree) => {
                let largest = self.jacobi_bound(cuda, &level.a.values)?;
                coefficients = Some(ChebyshevCoefficients::new(largest, degree, CHEBYSHEV_RATIO)?.steps);
                (DiagonalKind::Inverse, 1.0)
            }
            Relaxation::FourthKindChebyshev(degree) => {
                let largest = self.jacobi_bound(cuda, &level.a.values)?;
                coefficients = Some(fourth_kind_chebyshev(largest, degree)?);
                (DiagonalKind::Inverse, 1.0)
            }
            other => return check(other),
        };
        let pattern = cuda.pattern(&self.pattern);
        let Level { a, pre, post, .. } = level;
        // Sweeps share their leaf, and only a single owner may write it. The sweeps get a placeholder meanwhile.
        let mut leaves: Vec<Arc<Memory<T>>> = Vec::new();
        let mut places = Vec::new();
        for sweep in pre.iter_mut().chain(post.iter_mut()) {
            if let Some(leaf) = leaf(sweep) {
                let known = leaves.iter().position(|l| Arc::ptr_eq(l, leaf));
                places.push(known.unwrap_or(leaves.len()));
                let taken = std::mem::replace(leaf, a.values.clone());
                if known.is_none() {
                    leaves.push(taken);
                }
            }
        }
        for leaf in &mut leaves {
            let leaf = owned(cuda, leaf);
            cuda.diagonal_weights(weights, (&pattern, &self.diagonal), &a.values, leaf, &mut self.flag);
        }
        for (sweep, place) in pre.iter_mut().chain(post.iter_mut()).zip(places) {
            if let Some(leaf) = leaf(sweep) {
                *leaf = leaves[place].clone();
            }
            if let (Smoother::Chebyshev { coefficients, .. }, Some(new)) = (sweep, &coefficients) {
                coefficients.clone_from(new);
            }
        }
        Ok(())
    }

    /// [`jacobi_bound`](crate::setup::relaxation::jacobi_bound) of a matrix on the device. Vectors are
    /// transferred, the matrix is not.
    fn jacobi_bound(&mut self, cuda: &Cuda, a: &Memory<T>) -> Result<f64> {
        let pattern = cuda.pattern(&self.pattern);
        let mut x = cuda.undefined(pattern.rows);
        let mut y = cuda.undefined(pattern.rows);
        let mut diagonal = |kind, w: &mut Memory<T>| {
            let place = (&*pattern, &self.diagonal);
            cuda.diagonal_weights((kind, 1.0), place, a, w, &mut self.flag);
        };
        diagonal(DiagonalKind::Inverse, &mut x);
        diagonal(DiagonalKind::RowSum, &mut y);
        let double = |memory: &Memory<T>| {
            Ok::<_, Error>(cuda.download(memory)?.into_iter().map(T::to_f64).collect::<Vec<f64>>())
        };
        let (inverse, sums) = (double(&x)?, double(&y)?);
        self.check(cuda)?;
        let norm = sums.into_iter().fold(0.0, f64::max);
        bound_by_products(norm, &inverse, |scaling, from, to| {
            x.write(&from.iter().map(|&v| T::from_f64(v)).collect::<Vec<T>>())?;
            cuda.spmv(1.0, DeviceView::new(&pattern, a), &x, 0.0, &mut y, 1);
            let product = double(&y)?;
            to.iter_mut().zip(product).zip(scaling).for_each(|((to, v), s)| *to = s * v);
            Ok(())
        })
    }

    /// Waits for the device and reports a raised flag.
    fn check(&self, cuda: &Cuda) -> Result<()> {
        match cuda.download(&self.flag)?[..] {
            [0] => Ok(()),
            _ => Err(Error::invalid_input(
                "a diagonal entry is zero, and a diagonal relaxation divides by it, or values overflow",
            )),
        }
    }
}

/// The diagonal of a sweep.
fn leaf<V>(sweep: &mut Smoother<V>) -> Option<&mut V> {
    match sweep {
        Smoother::Diagonal { weights } => Some(weights),
        Smoother::Chebyshev { inverse_diagonal, .. } => Some(inverse_diagonal),
        _ => None,
    }
}
