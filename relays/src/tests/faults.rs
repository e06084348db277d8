//! Relays that fail in the ways that public relays do.
//!
//! Broken once, each with its test red: no audit; no limit on silence; nothing forgotten when it is
//! to be heard again; no proof of life after sleep; no end of a pause then; no limit of a message's
//! size or of its age; no correction of the clock; attempts at one message that do not go as one.

use std::time::Duration;

use p2p_core::engine::Priority;
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::agent::{Agent, presence, wait, wrapped};
use super::fake_relay::{FakeRelay, Fault, FaultRule, Reception};
use super::internet::{Internet, now};
use crate::relays::wake;
use crate::{DropReason, RelayEvent, RelayState, RelayStatus, Roles};

/// Alice at a relay, Bob at a second address of it that may be spoiled.
struct Scene {
    alice: Agent,
    bob: Agent,
    relay: FakeRelay,
    line: FakeRelay,
}

impl Scene {
    async fn new() -> Self {
        Self::behind(|_| ()).await
    }

    async fn behind(spoil: impl FnOnce(&FakeRelay)) -> Self {
        let internet = Internet::default();
        let relay = FakeRelay::start(&internet);
        let line = relay.second_address();
        spoil(&line);
        // Each knows both addresses, or they could not write to each other: they are on loopback.
        let index = Roles { presence: false, inbox: false, index: true };
        let alice = [(relay.url.as_str(), Roles::both()), (line.url.as_str(), index)];
        let bob = [(line.url.as_str(), Roles::both()), (relay.url.as_str(), index)];
        let (mut alice, mut bob) = (Agent::new(&internet, &alice), Agent::new(&internet, &bob));
        alice.settle().await;
        bob.settle().await;
        Self { alice, bob, relay, line }
    }

    /// Stores a wrap for Bob at the relay, past every fault of his line.
    fn write_bob(&self, text: &str) {
        self.relay.put(wrapped(&self.alice.keys, self.bob.key, text));
    }

    async fn bob_hears(&mut self, text: &str) {
        assert_eq!(self.bob.message().await.1, text);
    }

    fn state(&self) -> RelayStatus {
        self.bob.state(&self.line.url)
    }
}

#[tokio::test(start_paused = true)]
async fn a_subscription_that_the_relay_forgot_is_opened_again_and_missed_messages_come() {
    let mut scene = Scene::new().await;
    scene.line.forget_subscriptions();
    // Let the relay forget before it stores the message.
    sleep(Duration::from_millis(1)).await;
    scene.write_bob("while it was forgotten");
    scene.bob_hears("while it was forgotten").await;
    scene.write_bob("now");
    scene.bob_hears("now").await;
    assert_eq!(scene.line.plan().connections, 2, "the same connection; the other is alice's");
}

#[tokio::test(start_paused = true)]
async fn a_half_open_connection_is_noticed_and_replaced() {
    let mut scene = Scene::new().await;
    scene.line.freeze();
    sleep(Duration::from_millis(1)).await;
    scene.write_bob("while it was frozen");
    wait(async || !scene.state().connected).await;
    assert_eq!(scene.state().cause.as_deref(), Some("no sign of life for 50 s"));
    scene.bob_hears("while it was frozen").await;
    assert!(scene.state().listening);
}

#[tokio::test(start_paused = true)]
async fn status_says_that_a_relay_answers_nothing() {
    let mut scene = Scene::new().await;
    scene.line.plan().reception = Reception::Mute;
    scene.line.cut();
    wait(async || scene.state().cause.as_deref() == Some("no connection in 10 s")).await;
    scene.line.plan().reception = Reception::Open;
    scene.write_bob("at last");
    scene.bob_hears("at last").await;

    // Connected, pings answered, and no answer to anything else.
    let rule = FaultRule { label: "REQ", kind: None, left: u32::MAX, fault: Fault::Drop };
    scene.line.plan().rules.push(rule);
    scene.line.close_subscriptions("error: for a start");
    wait(async || scene.state().cause.as_deref() == Some("no answer to our subscription")).await;
    let state = scene.state();
    assert_eq!(
        (state.connected, state.listening, state.state),
        (true, false, RelayState::NotListening)
    );
    assert!(now().since(state.since) < Duration::from_secs(60));
    wait(async || scene.state().cause.as_deref() == Some("it answers no subscription")).await;
    scene.line.plan().rules.clear();
    scene.write_bob("after all");
    scene.bob_hears("after all").await;
}

