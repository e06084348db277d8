//! Limits that two agents impose on each other: rates and sizes, and rings that are not confirmed.
//! Both engines run on a network that loses nothing.
#![expect(clippy::unwrap_used, reason = "that is how a test fails")]

use std::time::Duration;

use p2p_core::call::State;
use p2p_core::change::{Change, ConversationChange};
use p2p_core::engine::command::{self, PlaceCall, SentMessage};
use p2p_core::engine::{Command, Engine, Input, Output, Refusal, Snapshot};
use p2p_core::invite::Token;
use p2p_core::policy::{Policy, Rate, Settings};
use p2p_core::record::{Event, EventKind, Invite, Message};
use p2p_core::{CallId, Conversation, InstanceId, PublicKey, Rumor, Time, Verified};

const START: Time = Time::from_secs(1_000_000);
const ALICE: usize = 0;
const BOB: usize = 1;

/// Engine with its outputs.
struct End {
    engine: Engine,
    said: Vec<Rumor>,
    kept: Vec<Message>,
    told: Vec<Event>,
}

/// Alice and Bob, contacts of each other.
struct Pair {
    ends: [End; 2],
    now: Time,
    /// Decides whether relays accept a rumor.
    taken: fn(&Rumor) -> bool,
}

fn key(index: usize) -> PublicKey {
    PublicKey([1 + u8::try_from(index).unwrap(); 32])
}

impl Pair {
    fn of(settings: [Settings; 2]) -> Self {
        let mut index = 0;
        let ends = settings.map(|settings| {
            let seed = 1 + u8::try_from(index).unwrap();
            let (me, instance) = (key(index), InstanceId([seed; 8]));
            index += 1;
            let snapshot = Snapshot::default();
            let engine = Engine::restore(me, instance, [seed; 32], settings, snapshot, START);
            End { engine, said: Vec::new(), kept: Vec::new(), told: Vec::new() }
        });
        Self { ends, now: START + Duration::from_secs(60), taken: |_| true }
    }

    fn new(change: impl Fn(&mut Settings)) -> Self {
        let mut settings = Settings::default();
        change(&mut settings);
        let mut pair = Self::of([settings.clone(), settings]);
        pair.wants(ALICE, command::AllowPeer(key(BOB))).unwrap();
        pair.wants(BOB, command::AllowPeer(key(ALICE))).unwrap();
        pair
    }

    fn wants<C: Command>(&mut self, who: usize, command: C) -> Result<C::Reply, Refusal> {
        let reply = self.ends[who].engine.execute(self.now, command);
        self.drain(who);
        self.settle();
        reply
    }

    fn input(&mut self, who: usize, input: Input) {
        self.ends[who].engine.handle(self.now, input);
        self.drain(who);
    }

    fn drain(&mut self, who: usize) {
        let end = &mut self.ends[who];
        let mut reports = Vec::new();
        while let Some(output) = end.engine.poll() {
            match output {
                Output::Send { rumor, .. } => {
                    let taken = (self.taken)(&rumor);
                    reports.push((rumor.id(), u32::from(taken)));
                    end.said.extend(taken.then_some(rumor));
                }
                Output::Persist(Change::Conversation(ConversationChange::Message(message))) => {
                    end.kept.push(*message)
                }
                Output::Notify(event) => end.told.push(event),
                _ => {}
            }
        }
        for (rumor, accepted) in reports {
            self.input(who, Input::Report { rumor, accepted, relays: 1 });
        }
    }

    /// Delivers all rumors and all rumors that result from them.
    fn settle(&mut self) {
        let mut heard = [0; 2];
        while (0..2).any(|who| heard[who] < self.ends[who].said.len()) {
            for (who, heard) in heard.iter_mut().enumerate() {
                let news = self.ends[who].said[*heard..].to_vec();
                *heard += news.len();
                for rumor in news {
                    let message = Verified::from_seal(rumor.pubkey, None, rumor).unwrap();
                    self.input(1 - who, Input::Received(message));
                }
            }
        }
    }

    fn call(&mut self) -> CallId {
        let call = self.wants(ALICE, ring(key(BOB))).unwrap().call;
        self.wants(BOB, command::AcceptCall(call)).unwrap();
        call
    }

    fn say(&mut self, who: usize, call: CallId, text: &str) -> Result<SentMessage, Refusal> {
        let conversation = Conversation::Call(call);
        self.wants(who, command::SendMessage { conversation, text: text.into(), again: true })
    }

    fn state(&self, who: usize, call: CallId) -> &State {
        &self.ends[who].engine.call(call).unwrap().state
    }

    fn is_open(&self, call: CallId) -> bool {
        (0..2).all(|who| *self.state(who, call) == State::Active)
    }

