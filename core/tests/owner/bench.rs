//! One engine, an owner with an ordinary app, and a peer in a call.

use std::time::Duration;

use p2p_core::change::{
    CallChange, Change, ConversationChange, EventLogChange, HumanChange, PeerChange,
};
use p2p_core::engine::command::{self, SentMessage};
use p2p_core::engine::{Command, Engine, Input, Output, Refusal, Snapshot};
use p2p_core::policy::Settings;
use p2p_core::record::{Event, EventKind, Line};
use p2p_core::wire::{Body, Control, Item, Offer, Slot, Stamp, encode};
use p2p_core::{
    CallId, Conversation, InstanceId, PublicKey, Rumor, RumorId, StreamId, Time, Verified,
};

pub const ME: PublicKey = PublicKey([1; 32]);
pub const PEER: PublicKey = PublicKey([2; 32]);
pub const OWNER: PublicKey = PublicKey([3; 32]);
pub const OTHER: PublicKey = PublicKey([4; 32]);
const START: Time = Time::from_secs(1_700_000_000);

pub struct Bench {
    pub engine: Engine,
    pub now: Time,
    /// Rumors that were sent, with their receivers.
    pub sent: Vec<(PublicKey, Rumor)>,
    pub events: Vec<Event>,
    pub changes: Vec<Change>,
    /// All persisted changes, as a store has them.
    kept: Vec<Change>,
    pub recalls: Vec<(CallId, PublicKey)>,
    /// Rumors that arrived.
    arrived: Vec<Rumor>,
    count: u64,
}

impl Bench {
    /// Returns an agent without an owner.
    pub fn new() -> Self {
        Self::with(
            Settings { name: "agent-x7k2".into(), ..Settings::default() },
            Snapshot::default(),
            START,
        )
    }

    pub fn with(settings: Settings, snapshot: Snapshot, now: Time) -> Self {
        let engine = Engine::restore(ME, InstanceId([1; 8]), [1; 32], settings, snapshot, now);
        let (sent, events, changes) = (Vec::new(), Vec::new(), Vec::new());
        let (recalls, kept) = (Vec::new(), Vec::new());
        let arrived = Vec::new();
        Self { engine, now, sent, events, changes, kept, recalls, arrived, count: 0 }
    }

    /// Returns an agent with an owner.
    pub fn owned() -> Self {
        let mut bench = Self::new();
        let code = bench.pair(None, false).unwrap();
        bench.dm(OWNER, &code);
        assert!(bench.engine.is_owner(OWNER));
        bench.forget();
        bench
    }

    /// Returns an agent with an owner, in a call.
    pub fn in_call() -> (Self, CallId) {
        let mut bench = Self::owned();
        let call = bench.call(7);
        (bench, call)
    }

    /// Handles an input; a relay accepts every outgoing rumor.
    pub fn handle(&mut self, input: Input) {
        self.engine.handle(self.now, input);
        self.carry_out();
    }

    fn carry_out(&mut self) {
        let before = self.sent.len();
        self.drain();
        for rumor in self.sent[before..].iter().map(|(_, rumor)| rumor.id()).collect::<Vec<_>>() {
            self.engine.handle(self.now, Input::Report { rumor, accepted: 1, relays: 1 });
            self.drain();
        }
    }

    fn drain(&mut self) {
        while let Some(output) = self.engine.poll() {
            match output {
                Output::Persist(change) => self.changes.push(change),
                Output::Send { to, rumor, .. } => self.sent.push((to, rumor)),
                Output::Notify(event) => self.events.push(event),
                Output::Recall { call, to } => self.recalls.push((call, to)),
                _ => {}
            }
        }
    }

    pub fn command<C: Command>(&mut self, command: C) -> Result<C::Reply, Refusal> {
        let reply = self.engine.execute(self.now, command);
        self.carry_out();
        reply
    }

    /// Advances the clock and handles all deadlines on the way.
    pub fn wait(&mut self, secs: u64) {
        let until = self.now + Duration::from_secs(secs);
        while let Some(at) = self.engine.next_timeout().filter(|at| *at <= until) {
            self.now = at.max(self.now);
            self.handle(Input::Tick);
        }
        self.now = until;
    }

