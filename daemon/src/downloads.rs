//! Received files on disk. A file is named by its handle, never overwrites another one, never
//! follows a link, and all files together never exceed the cap.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The folder of received files, and its cap.
#[derive(Debug, Clone)]
pub(crate) struct Downloads {
    /// The folder.
    pub folder: PathBuf,
    /// Most bytes that all files may take.
    pub cap: u64,
}

impl Downloads {
    /// Returns the folder and cap of the configuration.
    #[must_use]
    pub fn of(place: &p2p_ipc::Place, config: &p2p_config::Config) -> Self {
        let cap = config.limits.downloads_mib.saturating_mul(1024 * 1024);
        Self { folder: place.downloads.clone(), cap }
    }

    /// Writes a received file under a safe name and returns its path. Writing the same again after
    /// a crash is not an error.
    ///
    /// # Errors
    /// A sentence for the agent when the file cannot be written or the cap is reached.
    pub fn write(&self, handle: u32, name: &str, bytes: &[u8]) -> Result<PathBuf, String> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)
            .map_err(|e| format!("cannot make {}: {e}", self.folder.display()))?;
        let path = self.folder.join(format!("f{handle}-{name}"));
        match self.create(&path, bytes) {
            Ok(()) => Ok(path),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => match read(&path) {
                Ok(there) if there == bytes => Ok(path),
                // Quoted, since the peer chose the end of the path.
                _ => Err(format!("{path:?} already exists and was not changed")),
            },
            Err(e) => Err(format!("cannot write {path:?}: {e}")),
        }
    }

    /// Deletes a received file in this folder. Returns true when the file is gone.
    #[must_use]
    pub fn remove(&self, path: &str) -> bool {
        let path = Path::new(path);
        let ours = path.parent() == Some(&self.folder);
        match fs::symlink_metadata(path) {
            Ok(file) if ours && file.is_file() => fs::remove_file(path).is_ok(),
            Ok(_) => false,
            Err(e) => e.kind() == io::ErrorKind::NotFound,
        }
    }

    fn create(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        if fs::symlink_metadata(path).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let used = used(&self.folder)?;
        if used + bytes.len() as u64 > self.cap {
            let (used, cap) = (used / 1024, self.cap / 1024);
            let full = format!("the folder holds {used} of {cap} KiB; remove files there");
            return Err(io::Error::new(io::ErrorKind::StorageFull, full));
        }
        // `create_new` is O_EXCL: it follows no link and overwrites nothing. The final name
        // appears only once the whole file is written.
        let part = path.with_file_name(format!(
            ".{}.part",
            path.file_name().unwrap_or_default().to_string_lossy()
        ));
        let _ = fs::remove_file(&part);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        let linked = fs::hard_link(&part, path);
        fs::remove_file(&part)?;
        linked
    }
}

/// Reads a received file. A link in its place is not followed.
///
/// # Errors
/// The error of opening or reading the file.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(nix::fcntl::OFlag::O_NOFOLLOW.bits())
        .open(path)?;
    let mut bytes = Vec::new();
    file.take(p2p_ipc::FILE_LIMIT as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn used(folder: &Path) -> io::Result<u64> {
    let mut sum = 0;
    for entry in fs::read_dir(folder)? {
        sum += entry?.metadata().map_or(0, |metadata| metadata.len());
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn downloads(cap: u64) -> (tempfile::TempDir, Downloads) {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("downloads");
        (dir, Downloads { folder, cap })
    }

    #[test]
    fn the_same_file_may_be_written_again_and_another_one_may_not() {
        let (_dir, downloads) = downloads(1000);
        let path = downloads.write(3, "de.md", b"one").unwrap();
        assert_eq!(path.file_name().unwrap(), "f3-de.md");
        assert_eq!(downloads.write(3, "de.md", b"one").unwrap(), path);
        assert!(downloads.write(3, "de.md", b"two").is_err());
        assert_eq!(fs::read(&path).unwrap(), b"one");
    }

    #[test]
    fn a_link_in_place_of_a_file_is_neither_written_nor_read() {
        let (dir, downloads) = downloads(1000);
        fs::create_dir(&downloads.folder).unwrap();
        let target = dir.path().join("target");
        fs::write(&target, b"mine").unwrap();
        std::os::unix::fs::symlink(&target, downloads.folder.join("f1-x")).unwrap();
        assert!(downloads.write(1, "x", b"theirs").is_err());
        assert_eq!(fs::read(&target).unwrap(), b"mine");
        assert!(read(&downloads.folder.join("f1-x")).is_err());
    }

    #[test]
    fn a_file_past_the_cap_is_refused_with_advice() {
        let (_dir, downloads) = downloads(10);
        downloads.write(1, "a", b"12345678").unwrap();
        let error = downloads.write(2, "b", b"123").unwrap_err();
        assert!(error.contains("remove files"), "{error}");
    }
}
