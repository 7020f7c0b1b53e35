//! A solver as files for PETSc.

use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::solver::Solver;
use crate::sparse::write_atomic;

use super::binary::{IndexWidth, Objects};
use super::layout::Partition;
use super::levels::{Level, Levels};
use super::options;
use super::sweeps::{Part, Side};

/// Rings of overlap of the factors of several ranks.
const OVERLAP: usize = 6;

/// Version of the layout of the file.
const VERSION: i64 = 1;

/// Writes a solver as a binary file and an options file of PETSc, whose `PCMG` then applies the same cycle.
///
/// The file holds A, P and R of every level, and for every sweep a matrix:
///
/// | sweep x ← x + B (b − A x) | in PETSc |
/// |---|---|
/// | diagonal, sparse M | Richardson and `PCMAT` with B |
/// | Chebyshev polynomial | a sequence of such diagonals, by its roots |
/// | incomplete factors, also learned ones | Richardson and `PCILU` on the matrix whose ILU(0) they are; on several ranks with overlap, inside `PCGALERKIN` |
/// | Schwarz method | Richardson and `PCGALERKIN` around the block-diagonal matrix of all local matrices |
/// | Gauss–Seidel | Richardson and `PCSOR` on each rank |
///
/// Products and Schwarz methods are the same operator on any number of ranks. Factors do not couple ranks: each rank has the
/// factors of its own rows and a few rings of neighbours, with the same scalars. A file with factors or a Schwarz method belongs to one number of
/// ranks; any other file runs on any number unless one is named.
///
/// `bindings/petsc` holds the loaders in C and Python and their examples; the manual's page `petsc.md` continues.
///
/// ```
/// use multigrad::{Amg, gallery, petsc::Export};
/// let problem = gallery::poisson_2d(32, 32)?;
/// let solver = Amg::classical().relaxation("spai1".parse()?).build(&problem.matrix)?;
/// let folder = tempfile::tempdir().unwrap();
/// let written = Export::new(&solver).ranks(2).write(folder.path().join("poisson.petsc"))?;
/// assert!(written.options.ends_with("poisson.petsc.options"));
/// # Ok::<(), multigrad::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Export<'s> {
    solver: &'s Solver,
    partition: Partition,
    overlap: usize,
    width: IndexWidth,
}

/// What was written.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Exported {
    /// The binary file.
    pub file: PathBuf,
    /// The options file.
    pub options: PathBuf,
    /// Number of ranks that the file is for; 0 for any.
    pub ranks: usize,
    /// Number of rows of every rank on the finest level.
    pub counts: Vec<u32>,
    /// For rows that were renumbered: the row of the solver's matrix that every row of the file is.
    pub permutation: Option<Vec<u32>>,
}

impl<'s> Export<'s> {
    /// An export of a solver for any number of ranks where its smoothers allow that, else for one.
    pub fn new(solver: &'s Solver) -> Self {
        Self { solver, partition: Partition::Any, overlap: OVERLAP, width: IndexWidth::Bits32 }
    }

    /// For this number of ranks with equal runs of rows, as PETSc splits a matrix if nothing is said.
    pub fn ranks(mut self, ranks: usize) -> Self {
        self.partition = Partition::Equal(ranks);
        self
    }

    /// For ranks with runs of these numbers of rows; a rank may have none.
    pub fn rows_per_rank(mut self, counts: Vec<usize>) -> Self {
        self.partition = Partition::Runs(counts);
        self
    }

    /// For `ranks` ranks, row i on rank `rank[i]`. The rows are renumbered by rank; [`Exported::permutation`] and the file
    /// tell how.
    pub fn rank_of_rows(mut self, rank: Vec<u32>, ranks: usize) -> Self {
        self.partition = Partition::Ranks(rank, ranks);
        self
    }

    /// Rings of neighbours by which the incomplete factors of ranks overlap. Default: 6, which costs at most two iterations where
    /// few are needed; blocks of 10 000 rows in the plane grow by a quarter.
    pub fn overlap(mut self, rings: usize) -> Self {
        self.overlap = rings;
        self
    }

