//! Messages before a call is answered: the opening message, messages and files that wait, and two
//! rings that cross.

use std::fs;

use p2p_tests::{Agent, Meeting, eventually, until};
use serde_json::Value;

/// Returns the peer's messages that an agent is shown, once there are `count`.
fn hears(agent: &Agent, count: usize) -> Vec<String> {
    let mut heard = Vec::new();
    until("it hears all of it", || {
        let items = agent.json(&["inbox"])["items"].take();
        let words = items.as_array().into_iter().flatten();
        heard.extend(words.filter_map(|item| item["message"]["text"].as_str().map(String::from)));
        heard.len() >= count
    });
    heard
}

/// Returns the delivery state of an agent's message with this text.
fn reached(agent: &Agent, call: &str, text: &str) -> String {
    let shown = agent.json(&["transcript", call]);
    let mut messages = shown["messages"].as_array().into_iter().flatten();
    let state = messages.find(|message| message["text"] == text).map(|m| &m["delivery"]["state"]);
    state.and_then(Value::as_str).unwrap_or("not there").to_owned()
}

#[test]
fn messages_queued_while_ringing_arrive_after_the_answer() {
    let meeting = Meeting::new();
    let (alice, bob) = (&meeting.alice, &meeting.bob);
    fs::write(alice.work().join("page.md"), "# Seite\n").unwrap();
    let placed = alice.json(&["call", "bob", "a page", "-m", "Please.", "--file", "page.md"]);
    let call = placed["call"]["handle"].as_str().unwrap();
    assert_eq!(placed["file"]["state"], "transferring");
    alice.json(&["send", "by noon"]);
    eventually("it rings", || {
        bob.json(&["status"])["calls"][0]["handle"].as_str().map(String::from)
    });
    assert_eq!(hears(bob, 1), ["Please."]);
    // He is a contact of hers, so that she may know that he was shown it.
    until("the opening message is read", || reached(alice, call, "Please.") == "read");
    assert_eq!(reached(alice, call, "by noon"), "queued", "nobody has answered");
    bob.json(&["answer", "accept", "--wait", "60"]);
    let file = bob.json(&["wait", "--for", "file", "--wait", "60"])["items"].take();
    let file = file.as_array().unwrap().iter().find(|item| item["kind"] == "file").unwrap();
    assert_eq!(fs::read_to_string(file["file"]["path"].as_str().unwrap()).unwrap(), "# Seite\n");
    // The file alone is read by being shown; words behind it once they are.
    until("the file is read", || reached(alice, call, "page.md") == "read");
    hears(bob, 0);
    until("the words are read", || reached(alice, call, "by noon") == "read");
}

#[test]
fn messages_of_crossing_rings_arrive_in_the_surviving_call() {
    let meeting = Meeting::new();
    let (alice, bob) = (&meeting.alice, &meeting.bob);
    let ring = |from: &Agent, to: &str, words: &str| {
        fs::write(from.work().join("page.md"), words).unwrap();
        from.start(&["call", to, "tea", "-m", words, "--file", "page.md", "--wait", "60", "--json"])
    };
    let (hers, his) = (ring(alice, "bob", "from alice"), ring(bob, "alice", "from bob"));
    let calls = [hers, his].map(|ring| ring.end().result(0)["call"].take());
    assert_eq!(calls[0]["id"], calls[1]["id"]);
    assert_eq!((&calls[0]["state"], &calls[1]["state"]), (&"active".into(), &"active".into()));
    assert_eq!(hears(alice, 1), ["from bob"]);
    assert_eq!(hears(bob, 1), ["from alice"]);
    for (agent, call, said, heard) in
        [(alice, &calls[0], "from alice", "from bob"), (bob, &calls[1], "from bob", "from alice")]
    {
        let call = call["handle"].as_str().unwrap();
        until("what it said is read", || reached(agent, call, said) == "read");
        agent.json(&["send", "on with it", "--until", "delivered", "--wait", "60"]);
        let shown = agent.json(&["inbox", "--last", "20"]);
        let items = shown["items"].as_array().into_iter().flatten();
        let count = items.filter(|item| item["message"]["text"] == heard).count();
        assert_eq!(count, 1, "once, and no more");
        until("the file is there", || {
            let files = agent.json(&["files"])["files"].take();
            let files = files.as_array().into_iter().flatten();
            let mut theirs = files.filter(|file| file["outgoing"] == false);
            theirs.any(|file| file["state"] == "complete" && file["call"] == *call)
        });
        // Typed again, it is that call.
        let again = agent.json(&["call", if heard == "from bob" { "bob" } else { "alice" }, "tea"]);
        assert_eq!((&again["call"]["handle"], &again["created"]), (&call.into(), &false.into()));
    }
}
