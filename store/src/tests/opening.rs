//! Opening: a private file, nobody else's, of no later version, and whole.

use p2p_core::change::{Change, PeerChange};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::samples::{BOB, in_call, message, new, peer};
use super::{Home, SECRET, StoreError, open};
use crate::Store;
use crate::migrations::latest;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Every file in a directory, with what it holds.
fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.display().to_string(), fs::read(&path).unwrap()))
        .filter(|(name, _)| !name.ends_with("-shm") && !name.contains(".damaged-"))
        .collect();
    files.sort();
    files
}

/// The state of the disk when the process dies: the log is not folded back.
fn crashed(home: &Home) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for name in ["store.db", "store.db-wal"] {
        fs::copy(home.dir.path().join(name), copy.path().join(name)).unwrap();
    }
    copy
}

/// Opens what is to be refused; nothing may change.
fn refused(dir: &tempfile::TempDir, secret: &[u8; 32]) -> StoreError {
    let before = files(dir.path());
    let error = Store::open(&dir.path().join("store.db"), secret).unwrap_err();
    let after: Vec<_> =
        files(dir.path()).into_iter().filter(|(_, bytes)| !bytes.is_empty()).collect();
    assert!(before == after, "the files changed: {error}");
    error
}

#[test]
fn the_files_are_private() {
    let mut home = Home::new();
    home.commit(vec![Change::Peer(PeerChange::Put(peer(BOB, None)))]);
    let path = home.path();
    let all = [path.clone(), path.with_extension("db-wal"), path.with_extension("db-shm")];
    for file in &all {
        assert_eq!(mode(file), 0o600, "{}", file.display());
        fs::set_permissions(file, fs::Permissions::from_mode(0o644)).unwrap();
    }
    // Another process left them open to others.
    let second = open(&home.dir).unwrap();
    for file in &all {
        assert_eq!(mode(file), 0o600, "{}", file.display());
    }
    drop(second);
}

#[test]
fn commits_are_synchronous() {
    let home = Home::new();
    let pragma = |name| home.store.sql.pragma_query_value(None, name, |r| r.get::<_, i64>(0));
    assert_eq!(pragma("synchronous").unwrap(), 2, "FULL");
    assert_eq!(pragma("foreign_keys").unwrap(), 1);
    let journal: String =
        home.store.sql.pragma_query_value(None, "journal_mode", |r| r.get(0)).unwrap();
    assert_eq!(journal, "wal");
}

#[test]
fn a_committed_change_survives_a_crash() {
    let mut home = Home::new();
    home.commit(vec![new(message(1, in_call(1), "kept"))]);
    let copy = crashed(&home);
    let store = open(&copy).unwrap();
    let row = store.reader().unwrap().message(1).unwrap().unwrap();
    assert_eq!(row.message, message(1, in_call(1), "kept"));
}

#[test]
fn another_identity_is_refused() {
    let dir = Home::with(vec![Change::Peer(PeerChange::Put(peer(BOB, None)))]).tamper("");
    let error = refused(&dir, &[8; 32]);
    assert!(matches!(error, StoreError::OtherIdentity { .. }), "{error:?}");
    assert!(error.to_string().ends_with("belongs to another identity"), "{error}");
    assert_eq!(open(&dir).unwrap().reader().unwrap().peers().unwrap(), [peer(BOB, None)]);
}

#[test]
fn a_newer_version_is_refused() {
    let newer = latest() + 1;
    let dir = Home::new().tamper(&format!("PRAGMA user_version = {newer}"));
    let error = refused(&dir, &SECRET);
    assert!(matches!(error, StoreError::Newer { found, .. } if found == newer), "{error:?}");
    assert!(error.to_string().contains("newer version of p2p"), "{error}");
}

#[test]
fn a_database_of_another_program_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let db = rusqlite::Connection::open(dir.path().join("store.db")).unwrap();
    db.execute_batch("CREATE TABLE notes (text TEXT)").unwrap();
    drop(db);
    let error = refused(&dir, &SECRET);
    assert!(matches!(error, StoreError::Foreign { .. }), "{error:?}");
}

#[test]
fn a_damaged_file_is_left_unchanged() {
    type Damage = fn(&mut Vec<u8>);
    let damages: [(&str, Damage); 4] = [
        ("no database at all", |bytes| *bytes = b"Dear diary, ".repeat(500)),
        ("no header", |bytes| bytes[..16].fill(0)),
        ("cut short", |bytes| bytes.truncate(bytes.len() / 2)),
        ("garbage inside", |bytes| bytes[3 * 4096..12 * 4096].fill(0x5a)),
    ];
    for (name, damage) in damages {
        let messages = (1..=99).map(|n| new(message(n, in_call(1), "x"))).collect();
        let dir = Home::with(messages).tamper("");
        let path = dir.path().join("store.db");
        let mut bytes = fs::read(&path).unwrap();
        assert!(bytes.len() > 20 * 4096, "{}", bytes.len());
        damage(&mut bytes);
        fs::write(&path, bytes).unwrap();
        let error = refused(&dir, &SECRET);
        assert!(matches!(error, StoreError::Damaged { .. }), "{name}: {error:?}");
        assert!(error.to_string().contains("left unchanged"), "{name}: {error}");
    }
}

