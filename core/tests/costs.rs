//! The cost of an input: it touches what it is about, and not everything that there is.

use std::time::Duration;

use p2p_core::engine::{Engine, Input, Output, Snapshot, command};
use p2p_core::policy::Settings;
use p2p_core::wire::{Body, Control, Item, Offer, Slot, Stamp, encode};
use p2p_core::{CallId, Conversation, InstanceId, PublicKey, Rumor, StreamId, Time, Verified};

const ME: PublicKey = PublicKey([1; 32]);
const START: Time = Time::from_secs(1_700_000_000);

fn key(number: u32) -> PublicKey {
    let mut key = [9; 32];
    key[..4].copy_from_slice(&number.to_be_bytes());
    PublicKey(key)
}

fn call(number: u32) -> CallId {
    CallId(uuid::Uuid::from_u128(number.into()))
}

/// Engine in a call with each of its contacts, each with a waiting message.
struct Bench {
    engine: Engine,
    now: Time,
}

impl Bench {
    fn new(calls: u32) -> Self {
        let settings = Settings { calls: 10_000, ..Settings::default() };
        let (instance, snapshot) = (InstanceId([1; 8]), Snapshot::default());
        let engine = Engine::restore(ME, instance, [1; 32], settings, snapshot, START);
        let mut bench = Self { engine, now: START + Duration::from_secs(60) };
        for number in 0..calls {
            bench.connect(number);
        }
        // The first round of repetitions and acknowledgements is over.
        bench.wait(Duration::from_secs(2));
        bench
    }

    #[expect(clippy::unwrap_used, reason = "that is how a test fails")]
    fn connect(&mut self, number: u32) {
        self.engine.execute(self.now, command::AllowPeer(key(number))).unwrap();
        let topic = "tea".into();
        let offer = Offer { topic, message: None, lifetime: 600, name: None, invite: None };
        self.hear(number, &Body::Control(call(number), Control::Offer(offer)));
        self.engine.execute(self.now, command::AcceptCall(call(number))).unwrap();
        self.hear(number, &Body::Control(call(number), Control::Established));
        let conversation = Conversation::Call(call(number));
        let text = "hello".into();
        let message = command::SendMessage { conversation, text, again: false };
        self.engine.execute(self.now, message).unwrap();
        self.drain();
    }

    #[expect(clippy::unwrap_used, reason = "that is how a test fails")]
    fn hear(&mut self, number: u32, body: &Body) {
        let (from, instance) = (key(number), InstanceId([2; 8]));
        let stamp = Stamp { from, to: ME, at: self.now, instance, by_human: false, acks: vec![] };
        let rumor = encode(&stamp, body);
        let message = Verified::from_seal(from, None, rumor).unwrap();
        self.engine.handle(self.now, Input::Received(message));
    }

    fn drain(&mut self) -> Vec<Rumor> {
        let outputs = std::iter::from_fn(|| self.engine.poll());
        let sent = outputs.filter_map(|output| match output {
            Output::Send { rumor, .. } => Some(rumor),
            _ => None,
        });
        sent.collect()
    }

    fn wait(&mut self, time: Duration) {
        self.now = self.now + time;
        self.engine.handle(self.now, Input::Tick);
        self.drain();
    }

    /// Returns the number of calls and conversations that an input touches.
    fn touched(&mut self, input: impl FnOnce(&mut Self)) -> u64 {
        let before = self.engine.visited();
        input(self);
        self.drain();
        self.engine.visited() - before
    }
}

fn text(number: u32) -> Body {
    let slot = Slot::new(StreamId([7; 8]), 1);
    Body::Numbered(Conversation::Call(call(number)), slot, Item::Text("hi".into()))
}

#[test]
fn an_input_touches_only_the_calls_that_it_concerns() {
    for calls in [3, 300] {
        let mut bench = Bench::new(calls);
        let tick = bench.touched(|bench| bench.engine.handle(bench.now, Input::Tick));
        assert_eq!(tick, 0, "nothing is due in {calls} calls");
        let message = bench.touched(|bench| bench.hear(1, &text(1)));
        assert!((1..=4).contains(&message), "a message touches {message} of {calls} calls");
        let (conversation, again) = (Conversation::Call(call(2)), false);
        let send = command::SendMessage { conversation, text: "more".into(), again };
        let sent = bench.touched(|bench| drop(bench.engine.execute(bench.now, send)));
        assert!((1..=4).contains(&sent), "sending touches {sent} of {calls} calls");
        let seen = Input::PeerSeen { peer: key(2), name: None };
        let seen = bench.touched(|bench| bench.engine.handle(bench.now, seen));
        assert!(seen <= 4, "presence touches {seen} of {calls} calls");
    }
}

#[test]
fn every_tick_that_is_asked_for_has_due_work() {
    let mut bench = Bench::new(50);
    bench.wait(Duration::from_secs(1));
    let next = bench.engine.next_timeout();
    // One more call, whose message is repeated later than those of the others.
    bench.connect(50);
    assert!(bench.engine.next_timeout() <= next);
    let mut rounds = 0;
    while let Some(at) = bench.engine.next_timeout().filter(|at| *at <= START + HOUR) {
        bench.now = bench.now.max(at);
        let touched = bench.touched(|bench| bench.engine.handle(bench.now, Input::Tick));
        assert!(touched > 0, "a tick that is asked for finds something to do");
        assert!(bench.engine.next_timeout() > Some(bench.now), "nothing due is left behind");
        rounds += 1;
    }
    assert!(rounds > 3, "messages are repeated");
}

const HOUR: Duration = Duration::from_secs(3600);
