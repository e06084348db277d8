//! Once a call is over, both ends tell each other what they said and what they heard, so that each
//! can see whether both have the same transcript. It goes like any message and is none: nobody is
//! shown it.

use super::{Engine, Output};
use crate::call::Call;
use crate::call::change::CallChange;
use crate::digest::{Digest, Digests};
use crate::ids::{CallId, Conversation};
use crate::record::Standing;
use crate::time::Time;
use crate::wire::{Item, Side, Summary};

impl Engine {
    /// Whether we owe the peer a digest now: of what we said once all of it is acknowledged or
    /// given up, of what we heard once it has told us what it said.
    pub(super) fn owes_digest(&self, call: &Call) -> bool {
        let Digests { said_sent, heard_sent, heard, .. } = call.digests;
        if call.is_open()
            || call.answered.is_none()
            || (said_sent && (heard_sent || heard.is_none()))
        {
            return false;
        }
        let Some(session) = self.calls.get(&call.id) else { return false };
        let told = session.channel.outgoing().all(|(stream, _)| stream.pending.is_empty());
        let due = (!said_sent && told) || (!heard_sent && heard.is_some());
        due && !session.channel.tallying && self.standing(call.peer) != Standing::Blocked
    }

    /// Asks the host for what it takes to tell.
    pub(super) fn tally_due(&mut self) {
        let due = self.calls().filter(|call| self.owes_digest(call)).map(|call| call.id);
        for call in due.collect::<Vec<_>>() {
            if let Some(channel) = self.channel(Conversation::Call(call)) {
                channel.tallying = true;
                self.effects.push_back(Output::Tally(call));
            }
        }
    }

    /// The host counted what is kept of a call.
    pub(super) fn tallied(&mut self, now: Time, id: CallId, said: Digest, heard: Digest) {
        let conversation = Conversation::Call(id);
        let Some(channel) = self.channel(conversation) else { return };
        channel.tallying = false;
        let told = channel.outgoing().all(|(stream, _)| stream.pending.is_empty());
        let Some(call) = self.call(id) else { return };
        let mut digests = call.digests;
        let mut due = Vec::new();
        if !digests.said_sent && told {
            digests.said_sent = true;
            due.push(Summary { side: Side::Sender, digest: said });
        }
        if !digests.heard_sent && digests.heard.is_some() {
            digests.heard_sent = true;
            due.push(Summary { side: Side::Receiver, digest: heard });
        }
        for summary in due {
            self.enqueue(now, conversation, Item::Digest(summary));
        }
        self.keep_digests(id, digests);
        self.flush(now, conversation);
    }

    /// The peer says what it said, or what it heard.
    pub(super) fn digest_heard(&mut self, call: CallId, summary: Summary) {
        let Some(digests) = self.call(call).map(|call| call.digests) else { return };
        self.keep_digests(
            call,
            match summary.side {
                Side::Sender => Digests { heard: Some(summary.digest), ..digests },
                Side::Receiver => Digests { said: Some(summary.digest), ..digests },
            },
        );
    }

    fn keep_digests(&mut self, call: CallId, digests: Digests) {
        let Some(session) = self.calls.get_mut(&call) else { return };
        if session.call.digests != digests {
            session.call.digests = digests;
            let changed = Box::new(session.call.clone());
            self.persist(CallChange::Put(changed));
        }
    }
}
