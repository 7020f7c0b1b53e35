//! Measurements in child processes, each with a time limit.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::report::{Measured, table};

/// The first argument of a child process.
const CHILD: &str = "--measure";
/// Pause between two looks at a child process.
const PAUSE: Duration = Duration::from_millis(20);

/// What ended a measurement.
#[derive(Debug)]
pub enum Ended {
    /// The solver returned.
    Finished(Measured),
    /// The solver was stopped at the limit.
    Stopped,
    /// The solver failed, with this message.
    Failed(String),
}

/// In a child process: the arguments of [`measure`] and the file for the result.
pub fn request() -> Option<(Vec<String>, PathBuf)> {
    let mut arguments = std::env::args().skip(1);
    (arguments.next()? == CHILD).then_some(())?;
    let file = PathBuf::from(arguments.next()?);
    Some((arguments.collect(), file))
}

/// In a child process: writes the result.
pub fn reply(file: &Path, measured: &Measured) -> Outcome {
    let mut bytes = format!("{} {} {}\n", measured.setup, measured.solve, measured.work).into_bytes();
    bytes.extend(measured.x.iter().flat_map(|v| v.to_le_bytes()));
    Ok(fs::write(file, bytes)?)
}

/// Runs this program as a child process with these arguments and one thread, and stops it at the limit.
pub fn measure(arguments: &[&str], limit: Duration) -> Outcome<Ended> {
    let file = std::env::temp_dir().join(format!(
        "multigrad-{}-{}",
        std::process::id(),
        arguments.join("-").replace([' ', '/'], "-")
    ));
    let mut child = Command::new(std::env::current_exe()?)
        .arg(CHILD)
        .arg(&file)
        .args(arguments)
        .env("RAYON_NUM_THREADS", "1")
        .env("RUST_BACKTRACE", "0")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let clock = Instant::now();
    while child.try_wait()?.is_none() {
        if clock.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            fs::remove_file(&file).ok();
            return Ok(Ended::Stopped);
        }
        std::thread::sleep(PAUSE);
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        let message = text.lines().rfind(|line| !line.starts_with("note:")).unwrap_or_default();
        return Ok(Ended::Failed(message.to_string()));
    }
    let measured = read(&file);
    fs::remove_file(&file).ok();
    measured.map(Ended::Finished)
}

fn read(file: &Path) -> Outcome<Measured> {
    let bytes = fs::read(file)?;
    let end = bytes.iter().position(|&b| b == b'\n').ok_or("a measurement without its first line")?;
    let line = std::str::from_utf8(&bytes[..end])?;
    let mut words = line.splitn(3, ' ');
    let mut next = || words.next().ok_or("a measurement without its times");
    let (setup, solve, work) = (next()?.parse()?, next()?.parse()?, next()?.to_string());
    let x = bytes[end + 1..].as_chunks::<8>().0.iter().map(|&v| f64::from_le_bytes(v)).collect();
    Ok(Measured { x, setup, solve, work })
}

/// Measures every solver in a child process, whose arguments are the size and the name of the solver, and prints the
/// table. A solver that did not finish is a note below it.
pub fn compare<'a>(
    title: &str,
    size: &str,
    solvers: &[&'a str],
    limit: Duration,
) -> Outcome<Vec<(&'a str, Measured)>> {
    let mut rows = Vec::new();
    let mut notes = Vec::new();
    for &solver in solvers {
        match measure(&[size, solver], limit)? {
            Ended::Finished(measured) => rows.push((solver, measured)),
            Ended::Stopped => notes.push(format!("{solver}: stopped after {} s", limit.as_secs())),
            Ended::Failed(message) => notes.push(format!("{solver}: {message}")),
        }
    }
    let unknowns = rows.first().map_or(0, |row| row.1.x.len());
    table(&format!("{title}: {unknowns} unknowns"), &rows);
    notes.iter().for_each(|note| println!("{note}\n"));
    match rows.first() {
        Some(first) if first.0 == solvers[0] => Ok(rows),
        _ => Err(format!("{} did not solve {title}: {}", solvers[0], notes.join("; ")).into()),
    }
}
