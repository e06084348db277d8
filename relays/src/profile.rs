//! What we publish about ourselves: presence, profile, relay lists.

use std::time::Duration;

use p2p_core::Time;
use p2p_core::presence::{self, LIFETIME, Presence};
use serde_json::json;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::hub::Hub;
use super::outbox::{Notice, Packet};
use super::route::INBOX_RELAYS;

/// Kind 0, the profile (NIP-01, NIP-24).
const PROFILE: u16 = 0;
/// Kind 10002, the relays where we write and read (NIP-65).
const RELAYS: u16 = 10002;
/// NIP-17 wants a short list.
const INBOX_LIMIT: usize = 3;

/// How an agent introduces itself to the world.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Profile {
    /// The name that it goes by.
    pub name: String,
    /// What it is.
    pub about: Option<String>,
}

/// Announces that we are up.
pub(super) fn announce(hub: &Hub, presence: &Presence, now: Time) {
    let event = hub.sign(presence::KIND, presence.tags(now), presence.content(), now);
    let Some(packet) = event.map(|event| Arc::new(Packet::new(&event))) else { return };
    // Later than that it would be of no use, and another one has long been made.
    let until = Some(Instant::now() + LIFETIME);
    hub.notify(|roles| roles.presence, || notice(presence::KIND, &packet, until, None));
}

/// Takes the announcement back, and waits until relays took note, `wait` at most.
pub(super) async fn clear(hub: &Hub, now: Time, wait: Duration) {
    let event = hub.sign(presence::KIND, presence::cleared(now), "", now);
    let Some(packet) = event.map(|event| Arc::new(Packet::new(&event))) else { return };
    let until = Instant::now() + wait;
    let (taken, mut outcomes) = mpsc::unbounded_channel();
    let count = hub.notify(
        |roles| roles.presence,
        || {
            let (done, outcome) = oneshot::channel();
            let _ = taken.send(outcome);
            notice(presence::KIND, &packet, Some(until), Some(done))
        },
    );
    let all = async {
        for _ in 0..count {
            if let Some(outcome) = outcomes.recv().await {
                let _ = outcome.await;
            }
        }
    };
    let _ = tokio::time::timeout_at(until, all).await;
}

/// Publishes profile and relay lists. Each relay takes them when it is connected, be it later.
pub(super) fn publish(hub: &Hub, profile: &Profile, now: Time) {
    let inboxes = hub.own.iter().filter(|spec| spec.roles.inbox).map(|spec| spec.url.clone());
    let inboxes: Vec<_> =
        inboxes.take(INBOX_LIMIT).map(|url| vec!["relay".to_owned(), url]).collect();
    let used = hub.own.iter().filter(|spec| spec.roles.inbox || spec.roles.presence);
    let used: Vec<_> = used.map(|spec| vec!["r".to_owned(), spec.url.clone()]).collect();
    let mut about = json!({ "name": profile.name, "bot": true });
    if let Some(text) = &profile.about {
        about["about"] = text.as_str().into();
    }
    let events = [
        (INBOX_RELAYS, inboxes, String::new()),
        (RELAYS, used, String::new()),
        (PROFILE, Vec::new(), about.to_string()),
    ];
    for (kind, tags, content) in events {
        if tags.is_empty() && content.is_empty() {
            continue;
        }
        if let Some(event) = hub.sign(kind, tags, &content, now) {
            let packet = Arc::new(Packet::new(&event));
            hub.publish_profile(kind, &packet);
        }
    }
}

fn notice(
    kind: u16,
    packet: &Arc<Packet>,
    until: Option<Instant>,
    done: Option<oneshot::Sender<Result<(), String>>>,
) -> Notice {
    Notice { kind, packet: Arc::clone(packet), until, done, tries: 0 }
}
