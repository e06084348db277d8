//! Transcript digests. Once a call is over, both ends tell each other what they sent and what they
//! received, so that each can see whether both have the same transcript. A digest travels like a
//! message; nobody is shown it.

use super::Engine;
use crate::call::state::Call;
use crate::conversation::send::Draft;
use crate::digest::{Digest, Digests};
use crate::ids::{CallId, Conversation};
use crate::output::Output;
use crate::record::Standing;
use crate::time::Time;
use crate::wire::{Item, Side, Summary};

impl Engine {
    /// Returns true if we owe the peer a digest now: of what we sent once all of it is
    /// acknowledged or given up, of what we received once the peer told us what it sent.
    fn owes_digest(&self, call: &Call) -> bool {
        let Digests { said_sent, heard_sent, heard, .. } = call.digests;
        let told = said_sent && (heard_sent || heard.is_none());
        if call.is_open() || call.answered.is_none() || told {
            return false;
        }
        let Some(state) = self.conversations.get(Conversation::Call(call.id)) else { return false };
        let due = (!said_sent && state.is_acknowledged()) || (!heard_sent && heard.is_some());
        due && !state.digesting && self.ctx.peers.standing(call.peer) != Standing::Blocked
    }

    /// Asks the daemon for the digests of a call that we owe.
    pub(super) fn ask_for_digests(&mut self, call: CallId) {
        if !self.calls.get(call).is_some_and(|call| self.owes_digest(call)) {
            return;
        }
        if let Some(state) = self.conversations.get_mut(Conversation::Call(call)) {
            state.digesting = true;
            self.ctx.output(Output::Digest(call));
        }
    }

    /// Handles the digests of a call that the daemon computed.
    pub(super) fn digested(&mut self, now: Time, call: CallId, said: Digest, heard: Digest) {
        let id = Conversation::Call(call);
        let Some(state) = self.conversations.get_mut(id) else { return };
        state.digesting = false;
        let acknowledged = state.is_acknowledged();
        let Some(mut digests) = self.calls.get(call).map(|call| call.digests) else { return };
        let mut due = Vec::new();
        if !digests.said_sent && acknowledged {
            digests.said_sent = true;
            due.push(Summary { side: Side::Sender, digest: said });
        }
        if !digests.heard_sent && digests.heard.is_some() {
            digests.heard_sent = true;
            due.push(Summary { side: Side::Receiver, digest: heard });
        }
        for summary in due {
            let draft = Draft::new(Item::Digest(summary));
            self.conversations.enqueue(&mut self.ctx, now, id, draft);
        }
        self.calls.keep_digests(&mut self.ctx, call, digests);
        self.conversations.flush(&mut self.ctx, now, id);
    }

    /// Handles a digest of the peer.
    pub(super) fn digest_received(&mut self, call: CallId, summary: Summary) {
        let Some(mut digests) = self.calls.get(call).map(|call| call.digests) else { return };
        match summary.side {
            Side::Sender => digests.heard = Some(summary.digest),
            Side::Receiver => digests.said = Some(summary.digest),
        }
        self.calls.keep_digests(&mut self.ctx, call, digests);
    }
}
