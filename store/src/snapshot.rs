//! The state from which the engine goes on after a restart.

use p2p_core::call::WORD_LIFETIME;
use p2p_core::conversation::repetition;
use p2p_core::engine::Snapshot;
use p2p_core::record::{Counters, Message, Note, Question};
use p2p_core::{Conversation, Text, Time};
use rusqlite::named_params;

use crate::error::StoreError;
use crate::retention::conditions::{NOTES_KEPT, ago};
use crate::sql::{Cells, Db, Table};
use crate::tables::calls::{self, CALLS};
use crate::tables::files::{self, FILES};
use crate::tables::messages::{self, MESSAGES};
use crate::tables::meta;
use crate::tables::owners::{self, INVITES, NOTES, OWNERS, TAKEOVERS};
use crate::tables::peers::{self, PEERS, TOMBSTONES};
use crate::tables::questions::{self, QUESTIONS};
use crate::tables::streams::{self, STREAMS_IN, STREAMS_OUT};
use crate::tables::waiting::{self, CHUNKS, HELD, OUTBOX, SEEN};

type Result<T> = std::result::Result<T, StoreError>;

const COUNTERS: Table = Table { name: "counters", key: &["id"] };

/// The number of questions that are kept in memory besides the open ones.
const QUESTIONS_KEPT: u32 = 200;

/// Conversations that the engine still needs: direct ones, calls that are open or ended after
/// `:since`, and older calls in which something is still under way. The daemon may have been off
/// for a week, and the engine must know what it gives up.
const LIVE: &str = "WITH live (id) AS (
         SELECT id FROM calls WHERE phase <> 'ended' OR ended_at >= :since
         UNION SELECT substr(s.conversation, 3) FROM outbox o JOIN streams_out s ON s.id = o.stream
             WHERE s.conversation LIKE 'c:%'
         UNION SELECT call FROM files WHERE state = 'transferring'),
     places (conversation) AS (SELECT 'c:' || id FROM live)";

/// Condition: a stream belongs to direct messages or to a call in `live`.
const IN_LIVE: &str = "conversation LIKE 'd:%' OR conversation IN places";

/// Reads the whole state.
pub(crate) fn take(db: Db<'_>, now: Time) -> Result<Snapshot> {
    let mut snapshot = Snapshot {
        counters: db.first(&COUNTERS, "SELECT * FROM counters", [], counters)?.unwrap_or_default(),
        peers: db.all(&PEERS, "SELECT * FROM peers ORDER BY key", [], peers::read)?,
        files: db.all(
            &FILES,
            "SELECT * FROM files WHERE state = 'transferring' ORDER BY handle",
            [],
            files::read,
        )?,
        seen: db.all(&SEEN, "SELECT * FROM seen ORDER BY at", [], |row| {
            Ok((row.id("rumor")?, row.time("at")?))
        })?,
        recent: recent(db, now)?,
        policy: meta::policy(db)?,
        ..Snapshot::default()
    };
    add_calls(db, now, &mut snapshot)?;
    add_streams(db, now, &mut snapshot)?;
    add_human(db, now, &mut snapshot)?;
    Ok(snapshot)
}

fn add_calls(db: Db<'_>, now: Time, to: &mut Snapshot) -> Result<()> {
    to.calls = db.all(
        &CALLS,
        &format!("{LIVE} SELECT * FROM calls WHERE id IN live ORDER BY handle"),
        named_params! { ":since": ago(now, WORD_LIFETIME) },
        calls::read,
    )?;
    let all = "SELECT * FROM tombstones ORDER BY call";
    to.tombstones = db.all(&TOMBSTONES, all, [], peers::read_tombstone)?;
    let usable = "SELECT * FROM invites WHERE uses > 0 AND expires > ?1 ORDER BY id";
    to.invites = db.all(&INVITES, usable, [now.0.cast_signed()], owners::read_invite)?;
    Ok(())
}

