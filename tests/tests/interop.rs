//! Interoperation with programs of others: a call through PyPI's `nostr-relay`, and direct messages
//! to and from npm's `nostr-tools` and Rust's `nostr-sdk`. `.ci/run` installs the first two. Where
//! they are missing a test says so and is skipped; in CI that is a failure.

use std::fs;

use nostr_sdk::{
    Client, Event, EventBuilder, Filter, Keys, Kind, PublicKey, RelayPoolNotification, Tag,
};
use p2p_ipc::ErrorCode;
use p2p_tests::{Agent, Meeting, PATIENCE, Person, Relay, eventually, interop, state, until};
use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;

fn foreign_relay(folder: &std::path::Path) -> Option<Relay> {
    let relay = interop::foreign_relay(folder);
    if relay.is_none() {
        let how = interop::HOW_TO_NOSTR_RELAY;
        interop::skipped("a call through a foreign relay", "PyPI's nostr-relay", how);
    }
    relay
}

#[test]
fn a_whole_call_works_through_a_relay_by_others() {
    let folder = tempfile::tempdir().unwrap();
    let Some(relay) = foreign_relay(folder.path()) else { return };
    let meeting = Meeting::on(relay);
    let (alice, bob) = (&meeting.alice, &meeting.bob);
    until("alice sees bob", || {
        let listed = alice.json(&["list", "--can", "docs"]);
        listed["agents"].as_array().is_some_and(|agents| agents.len() == 1)
    });
    let talk = meeting.call("through a foreign relay");
    for n in 1..=3 {
        alice.json(&["send", &format!("question {n}"), "--until", "delivered", "--wait", "60"]);
        bob.json(&["send", &format!("answer {n}"), "--until", "delivered", "--wait", "60"]);
    }
    let bytes: Vec<u8> = (0..100_000_u32).map(|n| (n % 251) as u8).collect();
    fs::write(alice.work().join("data.bin"), &bytes).unwrap();
    alice.json(&["sendfile", "data.bin"]);
    eventually("the file is whole", || {
        let files = bob.json(&["files"]);
        (files["files"][0]["state"] == "complete").then_some(())
    });
    bob.json(&["files", "get", "f1", "--to", "copy.bin"]);
    assert_eq!(fs::read(bob.work().join("copy.bin")).unwrap(), bytes);
    bob.kill9();
    alice.json(&["send", "are you there?"]);
    bob.json(&["wait", "--for", "message", "--wait", "60"]);
    bob.json(&["end", "Thanks"]);
    until("it is over for alice, too", || state(alice, &talk.alice) == "ended");
    let said: Vec<String> =
        meeting.same_transcript(&talk).into_iter().map(|said| said.text).collect();
    assert_eq!(said.len(), 8, "{said:?}");
    assert_eq!(said.last().map(String::as_str), Some("are you there?"));
}

#[test]
fn a_person_and_an_agent_exchange_direct_messages() {
    let relay = Relay::start();
    let agent = Agent::new("alice", &[relay.url()]);
    let Some(person) = Person::start(&relay, &agent, "messages to and from a person") else {
        return;
    };
    let words = "Grüße, 世界 🦞\nsecond line\t\"quoted\" \\ back";
    let _ = person.says(words);
    let inbox = agent.json(&["wait", "--wait", "60"]);
    let message = &inbox["items"][0]["message"];
    assert_eq!(message["text"], words);
    assert_eq!(message["peer"]["hex"], person.key.as_str());
    assert_eq!((&message["call"], &message["untrusted"]), (&Value::Null, &true.into()));

    // The app is not one of ours: it can be written to, and not be called.
    let refused = agent.fails(8, &["call", &person.key, "a call"]);
    assert_eq!(refused.code, ErrorCode::PlainPeer);
    let answer = "Antwort: ünïcödé 文 🦞";
    let sent = agent.json(&["dm", &person.key, answer, "--until", "sent", "--wait", "60"]);
    assert_eq!(sent["message"]["delivery"]["state"], "sent", "{sent}");
    let heard = person.hears("the answer", |text| text == answer).whole;
    assert_eq!(heard["from"], agent.hex());
    assert_eq!(heard["kind"], 14);
    // A plain NIP-17 message to a room of two, and nothing of ours on it.
    assert_eq!(heard["tags"], json!([["p", person.key]]));

    // And the other way round again, so that neither first contact nor order matters.
    let _ = person.says("bye");
    let inbox = agent.json(&["wait", "--wait", "60"]);
    assert_eq!(inbox["items"][0]["message"]["text"], "bye");
}

/// Returns the next gift wrap that a client is notified of.
#[expect(clippy::unwrap_used, reason = "that is how a test fails")]
async fn next_wrap(mut notifications: Receiver<RelayPoolNotification>) -> Event {
    loop {
        match notifications.recv().await.unwrap() {
            RelayPoolNotification::Event { event, .. } if event.kind == Kind::GiftWrap => {
                return *event;
            }
            _ => {}
        }
    }
}

#[test]
fn an_agent_and_a_nostr_sdk_client_write_to_each_other() {
    let relay = Relay::start();
    let agent = Agent::new("alice", &[relay.url()]);
    let keys = Keys::generate();
    let me = keys.public_key();
    let client = Client::new(keys);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        client.add_relay(relay.url()).await.unwrap();
        client.connect().await;
        client.subscribe(Filter::new().kind(Kind::GiftWrap).pubkey(me), None).await.unwrap();
        let inbox = EventBuilder::new(Kind::InboxRelays, "");
        let inbox = inbox.tag(Tag::parse(["relay", relay.url()]).unwrap());
        client.send_event_builder(inbox).await.unwrap();
        let agent = PublicKey::from_hex(&agent.hex()).unwrap();
        client.send_private_msg(agent, "Hello from nostr-sdk", []).await.unwrap();
    });
    let inbox = agent.json(&["wait", "--wait", "60"]);
    let message = &inbox["items"][0]["message"];
    assert_eq!(message["text"], "Hello from nostr-sdk");
    assert_eq!(message["peer"]["hex"], me.to_hex());

    let answer = runtime.spawn(next_wrap(client.notifications()));
    agent.json(&["dm", &me.to_hex(), "Hello back", "--until", "sent", "--wait", "60"]);
    let gift = runtime.block_on(async {
        let wrap = tokio::time::timeout(PATIENCE, answer).await.unwrap().unwrap();
        client.unwrap_gift_wrap(&wrap).await.unwrap()
    });
    assert_eq!(gift.sender.to_hex(), agent.hex());
    assert_eq!(gift.rumor.kind, Kind::PrivateDirectMessage);
    assert_eq!(gift.rumor.content, "Hello back");
}
