//! Exported solvers without PETSc: the objects of the file, applied as PETSc applies them, are the cycle of the library.

use std::path::Path;

use multigrad::petsc::{Export, IndexWidth, write_system};
use multigrad::setup::relaxation::ilu0;
use multigrad::solver::Direct;
use multigrad::sparse::MatrixFile;
use multigrad::{Amg, Csr, CycleKind, Preconditioner, Relaxation, Solver, gallery};

/// The objects of a file in PETSc's binary format, in order.
struct Objects {
    bytes: Vec<u8>,
    at: usize,
}

impl Objects {
    fn integer(&mut self) -> i64 {
        let bytes = self.bytes[self.at..self.at + 4].try_into().unwrap();
        self.at += 4;
        i64::from(i32::from_be_bytes(bytes))
    }

    fn integers(&mut self, count: i64) -> Vec<i64> {
        (0..count).map(|_| self.integer()).collect()
    }

    fn indices(&mut self) -> Vec<i64> {
        assert_eq!(self.integer(), 1_211_218);
        let count = self.integer();
        self.integers(count)
    }

    fn matrix(&mut self) -> Csr<f64> {
        assert_eq!(self.integer(), 1_211_216);
        let (rows, cols, entries) = (self.integer(), self.integer(), self.integer());
        let mut row_ptr = vec![0];
        row_ptr.extend(self.integers(rows).into_iter().scan(0, |sum, n| {
            *sum += n;
            Some(*sum)
        }));
        let columns = self.integers(entries);
        let real = |at: usize| f64::from_be_bytes(self.bytes[at..at + 8].try_into().unwrap());
        let values: Vec<f64> = (0..entries as usize).map(|p| real(self.at + 8 * p)).collect();
        self.at += 8 * values.len();
        Csr::from_csr(rows as usize, cols as usize, &row_ptr, &columns, values).unwrap()
    }
}

/// B of a sweep.
enum Apply {
    Product(Csr<f64>),
    Factors(Csr<f64>),
    Gathered([Csr<f64>; 3]),
    Direct,
}

/// Sweeps in order, and how often they follow each other.
type Sweeps = (i64, Vec<Apply>);

struct Level {
    a: Csr<f64>,
    transfers: Option<(Csr<f64>, Csr<f64>)>,
    pre: Sweeps,
    post: Option<Sweeps>,
}

/// Number of sweeps of one kind, and kinds.
type Kinds = Option<(i64, Vec<i64>)>;

/// A file on one rank or on any number of ranks with the whole of every list.
fn read(path: &Path, renumbered: bool) -> (Vec<Level>, i64, Vec<i64>) {
    let mut objects = Objects { bytes: std::fs::read(path).unwrap(), at: 0 };
    let mut header = objects.indices().into_iter();
    let mut next = || header.next().unwrap();
    let [version, ranks, levels, visits, _rows, permuted] = [(); 6].map(|()| next());
    assert_eq!((version, permuted == 1), (1, renumbered));
    let mut described: Vec<[Kinds; 2]> = Vec::new();
    for number in 0..levels {
        (0..=ranks).for_each(|_| assert!(next() >= 0));
        let mut side = || {
            let times = next();
            (times >= 0).then(|| {
                let count = next();
                let kinds: Vec<i64> = (0..count)
                    .map(|_| {
                        let kind = next();
                        if kind == 3 || kind == 7 {
                            (0..=ranks).for_each(|_| assert!(next() >= 0));
                        }
                        kind
                    })
                    .collect();
                (times, kinds)
            })
        };
        described.push([side(), if number > 0 { side() } else { None }]);
    }
    let order = if renumbered { objects.indices() } else { Vec::new() };
    let levels = described.into_iter().enumerate().map(|(number, [pre, post])| {
        let a = objects.matrix();
        let transfers = (number > 0).then(|| (objects.matrix(), objects.matrix()));
        let mut side = |(times, kinds): (i64, Vec<i64>)| {
            let mut sweeps = Vec::new();
            for kind in kinds {
                sweeps.push(match kind {
                    1 => Apply::Product(objects.matrix()),
                    2 => Apply::Factors(ilu0(&objects.matrix()).unwrap()),
                    3 => Apply::Gathered([(); 3].map(|()| objects.matrix())),
                    6 => Apply::Direct,
                    other => panic!("kind {other}"),
                });
            }
            (times, sweeps)
        };
        let pre = pre.map_or_else(|| (0, Vec::new()), &mut side);
        Level { a, transfers, pre, post: post.map(side) }
    });
    let levels = levels.collect();
    assert_eq!(objects.at, objects.bytes.len());
    (levels, visits, order)
}