/// Adds the streams of direct messages and live calls, with what is buffered for them.
fn add_streams(db: Db<'_>, now: Time, to: &mut Snapshot) -> Result<()> {
    let since = named_params! { ":since": ago(now, WORD_LIFETIME) };
    let streams = |table| format!("{LIVE} SELECT * FROM {table} WHERE {IN_LIVE} ORDER BY place");
    // The engine decides about rows of a stream that it does not know.
    let buffered = |table, columns| {
        format!(
            "{LIVE} SELECT {columns} FROM {table} w LEFT JOIN streams_in s ON s.id = w.stream
             WHERE s.id IS NULL OR {IN_LIVE} ORDER BY w.stream, w.number"
        )
    };
    to.streams_out = db.all(&STREAMS_OUT, &streams("streams_out"), since, streams::read_out)?;
    to.streams_in = db.all(&STREAMS_IN, &streams("streams_in"), since, streams::read_in)?;
    let all = "SELECT * FROM outbox ORDER BY stream, number";
    to.outbox = db.all(&OUTBOX, all, [], waiting::read_outbox)?;
    to.out_of_order = db.all(&HELD, &buffered("held", "w.*"), since, waiting::read_held)?;
    to.chunks = db.all(
        &CHUNKS,
        &buffered("chunks", "w.stream, w.number, w.rumor, w.size"),
        since,
        waiting::read_chunk,
    )?;
    Ok(())
}

fn add_human(db: Db<'_>, now: Time, to: &mut Snapshot) -> Result<()> {
    let owners = "SELECT * FROM owners ORDER BY since, key";
    to.owners = db.all(&OWNERS, owners, [], owners::read)?;
    to.questions = questions(db)?;
    to.notes = notes(db, now)?;
    let takeovers = "SELECT * FROM takeovers ORDER BY call";
    to.takeovers = db.all(&TAKEOVERS, takeovers, [], owners::read_takeover)?;
    Ok(())
}

fn questions(db: Db<'_>) -> Result<Vec<Question>> {
    // An old question can still be answered while its call, or the one it was merged into, is open.
    let answerable = "WITH newest AS (SELECT handle FROM questions ORDER BY handle DESC LIMIT ?1)
         SELECT * FROM questions WHERE handle IN newest OR answer IS NULL AND EXISTS (
             WITH RECURSIVE became (id) AS (
                 VALUES (questions.call)
                 UNION SELECT c.merged_into FROM became JOIN calls c USING (id))
             SELECT 1 FROM became JOIN calls c USING (id) WHERE c.phase <> 'ended')
         ORDER BY handle";
    db.all(&QUESTIONS, answerable, [QUESTIONS_KEPT], questions::read)
}

fn notes(db: Db<'_>, now: Time) -> Result<Vec<Note>> {
    let recent = "SELECT * FROM notes WHERE at >= ?1 ORDER BY at, message";
    db.all(&NOTES, recent, [ago(now, NOTES_KEPT)], owners::read_note)
}

fn counters(row: &Cells<'_>) -> Result<Counters> {
    Ok(Counters {
        calls: row.small("calls")?,
        messages: row.small("messages")?,
        files: row.small("files")?,
        questions: row.small("questions")?,
        invites: row.small("invites")?,
        events: row.number("events")?,
    })
}

type Sent = (Conversation, Text, u32, Time);

/// Returns what was sent lately, by which the engine recognises a repetition.
fn recent(db: Db<'_>, now: Time) -> Result<Vec<Sent>> {
    let sent = db.all(
        &MESSAGES,
        "SELECT * FROM messages WHERE outgoing = 1 AND at >= ?1 ORDER BY handle",
        [ago(now, repetition::WINDOW)],
        messages::read,
    )?;
    let text = |message: &Message| {
        let text = repetition::repeatable(message)?.clone();
        Some((message.conversation, text, message.handle, message.at))
    };
    Ok(sent.iter().filter_map(text).collect())
}
