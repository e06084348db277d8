//! The module as a whole, against relays on loopback.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use nostr_relay_builder::builder::{RelayBuilderNip42, RelayBuilderNip42Mode};
use p2p_core::presence::{self, Availability};
use p2p_core::{InstanceId, PublicKey};
use tokio::time::{sleep, timeout};

mod faults;
mod late;

use super::embedded::{Embedded, generous, start_with};
use super::*;

/// No wait takes longer than this without being a failure.
const DEADLINE: Duration = Duration::from_secs(20);

/// One agent: its relays, and what it heard.
struct Agent {
    key: PublicKey,
    relays: Relays,
    hearing: mpsc::Receiver<Heard>,
    keys: Keys,
}

impl Agent {
    fn new(relays: &[(&str, Roles)]) -> Self {
        Self::with(&Keys::generate(), relays)
    }

    fn with(keys: &Keys, relays: &[(&str, Roles)]) -> Self {
        let (heard, hearing) = mpsc::channel(16);
        let spec = |(url, roles): &(&str, Roles)| RelaySpec { url: (*url).into(), roles: *roles };
        let settings = Settings {
            secret: keys.secret_key().to_secret_bytes(),
            relays: relays.iter().map(spec).collect(),
            instance: InstanceId([1; 8]),
            caught_up: BTreeMap::new(),
        };
        let relays = Relays::start(settings, heard).unwrap();
        let key = PublicKey(keys.public_key().to_bytes());
        Self { key, relays, hearing, keys: keys.clone() }
    }

    /// An agent that is connected, listens, and can be found.
    async fn at(relay: &Embedded) -> Self {
        let mut agent = Self::new(&[(relay.url(), Roles::both())]);
        agent.settle().await;
        agent
    }

    async fn settle(&mut self) {
        self.until(|heard| matches!(heard, Heard::Connected { .. })).await;
        self.publish().await;
    }

    /// Publishes where this agent receives, and waits until somebody else finds it.
    async fn publish(&self) {
        self.relays.publish_profile(&Profile { name: "agent".into(), about: None }).await;
        wait(async || {
            matches!(route::look_up(&self.relays.0.hub, self.key).await, route::Lookup::Found(_))
        })
        .await;
    }

    fn rumor(&self, text: &str) -> Rumor {
        Rumor {
            pubkey: self.key,
            created_at: status::now().secs(),
            kind: 14,
            tags: vec![vec!["v".into(), "1".into()]],
            content: text.into(),
        }
    }

    fn send(&self, to: PublicKey, text: &str) -> RumorId {
        let rumor = self.rumor(text);
        let id = rumor.id();
        self.relays.send(to, rumor, Priority::Text);
        id
    }

    async fn until(&mut self, wanted: impl Fn(&Heard) -> bool) -> Heard {
        let search = async {
            loop {
                let heard = self.hearing.recv().await.expect("the relays are running");
                if wanted(&heard) {
                    return heard;
                }
            }
        };
        timeout(DEADLINE, search).await.expect("heard in time")
    }

    async fn message(&mut self) -> (PublicKey, String) {
        match self.until(|heard| matches!(heard, Heard::Message { .. })).await {
            Heard::Message { message, .. } => (message.author(), message.rumor().content.clone()),
            _ => unreachable!(),
        }
    }

    /// The last report of a message: who took it, who did not.
    async fn outcome(&mut self, id: RumorId) -> (Vec<String>, Vec<(String, String)>) {
        let last = |heard: &Heard| matches!(heard, Heard::Report { rumor, waiting: 0, .. } if *rumor == id);
        match self.until(last).await {
            Heard::Report { accepted, refused, .. } => (accepted, refused),
            _ => unreachable!(),
        }
    }

    fn state(&self, url: &str) -> RelayState {
        self.relays.status().into_iter().find(|state| state.url == url).expect("a known relay")
    }
}