fn times(a: &Csr<f64>, x: &[f64]) -> Vec<f64> {
    let mut y = vec![0.0; a.rows()];
    a.spmv(x, &mut y).unwrap();
    y
}

fn minus(b: &[f64], y: &[f64]) -> Vec<f64> {
    b.iter().zip(y).map(|(b, y)| b - y).collect()
}

fn exact(a: &Csr<f64>, r: &[f64]) -> Vec<f64> {
    let mut x = vec![0.0; r.len()];
    Direct::new(a).unwrap().solve(r, &mut x, 1);
    x
}

fn sweep(sweep: &Apply, a: &Csr<f64>, b: &[f64], x: &mut [f64]) {
    let r = minus(b, &times(a, x));
    let z = match sweep {
        Apply::Product(m) => times(m, &r),
        Apply::Factors(f) => {
            let mut z = r;
            for i in 0..f.rows() {
                z[i] -= f.row(i).filter(|&(j, _)| j < i).map(|(j, v)| v * z[j]).sum::<f64>();
            }
            for i in (0..f.rows()).rev() {
                let sum: f64 = f.row(i).filter(|&(j, _)| j > i).map(|(j, v)| v * z[j]).sum();
                z[i] = (z[i] - sum) / f.get(i, i);
            }
            z
        }
        Apply::Gathered([gather, local, scatter]) => times(scatter, &exact(local, &times(gather, &r))),
        Apply::Direct => exact(a, &r),
    };
    x.iter_mut().zip(z).for_each(|(x, z)| *x += z);
}

fn smooth((times, sweeps): &Sweeps, a: &Csr<f64>, b: &[f64], x: &mut [f64]) {
    (0..*times).flat_map(|_| sweeps).for_each(|s| sweep(s, a, b, x));
}

fn cycle(levels: &[Level], visits: i64, b: &[f64], x: &mut [f64]) {
    let (level, coarser) = levels.split_last().unwrap();
    smooth(&level.pre, &level.a, b, x);
    if let Some((p, r)) = &level.transfers {
        let coarse_b = times(r, &minus(b, &times(&level.a, x)));
        let mut coarse = vec![0.0; coarse_b.len()];
        for _ in 0..if coarser.len() == 1 { 1 } else { visits } {
            cycle(coarser, visits, &coarse_b, &mut coarse);
        }
        x.iter_mut().zip(times(p, &coarse)).for_each(|(x, z)| *x += z);
        smooth(level.post.as_ref().unwrap_or(&level.pre), &level.a, b, x);
    }
}

/// The largest difference of both applications, relative to the library's largest value.
fn difference(solver: &Solver, export: &Export<'_>, renumbered: bool) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let written = export.write(folder.path().join("s.petsc")).unwrap();
    let (levels, visits, order) = read(&written.file, renumbered);
    let n = solver.matrix().rows();
    let order: Vec<usize> =
        if renumbered { order.iter().map(|&i| i as usize).collect() } else { (0..n).collect() };
    let b: Vec<f64> = (0..n).map(|i| ((i * 37 % 101) as f64 / 50.0) - 1.0).collect();
    let mut expected = vec![0.0; n];
    solver.apply(&b, &mut expected).unwrap();
    let own: Vec<f64> = order.iter().map(|&i| b[i]).collect();
    let mut found = vec![0.0; n];
    cycle(&levels, visits, &own, &mut found);
    let size = expected.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    order.iter().zip(&found).fold(0.0f64, |m, (&i, v)| m.max((expected[i] - v).abs())) / size
}

