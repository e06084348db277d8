//! Opening: a private file, which is checked before anything is written to it.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::copies::{back_up, beside, set_aside};
use crate::error::StoreError;
use crate::migrations;
use crate::seal::Vault;

/// Marks a database as ours: `p2p` and a 1, in ASCII.
const APPLICATION: i64 = 0x7032_7031;
/// The time that a statement waits for another connection's lock.
const BUSY: Duration = Duration::from_secs(5);
/// Number of statements that stay prepared.
const PREPARED: usize = 96;

/// Opens the store for writing, and migrates it to the latest format.
pub(crate) fn writer(path: &Path, secret: &[u8; 32]) -> Result<(Connection, Vault), StoreError> {
    private(path).map_err(|source| StoreError::Open { path: path.into(), source })?;
    let known = inspect(path, secret)?;
    let mut db = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    db.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    db.pragma_update(None, "synchronous", "FULL")?;
    db.pragma_update(None, "foreign_keys", true)?;
    // Deleted rows are overwritten.
    db.query_row("PRAGMA secure_delete = ON", [], |_| Ok(()))?;
    let vault = match known {
        Some((format, vault)) if format == migrations::latest() => vault,
        known => {
            if let Some((format, _)) = &known {
                back_up(&db, path, *format)?;
            }
            upgrade(&mut db, secret, known)?
        }
    };
    Ok((db, vault))
}

/// Opens the store for reading only.
pub(crate) fn reader(path: &Path) -> Result<Connection, StoreError> {
    connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

fn connect(path: &Path, mode: OpenFlags) -> Result<Connection, StoreError> {
    let db = Connection::open_with_flags(path, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    db.busy_timeout(BUSY)?;
    db.set_prepared_statement_cache_capacity(PREPARED);
    db.pragma_update(None, "trusted_schema", false)?;
    db.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(db)
}

/// Creates the file, or makes an existing one private. SQLite gives its `-wal` and `-shm` files
/// the mode of the database.
fn private(path: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            [path.to_path_buf(), beside(path, "-wal"), beside(path, "-shm")]
                .iter()
                .filter(|path| path.exists())
                .try_for_each(|path| close_to_others(path))
        }
        Err(error) => Err(error),
    }
}

fn close_to_others(path: &Path) -> io::Result<()> {
    if fs::metadata(path)?.permissions().mode() & 0o077 == 0 {
        return Ok(());
    }
    fs::set_permissions(path, Permissions::from_mode(0o600))
}

/// Checks the file over a read-only connection, which cannot even fold the log back into the
/// database, so a file that is refused stays unchanged. A damaged file is copied. Returns `None` for a new file.
fn inspect(path: &Path, secret: &[u8; 32]) -> Result<Option<(i64, Vault)>, StoreError> {
    let damaged = |problem: String| {
        let copy = set_aside(path).ok();
        StoreError::Damaged { path: path.into(), problem, copy }
    };
    let empty = |path: &Path| fs::metadata(path).map_or(true, |file| file.len() == 0);
    // A log begins after the first page was written. SQLite would discard this log.
    if empty(path) && !empty(&beside(path, "-wal")) {
        return Err(damaged("the file is empty, but its log is not".into()));
    }
    let look = || -> Result<_, StoreError> {
        let db = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let verdict: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if verdict != "ok" {
            return Err(damaged(verdict));
        }
        let pragma = |name: &str| db.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let format = pragma("user_version")?;
        if pragma("schema_version")? == 0 && format == 0 {
            return Ok(None);
        }
        if pragma("application_id")? != APPLICATION {
            return Err(StoreError::Foreign { path: path.into() });
        }
        let known = migrations::latest();
        if format > known {
            return Err(StoreError::Newer { path: path.into(), found: format, known });
        }
        let wrapped: Vec<u8> =
            db.query_row("SELECT data_key FROM vault WHERE id = 1", [], |row| row.get(0))?;
        let vault = Vault::unlock(secret, &wrapped)
            .ok_or_else(|| StoreError::OtherIdentity { path: path.into() })?;
        Ok(Some((format, vault)))
    };
    look().map_err(|error| match error {
        StoreError::Sql(error) if StoreError::is_damage(&error) => damaged(error.to_string()),
        other => other,
    })
}

/// Migrates a new or old store to the latest format in one transaction.
fn upgrade(
    db: &mut Connection,
    secret: &[u8; 32],
    known: Option<(i64, Vault)>,
) -> Result<Vault, StoreError> {
    let change = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let vault = match known {
        Some((format, vault)) => {
            migrations::run(&change, format)?;
            vault
        }
        None => {
            migrations::run(&change, 0)?;
            change.pragma_update(None, "application_id", APPLICATION)?;
            let (vault, wrapped) = Vault::create(secret)?;
            change.execute("INSERT INTO vault (id, data_key) VALUES (1, ?1)", [wrapped])?;
            vault
        }
    };
    change.commit()?;
    Ok(vault)
}
