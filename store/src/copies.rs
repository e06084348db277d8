//! Copies of the store's file beside it. `p2p.db.v1-backup` is made before the format changes:
//! moved to the store's place, it is a store that the previous version reads.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::error::StoreError;

/// Backups that are kept: the latest ones.
const BACKUPS_KEPT: i64 = 2;

/// Returns the path of a file beside the store: the store's name with a suffix.
pub(crate) fn beside(store: &Path, suffix: &str) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Copies a store of this format, and removes the copies of much older formats. An existing copy
/// is replaced only once the new copy is complete.
pub(crate) fn back_up(db: &Connection, store: &Path, format: i64) -> Result<(), StoreError> {
    let copy = beside(store, &format!(".v{format}-backup"));
    let part = beside(store, ".backup-part");
    let made = vacuum_into(db, &part).and_then(|()| Ok(fs::rename(&part, &copy)?));
    if let Err(error) = made {
        let _ = fs::remove_file(&part);
        return Err(StoreError::Copy { path: copy, problem: error.to_string() });
    }
    for old in 1..=format - BACKUPS_KEPT {
        let _ = fs::remove_file(beside(store, &format!(".v{old}-backup")));
    }
    Ok(())
}

/// Writes a copy that includes the write-ahead log. SQLite writes into the empty file that is
/// made here, so the copy is private from its first byte.
fn vacuum_into(db: &Connection, part: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let _ = fs::remove_file(part);
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(part)?;
    db.execute("VACUUM INTO ?1", [part.to_str().ok_or("its path is not UTF-8")?])?;
    File::open(part)?.sync_all()?;
    Ok(())
}
