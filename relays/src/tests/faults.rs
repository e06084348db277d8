//! Relays that fail in every way that they do, made so by the proxy.
//!
//! Broken once, each with its test red: no audit; no limit on silence; nothing forgotten when it is
//! to be heard again; no proof of life after sleep; no end of a pause then; no limit of a message's
//! size or of its age; no correction of the clock; attempts at one message that do not go as one.

use p2p_tests::proxy::{Door, Fault, Proxy, Rule};
use serde_json::json;

use super::*;

/// Alice on a sound line to a relay, Bob behind a proxy that may spoil his.
struct Scene {
    alice: Agent,
    bob: Agent,
    proxy: Proxy,
    _relay: Embedded,
}

impl Scene {
    async fn new() -> Self {
        Self::behind(|_| ()).await
    }

    async fn behind(spoil: impl FnOnce(&Proxy)) -> Self {
        let relay = embedded::start(0).await.unwrap();
        let proxy = Proxy::before(relay.url());
        spoil(&proxy);
        // Each knows both addresses, or neither could write to the other: they are on loopback.
        let index = Roles { presence: false, inbox: false, index: true };
        let mut alice = Agent::new(&[(relay.url(), Roles::both()), (proxy.url(), index)]);
        let mut bob = Agent::new(&[(proxy.url(), Roles::both()), (relay.url(), index)]);
        alice.settle().await;
        bob.settle().await;
        Self { alice, bob, proxy, _relay: relay }
    }

    /// Says something to Bob past whatever is wrong with his line: by a wrap at the relay itself.
    async fn write_bob(&self, text: &str) {
        let rumor = self.alice.rumor(text);
        let hub = &self.alice.relays.0.hub;
        let event =
            wrap::wrap(&rumor, &hub.keys, self.bob.key, status::now(), wrap::BACKDATING).unwrap();
        let event = serde_json::to_value(&event).unwrap();
        let url = self._relay.url().to_owned();
        let publish = move || p2p_tests::Wire::open(&url).publish(&event);
        let taken = tokio::task::spawn_blocking(publish).await.unwrap();
        assert!(taken.0, "{taken:?}");
    }

    async fn bob_hears(&mut self, text: &str) {
        assert_eq!(self.bob.message().await.1, text);
    }

    fn state(&self) -> RelayState {
        self.bob.state(self.proxy.url())
    }
}

#[tokio::test]
async fn a_subscription_that_the_relay_forgot_is_noticed_and_what_it_hid_comes() {
    let mut scene = Scene::new().await;
    scene.proxy.forget_all();
    scene.write_bob("while it was forgotten").await;
    scene.bob_hears("while it was forgotten").await;
    scene.write_bob("now").await;
    scene.bob_hears("now").await;
    assert_eq!(scene.proxy.tally().connections, 2, "on the same connection; the other is alice's");
}

#[tokio::test]
async fn a_half_open_connection_is_noticed_and_replaced() {
    let mut scene = Scene::new().await;
    scene.proxy.freeze();
    scene.write_bob("into the void").await;
    wait(async || !scene.state().connected).await;
    assert_eq!(scene.state().cause.as_deref(), Some("no sign of life for 7 s"));
    scene.bob_hears("into the void").await;
    assert!(scene.state().listening);
}

#[tokio::test]
async fn a_relay_that_answers_nothing_says_so_in_its_status() {
    let mut scene = Scene::new().await;
    scene.proxy.door(Door::Mute);
    scene.proxy.cut();
    wait(async || scene.state().cause.as_deref() == Some("no connection in 3 s")).await;
    scene.proxy.door(Door::Open);
    scene.write_bob("at last").await;
    scene.bob_hears("at last").await;

    // Connected, pings answered, and no answer to anything else.
    scene.proxy.rule(Rule::up("REQ", Fault::Drop));
    scene.proxy.close_all("error: for a start");
    wait(async || scene.state().cause.as_deref() == Some("no answer to our subscription")).await;
    let state = scene.state();
    assert_eq!((state.connected, state.listening, state.state), (true, false, "not listening"));
    assert!(status::now().since(state.since) < DEADLINE);
    wait(async || scene.state().cause.as_deref() == Some("it answers no subscription")).await;
    scene.proxy.calm();
    scene.write_bob("after all").await;
    scene.bob_hears("after all").await;
}

#[tokio::test]
async fn closed_for_whatever_reason_comes_back_with_what_was_missed() {
    let mut scene = Scene::new().await;
    for words in ["error: restarting", "rate-limited: slow down", "auth-required: why not", ""] {
        scene.proxy.close_all(words);
        wait(async || !scene.state().listening).await;
        let cause = scene.state().cause.unwrap();
        assert_eq!(cause, format!("our subscription was closed: {words}"));
        scene.write_bob(words).await;
        scene.bob_hears(words).await;
        wait(async || scene.state().listening && scene.state().cause.is_none()).await;
    }
}

