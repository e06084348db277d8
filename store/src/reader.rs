//! A read-only connection for the socket's handlers; `read/` has its queries.
//!
//! Each query is answered from one state of the store, however many statements it takes.

use std::fmt;
use std::sync::Arc;

use rusqlite::{Connection, Transaction};

use crate::error::StoreError;
use crate::seal::Vault;
use crate::sql::Db;

/// A read-only connection to the store. Each thread opens its own.
pub struct Reader {
    sql: Connection,
    vault: Arc<Vault>,
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reader")
    }
}

impl Reader {
    pub(crate) fn new(sql: Connection, vault: Arc<Vault>) -> Self {
        Self { sql, vault }
    }

    /// Begins a read transaction, which sees one state of the store.
    pub(crate) fn view(&self) -> Result<View<'_>, StoreError> {
        Ok(View { state: self.sql.unchecked_transaction()?, vault: &self.vault })
    }
}

/// One state of the store; see [`Reader::view`].
pub(crate) struct View<'a> {
    state: Transaction<'a>,
    vault: &'a Vault,
}

impl View<'_> {
    pub(crate) fn db(&self) -> Db<'_> {
        Db { sql: &self.state, vault: self.vault }
    }
}
