//! Small facts, sealed, each under its name.

use p2p_core::policy::Policy;

use crate::codes::DiskCode;
use crate::error::StoreError;
use crate::sql::{Cells, Db, Table};

const META: Table = Table { name: "meta", key: &["key"] };

/// The policy for strangers that an owner set.
const POLICY: &str = "policy";
/// The hash of the passphrase that proves an owner at a terminal.
const PASSPHRASE: &str = "passphrase";

/// Keeps a fact, or removes the fact.
pub(crate) fn put(db: Db<'_>, key: &str, value: Option<&str>) -> Result<(), StoreError> {
    let Some(value) = value else {
        db.run("DELETE FROM meta WHERE key = ?1", [key])?;
        return Ok(());
    };
    let sealed = db.place(&META, key).seal("value", value)?;
    db.run(
        "INSERT INTO meta (key, value) VALUES (?1, ?2)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (key, sealed),
    )?;
    Ok(())
}

/// Reads a fact, and parses its text.
pub(crate) fn read<T>(
    db: Db<'_>,
    key: &str,
    parse: impl Fn(String) -> Option<T>,
) -> Result<Option<T>, StoreError> {
    db.first(&META, "SELECT * FROM meta WHERE key = ?1", [key], |row: &Cells<'_>| {
        parse(row.text("value")?).ok_or_else(|| row.corrupt("value", "is unknown"))
    })
}

/// Keeps the policy for strangers that an owner set.
pub(crate) fn put_policy(db: Db<'_>, policy: Policy) -> Result<(), StoreError> {
    put(db, POLICY, Some(policy.code()))
}

/// Reads the policy for strangers that an owner set.
pub(crate) fn policy(db: Db<'_>) -> Result<Option<Policy>, StoreError> {
    read(db, POLICY, |code| Policy::from_code(&code))
}

/// Keeps the hash of the owners' passphrase, or removes it.
pub(crate) fn put_passphrase(db: Db<'_>, hash: Option<&str>) -> Result<(), StoreError> {
    put(db, PASSPHRASE, hash)
}

/// Reads the hash of the owners' passphrase.
pub(crate) fn passphrase(db: Db<'_>) -> Result<Option<String>, StoreError> {
    read(db, PASSPHRASE, Some)
}
