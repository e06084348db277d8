//! With programs that we did not write: a whole call through PyPI's `nostr-relay`, and direct
//! messages to and from npm's `nostr-tools`. `.ci/run` installs both; where they are missing the
//! tests say so, and in CI that is a failure.
#![expect(clippy::panic, clippy::unwrap_used, reason = "that is how a test fails")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use p2p_ipc::ErrorCode;
use p2p_tests::{Agent, Meeting, PATIENCE, Relay, eventually, interop, root, state, until};
use serde_json::Value;

fn foreign_relay(folder: &std::path::Path) -> Option<Relay> {
    let relay = interop::foreign_relay(folder);
    if relay.is_none() {
        let how = interop::HOW_TO_NOSTR_RELAY;
        interop::skipped("a call through a foreign relay", "PyPI's nostr-relay", how);
    }
    relay
}

#[test]
fn a_whole_call_through_a_relay_that_we_did_not_write() {
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

/// `tests/interop/person.mjs`, running.
struct Person {
    child: Child,
    stdin: ChildStdin,
    told: Receiver<Value>,
    key: String,
}

impl Person {
    fn start(relay: &Relay, agent: &Agent) -> Option<Self> {
        let Some(modules) = interop::nostr_tools() else {
            let how = "npm install --no-save --no-package-lock --prefix target/interop nostr-tools@2.25 ws@8";
            interop::skipped(
                "messages to and from a person",
                "node and npm's nostr-tools, ws",
                how,
            );
            return None;
        };
        let mut child = Command::new("node")
            .arg(root().join("tests/interop/person.mjs"))
            .args([modules.as_os_str(), relay.url().as_ref(), agent.hex().as_ref()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (tell, told) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _ = tell.send(serde_json::from_str(&line).unwrap_or(Value::String(line)));
            }
        });
        let mut person = Self { child, stdin, told, key: String::new() };
        let ready = person.next();
        person.key = ready["ready"].as_str().unwrap_or_else(|| panic!("{ready}")).to_owned();
        Some(person)
    }

    fn next(&self) -> Value {
        self.told.recv_timeout(PATIENCE).unwrap()
    }

    fn write(&mut self, text: &str) {
        writeln!(self.stdin, "{}", Value::from(text)).unwrap();
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_person_writes_to_an_agent_and_is_answered() {
    let relay = Relay::start();
    let agent = Agent::new("alice", &[relay.url()]);
    until("the agent can be written to", || {
        let status = agent.json(&["status"]);
        status["relays"][0]["listening"] == true
    });
    let mut wire = p2p_tests::Wire::open(relay.url());
    let list = serde_json::json!({"kinds": [10050], "authors": [agent.hex()]});
    until("its kind 10050 is out", || !wire.ask(&list).is_empty());
    let Some(mut person) = Person::start(&relay, &agent) else { return };

    let words = "Grüße, 世界 🦞\nsecond line\t\"quoted\" \\ back";
    person.write(words);
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
    let heard = person.next();
    assert_eq!(heard["content"], answer);
    assert_eq!(heard["from"], agent.hex());
    assert_eq!(heard["kind"], 14);
    // A plain NIP-17 message to a room of two, and nothing of ours on it.
    assert_eq!(heard["tags"], serde_json::json!([["p", person.key]]));

    // And the other way round again, so that neither first contact nor order matters.
    person.write("bye");
    let inbox = agent.json(&["wait", "--wait", "60"]);
    assert_eq!(inbox["items"][0]["message"]["text"], "bye");
}
