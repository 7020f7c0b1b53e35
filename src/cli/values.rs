//! Parsers of option values. Invalid values give an error message.

use std::str::FromStr;

use crate::learn::Target;
use crate::multigrid::{Relaxation, Setup};
use crate::setup::{Aggregates, Smoothing};

/// A named hierarchy, or automatic choice from the matrix.
#[derive(Debug, Clone, PartialEq)]
pub enum HierarchyChoice {
    Auto,
    Named(Box<Setup>),
}

impl FromStr for HierarchyChoice {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        if name == "auto" {
            return Ok(Self::Auto);
        }
        name.parse().map(|setup| Self::Named(Box::new(setup))).map_err(|e: crate::error::Error| e.to_string())
    }
}

/// A classical smoother, or one computed by the pretrained network of this program.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SmootherChoice {
    Classical(Relaxation),
    Network(Target),
}

impl SmootherChoice {
    /// The classical smoother, if it is one.
    pub fn classical(self) -> Option<Relaxation> {
        match self {
            SmootherChoice::Classical(relaxation) => Some(relaxation),
            SmootherChoice::Network(_) => None,
        }
    }
}

pub fn smoother(text: &str) -> Result<SmootherChoice, String> {
    match text {
        "learned-network" | "learned-network(ilu)" => Ok(SmootherChoice::Network(Target::Ilu)),
        "learned-network(relaxation)" => Ok(SmootherChoice::Network(Target::Relaxation)),
        "learned-network(schwarz)" => Ok(SmootherChoice::Network(Target::Schwarz)),
        _ => match text.parse::<Relaxation>() {
            Ok(relaxation) => Ok(SmootherChoice::Classical(relaxation)),
            Err(e) => {
                Err(format!("{e}, learned-network, learned-network(relaxation), learned-network(schwarz)"))
            }
        },
    }
}

fn number(text: &str, what: &str, allowed: impl Fn(f64) -> bool) -> Result<f64, String> {
    let value = text.parse::<f64>().ok().filter(|v| v.is_finite() && allowed(*v));
    value.ok_or_else(|| format!("'{text}' is not {what}"))
}

pub fn finite(text: &str) -> Result<f64, String> {
    number(text, "a number", |_| true)
}

pub fn positive(text: &str) -> Result<f64, String> {
    number(text, "a positive number", |v| v > 0.0)
}

pub fn threshold(text: &str) -> Result<f64, String> {
    number(text, "a threshold from 0 to 1", |v| (0.0..=1.0).contains(&v))
}

pub fn count(text: &str, most: usize) -> Result<usize, String> {
    let value = text.parse::<usize>().ok().filter(|v| (1..=most).contains(v));
    value.ok_or_else(|| format!("'{text}' is not a whole number from 1 to {most}"))
}

pub fn whole(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| format!("'{text}' is not a whole number"))
}

pub fn positive_count(text: &str) -> Result<usize, String> {
    let value = text.parse::<usize>().ok().filter(|v| *v > 0);
    value.ok_or_else(|| format!("'{text}' is not a positive whole number"))
}

pub fn seconds(text: &str) -> Result<f64, String> {
    let value = text.parse::<f64>().ok().filter(|s| *s > 0.0 && *s <= 1e9);
    value.ok_or_else(|| format!("'{text}' is not a positive number of seconds"))
}

/// A number of bytes, with the suffix K, M, G or T for powers of 1024.
pub fn bytes(text: &str) -> Result<u64, String> {
    let wrong = || format!("'{text}' is not a number of bytes; write 500M or 4G");
    let (number, unit) = match text.char_indices().last().ok_or_else(wrong)? {
        (at, suffix) if suffix.is_ascii_alphabetic() => (&text[..at], suffix.to_ascii_uppercase()),
        _ => (text, 'B'),
    };
    let shift = "BKMGT".find(unit).ok_or_else(wrong)? as i32;
    let value = number.parse::<f64>().ok().map(|v| v * 1024f64.powi(shift));
    value.filter(|v| *v >= 1.0 && *v < 1e18).map(|v| v as u64).ok_or_else(wrong)
}

/// A value of an enumeration, from its name.
pub fn named<T: FromStr<Err = crate::error::Error>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|e: crate::error::Error| e.to_string())
}

pub fn aggregates(text: &str) -> Result<Aggregates, String> {
    match text {
        "standard" => Ok(Aggregates::Standard),
        "pairwise" => Ok(Aggregates::Pairwise),
        _ => {
            let size = text.strip_prefix("parts(").and_then(|t| t.strip_suffix(')'));
            let size = size.and_then(|t| t.parse().ok()).filter(|&size: &usize| size > 1);
            size.map(Aggregates::Parts).ok_or_else(|| {
                format!("'{text}' is not a way to aggregate; choose standard, pairwise or parts(100)")
            })
        }
    }
}

pub fn smoothing(text: &str) -> Result<Smoothing, String> {
    match text {
        "none" => Ok(Smoothing::None),
        "jacobi" => Ok(Smoothing::Jacobi),
        "energy" => Ok(Smoothing::Energy),
        "root-node" => Ok(Smoothing::RootNode),
        _ => Err(format!("'{text}' is not a smoothing of P; choose none, jacobi, energy or root-node")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_units() {
        assert_eq!(bytes("1000"), Ok(1000));
        assert_eq!(bytes("1.5k"), Ok(1536));
        assert_eq!(bytes("4G"), Ok(4 << 30));
        for wrong in ["", "G", "-1", "4X", "nan", "1e300", "0", "4é"] {
            assert!(bytes(wrong).unwrap_err().contains("500M"), "{wrong}");
        }
    }
}
