//! Connections that fail, come back, or meet relays of another kind.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use nostr::{JsonUtil, Keys};
use p2p_core::{InstanceId, PublicKey};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use tokio_tungstenite::tungstenite::Message;

use super::agent::{Agent, wait, wrapped};
use super::fake_relay::{FakeRelay, Reception};
use super::internet::{Internet, now};
use crate::{
    DropReason, RelayEvent, RelaySettings, RelaySpec, RelayState, Relays, RelaysError, Roles,
};

#[tokio::test(start_paused = true)]
async fn status_says_why_a_relay_is_not_connected() {
    let internet = Internet::default();
    let url = format!("ws://{}", internet.free_address());
    let alice = Agent::new(&internet, &[(&url, Roles::both())]);
    wait(async || alice.state(&url).cause.is_some()).await;
    let state = alice.state(&url);
    assert_eq!(state.cause.as_deref(), Some("connection refused"));
    assert!(!state.connected && !state.listening);
    assert_eq!(state.state, RelayState::WaitingToRetry);
    let next = state.next_attempt.expect("another attempt");
    assert!(next > now() && next.since(now()) <= Duration::from_secs(1), "{state:?}");
    assert_eq!(alice.relays.connected(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_use_of_the_daemon_hastens_the_next_attempt_to_connect() {
    let internet = Internet::default();
    let address = internet.free_address();
    let url = format!("ws://{address}");
    let alice = Agent::new(&internet, &[(&url, Roles::both())]);
    // After minutes the pauses are of half a minute and more.
    sleep(Duration::from_secs(300)).await;
    wait(async || {
        let next = alice.state(&url).next_attempt;
        next.is_some_and(|next| next.since(now()) > Duration::from_secs(20))
    })
    .await;
    FakeRelay::start_at(&internet, address);
    alice.relays.hasten();
    let hastened = Instant::now();
    wait(async || alice.state(&url).connected).await;
    assert!(hastened.elapsed() < Duration::from_secs(3), "{:?}", hastened.elapsed());
}

#[tokio::test(start_paused = true)]
async fn many_uses_of_the_daemon_make_few_attempts_to_connect() {
    let internet = Internet::default();
    let relay = FakeRelay::start(&internet);
    relay.plan().reception = Reception::Status(503);
    let alice = Agent::new(&internet, &[(&relay.url, Roles::both())]);
    sleep(Duration::from_secs(300)).await;
    let before = relay.plan().attempts;
    for _ in 0..200 {
        alice.relays.hasten();
        sleep(Duration::from_millis(100)).await;
    }
    let attempts = relay.plan().attempts - before;
    assert!((5..=15).contains(&attempts), "{attempts} attempts in 20 s");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_refuses_the_upgrade_is_shown_as_refused() {
    let internet = Internet::default();
    let relay = FakeRelay::start(&internet);
    relay.plan().reception = Reception::Status(403);
    let alice = Agent::new(&internet, &[(&relay.url, Roles::both())]);
    wait(async || alice.state(&relay.url).state == RelayState::Refused).await;
    assert_eq!(alice.state(&relay.url).cause.as_deref(), Some("HTTP 403 Forbidden"));
}

#[tokio::test(start_paused = true)]
async fn a_relay_that_comes_back_is_listened_to_again() {
    let internet = Internet::default();
    let relay = FakeRelay::start(&internet);
    let (mut alice, mut bob) = (Agent::at(&relay).await, Agent::at(&relay).await);
    alice.send(bob.key, "before");
    assert_eq!(bob.message().await.1, "before");
    relay.stop();
    wait(async || !alice.state(&relay.url).connected && !bob.state(&relay.url).connected).await;
    assert!(alice.state(&relay.url).cause.is_some());
    assert!(!alice.state(&relay.url).listening);
    // Given while the relay is away: the message waits for the connection.
    let id = alice.send(bob.key, "meanwhile");
    let again = FakeRelay::start_at(&internet, relay.address());
    assert_eq!(bob.message().await.1, "meanwhile");
    assert_eq!(alice.outcome(id).await.0, std::slice::from_ref(&again.url));
    let state = bob.state(&again.url);
    assert!(state.connected && state.listening && state.cause.is_none(), "{state:?}");
    // The new relay has nothing, so bob told it again where bob receives.
    let carol = Agent::at(&again).await;
    wait(async || carol.finds(bob.key).await == Some(vec![again.url.clone()])).await;
}

#[tokio::test(start_paused = true)]
async fn messages_that_came_while_we_were_down_are_there_after_a_restart() {
    let relay = FakeRelay::start(&Internet::default());
    let (mut alice, bob) = (Agent::at(&relay).await, Agent::at(&relay).await);
    let (keys, key) = (bob.keys.clone(), bob.key);
    bob.relays.shutdown().await;
    let id = alice.send(key, "when you are back");
    assert_eq!(alice.outcome(id).await.0.len(), 1);
    let platform = relay.internet.platform();
    let mut bob = Agent::with(platform, &keys, &[(&relay.url, Roles::both())]);
    assert_eq!(bob.message().await, (alice.key, "when you are back".into()));
}

/// Starts a relay that answers each message with the texts that `answers` returns for its number.
fn scripted(
    internet: &Internet,
    answers: impl Fn(u32, &Value) -> Vec<String> + Send + Sync + 'static,
) -> String {
    let address = internet.free_address();
    let (answers, count) = (Arc::new(answers), Arc::new(AtomicU32::new(0)));
    internet.listen(address, move |stream| {
        let (answers, count) = (Arc::clone(&answers), Arc::clone(&count));
        tokio::spawn(async move {
            let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else { return };
            while let Some(Ok(message)) = socket.next().await {
                let Message::Text(text) = message else { continue };
                let value = serde_json::from_str(&text).unwrap();
                let number = count.fetch_add(1, Ordering::SeqCst);
                for answer in answers(number, &value) {
                    let _ = socket.send(Message::text(answer)).await;
                }
            }
        });
    });
    format!("ws://{address}")
}

#[tokio::test(start_paused = true)]
async fn a_subscription_that_the_relay_closes_is_opened_again() {
    let internet = Internet::default();
    let url = scripted(&internet, |number, message| {
        let id = &message[1];
        if message[0] != "REQ" {
            return vec![];
        }
        if number == 0 {
            return vec![format!("[\"CLOSED\",{id},\"error: \\u001bshutting down idle\"]")];
        }
        vec![format!("[\"EOSE\",{id}]")]
    });
    let mut alice = Agent::new(&internet, &[(&url, Roles::both())]);
    wait(async || alice.state(&url).cause.is_some()).await;
    let state = alice.state(&url);
    assert!(state.connected && !state.listening);
    let cause = "our subscription was closed: error: shutting down idle";
    assert_eq!(state.cause.as_deref(), Some(cause));
    alice.until(|heard| matches!(heard, RelayEvent::Connected { .. })).await;
    assert!(alice.state(&url).listening && alice.state(&url).cause.is_none());
}

#[tokio::test(start_paused = true)]
async fn malformed_messages_are_survived_and_altered_copies_hide_nothing() {
    let (alice, bob) = (Keys::generate(), Keys::generate());
    let to = PublicKey(bob.public_key().to_bytes());
    let genuine = wrapped(&alice, to, "genuine");
    let mut altered = genuine.clone();
    altered.content.push('A');
    let internet = Internet::default();
    let url = scripted(&internet, move |_, message| {
        let id = &message[1];
        if message[0] != "REQ" {
            return vec![];
        }
        vec![
            "not json".into(),
            "{}".into(),
            "[]".into(),
            "[\"EVENT\"]".into(),
            format!("[\"EVENT\",{id},{{}}]"),
            format!("[\"EVENT\",{id},\"{}\"]", "x".repeat(200_000)),
            format!("[\"EVENT\",{id},{}]", altered.as_json()),
            format!("[\"EVENT\",\"another\",{}]", genuine.as_json()),
            "[\"OK\",\"zz\",true,\"\"]".into(),
            format!("[\"EVENT\",{id},{}]", genuine.as_json()),
            format!("[\"EOSE\",{id}]"),
        ]
    });
    let mut bob = Agent::with(internet.platform(), &bob, &[(&url, Roles::both())]);
    assert_eq!(bob.message().await.1, "genuine");
    let drops = bob.relays.drops();
    // The oversized event comes with the answer to each of our requests.
    assert_eq!(drops[&DropReason::Unverified], 1);
    assert!(drops[&DropReason::Oversized] >= 1);
}

#[test]
fn an_invalid_key_or_relay_address_is_an_error() {
    let start = |secret, url: &str| {
        let relays = vec![RelaySpec { url: url.into(), roles: Roles::both() }];
        let settings = RelaySettings {
            secret,
            relays,
            instance: InstanceId([0; 8]),
            caught_up: BTreeMap::new(),
        };
        Relays::start(settings, mpsc::channel(1).0).map(|_| ())
    };
    assert!(matches!(start([0; 32], "wss://a"), Err(RelaysError::BadKey)));
    assert!(matches!(start([1; 32], "http://a"), Err(RelaysError::BadUrl { .. })));
}
