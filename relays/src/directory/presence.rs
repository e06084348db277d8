//! Presence: announcing ourselves, and finding other agents on demand.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use nostr::{Alphabet, Event, Filter, Kind, SingleLetterTag, Timestamp};
use p2p_core::presence::{self, LIFETIME, Presence, Sighting};
use p2p_core::{PublicKey, Time};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::directory::lookup::supersedes;
use crate::nip59;
use crate::publish::packets::{Notice, Packet};
use crate::transport::pool::Pool;
use crate::transport::query::Question;
use crate::transport::table::RelayAnswer;

/// The most events that one relay is asked for: common relays give no more.
const LIMIT: usize = 500;
/// The largest presence event that is read, in bytes.
const MAX_SIZE: usize = 16 * 1024;

/// The agents that were found, and the answers of the relays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FoundAgents {
    /// The newest announcement of each key, newest first.
    pub sightings: Vec<Sighting>,
    /// The presence relays, each with the reason why its answer is not complete, if it is not.
    pub answers: Vec<(String, Result<(), String>)>,
}

/// Announces that we are up (NIP-38).
pub(crate) fn announce(pool: &Pool, presence: &Presence, now: Time) {
    let Pool { context, table } = pool;
    let event = context.identity.sign(presence::KIND, presence.tags(now), presence.content(), now);
    let Some(packet) = event.map(|event| Arc::new(Packet::new(&event))) else { return };
    // After that the announcement is of no use, and a newer one was made.
    let until = Some(Instant::now() + LIFETIME);
    table.notify(|roles| roles.presence, || notice(presence::KIND, &packet, until, None));
}

/// Takes the announcement back. Waits until the relays answered, at most `wait`.
pub(crate) async fn clear(pool: &Pool, now: Time, wait: Duration) {
    let Pool { context, table } = pool;
    let event = context.identity.sign(presence::KIND, presence::cleared(now), "", now);
    let Some(packet) = event.map(|event| Arc::new(Packet::new(&event))) else { return };
    let until = Instant::now() + wait;
    let (taken, mut outcomes) = mpsc::unbounded_channel();
    let count = table.notify(
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

/// Asks the presence relays for agents, all or those with a capability.
pub(crate) async fn find(
    pool: &Pool,
    capability: Option<&str>,
    limit: usize,
    wait: Duration,
) -> FoundAgents {
    let Pool { context, table } = pool;
    let limit = limit.clamp(1, LIMIT);
    let asked_at = context.now();
    let since = asked_at.secs().saturating_sub(presence::LIFETIME.as_secs());
    // Several values of one tag mean any of them (NIP-01), so only one value can be asked for.
    let topic = capability.unwrap_or(presence::TOPIC);
    let filter = Filter::new()
        .kind(Kind::from(presence::KIND))
        .identifier(presence::IDENTIFIER)
        .custom_tag(SingleLetterTag::lowercase(Alphabet::T), topic)
        .since(Timestamp::from(since))
        .limit(limit);
    let question = Question { filter, max_events: limit, max_size: MAX_SIZE, wait };
    let mut asked = table.ask(|status| status.roles.presence, &question);
    let mut newest: BTreeMap<PublicKey, Event> = BTreeMap::new();
    let mut answers = Vec::new();
    while let Some(RelayAnswer { url, answer, .. }) = asked.recv().await {
        for event in answer.events {
            let key = PublicKey(event.pubkey.to_bytes());
            let is_new = newest.get(&key).is_none_or(|other| supersedes(&event, other));
            if key != context.identity.public && is_new && event.kind == Kind::from(presence::KIND)
            {
                if let Err(why) = nip59::verify(&event) {
                    context.drops.note(&url, why.reason(), &why.to_string());
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
    FoundAgents { sightings, answers }
}

fn sighting(key: PublicKey, event: &Event) -> Option<Sighting> {
    let tags: Vec<Vec<String>> = event.tags.iter().map(|tag| tag.as_slice().to_vec()).collect();
    Sighting::read(key, event.created_at.as_secs(), &tags, &event.content)
}

fn notice(
    kind: u16,
    packet: &Arc<Packet>,
    until: Option<Instant>,
    done: Option<oneshot::Sender<Result<(), String>>>,
) -> Notice {
    Notice { kind, packet: Arc::clone(packet), until, done, tries: 0 }
}