/// Waits until a condition holds.
async fn wait(condition: impl AsyncFn() -> bool) {
    let holds = async {
        while !condition().await {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(DEADLINE, holds).await.expect("the condition holds in time");
}

/// The address of a port where nobody listens.
fn nowhere() -> String {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    format!("ws://{free}")
}

fn present(name: &str, capabilities: &[&str]) -> Presence {
    Presence {
        name: name.into(),
        about: None,
        capabilities: capabilities.iter().map(|c| (*c).into()).collect(),
        availability: Availability::Available,
        attended: true,
        instance: Some(InstanceId([2; 8])),
    }
}

#[tokio::test]
async fn rumors_go_both_ways_and_in_order() {
    let relay = embedded::start(0).await.unwrap();
    let (mut alice, mut bob) = (Agent::at(&relay).await, Agent::at(&relay).await);
    // All of them wait for one lookup of bob's relays.
    let ids: Vec<_> = (0..20).map(|n| alice.send(bob.key, &format!("to bob {n}"))).collect();
    for n in 0..20 {
        assert_eq!(bob.message().await, (alice.key, format!("to bob {n}")));
    }
    for id in ids {
        assert_eq!(alice.outcome(id).await, (vec![relay.url().to_owned()], vec![]));
    }
    bob.send(alice.key, "to alice");
    assert_eq!(alice.message().await, (bob.key, "to alice".into()));
    let state = alice.state(relay.url());
    assert!(state.connected && state.listening && state.cause.is_none(), "{state:?}");
    assert_eq!((state.state, alice.relays.connected()), ("connected", 1));
}

#[tokio::test]
async fn a_peer_that_cannot_be_found_has_no_route() {
    let relay = embedded::start(0).await.unwrap();
    let mut alice = Agent::at(&relay).await;
    let stranger = PublicKey(Keys::generate().public_key().to_bytes());
    let id = alice.send(stranger, "hello?");
    let heard = alice.until(|heard| matches!(heard, Heard::NoRoute { .. })).await;
    assert!(matches!(heard, Heard::NoRoute { rumor, to } if rumor == id && to == stranger));
}

#[tokio::test]
async fn a_peer_whose_relays_may_not_be_used_has_no_route() {
    let (relay, other) = (embedded::start(0).await.unwrap(), embedded::start(0).await.unwrap());
    let mut alice = Agent::at(&relay).await;
    // Bob receives at a loopback relay that is none of alice's, and says so at hers.
    let inbox = Roles { presence: false, inbox: true, index: false };
    let index = Roles { presence: false, inbox: false, index: true };
    let bob = Agent::new(&[(other.url(), inbox), (relay.url(), index)]);
    bob.relays.publish_profile(&Profile::default()).await;
    bob.publish().await;
    let id = alice.send(bob.key, "hello?");
    let heard = alice.until(|heard| matches!(heard, Heard::NoRoute { .. })).await;
    assert!(matches!(heard, Heard::NoRoute { rumor, .. } if rumor == id));
}

#[tokio::test]
async fn without_any_relay_a_message_goes_nowhere_and_says_so() {
    let url = nowhere();
    let mut alice = Agent::new(&[(&url, Roles::both())]);
    let peer = PublicKey(Keys::generate().public_key().to_bytes());
    let id = alice.send(peer, "hello?");
    let (accepted, refused) = alice.outcome(id).await;
    assert!(accepted.is_empty());
    assert_eq!(refused, [("*".to_owned(), "no relay is connected".to_owned())]);
}

#[tokio::test]
async fn a_dead_relay_shows_why() {
    let url = nowhere();
    let alice = Agent::new(&[(&url, Roles::both())]);
    wait(async || alice.state(&url).cause.is_some()).await;
    let state = alice.state(&url);
    assert_eq!(state.cause.as_deref(), Some("connection refused"));
    assert!(!state.connected && !state.listening);
    assert!(["waiting to retry", "connecting"].contains(&state.state), "{}", state.state);
    assert_eq!(alice.relays.connected(), 0);
}

#[tokio::test]
async fn what_is_no_relay_refuses_and_shows_it() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    let answering = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut buffer = [0; 1024];
            let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut buffer).await;
            let answer = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n";
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, answer).await;
        }
    });
    let alice = Agent::new(&[(&url, Roles::both())]);
    wait(async || alice.state(&url).state == "refused").await;
    assert_eq!(alice.state(&url).cause.as_deref(), Some("HTTP 403 Forbidden"));
    answering.abort();
}

#[tokio::test]
async fn agents_are_found_by_capability_until_they_clear() {
    let relay = embedded::start(0).await.unwrap();
    let (alice, bob) = (Agent::at(&relay).await, Agent::at(&relay).await);
    let watcher = Agent::at(&relay).await;
    let find = async |capability: Option<&str>| {
        let found = watcher.relays.find_agents(capability, 50, DEADLINE).await;
        assert_eq!(found.answers, [(relay.url().to_owned(), Ok(()))]);
        let mut names: Vec<_> = found.sightings.into_iter().map(|s| s.presence.name).collect();
        names.sort();
        names
    };
    watcher.relays.announce(&present("watcher", &["docs"])).await;
    alice.relays.announce(&present("alice", &["docs", "rust"])).await;
    // Three announcements in one second: the last one counts.
    for name in ["b", "bo", "bob"] {
        bob.relays.announce(&present(name, &["docs"])).await;
    }
    wait(async || find(None).await == ["alice", "bob"]).await;
    assert_eq!(find(Some("docs")).await, ["alice", "bob"]);
    assert_eq!(find(Some("rust")).await, ["alice"]);
    assert!(find(Some("cooking")).await.is_empty());
    alice.relays.clear_presence().await;
    assert_eq!(find(None).await, ["bob"]);
}