    /// Drops everything that happened up to now.
    pub fn forget(&mut self) {
        self.sent.clear();
        self.events.clear();
        self.kept.append(&mut self.changes);
    }

    /// Delivers again a rumor that arrived before.
    pub fn hear_again(&mut self, which: usize) {
        let rumor = self.arrived.get(which % self.arrived.len().max(1)).cloned();
        rumor.into_iter().for_each(|rumor| self.hear(rumor));
    }

    pub fn hear(&mut self, rumor: Rumor) {
        self.arrived.push(rumor.clone());
        let message = Verified::from_seal(rumor.pubkey, None, rumor).unwrap();
        self.handle(Input::Received(message));
    }

    /// Delivers a message from an ordinary app, written now.
    pub fn dm(&mut self, from: PublicKey, text: &str) -> Vec<String> {
        self.dm_with(from, text, self.now, &[])
    }

    pub fn reply(&mut self, from: PublicKey, text: &str, to: (&str, RumorId)) -> Vec<String> {
        self.dm_with(from, text, self.now, &[vec![to.0.into(), to.1.to_string()]])
    }

    pub fn dm_with(
        &mut self,
        from: PublicKey,
        text: &str,
        written: Time,
        more: &[Vec<String>],
    ) -> Vec<String> {
        self.count += 1;
        let mut tags = vec![vec!["p".into(), ME.to_string()]];
        tags.extend_from_slice(more);
        // Two messages of one second differ.
        tags.push(vec!["nonce".into(), self.count.to_string()]);
        let (created_at, content) = (written.secs(), text.to_owned());
        let before = self.sent.len();
        self.hear(Rumor { pubkey: from, created_at, kind: 14, tags, content });
        self.told_since(before, from)
    }

    fn told_since(&self, before: usize, to: PublicKey) -> Vec<String> {
        let to_it =
            self.sent[before..].iter().filter(|(key, rumor)| *key == to && rumor.kind == 14);
        to_it.map(|(_, rumor)| rumor.content.clone()).collect()
    }

    /// Returns the texts that an owner was sent since the last `forget`.
    pub fn told(&self, owner: PublicKey) -> Vec<String> {
        self.told_since(0, owner)
    }

    /// Returns the id of the last message to a key.
    pub fn last_to(&self, to: PublicKey) -> RumorId {
        let mut sent = self.sent.iter().rev();
        sent.find(|(key, rumor)| *key == to && rumor.kind == 14).unwrap().1.id()
    }

    pub fn pair(&mut self, only: Option<PublicKey>, proven: bool) -> Result<String, Refusal> {
        Ok(self.command(command::Pair { only, proven })?.code.into())
    }

    /// Makes the peer, a contact, call and be answered.
    pub fn call(&mut self, byte: u8) -> CallId {
        self.command(command::NamePeer { key: PEER, name: "bob".into() }).unwrap();
        let call = CallId(uuid::Uuid::from_bytes([byte; 16]));
        let topic = "translate the docs".into();
        let offer =
            Offer { topic, message: None, lifetime: 600, name: Some("Bob".into()), invite: None };
        self.hear_body(&Body::Control(call, Control::Offer(offer)));
        self.command(command::AcceptCall(call)).unwrap();
        self.hear_body(&Body::Control(call, Control::Established));
        self.forget();
        call
    }

    pub fn hear_body(&mut self, body: &Body) {
        self.hear_from(PEER, body);
    }

    /// Delivers a message of another daemon.
    pub fn hear_from(&mut self, from: PublicKey, body: &Body) {
        self.hear_written(from, self.now, body);
    }

    /// Delivers a message of another daemon that was written at another time.
    pub fn hear_written(&mut self, from: PublicKey, at: Time, body: &Body) {
        let instance = InstanceId([2; 8]);
        let stamp = Stamp { from, to: ME, at, instance, by_human: false, acks: vec![] };
        self.hear(encode(&stamp, body));
    }

    /// Delivers a message of the peer in a call.
    pub fn peer_says(&mut self, call: CallId, number: u64, text: &str) {
        let mut stream = [0; 8];
        stream.copy_from_slice(&call.0.as_bytes()[..8]);
        let slot = Slot::new(StreamId(stream), number);
        let item = Item::Text(text.into());
        self.hear_body(&Body::Numbered(Conversation::Call(call), slot, item));
    }

