//! What relays kept while nobody listened.

use std::collections::BTreeSet;

use super::*;

/// Puts wraps of so many rumors by `from` for `to` at a relay, the last written first.
async fn put(relay: &Embedded, from: &Keys, to: PublicKey, count: u64) {
    let (url, from) = (relay.url().to_owned(), from.clone());
    let publish = move || {
        let mut wire = p2p_tests::Wire::open(&url);
        for n in (0..count).rev() {
            let rumor = Rumor {
                pubkey: PublicKey(from.public_key().to_bytes()),
                created_at: 1_700_000_000 + n,
                kind: 14,
                tags: vec![vec!["v".into(), "1".into()]],
                content: n.to_string(),
            };
            let event = wrap::wrap(&rumor, &from, to, status::now(), wrap::BACKDATING).unwrap();
            assert!(wire.publish(&serde_json::to_value(&event).unwrap()).0);
        }
    };
    tokio::task::spawn_blocking(publish).await.unwrap();
}

impl Agent {
    /// What comes before the note that this was all, which is given back.
    async fn kept(&mut self) -> (Vec<String>, Time, u64) {
        let mut texts = Vec::new();
        loop {
            match self.until(|heard| !matches!(heard, Heard::Connected { .. })).await {
                Heard::Message { message, .. } => texts.push(message.rumor().content.clone()),
                Heard::CaughtUp { at, epoch, .. } => return (texts, at, epoch),
                _ => {}
            }
        }
    }
}

#[tokio::test]
async fn fifteen_hundred_that_wait_all_come_once_and_as_they_were_written() {
    // Five hundred at a time, whatever is asked for.
    let relay = start_with(0, generous().max_filter_limit(500)).await.unwrap();
    let (alice, bob) = (Keys::generate(), Keys::generate());
    let to = PublicKey(bob.public_key().to_bytes());
    put(&relay, &alice, to, 1500).await;
    let mut agent = Agent::with(&bob, &[(relay.url(), Roles::both())]);
    let (mut texts, at, epoch) = agent.kept().await;
    // The one that came with the live subscription stands before.
    let first = texts.remove(0);
    let ascending: Vec<String> =
        (0..1500).map(|n: u64| n.to_string()).filter(|n| *n != first).collect();
    assert_eq!(texts, ascending);
    assert!(status::now().since(at) < DEADLINE);

    // What is durable is not asked for again, but for what may be dated back.
    let kept = agent.relays.caught_up(relay.url(), at, epoch).unwrap();
    assert_eq!(kept, BTreeMap::from([(relay.url().to_owned(), at)]));
    let later = Time(at.0 + 4 * 24 * 3600 * 1000);
    assert_eq!(
        inbox::kept_since(to, later).since.unwrap().as_secs(),
        at.secs() + 2 * 24 * 3600 - 3600
    );

    // What could not be kept is told again, and an earlier note says nothing any more.
    agent.relays.hear_again();
    let (texts, at, again) = agent.kept().await;
    assert_eq!(texts.into_iter().collect::<BTreeSet<_>>().len(), 1500);
    assert!(agent.relays.caught_up(relay.url(), at, epoch).is_none());
    assert!(agent.relays.caught_up(relay.url(), at, again).is_some());
}

#[tokio::test]
async fn an_inbox_with_nothing_in_it_is_caught_up_with_at_once() {
    let relay = embedded::start(0).await.unwrap();
    let mut agent = Agent::new(&[(relay.url(), Roles::both())]);
    let asked = Instant::now();
    assert!(agent.kept().await.0.is_empty());
    assert!(asked.elapsed() < Duration::from_secs(5));
}