#[test]
fn the_objects_of_the_file_are_the_cycle_of_the_library() {
    let flow = gallery::recirculating_flow(20, 0.01, gallery::FlowScheme::Upwind).unwrap().matrix;
    let schwarz: Relaxation = "schwarz".parse().unwrap();
    let builders = [
        ("sparse M", Amg::smoothed_aggregation().relaxation(Relaxation::Spai1)),
        ("diagonal, two sweeps", Amg::classical().relaxation(Relaxation::Spai0).sweeps(2, 1)),
        ("factors, W-cycle", Amg::classical().relaxation(Relaxation::weak_ilu0(0.02)).cycle(CycleKind::W)),
        (
            "damped factors with fill",
            Amg::classical().relaxation(Relaxation::Ilu { level: 1, damping: Some(0.9), tau: 0.0 }),
        ),
        ("Schwarz", Amg::smoothed_aggregation().relaxation(schwarz)),
        ("one level", Amg::builder(multigrad::Setup::OneLevel).relaxation(Relaxation::Ilu0(1.0))),
        ("Chebyshev", Amg::classical().relaxation(Relaxation::Chebyshev(4)).sweeps(2, 1)),
        ("direct", Amg::builder(multigrad::Setup::Direct)),
    ];
    let rank: Vec<u32> = (0..400).map(|i| (i % 20 / 7) as u32).collect();
    for (name, builder) in builders {
        let solver = builder.build(&flow).unwrap();
        let d = difference(&solver, &Export::new(&solver), false);
        assert!(d < 1e-11, "{name}: {d}");
        if !name.contains("factors") && name != "one level" {
            let d = difference(&solver, &Export::new(&solver).rank_of_rows(rank.clone(), 3), true);
            assert!(d < 1e-11, "{name} on three ranks: {d}");
            let d = difference(&solver, &Export::new(&solver).rows_per_rank(vec![0, 390, 10]), false);
            assert!(d < 1e-11, "{name} on three uneven ranks: {d}");
        }
    }
}

#[test]
fn what_petsc_cannot_express_is_refused_with_a_sentence() {
    let a = gallery::poisson_2d(24, 24).unwrap().matrix;
    let folder = tempfile::tempdir().unwrap();
    let write = |export: Export<'_>| export.write(folder.path().join("s.petsc")).unwrap_err().to_string();
    let build = |relaxation| Amg::smoothed_aggregation().relaxation(relaxation).build(&a).unwrap();
    for (relaxation, words) in [
        (Relaxation::Chebyshev(9), "9 different sweeps"),
        (Relaxation::HybridGaussSeidel(Default::default()), "Gauss–Seidel in blocks"),
    ] {
        let message = write(Export::new(&build(relaxation)));
        assert!(message.contains(words) && message.starts_with("level 1"), "{message}");
    }
    let k = Amg::smoothed_aggregation().cycle(CycleKind::K).build(&a).unwrap();
    assert!(write(Export::new(&k)).contains("no K-cycle"));
    let solver = build(Relaxation::Spai0);
    assert!(write(Export::new(&solver).ranks(0)).contains("at least one"));
    assert!(write(Export::new(&solver).rows_per_rank(vec![3, 4])).contains("7 rows together"));
    assert!(write(Export::new(&solver).rank_of_rows(vec![2; 576], 2)).contains("rank 2"));
    let missing = Export::new(&solver).write(folder.path().join("no/folder.petsc")).unwrap_err();
    assert!(missing.is_io(), "{missing}");
}

#[test]
fn a_file_belongs_to_a_number_of_ranks_only_if_its_smoothers_do() {
    let a = gallery::poisson_2d(24, 24).unwrap().matrix;
    let folder = tempfile::tempdir().unwrap();
    let ranks = |relaxation: Relaxation| {
        let solver = Amg::smoothed_aggregation().relaxation(relaxation).build(&a).unwrap();
        Export::new(&solver).write(folder.path().join("s.petsc")).unwrap().ranks
    };
    assert_eq!((ranks(Relaxation::Spai1), ranks(Relaxation::Ilu0(1.0))), (0, 1));
}

#[test]
fn systems_are_read_in_both_widths_and_damaged_files_are_errors() {
    let problem = gallery::poisson_2d(7, 5).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.petsc");
    for width in [IndexWidth::Bits32, IndexWidth::Bits64] {
        write_system(&path, &problem.matrix, Some(&problem.rhs), width).unwrap();
        let file = MatrixFile::read(&path).unwrap();
        assert_eq!((&file.matrix, file.rhs.as_ref()), (&problem.matrix, Some(&problem.rhs)));
        assert_eq!(MatrixFile::read_vector(&path).unwrap(), problem.rhs);
        let bytes = std::fs::read(&path).unwrap();
        for length in (8..bytes.len()).step_by(7) {
            // Never a panic; without the vector the file is complete.
            let _ = MatrixFile::parse(&bytes[..length], "cut.petsc").map_err(|e| e.to_string());
        }
        for place in (0..400).step_by(3) {
            let mut damaged = bytes.clone();
            damaged[place] ^= 0x55;
            let _ = MatrixFile::parse(&damaged, "damaged.petsc").map_err(|e| e.to_string());
        }
        let e = MatrixFile::parse(&bytes[..200], "cut.petsc").unwrap_err().to_string();
        assert!(e.contains("cut.petsc") && e.contains("ends early"), "{e}");
    }
    write_system(&path, &problem.matrix, Some(&[1.0]), IndexWidth::Bits32).unwrap_err();
}
