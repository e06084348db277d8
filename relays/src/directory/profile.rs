//! Our profile: name and description (kind 0), and the relays where we are reached (10002, 10050).

use std::sync::Arc;

use p2p_core::Time;
use p2p_core::presence::TOPIC;
use serde_json::json;

use crate::directory::INBOX_RELAYS;
use crate::publish::packets::Packet;
use crate::transport::pool::Pool;

/// Kind 0, the profile (NIP-01, NIP-24).
pub(crate) const PROFILE: u16 = 0;
/// Kind 10002, the relays where we write and read (NIP-65).
const RELAYS: u16 = 10002;
/// The number of inbox relays; NIP-17 wants a short list.
const INBOX_LIMIT: usize = 3;

/// The profile of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// Its description.
    pub about: Option<String>,
}

/// Publishes profile and relay lists. A relay that is not connected gets them later.
///
/// The profile carries the topic of p2p, so that a peer that never heard from us can tell that we
/// speak p2p.
pub(crate) fn publish(pool: &Pool, profile: &Profile, now: Time) {
    let Pool { context, table } = pool;
    let inboxes = context.own.iter().filter(|spec| spec.roles.inbox).map(|spec| spec.url.clone());
    let inboxes: Vec<_> =
        inboxes.take(INBOX_LIMIT).map(|url| vec!["relay".to_owned(), url]).collect();
    let used = context.own.iter().filter(|spec| spec.roles.inbox || spec.roles.presence);
    let used: Vec<_> = used.map(|spec| vec!["r".to_owned(), spec.url.clone()]).collect();
    let mut about = json!({ "name": profile.name, "bot": true });
    if let Some(text) = &profile.about {
        about["about"] = text.as_str().into();
    }
    let events = [
        (INBOX_RELAYS, inboxes, String::new()),
        (RELAYS, used, String::new()),
        (PROFILE, vec![vec!["t".to_owned(), TOPIC.to_owned()]], about.to_string()),
    ];
    for (kind, tags, content) in events {
        if tags.is_empty() && content.is_empty() {
            continue;
        }
        if let Some(event) = context.identity.sign(kind, tags, &content, now) {
            let packet = Arc::new(Packet::new(&event));
            table.publish_profile(kind, &packet);
        }
    }
}
