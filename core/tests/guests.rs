//! What two agents may do to each other: rates and sizes, an end to courtesy, rings that are not
//! confirmed. Both engines on a network that loses nothing.
#![expect(clippy::unwrap_used, reason = "that is how a test fails")]

use std::time::Duration;

use p2p_core::call::{By, Ended, State};
use p2p_core::engine::{Change, Command, Engine, Input, Output, Refusal, Reply, Snapshot};
use p2p_core::policy::{Rate, Settings};
use p2p_core::record::{Event, EventKind, Message};
use p2p_core::wire::Reason;
use p2p_core::{CallId, Conversation, InstanceId, PublicKey, Rumor, Time, Verified};

const START: Time = Time::from_secs(1_000_000);
const ALICE: usize = 0;
const BOB: usize = 1;

/// An engine and what came out of it.
struct End {
    engine: Engine,
    said: Vec<Rumor>,
    kept: Vec<Message>,
    told: Vec<Event>,
}

/// Alice and Bob, who know each other.
struct Pair {
    ends: [End; 2],
    now: Time,
    /// Whether relays take anything.
    relays: bool,
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
        Self { ends, now: START + Duration::from_secs(60), relays: true }
    }

    fn new(change: impl Fn(&mut Settings)) -> Self {
        let mut settings = Settings::default();
        change(&mut settings);
        let mut pair = Self::of([settings.clone(), settings]);
        pair.wants(ALICE, Command::Allow(key(BOB))).unwrap();
        pair.wants(BOB, Command::Allow(key(ALICE))).unwrap();
        pair
    }

    fn wants(&mut self, who: usize, command: Command) -> Result<Reply, Refusal> {
        let mut replies = self.input(who, Input::Command { token: 0, command });
        self.settle();
        replies.pop().unwrap()
    }

    fn input(&mut self, who: usize, input: Input) -> Vec<Result<Reply, Refusal>> {
        let end = &mut self.ends[who];
        end.engine.handle(self.now, input);
        let (mut replies, mut reports) = (Vec::new(), Vec::new());
        while let Some(output) = end.engine.poll() {
            match output {
                Output::Send { rumor, .. } => {
                    reports.push(rumor.id());
                    end.said.push(rumor);
                }
                Output::Persist(Change::Message(message)) => end.kept.push(*message),
                Output::Notify(event) => end.told.push(event),
                Output::Reply { result, .. } => replies.push(result),
                _ => {}
            }
        }
        for rumor in reports {
            let accepted = u32::from(self.relays);
            self.input(who, Input::Report { rumor, accepted, relays: 1 });
        }
        replies
    }

    /// Everything said arrives, and what follows from it.
    fn settle(&mut self) {
        let mut heard = [0; 2];
        while self.relays && (0..2).any(|who| heard[who] < self.ends[who].said.len()) {
            for who in 0..2 {
                let news = self.ends[who].said.split_off(heard[who]);
                for rumor in &news {
                    let message = Verified::from_seal(rumor.pubkey, None, rumor.clone()).unwrap();
                    self.input(1 - who, Input::Received(message));
                }
                self.ends[who].said.splice(heard[who]..heard[who], news.clone());
                heard[who] += news.len();
            }
        }
    }

    fn call(&mut self) -> CallId {
        let Ok(Reply::Call { call, .. }) = self.wants(ALICE, ring(key(BOB))) else { panic!() };
        self.wants(BOB, Command::Accept(call)).unwrap();
        call
    }

    fn say(&mut self, who: usize, call: CallId, text: &str) -> Result<Reply, Refusal> {
        let conversation = Conversation::Call(call);
        self.wants(who, Command::Say { conversation, text: text.into(), again: true })
    }

    fn state(&self, who: usize, call: CallId) -> &State {
        &self.ends[who].engine.call(call).unwrap().state
    }

    fn is_open(&self, call: CallId) -> bool {
        (0..2).all(|who| *self.state(who, call) == State::Active)
    }

    /// How often an end said this, and what it said of it.
    fn words(&self, who: usize, name: &str) -> Vec<&Rumor> {
        self.ends[who].said.iter().filter(|rumor| rumor.tag("type") == Some(name)).collect()
    }

    fn transcript(&self, who: usize) -> Vec<String> {
        self.ends[who].kept.iter().map(|message| message.content.shown()).collect()
    }
}

