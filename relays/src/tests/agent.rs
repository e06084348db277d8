//! One agent of a test: its relays, and what they reported.

use std::collections::BTreeMap;
use std::time::Duration;

use nostr::Keys;
use p2p_core::engine::Priority;
use p2p_core::presence::{Availability, Presence};
use p2p_core::{InstanceId, PublicKey, Rumor, RumorId, Time};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::fake_relay::FakeRelay;
use super::internet::{Internet, now};
use crate::platform::Platform;
use crate::{Profile, RelayEvent, RelaySettings, RelaySpec, RelayStatus, Relays, Roles};

/// The longest wait, in virtual time but for the test on real sockets.
pub const DEADLINE: Duration = Duration::from_secs(60);

pub struct Agent {
    pub key: PublicKey,
    pub relays: Relays,
    pub events: mpsc::Receiver<RelayEvent>,
    pub keys: Keys,
    now: fn() -> Time,
}

impl Agent {
    pub fn new(internet: &Internet, relays: &[(&str, Roles)]) -> Self {
        Self::with(internet.platform(), &Keys::generate(), relays)
    }

    pub fn with(platform: Platform, keys: &Keys, relays: &[(&str, Roles)]) -> Self {
        let (sender, events) = mpsc::channel(16);
        let spec = |(url, roles): &(&str, Roles)| RelaySpec { url: (*url).into(), roles: *roles };
        let settings = RelaySettings {
            secret: keys.secret_key().to_secret_bytes(),
            relays: relays.iter().map(spec).collect(),
            instance: InstanceId([1; 8]),
            caught_up: BTreeMap::new(),
        };
        let now = platform.now;
        let relays = Relays::start_on(platform, settings, sender).unwrap();
        let key = PublicKey(keys.public_key().to_bytes());
        Self { key, relays, events, keys: keys.clone(), now }
    }

    /// Returns an agent that is connected, listens, and can be found.
    pub async fn at(relay: &FakeRelay) -> Self {
        let mut agent = Self::new(&relay.internet, &[(&relay.url, Roles::both())]);
        agent.settle().await;
        agent
    }

    pub async fn settle(&mut self) {
        self.until(|heard| matches!(heard, RelayEvent::Connected { .. })).await;
        self.publish().await;
    }

    /// Publishes where this agent receives, and waits until a lookup finds it.
    pub async fn publish(&self) {
        self.relays.publish_profile(&Profile { name: "agent".into(), about: None }).await;
        wait(async || self.finds(self.key).await.is_some()).await;
    }

    /// Returns the relays where an agent receives, as this one finds them.
    pub async fn finds(&self, key: PublicKey) -> Option<Vec<String>> {
        self.relays.inbox_relays(key).await
    }

    pub fn rumor(&self, text: &str) -> Rumor {
        Rumor {
            pubkey: self.key,
            created_at: (self.now)().secs(),
            kind: 14,
            tags: vec![vec!["v".into(), "1".into()]],
            content: text.into(),
        }
    }

    pub fn send(&self, to: PublicKey, text: &str) -> RumorId {
        let rumor = self.rumor(text);
        let id = rumor.id();
        self.relays.send(to, rumor, Priority::Text);
        id
    }

    pub async fn until(&mut self, wanted: impl Fn(&RelayEvent) -> bool) -> RelayEvent {
        let search = async {
            loop {
                let heard = self.events.recv().await.expect("the relays are running");
                if wanted(&heard) {
                    return heard;
                }
            }
        };
        timeout(DEADLINE * 60, search).await.expect("heard in time")
    }

    pub async fn message(&mut self) -> (PublicKey, String) {
        match self.until(|heard| matches!(heard, RelayEvent::Message { .. })).await {
            RelayEvent::Message { message, .. } => {
                (message.author(), message.rumor().content.clone())
            }
            _ => unreachable!(),
        }
    }

    /// Waits for the last report of a message: the relays that took it, and those that did not.
    pub async fn outcome(&mut self, id: RumorId) -> (Vec<String>, Vec<(String, String)>) {
        let last = |heard: &RelayEvent| matches!(heard, RelayEvent::Report { rumor, waiting: 0, .. } if *rumor == id);
        match self.until(last).await {
            RelayEvent::Report { accepted, refused, .. } => (accepted, refused),
            _ => unreachable!(),
        }
    }

    pub fn state(&self, url: &str) -> RelayStatus {
        self.relays.status().into_iter().find(|state| state.url == url).expect("a known relay")
    }
}

/// Waits until a condition holds.
pub async fn wait(condition: impl AsyncFn() -> bool) {
    let holds = async {
        while !condition().await {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(DEADLINE * 60, holds).await.expect("the condition holds in time");
}

pub fn presence(name: &str, capabilities: &[&str]) -> Presence {
    Presence {
        name: name.into(),
        about: None,
        capabilities: capabilities.iter().map(|c| (*c).into()).collect(),
        availability: Availability::Available,
        attended: true,
        instance: Some(InstanceId([2; 8])),
    }
}

/// Returns a wrap of a message, as `from` would send it.
pub fn wrapped(from: &Keys, to: PublicKey, text: &str) -> nostr::Event {
    let rumor = Rumor {
        pubkey: PublicKey(from.public_key().to_bytes()),
        created_at: now().secs(),
        kind: 14,
        tags: vec![vec!["v".into(), "1".into()]],
        content: text.into(),
    };
    crate::nip59::wrap(&rumor, from, to, now(), crate::nip59::BACKDATING).unwrap()
}
