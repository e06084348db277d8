//! Errors of the store.

use std::path::{Path, PathBuf};

/// A store that could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file could not be created or inspected.
    #[error("cannot open the store at {}: {source}", path.display())]
    Open {
        /// The store.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// SQLite finds the file damaged. The file was left unchanged.
    #[error(
        "the store at {} is damaged ({problem}); it was left unchanged{}",
        path.display(),
        copied(copy.as_deref())
    )]
    Damaged {
        /// The store.
        path: PathBuf,
        /// The damage, as SQLite reports it.
        problem: String,
        /// The copy that was made of the file. `None` when no copy could be made.
        copy: Option<PathBuf>,
    },
    /// The file is a database of another program.
    #[error("{} is a database, but not a store of p2p", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file's format is of a later version.
    #[error(
        "the store at {} was written by a newer version of p2p (format {found}; this version \
         knows up to {known})",
        path.display()
    )]
    Newer {
        /// The store.
        path: PathBuf,
        /// The format of the file.
        found: i64,
        /// The latest format that this version knows.
        known: i64,
    },
    /// This identity's key does not unwrap the data key.
    #[error("the store at {} belongs to another identity", path.display())]
    OtherIdentity {
        /// The store.
        path: PathBuf,
    },
    /// The copy before a change of format could not be made. Nothing was changed.
    #[error("cannot copy the store to {} before its format changes: {problem}", path.display())]
    Copy {
        /// The copy.
        path: PathBuf,
        /// The cause.
        problem: String,
    },
    /// A row holds a value that we never write, or was tampered with.
    #[error("cannot read row {row} of table {table} in the store: {problem}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The row's key.
        row: String,
        /// The problem, with the column.
        problem: String,
    },
    /// The system has no random bytes, or the cipher failed. Nothing is written unsealed.
    #[error("cannot seal text for the store")]
    Seal,
    /// SQLite failed: the disk is full, the file is locked or read-only, and so on.
    #[error("SQLite: {0}")]
    Sql(#[from] rusqlite::Error),
}

fn copied(copy: Option<&Path>) -> String {
    match copy {
        Some(copy) => format!(" and copied to {}", copy.display()),
        None => "; it could not be copied".into(),
    }
}

impl StoreError {
    /// Returns true if SQLite reports that the file itself is damaged.
    pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        matches!(error.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase))
    }
}
