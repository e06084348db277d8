//! Where a peer receives: its kind 10050, and which of the relays in it we may go to.

use std::time::Duration;

use nostr::types::url::Url;
use nostr::{Event, Filter, Kind};
use p2p_core::PublicKey;
use tokio::time::{Instant, timeout, timeout_at};

use super::connect::{is_public, resolve};
use super::hub::Hub;
use super::settings::normalized;
use super::wrap;

/// The kind of the list of relays where somebody receives (NIP-17).
pub(super) const INBOX_RELAYS: u16 = 10050;
/// How long relays may take to answer.
const WAIT: Duration = Duration::from_secs(5);
/// How long others may take once one had something: theirs may be newer.
const GRACE: Duration = Duration::from_millis(700);
/// How long DNS may take for all relays of a peer.
const DNS: Duration = Duration::from_secs(3);
/// Relays of a peer that are used.
const USED: usize = 3;
/// Relays of a peer's list that are considered.
const CONSIDERED: usize = 10;

/// What came of looking for a peer's relays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Lookup {
    /// The relays to publish to.
    Found(Vec<String>),
    /// The relays that answered know of none, or of none that we may use.
    None,
    /// Nobody answered: why.
    NoAnswer(&'static str),
}

/// Where we receive ourselves, which nobody has to tell us.
pub(super) fn own(hub: &Hub) -> Lookup {
    let inboxes = hub.own.iter().filter(|spec| spec.roles.inbox);
    Lookup::Found(inboxes.map(|spec| spec.url.clone()).collect())
}

/// Looks up where `peer` receives.
pub(super) async fn look_up(hub: &Hub, peer: PublicKey) -> Lookup {
    let filter = Filter::new()
        .kind(Kind::from(INBOX_RELAYS))
        .author(nostr::PublicKey::from_byte_array(peer.0))
        .limit(1);
    let mut answers = hub.ask(|_, _| true, &filter, 4, 32 * 1024, WAIT);
    let mut newest: Option<Event> = None;
    let (mut complete, mut connected) = (false, false);
    let mut by = Instant::now() + WAIT + Duration::from_secs(2);
    while let Ok(Some((_, status, answer))) = timeout_at(by, answers.recv()).await {
        complete |= answer.complete.is_ok();
        connected |= status.read().connected;
        for event in answer.events {
            let is_it = event.kind == Kind::from(INBOX_RELAYS) && event.pubkey.to_bytes() == peer.0;
            if is_it && newest.as_ref().is_none_or(|n| supersedes(&event, n)) {
                if wrap::verify(&event).is_err() {
                    continue;
                }
                newest = Some(event);
                by = by.min(Instant::now() + GRACE);
            }
        }
    }
    match newest {
        Some(event) => {
            let relays = usable(hub, &event).await;
            if relays.is_empty() { Lookup::None } else { Lookup::Found(relays) }
        }
        None if complete => Lookup::None,
        None if connected => Lookup::NoAnswer("no relay answered where the peer receives"),
        None => Lookup::NoAnswer("no relay is connected"),
    }
}

/// Whether a replaceable event takes the place of another (NIP-01): newer, or of the same second
/// and with the lower id.
pub(super) fn supersedes(event: &Event, other: &Event) -> bool {
    (event.created_at, other.id) > (other.created_at, event.id)
}

/// The relays of a list that we may publish to: our own, and public ones. Ours come first,
/// because the connection stands.
async fn usable(hub: &Hub, list: &Event) -> Vec<String> {
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
    let is_ours = |url: &String| hub.own.iter().any(|spec| spec.url == *url);
    let (mut relays, others): (Vec<_>, Vec<_>) =
        named.into_iter().take(CONSIDERED).partition(is_ours);
    relays.truncate(USED);
    let by = Instant::now() + DNS;
    for url in others {
        if relays.len() == USED {
            break;
        }
        if timeout_at(by, may_visit(hub, &url)).await.unwrap_or(false) {
            relays.push(url);
        } else {
            tracing::debug!(relay = url, "a peer's relay is not used");
        }
    }
    relays
}

/// Whether a peer may send us to this relay, which is none of ours: encrypted, by its host only
/// public addresses.
async fn may_visit(hub: &Hub, url: &str) -> bool {
    let is_plain = Url::parse(url).is_ok_and(|url| {
        url.scheme() == "wss" && url.username().is_empty() && url.password().is_none()
    });
    if !is_plain {
        return false;
    }
    match timeout(DNS, resolve(&*hub.platform.network, url)).await {
        Ok(Ok(addresses)) => addresses.iter().all(|address| is_public(address.ip())),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use nostr::{EventBuilder, Keys, Tag, Timestamp};
    use p2p_core::Time;
    use tokio::sync::mpsc;

    use super::*;
    use crate::ingest::Ingest;
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
        let (heard, _) = mpsc::unbounded_channel();
        let hub = Hub::new(
            Platform::system(),
            Keys::generate(),
            "p2p".into(),
            own,
            Ingest::new().0,
            heard,
        );
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
        let relays = usable(&hub, &list(&urls, 1)).await;
        assert_eq!(relays, ["ws://127.0.0.1:7777", "wss://9.9.9.9"]);
        let many = ["wss://1.1.1.1", "wss://1.1.1.2", "wss://1.1.1.3", "wss://1.1.1.4"];
        assert_eq!(usable(&hub, &list(&many, 1)).await, many[..3]);
        assert!(usable(&hub, &list(&["ws://127.0.0.1:1", "nonsense", ""], 1)).await.is_empty());
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

    #[test]
    fn times_are_never_the_same_twice() {
        let (heard, _) = mpsc::unbounded_channel();
        let hub = Hub::new(
            Platform::system(),
            Keys::generate(),
            "p2p".into(),
            vec![],
            Ingest::new().0,
            heard,
        );
        let at = |secs| {
            let event = hub.sign(0, vec![], "", Time::from_secs(secs)).unwrap();
            event.created_at.as_secs()
        };
        assert_eq!([at(10), at(10), at(9), at(20)], [10, 11, 12, 20]);
    }
}
