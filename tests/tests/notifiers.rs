//! Notifiers with the real binary: a command, a server and a gateway at once, one of which fails for
//! a while.
#![expect(clippy::unwrap_used, reason = "that is how a test fails")]

use std::fs;
use std::os::unix::fs::PermissionsExt;

use p2p_ipc::ErrorCode;
use p2p_tests::{Agent, Meeting, Relay, Server, Told, until};
use serde_json::{Value, json};

/// Returns the requests that told a server of one event.
fn told(server: &Server, event: &str) -> Vec<Told> {
    let is = |told: &Told| told.json()["event"] == event;
    server.heard().into_iter().filter(is).collect()
}

/// The channels that took a question; which did so first is chance.
fn names(question: &Value) -> Vec<Value> {
    let mut names = question["notified"].as_array().unwrap().clone();
    names.sort_by_key(ToString::to_string);
    names
}

fn channel(agent: &Agent, name: &str) -> Value {
    let status = agent.json(&["status"]);
    let channels = status["notifiers"].as_array().unwrap();
    channels.iter().find(|channel| channel["name"] == name).unwrap().clone()
}

#[test]
fn a_failing_notifier_does_not_delay_the_others() {
    let (relay, server, gateway) = (Relay::start(), Server::start(), Server::start());
    let bob = Agent::new("bob", &[relay.url()]);
    let log = bob.work().join("told.jsonl");
    let bob = bob.configured(&format!(
        "[hooks]\ncommand = [\"sh\", \"-c\", 'cat >> \"$0\"', {log:?}]\n\
         [webhook]\nurl = \"{}/p2p\"\nsecret = \"topsecret\"\n\
         [openclaw]\nurl = \"{}\"\ntoken = \"t0ken\"\n",
        server.url(),
        gateway.url()
    ));
    fs::set_permissions(bob.place().config, fs::Permissions::from_mode(0o644)).unwrap();
    let alice = Agent::new("alice", &[relay.url()]);
    let meeting = Meeting::of(relay, alice, bob);
    let (alice, bob) = (&meeting.alice, &meeting.bob);
    // Who else can read the file could sign and wake.
    let cause = channel(bob, "webhook")["cause"].clone();
    assert!(cause.as_str().is_some_and(|cause| cause.contains("chmod 600")), "{cause}");

    server.answers("503 Later");
    let talk = meeting.ring("words of a peer");
    let by_command = |event: &str| {
        let lines = fs::read_to_string(&log).unwrap_or_default();
        let told = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        told.filter(|told| told["event"] == event).collect::<Vec<_>>()
    };
    until("the command heard it ring", || by_command("ring").len() == 1);
    until("the gateway woke its agent", || gateway.heard().len() == 1);
    let wake = &gateway.heard()[0];
    assert_eq!(
        (wake.path.as_str(), &*wake.headers["authorization"]),
        ("/hooks/wake", "Bearer t0ken")
    );
    let words = format!("p2p: {} rings; 1 unread. Run: p2p", talk.bob);
    assert_eq!(wake.json(), json!({"text": words, "mode": "now"}));
    until("the server's trouble is shown", || channel(bob, "webhook")["undelivered"] == 1);
    let failing = channel(bob, "webhook");
    assert_eq!((&failing["state"], &failing["cause"]), (&"failing".into(), &"HTTP 503".into()));
    assert!(bob.run(&["status"]).stdout.contains("channel webhook: failing"));
    assert!(!serde_json::to_string(&bob.json(&["status"])).unwrap().contains("topsecret"));

    // A killed daemon tells what it owes, and not again what was taken.
    bob.kill9();
    server.answers("200 OK");
    bob.json(&["daemon", "start"]);
    until("the server took it", || {
        channel(bob, "webhook")["state"] == "ok" && {
            let ring = told(&server, "ring").last().map(Told::json);
            ring.is_some_and(|ring| {
                ring["next"] == format!("p2p answer accept --call {}", talk.bob)
            })
        }
    });
    assert_eq!(by_command("ring").len(), 1);

    bob.json(&["answer", "accept", "--wait", "60"]);
    let asked = bob.json(&["escalate", "May I?", "--option", "yes"]);
    assert_eq!(names(&asked), ["command", "webhook"], "{asked}");
    let question = told(&server, "escalate")[0].json();
    assert_eq!((&question["question"], &question["options"]), (&"May I?".into(), &json!(["yes"])));
    assert_eq!(by_command("escalate"), [question]);

    // What one does not take, another does; it is put again until it does.
    server.answers("500 Oh");
    let asked = bob.json(&["escalate", "And now?"]);
    assert_eq!((&asked["notified"], &asked["failed"]), (&json!(["command"]), &json!(["webhook"])));
    server.answers("200 OK");
    until("it was told after all", || {
        names(&bob.json(&["questions"])["questions"][0]) == ["command", "webhook"]
    });
    for told in server.heard().iter().chain(&gateway.heard()) {
        assert!(!told.body.contains("words of a peer") && !told.body.contains("alice"));
    }
    alice.json(&["end", "Thanks"]);
    assert_eq!(gateway.heard().len(), 1, "within twenty seconds there is one wake");
}

#[test]
fn an_invalid_notifier_setting_is_an_error_without_its_secret() {
    let relay = Relay::start();
    let agent = Agent::new("alice", &[relay.url()]);
    let agent = agent.configured("[webhook]\nurl = \"/x\"\nsecret = \"topsecret\"\n");
    let error = agent.fails(2, &["status"]);
    assert_eq!(error.code, ErrorCode::Config);
    for told in ["config.toml", "webhook.url"] {
        assert!(error.message.contains(told), "{}", error.message);
    }
    let agent = agent.configured("[webhook]\nurl = \"http://x\"\nsecrets = \"topsecret\"\n");
    let error = agent.fails(2, &["status"]);
    assert!(error.message.contains("line 3: unknown field `secrets`"), "{}", error.message);
    assert!(!error.message.contains("topsecret"), "{}", error.message);
    let log = fs::read_to_string(agent.place().log).unwrap_or_default();
    assert!(!log.contains("topsecret"), "{log}");
}
