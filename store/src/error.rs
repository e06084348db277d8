//! What can go wrong with the store, in words that name the object.

use std::path::PathBuf;

/// Why the store could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file could not be made or looked at.
    #[error("cannot open the store at {}: {source}", path.display())]
    Open {
        /// The store.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no database any more. It was left as it is.
    #[error("the store at {} is damaged ({what}); it was left as it is", path.display())]
    Damaged {
        /// The store.
        path: PathBuf,
        /// What SQLite says.
        what: String,
    },
    /// A database of another program.
    #[error("{} is a database, but no store of p2p", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Its format is of a later version.
    #[error(
        "the store at {} was written by a newer version of p2p (format {found}; this one knows \
         up to {known})",
        path.display()
    )]
    Newer {
        /// The store.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The latest that we know.
        known: i64,
    },
    /// The data key does not open with this identity's key.
    #[error("the store at {} belongs to another identity", path.display())]
    OtherIdentity {
        /// The store.
        path: PathBuf,
    },
    /// The copy that is made before the format changes could not be made: nothing was changed.
    #[error("the store's format is to change, and no copy could be made at {}: {what}", path.display())]
    Copy {
        /// Where the copy goes.
        path: PathBuf,
        /// Why not.
        what: String,
    },
    /// A row holds what we never write, or was tampered with.
    #[error("row {row} of table {table} in the store cannot be read: {what}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The row's key.
        row: String,
        /// What is wrong with it.
        what: String,
    },
    /// The system gives no random bytes, or the cipher refuses: nothing is written unsealed.
    #[error("cannot seal text for the store")]
    Seal,
    /// SQLite refused: disk full, locked, read-only and the like.
    #[error("SQLite: {0}")]
    Sql(#[from] rusqlite::Error),
}

impl StoreError {
    /// Whether SQLite says that the file itself is broken.
    pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        matches!(error.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase))
    }
}
