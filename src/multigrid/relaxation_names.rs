//! Text form of relaxations: names and parameters.

use std::fmt;
use std::str::FromStr;

use super::relaxation::{Passes, Relaxation};
use crate::error::{Error, Result};

impl Relaxation {
    /// The name without parameters.
    pub fn name(self) -> &'static str {
        match self {
            Relaxation::Jacobi(_) => "jacobi",
            Relaxation::L1Jacobi => "l1-jacobi",
            Relaxation::GaussSeidel => "gauss-seidel",
            Relaxation::ForwardGaussSeidel => "forward-gauss-seidel",
            Relaxation::BackwardGaussSeidel => "backward-gauss-seidel",
            Relaxation::SymmetricGaussSeidel => "symmetric-gauss-seidel",
            Relaxation::Chebyshev(_) => "chebyshev",
            Relaxation::Spai0 | Relaxation::DampedSpai0(_) => "spai0",
            Relaxation::Spai1 => "spai1",
            Relaxation::Ilu0(_) => "ilu0",
            Relaxation::HybridGaussSeidel(_) => "hybrid-gauss-seidel",
            Relaxation::L1GaussSeidel(_) => "l1-gauss-seidel",
            Relaxation::MulticolourGaussSeidel(_) => "multicolour-gauss-seidel",
            Relaxation::Ilu { level: 0, tau, .. } if tau != 0.0 => "ilu0",
            Relaxation::Ilu { .. } => "ilu",
            Relaxation::Ilut { .. } => "ilut",
            Relaxation::BlockJacobi { .. } => "block-jacobi",
            Relaxation::FourthKindChebyshev(_) => "fourth-kind-chebyshev",
            Relaxation::IterativeIlu0 { .. } => "iterative-ilu0",
            Relaxation::Schwarz(_) => "schwarz",
        }
    }
}

impl Passes {
    /// All passes.
    pub const ALL: [Passes; 4] = [Passes::Mirrored, Passes::Forward, Passes::Backward, Passes::Symmetric];

    /// The name as a parameter of a relaxation.
    pub fn name(self) -> &'static str {
        match self {
            Passes::Mirrored => "mirrored",
            Passes::Forward => "forward",
            Passes::Backward => "backward",
            Passes::Symmetric => "symmetric",
        }
    }
}

/// A number, or `auto`.
struct Auto(Option<f64>);

impl fmt::Display for Auto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(value) => value.fmt(f),
            None => f.write_str("auto"),
        }
    }
}

/// The parameter τ after others, nothing if it is zero.
struct Weakened(f64);

impl fmt::Display for Weakened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0.0 { Ok(()) } else { write!(f, ",tau={}", self.0) }
    }
}

impl fmt::Display for Relaxation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use Relaxation as R;
        f.write_str(self.name())?;
        match *self {
            R::Jacobi(Some(omega)) => write!(f, "({omega})"),
            R::Schwarz(options) => options.fmt(f),
            R::DampedSpai0(omega) => write!(f, "({})", Auto(omega)),
            R::Chebyshev(degree) | R::FourthKindChebyshev(degree) => write!(f, "({degree})"),
            R::Ilu0(damping) if damping != 1.0 => write!(f, "({damping})"),
            R::HybridGaussSeidel(passes) | R::L1GaussSeidel(passes) | R::MulticolourGaussSeidel(passes)
                if passes != Passes::Mirrored =>
            {
                write!(f, "({})", passes.name())
            }
            R::Ilu { level: 0, damping, tau } if tau != 0.0 => match damping {
                Some(1.0) => write!(f, "(tau={tau})"),
                damping => write!(f, "({},tau={tau})", Auto(damping)),
            },
            R::Ilu { level, damping: Some(1.0), tau } => write!(f, "({level}{})", Weakened(tau)),
            R::Ilu { level, damping, tau } => write!(f, "({level},{}{})", Auto(damping), Weakened(tau)),
            R::IterativeIlu0 { sweeps, damping: Some(1.0) } => write!(f, "({sweeps})"),
            R::IterativeIlu0 { sweeps, damping } => write!(f, "({sweeps},{})", Auto(damping)),
            R::Ilut { drop_tolerance, fill_factor, damping: Some(1.0), tau } => {
                write!(f, "({drop_tolerance},{fill_factor}{})", Weakened(tau))
            }
            R::Ilut { drop_tolerance, fill_factor, damping, tau } => {
                write!(f, "({drop_tolerance},{fill_factor},{}{})", Auto(damping), Weakened(tau))
            }
            R::BlockJacobi { size: Some(size), omega: None } => write!(f, "({size})"),
            R::BlockJacobi { size: Some(size), omega } => write!(f, "({size},{})", Auto(omega)),
            R::BlockJacobi { size: None, omega: Some(omega) } => write!(f, "(auto,{omega})"),
            _ => Ok(()),
        }
    }
}

