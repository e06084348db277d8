//! Tests of the store, by what they promise.

mod commits;
mod golden;
mod inbox;
mod lists;
mod opening;
mod owners;
mod retention;
mod samples;
mod secrecy;
mod snapshots;

use std::path::PathBuf;

use p2p_core::Time;
use p2p_core::engine::{Change, Snapshot};

use super::{Reader, Store, StoreError};
use samples::NOW;

/// The identity's secret key in these tests.
const SECRET: [u8; 32] = [7; 32];

/// A store in a directory of its own.
struct Home {
    dir: tempfile::TempDir,
    store: Store,
}

impl Home {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("store.db"), &SECRET).unwrap();
        Self { dir, store }
    }

    fn with(changes: Vec<Change>) -> Self {
        let mut home = Self::new();
        home.commit(changes);
        home
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("store.db")
    }

    fn commit(&mut self, changes: Vec<Change>) {
        self.store.commit(&changes).unwrap();
    }

    fn snapshot(&self) -> Snapshot {
        self.store.snapshot(NOW).unwrap()
    }

    fn snapshot_at(&self, now: Time) -> Snapshot {
        self.store.snapshot(now).unwrap()
    }

    fn reader(&self) -> Reader {
        self.store.reader().unwrap()
    }

    /// Closes the store and opens it again.
    fn reopened(self) -> Self {
        let Self { dir, store } = self;
        drop(store);
        let store = Store::open(&dir.path().join("store.db"), &SECRET).unwrap();
        Self { dir, store }
    }

    /// Closes the store and does something to its file.
    fn tamper(self, sql: &str) -> tempfile::TempDir {
        let Self { dir, store } = self;
        drop(store);
        let db = rusqlite::Connection::open(dir.path().join("store.db")).unwrap();
        db.execute_batch(sql).unwrap();
        dir
    }
}

fn open(dir: &tempfile::TempDir) -> Result<Store, StoreError> {
    Store::open(&dir.path().join("store.db"), &SECRET)
}