    /// Returns the control messages of a type that an end sent.
    fn words(&self, who: usize, name: &str) -> Vec<&Rumor> {
        self.ends[who].said.iter().filter(|rumor| rumor.tag("type") == Some(name)).collect()
    }

    fn transcript(&self, who: usize) -> Vec<String> {
        self.ends[who].kept.iter().map(|message| message.content.shown().into_string()).collect()
    }
}

fn ring(peer: PublicKey) -> PlaceCall {
    ring_with(peer, None)
}

fn ring_with(peer: PublicKey, invite: Option<Token>) -> PlaceCall {
    PlaceCall {
        peer,
        topic: "tea".into(),
        opening: None,
        note: None,
        new: true,
        ring: None,
        invite,
    }
}

#[test]
fn an_agent_cannot_exceed_its_turns_an_hour() {
    let mut pair = Pair::new(|settings| settings.turns = 40);
    let call = pair.call();
    for turn in 0..40 {
        if turn % 20 == 0 {
            pair.now = pair.now + Duration::from_secs(60);
        }
        pair.say(ALICE, call, &format!("line {turn}")).unwrap();
    }
    // Two minutes give back one.
    pair.now = pair.now + Duration::from_secs(60);
    pair.say(ALICE, call, "one more").unwrap();
    let refused = pair.say(ALICE, call, "and another").unwrap_err();
    assert_eq!(refused, Refusal::TooMany(Rate::an_hour(40)));
    assert_eq!(refused.to_string(), "more than 40 messages an hour in one conversation");
    pair.say(BOB, call, "my turn").unwrap();
    pair.now = pair.now + Duration::from_secs(90);
    pair.say(ALICE, call, "later").unwrap();
}

#[test]
fn messages_over_the_byte_limit_are_received_later() {
    let mut pair = Pair::new(|settings| settings.receive_bytes = 64 * 1024);
    let call = pair.call();
    for letter in ["a", "b", "c"] {
        pair.say(ALICE, call, &letter.repeat(24 * 1024)).unwrap();
    }
    assert_eq!(pair.transcript(BOB).len(), 2);
    // It is repeated until there is room.
    for _ in 0..60 {
        pair.now = pair.now + Duration::from_secs(60);
        pair.input(ALICE, Input::Tick);
        pair.settle();
    }
    assert_eq!(pair.transcript(BOB), pair.transcript(ALICE));
    assert_eq!(pair.transcript(BOB).len(), 3);
}

#[test]
fn an_invisible_agent_confirms_no_ring_before_it_answers() {
    for visible in [true, false] {
        let mut pair = Pair::new(|settings| settings.disclose_ring = visible);
        let call = pair.wants(ALICE, ring(key(BOB))).unwrap().call;
        // The offer is repeated.
        for _ in 0..5 {
            pair.now = pair.now + Duration::from_secs(60);
            pair.input(ALICE, Input::Tick);
            pair.settle();
        }
        assert_eq!(matches!(pair.state(ALICE, call), State::Ringing(_)), visible);
        assert_eq!(pair.ends[BOB].said.is_empty(), !visible);
        assert!(visible || pair.words(ALICE, "offer").len() > 2);
        pair.wants(BOB, command::AcceptCall(call)).unwrap();
        assert!(pair.is_open(call));
    }
}

/// Returns Bob under a policy, and Alice with an invite token of Bob's.
fn host(policy: Policy, uses: u32) -> (Pair, u32, Token) {
    let settings = Settings { policy, ..Settings::default() };
    let mut pair = Pair::of([Settings::default(), settings]);
    let made = pair.wants(BOB, command::CreateInvite { uses, lifetime: 3600 });
    let (id, token) = made.unwrap();
    (pair, id, token)
}

impl Pair {
    /// Rings Bob as Alice. Returns the event that Bob is told of.
    fn rings(&mut self, invite: Option<Token>) -> Option<EventKind> {
        let before = self.ends[BOB].told.len();
        self.wants(ALICE, ring_with(key(BOB), invite)).unwrap();
        self.ends[BOB].told[before..].first().map(|event| event.kind)
    }

    fn invites(&mut self) -> Vec<Invite> {
        self.wants(BOB, command::ListInvites).unwrap()
    }
}

#[test]
fn a_stranger_with_an_invite_rings_like_a_contact() {
    for (policy, without) in [(Policy::Ask, Some(EventKind::Knock)), (Policy::AllowList, None)] {
        let (mut pair, id, token) = host(policy, 2);
        assert_eq!(pair.invites().iter().map(|i| (i.id, i.uses)).collect::<Vec<_>>(), [(id, 2)]);
        assert_eq!(pair.rings(Some(token)), Some(EventKind::Ring));
        assert!(!pair.words(BOB, "ringing").is_empty());
        // From now on it is a contact, and uses none.
        assert_eq!(pair.rings(Some(token)), Some(EventKind::Ring));
        assert_eq!(pair.rings(None), Some(EventKind::Ring));
        assert_eq!(pair.invites()[0].uses, 1);
        // As a stranger again, it uses up the other one, and that is that.
        for expect in [Some(EventKind::Ring), without] {
            pair.wants(BOB, command::ForgetPeer(key(ALICE))).unwrap();
            assert_eq!(pair.rings(Some(token)), expect, "{policy:?}");
        }
        assert_eq!(pair.invites(), []);
    }
}

