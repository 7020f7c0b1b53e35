//! The loop over levels of classical coarsening.

use super::{
    Classical, Interpolation, Restriction, Splitting, SplittingKind, aggressive, air_restriction,
    multipass_interpolation, truncate,
};
use crate::error::Result;
use crate::setup::grids::{check_density, check_levels, check_matrix, descend, pays, require, surviving};
use crate::setup::{Grids, Strength, StrengthMeasure, Transfer, classical_strength, drop_dominant_rows};
use crate::sparse::{Csr, Pattern};

/// The state carried from one level to the next.
struct Level {
    a: Csr<f64>,
    strength: Strength,
}

impl Classical {
    /// Approximate ideal restriction for transport (Manteuffel, Ruge, Southworth 2018), with PyAMG's
    /// parameters: Ruge–Stüben splitting of the classical connections for θ = 0.3, one-point interpolation,
    /// restriction of distance two. For use with relaxation of the fine points.
    pub fn air() -> Self {
        Self {
            strength: Strength::Classical { theta: 0.3, measure: StrengthMeasure::Negative },
            splitting: SplittingKind::RugeStueben,
            interpolation: Interpolation::OnePoint,
            max_per_row: None,
            restriction: Restriction::AirDistanceTwo,
            ..Self::default()
        }
    }

    /// Ruge–Stüben splitting with classical interpolation (Ruge and Stüben 1987), without truncation of P.
    pub fn ruge_stueben() -> Self {
        Self {
            splitting: SplittingKind::RugeStueben,
            interpolation: Interpolation::Modified,
            max_per_row: None,
            ..Self::default()
        }
    }

    /// Builds the hierarchy of `a`, n × n.
    ///
    /// Coarsening ends at [`max_coarse`](Self::max_coarse) rows or [`max_levels`](Self::max_levels) levels;
    /// when there are no strong connections, as for a diagonal matrix; when a coarse matrix has a zero on its
    /// diagonal; or when a level has more than 0.9 of the rows of the one above and that one has at most 20
    /// 000, which the direct solver can take. Points without strong connections, such as those of Dirichlet
    /// values, are not interpolated: smoothing must solve them.
    ///
    /// Cost: a few products of the size of A in all; the coarse matrices take most of it.
    ///
    /// # Errors
    /// A matrix that is not square, has an empty row or a zero on its diagonal (named);
    /// parameters out of range; aggressive coarsening together with approximate ideal
    /// restriction, whose stencils do not reach so far.
    pub fn coarsen(&self, a: &Csr<f64>) -> Result<Grids> {
        self.check()?;
        check_matrix(a)?;
        let level = Level { a: a.clone(), strength: self.strength.clone() };
        let step = |level: &mut Level, number| {
            let next = self.step(level, number <= self.aggressive_levels)?;
            if let Some((_, next)) = &next {
                check_density(a.nnz(), &next.a)?;
            }
            Ok(next)
        };
        let (transfers, last) = descend(level, |l| &l.a, self.max_levels, self.max_coarse, step)?;
        Ok(Grids { transfers, coarsest: last.a })
    }

    /// One level further, or `None` if it would be too large. The matrix of `level` moves out only in the
    /// first case.
    fn step(&self, level: &mut Level, aggressively: bool) -> Result<Option<(Transfer, Level)>> {
        let a = &level.a;
        let strong = self.connections(&level.strength, a)?;
        let splitting = if aggressively {
            aggressive(&strong, self.splitting, self.aggressive_paths)?.splitting
        } else {
            self.splitting.split(&strong)?
        };
        if !pays(a.rows(), splitting.count()) {
            return Ok(None);
        }
        let prolongation = self.interpolate(a, &strong, &splitting, aggressively)?;
        let restriction = match self.restriction.air_distance() {
            Some(distance) => {
                let reach = classical_strength(a, self.restriction_theta, StrengthMeasure::Absolute)?;
                air_restriction(a, &reach, &splitting, distance)?
            }
            None if self.restriction == Restriction::TransposedProblem => {
                let transposed = a.transpose();
                let strong = self.connections(&level.strength, &transposed)?;
                self.interpolate(&transposed, &strong, &splitting, aggressively)?.transpose()
            }
            None => prolongation.transpose(),
        };
        let mut coarse = a.galerkin(&restriction, &prolongation)?;
        let (mut prolongation, mut restriction) = (prolongation, restriction);
        let mut points = None;
        if let Some(kept) = surviving(a, &prolongation, &coarse) {
            if kept.is_empty() {
                return Ok(None);
            }
            coarse = coarse.select(Some(&kept), Some(&kept));
            (prolongation, restriction) =
                (prolongation.select(None, Some(&kept)), restriction.select(Some(&kept), None));
            points = Some(kept);
        }
        let coarse_points = || match &points {
            None => splitting.coarse(),
            Some(kept) => {
                let all = splitting.coarse();
                kept.iter().map(|&j| all[j as usize]).collect()
            }
        };
        let next = Level { a: coarse, strength: level.strength.on(coarse_points) };
        let a = std::mem::replace(&mut level.a, Csr::identity(0));
        Ok(Some((Transfer { a, prolongation, restriction }, next)))
    }

    fn connections(&self, strength: &Strength, a: &Csr<f64>) -> Result<Pattern> {
        let strong = strength.connections(a)?;
        match self.max_row_sum {
            Some(bound) => drop_dominant_rows(a, &strong, bound),
            None => Ok(strong),
        }
    }

    fn interpolate(
        &self,
        a: &Csr<f64>,
        strong: &Pattern,
        splitting: &Splitting,
        aggressively: bool,
    ) -> Result<Csr<f64>> {
        let p = if aggressively {
            multipass_interpolation(a, strong, splitting)?
        } else {
            self.interpolation.build(a, strong, splitting)?
        };
        let shortens = self.truncation > 0.0 || self.max_per_row.is_some();
        Ok(if shortens { truncate(&p, self.truncation, self.max_per_row) } else { p })
    }

    fn check(&self) -> Result<()> {
        require(
            (0.0..1.0).contains(&self.truncation),
            format!("the truncation factor is {}; choose 0 or more and less than 1", self.truncation),
        )?;
        require(
            self.max_per_row != Some(0),
            "max_per_row is 0; a fine point needs at least one weight, 4 are usual".into(),
        )?;
        require(
            (1..=2).contains(&self.aggressive_paths),
            format!("aggressive_paths is {}; choose 1 or 2", self.aggressive_paths),
        )?;
        require(
            (0.0..=1.0).contains(&self.restriction_theta),
            format!("restriction_theta is {}; choose one from 0 to 1, such as 0.05", self.restriction_theta),
        )?;
        require(
            self.aggressive_levels == 0 || self.restriction.air_distance().is_none(),
            format!(
                "restriction {} does not reach across aggressively coarsened levels; set aggressive_levels to 0",
                self.restriction
            ),
        )?;
        check_levels(self.max_levels)
    }
}
