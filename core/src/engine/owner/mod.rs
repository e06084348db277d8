//! The owners of this agent: who they are, what they are told, and what their word does.
//!
//! A word is an owner's only if a seal proves that it is by an owner's key, in a room of exactly
//! two, and never seen before; or if the host has proven an owner's presence at a terminal.
//! Everything else is a peer's text, whatever it says.

mod heard;
mod names;
mod orders;
mod pairing;
mod questions;
mod takeover;

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Engine, Snapshot};
use crate::human::change::HumanChange;
use crate::ids::{CallId, Conversation, PublicKey, RumorId};
use crate::owner::{Order, Pairing, words};
use crate::record::{Content, EventKind, Note, Owner, Question, Takeover};
use crate::text::Text;
use crate::time::{Time, earlier};

/// What owners were told is remembered for so long: replies to it are understood.
const NOTES_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// Everything about owners that the engine holds.
#[derive(Default)]
pub(super) struct Owners {
    keys: BTreeMap<PublicKey, Owner>,
    questions: BTreeMap<u32, Question>,
    notes: BTreeMap<RumorId, Note>,
    takeovers: BTreeMap<CallId, Takeover>,
    pairing: Option<Pairing>,
    /// Codes that prove an owner at a terminal, once, and until when.
    codes: Vec<(Text, Time)>,
    /// Orders that came late and wait for a `/yes`, and since when.
    unconfirmed: BTreeMap<PublicKey, (Order, Time)>,
}

impl Owners {
    /// What is on disk of them, out of the snapshot.
    pub(super) fn restore(snapshot: &mut Snapshot) -> Self {
        let take = std::mem::take::<Vec<Owner>>;
        Self {
            keys: take(&mut snapshot.owners).into_iter().map(|it| (it.key, it)).collect(),
            questions: std::mem::take(&mut snapshot.questions)
                .into_iter()
                .map(|it| (it.handle, it))
                .collect(),
            notes: snapshot.notes.drain(..).map(|it| (it.rumor, it)).collect(),
            takeovers: snapshot.takeovers.drain(..).map(|it| (it.call, it)).collect(),
            ..Self::default()
        }
    }

    pub(super) fn next_timeout(&self) -> Option<Time> {
        let lapses = self.takeovers.values().map(takeover::lapses);
        lapses.map(Some).fold(self.pairing.as_ref().map(|pairing| pairing.until), earlier)
    }

    pub(super) fn sweep(&mut self, now: Time) {
        self.notes.retain(|_, note| now.since(note.at) < NOTES_KEPT);
        self.codes.retain(|(_, until)| now < *until);
    }
}

/// What an owner is told, and what a reply to it refers to.
struct Letter {
    text: Text,
    /// What is kept of it for our agent to read, where that is not to know all.
    kept: Option<&'static str>,
    /// It only says that their words were said.
    said: bool,
    call: Option<CallId>,
    question: Option<u32>,
}

impl Letter {
    fn new(text: impl Into<Text>) -> Self {
        Self { text: text.into(), kept: None, said: false, call: None, question: None }
    }

    fn about(self, call: CallId) -> Self {
        Self { call: Some(call), ..self }
    }
}

impl Engine {
    /// Whose word counts.
    pub fn owners(&self) -> impl Iterator<Item = &Owner> {
        self.owners.keys.values()
    }

    /// Whether this key's word counts.
    #[must_use]
    pub fn is_owner(&self, key: PublicKey) -> bool {
        self.owners.keys.contains_key(&key)
    }

    /// What strangers may do now.
    #[must_use]
    pub fn policy(&self) -> crate::policy::Policy {
        self.ctx.settings.policy
    }

    /// What has come due since.
    pub(super) fn owners_due(&mut self, now: Time) {
        if self.owners.pairing.as_ref().is_some_and(|pairing| pairing.until <= now) {
            self.owners.pairing = None;
        }
        self.lapse(now);
    }

    /// Owners who want to be told of questions and calls now.
    fn listening(&self, now: Time) -> Vec<PublicKey> {
        let heard = |owner: &&Owner| owner.muted_until.is_none_or(|until| until <= now);
        self.owners().filter(heard).map(|owner| owner.key).collect()
    }

    /// Sends a direct message to a human. It goes out like any other, and its place is durable
    /// before.
    fn tell(&mut self, now: Time, to: PublicKey, letter: Letter) {
        let conversation = Conversation::Direct(to);
        let kept = letter.kept.map_or_else(|| letter.text.clone(), Text::from);
        let written = self.write_directly(now, to, letter.text, Content::Text(kept));
        let Some((rumor, message)) = written else { return };
        let Letter { call, question, .. } = letter;
        if call.is_some() || question.is_some() {
            self.note(Note { rumor, owner: to, message, call, question, at: now });
        }
        self.conversations.flush(&mut self.ctx, now, conversation);
    }

    fn note(&mut self, note: Note) {
        self.owners.notes.insert(note.rumor, note);
        self.ctx.persist(HumanChange::Note(note));
    }

    /// A message of ours has another id now: it is said again in another stream.
    pub(super) fn note_moved(&mut self, from: RumorId, to: RumorId) {
        if let Some(note) = self.owners.notes.get(&from) {
            self.note(Note { rumor: to, ..*note });
        }
    }

    /// Something that our agent should know of what its human did.
    fn notice(&mut self, now: Time, place: Conversation, subject: Option<u32>, text: &str) {
        self.ctx.event(now, EventKind::Notice, place, subject, Some(text.into()));
    }

    /// A call in a line of ours.
    fn call_line(&self, id: CallId) -> String {
        let Some(call) = self.call(id) else { return "a call".into() };
        words::call(call.handle, &self.named(call.peer), &call.topic)
    }

    /// A key in a line of ours.
    fn named(&self, key: PublicKey) -> String {
        let peer = self.ctx.peers.get(key);
        let (name, claimed) = peer.map(|p| (p.name.as_deref(), p.claimed.as_deref())).unzip();
        words::named(name.flatten(), claimed.flatten(), &key.npub())
    }
}
