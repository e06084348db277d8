//! Small facts, sealed, each under its name.

use p2p_core::policy::Policy;

use crate::error::StoreError;
use crate::sql::{Cells, Db, Table};
use crate::words::Word;

const META: Table = Table { name: "meta", key: &["key"] };

/// What strangers may do, where an owner said so.
const POLICY: &str = "policy";

/// Keeps a fact, or forgets it.
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

/// A fact, as text and as whatever else it is.
pub(crate) fn read<T>(
    db: Db<'_>,
    key: &str,
    parse: impl Fn(String) -> Option<T>,
) -> Result<Option<T>, StoreError> {
    db.first(&META, "SELECT * FROM meta WHERE key = ?1", [key], |row: &Cells<'_>| {
        parse(row.text("value")?).ok_or_else(|| row.corrupt("value", "is unknown"))
    })
}

/// Keeps an owner's word on what strangers may do.
pub(crate) fn put_policy(db: Db<'_>, policy: Policy) -> Result<(), StoreError> {
    put(db, POLICY, Some(policy.word()))
}

/// The last of those.
pub(crate) fn policy(db: Db<'_>) -> Result<Option<Policy>, StoreError> {
    read(db, POLICY, |word| Policy::from_word(&word))
}
