//! Output of figures: format by extension, atomic writing.

use std::path::Path;

use super::canvas::Scene;
use super::{raster, svg};
use crate::error::{Error, Result};
use crate::sparse::write_atomic;

enum Format {
    Svg,
    Png,
}

fn format(path: &Path) -> Result<Format> {
    match path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase).as_deref() {
        Some("svg") => Ok(Format::Svg),
        Some("png") => Ok(Format::Png),
        _ => Err(Error::invalid_input(format!(
            "cannot tell the picture format of {}: the name must end in .svg or .png",
            path.display()
        ))),
    }
}

/// Draws the scene made by `scene` and writes it to `path`, in the format of the extension. An existing file
/// is replaced atomically.
pub(super) fn write(path: &Path, scene: impl FnOnce() -> Result<Scene>) -> Result<()> {
    let format = format(path)?;
    let scene = scene()?;
    let bytes = match format {
        Format::Svg => svg::render(&scene)?.into_bytes(),
        Format::Png => raster::render(&scene)?,
    };
    write_atomic(path, |file| file.write_all(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty(path: &Path) -> Result<()> {
        write(path, || Ok(Scene::default()))
    }

    #[test]
    fn the_extension_chooses_whatever_its_case() {
        let folder = tempfile::tempdir().unwrap();
        empty(&folder.path().join("a.SVG")).unwrap();
        empty(&folder.path().join("b.Png")).unwrap();
        assert!(std::fs::read(folder.path().join("a.SVG")).unwrap().starts_with(b"<svg"));
        assert!(std::fs::read(folder.path().join("b.Png")).unwrap().starts_with(b"\x89PNG"));
        for bad in ["c.pdf", "c", ".svg"] {
            let e = empty(&folder.path().join(bad)).unwrap_err();
            assert!(e.is_invalid_input() && e.to_string().contains(".svg or .png"));
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_file_is_replaced_whole_and_a_failure_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.svg");
        std::fs::write(&path, "old").unwrap();
        assert!(write(&path, || Err(Error::invalid_input("no"))).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        empty(&path).unwrap();
        assert!(std::fs::read(&path).unwrap().starts_with(b"<svg"));
        assert!(empty(&folder.path().join("missing/a.svg")).unwrap_err().is_io());
        std::fs::create_dir(folder.path().join("d.png")).unwrap();
        assert!(empty(&folder.path().join("d.png")).unwrap_err().is_io());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
