//! Who else is up: presence, asked for on demand.

use std::collections::BTreeMap;
use std::time::Duration;

use nostr::{Alphabet, Event, Filter, Kind, SingleLetterTag, Timestamp};
use p2p_core::PublicKey;
use p2p_core::presence::{self, Sighting};

use super::hub::Hub;
use super::route::supersedes;
use super::wrap;

/// The most that is asked of one relay: more is cut by common relays.
const LIMIT: usize = 500;
/// The largest presence event that is read, in bytes.
const MAX_SIZE: usize = 16 * 1024;

/// Who was found, and what each relay had to say about it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// The newest announcement of each key, newest first.
    pub sightings: Vec<Sighting>,
    /// Each presence relay, and why it did not answer completely, if it did not.
    pub answers: Vec<(String, Result<(), String>)>,
}

/// Asks the presence relays.
pub(super) async fn find(
    hub: &Hub,
    capability: Option<&str>,
    limit: usize,
    wait: Duration,
) -> Found {
    let limit = limit.clamp(1, LIMIT);
    let asked_at = hub.clock.now();
    let since = asked_at.secs().saturating_sub(presence::LIFETIME.as_secs());
    // Several values of one tag mean any of them (NIP-01), so only one can be asked for.
    let topic = capability.unwrap_or(presence::TOPIC);
    let filter = Filter::new()
        .kind(Kind::from(presence::KIND))
        .identifier(presence::IDENTIFIER)
        .custom_tag(SingleLetterTag::lowercase(Alphabet::T), topic)
        .since(Timestamp::from(since))
        .limit(limit);
    let mut asked = hub.ask(|_, roles| roles.presence, &filter, limit, MAX_SIZE, wait);
    let mut newest: BTreeMap<PublicKey, Event> = BTreeMap::new();
    let mut answers = Vec::new();
    while let Some((url, _, answer)) = asked.recv().await {
        for event in answer.events {
            let key = PublicKey(event.pubkey.to_bytes());
            let is_new = newest.get(&key).is_none_or(|other| supersedes(&event, other));
            if key != hub.me && is_new && event.kind == Kind::from(presence::KIND) {
                if let Err(why) = wrap::verify(&event) {
                    hub.gate.refuse(&url, why);
                    continue;
                }
                newest.insert(key, event);
            }
        }
        answers.push((url, answer.complete));
    }
    answers.sort_by(|(a, _), (b, _)| a.cmp(b));
    let at = Timestamp::from(asked_at.secs());
    let mut sightings: Vec<_> = newest
        .into_iter()
        .filter(|(_, event)| !event.is_expired_at(&at))
        .filter_map(|(key, event)| sighting(key, &event))
        .filter(|found| found.is_fresh(asked_at))
        .filter(|found| {
            capability.is_none_or(|c| found.presence.capabilities.iter().any(|o| o == c))
        })
        .collect();
    sightings.sort_by(|a, b| b.created_at.cmp(&a.created_at).then(a.key.cmp(&b.key)));
    sightings.truncate(limit);
    Found { sightings, answers }
}

fn sighting(key: PublicKey, event: &Event) -> Option<Sighting> {
    let tags: Vec<Vec<String>> = event.tags.iter().map(|tag| tag.as_slice().to_vec()).collect();
    Sighting::read(key, event.created_at.as_secs(), &tags, &event.content)
}