fn positive(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|v| v.is_finite() && *v > 0.0)
}

fn automatic(text: &str) -> Option<Option<f64>> {
    if text == "auto" { Some(None) } else { positive(text).map(Some) }
}

fn count(text: &str, most: usize) -> Option<usize> {
    text.parse().ok().filter(|d| (1..=most).contains(d))
}

impl Relaxation {
    /// The same incomplete factors with off-diagonal entries times 1 − τ; `None` for other relaxations.
    #[must_use]
    pub fn weakened(self, tau: f64) -> Option<Self> {
        match self {
            Relaxation::Ilu0(damping) if tau != 0.0 => {
                Some(Relaxation::Ilu { level: 0, damping: Some(damping), tau })
            }
            Relaxation::Ilu0(damping) => Some(Relaxation::Ilu0(damping)),
            Relaxation::Ilu { level, damping, .. } => Some(Relaxation::Ilu { level, damping, tau }),
            Relaxation::Ilut { drop_tolerance, fill_factor, damping, .. } => {
                Some(Relaxation::Ilut { drop_tolerance, fill_factor, damping, tau })
            }
            _ => None,
        }
    }
}

/// Largest degree of a polynomial.
const DEGREE: usize = 100;

/// The relaxation of this kind with these parameters, or `None` if they are invalid.
fn with_parameters(kind: Relaxation, parameters: &[&str]) -> Option<Relaxation> {
    use Relaxation as R;
    if let [others @ .., last] = parameters
        && let Some(text) = last.strip_prefix("tau=")
    {
        let own = text.parse::<f64>().ok().filter(|v| (0.0..=1.0).contains(v))?;
        let others = if others.is_empty() { Some(kind) } else { with_parameters(kind, others) };
        return others.filter(|r| r.tau().is_none())?.weakened(own);
    }
    let passes = |text: &str| Passes::ALL.into_iter().find(|p| p.name() == text);
    Some(match (kind, parameters) {
        (R::Jacobi(_), [omega]) => R::Jacobi(automatic(omega)?),
        (R::Spai0, [omega]) => R::DampedSpai0(automatic(omega)?),
        (R::Ilu0(_), ["auto"]) => R::Ilu { level: 0, damping: None, tau: 0.0 },
        (R::Ilu0(_), [damping]) => R::Ilu0(positive(damping)?),
        (R::Chebyshev(_), [degree]) => R::Chebyshev(count(degree, DEGREE)?),
        (R::FourthKindChebyshev(_), [degree]) => R::FourthKindChebyshev(count(degree, DEGREE)?),
        (R::HybridGaussSeidel(_), [p]) => R::HybridGaussSeidel(passes(p)?),
        (R::L1GaussSeidel(_), [p]) => R::L1GaussSeidel(passes(p)?),
        (R::MulticolourGaussSeidel(_), [p]) => R::MulticolourGaussSeidel(passes(p)?),
        (R::Ilu { .. }, [level, rest @ ..]) if rest.len() < 2 => R::Ilu {
            level: level.parse().ok().filter(|&l| l <= DEGREE)?,
            damping: automatic(rest.first().unwrap_or(&"1"))?,
            tau: 0.0,
        },
        (R::IterativeIlu0 { .. }, [sweeps, rest @ ..]) if rest.len() < 2 => R::IterativeIlu0 {
            sweeps: sweeps.parse().ok().filter(|&s| s <= DEGREE as u32)?,
            damping: automatic(rest.first().unwrap_or(&"1"))?,
        },
        (R::Ilut { .. }, [drop, fill, rest @ ..]) if rest.len() < 2 => R::Ilut {
            drop_tolerance: drop.parse::<f64>().ok().filter(|v| v.is_finite() && *v >= 0.0)?,
            fill_factor: positive(fill)?,
            damping: automatic(rest.first().unwrap_or(&"1"))?,
            tau: 0.0,
        },
        (R::Schwarz(options), parameters) => R::Schwarz(options.with_parameters(parameters)?),
        (R::BlockJacobi { .. }, [size, rest @ ..]) if rest.len() < 2 => R::BlockJacobi {
            size: if *size == "auto" { None } else { Some(count(size, 64)?) },
            omega: automatic(rest.first().unwrap_or(&"auto"))?,
        },
        _ => return None,
    })
}

