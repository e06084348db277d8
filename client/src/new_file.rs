//! New files that overwrite nothing.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;

use p2p_ipc::{ErrorCode, RpcError};

/// Writes a file that did not exist before, without following a link at its end.
///
/// # Errors
/// Fails if the file exists, or if it cannot be written.
pub fn write_new(path: &Path, bytes: &[u8], mode: u32) -> Result<(), RpcError> {
    use std::os::unix::fs::OpenOptionsExt;
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    written.map_err(|e| match e.kind() {
        ErrorKind::AlreadyExists => local_file(format!(
            "{} exists already, and is not overwritten: choose another path",
            path.display()
        ))
        .hint(format!("ls -l {}", p2p_ipc::quoted(path))),
        _ => local_file(format!("cannot write {}: {e}", path.display())),
    })
}

/// Returns an error about a file of this machine.
pub(crate) fn local_file(message: impl Into<String>) -> RpcError {
    RpcError::new(ErrorCode::LocalFile, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_existing_file_and_a_link_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (old, link) = (folder.path().join("old"), folder.path().join("link"));
        write_new(&old, b"one", 0o600).unwrap();
        std::os::unix::fs::symlink(folder.path().join("absent"), &link).unwrap();
        for path in [&old, &link] {
            assert_eq!(write_new(path, b"two", 0o600).unwrap_err().code, ErrorCode::LocalFile);
        }
        assert_eq!(std::fs::read(&old).unwrap(), b"one");
    }
}