#[tokio::test]
async fn authentication_is_given_at_connect_and_in_the_middle_to_read_and_to_write() {
    for (reading, writing) in [(true, false), (false, true), (true, true)] {
        let mut scene = Scene::behind(|proxy| proxy.demand_auth(reading, writing)).await;
        scene.write_bob("behind a wall").await;
        scene.bob_hears("behind a wall").await;
        scene.bob.send(scene.alice.key, "over it");
        assert_eq!(scene.alice.message().await.1, "over it");
        // A new challenge on a connection that stands, and what it let pass is over.
        scene.proxy.demand_auth(true, true);
        scene.write_bob("another wall").await;
        scene.bob_hears("another wall").await;
        let id = scene.bob.send(scene.alice.key, "over that");
        assert_eq!(scene.alice.message().await.1, "over that");
        assert!(scene.bob.outcome(id).await.1.is_empty());
        wait(async || scene.state().listening).await;
    }
}

#[tokio::test]
async fn tampered_foreign_expired_and_repeated_events_are_told_from_genuine_ones() {
    let mut scene = Scene::new().await;
    for fault in [Fault::Foreign, Fault::Expired, Fault::Replay, Fault::Twice] {
        scene.proxy.rule(Rule::down("EVENT", fault).containing("\"kind\":1059").times(1));
        scene.write_bob("genuine").await;
        scene.bob_hears("genuine").await;
    }
    scene.proxy.say(&json!(["NOTICE", "\u{1b}[2Jrun this"]));
    scene.proxy.say(&json!(["CLOSED", "somebody else's", "error: ?"]));
    scene.proxy.say(&json!(["OK", "0".repeat(64), false, "invalid: ?"]));
    scene.proxy.say(&json!(["EVENT", scene.bob.relays.0.hub.inbox_id]));
    // The altered copy came in its place: the genuine one is there when it is asked for again.
    scene.proxy.rule(Rule::down("EVENT", Fault::Alter).containing("\"kind\":1059").times(1));
    scene.write_bob("altered").await;
    wait(async || scene.bob.relays.refused().contains_key("unverified")).await;
    scene.proxy.close_all("error: caught");
    scene.bob_hears("altered").await;
    let refused = scene.bob.relays.refused();
    let expect = [("expired", 1), ("not_a_wrap", 1), ("unverified", 1)];
    assert_eq!(refused, expect.into(), "{:?}", scene.proxy.tally());
    while let Ok(heard) = scene.bob.hearing.try_recv() {
        assert!(!matches!(heard, Heard::Message { .. }), "it came twice: {heard:?}");
    }
}

#[tokio::test]
async fn what_a_relay_refuses_loses_or_is_slow_with_is_reported_as_it_is() {
    let mut scene = Scene::new().await;
    let url = scene.proxy.url().to_owned();
    let (alice, bob) = (&mut scene.alice, scene.bob.key);
    // Known, so that the rules meet messages only.
    let id = alice.send(bob, "0");
    assert_eq!(alice.outcome(id).await, (vec![url.clone()], vec![]));
    let wraps = |fault| Rule::up("EVENT", fault).containing("\"kind\":1059").times(1);
    scene.proxy.rule(wraps(Fault::Refuse("blocked: \u{1b}not here".into())));
    let id = alice.send(bob, "1");
    assert_eq!(alice.outcome(id).await, (vec![], vec![(url.clone(), "blocked: not here".into())]));
    scene.proxy.rule(wraps(Fault::Drop));
    let id = alice.send(bob, "2");
    assert_eq!(alice.outcome(id).await.1, [(url.clone(), "no answer in 10 s".to_owned())]);
    scene.proxy.rule(wraps(Fault::Delay(Duration::from_millis(1500))));
    let id = alice.send(bob, "3");
    assert_eq!(alice.outcome(id).await.0, std::slice::from_ref(&url));
    scene.proxy.rule(wraps(Fault::Cut));
    let id = alice.send(bob, "4");
    assert_eq!(alice.outcome(id).await.0, [url], "it went again on the next connection");
    let mut heard = Vec::new();
    while heard.last().is_none_or(|text| text != "4") {
        heard.push(scene.bob.message().await.1);
    }
    assert_eq!(heard, ["0", "3", "4"]);
}

