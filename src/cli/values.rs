//! Values of options, refused with a sentence where they make no sense.

use std::str::FromStr;

use crate::multigrid::Relaxation;
use crate::setup::Variant;

/// A hierarchy by name, or the one that suits the matrix.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum HierarchyChoice {
    Auto,
    Named(Variant),
}

impl FromStr for HierarchyChoice {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        if name == "auto" {
            return Ok(Self::Auto);
        }
        name.parse()
            .map(Self::Named)
            .map_err(|_| format!("there is no hierarchy called '{name}'; choose auto, sa, sasym, sat or san"))
    }
}

/// V(pre,post) or W(pre,post).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CycleShape {
    pub w: bool,
    pub pre: usize,
    pub post: usize,
}

impl FromStr for CycleShape {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("'{text}' is not a cycle; write V(1,1), V(2,1) or W(1,1), with at most 20 sweeps");
        let w = match text.chars().next() {
            Some('V' | 'v') => false,
            Some('W' | 'w') => true,
            _ => return Err(wrong()),
        };
        let inner = text[1..].strip_prefix('(').and_then(|t| t.strip_suffix(')')).ok_or_else(wrong)?;
        let (pre, post) = inner.split_once(',').ok_or_else(wrong)?;
        let count = |t: &str| t.trim().parse::<usize>().ok().filter(|c| *c <= 20).ok_or_else(wrong);
        let (pre, post) = (count(pre)?, count(post)?);
        if pre + post == 0 { Err(wrong()) } else { Ok(Self { w, pre, post }) }
    }
}

pub fn relaxation(text: &str) -> Result<Relaxation, String> {
    text.parse::<Relaxation>().map_err(|e| e.to_string())
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
