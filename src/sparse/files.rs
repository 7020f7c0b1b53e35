//! Files that appear whole or not at all.

use std::io::{BufWriter, Write};
use std::path::Path;

use crate::error::{Error, Result};

/// Writes to a temporary file beside `path` and renames it, so that a failure leaves
/// whatever was there before.
pub(crate) fn write_atomic(
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let write = || -> std::io::Result<()> {
        if path.is_dir() {
            return Err(std::io::Error::other("it is a folder"));
        }
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // Temporary files are private by default; the umask still applies to this one.
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let mut file = builder.prefix(".multigrad-").tempfile_in(folder)?;
        {
            let mut buffered = BufWriter::new(file.as_file_mut());
            fill(&mut buffered)?;
            buffered.flush()?;
        }
        file.persist(path)?;
        Ok(())
    };
    write().map_err(|e| Error::io("write", path, e))
}
