//! Looking up a peer: the relays where it receives (kind 10050), which of them we may use, and what
//! its profile says.

use std::time::Duration;

use nostr::types::url::Url;
use nostr::{Event, Filter, Kind};
use p2p_core::PublicKey;
use p2p_core::presence::TOPIC;
use tokio::time::{Instant, timeout, timeout_at};

use crate::context::Context;
use crate::directory::INBOX_RELAYS;
use crate::directory::profile::PROFILE;
use crate::nip59;
use crate::settings::normalized;
use crate::transport::address::{is_public, resolve};
use crate::transport::pool::Pool;
use crate::transport::query::Question;
use crate::transport::table::RelayAnswer;

/// The time for the relays' answers.
const WAIT: Duration = Duration::from_secs(5);
/// The time for the others after one relay had a list: theirs may be newer.
const GRACE: Duration = Duration::from_millis(700);
/// The time of DNS for all relays of a peer.
const DNS: Duration = Duration::from_secs(3);
/// Relays of a peer that are used.
const USED: usize = 3;
/// Relays of a peer's list that are considered.
const CONSIDERED: usize = 10;

/// The result of looking up a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lookup {
    pub route: Route,
    /// True if the peer's profile carries the topic of p2p; nothing where no profile was found.
    pub speaks_p2p: Option<bool>,
}

/// The relays where a peer receives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    /// The relays to publish to.
    Found(Vec<String>),
    /// The relays that answered know no list, or none of its relays may be used.
    NotFound,
    /// No relay answered; the cause.
    NoAnswer(&'static str),
}

/// Returns the relays where we receive ourselves.
pub(crate) fn own(context: &Context) -> Route {
    let inboxes = context.own.iter().filter(|spec| spec.roles.inbox);
    Route::Found(inboxes.map(|spec| spec.url.clone()).collect())
}

/// Looks up a peer at our relays.
pub(crate) async fn look_up(pool: &Pool, peer: PublicKey) -> Lookup {
    let kinds = [INBOX_RELAYS, PROFILE].map(Kind::from);
    let filter =
        Filter::new().kinds(kinds).author(nostr::PublicKey::from_byte_array(peer.0)).limit(2);
    let question = Question { filter, max_events: 8, max_size: 32 * 1024, wait: WAIT };
    let mut answers = pool.table.ask(|_| true, &question);
    let [mut list, mut profile]: [Option<Event>; 2] = [None, None];
    let (mut is_complete, mut is_connected) = (false, false);
    let mut by = Instant::now() + WAIT + Duration::from_secs(2);
    while let Ok(Some(RelayAnswer { status, answer, .. })) = timeout_at(by, answers.recv()).await {
        is_complete |= answer.complete.is_ok();
        is_connected |= status.read().connected;
        for event in answer.events.into_iter().filter(|e| e.pubkey.to_bytes() == peer.0) {
            let newest = match event.kind.as_u16() {
                INBOX_RELAYS => &mut list,
                PROFILE => &mut profile,
                _ => continue,
            };
            let is_newer = newest.as_ref().is_none_or(|newest| supersedes(&event, newest));
            if is_newer && nip59::verify(&event).is_ok() {
                *newest = Some(event);
            }
        }
        if list.is_some() {
            by = by.min(Instant::now() + GRACE);
        }
    }
    let route = match list {
        Some(list) => match usable(&pool.context, &list).await {
            relays if relays.is_empty() => Route::NotFound,
            relays => Route::Found(relays),
        },
        None if is_complete => Route::NotFound,
        None if is_connected => Route::NoAnswer("no relay answered where the peer receives"),
        None => Route::NoAnswer("no relay is connected"),
    };
    Lookup { route, speaks_p2p: profile.map(|profile| has_topic(&profile)) }
}

/// Returns whether a profile carries the topic of p2p.
fn has_topic(profile: &Event) -> bool {
    profile.tags.hashtags().any(|topic| topic == TOPIC)
}

/// Returns whether a replaceable event replaces another (NIP-01): it is newer, or of the same second
/// and has the lower id.
pub(crate) fn supersedes(event: &Event, other: &Event) -> bool {
    (event.created_at, other.id) > (other.created_at, event.id)
}

