//! The writer: the engine's thread owns it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use p2p_core::engine::{Change, Snapshot};
use p2p_core::{RumorId, Time};
use rusqlite::{Connection, TransactionBehavior};

use crate::error::StoreError;
use crate::reader::Reader;
use crate::seal::Vault;
use crate::sql::Db;
use crate::tables::messages::{self, Receipt};
use crate::tables::{meta, questions};
use crate::{commit, open, snapshot};

/// The store's only writer. A commit is durable when it returns.
pub struct Store {
    path: PathBuf,
    pub(crate) sql: Connection,
    vault: Arc<Vault>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the store of the identity with this secret key, or creates it. The directory must
    /// exist. Only the user can read the file.
    ///
    /// # Errors
    /// When the file cannot be opened, is damaged, belongs to another program or identity, or was
    /// written by a later version. The file is then left unchanged.
    pub fn open(path: &Path, secret: &[u8; 32]) -> Result<Self, StoreError> {
        let (sql, vault) = open::writer(path, secret)?;
        Ok(Self { path: path.into(), sql, vault: Arc::new(vault) })
    }

    /// Makes changes durable, in this order: all of them or, on an error, none.
    ///
    /// # Errors
    /// When SQLite fails, or a change contradicts the stored state.
    pub fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        if changes.is_empty() {
            return Ok(());
        }
        self.write(|db| changes.iter().try_for_each(|change| commit::apply(db, change)))
    }

    /// Reads the state from which an engine goes on.
    ///
    /// # Errors
    /// When SQLite fails, or a row was tampered with.
    pub fn snapshot(&self, now: Time) -> Result<Snapshot, StoreError> {
        snapshot::take(self.db(), now)
    }

    /// Opens a read-only connection, for another thread.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn reader(&self) -> Result<Reader, StoreError> {
        Ok(Reader::new(open::reader(&self.path)?, Arc::clone(&self.vault)))
    }

    /// Records that a notifier was given a question, and whether it accepted the question.
    ///
    /// # Errors
    /// When SQLite fails, or the question does not exist.
    pub fn told(&mut self, question: u32, channel: &str, ok: bool) -> Result<(), StoreError> {
        self.write(|db| questions::put_told(db, question, channel, ok))
    }

    /// Records the relays' answers to messages. Rumors that are not messages of ours are ignored.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn receipts(&mut self, answers: &[(RumorId, Vec<Receipt>)]) -> Result<(), StoreError> {
        if answers.is_empty() {
            return Ok(());
        }
        self.write(|db| {
            let mut answers = answers.iter();
            answers.try_for_each(|(rumor, answers)| messages::put_receipts(db, *rumor, answers))
        })
    }

    /// Keeps a small fact of the daemon, sealed.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn set_meta(&mut self, key: &str, value: &str) -> Result<(), StoreError> {
        self.write(|db| meta::put(db, key, Some(value)))
    }

    /// Returns a small fact of the daemon.
    ///
    /// # Errors
    /// When SQLite fails, or the row was tampered with.
    pub fn meta(&self, key: &str) -> Result<Option<String>, StoreError> {
        meta::read(self.db(), key, Some)
    }

    /// Keeps the hash of the passphrase that proves an owner at a terminal, or removes it.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn set_passphrase(&mut self, hash: Option<&str>) -> Result<(), StoreError> {
        self.write(|db| meta::put_passphrase(db, hash))
    }

    /// Runs statements in one transaction. An error rolls all of them back.
    pub(crate) fn write<T>(
        &mut self,
        statements: impl FnOnce(Db<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let change = self.sql.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let value = statements(Db { sql: &change, vault: &self.vault })?;
        change.commit()?;
        Ok(value)
    }

    /// Returns the connection together with the key to its text.
    pub(crate) fn db(&self) -> Db<'_> {
        Db { sql: &self.sql, vault: &self.vault }
    }
}
