//! Cache of compiled kernels on disk.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_128;

use crate::sparse::write_atomic;

/// Bytes of the checksum before an image.
const CHECKSUM: usize = 16;

/// A folder of images, or no cache.
#[derive(Debug, Clone)]
pub(super) struct KernelCache {
    folder: Option<PathBuf>,
}

impl KernelCache {
    /// The folder named by `MULTIGRAD_CACHE`, none if it is empty; by default `multigrad` in the user's
    /// cache. Relative paths are ignored.
    pub fn of_user() -> Self {
        Self::of(|name| std::env::var_os(name))
    }

    fn of(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let path = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let home = || path("HOME").map(|home| home.join(".cache"));
        let folder = match variable("MULTIGRAD_CACHE") {
            Some(_) => path("MULTIGRAD_CACHE"),
            None => path("XDG_CACHE_HOME")
                .or_else(|| path("LOCALAPPDATA"))
                .or_else(home)
                .map(|cache| cache.join("multigrad")),
        };
        Self { folder }
    }

    /// A cache in this folder.
    #[cfg(test)]
    fn within(folder: &Path) -> Self {
        Self { folder: Some(folder.to_path_buf()) }
    }

    fn path(folder: &Path, key: &str) -> PathBuf {
        folder.join(format!("kernels-{:032x}", xxh3_128(key.as_bytes())))
    }

    /// The image of this key, if it exists and is intact.
    pub fn load(&self, key: &str) -> Option<Vec<u8>> {
        let bytes = std::fs::read(Self::path(self.folder.as_deref()?, key)).ok()?;
        let (checksum, image) = bytes.split_at_checked(CHECKSUM)?;
        (checksum == xxh3_128(image).to_le_bytes()).then(|| image.to_vec())
    }

    /// Stores an image. If the folder is not writable, the next start compiles again.
    pub fn store(&self, key: &str, image: &[u8]) {
        let Some(folder) = self.folder.as_deref().filter(|f| std::fs::create_dir_all(f).is_ok()) else {
            return;
        };
        let _ = write_atomic(&Self::path(folder, key), |file| {
            file.write_all(&xxh3_128(image).to_le_bytes())?;
            file.write_all(image)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_kept_by_key_and_only_whole_ones_are_given_out() {
        let folder = tempfile::tempdir().unwrap();
        let kept = KernelCache::within(&folder.path().join("a").join("b"));
        assert_eq!(kept.load("one"), None);
        kept.store("one", b"image of one");
        kept.store("two", b"");
        assert_eq!(kept.load("one").unwrap(), b"image of one");
        assert_eq!(kept.load("two").unwrap(), b"");
        assert_eq!(kept.load("three"), None);
        let path = KernelCache::path(kept.folder.as_deref().unwrap(), "one");
        let whole = std::fs::read(&path).unwrap();
        for broken in [&whole[..3], &whole[..whole.len() - 1], &[&whole[..20], b"x", &whole[21..]].concat()] {
            std::fs::write(&path, broken).unwrap();
            assert_eq!(kept.load("one"), None);
        }
        kept.store("one", b"again");
        assert_eq!(kept.load("one").unwrap(), b"again");
    }

    #[test]
    #[cfg(unix)]
    fn the_folder_is_that_of_the_user() {
        let folder = |variables: &[(&str, &str)]| {
            let find = |name: &str| Some(variables.iter().find(|v| v.0 == name)?.1.into());
            KernelCache::of(find).folder.map(|folder| folder.to_str().unwrap().to_owned())
        };
        let home = ("HOME", "/users/a");
        assert_eq!(folder(&[]), None);
        assert_eq!(folder(&[home]).unwrap(), "/users/a/.cache/multigrad");
        assert_eq!(folder(&[home, ("XDG_CACHE_HOME", "/cache")]).unwrap(), "/cache/multigrad");
        for wrong in ["", "cache"] {
            assert_eq!(folder(&[home, ("XDG_CACHE_HOME", wrong)]).unwrap(), "/users/a/.cache/multigrad");
            assert_eq!(folder(&[home, ("MULTIGRAD_CACHE", wrong)]), None);
        }
        assert_eq!(folder(&[home, ("MULTIGRAD_CACHE", "/own")]).unwrap(), "/own");
    }

    #[test]
    fn a_folder_that_cannot_be_written_keeps_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, b"").unwrap();
        for kept in [KernelCache::within(&file), KernelCache { folder: None }] {
            kept.store("one", b"image");
            assert_eq!(kept.load("one"), None);
        }
    }
}
