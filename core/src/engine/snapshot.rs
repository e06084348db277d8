//! The state from which an engine goes on after a restart.

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

/// Everything the engine needs to go on after a restart.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// Handles given out.
    pub counters: Counters,
    /// Keys.
    pub peers: Vec<Peer>,
    /// Calls that are open, or ended within [`crate::call::WORD_LIFETIME`].
    pub calls: Vec<Call>,
    /// Sending streams of these calls, and of direct messages.
    pub streams_out: Vec<StreamOut>,
    /// Receiving streams of the same.
    pub streams_in: Vec<StreamIn>,
    /// Rumors that wait for acknowledgement.
    pub outbox: Vec<OutboxEntry>,
    /// Rumors beyond a gap.
    pub out_of_order: Vec<(StreamId, u64, Rumor)>,
    /// Pieces of files that are not whole, without their bytes.
    pub chunks: Vec<StoredChunk>,
    /// Files that are under way.
    pub files: Vec<File>,
    /// Rumors that were taken in, and when.
    pub seen: Vec<(RumorId, Time)>,
    /// Calls that ended before they were known here.
    pub tombstones: Vec<Tombstone>,
    /// What was said within the last two minutes, with handle and time.
    pub recent: Vec<(Conversation, Text, u32, Time)>,
    /// Whose word counts.
    pub owners: Vec<Owner>,
    /// The newest 200 questions, and older ones that are still open.
    pub questions: Vec<Question>,
    /// What owners were told within the last 30 days.
    pub notes: Vec<Note>,
    /// Calls that humans took over.
    pub takeovers: Vec<Takeover>,
    /// What strangers may do, where an owner said so.
    pub policy: Option<Policy>,
    /// Tokens that are good.
    pub invites: Vec<Invite>,
}
