//! The state that belongs to owners: their keys, questions, takeovers and codes.

use core::time::Duration;
use std::collections::BTreeMap;

use crate::human::command::OwnerCommand;
use crate::human::pairing::Pairing;
use crate::ids::{CallId, PublicKey, RumorId};
use crate::record::{Note, Owner, Question, Takeover};
use crate::text::Text;
use crate::time::{Time, earlier};

/// Time for which a reply to a message of ours is recognized.
const NOTES_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
/// Time after the human's last message at which a takeover lapses.
pub(crate) const IDLE: Duration = Duration::from_secs(30 * 60);

/// The owners of this agent and everything that concerns them.
#[derive(Default)]
pub(crate) struct Owners {
    /// The owners.
    pub keys: BTreeMap<PublicKey, Owner>,
    /// The newest questions.
    pub questions: BTreeMap<u32, Question>,
    /// Messages of ours that a reply may refer to.
    pub notes: BTreeMap<RumorId, Note>,
    /// Calls in which a human speaks instead of our agent.
    pub takeovers: BTreeMap<CallId, Takeover>,
    /// The pairing under way.
    pub pairing: Option<Pairing>,
    /// One-time codes, and when they expire.
    pub codes: Vec<(Text, Time)>,
    /// Commands that arrived late and wait for a `/yes`, and since when.
    pub unconfirmed: BTreeMap<PublicKey, (OwnerCommand, Time)>,
}

impl Owners {
    /// Returns the state as it was stored.
    pub fn new(
        owners: Vec<Owner>,
        questions: Vec<Question>,
        notes: Vec<Note>,
        takeovers: Vec<Takeover>,
    ) -> Self {
        Self {
            keys: owners.into_iter().map(|owner| (owner.key, owner)).collect(),
            questions: questions.into_iter().map(|question| (question.handle, question)).collect(),
            notes: notes.into_iter().map(|note| (note.rumor, note)).collect(),
            takeovers: takeovers.into_iter().map(|takeover| (takeover.call, takeover)).collect(),
            ..Self::default()
        }
    }

    /// Returns when a takeover lapses or a pairing expires next.
    pub fn next_timeout(&self) -> Option<Time> {
        let lapses = self.takeovers.values().map(lapses);
        lapses.map(Some).fold(self.pairing.as_ref().map(|pairing| pairing.until), earlier)
    }

    /// Forgets old notes and expired codes.
    pub fn sweep(&mut self, now: Time) {
        self.notes.retain(|_, note| now.since(note.at) < NOTES_KEPT);
        self.codes.retain(|(_, until)| now < *until);
    }

    /// Returns the takeovers whose humans were idle for too long.
    pub fn lapsed(&self, now: Time) -> Vec<Takeover> {
        self.takeovers.values().filter(|takeover| lapses(takeover) <= now).copied().collect()
    }
}

fn lapses(takeover: &Takeover) -> Time {
    takeover.last + IDLE
}
