//! Interface conditions: values of the interface entries, and the classical choices.

use std::f64::consts::PI;
use std::sync::Arc;

use super::layout::Layout;
use crate::error::{Error, Result};
use crate::sparse::{Csr, Scalar};

/// The values of Lᵢ for all subdomains: one for every interface entry of the [`Layout`], subdomain after
/// subdomain, by rows.
#[derive(Debug, Clone)]
pub struct Interface<T> {
    layout: Arc<Layout>,
    values: Vec<T>,
}

/// The couplings of a ring row to the outside of its subdomain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Coupling {
    /// Their sum.
    Sum,
    /// The one of largest size.
    Largest,
}

impl Coupling {
    fn of<T: Scalar>(self, values: impl Iterator<Item = T>) -> T {
        let larger = |best: T, v: T| if v.magnitude() > best.magnitude() { v } else { best };
        match self {
            Coupling::Sum => values.sum(),
            Coupling::Largest => values.fold(T::ZERO, larger),
        }
    }
}

impl<T: Scalar> Interface<T> {
    /// Lᵢ = 0: Dirichlet conditions, the classical Schwarz methods.
    pub fn zero(layout: &Arc<Layout>) -> Self {
        Self { layout: layout.clone(), values: vec![T::ZERO; layout.interface_entries()] }
    }

    /// Given values, such as learned ones.
    ///
    /// # Errors
    /// Another number of values than of interface entries; a value that is not finite.
    pub fn new(layout: &Arc<Layout>, values: Vec<T>) -> Result<Self> {
        let expected = layout.interface_entries();
        if values.len() != expected {
            return Err(Error::dimension(format!(
                "{} values for {expected} interface entries",
                values.len()
            )));
        }
        if let Some(q) = values.iter().position(|v| !v.finite()) {
            return Err(Error::invalid_input(format!("interface value {} is {}", q + 1, values[q])));
        }
        Ok(Self { layout: layout.clone(), values })
    }

    /// Robin conditions of order zero (OO0), scaled by the matrix itself: for every row p of an outer ring
    ///
    /// ```text
    /// L(p,p) = α Σ a(p,q) over the neighbours q outside the subdomain.
    /// ```
    ///
    /// A value outside is replaced by α times the one at the interface: α = 0 is Dirichlet's condition, α = 1
    /// Neumann's, where the local row has the row sum of A, and the shares between belong to Robin's
    /// ([`robin_shares`]). Cost: one pass over the rings.
    ///
    /// # Errors
    /// A matrix of another pattern; a row of a ring without a stored diagonal entry, unless α = 0.
    pub fn optimised_zero(a: &Csr<T>, layout: &Arc<Layout>, alpha: f64) -> Result<Self> {
        Self::optimised_two(a, layout, alpha, 0.0)
    }

    /// Conditions of order two (OO2): with a tangential derivative, discretised by the entries of A between
    /// rows of the outer ring,
    ///
    /// ```text
    /// L(p,t) = β a(p,t),    L(p,p) = α Σ a(p,q) − β Σ a(p,t)
    /// ```
    ///
    /// for q outside the subdomain and t ≠ p in its ring. On constants the tangential part vanishes; for an
    /// M-matrix it is positive semi-definite for β > 0. See [`robin_shares`].
    ///
    /// # Errors
    /// As [`optimised_zero`](Self::optimised_zero).
    pub fn optimised_two(a: &Csr<T>, layout: &Arc<Layout>, alpha: f64, beta: f64) -> Result<Self> {
        Self::optimised(a, layout, alpha, beta, Coupling::Sum)
    }

