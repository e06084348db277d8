//! A change of what is kept, as statements.

use p2p_core::engine::Change;
use p2p_core::record::Counters;

use super::PASSPHRASE;
use super::error::StoreError;
use super::retention;
use super::sql::Db;
use super::tables::{
    calls, events, files, messages, meta, owners, peers, questions, streams, waiting,
};

/// Writes one change inside the caller's transaction.
pub(super) fn apply(db: Db<'_>, change: &Change) -> Result<(), StoreError> {
    match change {
        Change::Counters(counters) => put_counters(db, counters),
        Change::Peer(peer) => peers::put(db, peer),
        Change::PeerGone(key) => peers::remove(db, *key),
        Change::Call(call) => calls::put(db, call),
        Change::Message(message) => messages::put(db, message),
        Change::Relays { rumor, accepted, relays } => {
            messages::relays(db, *rumor, *accepted, *relays)
        }
        Change::Delivered(rumor) => messages::delivered(db, *rumor),
        Change::Undelivered(rumor) => messages::undelivered(db, *rumor),
        Change::Cancelled(rumor) => messages::cancelled(db, *rumor),
        Change::Moved { from, to, conversation, slot, claimed_at } => {
            messages::moved(db, *from, *to, conversation, *slot, *claimed_at)
        }
        Change::StreamOut(stream) => streams::put_out(db, stream),
        Change::StreamIn(stream) => {
            streams::put_in(db, stream)?;
            waiting::held_released(db, (stream.id, stream.upto))
        }
        Change::Outbox { stream, number, rumor, since } => {
            waiting::put_outbox(db, (*stream, *number), rumor, *since)
        }
        Change::Taken(stream, number) => waiting::taken(db, (*stream, *number)),
        Change::OutboxDone(stream, upto) => waiting::outbox_done(db, (*stream, *upto)),
        Change::OutboxGone(stream, number) => waiting::outbox_gone(db, (*stream, *number)),
        Change::Held { stream, number, rumor } => waiting::put_held(db, (*stream, *number), rumor),
        Change::Chunk { stream, number, rumor, bytes } => {
            waiting::put_chunk(db, (*stream, *number), *rumor, bytes)
        }
        Change::ChunksGone(stream) => waiting::chunks_gone(db, *stream),
        Change::Seen(rumor, at) => waiting::put_seen(db, *rumor, *at),
        Change::Tombstone(grave) => peers::put_tombstone(db, grave),
        Change::CallGone(call) => retention::call_gone(db, *call),
        Change::File(file) => files::put(db, file),
        Change::FileMoved(handle, call) => files::put_call(db, *handle, *call),
        Change::FileState(handle, state) => files::put_state(db, *handle, state),
        Change::Question(question) => questions::put(db, question),
        Change::Answered { question, answer } => questions::put_answer(db, *question, answer),
        Change::Owner(owner) => {
            // A passphrase from before anybody owned the agent may be the agent's own.
            if db.count("SELECT count(*) FROM owners", [])? == 0 {
                meta::put(db, PASSPHRASE, None)?;
            }
            owners::put(db, owner)
        }
        Change::OwnerGone(key) => {
            // Who is no owner any more may know it.
            meta::put(db, PASSPHRASE, None)?;
            owners::remove(db, *key)
        }
        Change::Note(note) => owners::put_note(db, note),
        Change::Takeover(takeover) => owners::put_takeover(db, takeover),
        Change::TakeoverOver(call) => owners::remove_takeover(db, *call),
        Change::Policy(policy) => meta::put_policy(db, *policy),
        Change::Invite(invite) => owners::put_invite(db, invite),
        Change::InviteGone(id) => owners::remove_invite(db, *id),
        Change::Event(event) => events::put(db, event),
        Change::Cursor { reader, conversation, seq } => {
            events::put_cursor(db, reader, conversation, *seq)
        }
    }
}

fn put_counters(db: Db<'_>, counters: &Counters) -> Result<(), StoreError> {
    db.run(
        "INSERT INTO counters (id, calls, messages, files, questions, events)
         VALUES (1, ?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (id) DO UPDATE SET calls = excluded.calls, messages = excluded.messages,
             files = excluded.files, questions = excluded.questions, events = excluded.events",
        (
            counters.calls,
            counters.messages,
            counters.files,
            counters.questions,
            counters.events.cast_signed(),
        ),
    )?;
    Ok(())
}
