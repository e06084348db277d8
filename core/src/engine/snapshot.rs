//! State from which an engine continues after a restart.

use crate::call::Call;
use crate::conversation::restore::{OutboxEntry, StoredChunk};
use crate::ids::{Conversation, RumorId, StreamId};
use crate::policy::Policy;
use crate::record::{
    Counters, File, Invite, Note, Owner, Peer, Question, StreamIn, StreamOut, Takeover, Tombstone,
};
use crate::rumor::Rumor;
use crate::text::Text;
use crate::time::Time;

/// State that the engine needs to continue after a restart.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// Handles that were assigned.
    pub counters: Counters,
    /// Peers.
    pub peers: Vec<Peer>,
    /// Calls that are open, or ended within [`crate::call::WORD_LIFETIME`].
    pub calls: Vec<Call>,
    /// Sending streams of these calls and of direct messages.
    pub streams_out: Vec<StreamOut>,
    /// Receiving streams of these calls and of direct messages.
    pub streams_in: Vec<StreamIn>,
    /// Rumors that wait for acknowledgement.
    pub outbox: Vec<OutboxEntry>,
    /// Rumors that are stored out of order, beyond a gap.
    pub out_of_order: Vec<(StreamId, u64, Rumor)>,
    /// Pieces of files that are not whole, without their bytes.
    pub chunks: Vec<StoredChunk>,
    /// Files that are under way.
    pub files: Vec<File>,
    /// Rumors that were received, with the time of arrival.
    pub seen: Vec<(RumorId, Time)>,
    /// Calls that ended before their offers arrived.
    pub tombstones: Vec<Tombstone>,
    /// Texts that were sent within the last two minutes, with handle and time.
    pub recent: Vec<(Conversation, Text, u32, Time)>,
    /// Owners.
    pub owners: Vec<Owner>,
    /// The newest 200 questions, and older ones that are still open.
    pub questions: Vec<Question>,
    /// Messages that owners were sent within the last 30 days.
    pub notes: Vec<Note>,
    /// Calls that humans took over.
    pub takeovers: Vec<Takeover>,
    /// Policy for strangers, if an owner set one.
    pub policy: Option<Policy>,
    /// Invites that are valid.
    pub invites: Vec<Invite>,
}
