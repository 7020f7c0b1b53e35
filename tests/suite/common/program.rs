//! Runs of the program `multigrad` in a temporary folder.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use multigrad::sparse::{Csr, matrix_market};
use serde_json::Value;

/// The result of a run of the program.
pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Run {
    /// Exit code 0 and nothing on standard error.
    pub fn ok(self) -> Self {
        assert_eq!((self.code, self.err.as_str()), (0, ""), "{}", self.out);
        self
    }

    /// This exit code and a sentence on standard error with all of `parts`, no panic.
    pub fn fails(self, code: i32, parts: &[&str]) -> Self {
        self.sane();
        assert_eq!(self.code, code, "{}", self.err);
        for part in parts {
            assert!(self.err.contains(part), "no {part:?} in: {}", self.err);
        }
        self
    }

    /// An allowed exit code; if it is not 0, a sentence with the reason.
    pub fn sane(&self) {
        assert!((0..=3).contains(&self.code), "exit code {}: {}", self.code, self.err);
        assert!(!self.err.contains("panicked"), "{}", self.err);
        if self.code != 0 {
            assert!(self.err.trim().len() > 15, "no sentence for exit code {}: {:?}", self.code, self.err);
        }
        if self.code == 1 {
            assert!(
                self.err.starts_with("error: ") && self.err.trim_end().lines().count() == 1,
                "{}",
                self.err
            );
        }
    }
}

/// A temporary folder in which the program runs.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> &Self {
        std::fs::write(self.path(name), text).unwrap();
        self
    }

    pub fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    pub fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&self.bytes(name)).unwrap()
    }

    pub fn matrix(&self, name: &str) -> Csr<f64> {
        matrix_market::read_matrix(self.path(name)).unwrap()
    }

    pub fn vector(&self, name: &str) -> Vec<f64> {
        matrix_market::read_vector(self.path(name)).unwrap()
    }

    /// Names of all files, temporary ones too.
    pub fn names(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> = files.map(|f| f.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new(program());
        command.args(line.split_whitespace()).current_dir(self.0.path()).stdin(Stdio::null());
        command
    }

    /// Arguments separated by blanks.
    pub fn run(&self, line: &str) -> Run {
        Self::finish(&mut self.command(line))
    }

    /// Arguments one by one.
    pub fn run_list(&self, arguments: &[&str]) -> Run {
        Self::finish(self.command("").args(arguments))
    }

    fn finish(command: &mut Command) -> Run {
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let code = output.status.code().expect("ended by a signal");
        Run { code, out: text(output.stdout), err: text(output.stderr) }
    }
}

/// The program: one folder above this test, in Cargo's layout and in a packed folder of tests.
fn program() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    tests.ancestors().nth(2).unwrap().join("multigrad").with_extension(std::env::consts::EXE_EXTENSION)
}

/// The absolute path of a file of `meshes/`; tests run in the folder of the package.
pub fn mesh(name: &str) -> String {
    std::path::absolute(Path::new("meshes").join(name)).unwrap().to_str().unwrap().to_string()
}

/// A coordinate file of these entries, counted from 1.
pub fn coordinate(rows: usize, cols: usize, entries: &[(usize, usize, f64)]) -> String {
    let mut text =
        format!("%%MatrixMarket matrix coordinate real general\n{rows} {cols} {}\n", entries.len());
    for (i, j, v) in entries {
        text += &format!("{i} {j} {v:e}\n");
    }
    text
}

/// An array file of one column.
pub fn column(values: &[f64]) -> String {
    let lines: String = values.iter().map(|v| format!("{v:e}\n")).collect();
    format!("%%MatrixMarket matrix array real general\n{} 1\n{lines}", values.len())
}

/// The 5-point Laplacian on m × m points, times `scale`, with `shift` on the diagonal.
pub fn laplacian(m: usize, scale: f64, shift: f64) -> String {
    let mut entries = Vec::new();
    for i in 0..m {
        for j in 0..m {
            let here = i * m + j + 1;
            entries.push((here, here, (4.0 + shift) * scale));
            for (inside, there) in
                [(i > 0, here - m.min(here)), (i + 1 < m, here + m), (j > 0, here - 1), (j + 1 < m, here + 1)]
            {
                if inside {
                    entries.push((here, there, -scale));
                }
            }
        }
    }
    coordinate(m * m, m * m, &entries)
}