fn ring(peer: PublicKey) -> Command {
    Command::Call { peer, topic: "tea".into(), opening: None, note: None, new: false, ring: None }
}

const POLITE: [&str; 6] =
    ["Thanks!", "You're welcome", "Thank you, bye", "Goodbye", "Danke dir", "Gern"];

#[test]
fn two_agents_that_only_thank_each_other_are_done() {
    let mut pair = Pair::new(|_| ());
    let call = pair.call();
    pair.say(BOB, call, "The file is fine.").unwrap();
    for (turn, text) in POLITE.into_iter().enumerate() {
        assert!(pair.is_open(call), "before {text}");
        pair.say(turn % 2, call, text).unwrap();
    }
    // Alice heard the sixth.
    let ended = |who, by| {
        let State::Ended(Ended { closing, by: whose, .. }) = pair.state(who, call) else {
            panic!()
        };
        assert_eq!((closing.reason, *whose), (Reason::Completed, by));
        assert_eq!(closing.text, "both sides only thanked each other");
        let told = pair.ends[who].told.iter().filter(|event| event.kind == EventKind::End);
        assert_eq!(told.count(), 1);
    };
    ended(ALICE, By::Us);
    ended(BOB, By::Peer);
    assert_eq!((pair.words(ALICE, "end").len(), pair.words(BOB, "end").len()), (1, 0));
    assert_eq!(pair.transcript(ALICE), pair.transcript(BOB));
    assert_eq!(pair.transcript(ALICE).len(), 7);
    assert!(matches!(pair.say(BOB, call, "more"), Err(Refusal::Over(Reason::Completed))));
}

#[test]
fn courtesy_ends_nothing_where_more_is_said_or_it_was_turned_off() {
    // Something else in between, not in turn, or words that have not left.
    let mut pair = Pair::new(|_| ());
    let call = pair.call();
    for (turn, text) in POLITE.into_iter().take(5).chain(["And the second page?"]).enumerate() {
        pair.say(turn % 2, call, text).unwrap();
    }
    for (turn, text) in POLITE.into_iter().take(5).enumerate() {
        pair.say(turn % 2, call, text).unwrap();
    }
    pair.say(ALICE, call, "Cheers").unwrap();
    assert!(pair.is_open(call));
    pair.relays = false;
    pair.say(BOB, call, "Nothing takes this").unwrap();
    assert!(pair.is_open(call));

    let mut pair = Pair::new(|settings| settings.courtesy = 0);
    let call = pair.call();
    for turn in 0..20 {
        pair.say(turn % 2, call, "Thanks").unwrap();
    }
    assert!(pair.is_open(call));
}

#[test]
fn so_many_turns_an_hour_and_no_more() {
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
fn a_peer_that_says_too_much_is_heard_later() {
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
fn who_is_invisible_confirms_no_ring_before_it_answers() {
    for visible in [true, false] {
        let mut pair = Pair::new(|settings| settings.disclose_ring = visible);
        let Ok(Reply::Call { call, .. }) = pair.wants(ALICE, ring(key(BOB))) else { panic!() };
        // The offer is repeated.
        for _ in 0..5 {
            pair.now = pair.now + Duration::from_secs(60);
            pair.input(ALICE, Input::Tick);
            pair.settle();
        }
        assert_eq!(matches!(pair.state(ALICE, call), State::Ringing(_)), visible);
        assert_eq!(pair.ends[BOB].said.is_empty(), !visible);
        assert!(visible || pair.words(ALICE, "offer").len() > 2);
        pair.wants(BOB, Command::Accept(call)).unwrap();
        assert!(pair.is_open(call));
    }
}
