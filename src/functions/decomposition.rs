//! The parts of a Krylov decomposition.

/// The recurrence of a decomposition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub enum Process {
    /// For a symmetric A, every vector orthogonalised against two others, then against all. K steps cost K products
    /// and K² passes over a vector, and keep K vectors.
    #[default]
    Lanczos,
    /// For a symmetric A, the recurrence of three terms, without reorthogonalisation: K products and 3 K passes. Its
    /// vectors lose orthogonality once a Ritz value has converged (Paige 1971).
    ThreeTerm,
    /// For any A: H is an upper Hessenberg matrix. Every vector is orthogonalised against all others, twice: K
    /// products and 3 K²/2 passes over a vector.
    Arnoldi,
}

/// A Q = Q H + r e_Kᵀ with v = Q e₁ / c.
#[derive(Debug, Clone, PartialEq)]
pub struct Decomposition {
    /// The columns of Q.
    pub basis: Vec<Vec<f64>>,
    /// H by rows, K × K; tridiagonal and symmetric for a symmetric process.
    pub small: Vec<f64>,
    /// r, not normalised; zero if the space is invariant.
    pub rest: Vec<f64>,
    /// c = 1/‖v‖.
    pub scale: f64,
    pub(super) process: Process,
    pub(super) exhausted: bool,
}

impl Decomposition {
    /// The number of columns K.
    pub fn order(&self) -> usize {
        self.basis.len()
    }

    /// H(i, j).
    pub fn get(&self, i: usize, j: usize) -> f64 {
        self.small[i * self.order() + j]
    }

    /// The first row of column j of H that is not zero by its structure.
    pub(super) fn first(&self, j: usize) -> usize {
        if self.process == Process::Arnoldi { 0 } else { j.saturating_sub(1) }
    }

    /// Whether all columns of Q are kept.
    pub(super) fn is_stored(&self) -> bool {
        self.basis.get(1).is_none_or(|q| !q.is_empty())
    }

    /// Whether the space is invariant under A: the process ended early, and functions of A times v are exact.
    pub fn is_exhausted(&self) -> bool {
        self.exhausted
    }

    /// The process.
    pub fn process(&self) -> Process {
        self.process
    }
}
