//! Text form of configurations.

use std::fmt;
use std::str::FromStr;

use super::configuration::Configuration;
use crate::error::{Error, Result};
use crate::multigrid::{CycleShape, Setup};
use crate::setup::classical::Classical;
use crate::setup::{SaddlePoint, Strength, Variant};

/// The threshold θ of a setup that has one.
fn theta(setup: &mut Setup) -> Option<&mut f64> {
    match setup {
        Setup::Aggregation(c) | Setup::SaddlePoint(SaddlePoint { coarsening: c, .. }) => Some(&mut c.theta),
        Setup::Classical(Classical { strength: Strength::Classical { theta, .. }, .. }) => Some(theta),
        _ => None,
    }
}

/// The number of levels with aggressive coarsening of a setup that has one.
fn aggressive_levels(setup: &mut Setup) -> Option<&mut usize> {
    match setup {
        Setup::Classical(c) => Some(&mut c.aggressive_levels),
        _ => None,
    }
}

/// Name of a setup, and those of its parameters that differ from the defaults of the name.
fn setup_text(setup: &Setup) -> String {
    let (mut own, mut text) = (setup.clone(), setup.name().to_string());
    let mut default = text.parse().unwrap_or_else(|_| own.clone());
    if let Setup::SaddlePoint(s) = setup
        && s.coarsening.variant != Variant::Symmetric
    {
        text += &format!(" {}", s.coarsening.variant);
    }
    if let Some(value) = theta(&mut own).copied()
        && theta(&mut default).copied() != Some(value)
    {
        text += &format!(" θ={value}");
    }
    match aggressive_levels(&mut own) {
        None | Some(0) => {}
        Some(1) => text += " aggressive",
        Some(levels) => text += &format!(" aggressive({levels})"),
    }
    text
}

fn read_setup(text: &str) -> Result<Setup> {
    let mut words = text.split_whitespace();
    let name = words.next().unwrap_or_default();
    let mut setup: Setup = name.parse().map_err(|_| {
        let names = Setup::NAMES.map(|(name, _)| name).join(", ");
        Error::invalid_input(format!("there is no setup called '{name}'; choose one of {names}"))
    })?;
    for word in words {
        if read_parameter(word, &mut setup).is_none() {
            let parameters = match setup {
                Setup::Aggregation(_) => "write θ=0.1 or another threshold from 0 on",
                Setup::SaddlePoint(_) => {
                    "write sasym or another variant of aggregation, then θ=0.1 or another threshold from 0 on"
                }
                Setup::Classical(_) => {
                    "write θ=0.5 or another threshold from 0 to 1, aggressive, or aggressive(2) for two levels"
                }
                Setup::OneLevel | Setup::Pivoted | Setup::Direct => "it has none",
            };
            let message = format!("'{word}' is not a parameter of the setup {name}; {parameters}");
            return Err(Error::invalid_input(message));
        }
    }
    Ok(setup)
}

/// Sets the parameter of this word; `None` if the setup has no such parameter or the value is invalid.
fn read_parameter(word: &str, setup: &mut Setup) -> Option<()> {
    if let Some(value) = word.strip_prefix("θ=") {
        let most = if matches!(setup, Setup::Classical(_)) { 1.0 } else { f64::MAX };
        *theta(setup)? = value.parse().ok().filter(|value| (0.0..=most).contains(value))?;
    } else if let (Setup::SaddlePoint(s), Ok(variant)) = (&mut *setup, word.parse::<Variant>()) {
        s.coarsening = variant.into();
    } else {
        let levels = match word.strip_prefix("aggressive")? {
            "" => 1,
            number => number.strip_prefix('(')?.strip_suffix(')')?.parse().ok()?,
        };
        *aggressive_levels(setup)? = levels;
    }
    Some(())
}

/// Example: `sa, chebyshev(2), V(1,1), f32, CG`, `sa θ=0, gauss-seidel, V(1,1), f32, CG` or `direct, f64, FGMRES`.
impl fmt::Display for Configuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let precision = if self.single { "f32" } else { "f64" };
        // A direct solver uses no smoother.
        if *self == (Self { single: self.single, krylov: self.krylov, ..Self::direct() }) {
            return write!(f, "direct, {precision}, {}", self.krylov);
        }
        write!(f, "{}, {}", setup_text(&self.setup), self.relaxation)?;
        let alone = Self::new(Setup::OneLevel, self.relaxation, self.krylov);
        if !self.setup.has_one_level() || (self.cycle, self.sweeps) != (alone.cycle, alone.sweeps) {
            write!(f, ", {}", CycleShape { kind: self.cycle, pre: self.sweeps.0, post: self.sweeps.1 })?;
        }
        write!(f, ", {precision}, {}", self.krylov)
    }
}

