//! Announcements, and who is found by them.

use std::time::Duration;

use p2p_core::Time;
use p2p_core::presence::LIFETIME;

use super::agent::{Agent, DEADLINE, presence, wait};
use super::fake_relay::FakeRelay;
use super::internet::{Internet, now};
use crate::{Roles, profile};

#[tokio::test(start_paused = true)]
async fn agents_are_found_by_capability_until_they_clear_their_presence() {
    let relay = FakeRelay::start(&Internet::default());
    let (alice, bob) = (Agent::at(&relay).await, Agent::at(&relay).await);
    let watcher = Agent::at(&relay).await;
    let find = async |capability: Option<&str>| {
        let found = watcher.relays.find_agents(capability, 50, DEADLINE).await;
        assert_eq!(found.answers, [(relay.url.clone(), Ok(()))]);
        let mut names: Vec<_> = found.sightings.into_iter().map(|s| s.presence.name).collect();
        names.sort();
        names
    };
    watcher.relays.announce(&presence("watcher", &["docs"])).await;
    alice.relays.announce(&presence("alice", &["docs", "rust"])).await;
    // Three announcements in one second: the last one counts.
    for name in ["b", "bo", "bob"] {
        bob.relays.announce(&presence(name, &["docs"])).await;
    }
    wait(async || find(None).await == ["alice", "bob"]).await;
    assert_eq!(find(Some("docs")).await, ["alice", "bob"]);
    assert_eq!(find(Some("rust")).await, ["alice"]);
    assert!(find(Some("cooking")).await.is_empty());
    alice.relays.clear_presence().await;
    assert_eq!(find(None).await, ["bob"]);
}

#[tokio::test(start_paused = true)]
async fn an_expired_announcement_is_not_found_and_a_dead_relay_says_why() {
    let internet = Internet::default();
    let relay = FakeRelay::start(&internet);
    let (alice, watcher) = (Agent::at(&relay).await, Agent::at(&relay).await);
    let dead = format!("ws://{}", internet.free_address());
    let roles = [(relay.url.as_str(), Roles::both()), (dead.as_str(), Roles::both())];
    let both = Agent::new(&internet, &roles);
    let old = Time(now().0 - LIFETIME.as_millis() as u64 - 5000);
    profile::announce(&alice.relays.0.hub, &presence("old", &[]), old);
    watcher.relays.announce(&presence("new", &[])).await;
    let find = async || both.relays.find_agents(None, 50, Duration::from_secs(5)).await;
    wait(async || !find().await.sightings.is_empty()).await;
    let found = find().await;
    assert_eq!(found.sightings.len(), 1);
    assert_eq!(found.sightings[0].presence.name, "new");
    for (url, answer) in found.answers {
        let cause = "not connected: connection refused".to_owned();
        assert_eq!(answer, if url == dead { Err(cause) } else { Ok(()) });
    }
}
