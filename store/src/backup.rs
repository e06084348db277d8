//! The copy of the store that is made before its format changes: `p2p.db.v1-backup`. Moved to the
//! store's place, it is what the version before goes on with.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rusqlite::Connection;

use super::error::StoreError;
use super::open::beside;

/// Copies that are kept: the last ones.
const KEPT: i64 = 2;

/// Copies a store of this format, and removes copies of formats that are long gone. What is there
/// under the copy's name gives way only to a whole one.
pub(super) fn make(db: &Connection, store: &Path, format: i64) -> Result<(), StoreError> {
    let copy = beside(store, &format!(".v{format}-backup"));
    let failed = |what: String| StoreError::Copy { path: copy.clone(), what };
    let part = beside(store, ".backup-part");
    let made = write(db, &part).and_then(|()| Ok(fs::rename(&part, &copy)?));
    if let Err(error) = made {
        let _ = fs::remove_file(&part);
        return Err(failed(error.to_string()));
    }
    for old in 1..=format - KEPT {
        let _ = fs::remove_file(beside(store, &format!(".v{old}-backup")));
    }
    Ok(())
}

/// SQLite writes what is in the log too, and into an empty file that is there, which is ours alone.
fn write(db: &Connection, part: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let _ = fs::remove_file(part);
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(part)?;
    db.execute("VACUUM INTO ?1", [part.to_str().ok_or("its path is no UTF-8")?])?;
    File::open(part)?.sync_all()?;
    Ok(())
}