    /// As [`optimised_two`](Self::optimised_two), with a choice between sum and maximum over q.
    ///
    /// On a grid an outer ring ends in rows with two neighbours outside, which need no larger Robin term than
    /// the others: with [`Coupling::Sum`] the restricted method then diverges for α from about .7 on. On
    /// Poisson 30² in 3 × 3 blocks with one ring of overlap its best factor is .76 (α = .6), against .62 (α =
    /// .9) with [`Coupling::Largest`] and .872 for α = 0.
    ///
    /// # Errors
    /// As [`optimised_zero`](Self::optimised_zero).
    pub fn optimised(
        a: &Csr<T>,
        layout: &Arc<Layout>,
        alpha: f64,
        beta: f64,
        coupling: Coupling,
    ) -> Result<Self> {
        require_pattern(a, layout)?;
        let mut interface = Self::zero(layout);
        let (alpha, beta) = (T::from_f64(alpha), T::from_f64(beta));
        if !alpha.finite() || !beta.finite() {
            return Err(Error::invalid_input(format!(
                "interface shares of {alpha} and {beta}; both must be finite"
            )));
        }
        let sources: Vec<usize> = layout.interface_sources().collect();
        for (p, subdomain) in layout.decomposition().iter().enumerate() {
            let own = layout.interface_of(p);
            // The diagonal of every row of the ring.
            let mut sums: Vec<T> = subdomain
                .ring
                .iter()
                .map(|&r| {
                    let row = subdomain.rows[r as usize] as usize;
                    let outside =
                        a.row(row).filter(|&(j, _)| subdomain.rows.binary_search(&(j as u32)).is_err());
                    alpha * coupling.of(outside.map(|(_, v)| v))
                })
                .collect();
            let ends = &layout.ring_ends()[own.clone()];
            let values = &mut interface.values[own.clone()];
            for ((&[r, c], &source), value) in ends.iter().zip(&sources[own.clone()]).zip(values.iter_mut()) {
                if r != c {
                    *value = beta * a.values()[source];
                    sums[r as usize] -= *value;
                }
            }
            let mut stored = vec![false; sums.len()];
            for (&[r, c], value) in ends.iter().zip(values) {
                if r == c {
                    *value = sums[r as usize];
                    stored[r as usize] = true;
                }
            }
            let bare = stored.iter().zip(&sums).position(|(&stored, &sum)| !stored && sum != T::ZERO);
            if let Some(r) = bare {
                let row = subdomain.rows[subdomain.ring[r] as usize] + 1;
                return Err(Error::unsuited(format!(
                    "row {row} has no stored diagonal entry, which an interface condition changes; store a zero there"
                )));
            }
        }
        Ok(interface)
    }

    /// The layout of the entries.
    pub fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// One value for every interface entry.
    pub fn values(&self) -> &[T] {
        &self.values
    }

    /// Whether every Lᵢ is symmetric to rounding. Cost: a search for every entry.
    pub fn is_symmetric(&self) -> bool {
        let tolerance = if T::NAME == "f32" { 1e-5 } else { 1e-12 };
        let largest = self.values.iter().fold(0.0f64, |m, v| m.max(v.to_f64().abs()));
        (0..self.layout.decomposition().parts()).all(|p| {
            let own = self.layout.interface_of(p);
            let (ends, values) = (&self.layout.ring_ends()[own.clone()], &self.values[own]);
            ends.iter().zip(values).all(|(&[r, c], &v)| {
                let mirrored = ends.binary_search(&[c, r]).map_or(T::ZERO, |q| values[q]);
                (v - mirrored).to_f64().abs() <= tolerance * largest
            })
        })
    }
}

/// Fails unless the matrix has the pattern of the layout.
pub(super) fn require_pattern<T: Scalar>(a: &Csr<T>, layout: &Layout) -> Result<()> {
    if Arc::ptr_eq(a.pattern(), layout.pattern()) || a.pattern() == layout.pattern() {
        return Ok(());
    }
    let (n, m) = (a.rows(), layout.pattern().rows());
    Err(Error::dimension(format!(
        "a matrix of {n} rows and {} entries does not have the pattern of the layout ({m} rows, {} entries)",
        a.nnz(),
        layout.pattern().nnz()
    )))
}

/// The parameter p of the Robin condition ∂u/∂n + p u for η u − Δu on the unit square with grid spacing h and
/// the least overlap (Gander, 2006, as in Taghibakhshi et al., 2022): 2^(−1/3) (π² + η)^(1/3) h^(−1/3).
pub fn optimised_parameter_zero(h: f64, eta: f64) -> f64 {
    (PI * PI + eta).cbrt() / (2.0 * h).cbrt()
}

/// The parameters (p, q) of the condition ∂u/∂n + p u − q ∂²u/∂τ² of order two, as for
/// [`optimised_parameter_zero`]: p = 2^(−3/5) (π² + η)^(2/5) h^(−1/5) and
/// q = 2^(−1/5) (π² + η)^(−1/5) h^(3/5).
pub fn optimised_parameters_two(h: f64, eta: f64) -> (f64, f64) {
    let lowest = PI * PI + eta;
    let p = 2f64.powf(-0.6) * lowest.powf(0.4) * h.powf(-0.2);
    (p, (2.0 * lowest).powf(-0.2) * h.powf(0.6))
}

/// The shares (α, β) of [`Interface::optimised_two`] for the condition ∂u/∂n + p u − q ∂²u/∂τ² on a uniform grid
/// of spacing h.
///
/// With the value u(q) outside and u(p) at the interface, (u(q) − u(p))/h + p u(q) − q δ²u/h² = 0 gives
/// u(q) = α u(p) + β δ²u with α = 1/(1 + p h) and β = (q/h)/(1 + p h).
pub fn robin_shares(p: f64, q: f64, h: f64) -> (f64, f64) {
    let scale = 1.0 / (1.0 + p * h);
    (scale, scale * q / h)
}
