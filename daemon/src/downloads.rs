//! Received files on disk. A file is assembled piece by piece, is named by its handle, never
//! overwrites another one, never follows a link, and all files together never exceed the cap.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use p2p_core::Blob;
use p2p_core::transfer::assembly::{Assembly, AssemblyFault, ContentCheck};

/// The number of bytes that are read at a time.
const BUFFER: usize = 16 * 1024;

/// The folder of received files and its limit.
#[derive(Debug, Clone)]
pub(crate) struct Downloads {
    /// The folder.
    pub folder: PathBuf,
    /// Most bytes that all files may take.
    pub cap: u64,
    /// Held by the worker that assembles a file.
    writing: Arc<Mutex<()>>,
}

impl Downloads {
    /// Returns the folder of this agent, limited by its settings.
    #[must_use]
    pub fn of(place: &p2p_ipc::Place, config: &p2p_config::Config) -> Self {
        let cap = config.limits.downloads_mib.saturating_mul(1024 * 1024);
        Self::new(place.downloads.clone(), cap)
    }

    /// Returns a folder that holds at most `cap` bytes.
    #[must_use]
    pub fn new(folder: PathBuf, cap: u64) -> Self {
        Self { folder, cap, writing: Arc::default() }
    }

    /// Assembles a received file under a safe name from its pieces, one at a time, and returns its
    /// path. Nothing has this path before the whole file is checked and durable. A repetition after
    /// a crash returns the same path.
    ///
    /// # Errors
    /// The content is not what was promised, a piece or the folder fails, or the cap is reached.
    pub fn assemble(
        &self,
        assembly: &Assembly,
        piece: impl FnMut(u64) -> Result<Blob, AssemblyFault>,
    ) -> Result<PathBuf, AssemblyFault> {
        let _one_at_a_time = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)
            .map_err(|e| local(format!("cannot make {}: {e}", self.folder.display())))?;
        let name = format!("f{}-{}", assembly.file, assembly.name.as_str());
        let path = self.folder.join(&name);
        if fs::symlink_metadata(&path).is_ok() {
            let same = open(&path).is_ok_and(|file| holds(file, assembly));
            // Quoted, since the peer chose the end of the path.
            let taken = || local(format!("{path:?} already exists and was not changed"));
            return if same { Ok(path) } else { Err(taken()) };
        }
        let part = self.folder.join(format!(".{name}.part"));
        let _ = fs::remove_file(&part);
        let unwritable = |e: io::Error| local(format!("cannot write {path:?}: {e}"));
        self.reserve(assembly.size).map_err(unwritable)?;
        let written = write_pieces(&part, assembly, piece, unwritable)
            .and_then(|()| fs::hard_link(&part, &path).map_err(unwritable));
        let _ = fs::remove_file(&part);
        written?;
        // The name is durable with its folder.
        File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(unwritable)?;
        Ok(path)
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

    /// Refuses a file of this size that would exceed the cap.
    fn reserve(&self, size: u64) -> io::Result<()> {
        let used = used(&self.folder)?;
        if used.saturating_add(size) <= self.cap {
            return Ok(());
        }
        let (used, cap) = (used / 1024, self.cap / 1024);
        let full = format!("the folder holds {used} of {cap} KiB; remove files there");
        Err(io::Error::new(io::ErrorKind::StorageFull, full))
    }
}

/// Writes the pieces of a file to a new private file, checks the whole and makes it durable.
fn write_pieces(
    part: &Path,
    assembly: &Assembly,
    mut piece: impl FnMut(u64) -> Result<Blob, AssemblyFault>,
    unwritable: impl Fn(io::Error) -> AssemblyFault,
) -> Result<(), AssemblyFault> {
    // `create_new` is O_EXCL: it follows no link and overwrites nothing.
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(part);
    let mut file = opened.map_err(&unwritable)?;
    let mut check = ContentCheck::new(assembly.size, assembly.sha256);
    for number in 1..=assembly.pieces {
        let bytes = piece(number)?;
        check.add(&bytes)?;
        file.write_all(&bytes).map_err(&unwritable)?;
    }
    check.finish()?;
    file.sync_all().map_err(unwritable)
}

fn local(cause: String) -> AssemblyFault {
    AssemblyFault::Local(cause.into())
}

/// Returns true if an open file is the one that was promised.
fn holds(mut file: File, assembly: &Assembly) -> bool {
    let mut check = ContentCheck::new(assembly.size, assembly.sha256);
    let mut buffer = vec![0; BUFFER];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return check.finish().is_ok(),
            Ok(length) if check.add(&buffer[..length]).is_ok() => {}
            _ => return false,
        }
    }
}

