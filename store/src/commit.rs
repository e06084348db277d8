//! Changes of the engine's state, as statements.

use p2p_core::change::{
    CallChange, Change, ConversationChange, EventLogChange, HumanChange, PeerChange, TransferChange,
};
use p2p_core::record::Counters;

use crate::error::StoreError;
use crate::retention::purge;
use crate::sql::Db;
use crate::tables::{
    calls, events, files, messages, meta, owners, peers, questions, streams, waiting,
};

/// Writes one change inside the caller's transaction.
pub(crate) fn apply(db: Db<'_>, change: &Change) -> Result<(), StoreError> {
    match change {
        Change::Call(change) => call(db, change),
        Change::Conversation(change) => conversation(db, change),
        Change::Transfer(change) => transfer(db, change),
        Change::Human(change) => human(db, change),
        Change::Peer(change) => peer(db, change),
        Change::EventLog(change) => event_log(db, change),
    }
}

fn call(db: Db<'_>, change: &CallChange) -> Result<(), StoreError> {
    match change {
        CallChange::Put(call) => calls::put(db, call),
        CallChange::Tombstone(tombstone) => peers::put_tombstone(db, tombstone),
        CallChange::Gone(call) => purge::delete_call(db, *call),
    }
}

fn conversation(db: Db<'_>, change: &ConversationChange) -> Result<(), StoreError> {
    use ConversationChange as C;
    match change {
        C::Message(message) => messages::put(db, message),
        C::Relays { rumor, accepted, relays } => messages::relays(db, *rumor, *accepted, *relays),
        C::Delivered(rumor) => messages::delivered(db, *rumor),
        C::Undelivered(rumor) => messages::undelivered(db, *rumor),
        C::Cancelled(rumor) => messages::cancelled(db, *rumor),
        C::Moved { from, to, conversation, slot, claimed_at } => {
            messages::moved(db, *from, *to, conversation, *slot, *claimed_at)
        }
        C::StreamOut(stream) => streams::put_out(db, stream),
        C::StreamIn(stream) => {
            streams::put_in(db, stream)?;
            waiting::held_released(db, (stream.id, stream.upto))
        }
        C::Outbox { stream, number, rumor, since } => {
            waiting::put_outbox(db, (*stream, *number), rumor, *since)
        }
        C::Taken(stream, number) => waiting::taken(db, (*stream, *number)),
        C::OutboxDone(stream, upto) => waiting::outbox_done(db, (*stream, *upto)),
        C::OutboxGone(stream, number) => waiting::outbox_gone(db, (*stream, *number)),
        C::OutOfOrder { stream, number, rumor } => waiting::put_held(db, (*stream, *number), rumor),
        C::Seen(rumor, at) => waiting::put_seen(db, *rumor, *at),
    }
}

fn transfer(db: Db<'_>, change: &TransferChange) -> Result<(), StoreError> {
    match change {
        TransferChange::File(file) => files::put(db, file),
        TransferChange::State(handle, state) => files::put_state(db, *handle, state),
        TransferChange::Moved(handle, call) => files::put_call(db, *handle, *call),
        TransferChange::Chunk { stream, number, rumor, bytes } => {
            waiting::put_chunk(db, (*stream, *number), *rumor, bytes)
        }
        TransferChange::ChunksGone(stream) => waiting::chunks_gone(db, *stream),
    }
}

fn human(db: Db<'_>, change: &HumanChange) -> Result<(), StoreError> {
    match change {
        HumanChange::Question(question) => questions::put(db, question),
        HumanChange::Answered { question, answer } => questions::put_answer(db, *question, answer),
        HumanChange::Owner(owner) => {
            // A passphrase from before anybody owned the agent may be the agent's own.
            if db.count("SELECT count(*) FROM owners", [])? == 0 {
                meta::put_passphrase(db, None)?;
            }
            owners::put(db, owner)
        }
        HumanChange::OwnerGone(key) => {
            // The former owner may know the passphrase.
            meta::put_passphrase(db, None)?;
            owners::remove(db, *key)
        }
        HumanChange::Note(note) => owners::put_note(db, note),
        HumanChange::Takeover(takeover) => owners::put_takeover(db, takeover),
        HumanChange::TakeoverOver(call) => owners::remove_takeover(db, *call),
    }
}

fn peer(db: Db<'_>, change: &PeerChange) -> Result<(), StoreError> {
    match change {
        PeerChange::Put(peer) => peers::put(db, peer),
        PeerChange::Gone(key) => peers::remove(db, *key),
        PeerChange::Policy(policy) => meta::put_policy(db, *policy),
        PeerChange::Invite(invite) => owners::put_invite(db, invite),
        PeerChange::InviteGone(id) => owners::remove_invite(db, *id),
    }
}

fn event_log(db: Db<'_>, change: &EventLogChange) -> Result<(), StoreError> {
    match change {
        EventLogChange::Counters(counters) => put_counters(db, counters),
        EventLogChange::Event(event) => events::put(db, event),
        EventLogChange::ReaderGone(reader) => events::remove_reader(db, reader),
        EventLogChange::Cursor { reader, conversation, seq } => {
            events::put_cursor(db, reader, conversation, *seq)
        }
    }
}

fn put_counters(db: Db<'_>, counters: &Counters) -> Result<(), StoreError> {
    db.run(
        "INSERT INTO counters (id, calls, messages, files, questions, invites, events)
         VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (id) DO UPDATE SET calls = excluded.calls, messages = excluded.messages,
             files = excluded.files, questions = excluded.questions, invites = excluded.invites,
             events = excluded.events",
        (
            counters.calls,
            counters.messages,
            counters.files,
            counters.questions,
            counters.invites,
            counters.events.cast_signed(),
        ),
    )?;
    Ok(())
}