#[test]
fn a_refused_file_keeps_its_log() {
    let mut home = Home::with((1..=99).map(|n| new(message(n, in_call(1), "x"))).collect());
    home = home.reopened();
    home.commit(vec![new(message(100, in_call(1), "x"))]);
    let dir = crashed(&home);
    assert!(fs::metadata(dir.path().join("store.db-wal")).unwrap().len() > 0);
    let error = refused(&dir, &[8; 32]);
    assert!(matches!(error, StoreError::OtherIdentity { .. }), "{error:?}");
    let path = dir.path().join("store.db");
    let mut bytes = fs::read(&path).unwrap();
    bytes[3 * 4096..12 * 4096].fill(0x5a);
    fs::write(&path, bytes).unwrap();
    let error = refused(&dir, &SECRET);
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
}

#[test]
fn a_key_that_was_swapped_is_another_identity() {
    let dir = Home::new().tamper("UPDATE vault SET data_key = zeroblob(72)");
    assert!(matches!(refused(&dir, &SECRET), StoreError::OtherIdentity { .. }));
}

#[test]
fn a_missing_directory_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("nowhere").join("store.db");
    let error = Store::open(&path, &SECRET).unwrap_err();
    assert!(matches!(error, StoreError::Open { .. }), "{error:?}");
    assert!(error.to_string().contains("nowhere"), "{error}");
}

#[test]
fn an_empty_file_becomes_a_store() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("store.db"), b"").unwrap();
    drop(open(&dir).unwrap());
    assert_eq!(mode(&dir.path().join("store.db")), 0o600);
    assert!(open(&dir).is_ok());
}

/// A store is never without its first page once there was a log.
#[test]
fn an_empty_file_beside_a_log_is_damage() {
    let mut home = Home::new();
    home.commit(vec![new(message(1, in_call(1), "kept"))]);
    let dir = crashed(&home);
    fs::write(dir.path().join("store.db"), b"").unwrap();
    let log = || fs::read(dir.path().join("store.db-wal")).unwrap();
    let before = log();
    let error = open(&dir).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
    assert!(log() == before, "the log changed");
}

#[test]
fn every_complete_commit_of_a_truncated_log_is_kept() {
    let mut home = Home::with(vec![new(message(1, in_call(1), "first"))]).reopened();
    let log = |home: &Home| fs::metadata(home.dir.path().join("store.db-wal")).unwrap().len();
    home.commit(vec![new(message(2, in_call(1), "second"))]);
    let whole = log(&home);
    home.commit(vec![new(message(3, in_call(1), "third"))]);
    let end = log(&home);
    assert!(whole < end);
    for (length, count) in [(end, 3), (end - 1, 2), (whole, 2), (whole - 1, 1), (10, 1), (0, 1)] {
        let dir = crashed(&home);
        let log = fs::OpenOptions::new().write(true).open(dir.path().join("store.db-wal")).unwrap();
        log.set_len(length).unwrap();
        let mut store = open(&dir).unwrap();
        let found = store.reader().unwrap().message_count(in_call(1)).unwrap();
        assert_eq!(found, count, "cut at {length}");
        store.commit(&[new(message(9, in_call(1), "and on"))]).unwrap();
    }
    // Without its log it is what the last checkpoint left.
    let dir = crashed(&home);
    fs::remove_file(dir.path().join("store.db-wal")).unwrap();
    assert_eq!(open(&dir).unwrap().reader().unwrap().message_count(in_call(1)).unwrap(), 1);
}

#[test]
fn a_damaged_store_is_copied_with_its_log_and_two_copies_are_kept() {
    let mut home = Home::with((1..=99).map(|n| new(message(n, in_call(1), "x"))).collect());
    home = home.reopened();
    home.commit(vec![new(message(100, in_call(1), "x"))]);
    let dir = crashed(&home);
    let path = dir.path().join("store.db");
    let copy =
        |number: u32, suffix: &str| dir.path().join(format!("store.db.damaged-{number}{suffix}"));
    let damage = |byte: u8| {
        let mut bytes = fs::read(&path).unwrap();
        bytes[3 * 4096..12 * 4096].fill(byte);
        fs::write(&path, &bytes).unwrap();
        let error = refused(&dir, &SECRET).to_string();
        (bytes, error)
    };
    let log = fs::read(dir.path().join("store.db-wal")).unwrap();
    let (bytes, error) = damage(0x5a);
    assert!(error.ends_with(&format!("copied to {}", copy(1, "").display())), "{error}");
    assert!(fs::read(copy(1, "")).unwrap() == bytes && fs::read(copy(1, "-wal")).unwrap() == log);
    assert_eq!((mode(&copy(1, "")), mode(&copy(1, "-wal"))), (0o600, 0o600));
    // Unchanged since the last copy.
    damage(0x5a);
    assert!(!copy(2, "").exists());
    damage(0x5b);
    damage(0x5c);
    assert!(!copy(1, "").exists() && !copy(1, "-wal").exists());
    assert!(copy(2, "").exists() && copy(3, "-wal").exists());
}