/// Reads a received file. A link in its place is not followed.
///
/// # Errors
/// The error of opening or reading the file.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(p2p_ipc::FILE_LIMIT as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(nix::fcntl::OFlag::O_NOFOLLOW.bits()).open(path)
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
    use std::os::unix::fs::PermissionsExt;

    use p2p_core::StreamId;
    use sha2::{Digest, Sha256};

    use super::*;

    fn downloads(cap: u64) -> (tempfile::TempDir, Downloads) {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("downloads");
        (dir, Downloads::new(folder, cap))
    }

    /// A file that was offered with this content, in pieces of 4 bytes.
    fn offered(file: u32, name: &str, content: &[u8]) -> Assembly {
        let size = content.len() as u64;
        let sha256 = p2p_core::Sha256(Sha256::digest(content).into());
        let (stream, pieces) = (StreamId([1; 8]), size.div_ceil(4).max(1));
        Assembly { file, stream, pieces, name: name.into(), size, sha256 }
    }

    /// Returns piece `number` of the content that arrived.
    fn piece(content: &[u8], number: u64) -> Result<Blob, AssemblyFault> {
        let pieces = content.chunks(4).nth(number as usize - 1);
        Ok(pieces.unwrap_or_default().to_vec().into())
    }

    fn receive(downloads: &Downloads, assembly: &Assembly, content: &[u8]) -> Written {
        downloads.assemble(assembly, |number| piece(content, number))
    }

    type Written = Result<PathBuf, AssemblyFault>;

    fn parts(downloads: &Downloads) -> usize {
        let hidden = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().starts_with('.');
        fs::read_dir(&downloads.folder).unwrap().flatten().filter(hidden).count()
    }

    #[test]
    fn a_file_is_assembled_once_and_never_over_another() {
        let (_dir, downloads) = downloads(1000);
        let content = b"ten bytes!";
        let path = receive(&downloads, &offered(3, "de.md", content), content).unwrap();
        assert_eq!(path.file_name().unwrap(), "f3-de.md");
        assert_eq!(fs::read(&path).unwrap(), content);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let unread = |_| panic!("the file is there already");
        assert_eq!(downloads.assemble(&offered(3, "de.md", content), unread), Ok(path.clone()));
        let other = receive(&downloads, &offered(3, "de.md", b"two"), b"two").unwrap_err();
        assert!(other.to_string().contains("was not changed"), "{other}");
        assert_eq!(fs::read(&path).unwrap(), content);
        let empty = receive(&downloads, &offered(4, "empty", b""), b"").unwrap();
        assert_eq!(fs::read(&empty).unwrap(), b"");
    }

    #[test]
    fn content_that_was_not_offered_leaves_nothing_behind() {
        let (_dir, downloads) = downloads(1000);
        let offer = offered(1, "a", b"0123456789");
        for arrived in [&b"0123456780"[..], b"012345678", b"0123456789x"] {
            assert_eq!(receive(&downloads, &offer, arrived), Err(AssemblyFault::Mismatch));
        }
        let missing = AssemblyFault::Local("a piece is missing".into());
        let fails = |number| match number {
            1 => piece(b"0123", 1),
            _ => Err(missing.clone()),
        };
        assert_eq!(downloads.assemble(&offer, fails), Err(missing.clone()));
        assert_eq!(fs::read_dir(&downloads.folder).unwrap().count(), 0);
    }

    #[test]
    fn a_crash_midway_is_made_good_by_the_next_attempt() {
        let (_dir, downloads) = downloads(12);
        let content = b"0123456789";
        fs::create_dir(&downloads.folder).unwrap();
        // The part counts against the cap only as long as it is there.
        fs::write(downloads.folder.join(".f1-a.part"), b"01234567").unwrap();
        let path = receive(&downloads, &offered(1, "a", content), content).unwrap();
        assert_eq!(fs::read(&path).unwrap(), content);
        assert_eq!(parts(&downloads), 0);
    }

    #[test]
    fn a_link_in_the_way_is_not_followed() {
        let (dir, downloads) = downloads(1000);
        fs::create_dir(&downloads.folder).unwrap();
        let target = dir.path().join("target");
        fs::write(&target, b"theirs").unwrap();
        std::os::unix::fs::symlink(&target, downloads.folder.join("f1-x")).unwrap();
        receive(&downloads, &offered(1, "x", b"theirs"), b"theirs").unwrap_err();
        assert!(read(&downloads.folder.join("f1-x")).is_err());
        std::os::unix::fs::symlink(&target, downloads.folder.join(".f2-x.part")).unwrap();
        receive(&downloads, &offered(2, "x", b"other"), b"other").unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"theirs");
    }

    #[test]
    fn the_cap_holds_and_the_error_names_it() {
        let (_dir, downloads) = downloads(10);
        receive(&downloads, &offered(1, "a", b"12345678"), b"12345678").unwrap();
        let error = receive(&downloads, &offered(2, "b", b"123"), b"123").unwrap_err();
        assert!(error.to_string().contains("remove files"), "{error}");
    }
}