    /// For a PETSc with integers of this width. Default: 32 bits.
    pub fn index_width(mut self, width: IndexWidth) -> Self {
        self.width = width;
        self
    }

    /// Writes the binary file at `path` and the options at the same path with `.options` behind it. A level in single
    /// precision is written with its values as they are.
    ///
    /// Cost: 12 bytes per stored entry of all levels and smoothers.
    ///
    /// # Errors
    /// A solver that PETSc cannot express (an F- or K-cycle, Gauss–Seidel in blocks or colours, an equivalent system); a distribution that does not fit the matrix; a file that cannot be written.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<Exported> {
        let path = path.as_ref();
        let levels = Levels::new(self.solver, &self.partition, self.overlap)?;
        let mut name = path.as_os_str().to_owned();
        name.push(".options");
        let options = PathBuf::from(name);
        write_atomic(path, |out| {
            let mut objects = Objects { out, width: self.width };
            objects.indices(&header(&levels))?;
            if let Some(order) = levels.permutation() {
                objects.indices(&order.iter().map(|&i| i64::from(i)).collect::<Vec<_>>())?;
            }
            levels.levels.iter().try_for_each(|level| write_level(&mut objects, level))
        })?;
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        let text = options::text(&levels, self.solver.krylov(), &file);
        write_atomic(&options, |out| out.write_all(text.as_bytes()))?;
        let counts = levels.levels.last().map(|l| l.rows.counts.clone()).unwrap_or_default();
        Ok(Exported {
            file: path.into(),
            options,
            ranks: levels.ranks,
            counts,
            permutation: levels.permutation().map(<[u32]>::to_vec),
        })
    }
}

/// Version, ranks, levels, visits, rows, whether rows are renumbered; then for every level its rows, their distribution,
/// and the kinds of its sweeps.
fn header(levels: &Levels) -> Vec<i64> {
    let finest = levels.levels.last().map_or(0, |l| l.a.rows());
    let mut list = vec![
        VERSION,
        levels.ranks as i64,
        levels.levels.len() as i64,
        levels.visits,
        finest as i64,
        i64::from(levels.permutation().is_some()),
    ];
    let counts = |list: &mut Vec<i64>, counts: &[u32]| {
        if levels.ranks > 0 {
            list.extend(counts.iter().map(|&n| i64::from(n)));
        }
    };
    let side = |list: &mut Vec<i64>, side: &Side| {
        list.extend([side.iterations as i64, side.parts.len() as i64]);
        for part in &side.parts {
            list.push(part.kind());
            if let Part::Subdomains(gathered) | Part::Overlapping(gathered) = part {
                list.push(gathered.local.rows() as i64);
                counts(list, &gathered.places.counts);
            }
        }
    };
    for (number, level) in levels.levels.iter().enumerate() {
        list.push(level.a.rows() as i64);
        counts(&mut list, &level.rows.counts);
        side(&mut list, &level.pre);
        if number > 0 {
            match &level.post {
                None => list.push(-1),
                Some(post) => side(&mut list, post),
            }
        }
    }
    list
}

fn write_level(objects: &mut Objects<'_>, level: &Level) -> std::io::Result<()> {
    objects.matrix(&level.a)?;
    if let Some((prolongation, restriction)) = &level.transfers {
        objects.matrix(prolongation)?;
        objects.matrix(restriction)?;
    }
    for part in std::iter::once(&level.pre).chain(&level.post).flat_map(|side| &side.parts) {
        match part {
            Part::Product(m) | Part::Factors(m) => objects.matrix(m)?,
            Part::Subdomains(gathered) | Part::Overlapping(gathered) => {
                [&gathered.gather, &gathered.local, &gathered.scatter]
                    .into_iter()
                    .try_for_each(|m| objects.matrix(m))?;
            }
            Part::GaussSeidel(_) | Part::Direct => {}
        }
    }
    Ok(())
}