/// Reads what `Display` writes, with any white space around the commas.
///
/// # Errors
/// A text with another number of parts; a part that is none of its choices, which the message lists. More than 20 sweeps
/// count as such.
impl FromStr for Configuration {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        read(text).map_err(|e| e.at(format_args!("configuration '{text}'")))
    }
}

fn read(text: &str) -> Result<Configuration> {
    // Commas within parentheses belong to a part.
    let mut depth = 0usize;
    let between = |c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    };
    let parts: Vec<&str> = text.split(between).map(str::trim).collect();
    let setup = read_setup(parts[0])?;
    let (relaxation, cycle, precision, krylov) = match parts[1..] {
        [relaxation, cycle, precision, krylov] => (relaxation, Some(cycle), precision, krylov),
        [relaxation, precision, krylov] if setup.has_one_level() => (relaxation, None, precision, krylov),
        [precision, krylov] if setup == Setup::Direct => ("gauss-seidel", None, precision, krylov),
        _ => {
            return Err(Error::invalid_input(format!(
                "the text has {} part{}; write setup, smoother, cycle, precision and Krylov method, as in 'sa, gauss-seidel, V(1,1), f32, CG'; only the setups none and pivoted may go without a cycle, and direct without smoother and cycle",
                parts.len(),
                if parts.len() == 1 { "" } else { "s" }
            )));
        }
    };
    let mut configuration = Configuration::new(setup, relaxation.parse()?, krylov.parse()?);
    if let Some(cycle) = cycle {
        let CycleShape { kind, pre, post } = cycle.parse()?;
        configuration = configuration.cycle(kind).sweeps(pre, post);
    }
    configuration.single = match precision {
        "f32" => true,
        "f64" => false,
        _ => {
            let message = format!("there is no precision called '{precision}'; choose f32 or f64");
            return Err(Error::invalid_input(message));
        }
    };
    Ok(configuration)
}

#[cfg(test)]
mod tests {
    use super::super::candidates::candidates;
    use super::super::properties::MatrixProperties;
    use super::*;
    use crate::gallery::{FlowScheme, poisson_2d, recirculating_flow};
    use crate::krylov::Krylov;
    use crate::multigrid::{CycleKind, Relaxation};

    fn round_trip(configuration: &Configuration) {
        let text = configuration.to_string();
        let again: Configuration = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!((&again, again.to_string()), (configuration, text));
    }

    #[test]
    fn candidates_go_round() {
        let flow = recirculating_flow(12, 0.005, FlowScheme::Upwind).unwrap();
        let (mut all, mut texts) = (Vec::new(), std::collections::BTreeSet::new());
        for a in [&poisson_2d(12, 12).unwrap().matrix, &flow.matrix] {
            all.extend(candidates(&MatrixProperties::of(a), false));
        }
        for configuration in &all {
            round_trip(configuration);
            texts.insert(configuration.to_string());
        }
        assert!(all.len() > 40, "{}", all.len());
        assert_eq!(texts.len(), all.len(), "two configurations have one text");
    }

    /// Every setup with every smoother, cycle, precision and method.
    #[test]
    fn all_names_go_round() {
        let ilut = "ilut(0.001,10)".parse().unwrap();
        for (q, (name, _)) in Setup::NAMES.into_iter().enumerate() {
            for (r, relaxation) in Relaxation::ALL.into_iter().chain([ilut]).enumerate() {
                let setup: Setup = name.parse().unwrap();
                let own = Configuration::new(setup, relaxation, Krylov::ALL[(q + r) % 4]);
                round_trip(&own);
                round_trip(&own.clone().double());
                round_trip(&own.cycle(CycleKind::ALL[r % 4]).sweeps(r % 3, 2));
            }
        }
    }

