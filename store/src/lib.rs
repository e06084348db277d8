//! The store: what must survive a restart, in one SQLite file.
//!
//! [`Store`] writes; the engine's thread owns it, and a commit is durable when it returns.
//! [`Reader`] answers the socket's questions over a connection of its own. Text is sealed
//! (module `seal`), so that a copied file shows none; it does show keys, handles, times, states
//! and sizes.
//!
//! The disk has its own format: `migrations/` is its shape, `words` its vocabulary, and a file of
//! `tables/` turns one table into the core's records and back. The core's types stay free to
//! change; the rumors alone are kept as the JSON that they are on the wire.

mod backup;
mod commit;
mod conversation;
mod error;
mod migrations;
mod open;
mod read;
mod retention;
mod seal;
mod snapshot;
mod sql;
mod tables;
mod words;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use p2p_core::engine::{Change, Snapshot};
use p2p_core::{RumorId, Time};
use rusqlite::{Connection, TransactionBehavior};

pub use conversation::{conversation_key, parse_conversation_key};
pub use error::StoreError;
pub use read::{CallRow, FileRow, MessageRow, QuestionRow, Reader, Wanted};
pub use retention::Due;
pub use tables::messages::Receipt;

use seal::Vault;
use sql::Db;
use tables::{messages, meta, questions};

/// The fact that is the hash of the owner's passphrase.
const PASSPHRASE: &str = "passphrase";

/// The store's one writer.
pub struct Store {
    path: PathBuf,
    sql: Connection,
    vault: Arc<Vault>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the store of the identity with this secret key, or makes it; the directory must
    /// exist. The file is readable by its user only.
    ///
    /// # Errors
    /// When the file cannot be opened, is damaged, foreign, of a later version or of another
    /// identity. It is then left as it is.
    pub fn open(path: &Path, secret: &[u8; 32]) -> Result<Self, StoreError> {
        let (sql, vault) = open::writer(path, secret)?;
        Ok(Self { path: path.into(), sql, vault: Arc::new(vault) })
    }

    /// Makes changes durable, in this order: all of them or, on an error, none.
    ///
    /// # Errors
    /// When SQLite refuses, or a change does not fit what is kept.
    pub fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        if changes.is_empty() {
            return Ok(());
        }
        self.write(|db| changes.iter().try_for_each(|change| commit::apply(db, change)))
    }

    /// What the engine needs to go on.
    ///
    /// # Errors
    /// When SQLite refuses, or a row was tampered with.
    pub fn snapshot(&self, now: Time) -> Result<Snapshot, StoreError> {
        snapshot::take(Db { sql: &self.sql, vault: &self.vault }, now)
    }

    /// A connection for questions, for another thread.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn reader(&self) -> Result<Reader, StoreError> {
        Ok(Reader::new(open::reader(&self.path)?, Arc::clone(&self.vault)))
    }

    /// Notes that one of the owner's channels was given a question, and whether it took it.
    ///
    /// # Errors
    /// When SQLite refuses, or there is no such question.
    pub fn told(&mut self, question: u32, channel: &str, ok: bool) -> Result<(), StoreError> {
        self.write(|db| questions::put_told(db, question, channel, ok))
    }

    /// Keeps what relays said of messages; of rumors that are no messages of ours, nothing.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn receipts(&mut self, said: &[(RumorId, Vec<Receipt>)]) -> Result<(), StoreError> {
        if said.is_empty() {
            return Ok(());
        }
        self.write(|db| {
            said.iter().try_for_each(|(rumor, said)| messages::put_receipts(db, *rumor, said))
        })
    }

    /// Keeps a small fact of the daemon, sealed.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn set_meta(&mut self, key: &str, value: &str) -> Result<(), StoreError> {
        self.write(|db| meta::put(db, key, Some(value)))
    }

    /// A small fact of the daemon.
    ///
    /// # Errors
    /// When SQLite refuses, or the row was tampered with.
    pub fn meta(&self, key: &str) -> Result<Option<String>, StoreError> {
        meta::read(Db { sql: &self.sql, vault: &self.vault }, key, Some)
    }

    /// Keeps the hash of the passphrase that proves an owner at a terminal, or forgets it.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn set_passphrase(&mut self, hash: Option<&str>) -> Result<(), StoreError> {
        self.write(|db| meta::put(db, PASSPHRASE, hash))
    }

    /// Runs statements in one transaction, which an error takes back.
    fn write<T>(
        &mut self,
        statements: impl FnOnce(Db<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let change = self.sql.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let value = statements(Db { sql: &change, vault: &self.vault })?;
        change.commit()?;
        Ok(value)
    }
}
