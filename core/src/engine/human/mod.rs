//! The owners of this agent in the engine: their messages to it, its messages to them, and the
//! effect of their commands on calls.
//!
//! A command counts as an owner's only if a seal proves that an owner's key wrote it, in a room of
//! exactly two, and its id is new; or if the daemon has proven that an owner is at the terminal.
//! Everything else is a peer's text, whatever it says.

mod commands;
mod pairing;
mod questions;
mod receive;
mod resolve;
mod takeover;

use super::Engine;
use crate::human::change::HumanChange;
use crate::human::message::OwnerMessage;
use crate::human::wording;
use crate::ids::{CallId, Conversation, PublicKey, RumorId};
use crate::record::{Content, EventKind, Note, Owner};
use crate::text::Text;
use crate::time::Time;

impl Engine {
    /// Returns the owners.
    pub fn owners(&self) -> impl Iterator<Item = &Owner> {
        self.owners.keys.values()
    }

    /// Returns true for the key of an owner.
    #[must_use]
    pub fn is_owner(&self, key: PublicKey) -> bool {
        self.owners.keys.contains_key(&key)
    }

    /// Returns the policy for strangers that is in force.
    #[must_use]
    pub fn policy(&self) -> crate::policy::Policy {
        self.ctx.settings.policy
    }

    /// Ends pairings and takeovers whose time is over.
    pub(super) fn owners_due(&mut self, now: Time) {
        if self.owners.pairing.as_ref().is_some_and(|pairing| pairing.until <= now) {
            self.owners.pairing = None;
        }
        self.lapse(now);
    }

    /// Returns the owners who are not muted.
    fn listening(&self, now: Time) -> Vec<PublicKey> {
        let heard = |owner: &&Owner| owner.muted_until.is_none_or(|until| until <= now);
        self.owners().filter(heard).map(|owner| owner.key).collect()
    }

    /// Sends a direct message to a human. It goes out like any other, and its place is durable
    /// before.
    fn tell(&mut self, now: Time, to: PublicKey, reply: OwnerMessage) {
        let conversation = Conversation::Direct(to);
        let kept = reply.stored.map_or_else(|| reply.text.clone(), Text::from);
        let written = self.write_directly(now, to, reply.text, Content::Text(kept));
        let Some((rumor, message)) = written else { return };
        let OwnerMessage { call, question, .. } = reply;
        if call.is_some() || question.is_some() {
            self.note(Note { rumor, owner: to, message, call, question, at: now });
        }
        self.conversations.flush(&mut self.ctx, now, conversation);
    }

    fn note(&mut self, note: Note) {
        self.owners.notes.insert(note.rumor, note);
        self.ctx.persist(HumanChange::Note(note));
    }

    /// Follows a message of ours to its new id after it moved to another stream.
    pub(super) fn note_moved(&mut self, from: RumorId, to: RumorId) {
        if let Some(note) = self.owners.notes.get(&from) {
            self.note(Note { rumor: to, ..*note });
        }
    }

    /// Tells our agent what its human did.
    fn notice(&mut self, now: Time, place: Conversation, subject: Option<u32>, text: &str) {
        self.ctx.event(now, EventKind::Notice, place, subject, Some(text.into()));
    }

    /// Names a call in a line of ours.
    fn call_line(&self, id: CallId) -> String {
        let Some(call) = self.call(id) else { return "a call".into() };
        wording::call(call.handle, &self.named(call.peer), &call.topic)
    }

    /// Names a key in a line of ours.
    fn named(&self, key: PublicKey) -> String {
        let peer = self.ctx.peers.get(key);
        let (name, claimed) = peer.map(|p| (p.name.as_deref(), p.claimed.as_deref())).unzip();
        wording::named(name.flatten(), claimed.flatten(), &key.npub())
    }
}
