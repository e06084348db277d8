//! What the engine needs to go on after a restart.

use std::time::Duration;

use p2p_core::Time;
use p2p_core::call::WORD_LIFETIME;
use p2p_core::engine::Snapshot;
use p2p_core::record::{Content, Counters};
use rusqlite::named_params;

use super::error::StoreError;
use super::retention::{NOTES_KEPT, ago};
use super::sql::{Cells, Db, Table};
use super::tables::calls::{self, CALLS};
use super::tables::files::{self, FILES};
use super::tables::messages::{self, MESSAGES};
use super::tables::meta;
use super::tables::owners::{self, INVITES, NOTES, OWNERS, TAKEOVERS};
use super::tables::peers::{self, PEERS, TOMBSTONES};
use super::tables::questions::{self, QUESTIONS};
use super::tables::streams::{self, STREAMS_IN, STREAMS_OUT};
use super::tables::waiting::{self, CHUNKS, HELD, OUTBOX, SEEN};

const COUNTERS: Table = Table { name: "counters", key: &["id"] };

/// The same words within this time are the same message.
const REPEATED: Duration = Duration::from_secs(120);

/// Questions that an owner may still answer or ask about.
const QUESTIONS_KEPT: u32 = 200;

/// Conversations that the engine still needs: direct ones, calls that are open or ended after
/// `:since`, and older ones that something is still under way in (the daemon may have been off
/// for a week: what is to be given up must be known first).
const LIVE: &str = "WITH live (id) AS (
         SELECT id FROM calls WHERE phase <> 'ended' OR ended_at >= :since
         UNION SELECT substr(s.conversation, 3) FROM outbox o JOIN streams_out s ON s.id = o.stream
             WHERE s.conversation LIKE 'c:%'
         UNION SELECT call FROM files WHERE state = 'transferring'),
     places (conversation) AS (SELECT 'c:' || id FROM live)";

/// Reads it all.
pub(super) fn take(db: Db<'_>, now: Time) -> Result<Snapshot, StoreError> {
    let since = ago(now, WORD_LIFETIME);
    let since = named_params! { ":since": since };
    let live = |rest: &str| format!("{LIVE} {rest}");
    // Streams of direct messages, and of the calls above.
    let here = "conversation LIKE 'd:%' OR conversation IN places";
    // What waits in a stream that is not known is the engine's to judge.
    let waiting = |table: &str| {
        live(&format!(
            "SELECT w.* FROM {table} w LEFT JOIN streams_in s ON s.id = w.stream
             WHERE s.id IS NULL OR {here} ORDER BY w.stream, w.number"
        ))
    };
    Ok(Snapshot {
        counters: db.first(&COUNTERS, "SELECT * FROM counters", [], counters)?.unwrap_or_default(),
        peers: db.all(&PEERS, "SELECT * FROM peers ORDER BY key", [], peers::read)?,
        calls: db.all(
            &CALLS,
            &live("SELECT * FROM calls WHERE id IN live ORDER BY handle"),
            since,
            calls::read,
        )?,
        streams_out: db.all(
            &STREAMS_OUT,
            &live(&format!("SELECT * FROM streams_out WHERE {here} ORDER BY place")),
            since,
            streams::read_out,
        )?,
        streams_in: db.all(
            &STREAMS_IN,
            &live(&format!("SELECT * FROM streams_in WHERE {here} ORDER BY place")),
            since,
            streams::read_in,
        )?,
        outbox: db.all(
            &OUTBOX,
            "SELECT * FROM outbox ORDER BY stream, number",
            [],
            waiting::read_outbox,
        )?,
        held: db.all(&HELD, &waiting("held"), since, waiting::read_held)?,
        chunks: db.all(&CHUNKS, &waiting("chunks"), since, waiting::read_chunk)?,
        files: db.all(
            &FILES,
            "SELECT * FROM files WHERE state = 'transferring' ORDER BY handle",
            [],
            files::read,
        )?,
        seen: db.all(&SEEN, "SELECT * FROM seen ORDER BY at", [], |row| {
            Ok((row.id("rumor")?, row.time("at")?))
        })?,
        tombstones: db.all(
            &TOMBSTONES,
            "SELECT * FROM tombstones ORDER BY call",
            [],
            peers::read_tombstone,
        )?,
        recent: recent(db, now)?,
        owners: db.all(&OWNERS, "SELECT * FROM owners ORDER BY since, key", [], owners::read)?,
        questions: db.all(
            &QUESTIONS,
            "SELECT * FROM (SELECT * FROM questions ORDER BY handle DESC LIMIT ?1)
             ORDER BY handle",
            [QUESTIONS_KEPT],
            questions::read,
        )?,
        notes: db.all(
            &NOTES,
            "SELECT * FROM notes WHERE at >= ?1 ORDER BY at, message",
            [ago(now, NOTES_KEPT)],
            owners::read_note,
        )?,
        takeovers: db.all(
            &TAKEOVERS,
            "SELECT * FROM takeovers ORDER BY call",
            [],
            owners::read_takeover,
        )?,
        policy: meta::policy(db)?,
        invites: db.all(
            &INVITES,
            "SELECT * FROM invites WHERE uses > 0 AND expires > ?1 ORDER BY id",
            [now.0.cast_signed()],
            owners::read_invite,
        )?,
    })
}

fn counters(row: &Cells<'_>) -> Result<Counters, StoreError> {
    Ok(Counters {
        calls: row.small("calls")?,
        messages: row.small("messages")?,
        files: row.small("files")?,
        questions: row.small("questions")?,
        events: row.number("events")?,
    })
}

type Said = (p2p_core::Conversation, p2p_core::Text, u32, Time);

fn recent(db: Db<'_>, now: Time) -> Result<Vec<Said>, StoreError> {
    let sent = db.all(
        &MESSAGES,
        "SELECT * FROM messages WHERE outgoing = 1 AND at >= ?1 AND content = 'text'
             AND delivery <> 'cancelled' ORDER BY handle",
        [ago(now, REPEATED)],
        messages::read,
    )?;
    let said = sent.into_iter().filter_map(|message| match message.content {
        Content::Text(text) => Some((message.conversation, text, message.handle, message.at)),
        _ => None,
    });
    Ok(said.collect())
}
