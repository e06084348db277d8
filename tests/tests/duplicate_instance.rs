//! Two daemons with one key, as on two machines: the later one yields.

use std::fs;

use p2p_ipc::ErrorCode;
use p2p_tests::{Agent, Meeting, until};

#[test]
fn the_later_of_two_daemons_with_one_key_yields() {
    let meeting = Meeting::new();
    let (alice, bob) = (&meeting.alice, &meeting.bob);
    let talk = meeting.call("one of two");
    let twin = Agent::new("twin", &[meeting.relay.url()]);
    fs::create_dir_all(twin.home()).unwrap();
    fs::copy(alice.place().identity, twin.place().identity).unwrap();
    assert_eq!(twin.json(&["whoami"])["npub"], alice.npub().as_str());
    until("the twin yields", || !twin.json(&["status"])["duplicate_since_ms"].is_null());
    let refused = twin.fails(9, &["dm", &bob.npub(), "It is me."]);
    assert_eq!(refused.code, ErrorCode::DuplicateInstance);
    assert!(twin.run(&["status"]).stdout.contains("yielded: another daemon runs with this key"));
    // What is there can be read, and the first one goes on as if nothing was.
    twin.json(&["inbox"]);
    assert!(alice.json(&["status"])["duplicate_since_ms"].is_null());
    alice.json(&["send", "Still here.", "--until", "delivered", "--wait", "60"]);
    bob.json(&["send", "So am I.", "--until", "delivered", "--wait", "60"]);
    let said = meeting.same_transcript(&talk);
    assert_eq!(said.len(), 2);
    // Once the first one is stopped, the other may begin.
    alice.json(&["daemon", "stop"]);
    twin.json(&["daemon", "stop"]);
    twin.json(&["daemon", "start"]);
    twin.json(&["dm", &bob.npub(), "Now it is me."]);
    assert!(twin.json(&["status"])["duplicate_since_ms"].is_null());
}
