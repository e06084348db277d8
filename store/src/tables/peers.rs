//! Peers, and calls that ended before they were known here.

use p2p_core::PublicKey;
use p2p_core::record::{Peer, Tombstone};
use rusqlite::named_params;

use crate::codes::DiskCode;
use crate::error::StoreError;
use crate::sql::{Cells, Db, Table};

/// Table `peers`.
pub(crate) const PEERS: Table = Table { name: "peers", key: &["key"] };
/// Table `tombstones`.
pub(crate) const TOMBSTONES: Table = Table { name: "tombstones", key: &["call"] };

/// Writes a peer, new or known.
pub(crate) fn put(db: Db<'_>, peer: &Peer) -> Result<(), StoreError> {
    let place = db.place(&PEERS, peer.key);
    db.run(
        "INSERT INTO peers (key, name, claimed, standing, speaks, since)
         VALUES (:key, :name, :claimed, :standing, :speaks, :since)
         ON CONFLICT (key) DO UPDATE SET name = excluded.name, claimed = excluded.claimed,
             standing = excluded.standing, speaks = excluded.speaks, since = excluded.since",
        named_params! {
            ":key": peer.key.to_string(),
            ":name": place.seal_opt("name", peer.name.as_deref())?,
            ":claimed": place.seal_opt("claimed", peer.claimed.as_deref())?,
            ":standing": peer.standing.code(),
            ":speaks": peer.speaks.code(),
            ":since": peer.since.0.cast_signed(),
        },
    )?;
    Ok(())
}

/// Removes a peer.
pub(crate) fn remove(db: Db<'_>, key: PublicKey) -> Result<(), StoreError> {
    db.run("DELETE FROM peers WHERE key = ?1", [key.to_string()])?;
    Ok(())
}

/// Reads a peer's row.
pub(crate) fn read(row: &Cells<'_>) -> Result<Peer, StoreError> {
    Ok(Peer {
        key: row.id("key")?,
        name: row.opt("name", Cells::text)?.map(Into::into),
        claimed: row.opt("claimed", Cells::text)?.map(Into::into),
        standing: row.code("standing")?,
        speaks: row.code("speaks")?,
        since: row.time("since")?,
    })
}

/// Writes a tombstone: a call that ended before it was known here.
pub(crate) fn put_tombstone(db: Db<'_>, tombstone: &Tombstone) -> Result<(), StoreError> {
    db.run(
        "INSERT INTO tombstones (call, peer, reason, at) VALUES (:call, :peer, :reason, :at)
         ON CONFLICT (call) DO UPDATE SET peer = excluded.peer, reason = excluded.reason,
             at = excluded.at",
        named_params! {
            ":call": tombstone.call.to_string(),
            ":peer": tombstone.peer.to_string(),
            ":reason": tombstone.reason.code(),
            ":at": tombstone.at.0.cast_signed(),
        },
    )?;
    Ok(())
}

/// Reads a tombstone's row.
pub(crate) fn read_tombstone(row: &Cells<'_>) -> Result<Tombstone, StoreError> {
    Ok(Tombstone {
        call: row.id("call")?,
        peer: row.id("peer")?,
        reason: row.code("reason")?,
        at: row.time("at")?,
    })
}