#[test]
fn a_message_to_a_contact_that_was_found_to_be_an_agent_is_numbered() {
    for found in [false, true] {
        let mut pair = Pair::new(|_| ());
        if found {
            pair.input(ALICE, Input::AgentFound { peer: key(BOB) });
        }
        let conversation = Conversation::Direct(key(BOB));
        let send = command::SendMessage { conversation, text: "hello".into(), again: false };
        pair.wants(ALICE, send).unwrap();
        let numbered = pair.ends[ALICE].said[0].tag("stream").is_some();
        assert_eq!(numbered, found);
    }
}

#[test]
fn an_invite_has_a_maximum_of_uses_and_hours_and_its_number_is_never_reused() {
    let (mut pair, id, _) = host(Policy::Ask, 1);
    let mut create =
        |uses, hours: u64| pair.wants(BOB, command::CreateInvite { uses, lifetime: hours * 3600 });
    for (uses, hours) in [(0, 1), (1001, 1), (1, 0), (1, 366 * 24 + 1)] {
        assert_eq!(create(uses, hours), Err(Refusal::InviteLimits), "{uses} uses, {hours} hours");
    }
    let (second, _) = create(1000, 366 * 24).unwrap();
    assert_eq!(second, id + 1);
    pair.wants(BOB, command::RevokeInvite(second)).unwrap();
    let (third, _) = pair.wants(BOB, command::CreateInvite { uses: 1, lifetime: 60 }).unwrap();
    assert_eq!(third, id + 2);
}

#[test]
fn a_ring_keeps_its_invite_over_a_restart_until_it_is_over() {
    let (mut pair, _, token) = host(Policy::AllowList, 1);
    pair.taken = |_| false;
    let call = pair.wants(ALICE, ring_with(key(BOB), Some(token))).unwrap().call;
    let known = pair.ends[ALICE].engine.call(call).unwrap().clone();
    assert_eq!(known.invite, Some(token));
    let snapshot = Snapshot { calls: vec![known], ..Snapshot::default() };
    let (instance, settings) = (InstanceId([9; 8]), Settings::default());
    pair.ends[ALICE].engine =
        Engine::restore(key(ALICE), instance, [9; 32], settings, snapshot, pair.now);
    pair.taken = |_| true;
    pair.now = pair.now + Duration::from_secs(60);
    pair.input(ALICE, Input::RelayBack);
    pair.settle();
    assert!(matches!(pair.state(BOB, call), State::Incoming(_)), "it rang");
    pair.wants(BOB, command::AcceptCall(call)).unwrap();
    assert_eq!(pair.ends[ALICE].engine.call(call).unwrap().invite, None);
}

#[test]
fn a_wrong_old_or_revoked_invite_changes_nothing() {
    for (policy, expect) in [
        (Policy::Ask, Some(EventKind::Knock)),
        (Policy::AllowList, None),
        (Policy::Closed, None),
        (Policy::Open, Some(EventKind::Ring)),
    ] {
        let untouched = |pair: &mut Pair, token, what: &str| {
            assert_eq!(pair.rings(Some(token)), expect, "{what}, {policy:?}");
            let silent = pair.ends[BOB].said.is_empty();
            assert_eq!(silent, policy != Policy::Open, "{what}, {policy:?}");
        };
        let (mut pair, ..) = host(policy, 1);
        untouched(&mut pair, Token([0; 16]), "guessed");
        assert_eq!(pair.invites().len(), 1);

        let (mut pair, _, token) = host(policy, 1);
        pair.now = pair.now + Duration::from_secs(3600);
        untouched(&mut pair, token, "too old");
        assert_eq!(pair.invites(), []);

        let (mut pair, id, token) = host(policy, 1);
        pair.wants(BOB, command::RevokeInvite(id)).unwrap();
        assert_eq!(pair.wants(BOB, command::RevokeInvite(id)), Err(Refusal::NoInvite));
        untouched(&mut pair, token, "revoked");
    }
    let (mut pair, _, token) = host(Policy::Closed, 1);
    assert_eq!(pair.rings(Some(token)), None);
    let (mut pair, _, token) = host(Policy::Ask, 1);
    pair.wants(BOB, command::BlockPeer(key(ALICE))).unwrap();
    assert_eq!(pair.rings(Some(token)), None);
    assert_eq!(pair.invites().len(), 1);
}
