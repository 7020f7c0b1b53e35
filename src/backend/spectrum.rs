//! Ends of spectra.

/// The end of a spectrum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpectrumEnd {
    /// The largest |λ|.
    Modulus,
    /// The largest real part.
    RealPart,
}

impl SpectrumEnd {
    /// The size of an eigenvalue.
    #[cfg(feature = "faer")]
    pub(crate) fn of(self, re: f64, im: f64) -> f64 {
        match self {
            SpectrumEnd::Modulus => re.hypot(im),
            SpectrumEnd::RealPart => re,
        }
    }
}

/// An eigenvalue at the end of the spectrum of a small matrix.
#[derive(Debug)]
pub(crate) struct Eigenpair {
    /// |λ| or the real part.
    pub value: f64,
    /// A real vector of its invariant subspace.
    pub vector: Vec<f64>,
    /// The modulus of the last entry of the eigenvector of length one.
    pub last: f64,
}
