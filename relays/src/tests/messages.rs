//! Messages between agents at relays that do as they should.

use std::time::Duration;

use nostr::Keys;
use p2p_core::PublicKey;
use tokio::time::{Instant, sleep};

use super::agent::{Agent, DEADLINE, wait};
use super::fake_relay::FakeRelay;
use super::internet::Internet;
use crate::transport::session::IDLE;
use crate::{Profile, RelayEvent, RelayState, Roles};

#[tokio::test(start_paused = true)]
async fn messages_pass_both_ways_in_order() {
    let relay = FakeRelay::start(&Internet::default());
    let (mut alice, mut bob) = (Agent::at(&relay).await, Agent::at(&relay).await);
    // All of them wait for one lookup of bob's relays.
    let ids: Vec<_> = (0..20).map(|n| alice.send(bob.key, &format!("to bob {n}"))).collect();
    for n in 0..20 {
        assert_eq!(bob.message().await, (alice.key, format!("to bob {n}")));
    }
    for id in ids {
        assert_eq!(alice.outcome(id).await, (vec![relay.url.clone()], vec![]));
    }
    bob.send(alice.key, "to alice");
    assert_eq!(alice.message().await, (bob.key, "to alice".into()));
    let state = alice.state(&relay.url);
    assert!(state.connected && state.listening && state.cause.is_none(), "{state:?}");
    assert_eq!((state.state, alice.relays.connected()), (RelayState::Connected, 1));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_cannot_be_found_has_no_route() {
    let relay = FakeRelay::start(&Internet::default());
    let mut alice = Agent::at(&relay).await;
    let stranger = PublicKey(Keys::generate().public_key().to_bytes());
    let id = alice.send(stranger, "hello?");
    let heard = alice.until(|heard| matches!(heard, RelayEvent::NoRoute { .. })).await;
    assert!(matches!(heard, RelayEvent::NoRoute { rumor, to } if rumor == id && to == stranger));
}

#[tokio::test(start_paused = true)]
async fn a_peer_whose_relays_may_not_be_used_has_no_route() {
    let internet = Internet::default();
    let (relay, other) = (FakeRelay::start(&internet), FakeRelay::start(&internet));
    let mut alice = Agent::at(&relay).await;
    // Bob receives at a loopback relay that is not one of alice's, and says so at hers.
    let inbox = Roles { presence: false, inbox: true, index: false };
    let index = Roles { presence: false, inbox: false, index: true };
    let bob = Agent::new(&internet, &[(&other.url, inbox), (&relay.url, index)]);
    bob.relays.publish_profile(&Profile::default()).await;
    bob.publish().await;
    let id = alice.send(bob.key, "hello?");
    let heard = alice.until(|heard| matches!(heard, RelayEvent::NoRoute { .. })).await;
    assert!(matches!(heard, RelayEvent::NoRoute { rumor, .. } if rumor == id));
}

#[tokio::test(start_paused = true)]
async fn a_message_is_refused_while_no_relay_is_connected() {
    let internet = Internet::default();
    let url = format!("ws://{}", internet.free_address());
    let mut alice = Agent::new(&internet, &[(&url, Roles::both())]);
    let peer = PublicKey(Keys::generate().public_key().to_bytes());
    let id = alice.send(peer, "hello?");
    let (accepted, refused) = alice.outcome(id).await;
    assert!(accepted.is_empty());
    assert_eq!(refused, [("*".to_owned(), "no relay is connected".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn a_report_names_the_relays_that_took_the_message() {
    let internet = Internet::default();
    let (relay, doomed) = (FakeRelay::start(&internet), FakeRelay::start(&internet));
    let gone = doomed.url.clone();
    let roles = [(relay.url.as_str(), Roles::both()), (gone.as_str(), Roles::both())];
    let (mut alice, mut bob) = (Agent::new(&internet, &roles), Agent::new(&internet, &roles));
    alice.settle().await;
    bob.settle().await;
    doomed.stop();
    wait(async || !alice.state(&gone).connected).await;
    let id = alice.send(bob.key, "one of two");
    let first =
        alice.until(|h| matches!(h, RelayEvent::Report { rumor, .. } if *rumor == id)).await;
    let RelayEvent::Report { accepted, refused, waiting: 1, .. } = first else {
        panic!("{first:?}")
    };
    assert_eq!((accepted, refused), (vec![relay.url.clone()], vec![]));
    assert_eq!(bob.message().await.1, "one of two");
    let (accepted, refused) = alice.outcome(id).await;
    assert_eq!(accepted, [relay.url]);
    assert_eq!(refused, [(gone, "not connected: connection refused".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_too_large_for_relays_is_refused_at_once() {
    let relay = FakeRelay::start(&Internet::default());
    let (mut alice, bob) = (Agent::at(&relay).await, Agent::at(&relay).await);
    let id = alice.send(bob.key, &"x".repeat(40_000));
    let (_, refused) = alice.outcome(id).await;
    let cause = "too large: 76975 bytes, and it takes 65536".to_owned();
    assert_eq!(refused, [(relay.url, cause)]);
    let failed = alice.until(|heard| matches!(heard, RelayEvent::Undeliverable { .. })).await;
    assert!(matches!(failed, RelayEvent::Undeliverable { rumor, .. } if rumor == id));
}

#[tokio::test(start_paused = true)]
async fn a_wrap_that_two_relays_have_is_reported_once() {
    let internet = Internet::default();
    let (one, two) = (FakeRelay::start(&internet), FakeRelay::start(&internet));
    let roles = [(one.url.as_str(), Roles::both()), (two.url.as_str(), Roles::both())];
    let (mut alice, mut bob) = (Agent::new(&internet, &roles), Agent::new(&internet, &roles));
    alice.settle().await;
    bob.settle().await;
    wait(async || bob.relays.status().iter().all(|state| state.listening)).await;
    let id = alice.send(bob.key, "once");
    assert_eq!(alice.outcome(id).await.0.len(), 2);
    assert_eq!(bob.message().await.1, "once");
    alice.send(bob.key, "then this");
    assert_eq!(bob.message().await.1, "then this");
}

#[tokio::test(start_paused = true)]
async fn shutting_down_sends_what_waits() {
    let relay = FakeRelay::start(&Internet::default());
    let (alice, mut bob) = (Agent::at(&relay).await, Agent::at(&relay).await);
    // Known, so that nothing waits for a lookup.
    alice.send(bob.key, "0");
    assert_eq!(bob.message().await.1, "0");
    for n in 1..=5 {
        alice.send(bob.key, &n.to_string());
    }
    alice.relays.shutdown().await;
    for n in 1..=5 {
        assert_eq!(bob.message().await.1, n.to_string());
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_engine_delays_neither_sending_nor_status() {
    let relay = FakeRelay::start(&Internet::default());
    let (mut alice, mut bob) = (Agent::at(&relay).await, Agent::at(&relay).await);
    // More than bob's channel of 16 holds, and bob takes none of it.
    let mut last = None;
    for n in 0..60 {
        last = Some(alice.send(bob.key, &n.to_string()));
    }
    alice.outcome(last.unwrap()).await;
    bob.send(alice.key, "I am busy");
    assert_eq!(alice.message().await.1, "I am busy");
    bob.relays.probe(DEADLINE).await;
    assert!(bob.state(&relay.url).rtt_ms.is_some());
    for n in 0..60 {
        assert_eq!(bob.message().await.1, n.to_string());
    }
}

#[tokio::test(start_paused = true)]
async fn a_peers_relay_is_connected_to_and_left_when_idle() {
    let internet = Internet::default();
    let relay = FakeRelay::start(&internet);
    let theirs = FakeRelay::start_at(&internet, ([9, 9, 9, 9], 443).into());
    let mut alice = Agent::at(&relay).await;
    let index = Roles { presence: false, inbox: false, index: true };
    let mut bob = Agent::new(&internet, &[(&theirs.url, Roles::both()), (&relay.url, index)]);
    bob.settle().await;
    let id = alice.send(bob.key, "to your relay");
    assert_eq!(alice.outcome(id).await, (vec![theirs.url.clone()], vec![]));
    assert_eq!(bob.message().await.1, "to your relay");
    assert_eq!(alice.state(&theirs.url).roles.names(), ["peer"]);
    sleep(IDLE - Duration::from_secs(5)).await;
    assert!(alice.state(&theirs.url).connected);
    sleep(Duration::from_secs(10)).await;
    assert!(alice.relays.status().iter().all(|state| state.url != theirs.url));
    assert_eq!(alice.relays.connected(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_peers_relay_whose_name_turns_private_is_not_connected_to() {
    let internet = Internet::default();
    let relay = FakeRelay::start(&internet);
    let mut alice = Agent::at(&relay).await;
    let bob = Keys::generate();
    // Public when it is looked up, loopback when the connection is made.
    internet.name("relay.example", &[[9, 9, 9, 9].into(), [127, 0, 0, 1].into()]);
    let list = nostr::EventBuilder::new(nostr::Kind::from(10050), "")
        .tag(nostr::Tag::parse(["relay", "wss://relay.example"]).unwrap());
    relay.put(list.sign_with_keys(&bob).unwrap());
    let asked = Instant::now();
    let id = alice.send(PublicKey(bob.public_key().to_bytes()), "hello");
    let (_, refused) = alice.outcome(id).await;
    assert!(asked.elapsed() < Duration::from_secs(2), "there is nothing to wait for");
    let cause = "not connected: its address is not a public one".to_owned();
    assert_eq!(refused, [("wss://relay.example".to_owned(), cause)]);
    wait(async || alice.relays.status().len() == 1).await;
}
