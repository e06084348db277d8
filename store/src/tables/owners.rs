//! Owners, the notes that were sent to them, takeovers, and the invites that let strangers ring.

use p2p_core::record::{Invite, Note, Owner, Takeover, Via};
use p2p_core::{CallId, PublicKey};
use rusqlite::named_params;

use crate::error::StoreError;
use crate::sql::{Cells, Db, Table};

type Result<T> = std::result::Result<T, StoreError>;

/// Table `owners`.
pub(crate) const OWNERS: Table = Table { name: "owners", key: &["key"] };
/// Table `notes`.
pub(crate) const NOTES: Table = Table { name: "notes", key: &["rumor"] };
/// Table `takeovers`.
pub(crate) const TAKEOVERS: Table = Table { name: "takeovers", key: &["call"] };
/// Table `invites`.
pub(crate) const INVITES: Table = Table { name: "invites", key: &["id"] };

/// The code of [`Via::Terminal`]. The code of a key is the key.
const TERMINAL: &str = "terminal";

/// Returns the code of the way in which an owner's command came.
pub(crate) fn via_code(via: Via) -> String {
    match via {
        Via::Dm(key) => key.to_string(),
        Via::Terminal => TERMINAL.into(),
    }
}

/// Reads the way in which an owner's command came.
pub(crate) fn read_via(row: &Cells<'_>, column: &str) -> Result<Via> {
    match row.clear(column)?.as_str() {
        TERMINAL => Ok(Via::Terminal),
        _ => row.id(column).map(Via::Dm),
    }
}

/// Writes an owner, new or known.
pub(crate) fn put(db: Db<'_>, owner: &Owner) -> Result<()> {
    let muted_until = owner.muted_until.map(|at| at.0.cast_signed());
    db.run(
        "INSERT INTO owners (key, since, muted_until) VALUES (?1, ?2, ?3)
         ON CONFLICT (key) DO UPDATE SET since = excluded.since,
             muted_until = excluded.muted_until",
        (owner.key.to_string(), owner.since.0.cast_signed(), muted_until),
    )?;
    Ok(())
}

/// Removes an owner.
pub(crate) fn remove(db: Db<'_>, key: PublicKey) -> Result<()> {
    db.run("DELETE FROM owners WHERE key = ?1", [key.to_string()])?;
    Ok(())
}

/// Reads an owner's row.
pub(crate) fn read(row: &Cells<'_>) -> Result<Owner> {
    Ok(Owner {
        key: row.id("key")?,
        since: row.time("since")?,
        muted_until: row.opt("muted_until", Cells::time)?,
    })
}

/// Writes a note to an owner.
pub(crate) fn put_note(db: Db<'_>, note: &Note) -> Result<()> {
    db.run(
        "INSERT INTO notes (rumor, owner, message, call, question, at)
         VALUES (:rumor, :owner, :message, :call, :question, :at)
         ON CONFLICT (rumor) DO UPDATE SET owner = excluded.owner, message = excluded.message,
             call = excluded.call, question = excluded.question, at = excluded.at",
        named_params! {
            ":rumor": note.rumor.to_string(),
            ":owner": note.owner.to_string(),
            ":message": note.message,
            ":call": note.call.map(|call| call.to_string()),
            ":question": note.question,
            ":at": note.at.0.cast_signed(),
        },
    )?;
    Ok(())
}

/// Reads a note's row.
pub(crate) fn read_note(row: &Cells<'_>) -> Result<Note> {
    Ok(Note {
        rumor: row.id("rumor")?,
        owner: row.id("owner")?,
        message: row.small("message")?,
        call: row.opt("call", Cells::id)?,
        question: row.opt("question", Cells::small)?,
        at: row.time("at")?,
    })
}

/// Writes a takeover: a human speaks in a call.
pub(crate) fn put_takeover(db: Db<'_>, takeover: &Takeover) -> Result<()> {
    db.run(
        "INSERT INTO takeovers (call, via, last) VALUES (?1, ?2, ?3)
         ON CONFLICT (call) DO UPDATE SET via = excluded.via, last = excluded.last",
        (takeover.call.to_string(), via_code(takeover.by), takeover.last.0.cast_signed()),
    )?;
    Ok(())
}

/// Removes a takeover: the agent speaks in the call again.
pub(crate) fn remove_takeover(db: Db<'_>, call: CallId) -> Result<()> {
    db.run("DELETE FROM takeovers WHERE call = ?1", [call.to_string()])?;
    Ok(())
}

/// Reads a takeover's row.
pub(crate) fn read_takeover(row: &Cells<'_>) -> Result<Takeover> {
    Ok(Takeover { call: row.id("call")?, by: read_via(row, "via")?, last: row.time("last")? })
}

/// Writes an invite, new or partly used.
pub(crate) fn put_invite(db: Db<'_>, invite: &Invite) -> Result<()> {
    db.run(
        "INSERT INTO invites (id, hash, uses, expires, at) VALUES (:id, :hash, :uses, :expires, :at)
         ON CONFLICT (id) DO UPDATE SET hash = excluded.hash, uses = excluded.uses,
             expires = excluded.expires, at = excluded.at",
        named_params! {
            ":id": invite.id,
            ":hash": invite.hash.to_string(),
            ":uses": invite.uses,
            ":expires": invite.expires.0.cast_signed(),
            ":at": invite.at.0.cast_signed(),
        },
    )?;
    Ok(())
}

/// Removes an invite.
pub(crate) fn remove_invite(db: Db<'_>, id: u32) -> Result<()> {
    db.run("DELETE FROM invites WHERE id = ?1", [id])?;
    Ok(())
}

/// Reads an invite's row.
pub(crate) fn read_invite(row: &Cells<'_>) -> Result<Invite> {
    Ok(Invite {
        id: row.small("id")?,
        hash: row.id("hash")?,
        uses: row.small("uses")?,
        expires: row.time("expires")?,
        at: row.time("at")?,
    })
}