    #[test]
    fn parameters_of_setups_go_round() {
        for text in [
            "sa θ=0, gauss-seidel, V(1,1), f32, CG",
            "two-level θ=0.08, ilut(0.001,10), W(2,1), f64, plain cycles",
            "classical θ=0.5 aggressive(2), spai0, V(1,1), f32, CG",
            "air θ=0.25, ilu0(auto,tau=0.02), V(0,20), f32, BiCGStab",
            "none, schwarz(81 parts,1), V(2,0), f64, FGMRES",
            "direct, f64, FGMRES",
            "direct, ilu0, V(1,1), f32, CG",
            "saddle-point sasym θ=0.1, ilu0, V(1,1), f32, BiCGStab",
        ] {
            let configuration: Configuration = text.parse().unwrap();
            assert_eq!(configuration.to_string(), text);
            round_trip(&configuration);
        }
        let read = |text: &str| text.parse::<Configuration>().unwrap();
        let Setup::Classical(c) = read("classical aggressive θ=0.5, spai0, V(1,1), f32, CG").setup else {
            panic!("another setup")
        };
        assert_eq!(c.aggressive_levels, 1);
        assert!(matches!(c.strength, Strength::Classical { theta: 0.5, .. }));
        assert_eq!(
            read(" sa ,ilut(0.01, 5) ,v( 1, 2), f64,cg").to_string(),
            "sa, ilut(0.01,5), V(1,2), f64, CG"
        );
        assert_eq!(read("none, ilu0, f32, CG").sweeps, (1, 0));
        let setup = SaddlePoint { coarsening: Variant::SymmetricPart.into(), ..SaddlePoint::default() };
        round_trip(&Configuration::new(setup, Relaxation::Ilu0(1.0), Krylov::BiCgStab));
    }

    #[test]
    fn the_wrong_part_is_named() {
        for (text, says) in [
            ("", "there is no setup called ''; choose one of sa, sasym"),
            ("auto, spai0, V(1,1), f32, CG", "there is no setup called 'auto'; choose one of sa, sasym"),
            ("sa", "the text has 1 part; write setup, smoother, cycle, precision and Krylov method"),
            ("sa, spai0, f32, CG", "the text has 4 parts; write setup"),
            ("none, spai0", "the text has 2 parts; write setup"),
            ("sa, spai0, V(1,1), f32, CG, 7", "the text has 6 parts"),
            ("sa, spai9, V(1,1), f32, CG", "there is no smoother called 'spai9'; choose one of jacobi"),
            ("sa, ilut(0.001;10), V(1,1), f32, CG", "'0.001;10' is not a parameter of the smoother ilut"),
            ("sa, ilut(0.001,10, V(1,1), f32, CG", "the text has 2 parts"),
            ("sa, spai0, V(1,99), f32, CG", "'V(1,99)' is not a cycle; write V(1,1)"),
            ("sa, spai0, V(0,0), f32, CG", "'V(0,0)' is not a cycle; write V(1,1)"),
            ("sa, spai0, X(1,1), f32, CG", "'X(1,1)' is not a cycle; write V(1,1)"),
            ("none, spai0, V(1,1), CG", "there is no precision called 'V(1,1)'; choose f32 or f64"),
            ("sa, spai0, V(1,1), f16, CG", "there is no precision called 'f16'; choose f32 or f64"),
            ("sa, spai0, V(1,1), f32, QMR", "there is no method called 'QMR'; choose one of none, cg"),
            ("sa θ=-1, spai0, V(1,1), f32, CG", "'θ=-1' is not a parameter of the setup sa; write θ=0.1"),
            ("sa θ=nan, spai0, V(1,1), f32, CG", "'θ=nan' is not a parameter of the setup sa"),
            ("classical θ=2, spai0, V(1,1), f32, CG", "'θ=2' is not a parameter of the setup classical"),
            ("classical aggressive(x), spai0, V(1,1), f32, CG", "'aggressive(x)' is not a parameter"),
            ("sa aggressive, spai0, V(1,1), f32, CG", "'aggressive' is not a parameter of the setup sa"),
            (
                "saddle-point sam, spai0, V(1,1), f32, CG",
                "'sam' is not a parameter of the setup saddle-point",
            ),
            ("none θ=0, spai0, f32, CG", "'θ=0' is not a parameter of the setup none; it has none"),
        ] {
            let e = text.parse::<Configuration>().unwrap_err();
            assert!(e.is_invalid_input(), "{e}");
            let (place, message) = (format!("configuration '{text}': "), e.to_string());
            assert!(message.starts_with(&place), "{message}");
            assert!(message[place.len()..].starts_with(says), "{message}");
        }
    }
}