#[tokio::test(start_paused = true)]
async fn a_closed_subscription_is_opened_again_with_what_was_missed() {
    let mut scene = Scene::new().await;
    for text in ["error: restarting", "rate-limited: slow down", "auth-required: why not", ""] {
        scene.line.close_subscriptions(text);
        wait(async || !scene.state().listening).await;
        let cause = scene.state().cause.unwrap();
        assert_eq!(cause, format!("our subscription was closed: {text}"));
        scene.write_bob(text);
        scene.bob_hears(text).await;
        wait(async || scene.state().listening && scene.state().cause.is_none()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn authentication_is_given_at_connect_and_later_to_read_and_to_write() {
    for (reading, writing) in [(true, false), (false, true), (true, true)] {
        let mut scene = Scene::behind(|line| line.demand_auth(reading, writing)).await;
        scene.write_bob("behind a wall");
        scene.bob_hears("behind a wall").await;
        scene.bob.send(scene.alice.key, "over it");
        assert_eq!(scene.alice.message().await.1, "over it");
        // A new challenge on a connection that stands: what it allowed before is over.
        scene.line.demand_auth(true, true);
        scene.write_bob("another wall");
        scene.bob_hears("another wall").await;
        let id = scene.bob.send(scene.alice.key, "over that");
        assert_eq!(scene.alice.message().await.1, "over that");
        assert!(scene.bob.outcome(id).await.1.is_empty());
        wait(async || scene.state().listening).await;
    }
}

#[tokio::test(start_paused = true)]
async fn altered_foreign_expired_and_repeated_events_are_told_from_genuine_ones() {
    let mut scene = Scene::new().await;
    for fault in [Fault::Foreign, Fault::Expired, Fault::Replay, Fault::Twice] {
        scene.line.once("SERVE", Some(1059), fault);
        scene.write_bob("genuine");
        scene.bob_hears("genuine").await;
    }
    scene.line.say(&json!(["NOTICE", "\u{1b}[2Jrun this"]));
    scene.line.say(&json!(["CLOSED", "somebody else's", "error: ?"]));
    scene.line.say(&json!(["OK", "0".repeat(64), false, "invalid: ?"]));
    scene.line.say(&json!(["EVENT", scene.bob.relays.context().subscription_id]));
    // The altered copy came in the place of the genuine one, which comes when asked for again.
    scene.line.once("SERVE", Some(1059), Fault::Alter);
    scene.write_bob("altered");
    wait(async || scene.bob.relays.drops().contains_key(&DropReason::Unverified)).await;
    scene.line.close_subscriptions("error: caught");
    scene.bob_hears("altered").await;
    let (mut drops, mut of_line) = (scene.bob.relays.drops(), scene.state().drops);
    // A question that is answered may still get live events until it is closed.
    drops.remove(&DropReason::NotRequested);
    of_line.remove(&DropReason::NotRequested);
    assert_eq!(of_line, drops, "all others came from this relay");
    let repeated = drops.remove(&DropReason::AlreadySeen);
    assert!(repeated >= Some(2), "{repeated:?}: replayed and doubled");
    let expected = [
        // A message that names an event and has none.
        (DropReason::Unreadable, 1),
        (DropReason::Unverified, 1),
        (DropReason::NotAWrap, 1),
        (DropReason::Expired, 1),
    ];
    assert_eq!(drops, expected.into());
    while let Ok(heard) = scene.bob.events.try_recv() {
        assert!(!matches!(heard, RelayEvent::Message { .. }), "it came twice: {heard:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn refused_lost_and_slow_messages_are_reported_as_such() {
    let mut scene = Scene::new().await;
    let url = scene.line.url.clone();
    let (alice, bob) = (&mut scene.alice, scene.bob.key);
    // Known, so that the rules meet messages only.
    let id = alice.send(bob, "0");
    assert_eq!(alice.outcome(id).await, (vec![url.clone()], vec![]));
    let next_wrap = |fault| scene.line.once("EVENT", Some(1059), fault);
    next_wrap(Fault::Refuse("blocked: \u{1b}not here"));
    let id = alice.send(bob, "1");
    assert_eq!(alice.outcome(id).await, (vec![], vec![(url.clone(), "blocked: not here".into())]));
    next_wrap(Fault::Drop);
    let id = alice.send(bob, "2");
    assert_eq!(alice.outcome(id).await.1, [(url.clone(), "no answer in 10 s".to_owned())]);
    next_wrap(Fault::Delay(Duration::from_millis(1500)));
    let id = alice.send(bob, "3");
    assert_eq!(alice.outcome(id).await.0, std::slice::from_ref(&url));
    next_wrap(Fault::Cut);
    let id = alice.send(bob, "4");
    assert_eq!(alice.outcome(id).await.0, [url], "it went again on the next connection");
    let mut heard = Vec::new();
    while heard.last().is_none_or(|text| text != "4") {
        heard.push(scene.bob.message().await.1);
    }
    assert_eq!(heard, ["0", "3", "4"]);
}

#[tokio::test(start_paused = true)]
async fn a_relays_limits_are_read_and_respected() {
    let limits = json!({"limitation": {
        "max_message_length": 4000, "max_limit": 50, "created_at_lower_limit": 3600,
    }});
    let mut scene = Scene::behind(|line| line.plan().about = Some(limits)).await;
    let url = scene.line.url.clone();
    wait(async || scene.alice.state(&url).limits.max_message_length == Some(4000)).await;
    // This is bob's only relay, and will never take the message: that is reported.
    let id = scene.alice.send(scene.bob.key, &"x".repeat(5000));
    let (_, refused) = scene.alice.outcome(id).await;
    assert!(refused[0].1.starts_with("too large: "), "{refused:?}");
    let failed = scene.alice.until(|heard| matches!(heard, RelayEvent::Undeliverable { .. })).await;
    let RelayEvent::Undeliverable { rumor, to, cause } = failed else { unreachable!() };
    assert_eq!((rumor, to), (id, scene.bob.key));
    assert!(cause.starts_with(&format!("{url}: too large: ")) && cause.ends_with("takes 4000"));
    // Smaller messages go, and are dated no further back than the relay takes them.
    for n in 0..8 {
        scene.alice.send(scene.bob.key, &n.to_string());
        scene.bob_hears(&n.to_string()).await;
    }
    let wraps = scene.relay.stored(1059);
    assert_eq!(wraps.len(), 8);
    let oldest = wraps.iter().map(|wrap| wrap.created_at.as_secs()).min().unwrap();
    assert!(now().secs() - oldest <= 3600);
}

#[tokio::test(start_paused = true)]
async fn a_rate_limited_relay_is_written_to_slowly_and_status_says_so() {
    let mut scene = Scene::new().await;
    let url = scene.line.url.clone();
    scene.alice.send(scene.bob.key, "0");
    scene.bob_hears("0").await;
    scene.line.plan().rate_limited = true;
    scene.alice.send(scene.bob.key, "1");
    wait(async || scene.alice.state(&url).pace.is_some()).await;
    let state = scene.alice.state(&url);
    assert_eq!(state.refusal.as_deref(), Some("rate-limited: slow down"));
    assert!(state.refusing_since.is_some());
    // The sender repeats it by its own clock meanwhile: still one event.
    scene.alice.relays.send(scene.bob.key, scene.alice.rumor("1"), Priority::Text);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(scene.line.plan().refused, 1);
    while let Ok(heard) = scene.alice.events.try_recv() {
        let settled = matches!(&heard, RelayEvent::Report { accepted, .. } if accepted.is_empty());
        assert!(!settled, "it is neither taken nor given up: {heard:?}");
    }
    scene.line.plan().rate_limited = false;
    scene.bob_hears("1").await;
}

#[tokio::test(start_paused = true)]
async fn a_wrong_clock_is_noticed_and_events_are_dated_right() {
    // The relay's clock is an hour ahead of this machine: so this machine is an hour behind.
    let mut scene = Scene::behind(|line| line.plan().clock_ahead = Some(3600)).await;
    let ahead = scene.bob.relays.clock_ahead();
    assert!((3_590_000..=3_610_000).contains(&ahead), "{ahead}");
    // The presence of a wrong clock is as fresh as any, to agents with the right time.
    scene.bob.relays.announce(&presence("bob", &[])).await;
    wait(async || !scene.relay.stored(p2p_core::presence::KIND).is_empty()).await;
    let announced = scene.relay.stored(p2p_core::presence::KIND)[0].created_at.as_secs();
    let right = now().secs() + 3600;
    assert!(announced.abs_diff(right) < 30, "{announced} instead of {right}");
    scene.line.demand_auth(true, true);
    scene.write_bob("let in by a relay that looks at the time");
    scene.bob_hears("let in by a relay that looks at the time").await;
}

#[tokio::test(start_paused = true)]
async fn after_sleep_a_dead_connection_is_replaced_and_a_waiting_one_is_tried_at_once() {
    let mut scene = Scene::new().await;
    scene.line.freeze();
    wait(async || scene.line.plan().frozen == 2).await;
    wake(scene.bob.relays.pool());
    scene.bob.until(|heard| matches!(heard, RelayEvent::Woke)).await;
    wait(async || scene.state().cause.as_deref() == Some("gone since this machine slept")).await;
    wait(async || scene.state().listening).await;
    // A sound connection proves itself.
    wake(scene.bob.relays.pool());
    sleep(Duration::from_secs(10)).await;
    assert!(scene.state().cause.is_none());

    scene.line.plan().reception = Reception::Slammed;
    scene.line.cut();
    // After a minute the pauses are long.
    sleep(Duration::from_secs(60)).await;
    wait(async || scene.state().state == RelayState::WaitingToRetry).await;
    scene.line.plan().reception = Reception::Open;
    let woken = Instant::now();
    wake(scene.bob.relays.pool());
    wait(async || scene.state().listening).await;
    assert!(woken.elapsed() < Duration::from_secs(1), "{:?}", woken.elapsed());
}
