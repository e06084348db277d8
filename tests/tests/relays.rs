//! Limits and time that relays announce, with the real binary.

use p2p_tests::proxy::Proxy;
use p2p_tests::{Agent, Meeting, Relay, eventually, until};
use serde_json::json;

#[test]
fn an_oversized_message_fails_and_a_wrong_clock_is_shown() {
    let relay = Relay::start();
    let proxy = Proxy::before(relay.url());
    proxy.about(json!({"limitation": {"max_message_length": 8000, "payment_required": true}}));
    let url = proxy.url().to_owned();
    proxy.clock_ahead(7200);
    let agent = |name| Agent::new(name, &[proxy.url()]);
    let meeting = Meeting::of(relay, agent("alice"), agent("bob"));
    let talk = meeting.call("a narrow line");
    let status = eventually("the limits are known", || {
        let status = meeting.alice.json(&["status"]);
        (status["relays"][0]["requirements"][0] == "wants to be paid").then_some(status)
    });
    let ahead = status["clock_ahead_s"].as_i64().unwrap();
    assert!((7190..=7210).contains(&ahead), "{ahead}");
    let shown = meeting.alice.run(&["status"]).exits(0).stdout;
    assert!(shown.contains("\nclock: 2h behind what the relays say;"), "{shown}");
    // Two hours of difference and both see each other all the same.
    until("bob is online", || {
        let online = meeting.alice.json(&["list"]);
        online["agents"][0]["peer"]["name"] == "bob"
    });

    let sent = meeting.alice.json(&["send", "--call", &talk.alice, &"x".repeat(9000)]);
    let handle = sent["message"]["handle"].as_str().unwrap().to_owned();
    until("it is given up", || {
        let message = meeting.alice.json(&["read", &handle]);
        message["delivery"]["state"] == "undelivered"
    });
    let refused = meeting.alice.json(&["read", &handle])["delivery"]["receipts"][0].clone();
    assert_eq!((&refused["url"], &refused["accepted"]), (&json!(url), &json!(false)), "{refused}");
    assert!(refused["cause"].as_str().unwrap().contains("and it takes 8000"), "{refused}");
    let told = meeting.alice.run(&["read", &handle]).exits(0).stdout;
    assert!(told.contains(" refused: too large"), "{told}");
    let inbox = meeting.alice.json(&["inbox"]).to_string();
    assert!(inbox.contains("too large: ") && inbox.contains("and it takes 8000"), "{inbox}");
    // What comes behind it is not held up.
    let sent = meeting.alice.json(&["send", "short", "--until", "delivered", "--wait", "60"]);
    let handle = sent["message"]["handle"].as_str().unwrap();
    let took = meeting.alice.json(&["read", handle])["delivery"]["receipts"].clone();
    assert_eq!(took, json!([{"url": url, "accepted": true, "cause": null}]));
    let heard: Vec<String> =
        p2p_tests::transcript(&meeting.bob, &talk.bob).into_iter().map(|said| said.text).collect();
    assert_eq!(heard, ["short"]);
}

#[test]
fn a_finished_catch_up_is_not_repeated_after_a_kill() {
    let relay = Relay::start();
    let proxy = Proxy::before(relay.url());
    let agent = Agent::new("alice", &[proxy.url()]);
    // From when on it asks for what was kept: not by the live subscription, which has a name.
    let asked = || -> Vec<u64> {
        let asked = proxy.tally().asked;
        let kept = asked.iter().filter(|message| {
            message[1].as_str().is_some_and(|id| id.starts_with('q')) && message[2]["#p"].is_array()
        });
        kept.map(|message| message[2]["since"].as_u64().unwrap_or_default()).collect()
    };
    agent.json(&["status"]);
    until("it asks for everything there is", || asked().last() == Some(&0));
    let now = || std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs();
    until("it asks for two days and an hour of it", || {
        agent.kill9();
        agent.json(&["status"]);
        eventually("it asks at all", || asked().last().copied()).abs_diff(now() - 176_400) < 60
    });
}

#[test]
fn read_shows_what_a_message_waits_for() {
    let relay = Relay::start();
    let alice = Agent::new("alice", &[relay.url()]);
    let bob = Agent::new("bob", &[relay.url()]);
    let diagnosis = |message: &str, waits_for: &str| {
        eventually(&format!("{message} waits for {waits_for}"), || {
            let delivery = alice.json(&["read", message])["delivery"].clone();
            (delivery["diagnosis"]["waits_for"] == *waits_for).then_some(delivery)
        })
    };
    // Bob's profile is published once, and bob is then gone.
    alice.befriend(&bob);
    bob.json(&["status"]);
    until("bob is online", || alice.json(&["list"])["agents"][0]["peer"]["name"] == "bob");
    bob.kill9();
    let sent = alice.json(&["dm", "bob", "are you there?"]);
    let sent = sent["message"]["handle"].as_str().unwrap();
    let delivery = diagnosis(sent, "acknowledgement");
    assert_eq!(delivery["receipts"][0]["accepted"], true, "{delivery}");
    assert!(delivery["diagnosis"]["peer_seen_ms"].is_u64(), "{delivery}");
    assert!(delivery["diagnosis"]["next_attempt_ms"].is_u64(), "{delivery}");
    let text = alice.run(&["read", sent]).exits(0).stdout;
    assert!(text.contains("\nwaits for bob's daemon to acknowledge it"), "{text}");
    assert!(text.contains("\nnext attempt in ") && text.contains("\nbob was last seen "), "{text}");

    // Nobody published relays for this key.
    let nobody = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
    let lost = alice.json(&["dm", nobody, "hello?"]);
    let lost = lost["message"]["handle"].as_str().unwrap();
    let receipts = || alice.json(&["read", lost])["delivery"]["receipts"].clone();
    until("the missing relays are named", || receipts()[0]["url"] == "*");
    assert_eq!(receipts()[0]["cause"], "no relay of the receiver is known");
    diagnosis(lost, "relay");
    let text = alice.run(&["read", lost]).exits(0).stdout;
    assert!(text.contains("\nnot given to a relay: no relay of the receiver is known\n"), "{text}");
    assert!(text.contains("\nwaits for a relay to accept it\n"), "{text}");
    assert!(text.contains(" was not seen since the daemon started\n"), "{text}");
}
