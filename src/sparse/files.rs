//! Atomic writing of files.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Writes to a temporary file beside `path` and renames it, so that a failure leaves the former contents. A
/// symbolic link stays and its target is replaced; a device or pipe (`/dev/null`, `/dev/stdout`) is written
/// to, never replaced.
pub(crate) fn write_atomic(
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> Result<()> {
    let write = || -> std::io::Result<()> {
        if is_stream(path) {
            let mut file = BufWriter::new(std::fs::OpenOptions::new().append(true).open(path)?);
            fill(&mut file)?;
            return file.flush();
        }
        if path.is_dir() {
            return Err(std::io::Error::other("it is a folder"));
        }
        let path = resolved(path);
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // Temporary files are private by default; the umask still applies to this one.
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let temporary = builder.prefix(".multigrad-").tempfile_in(folder_of(&path));
        // The error of `tempfile` names its own file.
        let mut file = temporary.map_err(|e| std::io::Error::from(e.kind()))?;
        {
            let mut buffered = BufWriter::new(file.as_file_mut());
            fill(&mut buffered)?;
            buffered.flush()?;
        }
        file.persist(&path)?;
        Ok(())
    };
    write().map_err(|e| Error::io("write", path, e))
}

/// Whether the path is something other than a regular file: a device, a pipe, or a name below `/dev` or
/// `/proc`, which refers to an open file.
pub(crate) fn is_stream(path: &Path) -> bool {
    let special = path.starts_with("/dev") || path.starts_with("/proc");
    std::fs::metadata(path).is_ok_and(|m| !m.is_dir() && (special || !m.is_file()))
}

/// The path with symbolic links followed, as far as it exists.
pub(crate) fn resolved(path: &Path) -> PathBuf {
    if let Ok(path) = path.canonicalize() {
        return path;
    }
    match (folder_of(path).canonicalize(), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path.to_path_buf(),
    }
}

/// The folder of a file.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn put(path: &Path) -> Result<()> {
        write_atomic(path, |file| file.write_all(b"new"))
    }

    #[test]
    fn a_link_stays_and_its_target_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        std::fs::write(&target, "old").unwrap();
        symlink(&target, &link).unwrap();
        put(&link).unwrap();
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(std::fs::read(&target).unwrap(), b"new");
    }

    // The test writes nothing here: a defect would replace the device when root runs it.
    #[test]
    fn devices_are_streams_and_files_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        std::fs::write(&file, "").unwrap();
        symlink("/dev/null", &link).unwrap();
        assert!(is_stream(&link) && is_stream(Path::new("/dev/null")));
        assert!(!is_stream(&file) && !is_stream(folder.path()) && !is_stream(Path::new("missing")));
    }

    #[test]
    fn a_failure_leaves_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "old").unwrap();
        let e = write_atomic(&path, |file| {
            file.write_all(b"half")?;
            Err(std::io::Error::other("full"))
        });
        assert!(e.unwrap_err().is_io());
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