/// Returns the relays of a list that we may publish to: our own, and public ones. Ours come first,
/// because the connection stands.
async fn usable(context: &Context, list: &Event) -> Vec<String> {
    let mut named: Vec<String> = Vec::new();
    for tag in list.tags.iter().map(|tag| tag.as_slice()) {
        let [name, url, ..] = tag else { continue };
        if let ("relay", Ok(url)) = (name.as_str(), normalized(url))
            && url.len() <= 256
            && !named.contains(&url)
        {
            named.push(url);
        }
    }
    let is_ours = |url: &String| context.is_own(url);
    let (mut relays, others): (Vec<_>, Vec<_>) =
        named.into_iter().take(CONSIDERED).partition(is_ours);
    relays.truncate(USED);
    let by = Instant::now() + DNS;
    for url in others {
        if relays.len() == USED {
            break;
        }
        if timeout_at(by, may_visit(context, &url)).await.unwrap_or(false) {
            relays.push(url);
        } else {
            tracing::debug!(relay = url, "a relay of a peer is not used");
        }
    }
    relays
}

/// Returns whether a peer may send us to a relay that is not ours: it is encrypted, and its host has
/// public addresses only.
async fn may_visit(context: &Context, url: &str) -> bool {
    let is_plain = Url::parse(url).is_ok_and(|url| {
        url.scheme() == "wss" && url.username().is_empty() && url.password().is_none()
    });
    if !is_plain {
        return false;
    }
    match timeout(DNS, resolve(&*context.platform.network, url)).await {
        Ok(Ok(addresses)) => addresses.iter().all(|address| is_public(address.ip())),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use nostr::{EventBuilder, Keys, Tag, Timestamp};
    use tokio::sync::mpsc;

    use super::*;
    use crate::inbox::intake::Intake;
    use crate::platform::Platform;
    use crate::settings::{RelaySpec, Roles};

    fn list(urls: &[&str], at: u64) -> Event {
        let tags = urls.iter().map(|url| Tag::parse(["relay", url]).unwrap());
        EventBuilder::new(Kind::from(INBOX_RELAYS), "")
            .tags(tags)
            .custom_created_at(Timestamp::from(at))
            .sign_with_keys(&Keys::generate())
            .unwrap()
    }

    #[tokio::test]
    async fn only_our_own_relays_and_public_ones_are_used() {
        let own = vec![RelaySpec { url: "ws://127.0.0.1:7777".into(), roles: Roles::both() }];
        let ends = (Intake::new().0, mpsc::unbounded_channel().0);
        let context = Context::new(Platform::system(), Keys::generate(), "p2p".into(), own, ends);
        let urls = [
            "ws://127.0.0.1:7778",
            "wss://127.0.0.1",
            "wss://10.0.0.1",
            "wss://localhost",
            "wss://[::1]:4443",
            "ws://9.9.9.9",
            "wss://user:pass@9.9.9.9",
            "https://9.9.9.9",
            "wss://9.9.9.9/",
            "wss://9.9.9.9",
            "WS://127.0.0.1:7777/",
        ];
        let relays = usable(&context, &list(&urls, 1)).await;
        assert_eq!(relays, ["ws://127.0.0.1:7777", "wss://9.9.9.9"]);
        let many = ["wss://1.1.1.1", "wss://1.1.1.2", "wss://1.1.1.3", "wss://1.1.1.4"];
        assert_eq!(usable(&context, &list(&many, 1)).await, many[..3]);
        assert!(usable(&context, &list(&["ws://127.0.0.1:1", "nonsense", ""], 1)).await.is_empty());
    }

    #[test]
    fn the_newest_list_counts_and_of_one_second_the_lowest_id() {
        let (a, b) = (list(&["wss://a"], 1), list(&["wss://b"], 2));
        assert!(supersedes(&b, &a) && !supersedes(&a, &b));
        let (c, d) = (list(&["wss://c"], 3), list(&["wss://d"], 3));
        assert_eq!(supersedes(&c, &d), c.id < d.id);
        assert_eq!(supersedes(&d, &c), d.id < c.id);
        assert!(!supersedes(&c, &c));
    }
}
