//! Copies of the store's file beside it.
//!
//! - `p2p.db.v1-backup` is made before the format changes: moved to the store's place, it is a
//!   store that the previous version reads.
//! - `p2p.db.damaged-1`, with its `-wal`, is made when SQLite finds the store damaged.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::error::StoreError;

/// Backups that are kept: the latest ones.
const BACKUPS_KEPT: i64 = 2;

/// Copies of damaged stores that are kept: the latest ones.
const DAMAGED_KEPT: usize = 2;
/// Suffixes of the store's files: the database and its write-ahead log. SQLite rebuilds the index of the
/// log.
const FILES: [&str; 2] = ["", "-wal"];

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

/// Copies a damaged store with its log, and removes older copies. Returns the copy of the database.
/// A store that was not changed since the last copy is not copied again.
pub(crate) fn set_aside(store: &Path) -> io::Result<PathBuf> {
    let mut numbers = damaged_copies(store)?;
    let copy = |number: u32| beside(store, &format!(".damaged-{number}"));
    if let Some(last) = numbers.last().map(|last| copy(*last))
        && FILES.iter().all(|suffix| same(&beside(store, suffix), &beside(&last, suffix)))
    {
        return Ok(last);
    }
    let number = numbers.last().map_or(1, |last| last + 1);
    numbers.push(number);
    for suffix in FILES {
        let (from, to) = (beside(store, suffix), beside(&copy(number), suffix));
        if let Err(error) = copy_private(&from, &to) {
            FILES.iter().for_each(|suffix| drop(fs::remove_file(beside(&copy(number), suffix))));
            return Err(error);
        }
    }
    for old in &numbers[..numbers.len().saturating_sub(DAMAGED_KEPT)] {
        for suffix in FILES {
            let _ = fs::remove_file(beside(&copy(*old), suffix));
        }
    }
    Ok(copy(number))
}

/// Returns the numbers of the copies of damaged stores, in order.
fn damaged_copies(store: &Path) -> io::Result<Vec<u32>> {
    let prefix = beside(store, ".damaged-");
    let prefix = prefix.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut numbers = Vec::new();
    for entry in fs::read_dir(store.parent().unwrap_or(Path::new(".")))? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix(&prefix));
        numbers.extend(number.and_then(|number| number.parse::<u32>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Copies a file, if there is one, into a new file that only the user can read.
fn copy_private(from: &Path, to: &Path) -> io::Result<()> {
    let mut from = match File::open(from) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut to = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    io::copy(&mut from, &mut to)?;
    to.sync_all()
}

/// Returns true if both files have the same content, or neither exists.
fn same(one: &Path, other: &Path) -> bool {
    let length = |path: &Path| fs::metadata(path).map_or(0, |file| file.len());
    if length(one) != length(other) {
        return false;
    }
    match (File::open(one), File::open(other)) {
        (Ok(one), Ok(other)) => same_bytes(one, other).unwrap_or(false),
        (Err(_), Err(_)) => true,
        _ => false,
    }
}

fn same_bytes(one: File, other: File) -> io::Result<bool> {
    let (mut one, mut other) = (BufReader::new(one), BufReader::new(other));
    loop {
        let (a, b) = (one.fill_buf()?, other.fill_buf()?);
        let length = a.len().min(b.len());
        if a[..length] != b[..length] || a.is_empty() != b.is_empty() {
            return Ok(false);
        }
        if length == 0 {
            return Ok(true);
        }
        one.consume(length);
        other.consume(length);
    }
}