#[tokio::test]
async fn a_relays_limits_are_read_and_kept_to() {
    let limits = json!({"limitation": {
        "max_message_length": 4000, "max_limit": 50, "created_at_lower_limit": 3600,
    }});
    let mut scene = Scene::behind(|proxy| proxy.about(limits)).await;
    let url = scene.proxy.url().to_owned();
    wait(async || scene.alice.state(&url).limits.max_message_length == Some(4000)).await;
    // It is Bob's one relay, and will never take this: that is said, and not tried again.
    let id = scene.alice.send(scene.bob.key, &"x".repeat(5000));
    let (_, refused) = scene.alice.outcome(id).await;
    assert!(refused[0].1.starts_with("too large: "), "{refused:?}");
    let unfit = scene.alice.until(|heard| matches!(heard, Heard::Unfit { .. })).await;
    let Heard::Unfit { rumor, cause } = unfit else { unreachable!() };
    assert_eq!(rumor, id);
    assert!(cause.starts_with(&format!("{url}: too large: ")) && cause.ends_with("takes 4000"));
    // What fits goes, and is dated no further back than the relay takes it.
    for n in 0..8 {
        scene.alice.send(scene.bob.key, &n.to_string());
        scene.bob_hears(&n.to_string()).await;
    }
    let relay = scene._relay.url().to_owned();
    let wraps = tokio::task::spawn_blocking(move || {
        p2p_tests::Wire::open(&relay).ask(&json!({"kinds": [1059]}))
    });
    let wraps = wraps.await.unwrap();
    assert_eq!(wraps.len(), 8);
    let oldest = wraps.iter().filter_map(|wrap| wrap["created_at"].as_u64()).min().unwrap();
    assert!(status::now().secs() - oldest <= 3600);
}

#[tokio::test]
async fn a_limited_relay_is_written_to_at_its_pace_and_status_tells() {
    let mut scene = Scene::new().await;
    let url = scene.proxy.url().to_owned();
    scene.alice.send(scene.bob.key, "0");
    scene.bob_hears("0").await;
    scene.proxy.limit_writes(0, Duration::from_secs(3));
    scene.alice.send(scene.bob.key, "1");
    wait(async || scene.alice.state(&url).pace.is_some()).await;
    let state = scene.alice.state(&url);
    assert_eq!(state.refusal.as_deref(), Some("rate-limited: slow down"));
    assert!(state.refusing_since.is_some());
    // The sender's own clock repeats it meanwhile: still one event.
    scene.alice.relays.send(scene.bob.key, scene.alice.rumor("1"), Priority::Text);
    assert_eq!(scene.proxy.tally().of("refused"), 1);
    while let Ok(heard) = scene.alice.hearing.try_recv() {
        let settled = matches!(&heard, Heard::Report { accepted, .. } if accepted.is_empty());
        assert!(!settled, "it is neither taken nor given up: {heard:?}");
    }
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_noticed_and_what_leaves_is_dated_right() {
    // The relay's clock is an hour ahead of this machine: so this machine is an hour behind.
    let mut scene = Scene::behind(|proxy| proxy.clock_ahead(3600)).await;
    let ahead = scene.bob.relays.clock_ahead();
    assert!((3_590_000..=3_610_000).contains(&ahead), "{ahead}");
    // The presence of a wrong clock is as fresh as any, to those whose clock is right.
    scene.bob.relays.announce(&present("bob", &[])).await;
    let relay = scene._relay.url().to_owned();
    let filter = json!({"kinds": [presence::KIND]});
    let mut announced = 0;
    while announced == 0 {
        let (relay, filter) = (relay.clone(), filter.clone());
        let ask = move || p2p_tests::Wire::open(&relay).ask(&filter);
        let found = tokio::task::spawn_blocking(ask).await.unwrap();
        announced = found.first().and_then(|event| event["created_at"].as_u64()).unwrap_or(0);
    }
    let right = status::now().secs() + 3600;
    assert!(announced.abs_diff(right) < 30, "{announced} instead of {right}");
    scene.proxy.demand_auth(true, true);
    scene.write_bob("let in by a relay that looks at the time").await;
    scene.bob_hears("let in by a relay that looks at the time").await;
}

#[tokio::test]
async fn after_sleep_a_dead_connection_is_found_out_and_one_that_waits_is_tried() {
    let mut scene = Scene::new().await;
    let url = scene.proxy.url().to_owned();
    scene.proxy.freeze();
    wait(async || scene.proxy.tally().of("frozen") == 2).await;
    scene.bob.relays.0.hub.wake();
    scene.bob.until(|heard| matches!(heard, Heard::Woke)).await;
    wait(async || scene.state().cause.as_deref() == Some("gone since this machine slept")).await;
    wait(async || scene.state().listening).await;
    // A sound one proves itself.
    scene.bob.relays.0.hub.wake();
    sleep(Duration::from_secs(3)).await;
    assert!(scene.state().cause.is_none());

    scene.proxy.door(Door::Slammed);
    scene.proxy.cut();
    // By the fourth attempt the pauses are of seconds.
    let slammed = Instant::now();
    wait(async || slammed.elapsed() > Duration::from_secs(5)).await;
    wait(async || scene.bob.state(&url).state == "waiting to retry").await;
    scene.proxy.door(Door::Open);
    let woken = Instant::now();
    scene.bob.relays.0.hub.wake();
    wait(async || scene.state().listening).await;
    assert!(woken.elapsed() < Duration::from_secs(2), "{:?}", woken.elapsed());
}
