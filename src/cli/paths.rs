//! Checks of paths before a long computation.

use std::collections::HashMap;
use std::path::Path;

use super::misuse;
use crate::error::{Error, Result};
use crate::sparse::{folder_of, is_stream, resolved};

/// Fails early if an output cannot be written later, would overwrite an input, or is named twice.
pub fn check_outputs<'a>(
    inputs: impl IntoIterator<Item = Option<&'a Path>>,
    outputs: impl IntoIterator<Item = Option<&'a Path>>,
) -> Result<()> {
    let mut taken = HashMap::new();
    for path in inputs.into_iter().flatten() {
        taken.insert(resolved(path), "would overwrite an input of this command");
    }
    for path in outputs.into_iter().flatten() {
        check_writable(path)?;
        if is_stream(path) {
            continue;
        }
        let twice = "is the output of two options";
        if let Some(reason) = taken.insert(resolved(path), twice) {
            return Err(misuse(format!("{} {reason}; choose another name", path.display())));
        }
    }
    Ok(())
}

fn check_writable(path: &Path) -> Result<()> {
    let refuse = |e| Err(Error::io("write", path, e));
    if path == Path::new("-") {
        return Err(misuse("'-' is not a file; write /dev/stdout for standard output or ./- for that name"));
    }
    if is_stream(path) {
        return Ok(());
    }
    if path.is_dir() {
        return refuse(std::io::Error::other("it is a folder"));
    }
    match path.symlink_metadata() {
        // The name is too long, or a file has the name of a folder.
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return refuse(e),
        _ => {}
    }
    let folder = folder_of(path);
    if !folder.exists() {
        let reason = format!("there is no folder {}; create it first", folder.display());
        return refuse(std::io::Error::new(std::io::ErrorKind::NotFound, reason));
    }
    tempfile::tempfile_in(folder).map_err(|e| Error::io("write", path, e))?;
    Ok(())
}

/// Fails early if the name of a picture has no known format.
pub fn check_picture(path: Option<&Path>) -> Result<()> {
    let Some(path) = path else { return Ok(()) };
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("").to_ascii_lowercase();
    if extension == "svg" || extension == "png" {
        return Ok(());
    }
    Err(misuse(format!(
        "cannot tell the picture format of {}: the name must end in .svg or .png",
        path.display()
    )))
}

/// The name of a file without folder and extension.
pub fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
