//! Reports of the network to the engine: a message that no relay accepts, and a wrong clock.

use p2p_core::change::{Change, ConversationChange};
use p2p_core::engine::{Engine, Input, Output, Snapshot, command};
use p2p_core::policy::Settings;
use p2p_core::record::EventKind;
use p2p_core::wire::{Body, Control, Offer, Stamp, encode};
use p2p_core::{CallId, Conversation, InstanceId, PublicKey, Rumor, Time, Verified};

const ME: PublicKey = PublicKey([1; 32]);
const PEER: PublicKey = PublicKey([2; 32]);
const NOW: Time = Time::from_secs(1_700_000_000);
const HOUR: i64 = 3_600_000;

#[expect(clippy::unwrap_used, reason = "that is how a test fails")]
fn engine() -> Engine {
    let (instance, snapshot) = (InstanceId([1; 8]), Snapshot::default());
    let mut engine = Engine::restore(ME, instance, [1; 32], Settings::default(), snapshot, NOW);
    let name = command::NamePeer { key: PEER, name: "peer".into() };
    engine.execute(NOW, name).unwrap();
    outputs(&mut engine);
    engine
}

fn outputs(engine: &mut Engine) -> Vec<Output> {
    std::iter::from_fn(|| engine.poll()).collect()
}

/// Sends a text and returns the rumor for the relays.
#[expect(clippy::expect_used, reason = "that is how a test fails")]
fn say(engine: &mut Engine, text: &str) -> Rumor {
    let conversation = Conversation::Direct(PEER);
    let message = command::SendMessage { conversation, text: text.into(), again: false };
    engine.execute(NOW, message).expect("it is allowed");
    let sent = outputs(engine).into_iter().find_map(|output| match output {
        Output::Send { rumor, .. } => Some(rumor),
        _ => None,
    });
    sent.expect("it is sent")
}

#[test]
fn an_undeliverable_message_is_given_up_at_once_with_the_reason() {
    let mut engine = engine();
    let (first, second) = (say(&mut engine, "large"), say(&mut engine, "small"));
    engine
        .handle(NOW, Input::Undeliverable { rumor: first.id(), why: "wss://r: too large".into() });
    let outputs = outputs(&mut engine);
    let undelivered = |rumor: &Rumor| {
        let is_it = |output: &&Output| matches!(output, Output::Persist(Change::Conversation(ConversationChange::Undelivered(id))) if *id == rumor.id());
        outputs.iter().filter(is_it).count()
    };
    assert_eq!((undelivered(&first), undelivered(&second)), (1, 0));
    let told = outputs.iter().find_map(|output| match output {
        Output::Notify(event) if event.kind == EventKind::Undelivered => event.text.clone(),
        _ => None,
    });
    assert_eq!(told.as_deref(), Some("wss://r: too large"));
    // Nothing of it goes out again, and once is enough.
    engine.handle(NOW, Input::Undeliverable { rumor: first.id(), why: "again".into() });
    assert!(std::iter::from_fn(|| engine.poll()).next().is_none());
}

#[test]
fn outgoing_messages_are_dated_by_the_clock_of_others() {
    let mut engine = engine();
    assert_eq!(say(&mut engine, "by ours").created_at, NOW.secs());
    engine.handle(NOW, Input::Clock { ahead: HOUR });
    assert_eq!(say(&mut engine, "by theirs").created_at, NOW.secs() + 3600);
}

#[test]
fn a_ring_is_not_late_because_our_clock_is_fast() {
    // It is three hours earlier than we think.
    let truth = Time(NOW.0 - 3 * HOUR.unsigned_abs());
    let rings = |ahead: i64| {
        let mut engine = engine();
        engine.handle(NOW, Input::Clock { ahead });
        let call = CallId(uuid::Uuid::from_bytes([7; 16]));
        let offer =
            Offer { topic: "t".into(), message: None, lifetime: 600, name: None, invite: None };
        let stamp = Stamp {
            from: PEER,
            to: ME,
            at: truth,
            instance: InstanceId([2; 8]),
            by_human: false,
            acks: vec![],
        };
        let rumor = encode(&stamp, &Body::Control(call, Control::Offer(offer)));
        let message = Verified::from_seal(PEER, None, rumor).expect("well made");
        engine.handle(NOW, Input::Received(message));
        engine.call(call).is_some_and(|call| call.is_open())
    };
    assert!(!rings(0), "late by a clock that nobody has corrected");
    assert!(rings(-3 * HOUR));
}