#[tokio::test]
async fn an_expired_or_forged_announcement_is_nobody() {
    let relay = embedded::start(0).await.unwrap();
    let (alice, watcher) = (Agent::at(&relay).await, Agent::at(&relay).await);
    let dead = nowhere();
    let both = Agent::new(&[(relay.url(), Roles::both()), (&dead, Roles::both())]);
    let old = Time(status::now().0 - presence::LIFETIME.as_millis() as u64 - 5000);
    profile::announce(&alice.relays.0.hub, &present("old", &[]), old);
    watcher.relays.announce(&present("new", &[])).await;
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

#[tokio::test]
async fn a_relay_that_comes_back_is_listened_to_again() {
    let relay = embedded::start(0).await.unwrap();
    let (url, port) = (relay.url().to_owned(), relay.port());
    let (mut alice, mut bob) = (Agent::at(&relay).await, Agent::at(&relay).await);
    alice.send(bob.key, "before");
    assert_eq!(bob.message().await.1, "before");
    relay.stop().await;
    wait(async || !alice.state(&url).connected && !bob.state(&url).connected).await;
    assert!(alice.state(&url).cause.is_some());
    assert!(!alice.state(&url).listening);
    // Given while the relay is away: it waits for the connection.
    let id = alice.send(bob.key, "meanwhile");
    let again = embedded::start(port).await.unwrap();
    assert_eq!(bob.message().await.1, "meanwhile");
    assert_eq!(alice.outcome(id).await.0, [again.url()]);
    let state = bob.state(&url);
    assert!(state.connected && state.listening && state.cause.is_none(), "{state:?}");
    // The new relay remembers nothing, so it was told again where bob receives.
    let carol = Agent::at(&again).await;
    wait(async || {
        let found = route::look_up(&carol.relays.0.hub, bob.key).await;
        found == route::Lookup::Found(vec![url.clone()])
    })
    .await;
}

#[tokio::test]
async fn a_peers_relay_is_left_when_it_is_not_wanted_any_more() {
    let (relay, theirs) = (embedded::start(0).await.unwrap(), embedded::start(0).await.unwrap());
    let mut alice = Agent::at(&relay).await;
    let hub = Arc::clone(&alice.relays.0.hub);
    let rumor = alice.rumor("x");
    let event = wrap::wrap(&rumor, &hub.keys, alice.key, status::now(), wrap::BACKDATING).unwrap();
    let (stale, _) = mpsc::unbounded_channel();
    let delivery = delivery::Delivery::new(rumor.id(), alice.key, 1, hub.heard.clone(), stale);
    let job = outbox::Job {
        packet: Arc::new(outbox::Packet::new(&event)),
        priority: Priority::Text,
        deliveries: vec![Arc::new(delivery)],
        queued: Instant::now(),
        tries: 0,
    };
    let asked = Instant::now();
    hub.publish(theirs.url(), job);
    assert_eq!(alice.state(theirs.url()).roles.words(), ["peer"]);
    // It is on loopback, where no peer may send us, whatever the lookup allowed.
    let (_, refused) = alice.outcome(rumor.id()).await;
    assert!(asked.elapsed() < Duration::from_secs(5), "nothing to wait for");
    let cause = "not connected: its address is not a public one".to_owned();
    assert_eq!(refused, [(theirs.url().to_owned(), cause)]);
    wait(async || alice.relays.status().iter().all(|state| state.url != theirs.url())).await;
    assert_eq!(alice.relays.connected(), 1);
}

#[tokio::test]
async fn a_report_counts_the_relays_that_took_it() {
    let (relay, doomed) = (embedded::start(0).await.unwrap(), embedded::start(0).await.unwrap());
    let gone = doomed.url().to_owned();
    let roles = [(relay.url(), Roles::both()), (gone.as_str(), Roles::both())];
    let (mut alice, mut bob) = (Agent::new(&roles), Agent::new(&roles));
    alice.settle().await;
    bob.settle().await;
    doomed.stop().await;
    wait(async || !alice.state(&gone).connected).await;
    let id = alice.send(bob.key, "one of two");
    let first = alice.until(|h| matches!(h, Heard::Report { rumor, .. } if *rumor == id)).await;
    let Heard::Report { accepted, refused, waiting: 1, .. } = first else { panic!("{first:?}") };
    assert_eq!((accepted, refused), (vec![relay.url().to_owned()], vec![]));
    assert_eq!(bob.message().await.1, "one of two");
    let (accepted, refused) = alice.outcome(id).await;
    assert_eq!(accepted, [relay.url()]);
    assert_eq!(refused, [(gone, "not connected: connection refused".to_owned())]);
}

#[tokio::test]
async fn what_is_too_large_for_relays_is_refused_at_once() {
    let relay = embedded::start(0).await.unwrap();
    let (mut alice, bob) = (Agent::at(&relay).await, Agent::at(&relay).await);
    let id = alice.send(bob.key, &"x".repeat(40_000));
    let (_, refused) = alice.outcome(id).await;
    let cause = "too large: 76975 bytes, and it takes 65536".to_owned();
    assert_eq!(refused, [(relay.url().to_owned(), cause)]);
    let unfit = alice.until(|heard| matches!(heard, Heard::Unfit { .. })).await;
    assert!(matches!(unfit, Heard::Unfit { rumor, .. } if rumor == id));
}

#[tokio::test]
async fn a_relay_that_wants_to_know_us_first_is_told() {
    for mode in [RelayBuilderNip42Mode::Read, RelayBuilderNip42Mode::Both] {
        let relay = start_with(0, generous().nip42(RelayBuilderNip42 { mode })).await.unwrap();
        let (mut alice, mut bob) = (Agent::at(&relay).await, Agent::at(&relay).await);
        alice.send(bob.key, "psst");
        assert_eq!(bob.message().await.1, "psst");
        bob.send(alice.key, "what?");
        assert_eq!(alice.message().await.1, "what?");
    }
}

#[tokio::test]
async fn a_wrap_comes_once_however_many_relays_have_it() {
    let (one, two) = (embedded::start(0).await.unwrap(), embedded::start(0).await.unwrap());
    let roles = [(one.url(), Roles::both()), (two.url(), Roles::both())];
    let (mut alice, mut bob) = (Agent::new(&roles), Agent::new(&roles));
    alice.settle().await;
    bob.settle().await;
    wait(async || bob.relays.status().iter().all(|state| state.listening)).await;
    let id = alice.send(bob.key, "once");
    assert_eq!(alice.outcome(id).await.0.len(), 2);
    assert_eq!(bob.message().await.1, "once");
    alice.send(bob.key, "then this");
    assert_eq!(bob.message().await.1, "then this");
}

#[tokio::test]
async fn what_came_while_we_were_away_is_there_after_a_restart() {
    let relay = embedded::start(0).await.unwrap();
    let (mut alice, bob) = (Agent::at(&relay).await, Agent::at(&relay).await);
    let (keys, key) = (bob.keys.clone(), bob.key);
    bob.relays.shutdown().await;
    let id = alice.send(key, "when you are back");
    assert_eq!(alice.outcome(id).await.0.len(), 1);
    let mut bob = Agent::with(&keys, &[(relay.url(), Roles::both())]);
    assert_eq!(bob.message().await, (alice.key, "when you are back".into()));
}

#[tokio::test]
async fn shutting_down_sends_what_waits() {
    let relay = embedded::start(0).await.unwrap();
    let (alice, mut bob) = (Agent::at(&relay).await, Agent::at(&relay).await);
    // Known, so that nothing waits for a lookup.
    alice.send(bob.key, "0");
    assert_eq!(bob.message().await.1, "0");
    for n in 1..=5 {
        alice.send(bob.key, &n.to_string());
    }
    alice.relays.shutdown().await;
    for n in 1..=5 {
        assert_eq!(bob.message().await.1, n.to_string());
    }
}

#[tokio::test]
async fn a_slow_engine_holds_up_neither_sending_nor_status() {
    let relay = embedded::start(0).await.unwrap();
    let (mut alice, mut bob) = (Agent::at(&relay).await, Agent::at(&relay).await);
    // More than bob's channel of 16 holds, and bob takes none of it.
    let mut last = None;
    for n in 0..60 {
        last = Some(alice.send(bob.key, &n.to_string()));
    }
    alice.outcome(last.unwrap()).await;
    bob.send(alice.key, "I am busy");
    assert_eq!(alice.message().await.1, "I am busy");
    bob.relays.probe(DEADLINE).await;
    assert!(bob.state(relay.url()).rtt_ms.is_some());
    for n in 0..60 {
        assert_eq!(bob.message().await.1, n.to_string());
    }
}

/// A relay made by hand, that answers each message with what `answers` says.
async fn scripted(
    answers: impl Fn(u32, &serde_json::Value) -> Vec<String> + Send + Sync + 'static,
) -> String {
    use futures_util::{SinkExt, StreamExt};
    use tokio_tungstenite::tungstenite::Message;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    let (answers, count) = (Arc::new(answers), Arc::new(AtomicU32::new(0)));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (answers, count) = (Arc::clone(&answers), Arc::clone(&count));
            tokio::spawn(async move {
                let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
                while let Some(Ok(message)) = socket.next().await {
                    let Message::Text(text) = message else { continue };
                    let value = serde_json::from_str(&text).unwrap();
                    let number = count.fetch_add(1, Ordering::SeqCst);
                    for answer in answers(number, &value) {
                        let _ = socket.send(Message::text(answer)).await;
                    }
                }
            });
        }
    });
    url
}

