//! Work on several ranks, and its failures.

use super::native::{Reduction, Session};
use crate::error::{Error, Result};

/// A failure on several ranks.
#[derive(Debug)]
pub enum Failure {
    /// Every rank knows of it: rank 0 says what it is, and all end in order.
    Everywhere(Error),
    /// This rank alone may have it: it must end the others.
    Here(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Here(error)
    }
}

impl Failure {
    /// The error.
    pub fn error(&self) -> &Error {
        match self {
            Failure::Everywhere(e) | Failure::Here(e) => e,
        }
    }
}

/// Result of work on several ranks.
pub type Outcome<T> = std::result::Result<T, Failure>;

impl Session {
    /// Runs `work` on rank 0 alone; `None` on the others. An error there becomes one of every rank.
    pub fn on_root<T>(&self, work: impl FnOnce() -> Result<T>) -> Outcome<Option<T>> {
        let done = self.is_root().then(work).transpose();
        self.together(done)
    }

    /// The value of this rank, if no rank has an error. The error of rank 0, or of the first rank that has one, is told.
    pub fn together<T>(&self, done: Result<T>) -> Outcome<T> {
        let mine = if done.is_err() { self.rank() as f64 } else { f64::INFINITY };
        let first = self.reduce(mine, Reduction::Least)?;
        if first.is_infinite() {
            return done.map_err(Failure::Here);
        }
        Err(match done {
            // Rank 0 tells of errors that are everywhere; another rank must tell itself.
            Err(e) if first == 0.0 => Failure::Everywhere(e),
            Err(e) if self.rank() as f64 == first => Failure::Here(e),
            _ if first == 0.0 => Failure::Everywhere(Error::invalid_input("rank 0 has failed")),
            _ => Failure::Everywhere(Error::invalid_input(format!("rank {first} has failed"))),
        })
    }

    /// A text of rank 0 on every rank.
    pub fn share(&self, text: Option<&str>) -> Result<String> {
        let mut length = (text.map_or(0, str::len) as u64).to_be_bytes();
        self.broadcast(&mut length)?;
        let mut bytes = vec![0; u64::from_be_bytes(length) as usize];
        if let Some(text) = text
            && bytes.len() == text.len()
        {
            bytes.copy_from_slice(text.as_bytes());
        }
        self.broadcast(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}
