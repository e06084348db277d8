//! Announcements, and who is found by them.

use std::time::Duration;

use nostr::{EventBuilder, Keys, Kind};
use p2p_core::presence::LIFETIME;
use p2p_core::{PublicKey, Time};

use super::agent::{Agent, DEADLINE, presence, wait};
use super::fake_relay::FakeRelay;
use super::internet::{Internet, now};
use crate::Roles;
use crate::directory::presence::announce;

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
    announce(alice.relays.pool(), &presence("old", &[]), old);
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

#[tokio::test(start_paused = true)]
async fn a_profile_says_whether_its_key_speaks_p2p() {
    let relay = FakeRelay::start(&Internet::default());
    let (alice, bob) = (Agent::at(&relay).await, Agent::at(&relay).await);
    wait(async || alice.relays.speaks_p2p(bob.key).await == Some(true)).await;
    let person = Keys::generate();
    let profile = EventBuilder::new(Kind::Metadata, "{\"name\":\"person\"}");
    relay.put(profile.sign_with_keys(&person).unwrap());
    let person = PublicKey(person.public_key().to_bytes());
    assert_eq!(alice.relays.speaks_p2p(person).await, Some(false));
    assert_eq!(alice.relays.speaks_p2p(PublicKey([7; 32])).await, None);
}