impl FromStr for Relaxation {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let unknown = || {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::invalid_input(format!("there is no smoother called '{text}'; choose one of {names}"))
        };
        let (name, parameter) = match text.strip_suffix(')').and_then(|t| t.split_once('(')) {
            Some((name, parameter)) => (name, Some(parameter)),
            None => (text, None),
        };
        let found = Self::ALL.into_iter().find(|r| r.name() == name).ok_or_else(unknown)?;
        let Some(parameter) = parameter else { return Ok(found) };
        let parameters: Vec<&str> = parameter.split(',').map(str::trim).collect();
        with_parameters(found, &parameters).ok_or_else(|| {
            Error::invalid_input(format!("'{parameter}' is not a parameter of the smoother {name}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_go_round() {
        let more = [
            "jacobi(0.8)",
            "spai0(auto)",
            "spai0(0.5)",
            "ilu0(0.7)",
            "ilu0(tau=0.02)",
            "ilu0(0.7,tau=0.02)",
            "ilu0(auto,tau=0.02)",
            "ilu(2,tau=0.01)",
            "ilu(2,auto,tau=0.01)",
            "ilut(0.01,10,tau=0.05)",
            "ilut(0.01,10,0.5,tau=0.05)",
            "ilu(0,auto)",
            "ilu(2)",
            "ilu(2,0.5)",
            "ilut(0.01,10)",
            "ilut(0,5,auto)",
            "iterative-ilu0(0)",
            "iterative-ilu0(4,0.7)",
            "block-jacobi(3)",
            "block-jacobi(3,0.5)",
            "block-jacobi(auto,0.5)",
            "fourth-kind-chebyshev(2)",
            "hybrid-gauss-seidel(symmetric)",
            "l1-gauss-seidel(forward)",
            "multicolour-gauss-seidel(backward)",
            "schwarz(81 parts,1)",
            "schwarz(50,2,0.9)",
            "schwarz(50,0,0,weighted)",
        ];
        let all = Relaxation::ALL.map(|r| r.to_string());
        for text in all.iter().map(String::as_str).chain(more) {
            let r: Relaxation = text.parse().unwrap();
            assert_eq!(r.to_string(), text);
        }
        assert_eq!("ilu0(auto)".parse::<Relaxation>().unwrap().to_string(), "ilu(0,auto)");
        assert_eq!("jacobi(auto)".parse::<Relaxation>().unwrap(), Relaxation::Jacobi(None));
        for r in Relaxation::ALL {
            assert_eq!(r.name().parse::<Relaxation>().unwrap(), r);
        }
        for wrong in [
            "ilu(-1)",
            "ilu(1,2,3)",
            "ilu(x)",
            "ilu0(tau=2)",
            "ilu0(tau=x)",
            "ilu0(tau=0.1,tau=0.1)",
            "ilu0(tau=0.1,0.5)",
            "jacobi(0.8,tau=0.1)",
            "ilut(0.1)",
            "ilut(-1,2)",
            "ilut(1,0)",
            "block-jacobi(0)",
            "hybrid-gauss-seidel(up)",
            "gauss-seidel(1)",
            "fourth-kind-chebyshev(0)",
            "spai0(nan)",
            "ilu()",
            "iterative-ilu0(-1)",
            "iterative-ilu0(2,0)",
            "schwarz(0)",
            "schwarz(10,-1)",
            "schwarz(10,1,nan)",
            "schwarz(10,1,0,up)",
        ] {
            let e = wrong.parse::<Relaxation>().unwrap_err().to_string();
            assert!(e.contains("is not a parameter of the smoother"), "{e}");
        }
    }
}