    pub fn says(&mut self, call: CallId, text: &str) -> Result<SentMessage, Refusal> {
        let (conversation, text) = (Conversation::Call(call), text.to_owned());
        self.command(command::SendMessage { conversation, text: text.into(), again: false })
    }

    /// Asks the owner. Returns the question, its code, and the message that asked it.
    pub fn asks(
        &mut self,
        call: CallId,
        question: &str,
        options: &[&str],
    ) -> (u32, String, RumorId) {
        let lines: Vec<Line> = Vec::new();
        let options = options.iter().map(|option| (*option).into()).collect();
        let question = question.to_owned();
        let command =
            command::Escalate { call, question: question.into(), options, quiet: true, lines };
        let handle = self.command(command).unwrap();
        let code = self.changes.iter().rev().find_map(|change| match change {
            Change::Human(HumanChange::Question(question)) if question.handle == handle => {
                Some(question.code.to_string())
            }
            _ => None,
        });
        (handle, code.unwrap(), self.last_to(OWNER))
    }

    /// Returns the recorded answers: question and text.
    pub fn answers(&self) -> Vec<(u32, String)> {
        let taken = self.changes.iter().filter_map(|change| match change {
            Change::Human(HumanChange::Answered { question, answer }) => {
                Some((*question, answer.text.to_string()))
            }
            _ => None,
        });
        let taken: Vec<_> = taken.collect();
        // Each of them is one event, and there are no others.
        let replies = self.events.iter().filter(|event| event.kind == EventKind::Reply);
        let replies: Vec<_> = replies.filter_map(|event| event.subject).collect();
        assert_eq!(replies, taken.iter().map(|(question, _)| *question).collect::<Vec<_>>());
        taken
    }

    /// Returns the events of a kind that the agent was told of.
    pub fn heard(&self, kind: EventKind) -> Vec<&Event> {
        self.events.iter().filter(|event| event.kind == kind).collect()
    }

    /// Starts a new run from the persisted state of the owners.
    pub fn restarted(mut self) -> Self {
        self.forget();
        let mut snapshot = Snapshot::default();
        for change in &self.kept {
            match change.clone() {
                Change::EventLog(EventLogChange::Counters(counters)) => {
                    snapshot.counters = counters
                }
                Change::Peer(PeerChange::Put(peer)) => {
                    snapshot.peers.retain(|known| known.key != peer.key);
                    snapshot.peers.push(peer);
                }
                Change::Call(CallChange::Put(call)) => {
                    snapshot.calls.retain(|known| known.id != call.id);
                    snapshot.calls.push(*call);
                }
                Change::Conversation(ConversationChange::Seen(id, at)) => {
                    snapshot.seen.push((id, at))
                }
                Change::Human(HumanChange::Owner(owner)) => {
                    snapshot.owners.retain(|known| known.key != owner.key);
                    snapshot.owners.push(owner);
                }
                Change::Human(HumanChange::OwnerGone(key)) => {
                    snapshot.owners.retain(|known| known.key != key)
                }
                Change::Human(HumanChange::Question(question)) => {
                    snapshot.questions.push(*question)
                }
                Change::Human(HumanChange::Answered { question, answer }) => {
                    for known in snapshot.questions.iter_mut().filter(|it| it.handle == question) {
                        known.answer = Some(answer.clone());
                    }
                }
                Change::Human(HumanChange::Note(note)) => snapshot.notes.push(note),
                Change::Human(HumanChange::Takeover(takeover)) => {
                    snapshot.takeovers.retain(|known| known.call != takeover.call);
                    snapshot.takeovers.push(takeover);
                }
                Change::Human(HumanChange::TakeoverOver(call)) => {
                    snapshot.takeovers.retain(|it| it.call != call)
                }
                Change::Peer(PeerChange::Policy(policy)) => snapshot.policy = Some(policy),
                _ => {}
            }
        }
        let mut bench = Self::with(Settings::default(), snapshot, self.now);
        bench.kept = self.kept;
        (bench.count, bench.arrived) = (self.count, self.arrived);
        bench
    }
}