#[tokio::test]
async fn a_subscription_that_the_relay_closes_is_asked_for_again() {
    let url = scripted(|number, message| {
        let id = &message[1];
        if message[0] != "REQ" {
            return vec![];
        }
        if number == 0 {
            return vec![format!("[\"CLOSED\",{id},\"error: \\u001bshutting down idle\"]")];
        }
        vec![format!("[\"EOSE\",{id}]")]
    })
    .await;
    let mut alice = Agent::new(&[(&url, Roles::both())]);
    wait(async || alice.state(&url).cause.is_some()).await;
    let state = alice.state(&url);
    assert!(state.connected && !state.listening);
    let cause = "our subscription was closed: error: shutting down idle";
    assert_eq!(state.cause.as_deref(), Some(cause));
    alice.until(|heard| matches!(heard, Heard::Connected { .. })).await;
    assert!(alice.state(&url).listening && alice.state(&url).cause.is_none());
}

#[tokio::test]
async fn a_relay_that_serves_rubbish_is_survived_and_altered_copies_hide_nothing() {
    let (alice, bob) = (Keys::generate(), Keys::generate());
    let to = PublicKey(bob.public_key().to_bytes());
    let rumor = Rumor {
        pubkey: PublicKey(alice.public_key().to_bytes()),
        created_at: 1,
        kind: 14,
        tags: vec![vec!["v".into(), "1".into()]],
        content: "genuine".into(),
    };
    let genuine = wrap::wrap(&rumor, &alice, to, status::now(), wrap::BACKDATING).unwrap();
    let mut altered = genuine.clone();
    altered.content.push('A');
    let url = scripted(move |_, message| {
        let id = &message[1];
        if message[0] != "REQ" {
            return vec![];
        }
        use nostr::JsonUtil;
        vec![
            "not json".into(),
            "{}".into(),
            "[]".into(),
            "[\"EVENT\"]".into(),
            format!("[\"EVENT\",{id},{{}}]"),
            format!("[\"EVENT\",{id},\"{}\"]", "x".repeat(200_000)),
            format!("[\"EVENT\",{id},{}]", altered.as_json()),
            format!("[\"EVENT\",\"another\",{}]", genuine.as_json()),
            "[\"OK\",\"zz\",true,\"\"]".into(),
            format!("[\"EVENT\",{id},{}]", genuine.as_json()),
            format!("[\"EOSE\",{id}]"),
        ]
    })
    .await;
    let mut bob = Agent::with(&bob, &[(&url, Roles::both())]);
    assert_eq!(bob.message().await.1, "genuine");
    let refused = bob.relays.refused();
    assert_eq!((refused["unverified"], refused["oversized"]), (1, 1));
}

#[test]
fn what_is_no_key_or_no_relay_is_an_error() {
    let start = |secret, url: &str| {
        let relays = vec![RelaySpec { url: url.into(), roles: Roles::both() }];
        let settings =
            Settings { secret, relays, instance: InstanceId([0; 8]), caught_up: BTreeMap::new() };
        Relays::start(settings, mpsc::channel(1).0).map(|_| ())
    };
    assert!(matches!(start([0; 32], "wss://a"), Err(RelaysError::BadKey)));
    assert!(matches!(start([1; 32], "http://a"), Err(RelaysError::BadUrl { .. })));
}
