//! Messages that relays stored while nobody listened.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use nostr::Keys;
use p2p_core::{PublicKey, Rumor, Time};
use tokio::time::Instant;

use super::agent::{Agent, DEADLINE};
use super::fake_relay::FakeRelay;
use super::internet::{Internet, now};
use crate::inbox::subscription::stored_since;
use crate::{RelayEvent, Roles, nip59};

/// Stores wraps of `count` messages at a relay, the last written first.
fn store(relay: &FakeRelay, from: &Keys, to: PublicKey, count: u64) {
    for n in (0..count).rev() {
        let rumor = Rumor {
            pubkey: PublicKey(from.public_key().to_bytes()),
            created_at: 1_700_000_000 + n,
            kind: 14,
            tags: vec![vec!["v".into(), "1".into()]],
            content: n.to_string(),
        };
        relay.put(nip59::wrap(&rumor, from, to, now(), nip59::BACKDATING).unwrap());
    }
}

impl Agent {
    /// Waits until a relay told everything that it stored, and returns the texts and that report.
    async fn stored(&mut self) -> (Vec<String>, Time, u64) {
        let mut texts = Vec::new();
        loop {
            match self.until(|heard| !matches!(heard, RelayEvent::Connected { .. })).await {
                RelayEvent::Message { message, .. } => texts.push(message.rumor().content.clone()),
                RelayEvent::CaughtUp { at, epoch, .. } => return (texts, at, epoch),
                _ => {}
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn stored_messages_of_several_pages_come_once_and_in_the_order_of_writing() {
    // The relay gives eighty at a time, whatever is asked for.
    let relay = FakeRelay::start(&Internet::default());
    relay.plan().page = Some(80);
    let (alice, bob) = (Keys::generate(), Keys::generate());
    let to = PublicKey(bob.public_key().to_bytes());
    store(&relay, &alice, to, 250);
    let platform = relay.internet.platform();
    let mut agent = Agent::with(platform, &bob, &[(&relay.url, Roles::both())]);
    let (mut texts, at, epoch) = agent.stored().await;
    // The message that came with the live subscription stands before the others.
    let first = texts.remove(0);
    let ascending: Vec<String> =
        (0..250).map(|n: u64| n.to_string()).filter(|n| *n != first).collect();
    assert_eq!(texts, ascending);
    assert!(now().since(at) < DEADLINE);

    // Durable messages are not asked for again, but for those that may be dated back.
    let kept = agent.relays.caught_up(&relay.url, at, epoch).unwrap();
    assert_eq!(kept, BTreeMap::from([(relay.url.clone(), at)]));
    let later = Time(at.0 + 4 * 24 * 3600 * 1000);
    assert_eq!(stored_since(to, later).since.unwrap().as_secs(), at.secs() + 2 * 24 * 3600 - 3600);

    // Messages that could not be kept come again, and an earlier report no longer counts.
    agent.relays.hear_again();
    let (texts, at, again) = agent.stored().await;
    assert_eq!(texts.into_iter().collect::<BTreeSet<_>>().len(), 250);
    assert!(agent.relays.caught_up(&relay.url, at, epoch).is_none());
    assert!(agent.relays.caught_up(&relay.url, at, again).is_some());
}

#[tokio::test(start_paused = true)]
async fn an_empty_inbox_is_caught_up_with_at_once() {
    let internet = Internet::default();
    let relay = FakeRelay::start(&internet);
    let mut agent = Agent::new(&internet, &[(&relay.url, Roles::both())]);
    let asked = Instant::now();
    assert!(agent.stored().await.0.is_empty());
    assert!(asked.elapsed() < Duration::from_secs(5));
}
