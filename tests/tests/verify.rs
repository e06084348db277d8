//! Both ends of a call exchange digests, and an exported transcript is checked against them.

use std::fs;

use p2p_ipc::ErrorCode;
use p2p_tests::{Meeting, until};

#[test]
fn verify_compares_transcripts_and_detects_a_changed_export() {
    let meeting = Meeting::new();
    let (alice, bob) = (&meeting.alice, &meeting.bob);
    let talk = meeting.call("verify");
    alice.json(&["send", "One."]);
    bob.json(&["send", "Two.\nThree."]);
    bob.json(&["sendfile", "a.md", "IyBI"]);
    assert_eq!(
        bob.fails(9, &["escalate", "May I?", "--option", "yes"]).code,
        ErrorCode::NobodyTold
    );
    let open = alice.fails(6, &["verify", &talk.alice]);
    assert_eq!(open.code, ErrorCode::CallState);
    alice.json(&["end", "Thanks"]);
    for (agent, call) in [(alice, &talk.alice), (bob, &talk.bob)] {
        until("both have told", || agent.run(&["verify", call]).code == Some(0));
        let verified = agent.json(&["verify", call]);
        let said = if agent.name() == "alice" { 1 } else { 3 };
        assert_eq!(verified["comparison"]["sent"]["count"], said, "{verified}");
        assert_eq!(verified["comparison"]["received"]["count"], 4 - said, "{verified}");
        let whole = agent.run(&["transcript", call, "--json"]).stdout;
        assert!(whole.contains("\"outcome\":\"same\""), "{whole}");
        fs::write(agent.work().join("call.json"), &whole).unwrap();
        assert_eq!(agent.json(&["verify", "call.json"])["from_export"], true);
        for (word, other) in [("Two.", "Six."), ("May I?", "I may!"), ("One.", "Won.")] {
            let changed = whole.replace(word, other);
            assert_ne!(changed, whole);
            fs::write(agent.work().join("changed.json"), changed).unwrap();
            assert_eq!(
                agent.fails(7, &["verify", "changed.json"]).code,
                ErrorCode::TranscriptsDiffer
            );
        }
        let none = agent.fails(2, &["verify", "missing.json"]);
        assert_eq!(none.code, ErrorCode::LocalFile);
        let tail = agent.run(&["transcript", call, "--tail", "1", "--json"]).stdout;
        fs::write(agent.work().join("tail.json"), tail).unwrap();
        assert_eq!(agent.fails(2, &["verify", "tail.json"]).code, ErrorCode::Usage);
        fs::write(agent.work().join("none.json"), "{\"v\":1}").unwrap();
        assert_eq!(agent.fails(2, &["verify", "none.json"]).code, ErrorCode::Usage);
    }
    // The other end's export is the same call seen from there.
    fs::copy(alice.work().join("call.json"), bob.work().join("hers.json")).unwrap();
    assert_eq!(bob.json(&["verify", "hers.json"])["comparison"]["outcome"], "same");
}
